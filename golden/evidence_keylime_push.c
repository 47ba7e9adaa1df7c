/*
 * Keylime, agents that push (API version 3): the body of a request PATCH …/attestations/latest (keylime 7.14,
 * docs/rest_apis/3_0/verifier.rst and verification/tpm_engine.py). The parts of the quote string are members of one object
 * there: "message", "signature" and, for the values, "subject_data".
 */
#include "base/json.h"
#include "golden/evidence_container.h"
#include "golden/pcr_file.h"

static const struct cJSON *collected(const struct cJSON *root)
{
	return json_get(json_get(json_get(root, "data"), "attributes"), "evidence_collected");
}

bool evidence_is_keylime_push(const struct cJSON *root)
{
	return json_is_array(collected(root));
}

/* Keylime's schema allows values of other forms, which its verifier does not read either. */
static int take_values(const struct cJSON *data, struct evidence *ev, struct evidence_quote *q,
		       struct pcrcast_error *e)
{
	const struct cJSON *node = json_get(data, "subject_data");
	struct slice file = SLICE_EMPTY;

	if (!node || json_is_null(node))
		return 0;
	if (json_is_object(node) || json_is_array(node))
		return evidence_note(ev, e, "\"subject_data\" that is no text is not looked at");
	int rc = evidence_base64(ev, data, "subject_data", &file, e);
	if (rc < 0)
		return rc;
	rc = pcr_file_read_serialized(file, NULL, &q->pcrs, e);
	q->has_pcrs = rc == 0;
	return rc < 0 ? err_wrap(e, "\"subject_data\"") : 0;
}

static int take_quote(const struct cJSON *data, struct evidence *ev, struct pcrcast_error *e)
{
	struct evidence_quote *q;

	int rc = evidence_add_quote(ev, &q, e);
	if (rc == 0)
		rc = evidence_base64(ev, data, "message", &q->message, e);
	if (rc == 0)
		rc = evidence_base64(ev, data, "signature", &q->signature, e);
	return rc < 0 ? rc : take_values(data, ev, q, e);
}

static int take_uefi_log(const struct cJSON *data, struct evidence *ev, struct pcrcast_error *e)
{
	if (ev->log.n)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "a second \"uefi_log\"");
	return evidence_base64(ev, data, "entries", &ev->log, e);
}

/* Only the verifier who asked knows at which entry the list begins: PCR 10 does not follow from it. */
static int note_ima_log(const struct cJSON *data, struct evidence *ev, struct pcrcast_error *e)
{
	(void)data;
	return evidence_note(ev, e, "\"ima_log\" does not say where it begins and is not looked at");
}

static int take_item(const struct cJSON *item, struct evidence *ev, struct pcrcast_error *e)
{
	static const struct {
		const char *type;
		int (*take)(const struct cJSON *data, struct evidence *ev, struct pcrcast_error *e);
	} types[] = {
		{ "tpm_quote", take_quote },
		{ "uefi_log", take_uefi_log },
		{ "ima_log", note_ima_log },
	};
	const struct cJSON *data = json_get(item, "data");
	const char *type;

	if (!json_string(json_get(item, "evidence_type"), &type) || !json_is_object(data))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "expected { \"evidence_type\": text, \"data\": object }");
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (strcmp(type, types[i].type) == 0)
			return types[i].take(data, ev, e);
	return evidence_note(ev, e, "evidence of type \"%.64s\" is not looked at", type);
}

int evidence_read_keylime_push(const struct cJSON *root, struct evidence *ev, struct pcrcast_error *e)
{
	size_t i = 0;

	for (const struct cJSON *item = json_first(collected(root)); item; item = json_next(item), i++) {
		int rc = take_item(item, ev, e);
		if (rc < 0)
			return err_wrap(e, "evidence_collected[%zu]", i);
	}
	return 0;
}
