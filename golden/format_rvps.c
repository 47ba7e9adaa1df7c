/*
 * Reference values for the Reference Value Provider Service (RVPS) of trustee, Confidential Containers, as its "sample"
 * extractor takes them: { "tpm_pcr11": [hex, hex], "snp_pcr11": [hex] }. What stands before "_pcr" is the variant of a set. Names are
 * free, a policy asks for them: trustee's default policy asks for tpm_pcr11 and snp_pcr11, others for tpm_pcr4 and tpm_pcr7
 * (confidential-clusters), so there is no zero in front. Values are those of the bank of SHA-256, which is the one that trustee's TPM
 * claims show.
 *
 * Read as well: the message that carries them, { "version": "0.1.0", "type": "sample", "payload": base64 } ("provenance" in the
 * README of 2023 and later), and what the service stores, [{ "name": "tpm_pcr4", "expiration": …, "value": [hex] }].
 */
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "golden/format_rows.h"

static const char message_version[] = "0.1.0";
static const char default_variant[] = "tpm";

/* "tpm_pcr04" is the variant "tpm" and PCR 4. */
static bool split_name(struct slice name, struct slice *ret_variant, uint32_t *ret_index)
{
	static const char infix[] = "_pcr";
	size_t digits = 0;

	while (digits < name.n && name.p[name.n - digits - 1] >= '0' && name.p[name.n - digits - 1] <= '9')
		digits++;
	size_t end = name.n - digits;
	struct slice number = { name.p + end, digits };
	if (digits == 2 && number.p[0] == '0')
		number = (struct slice){ number.p + 1, 1 };
	if (end <= sizeof infix - 1 ||
	    memcmp(name.p + end - (sizeof infix - 1), infix, sizeof infix - 1) != 0 ||
	    !golden_index(number, ret_index))
		return false;
	*ret_variant = (struct slice){ name.p, end - (sizeof infix - 1) };
	return true;
}

/* ---- reading ---- */

static struct golden_set *set_of(struct golden *g, struct slice variant, struct pcrcast_error *e)
{
	for (size_t i = 0; i < g->n; i++)
		if (slice_equal_string(variant, g->sets[i].id.variant))
			return &g->sets[i];
	struct golden_set *s = golden_add_set(g, e);
	if (!s)
		return NULL;
	s->id.variant = pool_text(&g->pool, (const char *)variant.p, variant.n);
	if (!s->id.variant) {
		err_nomem(e);
		return NULL;
	}
	return s;
}

static int read_values(struct golden *g, const char *name, const struct cJSON *values,
		       struct golden_others *others, struct pcrcast_error *e)
{
	struct slice variant, bytes;
	uint32_t index;

	if (!split_name(slice_of_string(name), &variant, &index)) {
		golden_other(others, name);
		return 0;
	}
	if (!json_is_array(values) || !json_first(values))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "\"%s\": expected an array of at least one value", name);
	struct golden_set *s = set_of(g, variant, e);
	if (!s)
		return -PCRCAST_ELIMIT;
	for (const struct cJSON *c = json_first(values); c; c = json_next(c)) {
		if (!json_hex(&g->pool, c, &bytes) || golden_alg_by_len(bytes.n) == ALG_COUNT)
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				       "\"%s\": expected digests in hex", name);
		int r = golden_add_value(g, s, golden_alg_by_len(bytes.n), index, bytes, GOLDEN_STATED, NULL,
					 e);
		if (r < 0)
			return r;
	}
	return 0;
}

static const char other_names[] = "names that are no PCR";

static int read_sample(struct golden *g, const struct cJSON *object, struct pcrcast_error *e)
{
	struct golden_others others = { 0 };
	int r = 0;

	for (const struct cJSON *c = json_first(object); c && r == 0; c = json_next(c))
		r = read_values(g, json_key(c), c, &others, e);
	return r < 0 ? r : golden_note_others(g, &others, other_names, e);
}

static int read_stored(struct golden *g, const struct cJSON *list, struct pcrcast_error *e)
{
	struct golden_others others = { 0 }, expiring = { 0 };
	size_t n = 0;

	for (const struct cJSON *c = json_first(list); c; c = json_next(c), n++) {
		const char *name, *until;

		if (!json_string(json_get(c, "name"), &name))
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				       "reference value %zu: expected \"name\" and \"value\"", n);
		int r = read_values(g, name, json_get(c, "value"), &others, e);
		if (r < 0)
			return r;
		if (json_string(json_get(c, "expiration"), &until))
			golden_other(&expiring, until);
	}
	int r = golden_note_others(g, &others, other_names, e);
	return r < 0 ? r : golden_note_others(g, &expiring, "times at which values expire", e);
}

/* The base64 text of a message; NULL when the object is none. */
static const struct cJSON *message_payload(const struct cJSON *object)
{
	const struct cJSON *payload = json_get(object, "payload");
	const char *text;

	if (!payload)
		payload = json_get(object, "provenance");
	return json_string(json_get(object, "type"), &text) && json_string(payload, &text) ? payload : NULL;
}

static int read_message(struct golden *g, const struct cJSON *message, struct pcrcast_error *e)
{
	const struct cJSON *payload = message_payload(message), *version = json_get(message, "version");
	const char *text, *type;
	struct slice bytes;
	struct cJSON *sample;

	(void)json_string(json_get(message, "type"), &type);
	if (strcmp(type, "sample") != 0)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "a message of type \"%s\", expected \"sample\"", type);
	if (version && (!json_string(version, &text) || strcmp(text, message_version) != 0))
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET, "\"version\": expected \"%s\"",
			       message_version);
	(void)json_string(payload, &text);
	if (!base64_decode(&g->pool, slice_of_string(text), &bytes))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"%s\": expected base64",
			       json_key(payload));
	if (json_parse(bytes, &sample, e) < 0)
		return err_wrap(e, "in \"%s\"", json_key(payload));
	int r = json_is_object(sample) ? read_sample(g, sample, e) :
					 err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
						 "\"%s\": expected an object within", json_key(payload));
	json_free(sample);
	if (r < 0 || g->n == 0)
		return r;
	char *key = pool_printf(&g->pool, "\"%s\"", json_key(payload));
	return key ? golden_add_extra(g, &g->sets[0], "rvps", "message", key, e) : err_nomem(e);
}

GOLDEN_READER(rvps_read)
{
	if (json_is_array(in->json))
		return read_stored(g, in->json, e);
	return message_payload(in->json) ? read_message(g, in->json, e) : read_sample(g, in->json, e);
}

/* ---- writing ---- */

static int check_variants(const struct golden *g, struct pcrcast_error *e)
{
	for (size_t i = 0; i < g->n; i++)
		for (size_t k = 0; k < i; k++) {
			const char *a = g->sets[i].id.variant, *b = g->sets[k].id.variant;

			if (strcmp(a ? a : default_variant, b ? b : default_variant) == 0)
				return err_set(
					e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
					"two sets of values would have the names %s_pcr…: choose with --set",
					a ? a : default_variant);
		}
	return 0;
}

static int tell_identity(const struct golden *g, struct golden_writer *w, struct pcrcast_error *e)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct golden_identity *id = &g->sets[i].id;

		if (id->image || id->vendor || id->csp || id->version || id->ref || id->stream)
			return golden_lost(w, e, "what image the values are for");
	}
	return 0;
}

static struct cJSON *sample_json(struct json_doc *d, const struct golden *g, struct pool *pool)
{
	struct cJSON *root = json_object(d);

	for (size_t i = 0; i < g->n; i++)
		for (size_t k = 0; k < g->sets[i].n_registers; k++) {
			const struct golden_register *r = &g->sets[i].registers[k];
			const char *variant = g->sets[i].id.variant;
			struct cJSON *values = json_array(d);
			char hex[2 * DIGEST_MAX + 1];

			for (size_t v = 0; v < r->n; v++) {
				hex_encode(r->values[v].bytes, algs[r->alg].len, hex);
				json_append_string(d, values, hex);
			}
			char *key =
				pool_printf(pool, "%s_pcr%u", variant ? variant : default_variant, r->index);
			d->failed |= !key;
			json_add(d, root, key ? key : "", values);
		}
	return root;
}

/* "\"payload\"" or "\"provenance\"" when the values came in a message; NULL when not. */
static const char *message_key(const struct golden *g)
{
	for (size_t i = 0; i < g->n; i++)
		for (size_t k = 0; k < g->sets[i].n_extras; k++)
			if (strcmp(g->sets[i].extras[k].format, "rvps") == 0)
				return strstr(g->sets[i].extras[k].json, "payload") ? "payload" :
										      "provenance";
	return NULL;
}

GOLDEN_WRITER(rvps_write)
{
	struct json_doc d = { false };
	const char *key = message_key(g);
	int r = check_variants(g, e);

	r = r < 0 ? r : tell_identity(g, w, e);
	if (r < 0)
		return r;
	struct cJSON *root = sample_json(&d, g, w->pool);
	if (!key)
		return golden_write_indented(w, &d, root, 4, e); /* as in RVPS' README */
	char *text = d.failed ? NULL : json_text(w->pool, root);
	char *base64 = text ? base64_text(w->pool, slice_of_string(text)) : NULL;
	json_free(root);
	root = json_object(&d);
	d.failed |= !base64;
	json_add_string(&d, root, "version", message_version);
	json_add_string(&d, root, "type", "sample");
	json_add_string(&d, root, key, base64 ? base64 : "");
	return golden_write_indented(w, &d, root, 4, e);
}

GOLDEN_RECOGNISER(rvps_recognise)
{
	const struct cJSON *first = json_first(in->json);
	struct slice variant;
	const char *text;
	uint32_t index;

	if (json_is_array(in->json))
		return json_string(json_get(first, "name"), &text) && json_is_array(json_get(first, "value"));
	if (message_payload(in->json))
		return true;
	for (const struct cJSON *c = json_is_object(in->json) ? first : NULL; c; c = json_next(c))
		if (split_name(slice_of_string(json_key(c)), &variant, &index) && json_is_array(c))
			return true;
	return false;
}
