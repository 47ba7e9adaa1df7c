#include "base/efi/signature_list.h"

#include "base/reader.h"

enum { LIST_HEADER = 28 }; /* GUID, u32 list size, u32 header size, u32 signature size */

/* UEFI 2.10, section 32.4.1; SM3 from EDK2's ImageAuthentication.h (edk2-stable202605). */
static const struct esl_type types[] = {
	{ EFI_CERT_SHA256_GUID, "sha256", ESL_HASH, 32 },
	{ EFI_CERT_X509_GUID, "x509", ESL_CERTIFICATE, 0 },
	{ GUID(0x3bd2a492, 0x96c0, 0x4079, 0xb4, 0x20, 0xfc, 0xf9, 0x8e, 0xf1, 0x03, 0xed), "x509-sha256",
	  ESL_CERT_HASH, 32 },
	{ GUID(0x7076876e, 0x80c2, 0x4ee6, 0xaa, 0xd2, 0x28, 0xb3, 0x49, 0xa6, 0x86, 0x5b), "x509-sha384",
	  ESL_CERT_HASH, 48 },
	{ GUID(0x446dbf63, 0x2502, 0x4cda, 0xbc, 0xfa, 0x24, 0x65, 0xd2, 0xb0, 0xfe, 0x9d), "x509-sha512",
	  ESL_CERT_HASH, 64 },
	{ GUID(0x826ca512, 0xcf10, 0x4ac9, 0xb1, 0x87, 0xbe, 0x01, 0x49, 0x66, 0x31, 0xbd), "sha1", ESL_HASH,
	  20 },
	{ GUID(0x0b6e5233, 0xa65c, 0x44c9, 0x94, 0x07, 0xd9, 0xab, 0x83, 0xbf, 0xc8, 0xbd), "sha224",
	  ESL_HASH, 28 },
	{ GUID(0xff3e5307, 0x9fd0, 0x48c9, 0x85, 0xf1, 0x8a, 0xd5, 0x6c, 0x70, 0x1e, 0x01), "sha384",
	  ESL_HASH, 48 },
	{ GUID(0x093e0fae, 0xa6c4, 0x4f50, 0x9f, 0x1b, 0xd4, 0x1e, 0x2b, 0x89, 0xc1, 0x9a), "sha512",
	  ESL_HASH, 64 },
	{ GUID(0x57347f87, 0x7a9b, 0x403a, 0xb9, 0x3c, 0xdc, 0x4a, 0xfb, 0x7a, 0x0e, 0xbc), "sm3", ESL_HASH,
	  32 },
	{ GUID(0x3c5766e8, 0x269c, 0x4e34, 0xaa, 0x14, 0xed, 0x77, 0x6e, 0x85, 0xb3, 0xb6), "rsa2048",
	  ESL_OTHER, 0 },
	{ GUID(0xe2b36190, 0x879b, 0x4a3d, 0xad, 0x8d, 0xf2, 0xe7, 0xbb, 0xa3, 0x27, 0x84), "rsa2048-sha256",
	  ESL_OTHER, 0 },
	{ GUID(0x67f8444f, 0x8743, 0x48f1, 0xa3, 0x28, 0x1e, 0xaa, 0xb8, 0x73, 0x60, 0x80), "rsa2048-sha1",
	  ESL_OTHER, 0 },
	{ EFI_CERT_TYPE_PKCS7_GUID, "pkcs7", ESL_OTHER, 0 },
};

const struct esl_type *esl_type_find(const struct guid *type)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (guid_equal(&types[i].guid, type))
			return &types[i];
	return NULL;
}

const char *esl_next(struct pool *pool, struct slice *rest, struct esl *ret)
{
	struct reader r = reader_over(*rest);
	struct slice type = reader_take(&r, GUID_LEN);
	uint32_t list_len = reader_u32le(&r), header_len = reader_u32le(&r), signature_len = reader_u32le(&r);
	const char *why = NULL;

	if (r.failed)
		why = pool_printf(pool, "%zu bytes are too few for a signature list, which begins with %d",
				  rest->n, LIST_HEADER);
	else if (list_len < LIST_HEADER || list_len > rest->n)
		why = pool_printf(pool, "signature list of %u bytes, expected %d to %zu", list_len,
				  LIST_HEADER, rest->n);
	else if (header_len > list_len - LIST_HEADER)
		why = pool_printf(pool, "signature header of %u bytes in a list of %u", header_len, list_len);
	else if (signature_len < GUID_LEN)
		why = pool_printf(pool, "signatures of %u bytes, expected at least %d", signature_len,
				  GUID_LEN);
	else if ((list_len - LIST_HEADER - header_len) % signature_len)
		why = pool_printf(pool, "%u bytes of signatures are no multiple of %u",
				  list_len - LIST_HEADER - header_len, signature_len);
	else {
		struct esl list = { .type = guid_of_bytes(type.p), .signature_len = signature_len };

		list.header = reader_take(&r, header_len);
		list.signatures = reader_take(&r, list_len - LIST_HEADER - header_len);
		list.n = list.signatures.n / signature_len;
		*rest = (struct slice){ rest->p + list_len, rest->n - list_len };
		*ret = list;
		return NULL;
	}
	return why ? why : "out of memory";
}

struct esl_signature esl_signature(const struct esl *list, size_t i)
{
	const uint8_t *p = list->signatures.p + i * list->signature_len;

	return (struct esl_signature){ guid_of_bytes(p), { p + GUID_LEN, list->signature_len - GUID_LEN } };
}
