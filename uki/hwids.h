/*
 * Choosing a .dtbauto or .efifw section for a machine: the .hwids table, the first compatible string of a
 * device tree, and the header of a firmware blob.
 *
 * Sources: systemd 262 chid.[ch], devicetree.c, efi-firmware.[ch]; Devicetree Specification 0.4, chapter 5.
 */
#pragma once

#include "base/efi/guid.h"
#include "base/error.h"
#include "base/slice.h"

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
bool hwids_lookup(struct slice hwids, enum hwid_type type, bool devicetrees_only, const struct guid *ids,
		  size_t n_ids, struct slice *ret);

/* The first string of the root node's "compatible" property. False when systemd finds none. */
bool devicetree_compatible(struct slice dtb, struct slice *ret);

/* The firmware id in the header of a .efifw blob. */
bool efifw_id(struct slice blob, struct slice *ret);
