/* PE headers: every truncation, and numbers that lead out of the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/pe_sample.h"

/* What is left of an image must be whole: headers, table and raw data of every section; the rest may be gone. */
static void every_truncation_is_an_error_or_lacks_only_the_tail(void **state)
{
	(void)state;
	for (int pe32 = 0; pe32 < 2; pe32++) {
		size_t n, tail = 37;
		uint8_t *image = build_pe(&(struct build_pe){ .pe32 = pe32,
							      .file_align = 8,
							      .sections = sections,
							      .n_sections = 3,
							      .trailing = tail },
					  &n);

		for (size_t len = 0; len <= n; len++) {
			struct parsed p = parse(image, len);

			if (len < n - tail) {
				assert_int_equal(p.rc, -PCRCAST_ETRUNC);
				assert_true(strlen(p.e.msg) > 0);
			} else {
				struct blob b;
				struct slice s;

				assert_int_equal(p.rc, 0);
				assert_int_equal(p.pe.n_sections, 3);
				for (size_t i = 0; i < 3; i++) {
					assert_int_equal(pe_section_content(&p.pool, &p.pe, &p.pe.sections[i],
									    &b, NULL),
							 0);
					assert_int_equal(blob_load(&p.pool, &b, 1000, &s, NULL), 0);
				}
			}
			done(&p);
		}
		free(image);
	}
}

static void a_section_that_leaves_the_file_is_refused(void **state)
{
	static const struct {
		uint32_t off, len;
	} rows[] = {
		{ 2048, 1 },           { 2047, 2 },
		{ 0, 2049 },           { 1536, 513 },
		{ UINT32_MAX, 1 },     { UINT32_MAX, UINT32_MAX },
		{ 512, UINT32_MAX },   { 0x80000000, 0x80000000 },
		{ 0xffffff00, 0x200 },
	};
	size_t n;
	uint8_t *image = standard(&n);
	uint8_t *header = built_section_header(image, 1);

	(void)state;
	assert_int_equal(n, 2048);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		put_u32le(header + RAW_OFF, rows[i].off);
		put_u32le(header + RAW_LEN, rows[i].len);
		refuses(image, n, -PCRCAST_ETRUNC, "section .longnam lies at bytes ");
	}
	put_u32le(header + RAW_OFF, 0);
	put_u32le(header + RAW_LEN, 2048);
	struct parsed p = parse(image, n);
	assert_int_equal(p.rc, 0);
	done(&p);
	free(image);
}

static void the_pe_header_is_looked_for_inside_the_file(void **state)
{
	size_t n;
	uint8_t *image = standard(&n);
	static const uint32_t outside[] = { 2048 - 23, 2048, 0x7fffffff, 0xfffffff0, 0xffffffff };

	(void)state;
	for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
		put_u32le(image + 0x3c, outside[i]);
		refuses(image, n, -PCRCAST_ETRUNC, "PE header expected at byte ");
	}
	put_u32le(image + 0x3c, 2048 - 24);
	refuses(image, n, -PCRCAST_EFORMAT, "no PE image: expected the signature \"PE\", found 00 00 00 00");
	free(image);
}

/* EDK2 BasePeCoff.c: without "MZ" the PE header is at the start. */
static void an_image_without_dos_header_begins_with_the_pe_header(void **state)
{
	size_t n;
	uint8_t *image = standard(&n);
	struct parsed p = parse(image, n);

	(void)state;
	assert_int_equal(p.pe.checksum_off, 64 + 24 + 64);
	done(&p);
	memmove(image, image + 64, 448);
	p = parse(image, n);
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.pe.checksum_off, 24 + 64);
	assert_int_equal(p.pe.n_sections, 3);
	assert_content(&p, 0, "some code", 9);
	done(&p);

	memcpy(image, "ZM", 2);
	refuses(image, n, -PCRCAST_EFORMAT, "no PE image");
	free(image);
}

static void an_optional_header_of_another_kind_is_refused(void **state)
{
	size_t n;
	uint8_t *image = standard(&n);

	(void)state;
	put_u16le(built_optional_header(image), 0x107); /* a ROM image */
	refuses(image, n, -PCRCAST_EFORMAT, "optional header magic 0x0107");
	free(image);
}

static void an_optional_header_that_is_too_short_is_refused(void **state)
{
	(void)state;
	for (int pe32 = 0; pe32 < 2; pe32++) {
		size_t n;
		uint8_t *image = build_pe(
			&(struct build_pe){ .pe32 = pe32, .sections = sections, .n_sections = 3 }, &n);
		uint16_t fixed = pe32 ? 96 : 112, with_cert = (uint16_t)(fixed + 40);

		for (uint16_t len = 0; len < with_cert; len++) {
			put_u16le(built_coff_header(image) + 16, len);
			refuses(image, n, -PCRCAST_ETRUNC,
				len < fixed ? "optional header has" : "16 data directories do not fit");
		}
		free(image);
	}
}

static void four_data_directories_hold_no_certificate_table(void **state)
{
	(void)state;
	for (uint32_t dirs = 1; dirs <= 6; dirs++) {
		size_t n;
		uint8_t *image = build_pe(
			&(struct build_pe){ .n_dirs = dirs, .sections = sections, .n_sections = 3 }, &n);
		struct parsed p = parse(image, n);

		assert_int_equal(p.rc, 0);
		assert_int_equal(p.pe.n_sections, 3);
		assert_string_equal(p.pe.sections[0].name, ".text");
		assert_int_equal(p.pe.cert_entry_off, dirs > 4 ? built_directory(image, 4) - image : 0);
		assert_int_equal(p.pe.cert_len, 0);
		done(&p);
		free(image);
	}
}

static void size_of_headers_must_hold_the_optional_header_and_lie_in_the_file(void **state)
{
	size_t n;
	uint8_t *image = standard(&n);
	uint8_t *size = built_optional_header(image) + SIZE_OF_HEADERS;

	(void)state;
	put_u32le(size, 2049);
	refuses(image, n, -PCRCAST_ETRUNC, "SizeOfHeaders is 2049, the file ends at 2048");
	put_u32le(size, UINT32_MAX);
	refuses(image, n, -PCRCAST_ETRUNC, "SizeOfHeaders is 4294967295");
	put_u32le(size, 0);
	refuses(image, n, -PCRCAST_EFORMAT, "SizeOfHeaders is 0, the optional header ends at 200");
	put_u32le(size, 64 + 24 + 112 - 1);
	refuses(image, n, -PCRCAST_EFORMAT, "SizeOfHeaders is 199");
	put_u32le(size, 64 + 24 + 112 + 39); /* into the certificate table's entry */
	refuses(image, n, -PCRCAST_ETRUNC, "16 data directories do not fit");
	put_u32le(size, 64 + 24 + 112 + 40);
	struct parsed p = parse(image, n);
	assert_int_equal(p.rc, 0);
	done(&p);
	free(image);
}

static void a_section_table_that_leaves_the_file_is_refused(void **state)
{
	size_t n;
	uint8_t *image = standard(&n);

	(void)state;
	put_u16le(built_coff_header(image) + 2, PE_MAX_SECTIONS);
	refuses(image, n, -PCRCAST_ETRUNC, "2048 section headers expected");
	put_u16le(built_coff_header(image) + 2, PE_MAX_SECTIONS + 1);
	refuses(image, n, -PCRCAST_ELIMIT, "2049 sections, at most 2048 are handled");
	put_u16le(built_coff_header(image) + 2, 3);
	put_u16le(built_coff_header(image) + 16, 65535);
	refuses(image, n, -PCRCAST_ETRUNC, "3 section headers expected");
	free(image);
}

static void an_image_without_sections_is_an_image(void **state)
{
	size_t n;
	uint8_t *image = build_pe(&(struct build_pe){ .n_sections = 0 }, &n);
	struct parsed p = parse(image, n);

	(void)state;
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.pe.n_sections, 0);
	assert_null(pe_section_find(&p.pe, ".text"));
	done(&p);
	free(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_truncation_is_an_error_or_lacks_only_the_tail),
		cmocka_unit_test(a_section_that_leaves_the_file_is_refused),
		cmocka_unit_test(the_pe_header_is_looked_for_inside_the_file),
		cmocka_unit_test(an_image_without_dos_header_begins_with_the_pe_header),
		cmocka_unit_test(an_optional_header_of_another_kind_is_refused),
		cmocka_unit_test(an_optional_header_that_is_too_short_is_refused),
		cmocka_unit_test(four_data_directories_hold_no_certificate_table),
		cmocka_unit_test(size_of_headers_must_hold_the_optional_header_and_lie_in_the_file),
		cmocka_unit_test(a_section_table_that_leaves_the_file_is_refused),
		cmocka_unit_test(an_image_without_sections_is_an_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
