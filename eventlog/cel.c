#include "eventlog/cel.h"

#include <string.h>
#include <strings.h>

static const struct {
	uint8_t type;
	const char *name;
} content_types[] = {
	{ CEL_CONTENT_CEL, "cel" },
	{ CEL_CONTENT_PCCLIENT, "pcclient_std" },
	{ CEL_CONTENT_IMA_TEMPLATE, "ima_template" },
	{ CEL_CONTENT_IMA_TLV, "ima_tlv" },
	{ CEL_CONTENT_SYSTEMD, "systemd" },
};

/* Algorithms that occur in logs but that this program does not compute: TCG Algorithm Registry. */
static const struct {
	uint16_t id;
	const char *name;
} other_algs[] = {
	{ 0x0012, "sm3_256" },  { 0x0012, "sm3" },      { 0x0027, "sha3_256" },
	{ 0x0028, "sha3_384" }, { 0x0029, "sha3_512" },
};

const char *cel_content_type_name(uint8_t type, struct pool *pool)
{
	for (size_t i = 0; i < sizeof content_types / sizeof content_types[0]; i++)
		if (content_types[i].type == type)
			return content_types[i].name;
	return pool_printf(pool, "%u", type);
}

uint16_t cel_alg_by_name(const char *name)
{
	for (enum alg a = 0; a < ALG_COUNT; a++)
		if (strcasecmp(name, algs[a].name) == 0)
			return algs[a].tpm_id;
	for (size_t i = 0; i < sizeof other_algs / sizeof other_algs[0]; i++)
		if (strcasecmp(name, other_algs[i].name) == 0)
			return other_algs[i].id;
	return 0;
}

const char *cel_alg_name(uint16_t id)
{
	enum alg known = alg_by_tpm_id(id);

	if (known != ALG_COUNT)
		return algs[known].name;
	for (size_t i = 0; i < sizeof other_algs / sizeof other_algs[0]; i++)
		if (other_algs[i].id == id)
			return other_algs[i].name;
	return NULL;
}

/* "ipl" and "efi-action", as systemd names types, are "EV_IPL" and "EV_EFI_ACTION". */
static bool names_type(const char *name, const char *type)
{
	if (strncasecmp(name, "EV_", 3) == 0 || strncasecmp(name, "EV-", 3) == 0)
		name += 3;
	type += strlen("EV_");
	for (; *name && *type; name++, type++)
		if (*name != (*type == '_' ? '-' : *type) && strncasecmp(name, type, 1) != 0)
			return false;
	return *name == *type;
}

/* The names of PFP 1.06 are found by the numbers: those of the BIOS, and the two ranges of EFI's types. */
bool cel_event_type_by_name(const char *name, uint32_t *ret)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = { { 0x00, 0x1f }, { 0x80000000, 0x8000001f }, { 0x800000e0, 0x800000ef } };
	static const struct {
		uint32_t type;
		const char *name;
	} older[] = { /* PFP 1.05 */
		      { EV_EFI_SPDM_DEVICE_BLOB, "EV_EFI_SPDM_FIRMWARE_BLOB" },
		      { EV_EFI_SPDM_DEVICE_CONFIG, "EV_EFI_SPDM_FIRMWARE_CONFIG" }
	};
	char buf[11];

	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
		for (uint32_t t = ranges[i].first; t <= ranges[i].last; t++) {
			const char *type = event_type_name(t, buf);

			if (type != buf && names_type(name, type)) {
				*ret = t;
				return true;
			}
		}
	for (size_t i = 0; i < sizeof older / sizeof older[0]; i++)
		if (names_type(name, older[i].name)) {
			*ret = older[i].type;
			return true;
		}
	return false;
}
