/*
 * A whole prediction: the stages append events, which are hashed together and replayed into registers.
 */
#include "predict/predict.h"

#include "predict/cc.h"
#include "predict/secureboot.h"
#include "uki/measure.h"

/* ---- from events to registers ---- */

/* Hash what was collected and put the digests into the events. */
static int hash_events(struct walk *w, struct pcrcast_error *e)
{
	struct eventlog *log = &w->out->log;

	int r = hash_jobs_run(w->jobs, w->opt->banks, 0, e);
	for (enum alg a = 0; r == 0 && a < ALG_COUNT; a++)
		if (w->opt->banks & 1u << a)
			log->algs[log->n_algs++] = (struct eventlog_alg){ algs[a].tpm_id, algs[a].len };
	for (size_t i = 0; r == 0 && i < w->n_event_jobs; i++) {
		const struct event_job *job = &w->event_jobs[i];
		struct digest digests[ALG_COUNT] = { 0 };

		for (enum alg a = 0; a < ALG_COUNT; a++)
			if (w->opt->banks & 1u << a)
				digests[a] = *hash_jobs_digest(w->jobs, job->job, a);
		r = walk_set_digests(w, &log->events[job->event], digests, e);
	}
	return r;
}

/* The values that the events extend. */
static int start_values(struct walk *w, enum alg a, struct pcr_bank *ret, struct pcrcast_error *e)
{
	const struct pcr_values *v = w->opt->after_state;
	int r = eventlog_start(&w->out->log, a, ret, e);

	for (uint32_t pcr = 0; r == 0 && v && pcr < PCR_COUNT; pcr++)
		if (v->known[a] & UINT32_C(1) << pcr)
			memcpy(ret->pcr[pcr], v->value[a][pcr], algs[a].len);
	return r;
}

/* Extend what the first n events say; a register that is not wanted or not complete keeps its start value. */
static int replay_events(struct walk *w, enum alg a, size_t n, struct pcr_bank *ret, struct pcrcast_error *e)
{
	struct prediction *p = w->out;
	int r = start_values(w, a, ret, e);

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct event *ev = &p->log.events[i];

		if (ev->type != EV_NO_ACTION && w->wanted & ~p->incomplete & UINT32_C(1) << ev->pcr)
			r = pcr_extend(ret, ev->pcr, event_digest(ev, &p->log, a).p, e);
	}
	return r;
}

static int replay(struct walk *w, struct pcrcast_error *e)
{
	struct prediction *p = w->out;
	struct pcr_bank before;
	int r = 0;

	if (w->has_aggregate) {
		r = replay_events(w, w->opt->userspace.ima_hash, w->aggregate_at, &before, e);
		r = r < 0 ? r : ima_finish(w, &before, e);
	}
	for (enum alg a = 0; r == 0 && a < ALG_COUNT; a++)
		if (p->banks & 1u << a)
			r = replay_events(w, a, p->log.n_events, &p->values[a], e);
	return r;
}

/* A register that this walk accounts for only when asked. */
static int name_unknown_registers(struct walk *w, struct pcrcast_error *e)
{
	static const char reason[] = "the kernel's integrity measurement (IMA) extends it";

	return w->opt->userspace.boot_aggregate ? 0 : walk_unknown(w, IMA_PCR, reason, "--boot-aggregate", e);
}

/* In the order of the registers; the walk came upon them in its own. */
static int sort_unknowns(struct prediction *p, struct pool *pool, struct pcrcast_error *e)
{
	struct unknown *sorted = pool_array(pool, p->n_unknowns, sizeof *sorted);
	size_t n = 0;

	if (!sorted)
		return err_nomem(e);
	for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr++)
		for (size_t i = 0; i < p->n_unknowns; i++)
			if (p->unknowns[i].pcr == pcr)
				sorted[n++] = p->unknowns[i];
	p->unknowns = sorted;
	return 0;
}

/* What the user has said for nothing. */
static int note_unused_options(struct walk *w, struct pcrcast_error *e)
{
	const struct predict_options *o = w->opt;
	const struct {
		enum walk_option option;
		bool given;
		const char *name;
	} rows[] = {
		{ OPTION_PROFILE, o->has_profile, "--profile" },
		{ OPTION_LOAD_OPTIONS, o->has_load_options && o->load_options.n, "--load-options" },
		{ OPTION_GRUB_VOLUME, o->n_grub_volumes > 0, "--grub-volume" },
		{ OPTION_SMBIOS, o->n_smbios > 0 && !o->smbios_table, "--smbios" },
		{ OPTION_SMBIOS_TABLES, o->smbios_table, "--smbios-tables" },
		{ OPTION_CONSOLE, o->console_known, "--console" },
		{ OPTION_BOOT_SECRET, o->boot_secret != BOOT_SECRET_UNKNOWN, "--boot-secret" },
		{ OPTION_HWID, o->hardware.ids_known && !o->hardware.ids_of_table, "--hwid" },
		{ OPTION_DT_COMPATIBLE, o->hardware.compatible_known, "--dt-compatible" },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].given && !(w->used & rows[i].option))
			r = walk_note(w,
				      pool_printf(w->pool, "%s was not used: nothing in this boot reads it",
						  rows[i].name),
				      e);
	return r;
}

int walk_boot(struct image *img, const struct predict_options *opt,
	      int (*boot)(struct walk *w, struct pcrcast_error *e), struct prediction *ret,
	      struct pcrcast_error *e)
{
	struct predict_options o = *opt;
	int r = o.cc ? cc_prepare(&o, e) : 0;

	*ret = PREDICTION_INIT;
	if (r < 0)
		return r;
	struct walk w = {
		.out = ret, .pool = &ret->log.pool, .opt = &o, .settled = &o, .wanted = opt->pcrs, .img = img
	};

	if (!o.banks)
		o.banks = 1u << ALG_SHA256;
	if (!o.model)
		o.model = firmware_model_default();
	ret->banks = o.banks;
	w.jobs = hash_jobs_new();
	if (!w.jobs)
		return err_nomem(e);

	for (size_t i = 0; r == 0 && i < img->n_notes; i++)
		r = walk_note(&w, pool_printf(w.pool, "%s", img->notes[i]), e);
	if (r == 0 && img->file && o.boot)
		r = err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			    "--boot names a file inside an ESP, this is one EFI file");
	if (r == 0)
		r = walk_settle_smbios(&w, e);
	if (r == 0)
		r = boot(&w, e);
	if (r == 0 && o.entry && !w.menu_seen)
		r = err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			    "--entry: there is no boot menu in this boot");
	if (r == 0)
		r = note_unused_options(&w, e);
	if (r == 0 && o.cc)
		r = cc_finish(&w, e);
	if (r == 0)
		r = sort_unknowns(ret, w.pool, e);
	if (r == 0)
		r = hash_events(&w, e);
	if (r == 0)
		r = replay(&w, e);
	if (r == 0)
		r = image_check(img, e);
	hash_jobs_free(w.jobs);
	for (size_t i = 0; i < w.n_temps; i++)
		source_close(w.temps[i]);
	for (size_t i = 0; i < w.n_trees; i++)
		tree_free(w.trees[i]);
	return r;
}

/* A register that the state does not tell in every bank has no value. */
static int open_state(struct walk *w, struct pcrcast_error *e)
{
	int r = walk_assume(w, "after-state",
			    w->opt->kexec ?
				    "the values when kexec starts the image" :
				    "the values when the image gets control, its loading measured before",
			    "--after-state", e);

	for (uint32_t pcr = 0; r == 0 && pcr < PCR_COUNT; pcr++)
		for (enum alg a = 0; r == 0 && a < ALG_COUNT; a++)
			if (w->opt->banks & 1u << a && !(w->opt->after_state->known[a] & UINT32_C(1) << pcr))
				r = walk_unknown(w, pcr, "the state to start from does not tell it",
						 "--after-state", e);
	return r;
}

/*
 * Linux 6.12, arch/x86/kernel/kexec-bzimage64.c (the 64-bit entry point) and arch/arm64/kernel/kexec_image.c (the
 * start of the image): no EFI stub runs, and there are no boot services, whose firmware or loaders would measure.
 */
static int kexec_measures_nothing(struct walk *w, struct pcrcast_error *e)
{
	return walk_note(w, "kexec runs no EFI stub: nothing of the image is measured", e);
}

static int boot_by_edk2(struct walk *w, struct pcrcast_error *e)
{
	int r = w->opt->baseline ? baseline_open(w, e) : w->opt->after_state ? open_state(w, e) : 0;

	r = r < 0 ? r : w->opt->kexec ? kexec_measures_nothing(w, e) : stage_firmware(w, e);
	r = r < 0 ? r : name_unknown_registers(w, e);
	return r < 0 ? r : stage_userspace(w, e);
}

int predict(struct image *img, const struct predict_options *opt, struct prediction *ret,
	    struct pcrcast_error *e)
{
	struct predict_options o = *opt;

	if (!o.pcrs)
		o.pcrs = o.cc ? PREDICT_CC_REGISTERS : o.baseline ? PREDICT_ALL_PCRS : PREDICT_DEFAULT_PCRS;
	if (o.userspace.boot_aggregate)
		o.pcrs |= 0x7ff; /* it covers those up to 9 */
	int r = secure_boot_settle(&o, e);
	if (r < 0) {
		*ret = PREDICTION_INIT;
		return r;
	}
	return walk_boot(img, &o, boot_by_edk2, ret, e);
}

void prediction_done(struct prediction *p)
{
	eventlog_done(&p->log);
	*p = PREDICTION_INIT;
}

int predict_phase(const struct prediction *p, enum alg alg, const char *path, struct pcr_bank *ret,
		  struct pcrcast_error *e)
{
	*ret = p->values[alg];
	return uki_measure_phase(ret, path, e);
}
