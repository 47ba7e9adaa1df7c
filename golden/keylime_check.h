/*
 * Does an event log satisfy a Keylime reference state? The answer of Keylime's policy "example" (golden/keylime.h), with all that it
 * would object to and not only the first.
 */
#pragma once

#include "golden/keylime.h"

struct keylime_finding {
	const char *
		name; /* stable word: a role ("shim", "db"), "unexpected-event", "repeated-event", "separator", "action" */
	size_t event;      /* index in the log; SIZE_MAX: about none */
	enum match answer; /* MATCH_NO, or MATCH_CANNOT_TELL */
	const char *text;  /* one line: what was expected and what is there */
};

/* Findings are from the pool. None: the log satisfies the state. */
struct keylime_result {
	struct keylime_finding *findings;
	size_t n, cap;
};

/*
 * log is one of a TPM (PCRCAST_EUNSUPPORTED for CC registers). *ret is set whatever is returned. What the policy does not
 * look at (values of registers: Keylime compares those with the quote) is not looked at here.
 */
int keylime_check(struct pool *pool, const struct keylime_state *state, const struct eventlog *log,
		  struct keylime_result *ret, struct pcrcast_error *e);

/* MATCH_NO if a finding says so, else MATCH_CANNOT_TELL if one does, else MATCH_YES. */
enum match keylime_answer(const struct keylime_result *result);
