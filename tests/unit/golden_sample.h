/*
 * What tests of formats of reference values share: files of tests/data/golden in exact-size blocks, read, written and read again.
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

/* A file of tests/data/golden. Free with free. */
static inline struct slice sample_file(const char *name)
{
	char path[256];
	size_t n;

	(void)snprintf(path, sizeof path, "tests/data/golden/%s", name);
	uint8_t *bytes = sample_load(path, &n);
	return (struct slice){ bytes, n };
}

/* golden_read, format NULL: whichever it is, over a copy of exact size, which is gone afterwards: the reference must not point into it. */
static inline int sample_read(struct slice bytes, const char *format, struct golden *ret,
			      struct pcrcast_error *e)
{
	uint8_t *copy = malloc(bytes.n ? bytes.n : 1);
	struct golden_input in = { .name = "test", .bytes = { copy, bytes.n } };

	assert_non_null(copy);
	memcpy(copy, bytes.p, bytes.n);
	*e = (struct pcrcast_error){ .offset = PCRCAST_NO_OFFSET };
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

/* ret_lost and ret_n_lost, what the format could not hold, may be NULL. */
static inline struct slice sample_write(const struct golden *g, const char *format, struct pool *pool,
					const char *const **ret_lost, size_t *ret_n_lost)
{
	struct golden_selection all = { 0 };
	struct pcrcast_error e = { .msg = "" };
	struct slice out = SLICE_EMPTY;
	const char *const *lost;
	size_t n_lost;

	if (golden_write(g, &all, golden_format_by_name(format), pool, &out, &lost, &n_lost, &e) < 0)
		fail_msg("%s: %s", format, e.msg);
	if (ret_lost)
		*ret_lost = lost;
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

/* A sample is recognised as its format, and written back byte for byte. */
static inline void sample_check(const char *name, const char *format)
{
	struct slice bytes = sample_file(name);
	struct pool pool = POOL_INIT;
	struct pcrcast_error e;
	struct golden g;

	if (sample_read(bytes, NULL, &g, &e) < 0)
		fail_msg("%s: %s", name, e.msg);
	assert_string_equal(g.format, format);
	struct slice out = sample_write(&g, format, &pool, NULL, NULL);
	if (!slice_equal(out, bytes))
		fail_msg("%s: written as\n%.*s", name, (int)out.n, (const char *)out.p);
	golden_done(&g);
	pool_done(&pool);
	free((void *)bytes.p);
}

/* Texts that are refused, or not written, each with the words of the reason. */
struct sample_case {
	const char *text, *says;
};

static inline void sample_all_refused(const struct sample_case *cases, size_t n, const char *format)
{
	for (size_t i = 0; i < n; i++)
		sample_refused(cases[i].text, format, cases[i].says);
}

#define SAMPLE_REFUSED(cases, format) sample_all_refused(cases, sizeof(cases) / sizeof((cases)[0]), format)

static inline bool sample_says(const char *const *texts, size_t n, const char *what)
{
	for (size_t i = 0; i < n; i++)
		if (strstr(texts[i], what))
			return true;
	return false;
}
