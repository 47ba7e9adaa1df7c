/* Differences in words: texts, variables and partition tables, field by field. */
#include <stdio.h>

#include "tests/unit/certificate_sample.h"
#include "tests/unit/diff_sample.h"

static void a_command_line_is_told_word_by_word(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);

	(void)state;
	add_wide(&a, 12, "root=/dev/vda quiet  splash", NULL);
	add_wide(&b, 12, "root=/dev/vda splash debug", NULL);
	assert_only(&a, &b, CHANGE_CHANGED, "command line: removed \"quiet\", added \"debug\"");

	a = new_log(ALG_SHA256);
	b = new_log(ALG_SHA256);
	add_text(&a, 8, EV_IPL, "kernel_cmdline: /linux ro", "/linux ro");
	add_text(&b, 8, EV_IPL, "kernel_cmdline: /linux rw", "/linux rw");
	assert_only(&a, &b, CHANGE_CHANGED, "GRUB kernel command line: removed \"ro\", added \"rw\"");

	/* the same words, other blanks */
	a = new_log(ALG_SHA256);
	b = new_log(ALG_SHA256);
	add_wide(&a, 12, "a b", NULL);
	add_wide(&b, 12, "a  b", NULL);
	assert_only(&a, &b, CHANGE_CHANGED, "command line: text \"a b\" → \"a  b\"");
}

/* ---- variables ---- */

static void put_list(struct bytes *b, const char *type, const char *owner, const char *data)
{
	put_guid(b, type);
	put32(b, (uint32_t)(28 + 16 + strlen(data) / 2));
	put32(b, 0);
	put32(b, (uint32_t)(16 + strlen(data) / 2));
	put_guid(b, owner);
	put_hex(b, data);
}

#define X509_GUID "a5c059a1-94e4-4aa7-87b5-ab155c2bf072"
#define SHA256_GUID "c1c41626-504c-4092-aca9-41f936934328"

static const char hash[] =
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"; /* sha256sum </dev/null */

static void db_is_told_by_its_signatures(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct bytes x = { .n = 0 }, y = { .n = 0 };
	char want[256];

	(void)state;
	put_list(&x, SHA256_GUID, SHIM_GUID, hash);
	put_list(&y, X509_GUID, SHIM_GUID, sample_certificate);
	add_variable(&a, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, SECURITY_GUID, "db", x.p, x.n);
	add_variable(&b, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, SECURITY_GUID, "db", y.p, y.n);
	(void)snprintf(want, sizeof want, "variable db: removed sha256 hash %s, added certificate %s", hash,
		       sample_subject);
	assert_only(&a, &b, CHANGE_CHANGED, want);
}

static void an_enrolled_variable_is_told_too(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct bytes y = { .n = 0 };
	char want[256];

	(void)state;
	put_list(&y, SHA256_GUID, SHIM_GUID, hash);
	add_variable(&a, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, SECURITY_GUID, "dbx", "", 0);
	add_variable(&b, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, SECURITY_GUID, "dbx", y.p, y.n);
	(void)snprintf(want, sizeof want, "variable dbx: added sha256 hash %s", hash);
	assert_only(&a, &b, CHANGE_CHANGED, want);
}

static void another_variable_is_not_a_change(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct result r;

	(void)state;
	add_variable(&a, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, SECURITY_GUID, "db", "", 0);
	add_variable(&b, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, SECURITY_GUID, "dbx", "", 0);
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 2);
	finish(&r, &a, &b);
}

static void flags_and_orders_are_told(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);

	(void)state;
	add_variable(&a, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, GLOBAL_GUID, "SecureBoot", "\0", 1);
	add_variable(&b, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, GLOBAL_GUID, "SecureBoot", "\1", 1);
	assert_only(&a, &b, CHANGE_CHANGED, "variable SecureBoot: enabled no → yes");

	a = new_log(ALG_SHA256);
	b = new_log(ALG_SHA256);
	add_variable(&a, 1, EV_EFI_VARIABLE_BOOT, GLOBAL_GUID, "BootOrder", "\1\0\0\0", 4);
	add_variable(&b, 1, EV_EFI_VARIABLE_BOOT, GLOBAL_GUID, "BootOrder", "\0\0\1\0", 4);
	assert_only(&a, &b, CHANGE_CHANGED,
		    "variable BootOrder: order \"Boot0001\", \"Boot0000\" → \"Boot0000\", \"Boot0001\"");
}

/* ---- partition tables ---- */

static void put_partition(struct bytes *b, const char *id, uint64_t last, const char *name)
{
	size_t end = b->n + 128;

	put_guid(b, "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
	put_guid(b, id);
	put64(b, 2048);
	put64(b, last);
	put64(b, 0);
	put_utf16(b, name);
	put_fill(b, 0, end - b->n);
}

static void put_gpt(struct bytes *b, uint64_t n)
{
	put_text(b, "EFI PART");
	put_fill(b, 0, 48);
	put_guid(b, "11111111-2222-3333-4444-555555555555");
	put64(b, 2);
	put32(b, 128);
	put32(b, 128);
	put32(b, 0);
	put64(b, n);
}

static void a_partition_table_is_told_by_partition(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct bytes x = { .n = 0 }, y = { .n = 0 };

	(void)state;
	put_gpt(&x, 2);
	put_partition(&x, "aaaaaaaa-0000-0000-0000-000000000001", 4095, "esp");
	put_partition(&x, "aaaaaaaa-0000-0000-0000-000000000002", 8191, "root");
	put_gpt(&y, 2);
	put_partition(&y, "aaaaaaaa-0000-0000-0000-000000000002", 9999, "root");
	put_partition(&y, "aaaaaaaa-0000-0000-0000-000000000001", 4095, "esp");
	add_bytes(&a, 5, EV_EFI_GPT_EVENT, &x);
	add_bytes(&b, 5, EV_EFI_GPT_EVENT, &y);
	assert_only(&a, &b, CHANGE_CHANGED, "partition table: partition 2 \"root\" last sector 8191 → 9999");
}

static void added_partitions_are_told(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct bytes x = { .n = 0 }, y = { .n = 0 };
	struct result r;

	(void)state;
	put_gpt(&x, 1);
	put_partition(&x, "aaaaaaaa-0000-0000-0000-000000000001", 4095, "esp");
	put_gpt(&y, 2);
	put_partition(&y, "aaaaaaaa-0000-0000-0000-000000000001", 4095, "esp");
	put_partition(&y, "aaaaaaaa-0000-0000-0000-000000000002", 8191, "root");
	add_bytes(&a, 5, EV_EFI_GPT_EVENT, &x);
	add_bytes(&b, 5, EV_EFI_GPT_EVENT, &y);
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 1);
	assert_non_null(strstr(r.d.items[0].description, "partition 2 added: "));
	assert_non_null(strstr(r.d.items[0].description, "name \"root\""));
	finish(&r, &a, &b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_line_is_told_word_by_word),
		cmocka_unit_test(db_is_told_by_its_signatures),
		cmocka_unit_test(an_enrolled_variable_is_told_too),
		cmocka_unit_test(another_variable_is_not_a_change),
		cmocka_unit_test(flags_and_orders_are_told),
		cmocka_unit_test(a_partition_table_is_told_by_partition),
		cmocka_unit_test(added_partitions_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
