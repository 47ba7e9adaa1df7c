/*
 * One verdict over evidence: is this machine in the state that the reference asks for, and who says so?
 *
 * Each check passes, fails or is skipped because something it needs was not given or cannot be known. "Trusted" takes a good
 * signature, the PCR digest and reference values, and no check that failed; what a skipped check leaves open is named.
 */
#pragma once

#include "golden/certificate_chain.h"
#include "golden/compare.h"
#include "golden/evidence.h"
#include "golden/key.h"
#include "golden/quote.h"
#include "golden/signature.h"

enum check_result {
	CHECK_PASS,
	CHECK_FAIL,
	CHECK_SKIP,
};

const char *check_result_name(enum check_result r); /* "pass", "fail", "skip" */

enum verify_item {
	VERIFY_QUOTE,          /* the message is a TPMS_ATTEST and a quote */
	VERIFY_SIGNATURE,      /* by the key, over the message */
	VERIFY_KEY_ATTRIBUTES, /* the key can sign only what its TPM made */
	VERIFY_AK_CERTIFICATE, /* an authority vouches for the key */
	VERIFY_EK_CERTIFICATE, /* an authority vouches for the TPM */
	VERIFY_NONCE,          /* the quote was made for this verifier, now */
	VERIFY_PCR_DIGEST,     /* the register values are those that were quoted */
	VERIFY_EVENT_LOG,      /* the log leads to these values, and its payloads are what was measured */
	VERIFY_IMA_LOG,        /* the IMA list leads to PCR 10 */
	VERIFY_REFERENCE,      /* the values are those that the reference accepts */
	VERIFY_ITEMS,
};

/* "quote", "signature", "key-attributes", …; VERIFY_ITEMS when there is none of that name. */
const char *verify_item_name(enum verify_item item);
enum verify_item verify_item_by_name(struct slice name);

/* What is given. Pointers are borrowed; what is NULL or empty was not given. */
struct verify_input {
	const struct evidence *evidence; /* at least one quote */
	struct slice key; /* the verifier's own copy of the attestation key; empty: the evidence's */
	bool has_nonce;
	struct slice nonce; /* that the verifier chose; of no bytes: compared, but it proves nothing */
	const struct pcr_values *pcrs; /* register values; NULL: the evidence's, else what the log leads to */
	struct slice bare_values;      /* the same without names, in the order of the only quote */
	struct slice log, ima_log;     /* instead of the evidence's */
	const struct golden *want;     /* the reference, of whose sets the first n_want count */
	size_t n_want;
	struct golden_compare_options compare;
	struct slice ak_cert, ek_cert; /* instead of the evidence's */
	const struct slice *anchors;   /* authorities that the verifier trusts: DER or PEM */
	size_t n_anchors;
	const struct slice *intermediates;
	size_t n_intermediates;
	int64_t at;       /* when certificates have to be valid, seconds since 1970; 0: now */
	uint32_t require; /* bit (1 << item): without this check passing there is no trust */
};

enum verdict {
	VERDICT_TRUSTED,
	VERDICT_UNTRUSTED, /* a check failed */
	VERDICT_OPEN,      /* no check failed, and one that is needed did not pass */
};

const char *verdict_name(enum verdict v); /* "trusted", "untrusted", "undecided" */

/* Everything is from the pool that was given, or borrows from the input. */
struct verify_result {
	enum verdict verdict;
	struct verify_check {
		enum check_result result;
		const char *detail; /* one line */
		const char **lines; /* more of them */
		size_t n_lines, cap_lines;
	} checks[VERIFY_ITEMS];
	const char **not_covered; /* what the verdict says nothing of, one line each */
	size_t n_not_covered, cap_not_covered;

	bool has_key;
	struct key_info key;
	bool key_is_evidence;     /* nobody but the evidence itself says that this is the key */
	struct tpm_quote *quotes; /* those that could be read */
	size_t n_quotes;
	struct pcr_values proven; /* register values that a good signature and PCR digest speak for */
};

/*
 * Check everything that can be checked. Bad evidence is a check that failed; negative (with e filled) is what is the
 * verifier's own: a key, certificate authority or reference that cannot be read, or lack of memory.
 */
int verify(struct pool *pool, const struct verify_input *in, struct verify_result *ret,
	   struct pcrcast_error *e);
