/*
 * Options of GRUB's commands. Source: GRUB 2.06 and 2.12, grub-core/lib/arg.c.
 */
#include "predict/grub.h"

static int find_long(const struct grub_option *table, size_t n, const char *s, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(table[i].name) == len && memcmp(table[i].name, s, len) == 0)
			return (int)i;
	return -1;
}

static int find_short(const struct grub_option *table, size_t n, char c)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].letter == c)
			return (int)i;
	return -1;
}

/* Every letter of -xyz; only the last may take a value. False: one of them is no option. */
static bool take_short(const struct grub_option *table, size_t n, const struct grub_args *a, size_t *i,
		       struct grub_options *o)
{
	const char *s = a->v[*i].s + 1;

	for (; *s; s++) {
		int at = find_short(table, n, *s);

		if (at < 0 || (s[1] && table[at].takes == TAKES_VALUE))
			return false;
		o->given[at] = true;
		if (s[1] || table[at].takes == TAKES_NOTHING)
			continue;
		bool next = *i + 1 < a->n;
		const char *value = next && !a->v[*i + 1].why ? a->v[*i + 1].s : "";
		if (next && (table[at].takes == TAKES_VALUE || strlen(value) < 2 || *value != '-'))
			o->values[at] = a->v[++*i];
		else if (table[at].takes == TAKES_VALUE)
			return false;
	}
	return true;
}

static bool take_long(const struct grub_option *table, size_t n, const struct grub_args *a, size_t *i,
		      struct grub_options *o, bool *ret_known)
{
	const char *s = a->v[*i].s + 2, *eq = strchr(s, '=');
	int at = find_long(table, n, s, eq ? (size_t)(eq - s) : strlen(s));
	struct grub_value value = { eq ? eq + 1 : NULL, NULL };

	*ret_known = at >= 0;
	if (at < 0)
		return false;
	if (!eq && table[at].takes != TAKES_NOTHING && *i + 1 < a->n &&
	    (a->v[*i + 1].why || a->v[*i + 1].s[0] != '-'))
		value = a->v[++*i];
	bool has = value.s || value.why;
	if ((has && table[at].takes == TAKES_NOTHING) || (!has && table[at].takes == TAKES_VALUE))
		return false;
	o->given[at] = true;
	if (has)
		o->values[at] = value;
	return true;
}

int grub_take_options(struct grub *g, const struct grub_option *table, size_t n, bool accept_dash,
		      const struct grub_args *a, struct grub_options *ret, bool *ret_ok,
		      struct pcrcast_error *e)
{
	bool plain = false; /* behind "--" */
	int r = 0;

	*ret = (struct grub_options){ .rest.block = a->block, .rest.has_block = a->has_block };
	*ret_ok = true;
	for (size_t i = 0; r == 0 && i < a->n; i++) {
		struct grub_value v = a->v[i];
		bool known = true, ok = true;

		if (plain || v.why || v.s[0] != '-' || !v.s[1]) {
			r = grub_add_arg(g, &ret->rest, v, e);
			continue;
		}
		if (strcmp(v.s, "--") == 0) {
			plain = true;
			continue;
		}
		if (v.s[1] == '-')
			ok = take_long(table, n, a, &i, ret, &known);
		else
			ok = take_short(table, n, a, &i, ret);
		if (!ok && accept_dash && (!known || v.s[1] != '-'))
			r = grub_add_arg(g, &ret->rest, v, e);
		else if (!ok)
			*ret_ok = false;
	}
	return r;
}
