/*
 * Borrowed bytes. A slice owns nothing; whoever hands one out says whose bytes they are.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const uint8_t *p; /* never NULL, even when n is 0 */
	size_t n;         /* bytes */
};

#define SLICE_EMPTY ((struct slice){ (const uint8_t *)"", 0 })

/* The characters of a C string, without its NUL. */
static inline struct slice slice_of_string(const char *s)
{
	return (struct slice){ (const uint8_t *)s, strlen(s) };
}

/* The part [off, off + len) of s; false when it does not lie inside, *ret is then untouched. */
static inline bool slice_at(struct slice s, uint64_t off, uint64_t len, struct slice *ret)
{
	if (off > s.n || len > s.n - off)
		return false;
	*ret = (struct slice){ s.p + off, (size_t)len };
	return true;
}

static inline bool slice_equal(struct slice a, struct slice b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

static inline bool slice_equal_string(struct slice a, const char *s)
{
	return slice_equal(a, slice_of_string(s));
}

/* The part of *s up to a byte, and *s moved behind it; false, with nothing done, when the byte does not occur. */
static inline bool slice_split(struct slice *s, uint8_t at, struct slice *ret)
{
	const uint8_t *p = s->n ? (const uint8_t *)memchr(s->p, at, s->n) : NULL;

	if (!p)
		return false;
	*ret = (struct slice){ s->p, (size_t)(p - s->p) };
	*s = (struct slice){ p + 1, s->n - ret->n - 1 };
	return true;
}

/* The next line of *rest, without its line feed; false when nothing is left. */
static inline bool slice_line(struct slice *rest, struct slice *ret)
{
	if (rest->n == 0)
		return false;
	if (!slice_split(rest, '\n', ret)) {
		*ret = *rest;
		*rest = (struct slice){ rest->p + rest->n, 0 };
	}
	return true;
}
