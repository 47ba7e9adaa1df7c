#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "tests/unit/build_esp.h"

/* Notes but for those about options that the test gives to every boot. */
static size_t count_notes(const struct esp *x)
{
	size_t n = 0;

	for (size_t i = 0; i < x->p.n_notes; i++)
		n += !strstr(x->p.notes[i], "was not used: nothing in this boot reads it");
	return n;
}

/* A version of each row of the stub's table, and one that nobody knows yet. */
static const char *const versions[] = {
	"252.39-1~deb12u2",
	"253.1",
	"254",
	"254.3",
	"254.26-1~bpo12+1",
	"255.13",
	"256",
	"257.13-1~deb13u1",
	"258",
	"259.1",
	"260",
	"261",
	"262-1",
	"300",
};

enum { N_VERSIONS = sizeof versions / sizeof versions[0] };

#define BOOT "EFI/BOOT/BOOTX64.EFI"
#define BOOT_PATH "\\EFI\\BOOT\\BOOTX64.EFI"
#define EXTRA BOOT ".extra.d/"

struct file {
	uint8_t *p;
	size_t n;
};

#define SECTION(section, text)                                            \
	{                                                                 \
		.name = (section), .bytes = (text), .n = sizeof(text) - 1 \
	}

/* A kernel that systemd-stub starts by its PE entry point. */
static struct file kernel_image(struct esp *x, int line, int initrd)
{
	struct file f;

	f.p = esp_keep(x, build_kernel(line, initrd, &f.n));
	put_u16le(built_optional_header(f.p) + 44, 1); /* MajorImageVersion: LINUX_EFISTUB_MAJOR_VERSION */
	return f;
}

/* A UKI of the sections (up to one without a name) and, at the end, .linux. */
static struct file put_uki(struct esp *x, const char *path, const char *version,
			   const struct built_section *sections, struct file kernel)
{
	struct built_section all[24];
	struct file f;
	size_t n = 0;

	for (; sections && sections[n].name; n++)
		all[n] = sections[n];
	all[n++] = (struct built_section){ .name = ".linux", .bytes = kernel.p, .n = kernel.n };
	f.p = esp_keep(x, build_uki(version, all, n, &f.n));
	esp_put(x, path, f.p, f.n);
	return f;
}

static struct file put_addon(struct esp *x, const char *path, const struct built_section *sections)
{
	struct build_pe what = { .sections = sections };
	struct file f;

	while (sections[what.n_sections].name)
		what.n_sections++;
	f.p = esp_keep(x, build_pe(&what, &f.n));
	esp_put(x, path, f.p, f.n);
	return f;
}

/* Nothing about the machine is open, so that every register has a value with every version. */
static void know_everything(struct esp *x)
{
	x->opt.console_known = true;
	x->opt.boot_secret = BOOT_SECRET_NONE;
}

/* A UKI with one .cmdline (NULL: none) and nothing else. */
static struct file put_plain(struct esp *x, const char *version, const char *cmdline, struct file kernel)
{
	const struct built_section sections[] = { { ".cmdline", cmdline, cmdline ? strlen(cmdline) : 0, 0 },
						  { 0 } };

	know_everything(x);
	return put_uki(x, BOOT, version, cmdline ? sections : NULL, kernel);
}

/* What a plain UKI leads to, up to the command line. */
static void expect_plain(struct esp *x, struct file uki, const char *cmdline, struct file kernel)
{
	expect_firmware(x);
	expect_image(x, BOOT_PATH, uki.p, uki.n);
	expect_section(x, ".linux", kernel.p, kernel.n);
	if (cmdline)
		expect_section_text(x, ".cmdline", cmdline);
}

/* And behind it. */
static void expect_start(struct esp *x, int version, const char *line, struct file kernel)
{
	if (version <= 257)
		expect_image(x, NULL, kernel.p, kernel.n);
	if (line)
		expect_kernel_line(x, line);
	expect_end(x);
	expect_incomplete(x, 0);
}

/* ---- everything at once ---- */

static const uint8_t secret[] = "0123456789abcdef0123456789abcdef";

struct everything {
	struct file kernel, uki, g1, g2, own;
};

static struct everything put_everything(struct esp *x, const char *version)
{
	static const struct built_section sections[] = {
		SECTION(".pcrpkey", "KEY"),
		SECTION(".pcrsig", "{}"),
		SECTION(".sbat", "sbat,1\n"),
		SECTION(".uname", "6.1-test"),
		SECTION(".dtb", "DTB"),
		SECTION(".splash", "BMP"),
		SECTION(".ucode", "UC"),
		SECTION(".initrd", "INITR"),
		SECTION(".cmdline", "quiet"),
		SECTION(".osrel", "ID=test"),
		SECTION(".other", "not measured"),
		{ 0 },
	};
	static const struct built_section g1[] = {
		SECTION(".cmdline", " glob1 "), SECTION(".dtb", "GDTB"), SECTION(".initrd", "GI"), { 0 }
	};
	static const struct built_section g2[] = { SECTION(".ucode", "GU"),
						   SECTION(".cmdline", "glob2\n"),
						   { 0 } };
	static const struct built_section own[] = { SECTION(".uname", "6.1-test"), SECTION(".ucode", "OU"),
						    SECTION(".dtb", "ODTB"),       SECTION(".initrd", "OI"),
						    SECTION(".cmdline", "own1\n"), { 0 } };
	struct everything f = { .kernel = kernel_image(x, 1, 1) };

	f.uki = put_uki(x, BOOT, version, sections, f.kernel);
	f.g2 = put_addon(x, "loader/addons/g2.addon.efi", g2);
	f.g1 = put_addon(x, "loader/addons/G1.ADDON.EFI", g1);
	f.own = put_addon(x, EXTRA "1.addon.efi", own);
	return f;
}

static struct everything put_all_files(struct esp *x, const char *version)
{
	struct everything f = put_everything(x, version);

	esp_put_text(x, EXTRA "b.cred", "B");
	esp_put_text(x, EXTRA "A.CRED", "AAAA");
	esp_put_text(x, EXTRA ".hidden.cred", "no");
	esp_put_text(x, EXTRA "\xc3\xa4.cred", "no");
	esp_put_text(x, EXTRA "d.cred/inside.cred", "no");
	esp_put_text(x, EXTRA "cred", "no");
	esp_put_text(x, EXTRA "empty.cred", "");
	esp_put_text(x, EXTRA "x.raw", "SYSEXT");
	esp_put_text(x, EXTRA "y.confext.raw", "CONFEXT");
	esp_put_text(x, "loader/credentials/g.cred", "G");
	esp_put_text(x, "loader/extensions/e.raw", "GE");
	esp_put_text(x, "loader/extensions/e.confext.raw", "GC");
	return f;
}

static struct bytes archive_cred(void)
{
	struct bytes b = { NULL, 0 };

	bytes_add_archive(&b, "credentials", 0500, 0400, "A.CRED", "AAAA", "b.cred", "B", "empty.cred", "",
			  NULL);
	return b;
}

static struct bytes archive_of(const char *sub, unsigned dir_mode, unsigned file_mode, const char *name,
			       const char *text)
{
	struct bytes b = { NULL, 0 };

	bytes_add_archive(&b, sub, dir_mode, file_mode, name, text, NULL);
	return b;
}

static struct bytes archive_sysext(bool with_confext)
{
	struct bytes b = { NULL, 0 };

	if (with_confext)
		bytes_add_archive(&b, "sysext", 0555, 0444, "x.raw", "SYSEXT", "y.confext.raw", "CONFEXT",
				  NULL);
	else
		bytes_add_archive(&b, "sysext", 0555, 0444, "x.raw", "SYSEXT", NULL);
	return b;
}

static void take(struct bytes *to, struct bytes from)
{
	bytes_add(to, from.p, from.n);
	bytes_pad4(to);
	bytes_done(&from);
}

static void take_text(struct bytes *to, const char *text)
{
	bytes_add_text(to, text);
	bytes_pad4(to);
}

/* What the kernel gets, by the tables of systemd's stub.c of each version. */
static struct bytes whole_initrd(int v)
{
	struct bytes b = { NULL, 0 };

	if (v >= 257) {
		take_text(&b, "OU");
		take_text(&b, "GU");
	}
	if (v >= 256)
		take_text(&b, "UC");
	take_text(&b, "INITR");
	take(&b, archive_cred());
	take(&b, archive_of("global_credentials", 0500, 0400, "g.cred", "G"));
	take(&b, archive_sysext(v < 256));
	if (v >= 258)
		take(&b, archive_of("global_sysext", 0555, 0444, "e.raw", "GE"));
	if (v >= 256)
		take(&b, archive_of("confext", 0555, 0444, "y.confext.raw", "CONFEXT"));
	if (v >= 258)
		take(&b, archive_of("global_confext", 0555, 0444, "e.confext.raw", "GC"));
	take(&b, archive_of(NULL, 0, 0444, "tpm2-pcr-signature.json", "{}"));
	take(&b, archive_of(NULL, 0, 0444, "tpm2-pcr-public-key.pem", "KEY"));
	if (v >= 257)
		take(&b, archive_of(NULL, 0, 0444, "os-release", "ID=test"));
	if (v >= 261)
		take(&b, archive_of(NULL, 0, 0400, "boot-secret", (const char *)secret));
	if (v >= 257) {
		take_text(&b, "GI");
		take_text(&b, "OI");
	}
	return b;
}

static void expect_sections(struct esp *x, int v, const struct everything *f)
{
	expect_section(x, ".linux", f->kernel.p, f->kernel.n);
	expect_section_text(x, ".osrel", "ID=test");
	expect_section_text(x, ".cmdline", "quiet");
	expect_section_text(x, ".initrd", "INITR");
	if (v >= 256)
		expect_section_text(x, ".ucode", "UC");
	expect_section_text(x, ".splash", "BMP");
	expect_section_text(x, ".dtb", "DTB");
	if (v >= 254) {
		expect_section_text(x, ".uname", "6.1-test");
		expect_section_text(x, ".sbat", "sbat,1\n");
	}
	expect_section_text(x, ".pcrpkey", "KEY");
}

static void expect_addon_images(struct esp *x, const struct everything *f, bool global, bool own)
{
	if (global) {
		expect_image(x, "\\loader\\addons\\G1.ADDON.EFI", f->g1.p, f->g1.n);
		expect_image(x, "\\loader\\addons\\g2.addon.efi", f->g2.p, f->g2.n);
	}
	if (own)
		expect_image(x, BOOT_PATH ".extra.d\\1.addon.efi", f->own.p, f->own.n);
}

static void expect_dtb_addons(struct esp *x)
{
	expect_tagged(x, 12, 0x6c46f751, "G1.ADDON.EFI", slice_of_string("GDTB"));
	expect_tagged(x, 12, 0x6c46f751, "1.addon.efi", slice_of_string("ODTB"));
}

static const char *expect_lines_and_addons(struct esp *x, int v, const struct everything *f)
{
	expect_line(x, "loaded  opts");
	if (v == 254) {
		expect_addon_images(x, f, true, false);
		expect_line(x, " glob1  glob2");
		expect_addon_images(x, f, false, true);
		expect_line(x, "own1");
		expect_line(x, " extra ");
		return "loaded  opts  glob1  glob2 own1  extra ";
	}
	if (v == 255 || v == 256) {
		expect_line(x, "glob1  glob2  own1");
		expect_line(x, " extra ");
		return "loaded  opts glob1  glob2  own1  extra ";
	}
	if (v >= 257) {
		expect_addon_images(x, f, true, true);
		expect_line(x, "glob1 glob2 own1");
		expect_line(x, "extra");
		return v >= 261 ? "loaded  opts glob1 glob2 own1 extra console=hvc0 console=tty0" :
				  "loaded  opts glob1 glob2 own1 extra";
	}
	return "loaded  opts";
}

static void expect_companions(struct esp *x, int v)
{
	expect_archive(x, 12, "Credentials initrd", archive_cred());
	expect_archive(x, 12, "Global credentials initrd",
		       archive_of("global_credentials", 0500, 0400, "g.cred", "G"));
	expect_archive(x, 13, "System extension initrd", archive_sysext(v < 256));
	if (v >= 258)
		expect_archive(x, 13, "Global system extension initrd",
			       archive_of("global_sysext", 0555, 0444, "e.raw", "GE"));
	if (v >= 256)
		expect_archive(x, 12, "Configuration extension initrd",
			       archive_of("confext", 0555, 0444, "y.confext.raw", "CONFEXT"));
	if (v >= 258)
		expect_archive(x, 12, "Global configuration extension initrd",
			       archive_of("global_confext", 0555, 0444, "e.confext.raw", "GC"));
}

static void every_version_measures_in_its_own_order(void **state)
{
	static const char *const smbios[] = { "io.systemd.stub.kernel-cmdline-extra= extra " };
	static const char *const consoles[] = { "hvc0", "tty0" };
	struct esp *x = *state;

	x->opt.smbios = smbios;
	x->opt.n_smbios = 1;
	x->opt.console_known = true;
	x->opt.consoles = consoles;
	x->opt.n_consoles = 2;
	x->opt.boot_secret = BOOT_SECRET_GIVEN;
	memcpy(x->opt.boot_secret_bytes, secret, BOOT_SECRET_LEN);
	x->opt.banks = (1u << ALG_COUNT) - 1;
	for (size_t i = 0; i < N_VERSIONS; i++) {
		struct everything f = put_all_files(x, versions[i]);
		int v = atoi(versions[i]);

		esp_set_load_options(x, "loaded\t opts ");
		if (v >= 258) /* a control character inside voids the options in some of these */
			esp_set_load_options(x, "loaded  opts ");
		esp_predict(x);
		expect_firmware(x);
		expect_image(x, BOOT_PATH, f.uki.p, f.uki.n);
		if (v == 255 || v == 256)
			expect_addon_images(x, &f, true, true);
		expect_sections(x, v, &f);
		const char *line = expect_lines_and_addons(x, v, &f);
		if (v >= 257)
			expect_dtb_addons(x);
		expect_companions(x, v);
		if (v == 255 || v == 256)
			expect_dtb_addons(x);
		if (v >= 257) {
			expect_tagged(x, 12, 0xdac08e1a, "1.addon.efi", slice_of_string("OU"));
			expect_tagged(x, 12, 0xdac08e1a, "g2.addon.efi", slice_of_string("GU"));
			expect_tagged(x, 12, 0x49dffe0f, "G1.ADDON.EFI", slice_of_string("GI"));
			expect_tagged(x, 12, 0x49dffe0f, "1.addon.efi", slice_of_string("OI"));
		}
		if (v <= 257)
			expect_image(x, NULL, f.kernel.p, f.kernel.n);
		expect_kernel_line(x, line);
		expect_initrd(x, whole_initrd(v));
		expect_end(x);
		expect_incomplete(x, 0);
		assert_int_equal(count_notes(x), v == 300);
	}
}

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

/* ---- addons ---- */

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

/* ---- around it ---- */

static void names_that_differ_only_in_case_are_an_error(void **state)
{
	struct esp *x = *state;

	put_plain(x, "257", "quiet", kernel_image(x, 1, 1));
	esp_put_text(x, EXTRA "x.cred", "1");
	esp_put_text(x, EXTRA "X.cred", "2");
	esp_predict_fails(x, PCRCAST_EFORMAT,
			  "holds both \"X.cred\" and \"x.cred\", which are the same name on FAT");
	esp_remove(x, EXTRA "X.cred");
	esp_predict(x);
	esp_put_text(x, "EFI/BOOT/bootx64.efi", "2");
	esp_predict_fails(x, PCRCAST_EFORMAT, "which are the same name on FAT");
}

static void each_failed_attempt_is_two_events(void **state)
{
	struct slice returned = slice_of_string("Returning from EFI Application from Boot Option");
	struct slice call = slice_of_string("Calling EFI Application from Boot Option");
	struct esp *x = *state;
	struct file kernel = kernel_image(x, 1, 1), uki = put_plain(x, "252", "quiet", kernel);

	x->opt.failed_attempts = 2;
	esp_predict(x);
	expect_firmware(x);
	for (int i = 0; i < 2; i++) {
		expect_event(x, 4, 0x80000007, returned, returned);
		expect_event(x, 4, 0x80000007, call, call);
	}
	expect_image(x, BOOT_PATH, uki.p, uki.n);
}

static void a_file_alone_has_the_directory_beside_it(void **state)
{
	struct esp *x = *state;
	struct file kernel = kernel_image(x, 1, 1), uki = put_plain(x, "257", "quiet", kernel);

	esp_put(x, "here/uki.efi", uki.p, uki.n);
	esp_put_text(x, "here/loader/credentials/g.cred", "not beside it");
	esp_predict_file(x, "here/uki.efi");
	expect_firmware(x);
	expect_image(x, "\\uki.efi", uki.p, uki.n);
	expect_section(x, ".linux", kernel.p, kernel.n);
	expect_section_text(x, ".cmdline", "quiet");
	expect_start(x, 257, "quiet", kernel);
	assert_int_equal(count_notes(x), 0);

	esp_put_text(x, "here/UKI.efi.extra.d/a.cred", "A");
	esp_predict_file(x, "here/uki.efi");
	expect_firmware(x);
	expect_image(x, "\\uki.efi", uki.p, uki.n);
	expect_section(x, ".linux", kernel.p, kernel.n);
	expect_section_text(x, ".cmdline", "quiet");
	expect_archive(x, 12, "Credentials initrd", archive_of("credentials", 0500, 0400, "a.cred", "A"));
	expect_note(x, "companions are taken from the directory uki.efi.extra.d beside the file");
}

static void a_version_newer_than_known_is_said(void **state)
{
	struct esp *x = *state;

	put_plain(x, "263~rc1", "quiet", kernel_image(x, 1, 1));
	esp_predict(x);
	expect_note(x, "systemd-stub 263~rc1 is newer than every version known here");
	put_plain(x, "262.9", "quiet", kernel_image(x, 1, 1));
	esp_predict(x);
	assert_int_equal(count_notes(x), 0);
}

static void versions_that_are_not_known_are_refused(void **state)
{
	struct esp *x = *state;

	put_plain(x, "251.99", "quiet", kernel_image(x, 1, 1));
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED, "systemd-stub 251.99 is older than 252");
	put_plain(x, "git", "quiet", kernel_image(x, 1, 1));
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED,
			  "systemd-stub version \"git\" does not begin with a number");
}

/* Registers that nobody asked for are not hashed; their events stay in the log. */
static void only_wanted_registers_are_hashed(void **state)
{
	struct esp *x = *state;

	put_plain(x, "257", "quiet", kernel_image(x, 1, 1));
	x->opt.pcrs = 1u << 12;
	esp_predict(x);
	for (size_t i = 0; i < x->p.log.n_events; i++)
		if (x->p.log.events[i].pcr != 12)
			assert_int_equal(x->p.log.events[i].n_digests, 0);
	assert_int_equal(x->p.values[ALG_SHA256].extended, 0);
}

static void values_are_what_the_events_lead_to(void **state)
{
	struct esp *x = *state;
	struct pcr_bank bank;

	put_all_files(x, "257.13");
	know_everything(x);
	x->opt.banks = (1u << ALG_COUNT) - 1;
	esp_predict(x);
	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		pcr_bank_reset(&bank, alg);
		for (size_t i = 0; i < x->p.log.n_events; i++) {
			const struct event *ev = &x->p.log.events[i];
			uint8_t both[2 * DIGEST_MAX];
			struct digest d;

			if (ev->pcr != 4 && ev->pcr != 9 && (ev->pcr < 11 || ev->pcr > 13))
				continue;
			memcpy(both, bank.pcr[ev->pcr], algs[alg].len);
			memcpy(both + algs[alg].len, event_digest(ev, &x->p.log, alg).p, algs[alg].len);
			assert_int_equal(digest_of(alg, (struct slice){ both, 2u * algs[alg].len }, &d, NULL),
					 0);
			memcpy(bank.pcr[ev->pcr], d.bytes, algs[alg].len);
		}
		for (uint32_t pcr = 4; pcr <= 13; pcr++)
			assert_memory_equal(bank.pcr[pcr], x->p.values[alg].pcr[pcr], algs[alg].len);
	}
	struct pcr_bank phase;
	struct digest d;
	uint8_t both[64];
	assert_int_equal(predict_phase(&x->p, ALG_SHA256, "enter-initrd", &phase, &x->e), 0);
	assert_int_equal(digest_of(ALG_SHA256, slice_of_string("enter-initrd"), &d, NULL), 0);
	memcpy(both, x->p.values[ALG_SHA256].pcr[11], 32);
	memcpy(both + 32, d.bytes, 32);
	assert_int_equal(digest_of(ALG_SHA256, (struct slice){ both, 64 }, &d, NULL), 0);
	assert_memory_equal(phase.pcr[11], d.bytes, 32);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, esp_setup, esp_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_version_measures_in_its_own_order),
		TEST(the_command_line_of_the_uki_is_measured_by_the_kernel_only),
		TEST(an_empty_command_line_is_undefined_in_255_and_256),
		TEST(blank_load_options_count_until_256),
		TEST(load_options_are_taken_as_the_firmware_passes_them),
		TEST(a_control_character_inside_voids_the_load_options_of_later_versions),
		TEST(without_a_command_line_the_stubs_own_options_may_reach_the_kernel),
		TEST(a_kernel_that_does_not_measure_leaves_pcr_9_alone),
		TEST(noinitrd_keeps_the_kernel_from_loading_one),
		TEST(an_old_kernel_is_entered_without_an_image_event),
		TEST(consoles_are_appended_by_261_unless_there_is_one),
		TEST(the_boot_secret_is_in_the_initrd_of_261),
		TEST(an_smbios_string_is_appended_as_the_version_does),
		TEST(an_smbios_string_follows_an_empty_line),
		TEST(a_blank_smbios_string_is_nothing_to_257),
		TEST(names_match_by_prefix_until_256_and_exactly_later),
		TEST(a_section_is_measured_as_it_is_in_memory),
		TEST(a_section_of_no_bytes_is_not_there),
		TEST(a_section_beyond_the_image_keeps_it_from_being_loaded),
		TEST(the_initrd_is_padded_only_where_something_follows),
		TEST(a_profile_without_kernel_cannot_be_booted),
		TEST(profiles_are_chosen_by_the_load_options),
		TEST(the_profile_option_stands_for_load_options),
		TEST(addons_that_do_not_fit_are_loaded_but_not_used),
		TEST(an_addon_for_another_machine_is_measured_and_left),
		TEST(a_longer_uname_is_another_one),
		TEST(the_device_tree_of_an_addon_counts_since_255),
		TEST(texts_of_addons_are_joined_as_the_version_does),
		TEST(only_blank_texts_of_addons_measure_nothing),
		TEST(companions_of_a_counted_uki),
		TEST(names_that_differ_only_in_case_are_an_error),
		TEST(each_failed_attempt_is_two_events),
		TEST(a_file_alone_has_the_directory_beside_it),
		TEST(a_version_newer_than_known_is_said),
		TEST(versions_that_are_not_known_are_refused),
		TEST(only_wanted_registers_are_hashed),
		TEST(values_are_what_the_events_lead_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
