#include "golden/evidence.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"
#include "golden/evidence_container.h"

enum {
	EVIDENCE_MAX_QUOTES = 64, /* a TPM has at most 16 banks; each quote here takes 6 KiB */
	EVIDENCE_MAX_NOTES = 64,  /* more say nothing new */
};

void evidence_done(struct evidence *ev)
{
	pool_done(&ev->pool);
}

/* ---- filling in ---- */

int evidence_add_quote(struct evidence *ev, struct evidence_quote **ret, struct pcrcast_error *e)
{
	if (ev->n_quotes == EVIDENCE_MAX_QUOTES)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET, "more than %d quotes",
			       EVIDENCE_MAX_QUOTES);
	struct evidence_quote *q =
		pool_push(&ev->pool, &ev->quotes, &ev->n_quotes, &ev->cap_quotes, sizeof *ev->quotes);

	if (!q)
		return err_nomem(e);
	q->message = SLICE_EMPTY;
	q->signature = SLICE_EMPTY;
	*ret = q;
	return 0;
}

int evidence_add_pcr(struct evidence_quote *q, enum alg alg, uint64_t index, struct slice value,
		     struct pcrcast_error *e)
{
	if (index >= PCR_COUNT)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "PCR %" PRIu64 ": expected 0 to %d",
			       index, PCR_COUNT - 1);
	if (value.n != algs[alg].len)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "%s:%" PRIu64 ": expected a digest of %u bytes, found %zu", algs[alg].name,
			       index, algs[alg].len, value.n);
	if (q->pcrs.known[alg] >> index & 1)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "%s:%" PRIu64 " is stated twice",
			       algs[alg].name, index);
	memcpy(q->pcrs.value[alg][index], value.p, value.n);
	q->pcrs.known[alg] |= UINT32_C(1) << index;
	q->has_pcrs = true;
	return 0;
}

int evidence_add_intermediate(struct evidence *ev, struct slice certificate, struct pcrcast_error *e)
{
	struct slice *place = pool_push(&ev->pool, &ev->intermediates, &ev->n_intermediates,
					&ev->cap_intermediates, sizeof *ev->intermediates);

	if (!place)
		return err_nomem(e);
	*place = certificate;
	return 0;
}

int evidence_note(struct evidence *ev, struct pcrcast_error *e, const char *fmt, ...)
{
	char text[256]; /* not from the pool: a file may have the same reason for a note a million times */
	va_list ap;

	if (ev->n_notes == EVIDENCE_MAX_NOTES)
		return 0;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return err_nomem(e);
	for (size_t i = 0; i < ev->n_notes; i++)
		if (strcmp(ev->notes[i], text) == 0)
			return 0;
	const char *copy = pool_text(&ev->pool, text, strlen(text));
	const char **place =
		copy ? pool_push(&ev->pool, &ev->notes, &ev->n_notes, &ev->cap_notes, sizeof *ev->notes) :
		       NULL;
	if (!place)
		return err_nomem(e);
	*place = copy;
	return 0;
}

int evidence_check(const struct evidence *ev, struct pcrcast_error *e)
{
	if (ev->n_quotes == 0)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "no quote in it");
	for (size_t i = 0; i < ev->n_quotes; i++) {
		const struct evidence_quote *q = &ev->quotes[i];

		if (q->message.n == 0 || q->signature.n == 0)
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "quote %zu has no %s", i,
				       q->message.n == 0 ? "message" : "signature");
	}
	return 0;
}

int evidence_copy(struct evidence *ev, struct slice bytes, struct slice *ret, struct pcrcast_error *e)
{
	if (bytes.n == 0) {
		*ret = SLICE_EMPTY;
		return 0;
	}
	const uint8_t *copy = pool_copy(&ev->pool, bytes.p, bytes.n);
	if (!copy)
		return err_nomem(e);
	*ret = (struct slice){ copy, bytes.n };
	return 0;
}

/* ---- JSON ---- */

int evidence_string(const struct cJSON *object, const char *key, const char **ret, struct pcrcast_error *e)
{
	const struct cJSON *node = json_get(object, key);

	*ret = NULL;
	if (!node || json_is_null(node) || json_string(node, ret))
		return 0;
	return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"%s\": expected a text", key);
}

int evidence_base64(struct evidence *ev, const struct cJSON *object, const char *key, struct slice *ret,
		    struct pcrcast_error *e)
{
	const struct cJSON *node = json_get(object, key);

	if (!node || json_is_null(node) || json_base64(&ev->pool, node, ret))
		return 0;
	return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"%s\": expected base64", key);
}

int evidence_note_keys(struct evidence *ev, const struct cJSON *object, const char *what,
		       const char *const *keys, struct pcrcast_error *e)
{
	for (const struct cJSON *child = json_first(object); child; child = json_next(child)) {
		const char *const *known = keys;

		while (*known && strcmp(*known, json_key(child)) != 0)
			known++;
		int rc = *known ? 0 :
				  evidence_note(ev, e, "%s: \"%.64s\" is not looked at", what,
						json_key(child));
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- which container ---- */

#define EXPECTED                                                                                                    \
	"expected Keylime's quote string \"r...:...:...\", JSON of a Keylime agent, go-attestation, Constellation " \
	"or trustee, or go-tpm-tools' Attestation as protobuf, binary or text"

struct json_container {
	const char *name;
	bool (*is)(const struct cJSON *root);
	int (*read)(const struct cJSON *root, struct evidence *ev, struct pcrcast_error *e);
};

static const struct json_container json_containers[] = {
	{ "keylime", evidence_is_keylime_answer, evidence_read_keylime_answer },
	{ "keylime", evidence_is_keylime_push, evidence_read_keylime_push },
	{ "go-attestation", evidence_is_go_dump, evidence_read_go_dump },
	{ "go-attestation", evidence_is_go_platform, evidence_read_go_platform },
	{ "constellation", evidence_is_constellation, evidence_read_constellation },
	{ "trustee", evidence_is_trustee, evidence_read_trustee },
};

struct byte_container {
	const char *name;
	bool (*is)(struct slice bytes);
	int (*read)(struct slice bytes, struct evidence *ev, struct pcrcast_error *e);
};

/* In the order in which they are tried. */
static const struct byte_container byte_containers[] = {
	{ "keylime", evidence_is_keylime_quote, evidence_read_keylime_quote },
	{ "go-tpm-tools", evidence_is_text_attestation, evidence_read_text_attestation },
	{ "go-tpm-tools", evidence_is_binary_attestation, evidence_read_binary_attestation },
};

static int read_json(const struct cJSON *root, struct evidence *ev, struct pcrcast_error *e)
{
	const struct json_container *found = NULL;

	for (size_t i = 0; i < sizeof json_containers / sizeof json_containers[0]; i++) {
		const struct json_container *c = &json_containers[i];

		if (!c->is(root))
			continue;
		if (found)
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				       "JSON that has the keys of two containers, %s and %s", found->name,
				       c->name);
		found = c;
	}
	if (!found)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "JSON, but of no known container: " EXPECTED);
	ev->container = found->name;
	int rc = found->read(root, ev, e);
	return rc < 0 ? err_wrap(e, "%s", found->name) : 0;
}

static bool is_json(struct slice bytes)
{
	size_t i = 0;

	while (i < bytes.n &&
	       (bytes.p[i] == ' ' || bytes.p[i] == '\t' || bytes.p[i] == '\n' || bytes.p[i] == '\r'))
		i++;
	return i < bytes.n && bytes.p[i] == '{';
}

static int read_bytes(struct slice bytes, struct evidence *ev, struct pcrcast_error *e)
{
	for (size_t i = 0; i < sizeof byte_containers / sizeof byte_containers[0]; i++) {
		const struct byte_container *c = &byte_containers[i];

		if (!c->is(bytes))
			continue;
		ev->container = c->name;
		int rc = c->read(bytes, ev, e);
		return rc < 0 ? err_wrap(e, "%s", c->name) : 0;
	}
	return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET, "no container of evidence: " EXPECTED);
}

int evidence_read(struct slice bytes, struct evidence *ret, struct pcrcast_error *e)
{
	struct cJSON *root = NULL;
	int rc;

	*ret = EVIDENCE_INIT;
	if (bytes.n == 0)
		return err_set(e, PCRCAST_ETRUNC, 0, "no bytes: " EXPECTED);
	if (is_json(bytes)) {
		rc = json_parse(bytes, &root, e);
		if (rc == 0)
			rc = read_json(root, ret, e);
		json_free(root);
	} else {
		rc = read_bytes(bytes, ret, e);
	}
	return rc < 0 ? rc : evidence_check(ret, e);
}
