/*
 * The states that a log leads a register through.
 */
#include "golden/compare_parts.h"

enum {
	/* Events of a register of which each is left out in turn: half of the square of it are hashed. */
	WITHOUT_MAX = 1024,
};

/* Does ev extend the register? As eventlog_replay sees it. */
static bool extends(const struct event *ev, uint32_t index)
{
	return ev->pcr == index && ev->type != EV_NO_ACTION &&
	       !(ev->content == CONTENT_OTHER && ev->n_digests == 0);
}

static int extend_state(enum alg alg, const uint8_t *from, const uint8_t *digest, uint8_t *ret,
			struct pcrcast_error *e)
{
	struct pcr_bank bank = { .alg = alg };

	memcpy(bank.pcr[0], from, algs[alg].len);
	int r = pcr_extend(&bank, 0, digest, e);
	if (r == 0)
		memcpy(ret, bank.pcr[0], algs[alg].len);
	return r;
}

int track_make(struct pool *pool, const struct eventlog *log, enum alg alg, uint32_t index, struct track *ret,
	       struct pcrcast_error *e)
{
	struct track t = { .log = log, .alg = alg, .index = index, .complete = true };
	struct pcr_bank start;
	size_t n = 0;

	int r = eventlog_start(log, alg, &start, e);
	if (r == -PCRCAST_ENOTFOUND)
		return 0;
	if (r < 0)
		return r;
	for (size_t i = 0; i < log->n_events; i++)
		n += extends(&log->events[i], index);
	t.events = pool_array(pool, n + 1, sizeof *t.events);
	t.states = pool_array(pool, n + 1, sizeof *t.states);
	if (!t.events || !t.states)
		return err_nomem(e);
	memcpy(t.states[0], start.pcr[index], DIGEST_MAX);
	for (size_t i = 0; i < log->n_events && t.complete; i++) {
		struct digest d;

		if (!extends(&log->events[i], index))
			continue;
		r = event_extended(log, &log->events[i], alg, &d, e);
		if (r > 0)
			r = extend_state(alg, t.states[t.n], d.bytes, t.states[t.n + 1], e);
		else if (r == 0)
			t.complete = false;
		if (r < 0)
			return r;
		if (t.complete)
			t.events[t.n++] = i;
	}
	*ret = t;
	return 1;
}

size_t track_find(const struct track *t, const uint8_t *value)
{
	for (size_t k = t->n + 1; k-- > 0;)
		if (memcmp(t->states[k], value, algs[t->alg].len) == 0)
			return k;
	return SIZE_MAX;
}

int track_find_without(const struct track *t, const uint8_t *value, size_t *ret, struct pcrcast_error *e)
{
	struct digest *digests = NULL;
	struct pool scratch = POOL_INIT;
	size_t found = SIZE_MAX;
	int r = 0;

	if (t->n <= WITHOUT_MAX && t->complete)
		digests = pool_array(&scratch, t->n + 1, sizeof *digests);
	for (size_t i = 0; i < t->n && digests && r >= 0; i++)
		r = event_extended(t->log, &t->log->events[t->events[i]], t->alg, &digests[i], e);
	for (size_t without = 0; without < t->n && digests && r >= 0 && found == SIZE_MAX; without++) {
		uint8_t state[DIGEST_MAX];

		memcpy(state, t->states[without], sizeof state);
		for (size_t i = without + 1; i < t->n && r >= 0; i++)
			r = extend_state(t->alg, state, digests[i].bytes, state, e);
		if (r >= 0 && memcmp(state, value, algs[t->alg].len) == 0)
			found = without;
	}
	pool_done(&scratch);
	if (r < 0)
		return r;
	*ret = found;
	return 0;
}
