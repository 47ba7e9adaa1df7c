/* The order of menu entries by the names of their files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "predict/grub.h"

/* Each is newer than those before it; equal ones stand in one row. */
static void packages_compare_as_rpm_compares_them(void **state)
{
	static const char *const rows[][2] = {
		{ "a", NULL },
		{ "a-1~rc1-1", NULL },
		{ "a-1-1", "a-1.-01" },
		{ "a-1-1+b", NULL },
		{ "a-1-2", NULL },
		{ "a-1.a-1", NULL },
		{ "a-1.1-1", "a-1_1-1" },
		{ "a-5.9.0-1", NULL },
		{ "a-5.10.0-1", NULL },
		{ "b-1-1", NULL },
	};
	const size_t n = sizeof rows / sizeof rows[0];

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++) {
			int c = grub_compare_packages(rows[i][0], rows[j][0]);

			if ((c > 0) != (i > j) || (c < 0) != (i < j))
				fail_msg("%s and %s: %d", rows[i][0], rows[j][0], c);
			if (rows[i][1])
				assert_int_equal(grub_compare_packages(rows[i][1], rows[j][0]), c);
		}
}

/* LC_ALL=C sort -V of coreutils 9.1, which has the same function. */
static void files_compare_as_sort_v_sorts_them(void **state)
{
	static const char *const rows[] = { "",          ".x.conf",    "A.conf",   "a.conf",    "a-1~rc.conf",
					    "a-1.conf",  "a-1.0.conf", "a-9.conf", "a-10.conf", "a_1.conf",
					    "lab+1.conf" };
	const size_t n = sizeof rows / sizeof rows[0];

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++) {
			int c = grub_compare_files(rows[i], rows[j]);

			if ((c > 0) != (i > j) || (c < 0) != (i < j))
				fail_msg("%s and %s: %d", rows[i], rows[j], c);
		}
	assert_int_equal(grub_compare_files("a-01.conf", "a-1.conf"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packages_compare_as_rpm_compares_them),
		cmocka_unit_test(files_compare_as_sort_v_sorts_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
