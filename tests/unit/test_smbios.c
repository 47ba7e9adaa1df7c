/* SMBIOS tables: structures and strings, entry points in front, and hostile ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/efi/smbios.h"
#include "tests/unit/smbios_writer.h"

struct reading {
	uint8_t *block; /* of the exact size */
	size_t n;
	struct pool pool;
	struct smbios_table table;
	struct pcrcast_error e;
	int result;
};

static void read_table(struct reading *x, const void *p, size_t n)
{
	*x = (struct reading){ .block = malloc(n ? n : 1), .n = n, .pool = POOL_INIT };
	assert_non_null(x->block);
	if (n)
		memcpy(x->block, p, n);
	x->result = smbios_read(&x->pool, (struct slice){ x->block, n }, &x->table, &x->e);
}

static void reading_done(struct reading *x)
{
	pool_done(&x->pool);
	free(x->block);
}

static void expect_table(const struct bytes *b, size_t n)
{
	struct reading x;

	read_table(&x, b->p, b->n);
	assert_int_equal(x.result, 0);
	assert_int_equal(x.table.n, n);
	reading_done(&x);
}

static void expect_error(const void *p, size_t n, int code, uint64_t offset, const char *words)
{
	struct reading x;

	read_table(&x, p, n);
	assert_int_equal(x.result, -code);
	assert_int_equal(x.e.offset, offset);
	if (!strstr(x.e.msg, words))
		fail_msg("\"%s\" is not in: %s", words, x.e.msg);
	assert_int_equal(x.table.n, 0);
	reading_done(&x);
}

/* A structure with two strings, one without any, one with a string of a single byte, and the end. */
static struct bytes usual(void)
{
	struct bytes b = { NULL, 0 };

	put_structure(&b, 1, "\x01\x02\x03", 3, STRINGS("first\0second one\0"));
	put_structure(&b, 32, "\0\0\0\0", 4, STRINGS(""));
	put_structure(&b, 11, "\x01", 1, STRINGS("x\0"));
	put_end(&b);
	return b;
}

static void structures_are_cut_at_two_nuls(void **state)
{
	struct bytes b = usual();
	struct reading x;

	(void)state;
	read_table(&x, b.p, b.n);
	assert_int_equal(x.result, 0);
	assert_int_equal(x.table.n, 3);
	assert_int_equal(x.table.bytes.n, b.n);
	assert_int_equal(x.table.items[0].type, 1);
	assert_int_equal(x.table.items[0].fields_len, 7);
	assert_int_equal(x.table.items[0].off, 0);
	assert_int_equal(x.table.items[0].bytes.n, 7 + 6 + 11 + 1);
	assert_int_equal(x.table.items[1].off, 25);
	assert_int_equal(x.table.items[1].bytes.n, 8 + 2);
	assert_int_equal(x.table.items[2].off, 35);
	assert_int_equal(x.table.items[2].bytes.n, 5 + 2 + 1);
	assert_ptr_equal(smbios_find(&x.table, 11), &x.table.items[2]);
	assert_null(smbios_find(&x.table, 2));
	reading_done(&x);
	bytes_done(&b);
}

static void strings_are_found_by_their_number_in_a_field(void **state)
{
	struct bytes b = usual();
	struct slice s = SLICE_EMPTY, rest;
	struct reading x;

	(void)state;
	read_table(&x, b.p, b.n);
	assert_true(smbios_field_string(&x.table.items[0], 4, &s));
	assert_true(slice_equal_string(s, "first"));
	assert_true(smbios_field_string(&x.table.items[0], 5, &s));
	assert_true(slice_equal_string(s, "second one"));
	assert_false(smbios_field_string(&x.table.items[0], 6, &s)); /* there is no third string */
	assert_false(
		smbios_field_string(&x.table.items[0], 7, &s)); /* no such field: the first string's bytes */
	assert_false(smbios_field_string(&x.table.items[1], 4, &s)); /* number 0 is no string */
	rest = smbios_strings(&x.table.items[0]);
	assert_true(smbios_next_string(&rest, &s));
	assert_true(smbios_next_string(&rest, &s));
	assert_true(slice_equal_string(s, "second one"));
	assert_false(smbios_next_string(&rest, &s));
	rest = smbios_strings(&x.table.items[1]);
	assert_false(smbios_next_string(&rest, &s));
	reading_done(&x);
	bytes_done(&b);
}

static void what_follows_the_end_is_not_read(void **state)
{
	struct bytes b = usual();

	(void)state;
	bytes_add(&b, "\x01\x02garbage", 9);
	expect_table(&b, 3);
	bytes_done(&b);
}

/* dmidecode 3.4 writes the entry point, zeros up to byte 32, and the table. */
static void a_dump_has_an_entry_point_in_front(void **state)
{
	static const struct {
		const char *anchor;
		size_t len_at, address_at;
		bool whole; /* the length may not be more than there is */
	} rows[] = { { "_SM3_", 12, 16, false }, { "_SM_", 22, 24, true } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bytes table = usual(), b = { NULL, 0 };
		uint8_t front[32] = { 0 };
		struct reading x;

		memcpy(front, rows[i].anchor, strlen(rows[i].anchor));
		put_u16le(front + rows[i].len_at, (uint16_t)table.n);
		put_u16le(front + rows[i].address_at, 32);
		bytes_add(&b, front, sizeof front);
		bytes_add(&b, table.p, table.n);
		read_table(&x, b.p, b.n);
		assert_int_equal(x.result, 0);
		assert_int_equal(x.table.n, 3);
		assert_int_equal(x.table.items[1].off, 32 + 25);
		reading_done(&x);

		/* no further than its length */
		put_u16le(b.p + rows[i].len_at, (uint16_t)(table.n - 1));
		expect_error(b.p, b.n, PCRCAST_ETRUNC, b.n - 6, "run past the end of the table");
		put_u16le(b.p + rows[i].len_at, (uint16_t)(table.n + 1));
		if (rows[i].whole)
			expect_error(b.p, b.n, PCRCAST_ETRUNC, 32, "by its entry point, the file has");
		else
			expect_table(&b, 3);

		put_u16le(b.p + rows[i].address_at, (uint16_t)(b.n + 1));
		expect_error(b.p, b.n, PCRCAST_EFORMAT, rows[i].address_at, "places the table at byte");
		put_u16le(b.p + rows[i].address_at, 4); /* inside the entry point itself */
		expect_error(b.p, b.n, PCRCAST_EFORMAT, rows[i].address_at, "places the table at byte 0x4");
		memset(b.p + rows[i].address_at, 0xff, rows[i].whole ? 4 : 8);
		expect_error(b.p, b.n, PCRCAST_EFORMAT, rows[i].address_at, "places the table at byte");
		for (size_t n = strlen(rows[i].anchor); n < (rows[i].whole ? 31 : 24); n++)
			expect_error(b.p, n, PCRCAST_ETRUNC, 0, "the file has");
		bytes_done(&b);
		bytes_done(&table);
	}
	expect_error("_DMI_xxxxxxxxxxxxxxxxx", 20, PCRCAST_EUNSUPPORTED, 0, "_DMI_");
}

static void every_truncation_is_an_error(void **state)
{
	struct bytes b = usual();

	(void)state;
	for (size_t n = 0; n < b.n; n++) {
		struct reading x;

		read_table(&x, b.p, n);
		assert_int_equal(x.result, -PCRCAST_ETRUNC);
		assert_true(x.e.offset <= n);
		reading_done(&x);
	}
	bytes_done(&b);
}

static void hostile_structures_are_named(void **state)
{
	(void)state;
	expect_error("", 0, PCRCAST_ETRUNC, 0, "without the structure that ends every table (type 127)");
	expect_error("\x01\x04\0\0\0\0", 6, PCRCAST_ETRUNC, 6, "without the structure that ends every table");
	expect_error("\x01\x04\0\0\0\0\x7f", 7, PCRCAST_ETRUNC, 6,
		     "begins with 4 bytes, the table has 1 more");
	expect_error("\x01\x03\0\0\0\0", 6, PCRCAST_EFORMAT, 1, "length of 3 bytes, expected at least 4");
	expect_error("\x01\x00\0\0\0\0", 6, PCRCAST_EFORMAT, 1, "length of 0 bytes");
	expect_error("\x01\x07\0\0\0\0", 6, PCRCAST_ETRUNC, 0, "length of 7 bytes, the table has 6 more");
	/* strings without an end; the last field's NUL is not one of theirs */
	expect_error("\x02\x04\0\0abc\0", 8, PCRCAST_ETRUNC, 0, "strings of a structure of type 2 run past");
	expect_error("\x02\x05\0\0\0\0", 6, PCRCAST_ETRUNC, 0, "strings of a structure of type 2 run past");
	expect_error("\x02\x06\0\0\0\0", 6, PCRCAST_ETRUNC, 0, "strings of a structure of type 2 run past");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(structures_are_cut_at_two_nuls),
		cmocka_unit_test(strings_are_found_by_their_number_in_a_field),
		cmocka_unit_test(what_follows_the_end_is_not_read),
		cmocka_unit_test(a_dump_has_an_entry_point_in_front),
		cmocka_unit_test(every_truncation_is_an_error),
		cmocka_unit_test(hostile_structures_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
