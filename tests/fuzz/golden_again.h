/*
 * What the harnesses of formats of reference values share: read; if that works, write in the same format, read that again and write
 * again, which must be the same bytes.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "golden/format.h"
#include "tests/fuzz/fuzz.h"

/* Two references, of which the second was written from the first and read; CHECK that they say the same. */
typedef void golden_compare_fn(const struct golden *first, const struct golden *again);

/*
 * What is written must be readable, and come out the same. in: for what else the reader has to be told; its bytes play no part.
 * compare may be NULL. False: the format cannot hold it.
 */
static inline bool golden_again_write(const struct golden *g, const struct golden_format *f,
				      struct golden_input in, golden_compare_fn *compare)
{
	struct golden_selection all = { .banks = 0 };
	struct pcrcast_error e = { .msg = "" };
	struct pool pool = POOL_INIT;
	struct slice first, second;
	const char *const *lost;
	struct golden again;
	size_t n_lost;

	int r = golden_write(g, &all, f, &pool, &first, &lost, &n_lost, &e);
	if (r < 0) {
		CHECK(e.msg[0] != '\0');
		pool_done(&pool);
		return false;
	}
	in.bytes = first;
	in.files = NULL;
	in.n_files = 0;
	CHECK(golden_read(&in, f, &again, &e) == 0);
	if (compare)
		compare(g, &again);
	CHECK(golden_write(&again, &all, f, &pool, &second, &lost, &n_lost, &e) == 0);
	CHECK(slice_equal(first, second));
	golden_done(&again);
	pool_done(&pool);
	return true;
}

/* format NULL: recognise it. ret is to be done with whatever is returned; false: it was not read. */
static inline bool golden_again_read(const struct golden_format *format, const struct golden_input *in,
				     struct golden *ret)
{
	struct pcrcast_error e = { .msg = "" };
	struct golden_input copy = *in;
	int r = golden_read(&copy, format, ret, &e);

	if (r < 0)
		CHECK(e.msg[0] != '\0' &&
		      (in->n_files || e.offset <= in->bytes.n || e.offset == PCRCAST_NO_OFFSET));
	return r == 0;
}

static inline void golden_again(const struct golden_format *format, struct golden_input in)
{
	struct golden g;

	if (golden_again_read(format, &in, &g) && golden_format_by_name(g.format)->write)
		(void)golden_again_write(&g, golden_format_by_name(g.format), in, NULL);
	golden_done(&g);
}
