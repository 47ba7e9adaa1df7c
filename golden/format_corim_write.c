/* Writing CoRIM: see format_corim.c. */
#include <string.h>

#include "golden/corim.h"
#include "golden/format_rows.h"

/* The tag-id that the set came with, or one made of the triples. */
static int put_tag_identity(struct cbor_writer *w, const struct golden_set *s, struct slice triples,
			    struct pcrcast_error *e)
{
	struct cJSON *id = comid_extra_json(s, "comid-json", "tag-id");
	struct cJSON *version = comid_extra_json(s, "comid-json", "tag-version");
	uint8_t uuid[UUID_BYTES];
	const char *text = NULL;
	uint64_t number;
	int r = 0;

	(void)json_string(id, &text);
	cbor_put_unsigned(w, COMID_IDENTITY);
	cbor_put_map(w, version ? 2 : 1);
	cbor_put_unsigned(w, 0);
	if (!text)
		r = comid_derive_id("pcrcast CoMID", triples, uuid, e);
	if (r == 0 && text && !comid_uuid_parse(text, uuid))
		cbor_put_text(w, text);
	else
		cbor_put_bytes(w, (struct slice){ uuid, sizeof uuid });
	if (version) {
		cbor_put_unsigned(w, 1);
		cbor_put_unsigned(w, json_u64(version, &number) ? number : 0);
	}
	json_free(id);
	json_free(version);
	return r;
}

/* One CoMID of n sets. */
static int put_comid(struct cbor_writer *w, const struct golden_set *sets, size_t n, struct pcrcast_error *e)
{
	struct cJSON *language = comid_extra_json(&sets[0], "comid-json", "lang");
	bool entities = comid_extra(&sets[0], "corim", "entities") != NULL;
	const char *text = NULL;
	struct slice triples;
	int r = comid_encode_triples(w->pool, sets, n, true, &triples, e);

	(void)json_string(language, &text);
	cbor_put_map(w, 2u + (text != NULL) + entities);
	if (text) {
		cbor_put_unsigned(w, COMID_LANGUAGE);
		cbor_put_text(w, text);
	}
	json_free(language);
	r = r < 0 ? r : put_tag_identity(w, &sets[0], triples, e);
	if (entities && r == 0) {
		cbor_put_unsigned(w, COMID_ENTITIES);
		r = comid_put_encoded(w, &sets[0], "entities", e);
	}
	if (r < 0)
		return r;
	cbor_put_unsigned(w, COMID_TRIPLES);
	cbor_put_raw(w, triples);
	return 0;
}

/* Every CoMID, tagged, behind each other. */
static int put_tags(struct cbor_writer *w, const struct golden *g, size_t *ret_n, struct pcrcast_error *e)
{
	size_t n = 0;

	for (size_t i = 0, end; i < g->n; i = end) {
		struct cbor_writer comid = CBOR_WRITER(w->pool);

		for (end = i + 1; end < g->n && comid_same_tag(&g->sets[i], &g->sets[end]);)
			end++;
		int r = put_comid(&comid, &g->sets[i], end - i, e);
		if (r < 0)
			return r;
		w->failed |= comid.failed;
		cbor_put_tag(w, TAG_COMID);
		cbor_put_bytes(w, cbor_written(&comid));
		n++;
	}
	*ret_n = n;
	return 0;
}

/* A field of the manifest is written when all sets came with the same; how many are. */
static bool all_have(const struct golden *g, const char *key)
{
	const char *first = comid_extra(&g->sets[0], "corim", key);

	for (size_t i = 0; first && i < g->n; i++) {
		const char *text = comid_extra(&g->sets[i], "corim", key);

		if (!text || strcmp(text, first) != 0)
			return false;
	}
	return first != NULL;
}

static int put_corim(struct cbor_writer *w, const struct golden *g, struct slice tags, size_t n_tags,
		     struct pcrcast_error *e)
{
	bool has_id = all_have(g, "corim-id");
	uint8_t uuid[UUID_BYTES];
	size_t fields = 2;
	int r = 0;

	for (size_t i = 1; i < N_CORIM_FIELDS; i++)
		fields += all_have(g, corim_fields[i].name);
	cbor_put_tag(w, TAG_CORIM);
	cbor_put_map(w, fields);
	cbor_put_unsigned(w, CORIM_ID);
	if (has_id)
		r = comid_put_encoded(w, &g->sets[0], "corim-id", e);
	else
		r = comid_derive_id("pcrcast CoRIM", tags, uuid, e);
	if (!has_id)
		cbor_put_bytes(w, (struct slice){ uuid, sizeof uuid });
	cbor_put_unsigned(w, CORIM_TAGS);
	cbor_put_array(w, n_tags);
	cbor_put_raw(w, tags);
	for (size_t i = 1; i < N_CORIM_FIELDS && r == 0; i++) {
		if (!all_have(g, corim_fields[i].name))
			continue;
		cbor_put_unsigned(w, corim_fields[i].key);
		r = comid_put_encoded(w, &g->sets[0], corim_fields[i].name, e);
	}
	return r;
}

static int tell_losses(const struct golden *g, struct golden_writer *w, struct pcrcast_error *e)
{
	int r = 0;

	for (size_t i = 0; i < g->n && r == 0; i++)
		r = comid_tell_losses(&g->sets[i], true, w, e);
	for (size_t k = 0; k < N_CORIM_FIELDS && r == 0; k++)
		for (size_t i = 0; i < g->n && r == 0; i++)
			if (comid_extra(&g->sets[i], "corim", corim_fields[k].name) &&
			    !all_have(g, corim_fields[k].name)) {
				r = golden_lost(w, e, "\"%s\", which the sets do not share",
						corim_fields[k].name);
				break;
			}
	return r;
}

GOLDEN_WRITER(corim_write)
{
	struct cbor_writer tags = CBOR_WRITER(w->pool), out = CBOR_WRITER(w->pool);
	size_t n_tags;
	int r = tell_losses(g, w, e);

	r = r < 0 ? r : put_tags(&tags, g, &n_tags, e);
	r = r < 0 ? r : put_corim(&out, g, cbor_written(&tags), n_tags, e);
	if (r < 0)
		return r;
	if (tags.failed || out.failed || fwrite(out.bytes, 1, out.n, w->out) != out.n)
		return err_nomem(e);
	return 0;
}
