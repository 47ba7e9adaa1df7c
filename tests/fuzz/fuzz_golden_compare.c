/*
 * First byte: 1 selects a register; then WANT, a NUL and GOT, both as this program's JSON. What is compared is explained;
 * what equals itself is the same; and a verdict is what its counts say.
 */
#include <stddef.h>
#include <stdint.h>

#include "golden/compare.h"
#include "golden/format.h"
#include "tests/fuzz/fuzz.h"

static bool read_json(const uint8_t *data, size_t n, struct golden *ret)
{
	struct golden_input in = { .name = "", .bytes = { data, n } };

	return golden_read(&in, golden_format_by_name("json"), ret, NULL) == 0;
}

static void check_explanation(const struct golden_comparison *c, const struct golden_register_result *item)
{
	const struct golden_explanation *x = &item->explanation;
	size_t n_want = c->want->log ? c->want->log->n_events : 0,
	       n_got = c->got->log ? c->got->log->n_events : 0;

	for (size_t i = 0; i < x->n; i++)
		CHECK(x->lines[i][0] != '\0');
	CHECK(x->first_want == SIZE_MAX || x->first_want < n_want);
	CHECK(x->first_got == SIZE_MAX || x->first_got < n_got);
	CHECK(x->event == SIZE_MAX ||
	      x->event < (x->reason == REASON_GOT_GOES_ON || x->reason == REASON_GOT_ADDS ? n_got : n_want));
	for (size_t i = 0; i < x->n_changes; i++) {
		CHECK(x->changes[i].want == SIZE_MAX || x->changes[i].want < n_want);
		CHECK(x->changes[i].got == SIZE_MAX || x->changes[i].got < n_got);
	}
}

static void check_result(const struct golden_comparison *c)
{
	size_t accepted = 0;

	for (size_t i = 0; i < c->n; i++) {
		const struct golden_register_result *item = &c->items[i];

		CHECK((item->result == GOLDEN_SAME || item->result == GOLDEN_DIFFERS) ==
		      (item->want && item->got));
		CHECK((item->result == GOLDEN_DIFFERS) == (item->rejected != NULL));
		accepted += item->result == GOLDEN_SAME;
		check_explanation(c, item);
	}
	for (size_t i = 0; i < c->n_policies; i++)
		accepted += c->policies[i].result == GOLDEN_SAME;
	accepted += c->has_claims && c->claims == GOLDEN_SAME;
	CHECK(c->n_same == accepted);
	CHECK(c->verdict != VERDICT_SAME || c->n_failed == 0);
	CHECK(c->verdict != VERDICT_DIFFERENT || c->n_failed > 0);
}

static void compare(const struct golden *want, const struct golden *got,
		    const struct golden_compare_options *options)
{
	for (size_t i = 0; i < got->n && i < 4; i++) {
		struct pool pool = POOL_INIT;
		struct golden_comparison c;
		struct pcrcast_error e = { .msg = "" };

		int r = golden_compare(&pool, want->sets, want->n, &got->sets[i], options, &c, &e);
		if (r == 0)
			check_result(&c);
		else
			CHECK(e.msg[0] != '\0');
		/* what is compared with itself alone has no failure */
		r = golden_compare(&pool, &got->sets[i], 1, &got->sets[i], options, &c, &e);
		if (r == 0 && !c.has_claims)
			CHECK(c.n_failed == 0 && c.n_warnings == 0);
		pool_done(&pool);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct golden want, got;

	if (n < 1)
		return 0;
	struct golden_compare_options options = { .has_pcrs = data[0] == 1, .pcrs = 1 << 11 };
	const uint8_t *text = data + 1, *end = memchr(text, '\0', n - 1);
	if (!end)
		return 0;
	bool ok = read_json(text, (size_t)(end - text), &want);
	if (read_json(end + 1, n - 1 - (size_t)(end + 1 - text), &got) && ok)
		compare(&want, &got, &options);
	golden_done(&want);
	golden_done(&got);
	return 0;
}
