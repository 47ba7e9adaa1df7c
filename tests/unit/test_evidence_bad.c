/* Containers of evidence that are cut short, malformed or hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "golden/evidence.h"
#include "golden/pcr_file.h"
#include "tests/unit/evidence_sample.h"

/* ---- what is refused ---- */

static void assert_refused(struct slice bytes, enum pcrcast_code code, const char *what)
{
	struct pcrcast_error e = { .msg = "" };
	struct slice copy = cut(bytes, bytes.n);
	struct evidence ev;

	int rc = evidence_read(copy, &ev, &e);
	if (rc != -(int)code || (int)e.code != (int)code || !strstr(e.msg, what))
		fail_msg("%.60s: %d \"%s\", expected %d \"%s\"", (const char *)bytes.p, rc, e.msg, -(int)code,
			 what);
	evidence_done(&ev);
	sample_done(copy);
}

static void assert_text_refused(const char *text, enum pcrcast_code code, const char *what)
{
	assert_refused(slice_of_string(text), code, what);
}

static void every_truncation_is_refused(void **state)
{
	static const char *const names[] = { "keylime.txt",
					     "keylime-answer.json",
					     "go-attestation-dump.json",
					     "constellation.json",
					     "trustee-azure.json",
					     "trustee-tpm.json",
					     "go-attestation-platform.json",
					     "keylime-push.json" };

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct slice file = sample(names[i]);
		size_t whole = file.p[file.n - 1] == '\n' ? file.n - 1 : file.n;

		for (size_t n = 0; n < whole; n++) {
			struct slice part = cut(file, n);
			struct evidence ev;

			assert_true(evidence_read(part, &ev, NULL) < 0);
			evidence_done(&ev);
			sample_done(part);
		}
		sample_done(file);
	}
}

/*
 * Protobuf has no frame: a message that ends behind a field is a shorter message. Everywhere else it is cut short. In
 * go-tpm-tools.binpb a quote is there as soon as the first two fields are.
 */
static void a_truncated_message_is_cut_short_or_a_shorter_one(void **state)
{
	struct slice file = sample("go-tpm-tools.binpb");
	size_t n_read = 0;

	(void)state;
	for (size_t n = 1; n < file.n; n++) {
		struct slice part = cut(file, n);
		struct pcrcast_error e = { .msg = "" };
		struct evidence ev;

		int rc = evidence_read(part, &ev, &e);
		n_read += rc == 0;
		if (rc < 0 && rc != -PCRCAST_ETRUNC)
			assert_string_equal(e.msg, "no quote in it"); /* behind the first field */
		evidence_done(&ev);
		sample_done(part);
	}
	assert_int_equal(n_read, 8); /* behind the quotes, the log, instance_info, … but not the last field */
	sample_done(file);
}

static void truncated_text_protobuf_is_refused_or_a_shorter_message(void **state)
{
	struct slice file = sample("go-tpm-tools.txtpb");

	(void)state;
	for (size_t n = 0; n < file.n; n++) {
		struct slice part = cut(file, n);
		struct evidence ev;

		int rc = evidence_read(part, &ev, NULL);
		assert_true(rc < 0 || ev.n_quotes > 0);
		evidence_done(&ev);
		sample_done(part);
	}
	sample_done(file);
}

static void what_is_no_container_is_refused(void **state)
{
	(void)state;
	assert_text_refused("", PCRCAST_ETRUNC, "expected Keylime's quote string");
	assert_text_refused("hello", PCRCAST_EUNSUPPORTED, "no container of evidence");
	assert_text_refused("{}", PCRCAST_EUNSUPPORTED, "no known container");
	assert_text_refused("{\"version\":1}", PCRCAST_EUNSUPPORTED, "no known container");
	assert_text_refused("{\"Attestation\":{}", PCRCAST_ETRUNC, "JSON");
	assert_text_refused("\xff\x54\x43\x47\x80\x18", PCRCAST_EUNSUPPORTED, "no container");
	assert_text_refused("{\"Attestation\":{},\"tpm_quote\":{}}", PCRCAST_EFORMAT,
			    "two containers, constellation and trustee");
	assert_text_refused("{\"Attestation\":{},\"Attestation\":{}}", PCRCAST_EFORMAT, "twice");
}

static void malformed_quote_strings_are_refused(void **state)
{
	(void)state;
	assert_text_refused("r:", PCRCAST_EFORMAT, "2 parts between colons, expected 3");
	assert_text_refused("r:::", PCRCAST_EFORMAT, "more than 3 parts");
	assert_text_refused("r::", PCRCAST_ETRUNC, "values: the selection");
	assert_text_refused("d::", PCRCAST_EUNSUPPORTED, "type 'd'");
	assert_text_refused("rAAA:AAAA:AAAA", PCRCAST_EFORMAT, "message: expected base64");
	assert_text_refused("rAAAA:AA==:AAAB=", PCRCAST_EFORMAT, "values: expected base64");
	assert_text_refused("reJwAAA==:AAAA:AAAA", PCRCAST_EUNSUPPORTED, "compressed");
	assert_text_refused("{\"results\":{\"quote\":\"x\"}}", PCRCAST_EUNSUPPORTED, "type 'x'");
	assert_text_refused("{\"quote\":\"\"}", PCRCAST_EUNSUPPORTED, "type '?'");
}

#define DUMP(fixed, pcrs)                                                                      \
	"{\"Static\":" fixed                                                                   \
	",\"AK\":{\"Public\":\"AAAA\"},\"Quote\":{\"Quote\":\"AAAA\",\"Signature\":\"AAAA\"}," \
	"\"Log\":{\"PCRs\":" pcrs ",\"Raw\":null}}"

#define ZERO20 "AAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define PUSH(items) "{\"data\":{\"attributes\":{\"evidence_collected\":[" items "]}}}"
#define ITEM(type, data) "{\"evidence_type\":\"" type "\",\"data\":{" data "}}"

static void malformed_pushes_are_refused(void **state)
{
	static const char other[] = PUSH(ITEM(
		"tpm_quote", "\"message\":\"AAAA\",\"signature\":\"AAAA\",\"subject_data\":{\"0\":\"00\"}"));
	struct evidence ev;

	(void)state;
	assert_int_equal(evidence_read(slice_of_string(other), &ev, NULL), 0);
	assert_false(ev.quotes[0].has_pcrs);
	assert_true(has_note(&ev, "\"subject_data\" that is no text"));
	evidence_done(&ev);
	assert_text_refused(PUSH(""), PCRCAST_EFORMAT, "no quote");
	assert_text_refused(PUSH("7"), PCRCAST_EFORMAT, "evidence_collected[0]: expected {");
	assert_text_refused(PUSH(ITEM("other", "")), PCRCAST_EFORMAT, "no quote");
	assert_text_refused(PUSH(ITEM("tpm_quote", "")), PCRCAST_EFORMAT, "quote 0 has no message");
	assert_text_refused(PUSH(ITEM("tpm_quote", "\"message\":7")), PCRCAST_EFORMAT,
			    "\"message\": expected base64");
	assert_text_refused(PUSH(ITEM("tpm_quote", "\"subject_data\":\"AAAA\"")), PCRCAST_ETRUNC,
			    "\"subject_data\": the selection");
	assert_text_refused(PUSH(ITEM("uefi_log", "\"entries\":\"AAAA\"") "," ITEM("uefi_log", "")),
			    PCRCAST_EFORMAT, "evidence_collected[1]: a second");
}

static void malformed_dumps_are_refused(void **state)
{
	struct evidence ev;

	(void)state;
	assert_int_equal(evidence_read(slice_of_string(DUMP("null", "null")), &ev, NULL), 0);
	assert_false(ev.quotes[0].has_pcrs);
	evidence_done(&ev);
	assert_text_refused(DUMP("{\"TPMVersion\":1}", "null"), PCRCAST_EUNSUPPORTED, "TPM 1.2");
	assert_text_refused(DUMP("{\"EKPem\":\"*\"}", "null"), PCRCAST_EFORMAT, "\"EKPem\": expected base64");
	assert_text_refused(DUMP("null", "{}"), PCRCAST_EFORMAT, "\"PCRs\": expected a list");
	assert_text_refused(DUMP("null", "[7]"), PCRCAST_EFORMAT, "PCRs[0]: expected {");
	assert_text_refused(DUMP("null", "[{\"Index\":24,\"DigestAlg\":3,\"Digest\":\"" ZERO20 "\"}]"),
			    PCRCAST_EFORMAT, "PCR 24: expected 0 to 23");
	assert_text_refused(DUMP("null", "[{\"Index\":2,\"DigestAlg\":5,\"Digest\":\"" ZERO20 "\"}]"),
			    PCRCAST_EFORMAT, "sha256:2: expected a digest of 32 bytes, found 20");
	assert_text_refused(DUMP("null", "[{\"Index\":2,\"DigestAlg\":3,\"Digest\":\"" ZERO20 "\"},"
					 "{\"Index\":2,\"DigestAlg\":3,\"Digest\":\"" ZERO20 "\"}]"),
			    PCRCAST_EFORMAT, "sha1:2 is stated twice");
	assert_text_refused("{\"AK\":{},\"Quote\":{\"Quote\":\"AAAA\"}}", PCRCAST_EFORMAT,
			    "quote 0 has no signature");
	assert_text_refused("{\"Public\":null,\"Quotes\":[]}", PCRCAST_EFORMAT, "no quote");
	assert_text_refused("{\"Public\":null,\"Quotes\":[1]}", PCRCAST_EFORMAT,
			    "Quotes[0]: expected an object");
}

static void an_unknown_bank_is_noted_and_passed_over(void **state)
{
	struct evidence ev;

	(void)state;
	assert_int_equal(
		evidence_read(
			slice_of_string(DUMP("null", "[{\"Index\":2,\"DigestAlg\":4,\"Digest\":\"AAAA\"}]")),
			&ev, NULL),
		0);
	assert_false(ev.quotes[0].has_pcrs);
	assert_true(has_note(&ev, "DigestAlg 4"));
	evidence_done(&ev);
}

#define DOCUMENT(pcrs, more) \
	"{\"Attestation\":{\"quotes\":[{\"quote\":\"AAAA\",\"raw_sig\":\"AAAA\",\"pcrs\":" pcrs "}]" more "}}"

static void malformed_documents_of_constellation_are_refused(void **state)
{
	struct evidence ev;

	(void)state;
	assert_int_equal(evidence_read(slice_of_string(DOCUMENT("null", "")), &ev, NULL), 0);
	evidence_done(&ev);
	assert_text_refused("{\"Attestation\":{}}", PCRCAST_EFORMAT, "no quote");
	assert_text_refused(DOCUMENT("[]", ""), PCRCAST_EFORMAT, "quotes[0]: \"pcrs\": expected {");
	assert_text_refused(DOCUMENT("{\"hash\":4,\"pcrs\":{\"00\":\"" ZERO20 "\"}}", ""), PCRCAST_EFORMAT,
			    "\"00\" is no register");
	assert_text_refused(DOCUMENT("{\"hash\":4,\"pcrs\":{\"0x1\":\"" ZERO20 "\"}}", ""), PCRCAST_EFORMAT,
			    "is no register");
	assert_text_refused(DOCUMENT("{\"hash\":4,\"pcrs\":{\"24\":\"" ZERO20 "\"}}", ""), PCRCAST_EFORMAT,
			    "PCR 24");
	assert_text_refused(DOCUMENT("{\"hash\":11,\"pcrs\":{\"1\":\"" ZERO20 "\"}}", ""), PCRCAST_EFORMAT,
			    "expected a digest of 32 bytes");
	assert_text_refused(DOCUMENT("{\"hash\":11,\"pcrs\":{\"1\":null}}", ""), PCRCAST_EFORMAT, "found 0");
	assert_text_refused(DOCUMENT("{\"hash\":\"SHA1\"}", ""), PCRCAST_EFORMAT,
			    "\"hash\": expected a number");
	assert_text_refused(DOCUMENT("null", ",\"intermediate_certs\":[null]"), PCRCAST_EFORMAT,
			    "intermediate_certs[0]: expected base64");
	assert_text_refused(DOCUMENT("null", ",\"ak_pub\":7"), PCRCAST_EFORMAT,
			    "\"ak_pub\": expected base64");
}

/* v2.0 to v2.5.1 had a signature of the user data and the verifier's nonce in the quote. */
static void a_document_with_a_user_data_signature_has_a_plain_nonce(void **state)
{
	struct evidence ev;

	(void)state;
	assert_int_equal(
		evidence_read(
			slice_of_string("{\"Attestation\":{\"quotes\":[{\"quote\":\"AAAA\",\"raw_sig\":"
					"\"AAAA\"}],\"TeeAttestation\":{}},\"UserDataSignature\":\"AAAA\"}"),
			&ev, NULL),
		0);
	assert_int_equal(ev.nonce_rule, NONCE_PLAIN);
	assert_true(has_note(&ev, "before v2.5.2"));
	assert_true(has_note(&ev, "\"TeeAttestation\" is not looked at"));
	evidence_done(&ev);
}

static void malformed_evidence_of_trustee_is_refused(void **state)
{
	(void)state;
	assert_text_refused("{\"tpm_quote\":{},\"ak_public\":\"\"}", PCRCAST_EFORMAT,
			    "trustee: quote: \"message\": expected base64");
	assert_text_refused("{\"tpm_quote\":{},\"ak_public\":7}", PCRCAST_EFORMAT,
			    "\"ak_public\": expected base64");
	assert_text_refused(
		"{\"tpm_quote\":{\"message\":\"AAAA\",\"signature\":\"AAAA\",\"pcrs\":[]},\"ak_public\":\"\"}",
		PCRCAST_EFORMAT, "0 values in \"pcrs\", expected 24");
	assert_text_refused("{\"tpm_quote\":{\"message\":\"AAAA\",\"signature\":\"AAAA\",\"pcrs\":[\"00\"]},"
			    "\"ak_public\":\"\"}",
			    PCRCAST_EFORMAT, "sha256:0: expected a digest of 32 bytes, found 1");
	assert_text_refused("{\"tpm_quote\":{},\"version\":3}", PCRCAST_EUNSUPPORTED,
			    "version 3, expected 1 or 2");
	assert_text_refused("{\"tpm_quote\":{},\"version\":1,\"hcl_report\":\"+A==\"}", PCRCAST_EFORMAT,
			    "\"hcl_report\": expected base64 in URL form");
	assert_text_refused("{\"tpm_quote\":{},\"version\":1,\"hcl_report\":\"\"}", PCRCAST_ETRUNC,
			    "HCL report of 0 bytes");
	assert_text_refused("{\"tpm_quote\":{},\"hcl_report\":[256]}", PCRCAST_EFORMAT,
			    "a list of numbers up to 255");
}

/* ---- the wire form ---- */

/* A quote with the given bytes in place of its pcrs (tag and value); the message begins with its tag and length. */
static size_t quote_with(uint8_t out[static 64], const char *pcrs, size_t n)
{
	static const uint8_t head[] = { 0x12, 0, 0x0a, 1, 'q', 0x12, 1, 's' };

	memcpy(out, head, sizeof head);
	out[1] = (uint8_t)(6 + n);
	memcpy(out + sizeof head, pcrs, n);
	return sizeof head + n;
}

static void assert_pcrs_refused(const char *pcrs, size_t n, enum pcrcast_code code, const char *what)
{
	uint8_t bytes[64];

	assert_refused((struct slice){ bytes, quote_with(bytes, pcrs, n) }, code, what);
}

#define PCRS_REFUSED(bytes, code, what) assert_pcrs_refused(bytes, sizeof bytes - 1, code, what)

static void hostile_messages_are_refused(void **state)
{
	uint8_t bytes[64];
	struct evidence ev;

	(void)state;
	assert_int_equal(evidence_read((struct slice){ bytes, quote_with(bytes, "", 0) }, &ev, NULL), 0);
	evidence_done(&ev);
	PCRS_REFUSED("\x0a\1q", PCRCAST_EFORMAT, "quote is there twice");
	PCRS_REFUSED("\x1a\0\x1a\0", PCRCAST_EFORMAT, "pcrs is there twice");
	PCRS_REFUSED("\x18\0", PCRCAST_EFORMAT, "pcrs: wire type 0, expected 2");
	PCRS_REFUSED("\x1a\2\x0a\0", PCRCAST_EFORMAT, "hash: wire type 2, expected 0");
	PCRS_REFUSED("\x1a\4\x08\4\x08\4", PCRCAST_EFORMAT, "hash is there twice");
	PCRS_REFUSED("\x1a\7\x08\x84\x80\x80\x80\x80\1", PCRCAST_EFORMAT,
		     "hash: a number of more than 32 bits");
	PCRS_REFUSED("\x1a\6\x08\4\x12\2\x12\0", PCRCAST_EFORMAT,
		     "sha1:0: expected a digest of 20 bytes, found 0");
	PCRS_REFUSED("\x1a\xff\xff\xff\xff\x0f", PCRCAST_ETRUNC, "a value of 4294967295 bytes, 0 are left");
	PCRS_REFUSED("\x1a\xff\xff\xff\xff\xff\x0f", PCRCAST_EFORMAT, "a number of more than 32 bits");
	PCRS_REFUSED("\x1a\5", PCRCAST_ETRUNC, "a value of 5 bytes, 0 are left");
	PCRS_REFUSED("\x1b", PCRCAST_EFORMAT, "wire type 3");
	PCRS_REFUSED("\xfb\1", PCRCAST_EFORMAT, "wire type 3, expected 0, 1, 2 or 5");
	PCRS_REFUSED("\2\0", PCRCAST_EFORMAT, "0 is no number of a field");
	PCRS_REFUSED("\x80", PCRCAST_ETRUNC, "a number cut short");
	assert_refused((struct slice){ (const uint8_t *)"\x0a\1k\x0a\1k", 6 }, PCRCAST_EFORMAT,
		       "ak_pub is there twice");
	assert_refused((struct slice){ (const uint8_t *)"\x0a\1\1", 3 }, PCRCAST_EFORMAT, "no quote");
	assert_refused((struct slice){ (const uint8_t *)"\x12\0", 2 }, PCRCAST_EFORMAT,
		       "quote 0 has no message");
	assert_refused((struct slice){ (const uint8_t *)"\x12\3\x0a\1\1", 5 }, PCRCAST_EFORMAT,
		       "quote 0 has no signature");
}

static void bytes_behind_the_message_are_refused(void **state)
{
	struct slice file = sample("go-tpm-tools.binpb");
	uint8_t longer[8192];

	(void)state;
	memcpy(longer, file.p, file.n);
	longer[file.n] = 0;
	assert_refused((struct slice){ longer, file.n + 1 }, PCRCAST_EFORMAT, "0 is no number of a field");
	longer[file.n] = 0xff;
	assert_refused((struct slice){ longer, file.n + 1 }, PCRCAST_ETRUNC, "cut short");
	sample_done(file);
}

/* Two bytes each, which would take 6 KiB each. */
static void more_quotes_than_a_tpm_has_banks_are_refused(void **state)
{
	size_t n = 2 * 65537;
	uint8_t *bytes = malloc(n);

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < n; i += 2)
		memcpy(bytes + i, "\x12\0", 2);
	assert_refused((struct slice){ bytes, n }, PCRCAST_ELIMIT, "more than 65536 fields");
	assert_refused((struct slice){ bytes, n - 2 }, PCRCAST_ELIMIT, "more than 64 quotes");
	assert_refused((struct slice){ bytes, 130 }, PCRCAST_ELIMIT, "more than 64 quotes");
	assert_refused((struct slice){ bytes, 128 }, PCRCAST_EFORMAT, "quote 0 has no message");
	free(bytes);
}

static void a_file_makes_only_so_many_notes(void **state)
{
	uint8_t bytes[1024];
	size_t n = quote_with(bytes, "", 0);
	struct evidence ev;

	(void)state;
	for (unsigned field = 16; field < 16 + 200; field++) {
		bytes[n++] = (uint8_t)(field << 3 | 0x80);
		bytes[n++] = (uint8_t)(field >> 4);
		bytes[n++] = 1;
	}
	assert_int_equal(evidence_read((struct slice){ bytes, n }, &ev, NULL), 0);
	assert_int_equal(ev.n_notes, 64);
	assert_string_equal(ev.notes[0], "field 16 is not looked at");
	evidence_done(&ev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(a_truncated_message_is_cut_short_or_a_shorter_one),
		cmocka_unit_test(truncated_text_protobuf_is_refused_or_a_shorter_message),
		cmocka_unit_test(what_is_no_container_is_refused),
		cmocka_unit_test(malformed_quote_strings_are_refused),
		cmocka_unit_test(malformed_pushes_are_refused),
		cmocka_unit_test(malformed_dumps_are_refused),
		cmocka_unit_test(an_unknown_bank_is_noted_and_passed_over),
		cmocka_unit_test(malformed_documents_of_constellation_are_refused),
		cmocka_unit_test(a_document_with_a_user_data_signature_has_a_plain_nonce),
		cmocka_unit_test(malformed_evidence_of_trustee_is_refused),
		cmocka_unit_test(hostile_messages_are_refused),
		cmocka_unit_test(bytes_behind_the_message_are_refused),
		cmocka_unit_test(more_quotes_than_a_tpm_has_banks_are_refused),
		cmocka_unit_test(a_file_makes_only_so_many_notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
