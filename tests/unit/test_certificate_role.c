/* What a TPM key's certificate says that it is for, and its critical extensions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/build_pe.h"
#include "tests/unit/certificate_fixture.h"

static void an_ek_with_empty_subject_and_critical_name_is_good(void **state)
{
	struct job j = { .pool = POOL_INIT, .leaf = leaf_of(ek_recipe, ek_key), .role = CERTIFICATE_EK };

	(void)state;
	assert_int_equal(run(&j), 0);
	assert_int_equal(j.r.match, MATCH_YES);
	assert_string_equal(j.r.subject, "");
	assert_string_equal(j.r.manufacturer, "id:414D4400");
	assert_string_equal(j.r.model, "AMD");
	assert_string_equal(j.r.version, "id:00030001");
	pool_done(&j.pool);
	X509_free(j.leaf);
}

static void the_role_is_in_the_extended_key_usage(void **state)
{
	struct recipe r = ak_recipe;

	(void)state;
	expect_leaf(ak_recipe, ak_key, CERTIFICATE_EK, MATCH_NO,
		    "its extended key usage is 2.23.133.8.3, expected 2.23.133.8.1");
	r.usage = "serverAuth";
	expect_leaf(r, ak_key, CERTIFICATE_AK, MATCH_NO,
		    "its extended key usage is 1.3.6.1.5.5.7.3.1, expected 2.23.133.8.3");
	r.usage = "serverAuth," AK_USAGE;
	expect_leaf(r, ak_key, CERTIFICATE_AK, MATCH_YES, NULL);
	r.usage = "anyExtendedKeyUsage";
	expect_leaf(r, ak_key, CERTIFICATE_AK, MATCH_YES, NULL);
	r.usage = NULL;
	expect_leaf(r, ak_key, CERTIFICATE_AK, MATCH_CANNOT_TELL,
		    "it does not say that it is an AK's: no extended key usage");
	r = ek_recipe;
	expect_leaf(r, ek_key, CERTIFICATE_AK, MATCH_NO, NULL);
	r.key_usage = "critical,digitalSignature";
	expect_leaf(r, ek_key, CERTIFICATE_AK, MATCH_YES, NULL); /* a TPM's key that only signs */
	r = ek_recipe;
	r.usage = NULL;
	expect_leaf(r, ek_key, CERTIFICATE_EK, MATCH_YES, NULL); /* TPM attributes */
	r.san = NULL;
	r.subject = "ek";
	expect_leaf(r, ek_key, CERTIFICATE_EK, MATCH_CANNOT_TELL,
		    "it does not say that it is an EK's: no extended key usage, no TPM attributes");
}

/* As Google's authorities do it: see tests/data/certificates/.origin. */
static void an_authority_above_may_say_what_its_leaves_are_for(void **state)
{
	static const struct {
		const char *above, *key_usage;
		enum certificate_role role;
		enum match match;
		const char *why;
	} rows[] = {
		{ EK_USAGE, "digitalSignature", CERTIFICATE_AK, MATCH_YES, NULL },
		{ EK_USAGE, "keyEncipherment", CERTIFICATE_EK, MATCH_YES, NULL },
		{ EK_USAGE, "digitalSignature,keyEncipherment", CERTIFICATE_AK, MATCH_NO,
		  "the extended key usage of the authority above it is 2.23.133.8.1, expected 2.23.133.8.3" },
		{ EK_USAGE, NULL, CERTIFICATE_AK, MATCH_NO,
		  "the extended key usage of the authority above it is 2.23.133.8.1, expected 2.23.133.8.3" },
		{ AK_USAGE, NULL, CERTIFICATE_AK, MATCH_YES, NULL },
		{ AK_USAGE, "keyEncipherment", CERTIFICATE_EK, MATCH_NO, NULL },
		{ "serverAuth", "digitalSignature", CERTIFICATE_AK, MATCH_NO, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		X509 *limited = make_certificate(&(struct recipe){ .subject = "middle",
								   .issuer = root,
								   .key = middle_key,
								   .signer = root_key,
								   .constraints = "critical,CA:TRUE",
								   .key_usage = "critical,keyCertSign",
								   .usage = rows[i].above });
		struct recipe r = ak_recipe;

		r.usage = NULL;
		r.key_usage = rows[i].key_usage;
		struct job j = {
			.pool = POOL_INIT, .leaf = leaf_of(r, ak_key), .middle = limited, .role = rows[i].role
		};
		expect(&j, rows[i].match, rows[i].why);
		X509_free(j.leaf);
		X509_free(limited);
	}
}

static void certificates_of_a_cloud_are_good_in_their_roles(void **state)
{
	static const struct {
		const char *leaf, *year, *usage, *manufacturer, *subject;
		enum match ak, ek;
	} rows[] = {
		{ "gce-2022-ecc-ak.pem", "2022", NULL, NULL,
		  "CN=218557372616137117,OU=google.com:wuale-gcp-testing,O=Google Compute Engine,L=us-central1-a",
		  MATCH_YES, MATCH_YES },
		{ "gce-2022-rsa-ek.pem", "2022", NULL, NULL, NULL, MATCH_NO, MATCH_YES },
		{ "gce-2021-rsa-ak.pem", "2021", EK_USAGE, "id:474F4F47", "", MATCH_YES, MATCH_YES },
		{ "gce-2021-ecc-ek.pem", "2021", EK_USAGE, "id:474F4F47", "", MATCH_NO, MATCH_YES },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (int ek = 0; ek < 2; ek++) {
			struct pool pool = POOL_INIT;
			struct slice files[3];
			struct chain_result r;
			char path[128];

			for (int k = 0; k < 3; k++) {
				if (k == 0)
					(void)snprintf(path, sizeof path, "tests/data/certificates/%s",
						       rows[i].leaf);
				else
					(void)snprintf(path, sizeof path,
						       "tests/data/certificates/gce-%s-%s.der", rows[i].year,
						       k == 1 ? "intermediate" : "root");
				files[k].p = load_file(path, &files[k].n);
			}
			const struct chain_input in = { .leaf = files[0],
							.intermediates = &files[1],
							.n_intermediates = 1,
							.anchors = &files[2],
							.n_anchors = 1,
							.at = TEST_TIME,
							.role = ek ? CERTIFICATE_EK : CERTIFICATE_AK };
			assert_int_equal(certificate_chain_check(&pool, &in, &r, NULL), 0);
			assert_int_equal(r.match, ek ? rows[i].ek : rows[i].ak);
			assert_int_equal(r.length, 3);
			assert_true(!r.usage == !rows[i].usage && !r.manufacturer == !rows[i].manufacturer);
			if (rows[i].usage)
				assert_string_equal(r.usage, rows[i].usage);
			if (rows[i].manufacturer)
				assert_string_equal(r.manufacturer, rows[i].manufacturer);
			if (rows[i].subject)
				assert_string_equal(r.subject, rows[i].subject);
			pool_done(&pool);
			for (int k = 0; k < 3; k++)
				drop(files[k]);
		}
}

static void a_leaf_that_can_not_be_a_tpm_keys_is_no(void **state)
{
	struct recipe r = ak_recipe;

	(void)state;
	r.constraints = "critical,CA:TRUE";
	expect_leaf(r, ak_key, CERTIFICATE_AK, MATCH_NO, "it is a certificate authority's, not a TPM key's");
	r = ak_recipe;
	r.key_usage = "critical,keyAgreement";
	expect_leaf(r, ak_key, CERTIFICATE_AK, MATCH_NO,
		    "its key usage allows no digital signature, which an AK makes");
	r = ek_recipe;
	r.key_usage = "critical,cRLSign";
	expect_leaf(r, ek_key, CERTIFICATE_EK, MATCH_NO,
		    "its key usage allows no key encipherment or agreement, which an EK does");
	r = ek_recipe;
	r.san = NULL;
	expect_leaf(r, ek_key, CERTIFICATE_EK, MATCH_NO,
		    "its subject is empty and there is no subject alternative name");
}

static void critical_extensions_are_understood_or_named(void **state)
{
	static const struct {
		const char *extension;
		enum match match;
		const char *why;
	} rows[] = {
		{ "1.2.3.4=critical,DER:0500", MATCH_NO, "critical extension 1.2.3.4 is not known here" },
		{ "1.2.3.4=DER:0500", MATCH_YES, NULL },
		/* SEQUENCE OF Attribute { 2.23.133.2.16, SET { UTF8String "2.0" } } */
		{ "2.5.29.9=critical,DER:3010300e0605678105021031050c03322e30", MATCH_YES, NULL },
		{ "2.5.29.9=DER:3010300e0605678105021031050c03322e30", MATCH_YES, NULL },
		{ "2.5.29.9=critical,DER:3010300e0605678105021331050c03322e30", MATCH_NO,
		  "critical subject directory attribute 2.23.133.2.19 is not known here" },
		{ "2.5.29.9=critical,DER:3000", MATCH_YES, NULL },
		{ "2.5.29.9=critical,DER:0500", MATCH_NO,
		  "its critical subject directory attributes cannot be read" },
		{ "2.5.29.9=critical,DER:30100000", MATCH_NO,
		  "its critical subject directory attributes cannot be read" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct recipe r = ek_recipe;

		r.extra[0] = rows[i].extension;
		expect_leaf(r, ek_key, CERTIFICATE_EK, rows[i].match, rows[i].why);
	}
	struct recipe r = ek_recipe;
	r.extra[0] = r.extra[1] = "1.2.3.4=DER:0500";
	expect_leaf(r, ek_key, CERTIFICATE_EK, MATCH_NO, "extension 1.2.3.4 is there twice");
}

static void critical_extensions_above_count_too(void **state)
{
	X509 *odd = make_certificate(&(struct recipe){ .subject = "middle",
						       .issuer = root,
						       .key = middle_key,
						       .signer = root_key,
						       .constraints = "critical,CA:TRUE",
						       .key_usage = "critical,keyCertSign",
						       .extra = { "1.2.3.5=critical,DER:0500" } });
	struct job j = {
		.pool = POOL_INIT, .leaf = leaf_of(ak_recipe, ak_key), .middle = odd, .role = CERTIFICATE_AK
	};

	(void)state;
	expect(&j, MATCH_NO, "a certificate above it: critical extension 1.2.3.5 is not known here");
	X509_free(j.leaf);
	X509_free(odd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ek_with_empty_subject_and_critical_name_is_good),
		cmocka_unit_test(the_role_is_in_the_extended_key_usage),
		cmocka_unit_test(an_authority_above_may_say_what_its_leaves_are_for),
		cmocka_unit_test(certificates_of_a_cloud_are_good_in_their_roles),
		cmocka_unit_test(a_leaf_that_can_not_be_a_tpm_keys_is_no),
		cmocka_unit_test(critical_extensions_are_understood_or_named),
		cmocka_unit_test(critical_extensions_above_count_too),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
