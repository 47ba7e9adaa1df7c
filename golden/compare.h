/*
 * Reference values against others, or against what a machine had: what is accepted, what is not, and why.
 *
 * WANT says what is accepted, GOT what there is. A register of WANT is accepted when each value that GOT has for it is
 * among WANT's; GOT as a rule has one, but may be a reference itself.
 */
#pragma once

#include "eventlog/diff.h"
#include "golden/golden.h"

struct golden_compare_options {
	alg_set banks; /* 0: all */
	bool has_pcrs;
	uint32_t pcrs; /* bit i: register i; valid if has_pcrs */
	/*
	 * A register that GOT states no value of, and whose log is whole but has no event for it, has the value after a reset.
	 * Not for a verifier: a log proves nothing of registers that were not quoted.
	 */
	bool log_counts;
};

/* ---- why a register differs ---- */

enum golden_reason {
	REASON_NONE,         /* not known, or nothing to explain */
	REASON_EVENTS,       /* both sides have events that lead to their values: first and changes tell */
	REASON_GOT_STOPS,    /* GOT's value is WANT's before event */
	REASON_GOT_LACKS,    /* GOT's value is what WANT's events lead to without event */
	REASON_GOT_GOES_ON,  /* WANT's value is GOT's before event: the rest is more than was expected */
	REASON_GOT_ADDS,     /* WANT's value is what GOT's events lead to without event */
	REASON_GOT_EXTENDED, /* GOT's value is WANT's, extended with words that systemd is known to measure */
	REASON_WANT_EXTENDED, /* the other way round: GOT's log ends, or its values were taken, too early */
	REASON_NOTHING,       /* GOT's is the value after a reset: nothing was measured */
	REASON_LOG_UNTRUE,    /* GOT's log does not lead to GOT's value, so it explains nothing */
	REASON_NO_DIGEST,  /* GOT's log has events for it without a digest in this bank: no value follows */
	REASON_NO_BANK,    /* GOT has no values of this bank; another bank covers the register */
	REASON_NOT_WANTED, /* --pcr names it, but WANT says nothing of it */
	GOLDEN_REASONS,
};

const char *golden_reason_name(enum golden_reason reason); /* "events", "got-stops", … */

/* A difference between the logs, of one register. Indices are of events in the sets' logs; SIZE_MAX: none. */
struct golden_change {
	enum change change;
	size_t want, got;
	const char *description;
};

struct golden_explanation {
	enum golden_reason reason;
	const char **lines; /* in words, for people; what first and changes tell is not among them */
	size_t n, cap;
	size_t event; /* index in WANT's log (REASON_GOT_STOPS, _LACKS) or GOT's (_GOES_ON, _ADDS); SIZE_MAX: none */
	const char *words; /* REASON_GOT_EXTENDED, _WANT_EXTENDED: "enter-initrd:leave-initrd"; else NULL */
	/* REASON_EVENTS: where the logs part in this register. SIZE_MAX: this side has no further event */
	bool has_first;
	size_t first_want, first_got;
	const char *first_want_words, *first_got_words; /* what they are; NULL: there is none */
	struct golden_change *changes;                  /* all of them, the first included */
	size_t n_changes;
};

/* ---- results ---- */

enum golden_result {
	GOLDEN_SAME,         /* all that GOT has is accepted */
	GOLDEN_DIFFERS,      /* GOT has another value */
	GOLDEN_MISSING,      /* GOT has no value */
	GOLDEN_EXTRA,        /* WANT says nothing of it: for information */
	GOLDEN_NOT_COMPARED, /* could not be */
	GOLDEN_RESULTS,
};

const char *golden_result_name(enum golden_result result); /* "same", …, "not-compared" */

struct golden_register_result {
	enum alg alg;
	uint32_t index;
	enum golden_result result;
	bool warn_only;                     /* WANT is content with a warning */
	const struct golden_register *want; /* NULL: it says nothing of the register */
	const struct golden_register *got;
	bool got_from_log; /* GOT states no value, but its log tells that nothing was measured: got is the reset value */
	size_t n_accepted;                   /* of GOT's values */
	const struct golden_value *match;    /* WANT's value that accepts GOT's only one; NULL */
	const struct golden_value *rejected; /* GOT's first value that is not accepted; NULL: none */
	struct golden_explanation explanation;
};

/* Registers under a policy. */
struct golden_policy_result {
	enum alg alg;
	uint32_t pcrs; /* bit i: PCR i */
	enum golden_result result;
	const char *label;  /* of the policy that matched; NULL */
	bool has_digest;    /* digest is GOT's (the first that is not accepted, if there is one) */
	uint8_t digest[32]; /* PolicyPCR, session hash SHA-256 */
	size_t n_want;      /* policies that WANT accepts for these registers; 0: it states values */
	const char *text;   /* more in words; NULL */
};

enum golden_verdict {
	VERDICT_SAME,      /* warnings are allowed */
	VERDICT_DIFFERENT, /* something that is enforced differs or is missing */
	VERDICT_UNDECIDED, /* nothing was compared, or not all that was asked for, or there are but warnings */
};

const char *golden_verdict_name(enum golden_verdict verdict); /* "same", "different", "undecided" */

struct golden_comparison {
	const struct golden_set *want, *got;
	size_t want_index; /* of the set that is reported */
	size_t n_sets;     /* sets of WANT that were compared */
	size_t n_matching; /* of them, those with VERDICT_SAME */
	bool others; /* GOT says what it is for, but no set of WANT is for that: it was compared with all */
	enum golden_verdict verdict;
	struct golden_register_result *items; /* by bank, then by register */
	size_t n, cap;
	struct golden_policy_result *policies;
	size_t n_policies, cap_policies;
	/* WANT's statements about components, where it has nothing else: do GOT's events bear them out? claim_lines: which do not */
	bool has_claims;
	enum golden_result claims;
	const char **claim_lines;
	size_t n_claim_lines, cap_claim_lines;
	size_t n_same, n_failed, n_warnings, n_missing, n_extra,
		n_not_compared; /* n_missing: of failed and warnings */
	const char **notes;
	size_t n_notes, cap_notes;
};

/*
 * Compare got with the sets of want, n of them, at least one. With several, the result is that of the first set that accepts
 * got, else of the nearest one; when got says what it is for (csp, variant), sets for the same are preferred.
 *
 * A register of WANT that GOT has no value for is missing; when GOT lacks the whole bank and another bank has the same
 * register on both sides, it is not compared. No bank in common, a bank that was asked for and is not there, or
 * registers of different kinds (PCRs, CC measurement registers): PCRCAST_EINVAL.
 *
 * Where WANT has no values but policies, GOT's values are compared with these; where GOT has policies only, the policies are
 * compared with WANT's policies or values. Everything in ret is from pool or borrows from the sets.
 */
int golden_compare(struct pool *pool, const struct golden_set *want, size_t n, const struct golden_set *got,
		   const struct golden_compare_options *options, struct golden_comparison *ret,
		   struct pcrcast_error *e);

/* What a set is called: "AWS/aws-nitro-tpm", or its image's name; NULL when it has no name. From pool or borrowed; *ret_failed on lack of memory. */
int golden_set_name(struct pool *pool, const struct golden_set *s, const char **ret, struct pcrcast_error *e);
