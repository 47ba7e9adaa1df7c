/* Which sections of a UKI a version of systemd-stub uses: names, duplicates, sizes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/uki_sample.h"

/* ---- names and duplicates ---- */

static void up_to_256_the_last_section_whose_name_begins_so_counts(void **state)
{
	static const char *const versions[] = { "252.39", "253", "254.26", "255.13", "256" };
	static const struct built_section s[] = {
		TEXT(".linuxfo", "wrong kernel"), TEXT(".cmdline", "first"),   TEXT(".linux", "kernel"),
		TEXT(".cmdline", "second"),       TEXT(".dtb", "tree"),        TEXT(".dtbauto", "auto"),
		TEXT(".osrelx", "name"),          TEXT(".splas", "too short"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(versions); i++) {
		struct opened o = open_uki(versions[i], s, COUNT(s), 0, &nothing_known);

		assert_section(&o, UKI_LINUX, "kernel");
		assert_section(&o, UKI_CMDLINE, "second");
		assert_section(&o, UKI_DTB, "auto");
		assert_section(&o, UKI_OSREL, "name");
		assert_section(&o, UKI_SPLASH, NULL);
		assert_section(&o, UKI_DTBAUTO, NULL);
		done(&o);
	}
}

static void from_257_the_first_section_of_exactly_the_name_counts(void **state)
{
	static const char *const versions[] = { "257.13", "258", "261", "262" };
	static const struct built_section s[] = {
		TEXT(".linuxfo", "wrong kernel"), TEXT(".cmdline", "first"), TEXT(".linux", "kernel"),
		TEXT(".cmdline", "second"),       TEXT(".dtb", "tree"),      TEXT(".osrelx", "name"),
		TEXT(".linux", "late kernel"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(versions); i++) {
		struct opened o = open_uki(versions[i], s, COUNT(s), 0, &nothing_known);

		assert_section(&o, UKI_LINUX, "kernel");
		assert_section(&o, UKI_CMDLINE, "first");
		assert_section(&o, UKI_DTB, "tree");
		assert_section(&o, UKI_OSREL, NULL);
		done(&o);
	}
}

static void sections_that_a_version_does_not_know_are_not_used(void **state)
{
	static const struct built_section s[] = {
		TEXT(".linux", "kernel"), TEXT(".ucode", "microcode"), TEXT(".uname", "6.12"),
		TEXT(".sbat", "sbat"),    TEXT(".pcrsig", "{}"),       TEXT(".hwids", "\0\0\0\0"),
		TEXT(".text", "code"),
	};
	struct opened o = open_uki("252", s, COUNT(s), 0, &nothing_known);

	(void)state;
	assert_section(&o, UKI_UCODE, NULL);
	assert_section(&o, UKI_UNAME, NULL);
	assert_section(&o, UKI_SBAT, NULL);
	assert_section(&o, UKI_PCRSIG, "{}");
	done(&o);
	o = open_uki("255", s, COUNT(s), 0, &nothing_known);
	assert_section(&o, UKI_UCODE, NULL);
	assert_section(&o, UKI_UNAME, "6.12");
	assert_section(&o, UKI_SBAT, "sbat");
	assert_section(&o, UKI_HWIDS, NULL);
	done(&o);
	o = open_uki("257", s, COUNT(s), 0, &nothing_known);
	assert_section(&o, UKI_UCODE, "microcode");
	assert_true(o.uki.sections[UKI_HWIDS].set);
	done(&o);
}

/* A section that counts but has no bytes in memory is not there, and no other takes its place. */
static void an_empty_section_that_counts_hides_the_others(void **state)
{
	static const struct built_section s[] = { TEXT(".linux", "kernel"), TEXT(".cmdline", "one"),
						  TEXT(".cmdline", "two"), TEXT(".cmdline", "three") };
	static const struct {
		const char *version;
		size_t empty; /* in s */
		const char *cmdline;
	} rows[] = {
		{ "254", 3, NULL }, { "254", 1, "three" }, { "254", 2, "three" },
		{ "257", 1, NULL }, { "257", 2, "one" },   { "262", 1, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t n;
		uint8_t *image = build_uki(rows[i].version, s, COUNT(s), &n);

		/* the builder puts .sdmagic in front */
		put_u32le(built_section_header(image, rows[i].empty + 1) + VIRTUAL_SIZE, 0);
		struct opened o = open_image(image, n, 0, &nothing_known);
		assert_section(&o, UKI_CMDLINE, rows[i].cmdline);
		done(&o);
	}
}

static void content_is_what_lies_in_memory(void **state)
{
	static const struct built_section s[] = { TEXT(".linux", "kernel"),
						  { ".cmdline", "quiet", 5, 8 },
						  { ".osrel", "ID=test", 7, 2 } };
	struct opened o = open_uki("257", s, COUNT(s), 0, &nothing_known);
	struct slice text;

	(void)state;
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.uki.sections[UKI_CMDLINE].bytes.len, 8);
	assert_section(&o, UKI_OSREL, "ID");

	/* as text it ends at the first NUL */
	assert_int_equal(uki_text(&o.pool, &o.uki, UKI_CMDLINE, &text, NULL), 0);
	assert_true(slice_equal_string(text, "quiet"));
	assert_int_equal(uki_text(&o.pool, &o.uki, UKI_OSREL, &text, NULL), 0);
	assert_true(slice_equal_string(text, "ID"));
	assert_int_equal(uki_text(&o.pool, &o.uki, UKI_UNAME, &text, NULL), 0);
	assert_int_equal(text.n, 0);
	done(&o);
}

static void text_that_is_too_long_is_refused(void **state)
{
	char *text = malloc(UKI_TEXT_MAX + 1);
	struct slice read;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', UKI_TEXT_MAX + 1);
	/* zeros that only VirtualSize claims are no text */
	const struct built_section s[] = { TEXT(".linux", "kernel"),
					   { ".cmdline", text, UKI_TEXT_MAX + 1, 0 },
					   { ".osrel", text, UKI_TEXT_MAX, 0 },
					   { ".uname", "6.12", 4, 10 * UKI_TEXT_MAX } };
	struct opened o = open_uki("257", s, COUNT(s), 0, &nothing_known);
	assert_int_equal(o.rc, 0);
	assert_int_equal(uki_text(&o.pool, &o.uki, UKI_CMDLINE, &read, &o.e), -PCRCAST_ELIMIT);
	assert_non_null(strstr(o.e.msg, "section .cmdline: "));
	assert_int_equal(uki_text(&o.pool, &o.uki, UKI_OSREL, &read, &o.e), 0);
	assert_int_equal(read.n, UKI_TEXT_MAX);
	assert_int_equal(uki_text(&o.pool, &o.uki, UKI_UNAME, &read, &o.e), 0);
	assert_true(slice_equal_string(read, "6.12"));
	done(&o);
	free(text);
}

static void a_section_has_a_place_in_the_file(void **state)
{
	static const struct built_section s[] = { TEXT(".linux", "kernel"),
						  { ".cmdline", "quiet", 5, 8000 } };
	struct opened o = open_uki("257", s, COUNT(s), 0, &nothing_known);

	(void)state;
	assert_string_equal(uki_section_place(&o.pool, &o.uki, UKI_LINUX),
			    "section .linux, file bytes 1024 to 1030");
	assert_string_equal(uki_section_place(&o.pool, &o.uki, UKI_CMDLINE),
			    "section .cmdline, file bytes 1536 to 2048");
	done(&o);
}

/* ---- what is a UKI ---- */

static void an_image_that_is_no_known_uki_is_refused(void **state)
{
	static const struct built_section s[] = { TEXT(".linux", "kernel"), TEXT(".osrel", "ID=test") };
	struct opened o;

	(void)state;
	o = open_uki(NULL, s, 2, 0, &nothing_known);
	assert_refused(&o, -PCRCAST_EUNSUPPORTED, "no systemd-stub: expected the text");
	o = open_uki("main", s, 2, 0, &nothing_known);
	assert_refused(&o, -PCRCAST_EUNSUPPORTED,
		       "systemd-stub version \"main\" does not begin with a number");
	o = open_uki("251.4", s, 2, 0, &nothing_known);
	assert_refused(&o, -PCRCAST_EUNSUPPORTED, "systemd-stub 251.4 is older than 252");
	o = open_uki("257", s + 1, 1, 0, &nothing_known);
	assert_refused(&o, -PCRCAST_EFORMAT, "no .linux section that systemd-stub 257 would use");
	o = open_uki("254", s, 2, 1, &nothing_known);
	assert_refused(&o, -PCRCAST_ENOTFOUND, "no profile 1: the image has 1 profile, 0");

	o = open_uki("263.1", s, 2, 0, &nothing_known);
	assert_int_equal(o.rc, 0);
	assert_true(o.uki.newer_than_known);
	done(&o);
	o = open_uki("262.1", s, 2, 0, &nothing_known);
	assert_false(o.uki.newer_than_known);
	done(&o);
}

static void a_kernel_whose_section_is_empty_is_missing(void **state)
{
	static const struct built_section s[] = { TEXT(".linux", "kernel") };
	size_t n;
	uint8_t *image = build_uki("257", s, 1, &n);

	(void)state;
	put_u32le(built_section_header(image, 1) + VIRTUAL_SIZE, 0);
	struct opened o = open_image(image, n, 0, &nothing_known);
	assert_refused(&o, -PCRCAST_EFORMAT, "no .linux section");
}

static void a_section_of_endless_zeros_is_refused(void **state)
{
	/* each by itself, and all together */
	static const struct built_section s[] = { TEXT(".linux", "kernel"),
						  { ".initrd", "x", 1, UINT32_MAX },
						  TEXT(".linux", "kernel"),
						  { ".osrel", "x", 1, 512 + PE_MAX_ZERO_FILL / 2 },
						  { ".cmdline", "x", 1, 512 + PE_MAX_ZERO_FILL / 2 },
						  { ".uname", "x", 1, 512 + 1 } };
	struct opened o = open_uki("257", s, 2, 0, &nothing_known);

	(void)state;
	assert_refused(&o, -PCRCAST_ELIMIT, "zeros");
	o = open_uki("257", s + 2, 3, 0, &nothing_known);
	assert_int_equal(o.rc, 0);
	done(&o);
	o = open_uki("257", s + 2, 4, 0, &nothing_known);
	assert_refused(&o, -PCRCAST_ELIMIT, "sections are filled up with more than 67108864 zeros");
}

static void a_uki_is_recognised(void **state)
{
	static const struct built_section s[] = { TEXT(".osrel", "ID=test"), TEXT(".linux", "kernel") };
	static const struct {
		const char *version;
		size_t from, n;
		bool expected;
	} rows[] = {
		{ "257", 0, 2, true }, { "257", 1, 1, true },  { NULL, 0, 2, true },
		{ NULL, 1, 1, false }, { "257", 0, 1, false }, { NULL, 0, 1, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct opened o = open_uki(rows[i].version, s + rows[i].from, rows[i].n, 0, &nothing_known);

		assert_int_equal(uki_looks_like(&o.pe, &o.id), rows[i].expected);
		done(&o);
	}
}

/* ---- SizeOfImage ---- */

static void a_section_beyond_size_of_image_counts_as_the_version_has_it(void **state)
{
	static const struct built_section s[] = { TEXT(".linux", "kernel"), TEXT(".cmdline", "one"),
						  TEXT(".cmdline", "two") };
	static const struct {
		const char *version;
		const char *cmdline;
		bool unsure;
	} rows[] = {
		{ "254", "two", false }, { "257.13", "one", false }, { "258", "one", true },
		{ "261", "one", true },  { "262", "two", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		/* one byte too far, and not */
		for (uint32_t beyond = 0; beyond < 2; beyond++) {
			size_t n;
			uint8_t *image = build_uki(rows[i].version, s, COUNT(s), &n);
			uint8_t *header = built_section_header(image, 2);
			uint32_t size = get_u32le(built_optional_header(image) + SIZE_OF_IMAGE);

			put_u32le(header + 12, size - 3 + beyond);
			struct opened o = open_image(image, n, 0, &nothing_known);
			const char *in_range = strcmp(rows[i].version, "254") == 0 ? "two" : "one";
			assert_section(&o, UKI_CMDLINE, beyond ? rows[i].cmdline : in_range);
			assert_int_equal(o.uki.unsure_range, beyond && rows[i].unsure);
			done(&o);
		}
}

static void the_end_of_a_section_does_not_wrap_around(void **state)
{
	static const struct built_section s[] = { TEXT(".linux", "kernel"), TEXT(".cmdline", "one") };
	size_t n;
	uint8_t *image = build_uki("262", s, COUNT(s), &n);

	(void)state;
	put_u32le(built_section_header(image, 2) + 12, UINT32_MAX - 1);
	struct opened o = open_image(image, n, 0, &nothing_known);
	assert_section(&o, UKI_CMDLINE, NULL);
	done(&o);
}

static void a_section_that_relocation_changes_is_refused(void **state)
{
	uint8_t table[12] = { 0 };
	const struct built_section s[] = { TEXT(".linux", "kernel"),
					   TEXT(".cmdline", "quiet"),
					   { ".reloc", table, sizeof table, 0 } };

	(void)state;
	for (size_t target = 0; target < 3; target++) {
		size_t n;
		uint8_t *image = build_uki("257", s, COUNT(s), &n);
		uint8_t *in_file = image + get_u32le(built_section_header(image, 3) + 20);

		/* .sdmagic, .linux, .cmdline: the stub itself may be relocated, what it measures may not */
		put_u32le(in_file, get_u32le(built_section_header(image, target) + 12));
		put_u32le(in_file + 4, sizeof table);
		put_u16le(in_file + 8, 10 << 12 | 2);
		put_u32le(built_directory(image, 5), get_u32le(built_section_header(image, 3) + 12));
		put_u32le(built_directory(image, 5) + 4, sizeof table);
		struct opened o = open_image(image, n, 0, &nothing_known);
		if (target == 0) {
			assert_section(&o, UKI_CMDLINE, "quiet");
			done(&o);
		} else {
			assert_refused(&o, -PCRCAST_EUNSUPPORTED,
				       target == 1 ? "the base relocations change section .linux" :
						     "the base relocations change section .cmdline");
		}
	}
}

/* ---- addons ---- */

static void an_addon_may_lack_any_section(void **state)
{
	static const struct built_section s[] = { TEXT(".cmdline", "extra"), TEXT(".cmdline", "last") };

	(void)state;
	for (unsigned version = 254; version <= 262; version++) {
		struct opened o = open_uki(NULL, s, 2, 0, &nothing_known);

		o.rc = uki_open_addon(&o.pool, &o.pe, rules_of(version), &nothing_known, &o.uki, &o.e);
		assert_section(&o, UKI_CMDLINE, version < 257 ? "last" : "extra");
		assert_section(&o, UKI_LINUX, NULL);
		assert_section(&o, UKI_UNAME, NULL);
		done(&o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(up_to_256_the_last_section_whose_name_begins_so_counts),
		cmocka_unit_test(from_257_the_first_section_of_exactly_the_name_counts),
		cmocka_unit_test(sections_that_a_version_does_not_know_are_not_used),
		cmocka_unit_test(an_empty_section_that_counts_hides_the_others),
		cmocka_unit_test(content_is_what_lies_in_memory),
		cmocka_unit_test(text_that_is_too_long_is_refused),
		cmocka_unit_test(a_section_has_a_place_in_the_file),
		cmocka_unit_test(an_image_that_is_no_known_uki_is_refused),
		cmocka_unit_test(a_kernel_whose_section_is_empty_is_missing),
		cmocka_unit_test(a_section_of_endless_zeros_is_refused),
		cmocka_unit_test(a_uki_is_recognised),
		cmocka_unit_test(a_section_beyond_size_of_image_counts_as_the_version_has_it),
		cmocka_unit_test(the_end_of_a_section_does_not_wrap_around),
		cmocka_unit_test(a_section_that_relocation_changes_is_refused),
		cmocka_unit_test(an_addon_may_lack_any_section),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
