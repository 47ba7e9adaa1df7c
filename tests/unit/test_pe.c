/* PE images: both formats, sections in file and in memory, relocations, and what loaders make of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/pe_sample.h"

static void pe32_and_pe32plus_of_every_machine_are_read(void **state)
{
	static const struct {
		uint16_t machine;
		int pe32;
		const char *name;
	} rows[] = {
		{ 0x014c, 1, "ia32" },
		{ 0x8664, 0, "x64" },
		{ 0x01c2, 1, "arm" },
		{ 0xaa64, 0, "aa64" },
		{ 0x5064, 0, "riscv64" },
		{ 0x6264, 0, "loongarch64" },
		{ 0x0200, 0, NULL /* Itanium */ },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t n;
		uint8_t *image = build_pe(&(struct build_pe){ .machine = rows[i].machine,
							      .pe32 = rows[i].pe32,
							      .subsystem = (uint16_t)(10 + i % 3),
							      .major_image_version = 257,
							      .sections = sections,
							      .n_sections = 3 },
					  &n);
		uint8_t *opt = built_optional_header(image), *cert = built_directory(image, 4);

		put_u32le(cert, 0x1111);
		put_u32le(cert + 4, 0x2222);
		struct parsed p = parse(image, n);
		assert_int_equal(p.rc, 0);
		assert_int_equal(p.pe.machine, rows[i].machine);
		if (rows[i].name)
			assert_string_equal(pe_machine_name(p.pe.machine), rows[i].name);
		else
			assert_null(pe_machine_name(p.pe.machine));
		assert_int_equal(p.pe.plus, !rows[i].pe32);
		assert_int_equal(p.pe.subsystem, 10 + i % 3);
		assert_int_equal(p.pe.major_image_version, 257);
		assert_int_equal(p.pe.headers_len, 512);
		assert_int_equal(p.pe.image_len, get_u32le(opt + SIZE_OF_IMAGE));
		assert_int_equal(p.pe.checksum_off, opt + 64 - image);
		assert_int_equal(p.pe.cert_entry_off, cert - image);
		assert_int_equal(p.pe.cert_off, 0x1111);
		assert_int_equal(p.pe.cert_len, 0x2222);
		assert_int_equal(p.pe.image.len, n);
		done(&p);
		free(image);
	}
}

static void sections_are_read_in_table_order(void **state)
{
	size_t n;
	uint8_t *image = standard(&n);
	struct parsed p = parse(image, n);

	(void)state;
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.pe.n_sections, 3);
	const struct pe_section *s = p.pe.sections;
	assert_string_equal(s[0].name, ".text");
	assert_string_equal(s[1].name, ".longnam");
	assert_int_equal(s[0].virt_len, 9);
	assert_int_equal(s[0].virt_off, 4096);
	assert_int_equal(s[0].raw_len, 512);
	assert_int_equal(s[0].raw_off, 512);
	assert_int_equal(s[1].virt_len, 100);
	assert_int_equal(s[1].virt_off, 8192);
	assert_int_equal(s[1].raw_off, 1024);
	assert_ptr_equal(pe_section_find(&p.pe, ".text"), &s[0]);
	assert_ptr_equal(pe_section_find(&p.pe, ".longnam"), &s[1]);
	assert_null(pe_section_find(&p.pe, ".longname"));
	assert_null(pe_section_find(&p.pe, ".tex"));
	assert_null(pe_section_find(&p.pe, ""));
	done(&p);
	free(image);
}

static void a_section_in_memory_has_virtualsize_bytes(void **state)
{
	static const char longer[600] = "eight characters and no NUL";
	size_t n;
	uint8_t *image = standard(&n);

	(void)state;
	put_u32le(built_section_header(image, 1) + VIRTUAL_SIZE, 600);
	put_u32le(built_section_header(image, 2) + VIRTUAL_SIZE, 0);
	struct parsed p = parse(image, n);
	assert_int_equal(p.rc, 0);
	assert_content(&p, 0, "some code", 9);
	assert_content(&p, 1, longer, 600);
	assert_content(&p, 2, "", 0);
	done(&p);

	/* no bytes in the file: all zeros, wherever they are said to lie */
	put_u32le(built_section_header(image, 1) + RAW_LEN, 0);
	put_u32le(built_section_header(image, 1) + RAW_OFF, 0xfffffff0);
	p = parse(image, n);
	assert_int_equal(p.rc, 0);
	static const char zeros[600];
	assert_content(&p, 1, zeros, 600);
	done(&p);
	free(image);
}

/* EDK2 lays out headers, then sections in table order; of what overlaps the later one counts. */
static void of_sections_that_overlap_in_memory_the_later_one_counts(void **state)
{
	static const struct built_section letters[] = {
		{ .name = ".a", .bytes = "abcdefgh", .n = 8, .virt_len = 12 },
		{ .name = ".b", .bytes = "1234", .n = 4, .virt_len = 6 },
		{ .name = ".c", .bytes = "xy", .n = 2, .virt_len = 2 },
	};
	static const struct {
		int32_t b, c; /* where they are, from the start of .a; .a is 12 bytes */
		const char *a, *at_b, *at_c;
	} rows[] = {
		{ 100, 200, "abcdefgh\0\0\0\0", "1234\0\0", "xy" },
		{ 2, 200, "ab1234\0\0\0\0\0\0", "1234\0\0", "xy" },
		{ 2, 3, "ab1xy4\0\0\0\0\0\0", "1xy4\0\0", "xy" },
		{ 0, 7, "1234\0\0gxy\0\0\0", "1234\0\0", "xy" },
		{ 10, 11,
		  "abcdefgh\0\0"
		  "1x",
		  "1xy4\0\0", "xy" },
		{ 12, 17, "abcdefgh\0\0\0\0", "1234\0x", "xy" },
		{ -2, -1, "y4\0\0efgh\0\0\0\0", "1xy4\0\0", "xy" },
		{ -3, -1, "y\0\0defgh\0\0\0\0", "12xy\0\0", "xy" },
		{ -6, -2, "abcdefgh\0\0\0\0", "1234xy", "xy" },
	};
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint8_t *image = build_pe(
			&(struct build_pe){ .file_align = 4, .sections = letters, .n_sections = 3 }, &n);
		uint32_t a = get_u32le(built_section_header(image, 0) + 12);

		put_u32le(built_section_header(image, 1) + 12, a + (uint32_t)rows[i].b);
		put_u32le(built_section_header(image, 2) + 12, a + (uint32_t)rows[i].c);
		struct parsed p = parse(image, n);
		assert_int_equal(p.rc, 0);
		assert_content(&p, 0, rows[i].a, 12);
		assert_content(&p, 1, rows[i].at_b, 6);
		assert_content(&p, 2, rows[i].at_c, 2);
		done(&p);
		free(image);
	}
}

static void sections_may_share_memory_up_to_a_limit(void **state)
{
	struct built_section many[PE_MAX_LAYERS + 1];
	struct blob b;
	size_t n;

	(void)state;
	for (size_t i = 0; i <= PE_MAX_LAYERS; i++)
		many[i] = (struct built_section){ .name = ".x", .bytes = "12345678", .n = 8 };
	uint8_t *image = build_pe(
		&(struct build_pe){ .file_align = 8, .sections = many, .n_sections = PE_MAX_LAYERS + 1 }, &n);
	uint32_t at = get_u32le(built_section_header(image, 0) + 12);
	for (size_t i = 1; i < PE_MAX_LAYERS; i++)
		put_u32le(built_section_header(image, i) + 12, at + 7);
	struct parsed p = parse(image, n);
	assert_content(&p, 0, "12345671", 8);
	done(&p);
	put_u32le(built_section_header(image, PE_MAX_LAYERS) + 12, at);
	p = parse(image, n);
	assert_int_equal(pe_section_content(&p.pool, &p.pe, &p.pe.sections[0], &b, &p.e), -PCRCAST_ELIMIT);
	assert_string_equal(p.e.msg, "section .x shares its memory with more than 63 others");
	done(&p);
	free(image);
}

static void headers_alone_may_tell_of_sections_outside_the_file(void **state)
{
	size_t n;
	uint8_t *image = standard(&n);
	struct blob b;

	(void)state;
	put_u32le(built_section_header(image, 1) + RAW_OFF, (uint32_t)n);
	struct parsed p = parse(image, n);
	assert_int_equal(p.rc, -PCRCAST_ETRUNC);
	assert_int_equal(blob_of_bytes(&p.pool, (struct slice){ p.copy, n }, &b, NULL), 0);
	assert_int_equal(pe_parse_headers(&p.pool, &b, &p.pe, &p.e), 0);
	assert_content(&p, 0, "some code", 9);
	assert_content(&p, 2, "not the first one", 17);
	assert_int_equal(pe_section_content(&p.pool, &p.pe, &p.pe.sections[1], &b, &p.e), -PCRCAST_ETRUNC);
	assert_non_null(
		strstr(p.e.msg, "section .longnam lies at bytes 2048 to 2560, the file ends at 2048"));
	done(&p);

	/* nor may such a one lie over another, even with VirtualSize 0 */
	put_u32le(built_section_header(image, 1) + VIRTUAL_SIZE, 0);
	put_u32le(built_section_header(image, 1) + 12, get_u32le(built_section_header(image, 0) + 12));
	p = parse(image, n);
	assert_int_equal(blob_of_bytes(&p.pool, (struct slice){ p.copy, n }, &b, NULL), 0);
	assert_int_equal(pe_parse_headers(&p.pool, &b, &p.pe, &p.e), 0);
	assert_int_equal(pe_section_content(&p.pool, &p.pe, &p.pe.sections[0], &b, &p.e), -PCRCAST_ETRUNC);
	done(&p);
	free(image);
}

static void a_section_over_the_headers_shows_them_only_where_it_is_not(void **state)
{
	static const struct built_section s[] = { { .name = ".a", .bytes = "aaaa", .n = 4 },
						  { .name = ".none", .bytes = "", .n = 0, .virt_len = 8 } };
	size_t n;
	uint8_t *image = build_pe(&(struct build_pe){ .file_align = 4, .sections = s, .n_sections = 2 }, &n);

	(void)state;
	/* firmware writes zeros where a section has no bytes in the file */
	put_u32le(built_section_header(image, 0) + 12, 2);
	put_u32le(built_section_header(image, 1) + 12, 64);
	struct parsed p = parse(image, n);
	assert_int_equal(p.rc, 0);
	assert_content(&p, 0, "aaaa", 4);
	assert_content(&p, 1, "\0\0\0\0\0\0\0\0", 8);
	done(&p);
	/* VirtualSize 0: firmware loads the raw bytes over what came before, here the end of .none */
	put_u32le(built_section_header(image, 0) + 12, 4096);
	put_u32le(built_section_header(image, 1) + 12, 8192);
	put_u32le(built_section_header(image, 1) + RAW_LEN, 4);
	put_u32le(built_section_header(image, 1) + RAW_OFF,
		  get_u32le(built_section_header(image, 0) + RAW_OFF));
	put_u32le(built_section_header(image, 1) + VIRTUAL_SIZE, 0);
	put_u32le(built_section_header(image, 1) + 12, 4098);
	p = parse(image, n);
	assert_content(&p, 0, "aaaa", 4);
	assert_content(&p, 1, "", 0);
	done(&p);
	free(image);
}

/* A table of base relocations: PE/COFF specification, section 5.6. */
static void relocations_are_noticed_where_they_change_bytes(void **state)
{
	enum { DIR64 = 10, PAGE = 0x3000, AT = 0x123 };
	uint8_t table[28] = { 0 };

	(void)state;
	put_u32le(table, 0x1000);
	put_u32le(table + 4, 12);
	put_u16le(table + 8, 0 << 12 | 0x555); /* padding */
	put_u16le(table + 10, 3 << 12 | 0x010);
	put_u32le(table + 12, PAGE);
	put_u32le(table + 16, 10);
	put_u16le(table + 20, DIR64 << 12 | AT);
	put_u32le(table + 22, 0xffffffff); /* what follows is no block */
	const struct built_section s[] = { { .name = ".text", .bytes = "code", .n = 4 },
					   { .name = ".reloc", .bytes = table, .n = sizeof table } };
	static const struct {
		uint64_t from, to;
		bool expected;
	} rows[] = {
		{ 0, UINT32_MAX, true },
		{ 0x1000, 0x1010, false },
		{ 0x1000, 0x1011, true },
		{ 0x1018, 0x3000, false },
		{ 0x1555, 0x1560, false },
		{ PAGE, PAGE + AT, false },
		{ PAGE, PAGE + AT + 1, true },
		{ PAGE + AT + 7, PAGE + AT + 8, true },
		{ PAGE + AT + 8, PAGE + 0x1000, false },
	};
	for (int pe32 = 0; pe32 < 2; pe32++) {
		size_t n;
		uint8_t *image =
			build_pe(&(struct build_pe){ .pe32 = pe32, .sections = s, .n_sections = 2 }, &n);
		bool changed;

		put_u32le(built_directory(image, 5), get_u32le(built_section_header(image, 1) + 12));
		put_u32le(built_directory(image, 5) + 4, sizeof table);
		for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
			struct parsed p = parse(image, n);

			assert_int_equal(p.rc, 0);
			assert_int_equal(
				pe_relocated(&p.pool, &p.pe, rows[i].from, rows[i].to, &changed, NULL), 0);
			assert_int_equal(changed, rows[i].expected);
			done(&p);
		}
		/* every length of the table */
		for (uint32_t len = 0; len <= 40; len++) {
			put_u32le(built_directory(image, 5) + 4, len);
			struct parsed p = parse(image, n);

			assert_int_equal(pe_relocated(&p.pool, &p.pe, 0, UINT32_MAX, &changed, NULL), 0);
			assert_int_equal(changed, len >= 12);
			done(&p);
		}
		put_u32le(built_directory(image, 5) + 4, (1 << 20) + 1);
		struct parsed p = parse(image, n);
		assert_int_equal(pe_relocated(&p.pool, &p.pe, 0, 1, &changed, &p.e), -PCRCAST_ELIMIT);
		done(&p);
		free(image);
	}
}

static void assert_fate(uint8_t *image, size_t n, enum pe_fate expected, const char *why)
{
	struct parsed p = parse(image, n);
	const char *told = "untouched";

	assert_int_equal(p.rc, 0);
	enum pe_fate fate = pe_fate_under_edk2(&p.pool, &p.pe, &told);
	if (fate != expected || (why && (!told || !strstr(told, why))) || (!why && told))
		fail_msg("fate %d because \"%s\", expected %d because \"%s\"", fate, told ? told : "",
			 expected, why ? why : "");
	done(&p);
}

/* EDK2 BasePeCoff.c, PeCoffLoaderGetPeHeader and PeCoffLoaderLoadImage, check by check. */
static void edk2_refuses_what_its_loader_refuses(void **state)
{
	enum { OPT_LEN = 16, SUBSYSTEM = 68, ALIGN = 32, N_DIRS = 108 };
	size_t n;
	uint8_t *image = standard(&n);
	uint8_t *opt = built_optional_header(image);
	uint8_t *first = built_section_header(image, 0), *last = built_section_header(image, 2);
	uint32_t image_len = get_u32le(opt + SIZE_OF_IMAGE);

	(void)state;
	assert_fate(image, n, PE_LOADS, NULL);
	for (uint16_t subsystem = 0; subsystem < 20; subsystem++) {
		put_u16le(opt + SUBSYSTEM, subsystem);
		if (subsystem >= 10 && subsystem <= 12)
			assert_fate(image, n, PE_LOADS, NULL);
		else
			assert_fate(image, n, PE_REFUSED, "subsystem ");
	}
	put_u16le(opt + SUBSYSTEM, 10);

	put_u32le(opt + N_DIRS, 17);
	assert_fate(image, n, PE_REFUSED, "NumberOfRvaAndSizes is 17");
	put_u32le(opt + N_DIRS, 15);
	assert_fate(image, n, PE_REFUSED, "SizeOfOptionalHeader is 240, expected 232");
	put_u32le(opt + N_DIRS, 16);

	put_u32le(opt + SIZE_OF_IMAGE, 512);
	assert_fate(image, n, PE_REFUSED, "SizeOfHeaders is 512, SizeOfImage 512");
	put_u32le(opt + SIZE_OF_IMAGE, 300);
	assert_fate(image, n, PE_REFUSED, "SizeOfImage is 300, too small for the section table");
	put_u32le(opt + SIZE_OF_IMAGE, image_len);

	put_u32le(opt + SIZE_OF_HEADERS, 64 + 24 + 240 + 3 * 40 - 1);
	assert_fate(image, n, PE_REFUSED, "SizeOfHeaders is 447, too small for the section table");
	put_u32le(opt + SIZE_OF_HEADERS, 64 + 24 + 240 + 3 * 40);
	assert_fate(image, n, PE_LOADS, NULL);
	put_u32le(opt + SIZE_OF_HEADERS, 512);

	put_u32le(built_directory(image, 4), (uint32_t)n - 8);
	put_u32le(built_directory(image, 4) + 4, 8);
	assert_fate(image, n, PE_LOADS, NULL);
	put_u32le(built_directory(image, 4) + 4, 9);
	assert_fate(image, n, PE_REFUSED, "certificate table lies outside the file");
	put_u32le(built_directory(image, 4) + 4, 0);

	put_u32le(first + 12, 511);
	assert_fate(image, n, PE_REFUSED, "section .text begins inside the headers");
	put_u32le(first + RAW_LEN, 0);
	assert_fate(image, n, PE_LOADS, NULL);
	put_u32le(first + 12, 4096);
	put_u32le(first + RAW_LEN, 512);
	put_u32le(first + RAW_OFF, 511);
	assert_fate(image, n, PE_REFUSED, "section .text begins inside the headers");
	put_u32le(first + RAW_OFF, 512);

	/* what is found only when it is loaded is measured before */
	put_u32le(opt + ALIGN, 0);
	assert_fate(image, n, PE_MEASURED_ONLY, "SectionAlignment is 0");
	put_u32le(opt + ALIGN, 4096);
	put_u32le(last + 12, image_len - 17);
	assert_fate(image, n, PE_LOADS, NULL);
	put_u32le(last + 12, image_len - 16);
	assert_fate(image, n, PE_MEASURED_ONLY, "section .text ends beyond SizeOfImage");
	free(image);
}

static void zeros_are_filled_up_to_a_limit(void **state)
{
	size_t n;
	uint8_t *image = standard(&n);
	struct blob b;

	(void)state;
	put_u32le(built_section_header(image, 0) + VIRTUAL_SIZE, 512 + PE_MAX_ZERO_FILL);
	struct parsed p = parse(image, n);
	assert_int_equal(p.rc, 0);
	assert_int_equal(pe_section_content(&p.pool, &p.pe, &p.pe.sections[0], &b, &p.e), 0);
	assert_int_equal(b.len, 512 + PE_MAX_ZERO_FILL);
	done(&p);

	static const uint32_t too_many[] = { 512 + PE_MAX_ZERO_FILL + 1, INT32_MAX, UINT32_MAX };
	for (size_t i = 0; i < 3; i++) {
		put_u32le(built_section_header(image, 0) + VIRTUAL_SIZE, too_many[i]);
		p = parse(image, n);
		assert_int_equal(p.rc, 0);
		assert_int_equal(pe_section_content(&p.pool, &p.pe, &p.pe.sections[0], &b, &p.e),
				 -PCRCAST_ELIMIT);
		assert_non_null(strstr(p.e.msg, "section .text has 512 bytes in the file and "));
		done(&p);
	}
	free(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pe32_and_pe32plus_of_every_machine_are_read),
		cmocka_unit_test(sections_are_read_in_table_order),
		cmocka_unit_test(a_section_in_memory_has_virtualsize_bytes),
		cmocka_unit_test(of_sections_that_overlap_in_memory_the_later_one_counts),
		cmocka_unit_test(sections_may_share_memory_up_to_a_limit),
		cmocka_unit_test(headers_alone_may_tell_of_sections_outside_the_file),
		cmocka_unit_test(a_section_over_the_headers_shows_them_only_where_it_is_not),
		cmocka_unit_test(relocations_are_noticed_where_they_change_bytes),
		cmocka_unit_test(edk2_refuses_what_its_loader_refuses),
		cmocka_unit_test(zeros_are_filled_up_to_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
