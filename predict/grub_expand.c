/*
 * Arguments of a command from the words that it is written with. Source: GRUB 2.06 and 2.12,
 * grub-core/script/execute.c (grub_script_arglist_to_argv) and argv.c.
 */
#include <ctype.h>
#include <stdio.h>

#include "predict/grub.h"

enum { EXPANDED_MAX = 32 << 20 }; /* bytes in a run, so that variables that double do not fill memory */

/* One argument under construction: as GRUB, "there is one, empty" differs from "there is none yet". */
struct builder {
	struct grub *g;
	struct grub_args *args;
	char *s;
	size_t n, cap;
	bool any;            /* something was added, perhaps nothing */
	const char *why;     /* a part is not known */
	const char *pattern; /* an active wildcard is in it: why that matters */
	struct pcrcast_error *e;
};

static int append(struct builder *b, const char *s, size_t n)
{
	b->any = true;
	if (b->n + n + 1 > b->cap) {
		size_t cap = 2 * (b->n + n + 1);
		char *more = pool_array(b->g->pool, cap, 1);

		if (!more)
			return err_nomem(b->e);
		if (b->n)
			memcpy(more, b->s, b->n);
		b->s = more;
		b->cap = cap;
		b->g->bytes += cap;
	}
	if (b->g->bytes > EXPANDED_MAX)
		return err_set(b->e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "%s:%u: expanding variables takes more than %d bytes", b->g->file, b->g->line,
			       EXPANDED_MAX);
	memcpy(b->s + b->n, s, n);
	b->n += n;
	b->s[b->n] = 0;
	return 0;
}

/*
 * With the module regexp, GRUB looks for names that match "*" and "?". Before "=" that cannot be a device, and
 * the pattern stays as it is.
 */
static void see_wildcard(struct builder *b)
{
	if (!grub_module_there(b->g, "regexp") || (b->n && memchr(b->s, '=', b->n)))
		return;
	b->pattern = "which names match a wildcard is not worked out";
}

/* The next argument, when this one has begun. */
static int finish(struct builder *b)
{
	if (!b->any && !b->why)
		return 0;
	int r = b->any ? 0 : append(b, "", 0);

	if (r == 0)
		r = grub_add_arg(b->g, b->args, (struct grub_value){ b->s, b->why ? b->why : b->pattern },
				 b->e);
	b->s = NULL;
	b->n = b->cap = 0;
	b->any = false;
	b->why = b->pattern = NULL;
	return r;
}

/* Bare text: a backslash goes, what it quotes stays. */
static int append_text(struct builder *b, const char *s)
{
	int r = 0;

	for (; r == 0 && *s; s++) {
		if (s[0] == '\\' && s[1]) {
			/* Some builds keep "\xHH" for the kernel's command line, others make "xHH" of it. */
			if (s[1] == 'x' && isxdigit((unsigned char)s[2]) && isxdigit((unsigned char)s[3]))
				b->why = "what GRUB makes of \"\\x\" depends on its build";
			s++;
		} else if (*s == '*' || *s == '?') {
			see_wildcard(b);
		}
		r = append(b, s, 1);
	}
	return r;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A variable outside quotes: its words. */
static int append_split(struct builder *b, const char *s)
{
	int r = 0;

	while (is_space(*s))
		s++;
	while (r == 0 && *s) {
		for (; r == 0 && *s && !is_space(*s); s++) {
			if (*s == '*' || *s == '?')
				see_wildcard(b);
			r = append(b, s, 1);
		}
		while (is_space(*s))
			s++;
		if (r == 0 && *s)
			r = finish(b);
	}
	return r;
}

static int append_value(struct builder *b, struct grub_value v, bool quoted)
{
	if (v.why) {
		b->why = v.why;
		return 0;
	}
	if (!v.s)
		return 0;
	return quoted ? append(b, v.s, strlen(v.s)) : append_split(b, v.s);
}

/* $#, $*, $@, $1: parameters of the function or entry. */
static int append_parameter(struct builder *b, const char *name, bool quoted)
{
	const struct grub_scope *s = b->g->scope;
	const char *end;
	char text[24];
	int r = 0;

	if (!s)
		return 0;
	if (*name == '#') {
		snprintf(text, sizeof text, "%zu", s->args.n - s->shifts);
		return append(b, text, strlen(text));
	}
	if (*name == '*' || *name == '@') {
		for (size_t i = s->shifts; r == 0 && i < s->args.n; i++) {
			if (i != s->shifts)
				r = quoted && *name == '*' ? append(b, " ", 1) : finish(b);
			if (r == 0)
				r = append_value(b, s->args.v[i], quoted);
		}
		return r;
	}
	unsigned long n = grub_number(name, &end);
	return n && n <= s->args.n - s->shifts ? append_value(b, s->args.v[s->shifts + n - 1], quoted) : 0;
}

static int append_variable(struct builder *b, const char *name, bool quoted)
{
	if (!strchr("#*@", *name) && !isdigit((unsigned char)*name))
		return append_value(b, grub_get(b->g, name), quoted);
	return append_parameter(b, name, quoted);
}

static int append_translated(struct builder *b, const char *s)
{
	if (b->g->translated)
		b->why = "translations of GRUB's texts are not read";
	else if (strpbrk(s, "$\\"))
		b->why = "a translated text with variables is not worked out";
	return append(b, s, strlen(s));
}

static int append_piece(struct builder *b, const struct grub_piece *p)
{
	int r;

	switch (p->type) {
	case PIECE_TEXT:
		return append_text(b, p->text);
	case PIECE_QUOTED:
		return append(b, p->text, strlen(p->text));
	case PIECE_VAR:
		return append_variable(b, p->text, false);
	case PIECE_QUOTED_VAR:
		return append_variable(b, p->text, true);
	case PIECE_TRANSLATED:
		return append_translated(b, p->text);
	case PIECE_BLOCK:
		b->args->has_block = true;
		r = append(b, "{", 1);
		if (r == 0)
			r = append(b, p->text, strlen(p->text));
		return r < 0 ? r : append(b, "}", 1);
	}
	return 0;
}

int grub_add_arg(struct grub *g, struct grub_args *a, struct grub_value v, struct pcrcast_error *e)
{
	struct grub_value *place = pool_push(g->pool, &a->v, &a->n, &a->cap, sizeof *place);

	if (!place)
		return err_nomem(e);
	*place = v;
	g->bytes += 2 * sizeof v;
	return 0;
}

int grub_expand(struct grub *g, const struct grub_word *words, struct grub_args *ret, struct pcrcast_error *e)
{
	struct grub_args args = { 0 };
	struct builder b = { .g = g, .args = &args, .e = e };
	int r = 0;

	for (; r == 0 && words; words = words->next) {
		for (const struct grub_piece *p = words->pieces; r == 0 && p; p = p->next)
			r = append_piece(&b, p);
		if (r == 0)
			r = finish(&b);
	}
	if (r == 0)
		*ret = args;
	return r;
}

struct grub_value grub_join(struct grub *g, const struct grub_args *a)
{
	size_t len = 1;

	for (size_t i = 0; i < a->n; i++) {
		if (a->v[i].why)
			return (struct grub_value){ "", a->v[i].why };
		len += strlen(a->v[i].s) + 1;
	}
	char *s = pool_array(g->pool, len, 1), *p = s;
	if (!s)
		return (struct grub_value){ NULL, NULL };
	g->bytes += len;
	for (size_t i = 0; i < a->n; i++) {
		if (i)
			*p++ = ' ';
		size_t n = strlen(a->v[i].s);
		memcpy(p, a->v[i].s, n);
		p += n;
	}
	return (struct grub_value){ s, NULL };
}
