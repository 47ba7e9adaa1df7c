/* Who an image says it is, and the rules of its version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "tests/unit/build_pe.h"
#include "uki/stub.h"

struct identified {
	struct pool pool;
	struct sd_identity id;
};

/* Takes over image. */
static struct identified identify(uint8_t *image, size_t n)
{
	struct identified r = { .pool = POOL_INIT };
	struct pcrcast_error e;
	struct blob b;
	struct pe pe;

	assert_int_equal(blob_of_bytes(&r.pool, (struct slice){ image, n }, &b, NULL), 0);
	if (pe_parse(&r.pool, &b, &pe, &e) < 0 || sd_identify(&r.pool, &pe, &r.id, &e) < 0)
		fail_msg("%s", e.msg);
	free(image);
	return r;
}

static struct identified identify_sdmagic(const char *text, size_t len)
{
	struct built_section s[] = { { .name = ".text", .bytes = "code", .n = 4 },
				     { .name = ".sdmagic", .bytes = text, .n = len } };
	size_t n;
	uint8_t *image = build_pe(&(struct build_pe){ .file_align = 1, .sections = s, .n_sections = 2 }, &n);

	return identify(image, n);
}

static void assert_identity(const struct identified *r, enum sd_kind kind, unsigned major, unsigned minor,
			    const char *text)
{
	assert_int_equal(r->id.kind, kind);
	assert_int_equal(r->id.version.major, major);
	assert_int_equal(r->id.version.minor, minor);
	if (text)
		assert_string_equal(r->id.text, text);
	else
		assert_null(r->id.text);
}

static void versions_are_read_from_sdmagic(void **state)
{
	static const struct {
		const char *text;
		unsigned major, minor;
	} rows[] = {
		{ "252.39-1~deb12u2", 252, 39 },
		{ "254.26-1~bpo12+1", 254, 26 },
		{ "257.13-1~deb13u1", 257, 13 },
		{ "262-1", 262, 0 },
		{ "255", 255, 0 },
		{ "v255.4-1-arch", 255, 4 },
		{ "256~rc3-1", 256, 0 },
		{ "257-g1234567", 257, 0 },
		{ "258.x", 258, 0 },
		{ "258.", 258, 0 },
		{ "255 (255.4-1ubuntu8)", 255, 0 },
		{ "99999.99999", 99999, 99999 },
		{ "254.100000", 254, 99999 },
		{ "254.99999999999999999999999", 254, 99999 },
		{ "100000", 0, 0 },
		{ "99999999999999999999999999", 0, 0 },
		{ "-252", 0, 0 },
		{ "+252", 0, 0 },
		{ "v", 0, 0 },
		{ "main", 0, 0 },
		{ " 252", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t n;
		uint8_t *image = build_uki(rows[i].text, NULL, 0, &n);
		struct identified r = identify(image, n);

		assert_identity(&r, SD_STUB, rows[i].major, rows[i].minor, rows[i].text);
		pool_done(&r.pool);
	}
}

static void stub_boot_and_addon_are_told_apart(void **state)
{
	static const struct {
		const char *text;
		enum sd_kind kind;
	} rows[] = {
		{ "#### LoaderInfo: systemd-stub 257 ####", SD_STUB },
		{ "#### LoaderInfo: systemd-boot 257 ####", SD_BOOT },
		{ "#### LoaderInfo: systemd-addon 257 ####", SD_ADDON },
		{ "leading bytes #### LoaderInfo: systemd-addon 257 #### and more", SD_ADDON },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct identified r = identify_sdmagic(rows[i].text, strlen(rows[i].text));

		assert_identity(&r, rows[i].kind, 257, 0, "257");
		pool_done(&r.pool);
	}
}

static void other_texts_are_nobody(void **state)
{
	static const char *const texts[] = {
		"",
		"#### LoaderInfo: ",
		"#### LoaderInfo: systemd-stub ",
		"#### LoaderInfo: systemd-stub 257",
		"#### LoaderInfo: systemd-stub 257 ###",
		"#### LoaderInfo: systemd-stub ####",
		"#### LoaderInfo: GRUB 2.06 ####",
		"#### LoaderInfo: systemd-stubs 257 ####",
		"### LoaderInfo: systemd-stub 257 ####",
		"#### loaderinfo: systemd-stub 257 ####",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct identified r = identify_sdmagic(texts[i], strlen(texts[i]));

		assert_identity(&r, SD_NONE, 0, 0, NULL);
		pool_done(&r.pool);
	}
}

static void a_text_without_end_nearby_is_nobody(void **state)
{
	char text[1024];

	(void)state;
	for (size_t digits = 1; digits < 600; digits += 7) {
		int n = snprintf(text, sizeof text, "#### LoaderInfo: systemd-stub %0*d ####", (int)digits,
				 1);
		struct identified r = identify_sdmagic(text, (size_t)n);

		assert_true(r.id.kind == SD_NONE || strlen(r.id.text) == digits);
		assert_int_equal(r.id.kind, digits < 230 ? SD_STUB : digits > 256 ? SD_NONE : r.id.kind);
		pool_done(&r.pool);
	}
}

static void every_truncation_of_the_text_is_nobody(void **state)
{
	static const char text[] = "#### LoaderInfo: systemd-stub 257.13 ####";

	(void)state;
	for (size_t n = 0; n < sizeof text; n++) {
		struct identified r = identify_sdmagic(text, n);

		assert_int_equal(r.id.kind, n < sizeof text - 1 ? SD_NONE : SD_STUB);
		pool_done(&r.pool);
	}
}

/*
 * systemd-stub 252 for arm64 has its text in bytes that no section covers: in front of the first section,
 * between two or behind the last one.
 */
static void the_text_is_found_in_bytes_of_no_section(void **state)
{
	static const char text[] = "#### LoaderInfo: systemd-stub 252.39 ####";
	static const uint8_t code[128];
	const struct built_section s[] = {
		{ .name = ".a", .bytes = code, .n = 128 },
		{ .name = ".gap", .bytes = code, .n = 128 },
		{ .name = ".b", .bytes = code, .n = 128 },
	};

	(void)state;
	for (size_t where = 0; where < 4; where++) {
		size_t n;
		uint8_t *image = build_pe(
			&(struct build_pe){
				.file_align = 128, .sections = s, .n_sections = 3, .trailing = 128 },
			&n);
		uint8_t *at = where < 3 ? image + get_u32le(built_section_header(image, where) + 20) :
					  image + n - 128;

		memcpy(at + (where % 2 ? 0 : 128 - sizeof text + 1), text, sizeof text - 1);
		/* A section that has no bytes in the file covers none, and where it says they are does not matter. */
		if (where < 3) {
			put_u32le(built_section_header(image, where) + 16, 0);
			put_u32le(built_section_header(image, where) + 20,
				  where == 2 ? UINT32_MAX : (uint32_t)(at - image) + 4);
		}
		struct identified r = identify(image, n);
		assert_identity(&r, SD_STUB, 252, 39, "252.39");
		pool_done(&r.pool);
	}
}

static void later_gaps_are_searched_too_up_to_a_limit(void **state)
{
	enum { LIMIT = 1 << 20, FIRST = 4096 };
	static const char text[] = "#### LoaderInfo: systemd-stub 252.39 ####";
	static const uint8_t code[FIRST];
	const struct built_section s[] = { { .name = ".gap", .bytes = code, .n = FIRST },
					   { .name = ".text", .bytes = "code", .n = 4 } };
	/* the last place where it is still seen, and one byte further */
	for (size_t beyond = 0; beyond < 2; beyond++) {
		size_t n, before = LIMIT - FIRST - (sizeof text - 1) + beyond;
		uint8_t *image = build_pe(&(struct build_pe){ .sections = s,
							      .n_sections = 2,
							      .trailing = before + sizeof text },
					  &n);

		put_u32le(built_section_header(image, 0) + 16, 0);
		memcpy(image + n - sizeof text, text, sizeof text);
		struct identified r = identify(image, n);
		assert_int_equal(r.id.kind, beyond ? SD_NONE : SD_STUB);
		pool_done(&r.pool);
	}
	(void)state;
}

static void the_text_inside_another_section_does_not_count(void **state)
{
	static const char text[] = "#### LoaderInfo: systemd-stub 252.39 ####";
	const struct built_section s[] = {
		{ .name = ".text", .bytes = "code", .n = 4 },
		{ .name = ".linux", .bytes = text, .n = sizeof text },
		{ .name = ".initrd", .bytes = text, .n = sizeof text },
	};
	size_t n;

	(void)state;
	uint8_t *image = build_pe(&(struct build_pe){ .sections = s, .n_sections = 3 }, &n);
	struct identified r = identify(image, n);
	assert_identity(&r, SD_NONE, 0, 0, NULL);
	pool_done(&r.pool);

	/* nor does an overlap uncover it */
	image = build_pe(&(struct build_pe){ .sections = s, .n_sections = 3 }, &n);
	put_u32le(built_section_header(image, 0) + 16, (uint32_t)n - 512);
	r = identify(image, n);
	assert_identity(&r, SD_NONE, 0, 0, NULL);
	pool_done(&r.pool);
}

static void sdmagic_counts_before_the_gaps(void **state)
{
	static const char in_section[] = "#### LoaderInfo: systemd-stub 257 ####",
			  behind[] = "#### LoaderInfo: systemd-stub 252 ####";
	const struct built_section s = { .name = ".sdmagic", .bytes = in_section, .n = sizeof in_section };
	size_t n;

	(void)state;
	uint8_t *image = build_pe(
		&(struct build_pe){ .sections = &s, .n_sections = 1, .trailing = sizeof behind }, &n);
	memcpy(image + n - sizeof behind, behind, sizeof behind);
	struct identified r = identify(image, n);
	assert_identity(&r, SD_STUB, 257, 0, "257");
	pool_done(&r.pool);
}

/* ---- rules ---- */

static const struct stub_rules *rules(unsigned major, unsigned minor)
{
	bool newer = true;
	const struct stub_rules *r = stub_rules_for((struct sd_version){ major, minor }, &newer);

	assert_non_null(r);
	assert_false(newer);
	return r;
}

static void versions_below_252_have_no_rules(void **state)
{
	bool newer;

	(void)state;
	assert_null(stub_rules_for((struct sd_version){ 251, 99 }, &newer));
	assert_null(stub_rules_for((struct sd_version){ 0, 0 }, &newer));
	assert_non_null(stub_rules_for((struct sd_version){ 252, 0 }, &newer));
}

static void a_newer_version_gets_the_newest_rules_and_is_said_to_be_newer(void **state)
{
	bool newer = false;
	const struct stub_rules *newest = rules(262, 99);

	(void)state;
	assert_ptr_equal(stub_rules_for((struct sd_version){ 263, 0 }, &newer), newest);
	assert_true(newer);
	newer = false;
	assert_ptr_equal(stub_rules_for((struct sd_version){ 99999, 1 }, &newer), newest);
	assert_true(newer);
}

static void rows_hold_until_the_next_one(void **state)
{
	(void)state;
	assert_ptr_equal(rules(252, 0), rules(252, 39));
	assert_ptr_equal(rules(252, 0), rules(253, 12));
	assert_ptr_not_equal(rules(253, 99999), rules(254, 0));
	assert_ptr_not_equal(rules(254, 0), rules(254, 1));
	assert_ptr_equal(rules(254, 1), rules(254, 25));
	assert_ptr_not_equal(rules(254, 25), rules(254, 26));
	assert_ptr_equal(rules(254, 26), rules(254, 99));
	assert_ptr_equal(rules(257, 0), rules(257, 13));
	assert_ptr_equal(rules(259, 0), rules(260, 7));
	for (unsigned v = 252; v <= 262; v++) {
		assert_true(rules(v, 0)->from.major <= v);
		assert_true(rules(v, 99999)->from.major <= v);
	}
}

/* The change table of systemd 252 to 262, cell by cell. */
static void each_version_knows_the_sections_it_measures(void **state)
{
	static const char *const names[] = {
		".linux", ".osrel",  ".cmdline", ".initrd",  ".ucode",   ".splash", ".dtb",   ".uname",
		".sbat",  ".pcrsig", ".pcrpkey", ".profile", ".dtbauto", ".hwids",  ".efifw",
	};
	static const struct {
		unsigned version;
		const char *known; /* one letter for each name: x known, - not */
	} rows[] = {
		{ 252, "xxxx-xx--xx----" }, { 253, "xxxx-xx--xx----" }, { 254, "xxxx-xxxxxx----" },
		{ 255, "xxxx-xxxxxx----" }, { 256, "xxxxxxxxxxx----" }, { 257, "xxxxxxxxxxxxxx-" },
		{ 258, "xxxxxxxxxxxxxxx" }, { 260, "xxxxxxxxxxxxxxx" }, { 261, "xxxxxxxxxxxxxxx" },
		{ 262, "xxxxxxxxxxxxxxx" },
	};

	(void)state;
	assert_int_equal(UKI_SECTIONS, sizeof names / sizeof names[0]);
	for (size_t k = 0; k < UKI_SECTIONS; k++)
		assert_string_equal(uki_section_names[k], names[k]);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (size_t k = 0; k < UKI_SECTIONS; k++)
			assert_int_equal(!!(rules(rows[i].version, 0)->sections & UKI_BIT(k)),
					 rows[i].known[k] == 'x');
}

static void each_version_has_its_ways(void **state)
{
	enum {
		CMDLINE = UKI_BIT(UKI_CMDLINE),
		CMDLINE_DTB = CMDLINE | UKI_BIT(UKI_DTB),
		ALL = CMDLINE_DTB | UKI_BIT(UKI_DTBAUTO) | UKI_BIT(UKI_INITRD) | UKI_BIT(UKI_UCODE),
	};
	static const struct {
		unsigned major, minor;
		enum section_match match;
		enum mangle_rule mangle;
		enum certainty cvm;
		enum addon_rule addons;
		uint32_t addon_sections;
		enum smbios_rule smbios;
		enum initrd_rule initrd;
		bool blank_counts, stripped, early_addons, late_dtbs, confext;
	} rows[] = {
		{ 252, 39, MATCH_PREFIX_LAST, MANGLE_TRAILING, NO, ADDONS_NONE, 0, SMBIOS_IGNORED,
		  INITRD_BASE_PADDED, 1, 0, 0, 0, 0 },
		{ 253, 0, MATCH_PREFIX_LAST, MANGLE_TRAILING, NO, ADDONS_NONE, 0, SMBIOS_IGNORED,
		  INITRD_BASE_PADDED, 1, 0, 0, 0, 0 },
		{ 254, 0, MATCH_PREFIX_LAST, MANGLE_TRAILING, NO, ADDONS_EVENT_PER_DIRECTORY, CMDLINE,
		  SMBIOS_RAW, INITRD_BASE_PADDED, 1, 1, 0, 0, 0 },
		{ 254, 7, MATCH_PREFIX_LAST, MANGLE_TRAILING, UNSURE, ADDONS_EVENT_PER_DIRECTORY, CMDLINE,
		  SMBIOS_RAW, INITRD_BASE_PADDED, 1, 1, 0, 0, 0 },
		{ 254, 26, MATCH_PREFIX_LAST, MANGLE_TRAILING, YES, ADDONS_EVENT_PER_DIRECTORY, CMDLINE,
		  SMBIOS_RAW, INITRD_BASE_PADDED, 1, 1, 0, 0, 0 },
		{ 255, 13, MATCH_PREFIX_LAST, MANGLE_BOTH_UNDEF, YES, ADDONS_JOINED_RAW, CMDLINE_DTB,
		  SMBIOS_RAW, INITRD_BASE_PADDED, 1, 1, 1, 1, 0 },
		{ 256, 0, MATCH_PREFIX_LAST, MANGLE_BOTH_UNDEF, YES, ADDONS_JOINED_RAW, CMDLINE_DTB,
		  SMBIOS_RAW, INITRD_ALL_PADDED, 1, 1, 1, 1, 1 },
		{ 257, 13, MATCH_EXACT_FIRST, MANGLE_BOTH, YES, ADDONS_JOINED_MANGLED, ALL, SMBIOS_MANGLED,
		  INITRD_MANY_PADDED, 0, 1, 0, 0, 1 },
		{ 258, 0, MATCH_EXACT_FIRST, MANGLE_BOTH, YES, ADDONS_JOINED_MANGLED, ALL, SMBIOS_MANGLED,
		  INITRD_MANY_PADDED, 0, 1, 0, 0, 1 },
		{ 260, 0, MATCH_EXACT_FIRST, MANGLE_BOTH, YES, ADDONS_JOINED_MANGLED, ALL, SMBIOS_MANGLED,
		  INITRD_MANY_PADDED, 0, 1, 0, 0, 1 },
		{ 262, 0, MATCH_EXACT_FIRST, MANGLE_BOTH, YES, ADDONS_JOINED_MANGLED, ALL, SMBIOS_MANGLED,
		  INITRD_MANY_PADDED, 0, 1, 0, 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct stub_rules *r = rules(rows[i].major, rows[i].minor);

		assert_int_equal(r->match, rows[i].match);
		assert_int_equal(r->mangle, rows[i].mangle);
		assert_int_equal(r->cvm_ignores_options, rows[i].cvm);
		assert_int_equal(r->addons, rows[i].addons);
		assert_int_equal(r->addon_sections, rows[i].addon_sections);
		assert_int_equal(r->smbios, rows[i].smbios);
		assert_int_equal(r->initrd, rows[i].initrd);
		assert_int_equal(r->blank_options_count, rows[i].blank_counts);
		assert_int_equal(r->counter_stripped, rows[i].stripped);
		assert_int_equal(r->addons_before_sections, rows[i].early_addons);
		assert_int_equal(r->dtb_addons_last, rows[i].late_dtbs);
		assert_int_equal(r->confext, rows[i].confext);
	}
}

static void what_began_with_a_version_begins_with_it(void **state)
{
	(void)state;
	for (unsigned v = 252; v <= 262; v++) {
		const struct stub_rules *r = rules(v, 0);

		assert_int_equal(r->extra_literals, v >= 257);
		assert_int_equal(r->global_extensions, v >= 258 ? YES : NO);
		assert_int_equal(r->loads_kernel_image, v < 258);
		assert_int_equal(r->boot_secret, v >= 261);
		assert_int_equal(r->initrd_joins_previous, v >= 261);
		assert_int_equal(r->console, v >= 261 ? CONSOLE_APPENDED : CONSOLE_NEVER);
		assert_int_equal(r->smbios_to_pcr1, v >= 261);
		assert_int_equal(r->sections_within_image, v < 258 ? NO : v < 262 ? UNSURE : YES);
		assert_int_equal(r->keeps_own_options, v < 258 ? NO : v < 259 ? UNSURE : YES);
		assert_true(v >= 258 || r->any_control_char == NO);
		assert_true(v < 262 || r->any_control_char == YES);
	}
}

static void versions_are_shown_as_they_are_written(void **state)
{
	struct pool pool = POOL_INIT;

	(void)state;
	assert_string_equal(sd_version_text(&pool, (struct sd_version){ 254, 0 }), "254");
	assert_string_equal(sd_version_text(&pool, (struct sd_version){ 254, 26 }), "254.26");
	pool_done(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_are_read_from_sdmagic),
		cmocka_unit_test(stub_boot_and_addon_are_told_apart),
		cmocka_unit_test(other_texts_are_nobody),
		cmocka_unit_test(a_text_without_end_nearby_is_nobody),
		cmocka_unit_test(every_truncation_of_the_text_is_nobody),
		cmocka_unit_test(the_text_is_found_in_bytes_of_no_section),
		cmocka_unit_test(later_gaps_are_searched_too_up_to_a_limit),
		cmocka_unit_test(the_text_inside_another_section_does_not_count),
		cmocka_unit_test(sdmagic_counts_before_the_gaps),
		cmocka_unit_test(versions_below_252_have_no_rules),
		cmocka_unit_test(a_newer_version_gets_the_newest_rules_and_is_said_to_be_newer),
		cmocka_unit_test(rows_hold_until_the_next_one),
		cmocka_unit_test(each_version_knows_the_sections_it_measures),
		cmocka_unit_test(each_version_has_its_ways),
		cmocka_unit_test(what_began_with_a_version_begins_with_it),
		cmocka_unit_test(versions_are_shown_as_they_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
