/* pcrcast eventlog replay: the registers that a log leads to. */
#define _GNU_SOURCE
#include "cli/cmd_eventlog.h"

#include <inttypes.h>
#include <string.h>

#include "eventlog/cc.h"

struct result {
	alg_set banks;
	struct pcr_bank bank[ALG_COUNT];
	uint32_t no_value[ALG_COUNT]; /* bit i: register i was extended to a value that cannot be told */
	uint32_t passed[ALG_COUNT];   /* bit i: some of register i's events have no digest in this bank */
	uint32_t count[PCR_COUNT];    /* events that extend a register, in whatever bank */
	uint8_t locality;             /* that PCR 0 began with */
};

static int gather(const struct eventlog *log, alg_set banks, uint32_t untold, struct result *ret,
		  struct pcrcast_error *e)
{
	*ret = (struct result){ .banks = banks };
	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		struct pcr_bank start;
		size_t missing;

		if (!(banks & 1u << alg))
			continue;
		int r = eventlog_replay_partial(log, alg, &ret->bank[alg], &missing, e);
		if (r == 0)
			r = eventlog_start(log, alg, &start, e);
		if (r < 0)
			return r;
		ret->locality = start.pcr[0][algs[alg].len - 1];
		ret->no_value[alg] = untold;
		uint32_t incomplete = missing ? eventlog_incomplete(log, alg) : 0;

		/* TPM2_PCR_Extend leaves a bank alone for which it is given no digest (TPM 2.0 Library, part 3). */
		for (unsigned i = 0; i < PCR_COUNT; i++)
			if (incomplete & UINT32_C(1) << i)
				*(ret->bank[alg].count[i] > 0 ? &ret->passed[alg] : &ret->no_value[alg]) |=
					UINT32_C(1) << i;
	}
	for (size_t i = 0; i < log->n_events; i++) {
		const struct event *ev = &log->events[i];

		if (ev->type != EV_NO_ACTION && ev->pcr < PCR_COUNT)
			ret->count[ev->pcr]++;
	}
	return 0;
}

/* Registers to list: those that were extended, or those of --pcr, of which one that was not has its reset value. */
static bool lists(const struct eventlog_arguments *a, const struct result *res, unsigned index)
{
	return a->has_pcrs ? a->pcrs & UINT32_C(1) << index : res->count[index] > 0;
}

static bool has_value(const struct result *res, enum alg alg, unsigned index)
{
	return !(res->no_value[alg] & UINT32_C(1) << index);
}

static void print_text(const struct eventlog_arguments *a, const struct eventlog *log,
		       const struct result *res)
{
	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		for (unsigned i = 0; i < PCR_COUNT; i++) {
			char after[32], hex[2 * DIGEST_MAX + 1], buf[12];

			if (!(res->banks & 1u << alg) || !lists(a, res, i) || !has_value(res, alg, i))
				continue;
			(void)snprintf(after, sizeof after, "%" PRIu32 " event%s", res->count[i],
				       res->count[i] == 1 ? "" : "s");
			if (log->kind != EVENTLOG_CC) {
				print_digest_line(alg, i, res->bank[alg].pcr[i], after);
				continue;
			}
			char name[24];

			hex_encode(res->bank[alg].pcr[i], algs[alg].len, hex);
			(void)snprintf(name, sizeof name, "%s:%s", algs[alg].name,
				       eventlog_register_name(log, i, buf));
			printf("%-12s %s  %s\n", name, hex, after);
		}
	}
}

static int print_json(const struct eventlog_arguments *a, const struct eventlog *log,
		      const struct eventlog *shown, const struct result *res, struct pcrcast_error *e)
{
	struct json_doc d = { false };
	struct cJSON *root = json_object(&d), *banks = json_object(&d), *counts = json_object(&d);
	struct cJSON *unknown = json_object(&d), *passed = json_object(&d);
	char hex[2 * DIGEST_MAX + 1], buf[12];
	bool any_unknown = false, any_passed = false;

	json_add_u64(&d, root, "version", 1);
	json_add_string(&d, root, "kind", eventlog_kind_name(log->kind));
	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		if (!(res->banks & 1u << alg))
			continue;
		struct cJSON *values = json_object(&d), *without = json_array(&d), *partly = json_array(&d);

		for (unsigned i = 0; i < PCR_COUNT; i++) {
			const char *name = eventlog_register_name(shown, i, buf);

			if (!has_value(res, alg, i) && (!a->has_pcrs || a->pcrs & UINT32_C(1) << i)) {
				json_append_string(&d, without, name);
				any_unknown = true;
			} else if (lists(a, res, i)) {
				hex_encode(res->bank[alg].pcr[i], algs[alg].len, hex);
				json_add_string(&d, values, name, hex);
				if (res->passed[alg] & UINT32_C(1) << i) {
					json_append_string(&d, partly, name);
					any_passed = true;
				}
			}
		}
		json_add(&d, banks, algs[alg].name, values);
		json_add(&d, unknown, algs[alg].name, without);
		json_add(&d, passed, algs[alg].name, partly);
	}
	json_add(&d, root, shown->kind == EVENTLOG_CC ? "registers" : "pcrs", banks);
	for (unsigned i = 0; i < PCR_COUNT; i++)
		if (lists(a, res, i))
			json_add_u64(&d, counts, eventlog_register_name(shown, i, buf), res->count[i]);
	json_add(&d, root, "counts", counts);
	if (any_unknown)
		json_add(&d, root, "unknown", unknown);
	else
		json_free(unknown);
	if (any_passed)
		json_add(&d, root, "passedOver", passed);
	else
		json_free(passed);
	json_add_u64(&d, root, "events", log->n_events);
	if (log->kind != EVENTLOG_CC)
		json_add_u64(&d, root, "startupLocality", res->locality);
	eventlog_add_findings(&d, root, log);
	eventlog_add_damage(&d, root, a->damage);
	return eventlog_print_json(&d, root, e);
}

/* An IMA list has digests of one bank; what the others got depends on the kernel (event_extended). */
static void note_ima(const struct eventlog_arguments *a, const struct eventlog *log, alg_set banks)
{
	if (log->kind != EVENTLOG_IMA || a->quiet)
		return;
	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		bool logged = false;

		for (size_t i = 0; i < log->n_algs; i++)
			logged |= log->algs[i].id == algs[alg].tpm_id;
		if (banks & 1u << alg && !logged)
			fprintf(stderr,
				"note: the list has no %s digests; the value is what a kernel gives that knows %s when IMA begins\n",
				algs[alg].name, algs[alg].name);
	}
}

/* Name the registers without a value on stderr. True when --pcr asked for one of them. */
static bool report_unknown(const struct eventlog_arguments *a, const struct eventlog *log,
			   const struct eventlog *shown, const struct result *res, uint32_t untold,
			   size_t untold_event)
{
	uint32_t selected = a->has_pcrs ? a->pcrs : UINT32_MAX;
	bool asked = false;
	char buf[12], type[11];

	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		for (unsigned i = 0; i < PCR_COUNT; i++) {
			uint32_t bit = UINT32_C(1) << i;

			if (res->banks & 1u << alg && res->passed[alg] & selected & bit && !a->quiet)
				fprintf(stderr,
					"note: %s:%s passes over events without a %s digest (%" PRIu32
					" of %" PRIu32 " have one)\n",
					algs[alg].name, eventlog_register_name(shown, i, buf), algs[alg].name,
					res->bank[alg].count[i], res->count[i]);
			if (!(res->banks & 1u << alg) || !(res->no_value[alg] & selected & bit))
				continue;
			asked |= a->has_pcrs;
			if (a->quiet && !a->has_pcrs)
				continue;
			if (untold & bit)
				fprintf(stderr, "%s:%s has no value: event %zu, %s in %s, may belong to it\n",
					algs[alg].name, eventlog_register_name(shown, i, buf), untold_event,
					event_type_name(log->events[untold_event].type, type),
					eventlog_register_name(log, log->events[untold_event].pcr,
							       (char[12]){ 0 }));
			else
				fprintf(stderr, "%s:%s has no value: its events have no %s digest\n",
					algs[alg].name, eventlog_register_name(shown, i, buf),
					algs[alg].name);
		}
	}
	return asked;
}

static int run(const struct eventlog_arguments *a, const struct eventlog *log, const struct eventlog *shown,
	       uint32_t untold, size_t untold_event, struct pcrcast_error *e)
{
	struct result res;
	alg_set banks;

	int r = eventlog_choose_banks(a, log, &banks, e);
	if (r == 0)
		r = gather(shown, banks, untold, &res, e);
	if (r < 0)
		return r;
	if (a->json)
		r = print_json(a, log, shown, &res, e);
	else
		print_text(a, shown, &res);
	if (r < 0)
		return r;
	(void)fflush(stdout);
	note_ima(a, log, banks);
	return report_unknown(a, log, shown, &res, untold, untold_event) ? EXIT_TROUBLE : EXIT_DONE;
}

int eventlog_run_replay(const struct eventlog_arguments *a, const struct eventlog *log,
			struct pcrcast_error *e)
{
	if (!a->as_pcrs)
		return run(a, log, log, 0, SIZE_MAX, e);
	if (log->kind != EVENTLOG_CC)
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "--as-pcrs is for logs of CC measurement registers; this one (%s) has PCRs",
			       eventlog_kind_name(log->kind));
	struct eventlog view;
	uint32_t untold;
	size_t first;
	int r = eventlog_cc_as_pcrs(log, &view, &untold, &first, e);
	if (r < 0)
		return r;
	r = run(a, log, &view, untold, first, e);
	eventlog_done(&view);
	return r;
}
