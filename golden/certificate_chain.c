#include "golden/certificate_chain.h"

#include <time.h>

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/efi/certificate.h"
#include "golden/certificate_profile.h"
#include "golden/key_private.h"
#include "golden/pem.h"

/* ---- reading ---- */

typedef STACK_OF(X509) certificates;

static void free_certificates(certificates **list)
{
	sk_X509_pop_free(*list, X509_free);
}

static int add_der(certificates *list, struct slice der, struct pcrcast_error *e)
{
	X509 *cert = x509_read(der);

	if (!cert)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "expected a certificate in DER and nothing behind it (%zu bytes)", der.n);
	if (sk_X509_num(list) >= CHAIN_CERTIFICATES_MAX) {
		X509_free(cert);
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET, "more than %d certificates",
			       CHAIN_CERTIFICATES_MAX);
	}
	if (sk_X509_push(list, cert) <= 0) {
		X509_free(cert);
		return err_nomem(e);
	}
	return 0;
}

static bool is_certificate(const char *label)
{
	return strcmp(label, "CERTIFICATE") == 0 || strcmp(label, "X509 CERTIFICATE") == 0;
}

static int add_certificates(certificates *list, struct slice bytes, struct pcrcast_error *e)
{
	_cleanup_(pool_done) struct pool pool = POOL_INIT;
	struct pem_block *blocks;
	size_t n;

	if (!pem_likely(bytes))
		return add_der(list, bytes, e);
	int rc = pem_read(&pool, bytes, &blocks, &n, e);
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (!is_certificate(blocks[i].label))
			rc = err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				     "PEM block %zu is \"%.40s\", expected CERTIFICATE", i + 1,
				     blocks[i].label);
		else if ((rc = add_der(list, blocks[i].der, e)) < 0)
			(void)err_wrap(e, "PEM block %zu", i + 1);
	}
	return rc;
}

static int add_all(certificates *list, const struct slice *items, size_t n, const char *what,
		   struct pcrcast_error *e)
{
	for (size_t i = 0; i < n; i++) {
		int rc = add_certificates(list, items[i], e);

		if (rc < 0)
			return err_wrap(e, "%s %zu", what, i + 1);
	}
	return 0;
}

/* What a check works with. */
struct chain {
	certificates *leaf;  /* and what came with it */
	certificates *above; /* intermediates, the references of leaf's others among them */
	certificates *anchors;
	X509_STORE *store;
	X509_STORE_CTX *ctx;
};

static void chain_done(struct chain *c)
{
	X509_STORE_CTX_free(c->ctx);
	X509_STORE_free(c->store);
	free_certificates(&c->leaf);
	free_certificates(&c->above);
	free_certificates(&c->anchors);
	ERR_clear_error();
}

static int chain_read(struct chain *c, const struct chain_input *in, struct pcrcast_error *e)
{
	c->leaf = sk_X509_new_null();
	c->above = sk_X509_new_null();
	c->anchors = sk_X509_new_null();
	c->store = X509_STORE_new();
	c->ctx = X509_STORE_CTX_new();
	if (!c->leaf || !c->above || !c->anchors || !c->store || !c->ctx)
		return err_nomem(e);
	int rc = add_all(c->leaf, &in->leaf, 1, "certificate", e);
	if (rc == 0)
		rc = add_all(c->above, in->intermediates, in->n_intermediates, "intermediate certificates",
			     e);
	if (rc == 0)
		rc = add_all(c->anchors, in->anchors, in->n_anchors, "trusted certificates", e);
	if (rc == 0 && sk_X509_num(c->anchors) == 0)
		rc = err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET, "no trusted certificate was given");
	for (int i = 1; i < sk_X509_num(c->leaf) && rc == 0; i++) {
		X509 *cert = sk_X509_value(c->leaf, i);

		if (X509_up_ref(cert) != 1 || sk_X509_push(c->above, cert) <= 0)
			rc = err_nomem(e);
	}
	return rc;
}

/* ---- checking ---- */

/*
 * libcrypto's search for a chain and its check of RFC 5280. Critical extensions are left to the profile, which can name
 * those that are not understood.
 */
static int chain_build(struct chain *c, const struct chain_input *in, int *ret_error, struct pcrcast_error *e)
{
	enum { LEVEL_80_BITS = 1 };

	for (int i = 0; i < sk_X509_num(c->anchors); i++)
		if (X509_STORE_add_cert(c->store, sk_X509_value(c->anchors, i)) != 1)
			return err_nomem(e);
	if (X509_STORE_CTX_init(c->ctx, c->store, sk_X509_value(c->leaf, 0), c->above) != 1)
		return err_nomem(e);
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(c->ctx);
	unsigned long flags = X509_V_FLAG_IGNORE_CRITICAL | X509_V_FLAG_TRUSTED_FIRST |
			      (in->partial ? X509_V_FLAG_PARTIAL_CHAIN : 0);
	if (X509_VERIFY_PARAM_set_flags(param, flags) != 1)
		return err_nomem(e);
	X509_VERIFY_PARAM_set_time(param, in->at ? (time_t)in->at : time(NULL));
	X509_VERIFY_PARAM_set_depth(param, CHAIN_DEPTH_MAX);
	X509_VERIFY_PARAM_set_auth_level(param, LEVEL_80_BITS);
	*ret_error = X509_verify_cert(c->ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(c->ctx);
	if (*ret_error == X509_V_OK && X509_STORE_CTX_get_error(c->ctx) != X509_V_OK)
		*ret_error = X509_STORE_CTX_get_error(c->ctx);
	return 0;
}

static char *time_text(struct pool *pool, const ASN1_TIME *t)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return NULL;
	return pool_printf(pool, "%04d%02d%02dT%02d%02d%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
			   tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* Subject and issuer as the rest of the program writes them. */
static bool describe(struct pool *pool, X509 *cert, struct certificate *ret)
{
	unsigned char *der = NULL;
	int n = i2d_X509(cert, &der);
	bool ok = n > 0 && certificate_read(pool, (struct slice){ der, (size_t)n }, ret);

	OPENSSL_free(der);
	return ok;
}

static int describe_leaf(struct pool *pool, X509 *leaf, struct chain_result *r, struct pcrcast_error *e)
{
	struct certificate c;

	if (!describe(pool, leaf, &c))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "libcrypto cannot describe the certificate");
	r->subject = c.subject;
	r->issuer = c.issuer;
	memcpy(r->sha256, c.sha256.bytes, sizeof r->sha256);
	r->not_before = time_text(pool, X509_get0_notBefore(leaf));
	r->not_after = time_text(pool, X509_get0_notAfter(leaf));
	return 0;
}

static void say(struct chain_result *r, enum match match, const char *why)
{
	r->match = match;
	r->why = why ? why : "out of memory";
}

static void check_key(struct pool *pool, X509 *leaf, const struct key *want, struct chain_result *r)
{
	_cleanup_(key_freep) struct key *own = NULL;
	struct pcrcast_error e = { .msg = "" };
	bool unreadable = !X509_get0_pubkey(leaf);

	ERR_clear_error();
	if (key_of_x509(leaf, &own, &e) < 0)
		say(r, unreadable && !want ? MATCH_CANNOT_TELL : MATCH_NO,
		    pool_printf(pool, "the certificate's key: %s", e.msg));
	else if (want && !key_equal(own, want))
		say(r, MATCH_NO, "the certificate is for another key");
}

static int check_chain(struct pool *pool, struct chain *c, const struct chain_input *in,
		       struct chain_result *r, struct pcrcast_error *e)
{
	int error = X509_V_ERR_UNSPECIFIED;
	int rc = chain_build(c, in, &error, e);

	if (rc < 0)
		return rc;
	if (error != X509_V_OK) {
		int depth = X509_STORE_CTX_get_error_depth(c->ctx);

		say(r, MATCH_NO,
		    pool_printf(pool, "%s%s", depth > 0 ? "a certificate above it: " : "",
				X509_verify_cert_error_string(error)));
		return 0;
	}
	certificates *chain = X509_STORE_CTX_get0_chain(c->ctx);
	int n = sk_X509_num(chain);
	struct certificate anchor;
	r->length = (size_t)n;
	if (n > 0 && describe(pool, sk_X509_value(chain, n - 1), &anchor))
		r->anchor = anchor.subject;
	for (int i = 0; i < n && r->match == MATCH_YES; i++) {
		const char *why = profile_check_extensions(pool, sk_X509_value(chain, i));

		if (why)
			say(r, MATCH_NO, i ? pool_printf(pool, "a certificate above it: %s", why) : why);
	}
	return 0;
}

/* What the nearest certificate above the leaf that has extended key usages says. */
static int read_above(struct pool *pool, const struct chain *c, struct profile *ret, struct pcrcast_error *e)
{
	certificates *chain = X509_STORE_CTX_get0_chain(c->ctx);
	struct profile p = { .usage = NULL };
	int rc = 0;

	for (int i = 1; i < sk_X509_num(chain) && rc == 0 && !p.usage; i++)
		rc = profile_read(pool, sk_X509_value(chain, i), &p, e);
	if (rc == 0)
		*ret = p;
	return rc;
}

int certificate_chain_check(struct pool *pool, const struct chain_input *in, struct chain_result *ret,
			    struct pcrcast_error *e)
{
	_cleanup_(chain_done) struct chain c = { .leaf = NULL };
	struct chain_result r = { .match = MATCH_YES };
	struct profile profile, above;
	int rc = chain_read(&c, in, e);

	X509 *leaf = rc == 0 ? sk_X509_value(c.leaf, 0) : NULL;
	if (rc == 0)
		rc = describe_leaf(pool, leaf, &r, e);
	if (rc == 0)
		rc = profile_read(pool, leaf, &profile, e);
	if (rc < 0)
		return rc;
	r.usage = profile.usage;
	r.manufacturer = profile.manufacturer;
	r.model = profile.model;
	r.version = profile.version;

	check_key(pool, leaf, in->key, &r);
	if (r.match == MATCH_YES)
		rc = check_chain(pool, &c, in, &r, e);
	if (rc < 0)
		return rc;
	if (r.match == MATCH_YES) {
		rc = read_above(pool, &c, &above, e);
		if (rc < 0)
			return rc;
		r.match = profile_check_role(pool, leaf, &profile, &above, in->role, &r.why);
		if (r.match != MATCH_YES && !r.why)
			return err_nomem(e);
	}
	*ret = r;
	return 0;
}
