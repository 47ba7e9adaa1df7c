/*
 * Comparing statements about components (Keylime's measured boot state), which speak of events and not of registers.
 */
#include "golden/compare_parts.h"
#include "golden/keylime_check.h"

static int claim_line(struct pool *pool, struct golden_comparison *c, const char *text,
		      struct pcrcast_error *e)
{
	const char **place =
		pool_push(pool, &c->claim_lines, &c->n_claim_lines, &c->cap_claim_lines, sizeof *place);

	if (!place)
		return err_nomem(e);
	*place = pool_text(pool, text, strlen(text));
	return *place ? 0 : err_nomem(e);
}

/* The policy's answer, and what it objects to. */
static int hold_against_events(struct pool *pool, struct golden_comparison *c,
			       const struct keylime_state *state, struct pcrcast_error *e)
{
	static const enum golden_result results[] = {
		[MATCH_YES] = GOLDEN_SAME,
		[MATCH_NO] = GOLDEN_DIFFERS,
		[MATCH_CANNOT_TELL] = GOLDEN_NOT_COMPARED,
	};
	struct keylime_result result;

	int r = keylime_check(pool, state, c->got->log, &result, e);
	for (size_t i = 0; i < result.n && r == 0; i++)
		r = claim_line(pool, c, result.findings[i].text, e);
	if (r == 0)
		c->claims = results[keylime_answer(&result)];
	return r;
}

int compare_claims(struct pool *pool, struct golden_comparison *c, struct pcrcast_error *e)
{
	const struct golden_set *want = c->want;
	struct pcrcast_error why = { .msg = "" };
	struct keylime_state state;

	if (!want->n_claims)
		return 0;
	if (want->n_registers || want->n_policies)
		return compare_note(pool, c, e, "%zu statements about components are not compared",
				    want->n_claims);
	c->has_claims = true;
	c->claims = GOLDEN_NOT_COMPARED;
	if (!c->got->log)
		return claim_line(pool, c, "GOT has no events, and registers alone do not tell of components",
				  e);
	int r = keylime_state_of(pool, want->claims, want->n_claims, &state, &why);
	if (r == 0)
		r = hold_against_events(pool, c, &state, &why);
	if (r == -PCRCAST_EUNSUPPORTED)
		return claim_line(pool, c, why.msg,
				  e); /* no state of Keylime's, or registers of another kind */
	if (r < 0 && e)
		*e = why;
	return r;
}
