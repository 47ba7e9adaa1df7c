/*
 * The verb predict: what its parts share.
 */
#pragma once

#include "cli/predict_variants.h"

/* What the command line says, beside what the options of a boot say. */

struct predict_command {
	struct pool pool;
	struct predict_arguments predict;
	bool phases_left_out; /* PCR 11 is not among those selected */
	alg_set banks_named;  /* --bank; 0: not given */
	bool pcrs_named, events, json, quiet;
	const struct golden_format *as; /* --as; NULL: not given */
	const char *write_log;
	const char *image;
};

/* Was this register selected by --pcr, or by what is usual? */
static inline bool predict_selects(const struct predict_command *a, uint32_t pcr)
{
	return pcr < PCR_COUNT && a->predict.options.pcrs & UINT32_C(1) << pcr;
}

/* Has this register a value? pcr is below PCR_COUNT. */
static inline bool prediction_knows(const struct prediction *p, uint32_t pcr)
{
	return !(p->incomplete & UINT32_C(1) << pcr);
}

/* What is said when phases_left_out. */
extern const char predict_no_phases[];

/* The values, phases and (--events) events of all combinations, to standard output; all has one for each. */
int predict_print_text(const struct predict_command *a, const struct prediction *all,
		       struct pcrcast_error *e);

/* The same as JSON. False when memory gave out or standard output failed. */
bool predict_print_json(const struct predict_command *a, const struct prediction *all);
