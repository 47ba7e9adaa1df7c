/*
 * The Authenticode signatures of a PE image: the door to libcrypto's PKCS #7 and X.509.
 *
 * Sources: Microsoft PE/COFF Specification 8.3, section 5.7 (attribute certificate table);
 * "Windows Authenticode Portable Executable Signature Format", 1.0.
 */
#pragma once

#include "base/digest.h"
#include "base/hash_jobs.h"
#include "uki/pe.h"

struct signature {
	enum alg alg; /* of the image digest that it signs; ALG_COUNT: one that is not known here */
	struct digest signed_digest;
	const char *subject; /* of the signer's certificate, RFC 2253; escaped, printable */
	const char *issuer;
	struct digest certificate; /* SHA-256 of the signer's certificate in DER */
	struct slice signer;       /* the signer's certificate in DER, in the pool */
	struct slice pkcs7;        /* the signed data in DER, in the pool */
	bool sound;          /* the signature over the signed attributes verifies with that certificate */
	const char *trouble; /* why the entry could not be read; then nothing else is set. NULL otherwise */
};

struct signature_list {
	const struct signature *items;
	size_t n;
	bool exact; /* the entries fill the table to its end, as EDK2 demands of an image that it verifies */
};

/* Read every entry of the certificate table. Odd entries are listed with their trouble; they are no error. */
int signatures_read(struct pool *pool, const struct pe *pe, struct signature_list *ret,
		    struct pcrcast_error *e);

/*
 * Compute the image's digest for every algorithm that a signature uses (in jobs, where a later run finds
 * them again). ret[i] says whether signature i is sound and signs this very image.
 */
int signatures_check(struct pool *pool, const struct pe *pe, const struct signature_list *list,
		     struct hash_jobs *jobs, bool **ret, struct pcrcast_error *e);

/*
 * Does the signature lead to this certificate (DER) as its trust anchor? Judged as EDK2's AuthenticodeVerify() does, and shim's
 * copy of it: the anchor need not be self-signed, times and purposes do not count. Whether the signature is one over the
 * image is what signatures_check says; signature_verified_by alone does not. False too when the certificate cannot be read.
 */
bool signature_verified_by(const struct signature *s, struct slice certificate);

/* A moment as ASN.1's GeneralizedTime has it: whatever the time zone, as EDK2 takes it. */
struct signing_time {
	uint16_t year; /* 1900 to 9999 */
	uint8_t month, day, hour, minute, second;
};

enum timestamp_answer {
	TIMESTAMP_NONE, /* there is none, it is not over this signature, or the certificate does not vouch for it */
	TIMESTAMP_GOOD,
	TIMESTAMP_UNSURE, /* of a form of which firmware may make something else than this program */
};

/*
 * When was the signature made, by its RFC 3161 time stamp, which has to lead to this certificate (DER)? Judged as EDK2's
 * ImageTimestampVerify() does. *ret is set for TIMESTAMP_GOOD.
 */
enum timestamp_answer signature_time(const struct signature *s, struct slice certificate,
				     struct signing_time *ret);
