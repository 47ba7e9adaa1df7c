/*
 * TPM 2.0 policy digests, computed as a TPM does (TPM 2.0 Library, part 3, chapter "Enhanced Authorization Commands";
 * tested against swtpm in tests/tpm). A policy digest is a plain struct digest of the session's hash algorithm.
 *
 * A key sealed to one of these digests opens for whoever can repeat its steps in a session, so a policy made of several
 * values comes with its steps.
 */
#pragma once

#include "base/digest.h"
#include "base/pool.h"
#include "eventlog/check.h"

struct golden_set;

/* ---- one command each ---- */

/* The registers of a PolicyPCR. Banks in the order of the TPML_PCR_SELECTION, which the digest depends on; none twice. */
struct policy_selection {
	struct policy_bank {
		enum alg alg;
		uint32_t pcrs; /* bit i: PCR i */
	} banks[ALG_COUNT];
	size_t n;
};

/* The digest of a session that has just started: zeros. */
struct digest policy_start(enum alg session);

/*
 * TPM2_PolicyPCR after *policy, which becomes the new digest. ret_values (may be NULL) is what TPM2_PolicyPCR takes as
 * pcrDigest: the session's hash of the values, in the order of the selection. PCRCAST_ENOTFOUND names a selected
 * register without a value; an empty selection is PCRCAST_EINVAL.
 */
int policy_pcr(struct digest *policy, const struct policy_selection *selection,
	       const struct pcr_values *values, struct digest *ret_values, struct pcrcast_error *e);

/*
 * The policy that systemd-measure makes of a value: PolicyPCR over one register of one bank, in a session of SHA-256
 * whatever the bank. value is as long as the bank's digests.
 */
int policy_of_value(enum alg alg, uint32_t pcr, const uint8_t *value, uint8_t ret[static 32],
		    struct pcrcast_error *e);

enum { POLICY_OR_MAX = 8 }; /* digests in a TPML_DIGEST */

/* TPM2_PolicyOR over 2 to POLICY_OR_MAX branches, all of one algorithm. What came before does not count. */
int policy_or(const struct digest *branches, size_t n, struct digest *ret, struct pcrcast_error *e);

/*
 * TPM2_PolicyAuthorize: any policy will do that the holder of a key has signed. name is the key's Name (algorithm, two
 * bytes, and digest of its public area); ref is the policyRef, often empty, at most 64 bytes.
 */
int policy_authorize(enum alg session, struct slice name, struct slice ref, struct digest *ret,
		     struct pcrcast_error *e);

/*
 * What that holder signs to approve a policy: aHash = H(approved || ref), H being the hash of the key's Name. A scheme
 * that hashes by itself signs the bytes approved || ref with that H.
 */
int policy_approval(const struct digest *approved, struct slice name, struct slice ref, struct digest *ret,
		    struct pcrcast_error *e);

/* TPM2_PolicyAuthorizeNV: the policy whose digest an NV index holds, as systemd-pcrlock uses it. name is the index's Name. */
int policy_authorize_nv(enum alg session, struct slice name, struct digest *ret, struct pcrcast_error *e);

/* ---- policies of several steps ---- */

enum policy_step_kind { POLICY_STEP_PCR, POLICY_STEP_OR };

#define POLICY_FROM_START SIZE_MAX

struct policy_step {
	enum policy_step_kind kind;
	struct digest digest; /* of a session after this step */

	/* POLICY_STEP_PCR */
	size_t from; /* the step that the session stands at before, POLICY_FROM_START: a new session */
	struct policy_selection selection;
	struct digest values; /* pcrDigest: the session's hash of the values */
	const char *label;    /* which alternative it is, if it has a name; NULL */

	/* POLICY_STEP_OR */
	size_t branches[POLICY_OR_MAX]; /* steps, in the order of the PolicyOR */
	size_t n_branches;
};

/*
 * A policy under construction. Steps only refer to earlier ones; each function that adds says which one is on top, whose
 * digest is the policy so far. At every point a session that stands at one of the
 * branches of a later POLICY_STEP_OR goes on with that one.
 */
struct policy {
	enum alg session;
	struct pool *pool;
	struct policy_step *steps;
	size_t n, cap;
};

#define POLICY_INIT(hash, p) ((struct policy){ .session = (hash), .pool = (p) })

/* PolicyPCR after step from (or POLICY_FROM_START). *ret_step is the new step. */
int policy_add_pcr(struct policy *p, size_t from, const struct policy_selection *selection,
		   const struct pcr_values *values, const char *label, size_t *ret_step,
		   struct pcrcast_error *e);

enum { POLICY_MAX_ALTERNATIVES = 65536 };

/*
 * "One of these steps": nothing for a single one, one PolicyOR for up to eight, nested ones for more. The shape of the
 * nesting: the alternatives are taken in their order, eight to a PolicyOR; a last group of one goes up as it is. What
 * comes out is grouped in the same way, until one is left. Nine alternatives are so
 *   PolicyOR(PolicyOR(1, 2, 3, 4, 5, 6, 7, 8), 9).
 * Alternatives with the same digest are taken once, where the first of them is. *ret_step is the step at the top.
 */
int policy_add_or(struct policy *p, const size_t *alternatives, size_t n, size_t *ret_step,
		  struct pcrcast_error *e);

enum policy_combination {
	POLICY_NESTED,  /* any number of values */
	POLICY_PCRLOCK, /* systemd-pcrlock's: one bank, at most eight values a register, else PCRCAST_ELIMIT */
};

/*
 * A set of reference values as systemd-pcrlock combines them ("super PCR", systemd's tpm2_calculate_policy_super_pcr): one
 * PolicyPCR over all registers that have one value; then, for each register with several, bank by bank and ascending, a
 * PolicyPCR for each value and a PolicyOR over these. Every combination of the values is accepted, also one that
 * no machine had. Values are taken once each, in their order, which the digest depends on.
 *
 * Which registers: selection; PCRCAST_ENOTFOUND names one that has no value, CC registers are PCRCAST_EUNSUPPORTED.
 * label (may be NULL, is borrowed) goes to the step of the single values; those of a register's values have the values'.
 */
int policy_add_set(struct policy *p, const struct golden_set *set, const struct policy_selection *selection,
		   enum policy_combination combination, const char *label, size_t *ret_step,
		   struct pcrcast_error *e);

/*
 * Every register of a set that has values and is not warn-only, in the given banks and among pcrs. A register that is
 * only warned about is in when pcrs names it, that is when named is true.
 */
struct policy_selection policy_select(const struct golden_set *set, alg_set banks, uint32_t pcrs, bool named);
