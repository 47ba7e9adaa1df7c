/* Presets: what they select, enforce and state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "golden/preset.h"

#define SEPARATOR_ONLY "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969"

/* A set with registers of a bank, each all bytes 0x40 + its index. */
static struct golden_set *add_set(struct golden *g, enum alg alg, uint32_t registers, bool cc)
{
	struct golden_set *s = golden_add_set(g, NULL);
	uint8_t bytes[DIGEST_MAX];

	assert_non_null(s);
	s->cc = cc;
	for (uint32_t i = 0; i < PCR_COUNT; i++) {
		memset(bytes, (int)(0x40 + i), sizeof bytes);
		if (registers & UINT32_C(1) << i)
			assert_int_equal(golden_add_value(g, s, alg, i,
							  (struct slice){ bytes, algs[alg].len },
							  GOLDEN_COMPUTED, NULL, NULL),
					 0);
	}
	return s;
}

enum { IMAGE = 1 << 4 | 1 << 8 | 1 << 9 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 15 };

static uint32_t registers_of(const struct golden_set *s, bool warn_only)
{
	uint32_t ret = 0;

	for (size_t i = 0; i < s->n_registers; i++)
		ret |= s->registers[i].warn_only == warn_only ? UINT32_C(1) << s->registers[i].index : 0;
	return ret;
}

static const char *value_of(const struct golden_set *s, enum alg alg, uint32_t index,
			    enum golden_origin origin)
{
	static char text[2 * DIGEST_MAX + 1];
	const struct golden_register *r = golden_find(s, alg, index);

	assert_non_null(r);
	assert_int_equal(r->n, 1);
	assert_int_equal(r->values[0].origin, origin);
	hex_encode(r->values[0].bytes, algs[alg].len, text);
	return text;
}

static void the_values_of_an_image_become_those_of_a_cloud(void **state)
{
	/* overrides.go of Constellation v2.24, read by hand */
	static const struct {
		const char *name, *csp, *variant;
		uint32_t warn_only;
	} cases[] = {
		{ "aws-nitro-tpm", "AWS", "aws-nitro-tpm", 1 << 0 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 14 },
		{ "aws-sev-snp", "AWS", "aws-sev-snp", 1 << 0 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 14 },
		{ "azure", "Azure", NULL, 1 << 1 | 1 << 2 | 1 << 3 | 1 << 14 },
		{ "azure-tdx", "Azure", "azure-tdx", 1 << 1 | 1 << 2 | 1 << 3 | 1 << 14 },
		{ "gcp-sev-es", "GCP", "gcp-sev-es", 1 << 1 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 14 },
		{ "openstack", "OpenStack", "qemu-vtpm", 1 << 14 },
		{ "qemu-vtpm", "QEMU", "qemu-vtpm", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct golden g = GOLDEN_INIT;
		struct golden_set *s = add_set(&g, ALG_SHA256, IMAGE, false);
		struct pcrcast_error e = { .msg = "" };

		if (golden_apply_preset(&g, cases[i].name, &e) < 0)
			fail_msg("%s", e.msg);
		assert_int_equal(registers_of(s, false), IMAGE);
		assert_int_equal(registers_of(s, true), cases[i].warn_only);
		assert_string_equal(s->id.csp, cases[i].csp);
		if (cases[i].variant)
			assert_string_equal(s->id.variant, cases[i].variant);
		else
			assert_null(s->id.variant);
		assert_int_equal(g.n_notes, 0);
		(void)value_of(s, ALG_SHA256, 4, GOLDEN_COMPUTED);
		golden_done(&g);
	}
}

static void constants_are_those_of_the_cloud_and_variant(void **state)
{
	struct golden g = GOLDEN_INIT;
	struct golden_set *s = add_set(&g, ALG_SHA256, IMAGE, false);

	(void)state;
	assert_int_equal(golden_apply_preset(&g, "aws-sev-snp", NULL), 0);
	assert_string_equal(value_of(s, ALG_SHA256, 0, GOLDEN_CONSTANT),
			    "d6df855358f5b10f06f0fab3f408ad26cd165a2949bad69e2cc75692529e662a");
	assert_string_equal(value_of(s, ALG_SHA256, 6, GOLDEN_CONSTANT), SEPARATOR_ONLY);
	golden_done(&g);
	s = add_set(&g, ALG_SHA256, IMAGE, false);
	s->id.variant = "aws-nitro-tpm"; /* makes a cloud's preset the variant's */
	assert_int_equal(golden_apply_preset(&g, "aws", NULL), 0);
	assert_string_equal(value_of(s, ALG_SHA256, 0, GOLDEN_CONSTANT),
			    "737f767a12f54e70eecbc8684011323ae2fe2dd9f90785577969d7a2013e8c12");
	golden_done(&g);
	s = add_set(&g, ALG_SHA256, IMAGE, false);
	assert_int_equal(golden_apply_preset(&g, "gcp", NULL), 0);
	assert_string_equal(value_of(s, ALG_SHA256, 1, GOLDEN_CONSTANT),
			    "3695dcc55e3aa34027c27793c85c723c697d708c42d1f73bd6fa4f26608a5b24");
	golden_done(&g);
}

static void what_is_replaced_or_left_out_is_told(void **state)
{
	struct golden g = GOLDEN_INIT;
	struct golden_set *s = add_set(&g, ALG_SHA256, IMAGE | 1 << 2 | 1 << 7, false);
	uint8_t zeros[DIGEST_MAX] = { 0 };

	(void)state;
	assert_int_equal(golden_add_value(&g, s, ALG_SHA1, 4, (struct slice){ zeros, 20 }, GOLDEN_COMPUTED,
					  NULL, NULL),
			 0);
	assert_int_equal(golden_apply_preset(&g, "azure-sev-snp", NULL), 0);
	assert_int_equal(g.n_notes, 3);
	assert_non_null(strstr(g.notes[0], "sha1:4 is left out"));
	assert_non_null(strstr(g.notes[1], "sha256:7 is left out"));
	assert_non_null(strstr(g.notes[2], "2: the constant of preset azure-sev-snp replaces"));
	assert_int_equal(registers_of(s, true), 1 << 1 | 1 << 2 | 1 << 3 | 1 << 14);
	assert_int_equal(golden_banks(s), 1u << ALG_SHA256);
	golden_done(&g);
}

static void a_register_that_is_missing_is_named(void **state)
{
	struct golden g = GOLDEN_INIT;
	struct pcrcast_error e = { .msg = "" };

	(void)state;
	(void)add_set(&g, ALG_SHA256, IMAGE & ~(1 << 8), false);
	assert_int_equal(golden_apply_preset(&g, "gcp", &e), -PCRCAST_ENOTFOUND);
	assert_non_null(strstr(e.msg, "needs sha256:8,"));
	golden_done(&g);
	(void)add_set(&g, ALG_SHA256, IMAGE, false);
	assert_int_equal(golden_apply_preset(&g, "aws", &e), -PCRCAST_ENOTFOUND);
	assert_non_null(strstr(e.msg, "needs sha256:0,"));
	assert_non_null(strstr(e.msg, "variant"));
	golden_done(&g);
	assert_int_equal(golden_apply_preset(&g, "moon", &e), -PCRCAST_EINVAL);
	assert_non_null(strstr(e.msg, "no preset \"moon\""));
	(void)add_set(&g, ALG_SHA384, 0x1f, true);
	assert_int_equal(golden_apply_preset(&g, "gcp", &e), -PCRCAST_EINVAL);
	g.sets[0].id.csp = "AWS";
	assert_int_equal(golden_apply_preset(&g, "qemu-tdx", &e), -PCRCAST_EINVAL);
	assert_non_null(strstr(e.msg, "is for QEMU, the values are for AWS"));
	golden_done(&g);
}

static void tdx_registers_are_all_enforced(void **state)
{
	struct golden g = GOLDEN_INIT;
	struct golden_set *s = add_set(&g, ALG_SHA384, 0x17, true);

	(void)state;
	assert_int_equal(golden_apply_preset(&g, "qemu-tdx", NULL), 0);
	assert_int_equal(registers_of(s, false), 0x1f);
	assert_int_equal(strspn(value_of(s, ALG_SHA384, 3, GOLDEN_CONSTANT), "0"), 96);
	golden_done(&g);
	s = add_set(&g, ALG_SHA384, 0x1f, true); /* RTMR2 as it was seen */
	assert_int_equal(golden_apply_preset(&g, "qemu-tdx", NULL), 0);
	assert_int_equal(strspn(value_of(s, ALG_SHA384, 3, GOLDEN_COMPUTED), "43"), 96);
	golden_done(&g);
}

static void every_row_is_sound_and_has_a_source(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_golden_presets; i++) {
		const struct golden_preset *p = &golden_presets[i];
		uint32_t count = p->cc ? 5 : PCR_COUNT;

		assert_ptr_equal(golden_preset_by_name(p->name), p);
		assert_int_equal(golden_preset_registers(p),
				 p->cc ? 0x17 : IMAGE | (strcmp(p->name, "aws") == 0 ? 1 : 0));
		for (size_t k = 0; k < PRESET_PARTS; k++)
			for (size_t m = 0; m < p->parts[k].n; m++) {
				const struct preset_row *row = &p->parts[k].rows[m];

				assert_true(row->index < count);
				assert_non_null(row->source);
				if (row->value)
					assert_int_equal(strspn(row->value, "0123456789abcdef"),
							 p->cc ? 96 : 64);
			}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_values_of_an_image_become_those_of_a_cloud),
		cmocka_unit_test(constants_are_those_of_the_cloud_and_variant),
		cmocka_unit_test(what_is_replaced_or_left_out_is_told),
		cmocka_unit_test(a_register_that_is_missing_is_named),
		cmocka_unit_test(tdx_registers_are_all_enforced),
		cmocka_unit_test(every_row_is_sound_and_has_a_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
