/*
 * What TCG's profiles ask of a TPM's certificates, beyond RFC 5280: a part of certificate_chain.c, whose header has the
 * sources. X509 is libcrypto's.
 */
#pragma once

#include "golden/certificate_chain.h"

struct x509_st;

struct profile {
	const char *usage; /* extended key usages: object identifiers with blanks between; NULL: not said */
	bool ek, ak;       /* they name this one, or any */
	const char *manufacturer, *model, *version; /* as in chain_result */
	bool named; /* the subject, or the subject alternative name, is not empty */
};

/* A certificate's own words. */
int profile_read(struct pool *pool, struct x509_st *cert, struct profile *ret, struct pcrcast_error *e);

/* NULL when each critical extension is understood and none is there twice; else what is wrong. */
const char *profile_check_extensions(struct pool *pool, struct x509_st *cert);

/*
 * Is the leaf meant for the role? above: what the nearest certificate above it that has extended key usages says; all zeros: none
 * has. *ret_why is set when the answer is not MATCH_YES.
 */
enum match profile_check_role(struct pool *pool, struct x509_st *leaf, const struct profile *p,
			      const struct profile *above, enum certificate_role role, const char **ret_why);
