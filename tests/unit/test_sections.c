/* Which sections of a UKI a version of systemd-stub uses: names, duplicates, profiles, hardware. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "tests/unit/build_pe.h"
#include "uki/sections.h"

enum { SIZE_OF_IMAGE = 56, VIRTUAL_SIZE = 8 };

#define TEXT(section, text)                                               \
	{                                                                 \
		.name = (section), .bytes = (text), .n = sizeof(text) - 1 \
	}
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const struct hardware nothing_known;

struct opened {
	struct pool pool;
	struct pe pe;
	struct sd_identity id;
	struct uki uki;
	struct pcrcast_error e;
	uint8_t *image;
	size_t n;
	int rc;
};

/* Takes over image. */
static struct opened open_image(uint8_t *image, size_t n, unsigned profile, const struct hardware *hw)
{
	struct opened o = { .pool = POOL_INIT, .image = image, .n = n };
	struct blob b;

	assert_int_equal(blob_of_bytes(&o.pool, (struct slice){ image, n }, &b, NULL), 0);
	assert_int_equal(pe_parse(&o.pool, &b, &o.pe, NULL), 0);
	assert_int_equal(sd_identify(&o.pool, &o.pe, &o.id, NULL), 0);
	o.rc = uki_open(&o.pool, &o.pe, &o.id, profile, hw, &o.uki, &o.e);
	return o;
}

static struct opened open_uki(const char *version, const struct built_section *s, size_t n_sections,
			      unsigned profile, const struct hardware *hw)
{
	size_t n;
	uint8_t *image = build_uki(version, s, n_sections, &n);

	return open_image(image, n, profile, hw);
}

static void done(struct opened *o)
{
	pool_done(&o->pool);
	free(o->image);
}

static const struct stub_rules *rules_of(unsigned version)
{
	bool newer;

	return stub_rules_for((struct sd_version){ version, 0 }, &newer);
}

/* expected NULL: the section is not used. */
static void assert_section(struct opened *o, enum uki_section which, const char *expected)
{
	const struct uki_content *c = &o->uki.sections[which];
	struct slice s;

	if (o->rc < 0)
		fail_msg("%s", o->e.msg);
	assert_int_equal(c->set, expected != NULL);
	if (!expected)
		return;
	assert_int_equal(blob_load(&o->pool, &c->bytes, 1000, &s, NULL), 0);
	if (!slice_equal_string(s, expected))
		fail_msg("section %s is \"%.*s\", expected \"%s\"", uki_section_names[which], (int)s.n,
			 (const char *)s.p, expected);
}

static void assert_refused(struct opened *o, int rc, const char *message)
{
	assert_int_equal(o->rc, rc);
	if (!strstr(o->e.msg, message))
		fail_msg("\"%s\" is not in \"%s\"", message, o->e.msg);
	done(o);
}

/* ---- names and duplicates ---- */

static void up_to_256_the_last_section_whose_name_begins_so_counts(void **state)
{
	static const char *const versions[] = { "252.39", "253", "254.26", "255.13", "256" };
	static const struct built_section s[] = {
		TEXT(".linuxfo", "wrong kernel"), TEXT(".cmdline", "first"),   TEXT(".linux", "kernel"),
		TEXT(".cmdline", "second"),       TEXT(".dtb", "tree"),        TEXT(".dtbauto", "auto"),
		TEXT(".osrelx", "name"),          TEXT(".splas", "too short"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(versions); i++) {
		struct opened o = open_uki(versions[i], s, COUNT(s), 0, &nothing_known);

		assert_section(&o, UKI_LINUX, "kernel");
		assert_section(&o, UKI_CMDLINE, "second");
		assert_section(&o, UKI_DTB, "auto");
		assert_section(&o, UKI_OSREL, "name");
		assert_section(&o, UKI_SPLASH, NULL);
		assert_section(&o, UKI_DTBAUTO, NULL);
		done(&o);
	}
}

static void from_257_the_first_section_of_exactly_the_name_counts(void **state)
{
	static const char *const versions[] = { "257.13", "258", "261", "262" };
	static const struct built_section s[] = {
		TEXT(".linuxfo", "wrong kernel"), TEXT(".cmdline", "first"), TEXT(".linux", "kernel"),
		TEXT(".cmdline", "second"),       TEXT(".dtb", "tree"),      TEXT(".osrelx", "name"),
		TEXT(".linux", "late kernel"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(versions); i++) {
		struct opened o = open_uki(versions[i], s, COUNT(s), 0, &nothing_known);

		assert_section(&o, UKI_LINUX, "kernel");
		assert_section(&o, UKI_CMDLINE, "first");
		assert_section(&o, UKI_DTB, "tree");
		assert_section(&o, UKI_OSREL, NULL);
		done(&o);
	}
}

static void sections_that_a_version_does_not_know_are_not_used(void **state)
{
	static const struct built_section s[] = {
		TEXT(".linux", "kernel"), TEXT(".ucode", "microcode"), TEXT(".uname", "6.12"),
		TEXT(".sbat", "sbat"),    TEXT(".pcrsig", "{}"),       TEXT(".hwids", "\0\0\0\0"),
		TEXT(".text", "code"),
	};
	struct opened o = open_uki("252", s, COUNT(s), 0, &nothing_known);

	(void)state;
	assert_section(&o, UKI_UCODE, NULL);
	assert_section(&o, UKI_UNAME, NULL);
	assert_section(&o, UKI_SBAT, NULL);
	assert_section(&o, UKI_PCRSIG, "{}");
	done(&o);
	o = open_uki("255", s, COUNT(s), 0, &nothing_known);
	assert_section(&o, UKI_UCODE, NULL);
	assert_section(&o, UKI_UNAME, "6.12");
	assert_section(&o, UKI_SBAT, "sbat");
	assert_section(&o, UKI_HWIDS, NULL);
	done(&o);
	o = open_uki("257", s, COUNT(s), 0, &nothing_known);
	assert_section(&o, UKI_UCODE, "microcode");
	assert_true(o.uki.sections[UKI_HWIDS].set);
	done(&o);
}

/* A section that counts but has no bytes in memory is not there, and no other takes its place. */
static void an_empty_section_that_counts_hides_the_others(void **state)
{
	static const struct built_section s[] = { TEXT(".linux", "kernel"), TEXT(".cmdline", "one"),
						  TEXT(".cmdline", "two"), TEXT(".cmdline", "three") };
	static const struct {
		const char *version;
		size_t empty; /* in s */
		const char *cmdline;
	} rows[] = {
		{ "254", 3, NULL }, { "254", 1, "three" }, { "254", 2, "three" },
		{ "257", 1, NULL }, { "257", 2, "one" },   { "262", 1, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t n;
		uint8_t *image = build_uki(rows[i].version, s, COUNT(s), &n);

		/* the builder puts .sdmagic in front */
		put_u32le(built_section_header(image, rows[i].empty + 1) + VIRTUAL_SIZE, 0);
		struct opened o = open_image(image, n, 0, &nothing_known);
		assert_section(&o, UKI_CMDLINE, rows[i].cmdline);
		done(&o);
	}
}

static void content_is_what_lies_in_memory(void **state)
{
	static const struct built_section s[] = { TEXT(".linux", "kernel"),
						  { ".cmdline", "quiet", 5, 8 },
						  { ".osrel", "ID=test", 7, 2 } };
	struct opened o = open_uki("257", s, COUNT(s), 0, &nothing_known);
	struct slice text;

	(void)state;
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.uki.sections[UKI_CMDLINE].bytes.len, 8);
	assert_section(&o, UKI_OSREL, "ID");

	/* as text it ends at the first NUL */
	assert_int_equal(uki_text(&o.pool, &o.uki, UKI_CMDLINE, &text, NULL), 0);
	assert_true(slice_equal_string(text, "quiet"));
	assert_int_equal(uki_text(&o.pool, &o.uki, UKI_OSREL, &text, NULL), 0);
	assert_true(slice_equal_string(text, "ID"));
	assert_int_equal(uki_text(&o.pool, &o.uki, UKI_UNAME, &text, NULL), 0);
	assert_int_equal(text.n, 0);
	done(&o);
}

static void text_that_is_too_long_is_refused(void **state)
{
	char *text = malloc(UKI_TEXT_MAX + 1);
	struct slice read;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', UKI_TEXT_MAX + 1);
	/* zeros that only VirtualSize claims are no text */
	const struct built_section s[] = { TEXT(".linux", "kernel"),
					   { ".cmdline", text, UKI_TEXT_MAX + 1, 0 },
					   { ".osrel", text, UKI_TEXT_MAX, 0 },
					   { ".uname", "6.12", 4, 10 * UKI_TEXT_MAX } };
	struct opened o = open_uki("257", s, COUNT(s), 0, &nothing_known);
	assert_int_equal(o.rc, 0);
	assert_int_equal(uki_text(&o.pool, &o.uki, UKI_CMDLINE, &read, &o.e), -PCRCAST_ELIMIT);
	assert_non_null(strstr(o.e.msg, "section .cmdline: "));
	assert_int_equal(uki_text(&o.pool, &o.uki, UKI_OSREL, &read, &o.e), 0);
	assert_int_equal(read.n, UKI_TEXT_MAX);
	assert_int_equal(uki_text(&o.pool, &o.uki, UKI_UNAME, &read, &o.e), 0);
	assert_true(slice_equal_string(read, "6.12"));
	done(&o);
	free(text);
}

static void a_section_has_a_place_in_the_file(void **state)
{
	static const struct built_section s[] = { TEXT(".linux", "kernel"),
						  { ".cmdline", "quiet", 5, 8000 } };
	struct opened o = open_uki("257", s, COUNT(s), 0, &nothing_known);

	(void)state;
	assert_string_equal(uki_section_place(&o.pool, &o.uki, UKI_LINUX),
			    "section .linux, file bytes 1024 to 1030");
	assert_string_equal(uki_section_place(&o.pool, &o.uki, UKI_CMDLINE),
			    "section .cmdline, file bytes 1536 to 2048");
	done(&o);
}

/* ---- what is a UKI ---- */

static void an_image_that_is_no_known_uki_is_refused(void **state)
{
	static const struct built_section s[] = { TEXT(".linux", "kernel"), TEXT(".osrel", "ID=test") };
	struct opened o;

	(void)state;
	o = open_uki(NULL, s, 2, 0, &nothing_known);
	assert_refused(&o, -PCRCAST_EUNSUPPORTED, "no systemd-stub: expected the text");
	o = open_uki("main", s, 2, 0, &nothing_known);
	assert_refused(&o, -PCRCAST_EUNSUPPORTED,
		       "systemd-stub version \"main\" does not begin with a number");
	o = open_uki("251.4", s, 2, 0, &nothing_known);
	assert_refused(&o, -PCRCAST_EUNSUPPORTED, "systemd-stub 251.4 is older than 252");
	o = open_uki("257", s + 1, 1, 0, &nothing_known);
	assert_refused(&o, -PCRCAST_EFORMAT, "no .linux section that systemd-stub 257 would use");
	o = open_uki("254", s, 2, 1, &nothing_known);
	assert_refused(&o, -PCRCAST_ENOTFOUND, "no profile 1: the image has 1 profile, 0");

	o = open_uki("263.1", s, 2, 0, &nothing_known);
	assert_int_equal(o.rc, 0);
	assert_true(o.uki.newer_than_known);
	done(&o);
	o = open_uki("262.1", s, 2, 0, &nothing_known);
	assert_false(o.uki.newer_than_known);
	done(&o);
}

static void a_kernel_whose_section_is_empty_is_missing(void **state)
{
	static const struct built_section s[] = { TEXT(".linux", "kernel") };
	size_t n;
	uint8_t *image = build_uki("257", s, 1, &n);

	(void)state;
	put_u32le(built_section_header(image, 1) + VIRTUAL_SIZE, 0);
	struct opened o = open_image(image, n, 0, &nothing_known);
	assert_refused(&o, -PCRCAST_EFORMAT, "no .linux section");
}

static void a_section_of_endless_zeros_is_refused(void **state)
{
	/* each by itself, and all together */
	static const struct built_section s[] = { TEXT(".linux", "kernel"),
						  { ".initrd", "x", 1, UINT32_MAX },
						  TEXT(".linux", "kernel"),
						  { ".osrel", "x", 1, 512 + PE_MAX_ZERO_FILL / 2 },
						  { ".cmdline", "x", 1, 512 + PE_MAX_ZERO_FILL / 2 },
						  { ".uname", "x", 1, 512 + 1 } };
	struct opened o = open_uki("257", s, 2, 0, &nothing_known);

	(void)state;
	assert_refused(&o, -PCRCAST_ELIMIT, "zeros");
	o = open_uki("257", s + 2, 3, 0, &nothing_known);
	assert_int_equal(o.rc, 0);
	done(&o);
	o = open_uki("257", s + 2, 4, 0, &nothing_known);
	assert_refused(&o, -PCRCAST_ELIMIT, "sections are filled up with more than 67108864 zeros");
}

static void a_uki_is_recognised(void **state)
{
	static const struct built_section s[] = { TEXT(".osrel", "ID=test"), TEXT(".linux", "kernel") };
	static const struct {
		const char *version;
		size_t from, n;
		bool expected;
	} rows[] = {
		{ "257", 0, 2, true }, { "257", 1, 1, true },  { NULL, 0, 2, true },
		{ NULL, 1, 1, false }, { "257", 0, 1, false }, { NULL, 0, 1, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct opened o = open_uki(rows[i].version, s + rows[i].from, rows[i].n, 0, &nothing_known);

		assert_int_equal(uki_looks_like(&o.pe, &o.id), rows[i].expected);
		done(&o);
	}
}

/* ---- profiles ---- */

static const struct built_section profiles[] = {
	TEXT(".linux", "kernel"),     TEXT(".cmdline", "base"),     TEXT(".osrel", "os"),
	TEXT(".profile", "ID=main"), /* 0: adds nothing */
	TEXT(".profile", "ID=debug"), TEXT(".cmdline", "debug"),    TEXT(".initrd", "tools"),
	TEXT(".cmdline", "unused"),   TEXT(".profile", "ID=other"), TEXT(".linux", "other kernel"),
};

static void a_profile_overrides_and_adds_to_the_base(void **state)
{
	static const struct {
		unsigned profile;
		const char *text, *kernel, *cmdline, *initrd;
	} rows[] = {
		{ 0, "ID=main", "kernel", "base", NULL },
		{ 1, "ID=debug", "kernel", "debug", "tools" },
		{ 2, "ID=other", "other kernel", "base", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct opened o =
			open_uki("257.13", profiles, COUNT(profiles), rows[i].profile, &nothing_known);

		assert_section(&o, UKI_PROFILE, rows[i].text);
		assert_section(&o, UKI_LINUX, rows[i].kernel);
		assert_section(&o, UKI_CMDLINE, rows[i].cmdline);
		assert_section(&o, UKI_INITRD, rows[i].initrd);
		assert_section(&o, UKI_OSREL, "os");
		assert_int_equal(o.uki.n_profiles, 3);
		assert_true(o.uki.has_profile);
		done(&o);
	}
}

static void a_profile_that_is_not_there_is_named(void **state)
{
	struct opened o = open_uki("257", profiles, COUNT(profiles), 3, &nothing_known);

	(void)state;
	assert_refused(&o, -PCRCAST_ENOTFOUND, "no profile 3: the image has 3 profiles, counted from 0");
	o = open_uki("257", profiles, COUNT(profiles), UINT32_MAX, &nothing_known);
	assert_refused(&o, -PCRCAST_ENOTFOUND, "no profile 4294967295");
	o = open_uki("257", profiles, 3, 1, &nothing_known);
	assert_refused(&o, -PCRCAST_ENOTFOUND, "no profile 1: the image has 1 profile, 0");
}

static void profile_0_exists_without_any_profile_section(void **state)
{
	struct opened o = open_uki("257", profiles, 3, 0, &nothing_known);

	(void)state;
	assert_section(&o, UKI_PROFILE, NULL);
	assert_section(&o, UKI_CMDLINE, "base");
	assert_int_equal(o.uki.n_profiles, 0);
	assert_true(o.uki.has_profile);
	done(&o);
}

static void an_empty_section_of_a_profile_takes_the_base_one_away(void **state)
{
	size_t n;
	uint8_t *image = build_uki("257", profiles, COUNT(profiles), &n);

	(void)state;
	put_u32le(built_section_header(image, 1 + 5) + VIRTUAL_SIZE, 0);
	struct opened o = open_image(image, n, 1, &nothing_known);
	assert_section(&o, UKI_CMDLINE, NULL);
	assert_section(&o, UKI_INITRD, "tools");
	done(&o);
}

static void a_stub_without_profiles_takes_sections_of_the_whole_table(void **state)
{
	struct opened o = open_uki("256", profiles, COUNT(profiles), 0, &nothing_known);

	(void)state;
	assert_section(&o, UKI_LINUX, "other kernel");
	assert_section(&o, UKI_CMDLINE, "unused");
	assert_section(&o, UKI_PROFILE, NULL);
	assert_int_equal(o.uki.n_profiles, 0);
	done(&o);
}

static void a_single_section_is_found_as_the_boot_loader_would(void **state)
{
	struct opened o = open_uki("257", profiles, COUNT(profiles), 0, &nothing_known);
	const struct pe_section *t = o.pe.sections + 1; /* behind .sdmagic */
	bool exists;

	(void)state;
	assert_ptr_equal(uki_find_section(&o.pe, MATCH_EXACT_FIRST, 0, ".cmdline", &exists), t + 1);
	assert_true(exists);
	assert_ptr_equal(uki_find_section(&o.pe, MATCH_EXACT_FIRST, 1, ".cmdline", &exists), t + 5);
	assert_true(exists);
	assert_ptr_equal(uki_find_section(&o.pe, MATCH_EXACT_FIRST, 2, ".cmdline", &exists), t + 1);
	assert_ptr_equal(uki_find_section(&o.pe, MATCH_EXACT_FIRST, 2, ".profile", &exists), t + 8);
	assert_true(exists);
	(void)uki_find_section(&o.pe, MATCH_EXACT_FIRST, 3, ".cmdline", &exists);
	assert_false(exists);
	assert_null(uki_find_section(&o.pe, MATCH_EXACT_FIRST, 0, ".initrd", &exists));
	assert_null(uki_find_section(&o.pe, MATCH_EXACT_FIRST, 0, ".cmd", &exists));
	assert_ptr_equal(uki_find_section(&o.pe, MATCH_PREFIX_LAST, 0, ".cmd", &exists), t + 7);
	assert_true(exists);
	done(&o);

	o = open_uki("257", profiles, 3, 0, &nothing_known);
	assert_ptr_equal(uki_find_section(&o.pe, MATCH_EXACT_FIRST, 0, ".cmdline", &exists),
			 o.pe.sections + 2);
	assert_true(exists);
	done(&o);
}

/* ---- SizeOfImage ---- */

static void a_section_beyond_size_of_image_counts_as_the_version_has_it(void **state)
{
	static const struct built_section s[] = { TEXT(".linux", "kernel"), TEXT(".cmdline", "one"),
						  TEXT(".cmdline", "two") };
	static const struct {
		const char *version;
		const char *cmdline;
		bool unsure;
	} rows[] = {
		{ "254", "two", false }, { "257.13", "one", false }, { "258", "one", true },
		{ "261", "one", true },  { "262", "two", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		/* one byte too far, and not */
		for (uint32_t beyond = 0; beyond < 2; beyond++) {
			size_t n;
			uint8_t *image = build_uki(rows[i].version, s, COUNT(s), &n);
			uint8_t *header = built_section_header(image, 2);
			uint32_t size = get_u32le(built_optional_header(image) + SIZE_OF_IMAGE);

			put_u32le(header + 12, size - 3 + beyond);
			struct opened o = open_image(image, n, 0, &nothing_known);
			const char *in_range = strcmp(rows[i].version, "254") == 0 ? "two" : "one";
			assert_section(&o, UKI_CMDLINE, beyond ? rows[i].cmdline : in_range);
			assert_int_equal(o.uki.unsure_range, beyond && rows[i].unsure);
			done(&o);
		}
}

static void the_end_of_a_section_does_not_wrap_around(void **state)
{
	static const struct built_section s[] = { TEXT(".linux", "kernel"), TEXT(".cmdline", "one") };
	size_t n;
	uint8_t *image = build_uki("262", s, COUNT(s), &n);

	(void)state;
	put_u32le(built_section_header(image, 2) + 12, UINT32_MAX - 1);
	struct opened o = open_image(image, n, 0, &nothing_known);
	assert_section(&o, UKI_CMDLINE, NULL);
	done(&o);
}

static void a_section_that_relocation_changes_is_refused(void **state)
{
	uint8_t table[12] = { 0 };
	const struct built_section s[] = { TEXT(".linux", "kernel"),
					   TEXT(".cmdline", "quiet"),
					   { ".reloc", table, sizeof table, 0 } };

	(void)state;
	for (size_t target = 0; target < 3; target++) {
		size_t n;
		uint8_t *image = build_uki("257", s, COUNT(s), &n);
		uint8_t *in_file = image + get_u32le(built_section_header(image, 3) + 20);

		/* .sdmagic, .linux, .cmdline: the stub itself may be relocated, what it measures may not */
		put_u32le(in_file, get_u32le(built_section_header(image, target) + 12));
		put_u32le(in_file + 4, sizeof table);
		put_u16le(in_file + 8, 10 << 12 | 2);
		put_u32le(built_directory(image, 5), get_u32le(built_section_header(image, 3) + 12));
		put_u32le(built_directory(image, 5) + 4, sizeof table);
		struct opened o = open_image(image, n, 0, &nothing_known);
		if (target == 0) {
			assert_section(&o, UKI_CMDLINE, "quiet");
			done(&o);
		} else {
			assert_refused(&o, -PCRCAST_EUNSUPPORTED,
				       target == 1 ? "the base relocations change section .linux" :
						     "the base relocations change section .cmdline");
		}
	}
}

/* ---- hardware ---- */

enum { GUID_A, GUID_B, GUID_C };
static const struct guid guids[] = {
	{ { 0xaa, 1, 2, 3 } },
	{ { 0xbb, 1, 2, 3 } },
	{ { 0xcc, 1, 2, 3 } },
};

/* guids[A]: devicetree "acme,one"; guids[B]: firmware "fw-two"; guids[C]: devicetree "acme,two" */
static size_t hwids_table(uint8_t ret[static 256])
{
	static const struct {
		uint32_t type;
		size_t guid;
		const char *text;
	} rows[] = { { 1, GUID_A, "acme,one" }, { 2, GUID_B, "fw-two" }, { 1, GUID_C, "acme,two" } };
	size_t at = 4 * 28;

	memset(ret, 0, 256);
	for (size_t i = 0; i < COUNT(rows); i++) {
		put_u32le(ret + 28 * i, rows[i].type << 28 | 28);
		memcpy(ret + 28 * i + 4, guids[rows[i].guid].bytes, 16);
		put_u32le(ret + 28 * i + 24, (uint32_t)at);
		memcpy(ret + at, rows[i].text, strlen(rows[i].text) + 1);
		at += strlen(rows[i].text) + 1;
	}
	return at;
}

/* A device tree of one node that has one property, compatible: Devicetree Specification 0.4, chapter 5. */
static size_t device_tree(const char *compatible, uint8_t ret[static 256])
{
	uint32_t len = (uint32_t)strlen(compatible) + 1, padded = (len + 3) / 4 * 4;
	uint32_t words = 40, n_words = 8 + 12 + padded + 8, strings = words + n_words, total = strings + 11;
	const uint32_t head[10] = { 0xd00dfeed, total, words, strings, 16, 17, 16, 0, 11, n_words };

	memset(ret, 0, 256);
	for (size_t i = 0; i < 10; i++)
		put_u32be(ret + 4 * i, head[i]);
	put_u32be(ret + words, 1);
	put_u32be(ret + words + 8, 3);
	put_u32be(ret + words + 12, len);
	memcpy(ret + words + 20, compatible, len);
	put_u32be(ret + words + 20 + padded, 2);
	put_u32be(ret + words + 24 + padded, 9);
	memcpy(ret + strings, "compatible", 11);
	return total;
}

static size_t firmware(const char *id, uint8_t ret[static 256])
{
	uint32_t len = (uint32_t)strlen(id) + 1;

	memset(ret, 0, 256);
	put_u32le(ret, 0xfeeddead);
	put_u32le(ret + 4, 16);
	put_u32le(ret + 8, len);
	put_u32le(ret + 12, 7);
	memcpy(ret + 16, id, len);
	memcpy(ret + 16 + len, "capsule", 7);
	return 16 + len + 7;
}

struct board {
	uint8_t hwids[256], tree_one[256], tree_two[256], fw_two[256], fw_three[256];
	struct built_section s[8];
	size_t n;
};

enum board_has { HWIDS = 1, TREES = 2, FIRMWARE = 4 };

static void build_board(struct board *b, unsigned has)
{
	b->n = 0;
	b->s[b->n++] = (struct built_section)TEXT(".linux", "kernel");
	if (has & TREES) {
		b->s[b->n++] = (struct built_section){ ".dtbauto", b->tree_one,
						       device_tree("acme,one", b->tree_one), 0 };
		b->s[b->n++] = (struct built_section){ ".dtbauto", b->tree_two,
						       device_tree("acme,two", b->tree_two), 0 };
	}
	if (has & FIRMWARE) {
		b->s[b->n++] =
			(struct built_section){ ".efifw", b->fw_three, firmware("fw-three", b->fw_three), 0 };
		b->s[b->n++] =
			(struct built_section){ ".efifw", b->fw_two, firmware("fw-two", b->fw_two), 0 };
	}
	if (has & HWIDS)
		b->s[b->n++] = (struct built_section){ ".hwids", b->hwids, hwids_table(b->hwids), 0 };
}

static struct opened open_board(unsigned has, const char *version, uint16_t machine,
				const struct hardware *hw)
{
	struct board b;
	size_t n;

	build_board(&b, has);
	uint8_t *image = build_uki(version, b.s, b.n, &n);
	put_u16le(built_coff_header(image), machine);
	return open_image(image, n, 0, hw);
}

/* index: of the section among those of the board, .sdmagic not counted; 0: none is used */
static void assert_chosen(struct opened *o, enum uki_section which, size_t index)
{
	assert_int_equal(o->rc, 0);
	assert_int_equal(o->uki.unknown & UKI_BIT(which), 0);
	assert_int_equal(o->uki.sections[which].set, index != 0);
	if (index)
		assert_int_equal(o->uki.sections[which].index, index + 1);
}

static void hwids_choose_device_tree_and_firmware(void **state)
{
	static const struct guid a_then_c[] = { { { 0xaa, 1, 2, 3 } }, { { 0xcc, 1, 2, 3 } } };
	static const struct guid c_then_a[] = { { { 0xcc, 1, 2, 3 } }, { { 0xaa, 1, 2, 3 } } };
	struct opened o;

	(void)state;
	o = open_board(HWIDS | TREES | FIRMWARE, "258", 0x8664,
		       &(struct hardware){ .ids_known = true, .ids = &guids[GUID_A], .n_ids = 1 });
	assert_chosen(&o, UKI_DTBAUTO, 1);
	assert_chosen(&o, UKI_EFIFW, 0);
	assert_true(o.uki.sections[UKI_HWIDS].set);
	done(&o);

	o = open_board(HWIDS | TREES | FIRMWARE, "258", 0x8664,
		       &(struct hardware){ .ids_known = true, .ids = &guids[GUID_B], .n_ids = 1 });
	assert_chosen(&o, UKI_DTBAUTO, 0);
	assert_chosen(&o, UKI_EFIFW, 4);
	done(&o);

	/* the machine's order of preference decides, not the table's */
	o = open_board(HWIDS | TREES | FIRMWARE, "258", 0x8664,
		       &(struct hardware){ .ids_known = true, .ids = a_then_c, .n_ids = 2 });
	assert_chosen(&o, UKI_DTBAUTO, 1);
	done(&o);
	o = open_board(HWIDS | TREES | FIRMWARE, "258", 0x8664,
		       &(struct hardware){ .ids_known = true, .ids = c_then_a, .n_ids = 2 });
	assert_chosen(&o, UKI_DTBAUTO, 2);
	done(&o);

	/* no id of its own: nothing matches, and that is known */
	o = open_board(HWIDS | TREES | FIRMWARE, "258", 0x8664, &(struct hardware){ .ids_known = true });
	assert_chosen(&o, UKI_DTBAUTO, 0);
	assert_chosen(&o, UKI_EFIFW, 0);
	done(&o);

	/* .efifw began with 258; before, a table that has such entries was none */
	o = open_board(HWIDS | TREES | FIRMWARE, "257", 0x8664,
		       &(struct hardware){ .ids_known = true, .ids = &guids[GUID_B], .n_ids = 1 });
	assert_chosen(&o, UKI_EFIFW, 0);
	done(&o);
	o = open_board(HWIDS | TREES | FIRMWARE, "257", 0x8664,
		       &(struct hardware){ .ids_known = true, .ids = &guids[GUID_A], .n_ids = 1 });
	assert_chosen(&o, UKI_DTBAUTO, 0);
	assert_true(o.uki.sections[UKI_HWIDS].set);
	done(&o);
}

static void a_device_tree_of_the_firmware_decides_alone(void **state)
{
	struct hardware hw = {
		.ids_known = true, .ids = &guids[GUID_A], .n_ids = 1, .compatible_known = true
	};
	struct opened o;

	(void)state;
	hw.compatible = "acme,two";
	o = open_board(HWIDS | TREES, "258", 0xaa64, &hw);
	assert_chosen(&o, UKI_DTBAUTO, 2);
	done(&o);
	hw.compatible = "acme,three";
	o = open_board(HWIDS | TREES, "258", 0xaa64, &hw);
	assert_chosen(&o, UKI_DTBAUTO, 0);
	done(&o);
	hw.compatible = NULL; /* known to have none: the table counts */
	o = open_board(HWIDS | TREES, "258", 0xaa64, &hw);
	assert_chosen(&o, UKI_DTBAUTO, 1);
	done(&o);
}

static void what_depends_on_unknown_hardware_is_marked(void **state)
{
	struct opened o;

	(void)state;
	o = open_board(HWIDS | TREES | FIRMWARE, "258", 0x8664, &nothing_known);
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.uki.unknown, UKI_BIT(UKI_DTBAUTO) | UKI_BIT(UKI_EFIFW));
	assert_false(o.uki.sections[UKI_DTBAUTO].set);
	done(&o);

	/* nothing to choose from */
	o = open_board(HWIDS, "258", 0xaa64, &nothing_known);
	assert_int_equal(o.uki.unknown, 0);
	done(&o);

	/* without a table a PC uses none; another machine may have a device tree of its own */
	o = open_board(TREES | FIRMWARE, "258", 0x8664, &nothing_known);
	assert_chosen(&o, UKI_DTBAUTO, 0);
	assert_chosen(&o, UKI_EFIFW, 0);
	assert_int_equal(o.uki.unknown, 0);
	done(&o);
	o = open_board(TREES | FIRMWARE, "258", 0xaa64, &nothing_known);
	assert_int_equal(o.uki.unknown, UKI_BIT(UKI_DTBAUTO));
	done(&o);

	/* a device tree is known, the ids for .efifw are not */
	o = open_board(HWIDS | TREES | FIRMWARE, "258", 0xaa64,
		       &(struct hardware){ .compatible_known = true, .compatible = "acme,one" });
	assert_chosen(&o, UKI_DTBAUTO, 1);
	assert_int_equal(o.uki.unknown, UKI_BIT(UKI_EFIFW));
	done(&o);

	/* known to have no device tree, but ids are not known */
	o = open_board(HWIDS | TREES, "258", 0xaa64, &(struct hardware){ .compatible_known = true });
	assert_int_equal(o.uki.unknown, UKI_BIT(UKI_DTBAUTO));
	done(&o);
	o = open_board(TREES, "258", 0xaa64, &(struct hardware){ .compatible_known = true });
	assert_chosen(&o, UKI_DTBAUTO, 0);
	done(&o);
}

static void a_device_tree_that_is_none_is_passed_over(void **state)
{
	struct board b;
	size_t n;

	(void)state;
	build_board(&b, HWIDS | TREES);
	b.tree_one[0] = 0;
	b.s[1].bytes = b.tree_one;
	memcpy(b.tree_two, b.tree_one, 256);
	b.s[2].n = device_tree("acme,one", b.tree_two);
	uint8_t *image = build_uki("258", b.s, b.n, &n);
	struct opened o = open_image(
		image, n, 0, &(struct hardware){ .ids_known = true, .ids = &guids[GUID_A], .n_ids = 1 });
	assert_chosen(&o, UKI_DTBAUTO, 2);
	done(&o);
}

static void a_table_or_tree_that_is_too_large_is_refused(void **state)
{
	const struct hardware hw = { .ids_known = true, .ids = &guids[GUID_A], .n_ids = 1 };
	static const struct {
		size_t section; /* of the board */
		uint32_t virt_len;
		const char *message;
	} rows[] = {
		{ 3, UINT32_MAX, "section .hwids: section .hwids has 512 bytes in the file" },
		{ 3, 20 << 20, "section .hwids: 20971520 bytes, at most 4194304 are read into memory" },
		{ 1, 20 << 20, "section .dtbauto: 20971520 bytes, at most 4194304 are read into memory" },
	};

	(void)state;
	for (size_t in_profile = 0; in_profile < 2; in_profile++)
		for (size_t i = 0; i < COUNT(rows); i++) {
			struct built_section all[9];
			struct board b;
			size_t n;

			build_board(&b, HWIDS | TREES);
			b.s[rows[i].section].virt_len = rows[i].virt_len;
			all[0] = b.s[0];
			all[1] = (struct built_section)TEXT(".profile", "ID=x");
			memcpy(all + 1 + in_profile, b.s + 1, (b.n - 1) * sizeof b.s[0]);
			uint8_t *image = build_uki("258", all, b.n + in_profile, &n);
			struct opened o = open_image(image, n, 0, &hw);
			assert_int_equal(uki_open_addon(&o.pool, &o.pe, rules_of(258), &hw, &o.uki, &o.e),
					 o.rc);
			assert_refused(&o, -PCRCAST_ELIMIT, rows[i].message);
		}
}

static void an_empty_table_knows_no_machine(void **state)
{
	struct board b;
	size_t n;

	(void)state;
	build_board(&b, HWIDS | TREES);
	uint8_t *image = build_uki("258", b.s, b.n, &n);
	put_u32le(built_section_header(image, 4) + VIRTUAL_SIZE, 0);
	struct opened o = open_image(
		image, n, 0, &(struct hardware){ .ids_known = true, .ids = &guids[GUID_A], .n_ids = 1 });
	assert_chosen(&o, UKI_DTBAUTO, 0);
	done(&o);
}

/* ---- addons ---- */

static void an_addon_may_lack_any_section(void **state)
{
	static const struct built_section s[] = { TEXT(".cmdline", "extra"), TEXT(".cmdline", "last") };

	(void)state;
	for (unsigned version = 254; version <= 262; version++) {
		struct opened o = open_uki(NULL, s, 2, 0, &nothing_known);

		o.rc = uki_open_addon(&o.pool, &o.pe, rules_of(version), &nothing_known, &o.uki, &o.e);
		assert_section(&o, UKI_CMDLINE, version < 257 ? "last" : "extra");
		assert_section(&o, UKI_LINUX, NULL);
		assert_section(&o, UKI_UNAME, NULL);
		done(&o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(up_to_256_the_last_section_whose_name_begins_so_counts),
		cmocka_unit_test(from_257_the_first_section_of_exactly_the_name_counts),
		cmocka_unit_test(sections_that_a_version_does_not_know_are_not_used),
		cmocka_unit_test(an_empty_section_that_counts_hides_the_others),
		cmocka_unit_test(content_is_what_lies_in_memory),
		cmocka_unit_test(text_that_is_too_long_is_refused),
		cmocka_unit_test(a_section_has_a_place_in_the_file),
		cmocka_unit_test(an_image_that_is_no_known_uki_is_refused),
		cmocka_unit_test(a_kernel_whose_section_is_empty_is_missing),
		cmocka_unit_test(a_section_of_endless_zeros_is_refused),
		cmocka_unit_test(a_uki_is_recognised),
		cmocka_unit_test(a_profile_overrides_and_adds_to_the_base),
		cmocka_unit_test(a_profile_that_is_not_there_is_named),
		cmocka_unit_test(profile_0_exists_without_any_profile_section),
		cmocka_unit_test(an_empty_section_of_a_profile_takes_the_base_one_away),
		cmocka_unit_test(a_stub_without_profiles_takes_sections_of_the_whole_table),
		cmocka_unit_test(a_single_section_is_found_as_the_boot_loader_would),
		cmocka_unit_test(a_section_beyond_size_of_image_counts_as_the_version_has_it),
		cmocka_unit_test(the_end_of_a_section_does_not_wrap_around),
		cmocka_unit_test(a_section_that_relocation_changes_is_refused),
		cmocka_unit_test(hwids_choose_device_tree_and_firmware),
		cmocka_unit_test(a_device_tree_of_the_firmware_decides_alone),
		cmocka_unit_test(what_depends_on_unknown_hardware_is_marked),
		cmocka_unit_test(a_device_tree_that_is_none_is_passed_over),
		cmocka_unit_test(a_table_or_tree_that_is_too_large_is_refused),
		cmocka_unit_test(an_empty_table_knows_no_machine),
		cmocka_unit_test(an_addon_may_lack_any_section),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
