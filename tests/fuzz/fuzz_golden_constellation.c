/* First byte: which format of Constellation; rest: a file. What is read is written, and reads as the same again. */
#include <stddef.h>
#include <stdint.h>

#include "golden/format.h"

#define CHECK(x)                          \
	do {                              \
		if (!(x))                 \
			__builtin_trap(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

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

static void write_and_read(const struct golden *g, const struct golden_format *f, struct pool *pool)
{
	struct golden_selection all = { 0 };
	struct pcrcast_error e = { .msg = "" };
	const char *const *lost;
	struct slice out, again;
	struct golden second;
	size_t n_lost;

	int r = golden_write(g, &all, f, pool, &out, &lost, &n_lost, &e);
	if (r < 0) { /* YAML for a variant that another set is for, a name that is not UTF-8 */
		CHECK(e.msg[0] != '\0');
		return;
	}
	struct golden_input in = { .name = "", .bytes = out };
	CHECK(golden_read(&in, f, &second, &e) == 0);
	compare(g, &second);
	CHECK(golden_write(&second, &all, f, pool, &again, &lost, &n_lost, &e) == 0 &&
	      slice_equal(out, again));
	golden_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const names[] = {
		"constellation",         "constellation-precalc", "constellation-base64",
		"constellation-v1",      "constellation-yaml",    "constellation-go",
		"constellation-literal", "constellation-console",
	};
	struct pool pool = POOL_INIT;
	struct pcrcast_error e = { .msg = "" };
	struct golden g;

	if (n == 0)
		return 0;
	struct golden_input in = { .name = "", .bytes = { data + 1, n - 1 } };
	const struct golden_format *f =
		golden_format_by_name(names[data[0] % (sizeof names / sizeof names[0])]);
	if (golden_read(&in, NULL, &g, &e) < 0) /* recognised or not, nothing breaks */
		CHECK(e.msg[0] != '\0');
	golden_done(&g);
	e = (struct pcrcast_error){ .msg = "" };
	if (golden_read(&in, f, &g, &e) == 0)
		write_and_read(&g, f, &pool);
	else
		CHECK(e.msg[0] != '\0' && (e.offset < n || e.offset == PCRCAST_NO_OFFSET));
	golden_done(&g);
	pool_done(&pool);
	return 0;
}
