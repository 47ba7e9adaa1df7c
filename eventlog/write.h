/*
 * Writers of other forms. print_… sends a log to a stream, event by event, so that memory does not grow with what is
 * written; a log that has no place in the form is refused with nothing written. Whether the stream took everything is for
 * the caller to ask (ferror). write_… makes the same in memory, which comes from pool.
 */
#pragma once

#include <stdio.h>

#include "eventlog/eventlog.h"

/* What eventlog_write_tcg2 writes. */
int eventlog_print_tcg2(const struct eventlog *log, FILE *out, struct pcrcast_error *e);

/* TCG Canonical Event Log 1.0, JSON. */
int eventlog_print_cel_json(const struct eventlog *log, FILE *out, struct pcrcast_error *e);
int eventlog_write_cel_json(const struct eventlog *log, struct pool *pool, struct slice *ret,
			    struct pcrcast_error *e);

/* The YAML of tpm2_eventlog (tpm2-tools 5.4), for tools made for that; eventlog_version 2 and its "pcrs" at the end. */
int eventlog_print_tpm2_yaml(const struct eventlog *log, FILE *out, struct pcrcast_error *e);
int eventlog_write_tpm2_yaml(const struct eventlog *log, struct pool *pool, struct slice *ret,
			     struct pcrcast_error *e);

/*
 * log with only some of its banks, of which it must have every one. Events borrow from log, which must outlive ret; findings
 * are left out.
 */
int eventlog_keep_banks(const struct eventlog *log, alg_set banks, struct eventlog *ret,
			struct pcrcast_error *e);
