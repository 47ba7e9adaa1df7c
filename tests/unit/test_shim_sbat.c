/*
 * SBAT: the level that shim settles, and texts of generations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/build_shim_machine.h"

static void the_level_depends_on_version_policy_and_what_was_there(void **state)
{
	static const struct {
		const char *version;
		uint8_t policy; /* SbatPolicy; 0: none */
		const char *before, *after;
	} cases[] = {
		/* Secure Boot is off. */
		{ "15.4", 0, NULL, SBAT_ORIGINAL },
		{ "15.4", 0, "sbat,1,2030010100\n", "sbat,1,2030010100\n" },
		{ "15.4", 0, "junk", SBAT_ORIGINAL },
		{ "15.6", 0, NULL, SBAT_ORIGINAL },
		{ "15.6", 1, NULL, "sbat,1,2022052400\nshim,2\ngrub,2\n" },
		{ "15.7", 0, NULL, BUILT_AUTOMATIC },
		{ "15.7", 1, NULL, BUILT_LATEST },
		{ "15.7", 3, BUILT_LATEST, SBAT_ORIGINAL },
		{ "15.7", 0, "sbat,1,2030010100\nx,1\n", "sbat,1,2030010100\nx,1\n" },
		{ "15.8", 0, NULL, SBAT_ORIGINAL },
		{ "15.8", 0, "sbat,1,2030010100\nx,1\n", SBAT_ORIGINAL },
		{ "15.8", 2, NULL, BUILT_AUTOMATIC },
		{ "16.1", 1, NULL, BUILT_LATEST },
		{ "16.1", 1, "sbat,1,2030010100\nx,1\n", "sbat,1,2030010100\nx,1\n" },
		{ "16.1", 9, NULL, SBAT_ORIGINAL },
	};
	struct esp *x = *state;
	struct shim_machine f;

	put_kernel(x, "EFI/BOOT/grubx64.efi");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		print_message("%zu\n", i);
		shim_machine_start(&f, x);
		put_shim(x, SHIM_FIRST, (struct build_shim){ .version = cases[i].version });
		if (cases[i].before)
			set_mok(&f, "SbatLevel", cases[i].before);
		if (cases[i].policy)
			set_variable(&f, "SbatPolicy", &guid_shim_lock, 3, &cases[i].policy, 1);
		esp_predict(x);
		expect_14_bytes(x, "MokList", no_key());
		expect_14_bytes(x, "MokListX", no_key());
		expect_7_text(x, "SbatLevel", cases[i].after);
	}
}

static void newer_levels_stay(void **state)
{
	static const struct {
		const char *variable, *candidate;
		bool stays;
	} cases[] = {
		{ "sbat,1,2021030218\n", "sbat,1,2021030218\n", true },
		{ "sbat,1,2022052400\ngrub,2\n", "sbat,1,2021030218\n", true },
		{ "sbat,1,2021030218\n", "sbat,1,2022052400\ngrub,2\n", false },
		{ "sbat,2,2020010100\n", "sbat,1,2022052400\ngrub,2\n", true },
		{ "sbat,1,2030010100\n", "sbat,2,2022052400\n", true }, /* the later date counts after all */
		{ "sbat,10,202001010\n", "sbat,9,2022052400\n", true },
		{ "sbat,1,202103021\n", "sbat,1,2021030218\n", false }, /* too short */
		{ "SBAT,1,2030010100\n", "sbat,1,2021030218\n", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (sbat_level_stays(slice_of_string(cases[i].variable),
				     slice_of_string(cases[i].candidate)) != cases[i].stays)
			fail_msg("case %zu", i);
}

static void sbat_texts_are_read_as_shim_reads_them(void **state)
{
	static const char text[] = "\xef\xbb\xbfsbat,1,a,b,c,d,more\r\n\r\nloader,12x,a,b,c,d\nx,,a,b,c,d";
	struct pool pool = POOL_INIT;
	struct sbat image, level;

	(void)state;
	assert_string_equal(sbat_read(&pool, slice_of_string(text), SBAT_SECTION_COLUMNS, &image),
			    "row 3 of SBAT data: field 2 of 6 is missing");
	assert_null(
		sbat_read(&pool, (struct slice){ (const uint8_t *)text, 45 }, SBAT_SECTION_COLUMNS, &image));
	assert_int_equal(image.n, 2);
	assert_true(slice_equal_string(image.entries[1].name, "loader"));
	assert_int_equal(image.entries[1].generation, 12);
	/* Every shorter text: each row is whole or an error. */
	for (size_t n = 0; n <= sizeof text; n++) {
		uint8_t *exact = malloc(n ? n : 1);
		struct sbat s;

		assert_non_null(exact);
		memcpy(exact, text, n);
		const char *why = sbat_read(&pool, (struct slice){ exact, n }, SBAT_SECTION_COLUMNS, &s);
		assert_true(why || s.n <= 2);
		free(exact);
	}
	assert_null(
		sbat_read(&pool, slice_of_string("sbat,1,2021\nloader,13\n"), SBAT_LEVEL_COLUMNS, &level));
	assert_string_equal(sbat_revoked(&pool, &image, &level),
			    "component loader is of generation 12, SbatLevel wants 13");
	assert_null(sbat_read(&pool, slice_of_string("sbat,1,2021\nloader,12\nloade,99\n"),
			      SBAT_LEVEL_COLUMNS, &level));
	assert_null(sbat_revoked(&pool, &image, &level));
	assert_non_null(sbat_read(&pool, slice_of_string("sbat\n"), SBAT_LEVEL_COLUMNS, &level));
	assert_null(sbat_read(&pool, slice_of_string("\n\n"), SBAT_LEVEL_COLUMNS, &level));
	assert_int_equal(level.n, 0);
	pool_done(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ESP(the_level_depends_on_version_policy_and_what_was_there),
		cmocka_unit_test(newer_levels_stay),
		cmocka_unit_test(sbat_texts_are_read_as_shim_reads_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
