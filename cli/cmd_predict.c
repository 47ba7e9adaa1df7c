/*
 * The verb predict: its options, and one run of it. What it prints is in predict_text.c and predict_json.c.
 */
#include "cli/cmd_predict.h"

#include <string.h>
#include <unistd.h>

#include "cli/golden_source.h"
#include "eventlog/cc.h"

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

const char predict_no_phases[] = "--phase was not used: it extends PCR 11, which --pcr does not name";

static int take_option(void *arguments, int code)
{
	struct predict_command *a = arguments;
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
static int take_arguments(struct predict_command *a, int argc, char **argv)
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

/* ---- the log and reference values ---- */

/* The events of the selected registers, without those that have no value. */
static int write_log(const struct predict_command *a, const struct prediction *p, struct pcrcast_error *e)
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

		if (!predict_selects(a, ev->pcr) || !prediction_knows(p, ev->pcr))
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
		if (predict_selects(a, pcr) && !prediction_knows(p, pcr))
			fprintf(stderr, "note: the log leaves %s%s out: it is not known\n",
				p->cc ? "" : "PCR ", register_name(p->cc, pcr, name));
	return r;
}

/* Reference values in the format of --as: a set for each combination. Takes the predictions' logs. */
static int print_as(struct predict_command *a, struct prediction *all, struct pcrcast_error *e)
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
static int check_target(const struct predict_command *a, struct pcrcast_error *e)
{
	int r = predict_refuse_overwrite(&a->predict, "--write-log", a->write_log, e);

	return r < 0 ? r : refuse_overwrite("--write-log", a->write_log, a->image, e);
}

/* ---- the run ---- */

/* What was asked for by name has to be there. */
static bool is_missing(const struct predict_command *a, const struct prediction *all)
{
	for (size_t i = 0; i < a->predict.n_combinations; i++)
		if ((a->pcrs_named && all[i].incomplete & a->predict.options.pcrs) ||
		    (a->predict.combinations[i].arguments.phases.n && !prediction_knows(&all[i], 11)))
			return true;
	return false;
}

/* What is not known, assumed and noted, once the results are out. */
static void print_remarks(const struct predict_command *a, const struct prediction *all)
{
	predict_print_all_remarks(&a->predict, all, a->predict.options.pcrs, a->quiet);
	if (a->phases_left_out && !a->quiet)
		fprintf(stderr, "note: %s\n", predict_no_phases);
}

/* all: one for each combination, empty. */
static int run(struct predict_command *a, struct prediction *all, struct pcrcast_error *e)
{
	const struct predict_options *o = &a->predict.options;
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->predict.n_combinations; i++)
		r = predict_one_combination(&a->predict, &a->predict.combinations[i], a->image, o->banks,
					    o->pcrs, &all[i], e);
	if (r == 0 && a->write_log)
		r = write_log(a, &all[0], e);
	if (r == 0 && !a->as && !a->json)
		r = predict_print_text(a, all, e);
	if (r == 0 && a->json && !predict_print_json(a, all))
		r = err_set(e, PCRCAST_EIO, PCRCAST_NO_OFFSET, "cannot write JSON to standard output");
	if (r == 0 && fflush(stdout) == 0)
		print_remarks(a, all);
	/* this takes the logs, and with them what the remarks are made of */
	return r == 0 && a->as ? print_as(a, all, e) : r;
}

int cmd_predict(int argc, char **argv)
{
	struct predict_command a = { .pool = POOL_INIT };
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
