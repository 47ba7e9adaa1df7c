/*
 * Recorded logs of CC registers, where they are at hand, as baselines: expectations are by reading the logs, and their own
 * registers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/cc_baseline.h"

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
		cmocka_unit_test(events_of_recorded_logs_are_whose_they_are),
		WITH_ESP(recorded_logs_that_cannot_serve_say_why),
		WITH_ESP(a_uki_of_googles_cloud_has_the_registers_of_its_log),
		WITH_ESP(shims_of_recorded_logs_bring_rtmr0_to_its_value),
		WITH_ESP(kernels_that_qemu_passed_have_the_events_of_their_logs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
