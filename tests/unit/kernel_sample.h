/*
 * Kernel images made byte by byte, identified from a block of the exact size, and what tests ask about them. To be
 * included behind cmocka.h.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/bytes.h"
#include "uki/elf.h"
#include "uki/kernel.h"

#define INITRD_TAG "\xec\x22\x3b\x8f\x0d\x00\x00\x00Linux initrd\0"
#define LOAD_OPTIONS_TAG "\xed\x22\x3b\x8f\x1a\x00\x00\x00LOADED_IMAGE::LoadOptions\0"
#define NOTE "\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0"

static const char id_bytes[] =
	"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff\x01\x23\x45\x67";
static const char id_hex[] = "00112233445566778899aabbccddeeff01234567";
static const char version[] = "6.1.0-44-cloud-amd64 (builder@example.org) #1 SMP PREEMPT_DYNAMIC Debian";
static const char banner[] = "Linux version 6.1.0-44-cloud-arm64 (builder) (gcc) #1 SMP Debian\n";
static const char banner_version[] = "6.1.0-44-cloud-arm64 (builder) (gcc) #1 SMP Debian";

/* ---- building images ---- */

struct bytes {
	uint8_t *p;
	size_t n, cap;
};

static inline void put(struct bytes *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	if (n > b->cap - b->n) {
		b->cap = 2 * (b->cap + n);
		b->p = realloc(b->p, b->cap);
		assert_non_null(b->p);
	}
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

static inline void put_zeros(struct bytes *b, size_t n)
{
	while (n-- > 0)
		put(b, "", 1);
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

/* A word of the ELF class: 32 or 64 bits. */
static inline void put_word(struct bytes *b, bool elf64, uint32_t v)
{
	put32(b, v);
	if (elf64)
		put32(b, 0);
}

static inline void put_note(struct bytes *b, const char *id)
{
	put(b, NOTE, sizeof NOTE - 1);
	put(b, id, 20);
}

/* An ELF file whose notes (a foreign one, a build id) a section header, a program header or none tells. */
static inline struct bytes elf_file(bool elf64, bool section, bool segment, const char *id)
{
	enum { NOTES = 12 + 4 + 8 + 36 };
	size_t header = elf64 ? 64 : 52, program = elf64 ? 56 : 32, entry = elf64 ? 64 : 40;
	uint32_t notes = (uint32_t)(header + program);
	struct bytes b = { .p = NULL };

	put(&b,
	    elf64 ? "\x7f"
		    "ELF\2\1\1" :
		    "\x7f"
		    "ELF\1\1\1",
	    7);
	put_zeros(&b, 9);
	put16(&b, 2);
	put16(&b, 62);
	put32(&b, 1);
	put_word(&b, elf64, 0);
	put_word(&b, elf64, segment ? (uint32_t)header : 0);
	put_word(&b, elf64, section ? notes + NOTES : 0);
	put32(&b, 0);
	put16(&b, (uint16_t)header);
	put16(&b, (uint16_t)program);
	put16(&b, segment);
	put16(&b, (uint16_t)entry);
	put16(&b, section ? 2 : 0);
	put16(&b, 0);
	assert_int_equal(b.n, header);

	put32(&b, 4); /* PT_NOTE */
	if (elf64)
		put32(&b, 4); /* flags */
	put_word(&b, elf64, notes);
	put_word(&b, elf64, 0);
	put_word(&b, elf64, 0);
	put_word(&b, elf64, NOTES);
	put_word(&b, elf64, NOTES);
	put_word(&b, elf64, 4);
	if (!elf64)
		put32(&b, 4);
	assert_int_equal(b.n, notes);

	put(&b, "\4\0\0\0\5\0\0\0\3\0\0\0Xen\0abcde\0\0\0", 24);
	put_note(&b, id);
	assert_int_equal(b.n, notes + NOTES);

	put_zeros(&b, entry);
	put32(&b, 0);
	put32(&b, 7); /* SHT_NOTE */
	put_word(&b, elf64, 2);
	put_word(&b, elf64, 0);
	put_word(&b, elf64, notes);
	put_word(&b, elf64, NOTES);
	put32(&b, 0);
	put32(&b, 0);
	put_word(&b, elf64, 4);
	put_word(&b, elf64, 0);
	return b;
}

static inline struct bytes gzip(struct bytes in)
{
	struct bytes r = { malloc(in.n + 1000), in.n + 1000, in.n + 1000 };
	z_stream z = { .next_in = in.p, .avail_in = (uInt)in.n, .next_out = r.p, .avail_out = (uInt)r.n };

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	r.n = z.total_out;
	deflateEnd(&z);
	return r;
}

/* One setup sector, then the payload at 0x400; takes over payload. */
static inline struct bytes bzimage(struct bytes payload)
{
	struct bytes b = { .p = NULL };

	put_zeros(&b, 0x400);
	b.p[0x1f1] = 1;
	memcpy(b.p + 0x1fe, "\x55\xaa", 2);
	memcpy(b.p + 0x202, "HdrS", 4);
	put_u16le(b.p + 0x206, 0x20f);
	put_u16le(b.p + 0x20e, 0x380 - 0x200);
	put_u32le(b.p + 0x248, 0);
	put_u32le(b.p + 0x24c, (uint32_t)payload.n);
	memcpy(b.p + 0x380, version, sizeof version);
	put(&b, payload.p, payload.n);
	free(payload.p);
	return b;
}

static inline struct bytes plain_image(const char magic[4])
{
	struct bytes b = { .p = NULL };

	put_zeros(&b, 0x40);
	memcpy(b.p + 0x38, magic, 4);
	return b;
}

/* Takes over payload. */
static inline struct bytes zboot(const char *compression, struct bytes payload)
{
	struct bytes b = plain_image("\xcd\x23\x82\x81"); /* as real ones have */

	memcpy(b.p, "MZ\0\0zimg", 8);
	put_u32le(b.p + 8, 0x40);
	put_u32le(b.p + 12, (uint32_t)payload.n);
	memcpy(b.p + 24, compression, strlen(compression));
	put(&b, payload.p, payload.n);
	free(payload.p);
	return b;
}

/* ---- an image in an exact heap block, and what was found ---- */

struct found {
	uint8_t *bytes;
	struct pool pool;
	struct blob blob;
	struct kernel k;
	struct source *temp;
	int rc;
	struct pcrcast_error e;
};

static inline struct found identify_n(const struct bytes *b, size_t n)
{
	struct found f = { .bytes = malloc(n ? n : 1) };

	assert_non_null(f.bytes);
	if (n)
		memcpy(f.bytes, b->p, n);
	assert_int_equal(blob_of_bytes(&f.pool, (struct slice){ f.bytes, n }, &f.blob, &f.e), 0);
	f.rc = kernel_identify(&f.pool, &f.blob, &f.k, &f.temp, &f.e);
	return f;
}

static inline struct found identify(const struct bytes *b)
{
	return identify_n(b, b->n);
}

static inline void done(struct found *f)
{
	source_close(f->temp);
	pool_done(&f->pool);
	free(f->bytes);
}

static inline void assert_version(const struct bytes *b, const char *want)
{
	struct found f = identify(b);

	assert_int_equal(f.rc, 0);
	if (want) {
		assert_non_null(f.k.version);
		assert_string_equal(f.k.version, want);
	} else {
		assert_null(f.k.version);
	}
	done(&f);
}

/* want NULL: no build id, and a reason. */
static inline void assert_build_id(const struct bytes *b, const char *want)
{
	struct found f = identify(b);
	const char *id, *why;

	assert_int_equal(f.rc, 0);
	assert_int_equal(kernel_build_id(&f.pool, &f.blob, &f.k, &id, &why, &f.e), 0);
	if (want) {
		assert_non_null(id);
		assert_string_equal(id, want);
		assert_null(why);
	} else {
		assert_null(id);
		assert_non_null(why);
	}
	done(&f);
}

static inline void assert_refused(const struct bytes *b, enum pcrcast_code code)
{
	struct found f = identify(b);

	assert_int_equal(f.rc, -(int)code);
	assert_null(f.temp);
	done(&f);
}
