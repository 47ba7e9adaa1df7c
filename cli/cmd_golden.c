#define _GNU_SOURCE
#include "cli/cmd_golden.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	OPT_AS = 256,
	OPT_FROM,
	OPT_SET,
	OPT_LABEL,
	OPT_IDENTITY,
	OPT_WARN_ONLY,
	OPT_BANK,
	OPT_PCR,
	OPT_OUTPUT,
	OPT_HASH,
	OPT_OR,
	OPT_PCRLOCK,
	OPT_STEPS,
	OPT_AUTHORIZE,
	OPT_POLICY_REF,
	OPT_AUTHORIZE_NV,
	OPT_JSON,
	OPT_QUIET,
	OPT_COLOR,
	OPT_HELP,
};

// clang-format off
#define ROW_AS { "as", 0, "FORMAT", OPT_AS, "write in this format (default json; \"golden formats\" lists them)" }
#define SOURCE_ROWS \
	{ "from", 0, "FORMAT", OPT_FROM, "the source is in this format (default: by its bytes)" }, \
	{ "bank", 0, "LIST|all", OPT_BANK, "hash banks: sha1,sha256,sha384,sha512" }, \
	{ "pcr", 0, "LIST", OPT_PCR, "registers, as 4,9,11-13 (default all; of an image 4,9,11-13)" }
#define SELECTION_ROWS \
	{ "set", 0, "NAME", OPT_SET, "of several sets the one of this csp, variant, csp/variant or image" }, \
	{ "label", 0, "LABEL", OPT_LABEL, "of several values those with this label (a phase path, a variant)" }
#define COMMON_ROWS \
	{ "quiet", 'q', NULL, OPT_QUIET, "no assumptions and notes on stderr" }, \
	{ "color", 0, "WHEN", OPT_COLOR, "auto (the default), always or never" }, \
	{ "help", 'h', NULL, OPT_HELP, "this list" }, \
	{ NULL, 0, NULL, 0, NULL }
#define ROW_JSON { "json", 0, NULL, OPT_JSON, "print JSON" }
#define ROW_OUTPUT { "output", 'o', "FILE", OPT_OUTPUT, "write there (default: standard output)" }

static const struct option_row make_rows[] = {
	ROW_AS,
	SOURCE_ROWS,
	SELECTION_ROWS,
	{ "identity", 0, "KEY=VALUE", OPT_IDENTITY,
	  "what the values are for: image, vendor, csp, variant, version, ref or stream (repeatable)" },
	{ "warn-only", 0, "LIST", OPT_WARN_ONLY, "these registers are warn-only, all others are enforced" },
	ROW_OUTPUT,
	PREDICT_OPTION_ROWS,
	COMMON_ROWS,
};
static const struct option_row show_rows[] = { SOURCE_ROWS, SELECTION_ROWS, ROW_JSON, PREDICT_OPTION_ROWS, COMMON_ROWS };
static const struct option_row policy_rows[] = {
	SOURCE_ROWS,
	SELECTION_ROWS,
	{ "or", 0, NULL, OPT_OR, "each SOURCE, and each of its sets, is an alternative: PolicyOR, nested beyond eight" },
	{ "pcrlock", 0, NULL, OPT_PCRLOCK, "exactly as systemd-pcrlock: one bank, at most eight values of a register" },
	{ "hash", 0, "ALG", OPT_HASH, "hash of the policy session (default sha256)" },
	{ "authorize", 0, "NAME", OPT_AUTHORIZE,
	  "PolicyAuthorize by the key of this Name (hex, as 000b…), and what it signs to approve the policy" },
	{ "policy-ref", 0, "HEX", OPT_POLICY_REF, "with --authorize: the policyRef (default empty)" },
	{ "authorize-nv", 0, "NAME", OPT_AUTHORIZE_NV, "PolicyAuthorizeNV by the NV index of this Name (hex)" },
	{ "steps", 0, NULL, OPT_STEPS, "list the commands that lead to the policy" },
	{ "output", 'o', "FILE", OPT_OUTPUT, "write the bytes of the policy there too, as tpm2_create --policy takes them" },
	ROW_JSON,
	PREDICT_OPTION_ROWS,
	COMMON_ROWS,
};
// clang-format on

/* ---- options ---- */

static const struct golden_format *take_format(const char *option, const char *name)
{
	const struct golden_format *f = golden_format_by_name(name);

	if (!f)
		usage_error("--%s %s: expected the name of a format (\"golden formats\" lists them)", option,
			    name);
	return f;
}

static int take_identity(struct golden_arguments *a, const char *text)
{
	struct golden_identity *id = &a->identity;
	const struct {
		const char *key;
		const char **place;
	} keys[] = {
		{ "image=", &id->image },     { "vendor=", &id->vendor },   { "csp=", &id->csp },
		{ "variant=", &id->variant }, { "version=", &id->version }, { "ref=", &id->ref },
		{ "stream=", &id->stream },
	};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		size_t n = strlen(keys[i].key);

		if (strncmp(text, keys[i].key, n) == 0) {
			*keys[i].place = text + n;
			return 0;
		}
	}
	return usage_error(
		"--identity %s: expected KEY=VALUE with image, vendor, csp, variant, version, ref or stream",
		text);
}

static int take_pcrs(const char *option, uint32_t *ret)
{
	return parse_pcrs(optarg, ret) ?
		       0 :
		       usage_error("--%s %s: expected numbers from 0 to 23, as 4,9,11-13", option, optarg);
}

static int take_hex(struct golden_arguments *a, const char *option, struct slice *ret)
{
	return parse_hex(&a->pool, optarg, ret) && ret->n ?
		       0 :
		       usage_error("--%s %s: expected an even number of hex digits", option, optarg);
}

/* The options of golden policy alone. */
static int take_policy_option(struct golden_arguments *a, int code)
{
	switch (code) {
	case OPT_HASH:
		a->session = alg_by_name(slice_of_string(optarg));
		return a->session < ALG_COUNT ?
			       0 :
			       usage_error("--hash %s: expected one of sha1, sha256, sha384, sha512", optarg);
	case OPT_OR:
		a->alternatives = true;
		return 0;
	case OPT_PCRLOCK:
		a->pcrlock = true;
		return 0;
	case OPT_STEPS:
		a->steps = true;
		return 0;
	case OPT_AUTHORIZE:
		return take_hex(a, "authorize", &a->authorize);
	case OPT_POLICY_REF:
		return take_hex(a, "policy-ref", &a->policy_ref);
	case OPT_AUTHORIZE_NV:
		return take_hex(a, "authorize-nv", &a->authorize_nv);
	}
	return EXIT_TROUBLE;
}

static int take_option(struct golden_arguments *a, int code)
{
	if (code >= PREDICT_OPT_FIRST)
		return predict_take_option(&a->source.predict, code);
	switch (code) {
	case OPT_AS:
		a->as = take_format("as", optarg);
		return a->as ? 0 : EXIT_TROUBLE;
	case OPT_FROM:
		a->source.from = take_format("from", optarg);
		return a->source.from ? 0 : EXIT_TROUBLE;
	case OPT_SET:
		a->selection.set = optarg;
		return 0;
	case OPT_LABEL:
		a->selection.label = optarg;
		return 0;
	case OPT_IDENTITY:
		return take_identity(a, optarg);
	case OPT_WARN_ONLY:
		a->has_warn_only = true;
		return take_pcrs("warn-only", &a->warn_only);
	case OPT_BANK:
		return parse_banks(optarg, &a->source.banks) ?
			       0 :
			       usage_error("--bank %s: expected all or names of sha1, sha256, sha384, sha512",
					   optarg);
	case OPT_PCR:
		a->source.has_pcrs = true;
		return take_pcrs("pcr", &a->source.pcrs);
	case OPT_OUTPUT:
		a->output = optarg;
		return empty_name(optarg) ? EXIT_TROUBLE : 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	case OPT_QUIET:
		a->quiet = a->source.quiet = true;
		return 0;
	case OPT_COLOR:
		return set_color(optarg) ? 0 :
					   usage_error("--color %s: expected auto, always or never", optarg);
	}
	return take_policy_option(a, code);
}

/* ---- what the verbs share ---- */

void golden_print_notes(const struct golden_arguments *a, const char *const *notes, size_t n,
			const char *kind)
{
	for (size_t i = 0; i < n && !a->quiet; i++) {
		fprintf(stderr, "%s: ", kind);
		put_text(stderr, notes[i]);
		fputc('\n', stderr);
	}
}

int golden_put(const struct golden_arguments *a, const struct golden_format *f, struct slice bytes)
{
	struct pcrcast_error e = { .offset = PCRCAST_NO_OFFSET };

	if (a->output)
		return write_file(a->output, bytes, &e) < 0 ? fail(&e) : EXIT_DONE;
	if (f->binary && isatty(STDOUT_FILENO))
		return usage_error(
			"%s is binary and standard output is a terminal: name a file with --output", f->name);
	(void)fwrite(bytes.p, 1, bytes.n, stdout); /* finish() reports a stream that failed */
	return EXIT_DONE;
}

/* ---- the verb ---- */

static int run_formats(struct golden_arguments *a)
{
	(void)a;
	for (size_t i = 0; i < n_golden_formats; i++) {
		const struct golden_format *f = &golden_formats[i];

		printf("%-22s %s%s  %s\n", f->name, f->read ? "r" : "-", f->write ? "w" : "-", f->purpose);
	}
	return EXIT_DONE;
}

static const struct option_row formats_rows[] = { COMMON_ROWS };

static const struct verb {
	const char *name, *usage, *purpose;
	const struct option_row *rows;
	int (*run)(struct golden_arguments *a);
	size_t least, most; /* files */
	const char *files;  /* what they are */
} verbs[] = {
	{ "make", "golden make SOURCE… [OPTION…]",
	  "Write reference values of images, logs, dumps or other references.", make_rows, golden_run_make, 1,
	  SIZE_MAX, "one SOURCE or more" },
	{ "show", "golden show FILE [OPTION…]", "What a file of reference values says.", show_rows,
	  golden_run_show, 1, 1, "one FILE" },
	{ "policy", "golden policy SOURCE… [OPTION…]", "TPM policy digests that references lead to.",
	  policy_rows, golden_run_policy, 0, SIZE_MAX, "SOURCEs" },
	{ "formats", "golden formats", "The formats that are read (r) and written (w).", formats_rows,
	  run_formats, 0, 0, "no file" },
};

static void help(void)
{
	puts("usage: pcrcast golden VERB FILE… [OPTION…]\n");
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		printf("  %-16s %s\n", verbs[i].name, verbs[i].purpose);
}

static int take_arguments(struct golden_arguments *a, const struct verb *v, int argc, char **argv)
{
	int code;

	while ((code = next_option(argc, argv, v->rows)) != -1) {
		if (code == OPT_HELP) {
			print_help(v->usage, v->purpose, v->rows);
			return EXIT_DONE + 1;
		}
		if (code == '?' || take_option(a, code) != 0)
			return EXIT_TROUBLE + 1;
	}
	if (predict_finish_options(&a->source.predict) != 0)
		return EXIT_TROUBLE + 1;
	a->files = (const char **)argv + optind;
	a->n_files = (size_t)(argc - optind);
	if (a->n_files < v->least || a->n_files > v->most)
		return usage_error("golden %s: expected %s, found %zu", v->name, v->files, a->n_files) + 1;
	for (size_t i = 0; i < a->n_files; i++)
		if (empty_name(a->files[i]))
			return EXIT_TROUBLE + 1;
	a->selection.banks = a->source.banks;
	a->selection.has_pcrs = a->source.has_pcrs;
	a->selection.pcrs = a->source.pcrs;
	return 0;
}

int cmd_golden(int argc, char **argv)
{
	const struct verb *v = NULL;

	if (argc < 2)
		return usage_error("golden: a verb is missing");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help();
		return EXIT_DONE;
	}
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			v = &verbs[i];
	if (!v)
		return usage_error("golden: unknown verb \"%s\"", argv[1]);

	struct golden_arguments a = { .pool = POOL_INIT,
				      .session = ALG_SHA256,
				      .authorize = SLICE_EMPTY,
				      .policy_ref = SLICE_EMPTY,
				      .authorize_nv = SLICE_EMPTY };
	a.source.predict.pool = &a.pool;
	int status = take_arguments(&a, v, argc - 1, argv + 1);
	status = status ? status - 1 : v->run(&a);
	pool_done(&a.pool);
	return status;
}
