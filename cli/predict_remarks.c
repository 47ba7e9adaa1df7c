/*
 * What predictions leave open: what is not known, assumed and noted, for people.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "cli/predict_variants.h"
#include "eventlog/cc.h"

/* Of the registers in pcrs. quiet: only what is not known. */
static void print_remarks(FILE *out, const struct prediction *p, uint32_t pcrs, bool quiet)
{
	for (size_t i = 0; i < p->n_unknowns; i++) {
		const struct unknown *u = &p->unknowns[i];

		if (u->pcr >= PCR_COUNT || !(pcrs & UINT32_C(1) << u->pcr))
			continue;
		char buf[12];

		fprintf(out, "%s%s is not known: ", p->cc ? "" : "PCR ", register_name(p->cc, u->pcr, buf));
		put_text(out, u->reason);
		if (u->option)
			fprintf(out, "; %s would tell", u->option);
		fputc('\n', out);
	}
	if (quiet)
		return;
	for (size_t i = 0; i < p->n_assumptions; i++) {
		fprintf(out, "assumed: %s ", p->assumptions[i].what);
		put_text(out, p->assumptions[i].value);
		if (p->assumptions[i].option)
			fprintf(out, " (%s)", p->assumptions[i].option);
		fputc('\n', out);
	}
	for (size_t i = 0; i < p->n_notes; i++) {
		fputs("note: ", out);
		put_text(out, p->notes[i]);
		fputc('\n', out);
	}
}

void predict_print_all_remarks(const struct predict_arguments *a, const struct prediction *all, uint32_t pcrs,
			       bool quiet)
{
	char **texts = calloc(a->n_combinations, sizeof *texts);

	for (size_t i = 0; texts && i < a->n_combinations; i++) {
		const char *label = a->combinations[i].label;
		bool said = false;
		size_t n;
		FILE *f = open_memstream(&texts[i], &n);

		if (!f)
			break;
		print_remarks(f, &all[i], pcrs, quiet);
		if (fclose(f) != 0 || !texts[i])
			break;
		for (size_t k = 0; k < i && !said; k++)
			said = texts[k] && strcmp(texts[k], texts[i]) == 0;
		if (said || !*texts[i])
			continue;
		if (label) {
			put_text(stderr, label);
			fputc('\n', stderr);
		}
		fputs(texts[i], stderr);
	}
	for (size_t i = 0; texts && i < a->n_combinations; i++)
		free(texts[i]);
	free(texts);
}
