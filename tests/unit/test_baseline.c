#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "predict/baseline.h"
#include "tests/unit/build_log.h"
#include "tests/unit/esp_files.h"

#define CALLING BYTES("Calling EFI Application from Boot Option")
#define RETURNING BYTES("Returning from EFI Application from Boot Option")
#define ZEROS BYTES("\0\0\0\0")
#define APP ((uint32_t)EV_EFI_BOOT_SERVICES_APPLICATION)
#define ACTION ((uint32_t)EV_EFI_ACTION)
#define ALL_BANKS ((1u << ALG_COUNT) - 1)

/* UEFI_IMAGE_LOAD_EVENT without a device path, and with the path of a file in a firmware volume. */
static const char plain_path[32];
static const char firmware_path[32 + 8] = { [24] = 8, [32] = 4, 6, 4, 0, 0x7f, (char)0xff, 4, 0 };

static struct slice image(const char *data, size_t n)
{
	return (struct slice){ (const uint8_t *)data, n };
}

/* What firmware logs before it tries to boot: 0 and 7 with content, 1 with a boot order, an option and its data. */
static void add_prologue(struct eventlog *log, uint8_t secure_boot, struct slice optional_data)
{
	static const uint8_t option[] = { 1, 0, 0, 0, 4, 0, 'x', 0, 0, 0, 0x7f, 0xff, 4, 0 };
	uint8_t whole[64];

	memcpy(whole, option, sizeof option);
	memcpy(whole + sizeof option, optional_data.p, optional_data.n);
	log_add_data(log, 0, EV_S_CRTM_VERSION, BYTES("\0\0"));
	log_add(log, 0, (uint32_t)EV_EFI_PLATFORM_FIRMWARE_BLOB, BYTES("0123456789abcdef"), BYTES("volume"));
	log_add_data(log, 7, (uint32_t)EV_EFI_VARIABLE_DRIVER_CONFIG,
		     log_variable(log, "SecureBoot", (struct slice){ &secure_boot, 1 }));
	log_add_data(log, 7, EV_SEPARATOR, ZEROS);
	log_add_data(log, 1, (uint32_t)EV_EFI_VARIABLE_BOOT, log_variable(log, "BootOrder", BYTES("\x03\0")));
	log_add_data(log, 1, (uint32_t)EV_EFI_VARIABLE_BOOT,
		     log_variable(log, "Boot0003", (struct slice){ whole, sizeof option + optional_data.n }));
}

static void add_separators(struct eventlog *log)
{
	for (uint32_t pcr = 0; pcr <= 6; pcr++)
		log_add_data(log, pcr, EV_SEPARATOR, ZEROS);
}

/* The chain of another image, and the end. */
static void add_old_chain(struct eventlog *log)
{
	log_add_data(log, 5, (uint32_t)EV_EFI_GPT_EVENT, BYTES("table"));
	log_add(log, 4, APP, image(plain_path, sizeof plain_path), BYTES("old image"));
	log_add_data(log, 5, EV_EVENT_TAG, BYTES("loader.conf"));
	log_add_data(log, 2, (uint32_t)EV_EFI_BOOT_SERVICES_DRIVER, BYTES("driver of the old loader"));
	log_add_data(log, 7, (uint32_t)EV_EFI_VARIABLE_AUTHORITY, BYTES("old"));
	log_add_data(log, 11, EV_IPL, BYTES("old section"));
	log_add_data(log, 5, ACTION, BYTES("Exit Boot Services Invocation"));
	log_add_data(log, 5, ACTION, BYTES("Exit Boot Services Returned with Failure"));
	log_add_data(log, 5, ACTION, BYTES("Exit Boot Services Invocation"));
	log_add_data(log, 5, ACTION, BYTES("Exit Boot Services Returned with Success"));
}

static struct eventlog usual_log(void)
{
	struct eventlog log = log_with(ALL_BANKS);

	add_prologue(&log, 0, SLICE_EMPTY);
	log_add_data(&log, 4, ACTION, CALLING);
	add_separators(&log);
	add_old_chain(&log);
	return log;
}

static void put_kernel(struct esp *x)
{
	struct file f = kernel_image(x, 1, 1);

	esp_put(x, BOOT, f.p, f.n);
}

static void give(struct esp *x, const struct eventlog *log)
{
	put_kernel(x);
	x->opt.baseline = log;
	x->opt.baseline_name = "old.bin";
	x->opt.banks = ALL_BANKS;
}

/* The value of a register after these texts: hashed and extended here, in one bank. */
static void expect_register(const struct esp *x, uint32_t pcr, const struct slice *texts, size_t n)
{
	for (enum alg a = 0; a < ALG_COUNT; a++) {
		size_t len = algs[a].len;
		uint8_t both[2 * DIGEST_MAX] = { 0 };
		struct digest d;

		for (size_t i = 0; i < n; i++) {
			assert_int_equal(digest_of(a, texts[i], &d, NULL), 0);
			memcpy(both + len, d.bytes, len);
			assert_int_equal(digest_of(a, (struct slice){ both, 2 * len }, &d, NULL), 0);
			memcpy(both, d.bytes, len);
		}
		assert_false(x->p.incomplete & UINT32_C(1) << pcr);
		assert_memory_equal(x->p.values[a].pcr[pcr], both, len);
	}
}

#define EXPECT_REGISTER(x, pcr, ...)                                                   \
	do {                                                                           \
		const struct slice texts_[] = { __VA_ARGS__ };                         \
		expect_register((x), (pcr), texts_, sizeof texts_ / sizeof texts_[0]); \
	} while (0)

/* ---- what is kept ---- */

static void the_firmwares_events_are_kept_and_the_old_chains_replaced(void **state)
{
	struct esp *x = *state;
	struct eventlog log = usual_log();

	give(x, &log);
	esp_predict(x);
	EXPECT_REGISTER(x, 0, BYTES("\0\0"), BYTES("volume"), ZEROS);
	EXPECT_REGISTER(x, 1, log.events[4].data, log.events[5].data, ZEROS);
	EXPECT_REGISTER(x, 2, ZEROS);
	EXPECT_REGISTER(x, 3, ZEROS);
	EXPECT_REGISTER(x, 5, ZEROS, BYTES("table"), BYTES("Exit Boot Services Invocation"),
			BYTES("Exit Boot Services Returned with Failure"),
			BYTES("Exit Boot Services Invocation"),
			BYTES("Exit Boot Services Returned with Success"));
	EXPECT_REGISTER(x, 6, ZEROS);
	EXPECT_REGISTER(x, 7, log.events[2].data, ZEROS);
	assert_int_equal(x->p.incomplete, 1 << 10);

	/* PCR 4 goes on with the image at hand, which has an event of its own. */
	size_t kept = 0, images = 0;
	for (size_t i = 0; i < x->p.n_baseline; i++)
		kept += x->p.baseline[i].kept;
	for (size_t i = 0; i < x->p.log.n_events; i++) {
		const struct event *ev = &x->p.log.events[i];

		images += ev->type == APP && ev->origin == EVENT_COMPUTED;
		kept -= ev->origin == EVENT_OBSERVED;
	}
	assert_int_equal(kept, 0);
	assert_int_equal(images, 1);
	assert_int_equal(x->p.n_baseline, log.n_events);
	eventlog_done(&log);
}

static void the_startup_locality_of_the_log_counts(void **state)
{
	struct esp *x = *state;
	struct eventlog log = log_with(1u << ALG_SHA256);
	struct digest d;

	log_add(&log, 0, EV_NO_ACTION, BYTES("StartupLocality\0\x03"), SLICE_EMPTY);
	log_add_data(&log, 4, ACTION, CALLING);
	add_separators(&log);
	add_old_chain(&log);
	give(x, &log);
	x->opt.banks = 1u << ALG_SHA256;
	esp_predict(x);
	uint8_t both[64] = { [31] = 3 };
	assert_int_equal(digest_of(ALG_SHA256, ZEROS, &d, NULL), 0);
	memcpy(both + 32, d.bytes, 32);
	assert_int_equal(digest_of(ALG_SHA256, (struct slice){ both, 64 }, &d, NULL), 0);
	assert_memory_equal(x->p.values[ALG_SHA256].pcr[0], d.bytes, 32);
	eventlog_done(&log);
}

/* Places of all events of a log; they live in the log's pool. */
static struct baseline sorted(struct eventlog *log)
{
	struct pcrcast_error e;
	struct baseline b;

	if (baseline_sort(&log->pool, log, "log", &b, &e) < 0)
		fail_msg("%s", e.msg);
	return b;
}

static void applications_of_the_firmware_are_its_own(void **state)
{
	struct eventlog log = log_with(ALL_BANKS);
	(void)state;

	log_add(&log, 4, APP, image(plain_path, sizeof plain_path),
		BYTES("tracker")); /* before the separator */
	add_separators(&log);
	log_add(&log, 4, APP, image(firmware_path, sizeof firmware_path), BYTES("menu"));
	add_old_chain(&log);
	struct baseline b = sorted(&log);
	assert_int_equal(b.places[0], BASELINE_BEFORE);
	assert_int_equal(b.attempt, 5); /* there is no action: the separator in PCR 4 */
	assert_int_equal(b.places[8], BASELINE_BEFORE);
	assert_int_equal(b.places[9], BASELINE_TABLE);
	assert_int_equal(b.first, 10);
	assert_int_equal(b.places[10], BASELINE_NOWHERE);
	assert_int_equal(b.n_failed, 0);
	eventlog_done(&log);
}

static void failed_attempts_and_what_they_loaded_are_the_logs(void **state)
{
	struct esp *x = *state;
	struct eventlog log = log_with(ALL_BANKS);

	add_prologue(&log, 0, SLICE_EMPTY);
	log_add_data(&log, 4, ACTION, CALLING);
	add_separators(&log);
	log_add_data(&log, 5, (uint32_t)EV_EFI_GPT_EVENT, BYTES("table of the first disk"));
	log_add(&log, 4, APP, image(plain_path, sizeof plain_path), BYTES("left again"));
	log_add_data(&log, 4, ACTION, RETURNING);
	log_add_data(&log, 4, ACTION, CALLING);
	log_add(&log, 4, APP, image(plain_path, sizeof plain_path), BYTES("old image"));
	log_add_data(&log, 5, ACTION, BYTES("Exit Boot Services Invocation"));

	struct baseline b = sorted(&log);
	assert_int_equal(b.n_failed, 1);
	assert_int_equal(b.places[14], BASELINE_BEFORE); /* the table: measured once a boot */
	assert_int_equal(b.places[15], BASELINE_BEFORE);
	assert_int_equal(b.first, 18);
	assert_false(b.table_seen);

	give(x, &log);
	esp_predict(x);
	EXPECT_REGISTER(x, 5, ZEROS, BYTES("table of the first disk"),
			BYTES("Exit Boot Services Invocation"));
	x->opt.failed_attempts = 1;
	esp_predict(x);
	x->opt.failed_attempts = 2;
	esp_predict_fails(x, PCRCAST_EINVAL, "old.bin: 1 boot options were left in this log");
	x->opt.failed_attempts = 0;
	x->opt.failed_attempts_given = true;
	esp_predict_fails(x, PCRCAST_EINVAL,
			  "old.bin: 1 boot options were left in this log, --failed-attempts says 0");
	eventlog_done(&log);
}

/* The log has the variable SecureBoot, so firmware that has none is another one. */
static void absent_secure_boot_is_not_that_of_a_log_which_has_it(void **state)
{
	struct esp *x = *state;
	struct eventlog log = usual_log(), without = log_with(ALL_BANKS);

	give(x, &log);
	x->opt.secure_boot_given = x->opt.secure_boot_absent = true;
	esp_predict_fails(x, PCRCAST_EINVAL,
			  "old.bin: Secure Boot is off in this log, --secure-boot says absent");
	log_add_data(&without, 7, (uint32_t)EV_EFI_VARIABLE_DRIVER_CONFIG,
		     log_variable(&without, "SecureBoot", SLICE_EMPTY));
	log_add_data(&without, 4, ACTION, CALLING);
	add_separators(&without);
	add_old_chain(&without);
	x->opt.baseline = &without;
	esp_predict(x);
	eventlog_done(&without);
	eventlog_done(&log);
}

/* Each is looked up among the variables: a log and a store of some MiB took ten seconds. */
static void endless_boot_options_are_not_compared(void **state)
{
	static struct firmware_variable items[] = { { .name = "BootOrder",
						      .data = { (const uint8_t *)"\3", 2 } } };
	static struct firmware_variables variables = { items, 1, 1, false };
	struct esp *x = *state;
	struct eventlog log = log_with(ALL_BANKS);

	items[0].guid = guid_efi_global;
	for (unsigned i = 0; i < 2049; i++)
		log_add_data(&log, 1, (uint32_t)EV_EFI_VARIABLE_BOOT,
			     log_variable(&log, "BootOrder", items[0].data));
	log_add_data(&log, 4, ACTION, CALLING);
	add_separators(&log);
	add_old_chain(&log);
	give(x, &log);
	x->opt.variables = &variables;
	esp_predict(x);
	expect_reason(x, 1, "the baseline has more boot options than are compared with the variables", NULL);
	eventlog_done(&log);
}

/* Each is compared with those before: a log of some MiB took minutes. */
static void endless_authorities_are_refused(void **state)
{
	struct esp *x = *state;
	struct eventlog log = log_with(ALL_BANKS);
	uint8_t number[2];

	for (unsigned i = 0; i < 257; i++) {
		put_u16le(number, (uint16_t)i);
		log_add_data(&log, 7, (uint32_t)EV_EFI_VARIABLE_AUTHORITY,
			     log_variable(&log, "db", (struct slice){ number, sizeof number }));
	}
	log_add_data(&log, 4, ACTION, CALLING);
	add_separators(&log);
	add_old_chain(&log);
	give(x, &log);
	esp_predict_fails(x, PCRCAST_ELIMIT,
			  "PCR 7: more than 256 entries of variables that let images pass");
	eventlog_done(&log);
}

static void who_vouched_for_the_old_image_is_not_kept_but_who_vouched_before_is(void **state)
{
	struct eventlog log = log_with(ALL_BANKS);
	(void)state;

	log_add_data(&log, 7, (uint32_t)EV_EFI_VARIABLE_AUTHORITY, BYTES("of an option ROM"));
	log_add_data(&log, 4, ACTION, CALLING);
	add_separators(&log);
	log_add_data(&log, 7, (uint32_t)EV_EFI_VARIABLE_AUTHORITY, BYTES("of the old image"));
	add_old_chain(&log);
	struct baseline b = sorted(&log);
	assert_int_equal(b.places[0], BASELINE_BEFORE);
	assert_int_equal(b.places[9], BASELINE_NOWHERE);
	eventlog_done(&log);
}

/* systemd 261, tpm2-pcr.h: types 1, 2 and 11 have tags of their own. A boot without such a boot loader has none of them. */
static void smbios_structures_of_the_old_chain_are_not_the_firmwares(void **state)
{
	static const char *const tags[] = { "\xbc\x7c\xcb\xd5", "\xc8\x7b\xd4\xe0", "\x23\xbd\xb3\xc0" };
	struct esp *x = *state;
	struct eventlog log = usual_log();

	for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
		log_add(&log, 1, EV_EVENT_TAG, (struct slice){ (const uint8_t *)tags[i], 4 },
			BYTES("structure"));
		assert_int_equal(sorted(&log).places[log.n_events - 1], BASELINE_SMBIOS);
	}
	give(x, &log);
	esp_predict(x);
	EXPECT_REGISTER(x, 1, log.events[4].data, log.events[5].data, ZEROS);
	eventlog_done(&log);
}

/* ---- what does not fit ---- */

static void a_log_without_a_boot_is_refused(void **state)
{
	struct esp *x = *state;
	struct eventlog log = log_with(ALL_BANKS);

	give(x, &log);
	esp_predict_fails(x, PCRCAST_EFORMAT, "baseline old.bin: no separator in PCR 4");
	log_add_data(&log, 4, ACTION, CALLING);
	add_separators(&log);
	esp_predict_fails(x, PCRCAST_EFORMAT, "no EFI application was started behind the last boot attempt");
	log_add(&log, 4, APP, image(firmware_path, sizeof firmware_path), BYTES("menu"));
	esp_predict_fails(x, PCRCAST_EFORMAT, "no EFI application was started");
	add_old_chain(&log);
	esp_predict(x);
	add_separators(&log);
	esp_predict_fails(x, PCRCAST_EFORMAT, "a second separator in PCR 4");
	log.kind = EVENTLOG_CC;
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED, "a log of kind cc");
	eventlog_done(&log);
}

static void a_bank_that_the_log_does_not_have_is_refused(void **state)
{
	struct esp *x = *state;
	struct eventlog log = log_with(1u << ALG_SHA1);

	log_add_data(&log, 4, ACTION, CALLING);
	add_separators(&log);
	add_old_chain(&log);
	give(x, &log);
	esp_predict_fails(x, PCRCAST_ENOTFOUND, "no sha256 digests");
	x->opt.banks = 1u << ALG_SHA1;
	esp_predict(x);
	log.events[0].digests = SLICE_EMPTY;
	log.events[0].n_digests = 0;
	esp_predict_fails(x, PCRCAST_ENOTFOUND, "event 0 has no sha1 digest");
	eventlog_done(&log);
}

static void another_secure_boot_state_is_refused_and_the_logs_is_taken(void **state)
{
	struct esp *x = *state;
	struct eventlog log = usual_log();

	give(x, &log);
	x->opt.secure_boot = x->opt.secure_boot_given = true;
	esp_predict_fails(x, PCRCAST_EINVAL, "Secure Boot is off in this log, --secure-boot says on");
	x->opt.secure_boot = x->opt.secure_boot_given = false;
	esp_predict(x);
	expect_assumption(x, "secure-boot", "off, as in the baseline");
	eventlog_done(&log);
}

static void boot_options_with_other_load_options_leave_pcr_1_open(void **state)
{
	struct esp *x = *state;
	struct eventlog log = log_with(ALL_BANKS);

	add_prologue(&log, 0, BYTES("q\0u\0i\0e\0t\0\0\0"));
	log_add_data(&log, 4, ACTION, CALLING);
	add_separators(&log);
	add_old_chain(&log);
	give(x, &log);
	esp_predict(x);
	assert_true(x->p.incomplete & 1 << 1);
	esp_set_load_options(x, "quiet");
	esp_predict(x);
	assert_false(x->p.incomplete & 1 << 1);
	esp_set_load_options(x, "quie");
	esp_predict(x);
	assert_true(x->p.incomplete & 1 << 1);
	expect_reason(x, 1, "other load options", "--load-options");
	eventlog_done(&log);
}

static void a_log_that_ends_early_leaves_pcr_5_open(void **state)
{
	struct esp *x = *state;
	struct eventlog log = usual_log();

	log.n_events -= 4;
	give(x, &log);
	esp_predict(x);
	expect_reason(x, 5, "ExitBootServices", "--baseline");
	eventlog_done(&log);
}

/* ---- from a state ---- */

static void a_state_is_extended_without_the_firmware(void **state)
{
	struct esp *x = *state;
	struct pcr_values v = { .known = { [ALG_SHA256] = 1 << 0 | 1 << 4 | 1 << 9 } };

	put_kernel(x);
	memset(v.value[ALG_SHA256][0], 0xaa, 32);
	memset(v.value[ALG_SHA256][4], 0xbb, 32);
	x->opt.after_state = &v;
	x->opt.pcrs = 0xffff;
	esp_predict(x);
	assert_memory_equal(x->p.values[ALG_SHA256].pcr[0], v.value[ALG_SHA256][0], 32);
	assert_memory_equal(x->p.values[ALG_SHA256].pcr[4], v.value[ALG_SHA256][4], 32);
	assert_int_equal(x->p.incomplete & 0xffff, 0xffff & ~(1 << 0 | 1 << 4 | 1 << 9));
	expect_reason(x, 11, "does not tell it", "--after-state");
	x->opt.banks = 1u << ALG_SHA1;
	esp_predict(x);
	assert_true(x->p.incomplete & 1 << 4);
}

/* value := hash(value || hash(text)) */
static void extend(uint8_t value[static 32], struct slice text)
{
	uint8_t both[64];
	struct digest d;

	memcpy(both, value, 32);
	assert_int_equal(digest_of(ALG_SHA256, text, &d, NULL), 0);
	memcpy(both + 32, d.bytes, 32);
	assert_int_equal(digest_of(ALG_SHA256, (struct slice){ both, 64 }, &d, NULL), 0);
	memcpy(value, d.bytes, 32);
}

static void the_end_of_boot_services_is_in_a_state_or_not(void **state)
{
	struct pcr_values v = { .known = { [ALG_SHA256] = 1 << 4 | 1 << 5 } };
	struct esp *x = *state;
	uint8_t want[32];

	put_kernel(x);
	memset(v.value[ALG_SHA256][5], 0xcc, 32);
	memcpy(want, v.value[ALG_SHA256][5], 32);
	x->opt.after_state = &v;
	x->opt.pcrs = 1 << 4 | 1 << 5;
	esp_predict(x);
	assert_true(x->p.incomplete & 1 << 5);
	assert_false(x->p.incomplete & 1 << 4);
	expect_reason(x, 5, "whether the state to start from has the end of boot services in it",
		      "--exit-boot-services");
	x->opt.exit_given = x->opt.exit_in_state = true;
	esp_predict(x);
	assert_false(x->p.incomplete & 1 << 5);
	assert_memory_equal(x->p.values[ALG_SHA256].pcr[5], want, 32);
	x->opt.exit_in_state = false;
	esp_predict(x);
	extend(want, BYTES("Exit Boot Services Invocation"));
	extend(want, BYTES("Exit Boot Services Returned with Success"));
	assert_memory_equal(x->p.values[ALG_SHA256].pcr[5], want, 32);

	/* what the state does not tell has that reason alone */
	v.known[ALG_SHA256] = 1 << 4;
	x->opt.exit_given = false;
	esp_predict(x);
	expect_reason(x, 5, "the state to start from does not tell it", "--after-state");
	for (size_t i = 0, n = 0; i < x->p.n_unknowns; i++)
		assert_true(x->p.unknowns[i].pcr != 5 || ++n == 1);
}

static void after_kexec_the_state_stays(void **state)
{
	struct pcr_values v = { .known = { [ALG_SHA256] = 0xffff } };
	struct esp *x = *state;

	put_kernel(x); /* with an EFI stub that would measure */
	esp_set_load_options(x, "quiet");
	for (unsigned pcr = 0; pcr < 16; pcr++)
		memset(v.value[ALG_SHA256][pcr], (int)(0xa0 + pcr), 32);
	x->opt.after_state = &v;
	x->opt.kexec = true;
	x->opt.pcrs = 0xffff;
	esp_predict(x);
	assert_int_equal(x->p.log.n_events, 0);
	assert_int_equal(x->p.incomplete & 0xffff, 1 << 10); /* IMA's */
	for (unsigned pcr = 0; pcr < 16; pcr++)
		if (pcr != 10)
			assert_memory_equal(x->p.values[ALG_SHA256].pcr[pcr], v.value[ALG_SHA256][pcr], 32);
	expect_note(x, "kexec runs no EFI stub");
	x->opt.kexec = false;
	esp_predict(x);
	assert_memory_not_equal(x->p.values[ALG_SHA256].pcr[9], v.value[ALG_SHA256][9], 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ESP(the_firmwares_events_are_kept_and_the_old_chains_replaced),
		WITH_ESP(the_startup_locality_of_the_log_counts),
		cmocka_unit_test(applications_of_the_firmware_are_its_own),
		WITH_ESP(failed_attempts_and_what_they_loaded_are_the_logs),
		WITH_ESP(absent_secure_boot_is_not_that_of_a_log_which_has_it),
		WITH_ESP(endless_authorities_are_refused),
		WITH_ESP(endless_boot_options_are_not_compared),
		cmocka_unit_test(who_vouched_for_the_old_image_is_not_kept_but_who_vouched_before_is),
		WITH_ESP(smbios_structures_of_the_old_chain_are_not_the_firmwares),
		WITH_ESP(a_log_without_a_boot_is_refused),
		WITH_ESP(a_bank_that_the_log_does_not_have_is_refused),
		WITH_ESP(another_secure_boot_state_is_refused_and_the_logs_is_taken),
		WITH_ESP(boot_options_with_other_load_options_leave_pcr_1_open),
		WITH_ESP(a_log_that_ends_early_leaves_pcr_5_open),
		WITH_ESP(a_state_is_extended_without_the_firmware),
		WITH_ESP(the_end_of_boot_services_is_in_a_state_or_not),
		WITH_ESP(after_kexec_the_state_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
