/*
 * Keylime: the quote string of an agent, "r" and three base64 texts between colons (keylime 7.12, tpm/tpm_main.py,
 * _get_quote_parameters; rust-keylime, tpm.rs): TPMS_ATTEST, TPMT_SIGNATURE, and the values as tpm2-tools' "serialized" file.
 * Also the answer of an agent to /quotes/integrity and /quotes/identity, in which that string is "quote".
 */
#include "base/encode.h"
#include "golden/evidence_container.h"
#include "golden/pcr_file.h"

enum { PART_MESSAGE, PART_SIGNATURE, PART_VALUES, PARTS };

static bool is_base64_or_colon(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '+' ||
	       c == '/' || c == '=' || c == ':';
}

/* Without the line end that an editor or echo leaves. */
static struct slice without_newline(struct slice s)
{
	if (s.n && s.p[s.n - 1] == '\n')
		s.n--;
	return s;
}

bool evidence_is_keylime_quote(struct slice bytes)
{
	size_t colons = 0;

	bytes = without_newline(bytes);
	if (bytes.n == 0 || (bytes.p[0] != 'r' && bytes.p[0] != 'd'))
		return false;
	for (size_t i = 0; i < bytes.n; i++) {
		if (!is_base64_or_colon(bytes.p[i]))
			return false;
		colons += bytes.p[i] == ':';
	}
	return colons > 0;
}

/* What is between the colons. */
static int split(struct slice text, struct slice ret[static PARTS], struct pcrcast_error *e)
{
	struct slice rest = { text.p + 1, text.n - 1 };
	size_t n = 0;

	for (bool more = true; more;) {
		const uint8_t *colon = memchr(rest.p, ':', rest.n);
		size_t len = colon ? (size_t)(colon - rest.p) : rest.n;

		if (n == PARTS)
			return err_set(e, PCRCAST_EFORMAT, (uint64_t)(rest.p - text.p),
				       "more than %d parts between colons", PARTS);
		ret[n++] = (struct slice){ rest.p, len };
		more = colon != NULL;
		if (more)
			rest = (struct slice){ colon + 1, rest.n - len - 1 };
	}
	if (n < PARTS)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "%zu parts between colons, expected %d: message, signature, values", n, PARTS);
	return 0;
}

int evidence_read_keylime_quote(struct slice bytes, struct evidence *ev, struct pcrcast_error *e)
{
	static const char *const names[PARTS] = { "message", "signature", "values" };
	struct slice text = without_newline(bytes), encoded[PARTS], part[PARTS];
	struct evidence_quote *q;

	if (text.n == 0 || text.p[0] != 'r')
		return err_set(
			e, PCRCAST_EUNSUPPORTED, 0,
			"a quote string of type '%c', expected 'r' (\"d\" was the deep quote of TPM 1.2)",
			text.n && text.p[0] > ' ' && text.p[0] < 0x7f ? text.p[0] : '?');
	int rc = split(text, encoded, e);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < PARTS; i++)
		if (!base64_decode(&ev->pool, encoded[i], &part[i]))
			return err_set(e, PCRCAST_EFORMAT, (uint64_t)(encoded[i].p - text.p),
				       "%s: expected base64", names[i]);
	/* A zlib stream; agents did so until API version 1.0 (tpm_main.py, "compressed"). */
	if (part[PART_MESSAGE].n > 1 && part[PART_MESSAGE].p[0] == 0x78)
		return err_set(e, PCRCAST_EUNSUPPORTED, 1,
			       "a quote compressed by an agent of API version 1.0");
	rc = evidence_add_quote(ev, &q, e);
	if (rc < 0)
		return rc;
	q->message = part[PART_MESSAGE];
	q->signature = part[PART_SIGNATURE];
	rc = pcr_file_read_serialized(part[PART_VALUES], NULL, &q->pcrs, e);
	q->has_pcrs = rc == 0;
	return rc < 0 ? err_wrap(e, "values") : 0;
}

/* ---- an agent's answer ---- */

/* Behind { "code": 200, "status": "Success", "results": … }, or what is in "results" alone. */
static const struct cJSON *results_of(const struct cJSON *root)
{
	const struct cJSON *results = json_get(root, "results");

	return results ? results : root;
}

bool evidence_is_keylime_answer(const struct cJSON *root)
{
	const char *quote;

	return json_string(json_get(results_of(root), "quote"), &quote);
}

static int take_logs(const struct cJSON *results, struct evidence *ev, struct pcrcast_error *e)
{
	const char *ima;

	int rc = evidence_base64(ev, results, "mb_measurement_list", &ev->log, e);
	if (rc == 0)
		rc = evidence_string(results, "ima_measurement_list", &ima, e);
	if (rc == 0 && ima)
		rc = evidence_copy(ev, slice_of_string(ima), &ev->ima_log, e);
	return rc;
}

/* An agent may send only the new entries of IMA's list: PCR 10 does not follow from them. */
static int check_ima_start(const struct cJSON *results, struct evidence *ev, struct pcrcast_error *e)
{
	const struct cJSON *node = json_get(results, "ima_measurement_list_entry");
	uint64_t entry;

	if (!node || json_is_null(node))
		return 0;
	if (!json_u64(node, &entry))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "\"ima_measurement_list_entry\": expected a number");
	if (entry == 0 || ev->ima_log.n == 0)
		return 0;
	ev->ima_log = SLICE_EMPTY;
	return evidence_note(ev, e, "IMA's list begins in the middle and is not looked at");
}

int evidence_read_keylime_answer(const struct cJSON *root, struct evidence *ev, struct pcrcast_error *e)
{
	static const char *const keys[] = { "quote",
					    "hash_alg",
					    "enc_alg",
					    "sign_alg",
					    "pubkey",
					    "boottime",
					    "mb_measurement_list",
					    "ima_measurement_list",
					    "ima_measurement_list_entry",
					    NULL };
	const struct cJSON *results = results_of(root);
	const char *quote;

	if (!json_string(json_get(results, "quote"), &quote))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"quote\": expected a text");
	int rc = evidence_read_keylime_quote(slice_of_string(quote), ev, e);
	if (rc < 0)
		return err_wrap(e, "\"quote\"");
	rc = take_logs(results, ev, e);
	if (rc == 0)
		rc = check_ima_start(results, ev, e);
	if (rc == 0 && json_get(results, "pubkey"))
		rc = evidence_note(ev, e, "\"pubkey\" is the agent's transport key, which signs no quote");
	return rc < 0 ? rc : evidence_note_keys(ev, results, "results", keys, e);
}
