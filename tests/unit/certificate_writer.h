/*
 * Certificates for tests, made by libcrypto. To be included behind cmocka.h.
 */
#pragma once

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tests/unit/quote_writer.h"

enum { TEST_TIME = 1700000000 }; /* 2023-11-14: the time of every check that says none */

/* How a certificate is made; zeros and NULL take what is usual. */
struct recipe {
	const char *subject; /* CN; "" is an empty subject */
	X509 *issuer;        /* NULL: itself */
	EVP_PKEY *key, *signer;
	long from,
		days; /* days after TEST_TIME at which it begins, and how long it lasts; 0: a year around it */
	const char *constraints;       /* basicConstraints in openssl's words; NULL: none */
	const char *key_usage, *usage; /* the same */
	const char *san;               /* DER of subjectAltName in hex; "critical," in front; NULL: none */
	const char *extra[3];          /* further extensions: "OID=critical,DER:hex", openssl's words */
	const EVP_MD *md;
};

static inline void add_extension(X509 *x, const char *oid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_nconf(NULL, NULL, oid, value);

	if (!ext)
		fail_msg("%s=%s", oid, value);
	assert_int_equal(X509_add_ext(x, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

static inline void add_extra(X509 *x, const char *extra)
{
	char oid[64];
	const char *equals = strchr(extra, '=');

	(void)snprintf(oid, sizeof oid, "%.*s", (int)(equals - extra), extra);
	add_extension(x, oid, equals + 1);
}

static inline X509 *make_certificate(const struct recipe *r)
{
	static long serial = 1;
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	time_t base = TEST_TIME;
	long from = r->from || r->days ? r->from : -180, days = r->days ? r->days : 365;

	assert_int_equal(X509_set_version(x, 2), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), serial++), 1);
	if (r->subject[0])
		assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
							    (const unsigned char *)r->subject, -1, -1, 0),
				 1);
	assert_int_equal(X509_set_issuer_name(x, r->issuer ? X509_get_subject_name(r->issuer) : name), 1);
	assert_non_null(X509_time_adj_ex(X509_getm_notBefore(x), (int)from, 0, &base));
	assert_non_null(X509_time_adj_ex(X509_getm_notAfter(x), (int)(from + days), 0, &base));
	assert_int_equal(X509_set_pubkey(x, r->key), 1);
	if (r->constraints)
		add_extension(x, "basicConstraints", r->constraints);
	if (r->key_usage)
		add_extension(x, "keyUsage", r->key_usage);
	if (r->usage)
		add_extension(x, "extendedKeyUsage", r->usage);
	if (r->san) {
		char value[1024];
		bool critical = strncmp(r->san, "critical,", 9) == 0;

		(void)snprintf(value, sizeof value, "%sDER:%s", critical ? "critical," : "",
			       r->san + (critical ? 9 : 0));
		add_extension(x, "2.5.29.17", value);
	}
	for (size_t i = 0; i < 3 && r->extra[i]; i++)
		add_extra(x, r->extra[i]);
	assert_true(X509_sign(x, r->signer ? r->signer : r->key, r->md ? r->md : EVP_sha256()) > 0);
	return x;
}

static inline void put_certificate(struct bytes *b, X509 *x, bool pem)
{
	unsigned char *der = NULL, *p;
	int n = i2d_X509(x, &der);

	assert_true(n > 0);
	if (!pem) {
		put(b, der, (size_t)n);
	} else {
		BIO *bio = BIO_new(BIO_s_mem());

		assert_true(PEM_write_bio_X509(bio, x) == 1);
		long len = BIO_get_mem_data(bio, &p);
		put(b, p, (size_t)len);
		BIO_free(bio);
	}
	OPENSSL_free(der);
}

/*
 * subjectAltName with one directoryName: manufacturer "id:414D4400", model "AMD", version "id:00030001", each in an RDN of its own.
 * openssl asn1parse -i shows it so.
 */
#define TPM_SAN                                                            \
	"3044a442304031163014060567810502010c0b69643a3431344434343030310e" \
	"300c060567810502020c03414d4431163014060567810502030c0b69643a3030" \
	"303330303031"
