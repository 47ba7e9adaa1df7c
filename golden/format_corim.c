/*
 * CoRIM, the concise reference integrity manifest of draft-ietf-rats-corim-11 (July 2026), with CoMIDs in it, and a CoMID alone.
 * What is read of it: reference values of integrity registers. comid.h says how they become sets and back.
 *
 * Read: tag 501, as it is or within COSE_Sign1 (tag 18, the signature is not checked here), with the wrappers 500 and 502 of
 * drafts before -03; tag 506; and, as veraison's cocli writes them, a corim-map and a CoMID without a tag, and a tagged CoMID within a
 * byte string. Written: tag 501, in the deterministic encoding of RFC 8949.
 *
 * Nothing is random: a tag-id or corim-id that was not read with the values is made of the contents, see comid_derive_id.
 */
#include <string.h>
#include <time.h>

#include "base/encode.h"
#include "eventlog/cc.h"
#include "golden/corim.h"
#include "golden/format_rows.h"

enum { COSE_CONTENT_TYPE = 3, COSE_PAYLOAD_HASH = 258 };

static const char content_type[] = "application/rim+cbor";

struct corim_reader {
	struct golden *g;
	struct pool pool; /* the tree */
	const struct cbor_node *corim, *comid;
	/* what is no reference value of a register, told at the end */
	size_t other_tags, other_triples, other_records, other_values, other_digests, other_fields;
	struct pcrcast_error *e;
};

static int expected(const struct corim_reader *c, const struct cbor_node *at, const char *what)
{
	return err_set(c->e, PCRCAST_EFORMAT, at ? at->offset : PCRCAST_NO_OFFSET, "CoRIM: expected %s",
		       what);
}

static size_t content_offset(const struct cbor_node *bytes)
{
	return bytes->offset + bytes->raw.n - bytes->bytes.n; /* near enough for one in pieces */
}

/* Keep an item as it was encoded. */
static int keep_encoded(struct corim_reader *c, struct golden_set *s, const char *key,
			const struct cbor_node *node)
{
	if (!node)
		return 0;
	if (node->raw.n > COMID_MAX_EXTRA)
		return err_set(c->e, PCRCAST_ELIMIT, node->offset,
			       "CoRIM: \"%s\" of %zu bytes, at most %d handled", key, node->raw.n,
			       COMID_MAX_EXTRA);
	char *hex = hex_text(&c->pool, node->raw);
	return hex ? comid_keep_text(c->g, s, "corim", key, hex, c->e) : err_nomem(c->e);
}

static int keep_text(struct corim_reader *c, struct golden_set *s, const char *key,
		     const struct cbor_node *node)
{
	const char *text;

	if (!node)
		return 0;
	if (!cbor_string(&c->pool, node, &text))
		return expected(c, node, "text");
	return comid_keep_text(c->g, s, "comid-json", key, text, c->e);
}

static int keep_number(struct corim_reader *c, struct golden_set *s, const char *key,
		       const struct cbor_node *node)
{
	if (!node)
		return 0;
	if (node->kind != CBOR_UNSIGNED)
		return expected(c, node, "an unsigned number");
	return comid_keep_number(c->g, s, key, node->number, c->e);
}

static int read_class_id(struct corim_reader *c, struct golden_set *s, const struct cbor_node *node)
{
	const struct cbor_node *uuid = cbor_untag(node, COMID_TAG_UUID),
			       *oid = cbor_untag(node, COMID_TAG_OID),
			       *bytes = cbor_untag(node, COMID_TAG_BYTES),
			       *id = uuid ? uuid :
				     oid  ? oid :
					    bytes;
	char *value = NULL;

	if (!node)
		return 0;
	if (!cbor_is(id, CBOR_BYTES) || (uuid && id->bytes.n != UUID_BYTES))
		return expected(c, node, "a class id that is a UUID, an OID or bytes (tags 37, 111, 560)");
	value = uuid ? comid_uuid_text(&c->pool, id->bytes.p) :
		oid  ? comid_oid_text(&c->pool, id->bytes) :
		       base64_text(&c->pool, id->bytes);
	if (!value && oid)
		return expected(c, node, "an OID with arcs of at most 64 bits");
	char *json = value ? pool_printf(&c->pool, "{\"type\":\"%s\",\"value\":\"%s\"}",
					 uuid ? "uuid" :
					 oid  ? "oid" :
						"bytes",
					 value) :
			     NULL;
	return json ? golden_add_extra(c->g, s, "comid-json", "class-id", json, c->e) : err_nomem(c->e);
}

/* Text that belongs to the golden; *ret stays NULL when there is none. */
static int read_word(struct corim_reader *c, const struct cbor_node *node, const char **ret)
{
	if (node && !cbor_string(&c->g->pool, node, ret))
		return expected(c, node, "text");
	return 0;
}

static int read_environment(struct corim_reader *c, struct golden_set *s, const struct cbor_node *env)
{
	const struct cbor_node *class = cbor_get(env, COMID_ENV_CLASS);
	int r;

	if (!cbor_is(env, CBOR_MAP) || (class && class->kind != CBOR_MAP))
		return expected(c, env, "an environment-map");
	r = read_class_id(c, s, cbor_get(class, COMID_CLASS_ID));
	r = r < 0 ? r : read_word(c, cbor_get(class, COMID_CLASS_VENDOR), &s->id.vendor);
	r = r < 0 ? r : read_word(c, cbor_get(class, COMID_CLASS_MODEL), &s->id.image);
	r = r < 0 ? r : keep_number(c, s, "layer", cbor_get(class, COMID_CLASS_LAYER));
	r = r < 0 ? r : keep_number(c, s, "index", cbor_get(class, COMID_CLASS_INDEX));
	r = r < 0 ? r : keep_encoded(c, s, "instance", cbor_get(env, COMID_ENV_INSTANCE));
	return r < 0 ? r : keep_encoded(c, s, "group", cbor_get(env, COMID_ENV_GROUP));
}

/* The bank of a digest's algorithm; ALG_COUNT: not one of ours. */
static enum alg read_alg(struct corim_reader *c, const struct cbor_node *node)
{
	const char *name;

	if (cbor_is(node, CBOR_UNSIGNED))
		return comid_alg_by_number(node->number);
	return cbor_string(&c->pool, node, &name) ? comid_alg_by_name(name) : ALG_COUNT;
}

static int read_digests(struct corim_reader *c, struct golden_set *s, uint32_t index,
			const struct cbor_node *list)
{
	size_t known = 0;

	if (!cbor_is(list, CBOR_ARRAY) || list->n == 0)
		return expected(c, list, "an array of digests");
	for (const struct cbor_node *d = list->first; d; d = d->next) {
		if (d->kind != CBOR_ARRAY || d->n != 2 || !cbor_is(d->first->next, CBOR_BYTES))
			return expected(c, d, "a digest, [algorithm, bytes]");
		enum alg alg = read_alg(c, d->first);

		if (alg == ALG_COUNT) {
			c->other_digests++;
			continue;
		}
		known++;
		if (comid_add_digest(c->g, s, alg, index, d->first->next->bytes, c->e) < 0) {
			if (c->e)
				c->e->offset = d->offset;
			return -PCRCAST_EFORMAT;
		}
	}
	if (known == 0)
		return err_set(c->e, PCRCAST_EUNSUPPORTED, list->offset,
			       "CoRIM: a register with no digest of SHA-256, SHA-384 or SHA-512");
	return 0;
}

/* A key of integrity-registers: a PCR's number, or the name of a CC register. */
static int read_register_id(struct corim_reader *c, struct golden_set *s, const struct cbor_node *key,
			    uint32_t *ret)
{
	bool text = key->kind == CBOR_TEXT;
	enum cc_register cc = text ? cc_register_by_name(key->bytes) : CC_REGISTERS;

	if (text ? cc == CC_REGISTERS : key->kind != CBOR_UNSIGNED || key->number >= PCR_COUNT)
		return expected(c, key, "a register: PCR 0 to 23, \"mrtd\" or \"rtmr0\" to \"rtmr3\"");
	if (s->n_registers && s->cc != text)
		return expected(c, key, "either PCRs or CC registers in one state");
	s->cc = text;
	*ret = text ? (uint32_t)cc : (uint32_t)key->number;
	return 0;
}

static int read_registers(struct corim_reader *c, struct golden_set *s, const struct cbor_node *map)
{
	uint32_t index = 0;
	int r = 0;

	if (!cbor_is(map, CBOR_MAP) || map->n == 0)
		return expected(c, map, "a map of integrity registers");
	for (const struct cbor_node *k = map->first; k && r == 0; k = k->next->next) {
		r = read_register_id(c, s, k, &index);
		r = r < 0 ? r : read_digests(c, s, index, k->next);
	}
	return r;
}

/* Does one of the measurements speak of registers? */
static const struct cbor_node *registers_of(const struct cbor_node *measurement)
{
	return cbor_get(cbor_get(measurement, COMID_MEASUREMENT_VALUE), COMID_VALUE_REGISTERS);
}

static int read_measurement(struct corim_reader *c, struct golden_set *s, const struct cbor_node *m)
{
	const struct cbor_node *values = cbor_get(m, COMID_MEASUREMENT_VALUE), *registers = registers_of(m);

	if (!cbor_is(values, CBOR_MAP))
		return expected(c, m, "a measurement-map");
	c->other_values += values->n - (registers ? 1 : 0);
	if (!registers)
		return 0;
	c->other_fields += cbor_get(m, COMID_MEASUREMENT_AUTHORIZED) != NULL;
	if (cbor_get(m, COMID_MEASUREMENT_KEY) && s->n_registers)
		return expected(c, m, "the registers of a state in one measurement, as it has a key");
	int r = read_registers(c, s, registers);
	return r < 0 ? r : keep_encoded(c, s, "key", cbor_get(m, COMID_MEASUREMENT_KEY));
}

/* What identifies the CoMID, and what the manifest says of all that is in it. */
static int read_tag_identity(struct corim_reader *c, struct golden_set *s)
{
	const struct cbor_node *id = cbor_get(cbor_get(c->comid, COMID_IDENTITY), 0);
	const char *text = NULL;
	int r = 0;

	if (cbor_is(id, CBOR_BYTES) && id->bytes.n == UUID_BYTES)
		text = comid_uuid_text(&c->pool, id->bytes.p);
	else if (!cbor_string(&c->pool, id, &text))
		return expected(c, id ? id : c->comid, "a tag-id that is text or a UUID");
	r = text ? comid_keep_text(c->g, s, "comid-json", "tag-id", text, c->e) : err_nomem(c->e);
	r = r < 0 ? r : keep_number(c, s, "tag-version", cbor_get(cbor_get(c->comid, COMID_IDENTITY), 1));
	r = r < 0 ? r : keep_text(c, s, "lang", cbor_get(c->comid, COMID_LANGUAGE));
	r = r < 0 ? r : keep_encoded(c, s, "entities", cbor_get(c->comid, COMID_ENTITIES));
	for (size_t i = 0; i < N_CORIM_FIELDS && r == 0; i++)
		r = keep_encoded(c, s, corim_fields[i].name, cbor_get(c->corim, corim_fields[i].key));
	return r;
}

static int read_record(struct corim_reader *c, const struct cbor_node *record)
{
	const struct cbor_node *env = record->first, *list = env ? env->next : NULL;
	bool any = false;
	int r;

	if (record->kind != CBOR_ARRAY || record->n != 2 || !cbor_is(list, CBOR_ARRAY) || list->n == 0)
		return expected(c, record, "a reference-triple-record, [environment, measurements]");
	for (const struct cbor_node *m = list->first; m; m = m->next)
		any |= registers_of(m) != NULL;
	if (!any) {
		c->other_records++;
		return 0;
	}
	struct golden_set *s = golden_add_set(c->g, c->e);
	if (!s)
		return -PCRCAST_ELIMIT;
	r = read_environment(c, s, env);
	for (const struct cbor_node *m = list->first; m && r == 0; m = m->next)
		r = read_measurement(c, s, m);
	return r < 0 ? r : read_tag_identity(c, s);
}

static int read_comid(struct corim_reader *c, const struct cbor_node *comid)
{
	const struct cbor_node *triples = cbor_get(comid, COMID_TRIPLES),
			       *list = cbor_get(triples, COMID_TRIPLES_REFERENCE);
	size_t first = c->g->n;
	int r = 0;

	if (!cbor_is(triples, CBOR_MAP) || (list && list->kind != CBOR_ARRAY))
		return expected(c, comid, "a CoMID, a map with triples");
	c->comid = comid;
	c->other_triples += triples->n - (list ? 1 : 0);
	for (const struct cbor_node *k = comid->first; k; k = k->next->next)
		c->other_fields +=
			k->kind != CBOR_UNSIGNED || k->number == COMID_LINKED || k->number > COMID_TRIPLES;
	for (const struct cbor_node *t = list ? list->first : NULL; t && r == 0; t = t->next)
		r = read_record(c, t);
	return r < 0 ? r : comid_join(c->g, first, c->e);
}

/* A CoMID by its tag, in a byte string or not; NULL with *ret_rc 0 when it is something else. */
static const struct cbor_node *untag_comid(struct corim_reader *c, const struct cbor_node *node, int *ret_rc)
{
	const struct cbor_node *inner = cbor_untag(node, TAG_COMID), *content = NULL;
	const struct cbor_node *bytes = cbor_is(inner, CBOR_BYTES) ? inner :
					cbor_is(node, CBOR_BYTES)  ? node :
								     NULL;

	*ret_rc = 0;
	if (!bytes)
		return inner;
	*ret_rc = cbor_read(&c->pool, bytes->bytes, content_offset(bytes), &content, c->e);
	if (*ret_rc < 0)
		return NULL;
	return inner ? content : cbor_untag(content, TAG_COMID);
}

/* "2027-01-01", as the manifest is not judged by it here. */
static int note_validity(struct corim_reader *c)
{
	const struct cbor_node *map = cbor_get(c->corim, CORIM_VALIDITY),
			       *after = cbor_untag(cbor_get(map, 1), 1);
	char text[32] = "a time that it states";
	time_t t = cbor_is(after, CBOR_UNSIGNED) && after->number < UINT32_MAX ? (time_t)after->number : 0;
	struct tm tm;

	if (!map)
		return 0;
	if (t && gmtime_r(&t, &tm))
		(void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return golden_note(c->g, c->e, "the manifest is valid until %s, which is not judged here", text);
}

static int read_corim(struct corim_reader *c, const struct cbor_node *corim)
{
	const struct cbor_node *tags = cbor_get(corim, CORIM_TAGS);
	int r;

	if (!cbor_is(tags, CBOR_ARRAY))
		return expected(c, corim, "a corim-map, with tags");
	c->corim = corim;
	for (const struct cbor_node *k = corim->first; k; k = k->next->next)
		c->other_fields += k->kind != CBOR_UNSIGNED || k->number == CORIM_DEPENDENT ||
				   k->number > CORIM_ENTITIES;
	r = note_validity(c);
	for (const struct cbor_node *t = tags->first; t && r == 0; t = t->next) {
		const struct cbor_node *comid = untag_comid(c, t, &r);

		if (comid)
			r = read_comid(c, comid);
		else
			c->other_tags++;
	}
	return r;
}

/* The payload of COSE_Sign1 (RFC 9052 section 4.2), whose protected header says that it is a CoRIM. */
static int read_signed(struct corim_reader *c, const struct cbor_node *sign1, const struct cbor_node **ret)
{
	const struct cbor_node *protected = sign1->first, *payload, *header;
	const char *type;

	if (sign1->kind != CBOR_ARRAY || sign1->n != 4 || !cbor_is(protected, CBOR_BYTES))
		return expected(c, sign1, "a COSE_Sign1 of four parts");
	int r = cbor_read(&c->pool, protected->bytes, content_offset(protected), &header, c->e);
	if (r < 0)
		return err_wrap(c->e, "protected header");
	payload = protected->next->next;
	if (cbor_get(header, COSE_PAYLOAD_HASH))
		return err_set(
			c->e, PCRCAST_EUNSUPPORTED, payload->offset,
			"CoRIM: the signature is over a hash of the manifest, which is not in this file");
	if (!cbor_string(&c->pool, cbor_get(header, COSE_CONTENT_TYPE), &type) ||
	    strcmp(type, content_type) != 0)
		return expected(c, protected, "content type \"application/rim+cbor\"");
	if (payload->kind != CBOR_BYTES)
		return err_set(c->e, PCRCAST_EUNSUPPORTED, payload->offset,
			       "CoRIM: the payload is not in this file");
	r = cbor_read(&c->pool, payload->bytes, content_offset(payload), ret, c->e);
	return r < 0 ? r :
		       golden_note(c->g, c->e, "the manifest is signed; its signature is not checked here");
}

static int read_any(struct corim_reader *c, struct slice bytes)
{
	const struct cbor_node *node, *inner, *comid;
	int r = cbor_read(&c->pool, bytes, 0, &node, c->e);

	if (r < 0)
		return r;
	while ((inner = cbor_untag(node, TAG_CORIM_OLD)) || (inner = cbor_untag(node, TAG_CORIM_SIGNED_OLD)))
		node = inner;
	if (cbor_untag(node, TAG_COSE_SIGN1))
		r = read_signed(c, node->first, &node);
	if (r < 0)
		return r;
	inner = cbor_untag(node, TAG_CORIM);
	if (inner || cbor_is(cbor_get(node, CORIM_TAGS), CBOR_ARRAY))
		return read_corim(c, inner ? inner : node);
	comid = cbor_untag(node, TAG_COMID) ? untag_comid(c, node, &r) : node;
	return r < 0 ? r : read_comid(c, comid);
}

static int tell_others(struct corim_reader *c)
{
	const struct {
		size_t n;
		const char *what;
	} others[] = {
		{ c->other_tags, "tags that are no CoMID" },
		{ c->other_triples, "kinds of triples that are no reference values" },
		{ c->other_records, "records that have no registers" },
		{ c->other_values, "values beside registers" },
		{ c->other_digests, "digests of algorithms that are not known" },
		{ c->other_fields, "fields (links, dependencies, authorizations, extensions)" },
	};
	int r = 0;

	for (size_t i = 0; i < sizeof others / sizeof others[0] && r == 0; i++)
		if (others[i].n)
			r = golden_note(c->g, c->e, "not read: %zu %s", others[i].n, others[i].what);
	return r;
}

GOLDEN_READER(corim_read)
{
	struct corim_reader c = { .g = g, .pool = POOL_INIT, .e = e };
	int r = read_any(&c, in->bytes);

	r = r < 0 ? r : comid_check_any(g, c.other_records, e);
	r = r < 0 ? r : tell_others(&c);
	pool_done(&c.pool);
	return r;
}

/* A COSE_Sign1 may hold anything: its header tells. */
GOLDEN_RECOGNISER(corim_recognise)
{
	struct pool pool = POOL_INIT;
	const struct cbor_node *node, *inner, *header;
	bool yes = false;

	if (in->files || in->json || in->bytes.n == 0 || in->bytes.p[0] < 0xa0 || in->bytes.p[0] > 0xdb)
		return false; /* neither a map nor a tag */
	if (cbor_read(&pool, in->bytes, 0, &node, NULL) == 0) {
		while ((inner = cbor_untag(node, TAG_CORIM_OLD)) ||
		       (inner = cbor_untag(node, TAG_CORIM_SIGNED_OLD)))
			node = inner;
		inner = cbor_untag(node, TAG_COSE_SIGN1);
		if (inner)
			yes = cbor_is(inner->first, CBOR_BYTES) &&
			      cbor_read(&pool, inner->first->bytes, 0, &header, NULL) == 0 &&
			      cbor_is(cbor_get(header, COSE_CONTENT_TYPE), CBOR_TEXT) &&
			      slice_equal_string(cbor_get(header, COSE_CONTENT_TYPE)->bytes, content_type);
		else
			yes = cbor_untag(node, TAG_CORIM) || cbor_untag(node, TAG_COMID) ||
			      (cbor_get(node, CORIM_ID) && cbor_is(cbor_get(node, CORIM_TAGS), CBOR_ARRAY)) ||
			      (cbor_get(cbor_get(node, COMID_IDENTITY), 0) &&
			       cbor_is(cbor_get(node, COMID_TRIPLES), CBOR_MAP));
	}
	pool_done(&pool);
	return yes;
}
