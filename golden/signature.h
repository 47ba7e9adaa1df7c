/*
 * Is a signature over a message by a key?
 */
#pragma once

#include "golden/key.h"

enum { SIGNATURE_WHY_MAX = 160 };

struct signature_check {
	enum match match;
	enum tpm_scheme scheme; /* that it was found to be of, when match is MATCH_YES; else what it says */
	enum alg hash;          /* the same; ALG_COUNT: not said */
	bool weak; /* SHA-1, or RSA below 2048 bits: a forger with large means is not ruled out. Says nothing unless MATCH_YES */
	char why[SIGNATURE_WHY_MAX]; /* when match is not MATCH_YES */
};

/*
 * Verify.
 *
 * MATCH_YES: whoever holds the private half of key signed exactly these bytes. Nothing about who that is, when it was, or
 * what the bytes mean: a key that is not restricted to what a TPM makes (key_is_attestation_key) signs any message, one that
 * looks like a quote too.
 * MATCH_NO: the signature is not by this key over these bytes: wrong, of a wrong length, for another kind of key, or of a
 * scheme or hash that the key's public area rules out.
 * MATCH_CANNOT_TELL: libcrypto does not offer the hash (as a policy against SHA-1 makes it).
 *
 * What the signature does not say (scheme, hash) is tried: only what the key's public area allows, if it came with one. RSASSA
 * goes before RSAPSS, whose salt may have any length; hashes go from the longest to the shortest. r and s may have
 * zeros in front or lack them.
 *
 * Negative only when memory gives out.
 */
int signature_verify(const struct key *key, const struct tpm_signature *s, struct slice message,
		     struct signature_check *ret, struct pcrcast_error *e);

/*
 * A signature without the frame of a TPMT_SIGNATURE, for a key: the bytes of RSASSA or RSAPSS, or ECDSA as DER
 * (SEQUENCE { r INTEGER, s INTEGER }) or as r || s, each of the curve's length. It does not say its hash: hash is what the caller
 * knows (for a quote quote_hash() says it), ALG_COUNT nothing. Borrows from bytes.
 */
int signature_of_bare(const struct key *key, struct slice bytes, enum alg hash, struct tpm_signature *ret,
		      struct pcrcast_error *e);
