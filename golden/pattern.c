/*
 * Patterns are compiled to a machine of states, all of which are followed at once: a text is read once, however often a
 * pattern repeats. Text is compared by code points.
 */
#include "golden/pattern.h"

#include "base/utf16.h"
#include "golden/pattern_impl.h"

enum { WORK_MAX = 1 << 24 }; /* states times characters: less than a tenth of a second */

uint32_t pattern_next_character(const uint8_t **p, const uint8_t *end)
{
	uint32_t v;
	size_t len = utf8_decode(*p, (size_t)(end - *p), &v);

	if (len == 0)
		v = UINT32_C(0x110000) + **p;
	*p += len ? len : 1;
	return v;
}

struct run {
	const struct state *states;
	size_t n;
	int *now, *next, *stack; /* state numbers, n each (stack: 2 * n) */
	size_t n_now;
	uint32_t *seen; /* the step at which a state was last entered */
	uint32_t step;
};

static bool passes(enum op op, struct slice text, size_t at)
{
	switch (op) {
	case OP_BEGIN:
		return at == 0;
	case OP_END:
		return at == text.n;
	case OP_LINE_END:
		return at == text.n || (at + 1 == text.n && text.p[at] == '\n');
	default:
		return true;
	}
}

/* Enter a state and all that follow it without a character. */
static void enter(struct run *r, int first, struct slice text, size_t at)
{
	size_t n = 0;

	r->stack[n++] = first;
	while (n) {
		int i = r->stack[--n];

		if (i == NO_STATE || r->seen[i] == r->step)
			continue;
		const struct state *s = &r->states[i];
		r->seen[i] = r->step;
		switch (s->op) {
		case OP_SPLIT:
			r->stack[n++] = s->other;
			r->stack[n++] = s->out;
			break;
		case OP_NOTHING:
		case OP_BEGIN:
		case OP_END:
		case OP_LINE_END:
			if (passes(s->op, text, at))
				r->stack[n++] = s->out;
			break;
		default:
			r->now[r->n_now++] = i;
		}
	}
}

static bool takes(const struct state *s, uint32_t v)
{
	bool in = false;

	if (s->op != OP_SET)
		return s->op == OP_ANY ? v != '\n' : s->op == OP_CHARACTER && s->first == v;
	for (size_t i = 0; i < s->set->n; i++)
		in |= v >= s->set->ranges[i].first && v <= s->set->ranges[i].last;
	return in != s->set->negated;
}

static bool run(struct run *r, int start, struct slice text)
{
	const uint8_t *p = text.p, *end = text.p + text.n;

	r->step = 1;
	enter(r, start, text, 0);
	while (p < end && r->n_now) {
		uint32_t v = pattern_next_character(&p, end);
		int *was = r->now;
		size_t n = r->n_now;

		r->now = r->next;
		r->next = was;
		r->n_now = 0;
		r->step++;
		for (size_t i = 0; i < n; i++)
			if (takes(&r->states[was[i]], v))
				enter(r, r->states[was[i]].out, text, (size_t)(p - text.p));
	}
	for (size_t i = 0; i < r->n_now; i++)
		if (r->states[r->now[i]].op == OP_FINAL)
			return p == end;
	return false;
}

/* Ranges count as states do: each is looked at for each character. */
static size_t weight(const struct pattern_machine *m)
{
	size_t n = m->n;

	for (size_t i = 0; i < m->n; i++)
		n += m->states[i].set ? m->states[i].set->n : 0;
	return n;
}

static int follow(struct pool *pool, const struct pattern_machine *m, struct slice text, enum match *ret,
		  struct pcrcast_error *e)
{
	struct run r = { .states = m->states, .n = m->n };

	r.now = pool_array(pool, m->n, sizeof *r.now);
	r.next = pool_array(pool, m->n, sizeof *r.next);
	r.stack = pool_array(pool, 2 * m->n + 1, sizeof *r.stack);
	r.seen = pool_array(pool, m->n, sizeof *r.seen);
	if (!r.now || !r.next || !r.stack || !r.seen)
		return err_nomem(e);
	*ret = run(&r, m->start, text) ? MATCH_YES : MATCH_NO;
	return 0;
}

static bool is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 0x80)
			return false;
	return true;
}

/* What keeps the machine from being run over the text; NULL: nothing. */
static const char *why_not(const struct pattern_machine *m, struct slice text)
{
	if (m->why)
		return m->why;
	if (m->ascii_only && !is_ascii(text))
		return "it has a class of characters, and the text is not ASCII";
	return weight(m) * (text.n + 1) > WORK_MAX ? "pattern and text are too long" : NULL;
}

int pattern_match(const char *pattern, struct slice text, enum match *ret, const char **ret_why,
		  struct pcrcast_error *e)
{
	struct pool pool = POOL_INIT;
	struct pattern_machine machine;
	enum match m = MATCH_CANNOT_TELL;
	const char *why = NULL;

	int r = pattern_compile(&pool, pattern, &machine, e);
	if (r == 0) {
		why = why_not(&machine, text);
		if (!why)
			r = follow(&pool, &machine, text, &m, e);
	}
	pool_done(&pool);
	if (r < 0)
		return r;
	*ret = m;
	*ret_why = why;
	return 0;
}
