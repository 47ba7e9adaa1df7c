/* Dumps and lists of registers: tpm2-tools, sysfs, pcr-oracle, go_tpm_remote_attestation, Keylime's TPM policy. */
#include "golden_sample.h"

#include "base/encode.h"

#define DATA "tests/data/golden/"

/* What was in the TPM behind the samples: tests/data/golden/tpm2-pcrs.origin. */
#define SHA1_4 "d6ebc4e04e1612a1ae465c51c090608bc5e6e174"
#define SHA256_0 "0000000000000000000000000000000000000000000000000000000000000000"
#define SHA256_4 "8878b15a7d6a3a4f464e8f9f42591dbc0cf4bedea0ec309003d2b2ee53655ef8"
#define SHA256_17 "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static void assert_value(const struct golden *g, enum alg alg, uint32_t index, const char *hex,
			 enum golden_origin origin)
{
	const struct golden_register *r = golden_find(&g->sets[0], alg, index);
	char found[2 * DIGEST_MAX + 1];

	assert_non_null(r);
	assert_int_equal(r->n, 1);
	hex_encode(r->values[0].bytes, algs[alg].len, found);
	assert_string_equal(found, hex);
	assert_int_equal(r->values[0].origin, origin);
}

static void assert_sample(const struct golden *g, enum golden_origin origin)
{
	assert_int_equal(g->n, 1);
	assert_int_equal(g->sets[0].n_registers, 4);
	assert_value(g, ALG_SHA1, 4, SHA1_4, origin);
	assert_value(g, ALG_SHA256, 0, SHA256_0, origin);
	assert_value(g, ALG_SHA256, 4, SHA256_4, origin);
	assert_value(g, ALG_SHA256, 17, SHA256_17, origin);
}

static void files_of_a_tpm_are_recognised_read_and_written_byte_for_byte(void **state)
{
	static const struct {
		const char *path, *format;
		enum golden_origin origin;
	} cases[] = {
		{ DATA "pcrread.txt", "pcrread", GOLDEN_OBSERVED },
		{ DATA "tpm2-pcrs.bin", "tpm2-pcrs", GOLDEN_OBSERVED },
		{ DATA "tpm2-marshaled.bin", "tpm2-marshaled", GOLDEN_OBSERVED },
		{ DATA "pcr-oracle.txt", "pcr-oracle", GOLDEN_COMPUTED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pool pool = POOL_INIT;
		struct golden g;
		size_t n;
		uint8_t *p = sample_load(cases[i].path, &n);

		sample_take((struct slice){ p, n }, NULL, &g);
		assert_string_equal(g.format, cases[i].format);
		assert_sample(&g, cases[i].origin);
		struct slice out = sample_write(&g, cases[i].format, &pool, NULL, NULL);
		assert_int_equal(out.n, n);
		assert_memory_equal(out.p, p, n);
		golden_done(&g);
		pool_done(&pool);
		free(p);
	}
}

static void cut_short_files_are_refused(void **state)
{
	static const char *const names[] = { "tpm2-pcrs", "tpm2-marshaled" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char path[64];
		size_t n;

		(void)snprintf(path, sizeof path, DATA "%s.bin", names[i]);
		uint8_t *p = sample_load(path, &n);
		for (size_t k = 0; k < n; k++) {
			struct pcrcast_error e = { .msg = "" };
			struct golden g;

			assert_true(sample_read((struct slice){ p, k }, names[i], &g, &e) < 0);
			assert_true(e.msg[0] != '\0');
			golden_done(&g);
			assert_true(sample_read((struct slice){ p, k }, NULL, &g, &e) < 0);
			golden_done(&g);
		}
		free(p);
	}
}

static void bare_values_need_to_be_told_whose_they_are(void **state)
{
	struct golden_input in = { .name = "values" };
	const struct golden_format *f = golden_format_by_name("tpm2-values");
	struct pool pool = POOL_INIT;
	struct pcrcast_error e;
	struct golden g, h;
	size_t n, n_lost;
	uint8_t *p = sample_load(DATA "tpm2-values.bin", &n);

	(void)state;
	in.bytes = (struct slice){ p, n };
	assert_int_equal(golden_read(&in, f, &g, &e), -PCRCAST_EINVAL);
	assert_non_null(strstr(e.msg, "--bank and --pcr"));
	golden_done(&g);
	in.bytes = (struct slice){ p + 20, n - 20 };
	in.banks = 1u << ALG_SHA256;
	in.has_pcrs = true;
	in.pcrs = 1u << 0 | 1u << 4 | 1u << 17;
	assert_int_equal(golden_read(&in, f, &g, &e), 0);
	assert_value(&g, ALG_SHA256, 4, SHA256_4, GOLDEN_OBSERVED);
	struct slice out = sample_write(&g, "tpm2-values", &pool, NULL, &n_lost);
	assert_true(slice_equal(out, in.bytes));
	golden_done(&g);
	in.pcrs |= 1u << 5; /* more registers than values */
	assert_true(golden_read(&in, f, &g, &e) < 0);
	golden_done(&g);
	in.pcrs = 1u << 4; /* fewer */
	assert_true(golden_read(&in, f, &g, &e) < 0);
	golden_done(&g);
	free(p);

	/* both banks, in order: what tpm2_pcrread -o wrote */
	p = sample_load(DATA "tpm2-pcrs.bin", &n);
	sample_take((struct slice){ p, n }, NULL, &h);
	free(p);
	out = sample_write(&h, "tpm2-values", &pool, NULL, &n_lost);
	p = sample_load(DATA "tpm2-values.bin", &n);
	assert_int_equal(out.n, n);
	assert_memory_equal(out.p, p, n);
	assert_int_equal(n_lost, 2); /* the origin, and whose they are */
	golden_done(&h);
	free(p);
	pool_done(&pool);
}

static void our_own_lines_are_no_dump_of_a_tpm_and_not_pcr_oracles(void **state)
{
	static const char text[] = "sha256:4   " SHA256_4 "  3 events\nsha256:17  " SHA256_17 "\n";
	static const char cc[] = "sha384:mrtd  " SHA256_4 SHA256_4 "\n";
	static const char cc_rtmr[] = "sha256:rtmr0 " SHA256_4 "  3 events\n";
	struct golden g;

	(void)state;
	sample_take(slice_of_string(text), NULL, &g);
	assert_string_equal(g.format, "pcrread");
	assert_value(&g, ALG_SHA256, 4, SHA256_4, GOLDEN_STATED);
	golden_done(&g);
	sample_take(slice_of_string(cc_rtmr), NULL, &g);
	assert_true(g.sets[0].cc);
	assert_value(&g, ALG_SHA256, 1, SHA256_4, GOLDEN_STATED);
	golden_done(&g);
	sample_refused(cc, NULL, "line 1");
}

static void the_order_of_a_flag_is_told_and_its_digest_is_the_quotes(void **state)
{
	struct pool pool = POOL_INIT;
	struct pcr_values v;
	struct digest d;
	struct golden g;
	char hex[2 * DIGEST_MAX + 1];
	uint8_t both[64];
	size_t n;
	uint8_t *p = sample_load(DATA "flag.txt", &n);

	(void)state;
	sample_take((struct slice){ p, n }, NULL, &g);
	assert_string_equal(g.format, "flag");
	assert_int_equal(g.n_notes, 0);
	assert_int_equal(golden_single_values(&g.sets[0], ALG_SHA256, &v, NULL), 0);
	assert_int_equal(v.known[ALG_SHA256], 1u << 0 | 1u << 7);
	memcpy(both, v.value[ALG_SHA256][0], 32);
	memcpy(both + 32, v.value[ALG_SHA256][7], 32);
	assert_int_equal(digest_of(ALG_SHA256, (struct slice){ both, 64 }, &d, NULL), 0);
	hex_encode(d.bytes, 32, hex);
	assert_string_equal(hex, "8c9c912083dad222b04250554cdcc77a62b94cb169c861f5d9c1761520949695");
	struct slice out = sample_write(&g, "flag", &pool, NULL, NULL);
	assert_int_equal(out.n, n);
	assert_memory_equal(out.p, p, n);
	golden_done(&g);
	free(p);

	sample_take(slice_of_string("7:" SHA1_4 ",0:" SHA1_4), NULL, &g);
	assert_int_equal(g.n_notes, 1);
	assert_non_null(strstr(g.notes[0], "ascending"));
	assert_non_null(golden_find(&g.sets[0], ALG_SHA1, 7));
	golden_done(&g);
	sample_refused("0:" SHA1_4 ",0:" SHA1_4, NULL, "PCR 0 a second time");
	sample_refused("0:" SHA1_4 ",7:" SHA256_4, NULL, "the same for all");
	sample_refused("0:" SHA1_4 ",", "flag", "separated by commas");
	sample_refused("0:" SHA1_4 ",,7:" SHA1_4, NULL, "separated by commas");
	sample_refused("0:" SHA1_4 ", 7:" SHA1_4, NULL, "separated by commas");
	sample_refused("0:" SHA1_4 ",24:" SHA1_4, NULL, "separated by commas");
	sample_refused("0:" SHA1_4 ",7", NULL, "separated by commas");
	sample_refused("", "flag", "separated by commas");
	pool_done(&pool);
}

static void a_bank_or_value_too_many_is_refused_on_writing(void **state)
{
	struct golden_selection all = { .banks = 1u << ALG_SHA1 | 1u << ALG_SHA256 };
	struct pool pool = POOL_INIT;
	struct pcrcast_error e = { .msg = "" };
	const char *const *lost;
	struct slice out;
	struct golden g;
	size_t n, n_lost;
	uint8_t *p = sample_load(DATA "pcrread.txt", &n);

	(void)state;
	sample_take((struct slice){ p, n }, NULL, &g);
	assert_int_equal(
		golden_write(&g, &all, golden_format_by_name("flag"), &pool, &out, &lost, &n_lost, &e),
		-PCRCAST_EUNSUPPORTED);
	assert_non_null(strstr(e.msg, "--bank"));
	assert_int_equal(
		golden_write(&g, &all, golden_format_by_name("sysfs"), &pool, &out, &lost, &n_lost, &e),
		-PCRCAST_EUNSUPPORTED);
	golden_done(&g);
	free(p);
	pool_done(&pool);
}

static void what_pcr_oracle_verified_is_read_with_notes(void **state)
{
	struct golden g;
	size_t n;
	uint8_t *p = sample_load(DATA "pcr-oracle-verify.txt", &n);

	(void)state;
	sample_take((struct slice){ p, n }, NULL, &g);
	assert_string_equal(g.format, "pcr-oracle");
	assert_value(&g, ALG_SHA256, 4, SHA256_4, GOLDEN_COMPUTED);
	assert_int_equal(g.sets[0].n_registers, 3);
	assert_int_equal(g.n_notes, 2);
	assert_non_null(strstr(g.notes[0], "another value"));
	assert_non_null(strstr(g.notes[1], "no value"));
	golden_done(&g);
	free(p);
	sample_refused("sha256:4 " SHA256_4 "\nsha256:4 " SHA256_17 "\n", NULL,
		       "line 2: sha256:4 has two values");
	sample_refused("sha256:4 " SHA256_4 " BAD\n", "pcr-oracle", "line 1");
	sample_refused("sha256:4 " SHA256_4 "\nsha256:5 " SHA1_4 "\n", NULL, "line 2");
}

static void a_directory_of_sysfs_is_read(void **state)
{
	static const char hex[] = "8878B15A7D6A3A4F464E8F9F42591DBC0CF4BEDEA0EC309003D2B2EE53655EF8\n";
	struct golden_file files[] = {
		{ "pcr-sha1/4", slice_of_string("D6EBC4E04E1612A1AE465C51C090608BC5E6E174\n") },
		{ "pcr-sha256/4", slice_of_string(hex) },
		{ "pcr-sm3_256/4", slice_of_string(hex) },
		{ "pcr-sm3_256/5", slice_of_string(hex) },
		{ "tpm_version_major", slice_of_string("2\n") },
	};
	struct golden_input in = { .name = "tpm0", .files = files, .n_files = 5 };
	struct pcrcast_error e = { .msg = "" };
	struct golden g;

	(void)state;
	in.bytes = SLICE_EMPTY;
	assert_int_equal(golden_read(&in, NULL, &g, &e), 0);
	assert_string_equal(g.format, "sysfs");
	assert_int_equal(g.sets[0].n_registers, 2);
	assert_value(&g, ALG_SHA1, 4, SHA1_4, GOLDEN_OBSERVED);
	assert_value(&g, ALG_SHA256, 4, SHA256_4, GOLDEN_OBSERVED);
	assert_int_equal(g.n_notes, 1);
	golden_done(&g);
	files[1].bytes = slice_of_string("8878\n");
	assert_int_equal(golden_read(&in, NULL, &g, &e), -PCRCAST_EFORMAT);
	assert_non_null(strstr(e.msg, "pcr-sha256/4: expected 64 hex digits"));
	golden_done(&g);
}

static void keylimes_policy_keeps_its_values_and_its_mask(void **state)
{
	struct pool pool = POOL_INIT;
	struct golden g, h;
	size_t n;
	uint8_t *p = sample_load(DATA "keylime-tpm.json", &n);

	(void)state;
	sample_take((struct slice){ p, n }, NULL, &g);
	free(p);
	assert_string_equal(g.format, "keylime-tpm");
	assert_int_equal(g.sets[0].n_registers, 5);
	assert_value(&g, ALG_SHA1, 4, SHA1_4, GOLDEN_STATED);
	assert_value(&g, ALG_SHA256, 4, SHA256_4, GOLDEN_STATED);
	struct slice out = sample_write(&g, "keylime-tpm", &pool, NULL, NULL);
	assert_non_null(strstr((const char *)out.p, "\"0x408411\""));
	sample_take(out, NULL, &h);
	assert_int_equal(h.sets[0].n_registers, 5);
	struct slice again = sample_write(&h, "keylime-tpm", &pool, NULL, NULL);
	assert_true(slice_equal(out, again));
	golden_done(&h);

	struct golden_selection some = { .has_pcrs = true, .pcrs = 1 << 4 };
	const char *const *lost;
	struct pcrcast_error e;
	size_t n_lost;

	assert_int_equal(golden_write(&g, &some, golden_format_by_name("keylime-tpm"), &pool, &out, &lost,
				      &n_lost, &e),
			 0);
	assert_non_null(strstr((const char *)out.p, "\"0x8410\"")); /* 10 and 15 were there without values */
	golden_done(&g);
	pool_done(&pool);
}

static void contradictions_in_keylimes_policy_are_refused(void **state)
{
	struct golden g;

	(void)state;
	sample_take(slice_of_string("{\"4\":\"" SHA1_4 "\",\"mask\":\"0x10\"}"), NULL, &g);
	assert_value(&g, ALG_SHA1, 4, SHA1_4, GOLDEN_STATED);
	golden_done(&g);
	sample_take(slice_of_string("{\"10\":[\"" SHA1_4 "\"]}"), NULL, &g);
	assert_int_equal(g.n_notes, 1);
	golden_done(&g);
	sample_refused("{\"4\":[\"" SHA1_4 "\"],\"mask\":\"0x400\"}", NULL,
		       "PCR 4 has values and is not in it");
	sample_refused("{\"4\":[\"" SHA1_4 "\"],\"mask\":\"x\"}", NULL, "\"mask\": expected");
	sample_refused("{\"4\":[\"" SHA1_4 "\"],\"mask\":\"0x1000010\"}", NULL, "\"mask\": expected");
	sample_refused("{\"4\":[\"" SHA1_4 "\",\"00\"]}", NULL, "PCR 4: expected 40, 64");
	sample_refused("{\"4\":[]}", "keylime-tpm", "at least one value");
	sample_refused("{\"24\":[\"" SHA1_4 "\"]}", "keylime-tpm", "expected a PCR");
	sample_refused("[]", "keylime-tpm", "object");
	sample_refused("x", "keylime-tpm", "object");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_of_a_tpm_are_recognised_read_and_written_byte_for_byte),
		cmocka_unit_test(cut_short_files_are_refused),
		cmocka_unit_test(bare_values_need_to_be_told_whose_they_are),
		cmocka_unit_test(our_own_lines_are_no_dump_of_a_tpm_and_not_pcr_oracles),
		cmocka_unit_test(the_order_of_a_flag_is_told_and_its_digest_is_the_quotes),
		cmocka_unit_test(a_bank_or_value_too_many_is_refused_on_writing),
		cmocka_unit_test(what_pcr_oracle_verified_is_read_with_notes),
		cmocka_unit_test(a_directory_of_sysfs_is_read),
		cmocka_unit_test(keylimes_policy_keeps_its_values_and_its_mask),
		cmocka_unit_test(contradictions_in_keylimes_policy_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
