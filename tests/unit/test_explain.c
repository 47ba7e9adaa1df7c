/* Why a register differs. Events are of one letter each; digests and values of them by Python: hashlib, noted below. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/build_log.h"
#include "tests/unit/golden_pair.h"

/*
 * s = bytes(32); for m in (b"a", b"b", b"c"): s = sha256(s + sha256(m).digest()).digest()
 */
#define ABC "202baab0d9ef5820d6d9c8d82fb5c7a18bb9fa436d42bc0961ed55c3f3f36b17"
#define AB "153d5381929b50792d3b22ae9596544af3b0e4805be1555a595e6d2a2734933f"
#define AC "1a918d3c87f4707d9edcd2d6a2f4d6f9acd72e2409868d42d08feaebcdefce64"
#define AXC "b5e4d63fa28ffcd7475c95fb6db3d25491004e5e068509ece647e6837f8d77f9"
#define C "77bce6a16ae19b647a625c8aef8f9e165acfad7efe60bd4349be4cc2813f6e7e"
#define ABCD "7d3a15a640b1baf78fbc2c6b1087addc64106c1fc1e0e984cc7c8fa7897b087c"
/* a, b, c, "enter-initrd", and these with "leave-initrd" */
#define ABC_ENTER "c1156908e7d31ae1b492340f5a8da7eebf89b55f7ba4f84c9229ec3d03e9ee2f"
#define ABC_LEAVE "7d121b226cc89ecd941ab54a441622182cfc42f3179185366049715684844b42"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"

static void state_value(struct golden *g, uint32_t pcr, const char *hex, const char *label)
{
	uint8_t bytes[32];

	for (size_t i = 0; i < sizeof bytes; i++) {
		unsigned byte;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		bytes[i] = (uint8_t)byte;
	}
	assert_int_equal(golden_add_value(g, &g->sets[0], ALG_SHA256, pcr,
					  (struct slice){ bytes, sizeof bytes }, GOLDEN_STATED, label, NULL),
			 0);
}

static struct eventlog letters(uint32_t pcr, const char *text)
{
	struct eventlog log = log_with(1u << ALG_SHA256);

	for (const char *p = text; *p; p++)
		log_add_data(&log, pcr, EV_IPL, (struct slice){ (const uint8_t *)p, 1 });
	return log;
}

/* The events of a set; the values are stated apart. */
static void give_log(struct golden *g, struct eventlog log)
{
	g->sets[0].log = pool_new(&g->pool, struct eventlog);
	assert_non_null(g->sets[0].log);
	*g->sets[0].log = log;
}

/* What is said of the only register. */
static const struct golden_explanation *compare(struct pair *p)
{
	assert_int_equal(golden_compare(&p->pool, p->want.sets, 1, p->got.sets, &all, &p->c, &p->e), 0);
	assert_int_equal(p->c.n, 1);
	return &p->c.items[0].explanation;
}

/* The same of events, as letters (NULL: none are known), and values on both sides. */
static const struct golden_explanation *explain(struct pair *p, uint32_t pcr, const char *want_events,
						const char *want, const char *got_events, const char *got)
{
	if (want_events)
		give_log(&p->want, letters(pcr, want_events));
	state_value(&p->want, pcr, want, NULL);
	if (got_events)
		give_log(&p->got, letters(pcr, got_events));
	state_value(&p->got, pcr, got, NULL);
	return compare(p);
}

static void the_first_event_that_differs_is_named_with_what_was_expected(void **state)
{
	struct eventlog log = letters(9, "abc");
	struct pair *p = *state;
	const struct golden_explanation *x;

	log.events[1].description = "the initrd";
	log.events[1].source = "uki.efi: section .initrd, bytes 5120 to 8191";
	log.events[1].origin = EVENT_COMPUTED;
	give_log(&p->want, log);
	x = explain(p, 9, NULL, ABC, "axc", AXC);
	assert_int_equal(x->reason, REASON_EVENTS);
	assert_true(x->has_first);
	assert_int_equal(x->first_want, 1);
	assert_int_equal(x->first_got, 1);
	assert_string_equal(x->first_want_words, "the initrd");
	assert_string_equal(p->c.want->log->events[x->first_want].source,
			    "uki.efi: section .initrd, bytes 5120 to 8191");
	assert_int_equal(x->n_changes, 1);
	assert_int_equal(x->changes[0].change, CHANGE_CHANGED);
}

static void events_more_or_fewer_are_told(void **state)
{
	struct pair *p = *state;
	const struct golden_explanation *x;

	x = explain(p, 9, "abc", ABC, "abcd", ABCD);
	assert_int_equal(x->first_want, SIZE_MAX);
	assert_null(x->first_want_words);
	assert_int_equal(x->first_got, 3);
	assert_int_equal(x->changes[0].change, CHANGE_ADDED);

	pair_anew(p);
	x = explain(p, 9, "abc", ABC, "ab", AB);
	assert_int_equal(x->first_want, 2);
	assert_int_equal(x->first_got, SIZE_MAX);
	assert_int_equal(x->changes[0].change, CHANGE_REMOVED);
}

static void events_of_other_registers_are_no_explanation(void **state)
{
	struct pair *p = *state;
	const struct golden_explanation *x;

	struct eventlog a = letters(9, "abc"), b = letters(9, "axc");
	log_add_data(&a, 4, EV_IPL, BYTES("k"));
	log_add_data(&b, 4, EV_IPL, BYTES("l"));
	give_log(&p->want, a);
	state_value(&p->want, 9, ABC, NULL);
	give_log(&p->got, b);
	state_value(&p->got, 9, AXC, NULL);
	x = compare(p);
	assert_int_equal(x->n_changes, 1);
	assert_int_equal(x->changes[0].want, 1);
	/* nor when that register differs too */
	state_value(&p->want, 4, ABC, NULL);
	state_value(&p->got, 4, AB, NULL);
	assert_int_equal(golden_compare(&p->pool, p->want.sets, 1, p->got.sets, &all, &p->c, NULL), 0);
	assert_int_equal(p->c.n, 2);
	assert_int_equal(p->c.items[1].explanation.n_changes, 1);
	assert_int_equal(p->c.items[1].explanation.changes[0].want, 1);
}

static void a_log_that_does_not_lead_to_the_value_explains_nothing(void **state)
{
	struct pair *p = *state;
	const struct golden_explanation *x;

	x = explain(p, 9, "abc", ABC, "abc", AXC);
	assert_int_equal(x->reason, REASON_LOG_UNTRUE);
	assert_false(x->has_first);
	assert_int_equal(x->n_changes, 0);
	assert_string_equal(x->lines[0], "GOT's log does not explain the value: none of its states is that");

	pair_anew(p);
	x = explain(p, 9, "abc", ABC, "abx", AB);
	assert_int_equal(x->reason, REASON_LOG_UNTRUE);
	assert_string_equal(x->lines[0],
			    "GOT's log does not explain the value: it leads to it with event 1, but goes on");
	/* what WANT's events tell of the value is certain all the same */
	assert_non_null(strstr(x->lines[1], "GOT's value is WANT's before event 2"));
}

static void a_value_from_before_an_event_is_found(void **state)
{
	struct pair *p = *state;
	const struct golden_explanation *x;

	x = explain(p, 9, "abc", ABC, NULL, AB);
	assert_int_equal(x->reason, REASON_GOT_STOPS);
	assert_int_equal(x->event, 2);
	assert_non_null(strstr(x->lines[0], "was not measured"));

	pair_anew(p);
	x = explain(p, 9, "abc", ABC, NULL, ZERO);
	assert_int_equal(x->reason, REASON_GOT_STOPS);
	assert_int_equal(x->event, 0);
}

static void a_missing_event_is_found(void **state)
{
	struct pair *p = *state;
	const struct golden_explanation *x;

	x = explain(p, 9, "abc", ABC, NULL, AC);
	assert_int_equal(x->reason, REASON_GOT_LACKS);
	assert_int_equal(x->event, 1);
}

static void where_only_got_has_events_its_own_tell(void **state)
{
	struct pair *p = *state;
	const struct golden_explanation *x;

	state_value(&p->want, 9, AXC, NULL);
	x = explain(p, 9, NULL, ABC, "abcd", ABCD);
	assert_int_equal(x->reason, REASON_GOT_GOES_ON);
	assert_int_equal(x->event, 3);
	assert_non_null(strstr(x->lines[0], "more than was expected"));

	pair_anew(p);
	x = explain(p, 9, NULL, AC, "abc", ABC);
	assert_int_equal(x->reason, REASON_GOT_ADDS);
	assert_int_equal(x->event, 1);
}

static void phases_are_recognised_in_both_directions(void **state)
{
	struct pair *p = *state;
	const struct golden_explanation *x;

	x = explain(p, 11, NULL, ABC, NULL, ABC_LEAVE);
	assert_int_equal(x->reason, REASON_GOT_EXTENDED);
	assert_string_equal(x->words, "enter-initrd:leave-initrd");

	pair_anew(p); /* from the middle of the sequence */
	state_value(&p->want, 11, ABC_ENTER, "enter-initrd");
	state_value(&p->got, 11, ABC_LEAVE, NULL);
	x = compare(p);
	assert_int_equal(x->reason, REASON_GOT_EXTENDED);
	assert_string_equal(x->words, "leave-initrd");
	assert_string_equal(
		x->lines[0],
		"GOT's value is WANT's (enter-initrd), extended with what systemd measures later: leave-initrd");

	pair_anew(p);
	state_value(&p->want, 11, ABC_ENTER, "enter-initrd");
	state_value(&p->got, 11, ABC, NULL);
	x = compare(p);
	assert_int_equal(x->reason, REASON_WANT_EXTENDED);
	assert_string_equal(x->words, "enter-initrd");

	pair_anew(p); /* no phases are measured into another register */
	x = explain(p, 9, NULL, ABC, NULL, ABC_LEAVE);
	assert_int_equal(x->reason, REASON_NONE);
}

static void the_same_events_with_other_phases_behind_are_told(void **state)
{
	struct pair *p = *state;
	const struct golden_explanation *x;

	give_log(&p->want, letters(11, "abc"));
	state_value(&p->want, 11, ABC, NULL);
	give_log(&p->got, letters(11, "abc"));
	state_value(&p->got, 11, ABC_ENTER, NULL); /* the machine's, its firmware's log ends before */
	x = compare(p);
	assert_int_equal(x->reason, REASON_GOT_EXTENDED);
	assert_false(x->has_first);
	assert_non_null(strstr(x->lines[0], "the events of both sides are the same"));
}

static void other_events_with_phases_behind_are_explained_by_the_events(void **state)
{
	struct pair *p = *state;
	const struct golden_explanation *x;

	x = explain(p, 11, "axc", AXC, "abc", ABC_LEAVE);
	assert_int_equal(x->reason, REASON_EVENTS);
	assert_int_equal(x->first_want, 1);
}

static void an_event_that_cannot_be_known_ends_what_wants_events_tell(void **state)
{
	struct eventlog log = letters(9, "abc");
	struct pair *p = *state;
	const struct golden_explanation *x;

	log.events[1].digests = SLICE_EMPTY;
	log.events[1].n_digests = 0;
	log.events[1].origin = EVENT_UNKNOWN;
	give_log(&p->want, log);
	x = explain(p, 9, NULL, ABC, NULL, AC);
	assert_int_equal(x->reason, REASON_NONE);
	assert_string_equal(x->lines[0],
			    "WANT's events do not lead to WANT's value, so they explain nothing");

	/* no state follows the unknown event, not even zeros, from which "c" would lead to this value */
	log = letters(9, "abc");
	pair_anew(p);
	log.events[1].digests = SLICE_EMPTY;
	log.events[1].n_digests = 0;
	give_log(&p->want, log);
	x = explain(p, 9, NULL, C, NULL, ZERO);
	assert_int_equal(x->reason, REASON_NOTHING);
}

static void a_value_that_got_lacks_for_want_of_a_digest_is_told(void **state)
{
	struct eventlog log = letters(9, "abc");
	struct pair *p = *state;
	const struct golden_explanation *x;

	log.events[1].digests = SLICE_EMPTY;
	log.events[1].n_digests = 0;
	state_value(&p->want, 9, ABC, NULL);
	give_log(&p->got, log);
	x = compare(p);
	assert_int_equal(p->c.items[0].result, GOLDEN_MISSING);
	assert_int_equal(x->reason, REASON_NO_DIGEST);
}

static void zeros_mean_that_nothing_was_measured(void **state)
{
	struct pair *p = *state;
	const struct golden_explanation *x;

	x = explain(p, 9, NULL, ABC, NULL, ZERO);
	assert_int_equal(x->reason, REASON_NOTHING);
}

static void logs_without_a_bank_in_common_are_no_failure(void **state)
{
	struct eventlog log = log_with(1u << ALG_SHA1);
	struct pair *p = *state;
	const struct golden_explanation *x;

	give_log(&p->want, letters(9, "abc"));
	state_value(&p->want, 9, ABC, NULL);
	log_add_data(&log, 9, EV_IPL, BYTES("a"));
	give_log(&p->got, log);
	state_value(&p->got, 9, AB, NULL);
	x = compare(p);
	assert_int_equal(x->reason, REASON_GOT_STOPS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PAIR(the_first_event_that_differs_is_named_with_what_was_expected),
		WITH_PAIR(events_more_or_fewer_are_told),
		WITH_PAIR(events_of_other_registers_are_no_explanation),
		WITH_PAIR(a_log_that_does_not_lead_to_the_value_explains_nothing),
		WITH_PAIR(a_value_from_before_an_event_is_found),
		WITH_PAIR(a_missing_event_is_found),
		WITH_PAIR(where_only_got_has_events_its_own_tell),
		WITH_PAIR(phases_are_recognised_in_both_directions),
		WITH_PAIR(the_same_events_with_other_phases_behind_are_told),
		WITH_PAIR(other_events_with_phases_behind_are_explained_by_the_events),
		WITH_PAIR(an_event_that_cannot_be_known_ends_what_wants_events_tell),
		WITH_PAIR(a_value_that_got_lacks_for_want_of_a_digest_is_told),
		WITH_PAIR(zeros_mean_that_nothing_was_measured),
		WITH_PAIR(logs_without_a_bank_in_common_are_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
