/* JSON input: what RFC 8259 allows is read, everything else is refused with the offset of what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/json_read.h"

/* Parse the first n bytes of text from an exact heap block. */
static int parse_n(const char *text, size_t n, struct cJSON **ret, struct pcrcast_error *e)
{
	uint8_t *copy = malloc(n ? n : 1);

	assert_non_null(copy);
	memcpy(copy, text, n);
	int rc = json_parse((struct slice){ copy, n }, ret, e);
	free(copy);
	return rc;
}

static struct cJSON *parse(const char *text)
{
	struct pcrcast_error e = { .msg = "" };
	struct cJSON *node = NULL;

	if (parse_n(text, strlen(text), &node, &e) < 0)
		fail_msg("%s: %s", text, e.msg);
	return node;
}

static void assert_refused(const char *text, enum pcrcast_code code, uint64_t offset)
{
	struct pcrcast_error e = { .msg = "" };
	struct cJSON *node = NULL;

	int rc = parse_n(text, strlen(text), &node, &e);
	if (rc != -(int)code || e.offset != offset)
		fail_msg("%s: %d at %llu, expected %d at %llu (%s)", text, rc, (unsigned long long)e.offset,
			 -(int)code, (unsigned long long)offset, e.msg);
	assert_null(node);
}

static void values_are_read_as_they_are(void **state)
{
	struct cJSON *root = parse(" {\"s\":\"a\\u00e4\\ud83d\\ude00\\n\",\"n\":[0,17,9007199254740992],"
				   "\"t\":true,\"f\":false,\"z\":null} \n");
	const char *text;
	uint64_t number;
	bool yes;

	(void)state;
	assert_true(json_is_object(root));
	assert_true(json_string(json_get(root, "s"), &text));
	assert_string_equal(text, "a\xc3\xa4\xf0\x9f\x98\x80\n");
	const struct cJSON *n = json_get(root, "n");
	assert_true(json_is_array(n));
	assert_true(json_u64(json_first(n), &number));
	assert_int_equal(number, 0);
	assert_true(json_u64(json_next(json_next(json_first(n))), &number));
	assert_true(number == UINT64_C(1) << 53);
	assert_null(json_next(json_next(json_next(json_first(n)))));
	assert_true(json_bool(json_get(root, "t"), &yes));
	assert_true(yes);
	assert_true(json_bool(json_get(root, "f"), &yes));
	assert_false(yes);
	assert_false(json_bool(json_get(root, "z"), &yes));
	assert_true(json_is_null(json_get(root, "z")));
	assert_false(json_is_null(json_get(root, "s")));
	assert_false(json_is_null(json_get(root, "nothing")));
	assert_string_equal(json_key(json_first(root)), "s");
	json_free(root);
}

static void keys_are_matched_with_case(void **state)
{
	struct cJSON *root = parse("{\"pcr\":1,\"PCR\":2}");
	uint64_t number;

	(void)state;
	assert_true(json_u64(json_get(root, "PCR"), &number));
	assert_int_equal(number, 2);
	assert_null(json_get(root, "Pcr"));
	assert_null(json_get(json_get(root, "pcr"), "x"));
	assert_null(json_get(NULL, "x"));
	json_free(root);
}

static void numbers_are_integers_in_range_or_nothing(void **state)
{
	static const char *const bad[] = { "-1", "1.5", "9007199254740994", "1e300", "\"1\"", "true" };
	uint64_t number = 7;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct cJSON *node = parse(bad[i]);

		assert_false(json_u64(node, &number));
		assert_int_equal(number, 7);
		json_free(node);
	}
	struct cJSON *node = parse("12e2");
	assert_true(json_u64(node, &number));
	assert_int_equal(number, 1200);
	json_free(node);
}

static void hex_is_an_even_number_of_digits(void **state)
{
	struct cJSON *root = parse("[\"00fFaB\",\"\",\"0\",\"0g\",\"-1\",1]");
	struct pool pool = POOL_INIT;
	struct slice bytes;

	(void)state;
	const struct cJSON *node = json_first(root);
	assert_true(json_hex(&pool, node, &bytes));
	assert_int_equal(bytes.n, 3);
	assert_memory_equal(bytes.p, "\x00\xff\xab", 3);
	node = json_next(node);
	assert_true(json_hex(&pool, node, &bytes));
	assert_int_equal(bytes.n, 0);
	while ((node = json_next(node)))
		assert_false(json_hex(&pool, node, &bytes));
	pool_done(&pool);
	json_free(root);
}

static void text_is_printed_compactly(void **state)
{
	struct cJSON *root = parse("{ \"a\" : [ 1, 1234567890123456 ] }");
	struct pool pool = POOL_INIT;

	(void)state;
	assert_string_equal(json_text(&pool, root), "{\"a\":[1,1234567890123456]}");
	pool_done(&pool);
	json_free(root);
}

static void what_is_not_json_is_refused_where_it_is_wrong(void **state)
{
	static const struct {
		const char *text;
		uint64_t offset;
	} bad[] = {
		{ "{} x", 3 },
		{ "[1,]", 3 },
		{ "{\"a\":1,}", 7 },
		{ "{a:1}", 1 },
		{ "{\"a\" 1}", 5 },
		{ "[1 2]", 3 },
		{ "01", 1 },
		{ "[1.]", 3 },
		{ "[+1]", 1 },
		{ "[-]", 2 },
		{ "[1e]", 3 },
		{ "[nul]", 4 },
		{ "[\"\x01\"]", 2 },
		{ "\"\\x\"", 2 },
		{ "\"\\u12g4\"", 5 },
		{ "\"\\ude00\"", 1 },
		{ "\"\\ud83d\\u0041\"", 1 },
		{ "\"\\ud83dx\"", 7 },
		{ "\"\x80\"", 1 },
		{ "\"\xc0\x80\"", 1 },
		{ "\"\xed\xa0\x80\"", 2 },
		{ "\"\xf4\x90\x80\x80\"", 2 },
		{ "\xef\xbb\xbf{}", 0 },
		{ "]", 0 },
		{ "{]", 1 },
		{ "[}", 1 },
		{ "'a'", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_refused(bad[i].text, PCRCAST_EFORMAT, bad[i].offset);
}

static void a_nul_in_a_string_is_refused(void **state)
{
	(void)state;
	assert_refused("\"a\\u0000b\"", PCRCAST_EUNSUPPORTED, 2);
}

static void a_key_that_occurs_twice_is_refused(void **state)
{
	(void)state;
	assert_refused("{\"a\":1,\"b\":2,\"a\":3}", PCRCAST_EFORMAT, 0);
	assert_refused("[[{\"a\":{\"x\":1,\"x\":2}}]]", PCRCAST_EFORMAT, 0);
	json_free(parse("[{\"a\":1},{\"a\":1}]"));
}

static void nesting_is_limited(void **state)
{
	char text[2 * JSON_MAX_DEPTH + 3];
	struct cJSON *node;

	(void)state;
	memset(text, '[', JSON_MAX_DEPTH);
	memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
	assert_int_equal(parse_n(text, (size_t)2 * JSON_MAX_DEPTH, &node, NULL), 0);
	json_free(node);
	memset(text, '[', JSON_MAX_DEPTH + 1);
	assert_int_equal(parse_n(text, sizeof text - 1, &node, NULL), -PCRCAST_ELIMIT);
}

static void numbers_have_a_limited_length(void **state)
{
	char text[100];

	(void)state;
	memset(text, '1', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	assert_refused(text, PCRCAST_ELIMIT, 0);
}

static void every_truncation_is_told_as_such(void **state)
{
	static const char text[] =
		"{\"a\\u00e4\":[1,true,false,null,\"\xc3\xa4\\ud83d\\ude00\"],\"b\":{\"c\":-1.5e+3}}";
	struct pcrcast_error e;
	struct cJSON *node;

	(void)state;
	for (size_t n = 0; n < sizeof text - 1; n++) {
		assert_int_equal(parse_n(text, n, &node, &e), -PCRCAST_ETRUNC);
		assert_int_equal(e.offset, n);
	}
	json_free(parse(text));
}

static void texts_are_read_one_after_the_other(void **state)
{
	struct slice rest = slice_of_string(" {\"a\":1}\n[2] 3x");
	struct cJSON *node;
	struct pcrcast_error e;

	(void)state;
	assert_int_equal(json_parse_next(&rest, &node, &e), 0);
	assert_true(json_is_object(node));
	json_free(node);
	assert_int_equal(json_parse_next(&rest, &node, &e), 0);
	assert_true(json_is_array(node));
	json_free(node);
	assert_int_equal(json_parse_next(&rest, &node, &e), 0);
	json_free(node);
	assert_true(slice_equal_string(rest, "x"));
	assert_int_equal(json_parse_next(&rest, &node, &e), -PCRCAST_EFORMAT);
	assert_true(slice_equal_string(rest, "x"));
}

static void the_string_under_a_key_is_copied(void **state)
{
	struct cJSON *node = parse("{\"a\":\"x\",\"b\":1}");
	struct pool pool = POOL_INIT;
	struct pcrcast_error e = { .msg = "" };
	const char *text = "before";

	(void)state;
	assert_int_equal(json_get_text(&pool, node, "none", &text, &e), 0);
	assert_null(text);
	assert_int_equal(json_get_text(&pool, node, "b", &text, &e), -PCRCAST_EFORMAT);
	assert_string_equal(e.msg, "\"b\": expected a string");
	assert_int_equal(json_get_text(&pool, node, "a", &text, &e), 0);
	json_free(node);
	assert_string_equal(text, "x");
	pool_done(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_read_as_they_are),
		cmocka_unit_test(keys_are_matched_with_case),
		cmocka_unit_test(numbers_are_integers_in_range_or_nothing),
		cmocka_unit_test(hex_is_an_even_number_of_digits),
		cmocka_unit_test(text_is_printed_compactly),
		cmocka_unit_test(what_is_not_json_is_refused_where_it_is_wrong),
		cmocka_unit_test(a_nul_in_a_string_is_refused),
		cmocka_unit_test(a_key_that_occurs_twice_is_refused),
		cmocka_unit_test(nesting_is_limited),
		cmocka_unit_test(numbers_have_a_limited_length),
		cmocka_unit_test(every_truncation_is_told_as_such),
		cmocka_unit_test(texts_are_read_one_after_the_other),
		cmocka_unit_test(the_string_under_a_key_is_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
