/* Hardware ids from SMBIOS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/smbios_writer.h"
#include "uki/chid.h"

static bool chids_of(struct bytes *b, struct guid ret[static CHIDS])
{
	struct pool pool = POOL_INIT;
	struct smbios_table t;

	put_end(b);
	assert_int_equal(smbios_read(&pool, (struct slice){ b->p, b->n }, &t, NULL), 0);
	bool known = chids_of_smbios(&t, ret);
	pool_done(&pool);
	bytes_done(b);
	return known;
}

static void assert_chids(const struct guid *got, const char *const *want)
{
	char text[GUID_TEXT];

	for (size_t i = 0; i < CHIDS; i++) {
		guid_format(&got[i], text);
		assert_string_equal(text, want[i]);
	}
}

/* The laptop that fwupd's docs/hwids.md shows; Microsoft's own tool prints the same. */
static void a_known_machine_has_the_ids_that_other_tools_print(void **state)
{
	static const char *const want[] = {
		"3faec92a-3ae3-5744-be88-495e90a7d541", /* HardwareID-3 */
		"178cd22d-ad9f-562d-ae0a-34009822cdbe", /* 6 */
		"059eb22d-6dc7-59af-abd3-94bbe017f67c", /* 8 */
		"f4275c1f-6130-5191-845c-3426247eb6a1", /* 10 */
		"660ccba8-1b78-5a33-80e6-9fb8354ee873", /* 4 */
		"8dc9b7c5-f5d5-5850-9ab3-bd6f0549d814", /* 5 */
		"da1da9b6-62f5-5f22-8aaa-14db7eeda2a4", /* 7 */
		"0cf8618d-9eff-537c-9f35-46861406eb9c", /* 9 */
		"db73af4c-4612-50f7-b8a7-787cf4871847", /* 11 */
	};
	static const uint8_t system[23] = { 1, 2, [21] = 3, 4 }, board[4] = { 1, 2 };
	struct bytes b = { NULL, 0 };
	struct guid got[CHIDS];

	(void)state;
	put_structure(&b, 2, board, sizeof board, STRINGS(" LENOVO\0000020ARS19C0C  \0"));
	put_structure(&b, 1, system, sizeof system,
		      STRINGS("LENOVO\00020ARS19C0C\0LENOVO_MT_20AR_BU_Think_FM_ThinkPad T440s\0"
			      "ThinkPad T440s\0"));
	assert_true(chids_of(&b, got));
	assert_chids(got, want);
}

/*
 * Structures that are shorter than systemd takes them count as absent, and what is absent is empty. By hand, for HardwareID-3:
 * python3 -c 'import hashlib,uuid; print(uuid.UUID(bytes=hashlib.sha1(uuid.UUID("70ffd812-4c7f-4c7d-0000-000000000000").bytes +
 * "&&&&&".encode("utf-16-le")).digest()[:16], version=5))'
 */
static void what_is_missing_is_empty(void **state)
{
	static const uint8_t system[22] = { 1, 1, [21] = 1 }, board[3] = { 1, 1 };
	struct bytes b = { NULL, 0 };
	struct guid got[CHIDS];
	char text[GUID_TEXT];

	(void)state;
	put_structure(&b, 1, system, sizeof system, STRINGS("text\0"));
	put_structure(&b, 2, board, sizeof board, STRINGS("text\0"));
	assert_true(chids_of(&b, got));
	guid_format(&got[0], text);
	assert_string_equal(text, "ab1d1306-cebc-58ef-984f-be1b9fb092b9");
}

static void other_letters_leave_the_ids_open(void **state)
{
	static const uint8_t system[23] = { 1 };
	char text[258] = { [256] = '\0' };
	struct bytes b = { NULL, 0 };
	struct guid got[CHIDS];

	(void)state;
	put_structure(&b, 1, system, sizeof system, STRINGS("M\xc3\xbcller\0"));
	assert_false(chids_of(&b, got));

	b = (struct bytes){ NULL, 0 };
	memset(text, 'x', 256);
	put_structure(&b, 1, system, sizeof system, text, 257);
	assert_false(chids_of(&b, got));
	b = (struct bytes){ NULL, 0 };
	put_structure(&b, 1, system, sizeof system, text + 1, 256);
	assert_true(chids_of(&b, got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_known_machine_has_the_ids_that_other_tools_print),
		cmocka_unit_test(what_is_missing_is_empty),
		cmocka_unit_test(other_letters_leave_the_ids_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
