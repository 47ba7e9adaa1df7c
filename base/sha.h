/*
 * A running hash: the door to libcrypto's digests.
 */
#pragma once

#include "base/digest.h"

struct sha; /* opaque */

/* NULL when libcrypto does not offer the algorithm or memory gives out. */
struct sha *sha_new(enum alg alg);
void sha_free(struct sha *h);

/* These return false only when libcrypto fails. */
bool sha_restart(struct sha *h);
bool sha_update(struct sha *h, const void *bytes, size_t n);

/* The digest of all bytes so far; the state stays as it is, so more bytes can follow. */
bool sha_peek(const struct sha *h, struct digest *ret);
