/*
 * For the tests of PE images: an image of three sections, and parsing from a block of the exact size. To be included
 * behind cmocka.h.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "tests/unit/build_pe.h"
#include "uki/pe.h"

enum { SIZE_OF_IMAGE = 56, SIZE_OF_HEADERS = 60, VIRTUAL_SIZE = 8, RAW_LEN = 16, RAW_OFF = 20 };

static const struct built_section sections[] = {
	{ .name = ".text", .bytes = "some code", .n = 9 },
	{ .name = ".longnam", .bytes = "eight characters and no NUL", .n = 27, .virt_len = 100 },
	{ .name = ".text", .bytes = "not the first one", .n = 17 },
};

struct parsed {
	struct pool pool;
	struct pe pe;
	struct pcrcast_error e;
	uint8_t *copy;
	int rc;
};

/* Parse an exact-size copy. */
static inline struct parsed parse(const uint8_t *image, size_t n)
{
	struct parsed p = { .pool = POOL_INIT, .copy = malloc(n ? n : 1) };
	struct blob b;

	assert_non_null(p.copy);
	memcpy(p.copy, image, n);
	assert_int_equal(blob_of_bytes(&p.pool, (struct slice){ p.copy, n }, &b, NULL), 0);
	p.rc = pe_parse(&p.pool, &b, &p.pe, &p.e);
	return p;
}

static inline void done(struct parsed *p)
{
	pool_done(&p->pool);
	free(p->copy);
}

static inline void refuses(uint8_t *image, size_t n, int rc, const char *message)
{
	struct parsed p = parse(image, n);

	assert_int_equal(p.rc, rc);
	if (!strstr(p.e.msg, message))
		fail_msg("\"%s\" is not in \"%s\"", message, p.e.msg);
	done(&p);
}

static inline uint8_t *standard(size_t *n)
{
	return build_pe(&(struct build_pe){ .sections = sections, .n_sections = 3 }, n);
}

static inline void assert_content(struct parsed *p, size_t i, const char *expected, size_t n)
{
	struct blob b;
	struct slice s;

	assert_int_equal(pe_section_content(&p->pool, &p->pe, &p->pe.sections[i], &b, NULL), 0);
	assert_int_equal(blob_load(&p->pool, &b, UINT64_MAX, &s, NULL), 0);
	assert_int_equal(s.n, n);
	assert_memory_equal(s.p, expected, n);
}
