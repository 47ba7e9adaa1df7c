/*
 * veraison's JSON form of a CoMID, which "cocli comid create --template" makes CBOR of (github.com/veraison/corim, comid/; cocli of
 * October 2024). comid.h says how it becomes sets and back.
 *
 * Digests are "sha-256;BASE64" (and "sha-256:BASE64" before that) up to version 1 of veraison/corim, which is the one cocli is built
 * with, and ["sha-256", base64url] or [1, base64url] from version 2 on. All are read; written is the form that was read, else the first.
 */
#include <string.h>

#include "base/encode.h"
#include "eventlog/cc.h"
#include "golden/comid.h"
#include "golden/format_rows.h"

static const char own[] = "comid-json";

static int expected(struct pcrcast_error *e, const char *key, const char *what)
{
	return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"%s\": expected %s", key, what);
}

/* ---- digests ---- */

/* base64url without padding (RFC 4648 section 5) as base64, or the other way round. */
static char *turn_base64(struct pool *pool, const char *text, bool to_url)
{
	size_t n = strlen(text);
	char *ret = n < SIZE_MAX - 4 ? pool_array(pool, n + 4, 1) : NULL;

	if (!ret)
		return NULL;
	memcpy(ret, text, n);
	for (char *p = ret; *p; p++) {
		if (to_url)
			*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
		else /* what is not of base64url becomes what is not of base64 */
			*p = *p == '-'                           ? '+' :
			     *p == '_'                           ? '/' :
			     *p == '+' || *p == '/' || *p == '=' ? '!' :
								   *p;
	}
	while (to_url && n > 0 && ret[n - 1] == '=')
		ret[--n] = '\0';
	while (!to_url && n % 4)
		ret[n++] = '=';
	return ret;
}

/* "sha-256;BASE64" */
static bool read_digest_text(struct pool *pool, const char *text, enum alg *ret_alg, struct slice *ret)
{
	const char *mark = strchr(text, ';') ? strchr(text, ';') : strchr(text, ':');
	const char *name = mark ? pool_text(pool, text, (size_t)(mark - text)) : NULL;

	if (!name || !base64_decode(pool, slice_of_string(mark + 1), ret))
		return false;
	*ret_alg = comid_alg_by_name(name);
	return true;
}

/* ["sha-256", base64url] */
static bool read_digest_pair(struct pool *pool, const struct cJSON *pair, enum alg *ret_alg,
			     struct slice *ret)
{
	const struct cJSON *alg = json_first(pair), *value = json_next(alg);
	const char *name, *text;
	uint64_t number;

	if (!value || json_next(value) || !json_string(value, &text))
		return false;
	if (json_string(alg, &name))
		*ret_alg = comid_alg_by_name(name);
	else if (json_u64(alg, &number))
		*ret_alg = comid_alg_by_number(number);
	else
		return false;
	const char *base64 = turn_base64(pool, text, false);
	return base64 && base64_decode(pool, slice_of_string(base64), ret);
}

static void append_digest(struct json_doc *d, struct cJSON *list, struct pool *pool, bool pair, enum alg alg,
			  struct slice value)
{
	char *base64 = base64_text(pool, value);
	char *text = !base64 ? NULL :
		     pair    ? turn_base64(pool, base64, true) :
			       pool_printf(pool, "%s;%s", comid_alg_name(alg), base64);

	d->failed |= !text;
	if (!pair) {
		json_append_string(d, list, text ? text : "");
		return;
	}
	struct cJSON *both = json_array(d);
	json_append_string(d, both, comid_alg_name(alg));
	json_append_string(d, both, text ? text : "");
	json_append(d, list, both);
}

/* ---- reading ---- */

struct comid_reader {
	struct golden *g;
	struct pool pool;         /* what is needed only meanwhile */
	const struct cJSON *root; /* the CoMID */
	size_t other_records, other_values, other_digests, other_fields;
	struct pcrcast_error *e;
};

/* Keep a value as JSON. */
static int keep_json(struct comid_reader *c, struct golden_set *s, const char *key, const struct cJSON *node)
{
	if (!node)
		return 0;
	char *text = json_text(&c->pool, node);
	if (!text)
		return err_nomem(c->e);
	if (strlen(text) > COMID_MAX_EXTRA)
		return err_set(c->e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "\"%s\" of %zu bytes, at most %d handled", key, strlen(text), COMID_MAX_EXTRA);
	return golden_add_extra(c->g, s, own, key, text, c->e);
}

static int keep_number(struct comid_reader *c, struct golden_set *s, const char *key,
		       const struct cJSON *node, const char *name)
{
	uint64_t number;

	if (!node)
		return 0;
	if (!json_u64(node, &number))
		return expected(c->e, name, "a number");
	return comid_keep_number(c->g, s, key, number, c->e);
}

static int keep_text(struct comid_reader *c, struct golden_set *s, const char *key, const struct cJSON *node,
		     const char *name)
{
	const char *text;

	if (!node)
		return 0;
	if (!json_string(node, &text))
		return expected(c->e, name, "a string");
	return comid_keep_text(c->g, s, own, key, text, c->e);
}

/* Fields that are none of keys are counted. */
static void count_others(struct comid_reader *c, const struct cJSON *object, const char *const *keys)
{
	c->other_fields += golden_only_keys(object, "", keys, NULL) < 0;
}

static int read_word(struct comid_reader *c, const struct cJSON *object, const char *key, const char **ret)
{
	const struct cJSON *node = json_get(object, key);
	const char *text;

	if (!node)
		return 0;
	if (!json_string(node, &text))
		return expected(c->e, key, "a string");
	*ret = pool_text(&c->g->pool, text, strlen(text));
	return *ret ? 0 : err_nomem(c->e);
}

static int read_environment(struct comid_reader *c, struct golden_set *s, const struct cJSON *env)
{
	static const char *const keys[] = { "class", "instance", "group", NULL };
	static const char *const class_keys[] = { "id", "vendor", "model", "layer", "index", NULL };
	const struct cJSON *class = json_get(env, "class");
	int r;

	if (!json_is_object(env) || (class && !json_is_object(class)))
		return expected(c->e, "environment", "an object with \"class\"");
	count_others(c, env, keys);
	count_others(c, class, class_keys);
	r = keep_json(c, s, "class-id", json_get(class, "id"));
	r = r < 0 ? r : read_word(c, class, "vendor", &s->id.vendor);
	r = r < 0 ? r : read_word(c, class, "model", &s->id.image);
	r = r < 0 ? r : keep_number(c, s, "layer", json_get(class, "layer"), "layer");
	r = r < 0 ? r : keep_number(c, s, "index", json_get(class, "index"), "index");
	r = r < 0 ? r : keep_json(c, s, "instance", json_get(env, "instance"));
	return r < 0 ? r : keep_json(c, s, "group", json_get(env, "group"));
}

static int read_digests(struct comid_reader *c, struct golden_set *s, uint32_t index,
			const struct cJSON *list)
{
	size_t known = 0;

	if (!json_is_array(list) || !json_first(list))
		return expected(c->e, "value", "an array of digests");
	for (const struct cJSON *d = json_first(list); d; d = json_next(d)) {
		bool pair = json_is_array(d);
		enum alg alg = ALG_COUNT;
		const char *text;
		struct slice value;
		int r = 0;

		if (pair ? !read_digest_pair(&c->pool, d, &alg, &value) :
			   !json_string(d, &text) || !read_digest_text(&c->pool, text, &alg, &value))
			return expected(c->e, "value",
					"digests, \"sha-256;BASE64\" or [\"sha-256\", \"base64url\"]");
		if (alg == ALG_COUNT) {
			c->other_digests++;
			continue;
		}
		known++;
		if (pair && !comid_extra(s, own, "digest-form"))
			r = comid_keep_text(c->g, s, own, "digest-form", "pair", c->e);
		r = r < 0 ? r : comid_add_digest(c->g, s, alg, index, value, c->e);
		if (r < 0)
			return r;
	}
	if (known == 0)
		return err_set(c->e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "a register with no digest of SHA-256, SHA-384 or SHA-512");
	return 0;
}

/* "4": { "key-type": "uint", "value": [digest] } */
static int read_register(struct comid_reader *c, struct golden_set *s, const struct cJSON *node)
{
	static const char *const keys[] = { "key-type", "value", NULL };
	struct slice name = slice_of_string(json_key(node));
	enum cc_register cc = cc_register_by_name(name);
	uint32_t index = cc;
	const char *type;

	if (!json_string(json_get(node, "key-type"), &type) ||
	    (strcmp(type, "uint") != 0 && strcmp(type, "text") != 0))
		return expected(c->e, "key-type", "\"uint\" or \"text\"");
	bool text = type[0] == 't';
	if (text ? cc == CC_REGISTERS : !golden_index(name, &index))
		return expected(c->e, json_key(node),
				"a register: PCR 0 to 23 (uint), \"mrtd\" or \"rtmr0\" to \"rtmr3\" (text)");
	if (s->n_registers && s->cc != text)
		return expected(c->e, json_key(node), "either PCRs or CC registers in one state");
	s->cc = text;
	count_others(c, node, keys);
	return read_digests(c, s, index, json_get(node, "value"));
}

static const struct cJSON *registers_of(const struct cJSON *measurement)
{
	return json_get(json_get(measurement, "value"), "integrity-registers");
}

static int read_measurement(struct comid_reader *c, struct golden_set *s, const struct cJSON *m)
{
	static const char *const keys[] = { "key", "value", NULL };
	const struct cJSON *values = json_get(m, "value"), *registers = registers_of(m);
	int r = 0;

	if (!json_is_object(values))
		return expected(c->e, "measurements", "objects with \"value\"");
	for (const struct cJSON *v = json_first(values); v; v = json_next(v))
		c->other_values += v != registers;
	if (!registers)
		return 0;
	if (!json_is_object(registers) || !json_first(registers))
		return expected(c->e, "integrity-registers", "an object of registers");
	if (json_get(m, "key") && s->n_registers)
		return expected(c->e, "key", "the registers of a state in one measurement, as it has a key");
	count_others(c, m, keys);
	for (const struct cJSON *reg = json_first(registers); reg && r == 0; reg = json_next(reg)) {
		r = read_register(c, s, reg);
		if (r < 0)
			err_wrap(c->e, "register \"%s\"", json_key(reg));
	}
	return r < 0 ? r : keep_json(c, s, "key", json_get(m, "key"));
}

static int read_tag_identity(struct comid_reader *c, struct golden_set *s)
{
	const struct cJSON *identity = json_get(c->root, "tag-identity");
	int r;

	if (!json_get(identity, "id"))
		return expected(c->e, "tag-identity", "an object with \"id\"");
	r = keep_text(c, s, "tag-id", json_get(identity, "id"), "id");
	r = r < 0 ? r : keep_number(c, s, "tag-version", json_get(identity, "version"), "version");
	r = r < 0 ? r : keep_text(c, s, "lang", json_get(c->root, "lang"), "lang");
	return r < 0 ? r : keep_json(c, s, "entities", json_get(c->root, "entities"));
}

static int read_record(struct comid_reader *c, const struct cJSON *record)
{
	const struct cJSON *list = json_get(record, "measurements");
	bool any = false;
	int r;

	if (!json_is_array(list) || !json_first(list))
		return expected(c->e, "measurements", "an array");
	for (const struct cJSON *m = json_first(list); m; m = json_next(m))
		any |= registers_of(m) != NULL;
	if (!any) {
		c->other_records++;
		return 0;
	}
	struct golden_set *s = golden_add_set(c->g, c->e);
	if (!s)
		return -PCRCAST_ELIMIT;
	r = read_environment(c, s, json_get(record, "environment"));
	for (const struct cJSON *m = json_first(list); m && r == 0; m = json_next(m))
		r = read_measurement(c, s, m);
	return r < 0 ? r : read_tag_identity(c, s);
}

static int read_all(struct comid_reader *c)
{
	static const char *const keys[] = { "lang", "tag-identity", "entities", "triples", NULL };
	static const char *const triple_keys[] = { "reference-values", NULL };
	const struct cJSON *triples = json_get(c->root, "triples"),
			   *list = json_get(triples, "reference-values");
	size_t n = 0;
	int r = 0;

	if (!json_is_object(triples) || (list && !json_is_array(list)))
		return expected(c->e, "triples", "an object with \"reference-values\"");
	count_others(c, c->root, keys);
	count_others(c, triples, triple_keys);
	for (const struct cJSON *t = json_first(list); t && r == 0; t = json_next(t), n++) {
		r = read_record(c, t);
		if (r < 0)
			err_wrap(c->e, "reference-values %zu", n);
	}
	return r < 0 ? r : comid_join(c->g, 0, c->e);
}

static int tell_others(struct comid_reader *c)
{
	int r = 0;

	if (c->other_records)
		r = golden_note(c->g, c->e, "not read: %zu records that have no registers", c->other_records);
	if (c->other_values && r == 0)
		r = golden_note(c->g, c->e, "not read: %zu values beside registers", c->other_values);
	if (c->other_digests && r == 0)
		r = golden_note(c->g, c->e, "not read: %zu digests of algorithms that are not known",
				c->other_digests);
	if (c->other_fields && r == 0)
		r = golden_note(c->g, c->e,
				"not read: other fields (links, authorizations, other triples, extensions)");
	return r;
}

GOLDEN_READER(comid_json_read)
{
	struct comid_reader c = { .g = g, .pool = POOL_INIT, .root = in->json, .e = e };
	int r = read_all(&c);

	r = r < 0 ? r : comid_check_any(g, c.other_records, e);
	r = r < 0 ? r : tell_others(&c);
	pool_done(&c.pool);
	return r;
}

/* ---- writing ---- */

/* Add what was kept under a key; nothing when there is none. */
static bool add_kept(struct json_doc *d, struct cJSON *to, const char *key, const struct golden_set *s,
		     const char *extra)
{
	struct cJSON *node = comid_extra_json(s, own, extra);

	if (node)
		json_add(d, to, key, node);
	return node != NULL;
}

static struct cJSON *environment_json(struct json_doc *d, const struct golden_set *s)
{
	struct cJSON *env = json_object(d), *class = json_object(d);

	(void)add_kept(d, class, "id", s, "class-id");
	if (s->id.vendor)
		json_add_string(d, class, "vendor", s->id.vendor);
	if (s->id.image)
		json_add_string(d, class, "model", s->id.image);
	(void)add_kept(d, class, "layer", s, "layer");
	(void)add_kept(d, class, "index", s, "index");
	json_add(d, env, "class", class);
	(void)add_kept(d, env, "instance", s, "instance");
	(void)add_kept(d, env, "group", s, "group");
	return env;
}

static struct cJSON *registers_json(struct json_doc *d, struct pool *pool, const struct comid_states *st)
{
	struct cJSON *form = comid_extra_json(st->s, own, "digest-form"), *all = json_object(d);
	uint32_t indices[PCR_COUNT];
	size_t n = comid_indices(st->s, indices);

	for (size_t i = 0; i < n; i++) {
		struct cJSON *reg = json_object(d), *list = json_array(d);
		char name[12];

		json_add_string(d, reg, "key-type", st->s->cc ? "text" : "uint");
		for (size_t k = 0; k < st->s->n_registers; k++) {
			if (st->s->registers[k].index == indices[i])
				append_digest(d, list, pool, form != NULL, st->s->registers[k].alg,
					      comid_state_value(st, k));
		}
		json_add(d, reg, "value", list);
		json_add(d, all, golden_register_name(st->s, indices[i], name), reg);
	}
	json_free(form);
	return all;
}

static struct cJSON *record_json(struct json_doc *d, struct pool *pool, const struct comid_states *st)
{
	struct cJSON *record = json_object(d), *list = json_array(d);
	struct cJSON *m = json_object(d), *values = json_object(d);

	json_add(d, record, "environment", environment_json(d, st->s));
	(void)add_kept(d, m, "key", st->s, "key");
	json_add(d, values, "integrity-registers", registers_json(d, pool, st));
	json_add(d, m, "value", values);
	json_append(d, list, m);
	json_add(d, record, "measurements", list);
	return record;
}

static int add_records(struct json_doc *d, struct cJSON *to, const struct golden *g, struct pool *pool,
		       struct pcrcast_error *e)
{
	struct comid_states st;
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++) {
		int r = comid_states_init(pool, &g->sets[i], &st, e);

		if (r < 0)
			return r;
		n += st.n;
		if (n > GOLDEN_MAX_SETS)
			return comid_too_many(n, e);
		do
			json_append(d, to, record_json(d, pool, &st));
		while (comid_states_next(&st));
	}
	return 0;
}

/* "tag-identity"; its id is the one that the CBOR form of the same contents would get. */
static int add_tag_identity(struct json_doc *d, struct cJSON *root, const struct golden *g, struct pool *pool,
			    struct pcrcast_error *e)
{
	struct cJSON *identity = json_object(d);
	uint8_t uuid[UUID_BYTES];
	struct slice triples;
	int r = 0;

	if (!add_kept(d, identity, "id", &g->sets[0], "tag-id")) {
		r = comid_encode_triples(pool, g->sets, g->n, false, &triples, e);
		r = r < 0 ? r : comid_derive_id("pcrcast CoMID", triples, uuid, e);
		char *text = r < 0 ? NULL : comid_uuid_text(pool, uuid);
		d->failed |= !text;
		json_add_string(d, identity, "id", text ? text : "");
	}
	(void)add_kept(d, identity, "version", &g->sets[0], "tag-version");
	json_add(d, root, "tag-identity", identity);
	return r;
}

GOLDEN_WRITER(comid_json_write)
{
	struct json_doc d = { false };
	int r = 0;

	for (size_t i = 0; i < g->n && r == 0; i++) {
		if (!comid_same_tag(&g->sets[0], &g->sets[i]))
			return err_set(
				e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
				"comid-json holds one CoMID, these sets are of several: choose with --set");
		r = comid_tell_losses(&g->sets[i], false, w, e);
	}
	struct cJSON *root = json_object(&d), *triples = json_object(&d), *records = json_array(&d);
	(void)add_kept(&d, root, "lang", &g->sets[0], "lang");
	r = r < 0 ? r : add_tag_identity(&d, root, g, w->pool, e);
	(void)add_kept(&d, root, "entities", &g->sets[0], "entities");
	r = r < 0 ? r : add_records(&d, records, g, w->pool, e);
	json_add(&d, triples, "reference-values", records);
	json_add(&d, root, "triples", triples);
	if (r < 0) {
		json_free(root);
		return r;
	}
	return golden_write_indented(w, &d, root, 2, e);
}

GOLDEN_RECOGNISER(comid_json_recognise)
{
	return json_get(in->json, "tag-identity") && json_is_object(json_get(in->json, "triples"));
}
