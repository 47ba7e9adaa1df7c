/*
 * The measurements that Constellation's program carries, as literals of Go.
 *
 * Source: Constellation v2.24, internal/attestation/measurements: measurements_enterprise.go, which
 * measurement-generator/generate.go writes through go/printer, and measurements_oss.go; the older spelling is of v2.3.
 */
#include <string.h>

#include "golden/constellation.h"
#include "golden/format_rows.h"
#include "golden/go_text.h"

/* internal/attestation/measurements/measurements.go */
static const struct {
	const char *name;
	uint64_t value;
} constants[] = {
	{ "PCRIndexClusterID", 15 },
	{ "PCRIndexOwnerID", 16 },
	{ "TDXIndexClusterID", 3 },
	{ "PCRMeasurementLength", CONSTELLATION_PCR_LEN },
	{ "TDXMeasurementLength", CONSTELLATION_TDX_LEN },
};

/* ---- reading ---- */

/* A number, or a name for one. */
static int read_number(struct go_text *t, uint64_t most, uint64_t *ret, struct pcrcast_error *e)
{
	for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++)
		if (constants[i].value <= most && go_accept(t, constants[i].name)) {
			*ret = constants[i].value;
			return 0;
		}
	return go_number(t, most, ret) ? 0 : go_unexpected(t, "a number", e);
}

/* "4", or "uint32(PCRIndexClusterID)". */
static int read_key(struct go_text *t, uint64_t *ret, struct pcrcast_error *e)
{
	if (!go_accept(t, "uint32"))
		return read_number(t, PCR_COUNT - 1, ret, e);
	int r = go_expect(t, "(", e);
	r = r < 0 ? r : read_number(t, PCR_COUNT - 1, ret, e);
	return r < 0 ? r : go_expect(t, ")", e);
}

/* The word behind ValidationOpt, or behind the older WarnOnly. */
static int read_strictness(struct go_text *t, bool *ret_warn_only, struct pcrcast_error *e)
{
	*ret_warn_only = go_at(t, "WarnOnly") || go_at(t, "true");
	if (go_accept(t, "Enforce") || go_accept(t, "WarnOnly") || go_accept(t, "true") ||
	    go_accept(t, "false"))
		return 0;
	return go_unexpected(t, "Enforce or WarnOnly", e);
}

/* "[]byte{…}" or "[32]byte{…}" */
static int read_expected(struct go_text *t, struct pool *pool, struct slice *ret, struct pcrcast_error *e)
{
	uint64_t n;

	int r = go_expect(t, "[", e);
	if (r == 0)
		(void)go_number(t, CONSTELLATION_TDX_LEN, &n);
	r = r < 0 ? r : go_expect(t, "]", e);
	r = r < 0 ? r : go_expect(t, "byte", e);
	return r < 0 ? r : go_bytes(t, pool, ret, e);
}

struct measurement {
	struct slice value; /* empty: none */
	bool warn_only, placeholder;
};

/* "{Expected: …, ValidationOpt: …}" behind its brace. */
static int read_fields(struct go_text *t, struct pool *pool, struct measurement *ret, struct pcrcast_error *e)
{
	bool has_strictness = false;
	int r = 0;

	while (r == 0 && !go_accept(t, "}")) {
		if (ret->value.n == 0 && go_accept(t, "Expected")) {
			r = go_expect(t, ":", e);
			r = r < 0 ? r : read_expected(t, pool, &ret->value, e);
		} else if (!has_strictness && (go_accept(t, "ValidationOpt") || go_accept(t, "WarnOnly"))) {
			has_strictness = true;
			r = go_expect(t, ":", e);
			r = r < 0 ? r : read_strictness(t, &ret->warn_only, e);
		} else {
			return go_unexpected(t, "Expected or ValidationOpt", e);
		}
		if (r == 0 && !go_accept(t, ",") && !go_at(t, "}"))
			return go_unexpected(t, "',' or '}'", e);
	}
	return r;
}

/* "WithAllBytes(0x00, Enforce, PCRMeasurementLength)" behind its name; the length is missing before v2.7. */
static int read_all_bytes(struct go_text *t, struct pool *pool, struct measurement *ret,
			  struct pcrcast_error *e)
{
	uint64_t byte = 0, len = CONSTELLATION_PCR_LEN;

	int r = go_expect(t, "(", e);
	r = r < 0 ? r : read_number(t, UINT8_MAX, &byte, e);
	r = r < 0 ? r : go_expect(t, ",", e);
	r = r < 0 ? r : read_strictness(t, &ret->warn_only, e);
	if (r == 0 && go_accept(t, ",") && !go_at(t, ")"))
		r = read_number(t, CONSTELLATION_TDX_LEN, &len, e);
	r = r < 0 ? r : go_expect(t, ")", e);
	if (r < 0)
		return r;
	uint8_t *bytes = pool_array(pool, len + 1, 1);
	if (!bytes)
		return err_nomem(e);
	memset(bytes, (int)byte, len);
	ret->value = (struct slice){ bytes, len };
	return 0;
}

static int read_measurement(struct go_text *t, struct pool *pool, struct measurement *ret,
			    struct pcrcast_error *e)
{
	uint64_t len;

	*ret = (struct measurement){ .value = SLICE_EMPTY };
	if (go_accept(t, "WithAllBytes"))
		return read_all_bytes(t, pool, ret, e);
	if (go_accept(t, "PlaceHolderMeasurement")) {
		ret->placeholder = true;
		int r = go_expect(t, "(", e);
		if (r == 0 && !go_at(t, ")"))
			r = read_number(t, CONSTELLATION_TDX_LEN, &len, e);
		return r < 0 ? r : go_expect(t, ")", e);
	}
	(void)go_accept(t, "Measurement");
	int r = go_expect(t, "{", e);
	return r < 0 ? r : read_fields(t, pool, ret, e);
}

/* A literal behind "M{". */
static int read_literal(struct go_text *t, struct constellation_map *m, struct pcrcast_error *e)
{
	int r = 0;

	while (r == 0 && !go_accept(t, "}")) {
		uint64_t at = t->token_at, index = 0;
		struct measurement v;

		r = read_key(t, &index, e);
		r = r < 0 ? r : go_expect(t, ":", e);
		r = r < 0 ? r : read_measurement(t, &m->g->pool, &v, e);
		if (r < 0)
			return r;
		if (!v.placeholder)
			r = constellation_add(m, (uint32_t)index, v.value, v.warn_only, e);
		else
			r = golden_note(m->g, e, "register %u: a placeholder and no value, left out",
					(unsigned)index);
		if (r < 0 && e && e->offset == PCRCAST_NO_OFFSET)
			e->offset = at;
		if (r == 0 && !go_accept(t, ",") && !go_at(t, "}"))
			r = go_unexpected(t, "',' or '}'", e);
	}
	return r;
}

static bool ends_with(struct slice s, const char *tail)
{
	size_t n = strlen(tail);

	return s.n >= n && memcmp(s.p + s.n - n, tail, n) == 0;
}

/* The cloud and variant of "aws_AWSNitroTPM", or the cloud of "AWS" (v2.3: case cloudprovider.AWS). */
static int set_identity(struct golden *g, struct golden_set *s, struct slice name, struct pcrcast_error *e)
{
	for (size_t i = 0; i < CONSTELLATION_CSPS; i++) {
		size_t n = strlen(constellation_csps[i].go_name);

		if (slice_equal_string(name, constellation_csps[i].name))
			s->id.csp = constellation_csps[i].name;
		if (name.n < n + 1 || memcmp(name.p, constellation_csps[i].go_name, n) != 0 ||
		    name.p[n] != '_')
			continue;
		s->id.csp = constellation_csps[i].name;
		for (size_t k = 0; k < n_constellation_variants; k++)
			if (ends_with(name, constellation_variants[k].go_name) &&
			    name.n == n + 1 + strlen(constellation_variants[k].go_name))
				s->id.variant = constellation_variants[k].name;
		if (!s->id.variant)
			return golden_note(g, e, "%.*s: unknown variant", (int)(name.n < 64 ? name.n : 64),
					   (const char *)name.p);
	}
	return 0;
}

static int add_literal(struct golden *g, struct go_text *t, struct slice name, struct pcrcast_error *e)
{
	struct golden_set *s = golden_add_set(g, e);
	struct constellation_map m = { .g = g, .s = s, .origin = GOLDEN_STATED };

	if (!s)
		return -PCRCAST_ELIMIT;
	int r = set_identity(g, s, name, e);
	r = r < 0 ? r : read_literal(t, &m, e);
	if (r < 0 || s->n_registers)
		return r;
	g->n--; /* the place of a variant without measurements */
	return golden_note(g, e, "%.*s: no values in it, left out", (int)(name.n < 64 ? name.n : 64),
			   (const char *)name.p);
}

/*
 * Every "M{" that is a value. The code around is passed over, save for the names before: "NAME = M{", and
 * "case cloudprovider.NAME: return M{".
 */
GOLDEN_READER(constellation_literal_read)
{
	struct go_text t = go_text_over(in->bytes);
	struct slice before = SLICE_EMPTY, name = SLICE_EMPTY, assigned = SLICE_EMPTY;

	while (!go_at_end(&t)) {
		bool value = before.n == 0 || slice_equal_string(before, "=") ||
			     slice_equal_string(before, "return");
		struct slice token = t.token;

		(void)go_accept(&t, "M");
		if (slice_equal_string(token, "M") && value && go_accept(&t, "{")) {
			int r = add_literal(g, &t, slice_equal_string(before, "return") ? name : assigned, e);

			if (r < 0)
				return r;
			before = (struct slice){ (const uint8_t *)"}", 1 };
			continue;
		}
		if (slice_equal_string(token, "=") || slice_equal_string(token, ":")) {
			assigned = before;
			name = slice_equal_string(token, ":") ? before : name;
		}
		before = token;
		if (!slice_equal_string(token, "M"))
			go_next(&t);
	}
	return t.bad_at == PCRCAST_NO_OFFSET ? 0 : go_unexpected(&t, "the end", e);
}

GOLDEN_RECOGNISER(constellation_literal_recognise)
{
	struct go_text t = go_text_over(in->bytes);

	if (in->files)
		return false;
	if (go_accept(&t, "package"))
		return go_at(&t, "measurements");
	if (go_accept(&t, "var"))
		(void)go_accept(&t, "(");
	if (go_accept(&t, "M"))
		return go_at(&t, "{");
	return go_name(&t, NULL, NULL) == 0 && go_accept(&t, "=") && go_accept(&t, "M") && go_at(&t, "{");
}

/* ---- writing ---- */

/* "aws_AWSNitroTPM"; NULL when the set is for none that has a name. */
static const char *name_of(struct pool *pool, const struct golden_set *s)
{
	size_t csp = s->id.csp ? constellation_csp_by_name(s->id.csp) : CONSTELLATION_CSPS;

	for (size_t i = 0; i < n_constellation_variants && csp < CONSTELLATION_CSPS && s->id.variant; i++)
		if (strcmp(constellation_variants[i].name, s->id.variant) == 0)
			return pool_printf(pool, "%s_%s", constellation_csps[csp].go_name,
					   constellation_variants[i].go_name);
	return NULL;
}

static void put_literal(const struct golden_set *s, FILE *out)
{
	fputs("M{", out);
	for (size_t i = 0; i < s->n_registers; i++) {
		const struct golden_register *reg = &s->registers[i];

		fprintf(out, "%s%u: {Expected: []byte{", i ? ", " : "", reg->index);
		for (size_t k = 0; k < algs[reg->alg].len; k++)
			fprintf(out, "%s0x%02x", k ? ", " : "", reg->values[0].bytes[k]);
		fprintf(out, "}, ValidationOpt: %s}", reg->warn_only ? "WarnOnly" : "Enforce");
	}
	fputs("}\n", out);
}

/* One set without a name is a bare literal; else a block of variables, aligned as gofmt aligns it. */
GOLDEN_WRITER(constellation_literal_write)
{
	size_t widest = 0;
	int r = 0;

	for (size_t i = 0; i < g->n && r == 0; i++) {
		const char *name = name_of(w->pool, &g->sets[i]);

		r = constellation_check(&g->sets[i], e);
		if (r == 0 && !name && g->n > 1)
			r = err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
				    "set %zu is for no cloud and variant of Constellation: choose with --set",
				    i + 1);
		if (r == 0)
			r = constellation_tell_lost(w, &g->sets[i],
						    name ? CONSTELLATION_CSP | CONSTELLATION_VARIANT : 0, e);
		widest = name && strlen(name) > widest ? strlen(name) : widest;
	}
	if (r < 0)
		return r;
	if (!widest) {
		put_literal(&g->sets[0], w->out);
		return 0;
	}
	fputs("var (\n", w->out);
	for (size_t i = 0; i < g->n; i++) {
		const char *name = name_of(w->pool, &g->sets[i]);

		if (!name)
			return err_nomem(e);
		fprintf(w->out, "\t%-*s = ", (int)widest, name);
		put_literal(&g->sets[i], w->out);
	}
	fputs(")\n", w->out);
	return 0;
}
