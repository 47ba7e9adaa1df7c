/*
 * Does a certificate of a TPM's key lead to a certificate authority that the verifier trusts? Offline.
 *
 * Sources: TCG EK Credential Profile for TPM Family 2.0, level 0, versions 2.0 to 2.5; TCG Credential Profiles for TPM Family
 * 1.2, version 1.2 (AIK certificates, whose form TPM 2.0 kept); RFC 5280.
 */
#pragma once

#include "base/pool.h"
#include "eventlog/check.h"
#include "golden/key.h"

enum certificate_role {
	CERTIFICATE_EK, /* endorsement key: extended key usage 2.23.133.8.1, tcg-kp-EKCertificate */
	CERTIFICATE_AK, /* attestation key: extended key usage 2.23.133.8.3, tcg-kp-AIKCertificate */
};

enum {
	CHAIN_DEPTH_MAX = 8,           /* certificates between leaf and anchor */
	CHAIN_CERTIFICATES_MAX = 4096, /* given in all */
};

struct chain_input {
	struct slice
		leaf; /* DER (zeros or ones behind it are passed over), or PEM, whose further certificates are intermediates */
	const struct slice *intermediates; /* each DER, or PEM with any number; nobody vouches for them */
	size_t n_intermediates;
	const struct slice *anchors; /* that the verifier trusts; each DER, or PEM with any number */
	size_t n_anchors;
	/*
	 * False: the chain must end at a self-signed certificate of anchors, the others there are intermediates. True: it may
	 * end at any certificate of anchors, whatever became of the root above it.
	 */
	bool partial;
	enum certificate_role role;
	const struct key *key; /* that the leaf must be for; NULL: not compared */
	int64_t at;            /* time of the check, seconds since 1970; 0: now */
};

/* Texts are in the pool, printable, and NULL when not known. */
struct chain_result {
	enum match match;
	const char *why; /* NULL when match is MATCH_YES */
	const char *subject,
		*issuer;    /* of the leaf, RFC 2253; "" when the subject is empty, as the profile allows */
	const char *anchor; /* subject of the trusted certificate at the end; NULL unless a chain was found */
	const char *not_before, *not_after; /* of the leaf: "20240131T235959Z" */
	const char *usage; /* extended key usages of the leaf: object identifiers with blanks between */
	/* From the leaf's subject alternative name (EK Credential Profile): "id:414D4400", … */
	const char *manufacturer, *model, *version;
	size_t length;      /* certificates in the chain, leaf and anchor among them; 0: none was found */
	uint8_t sha256[32]; /* of the leaf's DER */
};

/*
 * Check.
 *
 * MATCH_YES: there is a chain of good signatures (none weaker than 80 bits: no MD5, SHA-1 or RSA below 1024) from the leaf to an
 * anchor; each certificate is valid at the time; those above the leaf are allowed to issue; the leaf is no certificate
 * authority, is meant for the role, and is for key if one was given; no certificate has a critical extension that was not
 * understood. So an authority that the verifier trusts said, at some time, that this key is the EK or AK of a TPM.
 *
 * Meant for the role: its extended key usage names it; or, when it has none, that of the nearest authority above which has
 * one. For an AK 2.23.133.8.1 will do when the key usage is digital signature and no encryption: so Google issues them.
 *
 * It does not say that the certificate was not revoked (nothing is fetched, no CRL is read), that the authority issues carefully, that
 * an EK and an AK are in one TPM (an EK certificate alone says nothing about any AK), or which machine the TPM is in. Certificate
 * policies are not evaluated.
 *
 * MATCH_NO: one of these does not hold; why names the first.
 *
 * MATCH_CANNOT_TELL: the chain is good, but nothing says what the leaf is for: no extended key usage in it or above it (and, for
 * an EK, no TPM attributes in its subject alternative name either). Or its key is of a kind that libcrypto cannot read (RSAES-OAEP
 * keys of old EK certificates), so the chain was not looked at.
 *
 * Negative: the input is no certificate, has nothing in it that could be trusted, or memory gave out. ret is then untouched.
 *
 * Critical extensions: those that libcrypto handles; and subjectDirectoryAttributes (2.5.29.9) when each attribute is one of TCG's:
 * TPM specification, platform specification, TPM security assertions (2.23.133.2.16, .17, .18).
 */
int certificate_chain_check(struct pool *pool, const struct chain_input *in, struct chain_result *ret,
			    struct pcrcast_error *e);
