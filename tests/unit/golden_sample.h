/* Reference files of tests/data/golden, read, written and read again. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "golden/format.h"

/* A file as an exact-size heap block, so that AddressSanitizer sees one byte too far. Free with free. */
static inline struct slice sample_load(const char *name)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof path, "tests/data/golden/%s", name);
	f = fopen(path, "rb");
	if (!f)
		fail_msg("%s: cannot be opened; tests run from the root of the tree", path);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	long n = ftell(f);
	assert_true(n > 0);
	rewind(f);
	uint8_t *bytes = malloc((size_t)n);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, (size_t)n, f), (size_t)n);
	(void)fclose(f);
	return (struct slice){ bytes, (size_t)n };
}

/* Read bytes of any length from an exact-size copy. format NULL: recognise it. */
static inline int sample_read(struct slice bytes, const char *format, struct golden *g,
			      struct pcrcast_error *e)
{
	uint8_t *copy = malloc(bytes.n ? bytes.n : 1);
	struct golden_input in = { .name = "test" };

	assert_non_null(copy);
	if (bytes.n)
		memcpy(copy, bytes.p, bytes.n);
	in.bytes = (struct slice){ copy, bytes.n };
	*e = (struct pcrcast_error){ .offset = PCRCAST_NO_OFFSET };
	int r = golden_read(&in, format ? golden_format_by_name(format) : NULL, g, e);
	free(copy); /* nothing that was read may borrow from it */
	return r;
}

static inline struct slice sample_write(const struct golden *g, const char *format, struct pool *pool,
					const char *const **lost, size_t *n_lost)
{
	struct golden_selection all = { 0 };
	struct pcrcast_error e = { .msg = "" };
	struct slice out = SLICE_EMPTY;

	if (golden_write(g, &all, golden_format_by_name(format), pool, &out, lost, n_lost, &e) < 0)
		fail_msg("%s: %s", format, e.msg);
	return out;
}

/* A sample is recognised as its format, and written back byte for byte. */
static inline void sample_check(const char *name, const char *format)
{
	struct slice bytes = sample_load(name);
	struct pool pool = POOL_INIT;
	const char *const *lost;
	struct pcrcast_error e;
	struct golden g;
	size_t n_lost;

	if (sample_read(bytes, NULL, &g, &e) < 0)
		fail_msg("%s: %s", name, e.msg);
	assert_string_equal(g.format, format);
	struct slice out = sample_write(&g, format, &pool, &lost, &n_lost);
	if (!slice_equal(out, bytes))
		fail_msg("%s: written as\n%.*s", name, (int)out.n, (const char *)out.p);
	golden_done(&g);
	pool_done(&pool);
	free((void *)bytes.p);
}

/* Text that is refused, or writing that is, with a reason. */
struct sample_case {
	const char *text, *says;
};

static inline void sample_refused(const struct sample_case *cases, size_t n, const char *format)
{
	for (size_t i = 0; i < n; i++) {
		struct pcrcast_error e;
		struct golden g;

		if (sample_read(slice_of_string(cases[i].text), format, &g, &e) >= 0)
			fail_msg("case %zu was read", i);
		if (!strstr(e.msg, cases[i].says))
			fail_msg("case %zu: \"%s\" does not say \"%s\"", i, e.msg, cases[i].says);
		golden_done(&g);
	}
}

#define SAMPLE_REFUSED(cases, format) sample_refused(cases, sizeof(cases) / sizeof((cases)[0]), format)

static inline bool sample_says(const char *const *texts, size_t n, const char *what)
{
	for (size_t i = 0; i < n; i++)
		if (strstr(texts[i], what))
			return true;
	return false;
}
