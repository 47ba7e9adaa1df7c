/* Which sections of a UKI a version of systemd-stub uses: profiles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/uki_sample.h"

static const struct built_section profiles[] = {
	TEXT(".linux", "kernel"),     TEXT(".cmdline", "base"),     TEXT(".osrel", "os"),
	TEXT(".profile", "ID=main"), /* 0: adds nothing */
	TEXT(".profile", "ID=debug"), TEXT(".cmdline", "debug"),    TEXT(".initrd", "tools"),
	TEXT(".cmdline", "unused"),   TEXT(".profile", "ID=other"), TEXT(".linux", "other kernel"),
};

static void a_profile_overrides_and_adds_to_the_base(void **state)
{
	static const struct {
		unsigned profile;
		const char *text, *kernel, *cmdline, *initrd;
	} rows[] = {
		{ 0, "ID=main", "kernel", "base", NULL },
		{ 1, "ID=debug", "kernel", "debug", "tools" },
		{ 2, "ID=other", "other kernel", "base", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct opened o =
			open_uki("257.13", profiles, COUNT(profiles), rows[i].profile, &nothing_known);

		assert_section(&o, UKI_PROFILE, rows[i].text);
		assert_section(&o, UKI_LINUX, rows[i].kernel);
		assert_section(&o, UKI_CMDLINE, rows[i].cmdline);
		assert_section(&o, UKI_INITRD, rows[i].initrd);
		assert_section(&o, UKI_OSREL, "os");
		assert_int_equal(o.uki.n_profiles, 3);
		assert_true(o.uki.has_profile);
		done(&o);
	}
}

static void a_profile_that_is_not_there_is_named(void **state)
{
	struct opened o = open_uki("257", profiles, COUNT(profiles), 3, &nothing_known);

	(void)state;
	assert_refused(&o, -PCRCAST_ENOTFOUND, "no profile 3: the image has 3 profiles, counted from 0");
	o = open_uki("257", profiles, COUNT(profiles), UINT32_MAX, &nothing_known);
	assert_refused(&o, -PCRCAST_ENOTFOUND, "no profile 4294967295");
	o = open_uki("257", profiles, 3, 1, &nothing_known);
	assert_refused(&o, -PCRCAST_ENOTFOUND, "no profile 1: the image has 1 profile, 0");
}

static void profile_0_exists_without_any_profile_section(void **state)
{
	struct opened o = open_uki("257", profiles, 3, 0, &nothing_known);

	(void)state;
	assert_section(&o, UKI_PROFILE, NULL);
	assert_section(&o, UKI_CMDLINE, "base");
	assert_int_equal(o.uki.n_profiles, 0);
	assert_true(o.uki.has_profile);
	done(&o);
}

static void an_empty_section_of_a_profile_takes_the_base_one_away(void **state)
{
	size_t n;
	uint8_t *image = build_uki("257", profiles, COUNT(profiles), &n);

	(void)state;
	put_u32le(built_section_header(image, 1 + 5) + VIRTUAL_SIZE, 0);
	struct opened o = open_image(image, n, 1, &nothing_known);
	assert_section(&o, UKI_CMDLINE, NULL);
	assert_section(&o, UKI_INITRD, "tools");
	done(&o);
}

static void a_stub_without_profiles_takes_sections_of_the_whole_table(void **state)
{
	struct opened o = open_uki("256", profiles, COUNT(profiles), 0, &nothing_known);

	(void)state;
	assert_section(&o, UKI_LINUX, "other kernel");
	assert_section(&o, UKI_CMDLINE, "unused");
	assert_section(&o, UKI_PROFILE, NULL);
	assert_int_equal(o.uki.n_profiles, 0);
	done(&o);
}

static void a_single_section_is_found_as_the_boot_loader_would(void **state)
{
	struct opened o = open_uki("257", profiles, COUNT(profiles), 0, &nothing_known);
	const struct pe_section *t = o.pe.sections + 1; /* behind .sdmagic */
	bool exists;

	(void)state;
	assert_ptr_equal(uki_find_section(&o.pe, MATCH_EXACT_FIRST, 0, ".cmdline", &exists), t + 1);
	assert_true(exists);
	assert_ptr_equal(uki_find_section(&o.pe, MATCH_EXACT_FIRST, 1, ".cmdline", &exists), t + 5);
	assert_true(exists);
	assert_ptr_equal(uki_find_section(&o.pe, MATCH_EXACT_FIRST, 2, ".cmdline", &exists), t + 1);
	assert_ptr_equal(uki_find_section(&o.pe, MATCH_EXACT_FIRST, 2, ".profile", &exists), t + 8);
	assert_true(exists);
	(void)uki_find_section(&o.pe, MATCH_EXACT_FIRST, 3, ".cmdline", &exists);
	assert_false(exists);
	assert_null(uki_find_section(&o.pe, MATCH_EXACT_FIRST, 0, ".initrd", &exists));
	assert_null(uki_find_section(&o.pe, MATCH_EXACT_FIRST, 0, ".cmd", &exists));
	assert_ptr_equal(uki_find_section(&o.pe, MATCH_PREFIX_LAST, 0, ".cmd", &exists), t + 7);
	assert_true(exists);
	done(&o);

	o = open_uki("257", profiles, 3, 0, &nothing_known);
	assert_ptr_equal(uki_find_section(&o.pe, MATCH_EXACT_FIRST, 0, ".cmdline", &exists),
			 o.pe.sections + 2);
	assert_true(exists);
	done(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_profile_overrides_and_adds_to_the_base),
		cmocka_unit_test(a_profile_that_is_not_there_is_named),
		cmocka_unit_test(profile_0_exists_without_any_profile_section),
		cmocka_unit_test(an_empty_section_of_a_profile_takes_the_base_one_away),
		cmocka_unit_test(a_stub_without_profiles_takes_sections_of_the_whole_table),
		cmocka_unit_test(a_single_section_is_found_as_the_boot_loader_would),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
