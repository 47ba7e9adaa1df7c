#include "golden/comid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/encode.h"
#include "base/utf16.h"

/* ---- words and numbers ---- */

/* https://www.iana.org/assignments/named-information, "Hash Algorithm" */
static const struct {
	const char *name;
	uint64_t number;
} named[ALG_COUNT] = {
	[ALG_SHA256] = { "sha-256", 1 },
	[ALG_SHA384] = { "sha-384", 7 },
	[ALG_SHA512] = { "sha-512", 8 },
};

enum alg comid_alg_by_name(const char *name)
{
	enum alg alg = 0;

	while (alg < ALG_COUNT && (!named[alg].name || strcasecmp(named[alg].name, name) != 0))
		alg++;
	return alg;
}

enum alg comid_alg_by_number(uint64_t number)
{
	enum alg alg = 0;

	while (alg < ALG_COUNT && (!named[alg].name || named[alg].number != number))
		alg++;
	return alg;
}

const char *comid_alg_name(enum alg alg)
{
	return named[alg].name;
}

uint64_t comid_alg_number(enum alg alg)
{
	return named[alg].number;
}

bool comid_uuid_parse(const char *text, uint8_t ret[static UUID_BYTES])
{
	uint8_t uuid[UUID_BYTES];
	size_t n = 0;

	if (strlen(text) != 36)
		return false;
	for (size_t i = 0; i < 36; i += 2) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (text[i] != '-')
				return false;
			i++;
		}
		int hi = hex_digit((uint8_t)text[i]), lo = hex_digit((uint8_t)text[i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		uuid[n++] = (uint8_t)(hi << 4 | lo);
	}
	memcpy(ret, uuid, sizeof uuid);
	return true;
}

char *comid_uuid_text(struct pool *pool, const uint8_t uuid[static UUID_BYTES])
{
	char hex[2 * UUID_BYTES + 1];

	hex_encode(uuid, UUID_BYTES, hex);
	return pool_printf(pool, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

/* An arc of decimal digits, without a zero in front; *text is moved behind it. */
static bool read_arc(const char **text, uint64_t *ret)
{
	const char *p = *text;
	uint64_t v = 0;

	if (*p < '0' || *p > '9' || (*p == '0' && p[1] >= '0' && p[1] <= '9'))
		return false;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return false;
	*text = p;
	*ret = v;
	return true;
}

static size_t put_arc(uint8_t *to, uint64_t v)
{
	size_t n = 1;

	for (uint64_t rest = v >> 7; rest; rest >>= 7)
		n++;
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)((v >> 7 * (n - 1 - i) & 0x7f) | (i + 1 < n ? 0x80 : 0));
	return n;
}

bool comid_oid_parse(struct pool *pool, const char *text, struct slice *ret)
{
	/* an arc of k digits takes fewer than k bytes, one of 1 digit takes 1 */
	uint8_t *ber = pool_array(pool, strlen(text) + 1, 1);
	uint64_t first, second, arc;
	size_t n;

	if (!ber || !read_arc(&text, &first) || *text++ != '.' || !read_arc(&text, &second) || first > 2 ||
	    (first < 2 && second > 39) || second > UINT64_MAX - 80)
		return false;
	n = put_arc(ber, 40 * first + second);
	while (*text) {
		if (*text++ != '.' || !read_arc(&text, &arc))
			return false;
		n += put_arc(ber + n, arc);
	}
	*ret = (struct slice){ ber, n };
	return true;
}

char *comid_oid_text(struct pool *pool, struct slice ber)
{
	/* a byte gives at most 3 digits and a dot, the first one more arc */
	size_t room = 4 * ber.n + 8, n = 0;
	char *text = pool_array(pool, room, 1);
	uint64_t v = 0;

	for (size_t i = 0; text && i < ber.n; i++) {
		bool start = i == 0 || !(ber.p[i - 1] & 0x80);

		if ((start && ber.p[i] == 0x80) || v > UINT64_MAX >> 7)
			return NULL;
		v = v << 7 | (ber.p[i] & 0x7f);
		if (ber.p[i] & 0x80)
			continue;
		uint64_t root = v < 80 ? v / 40 : 2;
		int put = n == 0 ? snprintf(text, room, "%llu.%llu", (unsigned long long)root,
					    (unsigned long long)(v - 40 * root)) :
				   snprintf(text + n, room - n, ".%llu", (unsigned long long)v);
		n += (size_t)put;
		v = 0;
	}
	return text && ber.n && !(ber.p[ber.n - 1] & 0x80) ? text : NULL;
}

/* ---- extras ---- */

const char *comid_extra(const struct golden_set *s, const char *format, const char *key)
{
	for (size_t i = 0; i < s->n_extras; i++)
		if (strcmp(s->extras[i].format, format) == 0 && strcmp(s->extras[i].key, key) == 0)
			return s->extras[i].json;
	return NULL;
}

struct cJSON *comid_extra_json(const struct golden_set *s, const char *format, const char *key)
{
	const char *text = comid_extra(s, format, key);
	struct cJSON *node = NULL;

	return text && json_parse(slice_of_string(text), &node, NULL) == 0 ? node : NULL;
}

int comid_keep_text(struct golden *g, struct golden_set *s, const char *format, const char *key,
		    const char *text, struct pcrcast_error *e)
{
	struct json_doc d = { false };

	if (strlen(text) > 2 * COMID_MAX_EXTRA) /* hex of as many bytes */
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "\"%s\" of %zu bytes, at most %d handled", key, strlen(text),
			       2 * COMID_MAX_EXTRA);
	struct cJSON *list = json_array(&d);
	json_append_string(&d, list, text);
	char *json = d.failed ? NULL : json_text(&g->pool, json_first(list));
	json_free(list);
	return json ? golden_add_extra(g, s, format, key, json, e) : err_nomem(e);
}

int comid_keep_number(struct golden *g, struct golden_set *s, const char *key, uint64_t number,
		      struct pcrcast_error *e)
{
	if (number > UINT64_C(1) << 53)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET, "\"%s\" is above 2^53", key);
	char *json = pool_printf(&g->pool, "%llu", (unsigned long long)number);
	return json ? golden_add_extra(g, s, "comid-json", key, json, e) : err_nomem(e);
}

static bool same_extra(const struct golden_set *a, const struct golden_set *b, const char *format,
		       const char *key)
{
	const char *x = comid_extra(a, format, key), *y = comid_extra(b, format, key);

	return x && y ? strcmp(x, y) == 0 : x == y;
}

bool comid_same_tag(const struct golden_set *a, const struct golden_set *b)
{
	static const char *const keys[] = { "tag-id", "tag-version", "lang", "entities" };

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (!same_extra(a, b, "comid-json", keys[i]) || !same_extra(a, b, "corim", keys[i]))
			return false;
	return true;
}

/* ---- reading ---- */

int comid_add_digest(struct golden *g, struct golden_set *s, enum alg alg, uint32_t index, struct slice value,
		     struct pcrcast_error *e)
{
	if (golden_find(s, alg, index))
		return err_set(
			e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			"two %s digests of one register in one state: by the comparison that CoRIM prescribes "
			"they match nothing",
			comid_alg_name(alg));
	return golden_add_value(g, s, alg, index, value, GOLDEN_STATED, NULL, e);
}

static bool same_word(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_environment(const struct golden_set *a, const struct golden_set *b)
{
	if (!same_word(a->id.vendor, b->id.vendor) || !same_word(a->id.image, b->id.image) ||
	    a->cc != b->cc || a->n_extras != b->n_extras)
		return false;
	for (size_t i = 0; i < a->n_extras; i++)
		if (strcmp(a->extras[i].format, b->extras[i].format) != 0 ||
		    strcmp(a->extras[i].key, b->extras[i].key) != 0 ||
		    strcmp(a->extras[i].json, b->extras[i].json) != 0)
			return false;
	return true;
}

/* Of a state; every register has one value. */
static bool same_registers(const struct golden_set *a, const struct golden_set *b, bool values)
{
	if (a->n_registers != b->n_registers)
		return false;
	for (size_t i = 0; i < a->n_registers; i++) {
		const struct golden_register *x = &a->registers[i], *y = &b->registers[i];

		if (x->alg != y->alg || x->index != y->index ||
		    (values && memcmp(x->values[0].bytes, y->values[0].bytes, algs[x->alg].len) != 0))
			return false;
	}
	return true;
}

/* Is the value of a state's register one that no earlier state of the group has? */
static bool is_new_value(const struct golden_set *sets, const size_t *group, size_t k, size_t reg)
{
	const struct golden_register *r = &sets[group[k]].registers[reg];

	for (size_t i = 0; i < k; i++)
		if (memcmp(sets[group[i]].registers[reg].values[0].bytes, r->values[0].bytes,
			   algs[r->alg].len) == 0)
			return false;
	return true;
}

/* Are the states of a group all there are of the values in them? They differ from each other, so it is enough to count. */
static bool is_every_combination(const struct golden_set *sets, const size_t *group, size_t n)
{
	const struct golden_set *first = &sets[group[0]];
	alg_set banks = golden_banks(first);
	size_t states = 1;

	if (banks & (banks - 1)) /* which digests belong together would be lost */
		return false;
	for (size_t k = 1; k < n; k++)
		if (!same_registers(first, &sets[group[k]], false))
			return false;
	for (size_t reg = 0; reg < first->n_registers && states <= n; reg++) {
		size_t values = 0;

		for (size_t k = 0; k < n; k++)
			values += is_new_value(sets, group, k, reg);
		states *= values;
	}
	return states == n;
}

static int join_group(struct golden *g, const size_t *group, size_t n, struct pcrcast_error *e)
{
	struct golden_set *to = &g->sets[group[0]];
	int r = 0;

	for (size_t k = 1; k < n && r == 0; k++)
		for (size_t reg = 0; reg < to->n_registers && r == 0; reg++) {
			const struct golden_register *from = &g->sets[group[k]].registers[reg];

			r = golden_add_value(g, to, from->alg, from->index,
					     (struct slice){ from->values[0].bytes, algs[from->alg].len },
					     from->values[0].origin, NULL, e);
		}
	return r;
}

/* Take the sets that gone marks out of the list. */
static void drop_sets(struct golden *g, const bool *gone)
{
	size_t to = 0;

	for (size_t i = 0; i < g->n; i++)
		if (!gone[i])
			g->sets[to++] = g->sets[i];
	if (g->n > to) /* golden_add_set takes what is behind the last for zeros */
		memset(&g->sets[to], 0, (g->n - to) * sizeof *g->sets);
	g->n = to;
}

int comid_join(struct golden *g, size_t first, struct pcrcast_error *e)
{
	size_t *group = pool_array(&g->pool, g->n + 1, sizeof *group), apart = 0;
	bool *gone = pool_array(&g->pool, g->n + 1, sizeof *gone);
	bool *seen = pool_array(&g->pool, g->n + 1, sizeof *seen);
	int r = 0;

	if (!group || !gone || !seen)
		return err_nomem(e);
	for (size_t i = first; i < g->n && r == 0; i++) {
		size_t n = 0;

		if (seen[i])
			continue;
		for (size_t k = i; k < g->n; k++) {
			size_t same = 0;

			if (seen[k] || !same_environment(&g->sets[i], &g->sets[k]))
				continue;
			seen[k] = true;
			while (same < n && !same_registers(&g->sets[group[same]], &g->sets[k], true))
				same++;
			gone[k] = same < n; /* a state stated twice */
			if (same == n)
				group[n++] = k;
		}
		if (n == 1)
			continue;
		if (!is_every_combination(g->sets, group, n)) {
			apart += n;
			continue;
		}
		r = join_group(g, group, n, e);
		for (size_t k = 1; k < n; k++)
			gone[group[k]] = true;
	}
	drop_sets(g, gone);
	if (r == 0 && apart)
		r = golden_note(
			g, e,
			"%zu sets are states of the same environment: their values go together as they are "
			"listed",
			apart);
	return r;
}

int comid_check_any(const struct golden *g, size_t other_records, struct pcrcast_error *e)
{
	if (g->n)
		return 0;
	return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
		       "no reference values of registers in it: %zu records of reference values, none with "
		       "integrity registers",
		       other_records);
}

/* ---- writing ---- */

size_t comid_indices(const struct golden_set *s, uint32_t ret[static PCR_COUNT])
{
	uint32_t there = 0;
	size_t n = 0;

	for (size_t i = 0; i < s->n_registers; i++)
		there |= UINT32_C(1) << s->registers[i].index;
	for (uint32_t i = 0; i < PCR_COUNT; i++)
		if (there & UINT32_C(1) << i)
			ret[n++] = i;
	return n;
}

/* A value may be there twice with different labels, which a CoMID does not have. */
static void keep_each_value_once(struct golden_register *r, struct golden_value *to)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		size_t same = 0;

		while (same < n && memcmp(to[same].bytes, r->values[i].bytes, algs[r->alg].len) != 0)
			same++;
		if (same == n)
			to[n++] = r->values[i];
	}
	r->values = to;
	r->n = n;
}

static bool is_text(const char *word)
{
	return !word || utf8_valid(slice_of_string(word));
}

int comid_states_init(struct pool *pool, const struct golden_set *s, struct comid_states *ret,
		      struct pcrcast_error *e)
{
	alg_set banks = golden_banks(s);
	struct comid_states st = { .s = s, .n = 1 };

	if (!s->id.vendor && !s->id.image && !comid_extra(s, "comid-json", "class-id"))
		return err_set(
			e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			"a CoMID needs to tell what its values are for: the name of an image or its vendor");
	if (!is_text(s->id.vendor) || !is_text(s->id.image))
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "a CoMID cannot hold the name of the image or its vendor: it is not UTF-8");
	st.registers = pool_array(pool, s->n_registers + 1, sizeof *st.registers);
	st.at = pool_array(pool, s->n_registers + 1, sizeof *st.at);
	if (!st.registers || !st.at)
		return err_nomem(e);
	for (size_t i = 0; i < s->n_registers; i++) {
		struct golden_value *values = pool_array(pool, s->registers[i].n + 1, sizeof *values);

		if (!values)
			return err_nomem(e);
		st.registers[i] = s->registers[i];
		keep_each_value_once(&st.registers[i], values);
		if (st.registers[i].n > GOLDEN_MAX_SETS / st.n)
			return err_set(
				e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
				"the values of these registers make more than %d states, each a record of its "
				"own: choose with --pcr or --label",
				GOLDEN_MAX_SETS);
		st.n *= st.registers[i].n;
	}
	if (st.n > 1 && banks & (banks - 1))
		return err_set(
			e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			"several values of a register in several banks: which of them belong together is not "
			"known; choose with --bank");
	*ret = st;
	return 0;
}

int comid_too_many(size_t n, struct pcrcast_error *e)
{
	return err_set(
		e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
		"%zu states, each a record of its own, at most %d in a file: choose with --set, --pcr or --label",
		n, GOLDEN_MAX_SETS);
}

bool comid_states_next(struct comid_states *st)
{
	for (size_t i = st->s->n_registers; i-- > 0;) {
		if (++st->at[i] < st->registers[i].n)
			return true;
		st->at[i] = 0;
	}
	return false;
}

struct slice comid_state_value(const struct comid_states *st, size_t i)
{
	const struct golden_register *r = &st->registers[i];

	return (struct slice){ r->values[st->at[i]].bytes, algs[r->alg].len };
}

int comid_tell_losses(const struct golden_set *s, bool cbor, struct golden_writer *w, struct pcrcast_error *e)
{
	/* fields that are kept as they were encoded, so that only the form that they came in can hold them */
	static const char *const json_only[] = { "entities", "instance", "group", "key" };
	const struct golden_identity *id = &s->id;
	int r = 0;

	if (id->csp || id->variant || id->version || id->ref || id->stream)
		r = golden_lost(w, e, "cloud, variant, version, ref and stream of the image");
	for (size_t i = 0; cbor && i < sizeof json_only / sizeof json_only[0] && r == 0; i++)
		if (comid_extra(s, "comid-json", json_only[i]))
			r = golden_lost(w, e, "\"%s\" of the CoMID that it was read from", json_only[i]);
	return r;
}
