/*
 * "systemd-measure calculate" (252 to 262): PCR 11 behind each phase of the boot, as JSON or lines of text.
 */
#include <string.h>

#include "base/encode.h"
#include "golden/format_rows.h"
#include "golden/systemd.h"

/* The label of a phase path; it has none when there are no words, which systemd-measure shows as ":". */
static const char *phase_label(const char *path)
{
	return path && *path && strcmp(path, ":") != 0 ? path : NULL;
}

/* Another value of the same phase would make it mean nothing. */
static int check_phase(const struct golden_set *s, enum alg alg, uint32_t pcr, const char *label,
		       struct pcrcast_error *e)
{
	const struct golden_register *r = golden_find(s, alg, pcr);

	for (size_t i = 0; r && i < r->n; i++) {
		const char *other = r->values[i].label;

		if (label && other ? strcmp(label, other) == 0 : label == other)
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "phase \"%s\" a second time",
				       label ? label : ":");
	}
	return 0;
}

/* { "phase": "enter-initrd", "pcr": 11, "hash": hex } */
static int read_measure(struct golden *g, struct golden_set *s, enum alg alg, const struct cJSON *entry,
			struct pcrcast_error *e)
{
	static const char *const keys[] = { "phase", "pcr", "hash", NULL };
	const struct cJSON *phase = json_get(entry, "phase");
	const char *path = NULL;
	uint32_t pcr = 0;

	int r = golden_only_keys(entry, "a phase", keys, e);
	r = r < 0 ? r : systemd_read_pcr(entry, &pcr, e);
	if (r == 0 && phase && !json_string(phase, &path))
		r = err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"phase\": expected a string");
	r = r < 0 ? r : check_phase(s, alg, pcr, phase_label(path), e);
	return r < 0 ? r : systemd_add_hex(g, s, alg, pcr, json_get(entry, "hash"), phase_label(path), e);
}

/* A line "11:sha256=HEX". */
static bool measure_line(struct slice line, uint32_t *ret_pcr, enum alg *ret_alg, struct slice *ret_hex)
{
	const uint8_t *colon = memchr(line.p, ':', line.n), *equals = memchr(line.p, '=', line.n);

	if (!colon || !equals || colon > equals)
		return false;
	*ret_alg = alg_by_name((struct slice){ colon + 1, (size_t)(equals - colon - 1) });
	*ret_hex = (struct slice){ equals + 1, (size_t)(line.p + line.n - equals - 1) };
	return *ret_alg != ALG_COUNT &&
	       golden_index((struct slice){ line.p, (size_t)(colon - line.p) }, ret_pcr);
}

/* "# PCR[11] Phase <enter-initrd>", which systemd-measure says on stderr. */
static bool phase_line(struct slice line, struct slice *ret)
{
	static const char mark[] = "Phase <";
	size_t i = 0, n = sizeof mark - 1;

	if (line.n < n + 2 || line.p[0] != '#' || line.p[line.n - 1] != '>')
		return false;
	while (i + n < line.n && memcmp(line.p + i, mark, n) != 0)
		i++;
	if (i + n >= line.n)
		return false;
	*ret = (struct slice){ line.p + i + n, line.n - 1 - i - n };
	return true;
}

/* The next line, without its end; false when there is none. */
static bool next_line(struct slice *rest, struct slice *ret)
{
	const uint8_t *end = memchr(rest->p, '\n', rest->n);
	size_t n = end ? (size_t)(end - rest->p) : rest->n;

	if (rest->n == 0)
		return false;
	*ret = (struct slice){ rest->p, n };
	n += end != NULL;
	*rest = (struct slice){ rest->p + n, rest->n - n };
	return true;
}

static int read_measure_text(const struct golden_input *in, struct golden *g, struct pcrcast_error *e)
{
	struct slice rest = in->bytes, line, hex, value, path;
	struct golden_set *s = golden_add_set(g, e);
	const char *label = NULL;
	enum alg alg;
	uint32_t pcr;

	if (!s)
		return -PCRCAST_ENOMEM;
	while (next_line(&rest, &line)) {
		uint64_t at = (uint64_t)(line.p - in->bytes.p);
		int r = 0;

		if (phase_line(line, &path)) {
			const char *text = pool_text(&g->pool, (const char *)path.p, path.n);

			label = phase_label(text);
			if (!text)
				return err_nomem(e);
		} else if (measure_line(line, &pcr, &alg, &hex)) {
			r = label ? check_phase(s, alg, pcr, label, e) : 0;
			if (r == 0)
				r = hex_decode(&g->pool, hex, &value) ?
					    golden_add_value(g, s, alg, pcr, value, GOLDEN_COMPUTED, label,
							     e) :
					    err_set(e, PCRCAST_EFORMAT, at, "expected hex behind '='");
		} else if (line.n && line.p[0] != '#') {
			r = err_set(e, PCRCAST_EFORMAT, at, "expected a line PCR:BANK=HEX");
		}
		if (r < 0)
			return r;
	}
	return 0;
}

GOLDEN_RECOGNISER(systemd_measure_recognise)
{
	struct slice rest = in->bytes, line, hex;
	uint32_t pcr;
	enum alg alg;

	if (in->files)
		return false;
	if (in->json)
		return systemd_is_bank_lists(in->json, "pcr", "hash");
	while (next_line(&rest, &line))
		if (line.n && line.p[0] != '#')
			return measure_line(line, &pcr, &alg, &hex);
	return false;
}

GOLDEN_READER(systemd_measure_read)
{
	return in->json ? systemd_read_bank_lists(in, g, read_measure, e) : read_measure_text(in, g, e);
}

/* The same, of what is to be written. */
static int check_phases(const struct golden_register *reg, struct pcrcast_error *e)
{
	for (size_t i = 0; i < reg->n; i++)
		for (size_t k = 0; k < i; k++) {
			const char *a = reg->values[i].label, *b = reg->values[k].label;

			a = a && phase_label(a) ? phase_label(a) : ":";
			b = b && phase_label(b) ? phase_label(b) : ":";
			if (strcmp(a, b) == 0)
				return err_set(
					e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
					"systemd-measure cannot hold several values of %s:%u for the phase \"%s\": choose with --label",
					algs[reg->alg].name, reg->index, a);
		}
	return 0;
}

GOLDEN_WRITER(systemd_measure_write)
{
	const struct golden_set *s = &g->sets[0];
	struct json_doc d = { false };

	for (size_t i = 0; i < s->n_registers; i++) {
		int r = check_phases(&s->registers[i], e);

		if (r < 0)
			return r;
	}
	struct cJSON *root = json_object(&d);
	for (size_t i = 0; i < s->n_registers; i++) {
		const struct golden_register *reg = &s->registers[i];
		struct cJSON *list = json_array(&d);

		for (size_t k = 0; k < reg->n; k++) {
			const struct golden_value *v = &reg->values[k];
			struct cJSON *o = json_object(&d);

			if (phase_label(v->label))
				json_add_string(&d, o, "phase", v->label);
			json_add_u64(&d, o, "pcr", reg->index);
			json_add_hex(&d, o, "hash", v->bytes, algs[reg->alg].len);
			json_append(&d, list, o);
		}
		json_add(&d, root, algs[reg->alg].name, list);
	}
	return golden_write_json(w, &d, root, true, e);
}
