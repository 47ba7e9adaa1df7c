/* Formats of other predictors and verifiers. The samples were made by tests/tools/make-golden-vendors.py. */
#include "golden_sample.h"

#define A32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B32 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define A48 A32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void samples_are_recognised_and_written_back(void **state)
{
	(void)state;
	sample_check("aws.json", "aws");
	sample_check("pcrsys.json", "pcrsys");
	sample_check("tdx.json", "tdx");
	sample_check("rvps.json", "rvps");
	sample_check("rvps-message.json", "rvps");
	sample_check("compute-pcrs.json", "compute-pcrs");
}

static void pcrs_of_an_enclave_are_read_with_a_warning(void **state)
{
	static const char text[] =
		"{\"Measurements\":{\"HashAlgorithm\":\"Sha384 { ... }\",\"PCR0\":\"" A48 "\"}}";
	struct pcrcast_error e;
	struct golden g;

	(void)state;
	assert_int_equal(sample_read(slice_of_string(text), NULL, &g, &e), 0);
	assert_non_null(golden_find(&g.sets[0], ALG_SHA384, 0));
	assert_true(sample_says(g.notes, g.n_notes, "not those of a TPM"));
	golden_done(&g);
}

static void aws_that_is_odd_is_refused(void **state)
{
	static const struct sample_case cases[] = {
		{ "{\"Measurements\":{\"HashAlgorithm\":\"MD5\",\"PCR4\":\"" A48 "\"}}", "found \"MD5\"" },
		{ "{\"Measurements\":{\"HashAlgorithm\":\"SHA384\",\"PCR4\":\"" A32 "\"}}",
		  "32 bytes, expected 48" },
		{ "{\"Measurements\":{\"HashAlgorithm\":\"SHA384\",\"PCR04\":\"" A48 "\"}}",
		  "PCR0 to PCR23" },
		{ "{\"Measurements\":{\"HashAlgorithm\":\"SHA384\",\"PCR24\":\"" A48 "\"}}",
		  "PCR0 to PCR23" },
		{ "{\"Measurements\":{\"HashAlgorithm\":\"SHA384\",\"PCR4\":4}}", "a value in hex" },
		{ "{\"Measurements\":{\"HashAlgorithm\":\"SHA384\"}}", "no value of a register" },
		{ "{\"Measurements\":{\"HashAlgorithm\":384}}", "expected a string" },
		{ "{\"Measurements\":[]}", "expected an object" },
		{ "[]", "expected an object" },
		{ "", "expected an object" },
	};

	(void)state;
	SAMPLE_REFUSED(cases, "aws");
}

static void values_of_another_bank_are_refused_with_both_named(void **state)
{
	struct slice bytes = sample_file("pcrsys.json");
	struct golden_selection all = { 0 };
	struct pool pool = POOL_INIT;
	const char *const *lost;
	struct pcrcast_error e;
	struct slice out;
	struct golden g;
	size_t n_lost;

	(void)state;
	assert_int_equal(sample_read(bytes, NULL, &g, &e), 0);
	for (size_t i = 0; i < g.sets[0].n_registers; i++)
		g.sets[0].registers[i].n = 1;
	assert_int_equal(
		golden_write(&g, &all, golden_format_by_name("aws"), &pool, &out, &lost, &n_lost, &e),
		-PCRCAST_EUNSUPPORTED);
	assert_string_equal(e.msg, "aws is for bank sha384, the values are of bank sha256");
	golden_done(&g);
	pool_done(&pool);
	free((void *)bytes.p);
}

static void boot_phases_are_told_by_their_values_not_by_their_place(void **state)
{
	struct slice bytes = sample_file("pcrsys.json");
	struct pool pool = POOL_INIT;
	const char *const *lost;
	struct pcrcast_error e;
	struct golden g;
	size_t n_lost;

	(void)state;
	assert_int_equal(sample_read(bytes, NULL, &g, &e), 0);
	const struct golden_register *r = golden_find(&g.sets[0], ALG_SHA256, 11);
	assert_int_equal(r->n, 7);
	assert_null(r->values[0].label);
	assert_string_equal(r->values[1].label, "sysinit");
	assert_string_equal(r->values[6].label, "sysinit:preconfigured:configured:ready:shutdown:final");
	assert_null(golden_find(&g.sets[0], ALG_SHA256, 5)->values[0].label);
	(void)sample_write(&g, "pcrsys", &pool, &lost, &n_lost);
	assert_false(sample_says(lost, n_lost, "which of several"));
	r->values[3].bytes[0] ^= 1; /* now it is a list of seven values, no more */
	struct slice out = sample_write(&g, "pcrsys", &pool, &lost, &n_lost);
	assert_true(sample_says(lost, n_lost, "which of several"));
	golden_done(&g);
	assert_int_equal(sample_read(out, NULL, &g, &e), 0);
	assert_null(golden_find(&g.sets[0], ALG_SHA256, 11)->values[1].label);
	golden_done(&g);
	pool_done(&pool);
	free((void *)bytes.p);
}

static void pcrsys_that_is_odd_is_refused(void **state)
{
	static const struct sample_case cases[] = {
		{ "{\"pcrs\":{\"4\":{\"sha256\":[]}}}", "at least one value" },
		{ "{\"pcrs\":{\"4\":{\"sha256\":\"" A32 "\"}}}", "at least one value" },
		{ "{\"pcrs\":{\"4\":{\"sha256\":[\"" A48 "\"]}}}", "48 bytes, expected 32" },
		{ "{\"pcrs\":{\"4\":{\"sha256\":[\"" A32 "\"],\"sha1\":[]}}}", "unknown key \"sha1\"" },
		{ "{\"pcrs\":{\"x\":{\"sha256\":[\"" A32 "\"]}}}", "a PCR, 0 to 23" },
		{ "{\"pcrs\":{\"4\":{\"sha256\":[\"" A32 "\"]}},\"more\":1}", "unknown key \"more\"" },
		{ "{\"pcrs\":{}}", "no value of a register" },
		{ "{\"pcrs\":[]}", "expected an object" },
	};

	(void)state;
	SAMPLE_REFUSED(cases, "pcrsys");
}

static void the_registers_of_a_trust_domain_are_no_pcrs(void **state)
{
	static const char text[] =
		"{\"mrtd\":\"" A48 "\",\"rtmr3\":\"" A48 "\",\"mr_aggregated\":\"" A32 "\"}";
	static const struct sample_case cases[] = {
		{ "{\"rtmr0\":\"" A32 "\"}", "32 bytes, expected 48" },
		{ "{\"rtmr0\":[]}", "a value in hex" },
		{ "{}", "no value of a register" },
		{ "[4]", "an object of registers" },
	};
	struct golden_selection all = { 0 };
	struct pool pool = POOL_INIT;
	const char *const *lost;
	struct pcrcast_error e;
	struct slice out;
	struct golden g;
	size_t n_lost;

	(void)state;
	assert_int_equal(sample_read(slice_of_string(text), NULL, &g, &e), 0);
	assert_string_equal(g.format, "tdx");
	assert_true(g.sets[0].cc);
	assert_non_null(golden_find(&g.sets[0], ALG_SHA384, 4));
	assert_true(sample_says(g.notes, g.n_notes, "mr_aggregated"));
	assert_int_equal(
		golden_write(&g, &all, golden_format_by_name("aws"), &pool, &out, &lost, &n_lost, &e),
		-PCRCAST_EUNSUPPORTED);
	golden_done(&g);
	pool_done(&pool);
	SAMPLE_REFUSED(cases, "tdx");
}

static void names_of_rvps_are_sets_and_pcrs(void **state)
{
	static const char text[] = "{\"tpm_pcr04\":[\"" A32 "\",\"" B32 "\"],\"snp_pcr11\":[\"" A32
				   "\"],\"mr_td\":[\"" A48 "\"],\"tdx_pcr24\":[\"" A32 "\"]}";
	struct slice bytes = slice_of_string(text);
	struct pool pool = POOL_INIT;
	const char *const *lost;
	struct pcrcast_error e;
	struct golden g;
	size_t n_lost;

	(void)state;
	assert_int_equal(sample_read(bytes, NULL, &g, &e), 0);
	assert_int_equal(g.n, 2);
	assert_string_equal(g.sets[0].id.variant, "tpm");
	assert_int_equal(golden_find(&g.sets[0], ALG_SHA256, 4)->n, 2);
	assert_true(sample_says(g.notes, g.n_notes, "2 names that are no PCR, the first is \"mr_td\""));
	g.sets[0].id.image = "a.img";
	struct slice out = sample_write(&g, "rvps", &pool, &lost, &n_lost);
	assert_true(sample_says(lost, n_lost, "what image"));
	assert_non_null(strstr(pool_text(&pool, (const char *)out.p, out.n), "\"tpm_pcr4\""));
	golden_done(&g);
	pool_done(&pool);
}

static void two_sets_of_one_name_are_not_mixed(void **state)
{
	struct golden_selection all = { 0 };
	struct pool pool = POOL_INIT;
	const char *const *lost;
	struct slice out;
	struct pcrcast_error e;
	struct golden g;
	size_t n_lost;

	(void)state;
	assert_int_equal(
		sample_read(slice_of_string("{\"tpm_pcr4\":[\"" A32 "\"],\"snp_pcr4\":[\"" B32 "\"]}"), NULL,
			    &g, &e),
		0);
	g.sets[0].id.variant = NULL; /* tpm is what a set is without one */
	g.sets[1].id.variant = "tpm";
	assert_int_equal(
		golden_write(&g, &all, golden_format_by_name("rvps"), &pool, &out, &lost, &n_lost, &e),
		-PCRCAST_EUNSUPPORTED);
	assert_non_null(strstr(e.msg, "tpm_pcr"));
	golden_done(&g);
	pool_done(&pool);
}

static void what_rvps_stores_is_read(void **state)
{
	static const char text[] =
		"[{\"version\":\"0.1.0\",\"name\":\"tpm_pcr4\",\"expiration\":\"2026-10-02T13:00:13Z\","
		"\"value\":[\"" A32 "\"]}]";
	struct pcrcast_error e;
	struct golden g;

	(void)state;
	assert_int_equal(sample_read(slice_of_string(text), NULL, &g, &e), 0);
	assert_string_equal(g.format, "rvps");
	assert_non_null(golden_find(&g.sets[0], ALG_SHA256, 4));
	assert_true(sample_says(g.notes, g.n_notes, "2026-10-02"));
	golden_done(&g);
}

static void rvps_that_is_odd_is_refused(void **state)
{
	static const struct sample_case cases[] = {
		{ "{\"tpm_pcr4\":\"" A32 "\"}", "an array of at least one" },
		{ "{\"tpm_pcr4\":[]}", "an array of at least one" },
		{ "{\"tpm_pcr4\":[\"aa\"]}", "digests in hex" },
		{ "{\"tpm_pcr4\":[\"0x" A32 "\"]}", "digests in hex" },
		{ "{\"mr_td\":[\"" A32 "\"]}", "no reference values" },
		{ "{\"type\":\"swid\",\"payload\":\"e30=\"}", "expected \"sample\"" },
		{ "{\"type\":\"sample\",\"payload\":\"e30\"}", "expected base64" },
		{ "{\"type\":\"sample\",\"payload\":\"e30=\"}", "no reference values" },
		{ "{\"type\":\"sample\",\"payload\":\"W10=\"}", "an object within" },
		{ "{\"type\":\"sample\",\"payload\":\"e30K\",\"version\":\"0.2.0\"}", "\"0.1.0\"" },
		{ "{\"type\":\"sample\",\"payload\":\"ew==\"}", "in \"payload\"" },
		{ "[{\"name\":4,\"value\":[]}]", "\"name\" and \"value\"" },
		{ "[{\"name\":\"tpm_pcr4\"}]", "an array of at least one" },
	};

	(void)state;
	SAMPLE_REFUSED(cases, "rvps");
}

static void the_first_form_of_compute_pcrs_is_read(void **state)
{
	struct slice bytes = sample_file("compute-pcrs-2025.json");
	struct golden_selection all = { 0 };
	struct pool pool = POOL_INIT;
	const char *const *lost;
	struct pcrcast_error e;
	struct slice out;
	struct golden g;
	size_t n_lost;

	(void)state;
	assert_int_equal(sample_read(bytes, NULL, &g, &e), 0);
	assert_string_equal(g.format, "compute-pcrs");
	assert_int_equal(g.sets[0].log->n_events, 5);
	assert_int_equal(g.sets[0].log->events[4].type, EV_EFI_BOOT_SERVICES_APPLICATION);
	/* which of the three the loader is does not stand there, so it is not guessed */
	assert_int_equal(golden_write(&g, &all, golden_format_by_name("compute-pcrs"), &pool, &out, &lost,
				      &n_lost, &e),
			 -PCRCAST_EUNSUPPORTED);
	assert_non_null(strstr(e.msg, "no id for an event (EV_EFI_BOOT_SERVICES_APPLICATION, event 2)"));
	golden_done(&g);
	pool_done(&pool);
	free((void *)bytes.p);
}

static void ids_are_found_from_what_a_log_shows(void **state)
{
	/* printf '.linux\\0' | sha256sum, and sha256sum </dev/null, each behind its TPM_ALG_ID */
	struct pool pool = POOL_INIT;
	const char *const *lost;
	struct pcrcast_error e;
	struct golden g = GOLDEN_INIT;
	size_t n_lost;
	struct eventlog log = EVENTLOG_INIT;
	static const uint8_t name[] = { 0x0b, 0x00, 0x0d, 0xa2, 0x93, 0xe3, 0x7a, 0xd5, 0x51,
					0x1c, 0x59, 0xbe, 0x47, 0x99, 0x37, 0x69, 0xaa, 0xcb,
					0x91, 0xb2, 0x43, 0xf7, 0xd0, 0x10, 0x28, 0x8e, 0x11,
					0x8d, 0xc9, 0x0e, 0x95, 0xaa, 0xef, 0x5a };
	static const uint8_t empty[] = { 0x0b, 0x00, 0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c,
					 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
					 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4,
					 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55 };
	const struct slice digests[] = { { name, sizeof name }, { empty, sizeof empty } };

	(void)state;
	log.algs[log.n_algs++] = (struct eventlog_alg){ 0x000b, 32 };
	for (size_t i = 0; i < 2; i++) {
		struct event *ev = pool_push(&log.pool, &log.events, &log.n_events, &log.cap, sizeof *ev);

		*ev = (struct event){
			.pcr = 11, .type = EV_IPL, .n_digests = 1, .digests = digests[i], .data = SLICE_EMPTY
		};
	}
	struct golden_set *s = golden_add_set(&g, &e);
	assert_int_equal(golden_take_log(&g, s, &log, GOLDEN_COMPUTED, &e), 0);
	struct slice out = sample_write(&g, "compute-pcrs", &pool, &lost, &n_lost);
	const char *written = pool_text(&pool, (const char *)out.p, out.n);
	assert_non_null(strstr(written, "\"id\": \"Pcr11Linux\""));
	assert_non_null(strstr(written, "\"id\": \"Pcr11LinuxContent\""));
	assert_non_null(strstr(written, "\"name\": \".linux_CONTENT\""));
	golden_done(&g);
	pool_done(&pool);
}

#define EVENT(pcr, id) "{\"name\":\"EV_SEPARATOR\",\"pcr\":" pcr ",\"hash\":\"" A32 "\",\"id\":\"" id "\"}"

static void compute_pcrs_that_are_odd_are_refused(void **state)
{
	static const struct sample_case cases[] = {
		{ "{\"id\":4,\"value\":\"" A32 "\",\"events\":[" EVENT("4", "Pcr4Separator") "]}",
		  "the value that the events lead to" },
		{ "{\"id\":4,\"value\":\"" A32 "\",\"events\":[" EVENT("7", "Pcr7Separator") "]}",
		  "listed under" },
		{ "{\"id\":4,\"value\":\"" A32 "\",\"events\":[" EVENT("4", "Pcr7Separator") "]}",
		  "in PCR 4, expected in 7" },
		{ "{\"id\":4,\"value\":\"" A32 "\",\"events\":[{\"name\":\"x\",\"pcr\":4,\"hash\":\"" A32
		  "\",\"id\":\"New\"}]}",
		  "not known" },
		{ "{\"id\":4,\"value\":\"" A32 "\",\"events\":[{\"name\":\"x\",\"pcr\":4,\"hash\":\"" A48
		  "\",\"id\":\"New\"}]}",
		  "64 hex digits" },
		{ "{\"id\":24,\"value\":\"" A32 "\",\"events\":[]}", "a PCR, 0 to 23" },
		{ "{\"id\":4,\"value\":\"" A48 "\",\"events\":[]}", "48 bytes, expected 32" },
		{ "{\"id\":4,\"value\":\"" A32 "\"}", "\"events\": expected an array" },
		{ "{\"id\":4,\"value\":\"" A32 "\",\"events\":[],\"parts\":[]}", "expected an array" },
		{ "{\"pcrs\":{}}", "expected an array" },
		{ "{\"pcrs\":[]}", "no value of a register" },
		{ "{\"pcrs\":[{\"id\":4,\"value\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"events\":[]},"
		  "{\"id\":4,\"value\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"events\":[]}]}",
		  "pcrs 1: a second time" },
	};

	(void)state;
	SAMPLE_REFUSED(cases, "compute-pcrs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_are_recognised_and_written_back),
		cmocka_unit_test(pcrs_of_an_enclave_are_read_with_a_warning),
		cmocka_unit_test(aws_that_is_odd_is_refused),
		cmocka_unit_test(values_of_another_bank_are_refused_with_both_named),
		cmocka_unit_test(boot_phases_are_told_by_their_values_not_by_their_place),
		cmocka_unit_test(pcrsys_that_is_odd_is_refused),
		cmocka_unit_test(the_registers_of_a_trust_domain_are_no_pcrs),
		cmocka_unit_test(names_of_rvps_are_sets_and_pcrs),
		cmocka_unit_test(two_sets_of_one_name_are_not_mixed),
		cmocka_unit_test(what_rvps_stores_is_read),
		cmocka_unit_test(rvps_that_is_odd_is_refused),
		cmocka_unit_test(the_first_form_of_compute_pcrs_is_read),
		cmocka_unit_test(ids_are_found_from_what_a_log_shows),
		cmocka_unit_test(compute_pcrs_that_are_odd_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
