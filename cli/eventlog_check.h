/*
 * What a check of a log found. Private to eventlog_check*.c.
 */
#pragma once

#include "cli/cmd_eventlog.h"

enum outcome { PASS, FAIL, SKIP };

struct check {
	const char *name, *detail;
	enum outcome outcome;
};

enum { CHECKS_MAX = 2 + ALG_COUNT }; /* payloads, structure, one for each bank */

struct report {
	struct pool pool;
	struct event_check *events;
	struct check checks[CHECKS_MAX];
	size_t n_checks;
	bool compared; /* --pcrs was given */
	struct pcr_values values;
	alg_set banks; /* that were compared */
	struct pcr_bank replayed[ALG_COUNT];
	struct register_check registers[ALG_COUNT][PCR_COUNT];
};

/* Was this register selected by --pcr? */
static inline bool check_selects(const struct eventlog_arguments *a, unsigned index)
{
	return !a->has_pcrs || (index < PCR_COUNT && a->pcrs & UINT32_C(1) << index);
}

/* The worst of all outcomes; damaged: the log was not read whole. */
enum outcome check_verdict(const struct report *rep, bool damaged);

/* The report to standard output. */
void check_print_text(const struct eventlog_arguments *a, const struct eventlog *log,
		      const struct report *rep);
int check_print_json(const struct eventlog_arguments *a, const struct eventlog *log, const struct report *rep,
		     struct pcrcast_error *e);
