/* systemd-boot's menu entries that files or SMBIOS describe (type #1), and what else it loads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/sdboot_esp.h"

/* ---- type #1 ---- */

static void an_entry_file_names_kernel_initrds_and_options(void **state)
{
	struct esp *x = *state;

	for (size_t i = 0; i < N_VERSIONS; i++) {
		struct file boot = put_sdboot(x, versions[i]), kernel = put_kernel(x, "Debian/Linux");
		struct bytes initrd = { NULL, 0 };
		int v = atoi(versions[i]);

		esp_put_text(x, "Debian/one", "11111");
		esp_put_text(x, "Debian/empty", "");
		esp_put_text(x, "Debian/two", "222222");
		esp_put_text(
			x, "loader/entries/Deb.conf",
			"# comment\ntitle  Debian\nlinux /debian//linux\ninitrd "
			"/debian//one\ninitrd\t/debian/empty\n"
			"initrd \\debian/two\noptions  root=x  y \noptions \"quoted z\"\nmachine-id 1\n");
		esp_predict(x);
		expect_firmware(x);
		expect_image(x, BOOT_PATH, boot.p, boot.n);
		expect_image(x, "\\Debian\\Linux", kernel.p, kernel.n);
		const char *line = v < 261 ? "initrd=\\debian\\one initrd=\\debian\\empty "
					     "initrd=\\debian\\two root=x  y quoted z" :
					     "initrd=\\debian\\one initrd=\\debian\\two root=x  y quoted z";
		expect_line(x, line);
		expect_kernel_line(x, line);
		bytes_add_text(&initrd, "11111");
		if (v >= 257) /* each but the last is padded to 4 */
			bytes_pad4(&initrd);
		bytes_add_text(&initrd, "222222");
		expect_initrd(x, initrd);
		expect_end(x);
		expect_incomplete(x, 0);
		assert_string_equal(chosen(x), "deb.conf");
	}
}

static void an_entry_of_a_kernel_alone_passes_nothing(void **state)
{
	struct esp *x = *state;

	for (size_t i = 0; i < N_VERSIONS; i++) {
		struct file boot = put_sdboot(x, versions[i]), kernel = put_kernel(x, "linux");

		esp_put_text(x, "loader/entries/a.conf", "linux /linux\n");
		esp_predict(x);
		expect_firmware(x);
		expect_image(x, BOOT_PATH, boot.p, boot.n);
		expect_image(x, "\\linux", kernel.p, kernel.n);
		expect_end(x);

		esp_put_text(x, "empty", "");
		esp_put_text(x, "loader/entries/a.conf", "linux /linux\ninitrd /empty\n");
		esp_predict(x);
		expect_firmware(x);
		expect_image(x, BOOT_PATH, boot.p, boot.n);
		expect_image(x, "\\linux", kernel.p, kernel.n);
		if (atoi(versions[i]) < 261) {
			expect_line(x, "initrd=\\empty");
			expect_kernel_line(x, "initrd=\\empty");
		}
		expect_end(x);
	}
}

static void a_missing_initrd_ends_the_boot(void **state)
{
	struct esp *x = *state;

	put_sdboot(x, "257");
	put_kernel(x, "linux");
	esp_put_text(x, "loader/entries/a.conf", "linux /linux\ninitrd /gone\n");
	esp_predict_fails(x, PCRCAST_ENOTFOUND, "gone");
	assert_non_null(strstr(x->e.msg, "\\loader\\entries\\a.conf"));
}

static void an_entry_counts_only_if_it_can_be_started_here(void **state)
{
	static const char *const no[] = { "title only\n",
					  "linux /gone\noptions x\n",
					  "linux /linux\narchitecture aa64\n",
					  "architecture ia32\nlinux /linux\n",
					  "efi /efi/boot/BOOTX64.efi\n", /* systemd-boot itself */
					  "Linux /linux\n" };
	static const char *const yes[] = { "linux /linux\narchitecture x64\n",
					   "architecture X64\nlinux /linux\n", "efi /linux\n",
					   "linux /linux" };
	struct esp *x = *state;

	for (size_t i = 0; i < N_VERSIONS; i++) {
		put_sdboot(x, versions[i]);
		put_kernel(x, "linux");
		for (size_t k = 0; k < sizeof no / sizeof no[0]; k++) {
			esp_put_text(x, "loader/entries/a.conf", no[k]);
			esp_predict_fails(x, PCRCAST_ENOTFOUND, "systemd-boot finds no entry");
		}
		for (size_t k = 0; k < sizeof yes / sizeof yes[0]; k++) {
			esp_put_text(x, "loader/entries/a.conf", yes[k]);
			esp_predict(x);
			assert_string_equal(chosen(x), "a.conf");
		}
		drop_kept(x);
	}
}

/* Until 257 the last loader key counts; 258 and later drop an entry with two kinds. */
static void two_kinds_of_loader_in_one_entry(void **state)
{
	struct esp *x = *state;

	for (size_t i = 0; i < N_VERSIONS; i++) {
		put_sdboot(x, versions[i]);
		put_kernel(x, "linux");
		esp_put_text(x, "i", "I");
		esp_put_text(x, "loader/entries/a.conf", "efi /linux\nlinux /linux\ninitrd /i\n");
		if (atoi(versions[i]) >= 258) {
			esp_predict_fails(x, PCRCAST_ENOTFOUND, "systemd-boot finds no entry");
		} else {
			esp_predict(x);
			skip_to(x, 12);
			expect_line(x, "initrd=\\i");
		}
		drop_kept(x);
	}
}

static void single_quotes_are_taken_off_since_257(void **state)
{
	struct esp *x = *state;

	for (size_t i = 0; i < N_VERSIONS; i++) {
		put_sdboot(x, versions[i]);
		put_kernel(x, "linux");
		esp_put_text(x, "loader/entries/a.conf", "linux /linux\noptions 'a b'\n");
		esp_predict(x);
		skip_to(x, 12);
		expect_line(x, atoi(versions[i]) < 257 ? "'a b'" : "a b");
		drop_kept(x);
	}
}

static void sort_keys_of_entry_files_count(void **state)
{
	struct esp *x = *state;

	for (size_t i = 0; i < N_VERSIONS; i++) {
		put_sdboot(x, versions[i]);
		put_kernel(x, "linux");
		esp_put_text(x, "loader/entries/z-9.conf", "linux /linux\n");
		esp_put_text(x, "loader/entries/a.conf", "linux /linux\nsort-key b\nversion 1\n");
		esp_put_text(x, "loader/entries/b.conf", "linux /linux\nsort-key b\nversion 2\n");
		esp_put_text(x, "loader/entries/c.conf", "linux /linux\nsort-key c\nversion 3\n");
		esp_predict(x);
		assert_string_equal(chosen(x), "b.conf");
		esp_put_text(x, "loader/loader.conf", "default Z-*\n");
		esp_predict(x);
		assert_string_equal(chosen(x), "z-9.conf");
		esp_put_text(x, "loader/loader.conf", "");
		x->opt.entry = "C.conf";
		esp_predict(x);
		assert_string_equal(chosen(x), ""); /* not assumed, but said */
		x->opt.entry = "q*";
		esp_predict_fails(x, PCRCAST_ENOTFOUND,
				  "no boot menu entry \"q*\": there are b.conf, a.conf, c.conf, z-9.conf");
		x->opt.entry = NULL;
		drop_kept(x);
	}
}

/* "a_b" and "a__b" are the same version: the one found first counts, which a directory does not tell. */
static void entries_of_the_same_place_are_a_question_of_the_disk(void **state)
{
	struct esp *x = *state;

	put_sdboot(x, "257");
	put_kernel(x, "linux");
	esp_put_text(x, "loader/entries/a_b.conf", "linux /linux\noptions 1\n");
	esp_put_text(x, "loader/entries/a__b.conf", "linux /linux\noptions 2\n");
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED, "have the same place in the boot menu");
	x->opt.entry = "a_b.conf";
	esp_predict(x);
	skip_to(x, 12);
	expect_line(x, "1");
	x->opt.entry = NULL;
	put_uki(x, "EFI/Linux/z.efi", "257", "ID=os\n", "x"); /* it is not about what is further down */
	esp_predict(x);
	assert_string_equal(chosen(x), "z.efi");
}

static void a_counted_entry_file_keeps_its_kernel(void **state)
{
	struct esp *x = *state;

	put_sdboot(x, "262");
	put_kernel(x, "linux");
	esp_put_text(x, "loader/entries/Deb+2-1.conf", "linux /linux\n");
	esp_predict(x);
	assert_string_equal(chosen(x), "deb.conf");
	put_sdboot(x, "257.13");
	esp_predict(x);
	assert_string_equal(chosen(x), "Deb.conf"); /* that release leaves the case as it is stored */
	put_sdboot(x, "257");
	esp_predict(x);
	assert_string_equal(chosen(x), "deb+2-1.conf");
}

static void the_counter_of_an_entry_file_is_not_its_images(void **state)
{
	struct bytes want = { NULL, 0 };
	struct esp *x = *state;

	put_sdboot(x, "252");
	put_uki(x, "uki.efi", "252", "ID=os\n", "x");
	esp_put_text(x, "uki.efi.extra.d/c.cred", "C");
	esp_put_text(x, "loader/entries/a+3.conf", "efi /uki.efi\n");
	esp_predict(x);
	skip_to(x, 12);
	bytes_add_archive(&want, "credentials", 0500, 0400, "c.cred", "C", NULL);
	expect_archive(x, 12, "Credentials initrd", want);
}

/* 259 and later: the entry's profile goes in front of the options. */
static void an_entry_file_can_name_a_profile(void **state)
{
	struct esp *x = *state;

	for (size_t i = 0; i < N_VERSIONS; i++) {
		int v = atoi(versions[i]);

		put_sdboot(x, versions[i]);
		put_profiles(x, "uki.efi", "262");
		esp_put_text(x, "loader/entries/a.conf", "efi /uki.efi\noptions x\nprofile 1\n");
		esp_predict(x);
		skip_to(x, 12);
		expect_line(x, v < 259 ? "x" : "@1 x");
		skip_to(x, 12);
		if (v >= 259) {
			expect_tagged(x, 12, 0x13aed6db, "1",
				      (struct slice){ (const uint8_t *)"1\0\0\0", 4 });
			skip_to(x, 12);
		}
		expect_line(x, "x");
		expect_end(x);
		drop_kept(x);
	}
}

/* ---- entries of later versions ---- */

static void extras_of_a_uki_entry_become_archives(void **state)
{
	struct esp *x = *state;

	for (size_t i = 0; i < N_VERSIONS; i++) {
		int v = atoi(versions[i]);
		struct file boot = put_sdboot(x, versions[i]), kernel, uki;
		struct bytes cred = { NULL, 0 }, sysext = { NULL, 0 }, confext = { NULL, 0 },
			     initrd = { NULL, 0 };

		kernel = kernel_image(x, 0, 1);
		const struct built_section sections[] = { { ".linux", kernel.p, kernel.n, 0 },
							  SECTION(".initrd", "INITR") };
		uki.p = esp_keep(x, build_uki("262", sections, 2, &uki.n));
		esp_put(x, "uki.efi", uki.p, uki.n);
		esp_put_text(x, "x/B.cred", "BB");
		esp_put_text(x, "x/a.cred", "A");
		esp_put_text(x, "x/s.sysext.raw", "S");
		esp_put_text(x, "x/c.confext.raw", "C");
		esp_put_text(x, "x/empty.cred", "");
		esp_put_text(x, "x/other.raw", "no");
		esp_put_text(x, "loader/entries/a.conf",
			     "uki /uki.efi\nextra /x/b.cred\nextra /x/c.confext.raw\nextra /x/a.cred\nextra "
			     "/x/s.sysext.raw\n"
			     "extra /x/empty.cred\nextra /x/other.raw\nextra /x/gone.cred\n");
		if (v < 258) {
			esp_predict_fails(x, PCRCAST_ENOTFOUND, "systemd-boot finds no entry");
			continue;
		}
		esp_predict(x);
		expect_firmware(x);
		expect_image(x, BOOT_PATH, boot.p, boot.n);
		expect_image(x, "\\uki.efi", uki.p, uki.n);
		if (v >= 261) {
			/* one counter for all archives; the directories in front of every file; order as listed */
			bytes_add_cpio_dir(&cred, 1, 0555, ".extra");
			bytes_add_cpio_dir(&cred, 2, 0500, ".extra/credentials");
			bytes_add_cpio_file(&cred, 3, 0400, ".extra/credentials/B.cred", "BB", 2);
			bytes_add_cpio_dir(&confext, 4, 0555, ".extra");
			bytes_add_cpio_dir(&confext, 5, 0555, ".extra/confext");
			bytes_add_cpio_file(&confext, 6, 0444, ".extra/confext/c.confext.raw", "C", 1);
			bytes_add_cpio_dir(&cred, 7, 0555, ".extra");
			bytes_add_cpio_dir(&cred, 8, 0500, ".extra/credentials");
			bytes_add_cpio_file(&cred, 9, 0400, ".extra/credentials/a.cred", "A", 1);
			bytes_add_cpio_dir(&sysext, 10, 0555, ".extra");
			bytes_add_cpio_dir(&sysext, 11, 0555, ".extra/sysext");
			bytes_add_cpio_file(&sysext, 12, 0444, ".extra/sysext/s.sysext.raw", "S", 1);
			bytes_add_cpio_trailer(&cred);
			bytes_add_cpio_trailer(&sysext);
			bytes_add_cpio_trailer(&confext);
			bytes_add(&initrd, cred.p, cred.n);
			bytes_add(&initrd, sysext.p, sysext.n);
			bytes_add(&initrd, confext.p, confext.n);
			expect_archive(x, 12, "Entry credentials initrd", cred);
			expect_archive(x, 13, "Entry system extension initrd", sysext);
			expect_archive(x, 12, "Entry configuration extension initrd", confext);
		}
		expect_section(x, ".linux", kernel.p, kernel.n);
		expect_section_text(x, ".initrd", "INITR");
		bytes_add_text(&initrd, "INITR");
		if (v >= 261)
			bytes_pad4(&initrd);
		expect_initrd(x, initrd);
		expect_end(x);
	}
}

static void an_initrd_passed_to_an_older_stub_is_an_error(void **state)
{
	struct file kernel;
	struct esp *x = *state;

	put_sdboot(x, "262");
	kernel = kernel_image(x, 0, 1);
	const struct built_section sections[] = { { ".linux", kernel.p, kernel.n, 0 },
						  SECTION(".initrd", "INITR") };
	struct file uki;
	uki.p = esp_keep(x, build_uki("257", sections, 2, &uki.n));
	esp_put(x, "uki.efi", uki.p, uki.n);
	esp_put_text(x, "a.cred", "A");
	esp_put_text(x, "loader/entries/a.conf", "uki /uki.efi\nextra /a.cred\n");
	esp_predict_fails(x, PCRCAST_EFORMAT,
			  "systemd-stub 257 fails when the boot loader has passed an initrd already");
}

static void network_entries_are_named_and_refused(void **state)
{
	struct esp *x = *state;

	put_sdboot(x, "262");
	esp_put_text(x, "loader/entries/net.conf", "uki-url https://example.com/uki.efi\n");
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED, "from the network");
	/* One that needs the address systemd-boot itself came from is hidden on a disk. */
	esp_put_text(x, "loader/entries/net.conf", "uki-url :uki.efi\n");
	esp_predict_fails(x, PCRCAST_ENOTFOUND, "systemd-boot finds no entry");
}

static void smbios_strings_are_entries_since_258(void **state)
{
	static const char *const strings[] = {
		"io.systemd.boot.entries-extra:Extra.conf=linux /linux\noptions from smbios\n",
		"io.systemd.boot.entries-extra:.hidden.conf=linux /linux\n",
		"io.systemd.boot.entries-extra:x.txt=linux /linux\n"
	};
	struct esp *x = *state;

	x->opt.smbios = strings;
	x->opt.n_smbios = sizeof strings / sizeof strings[0];
	for (size_t i = 0; i < N_VERSIONS; i++) {
		put_sdboot(x, versions[i]);
		put_kernel(x, "linux");
		x->opt.confidential_vm = false;
		if (atoi(versions[i]) < 258) {
			esp_predict_fails(x, PCRCAST_ENOTFOUND, "systemd-boot finds no entry");
			continue;
		}
		esp_predict(x);
		assert_string_equal(chosen(x), "extra.conf");
		skip_to(x, 12);
		expect_line(x, "from smbios");
		x->opt.confidential_vm = true;
		esp_predict_fails(x, PCRCAST_ENOTFOUND, "systemd-boot finds no entry");
		drop_kept(x);
	}
}

static void an_smbios_string_is_appended_to_a_kernels_options(void **state)
{
	static const char *const strings[] = { "io.systemd.boot.kernel-cmdline-extra= a\tb " };
	static const char *const entries[] = { "linux /linux\n", "linux /linux\noptions x\n",
					       "efi /linux\noptions x\n" };
	struct esp *x = *state;

	x->opt.smbios = strings;
	x->opt.n_smbios = 1;
	for (size_t i = 0; i < N_VERSIONS; i++)
		for (size_t k = 0; k < 3; k++) {
			int v = atoi(versions[i]);
			const char *line = k == 2   ? "x" :
					   v < 256  ? (k ? "x" : NULL) :
					   k        ? "x  a\tb " :
					   v == 256 ? "(null)  a\tb " :
						      " a\tb ";

			put_sdboot(x, versions[i]);
			put_kernel(x, "linux");
			esp_put_text(x, "loader/entries/a.conf", entries[k]);
			esp_predict(x);
			skip_to(x, 12);
			if (line)
				expect_line(x, line);
			else
				expect_end(x);
			drop_kept(x);
		}
}

/* ---- XBOOTLDR, drivers ---- */

static void entries_of_the_extended_boot_partition_are_started_there(void **state)
{
	struct esp *x = *state;
	struct prediction p = PREDICTION_INIT;
	char other[128];

	put_sdboot(x, "257");
	put_uki(x, "EFI/Linux/a.efi", "257", "ID=os\n", "esp");
	put_uki(x, "x/EFI/Linux/b.efi", "257", "ID=os\n", "xbootldr");
	esp_put_text(x, "x/EFI/Linux/b.efi.extra.d/c.cred", "there");
	esp_put_text(x, "EFI/Linux/b.efi.extra.d/c.cred", "here");
	(void)snprintf(other, sizeof other, "%s/x", x->root);

	assert_int_equal(image_open(x->root, &x->img, &x->e), 0);
	assert_int_equal(tree_open_directory(other, &x->img.xbootldr, &x->e), 0);
	assert_int_equal(predict(&x->img, &x->opt, &p, &x->e), 0);
	x->p = p;
	x->open = true;
	assert_string_equal(chosen(x), "b.efi");
	skip_to(x, 12);
	struct bytes want = { NULL, 0 };
	bytes_add_archive(&want, "credentials", 0500, 0400, "c.cred", "there", NULL);
	expect_archive(x, 12, "Credentials initrd", want);
}

static void drivers_are_loaded_into_the_register_of_their_kind(void **state)
{
	struct esp *x = *state;
	const struct built_section text = SECTION(".text", "T");
	struct file driver, app, boot = put_sdboot(x, "257"),
				 uki = put_uki(x, "EFI/Linux/a.efi", "257", "ID=os\n", "x");

	driver.p = esp_keep(
		x, build_pe(&(struct build_pe){ .subsystem = 11, .sections = &text, .n_sections = 1 },
			    &driver.n));
	app.p = esp_keep(
		x,
		build_pe(&(struct build_pe){ .subsystem = 10, .sections = &text, .n_sections = 1 }, &app.n));
	esp_put(x, "EFI/systemd/drivers/ext4X64.EFI", driver.p, driver.n);
	esp_put(x, "EFI/systemd/drivers/toolx64.efi", app.p, app.n);
	esp_put(x, "EFI/systemd/drivers/otheraa64.efi", app.p, app.n);
	esp_put(x, "EFI/systemd/drivers/.hiddenx64.efi", app.p, app.n);
	esp_put(x, "EFI/systemd/drivers/dirx64.efi/x64.efi", app.p, app.n);
	esp_predict(x);
	expect_firmware(x);
	expect_image(x, BOOT_PATH, boot.p, boot.n);
	bool seen = false;
	for (size_t i = 0; i < x->p.log.n_events; i++)
		seen |= x->p.log.events[i].pcr == 2 && x->p.log.events[i].type == 0x80000004;
	assert_true(seen);
	expect_image(x, "\\EFI\\systemd\\drivers\\toolx64.efi", app.p, app.n);
	expect_image(x, "\\EFI\\Linux\\a.efi", uki.p, uki.n);
	expect_incomplete(x, 0);

	/* the order of two is the disk's, which a directory does not tell */
	esp_put(x, "EFI/systemd/drivers/tool2x64.efi", app.p, app.n);
	esp_predict(x);
	expect_incomplete(x, 1 << 4);
	expect_reason(x, 4, "in the order of the file system", NULL);
}

static void a_variable_of_the_firmware_chooses_before_loader_conf(void **state)
{
	static const uint8_t data[] = { 'A', 0, '*', 0, 0, 0 };
	struct firmware_variable item = {
		.name = "LoaderEntryDefault",
		.guid = GUID(0x4a67b082, 0x0a4c, 0x41cf, 0xb6, 0xc7, 0x44, 0x0b, 0x29, 0xbb, 0x8c, 0x4f),
		.data = { data, sizeof data },
	};
	struct firmware_variables variables = { &item, 1, 1, false };
	struct esp *x = *state;

	put_sdboot(x, "257");
	put_kernel(x, "linux");
	esp_put_text(x, "loader/entries/a.conf", "linux /linux\nsort-key z\n");
	esp_put_text(x, "loader/entries/b.conf", "linux /linux\nsort-key a\n");
	esp_put_text(x, "loader/loader.conf", "default b*\n");
	esp_predict(x);
	assert_string_equal(chosen(x), "b.conf");
	x->opt.variables = &variables;
	esp_predict(x);
	assert_string_equal(chosen(x), "a.conf");
	expect_note(x, "LoaderEntryDefault chooses the entry a.conf");
	x->opt.entry = "b.conf";
	esp_predict(x);
	for (size_t i = 0; i < x->p.n_notes; i++)
		assert_null(strstr(x->p.notes[i], "chooses"));
}

/* On FAT one file may stand in a directory under thousands of names. */
static void entry_files_are_read_up_to_a_limit(void **state)
{
	enum { LEN = 1 << 20 };
	char *text = calloc(1, LEN), path[64];
	struct esp *x = *state;

	assert_non_null(text);
	memset(text, '#', LEN - 1);
	memcpy(text, "linux /linux\n", 13);
	put_sdboot(x, "257.13");
	put_kernel(x, "linux");
	for (int i = 0; i < 17; i++) {
		(void)snprintf(path, sizeof path, "loader/entries/%02d.conf", i);
		esp_put_text(x, path, text);
	}
	esp_predict_fails(x, PCRCAST_ELIMIT,
			  ".conf: with the texts before it more than the 64 MiB that are read in one boot");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ESP(a_variable_of_the_firmware_chooses_before_loader_conf),
		WITH_ESP(an_entry_file_names_kernel_initrds_and_options),
		WITH_ESP(an_entry_of_a_kernel_alone_passes_nothing),
		WITH_ESP(a_missing_initrd_ends_the_boot),
		WITH_ESP(an_entry_counts_only_if_it_can_be_started_here),
		WITH_ESP(two_kinds_of_loader_in_one_entry),
		WITH_ESP(single_quotes_are_taken_off_since_257),
		WITH_ESP(sort_keys_of_entry_files_count),
		WITH_ESP(entries_of_the_same_place_are_a_question_of_the_disk),
		WITH_ESP(a_counted_entry_file_keeps_its_kernel),
		WITH_ESP(the_counter_of_an_entry_file_is_not_its_images),
		WITH_ESP(an_entry_file_can_name_a_profile),
		WITH_ESP(extras_of_a_uki_entry_become_archives),
		WITH_ESP(an_initrd_passed_to_an_older_stub_is_an_error),
		WITH_ESP(network_entries_are_named_and_refused),
		WITH_ESP(smbios_strings_are_entries_since_258),
		WITH_ESP(an_smbios_string_is_appended_to_a_kernels_options),
		WITH_ESP(entries_of_the_extended_boot_partition_are_started_there),
		WITH_ESP(drivers_are_loaded_into_the_register_of_their_kind),
		WITH_ESP(entry_files_are_read_up_to_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
