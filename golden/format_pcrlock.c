/*
 * systemd's component files, systemd.pcrlock(5): what a component of the boot measures, as CEL-JSON records. A file has
 * events and no values; a directory of them leads to the values that systemd-pcrlock predicts.
 */
#include "eventlog/cel_json.h"
#include "golden/format_rows.h"
#include "golden/pcrlock.h"

/* ---- reading ---- */

GOLDEN_RECOGNISER(pcrlock_recognise)
{
	for (size_t i = 0; i < in->n_files; i++)
		if (pcrlock_is_component(in->files[i].name))
			return true;
	return json_is_array(json_get(in->json, "records"));
}

static int read_directory(const struct golden_input *in, struct golden *g, struct pcrcast_error *e)
{
	struct golden_set *s = golden_add_set(g, e);
	struct pcrlock p;

	if (!s)
		return -PCRCAST_ENOMEM;
	int r = pcrlock_load(in->files, in->n_files, g, &p, e);
	if (r == 0)
		r = pcrlock_predict(&p, in->has_pcrs ? &in->pcrs : NULL, g, s, e);
	pcrlock_done(&p);
	if (r == 0 && s->n_registers == 0)
		r = err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			    "the components lead to no value of a register");
	return r;
}

GOLDEN_READER(pcrlock_read)
{
	struct eventlog log;

	if (in->files)
		return read_directory(in, g, e);
	struct golden_set *s = golden_add_set(g, e);
	if (!s)
		return -PCRCAST_ENOMEM;
	int r = pcrlock_read_file(in->json, in->name, g, &log, e);
	if (r < 0)
		eventlog_done(&log);
	return r < 0 ? r : golden_keep_log(g, s, &log, e);
}

/* ---- writing ---- */

/* The registers whose events are wanted: those with a value that was chosen; without values, what --pcr says. */
static uint32_t wanted_registers(const struct golden_set *s, const struct golden_selection *sel)
{
	uint32_t pcrs = sel->has_pcrs ? sel->pcrs : UINT32_MAX >> (32 - PCR_COUNT), valued = 0;

	for (size_t i = 0; i < s->n_registers; i++)
		valued |= UINT32_C(1) << s->registers[i].index;
	return valued ? valued & pcrs : pcrs;
}

/* Banks that an event has a digest in. */
static alg_set banks_of(const struct eventlog *log, const struct event *ev)
{
	alg_set banks = 0;

	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		if (event_digest(ev, log, alg).n)
			banks |= 1u << alg;
	return banks;
}

/* What was seen of the events on the way. */
struct survey {
	alg_set some, all; /* banks that some event has a digest in, and that all have */
	size_t n, no_action, other;
};

static int add_events(struct json_doc *d, struct cJSON *records, const struct golden_set *s,
		      const struct golden_selection *sel, struct survey *ret, struct pcrcast_error *e)
{
	struct survey v = { .all = (1u << ALG_COUNT) - 1 };
	uint32_t wanted = wanted_registers(s, sel);

	for (size_t i = 0; i < s->log->n_events; i++) {
		const struct event *ev = &s->log->events[i];
		alg_set banks = banks_of(s->log, ev), chosen = sel->banks ? sel->banks : banks;

		if (ev->pcr >= PCR_COUNT) {
			v.other++;
			continue;
		}
		if (!(wanted & UINT32_C(1) << ev->pcr))
			continue;
		if (ev->content == CONTENT_PCCLIENT && ev->type == EV_NO_ACTION) {
			v.no_action++;
			continue;
		}
		/* a component without this record would be taken for one that does not measure it */
		if (!(banks & chosen))
			return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
				       "pcrlock: event %zu, of PCR %u, has no digest in the chosen banks", i,
				       ev->pcr);
		v.some |= banks & chosen;
		v.all &= banks;
		v.n++;
		json_append(d, records, cel_json_record_brief(d, s->log, ev, banks & chosen));
	}
	v.all &= v.some;
	*ret = v;
	return 0;
}

static bool has_labels(const struct golden_set *s)
{
	for (size_t i = 0; i < s->n_registers; i++)
		for (size_t k = 0; k < s->registers[i].n; k++)
			if (s->registers[i].values[k].label)
				return true;
	return false;
}

static int tell(const struct golden_set *s, const struct survey *v, struct golden_writer *w,
		struct pcrcast_error *e)
{
	int r = 0;

	if (has_labels(s))
		r = golden_lost(
			w, e,
			"values behind phases: systemd's own components 750-enter-initrd to 990-final make them");
	if (r == 0 && v->no_action)
		r = golden_lost(w, e, "%zu events that measure nothing (EV_NO_ACTION)", v->no_action);
	if (r == 0 && v->other)
		r = golden_lost(w, e, "%zu events of other registers than PCRs", v->other);
	for (enum alg alg = 0; alg < ALG_COUNT && r == 0; alg++)
		if (v->some & ~v->all & 1u << alg)
			r = golden_lost(w, e,
					"%s for some events, so that systemd predicts nothing in that bank",
					algs[alg].name);
	/* systemd finds a component in a machine's log by this bank, when the TPM has it */
	if (r == 0 && v->n && !(v->all & 1u << ALG_SHA256))
		r = golden_lost(
			w, e,
			"sha256, by which systemd-pcrlock finds a component in the log of a TPM that has it");
	return r;
}

GOLDEN_WRITER(pcrlock_write)
{
	const struct golden_set *s = &g->sets[0];
	struct json_doc d = { false };
	struct cJSON *root = json_object(&d), *records = json_array(&d);
	struct survey seen = { 0 };

	int r = add_events(&d, records, s, w->sel, &seen, e);
	json_add(&d, root, "records", records);
	if (r == 0 && seen.n == 0)
		r = err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
			    "pcrlock: no event of the chosen registers");
	if (r == 0)
		r = tell(s, &seen, w, e);
	if (r < 0) {
		json_free(root);
		return r;
	}
	return golden_write_json(w, &d, root, true, e);
}
