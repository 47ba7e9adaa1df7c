/*
 * The prediction that Constellation's own tool makes, with its simplifications, so that its published values can be
 * made again. It says what the tool says, which need not be what a machine measures: predict() is for that.
 *
 * Source: Constellation v2.24, image/measured-boot.
 */
#pragma once

#include "predict/predict.h"

enum { PREDICT_CONSTELLATION_PCRS = 1 << 4 | 1 << 8 | 1 << 9 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 15 };

/*
 * As predict(), by the tool's rules; the events' descriptions are those that it writes. opt->pcrs 0:
 * PREDICT_CONSTELLATION_PCRS; other registers are not known. PCRCAST_EINVAL: a bank other than SHA-256.
 */
int predict_constellation(struct image *img, const struct predict_options *opt, struct prediction *ret,
			  struct pcrcast_error *e);
