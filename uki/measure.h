/*
 * PCR 11 of a Unified Kernel Image: what systemd-measure calculates, from the whole file.
 * Source: systemd stub.c, measure_sections(); systemd-measure(1) of systemd 262.
 */
#pragma once

#include "base/hash_jobs.h"
#include "uki/sections.h"

/*
 * For each bank of banks, PCR 11 after the sections, without any phase, into ret[alg] (all other registers
 * at their reset values). Fails with PCRCAST_EINVAL when a section depends on hardware that is not known.
 */
int uki_measure(const struct uki *uki, alg_set banks, struct pcr_bank ret[static ALG_COUNT],
		struct pcrcast_error *e);

/*
 * Extend PCR 11 with the words of a phase path, "enter-initrd:leave-initrd"; empty words count for nothing
 * (systemd-pcrphase and systemd-measure, systemd 252 to 262).
 */
int uki_measure_phase(struct pcr_bank *bank, const char *path, struct pcrcast_error *e);

/* The phase paths that systemd-measure takes when none is given; NULL-terminated. */
extern const char *const uki_default_phases[];
