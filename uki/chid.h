/*
 * A machine's hardware ids (CHIDs) from its SMBIOS table.
 *
 * Sources: Microsoft's ComputerHardwareIds.exe, as fwupd's docs/hwids.md describes it; systemd chid.c and chid-fundamental.c (262)
 * for what becomes of the strings and for the order.
 */
#pragma once

#include "base/efi/guid.h"
#include "base/efi/smbios.h"

enum { CHIDS = 9 };

/*
 * Those that systemd-stub looks up in .hwids, best first; without the three that 258 and later make of the display's
 * identity too. False: a string is not plain ASCII or has more than 255 bytes; what becomes of it is not known.
 */
bool chids_of_smbios(const struct smbios_table *t, struct guid ret[static CHIDS]);
