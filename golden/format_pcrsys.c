/*
 * What Bottlerocket's pcrsys prints (src/predict.rs, src/pcrs/pcr11.rs of its first versions, 2026):
 * { "pcrs": { "4": { "sha256": [hex] } } }, registers by number, as serde_json prints it with lines. A list has every value that
 * is accepted. That of PCR 11 is in order of time: before the first boot phase, and after each of the six.
 */
#include <stdio.h>
#include <string.h>

#include "golden/format_rows.h"

enum { PHASE_PCR = 11, N_PHASES = 6 };

/* What Bottlerocket measures into PCR 11, and the path of phases behind it. */
static const struct {
	const char *word, *path;
} phases[N_PHASES] = {
	{ "sysinit", "sysinit" },
	{ "preconfigured", "sysinit:preconfigured" },
	{ "configured", "sysinit:preconfigured:configured" },
	{ "ready", "sysinit:preconfigured:configured:ready" },
	{ "shutdown", "sysinit:preconfigured:configured:ready:shutdown" },
	{ "final", "sysinit:preconfigured:configured:ready:shutdown:final" },
};

static const struct golden_register *phase_register(const struct golden_set *s)
{
	const struct golden_register *r = golden_find(s, ALG_SHA256, PHASE_PCR);

	return r && r->n == N_PHASES + 1 ? r : NULL;
}

/* Is each value the one before it, extended with the next phase? Position alone does not tell. 1 or 0, or an error. */
static int is_phase_list(const struct golden_register *r, struct pcrcast_error *e)
{
	struct pcr_bank bank;
	struct digest word;
	int rc = 0;

	pcr_bank_reset(&bank, ALG_SHA256);
	memcpy(bank.pcr[PHASE_PCR], r->values[0].bytes, algs[ALG_SHA256].len);
	for (size_t i = 0; i < N_PHASES; i++) {
		rc = digest_of(ALG_SHA256, slice_of_string(phases[i].word), &word, e);
		rc = rc < 0 ? rc : pcr_extend(&bank, PHASE_PCR, word.bytes, e);
		if (rc < 0)
			return rc;
		if (memcmp(bank.pcr[PHASE_PCR], r->values[i + 1].bytes, algs[ALG_SHA256].len) != 0)
			return 0;
	}
	return 1;
}

static int read_record(struct golden *g, struct golden_set *s, const struct cJSON *node,
		       struct pcrcast_error *e)
{
	static const char *const keys[] = { "sha256", NULL };
	const struct cJSON *values = json_get(node, "sha256");
	uint32_t index;
	int r;

	if (!golden_index(slice_of_string(json_key(node)), &index))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"%s\": expected a PCR, 0 to 23",
			       json_key(node));
	if (!json_is_array(values) || !json_first(values))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "PCR %u: expected \"sha256\" with at least one value", index);
	r = golden_only_keys(node, "a PCR", keys, e);
	for (const struct cJSON *c = json_first(values); c && r == 0; c = json_next(c))
		r = golden_add_hex(g, s, ALG_SHA256, index, c, GOLDEN_COMPUTED, NULL, e);
	return r;
}

GOLDEN_READER(pcrsys_read)
{
	static const char *const keys[] = { "pcrs", NULL };
	const struct cJSON *pcrs = json_get(in->json, "pcrs");
	struct golden_set *s = golden_add_set(g, e);

	if (!s)
		return -PCRCAST_ENOMEM;
	if (!json_is_object(pcrs))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"pcrs\": expected an object");
	int r = golden_only_keys(in->json, "the file", keys, e);
	for (const struct cJSON *c = json_first(pcrs); c && r == 0; c = json_next(c))
		r = read_record(g, s, c, e);
	const struct golden_register *list = phase_register(s);
	if (r < 0 || !list)
		return r;
	r = is_phase_list(list, e);
	for (size_t i = 0; r == 1 && i < N_PHASES; i++)
		list->values[i + 1].label = phases[i].path;
	return r < 0 ? r : 0;
}

/* Labels that reading would not find again are told. */
static int tell_labels(const struct golden_set *s, struct golden_writer *w, struct pcrcast_error *e)
{
	const struct golden_register *list = phase_register(s);
	int r = list ? is_phase_list(list, e) : 0;
	bool lost = false;

	if (r < 0)
		return r;
	for (size_t i = 0; i < s->n_registers; i++)
		for (size_t k = 0; k < s->registers[i].n; k++) {
			const char *label = s->registers[i].values[k].label;
			const char *found =
				r == 1 && &s->registers[i] == list && k > 0 ? phases[k - 1].path : NULL;

			lost |= label && (!found || strcmp(label, found) != 0);
		}
	return lost ? golden_lost(w, e, "which of several a value is (phase, variant)") : 0;
}

GOLDEN_WRITER(pcrsys_write)
{
	const struct golden_set *s = &g->sets[0];
	struct json_doc d = { false };
	struct cJSON *root = json_object(&d), *pcrs = json_object(&d);
	int r = tell_labels(s, w, e);

	for (size_t i = 0; i < s->n_registers; i++) {
		const struct golden_register *reg = &s->registers[i];
		struct cJSON *record = json_object(&d), *values = json_array(&d);
		char key[sizeof "4294967295"], hex[2 * DIGEST_MAX + 1];

		for (size_t k = 0; k < reg->n; k++) {
			hex_encode(reg->values[k].bytes, algs[reg->alg].len, hex);
			json_append_string(&d, values, hex);
		}
		(void)snprintf(key, sizeof key, "%u", reg->index);
		json_add(&d, record, "sha256", values);
		json_add(&d, pcrs, key, record);
	}
	json_add(&d, root, "pcrs", pcrs);
	if (r < 0) {
		json_free(root);
		return r;
	}
	return golden_write_indented(w, &d, root, 2, e);
}

/* Our own form has banks above registers, and "version". */
GOLDEN_RECOGNISER(pcrsys_recognise)
{
	const struct cJSON *pcrs = json_get(in->json, "pcrs"), *first = json_first(pcrs);
	uint32_t index;

	return json_is_object(pcrs) && first && golden_index(slice_of_string(json_key(first)), &index) &&
	       json_is_array(json_get(first, "sha256"));
}
