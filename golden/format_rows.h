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
/* format_flag.c */
GOLDEN_RECOGNISER(flag_recognise);
GOLDEN_READER(flag_read);
GOLDEN_WRITER(flag_write);

/* format_pcrread.c */
GOLDEN_RECOGNISER(pcrread_recognise);
GOLDEN_READER(pcrread_read);
GOLDEN_WRITER(pcrread_write);
GOLDEN_RECOGNISER(sysfs_recognise);
GOLDEN_READER(sysfs_read);

/* format_pcr_oracle.c */
GOLDEN_RECOGNISER(pcr_oracle_recognise);
GOLDEN_READER(pcr_oracle_read);
GOLDEN_WRITER(pcr_oracle_write);

/* format_tpm2_pcrs.c */
GOLDEN_RECOGNISER(tpm2_pcrs_recognise);
GOLDEN_READER(tpm2_pcrs_read);
GOLDEN_WRITER(tpm2_pcrs_write);
GOLDEN_RECOGNISER(tpm2_marshaled_recognise);
GOLDEN_READER(tpm2_marshaled_read);
GOLDEN_WRITER(tpm2_marshaled_write);
GOLDEN_READER(tpm2_values_read);
GOLDEN_WRITER(tpm2_values_write);

/* format_keylime_tpm.c */
GOLDEN_RECOGNISER(keylime_tpm_recognise);
GOLDEN_READER(keylime_tpm_read);
GOLDEN_WRITER(keylime_tpm_write);
/* format_constellation_json.c */
GOLDEN_RECOGNISER(constellation_recognise);
GOLDEN_READER(constellation_read);
GOLDEN_WRITER(constellation_write);
GOLDEN_RECOGNISER(constellation_v1_recognise);
GOLDEN_READER(constellation_v1_read);
GOLDEN_WRITER(constellation_v1_write);

/* format_constellation_precalc.c */
GOLDEN_RECOGNISER(constellation_precalc_recognise);
GOLDEN_READER(constellation_precalc_read);
GOLDEN_WRITER(constellation_precalc_write);

/* format_constellation_updater.c */
GOLDEN_RECOGNISER(constellation_base64_recognise);
GOLDEN_READER(constellation_base64_read);
GOLDEN_WRITER(constellation_base64_write);
GOLDEN_RECOGNISER(constellation_go_recognise);
GOLDEN_READER(constellation_go_read);
GOLDEN_WRITER(constellation_go_write);
GOLDEN_RECOGNISER(constellation_console_recognise);
GOLDEN_READER(constellation_console_read);
GOLDEN_WRITER(constellation_console_write);

/* format_constellation_literal.c */
GOLDEN_RECOGNISER(constellation_literal_recognise);
GOLDEN_READER(constellation_literal_read);
GOLDEN_WRITER(constellation_literal_write);

/* format_constellation_yaml.c */
GOLDEN_RECOGNISER(constellation_yaml_recognise);
GOLDEN_READER(constellation_yaml_read);
GOLDEN_WRITER(constellation_yaml_write);

/* CoRIM and CoMID: format_corim.c, format_corim_write.c, format_comid_json.c */
GOLDEN_RECOGNISER(corim_recognise);
GOLDEN_READER(corim_read);
GOLDEN_WRITER(corim_write);
GOLDEN_RECOGNISER(comid_json_recognise);
GOLDEN_READER(comid_json_read);
GOLDEN_WRITER(comid_json_write);

/* format_keylime_mb.c */
GOLDEN_RECOGNISER(keylime_mb_recognise);
GOLDEN_READER(keylime_mb_read);
GOLDEN_WRITER(keylime_mb_write);

/* format_tpm2_yaml.c */
GOLDEN_RECOGNISER(tpm2_yaml_recognised);
GOLDEN_READER(tpm2_yaml_read_golden);
GOLDEN_WRITER(tpm2_yaml_write);
