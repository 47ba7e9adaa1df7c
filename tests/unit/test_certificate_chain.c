/* Certificates of TPM keys: chains that hold, each way in which one does not, and what a leaf does not say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden/certificate_chain.h"
#include "tests/unit/build_pe.h"
#include "tests/unit/certificate_writer.h"

#define EK_USAGE "2.23.133.8.1"
#define AK_USAGE "2.23.133.8.3"

static EVP_PKEY *root_key, *middle_key, *ak_key, *ek_key, *other_key;
static X509 *root, *middle;

static const struct recipe ak_recipe = { .subject = "ak",
					 .constraints = "critical,CA:FALSE",
					 .key_usage = "critical,digitalSignature",
					 .usage = AK_USAGE };
static const struct recipe ek_recipe = { .subject = "",
					 .constraints = "critical,CA:FALSE",
					 .key_usage = "critical,keyEncipherment",
					 .usage = EK_USAGE,
					 .san = "critical," TPM_SAN };

static X509 *make_ca(const char *name, X509 *issuer, EVP_PKEY *key, EVP_PKEY *signer)
{
	return make_certificate(&(struct recipe){ .subject = name,
						  .issuer = issuer,
						  .key = key,
						  .signer = signer,
						  .constraints = "critical,CA:TRUE",
						  .key_usage = "critical,keyCertSign,cRLSign" });
}

static int set_up(void **state)
{
	(void)state;
	root_key = make_key("P-256");
	middle_key = make_key("P-384");
	ak_key = make_key("P-256");
	ek_key = make_key("RSA2048");
	other_key = make_key("P-256");
	root = make_ca("root", NULL, root_key, NULL);
	middle = make_ca("middle", root, middle_key, root_key);
	return 0;
}

static int tear_down(void **state)
{
	EVP_PKEY *keys[] = { root_key, middle_key, ak_key, ek_key, other_key };

	(void)state;
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		EVP_PKEY_free(keys[i]);
	X509_free(root);
	X509_free(middle);
	return 0;
}

/* A check under construction. */
struct job {
	struct pool pool;
	X509 *leaf, *middle, *anchor; /* NULL: the usual middle and root */
	bool no_middle, pem, partial;
	enum certificate_role role;
	const struct key *key;
	int64_t at;
	struct chain_result r;
	struct pcrcast_error e;
};

static int run(struct job *j)
{
	struct bytes leaf = { .n = 0 }, above = { .n = 0 }, anchors = { .n = 0 };

	put_certificate(&leaf, j->leaf, j->pem);
	put_certificate(&above, j->middle ? j->middle : middle, j->pem);
	put_certificate(&anchors, j->anchor ? j->anchor : root, j->pem);
	struct slice l = exact(leaf.p, leaf.n), m = exact(above.p, above.n), a = exact(anchors.p, anchors.n);
	const struct chain_input in = { .leaf = l,
					.intermediates = &m,
					.n_intermediates = j->no_middle ? 0 : 1,
					.anchors = &a,
					.n_anchors = 1,
					.partial = j->partial,
					.role = j->role,
					.key = j->key,
					.at = j->at ? j->at : TEST_TIME };
	int rc = certificate_chain_check(&j->pool, &in, &j->r, &j->e);
	drop(l);
	drop(m);
	drop(a);
	if (rc == 0)
		assert_true((j->r.match == MATCH_YES) == (j->r.why == NULL));
	return rc;
}

/* Run, and look at the answer; why NULL: not looked at. */
static void expect(struct job *j, enum match match, const char *why)
{
	if (run(j) < 0)
		fail_msg("%s", j->e.msg);
	if (j->r.match != match)
		fail_msg("match %d, expected %d: %s", j->r.match, match, j->r.why ? j->r.why : "(good)");
	if (why)
		assert_string_equal(j->r.why, why);
	pool_done(&j->pool);
	j->pool = POOL_INIT;
}

/* Below the usual middle certificate. */
static X509 *leaf_of(struct recipe r, EVP_PKEY *key)
{
	r.key = key;
	if (!r.issuer)
		r.issuer = middle;
	if (!r.signer)
		r.signer = middle_key;
	return make_certificate(&r);
}

static void expect_leaf(struct recipe r, EVP_PKEY *key, enum certificate_role role, enum match match,
			const char *why)
{
	struct job j = { .pool = POOL_INIT, .leaf = leaf_of(r, key), .role = role };

	expect(&j, match, why);
	X509_free(j.leaf);
}

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
		cmocka_unit_test(an_ek_with_empty_subject_and_critical_name_is_good),
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
		cmocka_unit_test(the_role_is_in_the_extended_key_usage),
		cmocka_unit_test(an_authority_above_may_say_what_its_leaves_are_for),
		cmocka_unit_test(certificates_of_a_cloud_are_good_in_their_roles),
		cmocka_unit_test(a_leaf_that_can_not_be_a_tpm_keys_is_no),
		cmocka_unit_test(critical_extensions_are_understood_or_named),
		cmocka_unit_test(critical_extensions_above_count_too),
		cmocka_unit_test(name_constraints_of_an_authority_bind),
		cmocka_unit_test(what_is_no_certificate_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
