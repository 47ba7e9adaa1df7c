#include "base/efi/variable_store.h"

#include <string.h>

/* UEFI 2.10, sections 3.3 and 32.6.1; shim 16.1, lib/guid.c. */
const struct guid guid_efi_global =
	GUID(0x8be4df61, 0x93ca, 0x11d2, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c);
const struct guid guid_image_security =
	GUID(0xd719b2cb, 0x3d3a, 0x4596, 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f);
const struct guid guid_shim_lock =
	GUID(0x605dab50, 0xe046, 0x4300, 0xab, 0xb6, 0x3d, 0xd8, 0x10, 0xdd, 0x8b, 0x23);

static struct firmware_variable *listed(const struct firmware_variables *v, const char *name,
					const struct guid *guid)
{
	for (size_t i = 0; v && i < v->n; i++)
		if (strcmp(v->items[i].name, name) == 0 && guid_equal(&v->items[i].guid, guid))
			return &v->items[i];
	return NULL;
}

const struct firmware_variable *firmware_variables_find(const struct firmware_variables *v, const char *name,
							const struct guid *guid)
{
	const struct firmware_variable *found = listed(v, name, guid);

	return found && found->data.n ? found : NULL;
}

bool firmware_variables_know(const struct firmware_variables *v, const char *name, const struct guid *guid)
{
	return v && (v->whole || listed(v, name, guid));
}

int firmware_variables_set(struct pool *pool, struct firmware_variables *v, struct firmware_variable variable,
			   struct pcrcast_error *e)
{
	struct firmware_variable *place = listed(v, variable.name, &variable.guid);

	if (!place)
		place = pool_push(pool, &v->items, &v->n, &v->cap, sizeof *place);
	if (!place)
		return err_nomem(e);
	*place = variable;
	return 0;
}
