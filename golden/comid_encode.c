/* The triples of a CoMID as CBOR, and ids that follow from contents. */
#include <string.h>

#include "base/encode.h"
#include "golden/comid.h"

int comid_derive_id(const char *purpose, struct slice content, uint8_t ret[static UUID_BYTES],
		    struct pcrcast_error *e)
{
	struct pool pool = POOL_INIT;
	struct digest d;
	size_t n = strlen(purpose) + 1;
	uint8_t *all = content.n < SIZE_MAX - n ? pool_array(&pool, n + content.n, 1) : NULL;

	if (!all)
		return err_nomem(e);
	memcpy(all, purpose, n);
	memcpy(all + n, content.p, content.n);
	int r = digest_of(ALG_SHA256, (struct slice){ all, n + content.n }, &d, e);
	pool_done(&pool);
	if (r < 0)
		return r;
	memcpy(ret, d.bytes, UUID_BYTES);
	ret[6] = (uint8_t)((ret[6] & 0x0f) | 0x80); /* version 8 */
	ret[8] = (uint8_t)((ret[8] & 0x3f) | 0x80); /* the variant of RFC 9562 */
	return 0;
}

int comid_put_encoded(struct cbor_writer *w, const struct golden_set *s, const char *key,
		      struct pcrcast_error *e)
{
	struct cJSON *json = comid_extra_json(s, "corim", key);
	const struct cbor_node *node;
	struct slice item;
	int r = 0;

	if (!json_hex(w->pool, json, &item) || cbor_read(w->pool, item, 0, &node, NULL) < 0)
		r = err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			    "extra \"%s\": expected a CBOR item in hex", key);
	else
		cbor_put_raw(w, item);
	json_free(json);
	return r;
}

static int put_class_id(struct cbor_writer *w, const struct golden_set *s, struct pcrcast_error *e)
{
	struct cJSON *json = comid_extra_json(s, "comid-json", "class-id");
	const char *type = "", *value = "";
	struct slice bytes = SLICE_EMPTY;
	uint8_t uuid[UUID_BYTES];
	uint64_t tag = 0;

	(void)json_string(json_get(json, "type"), &type);
	(void)json_string(json_get(json, "value"), &value);
	if (strcmp(type, "uuid") == 0 && comid_uuid_parse(value, uuid)) {
		bytes = (struct slice){ uuid, sizeof uuid };
		tag = COMID_TAG_UUID;
	} else if (strcmp(type, "oid") == 0 && comid_oid_parse(w->pool, value, &bytes)) {
		tag = COMID_TAG_OID;
	} else if (strcmp(type, "bytes") == 0 && base64_decode(w->pool, slice_of_string(value), &bytes)) {
		tag = COMID_TAG_BYTES;
	}
	int r = tag ? 0 :
		      err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			      "class id of type \"%s\": expected a good uuid, oid or bytes", type);
	if (tag) {
		cbor_put_unsigned(w, COMID_CLASS_ID);
		cbor_put_tag(w, tag);
		cbor_put_bytes(w, bytes);
	}
	json_free(json);
	return r;
}

static bool number_of(const struct golden_set *s, const char *key, uint64_t *ret)
{
	struct cJSON *json = comid_extra_json(s, "comid-json", key);
	bool ok = json_u64(json, ret);

	json_free(json);
	return ok;
}

static int put_class(struct cbor_writer *w, const struct golden_set *s, struct pcrcast_error *e)
{
	bool has_id = comid_extra(s, "comid-json", "class-id") != NULL;
	uint64_t layer, index;
	bool has_layer = number_of(s, "layer", &layer), has_index = number_of(s, "index", &index);
	int r = 0;

	cbor_put_map(w, (size_t)has_id + !!s->id.vendor + !!s->id.image + has_layer + has_index);
	if (has_id)
		r = put_class_id(w, s, e);
	if (s->id.vendor) {
		cbor_put_unsigned(w, COMID_CLASS_VENDOR);
		cbor_put_text(w, s->id.vendor);
	}
	if (s->id.image) {
		cbor_put_unsigned(w, COMID_CLASS_MODEL);
		cbor_put_text(w, s->id.image);
	}
	if (has_layer) {
		cbor_put_unsigned(w, COMID_CLASS_LAYER);
		cbor_put_unsigned(w, layer);
	}
	if (has_index) {
		cbor_put_unsigned(w, COMID_CLASS_INDEX);
		cbor_put_unsigned(w, index);
	}
	return r;
}

static int put_environment(struct cbor_writer *w, const struct golden_set *s, bool with_encoded,
			   struct pcrcast_error *e)
{
	bool instance = with_encoded && comid_extra(s, "corim", "instance");
	bool group = with_encoded && comid_extra(s, "corim", "group");

	cbor_put_map(w, 1u + instance + group);
	cbor_put_unsigned(w, COMID_ENV_CLASS);
	int r = put_class(w, s, e);
	if (instance && r == 0) {
		cbor_put_unsigned(w, COMID_ENV_INSTANCE);
		r = comid_put_encoded(w, s, "instance", e);
	}
	if (group && r == 0) {
		cbor_put_unsigned(w, COMID_ENV_GROUP);
		r = comid_put_encoded(w, s, "group", e);
	}
	return r;
}

static void put_registers(struct cbor_writer *w, const struct comid_states *st)
{
	uint32_t indices[PCR_COUNT];
	size_t n = comid_indices(st->s, indices);

	cbor_put_map(w, n);
	for (size_t i = 0; i < n; i++) {
		size_t banks = 0;
		char name[12];

		if (st->s->cc)
			cbor_put_text(w, golden_register_name(st->s, indices[i], name));
		else
			cbor_put_unsigned(w, indices[i]);
		for (size_t k = 0; k < st->s->n_registers; k++)
			banks += st->s->registers[k].index == indices[i];
		cbor_put_array(w, banks);
		for (size_t k = 0; k < st->s->n_registers; k++) {
			if (st->s->registers[k].index != indices[i])
				continue;
			cbor_put_array(w, 2);
			cbor_put_unsigned(w, comid_alg_number(st->s->registers[k].alg));
			cbor_put_bytes(w, comid_state_value(st, k));
		}
	}
}

/* A reference-triple-record. */
static int put_record(struct cbor_writer *w, const struct comid_states *st, bool with_encoded,
		      struct pcrcast_error *e)
{
	bool key = with_encoded && comid_extra(st->s, "corim", "key");
	int r;

	cbor_put_array(w, 2);
	r = put_environment(w, st->s, with_encoded, e);
	cbor_put_array(w, 1);
	cbor_put_map(w, 1u + key);
	if (key && r == 0) {
		cbor_put_unsigned(w, COMID_MEASUREMENT_KEY);
		r = comid_put_encoded(w, st->s, "key", e);
	}
	cbor_put_unsigned(w, COMID_MEASUREMENT_VALUE);
	cbor_put_map(w, 1);
	cbor_put_unsigned(w, COMID_VALUE_REGISTERS);
	put_registers(w, st);
	return r;
}

int comid_encode_triples(struct pool *pool, const struct golden_set *sets, size_t n, bool with_encoded,
			 struct slice *ret, struct pcrcast_error *e)
{
	struct cbor_writer records = CBOR_WRITER(pool), w = CBOR_WRITER(pool);
	size_t n_records = 0;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		struct comid_states st;

		r = comid_states_init(pool, &sets[i], &st, e);
		if (r < 0)
			return r;
		do {
			r = put_record(&records, &st, with_encoded, e);
			n_records++;
		} while (r == 0 && comid_states_next(&st));
	}
	if (r == 0 && n_records > GOLDEN_MAX_SETS)
		r = comid_too_many(n_records, e);
	if (r < 0)
		return r;
	cbor_put_map(&w, 1);
	cbor_put_unsigned(&w, COMID_TRIPLES_REFERENCE);
	cbor_put_array(&w, n_records);
	cbor_put_raw(&w, cbor_written(&records));
	if (w.failed || records.failed)
		return err_nomem(e);
	*ret = cbor_written(&w);
	return 0;
}
