/*
 * What key.c, signature.c and certificate_chain.c share. The pointed-to types are libcrypto's EVP_PKEY and X509.
 */
#pragma once

#include "base/slice.h"
#include "golden/key.h"

struct evp_pkey_st;
struct x509_st;

struct key {
	struct key_info info;
	struct evp_pkey_st *pkey;
};

/* A key that libcrypto has read. Takes over pkey, on failure too. NULL: libcrypto could not make one; form says of what. */
int key_new(struct evp_pkey_st *pkey, const char *form, struct key **ret, struct pcrcast_error *e);

/* A TPM2B_PUBLIC or TPMT_PUBLIC. */
int key_of_area(struct slice bytes, const char *form, struct key **ret, struct pcrcast_error *e);

/*
 * A certificate in DER; NULL when the bytes are none. Zeros or ones behind it are passed over: TPMs' NV indices are larger than the
 * certificates in them.
 */
struct x509_st *x509_read(struct slice der);

/* Like key_read, for the key in a certificate. */
int key_of_x509(struct x509_st *cert, struct key **ret, struct pcrcast_error *e);
