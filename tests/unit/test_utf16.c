/* UTF-16: strict on the way in, faithful to any code units on the way out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf16.h"

static struct pool pool;

static int end(void **state)
{
	(void)state;
	pool_done(&pool);
	return 0;
}

static void assert_units(struct utf16 s, const uint16_t *units, size_t n)
{
	assert_non_null(s.s);
	assert_int_equal(s.n, n);
	assert_memory_equal(s.s, units, 2 * n);
	assert_int_equal(s.s[n], 0);
}

static void text_becomes_code_units(void **state)
{
	static const struct {
		const char *text;
		uint16_t units[8];
		size_t n;
	} rows[] = {
		{ "", { 0 }, 0 },
		{ "quiet", { 'q', 'u', 'i', 'e', 't' }, 5 },
		{ "\x01\x7f", { 0x01, 0x7f }, 2 },
		{ "\xc2\x80\xdf\xbf", { 0x80, 0x7ff }, 2 },
		{ "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", { 0x800, 0xd7ff, 0xe000, 0xffff }, 4 },
		{ "\xf0\x90\x80\x80", { 0xd800, 0xdc00 }, 2 },
		{ "a\xf0\x9f\x98\x80z", { 'a', 0xd83d, 0xde00, 'z' }, 4 },
		{ "\xf4\x8f\xbf\xbf", { 0xdbff, 0xdfff }, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct utf16 s;

		assert_int_equal(utf16_of_utf8(&pool, rows[i].text, &s, NULL), 0);
		assert_units(s, rows[i].units, rows[i].n);
		assert_string_equal(utf16_to_utf8(&pool, s), rows[i].text);
	}
}

static void what_is_not_utf8_is_refused_with_its_place(void **state)
{
	static const char *const bad[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf",
		"\xc2",
		"\xc2g",
		"\xe0\x80\x80",
		"\xe0\x9f\xbf",
		"\xe1\x80",
		"\xe1\x80g",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf0\x8f\xbf\xbf",
		"\xf0\x90\x80",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xf8\x88\x80\x80",
		"\xfe",
		"\xff\xff\xff\xff",
		"\xf1\x80g\x80",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char text[16] = "ok\xc3\xa9";
		struct pcrcast_error e;
		struct utf16 s = { NULL, 4711 };

		strcat(text, bad[i]);
		assert_int_equal(utf16_of_utf8(&pool, text, &s, &e), -PCRCAST_EINVAL);
		assert_int_equal(e.offset, 4);
		assert_string_equal(e.msg, "not UTF-8 at byte 4");
		assert_int_equal(s.n, 4711);
	}
}

static void a_copy_ends_at_the_first_zero(void **state)
{
	static const uint16_t units[] = { 'a', 0xd800, 'c', 0, 'x' };

	(void)state;
	assert_units(utf16_copy(&pool, units, 5), units, 3);
	assert_units(utf16_copy(&pool, units, 4), units, 3);
	assert_units(utf16_copy(&pool, units, 2), units, 2);
	assert_units(utf16_copy(&pool, units, 0), units, 0);
	assert_units(utf16_copy(&pool, units + 3, 2), units, 0);
}

static void joining_puts_the_separator_between(void **state)
{
	static const uint16_t ab[] = { 'a', 'b', 0 }, c[] = { 'c', 0 };
	struct utf16 x = { ab, 2 }, y = { c, 1 };

	(void)state;
	assert_units(utf16_join(&pool, x, ' ', y), (const uint16_t[]){ 'a', 'b', ' ', 'c' }, 4);
	assert_units(utf16_join(&pool, x, 0, y), (const uint16_t[]){ 'a', 'b', 'c' }, 3);
	assert_units(utf16_join(&pool, UTF16_EMPTY, ' ', y), (const uint16_t[]){ ' ', 'c' }, 2);
	assert_units(utf16_join(&pool, x, ' ', UTF16_EMPTY), (const uint16_t[]){ 'a', 'b', ' ' }, 3);
	assert_units(utf16_join(&pool, UTF16_EMPTY, 0, UTF16_EMPTY), ab, 0);
}

static void a_string_is_built_of_many_parts(void **state)
{
	static const uint16_t ab[] = { 'a', 'b', 0 };
	struct utf16_builder b = UTF16_BUILDER(&pool);

	(void)state;
	assert_null(utf16_built(&b).s);
	utf16_add(&b, ' ', UTF16_EMPTY);
	assert_units(utf16_built(&b), ab, 0);
	for (size_t i = 0; i < 1000; i++) {
		utf16_add(&b, i % 2 ? ' ' : 0, (struct utf16){ ab, i % 3 });
		struct utf16 s = utf16_built(&b);
		assert_non_null(s.s);
		assert_int_equal(s.s[s.n], 0);
	}
	/* the same by joining */
	struct utf16 expected = UTF16_EMPTY;
	for (size_t i = 0; i < 1000; i++)
		expected = utf16_join(&pool, expected, i % 2 ? ' ' : 0, (struct utf16){ ab, i % 3 });
	struct utf16 s = utf16_built(&b);
	assert_units(s, expected.s, expected.n);
}

static void unpaired_surrogates_are_shown_as_replacement_characters(void **state)
{
	static const struct {
		uint16_t units[6];
		size_t n;
		const char *text;
	} rows[] = {
		{ { 0xd800 }, 1, "\xef\xbf\xbd" },
		{ { 0xdc00 }, 1, "\xef\xbf\xbd" },
		{ { 'a', 0xd83d, 'b' },
		  3,
		  "a\xef\xbf\xbd"
		  "b" },
		{ { 0xd83d, 0xd83d, 0xde00 }, 3, "\xef\xbf\xbd\xf0\x9f\x98\x80" },
		{ { 0xde00, 0xd83d }, 2, "\xef\xbf\xbd\xef\xbf\xbd" },
		{ { 0xdfff, 0xe000 }, 2, "\xef\xbf\xbd\xee\x80\x80" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		/* an exact-size block: looking past the last unit would be seen */
		uint16_t *units = malloc(rows[i].n * 2);

		assert_non_null(units);
		memcpy(units, rows[i].units, rows[i].n * 2);
		assert_string_equal(utf16_to_utf8(&pool, (struct utf16){ units, rows[i].n }), rows[i].text);
		free(units);
	}
}

static void bytes_are_little_endian_with_or_without_the_nul(void **state)
{
	static const uint16_t units[] = { 0x1234, 0xd8ff, 0 };
	struct utf16 s = { units, 2 };

	(void)state;
	struct slice with = utf16_bytes(&pool, s, true), without = utf16_bytes(&pool, s, false);
	assert_int_equal(with.n, 6);
	assert_memory_equal(with.p, "\x34\x12\xff\xd8\0\0", 6);
	assert_int_equal(without.n, 4);
	assert_memory_equal(without.p, "\x34\x12\xff\xd8", 4);
	assert_int_equal(utf16_bytes(&pool, UTF16_EMPTY, true).n, 2);
	assert_int_equal(utf16_bytes(&pool, UTF16_EMPTY, false).n, 0);
	assert_non_null(utf16_bytes(&pool, UTF16_EMPTY, false).p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(text_becomes_code_units, end),
		cmocka_unit_test_teardown(what_is_not_utf8_is_refused_with_its_place, end),
		cmocka_unit_test_teardown(a_copy_ends_at_the_first_zero, end),
		cmocka_unit_test_teardown(joining_puts_the_separator_between, end),
		cmocka_unit_test_teardown(a_string_is_built_of_many_parts, end),
		cmocka_unit_test_teardown(unpaired_surrogates_are_shown_as_replacement_characters, end),
		cmocka_unit_test_teardown(bytes_are_little_endian_with_or_without_the_nul, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
