#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/digest.h"
#include "predict/cpio.h"

static int make_pool(void **state)
{
	struct pool *p = calloc(1, sizeof *p);

	*state = p;
	return p ? 0 : -1;
}

static int drop_pool(void **state)
{
	pool_done(*state);
	free(*state);
	return 0;
}

/* An archive of one directory and one file, and the bytes it has. */
static struct slice archive_of(struct pool *pool, const char *dir, uint32_t dir_mode, const char *name,
			       uint32_t mode, const char *content)
{
	struct cpio c = cpio_begin(pool, 1);
	struct blob b, all;
	struct slice bytes;

	assert_int_equal(blob_of_bytes(pool, slice_of_string(content), &b, NULL), 0);
	assert_int_equal(cpio_add_dirs(&c, dir, dir_mode, NULL), 0);
	assert_int_equal(cpio_add_file(&c, dir, name, mode, &b, NULL), 0);
	assert_int_equal(cpio_end(&c, &all, NULL), 0);
	assert_int_equal(blob_load(pool, &all, 1 << 20, &bytes, NULL), 0);
	return bytes;
}

static void assert_sha(enum alg alg, struct slice bytes, const char *want)
{
	char hex[2 * DIGEST_MAX + 1];
	struct digest d;

	assert_int_equal(digest_of(alg, bytes, &d, NULL), 0);
	hex_encode(d.bytes, algs[alg].len, hex);
	assert_string_equal(hex, want);
}

#define EIGHT_ZEROS "00000000"
#define TRAILER                                                                            \
	"070701" EIGHT_ZEROS EIGHT_ZEROS EIGHT_ZEROS EIGHT_ZEROS                           \
	"00000001" EIGHT_ZEROS EIGHT_ZEROS EIGHT_ZEROS EIGHT_ZEROS EIGHT_ZEROS EIGHT_ZEROS \
	"0000000B" EIGHT_ZEROS "TRAILER!!!\0\0\0\0"

/*
 * The archive that systemd 262's own functions, compiled for this machine, made of foo.cred with the
 * content "hello".
 */
static void a_credential_archive_is_systemds_byte_for_byte(void **state)
{
	static const char want[] = "070701"
				   "00000001"
				   "0000416d"
				   "00000000"
				   "00000000"
				   "00000001"
				   "00000000"
				   "00000000"
				   "00000000"
				   "00000000"
				   "00000000"
				   "00000000"
				   "00000007"
				   "00000000"
				   ".extra\0\0\0\0"
				   "070701"
				   "00000002"
				   "00004140"
				   "00000000"
				   "00000000"
				   "00000001"
				   "00000000"
				   "00000000"
				   "00000000"
				   "00000000"
				   "00000000"
				   "00000000"
				   "00000013"
				   "00000000"
				   ".extra/credentials\0\0\0\0"
				   "070701"
				   "00000003"
				   "00008100"
				   "00000000"
				   "00000000"
				   "00000001"
				   "00000000"
				   "00000005"
				   "00000000"
				   "00000000"
				   "00000000"
				   "00000000"
				   "0000001c"
				   "00000000"
				   ".extra/credentials/foo.cred\0\0\0"
				   "hello\0\0\0" TRAILER;
	struct slice got = archive_of(*state, ".extra/credentials", 0500, "foo.cred", 0400, "hello");

	assert_int_equal(got.n, 524);
	assert_int_equal(sizeof want - 1, 524);
	assert_memory_equal(got.p, want, 524);
	assert_sha(ALG_SHA256, got, "ba1daef6edc8eba55a5786a898170847146877377dfdb3196251653c9005c010");
	assert_sha(ALG_SHA1, got, "090a0f055700a411872220b90b61f277cdc0872a");
}

static void an_os_release_archive_is_systemds_byte_for_byte(void **state)
{
	static const char want[] = "070701"
				   "00000001"
				   "0000416d"
				   "00000000"
				   "00000000"
				   "00000001"
				   "00000000"
				   "00000000"
				   "00000000"
				   "00000000"
				   "00000000"
				   "00000000"
				   "00000007"
				   "00000000"
				   ".extra\0\0\0\0"
				   "070701"
				   "00000002"
				   "00008124"
				   "00000000"
				   "00000000"
				   "00000001"
				   "00000000"
				   "00000008"
				   "00000000"
				   "00000000"
				   "00000000"
				   "00000000"
				   "00000012"
				   "00000000"
				   ".extra/os-release\0"
				   "ID=test\n" TRAILER;
	struct slice got = archive_of(*state, ".extra", 0555, "os-release", 0444, "ID=test\n");

	assert_int_equal(got.n, 380);
	assert_int_equal(sizeof want - 1, 380);
	assert_memory_equal(got.p, want, 380);
	assert_sha(ALG_SHA256, got, "ceb09e6a0f1a5594352ff386916ef2d572ddcf5dc4ad7824c7f1dac50334c216");
}

/* Names and contents of every length modulo 4 leave the next header at a multiple of 4. */
static void everything_is_padded_to_four_bytes(void **state)
{
	static const char text[] = "abcdefghijkl";

	for (size_t name = 1; name < sizeof text; name++)
		for (size_t content = 0; content < sizeof text; content++) {
			char n[sizeof text] = "", c[sizeof text] = "";

			memcpy(n, text, name);
			memcpy(c, text, content);
			struct slice got = archive_of(*state, ".extra", 0555, n, 0444, c);
			/* the header's 110 bytes and name with NUL, rounded up; the same for the content */
			size_t file = (110 + 7 + name + 1 + 3) / 4 * 4, data = (content + 3) / 4 * 4;

			assert_int_equal(got.n, 120 + file + data + 124);
			assert_memory_equal(got.p + 120, "070701", 6);
			assert_memory_equal(got.p + 120 + file, c, content);
			assert_memory_equal(got.p + 120 + file + data, TRAILER, 124);
			for (size_t i = content; i < data; i++)
				assert_int_equal(got.p[120 + file + i], 0);
		}
}

static void a_path_of_three_parts_has_an_entry_for_each(void **state)
{
	struct cpio c = cpio_begin(*state, 9);
	struct slice bytes;
	struct blob all;

	assert_int_equal(cpio_add_dirs(&c, "a/b/c", 0700, NULL), 0);
	assert_int_equal(c.inode, 12);
	assert_int_equal(cpio_end(&c, &all, NULL), 0);
	assert_int_equal(blob_load(*state, &all, 1 << 20, &bytes, NULL), 0);
	assert_memory_equal(bytes.p,
			    "070701"
			    "00000009"
			    "0000416d",
			    22);
	assert_memory_equal(bytes.p + 112,
			    "070701"
			    "0000000a"
			    "0000416d",
			    22);
	assert_memory_equal(bytes.p + 228,
			    "070701"
			    "0000000b"
			    "000041c0",
			    22);
}

static void an_archive_without_files_is_the_trailer(void **state)
{
	struct cpio c = cpio_begin(*state, 1);
	struct slice bytes;
	struct blob all;

	assert_int_equal(cpio_end(&c, &all, NULL), 0);
	assert_int_equal(blob_load(*state, &all, 1 << 20, &bytes, NULL), 0);
	assert_int_equal(bytes.n, 124);
	assert_memory_equal(bytes.p, TRAILER, 124);
}

/* Sizes are eight hex digits: the largest file has FFFFFFFF bytes. */
static void files_of_4_gib_are_refused(void **state)
{
	struct blob_builder w = BLOB_BUILDER(*state);
	struct cpio c = cpio_begin(*state, 1);
	struct pcrcast_error e;
	struct blob zeros, most, all;
	uint8_t size[8];

	blob_add_zeros(&w, UINT64_C(1) << 32);
	assert_int_equal(blob_build(&w, &zeros, &e), 0);
	assert_int_equal(cpio_add_file(&c, ".extra", "f", 0444, &zeros, &e), -PCRCAST_ELIMIT);
	assert_string_equal(e.msg, "f: 4294967296 bytes, a cpio archive holds files below 4 GiB");
	assert_int_equal(c.out.len, 0);

	assert_int_equal(blob_sub(*state, &zeros, 0, UINT32_MAX, &most, &e), 0);
	assert_int_equal(cpio_add_file(&c, ".extra", "f", 0444, &most, &e), 0);
	assert_int_equal(cpio_end(&c, &all, &e), 0);
	assert_int_equal(all.len, 120 + (UINT64_C(1) << 32) + 124);
	assert_int_equal(blob_read(&all, 54, size, sizeof size, &e), 0);
	assert_memory_equal(size, "ffffffff", 8);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_pool, drop_pool)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_credential_archive_is_systemds_byte_for_byte),
		TEST(an_os_release_archive_is_systemds_byte_for_byte),
		TEST(everything_is_padded_to_four_bytes),
		TEST(a_path_of_three_parts_has_an_entry_for_each),
		TEST(an_archive_without_files_is_the_trailer),
		TEST(files_of_4_gib_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
