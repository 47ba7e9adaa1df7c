/*
 * Files of tests/data/evidence, each in an exact heap block. To be included behind cmocka.h.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "eventlog/check.h"
#include "golden/evidence.h"

/* Free with free((void *)s.p). */
static inline struct slice sample(const char *name)
{
	char path[128];
	uint8_t buffer[16384];

	(void)snprintf(path, sizeof path, "tests/data/evidence/%s", name);
	FILE *f = fopen(path, "rb");
	if (!f)
		fail_msg("%s: cannot be opened (tests run in the root of the tree)", path);
	size_t n = fread(buffer, 1, sizeof buffer, f);
	assert_int_equal(fclose(f), 0);
	assert_in_range(n, 1, sizeof buffer - 1);
	uint8_t *copy = malloc(n);
	assert_non_null(copy);
	memcpy(copy, buffer, n);
	return (struct slice){ copy, n };
}

static inline void sample_done(struct slice s)
{
	free((void *)(uintptr_t)s.p);
}

/* An exact heap block of the first n bytes. */
static inline struct slice cut(struct slice s, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	assert_non_null(copy);
	memcpy(copy, s.p, n);
	return (struct slice){ copy, n };
}

/* Member by member: there is padding between them. */
static inline void assert_same_values(const struct pcr_values *a, const struct pcr_values *b)
{
	assert_memory_equal(a->known, b->known, sizeof a->known);
	assert_memory_equal(a->value, b->value, sizeof a->value);
}

static inline bool has_note(const struct evidence *ev, const char *part)
{
	for (size_t i = 0; i < ev->n_notes; i++)
		if (strstr(ev->notes[i], part))
			return true;
	return false;
}
