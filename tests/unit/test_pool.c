/* Pools: zeroed, aligned, never moved, freed at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/pool.h"

static void memory_is_zeroed_aligned_and_apart(void **state)
{
	static const size_t sizes[] = { 0, 1, 7, 16, 17, 100, 4095, 4096, 4097, 16384, 100000, 3, 5000, 1 };
	struct pool pool = POOL_INIT;
	unsigned char *got[200];
	size_t len[200];

	(void)state;
	for (size_t i = 0; i < 200; i++) {
		len[i] = sizes[i % (sizeof sizes / sizeof sizes[0])];
		got[i] = pool_array(&pool, len[i], 1);
		assert_non_null(got[i]);
		assert_int_equal((uintptr_t)got[i] % 16, 0);
		for (size_t k = 0; k < len[i]; k++)
			assert_int_equal(got[i][k], 0);
		memset(got[i], (int)i + 1, len[i]);
	}
	for (size_t i = 0; i < 200; i++)
		for (size_t k = 0; k < len[i]; k++)
			assert_int_equal(got[i][k], (unsigned char)(i + 1));
	pool_done(&pool);
}

static void a_large_object_does_not_waste_the_newest_block(void **state)
{
	struct pool pool = POOL_INIT;

	(void)state;
	char *small = pool_array(&pool, 16, 1);
	assert_non_null(pool_array(&pool, 1 << 20, 1));
	char *next = pool_array(&pool, 16, 1);
	assert_ptr_equal(next, small + 16);
	pool_done(&pool);
}

static void sizes_that_overflow_give_nothing(void **state)
{
	struct pool pool = POOL_INIT;

	(void)state;
	assert_null(pool_array(&pool, SIZE_MAX / 2, 3));
	assert_null(pool_array(&pool, SIZE_MAX, 1));
	assert_null(pool_text(&pool, "", SIZE_MAX));
	assert_non_null(pool_array(&pool, 1, 1));
	pool_done(&pool);
}

static void a_pool_can_be_used_again_after_done(void **state)
{
	struct pool pool = POOL_INIT;

	(void)state;
	pool_done(&pool);
	assert_non_null(pool_array(&pool, 10, 10));
	pool_done(&pool);
	assert_null(pool.blocks);
	char *p = pool_array(&pool, 10, 10);
	assert_non_null(p);
	memset(p, 1, 100);
	pool_done(&pool);
}

static void copies_are_copies(void **state)
{
	struct pool pool = POOL_INIT;
	char bytes[4] = { 'a', 0, 'b', 'c' };

	(void)state;
	char *copy = pool_copy(&pool, bytes, sizeof bytes);
	bytes[0] = 'x';
	assert_memory_equal(copy, "a\0bc", 4);
	assert_non_null(pool_copy(&pool, NULL, 0));
	pool_done(&pool);
}

static void text_ends_in_a_nul(void **state)
{
	struct pool pool = POOL_INIT;

	(void)state;
	/* Spoil nothing behind: the byte after the text must be zero whatever came before. */
	for (size_t n = 0; n < 64; n++) {
		char *text = pool_text(&pool,
				       "0123456789012345678901234567890123456789012345678901234567890123", n);

		assert_int_equal(strlen(text), n);
	}
	assert_string_equal(pool_text(&pool, NULL, 0), "");
	pool_done(&pool);
}

static void printf_takes_what_it_needs(void **state)
{
	struct pool pool = POOL_INIT;
	char *text = pool_printf(&pool, "%05d %s%-300s|", 42, "answer", "");

	(void)state;
	assert_int_equal(strlen(text), 5 + 1 + 6 + 300 + 1);
	assert_memory_equal(text, "00042 answer ", 13);
	assert_string_equal(pool_printf(&pool, "%s", ""), "");
	pool_done(&pool);
}

struct item {
	uint64_t a;
	char b;
};

static void an_array_grows_and_keeps_its_elements(void **state)
{
	struct pool pool = POOL_INIT;
	struct item *items = NULL;
	size_t n = 0, cap = 0;

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		struct item *it = pool_push(&pool, &items, &n, &cap, sizeof *it);

		assert_non_null(it);
		assert_ptr_equal(it, &items[i]);
		assert_int_equal(n, i + 1);
		assert_true(cap >= n);
		assert_int_equal(it->a, 0);
		assert_int_equal(it->b, 0);
		*it = (struct item){ i * i, 'b' };
	}
	for (size_t i = 0; i < 1000; i++) {
		assert_int_equal(items[i].a, i * i);
		assert_int_equal(items[i].b, 'b');
	}
	pool_done(&pool);
}

static void an_array_that_cannot_grow_stays_as_it_is(void **state)
{
	struct pool pool = POOL_INIT;
	struct item one = { 7, 'x' }, *items = &one;
	size_t n = SIZE_MAX / 2 + 1, cap = n;

	(void)state;
	assert_null(pool_push(&pool, &items, &n, &cap, sizeof one));
	assert_ptr_equal(items, &one);
	assert_true(n == SIZE_MAX / 2 + 1 && cap == n);
	pool_done(&pool);
}

static bool push_text(struct pool *pool, const char ***texts, size_t *n, size_t *cap, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	bool ok = pool_push_text(pool, texts, n, cap, fmt, ap);
	va_end(ap);
	return ok;
}

static void texts_are_gathered_in_order(void **state)
{
	struct pool pool = POOL_INIT;
	const char **texts = NULL;
	size_t n = 0, cap = 0;

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_true(push_text(&pool, &texts, &n, &cap, "%d of %s", i, "many"));
	assert_int_equal(n, 20);
	assert_string_equal(texts[0], "0 of many");
	assert_string_equal(texts[19], "19 of many");
	cap = n = SIZE_MAX / 2 + 1;
	assert_false(push_text(&pool, &texts, &n, &cap, "one too many"));
	assert_true(n == SIZE_MAX / 2 + 1);
	pool_done(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
		cmocka_unit_test(a_large_object_does_not_waste_the_newest_block),
		cmocka_unit_test(sizes_that_overflow_give_nothing),
		cmocka_unit_test(a_pool_can_be_used_again_after_done),
		cmocka_unit_test(copies_are_copies),
		cmocka_unit_test(text_ends_in_a_nul),
		cmocka_unit_test(printf_takes_what_it_needs),
		cmocka_unit_test(an_array_grows_and_keeps_its_elements),
		cmocka_unit_test(an_array_that_cannot_grow_stays_as_it_is),
		cmocka_unit_test(texts_are_gathered_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
