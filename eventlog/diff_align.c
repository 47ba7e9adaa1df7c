/* Which units are the same in both logs, and in order. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "base/bytes.h"
#include "eventlog/diff_impl.h"
#include "eventlog/diff_sequence.h"

/* ---- equality ---- */

static int slice_order(struct slice a, struct slice b)
{
	int r = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return r ? r : a.n < b.n ? -1 : a.n > b.n;
}

static int event_order(const struct diff *d, const struct eventlog *log_a, const struct event *a,
		       const struct eventlog *log_b, const struct event *b)
{
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->type == EV_NO_ACTION && a->content == CONTENT_PCCLIENT)
		return slice_order(a->data, b->data);
	for (size_t i = 0; i < d->n_banks; i++) {
		int r = slice_order(diff_digest(log_a, a, d->banks[i].id),
				    diff_digest(log_b, b, d->banks[i].id));

		if (r)
			return r;
	}
	return 0;
}

/* A unit of either log. */
struct entry {
	uint64_t start; /* of a digest: equal units have equal ones, so the whole is seldom looked at */
	unsigned side;
	uint32_t index; /* in sides[side].items */
};

static uint64_t digest_start(const struct diff *d, const struct eventlog *log, const struct event *ev)
{
	struct slice digest = ev->type == EV_NO_ACTION ? SLICE_EMPTY : diff_digest(log, ev, d->shown.id);

	return digest.n >= 8 ? get_u64le(digest.p) : 0;
}

static const struct unit *entry_unit(const struct diff *d, const struct entry *x)
{
	return &d->sides[x->side].items[x->index];
}

static struct entry make_entry(const struct diff *d, unsigned side, size_t index)
{
	const struct units *x = &d->sides[side];

	return (struct entry){ digest_start(d, x->log, x->items[index].last), side, (uint32_t)index };
}

/* An order in which equal units are neighbours. */
static int content_order(const void *x, const void *y, void *ctx)
{
	const struct entry *a = x, *b = y;
	const struct diff *d = ctx;
	const struct unit *u = entry_unit(d, a), *v = entry_unit(d, b);
	const struct eventlog *log_a = d->sides[a->side].log, *log_b = d->sides[b->side].log;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (u->section != v->section)
		return u->section ? 1 : -1;
	int r = event_order(d, log_a, u->last, log_b, v->last);
	return r || !u->section ? r : event_order(d, log_a, u->first, log_b, v->first);
}

static int number_units(struct diff *d, const struct span s[static 2], uint32_t *ret_n,
			struct pcrcast_error *e)
{
	size_t n = s[0].n + s[1].n, k = 0;
	struct entry *all = pool_array(d->scratch, n + 1, sizeof *all);
	uint32_t id = 0;

	if (!all)
		return err_nomem(e);
	for (unsigned side = 0; side < 2; side++)
		for (size_t i = s[side].from; i < s[side].from + s[side].n; i++)
			all[k++] = make_entry(d, side, i);
	qsort_r(all, n, sizeof *all, content_order, d);
	for (size_t i = 0; i < n; i++) {
		if (i && content_order(&all[i - 1], &all[i], d) != 0)
			id++;
		d->sides[all[i].side].items[all[i].index].id = id;
	}
	*ret_n = n ? id + 1 : 0;
	return 0;
}

/* ---- alignment ---- */

static void mark_same(struct diff *d, size_t a, size_t b)
{
	struct unit *u = &d->sides[0].items[a], *v = &d->sides[1].items[b];

	u->same = v->same = true;
	u->partner = (uint32_t)b;
	v->partner = (uint32_t)a;
}

struct spans {
	const struct unit *a, *b;
};

static bool same_id(const void *ctx, size_t a, size_t b)
{
	const struct spans *s = ctx;

	return s->a[a].id == s->b[b].id;
}

static int align_exactly(struct diff *d, struct span a, struct span b, struct pcrcast_error *e)
{
	struct spans s = { d->sides[0].items + a.from, d->sides[1].items + b.from };
	uint32_t *partner = pool_array(d->scratch, a.n + 1, sizeof *partner);

	if (!partner)
		return err_nomem(e);
	int r = sequence_align(a.n, b.n, same_id, &s, partner, e);
	for (size_t i = 0; r == 0 && i < a.n; i++)
		if (partner[i] != SEQUENCE_NONE)
			mark_same(d, a.from + i, b.from + partner[i]);
	return r;
}

/* How long the longest series is that ends before a place in b; tails are by length, so their places ascend. */
static size_t series_before(const uint32_t *tails, size_t n_tails, const uint32_t *to, uint32_t place)
{
	size_t low = 0, high = n_tails;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (to[tails[mid]] < place)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/*
 * For registers with many differences: the k-th of equal units in a is taken for the k-th in b, and of these pairs the
 * longest series stays that is in order (patience sorting). n log n; not always the longest there is when units are
 * repeated, but the exact one when none is.
 */
static int align_roughly(struct diff *d, struct span a, struct span b, uint32_t n_ids,
			 struct pcrcast_error *e)
{
	const struct unit *u = d->sides[0].items + a.from, *v = d->sides[1].items + b.from;
	uint32_t *first = pool_array(d->scratch, (size_t)n_ids + 1, sizeof *first); /* in b, by id */
	uint32_t *next = pool_array(d->scratch, b.n + 1, sizeof *next); /* the next of the same id in b */
	uint32_t *to = pool_array(d->scratch, a.n + 1, sizeof *to);     /* the place in b for each of a */
	uint32_t *before =
		pool_array(d->scratch, a.n + 1, sizeof *before); /* the one before it in its series */
	uint32_t *tails = pool_array(d->scratch, a.n + 1,
				     sizeof *tails); /* by length: the series that ends lowest in b */
	size_t n_tails = 0;

	if (!first || !next || !to || !before || !tails)
		return err_nomem(e);
	memset(first, 0xff, ((size_t)n_ids + 1) * sizeof *first); /* UNIT_NONE */
	for (size_t j = b.n; j-- > 0;) {
		next[j] = first[v[j].id];
		first[v[j].id] = (uint32_t)j;
	}
	for (size_t i = 0; i < a.n; i++) {
		to[i] = first[u[i].id];
		if (to[i] == UNIT_NONE)
			continue;
		first[u[i].id] = next[to[i]];

		size_t length = series_before(tails, n_tails, to, to[i]);
		before[i] = length ? tails[length - 1] : UNIT_NONE;
		tails[length] = (uint32_t)i;
		if (length == n_tails)
			n_tails++;
	}
	for (uint32_t i = n_tails ? tails[n_tails - 1] : UNIT_NONE; i != UNIT_NONE; i = before[i])
		mark_same(d, a.from + i, b.from + to[i]);
	return 0;
}

static bool units_equal(struct diff *d, size_t a, size_t b)
{
	struct entry x = make_entry(d, 0, a), y = make_entry(d, 1, b);

	return content_order(&x, &y, d) == 0;
}

/* Equal heads and tails first: as a rule that is all, and costs no sorting. */
int diff_align(struct diff *d, const struct span s[static 2], struct pcrcast_error *e)
{
	struct span a = s[0], b = s[1];
	uint32_t n_ids = 0;

	for (; a.n && b.n && units_equal(d, a.from, b.from); a.from++, a.n--, b.from++, b.n--)
		mark_same(d, a.from, b.from);
	for (; a.n && b.n && units_equal(d, a.from + a.n - 1, b.from + b.n - 1); a.n--, b.n--)
		mark_same(d, a.from + a.n - 1, b.from + b.n - 1);
	if (a.n == 0 || b.n == 0)
		return 0;
	int r = number_units(d, (struct span[]){ a, b }, &n_ids, e);
	if (r < 0)
		return r;
	return a.n + 1 <= SEQUENCE_TABLE_MAX / (b.n + 1) ? align_exactly(d, a, b, e) :
							   align_roughly(d, a, b, n_ids, e);
}
