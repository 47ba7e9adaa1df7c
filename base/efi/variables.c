#include "base/efi/variable_store.h"

#include <string.h>

#include "base/bytes.h"

/* Each is compared with those before. OVMF's store has room for some thousand, real machines have some hundred. */
enum { VARIABLES_MAX = 8192 };

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

	if (!place && v->n >= VARIABLES_MAX)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET, "more than %d variables", VARIABLES_MAX);
	if (!place)
		place = pool_push(pool, &v->items, &v->n, &v->cap, sizeof *place);
	if (!place)
		return err_nomem(e);
	*place = variable;
	return 0;
}

int firmware_variables_add(struct pool *pool, struct firmware_variables *v, struct firmware_variable variable,
			   uint64_t offset, struct pcrcast_error *e)
{
	if (listed(v, variable.name, &variable.guid))
		return err_set(e, PCRCAST_EFORMAT, offset, "variable %s is there twice", variable.name);
	return firmware_variables_set(pool, v, variable, e);
}

int firmware_variables_add_efivar(struct pool *pool, struct firmware_variables *ret, const char *name,
				  struct slice bytes, struct pcrcast_error *e)
{
	enum { ATTRIBUTES_LEN = 4 };
	struct firmware_variable v;
	size_t n = strlen(name);

	if (n <= GUID_TEXT || name[n - GUID_TEXT] != '-' || !guid_parse(name + n - GUID_TEXT + 1, &v.guid))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "%s: expected a file of efivars, which is named NAME-GUID", name);
	if (bytes.n < ATTRIBUTES_LEN)
		return err_set(e, PCRCAST_ETRUNC, 0,
			       "%s: %zu bytes, expected at least %d (a variable's attributes)", name, bytes.n,
			       ATTRIBUTES_LEN);
	v.name = pool_text(pool, name, n - GUID_TEXT);
	if (!v.name)
		return err_nomem(e);
	v.attributes = get_u32le(bytes.p);
	v.data = (struct slice){ bytes.p + ATTRIBUTES_LEN, bytes.n - ATTRIBUTES_LEN };
	return firmware_variables_add(pool, ret, v, PCRCAST_NO_OFFSET, e);
}

bool firmware_variables_are_whole(const struct firmware_variables *v)
{
	static const struct {
		const char *name;
		const struct guid *guid;
	} keys[] = {
		{ "PK", &guid_efi_global },
		{ "KEK", &guid_efi_global },
		{ "db", &guid_image_security },
		{ "dbx", &guid_image_security },
	};
	const struct firmware_variable *setup = firmware_variables_find(v, "SetupMode", &guid_efi_global);

	if (!setup || !firmware_variables_find(v, "SecureBoot", &guid_efi_global) ||
	    !firmware_variables_find(v, "BootCurrent", &guid_efi_global))
		return false;
	if (setup->data.p[0] == 1)
		return !firmware_variables_find(v, "PK", &guid_efi_global);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (!firmware_variables_find(v, keys[i].name, keys[i].guid))
			return false;
	return true;
}
