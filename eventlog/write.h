/*
 * Writers of other forms. The bytes come from pool.
 */
#pragma once

#include "eventlog/eventlog.h"

/* TCG Canonical Event Log 1.0, JSON. */
int eventlog_write_cel_json(const struct eventlog *log, struct pool *pool, struct slice *ret, struct pcrcast_error *e);

/* The YAML of tpm2_eventlog (tpm2-tools 5.4), for tools made for that; eventlog_version 2 and its "pcrs" at the end. */
int eventlog_write_tpm2_yaml(const struct eventlog *log, struct pool *pool, struct slice *ret, struct pcrcast_error *e);

/*
 * log with only some of its banks, of which it must have every one. Events borrow from log, which must outlive ret; findings
 * are left out.
 */
int eventlog_keep_banks(const struct eventlog *log, alg_set banks, struct eventlog *ret, struct pcrcast_error *e);
