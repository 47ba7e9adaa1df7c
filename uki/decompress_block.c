/*
 * Formats that are blocks in a frame that is read here: LZ4's legacy frame and lzop's files; and a block of LZO without one.
 */
#include <inttypes.h>
#include <stdlib.h>

#include <lz4.h>
#ifdef HAVE_LZO2
#include <lzo/lzo1x.h>
#endif
#include <zlib.h>

#include "base/bytes.h"
#include "uki/decompress_impl.h"

enum {
	/* Blocks of an LZ4 legacy frame hold at most this much (lz4 1.9, doc/lz4_Frame_format.md). */
	LZ4_BLOCK_MAX = 8 << 20,
	LZ4_IN_MAX = LZ4_COMPRESSBOUND(LZ4_BLOCK_MAX),
	/* lzop's blocks, and the most that the kernel takes (Linux lib/decompress_unlzo.c, LZO_BLOCK_SIZE). */
	LZO_BLOCK_MAX = 256 << 10,
};

/* ---- LZ4 ---- */

/*
 * LZ4 legacy frame: magic, then blocks of u32le compressed length and data (lz4 1.9,
 * doc/lz4_Frame_format.md). It has no end mark. The kernel's build appends the length of the output as
 * u32le (Linux scripts/Makefile.lib, lz4_with_size), which is told from a block by being the end.
 */
static int run_lz4(struct decompression *d, uint8_t *in, uint8_t *out)
{
	static const uint32_t magic = 0x184c2102;
	uint8_t word[4] = { 0 };

	int rc = decompress_take(d, word, sizeof word);
	if (rc < 0)
		return rc;
	while (decompress_at(d) < d->blob->len) {
		rc = decompress_take(d, word, sizeof word);
		if (rc < 0)
			return rc;
		uint32_t n = get_u32le(word);
		if (decompress_at(d) == d->blob->len && n == (uint32_t)d->n_out)
			return 0;
		if (n == magic) /* a further frame */
			continue;
		if (n == 0 || n > LZ4_IN_MAX)
			return err_set(d->e, PCRCAST_EFORMAT, decompress_at(d) - 4,
				       "LZ4 block of %" PRIu32 " bytes, expected 1 to %d", n, LZ4_IN_MAX);
		rc = decompress_take(d, in, n);
		if (rc < 0)
			return rc;
		int got = LZ4_decompress_safe((const char *)in, (char *)out, (int)n, LZ4_BLOCK_MAX);
		if (got < 0)
			return decompress_damaged(d, "liblz4 refuses it");
		rc = decompress_put(d, out, (size_t)got);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int decompress_lz4(struct decompression *d)
{
	uint8_t *in = malloc(LZ4_IN_MAX), *out = malloc(LZ4_BLOCK_MAX);
	int rc = in && out ? run_lz4(d, in, out) : err_nomem(d->e);

	free(in);
	free(out);
	return rc;
}

/* ---- lzop ---- */

#ifdef HAVE_LZO2

/* Flags of lzop's header (lzop 1.04 conf.h) that change what follows. */
enum {
	LZO_ADLER32_D = 0x0001, /* of a block's output */
	LZO_ADLER32_C = 0x0002, /* of a block's input */
	LZO_EXTRA_FIELD = 0x0040,
	LZO_CRC32_D = 0x0100,
	LZO_CRC32_C = 0x0200,
	LZO_MULTIPART = 0x0400,
	LZO_FILTER = 0x0800,
	LZO_HEADER_CRC32 = 0x1000, /* instead of Adler-32 */

	LZO_HEADER_MAX = 2 + 2 + 2 + 1 + 1 + 4 + 4 + 4 + 4 + 1 + 255,
	LZO_VERSION_LEVEL = 0x0940, /* from this version on the header tells a level and times of 64 bits */
};

/* The bytes of the header so far, for its check sum. */
struct lzo_header {
	uint8_t bytes[LZO_HEADER_MAX];
	size_t n;
	int rc; /* sticky */
};

static uint32_t lzo_field(struct decompression *d, struct lzo_header *h, size_t n)
{
	uint32_t v = 0;

	if (h->rc == 0)
		h->rc = decompress_take(d, h->bytes + h->n, n);
	if (h->rc < 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | h->bytes[h->n + i];
	h->n += n;
	return v;
}

static int take_u32be(struct decompression *d, uint32_t *ret)
{
	uint8_t word[4] = { 0 };
	int rc = decompress_take(d, word, sizeof word);

	if (rc == 0)
		*ret = get_u32be(word);
	return rc;
}

static uint32_t sum(bool crc, const uint8_t *bytes, size_t n)
{
	return (uint32_t)(crc ? crc32(0, bytes, (uInt)n) : adler32(1, bytes, (uInt)n));
}

/* lzop's file header; the flags that matter for blocks in *ret. */
static int lzo_header_read(struct decompression *d, uint32_t *ret, struct pcrcast_error *e)
{
	struct lzo_header h = { .n = 0 };
	uint8_t magic[9];
	uint32_t want = 0;

	int rc = decompress_take(d, magic, sizeof magic);
	if (rc < 0)
		return rc;
	uint32_t version = lzo_field(d, &h, 2);
	(void)lzo_field(d, &h, 2); /* library version */
	if (version >= LZO_VERSION_LEVEL)
		(void)lzo_field(d, &h, 2); /* version needed to extract */
	uint32_t method = lzo_field(d, &h, 1);
	if (version >= LZO_VERSION_LEVEL)
		(void)lzo_field(d, &h, 1); /* level */
	uint32_t flags = lzo_field(d, &h, 4);
	if (flags & (LZO_FILTER | LZO_EXTRA_FIELD | LZO_MULTIPART))
		return err_set(e, PCRCAST_EUNSUPPORTED, decompress_at(d),
			       "lzop flags 0x%" PRIx32 ": filter, extra field or parts", flags);
	(void)lzo_field(d, &h, version >= LZO_VERSION_LEVEL ? 4 + 4 + 4 : 4 + 4); /* mode, time */
	(void)lzo_field(d, &h, lzo_field(d, &h, 1));                              /* file name */
	if (h.rc < 0)
		return h.rc;
	rc = take_u32be(d, &want);
	if (rc < 0)
		return rc;
	if (sum(flags & LZO_HEADER_CRC32, h.bytes, h.n) != want)
		return decompress_damaged(d, "check sum of the lzop header");
	if (method < 1 || method > 3) /* LZO1X-1, LZO1X-1(15), LZO1X-999: one decoder */
		return err_set(e, PCRCAST_EUNSUPPORTED, decompress_at(d),
			       "lzop method %" PRIu32 ", expected 1 to 3", method);
	*ret = flags;
	return 0;
}

/* A block's check sums of one side (output or input): Adler-32, then CRC-32, each if its flag is set. */
struct lzo_sums {
	bool has[2];
	uint32_t value[2];
};

static int lzo_sums_read(struct decompression *d, bool adler, bool crc, struct lzo_sums *ret)
{
	*ret = (struct lzo_sums){ .has = { adler, crc } };
	for (int i = 0; i < 2; i++) {
		int rc = ret->has[i] ? take_u32be(d, &ret->value[i]) : 0;
		if (rc < 0)
			return rc;
	}
	return 0;
}

static bool lzo_sums_hold(const struct lzo_sums *s, const uint8_t *bytes, size_t n)
{
	for (int i = 0; i < 2; i++)
		if (s->has[i] && sum(i == 1, bytes, n) != s->value[i])
			return false;
	return true;
}

static int run_lzo(struct decompression *d, uint8_t *in, uint8_t *out)
{
	uint32_t flags = 0;

	int rc = lzo_header_read(d, &flags, d->e);
	if (rc < 0)
		return rc;
	for (;;) {
		uint32_t n_out = 0, n_in = 0;
		struct lzo_sums out_sums, in_sums;

		rc = take_u32be(d, &n_out);
		if (rc < 0 || n_out == 0)
			return rc;
		rc = take_u32be(d, &n_in);
		if (rc < 0)
			return rc;
		/* A block that does not shrink is stored. */
		if (n_out > LZO_BLOCK_MAX || n_in == 0 || n_in > n_out)
			return err_set(d->e, PCRCAST_EFORMAT, decompress_at(d) - 8,
				       "LZO block of %" PRIu32 " bytes in %" PRIu32 ", expected at most %d",
				       n_out, n_in, LZO_BLOCK_MAX);
		bool stored = n_in == n_out;
		rc = lzo_sums_read(d, flags & LZO_ADLER32_D, flags & LZO_CRC32_D, &out_sums);
		if (rc < 0)
			return rc;
		rc = lzo_sums_read(d, flags & LZO_ADLER32_C && !stored, flags & LZO_CRC32_C && !stored,
				   &in_sums);
		if (rc < 0)
			return rc;
		rc = decompress_take(d, in, n_in);
		if (rc < 0)
			return rc;
		if (!lzo_sums_hold(&in_sums, in, n_in))
			return decompress_damaged(d, "check sum of an LZO block's input");

		lzo_uint got = n_out;
		if (!stored && (lzo1x_decompress_safe(in, n_in, out, &got, NULL) != LZO_E_OK || got != n_out))
			return decompress_damaged(d, "liblzo2 refuses it");
		const uint8_t *bytes = stored ? in : out;
		if (!lzo_sums_hold(&out_sums, bytes, n_out))
			return decompress_damaged(d, "check sum of an LZO block's output");
		rc = decompress_put(d, bytes, n_out);
		if (rc != 0)
			return rc;
	}
}

/* n_in and n_out: bytes of the buffers. */
static int with_buffers(struct decompression *d, uint64_t n_in, uint64_t n_out,
			int (*run)(struct decompression *d, uint8_t *in, uint8_t *out))
{
	uint8_t *in = n_in < SIZE_MAX ? malloc(n_in ? (size_t)n_in : 1) : NULL;
	uint8_t *out = n_out < SIZE_MAX ? malloc(n_out ? (size_t)n_out : 1) : NULL;
	int rc = !in || !out            ? err_nomem(d->e) :
		 lzo_init() != LZO_E_OK ? err_set(d->e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
						  "liblzo2 does not work on this machine") :
					  run(d, in, out);

	free(in);
	free(out);
	return rc;
}

int decompress_lzo(struct decompression *d)
{
	return with_buffers(d, LZO_BLOCK_MAX, LZO_BLOCK_MAX, run_lzo);
}

/* ---- a block of LZO1X ---- */

static int run_lzo1x(struct decompression *d, uint8_t *in, uint8_t *out)
{
	size_t n_in = (size_t)d->blob->len;
	lzo_uint n_out = (size_t)d->limit;
	int rc = decompress_take(d, in, n_in);

	if (rc < 0)
		return rc;
	switch (lzo1x_decompress_safe(in, n_in, out, &n_out, NULL)) {
	case LZO_E_OK:
		return decompress_put(d, out, n_out);
	case LZO_E_INPUT_OVERRUN:
	case LZO_E_EOF_NOT_FOUND:
		return decompress_cut_short(d);
	case LZO_E_OUTPUT_OVERRUN:
		return err_set(d->e, PCRCAST_ELIMIT, decompress_at(d),
			       "more than %" PRIu64 " bytes when decompressed", d->limit);
	default:
		return decompress_damaged(d, "liblzo2 refuses it");
	}
}

int decompress_lzo1x(struct decompression *d)
{
	return with_buffers(d, d->blob->len, d->limit, run_lzo1x);
}

#else

int decompress_lzo(struct decompression *d)
{
	return err_set(d->e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
		       "this program was built without liblzo2");
}

int decompress_lzo1x(struct decompression *d)
{
	return decompress_lzo(d);
}

#endif
