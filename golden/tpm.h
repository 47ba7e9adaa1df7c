/*
 * TPM structures as plain values: the door to tss2-mu. Names and numbers are those of the Trusted Platform Module Library
 * Specification, family 2.0, part 2 (Structures); sections are those of revision 1.38.
 *
 * Nothing here says that a structure is true: these are bytes that anybody can write.
 */
#pragma once

#include "base/digest.h"
#include "base/error.h"
#include "base/slice.h"

enum {
	TPM_NAME_MAX = 2 + DIGEST_MAX, /* bytes of a Name: nameAlg and a digest */
	TPM_DATA_MAX = 2 + DIGEST_MAX, /* bytes of TPM2B_DATA: room for a TPMT_HA */
	TPM_BANKS_MAX = 16,            /* selections in a TPML_PCR_SELECTION, as in tss2 */
	TPM_RSA_MAX = 4096 / 8,        /* bytes of a modulus */
	TPM_ECC_MAX = (521 + 7) / 8,   /* bytes of a coordinate, P-521 */
};

/* How a key signs. */
enum tpm_scheme {
	TPM_SCHEME_NONE,  /* TPM_ALG_NULL, or not said */
	TPM_RSASSA,       /* TPM_ALG_RSASSA: RSASSA-PKCS1-v1_5 */
	TPM_RSAPSS,       /* TPM_ALG_RSAPSS */
	TPM_ECDSA,        /* TPM_ALG_ECDSA */
	TPM_SCHEME_OTHER, /* of a public area only: a scheme, or its hash, that is not handled here */
};

const char *tpm_scheme_name(enum tpm_scheme scheme); /* "RSASSA", …; "none", "other" */

/* What TPM_ALG_ID is called ("sm3_256", "ecdaa"); "unknown algorithm" when there is no such. */
const char *tpm_alg_name(uint16_t id);

/* A Name or Qualified Name (part 1, section 16): nameAlg in two bytes and a digest; or a handle of four bytes. */
struct tpm_name {
	uint8_t bytes[TPM_NAME_MAX];
	size_t n; /* 0: none */
};

/* ---- quotes ---- */

/* TPMS_PCR_SELECTION */
struct tpm_selection {
	uint16_t bank_id; /* TPM_ALG_ID */
	enum alg bank;    /* ALG_COUNT: a bank that is not known here */
	uint32_t pcrs;    /* bit i: PCR i is in it; i in 0..31, though a PC has 0..23 */
};

/* TPMS_ATTEST of type TPM_ST_ATTEST_QUOTE */
struct tpm_quote {
	struct slice
		message; /* what is signed: the TPMS_ATTEST without a size in front; borrowed from the input */
	struct tpm_name signer; /* qualifiedSigner; n is 0 when the TPM was given no key */
	uint8_t extra_data[TPM_DATA_MAX];
	size_t extra_data_len;
	uint64_t clock; /* milliseconds that the TPM was powered, ever */
	/* Not plain unless the key is in the endorsement or platform hierarchy, as firmware_version. */
	uint32_t reset_count, restart_count;
	bool safe; /* no larger clock was ever reported before */
	uint64_t firmware_version;
	struct tpm_selection
		selections[TPM_BANKS_MAX]; /* in the quote's order, the same bank perhaps twice */
	size_t n_selections;
	uint8_t pcr_digest[DIGEST_MAX];
	size_t pcr_digest_len;
};

/*
 * Read a TPMS_ATTEST, or a TPM2B_ATTEST (a size of two bytes in front that is all the rest). PCRCAST_EUNSUPPORTED: it is an
 * attestation, of something else than PCRs. PCRCAST_EFORMAT: no TPM made it, or it is followed by something.
 */
int tpm_quote_read(struct slice bytes, struct tpm_quote *ret, struct pcrcast_error *e);

/* ---- signatures ---- */

struct tpm_signature {
	enum tpm_scheme scheme; /* TPM_SCHEME_NONE: RSA, and not said which */
	enum alg hash;          /* of the message; ALG_COUNT: not said */
	struct slice rsa;       /* TPM_RSASSA, TPM_RSAPSS; all borrowed from the input */
	struct slice r, s;      /* TPM_ECDSA: unsigned, big endian, of any length */
};

/*
 * Read a TPMT_SIGNATURE; always says scheme and hash. PCRCAST_EUNSUPPORTED names a scheme or hash that is not handled.
 * For signatures without that frame see signature.h.
 */
int tpm_signature_read(struct slice bytes, struct tpm_signature *ret, struct pcrcast_error *e);

/* ---- keys ---- */

/* TPMA_OBJECT, part 2, section 8.3 */
enum {
	TPM_FIXED_TPM = 1 << 1,
	TPM_FIXED_PARENT = 1 << 4,
	TPM_SENSITIVE_DATA_ORIGIN = 1 << 5,
	TPM_RESTRICTED = 1 << 16,
	TPM_DECRYPT = 1 << 17,
	TPM_SIGN = 1 << 18,
};

/* TPM_ECC_CURVE, part 2, section 6.4 */
enum {
	TPM_P256 = 3,
	TPM_P384 = 4,
	TPM_P521 = 5,
};

/* TPMT_PUBLIC of an RSA or ECC key */
struct tpm_public {
	struct slice area; /* the TPMT_PUBLIC; borrowed from the input */
	bool ecc;
	enum alg name_alg;      /* ALG_COUNT: a hash that is not known here, or none */
	uint32_t attributes;    /* TPM_RESTRICTED, … */
	enum tpm_scheme scheme; /* TPM_SCHEME_NONE: the key signs as it is asked to */
	enum alg hash;          /* of the scheme; ALG_COUNT: there is no scheme, or it is not handled here */
	uint16_t key_bits;      /* RSA */
	uint32_t exponent;      /* RSA; never 0 */
	uint16_t curve;         /* ECC: TPM_P256, TPM_P384 or TPM_P521 */
	uint8_t a[TPM_RSA_MAX]; /* modulus, or x; big endian */
	uint8_t y[TPM_ECC_MAX];
	size_t a_len, y_len; /* RSA: key_bits / 8; ECC: at most the curve's bytes, never 0 */
};

/* True when bytes begin as a TPM2B_PUBLIC or TPMT_PUBLIC does: worth a try with tpm_public_read. */
bool tpm_public_likely(struct slice bytes);

/*
 * Read a TPM2B_PUBLIC or TPMT_PUBLIC. PCRCAST_EUNSUPPORTED: another kind of object or another curve. Whether the modulus or
 * the point is sound is not looked at.
 */
int tpm_public_read(struct slice bytes, struct tpm_public *ret, struct pcrcast_error *e);

/* nameAlg || H(TPMT_PUBLIC), part 1, section 16; n is 0 when name_alg is not known. */
int tpm_public_name(const struct tpm_public *p, struct tpm_name *ret, struct pcrcast_error *e);
