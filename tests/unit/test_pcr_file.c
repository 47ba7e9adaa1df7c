/*
 * Files of register values. The samples are tpm2-tools' own (tests/data/evidence/tpm2-tools.origin); that a file is read
 * right is told by the digest in the quote that was made with it, which the TPM computed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "golden/pcr_file.h"
#include "tests/unit/evidence_sample.h"

static void read_sample(const char *name, struct pcr_selection *s, struct pcr_values *v)
{
	struct pcrcast_error e = { .msg = "" };
	struct slice file = sample(name);

	if (pcr_file_read_serialized(file, s, v, &e) < 0)
		fail_msg("%s: %s", name, e.msg);
	sample_done(file);
}

/* SHA-256 of the values in the order of the selection is the last field of the quote's message. */
static void assert_quoted(const char *quote, const struct pcr_selection *s, const struct pcr_values *v)
{
	struct pool pool = POOL_INIT;
	struct slice bytes, message = sample(quote);
	struct digest d;

	assert_int_equal(pcr_file_write_values(s, v, &pool, &bytes, NULL), 0);
	assert_int_equal(digest_of(ALG_SHA256, bytes, &d, NULL), 0);
	assert_memory_equal(d.bytes, message.p + message.n - 32, 32);
	sample_done(message);
	pool_done(&pool);
}

static void serialized_files_hold_what_was_quoted(void **state)
{
	static const char *const names[] = { "all", "three-banks", "bank-twice", "register-twice" };

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct pcr_selection s;
		struct pcr_values v;
		char name[64];

		(void)snprintf(name, sizeof name, "%s.pcrs", names[i]);
		read_sample(name, &s, &v);
		(void)snprintf(name, sizeof name, "%s.msg", names[i]);
		assert_quoted(name, &s, &v);
	}
}

static void selections_keep_their_order(void **state)
{
	struct pcr_selection s;
	struct pcr_values v;

	(void)state;
	read_sample("three-banks.pcrs", &s, &v);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.banks[0].alg, ALG_SHA1);
	assert_int_equal(s.banks[0].pcrs, 0x3);
	assert_int_equal(s.banks[1].tpm_id, 0x000b);
	assert_int_equal(s.banks[1].pcrs, 0x7ff);
	assert_int_equal(s.banks[2].alg, ALG_SHA384);
	assert_int_equal(s.banks[2].pcrs, 0xffffff);
	assert_int_equal(v.known[ALG_SHA1], 0x3);
	assert_int_equal(v.known[ALG_SHA512], 0);
	read_sample("bank-twice.pcrs", &s, &v);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.banks[0].pcrs, 1 << 3);
	assert_int_equal(s.banks[1].pcrs, 1 << 1);
	assert_int_equal(v.known[ALG_SHA256], 1 << 3 | 1 << 1);
}

static void files_are_written_as_tpm2_tools_writes_them(void **state)
{
	static const char *const names[] = { "all.pcrs", "three-banks.pcrs", "bank-twice.pcrs",
					     "register-twice.pcrs", "nine.pcrs" };
	struct pool pool = POOL_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct slice file = sample(names[i]), written;
		struct pcr_selection s;
		struct pcr_values v;

		read_sample(names[i], &s, &v);
		assert_int_equal(pcr_file_write_serialized(&s, &v, &pool, &written, NULL), 0);
		assert_int_equal(written.n, file.n);
		assert_memory_equal(written.p, file.p, file.n);
		sample_done(file);
	}
	pool_done(&pool);
}

static void bare_values_are_the_same_as_the_serialized_ones(void **state)
{
	struct pool pool = POOL_INIT;
	struct slice file = sample("nine.values"), written;
	struct pcr_selection s, own;
	struct pcr_values v, again;

	(void)state;
	read_sample("nine.pcrs", &s, &v);
	assert_int_equal(pcr_file_read_values(file, &s, &again, NULL), 0);
	assert_same_values(&v, &again);
	pcr_selection_of(&v, &own);
	assert_int_equal(own.n, 1);
	assert_int_equal(own.banks[0].pcrs, 0x1ff);
	assert_int_equal(pcr_file_write_values(&own, &v, &pool, &written, NULL), 0);
	assert_true(slice_equal(written, file));
	for (size_t n = 0; n < file.n; n++) {
		struct slice part = cut(file, n);

		assert_int_equal(pcr_file_read_values(part, &s, &again, NULL), -PCRCAST_ETRUNC);
		sample_done(part);
	}
	sample_done(file);
	pool_done(&pool);
}

/* By hand, after TPM 2.0 Library, part 2, sections 10.9.7 and 10.9.6: two banks, and two lists for three digests. */
static size_t build_marshaled(uint8_t b[static 256])
{
	static const uint8_t head[] = { 0, 0, 0, 2, 0, 4, 3, 0, 0, 1, 0, 11,
					3, 2, 1, 0, 0, 0, 0, 2, 0, 0, 0, 2 };
	size_t n = sizeof head;

	memcpy(b, head, n);
	put_u16be(b + n, 20);
	memset(b + n + 2, 0x16, 20); /* sha1:16 */
	n += 22;
	put_u16be(b + n, 32);
	memset(b + n + 2, 0x01, 32); /* sha256:1 */
	n += 34;
	put_u32be(b + n, 1);
	put_u16be(b + n + 4, 32);
	memset(b + n + 6, 0x08, 32); /* sha256:8 */
	return n + 38;
}

static void marshaled_files_are_read_and_written(void **state)
{
	struct pool pool = POOL_INIT;
	uint8_t b[256];
	struct slice file = { b, build_marshaled(b) }, written;
	struct pcr_selection s, same;
	struct pcr_values v, again;

	(void)state;
	assert_int_equal(pcr_file_read_marshaled(file, &s, &v, NULL), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(v.known[ALG_SHA1], 1 << 16);
	assert_int_equal(v.known[ALG_SHA256], 1 << 1 | 1 << 8);
	assert_int_equal(v.value[ALG_SHA256][8][31], 0x08);
	assert_int_equal(v.value[ALG_SHA1][16][19], 0x16);
	/* Written, the three are in one list: 4 bytes less. */
	assert_int_equal(pcr_file_write_marshaled(&s, &v, &pool, &written, NULL), 0);
	assert_int_equal(written.n, file.n - 4);
	assert_int_equal(get_u32be(written.p + 20), 3);
	assert_int_equal(pcr_file_read_marshaled(written, &same, &again, NULL), 0);
	assert_same_values(&v, &again);
	for (size_t n = 0; n < file.n; n++) {
		struct slice part = cut(file, n);

		assert_int_equal(pcr_file_read_marshaled(part, NULL, &again, NULL), -PCRCAST_ETRUNC);
		sample_done(part);
	}
	pool_done(&pool);
}

static void every_truncation_of_a_serialized_file_is_refused(void **state)
{
	struct slice file = sample("three-banks.pcrs");
	struct pcr_values v;

	(void)state;
	for (size_t n = 0; n < file.n; n++) {
		struct slice part = cut(file, n);

		assert_int_equal(pcr_file_read_serialized(part, NULL, &v, NULL), -PCRCAST_ETRUNC);
		sample_done(part);
	}
	sample_done(file);
}

/* One byte or more changed in nine.pcrs: the selection begins at 0, the number of lists is at 132, the first list at 136. */
static void wrong_counts_and_lengths_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
		enum pcrcast_code code;
		uint64_t offset;
		const char *what;
	} cases[] = {
		{ 0, 0, PCRCAST_EFORMAT, 0, "a selection of 0 banks" },
		{ 0, 17, PCRCAST_EFORMAT, 0, "a selection of 17 banks" },
		{ 3, 1, PCRCAST_EFORMAT, 0, "a selection of 16777217 banks" },
		{ 4, 0x12, PCRCAST_EUNSUPPORTED, 4, "bank 0x0012" },
		{ 6, 5, PCRCAST_EFORMAT, 6, "a bit field of 5 bytes" },
		{ 7, 0x7f, PCRCAST_EFORMAT, 672, "more digests than the 8 registers" },
		{ 9, 1, PCRCAST_EFORMAT, 1200, "9 digests for 10 selected" },
		{ 132, 1, PCRCAST_EFORMAT, 668, "8 digests for 9 selected" },
		{ 132, 3, PCRCAST_ETRUNC, 1200, "a list of digests (532 bytes) cut short" },
		{ 135, 1, PCRCAST_EFORMAT, 132, "16777218 lists" },
		{ 136, 9, PCRCAST_EFORMAT, 136, "a list of 9 digests" },
		{ 136, 7, PCRCAST_EFORMAT, 1200, "8 digests for 9 selected" },
		{ 140, 31, PCRCAST_EFORMAT, 140, "sha256:0: expected a digest of 32 bytes, found 31" },
		{ 141, 1, PCRCAST_EFORMAT, 140, "a digest longer than 64 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct slice file = sample("nine.pcrs");
		struct pcrcast_error e = { .msg = "" };
		struct pcr_values v;

		((uint8_t *)(uintptr_t)file.p)[cases[i].at] = cases[i].byte;
		int rc = pcr_file_read_serialized(file, NULL, &v, &e);
		if (rc != -(int)cases[i].code || e.offset != cases[i].offset || !strstr(e.msg, cases[i].what))
			fail_msg("byte %zu = %u: %d at %llu: \"%s\", expected \"%s\"", cases[i].at,
				 cases[i].byte, rc, (unsigned long long)e.offset, e.msg, cases[i].what);
		sample_done(file);
	}
}

static void bytes_behind_the_last_digest_are_refused(void **state)
{
	struct slice file = sample("all.pcrs");
	uint8_t longer[2048];
	struct pcr_values v;

	(void)state;
	memcpy(longer, file.p, file.n);
	longer[file.n] = 0;
	assert_int_equal(pcr_file_read_serialized((struct slice){ longer, file.n + 1 }, NULL, &v, NULL),
			 -PCRCAST_EFORMAT);
	sample_done(file);
}

static void a_register_above_23_is_refused(void **state)
{
	struct slice file = sample("nine.pcrs");
	uint8_t *p = (uint8_t *)(uintptr_t)file.p;
	struct pcr_values v;

	(void)state;
	p[6] = 4;
	assert_int_equal(pcr_file_read_serialized(file, NULL, &v, NULL), 0);
	p[10] = 1;
	assert_int_equal(pcr_file_read_serialized(file, NULL, &v, NULL), -PCRCAST_EUNSUPPORTED);
	sample_done(file);
}

/* register-twice.pcrs: sha256:0, sha256:1 and sha256:1 once more, in the third slot of the list. */
static void a_register_with_two_values_is_refused(void **state)
{
	struct slice file = sample("register-twice.pcrs");
	struct pcr_values v;

	(void)state;
	((uint8_t *)(uintptr_t)file.p)[136 + 4 + 2 * 66 + 2] ^= 1;
	assert_int_equal(pcr_file_read_serialized(file, NULL, &v, NULL), -PCRCAST_EFORMAT);
	sample_done(file);
}

static void a_value_that_is_not_known_is_not_written(void **state)
{
	struct pcr_selection s = { .n = 1, .banks = { { 0x000b, ALG_SHA256, 1 << 4 } } };
	struct pool pool = POOL_INIT;
	struct pcr_values v = { 0 };
	struct slice out;

	(void)state;
	assert_int_equal(pcr_file_write_serialized(&s, &v, &pool, &out, NULL), -PCRCAST_EINVAL);
	assert_int_equal(pcr_file_write_marshaled(&s, &v, &pool, &out, NULL), -PCRCAST_EINVAL);
	assert_int_equal(pcr_file_write_values(&s, &v, &pool, &out, NULL), -PCRCAST_EINVAL);
	v.known[ALG_SHA256] = 1 << 4;
	assert_int_equal(pcr_file_write_values(&s, &v, &pool, &out, NULL), 0);
	assert_int_equal(pcr_file_read_values(out, &s, &v, NULL), 0);
	s.banks[0].pcrs = 1 << 24;
	assert_int_equal(pcr_file_write_values(&s, &v, &pool, &out, NULL), -PCRCAST_EINVAL);
	assert_int_equal(pcr_file_read_values(out, &s, &v, NULL), -PCRCAST_EINVAL);
	s.banks[0].pcrs = 1 << 4;
	s.banks[0].alg = ALG_COUNT;
	assert_int_equal(pcr_file_read_values(out, &s, &v, NULL), -PCRCAST_EINVAL);
	assert_int_equal(pcr_file_write_values(&s, &v, &pool, &out, NULL), -PCRCAST_EINVAL);
	pool_done(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(serialized_files_hold_what_was_quoted),
		cmocka_unit_test(selections_keep_their_order),
		cmocka_unit_test(files_are_written_as_tpm2_tools_writes_them),
		cmocka_unit_test(bare_values_are_the_same_as_the_serialized_ones),
		cmocka_unit_test(marshaled_files_are_read_and_written),
		cmocka_unit_test(every_truncation_of_a_serialized_file_is_refused),
		cmocka_unit_test(wrong_counts_and_lengths_are_refused),
		cmocka_unit_test(bytes_behind_the_last_digest_are_refused),
		cmocka_unit_test(a_register_above_23_is_refused),
		cmocka_unit_test(a_register_with_two_values_is_refused),
		cmocka_unit_test(a_value_that_is_not_known_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
