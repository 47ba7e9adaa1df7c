/* What two sequences have in common: against every way of leaving letters out, for all short texts of three letters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "eventlog/diff_sequence.h"

struct texts {
	const char *a, *b;
};

static bool same_letter(const void *ctx, size_t a, size_t b)
{
	const struct texts *t = ctx;

	return t->a[a] == t->b[b];
}

/* The most letters that both have in order, by trying everything. */
static size_t longest(const char *a, const char *b)
{
	size_t without, with = 0;

	if (!*a || !*b)
		return 0;
	without = longest(a + 1, b);
	const char *at = strchr(b, *a);
	if (at)
		with = 1 + longest(a + 1, at + 1);
	return with > without ? with : without;
}

static size_t align(const char *a, const char *b, uint32_t *ret_partner)
{
	struct texts t = { a, b };
	size_t n = 0, next = 0;

	assert_int_equal(sequence_align(strlen(a), strlen(b), same_letter, &t, ret_partner, NULL), 0);
	for (size_t i = 0; i < strlen(a); i++)
		if (ret_partner[i] != SEQUENCE_NONE) {
			assert_in_range(ret_partner[i], next, strlen(b) - 1);
			assert_int_equal(a[i], b[ret_partner[i]]);
			next = ret_partner[i] + 1;
			n++;
		}
	return n;
}

/* The text of that number: no letters, then one, two … of a, b and c. */
static void text_of(unsigned number, char ret[static 8])
{
	size_t n = 0;

	for (; number; number = (number - 1) / 3)
		ret[n++] = (char)('a' + (number - 1) % 3);
	ret[n] = '\0';
}

static void nothing_longer_is_in_both(void **state)
{
	enum { TEXTS = 1 + 3 + 9 + 27 + 81 }; /* of up to four letters */
	uint32_t partner[8];
	char a[8], b[8];

	(void)state;
	for (unsigned i = 0; i < TEXTS; i++)
		for (unsigned k = 0; k < TEXTS; k++) {
			text_of(i, a);
			text_of(k, b);
			if (align(a, b, partner) != longest(a, b))
				fail_msg("\"%s\" and \"%s\"", a, b);
		}
}

static void of_equal_choices_items_of_the_first_are_passed_over(void **state)
{
	uint32_t partner[8];

	(void)state;
	assert_int_equal(align("ab", "ba", partner), 1);
	assert_int_equal(partner[0], SEQUENCE_NONE);
	assert_int_equal(partner[1], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_longer_is_in_both),
		cmocka_unit_test(of_equal_choices_items_of_the_first_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
