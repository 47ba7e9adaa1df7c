/*
 * Formats whose library keeps the state: a step uses some input and makes some output.
 */
#include <inttypes.h>
#include <stdlib.h>

#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "uki/decompress_impl.h"

enum {
	OUT_LEN = 262144, /* bytes handed to the sink at a time, at most */

	/* zstd --ultra -22, the kernel's setting, has a window of 2^27 bytes. */
	ZSTD_WINDOW_LOG = 27,
};

/* liblzma's memory: the kernel's xz dictionary is 128 MiB (Linux 6.12 scripts/xz_wrap.sh), plus its tables. */
#define LZMA_MEM_LIMIT (UINT64_C(160) << 20)

union state {
	z_stream z;
	bz_stream bz;
	lzma_stream lzma;
	ZSTD_DCtx *zstd;
};

struct io {
	struct slice in; /* the step moves it forward */
	uint8_t *out;    /* OUT_LEN bytes */
	size_t n_out;    /* bytes that the step put into out */
};

/* What a step says when it is not an error. */
enum { STEP_MORE = 0, STEP_END = 1 };

static int gzip_open(struct decompression *d, union state *s)
{
	s->z = (z_stream){ .next_in = Z_NULL };
	/* 16: the gzip format and no other, with its check sum. */
	return inflateInit2(&s->z, 16 + MAX_WBITS) == Z_OK ? 0 : err_nomem(d->e);
}

static int zlib_open(struct decompression *d, union state *s)
{
	s->z = (z_stream){ .next_in = Z_NULL };
	return inflateInit(&s->z) == Z_OK ? 0 : err_nomem(d->e);
}

static int gzip_step(struct decompression *d, union state *s, struct io *io)
{
	s->z.next_in = (z_const Bytef *)(uintptr_t)io->in.p;
	s->z.avail_in = (uInt)io->in.n;
	s->z.next_out = io->out;
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
		return err_nomem(d->e);
	default:
		return decompress_damaged(d, s->z.msg ? s->z.msg : "zlib refuses it");
	}
}

static void gzip_close(union state *s)
{
	(void)inflateEnd(&s->z);
}

static int bzip2_open(struct decompression *d, union state *s)
{
	s->bz = (bz_stream){ .next_in = NULL };
	return BZ2_bzDecompressInit(&s->bz, 0, 0) == BZ_OK ? 0 : err_nomem(d->e);
}

static int bzip2_step(struct decompression *d, union state *s, struct io *io)
{
	s->bz.next_in = (char *)(uintptr_t)io->in.p;
	s->bz.avail_in = (unsigned)io->in.n;
	s->bz.next_out = (char *)io->out;
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
		return err_nomem(d->e);
	default:
		return decompress_damaged(d, "libbz2 refuses it");
	}
}

static void bzip2_close(union state *s)
{
	(void)BZ2_bzDecompressEnd(&s->bz);
}

static int lzma_opened(struct decompression *d, lzma_ret rc)
{
	return rc == LZMA_OK ? 0 : err_nomem(d->e);
}

static int xz_open(struct decompression *d, union state *s)
{
	s->lzma = (lzma_stream)LZMA_STREAM_INIT;
	return lzma_opened(d, lzma_stream_decoder(&s->lzma, LZMA_MEM_LIMIT, 0));
}

static int lzma_open(struct decompression *d, union state *s)
{
	s->lzma = (lzma_stream)LZMA_STREAM_INIT;
	return lzma_opened(d, lzma_alone_decoder(&s->lzma, LZMA_MEM_LIMIT));
}

static int lzma_step(struct decompression *d, union state *s, struct io *io)
{
	s->lzma.next_in = io->in.p;
	s->lzma.avail_in = io->in.n;
	s->lzma.next_out = io->out;
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
		return err_nomem(d->e);
	case LZMA_MEMLIMIT_ERROR:
		return err_set(d->e, PCRCAST_ELIMIT, decompress_at(d),
			       "the dictionary needs more than %" PRIu64 " bytes of memory", LZMA_MEM_LIMIT);
	case LZMA_OPTIONS_ERROR:
		return err_set(d->e, PCRCAST_EUNSUPPORTED, decompress_at(d),
			       "a filter or option that this liblzma does not know");
	default:
		return decompress_damaged(d, "liblzma refuses it");
	}
}

static void lzma_close(union state *s)
{
	lzma_end(&s->lzma);
}

static int zstd_open(struct decompression *d, union state *s)
{
	s->zstd = ZSTD_createDCtx();
	if (!s->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG)))
		return err_nomem(d->e);
	return 0;
}

static int zstd_step(struct decompression *d, union state *s, struct io *io)
{
	ZSTD_inBuffer in = { io->in.p, io->in.n, 0 };
	ZSTD_outBuffer out = { io->out, OUT_LEN, 0 };
	size_t rc = ZSTD_decompressStream(s->zstd, &out, &in);

	io->in = (struct slice){ io->in.p + in.pos, io->in.n - in.pos };
	io->n_out = out.pos;
	if (!ZSTD_isError(rc))
		return rc == 0 ? STEP_END : STEP_MORE;
	switch (ZSTD_getErrorCode(rc)) {
	case ZSTD_error_memory_allocation:
		return err_nomem(d->e);
	case ZSTD_error_frameParameter_windowTooLarge:
		return err_set(d->e, PCRCAST_ELIMIT, decompress_at(d), "the window is larger than 2^%d bytes",
			       ZSTD_WINDOW_LOG);
	default:
		return decompress_damaged(d, ZSTD_getErrorName(rc));
	}
}

static void zstd_close(union state *s)
{
	(void)ZSTD_freeDCtx(s->zstd);
}

struct stepper {
	int (*open)(struct decompression *d, union state *s);
	int (*step)(struct decompression *d, union state *s, struct io *io);
	void (*close)(union state *s); /* also after a failed open */
};

static int run_steps(struct decompression *d, const struct stepper *f, union state *s, uint8_t *out)
{
	bool full = false; /* the last step filled out: it may have more without further input */

	for (;;) {
		int rc = full ? 0 : decompress_fill(d);
		if (rc < 0)
			return rc;
		struct io io = { .in = d->in, .out = out };
		int step = f->step(d, s, &io);
		if (step < 0)
			return step;
		bool stuck = io.in.n == d->in.n && io.n_out == 0;
		d->in = io.in;
		rc = decompress_put(d, out, io.n_out);
		if (rc != 0)
			return rc;
		if (step == STEP_END)
			return 0;
		if (stuck && !full)
			return d->in.n ? decompress_damaged(d, "the decoder does not go on") :
					 decompress_cut_short(d);
		full = io.n_out == OUT_LEN;
	}
}

static int run(struct decompression *d, const struct stepper *f)
{
	uint8_t *out = malloc(OUT_LEN);
	union state s;

	if (!out)
		return err_nomem(d->e);
	int rc = f->open(d, &s);
	if (rc == 0)
		rc = run_steps(d, f, &s, out);
	f->close(&s);
	free(out);
	return rc;
}

int decompress_gzip(struct decompression *d)
{
	return run(d, &(const struct stepper){ gzip_open, gzip_step, gzip_close });
}

int decompress_zlib(struct decompression *d)
{
	return run(d, &(const struct stepper){ zlib_open, gzip_step, gzip_close });
}

int decompress_bzip2(struct decompression *d)
{
	return run(d, &(const struct stepper){ bzip2_open, bzip2_step, bzip2_close });
}

int decompress_lzma(struct decompression *d)
{
	return run(d, &(const struct stepper){ lzma_open, lzma_step, lzma_close });
}

int decompress_xz(struct decompression *d)
{
	return run(d, &(const struct stepper){ xz_open, lzma_step, lzma_close });
}

int decompress_zstd(struct decompression *d)
{
	return run(d, &(const struct stepper){ zstd_open, zstd_step, zstd_close });
}
