/* The bytes of the Authenticode digest, compared with digests that other programs computed: see tests/data/pe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/digest.h"
#include "tests/unit/build_pe.h"
#include "uki/authenticode.h"

struct opened {
	struct pool pool;
	struct pe pe;
	uint8_t *image;
	size_t n;
};

/* Takes over image. */
static struct opened opened(uint8_t *image, size_t n)
{
	struct opened o = { .pool = POOL_INIT, .image = image, .n = n };
	struct pcrcast_error e;
	struct blob b;

	assert_int_equal(blob_of_bytes(&o.pool, (struct slice){ image, n }, &b, NULL), 0);
	if (pe_parse(&o.pool, &b, &o.pe, &e) < 0)
		fail_msg("%s", e.msg);
	return o;
}

static struct opened open_file(const char *name)
{
	char path[128];
	size_t n;

	(void)snprintf(path, sizeof path, "tests/data/pe/%s.efi", name);
	uint8_t *image = load_file(path, &n);
	return opened(image, n);
}

static void done(struct opened *o)
{
	pool_done(&o->pool);
	free(o->image);
}

static void assert_digest(struct opened *o, const struct blob *b, enum alg alg, const char *expected)
{
	char hex[2 * DIGEST_MAX + 1];
	struct digest d;
	struct slice s;

	assert_int_equal(blob_load(&o->pool, b, UINT64_MAX, &s, NULL), 0);
	assert_int_equal(digest_of(alg, s, &d, NULL), 0);
	hex_encode(d.bytes, algs[alg].len, hex);
	assert_string_equal(hex, expected);
}

static void assert_bytes(struct opened *o, const struct blob *b, const uint8_t *expected, size_t n)
{
	struct slice s;

	assert_int_equal(blob_load(&o->pool, b, UINT64_MAX, &s, NULL), 0);
	assert_int_equal(s.n, n);
	assert_memory_equal(s.p, expected, n);
}

static const char plus_sha256[] = "4d92aadde16cf361e31f2f5c41bc4889d5354263d8b22dc2e1f0e13d92a1d1dd";
static const char odd_padded_sha256[] = "4f237bd84af23decd982fe554c47982c8d5ad907466a15f477d94e795c2e9878";

static void every_shape_of_image_has_the_digest_that_other_programs_compute(void **state)
{
	static const struct {
		const char *name;
		enum alg alg;
		const char *digest;
	} rows[] = {
		{ "pe32plus", ALG_SHA1, "b65a7c5ae861c72ae82c40a5fda566c0230e0381" },
		{ "pe32plus", ALG_SHA256, plus_sha256 },
		{ "pe32plus", ALG_SHA384,
		  "9d822510011670bff6d82b08ba4b424c490a6a6f19fe8c011ea897a4f8248761"
		  "169a587ffbf7afdf9be7a1a51291969f" },
		{ "pe32plus", ALG_SHA512,
		  "5ba1a6720b5eb85d9dc92a1f95cad4e71a5bac880b52ba59285a18f61655987f"
		  "160773f06096db648382a071407d7928102aea2432e84b196ddcf83c6bacfafd" },
		{ "pe32", ALG_SHA256, "f1327825e73b07564aa120c8258c29ea64c6f8100b4d9556ea2598a0e4321801" },
		{ "trailing", ALG_SHA256,
		  "9e0ce4b16d926fff69098293c92d6249a175ece85bd0f6e21690bbe04dcd588b" },
		{ "odd", ALG_SHA256, "7f5c260dfd9999efd8b63cd49f7342f5b45593eae5a9d4dbd288ff469f9d367e" },
		{ "dirs4", ALG_SHA256, "4d31db9e6f40a28c58d9c5198bcdaf294b74fbe817944d16aeeee2f5ecf3fee9" },
		{ "dirs5", ALG_SHA256, "81f7430b4c27d584b00d28b595f2121d42477f72ca666fc5aa06980e36d957c0" },
		{ "hole", ALG_SHA256, "5cba0509aeda83f121a33dd13557f122c171c5a58f4beebf79a4125187a0bf81" },
		{ "hole-notail", ALG_SHA256,
		  "cb7b1b5ed61f647ea2cf35f52ca984e8886e2f0b819c9b8e52a33a6ed02bdae5" },
		{ "overlap", ALG_SHA256, "a0c4406ee8391b314ff276450116ba57f19dffeacc14707adae4d30627a3600e" },
		{ "unsorted", ALG_SHA256,
		  "9657017f0599f1ab2822ae1b015302ecfa5cb8b38495f1bcc9ba018c42b870a1" },
		{ "equal", ALG_SHA256, "30856ec0a59f9a34e6d44a5ef803bbe55b60f86fc98d22ae57ea1542235f9f03" },
		/* Signed: the signature is not part of what is signed. */
		{ "signed-sbsign", ALG_SHA256, plus_sha256 },
		{ "signed-twice", ALG_SHA256, plus_sha256 },
		{ "signed-odd", ALG_SHA256, odd_padded_sha256 },
		{ "signed-osslsigncode", ALG_SHA384,
		  "fbaa16a55b0f35537151424c076654b29680cd364c241805245350e95bac5a43"
		  "22f907005abc259b025e7b9d6fab7be4" },
		{ "signed-sha1", ALG_SHA1, "054fa4dcde635480b35a5d3013dd99813b36dda4" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct opened o = open_file(rows[i].name);
		struct blob b;

		assert_int_equal(authenticode_bytes(&o.pool, &o.pe, &b, NULL), 0);
		assert_digest(&o, &b, rows[i].alg, rows[i].digest);
		done(&o);
	}
}

static void padding_gives_what_a_file_of_odd_length_measures_once_signed(void **state)
{
	struct opened o = open_file("odd");
	bool differs = false;
	struct blob b;

	(void)state;
	assert_int_equal(authenticode_bytes_padded(&o.pool, &o.pe, &differs, &b, NULL), 0);
	assert_true(differs);
	assert_digest(&o, &b, ALG_SHA256, odd_padded_sha256);
	done(&o);
}

static void padding_changes_nothing_in_signed_files_and_multiples_of_8(void **state)
{
	static const char *const names[] = { "pe32plus", "signed-odd", "signed-sha1" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct opened o = open_file(names[i]);
		struct blob plain, padded;
		bool differs = true;

		assert_int_equal(authenticode_bytes(&o.pool, &o.pe, &plain, NULL), 0);
		assert_int_equal(authenticode_bytes_padded(&o.pool, &o.pe, &differs, &padded, NULL), 0);
		assert_false(differs);
		assert_true(blob_is_prefix(&plain, &padded) && plain.len == padded.len);
		done(&o);
	}
}

/* A signed file of odd length is as it is: firmware does not pad. */
static void a_signed_file_of_odd_length_is_not_padded(void **state)
{
	static const struct built_section text = { .name = ".text", .bytes = "12345678", .n = 8 };
	bool differs = true;
	struct blob padded;
	size_t n;

	(void)state;
	uint8_t *image = build_pe(
		&(struct build_pe){ .file_align = 8, .sections = &text, .n_sections = 1, .trailing = 13 },
		&n);
	put_u32le(built_directory(image, 4) + 4, 13);
	struct opened o = opened(image, n);
	assert_int_equal(authenticode_bytes_padded(&o.pool, &o.pe, &differs, &padded, NULL), 0);
	assert_false(differs);
	assert_int_equal(padded.len, n - 13 - 12);
	done(&o);
}

static void every_odd_length_is_padded_to_the_next_multiple_of_8(void **state)
{
	static const struct built_section text = { .name = ".text", .bytes = "12345678", .n = 8 };

	(void)state;
	for (size_t tail = 0; tail < 17; tail++) {
		size_t n;
		uint8_t *image = build_pe(
			&(struct build_pe){
				.file_align = 8, .sections = &text, .n_sections = 1, .trailing = tail },
			&n);
		struct opened o = opened(image, n);
		struct blob plain, padded;
		bool differs;

		assert_int_equal(authenticode_bytes(&o.pool, &o.pe, &plain, NULL), 0);
		assert_int_equal(plain.len, n - 12);
		assert_int_equal(authenticode_bytes_padded(&o.pool, &o.pe, &differs, &padded, NULL), 0);
		assert_int_equal(differs, n % 8 != 0);
		assert_int_equal(padded.len, (n + 7) / 8 * 8 - 12);
		done(&o);
	}
}

/* A signed image built here: text of 8 bytes, a tail of 16 that is the certificate table. */
static struct opened with_certificates(uint32_t cert_off, uint32_t cert_len)
{
	static const struct built_section text = { .name = ".text", .bytes = "12345678", .n = 8 };
	size_t n;
	uint8_t *image = build_pe(
		&(struct build_pe){ .file_align = 8, .sections = &text, .n_sections = 1, .trailing = 16 },
		&n);

	put_u32le(built_directory(image, 4), cert_off);
	put_u32le(built_directory(image, 4) + 4, cert_len);
	return opened(image, n);
}

/* The headers without CheckSum and the directory entry, then the section: offsets from the PE specification. */
static size_t by_hand(const uint8_t *image, size_t tail, uint8_t *ret)
{
	enum {
		OPT = 64 + 24,
		CHECKSUM = OPT + 64,
		ENTRY = OPT + 112 + 4 * 8,
		HEADERS = OPT + 112 + 128 + 40
	};
	uint8_t *p = ret;

	p = (uint8_t *)memcpy(p, image, CHECKSUM) + CHECKSUM;
	p = (uint8_t *)memcpy(p, image + CHECKSUM + 4, ENTRY - CHECKSUM - 4) + ENTRY - CHECKSUM - 4;
	p = (uint8_t *)memcpy(p, image + ENTRY + 8, HEADERS - ENTRY - 8) + HEADERS - ENTRY - 8;
	p = (uint8_t *)memcpy(p, image + HEADERS, 8 + tail) + 8 + tail;
	return (size_t)(p - ret);
}

static void checksum_and_certificate_entry_are_left_out(void **state)
{
	struct opened o = with_certificates(0, 0);
	uint8_t expected[1024];
	struct blob b;

	(void)state;
	memset(built_optional_header(o.image) + 64, 0xcc, 4);
	memset(built_directory(o.image, 4), 0xcc, 4);
	assert_int_equal(authenticode_bytes(&o.pool, &o.pe, &b, NULL), 0);
	size_t n = by_hand(o.image, 16, expected);
	assert_bytes(&o, &b, expected, n);
	done(&o);
}

static void the_certificate_table_is_the_last_bytes_wherever_its_entry_points(void **state)
{
	static const uint32_t offs[] = { 0, 8, 0x200, 0xfffffff0 };
	uint8_t expected[1024];

	(void)state;
	for (size_t i = 0; i < sizeof offs / sizeof offs[0]; i++)
		for (uint32_t len = 0; len <= 16; len += 8) {
			struct opened o = with_certificates(offs[i], len);
			struct blob b;

			assert_int_equal(authenticode_bytes(&o.pool, &o.pe, &b, NULL), 0);
			size_t n = by_hand(o.image, 16 - len, expected);
			assert_bytes(&o, &b, expected, n);
			done(&o);
		}
}

static void a_certificate_table_that_does_not_fit_is_refused(void **state)
{
	static const uint32_t lens[] = { 17, 1000, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct opened o = with_certificates(0, lens[i]);
		struct pcrcast_error e;
		struct blob b;
		bool differs;

		assert_int_equal(authenticode_bytes(&o.pool, &o.pe, &b, &e), -PCRCAST_EFORMAT);
		assert_non_null(strstr(e.msg, "does not fit behind the sections"));
		assert_int_equal(e.offset, built_directory(o.image, 4) - o.image);
		assert_int_equal(authenticode_bytes_padded(&o.pool, &o.pe, &differs, &b, &e),
				 -PCRCAST_EFORMAT);
		done(&o);
	}
}

/* EDK2 compares the file's length with the sum first, so a table of any length does not matter then. */
static void without_a_tail_the_certificate_table_is_not_looked_at(void **state)
{
	static const struct built_section text = { .name = ".text", .bytes = "12345678", .n = 8 };
	size_t n;
	uint8_t *image =
		build_pe(&(struct build_pe){ .file_align = 8, .sections = &text, .n_sections = 1 }, &n);
	uint8_t expected[1024];
	struct blob b;

	(void)state;
	put_u32le(built_directory(image, 4) + 4, 4096);
	struct opened o = opened(image, n);
	assert_int_equal(authenticode_bytes(&o.pool, &o.pe, &b, NULL), 0);
	size_t len = by_hand(o.image, 0, expected);
	assert_bytes(&o, &b, expected, len);
	done(&o);
}

static void sections_that_claim_the_file_many_times_over_are_refused(void **state)
{
	static const struct built_section text = { .name = ".text", .bytes = "12345678", .n = 8 };
	struct built_section many[200];
	struct pcrcast_error e;
	struct blob b;
	size_t n;

	(void)state;
	for (size_t i = 0; i < 200; i++)
		many[i] = text;
	uint8_t *image =
		build_pe(&(struct build_pe){ .file_align = 8, .sections = many, .n_sections = 200 }, &n);
	for (size_t i = 0; i < 200; i++) {
		put_u32le(built_section_header(image, i) + 16, (uint32_t)n);
		put_u32le(built_section_header(image, i) + 20, 0);
	}
	struct opened o = opened(image, n);
	assert_int_equal(authenticode_bytes(&o.pool, &o.pe, &b, &e), -PCRCAST_ELIMIT);
	assert_non_null(strstr(e.msg, "sections overlap"));
	done(&o);
}

static void every_truncation_of_a_signed_image_is_an_error_or_hashable(void **state)
{
	size_t whole, readable = 0;
	uint8_t *image = load_file("tests/data/pe/signed-odd.efi", &whole);

	(void)state;
	for (size_t n = 0; n <= whole; n++) {
		struct pool pool = POOL_INIT;
		uint8_t *copy = malloc(n ? n : 1);
		struct blob b, bytes;
		struct pcrcast_error e;
		struct slice s;
		struct pe pe;

		assert_non_null(copy);
		memcpy(copy, image, n);
		assert_int_equal(blob_of_bytes(&pool, (struct slice){ copy, n }, &b, NULL), 0);
		if (pe_parse(&pool, &b, &pe, &e) == 0 && authenticode_bytes(&pool, &pe, &bytes, &e) == 0) {
			assert_int_equal(blob_load(&pool, &bytes, whole, &s, NULL), 0);
			readable++;
		}
		pool_done(&pool);
		free(copy);
	}
	/* Cut right behind the section, which ends at 563, and wherever a table of 1624 bytes fits behind: 2187 to 2200. */
	assert_int_equal(readable, 1 + 14);
	free(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shape_of_image_has_the_digest_that_other_programs_compute),
		cmocka_unit_test(padding_gives_what_a_file_of_odd_length_measures_once_signed),
		cmocka_unit_test(padding_changes_nothing_in_signed_files_and_multiples_of_8),
		cmocka_unit_test(a_signed_file_of_odd_length_is_not_padded),
		cmocka_unit_test(every_odd_length_is_padded_to_the_next_multiple_of_8),
		cmocka_unit_test(checksum_and_certificate_entry_are_left_out),
		cmocka_unit_test(the_certificate_table_is_the_last_bytes_wherever_its_entry_points),
		cmocka_unit_test(a_certificate_table_that_does_not_fit_is_refused),
		cmocka_unit_test(without_a_tail_the_certificate_table_is_not_looked_at),
		cmocka_unit_test(sections_that_claim_the_file_many_times_over_are_refused),
		cmocka_unit_test(every_truncation_of_a_signed_image_is_an_error_or_hashable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
