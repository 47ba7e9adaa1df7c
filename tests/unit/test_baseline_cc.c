/*
 * A log of CC registers as the baseline of a TDX guest's prediction. The logs are made here, expectations are by hand: which events
 * are whose, and each register's value as a chain of texts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/cc_baseline.h"

/* ---- what is kept ---- */

static void the_machines_events_are_kept_and_the_old_chains_replaced(void **state)
{
	struct esp *x = *state;
	struct eventlog log = usual_log(RTMR1);
	size_t n, kept = 0;

	expect_places(&log, "bbbbbbbbt....ss...aa.");
	give(x, &log, "quiet");
	uint8_t *kernel = build_cc_kernel(x, &n);
	esp_put(x, FIRST, kernel, n);
	struct bytes hashed = authenticode_of(kernel, n);
	esp_predict(x);
	EXPECT_REGISTER(x, RTMR0, MACHINE, VARIABLES);
	EXPECT_REGISTER(x, RTMR1, CALLING, ZEROS, BYTES("table"), { hashed.p, hashed.n }, INVOCATION,
			SUCCESS);
	EXPECT_REGISTER(x, RTMR2, BYTES(QUIET));
	assert_int_equal(x->p.incomplete, 0);
	assert_int_equal(x->p.n_unknowns, 0);
	expect_assumption(x, "tpm", "none, as in the baseline");
	for (size_t i = 0; i < x->p.n_baseline; i++)
		kept += x->p.baseline[i].kept;
	assert_int_equal(kept, 11);
	assert_int_equal(x->p.baseline[20].pcr, RTMR3);
	assert_string_equal(x->p.baseline[20].reason, "measured by the operating system");
	bytes_done(&hashed);
	eventlog_done(&log);
}

/* The order within RTMR0: the machine's, the separator that belongs elsewhere, the new shim's authority. */
static void the_separator_stands_where_the_log_has_it(void **state)
{
	struct esp *x = *state;
	struct eventlog log = usual_log(RTMR0);
	struct bytes level = { NULL, 0 };

	bytes_add_variable(&level, "SbatLevel", &guid_shim_lock, "sbat,1,2021030218\n", 18);
	expect_places(&log, "bbbbbbbbt....ss...aa.");
	give(x, &log, "quiet");
	put_shim(x, "15.8");
	for (unsigned quirks = 0; quirks <= CC_QUIRK_SEPARATOR; quirks += CC_QUIRK_SEPARATOR) {
		x->opt.cc_quirks = quirks;
		esp_predict(x);
		EXPECT_REGISTER(x, RTMR0, MACHINE, VARIABLES, ZEROS, { level.p, level.n });
		expect_assumption(x, "cc-firmware", "the separator of RTMR1 in RTMR0");
	}
	bytes_done(&level);
	eventlog_done(&log);
}

static void separators_of_each_pcr_are_kept_where_they_are(void **state)
{
	/* Intel's TDVF of 2022: PCR 0 and 1 go to RTMR0, 2 to 6 to RTMR1; boot variables are in RTMR1 */
	static const uint32_t registers[] = { RTMR0, RTMR0, RTMR1, RTMR1, RTMR1, RTMR1, RTMR1 };
	struct eventlog log = cc_log();
	struct esp *x = *state;

	add_machine(&log);
	add_boot_variables(&log, RTMR1);
	log_add_data(&log, RTMR1, ACTION, CALLING);
	for (size_t i = 0; i < 7; i++)
		log_add_data(&log, registers[i], EV_SEPARATOR, ZEROS);
	add_old_chain(&log);
	expect_places(&log, "bbbbbbbbbbbbbb....ss...aa.");
	give(x, &log, "quiet");
	put_kernel(x, FIRST);
	esp_predict(x);
	EXPECT_REGISTER(x, RTMR0, MACHINE, ZEROS, ZEROS);
	x->opt.cc_quirks = CC_QUIRK_SEPARATOR;
	esp_predict_fails(x, PCRCAST_EINVAL, "ccel: in this log the separator of RTMR1 is not in RTMR0");
	eventlog_done(&log);
}

static void failed_attempts_are_the_logs(void **state)
{
	struct eventlog log = cc_log();
	struct esp *x = *state;

	add_machine(&log);
	log_add_data(&log, RTMR1, ACTION, CALLING);
	log_add_data(&log, RTMR1, EV_SEPARATOR, ZEROS);
	log_add(&log, RTMR1, APP, of_disk(), BYTES("left again"));
	log_add_data(&log, RTMR0, AUTHORITY, BYTES("of what was left again"));
	log_add_data(&log, RTMR1, ACTION, RETURNING);
	log_add_data(&log, RTMR1, ACTION, CALLING);
	log_add_data(&log, RTMR0, AUTHORITY, BYTES("of the old shim"));
	add_old_chain(&log);
	expect_places(&log, "bbbbbbbbbb.....ss...aa.");
	give(x, &log, "quiet");
	put_kernel(x, FIRST);
	esp_predict(x);
	expect_assumption(x, "failed-attempts", "1, as in the baseline");
	EXPECT_REGISTER(x, RTMR0, MACHINE, BYTES("of what was left again"));
	eventlog_done(&log);
}

/* systemd 262 measures SMBIOS structures to RTMR0; 261 perhaps only where there is a TPM. */
static void smbios_structures_are_those_of_the_log(void **state)
{
	struct esp *x = *state;
	struct eventlog log = usual_log(RTMR1);

	give(x, &log, "quiet");
	put_uki(x, "262", &(size_t){ 0 });
	esp_predict(x);
	EXPECT_REGISTER(x, RTMR0, MACHINE, VARIABLES, BYTES("system"), BYTES("strings"));
	put_uki(x, "261", &(size_t){ 0 });
	esp_predict(x);
	expect_reason(x, RTMR0, "without a TPM is not known", NULL);
	put_uki(x, "260", &(size_t){ 0 });
	esp_predict(x);
	EXPECT_REGISTER(x, RTMR0, MACHINE, VARIABLES);
	log.events[17].data = BYTES("no kernel's"); /* else it had no TPM */
	x->opt.cc_quirks = CC_QUIRK_VTPM;
	put_uki(x, "261", &(size_t){ 0 });
	esp_predict(x);
	EXPECT_REGISTER(x, RTMR0, MACHINE, VARIABLES, BYTES("system"), BYTES("strings"));
	log.events[13].data = log.events[14].data = BYTES("something else");
	esp_predict(x);
	expect_reason(x, RTMR0, "its type does not tell", NULL);
	expect_reason(x, RTMR0, "which the baseline's boot did not", "--smbios-tables");
	eventlog_done(&log);
}

static void what_may_be_either_ones_leaves_its_register_open(void **state)
{
	struct esp *x = *state;
	struct eventlog log = usual_log(RTMR1);

	log_add_data(&log, RTMR1, (uint32_t)EV_EFI_PLATFORM_FIRMWARE_BLOB2, BYTES("late"));
	give(x, &log, "quiet");
	put_kernel(x, FIRST);
	esp_predict(x);
	assert_int_equal(x->p.incomplete, 1u << RTMR1);
	expect_reason(x, RTMR1, "the firmware's or the old chain's", NULL);
	eventlog_done(&log);
}

/* ---- QEMU's -kernel ---- */

static void a_file_of_qemus_is_loaded_before_the_attempt(void **state)
{
	struct esp *x = *state;
	struct eventlog log = direct_log(true);
	size_t n;

	expect_places(&log, "bbbb.wwww...aa");
	give(x, &log, "quiet");
	uint8_t *uki = put_uki(x, "260", &n);
	struct bytes hashed = authenticode_of(uki, n);
	esp_put_text(x, FIRST ".extra.d/a.cred", "is on no volume of the machine");
	esp_predict_file(x, FIRST);
	EXPECT_REGISTER(x, RTMR0, MACHINE, VARIABLES, ZEROS);
	EXPECT_REGISTER(x, RTMR1, { hashed.p, hashed.n }, CALLING, INVOCATION, SUCCESS);
	for (size_t i = 0; i < x->p.log.n_events; i++)
		assert_null(strstr(x->p.log.events[i].description, "Credentials"));
	assert_int_equal(x->p.incomplete, 0);
	expect_assumption(x, "qemu-initrd", "none");
	expect_assumption(x, "qemu", "passes the file unchanged");
	esp_predict_fails(x, PCRCAST_EINVAL, "event 4: QEMU handed the first file over (-kernel)");
	bytes_done(&hashed);
	eventlog_done(&log);
}

/* A real boot has shown it: the image that is measured has another digest than the file. */
static void qemu_writes_into_a_kernel_that_it_passes(void **state)
{
	struct esp *x = *state;

	put_kernel(x, FIRST);
	for (int initrd = 0; initrd < 2; initrd++) {
		struct eventlog log = direct_log(initrd);

		give(x, &log, "quiet");
		esp_predict_file(x, FIRST);
		expect_reason(x, RTMR1, "QEMU may write into the header", NULL);
		if (initrd)
			expect_reason(x, RTMR2, "-initrd", NULL);
		else
			EXPECT_REGISTER(x, RTMR2, BYTES(QUIET));
		assert_int_equal(x->p.incomplete, 1u << RTMR1 | (initrd ? 1u << RTMR2 : 0));
		eventlog_done(&log);
	}
}

static void what_the_firmware_says_of_the_old_kernel_leaves_rtmr1_open(void **state)
{
	struct esp *x = *state;
	struct eventlog log = cc_log();

	add_machine(&log);
	log_add(&log, RTMR1, EV_PLATFORM_CONFIG_FLAGS, BYTES("k\0e\0r\0n\0e\0l\0\0\0"), BYTES("old kernel"));
	log_add_data(&log, RTMR0, AUTHORITY, BYTES("of the old kernel"));
	log_add(&log, RTMR1, APP, of_qemu(), BYTES("old kernel"));
	log_add_data(&log, RTMR1, EV_PLATFORM_CONFIG_FLAGS, BYTES("DirectBoot Command Line"));
	log_add_data(&log, RTMR1, ACTION, CALLING);
	log_add_data(&log, RTMR1, EV_SEPARATOR, ZEROS);
	add_end(&log);
	expect_places(&log, "bbbb?..?wwaa");
	give(x, &log, "quiet");
	put_uki(x, "257", &(size_t){ 0 });
	esp_predict_file(x, FIRST);
	assert_int_equal(x->p.incomplete, 1u << RTMR1);
	expect_reason(x, RTMR1, "the kernel or the command line that QEMU passed", NULL);
	EXPECT_REGISTER(x, RTMR0, MACHINE);
	eventlog_done(&log);
}

/* The order is the same in PCRs: PCR 4 is loaded, called, separated. */
static void a_tpms_log_of_such_a_boot_is_taken_too(void **state)
{
	struct esp *x = *state;
	struct eventlog log = log_with(1u << ALG_SHA256);

	log_add_data(&log, 7, EV_SEPARATOR, ZEROS);
	log_add_data(&log, 7, AUTHORITY, BYTES("of the old kernel"));
	log_add(&log, 4, APP, of_qemu(), BYTES("old kernel"));
	log_add(&log, 1, BOOT_VARIABLE, log_variable(&log, "BootOrder", BYTES("\0\0")), BYTES("\0\0"));
	log_add_data(&log, 4, ACTION, CALLING);
	for (uint32_t pcr = 0; pcr <= 6; pcr++)
		log_add_data(&log, pcr, EV_SEPARATOR, ZEROS);
	log_add(&log, 4, APP, of_disk(), BYTES("kernel inside of the old kernel, which was a UKI"));
	log_add(&log, 9, EV_EVENT_TAG, LINUX_LINE, BYTES("old line"));
	log_add_data(&log, 5, ACTION, INVOCATION);
	expect_places(&log, "b..wwwwwwwww..a");
	give(x, &log, "quiet");
	x->opt.cc = false;
	put_uki(x, "257", &(size_t){ 0 });
	x->opt.pcrs = 1 << 4 | 1 << 5 | 1 << 7;
	esp_predict_file(x, FIRST);
	static const uint32_t want[] = { 4, 4, 4, 4 }, types[] = { APP, ACTION, EV_SEPARATOR, APP };
	size_t at = 0;
	for (size_t i = 0; i < x->p.log.n_events; i++)
		if (x->p.log.events[i].pcr == 4) {
			assert_true(at < sizeof want / sizeof want[0]);
			assert_int_equal(x->p.log.events[i].type, types[at++]);
		}
	assert_int_equal(at, 4);
	eventlog_done(&log);
}

/* QEMU's file came back, and a disk was booted. */
static void a_file_of_qemus_that_came_back_is_a_failed_attempt(void **state)
{
	struct eventlog log = cc_log();
	(void)state;

	add_machine(&log);
	log_add(&log, RTMR1, APP, of_qemu(), BYTES("kernel"));
	log_add_data(&log, RTMR1, ACTION, CALLING);
	log_add_data(&log, RTMR1, EV_SEPARATOR, ZEROS);
	log_add_data(&log, RTMR1, ACTION, RETURNING);
	log_add_data(&log, RTMR1, ACTION, CALLING);
	log_add_data(&log, RTMR1, GPT, BYTES("table"));
	add_old_chain(&log);
	expect_places(&log, "bbbbbbbbbt....ss...aa.");
	eventlog_done(&log);
}

/* ---- what does not fit ---- */

static void a_log_of_other_registers_is_refused(void **state)
{
	struct esp *x = *state;
	struct eventlog log = usual_log(RTMR1), tpm = log_with(SHA384);

	put_kernel(x, FIRST);
	give(x, &log, "quiet");
	x->opt.cc = false;
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED,
			  "baseline ccel: a log of kind cc, expected one of a TPM's PCRs");
	give(x, &tpm, "quiet");
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED,
			  "a log of kind tcg2, expected with --cc one of CC registers");
	eventlog_done(&tpm);
	eventlog_done(&log);
}

static void a_quirk_that_the_log_contradicts_is_refused(void **state)
{
	struct esp *x = *state;
	struct eventlog log = usual_log(RTMR1);

	put_kernel(x, FIRST);
	give(x, &log, "quiet");
	x->opt.cc_quirks = CC_QUIRK_SEPARATOR;
	esp_predict_fails(x, PCRCAST_EINVAL, "the separator of RTMR1 is not in RTMR0");
	x->opt.cc_quirks = CC_QUIRK_VTPM;
	esp_predict_fails(x, PCRCAST_EINVAL, "the kernel measured to RTMR2 in this log");
	log.events[17].data =
		BYTES("LOADED_IMAGE::LoadOptions\0"); /* as kernels log it that forget the tag */
	esp_predict_fails(x, PCRCAST_EINVAL, "the kernel measured to RTMR2 in this log");
	log.events[17].data = BYTES("else");
	esp_predict(x);
	x->opt.cc_quirks = 0;
	esp_predict(x);
	expect_assumption(x, "tpm", "though no kernel measured to these in the baseline");
	eventlog_done(&log);
}

static void a_log_without_a_boot_is_refused(void **state)
{
	struct esp *x = *state;
	struct eventlog log = cc_log();

	put_kernel(x, FIRST);
	give(x, &log, "quiet");
	add_machine(&log);
	esp_predict_fails(x, PCRCAST_EFORMAT, "no separator in RTMR1");
	log_add_data(&log, RTMR1, ACTION, CALLING);
	esp_predict_fails(x, PCRCAST_EFORMAT, "behind the last boot attempt in RTMR1 (event 4)");
	add_old_chain(&log);
	esp_predict(x);
	log_add_data(&log, RTMR0, EV_SEPARATOR, ZEROS);
	esp_predict_fails(x, PCRCAST_EFORMAT, "event 17: a second separator in a CC register");
	eventlog_done(&log);
}

static void secure_boot_is_the_logs(void **state)
{
	struct esp *x = *state;
	struct eventlog log = usual_log(RTMR1);

	put_kernel(x, FIRST);
	give(x, &log, "quiet");
	x->opt.secure_boot = x->opt.secure_boot_given = true;
	esp_predict_fails(x, PCRCAST_EINVAL, "Secure Boot is off in this log");
	x->opt.secure_boot_given = false;
	esp_predict(x);
	expect_assumption(x, "secure-boot", "off, as in the baseline");
	log.events[1].data = log_variable(&log, "SecureBoot", BYTES("\1"));
	log_add_data(&log, RTMR0, CONFIG, log_variable(&log, "db", BYTES("")));
	esp_predict_fails(x, PCRCAST_EFORMAT, "BOOTX64.EFI");
	eventlog_done(&log);
}

/* Boot variables with other load options: the register that has them is open. */
static void load_options_of_the_log_count_where_they_are_measured(void **state)
{
	static const uint8_t option[] = { 1,    0,    0, 0, 4,   0, 'x', 0, 0,   0,
					  0x7f, 0xff, 4, 0, 'o', 0, 'l', 0, 'd', 0 };
	struct esp *x = *state;

	for (uint32_t reg = RTMR0; reg <= RTMR1; reg++) {
		struct eventlog log = cc_log();

		add_machine(&log);
		log_add_data(&log, reg, BOOT_VARIABLE,
			     log_variable(&log, "Boot0003", (struct slice){ option, sizeof option }));
		log_add_data(&log, RTMR1, ACTION, CALLING);
		add_old_chain(&log);
		give(x, &log, "quiet");
		put_kernel(x, FIRST);
		esp_set_load_options(x, "new");
		esp_predict(x);
		assert_int_equal(x->p.incomplete, 1u << reg);
		expect_reason(x, reg, "other load options", "--load-options");
		eventlog_done(&log);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ESP(the_machines_events_are_kept_and_the_old_chains_replaced),
		WITH_ESP(the_separator_stands_where_the_log_has_it),
		WITH_ESP(separators_of_each_pcr_are_kept_where_they_are),
		WITH_ESP(failed_attempts_are_the_logs),
		WITH_ESP(smbios_structures_are_those_of_the_log),
		WITH_ESP(what_may_be_either_ones_leaves_its_register_open),
		WITH_ESP(a_file_of_qemus_is_loaded_before_the_attempt),
		WITH_ESP(qemu_writes_into_a_kernel_that_it_passes),
		WITH_ESP(what_the_firmware_says_of_the_old_kernel_leaves_rtmr1_open),
		WITH_ESP(a_tpms_log_of_such_a_boot_is_taken_too),
		WITH_ESP(a_file_of_qemus_that_came_back_is_a_failed_attempt),
		WITH_ESP(a_log_of_other_registers_is_refused),
		WITH_ESP(a_quirk_that_the_log_contradicts_is_refused),
		WITH_ESP(a_log_without_a_boot_is_refused),
		WITH_ESP(secure_boot_is_the_logs),
		WITH_ESP(load_options_of_the_log_count_where_they_are_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
