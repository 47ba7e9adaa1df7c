/*
 * pcrcast golden diff --json.
 */
#include "cli/golden_diff_json.h"

#include "cli/cmd_eventlog.h"

static struct cJSON *values_json(struct json_doc *d, const struct golden_register *r)
{
	struct cJSON *list = json_array(d);

	for (size_t i = 0; r && i < r->n; i++) {
		char hex[2 * DIGEST_MAX + 1];

		hex_encode(r->values[i].bytes, algs[r->alg].len, hex);
		json_append_string(d, list, hex);
	}
	return list;
}

/* An event of one side under a key; null is left out. */
static int add_event(struct json_doc *d, struct cJSON *o, const char *key, const struct eventlog *log,
		     size_t index, struct pcrcast_error *e)
{
	return index == SIZE_MAX ? 0 : eventlog_add_event(d, o, key, log, index, e);
}

static int add_changes(struct json_doc *d, struct cJSON *o, const struct golden_comparison *c,
		       const struct golden_explanation *x, struct pcrcast_error *e)
{
	struct cJSON *list = json_array(d);
	int r = 0;

	for (size_t i = 0; i < x->n_changes && r == 0; i++) {
		struct cJSON *item = json_object(d);

		json_add_string(d, item, "change", change_name(x->changes[i].change));
		r = add_event(d, item, "a", c->want->log, x->changes[i].want, e);
		if (r == 0)
			r = add_event(d, item, "b", c->got->log, x->changes[i].got, e);
		json_add_string(d, item, "description", x->changes[i].description);
		json_append(d, list, item);
	}
	json_add(d, o, "events", list);
	return r;
}

/* The log that an explanation's single event is of. */
static const struct eventlog *event_log(const struct golden_comparison *c, const struct golden_explanation *x)
{
	return x->reason == REASON_GOT_GOES_ON || x->reason == REASON_GOT_ADDS ? c->got->log : c->want->log;
}

static int add_explanation(struct json_doc *d, struct cJSON *o, const struct golden_comparison *c,
			   const struct golden_explanation *x, struct pcrcast_error *e)
{
	struct cJSON *out = json_object(d), *lines = json_array(d);
	int r = 0;

	json_add_string(d, out, "reason", golden_reason_name(x->reason));
	for (size_t i = 0; i < x->n; i++)
		json_append_string(d, lines, x->lines[i]);
	json_add(d, out, "text", lines);
	if (x->words)
		json_add_string(d, out, "words", x->words);
	r = add_event(d, out, "event", event_log(c, x), x->event, e);
	if (x->has_first) {
		struct cJSON *first = json_object(d);

		if (r == 0)
			r = add_event(d, first, "a", c->want->log, x->first_want, e);
		if (r == 0)
			r = add_event(d, first, "b", c->got->log, x->first_got, e);
		json_add(d, out, "first", first);
	}
	if (r == 0)
		r = add_changes(d, out, c, x, e);
	json_add(d, o, "explanation", out);
	return r;
}

static int add_registers(struct json_doc *d, struct cJSON *o, const struct golden_comparison *c,
			 struct pcrcast_error *e)
{
	struct cJSON *list = json_array(d);
	int r = 0;

	for (size_t i = 0; i < c->n && r == 0; i++) {
		const struct golden_register_result *item = &c->items[i];
		struct cJSON *x = json_object(d);
		char name[12];

		json_add_string(d, x, "bank", algs[item->alg].name);
		json_add_string(d, x, "register", golden_register_name(c->want, item->index, name));
		json_add_string(d, x, "result", golden_result_name(item->result));
		json_add_bool(d, x, "warnOnly", item->warn_only);
		json_add(d, x, "want", values_json(d, item->want));
		json_add(d, x, "got", values_json(d, item->got));
		if (item->match && item->match->label)
			json_add_string(d, x, "label", item->match->label);
		if (item->explanation.n || item->explanation.reason != REASON_NONE)
			r = add_explanation(d, x, c, &item->explanation, e);
		json_append(d, list, x);
	}
	json_add(d, o, "registers", list);
	return r;
}

static void add_policies(struct json_doc *d, struct cJSON *o, const struct golden_comparison *c)
{
	struct cJSON *list = json_array(d);

	for (size_t i = 0; i < c->n_policies; i++) {
		const struct golden_policy_result *p = &c->policies[i];
		struct cJSON *x = json_object(d), *pcrs = json_array(d);

		json_add_string(d, x, "bank", algs[p->alg].name);
		for (unsigned k = 0; k < PCR_COUNT; k++)
			if (p->pcrs & UINT32_C(1) << k)
				json_append_u64(d, pcrs, k);
		json_add(d, x, "pcrs", pcrs);
		json_add_string(d, x, "result", golden_result_name(p->result));
		if (p->has_digest)
			json_add_hex(d, x, "pol", p->digest, sizeof p->digest);
		if (p->label)
			json_add_string(d, x, "label", p->label);
		if (p->text)
			json_add_string(d, x, "text", p->text);
		json_append(d, list, x);
	}
	if (c->n_policies)
		json_add(d, o, "policies", list);
	else
		json_free(list);
}

static void add_claims(struct json_doc *d, struct cJSON *o, const struct golden_comparison *c)
{
	struct cJSON *x, *lines;

	if (!c->has_claims)
		return;
	x = json_object(d);
	lines = json_array(d);
	json_add_string(d, x, "result", golden_result_name(c->claims));
	for (size_t i = 0; i < c->n_claim_lines; i++)
		json_append_string(d, lines, c->claim_lines[i]);
	json_add(d, x, "text", lines);
	json_add(d, o, "claims", x);
}

static int fill(struct json_doc *d, struct cJSON *o, const struct golden_comparison *c,
		const struct golden_diff_names *names, struct pcrcast_error *e)
{
	struct cJSON *notes = json_array(d);

	json_add_bool(d, o, "same", c->verdict == VERDICT_SAME);
	json_add_string(d, o, "verdict", golden_verdict_name(c->verdict));
	if (names->got_of_several)
		json_add_string(d, o, "gotSet", names->got);
	if (names->want_of_several) {
		json_add_string(d, o, "wantSet", names->want);
		json_add_u64(d, o, "setsCompared", c->n_sets);
		json_add_u64(d, o, "setsMatching", c->n_matching);
	}
	int r = add_registers(d, o, c, e);
	add_policies(d, o, c);
	add_claims(d, o, c);
	json_add_u64(d, o, "accepted", c->n_same);
	json_add_u64(d, o, "failures", c->n_failed);
	json_add_u64(d, o, "warnings", c->n_warnings);
	json_add_u64(d, o, "missing", c->n_missing);
	json_add_u64(d, o, "extra", c->n_extra);
	json_add_u64(d, o, "notCompared", c->n_not_compared);
	for (size_t i = 0; i < c->n_notes; i++)
		json_append_string(d, notes, c->notes[i]);
	json_add(d, o, "notes", notes);
	return r;
}

int golden_diff_print_json(const struct golden_diff_arguments *a, const struct golden_comparison *all,
			   const struct golden_diff_names *names, size_t n, bool same,
			   struct pcrcast_error *e)
{
	struct json_doc d = { false };
	struct cJSON *root = json_object(&d);
	int r = 0;

	json_add_u64(&d, root, "version", 1);
	json_add_string(&d, root, "want", a->want_file);
	json_add_string(&d, root, "got", a->got_file);
	if (n == 1) {
		r = fill(&d, root, &all[0], &names[0], e);
	} else {
		struct cJSON *sets = json_array(&d);

		json_add_bool(&d, root, "same", same);
		for (size_t i = 0; i < n && r == 0; i++) {
			struct cJSON *o = json_object(&d);

			r = fill(&d, o, &all[i], &names[i], e);
			json_append(&d, sets, o);
		}
		json_add(&d, root, "sets", sets);
	}
	if (r == 0)
		return eventlog_print_json(&d, root, e);
	json_free(root);
	return r;
}
