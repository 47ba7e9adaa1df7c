/* Chains of certificates that hold, and each way in which one does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/certificate_fixture.h"

static void a_chain_to_the_root_is_good_in_der_and_pem(void **state)
{
	struct key *k = public_key(ak_key);

	(void)state;
	for (int pem = 0; pem < 2; pem++) {
		struct job j = { .pool = POOL_INIT,
				 .leaf = leaf_of(ak_recipe, ak_key),
				 .pem = pem,
				 .role = CERTIFICATE_AK,
				 .key = k };

		if (run(&j) < 0)
			fail_msg("%s", j.e.msg);
		assert_int_equal(j.r.match, MATCH_YES);
		assert_string_equal(j.r.subject, "CN=ak");
		assert_string_equal(j.r.issuer, "CN=middle");
		assert_string_equal(j.r.anchor, "CN=root");
		assert_string_equal(j.r.usage, AK_USAGE);
		assert_string_equal(j.r.not_before,
				    "20230518T221320Z"); /* date -ud @$((1700000000 - 180 * 86400)) */
		assert_string_equal(j.r.not_after, "20240517T221320Z");
		assert_null(j.r.manufacturer);
		assert_int_equal(j.r.length, 3);
		pool_done(&j.pool);
		X509_free(j.leaf);
	}
	key_free(k);
}

static void intermediates_may_come_with_the_leaf_or_with_the_anchors(void **state)
{
	struct bytes leaf = { .n = 0 }, anchors = { .n = 0 };
	struct pool pool = POOL_INIT;
	struct chain_result r;
	X509 *x = leaf_of(ak_recipe, ak_key);

	(void)state;
	put_certificate(&leaf, x, true);
	put_certificate(&anchors, root, true);
	for (int where = 0; where < 3; where++) {
		struct bytes l = leaf, a = anchors;

		if (where == 1)
			put_certificate(&l, middle, true);
		if (where == 2)
			put_certificate(&a, middle, true);
		struct slice trusted = bytes_slice(&a);
		const struct chain_input in = { .leaf = bytes_slice(&l),
						.anchors = &trusted,
						.n_anchors = 1,
						.role = CERTIFICATE_AK,
						.at = TEST_TIME };
		assert_int_equal(certificate_chain_check(&pool, &in, &r, NULL), 0);
		assert_int_equal(r.match, where ? MATCH_YES : MATCH_NO);
	}
	pool_done(&pool);
	X509_free(x);
}

static void an_intermediate_is_an_anchor_only_when_asked(void **state)
{
	struct job j = { .pool = POOL_INIT,
			 .leaf = leaf_of(ak_recipe, ak_key),
			 .anchor = middle,
			 .role = CERTIFICATE_AK };

	(void)state;
	expect(&j, MATCH_NO, "a certificate above it: unable to get issuer certificate");
	j.partial = true;
	expect(&j, MATCH_YES, NULL);
	X509_free(j.leaf);
}

static void who_signed_himself_is_trusted_only_as_an_anchor(void **state)
{
	struct recipe r = ak_recipe;

	(void)state;
	r.key = ak_key;
	struct job j = { .pool = POOL_INIT, .leaf = make_certificate(&r), .role = CERTIFICATE_AK };
	expect(&j, MATCH_NO, "self-signed certificate");
	j.partial = true;
	expect(&j, MATCH_NO, "self-signed certificate");
	j.partial = false;
	j.anchor = j.leaf;
	expect(&j, MATCH_YES, NULL);
	X509_free(j.leaf);
}

static void another_root_of_the_same_name_is_not_trusted(void **state)
{
	X509 *impostor = make_ca("root", NULL, other_key, NULL);
	struct job j = { .pool = POOL_INIT,
			 .leaf = leaf_of(ak_recipe, ak_key),
			 .anchor = impostor,
			 .role = CERTIFICATE_AK };

	(void)state;
	expect(&j, MATCH_NO, NULL);
	X509_free(j.leaf);
	X509_free(impostor);
}

static void a_missing_intermediate_is_named(void **state)
{
	struct job j = { .pool = POOL_INIT,
			 .leaf = leaf_of(ak_recipe, ak_key),
			 .no_middle = true,
			 .role = CERTIFICATE_AK };

	(void)state;
	expect(&j, MATCH_NO, "unable to get local issuer certificate");
	X509_free(j.leaf);
}

static void a_signature_by_another_key_is_no(void **state)
{
	struct recipe r = ak_recipe;

	(void)state;
	r.signer = other_key;
	expect_leaf(r, ak_key, CERTIFICATE_AK, MATCH_NO, "certificate signature failure");
}

static void one_bent_byte_is_no_or_unreadable(void **state)
{
	X509 *x = leaf_of(ak_recipe, ak_key);
	struct bytes leaf = { .n = 0 }, above = { .n = 0 }, anchors = { .n = 0 };

	(void)state;
	put_certificate(&leaf, x, false);
	put_certificate(&above, middle, false);
	put_certificate(&anchors, root, false);
	for (size_t i = 0; i < leaf.n; i++) {
		struct pool pool = POOL_INIT;
		struct bytes bent = leaf;
		struct chain_result r;

		bent.p[i] ^= 0x01;
		struct slice l = exact(bent.p, bent.n), m = bytes_slice(&above), a = bytes_slice(&anchors);
		const struct chain_input in = { .leaf = l,
						.intermediates = &m,
						.n_intermediates = 1,
						.anchors = &a,
						.n_anchors = 1,
						.role = CERTIFICATE_AK,
						.at = TEST_TIME };
		if (certificate_chain_check(&pool, &in, &r, NULL) == 0)
			assert_int_not_equal(r.match, MATCH_YES);
		pool_done(&pool);
		drop(l);
	}
	X509_free(x);
}

static void every_truncation_is_refused(void **state)
{
	X509 *x = leaf_of(ek_recipe, ek_key);
	struct bytes leaf = { .n = 0 }, anchors = { .n = 0 };

	(void)state;
	put_certificate(&leaf, x, false);
	put_certificate(&anchors, root, false);
	for (size_t n = 0; n < leaf.n; n++) {
		struct pool pool = POOL_INIT;
		struct slice l = exact(leaf.p, n), a = bytes_slice(&anchors);
		struct chain_result r;
		const struct chain_input in = { .leaf = l, .anchors = &a, .n_anchors = 1, .at = TEST_TIME };

		assert_int_equal(certificate_chain_check(&pool, &in, &r, NULL), -PCRCAST_EFORMAT);
		pool_done(&pool);
		drop(l);
	}
	X509_free(x);
}

static void the_time_of_the_check_counts(void **state)
{
	struct job j = { .pool = POOL_INIT, .leaf = leaf_of(ak_recipe, ak_key), .role = CERTIFICATE_AK };
	struct recipe r = ak_recipe;

	(void)state;
	j.at = TEST_TIME - INT64_C(181) * 86400;
	expect(&j, MATCH_NO, NULL);
	j.at = TEST_TIME + INT64_C(186) * 86400;
	expect(&j, MATCH_NO, NULL);
	j.at = TEST_TIME + INT64_C(184) * 86400;
	expect(&j, MATCH_YES, NULL);
	X509_free(j.leaf);
	r.from = -20;
	r.days = 10;
	expect_leaf(r, ak_key, CERTIFICATE_AK, MATCH_NO, "certificate has expired");
	r.from = 10;
	expect_leaf(r, ak_key, CERTIFICATE_AK, MATCH_NO, "certificate is not yet valid");
}

static void a_certificate_for_another_key_is_no(void **state)
{
	struct key *k = public_key(other_key);
	struct job j = {
		.pool = POOL_INIT, .leaf = leaf_of(ak_recipe, ak_key), .role = CERTIFICATE_AK, .key = k
	};

	(void)state;
	expect(&j, MATCH_NO, "the certificate is for another key");
	X509_free(j.leaf);
	key_free(k);
}

static void who_may_not_issue_does_not(void **state)
{
	static const struct {
		const char *constraints, *usage;
	} rows[] = {
		{ "critical,CA:FALSE", "critical,keyCertSign" },
		{ NULL, "critical,keyCertSign" },
		{ NULL, NULL },
		{ "critical,CA:TRUE", "critical,digitalSignature" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		X509 *bad = make_certificate(&(struct recipe){ .subject = "middle",
							       .issuer = root,
							       .key = middle_key,
							       .signer = root_key,
							       .constraints = rows[i].constraints,
							       .key_usage = rows[i].usage });
		struct job j = { .pool = POOL_INIT,
				 .leaf = leaf_of(ak_recipe, ak_key),
				 .middle = bad,
				 .role = CERTIFICATE_AK };

		expect(&j, MATCH_NO, NULL);
		X509_free(j.leaf);
		X509_free(bad);
	}
}

/* An attestation key signs what looks like a certificate: RFC 5280 forbids it to issue. */
static void a_leaf_does_not_issue(void **state)
{
	X509 *ak = leaf_of(ak_recipe, ak_key);
	struct recipe r = ak_recipe;

	(void)state;
	r.subject = "forged";
	r.issuer = ak;
	r.signer = ak_key;
	struct job j = { .pool = POOL_INIT,
			 .leaf = leaf_of(r, other_key),
			 .middle = ak,
			 .anchor = middle,
			 .partial = true,
			 .role = CERTIFICATE_AK };
	expect(&j, MATCH_NO, "a certificate above it: invalid CA certificate");
	X509_free(j.leaf);
	X509_free(ak);
}

static void a_path_longer_than_allowed_is_no(void **state)
{
	X509 *top = make_certificate(&(struct recipe){ .subject = "root",
						       .key = root_key,
						       .constraints = "critical,CA:TRUE,pathlen:0",
						       .key_usage = "critical,keyCertSign" });
	struct job j = {
		.pool = POOL_INIT, .leaf = leaf_of(ak_recipe, ak_key), .anchor = top, .role = CERTIFICATE_AK
	};

	(void)state;
	expect(&j, MATCH_NO, "a certificate above it: path length constraint exceeded");
	X509_free(j.leaf);
	X509_free(top);
}

static void weak_hashes_in_signatures_are_no(void **state)
{
	struct recipe r = ak_recipe;

	(void)state;
	r.md = EVP_sha1();
	expect_leaf(r, ak_key, CERTIFICATE_AK, MATCH_NO, "CA signature digest algorithm too weak");
	r.md = EVP_sha512();
	expect_leaf(r, ak_key, CERTIFICATE_AK, MATCH_YES, NULL);
}

static void name_constraints_of_an_authority_bind(void **state)
{
	/* permitted: DNS names below example.org; the leaf has a directory name only, and then a DNS name elsewhere */
	X509 *narrow = make_certificate(
		&(struct recipe){ .subject = "middle",
				  .issuer = root,
				  .key = middle_key,
				  .signer = root_key,
				  .constraints = "critical,CA:TRUE",
				  .key_usage = "critical,keyCertSign",
				  .extra = { "nameConstraints=critical,permitted;DNS:example.org" } });
	struct recipe r = ak_recipe;

	(void)state;
	r.san = "300b82096578616d706c652e6e"; /* dNSName example.n */
	struct job j = {
		.pool = POOL_INIT, .leaf = leaf_of(r, ak_key), .middle = narrow, .role = CERTIFICATE_AK
	};
	expect(&j, MATCH_NO, "permitted subtree violation");
	X509_free(j.leaf);
	X509_free(narrow);
}

static void what_is_no_certificate_is_refused(void **state)
{
	struct pool pool = POOL_INIT;
	struct bytes leaf = { .n = 0 }, anchors = { .n = 0 };
	struct chain_result r = { .match = MATCH_NO };
	X509 *x = leaf_of(ak_recipe, ak_key);
	struct pcrcast_error e;

	(void)state;
	put_certificate(&leaf, x, false);
	put_text(&anchors, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
	struct slice a = bytes_slice(&anchors);
	struct chain_input in = {
		.leaf = bytes_slice(&leaf), .anchors = &a, .n_anchors = 1, .at = TEST_TIME
	};
	assert_int_equal(certificate_chain_check(&pool, &in, &r, &e), -PCRCAST_EFORMAT);
	assert_string_equal(e.msg,
			    "trusted certificates 1: PEM block 1 is \"PUBLIC KEY\", expected CERTIFICATE");
	in.n_anchors = 0;
	assert_int_equal(certificate_chain_check(&pool, &in, &r, &e), -PCRCAST_EINVAL);
	assert_string_equal(e.msg, "no trusted certificate was given");
	pool_done(&pool);
	X509_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chain_to_the_root_is_good_in_der_and_pem),
		cmocka_unit_test(intermediates_may_come_with_the_leaf_or_with_the_anchors),
		cmocka_unit_test(an_intermediate_is_an_anchor_only_when_asked),
		cmocka_unit_test(who_signed_himself_is_trusted_only_as_an_anchor),
		cmocka_unit_test(another_root_of_the_same_name_is_not_trusted),
		cmocka_unit_test(a_missing_intermediate_is_named),
		cmocka_unit_test(a_signature_by_another_key_is_no),
		cmocka_unit_test(one_bent_byte_is_no_or_unreadable),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(the_time_of_the_check_counts),
		cmocka_unit_test(a_certificate_for_another_key_is_no),
		cmocka_unit_test(who_may_not_issue_does_not),
		cmocka_unit_test(a_leaf_does_not_issue),
		cmocka_unit_test(a_path_longer_than_allowed_is_no),
		cmocka_unit_test(weak_hashes_in_signatures_are_no),
		cmocka_unit_test(name_constraints_of_an_authority_bind),
		cmocka_unit_test(what_is_no_certificate_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
