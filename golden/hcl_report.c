/*
 * Layout: azure-cvm-tooling (az-cvm-vtpm 0.7, src/hcl): struct AttestationReport, packed and little-endian. The JSON is a
 * set of keys as in RFC 7517, and more.
 */
#include "golden/hcl_report.h"

#include <inttypes.h>

#include "base/encode.h"
#include "base/json.h"
#include "base/json_read.h"
#include "base/reader.h"

enum {
	HCL_HEADER = 32,         /* signature "HCLA", version, size, request type, status, reserved */
	HCL_TEE_REPORT = 1184,   /* room for the report of SEV-SNP or TDX */
	HCL_REQUEST_HEADER = 16, /* size, version, report type, hash type; the length of the data follows */
};

static int find_key(const struct cJSON *root, const char **ret_n, const char **ret_e, struct pcrcast_error *e)
{
	const struct cJSON *found = NULL;

	for (const struct cJSON *k = json_first(json_get(root, "keys")); k; k = json_next(k)) {
		const char *kid;

		if (!json_string(json_get(k, "kid"), &kid) || strcmp(kid, "HCLAkPub") != 0)
			continue;
		if (found)
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				       "key \"HCLAkPub\" is there twice");
		found = k;
	}
	const char *kty;
	if (!found || !json_string(json_get(found, "kty"), &kty) || strcmp(kty, "RSA") != 0 ||
	    !json_string(json_get(found, "n"), ret_n) || !json_string(json_get(found, "e"), ret_e))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "no RSA key \"HCLAkPub\" with \"n\" and \"e\" in the data");
	return 0;
}

/* ---- DER (X.690), written back to front ---- */

struct der {
	uint8_t *p;   /* what is written begins here */
	size_t n;     /* bytes written */
	size_t space; /* bytes free in front of them */
};

static void der_put(struct der *d, const void *bytes, size_t n)
{
	if (n > d->space) { /* the caller has counted; a mistake here must not write elsewhere */
		d->space = 0;
		return;
	}
	d->p -= n;
	d->n += n;
	d->space -= n;
	memcpy(d->p, bytes, n);
}

static void der_put_byte(struct der *d, unsigned byte)
{
	uint8_t b = (uint8_t)byte;

	der_put(d, &b, 1);
}

/* Tag and length in front of the n bytes that were written last. */
static void der_wrap(struct der *d, unsigned tag, size_t n)
{
	size_t octets = 0;

	if (n > 0x7f) {
		for (size_t left = n; left; left >>= 8, octets++)
			der_put_byte(d, left & 0xff);
		der_put_byte(d, 0x80 | (unsigned)octets);
	} else {
		der_put_byte(d, (unsigned)n);
	}
	der_put_byte(d, tag);
}

/* INTEGER of an unsigned number, most significant byte first. */
static void der_put_integer(struct der *d, struct slice number)
{
	size_t start = d->n;

	while (number.n > 1 && number.p[0] == 0)
		number = (struct slice){ number.p + 1, number.n - 1 };
	der_put(d, number.p, number.n);
	if (number.p[0] & 0x80)
		der_put_byte(d, 0);
	der_wrap(d, 0x02, d->n - start);
}

/* SubjectPublicKeyInfo with rsaEncryption (RFC 8017, appendix A.1). */
static int rsa_key(struct slice modulus, struct slice exponent, struct pool *pool, struct slice *ret,
		   struct pcrcast_error *e)
{
	static const uint8_t algorithm[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
					     0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00 };
	enum { MAX_NUMBER = 2048, ROOM = 64 }; /* RSA of 16384 bits; headers need less than 64 bytes */

	if (modulus.n == 0 || modulus.n > MAX_NUMBER || exponent.n == 0 || exponent.n > MAX_NUMBER)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "an RSA key of %zu and %zu bytes, expected 1 to %d each", modulus.n,
			       exponent.n, MAX_NUMBER);
	size_t space = modulus.n + exponent.n + ROOM;
	uint8_t *bytes = pool_array(pool, space, 1);
	if (!bytes)
		return err_nomem(e);
	struct der d = { .p = bytes + space, .space = space };
	der_put_integer(&d, exponent);
	der_put_integer(&d, modulus);
	der_wrap(&d, 0x30, d.n);
	der_put_byte(&d, 0); /* unused bits of the BIT STRING */
	der_wrap(&d, 0x03, d.n);
	der_put(&d, algorithm, sizeof algorithm);
	der_wrap(&d, 0x30, d.n);
	*ret = (struct slice){ d.p, d.n };
	return 0;
}

/* ---- the report ---- */

static int data_of(struct slice report, struct slice *ret, struct pcrcast_error *e)
{
	struct reader r = reader_over(report);
	struct slice header = reader_take(&r, HCL_HEADER);

	(void)reader_take(&r, HCL_TEE_REPORT);
	(void)reader_take(&r, HCL_REQUEST_HEADER);
	uint32_t len = reader_u32le(&r);
	if (r.failed)
		return err_set(e, PCRCAST_ETRUNC, report.n, "HCL report of %zu bytes, its headers need %d",
			       report.n, HCL_HEADER + HCL_TEE_REPORT + HCL_REQUEST_HEADER + 4);
	if (memcmp(header.p, "HCLA", 4) != 0)
		return err_set(e, PCRCAST_EFORMAT, 0, "HCL report without its signature \"HCLA\"");
	uint64_t at = r.pos;
	*ret = reader_take(&r, len);
	if (r.failed)
		return err_set(e, PCRCAST_ETRUNC, at, "HCL report: %" PRIu32 " bytes of data, %zu are left",
			       len, reader_left(&r));
	return 0;
}

int hcl_report_key(struct slice report, struct pool *pool, struct slice *ret, struct pcrcast_error *e)
{
	struct slice data = SLICE_EMPTY, modulus, exponent;
	struct cJSON *root = NULL;
	const char *n, *exp;

	int rc = data_of(report, &data, e);
	if (rc == 0)
		rc = json_parse(data, &root, e);
	if (rc == 0)
		rc = find_key(root, &n, &exp, e);
	if (rc == 0 && (!base64url_decode(pool, slice_of_string(n), &modulus) ||
			!base64url_decode(pool, slice_of_string(exp), &exponent)))
		rc = err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			     "key \"HCLAkPub\": expected base64 in URL form");
	if (rc == 0)
		rc = rsa_key(modulus, exponent, pool, ret, e);
	json_free(root);
	return rc;
}
