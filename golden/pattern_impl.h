/*
 * A pattern as a machine of states. Private to golden/pattern.c and pattern_compile.c.
 */
#pragma once

#include "golden/pattern.h"

#include "base/pool.h"

enum { NO_STATE = -1 };

enum op {
	OP_NOTHING,
	OP_CHARACTER, /* first */
	OP_ANY,       /* all but a line feed */
	OP_SET,       /* set */
	OP_SPLIT,     /* out and other */
	OP_BEGIN,
	OP_END,
	OP_LINE_END, /* the end, or before a line feed there */
	OP_FINAL,
};

struct range {
	uint32_t first, last;
};

struct set {
	struct range *ranges;
	size_t n, cap;
	bool negated;
};

struct state {
	enum op op;
	uint32_t first;
	struct set *set;
	int out, other; /* what follows it: places among the states, or NO_STATE */
};

struct pattern_machine {
	const struct state *states;
	size_t n;
	int start;
	bool ascii_only; /* \w, \d and \s are about Unicode in Python, here about ASCII */
	const char *why; /* what is not handled, and there is no machine then; NULL: nothing */
};

/* The states are from pool, why is a constant. Fails only for want of memory. */
int pattern_compile(struct pool *pool, const char *pattern, struct pattern_machine *ret,
		    struct pcrcast_error *e);

/* The code point at *p, and *p behind it. A byte that is no UTF-8 stands for itself, above all code points. */
uint32_t pattern_next_character(const uint8_t **p, const uint8_t *end);
