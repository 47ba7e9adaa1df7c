#include "uki/decompress.h"

#include <inttypes.h>
#include <stdlib.h>

#include "uki/decompress_impl.h"

enum { IN_LEN = 65536 }; /* bytes read at a time */

/* ---- what all formats need: input and output of one decompression ---- */

uint64_t decompress_at(const struct decompression *d)
{
	return d->pos - d->in.n;
}

int decompress_cut_short(const struct decompression *d)
{
	return err_set(d->e, PCRCAST_ETRUNC, decompress_at(d), "compressed data cut short");
}

int decompress_damaged(const struct decompression *d, const char *what)
{
	return err_set(d->e, PCRCAST_EFORMAT, decompress_at(d), "compressed data damaged: %s", what);
}

int decompress_fill(struct decompression *d)
{
	uint64_t left = d->blob->len - d->pos;
	size_t n = left < IN_LEN ? (size_t)left : IN_LEN;

	if (d->in.n > 0 || n == 0)
		return 0;
	int rc = blob_read(d->blob, d->pos, d->in_buf, n, d->e);
	if (rc < 0)
		return rc;
	d->in = (struct slice){ d->in_buf, n };
	d->pos += n;
	return 0;
}

int decompress_put(struct decompression *d, const uint8_t *bytes, size_t n)
{
	if (n == 0)
		return 0;
	if (n > d->limit - d->n_out)
		return err_set(d->e, PCRCAST_ELIMIT, decompress_at(d),
			       "more than %" PRIu64 " bytes when decompressed", d->limit);
	d->n_out += n;
	return d->sink(d->ctx, (struct slice){ bytes, n }, d->e);
}

int decompress_take(struct decompression *d, uint8_t *ret, size_t n)
{
	while (n > 0) {
		int rc = decompress_fill(d);
		if (rc < 0)
			return rc;
		if (d->in.n == 0)
			return decompress_cut_short(d);
		size_t part = d->in.n < n ? d->in.n : n;
		memcpy(ret, d->in.p, part);
		d->in = (struct slice){ d->in.p + part, d->in.n - part };
		ret += part;
		n -= part;
	}
	return 0;
}

/* ---- the formats ---- */

static const struct {
	const char *name;
	struct {
		uint8_t len;
		uint8_t bytes[COMPRESSION_MAGIC_LEN];
	} magic;
	int (*run)(struct decompression *d);
} formats[COMPRESSION_COUNT] = {
	[COMPRESSION_GZIP] = { "gzip", { 3, { 0x1f, 0x8b, 0x08 } }, decompress_gzip },
	[COMPRESSION_BZIP2] = { "bzip2", { 3, { 'B', 'Z', 'h' } }, decompress_bzip2 },
	/* lc=3 lp=0 pb=2 and a dictionary of a multiple of 64 KiB; .lzma has no magic number */
	[COMPRESSION_LZMA] = { "lzma", { 3, { 0x5d, 0x00, 0x00 } }, decompress_lzma },
	[COMPRESSION_XZ] = { "xz", { 6, { 0xfd, '7', 'z', 'X', 'Z', 0x00 } }, decompress_xz },
	[COMPRESSION_LZO] = { "lzo",
			      { 9, { 0x89, 'L', 'Z', 'O', 0x00, '\r', '\n', 0x1a, '\n' } },
			      decompress_lzo },
	[COMPRESSION_LZ4] = { "lz4", { 4, { 0x02, 0x21, 0x4c, 0x18 } }, decompress_lz4 },
	[COMPRESSION_ZSTD] = { "zstd", { 4, { 0x28, 0xb5, 0x2f, 0xfd } }, decompress_zstd },
	[COMPRESSION_ZLIB] = { "zlib", { 0 }, decompress_zlib },
	[COMPRESSION_LZO1X] = { "lzo1x", { 0 }, decompress_lzo1x },
};

enum compression compression_detect(struct slice head)
{
	enum compression c = 0;

	while (c < COMPRESSION_COUNT && (formats[c].magic.len == 0 || head.n < formats[c].magic.len ||
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
	struct decompression d = {
		.blob = in,
		.in = SLICE_EMPTY,
		.in_buf = malloc(IN_LEN),
		.limit = limit,
		.sink = sink,
		.ctx = ctx,
		.e = e,
	};
	int rc = d.in_buf ? formats[c].run(&d) : err_nomem(e);

	free(d.in_buf);
	return rc;
}
