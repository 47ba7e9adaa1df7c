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
