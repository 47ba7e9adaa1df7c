/* What leads to the kernel: variables, images, partition tables, boot loaders' texts and tags. */
#include "decode_writer.h"

#include "certificate_sample.h"

enum { DIGESTS = 34 }; /* u16 algorithm, SHA-256 */

static struct event variable_event(uint32_t type)
{
	return (struct event){ .type = type, .pcr = 7 };
}

static void flags_and_absent_variables(void **state)
{
	static const struct {
		const char *name, *data, *summary;
	} rows[] = {
		{ "SecureBoot", "00", "SecureBoot: off" },
		{ "SecureBoot", "01", "SecureBoot: on" },
		{ "SecureBoot", "02", "SecureBoot: neither on nor off" },
		{ "SecureBoot", "", "SecureBoot: not set" },
		{ "PK", "", "PK: not set" },
		{ "BootOrder", "01000a00", "BootOrder: 0001, 000A" },
		{ "BootNext", "0300", "BootNext: 0003" },
		{ "Setup", "00ff", "Setup: 2 bytes" },
		{ "Lang", "656e00", "Lang: en" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bytes b = { .n = 0 }, data = { .n = 0 };
		struct decoding x;

		put_hex(&data, rows[i].data);
		put_variable(&b, GLOBAL_GUID, rows[i].name, data.p, data.n);
		decode(&x, EV_EFI_VARIABLE_DRIVER_CONFIG, 7, &b);
		assert_summary(&x, rows[i].summary);
		assert_text(&x, "unicodeName", rows[i].name);
		assert_text(&x, "vendor", "EFI Global Variable");
		assert_int_equal(x.d.trouble != NULL, strcmp(rows[i].name, "Setup") == 0);
		decoding_done(&x);
		try_truncations(variable_event(EV_EFI_VARIABLE_DRIVER_CONFIG), &b, true);
	}
}

static void put_x509_list(struct bytes *b, const struct bytes *der)
{
	put_guid(b, "a5c059a1-94e4-4aa7-87b5-ab155c2bf072");
	put32(b, (uint32_t)(28 + 16 + der->n));
	put32(b, 0);
	put32(b, (uint32_t)(16 + der->n));
	put_guid(b, SHIM_GUID);
	put(b, der->p, der->n);
}

static void signature_lists_name_certificates_and_hashes(void **state)
{
	struct bytes der = { .n = 0 }, db = { .n = 0 }, b = { .n = 0 }, sha = { .n = 0 };
	struct decoding x;

	(void)state;
	put_hex(&der, sample_certificate);
	put_hex(&sha, sample_sha256);
	put_x509_list(&db, &der);
	put_guid(&db, "c1c41626-504c-4092-aca9-41f936934328");
	put32(&db, 28 + 2 * 48);
	put32(&db, 0);
	put32(&db, 48);
	for (int i = 1; i <= 2; i++) {
		put_guid(&db, SECURITY_GUID);
		put_fill(&db, (uint8_t)i, 32);
	}
	put_variable(&b, SECURITY_GUID, "db", db.p, db.n);
	decode(&x, EV_EFI_VARIABLE_DRIVER_CONFIG, 7, &b);
	assert_summary(&x, "db: 1 certificate (Test\\, db), 2 hashes");
	assert_text(&x, "signatureLists/0/signatureType", "x509");
	assert_text(&x, "signatureLists/0/signatures/0/subject", sample_subject);
	assert_text(&x, "signatureLists/0/signatures/0/ownerName", "shim");
	assert_bytes(&x, "signatureLists/0/signatures/0/certificateSha256", sha.p, 32);
	assert_int_equal(at(&x, "signatureLists/1/signatures/1/digest")->bytes.p[0], 2);
	assert_null(x.d.trouble);
	decoding_done(&x);

	/* the variable is whole, its last list is not: what is sound is shown */
	b.n = 0;
	put_variable(&b, SECURITY_GUID, "db", db.p, db.n - 1);
	decode(&x, EV_EFI_VARIABLE_DRIVER_CONFIG, 7, &b);
	assert_summary(&x, "db: 1 certificate (Test\\, db)");
	assert_string_equal(x.d.trouble, "signature list of 124 bytes, expected 28 to 123");
	assert_int_equal(x.d.rest.n, 123);
	decoding_done(&x);

	/* a certificate that is none */
	b.n = 0;
	db.p[28 + 16] = 0;
	put_variable(&b, SECURITY_GUID, "db", db.p, db.n);
	decode(&x, EV_EFI_VARIABLE_DRIVER_CONFIG, 7, &b);
	assert_summary(&x, "db: 2 hashes, 1 other signature");
	assert_int_equal(at(&x, "signatureLists/0/signatures/0/signatureData")->bytes.n, der.n);
	decoding_done(&x);
}

static void revoked_certificates_have_a_time(void **state)
{
	struct bytes dbx = { .n = 0 }, b = { .n = 0 };
	struct decoding x;

	(void)state;
	put_guid(&dbx, "3bd2a492-96c0-4079-b420-fcf98ef103ed");
	put32(&dbx, 28 + 64);
	put32(&dbx, 0);
	put32(&dbx, 64);
	put_guid(&dbx, SHIM_GUID);
	put_fill(&dbx, 7, 32);
	put_hex(&dbx, "e907060f0c1e0500000000000000"
		      "0000");
	put_variable(&b, SECURITY_GUID, "dbx", dbx.p, dbx.n);
	decode(&x, EV_EFI_VARIABLE_DRIVER_CONFIG, 7, &b);
	assert_text(&x, "signatureLists/0/signatures/0/timeOfRevocation", "2025-06-15 12:30:05");
	decoding_done(&x);
}

static void authorities(void **state)
{
	struct bytes der = { .n = 0 }, data = { .n = 0 }, b = { .n = 0 };
	struct decoding x;

	(void)state;
	put_hex(&der, sample_certificate);
	put_guid(&data, SHIM_GUID);
	put(&data, der.p, der.n);
	put_variable(&b, SECURITY_GUID, "db", data.p, data.n);
	decode(&x, EV_EFI_VARIABLE_AUTHORITY, 7, &b);
	assert_summary(&x, "db: authority Test\\, db");
	assert_text(&x, "ownerName", "shim");
	assert_null(x.d.trouble);
	decoding_done(&x);

	/* shim's own certificate has no owner; before 15.2 the event is six bytes longer than the variable */
	b.n = 0;
	put_variable(&b, SHIM_GUID, "Shim", der.p, der.n);
	put_hex(&b, "a1a2a3a4a5a6");
	decode(&x, EV_EFI_VARIABLE_AUTHORITY, 7, &b);
	assert_summary(&x, "Shim: authority Test\\, db");
	assert_int_equal(at(&x, "trailingBytes")->bytes.n, 6);
	assert_null(x.d.trouble);
	decoding_done(&x);
	decode(&x, EV_EFI_VARIABLE_DRIVER_CONFIG, 7, &b);
	assert_non_null(x.d.trouble);
	decoding_done(&x);

	b.n = data.n = 0;
	put_guid(&data, SHIM_GUID);
	put_fill(&data, 3, 32);
	put_variable(&b, SECURITY_GUID, "db", data.p, data.n);
	decode(&x, EV_EFI_VARIABLE_AUTHORITY, 7, &b);
	assert_summary(&x, "db: authority is a hash");
	decoding_done(&x);

	b.n = 0;
	put_variable(&b, SHIM_GUID, "SbatLevel", "sbat,1,2021030218\n", 18);
	decode(&x, EV_EFI_VARIABLE_AUTHORITY, 7, &b);
	assert_summary(&x, "SbatLevel: sbat,1,2021030218");
	assert_text(&x, "string", "sbat,1,2021030218\n");
	decoding_done(&x);
}

static void load_options(void **state)
{
	struct bytes path = { .n = 0 }, o = { .n = 0 }, b = { .n = 0 };
	struct decoding x;

	(void)state;
	put_path(&path);
	put32(&o, 0);
	put16(&o, (uint16_t)(2 * path.n));
	put_utf16(&o, "Linux");
	put16(&o, 0);
	put(&o, path.p, path.n);
	put(&o, path.p, path.n);
	put_utf16(&o, "quiet");
	put_variable(&b, GLOBAL_GUID, "Boot001F", o.p, o.n);
	decode(&x, EV_EFI_VARIABLE_BOOT, 1, &b);
	assert_summary(&x, "Boot001F: \"Linux\" (not active) \\EFI\\a.efi");
	assert_text(&x, "loadOption/devicePaths/1", "PciRoot(0x0)/Pci(0x1,0x2)/\\EFI\\a.efi");
	assert_text(&x, "loadOption/optionalData", "quiet");
	assert_null(x.d.trouble);
	decoding_done(&x);
	try_truncations(variable_event(EV_EFI_VARIABLE_BOOT), &b, true);

	/* a variable that only looks like one */
	b.n = 0;
	put_variable(&b, GLOBAL_GUID, "BootXYZ1", o.p, o.n);
	decode(&x, EV_EFI_VARIABLE_BOOT, 1, &b);
	assert_summary(&x, "BootXYZ1: 128 bytes");
	assert_non_null(x.d.trouble);
	decoding_done(&x);
}

static void images(void **state)
{
	struct bytes path = { .n = 0 }, b = { .n = 0 };
	struct decoding x;

	(void)state;
	put_path(&path);
	put64(&b, 0x1000);
	put64(&b, 12345);
	put64(&b, 0x400000);
	put64(&b, path.n);
	put(&b, path.p, path.n);
	decode(&x, EV_EFI_BOOT_SERVICES_APPLICATION, 4, &b);
	assert_summary(&x, "application \\EFI\\a.efi, 12345 bytes");
	assert_text(&x, "devicePath", "PciRoot(0x0)/Pci(0x1,0x2)/\\EFI\\a.efi");
	assert_number(&x, "imageLengthInMemory", 12345);
	assert_null(x.d.trouble);
	decoding_done(&x);
	try_truncations(variable_event(EV_EFI_BOOT_SERVICES_DRIVER), &b, true);

	/* 32-bit firmware */
	b.n = 0;
	put64(&b, 0x1000);
	put32(&b, 12345);
	put32(&b, 0);
	put32(&b, (uint32_t)path.n);
	put(&b, path.p, path.n);
	decode(&x, EV_EFI_RUNTIME_SERVICES_DRIVER, 2, &b);
	assert_summary(&x, "runtime driver \\EFI\\a.efi, 12345 bytes");
	decoding_done(&x);

	/* shim before 15.2 */
	b.n = 0;
	put_fill(&b, 0, 32);
	put_fill(&b, 0xaf, 9);
	decode(&x, EV_EFI_BOOT_SERVICES_APPLICATION, 4, &b);
	assert_null(x.d.trouble);
	assert_int_equal(at(&x, "trailingBytes")->bytes.n, 9);
	decoding_done(&x);

	/* a hostile length */
	b.n = 24;
	put64(&b, UINT64_MAX);
	decode(&x, EV_EFI_BOOT_SERVICES_APPLICATION, 4, &b);
	assert_string_equal(x.d.trouble, "a device path of 18446744073709551615 bytes where 0 are left");
	decoding_done(&x);
}

static void partition_tables(void **state)
{
	struct bytes b = { .n = 0 };
	struct decoding x;

	(void)state;
	put_text(&b, "EFI PART");
	put32(&b, 0x10000);
	put32(&b, 92);
	put_fill(&b, 0, 8);
	put64(&b, 1);
	put64(&b, 99);
	put64(&b, 34);
	put64(&b, 66);
	put_guid(&b, "11111111-2222-3333-4444-555555555555");
	put64(&b, 2);
	put32(&b, 128);
	put32(&b, 128);
	put32(&b, 0);
	put64(&b, 2);
	for (int i = 0; i < 2; i++) {
		size_t from = b.n;

		put_guid(&b,
			 i ? "12345678-0000-0000-0000-000000000000" : "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
		put_guid(&b, "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee");
		put64(&b, 40);
		put64(&b, 50);
		put64(&b, 1);
		put_utf16(&b, i ? "" : "ESP");
		put_fill(&b, 0, 128 - (b.n - from));
	}
	decode(&x, EV_EFI_GPT_EVENT, 5, &b);
	assert_summary(
		&x,
		"partition table of disk 11111111-2222-3333-4444-555555555555, 2 partitions: ESP, unnamed");
	assert_text(&x, "partitions/0/partitionTypeName", "EFI system");
	assert_number(&x, "partitions/1/endingLba", 50);
	assert_null(x.d.trouble);
	decoding_done(&x);
	try_truncations((struct event){ .type = EV_EFI_GPT_EVENT }, &b, true);

	/* more entries than there are, and entries of no size */
	put_u64le(b.p + 92, UINT64_MAX);
	decode(&x, EV_EFI_GPT_EVENT, 5, &b);
	assert_non_null(x.d.trouble);
	decoding_done(&x);
	put_u64le(b.p + 92, 2);
	put_u32le(b.p + 84, 0);
	decode(&x, EV_EFI_GPT_EVENT2, 5, &b);
	assert_non_null(x.d.trouble);
	decoding_done(&x);
}

static void texts_of_boot_loaders(void **state)
{
	static const struct {
		uint32_t pcr;
		const char *text; /* as it is with its NUL, or UTF-16 with one */
		bool wide;
		const char *summary;
	} rows[] = {
		{ 8, "grub_cmd: linux /vmlinuz", false, "GRUB command: linux /vmlinuz" },
		{ 8, "kernel_cmdline: /vmlinuz root=/dev/sda1", false,
		  "GRUB kernel command line: /vmlinuz root=/dev/sda1" },
		{ 8, "grub_kernel_cmdline (hd0,gpt2)/vmlinuz ro", false,
		  "GRUB kernel command line: (hd0,gpt2)/vmlinuz ro" },
		{ 9, "(hd0,gpt2)/grub/grub.cfg", false, "GRUB file: (hd0,gpt2)/grub/grub.cfg" },
		{ 14, "MokListX", false, "shim variable: MokListX" },
		{ 11, ".linux", true, "systemd-stub section content: .linux" },
		{ 12, "quiet splash", true, "command line: quiet splash" },
		{ 13, "System extension initrd", true, "systemd-stub initrd: System extension initrd" },
		{ 3, "something", false, "something" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bytes b = { .n = 0 };
		struct decoding x;

		if (rows[i].wide) {
			put_utf16(&b, rows[i].text);
			put16(&b, 0);
		} else {
			put(&b, rows[i].text, strlen(rows[i].text) + 1);
		}
		decode(&x, EV_IPL, rows[i].pcr, &b);
		assert_summary(&x, rows[i].summary);
		assert_null(x.d.trouble);
		decoding_done(&x);
	}

	/* with the digest of the name and its NUL: printf '.linux\0' | sha256sum */
	struct bytes b = { .n = 0 }, digests = { .n = 0 };
	struct decoding x;
	put_utf16(&b, ".linux");
	put16(&b, 0);
	put16(&digests, 0x000b);
	put_hex(&digests, "0da293e37ad5511c59be47993769aacb91b243f7d010288e118dc90e95aaef5a");
	decode_as(&x,
		  (struct event){
			  .type = EV_IPL, .pcr = 11, .n_digests = 1, .digests = { digests.p, DIGESTS } },
		  b.p, b.n);
	assert_summary(&x, "systemd-stub section name: .linux");
	decoding_done(&x);

	/* a stray byte in place of the NUL, as GRUB on Alibaba Cloud logs it */
	b.n = 0;
	put(&b, "grub_cmd [  ]\0`", 15);
	decode(&x, EV_IPL, 8, &b);
	assert_summary(&x, "GRUB command: [  ]");
	assert_string_equal(x.d.trouble, "1 bytes behind the NUL of the text");
	decoding_done(&x);
}

static void tags(void **state)
{
	struct bytes b = { .n = 0 };
	struct decoding x;

	(void)state;
	put32(&b, 0x8f3b22ed);
	put32(&b, 26);
	put(&b, "LOADED_IMAGE::LoadOptions", 26);
	decode(&x, EV_EVENT_TAG, 9, &b);
	assert_summary(&x, "Linux load options: LOADED_IMAGE::LoadOptions");
	assert_null(x.d.trouble);
	decoding_done(&x);
	try_truncations((struct event){ .type = EV_EVENT_TAG }, &b, false);

	b.n = 0;
	put32(&b, 0x13aed6db);
	put32(&b, 4);
	put_utf16(&b, "2");
	put16(&b, 0);
	decode(&x, EV_EVENT_TAG, 12, &b);
	assert_summary(&x, "systemd-stub profile: 2");
	decoding_done(&x);

	/* two in one event, the second unknown */
	put32(&b, 0x30000001);
	put32(&b, 2);
	put_hex(&b, "0001");
	decode(&x, EV_EVENT_TAG, 12, &b);
	assert_number(&x, "taggedEvents/1/taggedEventId", 0x30000001);
	assert_string_equal(x.d.trouble, "tag 0x30000001 is not known");
	assert_int_equal(x.d.rest.n, 2);
	decoding_done(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_and_absent_variables),
		cmocka_unit_test(signature_lists_name_certificates_and_hashes),
		cmocka_unit_test(revoked_certificates_have_a_time),
		cmocka_unit_test(authorities),
		cmocka_unit_test(load_options),
		cmocka_unit_test(images),
		cmocka_unit_test(partition_tables),
		cmocka_unit_test(texts_of_boot_loaders),
		cmocka_unit_test(tags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
