/* pcrcast eventlog convert: a log in another format. */
#define _GNU_SOURCE
#include "cli/cmd_eventlog.h"

#include <stdlib.h>
#include <string.h>

#include "eventlog/write.h"

static int to_tcg(const struct eventlog_arguments *a, const struct eventlog *log, FILE *out,
		  struct pcrcast_error *e)
{
	(void)a;
	for (size_t i = 0; i < log->n_events; i++)
		if (log->events[i].content != CONTENT_PCCLIENT)
			return err_set(
				e, PCRCAST_EUNSUPPORTED, log->events[i].offset,
				"event %zu is not one of firmware: the TCG format has no place for it (try --to cel-json)",
				i);
	return eventlog_print_tcg2(log, out, e);
}

static int to_cel_json(const struct eventlog_arguments *a, const struct eventlog *log, FILE *out,
		       struct pcrcast_error *e)
{
	(void)a;
	return eventlog_print_cel_json(log, out, e);
}

static int to_tpm2_yaml(const struct eventlog_arguments *a, const struct eventlog *log, FILE *out,
			struct pcrcast_error *e)
{
	(void)a;
	return eventlog_print_tpm2_yaml(log, out, e);
}

/* What each prints; eventlog_show_json is what show --json prints. */
static const struct format {
	const char *name;
	int (*print)(const struct eventlog_arguments *a, const struct eventlog *log, FILE *out,
		     struct pcrcast_error *e);
} formats[] = {
	{ "tcg", to_tcg },
	{ "cel-json", to_cel_json },
	{ "tpm2-yaml", to_tpm2_yaml },
	{ "json", eventlog_show_json },
};

/* ---- a file as a stream ---- */

struct file_stream {
	struct out_file file;
	struct pcrcast_error *e; /* filled when the file takes no more */
	int r;
};

static ssize_t stream_write(void *cookie, const char *bytes, size_t n)
{
	struct file_stream *s = cookie;

	if (s->r == 0) /* once a part is missing, no more is written */
		s->r = out_write(&s->file, (struct slice){ (const uint8_t *)bytes, n }, s->e);
	return s->r < 0 ? 0 : (ssize_t)n; /* 0 is the error: fopencookie(3) */
}

/* The file is there whole, or not at all. */
static int print_to_file(const struct format *f, const struct eventlog_arguments *a,
			 const struct eventlog *log, struct pcrcast_error *e)
{
	struct pcrcast_error io = { .offset = PCRCAST_NO_OFFSET };
	struct file_stream s = { .e = &io };

	int r = out_open(a->output, &s.file, e);
	if (r < 0)
		return r;
	FILE *out = fopencookie(&s, "w", (cookie_io_functions_t){ .write = stream_write });
	r = out ? f->print(a, log, out, e) : err_nomem(e);
	if (out && fclose(out) != 0 && r == 0 && s.r == 0)
		r = err_nomem(e);
	if (s.r < 0) {
		*e = io;
		r = s.r;
	}
	if (r < 0) {
		out_abort(&s.file);
		return r;
	}
	return out_commit(&s.file, e);
}

int eventlog_run_convert(const struct eventlog_arguments *a, const struct eventlog *log,
			 struct pcrcast_error *e)
{
	const struct format *f = NULL;
	struct eventlog fewer = EVENTLOG_INIT;
	bool to_file = a->output && strcmp(a->output, "-") != 0;
	int r = 0;

	for (size_t i = 0; a->to && i < sizeof formats / sizeof formats[0]; i++)
		if (strcmp(formats[i].name, a->to) == 0)
			f = &formats[i];
	if (!f)
		return a->to ? usage_error("--to %s: expected tcg, cel-json, tpm2-yaml or json", a->to) :
			       usage_error(
				       "eventlog convert: expected --to with tcg, cel-json, tpm2-yaml or json");
	if (a->banks && !a->all_banks) {
		alg_set banks;

		r = eventlog_choose_banks(a, log, &banks, e);
		if (r == 0)
			r = eventlog_keep_banks(log, banks, &fewer, e);
	}
	const struct eventlog *kept = a->banks && !a->all_banks ? &fewer : log;
	if (r == 0)
		r = to_file ? print_to_file(f, a, kept, e) : f->print(a, kept, stdout, e);
	eventlog_done(&fewer);
	return r < 0 ? r : EXIT_DONE;
}
