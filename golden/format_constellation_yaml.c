/*
 * Constellation's older measurements as YAML: with the metadata of its RFC 003 or the bare map; hex, base64, with and
 * without "expected" and "warnOnly".
 *
 * Source: Constellation v2.5, internal/attestation/measurements/measurements.go (UnmarshalYAML, MarshalYAML) and
 * hack/pcr-reader/main.go, printPCRsYAML; RFC 003.
 */
#include <string.h>

#include "base/utf16.h"
#include "base/yaml.h"
#include "golden/constellation.h"
#include "golden/format_rows.h"

/* ---- reading ---- */

static int bad(const struct yaml_node *node, const char *what, const char *expected, struct pcrcast_error *e)
{
	return err_set(e, PCRCAST_EFORMAT, node->offset, "%s: expected %s", what, expected);
}

/* Go's YAML reader takes these words for a field that is a truth value; a quoted word is text. */
static int read_bool(const struct yaml_node *node, bool *ret, struct pcrcast_error *e)
{
	static const char *const words[] = { "false", "False", "FALSE", "true", "True", "TRUE" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (node->kind == YAML_SCALAR && node->style == YAML_PLAIN &&
		    slice_equal_string(node->text, words[i])) {
			*ret = i >= 3;
			return 0;
		}
	return bad(node, "warnOnly", "true or false", e);
}

static int read_measurement(struct constellation_map *m, const struct yaml_node *node,
			    struct pcrcast_error *e)
{
	const struct yaml_node *expected = node, *warn = NULL;
	bool warn_only = false;

	if (node->kind == YAML_MAPPING) {
		for (const struct yaml_node *c = node->first; c; c = c->next)
			if (!slice_equal_string(c->key, "expected") &&
			    !slice_equal_string(c->key, "warnOnly"))
				return bad(c, "measurement", "only the keys expected and warnOnly", e);
		expected = yaml_get(node, "expected");
		warn = yaml_get(node, "warnOnly");
		if (!expected)
			return bad(node, "measurement", "a key expected", e);
	}
	if (expected->kind != YAML_SCALAR)
		return bad(expected, "expected", "a value in hex", e);
	int r = warn ? read_bool(warn, &warn_only, e) : 0;
	if (r == 0)
		r = constellation_add_text(m, node->key, expected->text, warn_only, e);
	if (r < 0 && e && e->offset == PCRCAST_NO_OFFSET)
		e->offset = expected->offset;
	return r;
}

/* A text that is kept; one with a NUL in it would end there. */
static int read_word(struct golden *g, const struct yaml_node *node, const char **ret,
		     struct pcrcast_error *e)
{
	if (node->kind != YAML_SCALAR || memchr(node->text.p, 0, node->text.n))
		return bad(node, (const char *)node->key.p, "a word", e);
	*ret = pool_text(&g->pool, (const char *)node->text.p, node->text.n);
	return *ret ? 0 : err_nomem(e);
}

static int read_metadata(struct golden *g, struct golden_set *s, const struct yaml_node *root,
			 struct pcrcast_error *e)
{
	const char *csp = NULL;
	int r = 0;

	for (const struct yaml_node *c = root->first; c && r == 0; c = c->next) {
		if (slice_equal_string(c->key, "csp"))
			r = read_word(g, c, &csp, e);
		else if (slice_equal_string(c->key, "image"))
			r = read_word(g, c, &s->id.image, e);
		else if (!slice_equal_string(c->key, "measurements"))
			r = golden_note(g, e, "key \"%.64s\" is not read", (const char *)c->key.p);
	}
	return r == 0 && csp ? constellation_set_csp(g, s, csp, e) : r;
}

GOLDEN_READER(constellation_yaml_read)
{
	struct golden_set *s = golden_add_set(g, e);
	struct constellation_map m = { .g = g, .s = s, .origin = GOLDEN_STATED };
	const struct yaml_node *root, *map;

	if (!s)
		return -PCRCAST_ELIMIT;
	int r = yaml_parse(in->bytes, &g->pool, &root, e);
	if (r < 0)
		return r;
	map = yaml_get(root, "measurements");
	if (map)
		r = read_metadata(g, s, root, e);
	else
		map = root;
	if (r == 0 && map->kind != YAML_MAPPING)
		return bad(map, "measurements", "a mapping", e);
	for (const struct yaml_node *c = map->first; c && r == 0; c = c->next)
		r = read_measurement(&m, c, e);
	return r;
}

/* A first line that such a file may begin with: the rest is worth looking at. */
static bool may_be(struct slice text)
{
	static const char *const words[] = { "csp:", "image:", "measurements:" };
	size_t i = 0;

	if (text.n >= 4 && memcmp(text.p, "---\n", 4) == 0)
		text = (struct slice){ text.p + 4, text.n - 4 };
	for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
		if (text.n > strlen(words[k]) && memcmp(text.p, words[k], strlen(words[k])) == 0)
			return true;
	while (i < text.n && i < 3 && text.p[i] >= '0' && text.p[i] <= '9')
		i++;
	return i > 0 && i < text.n && text.p[i] == ':';
}

GOLDEN_RECOGNISER(constellation_yaml_recognise)
{
	enum { RECOGNISE_MAX = 1 << 16 }; /* 24 registers are some 3 KiB */
	const struct yaml_node *root, *map;
	struct pool pool = POOL_INIT;
	uint32_t index;
	bool ret = false;

	if (in->files || in->json || in->bytes.n > RECOGNISE_MAX || !may_be(in->bytes))
		return false;
	if (yaml_parse(in->bytes, &pool, &root, NULL) == 0) {
		map = yaml_get(root, "measurements");
		map = map ? map : root;
		ret = map->kind == YAML_MAPPING && map->first && golden_index(map->first->key, &index) &&
		      (yaml_get(map->first, "expected") ||
		       (map->first->kind == YAML_SCALAR &&
			map->first->text.n >= 44)); /* 32 bytes in base64 */
	}
	pool_done(&pool);
	return ret;
}

/* ---- writing ---- */

/* In double quotes, so that no reader takes it for a number; with the escapes of YAML 1.2, section 5.7. */
static int put_quoted(FILE *out, const char *text, struct pcrcast_error *e)
{
	struct slice rest = slice_of_string(text);

	fputc('"', out);
	while (rest.n) {
		uint32_t c = 0;
		size_t n = utf8_decode(rest.p, rest.n, &c);

		if (n == 0)
			return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
				       "a name that is not UTF-8 cannot be written as YAML");
		if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff ||
		    c == 0xfffe || c == 0xffff)
			fprintf(out, "\\u%04x", c);
		else
			fprintf(out, "%s%.*s", c == '"' || c == '\\' ? "\\" : "", (int)n,
				(const char *)rest.p);
		rest = (struct slice){ rest.p + n, rest.n - n };
	}
	fputs("\"\n", out);
	return 0;
}

GOLDEN_WRITER(constellation_yaml_write)
{
	const struct golden_set *s = &g->sets[0];
	bool metadata = false;

	int r = constellation_check(s, e);
	r = r < 0 ? r : constellation_metadata(s, w, &metadata, e);
	if (r == 0 && metadata) {
		fputs("csp: ", w->out);
		r = put_quoted(w->out, s->id.csp, e);
		fputs("image: ", w->out);
		r = r < 0 ? r : put_quoted(w->out, s->id.image, e);
		fputs("measurements:\n", w->out);
	}
	for (size_t i = 0; i < s->n_registers && r == 0; i++) {
		const struct golden_register *reg = &s->registers[i];
		const char *indent = metadata ? "    " : "";
		char hex[2 * DIGEST_MAX + 1];

		hex_encode(reg->values[0].bytes, algs[reg->alg].len, hex);
		fprintf(w->out, "%s%u:\n%s    expected: \"%s\"\n%s    warnOnly: %s\n", indent, reg->index,
			indent, hex, indent, reg->warn_only ? "true" : "false");
	}
	return r;
}
