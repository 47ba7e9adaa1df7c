/*
 * What two sequences have in common, in order. Private to eventlog/diff_align.c and diff_text.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	/* Cells of the table, (n_a + 1) * (n_b + 1), at most; two bytes each. 1000 items in both sequences. */
	SEQUENCE_TABLE_MAX = 1 << 20,
};

#define SEQUENCE_NONE UINT32_MAX

/* Is item a of the first sequence the same as item b of the second? */
typedef bool (*sequence_equal)(const void *ctx, size_t a, size_t b);

/*
 * The longest common subsequence, by its textbook table: ret_partner[i] is the place in b of the item that is item i of
 * a, or SEQUENCE_NONE. Where several are longest, items of a are passed over before items of b. The caller keeps to
 * SEQUENCE_TABLE_MAX. Fails only for want of memory.
 */
int sequence_align(size_t n_a, size_t n_b, sequence_equal equal, const void *ctx, uint32_t *ret_partner,
		   struct pcrcast_error *e);
