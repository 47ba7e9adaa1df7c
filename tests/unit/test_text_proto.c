/* The text form of Protocol Buffers, by way of go-tpm-tools' Attestation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "golden/evidence.h"
#include "tests/unit/evidence_sample.h"

#define QUOTE "quotes { quote: 'q' raw_sig: 's' } "

/* Read text from an exact heap block. */
static int read_text(const char *text, struct evidence *ev, struct pcrcast_error *e)
{
	struct slice copy = cut(slice_of_string(text), strlen(text));
	int rc = evidence_read(copy, ev, e);

	sample_done(copy);
	return rc;
}

/* event_log holds the n bytes of expected when it is written as literal. */
static void assert_string(const char *literal, const char *expected, size_t n)
{
	struct pcrcast_error e = { .msg = "" };
	struct evidence ev;
	char text[1024];

	(void)snprintf(text, sizeof text, QUOTE "event_log: %s", literal);
	if (read_text(text, &ev, &e) < 0)
		fail_msg("%s: %s", literal, e.msg);
	if (ev.log.n != n || memcmp(ev.log.p, expected, n) != 0)
		fail_msg("%s: %zu bytes, \"%.*s\"", literal, ev.log.n, (int)ev.log.n, (const char *)ev.log.p);
	evidence_done(&ev);
}

#define ASSERT_STRING(literal, expected) assert_string(literal, expected, sizeof expected - 1)

/* Expected values by the table in "Text Format Language Specification", section "String Literals". */
static void escapes_are_read(void **state)
{
	(void)state;
	ASSERT_STRING("'plain'", "plain");
	ASSERT_STRING("\"it's\"", "it's");
	ASSERT_STRING("'\\a\\b\\f\\n\\r\\t\\v\\\\\\'\\\"\\?'", "\a\b\f\n\r\t\v\\'\"?");
	ASSERT_STRING("'\\0\\7\\18\\377\\0012'", "\0\7\1"
						 "8\xff\1"
						 "2");
	ASSERT_STRING("'\\x0\\xfF\\x414\\XaZ'", "\0\xff"
						"A4\n"
						"Z");
	ASSERT_STRING("'\\u0041\\u00e4\\u20ac\\U0001f600'", "A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	ASSERT_STRING("'caf\xc3\xa9'", "caf\xc3\xa9");
	ASSERT_STRING("'a' \"b\"\n'c' # and\n 'd'", "abcd");
	ASSERT_STRING("''", "");
}

static void assert_refused(const char *text, enum pcrcast_code code, uint64_t offset, const char *what)
{
	struct pcrcast_error e = { .msg = "" };
	struct evidence ev;

	int rc = read_text(text, &ev, &e);
	if (rc != -(int)code || e.offset != offset || !strstr(e.msg, what))
		fail_msg("%s: %d at %lld \"%s\", expected %d at %lld \"%s\"", text, rc, (long long)e.offset,
			 e.msg, -(int)code, (long long)offset, what);
	evidence_done(&ev);
}

static void broken_strings_are_refused(void **state)
{
	(void)state;
	assert_refused("ak_pub: 'a", PCRCAST_ETRUNC, 8, "a string without its end");
	assert_refused("ak_pub: 'a\\", PCRCAST_ETRUNC, 8, "a string without its end");
	assert_refused("ak_pub: 'a\\'", PCRCAST_ETRUNC, 8, "a string without its end");
	assert_refused("ak_pub: 'a\nb'", PCRCAST_EFORMAT, 10, "a line end or NUL in a string");
	assert_refused("ak_pub: '\\q'", PCRCAST_EFORMAT, 10, "an escape that is none");
	assert_refused("ak_pub: '\\400'", PCRCAST_EFORMAT, 10, "an escape that is none");
	assert_refused("ak_pub: '\\8'", PCRCAST_EFORMAT, 10, "an escape that is none");
	assert_refused("ak_pub: '\\xg'", PCRCAST_EFORMAT, 10, "an escape that is none");
	assert_refused("ak_pub: '\\u123'", PCRCAST_EFORMAT, 10, "an escape that is none");
	assert_refused("ak_pub: '\\ud800'", PCRCAST_EFORMAT, 10, "an escape that is none");
	assert_refused("ak_pub: '\\U00110000'", PCRCAST_EFORMAT, 10, "an escape that is none");
}

static void assert_one_register(const char *pcrs)
{
	struct pcrcast_error e = { .msg = "" };
	struct evidence ev;
	char text[1024];

	(void)snprintf(text, sizeof text, "# from a machine\n\nquotes: { quote: 'q', raw_sig: 's'; %s }",
		       pcrs);
	if (read_text(text, &ev, &e) < 0)
		fail_msg("%s: %s", text, e.msg);
	assert_int_equal(ev.quotes[0].pcrs.known[ALG_SHA1], 1 << 10);
	assert_memory_equal(ev.quotes[0].pcrs.value[ALG_SHA1][10], "abcdefghijabcdefghij", 20);
	evidence_done(&ev);
}

#define VALUE "'abcdefghij' 'abcdefghij'"

static void messages_are_written_in_many_ways(void **state)
{
	(void)state;
	assert_one_register("pcrs { hash: SHA1 pcrs { key: 10 value: " VALUE " } }");
	assert_one_register("pcrs: { hash: 4, pcrs: { key: 0xa, value: " VALUE "; }; }");
	assert_one_register("pcrs < hash: 0x4 pcrs: < value: " VALUE " key: 012 > >");
	assert_one_register("pcrs:{hash:SHA1 pcrs:[{key:10 value:" VALUE "}]}");
	assert_one_register("pcrs{pcrs{key:10 value:" VALUE "}hash:SHA1}");
	assert_one_register("pcrs{hash:SHA1 pcrs:[]pcrs{key:10,value:" VALUE "}}#end\n");
}

static void repeated_fields_may_be_lists(void **state)
{
	struct evidence ev;

	(void)state;
	assert_int_equal(read_text(QUOTE QUOTE
				   "intermediate_certs: ['a', 'b'] intermediate_certs: 'c' quotes: [{"
				   "quote: 'x' raw_sig: 'y'}]",
				   &ev, NULL),
			 0);
	assert_int_equal(ev.n_quotes, 3);
	assert_true(slice_equal_string(ev.quotes[2].message, "x"));
	assert_int_equal(ev.n_intermediates, 3);
	assert_true(slice_equal_string(ev.intermediates[2], "c"));
	evidence_done(&ev);
}

static void what_the_grammar_does_not_allow_is_refused(void **state)
{
	(void)state;
	assert_refused("ak_pub 'a'", PCRCAST_EFORMAT, 7, "expected ':'");
	assert_refused("ak_pub: 7", PCRCAST_EFORMAT, 8, "expected a string in quotes, found \"7\"");
	assert_refused("ak_pub: {}", PCRCAST_EFORMAT, 8, "expected a string");
	assert_refused("ak_pub:", PCRCAST_ETRUNC, 7, "expected a string in quotes, found the end");
	assert_refused("ak_pub: ['a']", PCRCAST_EFORMAT, 8, "expected one value, found \"[\"");
	assert_refused("ak_pub: 'a' }", PCRCAST_EFORMAT, 12, "expected the name of a field, found \"}\"");
	assert_refused("ak_pub: 'a',, ", PCRCAST_EFORMAT, 12, "expected the name of a field");
	assert_refused("ak_pub: 'a' 7", PCRCAST_EFORMAT, 12, "expected the name of a field, found \"7\"");
	assert_refused("quotes: 'q'", PCRCAST_EFORMAT, 8, "expected '{'");
	assert_refused("quotes {", PCRCAST_ETRUNC, 8, "closing bracket, found the end");
	assert_refused("quotes { >", PCRCAST_EFORMAT, 9, "closing bracket, found \">\"");
	assert_refused("quotes: [{}", PCRCAST_ETRUNC, 11, "expected ',' or ']'");
	assert_refused("quotes: [{},]", PCRCAST_EFORMAT, 12, "expected '{'");
	assert_refused("quotes: [[]]", PCRCAST_EFORMAT, 9, "expected '{'");
}

static void numbers_are_checked(void **state)
{
	(void)state;
	assert_refused("quotes { pcrs { hash: SHA3 } }", PCRCAST_EFORMAT, 22,
		       "a name of the enumeration, found \"SHA3\"");
	assert_refused("quotes { pcrs { hash: -1 } }", PCRCAST_EFORMAT, 22, "without sign and fraction");
	assert_refused("quotes { pcrs { hash: 1.5 } }", PCRCAST_EFORMAT, 22, "without sign and fraction");
	assert_refused("quotes { pcrs { hash: 08 } }", PCRCAST_EFORMAT, 22, "without sign and fraction");
	assert_refused("quotes { pcrs { hash: 0x } }", PCRCAST_EFORMAT, 22, "without sign and fraction");
	assert_refused("quotes { pcrs { hash: 4294967296 } }", PCRCAST_EFORMAT, 22,
		       "a number above 2147483647");
	assert_refused("quotes { pcrs { pcrs { key: 4294967296 } } }", PCRCAST_EFORMAT, 28,
		       "a number above 4294967295");
	assert_refused("instance_info { instance_id: 18446744073709551616 }", PCRCAST_EFORMAT, 29,
		       "a number above 18446744073709551615");
	assert_refused("instance_info { instance_id: 'a' }", PCRCAST_EFORMAT, 29, "expected a number");
}

static void a_singular_field_is_there_once(void **state)
{
	(void)state;
	assert_refused("ak_pub: 'a' ak_pub: 'a'", PCRCAST_EFORMAT, 12, "ak_pub is there twice");
	assert_refused("quotes { quote: 'a' quote: '' }", PCRCAST_EFORMAT, 20, "quote is there twice");
	assert_refused("quotes { pcrs {} pcrs {} }", PCRCAST_EFORMAT, 17, "pcrs is there twice");
	assert_refused("instance_info { zone: 'a' zone: 'b' }", PCRCAST_EFORMAT, 26, "zone is there twice");
}

static void unknown_fields_are_passed_over_and_noted(void **state)
{
	struct evidence ev;

	(void)state;
	assert_int_equal(
		read_text(QUOTE
			  "a: 7 b: -inf c: 'x' 'y' d { e: [1, <f: '}'>] } g < > h: [ ] tdx_attestation {}",
			  &ev, NULL),
		0);
	assert_int_equal(ev.n_notes, 7);
	assert_string_equal(ev.notes[6], "field \"tdx_attestation\" is not looked at");
	evidence_done(&ev);
	assert_refused(QUOTE "a", PCRCAST_ETRUNC, sizeof QUOTE, "expected a value, found the end");
	assert_refused(QUOTE "a { b ]", PCRCAST_EFORMAT, sizeof QUOTE + 5, "expected a value, found \"]\"");
	assert_refused(QUOTE "a: }", PCRCAST_EFORMAT, sizeof QUOTE + 2, "expected a value, found \"}\"");
	assert_refused(QUOTE "a: ,", PCRCAST_EFORMAT, sizeof QUOTE + 2, "expected a value, found \",\"");
}

static void deep_nesting_is_refused(void **state)
{
	char text[256] = QUOTE "a ";
	struct evidence ev;

	(void)state;
	for (int i = 0; i < 64; i++)
		strcat(text, "{");
	for (int i = 0; i < 64; i++)
		strcat(text, "}");
	assert_int_equal(read_text(text, &ev, NULL), 0);
	evidence_done(&ev);
	text[sizeof QUOTE + 1 + 64] = '{';
	assert_refused(text, PCRCAST_ELIMIT, sizeof QUOTE + 1 + 64, "nested deeper than 64");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_are_read),
		cmocka_unit_test(broken_strings_are_refused),
		cmocka_unit_test(messages_are_written_in_many_ways),
		cmocka_unit_test(repeated_fields_may_be_lists),
		cmocka_unit_test(what_the_grammar_does_not_allow_is_refused),
		cmocka_unit_test(numbers_are_checked),
		cmocka_unit_test(a_singular_field_is_there_once),
		cmocka_unit_test(unknown_fields_are_passed_over_and_noted),
		cmocka_unit_test(deep_nesting_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
