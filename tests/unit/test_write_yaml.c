/*
 * The YAML of tpm2_eventlog, form by form, as tpm2_eventlog --eventlog-version=2 of tpm2-tools 5.4 prints it, save where
 * a test says that we differ. tests/tools/against-tpm2-eventlog compares whole logs with that program.
 */
#include <stdio.h>

#include "eventlog/write.h"
#include "tests/unit/decode_writer.h"

struct written {
	struct eventlog log;
	struct pool pool;
	char *text;
};

static struct eventlog new_log(enum alg alg)
{
	struct eventlog log = EVENTLOG_INIT;

	log.algs[log.n_algs++] = (struct eventlog_alg){ algs[alg].tpm_id, algs[alg].len };
	return log;
}

/* An event whose digest is of its data. */
static void add(struct eventlog *log, uint32_t pcr, uint32_t type, const void *data, size_t n)
{
	struct event *ev = pool_push(&log->pool, &log->events, &log->n_events, &log->cap, sizeof *ev);
	uint8_t *entry = pool_array(&log->pool, 1, 2 + DIGEST_MAX), *block = malloc(n ? n : 1);
	enum alg alg = alg_by_tpm_id(log->algs[0].id);
	struct digest d;

	assert_true(ev && entry && block);
	if (n)
		memcpy(block, data, n); /* an exact block, which write_log frees */
	assert_int_equal(digest_of(alg, (struct slice){ block, n }, &d, NULL), 0);
	put_u16le(entry, algs[alg].tpm_id);
	memcpy(entry + 2, d.bytes, algs[alg].len);
	*ev = (struct event){ .pcr = pcr,
			      .type = type,
			      .n_digests = 1,
			      .digests = { entry, 2u + algs[alg].len },
			      .data = { block, n } };
}

static void write_log(struct written *w, struct eventlog *log)
{
	struct pcrcast_error e = { .msg = "" };
	struct slice out;

	*w = (struct written){ .log = *log, .pool = POOL_INIT };
	if (eventlog_write_tpm2_yaml(log, &w->pool, &out, &e) < 0)
		fail_msg("%s", e.msg);
	w->text = pool_text(&w->pool, (const char *)out.p, out.n);
	assert_non_null(w->text);
	assert_int_equal(strlen(w->text), out.n);
	for (size_t i = 0; i < log->n_events; i++)
		free((void *)(uintptr_t)log->events[i].data.p);
}

static void written_done(struct written *w)
{
	pool_done(&w->pool);
	eventlog_done(&w->log);
}

/* The body of the only event of a log, from its size to the end of the event. */
static void assert_body(uint32_t type, const void *data, size_t n, const char *want)
{
	struct eventlog log = new_log(ALG_SHA256);
	struct written w;

	add(&log, 4, type, data, n);
	write_log(&w, &log);
	char *body, *end = strstr(w.text, "\npcrs:\n");
	body = strstr(w.text, "  EventSize: ");
	body = body ? strstr(body + 1, "  EventSize: ") : NULL; /* the first is the Spec ID event's */
	assert_true(body && end && body < end);
	body = strchr(body, '\n') + 1;
	end[1] = '\0';
	assert_string_equal(body, want);
	written_done(&w);
}

static void a_log_has_a_header_events_and_registers(void **state)
{
	struct eventlog log = new_log(ALG_SHA1);
	struct written w;

	(void)state;
	add(&log, 0, EV_SEPARATOR, "\0\0\0", 4);
	write_log(&w, &log);
	assert_string_equal(w.text, "---\n"
				    "version: 2\n"
				    "events:\n"
				    "- EventNum: 0\n"
				    "  PCRIndex: 0\n"
				    "  EventType: EV_NO_ACTION\n"
				    "  Digest: \"0000000000000000000000000000000000000000\"\n"
				    "  EventSize: 33\n"
				    "  SpecID:\n"
				    "  - Signature: Spec ID Event03\n"
				    "    platformClass: 0\n"
				    "    specVersionMinor: 0\n"
				    "    specVersionMajor: 2\n"
				    "    specErrata: 0\n"
				    "    uintnSize: 2\n"
				    "    numberOfAlgorithms: 1\n"
				    "    Algorithms:\n"
				    "    - Algorithm[0]:\n"
				    "      algorithmId: sha1\n"
				    "      digestSize: 20\n"
				    "    vendorInfoSize: 0\n"
				    "- EventNum: 1\n"
				    "  PCRIndex: 0\n"
				    "  EventType: EV_SEPARATOR\n"
				    "  DigestCount: 1\n"
				    "  Digests:\n"
				    "  - AlgorithmId: sha1\n"
				    "    Digest: \"9069ca78e7450a285173431b3e52c5c25299e473\"\n"
				    "  EventSize: 4\n"
				    "  Event: \"00000000\"\n"
				    "pcrs:\n"
				    "  sha1:\n"
				    "    0  : 0xb2a83b0ebf2f8374299a5b2bdfc31ea955ad7236\n");
	written_done(&w);
}

static void a_sha1_log_is_a_list_without_a_header(void **state)
{
	struct eventlog log = new_log(ALG_SHA1);
	struct written w;

	(void)state;
	log.kind = EVENTLOG_TCG1;
	log.spec_id = (struct eventlog_spec_id){ .vendor_info = SLICE_EMPTY };
	add(&log, 0, EV_SEPARATOR, "\0\0\0", 4);
	write_log(&w, &log);
	assert_non_null(strstr(
		w.text,
		"events:\n- EventNum: 0\n  PCRIndex: 0\n  EventType: EV_SEPARATOR\n  DigestCount: 1\n"));
	written_done(&w);
}

static void no_action_is_not_extended(void **state)
{
	struct eventlog log = new_log(ALG_SHA256);
	struct written w;

	(void)state;
	add(&log, 0, EV_NO_ACTION, "StartupLocality\0\3", 17);
	add(&log, 0, EV_SEPARATOR, "\0\0\0", 4);
	write_log(&w, &log);
	assert_non_null(strstr(w.text, "  EventSize: 17\n  Event:\n    StartupLocality: 3\n"));
	/* PCR 0 with locality 3 and a separator: sha256 of 31 zeros, 3 and the separator's digest, by sha256sum */
	assert_non_null(strstr(
		w.text, "    0  : 0x50bd7d88f0414b40608f8ffc56fd4f3201b5ed0644e36b8128d33624ebe0f053\n"));
	written_done(&w);
}

static void bodies_without_a_form_are_hex_cut_after_1024_bytes(void **state)
{
	uint8_t data[1025] = { 0 };
	char want[3000] = "  Event: \"";

	(void)state;
	assert_body(EV_EVENT_TAG, "\1\2", 2, "  Event: \"0102\"\n");
	assert_body(EV_EVENT_TAG, "", 0, "");
	memset(want + strlen(want), '0', 2048);
	strcat(want, "\"\n");
	assert_body(EV_EVENT_TAG, data, sizeof data, want);
	assert_body(EV_NO_ACTION, "StartupLocality", 16, "  Event: \"537461727475704c6f63616c69747900\"\n");
	assert_body(0x12345678, "x", 1, "  Event: \"78\"\n");
}

static void an_unknown_type_is_called_that(void **state)
{
	struct eventlog log = new_log(ALG_SHA256);
	struct written w;

	(void)state;
	add(&log, 5, EV_EFI_GPT_EVENT2, "x", 1);
	write_log(&w, &log);
	assert_non_null(strstr(w.text, "  EventType: Unknown event type\n"));
	written_done(&w);
}

static void lines_are_quoted_and_escaped(void **state)
{
	(void)state;
	assert_body(EV_IPL, "a\nb\n", 4, "  Event:\n    String: |-\n      \"a\"\n      \"b\"\n");
	assert_body(EV_IPL, "'\\\t\a\b\v\f\r\033\"\0", 11,
		    "  Event:\n    String: |-\n      \"\\'\\\\\\t\\a\\b\\v\\f\\r\\e\"\\0\"\n");
	/* ours: what YAML does not allow is escaped */
	assert_body(EV_IPL, "\1\xff\xc3\xa4", 4, "  Event:\n    String: |-\n      \"\\x01\\xff\xc3\xa4\"\n");
}

static void actions_are_text_up_to_a_nul(void **state)
{
	(void)state;
	assert_body(EV_EFI_ACTION, "Calling\0x", 9, "  Event: |-\n    Calling\n");
	assert_body(EV_POST_CODE, "ACPI DATA", 9, "  Event: |-\n    ACPI DATA\n");
	/* ours: a line feed cannot forge a line */
	assert_body(EV_EFI_ACTION, "a\npcrs:", 7, "  Event: |-\n    a\\x0apcrs:\n");
}

static void blobs_have_an_address_and_a_length(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	put64(&b, 0x820000);
	put64(&b, 0xe0000);
	assert_body(EV_EFI_PLATFORM_FIRMWARE_BLOB, b.p, b.n,
		    "  Event:\n    BlobBase: 0x820000\n    BlobLength: 0xe0000\n");
	assert_body(EV_POST_CODE, b.p, b.n, "  Event:\n    BlobBase: 0x820000\n    BlobLength: 0xe0000\n");
	b.n = 0;
	put8(&b, 3);
	put_text(&b, "abc");
	put64(&b, 1);
	put64(&b, 2);
	assert_body(
		EV_EFI_PLATFORM_FIRMWARE_BLOB2, b.p, b.n,
		"  Event:\n    BlobDescriptionSize: 3\n    BlobDescription: \"6162\"\n    BlobBase: 0x1\n    BlobLength: 0x2\n");
	/* too short: ours goes on */
	assert_body(EV_EFI_PLATFORM_FIRMWARE_BLOB, b.p, 4, "  Event: \"03616263\"\n");
	assert_body(EV_EFI_PLATFORM_FIRMWARE_BLOB2, b.p, 4, "  Event: \"03616263\"\n");
}

static void images_have_their_path_in_hex(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	put64(&b, 0x7000);
	put64(&b, 15272448);
	put64(&b, 0);
	put64(&b, 4);
	put_hex(&b, "7fff0400");
	assert_body(EV_EFI_BOOT_SERVICES_APPLICATION, b.p, b.n,
		    "  Event:\n"
		    "    ImageLocationInMemory: 0x7000\n"
		    "    ImageLengthInMemory: 15272448\n"
		    "    ImageLinkTimeAddress: 0x0\n"
		    "    LengthOfDevicePath: 4\n"
		    "    DevicePath: '7fff0400'\n");
}

/* A variable's event; head stands for the lines that all have. */
static void assert_variable(uint32_t type, const char *name, const void *data, size_t n, const char *want)
{
	struct bytes b = { .n = 0 };
	char text[1024];

	put_variable(&b, GLOBAL_GUID, name, data, n);
	(void)snprintf(text, sizeof text,
		       "  Event:\n"
		       "    VariableName: " GLOBAL_GUID "\n"
		       "    UnicodeNameLength: %zu\n"
		       "    VariableDataLength: %zu\n"
		       "    UnicodeName: %s\n%s",
		       strlen(name), n, name, want);
	assert_body(type, b.p, b.n, text);
}

static void variables_have_a_form_by_their_name(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	assert_variable(EV_EFI_VARIABLE_DRIVER_CONFIG, "SecureBoot", "\1", 1,
			"    VariableData:\n      Enabled: 'Yes'\n");
	assert_variable(EV_EFI_VARIABLE_DRIVER_CONFIG, "SecureBoot", "", 0,
			"    VariableData:\n      Enabled: 'No'\n");
	assert_variable(EV_EFI_VARIABLE_DRIVER_CONFIG, "Other", "\1\2", 2, "    VariableData: \"0102\"\n");
	assert_variable(EV_EFI_VARIABLE_DRIVER_CONFIG, "Other", "", 0, "");
	assert_variable(EV_EFI_VARIABLE_BOOT, "SecureBoot", "\1", 1, "    VariableData: \"01\"\n");
	assert_variable(EV_EFI_VARIABLE_AUTHORITY, "MokListTrusted", "\1", 1,
			"    VariableData:\n      Enabled: 'Yes'\n");
	assert_variable(EV_EFI_VARIABLE_AUTHORITY, "SbatLevel", "sbat,1\nshim,2\n", 14,
			"    VariableData:\n      String: |-\n        \"sbat,1\"\n        \"shim,2\"\n");
	assert_variable(EV_EFI_VARIABLE_BOOT, "BootOrder", "\1\0\xcd\xab", 4,
			"    VariableData:\n    - Boot0001\n    - Bootabcd\n");

	put_guid(&b, SHIM_GUID);
	put_text(&b, "cert");
	assert_variable(EV_EFI_VARIABLE_AUTHORITY, "db", b.p, b.n,
			"    VariableData:\n    - SignatureOwner: " SHIM_GUID
			"\n      SignatureData: 63657274\n");

	b.n = 0;
	put32(&b, 1);
	put16(&b, 4);
	put_utf16(&b, "A \"b\\");
	put16(&b, 0);
	put_hex(&b, "7fff0400");
	/* ours: what would end the quotation is escaped */
	assert_variable(
		EV_EFI_VARIABLE_BOOT, "Boot00aF", b.p, b.n,
		"    VariableData:\n      Enabled: 'Yes'\n      FilePathListLength: 4\n      Description: \"A \\\"b\\\\\"\n"
		"      DevicePath: '7fff0400'\n");
}

static void signature_lists_are_listed(void **state)
{
	struct bytes b = { .n = 0 };
	static const char want[] = "    VariableData:\n"
				   "    - SignatureType: c1c41626-504c-4092-aca9-41f936934328\n"
				   "      SignatureListSize: 64\n"
				   "      SignatureHeaderSize: 0\n"
				   "      SignatureSize: 18\n"
				   "      Keys:\n"
				   "      - SignatureOwner: " SHIM_GUID "\n"
				   "        SignatureData: 0102\n"
				   "      - SignatureOwner: " GLOBAL_GUID "\n"
				   "        SignatureData: 0304\n";

	(void)state;
	put_guid(&b, "c1c41626-504c-4092-aca9-41f936934328");
	put32(&b, 28 + 2 * 18);
	put32(&b, 0);
	put32(&b, 18);
	put_guid(&b, SHIM_GUID);
	put_hex(&b, "0102");
	put_guid(&b, GLOBAL_GUID);
	put_hex(&b, "0304");
	assert_variable(EV_EFI_VARIABLE_DRIVER_CONFIG, "db", b.p, b.n, want);
	assert_variable(EV_EFI_VARIABLE_DRIVER_CONFIG, "PK", b.p, b.n, want);
	assert_variable(EV_EFI_VARIABLE_DRIVER_CONFIG, "dbx", "", 0, "    VariableData:\n");
}

static void partition_tables_are_listed(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	put_text(&b, "EFI PART");
	put32(&b, 0x10000);
	put32(&b, 92);
	put32(&b, 0x1234);
	put32(&b, 0);
	put64(&b, 1);
	put64(&b, 0x3ff);
	put64(&b, 34);
	put64(&b, 0x3de);
	put_guid(&b, SHIM_GUID);
	put64(&b, 2);
	put32(&b, 128);
	put32(&b, 128);
	put32(&b, 0x5678);
	put64(&b, 1);
	size_t end = b.n + 128;
	put_guid(&b, GLOBAL_GUID);
	put_guid(&b, SECURITY_GUID);
	put64(&b, 0x800);
	put64(&b, 0xfff);
	put64(&b, 4);
	put_utf16(&b, "ESP");
	put_fill(&b, 0, end - b.n);
	assert_body(EV_EFI_GPT_EVENT, b.p, b.n,
		    "  Event:\n"
		    "    Header:\n"
		    "      Signature: \"EFI PART\"\n"
		    "      Revision: 0x10000\n"
		    "      HeaderSize: 92\n"
		    "      HeaderCRC32: 0x1234\n"
		    "      MyLBA: 0x1\n"
		    "      AlternateLBA: 0x3ff\n"
		    "      FirstUsableLBA: 0x22\n"
		    "      LastUsableLBA: 0x3de\n"
		    "      DiskGUID: " SHIM_GUID "\n"
		    "      PartitionEntryLBA: 0x2\n"
		    "      NumberOfPartitionEntry: 128\n"
		    "      SizeOfPartitionEntry: 128\n"
		    "      PartitionEntryArrayCRC32: 0x5678\n"
		    "    NumberOfPartitions: 1\n"
		    "    Partitions:\n"
		    "    - PartitionTypeGUID: " GLOBAL_GUID "\n"
		    "      UniquePartitionGUID: " SECURITY_GUID "\n"
		    "      StartingLBA: 0x800\n"
		    "      EndingLBA: 0xfff\n"
		    "      Attributes: 0x4\n"
		    "      PartitionName: \"ESP\"\n");
}

/* Shorter bodies of every type with a form: nothing is read behind them. */
static void every_truncation_is_written(void **state)
{
	static const uint32_t types[] = {
		EV_EFI_VARIABLE_DRIVER_CONFIG,
		EV_EFI_VARIABLE_BOOT,
		EV_EFI_VARIABLE_AUTHORITY,
		EV_EFI_GPT_EVENT,
		EV_EFI_BOOT_SERVICES_APPLICATION,
		EV_EFI_PLATFORM_FIRMWARE_BLOB2,
		EV_NO_ACTION,
		EV_IPL,
	};
	struct bytes b = { .n = 0 };
	struct written w;

	(void)state;
	put_variable(&b, GLOBAL_GUID, "Boot0001", "\1\0\0\0\4\0A\0\0\0\177\377\4\0", 14);
	put_fill(&b, 7, 100);
	for (size_t t = 0; t < sizeof types / sizeof types[0]; t++)
		for (size_t n = 0; n <= b.n; n++) {
			struct eventlog log = new_log(ALG_SHA256);

			add(&log, 4, types[t], b.p, n);
			write_log(&w, &log);
			written_done(&w);
		}
}

static void what_has_no_place_in_it_is_refused(void **state)
{
	struct eventlog log = new_log(ALG_SHA256);
	struct pool pool = POOL_INIT;
	struct slice out = SLICE_EMPTY;
	struct event ev = { .content = CONTENT_IMA, .data = SLICE_EMPTY, .digests = SLICE_EMPTY };

	(void)state;
	log.events = &ev;
	log.n_events = 1;
	assert_int_equal(eventlog_write_tpm2_yaml(&log, &pool, &out, NULL), -PCRCAST_EUNSUPPORTED);
	ev.content = CONTENT_PCCLIENT;
	log.kind = EVENTLOG_CC;
	assert_int_equal(eventlog_write_tpm2_yaml(&log, &pool, &out, NULL), -PCRCAST_EUNSUPPORTED);
	assert_int_equal(out.n, 0);
	pool_done(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_has_a_header_events_and_registers),
		cmocka_unit_test(a_sha1_log_is_a_list_without_a_header),
		cmocka_unit_test(no_action_is_not_extended),
		cmocka_unit_test(bodies_without_a_form_are_hex_cut_after_1024_bytes),
		cmocka_unit_test(an_unknown_type_is_called_that),
		cmocka_unit_test(lines_are_quoted_and_escaped),
		cmocka_unit_test(actions_are_text_up_to_a_nul),
		cmocka_unit_test(blobs_have_an_address_and_a_length),
		cmocka_unit_test(images_have_their_path_in_hex),
		cmocka_unit_test(variables_have_a_form_by_their_name),
		cmocka_unit_test(signature_lists_are_listed),
		cmocka_unit_test(partition_tables_are_listed),
		cmocka_unit_test(every_truncation_is_written),
		cmocka_unit_test(what_has_no_place_in_it_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
