#define _GNU_SOURCE
#include "base/efi/signature_file.h"

#include <string.h>

#include "base/bytes.h"
#include "base/efi/certificate.h"
#include "base/efi/signature_list.h"
#include "base/encode.h"

enum {
	TIME_LEN = 16,          /* EFI_TIME */
	CERT_HEADER = 24,       /* WIN_CERTIFICATE_UEFI_GUID without its data */
	REVISION = 0x0200,      /* WIN_CERTIFICATE.wRevision */
	TYPE_EFI_GUID = 0x0ef1, /* WIN_CERT_TYPE_EFI_GUID */
	ATTRIBUTES_LEN = 4,
	ATTRIBUTES_KNOWN = 0xff, /* UEFI 2.10, section 8.2.1 */
	ESL_HEADER = 28,
	PEM_MAX = 1000, /* certificates in one file */
};

static const char pem_begin[] = "-----BEGIN CERTIFICATE-----", pem_end[] = "-----END CERTIFICATE-----";

static const struct guid pkcs7_guid = EFI_CERT_TYPE_PKCS7_GUID;
static const struct guid x509_guid = EFI_CERT_X509_GUID;

/* NULL: signature lists to the end, at least one. Else why not. */
static const char *check_lists(struct pool *pool, struct slice bytes)
{
	const char *why = bytes.n ? NULL : "no signature lists";
	struct esl list;

	while (!why && bytes.n)
		why = esl_next(pool, &bytes, &list);
	return why;
}

/* ---- certificates ---- */

struct bytes_builder {
	struct pool *pool;
	uint8_t *p;
	size_t n;
};

/* Append a list with one certificate. */
static int add_certificate(struct bytes_builder *b, struct slice der, const struct guid *owner,
			   struct pcrcast_error *e)
{
	size_t signature_len = GUID_LEN + der.n, len = ESL_HEADER + signature_len;
	uint8_t *p = len <= UINT32_MAX ? pool_array(b->pool, b->n + len, 1) : NULL;

	if (!p)
		return err_nomem(e);
	if (b->n)
		memcpy(p, b->p, b->n);
	b->p = p;
	p += b->n;
	b->n += len;
	memcpy(p, x509_guid.bytes, GUID_LEN);
	put_u32le(p + 16, (uint32_t)len);
	put_u32le(p + 20, 0);
	put_u32le(p + 24, (uint32_t)signature_len);
	memcpy(p + ESL_HEADER, owner->bytes, GUID_LEN);
	memcpy(p + ESL_HEADER + GUID_LEN, der.p, der.n);
	return 0;
}

static bool is_certificate(struct pool *pool, struct slice der)
{
	struct certificate c;

	return der.n && der.p[0] == 0x30 && certificate_read(pool, der, &c) && c.len == der.n;
}

/* Base64 without its line breaks. */
static bool decode_pem(struct pool *pool, struct slice text, struct slice *ret)
{
	uint8_t *digits = pool_array(pool, text.n + 1, 1);
	size_t n = 0;

	if (!digits)
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '\n' && text.p[i] != '\r')
			digits[n++] = text.p[i];
	return base64_decode(pool, (struct slice){ digits, n }, ret);
}

static int read_pem(struct bytes_builder *b, struct slice text, const struct guid *owner,
		    struct pcrcast_error *e)
{
	const uint8_t *base = text.p;
	size_t count = 0;

	for (const uint8_t *p; (p = memmem(text.p, text.n, pem_begin, strlen(pem_begin)));) {
		uint64_t at = (uint64_t)(p - base);
		const uint8_t *from = p + strlen(pem_begin);
		size_t left = text.n - (size_t)(from - text.p);
		const uint8_t *to = memmem(from, left, pem_end, strlen(pem_end));
		struct slice der;

		if (!to)
			return err_set(e, PCRCAST_ETRUNC, at, "a PEM certificate without its END line");
		if (!decode_pem(b->pool, (struct slice){ from, (size_t)(to - from) }, &der) ||
		    !is_certificate(b->pool, der))
			return err_set(e, PCRCAST_EFORMAT, at, "a PEM block that holds no certificate");
		if (++count > PEM_MAX)
			return err_set(e, PCRCAST_ELIMIT, at, "more than %d certificates", PEM_MAX);
		int r = add_certificate(b, der, owner, e);
		if (r < 0)
			return r;
		to += strlen(pem_end);
		text = (struct slice){ to, text.n - (size_t)(to - text.p) };
	}
	return 0;
}

/* ---- signature lists ---- */

/* Skip EFI_VARIABLE_AUTHENTICATION_2 (UEFI 2.10, section 8.2.2) when the bytes begin with one. */
static struct slice skip_authentication(struct slice bytes)
{
	if (bytes.n < TIME_LEN + CERT_HEADER || get_u16le(bytes.p + TIME_LEN + 4) != REVISION ||
	    get_u16le(bytes.p + TIME_LEN + 6) != TYPE_EFI_GUID ||
	    memcmp(bytes.p + TIME_LEN + 8, pkcs7_guid.bytes, GUID_LEN) != 0)
		return bytes;
	uint32_t len = get_u32le(bytes.p + TIME_LEN);
	if (len < CERT_HEADER || len > bytes.n - TIME_LEN)
		return bytes;
	return (struct slice){ bytes.p + TIME_LEN + len, bytes.n - TIME_LEN - len };
}

int signature_file_read(struct pool *pool, struct slice bytes, const struct guid *owner, struct slice *ret,
			struct pcrcast_error *e)
{
	bool pem = memmem(bytes.p, bytes.n, pem_begin, strlen(pem_begin));

	if (pem || is_certificate(pool, bytes)) {
		struct bytes_builder b = { .pool = pool };

		if (!owner)
			return err_set(
				e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
				"a certificate alone: the variable has an owner's GUID beside it, which is measured too");
		int r = pem ? read_pem(&b, bytes, owner, e) : add_certificate(&b, bytes, owner, e);
		if (r == 0)
			*ret = (struct slice){ b.p, b.n };
		return r;
	}
	struct slice lists = skip_authentication(bytes);
	const char *why = check_lists(pool, lists);
	if (why && bytes.n > ATTRIBUTES_LEN && get_u32le(bytes.p) <= ATTRIBUTES_KNOWN) {
		struct slice behind = { bytes.p + ATTRIBUTES_LEN, bytes.n - ATTRIBUTES_LEN };

		if (!check_lists(pool, behind)) {
			lists = behind;
			why = NULL;
		}
	}
	if (why)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "expected signature lists, a signed update of such or a certificate: %s", why);
	if (owner)
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "an owner's GUID was given, but signature lists name their owners themselves");
	*ret = lists;
	return 0;
}
