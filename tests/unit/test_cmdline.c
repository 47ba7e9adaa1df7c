#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "predict/cmdline.h"

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

/* Decode an exact-size copy, so that AddressSanitizer sees one byte too far. */
static void assert_decodes(struct pool *pool, const void *bytes, size_t n, const uint16_t *want,
			   size_t n_want)
{
	struct pcrcast_error e;
	struct utf16 got;
	uint8_t *copy = malloc(n ? n : 1);

	assert_non_null(copy);
	if (n)
		memcpy(copy, bytes, n);
	assert_int_equal(cmdline_of_utf8(pool, (struct slice){ copy, n }, &got, &e), 0);
	free(copy);
	assert_int_equal(got.n, n_want);
	if (n_want)
		assert_memory_equal(got.s, want, 2 * n_want);
	assert_int_equal(got.s[got.n], 0);
}

#define DECODES(pool, text, ...)                                                                         \
	do {                                                                                             \
		const uint16_t want_[] = { __VA_ARGS__ };                                                \
		assert_decodes((pool), (text), sizeof(text) - 1, want_, sizeof want_ / sizeof want_[0]); \
	} while (0)
#define DECODES_TO_NOTHING(pool, text) assert_decodes((pool), (text), sizeof(text) - 1, NULL, 0)

static void text_is_decoded_up_to_the_first_nul(void **state)
{
	DECODES(*state, "ab", 'a', 'b');
	DECODES(*state, "ab\0cd", 'a', 'b');
	DECODES_TO_NOTHING(*state, "");
	DECODES_TO_NOTHING(*state, "\0ab");
	DECODES(*state, "\x01\n\x7f", 1, '\n', 0x7f);
}

static void characters_of_two_and_three_bytes_are_one_unit(void **state)
{
	DECODES(*state, "\xc3\xa4x", 0xe4, 'x');
	DECODES(*state, "\xe2\x82\xac", 0x20ac);
	DECODES(*state, "\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", 0xd7ff, 0xe000, 0xffff);
}

static void what_utf16_needs_two_units_for_is_dropped(void **state)
{
	DECODES(*state, "a\xf0\x9f\x98\x80z", 'a', 'z');         /* U+1F600 */
	DECODES(*state, "a\xed\xa0\x80\xed\xbf\xbfz", 'a', 'z'); /* U+D800, U+DFFF */
	DECODES(*state, "a\xf8\x88\x80\x80\x80z", 'a', 'z');     /* five bytes, U+200000 */
	DECODES(*state, "a\xfc\x84\x80\x80\x80\x80z", 'a', 'z'); /* six bytes, U+4000000 */
}

static void overlong_forms_count_as_their_character(void **state)
{
	DECODES(*state, "\xc1\x81", 'A');
	DECODES(*state, "\xe0\x81\x81", 'A');
	DECODES(*state, "\xf0\x80\x81\x81", 'A');
	DECODES(*state, "\xf8\x80\x80\x81\x81", 'A');
	DECODES(*state, "\xfc\x80\x80\x80\x81\x81", 'A');
	/* an overlong U+0000 ends the string for all that read it */
	DECODES(*state, "a\xc0\x80z", 'a');
}

static void an_invalid_lead_byte_is_dropped_alone(void **state)
{
	DECODES(*state, "a\x80z", 'a', 'z');
	DECODES(*state, "a\xbfz", 'a', 'z');
	DECODES(*state, "a\xfez", 'a', 'z');
	DECODES(*state, "a\xffz", 'a', 'z');
}

static void of_a_broken_form_the_announced_length_is_dropped(void **state)
{
	DECODES(*state, "a\xc3zy", 'a', 'y');
	DECODES(*state, "a\xe2zyx", 'a', 'x');
	DECODES(*state, "a\xe2\x82zy", 'a', 'y');
	DECODES(*state, "a\xf0zyxw", 'a', 'w');
	DECODES(*state, "a\xfczyxwvu", 'a', 'u');
}

static void a_form_cut_short_by_the_end_is_dropped(void **state)
{
	static const char form[] = "\xfc\x80\x80\x80\x81\x81";

	for (size_t n = 1; n < sizeof form - 1; n++)
		assert_decodes(*state, form, n, NULL, 0);
	DECODES(*state, "a\xe2\x82", 'a');
	DECODES(*state, "a\xe2z", 'a'); /* the 'z' is within the announced three bytes */
}

/* Whether U+0000 to U+00FF come through as they are is what every command line depends on. */
static void every_single_byte_has_its_fate(void **state)
{
	for (unsigned c = 1; c < 256; c++) {
		const uint8_t byte = (uint8_t)c;
		const uint16_t want = (uint16_t)c;

		assert_decodes(*state, &byte, 1, &want, c < 0x80);
	}
}

/* ---- mangling ---- */

static struct utf16 wide(struct pool *pool, const char *text)
{
	struct utf16 u;

	assert_int_equal(utf16_of_utf8(pool, text, &u, NULL), 0);
	return u;
}

static void assert_mangles(struct pool *pool, enum mangle_rule rule, const char *line, const char *want)
{
	struct utf16 got, expected = wide(pool, want ? want : "");
	bool undefined;

	assert_int_equal(cmdline_mangle(pool, rule, wide(pool, line), &got, &undefined, NULL), 0);
	assert_int_equal(undefined, want == NULL);
	if (!want)
		return;
	assert_int_equal(got.n, expected.n);
	assert_memory_equal(got.s, expected.s, 2 * got.n + 2);
}

static void versions_252_to_254_keep_blanks_in_front(void **state)
{
	assert_mangles(*state, MANGLE_TRAILING, "  quiet splash  ", "  quiet splash");
	assert_mangles(*state, MANGLE_TRAILING, "\n\tquiet\r\nsplash\n", "  quiet  splash");
	assert_mangles(*state, MANGLE_TRAILING, "quiet\x7f", "quiet\x7f"); /* DEL is no blank for them */
	assert_mangles(*state, MANGLE_TRAILING, "   ", "");
	assert_mangles(*state, MANGLE_TRAILING, "\n", "");
	assert_mangles(*state, MANGLE_TRAILING, "", "");
}

static void later_versions_cut_both_ends(void **state)
{
	static const enum mangle_rule rules[] = { MANGLE_BOTH_UNDEF, MANGLE_BOTH };

	for (int i = 0; i < 2; i++) {
		assert_mangles(*state, rules[i], "  quiet splash  ", "quiet splash");
		assert_mangles(*state, rules[i], "\n\tquiet\r\nsplash\n", "quiet  splash");
		assert_mangles(*state, rules[i], "\x7fquiet\x7f\x7fsplash\x7f", "quiet  splash");
		assert_mangles(*state, rules[i], "x", "x");
		assert_mangles(*state, rules[i], "\xc2\xa0x\xc2\xa0",
			       "\xc2\xa0x\xc2\xa0"); /* U+00A0 is no blank */
	}
}

static void an_all_blank_line_is_undefined_in_255_and_256_only(void **state)
{
	static const char *const blanks[] = { "", " ", "\n", " \t\x7f " };

	for (size_t i = 0; i < sizeof blanks / sizeof blanks[0]; i++) {
		assert_mangles(*state, MANGLE_BOTH_UNDEF, blanks[i], NULL);
		assert_mangles(*state, MANGLE_BOTH, blanks[i], "");
	}
}

/* ---- words and numbers ---- */

static bool has(struct pool *pool, const char *line, const char *begin, bool whole)
{
	return cmdline_has_word(wide(pool, line), begin, whole);
}

static void a_word_is_found_at_the_start_and_behind_a_space(void **state)
{
	assert_true(has(*state, "console=ttyS0", "console=", false));
	assert_true(has(*state, "quiet console=ttyS0 x", "console=", false));
	assert_true(has(*state, "quiet console=", "console=", false));
	assert_true(has(*state, "a  console=x", "console=", false));
	assert_false(has(*state, "netconsole=x", "console=", false));
	assert_false(has(*state, "a\tconsole=x", "console=", false));
	assert_false(has(*state, "quiet console", "console=", false));
	assert_false(has(*state, "", "console=", false));
	assert_true(has(*state, "xconsole= console=", "console=", false));
}

static void a_whole_word_ends_where_it_is_asked_to(void **state)
{
	assert_true(has(*state, "noinitrd", "noinitrd", true));
	assert_true(has(*state, "a noinitrd b", "noinitrd", true));
	assert_true(has(*state, "a noinitrd", "noinitrd", true));
	assert_false(has(*state, "noinitrd2", "noinitrd", true));
	assert_false(has(*state, "noinitrd=1", "noinitrd", true));
	assert_true(has(*state, "noinitrd2 noinitrd", "noinitrd", true));
}

static void assert_number(struct pool *pool, const char *text, bool ok, uint64_t want, size_t digits)
{
	struct utf16 u = wide(pool, text);
	uint64_t got = 77;
	size_t n = 77;

	assert_int_equal(cmdline_number(u.s, u.n, &got, &n), ok);
	assert_int_equal(got, ok ? want : 77);
	assert_int_equal(n, ok ? digits : 77);
}

static void numbers_are_decimal_and_fit_64_bits(void **state)
{
	assert_number(*state, "0", true, 0, 1);
	assert_number(*state, "12 rest", true, 12, 2);
	assert_number(*state, "007", true, 7, 3);
	assert_number(*state, "18446744073709551615", true, UINT64_MAX, 20);
	assert_number(*state, "18446744073709551616", false, 0, 0);
	assert_number(*state, "184467440737095516150", false, 0, 0);
	assert_number(*state, "", false, 0, 0);
	assert_number(*state, "-1", false, 0, 0);
	assert_number(*state, "x1", false, 0, 0);
	assert_number(*state, "\xd9\xa1", false, 0, 0); /* an Arabic digit */
}

/* Only the n units given are looked at. */
static void a_number_ends_with_its_length(void **state)
{
	uint16_t *digits = malloc(2 * sizeof *digits);
	uint64_t v;
	size_t n;

	(void)state;
	assert_non_null(digits);
	digits[0] = '1';
	digits[1] = '2';
	assert_true(cmdline_number(digits, 2, &v, &n));
	assert_int_equal(v, 12);
	assert_true(cmdline_number(digits, 1, &v, &n));
	assert_int_equal(v, 1);
	assert_false(cmdline_number(digits, 0, &v, &n));
	free(digits);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_pool, drop_pool)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(text_is_decoded_up_to_the_first_nul),
		TEST(characters_of_two_and_three_bytes_are_one_unit),
		TEST(what_utf16_needs_two_units_for_is_dropped),
		TEST(overlong_forms_count_as_their_character),
		TEST(an_invalid_lead_byte_is_dropped_alone),
		TEST(of_a_broken_form_the_announced_length_is_dropped),
		TEST(a_form_cut_short_by_the_end_is_dropped),
		TEST(every_single_byte_has_its_fate),
		TEST(versions_252_to_254_keep_blanks_in_front),
		TEST(later_versions_cut_both_ends),
		TEST(an_all_blank_line_is_undefined_in_255_and_256_only),
		TEST(a_word_is_found_at_the_start_and_behind_a_space),
		TEST(a_whole_word_ends_where_it_is_asked_to),
		TEST(numbers_are_decimal_and_fit_64_bits),
		TEST(a_number_ends_with_its_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
