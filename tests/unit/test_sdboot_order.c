#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "predict/sdboot.h"

static int make_pool(void **state)
{
	struct pool *p = calloc(1, sizeof *p);

	*state = p;
	return p ? 0 : -1;
}

static int drop_pool(void **state)
{
	pool_done(*state);
	free(*state);
	return 0;
}

/* Code units of a C string (NULL: none) in an exact-size block of the pool, with the 0 that struct utf16 promises. */
static struct utf16 wide(struct pool *pool, const char *text)
{
	struct utf16 u = { NULL, 0 };

	if (text)
		assert_int_equal(utf16_of_utf8(pool, text, &u, NULL), 0);
	return u;
}

/* ---- versions ---- */

static int sign(int r)
{
	return (r > 0) - (r < 0);
}

static int order(struct pool *pool, const char *a, const char *b)
{
	int r = sign(version_compare(wide(pool, a), wide(pool, b)));

	assert_int_equal(sign(version_compare(wide(pool, b), wide(pool, a))), -r);
	return r;
}

/* UAPI.10 Version Format Specification, "Examples"; the list in the comment of systemd's strverscmp_improved(). */
static void versions_of_the_specification_are_in_its_order(void **state)
{
	static const char *const list[] = {
		"122.1",   "123~rc1-1", "123",     "123-a",   "123-a.1", "123-1",
		"123-1.1", "123^post1", "123.a-1", "123.1-1", "123a-1",  "124-1"
	};

	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
		for (size_t k = 0; k < sizeof list / sizeof list[0]; k++)
			if (order(*state, list[i], list[k]) != (i > k) - (i < k))
				fail_msg("%s against %s", list[i], list[k]);
}

static void single_rules_of_the_version_order_hold(void **state)
{
	static const struct {
		const char *a, *b;
		int want;
	} rows[] = {
		{ "11", "11", 0 },
		{ "systemd-123", "systemd-123", 0 },
		{ "bar-123", "foo-123", -1 },
		{ "123a", "123", 1 },
		{ "123.a", "123", 1 },
		{ "123.a", "123.b", -1 },
		{ "123a", "123.a", 1 },
		{ "11α", "11β", 0 }, /* characters of no version are passed over */
		{ "A", "a", -1 },
		{ "", "0", -1 },
		{ "0.", "0", 1 },
		{ "0.0", "0", 1 },
		{ "0", "~", 1 },
		{ "", "~", 1 },
		{ "1_", "1", 0 },
		{ "_1", "1", 0 },
		{ "1_", "1.2", -1 },
		{ "1_2_3", "1.3.3", 1 },
		{ "1+", "1", 0 },
		{ "1+2", "1", 1 },
		{ "007", "7", 0 },
		{ "007", "8", -1 },
		{ "100", "99", 1 },
		{ "99999999999999999999999", "100000000000000000000000", -1 },
		{ "1.0", "1.a", 1 },
		{ "1.", "1.~", 1 },
		{ "linux-6.1", "linux-6.10", -1 },
		{ "6.1.0-9-amd64", "6.1.0-10-amd64", -1 },
		{ "6.9", "6.10~rc1", -1 },
		{ "6.10~rc1", "6.10", -1 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (order(*state, rows[i].a, rows[i].b) != rows[i].want)
			fail_msg("%s against %s", rows[i].a, rows[i].b);
}

static void a_missing_version_is_an_empty_one(void **state)
{
	assert_int_equal(order(*state, NULL, NULL), 0);
	assert_int_equal(order(*state, NULL, ""), 0);
	assert_int_equal(order(*state, NULL, "1"), -1);
	assert_int_equal(order(*state, NULL, "~"), 1);
}

static uint32_t next_random(uint64_t *s)
{
	*s = *s * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*s >> 33);
}

static void random_text(uint64_t *s, char *ret, size_t size)
{
	static const char alphabet[] = "~-^.aAbz0019_+";
	size_t n = next_random(s) % size;

	for (size_t i = 0; i < n; i++)
		ret[i] = alphabet[next_random(s) % (sizeof alphabet - 1)];
	ret[n] = '\0';
}

/* Antisymmetry is checked by order(); transitivity of "older" here. */
static void random_versions_are_in_one_order(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct pool pool = POOL_INIT;
		char a[9], b[9], c[9];

		random_text(&seed, a, sizeof a);
		random_text(&seed, b, sizeof b);
		random_text(&seed, c, sizeof c);
		int ab = order(&pool, a, b), bc = order(&pool, b, c), ac = order(&pool, a, c);
		if (ab <= 0 && bc <= 0 && ac != (ab || bc ? -1 : 0))
			fail_msg("\"%s\" \"%s\" \"%s\"", a, b, c);
		assert_int_equal(order(&pool, a, a), 0);
		pool_done(&pool);
	}
}

/* ---- patterns ---- */

static void patterns_match_as_in_systemd(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool want;
	} rows[] = {
		{ "", "", true },
		{ "", "a", false },
		{ "a", "", false },
		{ "abc", "abc", true },
		{ "abc", "ab", false },
		{ "ab", "abc", false },
		{ "?", "a", true },
		{ "?", "", false },
		{ "a?c", "abc", true },
		{ "???", "ab", false },
		{ "*", "", true },
		{ "*", "abc", true },
		{ "**", "", true },
		{ "a*", "a", true },
		{ "a*", "b", false },
		{ "*c", "abc", true },
		{ "*c", "abcd", false },
		{ "a*c", "abbc", true },
		{ "a*b*c", "aXbYc", true },
		{ "a*b*c", "acb", false },
		{ "*ab", "aab", true },
		{ "*aab", "aaab", true },
		{ "*a?b*", "xxaXbyy", true },
		{ "*?", "", false },
		{ "?*", "x", true },
		{ "*b*", "aaa", false },
		{ "debian-*.efi", "debian-6.1.efi", true },
		{ "debian-*.efi", "debian-6.1.efi.extra", false },
		/* sets */
		{ "[abc]", "b", true },
		{ "[abc]", "d", false },
		{ "[abc]", "", false },
		{ "[]", "]", false },
		{ "[]]", "]", true },
		{ "[]a]", "a", true },
		{ "[a", "a", false },
		{ "[", "[", false },
		{ "[a]b", "ab", true },
		{ "[!a]", "b", false }, /* no negation */
		{ "[!a]", "!", true },
		{ "[*]", "*", true },
		{ "[*]", "a", false },
		{ "[?]", "?", true },
		{ "x[", "x", false },
		/* ranges */
		{ "[a-c]", "b", true },
		{ "[a-c]", "d", false },
		{ "[a-c]", "-", false },
		{ "[-a]", "-", true },
		{ "[a-]", "-", true },
		{ "[a-]", "a", true },
		{ "[c-a]", "b", false },
		{ "[a-c-f]", "d", false }, /* ranges do not chain */
		{ "[a-c-f]", "-", true },
		{ "[a-c-f]", "f", true },
		{ "[0-9a-f]", "e", true },
		{ "[0-9a-f]", "g", false },
		{ "[a-\\c]", "b", true },
		{ "[a-\\]]", "b", false },
		{ "[]-a]", "^", true },
		{ "[a-", "b", false },
		/* escapes */
		{ "\\*", "*", true },
		{ "\\*", "a", false },
		{ "\\?", "?", true },
		{ "\\[a]", "[a]", true },
		{ "\\\\", "\\", true },
		{ "\\", "\\", false },
		{ "a\\", "a", false },
		{ "[\\]]", "]", true },
		{ "[\\-a]", "-", true },
		{ "[\\", "\\", false },
		{ "*\\", "a", false },
		{ "[\\a-c]", "b", true },
		/* case matters here: both are in lower case by then */
		{ "A", "a", false },
		{ "ä*", "äb", true },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (pattern_matches(wide(*state, rows[i].pattern), wide(*state, rows[i].text)) !=
		    rows[i].want)
			fail_msg("%s against %s", rows[i].pattern, rows[i].text);
}

/* ---- order and choice ---- */

struct row {
	const char *id, *id_without_profile, *sort_key, *machine_id, *version;
	int tries_left, tries_done;
	unsigned profile;
};

#define NO_COUNTER .tries_left = -1, .tries_done = -1
enum { ROWS_MAX = 8 };

static struct boot_menu menu_of(struct pool *pool, const struct sdboot_rules *rules, const struct row *rows)
{
	struct boot_menu menu = { .rules = rules,
				  .entries = pool_array(pool, ROWS_MAX, sizeof(struct boot_entry)) };

	for (; rows[menu.n].id; menu.n++) {
		const struct row *r = &rows[menu.n];

		menu.entries[menu.n] = (struct boot_entry){
			.id = wide(pool, r->id),
			.id_without_profile = wide(pool, r->id_without_profile),
			.sort_key = wide(pool, r->sort_key),
			.machine_id = wide(pool, r->machine_id),
			.version = wide(pool, r->version),
			.file = r->id,
			.tries_left = r->tries_left,
			.tries_done = r->tries_done,
			.profile = r->profile,
		};
	}
	return menu;
}

/* Sorted, whatever order they came in, the rows stand as they are written. */
static void assert_order(struct pool *pool, const struct sdboot_rules *rules, const struct row *rows)
{
	size_t n = 0;

	while (rows[n].id)
		n++;
	for (size_t turn = 0; turn < 2 * n; turn++) {
		struct row turned[ROWS_MAX + 1] = { 0 };

		for (size_t i = 0; i < n; i++)
			turned[i] = rows[turn < n ? (i + turn) % n : (2 * n - 1 - i + turn) % n];
		struct boot_menu menu = menu_of(pool, rules, turned);
		menu_sort(&menu);
		for (size_t i = 0; i < n; i++)
			assert_string_equal(menu.entries[i].file, rows[i].id);
	}
}

static const struct sdboot_rules *rules_of(unsigned major)
{
	bool newer;

	return sdboot_rules_for((struct sd_version){ major, 99 }, &newer);
}

static void without_sort_keys_the_newest_id_is_first(void **state)
{
	static const struct row rows[] = { { .id = "debian-6.10.conf", NO_COUNTER },
					   { .id = "debian-6.9.conf", NO_COUNTER },
					   { .id = "debian-6.9~rc1.conf", NO_COUNTER },
					   { .id = "arch-7.conf", NO_COUNTER },
					   { 0 } };

	assert_order(*state, rules_of(252), rows);
	assert_order(*state, rules_of(262), rows);
}

static void sort_keys_go_before_everything_else(void **state)
{
	static const struct row rows[] = {
		{ .id = "z1", .sort_key = "Debian", NO_COUNTER }, /* upper case is less */
		{ .id = "a1", .sort_key = "arch", .version = "2", NO_COUNTER },
		{ .id = "a2", .sort_key = "arch", .version = "1", NO_COUNTER },
		{ .id = "a0", .sort_key = "arch", NO_COUNTER },
		{ .id = "a9", .sort_key = "arch", .machine_id = "1", .version = "1", NO_COUNTER },
		{ .id = "a3", .sort_key = "arch", .machine_id = "2", .version = "9", NO_COUNTER },
		{ .id = "zzz", NO_COUNTER },
		{ 0 },
	};

	assert_order(*state, rules_of(252), rows);
	assert_order(*state, rules_of(262), rows);
}

static void entries_without_tries_left_are_last(void **state)
{
	static const struct row rows[] = {
		{ .id = "a", .sort_key = "z", .tries_left = 1, .tries_done = 0 },
		{ .id = "b", NO_COUNTER },
		{ .id = "c", .sort_key = "a", .tries_left = 0, .tries_done = 3 },
		{ .id = "z", .tries_left = 0, .tries_done = 3 },
		{ 0 },
	};

	assert_order(*state, rules_of(252), rows);
}

static void of_equal_ids_the_one_with_more_tries_left_is_first(void **state)
{
	static const struct row rows[] = {
		{ .id = "x", .version = "0", .tries_left = 5, .tries_done = 1 },
		{ .id = "x", .version = "1", .tries_left = 3, .tries_done = 0 },
		{ .id = "x", .version = "2", .tries_left = 3, .tries_done = 2 },
		{ 0 },
	};
	struct boot_menu menu = menu_of(*state, rules_of(262), rows);

	for (int i = 0; i < 2; i++) {
		menu_sort(&menu);
		assert_int_equal(menu.entries[0].tries_left, 5);
		assert_int_equal(menu.entries[1].tries_done, 0);
		assert_int_equal(menu.entries[2].tries_done, 2);
		struct boot_entry swap = menu.entries[0];
		menu.entries[0] = menu.entries[2];
		menu.entries[2] = swap;
	}
}

/* 257 knows profiles and sorts by id first; 262 by profile before the id. */
static void profiles_follow_their_entry_or_its_version(void **state)
{
	static const struct row by_id[] = {
		{ .id = "b@1",
		  .id_without_profile = "b",
		  .sort_key = "k",
		  .version = "1",
		  .profile = 1,
		  NO_COUNTER },
		{ .id = "b@2",
		  .id_without_profile = "b",
		  .sort_key = "k",
		  .version = "1",
		  .profile = 2,
		  NO_COUNTER },
		{ .id = "a@1",
		  .id_without_profile = "a",
		  .sort_key = "k",
		  .version = "1",
		  .profile = 1,
		  NO_COUNTER },
		{ .id = "a@2",
		  .id_without_profile = "a",
		  .sort_key = "k",
		  .version = "1",
		  .profile = 2,
		  NO_COUNTER },
		{ 0 },
	};
	const struct row by_profile[] = { by_id[0], by_id[2], by_id[1], by_id[3], { 0 } };

	assert_order(*state, rules_of(257), by_id);
	assert_order(*state, rules_of(262), by_profile);
}

static void equal_entries_stay_in_the_order_found(void **state)
{
	static const struct row rows[] = { { .id = "x", .profile = 3, NO_COUNTER },
					   { .id = "x", .profile = 2, NO_COUNTER },
					   { .id = "x", .profile = 1, NO_COUNTER },
					   { 0 } };
	struct boot_menu menu = menu_of(*state, rules_of(252), rows);

	menu_sort(&menu);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(menu.entries[i].profile, 3 - i);
}

static const char *choice(struct pool *pool, const struct sdboot_rules *rules, const struct row *rows,
			  const char *preferred, const char *preset)
{
	struct boot_menu menu = menu_of(pool, rules, rows);
	struct loader_conf conf = { .choices = { [CHOICE_PREFERRED] = wide(pool, preferred),
						 [CHOICE_DEFAULT] = wide(pool, preset) } };
	enum choice by;
	const struct boot_entry *e = menu_choose(&menu, &conf, &by);

	return e ? e->file : "";
}

static void the_default_pattern_chooses_else_the_first_entry(void **state)
{
	static const struct row rows[] = { { .id = "a-2.conf", NO_COUNTER },
					   { .id = "b-1.conf", .tries_left = 0 },
					   { .id = "b-0.conf", NO_COUNTER },
					   { 0 } };
	static const struct row none[] = { { 0 } };

	assert_string_equal(choice(*state, rules_of(252), rows, NULL, NULL), "a-2.conf");
	assert_string_equal(choice(*state, rules_of(252), rows, NULL, "b-*"),
			    "b-1.conf"); /* bad ones count too */
	assert_string_equal(choice(*state, rules_of(252), rows, NULL, "b-0.conf"), "b-0.conf");
	assert_string_equal(choice(*state, rules_of(252), rows, NULL, "c*"), "a-2.conf");
	assert_string_equal(choice(*state, rules_of(252), rows, NULL, ""), "a-2.conf");
	assert_string_equal(choice(*state, rules_of(252), none, NULL, "*"), "");
}

static void preferred_goes_before_default_and_passes_over_bad_entries(void **state)
{
	static const struct row rows[] = { { .id = "a", NO_COUNTER },
					   { .id = "b-1", .tries_left = 0 },
					   { .id = "b-2", .tries_left = 1 },
					   { 0 } };

	assert_string_equal(choice(*state, rules_of(262), rows, "b-*", "a"), "b-2");
	assert_string_equal(choice(*state, rules_of(262), rows, "b-1", "b-*"),
			    "b-1"); /* falls through to default */
	assert_string_equal(choice(*state, rules_of(262), rows, "b-1", NULL), "a");
}

/* config_select_default_entry() of 262: no pattern, only profile 0; nothing of profile 0: the head of the menu. */
static void without_a_pattern_262_chooses_profile_0(void **state)
{
	static const struct row rows[] = { { .id = "a@1", .profile = 1, NO_COUNTER },
					   { .id = "a", NO_COUNTER },
					   { 0 } };
	static const struct row only[] = { { .id = "a@2", .profile = 2, NO_COUNTER },
					   { .id = "a@1", .profile = 1, NO_COUNTER },
					   { 0 } };

	assert_string_equal(choice(*state, rules_of(257), rows, NULL, NULL), "a@1");
	assert_string_equal(choice(*state, rules_of(262), rows, NULL, NULL), "a");
	assert_string_equal(choice(*state, rules_of(262), rows, NULL, "*@1"), "a@1");
	assert_string_equal(choice(*state, rules_of(262), only, NULL, NULL), "a@2");
}

static void versions_have_the_row_that_began_last(void **state)
{
	bool newer;

	(void)state;
	assert_null(sdboot_rules_for((struct sd_version){ 251, 99 }, &newer));
	assert_false(sdboot_rules_for((struct sd_version){ 254, 26 }, &newer)->measures_config);
	assert_true(sdboot_rules_for((struct sd_version){ 255, 0 }, &newer)->measures_config);
	assert_true(sdboot_rules_for((struct sd_version){ 254, 0 }, &newer)->passes_uki_line);
	assert_false(sdboot_rules_for((struct sd_version){ 255, 1 }, &newer)->passes_uki_line);
	assert_false(newer);
	assert_ptr_equal(sdboot_rules_for((struct sd_version){ 300, 0 }, &newer),
			 sdboot_rules_for((struct sd_version){ 262, 0 }, &(bool){ false }));
	assert_true(newer);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_pool, drop_pool)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(versions_of_the_specification_are_in_its_order),
		TEST(single_rules_of_the_version_order_hold),
		TEST(a_missing_version_is_an_empty_one),
		TEST(random_versions_are_in_one_order),
		TEST(patterns_match_as_in_systemd),
		TEST(without_sort_keys_the_newest_id_is_first),
		TEST(sort_keys_go_before_everything_else),
		TEST(entries_without_tries_left_are_last),
		TEST(of_equal_ids_the_one_with_more_tries_left_is_first),
		TEST(profiles_follow_their_entry_or_its_version),
		TEST(equal_entries_stay_in_the_order_found),
		TEST(the_default_pattern_chooses_else_the_first_entry),
		TEST(preferred_goes_before_default_and_passes_over_bad_entries),
		TEST(without_a_pattern_262_chooses_profile_0),
		TEST(versions_have_the_row_that_began_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
