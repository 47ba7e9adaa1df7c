/*
 * A TDX guest's boot for tests: logs of CC registers, images of its chain, and what is expected of a prediction. To be included behind
 * cmocka.h.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static inline struct slice of_disk(void)
{
	return (struct slice){ (const uint8_t *)plain_path, sizeof plain_path };
}

static inline struct slice of_qemu(void)
{
	return (struct slice){ qemu_path, sizeof qemu_path };
}

/* ---- logs ---- */

static inline struct eventlog cc_log(void)
{
	struct eventlog log = log_with(SHA384);

	log.kind = EVENTLOG_CC;
	return log;
}

static inline void add_machine(struct eventlog *log)
{
	log_add(log, RTMR0, (uint32_t)EV_EFI_HANDOFF_TABLES2, BYTES("TdxTable"), BYTES("hand-off blocks"));
	log_add_data(log, RTMR0, CONFIG, log_variable(log, "SecureBoot", BYTES("\0")));
	log_add_data(log, RTMR0, EV_SEPARATOR, ZEROS);
	log_add(log, RTMR0, EV_PLATFORM_CONFIG_FLAGS, BYTES("ACPI DATA"), BYTES("tables"));
}

/* Boot variables are hashed without the structure around them. */
static inline void add_boot_variables(struct eventlog *log, uint32_t reg)
{
	struct slice data = BYTES(OPTION);

	log_add(log, reg, BOOT_VARIABLE, log_variable(log, "BootOrder", BYTES("\x03\0")), BYTES("\x03\0"));
	log_add(log, reg, BOOT_VARIABLE, log_variable(log, "Boot0003", data), data);
}

static inline void add_end(struct eventlog *log)
{
	log_add_data(log, RTMR1, ACTION, INVOCATION);
	log_add_data(log, RTMR1, ACTION, SUCCESS);
}

/* The chain of another image: shim, a boot loader that measures SMBIOS structures and loader.conf, a kernel. */
static inline void add_old_chain(struct eventlog *log)
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
static inline struct eventlog usual_log(uint32_t separator)
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
static inline struct eventlog direct_log(bool initrd)
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

static inline uint8_t *build_cc_kernel(struct esp *x, size_t *ret_n)
{
	uint8_t *kernel = esp_keep(x, build_kernel(1, 1, ret_n));
	uint8_t *text = kernel + get_u32le(built_section_header(kernel, 1) + 20);

	put_u16le(built_optional_header(kernel) + 44, 1); /* MajorImageVersion: LINUX_EFISTUB_MAJOR_VERSION */
	memcpy(text + 0x100, guid_low, 8);
	memcpy(text + 0x10e, guid_high, 8);
	return kernel;
}

static inline void put_kernel(struct esp *x, const char *path)
{
	size_t n;
	uint8_t *p = build_cc_kernel(x, &n);

	esp_put(x, path, p, n);
}

/* As one in Google's cloud has them, see a_uki_of_googles_cloud_has_the_registers_of_its_log. */
static inline uint8_t *put_uki(struct esp *x, const char *version, size_t *ret_n)
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

static inline void put_shim(struct esp *x, const char *version)
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
static inline void give(struct esp *x, const struct eventlog *log, const char *load_options)
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
static inline void expect_places(struct eventlog *log, const char *want)
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
static inline void expect_register(const struct esp *x, uint32_t reg, const struct slice *texts, size_t n)
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
static inline struct bytes authenticode_of(uint8_t *image, size_t n)
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
