/*
 * Variables of GRUB, and the contexts in which they live. Source: GRUB 2.06 and 2.12, grub-core/kern/env.c and
 * grub-core/normal/context.c.
 */
#include "predict/grub.h"

static struct grub_variable *find(struct grub *g, const char *name)
{
	struct grub_context *c = g->context;

	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->vars[i].name, name) == 0)
			return &c->vars[i];
	return NULL;
}

static bool is_special(const char *name)
{
	return (*name >= '0' && *name <= '9') || strcmp(name, "#") == 0 || strcmp(name, "*") == 0 ||
	       strcmp(name, "@") == 0;
}

struct grub_value grub_get(struct grub *g, const char *name)
{
	const struct grub_variable *v = is_special(name) ? NULL : find(g, name);

	return v && !v->unset ? v->value : (struct grub_value){ NULL, NULL };
}

static struct grub_variable *place(struct grub *g, const char *name)
{
	enum { VARIABLES_MAX = 4096 }; /* every look-up goes through them; configurations have some dozens */
	struct grub_context *c = g->context;
	struct grub_variable *v = find(g, name);

	if (v || c->n >= VARIABLES_MAX)
		return v;
	v = pool_push(g->pool, &c->vars, &c->n, &c->cap, sizeof *v);
	if (v)
		*v = (struct grub_variable){ .name = name, .unset = true };
	return v;
}

/* grub_env_write_root: "(hd0)" becomes "hd0". */
static const char *without_parentheses(struct grub *g, const char *s)
{
	size_t n = strlen(s);

	return n > 1 && s[0] == '(' && s[n - 1] == ')' ? pool_text(g->pool, s + 1, n - 2) : s;
}

int grub_set(struct grub *g, const char *name, struct grub_value v, struct pcrcast_error *e)
{
	if (is_special(name))
		return 0; /* "invalid variable name" */
	if (!v.why && strcmp(name, "root") == 0)
		v.s = without_parentheses(g, v.s);
	struct grub_variable *var = v.s || v.why ? place(g, name) : NULL;
	if (!var)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "%s: too many variables, or out of memory", g->file);
	var->value = v;
	var->unset = false;
	if (g->normal && strcmp(name, "prefix") == 0)
		return grub_read_lists(g, e);
	if (strcmp(name, "lang") == 0 || strcmp(name, "locale_dir") == 0)
		return grub_language_changed(g, e);
	return 0;
}

int grub_unset(struct grub *g, const char *name, struct pcrcast_error *e)
{
	struct grub_variable *v = find(g, name);

	/* One that GRUB watches becomes empty instead. */
	if (v && (strcmp(name, "prefix") == 0 || strcmp(name, "root") == 0))
		return grub_set(g, name, grub_text(""), e);
	if (v)
		*v = (struct grub_variable){ .name = v->name, .unset = true };
	return 0;
}

int grub_export(struct grub *g, const char *name, struct pcrcast_error *e)
{
	struct grub_variable *v = find(g, name);
	int r = !v || v->unset ? grub_set(g, name, grub_text(""), e) : 0;

	v = find(g, name);
	if (r == 0 && v)
		v->exported = true;
	return r;
}

/* all: configfile hands on every variable, a submenu too (both call grub_env_context_open). */
int grub_context_open(struct grub *g, bool all, struct pcrcast_error *e)
{
	struct grub_context *c = pool_new(g->pool, struct grub_context), *outer = g->context;

	if (!c)
		return err_nomem(e);
	c->outer = outer;
	for (size_t i = 0; i < outer->n; i++) {
		const struct grub_variable *v = &outer->vars[i];

		if (v->unset || !(v->exported || all))
			continue;
		struct grub_variable *copy = pool_push(g->pool, &c->vars, &c->n, &c->cap, sizeof *copy);
		if (!copy)
			return err_nomem(e);
		*copy = *v;
		copy->exported = true;
	}
	g->context = c;
	return 0;
}

void grub_context_close(struct grub *g)
{
	g->context = g->context->outer;
}

unsigned long grub_number(const char *s, const char **ret_end)
{
	unsigned long v = 0, base = 10;
	bool any = false;

	*ret_end = NULL;
	while (*s == ' ' || (*s >= '\t' && *s <= '\r'))
		s++;
	if (s[0] == '0') {
		base = s[1] == 'x' ? 16 : 8;
		any = base == 8;
		s += base == 16 ? 2 : 1;
	}
	for (;; s++) {
		char c = (char)(*s >= 'A' && *s <= 'Z' ? *s | 32 : *s);
		unsigned long d = c >= '0' && c <= '9' ? (unsigned long)(c - '0') :
				  c >= 'a' && c <= 'z' ? (unsigned long)(c - 'a') + 10 :
							 99;

		if (d >= base)
			break;
		any = true;
		if (v > (~0ul - d) / base)
			return ~0ul; /* GRUB_ERR_OUT_OF_RANGE: no number either */
		v = v * base + d;
	}
	*ret_end = any ? s : NULL;
	return any ? v : 0;
}
