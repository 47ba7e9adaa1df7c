/*
 * Comparing policies: a PolicyPCR digest stands for values, so it can be compared with values that lead to it.
 *
 * systemd-measure signs, and tpm2-pcr-signature.json holds, PolicyPCR digests of SHA-256 sessions (systemd 252 to 258,
 * src/measure/measure.c).
 */
#include "golden/compare_parts.h"
#include "golden/policy.h"

enum {
	/* Combinations of a set's values over the registers of a policy: a boot phase for one of them, as a rule. */
	COMBINATIONS_MAX = 1024,
	/* Policies of one set: phases times banks times keys are some dozens. Each is looked for among all. */
	POLICIES_MAX = 1024,
};

struct policies {
	struct pool *pool;
	struct golden_comparison *c;
	struct pcrcast_error *e;
};

static struct golden_policy_result *add_result(struct policies *x, enum alg alg, uint32_t pcrs,
					       enum golden_result result)
{
	struct golden_policy_result *p =
		pool_push(x->pool, &x->c->policies, &x->c->n_policies, &x->c->cap_policies, sizeof *p);

	if (p)
		*p = (struct golden_policy_result){ .alg = alg, .pcrs = pcrs, .result = result };
	else
		err_nomem(x->e);
	return p;
}

static bool same_group(const struct golden_policy *p, enum alg alg, uint32_t pcrs)
{
	return p->alg == alg && p->pcrs == pcrs;
}

/* A policy of a set over these registers with this digest; NULL: there is none. */
static const struct golden_policy *find_policy(const struct golden_set *s, enum alg alg, uint32_t pcrs,
					       const uint8_t *digest)
{
	for (size_t i = 0; i < s->n_policies; i++)
		if (same_group(&s->policies[i], alg, pcrs) &&
		    memcmp(s->policies[i].digest, digest, sizeof s->policies[i].digest) == 0)
			return &s->policies[i];
	return NULL;
}

static size_t count_policies(const struct golden_set *s, enum alg alg, uint32_t pcrs)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_policies; i++)
		n += same_group(&s->policies[i], alg, pcrs);
	return n;
}

/* ---- the digests that a set's values lead to ---- */

struct combinations {
	const struct golden_register *registers[PCR_COUNT]; /* those of the policy, ascending */
	size_t at[PCR_COUNT], n;
	enum alg alg;
	uint32_t pcrs;
};

enum combining { COMBINE_ALL, COMBINE_MISSING, COMBINE_TOO_MANY };

static enum combining combine(const struct golden_set *s, enum alg alg, uint32_t pcrs,
			      struct combinations *ret)
{
	size_t total = 1;

	*ret = (struct combinations){ .alg = alg, .pcrs = pcrs };
	for (uint32_t i = 0; i < PCR_COUNT; i++) {
		const struct golden_register *r;

		if (!(pcrs & UINT32_C(1) << i))
			continue;
		r = golden_find(s, alg, i);
		if (!r)
			return COMBINE_MISSING;
		if (r->n > COMBINATIONS_MAX / total)
			return COMBINE_TOO_MANY;
		total *= r->n;
		ret->registers[ret->n++] = r;
	}
	return COMBINE_ALL;
}

/* The digest of the combination that stands; then the next one is taken: false in *ret_more when it was the last. */
static int next_digest(struct combinations *k, struct digest *ret, bool *ret_more, struct pcrcast_error *e)
{
	struct policy_selection selection = { .banks = { { k->alg, k->pcrs } }, .n = 1 };
	struct pcr_values values = { .known = { 0 } };
	struct digest d = policy_start(ALG_SHA256);

	values.known[k->alg] = k->pcrs;
	for (size_t i = 0; i < k->n; i++)
		memcpy(values.value[k->alg][k->registers[i]->index], k->registers[i]->values[k->at[i]].bytes,
		       DIGEST_MAX);
	int r = policy_pcr(&d, &selection, &values, NULL, e);
	if (r < 0)
		return r;
	*ret = d;
	*ret_more = false;
	for (size_t i = 0; i < k->n && !*ret_more; i++) {
		k->at[i] = k->at[i] + 1 < k->registers[i]->n ? k->at[i] + 1 : 0;
		*ret_more = k->at[i] != 0;
	}
	return 0;
}

static const char *too_many = "too many combinations of values for this policy";

/* ---- WANT's policies, GOT's values ---- */

/* Is a group, whose bank GOT has not, compared in another bank? */
static bool covered(const struct policies *x, enum alg alg, uint32_t pcrs)
{
	const struct golden_set *want = x->c->want, *got = x->c->got;
	struct combinations k;

	if (golden_banks(got) & 1u << alg)
		return false;
	for (enum alg other = 0; other < ALG_COUNT; other++)
		if (other != alg && count_policies(want, other, pcrs) &&
		    (combine(got, other, pcrs, &k) == COMBINE_ALL || count_policies(got, other, pcrs)))
			return true;
	return false;
}

/* Every combination of GOT's values is to be accepted. */
static int check_values(struct policies *x, const struct golden_policy *of)
{
	struct combinations k;
	enum combining state = combine(x->c->got, of->alg, of->pcrs, &k);
	struct golden_policy_result *p = add_result(x, of->alg, of->pcrs, GOLDEN_SAME);
	bool more = state == COMBINE_ALL;
	int r = 0;

	if (!p)
		return -PCRCAST_ENOMEM;
	p->n_want = count_policies(x->c->want, of->alg, of->pcrs);
	if (state == COMBINE_MISSING)
		p->result = covered(x, of->alg, of->pcrs) ? GOLDEN_NOT_COMPARED : GOLDEN_MISSING;
	if (state == COMBINE_TOO_MANY) {
		p->result = GOLDEN_NOT_COMPARED;
		p->text = too_many;
	}
	while (more && r == 0 && p->result == GOLDEN_SAME) {
		struct digest d;

		r = next_digest(&k, &d, &more, x->e);
		if (r < 0)
			break;
		const struct golden_policy *found = find_policy(x->c->want, of->alg, of->pcrs, d.bytes);
		memcpy(p->digest, d.bytes, sizeof p->digest);
		p->has_digest = true;
		p->label = found ? found->label : NULL;
		if (!found)
			p->result = GOLDEN_DIFFERS;
	}
	return r;
}

/* ---- GOT's policies ---- */

/* Do WANT's values lead to a policy of GOT's? */
static int check_against_values(struct policies *x, const struct golden_policy *got)
{
	struct combinations k;
	enum combining state = combine(x->c->want, got->alg, got->pcrs, &k);
	struct golden_policy_result *p = add_result(x, got->alg, got->pcrs, GOLDEN_NOT_COMPARED);
	bool more = state == COMBINE_ALL;
	int r = 0;

	if (!p)
		return -PCRCAST_ENOMEM;
	memcpy(p->digest, got->digest, sizeof p->digest);
	p->has_digest = true;
	if (state != COMBINE_ALL) {
		p->text = state == COMBINE_TOO_MANY ? too_many :
						      "what is wanted has no values for all of its registers";
		return 0;
	}
	p->result = GOLDEN_DIFFERS;
	while (more && r == 0 && p->result != GOLDEN_SAME) {
		size_t at[PCR_COUNT];
		struct digest d;

		memcpy(at, k.at, sizeof at);
		r = next_digest(&k, &d, &more, x->e);
		if (r < 0 || memcmp(d.bytes, got->digest, sizeof got->digest) != 0)
			continue;
		p->result = GOLDEN_SAME;
		for (size_t i = 0; i < k.n && !p->label; i++)
			p->label = k.registers[i]->values[at[i]].label;
	}
	return r;
}

static int check_policy(struct policies *x, const struct golden_policy *got)
{
	const struct golden_policy *found = find_policy(x->c->want, got->alg, got->pcrs, got->digest);
	size_t n = count_policies(x->c->want, got->alg, got->pcrs);
	struct golden_policy_result *p;

	p = add_result(x, got->alg, got->pcrs, found ? GOLDEN_SAME : n ? GOLDEN_DIFFERS : GOLDEN_EXTRA);
	if (!p)
		return -PCRCAST_ENOMEM;
	memcpy(p->digest, got->digest, sizeof p->digest);
	p->has_digest = true;
	p->label = found && found->label ? found->label : got->label;
	p->n_want = n;
	return 0;
}

/* ---- all ---- */

static bool chosen(const struct golden_compare_options *options, const struct golden_policy *p)
{
	return (!options->banks || options->banks & 1u << p->alg) &&
	       (!options->has_pcrs || (p->pcrs & ~options->pcrs) == 0);
}

static bool is_first_of_group(const struct golden_set *s, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same_group(&s->policies[k], s->policies[i].alg, s->policies[i].pcrs))
			return false;
	return true;
}

/* WANT's groups of policies: against GOT's values, or missing when GOT is made of other policies. */
static int check_groups(struct policies *x, const struct golden_compare_options *options, bool got_values)
{
	const struct golden_set *want = x->c->want, *got = x->c->got;
	int r = 0;

	for (size_t i = 0; i < want->n_policies && r == 0; i++) {
		const struct golden_policy *p = &want->policies[i];

		if (!chosen(options, p) || !is_first_of_group(want, i))
			continue;
		if (got_values) {
			r = check_values(x, p);
		} else if (count_policies(got, p->alg, p->pcrs) == 0) {
			struct golden_policy_result *result = add_result(
				x, p->alg, p->pcrs,
				covered(x, p->alg, p->pcrs) ? GOLDEN_NOT_COMPARED : GOLDEN_MISSING);

			if (!result)
				return -PCRCAST_ENOMEM;
			result->n_want = count_policies(want, p->alg, p->pcrs);
		}
	}
	return r;
}

int compare_policies(struct pool *pool, struct golden_comparison *c,
		     const struct golden_compare_options *options, struct pcrcast_error *e)
{
	struct policies x = { pool, c, e };
	bool want_values = c->want->n_registers > 0, got_values = c->got->n_registers > 0;
	int r = 0;

	if (c->want->n_policies > POLICIES_MAX || c->got->n_policies > POLICIES_MAX)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET, "more than %d policies are not compared",
			       POLICIES_MAX);
	if (want_values && c->want->n_policies && (got_values || !c->got->n_policies))
		return compare_note(pool, c, e, "%zu policies beside the values are not compared",
				    c->want->n_policies);
	if (!want_values || !got_values)
		r = check_groups(&x, options, got_values);
	for (size_t i = 0; i < c->got->n_policies && r == 0 && !got_values; i++) {
		const struct golden_policy *p = &c->got->policies[i];

		if (chosen(options, p))
			r = c->want->n_policies ? check_policy(&x, p) : check_against_values(&x, p);
	}
	return r;
}
