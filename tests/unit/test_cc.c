/* The prediction for TDX guests: which events CC registers get, and that recorded logs agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "eventlog/cc.h"
#include "tests/unit/build_esp.h"
#include "uki/kernel_scan.h"

#define BOOT "EFI/BOOT/BOOTX64.EFI"

#define SECTION(section, text)                                            \
	{                                                                 \
		.name = (section), .bytes = (text), .n = sizeof(text) - 1 \
	}

enum { RTMR0 = 1, RTMR1 = 2, RTMR2 = 3, RTMR3 = 4, IPL = 0x0d, TAGGED = 6, SEPARATOR = 4 };
#define ACTION 0x80000007u
#define APPLICATION 0x80000003u
#define GPT 0x80000006u

/* EFI_CC_MEASUREMENT_PROTOCOL_GUID in memory (python3: uuid.UUID("96751a3d-72f4-41a6-a794-ed5d0e67ae6b").bytes_le.hex()) */
static const uint8_t guid_low[] = { 0x3d, 0x1a, 0x75, 0x96, 0xf4, 0x72, 0xa6, 0x41 },
		     guid_high[] = { 0xa7, 0x94, 0xed, 0x5d, 0x0e, 0x67, 0xae, 0x6b };

/* A kernel whose EFI stub measures line and initrd; knows_cc as compilers have the GUID, in two halves. */
static uint8_t *put_kernel(struct esp *x, bool knows_cc, size_t *ret_n)
{
	uint8_t *kernel = esp_keep(x, build_kernel(1, 1, ret_n));
	uint8_t *text = kernel + get_u32le(built_section_header(kernel, 1) + 20);

	put_u16le(built_optional_header(kernel) + 44, 1);
	if (knows_cc) {
		memcpy(text + 0x100, guid_low, 8);
		memcpy(text + 0x10e, guid_high, 8);
	}
	return kernel;
}

static void put_uki(struct esp *x, const char *version, bool kernel_knows_cc)
{
	size_t n, uki_len;
	uint8_t *kernel = put_kernel(x, kernel_knows_cc, &n);
	const struct built_section sections[] = { SECTION(".cmdline", "quiet"),
						  SECTION(".initrd", "INIT"),
						  SECTION(".profile", "ID=a"),
						  SECTION(".profile", "ID=b"),
						  { .name = ".linux", .bytes = kernel, .n = n } };
	/* .linux stands in front of the profiles, where all of them find it */
	const struct built_section order[] = { sections[4], sections[0], sections[1], sections[2],
					       sections[3] };
	uint8_t *uki = esp_keep(x, build_uki(version, order, 5, &uki_len));

	esp_put(x, BOOT, uki, uki_len);
	x->opt.cc = true;
	x->opt.console_known = true;
	x->opt.boot_secret = BOOT_SECRET_NONE;
}

/* The events of RTMR1 and RTMR2 as words: "1:EV_EFI_ACTION 2:EV_IPL …". */
static const char *kinds_of(const struct eventlog *log, char *buf, size_t size)
{
	size_t at = 0;

	*buf = '\0';
	for (size_t i = 0; i < log->n_events; i++) {
		char name[11];
		const struct event *ev = &log->events[i];

		if (ev->pcr != RTMR1 && ev->pcr != RTMR2)
			continue;
		at += (size_t)snprintf(buf + at, size - at, "%s%u:%s", at ? " " : "", ev->pcr - 1,
				       event_type_name(ev->type, name));
		assert_true(at < size);
	}
	return buf;
}

#define CALLED "1:EV_EFI_ACTION 1:EV_SEPARATOR 1:EV_EFI_GPT_EVENT 1:EV_EFI_BOOT_SERVICES_APPLICATION"
#define EXIT " 1:EV_EFI_ACTION 1:EV_EFI_ACTION"
#define SECTIONS4 " 2:EV_IPL 2:EV_IPL 2:EV_IPL 2:EV_IPL 2:EV_IPL 2:EV_IPL 2:EV_IPL 2:EV_IPL"
#define LOADED " 1:EV_EFI_BOOT_SERVICES_APPLICATION"
#define KERNEL " 2:EV_EVENT_TAG 2:EV_EVENT_TAG"

static void versions_of_systemd_stub_differ_in_what_they_tell_cc(void **state)
{
	static const struct {
		const char *version;
		unsigned profile;
		const char *want;
	} cases[] = {
		{ "254.26", 0, CALLED LOADED KERNEL EXIT },
		{ "255.13", 0, CALLED LOADED KERNEL EXIT },
		{ "256", 0,
		  CALLED " 2:EV_IPL 2:EV_IPL 2:EV_IPL 2:EV_IPL 2:EV_IPL 2:EV_IPL" LOADED KERNEL EXIT },
		/* with a profile: load options, PCR 12, are "@1", of which nothing is left to measure; the tagged event is not */
		{ "257.13", 1, CALLED SECTIONS4 LOADED KERNEL EXIT },
		{ "260", 1, CALLED SECTIONS4 KERNEL EXIT },
		{ "261", 1, CALLED " 2:EV_IPL" SECTIONS4 KERNEL EXIT },
		{ "262", 1, CALLED " 2:EV_IPL" SECTIONS4 KERNEL EXIT },
	};
	struct esp *x = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char got[1024];

		put_uki(x, cases[i].version, true);
		x->opt.has_profile = cases[i].profile != 0;
		x->opt.profile = cases[i].profile;
		esp_predict(x);
		if (strcmp(kinds_of(&x->p.log, got, sizeof got), cases[i].want) != 0)
			fail_msg("%s: want %s\ngot %s", cases[i].version, cases[i].want, got);
	}
}

static void a_kernel_without_the_protocol_or_beside_a_tpm_is_silent(void **state)
{
	struct esp *x = *state;
	char got[1024];

	put_uki(x, "257", false);
	esp_predict(x);
	assert_string_equal(kinds_of(&x->p.log, got, sizeof got), CALLED SECTIONS4 LOADED EXIT);
	expect_note(x, ".linux, file bytes");
	expect_note(x, "measures nothing to CC registers");
	put_uki(x, "257", true);
	x->opt.cc_quirks = CC_QUIRK_VTPM;
	esp_predict(x);
	assert_string_equal(kinds_of(&x->p.log, got, sizeof got), CALLED SECTIONS4 LOADED EXIT);
	x->opt.cc_quirks = CC_QUIRK_SEPARATOR;
	esp_predict(x);
	assert_string_equal(
		kinds_of(&x->p.log, got, sizeof got),
		"1:EV_EFI_ACTION 1:EV_EFI_GPT_EVENT 1:EV_EFI_BOOT_SERVICES_APPLICATION" SECTIONS4 LOADED
			KERNEL EXIT);
	size_t n_separators = 0;
	for (size_t i = 0; i < x->p.log.n_events; i++)
		n_separators += x->p.log.events[i].pcr == RTMR0 && x->p.log.events[i].type == SEPARATOR;
	assert_int_equal(n_separators, 2);
}

/* A kernel that knows no CC registers runs when the firmware measures the end of its boot services. */
static void the_firmware_measures_whoever_is_at_work(void **state)
{
	struct esp *x = *state;

	for (unsigned quirks = 0; quirks <= CC_QUIRK_VTPM; quirks += CC_QUIRK_VTPM) {
		size_t n_exit = 0, n_gpt = 0;

		put_uki(x, "255", quirks != 0);
		x->opt.cc_quirks = quirks;
		esp_predict(x);
		for (size_t i = 0; i < x->p.log.n_events; i++) {
			const struct event *ev = &x->p.log.events[i];

			n_exit +=
				ev->pcr == RTMR1 && ev->type == ACTION && memcmp(ev->data.p, "Exit", 4) == 0;
			n_gpt += ev->pcr == RTMR1 && ev->type == GPT;
		}
		assert_int_equal(n_exit, 2);
		assert_int_equal(n_gpt, 1);
	}
}

static void a_tagged_event_of_261_is_its_text(void **state)
{
	static const uint8_t text[] = { '1', 0, 0, 0 };
	struct esp *x = *state;

	put_uki(x, "261", true);
	x->opt.has_profile = true;
	x->opt.profile = 1;
	esp_predict(x);
	size_t at = 0;
	while (x->p.log.events[at].pcr != RTMR2) /* there is one: the sections' */
		at++;
	const struct event *ev = &x->p.log.events[at];
	assert_int_equal(ev->type, IPL);
	assert_int_equal(ev->data.n, sizeof text);
	assert_memory_equal(ev->data.p, text, sizeof text);
}

static void registers_with_unknown_events_have_no_value(void **state)
{
	struct esp *x = *state;
	struct pcr_bank bank;

	put_uki(x, "257", true);
	esp_predict(x);
	assert_true(x->p.cc);
	assert_int_equal(x->p.banks, 1u << ALG_SHA384);
	assert_true(x->p.incomplete & 1u << RTMR0);
	assert_false(x->p.incomplete & (1u << RTMR2 | 1u << RTMR3));
	assert_int_equal(x->p.log.kind, EVENTLOG_CC);
	assert_int_equal(x->p.log.spec_id.pcr, 1);
	expect_reason(x, RTMR0, "hand-off blocks", "--baseline");

	/* the values are those of a replay of the events, which other tests hold against real registers */
	struct eventlog only = x->p.log;
	size_t n = 0;
	struct event kept[64];
	for (size_t i = 0; i < x->p.log.n_events; i++)
		if (x->p.log.events[i].pcr == RTMR2)
			kept[n++] = x->p.log.events[i];
	only.events = kept;
	only.n_events = n;
	assert_int_equal(eventlog_replay(&only, ALG_SHA384, &bank, &x->e), 0);
	assert_memory_equal(bank.pcr[RTMR2], x->p.values[ALG_SHA384].pcr[RTMR2], 48);
	assert_memory_equal(bank.pcr[RTMR3], x->p.values[ALG_SHA384].pcr[RTMR3], 48);

	/* the doubt of PCR 9 is that of RTMR2 */
	put_uki(x, "262", true);
	x->opt.console_known = false;
	esp_predict(x);
	assert_true(x->p.incomplete & 1u << RTMR2);
	expect_reason(x, RTMR2, "console", "--console");
}

static void what_cc_registers_do_not_have_is_refused(void **state)
{
	struct esp *x = *state;
	size_t n;

	put_uki(x, "257", true);
	x->opt.banks = 1u << ALG_SHA256;
	esp_predict_fails(x, PCRCAST_EINVAL, "sha384 only");
	x->opt.banks = 0;
	x->opt.pcrs = 1u << 11;
	esp_predict_fails(x, PCRCAST_EINVAL, "RTMR0 to RTMR3");
	x->opt.pcrs = 0;

	const struct built_section sections[] = { SECTION(".text", "x") };
	uint8_t *pe = esp_keep(
		x,
		build_pe(&(struct build_pe){ .machine = 0xaa64, .sections = sections, .n_sections = 1 }, &n));
	esp_put(x, BOOT, pe, n);
	esp_predict_fails(x, PCRCAST_EINVAL, "for x86-64");
}

static bool find_cc(struct pool *pool, const uint8_t *bytes, size_t n)
{
	struct pcrcast_error e;
	struct blob b;
	bool found;

	assert_int_equal(blob_of_bytes(pool, (struct slice){ bytes, n }, &b, &e), 0);
	assert_int_equal(scan_for_cc(&b, &found, &e), 0);
	return found;
}

static void the_protocol_is_found_only_by_both_halves_of_its_guid(void **state)
{
	struct pool pool = POOL_INIT;
	uint8_t bytes[64] = { 0 };

	(void)state;
	assert_false(find_cc(&pool, bytes, sizeof bytes));
	memcpy(bytes + 40, guid_low, 8);
	assert_false(find_cc(&pool, bytes, sizeof bytes));
	memcpy(bytes + 56, guid_high, 8);
	assert_true(find_cc(&pool, bytes, sizeof bytes));
	assert_false(find_cc(&pool, bytes, sizeof bytes - 1));
	memset(bytes + 40, 0, 8);
	assert_false(find_cc(&pool, bytes, sizeof bytes));
	pool_done(&pool);
}

static void the_mapping_of_pcrs_is_that_of_uefi(void **state)
{
	/* UEFI 2.10 section 38.4.1, table of Intel TDX */
	static const uint32_t want[] = { 0, 1, 2, 2, 2, 2, 2, 1, 3, 3, 3, 3, 3,
					 3, 3, 3, 5, 5, 5, 5, 5, 5, 5, 5, 5 };
	uint32_t all = 0;

	(void)state;
	for (uint32_t pcr = 0; pcr < sizeof want / sizeof want[0]; pcr++)
		assert_int_equal(cc_register_of_pcr(pcr), want[pcr]);
	for (enum cc_register i = 0; i < CC_REGISTERS; i++) {
		assert_int_equal(all & cc_register_pcrs(i), 0);
		all |= cc_register_pcrs(i);
	}
	assert_int_equal(all, 0xffff);
	assert_int_equal(cc_register_pcrs(CC_REGISTERS), 0);
}

/* ---- recorded logs ---- */

#define SHARED "../shared/corpus/eventlogs/"

static bool read_log(const char *name, struct eventlog *ret, uint8_t **ret_bytes)
{
	char path[256];
	struct pcrcast_error e;
	size_t n;

	(void)snprintf(path, sizeof path, SHARED "%s", name);
	if (access(path, R_OK) != 0)
		return false;
	*ret_bytes = load_file(path, &n);
	assert_int_equal(eventlog_read((struct slice){ *ret_bytes, n }, EVENTLOG_KINDS, ret, &e), 0);
	assert_int_equal(ret->kind, EVENTLOG_CC);
	return true;
}

/* Of an event whose PCR its kind tells, the register is the one that was logged. */
static void kinds_of_events_map_to_the_registers_of_recorded_logs(void **state)
{
	static const char *const names[] = {
		"confidential-containers-trustee__CCEL_AAEL_alibabacloud",
		"confidential-containers-trustee__CCEL_data_gcp",
		"confidential-containers-trustee__CCEL_data_grub",
		"confidential-containers-trustee__CCEL_data_grub_gke",
		"confidential-containers-trustee__CCEL_data_ovmf",
		"google-go-eventlog__CCEL_unpadded.data.bin",
		"google-go-eventlog__cos-113-intel-tdx.bin",
		"google-go-eventlog__cos-113-intel-tdx-dupe-separator.bin",
	};
	/*
	 * What can be told without the log: the kinds of events that the stages of predict/ append, with their PCR. Boot
	 * variables are not among them: firmware of 2023 (Alibaba's log) takes them to be PCR 5's.
	 */
	static const struct {
		uint32_t type;
		const char *text; /* that the event field begins with; NULL: any */
		uint32_t pcr;
	} kinds[] = {
		{ ACTION, "Calling EFI Application", 4 },
		{ ACTION, "Returning from EFI Application", 4 },
		{ ACTION, "Exit Boot Services", 5 },
		{ APPLICATION, NULL, 4 },
		{ 0x80000006, NULL, 5 },
		{ 0x800000e0, NULL, 7 },
		{ 0x80000001, NULL, 7 },
		{ TAGGED, "\xec\x22\x3b\x8f", 9 },
		{ TAGGED, "\xed\x22\x3b\x8f", 9 },
		{ IPL, "grub_cmd", 8 },
		{ IPL, "grub_kernel_cmdline", 8 },
		{ IPL, "kernel_cmdline", 8 },
		{ IPL, "MokList", 14 },
		{ IPL, "/", 9 },
	};
	size_t n_read = 0, n_told = 0;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct eventlog log;
		uint8_t *bytes;

		if (!read_log(names[i], &log, &bytes))
			continue;
		n_read++;
		for (size_t k = 0; k < log.n_events; k++)
			for (size_t m = 0; m < sizeof kinds / sizeof kinds[0]; m++) {
				const struct event *ev = &log.events[k];
				size_t len = kinds[m].text ? strlen(kinds[m].text) : 0;

				if (ev->type != kinds[m].type || ev->data.n < len ||
				    memcmp(ev->data.p, kinds[m].text ? kinds[m].text : "", len) != 0)
					continue;
				if (cc_register_of_pcr(kinds[m].pcr) != ev->pcr)
					fail_msg("%s: event %zu in register %u", names[i], k, ev->pcr);
				n_told++;
			}
		eventlog_done(&log);
		free(bytes);
	}
	if (n_read == 0)
		skip();
	assert_true(n_told > 20 * n_read);
}

/* The next event of RTMR1 or RTMR2 from *at on; NULL when there is none. */
static const struct event *next_in(const struct eventlog *log, size_t *at)
{
	while (*at < log->n_events && log->events[*at].pcr != RTMR1 && log->events[*at].pcr != RTMR2)
		++*at;
	return *at < log->n_events ? &log->events[(*at)++] : NULL;
}

/*
 * A UKI that runs on a TDX guest in Google's cloud, which has a TPM: the events of RTMR1 and RTMR2 are those predicted for an
 * image of this kind.
 */
static void events_predicted_for_a_uki_are_those_logged(void **state)
{
	struct esp *x = *state;
	struct eventlog log;
	uint8_t *bytes;
	size_t n, uki_len, at = 0;

	if (!read_log("confidential-containers-trustee__CCEL_data_grub_gke", &log, &bytes))
		skip();
	uint8_t *kernel = put_kernel(x, true, &n);
	const struct built_section sections[] = {
		SECTION(".osrel", "ID=test"), SECTION(".cmdline", "quiet"),
		SECTION(".initrd", "INIT"),   SECTION(".uname", "6.6"),
		SECTION(".sbat", "sbat,1"),   { .name = ".linux", .bytes = kernel, .n = n },
	};
	uint8_t *uki = esp_keep(x, build_uki("256.7", sections, 6, &uki_len));
	esp_put(x, BOOT, uki, uki_len);
	x->opt.cc = true;
	x->opt.cc_quirks = CC_QUIRK_VTPM;
	esp_predict(x);
	for (size_t i = 0; i < log.n_events; i++) {
		const struct event *want = &log.events[i], *got;

		if (want->pcr != RTMR1 && want->pcr != RTMR2)
			continue;
		got = next_in(&x->p.log, &at);
		assert_non_null(got);
		assert_int_equal(got->pcr, want->pcr);
		assert_int_equal(got->type, want->type);
		if (want->type == APPLICATION || want->type == GPT)
			continue; /* of another file and disk */
		assert_int_equal(got->data.n, want->data.n);
		assert_memory_equal(got->data.p, want->data.p, want->data.n);
	}
	assert_null(next_in(&x->p.log, &at));
	eventlog_done(&log);
	free(bytes);
}

/* QEMU's -kernel: of the kernel's events both. */
static void events_predicted_for_a_kernel_are_those_logged(void **state)
{
	struct esp *x = *state;
	struct eventlog log;
	uint8_t *bytes, *kernel;
	size_t n, at = 0;

	if (!read_log("confidential-containers-trustee__CCEL_data_ovmf", &log, &bytes))
		skip();
	kernel = put_kernel(x, true, &n);
	esp_put(x, BOOT, kernel, n);
	esp_set_load_options(x, "initrd=initrd quiet");
	x->opt.cc = true;
	esp_predict(x);
	for (size_t i = 0; i < log.n_events; i++) {
		const struct event *want = &log.events[i], *got;

		if (want->pcr != RTMR2 || memcmp(want->data.p, "\xed", 1) != 0)
			continue; /* no initrd is loaded here */
		while (at < x->p.log.n_events && x->p.log.events[at].pcr != RTMR2)
			at++;
		assert_true(at < x->p.log.n_events);
		got = &x->p.log.events[at++];
		assert_int_equal(got->type, want->type);
		assert_int_equal(got->data.n, want->data.n);
		assert_memory_equal(got->data.p, want->data.p, want->data.n);
	}
	assert_true(at > 0);
	eventlog_done(&log);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ESP(versions_of_systemd_stub_differ_in_what_they_tell_cc),
		WITH_ESP(a_kernel_without_the_protocol_or_beside_a_tpm_is_silent),
		WITH_ESP(the_firmware_measures_whoever_is_at_work),
		WITH_ESP(a_tagged_event_of_261_is_its_text),
		WITH_ESP(registers_with_unknown_events_have_no_value),
		WITH_ESP(what_cc_registers_do_not_have_is_refused),
		cmocka_unit_test(the_protocol_is_found_only_by_both_halves_of_its_guid),
		cmocka_unit_test(the_mapping_of_pcrs_is_that_of_uefi),
		cmocka_unit_test(kinds_of_events_map_to_the_registers_of_recorded_logs),
		WITH_ESP(events_predicted_for_a_uki_are_those_logged),
		WITH_ESP(events_predicted_for_a_kernel_are_those_logged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
