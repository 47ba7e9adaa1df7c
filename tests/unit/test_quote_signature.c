/* Signatures of quotes: every scheme, curve and hash; one bit wrong; the wrong key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden/signature.h"
#include "tests/unit/quote_writer.h"

static const char *const kinds[] = { "RSA2048", "RSA1024", "P-256", "P-384", "P-521" };
enum { RSA_2048, RSA_1024, P256, P384, P521, N_KINDS };
static EVP_PKEY *keys[N_KINDS];
static struct key *publics[N_KINDS];

static const struct slice message = { (const uint8_t *)"what was measured", 17 };

static int make_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_KINDS; i++) {
		keys[i] = make_key(kinds[i]);
		publics[i] = public_key(keys[i]);
	}
	return 0;
}

static int free_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_KINDS; i++) {
		EVP_PKEY_free(keys[i]);
		key_free(publics[i]);
	}
	return 0;
}

static struct signature_check check(const struct key *k, const struct tpm_signature *s, struct slice m)
{
	struct signature_check c;

	assert_int_equal(signature_verify(k, s, m, &c, NULL), 0);
	assert_true((c.match == MATCH_YES) == (c.why[0] == '\0'));
	return c;
}

/* TPMT_SIGNATURE of message. */
static struct bytes tpm_signature(size_t kind, enum alg hash, bool pss, int salt)
{
	struct bytes raw, b = { .n = 0 };
	uint8_t r[66], s[66];

	sign(keys[kind], hash, pss, salt, message, &raw);
	put16be(&b, kind >= P256 ? 0x0018 : pss ? 0x0016 : 0x0014);
	put16be(&b, algs[hash].tpm_id);
	if (kind < P256) {
		put_2b(&b, raw.p, raw.n);
	} else {
		int len = (EVP_PKEY_get_bits(keys[kind]) + 7) / 8;

		split_ecdsa(&raw, len, r, s);
		put_2b(&b, r, (size_t)len);
		put_2b(&b, s, (size_t)len);
	}
	return b;
}

static struct signature_check check_bytes(const struct key *k, const struct bytes *b)
{
	struct slice copy = exact(b->p, b->n);
	struct tpm_signature s;

	assert_int_equal(tpm_signature_read(copy, &s, NULL), 0);
	struct signature_check c = check(k, &s, message);
	drop(copy);
	return c;
}

static void every_scheme_curve_and_hash_is_verified(void **state)
{
	(void)state;
	for (size_t kind = 0; kind < N_KINDS; kind++)
		for (enum alg hash = 0; hash < ALG_COUNT; hash++)
			for (int pss = 0; pss <= (kind < P256); pss++) {
				if (pss && kind == RSA_1024 && hash == ALG_SHA512)
					continue; /* does not fit */
				struct bytes b = tpm_signature(kind, hash, pss, RSA_PSS_SALTLEN_DIGEST);
				struct signature_check c = check_bytes(publics[kind], &b);

				assert_int_equal(c.match, MATCH_YES);
				assert_int_equal(c.hash, hash);
				assert_int_equal(c.scheme, kind >= P256 ? TPM_ECDSA :
							   pss          ? TPM_RSAPSS :
									  TPM_RSASSA);
				assert_int_equal(c.weak, hash == ALG_SHA1 || kind == RSA_1024);
			}
}

static void a_pss_salt_may_have_any_length(void **state)
{
	static const int salts[] = { 0, 1, 20, 32, RSA_PSS_SALTLEN_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof salts / sizeof salts[0]; i++) {
		struct bytes b = tpm_signature(RSA_2048, ALG_SHA256, true, salts[i]);

		assert_int_equal(check_bytes(publics[RSA_2048], &b).match, MATCH_YES);
	}
}

static void one_bit_in_message_or_signature_is_no(void **state)
{
	static const size_t some[] = { RSA_1024, P256, P521 };

	(void)state;
	for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
		struct bytes b = tpm_signature(some[i], ALG_SHA256, false, 0);
		struct tpm_signature s;

		assert_int_equal(tpm_signature_read(bytes_slice(&b), &s, NULL), 0);
		for (size_t bit = 0; bit < 8 * message.n; bit++) {
			uint8_t bent[32];

			memcpy(bent, message.p, message.n);
			bent[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_equal(check(publics[some[i]], &s, (struct slice){ bent, message.n }).match,
					 MATCH_NO);
		}
		for (size_t bit = 8 * 6; bit < 8 * b.n; bit++) {
			struct bytes bent = b;

			bent.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
			/* a length of s that is bent does not read at all */
			if (tpm_signature_read(bytes_slice(&bent), &s, NULL) == 0)
				assert_int_equal(check(publics[some[i]], &s, message).match, MATCH_NO);
		}
		assert_int_equal(tpm_signature_read(bytes_slice(&b), &s, NULL), 0);
		for (size_t n = 0; n < message.n; n++)
			assert_int_equal(check(publics[some[i]], &s, (struct slice){ message.p, n }).match,
					 MATCH_NO);
	}
}

static void another_hash_or_scheme_than_it_says_is_no(void **state)
{
	struct bytes b = tpm_signature(RSA_2048, ALG_SHA256, false, 0);

	(void)state;
	b.p[3] = 0x0c;
	assert_int_equal(check_bytes(publics[RSA_2048], &b).match, MATCH_NO);
	b.p[3] = 0x0b;
	b.p[1] = 0x16;
	assert_int_equal(check_bytes(publics[RSA_2048], &b).match, MATCH_NO);
	b.p[1] = 0x14;
	assert_int_equal(check_bytes(publics[RSA_2048], &b).match, MATCH_YES);
}

static void another_key_is_no(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_KINDS; i++) {
		struct bytes b = tpm_signature(i, ALG_SHA256, false, 0);
		EVP_PKEY *other = make_key(kinds[i]);
		struct key *k = public_key(other);

		for (size_t j = 0; j < N_KINDS; j++)
			assert_int_equal(check_bytes(publics[j], &b).match, i == j ? MATCH_YES : MATCH_NO);
		assert_int_equal(check_bytes(k, &b).match, MATCH_NO);
		key_free(k);
		EVP_PKEY_free(other);
	}
}

static void the_reason_names_what_does_not_fit(void **state)
{
	struct bytes rsa = tpm_signature(RSA_2048, ALG_SHA256, false, 0);
	struct bytes ecdsa = tpm_signature(P384, ALG_SHA256, false, 0);

	(void)state;
	assert_string_equal(check_bytes(publics[P256], &rsa).why,
			    "the signature is RSA, the key is of an elliptic curve");
	assert_string_equal(check_bytes(publics[RSA_2048], &ecdsa).why,
			    "the signature is ECDSA, the key is RSA");
	assert_string_equal(check_bytes(publics[RSA_1024], &rsa).why,
			    "the signature has 256 bytes, the key's have 128");
	assert_string_equal(check_bytes(publics[P256], &ecdsa).why,
			    "r or s is longer than the 32 bytes of P-256");
	assert_string_equal(check_bytes(publics[P521], &ecdsa).why,
			    "the signature is not by this key over this message");
}

/* A key whose public area fixes scheme and hash signs with no other. */
static void a_public_area_rules_out_other_schemes_and_hashes(void **state)
{
	static const struct {
		size_t kind;
		uint16_t scheme, hash;
		enum alg signed_with;
		bool pss;
		enum match match;
		const char *why;
	} rows[] = {
		{ RSA_2048, 0x14, 0x0b, ALG_SHA256, false, MATCH_YES, "" },
		{ RSA_2048, 0x14, 0x0b, ALG_SHA1, false, MATCH_NO,
		  "the signature is with sha1, the key signs with sha256 only" },
		{ RSA_2048, 0x14, 0x0b, ALG_SHA256, true, MATCH_NO,
		  "the signature is RSAPSS, the key signs with RSASSA only" },
		{ RSA_2048, 0x10, 0, ALG_SHA384, true, MATCH_YES, "" },
		{ RSA_2048, 0x14, 0x12, ALG_SHA256, false, MATCH_NO,
		  "the key's public area has a scheme other than RSASSA, RSAPSS and ECDSA" },
		{ P256, 0x18, 0x0b, ALG_SHA384, false, MATCH_NO,
		  "the signature is with sha384, the key signs with sha256 only" },
		{ P256, 0x18, 0x0b, ALG_SHA256, false, MATCH_YES, "" },
		{ P256, 0x1c, 0x0b, ALG_SHA256, false, MATCH_NO,
		  "the key's public area has a scheme other than RSASSA, RSAPSS and ECDSA" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bytes area = { .n = 0 };
		struct bytes b = tpm_signature(rows[i].kind, rows[i].signed_with, rows[i].pss, 20);
		struct key *k = NULL;

		put_public(&area, keys[rows[i].kind], AK_ATTRIBUTES, rows[i].scheme, rows[i].hash);
		assert_int_equal(key_read(bytes_slice(&area), &k, NULL), 0);
		struct signature_check c = check_bytes(k, &b);
		assert_int_equal(c.match, rows[i].match);
		assert_string_equal(c.why, rows[i].why);
		key_free(k);
	}
}

/* ---- without a frame ---- */

static void bare_signatures_are_found_out(void **state)
{
	(void)state;
	for (size_t kind = 0; kind < N_KINDS; kind++)
		for (enum alg hash = 0; hash < ALG_COUNT; hash++)
			for (int pss = 0; pss <= (kind == RSA_2048); pss++) {
				struct tpm_signature s;
				struct bytes raw;

				sign(keys[kind], hash, pss, 32, message, &raw);
				struct slice copy = exact(raw.p, raw.n);
				assert_int_equal(signature_of_bare(publics[kind], copy, ALG_COUNT, &s, NULL),
						 0);
				struct signature_check c = check(publics[kind], &s, message);
				assert_int_equal(c.match, MATCH_YES);
				assert_int_equal(c.hash, hash);
				assert_int_equal(c.scheme, kind >= P256 ? TPM_ECDSA :
							   pss          ? TPM_RSAPSS :
									  TPM_RSASSA);
				assert_int_equal(signature_of_bare(publics[kind], copy, hash, &s, NULL), 0);
				assert_int_equal(check(publics[kind], &s, message).match, MATCH_YES);
				/* the caller's word about the hash counts */
				assert_int_equal(signature_of_bare(publics[kind], copy,
								   (hash + 1) % ALG_COUNT, &s, NULL),
						 0);
				assert_int_equal(check(publics[kind], &s, message).match, MATCH_NO);
				drop(copy);
			}
}

static void r_and_s_may_stand_side_by_side_or_be_padded(void **state)
{
	(void)state;
	for (size_t kind = P256; kind <= P521; kind++) {
		size_t len = (size_t)(EVP_PKEY_get_bits(keys[kind]) + 7) / 8;
		struct bytes raw, tpm = { .n = 0 };
		struct tpm_signature s;
		uint8_t both[132], zeros[80] = { 0 };

		sign(keys[kind], ALG_SHA256, false, 0, message, &raw);
		split_ecdsa(&raw, (int)len, both, both + len);
		struct slice copy = exact(both, 2 * len);
		assert_int_equal(signature_of_bare(publics[kind], copy, ALG_SHA256, &s, NULL), 0);
		assert_int_equal(check(publics[kind], &s, message).match, MATCH_YES);
		drop(copy);
		put_hex(&tpm, "0018000b");
		memcpy(zeros + sizeof zeros - len, both, len);
		put_2b(&tpm, zeros, sizeof zeros);
		put_2b(&tpm, both + len, len);
		assert_int_equal(check_bytes(publics[kind], &tpm).match, MATCH_YES);
	}
}

static void broken_bare_signatures_are_refused(void **state)
{
	struct tpm_signature s;
	struct pcrcast_error e;
	struct bytes raw;

	(void)state;
	sign(keys[P256], ALG_SHA256, false, 0, message, &raw);
	for (size_t n = 0; n < raw.n; n++) {
		struct slice cut = exact(raw.p, n);

		/* 64 bytes are r and s, though not these */
		assert_int_equal(signature_of_bare(publics[P256], cut, ALG_SHA256, &s, &e),
				 n == 64 ? 0 : -PCRCAST_EFORMAT);
		drop(cut);
	}
	put8(&raw, 0);
	assert_int_equal(signature_of_bare(publics[P256], bytes_slice(&raw), ALG_SHA256, &s, &e),
			 -PCRCAST_EFORMAT);
	raw.n = 0;
	put_hex(&raw, "300602018102010f"); /* r is negative */
	assert_int_equal(signature_of_bare(publics[P256], bytes_slice(&raw), ALG_SHA256, &s, &e),
			 -PCRCAST_EFORMAT);
}

/* r = s = 0, r = s = order and the like: no signature of anything. */
static void numbers_out_of_range_are_no(void **state)
{
	/* order of P-256: SP 800-186, section 3.2.1.3 */
	static const char *const values[] = {
		"00", "01", "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
	};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < 4; j++) {
			struct bytes b = { .n = 0 };

			put_hex(&b, "0018000b");
			put16be(&b, (uint16_t)(strlen(values[i]) / 2));
			put_hex(&b, values[i]);
			put16be(&b, (uint16_t)(strlen(values[j]) / 2));
			put_hex(&b, values[j]);
			assert_int_equal(check_bytes(publics[P256], &b).match, MATCH_NO);
		}
	struct bytes empty = { .n = 0 };
	put_hex(&empty, "0018000b00000000");
	assert_int_equal(check_bytes(publics[P256], &empty).match, MATCH_NO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_scheme_curve_and_hash_is_verified),
		cmocka_unit_test(a_pss_salt_may_have_any_length),
		cmocka_unit_test(one_bit_in_message_or_signature_is_no),
		cmocka_unit_test(another_hash_or_scheme_than_it_says_is_no),
		cmocka_unit_test(another_key_is_no),
		cmocka_unit_test(the_reason_names_what_does_not_fit),
		cmocka_unit_test(a_public_area_rules_out_other_schemes_and_hashes),
		cmocka_unit_test(bare_signatures_are_found_out),
		cmocka_unit_test(r_and_s_may_stand_side_by_side_or_be_padded),
		cmocka_unit_test(broken_bare_signatures_are_refused),
		cmocka_unit_test(numbers_out_of_range_are_no),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
