/*
 * A small writer of bytes, for structures that tests build field by field. To be included behind cmocka.h.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

struct bytes {
	uint8_t p[8192];
	size_t n;
};

static inline void put(struct bytes *b, const void *p, size_t n)
{
	assert_true(n <= sizeof b->p - b->n);
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
}

/* Without its NUL. */
static inline void put_text(struct bytes *b, const char *text)
{
	put(b, text, strlen(text));
}

static inline void put8(struct bytes *b, uint8_t v)
{
	put(b, &v, 1);
}

static inline void put16(struct bytes *b, uint16_t v)
{
	uint8_t p[2];

	put_u16le(p, v);
	put(b, p, sizeof p);
}

static inline void put32(struct bytes *b, uint32_t v)
{
	uint8_t p[4];

	put_u32le(p, v);
	put(b, p, sizeof p);
}

static inline void put64(struct bytes *b, uint64_t v)
{
	uint8_t p[8];

	put_u64le(p, v);
	put(b, p, sizeof p);
}

static inline void put32be(struct bytes *b, uint32_t v)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		put8(b, (uint8_t)(v >> shift));
}

static inline void put_fill(struct bytes *b, uint8_t v, size_t n)
{
	while (n-- > 0)
		put8(b, v);
}

static inline void put_hex(struct bytes *b, const char *hex)
{
	for (; *hex; hex += 2) {
		char pair[3] = { hex[0], hex[1], '\0' };

		put8(b, (uint8_t)strtoul(pair, NULL, 16));
	}
}
