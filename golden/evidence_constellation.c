/*
 * Constellation: the attestation document of a vTPM (v2.24, internal/attestation/vtpm, type AttestationDocument), which holds
 * go-tpm-tools' Attestation as Go's encoding/json writes the generated structure: names of attestation.proto, []byte as
 * base64, enumerations and keys of maps as numbers, fields that are not set left out.
 */
#include <inttypes.h>

#include "base/json.h"
#include "golden/evidence_container.h"

bool evidence_is_constellation(const struct cJSON *root)
{
	return json_is_object(json_get(root, "Attestation"));
}

/* A key of the map of values: decimal, as Go writes a uint32. UINT64_MAX when it is none. */
static uint64_t map_key(const char *text)
{
	uint64_t value = 0;
	size_t n = strlen(text);

	if (n == 0 || n > 9 || (n > 1 && text[0] == '0'))
		return UINT64_MAX;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return UINT64_MAX;
		value = value * 10 + (uint64_t)(text[i] - '0');
	}
	return value;
}

/* { "hash": TPM_ALG_ID, "pcrs": { "0": base64 } } */
static int take_pcrs(const struct cJSON *object, struct evidence *ev, struct evidence_quote *q,
		     struct pcrcast_error *e)
{
	const struct cJSON *map = json_get(object, "pcrs");
	uint64_t hash = 0;
	int rc = 0;

	if (!json_is_object(object) || (map && !json_is_object(map) && !json_is_null(map)))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "\"pcrs\": expected { \"hash\": number, \"pcrs\": { \"0\": base64 } }");
	if (json_get(object, "hash") && !json_u64(json_get(object, "hash"), &hash))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"hash\": expected a number");
	enum alg alg = hash <= UINT16_MAX ? alg_by_tpm_id((uint16_t)hash) : ALG_COUNT;
	if (alg == ALG_COUNT)
		return evidence_note(ev, e, "values of bank 0x%" PRIx64 " are not looked at", hash);
	for (const struct cJSON *child = json_first(map); child && rc == 0; child = json_next(child)) {
		struct slice value = SLICE_EMPTY;
		uint64_t index = map_key(json_key(child));

		if (index == UINT64_MAX)
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				       "\"pcrs\": \"%.16s\" is no register", json_key(child));
		rc = evidence_base64(ev, map, json_key(child), &value, e);
		if (rc == 0)
			rc = evidence_add_pcr(q, alg, index, value, e);
	}
	return rc;
}

static int take_quote(const struct cJSON *object, struct evidence *ev, struct pcrcast_error *e)
{
	const struct cJSON *pcrs = json_get(object, "pcrs");
	struct evidence_quote *q;

	if (!json_is_object(object))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "expected an object");
	int rc = evidence_add_quote(ev, &q, e);
	if (rc == 0)
		rc = evidence_base64(ev, object, "quote", &q->message, e);
	if (rc == 0)
		rc = evidence_base64(ev, object, "raw_sig", &q->signature, e);
	return rc < 0 || !pcrs || json_is_null(pcrs) ? rc : take_pcrs(pcrs, ev, q, e);
}

static int take_intermediate(const struct cJSON *node, struct evidence *ev, struct pcrcast_error *e)
{
	struct slice certificate;

	if (!json_base64(&ev->pool, node, &certificate))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "expected base64");
	return evidence_add_intermediate(ev, certificate, e);
}

/* Apply take to each element of the list at key; none when the key is not there or null. */
static int take_list(const struct cJSON *object, const char *key,
		     int (*take)(const struct cJSON *node, struct evidence *ev, struct pcrcast_error *e),
		     struct evidence *ev, struct pcrcast_error *e)
{
	const struct cJSON *list = json_get(object, key);
	size_t i = 0;

	if (!list || json_is_null(list))
		return 0;
	if (!json_is_array(list))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"%s\": expected a list", key);
	for (const struct cJSON *child = json_first(list); child; child = json_next(child), i++) {
		int rc = take(child, ev, e);
		if (rc < 0)
			return err_wrap(e, "%s[%zu]", key, i);
	}
	return 0;
}

static int take_attestation(const struct cJSON *a, struct evidence *ev, struct pcrcast_error *e)
{
	static const char *const keys[] = { "ak_pub",
					    "quotes",
					    "event_log",
					    "instance_info",
					    "canonical_event_log",
					    "ak_cert",
					    "intermediate_certs",
					    NULL };
	const struct cJSON *tee = json_get(a, "TeeAttestation");

	int rc = evidence_base64(ev, a, "ak_pub", &ev->key, e);
	if (rc == 0)
		rc = evidence_base64(ev, a, "event_log", &ev->log, e);
	if (rc == 0)
		rc = evidence_base64(ev, a, "canonical_event_log", &ev->cel_log, e);
	if (rc == 0)
		rc = evidence_base64(ev, a, "ak_cert", &ev->ak_cert, e);
	if (rc == 0)
		rc = take_list(a, "intermediate_certs", take_intermediate, ev, e);
	if (rc == 0)
		rc = take_list(a, "quotes", take_quote, ev, e);
	/* An interface without a tag in Go: always there, null for a machine without. */
	if (rc == 0 && (!tee || !json_is_null(tee)))
		return evidence_note_keys(ev, a, "Attestation", keys, e);
	return rc;
}

int evidence_read_constellation(const struct cJSON *root, struct evidence *ev, struct pcrcast_error *e)
{
	static const char *const keys[] = { "Attestation", "InstanceInfo", "UserData", "UserDataSignature",
					    NULL };

	int rc = take_attestation(json_get(root, "Attestation"), ev, e);
	if (rc < 0)
		return err_wrap(e, "Attestation");
	rc = evidence_base64(ev, root, "InstanceInfo", &ev->instance_info, e);
	if (rc == 0)
		rc = evidence_base64(ev, root, "UserData", &ev->user_data, e);
	if (rc < 0)
		return rc;
	/* Until v2.5.1 user data was signed by itself and the quote's nonce was the verifier's. */
	ev->nonce_rule = json_get(root, "UserDataSignature") ? NONCE_PLAIN : NONCE_CONSTELLATION;
	if (ev->nonce_rule == NONCE_PLAIN) {
		rc = evidence_note(ev, e,
				   "\"UserDataSignature\": a document of Constellation before v2.5.2; that "
				   "signature is not looked at");
		if (rc < 0)
			return rc;
	}
	return evidence_note_keys(ev, root, "document", keys, e);
}
