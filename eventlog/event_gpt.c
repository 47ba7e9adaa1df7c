/*
 * The partition table of the disk that was booted: UEFI_GPT_DATA, PFP 1.06 section 10.2.5; UEFI 2.10 section 5.3.
 */
#include "eventlog/event_body.h"

#include <inttypes.h>

#include "base/efi/partition_type.h"
#include "base/efi/variable.h"

enum {
	HEADER_LEN = 92, /* up to PartitionEntryArrayCRC32 */
	ENTRY_MIN = 128, /* UEFI 2.10, table 5.6 */
	NAME_OFF = 56,
	NAME_LEN = 72,
	NAMED_MAX = 8, /* partitions named in the summary */
};

static const char *partition(struct body *b, struct field *list, struct slice entry)
{
	struct field *p = body_group(b, list, NULL);
	struct guid type = guid_of_bytes(entry.p), id = guid_of_bytes(entry.p + GUID_LEN);
	const char *type_name = partition_type_name(&type);
	const char *name = utf16le_text(b->pool, (struct slice){ entry.p + NAME_OFF, NAME_LEN });

	body_guid(b, p, "partitionTypeGuid", NULL, &type);
	if (type_name)
		body_text(b, p, "partitionTypeName", type_name);
	body_guid(b, p, "uniquePartitionGuid", NULL, &id);
	body_number(b, p, "startingLba", get_u64le(entry.p + 32));
	body_number(b, p, "endingLba", get_u64le(entry.p + 40));
	body_number(b, p, "attributes", get_u64le(entry.p + 48));
	body_text(b, p, "partitionName", name);
	for (size_t i = NAME_OFF + NAME_LEN; i < entry.n; i++)
		if (entry.p[i]) {
			body_hex(b, p, "reserved",
				 (struct slice){ entry.p + NAME_OFF + NAME_LEN,
						 entry.n - NAME_OFF - NAME_LEN });
			break;
		}
	return name && *name ? name : type_name ? type_name : "unnamed";
}

/* The header's fields (UEFI 2.10 section 5.3.2), and its disk's GUID as text. */
static void put_header(struct body *b, const uint8_t *p, char disk_text[static GUID_TEXT])
{
	struct guid disk = guid_of_bytes(p + 56);
	struct field *root = &b->out.root;

	guid_format(&disk, disk_text);
	body_number(b, root, "revision", get_u32le(p + 8));
	body_number(b, root, "headerSize", get_u32le(p + 12));
	body_number(b, root, "headerCrc32", get_u32le(p + 16));
	body_number(b, root, "myLba", get_u64le(p + 24));
	body_number(b, root, "alternateLba", get_u64le(p + 32));
	body_number(b, root, "firstUsableLba", get_u64le(p + 40));
	body_number(b, root, "lastUsableLba", get_u64le(p + 48));
	body_guid(b, root, "diskGuid", NULL, &disk);
	body_number(b, root, "partitionEntryLba", get_u64le(p + 72));
	body_number(b, root, "numberOfPartitionEntries", get_u32le(p + 80));
	body_number(b, root, "sizeOfPartitionEntry", get_u32le(p + 84));
	body_number(b, root, "partitionEntryArrayCrc32", get_u32le(p + 88));
}

void body_gpt(struct body *b)
{
	struct reader r = reader_over(b->ev->data);
	struct slice header = reader_take(&r, HEADER_LEN);
	uint64_t n = reader_u64le(&r);
	const char *names = "";
	char text[GUID_TEXT];

	body_summary(b, "partition table");
	if (r.failed || memcmp(header.p, "EFI PART", 8) != 0) {
		body_trouble(b, b->ev->data,
			     r.failed ? "%zu bytes are too few for a partition table header and a count" :
					"%zu bytes that do not begin with \"EFI PART\"",
			     b->ev->data.n);
		return;
	}
	put_header(b, header.p, text);
	body_number(b, &b->out.root, "numberOfPartitions", n);
	uint32_t entry_len = get_u32le(header.p + 84);
	if (entry_len < ENTRY_MIN || n > reader_left(&r) / entry_len) {
		body_trouble_at(b, &r,
				"%" PRIu64
				" partition entries of %u bytes (at least %d) where %zu bytes are left",
				n, entry_len, ENTRY_MIN, reader_left(&r));
		return;
	}
	struct field *list = body_list(b, &b->out.root, "partitions");
	for (uint64_t i = 0; i < n; i++) {
		struct slice rest = { r.base + r.pos, reader_left(&r) };

		if (!body_item(b, rest))
			break;
		const char *name = partition(b, list, reader_take(&r, entry_len));
		if (i < NAMED_MAX && names)
			names = pool_printf(b->pool, "%s%s %s", names, i ? "," : "", name);
	}
	if (!b->out.trouble)
		body_end(b, &r, "partition table");
	body_summary(b, "partition table of disk %s, %" PRIu64 " partition%s:%s%s", text, n,
		     n == 1 ? "" : "s", names ? names : "", n > NAMED_MAX ? ", …" : "");
}
