#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "predict/walk.h"
#include "tests/unit/build_esp.h"

/* Notes but for those about options that the test gives to every boot. */
static size_t count_notes(const struct esp *x)
{
	size_t n = 0;

	for (size_t i = 0; i < x->p.n_notes; i++)
		n += !strstr(x->p.notes[i], "was not used: nothing in this boot reads it");
	return n;
}

#define BOOT "EFI/BOOT/BOOTX64.EFI"
#define BOOT_PATH "\\EFI\\BOOT\\BOOTX64.EFI"
#define EXTRA BOOT ".extra.d/"

static const char *const versions[] = { "252.39", "254.26", "257.13", "262" };

enum { N_VERSIONS = sizeof versions / sizeof versions[0] };

struct file {
	uint8_t *p;
	size_t n;
};

/* A file of tests/data/signed, made by the script there. */
static struct file read_signed(struct esp *x, const char *name)
{
	char path[256];
	struct file f = { calloc(1, 65536), 0 };

	assert_non_null(f.p);
	(void)snprintf(path, sizeof path, "tests/data/signed/%s.efi", name);
	FILE *in = fopen(path, "rb");
	assert_non_null(in);
	f.n = fread(esp_keep(x, f.p), 1, 65536, in);
	assert_int_equal(fclose(in), 0);
	return f;
}

static struct file put_signed(struct esp *x, const char *to, const char *name)
{
	struct file f = read_signed(x, name);

	esp_put(x, to, f.p, f.n);
	return f;
}

static struct file put_unsigned(struct esp *x, const char *to, const char *cmdline)
{
	const struct built_section s = { ".cmdline", cmdline, strlen(cmdline), 0 };
	struct file f;

	f.p = esp_keep(x, build_pe(&(struct build_pe){ .sections = &s, .n_sections = 1 }, &f.n));
	esp_put(x, to, f.p, f.n);
	return f;
}

static void set_machine(struct esp *x)
{
	x->opt.secure_boot = x->opt.secure_boot_given = true;
	x->opt.console_known = true;
	x->opt.boot_secret = BOOT_SECRET_NONE;
}

/* The content of the .linux section, which is the last one. */
static struct file kernel_of(struct file uki)
{
	uint8_t *header = built_section_header(uki.p, (size_t)get_u16le(built_coff_header(uki.p) + 2) - 1);

	assert_memory_equal(header, ".linux", 6);
	return (struct file){ uki.p + get_u32le(header + 20), get_u32le(header + 8) };
}

static void expect_uki(struct esp *x, struct file uki, const char *cmdline)
{
	struct file kernel = kernel_of(uki);

	expect_firmware(x);
	expect_image(x, BOOT_PATH, uki.p, uki.n);
	expect_section(x, ".linux", kernel.p, kernel.n);
	expect_section_text(x, ".osrel", "ID=os");
	if (cmdline)
		expect_section_text(x, ".cmdline", cmdline);
}

static void expect_osrel_initrd(struct esp *x, int v)
{
	struct bytes b = { NULL, 0 };

	if (v < 257)
		return;
	bytes_add_archive(&b, NULL, 0, 0444, "os-release", "ID=os", NULL);
	expect_initrd(x, b);
}

/* ---- the first image ---- */

static void an_unsigned_first_image_is_an_error(void **state)
{
	struct esp *x = *state;

	set_machine(x);
	put_unsigned(x, BOOT, "quiet");
	esp_predict_fails(x, PCRCAST_EFORMAT,
			  "\\EFI\\BOOT\\BOOTX64.EFI: firmware with Secure Boot refuses it: it is not signed");
}

static void a_changed_image_is_an_error(void **state)
{
	struct esp *x = *state;
	struct file f = read_signed(x, "uki-257.13");

	set_machine(x);
	kernel_of(f).p[900] ^= 1;
	esp_put(x, BOOT, f.p, f.n);
	esp_predict_fails(x, PCRCAST_EFORMAT, "refuses it: no signature fits the image");
}

static void the_signer_of_the_first_image_is_assumed_to_be_trusted(void **state)
{
	struct esp *x = *state;

	set_machine(x);
	put_signed(x, BOOT, "uki-257.13");
	esp_predict(x);
	expect_assumption(x, "certificate-in-db", "CN=pcrcast test one (SHA-256 of the certificate ");
	x->opt.secure_boot = false;
	esp_predict(x);
	for (size_t i = 0; i < x->p.n_assumptions; i++)
		assert_string_not_equal(x->p.assumptions[i].what, "certificate-in-db");
}

/* ---- load options and inner kernel ---- */

static void load_options_give_way_to_a_command_line_in_the_uki(void **state)
{
	struct esp *x = *state;

	set_machine(x);
	esp_set_load_options(x, "opts");
	for (size_t i = 0; i < N_VERSIONS; i++) {
		char name[32];
		int v = atoi(versions[i]);

		(void)snprintf(name, sizeof name, "uki-%s", versions[i]);
		struct file uki = put_signed(x, BOOT, name), kernel = kernel_of(uki);
		x->opt.secure_boot = true;
		esp_predict(x);
		expect_uki(x, uki, "quiet");
		expect_kernel_line(
			x, "quiet"); /* and no event of the inner kernel: the stub's hook accepts it */
		expect_osrel_initrd(x, v);
		expect_end(x);

		x->opt.secure_boot = false;
		esp_predict(x);
		expect_uki(x, uki, "quiet");
		expect_line(x, "opts");
		if (v <= 257)
			expect_image(x, NULL, kernel.p, kernel.n);
		expect_kernel_line(x, "opts");
		expect_osrel_initrd(x, v);
		expect_end(x);
	}
}

static void without_one_load_options_count_save_in_a_confidential_vm(void **state)
{
	static const uint8_t data[] = "\xed\x22\x3b\x8f\x1a\0\0\0LOADED_IMAGE::LoadOptions";
	struct esp *x = *state;

	set_machine(x);
	esp_set_load_options(x, "opts");
	for (size_t i = 0; i < N_VERSIONS; i++)
		for (int cvm = 0; cvm < 2; cvm++) {
			char name[32];
			int v = atoi(versions[i]);

			(void)snprintf(name, sizeof name, "uki-%s-bare", versions[i]);
			struct file uki = put_signed(x, BOOT, name);
			x->opt.confidential_vm = cvm;
			esp_predict(x);
			expect_uki(x, uki, NULL);
			if (!cvm || v == 252) {
				expect_line(x, "opts");
				expect_kernel_line(x, "opts");
			} else if (v == 262) {
				/* refused as a command line, but the kernel finds them where the firmware put them */
				expect_event(x, 9, 6, (struct slice){ data, sizeof data },
					     x->opt.load_options);
			}
			expect_osrel_initrd(x, v);
			expect_end(x);
		}
}

/* The point release of 254 that began to ignore them is not known: it is somewhere up to .26. */
static void a_confidential_vm_with_254_depends_on_its_point_release(void **state)
{
	struct esp *x = *state;

	set_machine(x);
	put_signed(x, BOOT, "uki-254.3-bare");
	esp_set_load_options(x, "opts");
	esp_predict(x);
	expect_incomplete(x, 0);
	x->opt.confidential_vm = true;
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED,
			  "whether systemd-stub 254.3 takes load options in a confidential VM depends on its "
			  "point release");
	x->opt.secure_boot = false;
	esp_predict(x);
	expect_incomplete(x, 0);
}

/* ---- addons ---- */

static void unsigned_addons_leave_no_event(void **state)
{
	struct esp *x = *state;

	set_machine(x);
	struct file uki = put_signed(x, BOOT, "uki-257.13");
	put_unsigned(x, EXTRA "a.addon.efi", "added");
	esp_predict(x);
	expect_uki(x, uki, "quiet");
	expect_kernel_line(x, "quiet");
	expect_osrel_initrd(x, 257);
	expect_end(x);
	expect_incomplete(x, 0);
	expect_note(x, "a.addon.efi is not used: firmware with Secure Boot refuses it: it is not signed");

	struct file f = read_signed(x, "addon-one");
	f.p[1030] ^= 1;
	esp_put(x, EXTRA "a.addon.efi", f.p, f.n);
	esp_predict(x);
	expect_uki(x, uki, "quiet");
	expect_kernel_line(x, "quiet");
	expect_note(x, "refuses it: no signature fits the image");
	expect_incomplete(x, 0);
}

static void an_addon_of_the_same_signer_is_accepted(void **state)
{
	struct esp *x = *state;

	set_machine(x);
	struct file uki = put_signed(x, BOOT, "uki-257.13"),
		    addon = put_signed(x, EXTRA "a.addon.efi", "addon-one");
	esp_predict(x);
	expect_uki(x, uki, "quiet");
	expect_image(x, BOOT_PATH ".extra.d\\a.addon.efi", addon.p, addon.n);
	expect_line(x, "signed one");
	expect_kernel_line(x, "quiet signed one");
	expect_osrel_initrd(x, 257);
	expect_end(x);
	expect_incomplete(x, 0);
	assert_int_equal(count_notes(x), 0);
}

static void an_addon_of_another_signer_leaves_registers_open(void **state)
{
	static const char why[] =
		"it is signed, but not by the certificate that signed what was booted before";
	struct esp *x = *state;

	set_machine(x);
	struct file uki = put_signed(x, BOOT, "uki-257.13");
	put_signed(x, "loader/addons/a.addon.efi", "addon-two");
	esp_predict(x);
	expect_uki(x, uki, "quiet");
	expect_unknown(x, 4, 0x80000003, why, NULL);
	expect_unknown(x, 9, 6, why, NULL); /* command line */
	expect_unknown(x, 9, 6, why, NULL); /* initrd */
	expect_end(x);
	expect_incomplete(x, 1 << 4 | 1 << 9 | 1 << 12);
	expect_reason(x, 12, "\\loader\\addons\\a.addon.efi", NULL);

	x->opt.secure_boot = false;
	esp_predict(x);
	expect_incomplete(x, 0);
}

/* ---- systemd-boot ---- */

static void what_is_booted_through_is_trusted_too(void **state)
{
	struct esp *x = *state;

	set_machine(x);
	struct file boot = put_signed(x, BOOT, "boot-257.13"),
		    uki = put_signed(x, "EFI/Linux/a.efi", "uki-other");
	struct file addon = put_signed(x, "loader/addons/a.addon.efi", "addon-two");
	esp_predict(x);
	expect_firmware(x);
	expect_image(x, BOOT_PATH, boot.p, boot.n);
	expect_image(x, "\\EFI\\Linux\\a.efi", uki.p, uki.n);
	expect_section(x, ".linux", kernel_of(uki).p, kernel_of(uki).n);
	expect_section_text(x, ".osrel", "ID=os");
	expect_image(x, "\\loader\\addons\\a.addon.efi", addon.p, addon.n);
	expect_line(x, "signed two");
	expect_incomplete(x, 0);
	expect_assumption(x, "certificate-in-db", "CN=pcrcast test one");
	expect_assumption(x, "certificate-in-db", "CN=pcrcast test two");
}

static void an_unsigned_entry_is_an_error(void **state)
{
	struct esp *x = *state;
	struct file f = read_signed(x, "uki-other");

	set_machine(x);
	put_signed(x, BOOT, "boot-257.13");
	kernel_of(f).p[0] ^= 0xff;
	esp_put(x, "EFI/Linux/a.efi", f.p, f.n);
	esp_predict_fails(
		x, PCRCAST_EFORMAT,
		"\\EFI\\Linux\\a.efi: firmware with Secure Boot refuses it: no signature fits the image");
}

static void drivers_need_a_signature_too(void **state)
{
	struct esp *x = *state;

	set_machine(x);
	put_signed(x, BOOT, "boot-257.13");
	put_signed(x, "EFI/Linux/a.efi", "uki-257.13");
	put_unsigned(x, "EFI/systemd/drivers/plainx64.efi", "");
	put_signed(x, "EFI/systemd/drivers/twox64.efi", "driver-two");
	esp_predict(x);
	expect_note(x, "plainx64.efi is not used: firmware with Secure Boot refuses it: it is not signed");
	expect_reason(
		x, 2,
		"whether firmware with Secure Boot loads \\EFI\\systemd\\drivers\\twox64.efi is not known",
		NULL);
	expect_incomplete(x, 0);
}

/* Each trial reads the signature anew: some hundred certificates and a signature of 2 MiB took a minute. */
static void certificates_are_tried_with_large_signatures_a_few_times_only(void **state)
{
	struct signature s = { .pkcs7 = { (const uint8_t *)"", 1 << 20 } };
	struct pcrcast_error e;
	struct walk w = { 0 };

	(void)state;
	for (unsigned i = 0; i < 63; i++)
		assert_int_equal(walk_count_trial(&w, "db", &s, &e), 0);
	assert_int_equal(walk_count_trial(&w, "db", &s, &e), -PCRCAST_ELIMIT);
	assert_non_null(strstr(e.msg, "db: trying its certificates"));
	w.n_tried = 0;
	s.pkcs7.n = 20 << 10; /* as real ones at most */
	for (unsigned i = 0; i < 3000; i++)
		assert_int_equal(walk_count_trial(&w, "db", &s, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ESP(an_unsigned_first_image_is_an_error),
		WITH_ESP(a_changed_image_is_an_error),
		WITH_ESP(the_signer_of_the_first_image_is_assumed_to_be_trusted),
		WITH_ESP(load_options_give_way_to_a_command_line_in_the_uki),
		WITH_ESP(without_one_load_options_count_save_in_a_confidential_vm),
		WITH_ESP(a_confidential_vm_with_254_depends_on_its_point_release),
		WITH_ESP(unsigned_addons_leave_no_event),
		WITH_ESP(an_addon_of_the_same_signer_is_accepted),
		WITH_ESP(an_addon_of_another_signer_leaves_registers_open),
		WITH_ESP(what_is_booted_through_is_trusted_too),
		WITH_ESP(an_unsigned_entry_is_an_error),
		WITH_ESP(drivers_need_a_signature_too),
		cmocka_unit_test(certificates_are_tried_with_large_signatures_a_few_times_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
