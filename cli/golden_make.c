/* golden make: reference values of one or more sources, in a format. */
#include <string.h>

#include "cli/cmd_golden.h"
#include "golden/preset.h"

/* Move the sets of more behind those of g. more is left to be done with: its pool holds what the sets point to. */
static int append_sets(struct golden *g, const struct golden *more, struct pcrcast_error *e)
{
	for (size_t i = 0; i < more->n; i++) {
		struct golden_set *s = golden_add_set(g, e);

		if (!s)
			return -PCRCAST_ENOMEM;
		*s = more->sets[i];
	}
	return 0;
}

static void apply_options(const struct golden_arguments *a, struct golden *g)
{
	const struct golden_identity *id = &a->identity;

	for (size_t i = 0; i < g->n; i++) {
		struct golden_set *s = &g->sets[i];

		s->id.image = id->image ? id->image : s->id.image;
		s->id.vendor = id->vendor ? id->vendor : s->id.vendor;
		s->id.csp = id->csp ? id->csp : s->id.csp;
		s->id.variant = id->variant ? id->variant : s->id.variant;
		s->id.version = id->version ? id->version : s->id.version;
		s->id.ref = id->ref ? id->ref : s->id.ref;
		s->id.stream = id->stream ? id->stream : s->id.stream;
		for (size_t k = 0; a->has_warn_only && k < s->n_registers; k++)
			s->registers[k].warn_only = (a->warn_only >> s->registers[k].index & 1) != 0;
	}
}

/* An image is predicted for the registers that the preset takes from it, of those that can be predicted. */
static void choose_registers(struct golden_arguments *a)
{
	uint32_t wanted = a->preset ? golden_preset_registers(a->preset) : 0;

	if (wanted && !a->source.has_pcrs)
		a->source.image_pcrs = wanted;
}

/* Of several sets those that --set means: a preset is for these. golden_write() says when there is none. */
static void choose_sets(const struct golden_arguments *a, struct golden *g)
{
	size_t n = 0;

	for (size_t i = 0; a->selection.set && i < g->n; i++)
		if (golden_set_called(&g->sets[i], a->selection.set))
			g->sets[n++] = g->sets[i];
	g->n = a->selection.set ? n : g->n;
}

static void tell_part(const struct golden_arguments *a, const struct golden *part, const char *file)
{
	golden_print_notes(a, part->notes, part->n_notes, "note");
	golden_note_phases(a, part, file);
}

static bool has_values(const struct golden *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->sets[i].n_registers || g->sets[i].n_policies)
			return true;
	return false;
}

/* A file without any value, which our own format could be, would be taken for a reference. */
static int check_selection(struct golden_arguments *a, const struct golden *all, struct pcrcast_error *e)
{
	const char *const *lost;
	struct golden chosen;
	size_t n_lost;
	int r = golden_select(all, &a->selection, &a->pool, &chosen, &lost, &n_lost, e);

	if (r == 0 && !a->selection.label && has_values(all) && !has_values(&chosen))
		r = err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
			    "no value is of the chosen banks and registers (--bank, --pcr)");
	return r;
}

static int write_all(struct golden_arguments *a, struct golden *all)
{
	struct pcrcast_error e = { .offset = PCRCAST_NO_OFFSET };
	const char *const *lost;
	struct slice bytes;
	size_t n_lost;

	size_t n_notes = all->n_notes;

	choose_sets(a, all);
	if (a->source.predict.n_axes && a->n_files == 1 && golden_fit_variants(all, a->as, &e) < 0)
		return fail(&e);
	if (a->preset && golden_apply_preset(all, a->preset->name, &e) < 0)
		return fail(&e);
	golden_print_notes(a, all->notes + n_notes, all->n_notes - n_notes, "note");
	apply_options(a, all);
	if (check_selection(a, all, &e) < 0 ||
	    golden_write(all, &a->selection, a->as, &a->pool, &bytes, &lost, &n_lost, &e) < 0)
		return fail(&e);
	int status = golden_put(a, a->as, bytes);
	if (status == EXIT_DONE)
		golden_print_notes(a, lost, n_lost, "not in the output");
	return status;
}

int golden_run_make(struct golden_arguments *a)
{
	struct golden all = GOLDEN_INIT, *parts = pool_array(&a->pool, a->n_files, sizeof *parts);
	struct pcrcast_error e = { .offset = PCRCAST_NO_OFFSET };
	int status = EXIT_DONE;
	size_t n = 0;

	if (!parts) {
		(void)err_nomem(&e);
		return fail(&e);
	}
	if (!a->as)
		a->as = golden_format_by_name("json");
	a->source.usual = golden_usual_banks(a->as);
	choose_registers(a);
	if (a->output && predict_refuse_overwrite(&a->source.predict, "--output", a->output, &e) < 0)
		status = fail(&e);
	for (; n < a->n_files && status == EXIT_DONE; n++) {
		if (a->output && refuse_overwrite("--output", a->output, a->files[n], &e) < 0)
			status = fail_at(a->files[n], &e);
		else if (golden_source_read(a->files[n], &a->source, &parts[n], &e) < 0 ||
			 append_sets(&all, &parts[n], &e) < 0)
			status = fail_at(a->files[n], &e);
		else
			tell_part(a, &parts[n], a->files[n]);
	}
	if (status == EXIT_DONE)
		status = write_all(a, &all);
	for (size_t i = 0; i < n; i++)
		golden_done(&parts[i]);
	pool_done(&all.pool); /* the sets and their logs are the parts' */
	return status;
}
