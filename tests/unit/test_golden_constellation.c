/* The formats of Constellation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "golden/format.h"
#include "tests/unit/build_pe.h"

#define V0 "0000000000000000000000000000000000000000000000000000000000000000"
#define V1 "df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119"
#define T0 V0 "00000000000000000000000000000000"

static int read_bytes(struct slice bytes, const char *format, struct golden *g, struct pcrcast_error *e)
{
	uint8_t *copy = malloc(bytes.n ? bytes.n : 1);
	struct golden_input in = { .name = "test", .bytes = { copy, bytes.n } };

	assert_non_null(copy);
	memcpy(copy, bytes.p, bytes.n);
	int r = golden_read(&in, format ? golden_format_by_name(format) : NULL, g, e);
	free(copy);
	return r;
}

static int read_text(const char *text, const char *format, struct golden *g, struct pcrcast_error *e)
{
	return read_bytes(slice_of_string(text), format, g, e);
}

static void read_well(const char *text, const char *format, struct golden *g)
{
	struct pcrcast_error e = { .msg = "" };

	if (read_text(text, NULL, g, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(g->format, format);
}

static int write_as(const struct golden *g, const char *format, struct pool *pool, struct slice *ret,
		    size_t *ret_n_lost, struct pcrcast_error *e)
{
	struct golden_selection all = { 0 };
	const char *const *lost;

	return golden_write(g, &all, golden_format_by_name(format), pool, ret, &lost, ret_n_lost, e);
}

static void expect_note(const struct golden *g, const char *words)
{
	for (size_t i = 0; i < g->n_notes; i++)
		if (strstr(g->notes[i], words))
			return;
	fail_msg("no note \"%s\"", words);
}

static void expect_hex(const struct golden_set *s, enum alg alg, uint32_t index, const char *hex)
{
	const struct golden_register *r = golden_find(s, alg, index);
	char text[2 * DIGEST_MAX + 1];

	assert_non_null(r);
	assert_int_equal(r->n, 1);
	hex_encode(r->values[0].bytes, algs[alg].len, text);
	assert_string_equal(text, hex);
}

/* The fixtures are made by another program: see their .origin. */
static const struct {
	const char *file, *format;
	size_t n_sets, n_registers; /* of the first set */
	enum golden_origin origin;
} fixtures[] = {
	{ "constellation.json", "constellation", 3, 12, GOLDEN_STATED },
	{ "constellation-v1.json", "constellation-v1", 1, 12, GOLDEN_STATED },
	{ "constellation-precalc.json", "constellation-precalc", 1, 7, GOLDEN_COMPUTED },
	{ "constellation-base64.txt", "constellation-base64", 1, 24, GOLDEN_OBSERVED },
	{ "constellation-go.go", "constellation-go", 1, 24, GOLDEN_OBSERVED },
	{ "constellation-literal.go", "constellation-literal", 3, 4, GOLDEN_STATED },
	{ "constellation-yaml.yaml", "constellation-yaml", 1, 4, GOLDEN_STATED },
	{ "constellation-console.txt", "constellation-console", 1, 5, GOLDEN_OBSERVED },
};

enum { N_FIXTURES = sizeof fixtures / sizeof fixtures[0] };

static struct slice fixture(size_t i)
{
	char path[128];
	struct slice bytes;

	(void)snprintf(path, sizeof path, "tests/data/golden/%s", fixtures[i].file);
	bytes.p = load_file(path, &bytes.n);
	return bytes;
}

static void each_fixture_is_recognised_and_written_back_byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_FIXTURES; i++) {
		struct slice bytes = fixture(i), out = SLICE_EMPTY;
		struct pcrcast_error e = { .msg = "" };
		struct pool pool = POOL_INIT;
		struct golden g;
		size_t n_lost;

		if (read_bytes(bytes, NULL, &g, &e) < 0)
			fail_msg("%s: %s", fixtures[i].file, e.msg);
		assert_string_equal(g.format, fixtures[i].format);
		assert_int_equal(g.n, fixtures[i].n_sets);
		assert_int_equal(g.n_notes, 0);
		assert_int_equal(g.sets[0].n_registers, fixtures[i].n_registers);
		assert_int_equal(g.sets[0].registers[0].values[0].origin, fixtures[i].origin);
		if (write_as(&g, fixtures[i].format, &pool, &out, &n_lost, &e) < 0)
			fail_msg("%s: %s", fixtures[i].file, e.msg);
		if (!slice_equal(out, bytes))
			fail_msg("%s:\n%.*s", fixtures[i].file, (int)out.n, (const char *)out.p);
		golden_done(&g);
		pool_done(&pool);
		free((void *)bytes.p);
	}
}

static void every_truncation_of_a_fixture_is_refused_or_means_less(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_FIXTURES; i++) {
		struct slice bytes = fixture(i);

		for (size_t n = 0; n < bytes.n; n++) {
			struct pcrcast_error e = { .msg = "" };
			struct golden g;
			int r = read_bytes((struct slice){ bytes.p, n }, fixtures[i].format, &g, &e);

			/* what lies behind the last value may be missing: blanks, the end of a line */
			if (r < 0)
				assert_true(e.msg[0] != '\0' &&
					    (e.offset <= n || e.offset == PCRCAST_NO_OFFSET));
			golden_done(&g);
		}
		free((void *)bytes.p);
	}
}

static void tdx_values_are_cc_registers(void **state)
{
	struct golden g;

	(void)state;
	read_well("{\"0\":{\"expected\":\"" T0 "\"},\"3\":{\"expected\":\"" T0 "\",\"warnOnly\":true}}",
		  "constellation-v1", &g);
	assert_true(g.sets[0].cc);
	assert_int_equal(g.sets[0].n_registers, 2);
	assert_true(golden_find(&g.sets[0], ALG_SHA384, 3)->warn_only);
	golden_done(&g);
}

static void bare_strings_are_enforced_and_old_base64_is_told(void **state)
{
	struct golden g;

	(void)state;
	read_well("{\"11\":\"" V0 "\",\"4\":\"" V1 "\"}", "constellation-v1", &g);
	assert_false(golden_find(&g.sets[0], ALG_SHA256, 4)->warn_only);
	assert_int_equal(g.n_notes, 0);
	golden_done(&g);
	/* the two spellings of one value, facts of the PCR updater's README */
	read_well("{\"0\":{\"expected\":\"DzXCFGCNk8em5ornNZtKi+Wg6Z7qkQfs5CfE3qTkOc8=\",\"warnOnly\":true},"
		  "\"4\":{\"expected\":\"DzXCFGCNk8em5ornNZtKi+Wg6Z7qkQfs5CfE3qTkOc8=\"}}",
		  "constellation-v1", &g);
	expect_hex(&g.sets[0], ALG_SHA256, 0,
		   "0f35c214608d93c7a6e68ae7359b4a8be5a0e99eea9107ece427c4dea4e439cf");
	assert_int_equal(g.n_notes, 1);
	expect_note(&g, "base64");
	golden_done(&g);
}

static void the_words_of_clouds_are_those_of_constellation(void **state)
{
	struct golden g;

	(void)state;
	read_well("{\"csp\":\"stackit\",\"image\":\"v2\",\"measurements\":{\"4\":\"" V1 "\"},\"more\":1}",
		  "constellation-v1", &g);
	assert_string_equal(g.sets[0].id.csp, "OpenStack");
	assert_string_equal(g.sets[0].id.image, "v2");
	expect_note(&g, "\"more\"");
	golden_done(&g);
	read_well("{\"csp\":\"moon\",\"measurements\":{\"4\":\"" V1 "\"}}", "constellation-v1", &g);
	assert_string_equal(g.sets[0].id.csp, "moon");
	expect_note(&g, "moon");
	golden_done(&g);
}

static void the_pcr_map_is_read_with_and_without_its_heading(void **state)
{
	static const char *const texts[] = {
		"connecting to Coordinator at 192.0.2.7:9000\nPCRs:\n{\n  \"0\": "
		"\"DzXCFGCNk8em5ornNZtKi+Wg6Z7qkQfs5CfE3qTkOc8=\"\n}\n",
		"PCRs:\r\n{\"0\": \"DzXCFGCNk8em5ornNZtKi+Wg6Z7qkQfs5CfE3qTkOc8=\"}",
		"{\"0\":\"DzXCFGCNk8em5ornNZtKi+Wg6Z7qkQfs5CfE3qTkOc8=\"}",
	};
	struct golden g;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		read_well(texts[i], "constellation-base64", &g);
		expect_hex(&g.sets[0], ALG_SHA256, 0,
			   "0f35c214608d93c7a6e68ae7359b4a8be5a0e99eea9107ece427c4dea4e439cf");
		golden_done(&g);
	}
}

#define BYTES31 "0X00, 0, 0x00,0x0,0,0,0,0, 0,0,0,0,0,0,0,0, 0,0,0,0,0,0,0,0, 0,0,0,0,0,0,0"

static void go_code_is_read_as_gofmt_and_people_leave_it(void **state)
{
	struct golden g;

	(void)state;
	read_well("// values\npackage golden\n\nvar\tPCRs = map[uint32][]byte{\n\t11: { /* none */ " BYTES31
		  ",\n 0xAb,\n },\n\t4:  []byte{" BYTES31 ", 255}}\n",
		  "constellation-go", &g);
	expect_hex(&g.sets[0], ALG_SHA256, 11,
		   "00000000000000000000000000000000000000000000000000000000000000ab");
	expect_hex(&g.sets[0], ALG_SHA256, 4,
		   "00000000000000000000000000000000000000000000000000000000000000ff");
	golden_done(&g);
}

static void literals_are_read_in_their_older_forms(void **state)
{
	struct golden g;

	(void)state;
	read_well(
		"//go:build !enterprise\npackage measurements\n\n// revive:disable\nvar (\n\taws_AWSNitroTPM = M{\n"
		"\t\t4: PlaceHolderMeasurement(PCRMeasurementLength),\n"
		"\t\t8: WithAllBytes(0x00, Enforce, PCRMeasurementLength),\n"
		"\t\tuint32(PCRIndexClusterID): WithAllBytes(0x11, WarnOnly, PCRMeasurementLength),\n\t}\n"
		"\tqemu_QEMUTDX = M{uint32(TDXIndexClusterID): WithAllBytes(0, Enforce, TDXMeasurementLength)}\n"
		"\tgcp_GCPSEVES = M{}\n\tazure_AzureTDX M\n)\n",
		"constellation-literal", &g);
	assert_int_equal(g.n, 2);
	assert_string_equal(g.sets[0].id.csp, "AWS");
	assert_string_equal(g.sets[0].id.variant, "aws-nitro-tpm");
	assert_int_equal(g.sets[0].n_registers, 2);
	expect_hex(&g.sets[0], ALG_SHA256, 15,
		   "1111111111111111111111111111111111111111111111111111111111111111");
	assert_true(golden_find(&g.sets[0], ALG_SHA256, 15)->warn_only);
	assert_true(g.sets[1].cc);
	expect_hex(&g.sets[1], ALG_SHA384, 3, T0);
	expect_note(&g, "register 4: a placeholder");
	expect_note(&g, "gcp_GCPSEVES: no values");
	golden_done(&g);
	read_well(
		"package measurements\nfunc DefaultsFor(provider cloudprovider.Provider) M {\n\tswitch provider {\n"
		"\tcase cloudprovider.AWS:\n\t\treturn M{\n\t\t\t4: {\n\t\t\t\tExpected: [32]byte{" BYTES31
		", 1},\n\t\t\t\tWarnOnly: true,\n\t\t\t},\n\t\t}\n\tcase cloudprovider.GCP:\n"
		"\t\treturn M{9: {Expected: [32]byte{" BYTES31 ", 2}}}\n\t}\n}\n",
		"constellation-literal", &g);
	assert_int_equal(g.n, 2);
	assert_string_equal(g.sets[0].id.csp, "AWS");
	assert_null(g.sets[0].id.variant);
	assert_true(golden_find(&g.sets[0], ALG_SHA256, 4)->warn_only);
	assert_string_equal(g.sets[1].id.csp, "GCP");
	assert_false(golden_find(&g.sets[1], ALG_SHA256, 9)->warn_only);
	golden_done(&g);
}

static void yaml_is_read_in_its_older_forms(void **state)
{
	struct golden g;

	(void)state;
	read_well(
		"csp: gcp\nimage: v1\nmeasurements:\n    0: DzXCFGCNk8em5ornNZtKi+Wg6Z7qkQfs5CfE3qTkOc8=\n    11: " V0
		"\n",
		"constellation-yaml", &g);
	assert_string_equal(g.sets[0].id.csp, "GCP");
	expect_hex(&g.sets[0], ALG_SHA256, 0,
		   "0f35c214608d93c7a6e68ae7359b4a8be5a0e99eea9107ece427c4dea4e439cf");
	expect_hex(&g.sets[0], ALG_SHA256, 11, V0); /* a number to YAML, but text here */
	golden_done(&g);
	read_well("4:\n  expected: \"" V1 "\"\n  warnOnly: true\n11: {expected: " V0 "}\n",
		  "constellation-yaml", &g);
	assert_true(golden_find(&g.sets[0], ALG_SHA256, 4)->warn_only);
	assert_false(golden_find(&g.sets[0], ALG_SHA256, 11)->warn_only);
	golden_done(&g);
}

static void the_tool_s_events_come_with_its_values(void **state)
{
	char *text;
	struct slice bytes = fixture(2);
	struct pcrcast_error e = { .msg = "" };
	struct golden g;

	(void)state;
	assert_int_equal(read_bytes(bytes, NULL, &g, &e), 0);
	const struct eventlog *log = g.sets[0].log;
	assert_int_equal(log->n_events, 8);
	assert_int_equal(log->events[0].type, (uint32_t)EV_EFI_ACTION);
	assert_int_equal(log->events[2].type, (uint32_t)EV_EFI_BOOT_SERVICES_APPLICATION);
	assert_int_equal(log->events[4].data.n, 16);
	golden_done(&g);
	/* a value that the events do not lead to */
	text = malloc(bytes.n + 1);
	assert_non_null(text);
	memcpy(text, bytes.p, bytes.n);
	text[bytes.n] = '\0';
	char *digit = strstr(strstr(text, "\"9\":"), "ed\":\"") + 5;
	*digit = *digit == '0' ? '1' : '0';
	assert_int_equal(read_text(text, NULL, &g, &e), 0);
	expect_note(&g, "PCR 9: the events do not lead");
	golden_done(&g);
	free(text);
	free((void *)bytes.p);
	/* Go writes a list without elements as null */
	assert_int_equal(read_text("{\"measurements\":{\"4\":{\"expected\":\"" V1
				   "\"}},\"EventLog\":{\"Events\":null}}",
				   NULL, &g, &e),
			 0);
	assert_string_equal(g.format, "constellation-precalc");
	assert_null(g.sets[0].log);
	golden_done(&g);
}

static void odd_files_are_refused_with_a_reason(void **state)
{
	static const struct {
		const char *format, *text, *says;
	} cases[] = {
		{ "constellation", "{\"version\":\"v2\",\"ref\":\"-\",\"list\":[]}", "\"stream\"" },
		{ "constellation", "{\"version\":\"v2\",\"ref\":\"-\",\"stream\":\"s\",\"list\":[{}]}",
		  "list entry 1" },
		{ "constellation", "{\"version\":\"v2\",\"ref\":\"-\",\"stream\":\"s\",\"list\":[]}",
		  "no reference" },
		{ "constellation",
		  "{\"version\":\"v2\",\"ref\":\"-\",\"stream\":\"s\",\"list\":["
		  "{\"csp\":\"AWS\",\"attestationVariant\":\"x\",\"measurements\":{\"4\":\"" V0 "\"}},"
		  "{\"csp\":\"aws\",\"attestationVariant\":\"x\",\"measurements\":{\"4\":\"" V1 "\"}}]}",
		  "both for AWS, x" },
		{ "constellation-v1", "{\"4\":\"" V0 "\",\"5\":\"" T0 "\"}",
		  "48 bytes, those before have 32" },
		{ "constellation-v1", "{\"4\":\"" V0 "\",\"4\":\"" V0 "\"}", "twice" },
		{ "constellation-v1", "{\"04\":\"" V0 "\"}", "a register, 0 to 23" },
		{ "constellation-v1", "{\"24\":\"" V0 "\"}", "a register, 0 to 23" },
		{ "constellation-v1", "{\"5\":\"" T0 "\"}", "expected 0 to 4" },
		{ "constellation-v1", "{\"4\":\"00\"}", "1 bytes, expected 32" },
		{ "constellation-v1", "{\"4\":\"This is no value\"}", "a value in hex" },
		{ "constellation-v1", "{\"4\":{\"expected\":\"" V0 "\",\"warnonly\":true}}",
		  "unknown key \"warnonly\"" },
		{ "constellation-v1", "{\"4\":{\"expected\":\"" V0 "\",\"warnOnly\":1}}", "true or false" },
		{ "constellation-v1", "{\"csp\":1,\"measurements\":{}}", "\"csp\": expected a string" },
		{ "constellation-v1", "{\"csp\":\"AWS\",\"measurements\":{}}", "no value of a register" },
		{ "constellation-precalc", "{\"measurements\":{\"4\":\"" V0 "\"},\"EventLog\":{}}",
		  "\"EventLog\"" },
		{ "constellation-precalc",
		  "{\"measurements\":{\"4\":\"" V0 "\"},\"EventLog\":{\"Events\":[{\"PCRIndex\":24}]}}",
		  "event 0: \"PCRIndex\"" },
		{ "constellation-precalc",
		  "{\"measurements\":{\"4\":\"" V0
		  "\"},\"EventLog\":{\"Events\":[{\"PCRIndex\":4,\"Digest\":\"00\"}]}}",
		  "\"Digest\": expected 64" },
		{ "constellation-base64", "PCRs: {}", "a line \"PCRs:\"" },
		{ "constellation-base64", "PCRs:\n{\"0\":\"AAAA\"}", "32 bytes in base64" },
		{ "constellation-base64", "PCRs:\n{\"0\":", "ends too early" },
		{ "constellation-go", "package p\nvar p = map[uint32][]byte{ 4: {0x100} }", "a byte" },
		{ "constellation-go", "package p\nvar p = map[uint32][]byte{ 4: {1,2} }",
		  "2 bytes, expected 32" },
		{ "constellation-go", "package p\nvar p = map[uint32][]byte{ 4: {017} }", "a byte" },
		{ "constellation-go", "package p\nvar p = map[int][]byte{}",
		  "expected 'uint32', found 'int'" },
		{ "constellation-go",
		  "package p\nvar p = map[uint32][]byte{ 4: {" BYTES31 ", 1}, 4: {" BYTES31 ", 1} }",
		  "register 4 a second time" },
		{ "constellation-go", "package p\nvar p = map[uint32][]byte{ 4: {" BYTES31 ", 1} } x",
		  "end of the file" },
		{ "constellation-go", "package p /* ", "a comment that does not end" },
		{ "constellation-literal", "M{4: {Expected: []byte{1}}}", "1 bytes, expected 32" },
		{ "constellation-literal", "M{4: {ValidationOpt: Enforce}}", "0 bytes, expected 32" },
		{ "constellation-literal", "M{4: {Expected: []byte{" BYTES31 ",1}, Expected: []byte{1}}}",
		  "expected Expected or" },
		{ "constellation-literal", "M{4: WithAllBytes(0x00, Perhaps)}", "Enforce or WarnOnly" },
		{ "constellation-literal", "M{4: {Expected: []byte{" BYTES31 ",1}} 5", "',' or '}'" },
		{ "constellation-literal", "x = 1", "no reference values" },
		{ "constellation-yaml",
		  "measurements:\n  4:\n    expected: \"" V0 "\"\n    warnOnly: \"true\"\n",
		  "true or false" },
		{ "constellation-yaml", "measurements:\n  4:\n    expected: \"" V0 "\"\n    warnonly: true\n",
		  "only the keys" },
		{ "constellation-yaml", "measurements: [1]\n", "a mapping" },
		{ "constellation-yaml", "4: " V0 "\n4: " V0 "\n", "twice" },
		{ "constellation-yaml", "4: [a]\n", "a value in hex" },
		{ "constellation-console", "Measurements:\n\tPCR[24] : 0x" V0 "\n", "line 2" },
		{ "constellation-console", "Measurements:\n\tPCR[4] : 0x" V0 "\n", "line 2" },
		{ "constellation-console", "Measurements:\n\tRTMR[4] : 0x" T0 "\n", "line 2" },
		{ "constellation-console", "Measurements:\n\tMRTD    : 0x" V0 "\n", "96 hex digits" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pcrcast_error e = { .msg = "" };
		struct golden g;

		int r = read_text(cases[i].text, cases[i].format, &g, &e);
		if (r >= 0 || !strstr(e.msg, cases[i].says))
			fail_msg("case %zu: %d, \"%s\" does not say \"%s\"", i, r, e.msg, cases[i].says);
		golden_done(&g);
	}
}

static void what_a_format_cannot_say_is_refused_or_told(void **state)
{
	static const char v2[] =
		"{\"version\":\"v2\",\"ref\":\"-\",\"stream\":\"s\",\"list\":["
		"{\"csp\":\"QEMU\",\"attestationVariant\":\"qemu-vtpm\",\"measurements\":{\"4\":\"" V0
		"\"}},{\"csp\":\"AWS\",\"attestationVariant\":\"aws-sev-snp\",\"measurements\":{\"4\":\"" V1
		"\"}}]}";
	struct pool pool = POOL_INIT;
	struct pcrcast_error e = { .msg = "" };
	struct slice out;
	struct golden g;
	size_t n_lost;

	(void)state;
	read_well(v2, "constellation", &g);
	assert_int_equal(write_as(&g, "constellation-v1", &pool, &out, &n_lost, &e), -PCRCAST_EUNSUPPORTED);
	assert_non_null(strstr(e.msg, "several sets"));
	/* sorted by cloud, as Constellation merges lists */
	assert_int_equal(write_as(&g, "constellation", &pool, &out, &n_lost, &e), 0);
	const char *text = pool_text(&pool, (const char *)out.p, out.n);
	assert_true(strstr(text, "\"AWS\"") < strstr(text, "\"QEMU\""));
	g.sets[0].id.version = "v3";
	assert_int_equal(write_as(&g, "constellation", &pool, &out, &n_lost, &e), -PCRCAST_EUNSUPPORTED);
	golden_done(&g);
	read_well("{\"4\":\"" V1 "\"}", "constellation-v1", &g);
	assert_int_equal(write_as(&g, "constellation", &pool, &out, &n_lost, &e), -PCRCAST_EUNSUPPORTED);
	assert_non_null(strstr(e.msg, "preset"));
	g.sets[0].id.csp = "AWS";
	assert_int_equal(write_as(&g, "constellation-v1", &pool, &out, &n_lost, &e), 0);
	assert_int_equal(n_lost, 1);
	assert_true(slice_equal_string(out, "{\"4\":{\"expected\":\"" V1 "\",\"warnOnly\":false}}\n"));
	golden_done(&g);
	read_well("{\"0\":\"" T0 "\"}", "constellation-v1", &g);
	assert_int_equal(write_as(&g, "constellation-go", &pool, &out, &n_lost, &e), -PCRCAST_EUNSUPPORTED);
	assert_int_equal(write_as(&g, "constellation-console", &pool, &out, &n_lost, &e), 0);
	assert_true(slice_equal_string(out, "Measurements:\n\tMRTD    : 0x" T0 "\n"));
	golden_done(&g);
	assert_int_equal(
		read_text(
			"{\"version\":1,\"pcrs\":{\"sha1\":{\"4\":\"da39a3ee5e6b4b0d3255bfef95601890afd80709\"}}}",
			NULL, &g, &e),
		0);
	assert_true(write_as(&g, "constellation-v1", &pool, &out, &n_lost, &e) < 0);
	golden_done(&g);
	assert_int_equal(read_text("{\"version\":1,\"pcrs\":{\"sha384\":{\"4\":\"" T0 "\"}}}", NULL, &g, &e),
			 0);
	assert_int_equal(write_as(&g, "constellation-v1", &pool, &out, &n_lost, &e), -PCRCAST_EUNSUPPORTED);
	assert_non_null(strstr(e.msg, "SHA-256 values of PCRs"));
	golden_done(&g);
	pool_done(&pool);
}

static void a_name_that_yaml_would_misread_survives(void **state)
{
	static const char json[] =
		"{\"csp\":\"AWS\",\"image\":\"a\\\"b\\\\c\\u0085\\u2028: #\\n\xc3\xa4\",\"measurements\":{\"4\":\"" V1
		"\"}}";
	struct pool pool = POOL_INIT;
	struct pcrcast_error e = { .msg = "" };
	struct golden g, again;
	struct slice out;
	size_t n_lost;

	(void)state;
	read_well(json, "constellation-v1", &g);
	assert_int_equal(write_as(&g, "constellation-yaml", &pool, &out, &n_lost, &e), 0);
	if (read_bytes(out, NULL, &again, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(again.format, "constellation-yaml");
	assert_string_equal(g.sets[0].id.image, again.sets[0].id.image);
	golden_done(&again);
	golden_done(&g);
	pool_done(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fixture_is_recognised_and_written_back_byte_by_byte),
		cmocka_unit_test(every_truncation_of_a_fixture_is_refused_or_means_less),
		cmocka_unit_test(tdx_values_are_cc_registers),
		cmocka_unit_test(bare_strings_are_enforced_and_old_base64_is_told),
		cmocka_unit_test(the_words_of_clouds_are_those_of_constellation),
		cmocka_unit_test(the_pcr_map_is_read_with_and_without_its_heading),
		cmocka_unit_test(go_code_is_read_as_gofmt_and_people_leave_it),
		cmocka_unit_test(literals_are_read_in_their_older_forms),
		cmocka_unit_test(yaml_is_read_in_its_older_forms),
		cmocka_unit_test(the_tool_s_events_come_with_its_values),
		cmocka_unit_test(odd_files_are_refused_with_a_reason),
		cmocka_unit_test(what_a_format_cannot_say_is_refused_or_told),
		cmocka_unit_test(a_name_that_yaml_would_misread_survives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
