/*
 * Is a log true? A log of any kind against values of registers, read from text or JSON: payloads, structure, registers, and
 * a CC log's events as PCRs. The first u32 is the length of the log, the values follow it.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "eventlog/cc.h"
#include "eventlog/check.h"
#include "tests/fuzz/fuzz.h"

/* assert() for every build mode. */
static bool parse_values(struct slice text, struct pcr_values *ret)
{
	struct pcrcast_error e = { .msg = "" };
	uint32_t any = 0;

	memset(ret, 0, sizeof *ret);
	int r = pcr_values_parse(text, ret, &e);
	for (enum alg a = 0; a < ALG_COUNT; a++) {
		CHECK(!(ret->known[a] >> PCR_COUNT));
		any |= ret->known[a];
	}
	CHECK((r == 0) == (any != 0)); /* untouched on failure */
	CHECK(r == 0 || (e.msg[0] != '\0' && (int)e.code == -r));
	CHECK(r == 0 || e.offset == PCRCAST_NO_OFFSET || e.offset <= text.n);
	return r == 0;
}

static void check_payloads(const struct eventlog *log)
{
	struct pool pool = POOL_INIT;
	struct event_check *c = NULL;

	if (eventlog_check_payloads(&pool, log, &c, NULL) == 0)
		for (size_t i = 0; i < log->n_events; i++) {
			CHECK(c[i].match == MATCH_YES || c[i].match == MATCH_NO ||
			      c[i].match == MATCH_CANNOT_TELL);
			CHECK(c[i].reason && (c[i].match == MATCH_NO || !c[i].suspicious));
		}
	pool_done(&pool);
}

static void check_structure(struct eventlog *log)
{
	size_t before = log->n_findings;

	CHECK(eventlog_check_structure(log, NULL) == 0);
	for (size_t i = before; i < log->n_findings; i++) {
		const struct finding *f = &log->findings[i];

		CHECK(f->code && f->text && (f->event == SIZE_MAX || f->event < log->n_events));
		(void)finding_weight(f);
	}
}

static void check_one(const struct eventlog *log, const struct register_check *c, unsigned index,
		      const struct pcr_values *v, enum alg alg)
{
	bool known = v->known[alg] & UINT32_C(1) << index;

	CHECK(*register_state_name(c->state));
	CHECK(known == (c->state != REGISTER_NOT_STATED));
	CHECK(c->consistent_events >= -1 && c->consistent_events <= (int64_t)log->n_events);
	CHECK((c->last_consistent != SIZE_MAX) == (c->consistent_events > 0));
	CHECK(c->last_consistent == SIZE_MAX ||
	      (c->last_consistent < log->n_events && log->events[c->last_consistent].pcr == index));
	CHECK(c->state != REGISTER_CONTINUES || (c->words_len > 0 && c->words_len <= strlen(c->words)));
}

/* The values that the log itself leads to agree with it. */
static void check_own(const struct eventlog *log, enum alg alg)
{
	struct pcr_values own = { .known = { 0 } };
	struct register_check checks[PCR_COUNT];
	uint32_t incomplete = eventlog_incomplete(log, alg);
	struct pcr_bank bank;
	size_t missing;

	if (eventlog_replay_partial(log, alg, &bank, &missing, NULL) < 0)
		return;
	CHECK((missing == 0) == (incomplete == 0));
	own.known[alg] = (UINT32_C(1) << PCR_COUNT) - 1;
	memcpy(own.value[alg], bank.pcr, sizeof bank.pcr);
	if (eventlog_check_registers(log, alg, &own, checks, NULL) < 0)
		return;
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		check_one(log, &checks[i], i, &own, alg);
		CHECK(checks[i].state ==
		      (incomplete & UINT32_C(1) << i ? REGISTER_INCOMPLETE : REGISTER_AGREES));
	}
}

static void check_registers(struct eventlog *log, const struct pcr_values *values)
{
	for (int padded = 0; padded < 2; padded++) {
		log->ima_padded = padded != 0;
		for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
			struct register_check checks[PCR_COUNT];

			check_own(log, alg);
			if (eventlog_check_registers(log, alg, values, checks, NULL) == 0)
				for (unsigned i = 0; i < PCR_COUNT; i++)
					check_one(log, &checks[i], i, values, alg);
		}
	}
	log->ima_padded = false;
}

static void check_as_pcrs(const struct eventlog *log, const struct pcr_values *values)
{
	struct eventlog pcrs = EVENTLOG_INIT;
	uint32_t untold;
	size_t first;

	if (log->kind != EVENTLOG_CC)
		return;
	if (eventlog_cc_as_pcrs(log, &pcrs, &untold, &first, NULL) == 0) {
		CHECK(untold == 0 || first < log->n_events);
		check_registers(&pcrs, values);
	}
	eventlog_done(&pcrs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice bytes = SLICE_EMPTY, text = SLICE_EMPTY;
	struct pcr_values values;
	struct eventlog log;

	if (n < 4)
		return 0;
	size_t len = get_u32le(data) % (n - 3); /* 0 to all of the rest */

	bytes = (struct slice){ data + 4, len };
	text = (struct slice){ data + 4 + len, n - 4 - len };
	(void)parse_values(text, &values);
	(void)eventlog_read(bytes, EVENTLOG_KINDS, &log, NULL);
	check_payloads(&log);
	check_structure(&log);
	check_registers(&log, &values);
	check_as_pcrs(&log, &values);
	eventlog_done(&log);
	return 0;
}
