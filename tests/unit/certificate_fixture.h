/*
 * A root, an authority below it and certificates below that, and the check of one. To be included behind cmocka.h.
 */
#pragma once

#include "golden/certificate_chain.h"
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

static inline X509 *make_ca(const char *name, X509 *issuer, EVP_PKEY *key, EVP_PKEY *signer)
{
	return make_certificate(&(struct recipe){ .subject = name,
						  .issuer = issuer,
						  .key = key,
						  .signer = signer,
						  .constraints = "critical,CA:TRUE",
						  .key_usage = "critical,keyCertSign,cRLSign" });
}

static inline int set_up(void **state)
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

static inline int tear_down(void **state)
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

static inline int run(struct job *j)
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
static inline void expect(struct job *j, enum match match, const char *why)
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
static inline X509 *leaf_of(struct recipe r, EVP_PKEY *key)
{
	r.key = key;
	if (!r.issuer)
		r.issuer = middle;
	if (!r.signer)
		r.signer = middle_key;
	return make_certificate(&r);
}

static inline void expect_leaf(struct recipe r, EVP_PKEY *key, enum certificate_role role, enum match match,
			       const char *why)
{
	struct job j = { .pool = POOL_INIT, .leaf = leaf_of(r, key), .role = role };

	expect(&j, match, why);
	X509_free(j.leaf);
}
