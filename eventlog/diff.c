#include "eventlog/diff.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "eventlog/diff_impl.h"

/* Differences that are told in words; who has more of them compares logs of different machines. */
enum { WORDS_MAX = 10000 };

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

	if (n >= UNIT_NONE)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET, "%zu events, at most %u are compared", n,
			       (unsigned)UNIT_NONE);
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
			.pcr = ev->pcr, .partner = UNIT_NONE, .event = at[i].index, .first = ev, .last = ev
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
			r = report(d, u, u->partner == UNIT_NONE ? NULL : &d->sides[1].items[u->partner], s,
				   e);
			u++;
		} else if (v < v_end && !v->same) {
			if (v->partner == UNIT_NONE)
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
	int r = diff_align(d, s, e);
	if (r == 0)
		r = diff_pair(d, s, e);
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
