/*
 * Comparing reference values: register by register, then the choice among several sets.
 */
#define _GNU_SOURCE
#include "golden/compare.h"

#include <stdio.h>
#include <stdlib.h>

#include "golden/compare_parts.h"

const char *golden_result_name(enum golden_result result)
{
	static const char *const names[GOLDEN_RESULTS] = {
		[GOLDEN_SAME] = "same",
		[GOLDEN_DIFFERS] = "differs",
		[GOLDEN_MISSING] = "missing",
		[GOLDEN_EXTRA] = "extra",
		[GOLDEN_NOT_COMPARED] = "not-compared",
	};

	return names[result];
}

const char *golden_verdict_name(enum golden_verdict verdict)
{
	static const char *const names[] = {
		[VERDICT_SAME] = "same", [VERDICT_DIFFERENT] = "different", [VERDICT_UNDECIDED] = "undecided"
	};

	return names[verdict];
}

int golden_set_name(struct pool *pool, const struct golden_set *s, const char **ret, struct pcrcast_error *e)
{
	const struct golden_identity *id = &s->id;

	if (id->csp && id->variant) {
		*ret = pool_printf(pool, "%s/%s", id->csp, id->variant);
		return *ret ? 0 : err_nomem(e);
	}
	*ret = id->csp ? id->csp : id->variant ? id->variant : id->image;
	return 0;
}

const char *bank_names(alg_set banks, char buf[static 32])
{
	size_t used = 0;

	buf[0] = '\0';
	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		if (banks & 1u << alg)
			used += (size_t)snprintf(buf + used, 32 - used, "%s%s", used ? ", " : "",
						 algs[alg].name);
	return buf;
}

int compare_note(struct pool *pool, struct golden_comparison *c, struct pcrcast_error *e, const char *fmt,
		 ...)
{
	va_list ap;

	va_start(ap, fmt);
	bool ok = pool_push_text(pool, &c->notes, &c->n_notes, &c->cap_notes, fmt, ap);
	va_end(ap);
	return ok ? 0 : err_nomem(e);
}

/* ---- values ---- */

static int label_order(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

static int by_value(const void *x, const void *y, void *len)
{
	const struct golden_value *a = *(const struct golden_value *const *)x,
				  *b = *(const struct golden_value *const *)y;
	int r = memcmp(a->bytes, b->bytes, *(const size_t *)len);

	return r ? r : label_order(a->label, b->label);
}

/* WANT's value that accepts v: one with its label if there is one, else the first by label. NULL: none. */
static const struct golden_value *find_value(const struct golden_value *const *sorted, size_t n, size_t len,
					     const struct golden_value *v)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (by_value(&sorted[mid], &v, &len) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < n && memcmp(sorted[low]->bytes, v->bytes, len) == 0)
		return sorted[low];
	/* all with these bytes have a lesser label, or there are none */
	return low > 0 && memcmp(sorted[low - 1]->bytes, v->bytes, len) == 0 ? sorted[low - 1] : NULL;
}

static int compare_values(struct pool *scratch, struct golden_register_result *item, struct pcrcast_error *e)
{
	const struct golden_register *want = item->want, *got = item->got;
	const struct golden_value **sorted = pool_array(scratch, want->n + 1, sizeof *sorted), *found = NULL;
	size_t len = algs[want->alg].len;

	if (!sorted)
		return err_nomem(e);
	for (size_t i = 0; i < want->n; i++)
		sorted[i] = &want->values[i];
	qsort_r(sorted, want->n, sizeof *sorted, by_value, &len);
	for (size_t i = 0; i < got->n; i++) {
		found = find_value(sorted, want->n, len, &got->values[i]);
		if (found)
			item->n_accepted++;
		else if (!item->rejected)
			item->rejected = &got->values[i];
	}
	item->match = got->n == 1 ? found : NULL;
	item->result = item->n_accepted == got->n ? GOLDEN_SAME : GOLDEN_DIFFERS;
	return 0;
}

/* ---- one set ---- */

struct comparing {
	struct pool *pool, *scratch;
	const struct golden_compare_options *options;
	struct golden_comparison *c;
	struct log_facts *facts;       /* of got */
	alg_set want_banks, got_banks; /* of them, those that were asked for */
	struct pcrcast_error *e;
};

static bool selected(const struct comparing *x, const struct golden_register *r)
{
	return (!x->options->banks || x->options->banks & 1u << r->alg) &&
	       (!x->options->has_pcrs || x->options->pcrs & UINT32_C(1) << r->index);
}

static struct golden_register_result *add_item(struct comparing *x, enum alg alg, uint32_t index,
					       enum golden_result result)
{
	struct golden_comparison *c = x->c;
	struct golden_register_result *item = pool_push(x->pool, &c->items, &c->n, &c->cap, sizeof *item);

	if (item) {
		*item = (struct golden_register_result){
			.alg = alg,
			.index = index,
			.result = result,
			.explanation = { .event = SIZE_MAX, .first_want = SIZE_MAX, .first_got = SIZE_MAX }
		};
	} else {
		err_nomem(x->e);
	}
	return item;
}

/* Is a register, which GOT has no value of in this bank, compared in another bank, and no less strictly? */
static bool covered_elsewhere(const struct comparing *x, const struct golden_register *want)
{
	if (x->got_banks & 1u << want->alg)
		return false;
	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		const struct golden_register *other = golden_find(x->c->want, alg, want->index);

		if (x->want_banks & x->got_banks & 1u << alg && other &&
		    (want->warn_only || !other->warn_only) && golden_find(x->c->got, alg, want->index))
			return true;
	}
	return false;
}

static int compare_register(struct comparing *x, const struct golden_register *want)
{
	const struct golden_register *got = golden_find(x->c->got, want->alg, want->index);
	struct golden_register_result *item = add_item(x, want->alg, want->index, GOLDEN_MISSING);
	int r = 0;

	if (!item)
		return -PCRCAST_ENOMEM;
	if (!got && x->options->log_counts) {
		r = log_tells_register(x->pool, x->c->got, x->facts, want->alg, want->index, &got, x->e);
		item->got_from_log = got != NULL;
	}
	item->want = want;
	item->got = got;
	item->warn_only = want->warn_only;
	if (r == 0 && got)
		return compare_values(x->scratch, item, x->e);
	if (r == 0 && covered_elsewhere(x, want)) {
		item->result = GOLDEN_NOT_COMPARED;
		item->explanation.reason = REASON_NO_BANK;
	}
	return r;
}

static bool in_policy(const struct golden_set *s, const struct golden_register *r)
{
	for (size_t i = 0; i < s->n_policies; i++)
		if (s->policies[i].pcrs & UINT32_C(1) << r->index)
			return true;
	return false;
}

/* Registers that --pcr names, but WANT says nothing of, are no match; the rest that only GOT has is told. */
static int add_others(struct comparing *x)
{
	const struct golden_set *want = x->c->want, *got = x->c->got;
	alg_set both = x->want_banks & x->got_banks;
	uint32_t known = 0;

	for (size_t i = 0; i < want->n_registers; i++)
		known |= selected(x, &want->registers[i]) ? UINT32_C(1) << want->registers[i].index : 0;
	uint32_t asked = x->options->has_pcrs && want->n_registers ? x->options->pcrs & ~known : 0;
	enum alg first = 0;
	while (first < ALG_SHA512 && !(both & 1u << first))
		first++;
	for (uint32_t i = 0; i < 32; i++) {
		struct golden_register_result *item;

		if (!(asked & UINT32_C(1) << i))
			continue;
		item = add_item(x, first, i, GOLDEN_NOT_COMPARED);
		if (!item)
			return -PCRCAST_ENOMEM;
		item->got = golden_find(got, first, i);
		item->explanation.reason = REASON_NOT_WANTED;
	}
	for (size_t i = 0; i < got->n_registers; i++) {
		const struct golden_register *r = &got->registers[i];
		struct golden_register_result *item;

		if (!selected(x, r) || golden_find(want, r->alg, r->index) ||
		    asked & UINT32_C(1) << r->index || (want->n_registers == 0 && in_policy(want, r)))
			continue;
		item = add_item(x, r->alg, r->index, GOLDEN_EXTRA);
		if (!item)
			return -PCRCAST_ENOMEM;
		item->got = r;
	}
	return 0;
}

static int by_register(const void *a, const void *b)
{
	const struct golden_register_result *x = a, *y = b;

	return x->alg != y->alg ? (x->alg < y->alg ? -1 : 1) : (x->index > y->index) - (x->index < y->index);
}

static int check_banks(struct comparing *x)
{
	const struct golden_set *sets[] = { x->c->want, x->c->got };
	alg_set asked = x->options->banks, *banks[] = { &x->want_banks, &x->got_banks };
	char a[32], b[32];

	for (size_t i = 0; i < 2; i++) {
		alg_set all = golden_banks(sets[i]);

		*banks[i] = asked ? all & asked : all;
		if (all && asked & ~all)
			return err_set(x->e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
				       "%s has no values of %s, only of %s",
				       i ? "what was got" : "what is wanted", bank_names(asked & ~all, a),
				       bank_names(all, b));
	}
	if (x->want_banks && x->got_banks && !(x->want_banks & x->got_banks))
		return err_set(x->e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "no bank in common: what is wanted is of %s, what was got of %s",
			       bank_names(x->want_banks, a), bank_names(x->got_banks, b));
	return 0;
}

/* Counts, and what they mean together. */
static void conclude(struct golden_comparison *c)
{
	bool compared = false, open = false, enforced = false;

	for (size_t i = 0; i < c->n; i++) {
		const struct golden_register_result *item = &c->items[i];
		bool bad = item->result == GOLDEN_DIFFERS || item->result == GOLDEN_MISSING;

		compared |= item->result == GOLDEN_SAME || item->result == GOLDEN_DIFFERS;
		enforced |= item->result == GOLDEN_SAME && !item->warn_only;
		open |= item->explanation.reason == REASON_NOT_WANTED;
		c->n_same += item->result == GOLDEN_SAME;
		c->n_missing += item->result == GOLDEN_MISSING;
		c->n_extra += item->result == GOLDEN_EXTRA;
		c->n_not_compared += item->result == GOLDEN_NOT_COMPARED;
		c->n_warnings += bad && item->warn_only;
		c->n_failed += bad && !item->warn_only;
	}
	/* warnings alone accept whatever there is */
	open |= c->n_warnings && !enforced;
	for (size_t i = 0; i < c->n_policies; i++) {
		enum golden_result result = c->policies[i].result;

		compared |= result == GOLDEN_SAME || result == GOLDEN_DIFFERS;
		c->n_same += result == GOLDEN_SAME;
		c->n_missing += result == GOLDEN_MISSING;
		c->n_not_compared += result == GOLDEN_NOT_COMPARED;
		c->n_failed += result == GOLDEN_DIFFERS || result == GOLDEN_MISSING;
	}
	if (c->has_claims) {
		compared |= c->claims == GOLDEN_SAME || c->claims == GOLDEN_DIFFERS;
		c->n_same += c->claims == GOLDEN_SAME;
		c->n_failed += c->claims == GOLDEN_DIFFERS;
		c->n_not_compared += c->claims == GOLDEN_NOT_COMPARED;
	}
	c->verdict = !compared   ? VERDICT_UNDECIDED :
		     c->n_failed ? VERDICT_DIFFERENT :
		     open        ? VERDICT_UNDECIDED :
				   VERDICT_SAME;
}

static int compare_set(struct comparing *x)
{
	const struct golden_set *want = x->c->want;
	struct golden_comparison *c = x->c;

	if (want->cc != c->got->cc)
		return err_set(x->e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "what is wanted is about %s, what was got about %s",
			       want->cc ? "CC measurement registers" : "PCRs",
			       c->got->cc ? "CC measurement registers" : "PCRs");
	int r = check_banks(x);
	/* a GOT of policies only tells of WANT's policies, and of values that WANT states instead of such */
	bool values = c->got->n_registers > 0 || c->got->n_policies == 0 || want->n_policies > 0;

	for (size_t i = 0; i < want->n_registers && r == 0 && values; i++)
		if (selected(x, &want->registers[i]))
			r = compare_register(x, &want->registers[i]);
	if (r == 0 && values)
		r = add_others(x);
	if (r == 0 && c->n)
		qsort(c->items, c->n, sizeof *c->items, by_register);
	if (r == 0)
		r = compare_policies(x->pool, c, x->options, x->e);
	if (r == 0)
		r = compare_claims(x->pool, c, x->e);
	if (r == 0)
		conclude(c);
	return r;
}

/* ---- several sets ---- */

static bool same_text(const char *a, const char *b)
{
	return !a || !b || strcmp(a, b) == 0;
}

/* Does a set say that it is for what got is for? */
static bool is_for(const struct golden_set *want, const struct golden_set *got)
{
	const struct golden_identity *a = &want->id, *b = &got->id;

	return ((a->csp && b->csp) || (a->variant && b->variant)) && same_text(a->csp, b->csp) &&
	       same_text(a->variant, b->variant);
}

/* Is a the better result? */
static bool nearer(const struct golden_comparison *a, const struct golden_comparison *b)
{
	static const int rank[] = { [VERDICT_SAME] = 0, [VERDICT_DIFFERENT] = 1, [VERDICT_UNDECIDED] = 2 };

	if (rank[a->verdict] != rank[b->verdict])
		return rank[a->verdict] < rank[b->verdict];
	if (a->n_failed != b->n_failed)
		return a->n_failed < b->n_failed;
	return a->n_same != b->n_same ? a->n_same > b->n_same : a->n_warnings < b->n_warnings;
}

int golden_compare(struct pool *pool, const struct golden_set *want, size_t n, const struct golden_set *got,
		   const struct golden_compare_options *options, struct golden_comparison *ret,
		   struct pcrcast_error *e)
{
	struct golden_comparison best = { 0 };
	struct log_facts facts = log_facts_of(got->log);
	struct pool scratch = POOL_INIT;
	size_t n_for = 0, compared = 0, matching = 0;
	int r = 0, refused = 0;

	for (size_t i = 0; i < n; i++)
		n_for += is_for(&want[i], got);
	for (size_t i = 0; i < n && r == 0; i++) {
		struct golden_comparison c = { .want = &want[i], .got = got, .want_index = i };
		struct comparing x = { .pool = pool,
				       .scratch = &scratch,
				       .options = options,
				       .c = &c,
				       .facts = &facts,
				       .e = e };

		if (n_for && !is_for(&want[i], got))
			continue;
		r = compare_set(&x);
		if (r == -PCRCAST_EINVAL) { /* this set cannot be compared, another one may */
			refused = r;
			r = 0;
			continue;
		}
		matching += r == 0 && c.verdict == VERDICT_SAME;
		if (r == 0 && (compared++ == 0 || nearer(&c, &best)))
			best = c;
	}
	pool_done(&scratch);
	if (r == 0 && compared == 0)
		return refused; /* e says why the last was not */
	best.n_sets = compared;
	best.n_matching = matching;
	best.others = n > 1 && n_for == 0 && (got->id.csp || got->id.variant);
	if (r == 0)
		r = compare_explain(pool, &best, e);
	if (r == 0)
		*ret = best;
	return r;
}
