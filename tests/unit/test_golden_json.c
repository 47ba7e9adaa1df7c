/* The model of reference values through this program's own JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "golden/format.h"

#define V0 "0000000000000000000000000000000000000000000000000000000000000000"
#define V1 "df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119"
#define S1 "da39a3ee5e6b4b0d3255bfef95601890afd80709"

static int read_text(const char *text, struct golden *g, struct pcrcast_error *e)
{
	struct golden_input in = { .name = "test", .bytes = slice_of_string(text) };

	return golden_read(&in, NULL, g, e);
}

static struct slice write_as(const struct golden *g, const char *format, const struct golden_selection *sel,
			     struct pool *pool)
{
	const char *const *lost;
	struct pcrcast_error e = { .msg = "" };
	struct slice out = SLICE_EMPTY;
	size_t n_lost;

	int r = golden_write(g, sel, golden_format_by_name(format), pool, &out, &lost, &n_lost, &e);
	if (r < 0)
		print_message("%s\n", e.msg);
	assert_int_equal(r, 0);
	return out;
}

static const char everything[] =
	"{\"version\":1,\"sets\":[{\"identity\":{\"image\":\"a.img\",\"csp\":\"AWS\",\"variant\":\"aws-nitro-tpm\"},"
	"\"pcrs\":{\"sha1\":{\"4\":\"" S1 "\"},\"sha256\":{\"4\":{\"values\":[{\"value\":\"" V0
	"\",\"origin\":\"computed\"},{\"value\":\"" V1
	"\",\"origin\":\"observed\",\"label\":\"enter-initrd\"}],\"warnOnly\":true},\"11\":[\"" V1 "\"]}},"
	"\"events\":[{\"pcr\":4,\"type\":\"EV_SEPARATOR\",\"digests\":{\"sha256\":\"" V1
	"\"},\"origin\":\"constant\",\"description\":\"separator\",\"source\":\"PFP 1.06\",\"data\":\"00000000\"},"
	"{\"pcr\":4,\"type\":\"0x00abcdef\",\"digests\":{\"0x0012\":\"" V1
	"\"},\"content\":\"other\",\"template\":\"x\"}],"
	"\"policies\":[{\"bank\":\"sha256\",\"pcrs\":[11],\"pol\":\"" V1 "\",\"pkfp\":\"" V0
	"\",\"sig\":\"abcd\",\"ref\":\"initrd\"}],"
	"\"claims\":[{\"role\":\"kernel\",\"group\":1,\"sha256\":\"" V1
	"\"},{\"role\":\"cmdline\",\"group\":1,\"text\":\"quiet.*\"},"
	"{\"role\":\"db\",\"group\":0,\"owner\":\"8be4df61-93ca-11d2-aa0d-00e098032b8c\",\"data\":\"3082\"}],"
	"\"extras\":[{\"format\":\"json\",\"key\":\"nvIndex\",\"value\":{\"a\":[1,2]}}]},"
	"{\"identity\":{},\"registers\":{\"sha384\":{\"mrtd\":\"" V0
	"00000000000000000000000000000000\"}}}]}";

static void what_is_written_reads_as_the_same(void **state)
{
	struct golden_selection all = { 0 };
	struct pool pool = POOL_INIT;
	struct golden a, b;
	struct pcrcast_error e;

	(void)state;
	assert_int_equal(read_text(everything, &a, &e), 0);
	assert_int_equal(a.n, 2);
	assert_int_equal(a.sets[0].n_registers, 3);
	assert_true(golden_find(&a.sets[0], ALG_SHA256, 4)->warn_only);
	assert_int_equal(a.sets[0].log->n_events, 2);
	assert_int_equal(a.sets[0].n_claims, 3);
	assert_true(a.sets[1].cc);
	struct slice first = write_as(&a, "json", &all, &pool);
	assert_int_equal(read_text(pool_text(&pool, (const char *)first.p, first.n), &b, &e), 0);
	struct slice second = write_as(&b, "json", &all, &pool);
	assert_true(slice_equal(first, second));
	assert_non_null(strstr((const char *)first.p, "\"nvIndex\""));
	assert_string_equal(b.sets[0].policies[0].ref, "initrd");
	golden_done(&a);
	golden_done(&b);
	pool_done(&pool);
}

static void a_prediction_and_a_replay_are_read(void **state)
{
	struct golden g;
	struct pcrcast_error e;

	(void)state;
	assert_int_equal(
		read_text("{\"version\":1,\"image\":\"disk.img\",\"pcrs\":{\"sha256\":{\"4\":\"" V0
			  "\",\"11\":\"" V0
			  "\"}},\"phases\":[{\"phase\":\"enter-initrd\",\"pcrs\":{\"sha256\":{\"11\":\"" V1
			  "\"}}}],\"complete\":{\"4\":true},\"assumptions\":[]}",
			  &g, &e),
		0);
	assert_string_equal(g.sets[0].id.image, "disk.img");
	const struct golden_register *r = golden_find(&g.sets[0], ALG_SHA256, 11);
	assert_int_equal(r->n, 1); /* the phase's in place of that before all phases */
	assert_string_equal(r->values[0].label, "enter-initrd");
	golden_done(&g);
	assert_int_equal(read_text("{\"version\":1,\"kind\":\"tcg2\",\"pcrs\":{\"sha256\":{\"0\":\"" V0
				   "\"}},\"events\":12}",
				   &g, &e),
			 0);
	assert_int_equal(g.sets[0].n_registers, 1);
	golden_done(&g);
	/* without any frame, as scripts write it */
	assert_int_equal(read_text("{\"sha1\":{\"0\":\"" S1 "\"},\"sha256\":{\"23\":\"" V0 "\"}}", &g, &e),
			 0);
	assert_non_null(golden_find(&g.sets[0], ALG_SHA256, 23));
	golden_done(&g);
}

static void odd_files_are_refused_with_a_reason(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "{\"version\":2,\"sets\":[]}", "\"version\": expected 1" },
		{ "{\"version\":1,\"sets\":[]}", "no reference values" },
		{ "{\"version\":1,\"sets\":[{\"pcrs\":{},\"registers\":{}}]}",
		  "one of \"pcrs\" and \"registers\"" },
		{ "{\"version\":1,\"sets\":[{\"pcrs\":{},\"more\":1}]}", "unknown key \"more\"" },
		{ "{\"version\":1,\"pcrs\":{\"md5\":{}}}", "expected a bank" },
		{ "{\"version\":1,\"pcrs\":{\"sha256\":{\"24\":\"" V0 "\"}}}", "a PCR, 0 to 23" },
		{ "{\"version\":1,\"pcrs\":{\"sha256\":{\"04\":\"" V0 "\"}}}", "a PCR, 0 to 23" },
		{ "{\"version\":1,\"pcrs\":{\"sha256\":{\"4\":\"" S1 "\"}}}", "20 bytes, expected 32" },
		{ "{\"version\":1,\"pcrs\":{\"sha256\":{\"4\":[]}}}", "at least one value" },
		{ "{\"version\":1,\"pcrs\":{\"sha256\":{\"4\":\"0x\"}}}", "value in hex" },
		{ "{\"version\":1,\"pcrs\":{\"sha256\":{\"4\":\"" V0 "\",\"4\":\"" V0 "\"}}}", "4" },
		{ "{\"version\":1,\"pcrs\":{}} x", "end of the JSON" },
		{ "", "no known form" },
		{ "[{}]", "no known form" },
		{ "hello", "no known form" },
		{ "[{\"sha1\":{}}]", "no known form" },
		{ "{\"sha1\":[]}", "no known form" },
		{ "{}", "no known form" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pcrcast_error e = { .msg = "" };
		struct golden g;

		assert_true(read_text(cases[i].text, &g, &e) < 0);
		if (!strstr(e.msg, cases[i].says))
			fail_msg("case %zu: \"%s\" does not say \"%s\"", i, e.msg, cases[i].says);
		golden_done(&g);
	}
}

static void a_selection_takes_banks_registers_labels_and_sets(void **state)
{
	struct golden_selection sel = { .banks = 1u << ALG_SHA256,
					.has_pcrs = true,
					.pcrs = 1 << 4,
					.label = "enter-initrd",
					.set = "AWS/aws-nitro-tpm" };
	struct pool pool = POOL_INIT;
	struct pcrcast_error e;
	struct golden g, chosen;

	(void)state;
	assert_int_equal(read_text(everything, &g, &e), 0);
	struct slice out = write_as(&g, "json", &sel, &pool);
	assert_int_equal(read_text(pool_text(&pool, (const char *)out.p, out.n), &chosen, &e), 0);
	assert_int_equal(chosen.n, 1);
	assert_int_equal(chosen.sets[0].n_registers, 1);
	assert_int_equal(chosen.sets[0].registers[0].n, 1);
	assert_string_equal(chosen.sets[0].registers[0].values[0].label, "enter-initrd");
	golden_done(&g);
	golden_done(&chosen);
	pool_done(&pool);
}

static void the_model_refuses_what_no_register_can_hold(void **state)
{
	struct golden g = GOLDEN_INIT;
	struct pcrcast_error e;
	uint8_t zeros[DIGEST_MAX] = { 0 };

	(void)state;
	struct golden_set *s = golden_add_set(&g, &e);
	assert_non_null(s);
	assert_int_equal(
		golden_add_value(&g, s, ALG_SHA256, 24, (struct slice){ zeros, 32 }, GOLDEN_STATED, NULL, &e),
		-PCRCAST_EFORMAT);
	assert_int_equal(
		golden_add_value(&g, s, ALG_SHA256, 4, (struct slice){ zeros, 31 }, GOLDEN_STATED, NULL, &e),
		-PCRCAST_EFORMAT);
	for (uint32_t i = 24; i-- > 0;)
		assert_int_equal(golden_add_value(&g, s, ALG_SHA256, i, (struct slice){ zeros, 32 },
						  GOLDEN_STATED, NULL, &e),
				 0);
	assert_int_equal(s->n_registers, 24);
	for (uint32_t i = 0; i < 24; i++)
		assert_int_equal(s->registers[i].index, i);
	golden_done(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_reads_as_the_same),
		cmocka_unit_test(a_prediction_and_a_replay_are_read),
		cmocka_unit_test(odd_files_are_refused_with_a_reason),
		cmocka_unit_test(a_selection_takes_banks_registers_labels_and_sets),
		cmocka_unit_test(the_model_refuses_what_no_register_can_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
