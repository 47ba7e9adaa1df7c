/* golden diff: WANT and GOT are read; the comparison is golden_diff.c's. */
#include <string.h>

#include "cli/cmd_golden.h"
#include "cli/golden_diff.h"

/* --label, on the side or sides that have labels. */
static int choose_label(struct golden_arguments *a, struct golden *want, struct golden *got,
			struct pcrcast_error *e)
{
	const struct golden_selection sel = { .label = a->selection.label };
	struct golden *const sides[] = { want, got };

	if (!sel.label)
		return 0;
	if (*sel.label && !golden_has_label(want, sel.label) && !golden_has_label(got, sel.label))
		return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET, "no value has the label \"%s\"",
			       sel.label);
	for (size_t i = 0; i < 2; i++) {
		const char *const *lost;
		struct golden chosen;
		size_t n_lost;

		int r = golden_select(sides[i], &sel, &a->pool, &chosen, &lost, &n_lost, e);
		if (r < 0)
			return r;
		golden_print_notes(a, lost, n_lost, i == 0 ? "not of WANT" : "not of GOT");
		/* what was chosen borrows: it goes where golden_done() still finds everything */
		for (size_t k = 0; k < chosen.n; k++)
			sides[i]->sets[k] = chosen.sets[k];
	}
	return 0;
}

/* An image is predicted for the registers that it is compared in. */
static uint32_t registers_of(const struct golden *g)
{
	uint32_t pcrs = 0;

	for (size_t i = 0; i < g->n; i++)
		for (size_t k = 0; k < g->sets[i].n_registers; k++)
			pcrs |= UINT32_C(1) << g->sets[i].registers[k].index;
	return pcrs;
}

int golden_run_compare(struct golden_arguments *a)
{
	struct pcrcast_error e = { .offset = PCRCAST_NO_OFFSET };
	struct golden want = GOLDEN_INIT, got = GOLDEN_INIT;
	struct golden_diff_arguments diff = {
		.want_file = a->files[0],
		.got_file = a->files[1],
		.options = { .banks = a->source.banks,
			     .has_pcrs = a->source.has_pcrs,
			     .pcrs = a->source.pcrs },
		.set = a->selection.set,
		.json = a->json,
		.quiet = a->quiet,
	};
	const char *about = a->files[0];
	int r;

	if (strcmp(a->files[0], "-") == 0 && strcmp(a->files[1], "-") == 0)
		return usage_error("golden diff: only one of WANT and GOT can be standard input");
	r = golden_source_read(a->files[0], &a->source, &want, &e);
	if (r == 0) {
		struct golden_source_options opt = a->source;

		opt.image_pcrs = registers_of(&want);
		about = a->files[1];
		r = golden_source_read(a->files[1], &opt, &got, &e);
	}
	if (r == 0) {
		golden_print_notes(a, want.notes, want.n_notes, "note");
		golden_print_notes(a, got.notes, got.n_notes, "note");
		about = "golden diff";
		r = choose_label(a, &want, &got, &e);
	}
	if (r == 0)
		r = golden_run_diff(&diff, &want, &got, &e);
	if (r < 0)
		r = fail_at(about, &e);
	golden_done(&want);
	golden_done(&got);
	return r;
}
