/*
 * The verdict: the key and its certificates, the checks in their order, and what they leave open.
 */
#include "golden/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "golden/verify_private.h"

static const char *const item_names[VERIFY_ITEMS] = {
	[VERIFY_QUOTE] = "quote",
	[VERIFY_SIGNATURE] = "signature",
	[VERIFY_KEY_ATTRIBUTES] = "key-attributes",
	[VERIFY_AK_CERTIFICATE] = "ak-certificate",
	[VERIFY_EK_CERTIFICATE] = "ek-certificate",
	[VERIFY_NONCE] = "nonce",
	[VERIFY_PCR_DIGEST] = "pcr-digest",
	[VERIFY_EVENT_LOG] = "event-log",
	[VERIFY_IMA_LOG] = "ima-log",
	[VERIFY_REFERENCE] = "reference",
};

const char *verify_item_name(enum verify_item item)
{
	return item_names[item];
}

enum verify_item verify_item_by_name(struct slice name)
{
	enum verify_item i = 0;

	while (i < VERIFY_ITEMS && !slice_equal_string(name, item_names[i]))
		i++;
	return i;
}

const char *check_result_name(enum check_result r)
{
	static const char *const names[] = {
		[CHECK_PASS] = "pass", [CHECK_FAIL] = "fail", [CHECK_SKIP] = "skip"
	};

	return names[r];
}

const char *verdict_name(enum verdict v)
{
	static const char *const names[] = {
		[VERDICT_TRUSTED] = "trusted", [VERDICT_UNTRUSTED] = "untrusted", [VERDICT_OPEN] = "undecided"
	};

	return names[v];
}

/* ---- words ---- */

static int rank(enum check_result r)
{
	return r == CHECK_FAIL ? 2 : r == CHECK_SKIP ? 1 : 0;
}

int verify_say(struct verification *v, enum verify_item item, enum check_result r, const char *fmt, ...)
{
	struct verify_check *c = &v->res->checks[item];
	va_list ap;

	if (c->detail && rank(r) <= rank(c->result))
		return 0;
	va_start(ap, fmt);
	c->detail = pool_vprintf(v->pool, fmt, ap);
	va_end(ap);
	c->result = r;
	return c->detail ? 0 : err_nomem(v->e);
}

int verify_line(struct verification *v, enum verify_item item, const char *fmt, ...)
{
	struct verify_check *c = &v->res->checks[item];
	va_list ap;

	va_start(ap, fmt);
	bool ok = pool_push_text(v->pool, &c->lines, &c->n_lines, &c->cap_lines, fmt, ap);
	va_end(ap);
	return ok ? 0 : err_nomem(v->e);
}

int verify_not_covered(struct verification *v, const char *fmt, ...)
{
	struct verify_result *res = v->res;
	va_list ap;

	va_start(ap, fmt);
	bool ok = pool_push_text(v->pool, &res->not_covered, &res->n_not_covered, &res->cap_not_covered, fmt,
				 ap);
	va_end(ap);
	return ok ? 0 : err_nomem(v->e);
}

const char *verify_registers(struct pool *pool, uint32_t pcrs)
{
	char text[128] = "";
	size_t n = 0;

	for (unsigned i = 0; i < PCR_COUNT; i++) {
		unsigned last = i;

		if (!(pcrs >> i & 1))
			continue;
		while (last + 1 < PCR_COUNT && pcrs >> (last + 1) & 1)
			last++;
		n += (size_t)snprintf(text + n, sizeof text - n, last > i ? "%s%u-%u" : "%s%u", n ? "," : "",
				      i, last);
		i = last;
	}
	return pool_text(pool, text, n);
}

/* ---- the key ---- */

static int open_key(struct verification *v)
{
	const struct verify_input *in = v->in;
	const struct evidence *ev = in->evidence;
	struct slice ak_cert = in->ak_cert.n ? in->ak_cert : ev->ak_cert;
	bool own = in->key.n || in->ak_cert.n;
	struct slice bytes = in->key.n     ? in->key :
			     in->ak_cert.n ? in->ak_cert :
			     ev->key.n     ? ev->key :
					     ak_cert;
	struct pcrcast_error why = { .offset = PCRCAST_NO_OFFSET };

	if (bytes.n == 0)
		return verify_say(v, VERIFY_SIGNATURE, CHECK_SKIP, "no key was given");
	int r = key_read(bytes, &v->key, own ? v->e : &why);
	if (r < 0 && own)
		return err_wrap(v->e, "the attestation key");
	if (r == -PCRCAST_ENOMEM)
		return err_nomem(v->e);
	if (r < 0)
		return verify_say(v, VERIFY_SIGNATURE, CHECK_FAIL, "the evidence's key: %s", why.msg);
	v->res->has_key = true;
	v->res->key = *key_info(v->key);
	v->res->key_is_evidence = !own;
	return 0;
}

/*
 * The quotes name their signer by its Qualified Name, which is made with the hash of its Name: of another hash, the public area
 * is not that of the key that signed, and its attributes say nothing of it. That a Qualified Name is not that of a primary key
 * is no failure: keys of tpm2_createak and Keylime lie below one that is not known here. Without a good signature it is
 * anybody's word.
 */
static int check_signer(struct verification *v)
{
	static const struct {
		uint32_t hierarchy;
		const char *words;
	} places[] = {
		{ TPM_RH_ENDORSEMENT, "a primary key of the endorsement hierarchy" },
		{ TPM_RH_PLATFORM, "a primary key of the platform hierarchy" },
		/* TPM 2.0 Library part 3, section 18.1: nobody shall tell that quotes by several keys are of one TPM */
		{ TPM_RH_OWNER,
		  "a primary key of the owner hierarchy: resets, restarts and firmware version in its quotes are obfuscated" },
		{ TPM_RH_NULL,
		  "a primary key of the null hierarchy: resets, restarts and firmware version in its quotes are obfuscated" },
	};
	const struct tpm_name *name = &key_info(v->key)->name;
	uint32_t hierarchy = 0;

	if (v->res->checks[VERIFY_SIGNATURE].result != CHECK_PASS)
		return 0;
	for (size_t i = 0; i < v->res->n_quotes; i++)
		if (quote_match_signer(&v->res->quotes[i], name, NULL, &hierarchy) == MATCH_NO)
			return verify_say(
				v, VERIFY_KEY_ATTRIBUTES, CHECK_FAIL,
				"the public area is of another key: its Name is made with another hash than that of the quote's signer");
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
		if (places[i].hierarchy == hierarchy)
			return verify_line(v, VERIFY_KEY_ATTRIBUTES, "%s", places[i].words);
	return 0;
}

static int check_key_attributes(struct verification *v)
{
	char why[KEY_WHY_MAX];
	int r = 0;

	if (!v->key)
		return verify_say(v, VERIFY_KEY_ATTRIBUTES, CHECK_SKIP, "no key was given");
	enum match m = key_is_attestation_key(v->key, why);
	/* A public area in the evidence, around a key that the verifier gave without one, is the evidence's word: it does not count. */
	if (m == MATCH_YES)
		r = verify_say(v, VERIFY_KEY_ATTRIBUTES, CHECK_PASS,
			       "restricted signing key, made by its TPM and fixed to it");
	else
		r = verify_say(v, VERIFY_KEY_ATTRIBUTES, m == MATCH_NO ? CHECK_FAIL : CHECK_SKIP, "%s", why);
	return r < 0 ? r : check_signer(v);
}

/* ---- certificates ---- */

static int check_certificate(struct verification *v, enum verify_item item, enum certificate_role role,
			     struct slice leaf)
{
	const struct verify_input *in = v->in;
	const struct evidence *ev = in->evidence;
	size_t n = in->n_intermediates + ev->n_intermediates;
	struct slice *all = pool_array(v->pool, n ? n : 1, sizeof *all);
	struct chain_result res;

	if (!all)
		return err_nomem(v->e);
	if (leaf.n == 0)
		return verify_say(v, item, CHECK_SKIP, "no certificate was given");
	if (in->n_anchors == 0)
		return verify_say(v, item, CHECK_SKIP, "no certificate authority was given");
	if (in->n_intermediates)
		memcpy(all, in->intermediates, in->n_intermediates * sizeof *all);
	if (ev->n_intermediates)
		memcpy(all + in->n_intermediates, ev->intermediates, ev->n_intermediates * sizeof *all);
	struct chain_input chain = {
		.leaf = leaf,
		.intermediates = all,
		.n_intermediates = n,
		.anchors = in->anchors,
		.n_anchors = in->n_anchors,
		.role = role,
		.key = role == CERTIFICATE_AK ? v->key : NULL,
		.at = in->at,
	};
	int r = certificate_chain_check(v->pool, &chain, &res, v->e);
	if (r < 0)
		return err_wrap(v->e, "%s", verify_item_name(item));
	if (res.match != MATCH_YES)
		return verify_say(v, item, res.match == MATCH_NO ? CHECK_FAIL : CHECK_SKIP, "%s", res.why);
	r = verify_say(v, item, CHECK_PASS, "issued by %s, trusted through %s", res.issuer, res.anchor);
	if (r == 0 && res.manufacturer)
		r = verify_line(v, item, "TPM manufacturer %s, model %s, version %s", res.manufacturer,
				res.model ? res.model : "not said", res.version ? res.version : "not said");
	return r;
}

static int check_certificates(struct verification *v)
{
	const struct verify_input *in = v->in;
	int r = check_certificate(v, VERIFY_AK_CERTIFICATE, CERTIFICATE_AK,
				  in->ak_cert.n ? in->ak_cert : in->evidence->ak_cert);

	if (r == 0)
		r = check_certificate(v, VERIFY_EK_CERTIFICATE, CERTIFICATE_EK,
				      in->ek_cert.n ? in->ek_cert : in->evidence->ek_cert);
	return r;
}

/* ---- the verdict ---- */

static const uint32_t always_required =
	1u << VERIFY_QUOTE | 1u << VERIFY_SIGNATURE | 1u << VERIFY_PCR_DIGEST | 1u << VERIFY_REFERENCE;

static enum verdict decide(const struct verify_result *res, uint32_t require)
{
	enum verdict verdict = VERDICT_TRUSTED;

	for (enum verify_item i = 0; i < VERIFY_ITEMS; i++) {
		if (res->checks[i].result == CHECK_FAIL)
			return VERDICT_UNTRUSTED;
		if (res->checks[i].result == CHECK_SKIP && (require | always_required) >> i & 1)
			verdict = VERDICT_OPEN;
	}
	return verdict;
}

/* What a skipped check leaves open. */
static int tell_gaps(struct verification *v)
{
	static const char *const gaps[VERIFY_ITEMS] = {
		[VERIFY_KEY_ATTRIBUTES] =
			"that the key signs only what its TPM made: its public area (TPM2B_PUBLIC, TPMT_PUBLIC) was not given",
		[VERIFY_NONCE] = "freshness: without a nonce of the verifier's an old quote looks the same",
		[VERIFY_EVENT_LOG] = "how the values came about: no event log was checked",
		[VERIFY_REFERENCE] = "whether the values are the right ones: no reference was compared",
	};
	const struct verify_check *c = v->res->checks;
	int r = 0;

	for (enum verify_item i = 0; i < VERIFY_ITEMS && r == 0; i++)
		if (gaps[i] && c[i].result == CHECK_SKIP)
			r = verify_not_covered(v, "%s", gaps[i]);
	if (r == 0 && c[VERIFY_AK_CERTIFICATE].result != CHECK_PASS)
		r = verify_not_covered(
			v,
			v->res->key_is_evidence ?
				"whose key it is: it came with the evidence, and no certificate of it was checked" :
				"whose key it is: no certificate of it was checked");
	if (r == 0 && c[VERIFY_EK_CERTIFICATE].result == CHECK_PASS &&
	    c[VERIFY_AK_CERTIFICATE].result != CHECK_PASS)
		r = verify_not_covered(v, "that the attestation key is in the TPM of the EK certificate");
	return r;
}

static int run(struct verification *v)
{
	int r = open_key(v);

	r = r < 0 ? r : verify_read_log(v);
	r = r < 0 ? r : verify_quotes(v);
	r = r < 0 ? r : check_key_attributes(v);
	r = r < 0 ? r : check_certificates(v);
	r = r < 0 ? r : verify_event_log(v);
	r = r < 0 ? r : verify_ima_log(v);
	r = r < 0 ? r : verify_reference(v);
	return r < 0 ? r : tell_gaps(v);
}

int verify(struct pool *pool, const struct verify_input *in, struct verify_result *ret,
	   struct pcrcast_error *e)
{
	struct verification v = { .pool = pool, .in = in, .res = ret, .log = EVENTLOG_INIT, .e = e };

	*ret = (struct verify_result){ .verdict = VERDICT_OPEN };
	int r = run(&v);
	/* The checks above were of use even so: they say what else is wrong. */
	if (ret->checks[VERIFY_SIGNATURE].result != CHECK_PASS)
		ret->proven = (struct pcr_values){ 0 };
	ret->verdict = decide(ret, in->require);
	key_free(v.key);
	eventlog_done(&v.log);
	return r;
}
