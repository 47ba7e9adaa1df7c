/*
 * TPM structures built byte by byte, and keys that libcrypto makes. To be included behind cmocka.h.
 */
#pragma once

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "golden/key.h"
#include "golden/quote.h"
#include "tests/unit/log_writer.h"

static inline void put16be(struct bytes *b, uint16_t v)
{
	put8(b, (uint8_t)(v >> 8));
	put8(b, (uint8_t)v);
}

static inline void put64be(struct bytes *b, uint64_t v)
{
	put32be(b, (uint32_t)(v >> 32));
	put32be(b, (uint32_t)v);
}

static inline void put_2b(struct bytes *b, const void *p, size_t n)
{
	put16be(b, (uint16_t)n);
	put(b, p, n);
}

static inline struct slice bytes_slice(const struct bytes *b)
{
	return (struct slice){ b->p, b->n };
}

/* An exact heap copy; free with free((void *)s.p). */
static inline struct slice exact(const void *p, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	assert_non_null(copy);
	if (n)
		memcpy(copy, p, n);
	return (struct slice){ copy, n };
}

static inline void drop(struct slice s)
{
	free((void *)(uintptr_t)s.p);
}

/* ---- quotes ---- */

/* TPMS_ATTEST up to its selections, whose count is written; the selections and the digest are to follow. */
static inline void put_quote_head(struct bytes *b, const char *nonce, uint32_t n_selections)
{
	put_hex(b, "ff5443478018");
	put_hex(b, "0022000b");
	put_fill(b, 0xab, 32);
	put_2b(b, nonce, strlen(nonce));
	put64be(b, UINT64_C(0x0102030405060708));
	put32be(b, 7);
	put32be(b, 9);
	put8(b, 1);
	put64be(b, UINT64_C(0x2016051100162800));
	put32be(b, n_selections);
}

static inline void put_selection(struct bytes *b, uint16_t bank, uint32_t pcrs, unsigned n)
{
	put16be(b, bank);
	put8(b, (uint8_t)n);
	for (unsigned i = 0; i < n; i++)
		put8(b, (uint8_t)((uint64_t)pcrs >> 8 * i));
}

/* ---- keys and signatures ---- */

static inline EVP_PKEY *make_key(const char *what)
{
	EVP_PKEY *pkey =
		strncmp(what, "RSA", 3) == 0 ? EVP_RSA_gen((unsigned)atoi(what + 3)) : EVP_EC_gen(what);

	assert_non_null(pkey);
	return pkey;
}

/* SubjectPublicKeyInfo */
static inline struct key *public_key(EVP_PKEY *pkey)
{
	unsigned char *der = NULL;
	struct pcrcast_error e = { .msg = "" };
	struct key *k = NULL;
	int n = i2d_PUBKEY(pkey, &der);

	assert_true(n > 0);
	struct slice s = exact(der, (size_t)n);
	OPENSSL_free(der);
	if (key_read(s, &k, &e) < 0)
		fail_msg("%s", e.msg);
	drop(s);
	return k;
}

/* The signature as libcrypto makes it; salt is for pss. */
static inline void sign(EVP_PKEY *pkey, enum alg hash, bool pss, int salt, struct slice message,
			struct bytes *ret)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	size_t n = sizeof ret->p;

	assert_int_equal(EVP_DigestSignInit(ctx, &pctx, EVP_get_digestbyname(algs[hash].name), NULL, pkey),
			 1);
	if (pss) {
		assert_true(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) > 0);
		assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, salt) > 0);
	}
	assert_int_equal(EVP_DigestSign(ctx, ret->p, &n, message.p, message.n), 1);
	ret->n = n;
	EVP_MD_CTX_free(ctx);
}

/* r and s of an ECDSA signature in DER, each in len bytes. */
static inline void split_ecdsa(const struct bytes *der, int len, uint8_t *r, uint8_t *s)
{
	const unsigned char *p = der->p;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der->n);

	assert_non_null(sig);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), r, len), len);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), s, len), len);
	ECDSA_SIG_free(sig);
}

/* TPMT_PUBLIC of a key: attributes, and scheme with hash (TPM_ALG_ID; 0x10: none). */
static inline void put_public(struct bytes *b, EVP_PKEY *pkey, uint32_t attributes, uint16_t scheme,
			      uint16_t hash)
{
	bool rsa = EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA;
	BIGNUM *x = NULL, *y = NULL;
	uint8_t bytes[512];
	int bits = EVP_PKEY_get_bits(pkey), len = (bits + 7) / 8;

	put16be(b, rsa ? 0x0001 : 0x0023);
	put16be(b, 0x000b);
	put32be(b, attributes);
	put_2b(b, "", 0);
	put16be(b, 0x0010);
	put16be(b, scheme);
	if (scheme != 0x0010)
		put16be(b, hash);
	if (rsa) {
		put16be(b, (uint16_t)bits);
		put32be(b, 0);
		assert_int_equal(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &x), 1);
		assert_int_equal(BN_bn2binpad(x, bytes, len), len);
		put_2b(b, bytes, (size_t)len);
	} else {
		put16be(b, bits == 256 ? 3 : bits == 384 ? 4 : 5);
		put16be(b, 0x0010);
		assert_int_equal(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_X, &x), 1);
		assert_int_equal(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, &y), 1);
		/* without leading zeros */
		put_2b(b, bytes, (size_t)BN_bn2bin(x, bytes));
		put_2b(b, bytes, (size_t)BN_bn2bin(y, bytes));
	}
	BN_free(x);
	BN_free(y);
}

/* The attributes that tpm2_createak gives: fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, restricted, sign. */
enum { AK_ATTRIBUTES = 0x00050072 };
