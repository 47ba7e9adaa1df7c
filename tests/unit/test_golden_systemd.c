/* systemd's formats of reference values. The files in tests/data/golden come from systemd 257 (systemd.origin). */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "golden/format.h"
#include "golden/pcrlock.h"

#define A1 "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8" /* printf a | sha1sum */
#define A256 "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
#define B256 "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"
#define V0 "0000000000000000000000000000000000000000000000000000000000000000"

#define DIGEST(alg, hex) "{\"hashAlg\":\"" alg "\",\"digest\":\"" hex "\"}"
#define RECORD(pcr, hex) "{\"pcr\":" pcr ",\"digests\":[" DIGEST("sha256", hex) "]}"
#define COMPONENT(records) "{\"records\":[" records "]}"

static const struct golden_selection all = { 0 };

static struct slice file(struct pool *pool, const char *name)
{
	char path[200], bytes[8192];

	(void)snprintf(path, sizeof path, "tests/data/golden/%s", name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	size_t n = fread(bytes, 1, sizeof bytes, f);
	assert_true(n < sizeof bytes);
	(void)fclose(f);
	return (struct slice){ pool_copy(pool, bytes, n), n };
}

/* From an exact-size block, so that AddressSanitizer sees one byte too far. */
static int read_bytes(struct slice bytes, struct golden *g, struct pcrcast_error *e)
{
	uint8_t *copy = malloc(bytes.n ? bytes.n : 1);

	assert_non_null(copy);
	memcpy(copy, bytes.p, bytes.n);
	struct golden_input in = { .name = "test", .bytes = { copy, bytes.n } };
	int r = golden_read(&in, NULL, g, e);
	free(copy);
	return r;
}

static int read_files(const struct golden_file *files, size_t n, const uint32_t *pcrs, struct golden *g,
		      struct pcrcast_error *e)
{
	struct golden_input in = { .name = "pcrlock.d",
				   .bytes = SLICE_EMPTY,
				   .files = files,
				   .n_files = n,
				   .has_pcrs = pcrs != NULL,
				   .pcrs = pcrs ? *pcrs : 0 };

	return golden_read(&in, NULL, g, e);
}

static int write_as(const struct golden *g, const char *format, const struct golden_selection *sel,
		    struct pool *pool, struct slice *ret, const char **ret_lost, struct pcrcast_error *e)
{
	const char *const *lost;
	size_t n;

	int r = golden_write(g, sel, golden_format_by_name(format), pool, ret, &lost, &n, e);
	const char *text = "";
	for (size_t i = 0; r == 0 && i < n; i++)
		text = pool_printf(pool, "%s%s\n", text, lost[i]);
	if (ret_lost)
		*ret_lost = text;
	return r;
}

static void assert_value(const struct golden *g, enum alg alg, uint32_t pcr, size_t i, const char *hex,
			 const char *label)
{
	const struct golden_register *r = golden_find(&g->sets[0], alg, pcr);
	char got[2 * DIGEST_MAX + 1];

	assert_non_null(r);
	assert_true(i < r->n);
	hex_encode(r->values[i].bytes, algs[alg].len, got);
	assert_string_equal(got, hex);
	if (label)
		assert_string_equal(r->values[i].label, label);
	else
		assert_null(r->values[i].label);
}

static void what_systemd_wrote_is_recognised_and_written_as_it_was(void **state)
{
	static const struct {
		const char *name, *format;
	} files[] = {
		{ "pcrlock.pcrlock", "pcrlock" },
		{ "pcrlock-predict.json", "pcrlock-predict" },
		{ "pcrlock-policy.json", "pcrlock-policy" },
		{ "systemd-measure.json", "systemd-measure" },
		{ "pcrsig.json", "pcrsig" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		struct pool pool = POOL_INIT;
		struct slice bytes = file(&pool, files[i].name), out;
		struct pcrcast_error e = { .msg = "" };
		struct golden g;

		assert_int_equal(read_bytes(bytes, &g, &e), 0);
		assert_string_equal(g.format, files[i].format);
		assert_int_equal(write_as(&g, files[i].format, &all, &pool, &out, NULL, &e), 0);
		assert_true(slice_equal(bytes, out));
		golden_done(&g);

		/* nothing that is cut off is taken for the whole, save for blanks at the end */
		for (size_t n = 0; n + 1 < bytes.n; n++) {
			assert_true(read_bytes((struct slice){ bytes.p, n }, &g, &e) < 0);
			golden_done(&g);
		}
		pool_done(&pool);
	}
}

static void text_of_systemd_measure_is_read(void **state)
{
	struct pool pool = POOL_INIT;
	struct pcrcast_error e = { .msg = "" };
	struct golden g;

	(void)state;
	assert_int_equal(read_bytes(file(&pool, "systemd-measure.txt"), &g, &e), 0);
	assert_string_equal(g.format, "systemd-measure");
	assert_int_equal(golden_find(&g.sets[0], ALG_SHA256, 11)->n, 4);
	golden_done(&g);
	assert_int_equal(read_bytes(slice_of_string("# PCR[11] Phase <:>\n11:sha256=" A256
						    "\n# PCR[11] Phase <sysinit:ready>\n11:sha256=" B256),
				    &g, &e),
			 0);
	assert_value(&g, ALG_SHA256, 11, 0, A256, NULL);
	assert_value(&g, ALG_SHA256, 11, 1, B256, "sysinit:ready");
	golden_done(&g);
	pool_done(&pool);
}

/* pcrlock.d of tests/data/golden. */
static void load_directory(struct pool *pool, struct golden_file files[static 4])
{
	static const char *const names[] = { "300-a.pcrlock", "400-b.pcrlock.d/1.pcrlock",
					     "400-b.pcrlock.d/2.pcrlock", "800-c.pcrlock" };

	for (size_t i = 0; i < 4; i++)
		files[i] = (struct golden_file){ names[i],
						 file(pool, pool_printf(pool, "pcrlock.d/%s", names[i])) };
}

static void components_lead_to_what_systemd_predicts_from_them(void **state)
{
	struct pool pool = POOL_INIT;
	struct golden_file files[4];
	struct pcrcast_error e = { .msg = "" };
	struct golden g;
	struct slice out;
	uint32_t pcrs = 1 << 4 | 1 << 12;

	(void)state;
	load_directory(&pool, files);
	assert_int_equal(read_files(files, 4, NULL, &g, &e), 0);
	assert_string_equal(g.format, "pcrlock");
	assert_int_equal(write_as(&g, "pcrlock-predict", &all, &pool, &out, NULL, &e), 0);
	assert_true(slice_equal(out, file(&pool, "pcrlock-predict.json")));
	const struct golden_register *r4 = golden_find(&g.sets[0], ALG_SHA256, 4);
	const struct golden_register *r11 = golden_find(&g.sets[0], ALG_SHA256, 11);
	assert_string_equal(r4->values[0].label, "400-b@1");
	assert_string_equal(r4->values[1].label, "400-b@2");
	/* both variants measure the same here */
	assert_string_equal(r11->values[0].label, "before 800-c");
	assert_string_equal(r11->values[1].label, "at the end");
	golden_done(&g);

	/* a register that no component touches keeps its reset value, when it is asked for */
	assert_int_equal(read_files(files, 4, &pcrs, &g, &e), 0);
	assert_null(golden_find(&g.sets[0], ALG_SHA256, 11));
	assert_int_equal(golden_find(&g.sets[0], ALG_SHA1, 4)->n, 2);
	assert_value(&g, ALG_SHA256, 12, 0, V0, NULL);
	golden_done(&g);
	pool_done(&pool);
}

/* Values by python3: H(H(zeros || a) || b) and so on. */
static void components_are_taken_in_the_order_of_file_names(void **state)
{
	const struct golden_file files[] = {
		{ "100-a-b.pcrlock", slice_of_string(COMPONENT(RECORD("4", B256))) },
		{ "100-a.pcrlock", slice_of_string(COMPONENT(RECORD("4", A256))) },
		{ "950-late.pcrlock", slice_of_string(COMPONENT(RECORD("4", A256))) },
		{ "README", slice_of_string("no component") },
		{ "a.pcrlock.d/sub/x.pcrlock", slice_of_string("neither") },
		{ "710-cmdline.pcrlock/generated.pcrlock", slice_of_string("systemd 255 wrote such") },
	};
	struct pcrcast_error e = { .msg = "" };
	struct golden g;

	(void)state;
	assert_int_equal(read_files(files, 6, NULL, &g, &e), 0);
	/* python3: h=lambda *x:hashlib.sha256(b''.join(x)).digest(); h(h(bytes(32),h(b'b')),h(b'a')) */
	assert_value(&g, ALG_SHA256, 4, 0, "c1c5916f2ce8f7a64fc9661e3a9d5468de4a65e579fe568c7dd4c11268b4518b",
		     NULL);
	assert_int_equal(g.sets[0].registers[0].n, 1); /* 950-late is behind the location */
	assert_int_equal(g.sets[0].n_registers, 1);
	assert_int_equal(g.n_notes, 3);
	golden_done(&g);
}

static void a_bank_is_known_only_where_every_record_has_it(void **state)
{
	const struct golden_file files[] = {
		{ "100-a.pcrlock", slice_of_string(COMPONENT("{\"pcr\":4,\"digests\":[" DIGEST(
					   "sha1", A1) "," DIGEST("sha256", A256) "]}")) },
		{ "200-b.pcrlock.d/1.pcrlock", slice_of_string(COMPONENT(RECORD("4", B256))) },
		{ "200-b.pcrlock.d/2.pcrlock", slice_of_string(COMPONENT("")) },
	};
	struct pcrcast_error e = { .msg = "" };
	struct golden g;

	(void)state;
	assert_int_equal(read_files(files, 3, NULL, &g, &e), 0);
	assert_int_equal(golden_find(&g.sets[0], ALG_SHA256, 4)->n, 2);
	assert_int_equal(golden_find(&g.sets[0], ALG_SHA1, 4)->n, 1);
	assert_string_equal(golden_find(&g.sets[0], ALG_SHA1, 4)->values[0].label, "200-b@2");
	assert_int_equal(g.n_notes, 1);
	assert_non_null(strstr(g.notes[0], "sha1:4: 1 of 2 values"));
	golden_done(&g);
}

static void too_many_ways_are_refused_before_they_are_gone(void **state)
{
	enum { COMPONENTS = 40 };
	struct golden_file files[2 * COMPONENTS];
	struct pool pool = POOL_INIT;
	struct pcrcast_error e = { .msg = "" };
	struct golden g;

	(void)state;
	for (size_t i = 0; i < COMPONENTS; i++)
		for (size_t k = 0; k < 2; k++)
			files[2 * i + k] = (struct golden_file){
				pool_printf(&pool, "%03zu.pcrlock.d/%zu.pcrlock", i, k),
				slice_of_string(k ? COMPONENT("") : COMPONENT(RECORD("4", A256)))
			};
	/* each may be there or not, but all are equal: few values, many ways */
	assert_int_equal(read_files(files, 2 * COMPONENTS, NULL, &g, &e), -PCRCAST_ELIMIT);
	assert_non_null(strstr(e.msg, "PCR 4: too many combinations of variants"));
	golden_done(&g);
	for (size_t i = 0; i < COMPONENTS; i++)
		files[2 * i].bytes = slice_of_string(pool_printf(
			&pool,
			COMPONENT("{\"pcr\":4,\"digests\":[{\"hashAlg\":\"sha1\",\"digest\":\"%040zx\"}]}"),
			i));
	assert_int_equal(read_files(files, 2 * COMPONENTS, NULL, &g, &e), -PCRCAST_ELIMIT);
	assert_non_null(strstr(e.msg, "PCR 4: the variants lead to more than 1024 values"));
	golden_done(&g);
	pool_done(&pool);
}

/* ---- component files ---- */

static const char event_set[] =
	"{\"version\":1,\"sets\":[{\"pcrs\":{\"sha256\":{\"4\":\"" A256 "\",\"11\":[{\"value\":\"" A256
	"\",\"label\":\"ready\"}]}},\"events\":["
	"{\"pcr\":0,\"type\":\"EV_NO_ACTION\",\"digests\":{\"sha256\":\"" V0 "\"},\"data\":\"00\"},"
	"{\"pcr\":4,\"type\":\"EV_EFI_ACTION\",\"digests\":{\"sha1\":\"" A1 "\",\"sha256\":\"" A256
	"\"},\"data\":\"61\"},"
	"{\"pcr\":11,\"type\":\"EV_IPL\",\"digests\":{\"sha256\":\"" B256 "\"},\"data\":\"\"},"
	"{\"pcr\":9,\"type\":\"EV_IPL\",\"digests\":{},\"origin\":\"unknown\",\"data\":\"\"}]}]}";

static void events_are_written_as_a_component(void **state)
{
	struct golden_selection some = { .has_pcrs = true, .pcrs = 1 << 4, .banks = 1u << ALG_SHA256 };
	struct pool pool = POOL_INIT;
	struct pcrcast_error e = { .msg = "" };
	struct golden g, again;
	struct slice out;
	const char *lost;

	(void)state;
	assert_int_equal(read_bytes(slice_of_string(event_set), &g, &e), 0);
	assert_int_equal(write_as(&g, "pcrlock", &some, &pool, &out, &lost, &e), 0);
	assert_true(slice_equal_string(
		out,
		COMPONENT("{\"pcr\":4,\"digests\":[" DIGEST(
			"sha256",
			A256) "],\"content_type\":\"pcclient_std\",\"content\":{\"event_type\":\"EV_EFI_ACTION\","
			      "\"event_data\":\"61\"}}") "\n"));
	assert_string_equal(lost, "");
	assert_int_equal(write_as(&g, "pcrlock", &all, &pool, &out, &lost, &e), 0);
	assert_non_null(strstr(lost, "sha1 for some events"));
	assert_non_null(strstr(lost, "750-enter-initrd"));
	/* what is written reads as the events that it was made of */
	assert_int_equal(read_bytes(out, &again, &e), 0);
	assert_int_equal(again.sets[0].n_registers, 0);
	assert_int_equal(again.sets[0].log->n_events, 2);
	assert_int_equal(again.sets[0].log->events[0].type, EV_EFI_ACTION);
	struct slice second;
	assert_int_equal(write_as(&again, "pcrlock", &all, &pool, &second, NULL, &e), 0);
	assert_true(slice_equal(out, second));
	/* without values, the registers are chosen from the events */
	assert_int_equal(write_as(&again, "pcrlock", &some, &pool, &second, NULL, &e), 0);
	assert_null(memmem(second.p, second.n, "EV_IPL", 6));
	golden_done(&again);
	golden_done(&g);
	pool_done(&pool);
}

static void an_event_without_a_digest_is_no_part_of_a_component(void **state)
{
	struct golden_selection sel = { .has_pcrs = true, .pcrs = 1 << 11, .banks = 1u << ALG_SHA1 };
	struct pool pool = POOL_INIT;
	struct pcrcast_error e = { .msg = "" };
	struct golden g;
	struct slice out;

	(void)state;
	assert_int_equal(read_bytes(slice_of_string(event_set), &g, &e), 0);
	g.sets[0].n_registers = 0; /* then all registers are wanted, PCR 9 too */
	assert_int_equal(write_as(&g, "pcrlock", &all, &pool, &out, NULL, &e), -PCRCAST_EUNSUPPORTED);
	assert_non_null(strstr(e.msg, "event 3, of PCR 9, has no digest"));
	assert_int_equal(write_as(&g, "pcrlock", &sel, &pool, &out, NULL, &e), -PCRCAST_EUNSUPPORTED);
	assert_non_null(strstr(e.msg, "event 2, of PCR 11"));
	sel.pcrs = 1 << 12;
	assert_int_equal(write_as(&g, "pcrlock", &sel, &pool, &out, NULL, &e), -PCRCAST_ENOTFOUND);
	golden_done(&g);
	pool_done(&pool);
}

/* ---- policies ---- */

static void a_policy_file_without_a_tpm_tells_what_it_lacks(void **state)
{
	struct pool pool = POOL_INIT;
	struct pcrcast_error e = { .msg = "" };
	struct golden g;
	struct slice out;
	const char *lost;

	(void)state;
	assert_int_equal(read_bytes(slice_of_string("{\"sha256\":[{\"pcr\":4,\"values\":[\"" A256 "\",\"" B256
						    "\"]}]}"),
				    &g, &e),
			 0);
	assert_int_equal(write_as(&g, "pcrlock-policy", &all, &pool, &out, &lost, &e), 0);
	assert_true(slice_equal_string(out,
				       "{\"pcrBank\":\"sha256\",\"pcrValues\":[{\"pcr\":4,\"values\":[\"" A256
				       "\",\"" B256 "\"]}]}\n"));
	assert_non_null(strstr(lost, "nvIndex, nvHandle, nvPublic, srkHandle, pinPublic, pinPrivate: "));
	for (uint8_t i = 0; i < 7; i++) {
		uint8_t value[32] = { i };

		assert_int_equal(golden_add_value(&g, &g.sets[0], ALG_SHA256, 4, (struct slice){ value, 32 },
						  GOLDEN_STATED, NULL, &e),
				 0);
	}
	assert_int_equal(write_as(&g, "pcrlock-policy", &all, &pool, &out, NULL, &e), -PCRCAST_EUNSUPPORTED);
	assert_non_null(strstr(e.msg, "9 values of a register"));
	golden_done(&g);
	pool_done(&pool);
}

#define POL "70b191aebc92ef957daa2ef0a23f194f025c4c480f9c60d6ce96eca3f0cabedc"

static void signed_policies_are_kept_and_chosen(void **state)
{
	struct golden_selection sel = { .banks = 1u << ALG_SHA1 };
	struct pool pool = POOL_INIT;
	struct pcrcast_error e = { .msg = "" };
	struct golden g;
	struct slice out;
	const char *lost;

	(void)state;
	assert_int_equal(read_bytes(file(&pool, "pcrsig.json"), &g, &e), 0);
	assert_int_equal(g.sets[0].n_policies, 8);
	const struct golden_policy *p = &g.sets[0].policies[4];
	assert_int_equal(p->alg, ALG_SHA256);
	assert_int_equal(p->pcrs, 1 << 11);
	assert_int_equal(p->signature.n, 128);
	assert_true(p->has_fingerprint);
	/* PolicyPCR over the first value of systemd-measure.json, by hand (hashlib): TPM 2.0 Library part 3, section 23.7 */
	assert_string_equal(hex_text(&pool, (struct slice){ p->digest, 32 }), POL);
	assert_int_equal(write_as(&g, "pcrsig", &sel, &pool, &out, &lost, &e), 0);
	assert_string_equal(lost, "");
	assert_null(memmem(out.p, out.n, "sha256", 6));
	golden_done(&g);

	/* what systemd-measure policy-digest prints, and what 262 signs with a reference */
	static const char text[] =
		"{\"sha256\":[{\"pcrs\":[4,11],\"pol\":\"" POL "\"},{\"pcrs\":[11],\"ref\":"
		"\"initrd\",\"pol\":\"" POL "\",\"sig\":\"AAAA\"}]}\n";
	assert_int_equal(read_bytes(slice_of_string(text), &g, &e), 0);
	assert_int_equal(write_as(&g, "pcrsig", &all, &pool, &out, &lost, &e), 0);
	assert_true(slice_equal_string(out, text));
	assert_non_null(strstr(lost, "signatures: 1 of the policies"));
	golden_done(&g);
	pool_done(&pool);
}

static void the_policies_of_values_are_those_that_systemd_signed(void **state)
{
	struct golden_selection pcr4 = { .has_pcrs = true, .pcrs = 1 << 4 };
	struct pool pool = POOL_INIT;
	struct pcrcast_error e = { .msg = "" };
	struct golden values, want, got;
	struct slice out;
	const char *lost;

	(void)state;
	assert_int_equal(read_bytes(file(&pool, "pcrsig.json"), &want, &e), 0);
	assert_int_equal(read_bytes(file(&pool, "systemd-measure.json"), &values, &e), 0);
	assert_int_equal(write_as(&values, "pcrsig", &all, &pool, &out, &lost, &e), 0);
	assert_non_null(strstr(lost, "signatures: 8 of the policies"));
	assert_int_equal(read_bytes(out, &got, &e), 0);
	assert_int_equal(got.sets[0].n_policies, want.sets[0].n_policies);
	for (size_t i = 0; i < 8; i++) {
		const struct golden_policy *a = &got.sets[0].policies[i], *b = &want.sets[0].policies[i];

		assert_int_equal(a->alg, b->alg);
		assert_int_equal(a->pcrs, b->pcrs);
		assert_memory_equal(a->digest, b->digest, sizeof a->digest);
		assert_false(a->has_fingerprint);
	}
	assert_int_equal(write_as(&values, "pcrsig", &pcr4, &pool, &out, &lost, &e), -PCRCAST_ENOTFOUND);
	golden_done(&got);
	golden_done(&values);
	golden_done(&want);

	/* registers but 11 only when they are asked for */
	assert_int_equal(read_bytes(slice_of_string(event_set), &values, &e), 0);
	assert_int_equal(write_as(&values, "pcrsig", &all, &pool, &out, &lost, &e), 0);
	assert_non_null(strstr(lost, "registers but PCR 11"));
	assert_int_equal(write_as(&values, "pcrsig", &pcr4, &pool, &out, &lost, &e), 0);
	assert_non_null(memmem(out.p, out.n, "\"pcrs\":[4]", 10));
	golden_done(&values);
	pool_done(&pool);
}

static void odd_files_are_refused_with_a_reason(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ COMPONENT("1"), "record 0: a record is no object" },
		{ COMPONENT("{\"pcr\":24,\"digests\":[]}"), "record 0: \"pcr\" is no number from 0 to 23" },
		{ COMPONENT("{\"pcr\":\"4\",\"digests\":[]}"), "record 0: \"pcr\" is no number" },
		{ COMPONENT("{\"pcr\":4}"), "\"digests\" is no array" },
		{ COMPONENT("{\"digests\":[]}"), "neither" },
		{ COMPONENT("{\"nv_index\":4,\"digests\":[]}"), "expected a handle" },
		{ COMPONENT(RECORD("4", "00")), "sha256 digest of 1 bytes, expected 32" },
		{ COMPONENT(
			  "{\"pcr\":4,\"digests\":[" DIGEST("sha256", A256) "," DIGEST("sha256", A256) "]}"),
		  "a second time" },
		{ COMPONENT("{\"pcr\":4,\"digests\":[" DIGEST("md5", "00") "]}"), "\"md5\" is not known" },
		{ "{\"sha256\":[{\"pcr\":4,\"values\":[]}]}", "entry 0: \"values\": expected an array" },
		{ "{\"sha256\":[{\"pcr\":24,\"values\":[\"" A256 "\"]}]}",
		  "\"pcr\": expected a number from 0" },
		{ "{\"sha256\":[{\"pcr\":4,\"values\":[\"" A1 "\"]}]}", "20 bytes, expected 32 for sha256" },
		{ "{\"sha256\":[{\"pcr\":4,\"values\":[\"" A256 "\"],\"x\":1}]}", "unknown key \"x\"" },
		{ "{\"sha256\":[{\"pcr\":4,\"values\":[\"" A256 "\"]},{\"pcr\":4,\"values\":[\"" A256
		  "\"]}]}",
		  "entry 1: PCR 4 a second time" },
		{ "{\"sha256\":[{\"pcr\":4,\"values\":[\"" A256 "\"]}],\"md5\":[]}",
		  "\"md5\": expected a bank" },
		{ "{\"sha256\":[{\"pcr\":4,\"values\":[\"" A256 "\"]},4]}", "entry 1: expected an object" },
		{ "{\"pcrBank\":\"md5\",\"pcrValues\":[]}", "\"pcrBank\": expected a bank" },
		{ "{\"pcrBank\":\"sha1\",\"pcrValues\":{}}", "\"pcrValues\": expected an array" },
		{ "{\"pcrBank\":\"sha1\",\"pcrValues\":[]}", "no value of a register" },
		{ "{\"pcrBank\":\"sha1\",\"pcrValues\":[],\"nvIndex\":4294967296}", "a number of 32 bits" },
		{ "{\"pcrBank\":\"sha1\",\"pcrValues\":[],\"nvPublic\":\"a\"}",
		  "\"nvPublic\": expected base64" },
		{ "{\"sha256\":[{\"pcr\":11,\"hash\":\"x\"}]}", "PCR 11: expected a value in hex" },
		{ "{\"sha256\":[{\"pcr\":11,\"hash\":\"" A256 "\",\"phase\":1}]}",
		  "\"phase\": expected a string" },
		{ "{\"sha256\":[{\"pcr\":11,\"hash\":\"" A256 "\"},{\"pcr\":11,\"hash\":\"" B256 "\"}]}",
		  "entry 1: phase \":\" a second time" },
		{ "11:sha256=" A256 "\nhello\n", "expected a line PCR:BANK=HEX" },
		{ "11:sha256=" A256 "0\n", "expected hex behind" },
		{ "11:sha256=" A1 "\n", "20 bytes, expected 32" },
		{ "# PCR[11] Phase <a>\n11:sha256=" A256 "\n11:sha256=" B256 "\n",
		  "phase \"a\" a second time" },
		{ "24:sha256=" A256 "\n", "no known form" },
		{ "11:md5=00\n", "no known form" },
		{ "{\"sha256\":[{\"pcrs\":[],\"pol\":\"" POL "\"}]}", "at least one PCR" },
		{ "{\"sha256\":[{\"pcrs\":[24],\"pol\":\"" POL "\"}]}", "different numbers from 0 to 23" },
		{ "{\"sha256\":[{\"pcrs\":[4,4],\"pol\":\"" POL "\"}]}", "different numbers" },
		{ "{\"sha256\":[{\"pcrs\":[4],\"pol\":\"00\"}]}", "\"pol\": expected 64 hex digits" },
		{ "{\"sha256\":[{\"pcrs\":[4],\"pkfp\":\"\",\"pol\":\"" POL "\"}]}",
		  "\"pkfp\": expected 64" },
		{ "{\"sha256\":[{\"pcrs\":[4],\"pol\":\"" POL "\",\"sig\":\"=\"}]}",
		  "\"sig\": expected base64" },
		{ "{\"sha256\":[{\"pcrs\":[4],\"pol\":\"" POL "\",\"sig\":\"\"}]}",
		  "\"sig\": expected base64" },
		{ "{\"sha256\":[{\"pcrs\":[4],\"pol\":\"" POL "\",\"ref\":1}]}",
		  "\"ref\": expected a string" },
		/* event logs are for eventlog/ */
		{ "[" RECORD("4", A256) "]", "no known form" },
		{ "{\"sha256\":[]}", "no known form" },
		{ "{}", "no known form" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pcrcast_error e = { .msg = "" };
		struct golden g;

		if (read_bytes(slice_of_string(cases[i].text), &g, &e) == 0)
			fail_msg("case %zu is read", i);
		if (!strstr(e.msg, cases[i].says))
			fail_msg("case %zu: \"%s\" does not say \"%s\"", i, e.msg, cases[i].says);
		golden_done(&g);
	}
}

static void odd_directories_are_refused_with_the_name_of_the_file(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "[]", "100-a.pcrlock: expected an object with an array \"records\"" },
		{ "{\"records\":{}}", "100-a.pcrlock: expected an object with an array" },
		{ "{", "100-a.pcrlock: " },
		{ COMPONENT("{\"pcr\":-1,\"digests\":[]}"), "100-a.pcrlock: record 0" },
		{ "{}", "no value of a register" },
		{ COMPONENT(""), "no value of a register" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct golden_file one = { "100-a.pcrlock", slice_of_string(cases[i].text) };
		struct pcrcast_error e = { .msg = "" };
		struct golden g;

		assert_true(read_files(&one, 1, NULL, &g, &e) < 0);
		if (!strstr(e.msg, cases[i].says))
			fail_msg("case %zu: \"%s\" does not say \"%s\"", i, e.msg, cases[i].says);
		golden_done(&g);
	}
}

static void names_tell_components_from_other_files(void **state)
{
	(void)state;
	assert_true(pcrlock_is_component("a.pcrlock"));
	assert_true(pcrlock_is_component("a.pcrlock.d/b.pcrlock"));
	assert_false(pcrlock_is_component(""));
	assert_false(pcrlock_is_component(".pcrlock"));
	assert_false(pcrlock_is_component("a.pcrlock.d"));
	assert_false(pcrlock_is_component("a.pcrlock/b.pcrlock"));
	assert_false(pcrlock_is_component("a.pcrlock.d/.b.pcrlock"));
	assert_false(pcrlock_is_component("a.pcrlock.d/"));
	assert_false(pcrlock_is_component("a.pcrlock.d/b/c.pcrlock"));
	assert_false(pcrlock_is_component("pcr-sha256/4"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_systemd_wrote_is_recognised_and_written_as_it_was),
		cmocka_unit_test(text_of_systemd_measure_is_read),
		cmocka_unit_test(components_lead_to_what_systemd_predicts_from_them),
		cmocka_unit_test(components_are_taken_in_the_order_of_file_names),
		cmocka_unit_test(a_bank_is_known_only_where_every_record_has_it),
		cmocka_unit_test(too_many_ways_are_refused_before_they_are_gone),
		cmocka_unit_test(events_are_written_as_a_component),
		cmocka_unit_test(an_event_without_a_digest_is_no_part_of_a_component),
		cmocka_unit_test(a_policy_file_without_a_tpm_tells_what_it_lacks),
		cmocka_unit_test(signed_policies_are_kept_and_chosen),
		cmocka_unit_test(the_policies_of_values_are_those_that_systemd_signed),
		cmocka_unit_test(odd_files_are_refused_with_a_reason),
		cmocka_unit_test(odd_directories_are_refused_with_the_name_of_the_file),
		cmocka_unit_test(names_tell_components_from_other_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
