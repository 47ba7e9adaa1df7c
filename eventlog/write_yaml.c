/*
 * The YAML that tpm2_eventlog --eventlog-version=2 prints, for programs made to read that.
 *
 * Learnt from the output of tpm2-tools 5.4 as Debian 12 builds it (without libefivar: device paths are hex)
 * and its manual page. What it prints is printed byte for byte, its habits included:
 *   - some event types are "Unknown event type" (EV_EFI_HCRTM_EVENT, EV_POST_CODE2, EV_EFI_GPT_EVENT2, SPDM);
 *   - bodies without a form of their own are hex, cut after 1024 bytes;
 *   - EV_S_CRTM_CONTENTS is shown as a firmware blob even where it is text;
 *   - the description of a firmware blob 2 lacks its last byte;
 *   - the lines of EV_IPL and SbatLevel are in quotation marks, with ' and control characters escaped.
 *
 * It differs where that output is not YAML, not from the log or not true:
 *   - events of a SHA-1 log are items of the list too (there they are one mapping with repeated keys);
 *   - EV_NO_ACTION is not extended, StartupLocality and EV_EFI_HCRTM_EVENT set the start of PCR 0, PCR 17-22
 *     start with ones: the values under "pcrs" are those of a machine. There is no value for SM3;
 *   - where it stops (a body that is too short) or reads behind a body, the body is hex, or shown as far as it goes;
 *   - control characters, bytes that are not UTF-8 and, between quotation marks, " and \ are escaped;
 *   - a name with an unpaired surrogate has U+FFFD there (there: "(null)", or the end of the output).
 */
#define _GNU_SOURCE
#include "eventlog/write.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/efi/guid.h"
#include "base/reader.h"
#include "base/utf16.h"

enum {
	HEX_MAX = 1024,        /* bytes of a body that is hex, as in tpm2_eventlog */
	GPT_HEADER = 92,       /* UEFI 2.10 section 5.3.2 */
	GPT_ENTRY = 128,       /* UEFI 2.10 section 5.3.3; tpm2_eventlog knows no other size */
	GPT_NAME = 36,         /* UTF-16 code units of a partition's name */
	SIGNATURE_LIST = 28,   /* header of an EFI_SIGNATURE_LIST, UEFI 2.10 section 32.4.1 */
	LOAD_OPTION = 6,       /* Attributes and FilePathListLength of an EFI_LOAD_OPTION, section 3.1.3 */
	IMAGE_LOAD_EVENT = 32, /* UEFI_IMAGE_LOAD_EVENT without its device path, PFP 1.06 section 10.2.3 */
	FIRMWARE_BLOB = 16,    /* UEFI_PLATFORM_FIRMWARE_BLOB, PFP 1.06 section 10.2.4 */
	SPEC_ID_FIXED = 29,    /* TCG_EfiSpecIDEvent without algorithms and vendor information */
};

struct yaml {
	FILE *out;
	bool failed; /* memory gave out */
};

/* ---- scalars ---- */

static void put_hex(struct yaml *y, struct slice s)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < s.n; i++) {
		fputc(digits[s.p[i] >> 4], y->out);
		fputc(digits[s.p[i] & 15], y->out);
	}
}

/* The length of the well-formed UTF-8 character at p, of at most n bytes; 0 when there is none (RFC 3629, section 4). */
static size_t utf8_len(const uint8_t *p, size_t n)
{
	size_t len = *p < 0x80               ? 1 :
		     *p >= 0xc2 && *p < 0xe0 ? 2 :
		     (*p & 0xf0) == 0xe0     ? 3 :
		     *p >= 0xf0 && *p < 0xf5 ? 4 :
					       0;

	if (len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if (len > 2 && ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
			(p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)))
		return 0;
	return len;
}

/* Text; in what is between quotation marks " and \ are escaped too. Returns how many bytes of the text were used. */
static size_t put_character(struct yaml *y, const uint8_t *p, size_t n, bool quoted)
{
	size_t len = utf8_len(p, n);

	/* C0 controls, DEL and the C1 controls U+0080 to U+009F are not allowed in YAML (1.2 section 5.1) */
	if (len == 0 || *p < 0x20 || *p == 0x7f || (p[0] == 0xc2 && p[1] < 0xa0)) {
		fprintf(y->out, "\\x%02x", *p);
		return 1;
	}
	if (quoted && (*p == '"' || *p == '\\'))
		fputc('\\', y->out);
	(void)fwrite(p, 1, len, y->out);
	return len;
}

static void put_characters(struct yaml *y, struct slice s, bool quoted)
{
	for (size_t i = 0; i < s.n;)
		i += put_character(y, s.p + i, s.n - i, quoted);
}

/* UTF-16 in unaligned bytes, up to a NUL. */
static void put_utf16(struct yaml *y, struct slice s, bool quoted)
{
	struct pool pool = POOL_INIT;
	uint16_t *units = pool_array(&pool, s.n / 2 + 1, sizeof *units);
	char *text = NULL;

	if (units) {
		for (size_t i = 0; i < s.n / 2; i++)
			units[i] = get_u16le(s.p + 2 * i);
		struct utf16 copy = utf16_copy(&pool, units, s.n / 2);
		if (copy.s)
			text = utf16_to_utf8(&pool, copy);
	}
	if (text)
		put_characters(y, slice_of_string(text), quoted);
	else
		y->failed = true;
	pool_done(&pool);
}

static void put_guid(struct yaml *y, const uint8_t *p)
{
	struct guid g = guid_of_bytes(p);
	char text[GUID_TEXT];

	guid_format(&g, text);
	fputs(text, y->out);
}

/* The characters that have a letter behind a backslash; they are escaped inside the lines of EV_IPL. */
static const struct {
	char character, letter;
} escapes[] = {
	{ '\0', '0' }, { '\a', 'a' }, { '\b', 'b' }, { '\t', 't' },  { '\v', 'v' },
	{ '\f', 'f' }, { '\r', 'r' }, { 033, 'e' },  { '\'', '\'' }, { '\\', '\\' },
};

static size_t put_line_character(struct yaml *y, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++)
		if (*p == (uint8_t)escapes[i].character) {
			fputc('\\', y->out);
			fputc(escapes[i].letter, y->out);
			return 1;
		}
	return put_character(y, p, n, false);
}

/* A literal block: each line in quotation marks. A line feed at the end begins no line. */
static void put_lines(struct yaml *y, const char *indent, struct slice s)
{
	size_t i = 0;

	do {
		const uint8_t *feed = memchr(s.p + i, '\n', s.n - i);
		size_t end = feed ? (size_t)(feed - s.p) : s.n;

		fprintf(y->out, "%s\"", indent);
		while (i < end)
			i += put_line_character(y, s.p + i, end - i);
		fputs("\"\n", y->out);
		i = end + 1;
	} while (i < s.n);
}

/* ---- bodies: each returns false, with nothing written, when the body does not have that form ---- */

static bool put_body_hex(struct yaml *y, struct slice data)
{
	fputs("  Event: \"", y->out);
	put_hex(y, (struct slice){ data.p, data.n < HEX_MAX ? data.n : HEX_MAX });
	fputs("\"\n", y->out);
	return true;
}

/* Text up to a NUL. */
static bool put_body_text(struct yaml *y, struct slice data)
{
	fputs("  Event: |-\n    ", y->out);
	put_characters(y, (struct slice){ data.p, strnlen((const char *)data.p, data.n) }, false);
	fputc('\n', y->out);
	return true;
}

static bool put_body_lines(struct yaml *y, struct slice data)
{
	fputs("  Event:\n    String: |-\n", y->out);
	put_lines(y, "      ", data);
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
		description.n--; /* see above */
	fprintf(y->out, "  Event:\n    BlobDescriptionSize: %u\n    BlobDescription: \"", len);
	put_hex(y, description);
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
	put_hex(y, (struct slice){ data.p + IMAGE_LOAD_EVENT, data.n - IMAGE_LOAD_EVENT });
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
	put_guid(y, p);
	fputs("\n      UniquePartitionGUID: ", y->out);
	put_guid(y, p + 16);
	fprintf(y->out,
		"\n      StartingLBA: 0x%" PRIx64 "\n      EndingLBA: 0x%" PRIx64
		"\n      Attributes: 0x%" PRIx64 "\n      PartitionName: \"",
		get_u64le(p + 32), get_u64le(p + 40), get_u64le(p + 48));
	put_utf16(y, (struct slice){ p + 56, 2 * GPT_NAME }, true);
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
	put_characters(y, (struct slice){ h, strnlen((const char *)h, 8) }, true);
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
	put_guid(y, h + 56);
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

/* ---- variables ---- */

static void put_signature(struct yaml *y, const char *first, const char *next, struct slice s)
{
	fprintf(y->out, "%sSignatureOwner: ", first);
	put_guid(y, s.p);
	fprintf(y->out, "\n%sSignatureData: ", next);
	put_hex(y, (struct slice){ s.p + GUID_LEN, s.n - GUID_LEN });
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
		put_guid(y, h.p);
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
	put_lines(y, "        ", data);
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
	put_utf16(y, (struct slice){ data.p + LOAD_OPTION, end - LOAD_OPTION }, true);
	fputs("\"\n      DevicePath: '", y->out);
	put_hex(y, (struct slice){ data.p + end + 2, data.n - end - 2 });
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

/* UEFI_VARIABLE_DATA, PFP 1.06 section 10.2.6. */
static bool put_variable(struct yaml *y, uint32_t type, struct slice data)
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
	put_guid(y, guid);
	fprintf(y->out,
		"\n    UnicodeNameLength: %" PRIu64 "\n    VariableDataLength: %" PRIu64
		"\n    UnicodeName: ",
		name_len, data_len);
	put_utf16(y, name, false);
	fputc('\n', y->out);
	for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
		if (variables[i].type == type && name_matches(name, variables[i].name) &&
		    variables[i].put(y, value))
			return true;
	if (value.n) {
		fputs("    VariableData: \"", y->out);
		put_hex(y, value);
		fputs("\"\n", y->out);
	}
	return true;
}

/* ---- events ---- */

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

static const char *type_name(uint32_t type, char buf[static 11])
{
	return type_find(type) < N_TYPES ? event_type_name(type, buf) : "Unknown event type";
}

static bool is_variable(uint32_t type)
{
	return type == EV_EFI_VARIABLE_DRIVER_CONFIG || type == EV_EFI_VARIABLE_BOOT ||
	       type == EV_EFI_VARIABLE_BOOT2 || type == EV_EFI_VARIABLE_AUTHORITY;
}

static void put_body(struct yaml *y, const struct event *ev)
{
	size_t i = type_find(ev->type);

	fprintf(y->out, "  EventSize: %zu\n", ev->data.n);
	if (ev->data.n == 0)
		return;
	if (is_variable(ev->type) ? put_variable(y, ev->type, ev->data) :
				    i < N_TYPES && types[i].put && types[i].put(y, ev->data))
		return;
	put_body_hex(y, ev->data);
}

/* The names tpm2-tools has for TPM_ALG_IDs of hashes that are not among algs. */
static const struct {
	uint16_t id;
	const char *name;
} other_algs[] = {
	{ 0x0012, "sm3_256" },
	{ 0x0027, "sha3_256" },
	{ 0x0028, "sha3_384" },
	{ 0x0029, "sha3_512" },
};

static const char *alg_name(uint16_t id, char buf[static 7])
{
	enum alg alg = alg_by_tpm_id(id);

	if (alg < ALG_COUNT)
		return algs[alg].name;
	for (size_t i = 0; i < sizeof other_algs / sizeof other_algs[0]; i++)
		if (other_algs[i].id == id)
			return other_algs[i].name;
	(void)snprintf(buf, 7, "0x%04x", id);
	return buf;
}

static void put_event(struct yaml *y, const struct eventlog *log, const struct event *ev, size_t number)
{
	struct slice rest = ev->digests, digest;
	struct eventlog_alg alg;
	char name[11];

	fprintf(y->out,
		"- EventNum: %zu\n  PCRIndex: %" PRIu32 "\n  EventType: %s\n  DigestCount: %" PRIu32
		"\n  Digests:\n",
		number, ev->pcr, type_name(ev->type, name), ev->n_digests);
	while (event_digest_next(log, &rest, &alg, &digest)) {
		fprintf(y->out, "  - AlgorithmId: %s\n    Digest: \"", alg_name(alg.id, name));
		put_hex(y, digest);
		fputs("\"\n", y->out);
	}
	put_body(y, ev);
}

/* The Spec ID event, which a log of ours holds apart from its events. */
static void put_spec_id(struct yaml *y, const struct eventlog *log)
{
	const struct eventlog_spec_id *id = &log->spec_id;
	char name[7];

	fprintf(y->out,
		"- EventNum: 0\n"
		"  PCRIndex: %" PRIu32 "\n"
		"  EventType: EV_NO_ACTION\n"
		"  Digest: \"0000000000000000000000000000000000000000\"\n"
		"  EventSize: %zu\n"
		"  SpecID:\n"
		"  - Signature: Spec ID Event03\n"
		"    platformClass: %" PRIu32 "\n"
		"    specVersionMinor: %u\n"
		"    specVersionMajor: %u\n"
		"    specErrata: %u\n"
		"    uintnSize: %u\n"
		"    numberOfAlgorithms: %zu\n"
		"    Algorithms:\n",
		id->pcr, SPEC_ID_FIXED + 4 * log->n_algs + id->vendor_info.n, id->platform_class,
		id->version_minor, id->version_major, id->errata, id->uintn_size, log->n_algs);
	for (size_t i = 0; i < log->n_algs; i++)
		fprintf(y->out, "    - Algorithm[%zu]:\n      algorithmId: %s\n      digestSize: %u\n", i,
			alg_name(log->algs[i].id, name), log->algs[i].len);
	fprintf(y->out, "    vendorInfoSize: %zu\n", id->vendor_info.n);
	if (id->vendor_info.n) {
		fputs("    vendorInfo: \"", y->out);
		put_hex(y, id->vendor_info);
		fputs("\"\n", y->out);
	}
}

struct banks {
	alg_set announced;
	struct pcr_bank bank[ALG_COUNT];
};

static int replay_banks(const struct eventlog *log, struct banks *ret, struct pcrcast_error *e)
{
	ret->announced = 0;
	for (size_t i = 0; i < log->n_algs; i++) {
		enum alg alg = alg_by_tpm_id(log->algs[i].id);
		size_t missing;

		if (alg == ALG_COUNT)
			continue;
		/* an event without a digest in a bank does not extend it there either: tpm2_eventlog does the same */
		int rc = eventlog_replay_partial(log, alg, &ret->bank[alg], &missing, e);
		if (rc < 0)
			return rc;
		ret->announced |= UINT32_C(1) << alg;
	}
	return 0;
}

static void put_pcrs(struct yaml *y, const struct banks *banks)
{
	fputs("pcrs:\n", y->out);
	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		const struct pcr_bank *bank = &banks->bank[alg];

		if (!(banks->announced & UINT32_C(1) << alg) || !bank->extended)
			continue;
		fprintf(y->out, "  %s:\n", algs[alg].name);
		for (unsigned i = 0; i < PCR_COUNT; i++) {
			if (!(bank->extended & UINT32_C(1) << i))
				continue;
			fprintf(y->out, "    %-2u : 0x", i);
			put_hex(y, (struct slice){ bank->pcr[i], algs[alg].len });
			fputc('\n', y->out);
		}
	}
}

/* The form has no place for what is not a PC client event, nor for registers that are no PCRs. */
static int refuse_others(const struct eventlog *log, struct pcrcast_error *e)
{
	if (log->kind == EVENTLOG_CC)
		return err_set(
			e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			"the YAML of tpm2_eventlog has PCRs only, this log is about CC measurement registers");
	for (size_t i = 0; i < log->n_events; i++)
		if (log->events[i].content != CONTENT_PCCLIENT)
			return err_set(e, PCRCAST_EUNSUPPORTED, log->events[i].offset,
				       "event %zu: the YAML of tpm2_eventlog has PC client events only", i);
	return 0;
}

int eventlog_print_tpm2_yaml(const struct eventlog *log, FILE *out, struct pcrcast_error *e)
{
	/* SHA-1 logs (Windows' too) have none or one of version 1, which tpm2_eventlog does not read; a CEL may have none */
	bool spec_id = log->kind != EVENTLOG_TCG1 && log->spec_id.version_major >= 2;
	struct yaml y = { .out = out };
	struct banks banks;

	int rc = refuse_others(log, e);
	if (rc == 0)
		rc = replay_banks(log, &banks, e);
	if (rc < 0)
		return rc;
	fputs("---\nversion: 2\nevents:\n", out);
	if (spec_id)
		put_spec_id(&y, log);
	for (size_t i = 0; i < log->n_events && !y.failed; i++)
		put_event(&y, log, &log->events[i], i + spec_id);
	put_pcrs(&y, &banks);
	return y.failed ? err_nomem(e) : 0;
}
