/* Sections and profiles of a UKI, as systemd-stub uses them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/stub_esp.h"

/* ---- sections ---- */

static void names_match_by_prefix_until_256_and_exactly_later(void **state)
{
	static const struct built_section sections[] = { SECTION(".osrel", "first"),
							 SECTION(".osrel", "second"),
							 SECTION(".osrelx", "third"),
							 SECTION(".dtbauto", "tree"),
							 { 0 } };
	struct esp *x = *state;

	x->opt.hardware.ids_known = x->opt.hardware.compatible_known = true;
	for (size_t i = 0; i < N_VERSIONS; i++) {
		struct file kernel = kernel_image(x, 0, 0),
			    uki = put_uki(x, BOOT, versions[i], sections, kernel);
		int v = atoi(versions[i]);

		esp_predict(x);
		expect_firmware(x);
		expect_image(x, BOOT_PATH, uki.p, uki.n);
		expect_section(x, ".linux", kernel.p, kernel.n);
		expect_section_text(x, ".osrel", v <= 256 ? "third" : "first");
		if (v <= 256)
			expect_section_text(x, ".dtb", "tree");
		expect_start(x, v, NULL, kernel);
	}
}

static void a_section_is_measured_as_it_is_in_memory(void **state)
{
	static const struct built_section sections[] = { { ".osrel", "ID=a", 4, 10 },
							 { ".uname", "cut off", 7, 3 },
							 { 0 } };
	struct esp *x = *state;
	struct file kernel = kernel_image(x, 0, 1), uki = put_uki(x, BOOT, "257", sections, kernel);

	esp_predict(x);
	expect_firmware(x);
	expect_image(x, BOOT_PATH, uki.p, uki.n);
	expect_section(x, ".linux", kernel.p, kernel.n);
	expect_section(x, ".osrel", "ID=a\0\0\0\0\0\0", 10);
	expect_section(x, ".uname", "cut", 3);
	expect_image(x, NULL, kernel.p, kernel.n);

	struct bytes b = { NULL, 0 };
	bytes_add_cpio_dir(&b, 1, 0555, ".extra");
	bytes_add_cpio_file(&b, 2, 0444, ".extra/os-release", "ID=a\0\0\0\0\0\0", 10);
	bytes_add_cpio_trailer(&b);
	expect_initrd(x, b);
	expect_end(x);
}

static void a_section_of_no_bytes_is_not_there(void **state)
{
	struct esp *x = *state;
	struct file kernel = kernel_image(x, 1, 1), uki = put_plain(x, "254", "quiet", kernel);

	put_u32le(built_section_header(uki.p, 1) + 8, 0); /* VirtualSize of .cmdline */
	esp_put(x, BOOT, uki.p, uki.n);
	esp_predict(x);
	expect_plain(x, uki, NULL, kernel);
	expect_start(x, 254, NULL, kernel);
}

/* EDK2 refuses to load such an image, so that it does not matter what the stub would make of the section. */
static void a_section_beyond_the_image_keeps_it_from_being_loaded(void **state)
{
	static const struct built_section sections[] = { SECTION(".osrel", "ID=in"), { 0 } };
	struct esp *x = *state;

	know_everything(x);
	for (size_t i = 0; i < N_VERSIONS; i++) {
		struct file uki = put_uki(x, BOOT, versions[i], sections, kernel_image(x, 0, 0));

		put_u32le(built_section_header(uki.p, 1) + 12, 0x7fffff00); /* VirtualAddress of .osrel */
		esp_put(x, BOOT, uki.p, uki.n);
		esp_predict_fails(x, PCRCAST_EFORMAT, "section .osrel ends beyond SizeOfImage");
	}
}

static void the_initrd_is_padded_only_where_something_follows(void **state)
{
	static const struct built_section alone[] = { SECTION(".initrd", "INITR"), { 0 } };
	static const struct built_section osrel[] = { SECTION(".initrd", "INITR"),
						      SECTION(".osrel", "ID=test"),
						      { 0 } };
	static const struct built_section ucode[] = { SECTION(".ucode", "UC"), { 0 } };
	static const struct built_section pcrpkey[] = { SECTION(".initrd", "INITR"),
							SECTION(".pcrpkey", "KEY"),
							{ 0 } };
	struct esp *x = *state;
	struct file kernel = kernel_image(x, 0, 1);

	know_everything(x);
	for (size_t i = 0; i < N_VERSIONS; i++) {
		const struct {
			const struct built_section *sections;
			const char *text;
			const char *archive, *content;
		} cases[] = {
			{ alone, "INITR", NULL, NULL },
			{ osrel, atoi(versions[i]) < 257 ? "INITR" : NULL, "os-release", "ID=test" },
			{ ucode,
			  atoi(versions[i]) < 256  ? "" :
			  atoi(versions[i]) == 256 ? "UC\0" :
						     "UC",
			  NULL, NULL },
			{ pcrpkey, NULL, "tpm2-pcr-public-key.pem", "KEY" },
		};

		for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
			struct bytes want = { NULL, 0 };

			put_uki(x, BOOT, versions[i], cases[k].sections, kernel);
			if (!cases[k].text) {
				bytes_add(&want, "INITR\0\0", 8);
				bytes_add_archive(&want, NULL, 0, 0444, cases[k].archive, cases[k].content,
						  NULL);
			} else {
				bytes_add_text(&want, cases[k].text);
				/* 256 pads .ucode even when it is alone */
				if (k == 2 && atoi(versions[i]) == 256)
					bytes_pad4(&want);
			}
			esp_predict(x);
			while (x->at < x->p.log.n_events && x->p.log.events[x->at].pcr != 9)
				x->at++;
			if (want.n)
				expect_initrd(x, want);
			expect_end(x);
		}
		while (x->n_kept > 1)
			free(x->kept[--x->n_kept]);
	}
}

/* ---- profiles ---- */

static struct file put_profiles(struct esp *x, const char *version, struct file kernel)
{
	static const struct built_section sections[] = {
		SECTION(".osrel", "ID=test"),
		SECTION(".cmdline", "base"),
		SECTION(".profile", "ID=main"),
		SECTION(".profile", "ID=b"),
		SECTION(".cmdline", "second"),
		SECTION(".profile", "ID=c"),
		{ 0 },
	};

	know_everything(x);
	return put_uki(x, BOOT, version, sections, kernel);
}

/* The kernel's section lies behind the last .profile: it is part of profile 2 alone. */
static void a_profile_without_kernel_cannot_be_booted(void **state)
{
	struct esp *x = *state;

	put_profiles(x, "257", kernel_image(x, 1, 1));
	esp_predict_fails(x, PCRCAST_EFORMAT, "no .linux section that systemd-stub 257 would use");
	x->opt.has_profile = true;
	x->opt.profile = 2;
	esp_predict(x);
}

static void expect_profile(struct esp *x, int v, struct file uki, struct file kernel, unsigned profile,
			   const char *cmdline, const char *text, const char *options, const char *line)
{
	static const char *const numbers[] = { "0", "1", "2" };
	struct bytes name = { NULL, 0 };

	expect_firmware(x);
	expect_image(x, BOOT_PATH, uki.p, uki.n);
	bytes_add_wide(&name, numbers[profile]);
	if (profile)
		expect_tagged(x, 12, 0x13aed6db, numbers[profile], (struct slice){ name.p, name.n });
	bytes_done(&name);
	expect_section(x, ".linux", kernel.p, kernel.n);
	expect_section_text(x, ".osrel", "ID=test");
	expect_section_text(x, ".cmdline", cmdline);
	expect_section_text(x, ".profile", text);
	if (options)
		expect_line(x, options);
	if (v == 257)
		expect_image(x, NULL, kernel.p, kernel.n);
	expect_kernel_line(x, line);

	struct bytes initrd = archive_of(NULL, 0, 0444, "os-release", "ID=test");
	take(&initrd, archive_of(NULL, 0, 0444, "profile", text));
	expect_initrd(x, initrd);
	expect_end(x);
}

static struct file put_sound_profiles(struct esp *x, const char *version, struct file kernel)
{
	const struct built_section sections[] = {
		{ ".linux", kernel.p, kernel.n, 0 }, SECTION(".osrel", "ID=test"),
		SECTION(".cmdline", "base"),         SECTION(".profile", "ID=main"),
		SECTION(".profile", "ID=b\n"),       SECTION(".cmdline", "second"),
		SECTION(".profile", "ID=c"),
	};
	struct file f;

	know_everything(x);
	f.p = esp_keep(x, build_uki(version, sections, sizeof sections / sizeof sections[0], &f.n));
	esp_put(x, BOOT, f.p, f.n);
	return f;
}

static void profiles_are_chosen_by_the_load_options(void **state)
{
	static const struct {
		const char *options;
		unsigned profile;
		const char *cmdline, *text, *measured, *line;
	} cases[] = {
		{ NULL, 0, "base", "ID=main", NULL, "base" },
		{ "@0", 0, "base", "ID=main", NULL, "base" },
		{ "@1", 1, "second", "ID=b\n", NULL, "second" },
		{ "@1 ", 1, "second", "ID=b\n", NULL, "second" },
		{ "@1 x", 1, "second", "ID=b\n", "x", "x" },
		{ "@1  x", 1, "second", "ID=b\n", "x", "x" },
		{ "@01", 1, "second", "ID=b\n", NULL, "second" },
		{ "@2", 2, "base", "ID=c", NULL, "base" },
		{ "@2x", 0, "base", "ID=main", "@2x", "@2x" },
		{ " @2", 0, "base", "ID=main", "@2", "@2" },
		{ "@", 0, "base", "ID=main", "@", "@" },
		{ "@4294967296", 0, "base", "ID=main", "@4294967296", "@4294967296" },
		{ "@18446744073709551617", 0, "base", "ID=main", "@18446744073709551617",
		  "@18446744073709551617" },
	};
	static const char *const some[] = { "257", "258", "262" };
	struct esp *x = *state;

	for (size_t i = 0; i < sizeof some / sizeof some[0]; i++)
		for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
			struct file kernel = kernel_image(x, 1, 1),
				    uki = put_sound_profiles(x, some[i], kernel);

			x->opt.has_load_options = false;
			if (cases[k].options)
				esp_set_load_options(x, cases[k].options);
			else
				x->opt.load_options = SLICE_EMPTY;
			esp_predict(x);
			expect_profile(x, atoi(some[i]), uki, kernel, cases[k].profile, cases[k].cmdline,
				       cases[k].text, cases[k].measured, cases[k].line);
		}
}

static void the_profile_option_stands_for_load_options(void **state)
{
	struct esp *x = *state;
	struct file kernel = kernel_image(x, 1, 1), uki = put_sound_profiles(x, "257", kernel);

	x->opt.has_profile = true;
	x->opt.profile = 1;
	esp_predict(x);
	expect_profile(x, 257, uki, kernel, 1, "second", "ID=b\n", NULL, "second");
	esp_set_load_options(x, "more");
	esp_predict(x);
	expect_profile(x, 257, uki, kernel, 1, "second", "ID=b\n", "more", "more");
	x->opt.profile = 0;
	esp_predict(x);
	expect_profile(x, 257, uki, kernel, 0, "base", "ID=main", "more", "more");
	x->opt.profile = 3;
	esp_predict_fails(x, PCRCAST_ENOTFOUND, "no profile 3: the image has 3 profiles, counted from 0");
	x->opt.profile = 1;
	put_plain(x, "257", "quiet", kernel);
	esp_predict_fails(x, PCRCAST_ENOTFOUND, "no profile 1: the image has 1 profile, 0");
	put_plain(x, "256", "quiet", kernel);
	esp_predict_fails(x, PCRCAST_EINVAL, "systemd-stub 256 knows no profiles, --profile 1 was given");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ESP(names_match_by_prefix_until_256_and_exactly_later),
		WITH_ESP(a_section_is_measured_as_it_is_in_memory),
		WITH_ESP(a_section_of_no_bytes_is_not_there),
		WITH_ESP(a_section_beyond_the_image_keeps_it_from_being_loaded),
		WITH_ESP(the_initrd_is_padded_only_where_something_follows),
		WITH_ESP(a_profile_without_kernel_cannot_be_booted),
		WITH_ESP(profiles_are_chosen_by_the_load_options),
		WITH_ESP(the_profile_option_stands_for_load_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
