/* systemd-stub's run: what every version measures, in which order; and what is around it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/stub_esp.h"

/* ---- everything at once ---- */

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ESP(every_version_measures_in_its_own_order),
		WITH_ESP(names_that_differ_only_in_case_are_an_error),
		WITH_ESP(each_failed_attempt_is_two_events),
		WITH_ESP(a_file_alone_has_the_directory_beside_it),
		WITH_ESP(a_version_newer_than_known_is_said),
		WITH_ESP(versions_that_are_not_known_are_refused),
		WITH_ESP(only_wanted_registers_are_hashed),
		WITH_ESP(values_are_what_the_events_lead_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
