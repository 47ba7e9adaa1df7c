#include "uki/decompress.h"

#include <inttypes.h>
#include <stdlib.h>

#include <bzlib.h>
#include <lz4.h>
#include <lzma.h>
#ifdef HAVE_LZO2
#include <lzo/lzo1x.h>
#endif
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/bytes.h"

enum {
	IN_LEN = 65536,   /* bytes read at a time */
	OUT_LEN = 262144, /* bytes handed to the sink at a time, at most, save whole blocks of LZ4 */

	/* Blocks of an LZ4 legacy frame hold at most this much (lz4 1.9, doc/lz4_Frame_format.md). */
	LZ4_BLOCK_MAX = 8 << 20,
	LZ4_IN_MAX = LZ4_COMPRESSBOUND(LZ4_BLOCK_MAX),
	/* lzop's blocks, and the most that the kernel takes (Linux lib/decompress_unlzo.c, LZO_BLOCK_SIZE). */
	LZO_BLOCK_MAX = 256 << 10,

	/* zstd --ultra -22, the kernel's setting, has a window of 2^27 bytes. */
	ZSTD_WINDOW_LOG = 27,
};

/* liblzma's memory: the kernel's xz dictionary is 128 MiB (Linux 6.12 scripts/xz_wrap.sh), plus its tables. */
#define LZMA_MEM_LIMIT (UINT64_C(160) << 20)

/* One decompression. */
struct job {
	const struct blob *blob;
	uint64_t pos;     /* in blob, of the first byte behind in */
	struct slice in;  /* read, but not yet used */
	uint8_t *in_buf;  /* IN_LEN bytes */
	uint8_t *out_buf; /* OUT_LEN bytes */
	uint64_t n_out;   /* bytes handed to the sink */
	uint64_t limit;   /* of n_out */
	decompress_sink sink;
	void *ctx;
	struct pcrcast_error *e;
};

/* Where in the compressed bytes the decoder stands. */
static uint64_t at(const struct job *j)
{
	return j->pos - j->in.n;
}

static int cut_short(const struct job *j)
{
	return err_set(j->e, PCRCAST_ETRUNC, at(j), "compressed data cut short");
}

static int damaged(const struct job *j, const char *what)
{
	return err_set(j->e, PCRCAST_EFORMAT, at(j), "compressed data damaged: %s", what);
}

/* Read more when nothing is left; j->in stays empty at the end of the blob. */
static int fill(struct job *j)
{
	uint64_t left = j->blob->len - j->pos;
	size_t n = left < IN_LEN ? (size_t)left : IN_LEN;

	if (j->in.n > 0 || n == 0)
		return 0;
	int rc = blob_read(j->blob, j->pos, j->in_buf, n, j->e);
	if (rc < 0)
		return rc;
	j->in = (struct slice){ j->in_buf, n };
	j->pos += n;
	return 0;
}

static int put(struct job *j, const uint8_t *bytes, size_t n)
{
	if (n == 0)
		return 0;
	if (n > j->limit - j->n_out)
		return err_set(j->e, PCRCAST_ELIMIT, at(j), "more than %" PRIu64 " bytes when decompressed",
			       j->limit);
	j->n_out += n;
	return j->sink(j->ctx, (struct slice){ bytes, n }, j->e);
}

/* Exactly n bytes of input. */
static int take(struct job *j, uint8_t *ret, size_t n)
{
	while (n > 0) {
		int rc = fill(j);
		if (rc < 0)
			return rc;
		if (j->in.n == 0)
			return cut_short(j);
		size_t part = j->in.n < n ? j->in.n : n;
		memcpy(ret, j->in.p, part);
		j->in = (struct slice){ j->in.p + part, j->in.n - part };
		ret += part;
		n -= part;
	}
	return 0;
}

/* ---- formats whose library keeps the state: a step uses some input and makes some output ---- */

union state {
	z_stream z;
	bz_stream bz;
	lzma_stream lzma;
	ZSTD_DCtx *zstd;
};

struct io {
	struct slice in; /* the step moves it forward */
	size_t n_out;    /* bytes that the step put into out_buf */
};

/* What a step says when it is not an error. */
enum { STEP_MORE = 0, STEP_END = 1 };

static int gzip_open(struct job *j, union state *s)
{
	s->z = (z_stream){ .next_in = Z_NULL };
	/* 16: the gzip format and no other, with its check sum. */
	return inflateInit2(&s->z, 16 + MAX_WBITS) == Z_OK ? 0 : err_nomem(j->e);
}

static int gzip_step(struct job *j, union state *s, struct io *io)
{
	s->z.next_in = (z_const Bytef *)(uintptr_t)io->in.p;
	s->z.avail_in = (uInt)io->in.n;
	s->z.next_out = j->out_buf;
	s->z.avail_out = OUT_LEN;
	int rc = inflate(&s->z, Z_NO_FLUSH);
	io->in = (struct slice){ s->z.next_in, s->z.avail_in };
	io->n_out = OUT_LEN - s->z.avail_out;
	switch (rc) {
	case Z_OK:
	case Z_BUF_ERROR: /* nothing could be done without more input */
		return STEP_MORE;
	case Z_STREAM_END:
		return STEP_END;
	case Z_MEM_ERROR:
		return err_nomem(j->e);
	default:
		return damaged(j, s->z.msg ? s->z.msg : "zlib refuses it");
	}
}

static void gzip_close(union state *s)
{
	(void)inflateEnd(&s->z);
}

static int bzip2_open(struct job *j, union state *s)
{
	s->bz = (bz_stream){ .next_in = NULL };
	return BZ2_bzDecompressInit(&s->bz, 0, 0) == BZ_OK ? 0 : err_nomem(j->e);
}

static int bzip2_step(struct job *j, union state *s, struct io *io)
{
	s->bz.next_in = (char *)(uintptr_t)io->in.p;
	s->bz.avail_in = (unsigned)io->in.n;
	s->bz.next_out = (char *)j->out_buf;
	s->bz.avail_out = OUT_LEN;
	int rc = BZ2_bzDecompress(&s->bz);
	io->in = (struct slice){ (const uint8_t *)s->bz.next_in, s->bz.avail_in };
	io->n_out = OUT_LEN - s->bz.avail_out;
	switch (rc) {
	case BZ_OK:
		return STEP_MORE;
	case BZ_STREAM_END:
		return STEP_END;
	case BZ_MEM_ERROR:
		return err_nomem(j->e);
	default:
		return damaged(j, "libbz2 refuses it");
	}
}

static void bzip2_close(union state *s)
{
	(void)BZ2_bzDecompressEnd(&s->bz);
}

static int lzma_opened(struct job *j, lzma_ret rc)
{
	return rc == LZMA_OK ? 0 : err_nomem(j->e);
}

static int xz_open(struct job *j, union state *s)
{
	s->lzma = (lzma_stream)LZMA_STREAM_INIT;
	return lzma_opened(j, lzma_stream_decoder(&s->lzma, LZMA_MEM_LIMIT, 0));
}

static int lzma_open(struct job *j, union state *s)
{
	s->lzma = (lzma_stream)LZMA_STREAM_INIT;
	return lzma_opened(j, lzma_alone_decoder(&s->lzma, LZMA_MEM_LIMIT));
}

static int lzma_step(struct job *j, union state *s, struct io *io)
{
	s->lzma.next_in = io->in.p;
	s->lzma.avail_in = io->in.n;
	s->lzma.next_out = j->out_buf;
	s->lzma.avail_out = OUT_LEN;
	lzma_ret rc = lzma_code(&s->lzma, LZMA_RUN);
	io->in = (struct slice){ s->lzma.next_in, s->lzma.avail_in };
	io->n_out = OUT_LEN - s->lzma.avail_out;
	switch (rc) {
	case LZMA_OK:
	case LZMA_BUF_ERROR: /* nothing could be done without more input */
		return STEP_MORE;
	case LZMA_STREAM_END:
		return STEP_END;
	case LZMA_MEM_ERROR:
		return err_nomem(j->e);
	case LZMA_MEMLIMIT_ERROR:
		return err_set(j->e, PCRCAST_ELIMIT, at(j),
			       "the dictionary needs more than %" PRIu64 " bytes of memory", LZMA_MEM_LIMIT);
	case LZMA_OPTIONS_ERROR:
		return err_set(j->e, PCRCAST_EUNSUPPORTED, at(j),
			       "a filter or option that this liblzma does not know");
	default:
		return damaged(j, "liblzma refuses it");
	}
}

static void lzma_close(union state *s)
{
	lzma_end(&s->lzma);
}

static int zstd_open(struct job *j, union state *s)
{
	s->zstd = ZSTD_createDCtx();
	if (!s->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG)))
		return err_nomem(j->e);
	return 0;
}

static int zstd_step(struct job *j, union state *s, struct io *io)
{
	ZSTD_inBuffer in = { io->in.p, io->in.n, 0 };
	ZSTD_outBuffer out = { j->out_buf, OUT_LEN, 0 };
	size_t rc = ZSTD_decompressStream(s->zstd, &out, &in);

	io->in = (struct slice){ io->in.p + in.pos, io->in.n - in.pos };
	io->n_out = out.pos;
	if (!ZSTD_isError(rc))
		return rc == 0 ? STEP_END : STEP_MORE;
	switch (ZSTD_getErrorCode(rc)) {
	case ZSTD_error_memory_allocation:
		return err_nomem(j->e);
	case ZSTD_error_frameParameter_windowTooLarge:
		return err_set(j->e, PCRCAST_ELIMIT, at(j), "the window is larger than 2^%d bytes",
			       ZSTD_WINDOW_LOG);
	default:
		return damaged(j, ZSTD_getErrorName(rc));
	}
}

static void zstd_close(union state *s)
{
	(void)ZSTD_freeDCtx(s->zstd);
}

struct stepper {
	int (*open)(struct job *j, union state *s);
	int (*step)(struct job *j, union state *s, struct io *io);
	void (*close)(union state *s); /* also after a failed open */
};

static int run_steps(struct job *j, const struct stepper *f, union state *s)
{
	bool full = false; /* the last step filled out_buf: it may have more without further input */

	for (;;) {
		int rc = full ? 0 : fill(j);
		if (rc < 0)
			return rc;
		struct io io = { .in = j->in };
		int step = f->step(j, s, &io);
		if (step < 0)
			return step;
		bool stuck = io.in.n == j->in.n && io.n_out == 0;
		j->in = io.in;
		rc = put(j, j->out_buf, io.n_out);
		if (rc != 0)
			return rc;
		if (step == STEP_END)
			return 0;
		if (stuck && !full)
			return j->in.n ? damaged(j, "the decoder does not go on") : cut_short(j);
		full = io.n_out == OUT_LEN;
	}
}

/* ---- formats that are blocks in a frame of our reading ---- */

/*
 * LZ4 legacy frame: magic, then blocks of u32le compressed length and data (lz4 1.9,
 * doc/lz4_Frame_format.md). It has no end mark. The kernel's build appends the length of the output as
 * u32le (Linux scripts/Makefile.lib, lz4_with_size), which is told from a block by being the end.
 */
static int run_lz4(struct job *j, uint8_t *in, uint8_t *out)
{
	static const uint32_t magic = 0x184c2102;
	uint8_t word[4] = { 0 };

	int rc = take(j, word, sizeof word);
	if (rc < 0)
		return rc;
	while (at(j) < j->blob->len) {
		rc = take(j, word, sizeof word);
		if (rc < 0)
			return rc;
		uint32_t n = get_u32le(word);
		if (at(j) == j->blob->len && n == (uint32_t)j->n_out)
			return 0;
		if (n == magic) /* a further frame */
			continue;
		if (n == 0 || n > LZ4_IN_MAX)
			return err_set(j->e, PCRCAST_EFORMAT, at(j) - 4,
				       "LZ4 block of %" PRIu32 " bytes, expected 1 to %d", n, LZ4_IN_MAX);
		rc = take(j, in, n);
		if (rc < 0)
			return rc;
		int got = LZ4_decompress_safe((const char *)in, (char *)out, (int)n, LZ4_BLOCK_MAX);
		if (got < 0)
			return damaged(j, "liblz4 refuses it");
		rc = put(j, out, (size_t)got);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int lz4_run(struct job *j)
{
	uint8_t *in = malloc(LZ4_IN_MAX), *out = malloc(LZ4_BLOCK_MAX);
	int rc = in && out ? run_lz4(j, in, out) : err_nomem(j->e);

	free(in);
	free(out);
	return rc;
}

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

static uint32_t lzo_field(struct job *j, struct lzo_header *h, size_t n)
{
	uint32_t v = 0;

	if (h->rc == 0)
		h->rc = take(j, h->bytes + h->n, n);
	if (h->rc < 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | h->bytes[h->n + i];
	h->n += n;
	return v;
}

static int take_u32be(struct job *j, uint32_t *ret)
{
	uint8_t word[4] = { 0 };
	int rc = take(j, word, sizeof word);

	if (rc == 0)
		*ret = get_u32be(word);
	return rc;
}

static uint32_t sum(bool crc, const uint8_t *bytes, size_t n)
{
	return (uint32_t)(crc ? crc32(0, bytes, (uInt)n) : adler32(1, bytes, (uInt)n));
}

/* lzop's file header; the flags that matter for blocks in *ret. */
static int lzo_header_read(struct job *j, uint32_t *ret, struct pcrcast_error *e)
{
	struct lzo_header h = { .n = 0 };
	uint8_t magic[9];
	uint32_t want = 0;

	int rc = take(j, magic, sizeof magic);
	if (rc < 0)
		return rc;
	uint32_t version = lzo_field(j, &h, 2);
	(void)lzo_field(j, &h, 2); /* library version */
	if (version >= LZO_VERSION_LEVEL)
		(void)lzo_field(j, &h, 2); /* version needed to extract */
	uint32_t method = lzo_field(j, &h, 1);
	if (version >= LZO_VERSION_LEVEL)
		(void)lzo_field(j, &h, 1); /* level */
	uint32_t flags = lzo_field(j, &h, 4);
	if (flags & (LZO_FILTER | LZO_EXTRA_FIELD | LZO_MULTIPART))
		return err_set(e, PCRCAST_EUNSUPPORTED, at(j),
			       "lzop flags 0x%" PRIx32 ": filter, extra field or parts", flags);
	(void)lzo_field(j, &h, version >= LZO_VERSION_LEVEL ? 4 + 4 + 4 : 4 + 4); /* mode, time */
	(void)lzo_field(j, &h, lzo_field(j, &h, 1));                              /* file name */
	if (h.rc < 0)
		return h.rc;
	rc = take_u32be(j, &want);
	if (rc < 0)
		return rc;
	if (sum(flags & LZO_HEADER_CRC32, h.bytes, h.n) != want)
		return damaged(j, "check sum of the lzop header");
	if (method < 1 || method > 3) /* LZO1X-1, LZO1X-1(15), LZO1X-999: one decoder */
		return err_set(e, PCRCAST_EUNSUPPORTED, at(j), "lzop method %" PRIu32 ", expected 1 to 3",
			       method);
	*ret = flags;
	return 0;
}

/* A block's check sums of one side (output or input): Adler-32, then CRC-32, each if its flag is set. */
struct lzo_sums {
	bool has[2];
	uint32_t value[2];
};

static int lzo_sums_read(struct job *j, bool adler, bool crc, struct lzo_sums *ret)
{
	*ret = (struct lzo_sums){ .has = { adler, crc } };
	for (int i = 0; i < 2; i++) {
		int rc = ret->has[i] ? take_u32be(j, &ret->value[i]) : 0;
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

static int run_lzo(struct job *j, uint8_t *in, uint8_t *out)
{
	uint32_t flags = 0;

	int rc = lzo_header_read(j, &flags, j->e);
	if (rc < 0)
		return rc;
	for (;;) {
		uint32_t n_out = 0, n_in = 0;
		struct lzo_sums out_sums, in_sums;

		rc = take_u32be(j, &n_out);
		if (rc < 0 || n_out == 0)
			return rc;
		rc = take_u32be(j, &n_in);
		if (rc < 0)
			return rc;
		/* A block that does not shrink is stored. */
		if (n_out > LZO_BLOCK_MAX || n_in == 0 || n_in > n_out)
			return err_set(j->e, PCRCAST_EFORMAT, at(j) - 8,
				       "LZO block of %" PRIu32 " bytes in %" PRIu32 ", expected at most %d",
				       n_out, n_in, LZO_BLOCK_MAX);
		bool stored = n_in == n_out;
		rc = lzo_sums_read(j, flags & LZO_ADLER32_D, flags & LZO_CRC32_D, &out_sums);
		if (rc < 0)
			return rc;
		rc = lzo_sums_read(j, flags & LZO_ADLER32_C && !stored, flags & LZO_CRC32_C && !stored,
				   &in_sums);
		if (rc < 0)
			return rc;
		rc = take(j, in, n_in);
		if (rc < 0)
			return rc;
		if (!lzo_sums_hold(&in_sums, in, n_in))
			return damaged(j, "check sum of an LZO block's input");

		lzo_uint got = n_out;
		if (!stored && (lzo1x_decompress_safe(in, n_in, out, &got, NULL) != LZO_E_OK || got != n_out))
			return damaged(j, "liblzo2 refuses it");
		const uint8_t *bytes = stored ? in : out;
		if (!lzo_sums_hold(&out_sums, bytes, n_out))
			return damaged(j, "check sum of an LZO block's output");
		rc = put(j, bytes, n_out);
		if (rc != 0)
			return rc;
	}
}

static int lzo_run(struct job *j)
{
	uint8_t *in = malloc(LZO_BLOCK_MAX), *out = malloc(LZO_BLOCK_MAX);
	int rc = !in || !out            ? err_nomem(j->e) :
		 lzo_init() != LZO_E_OK ? err_set(j->e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
						  "liblzo2 does not work on this machine") :
					  run_lzo(j, in, out);

	free(in);
	free(out);
	return rc;
}

#else

static int lzo_run(struct job *j)
{
	return err_set(j->e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
		       "this program was built without liblzo2");
}

#endif

/* ---- all formats ---- */

static const struct {
	const char *name;
	struct {
		uint8_t len;
		uint8_t bytes[COMPRESSION_MAGIC_LEN];
	} magic;
	struct stepper stepper;
	int (*run)(struct job *j); /* instead of stepper */
} formats[COMPRESSION_COUNT] = {
	[COMPRESSION_GZIP] = { "gzip",
			       { 3, { 0x1f, 0x8b, 0x08 } },
			       { gzip_open, gzip_step, gzip_close },
			       NULL },
	[COMPRESSION_BZIP2] = { "bzip2",
				{ 3, { 'B', 'Z', 'h' } },
				{ bzip2_open, bzip2_step, bzip2_close },
				NULL },
	/* lc=3 lp=0 pb=2 and a dictionary of a multiple of 64 KiB; .lzma has no magic number */
	[COMPRESSION_LZMA] = { "lzma",
			       { 3, { 0x5d, 0x00, 0x00 } },
			       { lzma_open, lzma_step, lzma_close },
			       NULL },
	[COMPRESSION_XZ] = { "xz",
			     { 6, { 0xfd, '7', 'z', 'X', 'Z', 0x00 } },
			     { xz_open, lzma_step, lzma_close },
			     NULL },
	[COMPRESSION_LZO] = { "lzo",
			      { 9, { 0x89, 'L', 'Z', 'O', 0x00, '\r', '\n', 0x1a, '\n' } },
			      { NULL, NULL, NULL },
			      lzo_run },
	[COMPRESSION_LZ4] = { "lz4", { 4, { 0x02, 0x21, 0x4c, 0x18 } }, { NULL, NULL, NULL }, lz4_run },
	[COMPRESSION_ZSTD] = { "zstd",
			       { 4, { 0x28, 0xb5, 0x2f, 0xfd } },
			       { zstd_open, zstd_step, zstd_close },
			       NULL },
};

enum compression compression_detect(struct slice head)
{
	enum compression c = 0;

	while (c < COMPRESSION_COUNT && (head.n < formats[c].magic.len ||
					 memcmp(head.p, formats[c].magic.bytes, formats[c].magic.len) != 0))
		c++;
	return c;
}

const char *compression_name(enum compression c)
{
	return formats[c].name;
}

int decompress(const struct blob *in, enum compression c, uint64_t limit, decompress_sink sink, void *ctx,
	       struct pcrcast_error *e)
{
	struct job j = {
		.blob = in,
		.in = SLICE_EMPTY,
		.limit = limit,
		.sink = sink,
		.ctx = ctx,
		.e = e,
	};
	union state s;
	int rc;

	j.in_buf = malloc(IN_LEN);
	j.out_buf = malloc(OUT_LEN);
	if (!j.in_buf || !j.out_buf) {
		rc = err_nomem(e);
	} else if (formats[c].run) {
		rc = formats[c].run(&j);
	} else {
		rc = formats[c].stepper.open(&j, &s);
		if (rc == 0)
			rc = run_steps(&j, &formats[c].stepper, &s);
		formats[c].stepper.close(&s);
	}
	free(j.in_buf);
	free(j.out_buf);
	return rc;
}
