/* Sort the events of a log into the firmware's and the chain's: every event has a place and a reason. */
#include <stddef.h>
#include <stdint.h>

#include "predict/baseline.h"
#include "tests/fuzz/fuzz.h"

/* assert() for every build mode. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice bytes = n ? (struct slice){ data, n } : SLICE_EMPTY;
	struct efi_variable v;
	struct eventlog log;
	struct pcrcast_error e;
	struct baseline b;

	(void)eventlog_read(bytes, EVENTLOG_KINDS, &log, &e); /* the sound events before what is not count */
	if (baseline_sort(&log.pool, &log, "log", &b, &e) == 0) {
		CHECK(b.direct ? b.first < b.attempt && b.attempt < b.ready && b.ready <= log.n_events :
				 b.attempt < b.first && b.first < log.n_events);
		CHECK(b.places[b.attempt] == (b.direct ? BASELINE_BETWEEN : BASELINE_BEFORE));
		CHECK(b.load <= b.first && b.places[b.first] == BASELINE_NOWHERE);
		CHECK(b.n_failed < log.n_events);
		for (size_t i = 0; i < log.n_events; i++) {
			CHECK(b.events[i].reason && !b.events[i].kept);
			CHECK(i > b.first || b.places[i] != BASELINE_AFTER);
			CHECK(b.direct || b.places[i] != BASELINE_BETWEEN);
			(void)baseline_pcr(&log, &log.events[i]);
		}
	}
	(void)baseline_variable(&log.pool, &log, "SecureBoot", &v);
	eventlog_done(&log);
	return 0;
}
