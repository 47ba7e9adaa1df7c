/*
 * pcrcast uki measure: PCR 11 per phase.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cmd_uki.h"
#include "uki/measure.h"

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* systemd-measure sorts the phase paths and drops doubles. */
static void choose_phases(struct uki_arguments *a, const char *const **ret, size_t *ret_n)
{
	size_t n = 0;

	if (a->n_phases == 0) {
		while (uki_default_phases[n])
			n++;
		*ret = uki_default_phases;
		*ret_n = n;
		return;
	}
	qsort(a->phases, a->n_phases, sizeof *a->phases, by_text);
	for (size_t i = 0; i < a->n_phases; i++)
		if (n == 0 || strcmp(a->phases[n - 1], a->phases[i]) != 0)
			a->phases[n++] = a->phases[i];
	*ret = a->phases;
	*ret_n = n;
}

/* What systemd-measure prints for a phase path, the one without words too. */
static const char *phase_label(const char *path)
{
	return *path ? path : ":";
}

/* Its own JSON: bank → list of { phase, pcr, hash }. */
static struct cJSON *systemd_measure_json(struct json_doc *d, alg_set banks, const char *const *phases,
					  size_t n, const struct pcr_bank *values)
{
	struct cJSON *root = json_object(d);

	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		if (!(banks & 1u << alg))
			continue;
		struct cJSON *list = json_array(d);
		for (size_t i = 0; i < n; i++) {
			struct pcr_bank bank = values[alg];
			struct cJSON *o = json_object(d);

			if (uki_measure_phase(&bank, phases[i], NULL) < 0)
				d->failed = true;
			if (*phases[i])
				json_add_string(d, o, "phase", phases[i]);
			json_add_u64(d, o, "pcr", 11);
			json_add_hex(d, o, "hash", bank.pcr[11], algs[alg].len);
			json_append(d, list, o);
		}
		json_add(d, root, algs[alg].name, list);
	}
	return root;
}

static struct cJSON *measure_json(struct json_doc *d, const struct uki_arguments *a, alg_set banks,
				  const char *const *phases, size_t n, const struct pcr_bank *values)
{
	struct cJSON *root = json_object(d), *list = json_array(d);

	json_add_u64(d, root, "version", 1);
	json_add_string(d, root, "file", a->file);
	json_add_u64(d, root, "profile", a->profile);
	for (size_t i = 0; i < n; i++) {
		struct cJSON *o = json_object(d), *pcrs = json_object(d);

		json_add_string(d, o, "phase", phase_label(phases[i]));
		for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
			struct pcr_bank bank = values[alg];

			if (!(banks & 1u << alg))
				continue;
			if (uki_measure_phase(&bank, phases[i], NULL) < 0)
				d->failed = true;
			struct cJSON *registers = json_object(d);
			json_add_hex(d, registers, "11", bank.pcr[11], algs[alg].len);
			json_add(d, pcrs, algs[alg].name, registers);
		}
		json_add(d, o, "pcrs", pcrs);
		json_append(d, list, o);
	}
	json_add(d, root, "phases", list);
	return root;
}

int uki_run_measure(struct uki_arguments *a, struct uki_input *in, struct pcrcast_error *e)
{
	alg_set banks = a->banks              ? a->banks :
			a->as_systemd_measure ? (1u << ALG_COUNT) - 1 :
						1u << ALG_SHA256;
	struct pcr_bank values[ALG_COUNT];
	const char *const *phases;
	struct uki uki;
	size_t n;

	int r = open_uki(a, in, &uki, e);
	if (r == 0)
		r = uki_measure(&uki, banks, values, e);
	if (r < 0)
		return r;
	choose_phases(a, &phases, &n);
	if (a->json || a->as_systemd_measure) {
		struct json_doc d = { false };
		struct cJSON *root = a->as_systemd_measure ?
					     systemd_measure_json(&d, banks, phases, n, values) :
					     measure_json(&d, a, banks, phases, n, values);

		return write_json(&d, root, a->as_systemd_measure, e);
	}
	for (size_t i = 0; i < n; i++)
		for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
			struct pcr_bank bank = values[alg];

			if (!(banks & 1u << alg))
				continue;
			r = uki_measure_phase(&bank, phases[i], e);
			if (r < 0)
				return r;
			print_digest_line(alg, 11, bank.pcr[11], phase_label(phases[i]));
		}
	return 0;
}
