/*
 * Comparing statements about components (Keylime's measured boot state), which speak of events and not of registers.
 */
#include "golden/compare_parts.h"

int compare_claims(struct pool *pool, struct golden_comparison *c, struct pcrcast_error *e)
{
	const struct golden_set *want = c->want;

	if (!want->n_claims)
		return 0;
	if (want->n_registers || want->n_policies)
		return compare_note(pool, c, e, "%zu statements about components are not compared",
				    want->n_claims);
	c->has_claims = true;
	c->claims = GOLDEN_NOT_COMPARED; /* until there is something that holds events against claims */
	return compare_note(pool, c, e,
			    "%zu statements about components, which cannot be compared with registers",
			    want->n_claims);
}
