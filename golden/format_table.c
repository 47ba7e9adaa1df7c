/*
 * The formats of reference values, in the order in which they are listed and recognised.
 */
#include "golden/format_rows.h"

#define ALL_BANKS ((1u << ALG_COUNT) - 1)
#define SHA256_ONLY (1u << ALG_SHA256)
#define SHA384_ONLY (1u << ALG_SHA384)
#define NAMED_HASHES (ALL_BANKS & ~(1u << ALG_SHA1)) /* of the IANA registry "Named Information" */

// clang-format off
const struct golden_format golden_formats[] = {
	{ .name = "json", .purpose = "this program's own: sets, values, origins, events",
	  .holds = HOLDS_SETS | HOLDS_BANKS | HOLDS_VALUES | HOLDS_WARN_ONLY | HOLDS_LABELS | HOLDS_ORIGIN | HOLDS_EVENTS |
		   HOLDS_IDENTITY | HOLDS_CC | HOLDS_POLICIES | HOLDS_CLAIMS | NEEDS_NO_VALUES,
	  .banks = ALL_BANKS,
	  .recognise = json_recognise, .read = json_read_golden, .write = json_write_golden },

	/* other predictors and verifiers */
	{ .name = "aws", .purpose = "NitroTPM-Tools' measurements, SHA-384",
	  .holds = 0, .banks = SHA384_ONLY,
	  .recognise = aws_recognise, .read = aws_read, .write = aws_write },
	{ .name = "pcrsys", .purpose = "Bottlerocket's predicted PCRs",
	  .holds = HOLDS_VALUES | HOLDS_LABELS, .banks = SHA256_ONLY,
	  .recognise = pcrsys_recognise, .read = pcrsys_read, .write = pcrsys_write },
	{ .name = "compute-pcrs", .purpose = "compute-pcrs' PCRs with their events",
	  .holds = HOLDS_EVENTS | NEEDS_EVENTS, .banks = SHA256_ONLY,
	  .recognise = compute_pcrs_recognise, .read = compute_pcrs_read, .write = compute_pcrs_write },
	{ .name = "tdx", .purpose = "tdx-measure's and dstack-mr's MRTD and RTMRs",
	  .holds = HOLDS_ONLY_CC, .banks = SHA384_ONLY,
	  .recognise = tdx_recognise, .read = tdx_read, .write = tdx_write },
	{ .name = "rvps", .purpose = "reference values for trustee's RVPS (Confidential Containers)",
	  .holds = HOLDS_SETS | HOLDS_VALUES | HOLDS_IDENTITY, .banks = SHA256_ONLY,
	  .recognise = rvps_recognise, .read = rvps_read, .write = rvps_write },
	/* systemd */
	{ .name = "pcrlock", .purpose = "systemd: events of a component of the boot, or a directory of components",
	  .holds = HOLDS_BANKS | HOLDS_VALUES | HOLDS_LABELS | HOLDS_EVENTS | NEEDS_EVENTS | NEEDS_NO_VALUES,
	  .banks = ALL_BANKS, .usual = ALL_BANKS,
	  .recognise = pcrlock_recognise, .read = pcrlock_read, .write = pcrlock_write },
	{ .name = "pcrlock-policy", .purpose = "systemd-pcrlock make-policy: values of one bank, and where the TPM has the policy",
	  .holds = HOLDS_VALUES,
	  .banks = ALL_BANKS,
	  .recognise = pcrlock_policy_recognise, .read = pcrlock_policy_read, .write = pcrlock_policy_write },
	{ .name = "pcrlock-predict", .purpose = "systemd-pcrlock predict: values of registers",
	  .holds = HOLDS_BANKS | HOLDS_VALUES,
	  .banks = ALL_BANKS, .usual = ALL_BANKS,
	  .recognise = pcrlock_predict_recognise, .read = pcrlock_predict_read, .write = pcrlock_predict_write },
	{ .name = "systemd-measure", .purpose = "systemd-measure calculate: PCR 11 in each phase of the boot",
	  .holds = HOLDS_BANKS | HOLDS_VALUES | HOLDS_LABELS,
	  .banks = ALL_BANKS, .usual = ALL_BANKS, .registers = 1 << 11,
	  .recognise = systemd_measure_recognise, .read = systemd_measure_read, .write = systemd_measure_write },
	{ .name = "pcrsig", .purpose = "systemd: signed policies, as in .pcrsig and tpm2-pcr-signature.json",
	  .holds = HOLDS_BANKS | HOLDS_VALUES | HOLDS_POLICIES | NEEDS_NO_VALUES, /* of a value, its policy */
	  .banks = ALL_BANKS, .usual = ALL_BANKS,
	  .recognise = pcrsig_recognise, .read = pcrsig_read, .write = pcrsig_write },
	/* Keylime */
	/* Keylime; the state is made of events or claims, values of registers are none of its business */
	{ .name = "keylime-mb", .purpose = "Keylime: measured-boot reference state, of a boot with shim and GRUB",
	  .holds = HOLDS_CLAIMS | HOLDS_EVENTS | HOLDS_BANKS | HOLDS_VALUES | NEEDS_NO_VALUES, .banks = ALL_BANKS,
	  .recognise = keylime_mb_recognise, .read = keylime_mb_read, .write = keylime_mb_write },
	{ .name = "keylime-tpm", .purpose = "Keylime: TPM policy, for each PCR the accepted values, and the mask",
	  .holds = HOLDS_BANKS | HOLDS_VALUES, .banks = ALL_BANKS, .registers = 0xffffff & ~(1u << 10 | 1u << 16),
	  .recognise = keylime_tpm_recognise, .read = keylime_tpm_read, .write = keylime_tpm_write },
	/* dumps and lists of registers */
	{ .name = "tpm2-yaml", .purpose = "tpm2-tools: what tpm2_eventlog prints, events and values",
	  .holds = HOLDS_BANKS | HOLDS_EVENTS | NEEDS_EVENTS | NEEDS_NO_VALUES, .banks = ALL_BANKS,
	  .recognise = tpm2_yaml_recognised, .read = tpm2_yaml_read_golden, .write = tpm2_yaml_write },
	{ .name = "tpm2-pcrs", .purpose = "tpm2-tools: file of tpm2_quote -o and tpm2_pcrread -o, serialized",
	  .holds = HOLDS_BANKS, .banks = ALL_BANKS, .binary = true,
	  .recognise = tpm2_pcrs_recognise, .read = tpm2_pcrs_read, .write = tpm2_pcrs_write },
	{ .name = "tpm2-marshaled", .purpose = "tpm2-tools 5.8: the same, marshaled",
	  .holds = HOLDS_BANKS, .banks = ALL_BANKS, .binary = true,
	  .recognise = tpm2_marshaled_recognise, .read = tpm2_marshaled_read, .write = tpm2_marshaled_write },
	{ .name = "tpm2-values", .purpose = "tpm2-tools: bare values, as tpm2_policypcr -f reads them",
	  .holds = HOLDS_BANKS, .banks = ALL_BANKS, .binary = true,
	  .read = tpm2_values_read, .write = tpm2_values_write },
	{ .name = "pcr-oracle", .purpose = "pcr-oracle: lines \"sha256:4 HEX\"",
	  .holds = HOLDS_BANKS, .banks = ALL_BANKS,
	  .recognise = pcr_oracle_recognise, .read = pcr_oracle_read, .write = pcr_oracle_write },
	{ .name = "flag", .purpose = "go_tpm_remote_attestation: \"0:HEX,7:HEX\"", .banks = ALL_BANKS,
	  .recognise = flag_recognise, .read = flag_read, .write = flag_write },
	{ .name = "sysfs", .purpose = "Linux: directory with pcr-sha256/0 …", .holds = HOLDS_BANKS, .banks = ALL_BANKS,
	  .recognise = sysfs_recognise, .read = sysfs_read },
	{ .name = "pcrread", .purpose = "tpm2-tools: what tpm2_pcrread prints", .holds = HOLDS_BANKS, .banks = ALL_BANKS,
	  .recognise = pcrread_recognise, .read = pcrread_read, .write = pcrread_write },
	/* Constellation: the lists before the maps, which are part of them */
	{ .name = "constellation", .purpose = "Constellation: measurements of all variants of an image (ImageMeasurementsV2)",
	  .holds = HOLDS_SETS | HOLDS_WARN_ONLY | HOLDS_IDENTITY | HOLDS_CC, .banks = SHA256_ONLY | SHA384_ONLY,
	  .recognise = constellation_recognise, .read = constellation_read, .write = constellation_write },
	{ .name = "constellation-precalc", .purpose = "Constellation: what its measured-boot tool computes from an image, with events",
	  .holds = HOLDS_EVENTS, .banks = SHA256_ONLY,
	  .recognise = constellation_precalc_recognise, .read = constellation_precalc_read, .write = constellation_precalc_write },
	{ .name = "constellation-base64", .purpose = "Constellation: map of PCRs in base64, as its first PCR reader printed it",
	  .holds = 0, .banks = SHA256_ONLY,
	  .recognise = constellation_base64_recognise, .read = constellation_base64_read, .write = constellation_base64_write },
	{ .name = "constellation-v1", .purpose = "Constellation: measurements of one cloud and image, or the map alone",
	  .holds = HOLDS_WARN_ONLY | HOLDS_IDENTITY | HOLDS_CC, .banks = SHA256_ONLY | SHA384_ONLY,
	  .recognise = constellation_v1_recognise, .read = constellation_v1_read, .write = constellation_v1_write },
	{ .name = "constellation-yaml", .purpose = "Constellation: the same as YAML",
	  .holds = HOLDS_WARN_ONLY | HOLDS_IDENTITY | HOLDS_CC, .banks = SHA256_ONLY | SHA384_ONLY,
	  .recognise = constellation_yaml_recognise, .read = constellation_yaml_read, .write = constellation_yaml_write },
	{ .name = "constellation-go", .purpose = "Constellation: map of PCRs as Go code, as its first PCR reader wrote it",
	  .holds = 0, .banks = SHA256_ONLY,
	  .recognise = constellation_go_recognise, .read = constellation_go_read, .write = constellation_go_write },
	{ .name = "constellation-literal", .purpose = "Constellation: measurements as the Go literals that its program carries",
	  .holds = HOLDS_SETS | HOLDS_WARN_ONLY | HOLDS_IDENTITY | HOLDS_CC, .banks = SHA256_ONLY | SHA384_ONLY,
	  .recognise = constellation_literal_recognise, .read = constellation_literal_read, .write = constellation_literal_write },
	{ .name = "constellation-console", .purpose = "Constellation: what a node's measurement reader prints",
	  .holds = HOLDS_CC, .banks = SHA256_ONLY | SHA384_ONLY,
	  .recognise = constellation_console_recognise, .read = constellation_console_read, .write = constellation_console_write },
	{ .name = "corim", .purpose = "CoRIM with CoMIDs, CBOR (IETF RATS draft 11)",
	  .holds = HOLDS_SETS | HOLDS_BANKS | HOLDS_VALUES | HOLDS_IDENTITY | HOLDS_CC, .banks = NAMED_HASHES,
	  .extras_of = "comid-json", .binary = true,
	  .recognise = corim_recognise, .read = corim_read, .write = corim_write },
	{ .name = "comid-json", .purpose = "veraison's JSON template of a CoMID (cocli comid create)",
	  .holds = HOLDS_SETS | HOLDS_BANKS | HOLDS_VALUES | HOLDS_IDENTITY | HOLDS_CC, .banks = NAMED_HASHES,
	  .recognise = comid_json_recognise, .read = comid_json_read, .write = comid_json_write },
};
// clang-format on

const size_t n_golden_formats = sizeof golden_formats / sizeof golden_formats[0];
