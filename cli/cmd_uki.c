/* pcrcast uki: its verbs and options; uki hash and uki extract. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/hash_jobs.h"
#include "cli/cmd_uki.h"
#include "uki/authenticode.h"

enum {
	OPT_PROFILE = OPT_OWN,
	OPT_PHASE,
	OPT_AS,
	OPT_HWID,
	OPT_DT_COMPATIBLE,
};

enum { STREAM_MAX = 1 << 30 }; /* bytes of a UKI read from standard input into memory */

#define ROW_PROFILE                                                                          \
	{                                                                                    \
		"profile", 0, "N", OPT_PROFILE, "profile of a multi-profile UKI (default 0)" \
	}
#define ROW_HWID                                                                     \
	{                                                                            \
		"hwid", 0, "GUID|none", OPT_HWID,                                    \
			"hardware id (CHID) of the machine, best first (repeatable)" \
	}
#define ROW_DT                                                                  \
	{                                                                       \
		"dt-compatible", 0, "NAME|none", OPT_DT_COMPATIBLE,             \
			"first compatible string of the firmware's device tree" \
	}

static const struct option_row show_rows[] = { ROW_BANK,        ROW_PROFILE, ROW_HWID, ROW_DT, ROW_JSON,
					       ROW_ONLY_ERRORS, ROW_COLOR,   ROW_HELP, ROW_END };
static const struct option_row hash_rows[] = { ROW_BANK,  ROW_JSON, ROW_ONLY_ERRORS,
					       ROW_COLOR, ROW_HELP, ROW_END };
static const struct option_row measure_rows[] = {
	ROW_BANK,
	ROW_PROFILE,
	{ "phase", 0, "WORD[:WORD…]", OPT_PHASE,
	  "userspace phases; \":\" for none (repeatable; default: systemd-measure's four)" },
	{ "as", 0, "FORMAT", OPT_AS, "systemd-measure: its JSON (default banks: all)" },
	ROW_HWID,
	ROW_DT,
	ROW_JSON,
	ROW_ONLY_ERRORS,
	ROW_COLOR,
	ROW_HELP,
	ROW_END,
};
static const struct option_row extract_rows[] = {
	ROW_PROFILE, ROW_HWID, ROW_DT, ROW_OUTPUT, ROW_ONLY_ERRORS, ROW_COLOR, ROW_HELP, ROW_END,
};

static int take_option(void *arguments, int code)
{
	struct uki_arguments *a = arguments;
	unsigned long number;

	switch (code) {
	case OPT_BANK:
		return take_banks(&a->banks);
	case OPT_PROFILE:
		if (!parse_unsigned(optarg, UINT_MAX - 1, &number))
			return usage_error("--profile %s: expected a number", optarg);
		a->has_profile = true;
		a->profile = (unsigned)number;
		return 0;
	case OPT_PHASE: {
		if (!is_phase_path(optarg))
			return usage_error(
				"--phase \"%s\": expected words with : between them, or : for none", optarg);
		const char **place =
			pool_push(&a->pool, &a->phases, &a->n_phases, &a->cap_phases, sizeof *place);
		if (!place)
			return out_of_memory();
		*place = strcmp(optarg, ":") == 0 ? "" : optarg;
		return 0;
	}
	case OPT_AS:
		a->as_systemd_measure = strcmp(optarg, "systemd-measure") == 0;
		return a->as_systemd_measure ? 0 : usage_error("--as %s: expected systemd-measure", optarg);
	case OPT_HWID:
		a->hardware.ids_known = true;
		if (strcmp(optarg, "none") != 0) {
			struct guid *g =
				pool_push(&a->pool, &a->hwids, &a->n_hwids, &a->cap_hwids, sizeof *g);

			if (!g || !guid_parse(optarg, g))
				return usage_error("--hwid %s: expected a GUID or none", optarg);
		}
		return 0;
	case OPT_DT_COMPATIBLE:
		if (!*optarg)
			return usage_error("--dt-compatible is empty: expected a name or none");
		a->hardware.compatible_known = true;
		a->hardware.compatible = strcmp(optarg, "none") == 0 ? NULL : optarg;
		return 0;
	case OPT_OUTPUT:
		a->output = optarg;
		return empty_name(optarg) ? EXIT_TROUBLE : 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	case OPT_QUIET:
		a->quiet = true;
		return 0;
	case OPT_COLOR:
		return take_color();
	}
	return EXIT_TROUBLE;
}

/* ---- reading ---- */

static int open_input(struct uki_arguments *a, struct uki_input *in, struct pcrcast_error *e)
{
	int r = strcmp(a->file, "-") == 0 ?
			source_read_stream(STDIN_FILENO, "standard input", STREAM_MAX, &in->source, e) :
			source_open_file(a->file, &in->source, e);

	if (r == 0)
		r = blob_of_source(&a->pool, in->source, &in->bytes, e);
	if (r == 0)
		r = pe_parse(&a->pool, &in->bytes, &in->pe, e);
	return r < 0 ? r : sd_identify(&a->pool, &in->pe, &in->id, e);
}

int open_uki(struct uki_arguments *a, const struct uki_input *in, struct uki *uki, struct pcrcast_error *e)
{
	int r = uki_open(&a->pool, &in->pe, &in->id, a->profile, &a->hardware, uki, e);

	if (r == 0 && uki->newer_than_known && !a->quiet) {
		fputs("note: systemd-stub ", stderr);
		put_text(stderr, in->id.text);
		fputs(" is newer than every version known here: taken as the newest known, 262\n", stderr);
	}
	return r;
}

/* ---- hash ---- */

int hash_image(struct uki_arguments *a, const struct pe *pe, alg_set banks, struct uki_hashes *ret,
	       struct pcrcast_error *e)
{
	struct hash_jobs *jobs = hash_jobs_new();
	struct blob plain, padded;
	size_t plain_id = 0, padded_id = 0;

	int r = jobs ? authenticode_bytes(&a->pool, pe, &plain, e) : err_nomem(e);
	if (r == 0)
		r = authenticode_bytes_padded(&a->pool, pe, &ret->differs, &padded, e);
	if (r == 0)
		r = hash_jobs_add(jobs, &plain, &plain_id, e);
	if (r == 0)
		r = hash_jobs_add(jobs, &padded, &padded_id, e);
	if (r == 0)
		r = hash_jobs_run(jobs, banks, 0, e);
	for (enum alg alg = 0; r == 0 && alg < ALG_COUNT; alg++) {
		ret->plain[alg] = *hash_jobs_digest(jobs, plain_id, alg);
		ret->padded[alg] = *hash_jobs_digest(jobs, padded_id, alg);
	}
	hash_jobs_free(jobs);
	return r;
}

void digests_json(struct json_doc *d, struct cJSON *parent, const char *key, alg_set banks,
		  const struct digest digests[static ALG_COUNT])
{
	struct cJSON *o = json_object(d);

	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		if (banks & 1u << alg)
			json_add_hex(d, o, algs[alg].name, digests[alg].bytes, algs[alg].len);
	json_add(d, parent, key, o);
}

void print_hashes(alg_set banks, const struct digest digests[static ALG_COUNT], const char *label)
{
	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		char hex[2 * DIGEST_MAX + 1];

		if (!(banks & 1u << alg))
			continue;
		hex_encode(digests[alg].bytes, algs[alg].len, hex);
		printf("%-14s %s:%s\n", label, algs[alg].name, hex);
	}
}

int write_json(struct json_doc *d, struct cJSON *root, bool compact, struct pcrcast_error *e)
{
	bool ok = json_write(d, root, compact, stdout);

	json_free(root);
	return ok ? 0 : err_set(e, PCRCAST_EIO, PCRCAST_NO_OFFSET, "cannot write JSON to standard output");
}

static int run_hash(struct uki_arguments *a, struct uki_input *in, struct pcrcast_error *e)
{
	alg_set banks = a->banks ? a->banks : 1u << ALG_SHA256;
	struct uki_hashes h = { 0 };
	int r = hash_image(a, &in->pe, banks, &h, e);

	if (r < 0)
		return r;
	if (a->json) {
		struct json_doc d = { false };
		struct cJSON *root = json_object(&d);

		json_add_u64(&d, root, "version", 1);
		json_add_string(&d, root, "file", a->file);
		digests_json(&d, root, "authenticode", banks, h.plain);
		if (h.differs)
			digests_json(&d, root, "authenticodePadded", banks, h.padded);
		return write_json(&d, root, false, e);
	}
	print_hashes(banks, h.plain, "authenticode");
	if (h.differs)
		print_hashes(banks, h.padded, "  when signed");
	return 0;
}

/* ---- extract ---- */

static int find_section(struct uki_arguments *a, struct uki_input *in, struct blob *ret,
			struct pcrcast_error *e)
{
	const char *name = a->section;
	bool known = false;

	for (enum uki_section s = 0; s < UKI_SECTIONS; s++) {
		struct uki uki;

		if (strcmp(name, uki_section_names[s]) != 0 && strcmp(name, uki_section_names[s] + 1) != 0)
			continue;
		known = true;
		name = uki_section_names[s];
		if (in->id.kind != SD_STUB || !pe_section_find(&in->pe, ".linux"))
			break;
		int r = open_uki(a, in, &uki, e);
		if (r < 0)
			return r;
		if (uki.unknown & UKI_BIT(s))
			return err_set(
				e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
				"which %s section applies depends on the hardware: give --hwid or --dt-compatible",
				name);
		if (!uki.sections[s].set)
			break;
		*ret = uki.sections[s].bytes;
		return 0;
	}
	const struct pe_section *s = !known || in->id.kind != SD_STUB ? pe_section_find(&in->pe, name) : NULL;
	if (!s)
		return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET, "no section %s%s", name,
			       known ? " that its systemd-stub would use" : "");
	return pe_section_content(&a->pool, &in->pe, s, ret, e);
}

/* Bytes that a terminal shows as they are; anything else may do something to it. */
static bool is_plain_text(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < 0x20 && s.p[i] != '\n' && s.p[i] != '\t') || s.p[i] >= 0x7f)
			return false;
	return true;
}

static int run_extract(struct uki_arguments *a, struct uki_input *in, struct pcrcast_error *e)
{
	enum { CHUNK = 1 << 20 };
	bool to_file = a->output && strcmp(a->output, "-") != 0;
	struct out_file out;
	struct blob content;

	int r = find_section(a, in, &content, e);
	uint8_t *buf = pool_array(&a->pool, CHUNK, 1);
	if (r == 0 && !buf)
		r = err_nomem(e);
	if (r == 0 && to_file)
		r = out_open(a->output, &out, e);
	if (r < 0)
		return r;
	for (uint64_t at = 0; r == 0 && at < content.len; at += CHUNK) {
		size_t n = content.len - at < CHUNK ? (size_t)(content.len - at) : CHUNK;

		r = blob_read(&content, at, buf, n, e);
		if (r == 0 && !a->output && isatty(STDOUT_FILENO) &&
		    (content.len > CHUNK || !is_plain_text((struct slice){ buf, n })))
			return err_set(
				e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
				"section %s is not plain text and standard output is a terminal: name a file with --output",
				a->section);
		if (r == 0 && to_file)
			r = out_write(&out, (struct slice){ buf, n }, e);
		else if (r == 0 && fwrite(buf, 1, n, stdout) != n)
			r = err_set(e, PCRCAST_EIO, PCRCAST_NO_OFFSET, "cannot write to standard output");
	}
	if (!to_file)
		return r;
	if (r == 0)
		return out_commit(&out, e);
	out_abort(&out);
	return r;
}

/* ---- the verb ---- */

static const struct verb {
	const char *name, *usage, *purpose;
	const struct option_row *rows;
	int (*run)(struct uki_arguments *a, struct uki_input *in, struct pcrcast_error *e);
	bool wants_section;
} verbs[] = {
	{ "show", "uki show FILE [OPTION…]",
	  "Sections, profiles, stub, kernel, signatures and digests of an EFI file.", show_rows, uki_run_show,
	  false },
	{ "hash", "uki hash FILE [OPTION…]", "Authenticode digests, as firmware measures them.", hash_rows,
	  run_hash, false },
	{ "measure", "uki measure FILE [OPTION…]",
	  "PCR 11 per phase, as systemd-measure calculates it, from the whole file.", measure_rows,
	  uki_run_measure, false },
	{ "extract", "uki extract FILE SECTION [OPTION…]", "The content of a section as it is in memory.",
	  extract_rows, run_extract, true },
};

static void help(void)
{
	puts("usage: pcrcast uki VERB FILE [OPTION…]\n");
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		printf("  %-8s %s\n", verbs[i].name, verbs[i].purpose);
}

static int run_verb(const struct verb *v, struct uki_arguments *a)
{
	struct uki_input in = { NULL };
	struct pcrcast_error e = { .offset = PCRCAST_NO_OFFSET };

	a->hardware.ids = a->hwids;
	a->hardware.n_ids = a->n_hwids;
	int r = a->output && strcmp(a->output, "-") != 0 ?
			refuse_overwrite("--output", a->output, a->file, &e) :
			0;
	if (r == 0)
		r = open_input(a, &in, &e);
	if (r == 0)
		r = v->run(a, &in, &e);
	if (r == 0)
		r = source_check(in.source, &e);
	source_close(in.source);
	return r < 0 ? fail_at(a->file, &e) : EXIT_DONE;
}

int cmd_uki(int argc, char **argv)
{
	const struct verb *v = NULL;

	if (argc < 2)
		return usage_error("uki: expected show, hash, measure or extract");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help();
		return EXIT_DONE;
	}
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			v = &verbs[i];
	if (!v)
		return usage_error("uki: unknown verb \"%s\"", argv[1]);

	struct uki_arguments a = { .pool = POOL_INIT };
	argc--;
	argv++;
	int status = take_options(argc, argv, v->rows, v->usage, v->purpose, take_option, &a);
	if (status) {
		pool_done(&a.pool);
		return status - 1;
	}
	if (optind + 1 + v->wants_section != argc)
		status = usage_error("uki %s: expected %s", v->name,
				     v->wants_section ? "FILE and SECTION" : "one FILE");
	if (status == EXIT_DONE) {
		a.file = argv[optind];
		a.section = argv[optind + v->wants_section];
		status = empty_name(a.file) ? EXIT_TROUBLE : run_verb(v, &a);
	}
	pool_done(&a.pool);
	return status;
}
