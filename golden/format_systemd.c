/*
 * systemd's predictions of values: "systemd-pcrlock predict" and the policy file of "systemd-pcrlock make-policy" (255 to
 * 262).
 */
#include <string.h>

#include "base/encode.h"
#include "golden/format_rows.h"
#include "golden/systemd.h"

/* ---- what they have in common ---- */

bool systemd_is_bank_lists(const struct cJSON *json, const char *key, const char *other)
{
	for (const struct cJSON *c = json_is_object(json) ? json_first(json) : NULL; c; c = json_next(c)) {
		const struct cJSON *entry = json_is_array(c) ? json_first(c) : NULL;

		if (alg_by_name(slice_of_string(json_key(c))) == ALG_COUNT)
			return false;
		if (entry)
			return json_get(entry, key) && json_get(entry, other);
	}
	return false;
}

int systemd_read_bank_lists(const struct golden_input *in, struct golden *g,
			    int (*read)(struct golden *g, struct golden_set *s, enum alg alg,
					const struct cJSON *entry, struct pcrcast_error *e),
			    struct pcrcast_error *e)
{
	struct golden_set *s = golden_add_set(g, e);

	if (!s)
		return -PCRCAST_ENOMEM;
	if (!json_is_object(in->json))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "expected a JSON object of banks");
	for (const struct cJSON *b = json_first(in->json); b; b = json_next(b)) {
		enum alg alg = alg_by_name(slice_of_string(json_key(b)));
		size_t n = 0;

		if (alg == ALG_COUNT || !json_is_array(b))
			return err_set(
				e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				"\"%.64s\": expected a bank (sha1, sha256, sha384, sha512) and an array",
				json_key(b));
		for (const struct cJSON *c = json_first(b); c; c = json_next(c), n++) {
			int r = json_is_object(c) ?
					read(g, s, alg, c, e) :
					err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "expected an object");
			if (r < 0)
				return err_wrap(e, "%s, entry %zu", algs[alg].name, n);
		}
	}
	return 0;
}

int systemd_read_pcr(const struct cJSON *entry, uint32_t *ret, struct pcrcast_error *e)
{
	uint64_t pcr;

	if (!json_u64(json_get(entry, "pcr"), &pcr) || pcr >= PCR_COUNT)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "\"pcr\": expected a number from 0 to 23");
	*ret = (uint32_t)pcr;
	return 0;
}

int systemd_add_hex(struct golden *g, struct golden_set *s, enum alg alg, uint32_t pcr,
		    const struct cJSON *node, const char *label, struct pcrcast_error *e)
{
	struct slice value;

	if (!json_hex(&g->pool, node, &value))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "PCR %u: expected a value in hex", pcr);
	return golden_add_value(g, s, alg, pcr, value, GOLDEN_COMPUTED, label, e);
}

/* ---- systemd-pcrlock predict ---- */

static const char *const prediction_keys[] = { "pcr", "values", NULL };

/* { "pcr": 4, "values": [ hex, … ] } */
static int read_prediction(struct golden *g, struct golden_set *s, enum alg alg, const struct cJSON *entry,
			   struct pcrcast_error *e)
{
	const struct cJSON *values = json_get(entry, "values");
	uint32_t pcr = 0;

	int r = golden_only_keys(entry, "a prediction", prediction_keys, e);
	r = r < 0 ? r : systemd_read_pcr(entry, &pcr, e);
	if (r == 0 && (!json_is_array(values) || !json_first(values)))
		r = err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			    "\"values\": expected an array of at least one value");
	if (r == 0 && golden_find(s, alg, pcr))
		r = err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "PCR %u a second time", pcr);
	for (const struct cJSON *c = json_first(values); c && r == 0; c = json_next(c))
		r = systemd_add_hex(g, s, alg, pcr, c, NULL, e);
	return r;
}

/* The values of a register, each once. */
static struct cJSON *prediction_json(struct json_doc *d, struct pool *pool, const struct golden_register *r)
{
	struct cJSON *o = json_object(d), *values = json_array(d);

	json_add_u64(d, o, "pcr", r->index);
	for (size_t i = 0; i < r->n; i++) {
		size_t k = 0;

		while (memcmp(r->values[k].bytes, r->values[i].bytes, algs[r->alg].len) != 0)
			k++;
		if (k < i)
			continue;
		char *hex = hex_text(pool, (struct slice){ r->values[i].bytes, algs[r->alg].len });
		if (hex)
			json_append_string(d, values, hex);
		else
			d->failed = true;
	}
	json_add(d, o, "values", values);
	return o;
}

/* One array of a bank's registers. */
static struct cJSON *bank_json(struct json_doc *d, struct pool *pool, const struct golden_set *s,
			       enum alg alg)
{
	struct cJSON *list = json_array(d);

	for (size_t i = 0; i < s->n_registers; i++)
		if (s->registers[i].alg == alg)
			json_append(d, list, prediction_json(d, pool, &s->registers[i]));
	return list;
}

GOLDEN_RECOGNISER(pcrlock_predict_recognise)
{
	return systemd_is_bank_lists(in->json, "pcr", "values");
}

GOLDEN_READER(pcrlock_predict_read)
{
	return systemd_read_bank_lists(in, g, read_prediction, e);
}

GOLDEN_WRITER(pcrlock_predict_write)
{
	const struct golden_set *s = &g->sets[0];
	struct json_doc d = { false };
	struct cJSON *root = json_object(&d);

	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		if (golden_banks(s) & 1u << alg)
			json_add(&d, root, algs[alg].name, bank_json(&d, w->pool, s, alg));
	return golden_write_json(w, &d, root, true, e);
}

/* ---- /var/lib/systemd/pcrlock.json ---- */

enum { PCRLOCK_VALUES_MAX = 8 }; /* of a register: branches of a PolicyOR; systemd-pcrlock refuses more */

static const char policy_format[] = "pcrlock-policy";

/* The NV index with the policy, the storage root key, and the PIN that changes the index: fields that no value can replace. */
static const struct {
	const char *key;
	bool number;
} policy_fields[] = {
	{ "nvIndex", true },    { "nvHandle", false },  { "nvPublic", false },
	{ "srkHandle", false }, { "pinPublic", false }, { "pinPrivate", false },
};

enum { N_POLICY_FIELDS = sizeof policy_fields / sizeof policy_fields[0] };

GOLDEN_RECOGNISER(pcrlock_policy_recognise)
{
	return json_get(in->json, "pcrBank") && json_get(in->json, "pcrValues");
}

/* systemd needs each of them, as a number of 32 bits or base64. */
static int check_policy_field(struct golden *g, const struct cJSON *node, bool number,
			      struct pcrcast_error *e)
{
	struct slice bytes;
	const char *text;
	uint64_t v;

	if (number ? json_u64(node, &v) && v <= UINT32_MAX :
		     json_string(node, &text) && base64_decode(&g->pool, slice_of_string(text), &bytes))
		return 0;
	return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"%s\": expected %s", json_key(node),
		       number ? "a number of 32 bits" : "base64");
}

/* Everything but the values is kept as it is; systemd ignores what it does not know. */
static int keep_policy_field(struct golden *g, struct golden_set *s, const struct cJSON *node,
			     struct pcrcast_error *e)
{
	const char *key = json_key(node);
	size_t i = 0;
	int r = 0;

	while (i < N_POLICY_FIELDS && strcmp(policy_fields[i].key, key) != 0)
		i++;
	if (i < N_POLICY_FIELDS)
		r = check_policy_field(g, node, policy_fields[i].number, e);
	else
		r = golden_note(g, e, "\"%s\" is not known, kept as it is", key);
	if (r < 0)
		return r;
	const char *text = json_text(&g->pool, node);
	return text ? golden_add_extra(g, s, policy_format, key, text, e) : err_nomem(e);
}

GOLDEN_READER(pcrlock_policy_read)
{
	const struct cJSON *values = json_get(in->json, "pcrValues");
	struct golden_set *s = golden_add_set(g, e);
	enum alg alg = ALG_COUNT;
	const char *bank;
	size_t n = 0;
	int r = 0;

	if (!s)
		return -PCRCAST_ENOMEM;
	if (json_string(json_get(in->json, "pcrBank"), &bank))
		alg = alg_by_name(slice_of_string(bank));
	if (alg == ALG_COUNT)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"pcrBank\": expected a bank");
	if (!json_is_array(values))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"pcrValues\": expected an array");
	for (const struct cJSON *c = json_first(values); c; c = json_next(c), n++)
		if (read_prediction(g, s, alg, c, e) < 0)
			return err_wrap(e, "\"pcrValues\", entry %zu", n);
	for (const struct cJSON *c = json_first(in->json); c && r == 0; c = json_next(c))
		if (strcmp(json_key(c), "pcrBank") != 0 && strcmp(json_key(c), "pcrValues") != 0)
			r = keep_policy_field(g, s, c, e);
	return r;
}

static const struct golden_extra *find_extra(const struct golden_set *s, const char *key)
{
	for (size_t i = 0; i < s->n_extras; i++)
		if (strcmp(s->extras[i].format, policy_format) == 0 && strcmp(s->extras[i].key, key) == 0)
			return &s->extras[i];
	return NULL;
}

static int add_policy_fields(struct json_doc *d, struct cJSON *root, const struct golden_set *s,
			     struct golden_writer *w, struct pcrcast_error *e)
{
	const char *missing = "";

	for (size_t i = 0; i < s->n_extras; i++)
		if (strcmp(s->extras[i].format, policy_format) == 0 &&
		    find_extra(s, s->extras[i].key) == &s->extras[i])
			json_add_raw(d, root, s->extras[i].key, s->extras[i].json);
	for (size_t i = 0; i < N_POLICY_FIELDS && missing; i++)
		if (!find_extra(s, policy_fields[i].key))
			missing = pool_printf(w->pool, "%s%s%s", missing, *missing ? ", " : "",
					      policy_fields[i].key);
	if (!missing)
		return err_nomem(e);
	return *missing ?
		       golden_lost(
			       w, e,
			       "%s: not in the source, and of a TPM: systemd does not use the file without "
			       "(systemd-pcrlock make-policy makes them)",
			       missing) :
		       0;
}

GOLDEN_WRITER(pcrlock_policy_write)
{
	const struct golden_set *s = &g->sets[0];
	struct json_doc d = { false };
	struct cJSON *root = json_object(&d);
	enum alg alg = s->registers[0].alg;

	json_add_string(&d, root, "pcrBank", algs[alg].name);
	struct cJSON *values = bank_json(&d, w->pool, s, alg);
	json_add(&d, root, "pcrValues", values);
	int r = 0;
	for (const struct cJSON *c = json_first(values); c && r == 0; c = json_next(c)) {
		size_t n = 0;

		for (const struct cJSON *v = json_first(json_get(c, "values")); v; v = json_next(v))
			n++;
		if (n > PCRLOCK_VALUES_MAX)
			r = err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
				    "%s cannot hold %zu values of a register: a TPM's PolicyOR takes %d",
				    policy_format, n, PCRLOCK_VALUES_MAX);
	}
	r = r < 0 ? r : add_policy_fields(&d, root, s, w, e);
	if (r < 0) {
		json_free(root);
		return r;
	}
	return golden_write_json(w, &d, root, true, e);
}
