/*
 * Public keys that sign quotes.
 */
#pragma once

#include "eventlog/check.h"
#include "golden/tpm.h"

struct key; /* opaque; free with key_free */

enum key_kind {
	KEY_RSA,
	KEY_ECC, /* P-256, P-384 or P-521 */
};

enum {
	KEY_WHY_MAX = 160,
	KEY_BITS_MIN = 1024,  /* of an RSA modulus; TPM 2.0 has no smaller ones */
	KEY_BITS_MAX = 16384, /* what libcrypto computes with */
};

struct key_info {
	enum key_kind kind;
	unsigned bits;      /* of the modulus, or of the curve's field */
	const char *curve;  /* "P-256", …; NULL: RSA */
	const char *form;   /* that it was read from: "TPM2B_PUBLIC", "X.509 certificate", … */
	uint8_t sha256[32]; /* of the key as SubjectPublicKeyInfo in DER: the same for every form */
	bool has_area;      /* it was read from a TPM's public area; what follows is from there, else empty */
	struct tpm_name name;   /* n is 0 when nameAlg is not known */
	uint32_t attributes;    /* TPM_RESTRICTED, … */
	enum tpm_scheme scheme; /* TPM_SCHEME_NONE: the key signs as it is asked to, or not said */
	enum alg hash;          /* of the scheme; ALG_COUNT: not said */
};

/*
 * Read one public key, in whichever form: PEM or DER SubjectPublicKeyInfo, PKCS #1 RSAPublicKey, an X.509 certificate (of
 * several in PEM the first), TPM2B_PUBLIC, TPMT_PUBLIC, "TSS2 PRIVATE KEY" (its public part; the private one is encrypted for
 * a TPM). Nothing borrows from bytes.
 *
 * Success says that it is a key a verifier can compute with: RSA with KEY_BITS_MIN to KEY_BITS_MAX bits and an odd exponent
 * above 1, or a point on P-256, P-384 or P-521. It does not say whose key it is, and of a certificate no signature, date
 * or purpose was looked at.
 *
 * A private key is refused with PCRCAST_EINVAL: it has no business in a verifier's hands.
 */
int key_read(struct slice bytes, struct key **ret, struct pcrcast_error *e);
void key_free(struct key *k);
void key_freep(struct key **k);

const struct key_info *key_info(const struct key *k);

/* The same modulus and exponent, or the same point; nothing else is compared. */
bool key_equal(const struct key *a, const struct key *b);

/*
 * Do the attributes say that this key can sign only what a TPM itself has made, and never leaves its TPM? restricted, sign,
 * fixedTPM and sensitiveDataOrigin set, decrypt clear. why names each that is not so.
 *
 * MATCH_CANNOT_TELL: the key came without a public area. MATCH_YES is worth only as much as the origin of the public area: anybody
 * can write one around any key. It counts when the Name (key_info) was bound to a TPM, by credential activation or TPM2_Certify,
 * or when the file comes from the verifier's own store. A key that is not restricted signs a forged quote as well as a real one.
 */
enum match key_is_attestation_key(const struct key *k, char why[static KEY_WHY_MAX]);
