/*
 * Signatures that people make and check: detached ones over the bytes of a reference file, as cosign sign-blob and
 * verify-blob do with a key, and those of systemd's tpm2-pcr-signature.json (.pcrsig). The door to libcrypto's private
 * keys. (A quote's signature is golden/signature.h.)
 *
 * A detached signature is base64 of: ECDSA (DER) or RSASSA-PKCS1-v1_5 over the SHA-256 of the file, or Ed25519 (pure, not
 * Ed25519ph) over the file. SHA-256 stays for P-384 and P-521 too: cosign verify-blob --key takes it for every curve
 * (its --signature-digest-algorithm defaults to sha256), and so did cosign sign-blob up to version 2. Cosign 3 signs
 * with SHA-384 and SHA-512 for these curves; such signatures are recognised on checking.
 */
#pragma once

#include "base/digest.h"
#include "base/pool.h"
#include "golden/sign_pem.h"

struct golden_policy;

/* ---- keys ---- */

struct sign_key; /* opaque: a private or public key; RSA of 2048 to 16384 bits, ECDSA P-256, P-384, P-521, Ed25519 */

/*
 * Read a private key: PEM as PKCS #8 ("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"), PKCS #1 ("RSA PRIVATE KEY") or SEC 1
 * ("EC PRIVATE KEY"), these two perhaps encrypted in the traditional manner. ask: see sign_pem_read. Cosign's own encryption is PCRCAST_EUNSUPPORTED.
 */
int sign_key_private(struct slice pem, sign_passphrase ask, void *ctx, struct sign_key **ret,
		     struct pcrcast_error *e);

/* Read a public key: PEM as SubjectPublicKeyInfo ("PUBLIC KEY") or PKCS #1 ("RSA PUBLIC KEY"). */
int sign_key_public(struct slice pem, struct sign_key **ret, struct pcrcast_error *e);

void sign_key_free(struct sign_key *k);
void sign_key_freep(struct sign_key **k);

/* "RSA, 3072 bits", "ECDSA P-256", "Ed25519"; lives as long as the key. */
const char *sign_key_kind(const struct sign_key *k);

/* Does the key sign a digest (SHA-256), or all of the bytes (Ed25519)? What an external signer is given. */
bool sign_takes_digest(const struct sign_key *k);

/* SHA-256 of the public RSA key as PKCS #1 DER: systemd's "pkfp". PCRCAST_EUNSUPPORTED for other keys. */
int sign_key_fingerprint(const struct sign_key *k, uint8_t ret[static 32], struct pcrcast_error *e);

/* ---- detached signatures ---- */

/* Sign bytes with a private key; the raw signature is from pool. Its file is base64_text of it. */
int sign_bytes(const struct sign_key *k, struct slice bytes, struct pool *pool, struct slice *ret,
	       struct pcrcast_error *e);

/* The raw signature in a signature file: base64 in one line, with at most one line end behind it. From pool. */
int sign_decode(struct pool *pool, struct slice text, struct slice *ret, struct pcrcast_error *e);

/*
 * Did the holder of k sign bytes? *ret_good says so; a signature that is not even of the right form is no. *ret_hash (may be
 * NULL) is set when it is good: the hash that was signed, ALG_COUNT for Ed25519.
 */
int sign_check(const struct sign_key *k, struct slice bytes, struct slice signature, bool *ret_good,
	       enum alg *ret_hash, struct pcrcast_error *e);

/* ---- .pcrsig ---- */

/*
 * Sign policy->digest as systemd-measure sign does: RSASSA-PKCS1-v1_5 with SHA-256, whatever the bank; with policy->ref,
 * its SHA-256 behind the digest, as systemd 262 does. Signature (from pool) and fingerprint are set. Only RSA keys of at most 4096 bits: systemd asks the TPM for RSASSA (tpm2-util.c,
 * tpm2_policy_authorize), and a TPM knows no longer keys; other kinds are PCRCAST_EUNSUPPORTED.
 */
int sign_policy(const struct sign_key *k, struct golden_policy *policy, struct pool *pool,
		struct pcrcast_error *e);

struct sign_policy_result {
	bool good;          /* all of the following, and a TPM would take it */
	bool sound;         /* the signature verifies with the key */
	bool same_key;      /* the fingerprint is the key's */
	const char *reason; /* what is wrong; NULL when good */
};

/* Check an entry with the public key. One without a signature or fingerprint is not good. */
int sign_policy_check(const struct sign_key *k, const struct golden_policy *policy,
		      struct sign_policy_result *ret, struct pcrcast_error *e);
