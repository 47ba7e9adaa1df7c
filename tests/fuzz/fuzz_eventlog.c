/* Read, replay, write and read again: what was written must be what was read. */
#include <stddef.h>
#include <stdint.h>

#include "eventlog/eventlog.h"
#include "tests/fuzz/fuzz.h"

/* assert() for every build mode. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice bytes = n ? (struct slice){ data, n } : SLICE_EMPTY, out;
	struct eventlog log, again;
	struct pool pool = POOL_INIT;
	struct pcrcast_error e;
	char name[11];

	(void)eventlog_parse_tcg2(bytes, &log, &e);
	CHECK(log.end <= n);
	for (size_t i = 0; i < log.n_events; i++)
		(void)event_type_name(log.events[i].type, name);
	for (enum alg a = 0; a < ALG_COUNT; a++) {
		struct pcr_bank strict, partial;
		size_t missing;

		int rc = eventlog_replay_partial(&log, a, &partial, &missing, &e);
		int rc_strict = eventlog_replay(&log, a, &strict, &e);
		CHECK((rc_strict == 0) == (rc == 0 && missing == 0));
	}
	if (eventlog_write_tcg2(&log, &pool, &out, &e) == 0) {
		CHECK(out.n <= log.end);
		int rc = eventlog_parse_tcg2(out, &again, &e);
		CHECK(rc == 0 && again.n_events == log.n_events && again.n_algs == log.n_algs);
		for (size_t i = 0; i < log.n_events; i++) {
			CHECK(slice_equal(again.events[i].digests, log.events[i].digests));
			CHECK(slice_equal(again.events[i].data, log.events[i].data));
		}
		eventlog_done(&again);
	}
	eventlog_done(&log);
	pool_done(&pool);
	return 0;
}
