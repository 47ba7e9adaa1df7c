/*
 * Why a register differs: by the events of both sides where they lead to the values, else by what can be told for certain
 * from the events of one side. Nothing is guessed: each statement was computed.
 */
#include "golden/compare_parts.h"

enum {
	/* Values of WANT from which words and events are tried: a dozen phases, some variants. */
	TRIED_VALUES_MAX = 64,
};

const char *golden_reason_name(enum golden_reason reason)
{
	static const char *const names[GOLDEN_REASONS] = {
		[REASON_NONE] = "unknown",
		[REASON_EVENTS] = "events",
		[REASON_GOT_STOPS] = "got-stops",
		[REASON_GOT_LACKS] = "got-lacks",
		[REASON_GOT_GOES_ON] = "got-goes-on",
		[REASON_GOT_ADDS] = "got-adds",
		[REASON_GOT_EXTENDED] = "got-extended",
		[REASON_WANT_EXTENDED] = "want-extended",
		[REASON_NOTHING] = "nothing-measured",
		[REASON_LOG_UNTRUE] = "log-untrue",
		[REASON_NO_DIGEST] = "no-digest",
		[REASON_NO_BANK] = "no-bank",
		[REASON_NOT_WANTED] = "not-wanted",
	};

	return names[reason];
}

int explain_line(struct pool *pool, struct golden_explanation *x, struct pcrcast_error *e, const char *fmt,
		 ...)
{
	va_list ap;

	va_start(ap, fmt);
	bool ok = pool_push_text(pool, &x->lines, &x->n, &x->cap, fmt, ap);
	va_end(ap);
	return ok ? 0 : err_nomem(e);
}

/* A register that differs, while it is looked at. */
struct explaining {
	struct pool *pool, *scratch;
	const struct golden_comparison *c;
	struct golden_register_result *item;
	const struct log_diff *diff; /* NULL: the logs were not compared */
	struct track want, got;
	bool has_want, has_got;           /* there is a track */
	bool want_explains, got_explains; /* and it leads to a value of that side, words after it perhaps */
	const uint8_t *value;             /* GOT's that is not accepted */
	struct pcrcast_error *e;
};

#define SAY(x, ...) explain_line((x)->pool, &(x)->item->explanation, (x)->e, __VA_ARGS__)

/* ---- words ---- */

/* The words between two values, as text from pool; *ret is NULL when no known ones are. */
static int words_between(struct explaining *x, const uint8_t *from, const uint8_t *to, const char **ret)
{
	const char *words = NULL;
	size_t len;

	*ret = NULL;
	if (x->c->want->cc)
		return 0; /* systemd's words are known of PCRs only */
	int r = eventlog_words_between(x->item->alg, x->item->index, from, to, false, &words, &len, x->e);
	if (r < 0 || !words)
		return r;
	*ret = pool_text(x->pool, words, len);
	return *ret ? 0 : err_nomem(x->e);
}

/* One of WANT's values, with words in one direction or the other, is GOT's. */
static int try_words(struct explaining *x, bool *ret)
{
	const struct golden_register *want = x->item->want;
	struct golden_explanation *out = &x->item->explanation;

	*ret = false;
	for (size_t i = 0; i < want->n && i < TRIED_VALUES_MAX; i++) {
		const struct golden_value *v = &want->values[i];
		const char *words, *label = v->label;

		int r = words_between(x, v->bytes, x->value, &words);
		if (r == 0 && words) {
			out->reason = REASON_GOT_EXTENDED;
			out->words = words;
			*ret = true;
			return SAY(
				x,
				"GOT's value is WANT's%s%s%s, extended with what systemd measures later: %s",
				label ? " (" : "", label ? label : "", label ? ")" : "", words);
		}
		if (r == 0)
			r = words_between(x, x->value, v->bytes, &words);
		if (r < 0)
			return r;
		if (words) {
			out->reason = REASON_WANT_EXTENDED;
			out->words = words;
			*ret = true;
			return SAY(
				x,
				"WANT's value%s%s%s is GOT's, extended with what systemd measures later: %s",
				label ? " (" : "", label ? label : "", label ? ")" : "", words);
		}
	}
	return 0;
}

/* ---- tracks ---- */

/* Does a whole track lead to this value, or to it with known words behind? */
static int leads_to(struct explaining *x, const struct track *t, const uint8_t *value, bool *ret)
{
	const char *words;

	*ret = t->complete && memcmp(t->states[t->n], value, algs[t->alg].len) == 0;
	if (*ret || !t->complete)
		return 0;
	int r = words_between(x, t->states[t->n], value, &words);
	*ret = words != NULL;
	return r;
}

static int make_tracks(struct explaining *x)
{
	const struct golden_register_result *item = x->item;
	const struct eventlog *want = x->c->want->log, *got = x->c->got->log;
	int r = 0;

	if (want)
		r = track_make(x->scratch, want, item->alg, item->index, &x->want, x->e);
	x->has_want = r > 0;
	if (r >= 0)
		r = got ? track_make(x->scratch, got, item->alg, item->index, &x->got, x->e) : 0;
	x->has_got = r > 0;
	for (size_t i = 0;
	     i < item->want->n && i < TRIED_VALUES_MAX && x->has_want && !x->want_explains && r >= 0; i++)
		r = leads_to(x, &x->want, item->want->values[i].bytes, &x->want_explains);
	if (r >= 0 && x->has_got && x->value)
		r = leads_to(x, &x->got, x->value, &x->got_explains);
	return r < 0 ? r : 0;
}

/* What an event is, in words: a prediction's description, else the decoder's line. Never NULL. */
static int describe(struct explaining *x, const struct eventlog *log, size_t index, const char **ret)
{
	const struct event *ev = &log->events[index];
	struct pool scratch = POOL_INIT;
	struct decoded d;
	char buf[11];

	if (ev->description) {
		*ret = ev->description;
		return 0;
	}
	int r = event_decode(&scratch, log, ev, &d, x->e);
	if (r == 0) {
		const char *text = *d.summary ? d.summary : event_type_name(ev->type, buf);

		*ret = pool_text(x->pool, text, strlen(text));
		r = *ret ? 0 : err_nomem(x->e);
	}
	pool_done(&scratch);
	return r;
}

/* ---- both sides have events ---- */

/* Where the tracks part: the first extension that is not the same. */
static int find_first(struct explaining *x)
{
	struct golden_explanation *out = &x->item->explanation;
	const struct track *a = &x->want, *b = &x->got;
	size_t k = 0, len = algs[a->alg].len;
	int r = 0;

	/* states are compared from the start on: registers may begin with other values (locality) */
	while (k < a->n && k < b->n && memcmp(a->states[k + 1], b->states[k + 1], len) == 0)
		k++;
	if (memcmp(a->states[0], b->states[0], len) != 0)
		return SAY(
			x,
			"the register begins with another value (the locality of the start), so that no state is the same");
	if (k == a->n && k == b->n)
		return SAY(x, "the events of both sides are the same: what differs was extended after them");
	out->has_first = true;
	if (k < a->n) {
		out->first_want = a->events[k];
		r = describe(x, a->log, out->first_want, &out->first_want_words);
	}
	if (k < b->n && r == 0) {
		out->first_got = b->events[k];
		r = describe(x, b->log, out->first_got, &out->first_got_words);
	}
	return r;
}

static bool is_extended(const struct eventlog *log, size_t index)
{
	return index == SIZE_MAX || log->events[index].type != EV_NO_ACTION;
}

/* The register's part of what eventlog_diff tells; EV_NO_ACTION extends nothing, but tells PCR 0 its start. */
static int take_changes(struct explaining *x)
{
	struct golden_explanation *out = &x->item->explanation;
	const struct log_diff *diff = x->diff;

	out->changes = pool_array(x->pool, diff ? diff->n + 1 : 1, sizeof *out->changes);
	if (!out->changes)
		return err_nomem(x->e);
	for (size_t i = 0; diff && i < diff->n; i++) {
		const struct difference *d = &diff->items[i];

		if (d->pcr != x->item->index)
			continue;
		if (d->pcr == 0 || (is_extended(x->want.log, d->a) && is_extended(x->got.log, d->b)))
			out->changes[out->n_changes++] =
				(struct golden_change){ d->change, d->a, d->b, d->description };
	}
	return 0;
}

static int explain_by_both(struct explaining *x)
{
	struct golden_explanation *out = &x->item->explanation;
	const char *words = NULL;
	bool found;

	out->reason = REASON_EVENTS;
	int r = find_first(x);
	if (r == 0)
		r = take_changes(x);
	if (r < 0 || out->has_first)
		return r;
	r = try_words(x, &found);
	if (r < 0 || found)
		return r;
	r = words_between(x, x->got.states[x->got.n], x->value, &words);
	if (r < 0 || !words)
		return r;
	out->words = words;
	return SAY(x, "GOT's value follows from its events, extended with %s", words);
}

/* ---- one side has events ---- */

/*
 * Does the other side's value occur among a track's states, or would it with one event left out? The sentences are
 * about holder, whose events these are, and other.
 */
static int explain_by_track(struct explaining *x, const struct track *t, const uint8_t *value,
			    const char *holder, const char *other, bool *ret)
{
	struct golden_explanation *out = &x->item->explanation;
	bool is_want = t == &x->want;
	size_t at = track_find(t, value);
	const char *words = "";
	int r = 0;

	*ret = false;
	if (at == t->n && t->complete)
		return 0; /* it is accepted as this side's own value: words that follow explain it */
	if (at != SIZE_MAX && at < t->n) {
		*ret = true;
		out->reason = is_want ? REASON_GOT_STOPS : REASON_GOT_GOES_ON;
		out->event = t->events[at];
		r = describe(x, t->log, out->event, &words);
		return r < 0 ? r :
			       SAY(x,
				   "%s's value is %s's before event %zu (%s): that event and what follows it %s",
				   other, holder, out->event, words,
				   is_want ? "was not measured" : "is more than was expected");
	}
	r = track_find_without(t, value, &at, x->e);
	if (r < 0 || at == SIZE_MAX)
		return r;
	*ret = true;
	out->reason = is_want ? REASON_GOT_LACKS : REASON_GOT_ADDS;
	out->event = t->events[at];
	r = describe(x, t->log, out->event, &words);
	return r < 0 ? r :
		       SAY(x, "%s's value is what %s's events lead to without event %zu (%s)", other, holder,
			   out->event, words);
}

static bool is_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

static int explain_by_one(struct explaining *x)
{
	const struct golden_register *want = x->item->want;
	bool found = false;
	int r = 0;

	if (x->want_explains)
		r = explain_by_track(x, &x->want, x->value, "WANT", "GOT", &found);
	for (size_t i = 0; i < want->n && i < TRIED_VALUES_MAX && x->got_explains && !found && r == 0; i++)
		r = explain_by_track(x, &x->got, want->values[i].bytes, "GOT", "WANT", &found);
	if (!found && r == 0)
		r = try_words(x, &found);
	if (!found && r == 0 && is_zero(x->value, algs[x->item->alg].len)) {
		x->item->explanation.reason = REASON_NOTHING;
		r = SAY(x, "GOT's register is zero: nothing was measured into it");
	} else if (!found && r == 0 && (x->want_explains || x->got_explains)) {
		r = SAY(x, "%s's value is none that %s's events lead through",
			x->want_explains ? "GOT" : "WANT", x->want_explains ? "WANT" : "GOT");
	}
	return r;
}

/* ---- one register ---- */

/* GOT's log and value contradict each other: said first, since everything else is to be read in its light. */
static int tell_untrue(struct explaining *x)
{
	size_t at = track_find(&x->got, x->value);

	x->item->explanation.reason = REASON_LOG_UNTRUE;
	if (!x->got.complete)
		return SAY(x,
			   "GOT's log does not explain the value: an event of this register has no %s digest",
			   algs[x->item->alg].name);
	if (at == SIZE_MAX)
		return SAY(x, "GOT's log does not explain the value: none of its states is that");
	if (at == 0)
		return SAY(x, "GOT's log does not explain the value, which is that before its first event");
	return SAY(x, "GOT's log does not explain the value: it leads to it with event %zu, but goes on",
		   x->got.events[at - 1]);
}

static int explain_differing(struct explaining *x)
{
	int r = 0;

	if (x->has_got && !x->got_explains)
		r = tell_untrue(x);
	if (r == 0 && x->c->want->log && x->has_want && x->want.n && !x->want_explains)
		r = SAY(x, "WANT's events do not lead to WANT's value, so they explain nothing");
	if (r < 0)
		return r;
	enum golden_reason before = x->item->explanation.reason;
	r = x->want_explains && x->got_explains ? explain_by_both(x) : explain_by_one(x);
	if (before == REASON_LOG_UNTRUE)
		x->item->explanation.reason = before;
	return r;
}

static int explain_missing(struct explaining *x)
{
	const struct eventlog *log = x->c->got->log;

	if (!log || !(eventlog_incomplete(log, x->item->alg) & UINT32_C(1) << x->item->index))
		return 0;
	x->item->explanation.reason = REASON_NO_DIGEST;
	return SAY(x, "an event of this register in GOT's log has no %s digest, so that no value follows",
		   algs[x->item->alg].name);
}

/* ---- what is told of values ---- */

/* GOT is a reference itself: how far WANT accepts it. */
static int tell_values(struct explaining *x)
{
	const struct golden_register_result *item = x->item;
	const char *label = item->rejected ? item->rejected->label : NULL;

	if (item->got->n < 2)
		return 0;
	if (item->result == GOLDEN_SAME)
		return SAY(x, "all of GOT's %zu values are accepted", item->got->n);
	return SAY(x, "%zu of GOT's %zu values are accepted; the first that is not%s%s%s is explained",
		   item->n_accepted, item->got->n, label ? " (" : "", label ? label : "", label ? ")" : "");
}

static int tell_item(struct explaining *x)
{
	struct golden_register_result *item = x->item;
	int r = 0;

	switch (item->explanation.reason) {
	case REASON_NO_BANK:
		return SAY(x, "GOT has no %s values; the register is compared in another bank",
			   algs[item->alg].name);
	case REASON_NOT_WANTED:
		return SAY(x, "WANT has no value for this register");
	default:
		break;
	}
	if (item->got_from_log)
		r = SAY(x, "GOT's log has no event for this register: its value is that after a reset");
	if (r == 0 && item->want && item->got)
		r = tell_values(x);
	if (r == 0 && item->match && item->match->label && item->got->values[0].label &&
	    strcmp(item->match->label, item->got->values[0].label) != 0)
		r = SAY(x, "GOT calls this value %s, WANT %s", item->got->values[0].label,
			item->match->label);
	if (r < 0 || (item->result != GOLDEN_DIFFERS && item->result != GOLDEN_MISSING))
		return r;
	x->value = item->rejected ? item->rejected->bytes : NULL;
	if (item->result == GOLDEN_MISSING)
		return explain_missing(x);
	r = make_tracks(x);
	return r < 0 ? r : explain_differing(x);
}

/* ---- all registers ---- */

/* The logs, compared once for all registers that differ. No bank in common is no error: *ret stays NULL. */
static int diff_logs(struct pool *pool, const struct golden_comparison *c, struct log_diff *place,
		     const struct log_diff **ret, struct pcrcast_error *e)
{
	uint32_t pcrs = 0;

	*ret = NULL;
	for (size_t i = 0; i < c->n; i++)
		pcrs |= c->items[i].result == GOLDEN_DIFFERS ? UINT32_C(1) << c->items[i].index : 0;
	if (!pcrs || !c->want->log || !c->got->log)
		return 0;
	int r = eventlog_diff(pool, c->want->log, c->got->log, &pcrs, place, e);
	if (r == 0)
		*ret = place;
	return r == -PCRCAST_EINVAL || r == -PCRCAST_ELIMIT ? 0 : r;
}

int compare_explain(struct pool *pool, struct golden_comparison *c, struct pcrcast_error *e)
{
	const struct log_diff *diff;
	struct log_diff place = { 0 };
	int r = diff_logs(pool, c, &place, &diff, e);

	for (size_t i = 0; i < c->n && r == 0; i++) {
		struct pool scratch = POOL_INIT;
		struct explaining x = {
			.pool = pool, .scratch = &scratch, .c = c, .item = &c->items[i], .diff = diff, .e = e
		};

		r = tell_item(&x);
		pool_done(&scratch);
	}
	return r;
}
