/* The command line that systemd-stub passes on: from where, in what form, and with what behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/stub_esp.h"

/* ---- the command line ---- */

static void the_command_line_of_the_uki_is_measured_by_the_kernel_only(void **state)
{
	struct esp *x = *state;

	for (size_t i = 0; i < N_VERSIONS; i++) {
		struct file kernel = kernel_image(x, 1, 1),
			    uki = put_plain(x, versions[i], " quiet\n\tsplash \n", kernel);
		int v = atoi(versions[i]);

		esp_predict(x);
		expect_plain(x, uki, " quiet\n\tsplash \n", kernel);
		expect_start(x, v, v <= 254 ? " quiet  splash" : "quiet  splash", kernel);
	}
}

static void an_empty_command_line_is_undefined_in_255_and_256(void **state)
{
	struct esp *x = *state;

	for (size_t i = 0; i < N_VERSIONS; i++) {
		struct file kernel = kernel_image(x, 1, 1), uki = put_plain(x, versions[i], "\n", kernel);
		int v = atoi(versions[i]);

		esp_predict(x);
		expect_plain(x, uki, "\n", kernel);
		if (v != 255 && v != 256) {
			expect_start(x, v, "", kernel);
			continue;
		}
		expect_image(x, NULL, kernel.p, kernel.n);
		expect_unknown(x, 9, 6, "the command line is blank", NULL);
		expect_end(x);
		expect_incomplete(x, 1 << 9);
	}
}

static void blank_load_options_count_until_256(void **state)
{
	struct esp *x = *state;

	esp_set_load_options(x, "   ");
	for (size_t i = 0; i < N_VERSIONS; i++) {
		struct file kernel = kernel_image(x, 1, 1), uki = put_plain(x, versions[i], "quiet", kernel);
		int v = atoi(versions[i]);

		esp_predict(x);
		expect_plain(x, uki, "quiet", kernel);
		if (v <= 254)
			expect_line(x, "");
		if (v != 255 && v != 256) {
			expect_start(x, v, v <= 254 ? "" : "quiet", kernel);
			continue;
		}
		expect_image(x, NULL, kernel.p, kernel.n);
		expect_unknown(x, 9, 6, "the command line is blank", NULL);
		expect_end(x);
		expect_incomplete(x, 1 << 9 | 1 << 12);
		expect_reason(x, 12, "the command line is blank", NULL);
	}
}

struct options_case {
	const char *bytes; /* as the firmware passes them */
	size_t n;
	const char *line; /* NULL: they are no command line */
};

#define OPTIONS(bytes, line)                   \
	{                                      \
		bytes, sizeof(bytes) - 1, line \
	}

static void load_options_are_taken_as_the_firmware_passes_them(void **state)
{
	static const struct options_case cases[] = {
		OPTIONS("", NULL),
		OPTIONS("x", NULL), /* half a character */
		OPTIONS("x\0y", "x"),
		OPTIONS("x\0y\0", "xy"),
		OPTIONS("x\0\0\0y\0", "x"),
		OPTIONS("\x1f\0y\0", NULL),
		OPTIONS("\0\0y\0", NULL),
		OPTIONS("x\0\0\0\x01\0", "x"), /* behind the NUL */
		OPTIONS("@\0"
			"1\0x\0",
			"@1x"),
		OPTIONS("@\0x\0", "@x"),
	};
	static const char *const some[] = { "252.39", "254.26", "255", "256", "257", "262" };
	struct esp *x = *state;

	for (size_t i = 0; i < sizeof some / sizeof some[0]; i++)
		for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
			struct file kernel = kernel_image(x, 1, 1),
				    uki = put_plain(x, some[i], "quiet", kernel);

			x->opt.has_load_options = true;
			x->opt.load_options = (struct slice){ (const uint8_t *)cases[k].bytes, cases[k].n };
			esp_predict(x);
			expect_plain(x, uki, "quiet", kernel);
			if (cases[k].line)
				expect_line(x, cases[k].line);
			expect_start(x, atoi(some[i]), cases[k].line ? cases[k].line : "quiet", kernel);
			while (x->n_kept)
				free(x->kept[--x->n_kept]);
		}
}

/* 252 to 257 look at the first character only; which of the later releases began to look at all is not known. */
static void a_control_character_inside_voids_the_load_options_of_later_versions(void **state)
{
	struct esp *x = *state;

	esp_set_load_options(x, "a\nb");
	for (size_t i = 0; i < N_VERSIONS; i++) {
		struct file kernel = kernel_image(x, 1, 1), uki = put_plain(x, versions[i], "quiet", kernel);
		int v = atoi(versions[i]);

		if (v >= 258 && v <= 260) {
			esp_predict_fails(x, PCRCAST_EUNSUPPORTED, "load options with a control character");
			continue;
		}
		esp_predict(x);
		expect_plain(x, uki, "quiet", kernel);
		if (v <= 257)
			expect_line(x, "a b");
		expect_start(x, v, v <= 257 ? "a b" : "quiet", kernel);
	}
}

/* Without any command line; 259 and later leave the stub's own load options where the kernel finds them. */
static void without_a_command_line_the_stubs_own_options_may_reach_the_kernel(void **state)
{
	struct esp *x = *state;

	for (size_t i = 0; i < N_VERSIONS; i++) {
		static const uint8_t data[] = "\xed\x22\x3b\x8f\x1a\0\0\0LOADED_IMAGE::LoadOptions";
		struct file kernel = kernel_image(x, 1, 1), uki = put_plain(x, versions[i], NULL, kernel);
		int v = atoi(versions[i]);

		x->opt.has_load_options = false;
		x->opt.load_options = SLICE_EMPTY;
		esp_predict(x);
		expect_plain(x, uki, NULL, kernel);
		expect_start(x, v, NULL, kernel);

		x->opt.has_load_options = true;
		x->opt.load_options = (struct slice){ (const uint8_t *)"\x01\0z\0", 4 }; /* binary junk */
		esp_predict(x);
		expect_plain(x, uki, NULL, kernel);
		if (v <= 257) {
			expect_start(x, v, NULL, kernel);
		} else if (v == 258) {
			expect_unknown(x, 9, 6, "passes its own load options on", NULL);
			expect_end(x);
		} else {
			expect_event(x, 9, 6, (struct slice){ data, sizeof data }, x->opt.load_options);
			expect_end(x);
		}
	}
}

static void a_kernel_that_does_not_measure_leaves_pcr_9_alone(void **state)
{
	struct esp *x = *state;

	for (int line = 0; line < 2; line++)
		for (int initrd = 0; initrd < 2; initrd++) {
			static const struct built_section sections[] = { SECTION(".initrd", "I"),
									 SECTION(".cmdline", "a"),
									 { 0 } };
			struct file kernel = kernel_image(x, line, initrd),
				    uki = put_uki(x, BOOT, "254", sections, kernel);
			struct bytes bytes = { NULL, 0 };

			esp_predict(x);
			expect_firmware(x);
			expect_image(x, BOOT_PATH, uki.p, uki.n);
			expect_section(x, ".linux", kernel.p, kernel.n);
			expect_section_text(x, ".cmdline", "a");
			expect_section_text(x, ".initrd", "I");
			expect_image(x, NULL, kernel.p, kernel.n);
			if (line)
				expect_kernel_line(x, "a");
			bytes_add_text(&bytes, "I");
			if (initrd)
				expect_initrd(x, bytes);
			else
				bytes_done(&bytes);
			expect_end(x);
			expect_incomplete(x, 0);
		}
	/* then it does not matter what is not known of the machine either */
	put_plain(x, "262", "quiet", kernel_image(x, 0, 0));
	x->opt.console_known = false;
	x->opt.boot_secret = BOOT_SECRET_UNKNOWN;
	esp_predict(x);
	expect_incomplete(x, 0);
}

static void noinitrd_keeps_the_kernel_from_loading_one(void **state)
{
	static const struct built_section sections[] = { SECTION(".initrd", "I"),
							 SECTION(".cmdline", "a noinitrd b"),
							 { 0 } };
	struct esp *x = *state;

	put_uki(x, BOOT, "254", sections, kernel_image(x, 0, 1));
	esp_predict(x);
	for (size_t i = 0; i < x->p.log.n_events; i++)
		assert_int_not_equal(x->p.log.events[i].pcr, 9);
}

/* Before Linux 5.8 the stub enters the kernel through the handover protocol: no LoadImage(), no LoadOptions. */
static void an_old_kernel_is_entered_without_an_image_event(void **state)
{
	struct esp *x = *state;
	struct file kernel = kernel_image(x, 1, 1), uki;

	put_u16le(built_optional_header(kernel.p) + 44, 0);
	uki = put_plain(x, "252.39", "quiet", kernel);
	esp_predict(x);
	expect_plain(x, uki, "quiet", kernel);
	expect_end(x);
}

/* ---- console, boot secret, SMBIOS ---- */

static void consoles_are_appended_by_261_unless_there_is_one(void **state)
{
	static const char *const consoles[] = { "uart,io,0x3f8" };
	struct esp *x = *state;

	for (size_t i = 0; i < N_VERSIONS; i++) {
		struct file kernel = kernel_image(x, 1, 1), uki = put_plain(x, versions[i], "quiet", kernel);
		int v = atoi(versions[i]);

		x->opt.console_known = false;
		x->opt.n_consoles = 0;
		esp_predict(x);
		expect_plain(x, uki, "quiet", kernel);
		if (v < 261) {
			expect_start(x, v, "quiet", kernel);
		} else {
			expect_unknown(x, 9, 6, "console= words that depend on the hardware", "--console");
			expect_end(x);
			expect_incomplete(x, 1 << 9);
		}

		x->opt.console_known = true;
		esp_predict(x);
		expect_plain(x, uki, "quiet", kernel);
		expect_start(x, v, "quiet", kernel);

		x->opt.consoles = consoles;
		x->opt.n_consoles = 1;
		esp_predict(x);
		expect_plain(x, uki, "quiet", kernel);
		expect_start(x, v, v < 261 ? "quiet" : "quiet console=uart,io,0x3f8", kernel);

		uki = put_plain(x, versions[i], "a console=x", kernel);
		x->opt.console_known = false;
		esp_predict(x);
		expect_plain(x, uki, "a console=x", kernel);
		expect_start(x, v, "a console=x", kernel);

		/* no command line at all: the words are the command line */
		uki = put_plain(x, versions[i], NULL, kernel);
		esp_predict(x);
		expect_plain(x, uki, NULL, kernel);
		expect_start(x, v, v < 261 ? NULL : "console=uart,io,0x3f8", kernel);
	}
}

static void the_boot_secret_is_in_the_initrd_of_261(void **state)
{
	struct esp *x = *state;
	struct file kernel = kernel_image(x, 0, 1);

	for (size_t i = 0; i < N_VERSIONS; i++) {
		int v = atoi(versions[i]);

		put_plain(x, versions[i], "quiet", kernel);
		x->opt.boot_secret = BOOT_SECRET_UNKNOWN;
		esp_predict(x);
		expect_incomplete(x, v >= 261 ? 1 << 9 : 0);
		if (v >= 261)
			expect_reason(x, 9, "a secret of the machine", "--boot-secret");

		x->opt.boot_secret = BOOT_SECRET_NONE;
		esp_predict(x);
		expect_incomplete(x, 0);
		for (size_t k = 0; k < x->p.log.n_events; k++)
			assert_int_not_equal(x->p.log.events[k].pcr, 9);

		/* the only part of the initrd is passed as it is */
		struct file uki = put_plain(x, versions[i], "quiet", kernel);
		x->opt.boot_secret = BOOT_SECRET_GIVEN;
		memcpy(x->opt.boot_secret_bytes, secret, BOOT_SECRET_LEN);
		esp_predict(x);
		expect_plain(x, uki, "quiet", kernel);
		if (v <= 257)
			expect_image(x, NULL, kernel.p, kernel.n);
		if (v >= 261)
			expect_initrd(x, archive_of(NULL, 0, 0400, "boot-secret", (const char *)secret));
		expect_end(x);
	}
}

static void an_smbios_string_is_appended_as_the_version_does(void **state)
{
	static const char *const strings[] = { "io.systemd.stub.kernel-cmdline-extraX=no", "other=1",
					       "io.systemd.stub.kernel-cmdline-extra=  x\ty ",
					       "io.systemd.stub.kernel-cmdline-extra=second" };
	struct esp *x = *state;

	for (size_t i = 0; i < N_VERSIONS; i++)
		for (int cmdline = 0; cmdline < 2; cmdline++) {
			struct file kernel = kernel_image(x, 1, 1),
				    uki = put_plain(x, versions[i], cmdline ? "quiet" : NULL, kernel);
			int v = atoi(versions[i]);
			const char *old = cmdline ? "quiet" : NULL;
			const char *line = v < 254  ? old :
					   v <= 256 ? (cmdline ? "quiet   x\ty " : "(null)   x\ty ") :
					   cmdline  ? "quiet x y" :
						      "x y";

			x->opt.smbios = strings;
			x->opt.n_smbios = sizeof strings / sizeof strings[0];
			x->opt.confidential_vm = false;
			esp_predict(x);
			expect_plain(x, uki, old, kernel);
			if (v >= 254)
				expect_line(x, v <= 256 ? "  x\ty " : "x y");
			expect_start(x, v, line, kernel);

			x->opt.confidential_vm = true;
			esp_predict(x);
			expect_plain(x, uki, old, kernel);
			expect_start(x, v, old, kernel);
		}
}

/* "%ls %ls" of an empty line, not of none. */
static void an_smbios_string_follows_an_empty_line(void **state)
{
	static const char *const strings[] = { "io.systemd.stub.kernel-cmdline-extra=x" };
	struct esp *x = *state;

	x->opt.smbios = strings;
	x->opt.n_smbios = 1;
	for (size_t i = 0; i < N_VERSIONS; i++) {
		struct file kernel = kernel_image(x, 1, 1), uki = put_plain(x, versions[i], "\n", kernel);
		int v = atoi(versions[i]);

		if (v == 255 || v == 256)
			continue; /* undefined */
		esp_predict(x);
		expect_plain(x, uki, "\n", kernel);
		if (v >= 254)
			expect_line(x, "x");
		expect_start(x, v, v < 254 ? "" : v == 254 ? " x" : "x", kernel);
	}
}

static void a_blank_smbios_string_is_nothing_to_257(void **state)
{
	static const char *const strings[] = { "io.systemd.stub.kernel-cmdline-extra= \t" };
	struct esp *x = *state;
	struct file kernel = kernel_image(x, 1, 1), uki = put_plain(x, "257", "quiet", kernel);

	x->opt.smbios = strings;
	x->opt.n_smbios = 1;
	esp_predict(x);
	expect_plain(x, uki, "quiet", kernel);
	expect_start(x, 257, "quiet", kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ESP(the_command_line_of_the_uki_is_measured_by_the_kernel_only),
		WITH_ESP(an_empty_command_line_is_undefined_in_255_and_256),
		WITH_ESP(blank_load_options_count_until_256),
		WITH_ESP(load_options_are_taken_as_the_firmware_passes_them),
		WITH_ESP(a_control_character_inside_voids_the_load_options_of_later_versions),
		WITH_ESP(without_a_command_line_the_stubs_own_options_may_reach_the_kernel),
		WITH_ESP(a_kernel_that_does_not_measure_leaves_pcr_9_alone),
		WITH_ESP(noinitrd_keeps_the_kernel_from_loading_one),
		WITH_ESP(an_old_kernel_is_entered_without_an_image_event),
		WITH_ESP(consoles_are_appended_by_261_unless_there_is_one),
		WITH_ESP(the_boot_secret_is_in_the_initrd_of_261),
		WITH_ESP(an_smbios_string_is_appended_as_the_version_does),
		WITH_ESP(an_smbios_string_follows_an_empty_line),
		WITH_ESP(a_blank_smbios_string_is_nothing_to_257),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
