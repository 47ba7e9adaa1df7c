/*
 * The quotes: form, signature, nonce and PCR digest. Evidence may have several (one for each bank): all of them have to be good.
 */
#include <string.h>

#include "golden/verify_private.h"

/* What a message of a check begins with when there are several quotes. */
static const char *name_of(const struct verification *v, size_t i)
{
	if (v->in->evidence->n_quotes == 1)
		return "";
	const char *name = pool_printf(v->pool, "quote %zu: ", i);
	return name ? name : "";
}

/* ---- signature ---- */

static int check_signature(struct verification *v, const struct evidence_quote *eq, const struct tpm_quote *q,
			   const char *name, enum alg *ret_hash)
{
	struct pcrcast_error why = { .offset = PCRCAST_NO_OFFSET };
	struct tpm_signature s;
	struct signature_check c;

	*ret_hash = ALG_COUNT;
	if (!v->key)
		return 0; /* said already */
	int r = eq->bare ? signature_of_bare(v->key, eq->signature, quote_hash(q), &s, &why) :
			   tpm_signature_read(eq->signature, &s, &why);
	if (r == -PCRCAST_ENOMEM)
		return err_nomem(v->e);
	if (r < 0)
		return verify_say(v, VERIFY_SIGNATURE, CHECK_FAIL, "%s%s", name, why.msg);
	r = signature_verify(v->key, &s, q->message, &c, v->e);
	if (r < 0)
		return r;
	if (c.match != MATCH_YES)
		return verify_say(v, VERIFY_SIGNATURE, c.match == MATCH_NO ? CHECK_FAIL : CHECK_SKIP, "%s%s",
				  name, c.why);
	*ret_hash = c.hash;
	r = verify_say(v, VERIFY_SIGNATURE, CHECK_PASS, "%s with %s", tpm_scheme_name(c.scheme),
		       algs[c.hash].name);
	if (r == 0 && c.weak)
		r = verify_line(v, VERIFY_SIGNATURE, "%sweak: SHA-1, or an RSA key below 2048 bits", name);
	return r;
}

/* ---- nonce ---- */

static bool is_extra_data(const struct tpm_quote *q, struct slice s)
{
	return slice_equal(s, (struct slice){ q->extra_data, q->extra_data_len });
}

/* SHA-256 of two byte strings, one after the other. */
static int hash_two(struct verification *v, struct slice a, struct slice b, struct slice *ret)
{
	uint8_t *both = pool_array(v->pool, a.n + b.n + 1, 1);
	struct digest d;

	if (!both)
		return err_nomem(v->e);
	memcpy(both, a.p, a.n);
	memcpy(both + a.n, b.p, b.n);
	int r = digest_of(ALG_SHA256, (struct slice){ both, a.n + b.n }, &d, v->e);
	const uint8_t *copy = r == 0 ? pool_copy(v->pool, d.bytes, algs[ALG_SHA256].len) : NULL;
	if (r == 0 && !copy)
		return err_nomem(v->e);
	if (r == 0)
		*ret = (struct slice){ copy, algs[ALG_SHA256].len };
	return r;
}

/* Is the nonce the one in extraData, bound as the container does it? (evidence.h) */
static int matches_nonce(struct verification *v, const struct tpm_quote *q, bool *ret)
{
	const struct evidence *ev = v->in->evidence;
	struct slice nonce = v->in->nonce, inner, outer;
	uint8_t padded[64] = { 0 };

	if (ev->nonce_rule == NONCE_PLAIN) {
		*ret = is_extra_data(q, nonce);
		return 0;
	}
	if (ev->nonce_rule == NONCE_PADDED) {
		memcpy(padded, nonce.p, nonce.n < sizeof padded ? nonce.n : sizeof padded);
		*ret = is_extra_data(q, (struct slice){ padded, 32 }) ||
		       is_extra_data(q, (struct slice){ padded, 64 });
		return 0;
	}
	int r = hash_two(v, ev->user_data, nonce, &inner);
	if (r == 0)
		r = hash_two(v, ev->instance_info, inner, &outer);
	if (r == 0)
		*ret = is_extra_data(q, inner) || is_extra_data(q, outer);
	return r;
}

static int check_nonce(struct verification *v, const struct tpm_quote *q, const char *name)
{
	bool same = false;

	if (!v->in->has_nonce)
		return verify_say(v, VERIFY_NONCE, CHECK_SKIP, "no nonce was given");
	int r = matches_nonce(v, q, &same);
	if (r < 0)
		return r;
	/* An empty nonce, as from an unset variable, fits whatever was made without one, at any time: that proves nothing. */
	if (same && v->in->nonce.n == 0)
		return verify_say(
			v, VERIFY_NONCE, CHECK_SKIP,
			"the quote was made without a nonce, and an empty one says nothing of when");
	if (same)
		return verify_say(v, VERIFY_NONCE, CHECK_PASS, "the quote was made for this nonce");
	char hex[2 * TPM_DATA_MAX + 1];
	hex_encode(q->extra_data, q->extra_data_len, hex);
	return verify_say(v, VERIFY_NONCE, CHECK_FAIL,
			  "%sthe quote was made for another nonce: extraData is %s%s", name, hex,
			  q->extra_data_len ? "" : "empty");
}

/* ---- PCR digest ---- */

/* Values of a reference, where each register has one. */
static bool single_values(const struct verify_input *in, struct pcr_values *ret)
{
	const struct golden *want = in->want;

	*ret = (struct pcr_values){ 0 };
	if (!want || in->n_want != 1 || want->sets[0].cc)
		return false;
	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		struct pcr_values one;

		if (golden_single_values(&want->sets[0], alg, &one, NULL) < 0)
			return false;
		ret->known[alg] = one.known[alg];
		memcpy(ret->value[alg], one.value[alg], sizeof ret->value[alg]);
	}
	return true;
}

/* The values that a quote covers are proven. */
static void prove(struct verification *v, const struct tpm_quote *q, const struct pcr_values *values)
{
	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		uint32_t covers = quote_covers(q, alg) & values->known[alg];

		for (unsigned i = 0; i < PCR_COUNT; i++)
			if (covers >> i & 1)
				memcpy(v->res->proven.value[alg][i], values->value[alg][i], DIGEST_MAX);
		v->res->proven.known[alg] |= covers;
	}
}

/* Does a quote speak for a value that another quote has otherwise? One of them is not of now. */
static int check_agreement(struct verification *v, const struct tpm_quote *q, const struct pcr_values *values,
			   const char *name)
{
	const struct pcr_values *proven = &v->res->proven;

	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		uint32_t both = quote_covers(q, alg) & values->known[alg] & proven->known[alg];

		for (unsigned i = 0; i < PCR_COUNT; i++)
			if (both >> i & 1 &&
			    memcmp(proven->value[alg][i], values->value[alg][i], algs[alg].len) != 0)
				return verify_say(v, VERIFY_PCR_DIGEST, CHECK_FAIL,
						  "%s%s:%u is another than in a quote before it", name,
						  algs[alg].name, i);
	}
	return 0;
}

/* The given values are not those quoted; when those of the log are, the difference is known. */
static int blame_values(struct verification *v, const struct tpm_quote *q, enum alg hash,
			const struct pcr_values *values)
{
	char why[QUOTE_WHY_MAX];

	if (!v->has_log || quote_match_values(q, hash, &v->replayed, why) != MATCH_YES)
		return 0;
	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		for (unsigned i = 0; i < PCR_COUNT; i++)
			if (quote_covers(q, alg) >> i & 1 &&
			    memcmp(values->value[alg][i], v->replayed.value[alg][i], algs[alg].len) != 0)
				return verify_line(
					v, VERIFY_PCR_DIGEST,
					"the values that the event log leads to are those quoted; %s:%u is another in the values given",
					algs[alg].name, i);
	return 0;
}

/* Nobody states values, and the reference has one for each register that is quoted: are they others? */
static int blame_reference(struct verification *v, const struct tpm_quote *q, enum alg hash, const char *name)
{
	char why[QUOTE_WHY_MAX];
	struct pcr_values want;

	if (!single_values(v->in, &want) || quote_match_values(q, hash, &want, why) != MATCH_NO)
		return 0;
	return verify_say(
		v, VERIFY_REFERENCE, CHECK_FAIL,
		"%sthe quoted values are not the reference's; without register values nobody can tell which",
		name);
}

/*
 * Registers that a running system extends when the firmware's log has ended: 10 is IMA's, 11 and 15 are systemd's
 * (systemd-pcrphase, systemd-pcrmachine); TCG PC Client Platform Firmware Profile, section 2.3.4, leaves 8 to 15 to it.
 */
enum { SYSTEM_REGISTERS = 0xff00 };

static bool covers_system_registers(const struct tpm_quote *q)
{
	uint32_t covers = 0;

	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		covers |= quote_covers(q, alg);
	return covers & SYSTEM_REGISTERS;
}

/* Nobody states values: do those that the log leads to fit, if need be with the reference's where it has one? */
static enum match match_log(struct verification *v, const struct tpm_quote *q, enum alg hash,
			    struct pcr_values *ret, const char **ret_from, char why[static QUOTE_WHY_MAX])
{
	struct pcr_values both = v->replayed, want;
	char ignored[QUOTE_WHY_MAX];
	enum match m = quote_match_values(q, hash, &both, why);

	*ret = both;
	*ret_from = "the values that the event log leads to";
	if (m == MATCH_YES || !single_values(v->in, &want))
		return m;
	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		for (unsigned i = 0; i < PCR_COUNT; i++)
			if (want.known[alg] >> i & 1) {
				memcpy(both.value[alg][i], want.value[alg][i], DIGEST_MAX);
				both.known[alg] |= UINT32_C(1) << i;
			}
	if (quote_match_values(q, hash, &both, ignored) != MATCH_YES)
		return m;
	*ret = both;
	*ret_from = "the reference's values, where it has any, and else those that the event log leads to,";
	return MATCH_YES;
}

/* The register values that the quote is held against. */
struct stated {
	enum { NOWHERE, GIVEN, OF_LOG, OF_WANT } source;
	const char *from; /* in words */
	struct pcr_values values;
};

/* Those given go before the evidence's, the log's and the reference's. Names that do not fit the quote: e. */
static int find_values(const struct verification *v, const struct evidence_quote *eq,
		       const struct tpm_quote *q, struct stated *ret, struct pcrcast_error *e)
{
	const struct verify_input *in = v->in;

	*ret = (struct stated){ .source = GIVEN, .from = "the values given" };
	if (in->pcrs) {
		ret->values = *in->pcrs;
	} else if (in->bare_values.n) {
		return quote_name_values(q, in->bare_values, &ret->values, e);
	} else if (eq->has_pcrs) {
		ret->values = eq->pcrs;
		ret->from = "the evidence's values";
	} else if (v->has_log) {
		ret->source = OF_LOG;
	} else if (single_values(in, &ret->values)) {
		ret->source = OF_WANT;
		ret->from = "the reference's values";
	} else {
		ret->source = NOWHERE;
	}
	return 0;
}

/* The values do not hash to what was quoted, or it cannot be told (m): whose fault is it? */
static int tell_mismatch(struct verification *v, const struct tpm_quote *q, enum alg hash, const char *name,
			 const struct stated *s, enum match m, const char *why)
{
	int r = 0;

	if (m == MATCH_NO && s->source != GIVEN)
		r = blame_reference(v, q, hash, name);
	if (r < 0)
		return r;
	if (m == MATCH_NO && s->source == OF_WANT)
		return verify_say(v, VERIFY_PCR_DIGEST, CHECK_SKIP,
				  "only the reference's values were at hand, and they are not those quoted");
	if (m == MATCH_NO && s->source == OF_LOG && covers_system_registers(q))
		return verify_say(
			v, VERIFY_PCR_DIGEST, CHECK_SKIP,
			"%sthe log does not lead to the quoted values, of which PCR 8-15 also have what the system measured after it: give register values",
			name);
	r = verify_say(v, VERIFY_PCR_DIGEST, m == MATCH_NO ? CHECK_FAIL : CHECK_SKIP, "%s%s: %s", name,
		       s->from, why);
	return r < 0 || m != MATCH_NO ? r : blame_values(v, q, hash, &s->values);
}

static int check_pcr_digest(struct verification *v, const struct evidence_quote *eq,
			    const struct tpm_quote *q, enum alg hash, const char *name)
{
	struct pcrcast_error bad = { .offset = PCRCAST_NO_OFFSET };
	char why[QUOTE_WHY_MAX];
	struct stated s;

	if (find_values(v, eq, q, &s, &bad) < 0)
		return verify_say(v, VERIFY_PCR_DIGEST, CHECK_FAIL, "%s%s", name, bad.msg);
	if (s.source == NOWHERE)
		return verify_say(
			v, VERIFY_PCR_DIGEST, CHECK_SKIP,
			"no register values were given, and no log or reference that leads to them");
	enum match m = s.source == OF_LOG ? match_log(v, q, hash, &s.values, &s.from, why) :
					    quote_match_values(q, hash, &s.values, why);
	if (m != MATCH_YES)
		return tell_mismatch(v, q, hash, name, &s, m, why);
	int r = check_agreement(v, q, &s.values, name);
	if (r < 0)
		return r;
	prove(v, q, &s.values);
	return verify_say(v, VERIFY_PCR_DIGEST, CHECK_PASS, "%s are those quoted", s.from);
}

/* ---- one after the other ---- */

static int check_quote(struct verification *v, size_t i)
{
	const struct evidence_quote *eq = &v->in->evidence->quotes[i];
	struct pcrcast_error why = { .offset = PCRCAST_NO_OFFSET };
	struct tpm_quote *q = &v->res->quotes[v->res->n_quotes];
	const char *name = name_of(v, i);
	enum alg hash;

	if (tpm_quote_read(eq->message, q, &why) < 0)
		return verify_say(v, VERIFY_QUOTE, CHECK_FAIL, "%s%s", name, why.msg);
	v->res->n_quotes++;
	int r = verify_say(v, VERIFY_QUOTE, CHECK_PASS,
			   "a quote made by a TPM (TPMS_ATTEST, type TPM_ST_ATTEST_QUOTE)");
	r = r < 0 ? r : check_signature(v, eq, q, name, &hash);
	r = r < 0 ? r : check_nonce(v, q, name);
	return r < 0 ? r : check_pcr_digest(v, eq, q, hash, name);
}

int verify_quotes(struct verification *v)
{
	static const enum verify_item items[] = { VERIFY_SIGNATURE, VERIFY_NONCE, VERIFY_PCR_DIGEST };
	size_t n = v->in->evidence->n_quotes;
	int r = 0;

	v->res->quotes = pool_array(v->pool, n ? n : 1, sizeof *v->res->quotes);
	if (!v->res->quotes)
		return err_nomem(v->e);
	for (size_t i = 0; i < n && r == 0; i++)
		r = check_quote(v, i);
	if (n > 1 && v->in->bare_values.n && r == 0)
		r = err_set(v->e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			    "values without names go with one quote, the evidence has %zu", n);
	for (size_t i = 0; i < sizeof items / sizeof items[0] && r == 0; i++)
		if (!v->res->checks[items[i]].detail)
			r = verify_say(v, items[i], CHECK_SKIP, "there is no quote that could be read");
	return r;
}
