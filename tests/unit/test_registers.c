/* Values of a machine against the replay, and the PCR view of CC logs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eventlog/cc.h"
#include "eventlog/check.h"
#include "tests/unit/build_log.h"

static struct eventlog three_events(void)
{
	struct eventlog log = log_with(1u << ALG_SHA256);

	log_add_data(&log, 4, EV_ACTION, BYTES("one"));
	log_add_data(&log, 9, EV_ACTION, BYTES("other"));
	log_add_data(&log, 4, EV_ACTION, BYTES("two"));
	return log;
}

/* The values that a log leads to, as a machine's. */
static struct pcr_values values_of(const struct eventlog *log)
{
	struct pcr_values v = { .known = { [ALG_SHA256] = (UINT32_C(1) << PCR_COUNT) - 1 } };
	struct pcr_bank bank;

	assert_int_equal(eventlog_replay(log, ALG_SHA256, &bank, NULL), 0);
	memcpy(v.value[ALG_SHA256], bank.pcr, sizeof bank.pcr);
	return v;
}

static void extend_word(struct pcr_values *v, unsigned pcr, const char *word)
{
	struct pcr_bank bank = { .alg = ALG_SHA256 };
	struct digest d;

	memcpy(bank.pcr, v->value[ALG_SHA256], sizeof bank.pcr);
	assert_int_equal(digest_of(ALG_SHA256, slice_of_string(word), &d, NULL), 0);
	assert_int_equal(pcr_extend(&bank, pcr, d.bytes, NULL), 0);
	memcpy(v->value[ALG_SHA256], bank.pcr, sizeof bank.pcr);
}

static void check(const struct eventlog *log, const struct pcr_values *v,
		  struct register_check ret[PCR_COUNT])
{
	assert_int_equal(eventlog_check_registers(log, ALG_SHA256, v, ret, NULL), 0);
}

static void equal_values_agree(void **state)
{
	struct eventlog log = three_events();
	struct pcr_values v = values_of(&log);
	struct register_check c[PCR_COUNT];

	(void)state;
	check(&log, &v, c);
	for (size_t i = 0; i < PCR_COUNT; i++)
		assert_int_equal(c[i].state, REGISTER_AGREES);
	eventlog_done(&log);
}

static void the_last_consistent_event_is_named(void **state)
{
	struct eventlog log = three_events(), part = three_events();
	struct register_check c[PCR_COUNT];

	(void)state;
	part.n_events = 1;
	struct pcr_values v = values_of(&part);
	check(&log, &v, c);
	assert_int_equal(c[4].state, REGISTER_DIFFERS);
	assert_int_equal(c[4].consistent_events, 1);
	assert_int_equal(c[4].last_consistent, 0);
	assert_int_equal(c[9].state, REGISTER_DIFFERS);
	assert_int_equal(c[9].consistent_events, 0);
	assert_int_equal(c[9].last_consistent, SIZE_MAX);
	v.value[ALG_SHA256][4][0] ^= 1;
	check(&log, &v, c);
	assert_int_equal(c[4].consistent_events, -1);
	eventlog_done(&part);
	eventlog_done(&log);
}

static void a_value_without_an_event_is_told(void **state)
{
	struct eventlog log = three_events();
	struct pcr_values v = values_of(&log);
	struct register_check c[PCR_COUNT];

	(void)state;
	v.value[ALG_SHA256][13][31] = 1;
	v.known[ALG_SHA256] &= ~(UINT32_C(1) << 23);
	memset(v.value[ALG_SHA256][17], 0, DIGEST_MAX); /* after a dynamic launch that was none */
	check(&log, &v, c);
	assert_int_equal(c[13].state, REGISTER_NO_EVENTS);
	assert_int_equal(c[23].state, REGISTER_NOT_STATED);
	assert_int_equal(c[17].state, REGISTER_AGREES);
	eventlog_done(&log);
}

static void phases_of_systemd_explain_pcr_11(void **state)
{
	struct eventlog log = three_events();
	struct pcr_values v = values_of(&log);
	struct register_check c[PCR_COUNT];

	(void)state;
	extend_word(&v, 11, "sysinit");
	extend_word(&v, 11, "ready");
	extend_word(&v, 4, "os-separator");
	extend_word(&v, 9, "sysinit");
	check(&log, &v, c);
	assert_int_equal(c[11].state, REGISTER_CONTINUES);
	assert_int_equal(c[11].words_len, strlen("sysinit:ready"));
	assert_int_equal(c[4].state, REGISTER_CONTINUES);
	assert_int_equal(c[9].state, REGISTER_DIFFERS);
	eventlog_done(&log);
}

static void an_event_without_a_digest_leaves_no_value(void **state)
{
	struct eventlog log = log_with(1u << ALG_SHA1 | 1u << ALG_SHA256), one = log_with(1u << ALG_SHA1);
	struct pcr_values v = { .known = { [ALG_SHA256] = (UINT32_C(1) << PCR_COUNT) - 1 } };
	struct register_check c[PCR_COUNT];

	(void)state;
	log_add_data(&log, 4, EV_ACTION, BYTES("one"));
	log_add_data(&log, 5, EV_ACTION, BYTES("two"));
	log_add_data(&one, 5, EV_ACTION, BYTES("two"));
	log.events[1].digests = one.events[0].digests;
	log.events[1].n_digests = 1;
	assert_int_equal(eventlog_incomplete(&log, ALG_SHA256), 1u << 5);
	assert_int_equal(eventlog_incomplete(&log, ALG_SHA1), 0);
	check(&log, &v, c);
	assert_int_equal(c[5].state, REGISTER_INCOMPLETE);
	assert_int_equal(c[4].state, REGISTER_DIFFERS);
	eventlog_done(&one);
	eventlog_done(&log);
}

static void a_record_about_the_log_needs_no_digest(void **state)
{
	struct eventlog log = log_with(1u << ALG_SHA256);
	struct pcr_values v;
	struct register_check c[PCR_COUNT];

	(void)state;
	log_add_data(&log, 4, EV_ACTION, BYTES("one"));
	log_add_data(&log, 4, 0, BYTES("{\"type\":\"cel_version\"}"));
	log.events[1].content = CONTENT_OTHER;
	log.events[1].template_name = "cel";
	log.events[1].digests = SLICE_EMPTY;
	log.events[1].n_digests = 0;
	v = values_of(&log);
	assert_int_equal(eventlog_incomplete(&log, ALG_SHA256), 0);
	check(&log, &v, c);
	assert_int_equal(c[4].state, REGISTER_AGREES);
	assert_int_equal(c[4].last_consistent, 0);
	eventlog_done(&log);
}

/* ---- values as text ---- */

#define HEX_32 "0102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F20"
#define ZEROS_32 "0000000000000000000000000000000000000000000000000000000000000000"

static void values_are_read_in_every_form(void **state)
{
	static const char *const texts[] = {
		"  sha1:\n  sha256:\n    4 : 0x" HEX_32 "\n",
		"sha256:\r\n4: 0X" HEX_32,
		"pcrs:\n  sm3_256:\n    4 : 0x00\n  sha256:\n    4 : " HEX_32 "\n\n",
		"sha256:4   " HEX_32 "  3 events\n",
		"{\"sha256\":{\"4\":\"" HEX_32 "\"}}",
		" \n{\"version\":1,\"pcrs\":{\"sha1\":{},\"sha256\":{\"4\":\"0x" HEX_32 "\"}}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct pcr_values v;

		assert_int_equal(pcr_values_parse(slice_of_string(texts[i]), &v, NULL), 0);
		assert_int_equal(v.known[ALG_SHA256], 1u << 4);
		assert_int_equal(v.known[ALG_SHA1], 0);
		for (uint8_t k = 0; k < 32; k++)
			assert_int_equal(v.value[ALG_SHA256][4][k], k + 1);
	}
}

static void registers_of_cc_have_names(void **state)
{
	static const char text[] = "{\"registers\":{\"sha256\":{\"rtmr2\":\"" HEX_32 "\"}}}";
	struct pcr_values v;

	(void)state;
	assert_int_equal(pcr_values_parse(slice_of_string(text), &v, NULL), 0);
	assert_int_equal(v.known[ALG_SHA256], 1u << 3);
	assert_true(v.cc);
}

static void other_text_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"hello",
		"4: 0x" HEX_32,
		"sha256:\n24: 0x" HEX_32,
		"sha256:\n4: 0x00",
		"sha256:\n4: 0x" HEX_32 "00",
		"sha256:\nx: 0x" HEX_32,
		"md5:\n",
		"sha256:",
		"{}",
		"{\"sha256\":{\"4\":1}}",
		"{\"sha256\":{\"4\":\"\"}}",
		"{\"md5\":{}}",
		"{\"sha256\":{\"99\":\"" HEX_32 "\"}}",
		"{\"sha256\":{\"4\":\"" HEX_32 "\"}} x",
		"[]",
		"sha256:\n4: 0x" HEX_32 "\n4: 0x" ZEROS_32,
		"sha256:4   " HEX_32 "\nsha256:4   " ZEROS_32,
		"sha256:4   " HEX_32 "\nsha256:rtmr0   " HEX_32,
		"{\"sha256\":{\"4\":\"" HEX_32 "\",\"04\":\"" ZEROS_32 "\"}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct pcrcast_error e = { .offset = PCRCAST_NO_OFFSET };
		struct pcr_values v;

		assert_true(pcr_values_parse(slice_of_string(texts[i]), &v, &e) < 0);
		assert_true(e.msg[0] != '\0');
	}
}

/* ---- CC logs as PCRs ---- */

static void cc_events_go_to_the_pcrs_of_edk2(void **state)
{
	struct eventlog log = log_with(1u << ALG_SHA384), view;
	uint32_t untold;
	size_t first;

	(void)state;
	log.kind = EVENTLOG_CC;
	log_add_data(&log, 1, EV_EFI_VARIABLE_DRIVER_CONFIG, log_variable(&log, "SecureBoot", BYTES("\0")));
	log_add_data(&log, 1, EV_SEPARATOR, BYTES("\0\0\0\0"));
	log_add(&log, 1, EV_EFI_HANDOFF_TABLES2, BYTES("tables"), BYTES("x"));
	log_add_data(&log, 2, EV_EFI_ACTION, BYTES("Calling EFI Application from Boot Option"));
	log_add_data(&log, 2, EV_SEPARATOR, BYTES("\0\0\0\0"));
	log_add_data(&log, 2, EV_EFI_GPT_EVENT, BYTES("disk"));
	log_add(&log, 2, EV_EFI_BOOT_SERVICES_APPLICATION, BYTES("path"), BYTES("image"));
	log_add_data(&log, 2, EV_EFI_ACTION, BYTES("Exit Boot Services Invocation"));
	log_add(&log, 3, EV_IPL, BYTES("grub_cmd: ls\0"), BYTES("ls"));
	log_add(&log, 3, EV_IPL, BYTES("/grub/grub.cfg\0"), BYTES("x"));
	log_add(&log, 3, EV_IPL, BYTES("MokList\0"), BYTES("x"));
	log_add(&log, 3, EV_IPL, BYTES(".\0l\0i\0n\0u\0x\0\0\0"), BYTES("x"));
	log_add_data(&log, 3, EV_IPL, BYTES("q\0u\0i\0e\0t\0\0\0"));
	log_add(&log, 3, EV_EVENT_TAG, BYTES("\xec\x22\x3b\x8f\0\0\0\0"), BYTES("x"));
	log_add_data(&log, 4, EV_IPL, BYTES("run time"));
	assert_int_equal(eventlog_cc_as_pcrs(&log, &view, &untold, &first, NULL), 0);
	static const uint32_t pcrs[] = { 7, 7, 1, 4, 1, 2, 3, 4, 5, 6, 5, 4, 5, 8, 9, 14, 11, 12, 9 };
	assert_int_equal(view.n_events, sizeof pcrs / sizeof pcrs[0]);
	for (size_t i = 0; i < view.n_events; i++)
		assert_int_equal(view.events[i].pcr, pcrs[i]);
	assert_int_equal(untold, 0);
	assert_int_equal(first, SIZE_MAX);
	eventlog_done(&view);
	log_add_data(&log, 3, EV_IPL, BYTES("\1\2\3"));
	assert_int_equal(eventlog_cc_as_pcrs(&log, &view, &untold, &first, NULL), 0);
	assert_int_equal(untold, 0xff00);
	assert_int_equal(first, log.n_events - 1);
	eventlog_done(&view);
	eventlog_done(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_values_agree),
		cmocka_unit_test(the_last_consistent_event_is_named),
		cmocka_unit_test(a_value_without_an_event_is_told),
		cmocka_unit_test(phases_of_systemd_explain_pcr_11),
		cmocka_unit_test(an_event_without_a_digest_leaves_no_value),
		cmocka_unit_test(a_record_about_the_log_needs_no_digest),
		cmocka_unit_test(values_are_read_in_every_form),
		cmocka_unit_test(registers_of_cc_have_names),
		cmocka_unit_test(other_text_is_refused),
		cmocka_unit_test(cc_events_go_to_the_pcrs_of_edk2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
