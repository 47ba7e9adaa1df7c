/*
 * What a quote says about registers: its PCR digest against values.
 *
 * A quote is TPM2_Quote's answer (TPM 2.0 Library, part 3, section 18.4): it says that at one moment the selected PCRs had
 * values that hash to pcrDigest. The answers below are about numbers only. They become facts about a machine when the
 * quote's signature is good (signature.h), the key is a TPM's (certificate_chain.h) and the nonce is the verifier's own.
 */
#pragma once

#include "eventlog/check.h"
#include "golden/tpm.h"

enum { QUOTE_WHY_MAX = 160 };

/*
 * The hash that a quote's pcrDigest is made with, by its length: it is that of the signing scheme (part 3, 18.4.1), not
 * of a bank. ALG_COUNT when no known hash has that length. Of hashes of equal length the SHA-2 one is meant.
 */
enum alg quote_hash(const struct tpm_quote *q);

/* The PCRs of a bank that the quote covers: bit i is PCR i. Of all others the quote says nothing, match or not. */
uint32_t quote_covers(const struct tpm_quote *q, enum alg bank);

/*
 * hash over the selected values as a TPM concatenates them: selection by selection as listed, PCRs ascending (part 2,
 * section 10.9.7 and part 3, 18.4.1). PCRCAST_ENOTFOUND: a value is not known. PCRCAST_EUNSUPPORTED: a bank is not known
 * here, or a PCR above 23. Both are named.
 */
int quote_pcr_digest(const struct tpm_selection *selections, size_t n, const struct pcr_values *values,
		     enum alg hash, struct digest *ret, struct pcrcast_error *e);

/*
 * Are these the values that the quote speaks of?
 *
 * hash: of the quote's signature; ALG_COUNT when that is not known: then quote_hash() counts.
 * MATCH_YES: every covered value is right. Values that the quote does not cover play no part (quote_covers).
 * MATCH_NO: at least one covered value is wrong, which one nobody can tell; or the digest is of another hash than the
 * signature's.
 * MATCH_CANNOT_TELL: a covered value is not there, or the quote covers a bank that is not known here.
 * why names the reason when the answer is not yes. An empty selection matches any values and covers none.
 */
enum match quote_match_values(const struct tpm_quote *q, enum alg hash, const struct pcr_values *values,
			      char why[static QUOTE_WHY_MAX]);

/*
 * Values without names, as "tpm2_quote -F values" writes them: digests one after the other, which belong to the quote's
 * selected registers in its order. PCRCAST_EFORMAT unless they are exactly as many bytes. The names are the quote's word:
 * check with quote_match_values before believing them.
 */
int quote_name_values(const struct tpm_quote *q, struct slice bytes, struct pcr_values *ret,
		      struct pcrcast_error *e);

/*
 * The Qualified Name (part 1, section 16) of a key whose Name is name: H(parent's Qualified Name || Name), H being the nameAlg
 * of name. parent NULL: a primary key of hierarchy (its handle, big endian in the hash). n is 0 when it cannot be
 * computed: no name, or an unknown hash.
 */
enum {
	TPM_RH_OWNER = 0x40000001,
	TPM_RH_NULL = 0x40000007,
	TPM_RH_ENDORSEMENT = 0x4000000b,
	TPM_RH_PLATFORM = 0x4000000c,
};
int quote_qualified_name(const struct tpm_name *parent, uint32_t hierarchy, const struct tpm_name *name,
			 struct tpm_name *ret, struct pcrcast_error *e);

/*
 * Does the quote name this key as its signer? parent: the Name of the key's parent, which is a primary key (as an EK is), or NULL.
 *
 * MATCH_YES: qualifiedSigner is the key as a primary key of some hierarchy, or as a child of parent; *ret_hierarchy is
 * which. Once the signature is good this says in whose hierarchy the key is; it is no proof for an unsigned quote.
 * MATCH_CANNOT_TELL: it is neither, so the key hangs somewhere else or is another; or its Name is not known.
 * MATCH_NO: the Qualified Name is of another hash than the key's Name, so it is another key.
 */
enum match quote_match_signer(const struct tpm_quote *q, const struct tpm_name *name,
			      const struct tpm_name *parent, uint32_t *ret_hierarchy);
