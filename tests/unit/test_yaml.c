/* The door to libyaml: which YAML is read, and what of it is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/yaml.h"

/* From an exact-size heap block. */
static int parse(const char *text, size_t n, struct pool *pool, const struct yaml_node **ret,
		 struct pcrcast_error *e)
{
	uint8_t *copy = malloc(n ? n : 1);

	assert_non_null(copy);
	memcpy(copy, text, n);
	int r = yaml_parse((struct slice){ copy, n }, pool, ret, e);
	free(copy);
	return r;
}

static const struct yaml_node *tree(const char *text, struct pool *pool)
{
	const struct yaml_node *root = NULL;
	struct pcrcast_error e = { .msg = "" };

	if (parse(text, strlen(text), pool, &root, &e) < 0)
		fail_msg("%s at %u", e.msg, (unsigned)e.offset);
	return root;
}

static const char sample[] = "---\n"
			     "csp: 'GCP'\n"
			     "list:\n"
			     "- one\n"
			     "- {4: \"a\\0b\", 11: }\n"
			     "text: |-\n"
			     "  two\n"
			     "  lines\n"
			     "...\n";

static void a_document_becomes_a_tree(void **state)
{
	struct pool pool = POOL_INIT;

	(void)state;
	const struct yaml_node *root = tree(sample, &pool);
	assert_int_equal(root->kind, YAML_MAPPING);
	assert_int_equal(root->offset, 4);
	const struct yaml_node *csp = yaml_get(root, "csp"), *list = yaml_get(root, "list");
	assert_true(slice_equal_string(csp->text, "GCP"));
	assert_int_equal(csp->style, YAML_QUOTED);
	assert_int_equal(csp->offset, strstr(sample, "'GCP'") - sample);
	assert_int_equal(list->kind, YAML_SEQUENCE);
	assert_true(slice_equal_string(list->first->text, "one"));
	assert_int_equal(list->first->style, YAML_PLAIN);
	const struct yaml_node *map = list->first->next;
	assert_null(map->next);
	assert_int_equal(map->offset, strchr(sample, '{') - sample);
	assert_true(slice_equal(yaml_get(map, "4")->text, (struct slice){ (const uint8_t *)"a\0b", 3 }));
	assert_int_equal(yaml_get(map, "11")->text.n, 0);
	assert_int_equal(yaml_get(map, "11")->style, YAML_PLAIN);
	assert_int_equal(yaml_get(map, "11")->key_style, YAML_PLAIN);
	assert_true(slice_equal_string(yaml_get(root, "text")->text, "two\nlines"));
	assert_int_equal(yaml_get(root, "text")->style, YAML_BLOCK);
	assert_null(yaml_get(root, "none"));
	assert_null(yaml_get(list, "one"));
	assert_null(yaml_get(NULL, "one"));
	pool_done(&pool);
}

static void offsets_count_bytes_where_characters_have_several(void **state)
{
	static const char text[] = "\xc3\xa4\xe2\x82\xac: \xf0\x9f\x98\x80\nb: c\n"; /* 5 and 4 bytes */
	struct pool pool = POOL_INIT;

	(void)state;
	const struct yaml_node *root = tree(text, &pool);
	assert_int_equal(root->first->offset, 7);
	assert_int_equal(root->first->next->offset, 15);
	pool_done(&pool);
}

static void what_is_not_read_is_refused_with_line_and_offset(void **state)
{
	static const struct {
		const char *text, *says;
		uint64_t offset;
		enum pcrcast_code code;
	} cases[] = {
		{ "", "no document", 0, PCRCAST_EFORMAT },
		{ "# nothing\n", "no document", 0, PCRCAST_EFORMAT },
		{ "a: &x 1\n", "line 1: anchors", 3, PCRCAST_EUNSUPPORTED },
		{ "a: 1\nb: *x\n", "line 2: aliases", 8, PCRCAST_EUNSUPPORTED },
		{ "a: !!int 1\n", "line 1: tags", 3, PCRCAST_EUNSUPPORTED },
		{ "a: ! b\n", "tags", 3, PCRCAST_EUNSUPPORTED },
		{ "a: !x {b: c}\n", "tags", 3, PCRCAST_EUNSUPPORTED },
		{ "a: &x [b]\n", "anchors", 3, PCRCAST_EUNSUPPORTED },
		{ "%TAG ! tag:x,2000:\n---\na: b\n", "%TAG", 0, PCRCAST_EUNSUPPORTED },
		{ "a: 1\n---\nb: 2\n", "line 2: several documents", 5, PCRCAST_EUNSUPPORTED },
		{ "? [a]\n: b\n", "no scalar", 2, PCRCAST_EUNSUPPORTED },
		{ "a: 1\nb: 2\na: 3\n", "key \"a\" twice", 13, PCRCAST_EFORMAT },
		{ "\"a\": 1\nb: 2\na: 3\n", "key \"a\" twice", 15, PCRCAST_EFORMAT },
		{ "a: [1\n", "line 2", 6, PCRCAST_EFORMAT },
		{ "a: 1\n\tb: 2\n", "line 2", 5, PCRCAST_EFORMAT },
		{ "a: \"\xff\"\n", "UTF-8", 4, PCRCAST_EFORMAT },
		{ "a: \x01\n", "control characters", 3, PCRCAST_EFORMAT },
		{ "\xff\xfe"
		  "a\0",
		  "UTF-8", 0, PCRCAST_EFORMAT }, /* UTF-16 is not for us */
	};
	struct pool pool = POOL_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pcrcast_error e = { .msg = "" };
		const struct yaml_node *root = NULL;

		int r = parse(cases[i].text, strlen(cases[i].text), &pool, &root, &e);
		assert_null(root);
		if (r != -(int)cases[i].code || !strstr(e.msg, cases[i].says) || e.offset != cases[i].offset)
			fail_msg("case %zu: %d, \"%s\" at %u", i, r, e.msg, (unsigned)e.offset);
	}
	pool_done(&pool);
}

static void nesting_is_bounded(void **state)
{
	char text[2 * YAML_MAX_DEPTH + 3];
	struct pool pool = POOL_INIT;
	struct pcrcast_error e;
	const struct yaml_node *root;

	(void)state;
	memset(text, '[', sizeof text);
	memset(text + YAML_MAX_DEPTH, ']', YAML_MAX_DEPTH);
	assert_int_equal(parse(text, 2 * (size_t)YAML_MAX_DEPTH, &pool, &root, &e), 0);
	memset(text + YAML_MAX_DEPTH, '[', 1);
	memset(text + YAML_MAX_DEPTH + 1, ']', YAML_MAX_DEPTH + 1);
	assert_int_equal(parse(text, 2 * (size_t)YAML_MAX_DEPTH + 2, &pool, &root, &e), -PCRCAST_ELIMIT);
	assert_int_equal(e.offset, YAML_MAX_DEPTH);
	pool_done(&pool);
}

static void a_text_of_many_short_values_is_bounded(void **state)
{
	size_t n = 2 * (size_t)YAML_MAX_NODES + 1;
	char *text = malloc(n);
	struct pool pool = POOL_INIT;
	struct pcrcast_error e;
	const struct yaml_node *root;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < n; i += 2) {
		text[i] = i ? ',' : '[';
		if (i + 1 < n)
			text[i + 1] = 'a';
	}
	assert_int_equal(parse(text, n, &pool, &root, &e), -PCRCAST_ELIMIT);
	assert_non_null(strstr(e.msg, "more than"));
	free(text);
	pool_done(&pool);
}

static void every_truncation_is_read_or_refused(void **state)
{
	struct pcrcast_error e;
	const struct yaml_node *root;

	(void)state;
	for (size_t n = 0; n < sizeof sample - 1; n++) {
		struct pool pool = POOL_INIT;

		(void)parse(sample, n, &pool, &root, &e); /* AddressSanitizer watches */
		pool_done(&pool);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_becomes_a_tree),
		cmocka_unit_test(offsets_count_bytes_where_characters_have_several),
		cmocka_unit_test(what_is_not_read_is_refused_with_line_and_offset),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(a_text_of_many_short_values_is_bounded),
		cmocka_unit_test(every_truncation_is_read_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
