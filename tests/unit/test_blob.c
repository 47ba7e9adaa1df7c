/* Blobs: pieces of sources, bytes and zeros that read as one run of bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/blob.h"

static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

struct fixture {
	struct pool pool;
	struct source *one, *two; /* "abc…z" and "0123456789" */
};

static int begin(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	assert_int_equal(source_over_bytes(slice_of_string(letters), "one", &f->one, NULL), 0);
	assert_int_equal(source_over_bytes(slice_of_string("0123456789"), "two", &f->two, NULL), 0);
	*state = f;
	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

	source_close(f->one);
	source_close(f->two);
	pool_done(&f->pool);
	free(f);
	return 0;
}

static struct blob built(struct blob_builder *w)
{
	struct blob b;

	assert_int_equal(blob_build(w, &b, NULL), 0);
	return b;
}

static void reads(const struct blob *b, uint64_t off, const char *expected, size_t n)
{
	uint8_t *buf = malloc(n ? n : 1);

	assert_non_null(buf);
	assert_int_equal(blob_read(b, off, buf, n, NULL), 0);
	assert_memory_equal(buf, expected, n);
	free(buf);
}

/* "cdef" from one, "XYZ" from memory, three zeros, "789" from two */
static const char mixed_bytes[] = "cdefXYZ\0\0\000789";
enum { MIXED_LEN = 13 };

static struct blob mixed(struct fixture *f)
{
	struct blob_builder w = BLOB_BUILDER(&f->pool);

	blob_add_source(&w, f->one, 2, 4);
	blob_add_bytes(&w, slice_of_string("XYZ"));
	blob_add_zeros(&w, 3);
	blob_add_source(&w, f->two, 7, 3);
	return built(&w);
}

static void every_range_of_a_mixed_blob_reads_as_its_bytes(void **state)
{
	struct blob b = mixed(*state);

	assert_int_equal(b.len, MIXED_LEN);
	assert_int_equal(b.n_pieces, 4);
	for (size_t off = 0; off <= MIXED_LEN; off++)
		for (size_t n = 0; n <= MIXED_LEN - off; n++)
			reads(&b, off, mixed_bytes + off, n);
}

static void reading_past_the_end_is_refused(void **state)
{
	struct blob b = mixed(*state);
	struct pcrcast_error e;
	uint8_t buf[32];

	assert_int_equal(blob_read(&b, 0, buf, MIXED_LEN + 1, &e), -PCRCAST_ETRUNC);
	assert_string_equal(e.msg, "14 bytes wanted, the file ends at 13");
	assert_int_equal(blob_read(&b, MIXED_LEN, buf, 1, &e), -PCRCAST_ETRUNC);
	assert_int_equal(blob_read(&b, MIXED_LEN + 1, buf, 0, &e), -PCRCAST_ETRUNC);
	assert_int_equal(blob_read(&b, UINT64_MAX, buf, 2, &e), -PCRCAST_ETRUNC);
	assert_int_equal(blob_read(&b, 2, buf, SIZE_MAX, &e), -PCRCAST_ETRUNC);
}

static void every_part_of_a_blob_is_a_blob_of_those_bytes(void **state)
{
	struct fixture *f = *state;
	struct blob b = mixed(f);

	for (size_t off = 0; off <= MIXED_LEN; off++)
		for (size_t n = 0; n <= MIXED_LEN - off; n++) {
			struct blob part;

			assert_int_equal(blob_sub(&f->pool, &b, off, n, &part, NULL), 0);
			assert_int_equal(part.len, n);
			reads(&part, 0, mixed_bytes + off, n);
			for (size_t i = 0; i < part.n_pieces; i++)
				assert_true(part.pieces[i].len > 0);
		}
}

static void a_part_that_does_not_lie_inside_is_refused(void **state)
{
	struct fixture *f = *state;
	struct blob b = mixed(f), part = { .len = 4711 };
	struct pcrcast_error e;

	assert_int_equal(blob_sub(&f->pool, &b, 0, MIXED_LEN + 1, &part, &e), -PCRCAST_ETRUNC);
	assert_int_equal(blob_sub(&f->pool, &b, MIXED_LEN + 1, 0, &part, &e), -PCRCAST_ETRUNC);
	assert_int_equal(blob_sub(&f->pool, &b, 5, UINT64_MAX, &part, &e), -PCRCAST_ETRUNC);
	assert_int_equal(part.len, 4711);

	struct blob_builder w = BLOB_BUILDER(&f->pool);
	blob_add_part(&w, &b, 10, 4);
	assert_true(blob_build(&w, &part, &e) < 0);
}

static void neighbours_of_one_source_are_joined(void **state)
{
	struct fixture *f = *state;
	struct blob_builder w = BLOB_BUILDER(&f->pool);

	blob_add_source(&w, f->one, 0, 3);
	blob_add_source(&w, f->one, 3, 4);
	blob_add_zeros(&w, 2);
	blob_add_zeros(&w, 2);
	blob_add_source(&w, f->one, 7, 1);
	blob_add_source(&w, f->one, 7, 1);
	blob_add_source(&w, f->two, 8, 1);
	struct blob b = built(&w);
	assert_int_equal(b.n_pieces, 5);
	reads(&b, 0, "abcdefg\0\0\0\0hh8", 14);
}

static void what_is_no_neighbour_is_not_joined(void **state)
{
	struct fixture *f = *state;
	struct blob_builder w = BLOB_BUILDER(&f->pool);

	blob_add_source(&w, f->one, 0, 3);
	blob_add_source(&w, f->one, 4, 2); /* a gap */
	blob_add_source(&w, f->one, 5, 2); /* an overlap */
	blob_add_source(&w, f->two, 7, 2);
	blob_add_zeros(&w, 2);
	blob_add_bytes(&w, slice_of_string("XY"));
	blob_add_bytes(&w, slice_of_string("Z"));
	blob_add_zeros(&w, 1);
	struct blob b = built(&w);
	assert_int_equal(b.n_pieces, 8);
	reads(&b, 0, "abceffg78\0\0XYZ\0", 15);
}

static void nothing_adds_nothing(void **state)
{
	struct fixture *f = *state;
	struct blob_builder w = BLOB_BUILDER(&f->pool);
	struct blob empty = BLOB_EMPTY;

	blob_add_source(&w, f->one, 5, 0);
	blob_add_bytes(&w, SLICE_EMPTY);
	blob_add_zeros(&w, 0);
	blob_add(&w, &empty);
	struct blob b = built(&w);
	assert_int_equal(b.n_pieces, 0);
	assert_int_equal(b.len, 0);
	reads(&b, 0, "", 0);
	assert_int_equal(blob_sub(&f->pool, &b, 0, 0, &b, NULL), 0);
}

static void a_length_that_overflows_is_reported(void **state)
{
	struct fixture *f = *state;
	struct blob_builder w = BLOB_BUILDER(&f->pool);
	struct blob b;

	blob_add_zeros(&w, UINT64_MAX);
	blob_add_bytes(&w, slice_of_string("x"));
	assert_true(blob_build(&w, &b, NULL) < 0);

	struct blob_builder many = BLOB_BUILDER(&f->pool);
	blob_add_zeros(&many, UINT64_MAX - 1);
	blob_add_zeros(&many, 1);
	b = built(&many);
	assert_true(b.len == UINT64_MAX);
	reads(&b, UINT64_MAX - 2, "\0", 2);
}

static void a_blob_is_loaded_up_to_the_limit(void **state)
{
	struct fixture *f = *state;
	struct blob b = mixed(f);
	struct pcrcast_error e;
	struct slice s;

	assert_int_equal(blob_load(&f->pool, &b, MIXED_LEN, &s, &e), 0);
	assert_int_equal(s.n, MIXED_LEN);
	assert_memory_equal(s.p, mixed_bytes, MIXED_LEN);
	assert_int_equal(blob_load(&f->pool, &b, MIXED_LEN - 1, &s, &e), -PCRCAST_ELIMIT);
	assert_string_equal(e.msg, "13 bytes, at most 12 are read into memory");

	struct blob empty = BLOB_EMPTY;
	assert_int_equal(blob_load(&f->pool, &empty, 0, &s, &e), 0);
	assert_int_equal(s.n, 0);
	assert_non_null(s.p);
}

static void a_byte_is_located_in_its_source(void **state)
{
	struct fixture *f = *state;
	struct blob b = mixed(f);
	uint64_t at = 4711;

	assert_ptr_equal(blob_locate(&b, 0, &at), f->one);
	assert_int_equal(at, 2);
	assert_ptr_equal(blob_locate(&b, 3, &at), f->one);
	assert_int_equal(at, 5);
	assert_ptr_equal(blob_locate(&b, 12, &at), f->two);
	assert_int_equal(at, 9);
	at = 4711;
	assert_null(blob_locate(&b, 4, &at));
	assert_null(blob_locate(&b, 7, &at));
	assert_null(blob_locate(&b, MIXED_LEN, &at));
	assert_int_equal(at, 4711);
}

static void a_part_from_the_start_is_a_prefix(void **state)
{
	struct fixture *f = *state;
	struct blob b = mixed(f), part;

	for (size_t n = 0; n <= MIXED_LEN; n++) {
		assert_int_equal(blob_sub(&f->pool, &b, 0, n, &part, NULL), 0);
		assert_true(blob_is_prefix(&part, &b));
		assert_int_equal(blob_is_prefix(&b, &part), n == MIXED_LEN);
		if (n > 0) {
			assert_int_equal(blob_sub(&f->pool, &b, 1, n - 1, &part, NULL), 0);
			assert_int_equal(blob_is_prefix(&part, &b), n == 1);
		}
	}
}

static void what_only_looks_like_the_start_is_no_prefix(void **state)
{
	struct fixture *f = *state;
	struct blob whole, other, longer;

	assert_int_equal(blob_of_source(&f->pool, f->one, &whole, NULL), 0);
	/* Other bytes of the same source, other source, a middle piece that is shorter, zeros for bytes. */
	for (int variant = 0; variant < 5; variant++) {
		struct blob_builder w = BLOB_BUILDER(&f->pool), l = BLOB_BUILDER(&f->pool);

		blob_add_source(&l, f->one, 0, 5);
		blob_add_bytes(&l, slice_of_string("XYZ"));
		blob_add_source(&l, f->two, 0, 5);
		longer = built(&l);
		blob_add_source(&w, variant == 0 ? f->two : f->one, variant == 1, variant == 2 ? 4 : 5);
		if (variant == 3)
			blob_add_zeros(&w, 3);
		else if (variant != 4)
			blob_add_part(&w, &longer, 5, 3);
		blob_add_source(&w, f->two, 0, 1);
		other = built(&w);
		assert_false(blob_is_prefix(&other, &longer));
		assert_false(blob_is_prefix(&other, &whole));
	}
}

static int failing_read(void *ctx, uint64_t off, void *buf, size_t n, struct pcrcast_error *e)
{
	(void)ctx;
	(void)buf;
	(void)n;
	return err_set(e, PCRCAST_EIO, off, "broken");
}

static void a_read_error_of_a_source_comes_through(void **state)
{
	static const struct source_ops ops = { failing_read, NULL, NULL };
	struct fixture *f = *state;
	struct blob_builder w = BLOB_BUILDER(&f->pool);
	struct source *bad;
	struct pcrcast_error e;
	struct slice s;
	uint8_t buf[8];

	assert_int_equal(source_new(&ops, NULL, 100, "bad", &bad, NULL), 0);
	blob_add_bytes(&w, slice_of_string("good"));
	blob_add_source(&w, bad, 20, 4);
	struct blob b = built(&w);
	assert_int_equal(blob_read(&b, 0, buf, 4, &e), 0);
	assert_int_equal(blob_read(&b, 0, buf, 8, &e), -PCRCAST_EIO);
	assert_string_equal(e.msg, "bad: broken");
	assert_int_equal(e.offset, 20);
	assert_int_equal(blob_load(&f->pool, &b, 100, &s, &e), -PCRCAST_EIO);
	source_close(bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_range_of_a_mixed_blob_reads_as_its_bytes, begin, end),
		cmocka_unit_test_setup_teardown(reading_past_the_end_is_refused, begin, end),
		cmocka_unit_test_setup_teardown(every_part_of_a_blob_is_a_blob_of_those_bytes, begin, end),
		cmocka_unit_test_setup_teardown(a_part_that_does_not_lie_inside_is_refused, begin, end),
		cmocka_unit_test_setup_teardown(neighbours_of_one_source_are_joined, begin, end),
		cmocka_unit_test_setup_teardown(what_is_no_neighbour_is_not_joined, begin, end),
		cmocka_unit_test_setup_teardown(nothing_adds_nothing, begin, end),
		cmocka_unit_test_setup_teardown(a_length_that_overflows_is_reported, begin, end),
		cmocka_unit_test_setup_teardown(a_blob_is_loaded_up_to_the_limit, begin, end),
		cmocka_unit_test_setup_teardown(a_byte_is_located_in_its_source, begin, end),
		cmocka_unit_test_setup_teardown(a_part_from_the_start_is_a_prefix, begin, end),
		cmocka_unit_test_setup_teardown(what_only_looks_like_the_start_is_no_prefix, begin, end),
		cmocka_unit_test_setup_teardown(a_read_error_of_a_source_comes_through, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
