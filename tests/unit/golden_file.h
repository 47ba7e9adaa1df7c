/*
 * What tests of formats of reference values share: files of tests/data/golden in exact-size blocks, reading and writing.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "golden/format.h"

/* The bytes of a file in a block of their size, to be freed; a path that is not there ends the test. */
static inline uint8_t *sample_load(const char *path, size_t *ret_n)
{
	FILE *f = fopen(path, "rb");
	uint8_t *p, *exact;
	size_t n;

	if (!f)
		fail_msg("%s cannot be opened; tests run in the root of the tree", path);
	p = malloc(1 << 20);
	assert_non_null(p);
	n = fread(p, 1, 1 << 20, f);
	assert_true(n < 1 << 20);
	(void)fclose(f);
	exact = malloc(n ? n : 1);
	assert_non_null(exact);
	memcpy(exact, p, n);
	free(p);
	*ret_n = n;
	return exact;
}

/* golden_read over a copy of exact size, which is gone afterwards: the reference must not point into it. */
static inline int sample_read(struct slice bytes, const char *format, struct golden *ret,
			      struct pcrcast_error *e)
{
	uint8_t *copy = malloc(bytes.n ? bytes.n : 1);
	struct golden_input in = { .name = "test", .bytes = { copy, bytes.n } };

	assert_non_null(copy);
	memcpy(copy, bytes.p, bytes.n);
	int r = golden_read(&in, format ? golden_format_by_name(format) : NULL, ret, e);
	free(copy);
	return r;
}

/* Read, or fail with what the reader said. */
static inline void sample_take(struct slice bytes, const char *format, struct golden *ret)
{
	struct pcrcast_error e = { .msg = "" };

	if (sample_read(bytes, format, ret, &e) < 0)
		fail_msg("%s", e.msg);
}

static inline struct slice sample_write(const struct golden *g, const char *format, struct pool *pool,
					size_t *ret_n_lost)
{
	struct golden_selection all = { 0 };
	struct pcrcast_error e = { .msg = "" };
	struct slice out = SLICE_EMPTY;
	const char *const *lost;
	size_t n_lost;

	if (golden_write(g, &all, golden_format_by_name(format), pool, &out, &lost, &n_lost, &e) < 0)
		fail_msg("%s", e.msg);
	if (ret_n_lost)
		*ret_n_lost = n_lost;
	return out;
}

/* The text is refused, and the message has the words. */
static inline void sample_refused(const char *text, const char *format, const char *says)
{
	struct pcrcast_error e = { .msg = "" };
	struct golden g;

	if (sample_read(slice_of_string(text), format, &g, &e) >= 0)
		fail_msg("not refused: %s", text);
	if (!strstr(e.msg, says))
		fail_msg("\"%s\" does not say \"%s\"", e.msg, says);
	golden_done(&g);
}
