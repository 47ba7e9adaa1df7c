/*
 * The verb eventlog: what its parts share.
 */
#pragma once

#include "cli/cli.h"
#include "eventlog/check.h"
#include "eventlog/eventlog.h"

struct eventlog_arguments {
	struct pool pool;
	alg_set banks;  /* 0: not given */
	bool all_banks; /* --bank all: those that the log has */
	bool has_pcrs;
	uint32_t pcrs;   /* bit i: PCR i (or CC register i) was selected; valid if has_pcrs */
	uint32_t *types; /* event types selected; none: all */
	size_t n_types, cap_types;
	enum eventlog_kind kind; /* EVENTLOG_KINDS: recognise it */
	bool partial, json, quiet, as_pcrs;
	const char *pcrs_path; /* --pcrs */
	const char *to;        /* --to; NULL: not given */
	const char *output;    /* --output; NULL: standard output */
	const char *file;
	const char *other_file; /* diff: the second log; else NULL */
	/* Where framing was lost: the events before it are what the log holds (--partial). NULL: the log was read whole. */
	const struct pcrcast_error *damage, *other_damage;
};

/* Was this event selected by --pcr and --type? */
bool eventlog_selects(const struct eventlog_arguments *a, const struct event *ev);

/*
 * The banks to print: those of --bank, else SHA-256; for a log of CC registers those it has. A bank that was named (or is
 * the default) and that the log does not have is PCRCAST_ENOTFOUND, in words for people.
 */
int eventlog_choose_banks(const struct eventlog_arguments *a, const struct eventlog *log, alg_set *ret,
			  struct pcrcast_error *e);

/* The banks of a log that this program computes. */
alg_set eventlog_banks(const struct eventlog *log);

/* "mrtd", "rtmr0" … for a log of CC registers, else "0" …; written to buf where need be. */
const char *eventlog_register_name(const struct eventlog *log, uint32_t index, char buf[static 12]);

/* Add "error": { "offset", "message" } to a document when the log's framing was lost. */
void eventlog_add_damage(struct json_doc *d, struct cJSON *root, const struct pcrcast_error *damage);

/* "findings": [ { "code", "offset", "event", "text" } ] */
void eventlog_add_findings(struct json_doc *d, struct cJSON *root, const struct eventlog *log);

/* The bytes of a file, "-" for standard input; they come from pool. */
int eventlog_read_file(struct pool *pool, const char *path, struct slice *ret, struct pcrcast_error *e);

/* Write a document to standard output and free it. */
int eventlog_print_json(struct json_doc *d, struct cJSON *root, struct pcrcast_error *e);

/*
 * The verbs. They return an exit status, or a negative error. Each takes a log that was read; where its framing was lost
 * (--partial) the caller reports that and makes a status of 0 a 2.
 */
int eventlog_run_show(const struct eventlog_arguments *a, const struct eventlog *log,
		      struct pcrcast_error *e);
int eventlog_run_replay(const struct eventlog_arguments *a, const struct eventlog *log,
			struct pcrcast_error *e);
int eventlog_run_check(const struct eventlog_arguments *a, const struct eventlog *log,
		       struct pcrcast_error *e);
int eventlog_run_diff(const struct eventlog_arguments *a, const struct eventlog *log,
		      const struct eventlog *other, struct pcrcast_error *e);
int eventlog_run_convert(const struct eventlog_arguments *a, const struct eventlog *log,
			 struct pcrcast_error *e);

/* What "show --json" prints, to any stream. */
int eventlog_show_json(const struct eventlog_arguments *a, const struct eventlog *log, FILE *out,
		       struct pcrcast_error *e);

/* Add an event of a log to an object, in the form that "show --json" has for it. */
int eventlog_add_event(struct json_doc *d, struct cJSON *parent, const char *key, const struct eventlog *log,
		       size_t index, struct pcrcast_error *e);
