/* Decompression: short streams by the formats' own tools, long ones by their libraries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bzlib.h>
#include <lz4.h>
#include <lzma.h>
#include <lzo/lzo1x.h>
#include <zlib.h>
#include <zstd.h>

#include "base/bytes.h"
#include "uki/decompress.h"

static const char hello[] = "hello kernel, hello kernel, hello kernel, hello kernel\n";

/* As the tools make it: gzip 1.12, bzip2 1.0.8, xz 5.4.1, lzop 1.04, lz4 1.9.4, zstd 1.5.4. */
static const struct {
	enum compression compression;
	const char *name;
	const char *hex;
} samples[] = {
	/* gzip -n -9 */
	{ COMPRESSION_GZIP, "gzip",
	  "1f8b0800000000000203cb48cdc9c957c84e2dca4bcdd151c82092c7050095b342d137000000" },
	/* bzip2 -9 */
	{ COMPRESSION_BZIP2, "bzip2",
	  "425a68393141592653592660586b00000d518000104004024d900020003100300aa1064775185461661717260e9e24a3e2"
	  "ee48a"
	  "70a1204cc0b0d60" },
	/* xz --format=lzma -9 */
	{ COMPRESSION_LZMA, "lzma",
	  "5d00000004ffffffffffffffff00341949ee8de914413bdc24e4a4bc8e1a6cfd31e93bffffd8edc000" },
	/* xz --check=crc32 --x86 --lzma2=dict=64KiB */
	{ COMPRESSION_XZ, "xz",
	  "fd377a585a0000016922de360201040021010800d2b974cbe0003600165d00341949ee8de914413bdc24e4a4bc8e1a6cfc"
	  "dea80"
	  "00000000095b342d100012e3708193c939042990d010000000001595a" },
	/* lzop -9 of a file named h */
	{ COMPRESSION_LZO, "lzo",
	  "894c5a4f000d0a1a0a104020a00940030903000009000081a4000000000000000001682e86030000000037000000173163"
	  "13c31"
	  "f68656c6c6f206b65726e656c2c20200735000a11000000000000" },
	/* lz4 -l -9 */
	{ COMPRESSION_LZ4, "lz4", "02214c1818000000ef68656c6c6f206b65726e656c2c200e001150726e656c0a" },
	/* zstd -19 --check */
	{ COMPRESSION_ZSTD, "zstd", "28b52ffd0468ad00007868656c6c6f206b65726e656c2c200a0100a39c4a8fa64f20" },
};

enum { N_SAMPLES = sizeof samples / sizeof samples[0] };

/* What squashfs has: perl 5.36 Compress::Zlib, level 9; the block in the lzop file above. */
static const struct {
	enum compression compression;
	const char *hex;
} squashed[] = {
	{ COMPRESSION_ZLIB, "78dacb48cdc9c957c84e2dca4bcdd151c82092c70500316313c3" },
	{ COMPRESSION_LZO1X, "1f68656c6c6f206b65726e656c2c20200735000a110000" },
};

/* A heap block of exactly the bytes, so that a read too far is seen. */
struct bytes {
	uint8_t *p;
	size_t n;
};

static struct bytes bytes_new(size_t n)
{
	struct bytes b = { malloc(n ? n : 1), n };

	assert_non_null(b.p);
	return b;
}

static struct bytes from_hex(const char *hex)
{
	struct bytes b = bytes_new(strlen(hex) / 2);

	for (size_t i = 0; i < b.n; i++) {
		char pair[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		b.p[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return b;
}

static struct bytes joined(const void *a, size_t an, const void *b, size_t bn)
{
	struct bytes r = bytes_new(an + bn);

	memcpy(r.p, a, an);
	memcpy(r.p + an, b, bn);
	return r;
}

/* What a decompression gave. */
struct result {
	struct bytes out;
	size_t cap;
	size_t stop_after; /* bytes after which the sink ends it; 0: never */
	int rc;
	struct pcrcast_error e;
};

enum { STOPPED = 7 };

static int collect(void *ctx, struct slice bytes, struct pcrcast_error *e)
{
	struct result *r = ctx;

	(void)e;
	assert_true(bytes.n > 0);
	if (bytes.n > r->cap - r->out.n) {
		r->cap = 2 * (r->cap + bytes.n);
		r->out.p = realloc(r->out.p, r->cap);
		assert_non_null(r->out.p);
	}
	memcpy(r->out.p + r->out.n, bytes.p, bytes.n);
	r->out.n += bytes.n;
	return r->stop_after && r->out.n >= r->stop_after ? STOPPED : 0;
}

static struct result run_limited(enum compression c, const uint8_t *p, size_t n, uint64_t limit,
				 size_t stop_after)
{
	struct result r = { .stop_after = stop_after };
	struct bytes exact = joined(p, n, "", 0);
	struct pool pool = POOL_INIT;
	struct blob blob;

	assert_int_equal(blob_of_bytes(&pool, (struct slice){ exact.p, n }, &blob, &r.e), 0);
	r.rc = decompress(&blob, c, limit, collect, &r, &r.e);
	pool_done(&pool);
	free(exact.p);
	return r;
}

static struct result run(enum compression c, const uint8_t *p, size_t n)
{
	return run_limited(c, p, n, DECOMPRESS_LIMIT, 0);
}

static void assert_result(struct result r, const void *want, size_t n)
{
	assert_int_equal(r.rc, 0);
	assert_int_equal(r.out.n, n);
	if (n)
		assert_memory_equal(r.out.p, want, n);
	free(r.out.p);
}

static void assert_fails(struct result r, enum pcrcast_code code)
{
	assert_int_equal(r.rc, -(int)code);
	assert_int_equal(r.e.code, code);
	free(r.out.p);
}

/* ---- compressing ---- */

static struct bytes pack_lz4(const struct bytes *in)
{
	enum { BLOCK = 8 << 20 };
	size_t blocks = in->n / BLOCK + 1, n = 4;
	struct bytes r = bytes_new(4 + blocks * (4 + (size_t)LZ4_compressBound(BLOCK)));

	put_u32le(r.p, 0x184c2102);
	for (size_t off = 0; off < in->n; off += BLOCK) {
		int part = in->n - off < BLOCK ? (int)(in->n - off) : BLOCK;
		int got = LZ4_compress_default((const char *)in->p + off, (char *)r.p + n + 4, part,
					       LZ4_compressBound(part));

		assert_true(got > 0);
		put_u32le(r.p + n, (uint32_t)got);
		n += 4 + (size_t)got;
	}
	r.n = n;
	return r;
}

static struct bytes pack_lzo(const struct bytes *in)
{
	enum { BLOCK = 256 << 10, HEADER = 9 + 2 + 2 + 2 + 1 + 1 + 4 + 12 + 1 + 4 };
	struct bytes r = bytes_new(HEADER + (in->n / BLOCK + 1) * (20 + BLOCK + BLOCK / 16 + 67) + 4);
	uint8_t *work = malloc(LZO1X_1_MEM_COMPRESS);
	size_t n = HEADER;

	assert_non_null(work);
	memset(r.p, 0, HEADER);
	memcpy(r.p, "\x89LZO\0\r\n\x1a\n\x10\x40\x20\xa0\x09\x40\x01\x05", 17);
	put_u32be(r.p + 17, 0x0001 | 0x0002 | 0x0100 | 0x0200); /* all four check sums of a block */
	put_u32be(r.p + HEADER - 4, (uint32_t)adler32(1, r.p + 9, HEADER - 9 - 4));
	for (size_t off = 0; off < in->n; off += BLOCK) {
		size_t part = in->n - off < BLOCK ? in->n - off : BLOCK;
		const uint8_t *p = in->p + off;
		uint8_t packed[BLOCK + BLOCK / 16 + 67];
		lzo_uint got = sizeof packed;

		assert_int_equal(lzo1x_1_compress(p, part, packed, &got, work), LZO_E_OK);
		bool stored = got >= part;
		put_u32be(r.p + n, (uint32_t)part);
		put_u32be(r.p + n + 4, (uint32_t)(stored ? part : got));
		put_u32be(r.p + n + 8, (uint32_t)adler32(1, p, (uInt)part));
		put_u32be(r.p + n + 12, (uint32_t)crc32(0, p, (uInt)part));
		n += 16;
		if (!stored) {
			put_u32be(r.p + n, (uint32_t)adler32(1, packed, (uInt)got));
			put_u32be(r.p + n + 4, (uint32_t)crc32(0, packed, (uInt)got));
			n += 8;
		}
		memcpy(r.p + n, stored ? p : packed, stored ? part : got);
		n += stored ? part : got;
	}
	put_u32be(r.p + n, 0);
	r.n = n + 4;
	free(work);
	return r;
}

static struct bytes pack_lzo1x(const struct bytes *in)
{
	struct bytes r = bytes_new(in->n + in->n / 16 + 67);
	uint8_t *work = malloc(LZO1X_1_MEM_COMPRESS);
	lzo_uint got = r.n;

	assert_non_null(work);
	assert_int_equal(lzo1x_1_compress(in->p, in->n, r.p, &got, work), LZO_E_OK);
	r.n = got;
	free(work);
	return r;
}

static struct bytes pack_lzma(const struct bytes *in)
{
	struct bytes r = bytes_new(in->n + in->n / 8 + 1000);
	lzma_stream s = LZMA_STREAM_INIT;
	lzma_options_lzma options;

	assert_false(lzma_lzma_preset(&options, 0));
	assert_int_equal(lzma_alone_encoder(&s, &options), LZMA_OK);
	s.next_in = in->p;
	s.avail_in = in->n;
	s.next_out = r.p;
	s.avail_out = r.n;
	assert_int_equal(lzma_code(&s, LZMA_FINISH), LZMA_STREAM_END);
	r.n = s.total_out;
	lzma_end(&s);
	return r;
}

static struct bytes pack(enum compression c, const struct bytes *in)
{
	struct bytes r = bytes_new(in->n + in->n / 8 + 1000);
	z_stream z = { .next_in = in->p, .avail_in = (uInt)in->n, .next_out = r.p, .avail_out = (uInt)r.n };
	unsigned bz_len = (unsigned)r.n;
	size_t n = 0;

	switch (c) {
	case COMPRESSION_GZIP:
	case COMPRESSION_ZLIB:
		assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, c == COMPRESSION_GZIP ? 31 : 15, 8,
					      Z_DEFAULT_STRATEGY),
				 Z_OK);
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		n = z.total_out;
		deflateEnd(&z);
		break;
	case COMPRESSION_BZIP2:
		assert_int_equal(BZ2_bzBuffToBuffCompress((char *)r.p, &bz_len, (char *)in->p,
							  (unsigned)in->n, 9, 0, 0),
				 BZ_OK);
		n = bz_len;
		break;
	case COMPRESSION_XZ:
		assert_int_equal(
			lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, in->p, in->n, r.p, &n, r.n),
			LZMA_OK);
		break;
	case COMPRESSION_ZSTD:
		n = ZSTD_compress(r.p, r.n, in->p, in->n, 1);
		assert_false(ZSTD_isError(n));
		break;
	default:
		free(r.p);
		return c == COMPRESSION_LZMA  ? pack_lzma(in) :
		       c == COMPRESSION_LZO   ? pack_lzo(in) :
		       c == COMPRESSION_LZO1X ? pack_lzo1x(in) :
						pack_lz4(in);
	}
	r.n = n;
	return r;
}

/* Bytes of which a part compresses well and a part not at all. */
static struct bytes mixed(size_t n)
{
	struct bytes b = bytes_new(n);
	uint32_t x = 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		b.p[i] = (uint8_t)(i / 300000 % 2 ? x >> 24 : (x >> 30) + i / 100);
	}
	return b;
}

/* ---- tests ---- */

static void formats_are_told_by_their_first_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SAMPLES; i++) {
		struct bytes b = from_hex(samples[i].hex);

		assert_int_equal(compression_detect((struct slice){ b.p, b.n }), samples[i].compression);
		assert_string_equal(compression_name(samples[i].compression), samples[i].name);
		for (size_t n = 0; n < COMPRESSION_MAGIC_LEN; n++) {
			struct bytes cut = joined(b.p, n, "", 0);
			enum compression c = compression_detect((struct slice){ cut.p, n });

			assert_true(c == COMPRESSION_COUNT || c == samples[i].compression);
			free(cut.p);
		}
		free(b.p);
	}
	assert_int_equal(compression_detect(slice_of_string("\x7f"
							    "ELF\2\1\1")),
			 COMPRESSION_COUNT);
	assert_int_equal(compression_detect(SLICE_EMPTY), COMPRESSION_COUNT);
}

static void what_the_tools_make_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SAMPLES; i++) {
		struct bytes b = from_hex(samples[i].hex);
		uint8_t len[4];

		assert_result(run(samples[i].compression, b.p, b.n), hello, sizeof hello - 1);

		/* The kernel's build appends the length. */
		put_u32le(len, sizeof hello - 1);
		struct bytes with_len = joined(b.p, b.n, len, sizeof len);
		assert_result(run(samples[i].compression, with_len.p, with_len.n), hello, sizeof hello - 1);
		free(with_len.p);
		free(b.p);
	}
}

static void every_truncation_is_an_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SAMPLES; i++) {
		struct bytes b = from_hex(samples[i].hex);

		for (size_t n = 0; n < b.n; n++) {
			struct result r = run(samples[i].compression, b.p, n);

			/* A legacy LZ4 frame may have no blocks. */
			if (samples[i].compression == COMPRESSION_LZ4 && n == 4)
				assert_result(r, NULL, 0);
			else
				assert_fails(r, PCRCAST_ETRUNC);
		}
		free(b.p);
	}
}

static void no_damage_passes_where_there_is_a_check_sum(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SAMPLES; i++) {
		struct bytes b = from_hex(samples[i].hex);
		bool summed = samples[i].compression != COMPRESSION_LZ4 &&
			      samples[i].compression != COMPRESSION_LZMA;

		/* LZ4 has no check sum, so this only looks for crashes; its 16 MiB of buffers cost time. */
		size_t step = samples[i].compression == COMPRESSION_LZ4 ? 5 : 1;

		for (size_t bit = 0; bit < 8 * b.n; bit += step) {
			b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
			struct result r = run(samples[i].compression, b.p, b.n);
			assert_true(r.rc <= 0);
			if (r.rc == 0 && summed)
				assert_result(r, hello, sizeof hello - 1);
			else
				free(r.out.p);
			b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		free(b.p);
	}
}

static void blocks_of_squashfs_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof squashed / sizeof squashed[0]; i++) {
		struct bytes b = from_hex(squashed[i].hex);
		enum compression c = squashed[i].compression;

		assert_result(run_limited(c, b.p, b.n, sizeof hello - 1, 0), hello, sizeof hello - 1);
		assert_fails(run_limited(c, b.p, b.n, sizeof hello - 2, 0), PCRCAST_ELIMIT);
		for (size_t n = 0; n < b.n; n++)
			assert_fails(run(c, b.p, n), PCRCAST_ETRUNC);
		free(b.p);
	}

	/* Nothing may follow a block of LZO. */
	struct bytes b = from_hex(squashed[1].hex), more = joined(b.p, b.n, "", 1);
	assert_fails(run(COMPRESSION_LZO1X, more.p, more.n), PCRCAST_EFORMAT);
	free(more.p);
	free(b.p);
}

static void long_streams_come_out_as_they_went_in(void **state)
{
	(void)state;
	for (enum compression c = 0; c < COMPRESSION_COUNT; c++) {
		/* More than a block of any format. */
		struct bytes in = mixed(c == COMPRESSION_LZ4 ? (8 << 20) + 12345 : 1000000);
		struct bytes packed = pack(c, &in);

		bool told = c != COMPRESSION_ZLIB && c != COMPRESSION_LZO1X;
		assert_int_equal(compression_detect((struct slice){ packed.p, packed.n }),
				 told ? c : COMPRESSION_COUNT);
		assert_result(run(c, packed.p, packed.n), in.p, in.n);
		free(packed.p);
		free(in.p);
	}
}

static void output_ends_at_the_limit(void **state)
{
	(void)state;
	enum { ZEROS = 4 << 20, LIMIT = 1 << 20 };
	struct bytes zeros = { calloc(1, ZEROS), ZEROS };
	assert_non_null(zeros.p);
	for (enum compression c = 0; c < COMPRESSION_COUNT; c++) {
		struct bytes packed = pack(c, &zeros);
		struct result r = run_limited(c, packed.p, packed.n, LIMIT, 0);

		assert_true(r.out.n <= LIMIT);
		assert_fails(r, PCRCAST_ELIMIT);
		assert_result(run_limited(c, packed.p, packed.n, ZEROS, 0), zeros.p, ZEROS);
		assert_fails(run_limited(c, packed.p, packed.n, ZEROS - 1, 0), PCRCAST_ELIMIT);
		free(packed.p);
	}
	free(zeros.p);
}

static void the_sink_ends_it(void **state)
{
	(void)state;
	struct bytes in = mixed(900000);
	for (enum compression c = 0; c < COMPRESSION_COUNT; c++) {
		struct bytes packed = pack(c, &in);
		struct result r = run_limited(c, packed.p, packed.n, DECOMPRESS_LIMIT, 1000);

		assert_int_equal(r.rc, STOPPED);
		assert_true(r.out.n >= 1000 && r.out.n <= in.n);
		free(r.out.p);
		free(packed.p);
	}
	free(in.p);
}

static void windows_larger_than_the_kernels_are_refused(void **state)
{
	(void)state;
	/* A zstd window of 2^28 bytes (RFC 8878 section 3.1.1.1.2), then an empty last block. */
	static const uint8_t zstd[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, 18 << 3, 0x01, 0x00, 0x00 };
	/* An LZMA dictionary of 3 GiB. */
	static const uint8_t lzma[] = { 0x5d, 0,    0,    0,    0xc0, 0xff, 0xff, 0xff, 0xff,
					0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,    0 };

	assert_fails(run(COMPRESSION_ZSTD, zstd, sizeof zstd), PCRCAST_ELIMIT);
	assert_fails(run(COMPRESSION_LZMA, lzma, sizeof lzma), PCRCAST_ELIMIT);
}

static void odd_frames_are_refused(void **state)
{
	(void)state;
	struct bytes b = from_hex(samples[5].hex); /* lz4 */
	static const uint32_t bad[] = { 0, (8 << 20) + (8 << 20) / 255 + 17, UINT32_MAX };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		put_u32le(b.p + 4, bad[i]);
		assert_fails(run(COMPRESSION_LZ4, b.p, b.n), PCRCAST_EFORMAT);
	}
	free(b.p);

	/* Two frames, one behind the other. */
	b = from_hex(samples[5].hex);
	struct bytes two = joined(b.p, b.n, b.p, b.n);
	struct result r = run(COMPRESSION_LZ4, two.p, two.n);
	assert_int_equal(r.out.n, 2 * (sizeof hello - 1));
	assert_int_equal(r.rc, 0);
	free(r.out.p);
	free(two.p);
	free(b.p);

	/* lzop's flags for a filter, and a block larger than the kernel takes. */
	struct bytes in = mixed(1000);
	b = pack_lzo(&in);
	put_u32be(b.p + 17, 0x0800);
	assert_fails(run(COMPRESSION_LZO, b.p, b.n), PCRCAST_EUNSUPPORTED);
	free(b.p);
	b = pack_lzo(&in);
	put_u32be(b.p + 38, (256 << 10) + 1);
	assert_fails(run(COMPRESSION_LZO, b.p, b.n), PCRCAST_EFORMAT);
	put_u32be(b.p + 38, 10); /* less than the input */
	assert_fails(run(COMPRESSION_LZO, b.p, b.n), PCRCAST_EFORMAT);
	free(b.p);
	free(in.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_are_told_by_their_first_bytes),
		cmocka_unit_test(what_the_tools_make_is_read),
		cmocka_unit_test(blocks_of_squashfs_are_read),
		cmocka_unit_test(every_truncation_is_an_error),
		cmocka_unit_test(no_damage_passes_where_there_is_a_check_sum),
		cmocka_unit_test(long_streams_come_out_as_they_went_in),
		cmocka_unit_test(output_ends_at_the_limit),
		cmocka_unit_test(the_sink_ends_it),
		cmocka_unit_test(windows_larger_than_the_kernels_are_refused),
		cmocka_unit_test(odd_frames_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
