/* CoRIM and CoMID, CBOR and JSON. The samples were made by tests/tools/make-golden-vendors.py, with a CBOR encoder of its own. */
#include "golden_sample.h"

#include "base/cbor.h"
#include "base/encode.h"
#include "golden/comid.h"

static void samples_are_recognised_and_written_back(void **state)
{
	(void)state;
	sample_check("corim.cbor", "corim");
	sample_check("comid.json", "comid-json");
	sample_check("comid-pairs.json", "comid-json");
}

static void states_become_sets(void **state)
{
	struct slice bytes = sample_file("corim.cbor");
	struct pcrcast_error e;
	struct golden g;

	(void)state;
	assert_int_equal(sample_read(bytes, NULL, &g, &e), 0);
	assert_int_equal(g.n, 4);
	assert_string_equal(g.sets[0].id.vendor, "ACME Inc.");
	assert_string_equal(g.sets[0].id.image, "image");
	assert_int_equal(golden_find(&g.sets[0], ALG_SHA256, 4)->n, 1);
	assert_int_equal(golden_find(&g.sets[0], ALG_SHA256, 11)->n, 2);
	assert_int_equal(g.sets[1].n_registers, 3); /* one value in three banks */
	assert_string_equal(comid_extra(&g.sets[1], "comid-json", "class-id"),
			    "{\"type\":\"oid\",\"value\":\"2.5.2.8192\"}");
	assert_true(g.sets[2].cc);
	assert_non_null(golden_find(&g.sets[2], ALG_SHA384, 1));
	assert_string_equal(comid_extra(&g.sets[3], "comid-json", "tag-id"), "\"a second tag\"");
	assert_true(sample_says(g.notes, g.n_notes, "valid until 2028-01-01T00:00:00Z"));
	golden_done(&g);
	free((void *)bytes.p);
}

static void a_signed_manifest_is_read_and_said_not_to_be_checked(void **state)
{
	struct slice bytes = sample_file("corim-signed.cbor"), plain = sample_file("corim.cbor");
	struct pool pool = POOL_INIT;
	const char *const *lost;
	struct pcrcast_error e;
	struct golden g;
	size_t n_lost;

	(void)state;
	assert_int_equal(sample_read(bytes, NULL, &g, &e), 0);
	assert_true(sample_says(g.notes, g.n_notes, "signature is not checked"));
	assert_true(slice_equal(sample_write(&g, "corim", &pool, &lost, &n_lost), plain));
	golden_done(&g);
	pool_done(&pool);
	free((void *)bytes.p);
	free((void *)plain.p);
}

static void a_comid_alone_is_read(void **state)
{
	struct slice bytes = sample_file("comid.cbor");
	struct pcrcast_error e;
	struct golden g;

	(void)state;
	assert_int_equal(sample_read(bytes, NULL, &g, &e), 0);
	assert_string_equal(g.format, "corim");
	assert_int_equal(g.n, 1);
	golden_done(&g);
	/* as veraison writes it: without the tag */
	const uint8_t *p = bytes.p + 3;
	size_t head = (*p & 0x1f) < 24 ? 1 : (*p & 0x1f) == 24 ? 2 : 3;
	struct slice map = { p + head, bytes.n - 3 - head };
	assert_int_equal(sample_read(map, NULL, &g, &e), 0);
	assert_int_equal(g.n, 1);
	golden_done(&g);
	free((void *)bytes.p);
}

static void ids_follow_from_contents(void **state)
{
	struct slice json = sample_file("corim-derived.json"), cbor = sample_file("corim-derived.cbor");
	struct pool pool = POOL_INIT;
	const char *const *lost;
	struct pcrcast_error e;
	struct golden g;
	size_t n_lost;

	(void)state;
	assert_int_equal(sample_read(json, NULL, &g, &e), 0);
	struct slice out = sample_write(&g, "corim", &pool, &lost, &n_lost);
	if (!slice_equal(out, cbor))
		fail_msg("written as %s", hex_text(&pool, out));
	assert_int_equal(n_lost, 0);
	golden_done(&g);
	/* the JSON form gets the same id */
	assert_int_equal(sample_read(cbor, NULL, &g, &e), 0);
	char *id = pool_printf(&pool, "\"id\": %s", comid_extra(&g.sets[0], "comid-json", "tag-id"));
	golden_done(&g);
	assert_int_equal(sample_read(json, NULL, &g, &e), 0);
	out = sample_write(&g, "comid-json", &pool, &lost, &n_lost);
	assert_non_null(strstr(pool_text(&pool, (const char *)out.p, out.n), id));
	golden_done(&g);
	pool_done(&pool);
	free((void *)json.p);
	free((void *)cbor.p);
}

static void json_and_cbor_give_each_other_what_both_can_hold(void **state)
{
	struct slice bytes = sample_file("comid.json");
	struct pool pool = POOL_INIT;
	const char *const *lost;
	struct pcrcast_error e;
	struct golden g, back;
	size_t n_lost;

	(void)state;
	assert_int_equal(sample_read(bytes, NULL, &g, &e), 0);
	struct slice out = sample_write(&g, "corim", &pool, &lost, &n_lost);
	assert_true(sample_says(lost, n_lost, "\"entities\""));
	golden_done(&g);
	assert_int_equal(sample_read(out, NULL, &back, &e), 0);
	assert_int_equal(back.n, 1);
	assert_string_equal(back.sets[0].id.image, "image");
	assert_string_equal(comid_extra(&back.sets[0], "comid-json", "tag-id"),
			    "\"43bbe37f-2e61-4b33-aed3-53cff1428b16\"");
	assert_string_equal(comid_extra(&back.sets[0], "comid-json", "tag-version"), "2");
	assert_int_equal(golden_find(&back.sets[0], ALG_SHA256, 11)->n, 2);
	(void)sample_write(&back, "comid-json", &pool, &lost, &n_lost);
	assert_true(sample_says(lost, n_lost, "fields of the format")); /* corim-id */
	golden_done(&back);
	pool_done(&pool);
	free((void *)bytes.p);
}

static int write_golden(struct golden *g, const char *format, struct pool *pool, struct slice *ret,
			struct pcrcast_error *e)
{
	struct golden_selection all = { 0 };
	const char *const *lost;
	size_t n_lost;

	*e = (struct pcrcast_error){ .msg = "" };
	return golden_write(g, &all, golden_format_by_name(format), pool, ret, &lost, &n_lost, e);
}

static void add(struct golden *g, struct golden_set *s, enum alg alg, uint32_t index, uint8_t value)
{
	uint8_t bytes[DIGEST_MAX];

	memset(bytes, value, sizeof bytes);
	assert_int_equal(golden_add_value(g, s, alg, index, (struct slice){ bytes, algs[alg].len },
					  GOLDEN_COMPUTED, NULL, NULL),
			 0);
}

static void values_are_combined_into_states_and_joined_again(void **state)
{
	static const char *const formats[] = { "corim", "comid-json" };
	struct pool pool = POOL_INIT;
	struct pcrcast_error e;

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		struct golden g = GOLDEN_INIT, back;
		struct golden_set *s = golden_add_set(&g, &e);
		struct slice out;

		s->id.image = "a.img";
		for (uint8_t i = 0; i < 3; i++)
			add(&g, s, ALG_SHA256, 4, i);
		for (uint8_t i = 0; i < 5; i++)
			add(&g, s, ALG_SHA256, 11, (uint8_t)(10 + i));
		add(&g, s, ALG_SHA256, 7, 1);
		assert_int_equal(write_golden(&g, formats[f], &pool, &out, &e), 0);
		assert_int_equal(sample_read(out, NULL, &back, &e), 0);
		assert_int_equal(back.n, 1);
		assert_int_equal(golden_find(&back.sets[0], ALG_SHA256, 4)->n, 3);
		const struct golden_register *r = golden_find(&back.sets[0], ALG_SHA256, 11);
		assert_int_equal(r->n, 5);
		for (uint8_t i = 0; i < 5; i++) /* in their order */
			assert_int_equal(r->values[i].bytes[0], 10 + i);
		golden_done(&back);
		golden_done(&g);
	}
	pool_done(&pool);
}

static void states_that_are_not_every_combination_stay_apart(void **state)
{
	struct pool pool = POOL_INIT;
	struct pcrcast_error e;
	struct golden g = GOLDEN_INIT, back;
	struct slice out;

	(void)state;
	for (uint8_t i = 0; i < 2; i++) { /* 4 and 11 go together: a wrong pair must not be accepted */
		struct golden_set *s = golden_add_set(&g, &e);

		s->id.image = "a.img";
		add(&g, s, ALG_SHA256, 4, i);
		add(&g, s, ALG_SHA256, 11, i);
	}
	assert_int_equal(write_golden(&g, "corim", &pool, &out, &e), 0);
	assert_int_equal(sample_read(out, NULL, &back, &e), 0);
	assert_int_equal(back.n, 2);
	assert_true(sample_says(back.notes, back.n_notes, "go together"));
	golden_done(&back);
	golden_done(&g);
	pool_done(&pool);
}

static void what_a_comid_cannot_say_is_not_written(void **state)
{
	struct pool pool = POOL_INIT;
	struct pcrcast_error e;
	struct slice out;

	(void)state;
	for (int i = 0; i < 4; i++) {
		static const char *const says[] = { "the name of an image", "choose with --bank",
						    "more than 1024 states", "not UTF-8" };
		struct golden g = GOLDEN_INIT;
		struct golden_set *s = golden_add_set(&g, &e);

		s->id.image = i == 0 ? NULL : i == 3 ? "\xff.img" : "a.img";
		add(&g, s, ALG_SHA256, 4, 0);
		if (i == 1) {
			add(&g, s, ALG_SHA256, 4, 1);
			add(&g, s, ALG_SHA384, 4, 0);
		}
		for (uint8_t k = 0; i == 2 && k < 64; k++) {
			add(&g, s, ALG_SHA256, 1, k);
			add(&g, s, ALG_SHA256, 2, k);
		}
		assert_int_equal(write_golden(&g, "corim", &pool, &out, &e), -PCRCAST_EUNSUPPORTED);
		if (!strstr(e.msg, says[i]))
			fail_msg("\"%s\" does not say \"%s\"", e.msg, says[i]);
		assert_int_equal(write_golden(&g, "comid-json", &pool, &out, &e), -PCRCAST_EUNSUPPORTED);
		golden_done(&g);
	}
	pool_done(&pool);
}

#define Z32    \
	"5820" \
	"0000000000000000000000000000000000000000000000000000000000000000"
/* {1: {0: "t"}, 4: {0: [[{0: {2: "m"}}, [{1: {14: REGISTERS}}]]]}} */
#define COMID(registers) \
	"a201a10061740"  \
	"4a100818"       \
	"2a100a102616d"  \
	"81a101a10e" registers

static void manifests_that_are_odd_are_refused(void **state)
{
	static const struct {
		const char *hex, *says;
	} cases[] = {
		{ COMID("a1048182"
			"01" Z32),
		  "" },
		{ COMID("a1181881"
			"8201" Z32),
		  "a register: PCR 0 to 23" },
		{ COMID("a1613481"
			"8201" Z32),
		  "a register: PCR 0 to 23" },
		{ COMID("a2048182"
			"01" Z32 "646d727464"
			"818201" Z32),
		  "either PCRs or CC registers" },
		{ COMID("a0"), "a map of integrity registers" },
		{ COMID("a10480"), "an array of digests" },
		{ COMID("a1048101"), "a digest, [algorithm, bytes]" },
		{ COMID("a104818301" Z32 "00"), "a digest, [algorithm, bytes]" },
		{ COMID("a1048182"
			"07" Z32),
		  "32 bytes, expected 48" },
		{ COMID("a1048182"
			"02"
			"5001010101010101010101010101010101"),
		  "no digest of SHA-256" },
		{ COMID("a1048282"
			"01" Z32 "8201" Z32),
		  "match nothing" },
		{ COMID("a1048282"
			"01" Z32 "82677368612d323536" Z32),
		  "match nothing" },
		{ COMID("a1048182"
			"01" Z32 "00"),
		  "1 bytes follow" },
		{ COMID("a2048182"
			"01" Z32 "048182"
			"01" Z32),
		  "a second time" },
		{ "d901f5a0", "a corim-map" },
		{ "d901f5a3006174018004a101c100", "no reference values of registers" },
		{ "d901f5a20061740180", "no reference values of registers" },
		{ "d901fa01", "a CoMID" },
		{ "d901fa4101", "a CoMID" },
		{ "d283404041f6", "four parts" },
		{ "d28441a0a0f640", "content type" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pool pool = POOL_INIT;
		struct pcrcast_error e;
		struct slice bytes;
		struct golden g;

		assert_true(hex_decode(&pool, slice_of_string(cases[i].hex), &bytes));
		int r = sample_read(bytes, "corim", &g, &e);
		if ((r >= 0) != (cases[i].says[0] == '\0') || !strstr(e.msg, cases[i].says))
			fail_msg("case %zu: %d \"%s\" does not say \"%s\"", i, r, e.msg, cases[i].says);
		golden_done(&g);
		pool_done(&pool);
	}
}

static void every_truncation_of_a_manifest_is_refused(void **state)
{
	struct slice bytes = sample_file("corim-signed.cbor");

	(void)state;
	for (size_t n = 0; n < bytes.n; n++) {
		struct pcrcast_error e;
		struct golden g;

		assert_true(sample_read((struct slice){ bytes.p, n }, "corim", &g, &e) < 0);
		golden_done(&g);
	}
	free((void *)bytes.p);
}

#define HEAD \
	"{\"tag-identity\":{\"id\":\"t\"},\"triples\":{\"reference-values\":[{\"environment\":{\"class\":{\"model\":\"m\"}},"
#define JSON(registers) HEAD "\"measurements\":[{\"value\":{\"integrity-registers\":" registers "}}]}]}}"
#define B64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void templates_that_are_odd_are_refused(void **state)
{
	static const struct sample_case cases[] = {
		{ JSON("{}"), "an object of registers" },
		{ JSON("{\"4\":{\"key-type\":\"int\",\"value\":[]}}"), "\"uint\" or \"text\"" },
		{ JSON("{\"24\":{\"key-type\":\"uint\",\"value\":[]}}"), "a register: PCR 0 to 23" },
		{ JSON("{\"4\":{\"key-type\":\"text\",\"value\":[]}}"), "a register: PCR 0 to 23" },
		{ JSON("{\"4\":{\"key-type\":\"uint\",\"value\":[]}}"), "an array of digests" },
		{ JSON("{\"4\":{\"key-type\":\"uint\",\"value\":[\"sha-256;" B64 "\"]}}"), "digests" },
		{ JSON("{\"4\":{\"key-type\":\"uint\",\"value\":[[\"sha-256\",\"" B64 "=\"]]}}"), "digests" },
		{ JSON("{\"4\":{\"key-type\":\"uint\",\"value\":[[\"sha-256\"]]}}"), "digests" },
		{ JSON("{\"4\":{\"key-type\":\"uint\",\"value\":[\"sha-384;" B64 "=\"]}}"),
		  "32 bytes, expected 48" },
		{ JSON("{\"4\":{\"key-type\":\"uint\",\"value\":[\"md5;" B64 "=\"]}}"),
		  "no digest of SHA-256" },
		{ JSON("{\"4\":{\"key-type\":\"uint\",\"value\":[\"sha-256;" B64 "=\",[1,\"" B64 "\"]]}}"),
		  "match nothing" },
		{ JSON("[]"), "an object of registers" },
		{ "{\"tag-identity\":{},\"triples\":[]}", "\"triples\": expected an object" },
		{ "{\"tag-identity\":{},\"triples\":{}}", "no reference values of registers" },
		{ HEAD "\"measurements\":[]}]}}", "\"measurements\": expected an array" },
	};

	(void)state;
	SAMPLE_REFUSED(cases, "comid-json");
}

static void older_and_newer_digests_are_read(void **state)
{
	static const char *const texts[] = {
		JSON("{\"4\":{\"key-type\":\"uint\",\"value\":[\"SHA-256:" B64 "=\"]}}"),
		JSON("{\"4\":{\"key-type\":\"uint\",\"value\":[[1,\"" B64 "\"]]}}"),
		JSON("{\"4\":{\"key-type\":\"uint\",\"value\":[\"md5;AAAA\",\"sha-256;" B64 "=\"]}}"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct pcrcast_error e;
		struct golden g;

		if (sample_read(slice_of_string(texts[i]), NULL, &g, &e) < 0)
			fail_msg("case %zu: %s", i, e.msg);
		assert_non_null(golden_find(&g.sets[0], ALG_SHA256, 4));
		golden_done(&g);
	}
}

static void object_identifiers_are_exact(void **state)
{
	static const struct {
		const char *text, *hex;
	} cases[] = {
		/* X.690 section 8.19.5; the second by openssl asn1parse -genstr OID:1.2.840.113549 */
		{ "2.999.3", "883703" },
		{ "1.2.840.113549", "2a864886f70d" },
		{ "0.39", "27" },
		{ "2.5.2.8192", "5502c000" },
		{ "2.18446744073709551535", "81ffffffffffffffff7f" },
	};
	static const char *const bad[] = { "",     "1",    "1.",   "3.1",  "1.40",
					   "1.02", ".1.2", "1.2.", "1.-2", "2.18446744073709551616" };
	static const char *const bad_ber[] = { "", "80", "2a8001", "88", "83ffffffffffffffffff7f" };
	struct pool pool = POOL_INIT;
	struct slice ber;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_true(comid_oid_parse(&pool, cases[i].text, &ber));
		assert_string_equal(hex_text(&pool, ber), cases[i].hex);
		assert_string_equal(comid_oid_text(&pool, ber), cases[i].text);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(comid_oid_parse(&pool, bad[i], &ber));
	for (size_t i = 0; i < sizeof bad_ber / sizeof bad_ber[0]; i++) {
		assert_true(hex_decode(&pool, slice_of_string(bad_ber[i]), &ber));
		assert_null(comid_oid_text(&pool, ber));
	}
	pool_done(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_are_recognised_and_written_back),
		cmocka_unit_test(states_become_sets),
		cmocka_unit_test(a_signed_manifest_is_read_and_said_not_to_be_checked),
		cmocka_unit_test(a_comid_alone_is_read),
		cmocka_unit_test(ids_follow_from_contents),
		cmocka_unit_test(json_and_cbor_give_each_other_what_both_can_hold),
		cmocka_unit_test(values_are_combined_into_states_and_joined_again),
		cmocka_unit_test(states_that_are_not_every_combination_stay_apart),
		cmocka_unit_test(what_a_comid_cannot_say_is_not_written),
		cmocka_unit_test(manifests_that_are_odd_are_refused),
		cmocka_unit_test(every_truncation_of_a_manifest_is_refused),
		cmocka_unit_test(templates_that_are_odd_are_refused),
		cmocka_unit_test(older_and_newer_digests_are_read),
		cmocka_unit_test(object_identifiers_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
