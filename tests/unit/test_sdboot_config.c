#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "predict/sdboot.h"

/* Every pair of a text as "key|value\n". The text is in an exact-size block. */
static const char *pairs(const char *text, size_t n, const char *separators, bool single_quotes)
{
	static char out[1024];
	uint8_t *copy = malloc(n ? n : 1);
	struct slice key, value;
	size_t at = 0;

	assert_non_null(copy);
	if (n)
		memcpy(copy, text, n);
	struct config_lines lines = { { copy, n }, separators, single_quotes };
	out[0] = '\0';
	while (config_next(&lines, &key, &value))
		at += (size_t)snprintf(out + at, sizeof out - at, "%.*s|%.*s\n", (int)key.n,
				       (const char *)key.p, (int)value.n, (const char *)value.p);
	free(copy);
	return out;
}

#define BLANKS(text) pairs((text), sizeof(text) - 1, " \t", true)
#define EQUALS(text) pairs((text), sizeof(text) - 1, "=", true)

static void lines_are_split_at_the_first_blanks(void **state)
{
	(void)state;
	assert_string_equal(BLANKS("linux /vmlinuz\n"), "linux|/vmlinuz\n");
	assert_string_equal(BLANKS("  linux \t /vmlinuz x  \t\n"), "linux|/vmlinuz x\n");
	assert_string_equal(BLANKS("a 1\nb 2"), "a|1\nb|2\n");
	assert_string_equal(BLANKS("a 1\r\nb 2\r\n\r\n\nc 3"), "a|1\nb|2\nc|3\n");
	assert_string_equal(BLANKS("a\rb 1"), "b|1\n");
	assert_string_equal(BLANKS(""), "");
	assert_string_equal(BLANKS("\n\n \n\t"), "");
}

static void a_line_without_a_value_is_passed_over(void **state)
{
	(void)state;
	assert_string_equal(BLANKS("quiet\nquiet \na 1"), "a|1\n");
	assert_string_equal(EQUALS("ID\nID=\nNAME=x"),
			    "ID|\nNAME|x\n"); /* a blank at the end is cut, a '=' is not */
	assert_string_equal(EQUALS("=x\n"), "|x\n");
}

static void comments_begin_at_the_start_only(void **state)
{
	(void)state;
	assert_string_equal(BLANKS("# a 1\n  # b 2\nc 3 # d\n"), "c|3 # d\n");
	assert_string_equal(BLANKS("#\n"), "");
}

static void runs_of_separators_are_one(void **state)
{
	(void)state;
	assert_string_equal(EQUALS("ID==x"), "ID|x\n");
	assert_string_equal(EQUALS("ID=a=b"), "ID|a=b\n");
	assert_string_equal(EQUALS("ID = x"), "ID | x\n"); /* a blank is no separator here */
	assert_string_equal(BLANKS("a=b c"), "a=b|c\n");
}

static void quotes_around_the_whole_value_are_taken_off(void **state)
{
	(void)state;
	assert_string_equal(EQUALS("NAME=\"Debian GNU\"\n"), "NAME|Debian GNU\n");
	assert_string_equal(EQUALS("NAME='Debian GNU'\n"), "NAME|Debian GNU\n");
	assert_string_equal(pairs("N='x'\nM=\"y\"", 11, "=", false), "N|'x'\nM|y\n");
	assert_string_equal(EQUALS("NAME=\"a\nB=b\"\n"), "NAME|\"a\nB|b\"\n");
	assert_string_equal(EQUALS("NAME=\"a'\n"), "NAME|\"a'\n");
	assert_string_equal(EQUALS("NAME=\"\"\n"), "NAME|\n");
	assert_string_equal(EQUALS("NAME=\"\n"), "NAME|\n"); /* one quote is both ends */
	assert_string_equal(EQUALS("NAME=\"a\"b\"\n"), "NAME|a\"b\n");
	assert_string_equal(BLANKS("options \"a b\"  \n"), "options|a b\n");
}

static void a_nul_ends_the_text(void **state)
{
	(void)state;
	assert_string_equal(BLANKS("a 1\0\nb 2"), "a|1\n");
	assert_string_equal(BLANKS("a 1\n\0b 2"), "a|1\n");
	assert_string_equal(BLANKS("a \0b 2"), "");
}

/* ---- loader.conf ---- */

static const struct sdboot_rules *rules_of(unsigned major)
{
	bool newer;

	return sdboot_rules_for((struct sd_version){ major, 0 }, &newer);
}

static void assert_conf(unsigned version, const char *text, const char *preset, const char *preferred,
			bool auto_entries)
{
	struct pool pool = POOL_INIT;
	struct loader_conf conf;

	assert_int_equal(loader_conf_parse(&pool, slice_of_string(text), rules_of(version), &conf, NULL), 0);
	if (preset)
		assert_string_equal(utf16_to_utf8(&pool, conf.choices[CHOICE_DEFAULT]), preset);
	else
		assert_null(conf.choices[CHOICE_DEFAULT].s);
	if (preferred)
		assert_string_equal(utf16_to_utf8(&pool, conf.choices[CHOICE_PREFERRED]), preferred);
	else
		assert_null(conf.choices[CHOICE_PREFERRED].s);
	assert_int_equal(conf.auto_entries, auto_entries);
	pool_done(&pool);
}

static void default_is_a_pattern_in_lower_case(void **state)
{
	(void)state;
	assert_conf(262, "", NULL, NULL, true);
	assert_conf(262, "timeout 3\ndefault Debian-*.EFI\n", "debian-*.efi", NULL, true);
	assert_conf(252, "default a\ndefault b\n", "b", NULL, true);
	assert_conf(252, "default \"A B\"\n", "a b", NULL, true);
	assert_conf(252, "#default a\nDefault b\n", NULL, NULL, true);
	assert_conf(252, "default \xc3\x84*\n", "\xc3\x84*", NULL, true); /* only ASCII is folded */
}

static void identifiers_with_an_at_are_ignored_but_saved(void **state)
{
	(void)state;
	assert_conf(257, "default a\ndefault @oneshot\n", "a", NULL, true);
	assert_conf(257, "default a\ndefault @saved\n", "@saved", NULL, true);
	assert_conf(257, "default @SAVED\n", "@saved", NULL, true);
	assert_conf(257, "default @savedx\n", NULL, NULL, true);
}

/* ---- variables ---- */

struct variable {
	const char *name, *text; /* text: ASCII, stored as UTF-16 with a NUL */
};

/* What is looked for first to last, one a line, "-" for none, with these variables (up to a NULL name) and loader.conf. */
static void assert_choices(unsigned version, const char *text, const struct variable *v, const char *expected)
{
	static const struct guid loader =
		GUID(0x4a67b082, 0x0a4c, 0x41cf, 0xb6, 0xc7, 0x44, 0x0b, 0x29, 0xbb, 0x8c, 0x4f);
	struct firmware_variables variables = FIRMWARE_VARIABLES_INIT;
	struct firmware_variable items[4];
	struct pool pool = POOL_INIT;
	struct loader_conf conf;
	char got[256] = "";

	variables.items = items;
	for (; v->name; v++) {
		size_t n = 2 * strlen(v->text) + 2;
		uint8_t *data = pool_array(&pool, n, 1);

		for (size_t i = 0; v->text[i]; i++)
			data[2 * i] = (uint8_t)v->text[i];
		items[variables.n++] =
			(struct firmware_variable){ .name = v->name, .guid = loader, .data = { data, n } };
	}
	assert_int_equal(loader_conf_parse(&pool, slice_of_string(text), rules_of(version), &conf, NULL), 0);
	assert_int_equal(loader_conf_add_variables(&pool, &variables, rules_of(version), &conf, NULL), 0);
	for (enum choice c = 0; c < CHOICES; c++) {
		char *pattern = conf.choices[c].s ? utf16_to_utf8(&pool, conf.choices[c]) : NULL;

		(void)snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", c ? " " : "",
			       pattern ? pattern : "-");
	}
	assert_string_equal(got, expected);
	pool_done(&pool);
}

static void variables_go_before_loader_conf(void **state)
{
	const struct variable all[] = { { "LoaderEntryOneShot", "One.conf" },
					{ "LoaderEntryPreferred", "Two*" },
					{ "LoaderEntryDefault", "three" },
					{ NULL, NULL } };

	(void)state;
	assert_choices(252, "default d\npreferred p\n", all, "one.conf - - three d");
	assert_choices(259, "default d\npreferred p\n", all, "one.conf - - three d");
	assert_choices(260, "default d\npreferred p\n", all, "one.conf two* p three d");
	assert_choices(262, "", all, "one.conf two* - three -");
	assert_choices(262, "default d\n", all + 3, "- - - - d");
}

static void saved_stands_for_the_last_booted_entry(void **state)
{
	const struct variable last[] = { { "LoaderEntryLastBooted", "Last.conf" },
					 { "LoaderEntryDefault", "@saved" },
					 { NULL, NULL } };
	const struct variable only[] = { last[0], last[2] };

	(void)state;
	assert_choices(257, "default @saved\n", only, "- - - - Last.conf"); /* it is not folded */
	assert_choices(257, "default d\n", only, "- - - - d");
	assert_choices(257, "default d\n", last, "- - - Last.conf d");
	assert_choices(257, "default d\n", last + 1, "- - - - d");
	assert_choices(257, "default @saved\n", last + 2, "- - - - -");
}

static void preferred_is_known_since_260(void **state)
{
	(void)state;
	assert_conf(259, "preferred a\ndefault b\n", "b", NULL, true);
	assert_conf(260, "preferred A*\ndefault b\n", "b", "a*", true);
	assert_conf(262, "preferred a\npreferred @x\n", NULL, "a", true);
}

static void auto_entries_takes_the_words_of_systemd(void **state)
{
	(void)state;
	assert_conf(252, "auto-entries no\n", NULL, NULL, false);
	assert_conf(252, "auto-entries 0\nauto-entries yes\n", NULL, NULL, true);
	assert_conf(252, "auto-entries off\nauto-entries maybe\n", NULL, NULL, false);
	assert_conf(252, "auto-entries NO\n", NULL, NULL, true); /* lower case only */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_split_at_the_first_blanks),
		cmocka_unit_test(a_line_without_a_value_is_passed_over),
		cmocka_unit_test(comments_begin_at_the_start_only),
		cmocka_unit_test(runs_of_separators_are_one),
		cmocka_unit_test(quotes_around_the_whole_value_are_taken_off),
		cmocka_unit_test(a_nul_ends_the_text),
		cmocka_unit_test(default_is_a_pattern_in_lower_case),
		cmocka_unit_test(identifiers_with_an_at_are_ignored_but_saved),
		cmocka_unit_test(preferred_is_known_since_260),
		cmocka_unit_test(variables_go_before_loader_conf),
		cmocka_unit_test(saved_stands_for_the_last_booted_entry),
		cmocka_unit_test(auto_entries_takes_the_words_of_systemd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
