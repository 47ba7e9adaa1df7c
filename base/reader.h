/*
 * A bounded cursor over bytes in memory, for formats that are read front to back.
 *
 * The failed flag is sticky: after a read past the end every further read gives zero, so a group of
 * fields can be read plainly and checked once. Check before a value steers a loop, a size or a seek.
 */
#pragma once

#include "base/bytes.h"
#include "base/slice.h"

struct reader {
	const uint8_t *base; /* start of the file: pos doubles as the offset in error messages */
	size_t pos, end;     /* pos <= end, always */
	bool failed;
};

static inline struct reader reader_over(struct slice s)
{
	return (struct reader){ .base = s.p, .end = s.n };
}

static inline size_t reader_left(const struct reader *r)
{
	return r->end - r->pos;
}

/* The next n bytes; an empty slice, and failed set, when fewer are left. */
static inline struct slice reader_take(struct reader *r, uint64_t n)
{
	if (r->failed || n > r->end - r->pos) { /* compare with what is left; never pos + n */
		r->failed = true;
		return (struct slice){ r->base, 0 };
	}
	struct slice s = { r->base + r->pos, (size_t)n };
	r->pos += s.n;
	return s;
}

static inline uint8_t reader_u8(struct reader *r)
{
	struct slice s = reader_take(r, 1);
	return s.n ? s.p[0] : 0;
}

static inline uint16_t reader_u16le(struct reader *r)
{
	struct slice s = reader_take(r, 2);
	return s.n ? get_u16le(s.p) : 0;
}

static inline uint32_t reader_u32le(struct reader *r)
{
	struct slice s = reader_take(r, 4);
	return s.n ? get_u32le(s.p) : 0;
}

static inline uint64_t reader_u64le(struct reader *r)
{
	struct slice s = reader_take(r, 8);
	return s.n ? get_u64le(s.p) : 0;
}

static inline uint16_t reader_u16be(struct reader *r)
{
	struct slice s = reader_take(r, 2);
	return s.n ? get_u16be(s.p) : 0;
}

static inline uint32_t reader_u32be(struct reader *r)
{
	struct slice s = reader_take(r, 4);
	return s.n ? get_u32be(s.p) : 0;
}
