/*
 * A recorded log of CC registers as the baseline of a TDX guest's prediction. Synthetic logs have their expectations
 * by hand: which events are whose, and each register's value as a chain of texts. Recorded logs (where they are at
 * hand) have them by reading the logs, and their own registers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "predict/baseline.h"
#include "tests/unit/build_esp.h"
#include "tests/unit/build_log.h"
#include "tests/unit/build_shim.h"

enum { MRTD, RTMR0, RTMR1, RTMR2, RTMR3 };

#define FIRST "EFI/BOOT/BOOTX64.EFI"
#define CALLING BYTES("Calling EFI Application from Boot Option")
#define RETURNING BYTES("Returning from EFI Application from Boot Option")
#define INVOCATION BYTES("Exit Boot Services Invocation")
#define SUCCESS BYTES("Exit Boot Services Returned with Success")
#define ZEROS BYTES("\0\0\0\0")
#define SHA384 (1u << ALG_SHA384)
#define APP ((uint32_t)EV_EFI_BOOT_SERVICES_APPLICATION)
#define ACTION ((uint32_t)EV_EFI_ACTION)
#define AUTHORITY ((uint32_t)EV_EFI_VARIABLE_AUTHORITY)
#define GPT ((uint32_t)EV_EFI_GPT_EVENT)
#define CONFIG ((uint32_t)EV_EFI_VARIABLE_DRIVER_CONFIG)
#define BOOT_VARIABLE ((uint32_t)EV_EFI_VARIABLE_BOOT)
#define TYPE1 BYTES("s\0m\0b\0i\0o\0s\0:\0t\0y\0p\0e\0001\0\0\0")
#define TYPE11 BYTES("s\0m\0b\0i\0o\0s\0:\0t\0y\0p\0e\0001\0001\0\0\0")
/* An EFI_LOAD_OPTION: attributes, length of a device path that is an end node, "x", and load options */
#define OPTION "\1\0\0\0\4\0x\0\0\0\x7f\xff\4\0" QUIET
#define QUIET "q\0u\0i\0e\0t\0"
#define LINUX_LINE BYTES("\xed\x22\x3b\x8f\x1a\0\0\0LOADED_IMAGE::LoadOptions\0")
#define LINUX_INITRD BYTES("\xec\x22\x3b\x8f\x0d\0\0\0Linux initrd\0")

/*
 * EFI_CC_MEASUREMENT_PROTOCOL_GUID in memory (python3:
 * uuid.UUID("96751a3d-72f4-41a6-a794-ed5d0e67ae6b").bytes_le.hex())
 */
static const uint8_t guid_low[] = { 0x3d, 0x1a, 0x75, 0x96, 0xf4, 0x72, 0xa6, 0x41 },
		     guid_high[] = { 0xa7, 0x94, 0xed, 0x5d, 0x0e, 0x67, 0xae, 0x6b };

/*
 * UEFI_IMAGE_LOAD_EVENT without a device path, and with the one of QEMU's -kernel: a vendor node, and "kernel" is
 * left out.
 */
static const char plain_path[32];
static const uint8_t qemu_path[32 + 24] = {
	[24] = 24, [32] = 4, 3,    20,   0,    0x72, 0xf7, 0x28, 0x14,        0x4a,        0xb6, 0x1e, 0x44,
	0xb8,      0xc3,     0x9e, 0xbd, 0xd7, 0xf8, 0x93, 0xc7, [52] = 0x7f, [53] = 0xff, 4,    0
};

static struct slice of_disk(void)
{
	return (struct slice){ (const uint8_t *)plain_path, sizeof plain_path };
}

static struct slice of_qemu(void)
{
	return (struct slice){ qemu_path, sizeof qemu_path };
}

/* ---- logs ---- */

static struct eventlog cc_log(void)
{
	struct eventlog log = log_with(SHA384);

	log.kind = EVENTLOG_CC;
	return log;
}

static void add_machine(struct eventlog *log)
{
	log_add(log, RTMR0, (uint32_t)EV_EFI_HANDOFF_TABLES2, BYTES("TdxTable"), BYTES("hand-off blocks"));
	log_add_data(log, RTMR0, CONFIG, log_variable(log, "SecureBoot", BYTES("\0")));
	log_add_data(log, RTMR0, EV_SEPARATOR, ZEROS);
	log_add(log, RTMR0, EV_PLATFORM_CONFIG_FLAGS, BYTES("ACPI DATA"), BYTES("tables"));
}

/* Boot variables are hashed without the structure around them. */
static void add_boot_variables(struct eventlog *log, uint32_t reg)
{
	struct slice data = BYTES(OPTION);

	log_add(log, reg, BOOT_VARIABLE, log_variable(log, "BootOrder", BYTES("\x03\0")), BYTES("\x03\0"));
	log_add(log, reg, BOOT_VARIABLE, log_variable(log, "Boot0003", data), data);
}

static void add_end(struct eventlog *log)
{
	log_add_data(log, RTMR1, ACTION, INVOCATION);
	log_add_data(log, RTMR1, ACTION, SUCCESS);
}

/* The chain of another image: shim, a boot loader that measures SMBIOS structures and loader.conf, a kernel. */
static void add_old_chain(struct eventlog *log)
{
	log_add(log, RTMR1, APP, of_disk(), BYTES("old shim"));
	log_add_data(log, RTMR2, EV_IPL, BYTES("MokList\0"));
	log_add_data(log, RTMR0, AUTHORITY, BYTES("SbatLevel of the old shim"));
	log_add(log, RTMR1, APP, of_disk(), BYTES("old loader"));
	log_add(log, RTMR0, EV_IPL, TYPE1, BYTES("system"));
	log_add(log, RTMR0, EV_IPL, TYPE11, BYTES("strings"));
	log_add_data(log, RTMR1, EV_IPL, BYTES("l\0o\0a\0d\0e\0r\0"));
	log_add_data(log, RTMR1, (uint32_t)EV_EFI_BOOT_SERVICES_DRIVER, BYTES("driver"));
	log_add(log, RTMR2, EV_EVENT_TAG, LINUX_LINE, BYTES("old line"));
	add_end(log);
	log_add_data(log, RTMR3, EV_EVENT_TAG, BYTES("of the running system"));
}

/* Today's EDK2, and that of stable202405, which extends RTMR0 with the separator of RTMR1. */
static struct eventlog usual_log(uint32_t separator)
{
	struct eventlog log = cc_log();

	add_machine(&log);
	add_boot_variables(&log, RTMR0);
	log_add_data(&log, RTMR1, ACTION, CALLING);
	log_add_data(&log, separator, EV_SEPARATOR, ZEROS);
	log_add_data(&log, RTMR1, GPT, BYTES("table"));
	add_old_chain(&log);
	return log;
}

/* QEMU's -kernel: the file is loaded before the firmware says that it is about to boot. */
static struct eventlog direct_log(bool initrd)
{
	struct eventlog log = cc_log();

	add_machine(&log);
	log_add(&log, RTMR1, APP, of_qemu(), BYTES("old kernel"));
	add_boot_variables(&log, RTMR0);
	log_add_data(&log, RTMR1, ACTION, CALLING);
	log_add_data(&log, RTMR0, EV_SEPARATOR, ZEROS);
	if (initrd) /* it was a UKI, whose stub loads the kernel */
		log_add(&log, RTMR1, APP, of_disk(), BYTES("kernel inside"));
	log_add(&log, RTMR2, EV_EVENT_TAG, LINUX_LINE, BYTES("old line"));
	if (initrd)
		log_add(&log, RTMR2, EV_EVENT_TAG, LINUX_INITRD, BYTES("old initrd"));
	add_end(&log);
	return log;
}

/* ---- images ---- */

static uint8_t *build_cc_kernel(struct esp *x, size_t *ret_n)
{
	uint8_t *kernel = esp_keep(x, build_kernel(1, 1, ret_n));
	uint8_t *text = kernel + get_u32le(built_section_header(kernel, 1) + 20);

	put_u16le(built_optional_header(kernel) + 44, 1); /* MajorImageVersion: LINUX_EFISTUB_MAJOR_VERSION */
	memcpy(text + 0x100, guid_low, 8);
	memcpy(text + 0x10e, guid_high, 8);
	return kernel;
}

static void put_kernel(struct esp *x, const char *path)
{
	size_t n;
	uint8_t *p = build_cc_kernel(x, &n);

	esp_put(x, path, p, n);
}

/* As one in Google's cloud has them, see a_uki_of_googles_cloud_has_the_registers_of_its_log. */
static uint8_t *put_uki(struct esp *x, const char *version, size_t *ret_n)
{
	size_t n;
	uint8_t *kernel = build_cc_kernel(x, &n);
	const struct built_section sections[] = {
		{ .name = ".osrel", .bytes = "ID=test", .n = 7 },
		{ .name = ".cmdline", .bytes = "quiet", .n = 5 },
		{ .name = ".initrd", .bytes = "INIT", .n = 4 },
		{ .name = ".uname", .bytes = "6.6", .n = 3 },
		{ .name = ".sbat", .bytes = "sbat,1", .n = 6 },
		{ .name = ".linux", .bytes = kernel, .n = n },
	};
	uint8_t *uki = esp_keep(x, build_uki(version, sections, 6, ret_n));

	esp_put(x, FIRST, uki, *ret_n);
	return uki;
}

static void put_shim(struct esp *x, const char *version)
{
	struct build_shim what = { .version = version };
	uint8_t both[16];
	size_t n;

	memcpy(both, guid_low, 8);
	memcpy(both + 8, guid_high, 8);
	what.data = both;
	what.n_data = sizeof both;
	uint8_t *p = esp_keep(x, build_shim(&what, &n));
	esp_put(x, FIRST, p, n);
	put_kernel(x, "EFI/BOOT/grubx64.efi");
}

/* The load options are those of the log's boot option, unless it is that of a machine. */
static void give(struct esp *x, const struct eventlog *log, const char *load_options)
{
	x->opt.cc = true;
	x->opt.console_known = true;
	x->opt.boot_secret = BOOT_SECRET_NONE;
	x->opt.baseline = log;
	x->opt.baseline_name = "ccel";
	esp_set_load_options(x, load_options);
}

/* ---- expectations ---- */

/* One letter an event: before, table, smbios, between, after, unsure, and a dot for those that are not kept. */
static void expect_places(struct eventlog *log, const char *want)
{
	static const char letters[] = {
		[BASELINE_NOWHERE] = '.', [BASELINE_BEFORE] = 'b', [BASELINE_TABLE] = 't',
		[BASELINE_BETWEEN] = 'w', [BASELINE_SMBIOS] = 's', [BASELINE_AFTER] = 'a',
		[BASELINE_UNSURE] = '?'
	};
	char got[512] = "";
	struct pcrcast_error e;
	struct baseline b;

	if (baseline_sort(&log->pool, log, "log", &b, &e) < 0)
		fail_msg("%s", e.msg);
	assert_true(log->n_events < sizeof got);
	for (size_t i = 0; i < log->n_events; i++)
		got[i] = letters[b.places[i]];
	assert_string_equal(got, want);
}

/* A register after these texts: each hashed, the digests extended, here. */
static void expect_register(const struct esp *x, uint32_t reg, const struct slice *texts, size_t n)
{
	uint8_t both[2 * 48] = { 0 };
	struct digest d;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(digest_of(ALG_SHA384, texts[i], &d, NULL), 0);
		memcpy(both + 48, d.bytes, 48);
		assert_int_equal(digest_of(ALG_SHA384, (struct slice){ both, sizeof both }, &d, NULL), 0);
		memcpy(both, d.bytes, 48);
	}
	assert_false(x->p.incomplete & UINT32_C(1) << reg);
	assert_memory_equal(x->p.values[ALG_SHA384].pcr[reg], both, 48);
}

#define EXPECT_REGISTER(x, reg, ...)                                                   \
	do {                                                                           \
		const struct slice texts_[] = { __VA_ARGS__ };                         \
		expect_register((x), (reg), texts_, sizeof texts_ / sizeof texts_[0]); \
	} while (0)

/*
 * The bytes that an image's event covers: a built image is hashed without its checksum and the directory of
 * certificates.
 */
static struct bytes authenticode_of(uint8_t *image, size_t n)
{
	struct bytes b = { NULL, 0 };
	size_t checksum = (size_t)(built_optional_header(image) + 64 - image);
	size_t directory = (size_t)(built_directory(image, 4) - image);

	bytes_add(&b, image, checksum);
	bytes_add(&b, image + checksum + 4, directory - checksum - 4);
	bytes_add(&b, image + directory + 8, n - directory - 8);
	return b;
}

#define MACHINE BYTES("hand-off blocks"), log.events[1].data, ZEROS, BYTES("tables")
#define VARIABLES BYTES("\x03\0"), BYTES(OPTION)

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

/* ---- recorded logs ---- */

#define SHARED "../shared/corpus/eventlogs/"
#define TRUSTEE SHARED "confidential-containers-trustee__"
#define GOOGLE SHARED "google-go-eventlog__"

static bool read_log(const char *path, struct eventlog *ret, uint8_t **ret_bytes)
{
	struct pcrcast_error e;
	size_t n;

	if (access(path, R_OK) != 0)
		return false;
	*ret_bytes = load_file(path, &n);
	assert_int_equal(eventlog_read((struct slice){ *ret_bytes, n }, EVENTLOG_KINDS, ret, &e), 0);
	assert_int_equal(ret->kind, EVENTLOG_CC);
	return true;
}

/* Letters repeated: "3b2." is "bbb..". */
static const char *unfold(const char *text, char *buf, size_t size)
{
	size_t at = 0;

	while (*text) {
		char *end;
		unsigned long n = strtoul(text, &end, 10);

		for (n = end == text ? 1 : n; n > 0; n--) {
			assert_true(at + 1 < size);
			buf[at++] = *end;
		}
		text = end + 1;
	}
	buf[at] = '\0';
	return buf;
}

static void events_of_recorded_logs_are_whose_they_are(void **state)
{
	/* by reading "eventlog show" */
	static const struct {
		const char *path, *places;
	} cases[] = {
		/* 0-20 firmware with Calling and separator, GPT, 22-82 shim, GRUB and old kernel, exit, RTMR3 */
		{ TRUSTEE "CCEL_AAEL_alibabacloud", "21bt61.2a2." },
		{ TRUSTEE "CCEL_data_gcp", "16bt2.2a" },
		/*
		 * 14 Calling, 15 separator in RTMR0, 16 db's authority for shim, 17 GPT, 18-34 shim, fallback, shim,
		 * GRUB, kernel
		 */
		{ TRUSTEE "CCEL_data_grub", "16b.t17.2a" },
		{ TRUSTEE "CCEL_data_grub_gke", "18bt14.2a" },
		/* 11 the kernel of -kernel, 12-15 boot variables, Calling and separator */
		{ TRUSTEE "CCEL_data_ovmf", "11b.4w2.2a" },
		{ GOOGLE "CCEL_unpadded.data.bin", "11b.4w.2a" },
		{ GOOGLE "cos-113-intel-tdx.bin", "16bt24.2a" },
		{ GOOGLE "cos-113-intel-tdx-dupe-separator.bin", "16bt24.2a" },
		{ GOOGLE "cos-113-intel-tdx-dupe-separator-unpadded.bin", "16bt24.2a" },
		/*
		 * 9 "kernel", 13 the kernel, 14 "DirectBoot Command Line", 15-24 boot variables, Calling, seven
		 * separators
		 */
		{ GOOGLE "ccel_event_log.bin", "9b?3b.?10w2a" },
		/* 16 Calling, 17 separator, 18 Returning, 19 Calling, 20 GPT, 21-79 shim, GRUB and old kernel */
		{ TRUSTEE "CCEL_data_csv", "20bt59.2a" },
	};
	size_t n_read = 0;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct eventlog log;
		uint8_t *bytes;
		char want[512];

		if (!read_log(cases[i].path, &log, &bytes))
			continue;
		n_read++;
		expect_places(&log, unfold(cases[i].places, want, sizeof want));
		eventlog_done(&log);
		free(bytes);
	}
	if (n_read == 0)
		skip();
}

static void recorded_logs_that_cannot_serve_say_why(void **state)
{
	static const struct {
		const char *path;
		int code;
		const char *words;
	} cases[] = {
		{ TRUSTEE "CCEL_data_csv", PCRCAST_ENOTFOUND, "the log has no sha384 digests" }, /* SM3 */
		{ SHARED "confidential-containers-attestation-service__CCEL_data", PCRCAST_EFORMAT,
		  "no EFI application was started behind the last boot attempt in RTMR1 (event 2)" }, /* td-shim */
		{ TRUSTEE "CCEL_data_ovmf", PCRCAST_EINVAL, "event 11: QEMU handed the first file over" },
	};
	struct esp *x = *state;
	size_t n_read = 0;

	put_kernel(x, FIRST);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct eventlog log;
		uint8_t *bytes;

		if (!read_log(cases[i].path, &log, &bytes))
			continue;
		n_read++;
		give(x, &log, "");
		esp_predict_fails(x, cases[i].code, cases[i].words);
		eventlog_done(&log);
		free(bytes);
	}
	if (n_read == 0)
		skip();
}

/* The next event from *at on that a register is extended with; NULL: there is none. */
static struct event *next_of(const struct eventlog *log, uint32_t reg, size_t *at)
{
	for (; *at < log->n_events; ++*at)
		if (log->events[*at].pcr == reg && log->events[*at].type != EV_NO_ACTION)
			return &log->events[(*at)++];
	return NULL;
}

/* Does the digest of an event depend on files that are not at hand? */
static bool is_of_other_files(const struct event *ev)
{
	return ev->origin == EVENT_COMPUTED &&
	       (ev->type == APP || ev->type == EV_IPL || ev->type == EV_EVENT_TAG);
}

/*
 * The events that are predicted in a register are those logged, one by one; where they cover a file that is another
 * here, they get the log's digest. With these the prediction replays to what the log does.
 */
static void expect_made_again(struct esp *x, const struct eventlog *log, uint32_t reg)
{
	struct eventlog only = x->p.log;
	struct pcr_bank got, want;
	struct event *a, *b, events[64];
	size_t at = 0, logged = 0;

	only.events = events;
	only.n_events = 0;

	while ((a = next_of(&x->p.log, reg, &at))) {
		struct slice da = event_digest(a, &x->p.log, ALG_SHA384), db;

		b = next_of(log, reg, &logged);
		if (!b)
			fail_msg("rtmr%u: %s is not in the log", reg - 1, a->description);
		db = event_digest(b, log, ALG_SHA384);
		assert_int_equal(a->type, b->type);
		if (is_of_other_files(a))
			a->digests = b->digests;
		else
			assert_memory_equal(da.p, db.p, 48);
		if (a->type != APP) {
			assert_int_equal(a->data.n, b->data.n);
			assert_memory_equal(a->data.p, b->data.p, b->data.n);
		}
		assert_true(only.n_events < sizeof events / sizeof events[0]);
		events[only.n_events++] = *a;
	}
	b = next_of(log, reg, &logged);
	if (b)
		fail_msg("rtmr%u: event %zu of the log is not predicted", reg - 1, logged - 1);
	assert_int_equal(eventlog_replay(&only, ALG_SHA384, &got, &x->e), 0);
	assert_int_equal(eventlog_replay(log, ALG_SHA384, &want, &x->e), 0);
	assert_memory_equal(got.pcr[reg], want.pcr[reg], 48);
}

/* The value of a register as the program gives it, against that of the log's own replay. */
static void expect_value_of_log(struct esp *x, const struct eventlog *log, uint32_t reg)
{
	struct pcr_bank want;

	assert_false(x->p.incomplete & 1u << reg);
	assert_int_equal(eventlog_replay(log, ALG_SHA384, &want, &x->e), 0);
	assert_memory_equal(x->p.values[ALG_SHA384].pcr[reg], want.pcr[reg], 48);
}

static void a_uki_of_googles_cloud_has_the_registers_of_its_log(void **state)
{
	struct esp *x = *state;
	struct eventlog log;
	uint8_t *bytes;

	if (!read_log(TRUSTEE "CCEL_data_grub_gke", &log, &bytes))
		skip();
	give(x, &log, "");
	put_uki(x, "256.7", &(size_t){ 0 });
	x->opt.cc_quirks = CC_QUIRK_VTPM;
	esp_predict(x);
	expect_value_of_log(x, &log, RTMR0);
	assert_int_equal(x->p.incomplete, 0);
	for (uint32_t reg = RTMR0; reg <= RTMR2; reg++)
		expect_made_again(x, &log, reg);
	eventlog_done(&log);
	free(bytes);

	/* the same with a stub that knows no CC registers */
	assert_true(read_log(TRUSTEE "CCEL_data_gcp", &log, &bytes));
	give(x, &log, "");
	put_uki(x, "255.4", &(size_t){ 0 });
	esp_predict(x);
	expect_value_of_log(x, &log, RTMR0);
	assert_int_equal(x->p.incomplete, 0);
	for (uint32_t reg = RTMR0; reg <= RTMR2; reg++)
		expect_made_again(x, &log, reg);
	eventlog_done(&log);
	free(bytes);
}

/* RTMR0 with what shim measures to it, which no file has to be at hand for: the very values of the machines. */
static void shims_of_recorded_logs_bring_rtmr0_to_its_value(void **state)
{
	static const struct {
		const char *path, *version;
	} cases[] = {
		{ GOOGLE "cos-113-intel-tdx.bin", "15.6" },
		{ GOOGLE "cos-113-intel-tdx-dupe-separator.bin", "15.6" },
		{ TRUSTEE "CCEL_AAEL_alibabacloud", "15.8" },
	};
	struct esp *x = *state;
	size_t n_read = 0;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct firmware_variables none = { NULL, 0, 0, false };
		struct eventlog log;
		uint8_t *bytes;

		if (!read_log(cases[i].path, &log, &bytes))
			continue;
		n_read++;
		give(x, &log, "");
		x->opt.variables = &none;
		put_shim(x, cases[i].version);
		esp_predict(x);
		expect_value_of_log(x, &log, RTMR0);
		expect_made_again(x, &log, RTMR0);
		eventlog_done(&log);
		free(bytes);
	}
	if (n_read == 0)
		skip();
}

/* RTMR1 as far as it is known: of the kernel's own digest nothing is. */
static void kernels_that_qemu_passed_have_the_events_of_their_logs(void **state)
{
	static const struct {
		const char *path;
		bool initrd;
	} cases[] = { { GOOGLE "CCEL_unpadded.data.bin", false }, { TRUSTEE "CCEL_data_ovmf", true } };
	struct esp *x = *state;
	size_t n_read = 0;

	put_kernel(x, FIRST);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct eventlog log;
		uint8_t *bytes;

		if (!read_log(cases[i].path, &log, &bytes))
			continue;
		n_read++;
		give(x, &log, "quiet");
		esp_predict_file(x, FIRST);
		expect_value_of_log(x, &log, RTMR0);
		expect_made_again(x, &log, RTMR0);
		expect_made_again(x, &log, RTMR1);
		assert_int_equal(x->p.incomplete, 1u << RTMR1 | (cases[i].initrd ? 1u << RTMR2 : 0));
		eventlog_done(&log);
		free(bytes);
	}
	if (n_read == 0)
		skip();
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
		cmocka_unit_test(events_of_recorded_logs_are_whose_they_are),
		WITH_ESP(recorded_logs_that_cannot_serve_say_why),
		WITH_ESP(a_uki_of_googles_cloud_has_the_registers_of_its_log),
		WITH_ESP(shims_of_recorded_logs_bring_rtmr0_to_its_value),
		WITH_ESP(kernels_that_qemu_passed_have_the_events_of_their_logs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
