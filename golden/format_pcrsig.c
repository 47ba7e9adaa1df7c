/*
 * systemd's signed policies: the .pcrsig section of a UKI, tpm2-pcr-signature.json, and what "systemd-measure sign" and
 * "policy-digest" print (252 to 262). An entry is a policy digest over registers of a bank, perhaps signed.
 */
#include <string.h>

#include "base/encode.h"
#include "golden/format_rows.h"
#include "golden/policy.h"
#include "golden/systemd.h"

enum { MEASURED_PCR = 11 }; /* TPM2_PCR_KERNEL_BOOT, the one that systemd-measure is about */

GOLDEN_RECOGNISER(pcrsig_recognise)
{
	return systemd_is_bank_lists(in->json, "pcrs", "pol");
}

/* ---- reading ---- */

static int expected(struct pcrcast_error *e, const char *key, const char *what)
{
	return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"%s\": expected %s", key, what);
}

static int read_pcrs(const struct cJSON *list, uint32_t *ret, struct pcrcast_error *e)
{
	uint32_t pcrs = 0;
	uint64_t i;

	for (const struct cJSON *c = json_is_array(list) ? json_first(list) : NULL; c; c = json_next(c)) {
		if (!json_u64(c, &i) || i >= PCR_COUNT || pcrs & UINT32_C(1) << i)
			return expected(e, "pcrs", "different numbers from 0 to 23");
		pcrs |= UINT32_C(1) << i;
	}
	*ret = pcrs;
	return pcrs ? 0 : expected(e, "pcrs", "an array of at least one PCR");
}

/* A digest of SHA-256; false when it is none. */
static bool read_digest(struct pool *pool, const struct cJSON *node, uint8_t ret[static 32])
{
	struct slice bytes;

	if (!json_hex(pool, node, &bytes) || bytes.n != algs[ALG_SHA256].len)
		return false;
	memcpy(ret, bytes.p, bytes.n);
	return true;
}

/* systemd looks for the keys that it needs and ignores others. "tbs" is what is signed: policy and reference. */
static int note_unknown(struct golden *g, const struct cJSON *entry, struct pcrcast_error *e)
{
	static const char *const keys[] = { "pcrs", "pkfp", "pol", "sig", "ref", "tbs" };
	int r = 0;

	for (const struct cJSON *c = json_first(entry); c && r == 0; c = json_next(c)) {
		bool known = false;

		for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
			known |= strcmp(json_key(c), keys[i]) == 0;
		if (!known)
			r = golden_note(g, e, "\"%s\" is ignored, as systemd does", json_key(c));
	}
	return r;
}

static int read_policy(struct golden *g, struct golden_set *s, enum alg alg, const struct cJSON *entry,
		       struct pcrcast_error *e)
{
	const struct cJSON *sig = json_get(entry, "sig"), *ref = json_get(entry, "ref");
	const struct cJSON *pkfp = json_get(entry, "pkfp");
	struct golden_policy *p = golden_add_policy(g, s, e);
	const char *text;

	if (!p)
		return -PCRCAST_ENOMEM;
	p->alg = alg;
	int r = note_unknown(g, entry, e);
	r = r < 0 ? r : read_pcrs(json_get(entry, "pcrs"), &p->pcrs, e);
	if (r < 0)
		return r;
	if (!read_digest(&g->pool, json_get(entry, "pol"), p->digest))
		return expected(e, "pol", "64 hex digits");
	if (pkfp && !read_digest(&g->pool, pkfp, p->fingerprint))
		return expected(e, "pkfp", "64 hex digits");
	p->has_fingerprint = pkfp != NULL;
	if (sig && (!json_string(sig, &text) ||
		    !base64_decode(&g->pool, slice_of_string(text), &p->signature) || p->signature.n == 0))
		return expected(e, "sig", "base64");
	if (!ref)
		return 0;
	if (!json_string(ref, &text))
		return expected(e, "ref", "a string");
	p->ref = pool_text(&g->pool, text, strlen(text));
	return p->ref ? 0 : err_nomem(e);
}

GOLDEN_READER(pcrsig_read)
{
	int r = systemd_read_bank_lists(in, g, read_policy, e);

	if (r == 0 && g->sets[0].n_policies == 0)
		r = err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "no policy in it");
	return r;
}

/* ---- writing ---- */

static struct cJSON *policy_json(struct json_doc *d, struct pool *pool, const struct golden_policy *p)
{
	struct cJSON *o = json_object(d), *pcrs = json_array(d);

	for (uint32_t i = 0; i < PCR_COUNT; i++)
		if (p->pcrs & UINT32_C(1) << i)
			json_append_u64(d, pcrs, i);
	json_add(d, o, "pcrs", pcrs);
	if (p->has_fingerprint)
		json_add_hex(d, o, "pkfp", p->fingerprint, sizeof p->fingerprint);
	if (p->ref)
		json_add_string(d, o, "ref", p->ref);
	json_add_hex(d, o, "pol", p->digest, sizeof p->digest);
	const char *sig = p->signature.n ? base64_text(pool, p->signature) : "";
	if (!sig)
		d->failed = true;
	else if (*sig)
		json_add_string(d, o, "sig", sig);
	return o;
}

/* Is it in the chosen banks, and over chosen registers only? */
static bool is_chosen(const struct golden_policy *p, const struct golden_selection *sel)
{
	return (!sel->banks || sel->banks & 1u << p->alg) && (!sel->has_pcrs || !(p->pcrs & ~sel->pcrs)) &&
	       (!sel->label || !p->label || strcmp(sel->label, p->label) == 0);
}

static bool same_policy(const struct golden_policy *a, const struct golden_policy *b)
{
	return a->alg == b->alg && a->pcrs == b->pcrs &&
	       memcmp(a->digest, b->digest, sizeof a->digest) == 0 &&
	       a->has_fingerprint == b->has_fingerprint &&
	       (!a->has_fingerprint || memcmp(a->fingerprint, b->fingerprint, sizeof a->fingerprint) == 0) &&
	       slice_equal(a->signature, b->signature) &&
	       (a->ref && b->ref ? strcmp(a->ref, b->ref) == 0 : a->ref == b->ref);
}

/* systemd-measure drops doubles. */
static bool is_double(const struct golden_set *s, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (same_policy(&s->policies[i], &s->policies[at]))
			return true;
	return false;
}

/* The document under construction. */
struct writing {
	struct json_doc doc;
	struct cJSON *banks[ALG_COUNT]; /* NULL: nothing for it yet */
	size_t n, n_unsigned;
	struct golden_writer *w;
};

static void write_policy(struct writing *x, const struct golden_policy *p)
{
	if (!x->banks[p->alg])
		x->banks[p->alg] = json_array(&x->doc);
	json_append(&x->doc, x->banks[p->alg], policy_json(&x->doc, x->w->pool, p));
	x->n_unsigned += p->signature.n == 0;
	x->n++;
}

/* Has an earlier value of the register these bytes? */
static bool is_double_value(const struct golden_register *r, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (memcmp(r->values[i].bytes, r->values[at].bytes, algs[r->alg].len) == 0)
			return true;
	return false;
}

/*
 * Of a set without policies: those of its values, one for each value of PCR 11 as systemd-measure policy-digest makes them,
 * or of the registers that were asked for.
 */
static int write_values(struct writing *x, const struct golden_set *s, struct pcrcast_error *e)
{
	bool others = false;
	int r = 0;

	for (size_t i = 0; i < s->n_registers; i++) {
		const struct golden_register *reg = &s->registers[i];

		if (!x->w->sel->has_pcrs && reg->index != MEASURED_PCR) {
			others = true;
			continue;
		}
		for (size_t k = 0; k < reg->n && r == 0; k++) {
			struct golden_policy p = { .alg = reg->alg,
						   .pcrs = UINT32_C(1) << reg->index,
						   .signature = SLICE_EMPTY };

			if (is_double_value(reg, k))
				continue;
			r = policy_of_value(reg->alg, reg->index, reg->values[k].bytes, p.digest, e);
			if (r == 0)
				write_policy(x, &p);
		}
	}
	if (r == 0 && others)
		r = golden_lost(x->w, e,
				"registers but PCR %d, which systemd signs policies of (--pcr names others)",
				MEASURED_PCR);
	return r;
}

static int write_policies(struct writing *x, const struct golden_set *s, struct pcrcast_error *e)
{
	for (size_t i = 0; i < s->n_policies; i++)
		if (is_chosen(&s->policies[i], x->w->sel) && !is_double(s, i))
			write_policy(x, &s->policies[i]);
	return s->n_registers ? golden_lost(x->w, e, "values of registers: a policy has their digest only") :
				0;
}

GOLDEN_WRITER(pcrsig_write)
{
	const struct golden_set *s = &g->sets[0];
	struct writing x = { .w = w };
	struct cJSON *root = json_object(&x.doc);

	int r = s->n_policies ? write_policies(&x, s, e) : write_values(&x, s, e);
	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		if (x.banks[alg])
			json_add(&x.doc, root, algs[alg].name, x.banks[alg]);
	if (r == 0 && x.n == 0)
		r = err_set(
			e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
			"pcrsig: no policy of the chosen banks and registers, and no value to make one of");
	if (r == 0 && x.n_unsigned)
		r = golden_lost(w, e, "signatures: %zu of the policies have none (golden sign --as pcrsig)",
				x.n_unsigned);
	if (r < 0) {
		json_free(root);
		return r;
	}
	return golden_write_json(w, &x.doc, root, true, e);
}
