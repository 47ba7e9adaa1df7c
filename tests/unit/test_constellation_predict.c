/* The prediction that Constellation's tool makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "predict/constellation.h"
#include "tests/unit/build_esp.h"

#define BOOT "EFI/BOOT/BOOTX64.EFI"

#define SECTION(section, text)                                            \
	{                                                                 \
		.name = (section), .bytes = (text), .n = sizeof(text) - 1 \
	}

static int predict_root(struct esp *x, const struct predict_options *opt)
{
	assert_int_equal(image_open(x->root, &x->img, &x->e), 0);
	x->open = true;
	x->result = predict_constellation(&x->img, opt, &x->p, &x->e);
	return x->result;
}

/* A UKI whose sections lie in another order than the tool's; .linux is the last, so that it can be of any length. */
static uint8_t *put_uki(struct esp *x, const char *cmdline, size_t cmdline_len, const void *kernel,
			size_t kernel_len, size_t trailing, size_t *ret_n)
{
	const struct built_section sections[] = {
		SECTION(".initrd", "initrd bytes"),
		SECTION(".pcrsig", "{}"),
		SECTION(".pcrpkey", "-----BEGIN"),
		{ .name = ".cmdline", .bytes = cmdline, .n = cmdline_len },
		SECTION(".osrel", "ID=test\n"),
		SECTION(".sbat", "sbat,1"),
		SECTION(".uname", "6.12"),
		SECTION(".ucode", "microcode"),
		{ .name = ".linux", .bytes = kernel, .n = kernel_len },
	};
	uint8_t *uki = build_pe(&(struct build_pe){ .sections = sections,
						    .n_sections = sizeof sections / sizeof sections[0],
						    .trailing = trailing },
				ret_n);

	esp_keep(x, uki);
	esp_put(x, BOOT, uki, *ret_n);
	return uki;
}

/* Authenticode of an unsigned image without holes, by hand: all but CheckSum and the certificate table's entry; zeros to 8. */
static void expect_stage(struct esp *x, const uint8_t *image, size_t n)
{
	size_t opt = get_u32le(image + 0x3c) + 24, entry = opt + 112 + 4 * 8;
	struct bytes hashed = { NULL, 0 };

	bytes_add(&hashed, image, opt + 64);
	bytes_add(&hashed, image + opt + 68, entry - (opt + 68));
	bytes_add(&hashed, image + entry + 8, n - (entry + 8));
	bytes_add(&hashed, "\0\0\0\0\0\0\0", (8 - n % 8) % 8);
	expect_event(x, 4, 0x80000003, SLICE_EMPTY, (struct slice){ hashed.p, hashed.n });
	bytes_done(&hashed);
}

static void expect_tool_section(struct esp *x, const char *name, const void *bytes, size_t n)
{
	struct slice with_nul = { (const uint8_t *)name, strlen(name) + 1 };

	expect_event(x, 11, EV_IPL, with_nul, with_nul);
	expect_event(x, 11, EV_IPL, SLICE_EMPTY, (struct slice){ bytes, n });
}

static void expect_description(const struct esp *x, size_t event, const char *text)
{
	assert_string_equal(x->p.log.events[event].description, text);
}

static void a_uki_is_measured_as_the_tool_does(void **state)
{
	static const char line[] = "console=tty0"; /* its NUL is part of the section */
	struct bytes wide = { NULL, 0 };
	struct esp *x = *state;
	size_t n, kernel_len;

	uint8_t *kernel = build_kernel(1, 1, &kernel_len);
	esp_keep(x, kernel);
	uint8_t *uki = put_uki(x, line, sizeof line, kernel, kernel_len, 3,
			       &n); /* a length that is no multiple of 8 */
	assert_int_not_equal(n % 8, 0);
	struct predict_options opt = { 0 };
	if (predict_root(x, &opt) < 0)
		fail_msg("%s", x->e.msg);

	struct slice calling = slice_of_string("Calling EFI Application from Boot Option");
	expect_event(x, 4, 0x80000007, SLICE_EMPTY, calling);
	expect_event(x, 4, EV_SEPARATOR, (struct slice){ (const uint8_t *)"\0\0\0\0", 4 },
		     (struct slice){ (const uint8_t *)"\0\0\0\0", 4 });
	expect_stage(x, uki, n);
	expect_stage(x, kernel, kernel_len);
	bytes_add_wide(&wide, line);
	expect_event(x, 9, EV_EVENT_TAG, (struct slice){ wide.p, wide.n }, (struct slice){ wide.p, wide.n });
	expect_event(x, 9, EV_EVENT_TAG, SLICE_EMPTY, slice_of_string("initrd bytes"));
	expect_tool_section(x, ".linux", kernel, kernel_len);
	expect_tool_section(x, ".osrel", "ID=test\n", 8);
	expect_tool_section(x, ".cmdline", line, sizeof line);
	expect_tool_section(x, ".initrd", "initrd bytes", 12);
	expect_tool_section(x, ".uname", "6.12", 4);
	expect_tool_section(x, ".sbat", "sbat,1", 6); /* neither .ucode nor .pcrsig nor .pcrpkey */
	expect_end(x);
	bytes_done(&wide);

	expect_description(x, 2, "Boot Stage 1: Unified Kernel Image (UKI)");
	expect_description(x, 4, "EV_EVENT_TAG: Linux LOAD_FILE2 protocol: cmdline \"console=tty0\\x00\"");
	/* printf 'initrd bytes' | sha256sum */
	expect_description(x, 5,
			   "EV_EVENT_TAG: Linux LOAD_FILE2 protocol: initrd (digest "
			   "3e80041bda6e34a9397ae625c212916b0520a14975ca58a8f5d93c4e5b50d184)");
	expect_description(x, 6, "EV_IPL: UKI section 1 name: .linux");
	/* printf 6.12 | sha256sum */
	expect_description(x, 15,
			   "EV_IPL: UKI section 5 data: "
			   "e4d86b820871b1f065479509c0993f26763118991aa84a9b33c6027d209729d7");
	assert_int_equal(x->p.incomplete, 0xffffff & ~PREDICT_CONSTELLATION_PCRS);
	for (uint32_t pcr = 8; pcr <= 15; pcr++) /* not extended: zeros */
		if (PREDICT_CONSTELLATION_PCRS & 1u << pcr && pcr != 9 && pcr != 11)
			for (size_t i = 0; i < 32; i++)
				assert_int_equal(x->p.values[ALG_SHA256].pcr[pcr][i], 0);
}

static void set_digest(struct esp *x, size_t event, int byte)
{
	struct event *ev = &x->p.log.events[event];

	memset((uint8_t *)ev->digests.p + 2, byte, 32); /* the log's own memory */
}

static void expect_replay(const struct esp *x, uint32_t pcr, const char *hex)
{
	struct pcr_bank bank;
	char text[65];

	assert_int_equal(eventlog_replay(&x->p.log, ALG_SHA256, &bank, NULL), 0);
	hex_encode(bank.pcr[pcr], 32, text);
	assert_string_equal(text, hex);
}

/* Constellation's own vectors (image/measured-boot/measure, pcr04_test.go, pcr09_test.go, pcr11_test.go) state digests. */
static void the_tool_s_own_vectors_hold(void **state)
{
	static const char line[] = "console=tty0";
	struct esp *x = *state;
	size_t n, kernel_len;
	uint8_t *kernel = build_kernel(1, 1, &kernel_len);
	struct predict_options opt = { 0 };

	esp_keep(x, kernel);
	(void)put_uki(x, line, sizeof line, kernel, kernel_len, 0, &n);
	if (predict_root(x, &opt) < 0)
		fail_msg("%s", x->e.msg);
	set_digest(x, 2, 0x00);
	set_digest(x, 3, 0x01);
	expect_replay(x, 4, "22116dee861aa6b44242ac469eab24cead344d52c77131f54ac1cac9d6a2408e");
	set_digest(x, 5, 0x00);
	expect_replay(x, 9, "eb4f7bca865807d3163b95174d6e66cfc74acf8b930a553e95ec94662cb6facd");
	set_digest(x, 7, 0x00);
	set_digest(x, 13, 0x01);
	for (size_t i = 8; i < 12; i++)
		x->p.log.events[i].pcr = 23; /* the vector has .linux and .initrd only */
	for (size_t i = 14; i < x->p.log.n_events; i++)
		x->p.log.events[i].pcr = 23;
	expect_replay(x, 11, "9dfe399fcd4432639f0e20f49df823aa66b095f0664f0a4b9fbdc11ea64683e2");
}

static void a_command_line_is_taken_as_go_takes_it(void **state)
{
	/* a NUL inside, a character of four bytes, a byte that is not UTF-8, one that is escaped */
	static const char line[] = "a\0\xf0\x9f\x98\x80\xff\"\t\xc2\x80";
	static const uint8_t wide[] = { 'a',  0,   0, 0,    0x3d, 0xd8, 0x00, 0xde, 0xfd,
					0xff, '"', 0, '\t', 0,    0x80, 0,    0,    0 };
	struct esp *x = *state;
	size_t n, kernel_len;
	uint8_t *kernel = build_kernel(1, 1, &kernel_len);
	struct predict_options opt = { 0 };

	esp_keep(x, kernel);
	(void)put_uki(x, line, sizeof line, kernel, kernel_len, 0, &n);
	if (predict_root(x, &opt) < 0)
		fail_msg("%s", x->e.msg);
	x->at = 4;
	struct slice bytes = { wide, sizeof wide };
	expect_event(x, 9, EV_EVENT_TAG, bytes, bytes);
	expect_description(x, 4,
			   "EV_EVENT_TAG: Linux LOAD_FILE2 protocol: cmdline "
			   "\"a\\x00\xf0\x9f\x98\x80\\xff\\\"\\t\\u0080\\x00\"");
}

static void what_the_tool_does_not_take_is_refused(void **state)
{
	static const struct {
		struct built_section sections[4];
		size_t n;
		uint32_t n_dirs;
		const char *says;
	} cases[] = {
		{ { SECTION(".linux", "x") }, 1, 0, "section .linux" },
		{ { SECTION(".initrd", "x") }, 1, 0, "no section .linux" },
		{ { SECTION(".linux", "x"), SECTION(".linux", "y") }, 2, 0, "section .linux twice" },
		{ { { .name = ".data", .bytes = "abc", .n = 3, .virt_len = 0x10000 } },
		  1,
		  0,
		  "section .data has 65536 bytes in memory" },
		{ { SECTION(".linux", "x") }, 1, 4, "no entry for a certificate table" },
	};
	struct esp *x = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct predict_options opt = { 0 };
		size_t n;
		uint8_t *uki = build_pe(&(struct build_pe){ .sections = cases[i].sections,
							    .n_sections = cases[i].n,
							    .n_dirs = cases[i].n_dirs },
					&n);

		esp_put(x, BOOT, uki, n);
		free(uki);
		assert_true(predict_root(x, &opt) < 0);
		if (!strstr(x->e.msg, cases[i].says))
			fail_msg("case %zu: %s", i, x->e.msg);
		prediction_done(&x->p);
		image_done(&x->img);
		x->open = false;
	}
}

static void a_command_line_without_a_nul_and_other_banks_are_refused(void **state)
{
	struct esp *x = *state;
	struct predict_options opt = { .banks = 1u << ALG_SHA1 };
	size_t n, kernel_len;
	uint8_t *kernel = build_kernel(1, 1, &kernel_len);

	esp_keep(x, kernel);
	(void)put_uki(x, "quiet", 5, kernel, kernel_len, 0, &n);
	assert_int_equal(predict_root(x, &opt), -PCRCAST_EINVAL);
	prediction_done(&x->p);
	image_done(&x->img);
	opt.banks = 0;
	assert_int_equal(predict_root(x, &opt), -PCRCAST_EUNSUPPORTED);
	assert_non_null(strstr(x->e.msg, "does not end with a NUL"));
}

static void options_that_the_tool_does_not_know_are_told(void **state)
{
	struct esp *x = *state;
	struct predict_options opt = { .secure_boot_given = true,
				       .has_profile = true,
				       .pcrs = 1 << 4 | 1 << 7 };
	size_t n, kernel_len;
	uint8_t *kernel = build_kernel(1, 1, &kernel_len);

	esp_keep(x, kernel);
	(void)put_uki(x, "quiet", 6, kernel, kernel_len, 0, &n);
	assert_int_equal(predict_root(x, &opt), 0);
	expect_note(x, "--secure-boot");
	expect_note(x, "--profile was not used");
	expect_reason(x, 7, "does not compute it", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ESP(a_uki_is_measured_as_the_tool_does),
		WITH_ESP(the_tool_s_own_vectors_hold),
		WITH_ESP(a_command_line_is_taken_as_go_takes_it),
		WITH_ESP(what_the_tool_does_not_take_is_refused),
		cmocka_unit_test_setup_teardown(a_command_line_without_a_nul_and_other_banks_are_refused,
						esp_setup, esp_teardown),
		WITH_ESP(options_that_the_tool_does_not_know_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
