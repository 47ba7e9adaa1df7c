/* What differs between two logs: which events are the same, moved, changed, added, removed. */
#include <stdio.h>

#include "tests/unit/diff_sample.h"

static void equal_logs_do_not_differ(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct result r;

	(void)state;
	add_separator(&a, 0);
	add_text(&a, 4, EV_EFI_ACTION, "Calling", "Calling");
	add_text(&b, 4, EV_EFI_ACTION, "Calling",
		 "Calling"); /* the order between registers does not matter */
	add_separator(&b, 0);
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 0);
	assert_int_equal(r.d.n_not_compared, 0);
	finish(&r, &a, &b);
}

static void an_empty_log_has_nothing(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = EVENTLOG_INIT;
	struct result r;

	(void)state;
	add_separator(&a, 0);
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 0); /* it tells of no register */
	assert_int_equal(r.d.n_not_compared, 1);
	finish(&r, &a, &b);
}

static void insertions_and_removals_are_found_where_they_are(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	static const char *const in_a[] = { "one", "two", "gone", "three" }, *const in_b[] = { "one", "new",
											       "two", "three",
											       "last" };
	struct result r;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		add_text(&a, 4, EV_EFI_ACTION, in_a[i], in_a[i]);
	for (size_t i = 0; i < 5; i++)
		add_text(&b, 4, EV_EFI_ACTION, in_b[i], in_b[i]);
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 3);
	assert_item(&r, 0, CHANGE_ADDED, SIZE_MAX, 1,
		    "new: digest 11507a0e2f5e…"); /* printf new | sha256sum */
	assert_item(&r, 1, CHANGE_REMOVED, 2, SIZE_MAX, NULL);
	assert_item(&r, 2, CHANGE_ADDED, SIZE_MAX, 4, NULL);
	finish(&r, &a, &b);
}

static void another_order_is_a_move(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct result r;

	(void)state;
	add_text(&a, 4, EV_EFI_ACTION, "one", "one");
	add_text(&a, 4, EV_EFI_ACTION, "two", "two");
	add_text(&b, 4, EV_EFI_ACTION, "two", "two");
	add_text(&b, 4, EV_EFI_ACTION, "one", "one");
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 1);
	assert_int_equal(r.d.items[0].change, CHANGE_MOVED);
	assert_string_equal(r.d.items[0].description, "one: place 1 → 2 in the register");
	finish(&r, &a, &b);
}

static void an_image_is_named_by_its_file(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);

	(void)state;
	add_image(&a, 0x1000, 10, "02010c00d041030a00000000", "\\EFI\\a.efi", "old");
	add_image(&b, 0x2000, 12, "02010c00d041030a00000000", "\\EFI\\a.efi", "new");
	/* printf old | sha256sum, printf new | sha256sum */
	assert_only(&a, &b, CHANGE_CHANGED,
		    "boot application \\EFI\\a.efi: digest cba06b5736fa… → 11507a0e2f5e…, length 10 → 12");
}

static void an_image_is_the_same_wherever_it_lay(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct result r;

	(void)state;
	add_image(&a, 0, 10, "", "\\EFI\\a.efi", "x"); /* as a prediction has it */
	add_image(&b, 0x2000, 10, "02010c00d041030a00000000", "\\efi\\A.EFI", "x");
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 0);
	finish(&r, &a, &b);
}

static void files_are_found_again_behind_an_inserted_one(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct result r;

	(void)state;
	add_image(&a, 0, 10, "", "\\EFI\\Linux\\a.efi", "a");
	add_image(&b, 0, 10, "", "\\EFI\\BOOT\\loader.efi", "loader");
	add_image(&b, 0, 10, "", "\\efi\\linux\\A.efi", "other");
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 2);
	assert_item(&r, 0, CHANGE_CHANGED, 0, 1, NULL);
	assert_item(&r, 1, CHANGE_ADDED, SIZE_MAX, 0, NULL);
	finish(&r, &a, &b);
}

static void a_new_file_in_the_directory_stands_in(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);

	(void)state;
	add_image(&a, 0, 10, "", "\\EFI\\Linux\\a-1.efi", "old");
	add_image(&b, 0, 10, "", "\\EFI\\Linux\\a-2.efi", "new");
	assert_only(&a, &b, CHANGE_CHANGED,
		    "boot application \\EFI\\Linux\\a-2.efi: digest cba06b5736fa… → 11507a0e2f5e…, "
		    "file \"\\EFI\\Linux\\a-1.efi\" → \"\\EFI\\Linux\\a-2.efi\"");

	a = new_log(ALG_SHA256);
	b = new_log(ALG_SHA256);
	struct result r;
	add_image(&a, 0, 10, "", "\\EFI\\Linux\\a.efi", "old");
	add_image(&b, 0, 10, "", "\\EFI\\BOOT\\b.efi", "new");
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 2);
	finish(&r, &a, &b);
}

static void a_name_of_something_else_is_not_a_change(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct result r;

	(void)state;
	add_wide(&a, 12, "Credentials initrd", "cpio");
	add_wide(&b, 12, "Global credentials initrd", "other");
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 2);
	finish(&r, &a, &b);
}

static void a_section_counts_once(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct result r;

	(void)state;
	add_section(&a, ".linux", "same");
	add_section(&a, ".osrel", "old");
	add_section(&b, ".linux", "same");
	add_section(&b, ".osrel", "new");
	add_section(&b, ".splash", "picture");
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 2);
	assert_item(&r, 0, CHANGE_CHANGED, 3, 3, "section .osrel: digest cba06b5736fa… → 11507a0e2f5e…");
	assert_item(&r, 1, CHANGE_ADDED, SIZE_MAX, 5, NULL);
	finish(&r, &a, &b);
}

/* ---- what is compared ---- */

static void a_prediction_tells_of_its_registers_only(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	uint32_t pcrs = 1u << 12;
	struct result r;

	(void)state;
	add_separator(&a, 4);
	add_separator(&b, 0);
	add_separator(&b, 4);
	add_wide(&b, 12, "debug", NULL);
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 0);
	assert_int_equal(r.d.n_not_compared, 2);
	assert_int_equal(r.d.not_compared[0].pcr, 0);
	assert_int_equal(r.d.not_compared[1].pcr, 12);
	assert_int_equal(r.d.not_compared[1].n_a, 0);
	assert_int_equal(r.d.not_compared[1].n_b, 1);
	assert_int_equal(eventlog_diff(&r.pool, &a, &b, &pcrs, &r.d, NULL), 0);
	assert_int_equal(r.d.n, 1);
	assert_int_equal(r.d.n_not_compared, 0);
	assert_item(&r, 0, CHANGE_ADDED, SIZE_MAX, 2, NULL);
	finish(&r, &a, &b);
}

static void whole_logs_tell_of_every_register(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct result r;

	(void)state;
	add_separator(&a, 0);
	add_separator(&b, 0);
	add_wide(&b, 12, "debug", NULL);
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 1);
	assert_int_equal(r.d.n_not_compared, 0);
	finish(&r, &a, &b);
}

static void two_predictions_differ_in_their_registers(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct result r;

	(void)state;
	add_separator(&a, 4);
	add_separator(&b, 4);
	add_wide(&b, 12, "debug", NULL);
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 1);
	finish(&r, &a, &b);
}

static void the_startup_locality_is_compared_by_its_payload(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct result r;

	(void)state;
	add(&a, 0, EV_NO_ACTION, "StartupLocality\0\0", 17, "", 0);
	add(&b, 0, EV_NO_ACTION, "StartupLocality\0\3", 17, "", 0);
	add_separator(&a, 0);
	add_separator(&b, 0);
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 1);
	assert_item(&r, 0, CHANGE_CHANGED, 0, 0, NULL);
	finish(&r, &a, &b);
}

static void logs_that_cannot_be_compared_are_refused(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA1), cc = new_log(ALG_SHA256);
	struct pool pool = POOL_INIT;
	struct log_diff d;

	(void)state;
	add_separator(&a, 0);
	add_separator(&b, 0);
	assert_int_equal(eventlog_diff(&pool, &a, &b, NULL, &d, NULL), -PCRCAST_EINVAL);
	cc.kind = EVENTLOG_CC;
	add_separator(&cc, 1);
	assert_int_equal(eventlog_diff(&pool, &a, &cc, NULL, &d, NULL), -PCRCAST_EINVAL);
	pool_done(&pool);
	eventlog_done(&a);
	eventlog_done(&b);
	eventlog_done(&cc);
}

/* ---- long logs ---- */

enum { MANY = 20000, EVERY = 7 };

static void add_numbered(struct eventlog *log, const char *kind, unsigned number)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%s%u", kind, number);
	add(log, 10, EV_ACTION, text, strlen(text), text, strlen(text));
}

static void long_logs_are_aligned(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	size_t added = 0, removed = 0;
	struct result r;

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		add_numbered(&a, "event ", i);
		add_numbered(&b, i % EVERY ? "event " : "other ", i);
	}
	compare(&r, &a, &b);
	for (size_t i = 0; i < r.d.n; i++) {
		added += r.d.items[i].change == CHANGE_ADDED;
		removed += r.d.items[i].change == CHANGE_REMOVED;
	}
	assert_int_equal(added, (MANY + EVERY - 1) / EVERY);
	assert_int_equal(removed, added);
	assert_int_equal(r.d.n, added + removed);
	finish(&r, &a, &b);
}

static void long_logs_may_have_nothing_in_common(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct result r;

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		add_numbered(&a, "a", i);
		add_numbered(&b, "b", i);
	}
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 2 * MANY);
	finish(&r, &a, &b);
}

static void repeated_events_are_aligned_too(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct result r;

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		add_numbered(&a, "x", i % 3);
		add_numbered(&b, "x", i % 3);
	}
	add_numbered(&a, "end", 0);
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 1);
	assert_item(&r, 0, CHANGE_REMOVED, MANY, SIZE_MAX, NULL);
	finish(&r, &a, &b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_logs_do_not_differ),
		cmocka_unit_test(an_empty_log_has_nothing),
		cmocka_unit_test(insertions_and_removals_are_found_where_they_are),
		cmocka_unit_test(another_order_is_a_move),
		cmocka_unit_test(an_image_is_named_by_its_file),
		cmocka_unit_test(an_image_is_the_same_wherever_it_lay),
		cmocka_unit_test(files_are_found_again_behind_an_inserted_one),
		cmocka_unit_test(a_new_file_in_the_directory_stands_in),
		cmocka_unit_test(a_name_of_something_else_is_not_a_change),
		cmocka_unit_test(a_section_counts_once),
		cmocka_unit_test(a_prediction_tells_of_its_registers_only),
		cmocka_unit_test(whole_logs_tell_of_every_register),
		cmocka_unit_test(two_predictions_differ_in_their_registers),
		cmocka_unit_test(the_startup_locality_is_compared_by_its_payload),
		cmocka_unit_test(logs_that_cannot_be_compared_are_refused),
		cmocka_unit_test(long_logs_are_aligned),
		cmocka_unit_test(long_logs_may_have_nothing_in_common),
		cmocka_unit_test(repeated_events_are_aligned_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
