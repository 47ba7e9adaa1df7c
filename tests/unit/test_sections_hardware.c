/* Which sections of a UKI a version of systemd-stub uses: device trees and firmware for the hardware. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/uki_sample.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hwids_choose_device_tree_and_firmware),
		cmocka_unit_test(a_device_tree_of_the_firmware_decides_alone),
		cmocka_unit_test(what_depends_on_unknown_hardware_is_marked),
		cmocka_unit_test(a_device_tree_that_is_none_is_passed_over),
		cmocka_unit_test(a_table_or_tree_that_is_too_large_is_refused),
		cmocka_unit_test(an_empty_table_knows_no_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
