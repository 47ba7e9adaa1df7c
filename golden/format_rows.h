/*
 * The readers and writers in the table of formats, by file. Private to golden/.
 */
#pragma once

#include "golden/format.h"

#define GOLDEN_READER(name) int name(const struct golden_input *in, struct golden *g, struct pcrcast_error *e)
#define GOLDEN_WRITER(name) int name(const struct golden *g, struct golden_writer *w, struct pcrcast_error *e)
#define GOLDEN_RECOGNISER(name) bool name(const struct golden_input *in)

/* format_json.c */
GOLDEN_RECOGNISER(json_recognise);
GOLDEN_READER(json_read_golden);
GOLDEN_WRITER(json_write_golden);

/* other predictors and verifiers: format_aws.c, format_pcrsys.c, format_compute_pcrs.c, format_tdx.c, format_rvps.c */
GOLDEN_RECOGNISER(aws_recognise);
GOLDEN_READER(aws_read);
GOLDEN_WRITER(aws_write);
GOLDEN_RECOGNISER(pcrsys_recognise);
GOLDEN_READER(pcrsys_read);
GOLDEN_WRITER(pcrsys_write);
GOLDEN_RECOGNISER(compute_pcrs_recognise);
GOLDEN_READER(compute_pcrs_read);
GOLDEN_WRITER(compute_pcrs_write);
GOLDEN_RECOGNISER(tdx_recognise);
GOLDEN_READER(tdx_read);
GOLDEN_WRITER(tdx_write);
GOLDEN_RECOGNISER(rvps_recognise);
GOLDEN_READER(rvps_read);
GOLDEN_WRITER(rvps_write);
/* format_pcrlock.c */
GOLDEN_RECOGNISER(pcrlock_recognise);
GOLDEN_READER(pcrlock_read);
GOLDEN_WRITER(pcrlock_write);

/* format_systemd.c */
GOLDEN_RECOGNISER(pcrlock_predict_recognise);
GOLDEN_READER(pcrlock_predict_read);
GOLDEN_WRITER(pcrlock_predict_write);
GOLDEN_RECOGNISER(pcrlock_policy_recognise);
GOLDEN_READER(pcrlock_policy_read);
GOLDEN_WRITER(pcrlock_policy_write);

/* format_systemd_measure.c */
GOLDEN_RECOGNISER(systemd_measure_recognise);
GOLDEN_READER(systemd_measure_read);
GOLDEN_WRITER(systemd_measure_write);

/* format_pcrsig.c */
GOLDEN_RECOGNISER(pcrsig_recognise);
GOLDEN_READER(pcrsig_read);
GOLDEN_WRITER(pcrsig_write);
