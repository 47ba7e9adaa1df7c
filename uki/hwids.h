/*
 * Choosing a .dtbauto or .efifw section for a machine: the .hwids table, the first compatible string of a
 * device tree, and the header of a firmware blob.
 *
 * Sources: systemd 262 chid.[ch], devicetree.c, efi-firmware.[ch]; Devicetree Specification 0.4, chapter 5.
 */
#pragma once

#include "base/error.h"
#include "base/slice.h"

struct guid {
	uint8_t bytes[16]; /* as UEFI stores it: the first three fields little endian */
};

/* "8be4df61-93ca-11d2-aa0d-00e098032b8c", any case. */
bool guid_parse(const char *text, struct guid *ret);

enum { GUID_TEXT = 37 };
void guid_format(const struct guid *g, char ret[static GUID_TEXT]);

enum hwid_type {
	HWID_DEVICETREE = 1,
	HWID_FIRMWARE = 2,
};

/*
 * The string (compatible or firmware id) that a .hwids section gives for the first of the machine's ids it
 * knows; ids are in order of preference. devicetrees_only: systemd 257, which refuses a table with any other
 * entry. The result borrows from hwids; false when nothing matches or the
 * table is not one that systemd accepts.
 */
bool hwids_lookup(struct slice hwids, enum hwid_type type, bool devicetrees_only, const struct guid *ids, size_t n_ids,
		  struct slice *ret);

/* The first string of the root node's "compatible" property. False when systemd finds none. */
bool devicetree_compatible(struct slice dtb, struct slice *ret);

/* The firmware id in the header of a .efifw blob. */
bool efifw_id(struct slice blob, struct slice *ret);
