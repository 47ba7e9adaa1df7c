/*
 * go-tpm-tools: the message attest.Attestation, as "gotpm attest" writes it: binary or text protobuf
 * (cmd/attest.go, v0.4; attestation.proto has what is read of it).
 */
#include <inttypes.h>

#include <protobuf-c/protobuf-c.h>

#include "golden/attestation.pb-c.h"
#include "golden/evidence_container.h"
#include "golden/proto_check.h"
#include "golden/text_proto.h"

/* ---- recognition ---- */

/* No byte that a text does not have. Structures of a TPM are full of them. */
static bool is_text(struct slice bytes)
{
	for (size_t i = 0; i < bytes.n; i++)
		if ((bytes.p[i] < ' ' && (bytes.p[i] < '\t' || bytes.p[i] > '\r')) || bytes.p[i] == 0x7f)
			return false;
	return true;
}

bool evidence_is_text_attestation(struct slice bytes)
{
	const ProtobufCMessageDescriptor *m = &attest__attestation__descriptor;
	size_t i = 0;

	if (!is_text(bytes))
		return false;
	while (i < bytes.n && (bytes.p[i] <= ' ' || bytes.p[i] == '#'))
		if (bytes.p[i++] == '#')
			while (i < bytes.n && bytes.p[i] != '\n')
				i++;
	for (size_t f = 0; f < m->n_fields; f++) {
		const char *name = m->fields[f].name;
		struct slice start;

		if (slice_at(bytes, i, strlen(name), &start) && slice_equal_string(start, name))
			return true;
	}
	return false;
}

/* The tag of one of the first fields, all of which are bytes or messages. */
bool evidence_is_binary_attestation(struct slice bytes)
{
	enum { WIRE_BYTES = 2, LAST_FIELD = 9 };

	return bytes.n && (bytes.p[0] & 7) == WIRE_BYTES && bytes.p[0] >> 3 >= 1 &&
	       bytes.p[0] >> 3 <= LAST_FIELD;
}

/* ---- contents ---- */

static int take(struct evidence *ev, ProtobufCBinaryData data, struct slice *ret, struct pcrcast_error *e)
{
	if (data.len == 0)
		return 0;
	return evidence_copy(ev, (struct slice){ data.data, data.len }, ret, e);
}

static int take_pcrs(struct evidence *ev, const Attest__Pcrs *pcrs, struct evidence_quote *q,
		     struct pcrcast_error *e)
{
	enum alg alg = (uint32_t)pcrs->hash <= UINT16_MAX ? alg_by_tpm_id((uint16_t)pcrs->hash) : ALG_COUNT;
	int rc = 0;

	if (alg == ALG_COUNT)
		return evidence_note(ev, e, "values of bank 0x%" PRIx32 " are not looked at",
				     (uint32_t)pcrs->hash);
	for (size_t i = 0; rc == 0 && i < pcrs->n_pcrs; i++) {
		const Attest__PcrEntry *entry = pcrs->pcrs[i];
		struct slice value = { entry->value.data ? entry->value.data : SLICE_EMPTY.p,
				       entry->value.len };

		rc = evidence_add_pcr(q, alg, entry->key, value, e);
	}
	return rc;
}

static int take_quote(struct evidence *ev, const Attest__Quote *quote, struct pcrcast_error *e)
{
	struct evidence_quote *q;

	int rc = evidence_add_quote(ev, &q, e);
	if (rc == 0)
		rc = take(ev, quote->quote, &q->message, e);
	if (rc == 0)
		rc = take(ev, quote->raw_sig, &q->signature, e);
	return rc < 0 || !quote->pcrs ? rc : take_pcrs(ev, quote->pcrs, q, e);
}

static int take_attestation(struct evidence *ev, const Attest__Attestation *a, struct pcrcast_error *e)
{
	int rc = take(ev, a->ak_pub, &ev->key, e);

	if (rc == 0)
		rc = take(ev, a->event_log, &ev->log, e);
	if (rc == 0)
		rc = take(ev, a->canonical_event_log, &ev->cel_log, e);
	if (rc == 0)
		rc = take(ev, a->ak_cert, &ev->ak_cert, e);
	for (size_t i = 0; rc == 0 && i < a->n_intermediate_certs; i++) {
		struct slice certificate = SLICE_EMPTY;

		rc = take(ev, a->intermediate_certs[i], &certificate, e);
		if (rc == 0)
			rc = evidence_add_intermediate(ev, certificate, e);
	}
	for (size_t i = 0; rc == 0 && i < a->n_quotes; i++) {
		rc = take_quote(ev, a->quotes[i], e);
		if (rc < 0)
			return err_wrap(e, "quotes[%zu]", i);
	}
	return rc;
}

int evidence_read_binary_attestation(struct slice bytes, struct evidence *ev, struct pcrcast_error *e)
{
	int rc = proto_check(bytes, &attest__attestation__descriptor, ev, e);

	if (rc < 0)
		return rc;
	Attest__Attestation *a = attest__attestation__unpack(NULL, bytes.n, bytes.p);
	if (!a)
		return err_nomem(e); /* the message is well formed */
	rc = take_attestation(ev, a, e);
	attest__attestation__free_unpacked(a, NULL);
	return rc;
}

int evidence_read_text_attestation(struct slice bytes, struct evidence *ev, struct pcrcast_error *e)
{
	struct slice wire;

	int rc = text_proto_to_wire(bytes, &attest__attestation__descriptor, ev, &wire, e);
	return rc < 0 ? rc : evidence_read_binary_attestation(wire, ev, e);
}
