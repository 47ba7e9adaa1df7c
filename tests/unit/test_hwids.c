/* GUIDs, the .hwids table, device trees and firmware blobs, whole and cut short at every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "uki/hwids.h"

enum { HWID_LEN = 28 };

/* ---- GUIDs ---- */

static const char global_text[] = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
static const uint8_t global_bytes[16] = { 0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
					  0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c };

static void a_guid_is_stored_as_uefi_stores_it(void **state)
{
	char text[GUID_TEXT];
	struct guid g;

	(void)state;
	assert_true(guid_parse(global_text, &g));
	assert_memory_equal(g.bytes, global_bytes, 16);
	guid_format(&g, text);
	assert_string_equal(text, global_text);
	assert_true(guid_parse("8BE4DF61-93CA-11d2-AA0D-00E098032B8C", &g));
	assert_memory_equal(g.bytes, global_bytes, 16);
}

static void what_is_no_guid_is_refused(void **state)
{
	struct guid g, before;
	char *text;

	(void)state;
	memset(&g, 0x5a, sizeof g);
	before = g;
	for (size_t n = 0; n < sizeof global_text - 1; n++) {
		text = strndup(global_text, n);
		assert_false(guid_parse(text, &g));
		free(text);
		/* another character in any place */
		text = strdup(global_text);
		text[n] = text[n] == '-' ? '0' : '-';
		assert_false(guid_parse(text, &g));
		text[n] = 'g';
		assert_false(guid_parse(text, &g));
		text[n] = '/';
		assert_false(guid_parse(text, &g));
		free(text);
	}
	assert_false(guid_parse("8be4df61-93ca-11d2-aa0d-00e098032b8c ", &g));
	assert_false(guid_parse("8be4df61-93ca-11d2-aa0d-00e098032b8c0", &g));
	assert_false(guid_parse("{8be4df61-93ca-11d2-aa0d-00e098032b8c}", &g));
	assert_false(guid_parse("8be4df6193ca11d2aa0d00e098032b8c", &g));
	assert_memory_equal(&g, &before, sizeof g);
}

/* ---- .hwids ---- */

struct row {
	uint32_t descriptor;
	uint8_t guid;     /* its first byte; the others are zero */
	const char *text; /* NULL: offset 0 */
};

enum { TREE = 1u << 28 | HWID_LEN, FIRMWARE = 2u << 28 | HWID_LEN };

/* An exact-size block: the rows, an end row if asked, the strings. */
static struct slice table(const struct row *rows, size_t n, bool end)
{
	size_t len = HWID_LEN * (n + end), at = len;

	for (size_t i = 0; i < n; i++)
		len += rows[i].text ? strlen(rows[i].text) + 1 : 0;
	uint8_t *p = calloc(len ? len : 1, 1);
	assert_non_null(p);
	for (size_t i = 0; i < n; i++) {
		uint8_t *row = p + HWID_LEN * i;

		put_u32le(row, rows[i].descriptor);
		row[4] = rows[i].guid;
		if (!rows[i].text)
			continue;
		put_u32le(row + 24, (uint32_t)at);
		memcpy(p + at, rows[i].text, strlen(rows[i].text) + 1);
		at += strlen(rows[i].text) + 1;
	}
	return (struct slice){ p, len };
}

static void assert_lookup(struct slice hwids, enum hwid_type type, const char *ids, const char *expected)
{
	struct guid guids[8] = { 0 };
	struct slice found = SLICE_EMPTY;
	size_t n = strlen(ids);

	for (size_t i = 0; i < n; i++)
		guids[i].bytes[0] = (uint8_t)ids[i];
	bool ok = hwids_lookup(hwids, type, false, guids, n, &found);
	if (ok != (expected != NULL) || (ok && !slice_equal_string(found, expected)))
		fail_msg("ids %s: found \"%.*s\", expected \"%s\"", ids, (int)found.n, (const char *)found.p,
			 expected ? expected : "nothing");
}

static const struct row rows[] = {
	{ TREE, 'a', "tree a" },     { FIRMWARE, 'b', "fw b" }, { TREE, 'c', "tree c" },
	{ TREE, 'a', "never seen" }, { FIRMWARE, 'a', "fw a" }, { TREE, 'd', NULL },
	{ TREE, 'd', "hidden" },     { FIRMWARE, 'e', "" },
};

static void the_first_id_that_the_table_knows_decides(void **state)
{
	struct slice t = table(rows, 8, true);

	(void)state;
	assert_lookup(t, HWID_DEVICETREE, "a", "tree a");
	assert_lookup(t, HWID_DEVICETREE, "ca", "tree c");
	assert_lookup(t, HWID_DEVICETREE, "xyzac", "tree a");
	assert_lookup(t, HWID_DEVICETREE, "b", NULL);
	assert_lookup(t, HWID_DEVICETREE, "bc", "tree c");
	assert_lookup(t, HWID_FIRMWARE, "a", "fw a");
	assert_lookup(t, HWID_FIRMWARE, "ba", "fw b");
	assert_lookup(t, HWID_FIRMWARE, "c", NULL);
	assert_lookup(t, HWID_FIRMWARE, "e", "");
	assert_lookup(t, HWID_DEVICETREE, "", NULL);
	assert_lookup(t, HWID_DEVICETREE, "x", NULL);
	/* an entry without a string ends the search */
	assert_lookup(t, HWID_DEVICETREE, "da", NULL);
	free((void *)t.p);
}

static void all_sixteen_bytes_of_an_id_count(void **state)
{
	struct slice t = table(rows, 8, true), found;
	struct guid g = { { 'a' } };

	(void)state;
	for (int i = 1; i < 16; i++) {
		g.bytes[i] = 1;
		assert_false(hwids_lookup(t, HWID_DEVICETREE, false, &g, 1, &found));
		g.bytes[i] = 0;
	}
	assert_true(hwids_lookup(t, HWID_DEVICETREE, false, &g, 1, &found));
	free((void *)t.p);
}

static void nothing_counts_behind_the_end_row(void **state)
{
	struct row copy[8];

	(void)state;
	memcpy(copy, rows, sizeof copy);
	copy[2].descriptor = 0;
	struct slice t = table(copy, 8, false);
	assert_lookup(t, HWID_DEVICETREE, "a", "tree a");
	assert_lookup(t, HWID_DEVICETREE, "c", NULL);
	assert_lookup(t, HWID_FIRMWARE, "a", NULL);
	free((void *)t.p);
}

static void a_table_with_one_bad_entry_is_no_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < 8; i++) {
		struct row copy[8];

		memcpy(copy, rows, sizeof copy);
		copy[i].descriptor = 3u << 28 | HWID_LEN;
		struct slice t = table(copy, 8, true);
		assert_lookup(t, HWID_FIRMWARE, "b", NULL);
		free((void *)t.p);

		/* strings that leave the section, or do not end in it; at 20 is the name, at 24 the string */
		for (size_t at = 20; at <= 24; at += 4) {
			t = table(rows, 8, true);
			uint8_t *p = (uint8_t *)t.p;
			put_u32le(p + HWID_LEN * i + at, (uint32_t)t.n);
			assert_lookup(t, HWID_FIRMWARE, "b", NULL);
			put_u32le(p + HWID_LEN * i + at, UINT32_MAX);
			assert_lookup(t, HWID_FIRMWARE, "b", NULL);
			free(p);
		}
	}
	struct slice t = table(rows, 8, true);
	((uint8_t *)t.p)[t.n - 1] = 'x';
	((uint8_t *)t.p)[t.n - 2] = 'x';
	assert_lookup(t, HWID_FIRMWARE, "b", NULL);
	free((void *)t.p);
}

/* systemd 257 knew one kind of entry, with its length, and took no table with another. */
static void a_table_for_device_trees_only_holds_nothing_else(void **state)
{
	static const struct row trees[] = { { TREE, 'a', "tree a" }, { TREE, 'c', "tree c" } };
	static const uint32_t others[] = { FIRMWARE, 3u << 28 | HWID_LEN, 1u << 28 | (HWID_LEN + 1), 1u << 28,
					   HWID_LEN };
	const struct guid a = { { 'a' } };
	struct slice found;

	(void)state;
	struct slice t = table(trees, 2, true);
	assert_true(hwids_lookup(t, HWID_DEVICETREE, true, &a, 1, &found));
	assert_true(slice_equal_string(found, "tree a"));
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		put_u32le((uint8_t *)t.p + HWID_LEN, others[i]);
		assert_false(hwids_lookup(t, HWID_DEVICETREE, true, &a, 1, &found));
	}
	free((void *)t.p);
}

static void every_truncation_of_a_table_finds_the_truth_or_nothing(void **state)
{
	struct slice t = table(rows, 8, true), found;
	const struct guid a = { { 'a' } };
	size_t hits = 0;

	(void)state;
	for (size_t n = 0; n <= t.n; n++) {
		uint8_t *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, t.p, n);
		if (hwids_lookup((struct slice){ copy, n }, HWID_DEVICETREE, false, &a, 1, &found)) {
			assert_true(slice_equal_string(found, "tree a"));
			hits++;
		}
		free(copy);
	}
	assert_int_equal(hits, 1); /* only the whole one: its last byte ends the last string */
	free((void *)t.p);
}

/* ---- device trees ---- */

/* Big endian words and bytes, one after the other. */
struct tree {
	uint8_t words[512], strings[64];
	size_t n_words, n_strings;
};

static void word(struct tree *t, uint32_t v)
{
	put_u32be(t->words + t->n_words, v);
	t->n_words += 4;
}

static void node(struct tree *t, const char *name)
{
	word(t, 1);
	memcpy(t->words + t->n_words, name, strlen(name) + 1);
	t->n_words += (strlen(name) + 4) / 4 * 4;
}

static void property(struct tree *t, const char *name, const char *value, size_t n)
{
	word(t, 3);
	word(t, (uint32_t)n);
	word(t, (uint32_t)t->n_strings);
	memcpy(t->words + t->n_words, value, n);
	t->n_words += (n + 3) / 4 * 4;
	memcpy(t->strings + t->n_strings, name, strlen(name) + 1);
	t->n_strings += strlen(name) + 1;
}

/* An exact-size block. */
static struct slice dtb(const struct tree *t)
{
	uint32_t words = 56, strings = words + (uint32_t)t->n_words, total = strings + (uint32_t)t->n_strings;
	const uint32_t head[10] = {
		0xd00dfeed, total, words, strings, 40, 17, 16, 0, (uint32_t)t->n_strings, (uint32_t)t->n_words
	};
	uint8_t *p = calloc(total, 1);

	assert_non_null(p);
	for (size_t i = 0; i < 10; i++)
		put_u32be(p + 4 * i, head[i]);
	memcpy(p + words, t->words, t->n_words);
	memcpy(p + strings, t->strings, t->n_strings);
	return (struct slice){ p, total };
}

static void board(struct tree *t)
{
	*t = (struct tree){ .n_words = 0 };
	word(t, 4); /* a word that says nothing */
	node(t, "");
	property(t, "#address-cells", "\0\0\0\2", 4);
	word(t, 4);
	property(t, "model", "Acme One", 9);
	property(t, "dma-coherent", "", 0);
	property(t, "compatible", "acme,one\0acme,family", 21);
	property(t, "serial", "1", 2);
	node(t, "cpu");
	property(t, "compatible", "arm,cpu", 8);
	word(t, 2);
	word(t, 2);
	word(t, 9);
}

static void assert_compatible(struct slice s, const char *expected)
{
	struct slice found = SLICE_EMPTY;
	bool ok = devicetree_compatible(s, &found);

	if (ok != (expected != NULL) || (ok && !slice_equal_string(found, expected)))
		fail_msg("found \"%.*s\", expected \"%s\"", (int)found.n, (const char *)found.p,
			 expected ? expected : "nothing");
}

static void the_first_compatible_string_of_the_root_is_found(void **state)
{
	struct tree t;

	(void)state;
	board(&t);
	struct slice s = dtb(&t);
	assert_compatible(s, "acme,one");
	free((void *)s.p);
}

static void a_device_tree_whose_root_has_none_has_none(void **state)
{
	struct tree t = { .n_words = 0 };

	(void)state;
	node(&t, "");
	property(&t, "compatibl", "no", 3);
	property(&t, "compatible2", "no", 3);
	property(&t, "compatibel", "no", 3);
	node(&t, "cpu");
	property(&t, "compatible", "arm,cpu", 8);
	struct slice s = dtb(&t);
	assert_compatible(s, NULL);
	free((void *)s.p);

	t = (struct tree){ .n_words = 0 };
	node(&t, "");
	word(&t, 2); /* the root ends */
	property(&t, "compatible", "acme", 5);
	s = dtb(&t);
	assert_compatible(s, NULL);
	free((void *)s.p);
}

static void a_compatible_that_is_no_string_is_none(void **state)
{
	static const struct {
		const char *value;
		size_t n;
		const char *expected;
	} values[] = { { "", 0, NULL },
		       { "acme", 4, NULL },
		       { "", 1, "" },
		       { "acme", 5, "acme" },
		       { "a\0b", 3, NULL } };

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		struct tree t = { .n_words = 0 };

		node(&t, "");
		property(&t, "compatible", values[i].value, values[i].n);
		struct slice s = dtb(&t);
		assert_compatible(s, values[i].expected);
		free((void *)s.p);
	}
}

static void every_truncation_of_a_device_tree_is_none(void **state)
{
	struct tree t;

	(void)state;
	board(&t);
	struct slice s = dtb(&t);
	for (size_t n = 0; n < s.n; n++) {
		uint8_t *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, s.p, n);
		assert_compatible((struct slice){ copy, n }, NULL);
		/* and with a header that admits it */
		if (n >= 8) {
			put_u32be(copy + 4, (uint32_t)n);
			assert_compatible((struct slice){ copy, n }, NULL);
		}
		free(copy);
	}
	/* bytes behind are no matter: sections are padded */
	uint8_t *longer = calloc(s.n + 100, 1);
	assert_non_null(longer);
	memcpy(longer, s.p, s.n);
	assert_compatible((struct slice){ longer, s.n + 100 }, "acme,one");
	free(longer);
	free((void *)s.p);
}

static void a_device_tree_that_claims_more_than_the_section_is_none(void **state)
{
	struct tree t;

	(void)state;
	board(&t);
	struct slice s = dtb(&t);
	put_u32be((uint8_t *)s.p + 4, (uint32_t)s.n + 1);
	assert_compatible(s, NULL);
	put_u32be((uint8_t *)s.p + 4, (uint32_t)s.n - 1);
	assert_compatible(s, NULL);
	free((void *)s.p);
}

/* Every word of header and structure, set to what leads astray. */
static void no_word_of_a_device_tree_leads_out_of_it(void **state)
{
	static const uint32_t odd[] = { 0, 1, 3, 5, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff };
	struct slice found;
	struct tree t;

	(void)state;
	board(&t);
	struct slice s = dtb(&t);
	uint8_t *p = (uint8_t *)s.p;
	for (size_t at = 0; at + 4 <= s.n; at += 4) {
		uint8_t before[4];

		memcpy(before, p + at, 4);
		for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
			put_u32be(p + at, odd[i]);
			if (devicetree_compatible(s, &found))
				assert_true(found.p >= s.p && found.n < s.n &&
					    found.p + found.n < s.p + s.n && found.p[found.n] == 0);
		}
		memcpy(p + at, before, 4);
	}
	assert_compatible(s, "acme,one");
	free(p);
}

/* ---- firmware blobs ---- */

static struct slice blob(const char *id, size_t id_len, uint32_t header, uint32_t payload)
{
	size_t n = header + id_len + payload;
	uint8_t *p = calloc(n, 1);

	assert_non_null(p);
	put_u32le(p, 0xfeeddead);
	put_u32le(p + 4, header);
	put_u32le(p + 8, (uint32_t)id_len);
	put_u32le(p + 12, payload);
	memcpy(p + header, id, id_len);
	return (struct slice){ p, n };
}

static void assert_firmware(struct slice s, const char *expected)
{
	struct slice found = SLICE_EMPTY;
	bool ok = efifw_id(s, &found);

	if (ok != (expected != NULL) || (ok && !slice_equal_string(found, expected)))
		fail_msg("found \"%.*s\", expected \"%s\"", (int)found.n, (const char *)found.p,
			 expected ? expected : "nothing");
}

static void a_firmware_blob_has_an_id_behind_its_header(void **state)
{
	static const struct {
		const char *id;
		size_t id_len;
		uint32_t header, payload;
		const char *expected;
	} blobs[] = {
		{ "fw-one", 7, 16, 5, "fw-one" }, { "fw-one", 7, 32, 0, "fw-one" }, { "", 1, 16, 3, "" },
		{ "fw-one", 6, 16, 5, NULL },  /* no NUL */
		{ "fw\0one", 7, 16, 5, NULL }, /* one too early */
		{ "", 0, 16, 5, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof blobs / sizeof blobs[0]; i++) {
		struct slice s = blob(blobs[i].id, blobs[i].id_len, blobs[i].header, blobs[i].payload);

		assert_firmware(s, blobs[i].expected);
		free((void *)s.p);
	}
}

static void a_firmware_blob_must_hold_what_its_header_says(void **state)
{
	struct slice s = blob("fw-one", 7, 16, 5);
	uint8_t *p = (uint8_t *)s.p;

	(void)state;
	for (size_t n = 0; n < s.n; n++) {
		uint8_t *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, s.p, n);
		assert_firmware((struct slice){ copy, n }, NULL);
		free(copy);
	}
	static const uint32_t odd[] = { 0, 15, 29, 0x7fffffff, 0xfffffff0, 0xffffffff };
	for (size_t at = 0; at < 16; at += 4)
		for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
			uint32_t before = get_u32le(p + at);

			if (at == 12 && odd[i] == 0)
				continue; /* no payload is fine */
			put_u32le(p + at, odd[i]);
			assert_firmware(s, NULL);
			put_u32le(p + at, before);
		}
	assert_firmware(s, "fw-one");
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guid_is_stored_as_uefi_stores_it),
		cmocka_unit_test(what_is_no_guid_is_refused),
		cmocka_unit_test(the_first_id_that_the_table_knows_decides),
		cmocka_unit_test(all_sixteen_bytes_of_an_id_count),
		cmocka_unit_test(nothing_counts_behind_the_end_row),
		cmocka_unit_test(a_table_with_one_bad_entry_is_no_table),
		cmocka_unit_test(a_table_for_device_trees_only_holds_nothing_else),
		cmocka_unit_test(every_truncation_of_a_table_finds_the_truth_or_nothing),
		cmocka_unit_test(the_first_compatible_string_of_the_root_is_found),
		cmocka_unit_test(a_device_tree_whose_root_has_none_has_none),
		cmocka_unit_test(a_compatible_that_is_no_string_is_none),
		cmocka_unit_test(every_truncation_of_a_device_tree_is_none),
		cmocka_unit_test(a_device_tree_that_claims_more_than_the_section_is_none),
		cmocka_unit_test(no_word_of_a_device_tree_leads_out_of_it),
		cmocka_unit_test(a_firmware_blob_has_an_id_behind_its_header),
		cmocka_unit_test(a_firmware_blob_must_hold_what_its_header_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
