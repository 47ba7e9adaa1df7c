/* Hexadecimal and base64: the vectors of RFC 4648 section 10, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/encode.h"

static const char *const vectors[][3] = {
	{ "", "", "" },
	{ "f", "66", "Zg==" },
	{ "fo", "666f", "Zm8=" },
	{ "foo", "666f6f", "Zm9v" },
	{ "foob", "666f6f62", "Zm9vYg==" },
	{ "fooba", "666f6f6261", "Zm9vYmE=" },
	{ "foobar", "666f6f626172", "Zm9vYmFy" },
};

static void the_vectors_of_rfc_4648_go_both_ways(void **state)
{
	struct pool pool = POOL_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		struct slice bytes = slice_of_string(vectors[i][0]), back;

		assert_string_equal(hex_text(&pool, bytes), vectors[i][1]);
		assert_string_equal(base64_text(&pool, bytes), vectors[i][2]);
		assert_true(hex_decode(&pool, slice_of_string(vectors[i][1]), &back));
		assert_true(slice_equal(back, bytes));
		assert_true(base64_decode(&pool, slice_of_string(vectors[i][2]), &back));
		assert_true(slice_equal(back, bytes));
	}
	pool_done(&pool);
}

static void every_byte_survives_base64(void **state)
{
	struct pool pool = POOL_INIT;
	uint8_t all[256];
	struct slice back;

	(void)state;
	for (unsigned i = 0; i < sizeof all; i++)
		all[i] = (uint8_t)i;
	for (size_t n = 0; n <= sizeof all; n++) {
		struct slice bytes = { all, n };

		assert_true(base64_decode(&pool, slice_of_string(base64_text(&pool, bytes)), &back));
		assert_true(slice_equal(back, bytes));
	}
	pool_done(&pool);
}

static void hex_takes_both_cases(void **state)
{
	struct pool pool = POOL_INIT;
	struct slice s;

	(void)state;
	assert_true(hex_decode(&pool, slice_of_string("aBcDeF09"), &s));
	assert_memory_equal(s.p, "\xab\xcd\xef\x09", 4);
	pool_done(&pool);
}

static void what_is_no_hex_or_base64_is_refused(void **state)
{
	static const char *const no_hex[] = { "a", "0x12", "g0", "12 34", "12\n" };
	static const char *const no_base64[] = {
		"Zg",     "Zg=",   "Zg===",    "Z===", "====",
		"Zm9v\n", "Zm 9v", "Zm9v====", "=Zm9", "Zh==" /* unused bits */,
		"Zm9=",   "Zm-_",  "Z=g="
	};
	struct pool pool = POOL_INIT;
	struct slice s;

	(void)state;
	for (size_t i = 0; i < sizeof no_hex / sizeof no_hex[0]; i++)
		assert_false(hex_decode(&pool, slice_of_string(no_hex[i]), &s));
	for (size_t i = 0; i < sizeof no_base64 / sizeof no_base64[0]; i++)
		assert_false(base64_decode(&pool, slice_of_string(no_base64[i]), &s));
	pool_done(&pool);
}

/* RFC 4648, section 5. Expected: python3 -c 'import base64; print(base64.urlsafe_b64decode(TEXT).hex())' */
static void base64_in_url_form_has_padding_or_none(void **state)
{
	static const char *const texts[] = { "-_8=", "-_8", "-_-_", "", "AA==", "AA" };
	static const char *const hexes[] = { "fbff", "fbff", "fbffbf", "", "00", "00" };
	static const char *const refused[] = { "+/8=", "-/8", "-_9",   "A",   "AAAAA",
					       "AA=",  "=",   "AA===", "A A", "AA\n" };
	struct pool pool = POOL_INIT;
	struct slice s;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		assert_true(base64url_decode(&pool, slice_of_string(texts[i]), &s));
		assert_string_equal(hex_text(&pool, s), hexes[i]);
	}
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
		if (base64url_decode(&pool, slice_of_string(refused[i]), &s))
			fail_msg("%s is read", refused[i]);
	pool_done(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vectors_of_rfc_4648_go_both_ways),
		cmocka_unit_test(every_byte_survives_base64),
		cmocka_unit_test(base64_in_url_form_has_padding_or_none),
		cmocka_unit_test(hex_takes_both_cases),
		cmocka_unit_test(what_is_no_hex_or_base64_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
