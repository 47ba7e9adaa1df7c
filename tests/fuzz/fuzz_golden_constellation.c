/* First byte: which format of Constellation; rest: a file. What is read is written, and reads as the same again. */
#include "golden_again.h"
#include "tests/fuzz/fuzz.h"

static bool same_register(const struct golden_register *a, const struct golden_register *b)
{
	return a->alg == b->alg && a->index == b->index && a->warn_only == b->warn_only && a->n == b->n &&
	       memcmp(a->values[0].bytes, b->values[0].bytes, algs[a->alg].len) == 0;
}

/* The formats sort their sets, so registers are compared by set only when there is one. */
static void compare(const struct golden *a, const struct golden *b)
{
	CHECK(a->n == b->n);
	for (size_t i = 0; a->n == 1 && i < a->n; i++) {
		CHECK(a->sets[i].n_registers == b->sets[i].n_registers && a->sets[i].cc == b->sets[i].cc);
		for (size_t k = 0; k < a->sets[i].n_registers; k++)
			CHECK(same_register(&a->sets[i].registers[k], &b->sets[i].registers[k]));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const names[] = {
		"constellation",         "constellation-precalc", "constellation-base64",
		"constellation-v1",      "constellation-yaml",    "constellation-go",
		"constellation-literal", "constellation-console",
	};
	struct golden g;

	if (n == 0)
		return 0;
	struct golden_input in = { .name = "", .bytes = { data + 1, n - 1 } };
	const struct golden_format *f =
		golden_format_by_name(names[data[0] % (sizeof names / sizeof names[0])]);
	(void)golden_again_read(NULL, &in, &g); /* recognised or not, nothing breaks */
	golden_done(&g);
	/* not written: YAML for a variant that another set is for, a name that is not UTF-8 */
	if (golden_again_read(f, &in, &g))
		(void)golden_again_write(&g, f, in, compare);
	golden_done(&g);
	return 0;
}
