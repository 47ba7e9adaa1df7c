/*
 * Formats of other predictors and verifiers: the first byte chooses the format, the rest is the file. What is read is written in
 * the same format, must read again, and must then be written as the same bytes.
 */
#include <stddef.h>
#include <stdint.h>

#include "golden/format.h"

#define CHECK(x)                          \
	do {                              \
		if (!(x))                 \
			__builtin_trap(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char *const names[] = { "aws",  "pcrsys",     "compute-pcrs", "tdx",
				     "rvps", "comid-json", "corim",	 NULL /* as it is recognised */ };

static int read_as(const struct golden_format *f, struct slice bytes, struct golden *g)
{
	struct golden_input in = { .name = "fuzz", .bytes = bytes };
	struct pcrcast_error e = { .msg = "" };
	int r = golden_read(&in, f, g, &e);

	CHECK(r == 0 || e.msg[0] != '\0');
	return r;
}

static int write_as(const struct golden_format *f, const struct golden *g, struct pool *pool, struct slice *ret)
{
	struct golden_selection all = { 0 };
	struct pcrcast_error e = { .msg = "" };
	const char *const *lost;
	size_t n_lost;
	int r = golden_write(g, &all, f, pool, ret, &lost, &n_lost, &e);

	CHECK(r == 0 || e.msg[0] != '\0');
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice bytes = n > 1 ? (struct slice){ data + 1, n - 1 } : SLICE_EMPTY, first, second, own;
	const char *name = n ? names[data[0] % (sizeof names / sizeof names[0])] : NULL;
	const struct golden_format *f = name ? golden_format_by_name(name) : NULL;
	struct pool pool = POOL_INIT;
	struct golden a, b;

	if (read_as(f, bytes, &a) == 0) {
		f = golden_format_by_name(a.format);
		CHECK(write_as(golden_format_by_name("json"), &a, &pool, &own) == 0);
		if (f->write && write_as(f, &a, &pool, &first) == 0) {
			CHECK(read_as(f, first, &b) == 0);
			CHECK(write_as(f, &b, &pool, &second) == 0);
			CHECK(slice_equal(first, second));
			golden_done(&b);
		}
	}
	golden_done(&a);
	pool_done(&pool);
	return 0;
}
