/*
 * A little of Go's source text: enough to read composite literals of numbers. Private to golden/.
 *
 * Source: The Go Programming Language Specification (Go 1.23), "Lexical elements" and "Composite literals". Comments and
 * line ends are blanks here: what gofmt makes of a literal reads as the same.
 */
#pragma once

#include "base/error.h"
#include "base/pool.h"
#include "base/slice.h"

struct go_text {
	struct slice text;
	struct slice token; /* the current one: a name, a number or one character; empty at the end */
	uint64_t token_at;  /* where it begins */
	size_t pos;         /* behind it */
	uint64_t bad_at;    /* a comment that is not ended; PCRCAST_NO_OFFSET: none */
};

struct go_text go_text_over(struct slice text);

/* Is the current token this name or character? */
bool go_at(const struct go_text *t, const char *token);
bool go_at_end(const struct go_text *t);

/* Go on behind the current token, whatever it is. */
void go_next(struct go_text *t);

/* Go on behind it if it is. */
bool go_accept(struct go_text *t, const char *token);

/* The same; PCRCAST_EFORMAT when it is another. */
int go_expect(struct go_text *t, const char *token, struct pcrcast_error *e);

/* A name; ret may be NULL. */
int go_name(struct go_text *t, struct slice *ret, struct pcrcast_error *e);

/* A decimal or hexadecimal number of at most most; false, without going on, when it is none. */
bool go_number(struct go_text *t, uint64_t most, uint64_t *ret);

/* "{0x01, 2, …}", bytes in pool. */
int go_bytes(struct go_text *t, struct pool *pool, struct slice *ret, struct pcrcast_error *e);

/* "expected …, found …" at the current token. */
int go_unexpected(const struct go_text *t, const char *expected, struct pcrcast_error *e);
