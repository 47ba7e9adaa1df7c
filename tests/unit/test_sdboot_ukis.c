/* systemd-boot's menu entries that are UKIs (type #2): names, boot counting, profiles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/sdboot_esp.h"

/* ---- type #2 ---- */

static void a_uki_gets_its_own_command_line_from_252_to_254(void **state)
{
	struct esp *x = *state;

	for (size_t i = 0; i < N_VERSIONS; i++) {
		struct file boot = put_sdboot(x, versions[i]);
		struct file kernel = kernel_image(x, 1, 0);
		const struct built_section sections[] = { { ".linux", kernel.p, kernel.n, 0 },
							  SECTION(".osrel", "ID=os\n"),
							  SECTION(".cmdline", " quiet\n") };
		int v = atoi(versions[i]);
		struct file uki;

		uki.p = esp_keep(x, build_uki(versions[i], sections, 3, &uki.n));
		esp_put(x, "EFI/Linux/uki.efi", uki.p, uki.n);
		esp_predict(x);
		expect_firmware(x);
		expect_image(x, BOOT_PATH, boot.p, boot.n);
		expect_image(x, "\\EFI\\Linux\\uki.efi", uki.p, uki.n);
		if (v <= 254)
			expect_line(x, " quiet"); /* systemd-boot's */
		expect_section(x, ".linux", kernel.p, kernel.n);
		expect_section_text(x, ".osrel", "ID=os\n");
		expect_section_text(x, ".cmdline", " quiet\n");
		if (v <= 254)
			expect_line(x, " quiet"); /* the stub's, which it takes for load options */
		if (v <= 257)
			expect_image(x, NULL, kernel.p, kernel.n);
		expect_kernel_line(x, v <= 254 ? " quiet" : "quiet");
		expect_end(x);
		assert_string_equal(chosen(x), "uki.efi");
	}
}

static void loader_conf_goes_to_pcr_5_since_255(void **state)
{
	static const char conf[] = "timeout 3\ndefault uki*\n";
	/* LE32 tag, LE32 length, UTF-16 "loader.conf" */
	static const uint8_t data[] = "\x2a\x58\xbc\xf5\x18\0\0\0l\0o\0a\0d\0e\0r\0.\0c\0o\0n\0f\0\0";
	struct esp *x = *state;

	put_uki(x, "EFI/Linux/uki.efi", "257", "ID=os", "quiet");
	esp_put_text(x, "loader/loader.conf", conf);
	x->opt.pcrs = 1 << 5 | 1 << 4;
	for (size_t i = 0; i < N_VERSIONS; i++) {
		const struct event *found = NULL;
		struct digest d;

		put_sdboot(x, versions[i]);
		esp_predict(x);
		for (size_t k = 0; k < x->p.log.n_events; k++)
			if (x->p.log.events[k].pcr == 5 && x->p.log.events[k].type == 6)
				found = &x->p.log.events[k];
		assert_int_equal(found != NULL, atoi(versions[i]) >= 255);
		assert_true(x->p.incomplete & 1 << 5); /* the partition table is in it too */
		if (!found)
			continue;
		assert_int_equal(digest_of(ALG_SHA256, slice_of_string(conf), &d, NULL), 0);
		assert_memory_equal(event_digest(found, &x->p.log, ALG_SHA256).p, d.bytes, 32);
		assert_int_equal(found->data.n, sizeof data);
		assert_memory_equal(found->data.p, data, sizeof data);
	}
}

static void os_release_makes_version_and_sort_key(void **state)
{
	struct esp *x = *state;

	for (size_t i = 0; i < N_VERSIONS; i++) {
		put_sdboot(x, versions[i]);
		/* the newest version of the first sort key; file names say the opposite */
		put_uki(x, "EFI/Linux/z.efi", "257", "ID=a\nVERSION_ID=9\n", "x");
		put_uki(x, "EFI/Linux/y.efi", "257", "ID=a\nVERSION_ID=10\n", "x");
		put_uki(x, "EFI/Linux/x.efi", "257", "ID=b\nVERSION_ID=11\n", "x");
		esp_predict(x);
		assert_string_equal(chosen(x), "y.efi");

		/* IMAGE_ID goes before ID, IMAGE_VERSION before VERSION before VERSION_ID before BUILD_ID */
		put_uki(x, "EFI/Linux/z.efi", "257", "ID=z\nIMAGE_ID=\"A\"\nBUILD_ID=3\n", "x");
		esp_predict(x);
		assert_string_equal(chosen(x), "z.efi");
		put_uki(x, "EFI/Linux/x.efi", "257",
			"IMAGE_ID=A\nIMAGE_VERSION=5\nVERSION=1\nVERSION_ID=1\nBUILD_ID=1\n", "x");
		esp_predict(x);
		assert_string_equal(chosen(x), "x.efi");
		put_uki(x, "EFI/Linux/y.efi", "257", "IMAGE_ID=A\nVERSION=6\nVERSION_ID=1\n", "x");
		esp_predict(x);
		assert_string_equal(chosen(x), "y.efi");
		drop_kept(x);
	}
}

static void a_uki_without_a_name_is_no_entry(void **state)
{
	struct esp *x = *state;

	put_sdboot(x, "257");
	put_uki(x, "EFI/Linux/z.efi", "257", "VERSION=1\n", "x");
	put_uki(x, "EFI/Linux/.y.efi", "257", "ID=os\n", "x");
	put_uki(x, "EFI/Linux/x.efi.bak", "257", "ID=os\n", "x");
	put_uki(x, "EFI/Linux/auto-w.efi", "257", "ID=os\n", "x");
	esp_put_text(x, "EFI/Linux/v.efi", "no PE image");
	esp_put_text(x, "EFI/Linux/dir.efi/file", "x");
	esp_predict_fails(x, PCRCAST_ENOTFOUND, "systemd-boot finds no entry");
	put_uki(x, "EFI/Linux/a.EFI", "257", "NAME=os\n", "x");
	esp_predict(x);
	assert_string_equal(chosen(x), "a.efi");
	expect_note(x, "v.efi is no menu entry");
}

/* 252 to 256 compare the prefix "auto-" with case. */
static void names_of_automatic_entries_are_passed_over(void **state)
{
	struct esp *x = *state;

	for (size_t i = 0; i < N_VERSIONS; i++) {
		put_sdboot(x, versions[i]);
		put_uki(x, "EFI/Linux/a.efi", "257", "ID=os\n", "x");
		put_uki(x, "EFI/Linux/AUTO-w.efi", "257", "ID=os\n", "x");
		esp_predict(x);
		assert_string_equal(chosen(x), atoi(versions[i]) <= 256 ? "auto-w.efi" : "a.efi");
		drop_kept(x);
	}
}

static void a_uki_for_another_machine_is_no_entry(void **state)
{
	struct esp *x = *state;
	struct file f;

	put_sdboot(x, "257");
	put_uki(x, "EFI/Linux/a.efi", "257", "ID=os\n", "x");
	f = put_uki(x, "EFI/Linux/b.efi", "257", "ID=os\n", "x");
	esp_predict(x);
	assert_string_equal(chosen(x), "b.efi");
	put_u16le(built_coff_header(f.p), 0xaa64);
	esp_put(x, "EFI/Linux/b.efi", f.p, f.n);
	esp_predict(x);
	assert_string_equal(chosen(x), "a.efi");
}

/*
 * Until 257 a key with an empty value is unset again (xstrn8_to_16() gives no string); in 262 it has an empty one.
 * What is not empty but has no character left counts in all.
 */
static void empty_values_count_in_262(void **state)
{
	struct esp *x = *state;

	for (size_t i = 0; i < N_VERSIONS; i++) {
		int v = atoi(versions[i]);

		put_sdboot(x, versions[i]);
		put_kernel(x, "linux");
		esp_put_text(x, "loader/entries/a.conf", "linux /linux\nsort-key z\nsort-key \"\"\n");
		esp_put_text(x, "loader/entries/b.conf", "linux /linux\nsort-key b\n");
		if (v >= 258 && v <= 261) {
			esp_predict_fails(x, PCRCAST_EUNSUPPORTED, "keys without a value count in some");
		} else {
			esp_predict(x);
			assert_string_equal(chosen(x), v < 262 ? "b.conf" : "a.conf");
		}
		esp_put_text(x, "loader/entries/a.conf", "linux /linux\nsort-key \xf0\x9f\x98\x80\n");
		esp_predict(x);
		assert_string_equal(chosen(x), "a.conf");

		/* options: "%ls %ls" of none prints what it does for none */
		esp_put_text(x, "loader/entries/a.conf",
			     "linux /linux\nsort-key a\noptions x\noptions \"\"\noptions y\n");
		if (v >= 258 && v <= 261) {
			esp_predict_fails(x, PCRCAST_EUNSUPPORTED, "keys without a value count in some");
		} else {
			esp_predict(x);
			skip_to(x, 12);
			expect_line(x, v < 262 ? "x (null) y" : "x  y");
		}
		esp_put_text(x, "loader/entries/a.conf", "linux /linux\nsort-key a\noptions \"\"\n");
		if (v < 258 || v > 261) {
			esp_predict(x);
			skip_to(x, 12);
			if (v == 262)
				expect_line(x, "");
			skip_to(x, 12);
			expect_end(x);
		}
		drop_kept(x);
	}
}

/* ---- boot counting ---- */

static void a_boot_counter_is_part_of_the_id_until_it_is_not(void **state)
{
	struct esp *x = *state;

	for (size_t i = 0; i < N_VERSIONS; i++) {
		bool stripped = strncmp(versions[i], "257.13", 6) == 0 || atoi(versions[i]) >= 258;
		bool sure = (atoi(versions[i]) <= 257 && strcmp(versions[i], "257.9") != 0) ||
			    atoi(versions[i]) == 262;

		put_sdboot(x, versions[i]);
		put_uki(x, "EFI/Linux/foo+3-1.efi", "257", "ID=os\n", "x");
		put_uki(x, "EFI/Linux/zoo.efi", "257", "ID=os\n", "x");
		esp_put_text(x, "loader/loader.conf", "default foo.efi\n");
		if (sure) {
			esp_predict(x);
			assert_string_equal(chosen(x), stripped ? "foo.efi" : "zoo.efi");
		} else {
			esp_predict_fails(x, PCRCAST_EUNSUPPORTED,
					  "boot counters are not part of an entry's id in all of them");
		}
		if (stripped) { /* named, there is no doubt either */
			x->opt.entry = "foo.efi";
			esp_predict(x);
			x->opt.entry = NULL;
		}
		/* A pattern that means the same entry either way is no question. */
		esp_put_text(x, "loader/loader.conf", "default foo*.efi\n");
		esp_predict(x);
		if (sure)
			assert_string_equal(chosen(x), stripped ? "foo.efi" : "foo+3-1.efi");
		drop_kept(x);
	}
}

/* Only the last '+' of a name counts, and numbers that an int cannot hold are no counter. */
static void names_with_a_plus_may_have_no_counter(void **state)
{
	static const struct {
		const char *file, *id;
	} cases[] = {
		{ "foo+deb+3-1.efi", "foo+deb.efi" },
		{ "Foo+3.EFI", "Foo.efi" },
		{ "Foo+deb.efi", "foo+deb.efi" },
		{ "foo+3-.efi", "foo+3-.efi" },
		{ "foo+3-1-1.efi", "foo+3-1-1.efi" },
		{ "foo+2147483647-2147483647.efi", "foo.efi" },
		{ "foo+2147483648.efi", "foo+2147483648.efi" },
		{ "foo+1-99999999999999999999999.efi", "foo+1-99999999999999999999999.efi" },
	};
	struct esp *x = *state;

	put_sdboot(x, "262");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char path[80];

		(void)snprintf(path, sizeof path, "EFI/Linux/%s", cases[i].file);
		put_uki(x, path, "262", "ID=os\n", "x");
		esp_predict(x);
		assert_string_equal(chosen(x), cases[i].id);
		esp_remove(x, path);
	}
}

static void entries_with_no_tries_left_come_last(void **state)
{
	struct esp *x = *state;

	for (size_t i = 0; i < N_VERSIONS; i++) {
		put_sdboot(x, versions[i]);
		put_uki(x, "EFI/Linux/b+0-3.efi", "257", "ID=os\n", "x");
		put_uki(x, "EFI/Linux/a+1.efi", "257", "ID=os\n", "x");
		put_uki(x, "EFI/Linux/0+x.efi", "257", "ID=zz\n", "x"); /* no counter */
		esp_predict(x);
		if (strcmp(chosen(x), "a.efi") != 0)
			assert_string_equal(chosen(x), "a+1.efi");
		drop_kept(x);
	}
}

/* The stub sees the name that the file has by then; 252 and 253 look for companions under that one. */
static void a_counted_uki_runs_under_its_next_name(void **state)
{
	struct esp *x = *state;

	esp_put_text(x, "EFI/Linux/a+2-1.efi.extra.d/f.cred", "next");
	esp_put_text(x, "EFI/Linux/a+3.efi.extra.d/f.cred", "now");
	esp_put_text(x, "EFI/Linux/a.efi.extra.d/f.cred", "none");
	for (size_t i = 0; i < N_VERSIONS; i++) {
		struct bytes want = { NULL, 0 };

		put_sdboot(x, versions[i]);
		put_uki(x, "EFI/Linux/a+3.efi", versions[i], "ID=os\n", "x");
		esp_predict(x);
		while (x->at < x->p.log.n_events &&
		       !(x->p.log.events[x->at].pcr == 12 &&
			 strstr(x->p.log.events[x->at].description, "Credentials")))
			x->at++;
		bytes_add_archive(&want, "credentials", 0500, 0400, "f.cred",
				  atoi(versions[i]) < 254 ? "next" : "none", NULL);
		expect_archive(x, 12, "Credentials initrd", want);
		drop_kept(x);
	}
}

/* ---- profiles ---- */

static void every_profile_of_a_uki_is_an_entry_since_257(void **state)
{
	struct esp *x = *state;

	for (size_t i = 0; i < N_VERSIONS; i++) {
		int v = atoi(versions[i]);

		put_sdboot(x, versions[i]);
		put_profiles(x, "EFI/Linux/uki.efi", v >= 257 ? versions[i] : "257");
		x->opt.entry = NULL;
		esp_predict(x);
		assert_string_equal(chosen(x), "uki.efi");

		x->opt.entry = "UKI.efi@Debug";
		if (v < 257) {
			esp_predict_fails(x, PCRCAST_ENOTFOUND,
					  "no boot menu entry \"UKI.efi@Debug\": there are uki.efi");
			drop_kept(x);
			continue;
		}
		esp_predict(x);
		skip_to(x, 12);
		expect_line(x, "@1");
		skip_to(x, 12);
		expect_tagged(x, 12, 0x13aed6db, "1", (struct slice){ (const uint8_t *)"1\0\0\0", 4 });
		skip_to(x, 12);
		expect_end(x); /* what remains of "@1" is no command line */

		x->opt.entry = "uki.efi@2"; /* without an ID the number */
		esp_predict(x);
		skip_to(x, 12);
		expect_line(x, "@2");

		x->opt.entry = NULL;
		x->opt.has_profile = true;
		x->opt.profile = 1;
		esp_predict(x);
		skip_to(x, 12);
		expect_line(x, "@1");
		x->opt.profile = 7;
		esp_predict_fails(x, PCRCAST_ENOTFOUND, "has no boot menu entry for profile 7");
		x->opt.has_profile = false;
		drop_kept(x);
	}
}

/* 257 folds the ids of profiles, 262 leaves them as they stand in .profile, where no pattern in lower case finds them. */
static void ids_of_profiles_have_their_own_case(void **state)
{
	struct esp *x = *state;

	esp_put_text(x, "loader/loader.conf", "default *@debug\n");
	for (size_t i = 0; i < N_VERSIONS; i++) {
		int v = atoi(versions[i]);

		if (v < 257 || (v > 257 && v < 262) || strcmp(versions[i], "257.9") == 0)
			continue; /* those that are not sure of ids */
		put_sdboot(x, versions[i]);
		put_profiles(x, "EFI/Linux/uki.efi", "257");
		esp_predict(x);
		assert_string_equal(chosen(x), v == 257 ? "uki.efi@debug" : "uki.efi");
		drop_kept(x);
	}
}

/*
 * With a boot counter, 257.13 gives all profiles one id, and sorts the further ones by the whole file name, which
 * is newer than one without the counter.
 */
static void a_counted_uki_with_profiles_starts_the_second_in_257_13(void **state)
{
	struct esp *x = *state;

	put_sdboot(x, "257.13");
	put_profiles(x, "EFI/Linux/uki+3.efi", "257.13");
	esp_predict(x);
	assert_string_equal(chosen(x), "uki.efi");
	skip_to(x, 12);
	expect_line(x, "@1");
	put_sdboot(x, "257");
	esp_predict(x);
	assert_string_equal(chosen(x), "uki+3.efi");
	skip_to(x, 12);
	expect_end(x);
	put_sdboot(x, "262");
	esp_predict(x);
	assert_string_equal(chosen(x), "uki.efi");
	skip_to(x, 12);
	expect_end(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ESP(a_uki_gets_its_own_command_line_from_252_to_254),
		WITH_ESP(loader_conf_goes_to_pcr_5_since_255),
		WITH_ESP(os_release_makes_version_and_sort_key),
		WITH_ESP(a_uki_without_a_name_is_no_entry),
		WITH_ESP(names_of_automatic_entries_are_passed_over),
		WITH_ESP(a_uki_for_another_machine_is_no_entry),
		WITH_ESP(empty_values_count_in_262),
		WITH_ESP(a_boot_counter_is_part_of_the_id_until_it_is_not),
		WITH_ESP(names_with_a_plus_may_have_no_counter),
		WITH_ESP(entries_with_no_tries_left_come_last),
		WITH_ESP(a_counted_uki_runs_under_its_next_name),
		WITH_ESP(every_profile_of_a_uki_is_an_entry_since_257),
		WITH_ESP(ids_of_profiles_have_their_own_case),
		WITH_ESP(a_counted_uki_with_profiles_starts_the_second_in_257_13),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
