/* Reference values against others: what is accepted, what differs, what cannot be compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/build_log.h"
#include "tests/unit/golden_pair.h"

static struct golden_set *new_set(struct golden *g)
{
	struct golden_set *s = golden_add_set(g, NULL);

	assert_non_null(s);
	return s;
}

/* A value of one byte, repeated. */
static struct golden_register *add(struct golden *g, struct golden_set *s, enum alg alg, uint32_t index,
				   uint8_t byte, const char *label)
{
	uint8_t bytes[DIGEST_MAX];

	memset(bytes, byte, sizeof bytes);
	assert_int_equal(golden_add_value(g, s, alg, index, (struct slice){ bytes, algs[alg].len },
					  GOLDEN_STATED, label, NULL),
			 0);
	return golden_register(g, s, alg, index, NULL);
}

static void want(struct pair *p, enum alg alg, uint32_t index, uint8_t byte, const char *label)
{
	add(&p->want, &p->want.sets[p->want.n - 1], alg, index, byte, label);
}

static void got(struct pair *p, enum alg alg, uint32_t index, uint8_t byte, const char *label)
{
	add(&p->got, &p->got.sets[0], alg, index, byte, label);
}

static int compare(struct pair *p, const struct golden_compare_options *options)
{
	return golden_compare(&p->pool, p->want.sets, p->want.n, &p->got.sets[0], options, &p->c, &p->e);
}

static void expect_verdict(struct pair *p, enum golden_verdict verdict)
{
	assert_int_equal(compare(p, &all), 0);
	assert_int_equal(p->c.verdict, verdict);
}

static const struct golden_register_result *result_of(const struct pair *p, enum alg alg, uint32_t index)
{
	for (size_t i = 0; i < p->c.n; i++)
		if (p->c.items[i].alg == alg && p->c.items[i].index == index)
			return &p->c.items[i];
	fail_msg("no result for register %u", index);
	return NULL;
}

static void an_accepted_value_is_the_same_and_its_label_is_told(void **state)
{
	struct pair *p = *state;

	want(p, ALG_SHA256, 11, 1, "enter-initrd");
	want(p, ALG_SHA256, 11, 2, "enter-initrd:leave-initrd");
	got(p, ALG_SHA256, 11, 2, NULL);
	expect_verdict(p, VERDICT_SAME);
	assert_int_equal(result_of(p, ALG_SHA256, 11)->result, GOLDEN_SAME);
	assert_string_equal(result_of(p, ALG_SHA256, 11)->match->label, "enter-initrd:leave-initrd");
}

static void another_value_differs(void **state)
{
	struct pair *p = *state;

	want(p, ALG_SHA256, 4, 1, NULL);
	want(p, ALG_SHA256, 9, 1, NULL);
	got(p, ALG_SHA256, 4, 1, NULL);
	got(p, ALG_SHA256, 9, 3, NULL);
	expect_verdict(p, VERDICT_DIFFERENT);
	assert_int_equal(result_of(p, ALG_SHA256, 4)->result, GOLDEN_SAME);
	assert_int_equal(result_of(p, ALG_SHA256, 9)->result, GOLDEN_DIFFERS);
	assert_int_equal(p->c.n_failed, 1);
}

static void one_differing_bit_anywhere_differs(void **state)
{
	struct pair *p = *state;

	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		for (size_t bit = 0; bit < 8u * algs[alg].len; bit += 7) {
			pair_anew(p);
			want(p, alg, 0, 1, NULL);
			got(p, alg, 0, 1, NULL);
			p->got.sets[0].registers[0].values[0].bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			expect_verdict(p, VERDICT_DIFFERENT);
		}
	}
}

static void a_register_without_a_value_is_missing(void **state)
{
	struct pair *p = *state;

	want(p, ALG_SHA256, 4, 1, NULL);
	want(p, ALG_SHA256, 9, 1, NULL);
	got(p, ALG_SHA256, 4, 1, NULL);
	expect_verdict(p, VERDICT_DIFFERENT);
	assert_int_equal(result_of(p, ALG_SHA256, 9)->result, GOLDEN_MISSING);
	assert_int_equal(p->c.n_missing, 1);
}

static void a_warn_only_register_warns_and_does_not_fail(void **state)
{
	struct pair *p = *state;

	want(p, ALG_SHA256, 4, 1, NULL);
	want(p, ALG_SHA256, 9, 1, NULL);
	want(p, ALG_SHA256, 12, 1, NULL);
	golden_register(&p->want, &p->want.sets[0], ALG_SHA256, 9, NULL)->warn_only = true;
	golden_register(&p->want, &p->want.sets[0], ALG_SHA256, 12, NULL)->warn_only = true;
	got(p, ALG_SHA256, 4, 1, NULL);
	got(p, ALG_SHA256, 9, 2, NULL);
	expect_verdict(p, VERDICT_SAME);
	assert_int_equal(p->c.n_warnings, 2);
	assert_int_equal(p->c.n_missing, 1);
	assert_int_equal(p->c.n_failed, 0);
	assert_true(result_of(p, ALG_SHA256, 9)->warn_only);
	assert_int_equal(result_of(p, ALG_SHA256, 9)->result, GOLDEN_DIFFERS);
}

static void warnings_alone_are_no_match(void **state)
{
	struct pair *p = *state;

	want(p, ALG_SHA256, 4, 1, NULL);
	want(p, ALG_SHA256, 9, 1, NULL);
	golden_register(&p->want, &p->want.sets[0], ALG_SHA256, 4, NULL)->warn_only = true;
	golden_register(&p->want, &p->want.sets[0], ALG_SHA256, 9, NULL)->warn_only = true;
	got(p, ALG_SHA256, 4, 1, NULL);
	got(p, ALG_SHA256, 9, 2, NULL);
	expect_verdict(p, VERDICT_UNDECIDED);
	assert_int_equal(p->c.n_warnings, 1);
}

static void a_warn_only_bank_does_not_stand_in_for_an_enforced_one(void **state)
{
	struct pair *p = *state;

	want(p, ALG_SHA1, 4, 1, NULL);
	want(p, ALG_SHA256, 4, 1, NULL);
	golden_register(&p->want, &p->want.sets[0], ALG_SHA1, 4, NULL)->warn_only = true;
	got(p, ALG_SHA1, 4, 2, NULL);
	expect_verdict(p, VERDICT_DIFFERENT);
	assert_int_equal(result_of(p, ALG_SHA256, 4)->result, GOLDEN_MISSING);
}

static void what_only_got_has_is_told_and_no_failure(void **state)
{
	struct pair *p = *state;

	want(p, ALG_SHA256, 4, 1, NULL);
	got(p, ALG_SHA256, 4, 1, NULL);
	got(p, ALG_SHA256, 0, 7, NULL);
	got(p, ALG_SHA1, 4, 7, NULL);
	expect_verdict(p, VERDICT_SAME);
	assert_int_equal(p->c.n_extra, 2);
	assert_int_equal(result_of(p, ALG_SHA256, 0)->result, GOLDEN_EXTRA);
	assert_int_equal(result_of(p, ALG_SHA1, 4)->result, GOLDEN_EXTRA);
	/* in order of banks and registers */
	assert_int_equal(p->c.items[0].alg, ALG_SHA1);
	assert_int_equal(p->c.items[1].index, 0);
}

static void a_bank_that_got_lacks_is_not_compared_where_another_covers_it(void **state)
{
	struct pair *p = *state;

	want(p, ALG_SHA1, 4, 1, NULL);
	want(p, ALG_SHA1, 9, 1, NULL);
	want(p, ALG_SHA256, 4, 1, NULL);
	got(p, ALG_SHA256, 4, 1, NULL);
	assert_int_equal(compare(p, &all), 0);
	assert_int_equal(result_of(p, ALG_SHA1, 4)->result, GOLDEN_NOT_COMPARED);
	assert_int_equal(result_of(p, ALG_SHA1, 4)->explanation.reason, REASON_NO_BANK);
	assert_int_equal(result_of(p, ALG_SHA1, 9)->result, GOLDEN_MISSING);
	assert_int_equal(p->c.verdict, VERDICT_DIFFERENT);
	got(p, ALG_SHA1, 0, 1, NULL); /* it has the bank now, but not the register */
	assert_int_equal(compare(p, &all), 0);
	assert_int_equal(result_of(p, ALG_SHA1, 4)->result, GOLDEN_MISSING);
}

static void no_bank_in_common_is_an_error_that_names_them(void **state)
{
	struct golden_compare_options sha384 = { .banks = 1u << ALG_SHA384 };
	struct pair *p = *state;

	want(p, ALG_SHA1, 4, 1, NULL);
	want(p, ALG_SHA512, 4, 1, NULL);
	got(p, ALG_SHA256, 4, 1, NULL);
	assert_int_equal(compare(p, &all), -PCRCAST_EINVAL);
	assert_string_equal(p->e.msg,
			    "no bank in common: what is wanted is of sha1, sha512, what was got of sha256");
	assert_int_equal(compare(p, &sha384), -PCRCAST_EINVAL);
	assert_string_equal(p->e.msg, "what is wanted has no values of sha384, only of sha1, sha512");
}

static void pcrs_and_cc_registers_are_not_compared(void **state)
{
	struct pair *p = *state;

	p->got.sets[0].cc = true;
	want(p, ALG_SHA384, 1, 1, NULL);
	got(p, ALG_SHA384, 1, 1, NULL);
	assert_int_equal(compare(p, &all), -PCRCAST_EINVAL);
	assert_non_null(strstr(p->e.msg, "CC measurement registers"));
	p->want.sets[0].cc = true;
	expect_verdict(p, VERDICT_SAME);
}

static void each_of_gots_values_is_to_be_accepted(void **state)
{
	struct pair *p = *state;

	for (uint8_t i = 1; i < 5; i++)
		want(p, ALG_SHA256, 11, i, NULL);
	got(p, ALG_SHA256, 11, 4, NULL);
	got(p, ALG_SHA256, 11, 2, NULL);
	expect_verdict(p, VERDICT_SAME);
	assert_string_equal(p->c.items[0].explanation.lines[0], "all of GOT's 2 values are accepted");
	got(p, ALG_SHA256, 11, 9, "other");
	expect_verdict(p, VERDICT_DIFFERENT);
	assert_int_equal(p->c.items[0].n_accepted, 2);
	assert_int_equal(p->c.items[0].rejected->bytes[0], 9);
	assert_string_equal(p->c.items[0].explanation.lines[0],
			    "2 of GOT's 3 values are accepted; the first that is not (other) is explained");
}

static void a_value_under_another_label_is_told(void **state)
{
	struct pair *p = *state;

	want(p, ALG_SHA256, 11, 1, "ready");
	want(p, ALG_SHA256, 11, 1, "sysinit");
	got(p, ALG_SHA256, 11, 1, "sysinit");
	assert_int_equal(compare(p, &all), 0);
	assert_string_equal(p->c.items[0].match->label,
			    "sysinit"); /* the one of the same label, if there is one */
	assert_int_equal(p->c.items[0].explanation.n, 0);
	p->got.sets[0].registers[0].values[0].label = "final";
	expect_verdict(p, VERDICT_SAME);
	assert_string_equal(p->c.items[0].explanation.lines[0], "GOT calls this value final, WANT ready");
	p->got.sets[0].registers[0].values[0].label = "z"; /* behind all of WANT's in the alphabet */
	expect_verdict(p, VERDICT_SAME);
	assert_string_equal(p->c.items[0].explanation.lines[0], "GOT calls this value z, WANT sysinit");
}

static void of_several_sets_the_accepting_or_the_nearest_is_reported(void **state)
{
	struct pair *p = *state;

	for (uint8_t i = 1; i <= 3; i++) {
		if (i > 1)
			new_set(&p->want);
		want(p, ALG_SHA256, 4, i, NULL);
		want(p, ALG_SHA256, 9, 7, NULL);
		want(p, ALG_SHA256, 11, i == 2 ? 5 : 6, NULL);
	}
	got(p, ALG_SHA256, 4, 3, NULL);
	got(p, ALG_SHA256, 9, 7, NULL);
	got(p, ALG_SHA256, 11, 6, NULL);
	expect_verdict(p, VERDICT_SAME);
	assert_int_equal(p->c.want_index, 2);
	assert_int_equal(p->c.n_sets, 3);
	assert_int_equal(p->c.n_matching, 1);
	p->got.sets[0].registers[0].values[0].bytes[0] = 9;
	expect_verdict(p, VERDICT_DIFFERENT);
	assert_int_equal(p->c.want_index, 0); /* 4 alone differs, as in set 2, but it is the first */
	assert_int_equal(p->c.n_matching, 0);
}

static void a_set_with_which_nothing_can_be_compared_is_never_the_nearest(void **state)
{
	struct pair *p = *state;

	want(p, ALG_SHA256, 0, 1, NULL); /* got has none */
	golden_register(&p->want, &p->want.sets[0], ALG_SHA256, 0, NULL)->warn_only = true;
	new_set(&p->want);
	want(p, ALG_SHA512, 4, 1, NULL); /* no bank in common */
	new_set(&p->want)->cc = true;
	want(p, ALG_SHA256, 4, 1, NULL);
	new_set(&p->want);
	want(p, ALG_SHA256, 4, 1, NULL);
	got(p, ALG_SHA256, 4, 2, NULL);
	assert_int_equal(compare(p, &all), 0);
	assert_int_equal(p->c.want_index, 3);
	assert_int_equal(p->c.verdict, VERDICT_DIFFERENT);
	assert_int_equal(p->c.n_sets, 2);
}

static void a_set_for_another_machine_does_not_accept(void **state)
{
	struct pair *p = *state;

	p->want.sets[0].id = (struct golden_identity){ .csp = "GCP", .variant = "gcp-sev-es" };
	want(p, ALG_SHA256, 4, 1, NULL);
	new_set(&p->want)->id = (struct golden_identity){ .csp = "AWS", .variant = "aws-nitro-tpm" };
	want(p, ALG_SHA256, 4, 2, NULL);
	got(p, ALG_SHA256, 4, 1, NULL);
	p->got.sets[0].id.csp = "AWS";
	expect_verdict(p, VERDICT_DIFFERENT);
	assert_int_equal(p->c.want_index, 1);
	assert_false(p->c.others);
	p->got.sets[0].id.csp = "Azure";
	assert_int_equal(compare(p, &all), 0);
	assert_int_equal(p->c.want_index, 0);
	assert_true(p->c.others);
}

static void nothing_compared_is_undecided(void **state)
{
	struct golden_compare_options nine = { .has_pcrs = true, .pcrs = 1 << 9 },
				      both = { .has_pcrs = true, .pcrs = 1 << 4 | 1 << 9 };
	struct pair *p = *state;

	want(p, ALG_SHA256, 4, 1, NULL);
	got(p, ALG_SHA256, 9, 1, NULL);
	expect_verdict(p, VERDICT_UNDECIDED); /* no register in common */
	assert_int_equal(compare(p, &nine), 0);
	assert_int_equal(p->c.verdict, VERDICT_UNDECIDED);
	assert_int_equal(result_of(p, ALG_SHA256, 9)->result, GOLDEN_NOT_COMPARED);
	assert_int_equal(result_of(p, ALG_SHA256, 9)->explanation.reason, REASON_NOT_WANTED);
	got(p, ALG_SHA256, 4, 1, NULL);
	assert_int_equal(compare(p, &both), 0);
	assert_int_equal(result_of(p, ALG_SHA256, 4)->result, GOLDEN_SAME);
	assert_int_equal(p->c.verdict, VERDICT_UNDECIDED); /* 9 was asked for, and cannot be told */
}

static void only_chosen_registers_and_banks_count(void **state)
{
	struct golden_compare_options four = { .has_pcrs = true, .pcrs = 1 << 4, .banks = 1u << ALG_SHA256 };
	struct pair *p = *state;

	want(p, ALG_SHA1, 4, 1, NULL);
	want(p, ALG_SHA256, 4, 1, NULL);
	want(p, ALG_SHA256, 9, 1, NULL);
	got(p, ALG_SHA1, 4, 2, NULL);
	got(p, ALG_SHA256, 4, 1, NULL);
	got(p, ALG_SHA256, 9, 2, NULL);
	assert_int_equal(compare(p, &four), 0);
	assert_int_equal(p->c.verdict, VERDICT_SAME);
	assert_int_equal(p->c.n, 1);
}

static void a_whole_log_tells_that_nothing_was_measured(void **state)
{
	struct golden_compare_options by_log = { .log_counts = true };
	struct eventlog log = log_with(1u << ALG_SHA256);
	struct pair *p = *state;

	log_add_data(&log, 0, EV_S_CRTM_VERSION, BYTES("a"));
	log_add_data(&log, 4, EV_SEPARATOR, BYTES("b"));
	assert_int_equal(golden_take_log(&p->got, &p->got.sets[0], &log, GOLDEN_OBSERVED, NULL), 0);
	want(p, ALG_SHA256, 12, 0, NULL);
	want(p, ALG_SHA256, 13, 1, NULL);
	want(p, ALG_SHA256, 17, 0, NULL); /* of a dynamic root of trust: the log cannot tell */
	assert_int_equal(compare(p, &by_log), 0);
	assert_int_equal(result_of(p, ALG_SHA256, 12)->result, GOLDEN_SAME);
	assert_true(result_of(p, ALG_SHA256, 12)->got_from_log);
	assert_int_equal(result_of(p, ALG_SHA256, 13)->result, GOLDEN_DIFFERS);
	assert_int_equal(result_of(p, ALG_SHA256, 17)->result, GOLDEN_MISSING);
	/* a log proves nothing to a verifier */
	assert_int_equal(compare(p, &all), 0);
	assert_int_equal(result_of(p, ALG_SHA256, 12)->result, GOLDEN_MISSING);
	/* a log that contradicts what GOT states is not believed in what it does not say either */
	p->got.sets[0].registers[1].values[0].bytes[0] ^= 1;
	assert_int_equal(compare(p, &by_log), 0);
	assert_int_equal(result_of(p, ALG_SHA256, 12)->result, GOLDEN_MISSING);
}

static void a_log_of_some_registers_does_not_tell_of_others(void **state)
{
	struct golden_compare_options by_log = { .log_counts = true };
	struct eventlog log = log_with(1u << ALG_SHA256);
	struct pair *p = *state;

	log_add_data(&log, 11, EV_IPL, BYTES("a"));
	assert_int_equal(golden_take_log(&p->got, &p->got.sets[0], &log, GOLDEN_OBSERVED, NULL), 0);
	want(p, ALG_SHA256, 12, 0, NULL);
	assert_int_equal(compare(p, &by_log), 0);
	assert_int_equal(result_of(p, ALG_SHA256, 12)->result, GOLDEN_MISSING);
}

/* ---- policies ---- */

/*
 * PolicyPCR digests, SHA-256 session, over the SHA-256 bank, of values of 32 bytes 0x11 and 0x22, by Python:
 * sha256(bytes(32) + bytes.fromhex("0000017f" "00000001" "000b" "03") + mask.to_bytes(3, "little") + sha256(values).digest())
 */
static const char policy_11[] = "76375bd117789ab232eb4657886f1f50e7735879e1327ecf988b703311a07ab9";
static const char policy_22[] = "45e66bcb0b86bcbd6540e3e830bb532b06852a399fcbe782033fef196552336c";
/* PCR 4 is 0x11…, PCR 11 is 0x22… */
static const char policy_two[] = "72abdf7d54d6e7976c90355e49b506c3a5ccf0a89b2262bb3b8ffd973f578f2c";

static void add_policy(struct golden *g, enum alg alg, uint32_t pcrs, const char *hex, const char *label)
{
	struct golden_policy *p = golden_add_policy(g, &g->sets[0], NULL);

	assert_non_null(p);
	p->alg = alg;
	p->pcrs = pcrs;
	p->label = label;
	for (size_t i = 0; i < sizeof p->digest; i++) {
		unsigned byte;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		p->digest[i] = (uint8_t)byte;
	}
}

static void values_that_lead_to_a_policy_are_accepted_by_it(void **state)
{
	struct pair *p = *state;

	add_policy(&p->want, ALG_SHA256, 1 << 11, policy_11, "enter-initrd");
	add_policy(&p->want, ALG_SHA256, 1 << 11, policy_22, "ready");
	add_policy(&p->want, ALG_SHA1, 1 << 11, policy_22, NULL); /* a bank that got lacks */
	got(p, ALG_SHA256, 4, 0x55, NULL);
	got(p, ALG_SHA256, 11, 0x22, NULL);
	expect_verdict(p, VERDICT_SAME);
	assert_int_equal(p->c.n_policies, 2);
	assert_string_equal(p->c.policies[0].label, "ready");
	assert_int_equal(p->c.policies[1].result, GOLDEN_NOT_COMPARED);
	assert_int_equal(p->c.n_extra, 1); /* PCR 4; 11 is in a policy */
	got(p, ALG_SHA256, 11, 0x33, NULL);
	expect_verdict(p, VERDICT_DIFFERENT);
	assert_int_equal(p->c.policies[0].result, GOLDEN_DIFFERS);
	assert_int_equal(p->c.policies[0].n_want, 2);
}

static void a_policy_over_a_register_without_value_is_missing(void **state)
{
	struct pair *p = *state;

	add_policy(&p->want, ALG_SHA256, 1 << 4 | 1 << 11, policy_two, NULL);
	got(p, ALG_SHA256, 11, 0x22, NULL);
	assert_int_equal(compare(p, &all), 0);
	assert_int_equal(p->c.policies[0].result, GOLDEN_MISSING);
	assert_int_equal(p->c.verdict, VERDICT_UNDECIDED); /* nothing was compared */
	got(p, ALG_SHA256, 4, 0x11, NULL);
	assert_int_equal(compare(p, &all), 0);
	assert_int_equal(p->c.policies[0].result, GOLDEN_SAME);
}

static void policies_are_compared_with_policies_and_with_values(void **state)
{
	struct pair *p = *state;

	add_policy(&p->got, ALG_SHA256, 1 << 4 | 1 << 11, policy_two, NULL);
	want(p, ALG_SHA256, 4, 0x33, "a");
	want(p, ALG_SHA256, 4, 0x11, "b");
	want(p, ALG_SHA256, 11, 0x44, "c");
	want(p, ALG_SHA256, 11, 0x22, "d");
	expect_verdict(p, VERDICT_SAME);
	assert_string_equal(p->c.policies[0].label, "b");
	p->got.sets[0].policies[0].digest[31] ^= 1;
	expect_verdict(p, VERDICT_DIFFERENT);

	pair_anew(p);
	add_policy(&p->want, ALG_SHA256, 1 << 11, policy_11, "x");
	add_policy(&p->want, ALG_SHA256, 1 << 11, policy_22, NULL);
	add_policy(&p->got, ALG_SHA256, 1 << 11, policy_11, NULL);
	expect_verdict(p, VERDICT_SAME);
	assert_string_equal(p->c.policies[0].label, "x");
	add_policy(&p->got, ALG_SHA256, 1 << 11, policy_two, NULL);
	expect_verdict(p, VERDICT_DIFFERENT);
	assert_int_equal(p->c.policies[1].result, GOLDEN_DIFFERS);
}

static void statements_about_components_alone_are_undecided(void **state)
{
	struct pair *p = *state;

	struct golden_claim *c = golden_add_claim(&p->want, &p->want.sets[0], NULL);
	c->role = "kernel";
	c->text = "x";
	got(p, ALG_SHA256, 4, 1, NULL);
	expect_verdict(p, VERDICT_UNDECIDED);
	assert_int_equal(p->c.claims, GOLDEN_NOT_COMPARED);
	assert_int_equal(p->c.n_claim_lines, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PAIR(an_accepted_value_is_the_same_and_its_label_is_told),
		WITH_PAIR(another_value_differs),
		WITH_PAIR(one_differing_bit_anywhere_differs),
		WITH_PAIR(a_register_without_a_value_is_missing),
		WITH_PAIR(a_warn_only_register_warns_and_does_not_fail),
		WITH_PAIR(warnings_alone_are_no_match),
		WITH_PAIR(a_warn_only_bank_does_not_stand_in_for_an_enforced_one),
		WITH_PAIR(what_only_got_has_is_told_and_no_failure),
		WITH_PAIR(a_bank_that_got_lacks_is_not_compared_where_another_covers_it),
		WITH_PAIR(no_bank_in_common_is_an_error_that_names_them),
		WITH_PAIR(pcrs_and_cc_registers_are_not_compared),
		WITH_PAIR(each_of_gots_values_is_to_be_accepted),
		WITH_PAIR(a_value_under_another_label_is_told),
		WITH_PAIR(of_several_sets_the_accepting_or_the_nearest_is_reported),
		WITH_PAIR(a_set_with_which_nothing_can_be_compared_is_never_the_nearest),
		WITH_PAIR(a_set_for_another_machine_does_not_accept),
		WITH_PAIR(nothing_compared_is_undecided),
		WITH_PAIR(only_chosen_registers_and_banks_count),
		WITH_PAIR(a_whole_log_tells_that_nothing_was_measured),
		WITH_PAIR(a_log_of_some_registers_does_not_tell_of_others),
		WITH_PAIR(values_that_lead_to_a_policy_are_accepted_by_it),
		WITH_PAIR(a_policy_over_a_register_without_value_is_missing),
		WITH_PAIR(policies_are_compared_with_policies_and_with_values),
		WITH_PAIR(statements_about_components_alone_are_undecided),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
