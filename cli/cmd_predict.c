#define _GNU_SOURCE
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/golden_source.h"
#include "cli/predict_variants.h"
#include "eventlog/cc.h"
#include "eventlog/events_json.h"

enum {
	OPT_EVENTS = OPT_OWN,
	OPT_WRITE_LOG,
	OPT_AS,
};

static const struct option_row rows[] = {
	PREDICT_OPTION_ROWS,
	ROW_BANK,
	{ "pcr", 0, "LIST", OPT_PCR, "registers, as 4,9,11-13 (the default)" },
	{ "events", 0, NULL, OPT_EVENTS, "list the events behind every value" },
	{ "write-log", 0, "FILE", OPT_WRITE_LOG, "write the prediction as a TCG crypto-agile event log" },
	{ "as", 0, "FORMAT", OPT_AS,
	  "print reference values in this format (\"golden formats\" lists them)" },
	ROW_JSON,
	ROW_NO_REMARKS,
	ROW_COLOR,
	ROW_HELP,
	ROW_END,
};

struct arguments {
	struct pool pool;
	struct predict_arguments predict;
	bool phases_left_out; /* PCR 11 is not among those selected */
	alg_set banks_named;  /* --bank; 0: not given */
	bool pcrs_named, events, json, quiet;
	const struct golden_format *as; /* --as; NULL: not given */
	const char *write_log;
	const char *image;
};

static int take_option(void *arguments, int code)
{
	struct arguments *a = arguments;
	struct predict_options *p = &a->predict.options;

	if (code >= PREDICT_OPT_FIRST)
		return predict_take_option(&a->predict, code);
	switch (code) {
	case OPT_BANK:
		return take_banks(&p->banks);
	case OPT_PCR:
		a->pcrs_named = true;
		return take_pcrs("pcr", &p->pcrs);
	case OPT_EVENTS:
		a->events = true;
		return 0;
	case OPT_WRITE_LOG:
		if (strcmp(optarg, "-") == 0)
			return usage_error("--write-log -: standard output is for the values, name a file");
		a->write_log = optarg;
		return empty_name(optarg) ? EXIT_TROUBLE : 0;
	case OPT_AS:
		a->as = golden_format_by_name(optarg);
		return a->as ? 0 :
			       usage_error(
				       "--as %s: expected the name of a format (\"golden formats\" lists them)",
				       optarg);
	case OPT_JSON:
		a->json = true;
		return 0;
	case OPT_QUIET:
		a->quiet = true;
		return 0;
	case OPT_COLOR:
		return take_color();
	}
	return EXIT_TROUBLE;
}

/* 0 to go on, else the exit status + 1. */
static int take_arguments(struct arguments *a, int argc, char **argv)
{
	struct predict_options *p = &a->predict.options;
	int status = take_options(
		argc, argv, rows, "predict IMAGE [OPTION…]",
		"What the PCRs will be when a machine boots IMAGE: a disk image, an ESP directory or one EFI file.",
		take_option, a);

	if (status)
		return status;
	if (optind + 1 != argc)
		return usage_error("predict needs one IMAGE, found %d", argc - optind) + 1;
	if (predict_finish_options(&a->predict) != 0)
		return EXIT_TROUBLE + 1;
	a->image = argv[optind];
	if (empty_name(a->image))
		return EXIT_TROUBLE + 1;
	if (a->as && (a->json || a->events))
		return usage_error("--as goes without --json and --events") + 1;
	if (p->cc && p->banks & 1u << ALG_SHA384) /* --bank all: those that there are */
		p->banks = 1u << ALG_SHA384;
	a->banks_named = p->banks;
	if (!p->banks)
		p->banks = a->as && !p->cc ? golden_usual_banks(a->as) : predict_default_banks(&a->predict);
	if (!p->pcrs)
		p->pcrs = predict_default_pcrs(&a->predict);
	for (size_t i = 0; i < a->predict.n_combinations; i++) {
		struct text_list *phases = &a->predict.combinations[i].arguments.phases;

		if (phases->n && !(p->pcrs & 1u << 11)) {
			phases->n = 0;
			a->phases_left_out = true;
		}
	}
	if (a->write_log && a->predict.n_combinations > 1)
		return usage_error("--write-log: a log is that of one boot, --variant makes %zu",
				   a->predict.n_combinations) +
		       1;
	return 0;
}

/* ---- rendering ---- */

static const char no_phases[] = "--phase was not used: it extends PCR 11, which --pcr does not name";

static bool selected(const struct arguments *a, uint32_t pcr)
{
	return pcr < PCR_COUNT && a->predict.options.pcrs & UINT32_C(1) << pcr;
}

static bool known(const struct prediction *p, uint32_t pcr)
{
	return !(p->incomplete & UINT32_C(1) << pcr);
}

static void print_events(const struct arguments *a, const struct prediction *p)
{
	for (size_t i = 0; i < p->log.n_events; i++) {
		const struct event *ev = &p->log.events[i];
		char buf[11], name[12], hex[2 * DIGEST_MAX + 1] = "unknown";

		if (!selected(a, ev->pcr))
			continue;
		for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
			struct slice d = event_digest(ev, &p->log, alg);

			if (!(p->banks & 1u << alg) || (d.n == 0 && ev->n_digests))
				continue;
			if (d.n)
				hex_encode(d.p, d.n, hex);
			printf("%2s  %-34s %s:%s  %s  ", register_name(p->cc, ev->pcr, name),
			       event_type_name(ev->type, buf), algs[alg].name, hex,
			       event_origin_name(ev->origin));
			put_text(stdout, ev->description);
			fputs("  [", stdout);
			put_text(stdout, ev->source);
			fputs("]\n", stdout);
			if (d.n == 0)
				break;
		}
	}
}

/* The baseline's events that are not among those above. */
static void print_replaced(const struct arguments *a, const struct prediction *p)
{
	for (size_t i = 0; i < p->n_baseline; i++) {
		const struct baseline_event *ev = &p->baseline[i];
		char buf[11], name[12];

		if (selected(a, ev->pcr) && !ev->kept)
			printf("not kept: event %zu of the baseline, %s%s %s: %s\n", i, p->cc ? "" : "PCR ",
			       register_name(p->cc, ev->pcr, name), event_type_name(ev->type, buf),
			       ev->reason);
	}
}

static int print_text(const struct arguments *a, const struct predict_combination *c,
		      const struct prediction *p, struct pcrcast_error *e)
{
	const struct text_list *phases = &c->arguments.phases;
	char name[12];

	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
			if (p->banks & 1u << alg && selected(a, pcr) && known(p, pcr))
				print_register_line(alg, register_name(p->cc, pcr, name),
						    p->values[alg].pcr[pcr], "");
	for (size_t i = 0; i < phases->n && known(p, 11); i++)
		for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
			struct pcr_bank bank;

			if (!(p->banks & 1u << alg))
				continue;
			int r = predict_phase(p, alg, phases->items[i], &bank, e);
			if (r < 0)
				return r;
			print_digest_line(alg, 11, bank.pcr[11], phases->items[i]);
		}
	if (a->events) {
		print_events(a, p);
		print_replaced(a, p);
	}
	return 0;
}

static struct cJSON *phases_json(struct json_doc *d, const struct text_list *phases,
				 const struct prediction *p)
{
	struct cJSON *list = json_array(d);

	for (size_t i = 0; i < phases->n; i++) {
		struct cJSON *o = json_object(d), *pcrs = json_object(d);

		json_add_string(d, o, "phase", phases->items[i]);
		for (enum alg alg = 0; alg < ALG_COUNT && known(p, 11); alg++) {
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

static struct cJSON *pcrs_json(struct json_doc *d, const struct arguments *a, const struct prediction *p)
{
	struct cJSON *pcrs = json_object(d);

	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		if (!(p->banks & 1u << alg))
			continue;
		struct cJSON *bank = json_object(d);
		for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
			char buf[12];

			if (!selected(a, pcr) || !known(p, pcr))
				continue;
			json_add_hex(d, bank, register_name(p->cc, pcr, buf), p->values[alg].pcr[pcr],
				     algs[alg].len);
		}
		json_add(d, pcrs, algs[alg].name, bank);
	}
	return pcrs;
}

/* What became of the baseline's events. */
static struct cJSON *baseline_json(struct json_doc *d, const struct arguments *a, const struct prediction *p)
{
	struct cJSON *list = json_array(d);

	for (size_t i = 0; i < p->n_baseline; i++) {
		const struct baseline_event *ev = &p->baseline[i];
		struct cJSON *o;
		char buf[11], name[12];

		if (!selected(a, ev->pcr))
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
static void add_prediction(struct json_doc *d, struct cJSON *root, const struct arguments *a,
			   const struct predict_combination *c, const struct prediction *p)
{
	struct cJSON *complete = json_object(d), *list;
	char buf[12];

	json_add(d, root, p->cc ? "registers" : "pcrs", pcrs_json(d, a, p));
	if (c->arguments.phases.n)
		json_add(d, root, "phases", phases_json(d, &c->arguments.phases, p));
	for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
		if (selected(a, pcr))
			json_add_bool(d, complete, register_name(p->cc, pcr, buf), known(p, pcr));
	}
	json_add(d, root, "complete", complete);
	if (a->events) {
		list = json_array(d);
		for (size_t i = 0; i < p->log.n_events; i++)
			if (selected(a, p->log.events[i].pcr))
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

		if (selected(a, p->unknowns[i].pcr)) {
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
		json_append_string(d, list, no_phases);
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
static struct cJSON *values_of(struct json_doc *d, const struct arguments *a, const struct prediction *all,
			       enum alg alg, uint32_t pcr)
{
	struct cJSON *list = json_array(d);
	const char **seen = NULL;
	size_t n = 0, cap = 0;
	struct pool pool = POOL_INIT;
	bool complete = true;

	for (size_t i = 0; i < a->predict.n_combinations && complete; i++) {
		const struct predict_combination *c = &a->predict.combinations[i];
		size_t n_phases = pcr == 11 && c->arguments.phases.n ? c->arguments.phases.n : 1;

		complete = known(&all[i], pcr);
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

static struct cJSON *values_json(struct json_doc *d, const struct arguments *a, const struct prediction *all)
{
	struct cJSON *banks = json_object(d);
	char buf[12];

	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		if (!(all[0].banks & 1u << alg))
			continue;
		struct cJSON *bank = json_object(d);
		for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr++) {
			struct cJSON *list = selected(a, pcr) ? values_of(d, a, all, alg, pcr) : NULL;

			if (list)
				json_add(d, bank, register_name(all[0].cc, pcr, buf), list);
		}
		json_add(d, banks, algs[alg].name, bank);
	}
	return banks;
}

static struct cJSON *combination_json(struct json_doc *d, const struct arguments *a, size_t i,
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

static bool print_json(const struct arguments *a, const struct prediction *all)
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

/* The events of the selected registers, without those that have no value. */
static int write_log(const struct arguments *a, const struct prediction *p, struct pcrcast_error *e)
{
	struct eventlog log = EVENTLOG_INIT;
	struct slice bytes;
	char name[12];
	int r = 0;

	log.kind = p->log.kind;
	log.spec_id = p->log.spec_id;
	memcpy(log.algs, p->log.algs, sizeof log.algs);
	log.n_algs = p->log.n_algs;
	for (size_t i = 0; r == 0 && i < p->log.n_events; i++) {
		const struct event *ev = &p->log.events[i];

		if (!selected(a, ev->pcr) || !known(p, ev->pcr))
			continue;
		struct event *place =
			pool_push(&log.pool, &log.events, &log.n_events, &log.cap, sizeof *place);
		if (place)
			*place = *ev;
		else
			r = err_nomem(e);
	}
	if (r == 0)
		r = eventlog_write_tcg2(&log, &log.pool, &bytes, e);
	if (r == 0)
		r = write_file(a->write_log, bytes, e);
	eventlog_done(&log);
	for (unsigned pcr = 0; r == 0 && pcr < PCR_COUNT; pcr++)
		if (selected(a, pcr) && !known(p, pcr))
			fprintf(stderr, "note: the log leaves %s%s out: it is not known\n",
				p->cc ? "" : "PCR ", register_name(p->cc, pcr, name));
	return r;
}

/* Reference values in the format of --as: a set for each combination. Takes the predictions' logs. */
static int print_as(struct arguments *a, struct prediction *all, struct pcrcast_error *e)
{
	struct golden_selection whole = { .banks = a->banks_named };
	const char *const *lost;
	struct golden g = GOLDEN_INIT;
	struct slice bytes;
	size_t n_lost;
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->predict.n_combinations; i++)
		r = golden_of_combination(&all[i], &a->predict.combinations[i], a->image,
					  a->predict.options.pcrs, &g, e);
	r = r < 0 ? r : golden_fit_variants(&g, a->as, e);
	if (r == 0)
		r = golden_write(&g, &whole, a->as, &a->pool, &bytes, &lost, &n_lost, e);
	for (size_t i = 0; r == 0 && i < g.n_notes && !a->quiet; i++) {
		fputs("note: ", stderr);
		put_text(stderr, g.notes[i]);
		fputc('\n', stderr);
	}
	golden_done(&g);
	if (r < 0)
		return r;
	if (a->as->binary && isatty(STDOUT_FILENO))
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "%s is binary and standard output is a terminal", a->as->name);
	(void)fwrite(bytes.p, 1, bytes.n, stdout); /* finish() reports a stream that failed */
	for (size_t i = 0; i < n_lost && !a->quiet; i++) {
		fputs("not in the output: ", stderr);
		put_text(stderr, lost[i]);
		fputc('\n', stderr);
	}
	return 0;
}

/* The log to write is no file of the image, nor one that is read. */
static int check_target(const struct arguments *a, struct pcrcast_error *e)
{
	int r = predict_refuse_overwrite(&a->predict, "--write-log", a->write_log, e);

	return r < 0 ? r : refuse_overwrite("--write-log", a->write_log, a->image, e);
}

static int print_all_text(const struct arguments *a, const struct prediction *all, struct pcrcast_error *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->predict.n_combinations; i++) {
		const struct predict_combination *c = &a->predict.combinations[i];

		if (c->label) {
			fputs(i ? "\n" : "", stdout);
			put_text(stdout, c->label);
			putchar('\n');
		}
		r = print_text(a, c, &all[i], e);
	}
	return r;
}

/* What was asked for by name has to be there. */
static bool is_missing(const struct arguments *a, const struct prediction *all)
{
	for (size_t i = 0; i < a->predict.n_combinations; i++)
		if ((a->pcrs_named && all[i].incomplete & a->predict.options.pcrs) ||
		    (a->predict.combinations[i].arguments.phases.n && !known(&all[i], 11)))
			return true;
	return false;
}

/* What is not known, assumed and noted, once the results are out. */
static void print_remarks(const struct arguments *a, const struct prediction *all)
{
	predict_print_all_remarks(&a->predict, all, a->predict.options.pcrs, a->quiet);
	if (a->phases_left_out && !a->quiet)
		fprintf(stderr, "note: %s\n", no_phases);
}

/* all: one for each combination, empty. */
static int run(struct arguments *a, struct prediction *all, struct pcrcast_error *e)
{
	const struct predict_options *o = &a->predict.options;
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->predict.n_combinations; i++)
		r = predict_one_combination(&a->predict, &a->predict.combinations[i], a->image, o->banks,
					    o->pcrs, &all[i], e);
	if (r == 0 && a->write_log)
		r = write_log(a, &all[0], e);
	if (r == 0 && !a->as && !a->json)
		r = print_all_text(a, all, e);
	if (r == 0 && a->json && !print_json(a, all))
		r = err_set(e, PCRCAST_EIO, PCRCAST_NO_OFFSET, "cannot write JSON to standard output");
	if (r == 0 && fflush(stdout) == 0)
		print_remarks(a, all);
	/* this takes the logs, and with them what the remarks are made of */
	return r == 0 && a->as ? print_as(a, all, e) : r;
}

int cmd_predict(int argc, char **argv)
{
	struct arguments a = { .pool = POOL_INIT };
	struct pcrcast_error e = { .offset = PCRCAST_NO_OFFSET };

	a.predict.pool = &a.pool;
	int status = take_arguments(&a, argc, argv);

	if (status) {
		predict_done_options(&a.predict);
		pool_done(&a.pool);
		return status - 1;
	}
	struct prediction *all = pool_array(&a.pool, a.predict.n_combinations, sizeof *all);
	int r = all ? 0 : err_nomem(&e);

	for (size_t i = 0; r == 0 && i < a.predict.n_combinations; i++)
		all[i] = PREDICTION_INIT;
	if (r == 0 && a.write_log)
		r = check_target(&a, &e);
	if (r == 0)
		r = run(&a, all, &e);
	/* when stdout has failed, main says so */
	status = r < 0 ? fail_at(a.image, &e) : is_missing(&a, all) ? EXIT_TROUBLE : EXIT_DONE;
	for (size_t i = 0; all && i < a.predict.n_combinations; i++)
		prediction_done(&all[i]);
	predict_done_options(&a.predict);
	pool_done(&a.pool);
	return status;
}
