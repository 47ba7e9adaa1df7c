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
	bool sound;          /* the signature over the signed attributes verifies with that certificate */
	const char *trouble; /* why the entry could not be read; then nothing else is set. NULL otherwise */
};

struct signature_list {
	const struct signature *items;
	size_t n;
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
