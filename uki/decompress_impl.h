/*
 * One decompression: what the formats share, and the formats. Private to uki/decompress*.c.
 *
 * decompress.c tells the formats apart and moves input and output, decompress_stream.c has the formats whose
 * library keeps the state, decompress_block.c those that are blocks in a frame that is read here.
 */
#pragma once

#include "uki/decompress.h"

struct decompression {
	const struct blob *blob;
	uint64_t pos;    /* in blob, of the first byte behind in */
	struct slice in; /* read, but not yet used */
	uint8_t *in_buf; /* what in borrows from */
	uint64_t n_out;  /* bytes handed to the sink */
	uint64_t limit;  /* of n_out */
	decompress_sink sink;
	void *ctx;
	struct pcrcast_error *e;
};

/* Where in the compressed bytes the decoder stands. */
uint64_t decompress_at(const struct decompression *d);

/* Read more when nothing is left; d->in stays empty at the end of the blob. */
int decompress_fill(struct decompression *d);

/* Exactly n bytes of input. */
int decompress_take(struct decompression *d, uint8_t *ret, size_t n);

/* Hand output to the sink. What it says other than 0 is to be returned, too many bytes are PCRCAST_ELIMIT. */
int decompress_put(struct decompression *d, const uint8_t *bytes, size_t n);

/* Errors at the place where the decoder stands: PCRCAST_ETRUNC, PCRCAST_EFORMAT. */
int decompress_cut_short(const struct decompression *d);
int decompress_damaged(const struct decompression *d, const char *what);

/* The formats. All of the stream that d->blob begins with; as decompress() says. */
int decompress_gzip(struct decompression *d);
int decompress_bzip2(struct decompression *d);
int decompress_lzma(struct decompression *d);
int decompress_xz(struct decompression *d);
int decompress_zstd(struct decompression *d);
int decompress_lz4(struct decompression *d);
int decompress_zlib(struct decompression *d);
/* PCRCAST_EUNSUPPORTED when built without liblzo2. */
int decompress_lzo(struct decompression *d);
int decompress_lzo1x(struct decompression *d);
