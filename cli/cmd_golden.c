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
static int run_presets(struct golden_arguments *a)
{
	(void)a;
	for (size_t i = 0; i < n_golden_presets; i++) {
		const struct golden_preset *p = &golden_presets[i];
		uint32_t enforced = 0, warn_only = 0, offline = 0;

		for (size_t k = 0; k < PRESET_PARTS; k++)
			for (size_t n = 0; n < p->parts[k].n; n++) {
				const struct preset_row *row = &p->parts[k].rows[n];
				uint32_t bit = UINT32_C(1) << row->index;

				enforced = row->warn_only ? enforced & ~bit : enforced | bit;
				warn_only = row->warn_only ? warn_only | bit : warn_only & ~bit;
				offline = row->offline ? offline | bit : offline & ~bit;
			}
		printf("%-20s %s\n%-20s", p->name, p->purpose, "");
		print_indices(p->cc ? "enforced (CC registers)" : "enforced", enforced);
		print_indices("warn-only", warn_only);
		print_indices("from the image", offline);
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
	int code;

	while ((code = next_option(argc, argv, v->rows)) != -1) {
		if (code == GOLDEN_OPT_HELP) {
			print_help(v->usage, v->purpose, v->rows);
			return EXIT_DONE + 1;
		}
		if (code == '?' || golden_take_option(a, code) != 0)
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
