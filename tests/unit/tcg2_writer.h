/*
 * Crypto-agile logs with the SHA-256 bank as a rule, built byte by byte with digests that are given. To be included behind
 * cmocka.h.
 */
#pragma once

#include "tests/unit/log_writer.h"

enum { SM3 = 0x0012, SHA256 = 0x000b, SHA1 = 0x0004 };

/* SHA-256 and SHA-1 of four zero bytes: head -c4 /dev/zero | sha256sum, sha1sum. */
static const char separator_sha256[] = "df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119";

static const char separator_sha1[] = "9069ca78e7450a285173431b3e52c5c25299e473";

/* ---- building logs ---- */

/* A Spec ID event whose algorithms are (id, len) pairs. */
static inline void put_header(struct bytes *b, const uint16_t (*algorithms)[2], uint32_t n)
{
	put32(b, 0);
	put32(b, EV_NO_ACTION);
	put_fill(b, 0, 20);
	put32(b, 28 + 4 * n + 1);
	put(b, "Spec ID Event03", 16);
	put32(b, 0);
	put8(b, 0);
	put8(b, 2);
	put8(b, 0);
	put8(b, 2);
	put32(b, n);
	for (uint32_t i = 0; i < n; i++) {
		put16(b, algorithms[i][0]);
		put16(b, algorithms[i][1]);
	}
	put8(b, 0);
}

static inline void put_sha256_header(struct bytes *b)
{
	put_header(b, (const uint16_t[][2]){ { SHA256, 32 } }, 1);
}

/* An event with a SHA-256 digest only. */
static inline void put_event(struct bytes *b, uint32_t pcr, uint32_t type, const char *digest,
			     const void *data, uint32_t n)
{
	put32(b, pcr);
	put32(b, type);
	put32(b, 1);
	put16(b, SHA256);
	put_hex(b, digest);
	put32(b, n);
	put(b, data, n);
}

static inline void put_separator(struct bytes *b, uint32_t pcr)
{
	put_event(b, pcr, EV_SEPARATOR, separator_sha256, "\0\0\0", 4);
}

static inline void put_locality(struct bytes *b, const void *data, uint32_t n)
{
	static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";

	put_event(b, 0, EV_NO_ACTION, zeros, data, n);
}

/* Three events; the second has no data. Returns the offsets at which the log may end. */
static inline struct bytes small_log(size_t ends[4])
{
	struct bytes b = { .n = 0 };

	put_header(&b, (const uint16_t[][2]){ { SHA1, 20 }, { SHA256, 32 }, { SM3, 32 } }, 3);
	ends[0] = b.n;
	for (uint32_t i = 0; i < 3; i++) {
		put32(&b, 7 + i);
		put32(&b, EV_SEPARATOR);
		put32(&b, 3);
		put16(&b, SM3);
		put_fill(&b, 0x33, 32);
		put16(&b, SHA1);
		put_hex(&b, separator_sha1);
		put16(&b, SHA256);
		put_hex(&b, separator_sha256);
		put32(&b, i == 1 ? 0 : 4);
		put_fill(&b, 0, i == 1 ? 0 : 4);
		ends[i + 1] = b.n;
	}
	return b;
}

/* ---- a log and the exact heap block it was read from ---- */

static inline struct parsed parse_n(const struct bytes *b, size_t n)
{
	struct parsed p = { .bytes = malloc(n ? n : 1) };

	assert_non_null(p.bytes);
	memcpy(p.bytes, b->p, n);
	p.rc = eventlog_parse_tcg2((struct slice){ p.bytes, n }, &p.log, &p.e);
	return p;
}

static inline struct parsed parse(const struct bytes *b)
{
	return parse_n(b, b->n);
}
