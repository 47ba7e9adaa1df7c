/* Errors: codes, messages and what is cut when they grow too long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

static void fill(char *text, size_t n, char c)
{
	memset(text, c, n - 1);
	text[n - 1] = '\0';
}

static void an_error_carries_code_offset_and_message(void **state)
{
	struct pcrcast_error e;

	(void)state;
	assert_int_equal(err_set(&e, PCRCAST_EFORMAT, 17, "expected %d, found %s", 3, "four"),
			 -PCRCAST_EFORMAT);
	assert_int_equal(e.code, PCRCAST_EFORMAT);
	assert_int_equal(e.offset, 17);
	assert_string_equal(e.msg, "expected 3, found four");
}

static void every_code_comes_back_negative(void **state)
{
	(void)state;
	for (enum pcrcast_code c = PCRCAST_ETRUNC; c <= PCRCAST_EINVAL; c++) {
		struct pcrcast_error e;

		assert_int_equal(err_set(&e, c, 0, "x"), -(int)c);
		assert_int_equal(err_wrap(&e, "y"), -(int)c);
		assert_int_equal(e.code, c);
	}
}

static void a_missing_error_object_is_fine(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, PCRCAST_EIO, 0, "lost"), -PCRCAST_EIO);
	assert_int_equal(err_nomem(NULL), -PCRCAST_ENOMEM);
	assert_true(err_wrap(NULL, "context") < 0);
}

static void out_of_memory_is_about_no_byte(void **state)
{
	struct pcrcast_error e;

	(void)state;
	assert_int_equal(err_nomem(&e), -PCRCAST_ENOMEM);
	assert_true(e.offset == PCRCAST_NO_OFFSET);
	assert_string_equal(e.msg, "out of memory");
}

static void context_goes_in_front_and_code_and_offset_stay(void **state)
{
	struct pcrcast_error e;

	(void)state;
	err_set(&e, PCRCAST_ETRUNC, 99, "digest cut short");
	assert_int_equal(err_wrap(&e, "event %d", 17), -PCRCAST_ETRUNC);
	assert_int_equal(err_wrap(&e, "%s", "log.bin"), -PCRCAST_ETRUNC);
	assert_string_equal(e.msg, "log.bin: event 17: digest cut short");
	assert_int_equal(e.code, PCRCAST_ETRUNC);
	assert_int_equal(e.offset, 99);
}

static void a_message_that_is_too_long_is_cut(void **state)
{
	struct pcrcast_error e;
	char text[2 * sizeof e.msg];

	(void)state;
	fill(text, sizeof text, 'a');
	err_set(&e, PCRCAST_EIO, 0, "%s", text);
	assert_int_equal(strlen(e.msg), sizeof e.msg - 1);
	assert_memory_equal(e.msg, text, sizeof e.msg - 1);
}

static void long_context_is_cut_and_the_reason_is_kept(void **state)
{
	struct pcrcast_error e;
	char text[2 * sizeof e.msg];

	(void)state;
	fill(text, sizeof text, 'c');
	err_set(&e, PCRCAST_EIO, 0, "the reason");
	err_wrap(&e, "%s", text);
	assert_int_equal(strlen(e.msg), sizeof e.msg - 1);
	assert_string_equal(e.msg + sizeof e.msg - sizeof ": the reason", ": the reason");
	for (size_t i = 0; i < sizeof e.msg - sizeof ": the reason"; i++)
		assert_int_equal(e.msg[i], 'c');
}

/* Around every length at which context and reason just fit. */
static void any_lengths_of_context_and_reason_fit_into_the_message(void **state)
{
	struct pcrcast_error e;
	char context[2 * sizeof e.msg], reason[2 * sizeof e.msg];

	(void)state;
	for (size_t r = sizeof e.msg - 12; r <= sizeof e.msg + 2; r++)
		for (size_t c = 1; c < 16; c++) {
			struct {
				struct pcrcast_error e;
				char guard[8];
			} box = { .guard = "guard" };

			fill(reason, r, 'r');
			fill(context, c, 'c');
			err_set(&box.e, PCRCAST_EIO, 0, "%s", reason);
			err_wrap(&box.e, "%s", context);
			size_t len = strnlen(box.e.msg, sizeof box.e.msg);
			assert_true(len < sizeof box.e.msg);
			size_t kept = strlen(strchr(box.e.msg, 'r'));
			assert_int_equal(kept, r - 1 < sizeof e.msg - 1 ? r - 1 : sizeof e.msg - 1);
			if (len > kept)
				assert_memory_equal(box.e.msg + len - kept - 2, ": ", 2);
			assert_string_equal(box.guard, "guard");
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_carries_code_offset_and_message),
		cmocka_unit_test(every_code_comes_back_negative),
		cmocka_unit_test(a_missing_error_object_is_fine),
		cmocka_unit_test(out_of_memory_is_about_no_byte),
		cmocka_unit_test(context_goes_in_front_and_code_and_offset_stay),
		cmocka_unit_test(a_message_that_is_too_long_is_cut),
		cmocka_unit_test(long_context_is_cut_and_the_reason_is_kept),
		cmocka_unit_test(any_lengths_of_context_and_reason_fit_into_the_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
