/* Policies of several steps: PolicyOR nested, and whole sets of reference values. */
#include "golden/policy.h"

#include <stdlib.h>

#include "golden/golden.h"

static int add_step(struct policy *p, const struct policy_step *step, size_t *ret_step,
		    struct pcrcast_error *e)
{
	struct policy_step *s = pool_push(p->pool, &p->steps, &p->n, &p->cap, sizeof *s);

	if (!s)
		return err_nomem(e);
	*s = *step;
	*ret_step = p->n - 1;
	return 0;
}

int policy_add_pcr(struct policy *p, size_t from, const struct policy_selection *selection,
		   const struct pcr_values *values, const char *label, size_t *ret_step,
		   struct pcrcast_error *e)
{
	struct policy_step s = { .kind = POLICY_STEP_PCR, .from = from, .label = label };

	/* A bank without a register would still be hashed as part of the selection. */
	for (size_t i = 0; i < selection->n; i++)
		if (selection->banks[i].pcrs)
			s.selection.banks[s.selection.n++] = selection->banks[i];
	s.digest = from == POLICY_FROM_START ? policy_start(p->session) : p->steps[from].digest;
	int rc = policy_pcr(&s.digest, &s.selection, values, &s.values, e);
	return rc < 0 ? rc : add_step(p, &s, ret_step, e);
}

static int add_one_or(struct policy *p, const size_t *branches, size_t n, size_t *ret_step,
		      struct pcrcast_error *e)
{
	struct policy_step s = { .kind = POLICY_STEP_OR, .from = POLICY_FROM_START, .n_branches = n };
	struct digest digests[POLICY_OR_MAX];

	for (size_t i = 0; i < n; i++) {
		s.branches[i] = branches[i];
		digests[i] = p->steps[branches[i]].digest;
	}
	int rc = policy_or(digests, n, &s.digest, e);
	return rc < 0 ? rc : add_step(p, &s, ret_step, e);
}

struct keyed {
	struct digest digest;
	size_t place;
};

static int by_digest(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;
	int c = memcmp(x->digest.bytes, y->digest.bytes, sizeof x->digest.bytes);

	return c ? c : (x->place > y->place) - (x->place < y->place);
}

/*
 * The places of the first of equal digests among the n of k (whose places are 0, 1, …; their unused bytes are zero), in
 * order, as *ret, which is from pool. 0: memory gave out. k is left in another order.
 */
static size_t first_places(struct pool *pool, struct keyed *k, size_t n, size_t **ret)
{
	size_t *places = pool_array(pool, n, sizeof *places), left = 0;

	if (!places)
		return 0;
	qsort(k, n, sizeof *k, by_digest);
	for (size_t i = 0; i < n; i++)
		places[k[i].place] = i == 0 || memcmp(k[i].digest.bytes, k[i - 1].digest.bytes,
						      sizeof k[i].digest.bytes) != 0;
	for (size_t i = 0; i < n; i++)
		if (places[i])
			places[left++] = i;
	*ret = places;
	return left;
}

int policy_add_or(struct policy *p, const size_t *alternatives, size_t n, size_t *ret_step,
		  struct pcrcast_error *e)
{
	if (n == 0 || n > POLICY_MAX_ALTERNATIVES)
		return err_set(e, n ? PCRCAST_ELIMIT : PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "a policy takes 1 to %d alternatives, not %zu", POLICY_MAX_ALTERNATIVES, n);
	struct keyed *keyed = pool_array(p->pool, n, sizeof *keyed);
	size_t *level;

	for (size_t i = 0; keyed && i < n; i++)
		keyed[i] = (struct keyed){ p->steps[alternatives[i]].digest, i };
	n = keyed ? first_places(p->pool, keyed, n, &level) : 0;
	if (n == 0)
		return err_nomem(e);
	for (size_t i = 0; i < n; i++)
		level[i] = alternatives[level[i]];

	while (n > 1) { /* each level in place of the one below: at most an eighth of it, and one */
		size_t up = 0;

		for (size_t i = 0; i < n; i += POLICY_OR_MAX) {
			size_t group = n - i < POLICY_OR_MAX ? n - i : POLICY_OR_MAX, step = level[i];
			int rc = group == 1 ? 0 : add_one_or(p, level + i, group, &step, e);

			if (rc < 0)
				return rc;
			level[up++] = step;
		}
		n = up;
	}
	*ret_step = level[0];
	return 0;
}

/* ---- a set of reference values ---- */

/* The places of a register's different values, in their order; 0: memory gave out. */
static size_t distinct_values(struct pool *pool, const struct golden_register *r, size_t **ret)
{
	struct keyed *k = pool_array(pool, r->n, sizeof *k);

	for (size_t i = 0; k && i < r->n; i++) {
		k[i].place = i;
		memcpy(k[i].digest.bytes, r->values[i].bytes, algs[r->alg].len);
	}
	return k ? first_places(pool, k, r->n, ret) : 0;
}

/* How many different values a register has, at least one. */
static int count_values(struct pool *pool, const struct golden_set *set, enum alg alg, unsigned pcr,
			enum policy_combination combination, size_t *ret, struct pcrcast_error *e)
{
	const struct golden_register *r = golden_find(set, alg, pcr);
	size_t *places, n;

	if (!r || r->n == 0)
		return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
			       "there is no value of %s:%u for a policy", algs[alg].name, pcr);
	n = distinct_values(pool, r, &places);
	if (n == 0)
		return err_nomem(e);
	if (n > POLICY_OR_MAX && combination == POLICY_PCRLOCK)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "%s:%u has more than %d values, and systemd-pcrlock refuses a policy "
			       "with more (E2BIG)",
			       algs[alg].name, pcr, POLICY_OR_MAX);
	*ret = n;
	return 0;
}

/* Split a selection into registers with one value (which *ret_values has then) and with several. */
static int sort_out(struct pool *pool, const struct golden_set *set, const struct policy_selection *selection,
		    enum policy_combination combination, struct policy_selection *ret_single,
		    struct policy_selection *ret_several, struct pcr_values *ret_values,
		    struct pcrcast_error *e)
{
	*ret_single = *ret_several = (struct policy_selection){ .n = selection->n };
	memset(ret_values, 0, sizeof *ret_values);
	for (size_t i = 0; i < selection->n; i++) {
		enum alg alg = selection->banks[i].alg;

		ret_single->banks[i].alg = ret_several->banks[i].alg = alg;
		for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
			size_t n = 0;

			if (!(selection->banks[i].pcrs & 1u << pcr))
				continue;
			int r = count_values(pool, set, alg, pcr, combination, &n, e);
			if (r < 0)
				return r;
			if (n > 1) {
				ret_several->banks[i].pcrs |= 1u << pcr;
				continue;
			}
			ret_single->banks[i].pcrs |= 1u << pcr;
			ret_values->known[alg] |= 1u << pcr;
			memcpy(ret_values->value[alg][pcr], golden_find(set, alg, pcr)->values[0].bytes,
			       algs[alg].len);
		}
	}
	return 0;
}

/* A PolicyPCR for each value of a register, after step from, and a PolicyOR over them. */
static int add_values(struct policy *p, const struct golden_register *r, size_t from, size_t *ret_step,
		      struct pcrcast_error *e)
{
	const struct policy_selection one = { .banks = { { r->alg, 1u << r->index } }, .n = 1 };
	struct pcr_values values = { 0 };
	size_t *places, n = distinct_values(p->pool, r, &places);

	if (n == 0)
		return err_nomem(e);
	values.known[r->alg] = 1u << r->index;
	for (size_t i = 0; i < n; i++) {
		const struct golden_value *v = &r->values[places[i]];

		memcpy(values.value[r->alg][r->index], v->bytes, algs[r->alg].len);
		int rc = policy_add_pcr(p, from, &one, &values, v->label, &places[i], e);
		if (rc < 0)
			return rc;
	}
	return policy_add_or(p, places, n, ret_step, e);
}

int policy_add_set(struct policy *p, const struct golden_set *set, const struct policy_selection *selection,
		   enum policy_combination combination, const char *label, size_t *ret_step,
		   struct pcrcast_error *e)
{
	struct policy_selection single, several;
	struct pcr_values *values = pool_new(p->pool, struct pcr_values);
	size_t at = POLICY_FROM_START;
	uint32_t any = 0, any_single = 0;

	if (!values)
		return err_nomem(e);
	if (set->cc)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "a TPM policy is about PCRs, and these are registers of a confidential VM");
	int rc = sort_out(p->pool, set, selection, combination, &single, &several, values, e);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < selection->n; i++) {
		any |= selection->banks[i].pcrs;
		any_single |= single.banks[i].pcrs;
	}
	if (combination == POLICY_PCRLOCK && selection->n > 1)
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "systemd-pcrlock's policy is about one bank, not %zu", selection->n);
	if (any_single || !any) /* an empty selection is refused there */
		rc = policy_add_pcr(p, at, &single, values, label, &at, e);
	for (size_t i = 0; i < several.n; i++)
		for (unsigned pcr = 0; rc == 0 && pcr < PCR_COUNT; pcr++)
			if (several.banks[i].pcrs & 1u << pcr)
				rc = add_values(p, golden_find(set, several.banks[i].alg, pcr), at, &at, e);
	if (rc < 0)
		return rc;
	*ret_step = at;
	return 0;
}

struct policy_selection policy_select(const struct golden_set *set, alg_set banks, uint32_t pcrs, bool named)
{
	struct policy_selection s = { .n = 0 };

	for (enum alg a = 0; a < ALG_COUNT; a++) {
		uint32_t mask = 0;

		for (size_t i = 0; banks & 1u << a && i < set->n_registers; i++) {
			const struct golden_register *r = &set->registers[i];

			if (r->alg == a && r->index < PCR_COUNT && r->n && (named || !r->warn_only))
				mask |= 1u << r->index;
		}
		if (mask & pcrs)
			s.banks[s.n++] = (struct policy_bank){ a, mask & pcrs };
	}
	return s;
}
