/* What firmware logs about itself: EV_NO_ACTION, blobs, tables, strings, separators, SPDM. */
#include "decode_writer.h"

static const struct event no_action = { .type = EV_NO_ACTION };

static void startup_locality(void **state)
{
	struct bytes b = { .n = 0 };
	struct decoding x;

	(void)state;
	put(&b, "StartupLocality", 16);
	put8(&b, 3);
	decode(&x, EV_NO_ACTION, 0, &b);
	assert_text(&x, "signature", "StartupLocality");
	assert_number(&x, "startupLocality", 3);
	assert_summary(&x, "startup locality 3");
	assert_null(x.d.trouble);
	decoding_done(&x);
	try_truncations(no_action, &b, false);

	put8(&b, 9);
	decode(&x, EV_NO_ACTION, 0, &b);
	assert_string_equal(x.d.trouble, "1 bytes behind the end of the startup locality");
	assert_int_equal(x.d.rest.n, 1);
	decoding_done(&x);
}

static void spec_id(void **state)
{
	struct bytes b = { .n = 0 };
	struct decoding x;

	(void)state;
	put(&b, "Spec ID Event03", 16);
	put_hex(&b, "01000000"
		    "00"
		    "02"
		    "69"
		    "02"
		    "02000000"
		    "0b002000"
		    "12002000"
		    "02"
		    "abcd");
	decode(&x, EV_NO_ACTION, 0, &b);
	assert_summary(&x, "log header: specification 2.0 errata 105, server platform");
	assert_text(&x, "digestSizes/0/algorithm", "sha256");
	assert_number(&x, "digestSizes/1/algorithmId", 0x12);
	assert_bytes(&x, "vendorInfo", "\xab\xcd", 2);
	assert_null(x.d.trouble);
	decoding_done(&x);
	try_truncations(no_action, &b, false);

	/* a count that the event cannot hold */
	memset(b.p + 24, 0xff, 4);
	decode(&x, EV_NO_ACTION, 0, &b);
	assert_string_equal(x.d.trouble, "the Spec ID event is cut short");
	decoding_done(&x);
}

static void hcrtm_component(void **state)
{
	struct bytes b = { .n = 0 };
	struct decoding x;

	(void)state;
	put(&b, "H-CRTM CompMeas", 16);
	put8(&b, 3);
	put_text(&b, "ACM");
	put8(&b, 0);
	put16(&b, 34);
	put_hex(&b, "000b"); /* TPMT_HA is big endian */
	put_fill(&b, 0x5a, 32);
	decode(&x, EV_NO_ACTION, 0, &b);
	assert_summary(&x, "H-CRTM component ACM");
	assert_text(&x, "algorithm", "sha256");
	assert_int_equal(at(&x, "digest")->bytes.n, 32);
	assert_null(x.d.trouble);
	decoding_done(&x);
	try_truncations(no_action, &b, false);
}

static void reference_manifests(void **state)
{
	struct bytes b = { .n = 0 };
	struct decoding x;

	(void)state;
	put_text(&b, "SP800-155 Event3");
	put32(&b, 11129);
	put_guid(&b, "016b3e8a-061f-488f-a169-091994700e84");
	put_hex(&b, "0241"
		    "00"
		    "0242"
		    "00"
		    "0131"
		    "0143"); /* "A", "B", "1", "C" with and without NUL */
	put32(&b, 5);
	put_hex(&b, "0132");
	put32(&b, 1);
	put32(&b, 8);
	put_text(&b, "http://x");
	put32(&b, 3);
	put32(&b, 16 + 4);
	put_guid(&b, GLOBAL_GUID);
	put_utf16(&b, "R");
	put16(&b, 0);
	size_t whole = b.n;
	decode(&x, EV_NO_ACTION, 0, &b);
	assert_summary(&x, "reference manifest 016b3e8a-061f-488f-a169-091994700e84 for A B");
	assert_number(&x, "vendorId", 11129);
	assert_text(&x, "firmwareVersion", "2");
	assert_text(&x, "rimLocator/uri", "http://x");
	assert_text(&x, "platformCertLocator/unicodeName", "R");
	assert_null(x.d.trouble);
	decoding_done(&x);
	try_truncations(no_action, &b, false);

	/* Google's firmware pads with zeros */
	put_fill(&b, 0, 6);
	decode(&x, EV_NO_ACTION, 0, &b);
	assert_null(x.d.trouble);
	assert_int_equal(at(&x, "padding")->bytes.n, 6);
	decoding_done(&x);
	b.p[whole] = 1;
	decode(&x, EV_NO_ACTION, 0, &b);
	assert_string_equal(x.d.trouble, "6 bytes behind the end of the reference manifest");
	decoding_done(&x);
}

static void put_device_security2(struct bytes *b)
{
	struct bytes path = { .n = 0 };

	put_path(&path);
	put_text(b, "SPDM Device Sec2");
	put16(b, 2);
	put8(b, 1);
	put8(b, 0);
	put32(b, 0);
	put32(b, 1); /* PCI */
	put32(b, 0); /* measurement block */
	put32(b, 8 + 4 + 3 + 2);
	put64(b, 77);
	put64(b, path.n);
	put(b, path.p, path.n);
	put_hex(b, "1200"
		   "01"
		   "00"
		   "02000000"); /* SPDM 1.2, one block */
	put_hex(b, "01"
		   "01"
		   "0500"
		   "00"
		   "0200"
		   "beef");
	put_hex(b, "0000"
		   "1400"
		   "8680"
		   "3412"
		   "05"
		   "000002"
		   "0000"
		   "0000");
}

static void spdm_measurements(void **state)
{
	struct bytes b = { .n = 0 };
	struct decoding x;

	(void)state;
	put_device_security2(&b);
	decode(&x, EV_EFI_SPDM_DEVICE_BLOB, 2, &b);
	assert_null(x.d.trouble);
	assert_text(&x, "authStateName", "no authentication");
	assert_text(&x, "file", "\\EFI\\a.efi");
	assert_bytes(&x, "measurementBlock/value", "\xbe\xef", 2);
	assert_number(&x, "deviceContext/deviceId", 0x1234);
	assert_summary(&x, "SPDM measurement of \\EFI\\a.efi, PCI device 8086:1234");
	decoding_done(&x);
	try_truncations((struct event){ .type = EV_EFI_SPDM_DEVICE_BLOB }, &b, false);

	struct bytes nv = { .n = 0 };
	put(&nv, "NvIndexInstance", 16);
	put16(&nv, 1);
	put_fill(&nv, 0, 6);
	put(&nv, b.p, b.n);
	decode(&x, EV_NO_ACTION, 0x01c40200, &nv);
	assert_null(x.d.trouble);
	assert_number(&x, "subHeaderUid", 77);
	decoding_done(&x);

	nv.n = 0;
	put(&nv, "NvIndexDynamic ", 16);
	put16(&nv, 1);
	put_fill(&nv, 0, 6);
	put64(&nv, 5);
	put16(&nv, 15);
	put(&nv, "SPDM CHALLENGE", 15);
	put16(&nv, 2);
	put_hex(&nv, "0102");
	decode(&x, EV_NO_ACTION, 0x01c40201, &nv);
	assert_summary(&x, "NV index dynamic data: SPDM CHALLENGE");
	assert_bytes(&x, "data", "\x01\x02", 2);
	decoding_done(&x);
	try_truncations(no_action, &nv, false);

	b.n = 0;
	put(&b, "SPDM Device Sec", 16);
	put_hex(&b, "0100"
		    "0000"
		    "02000000"
		    "00000000"
		    "01010500"
		    "80"
		    "0200"
		    "beef");
	decode(&x, EV_EFI_SPDM_DEVICE_CONFIG, 3, &b);
	assert_null(x.d.trouble);
	assert_number(&x, "measurementBlock/isRaw", 1);
	decoding_done(&x);
}

static void separators(void **state)
{
	static const struct {
		const char *hex, *summary;
		bool error, trouble;
	} rows[] = {
		{ "00000000", "separator", false, false },
		{ "ffffffff", "separator (0xffffffff)", false, false },
		{ "01000000", "error separator: firmware met an error", true, false },
		{ "6661696c7572651b", "separator of 8 bytes", true, true },
		{ "6661696c757265", "error separator: failure", true, false },
		{ "ff", "separator of 1 bytes", true, true },
		{ "", "separator of 0 bytes", true, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bytes b = { .n = 0 };
		struct decoding x;

		put_hex(&b, rows[i].hex);
		decode(&x, EV_SEPARATOR, 0, &b);
		assert_summary(&x, rows[i].summary);
		assert_number(&x, "error", rows[i].error);
		assert_int_equal(x.d.trouble != NULL, rows[i].trouble);
		decoding_done(&x);
	}
	struct bytes wbcl = { .n = 0 };
	struct decoding x;
	put_text(&wbcl, "WBCL");
	decode(&x, EV_SEPARATOR, 12, &wbcl);
	assert_summary(&x, "separator of the Windows boot loader");
	decoding_done(&x);
}

static void blobs(void **state)
{
	struct bytes b = { .n = 0 };
	struct decoding x;

	(void)state;
	put64(&b, 0x820000);
	put64(&b, 0xe0000);
	decode(&x, EV_EFI_PLATFORM_FIRMWARE_BLOB, 0, &b);
	assert_number(&x, "blobBase", 0x820000);
	assert_summary(&x, "firmware blob, 917504 bytes at 0x820000");
	decoding_done(&x);
	decode(&x, EV_POST_CODE, 0, &b);
	assert_summary(&x, "blob, 917504 bytes at 0x820000");
	decoding_done(&x);

	struct bytes two = { .n = 0 };
	put8(&two, 5);
	put(&two, "Fv(1)", 5);
	put(&two, b.p, b.n);
	decode(&x, EV_EFI_PLATFORM_FIRMWARE_BLOB2, 0, &two);
	assert_text(&x, "blobDescription", "Fv(1)");
	assert_summary(&x, "firmware blob Fv(1), 917504 bytes at 0x820000");
	decoding_done(&x);
	try_truncations((struct event){ .type = EV_EFI_PLATFORM_FIRMWARE_BLOB2 }, &two, false);
}

static void handoff_tables(void **state)
{
	struct bytes b = { .n = 0 };
	struct decoding x;

	(void)state;
	put64(&b, 2);
	put_guid(&b, "f2fd1544-9794-4a2c-992e-e5bbcf20e394");
	put64(&b, 0x1000);
	put_guid(&b, "11111111-2222-3333-4444-555555555555");
	put64(&b, 0x2000);
	decode(&x, EV_EFI_HANDOFF_TABLES, 1, &b);
	assert_summary(&x, "2 tables: SMBIOS 3 11111111-2222-3333-4444-555555555555");
	assert_text(&x, "tables/0/name", "SMBIOS 3");
	assert_number(&x, "tables/1/vendorTable", 0x2000);
	assert_null(x.d.trouble);
	decoding_done(&x);
	try_truncations((struct event){ .type = EV_EFI_HANDOFF_TABLES }, &b, true);

	struct bytes two = { .n = 0 };
	put8(&two, 9);
	put(&two, "TdxTable", 9);
	put(&two, b.p, b.n);
	decode(&x, EV_EFI_HANDOFF_TABLES2, 1, &two);
	assert_text(&x, "tableDescription", "TdxTable");
	assert_number(&x, "numberOfTables", 2);
	decoding_done(&x);

	/* a count that the event cannot hold */
	memset(b.p, 0xff, 8);
	decode(&x, EV_EFI_HANDOFF_TABLES, 1, &b);
	assert_non_null(x.d.trouble);
	assert_int_equal(x.d.rest.n, b.n);
	decoding_done(&x);
}

static void strings(void **state)
{
	struct bytes b = { .n = 0 };
	struct decoding x;

	(void)state;
	put_utf16(&b, "GCE v2");
	put16(&b, 0);
	decode(&x, EV_S_CRTM_VERSION, 0, &b);
	assert_text(&x, "string", "GCE v2");
	assert_text(&x, "encoding", "utf-16");
	assert_summary(&x, "S-CRTM version GCE v2");
	decoding_done(&x);

	b.n = 0;
	put16(&b, 0);
	decode(&x, EV_S_CRTM_VERSION, 0, &b);
	assert_summary(&x, "S-CRTM version: empty string");
	decoding_done(&x);

	b.n = 0;
	put(&b, "Calling\x1b[31m \xc2\x9b \xff", 16);
	decode(&x, EV_EFI_ACTION, 4, &b);
	assert_string_equal(x.d.trouble, "expected text");
	decoding_done(&x);

	/* What a terminal would obey is escaped in the summary, and as it is in the field. */
	b.n = 0;
	put_text(&b, "two\nlines");
	decode(&x, EV_EFI_ACTION, 4, &b);
	assert_summary(&x, "two\\x0alines");
	assert_text(&x, "string", "two\nlines");
	decoding_done(&x);

	b.n = 0;
	put(&b, "GCE NonHostInfo", 16);
	put8(&b, 4);
	put_fill(&b, 0, 15);
	decode(&x, EV_NONHOST_INFO, 0, &b);
	assert_summary(&x, "GCE host: confidential technology AMD SEV-SNP (4)");
	assert_null(x.d.trouble);
	decoding_done(&x);
	try_truncations((struct event){ .type = EV_NONHOST_INFO }, &b, false);

	/* A vendor's own structure: its first word is told, the reason too. */
	b.n = 0;
	put(&b, "IntelCSxEEvent01", 17);
	put_hex(&b, "000102");
	decode(&x, EV_NONHOST_INFO, 0, &b);
	assert_summary(&x, "IntelCSxEEvent01, 20 bytes");
	assert_int_equal(x.d.rest.n, 20);
	decoding_done(&x);

	b.n = 0;
	put32(&b, 0x10);
	decode(&x, EV_COMPACT_HASH, 11, &b);
	assert_number(&x, "value", 0x10);
	decoding_done(&x);

	b.n = 0;
	put(&b, "td_payload_info", 16);
	put32(&b, 9);
	put(&b, "root=/x\0", 9);
	decode(&x, EV_PLATFORM_CONFIG_FLAGS, 2, &b);
	assert_summary(&x, "td-shim td_payload_info: root=/x");
	decoding_done(&x);
}

static void empty_bodies_and_unknown_types(void **state)
{
	static const uint32_t types[] = {
		EV_POST_CODE, EV_NO_ACTION,     EV_SEPARATOR,         EV_EVENT_TAG,
		EV_IPL,       EV_EFI_GPT_EVENT, EV_EFI_VARIABLE_BOOT, EV_EFI_BOOT_SERVICES_APPLICATION,
		0x12345678
	};
	struct bytes b = { .n = 0 };
	struct decoding x;

	(void)state;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		decode(&x, types[i], 0, &b);
		assert_int_equal(x.d.rest.n, 0);
		decoding_done(&x);
	}
	put_hex(&b, "0001");
	decode(&x, 0x12345678, 0, &b);
	assert_summary(&x, "2 bytes");
	assert_string_equal(x.d.trouble, "neither text nor a format that is known");
	assert_int_equal(x.d.rest.n, 2);
	decoding_done(&x);
	b.n = 0;
	put_text(&b, "hello");
	decode(&x, 0x12345678, 0, &b);
	assert_summary(&x, "event of unknown type: hello");
	decoding_done(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(startup_locality),
		cmocka_unit_test(spec_id),
		cmocka_unit_test(hcrtm_component),
		cmocka_unit_test(reference_manifests),
		cmocka_unit_test(spdm_measurements),
		cmocka_unit_test(separators),
		cmocka_unit_test(blobs),
		cmocka_unit_test(handoff_tables),
		cmocka_unit_test(strings),
		cmocka_unit_test(empty_bodies_and_unknown_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
