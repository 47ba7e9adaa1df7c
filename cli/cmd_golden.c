/* pcrcast golden: its verbs, and what they share. */
#define _GNU_SOURCE
#include "cli/cmd_golden.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/golden_options.h"
#include "golden/preset.h"

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

void golden_note_phases(const struct golden_arguments *a, const struct golden *g, const char *file)
{
	if (a->quiet || !a->source.predict.phases.n || (g->format && strcmp(g->format, "image") == 0))
		return;
	fputs("note: ", stderr);
	put_text(stderr, file);
	fputs(" is no image, so --phase says nothing of it; --label chooses among its values\n", stderr);
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

static struct cJSON *indices_json(struct json_doc *d, uint32_t pcrs)
{
	struct cJSON *list = json_array(d);

	for (unsigned i = 0; i < PCR_COUNT; i++)
		if (pcrs >> i & 1)
			json_append_u64(d, list, i);
	return list;
}

/* { "version": 1, KEY: list } */
static int print_list(struct json_doc *d, const char *key, struct cJSON *list)
{
	struct cJSON *root = json_object(d);

	json_add_u64(d, root, "version", 1);
	json_add(d, root, key, list);
	(void)json_write(d, root, false, stdout); /* finish() reports a stream that failed */
	json_free(root);
	return d->failed ? EXIT_TROUBLE : EXIT_DONE;
}

static int print_formats_json(void)
{
	struct json_doc d = { false };
	struct cJSON *list = json_array(&d);

	for (size_t i = 0; i < n_golden_formats; i++) {
		const struct golden_format *f = &golden_formats[i];
		struct cJSON *o = json_object(&d), *banks = json_array(&d);

		json_add_string(&d, o, "name", f->name);
		json_add_string(&d, o, "purpose", f->purpose);
		json_add_bool(&d, o, "read", f->read);
		json_add_bool(&d, o, "write", f->write);
		json_add_bool(&d, o, "recognised", f->recognise);
		for (enum alg alg = 0; alg < ALG_COUNT; alg++)
			if (f->banks & 1u << alg)
				json_append_string(&d, banks, algs[alg].name);
		json_add(&d, o, "banks", banks);
		json_append(&d, list, o);
	}
	return print_list(&d, "formats", list);
}

static int run_formats(struct golden_arguments *a)
{
	if (a->json)
		return print_formats_json();
	for (size_t i = 0; i < n_golden_formats; i++) {
		const struct golden_format *f = &golden_formats[i];

		printf("%-22s %s%s  %s\n", f->name, f->read ? "r" : "-", f->write ? "w" : "-", f->purpose);
	}
	return EXIT_DONE;
}

static void print_indices(const char *what, uint32_t pcrs)
{
	const char *comma = "";

	if (!pcrs)
		return;
	printf("  %s ", what);
	for (unsigned i = 0; i < PCR_COUNT; i++)
		if (pcrs >> i & 1) {
			printf("%s%u", comma, i);
			comma = ",";
		}
}

/* Which registers are enforced, only warned about, and follow from an image. */
struct preset_registers {
	uint32_t enforced, warn_only, offline; /* bit i: register i */
};

static struct preset_registers registers_of(const struct golden_preset *p)
{
	struct preset_registers ret = { 0 };

	for (size_t k = 0; k < PRESET_PARTS; k++)
		for (size_t n = 0; n < p->parts[k].n; n++) {
			const struct preset_row *row = &p->parts[k].rows[n];
			uint32_t bit = UINT32_C(1) << row->index;

			ret.enforced = row->warn_only ? ret.enforced & ~bit : ret.enforced | bit;
			ret.warn_only = row->warn_only ? ret.warn_only | bit : ret.warn_only & ~bit;
			ret.offline = row->offline ? ret.offline | bit : ret.offline & ~bit;
		}
	return ret;
}

static int print_presets_json(void)
{
	struct json_doc d = { false };
	struct cJSON *list = json_array(&d);

	for (size_t i = 0; i < n_golden_presets; i++) {
		const struct golden_preset *p = &golden_presets[i];
		const struct preset_registers r = registers_of(p);
		struct cJSON *o = json_object(&d);

		json_add_string(&d, o, "name", p->name);
		json_add_string(&d, o, "purpose", p->purpose);
		json_add_string(&d, o, "csp", p->csp);
		if (p->variant)
			json_add_string(&d, o, "variant", p->variant);
		json_add_bool(&d, o, "cc", p->cc);
		json_add(&d, o, "enforced", indices_json(&d, r.enforced));
		json_add(&d, o, "warnOnly", indices_json(&d, r.warn_only));
		json_add(&d, o, "fromImage", indices_json(&d, r.offline));
		json_append(&d, list, o);
	}
	return print_list(&d, "presets", list);
}

static int run_presets(struct golden_arguments *a)
{
	if (a->json)
		return print_presets_json();
	for (size_t i = 0; i < n_golden_presets; i++) {
		const struct golden_preset *p = &golden_presets[i];
		const struct preset_registers r = registers_of(p);

		printf("%-20s %s\n%-20s", p->name, p->purpose, "");
		print_indices(p->cc ? "enforced (CC registers)" : "enforced", r.enforced);
		print_indices("warn-only", r.warn_only);
		print_indices("from the image", r.offline);
		putchar('\n');
	}
	return EXIT_DONE;
}

static const struct verb {
	const char *name, *usage, *purpose;
	const struct option_row *rows;
	int (*run)(struct golden_arguments *a);
	size_t least, most; /* files */
	const char *files;  /* what they are */
} verbs[] = {
	{ "make", "golden make SOURCE… [OPTION…]",
	  "Write reference values of images, logs, dumps or other references.", golden_make_rows,
	  golden_run_make, 1, SIZE_MAX, "one SOURCE or more" },
	{ "show", "golden show FILE [OPTION…]", "What a file of reference values says.", golden_show_rows,
	  golden_run_show, 1, 1, "one FILE" },
	{ "policy", "golden policy SOURCE… [OPTION…]", "TPM policy digests that references lead to.",
	  golden_policy_rows, golden_run_policy, 0, SIZE_MAX, "SOURCEs" },
	{ "diff", "golden diff WANT GOT [OPTION…]",
	  "Does GOT have the values that WANT accepts? If not, which event or file made it so?",
	  golden_diff_rows, golden_run_compare, 2, 2, "two files, WANT and GOT" },
	{ "verify", "golden verify [EVIDENCE] [OPTION…]",
	  "A quote: signature, nonce, PCR digest, event log, reference values: one verdict.",
	  golden_verify_rows, golden_run_verify, 0, 1, "at most one file, EVIDENCE" },
	{ "sign", "golden sign FILE [OPTION…]",
	  "A detached signature over a file as cosign makes it, or signed policies as systemd has them.",
	  golden_sign_rows, golden_run_sign, 1, 1, "one FILE" },
	{ "check-signature", "golden check-signature FILE [OPTION…]",
	  "Is a detached signature good, or are the signed policies of a .pcrsig or UKI?",
	  golden_check_signature_rows, golden_run_check_signature, 1, 1, "one FILE" },
	{ "formats", "golden formats", "The formats that are read (r) and written (w).", golden_formats_rows,
	  run_formats, 0, 0, "no file" },
	{ "presets", "golden presets", "The presets of --preset, and what they do with which register.",
	  golden_formats_rows, run_presets, 0, 0, "no file" },
};

static void help(void)
{
	puts("usage: pcrcast golden VERB FILE… [OPTION…]\n");
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		printf("  %-16s %s\n", verbs[i].name, verbs[i].purpose);
}

static int take_arguments(struct golden_arguments *a, const struct verb *v, int argc, char **argv)
{
	int status = take_options(argc, argv, v->rows, v->usage, v->purpose, golden_take_option, a);

	if (status)
		return status;
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
	predict_done_options(&a.source.predict);
	pool_done(&a.pool);
	return status;
}
