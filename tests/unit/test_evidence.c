/*
 * Containers of evidence. tests/data/evidence/make-containers.py builds them from files of tpm2-tools; what is read of them is
 * compared with those files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "golden/evidence.h"
#include "golden/pcr_file.h"
#include "tests/unit/evidence_sample.h"

static void read_container(const char *name, struct evidence *ev)
{
	struct pcrcast_error e = { .msg = "" };
	struct slice file = sample(name);

	if (evidence_read(file, ev, &e) < 0)
		fail_msg("%s: %s", name, e.msg);
	sample_done(file);
}

static void assert_bytes(struct slice s, const char *text)
{
	if (!slice_equal_string(s, text))
		fail_msg("\"%.*s\", expected \"%s\"", (int)s.n, (const char *)s.p, text);
}

/* s is what the file of tpm2-tools holds from byte skip on. */
static void assert_file(struct slice s, const char *name, size_t skip)
{
	struct slice file = sample(name), expected = SLICE_EMPTY;

	assert_true(slice_at(file, skip, file.n - skip, &expected));
	if (!slice_equal(s, expected))
		fail_msg("%s: other bytes (%zu, expected %zu)", name, s.n, expected.n);
	sample_done(file);
}

static void assert_quote(const struct evidence_quote *q, const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof path, "%s.msg", name);
	assert_file(q->message, path, 0);
	(void)snprintf(path, sizeof path, "%s.sig", name);
	assert_file(q->signature, path,
		    q->bare ? 6 : 0); /* TPMT_SIGNATURE: two algorithms and a length in front */
	assert_true(q->has_pcrs);
}

/* The values of all.values, those registers of them and no others. */
static void assert_values(const struct pcr_values *v, uint32_t pcrs)
{
	struct slice file = sample("all.values");

	assert_int_equal(v->known[ALG_SHA256], pcrs);
	assert_int_equal(v->known[ALG_SHA384], 0);
	for (size_t i = 0; i < PCR_COUNT; i++)
		if (pcrs >> i & 1)
			assert_memory_equal(v->value[ALG_SHA256][i], file.p + 32 * i, 32);
	sample_done(file);
}

#define LOG "\0\1\2 not a log \xff\xfe"

static void assert_log(const struct evidence *ev)
{
	assert_int_equal(ev->log.n, sizeof LOG - 1);
	assert_memory_equal(ev->log.p, LOG, sizeof LOG - 1);
}

static void a_keylime_quote_string_is_read(void **state)
{
	struct slice file = sample("three-banks.pcrs");
	struct pcr_values expected;
	struct evidence ev;

	(void)state;
	read_container("keylime.txt", &ev);
	assert_string_equal(ev.container, "keylime");
	assert_int_equal(ev.n_quotes, 1);
	assert_quote(&ev.quotes[0], "three-banks");
	assert_int_equal(pcr_file_read_serialized(file, NULL, &expected, NULL), 0);
	assert_same_values(&ev.quotes[0].pcrs, &expected);
	assert_int_equal(ev.nonce_rule, NONCE_PLAIN);
	assert_int_equal(ev.key.n + ev.log.n + ev.n_notes, 0);
	evidence_done(&ev);
	sample_done(file);
}

static void a_keylime_agents_answer_is_read(void **state)
{
	struct evidence ev;

	(void)state;
	read_container("keylime-answer.json", &ev);
	assert_string_equal(ev.container, "keylime");
	assert_quote(&ev.quotes[0], "three-banks");
	assert_log(&ev);
	assert_bytes(ev.ima_log, "10 00 ima-ng\n");
	assert_int_equal(ev.key.n, 0); /* "pubkey" is another key */
	assert_true(has_note(&ev, "\"pubkey\""));
	evidence_done(&ev);
}

static void what_a_keylime_agent_pushes_is_read(void **state)
{
	struct slice file = sample("three-banks.pcrs");
	struct pcr_values expected;
	struct evidence ev;

	(void)state;
	read_container("keylime-push.json", &ev);
	assert_string_equal(ev.container, "keylime");
	assert_int_equal(ev.n_quotes, 1);
	assert_quote(&ev.quotes[0], "three-banks");
	assert_int_equal(pcr_file_read_serialized(file, NULL, &expected, NULL), 0);
	assert_same_values(&ev.quotes[0].pcrs, &expected);
	assert_log(&ev);
	assert_int_equal(ev.ima_log.n, 0); /* from which entry on? */
	assert_true(has_note(&ev, "\"ima_log\""));
	evidence_done(&ev);
	sample_done(file);
}

static void a_dump_of_go_attestation_is_read(void **state)
{
	struct evidence ev;

	(void)state;
	read_container("go-attestation-dump.json", &ev);
	assert_string_equal(ev.container, "go-attestation");
	assert_int_equal(ev.n_quotes, 1);
	assert_quote(&ev.quotes[0], "all");
	assert_values(&ev.quotes[0].pcrs, 0xffffff);
	assert_file(ev.key, "ak.tss", 2);
	assert_bytes(ev.nonce, "\xc0\xff\xee");
	assert_log(&ev);
	assert_bytes(ev.ek_cert,
		     "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n");
	assert_int_equal(ev.n_notes, 0);
	evidence_done(&ev);
}

static void platform_parameters_of_go_attestation_are_read(void **state)
{
	struct evidence ev;

	(void)state;
	read_container("go-attestation-platform.json", &ev);
	assert_string_equal(ev.container, "go-attestation");
	assert_int_equal(ev.n_quotes, 2);
	assert_quote(&ev.quotes[0], "all");
	assert_quote(&ev.quotes[1], "bank-twice");
	for (size_t i = 0; i < 2; i++) {
		assert_values(&ev.quotes[i].pcrs, 0xffffff);
		assert_int_equal(ev.quotes[i].pcrs.known[ALG_SHA1], 1 << 3);
		assert_int_equal(ev.quotes[i].pcrs.value[ALG_SHA1][3][19], 19);
	}
	assert_file(ev.key, "ak.tss", 2);
	assert_log(&ev);
	evidence_done(&ev);
}

static void an_attestation_of_go_tpm_tools_is_read_in_both_forms(void **state)
{
	static const char *const names[] = { "go-tpm-tools.binpb", "go-tpm-tools.txtpb" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct evidence ev;

		read_container(names[i], &ev);
		assert_string_equal(ev.container, "go-tpm-tools");
		assert_int_equal(ev.n_quotes, 2);
		assert_quote(&ev.quotes[0], "all");
		assert_values(&ev.quotes[0].pcrs, 0xffffff);
		assert_quote(&ev.quotes[1], "bank-twice");
		assert_values(&ev.quotes[1].pcrs, 1 << 1 | 1 << 3);
		assert_file(ev.key, "ak.tss", 2);
		assert_log(&ev);
		assert_bytes(ev.cel_log, "not a canonical log");
		assert_bytes(ev.ak_cert, "an AK certificate");
		assert_int_equal(ev.n_intermediates, 2);
		assert_bytes(ev.intermediates[0], "one");
		assert_bytes(ev.intermediates[1], "two");
		assert_int_equal(ev.n_notes, 1);
		assert_true(has_note(&ev, i == 0 ? "field 8 is" : "\"sev_snp_attestation\" is"));
		evidence_done(&ev);
	}
}

static void a_document_of_constellation_is_read(void **state)
{
	struct evidence ev;

	(void)state;
	read_container("constellation.json", &ev);
	assert_string_equal(ev.container, "constellation");
	assert_int_equal(ev.n_quotes, 1);
	assert_quote(&ev.quotes[0], "all");
	assert_values(&ev.quotes[0].pcrs, 0xffffff);
	assert_file(ev.key, "ak.tss", 2);
	assert_log(&ev);
	assert_bytes(ev.ak_cert, "an AK certificate");
	assert_int_equal(ev.n_intermediates, 2);
	assert_bytes(ev.intermediates[1], "two");
	assert_int_equal(ev.nonce_rule, NONCE_CONSTELLATION);
	assert_bytes(ev.instance_info, "{}");
	assert_bytes(ev.user_data, "user data");
	assert_int_equal(ev.n_notes, 0);
	evidence_done(&ev);
}

static void tpm_evidence_of_trustee_is_read(void **state)
{
	struct evidence ev;

	(void)state;
	read_container("trustee-tpm.json", &ev);
	assert_string_equal(ev.container, "trustee");
	assert_false(ev.quotes[0].bare);
	assert_quote(&ev.quotes[0], "all");
	assert_values(&ev.quotes[0].pcrs, 0xffffff);
	assert_file(ev.key, "ak.der", 0);
	assert_int_equal(ev.nonce_rule, NONCE_PADDED);
	assert_int_equal(ev.n_notes, 0);
	evidence_done(&ev);
}

/* The key is built from the JSON web key in the report: the same as "tpm2_readpublic -f der" writes. */
static void azure_evidence_of_trustee_is_read(void **state)
{
	static const char *const names[] = { "trustee-azure.json", "trustee-azure-0-snp.json",
					     "trustee-azure-0-tdx.json" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct evidence ev;

		read_container(names[i], &ev);
		assert_string_equal(ev.container, "trustee");
		assert_true(ev.quotes[0].bare);
		assert_quote(&ev.quotes[0], "all");
		assert_values(&ev.quotes[0].pcrs, 0xffffff);
		assert_file(ev.key, "ak.der", 0);
		assert_int_equal(ev.nonce_rule, NONCE_PLAIN);
		assert_true(has_note(&ev, "not checked"));
		assert_true(has_note(&ev, i == 2 ? "\"td_quote\"" : "\"vcek\""));
		evidence_done(&ev);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_keylime_quote_string_is_read),
		cmocka_unit_test(a_keylime_agents_answer_is_read),
		cmocka_unit_test(what_a_keylime_agent_pushes_is_read),
		cmocka_unit_test(a_dump_of_go_attestation_is_read),
		cmocka_unit_test(platform_parameters_of_go_attestation_are_read),
		cmocka_unit_test(an_attestation_of_go_tpm_tools_is_read_in_both_forms),
		cmocka_unit_test(a_document_of_constellation_is_read),
		cmocka_unit_test(tpm_evidence_of_trustee_is_read),
		cmocka_unit_test(azure_evidence_of_trustee_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
