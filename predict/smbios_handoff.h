/*
 * SMBIOS tables as EDK2 measures them to PCR 1 (EV_EFI_HANDOFF_TABLES).
 */
#pragma once

#include "base/efi/smbios.h"
#include "eventlog/eventlog.h"

/* Is this an event of a firmware about the SMBIOS table and nothing else? */
bool smbios_handoff_is(const struct event *ev);

/* Is it what EDK2 makes of this table, in every bank of the log? False too when it is not known what EDK2 makes of it. */
int smbios_handoff_fits(struct pool *pool, const struct eventlog *log, const struct event *ev,
			const struct smbios_table *t, bool *ret, struct pcrcast_error *e);
