/* Several sets as one. */
#include <string.h>

#include "golden/golden.h"

/* "profile=0", or "profile=0 enter-initrd" for a value that has a label of its own. */
static const char *label_of(struct golden *g, const struct golden_set *s, const struct golden_value *v)
{
	const char *variant = s->id.variant ? s->id.variant : "";

	return v->label ? pool_printf(&g->pool, "%s%s%s", variant, *variant ? " " : "", v->label) : variant;
}

static bool has_value(const struct golden_register *r, const uint8_t *bytes)
{
	for (size_t i = 0; i < r->n; i++)
		if (memcmp(r->values[i].bytes, bytes, algs[r->alg].len) == 0)
			return true;
	return false;
}

/* The labels of a value in all sets. *ret NULL: every set has it. */
static int gather_labels(struct golden *g, const struct golden_register *of, const uint8_t *bytes,
			 const char **ret, struct pcrcast_error *e)
{
	const char *text = NULL;
	bool everywhere = true;

	for (size_t i = 0; i < g->n; i++) {
		const struct golden_register *r = golden_find(&g->sets[i], of->alg, of->index);

		everywhere &= has_value(r, bytes) && r->n == 1;
		for (size_t k = 0; k < r->n; k++) {
			const char *label = NULL;

			if (memcmp(r->values[k].bytes, bytes, algs[r->alg].len) != 0)
				continue;
			label = label_of(g, &g->sets[i], &r->values[k]);
			text = label && text ? pool_printf(&g->pool, "%s | %s", text, label) : label;
			if (!text)
				return err_nomem(e);
		}
	}
	*ret = everywhere ? NULL : text;
	return 0;
}

/* A register that every set has a value of. */
static int merge_register(struct golden *g, const struct golden_register *of, struct golden_set *to,
			  struct pcrcast_error *e)
{
	int r = 0;

	for (size_t i = 0; i < g->n; i++) {
		const struct golden_register *from = golden_find(&g->sets[i], of->alg, of->index);

		for (size_t k = 0; k < from->n && r == 0; k++) {
			const struct golden_value *v = &from->values[k];
			const struct golden_register *there = golden_find(to, of->alg, of->index);
			const char *label = NULL;

			if (there && has_value(there, v->bytes))
				continue;
			r = gather_labels(g, of, v->bytes, &label, e);
			if (r == 0)
				r = golden_add_value(g, to, of->alg, of->index,
						     (struct slice){ v->bytes, algs[of->alg].len }, v->origin,
						     label, e);
		}
	}
	return r;
}

static bool is_in_all(const struct golden *g, const struct golden_register *r)
{
	for (size_t i = 0; i < g->n; i++)
		if (!golden_find(&g->sets[i], r->alg, r->index))
			return false;
	return true;
}

/* Registers of set i that no earlier one has are new. */
static int merge_set(struct golden *g, size_t i, struct golden_set *to, struct pcrcast_error *e)
{
	int r = 0;

	for (size_t k = 0; k < g->sets[i].n_registers && r == 0; k++) {
		const struct golden_register *of = &g->sets[i].registers[k];
		char name[12];
		bool before = false;

		for (size_t m = 0; m < i; m++)
			before |= golden_find(&g->sets[m], of->alg, of->index) != NULL;
		if (before)
			continue;
		if (is_in_all(g, of))
			r = merge_register(g, of, to, e);
		else
			r = golden_note(g, e, "%s:%s is left out: not every variant has a value of it",
					algs[of->alg].name, golden_register_name(to, of->index, name));
	}
	return r;
}

int golden_merge_sets(struct golden *g, struct pcrcast_error *e)
{
	struct golden_set merged = { 0 };
	int r = 0;

	if (g->n == 0)
		return 0;
	merged.id = g->sets[0].id;
	merged.id.variant = NULL;
	merged.cc = g->sets[0].cc;
	for (size_t i = 1; i < g->n; i++)
		if (g->sets[i].cc != merged.cc)
			return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
				       "sets of PCRs and of CC measurement registers cannot be one set");
	for (size_t i = 0; i < g->n && r == 0; i++)
		r = merge_set(g, i, &merged, e);
	if (r == 0 && g->n > 1)
		r = golden_note(
			g, e,
			"%zu variants are one set: each register has the values of all, which belong together no longer",
			g->n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < g->n; i++)
		if (g->sets[i].log)
			eventlog_done(g->sets[i].log);
	g->sets[0] = merged;
	g->n = 1;
	return 0;
}
