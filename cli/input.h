/*
 * Files that are read whole, and directories of such.
 */
#pragma once

#include "base/error.h"
#include "base/pool.h"
#include "base/slice.h"
#include "golden/format.h"

/* Bytes of a file; free bytes. */
struct file_bytes {
	uint8_t *bytes; /* malloc */
	size_t n;
};

/* All that a file, or standard input ("-"), gives, at most limit bytes (else PCRCAST_ELIMIT). On failure too, bytes is to be freed. */
int input_read_bytes(const char *path, size_t limit, struct file_bytes *ret, struct pcrcast_error *e);

/* Free bytes, which may be secret: nothing of them stays in memory. */
void input_forget(struct file_bytes *f);

/* The same in pool. */
int input_read(struct pool *pool, const char *path, size_t limit, struct slice *ret, struct pcrcast_error *e);

/*
 * The regular files in a directory and in those right below it, sorted by name (bytewise), hidden ones left out; limit bounds the
 * bytes of all. Everything comes from pool.
 */
int input_read_directory(struct pool *pool, const char *path, size_t limit, struct golden_file **ret,
			 size_t *ret_n, struct pcrcast_error *e);
