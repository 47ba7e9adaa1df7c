/* Python's regular expressions. The expected answers are those of python3.11: bool(re.fullmatch(pattern, text)). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "golden/pattern.h"

static enum match match(const char *pattern, const char *text)
{
	const char *why;
	enum match m;
	size_t n = strlen(text);
	uint8_t *exact = malloc(n ? n : 1);

	assert_non_null(exact);
	memcpy(exact, text, n);
	assert_int_equal(pattern_match(pattern, (struct slice){ exact, n }, &m, &why, NULL), 0);
	assert_true((m == MATCH_CANNOT_TELL) == (why != NULL));
	free(exact);
	return m;
}

static void texts_match_as_python_says(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} cases[] = {
		{ "", "", true },
		{ "", "a", false },
		{ "abc", "abc", true },
		{ "abc", "abcd", false },
		{ "abc", "ab", false },
		{ "a.c", "axc", true },
		{ "a.c", "a\nc", false },
		{ "a.c",
		  "a\xc3\xa4"
		  "c",
		  true },
		{ "a*", "", true },
		{ "a*", "aaaa", true },
		{ "a+", "", false },
		{ "a+b", "aaab", true },
		{ "a?b", "b", true },
		{ "a?b", "aab", false },
		{ "a|b", "b", true },
		{ "ab|cd", "abd", false },
		{ "a(b|c)d", "acd", true },
		{ "(?:ab)*c", "ababc", true },
		{ "(a*)*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", false },
		{ "a{2}", "aa", true },
		{ "a{2}", "aaa", false },
		{ "a{2,}", "aaaaa", true },
		{ "a{2,}", "a", false },
		{ "a{,2}", "", true },
		{ "a{1,3}b", "aaab", true },
		{ "a{1,3}b", "aaaab", false },
		{ "(ab|c){2}", "abc", true },
		{ "a{", "a{", true },
		{ "a{x}", "a{x}", true },
		{ "a{0}b", "b", true },
		{ "a.*?b", "axxb", true },
		{ "[a-c]+", "abcab", true },
		{ "[^a-c]+", "xyz", true },
		{ "[^a-c]", "b", false },
		{ "[]a]", "]", true },
		{ "[a-]", "-", true },
		{ "[\\d.]+", "6.1.0", true },
		{ "[\\]x]", "]", true },
		{ "\\d+\\.\\w*", "12.a_9", true },
		{ "\\S+\\s\\S+", "ab cd", true },
		{ "\\D\\W", "a-", true },
		{ "\\x41", "A", true },
		{ "\\/\\ \\-\\#\\&\\~\\|", "/ -#&~|", true },
		{ "a\\nb", "a\nb", true },
		{ "^ab$", "ab", true },
		{ "a^b", "ab", false },
		{ "ab$\n", "ab\n", true },
		{ "\\Aab\\Z", "ab", true },
		{ "()", "", true },
		{ "a||b", "", true },
		{ "root=\\S+ ro( quiet)?", "root=/dev/sda1 ro quiet", true },
		{ "root=\\S+ ro( quiet)?", "root=/dev/sda1 ro init=/bin/sh", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (match(cases[i].pattern, cases[i].text) != (cases[i].matches ? MATCH_YES : MATCH_NO))
			fail_msg("\"%s\" and \"%s\"", cases[i].pattern, cases[i].text);
}

static void what_is_not_handled_is_not_answered(void **state)
{
	static const char *const patterns[] = {
		"(?i)a",   "(?=a)a",  "(?P<x>a)",
		"(a)\\1",  "\\ba",    "a*+",
		"a**",     "*a",      "(a",
		"a)",      "[a",      "a\\",
		"[b-a]",   "\\N{a}",  "(?",
		"\\Qa",    "a{3,2}",  "a{1001}",
		"[\\d-z]", "[a-\\d]", "((((a{1000}){1000}){1000}){1000}){1000}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
		if (match(patterns[i], "a") != MATCH_CANNOT_TELL)
			fail_msg("\"%s\"", patterns[i]);
	assert_int_equal(match("\\w", "\xc3\xa4"), MATCH_CANNOT_TELL); /* a letter for Python */
	char deep[201];
	memset(deep, '(', 100);
	memset(deep + 100, ')', 100);
	deep[200] = '\0';
	assert_int_equal(match(deep, ""), MATCH_CANNOT_TELL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_match_as_python_says),
		cmocka_unit_test(what_is_not_handled_is_not_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
