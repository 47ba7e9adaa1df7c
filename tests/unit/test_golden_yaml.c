/* tpm2_eventlog's YAML. */
#define _GNU_SOURCE
#include "golden_sample.h"

#include "eventlog/eventlog.h"

#define DATA "tests/data/golden/"

static void the_values_and_digests_are_those_of_the_log(void **state)
{
	struct pcrcast_error e = { .msg = "" };
	struct pool pool = POOL_INIT;
	struct eventlog log;
	struct golden g, again;
	size_t n, n_log;
	uint8_t *p = sample_load(DATA "tpm2-yaml.yaml", &n),
		*q = sample_load(DATA "keylime-mb-off.bin", &n_log);

	(void)state;
	sample_take((struct slice){ p, n }, NULL, &g);
	assert_string_equal(g.format, "tpm2-yaml");
	assert_int_equal(eventlog_read((struct slice){ q, n_log }, EVENTLOG_KINDS, &log, &e), 0);
	assert_int_equal(g.sets[0].log->n_events, log.n_events);
	for (size_t i = 0; i < log.n_events; i++) {
		const struct event *a = &log.events[i], *b = &g.sets[0].log->events[i];

		assert_int_equal(a->pcr, b->pcr);
		assert_int_equal(a->type, b->type);
		assert_true(slice_equal(a->digests, b->digests));
		if (b->data.n)
			assert_true(slice_equal(a->data, b->data));
	}
	for (enum alg alg = ALG_SHA1; alg <= ALG_SHA256; alg++) {
		struct pcr_bank bank;

		assert_int_equal(eventlog_replay(&log, alg, &bank, &e), 0);
		for (uint32_t i = 0; i < PCR_COUNT; i++) {
			const struct golden_register *r = golden_find(&g.sets[0], alg, i);

			assert_int_equal(r != NULL, bank.extended >> i & 1);
			if (r)
				assert_memory_equal(r->values[0].bytes, bank.pcr[i], algs[alg].len);
		}
	}
	/* text of EV_EFI_ACTION is data, and so is hex */
	assert_int_equal(g.n_notes, 1);
	assert_non_null(strstr(g.notes[0], "not there as bytes"));
	sample_take(sample_write(&g, "tpm2-yaml", &pool, NULL, NULL), NULL, &again);
	assert_int_equal(again.sets[0].n_registers, g.sets[0].n_registers);
	golden_done(&again);
	golden_done(&g);
	eventlog_done(&log);
	pool_done(&pool);
	free(p);
	free(q);
}

#define EVENT(pcr, type, digest, data)                                                              \
	"- EventNum: 1\n  PCRIndex: " pcr "\n  EventType: " type "\n  DigestCount: 1\n  Digests:\n" \
	"  - AlgorithmId: sha256\n    Digest: \"" digest "\"\n  EventSize: 4\n  Event: \"" data "\"\n"
/* python3: hashlib.sha256(bytes(4)) */
#define D "df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static const char head[] = "---\nversion: 1\nevents:\n";

static void texts_in_all_forms_are_taken_and_contradictions_are_not(void **state)
{
	struct pcr_bank bank;
	struct pool pool = POOL_INIT;
	struct golden g;
	struct digest d;
	char value[2 * DIGEST_MAX + 1];

	(void)state;
	assert_int_equal(digest_of(ALG_SHA256, (struct slice){ (const uint8_t *)"\0\0\0\0", 4 }, &d, NULL),
			 0);
	pcr_bank_reset(&bank, ALG_SHA256);
	assert_int_equal(pcr_extend(&bank, 4, d.bytes, NULL), 0);
	hex_encode(bank.pcr[4], 32, value);
	const char *good = pool_printf(
		&pool, "%s" EVENT("4", "EV_SEPARATOR", D, "00000000") "pcrs:\n  sha256:\n    4  : 0x%s\n",
		head, value);
	const char *quoted = pool_printf(
		&pool, "%s" EVENT("4", "EV_SEPARATOR", D, "00000000") "pcrs:\n  sha256:\n    4  : \"0x%s\"\n",
		head, value);
	const char *without = pool_printf(&pool, "%s" EVENT("4", "EV_SEPARATOR", D, "00000000"), head);
	const char *wrong = pool_printf(
		&pool,
		"%s" EVENT("4", "EV_SEPARATOR", D, "00000000") "pcrs:\n  sha256:\n    4  : 0x" ZEROS "\n",
		head);
	const char *missing = pool_printf(
		&pool,
		"%s" EVENT("4", "EV_SEPARATOR", D, "00000000") "pcrs:\n  sha256:\n    5  : 0x" ZEROS "\n",
		head);
	const char *other =
		pool_printf(&pool,
			    "%s" EVENT("4", "EV_SEPARATOR", D,
				       "00000000") "pcrs:\n  sha512:\n    5  : 0x" ZEROS ZEROS "\n",
			    head);
	const char *unknown = pool_printf(
		&pool,
		"%s" EVENT("4", "Unknown event type", D, "00000000") "pcrs:\n  sha256:\n    4  : 0x%s\n",
		head, value);

	sample_take(slice_of_string(good), NULL, &g);
	assert_int_equal(g.sets[0].n_registers, 1);
	assert_int_equal(g.n_notes, 0);
	assert_int_equal(g.sets[0].log->events[0].data.n, 4);
	golden_done(&g);
	sample_take(slice_of_string(quoted), NULL, &g);
	assert_int_equal(g.n_notes, 0);
	golden_done(&g);
	sample_take(slice_of_string(without), NULL, &g);
	assert_int_equal(g.sets[0].n_registers, 1);
	assert_non_null(strstr(g.notes[0], "no \"pcrs\""));
	golden_done(&g);
	sample_take(slice_of_string(unknown), NULL, &g);
	assert_null(g.sets[0].log);
	assert_non_null(strstr(g.notes[0], "no name"));
	golden_done(&g);
	sample_refused(wrong, NULL, "sha256:4 is not the one that its events lead to");
	sample_refused(missing, NULL, "no value of sha256:4");
	sample_refused(other, NULL, "of which the events have no digest");
	pool_done(&pool);
}

/* tpm2_eventlog 5.4 extends EV_NO_ACTION, and PCR 0 starts with zeros there. */
static void its_own_faults_are_told_and_mended(void **state)
{
	static const char locality[] =
		"- EventNum: 1\n  PCRIndex: 0\n  EventType: EV_NO_ACTION\n  DigestCount: 1\n  Digests:\n  - AlgorithmId: sha256\n"
		"    Digest: \"" ZEROS "\"\n  EventSize: 17\n  Event:\n    StartupLocality: 3\n";
	struct pcr_bank odd, truth;
	struct pool pool = POOL_INIT;
	struct golden g;
	struct digest d;
	char value[2 * DIGEST_MAX + 1];
	uint8_t zeros[32] = { 0 };

	(void)state;
	assert_int_equal(digest_of(ALG_SHA256, (struct slice){ zeros, 4 }, &d, NULL), 0);
	pcr_bank_reset(&odd, ALG_SHA256);
	pcr_bank_reset(&truth, ALG_SHA256);
	truth.pcr[0][31] = 3;
	assert_int_equal(pcr_extend(&truth, 0, d.bytes, NULL), 0);
	assert_int_equal(pcr_extend(&odd, 0, zeros, NULL), 0);
	assert_int_equal(pcr_extend(&odd, 0, d.bytes, NULL), 0);
	hex_encode(odd.pcr[0], 32, value);
	/* the Spec ID event comes first, as in every such log */
	const char *text =
		pool_printf(&pool,
			    "%s- EventNum: 0\n  PCRIndex: 0\n  EventType: EV_NO_ACTION\n  Digest: \"00\"\n"
			    "  EventSize: 33\n  SpecID:\n  - Signature: Spec ID Event03\n%s" EVENT(
				    "0", "EV_SEPARATOR", D, "00000000") "pcrs:\n  sha256:\n    0  : 0x%s\n",
			    head, locality, value);

	sample_take(slice_of_string(text), NULL, &g);
	assert_memory_equal(golden_find(&g.sets[0], ALG_SHA256, 0)->values[0].bytes, truth.pcr[0], 32);
	assert_int_equal(g.n_notes, 1);
	assert_non_null(strstr(g.notes[0], "fault of tpm2_eventlog"));
	golden_done(&g);
	pool_done(&pool);
}

static void what_is_no_such_yaml_is_refused(void **state)
{
	(void)state;
	sample_refused("---\nversion: 1\nevents:\n", NULL, "events: expected a list");
	sample_refused("---\nversion: 3\nevents: []\n", "tpm2-yaml", "version: expected 1 or 2");
	sample_refused("---\nversion: 1\nevents:\n- EventNum: 1\n", NULL, "PCRIndex: expected a number");
	sample_refused("---\nversion: 1\nevents:\n" EVENT("4", "EV_IPL", "00", ""), NULL,
		       "Digest: expected hex of the algorithm's length");
	sample_refused("---\nversion: 1\nevents:\n" EVENT(
			       "4", "EV_IPL", D, "00000000") "pcrs:\n  sha256:\n    24 : 0x" ZEROS "\n",
		       NULL, "a register of 0 to 23");
	sample_refused("---\nversion: 1\nevents:\n" EVENT("4", "EV_IPL", D,
							  "00000000") "pcrs:\n  sha256:\n    4 : 0x00\n",
		       NULL, "its value in full");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_values_and_digests_are_those_of_the_log),
		cmocka_unit_test(texts_in_all_forms_are_taken_and_contradictions_are_not),
		cmocka_unit_test(its_own_faults_are_told_and_mended),
		cmocka_unit_test(what_is_no_such_yaml_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
