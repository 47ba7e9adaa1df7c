/*
 * Signature lists, the content of PK, KEK, db, dbx and shim's lists: EFI_SIGNATURE_LIST, UEFI 2.10 section 32.4.1.
 */
#pragma once

#include "base/efi/guid.h"
#include "base/pool.h"

/* Types of lists that are also made here, UEFI 2.10 section 32.4.1; as initializers. */
#define EFI_CERT_SHA256_GUID GUID(0xc1c41626, 0x504c, 0x4092, 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28)
#define EFI_CERT_X509_GUID GUID(0xa5c059a1, 0x94e4, 0x4aa7, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72)
#define EFI_CERT_TYPE_PKCS7_GUID \
	GUID(0x4aafd29d, 0x68df, 0x49ee, 0x8a, 0xa9, 0x34, 0x7d, 0x37, 0x56, 0x65, 0xa7)

enum esl_kind {
	ESL_HASH,        /* a digest */
	ESL_CERTIFICATE, /* X.509 in DER */
	ESL_CERT_HASH, /* the digest of a certificate's to-be-signed part, and when it was revoked (EFI_TIME) */
	ESL_OTHER,
};

struct esl_type {
	struct guid guid;
	const char *name; /* "x509", "sha256" */
	enum esl_kind kind;
	uint32_t hash_len; /* bytes of the digest; 0 when there is none */
};

/* NULL when the type is not known. */
const struct esl_type *esl_type_find(const struct guid *type);

/* One list. Borrows from the bytes it was read from. */
struct esl {
	struct guid type;
	struct slice header;     /* SignatureHeader */
	struct slice signatures; /* n of them, signature_len bytes each */
	uint32_t signature_len;  /* at least GUID_LEN */
	size_t n;
};

struct esl_signature {
	struct guid owner;
	struct slice data;
};

/*
 * Take the first list off *rest. NULL: done so. Else why the bytes are no list, with *rest untouched; the words come from
 * pool. Not to be called with an empty *rest.
 */
const char *esl_next(struct pool *pool, struct slice *rest, struct esl *ret);

/* Signature i, which must be below n. */
struct esl_signature esl_signature(const struct esl *list, size_t i);
