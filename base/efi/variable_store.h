/*
 * The variables of a firmware: what its non-volatile store holds, or as many of them as somebody has stated.
 *
 * Names are UTF-8. Everything lives in the pool that the variables were read into.
 */
#pragma once

#include "base/efi/guid.h"
#include "base/error.h"
#include "base/pool.h"

extern const struct guid guid_efi_global;     /* EFI_GLOBAL_VARIABLE: SecureBoot, PK, KEK, Boot#### */
extern const struct guid guid_image_security; /* EFI_IMAGE_SECURITY_DATABASE_GUID: db, dbx, dbt */
extern const struct guid guid_shim_lock;      /* MokList, SbatLevel and others of shim */

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

/* Set a variable, in place of the one that there may be. name and data must live as long as the pool. */
int firmware_variables_set(struct pool *pool, struct firmware_variables *v, struct firmware_variable variable,
			   struct pcrcast_error *e);
