/* Addons of systemd-stub, and companions beside a UKI. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/stub_esp.h"

static void addons_that_do_not_fit_are_loaded_but_not_used(void **state)
{
	static const struct built_section with_kernel[] = { SECTION(".linux", "K"),
							    SECTION(".cmdline", "no"),
							    { 0 } };
	static const struct built_section empty[] = { SECTION(".text", "T"), { 0 } };
	static const struct built_section other[] = { SECTION(".uname", "6.2"),
						      SECTION(".cmdline", "no"),
						      { 0 } };
	static const struct built_section prefix[] = { SECTION(".uname", "6."),
						       SECTION(".cmdline", "part"),
						       { 0 } };
	static const struct built_section longer[] = { SECTION(".uname", "6.1\0x"),
						       SECTION(".cmdline", "nul"),
						       { 0 } };
	static const struct built_section none[] = { SECTION(".cmdline", "any"), { 0 } };
	static const struct built_section sections[] = { SECTION(".uname", "6.1"), { 0 } };
	static const char *const some[] = { "254.26", "255", "256", "257", "262" };
	struct esp *x = *state;

	know_everything(x);
	for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
		int v = atoi(some[i]);
		struct file kernel = kernel_image(x, 1, 1), uki = put_uki(x, BOOT, some[i], sections, kernel);
		struct file f[6] = {
			put_addon(x, EXTRA "1.addon.efi", with_kernel),
			put_addon(x, EXTRA "2.addon.efi", empty),
			put_addon(x, EXTRA "3.addon.efi", other),
			put_addon(x, EXTRA "4.addon.efi", prefix),
			put_addon(x, EXTRA "5.addon.efi", longer),
			put_addon(x, EXTRA "6.addon.efi", none),
		};

		esp_put_text(x, EXTRA "7.addon.efi", "no PE image");
		esp_put_text(x, EXTRA "addon.efi", "not looked at");
		esp_predict(x);
		expect_firmware(x);
		expect_image(x, BOOT_PATH, uki.p, uki.n);
		if (v >= 257 || v == 254) {
			expect_section(x, ".linux", kernel.p, kernel.n);
			expect_section_text(x, ".uname", "6.1");
		}
		for (int k = 0; k < 6; k++) {
			char path[80];

			(void)snprintf(path, sizeof path, BOOT_PATH ".extra.d\\%d.addon.efi", k + 1);
			expect_image(x, path, f[k].p, f[k].n);
		}
		if (v == 255 || v == 256) {
			expect_section(x, ".linux", kernel.p, kernel.n);
			expect_section_text(x, ".uname", "6.1");
		}
		expect_line(x, "part nul any");
		expect_start(x, v, "part nul any", kernel);
		expect_note(x, "1.addon.efi is not used: it holds a kernel");
		expect_note(x, "2.addon.efi is not used: it holds none of the sections");
		expect_note(x, "3.addon.efi is not used: its .uname is not the UKI's");
		expect_note(x, "7.addon.efi is not used: firmware cannot load it");
		assert_int_equal(count_notes(x), 4);
		while (x->n_kept)
			free(x->kept[--x->n_kept]);
	}
}

static void an_addon_for_another_machine_is_measured_and_left(void **state)
{
	static const struct built_section a[] = { SECTION(".cmdline", "no"), { 0 } };
	struct esp *x = *state;
	struct file kernel = kernel_image(x, 1, 1), uki = put_plain(x, "257", "quiet", kernel);
	struct file addon = put_addon(x, "loader/addons/a.addon.efi", a);

	put_u16le(built_coff_header(addon.p), 0xaa64);
	esp_put(x, "loader/addons/a.addon.efi", addon.p, addon.n);
	esp_predict(x);
	expect_plain(x, uki, "quiet", kernel);
	expect_image(x, "\\loader\\addons\\a.addon.efi", addon.p, addon.n);
	expect_start(x, 257, "quiet", kernel);
	expect_note(x, "a.addon.efi is not used: it is for another kind of machine");
}

static void a_longer_uname_is_another_one(void **state)
{
	static const struct built_section sections[] = { SECTION(".uname", "6.1"), { 0 } };
	static const struct built_section longer[] = { SECTION(".uname", "6.1.0"),
						       SECTION(".cmdline", "no"),
						       { 0 } };
	struct esp *x = *state;

	know_everything(x);
	put_uki(x, BOOT, "257", sections, kernel_image(x, 1, 1));
	put_addon(x, EXTRA "a.addon.efi", longer);
	esp_predict(x);
	expect_note(x, "a.addon.efi is not used: its .uname is not the UKI's");
	for (size_t i = 0; i < x->p.log.n_events; i++)
		assert_int_not_equal(x->p.log.events[i].pcr, 12);
}

static void the_device_tree_of_an_addon_counts_since_255(void **state)
{
	static const struct built_section dtb[] = { SECTION(".dtb", "TREE"), { 0 } };
	struct esp *x = *state;

	for (size_t i = 0; i < N_VERSIONS; i++) {
		struct file kernel = kernel_image(x, 1, 1), uki = put_plain(x, versions[i], "quiet", kernel);
		struct file addon = put_addon(x, "loader/addons/a.addon.efi", dtb);
		int v = atoi(versions[i]);

		esp_predict(x);
		expect_firmware(x);
		expect_image(x, BOOT_PATH, uki.p, uki.n);
		if (v == 255 || v == 256)
			expect_image(x, "\\loader\\addons\\a.addon.efi", addon.p, addon.n);
		expect_section(x, ".linux", kernel.p, kernel.n);
		expect_section_text(x, ".cmdline", "quiet");
		if (v == 254 || v >= 257)
			expect_image(x, "\\loader\\addons\\a.addon.efi", addon.p, addon.n);
		if (v >= 255)
			expect_tagged(x, 12, 0x6c46f751, "a.addon.efi", slice_of_string("TREE"));
		expect_start(x, v, "quiet", kernel);
	}
}

static void texts_of_addons_are_joined_as_the_version_does(void **state)
{
	static const struct built_section blank[] = { SECTION(".cmdline", " \n"), { 0 } };
	static const struct built_section a[] = { SECTION(".cmdline", "a\n"), { 0 } };
	struct esp *x = *state;

	for (size_t i = 0; i < N_VERSIONS; i++) {
		struct file kernel = kernel_image(x, 1, 1);
		int v = atoi(versions[i]);

		put_plain(x, versions[i], "quiet", kernel);
		put_addon(x, "loader/addons/1.addon.efi", blank);
		put_addon(x, "loader/addons/2.addon.efi", a);
		put_addon(x, EXTRA "1.addon.efi", blank);
		put_addon(x, EXTRA "2.addon.efi", a);
		esp_predict(x);
		/* 254: by directory, trailing blanks cut; 255: all raw, then both ends; 257: each, an empty one leaving its space */
		const char *lines[3] = { NULL };
		const char *line = "quiet";
		if (v == 254) {
			lines[0] = lines[1] = "   a";
			line = "quiet    a    a";
		} else if (v == 255 || v == 256) {
			lines[0] = "a     a";
			line = "quiet a     a";
		} else if (v >= 257) {
			lines[0] = "a  a";
			line = "quiet a  a";
		}
		for (int k = 0; lines[k]; k++) {
			while (x->at < x->p.log.n_events && x->p.log.events[x->at].pcr != 12)
				x->at++;
			expect_line(x, lines[k]);
		}
		while (x->at < x->p.log.n_events && x->p.log.events[x->at].pcr != 9)
			x->at++;
		expect_kernel_line(x, line);
		expect_end(x);
		expect_incomplete(x, 0);
	}
}

static void only_blank_texts_of_addons_measure_nothing(void **state)
{
	static const struct built_section blank[] = { SECTION(".cmdline", " "), { 0 } };
	struct esp *x = *state;

	for (size_t i = 0; i < N_VERSIONS; i++) {
		struct file kernel = kernel_image(x, 1, 1);
		int v = atoi(versions[i]);

		put_plain(x, versions[i], "quiet", kernel);
		put_addon(x, "loader/addons/1.addon.efi", blank);
		esp_predict(x);
		if (v == 255 || v == 256) {
			expect_incomplete(x, 1 << 9 | 1 << 12);
			expect_reason(x, 12, "the addons' command line is blank", NULL);
			continue;
		}
		expect_incomplete(x, 0);
		for (size_t k = 0; k < x->p.log.n_events; k++)
			assert_int_not_equal(x->p.log.events[k].pcr, 12);
	}
}

/* The boot counter is no part of the directory's name since 254; in 252 and 253 it is. */
static void companions_of_a_counted_uki(void **state)
{
	struct esp *x = *state;

	x->opt.boot = "/EFI//Linux/foo+3-1.efi";
	esp_put_text(x, "EFI/Linux/foo.efi.extra.d/a.cred", "new");
	esp_put_text(x, "EFI/Linux/foo+3-1.efi.extra.d/a.cred", "old");
	for (size_t i = 0; i < N_VERSIONS; i++) {
		struct file kernel = kernel_image(x, 0, 0),
			    uki = put_uki(x, "EFI/Linux/foo+3-1.efi", versions[i], NULL, kernel);
		int v = atoi(versions[i]);

		esp_predict(x);
		expect_firmware(x);
		expect_image(x, "\\EFI\\Linux\\foo+3-1.efi", uki.p, uki.n);
		expect_section(x, ".linux", kernel.p, kernel.n);
		expect_archive(x, 12, "Credentials initrd",
			       archive_of("credentials", 0500, 0400, "a.cred", v < 254 ? "old" : "new"));
		expect_start(x, v, NULL, kernel);
	}
	x->opt.boot = "\\EFI\\Linux\\foo+3b.efi"; /* no counter */
	esp_put_text(x, "EFI/Linux/foo+3b.efi.extra.d/a.cred", "3b");
	put_uki(x, "EFI/Linux/foo+3b.efi", "257", NULL, kernel_image(x, 0, 0));
	esp_predict(x);
	while (x->at < x->p.log.n_events && x->p.log.events[x->at].pcr != 12)
		x->at++;
	expect_archive(x, 12, "Credentials initrd", archive_of("credentials", 0500, 0400, "a.cred", "3b"));
	x->opt.boot = "\\EFI\\Linux\\foo+deb+3.efi"; /* the first '+' decides */
	esp_put_text(x, "EFI/Linux/foo+deb+3.efi.extra.d/a.cred", "kept");
	put_uki(x, "EFI/Linux/foo+deb+3.efi", "257", NULL, kernel_image(x, 0, 0));
	esp_predict(x);
	while (x->at < x->p.log.n_events && x->p.log.events[x->at].pcr != 12)
		x->at++;
	expect_archive(x, 12, "Credentials initrd", archive_of("credentials", 0500, 0400, "a.cred", "kept"));
}

/* Each is joined to those before: 300 of 1 MB, which on FAT may be one under many names, took 23 GB and minutes. */
static void long_texts_of_many_addons_are_refused(void **state)
{
	enum { LEN = 1000000 };
	char *text = malloc(LEN), path[64];
	struct esp *x = *state;

	assert_non_null(text);
	memset(text, 'x', LEN);
	const struct built_section line[] = { { .name = ".cmdline", .bytes = text, .n = LEN }, { 0 } };
	for (size_t i = 0; i < N_VERSIONS; i++) {
		if (atoi(versions[i]) < 254)
			continue;
		put_plain(x, versions[i], "quiet", kernel_image(x, 1, 1));
		for (int k = 0; k < 8; k++) {
			(void)snprintf(path, sizeof path, "loader/addons/%d.addon.efi", k);
			put_addon(x, path, line);
		}
		esp_predict_fails(x, PCRCAST_ELIMIT,
				  "with the texts before it more than the 64 MiB that are read in one boot");
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ESP(addons_that_do_not_fit_are_loaded_but_not_used),
		WITH_ESP(an_addon_for_another_machine_is_measured_and_left),
		WITH_ESP(a_longer_uname_is_another_one),
		WITH_ESP(the_device_tree_of_an_addon_counts_since_255),
		WITH_ESP(texts_of_addons_are_joined_as_the_version_does),
		WITH_ESP(only_blank_texts_of_addons_measure_nothing),
		WITH_ESP(companions_of_a_counted_uki),
		WITH_ESP(long_texts_of_many_addons_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
