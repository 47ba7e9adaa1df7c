/* The firmware's variables: EDK2's store, JSON, efivars. */
#include "decode_writer.h"

#include <stdio.h>

#include "base/efi/variable_store.h"

#define GLOBAL_GUID "8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define DATABASE_GUID "d719b2cb-3d3a-4596-a3bc-dad00e67656f"
#define AUTHENTICATED "aaf32c78-947b-439a-a180-2e144ec37792"
#define PLAIN "ddcf3616-3275-4164-98b6-fe85707ffe7d"

enum { HEADERS = 72 + 28, VOLUME = 2048 };

struct fixture {
	struct bytes b;
	bool authenticated;
	struct pool pool;
	struct firmware_variables v;
	struct pcrcast_error e;
};

/* A volume of 2048 bytes whose store fills it; PI 1.8 volume 3, section 3.2.1, and VariableFormat.h. */
static struct fixture new_volume(bool authenticated)
{
	struct fixture f = { .authenticated = authenticated, .pool = POOL_INIT };
	struct bytes *b = &f.b;
	uint16_t sum = 0;

	put_fill(b, 0, 16);
	put_guid(b, "fff12b8d-7696-4c8b-a985-2747075b4f50");
	put64(b, VOLUME);
	put(b, "_FVH", 4);
	put32(b, 0x0004feff);
	put16(b, 72);
	put16(b, 0); /* checksum */
	put16(b, 0);
	put8(b, 0);
	put8(b, 2);
	put32(b, 1);
	put32(b, VOLUME);
	put64(b, 0);
	for (size_t i = 0; i < b->n; i += 2)
		sum = (uint16_t)(sum + get_u16le(b->p + i));
	put_u16le(b->p + 50, (uint16_t)-sum);
	put_guid(b, authenticated ? AUTHENTICATED : PLAIN);
	put32(b, VOLUME - 72);
	put8(b, 0x5a);
	put8(b, 0xfe);
	put_fill(b, 0, 6);
	assert_int_equal(b->n, HEADERS);
	return f;
}

static void put_stored(struct fixture *f, uint8_t state, const char *name, const char *guid, const char *data)
{
	struct bytes *b = &f->b;

	put_fill(b, 0xff, (4 - b->n % 4) % 4);
	put16(b, 0x55aa);
	put8(b, state);
	put8(b, 0);
	put32(b, 7);
	if (f->authenticated)
		put_fill(b, 0x11, 28);
	put32(b, (uint32_t)(2 * strlen(name) + 2));
	put32(b, (uint32_t)strlen(data));
	put_guid(b, guid);
	for (const char *p = name;; p++) {
		put16(b, (uint8_t)*p);
		if (!*p)
			break;
	}
	put(b, data, strlen(data));
}

/* n bytes of it, erased behind what was put, in a block of that size. */
static int read_first(struct fixture *f, size_t n)
{
	uint8_t *block = malloc(n ? n : 1);
	int rc;

	assert_non_null(block);
	memset(block, 0xff, n ? n : 1);
	memcpy(block, f->b.p, n < f->b.n ? n : f->b.n);
	f->v = FIRMWARE_VARIABLES_INIT;
	rc = variable_store_read(&f->pool, (struct slice){ block, n }, SLICE_EMPTY, &f->v, &f->e);
	/* what was read borrows from the block: keep a copy of the values that the tests look at */
	for (size_t i = 0; rc == 0 && i < f->v.n; i++) {
		struct slice *d = &f->v.items[i].data;

		*d = (struct slice){ pool_copy(&f->pool, d->p, d->n), d->n };
	}
	free(block);
	return rc;
}

static void assert_variable(const struct fixture *f, const char *name, const char *guid, const char *data)
{
	const struct firmware_variable *v;
	struct guid g;

	assert_true(guid_parse(guid, &g));
	assert_true(firmware_variables_know(&f->v, name, &g));
	v = firmware_variables_find(&f->v, name, &g);
	if (!data) {
		assert_null(v);
		return;
	}
	assert_non_null(v);
	assert_true(slice_equal_string(v->data, data));
}

static void variables_that_count_are_read(void **state)
{
	(void)state;
	for (int authenticated = 0; authenticated < 2; authenticated++) {
		struct fixture f = new_volume(authenticated);

		put_stored(&f, 0x3f, "db", DATABASE_GUID, "one");
		put_stored(&f, 0x3c, "db", DATABASE_GUID, "deleted before");
		put_stored(&f, 0x3d, "dbx", DATABASE_GUID, "deleted");
		put_stored(&f, 0x7f, "PK", GLOBAL_GUID, "only its header was written");
		put_stored(&f, 0x3f, "db", GLOBAL_GUID, "another vendor's");
		assert_int_equal(read_first(&f, VOLUME), 0);
		assert_true(f.v.whole);
		assert_int_equal(f.v.n, 2);
		assert_variable(&f, "db", DATABASE_GUID, "one");
		assert_variable(&f, "db", GLOBAL_GUID, "another vendor's");
		assert_variable(&f, "dbx", DATABASE_GUID, NULL);
		assert_variable(&f, "PK", GLOBAL_GUID, NULL);
		assert_variable(&f, "DB", DATABASE_GUID, NULL);
		assert_int_equal(f.v.items[0].attributes, 7);
		pool_done(&f.pool);
	}
}

static void a_variable_that_is_being_replaced_counts_until_the_new_one_is_there(void **state)
{
	struct fixture f = new_volume(true);

	(void)state;
	put_stored(&f, 0x3e, "a", GLOBAL_GUID, "old");
	put_stored(&f, 0x3e, "b", GLOBAL_GUID, "old");
	put_stored(&f, 0x3f, "b", GLOBAL_GUID, "new");
	put_stored(&f, 0x3f, "c", GLOBAL_GUID, "new");
	put_stored(&f, 0x3e, "c", GLOBAL_GUID, "old");
	assert_int_equal(read_first(&f, VOLUME), 0);
	assert_int_equal(f.v.n, 3);
	assert_variable(&f, "a", GLOBAL_GUID, "old");
	assert_variable(&f, "b", GLOBAL_GUID, "new");
	assert_variable(&f, "c", GLOBAL_GUID, "new");
	pool_done(&f.pool);
}

static void an_erased_store_is_whole_and_empty(void **state)
{
	struct fixture f = new_volume(true);

	(void)state;
	assert_int_equal(read_first(&f, VOLUME), 0);
	assert_true(f.v.whole);
	assert_int_equal(f.v.n, 0);
	pool_done(&f.pool);
}

static void no_shorter_file_is_a_store(void **state)
{
	struct fixture f = new_volume(true);

	(void)state;
	put_stored(&f, 0x3f, "db", DATABASE_GUID, "one");
	for (size_t n = 0; n < VOLUME; n++) {
		int rc = read_first(&f, n);

		assert_true(rc == -PCRCAST_ETRUNC || (n < 44 && rc == -PCRCAST_EUNSUPPORTED));
		assert_int_equal(f.v.n, 0);
	}
	assert_int_equal(read_first(&f, VOLUME + 100), 0); /* a firmware image goes on */
	pool_done(&f.pool);
}

static void unsound_stores_are_refused_with_their_place(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
		uint64_t offset;
		const char *why;
	} rows[] = {
		{ 16, 0, 16, "a firmware volume, but not one that holds variables" },
		{ 48, 74, 50, "checksum is off by 0x" },
		{ 60, 9, 50, "checksum is off by 0x" },
		{ 72, 0, 72, "variable store of the unknown kind aaf32c00-" },
		{ 92, 0xff, 92, "variable store in format 0xff, state 0xfe, expected 0x5a, 0xfe" },
		{ 93, 0x7e, 92, "variable store in format 0x5a, state 0x7e" },
		{ 89, 0xff, 88, "a variable store of 65464 bytes where 1976 are left" },
		{ 100, 0, 100, "0x5500 where a variable would begin with 0x55aa" },
		{ 100 + 36 + 2, 1, 100,
		  "a variable with a name of 65542 bytes and data of 3 runs past the end" },
		{ 100 + 60, 0, 100, "a variable's name of 6 bytes, expected UTF-16 with a NUL at its end" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct fixture f = new_volume(true);

		put_stored(&f, 0x3f, "db", DATABASE_GUID, "one");
		f.b.p[rows[i].at] = rows[i].byte;
		assert_true(read_first(&f, VOLUME) < 0);
		if (!strstr(f.e.msg, rows[i].why))
			fail_msg("row %zu: %s", i, f.e.msg);
		assert_int_equal(f.e.offset, rows[i].offset);
		pool_done(&f.pool);
	}
}

static void a_variable_twice_is_refused(void **state)
{
	struct fixture f = new_volume(true);

	(void)state;
	put_stored(&f, 0x3f, "db", DATABASE_GUID, "one");
	put_stored(&f, 0x3f, "db", DATABASE_GUID, "one");
	assert_int_equal(read_first(&f, VOLUME), -PCRCAST_EFORMAT);
	assert_string_equal(f.e.msg, "variable db is there twice");
	assert_int_equal(f.e.offset, 100 + 60 + 6 + 3 + 3);
	pool_done(&f.pool);
}

/* ---- JSON ---- */

static int read_json(struct fixture *f, const char *text)
{
	f->v = FIRMWARE_VARIABLES_INIT;
	return variable_store_read(&f->pool, slice_of_string(text), SLICE_EMPTY, &f->v, &f->e);
}

static void json_of_qemu_and_virt_firmware_is_read(void **state)
{
	struct fixture f = { .pool = POOL_INIT };

	(void)state;
	assert_int_equal(
		read_json(&f,
			  "\n{ \"version\": 2, \"variables\": [ { \"guid\": \"" DATABASE_GUID
			  "\", \"name\": \"db\", \"attr\": 39, \"data\": \"6f6E65\", \"time\": \"e607\" },"
			  " { \"name\": \"PK\", \"guid\": \"" GLOBAL_GUID
			  "\", \"attr\": 7, \"data\": \"\", \"digest\": \"00\" } ] }\n"),
		0);
	assert_true(f.v.whole);
	assert_variable(&f, "db", DATABASE_GUID, "one");
	assert_int_equal(f.v.items[0].attributes, 39);
	assert_variable(&f, "PK", GLOBAL_GUID, NULL);
	pool_done(&f.pool);
}

static void unsound_json_is_refused(void **state)
{
#define ONE(body) "{\"version\":2,\"variables\":[{" body "}]}"
	static const char *const rows[][2] = {
		{ "{\"version\":1,\"variables\":[]}", "variable store: expected \"version\" 2" },
		{ "{\"version\":2}", "variable store: expected a list as \"variables\"" },
		{ "{\"version\":2,\"variables\":{}}", "variable store: expected a list as \"variables\"" },
		{ "{\"version\":2,\"variables\":[],\"x\":1}", "variable store: unknown key x" },
		{ "{\"version\":2,\"variables\":[7]}", "variable 0: expected an object" },
		{ ONE("\"nam\":1"), "variable 0: unknown key nam" },
		{ ONE("\"name\":\"\""), "variable 0: expected a \"name\"" },
		{ ONE("\"name\":\"a\",\"guid\":\"8be4df61\""),
		  "variable 0 (a): expected a GUID as \"guid\"" },
		{ ONE("\"name\":\"a\",\"guid\":\"" GLOBAL_GUID "\",\"attr\":4294967296"),
		  "variable 0 (a): expected a 32-bit number as \"attr\"" },
		{ ONE("\"name\":\"a\",\"guid\":\"" GLOBAL_GUID "\",\"attr\":7,\"data\":\"0\""),
		  "variable 0 (a): expected pairs of hex digits as \"data\"" },
	};
	struct fixture f = { .pool = POOL_INIT };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_true(read_json(&f, rows[i][0]) < 0);
		assert_string_equal(f.e.msg, rows[i][1]);
	}
	assert_true(read_json(&f, ONE("\"name\":\"a\",\"name\":\"b\"")) < 0);
	assert_true(read_json(&f, "{\"version\":2,\"variables\":[]} x") < 0);
	pool_done(&f.pool);
}

static void what_is_no_store_is_named(void **state)
{
	struct fixture f = { .pool = POOL_INIT };

	(void)state;
	assert_int_equal(read_json(&f, "QFI\xfb and so on"), -PCRCAST_EUNSUPPORTED);
	assert_non_null(strstr(f.e.msg, "qemu-img convert"));
	assert_int_equal(read_json(&f, ""), -PCRCAST_EUNSUPPORTED);
	assert_int_equal(read_json(&f, "hello"), -PCRCAST_EUNSUPPORTED);
	assert_non_null(strstr(f.e.msg, "no variable store: expected"));
	pool_done(&f.pool);
}

/* ---- efivars ---- */

static int add(struct fixture *f, const char *name, const char *bytes, size_t n)
{
	return firmware_variables_add_efivar(&f->pool, &f->v, name,
					     (struct slice){ (const uint8_t *)bytes, n }, &f->e);
}

static void files_of_efivars_carry_four_bytes_of_attributes(void **state)
{
	struct fixture f = { .pool = POOL_INIT };

	(void)state;
	assert_int_equal(add(&f, "db-" DATABASE_GUID, "\x27\0\0\0one", 7), 0);
	assert_int_equal(add(&f, "a-b-" GLOBAL_GUID, "\7\0\0\0x", 5), 0);
	assert_int_equal(f.v.items[0].attributes, 0x27);
	f.v.whole = firmware_variables_are_whole(&f.v);
	assert_false(f.v.whole);
	assert_variable(&f, "db", DATABASE_GUID, "one");
	assert_variable(&f, "a-b", GLOBAL_GUID, "x");
	assert_false(firmware_variables_know(&f.v, "PK", &guid_efi_global));
	assert_int_equal(add(&f, "BootCurrent-" GLOBAL_GUID, "\6\0\0\0\1\0", 6), 0);
	assert_false(firmware_variables_are_whole(&f.v));
	assert_int_equal(add(&f, "SecureBoot-" GLOBAL_GUID, "\6\0\0\0\1", 5), 0);
	assert_int_equal(add(&f, "SetupMode-" GLOBAL_GUID, "\6\0\0\0\0", 5), 0);
	assert_int_equal(add(&f, "PK-" GLOBAL_GUID, "\6\0\0\0p", 5), 0);
	assert_int_equal(add(&f, "KEK-" GLOBAL_GUID, "\6\0\0\0k", 5), 0);
	assert_false(firmware_variables_are_whole(&f.v)); /* a machine with keys and without dbx is rare */
	assert_int_equal(add(&f, "dbx-" DATABASE_GUID, "\6\0\0\0x", 5), 0);
	assert_true(firmware_variables_are_whole(&f.v));

	assert_int_equal(add(&f, "db-" DATABASE_GUID, "\x27\0\0\0one", 7), -PCRCAST_EFORMAT);
	assert_int_equal(add(&f, "dbr-" DATABASE_GUID, "\x27\0\0", 3), -PCRCAST_ETRUNC);
	assert_int_equal(add(&f, "README", "", 0), -PCRCAST_EFORMAT);
	assert_int_equal(add(&f, "-" DATABASE_GUID, "\0\0\0\0", 4), -PCRCAST_EFORMAT);
	assert_int_equal(add(&f, "dbx_" DATABASE_GUID, "\0\0\0\0", 4), -PCRCAST_EFORMAT);
	pool_done(&f.pool);
}

static void efivars_in_setup_mode_have_no_platform_key(void **state)
{
	struct fixture f = { .pool = POOL_INIT };

	(void)state;
	assert_int_equal(add(&f, "BootCurrent-" GLOBAL_GUID, "\6\0\0\0\1\0", 6), 0);
	assert_int_equal(add(&f, "SecureBoot-" GLOBAL_GUID, "\6\0\0\0\0", 5), 0);
	assert_int_equal(add(&f, "SetupMode-" GLOBAL_GUID, "\6\0\0\0\1", 5), 0);
	assert_true(firmware_variables_are_whole(&f.v));
	assert_int_equal(add(&f, "PK-" GLOBAL_GUID, "\6\0\0\0p", 5), 0);
	assert_false(firmware_variables_are_whole(&f.v));
	pool_done(&f.pool);
}

static void a_variable_can_be_stated_not_to_exist(void **state)
{
	struct fixture f = { .pool = POOL_INIT };
	struct firmware_variable none = { .name = "PK", .guid = guid_efi_global, .data = SLICE_EMPTY };

	(void)state;
	assert_false(firmware_variables_know(NULL, "PK", &guid_efi_global));
	assert_false(firmware_variables_know(&f.v, "PK", &guid_efi_global));
	assert_int_equal(firmware_variables_set(&f.pool, &f.v, none, &f.e), 0);
	assert_true(firmware_variables_know(&f.v, "PK", &guid_efi_global));
	assert_null(firmware_variables_find(&f.v, "PK", &guid_efi_global));
	assert_false(firmware_variables_know(&f.v, "KEK", &guid_efi_global));
	pool_done(&f.pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variables_that_count_are_read),
		cmocka_unit_test(a_variable_that_is_being_replaced_counts_until_the_new_one_is_there),
		cmocka_unit_test(an_erased_store_is_whole_and_empty),
		cmocka_unit_test(no_shorter_file_is_a_store),
		cmocka_unit_test(unsound_stores_are_refused_with_their_place),
		cmocka_unit_test(a_variable_twice_is_refused),
		cmocka_unit_test(json_of_qemu_and_virt_firmware_is_read),
		cmocka_unit_test(unsound_json_is_refused),
		cmocka_unit_test(what_is_no_store_is_named),
		cmocka_unit_test(files_of_efivars_carry_four_bytes_of_attributes),
		cmocka_unit_test(efivars_in_setup_mode_have_no_platform_key),
		cmocka_unit_test(a_variable_can_be_stated_not_to_exist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
