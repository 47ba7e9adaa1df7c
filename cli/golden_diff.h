/*
 * pcrcast golden diff.
 */
#pragma once

#include "cli/cli.h"
#include "golden/compare.h"

struct golden_diff_arguments {
	const char *want_file, *got_file; /* as given, for messages */
	struct golden_compare_options options;
	const char *set; /* --set: of WANT only the sets that are called so; NULL: all */
	bool json, quiet;
};

/*
 * Compare every set of got with those of want and print the result. Returns an exit status, or a negative error: sets
 * that cannot be compared, no set of that name.
 */
int golden_run_diff(const struct golden_diff_arguments *a, const struct golden *want,
		    const struct golden *got, struct pcrcast_error *e);
