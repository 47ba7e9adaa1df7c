/* Several sets of reference values as one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "golden/golden.h"

static void add(struct golden *g, size_t set, uint32_t index, uint8_t byte, const char *label)
{
	uint8_t value[32];

	memset(value, byte, sizeof value);
	assert_int_equal(golden_add_value(g, &g->sets[set], ALG_SHA256, index, (struct slice){ value, 32 },
					  GOLDEN_COMPUTED, label, NULL),
			 0);
}

static void add_set(struct golden *g, const char *image, const char *variant)
{
	struct golden_set *s = golden_add_set(g, NULL);

	assert_non_null(s);
	s->id.image = image;
	s->id.variant = variant;
}

static void expect(const struct golden *g, uint32_t index, size_t i, uint8_t byte, const char *label)
{
	const struct golden_register *r = golden_find(&g->sets[0], ALG_SHA256, index);

	assert_non_null(r);
	assert_true(i < r->n);
	assert_int_equal(r->values[i].bytes[0], byte);
	assert_int_equal(r->values[i].origin, GOLDEN_COMPUTED);
	if (label)
		assert_string_equal(r->values[i].label, label);
	else
		assert_null(r->values[i].label);
}

static void values_of_variants_stand_side_by_side(void **state)
{
	struct golden g = GOLDEN_INIT;
	struct pcrcast_error e;

	(void)state;
	add_set(&g, "disk.img", "profile=0");
	add_set(&g, "disk.img", "profile=1");
	add_set(&g, "disk.img", "profile=2");
	for (size_t i = 0; i < 3; i++)
		add(&g, i, 4, 0x44, NULL);
	add(&g, 0, 9, 0x90, NULL);
	add(&g, 1, 9, 0x91, NULL);
	add(&g, 2, 9, 0x90, NULL);
	add(&g, 1, 12, 0x12, NULL); /* the others have no value */
	for (size_t i = 0; i < 3; i++) {
		add(&g, i, 11, (uint8_t)(0xa0 + i), "initrd");
		add(&g, i, 11, 0xbb, "sysinit");
	}
	assert_int_equal(golden_merge_sets(&g, &e), 0);
	assert_int_equal(g.n, 1);
	assert_string_equal(g.sets[0].id.image, "disk.img");
	assert_null(g.sets[0].id.variant);
	assert_int_equal(g.sets[0].n_registers, 3);
	expect(&g, 4, 0, 0x44, NULL);
	expect(&g, 9, 0, 0x90, "profile=0 | profile=2");
	expect(&g, 9, 1, 0x91, "profile=1");
	expect(&g, 11, 0, 0xa0, "profile=0 initrd");
	expect(&g, 11, 1, 0xbb, "profile=0 sysinit | profile=1 sysinit | profile=2 sysinit");
	expect(&g, 11, 3, 0xa2, "profile=2 initrd");
	assert_int_equal(golden_find(&g.sets[0], ALG_SHA256, 11)->n, 4);
	assert_null(golden_find(&g.sets[0], ALG_SHA256, 12));
	assert_int_equal(g.n_notes, 2);
	assert_non_null(strstr(g.notes[0], "sha256:12 is left out"));
	assert_non_null(strstr(g.notes[1], "3 variants"));
	golden_done(&g);
}

static void one_set_stays_as_it_is_and_none_is_no_error(void **state)
{
	struct golden g = GOLDEN_INIT;
	struct pcrcast_error e;

	(void)state;
	assert_int_equal(golden_merge_sets(&g, &e), 0);
	add_set(&g, "a", NULL);
	add(&g, 0, 4, 1, NULL);
	assert_int_equal(golden_merge_sets(&g, &e), 0);
	expect(&g, 4, 0, 1, NULL);
	assert_int_equal(g.n_notes, 0);
	golden_done(&g);
}

static void pcrs_and_cc_registers_do_not_mix(void **state)
{
	struct golden g = GOLDEN_INIT;
	struct pcrcast_error e;

	(void)state;
	add_set(&g, "a", NULL);
	add_set(&g, "b", NULL);
	g.sets[1].cc = true;
	assert_int_equal(golden_merge_sets(&g, &e), -PCRCAST_EINVAL);
	assert_int_equal(g.n, 2);
	golden_done(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_variants_stand_side_by_side),
		cmocka_unit_test(one_set_stays_as_it_is_and_none_is_no_error),
		cmocka_unit_test(pcrs_and_cc_registers_do_not_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
