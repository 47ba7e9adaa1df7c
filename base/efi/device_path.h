/*
 * Device paths as text, and what GUIDs are called: the door to libefivar.
 *
 * Source: UEFI Specification 2.10, section 10.3. libefivar trusts the lengths inside a node, so every node is checked
 * here first, and what it cannot take is written as the specification's generic form Path(type,subtype,hex).
 */
#pragma once

#include "base/efi/guid.h"
#include "base/error.h"
#include "base/pool.h"
#include "base/slice.h"

struct device_path {
	const char
		*text; /* all sound nodes, joined by slashes; may hold any characters that the path holds */
	const char *file;    /* the file it ends in, "\EFI\BOOT\BOOTX64.EFI"; NULL: none */
	const char *what;    /* words for a well-known vendor node or firmware file at its end; NULL: none */
	bool complete;       /* there was an end node, or nothing at all */
	const char *trouble; /* why the rest is no path; NULL: there is no rest */
	struct slice rest;   /* bytes from the first unsound node on, or behind the end */
};

/* Read one device path, up to its end node. What is unsound is told in ret; fails only for want of memory. */
int device_path_read(struct pool *pool, struct slice bytes, struct device_path *ret, struct pcrcast_error *e);

/* What a GUID is called ("EFI Global Variable"), in pool; NULL when it has no name or memory gives out. */
const char *guid_name(struct pool *pool, const struct guid *g);
