/*
 * Read a log of any kind, replay it in every bank, write it as CEL-JSON and read that again. The first byte chooses the
 * kind; the rest is the log.
 */
#include <stddef.h>
#include <stdint.h>

#include "eventlog/eventlog.h"
#include "eventlog/write.h"
#include "tests/fuzz/fuzz.h"

/* assert() for every build mode. */
static void replay_all(struct eventlog *log)
{
	struct pcrcast_error e;

	for (int padded = 0; padded < 2; padded++) {
		log->ima_padded = padded != 0;
		for (enum alg a = 0; a < ALG_COUNT; a++) {
			struct pcr_bank strict, partial;
			size_t missing;

			int rc = eventlog_replay_partial(log, a, &partial, &missing, &e);
			int rc_strict = eventlog_replay(log, a, &strict, &e);
			CHECK((rc_strict == 0) == (rc == 0 && missing == 0));
		}
	}
	log->ima_padded = false;
}

/* A log that begins with a Spec ID event without having a header of that kind: the reader of the JSON takes that event out. */
static bool begins_with_spec_id(const struct eventlog *log)
{
	static const char signature[16] = "Spec ID Event03";

	return log->n_events > 0 && log->events[0].data.n >= sizeof signature &&
	       memcmp(log->events[0].data.p, signature, sizeof signature) == 0;
}

static void same_events(const struct eventlog *a, const struct eventlog *b)
{
	CHECK(a->n_events == b->n_events);
	for (size_t i = 0; i < a->n_events; i++) {
		const struct event *x = &a->events[i], *y = &b->events[i];

		CHECK(x->pcr == y->pcr && x->type == y->type && x->content == y->content &&
		      x->n_digests == y->n_digests);
		CHECK(slice_equal(x->digests, y->digests));
		CHECK(slice_equal(x->data, y->data));
	}
}

static void rewrite(const struct eventlog *log)
{
	struct pool pool = POOL_INIT;
	struct pcrcast_error e;
	struct eventlog again;
	struct slice out;

	if (eventlog_write_cel_json(log, &pool, &out, &e) == 0) {
		int rc = eventlog_read(out, EVENTLOG_CEL_JSON, &again, &e);
		/* content that is JSON nests one deeper in a record than it did alone */
		CHECK(rc == 0 || rc == -PCRCAST_ELIMIT);
		if (rc == 0 && !begins_with_spec_id(log))
			same_events(log, &again);
		eventlog_done(&again);
	}
	pool_done(&pool);
}

static void keep_each_bank(const struct eventlog *log)
{
	struct pcrcast_error e;

	for (enum alg a = 0; a < ALG_COUNT; a++) {
		struct eventlog kept;

		if (eventlog_keep_banks(log, UINT32_C(1) << a, &kept, &e) < 0)
			continue;
		CHECK(kept.n_algs == 1 && kept.n_events == log->n_events);
		for (size_t i = 0; i < kept.n_events; i++)
			CHECK(slice_equal(event_digest(&kept.events[i], &kept, a),
					  event_digest(&log->events[i], log, a)));
		eventlog_done(&kept);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct eventlog log;
	struct pcrcast_error e = { .msg = "" };
	const char *why;

	if (n == 0)
		return 0;
	enum eventlog_kind kind = (enum eventlog_kind)(data[0] % (EVENTLOG_KINDS + 1));
	struct slice bytes = n > 1 ? (struct slice){ data + 1, n - 1 } : SLICE_EMPTY;
	if (kind == EVENTLOG_KINDS)
		(void)eventlog_recognise(bytes, &why);
	int rc = eventlog_read(bytes, kind, &log, &e);
	CHECK(rc == 0 || (e.msg[0] != '\0' && (int)e.code == -rc));
	CHECK(log.end <= bytes.n);
	for (size_t i = 0; i < log.n_findings; i++)
		CHECK(log.findings[i].text &&
		      (log.findings[i].event == SIZE_MAX || log.findings[i].event < log.n_events || rc < 0));
	replay_all(&log);
	rewrite(&log);
	keep_each_bank(&log);
	eventlog_done(&log);
	return 0;
}
