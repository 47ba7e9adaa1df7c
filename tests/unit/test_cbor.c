/* CBOR: examples of RFC 8949, appendix A, and what must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cbor.h"
#include "base/encode.h"

static struct pool pool = POOL_INIT;

/* Read hex from an exact-size heap block, which stays until the end. */
static int read_hex(const char *hex, const struct cbor_node **ret, struct pcrcast_error *e)
{
	struct slice bytes;

	assert_true(hex_decode(&pool, slice_of_string(hex), &bytes));
	uint8_t *copy = malloc(bytes.n ? bytes.n : 1);
	assert_non_null(copy);
	if (bytes.n)
		memcpy(copy, bytes.p, bytes.n);
	*e = (struct pcrcast_error){ .offset = PCRCAST_NO_OFFSET };
	int r = cbor_read(&pool, (struct slice){ copy, bytes.n }, 0, ret, e);
	if (r < 0)
		free(copy);
	return r;
}

static const struct cbor_node *node_of(const char *hex)
{
	const struct cbor_node *node = NULL;
	struct pcrcast_error e;

	if (read_hex(hex, &node, &e) < 0)
		fail_msg("%s: %s", hex, e.msg);
	return node;
}

/* The first byte of a read_hex block is where raw of the root begins. */
static void done(const struct cbor_node *root)
{
	free((void *)root->raw.p);
}

static void numbers_are_read(void **state)
{
	static const struct {
		const char *hex;
		enum cbor_kind kind;
		uint64_t number;
	} cases[] = {
		{ "00", CBOR_UNSIGNED, 0 },
		{ "17", CBOR_UNSIGNED, 23 },
		{ "1818", CBOR_UNSIGNED, 24 },
		{ "1903e8", CBOR_UNSIGNED, 1000 },
		{ "1a000f4240", CBOR_UNSIGNED, 1000000 },
		{ "1bffffffffffffffff", CBOR_UNSIGNED, UINT64_MAX },
		{ "1b0000000000000001", CBOR_UNSIGNED, 1 }, /* longer than need be */
		{ "20", CBOR_NEGATIVE, 0 },
		{ "3903e7", CBOR_NEGATIVE, 999 },
		{ "3bffffffffffffffff", CBOR_NEGATIVE, UINT64_MAX },
		{ "f4", CBOR_SIMPLE, 20 },
		{ "f5", CBOR_SIMPLE, 21 },
		{ "f6", CBOR_SIMPLE, 22 },
		{ "f7", CBOR_SIMPLE, 23 },
		{ "f93c00", CBOR_FLOAT, 0 },
		{ "fa47c35000", CBOR_FLOAT, 0 },
		{ "fb3ff199999999999a", CBOR_FLOAT, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct cbor_node *node = node_of(cases[i].hex);

		assert_int_equal(node->kind, cases[i].kind);
		assert_true(node->number == cases[i].number);
		done(node);
	}
}

static void strings_of_every_length_are_read(void **state)
{
	const struct cbor_node *node;

	(void)state;
	node = node_of("4401020304");
	assert_int_equal(node->kind, CBOR_BYTES);
	assert_true(slice_equal_string(node->bytes, "\1\2\3\4"));
	done(node);
	node = node_of("60");
	assert_int_equal(node->kind, CBOR_TEXT);
	assert_int_equal(node->bytes.n, 0);
	done(node);
	node = node_of("62c3bc");
	assert_true(slice_equal_string(node->bytes, "\xc3\xbc"));
	done(node);
	node = node_of("5f42010243030405ff");
	assert_true(slice_equal_string(node->bytes, "\1\2\3\4\5"));
	assert_int_equal(node->raw.n, 9);
	done(node);
	node = node_of("7f657374726561646d696e67ff");
	assert_int_equal(node->kind, CBOR_TEXT);
	assert_true(slice_equal_string(node->bytes, "streaming"));
	done(node);
}

static void arrays_maps_and_tags_have_children(void **state)
{
	const struct cbor_node *node, *list;
	const char *text;

	(void)state;
	node = node_of("8301820203820405");
	assert_int_equal(node->n, 3);
	assert_int_equal(node->first->next->n, 2);
	assert_int_equal(node->first->next->offset, 2);
	assert_int_equal(node->first->next->raw.n, 3);
	assert_null(node->first->next->next->next);
	done(node);
	node = node_of("9f018202039f0405ffff");
	assert_int_equal(node->n, 3);
	done(node);
	node = node_of("bf0163466f6f02820203ff"); /* {1: "Foo", 2: [2, 3]} */
	assert_int_equal(node->n, 2);
	assert_true(cbor_string(&pool, cbor_get(node, 1), &text));
	assert_string_equal(text, "Foo");
	list = cbor_get(node, 2);
	assert_int_equal(list->n, 2);
	assert_null(cbor_get(node, 3));
	assert_null(cbor_get(list, 2));
	assert_null(cbor_get(NULL, 2));
	done(node);
	node = node_of("d9020fa0"); /* 527({}) */
	assert_int_equal(node->kind, CBOR_TAG);
	assert_non_null(cbor_untag(node, 527));
	assert_null(cbor_untag(node, 528));
	done(node);
	for (unsigned tag = 0; tag < 24; tag++) {
		char hex[5];

		(void)snprintf(hex, sizeof hex, "%02x00", 0xc0 + tag);
		node = node_of(hex);
		assert_non_null(cbor_untag(node, tag));
		done(node);
	}
}

static void what_is_not_valid_is_refused(void **state)
{
	static const struct {
		const char *hex, *says;
		uint64_t offset;
	} cases[] = {
		{ "", "too early", 0 },
		{ "0000", "1 bytes follow", 1 },
		{ "1c", "begins no item", 0 },
		{ "ff", "a break where none", 0 },
		{ "81ff", "a break where none", 1 },
		{ "bf01ff", "a break where none", 2 },
		{ "61ff", "not UTF-8", 0 },
		{ "7f61ffff", "not UTF-8", 1 },
		{ "5f6161ff", "a piece", 1 },
		{ "5f5f4101ffff", "a piece", 1 },
		{ "9bffffffffffffffff", "items or pairs in 0 bytes", 0 },
		{ "bb8000000000000000", "items or pairs in 0 bytes", 0 },
		{ "5bffffffffffffffff00", "cut short", 0 },
		{ "7b7fffffffffffffff00", "cut short", 0 },
		{ "a2010001f6", "a second time", 3 },
		{ "a20100180100", "a second time", 3 },   /* 1 in one byte and in two */
		{ "a2616100617800", "", UINT64_MAX - 1 }, /* "a" and "x": read */
		{ "a26161007f6161ff00", "a second time", 4 },
		{ "a2410000410000", "a second time", 4 },
		{ "a18000", "neither a number nor a string", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct cbor_node *node = NULL;
		struct pcrcast_error e;

		if (cases[i].offset == UINT64_MAX - 1) {
			done(node_of(cases[i].hex));
			continue;
		}
		if (read_hex(cases[i].hex, &node, &e) >= 0)
			fail_msg("%s was read", cases[i].hex);
		if (!strstr(e.msg, cases[i].says) || e.offset != cases[i].offset)
			fail_msg("%s: \"%s\" at %llu", cases[i].hex, e.msg, (unsigned long long)e.offset);
	}
}

static void every_truncation_is_refused(void **state)
{
	/* a map with every kind of item in it */
	static const char hex[] =
		"bf01815f4101ff0218190338fa0463e282ac05d8256100069f01f6f5fb3ff199999999999aff1a0001000080ff";
	char cut[sizeof hex];
	struct pcrcast_error e;
	const struct cbor_node *node;

	(void)state;
	done(node_of(hex));
	for (size_t n = 0; n < sizeof hex - 1; n += 2) {
		memcpy(cut, hex, n);
		cut[n] = '\0';
		assert_int_equal(read_hex(cut, &node, &e), -PCRCAST_ETRUNC);
	}
}

static void depth_and_number_are_limited(void **state)
{
	uint8_t nested[CBOR_MAX_DEPTH + 1];
	uint8_t *many = malloc(CBOR_MAX_NODES + 8);
	const struct cbor_node *node;
	struct pcrcast_error e;

	(void)state;
	memset(nested, 0x81, sizeof nested);
	nested[CBOR_MAX_DEPTH] = 0;
	assert_int_equal(cbor_read(&pool, (struct slice){ nested, sizeof nested }, 0, &node, &e),
			 -PCRCAST_ELIMIT);
	assert_int_equal(cbor_read(&pool, (struct slice){ nested + 1, sizeof nested - 1 }, 0, &node, &e), 0);
	assert_non_null(many);
	memset(many, 0, CBOR_MAX_NODES + 8);
	many[0] = 0x9a;
	many[2] = 0x10; /* 2^20 items, and the array itself */
	assert_int_equal(cbor_read(&pool, (struct slice){ many, CBOR_MAX_NODES + 5 }, 0, &node, &e),
			 -PCRCAST_ELIMIT);
	free(many);
}

static void writing_uses_the_shortest_form(void **state)
{
	struct cbor_writer w = CBOR_WRITER(&pool);

	(void)state;
	cbor_put_map(&w, 2);
	cbor_put_unsigned(&w, 23);
	cbor_put_array(&w, 4);
	cbor_put_unsigned(&w, 24);
	cbor_put_unsigned(&w, 1000);
	cbor_put_unsigned(&w, UINT64_C(1) << 32);
	cbor_put_tag(&w, 501);
	cbor_put_bytes(&w, slice_of_string("\1\2"));
	cbor_put_unsigned(&w, 24);
	cbor_put_text(&w, "");
	assert_false(w.failed);
	assert_string_equal(hex_text(&pool, cbor_written(&w)), "a217841818"
							       "1903e8"
							       "1b0000000100000000"
							       "d901f5420102"
							       "1818"
							       "60");
}

static int finish(void **state)
{
	(void)state;
	pool_done(&pool);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_read),
		cmocka_unit_test(strings_of_every_length_are_read),
		cmocka_unit_test(arrays_maps_and_tags_have_children),
		cmocka_unit_test(what_is_not_valid_is_refused),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(depth_and_number_are_limited),
		cmocka_unit_test(writing_uses_the_shortest_form),
	};

	return cmocka_run_group_tests(tests, NULL, finish);
}
