/* Hash jobs: many blobs and banks at once give what one hash each would give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash_jobs.h"
#include "base/sha.h"

enum { ALL_BANKS = (1 << ALG_COUNT) - 1, LEN = 3 << 20 };

/* A source of bytes that counts what is read of it and can fail from some offset on. */
struct counted {
	uint8_t *bytes;
	uint64_t fails_from;
	atomic_ullong n_read;
};

static int counted_read(void *ctx, uint64_t off, void *buf, size_t n, struct pcrcast_error *e)
{
	struct counted *c = ctx;

	if (off + n > c->fails_from)
		return err_set(e, PCRCAST_EIO, c->fails_from, "bad sector");
	memcpy(buf, c->bytes + off, n);
	c->n_read += n;
	return 0;
}

static const struct source_ops counted_ops = { counted_read, NULL, NULL };

struct fixture {
	struct pool pool;
	struct counted counted;
	struct source *source;
	struct hash_jobs *jobs;
};

static int begin(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	uint32_t x = 1;

	assert_non_null(f);
	f->counted.bytes = malloc(LEN);
	assert_non_null(f->counted.bytes);
	for (size_t i = 0; i < LEN; i++) {
		x = x * 1664525 + 1013904223;
		f->counted.bytes[i] = (uint8_t)(x >> 24);
	}
	f->counted.fails_from = UINT64_MAX;
	assert_int_equal(source_new(&counted_ops, &f->counted, LEN, "disk", &f->source, NULL), 0);
	f->jobs = hash_jobs_new();
	assert_non_null(f->jobs);
	*state = f;
	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

	hash_jobs_free(f->jobs);
	source_close(f->source);
	pool_done(&f->pool);
	free(f->counted.bytes);
	free(f);
	return 0;
}

static struct blob part(struct fixture *f, uint64_t off, uint64_t len)
{
	struct blob_builder w = BLOB_BUILDER(&f->pool);
	struct blob b;

	blob_add_source(&w, f->source, off, len);
	assert_int_equal(blob_build(&w, &b, NULL), 0);
	return b;
}

static size_t add(struct fixture *f, struct blob b)
{
	size_t id;

	assert_int_equal(hash_jobs_add(f->jobs, &b, &id, NULL), 0);
	return id;
}

static void assert_job(struct fixture *f, size_t id, const struct blob *b, alg_set banks)
{
	struct digest expected;
	struct slice s;

	assert_int_equal(blob_load(&f->pool, b, UINT64_MAX, &s, NULL), 0);
	for (enum alg a = 0; a < ALG_COUNT; a++)
		if (banks & 1u << a) {
			assert_int_equal(digest_of(a, s, &expected, NULL), 0);
			assert_true(digest_equal(hash_jobs_digest(f->jobs, id, a), &expected));
		}
}

static void known_texts_have_their_published_digests(void **state)
{
	struct fixture *f = *state;
	char hex[2 * DIGEST_MAX + 1];
	struct blob abc, nothing = BLOB_EMPTY;

	assert_int_equal(blob_of_bytes(&f->pool, slice_of_string("abc"), &abc, NULL), 0);
	size_t one = add(f, abc), none = add(f, nothing);
	assert_int_equal(hash_jobs_run(f->jobs, ALL_BANKS, 1, NULL), 0);
	/* FIPS 180-2, appendix A.1 and B.1; sha256sum </dev/null */
	hex_encode(hash_jobs_digest(f->jobs, one, ALG_SHA1)->bytes, 20, hex);
	assert_string_equal(hex, "a9993e364706816aba3e25717850c26c9cd0d89d");
	hex_encode(hash_jobs_digest(f->jobs, one, ALG_SHA256)->bytes, 32, hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	hex_encode(hash_jobs_digest(f->jobs, none, ALG_SHA256)->bytes, 32, hex);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* Overlapping, equal, empty, nested and mixed blobs, with lengths around the size read at once. */
static void every_digest_equals_that_of_one_hash_on_any_number_of_threads(void **state)
{
	struct fixture *f = *state;
	static const uint64_t lens[] = { 0,      1,      63,      64,         262143, 262144,
					 262145, 524288, 1000000, LEN - 1000, LEN };
	enum { N_LENS = sizeof lens / sizeof lens[0] };
	struct blob blobs[3 * N_LENS];
	size_t ids[3 * N_LENS], n;

	for (unsigned threads = 0; threads <= 100; threads += threads < 4 ? 1 : 32) {
		n = 0;
		for (size_t i = 0; i < N_LENS; i++) {
			struct blob_builder w = BLOB_BUILDER(&f->pool);

			blobs[n++] = part(f, 0, lens[(i * 7) % N_LENS]);
			blobs[n++] = part(f, 777, lens[i] < LEN - 777 ? lens[i] : LEN - 777);
			blob_add_source(&w, f->source, 0, lens[i]);
			blob_add_zeros(&w, 100000 + i);
			blob_add_bytes(&w, slice_of_string("end"));
			assert_int_equal(blob_build(&w, &blobs[n++], NULL), 0);
		}
		hash_jobs_free(f->jobs);
		f->jobs = hash_jobs_new();
		for (size_t i = 0; i < n; i++)
			ids[i] = add(f, blobs[i]);
		assert_int_equal(hash_jobs_run(f->jobs, ALL_BANKS, threads, NULL), 0);
		for (size_t i = 0; i < n; i++)
			assert_job(f, ids[i], &blobs[i], threads == 3 ? ALL_BANKS : 1u << ALG_SHA256);
	}
}

static void the_same_blob_is_one_job(void **state)
{
	struct fixture *f = *state;
	size_t a = add(f, part(f, 5, 100)), b = add(f, part(f, 5, 101)), c = add(f, part(f, 6, 100));

	assert_int_equal(add(f, part(f, 5, 100)), a);
	assert_int_equal(add(f, part(f, 6, 100)), c);
	assert_true(a != b && b != c && a != c);
}

static void a_prefix_costs_no_reading_of_its_own(void **state)
{
	struct fixture *f = *state;
	struct blob blobs[] = { part(f, 0, 1000000), part(f, 0, LEN), part(f, 0, 3), part(f, 0, LEN - 1) };
	size_t ids[4];

	for (size_t i = 0; i < 4; i++)
		ids[i] = add(f, blobs[i]);
	assert_int_equal(hash_jobs_run(f->jobs, 1u << ALG_SHA256, 2, NULL), 0);
	assert_int_equal(f->counted.n_read, LEN);
	for (size_t i = 0; i < 4; i++)
		assert_job(f, ids[i], &blobs[i], 1u << ALG_SHA256);
}

static void what_was_computed_is_not_computed_again(void **state)
{
	struct fixture *f = *state;
	struct blob early = part(f, 0, 2000), late = part(f, 0, 500000);
	size_t a = add(f, early);

	assert_int_equal(hash_jobs_run(f->jobs, 1u << ALG_SHA256, 1, NULL), 0);
	assert_int_equal(f->counted.n_read, 2000);
	assert_int_equal(hash_jobs_run(f->jobs, 1u << ALG_SHA256, 1, NULL), 0);
	assert_int_equal(f->counted.n_read, 2000);

	/* one more bank for the first, both for the second */
	size_t b = add(f, late);
	assert_int_equal(hash_jobs_run(f->jobs, 1u << ALG_SHA256 | 1u << ALG_SHA1, 1, NULL), 0);
	assert_true(f->counted.n_read <= 2000 + 2000 + 2 * 500000);
	assert_job(f, a, &early, 1u << ALG_SHA256 | 1u << ALG_SHA1);
	assert_job(f, b, &late, 1u << ALG_SHA256 | 1u << ALG_SHA1);
	assert_int_equal(hash_jobs_run(f->jobs, 1u << ALG_SHA512, 1, NULL), 0);
	assert_job(f, a, &early, ALL_BANKS & ~(1u << ALG_SHA384));
	assert_job(f, b, &late, ALL_BANKS & ~(1u << ALG_SHA384));
}

static void a_prefix_that_comes_late_is_computed_for_itself(void **state)
{
	struct fixture *f = *state;
	struct blob whole = part(f, 0, 500000), start = part(f, 0, 2000);

	(void)add(f, whole);
	assert_int_equal(hash_jobs_run(f->jobs, 1u << ALG_SHA256, 1, NULL), 0);
	size_t id = add(f, start);
	assert_int_equal(hash_jobs_run(f->jobs, 1u << ALG_SHA256, 1, NULL), 0);
	assert_job(f, id, &start, 1u << ALG_SHA256);
	assert_int_equal(f->counted.n_read, 500000 + 2000 + 2000 /* read above to compare */);
}

static void equal_bytes_of_other_places_are_hashed_for_themselves(void **state)
{
	struct fixture *f = *state;
	uint8_t *copy = malloc(1000);
	struct blob mine, theirs = part(f, 0, 1000);

	assert_non_null(copy);
	memcpy(copy, f->counted.bytes, 1000);
	copy[999] ^= 1;
	assert_int_equal(blob_of_bytes(&f->pool, (struct slice){ copy, 1000 }, &mine, NULL), 0);
	size_t a = add(f, theirs), b = add(f, mine);
	assert_int_equal(hash_jobs_run(f->jobs, ALL_BANKS, 0, NULL), 0);
	assert_job(f, a, &theirs, ALL_BANKS);
	assert_job(f, b, &mine, ALL_BANKS);
	free(copy);
}

static void a_failing_source_fails_the_run_and_a_later_one_can_succeed(void **state)
{
	struct fixture *f = *state;

	for (unsigned threads = 1; threads <= 8; threads *= 2) {
		struct blob good = part(f, 0, 1000), bad = part(f, 10 * threads, LEN - 10 * threads);
		struct pcrcast_error e;

		f->counted.fails_from = 2000000;
		size_t a = add(f, good), b = add(f, bad);
		assert_int_equal(hash_jobs_run(f->jobs, ALL_BANKS, threads, &e), -PCRCAST_EIO);
		assert_string_equal(e.msg, "disk: bad sector");
		assert_int_equal(e.offset, 2000000);
		assert_int_equal(hash_jobs_run(f->jobs, ALL_BANKS, threads, NULL), -PCRCAST_EIO);

		f->counted.fails_from = UINT64_MAX;
		assert_int_equal(hash_jobs_run(f->jobs, ALL_BANKS, threads, &e), 0);
		assert_job(f, a, &good, ALL_BANKS);
		assert_job(f, b, &bad, ALL_BANKS);
	}
}

static void no_jobs_and_no_banks_are_no_error(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(hash_jobs_run(f->jobs, ALL_BANKS, 0, NULL), 0);
	(void)add(f, part(f, 0, LEN));
	assert_int_equal(hash_jobs_run(f->jobs, 0, 0, NULL), 0);
	assert_int_equal(f->counted.n_read, 0);
	hash_jobs_free(NULL);
}

static void many_small_jobs_on_many_threads(void **state)
{
	struct fixture *f = *state;
	enum { N = 500 };
	size_t ids[N];

	for (size_t i = 0; i < N; i++)
		ids[i] = add(f, part(f, i * 100, 50 + i));
	assert_int_equal(hash_jobs_run(f->jobs, ALL_BANKS, 64, NULL), 0);
	for (size_t i = 0; i < N; i++) {
		struct blob b = part(f, i * 100, 50 + i);

		assert_job(f, ids[i], &b, ALL_BANKS);
	}
}

/* Zeros, which nothing holds: what one blob has would be hashed, two are too much. */
static void more_than_can_be_hashed_is_refused(void **state)
{
	struct hash_jobs *j = hash_jobs_new();
	struct pool pool = POOL_INIT;
	struct pcrcast_error e;
	size_t id;

	(void)state;
	assert_non_null(j);
	for (uint64_t k = 0; k < 2; k++) {
		struct blob_builder w = BLOB_BUILDER(&pool);
		struct blob b;

		blob_add_zeros(&w, (UINT64_C(9) << 30) + k);
		assert_int_equal(blob_build(&w, &b, NULL), 0);
		assert_int_equal(hash_jobs_add(j, &b, &id, &e), k == 0 ? 0 : -PCRCAST_ELIMIT);
		assert_int_equal(hash_jobs_add(j, &b, &id, NULL), k == 0 ? 0 : -PCRCAST_ELIMIT);
	}
	assert_non_null(
		strstr(e.msg, "9663676417 bytes to hash, with those before more than the 17179869184"));
	hash_jobs_free(j);
	pool_done(&pool);
}

static void a_running_hash_can_be_looked_at_and_restarted(void **state)
{
	struct digest d, expected;

	(void)state;
	for (enum alg a = 0; a < ALG_COUNT; a++) {
		struct sha *h = sha_new(a);

		assert_non_null(h);
		assert_true(sha_update(h, "ab", 2) && sha_peek(h, &d));
		assert_true(sha_update(h, "c", 1) && sha_peek(h, &d));
		assert_int_equal(digest_of(a, slice_of_string("abc"), &expected, NULL), 0);
		assert_true(digest_equal(&d, &expected));
		assert_true(sha_restart(h) && sha_update(h, "x", 1) && sha_peek(h, &d));
		assert_int_equal(digest_of(a, slice_of_string("x"), &expected, NULL), 0);
		assert_true(digest_equal(&d, &expected));
		sha_free(h);
	}
	sha_free(NULL);
	assert_null(sha_new(ALG_COUNT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(known_texts_have_their_published_digests, begin, end),
		cmocka_unit_test_setup_teardown(every_digest_equals_that_of_one_hash_on_any_number_of_threads,
						begin, end),
		cmocka_unit_test_setup_teardown(the_same_blob_is_one_job, begin, end),
		cmocka_unit_test_setup_teardown(a_prefix_costs_no_reading_of_its_own, begin, end),
		cmocka_unit_test_setup_teardown(what_was_computed_is_not_computed_again, begin, end),
		cmocka_unit_test_setup_teardown(a_prefix_that_comes_late_is_computed_for_itself, begin, end),
		cmocka_unit_test_setup_teardown(equal_bytes_of_other_places_are_hashed_for_themselves, begin,
						end),
		cmocka_unit_test_setup_teardown(a_failing_source_fails_the_run_and_a_later_one_can_succeed,
						begin, end),
		cmocka_unit_test_setup_teardown(no_jobs_and_no_banks_are_no_error, begin, end),
		cmocka_unit_test_setup_teardown(many_small_jobs_on_many_threads, begin, end),
		cmocka_unit_test(more_than_can_be_hashed_is_refused),
		cmocka_unit_test(a_running_hash_can_be_looked_at_and_restarted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
