/*
 * What Constellation's PCR reader printed first: a map of all PCRs in base64, and the same as Go code. And what the
 * measurement reader of a node prints on its console.
 *
 * Source: Constellation, hack/pcr-reader/main.go of May 2022 (commit 8e0f9491a, printPCRs and exportToFile);
 * v2.24, measurement-reader/cmd/main.go.
 */
#define _GNU_SOURCE
#include <string.h>

#include "base/encode.h"
#include "golden/constellation.h"
#include "golden/format_rows.h"
#include "golden/go_text.h"

/* ---- base64 ---- */

static const char heading[] = "PCRs:", connecting[] = "connecting to ";

static bool starts_with(struct slice s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && memcmp(s.p, prefix, n) == 0;
}

static struct slice without(struct slice s, size_t n)
{
	return (struct slice){ s.p + n, s.n - n };
}

/* Take a line off *text, without its end. */
static struct slice take_line(struct slice *text)
{
	const uint8_t *end = memchr(text->p, '\n', text->n);
	size_t n = end ? (size_t)(end - text->p) : text->n;
	struct slice line = { text->p, n };

	*text = without(*text, end ? n + 1 : n);
	while (line.n && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == ' '))
		line.n--;
	return line;
}

/* The lines in front of the map; false when there are others. */
static bool skip_heading(struct slice *text)
{
	if (starts_with(*text, connecting))
		(void)take_line(text);
	if (starts_with(*text, heading))
		return slice_equal_string(take_line(text), heading);
	return true;
}

static int add_base64(struct constellation_map *m, const struct cJSON *node, struct pcrcast_error *e)
{
	const char *text;
	struct slice bytes;
	uint32_t index;

	if (!golden_index(slice_of_string(json_key(node)), &index))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"%.32s\": expected a PCR, 0 to 23",
			       json_key(node));
	if (!json_string(node, &text) || !base64_decode(&m->g->pool, slice_of_string(text), &bytes) ||
	    bytes.n != CONSTELLATION_PCR_LEN)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"%u\": expected 32 bytes in base64",
			       index);
	return constellation_add(m, index, bytes, false, e);
}

GOLDEN_READER(constellation_base64_read)
{
	struct constellation_map m = { .g = g, .s = golden_add_set(g, e), .origin = GOLDEN_OBSERVED };
	struct slice rest = in->bytes;
	struct cJSON *json = NULL;
	int r = 0;

	if (!m.s)
		return -PCRCAST_ELIMIT;
	if (!skip_heading(&rest))
		return err_set(e, PCRCAST_EFORMAT, 0, "expected a line \"%s\"", heading);
	r = json_parse(rest, &json, e);
	if (r < 0) {
		if (e && e->offset != PCRCAST_NO_OFFSET)
			e->offset += in->bytes.n - rest.n;
		return r;
	}
	if (!json_is_object(json))
		r = err_set(e, PCRCAST_EFORMAT, in->bytes.n - rest.n, "expected a map of PCRs");
	for (const struct cJSON *c = json_first(json); c && r == 0; c = json_next(c))
		r = add_base64(&m, c, e);
	json_free(json);
	return r;
}

GOLDEN_RECOGNISER(constellation_base64_recognise)
{
	const struct cJSON *first = json_first(in->json);
	const char *text;
	uint32_t index;

	if (in->files)
		return false;
	if (!in->json)
		return starts_with(in->bytes, heading) ||
		       (starts_with(in->bytes, connecting) && memmem(in->bytes.p, in->bytes.n, "\nPCRs:", 6));
	/* 44 characters: 32 bytes in base64 */
	return json_is_object(in->json) &&
	       golden_index(slice_of_string(first ? json_key(first) : ""), &index) &&
	       json_string(first, &text) && strlen(text) == 44 && text[43] == '=';
}

GOLDEN_WRITER(constellation_base64_write)
{
	const struct golden_set *s = &g->sets[0];
	const struct golden_register *order[PCR_COUNT];
	int r = constellation_check(s, e);

	if (r < 0)
		return r;
	constellation_string_order(s, order);
	fprintf(w->out, "%s\n{", heading);
	for (size_t i = 0; i < s->n_registers; i++) {
		const char *text = base64_text(
			w->pool, (struct slice){ order[i]->values[0].bytes, CONSTELLATION_PCR_LEN });
		if (!text)
			return err_nomem(e);
		fprintf(w->out, "%s\n  \"%u\": \"%s\"", i ? "," : "", order[i]->index, text);
	}
	fputs("\n}\n", w->out);
	return 0;
}

/* ---- Go ---- */

static int read_entry(struct go_text *t, struct constellation_map *m, struct pcrcast_error *e)
{
	struct slice bytes;
	uint64_t at = t->token_at, index;

	if (!go_number(t, PCR_COUNT - 1, &index))
		return go_unexpected(t, "a PCR, 0 to 23", e);
	int r = go_expect(t, ":", e);
	if (r == 0 && go_accept(t, "[")) {
		r = go_expect(t, "]", e);
		r = r < 0 ? r : go_expect(t, "byte", e);
	}
	r = r < 0 ? r : go_bytes(t, &m->g->pool, &bytes, e);
	r = r < 0 ? r : constellation_add(m, (uint32_t)index, bytes, false, e);
	if (r == 0 && m->s->cc)
		r = err_set(e, PCRCAST_EFORMAT, at, "values of 48 bytes, expected PCRs of 32");
	if (r < 0 && e && e->offset == PCRCAST_NO_OFFSET)
		e->offset = at;
	return r;
}

GOLDEN_READER(constellation_go_read)
{
	static const char *const start[] = { "=", "map", "[", "uint32", "]", "[", "]", "byte", "{" };
	struct constellation_map m = { .g = g, .s = golden_add_set(g, e), .origin = GOLDEN_OBSERVED };
	struct go_text t = go_text_over(in->bytes);

	if (!m.s)
		return -PCRCAST_ELIMIT;
	int r = go_expect(&t, "package", e);
	r = r < 0 ? r : go_name(&t, NULL, e);
	r = r < 0 ? r : go_expect(&t, "var", e);
	r = r < 0 ? r : go_name(&t, NULL, e);
	for (size_t i = 0; i < sizeof start / sizeof start[0] && r == 0; i++)
		r = go_expect(&t, start[i], e);
	while (r == 0 && !go_accept(&t, "}")) {
		r = read_entry(&t, &m, e);
		if (r == 0 && !go_accept(&t, ",") && !go_at(&t, "}"))
			r = go_unexpected(&t, "',' or '}'", e);
	}
	return r == 0 && !go_at_end(&t) ? go_unexpected(&t, "the end of the file", e) : r;
}

GOLDEN_RECOGNISER(constellation_go_recognise)
{
	struct go_text t = go_text_over(in->bytes);

	return !in->files && go_accept(&t, "package") && go_name(&t, NULL, NULL) == 0 &&
	       go_accept(&t, "var") && go_name(&t, NULL, NULL) == 0 && go_accept(&t, "=") &&
	       go_accept(&t, "map");
}

GOLDEN_WRITER(constellation_go_write)
{
	const struct golden_set *s = &g->sets[0];
	int r = constellation_check(s, e);

	if (r < 0)
		return r;
	fputs("package pcrs\n\nvar pcrs = map[uint32][]byte{", w->out);
	for (size_t i = 0; i < s->n_registers; i++) {
		fprintf(w->out, "\n\t%u: {", s->registers[i].index);
		for (size_t k = 0; k < CONSTELLATION_PCR_LEN; k++)
			fprintf(w->out, "%s0X%02X", k ? ", " : "", s->registers[i].values[0].bytes[k]);
		fputs("},", w->out);
	}
	fputs("\n}\n", w->out);
	return 0;
}

/* ---- console ---- */

static const char console_heading[] = "Measurements:";

/* "PCR[04]", "MRTD", "RTMR[0]"; *ret_len is the length of its values. */
static bool console_register(struct slice name, uint32_t *ret, size_t *ret_len)
{
	*ret_len = CONSTELLATION_TDX_LEN;
	*ret = 0;
	if (slice_equal_string(name, "MRTD"))
		return true;
	if (name.n == 7 && name.p[6] == ']' && starts_with(name, "RTMR[") && name.p[5] >= '0' &&
	    name.p[5] <= '3') {
		*ret = 1 + (uint32_t)(name.p[5] - '0');
		return true;
	}
	if (name.n != 7 || name.p[6] != ']' || !starts_with(name, "PCR["))
		return false;
	*ret_len = CONSTELLATION_PCR_LEN;
	return golden_index((struct slice){ name.p + (name.p[4] == '0' ? 5 : 4), name.p[4] == '0' ? 1 : 2 },
			    ret);
}

static int console_line(struct constellation_map *m, struct slice line, struct pcrcast_error *e)
{
	const uint8_t *colon = memchr(line.p, ':', line.n);
	struct slice name = { line.p, colon ? (size_t)(colon - line.p) : 0 }, value;
	uint32_t index;
	size_t len;

	while (name.n && (name.p[0] == '\t' || name.p[0] == ' '))
		name = without(name, 1);
	while (name.n && name.p[name.n - 1] == ' ')
		name.n--;
	if (!console_register(name, &index, &len))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "expected \"PCR[04] : 0x…\", MRTD or RTMR[0]");
	value = without(line, (size_t)(colon - line.p) + 1);
	if (!starts_with(value, " 0x") || !hex_decode(&m->g->pool, without(value, 3), &value) ||
	    value.n != len)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "expected 0x and %zu hex digits",
			       2 * len);
	return constellation_add(m, index, value, false, e);
}

GOLDEN_READER(constellation_console_read)
{
	struct constellation_map m = { .g = g, .s = golden_add_set(g, e), .origin = GOLDEN_OBSERVED };
	struct slice rest = in->bytes;
	size_t number = 1;

	if (!m.s)
		return -PCRCAST_ELIMIT;
	if (!slice_equal_string(take_line(&rest), console_heading))
		return err_set(e, PCRCAST_EFORMAT, 0, "expected a line \"%s\"", console_heading);
	while (rest.n) {
		uint64_t at = in->bytes.n - rest.n;
		struct slice line = take_line(&rest);

		number++;
		if (line.n && console_line(&m, line, e) < 0) {
			if (e)
				e->offset = at;
			return err_wrap(e, "line %zu", number);
		}
	}
	return 0;
}

GOLDEN_RECOGNISER(constellation_console_recognise)
{
	struct slice rest = in->bytes;

	return !in->files && starts_with(rest, console_heading) &&
	       slice_equal_string(take_line(&rest), console_heading);
}

GOLDEN_WRITER(constellation_console_write)
{
	const struct golden_set *s = &g->sets[0];
	int r = constellation_check(s, e);

	if (r < 0)
		return r;
	fprintf(w->out, "%s\n", console_heading);
	for (size_t i = 0; i < s->n_registers; i++) {
		const struct golden_register *reg = &s->registers[i];
		char name[sizeof "RTMR[4294967295]"];

		if (!s->cc)
			(void)snprintf(name, sizeof name, "PCR[%02u]", reg->index);
		else if (reg->index > 0)
			(void)snprintf(name, sizeof name, "RTMR[%u]", reg->index - 1);
		else
			memcpy(name, "MRTD", sizeof "MRTD");
		fprintf(w->out, "\t%-7s : 0x", name);
		for (size_t k = 0; k < algs[reg->alg].len; k++)
			fprintf(w->out, "%02X", reg->values[0].bytes[k]);
		fputc('\n', w->out);
	}
	return 0;
}
