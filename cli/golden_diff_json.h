/*
 * The JSON form of a comparison. Private to golden_diff*.c.
 */
#pragma once

#include "cli/golden_diff.h"

/* What the two sets of a comparison are called. */
struct golden_diff_names {
	const char *want, *got;
	bool want_of_several, got_of_several; /* there is more than one to choose from */
};

/*
 * Print n comparisons, one for each set of GOT: a document of one is that comparison, else they are in "sets". Within
 * registers' explanations events are as "eventlog show --json" has them.
 */
int golden_diff_print_json(const struct golden_diff_arguments *a, const struct golden_comparison *all,
			   const struct golden_diff_names *names, size_t n, bool same,
			   struct pcrcast_error *e);
