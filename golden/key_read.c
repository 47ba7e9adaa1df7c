/*
 * The forms that a public key comes in.
 */
#include "golden/key_private.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "golden/pem.h"

enum { DER_MAX = 1 << 20 }; /* bytes of a key or certificate; real ones have a few thousand */

#define TSS2_LOADABLE "2.23.133.10.1.3"   /* draft-bottomley-tpm2-keys, section 3.1.1 */
#define TSS2_IMPORTABLE "2.23.133.10.1.4" /* the same */

/* ---- DER ---- */

/* The next element of *rest, which is moved behind it. Indefinite lengths are refused. */
static bool der_next(struct slice *rest, int *tag, int *class, struct slice *ret)
{
	const unsigned char *p = rest->p;
	long len;

	if (rest->n == 0 || rest->n > DER_MAX || ASN1_get_object(&p, &len, tag, class, (long)rest->n) & 0x81)
		return false;
	*ret = (struct slice){ p, (size_t)len };
	*rest = (struct slice){ p + len, (size_t)(rest->p + rest->n - (p + len)) };
	return true;
}

static bool is_tss2_oid(struct slice body)
{
	/* 2.23.133.10.1.3 and .4: 67 81 05 0a 01 03 */
	static const uint8_t oid[] = { 0x67, 0x81, 0x05, 0x0a, 0x01 };

	return body.n == 6 && memcmp(body.p, oid, sizeof oid) == 0 && (body.p[5] == 3 || body.p[5] == 4);
}

/*
 * TPMKey ::= SEQUENCE { type OBJECT IDENTIFIER, [0] … [5] OPTIONAL, parent INTEGER, pubkey OCTET STRING, privkey OCTET STRING };
 * draft-bottomley-tpm2-keys, section 3.1. False when der is none; else *ret is the public part, a TPM2B_PUBLIC.
 */
static bool tss2_key(struct slice der, struct slice *ret)
{
	struct slice seq, body;
	int tag, class;

	if (!der_next(&der, &tag, &class, &seq) || tag != V_ASN1_SEQUENCE || class != V_ASN1_UNIVERSAL ||
	    der.n || !der_next(&seq, &tag, &class, &body) || tag != V_ASN1_OBJECT || !is_tss2_oid(body))
		return false;
	do {
		if (!der_next(&seq, &tag, &class, &body))
			return false;
	} while (class == V_ASN1_CONTEXT_SPECIFIC);
	if (tag != V_ASN1_INTEGER || !der_next(&seq, &tag, &class, ret) || tag != V_ASN1_OCTET_STRING ||
	    class != V_ASN1_UNIVERSAL)
		return false;
	return der_next(&seq, &tag, &class, &body) && tag == V_ASN1_OCTET_STRING && seq.n == 0;
}

X509 *x509_read(struct slice der)
{
	const unsigned char *p = der.p;
	X509 *cert = der.n <= DER_MAX ? d2i_X509(NULL, &p, (long)der.n) : NULL;

	if (cert) {
		const uint8_t *end = der.p + der.n;
		uint8_t padding = p < end ? *p : 0;

		while (p < end && *p == padding && (padding == 0x00 || padding == 0xff))
			p++;
		if (p < end) {
			X509_free(cert);
			cert = NULL;
		}
	}
	ERR_clear_error();
	return cert;
}

int key_of_x509(X509 *cert, struct key **ret, struct pcrcast_error *e)
{
	return key_new(X509_get_pubkey(cert), "X.509 certificate", ret, e);
}

static int read_certificate(struct slice der, struct key **ret, struct pcrcast_error *e)
{
	X509 *cert = x509_read(der);

	if (!cert)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "no certificate that libcrypto can read");
	int rc = key_of_x509(cert, ret, e);
	X509_free(cert);
	return rc;
}

/* pkey when reading der ended at its end; else it is freed. */
static EVP_PKEY *whole(EVP_PKEY *pkey, const unsigned char *end, struct slice der)
{
	ERR_clear_error();
	if (pkey && end != der.p + der.n) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	return pkey;
}

static EVP_PKEY *pkey_of_spki(struct slice der)
{
	const unsigned char *p = der.p;
	EVP_PKEY *pkey = d2i_PUBKEY(NULL, &p, (long)der.n);

	return whole(pkey, p, der);
}

static EVP_PKEY *pkey_of_pkcs1(struct slice der)
{
	const unsigned char *p = der.p;
	EVP_PKEY *pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)der.n);

	return whole(pkey, p, der);
}

static int refuse_private(struct pcrcast_error *e)
{
	ERR_clear_error();
	return err_set(
		e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
		"this is a private key: give the public one (openssl pkey -pubout), keep this one secret");
}

/*
 * By their first elements, whatever is behind: PrivateKeyInfo (RFC 5958), RSAPrivateKey (RFC 8017) and ECPrivateKey (RFC 5915)
 * begin with a version of one byte, which no modulus is; EncryptedPrivateKeyInfo is an algorithm and an OCTET STRING.
 */
static bool is_private(struct slice der)
{
	struct slice seq, first, second;
	int tag, class, second_tag;

	if (!der_next(&der, &tag, &class, &seq) || tag != V_ASN1_SEQUENCE ||
	    !der_next(&seq, &tag, &class, &first) || !der_next(&seq, &second_tag, &class, &second))
		return false;
	return (tag == V_ASN1_INTEGER && first.n == 1) ||
	       (tag == V_ASN1_SEQUENCE && second_tag == V_ASN1_OCTET_STRING);
}

static int read_tss2(struct slice der, struct key **ret, struct pcrcast_error *e)
{
	struct slice area;

	if (!tss2_key(der, &area))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "expected a TPMKey (object identifier " TSS2_LOADABLE " or " TSS2_IMPORTABLE
			       ", parent, public and private part)");
	int rc = key_of_area(area, "TSS2 PRIVATE KEY", ret, e);
	return rc < 0 ? err_wrap(e, "TSS2 PRIVATE KEY") : 0;
}

static int read_spki(struct slice der, struct key **ret, struct pcrcast_error *e)
{
	return key_new(pkey_of_spki(der), "SubjectPublicKeyInfo", ret, e);
}

static int read_pkcs1(struct slice der, struct key **ret, struct pcrcast_error *e)
{
	return key_new(pkey_of_pkcs1(der), "RSAPublicKey (PKCS #1)", ret, e);
}

static int read_der(struct slice der, struct key **ret, struct pcrcast_error *e)
{
	struct slice area;
	EVP_PKEY *pkey;
	X509 *cert;

	if (tss2_key(der, &area))
		return read_tss2(der, ret, e);
	if (is_private(der))
		return refuse_private(e);
	if ((pkey = pkey_of_spki(der)))
		return key_new(pkey, "SubjectPublicKeyInfo", ret, e);
	if ((cert = x509_read(der))) {
		int rc = key_of_x509(cert, ret, e);

		X509_free(cert);
		return rc;
	}
	if ((pkey = pkey_of_pkcs1(der)))
		return key_new(pkey, "RSAPublicKey (PKCS #1)", ret, e);
	ERR_clear_error();
	return err_set(
		e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
		"DER, but no key: expected a SubjectPublicKeyInfo, RSAPublicKey, X.509 certificate or TPMKey, and nothing behind it");
}

/* ---- PEM ---- */

static int read_block(const struct pem_block *b, struct key **ret, struct pcrcast_error *e)
{
	static const struct {
		const char *label;
		int (*read)(struct slice der, struct key **ret, struct pcrcast_error *e);
	} rows[] = {
		{ "PUBLIC KEY", read_spki },         { "RSA PUBLIC KEY", read_pkcs1 },
		{ "CERTIFICATE", read_certificate }, { "X509 CERTIFICATE", read_certificate },
		{ "TSS2 PRIVATE KEY", read_tss2 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strcmp(b->label, rows[i].label) == 0)
			return rows[i].read(b->der, ret, e);
	if (b->encrypted || strstr(b->label, "PRIVATE KEY"))
		return refuse_private(e);
	return err_set(
		e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
		"PEM block \"%.40s\", expected PUBLIC KEY, RSA PUBLIC KEY, CERTIFICATE or TSS2 PRIVATE KEY",
		b->label);
}

static int read_pem(struct slice text, struct key **ret, struct pcrcast_error *e)
{
	_cleanup_(pool_done) struct pool pool = POOL_INIT;
	struct pem_block *blocks;
	size_t n;
	int rc = pem_read(&pool, text, &blocks, &n, e);

	if (rc < 0)
		return rc;
	/* A chain of certificates begins with its leaf; of several keys nobody can say which is meant. */
	for (size_t i = 1; i < n; i++)
		if (strcmp(blocks[0].label, "CERTIFICATE") != 0 ||
		    strcmp(blocks[i].label, "CERTIFICATE") != 0)
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				       "%zu PEM blocks, expected one key or certificates only", n);
	return read_block(&blocks[0], ret, e);
}

int key_read(struct slice bytes, struct key **ret, struct pcrcast_error *e)
{
	if (bytes.n > DER_MAX)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET, "key of %zu bytes, at most %d handled",
			       bytes.n, DER_MAX);
	if (pem_likely(bytes))
		return read_pem(bytes, ret, e);
	if (tpm_public_likely(bytes)) {
		bool sized = bytes.n >= 2 && (size_t)(bytes.p[0] << 8 | bytes.p[1]) == bytes.n - 2;

		return key_of_area(bytes, sized ? "TPM2B_PUBLIC" : "TPMT_PUBLIC", ret, e);
	}
	if (bytes.n && bytes.p[0] == 0x30)
		return read_der(bytes, ret, e);
	return err_set(
		e, PCRCAST_EFORMAT, 0,
		"no key in a known form: expected PEM, DER, TPM2B_PUBLIC or TPMT_PUBLIC, found %zu bytes that are neither",
		bytes.n);
}
