/*
 * go-attestation 0.6: the JSON of "attest-tool dump" (attest/attest-tool/internal, type Dump) and of PlatformParameters
 * (attest/attest.go), as Go's encoding/json writes them: field names as they are, []byte as base64 or null, numbers for
 * enumerations.
 */
#define _GNU_SOURCE
#include <inttypes.h>

#include "base/json.h"
#include "golden/evidence_container.h"

bool evidence_is_go_dump(const struct cJSON *root)
{
	return json_is_object(json_get(root, "AK")) && json_is_object(json_get(root, "Quote"));
}

bool evidence_is_go_platform(const struct cJSON *root)
{
	return json_is_array(json_get(root, "Quotes")) && json_get(root, "Public") != NULL;
}

/* Go's crypto.Hash (package crypto, constants): the number of DigestAlg. */
static enum alg alg_by_go_hash(uint64_t hash)
{
	return hash == 3 ? ALG_SHA1 :
	       hash == 5 ? ALG_SHA256 :
	       hash == 6 ? ALG_SHA384 :
	       hash == 7 ? ALG_SHA512 :
			   ALG_COUNT;
}

/* An element of PCRs: Index, Digest, DigestAlg. */
static int take_pcr(const struct cJSON *node, struct evidence *ev, struct evidence_quote *q,
		    struct pcrcast_error *e)
{
	struct slice digest = SLICE_EMPTY;
	uint64_t index, hash;

	if (!json_u64(json_get(node, "Index"), &index) || !json_u64(json_get(node, "DigestAlg"), &hash))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "expected { \"Index\": number, \"Digest\": base64, \"DigestAlg\": number }");
	int rc = evidence_base64(ev, node, "Digest", &digest, e);
	if (rc < 0)
		return rc;
	enum alg alg = alg_by_go_hash(hash);
	if (alg == ALG_COUNT)
		return evidence_note(ev, e, "values with DigestAlg %" PRIu64 " are not looked at", hash);
	return evidence_add_pcr(q, alg, index, digest, e);
}

static int take_pcrs(const struct cJSON *list, struct evidence *ev, struct evidence_quote *q,
		     struct pcrcast_error *e)
{
	size_t i = 0;

	if (!list || json_is_null(list))
		return 0;
	if (!json_is_array(list))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"PCRs\": expected a list");
	for (const struct cJSON *child = json_first(list); child; child = json_next(child), i++) {
		int rc = take_pcr(child, ev, q, e);
		if (rc < 0)
			return err_wrap(e, "PCRs[%zu]", i);
	}
	return 0;
}

/* "Quote" and "Signature" of object. TPM 2.0 quotes only: those of TPM 1.2 are another structure. */
static int take_quote(const struct cJSON *object, struct evidence *ev, struct pcrcast_error *e)
{
	struct evidence_quote *q;

	if (!json_is_object(object))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "expected an object");
	int rc = evidence_add_quote(ev, &q, e);
	if (rc == 0)
		rc = evidence_base64(ev, object, "Quote", &q->message, e);
	return rc < 0 ? rc : evidence_base64(ev, object, "Signature", &q->signature, e);
}

/* ---- attest-tool dump ---- */

/* TPMVersion is there in dumps of older versions; 1 was TPM 1.2. */
static int check_version(const struct cJSON *object, struct pcrcast_error *e)
{
	const struct cJSON *node = json_get(object, "TPMVersion");
	uint64_t version = 2;

	if (node && !json_u64(node, &version))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"TPMVersion\": expected a number");
	if (version != 2)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "TPMVersion %" PRIu64 ", expected 2: quotes of TPM 1.2 are not read", version);
	return 0;
}

/* EKPem is a certificate or, where the TPM has none, the bare key. */
static int take_ek(const struct cJSON *fixed, struct evidence *ev, struct pcrcast_error *e)
{
	static const char certificate[] = "-----BEGIN CERTIFICATE-----";
	struct slice pem = SLICE_EMPTY;

	int rc = evidence_base64(ev, fixed, "EKPem", &pem, e);
	if (rc == 0 && pem.n && memmem(pem.p, pem.n, certificate, sizeof certificate - 1))
		ev->ek_cert = pem;
	return rc;
}

static int take_log(const struct cJSON *log, struct evidence *ev, struct pcrcast_error *e)
{
	if (!log || json_is_null(log))
		return 0;
	if (!json_is_object(log))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "expected an object");
	int rc = take_pcrs(json_get(log, "PCRs"), ev, &ev->quotes[0], e);
	return rc < 0 ? rc : evidence_base64(ev, log, "Raw", &ev->log, e);
}

int evidence_read_go_dump(const struct cJSON *root, struct evidence *ev, struct pcrcast_error *e)
{
	static const char *const keys[] = { "Static", "AK", "Quote", "Log", NULL };
	const struct cJSON *fixed = json_get(root, "Static"), *quote = json_get(root, "Quote");

	int rc = check_version(fixed, e);
	if (rc == 0)
		rc = take_ek(fixed, ev, e);
	if (rc < 0)
		return rc;
	rc = evidence_base64(ev, json_get(root, "AK"), "Public", &ev->key, e);
	if (rc < 0)
		return err_wrap(e, "AK");
	rc = take_quote(quote, ev, e);
	if (rc == 0)
		rc = evidence_base64(ev, quote, "Nonce", &ev->nonce, e);
	if (rc < 0)
		return err_wrap(e, "Quote");
	rc = take_log(json_get(root, "Log"), ev, e);
	if (rc < 0)
		return err_wrap(e, "Log");
	return evidence_note_keys(ev, root, "dump", keys, e);
}

/* ---- PlatformParameters ---- */

/* One quote for each bank; the values of all banks are in one list. */
int evidence_read_go_platform(const struct cJSON *root, struct evidence *ev, struct pcrcast_error *e)
{
	static const char *const keys[] = { "Public", "Quotes", "PCRs", "EventLog", "TPMVersion", NULL };
	size_t i = 0;

	int rc = check_version(root, e);
	if (rc == 0)
		rc = evidence_base64(ev, root, "Public", &ev->key, e);
	if (rc == 0)
		rc = evidence_base64(ev, root, "EventLog", &ev->log, e);
	const struct cJSON *child = rc == 0 ? json_first(json_get(root, "Quotes")) : NULL;
	for (; child && rc == 0; child = json_next(child), i++) {
		rc = take_quote(child, ev, e);
		if (rc < 0)
			return err_wrap(e, "Quotes[%zu]", i);
	}
	if (rc < 0 || ev->n_quotes == 0)
		return rc;
	rc = take_pcrs(json_get(root, "PCRs"), ev, &ev->quotes[0], e);
	for (i = 1; rc == 0 && i < ev->n_quotes; i++) {
		ev->quotes[i].pcrs = ev->quotes[0].pcrs;
		ev->quotes[i].has_pcrs = ev->quotes[0].has_pcrs;
	}
	return rc < 0 ? rc : evidence_note_keys(ev, root, "PlatformParameters", keys, e);
}
