#define _GNU_SOURCE
#include "cli/cmd_eventlog.h"

#include <stdlib.h>
#include <string.h>

#include "eventlog/write.h"

static int to_tcg(const struct eventlog_arguments *a, const struct eventlog *log, struct pool *pool, struct slice *ret,
		  struct pcrcast_error *e)
{
	(void)a;
	for (size_t i = 0; i < log->n_events; i++)
		if (log->events[i].content != CONTENT_PCCLIENT)
			return err_set(e, PCRCAST_EUNSUPPORTED, log->events[i].offset,
				       "event %zu is not one of firmware: the TCG format has no place for it (try --to cel-json)", i);
	return eventlog_write_tcg2(log, pool, ret, e);
}

static int to_cel_json(const struct eventlog_arguments *a, const struct eventlog *log, struct pool *pool, struct slice *ret,
		       struct pcrcast_error *e)
{
	(void)a;
	return eventlog_write_cel_json(log, pool, ret, e);
}

static int to_tpm2_yaml(const struct eventlog_arguments *a, const struct eventlog *log, struct pool *pool, struct slice *ret,
			struct pcrcast_error *e)
{
	(void)a;
	return eventlog_write_tpm2_yaml(log, pool, ret, e);
}

/* What show --json prints. */
static int to_json(const struct eventlog_arguments *a, const struct eventlog *log, struct pool *pool, struct slice *ret,
		   struct pcrcast_error *e)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return err_nomem(e);
	int r = eventlog_show_json(a, log, out, e);
	if (fclose(out) != 0 && r == 0)
		r = err_nomem(e);
	if (r == 0) {
		void *copy = pool_copy(pool, text, n);

		if (copy)
			*ret = (struct slice){ copy, n };
		else
			r = err_nomem(e);
	}
	free(text);
	return r;
}

static const struct format {
	const char *name;
	int (*write)(const struct eventlog_arguments *a, const struct eventlog *log, struct pool *pool, struct slice *ret,
		     struct pcrcast_error *e);
} formats[] = {
	{ "tcg", to_tcg },
	{ "cel-json", to_cel_json },
	{ "tpm2-yaml", to_tpm2_yaml },
	{ "json", to_json },
};

static int write_out(const char *path, struct slice bytes, struct pcrcast_error *e)
{
	if (path && strcmp(path, "-") != 0)
		return write_file(path, bytes, e);
	(void)fwrite(bytes.p, 1, bytes.n, stdout); /* finish() reports a failure */
	return 0;
}

int eventlog_run_convert(const struct eventlog_arguments *a, const struct eventlog *log, struct pcrcast_error *e)
{
	const struct format *f = NULL;
	struct eventlog fewer = EVENTLOG_INIT;
	struct pool pool = POOL_INIT;
	struct slice bytes = SLICE_EMPTY;
	int r = 0;

	for (size_t i = 0; a->to && i < sizeof formats / sizeof formats[0]; i++)
		if (strcmp(formats[i].name, a->to) == 0)
			f = &formats[i];
	if (!f)
		return a->to ? usage_error("--to %s: expected tcg, cel-json, tpm2-yaml or json", a->to) :
			       usage_error("eventlog convert: expected --to with tcg, cel-json, tpm2-yaml or json");
	if (a->banks && !a->all_banks) {
		alg_set banks;

		r = eventlog_choose_banks(a, log, &banks, e);
		if (r == 0)
			r = eventlog_keep_banks(log, banks, &fewer, e);
	}
	if (r == 0)
		r = f->write(a, a->banks && !a->all_banks ? &fewer : log, &pool, &bytes, e);
	if (r == 0)
		r = write_out(a->output, bytes, e);
	pool_done(&pool);
	eventlog_done(&fewer);
	return r < 0 ? r : EXIT_DONE;
}
