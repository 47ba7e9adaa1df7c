/*
 * PEM (RFC 7468) as labelled blocks: a door to libcrypto.
 */
#pragma once

#include "base/error.h"
#include "base/pool.h"
#include "base/slice.h"

enum {
	PEM_MAX =
		16
		<< 20, /* bytes of a text; bundles of every TPM vendor's certificates have one or two million */
	PEM_BLOCKS_MAX = 4096, /* in a text */
};

struct pem_block {
	const char *label; /* "CERTIFICATE", … */
	bool encrypted;    /* has RFC 1421 headers, which only encrypted private keys have */
	struct slice der;  /* in the pool */
};

/* True when bytes are text in which a PEM block begins. */
bool pem_likely(struct slice bytes);

/* Every block, in order; at least one. Text around the blocks is passed over. */
int pem_read(struct pool *pool, struct slice text, struct pem_block **ret, size_t *ret_n,
	     struct pcrcast_error *e);
