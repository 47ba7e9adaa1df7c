/*
 * UTF-16 strings, the form in which UEFI passes text. A machine measures them byte for byte (little
 * endian), so they are kept as code units, whatever these are.
 */
#pragma once

#include "base/error.h"
#include "base/pool.h"
#include "base/slice.h"

struct utf16 {
	const uint16_t *s; /* n code units, followed by a 0 that n does not count */
	size_t n;
};

#define UTF16_EMPTY ((struct utf16){ (const uint16_t[]){ 0 }, 0 })

/* The code point of strict UTF-8 (RFC 3629) that the n > 0 bytes at p begin with; its length in bytes, 0 when there is none. */
size_t utf8_decode(const uint8_t *p, size_t n, uint32_t *ret);

/* Is all of it strict UTF-8? */
bool utf8_valid(struct slice text);

/* Strict UTF-8 (RFC 3629) to UTF-16; code points above U+FFFF become surrogate pairs. */
int utf16_of_utf8(struct pool *pool, const char *text, struct utf16 *ret, struct pcrcast_error *e);

/* A copy of n code units, up to the first 0. NULL s in the result: out of memory. */
struct utf16 utf16_copy(struct pool *pool, const uint16_t *s, size_t n);

/* a, a separator (0: none) and b, one after the other. NULL s in the result: out of memory. */
struct utf16 utf16_join(struct pool *pool, struct utf16 a, uint16_t separator, struct utf16 b);

/* A string that grows; for one made of many parts, where joining would leave a copy of each step in the pool. */
struct utf16_builder {
	struct pool *pool;
	uint16_t *s;
	size_t n, cap;
	bool any;    /* something was added, an empty string perhaps */
	bool failed; /* memory gave out; utf16_built then gives NULL s */
};

#define UTF16_BUILDER(p) ((struct utf16_builder){ .pool = (p) })

/* Add a string, with a separator (0: none) in front unless it is the first. */
void utf16_add(struct utf16_builder *b, uint16_t separator, struct utf16 more);
/* The string so far; NULL s when nothing was added or memory gave out. It stays valid until more is added. */
struct utf16 utf16_built(struct utf16_builder *b);

/* For display: UTF-8, each unpaired surrogate as U+FFFD. NULL when memory gives out. */
char *utf16_to_utf8(struct pool *pool, struct utf16 s);

/* The string's bytes, little endian, with the terminating 0 if with_nul. p is NULL when memory gives out. */
struct slice utf16_bytes(struct pool *pool, struct utf16 s, bool with_nul);
