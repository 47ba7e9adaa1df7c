/* CoRIM and CoMID as CBOR: what is read is written, must read again, and must then be written as the same bytes. */
#include <stddef.h>
#include <stdint.h>

#include "golden/format.h"

#define CHECK(x)                          \
	do {                              \
		if (!(x))                 \
			__builtin_trap(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int read_corim(struct slice bytes, struct golden *g)
{
	struct golden_input in = { .name = "fuzz", .bytes = bytes };
	struct pcrcast_error e = { .msg = "" };
	int r = golden_read(&in, golden_format_by_name("corim"), g, &e);

	CHECK(r == 0 || e.msg[0] != '\0');
	return r;
}

static int write_as(const char *format, const struct golden *g, struct pool *pool, struct slice *ret)
{
	struct golden_selection all = { 0 };
	struct pcrcast_error e = { .msg = "" };
	const char *const *lost;
	size_t n_lost;
	int r = golden_write(g, &all, golden_format_by_name(format), pool, ret, &lost, &n_lost, &e);

	CHECK(r == 0 || e.msg[0] != '\0');
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice bytes = n ? (struct slice){ data, n } : SLICE_EMPTY, first, second, json;
	struct golden_input in = { .name = "fuzz", .bytes = bytes };
	struct pool pool = POOL_INIT;
	struct golden a, b;

	(void)golden_recognise(&in, NULL);
	if (read_corim(bytes, &a) == 0) {
		(void)write_as("comid-json", &a, &pool, &json);
		if (write_as("corim", &a, &pool, &first) == 0) {
			CHECK(read_corim(first, &b) == 0);
			CHECK(write_as("corim", &b, &pool, &second) == 0);
			CHECK(slice_equal(first, second));
			golden_done(&b);
		}
	}
	golden_done(&a);
	pool_done(&pool);
	return 0;
}
