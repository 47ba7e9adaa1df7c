/*
 * The structures in files of register values; private to pcr_file*.c. TPML_PCR_SELECTION and TPML_DIGEST of TPM 2.0 Library,
 * part 2, sections 10.9.7 and 10.9.6; their sizes in memory are those of tss2_tpm2_types.h (tpm2-tss 4.0).
 */
#pragma once

#include "golden/pcr_file.h"

enum {
	DIGESTS_PER_LIST = 8,         /* TPML_DIGEST: at most eight, as many as one TPM2_PCR_Read gives */
	DIGEST_SLOT = 2 + DIGEST_MAX, /* TPM2B_DIGEST in memory: size, and TPMU_HA as long as a SHA-512 */
	SELECTION_SLOT = 8, /* TPMS_PCR_SELECTION in memory: hash, sizeofSelect, pcrSelect[4], padding */
	WRITTEN_SELECT = 3, /* bytes of a bit field as TPMs of the PC Client profile have it */
};

/* Registers selected; one that is selected twice counts twice. */
static inline size_t selection_count(const struct pcr_selection *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += (size_t)__builtin_popcount(s->banks[i].pcrs);
	return n;
}
