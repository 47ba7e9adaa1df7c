/* Public keys in every form, the attributes of a TPM's, and what is no public key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/pem.h>

#include "tests/unit/quote_writer.h"

static const char *const kinds[] = { "RSA2048", "RSA1024", "P-256", "P-384", "P-521" };
enum { N_KINDS = sizeof kinds / sizeof kinds[0] };
static EVP_PKEY *keys[N_KINDS];

static int make_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_KINDS; i++)
		keys[i] = make_key(kinds[i]);
	return 0;
}

static int free_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_KINDS; i++)
		EVP_PKEY_free(keys[i]);
	return 0;
}

static int read_key(const void *p, size_t n, struct key **ret, struct pcrcast_error *e)
{
	struct slice s = exact(p, n);
	int rc = key_read(s, ret, e);

	drop(s);
	return rc;
}

/* b is pkey in the form of that name. */
static void assert_reads(const struct bytes *b, EVP_PKEY *pkey, const char *form)
{
	struct pcrcast_error e = { .msg = "" };
	struct key *want = public_key(pkey), *k = NULL;

	if (read_key(b->p, b->n, &k, &e) < 0)
		fail_msg("%s: %s", form, e.msg);
	assert_string_equal(key_info(k)->form, form);
	assert_int_equal(key_info(k)->bits, EVP_PKEY_get_bits(pkey));
	assert_true(key_equal(k, want));
	assert_memory_equal(key_info(k)->sha256, key_info(want)->sha256, 32);
	key_free(k);
	key_free(want);
}

static void assert_refused(const struct bytes *b, int code, const char *msg)
{
	struct pcrcast_error e = { .msg = "" };
	struct key *k = NULL;

	assert_int_equal(read_key(b->p, b->n, &k, &e), -code);
	assert_null(k);
	if (msg)
		assert_string_equal(e.msg, msg);
}

static void put_bio(struct bytes *b, BIO *bio)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);

	assert_true(n > 0);
	put(b, p, (size_t)n);
	BIO_free(bio);
}

static void put_pem(struct bytes *b, const char *label, const void *der, size_t n)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_true(PEM_write_bio(bio, label, "", der, (long)n) > 0);
	put_bio(b, bio);
}

static struct bytes spki(EVP_PKEY *pkey)
{
	struct bytes b = { .n = 0 };
	unsigned char *p = b.p;
	int n = i2d_PUBKEY(pkey, &p);

	assert_true(n > 0);
	b.n = (size_t)n;
	return b;
}

static struct bytes pkcs1(EVP_PKEY *pkey)
{
	struct bytes b = { .n = 0 };
	unsigned char *p = b.p;
	int n = i2d_PublicKey(pkey, &p);

	assert_true(n > 0);
	b.n = (size_t)n;
	return b;
}

static struct bytes certificate(EVP_PKEY *pkey)
{
	struct bytes b = { .n = 0 };
	unsigned char *p = b.p;
	X509 *x = X509_new();

	assert_int_equal(X509_set_pubkey(x, pkey), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(x), 0);
	(void)X509_gmtime_adj(X509_getm_notAfter(x), 1000);
	assert_true(X509_sign(x, pkey, EVP_sha256()) > 0);
	int n = i2d_X509(x, &p);
	assert_true(n > 0);
	b.n = (size_t)n;
	X509_free(x);
	return b;
}

static struct bytes area(EVP_PKEY *pkey)
{
	struct bytes b = { .n = 0 };
	bool rsa = EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA;

	put_public(&b, pkey, AK_ATTRIBUTES, rsa ? 0x0014 : 0x0018, 0x000b);
	return b;
}

static void put_der_head(struct bytes *b, uint8_t tag, size_t n)
{
	put8(b, tag);
	put8(b, 0x82);
	put16be(b, (uint16_t)n);
}

/* TPMKey of draft-bottomley-tpm2-keys, with emptyAuth. */
static struct bytes tss2(EVP_PKEY *pkey)
{
	struct bytes public = area(pkey), body = { .n = 0 }, b = { .n = 0 };

	put_hex(&body, "06066781050a0103"); /* 2.23.133.10.1.3 */
	put_hex(&body, "a0030101ff");
	put_hex(&body, "020440000001");
	put_der_head(&body, 0x04, public.n + 2);
	put_2b(&body, public.p, public.n);
	put_hex(&body, "040401020304");
	put_der_head(&b, 0x30, body.n);
	put(&b, body.p, body.n);
	return b;
}

static void every_form_gives_the_same_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_KINDS; i++) {
		struct bytes der = spki(keys[i]), cert = certificate(keys[i]), tpmt = area(keys[i]),
			     t = tss2(keys[i]);
		struct bytes pem = { .n = 0 }, cert_pem = { .n = 0 }, tpm2b = { .n = 0 },
			     tss2_pem = { .n = 0 };

		assert_reads(&der, keys[i], "SubjectPublicKeyInfo");
		put_pem(&pem, "PUBLIC KEY", der.p, der.n);
		assert_reads(&pem, keys[i], "SubjectPublicKeyInfo");
		assert_reads(&cert, keys[i], "X.509 certificate");
		put_text(&cert_pem, "subject=CN=x\n");
		put_pem(&cert_pem, "CERTIFICATE", cert.p, cert.n);
		assert_reads(&cert_pem, keys[i], "X.509 certificate");
		put_pem(&cert_pem, "CERTIFICATE", cert.p, cert.n);
		assert_reads(&cert_pem, keys[i], "X.509 certificate");
		assert_reads(&tpmt, keys[i], "TPMT_PUBLIC");
		put_2b(&tpm2b, tpmt.p, tpmt.n);
		assert_reads(&tpm2b, keys[i], "TPM2B_PUBLIC");
		assert_reads(&t, keys[i], "TSS2 PRIVATE KEY");
		put_pem(&tss2_pem, "TSS2 PRIVATE KEY", t.p, t.n);
		assert_reads(&tss2_pem, keys[i], "TSS2 PRIVATE KEY");
		if (EVP_PKEY_get_base_id(keys[i]) == EVP_PKEY_RSA) {
			struct bytes p1 = pkcs1(keys[i]), p1_pem = { .n = 0 };

			assert_reads(&p1, keys[i], "RSAPublicKey (PKCS #1)");
			put_pem(&p1_pem, "RSA PUBLIC KEY", p1.p, p1.n);
			assert_reads(&p1_pem, keys[i], "RSAPublicKey (PKCS #1)");
		}
	}
}

static void every_truncation_and_one_byte_more_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_KINDS; i += 2) {
		struct bytes tpmt = area(keys[i]), tpm2b = { .n = 0 };
		struct bytes der = spki(keys[i]), cert = certificate(keys[i]), t = tss2(keys[i]);
		struct bytes *all[] = { &der, &cert, &tpmt, &tpm2b, &t };

		put_2b(&tpm2b, tpmt.p, tpmt.n);
		for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
			struct key *key = NULL;

			for (size_t n = 0; n < all[k]->n; n++)
				assert_true(read_key(all[k]->p, n, &key, NULL) < 0);
			put8(all[k], 0x30);
			assert_true(read_key(all[k]->p, all[k]->n, &key, NULL) < 0);
			assert_null(key);
		}
	}
}

static void padding_of_an_nv_index_behind_a_certificate_is_passed_over(void **state)
{
	struct bytes b = certificate(keys[2]);
	struct key *k = NULL;

	(void)state;
	put_fill(&b, 0xff, 40);
	assert_reads(&b, keys[2], "X.509 certificate");
	b.p[b.n - 1] = 0xfe;
	assert_true(read_key(b.p, b.n, &k, NULL) < 0);
}

static void private_keys_are_refused(void **state)
{
	static const char msg[] =
		"this is a private key: give the public one (openssl pkey -pubout), keep this one secret";

	(void)state;
	for (size_t i = 0; i < N_KINDS; i++) {
		struct bytes pkcs8 = { .n = 0 }, old = { .n = 0 }, encrypted = { .n = 0 }, der = { .n = 0 };
		BIO *bio = BIO_new(BIO_s_mem());

		assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, keys[i], NULL, NULL, 0, NULL, NULL), 1);
		put_bio(&pkcs8, bio);
		assert_refused(&pkcs8, PCRCAST_EINVAL, msg);
		bio = BIO_new(BIO_s_mem());
		assert_int_equal(
			PEM_write_bio_PrivateKey_traditional(bio, keys[i], NULL, NULL, 0, NULL, NULL), 1);
		put_bio(&old, bio);
		assert_refused(&old, PCRCAST_EINVAL, msg);
		bio = BIO_new(BIO_s_mem());
		assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, keys[i], EVP_aes_128_cbc(),
								      (const unsigned char *)"pass", 4, NULL,
								      NULL),
				 1);
		put_bio(&encrypted, bio);
		assert_refused(&encrypted, PCRCAST_EINVAL, msg);
		unsigned char *p = der.p;
		der.n = (size_t)i2d_PrivateKey(keys[i], &p);
		assert_refused(&der, PCRCAST_EINVAL, msg);
	}
}

static void what_is_no_key_for_quotes_is_named(void **state)
{
	EVP_PKEY *k1 = make_key("secp256k1"), *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"),
		 *small = make_key("RSA768");
	struct bytes b = spki(k1), two = { .n = 0 }, text = { .n = 0 };

	(void)state;
	assert_refused(&b, PCRCAST_EUNSUPPORTED,
		       "expected a key on P-256, P-384 or P-521, found the curve \"secp256k1\"");
	b = spki(ed);
	assert_refused(
		&b, PCRCAST_EUNSUPPORTED,
		"SubjectPublicKeyInfo: expected an RSA or an elliptic-curve key that libcrypto can use");
	b = spki(small);
	assert_refused(&b, PCRCAST_EUNSUPPORTED, "RSA key of 768 bits, expected 1024 to 16384");
	b = spki(keys[2]);
	put_pem(&two, "PUBLIC KEY", b.p, b.n);
	put_pem(&two, "PUBLIC KEY", b.p, b.n);
	assert_refused(&two, PCRCAST_EFORMAT, "2 PEM blocks, expected one key or certificates only");
	put_text(&text, "ssh-rsa AAAA");
	assert_refused(&text, PCRCAST_EFORMAT, NULL);
	text.n = 0;
	put_pem(&text, "CERTIFICATE REQUEST", "x", 1);
	assert_refused(
		&text, PCRCAST_EUNSUPPORTED,
		"PEM block \"CERTIFICATE REQUEST\", expected PUBLIC KEY, RSA PUBLIC KEY, CERTIFICATE or TSS2 PRIVATE KEY");
	text.n = 0;
	put_text(&text, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
	assert_refused(&text, PCRCAST_EFORMAT, NULL);
	EVP_PKEY_free(k1);
	EVP_PKEY_free(ed);
	EVP_PKEY_free(small);
}

/* CVE-2020-0601: a curve with a generator of one's own. */
static void a_curve_given_by_its_parameters_is_refused(void **state)
{
	struct bytes b = { .n = 0 };
	unsigned char *p = b.p;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *pkey = NULL;

	(void)state;
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, NID_X9_62_prime256v1), 1);
	assert_int_equal(EVP_PKEY_CTX_set_ec_param_enc(ctx, OPENSSL_EC_EXPLICIT_CURVE), 1);
	assert_int_equal(EVP_PKEY_keygen(ctx, &pkey), 1);
	b.n = (size_t)i2d_PUBKEY(pkey, &p);
	assert_refused(&b, PCRCAST_EUNSUPPORTED,
		       "elliptic curve given by parameters, expected one given by name");
	EVP_PKEY_free(pkey);
	EVP_PKEY_CTX_free(ctx);
}

static void a_point_off_the_curve_is_refused(void **state)
{
	(void)state;
	for (size_t i = 2; i < N_KINDS; i++) {
		struct bytes tpmt = area(keys[i]), der = spki(keys[i]);
		struct key *k = NULL;

		tpmt.p[tpmt.n - 1] ^= 1;
		assert_refused(&tpmt, PCRCAST_EFORMAT,
			       "TPMT_PUBLIC: no sound key: the point is not on the curve");
		der.p[der.n - 1] ^= 1;
		assert_true(read_key(der.p, der.n, &k, NULL) < 0);
	}
}

static void unsound_rsa_numbers_are_refused(void **state)
{
	struct bytes even = area(keys[0]), e2 = area(keys[0]), e1 = area(keys[0]), odd = area(keys[0]);

	(void)state;
	even.p[even.n - 1] &= 0xfe;
	assert_refused(&even, PCRCAST_EFORMAT, NULL);
	e2.p[e2.n - 256 - 3] = 2; /* exponent, in front of the size of unique */
	assert_refused(&e2, PCRCAST_EFORMAT, NULL);
	e1.p[e1.n - 256 - 3] = 1;
	assert_refused(&e1, PCRCAST_EFORMAT, NULL);
	odd.p[odd.n - 256 - 2 - 4 - 1] = 0x08; /* keyBits 0x0808 */
	assert_refused(&odd, PCRCAST_EFORMAT, "RSA public area of 2056 bits with a modulus of 256 bytes");
	odd.p[odd.n - 256 - 2 - 4 - 1] = 0;
	odd.p[odd.n - 256] = 0; /* a modulus of 2041 bits in 256 bytes */
	struct key *k = NULL;
	assert_int_equal(read_key(odd.p, odd.n, &k, NULL), 0);
	assert_true(key_info(k)->bits < 2048);
	key_free(k);
}

static void other_objects_of_a_tpm_are_named(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	put_hex(&b, "0008000b000000720000001000100000");
	assert_refused(&b, PCRCAST_EUNSUPPORTED,
		       "expected the public area of an RSA or ECC key (0001, 0023), found 0008 (keyedhash)");
	b = area(keys[2]);
	b.p[17] = 0x10; /* curve: BN_P256 */
	assert_refused(&b, PCRCAST_EUNSUPPORTED, NULL);
}

/* sha256sum of the TPMT_PUBLIC, computed here by libcrypto itself; ak.name of tpm2-tools is in test_real_quotes.c. */
static void the_name_is_the_hash_of_the_public_area(void **state)
{
	struct bytes b = area(keys[0]);
	unsigned char want[32];
	struct key *k = NULL;

	(void)state;
	assert_int_equal(EVP_Digest(b.p, b.n, want, NULL, EVP_sha256(), NULL), 1);
	assert_int_equal(read_key(b.p, b.n, &k, NULL), 0);
	assert_int_equal(key_info(k)->name.n, 34);
	assert_memory_equal(key_info(k)->name.bytes, "\x00\x0b", 2);
	assert_memory_equal(key_info(k)->name.bytes + 2, want, 32);
	assert_int_equal(key_info(k)->scheme, TPM_RSASSA);
	assert_int_equal(key_info(k)->hash, ALG_SHA256);
	key_free(k);
	b.p[3] = 0x12; /* nameAlg: SM3 */
	assert_int_equal(read_key(b.p, b.n, &k, NULL), 0);
	assert_int_equal(key_info(k)->name.n, 0);
	key_free(k);
}

static void attributes_that_let_a_key_sign_forgeries_are_listed(void **state)
{
	static const struct {
		uint32_t attributes;
		enum match match;
		const char *why;
	} rows[] = {
		{ AK_ATTRIBUTES, MATCH_YES, "" },
		{ AK_ATTRIBUTES & ~(uint32_t)TPM_RESTRICTED, MATCH_NO, "restricted is not set" },
		{ AK_ATTRIBUTES | TPM_DECRYPT, MATCH_NO, "decrypt is set" },
		{ 0x00020000, MATCH_NO,
		  "restricted is not set, sign is not set, fixedTPM is not set, sensitiveDataOrigin is not set, decrypt is set" },
	};
	char why[KEY_WHY_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bytes b = { .n = 0 };
		struct key *k = NULL;

		put_public(&b, keys[2], rows[i].attributes, 0x0018, 0x000b);
		assert_int_equal(read_key(b.p, b.n, &k, NULL), 0);
		assert_int_equal(key_is_attestation_key(k, why), rows[i].match);
		assert_string_equal(why, rows[i].why);
		key_free(k);
	}
	struct key *k = public_key(keys[2]);
	assert_int_equal(key_is_attestation_key(k, why), MATCH_CANNOT_TELL);
	key_free(k);
}

static void every_bent_byte_is_read_or_refused(void **state)
{
	struct bytes all[] = { area(keys[0]), area(keys[2]), spki(keys[2]), tss2(keys[2]) };

	(void)state;
	for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
		for (size_t i = 0; i < all[k].n && i < 128; i++)
			for (unsigned v = 0; v < 256; v += 5) {
				struct bytes b = all[k];
				struct key *key = NULL;

				b.p[i] = (uint8_t)v;
				(void)read_key(b.p, b.n, &key, NULL);
				key_free(key);
			}
}

static void different_keys_are_not_equal(void **state)
{
	struct key *all[N_KINDS];

	(void)state;
	for (size_t i = 0; i < N_KINDS; i++)
		all[i] = public_key(keys[i]);
	for (size_t i = 0; i < N_KINDS; i++)
		for (size_t j = 0; j < N_KINDS; j++)
			assert_int_equal(key_equal(all[i], all[j]), i == j);
	for (size_t i = 0; i < N_KINDS; i++)
		key_free(all[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_gives_the_same_key),
		cmocka_unit_test(every_truncation_and_one_byte_more_is_refused),
		cmocka_unit_test(padding_of_an_nv_index_behind_a_certificate_is_passed_over),
		cmocka_unit_test(private_keys_are_refused),
		cmocka_unit_test(what_is_no_key_for_quotes_is_named),
		cmocka_unit_test(a_curve_given_by_its_parameters_is_refused),
		cmocka_unit_test(a_point_off_the_curve_is_refused),
		cmocka_unit_test(unsound_rsa_numbers_are_refused),
		cmocka_unit_test(other_objects_of_a_tpm_are_named),
		cmocka_unit_test(the_name_is_the_hash_of_the_public_area),
		cmocka_unit_test(attributes_that_let_a_key_sign_forgeries_are_listed),
		cmocka_unit_test(every_bent_byte_is_read_or_refused),
		cmocka_unit_test(different_keys_are_not_equal),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
