/* Syntax: Python 3.11, library reference, "re". */
#include <string.h>

#include "base/encode.h"
#include "golden/pattern_impl.h"

enum {
	DEPTH_MAX = 64, /* groups inside each other */
	/* several times the longest kernel command line, some 4096 bytes (COMMAND_LINE_SIZE) */
	STATES_MAX = 16384,
	REPEAT_MAX = 1000, /* of {m,n} */
};

/* ---- parts of the machine ---- */

/* A part of the machine: entered at start, left at end, whose out is not set yet. */
struct part {
	int start, end;
};

struct compiler {
	struct pool *pool;
	const uint8_t *p, *end;
	struct state *states;
	size_t n, cap;
	unsigned depth;
	bool nomem;
	bool ascii_only; /* see pattern_machine */
	const char *why; /* what is not handled; NULL: nothing */
};

static void give_up(struct compiler *c, const char *why)
{
	if (!c->why)
		c->why = why;
	c->p = c->end;
}

static int new_state(struct compiler *c, enum op op, uint32_t first, struct set *set)
{
	if (c->n == STATES_MAX) {
		give_up(c, "it is too long");
		return 0;
	}
	struct state *s = pool_push(c->pool, &c->states, &c->n, &c->cap, sizeof *s);
	if (!s) {
		c->nomem = true;
		give_up(c, "");
		return 0;
	}
	*s = (struct state){ op, first, set, NO_STATE, NO_STATE };
	return (int)c->n - 1;
}

/* A part of one state. Once the compiler has given up, parts are not used, so anything goes. */
static struct part part_of(struct compiler *c, enum op op, uint32_t first, struct set *set)
{
	int s = new_state(c, op, first, set), end = new_state(c, OP_NOTHING, 0, NULL);

	if (c->states)
		c->states[s].out = end;
	return (struct part){ s, end };
}

static struct part join(struct compiler *c, struct part a, struct part b)
{
	if (c->states)
		c->states[a.end].out = b.start;
	return (struct part){ a.start, b.end };
}

/* The part as often as it can, or not at all (optional), or again and again (repeated). */
static struct part repeat(struct compiler *c, struct part a, bool optional, bool repeated)
{
	int split = new_state(c, OP_SPLIT, 0, NULL), end = new_state(c, OP_NOTHING, 0, NULL);

	if (!c->states)
		return a;
	c->states[split].out = a.start;
	c->states[split].other = end;
	c->states[a.end].out = repeated ? split : end;
	return (struct part){ optional ? split : a.start, end };
}

static struct part either(struct compiler *c, struct part a, struct part b)
{
	int split = new_state(c, OP_SPLIT, 0, NULL), end = new_state(c, OP_NOTHING, 0, NULL);

	if (!c->states)
		return a;
	c->states[split].out = a.start;
	c->states[split].other = b.start;
	c->states[a.end].out = c->states[b.end].out = end;
	return (struct part){ split, end };
}

/* ---- characters ---- */

static void add_range(struct compiler *c, struct set *set, uint32_t first, uint32_t last)
{
	struct range *r = pool_push(c->pool, &set->ranges, &set->n, &set->cap, sizeof *r);

	if (!r) {
		c->nomem = true;
		give_up(c, "");
		return;
	}
	*r = (struct range){ first, last };
}

/* \d, \w and \s; the negated ones are everything between these. */
static bool add_class(struct compiler *c, struct set *set, uint8_t letter)
{
	static const struct {
		uint8_t letter;
		size_t n;
		struct range ranges[4];
	} classes[] = {
		{ 'd', 1, { { '0', '9' } } },
		{ 'w', 4, { { '0', '9' }, { 'A', 'Z' }, { '_', '_' }, { 'a', 'z' } } },
		{ 's', 3, { { '\t', '\r' }, { 0x1c, 0x1f }, { ' ', ' ' } } },
	};

	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
		uint32_t next = 0;

		if (classes[i].letter != (letter | 0x20))
			continue;
		c->ascii_only = true;
		for (size_t k = 0; k < classes[i].n; k++) {
			const struct range *r = &classes[i].ranges[k];

			if (letter & 0x20)
				add_range(c, set, r->first, r->last);
			else if (r->first > next)
				add_range(c, set, next, r->first - 1);
			next = r->last + 1;
		}
		if (!(letter & 0x20))
			add_range(c, set, next, UINT32_MAX);
		return true;
	}
	return false;
}

static struct set *new_set(struct compiler *c)
{
	struct set *set = pool_new(c->pool, struct set);

	if (!set) {
		c->nomem = true;
		give_up(c, "");
	}
	return set;
}

/* The character that the letter behind a backslash stands for; false when it is none. c->p is behind the letter. */
static bool escaped(struct compiler *c, uint8_t letter, uint32_t *ret)
{
	static const char letters[] = "ntrfva", means[] = "\n\t\r\f\v\a";
	const char *at = letter ? strchr(letters, letter) : NULL;

	if (at) {
		*ret = (uint8_t)means[at - letters];
		return true;
	}
	if (letter == 'x' && c->end - c->p >= 2 && hex_digit(c->p[0]) >= 0 && hex_digit(c->p[1]) >= 0) {
		*ret = (uint32_t)(hex_digit(c->p[0]) << 4 | hex_digit(c->p[1]));
		c->p += 2;
		return true;
	}
	bool alphanumeric =
		(letter >= '0' && letter <= '9') || ((letter | 0x20) >= 'a' && (letter | 0x20) <= 'z');
	*ret = letter;
	return !alphanumeric && letter < 0x80;
}

/* One character or class inside [...]; *ret_class when it was a class. */
static uint32_t set_item(struct compiler *c, struct set *set, bool *ret_class)
{
	static const char endless[] = "a set in it does not end";
	uint32_t v = 0;

	*ret_class = false;
	if (c->p < c->end)
		v = pattern_next_character(&c->p, c->end);
	else
		give_up(c, endless);
	if (v != '\\')
		return v;
	if (c->p == c->end) {
		give_up(c, endless);
		return 0;
	}
	uint8_t letter = *c->p++;
	*ret_class = add_class(c, set, letter);
	if (!*ret_class && !escaped(c, letter, &v))
		give_up(c, "it has an escape that is not handled here");
	return v;
}

/* What follows "[". */
static struct part parse_set(struct compiler *c)
{
	struct set *set = new_set(c);
	bool class, first = true;

	if (!set)
		return part_of(c, OP_NOTHING, 0, NULL);
	if (c->p < c->end && *c->p == '^') {
		set->negated = true;
		c->p++;
	}
	for (; c->p < c->end && (*c->p != ']' || first); first = false) {
		uint32_t from = set_item(c, set, &class), to = from;

		if (c->end - c->p >= 2 && c->p[0] == '-' && c->p[1] != ']') {
			if (class)
				give_up(c, "a range in it makes no sense");
			else
				c->p++;
			to = set_item(c, set, &class);
			if (class || to < from)
				give_up(c, "a range in it makes no sense");
		}
		if (!class)
			add_range(c, set, from, to);
	}
	if (c->p == c->end)
		give_up(c, "a set in it does not end");
	else
		c->p++;
	return part_of(c, OP_SET, 0, set);
}

/* ---- the grammar ---- */

static struct part parse_either(struct compiler *c);

/* What follows "(". */
static struct part parse_group(struct compiler *c)
{
	if (c->depth == DEPTH_MAX)
		give_up(c, "it has too many groups inside each other");
	if (c->p < c->end && *c->p == '?') {
		if (c->end - c->p >= 2 && c->p[1] == ':')
			c->p += 2;
		else
			give_up(c, "it has a group with (? that is not handled here");
	}
	c->depth++;
	struct part a = parse_either(c);
	c->depth--;
	if (c->p == c->end || *c->p != ')')
		give_up(c, "a group in it does not end");
	else
		c->p++;
	return a;
}

/* What follows a backslash. */
static struct part parse_escape(struct compiler *c)
{
	uint32_t v = 0;

	if (c->p == c->end) {
		give_up(c, "it ends in a backslash");
		return part_of(c, OP_NOTHING, 0, NULL);
	}
	uint8_t letter = *c->p++;
	if (letter == 'A' || letter == 'Z')
		return part_of(c, letter == 'A' ? OP_BEGIN : OP_END, 0, NULL);
	if (escaped(c, letter, &v))
		return part_of(c, OP_CHARACTER, v, NULL);
	struct set *set = new_set(c);
	if (set && !add_class(c, set, letter))
		give_up(c, "it has an escape that is not handled here");
	return part_of(c, OP_SET, 0, set);
}

static struct part parse_atom(struct compiler *c)
{
	uint32_t v = pattern_next_character(&c->p, c->end);

	switch (v) {
	case '(':
		return parse_group(c);
	case '[':
		return parse_set(c);
	case '\\':
		return parse_escape(c);
	case '.':
		return part_of(c, OP_ANY, 0, NULL);
	case '^':
		return part_of(c, OP_BEGIN, 0, NULL);
	case '$':
		return part_of(c, OP_LINE_END, 0, NULL);
	case '*':
	case '+':
	case '?':
		give_up(c, "it repeats nothing");
		return part_of(c, OP_NOTHING, 0, NULL);
	default:
		return part_of(c, OP_CHARACTER, v, NULL);
	}
}

static bool take_number(const uint8_t **p, const uint8_t *end, unsigned *ret)
{
	unsigned v = 0;
	const uint8_t *at = *p;

	for (; at < end && *at >= '0' && *at <= '9'; at++)
		v = v > REPEAT_MAX ? v : v * 10 + (unsigned)(*at - '0');
	if (at == *p)
		return false;
	*p = at;
	*ret = v;
	return true;
}

/* "{2}", "{2,}", "{,3}" or "{2,3}" at c->p; false when there is none, and then the brace is a character. */
static bool take_braces(struct compiler *c, unsigned *ret_least, unsigned *ret_most, bool *ret_endless)
{
	const uint8_t *p = c->p;
	unsigned least = 0, most = 0;

	if (p == c->end || *p++ != '{')
		return false;
	bool has_least = take_number(&p, c->end, &least), comma = p < c->end && *p == ',';
	if (comma)
		p++;
	bool has_most = comma && take_number(&p, c->end, &most);
	if (p == c->end || *p != '}' || (!comma && !has_least))
		return false;
	c->p = p + 1;
	*ret_least = least;
	*ret_most = comma ? most : least;
	*ret_endless = comma && !has_most;
	return true;
}

/* The atom that begins at from, least to most times. */
static struct part repeat_counted(struct compiler *c, const uint8_t *from, struct part first, unsigned least,
				  unsigned most, bool endless)
{
	const uint8_t *behind = c->p;
	struct part all = part_of(c, OP_NOTHING, 0, NULL);
	unsigned n = endless ? least + 1 : most;

	if (least > REPEAT_MAX || most > REPEAT_MAX || (!endless && most < least)) {
		give_up(c, "it repeats something too often");
		return all;
	}
	for (unsigned i = 0; i < n && !c->why; i++) {
		struct part a = first;

		if (i > 0) {
			c->p = from;
			a = parse_atom(c);
		}
		if (i >= least)
			a = repeat(c, a, true, endless);
		all = join(c, all, a);
	}
	if (!c->why)
		c->p = behind;
	return all;
}

static struct part parse_repeated(struct compiler *c)
{
	const uint8_t *from = c->p;
	struct part a = parse_atom(c);
	unsigned least, most;
	bool endless;

	if (c->p == c->end)
		return a;
	if (*c->p == '*' || *c->p == '+' || *c->p == '?') {
		uint8_t op = *c->p++;

		a = repeat(c, a, op != '+', op != '?');
	} else if (take_braces(c, &least, &most, &endless)) {
		a = repeat_counted(c, from, a, least, most, endless);
	} else {
		return a;
	}
	if (c->p < c->end && *c->p == '?')
		c->p++; /* as few as can be: the same texts match as a whole */
	if (c->p < c->end &&
	    (*c->p == '*' || *c->p == '+' || *c->p == '?' || take_braces(c, &least, &most, &endless)))
		give_up(c, "it repeats a repetition");
	return a;
}

static struct part parse_sequence(struct compiler *c)
{
	struct part all = part_of(c, OP_NOTHING, 0, NULL);

	while (c->p < c->end && *c->p != '|' && *c->p != ')')
		all = join(c, all, parse_repeated(c));
	return all;
}

static struct part parse_either(struct compiler *c)
{
	struct part all = parse_sequence(c);

	while (c->p < c->end && *c->p == '|') {
		c->p++;
		all = either(c, all, parse_sequence(c));
	}
	return all;
}

int pattern_compile(struct pool *pool, const char *pattern, struct pattern_machine *ret,
		    struct pcrcast_error *e)
{
	struct slice bytes = slice_of_string(pattern);
	struct compiler c = { .pool = pool, .p = bytes.p, .end = bytes.p + bytes.n };

	struct part all = join(&c, parse_either(&c), part_of(&c, OP_FINAL, 0, NULL));
	if (c.p < c.end)
		give_up(&c, "a group in it ends that did not begin");
	if (c.nomem)
		return err_nomem(e);
	*ret = (struct pattern_machine){ c.states, c.n, all.start, c.ascii_only, c.why };
	return 0;
}
