/*
 * What TCG's profiles ask of a TPM's certificates, beyond RFC 5280: a part of certificate_chain.c, whose header has the
 * sources. X509 is libcrypto's.
 */
#pragma once

#include "golden/certificate_chain.h"

struct x509_st;

struct profile {
	const char *usage;                          /* as in chain_result */
	const char *manufacturer, *model, *version; /* the same */
	bool has_usage, ek, ak; /* extended key usage is there, and names this one (or any) */
	bool named;             /* the subject, or the subject alternative name, is not empty */
};

/* The leaf's own words. */
int profile_read(struct pool *pool, struct x509_st *leaf, struct profile *ret, struct pcrcast_error *e);

/* NULL when each critical extension is understood and none is there twice; else what is wrong. */
const char *profile_check_extensions(struct pool *pool, struct x509_st *cert);

/* Is the leaf meant for the role? *ret_why is set when the answer is not MATCH_YES. */
enum match profile_check_role(struct pool *pool, struct x509_st *leaf, const struct profile *p,
			      enum certificate_role role, const char **ret_why);
