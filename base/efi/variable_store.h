/*
 * The variables of a firmware: what its non-volatile store holds, or as many of them as somebody has stated.
 *
 * Names are UTF-8. Everything lives in the pool that the variables were read into.
 */
#pragma once

#include "base/efi/guid.h"
#include "base/error.h"
#include "base/pool.h"

struct firmware_variable {
	const char *name;
	struct guid guid;
	uint32_t attributes;
	struct slice data; /* without attributes and authentication; empty: it was stated not to exist */
};

struct firmware_variables {
	struct firmware_variable *items; /* no two with the same name and GUID */
	size_t n, cap;
	bool whole; /* a variable that is not listed does not exist; else nothing is known about it */
};

#define FIRMWARE_VARIABLES_INIT ((struct firmware_variables){ NULL, 0, 0, false })

/* The variable; NULL when it does not exist or is not known. */
const struct firmware_variable *firmware_variables_find(const struct firmware_variables *v, const char *name,
							const struct guid *guid);

/* Is it known whether the variable exists, and what it holds? v may be NULL: nothing is known. */
bool firmware_variables_know(const struct firmware_variables *v, const char *name, const struct guid *guid);

/* Set a variable, in place of the one that there may be. name and data must live as long as the pool. At most 8192. */
int firmware_variables_set(struct pool *pool, struct firmware_variables *v, struct firmware_variable variable,
			   struct pcrcast_error *e);

/*
 * Read a variable store; the result is whole. It is recognised by its bytes:
 * - the non-volatile store of firmware made from EDK2, a firmware volume as OVMF_VARS.fd is one (what follows it is left alone);
 * - the JSON of virt-firmware and of QEMU's uefi-vars device;
 * - UefiData of Amazon EC2, for which dictionary is the preset dictionary of its compression (empty: an error says so).
 * bytes must live as long as the pool. Errors carry the byte offset.
 */
int variable_store_read(struct pool *pool, struct slice bytes, struct slice dictionary,
			struct firmware_variables *ret, struct pcrcast_error *e);

/* Private to the readers: each format in a file of its own. */
int variable_store_read_edk2(struct pool *pool, struct slice bytes, struct firmware_variables *ret,
			     struct pcrcast_error *e);
int variable_store_read_json(struct pool *pool, struct slice bytes, struct firmware_variables *ret,
			     struct pcrcast_error *e);

bool variable_store_is_aws(struct slice bytes);
int variable_store_read_aws(struct pool *pool, struct slice text, struct slice dictionary,
			    struct firmware_variables *ret, struct pcrcast_error *e);
/* What is compressed in it. */
int variable_store_read_aws_content(struct pool *pool, struct slice content, struct firmware_variables *ret,
				    struct pcrcast_error *e);

/* Add a variable that must not be there yet (PCRCAST_EFORMAT, at offset). */
int firmware_variables_add(struct pool *pool, struct firmware_variables *v, struct firmware_variable variable,
			   uint64_t offset, struct pcrcast_error *e);

/*
 * Add a file of Linux' efivars file system: its name is NAME-GUID, its bytes are four of attributes and the data. name and bytes
 * must live as long as the pool. *ret is not whole by that; see firmware_variables_are_whole.
 */
int firmware_variables_add_efivar(struct pool *pool, struct firmware_variables *ret, const char *name,
				  struct slice bytes, struct pcrcast_error *e);

/*
 * Is this all of an efivars file system, not a selection? Taken to be all when the variables are there that firmware sets at every
 * boot (SecureBoot, SetupMode, BootCurrent), and the keys that fit: PK, KEK, db and dbx, or in setup mode no PK.
 */
bool firmware_variables_are_whole(const struct firmware_variables *v);
