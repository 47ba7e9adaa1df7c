/*
 * This program's own form, pcrcast-formats(5): everything that the model holds. What "predict --json" and "eventlog
 * replay --json" print is a short form of it and is read as well, and so is { bank: { register: value } }.
 */
#include <string.h>

#include "eventlog/cc.h"
#include "eventlog/events_json.h"
#include "golden/format_rows.h"

enum { JSON_VERSION = 1 };

static const struct {
	const char *key;
	size_t at;
} identity_fields[] = {
	{ "image", offsetof(struct golden_identity, image) },
	{ "vendor", offsetof(struct golden_identity, vendor) },
	{ "csp", offsetof(struct golden_identity, csp) },
	{ "variant", offsetof(struct golden_identity, variant) },
	{ "version", offsetof(struct golden_identity, version) },
	{ "ref", offsetof(struct golden_identity, ref) },
	{ "stream", offsetof(struct golden_identity, stream) },
};

enum { N_IDENTITY = sizeof identity_fields / sizeof identity_fields[0] };

/* ---- writing ---- */

static struct cJSON *identity_json(struct json_doc *d, const struct golden_identity *id)
{
	struct cJSON *o = json_object(d);

	for (size_t i = 0; i < N_IDENTITY; i++) {
		const char *text;

		memcpy(&text, (const char *)id + identity_fields[i].at, sizeof text);
		if (text)
			json_add_string(d, o, identity_fields[i].key, text);
	}
	return o;
}

static struct cJSON *register_json(struct json_doc *d, const struct golden_register *r)
{
	struct cJSON *o = json_object(d), *values = json_array(d);

	for (size_t i = 0; i < r->n; i++) {
		struct cJSON *v = json_object(d);

		json_add_hex(d, v, "value", r->values[i].bytes, algs[r->alg].len);
		json_add_string(d, v, "origin", golden_origin_name(r->values[i].origin));
		if (r->values[i].label)
			json_add_string(d, v, "label", r->values[i].label);
		json_append(d, values, v);
	}
	json_add(d, o, "values", values);
	json_add_bool(d, o, "warnOnly", r->warn_only);
	return o;
}

static struct cJSON *registers_json(struct json_doc *d, const struct golden_set *s)
{
	struct cJSON *banks = json_object(d), *bank = NULL;

	for (size_t i = 0; i < s->n_registers; i++) {
		const struct golden_register *r = &s->registers[i];
		char name[12];

		if (!bank)
			bank = json_object(d);
		json_add(d, bank, golden_register_name(s, r->index, name), register_json(d, r));
		if (i + 1 == s->n_registers || s->registers[i + 1].alg != r->alg) {
			json_add(d, banks, algs[r->alg].name, bank);
			bank = NULL;
		}
	}
	return banks;
}

static struct cJSON *policies_json(struct json_doc *d, const struct golden_set *s)
{
	struct cJSON *list = json_array(d);

	for (size_t i = 0; i < s->n_policies; i++) {
		const struct golden_policy *p = &s->policies[i];
		struct cJSON *o = json_object(d), *pcrs = json_array(d);

		json_add_string(d, o, "bank", algs[p->alg].name);
		for (unsigned k = 0; k < PCR_COUNT; k++)
			if (p->pcrs & UINT32_C(1) << k)
				json_append_u64(d, pcrs, k);
		json_add(d, o, "pcrs", pcrs);
		if (p->label)
			json_add_string(d, o, "label", p->label);
		json_add_hex(d, o, "pol", p->digest, sizeof p->digest);
		if (p->has_fingerprint)
			json_add_hex(d, o, "pkfp", p->fingerprint, sizeof p->fingerprint);
		if (p->signature.n)
			json_add_hex(d, o, "sig", p->signature.p, p->signature.n);
		if (p->ref)
			json_add_string(d, o, "ref", p->ref);
		json_append(d, list, o);
	}
	return list;
}

static struct cJSON *claims_json(struct json_doc *d, const struct golden_set *s)
{
	struct cJSON *list = json_array(d);

	for (size_t i = 0; i < s->n_claims; i++) {
		const struct golden_claim *c = &s->claims[i];
		struct cJSON *o = json_object(d);

		json_add_string(d, o, "role", c->role);
		json_add_u64(d, o, "group", c->group);
		if (c->owner)
			json_add_string(d, o, "owner", c->owner);
		if (c->text)
			json_add_string(d, o, "text", c->text);
		else
			json_add_hex(d, o, c->alg == ALG_COUNT ? "data" : algs[c->alg].name, c->bytes.p,
				     c->bytes.n);
		json_append(d, list, o);
	}
	return list;
}

static struct cJSON *extras_json(struct json_doc *d, const struct golden_set *s)
{
	struct cJSON *list = json_array(d);

	for (size_t i = 0; i < s->n_extras; i++) {
		struct cJSON *o = json_object(d);

		json_add_string(d, o, "format", s->extras[i].format);
		json_add_string(d, o, "key", s->extras[i].key);
		json_add_raw(d, o, "value", s->extras[i].json);
		json_append(d, list, o);
	}
	return list;
}

/* The events of the registers that were chosen. */
static struct cJSON *events_list(struct json_doc *d, const struct eventlog *log,
				 const struct golden_selection *sel)
{
	struct cJSON *list = json_array(d);

	for (size_t i = 0; i < log->n_events; i++) {
		uint32_t pcr = log->events[i].pcr;

		if (!sel->has_pcrs || (pcr < PCR_COUNT && sel->pcrs >> pcr & 1))
			json_append(d, list, event_json(d, log, &log->events[i], EVENTS_JSON_WHOLE));
	}
	return list;
}

static struct cJSON *set_json(struct json_doc *d, const struct golden_set *s,
			      const struct golden_selection *sel)
{
	struct cJSON *o = json_object(d);

	json_add(d, o, "identity", identity_json(d, &s->id));
	json_add(d, o, s->cc ? "registers" : "pcrs", registers_json(d, s));
	if (s->log)
		json_add(d, o, "events", events_list(d, s->log, sel));
	if (s->n_policies)
		json_add(d, o, "policies", policies_json(d, s));
	if (s->n_claims)
		json_add(d, o, "claims", claims_json(d, s));
	if (s->n_extras)
		json_add(d, o, "extras", extras_json(d, s));
	return o;
}

GOLDEN_WRITER(json_write_golden)
{
	struct json_doc d = { false };
	struct cJSON *root = json_object(&d), *sets = json_array(&d);

	json_add_u64(&d, root, "version", JSON_VERSION);
	for (size_t i = 0; i < g->n; i++)
		json_append(&d, sets, set_json(&d, &g->sets[i], w->sel));
	json_add(&d, root, "sets", sets);
	return golden_write_json(w, &d, root, false, e);
}

/* ---- reading ---- */

static int expected(struct pcrcast_error *e, const char *key, const char *what)
{
	return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"%s\": expected %s", key, what);
}

/* A value: hex, or an object with "value", "origin" and "label". */
static int read_value(struct golden *g, struct golden_set *s, enum alg alg, uint32_t index,
		      const struct cJSON *node, const char *phase, struct pcrcast_error *e)
{
	static const char *const keys[] = { "value", "origin", "label", NULL };
	enum golden_origin origin = GOLDEN_STATED;
	const char *label = NULL, *word = NULL;
	struct slice bytes;

	if (json_is_object(node)) {
		int r = golden_only_keys(node, "a value", keys, e);

		r = r < 0 ? r : json_get_text(&g->pool, node, "origin", &word, e);
		r = r < 0 ? r : json_get_text(&g->pool, node, "label", &label, e);
		if (r < 0)
			return r;
		origin = word ? golden_origin_by_name(word) : GOLDEN_STATED;
		if (origin == GOLDEN_ORIGINS)
			return expected(e, "origin", "stated, computed, constant, observed or assumed");
		node = json_get(node, "value");
	}
	if (!json_hex(&g->pool, node, &bytes))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "expected a value in hex");
	return golden_add_value(g, s, alg, index, bytes, origin, phase ? phase : label, e);
}

static int read_values(struct golden *g, struct golden_set *s, enum alg alg, uint32_t index,
		       const struct cJSON *list, const char *phase, struct pcrcast_error *e)
{
	int r = 0;

	if (!json_first(list))
		return expected(e, "values", "at least one value");
	for (const struct cJSON *c = json_first(list); c && r == 0; c = json_next(c))
		r = read_value(g, s, alg, index, c, phase, e);
	return r;
}

/* A register: a value, a list of them, or { "values": [...], "warnOnly": false }. */
static int read_register(struct golden *g, struct golden_set *s, enum alg alg, uint32_t index,
			 const struct cJSON *node, const char *phase, struct pcrcast_error *e)
{
	static const char *const keys[] = { "values", "warnOnly", NULL };
	const struct cJSON *values = json_get(node, "values"), *warn = json_get(node, "warnOnly");
	bool warn_only = false;

	if (json_is_array(node))
		return read_values(g, s, alg, index, node, phase, e);
	if (!json_is_object(node) || json_get(node, "value"))
		return read_value(g, s, alg, index, node, phase, e);
	int r = golden_only_keys(node, "a register", keys, e);
	if (r == 0 && !json_is_array(values))
		r = expected(e, "values", "an array");
	if (r == 0 && warn && !json_bool(warn, &warn_only))
		r = expected(e, "warnOnly", "true or false");
	if (r == 0)
		r = read_values(g, s, alg, index, values, phase, e);
	if (r == 0)
		golden_register(g, s, alg, index, NULL)->warn_only = warn_only;
	return r;
}

/* { bank: { register: … } } */
static int read_banks(struct golden *g, struct golden_set *s, const struct cJSON *banks, const char *phase,
		      struct pcrcast_error *e)
{
	if (!json_is_object(banks))
		return expected(e, s->cc ? "registers" : "pcrs", "an object of banks");
	for (const struct cJSON *b = json_first(banks); b; b = json_next(b)) {
		enum alg alg = alg_by_name(slice_of_string(json_key(b)));

		if (alg == ALG_COUNT || !json_is_object(b))
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				       "\"%s\": expected a bank (sha1, sha256, sha384, sha512) and an object",
				       json_key(b));
		for (const struct cJSON *c = json_first(b); c; c = json_next(c)) {
			struct slice key = slice_of_string(json_key(c));
			enum cc_register cc = cc_register_by_name(key);
			uint32_t index = cc;

			if (s->cc ? cc == CC_REGISTERS : !golden_index(key, &index))
				return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"%s\": expected %s",
					       json_key(c),
					       s->cc ? "mrtd or rtmr0 to rtmr3" : "a PCR, 0 to 23");
			if (read_register(g, s, alg, index, c, phase, e) < 0)
				return err_wrap(e, "%s:%s", algs[alg].name, json_key(c));
		}
	}
	return 0;
}

/* "phases" of predict: the values behind a phase stand in place of those before all phases. */
static int read_phases(struct golden *g, struct golden_set *s, const struct cJSON *phases,
		       struct pcrcast_error *e)
{
	if (phases && !json_is_array(phases))
		return expected(e, "phases", "an array");
	for (const struct cJSON *c = json_first(phases); c; c = json_next(c)) {
		const char *phase;

		int r = json_get_text(&g->pool, c, "phase", &phase, e);
		if (r == 0 && !phase)
			r = expected(e, "phase", "a string");
		if (r == 0)
			r = read_banks(g, s, json_get(c, "pcrs"), phase, e);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < s->n_registers; i++) {
		struct golden_register *reg = &s->registers[i];

		if (phases && reg->n > 1 && !reg->values[0].label && reg->values[1].label) {
			reg->n--;
			memmove(reg->values, reg->values + 1, reg->n * sizeof *reg->values);
		}
	}
	return 0;
}

static int read_policy(struct golden *g, struct golden_set *s, const struct cJSON *node,
		       struct pcrcast_error *e)
{
	static const char *const keys[] = { "bank", "pcrs", "label", "pol", "pkfp", "sig", "ref", NULL };
	struct golden_policy *p = golden_add_policy(g, s, e);
	const struct cJSON *sig = json_get(node, "sig"), *pkfp = json_get(node, "pkfp");
	const char *bank;
	struct slice bytes;

	if (!p)
		return -PCRCAST_ENOMEM;
	int r = golden_only_keys(node, "a policy", keys, e);
	if (r < 0)
		return r;
	p->alg = json_string(json_get(node, "bank"), &bank) ? alg_by_name(slice_of_string(bank)) : ALG_COUNT;
	if (p->alg == ALG_COUNT)
		return expected(e, "bank", "a bank");
	for (const struct cJSON *c = json_first(json_get(node, "pcrs")); c; c = json_next(c)) {
		uint64_t i;

		if (!json_u64(c, &i) || i >= PCR_COUNT)
			return expected(e, "pcrs", "numbers from 0 to 23");
		p->pcrs |= UINT32_C(1) << i;
	}
	if (!p->pcrs)
		return expected(e, "pcrs", "an array of PCRs");
	if (!json_hex(&g->pool, json_get(node, "pol"), &bytes) || bytes.n != sizeof p->digest)
		return expected(e, "pol", "64 hex digits");
	memcpy(p->digest, bytes.p, sizeof p->digest);
	if (pkfp && (!json_hex(&g->pool, pkfp, &bytes) || bytes.n != sizeof p->fingerprint))
		return expected(e, "pkfp", "64 hex digits");
	p->has_fingerprint = pkfp != NULL;
	if (pkfp)
		memcpy(p->fingerprint, bytes.p, sizeof p->fingerprint);
	if (sig && !json_hex(&g->pool, sig, &p->signature))
		return expected(e, "sig", "hex");
	r = json_get_text(&g->pool, node, "ref", &p->ref, e);
	return r < 0 ? r : json_get_text(&g->pool, node, "label", &p->label, e);
}

static int read_claim(struct golden *g, struct golden_set *s, const struct cJSON *node,
		      struct pcrcast_error *e)
{
	static const char *const keys[] = { "role", "group",  "owner",  "text",   "data",
					    "sha1", "sha256", "sha384", "sha512", NULL };
	struct golden_claim *c = golden_add_claim(g, s, e);
	uint64_t group;

	if (!c)
		return -PCRCAST_ENOMEM;
	int r = golden_only_keys(node, "a claim", keys, e);
	r = r < 0 ? r : json_get_text(&g->pool, node, "role", &c->role, e);
	r = r < 0 ? r : json_get_text(&g->pool, node, "owner", &c->owner, e);
	r = r < 0 ? r : json_get_text(&g->pool, node, "text", &c->text, e);
	if (r < 0)
		return r;
	if (!c->role)
		return expected(e, "role", "a string");
	if (!json_u64(json_get(node, "group"), &group) || group > SIZE_MAX)
		return expected(e, "group", "a number");
	c->group = (size_t)group;
	unsigned n = c->text != NULL;
	for (enum alg alg = 0; alg <= ALG_COUNT; alg++) {
		const char *key = alg == ALG_COUNT ? "data" : algs[alg].name;
		const struct cJSON *v = json_get(node, key);

		if (!v)
			continue;
		c->alg = alg;
		n++;
		if (!json_hex(&g->pool, v, &c->bytes) || (alg != ALG_COUNT && c->bytes.n != algs[alg].len))
			return expected(e, key, "hex of the right length");
	}
	return n == 1 ? 0 : expected(e, c->role, "one of \"text\", \"data\" and a digest");
}

static int read_extra(struct golden *g, struct golden_set *s, const struct cJSON *node,
		      struct pcrcast_error *e)
{
	const struct golden_format *f;
	const char *format, *key;

	if (!json_string(json_get(node, "format"), &format) || !json_string(json_get(node, "key"), &key) ||
	    !json_get(node, "value"))
		return expected(e, "extras", "objects with \"format\", \"key\" and \"value\"");
	f = golden_format_by_name(format);
	if (!f)
		return expected(e, "format", "the name of a format");
	char *text = json_text(&g->pool, json_get(node, "value"));
	return text ? golden_add_extra(g, s, f->name, key, text, e) : err_nomem(e);
}

static int read_list(struct golden *g, struct golden_set *s, const struct cJSON *object, const char *key,
		     int (*read)(struct golden *, struct golden_set *, const struct cJSON *,
				 struct pcrcast_error *),
		     struct pcrcast_error *e)
{
	const struct cJSON *list = json_get(object, key);
	size_t n = 0;

	if (list && !json_is_array(list))
		return expected(e, key, "an array");
	for (const struct cJSON *c = json_first(list); c; c = json_next(c), n++)
		if (read(g, s, c, e) < 0)
			return err_wrap(e, "%s %zu", key, n);
	return 0;
}

static int read_identity(struct golden *g, struct golden_set *s, const struct cJSON *node,
			 struct pcrcast_error *e)
{
	int r = 0;

	if (node && !json_is_object(node))
		return expected(e, "identity", "an object");
	for (size_t i = 0; i < N_IDENTITY && r == 0; i++) {
		const char *text;

		r = json_get_text(&g->pool, node, identity_fields[i].key, &text, e);
		memcpy((char *)&s->id + identity_fields[i].at, &text, sizeof text);
	}
	return r;
}

/* The events of a set; whether they lead to the values it states is for who compares them to ask. */
static int read_events(struct golden *g, struct golden_set *s, const struct cJSON *list,
		       struct pcrcast_error *e)
{
	struct eventlog *log = pool_new(&g->pool, struct eventlog);

	if (!log)
		return err_nomem(e);
	*log = EVENTLOG_INIT;
	log->kind = s->cc ? EVENTLOG_CC : EVENTLOG_TCG2;
	s->log = log; /* golden_done has it from here on */
	int r = events_json_read(list, log, e);
	log->kind = s->cc ? EVENTLOG_CC : EVENTLOG_TCG2;
	return r;
}

static int read_set(struct golden *g, const struct cJSON *node, bool whole, struct pcrcast_error *e)
{
	static const char *const keys[] = { "identity", "pcrs",   "registers", "events",
					    "policies", "claims", "extras",    NULL };
	const struct cJSON *pcrs = json_get(node, "pcrs"), *cc = json_get(node, "registers");
	const struct cJSON *events = json_get(node, "events");
	struct golden_set *s = golden_add_set(g, e);

	if (!s)
		return -PCRCAST_ELIMIT;
	int r = whole ? golden_only_keys(node, "a set", keys, e) : 0;
	if (r == 0 && !pcrs == !cc)
		r = err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			    "expected one of \"pcrs\" and \"registers\"");
	s->cc = cc != NULL;
	r = r < 0 ? r : read_identity(g, s, whole ? json_get(node, "identity") : NULL, e);
	if (r == 0 && !whole && json_get(node, "image"))
		r = json_get_text(&g->pool, node, "image", &s->id.image, e);
	r = r < 0 ? r : read_banks(g, s, cc ? cc : pcrs, NULL, e);
	if (r == 0 && !whole)
		r = read_phases(g, s, json_get(node, "phases"), e);
	if (r == 0 && json_is_array(events)) /* in replay's, a number */
		r = read_events(g, s, events, e);
	r = r < 0 ? r : read_list(g, s, node, "policies", read_policy, e);
	r = r < 0 ? r : read_list(g, s, node, "claims", read_claim, e);
	return r < 0 ? r : read_list(g, s, node, "extras", read_extra, e);
}

/* { bank: { register: value } } and nothing else, as scripts write it. */
static bool is_bare(const struct cJSON *o)
{
	if (!json_is_object(o) || !json_first(o))
		return false;
	for (const struct cJSON *c = json_first(o); c; c = json_next(c))
		if (alg_by_name(slice_of_string(json_key(c))) == ALG_COUNT || !json_is_object(c))
			return false;
	return true;
}

static int read_bare(struct golden *g, const struct cJSON *banks, struct pcrcast_error *e)
{
	struct golden_set *s = golden_add_set(g, e);

	if (!s)
		return -PCRCAST_ENOMEM;
	const struct cJSON *first = json_first(json_first(banks));
	s->cc = first && cc_register_by_name(slice_of_string(json_key(first))) != CC_REGISTERS;
	return read_banks(g, s, banks, NULL, e);
}

GOLDEN_READER(json_read_golden)
{
	static const char *const keys[] = { "version", "sets", NULL };
	const struct cJSON *sets = json_get(in->json, "sets");
	uint64_t version;

	if (is_bare(in->json))
		return read_bare(g, in->json, e);
	if (!json_u64(json_get(in->json, "version"), &version) || version != JSON_VERSION)
		return expected(e, "version", "1");
	if (!sets)
		return read_set(g, in->json, false, e);
	int r = golden_only_keys(in->json, "the file", keys, e);
	if (r == 0 && !json_is_array(sets))
		r = expected(e, "sets", "an array");
	for (const struct cJSON *c = json_first(sets); c && r == 0; c = json_next(c))
		if (read_set(g, c, true, e) < 0)
			r = err_wrap(e, "set %zu", g->n);
	return r;
}

GOLDEN_RECOGNISER(json_recognise)
{
	uint64_t version;
	const struct cJSON *o = in->json;

	if (is_bare(o))
		return true;
	return json_u64(json_get(o, "version"), &version) &&
	       (json_is_array(json_get(o, "sets")) || json_is_object(json_get(o, "pcrs")) ||
		json_is_object(json_get(o, "registers")));
}
