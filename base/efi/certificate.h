/*
 * X.509 certificates in DER, as far as an auditor wants to see them: a door to libcrypto.
 */
#pragma once

#include "base/digest.h"
#include "base/pool.h"

struct certificate {
	const char *subject, *issuer; /* RFC 2253; escaped, printable */
	struct digest sha256;         /* of its DER */
	size_t len;                   /* bytes of its DER; what follows in the input is no part of it */
};

/* False when the bytes begin with no certificate, or memory gives out. */
bool certificate_read(struct pool *pool, struct slice der, struct certificate *ret);

/* The to-be-signed part of a certificate, with its tag and length: what entries of dbx hash. False when the bytes begin with none. */
bool certificate_tbs(struct slice der, struct slice *ret);
