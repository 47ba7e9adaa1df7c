/*
 * CBOR (RFC 8949): a strict reader into a tree, and a writer of the deterministic form (section 4.2.1). The only door to
 * libcbor, of which only the functions for single heads are used: its own tree allocates what a header claims.
 *
 * Reading takes what section 5.3.1 calls valid: no map has a key twice (which libcbor lets pass), text is UTF-8, nothing follows
 * the item. Keys that are neither numbers nor strings are refused. Integers and lengths longer than need be and indefinite lengths are read, as RFC 8949 tells a generic decoder to.
 */
#pragma once

#include "base/error.h"
#include "base/pool.h"
#include "base/slice.h"

enum {
	CBOR_MAX = 16 << 20,      /* bytes of input */
	CBOR_MAX_NODES = 1 << 20, /* of 96 bytes each: bounds the memory for an input of short items */
	CBOR_MAX_DEPTH = 32,      /* CoRIM needs 12 */
};

enum cbor_kind {
	CBOR_UNSIGNED,
	CBOR_NEGATIVE, /* -1 - number */
	CBOR_BYTES,
	CBOR_TEXT,
	CBOR_ARRAY,
	CBOR_MAP,
	CBOR_TAG,    /* number, and one child */
	CBOR_SIMPLE, /* number: 20 false, 21 true, 22 null, 23 undefined */
	CBOR_FLOAT,  /* its value is in raw */
};

struct cbor_node {
	enum cbor_kind kind;
	uint64_t number;
	struct slice bytes;            /* of CBOR_BYTES and CBOR_TEXT */
	const struct cbor_node *first; /* children; of a map key, value, key, value … */
	size_t n;                      /* children; of a map pairs */
	const struct cbor_node *next;  /* in the parent */
	struct slice raw;              /* the item as it was encoded; borrows from the input */
	uint64_t offset;               /* of raw in the file */
};

/*
 * Read one item that fills bytes. offset: where bytes begin in the file, for messages (a byte string may hold CBOR). Nodes come
 * from pool and borrow from bytes.
 */
int cbor_read(struct pool *pool, struct slice bytes, uint64_t offset, const struct cbor_node **ret,
	      struct pcrcast_error *e);

/* The value of a map under an unsigned key; NULL when it has none, and when map is NULL or no map. */
const struct cbor_node *cbor_get(const struct cbor_node *map, uint64_t key);

/* What a tag of that number holds; NULL when node is NULL or something else. */
const struct cbor_node *cbor_untag(const struct cbor_node *node, uint64_t tag);

static inline bool cbor_is(const struct cbor_node *node, enum cbor_kind kind)
{
	return node && node->kind == kind;
}

/* A NUL-terminated copy of text without a NUL in it; false when it is something else or memory gives out. */
bool cbor_string(struct pool *pool, const struct cbor_node *node, const char **ret);

/* ---- writing ---- */

/* Bytes that grow. When memory gives out, failed is set and later calls do nothing. */
struct cbor_writer {
	struct pool *pool;
	uint8_t *bytes;
	size_t n, cap;
	bool failed;
};

#define CBOR_WRITER(p) ((struct cbor_writer){ .pool = (p) })

/* Maps are to be filled in the order of section 4.2.1: by the bytes of the encoded keys. n counts items, or pairs of a map. */
void cbor_put_unsigned(struct cbor_writer *w, uint64_t value);
void cbor_put_bytes(struct cbor_writer *w, struct slice bytes);
void cbor_put_text(struct cbor_writer *w, const char *text); /* must be UTF-8 */
void cbor_put_array(struct cbor_writer *w, size_t n);
void cbor_put_map(struct cbor_writer *w, size_t n);
void cbor_put_tag(struct cbor_writer *w, uint64_t tag);
/* Items that are encoded already. */
void cbor_put_raw(struct cbor_writer *w, struct slice items);

/* What was written so far. */
struct slice cbor_written(const struct cbor_writer *w);
