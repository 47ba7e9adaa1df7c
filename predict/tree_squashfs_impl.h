/*
 * Blocks of a squashfs, and reading on through its metadata. Private to predict/tree_squashfs*.c.
 *
 * Blocks of metadata hold 8 KiB of inodes or directories each; a place in them is the block's place in the file system and an
 * offset in what it decompresses to.
 */
#pragma once

#include "predict/tree_impl.h"
#include "uki/decompress.h"

enum { SQUASHFS_META_LEN = 8192 }; /* of a block of metadata, decompressed */

struct squashfs {
	struct blob fs;
	uint32_t block_len, n_fragments;
	uint64_t inodes, directories, fragments; /* tables: bytes from the start */
	uint64_t root;                           /* inode */
	enum compression compression;            /* of blocks that are not stored raw */
	size_t n_entries;
	uint64_t n_opened; /* bytes */
};

/* A place in metadata, with the block that it is in. */
struct squashfs_meta {
	struct squashfs *s;
	uint64_t at, next; /* of this block, and behind it; bytes from the start */
	size_t pos, n;
	uint8_t block[SQUASHFS_META_LEN];
};

/* Bytes that are filled up to cap. */
struct squashfs_output {
	uint8_t *p;
	size_t n, cap;
};

/* An error at off, in bytes from the start of the file system. */
int squashfs_damaged(const struct squashfs *s, uint64_t off, const char *what, struct pcrcast_error *e);

/* Add len bytes at off, decompressed unless raw, to o. */
int squashfs_block(struct squashfs *s, uint64_t off, uint64_t len, bool raw, struct squashfs_output *o,
		   struct pcrcast_error *e);

/* Go to off in what the block of metadata at table + block decompresses to. */
int squashfs_seek(struct squashfs_meta *m, uint64_t table, uint64_t block, uint32_t off,
		  struct pcrcast_error *e);

/* The next n bytes, which may go on in the next block. */
int squashfs_get(struct squashfs_meta *m, void *buf, size_t n, struct pcrcast_error *e);
