/* Bodies of events in tpm2_eventlog's YAML. */
#include <inttypes.h>

#include "base/efi/guid.h"
#include "base/reader.h"
#include "eventlog/write_yaml_impl.h"

enum {
	HEX_MAX = 1024,        /* bytes of a body that is hex, as in tpm2_eventlog */
	GPT_HEADER = 92,       /* UEFI 2.10 section 5.3.2 */
	GPT_ENTRY = 128,       /* UEFI 2.10 section 5.3.3; tpm2_eventlog knows no other size */
	GPT_NAME = 36,         /* UTF-16 code units of a partition's name */
	IMAGE_LOAD_EVENT = 32, /* UEFI_IMAGE_LOAD_EVENT without its device path, PFP 1.06 section 10.2.3 */
	FIRMWARE_BLOB = 16,    /* UEFI_PLATFORM_FIRMWARE_BLOB, PFP 1.06 section 10.2.4 */
};

/* Each of these returns false, with nothing written, when the body does not have that form. */

static bool put_body_hex(struct yaml *y, struct slice data)
{
	fputs("  Event: \"", y->out);
	yaml_put_hex(y, (struct slice){ data.p, data.n < HEX_MAX ? data.n : HEX_MAX });
	fputs("\"\n", y->out);
	return true;
}

/* Text up to a NUL. */
static bool put_body_text(struct yaml *y, struct slice data)
{
	fputs("  Event: |-\n    ", y->out);
	yaml_put_characters(y, (struct slice){ data.p, strnlen((const char *)data.p, data.n) }, false);
	fputc('\n', y->out);
	return true;
}

static bool put_body_lines(struct yaml *y, struct slice data)
{
	fputs("  Event:\n    String: |-\n", y->out);
	yaml_put_lines(y, "      ", data);
	return true;
}

static void put_blob_fields(struct yaml *y, const uint8_t *p)
{
	fprintf(y->out, "    BlobBase: 0x%" PRIx64 "\n    BlobLength: 0x%" PRIx64 "\n", get_u64le(p),
		get_u64le(p + 8));
}

static bool put_blob(struct yaml *y, struct slice data)
{
	if (data.n < FIRMWARE_BLOB)
		return false;
	fputs("  Event:\n", y->out);
	put_blob_fields(y, data.p);
	return true;
}

static bool put_blob2(struct yaml *y, struct slice data)
{
	struct reader r = reader_over(data);
	uint8_t len = reader_u8(&r);
	struct slice description = reader_take(&r, len), blob = reader_take(&r, FIRMWARE_BLOB);

	if (r.failed)
		return false;
	if (description.n)
		description.n--; /* see write_yaml.c */
	fprintf(y->out, "  Event:\n    BlobDescriptionSize: %u\n    BlobDescription: \"", len);
	yaml_put_hex(y, description);
	fputs("\"\n", y->out);
	put_blob_fields(y, blob.p);
	return true;
}

static bool put_post_code(struct yaml *y, struct slice data)
{
	return data.n == FIRMWARE_BLOB ? put_blob(y, data) : put_body_text(y, data);
}

static bool put_image_load(struct yaml *y, struct slice data)
{
	if (data.n < IMAGE_LOAD_EVENT)
		return false;
	fprintf(y->out,
		"  Event:\n"
		"    ImageLocationInMemory: 0x%" PRIx64 "\n"
		"    ImageLengthInMemory: %" PRIu64 "\n"
		"    ImageLinkTimeAddress: 0x%" PRIx64 "\n"
		"    LengthOfDevicePath: %" PRIu64 "\n"
		"    DevicePath: '",
		get_u64le(data.p), get_u64le(data.p + 8), get_u64le(data.p + 16), get_u64le(data.p + 24));
	yaml_put_hex(y, (struct slice){ data.p + IMAGE_LOAD_EVENT, data.n - IMAGE_LOAD_EVENT });
	fputs("'\n", y->out);
	return true;
}

static bool put_no_action(struct yaml *y, struct slice data)
{
	static const char locality[16] = "StartupLocality"; /* PFP 1.06 section 10.4.5.3, with its NUL */

	if (data.n <= sizeof locality || memcmp(data.p, locality, sizeof locality) != 0)
		return false;
	fprintf(y->out, "  Event:\n    StartupLocality: %u\n", data.p[sizeof locality]);
	return true;
}

static void put_partition(struct yaml *y, const uint8_t *p)
{
	fputs("    - PartitionTypeGUID: ", y->out);
	yaml_put_guid(y, p);
	fputs("\n      UniquePartitionGUID: ", y->out);
	yaml_put_guid(y, p + 16);
	fprintf(y->out,
		"\n      StartingLBA: 0x%" PRIx64 "\n      EndingLBA: 0x%" PRIx64
		"\n      Attributes: 0x%" PRIx64 "\n      PartitionName: \"",
		get_u64le(p + 32), get_u64le(p + 40), get_u64le(p + 48));
	yaml_put_utf16(y, (struct slice){ p + 56, 2 * GPT_NAME }, true);
	fputs("\"\n", y->out);
}

/* UEFI_GPT_DATA, PFP 1.06 section 10.2.5. */
static bool put_gpt(struct yaml *y, struct slice data)
{
	struct reader r = reader_over(data);
	const uint8_t *h = reader_take(&r, GPT_HEADER).p;
	uint64_t n = reader_u64le(&r);

	if (r.failed)
		return false;
	fputs("  Event:\n    Header:\n      Signature: \"", y->out);
	yaml_put_characters(y, (struct slice){ h, strnlen((const char *)h, 8) }, true);
	fprintf(y->out,
		"\"\n"
		"      Revision: 0x%" PRIx32 "\n"
		"      HeaderSize: %" PRIu32 "\n"
		"      HeaderCRC32: 0x%" PRIx32 "\n"
		"      MyLBA: 0x%" PRIx64 "\n"
		"      AlternateLBA: 0x%" PRIx64 "\n"
		"      FirstUsableLBA: 0x%" PRIx64 "\n"
		"      LastUsableLBA: 0x%" PRIx64 "\n"
		"      DiskGUID: ",
		get_u32le(h + 8), get_u32le(h + 12), get_u32le(h + 16), get_u64le(h + 24), get_u64le(h + 32),
		get_u64le(h + 40), get_u64le(h + 48));
	yaml_put_guid(y, h + 56);
	fprintf(y->out,
		"\n"
		"      PartitionEntryLBA: 0x%" PRIx64 "\n"
		"      NumberOfPartitionEntry: %" PRIu32 "\n"
		"      SizeOfPartitionEntry: %" PRIu32 "\n"
		"      PartitionEntryArrayCRC32: 0x%" PRIx32 "\n"
		"    NumberOfPartitions: %" PRIu64 "\n"
		"    Partitions:\n",
		get_u64le(h + 72), get_u32le(h + 80), get_u32le(h + 84), get_u32le(h + 88), n);
	for (; n > 0 && reader_left(&r) >= GPT_ENTRY; n--)
		put_partition(y, reader_take(&r, GPT_ENTRY).p);
	return true;
}

/* ---- by type ---- */

/* The event types that tpm2_eventlog names; put NULL: the body is hex or a variable. */
static const struct {
	uint32_t type;
	bool (*put)(struct yaml *y, struct slice data);
} types[] = {
	{ EV_PREBOOT_CERT, NULL },
	{ EV_POST_CODE, put_post_code },
	{ EV_UNUSED, NULL },
	{ EV_NO_ACTION, put_no_action },
	{ EV_SEPARATOR, NULL },
	{ EV_ACTION, NULL },
	{ EV_EVENT_TAG, NULL },
	{ EV_S_CRTM_CONTENTS, put_blob },
	{ EV_S_CRTM_VERSION, NULL },
	{ EV_CPU_MICROCODE, NULL },
	{ EV_PLATFORM_CONFIG_FLAGS, NULL },
	{ EV_TABLE_OF_DEVICES, NULL },
	{ EV_COMPACT_HASH, NULL },
	{ EV_IPL, put_body_lines },
	{ EV_IPL_PARTITION_DATA, NULL },
	{ EV_NONHOST_CODE, NULL },
	{ EV_NONHOST_CONFIG, NULL },
	{ EV_NONHOST_INFO, NULL },
	{ EV_OMIT_BOOT_DEVICE_EVENTS, NULL },
	{ EV_EFI_VARIABLE_DRIVER_CONFIG, NULL },
	{ EV_EFI_VARIABLE_BOOT, NULL },
	{ EV_EFI_BOOT_SERVICES_APPLICATION, put_image_load },
	{ EV_EFI_BOOT_SERVICES_DRIVER, put_image_load },
	{ EV_EFI_RUNTIME_SERVICES_DRIVER, put_image_load },
	{ EV_EFI_GPT_EVENT, put_gpt },
	{ EV_EFI_ACTION, put_body_text },
	{ EV_EFI_PLATFORM_FIRMWARE_BLOB, put_blob },
	{ EV_EFI_HANDOFF_TABLES, NULL },
	{ EV_EFI_PLATFORM_FIRMWARE_BLOB2, put_blob2 },
	{ EV_EFI_HANDOFF_TABLES2, NULL },
	{ EV_EFI_VARIABLE_BOOT2, NULL },
	{ EV_EFI_VARIABLE_AUTHORITY, NULL },
};

enum { N_TYPES = sizeof types / sizeof types[0] };

static size_t type_find(uint32_t type)
{
	size_t i = 0;

	while (i < N_TYPES && types[i].type != type)
		i++;
	return i;
}

const char *yaml_type_name(uint32_t type, char buf[static 11])
{
	return type_find(type) < N_TYPES ? event_type_name(type, buf) : "Unknown event type";
}

static bool is_variable(uint32_t type)
{
	return type == EV_EFI_VARIABLE_DRIVER_CONFIG || type == EV_EFI_VARIABLE_BOOT ||
	       type == EV_EFI_VARIABLE_BOOT2 || type == EV_EFI_VARIABLE_AUTHORITY;
}

void yaml_put_body(struct yaml *y, const struct event *ev)
{
	size_t i = type_find(ev->type);

	fprintf(y->out, "  EventSize: %zu\n", ev->data.n);
	if (ev->data.n == 0)
		return;
	if (is_variable(ev->type) ? yaml_put_variable(y, ev->type, ev->data) :
				    i < N_TYPES && types[i].put && types[i].put(y, ev->data))
		return;
	put_body_hex(y, ev->data);
}
