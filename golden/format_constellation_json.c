/*
 * Constellation's published measurements: ImageMeasurementsV2, one file for all variants of an image, and the older form
 * for one cloud and image, with and without its metadata.
 *
 * Source: Constellation v2.24, internal/attestation/measurements/measurements.go; v2.5, WithMetadata there.
 */
#include <stdlib.h>
#include <string.h>

#include "golden/constellation.h"
#include "golden/format_rows.h"

/* ---- ImageMeasurementsV2 ---- */

/* What the file says once is every set's. */
struct file_identity {
	const char *version, *ref, *stream;
};

static int read_entry(struct golden *g, const struct cJSON *node, const struct file_identity *id,
		      struct pcrcast_error *e)
{
	static const char *const keys[] = { "csp", "attestationVariant", "measurements", NULL };
	struct golden_set *s = golden_add_set(g, e);
	const char *csp = NULL;

	if (!s)
		return -PCRCAST_ELIMIT;
	struct constellation_map m = { .g = g, .s = s, .origin = GOLDEN_STATED };
	s->id.version = id->version;
	s->id.ref = id->ref;
	s->id.stream = id->stream;
	int r = json_get_text(&g->pool, node, "csp", &csp, e);
	r = r < 0 ? r : json_get_text(&g->pool, node, "attestationVariant", &s->id.variant, e);
	if (r == 0 && (!csp || !s->id.variant))
		r = err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			    "expected \"csp\" and \"attestationVariant\"");
	r = r < 0 ? r : constellation_note_keys(g, node, keys, e);
	r = r < 0 ? r : constellation_set_csp(g, s, csp, e);
	return r < 0 ? r : constellation_add_json(&m, json_get(node, "measurements"), e);
}

GOLDEN_READER(constellation_read)
{
	static const char *const keys[] = { "version", "ref", "stream", "list", NULL };
	const struct cJSON *list = json_get(in->json, "list");
	struct file_identity id;

	int r = json_get_text(&g->pool, in->json, "version", &id.version, e);
	r = r < 0 ? r : json_get_text(&g->pool, in->json, "ref", &id.ref, e);
	r = r < 0 ? r : json_get_text(&g->pool, in->json, "stream", &id.stream, e);
	if (r == 0 && (!id.version || !id.ref || !id.stream))
		r = err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			    "expected \"version\", \"ref\" and \"stream\"");
	if (r == 0 && !json_is_array(list))
		r = err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"list\": expected an array");
	r = r < 0 ? r : constellation_note_keys(g, in->json, keys, e);
	for (const struct cJSON *c = json_first(list); c && r == 0; c = json_next(c))
		if (read_entry(g, c, &id, e) < 0)
			r = err_wrap(e, "list entry %zu", g->n);
	/* The first entry of a cloud and variant is the one that counts. */
	for (size_t i = 1; i < g->n && r == 0; i++)
		for (size_t k = 0; k < i && r == 0; k++)
			if (strcmp(g->sets[i].id.csp, g->sets[k].id.csp) == 0 &&
			    strcmp(g->sets[i].id.variant, g->sets[k].id.variant) == 0)
				r = err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
					    "list entries %zu and %zu are both for %s, %s", k + 1, i + 1,
					    g->sets[i].id.csp, g->sets[i].id.variant);
	return r;
}

GOLDEN_RECOGNISER(constellation_recognise)
{
	const char *text;

	return json_is_array(json_get(in->json, "list")) && json_string(json_get(in->json, "ref"), &text) &&
	       json_string(json_get(in->json, "stream"), &text) &&
	       json_string(json_get(in->json, "version"), &text);
}

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static int check_identity(const struct golden *g, const struct golden_set *s, struct pcrcast_error *e)
{
	const struct golden_identity *id = &s->id, *first = &g->sets[0].id;

	if (!id->csp || !id->variant)
		return err_set(
			e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			"a set without cloud and attestation variant: a preset states them (golden make --preset)");
	if (!id->version || !id->ref || !id->stream)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "the image's version, ref and stream have to be stated (v2.16.3, -, stable)");
	if (!same(id->version, first->version) || !same(id->ref, first->ref) ||
	    !same(id->stream, first->stream))
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "sets of different version, ref or stream: choose with --set");
	return constellation_check(s, e);
}

/* As Constellation merges lists: by cloud, then variant. */
static int by_cloud_and_variant(const void *a, const void *b)
{
	const struct golden_identity *x = &(*(const struct golden_set *const *)a)->id,
				     *y = &(*(const struct golden_set *const *)b)->id;
	size_t i = constellation_csp_by_name(x->csp), k = constellation_csp_by_name(y->csp);

	return i != k ? (i < k ? -1 : 1) : strcmp(x->variant, y->variant);
}

GOLDEN_WRITER(constellation_write)
{
	const struct golden_set **order = pool_array(w->pool, g->n, sizeof *order);
	struct json_doc d = { false };
	int r = order ? 0 : err_nomem(e);

	for (size_t i = 0; i < g->n && r == 0; i++) {
		order[i] = &g->sets[i];
		r = check_identity(g, order[i], e);
		if (r == 0)
			r = constellation_tell_lost(
				w, order[i],
				CONSTELLATION_CSP | CONSTELLATION_VARIANT | CONSTELLATION_VERSION, e);
	}
	if (r < 0)
		return r;
	qsort(order, g->n, sizeof *order, by_cloud_and_variant);
	for (size_t i = 1; i < g->n; i++)
		if (by_cloud_and_variant(&order[i - 1], &order[i]) == 0)
			return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
				       "two sets for %s, %s: the first would hide the second",
				       order[i]->id.csp, order[i]->id.variant);
	struct cJSON *root = json_object(&d), *list = json_array(&d);
	json_add_string(&d, root, "version", g->sets[0].id.version);
	json_add_string(&d, root, "ref", g->sets[0].id.ref);
	json_add_string(&d, root, "stream", g->sets[0].id.stream);
	for (size_t i = 0; i < g->n; i++) {
		struct cJSON *o = json_object(&d);

		json_add_string(&d, o, "csp", order[i]->id.csp);
		json_add_string(&d, o, "attestationVariant", order[i]->id.variant);
		json_add(&d, o, "measurements", constellation_map_json(&d, order[i], true));
		json_append(&d, list, o);
	}
	json_add(&d, root, "list", list);
	return constellation_write_json(w, &d, root, e);
}

/* ---- the older form ---- */

GOLDEN_READER(constellation_v1_read)
{
	static const char *const keys[] = { "csp", "image", "measurements", NULL };
	struct golden_set *s = golden_add_set(g, e);
	const struct cJSON *map = json_get(in->json, "measurements");
	struct constellation_map m = { .g = g, .s = s, .origin = GOLDEN_STATED };
	const char *csp = NULL;

	if (!s)
		return -PCRCAST_ELIMIT;
	if (!map)
		return constellation_add_json(&m, in->json, e);
	int r = json_get_text(&g->pool, in->json, "csp", &csp, e);
	r = r < 0 ? r : json_get_text(&g->pool, in->json, "image", &s->id.image, e);
	r = r < 0 ? r : constellation_note_keys(g, in->json, keys, e);
	if (r == 0 && csp)
		r = constellation_set_csp(g, s, csp, e);
	return r < 0 ? r : constellation_add_json(&m, map, e);
}

GOLDEN_RECOGNISER(constellation_v1_recognise)
{
	const char *text;

	return constellation_is_map(in->json) || (json_string(json_get(in->json, "csp"), &text) &&
						  json_is_object(json_get(in->json, "measurements")));
}

/* Both or neither: the metadata are checked against what a file is fetched for. */
int constellation_metadata(const struct golden_set *s, struct golden_writer *w, bool *ret,
			   struct pcrcast_error *e)
{
	*ret = s->id.csp && s->id.image;
	return constellation_tell_lost(w, s, *ret ? CONSTELLATION_CSP | CONSTELLATION_IMAGE : 0, e);
}

GOLDEN_WRITER(constellation_v1_write)
{
	const struct golden_set *s = &g->sets[0];
	struct json_doc d = { false };
	bool metadata;

	int r = constellation_check(s, e);
	r = r < 0 ? r : constellation_metadata(s, w, &metadata, e);
	if (r < 0)
		return r;
	struct cJSON *map = constellation_map_json(&d, s, true), *root = map;
	if (metadata) {
		root = json_object(&d);
		json_add_string(&d, root, "csp", s->id.csp);
		json_add_string(&d, root, "image", s->id.image);
		json_add(&d, root, "measurements", map);
	}
	return constellation_write_json(w, &d, root, e);
}
