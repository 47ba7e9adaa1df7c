/*
 * Keylime's policies. First byte: 0 TPM policy, 1 reference state, 2 a log, of which a state is made and held against the log, 3 a
 * state, a NUL and a log, 4 a pattern, a NUL and a text.
 */
#include "golden/keylime_check.h"
#include "golden/pattern.h"
#include "golden_again.h"
#include "tests/fuzz/fuzz.h"

static void check(struct pool *pool, const struct golden_claim *claims, size_t n_claims,
		  const struct eventlog *log)
{
	struct pcrcast_error e = { .msg = "" };
	struct keylime_result result;
	struct keylime_state state;

	if (keylime_state_of(pool, claims, n_claims, &state, &e) < 0 ||
	    keylime_check(pool, &state, log, &result, &e) < 0) {
		CHECK(e.msg[0] != '\0');
		return;
	}
	CHECK((keylime_answer(&result) == MATCH_YES) == (result.n == 0));
	for (size_t i = 0; i < result.n; i++)
		CHECK(result.findings[i].text &&
		      (result.findings[i].event < log->n_events || result.findings[i].event == SIZE_MAX));
}

static void state_of_log(struct slice bytes)
{
	struct pcrcast_error e = { .msg = "" };
	struct pool pool = POOL_INIT;
	struct golden_claim *claims;
	struct eventlog log;
	size_t n;

	if (eventlog_read(bytes, EVENTLOG_TCG2, &log, &e) == 0 &&
	    keylime_claims_of_log(&pool, &log, &claims, &n, &e) == 0)
		check(&pool, claims, n, &log);
	eventlog_done(&log);
	pool_done(&pool);
}

static void state_and_log(struct slice bytes)
{
	struct pcrcast_error e = { .msg = "" };
	struct golden_input in = { .name = "fuzz" };
	struct pool pool = POOL_INIT;
	struct eventlog log;
	struct golden g;

	if (!slice_split(&bytes, '\0', &in.bytes))
		return;
	if (golden_read(&in, golden_format_by_name("keylime-mb"), &g, &e) == 0) {
		if (eventlog_read(bytes, EVENTLOG_TCG2, &log, &e) == 0)
			check(&pool, g.sets[0].claims, g.sets[0].n_claims, &log);
		eventlog_done(&log);
	}
	golden_done(&g);
	pool_done(&pool);
}

static void pattern(struct slice bytes)
{
	struct pool pool = POOL_INIT;
	struct slice first;
	enum match answer;
	const char *why;

	if (!slice_split(&bytes, '\0', &first))
		return;
	const char *text = pool_text(&pool, (const char *)first.p, first.n);
	CHECK(text && pattern_match(text, bytes, &answer, &why, NULL) == 0);
	CHECK((answer == MATCH_CANNOT_TELL) == (why != NULL));
	pool_done(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct golden_input in = { .name = "fuzz" };

	if (n < 1)
		return 0;
	in.bytes = (struct slice){ data + 1, n - 1 };
	switch (data[0] % 5) {
	case 0:
		golden_again(golden_format_by_name("keylime-tpm"), in);
		break;
	case 1:
		golden_again(golden_format_by_name("keylime-mb"), in);
		break;
	case 2:
		state_of_log(in.bytes);
		break;
	case 3:
		state_and_log(in.bytes);
		break;
	default:
		pattern(in.bytes);
	}
	return 0;
}
