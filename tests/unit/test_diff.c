/* Differences between logs, and their words. */
#include "eventlog/diff.h"

#include <stdio.h>

#include "tests/unit/certificate_sample.h"
#include "tests/unit/decode_writer.h"

static struct eventlog new_log(enum alg alg)
{
	struct eventlog log = EVENTLOG_INIT;

	log.algs[log.n_algs++] = (struct eventlog_alg){ algs[alg].tpm_id, algs[alg].len };
	return log;
}

/* An event whose digest is of measured. */
static void add(struct eventlog *log, uint32_t pcr, uint32_t type, const void *data, size_t n,
		const void *measured, size_t measured_n)
{
	struct event *ev = pool_push(&log->pool, &log->events, &log->n_events, &log->cap, sizeof *ev);
	uint8_t *entry = pool_array(&log->pool, 1, 2 + DIGEST_MAX);
	enum alg alg = alg_by_tpm_id(log->algs[0].id);
	struct digest d;

	assert_true(ev && entry);
	assert_int_equal(digest_of(alg, (struct slice){ measured, measured_n }, &d, NULL), 0);
	put_u16le(entry, algs[alg].tpm_id);
	memcpy(entry + 2, d.bytes, algs[alg].len);
	*ev = (struct event){
		.pcr = pcr,
		.type = type,
		.n_digests = 1,
		.digests = { entry, 2u + algs[alg].len },
		.data = { pool_copy(&log->pool, n ? data : "", n + (n == 0)), n },
	};
}

static void add_bytes(struct eventlog *log, uint32_t pcr, uint32_t type, const struct bytes *b)
{
	add(log, pcr, type, b->p, b->n, b->p, b->n);
}

static void add_text(struct eventlog *log, uint32_t pcr, uint32_t type, const char *text,
		     const char *measured)
{
	add(log, pcr, type, text, strlen(text), measured, strlen(measured));
}

static void add_separator(struct eventlog *log, uint32_t pcr)
{
	add(log, pcr, EV_SEPARATOR, "\0\0\0", 4, "\0\0\0", 4);
}

/* The words of systemd-stub for what it measures: UTF-16 with a NUL. */
static void add_wide(struct eventlog *log, uint32_t pcr, const char *text, const char *measured)
{
	struct bytes b = { .n = 0 };

	put_utf16(&b, text);
	put16(&b, 0);
	if (measured)
		add(log, pcr, EV_IPL, b.p, b.n, measured, strlen(measured));
	else
		add_bytes(log, pcr, EV_IPL, &b);
}

static void add_section(struct eventlog *log, const char *name, const char *content)
{
	add_wide(log, 11, name, name);
	add_wide(log, 11, name, content);
}

static void add_variable(struct eventlog *log, uint32_t pcr, uint32_t type, const char *guid,
			 const char *name, const void *data, size_t n)
{
	struct bytes b = { .n = 0 };

	put_variable(&b, guid, name, data, n);
	add_bytes(log, pcr, type, &b);
}

/* UEFI_IMAGE_LOAD_EVENT; path in hex, the file of put_path behind it. */
static void add_image(struct eventlog *log, uint64_t address, uint64_t len, const char *way, const char *file,
		      const char *content)
{
	struct bytes path = { .n = 0 }, b = { .n = 0 };

	put_hex(&path, way);
	put8(&path, 4);
	put8(&path, 4);
	put16(&path, (uint16_t)(4 + 2 * strlen(file) + 2));
	put_utf16(&path, file);
	put16(&path, 0);
	put_hex(&path, "7fff0400");
	put64(&b, address);
	put64(&b, len);
	put64(&b, 0);
	put64(&b, path.n);
	put(&b, path.p, path.n);
	add(log, 4, EV_EFI_BOOT_SERVICES_APPLICATION, b.p, b.n, content, strlen(content));
}

struct result {
	struct pool pool;
	struct log_diff d;
};

static void compare(struct result *r, const struct eventlog *a, const struct eventlog *b)
{
	struct pcrcast_error e = { .msg = "" };

	r->pool = POOL_INIT;
	if (eventlog_diff(&r->pool, a, b, NULL, &r->d, &e) < 0)
		fail_msg("%s", e.msg);
}

static void finish(struct result *r, struct eventlog *a, struct eventlog *b)
{
	pool_done(&r->pool);
	eventlog_done(a);
	eventlog_done(b);
}

static void assert_item(const struct result *r, size_t i, enum change change, size_t a, size_t b,
			const char *description)
{
	assert_true(i < r->d.n);
	assert_int_equal(r->d.items[i].change, change);
	assert_int_equal(r->d.items[i].a, a);
	assert_int_equal(r->d.items[i].b, b);
	if (description)
		assert_string_equal(r->d.items[i].description, description);
}

/* The only difference of two logs; they are done with. */
static void assert_only(struct eventlog *a, struct eventlog *b, enum change change, const char *description)
{
	struct result r;

	compare(&r, a, b);
	assert_int_equal(r.d.n, 1);
	assert_int_equal(r.d.items[0].change, change);
	assert_string_equal(r.d.items[0].description, description);
	finish(&r, a, b);
}

static void equal_logs_do_not_differ(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct result r;

	(void)state;
	add_separator(&a, 0);
	add_text(&a, 4, EV_EFI_ACTION, "Calling", "Calling");
	add_text(&b, 4, EV_EFI_ACTION, "Calling",
		 "Calling"); /* the order between registers does not matter */
	add_separator(&b, 0);
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 0);
	assert_int_equal(r.d.n_not_compared, 0);
	finish(&r, &a, &b);
}

static void an_empty_log_has_nothing(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = EVENTLOG_INIT;
	struct result r;

	(void)state;
	add_separator(&a, 0);
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 0); /* it tells of no register */
	assert_int_equal(r.d.n_not_compared, 1);
	finish(&r, &a, &b);
}

static void insertions_and_removals_are_found_where_they_are(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	static const char *const in_a[] = { "one", "two", "gone", "three" }, *const in_b[] = { "one", "new",
											       "two", "three",
											       "last" };
	struct result r;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		add_text(&a, 4, EV_EFI_ACTION, in_a[i], in_a[i]);
	for (size_t i = 0; i < 5; i++)
		add_text(&b, 4, EV_EFI_ACTION, in_b[i], in_b[i]);
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 3);
	assert_item(&r, 0, CHANGE_ADDED, SIZE_MAX, 1,
		    "new: digest 11507a0e2f5e…"); /* printf new | sha256sum */
	assert_item(&r, 1, CHANGE_REMOVED, 2, SIZE_MAX, NULL);
	assert_item(&r, 2, CHANGE_ADDED, SIZE_MAX, 4, NULL);
	finish(&r, &a, &b);
}

static void another_order_is_a_move(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct result r;

	(void)state;
	add_text(&a, 4, EV_EFI_ACTION, "one", "one");
	add_text(&a, 4, EV_EFI_ACTION, "two", "two");
	add_text(&b, 4, EV_EFI_ACTION, "two", "two");
	add_text(&b, 4, EV_EFI_ACTION, "one", "one");
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 1);
	assert_int_equal(r.d.items[0].change, CHANGE_MOVED);
	assert_string_equal(r.d.items[0].description, "one: place 1 → 2 in the register");
	finish(&r, &a, &b);
}

static void an_image_is_named_by_its_file(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);

	(void)state;
	add_image(&a, 0x1000, 10, "02010c00d041030a00000000", "\\EFI\\a.efi", "old");
	add_image(&b, 0x2000, 12, "02010c00d041030a00000000", "\\EFI\\a.efi", "new");
	/* printf old | sha256sum, printf new | sha256sum */
	assert_only(&a, &b, CHANGE_CHANGED,
		    "boot application \\EFI\\a.efi: digest cba06b5736fa… → 11507a0e2f5e…, length 10 → 12");
}

static void an_image_is_the_same_wherever_it_lay(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct result r;

	(void)state;
	add_image(&a, 0, 10, "", "\\EFI\\a.efi", "x"); /* as a prediction has it */
	add_image(&b, 0x2000, 10, "02010c00d041030a00000000", "\\efi\\A.EFI", "x");
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 0);
	finish(&r, &a, &b);
}

static void files_are_found_again_behind_an_inserted_one(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct result r;

	(void)state;
	add_image(&a, 0, 10, "", "\\EFI\\Linux\\a.efi", "a");
	add_image(&b, 0, 10, "", "\\EFI\\BOOT\\loader.efi", "loader");
	add_image(&b, 0, 10, "", "\\efi\\linux\\A.efi", "other");
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 2);
	assert_item(&r, 0, CHANGE_CHANGED, 0, 1, NULL);
	assert_item(&r, 1, CHANGE_ADDED, SIZE_MAX, 0, NULL);
	finish(&r, &a, &b);
}

static void a_new_file_in_the_directory_stands_in(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);

	(void)state;
	add_image(&a, 0, 10, "", "\\EFI\\Linux\\a-1.efi", "old");
	add_image(&b, 0, 10, "", "\\EFI\\Linux\\a-2.efi", "new");
	assert_only(&a, &b, CHANGE_CHANGED,
		    "boot application \\EFI\\Linux\\a-2.efi: digest cba06b5736fa… → 11507a0e2f5e…, "
		    "file \"\\EFI\\Linux\\a-1.efi\" → \"\\EFI\\Linux\\a-2.efi\"");

	a = new_log(ALG_SHA256);
	b = new_log(ALG_SHA256);
	struct result r;
	add_image(&a, 0, 10, "", "\\EFI\\Linux\\a.efi", "old");
	add_image(&b, 0, 10, "", "\\EFI\\BOOT\\b.efi", "new");
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 2);
	finish(&r, &a, &b);
}

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

static void a_name_of_something_else_is_not_a_change(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct result r;

	(void)state;
	add_wide(&a, 12, "Credentials initrd", "cpio");
	add_wide(&b, 12, "Global credentials initrd", "other");
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 2);
	finish(&r, &a, &b);
}

static void a_section_counts_once(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct result r;

	(void)state;
	add_section(&a, ".linux", "same");
	add_section(&a, ".osrel", "old");
	add_section(&b, ".linux", "same");
	add_section(&b, ".osrel", "new");
	add_section(&b, ".splash", "picture");
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 2);
	assert_item(&r, 0, CHANGE_CHANGED, 3, 3, "section .osrel: digest cba06b5736fa… → 11507a0e2f5e…");
	assert_item(&r, 1, CHANGE_ADDED, SIZE_MAX, 5, NULL);
	finish(&r, &a, &b);
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

/* ---- what is compared ---- */

static void a_prediction_tells_of_its_registers_only(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	uint32_t pcrs = 1u << 12;
	struct result r;

	(void)state;
	add_separator(&a, 4);
	add_separator(&b, 0);
	add_separator(&b, 4);
	add_wide(&b, 12, "debug", NULL);
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 0);
	assert_int_equal(r.d.n_not_compared, 2);
	assert_int_equal(r.d.not_compared[0].pcr, 0);
	assert_int_equal(r.d.not_compared[1].pcr, 12);
	assert_int_equal(r.d.not_compared[1].n_a, 0);
	assert_int_equal(r.d.not_compared[1].n_b, 1);
	assert_int_equal(eventlog_diff(&r.pool, &a, &b, &pcrs, &r.d, NULL), 0);
	assert_int_equal(r.d.n, 1);
	assert_int_equal(r.d.n_not_compared, 0);
	assert_item(&r, 0, CHANGE_ADDED, SIZE_MAX, 2, NULL);
	finish(&r, &a, &b);
}

static void whole_logs_tell_of_every_register(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct result r;

	(void)state;
	add_separator(&a, 0);
	add_separator(&b, 0);
	add_wide(&b, 12, "debug", NULL);
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 1);
	assert_int_equal(r.d.n_not_compared, 0);
	finish(&r, &a, &b);
}

static void two_predictions_differ_in_their_registers(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct result r;

	(void)state;
	add_separator(&a, 4);
	add_separator(&b, 4);
	add_wide(&b, 12, "debug", NULL);
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 1);
	finish(&r, &a, &b);
}

static void the_startup_locality_is_compared_by_its_payload(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct result r;

	(void)state;
	add(&a, 0, EV_NO_ACTION, "StartupLocality\0\0", 17, "", 0);
	add(&b, 0, EV_NO_ACTION, "StartupLocality\0\3", 17, "", 0);
	add_separator(&a, 0);
	add_separator(&b, 0);
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 1);
	assert_item(&r, 0, CHANGE_CHANGED, 0, 0, NULL);
	finish(&r, &a, &b);
}

static void logs_that_cannot_be_compared_are_refused(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA1), cc = new_log(ALG_SHA256);
	struct pool pool = POOL_INIT;
	struct log_diff d;

	(void)state;
	add_separator(&a, 0);
	add_separator(&b, 0);
	assert_int_equal(eventlog_diff(&pool, &a, &b, NULL, &d, NULL), -PCRCAST_EINVAL);
	cc.kind = EVENTLOG_CC;
	add_separator(&cc, 1);
	assert_int_equal(eventlog_diff(&pool, &a, &cc, NULL, &d, NULL), -PCRCAST_EINVAL);
	pool_done(&pool);
	eventlog_done(&a);
	eventlog_done(&b);
	eventlog_done(&cc);
}

/* ---- long logs ---- */

enum { MANY = 20000, EVERY = 7 };

static void add_numbered(struct eventlog *log, const char *kind, unsigned number)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%s%u", kind, number);
	add(log, 10, EV_ACTION, text, strlen(text), text, strlen(text));
}

static void long_logs_are_aligned(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	size_t added = 0, removed = 0;
	struct result r;

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		add_numbered(&a, "event ", i);
		add_numbered(&b, i % EVERY ? "event " : "other ", i);
	}
	compare(&r, &a, &b);
	for (size_t i = 0; i < r.d.n; i++) {
		added += r.d.items[i].change == CHANGE_ADDED;
		removed += r.d.items[i].change == CHANGE_REMOVED;
	}
	assert_int_equal(added, (MANY + EVERY - 1) / EVERY);
	assert_int_equal(removed, added);
	assert_int_equal(r.d.n, added + removed);
	finish(&r, &a, &b);
}

static void long_logs_may_have_nothing_in_common(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct result r;

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		add_numbered(&a, "a", i);
		add_numbered(&b, "b", i);
	}
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 2 * MANY);
	finish(&r, &a, &b);
}

static void repeated_events_are_aligned_too(void **state)
{
	struct eventlog a = new_log(ALG_SHA256), b = new_log(ALG_SHA256);
	struct result r;

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		add_numbered(&a, "x", i % 3);
		add_numbered(&b, "x", i % 3);
	}
	add_numbered(&a, "end", 0);
	compare(&r, &a, &b);
	assert_int_equal(r.d.n, 1);
	assert_item(&r, 0, CHANGE_REMOVED, MANY, SIZE_MAX, NULL);
	finish(&r, &a, &b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_logs_do_not_differ),
		cmocka_unit_test(an_empty_log_has_nothing),
		cmocka_unit_test(insertions_and_removals_are_found_where_they_are),
		cmocka_unit_test(another_order_is_a_move),
		cmocka_unit_test(an_image_is_named_by_its_file),
		cmocka_unit_test(an_image_is_the_same_wherever_it_lay),
		cmocka_unit_test(files_are_found_again_behind_an_inserted_one),
		cmocka_unit_test(a_new_file_in_the_directory_stands_in),
		cmocka_unit_test(a_command_line_is_told_word_by_word),
		cmocka_unit_test(a_name_of_something_else_is_not_a_change),
		cmocka_unit_test(a_section_counts_once),
		cmocka_unit_test(db_is_told_by_its_signatures),
		cmocka_unit_test(an_enrolled_variable_is_told_too),
		cmocka_unit_test(another_variable_is_not_a_change),
		cmocka_unit_test(flags_and_orders_are_told),
		cmocka_unit_test(a_partition_table_is_told_by_partition),
		cmocka_unit_test(added_partitions_are_told),
		cmocka_unit_test(a_prediction_tells_of_its_registers_only),
		cmocka_unit_test(whole_logs_tell_of_every_register),
		cmocka_unit_test(two_predictions_differ_in_their_registers),
		cmocka_unit_test(the_startup_locality_is_compared_by_its_payload),
		cmocka_unit_test(logs_that_cannot_be_compared_are_refused),
		cmocka_unit_test(long_logs_are_aligned),
		cmocka_unit_test(long_logs_may_have_nothing_in_common),
		cmocka_unit_test(repeated_events_are_aligned_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
