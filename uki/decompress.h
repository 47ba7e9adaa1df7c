/*
 * Decompression of kernel payloads and of blocks of squashfs: the only door to zlib, liblzma, libzstd, liblz4,
 * liblzo2 and libbz2.
 *
 * The formats of payloads are those that the kernel's build makes (Linux scripts/Makefile.lib), told apart by their
 * first bytes. Input and output are streamed: memory is what the format's window needs.
 */
#pragma once

#include "base/blob.h"
#include "base/error.h"

enum compression {
	COMPRESSION_GZIP,
	COMPRESSION_BZIP2,
	COMPRESSION_LZMA, /* .lzma, "LZMA alone" */
	COMPRESSION_XZ,
	COMPRESSION_LZO, /* as lzop writes it */
	COMPRESSION_LZ4, /* the legacy frame that lz4 -l writes */
	COMPRESSION_ZSTD,
	/* Of squashfs, whose superblock says which: their first bytes do not tell them. */
	COMPRESSION_ZLIB,  /* RFC 1950 */
	COMPRESSION_LZO1X, /* one block without a frame; input and output (limit) are held in memory */
	COMPRESSION_COUNT,
};

enum { COMPRESSION_MAGIC_LEN = 9 }; /* first bytes that compression_detect looks at, at most */

/* COMPRESSION_COUNT when the bytes begin none of the formats. */
enum compression compression_detect(struct slice head);
const char *compression_name(enum compression c);

/*
 * Output of any kernel payload, at most. The largest kernels of distributions (every driver built in, with
 * debug code) stay below 150 MiB; what passes this is made to fill memory or disk.
 */
#define DECOMPRESS_LIMIT (UINT64_C(256) << 20)

/* Takes the output piece by piece. 0: go on; any other value ends the decompression, which returns it. */
typedef int (*decompress_sink)(void *ctx, struct slice bytes, struct pcrcast_error *e);

/*
 * Decompress the stream that in begins with. Bytes behind its end are let pass (not with LZO1X): the kernel's build
 * appends the length of the output. A stream that ends early (PCRCAST_ETRUNC), is damaged (PCRCAST_EFORMAT), makes
 * more than limit bytes or needs a larger window than kernels use (PCRCAST_ELIMIT) is an error, after the
 * sink has taken what came before.
 */
int decompress(const struct blob *in, enum compression c, uint64_t limit, decompress_sink sink, void *ctx,
	       struct pcrcast_error *e);
