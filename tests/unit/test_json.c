/* JSON output: what a strict reader needs, also from odd input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

/* What json_write makes of the document, which it frees. */
static char *written(struct json_doc *d, struct cJSON *root, bool compact)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	assert_true(json_write(d, root, compact, f));
	assert_int_equal(fclose(f), 0);
	json_free(root);
	return text;
}

static void assert_written(struct json_doc *d, struct cJSON *root, const char *expected)
{
	char *text = written(d, root, true);

	assert_string_equal(text, expected);
	free(text);
}

static void a_document_keeps_the_order_of_its_keys(void **state)
{
	struct json_doc d = { false };
	struct cJSON *root = json_object(&d), *list = json_array(&d), *inner = json_object(&d);

	(void)state;
	json_add_u64(&d, root, "version", 1);
	json_add_string(&d, root, "a", "text");
	json_add_bool(&d, root, "yes", true);
	json_add_bool(&d, root, "no", false);
	json_append_string(&d, list, "one");
	json_add_hex(&d, inner, "digest", (const uint8_t[]){ 0x00, 0xab, 0xff }, 3);
	json_append(&d, list, inner);
	json_add(&d, root, "list", list);
	assert_written(&d, root,
		       "{\"version\":1,\"a\":\"text\",\"yes\":true,\"no\":false,\"list\":[\"one\","
		       "{\"digest\":\"00abff\"}]}\n");
}

static void the_readable_form_has_lines(void **state)
{
	struct json_doc d = { false };
	struct cJSON *root = json_object(&d);

	(void)state;
	json_add_u64(&d, root, "version", 1);
	char *text = written(&d, root, false);
	assert_string_equal(text, "{\n\t\"version\":\t1\n}\n");
	free(text);
}

static void every_number_is_written_exactly(void **state)
{
	static const struct {
		uint64_t value;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ 1, "1" },
		{ UINT32_MAX, "4294967295" },
		{ UINT64_C(1) << 40, "1099511627776" },
		{ UINT64_C(1000000000000000), "1000000000000000" },
		{ UINT64_C(4503599627370497), "4503599627370497" },
		{ (UINT64_C(1) << 53) - 1, "9007199254740991" },
		{ UINT64_C(1) << 53, "9007199254740992" },
		{ (UINT64_C(1) << 53) + 1, "\"0x20000000000001\"" },
		{ UINT64_MAX, "\"0xffffffffffffffff\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct json_doc d = { false };
		struct cJSON *root = json_object(&d);
		char expected[64];

		json_add_u64(&d, root, "n", rows[i].value);
		(void)snprintf(expected, sizeof expected, "{\"n\":%s}\n", rows[i].text);
		assert_written(&d, root, expected);
	}
}

static void text_that_is_not_utf8_is_written_as_hex(void **state)
{
	static const struct {
		const char *text, *json;
	} rows[] = {
		{ "", "" },
		{ "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf", "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf" },
		{ "caf\xe9", "636166e9" },
		{ "\x80", "80" },
		{ "\xc0\x80", "c080" },
		{ "\xc3", "c3" },
		{ "\xe0\x80\x80", "e08080" },
		{ "\xe2\x82", "e282" },
		{ "\xed\xa0\x80", "eda080" },
		{ "\xf0\x80\x80\x80", "f0808080" },
		{ "\xf0\x9f\x98", "f09f98" },
		{ "\xf4\x90\x80\x80", "f4908080" },
		{ "\xf5\x80\x80\x80", "f5808080" },
		{ "\xff", "ff" },
		{ "\"\\\n\x1b[0m", "\\\"\\\\\\n\\u001b[0m" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct json_doc d = { false };
		struct cJSON *root = json_object(&d);
		char expected[128];
		char *copy = strdup(rows[i].text); /* exact size: reading past the NUL would be seen */

		assert_non_null(copy);
		json_add_string(&d, root, "s", copy);
		free(copy);
		(void)snprintf(expected, sizeof expected, "{\"s\":\"%s\"}\n", rows[i].json);
		assert_written(&d, root, expected);
	}
}

static void no_bytes_are_an_empty_string(void **state)
{
	struct json_doc d = { false };
	struct cJSON *root = json_object(&d);

	(void)state;
	json_add_hex(&d, root, "h", (const uint8_t *)"", 0);
	assert_written(&d, root, "{\"h\":\"\"}\n");
}

static void an_incomplete_document_is_not_written(void **state)
{
	struct json_doc d = { false };
	struct cJSON *root = json_object(&d);
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	(void)state;
	assert_non_null(f);
	json_add(&d, root, "lost", NULL); /* as when memory gave out */
	assert_true(d.failed);
	json_add_string(&d, root, "a", "later calls do nothing");
	json_append(&d, root, json_array(&d));
	assert_false(json_write(&d, root, true, f));
	assert_int_equal(fclose(f), 0);
	assert_int_equal(n, 0);
	free(text);
	json_free(root);
}

/* Expected: python3 -c 'import json; print(json.dumps({"a": ["x", "y"], "b": {}, "c": [], "d": {"\"": 4}, "e": True}, indent=2))' */
static void the_indented_form_is_that_of_other_libraries(void **state)
{
	struct json_doc d = { false };
	struct cJSON *root = json_object(&d), *list = json_array(&d), *inner = json_object(&d);
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	(void)state;
	assert_non_null(f);
	json_append_string(&d, list, "x");
	json_append_string(&d, list, "y");
	json_add(&d, root, "a", list);
	json_add(&d, root, "b", json_object(&d));
	json_add(&d, root, "c", json_array(&d));
	json_add_u64(&d, inner, "\"", 4);
	json_add(&d, root, "d", inner);
	json_add_bool(&d, root, "e", true);
	assert_true(json_write_indented(&d, root, 2, f));
	assert_int_equal(fclose(f), 0);
	assert_string_equal(text, "{\n  \"a\": [\n    \"x\",\n    \"y\"\n  ],\n  \"b\": {},\n  \"c\": [],\n"
				  "  \"d\": {\n    \"\\\"\": 4\n  },\n  \"e\": true\n}\n");
	free(text);
	d.failed = true;
	assert_false(json_write_indented(&d, root, 2, stderr));
	json_free(root);
}

static void a_stream_that_fails_is_reported(void **state)
{
	struct json_doc d = { false };
	struct cJSON *root = json_object(&d);
	FILE *f = fopen("/dev/null", "r");

	(void)state;
	assert_non_null(f);
	json_add_u64(&d, root, "version", 1);
	assert_false(json_write(&d, root, true, f));
	(void)fclose(f);
	json_free(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_keeps_the_order_of_its_keys),
		cmocka_unit_test(the_readable_form_has_lines),
		cmocka_unit_test(every_number_is_written_exactly),
		cmocka_unit_test(text_that_is_not_utf8_is_written_as_hex),
		cmocka_unit_test(no_bytes_are_an_empty_string),
		cmocka_unit_test(an_incomplete_document_is_not_written),
		cmocka_unit_test(the_indented_form_is_that_of_other_libraries),
		cmocka_unit_test(a_stream_that_fails_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
