/*
 * Logs of confidential computing (CC) measurement registers, seen as PCRs.
 */
#pragma once

#include "eventlog/eventlog.h"

/* CC measurement registers, UEFI 2.10 section 38.4.1 and TDX. */
enum cc_register {
	CC_MRTD,
	CC_RTMR0,
	CC_RTMR1,
	CC_RTMR2,
	CC_RTMR3,
	CC_REGISTERS,
};

/* "mrtd", "rtmr0" … for CC registers, else the number; written to buf where need be. */
const char *register_name(bool cc, uint32_t index, char buf[static 12]);

/* The CC register of that name; CC_REGISTERS when there is none. */
enum cc_register cc_register_by_name(struct slice name);

/* The PCRs that a register stands for (bit i: PCR i), and the register of a PCR; CC_REGISTERS: none has it. */
uint32_t cc_register_pcrs(enum cc_register index);
enum cc_register cc_register_of_pcr(uint32_t pcr);

/*
 * The events of a CC log with the PCRs that EDK2 would have extended on a TPM, as far as that can be told. Registers stand
 * for several PCRs (UEFI 2.10 section 38.4.1, EDK2 TdxMeasurementCommon.c: RTMR0 for PCR 1 and 7, RTMR1 for 2 to 6, RTMR2
 * for 8 to 15); type and event data tell which. Events of RTMR3 and MRTD belong to no PCR and are left out.
 *
 * A CC log has one separator where a log of PCRs has one for each: the one in RTMR0 is PCR 7's, that in RTMR1 is given to
 * PCR 1 to 6, where EDK2 measures them together.
 *
 * *ret borrows from log; done with eventlog_done. *ret_untold has the PCRs (bit i: PCR i) that an event may belong to of
 * which it cannot be told, and *ret_first the index in log of the first such event.
 */
int eventlog_cc_as_pcrs(const struct eventlog *log, struct eventlog *ret, uint32_t *ret_untold,
			size_t *ret_first, struct pcrcast_error *e);
