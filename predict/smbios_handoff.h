/*
 * SMBIOS tables as EDK2 measures them to PCR 1 (EV_EFI_HANDOFF_TABLES).
 */
#pragma once

#include "base/efi/smbios.h"
#include "eventlog/eventlog.h"

/* What EDK2 measures of one table, with the rows that its versions blank out: newer ones and older ones. */
struct smbios_handoff {
	struct {
		bool known; /* false: what EDK2 makes of this table is not known */
		struct digest digest[ALG_COUNT];
	} made[2];
};

int smbios_handoff_make(const struct smbios_table *t, struct smbios_handoff *ret, struct pcrcast_error *e);

/* Is this an event of a firmware about the SMBIOS table, alone or among others? */
bool smbios_handoff_is(const struct event *ev);

/* Is it what EDK2 makes of that table, in every bank of the log? False too when that is not known. */
bool smbios_handoff_fits(const struct smbios_handoff *h, const struct eventlog *log, const struct event *ev);
