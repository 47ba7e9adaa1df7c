/* Payloads against digests, and the structure of logs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eventlog/check.h"
#include "tests/unit/build_log.h"

enum { TWO_BANKS = 1u << ALG_SHA1 | 1u << ALG_SHA256 };

/* What the check says of the log's last event. */
static struct event_check last_check(const struct eventlog *log)
{
	struct pool pool = POOL_INIT;
	struct event_check *checks, last;

	assert_int_equal(eventlog_check_payloads(&pool, log, &checks, NULL), 0);
	last = checks[log->n_events - 1];
	pool_done(&pool);
	return last;
}

static void assert_check(uint32_t type, struct slice data, struct slice measured, enum match match,
			 bool suspicious)
{
	struct eventlog log = log_with(TWO_BANKS);

	log_add(&log, 4, type, data, measured);
	struct event_check c = last_check(&log);
	assert_int_equal(c.match, match);
	assert_int_equal(c.suspicious, suspicious);
	assert_non_null(c.reason);
	eventlog_done(&log);
}

static void an_action_fits_its_digest(void **state)
{
	(void)state;
	assert_check(EV_EFI_ACTION, BYTES("Calling"), BYTES("Calling"), MATCH_YES, false);
	assert_check(EV_ACTION, BYTES("Calling"), BYTES("Calling"), MATCH_YES, false);
}

static void an_altered_action_is_suspicious(void **state)
{
	(void)state;
	assert_check(EV_EFI_ACTION, BYTES("Callinh"), BYTES("Calling"), MATCH_NO, true);
	assert_check(EV_EFI_GPT_EVENT, BYTES("a"), BYTES("b"), MATCH_NO, true);
	assert_check(EV_SEPARATOR, BYTES("\0\0\0\1"), BYTES("\0\0\0\0"), MATCH_NO, true);
}

static void an_image_is_not_in_the_log(void **state)
{
	(void)state;
	assert_check(EV_EFI_BOOT_SERVICES_APPLICATION, BYTES("path"), BYTES("image"), MATCH_CANNOT_TELL,
		     false);
	assert_check(EV_POST_CODE, BYTES("ACPI DATA"), BYTES("tables"), MATCH_CANNOT_TELL, false);
	assert_check(0x40e, BYTES(""), BYTES("x"), MATCH_CANNOT_TELL, false);
}

static void an_error_separator_is_known(void **state)
{
	(void)state;
	assert_check(EV_SEPARATOR, BYTES("what went wrong"), BYTES("\1\0\0\0"), MATCH_YES, false);
}

static void a_boot_variable_is_measured_whole_or_by_its_data(void **state)
{
	struct eventlog log = log_with(TWO_BANKS);
	struct slice v = log_variable(&log, "BootOrder", BYTES("\2\0"));

	(void)state;
	log_add(&log, 1, EV_EFI_VARIABLE_BOOT, v, BYTES("\2\0"));
	assert_int_equal(last_check(&log).match, MATCH_YES);
	log_add_data(&log, 1, EV_EFI_VARIABLE_BOOT, v);
	assert_int_equal(last_check(&log).match, MATCH_YES);
	log_add(&log, 1, EV_EFI_VARIABLE_BOOT, v, BYTES("\3\0"));
	assert_int_equal(last_check(&log).match, MATCH_NO);
	assert_true(last_check(&log).suspicious);
	/* in PFP 1.06's new type only the whole */
	log_add(&log, 1, EV_EFI_VARIABLE_BOOT2, v, BYTES("\2\0"));
	assert_int_equal(last_check(&log).match, MATCH_NO);
	eventlog_done(&log);
}

static void lengths_that_lie_are_no_variable(void **state)
{
	struct eventlog log = log_with(TWO_BANKS);
	struct slice v = log_variable(&log, "BootOrder", BYTES("\2\0"));
	uint8_t *p = (uint8_t *)(uintptr_t)v.p;

	(void)state;
	for (size_t at = 16; at < 32; at++) {
		uint8_t old = p[at];

		p[at] = 0xff;
		log_add(&log, 1, EV_EFI_VARIABLE_BOOT, v, BYTES("\2\0"));
		assert_int_equal(last_check(&log).match, MATCH_NO);
		p[at] = old;
	}
	for (size_t n = 0; n < v.n; n++) {
		log_add(&log, 1, EV_EFI_VARIABLE_BOOT, (struct slice){ v.p, n }, BYTES("\2\0"));
		assert_int_equal(last_check(&log).match, MATCH_NO);
	}
	eventlog_done(&log);
}

static void old_shim_leaves_one_byte_out(void **state)
{
	(void)state;
	assert_check(EV_EFI_VARIABLE_AUTHORITY, BYTES("certificate."), BYTES("certificate"), MATCH_YES,
		     false);
	assert_check(EV_EFI_VARIABLE_AUTHORITY, BYTES("certificate.."), BYTES("certificate"), MATCH_NO, true);
}

static void grub_measures_the_text_without_its_prefix(void **state)
{
	(void)state;
	assert_check(EV_IPL, BYTES("grub_cmd: ls\0"), BYTES("ls"), MATCH_YES, false);
	assert_check(EV_IPL, BYTES("kernel_cmdline: /vmlinuz quiet\0"), BYTES("/vmlinuz quiet"), MATCH_YES,
		     false);
	assert_check(EV_IPL, BYTES("grub_cmd ls\0"), BYTES("ls\0"), MATCH_YES, false);
	assert_check(EV_IPL, BYTES("grub_kernel_cmdline /vmlinuz\0"), BYTES("/vmlinuz"), MATCH_YES, false);
	assert_check(EV_IPL, BYTES("grub_cmd [  ]\0`"), BYTES("[  ]\0"), MATCH_YES, false);
	assert_check(EV_IPL, BYTES("grub_cmd: ls"), BYTES("ls"), MATCH_YES, false);
}

static void an_altered_command_of_grub_is_suspicious(void **state)
{
	(void)state;
	assert_check(EV_IPL, BYTES("grub_cmd: lt\0"), BYTES("ls"), MATCH_NO, true);
	/* a file's name does not tell of its content */
	assert_check(EV_IPL, BYTES("/grub/grub.cfg\0"), BYTES("set"), MATCH_CANNOT_TELL, false);
}

static void a_section_name_is_measured_in_ascii(void **state)
{
	(void)state;
	assert_check(EV_IPL, BYTES(".\0l\0i\0n\0u\0x\0\0\0"), BYTES(".linux\0"), MATCH_YES, false);
	assert_check(EV_IPL, BYTES(".\0l\0i\0n\0u\0x\0\0\0"), BYTES("a kernel"), MATCH_CANNOT_TELL, false);
	assert_check(EV_IPL, BYTES(".\0l\0i\0n\0u\0x\0\0"), BYTES(".linux\0"), MATCH_CANNOT_TELL, false);
}

static void dells_version_is_known_not_to_fit(void **state)
{
	(void)state;
	assert_check(EV_S_CRTM_VERSION, BYTES("2\0.\0003\0.\0005\0\0\0"), BYTES("else"), MATCH_NO, false);
	assert_check(EV_S_CRTM_VERSION, BYTES("O\0V\0M\0F\0\0\0"), BYTES("else"), MATCH_NO, true);
}

static void bytes_that_nothing_covers_are_suspicious(void **state)
{
	(void)state;
	/* an error (H(1)) behind a separator that says there was none */
	assert_check(EV_SEPARATOR, BYTES("\0\0\0\0"), BYTES("\1\0\0\0"), MATCH_NO, true);
	assert_check(EV_SEPARATOR, BYTES("why"), BYTES("\1\0\0\0"), MATCH_YES, false);
	/* more behind the NUL of GRUB's text than the one byte that a real build logs */
	assert_check(EV_IPL, BYTES("grub_cmd: boot\0x"), BYTES("boot"), MATCH_YES, false);
	assert_check(EV_IPL, BYTES("grub_cmd: boot\0evil"), BYTES("boot"), MATCH_NO, true);
	assert_check(EV_S_CRTM_VERSION, BYTES(".\0.\0\0\0"), BYTES("else"), MATCH_NO, true);
}

static void what_is_in_the_wrong_register_is_found(void **state)
{
	struct eventlog log = log_with(TWO_BANKS);

	(void)state;
	log_add(&log, 0, EV_S_CRTM_VERSION, BYTES("1"), BYTES("1"));
	log_add(&log, 0, EV_EFI_HCRTM_EVENT, BYTES("HCRTM"), BYTES("code"));
	log_add(&log, 7, EV_POST_CODE, BYTES("ACPI DATA"), BYTES("SecureBoot"));
	assert_int_equal(eventlog_check_structure(&log, NULL), 0);
	assert_string_equal(log.findings[0].code, "hcrtm-late");
	assert_int_equal(finding_weight(&log.findings[0]), FINDING_GRAVE);
	assert_string_equal(log.findings[1].code, "register-type");
	assert_int_equal(finding_weight(&log.findings[1]), FINDING_OPEN);
	eventlog_done(&log);
}

static void digests_of_different_bytes_are_suspicious(void **state)
{
	struct eventlog log = log_with(TWO_BANKS), one = log_with(1u << ALG_SHA1);

	(void)state;
	/* the SHA-1 digest is of the image's description, the SHA-256 digest is not */
	log_add(&log, 4, EV_EFI_BOOT_SERVICES_APPLICATION, BYTES("path"), BYTES("image"));
	log_add(&one, 4, EV_EFI_BOOT_SERVICES_APPLICATION, BYTES("path"), BYTES("path"));
	memcpy((uint8_t *)(uintptr_t)log.events[0].digests.p, one.events[0].digests.p,
	       one.events[0].digests.n);
	assert_int_equal(last_check(&log).match, MATCH_NO);
	assert_true(last_check(&log).suspicious);
	eventlog_done(&one);
	eventlog_done(&log);
}

static void what_is_not_measured_is_not_checked(void **state)
{
	(void)state;
	assert_check(EV_NO_ACTION, BYTES("StartupLocality\0\3"), BYTES("anything"), MATCH_CANNOT_TELL, false);
}

static void a_word_of_systemd_is_what_was_measured(void **state)
{
	static const struct {
		const char *content, *word;
		enum match match;
	} rows[] = {
		{ "{\"string\":\"enter-initrd\",\"eventType\":\"phase\"}", "enter-initrd", MATCH_YES },
		{ "{\"string\":\"enter-initrd\",\"eventType\":\"phase\"}", "leave-initrd", MATCH_NO },
		{ "{\"string\":\"cryptsetup:x:y\",\"eventType\":\"volume-key\"}", "keyed",
		  MATCH_CANNOT_TELL },
		{ "{\"string\":\"file-system:\\\\\\\\x3a\"}", "file-system:\\x3a", MATCH_YES },
		{ "{\"string\":\"a\\\\001b\"}", "a\001b", MATCH_YES },
		{ "{\"string\":\"a\\\\9\"}", "a", MATCH_NO },
		{ "{\"string\":\"a\\\\\"}", "a", MATCH_NO },
		{ "{}", "a", MATCH_CANNOT_TELL },
		{ "{", "a", MATCH_CANNOT_TELL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct eventlog log = log_with(TWO_BANKS);

		log_add(&log, 11, 0, slice_of_string(rows[i].content), slice_of_string(rows[i].word));
		log.events[0].content = CONTENT_SYSTEMD;
		assert_int_equal(last_check(&log).match, rows[i].match);
		assert_int_equal(last_check(&log).suspicious, rows[i].match == MATCH_NO);
		eventlog_done(&log);
	}
}

/* ---- structure ---- */

static void add_separator(struct eventlog *log, uint32_t pcr)
{
	log_add_data(log, pcr, EV_SEPARATOR, BYTES("\0\0\0\0"));
}

/* What OVMF logs, in short. skip: leave out the event of that index. */
static struct eventlog firmware_log(size_t skip)
{
	static const char *const variables[] = { "SecureBoot", "PK", "KEK", "db", "dbx" };
	struct eventlog all = log_with(1u << ALG_SHA256);

	log_add_data(&all, 0, EV_S_CRTM_VERSION, BYTES("\0\0"));
	for (size_t i = 0; i < 5; i++)
		log_add_data(&all, 7, EV_EFI_VARIABLE_DRIVER_CONFIG,
			     log_variable(&all, variables[i], BYTES("x")));
	add_separator(&all, 7);
	log_add_data(&all, 4, EV_EFI_ACTION, BYTES("Calling EFI Application from Boot Option"));
	for (uint32_t pcr = 0; pcr < 7; pcr++)
		add_separator(&all, pcr);
	log_add(&all, 4, EV_EFI_BOOT_SERVICES_APPLICATION, BYTES("path"), BYTES("image"));
	log_add_data(&all, 5, EV_EFI_ACTION, BYTES("Exit Boot Services Invocation"));
	log_add_data(&all, 5, EV_EFI_ACTION, BYTES("Exit Boot Services Returned with Success"));
	if (skip < all.n_events) {
		memmove(all.events + skip, all.events + skip + 1,
			(all.n_events - skip - 1) * sizeof all.events[0]);
		all.n_events--;
	}
	return all;
}

static size_t count_findings(const struct eventlog *log, const char *code)
{
	size_t n = 0;

	for (size_t i = 0; i < log->n_findings; i++)
		n += strcmp(log->findings[i].code, code) == 0;
	return n;
}

static void a_sound_log_has_no_findings(void **state)
{
	struct eventlog log = firmware_log(SIZE_MAX);

	(void)state;
	assert_int_equal(eventlog_check_structure(&log, NULL), 0);
	assert_int_equal(log.n_findings, 0);
	eventlog_done(&log);
}

static void a_missing_event_is_found_where_the_order_is_fixed(void **state)
{
	static const struct {
		size_t from, to;
		const char *code;
	} rows[] = {
		{ 1, 5, "secure-boot-order" },   { 6, 6, "separator-missing" },
		{ 8, 14, "separator-missing" },  { 16, 16, "exit-boot-order" },
		{ 17, 17, "exit-boot-missing" },
	};

	(void)state;
	for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
		for (size_t i = rows[r].from; i <= rows[r].to; i++) {
			struct eventlog log = firmware_log(i);

			assert_int_equal(eventlog_check_structure(&log, NULL), 0);
			assert_int_equal(count_findings(&log, rows[r].code), 1);
			assert_int_equal(log.n_findings, 1);
			assert_int_equal(finding_weight(&log.findings[0]) == FINDING_GRAVE,
					 strcmp(rows[r].code, "exit-boot-missing") != 0);
			eventlog_done(&log);
		}
	}
}

static void what_real_firmware_does_is_not_grave(void **state)
{
	struct eventlog log = firmware_log(SIZE_MAX);

	(void)state;
	add_separator(&log, 4);
	log_add_data(&log, 1, EV_EFI_VARIABLE_BOOT, log_variable(&log, "BootOrder", BYTES("x")));
	log_add_data(&log, 3, EV_SEPARATOR, BYTES("oops!"));
	log_add_data(&log, 12, EV_SEPARATOR, BYTES("WBCL"));
	assert_int_equal(eventlog_check_structure(&log, NULL), 0);
	assert_int_equal(count_findings(&log, "separator-doubled"), 2);
	assert_int_equal(count_findings(&log, "separator-error"), 1);
	assert_int_equal(count_findings(&log, "after-separator"), 1);
	for (size_t i = 0; i < log.n_findings; i++)
		assert_int_equal(finding_weight(&log.findings[i]), FINDING_ODD);
	eventlog_done(&log);
}

static void registers_that_do_not_exist_are_found(void **state)
{
	struct eventlog log = firmware_log(SIZE_MAX);

	(void)state;
	log_add_data(&log, 24, EV_ACTION, BYTES("x"));
	log_add_data(&log, UINT32_MAX, EV_NO_ACTION, BYTES("x"));
	log_add_data(&log, 0, EV_NO_ACTION, BYTES("StartupLocality\0\3"));
	assert_int_equal(eventlog_check_structure(&log, NULL), 0);
	assert_int_equal(count_findings(&log, "register-range"), 1);
	assert_int_equal(count_findings(&log, "startup-locality-late"), 1);
	assert_int_equal(log.n_findings, 2);
	eventlog_done(&log);
}

static void a_log_without_separators_is_found(void **state)
{
	struct eventlog log = log_with(1u << ALG_SHA256), early = log_with(1u << ALG_SHA256),
			cc = log_with(1u << ALG_SHA384);

	(void)state;
	log_add_data(&log, 0, EV_S_CRTM_VERSION, BYTES("\0\0"));
	assert_int_equal(eventlog_check_structure(&log, NULL), 0);
	assert_int_equal(count_findings(&log, "no-separators"), 1);
	assert_int_equal(log.n_findings, 1);
	/* PCR 7 has its own, before the others: those are missing */
	log_add_data(&early, 0, EV_S_CRTM_VERSION, BYTES("\0\0"));
	add_separator(&early, 7);
	assert_int_equal(eventlog_check_structure(&early, NULL), 0);
	assert_int_equal(count_findings(&early, "no-separators"), 1);
	assert_int_equal(early.n_findings, 1);
	/* RTMR0 and RTMR1 are registers 1 and 2; the separator of PCR 1 to 6 is in RTMR1 */
	cc.kind = EVENTLOG_CC;
	add_separator(&cc, 1);
	assert_int_equal(eventlog_check_structure(&cc, NULL), 0);
	assert_int_equal(count_findings(&cc, "no-separators"), 1);
	assert_string_equal(cc.findings[0].text, "no separator in rtmr1");
	eventlog_done(&cc);
	eventlog_done(&early);
	eventlog_done(&log);
}

static void what_comes_after_the_firmware_has_gone_is_found(void **state)
{
	struct eventlog log = firmware_log(SIZE_MAX);

	(void)state;
	log_add_data(&log, 11, EV_IPL, BYTES("the system goes on"));
	log_add_data(&log, 4, EV_EVENT_TAG, BYTES("a boot loader's"));
	assert_int_equal(eventlog_check_structure(&log, NULL), 0);
	assert_int_equal(log.n_findings, 0);
	log_add(&log, 4, EV_EFI_BOOT_SERVICES_APPLICATION, BYTES("path"), BYTES("image"));
	assert_int_equal(eventlog_check_structure(&log, NULL), 0);
	assert_int_equal(count_findings(&log, "after-exit-boot"), 1);
	assert_int_equal(log.n_findings, 1);
	assert_int_equal(log.findings[0].event, log.n_events - 1);
	eventlog_done(&log);
}

static void an_event_without_a_hash_is_found(void **state)
{
	static const uint8_t zeros[2 + 32] = { 0x0b, 0x00 };
	struct eventlog log = firmware_log(SIZE_MAX);

	(void)state;
	log_add_data(&log, 11, EV_IPL, BYTES("zeros"));
	log.events[log.n_events - 1].digests = (struct slice){ zeros, sizeof zeros };
	log_add_data(&log, 11, EV_IPL, BYTES("none"));
	log.events[log.n_events - 1].digests = SLICE_EMPTY;
	log.events[log.n_events - 1].n_digests = 0;
	log_add_data(&log, 11, EV_NO_ACTION, BYTES("needs none"));
	log.events[log.n_events - 1].digests = (struct slice){ zeros, sizeof zeros };
	assert_int_equal(eventlog_check_structure(&log, NULL), 0);
	assert_int_equal(count_findings(&log, "zero-digest"), 1);
	assert_int_equal(count_findings(&log, "no-digest"), 1);
	assert_int_equal(log.n_findings, 2);
	eventlog_done(&log);
}

static void a_prediction_needs_no_other_registers(void **state)
{
	struct eventlog log = log_with(1u << ALG_SHA256);

	(void)state;
	log_add_data(&log, 4, EV_EFI_ACTION, BYTES("Calling EFI Application from Boot Option"));
	add_separator(&log, 4);
	log_add(&log, 4, EV_EFI_BOOT_SERVICES_APPLICATION, BYTES("path"), BYTES("image"));
	assert_int_equal(eventlog_check_structure(&log, NULL), 0);
	assert_int_equal(log.n_findings, 0);
	eventlog_done(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_action_fits_its_digest),
		cmocka_unit_test(an_altered_action_is_suspicious),
		cmocka_unit_test(an_image_is_not_in_the_log),
		cmocka_unit_test(an_error_separator_is_known),
		cmocka_unit_test(a_boot_variable_is_measured_whole_or_by_its_data),
		cmocka_unit_test(lengths_that_lie_are_no_variable),
		cmocka_unit_test(old_shim_leaves_one_byte_out),
		cmocka_unit_test(grub_measures_the_text_without_its_prefix),
		cmocka_unit_test(an_altered_command_of_grub_is_suspicious),
		cmocka_unit_test(a_section_name_is_measured_in_ascii),
		cmocka_unit_test(dells_version_is_known_not_to_fit),
		cmocka_unit_test(bytes_that_nothing_covers_are_suspicious),
		cmocka_unit_test(what_is_in_the_wrong_register_is_found),
		cmocka_unit_test(digests_of_different_bytes_are_suspicious),
		cmocka_unit_test(what_is_not_measured_is_not_checked),
		cmocka_unit_test(a_word_of_systemd_is_what_was_measured),
		cmocka_unit_test(a_sound_log_has_no_findings),
		cmocka_unit_test(a_missing_event_is_found_where_the_order_is_fixed),
		cmocka_unit_test(what_real_firmware_does_is_not_grave),
		cmocka_unit_test(registers_that_do_not_exist_are_found),
		cmocka_unit_test(a_log_without_separators_is_found),
		cmocka_unit_test(what_comes_after_the_firmware_has_gone_is_found),
		cmocka_unit_test(an_event_without_a_hash_is_found),
		cmocka_unit_test(a_prediction_needs_no_other_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
