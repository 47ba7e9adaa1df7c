/*
 * A blob: a file, a section, an archive or an initrd as a list of pieces of sources, bytes in memory and
 * runs of zeros. What a machine hashes is described as a blob and hashed in place; nothing is copied.
 *
 * A blob's pieces and bytes live in a pool; blobs are plain values, and once made they do not change.
 */
#pragma once

#include "base/error.h"
#include "base/pool.h"
#include "base/slice.h"
#include "base/source.h"

struct blob_piece {
	struct source *source; /* NULL: bytes, or zeros when bytes is NULL too */
	union {
		uint64_t off;         /* in source */
		const uint8_t *bytes; /* len of them */
	};
	uint64_t start; /* offset of this piece in the blob */
	uint64_t len;   /* never 0 */
};

struct blob {
	const struct blob_piece *pieces; /* in order, without gaps */
	size_t n_pieces;
	uint64_t len;
};

#define BLOB_EMPTY ((struct blob){ NULL, 0, 0 })

int blob_of_source(struct pool *pool, struct source *s, struct blob *ret, struct pcrcast_error *e);

/* bytes must live as long as the pool. */
int blob_of_bytes(struct pool *pool, struct slice bytes, struct blob *ret, struct pcrcast_error *e);

/* The part [off, off + len) of b, which must lie inside it. */
int blob_sub(struct pool *pool, const struct blob *b, uint64_t off, uint64_t len, struct blob *ret,
	     struct pcrcast_error *e);

/* A blob under construction. Neighbouring pieces of one source are joined. */
struct blob_builder {
	struct pool *pool;
	struct blob_piece *pieces;
	size_t n, cap;
	uint64_t len;
	bool failed; /* memory gave out or the length overflowed; blob_build reports it */
};

#define BLOB_BUILDER(p) ((struct blob_builder){ .pool = (p) })

void blob_add_source(struct blob_builder *w, struct source *s, uint64_t off, uint64_t len);
void blob_add_bytes(struct blob_builder *w, struct slice bytes); /* borrowed as in blob_of_bytes */
void blob_add_zeros(struct blob_builder *w, uint64_t len);
void blob_add(struct blob_builder *w, const struct blob *b);
/* The part [off, off + len) of b, which must lie inside it. */
void blob_add_part(struct blob_builder *w, const struct blob *b, uint64_t off, uint64_t len);
int blob_build(struct blob_builder *w, struct blob *ret, struct pcrcast_error *e);

/* Exactly n bytes from off; PCRCAST_ETRUNC when they do not all lie inside. */
int blob_read(const struct blob *b, uint64_t off, void *buf, size_t n, struct pcrcast_error *e);

/* The whole blob in pool memory, when it has at most limit bytes (else PCRCAST_ELIMIT). */
int blob_load(struct pool *pool, const struct blob *b, uint64_t limit, struct slice *ret,
	      struct pcrcast_error *e);

/* Where in which source byte off of the blob lies; NULL when it is not a source's byte. */
struct source *blob_locate(const struct blob *b, uint64_t off, uint64_t *ret_off);

/* True when the bytes of a are the first bytes of b because they come from the same places. */
bool blob_is_prefix(const struct blob *a, const struct blob *b);
