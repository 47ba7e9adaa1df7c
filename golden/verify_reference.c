/*
 * The reference: does it accept the values that were quoted?
 */
#include <string.h>

#include "golden/verify_private.h"

/* Registers that were quoted, in whichever bank, and those that the reference speaks of. */
static uint32_t quoted_registers(const struct verification *v)
{
	uint32_t pcrs = 0;

	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		pcrs |= v->res->proven.known[alg];
	return pcrs;
}

static uint32_t wanted_registers(const struct golden_set *want)
{
	uint32_t pcrs = 0;

	for (size_t i = 0; i < want->n_registers; i++)
		pcrs |= UINT32_C(1) << want->registers[i].index;
	/* beside values they are not compared */
	for (size_t i = 0; i < want->n_policies && want->n_registers == 0; i++)
		pcrs |= want->policies[i].pcrs;
	return pcrs;
}

/* The registers that a comparison names, in words; why they do not fit in lines. */
static int tell_items(struct verification *v, const struct golden_comparison *c)
{
	int r = 0;

	for (size_t i = 0; i < c->n && r == 0; i++) {
		const struct golden_register_result *item = &c->items[i];

		if (item->result != GOLDEN_DIFFERS && item->result != GOLDEN_MISSING)
			continue;
		r = verify_line(v, VERIFY_REFERENCE, "%s:%u %s%s", algs[item->alg].name, item->index,
				item->result == GOLDEN_DIFFERS ? "is another" : "was not quoted",
				item->warn_only ? " (warn-only)" : "");
		if (r == 0 && item->explanation.first_want_words)
			r = verify_line(v, VERIFY_REFERENCE, "  expected: %s",
					item->explanation.first_want_words);
		if (r == 0 && item->explanation.first_got_words)
			r = verify_line(v, VERIFY_REFERENCE, "  found: %s",
					item->explanation.first_got_words);
		for (size_t k = 0; k < item->explanation.n && r == 0; k++)
			r = verify_line(v, VERIFY_REFERENCE, "  %s", item->explanation.lines[k]);
	}
	for (size_t i = 0; i < c->n_policies && r == 0; i++)
		if (c->policies[i].result != GOLDEN_SAME)
			r = verify_line(v, VERIFY_REFERENCE, "policy over %s:%s: %s",
					algs[c->policies[i].alg].name,
					verify_registers(v->pool, c->policies[i].pcrs),
					golden_result_name(c->policies[i].result));
	return r;
}

/* Banks of the reference that were not quoted, where a register was compared in another bank instead. */
static int tell_banks(struct verification *v, const struct golden_comparison *c)
{
	alg_set compared = 0, left = 0;
	int r = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->items[i].result == GOLDEN_NOT_COMPARED)
			left |= 1u << c->items[i].alg;
		else if (c->items[i].result != GOLDEN_EXTRA)
			compared |= 1u << c->items[i].alg;
	for (enum alg alg = 0; alg < ALG_COUNT && r == 0; alg++)
		if (left & ~compared & 1u << alg)
			r = verify_not_covered(v, "the reference's %s values: that bank was not quoted",
					       algs[alg].name);
	return r;
}

/*
 * Statements about components are held against the log, and a log is worth what the quote says of it: an event in a register that
 * was not quoted, or in another bank than the digests that are looked at, may be anybody's.
 */
static int tell_claims(struct verification *v, const struct golden_comparison *c)
{
	uint32_t loose = verify_logged_registers(v) & ~v->res->proven.known[ALG_SHA256];
	int r = 0;

	for (size_t i = 0; i < c->n_claim_lines && r == 0; i++)
		r = verify_line(v, VERIFY_REFERENCE, "%s", c->claim_lines[i]);
	if (r < 0)
		return r;
	if (c->claims == GOLDEN_DIFFERS)
		return verify_say(v, VERIFY_REFERENCE, CHECK_FAIL,
				  "the events are not those that the reference accepts");
	if (c->claims != GOLDEN_SAME)
		return verify_say(v, VERIFY_REFERENCE, CHECK_SKIP,
				  "the reference is about events, and they do not tell");
	if (v->res->checks[VERIFY_EVENT_LOG].result != CHECK_PASS)
		return verify_say(v, VERIFY_REFERENCE, CHECK_SKIP,
				  "the reference is about events, and nothing says that the log is true");
	if (loose)
		return verify_say(
			v, VERIFY_REFERENCE, CHECK_SKIP,
			"the reference is about events: nothing speaks for those in PCR %s, which were not quoted in the sha256 bank",
			verify_registers(v->pool, loose));
	return verify_say(v, VERIFY_REFERENCE, CHECK_PASS, "the events are those that the reference accepts");
}

static int tell_verdict(struct verification *v, const struct golden_comparison *c)
{
	if (c->has_claims)
		return tell_claims(v, c);

	int r = tell_items(v, c);

	r = r < 0 ? r : tell_banks(v, c);
	for (size_t i = 0; i < c->n_notes && r == 0; i++)
		r = verify_not_covered(v, "of the reference: %s", c->notes[i]);
	uint32_t chosen = v->in->compare.has_pcrs ? v->in->compare.pcrs : UINT32_MAX;
	uint32_t left = quoted_registers(v) & ~(wanted_registers(c->want) & chosen);
	const char *name = NULL;

	r = r < 0 ? r : golden_set_name(v->pool, c->want, &name, v->e);
	if (r < 0)
		return r;
	size_t n_differ = c->n_failed > c->n_missing ? c->n_failed - c->n_missing : 0;
	if (c->verdict == VERDICT_SAME)
		r = verify_say(v, VERIFY_REFERENCE, CHECK_PASS, "%zu values are accepted%s%s%s", c->n_same,
			       name ? " by " : "", name ? name : "", c->n_warnings ? ", with warnings" : "");
	else if (c->verdict == VERDICT_DIFFERENT && n_differ)
		r = verify_say(v, VERIFY_REFERENCE, CHECK_FAIL,
			       "%zu values are not those of the reference%s%s", n_differ, name ? " " : "",
			       name ? name : "");
	else if (c->verdict == VERDICT_UNDECIDED && c->n_warnings)
		r = verify_say(v, VERIFY_REFERENCE, CHECK_SKIP,
			       "the reference only warns, and its values are not those quoted");
	else
		r = verify_say(v, VERIFY_REFERENCE, CHECK_SKIP,
			       "the reference asks for values that were not quoted: nothing speaks for them");
	if (r == 0 && left)
		r = verify_not_covered(v, "PCR %s: quoted, and the reference says nothing of them",
				       verify_registers(v->pool, left));
	return r;
}

int verify_reference(struct verification *v)
{
	const struct golden *want = v->in->want;
	struct pcrcast_error why = { .offset = PCRCAST_NO_OFFSET };
	struct golden got = GOLDEN_INIT;
	struct golden_comparison c;
	struct golden_set *s;

	if (!want)
		return verify_say(v, VERIFY_REFERENCE, CHECK_SKIP, "no reference was given");
	if (!quoted_registers(v))
		return verify_say(v, VERIFY_REFERENCE, CHECK_SKIP, "no quoted value is proven");
	s = golden_add_set(&got, v->e);
	int r = s ? golden_add_pcr_values(&got, s, &v->res->proven, GOLDEN_OBSERVED, v->e) : -PCRCAST_ENOMEM;
	if (r == 0) {
		struct golden_set borrowed = *s;

		borrowed.log =
			v->has_log && v->res->checks[VERIFY_EVENT_LOG].result != CHECK_FAIL ? &v->log : NULL;
		r = golden_compare(v->pool, want->sets, v->in->n_want, &borrowed, &v->in->compare, &c, &why);
		if (r == -PCRCAST_ENOMEM)
			err_nomem(v->e);
		else if (r < 0)
			r = verify_say(v, VERIFY_REFERENCE, CHECK_SKIP, "%s", why.msg);
		else
			r = tell_verdict(v, &c);
	}
	golden_done(&got);
	return r;
}
