/* Bodies of variable events in tpm2_eventlog's YAML. */
#include <inttypes.h>

#include "base/efi/guid.h"
#include "base/reader.h"
#include "eventlog/write_yaml_impl.h"

enum {
	SIGNATURE_LIST = 28, /* header of an EFI_SIGNATURE_LIST, UEFI 2.10 section 32.4.1 */
	LOAD_OPTION = 6,     /* Attributes and FilePathListLength of an EFI_LOAD_OPTION, section 3.1.3 */
};

static void put_signature(struct yaml *y, const char *first, const char *next, struct slice s)
{
	fprintf(y->out, "%sSignatureOwner: ", first);
	yaml_put_guid(y, s.p);
	fprintf(y->out, "\n%sSignatureData: ", next);
	yaml_put_hex(y, (struct slice){ s.p + GUID_LEN, s.n - GUID_LEN });
	fputc('\n', y->out);
}

/* EFI_SIGNATURE_LISTs. What does not have that form ends the list. */
static bool put_signature_lists(struct yaml *y, struct slice data)
{
	struct reader r = reader_over(data);

	fputs("    VariableData:\n", y->out);
	for (;;) {
		struct slice h = reader_take(&r, SIGNATURE_LIST);

		if (r.failed)
			return true;
		uint32_t list = get_u32le(h.p + 16), header = get_u32le(h.p + 20), size = get_u32le(h.p + 24);

		if (size < GUID_LEN)
			return true;
		fputs("    - SignatureType: ", y->out);
		yaml_put_guid(y, h.p);
		fprintf(y->out,
			"\n      SignatureListSize: %u\n      SignatureHeaderSize: %u\n      SignatureSize: %u\n      Keys:\n",
			list, header, size);
		if (list < SIGNATURE_LIST || header > list - SIGNATURE_LIST ||
		    (list - SIGNATURE_LIST - header) % size != 0)
			return true;
		struct slice rest = reader_take(&r, list - SIGNATURE_LIST);
		if (r.failed)
			return true;
		for (size_t i = header; i < rest.n; i += size)
			put_signature(y, "      - ", "        ", (struct slice){ rest.p + i, size });
	}
}

static bool put_signature_data(struct yaml *y, struct slice data)
{
	if (data.n < GUID_LEN)
		return false;
	fputs("    VariableData:\n", y->out);
	put_signature(y, "    - ", "      ", data);
	return true;
}

static bool put_enabled(struct yaml *y, struct slice data)
{
	if (data.n > 1)
		return false;
	fprintf(y->out, "    VariableData:\n      Enabled: '%s'\n", data.n && data.p[0] ? "Yes" : "No");
	return true;
}

static bool put_sbat_level(struct yaml *y, struct slice data)
{
	fputs("    VariableData:\n      String: |-\n", y->out);
	yaml_put_lines(y, "        ", data);
	return true;
}

static bool put_boot_order(struct yaml *y, struct slice data)
{
	if (data.n % 2)
		return false;
	fputs("    VariableData:\n", y->out);
	for (size_t i = 0; i < data.n; i += 2)
		fprintf(y->out, "    - Boot%04x\n", get_u16le(data.p + i));
	return true;
}

/* EFI_LOAD_OPTION. The optional data stands behind the device paths, all of it is shown as one path. */
static bool put_load_option(struct yaml *y, struct slice data)
{
	size_t end = LOAD_OPTION;

	while (end + 2 <= data.n && get_u16le(data.p + end) != 0)
		end += 2;
	if (end + 2 > data.n)
		return false;
	fprintf(y->out,
		"    VariableData:\n      Enabled: '%s'\n      FilePathListLength: %u\n      Description: \"",
		data.p[0] & 1 ? "Yes" : "No", get_u16le(data.p + 4));
	yaml_put_utf16(y, (struct slice){ data.p + LOAD_OPTION, end - LOAD_OPTION }, true);
	fputs("\"\n      DevicePath: '", y->out);
	yaml_put_hex(y, (struct slice){ data.p + end + 2, data.n - end - 2 });
	fputs("'\n", y->out);
	return true;
}

/* Variables that have a form of their own, by event type. In a name, '#' stands for a hex digit. */
static const struct {
	uint32_t type;
	const char *name;
	bool (*put)(struct yaml *y, struct slice data);
} variables[] = {
	{ EV_EFI_VARIABLE_DRIVER_CONFIG, "PK", put_signature_lists },
	{ EV_EFI_VARIABLE_DRIVER_CONFIG, "KEK", put_signature_lists },
	{ EV_EFI_VARIABLE_DRIVER_CONFIG, "db", put_signature_lists },
	{ EV_EFI_VARIABLE_DRIVER_CONFIG, "dbx", put_signature_lists },
	{ EV_EFI_VARIABLE_DRIVER_CONFIG, "SecureBoot", put_enabled },
	{ EV_EFI_VARIABLE_AUTHORITY, "MokListTrusted", put_enabled },
	{ EV_EFI_VARIABLE_AUTHORITY, "db", put_signature_data },
	{ EV_EFI_VARIABLE_AUTHORITY, "Shim", put_signature_data },
	{ EV_EFI_VARIABLE_AUTHORITY, "SbatLevel", put_sbat_level },
	{ EV_EFI_VARIABLE_BOOT, "BootOrder", put_boot_order },
	{ EV_EFI_VARIABLE_BOOT2, "BootOrder", put_boot_order },
	{ EV_EFI_VARIABLE_BOOT, "Boot####", put_load_option },
	{ EV_EFI_VARIABLE_BOOT2, "Boot####", put_load_option },
};

static bool name_matches(struct slice name, const char *pattern)
{
	size_t n = strlen(pattern);

	if (name.n != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint16_t c = get_u16le(name.p + 2 * i);
		bool hex = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');

		if (pattern[i] == '#' ? !hex : c != (uint8_t)pattern[i])
			return false;
	}
	return true;
}

bool yaml_put_variable(struct yaml *y, uint32_t type, struct slice data)
{
	struct reader r = reader_over(data);
	const uint8_t *guid = reader_take(&r, GUID_LEN).p;
	uint64_t name_len = reader_u64le(&r), data_len = reader_u64le(&r);

	if (r.failed || name_len > data.n)
		return false;
	struct slice name = reader_take(&r, 2 * name_len), value = reader_take(&r, data_len);
	if (r.failed)
		return false;

	fputs("  Event:\n    VariableName: ", y->out);
	yaml_put_guid(y, guid);
	fprintf(y->out,
		"\n    UnicodeNameLength: %" PRIu64 "\n    VariableDataLength: %" PRIu64
		"\n    UnicodeName: ",
		name_len, data_len);
	yaml_put_utf16(y, name, false);
	fputc('\n', y->out);
	for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
		if (variables[i].type == type && name_matches(name, variables[i].name) &&
		    variables[i].put(y, value))
			return true;
	if (value.n) {
		fputs("    VariableData: \"", y->out);
		yaml_put_hex(y, value);
		fputs("\"\n", y->out);
	}
	return true;
}
