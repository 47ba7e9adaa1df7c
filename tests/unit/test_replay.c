/* Replaying crypto-agile logs. Values by python3 hashlib. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tcg2_writer.h"

static void assert_pcr(const struct bytes *b, enum alg alg, int pcr, const char *want)
{
	struct parsed p = parse(b);
	struct pcr_bank bank;
	char hex[2 * DIGEST_MAX + 1];

	assert_int_equal(p.rc, 0);
	assert_int_equal(eventlog_replay(&p.log, alg, &bank, &p.e), 0);
	hex_encode(bank.pcr[pcr], algs[alg].len, hex);
	assert_string_equal(hex, want);
	done(&p);
}

static int replay_of(const struct bytes *b, enum alg alg)
{
	struct parsed p = parse(b);
	struct pcr_bank bank;

	assert_int_equal(p.rc, 0);
	int rc = eventlog_replay(&p.log, alg, &bank, &p.e);
	done(&p);
	return rc;
}

static void replay_extends(void **state)
{
	size_t ends[4];
	struct bytes b = small_log(ends);
	struct parsed p = parse(&b);
	struct pcr_bank bank;

	(void)state;
	assert_pcr(&b, ALG_SHA256, 7, "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969");
	assert_pcr(&b, ALG_SHA1, 9, "b2a83b0ebf2f8374299a5b2bdfc31ea955ad7236");
	assert_int_equal(eventlog_replay(&p.log, ALG_SHA256, &bank, &p.e), 0);
	assert_int_equal(bank.extended, 7 << 7);
	assert_int_equal(bank.count[8], 1);
	assert_int_equal(bank.pcr[17][0], 0xff);
	assert_int_equal(eventlog_replay(&p.log, ALG_SHA384, &bank, &p.e), -PCRCAST_ENOTFOUND);
	done(&p);

	b.n = 0;
	put_sha256_header(&b);
	put_separator(&b, 17);
	assert_pcr(&b, ALG_SHA256, 17, "c2bb0b4d4d51d6296b69c58ae7cf49854c56d544546a17239d07d7673b224762");
}

static void startup_locality_is_the_start_of_pcr_0(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	put_sha256_header(&b);
	put_locality(&b, "StartupLocality\0\3", 17);
	size_t separator = b.n;
	put_separator(&b, 0);
	assert_pcr(&b, ALG_SHA256, 0, "50bd7d88f0414b40608f8ffc56fd4f3201b5ed0644e36b8128d33624ebe0f053");

	/* Twice the same is no contradiction, another value is. */
	put_locality(&b, "StartupLocality\0\3", 17);
	assert_pcr(&b, ALG_SHA256, 0, "50bd7d88f0414b40608f8ffc56fd4f3201b5ed0644e36b8128d33624ebe0f053");
	b.p[b.n - 1] = 0;
	assert_int_equal(replay_of(&b, ALG_SHA256), -PCRCAST_EFORMAT);

	/* A locality that TPM2_Startup does not know, and none. */
	b.n = separator;
	b.p[b.n - 1] = 2;
	assert_int_equal(replay_of(&b, ALG_SHA256), -PCRCAST_EFORMAT);
	b.n = 0;
	put_sha256_header(&b);
	put_locality(&b, "StartupLocality", 16);
	assert_int_equal(replay_of(&b, ALG_SHA256), -PCRCAST_EFORMAT);

	/* Other EV_NO_ACTION events mean nothing here, nor does this one outside PCR 0. */
	b.n = 0;
	put_sha256_header(&b);
	put_locality(&b, "StartupLocalitx\0\3", 17);
	put_locality(&b, "SP800-155 Event", 16);
	put_event(&b, 1, EV_NO_ACTION, separator_sha256, "StartupLocality\0\3", 17);
	put_separator(&b, 0);
	assert_pcr(&b, ALG_SHA256, 0, "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969");
}

static void h_crtm_is_locality_4(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	put_sha256_header(&b);
	put_locality(&b, "StartupLocality\0\4", 17);
	size_t separator = b.n;
	put_separator(&b, 0);
	assert_pcr(&b, ALG_SHA256, 0, "a4106eb945468aeffd03f996821141d83aec28c4e41b520f4b8508ca867aa20e");

	/* printf HCRTM | sha256sum */
	b.n = separator;
	b.p[b.n - 1] = 3;
	put_event(&b, 0, EV_EFI_HCRTM_EVENT,
		  "88356cd60a1f7d51441ad4466df8ebca30eab0fee284055885bc695e8ace3e65", "HCRTM", 5);
	put_separator(&b, 0);
	assert_pcr(&b, ALG_SHA256, 0, "f9540cbdaceac7ac4cf50e5559deb2a44e4f05c6f1b6721858c2023aeb85de2e");
}

static void pcrs_above_23_are_not_extended(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	put_sha256_header(&b);
	put_separator(&b, 24);
	put_separator(&b, 0x01c40200);
	put_separator(&b, UINT32_MAX);
	put_separator(&b, 23);
	struct parsed p = parse(&b);
	struct pcr_bank bank;
	assert_int_equal(p.rc, 0);
	assert_int_equal(eventlog_replay(&p.log, ALG_SHA256, &bank, &p.e), 0);
	assert_int_equal(bank.extended, 1 << 23);
	done(&p);
}

static void an_event_without_a_digest_has_no_value_in_that_bank(void **state)
{
	struct bytes b = { .n = 0 };
	struct pcr_bank bank;
	size_t missing = 99;

	(void)state;
	put_header(&b, (const uint16_t[][2]){ { SHA1, 20 }, { SHA256, 32 } }, 2);
	put_event(&b, 0, EV_NO_ACTION, separator_sha256, "", 0); /* not extended, so not missed */
	put_separator(&b, 30);
	put_separator(&b, 7);
	struct parsed p = parse(&b);
	assert_int_equal(p.rc, 0);
	assert_int_equal(eventlog_replay(&p.log, ALG_SHA256, &bank, &p.e), 0);
	assert_int_equal(eventlog_replay(&p.log, ALG_SHA1, &bank, &p.e), -PCRCAST_ENOTFOUND);
	assert_int_equal(p.e.offset, p.log.events[2].offset);
	assert_int_equal(eventlog_replay_partial(&p.log, ALG_SHA1, &bank, &missing, &p.e), 0);
	assert_int_equal(missing, 1);
	assert_int_equal(bank.extended, 0);
	assert_int_equal(eventlog_replay_partial(&p.log, ALG_SHA256, &bank, &missing, &p.e), 0);
	assert_int_equal(missing, 0);
	done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replay_extends),
		cmocka_unit_test(startup_locality_is_the_start_of_pcr_0),
		cmocka_unit_test(h_crtm_is_locality_4),
		cmocka_unit_test(pcrs_above_23_are_not_extended),
		cmocka_unit_test(an_event_without_a_digest_has_no_value_in_that_bank),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
