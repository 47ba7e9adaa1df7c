/*
 * Evidence: what a machine hands to a verifier. One or more quotes, the key that signed them, register values, event
 * logs and certificates, in whichever container they came.
 */
#pragma once

#include "base/pool.h"
#include "base/slice.h"
#include "eventlog/check.h"

/* One quote. Slices that are empty were not given. */
struct evidence_quote {
	struct slice message;   /* TPMS_ATTEST, as signed */
	struct slice signature; /* TPMT_SIGNATURE; or the bare signature when bare */
	bool bare;              /* PKCS #1 or PSS bytes, ECDSA as DER */
	/* The values handed over with it. May be of more registers and banks than were quoted. */
	struct pcr_values pcrs;
	bool has_pcrs;
};

/* How the container binds a verifier's nonce into the quote's extraData. */
enum nonce_rule {
	NONCE_PLAIN, /* extraData is the nonce */
	/*
	 * Constellation, internal/attestation/vtpm: extraData is SHA-256(instanceInfo || SHA-256(userData || nonce)) since
	 * v2.17.0, SHA-256(userData || nonce) from v2.5.2 to v2.16. The document does not tell which: either is a match.
	 */
	NONCE_CONSTELLATION,
	/*
	 * The TPM attester of Confidential Containers' guest-components: extraData is the nonce, cut to or filled with zeros up
	 * to 32 bytes (2026), 64 before.
	 */
	NONCE_PADDED,
};

struct evidence {
	struct pool pool; /* owns all that the slices point to */
	/* "tpm2-tools", "keylime", "go-attestation", "go-tpm-tools", "constellation", "trustee" */
	const char *container;
	struct evidence_quote *quotes;
	size_t n_quotes, cap_quotes;
	struct slice key;   /* the attestation key's public part in any form that key.h reads */
	struct slice nonce; /* that the container states itself; never proof of freshness */
	enum nonce_rule nonce_rule;
	struct slice instance_info,
		user_data;    /* NONCE_CONSTELLATION; also before, when they were not bound */
	struct slice log;     /* TCG event log */
	struct slice cel_log; /* canonical event log, TLV */
	struct slice ima_log;
	struct slice ak_cert, ek_cert; /* DER or PEM */
	struct slice *intermediates;
	size_t n_intermediates, cap_intermediates;
	const char **notes; /* what was odd or is not looked at, for people; may quote the input */
	size_t n_notes, cap_notes;
};

#define EVIDENCE_INIT                                     \
	((struct evidence){ .pool = POOL_INIT,            \
			    .key = SLICE_EMPTY,           \
			    .nonce = SLICE_EMPTY,         \
			    .instance_info = SLICE_EMPTY, \
			    .user_data = SLICE_EMPTY,     \
			    .log = SLICE_EMPTY,           \
			    .cel_log = SLICE_EMPTY,       \
			    .ima_log = SLICE_EMPTY,       \
			    .ak_cert = SLICE_EMPTY,       \
			    .ek_cert = SLICE_EMPTY })

void evidence_done(struct evidence *ev);

/*
 * Read a container: Keylime's quote string, an agent's answer or what it pushes, go-attestation's dump or PlatformParameters, go-tpm-tools'
 * Attestation (protobuf, binary or text), Constellation's attestation document or trustee's evidence with a TPM quote;
 * recognised from the bytes. On success there is at least one quote, each with message and signature. What the slices hold is
 * not looked into. Nothing in ret borrows from bytes. ret is to be done with evidence_done whatever is returned.
 */
int evidence_read(struct slice bytes, struct evidence *ret, struct pcrcast_error *e);
