/*
 * Two sides of a comparison of reference values, WANT and GOT, each with one set. To be included behind cmocka.h.
 */
#pragma once

#include <stdlib.h>

#include "golden/compare.h"

struct pair {
	struct golden want, got;
	struct pool pool;
	struct golden_comparison c;
	struct pcrcast_error e;
};

static const struct golden_compare_options all = { 0 };

static inline void pair_begin(struct pair *p)
{
	*p = (struct pair){ .want = GOLDEN_INIT, .got = GOLDEN_INIT, .pool = POOL_INIT };
	assert_non_null(golden_add_set(&p->want, NULL));
	assert_non_null(golden_add_set(&p->got, NULL));
}

static inline void pair_end(struct pair *p)
{
	golden_done(&p->want);
	golden_done(&p->got);
	pool_done(&p->pool);
}

/* Another comparison in the same test. */
static inline void pair_anew(struct pair *p)
{
	pair_end(p);
	pair_begin(p);
}

/* cmocka setup and teardown: *state is a struct pair. */
static inline int pair_setup(void **state)
{
	struct pair *p = malloc(sizeof *p);

	assert_non_null(p);
	pair_begin(p);
	*state = p;
	return 0;
}

static inline int pair_teardown(void **state)
{
	pair_end(*state);
	free(*state);
	return 0;
}

#define WITH_PAIR(f) cmocka_unit_test_setup_teardown(f, pair_setup, pair_teardown)
