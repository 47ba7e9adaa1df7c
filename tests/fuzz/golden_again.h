/*
 * What the harnesses of formats of reference values share: read; if that works, write in the same format, read that again and write
 * again, which must be the same bytes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "golden/format.h"

#define CHECK(x)                          \
	do {                              \
		if (!(x))                 \
			__builtin_trap(); \
	} while (0)

/* What is written must be readable, and come out the same. */
static inline void golden_again_write(const struct golden *g, const struct golden_format *f,
				      struct golden_input *in)
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
		return;
	}
	in->bytes = first;
	in->files = NULL;
	in->n_files = 0;
	CHECK(golden_read(in, f, &again, &e) == 0);
	CHECK(golden_write(&again, &all, f, &pool, &second, &lost, &n_lost, &e) == 0);
	CHECK(slice_equal(first, second));
	golden_done(&again);
	pool_done(&pool);
}

/* format NULL: recognise it. */
static inline void golden_again(const struct golden_format *format, struct golden_input in)
{
	struct pcrcast_error e = { .msg = "" };
	struct golden g;

	int r = golden_read(&in, format, &g, &e);
	if (r < 0)
		CHECK(e.msg[0] != '\0' && (e.offset <= in.bytes.n || e.offset == PCRCAST_NO_OFFSET));
	else if (golden_format_by_name(g.format)->write)
		golden_again_write(&g, golden_format_by_name(g.format), &in);
	golden_done(&g);
}
