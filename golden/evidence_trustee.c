/*
 * Confidential Containers' trustee: evidence with the quote of a TPM (deps/verifier, 2026).
 *
 * tpm:         { "ak_public": base64, "tpm_quote": { "message", "signature": base64, "pcrs": [hex] } }; the signature is a
 *              TPMT_SIGNATURE
 * az-snp-vtpm, { "version": 1 or 2, "hcl_report": base64 in URL form, "tpm_quote": { "message", "signature": hex,
 * az-tdx-vtpm: "pcrs": [hex] }, … }; the signature is the bare one, PKCS #1 with SHA-256, the key is in the HCL report
 * before:      the same without version, bytes as lists of numbers; SNP's "tpm_quote" was "quote", its "hcl_report" "report"
 *
 * There are values of all registers of the SHA-256 bank, in order.
 */
#include <inttypes.h>

#include "base/encode.h"
#include "base/json.h"
#include "golden/evidence_container.h"
#include "golden/hcl_report.h"

enum encoding {
	ENCODING_BASE64,
	ENCODING_BASE64URL,
	ENCODING_HEX,
	ENCODING_NUMBERS,
};

static const char *const encoding_names[] = { "base64", "base64 in URL form", "hex digits",
					      "a list of numbers up to 255" };

bool evidence_is_trustee(const struct cJSON *root)
{
	return json_is_object(json_get(root, "tpm_quote")) ||
	       (json_is_object(json_get(root, "quote")) && json_get(root, "report"));
}

static bool numbers_decode(struct pool *pool, const struct cJSON *list, struct slice *ret)
{
	size_t n = 0;

	if (!json_is_array(list))
		return false;
	for (const struct cJSON *c = json_first(list); c; c = json_next(c))
		n++;
	uint8_t *bytes = pool_array(pool, n + 1, 1);
	if (!bytes)
		return false;
	n = 0;
	for (const struct cJSON *c = json_first(list); c; c = json_next(c)) {
		uint64_t number;

		if (!json_u64(c, &number) || number > UINT8_MAX)
			return false;
		bytes[n++] = (uint8_t)number;
	}
	*ret = (struct slice){ bytes, n };
	return true;
}

static bool decode(struct pool *pool, const struct cJSON *node, enum encoding encoding, struct slice *ret)
{
	const char *text;

	if (encoding == ENCODING_NUMBERS)
		return numbers_decode(pool, node, ret);
	if (!json_string(node, &text))
		return false;
	struct slice s = slice_of_string(text);
	return encoding == ENCODING_HEX       ? hex_decode(pool, s, ret) :
	       encoding == ENCODING_BASE64URL ? base64url_decode(pool, s, ret) :
						base64_decode(pool, s, ret);
}

static int take_bytes(struct evidence *ev, const struct cJSON *object, const char *key,
		      enum encoding encoding, struct slice *ret, struct pcrcast_error *e)
{
	if (decode(&ev->pool, json_get(object, key), encoding, ret))
		return 0;
	return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"%s\": expected %s", key,
		       encoding_names[encoding]);
}

static int take_pcrs(const struct cJSON *list, enum encoding encoding, struct evidence *ev,
		     struct evidence_quote *q, struct pcrcast_error *e)
{
	uint64_t index = 0;

	if (!json_is_array(list))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"pcrs\": expected a list");
	for (const struct cJSON *child = json_first(list); child; child = json_next(child)) {
		struct slice value;

		if (!decode(&ev->pool, child, encoding, &value))
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				       "pcrs[%" PRIu64 "]: expected %s", index, encoding_names[encoding]);
		int rc = evidence_add_pcr(q, ALG_SHA256, index++, value, e);
		if (rc < 0)
			return rc;
	}
	/* The list does not say whose values they are: only all of them are certain. */
	if (index != PCR_COUNT)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "%" PRIu64 " values in \"pcrs\", expected %d", index, PCR_COUNT);
	return 0;
}

static int take_quote(const struct cJSON *object, enum encoding encoding, enum encoding of_pcrs,
		      struct evidence *ev, struct pcrcast_error *e)
{
	static const char *const keys[] = { "message", "signature", "pcrs", NULL };
	struct evidence_quote *q;

	int rc = evidence_add_quote(ev, &q, e);
	if (rc == 0)
		rc = take_bytes(ev, object, "message", encoding, &q->message, e);
	if (rc == 0)
		rc = take_bytes(ev, object, "signature", encoding, &q->signature, e);
	if (rc == 0)
		rc = take_pcrs(json_get(object, "pcrs"), of_pcrs, ev, q, e);
	return rc < 0 ? err_wrap(e, "quote") : evidence_note_keys(ev, object, "quote", keys, e);
}

static int read_tpm(const struct cJSON *root, struct evidence *ev, struct pcrcast_error *e)
{
	static const char *const keys[] = { "ak_public", "tpm_quote", NULL };

	int rc = take_bytes(ev, root, "ak_public", ENCODING_BASE64, &ev->key, e);
	if (rc == 0)
		rc = take_quote(json_get(root, "tpm_quote"), ENCODING_BASE64, ENCODING_HEX, ev, e);
	ev->nonce_rule = NONCE_PADDED;
	return rc < 0 ? rc : evidence_note_keys(ev, root, "evidence", keys, e);
}

static int check_version(const struct cJSON *node, struct pcrcast_error *e)
{
	uint64_t version;

	if (!json_u64(node, &version))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"version\": expected a number");
	if (version != 1 && version != 2)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "version %" PRIu64 ", expected 1 or 2", version);
	return 0;
}

static int read_azure(const struct cJSON *root, struct evidence *ev, struct pcrcast_error *e)
{
	static const char *const keys[] = { "version", "tpm_quote", "quote", "hcl_report", "report", NULL };
	const struct cJSON *version = json_get(root, "version"), *quote = json_get(root, "tpm_quote");
	bool first_snp = !quote;
	struct slice report = SLICE_EMPTY;

	int rc = version ? check_version(version, e) : 0;
	if (rc == 0)
		rc = take_bytes(ev, root, first_snp ? "report" : "hcl_report",
				version ? ENCODING_BASE64URL : ENCODING_NUMBERS, &report, e);
	if (rc == 0)
		rc = hcl_report_key(report, &ev->pool, &ev->key, e);
	if (rc == 0)
		rc = take_quote(first_snp ? json_get(root, "quote") : quote,
				version ? ENCODING_HEX : ENCODING_NUMBERS,
				version ? ENCODING_HEX : ENCODING_NUMBERS, ev, e);
	if (rc == 0)
		rc = evidence_note(ev, e,
				   "the key is what the HCL report states: whether the processor vouches for "
				   "it is not checked");
	if (rc < 0)
		return rc;
	ev->quotes[0].bare = true;
	return evidence_note_keys(ev, root, "evidence", keys, e);
}

int evidence_read_trustee(const struct cJSON *root, struct evidence *ev, struct pcrcast_error *e)
{
	return json_get(root, "ak_public") ? read_tpm(root, ev, e) : read_azure(root, ev, e);
}
