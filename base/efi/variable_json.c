/*
 * Variables in JSON, as QEMU's uefi-vars device keeps them and virt-firmware writes them.
 *
 * Source: QEMU 10.0, qapi/uefi.json (UefiVariable, UefiVarStore).
 */
#include <stdio.h>
#include <string.h>

#include "base/efi/variable_store.h"
#include "base/json.h"
#include "base/json_read.h"

enum { VERSION = 2 };

static bool one_of(const char *key, const char *const *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

/* QEMU refuses a key that it does not know. */
static int check_keys(const struct cJSON *node, const char *what, const char *const *keys, size_t n,
		      struct pcrcast_error *e)
{
	for (const struct cJSON *c = json_first(node); c; c = json_next(c))
		if (!one_of(json_key(c), keys, n))
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "%s: unknown key %.60s", what,
				       json_key(c));
	return 0;
}

static int read_variable(struct pool *pool, const struct cJSON *node, size_t i, struct firmware_variables *v,
			 struct pcrcast_error *e)
{
	static const char *const keys[] = { "guid", "name", "attr", "data", "time", "digest" };
	struct firmware_variable var;
	const char *name, *guid;
	uint64_t attributes;
	char what[64];

	(void)snprintf(what, sizeof what, "variable %zu", i);
	if (!json_is_object(node))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "%s: expected an object", what);
	int r = check_keys(node, what, keys, sizeof keys / sizeof keys[0], e);
	if (r < 0)
		return r;
	if (!json_string(json_get(node, "name"), &name) || !*name)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "%s: expected a \"name\"", what);
	if (!json_string(json_get(node, "guid"), &guid) || !guid_parse(guid, &var.guid))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "%s (%.60s): expected a GUID as \"guid\"", what, name);
	if (!json_u64(json_get(node, "attr"), &attributes) || attributes > UINT32_MAX)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "%s (%.60s): expected a 32-bit number as \"attr\"", what, name);
	if (!json_hex(pool, json_get(node, "data"), &var.data))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "%s (%.60s): expected pairs of hex digits as \"data\"", what, name);
	var.attributes = (uint32_t)attributes;
	var.name = pool_text(pool, name, strlen(name));
	return var.name ? firmware_variables_add(pool, v, var, PCRCAST_NO_OFFSET, e) : err_nomem(e);
}

static int read_all(struct pool *pool, const struct cJSON *root, struct firmware_variables *v,
		    struct pcrcast_error *e)
{
	static const char *const keys[] = { "version", "variables" };
	const struct cJSON *list = json_get(root, "variables");
	uint64_t version;
	size_t i = 0;

	int r = check_keys(root, "variable store", keys, sizeof keys / sizeof keys[0], e);
	if (r < 0)
		return r;
	if (!json_u64(json_get(root, "version"), &version) || version != VERSION)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "variable store: expected \"version\" %d", VERSION);
	if (!json_is_array(list))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "variable store: expected a list as \"variables\"");
	for (const struct cJSON *c = json_first(list); c && r == 0; c = json_next(c))
		r = read_variable(pool, c, i++, v, e);
	return r;
}

int variable_store_read_json(struct pool *pool, struct slice bytes, struct firmware_variables *ret,
			     struct pcrcast_error *e)
{
	struct firmware_variables v = FIRMWARE_VARIABLES_INIT;
	struct cJSON *root;
	int r = json_parse(bytes, &root, e);

	if (r < 0)
		return r;
	r = read_all(pool, root, &v, e);
	json_free(root);
	if (r < 0)
		return r;
	v.whole = true;
	*ret = v;
	return 0;
}
