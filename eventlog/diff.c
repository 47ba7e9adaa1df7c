#define _GNU_SOURCE
#include "eventlog/diff.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "eventlog/diff_words.h"

enum {
	/* Cells of an exact alignment's table, two bytes each: a register with 1000 events in both logs, more than boots have. */
	TABLE_MAX = 1 << 20,
	/* Differences that are told in words; who has more of them compares logs of different machines. */
	WORDS_MAX = 10000,
};

const char *change_name(enum change c)
{
	static const char *const names[] = {
		[CHANGE_CHANGED] = "changed",
		[CHANGE_ADDED] = "added",
		[CHANGE_REMOVED] = "removed",
		[CHANGE_MOVED] = "moved",
	};

	return names[c];
}

/* ---- units: what is compared ---- */

enum { NONE = UINT32_MAX };

/* An event, or the two of a section. */
struct unit {
	uint32_t pcr;
	uint32_t id;      /* equal units of a register have equal ids; not set in an equal head or tail */
	uint32_t partner; /* the unit of the other log that is this one, perhaps changed or moved; NONE */
	uint32_t gap;     /* how many units before it are the same in both logs */
	size_t event;     /* the one that holds the content: the last */
	bool section;     /* two events: event - and the one before it of this register */
	bool same;        /* as its partner, and in order */
	bool moved;       /* as its partner, but elsewhere */
	const struct event *first, *last;
};

struct units {
	const struct eventlog *log;
	struct unit *items; /* by register, then in order */
	size_t n;
};

struct diff {
	struct pool *pool; /* results */
	struct pool *scratch;
	struct units sides[2];                        /* a, b */
	struct eventlog_alg banks[EVENTLOG_MAX_ALGS]; /* those that both logs have */
	size_t n_banks;
	struct eventlog_alg shown; /* the bank for words */
	struct log_diff out;
};

/* The name of a section as systemd-stub logs it: UTF-16 with its NUL, ".linux" (systemd 252 to 262, measure.c). */
static bool is_section_name(const struct event *ev)
{
	size_t n = ev->data.n;

	return ev->type == EV_IPL && ev->content == CONTENT_PCCLIENT && n >= 6 && n % 2 == 0 &&
	       get_u16le(ev->data.p) == '.' && get_u16le(ev->data.p + n - 2) == 0;
}

struct event_at {
	uint32_t pcr;
	size_t index;
};

static int by_register(const void *x, const void *y)
{
	const struct event_at *a = x, *b = y;

	if (a->pcr != b->pcr)
		return a->pcr < b->pcr ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static int make_units(struct diff *d, const struct eventlog *log, struct units *ret, struct pcrcast_error *e)
{
	size_t n = log->n_events;
	struct event_at *at = pool_array(d->scratch, n + 1, sizeof *at);
	struct unit *items = pool_array(d->scratch, n + 1, sizeof *items);

	if (n >= NONE)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET, "%zu events, at most %u are compared", n,
			       (unsigned)NONE);
	if (!at || !items)
		return err_nomem(e);
	for (size_t i = 0; i < n; i++)
		at[i] = (struct event_at){ log->events[i].pcr, i };
	qsort(at, n, sizeof *at, by_register);
	*ret = (struct units){ .log = log, .items = items };
	for (size_t i = 0; i < n; i++) {
		const struct event *ev = &log->events[at[i].index],
				   *next = i + 1 < n ? &log->events[at[i + 1].index] : NULL;
		struct unit *u = &items[ret->n++];

		*u = (struct unit){
			.pcr = ev->pcr, .partner = NONE, .event = at[i].index, .first = ev, .last = ev
		};
		if (next && next->pcr == ev->pcr && is_section_name(ev) && is_section_name(next) &&
		    slice_equal(ev->data, next->data)) {
			u->section = true;
			u->last = next;
			u->event = at[++i].index;
		}
	}
	return 0;
}

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

/* The part of each log's units that is about one register. */
struct span {
	size_t from, n;
};

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

/* ---- alignment: which units are the same in both logs, in order ---- */

static void mark_same(struct diff *d, size_t a, size_t b)
{
	struct unit *u = &d->sides[0].items[a], *v = &d->sides[1].items[b];

	u->same = v->same = true;
	u->partner = (uint32_t)b;
	v->partner = (uint32_t)a;
}

/* The longest common subsequence, by its textbook table; cells count the matches from a place to the ends. */
static int align_exactly(struct diff *d, struct span a, struct span b, struct pcrcast_error *e)
{
	const struct unit *u = d->sides[0].items + a.from, *v = d->sides[1].items + b.from;
	size_t width = b.n + 1;
	uint16_t *table =
		calloc((a.n + 1) * width, sizeof *table); /* at most TABLE_MAX: no count passes 1024 */

	if (!table)
		return err_nomem(e);
	for (size_t i = a.n; i-- > 0;)
		for (size_t j = b.n; j-- > 0;) {
			uint16_t down = table[(i + 1) * width + j], right = table[i * width + j + 1];

			table[i * width + j] = u[i].id == v[j].id ?
						       (uint16_t)(table[(i + 1) * width + j + 1] + 1) :
					       down > right ? down :
							      right;
		}
	for (size_t i = 0, j = 0; i < a.n && j < b.n;) {
		if (u[i].id == v[j].id)
			mark_same(d, a.from + i++, b.from + j++);
		else if (table[(i + 1) * width + j] >= table[i * width + j + 1])
			i++;
		else
			j++;
	}
	free(table);
	return 0;
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
	memset(first, 0xff, ((size_t)n_ids + 1) * sizeof *first); /* NONE */
	for (size_t j = b.n; j-- > 0;) {
		next[j] = first[v[j].id];
		first[v[j].id] = (uint32_t)j;
	}
	for (size_t i = 0; i < a.n; i++) {
		to[i] = first[u[i].id];
		if (to[i] == NONE)
			continue;
		first[u[i].id] = next[to[i]];

		size_t low = 0, high = n_tails;
		while (low < high) {
			size_t mid = low + (high - low) / 2;

			if (to[tails[mid]] < to[i])
				low = mid + 1;
			else
				high = mid;
		}
		before[i] = low ? tails[low - 1] : NONE;
		tails[low] = (uint32_t)i;
		if (low == n_tails)
			n_tails++;
	}
	for (uint32_t i = n_tails ? tails[n_tails - 1] : NONE; i != NONE; i = before[i])
		mark_same(d, a.from + i, b.from + to[i]);
	return 0;
}

static bool units_equal(struct diff *d, size_t a, size_t b)
{
	struct entry x = make_entry(d, 0, a), y = make_entry(d, 1, b);

	return content_order(&x, &y, d) == 0;
}

/* Equal heads and tails first: as a rule that is all, and costs no sorting. */
static int align(struct diff *d, struct span a, struct span b, struct pcrcast_error *e)
{
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
	return a.n + 1 <= TABLE_MAX / (b.n + 1) ? align_exactly(d, a, b, e) :
						  align_roughly(d, a, b, n_ids, e);
}

/* ---- pairs: which of the other units are one thing ---- */

struct candidate {
	uint64_t key, second_key;
	uint32_t index;
	unsigned side;
};

static int by_keys(const void *x, const void *y)
{
	const struct candidate *a = x, *b = y;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	if (a->second_key != b->second_key)
		return a->second_key < b->second_key ? -1 : 1;
	if (a->side != b->side)
		return a->side < b->side ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

/* What pairs units that are not the same, tried in this order. The two keys; false: not a candidate. */
static bool key_content(const struct diff *d, const struct candidate *c, const struct unit *u,
			uint64_t ret[static 2])
{
	(void)d;
	(void)c;
	ret[0] = u->id;
	ret[1] = 0;
	return true;
}

static bool key_role_and_gap(const struct diff *d, const struct candidate *c, const struct unit *u,
			     uint64_t ret[static 2])
{
	(void)d;
	(void)c;
	ret[0] = diff_role_of(u->last).hash + u->section;
	ret[1] = u->gap;
	return true;
}

static bool key_role(const struct diff *d, const struct candidate *c, const struct unit *u,
		     uint64_t ret[static 2])
{
	struct diff_role role = diff_role_of(u->last);

	(void)d;
	(void)c;
	ret[0] = role.hash + u->section;
	ret[1] = 0;
	return role.names;
}

static bool key_stand_in_and_gap(const struct diff *d, const struct candidate *c, const struct unit *u,
				 uint64_t ret[static 2])
{
	ret[1] = u->gap;
	return !u->section && diff_stand_in((struct diff_side){ d->sides[c->side].log, u->last }, &ret[0]);
}

static bool (*const keys[])(const struct diff *d, const struct candidate *c, const struct unit *u,
			    uint64_t ret[static 2]) = {
	key_content,
	key_role_and_gap,
	key_role,
	key_stand_in_and_gap,
};

static void pair(struct diff *d, const struct span s[static 2], size_t which, struct candidate *list)
{
	size_t n = 0;

	for (unsigned side = 0; side < 2; side++)
		for (size_t i = s[side].from; i < s[side].from + s[side].n; i++) {
			const struct unit *u = &d->sides[side].items[i];
			struct candidate c = { .index = (uint32_t)i, .side = side };
			uint64_t key[2];

			if (u->partner != NONE || !keys[which](d, &c, u, key))
				continue;
			c.key = key[0];
			c.second_key = key[1];
			list[n++] = c;
		}
	qsort(list, n, sizeof *list, by_keys);
	for (size_t i = 0; i < n;) {
		size_t a = i, b, end;

		for (b = a; b < n && list[b].side == 0 && list[b].key == list[a].key &&
			    list[b].second_key == list[a].second_key;
		     b++)
			;
		for (end = b; end < n && list[end].side == 1 && list[end].key == list[a].key &&
			      list[end].second_key == list[a].second_key;
		     end++)
			;
		for (size_t k = b; a < b && k < end; a++, k++) {
			struct unit *u = &d->sides[0].items[list[a].index],
				    *v = &d->sides[1].items[list[k].index];

			u->partner = list[k].index;
			v->partner = list[a].index;
			u->moved = v->moved = which == 0;
		}
		i = end;
	}
}

static int pair_rest(struct diff *d, const struct span s[static 2], struct pcrcast_error *e)
{
	struct candidate *list = pool_array(d->scratch, s[0].n + s[1].n + 1, sizeof *list);

	if (!list)
		return err_nomem(e);
	for (unsigned side = 0; side < 2; side++) {
		uint32_t gap = 0;

		for (size_t i = s[side].from; i < s[side].from + s[side].n; i++) {
			gap += d->sides[side].items[i].same;
			d->sides[side].items[i].gap = gap;
		}
	}
	for (size_t which = 0; which < sizeof keys / sizeof keys[0]; which++)
		pair(d, s, which, list);
	return 0;
}

/* ---- results ---- */

static const char *words(struct diff *d, const struct unit *u, const struct unit *v,
			 const struct span s[static 2])
{
	struct diff_side a = { d->sides[0].log, u ? u->last : NULL },
			 b = { d->sides[1].log, v ? v->last : NULL };
	char buf[11];

	if (d->out.n >= WORDS_MAX) {
		const char *name = event_type_name(u ? u->last->type : v->last->type, buf);

		return name == buf ? "event of unknown type" : name;
	}
	if (!u || !v)
		return diff_words_single(d->pool, &d->shown, u ? a : b, u ? u->section : v->section);
	if (u->moved)
		return diff_words_moved(d->pool, a, u->section, (size_t)(u - d->sides[0].items) - s[0].from,
					(size_t)(v - d->sides[1].items) - s[1].from);
	return diff_words_changed(d->pool, &d->shown, a, b, u->section);
}

static int report(struct diff *d, const struct unit *u, const struct unit *v, const struct span s[static 2],
		  struct pcrcast_error *e)
{
	const char *description = words(d, u, v, s);
	struct difference *item =
		description ? pool_push(d->pool, &d->out.items, &d->out.n, &d->out.cap, sizeof *item) : NULL;

	if (!item)
		return err_nomem(e);
	*item = (struct difference){
		.pcr = u ? u->pcr : v->pcr,
		.change = !u       ? CHANGE_ADDED :
			  !v       ? CHANGE_REMOVED :
			  u->moved ? CHANGE_MOVED :
				     CHANGE_CHANGED,
		.a = u ? u->event : SIZE_MAX,
		.b = v ? v->event : SIZE_MAX,
		.description = description,
	};
	return 0;
}

static int report_register(struct diff *d, const struct span s[static 2], struct pcrcast_error *e)
{
	const struct unit *u = d->sides[0].items + s[0].from, *u_end = u + s[0].n;
	const struct unit *v = d->sides[1].items + s[1].from, *v_end = v + s[1].n;
	int r = 0;

	while (r == 0 && (u < u_end || v < v_end)) {
		if (u < u_end && !u->same) {
			r = report(d, u, u->partner == NONE ? NULL : &d->sides[1].items[u->partner], s, e);
			u++;
		} else if (v < v_end && !v->same) {
			if (v->partner == NONE)
				r = report(d, NULL, v, s, e);
			v++;
		} else {
			u++;
			v++;
		}
	}
	return r;
}

/* ---- registers ---- */

bool eventlog_is_whole(const struct eventlog *log)
{
	uint32_t first = log->kind == EVENTLOG_CC ? 1 : 0;

	for (size_t i = 0; i < log->n_events; i++)
		if (log->events[i].pcr == first && log->events[i].content == CONTENT_PCCLIENT &&
		    log->events[i].type != EV_NO_ACTION)
			return true;
	return false;
}

static size_t count_events(const struct diff *d, unsigned side, struct span s)
{
	size_t n = 0;

	for (size_t i = s.from; i < s.from + s.n; i++)
		n += d->sides[side].items[i].section ? 2 : 1;
	return n;
}

static int note_not_compared(struct diff *d, uint32_t pcr, const struct span s[static 2],
			     struct pcrcast_error *e)
{
	struct register_not_compared *x = pool_push(d->pool, &d->out.not_compared, &d->out.n_not_compared,
						    &d->out.cap_not_compared, sizeof *x);

	if (!x)
		return err_nomem(e);
	*x = (struct register_not_compared){ pcr, count_events(d, 0, s[0]), count_events(d, 1, s[1]) };
	return 0;
}

static int compare_register(struct diff *d, const struct span s[static 2], struct pcrcast_error *e)
{
	int r = align(d, s[0], s[1], e);
	if (r == 0)
		r = pair_rest(d, s, e);
	return r < 0 ? r : report_register(d, s, e);
}

static struct span take_register(const struct units *x, size_t from, uint32_t pcr)
{
	struct span s = { from, 0 };

	while (from + s.n < x->n && x->items[from + s.n].pcr == pcr)
		s.n++;
	return s;
}

static int compare_all(struct diff *d, const uint32_t *pcrs, struct pcrcast_error *e)
{
	const struct units *a = &d->sides[0], *b = &d->sides[1];
	bool whole_a = eventlog_is_whole(a->log), whole_b = eventlog_is_whole(b->log);
	struct span s[2] = { { 0, 0 }, { 0, 0 } };
	int r = 0;

	while (r == 0 && (s[0].from < a->n || s[1].from < b->n)) {
		uint32_t pcr = s[0].from < a->n ? a->items[s[0].from].pcr : UINT32_MAX;

		if (s[1].from < b->n && b->items[s[1].from].pcr < pcr)
			pcr = b->items[s[1].from].pcr;
		s[0] = take_register(a, s[0].from, pcr);
		s[1] = take_register(b, s[1].from, pcr);
		bool chosen = !pcrs || (pcr < 32 && *pcrs & UINT32_C(1) << pcr);
		bool silent = (s[0].n == 0 && !whole_a && whole_b) || (s[1].n == 0 && !whole_b && whole_a);

		if (chosen)
			r = silent && !pcrs ? note_not_compared(d, pcr, s, e) : compare_register(d, s, e);
		s[0].from += s[0].n;
		s[1].from += s[1].n;
	}
	return r;
}

/* ---- the whole ---- */

static int choose_banks(struct diff *d, const struct eventlog *a, const struct eventlog *b,
			struct pcrcast_error *e)
{
	for (size_t i = 0; i < a->n_algs; i++)
		for (size_t j = 0; j < b->n_algs; j++)
			if (a->algs[i].id == b->algs[j].id && a->algs[i].len == b->algs[j].len)
				d->banks[d->n_banks++] = a->algs[i];
	/* a log without events announces what it likes, a log of no kind nothing: there is nothing to compare then */
	if (d->n_banks == 0 && a->n_events && b->n_events)
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "the logs have no bank in common, so their events cannot be compared");
	if (d->n_banks)
		d->shown = d->banks[0];
	for (size_t i = 0; i < d->n_banks; i++)
		if (d->banks[i].id == algs[ALG_SHA256].tpm_id)
			d->shown = d->banks[i];
	return 0;
}

int eventlog_diff(struct pool *pool, const struct eventlog *a, const struct eventlog *b, const uint32_t *pcrs,
		  struct log_diff *ret, struct pcrcast_error *e)
{
	struct pool scratch = POOL_INIT;
	struct diff d = { .pool = pool, .scratch = &scratch };

	if ((a->kind == EVENTLOG_CC) != (b->kind == EVENTLOG_CC))
		return err_set(
			e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			"one log is about PCRs, the other about CC measurement registers: their events cannot be compared");
	int r = choose_banks(&d, a, b, e);
	if (r == 0)
		r = make_units(&d, a, &d.sides[0], e);
	if (r == 0)
		r = make_units(&d, b, &d.sides[1], e);
	if (r == 0)
		r = compare_all(&d, pcrs, e);
	pool_done(&scratch);
	if (r == 0)
		*ret = d.out;
	return r;
}
