/*
 * Predictions as JSON: pcrcast-formats(5) describes it.
 */
#include "cli/cmd_predict.h"

#include <string.h>

#include "base/encode.h"
#include "eventlog/cc.h"
#include "eventlog/events_json.h"

static struct cJSON *phases_json(struct json_doc *d, const struct text_list *phases,
				 const struct prediction *p)
{
	struct cJSON *list = json_array(d);

	for (size_t i = 0; i < phases->n; i++) {
		struct cJSON *o = json_object(d), *pcrs = json_object(d);

		json_add_string(d, o, "phase", phases->items[i]);
		for (enum alg alg = 0; alg < ALG_COUNT && prediction_knows(p, 11); alg++) {
			struct cJSON *bank = NULL;
			struct pcr_bank values;

			if (!(p->banks & 1u << alg))
				continue;
			if (predict_phase(p, alg, phases->items[i], &values, NULL) < 0)
				d->failed = true;
			bank = json_object(d);
			json_add_hex(d, bank, "11", values.pcr[11], algs[alg].len);
			json_add(d, pcrs, algs[alg].name, bank);
		}
		json_add(d, o, "pcrs", pcrs);
		json_append(d, list, o);
	}
	return list;
}

static struct cJSON *pcrs_json(struct json_doc *d, const struct predict_command *a,
			       const struct prediction *p)
{
	struct cJSON *pcrs = json_object(d);

	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		if (!(p->banks & 1u << alg))
			continue;
		struct cJSON *bank = json_object(d);
		for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
			char buf[12];

			if (!predict_selects(a, pcr) || !prediction_knows(p, pcr))
				continue;
			json_add_hex(d, bank, register_name(p->cc, pcr, buf), p->values[alg].pcr[pcr],
				     algs[alg].len);
		}
		json_add(d, pcrs, algs[alg].name, bank);
	}
	return pcrs;
}

/* What became of the baseline's events. */
static struct cJSON *baseline_json(struct json_doc *d, const struct predict_command *a,
				   const struct prediction *p)
{
	struct cJSON *list = json_array(d);

	for (size_t i = 0; i < p->n_baseline; i++) {
		const struct baseline_event *ev = &p->baseline[i];
		struct cJSON *o;
		char buf[11], name[12];

		if (!predict_selects(a, ev->pcr))
			continue;
		o = json_object(d);
		json_add_u64(d, o, "event", i);
		if (p->cc)
			json_add_string(d, o, "register", register_name(true, ev->pcr, name));
		else
			json_add_u64(d, o, "pcr", ev->pcr);
		json_add_string(d, o, "type", event_type_name(ev->type, buf));
		json_add_bool(d, o, "kept", ev->kept);
		json_add_string(d, o, "reason", ev->reason);
		json_append(d, list, o);
	}
	return list;
}

/* What one prediction says, into root. */
static void add_prediction(struct json_doc *d, struct cJSON *root, const struct predict_command *a,
			   const struct predict_combination *c, const struct prediction *p)
{
	struct cJSON *complete = json_object(d), *list;
	char buf[12];

	json_add(d, root, p->cc ? "registers" : "pcrs", pcrs_json(d, a, p));
	if (c->arguments.phases.n)
		json_add(d, root, "phases", phases_json(d, &c->arguments.phases, p));
	for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
		if (predict_selects(a, pcr))
			json_add_bool(d, complete, register_name(p->cc, pcr, buf), prediction_knows(p, pcr));
	}
	json_add(d, root, "complete", complete);
	if (a->events) {
		list = json_array(d);
		for (size_t i = 0; i < p->log.n_events; i++)
			if (predict_selects(a, p->log.events[i].pcr))
				json_append(d, list,
					    event_json(d, &p->log, &p->log.events[i], EVENTS_JSON_BRIEF));
		json_add(d, root, "events", list);
		if (p->n_baseline)
			json_add(d, root, "baseline", baseline_json(d, a, p));
	}
	list = json_array(d);
	for (size_t i = 0; i < p->n_assumptions; i++) {
		struct cJSON *o = json_object(d);

		json_add_string(d, o, "what", p->assumptions[i].what);
		json_add_string(d, o, "value", p->assumptions[i].value);
		if (p->assumptions[i].option)
			json_add_string(d, o, "option", p->assumptions[i].option);
		json_append(d, list, o);
	}
	json_add(d, root, "assumptions", list);
	list = json_array(d);
	for (size_t i = 0; i < p->n_unknowns; i++) {
		struct cJSON *o = json_object(d);

		if (predict_selects(a, p->unknowns[i].pcr)) {
			if (p->cc)
				json_add_string(d, o, "register",
						register_name(true, p->unknowns[i].pcr, buf));
			else
				json_add_u64(d, o, "pcr", p->unknowns[i].pcr);
			json_add_string(d, o, "reason", p->unknowns[i].reason);
			if (p->unknowns[i].option)
				json_add_string(d, o, "option", p->unknowns[i].option);
			json_append(d, list, o);
		} else {
			json_free(o);
		}
	}
	json_add(d, root, "unknown", list);
	list = json_array(d);
	for (size_t i = 0; i < p->n_notes; i++)
		json_append_string(d, list, p->notes[i]);
	if (a->phases_left_out)
		json_append_string(d, list, predict_no_phases);
	json_add(d, root, "notes", list);
}

/* A register's value in hex: behind the k-th phase, or, when there is none, before all. False: there is none. */
static bool value_text(const struct predict_combination *c, const struct prediction *p, enum alg alg,
		       uint32_t pcr, size_t k, char *hex)
{
	const struct text_list *phases = &c->arguments.phases;
	struct pcr_bank bank;

	if (pcr != 11 || !phases->n)
		bank = p->values[alg];
	else if (predict_phase(p, alg, phases->items[k], &bank, NULL) < 0)
		return false;
	hex_encode(bank.pcr[pcr], algs[alg].len, hex);
	return true;
}

/* The values of a register in all combinations, each once; NULL when one of them has none. */
static struct cJSON *values_of(struct json_doc *d, const struct predict_command *a,
			       const struct prediction *all, enum alg alg, uint32_t pcr)
{
	struct cJSON *list = json_array(d);
	const char **seen = NULL;
	size_t n = 0, cap = 0;
	struct pool pool = POOL_INIT;
	bool complete = true;

	for (size_t i = 0; i < a->predict.n_combinations && complete; i++) {
		const struct predict_combination *c = &a->predict.combinations[i];
		size_t n_phases = pcr == 11 && c->arguments.phases.n ? c->arguments.phases.n : 1;

		complete = prediction_knows(&all[i], pcr);
		for (size_t k = 0; k < n_phases && complete; k++) {
			char hex[2 * DIGEST_MAX + 1];
			bool there = false;

			complete = value_text(c, &all[i], alg, pcr, k, hex);
			for (size_t m = 0; m < n && complete; m++)
				there |= strcmp(seen[m], hex) == 0;
			if (there || !complete)
				continue;
			const char **place = pool_push(&pool, &seen, &n, &cap, sizeof *place);
			if (!place || !(*place = pool_text(&pool, hex, strlen(hex)))) {
				d->failed = true;
				break;
			}
			json_append_string(d, list, hex);
		}
	}
	pool_done(&pool);
	if (!complete)
		json_free(list);
	return complete ? list : NULL;
}

static struct cJSON *values_json(struct json_doc *d, const struct predict_command *a,
				 const struct prediction *all)
{
	struct cJSON *banks = json_object(d);
	char buf[12];

	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		if (!(all[0].banks & 1u << alg))
			continue;
		struct cJSON *bank = json_object(d);
		for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr++) {
			struct cJSON *list = predict_selects(a, pcr) ? values_of(d, a, all, alg, pcr) : NULL;

			if (list)
				json_add(d, bank, register_name(all[0].cc, pcr, buf), list);
		}
		json_add(d, banks, algs[alg].name, bank);
	}
	return banks;
}

static struct cJSON *combination_json(struct json_doc *d, const struct predict_command *a, size_t i,
				      const struct prediction *p)
{
	const struct predict_combination *c = &a->predict.combinations[i];
	struct cJSON *o = json_object(d), *variant = json_object(d);

	for (size_t k = 0; k < a->predict.n_axes; k++)
		json_add_string(d, variant, predict_axis_name(&a->predict, k), c->values[k]);
	json_add(d, o, "variant", variant);
	add_prediction(d, o, a, c, p);
	return o;
}

bool predict_print_json(const struct predict_command *a, const struct prediction *all)
{
	struct json_doc d = { false };
	struct cJSON *root = json_object(&d), *list;

	json_add_u64(&d, root, "version", 1);
	json_add_string(&d, root, "image", a->image);
	if (!a->predict.n_axes) {
		add_prediction(&d, root, a, &a->predict.combinations[0], all);
	} else {
		list = json_array(&d);
		for (size_t i = 0; i < a->predict.n_combinations; i++)
			json_append(&d, list, combination_json(&d, a, i, &all[i]));
		json_add(&d, root, "combinations", list);
		json_add(&d, root, "values", values_json(&d, a, all));
	}
	bool ok = json_write(&d, root, false, stdout);
	json_free(root);
	return ok;
}
