#include "golden/constellation.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/encode.h"

enum { BASE64_LEN = 44 }; /* characters of 32 bytes in base64 */

/* internal/attestation/variant/variant.go, measurement-generator/generate.go */
const struct constellation_variant constellation_variants[] = {
	{ "aws-nitro-tpm", "AWSNitroTPM" },
	{ "aws-sev-snp", "AWSSEVSNP" },
	{ "azure-sev-snp", "AzureSEVSNP" },
	{ "azure-tdx", "AzureTDX" },
	{ "azure-trustedlaunch", "AzureTrustedLaunch" },
	{ "gcp-sev-es", "GCPSEVES" },
	{ "gcp-sev-snp", "GCPSEVSNP" },
	{ "qemu-vtpm", "QEMUVTPM" },
	{ "qemu-tdx", "QEMUTDX" },
	{ "dummy", "Dummy" },
};
const size_t n_constellation_variants = sizeof constellation_variants / sizeof constellation_variants[0];

const struct constellation_csp constellation_csps[CONSTELLATION_CSPS] = {
	{ "AWS", "aws" },   { "Azure", "azure" }, { "GCP", "gcp" }, { "OpenStack", "openstack" },
	{ "QEMU", "qemu" },
};

size_t constellation_csp_by_name(const char *name)
{
	size_t i = 0;

	if (strcasecmp(name, "stackit") == 0)
		name = "OpenStack";
	while (i < CONSTELLATION_CSPS && strcasecmp(name, constellation_csps[i].name) != 0)
		i++;
	return i;
}

/* ---- reading ---- */

int constellation_add(struct constellation_map *m, uint32_t index, struct slice value, bool warn_only,
		      struct pcrcast_error *e)
{
	enum alg alg = value.n == CONSTELLATION_TDX_LEN ? ALG_SHA384 : ALG_SHA256;

	if (value.n != CONSTELLATION_PCR_LEN && value.n != CONSTELLATION_TDX_LEN)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "register %u: a value of %zu bytes, expected %d (PCR) or %d (TDX)", index,
			       value.n, CONSTELLATION_PCR_LEN, CONSTELLATION_TDX_LEN);
	if (m->len && m->len != value.n)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "register %u: a value of %zu bytes, those before have %zu", index, value.n,
			       m->len);
	m->len = value.n;
	m->s->cc = alg == ALG_SHA384;
	if (golden_find(m->s, alg, index))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "register %u a second time", index);
	int r = golden_add_value(m->g, m->s, alg, index, value, m->origin, NULL, e);
	if (r == 0)
		golden_register(m->g, m->s, alg, index, NULL)->warn_only = warn_only;
	return r;
}

int constellation_add_text(struct constellation_map *m, struct slice index, struct slice value,
			   bool warn_only, struct pcrcast_error *e)
{
	struct slice bytes;
	uint32_t i;

	if (!golden_index(index, &i))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "\"%.*s\": expected a register, 0 to 23", (int)(index.n < 32 ? index.n : 32),
			       (const char *)index.p);
	/* 32 bytes are 64 digits in hex and 44 in base64: no text is both. */
	if (value.n == BASE64_LEN && base64_decode(&m->g->pool, value, &bytes)) {
		if (!m->base64 &&
		    golden_note(m->g, e,
				"values in base64, which Constellation reads from v2.3 to v2.8 only") < 0)
			return -PCRCAST_ENOMEM;
		m->base64 = true;
	} else if (!hex_decode(&m->g->pool, value, &bytes)) {
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "register %u: expected a value in hex",
			       i);
	}
	return constellation_add(m, i, bytes, warn_only, e);
}

static int add_measurement(struct constellation_map *m, const struct cJSON *node, struct pcrcast_error *e)
{
	static const char *const keys[] = { "expected", "warnOnly", NULL };
	struct slice index = slice_of_string(json_key(node));
	const struct cJSON *warn = json_get(node, "warnOnly");
	bool warn_only = false;
	const char *text;

	if (json_is_object(node)) {
		/* Constellation passes over an unknown key; a mistyped one would change a warning into a refusal. */
		int r = golden_only_keys(node, "a measurement", keys, e);

		if (r < 0)
			return r;
		if (warn && !json_bool(warn, &warn_only))
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				       "\"warnOnly\": expected true or false");
		node = json_get(node, "expected");
	}
	if (!json_string(node, &text))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"expected\": expected a string");
	return constellation_add_text(m, index, slice_of_string(text), warn_only, e);
}

int constellation_add_json(struct constellation_map *m, const struct cJSON *node, struct pcrcast_error *e)
{
	if (!json_is_object(node))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"measurements\": expected an object");
	for (const struct cJSON *c = json_first(node); c; c = json_next(c))
		if (add_measurement(m, c, e) < 0)
			return err_wrap(e, "measurement \"%.32s\"", json_key(c));
	return 0;
}

bool constellation_is_map(const struct cJSON *node)
{
	const struct cJSON *first = json_first(node);
	const char *text;
	uint32_t index;

	if (!json_is_object(node) || !first)
		return false;
	for (const struct cJSON *c = first; c; c = json_next(c))
		if (!golden_index(slice_of_string(json_key(c)), &index))
			return false;
	if (json_is_object(first))
		return json_string(json_get(first, "expected"), &text);
	return json_string(first, &text) &&
	       (strlen(text) == 2 * CONSTELLATION_PCR_LEN || strlen(text) == 2 * CONSTELLATION_TDX_LEN);
}

int constellation_set_csp(struct golden *g, struct golden_set *s, const char *text, struct pcrcast_error *e)
{
	size_t i = constellation_csp_by_name(text);

	if (i < CONSTELLATION_CSPS) {
		s->id.csp = constellation_csps[i].name;
		return 0;
	}
	s->id.csp = pool_text(&g->pool, text, strlen(text));
	if (!s->id.csp)
		return err_nomem(e);
	return golden_note(g, e, "csp \"%.64s\" is none that Constellation knows", text);
}

int constellation_note_keys(struct golden *g, const struct cJSON *object, const char *const *keys,
			    struct pcrcast_error *e)
{
	for (const struct cJSON *c = json_first(object); c; c = json_next(c)) {
		size_t i = 0;

		while (keys[i] && strcmp(keys[i], json_key(c)) != 0)
			i++;
		if (!keys[i] && golden_note(g, e, "key \"%.64s\" is not read", json_key(c)) < 0)
			return -PCRCAST_ENOMEM;
	}
	return 0;
}

/* ---- writing ---- */

int constellation_tell_lost(struct golden_writer *w, const struct golden_set *s, unsigned held,
			    struct pcrcast_error *e)
{
	const struct golden_identity *id = &s->id;
	const struct {
		const char *value, *name;
		unsigned held;
	} rows[] = {
		{ id->image, "image", CONSTELLATION_IMAGE },
		{ id->vendor, "vendor", 0 },
		{ id->csp, "csp", CONSTELLATION_CSP },
		{ id->variant, "variant", CONSTELLATION_VARIANT },
		{ id->version, "version", CONSTELLATION_VERSION },
		{ id->ref, "ref", CONSTELLATION_VERSION },
		{ id->stream, "stream", CONSTELLATION_VERSION },
	};
	const char *names = "";

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (!rows[i].value || rows[i].held & held)
			continue;
		names = pool_printf(w->pool, "%s%s%s", names, *names ? ", " : "", rows[i].name);
		if (!names)
			return err_nomem(e);
	}
	return *names ? golden_lost(w, e, "what the values are for: %s", names) : 0;
}

int constellation_check(const struct golden_set *s, struct pcrcast_error *e)
{
	enum alg want = s->cc ? ALG_SHA384 : ALG_SHA256;

	if (golden_banks(s) != 1u << want)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "Constellation has %s only: choose with --bank %s",
			       s->cc ? "SHA-384 values of CC registers" : "SHA-256 values of PCRs",
			       algs[want].name);
	return 0;
}

/* By decimal text: the first digit counts, then the shorter one comes first. */
static int by_text(const void *a, const void *b)
{
	const struct golden_register *x = *(const struct golden_register *const *)a,
				     *y = *(const struct golden_register *const *)b;
	uint32_t i = x->index < 10 ? x->index * 10 : x->index, k = y->index < 10 ? y->index * 10 : y->index;

	return i != k ? (i < k ? -1 : 1) : (x->index > y->index) - (x->index < y->index);
}

void constellation_string_order(const struct golden_set *s,
				const struct golden_register *ret[static PCR_COUNT])
{
	size_t n = 0;

	for (; n < s->n_registers && n < PCR_COUNT; n++)
		ret[n] = &s->registers[n];
	qsort(ret, n, sizeof *ret, by_text);
}

struct cJSON *constellation_map_json(struct json_doc *d, const struct golden_set *s, bool warn_only)
{
	const struct golden_register *order[PCR_COUNT];
	struct cJSON *map = json_object(d);

	constellation_string_order(s, order);
	for (size_t i = 0; i < s->n_registers && i < PCR_COUNT; i++) {
		struct cJSON *o = json_object(d);
		char key[sizeof "4294967295"];

		(void)snprintf(key, sizeof key, "%u", order[i]->index);
		json_add_hex(d, o, "expected", order[i]->values[0].bytes, algs[order[i]->alg].len);
		if (warn_only)
			json_add_bool(d, o, "warnOnly", order[i]->warn_only);
		json_add(d, map, key, o);
	}
	return map;
}

/* In JSON text these characters are found inside strings only. */
static void put_escaped(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (*text == '&' || *text == '<' || *text == '>') {
			fprintf(out, "\\u%04x", (unsigned)*text);
		} else if (strncmp(text, "\xe2\x80\xa8", 3) == 0 || strncmp(text, "\xe2\x80\xa9", 3) == 0) {
			fprintf(out, "\\u202%c", text[2] == '\xa8' ? '8' : '9');
			text += 2;
		} else {
			fputc(*text, out);
		}
	}
}

int constellation_write_json(struct golden_writer *w, struct json_doc *d, struct cJSON *root,
			     struct pcrcast_error *e)
{
	char *text = d->failed ? NULL : json_text(w->pool, root);

	json_free(root);
	if (!text)
		return err_nomem(e);
	put_escaped(text, w->out);
	fputc('\n', w->out);
	return 0;
}
