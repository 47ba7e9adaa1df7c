/* Which kind of log the bytes are, what is noted about it, and keeping some of its banks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "log_writer.h"

enum {
	SHA1 = 1 << ALG_SHA1,
	SHA256 = 1 << ALG_SHA256,
	SHA384 = 1 << ALG_SHA384,
};

/* A register that only a separator of zeros was extended to: head -c4 /dev/zero hashed, behind the zeros of a reset, hashed. */
static const char separator_sha1[] = "b2a83b0ebf2f8374299a5b2bdfc31ea955ad7236";
static const char separator_sha256[] = "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969";
static const char separator_sha384[] =
	"518923b0f955d08da077c96aaba522b9decede61c599cea6c41889cfbea4ae4d50529d96fe4d1afdafb65e7f95bf23c4";

static struct bytes tcg2_log(void)
{
	struct bytes b = { .n = 0 };

	put_spec_id(&b, 0, SHA1 | SHA256, "");
	put_event2(&b, 0, EV_S_CRTM_VERSION, SHA1 | SHA256, "1\0\0", 4);
	put_event2(&b, 7, EV_SEPARATOR, SHA1 | SHA256, "\0\0\0", 4);
	return b;
}

static void assert_kind(const struct bytes *b, enum eventlog_kind kind)
{
	struct parsed p = read_log(b);
	const char *why;

	if (p.rc < 0)
		fail_msg("%s", p.e.msg);
	assert_int_equal(p.log.kind, kind);
	assert_int_equal(eventlog_recognise((struct slice){ p.bytes, b->n }, &why), kind);
	assert_null(why);
	done(&p);
}

static void kinds_have_names(void **state)
{
	(void)state;
	for (enum eventlog_kind k = 0; k < EVENTLOG_KINDS; k++)
		assert_int_equal(eventlog_kind_by_name(eventlog_kind_name(k)), k);
	assert_string_equal(eventlog_kind_name(EVENTLOG_CEL_TLV), "cel-tlv");
	assert_int_equal(eventlog_kind_by_name("tcg"), EVENTLOG_KINDS);
	assert_string_equal(eventlog_kind_name(EVENTLOG_KINDS), "unknown");
}

static void a_spec_id_03_event_makes_a_log_crypto_agile(void **state)
{
	struct bytes b = tcg2_log();

	(void)state;
	assert_kind(&b, EVENTLOG_TCG2);
}

static void a_spec_id_event_of_register_1_with_one_algorithm_makes_a_cc_log(void **state)
{
	struct bytes b = { .n = 0 };
	struct parsed p;

	(void)state;
	put_spec_id(&b, 1, SHA384, "");
	put_event2(&b, 1, EV_SEPARATOR, SHA384, "\0\0\0", 4);
	put_event2(&b, 3, EV_IPL, SHA384, "x", 1);
	put_fill(&b, 0xff, 100);
	assert_kind(&b, EVENTLOG_CC);
	p = read_log(&b);
	assert_int_equal(p.log.n_events, 2);
	assert_replay(&p.log, ALG_SHA384, 1, separator_sha384);
	done(&p);
}

static void td_shim_makes_a_cc_log_too(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	put_spec_id(&b, 0, SHA384, "td-shim");
	assert_kind(&b, EVENTLOG_CC);
	b.n = 0;
	put_spec_id(&b, 0, SHA384, "");
	assert_kind(&b, EVENTLOG_TCG2);
	b.n = 0;
	put_spec_id(&b, 1, SHA256 | SHA384, "");
	assert_kind(&b, EVENTLOG_TCG2);
}

static void a_cc_log_knows_no_startup_locality(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	put_spec_id(&b, 1, SHA384, "");
	put_event2(&b, 0, EV_NO_ACTION, SHA384, "StartupLocality\0\3", 17);
	struct parsed p = read_log(&b);
	assert_int_equal(p.rc, 0);
	assert_replay(&p.log, ALG_SHA384, 0,
		      "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
		      "0000000000");
	done(&p);
}

static void windows_events_make_a_wbcl_of_either_framing(void **state)
{
	static const uint8_t boundary[] = { 1, 0, 1, 0x40, 0, 0, 0, 0 },
			     unmeasured[] = { 4, 0, 1, 0xc0, 0, 0, 0, 0 };
	struct bytes b = tcg2_log();

	(void)state;
	put_event2(&b, 12, EV_EVENT_TAG, SHA256, boundary, sizeof boundary);
	assert_kind(&b, EVENTLOG_WBCL);

	b = tcg2_log();
	put_event2(&b, 13, EV_SEPARATOR, SHA256, "WBCL", 4);
	assert_kind(&b, EVENTLOG_WBCL);

	b.n = 0;
	put_event1(&b, 0, EV_S_CRTM_VERSION, "1", 1);
	assert_kind(&b, EVENTLOG_TCG1);
	put_event1(&b, UINT32_MAX, EV_NO_ACTION, unmeasured, sizeof unmeasured);
	assert_kind(&b, EVENTLOG_WBCL);
}

static void tags_of_other_registers_and_programs_are_not_windows(void **state)
{
	static const uint8_t boundary[] = { 1, 0, 1, 0x40, 0, 0, 0, 0 },
			     initrd[] = { 0xec, 0x22, 0x3b, 0x8f, 0, 0, 0, 0 };
	struct bytes b = tcg2_log();

	(void)state;
	put_event2(&b, 9, EV_EVENT_TAG, SHA1 | SHA256, boundary, sizeof boundary);
	put_event2(&b, 12, EV_EVENT_TAG, SHA1 | SHA256, initrd, sizeof initrd);
	assert_kind(&b, EVENTLOG_TCG2);
}

static void json_records_and_separators_are_recognised(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	put_text(&b, " \n[]");
	assert_kind(&b, EVENTLOG_CEL_JSON);
	b.n = 0;
	put_text(&b, "\x1e{\"pcr\":11,\"digests\":[],\"content_type\":\"systemd\",\"content\":{}}\n");
	assert_kind(&b, EVENTLOG_SYSTEMD);
}

static void the_ccel_table_is_told_from_the_log(void **state)
{
	struct bytes b = { .n = 0 };
	const char *why;

	(void)state;
	put_text(&b, "CCEL");
	put32(&b, 56);
	put_fill(&b, 0, 28);
	put_hex(&b, "02000000");
	put_fill(&b, 0x11, 16);
	assert_int_equal(b.n, 56);
	/* also when a kind is asked for */
	for (enum eventlog_kind k = EVENTLOG_TCG1; k <= EVENTLOG_KINDS; k += EVENTLOG_KINDS) {
		struct parsed p = read_n(&b, b.n, k);
		assert_int_equal(p.rc, -PCRCAST_EUNSUPPORTED);
		assert_non_null(strstr(p.e.msg, "/sys/firmware/acpi/tables/data/CCEL"));
		done(&p);
	}
	assert_int_equal(eventlog_recognise((struct slice){ b.p, b.n }, &why), EVENTLOG_KINDS);
	assert_non_null(strstr(why, "data/CCEL"));
}

static void what_is_no_log_is_refused(void **state)
{
	static const char *const bad[] = { "",
					   "hello world, this is no log at all, but long enough for an event",
					   "\177ELF\2\1\1\3\1\1\1" };
	const char *why = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct bytes b = { .n = 0 };

		put_text(&b, bad[i]);
		struct parsed p = read_log(&b);
		assert_int_equal(p.rc, b.n ? -PCRCAST_EUNSUPPORTED : -PCRCAST_ETRUNC);
		assert_int_equal(p.log.n_events, 0);
		assert_int_equal(eventlog_recognise((struct slice){ p.bytes, b.n }, &why), EVENTLOG_KINDS);
		assert_string_equal(why, p.e.msg);
		done(&p);
	}
}

static void a_kind_that_is_asked_for_overrides_what_is_seen(void **state)
{
	struct bytes b = tcg2_log();
	struct parsed p = read_n(&b, b.n, EVENTLOG_CC);

	(void)state;
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.log.kind, EVENTLOG_CC);
	done(&p);
	p = read_n(&b, b.n, EVENTLOG_WBCL);
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.log.kind, EVENTLOG_WBCL);
	done(&p);
	p = read_n(&b, b.n, EVENTLOG_TCG1);
	assert_int_equal(p.rc, -PCRCAST_EUNSUPPORTED);
	done(&p);
	p = read_n(&b, b.n, (enum eventlog_kind)99);
	assert_int_equal(p.rc, -PCRCAST_EINVAL);
	done(&p);
}

static void padding_and_what_is_appended_are_findings(void **state)
{
	struct bytes b = tcg2_log();
	size_t end = b.n;

	(void)state;
	struct parsed p = read_log(&b);
	assert_int_equal(p.log.n_findings, 0);
	done(&p);

	put_fill(&b, 0, 40);
	p = read_log(&b);
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.log.n_findings, 1);
	assert_int_equal(find(&p, "padding")->offset, end);
	assert_int_equal(find(&p, "padding")->event, SIZE_MAX);
	assert_string_equal(find(&p, "padding")->text, "40 bytes of 0x00 behind the last event");
	done(&p);

	b.n = end;
	put_fill(&b, 0xff, 16);
	put_event1(&b, 0, EV_ACTION, "old", 3);
	p = read_log(&b);
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.log.n_events, 2);
	assert_string_equal(find(&p, "padding")->text, "16 bytes of 0xff behind the last event");
	assert_int_equal(find(&p, "appended")->offset, end + 16);
	assert_string_equal(find(&p, "appended")->text, "35 bytes behind the padding, not read");
	done(&p);
}

static void another_number_of_digests_is_a_finding(void **state)
{
	struct bytes b = tcg2_log();
	size_t at = b.n;
	struct pcr_bank bank;
	size_t missing;

	(void)state;
	put_event2(&b, 12, EV_SEPARATOR, SHA256, "\0\0\0", 4);
	put_event2(&b, 12, EV_NO_ACTION, 0, "", 0);
	struct parsed p = read_log(&b);
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.log.n_events, 4);
	assert_int_equal(p.log.n_findings, 2);
	const struct finding *f = find(&p, "digest-count");
	assert_int_equal(f->event, 2);
	assert_int_equal(f->offset, at);
	assert_string_equal(f->text, "1 digests, the log announces 2 algorithms");
	assert_replay(&p.log, ALG_SHA256, 12, separator_sha256);
	assert_int_equal(eventlog_replay(&p.log, ALG_SHA1, &bank, NULL), -PCRCAST_ENOTFOUND);
	assert_int_equal(eventlog_replay_partial(&p.log, ALG_SHA1, &bank, &missing, NULL), 0);
	assert_int_equal(missing, 1);
	assert_cel_json_round_trip(&p.log);
	done(&p);
}

static void findings_are_limited(void **state)
{
	struct eventlog log = EVENTLOG_INIT;

	(void)state;
	for (int i = 0; i < 20000; i++)
		assert_int_equal(eventlog_find(&log, 0, SIZE_MAX, "odd", NULL, "number %d", i), 0);
	assert_int_equal(log.n_findings, 1001);
	assert_string_equal(log.findings[999].text, "number 999");
	assert_string_equal(log.findings[1000].code, "more-findings");
	/* many of one kind do not hide one of another */
	assert_int_equal(eventlog_find(&log, 0, 7, "grave", NULL, "this one"), 0);
	assert_int_equal(log.n_findings, 1002);
	assert_string_equal(log.findings[1001].code, "grave");
	eventlog_done(&log);
}

static void banks_can_be_left_out(void **state)
{
	struct bytes b = tcg2_log();
	struct parsed p = read_log(&b);
	struct eventlog kept;
	struct pcr_bank bank;
	struct pcrcast_error e;

	(void)state;
	assert_int_equal(eventlog_keep_banks(&p.log, SHA256, &kept, &e), 0);
	assert_int_equal(kept.n_algs, 1);
	assert_int_equal(kept.n_events, 2);
	assert_int_equal(kept.events[1].n_digests, 1);
	assert_int_equal(kept.events[1].digests.n, 34);
	assert_true(slice_equal(kept.events[1].data, p.log.events[1].data));
	assert_replay(&kept, ALG_SHA256, 7, separator_sha256);
	assert_int_equal(eventlog_replay(&kept, ALG_SHA1, &bank, &e), -PCRCAST_ENOTFOUND);

	struct pool pool = POOL_INIT;
	struct slice out;
	assert_int_equal(eventlog_write_tcg2(&kept, &pool, &out, &e), 0);
	pool_done(&pool);
	eventlog_done(&kept);

	assert_int_equal(eventlog_keep_banks(&p.log, SHA1 | SHA256, &kept, &e), 0);
	assert_same_events(&p.log, &kept);
	eventlog_done(&kept);
	assert_int_equal(eventlog_keep_banks(&p.log, SHA256 | SHA384, &kept, &e), -PCRCAST_ENOTFOUND);
	assert_string_equal(e.msg, "the log has no sha384 digests");
	done(&p);
}

static void a_crypto_agile_log_goes_through_cel_json(void **state)
{
	struct bytes b = tcg2_log();

	(void)state;
	put_event2(&b, 0x01c40200, EV_NO_ACTION, SHA1 | SHA256, "NvIndexInstance", 16);
	put_event2(&b, UINT32_MAX, 0x1234, SHA1 | SHA256, "", 0);
	struct parsed p = read_log(&b);
	assert_int_equal(p.rc, 0);
	assert_replay(&p.log, ALG_SHA1, 7, separator_sha1);
	assert_cel_json_round_trip(&p.log);
	done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_have_names),
		cmocka_unit_test(a_spec_id_03_event_makes_a_log_crypto_agile),
		cmocka_unit_test(a_spec_id_event_of_register_1_with_one_algorithm_makes_a_cc_log),
		cmocka_unit_test(td_shim_makes_a_cc_log_too),
		cmocka_unit_test(a_cc_log_knows_no_startup_locality),
		cmocka_unit_test(windows_events_make_a_wbcl_of_either_framing),
		cmocka_unit_test(tags_of_other_registers_and_programs_are_not_windows),
		cmocka_unit_test(json_records_and_separators_are_recognised),
		cmocka_unit_test(the_ccel_table_is_told_from_the_log),
		cmocka_unit_test(what_is_no_log_is_refused),
		cmocka_unit_test(a_kind_that_is_asked_for_overrides_what_is_seen),
		cmocka_unit_test(padding_and_what_is_appended_are_findings),
		cmocka_unit_test(another_number_of_digests_is_a_finding),
		cmocka_unit_test(findings_are_limited),
		cmocka_unit_test(banks_can_be_left_out),
		cmocka_unit_test(a_crypto_agile_log_goes_through_cel_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
