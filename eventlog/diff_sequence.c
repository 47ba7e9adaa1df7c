#include "eventlog/diff_sequence.h"

#include <stdlib.h>

int sequence_align(size_t n_a, size_t n_b, sequence_equal equal, const void *ctx, uint32_t *ret_partner,
		   struct pcrcast_error *e)
{
	size_t width = n_b + 1;
	/* matches from a place to the ends: below 1024, the root of SEQUENCE_TABLE_MAX */
	uint16_t *table = calloc((n_a + 1) * width, sizeof *table);

	if (!table)
		return err_nomem(e);
	for (size_t i = n_a; i-- > 0;)
		for (size_t j = n_b; j-- > 0;) {
			uint16_t down = table[(i + 1) * width + j], right = table[i * width + j + 1];
			uint16_t both = (uint16_t)(table[(i + 1) * width + j + 1] + 1);

			table[i * width + j] = equal(ctx, i, j) ? both : down > right ? down : right;
		}
	for (size_t i = 0, j = 0; i < n_a;) {
		ret_partner[i] = SEQUENCE_NONE;
		if (j < n_b && equal(ctx, i, j))
			ret_partner[i++] = (uint32_t)j++;
		else if (j == n_b || table[(i + 1) * width + j] >= table[i * width + j + 1])
			i++;
		else
			j++;
	}
	free(table);
	return 0;
}
