/* Canonical event logs, JSON and TLV. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eventlog/cel_json.h"
#include "log_writer.h"

#include <stdio.h>

/* sha256(zeros(32) || sha256(zeros(4))) */
static const char separator_sha256[] = "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969";

static struct parsed read_text(const char *text)
{
	struct bytes b = { .n = 0 };

	put_text(&b, text);
	return read_log(&b);
}

/* ---- JSON ---- */

#define DIGEST "df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119" /* of four zero bytes */

#define SEPARATOR(type)                                                                     \
	"{\"pcr\":7,\"recnum\":0,\"digests\":[{\"hashAlg\":\"sha256\",\"digest\":\"" DIGEST \
	"\"}],\"content_type\":\"pcclient_std\",\"content\":{\"event_type\":" type          \
	",\"event_data\":\"00000000\"}}"

static void json_records_are_read_in_order(void **state)
{
	struct parsed p = read_text("[\n" SEPARATOR("\"EV_SEPARATOR\"") " ,\n " SEPARATOR("4") "\n]\n");

	(void)state;
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.log.kind, EVENTLOG_CEL_JSON);
	assert_int_equal(p.log.n_events, 2);
	assert_int_equal(p.log.events[0].offset, 2);
	assert_int_equal(p.log.events[0].pcr, 7);
	assert_int_equal(p.log.events[0].type, EV_SEPARATOR);
	assert_int_equal(p.log.events[1].type, EV_SEPARATOR);
	assert_int_equal(p.log.events[1].data.n, 4);
	assert_int_equal(p.log.n_algs, 1);
	assert_cel_json_round_trip(&p.log);
	done(&p);
}

static void types_are_named_as_the_specification_or_systemd_or_libcel_does(void **state)
{
	static const struct {
		const char *name;
		uint32_t type;
	} names[] = {
		{ "\"EV_EFI_BOOT_SERVICES_APPLICATION\"", EV_EFI_BOOT_SERVICES_APPLICATION },
		{ "\"ev_efi_variable_authority\"", EV_EFI_VARIABLE_AUTHORITY },
		{ "\"efi-platform-firmware-blob2\"", EV_EFI_PLATFORM_FIRMWARE_BLOB2 },
		{ "\"ipl\"", EV_IPL },
		{ "\"EV_EFI_SPDM_FIRMWARE_BLOB\"", EV_EFI_SPDM_DEVICE_BLOB },
		{ "\"0x800000ff\"", 0x800000ff },
		{ "4294967295", UINT32_MAX },
	};
	char text[400];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		(void)snprintf(text, sizeof text, "[" SEPARATOR("%s") "]", names[i].name);
		struct parsed p = read_text(text);
		assert_int_equal(p.rc, 0);
		assert_int_equal(p.log.events[0].type, names[i].type);
		assert_cel_json_round_trip(&p.log);
		done(&p);
	}
}

static void a_spec_id_record_is_the_header(void **state)
{
	struct parsed p = read_text(
		"[{\"pcr\":0,\"recnum\":0,\"digests\":[{\"hashAlg\":\"sha1\",\"digest\":"
		"\"0000000000000000000000000000000000000000\"}],"
		"\"content_type\":\"pcclient_std\",\"content\":{\"event_type\":\"EV_NO_ACTION\",\"event_"
		"data\":"
		"\"53706563204944204576656e743033000000000000026902010000000b00200003616263\"}}," SEPARATOR(
			"4") "]");
	struct pcr_bank bank;

	(void)state;
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.log.n_events, 1);
	assert_int_equal(p.log.n_algs, 1);
	assert_int_equal(p.log.algs[0].id, 0x0b);
	assert_int_equal(p.log.spec_id.errata, 105);
	assert_true(slice_equal_string(p.log.spec_id.vendor_info, "abc"));
	assert_replay(&p.log, ALG_SHA256, 7, separator_sha256);
	assert_int_equal(eventlog_replay(&p.log, ALG_SHA1, &bank, NULL), -PCRCAST_ENOTFOUND);
	assert_cel_json_round_trip(&p.log);
	done(&p);
}

static void content_of_any_kind_is_kept(void **state)
{
	struct parsed p =
		read_text("[{\"pcr\":1,\"digests\":[],\"content_type\":\"cel\",\"content\":{\"type\":\"cel_"
			  "version\",\"data\":[1,0]}},"
			  "{\"pcr\":1,\"digests\":[],\"content_type\":80,\"content\":\"00ff\"},"
			  "{\"pcr\":1,\"digests\":[],\"content_type\":\"new\",\"content\":\"words\"},"
			  "{\"pcr\":1,\"digests\":[],\"content_type\":9,\"content\":\"enter-initrd\"},"
			  "{\"pcr\":1,\"digests\":[],\"content_type\":\"none\"}]");

	(void)state;
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.log.n_events, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(p.log.events[i].content, CONTENT_OTHER);
	assert_string_equal(p.log.events[0].template_name, "cel");
	assert_true(slice_equal_string(p.log.events[0].data, "{\"type\":\"cel_version\",\"data\":[1,0]}"));
	assert_string_equal(p.log.events[1].template_name, "80");
	assert_int_equal(p.log.events[1].data.n, 2);
	assert_true(slice_equal_string(p.log.events[2].data, "\"words\""));
	assert_string_equal(p.log.events[3].template_name, "systemd");
	assert_int_equal(p.log.events[4].data.n, 0);
	assert_cel_json_round_trip(&p.log);
	done(&p);
}

static void ima_records_are_ima_events(void **state)
{
	struct parsed p =
		read_text("[{\"pcr\":10,\"digests\":[{\"hashAlg\":\"SHA1\",\"digest\":"
			  "\"0102030405060708090a0b0c0d0e0f1011121314\"}],\"content_type\":\"ima_template\","
			  "\"content\":{\"template_name\":\"ima-ng\",\"template_data\":\"0a0B\"}}]");

	(void)state;
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.log.events[0].content, CONTENT_IMA);
	assert_string_equal(p.log.events[0].template_name, "ima-ng");
	assert_int_equal(p.log.events[0].data.n, 2);
	assert_cel_json_round_trip(&p.log);
	done(&p);
}

static void algorithms_without_a_bank_of_ours_are_carried_along(void **state)
{
	struct parsed p =
		read_text("[{\"pcr\":0,\"digests\":[{\"hashAlg\":\"sm3_256\",\"digest\":\"" DIGEST
			  "\"},{\"hashAlg\":4660,\"digest\":\"00ff\"}],\"content_type\":\"pcclient_std\","
			  "\"content\":{\"event_type\":1}}]");

	(void)state;
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.log.n_algs, 2);
	assert_int_equal(p.log.algs[0].id, 0x12);
	assert_int_equal(p.log.algs[1].id, 0x1234);
	assert_int_equal(p.log.algs[1].len, 2);
	assert_cel_json_round_trip(&p.log);
	done(&p);
}

static void records_that_make_no_sense_are_refused(void **state)
{
	static const struct {
		const char *text;
		enum pcrcast_code code;
		uint64_t offset;
	} bad[] = {
		{ "[1]", PCRCAST_EFORMAT, 1 },
		{ "[{\"digests\":[]}]", PCRCAST_EFORMAT, 1 },
		{ "[{\"pcr\":1,\"nv_index\":2,\"digests\":[]}]", PCRCAST_EFORMAT, 1 },
		{ "[{\"pcr\":-1,\"digests\":[]}]", PCRCAST_EFORMAT, 1 },
		{ "[{\"pcr\":4294967296,\"digests\":[]}]", PCRCAST_EFORMAT, 1 },
		{ "[{\"pcr\":1}]", PCRCAST_EFORMAT, 1 },
		{ "[{\"pcr\":1,\"digests\":[]}]", PCRCAST_EFORMAT, 1 },
		{ "[{\"pcr\":1,\"digests\":[{}],\"content_type\":\"cel\"}]", PCRCAST_EFORMAT, 1 },
		{ "[{\"pcr\":1,\"digests\":[{\"hashAlg\":\"md4\",\"digest\":\"00\"}],\"content_type\":"
		  "\"cel\"}]",
		  PCRCAST_EUNSUPPORTED, 1 },
		{ "[{\"pcr\":1,\"digests\":[{\"hashAlg\":\"sha256\",\"digest\":\"00\"}],\"content_type\":"
		  "\"cel\"}]",
		  PCRCAST_EFORMAT, 1 },
		{ "[{\"pcr\":1,\"digests\":[{\"hashAlg\":99,\"digest\":\"\"}],\"content_type\":\"cel\"}]",
		  PCRCAST_EFORMAT, 1 },
		{ "[{\"pcr\":1,\"digests\":[{\"hashAlg\":99,\"digest\":\"0\"}],\"content_type\":\"cel\"}]",
		  PCRCAST_EFORMAT, 1 },
		{ "[{\"pcr\":1,\"digests\":[{\"hashAlg\":99,\"digest\":\"00\"},{\"hashAlg\":99,\"digest\":"
		  "\"00\"}],\"content_type\":\"cel\"}]",
		  PCRCAST_EFORMAT, 1 },
		{ "[{\"pcr\":1,\"digests\":[],\"content_type\":\"pcclient_std\"}]", PCRCAST_EFORMAT, 1 },
		{ "[{\"pcr\":1,\"digests\":[],\"content_type\":\"pcclient_std\",\"content\":{\"event_type\":"
		  "\"EV_NEW\"}}]",
		  PCRCAST_EFORMAT, 1 },
		{ "[{\"pcr\":1,\"digests\":[],\"content_type\":\"pcclient_std\",\"content\":{\"event_type\":"
		  "1,\"event_data\":\"x\"}}]",
		  PCRCAST_EFORMAT, 1 },
		{ "[{\"pcr\":1,\"digests\":[],\"content_type\":\"ima_template\",\"content\":{}}]",
		  PCRCAST_EFORMAT, 1 },
		{ "[{\"pcr\":1,\"pcr\":1}]", PCRCAST_EFORMAT, 1 },
		{ "[" SEPARATOR("4") " " SEPARATOR("4") "]", PCRCAST_EFORMAT, sizeof SEPARATOR("4") + 1 },
		{ "[],", PCRCAST_EFORMAT, 2 },
		{ "[" SEPARATOR("4") ",]", PCRCAST_EFORMAT, sizeof SEPARATOR("4") + 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct parsed p = read_text(bad[i].text);

		if (p.rc != -(int)bad[i].code || p.e.offset != bad[i].offset)
			fail_msg("%s: %d at %llu (%s)", bad[i].text, p.rc, (unsigned long long)p.e.offset,
				 p.e.msg);
		done(&p);
	}
}

static void every_truncation_of_json_keeps_the_sound_records(void **state)
{
	struct bytes b = { .n = 0 };
	size_t one = sizeof SEPARATOR("4"); /* with '[' in front */

	(void)state;
	put_text(&b, "[" SEPARATOR("4") "," SEPARATOR("4") "]");
	for (size_t n = 0; n < b.n; n++) {
		struct parsed p = read_n(&b, n, EVENTLOG_CEL_JSON);

		assert_int_equal(p.rc, -PCRCAST_ETRUNC);
		assert_int_equal(p.e.offset, n);
		assert_int_equal(p.log.n_events, (size_t)(n >= one) + (n >= 2 * one));
		done(&p);
	}
}

/* ---- TLV ---- */

/* A field of length n whose value the caller adds. */
static void put_field(struct bytes *b, uint8_t type, uint32_t n)
{
	put8(b, type);
	put32be(b, n);
}

static void put_value(struct bytes *b, uint8_t type, const char *hex)
{
	put_field(b, type, (uint32_t)strlen(hex) / 2);
	put_hex(b, hex);
}

/* What stands in front of a record's content: recnum, register, a digest of four zero bytes. */
static void put_head(struct bytes *b, uint8_t recnum, uint8_t register_type, const char *register_hex)
{
	put_field(b, 0, 1);
	put8(b, recnum);
	put_value(b, register_type, register_hex);
	put_field(b, 3, 5 + 32);
	put_value(b, 0x0b, DIGEST);
}

static void put_separator(struct bytes *b, uint8_t recnum)
{
	put_head(b, recnum, 1, "07");
	put_field(b, 5, 6 + 9);
	put_value(b, 0, "04");
	put_value(b, 1, "00000000");
}

static void tlv_records_are_read_in_order(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	put_separator(&b, 0);
	size_t second = b.n;
	put_head(&b, 1, 2, "01c20000");
	put_field(&b, 9, 12);
	put_text(&b, "enter-initrd");
	put_head(&b, 2, 1, "0a");
	put_field(&b, 7, 5 + 6 + 5 + 2);
	put_value(&b, 1, "0a0b");
	put_field(&b, 0, 6);
	put_text(&b, "ima-ng");
	put_head(&b, 3, 1, "0b");
	put_field(&b, 9, 14);
	put_text(&b, "{\"string\":\"a\"}");
	put_head(&b, 4, 1, "0e");
	put_value(&b, 80, "00ff");
	struct parsed p = read_log(&b);
	if (p.rc < 0)
		fail_msg("%s", p.e.msg);
	assert_int_equal(p.log.kind, EVENTLOG_CEL_TLV);
	assert_int_equal(p.log.n_events, 5);
	const struct event *ev = p.log.events;
	assert_int_equal(ev[0].pcr, 7);
	assert_int_equal(ev[0].type, EV_SEPARATOR);
	assert_int_equal(ev[0].content, CONTENT_PCCLIENT);
	assert_int_equal(ev[1].pcr, 0x01c20000);
	assert_int_equal(ev[1].offset, second);
	assert_int_equal(ev[1].content, CONTENT_OTHER);
	assert_string_equal(ev[1].template_name, "systemd");
	assert_true(slice_equal_string(ev[1].data, "enter-initrd"));
	assert_int_equal(ev[2].content, CONTENT_IMA);
	assert_string_equal(ev[2].template_name, "ima-ng");
	assert_int_equal(ev[2].data.n, 2);
	assert_int_equal(ev[3].content, CONTENT_SYSTEMD);
	assert_string_equal(ev[4].template_name, "80");
	assert_replay(&p.log, ALG_SHA256, 7, separator_sha256);
	assert_cel_json_round_trip(&p.log);
	done(&p);
}

static struct parsed read_two_registers(uint8_t first, const char *first_hex, uint8_t second,
					const char *second_hex)
{
	static struct bytes b;

	b.n = 0;
	put_head(&b, 0, first, first_hex);
	put_value(&b, 80, "00ff");
	put_head(&b, 1, second, second_hex);
	put_value(&b, 80, "00ff");
	return read_log(&b);
}

static void registers_of_three_kinds_are_kept_apart(void **state)
{
	static const struct {
		uint8_t first, second;
		const char *first_hex, *second_hex;
		bool reads;
	} rows[] = {
		{ 1, 1, "0b", "0c", true },       /* PCRs */
		{ 1, 2, "0b", "01c20000", true }, /* PCR and NV index */
		{ 2, 1, "04", "0b", false },      /* no NV index */
		{ 108, 108, "03", "04", true },   /* CC registers */
		{ 108, 1, "03", "04", false },    { 1, 108, "03", "04", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct parsed p = read_two_registers(rows[i].first, rows[i].first_hex, rows[i].second,
						     rows[i].second_hex);

		assert_int_equal(p.rc == 0, rows[i].reads);
		if (rows[i].reads)
			assert_int_equal(p.log.kind, rows[i].first == 108 ? EVENTLOG_CC : EVENTLOG_CEL_TLV);
		done(&p);
	}
}

static void numbers_have_one_to_eight_bytes(void **state)
{
	static const struct {
		const char *pcr;
		bool fits;
	} numbers[] = { { "07", true }, { "0000000000000007", true },    { "00000007", true },
			{ "", false },  { "000000000000000007", false }, { "0100000000", false } };

	(void)state;
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		struct bytes b = { .n = 0 };

		put_head(&b, 0, 1, numbers[i].pcr);
		put_value(&b, 4, "");
		struct parsed p = read_n(&b, b.n, EVENTLOG_CEL_TLV);
		assert_int_equal(p.rc, numbers[i].fits ? 0 : -PCRCAST_EFORMAT);
		if (numbers[i].fits)
			assert_int_equal(p.log.events[0].pcr, 7);
		done(&p);
	}
}

static void fields_out_of_order_are_refused(void **state)
{
	struct bytes b = { .n = 0 };
	size_t at;

	(void)state;
	put_separator(&b, 0);
	at = b.n;
	put_value(&b, 1, "07");
	struct parsed p = read_log(&b);
	assert_int_equal(p.rc, -PCRCAST_EFORMAT);
	assert_int_equal(p.e.offset, at);
	assert_string_equal(p.e.msg, "record 1: a field of type 1, expected 0 (recnum)");
	assert_int_equal(p.log.n_events, 1);
	assert_int_equal(p.log.end, at);
	done(&p);
}

static void parts_of_content_occur_once_each(void **state)
{
	static const uint8_t types[][2] = { { 0, 0 }, { 1, 1 }, { 0, 2 } };

	(void)state;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		struct bytes b = { .n = 0 };

		put_head(&b, 0, 1, "07");
		put_field(&b, 5, 12);
		put_value(&b, types[i][0], "04");
		put_value(&b, types[i][1], "04");
		struct parsed p = read_log(&b);
		assert_int_equal(p.rc, -PCRCAST_EFORMAT);
		done(&p);
	}
	struct bytes b = { .n = 0 };
	put_head(&b, 0, 1, "07");
	put_field(&b, 5, 6);
	put_value(&b, 0, "04");
	struct parsed p = read_log(&b);
	assert_int_equal(p.rc, -PCRCAST_EFORMAT);
	assert_string_equal(p.e.msg, "record 0: content of type 5 without its field of type 1");
	done(&p);
}

static void every_truncation_of_tlv_keeps_the_sound_records(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	put_separator(&b, 0);
	size_t one = b.n;
	put_separator(&b, 1);
	for (size_t n = 0; n <= b.n; n++) {
		struct parsed p = read_n(&b, n, EVENTLOG_CEL_TLV);

		assert_int_equal(p.rc, n % one == 0 ? 0 : -PCRCAST_ETRUNC);
		assert_int_equal(p.log.n_events, n / one);
		assert_int_equal(p.log.end, n / one * one);
		done(&p);
	}
}

/* ---- records in another document ---- */

static void a_record_by_itself_may_leave_out_what_its_event_is(void **state)
{
	static const char text[] =
		"[{\"pcr\":4,\"digests\":[{\"hashAlg\":\"sha256\",\"digest\":\"" DIGEST "\"}]},"
		"{\"pcr\":7,\"digests\":[{\"hashAlg\":\"sha256\",\"digest\":\"" DIGEST
		"\"}],\"content_type\":\"pcclient_std\",\"content\":{\"event_type\":\"EV_SEPARATOR\",\"event_data\":"
		"\"00000000\"}},"
		"{\"pcr\":11,\"digests\":[{\"hashAlg\":\"sha256\",\"digest\":\"" DIGEST
		"\"}],\"content_type\":\"systemd\",\"content\":{\"string\":\"ready\"}}]";
	struct json_doc d = { false };
	struct pool pool = POOL_INIT;
	struct pcrcast_error e;
	struct eventlog log;
	struct cJSON *list;

	(void)state;
	assert_int_equal(json_parse(slice_of_string(text), &list, &e), 0);
	assert_int_equal(cel_json_records_read(list, &log, &e), 0);
	json_free(list);
	assert_int_equal(log.n_events, 3);
	assert_int_equal(log.events[0].content, CONTENT_OTHER);
	assert_string_equal(log.events[0].template_name, CEL_CONTENT_UNSTATED);
	assert_int_equal(log.events[0].data.n, 0);
	assert_int_equal(log.events[1].type, EV_SEPARATOR);
	assert_int_equal(log.events[2].content, CONTENT_SYSTEMD);
	list = json_array(&d);
	for (size_t i = 0; i < log.n_events; i++)
		json_append(&d, list, cel_json_record_brief(&d, &log, &log.events[i], 0));
	assert_string_equal(json_text(&pool, list), text);
	json_free(list);

	/* systemd refuses its own content when it is another thing than its own, so it is left out */
	log.events[2].data = slice_of_string("{\"string\":1}");
	list = cel_json_record_brief(&d, &log, &log.events[2], 1u << ALG_SHA1);
	assert_string_equal(json_text(&pool, list), "{\"pcr\":11,\"digests\":[]}");
	json_free(list);
	eventlog_done(&log);
	pool_done(&pool);
}

static void what_is_wrong_with_a_record_is_told_with_its_number(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "{}", "expected an array of records" },
		{ "[{\"digests\":[]}]", "record 0: expected one of \"pcr\" and \"nv_index\"" },
		{ "[{\"pcr\":1,\"digests\":[]},{\"pcr\":1}]", "record 1: \"digests\" is no array" },
		{ "[{\"pcr\":1,\"digests\":[],\"content_type\":true}]", "record 0: \"content_type\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pcrcast_error e = { .msg = "" };
		struct eventlog log;
		struct cJSON *list;

		assert_int_equal(json_parse(slice_of_string(cases[i].text), &list, &e), 0);
		assert_int_equal(cel_json_records_read(list, &log, &e), -PCRCAST_EFORMAT);
		assert_non_null(strstr(e.msg, cases[i].says));
		json_free(list);
		eventlog_done(&log);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_records_are_read_in_order),
		cmocka_unit_test(types_are_named_as_the_specification_or_systemd_or_libcel_does),
		cmocka_unit_test(a_spec_id_record_is_the_header),
		cmocka_unit_test(content_of_any_kind_is_kept),
		cmocka_unit_test(ima_records_are_ima_events),
		cmocka_unit_test(algorithms_without_a_bank_of_ours_are_carried_along),
		cmocka_unit_test(records_that_make_no_sense_are_refused),
		cmocka_unit_test(every_truncation_of_json_keeps_the_sound_records),
		cmocka_unit_test(tlv_records_are_read_in_order),
		cmocka_unit_test(registers_of_three_kinds_are_kept_apart),
		cmocka_unit_test(numbers_have_one_to_eight_bytes),
		cmocka_unit_test(fields_out_of_order_are_refused),
		cmocka_unit_test(parts_of_content_occur_once_each),
		cmocka_unit_test(every_truncation_of_tlv_keeps_the_sound_records),
		cmocka_unit_test(a_record_by_itself_may_leave_out_what_its_event_is),
		cmocka_unit_test(what_is_wrong_with_a_record_is_told_with_its_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
