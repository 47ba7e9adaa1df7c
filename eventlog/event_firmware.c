/*
 * What firmware logs about itself: blobs, handoff tables, versions, strings, separators and actions (PFP 1.06, sections
 * 10.4.1 and 10.4.2).
 */
#include "eventlog/event_body.h"

#include <inttypes.h>

#include "base/efi/smbios.h"

enum { BLOB_LEN = 16 }; /* UEFI_PLATFORM_FIRMWARE_BLOB: u64 base, u64 length */

/* ---- plain bytes ---- */

/* Many vendors begin their structures with a word, NUL-terminated; that at least can be told. */
static bool leading_word(struct body *b)
{
	enum { WORD_MIN = 3, WORD_MAX = 64 };
	struct slice data = b->ev->data;
	const uint8_t *nul = memchr(data.p, 0, data.n);
	char *word;

	if (!nul || nul - data.p < WORD_MIN || nul - data.p > WORD_MAX ||
	    body_text_of(b, (struct slice){ data.p, (size_t)(nul - data.p) }, &word) != TEXT_UTF8)
		return false;
	body_text(b, &b->out.root, "signature", word);
	body_summary(b, "%s, %zu bytes", word, data.n);
	return true;
}

static void opaque(struct body *b, const char *why)
{
	if (b->ev->data.n == 0) {
		body_summary(b, "no data");
		return;
	}
	if (!leading_word(b))
		body_summary(b, "%zu bytes", b->ev->data.n);
	body_trouble(b, b->ev->data, "%s", why);
}

/* Text, with its encoding. False when the bytes are none. */
static bool string(struct body *b, const char *what)
{
	char *text;
	enum text_kind kind = body_text_of(b, b->ev->data, &text);

	if (kind == TEXT_NONE)
		return false;
	body_text(b, &b->out.root, "string", text);
	if (kind == TEXT_UTF16)
		body_text(b, &b->out.root, "encoding", "utf-16");
	body_summary(b, "%s%s", what, text);
	return true;
}

void body_plain(struct body *b)
{
	if (!string(b, ""))
		opaque(b, "neither text nor a format that is known");
}

/* TCG PC Client Specific Implementation Specification for BIOS 1.21, section 11.3.3: text, or the caller's number. */
void body_compact_hash(struct body *b)
{
	struct slice data = b->ev->data;

	if (string(b, ""))
		return;
	if (data.n == 4) {
		body_number(b, &b->out.root, "value", get_u32le(data.p));
		body_summary(b, "compact hash, 0x%08x", get_u32le(data.p));
	} else {
		opaque(b, "neither text nor a number of 4 bytes");
	}
}

void body_action(struct body *b)
{
	if (!string(b, ""))
		opaque(b, "expected text");
}

void body_crtm_version(struct body *b)
{
	struct slice data = b->ev->data;

	/* EDK2's PcdFirmwareVersionString may be empty: just the NUL of UTF-16. */
	if (data.n == 2 && get_u16le(data.p) == 0) {
		body_text(b, &b->out.root, "string", "");
		body_text(b, &b->out.root, "encoding", "utf-16");
		body_summary(b, "S-CRTM version: empty string");
	} else if (string(b, "S-CRTM version ")) {
		return;
	} else if (data.n == GUID_LEN) {
		struct guid g = guid_of_bytes(data.p);
		char text[GUID_TEXT];

		guid_format(&g, text);
		body_guid(b, &b->out.root, "guid", "name", &g);
		body_summary(b, "S-CRTM version %s", text);
	} else {
		opaque(b, "expected a UTF-16 string or a GUID");
	}
}

/* GCE's virtual firmware: "GCE NonHostInfo", NUL, then the technology in one byte and zeros (go-tpm-tools, attest.proto). */
void body_nonhost(struct body *b)
{
	static const char magic[16] = "GCE NonHostInfo";
	static const char *const technologies[] = { "none", "AMD SEV", "AMD SEV-ES", "Intel TDX",
						    "AMD SEV-SNP" };
	struct slice data = b->ev->data;

	if (data.n < sizeof magic + 1 || memcmp(data.p, magic, sizeof magic) != 0) {
		body_plain(b);
		return;
	}
	uint8_t technology = data.p[sizeof magic];
	const char *name = technology < sizeof technologies / sizeof technologies[0] ?
				   technologies[technology] :
				   "unknown";
	body_text(b, &b->out.root, "signature", magic);
	body_number(b, &b->out.root, "confidentialTechnology", technology);
	body_text(b, &b->out.root, "confidentialTechnologyName", name);
	body_summary(b, "GCE host: confidential technology %s (%u)", name, technology);
	for (size_t i = sizeof magic + 1; i < data.n; i++)
		if (data.p[i]) {
			body_trouble(b, (struct slice){ data.p + i, data.n - i },
				     "expected zeros behind the technology");
			break;
		}
}

/* ---- separators ---- */

void body_separator(struct body *b)
{
	struct slice data = b->ev->data;
	uint32_t value = data.n == 4 ? get_u32le(data.p) : 0;

	if (data.n == 4 && memcmp(data.p, "WBCL", 4) == 0) {
		/* wbcl.h, SIPAHDRSIGNATURE: Windows' boot loader caps the registers it used. */
		body_text(b, &b->out.root, "string", "WBCL");
		body_summary(b, "separator of the Windows boot loader");
	} else if (data.n == 4 && (value == 0 || value == UINT32_MAX)) {
		/* PFP 1.06, section 3.3.2.2 allows both. */
		body_number(b, &b->out.root, "value", value);
		body_bool(b, &b->out.root, "error", false);
		body_summary(b, value ? "separator (0xffffffff)" : "separator");
	} else if (data.n == 4 && value == 1) {
		body_number(b, &b->out.root, "value", value);
		body_bool(b, &b->out.root, "error", true);
		body_summary(b, "error separator: firmware met an error");
	} else {
		/* After an error the digest is of 1 and the event tells what happened. */
		body_bool(b, &b->out.root, "error", true);
		if (!string(b, "error separator: ")) {
			body_summary(b, "separator of %zu bytes", data.n);
			body_trouble(b, data, "expected 4 bytes: 0, 0xffffffff, or 1 for an error");
		}
	}
}

/* ---- blobs ---- */

static void blob_fields(struct body *b, struct slice bytes, const char *what)
{
	uint64_t base = get_u64le(bytes.p), len = get_u64le(bytes.p + 8);

	body_number(b, &b->out.root, "blobBase", base);
	body_number(b, &b->out.root, "blobLength", len);
	body_summary(b, "%s, %" PRIu64 " bytes at 0x%" PRIx64, what, len, base);
}

/* u8 length of the description, description, blob. False when the bytes are not that. */
static bool blob2(struct body *b)
{
	struct reader r = reader_over(b->ev->data);
	struct slice description = reader_take(&r, reader_u8(&r)), blob = reader_take(&r, BLOB_LEN);
	char *text;

	if (r.failed || reader_left(&r))
		return false;
	bool named = body_text_of(b, description, &text) != TEXT_NONE;
	if (named)
		body_text(b, &b->out.root, "blobDescription", text);
	else
		body_hex(b, &b->out.root, "blobDescription", description);
	const char *what = named ? pool_printf(b->pool, "firmware blob %s", text) : "firmware blob";
	blob_fields(b, blob, what ? what : "");
	return true;
}

void body_firmware_blob(struct body *b)
{
	if (b->ev->data.n == BLOB_LEN)
		blob_fields(b, b->ev->data, "firmware blob");
	else if (!blob2(b) && !string(b, ""))
		opaque(b, "expected 16 bytes: base and length of a blob");
}

void body_firmware_blob2(struct body *b)
{
	if (!blob2(b) && !string(b, ""))
		opaque(b, "expected a description, and base and length of a blob");
}

/* ---- handoff tables ---- */

static const struct {
	struct guid guid;
	const char *name;
} tables[] = {
	/* UEFI 2.10, section 4.6.1 */
	{ SMBIOS_TABLE_GUID, "SMBIOS" },
	{ SMBIOS3_TABLE_GUID, "SMBIOS 3" },
	{ GUID(0x8868e871, 0xe4f1, 0x11d3, 0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81), "ACPI" },
	{ GUID(0xeb9d2d30, 0x2d88, 0x11d3, 0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d), "ACPI 1.0" },
	{ GUID(0xeb9d2d32, 0x2d88, 0x11d3, 0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d), "SAL" },
	{ GUID(0xeb9d2d2f, 0x2d88, 0x11d3, 0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d), "MPS" },
};

/* UEFI_HANDOFF_TABLE_POINTERS: u64 count, then GUID and u64 address each. */
static bool handoff(struct body *b, struct slice bytes, const char *description)
{
	struct reader r = reader_over(bytes);
	uint64_t n = reader_u64le(&r);
	const char *names = "";

	if (r.failed || n > reader_left(&r) / (GUID_LEN + 8))
		return false;
	body_number(b, &b->out.root, "numberOfTables", n);
	struct field *list = body_list(b, &b->out.root, "tables");
	for (uint64_t i = 0; i < n; i++) {
		struct slice rest = { r.base + r.pos, reader_left(&r) };

		if (!body_item(b, rest))
			break;
		struct guid g = guid_of_bytes(reader_take(&r, GUID_LEN).p);
		uint64_t address = reader_u64le(&r);
		struct field *table = body_group(b, list, NULL);
		char text[GUID_TEXT];
		const char *name = NULL;

		for (size_t k = 0; k < sizeof tables / sizeof tables[0]; k++)
			if (guid_equal(&tables[k].guid, &g))
				name = tables[k].name;
		guid_format(&g, text);
		body_guid(b, table, "vendorGuid", name ? NULL : "name", &g);
		if (name)
			body_text(b, table, "name", name);
		body_number(b, table, "vendorTable", address);
		if (i < 8 && names)
			names = pool_printf(b->pool, "%s %s", names, name ? name : text);
	}
	if (!b->out.trouble)
		body_end(b, &r, "handoff tables");
	body_summary(b, "%s%s%" PRIu64 " table%s:%s%s", description, *description ? ": " : "", n,
		     n == 1 ? "" : "s", names ? names : "", n > 8 ? " …" : "");
	return true;
}

void body_handoff_tables(struct body *b)
{
	if (!handoff(b, b->ev->data, "") && !string(b, ""))
		opaque(b, "expected a count and as many configuration tables");
}

void body_handoff_tables2(struct body *b)
{
	struct reader r = reader_over(b->ev->data);
	struct slice description = reader_take(&r, reader_u8(&r));
	struct slice rest = { r.base + r.pos, reader_left(&r) };
	char *text = NULL;

	if (!r.failed && (description.n == 0 || body_text_of(b, description, &text) != TEXT_NONE)) {
		if (text)
			body_text(b, &b->out.root, "tableDescription", text);
		if (handoff(b, rest, text ? text : ""))
			return;
		body_summary(b, "handoff tables %s", text ? text : "");
		body_trouble(b, rest, "expected a count and as many configuration tables");
		return;
	}
	if (!string(b, ""))
		opaque(b, "expected a description and configuration tables");
}

/* ---- either ---- */

/* td-shim 0.8, TdShimPlatformConfigInfoHeader: a name of 16 bytes, u32 length, content. */
static bool td_shim(struct body *b)
{
	struct reader r = reader_over(b->ev->data);
	struct slice name = reader_take(&r, 16);
	uint32_t len = reader_u32le(&r);
	char *word, *text;

	if (r.failed || len != reader_left(&r) || memcmp(name.p, "td_", 3) != 0 ||
	    body_text_of(b, name, &word) != TEXT_UTF8)
		return false;
	struct slice content = reader_take(&r, len);
	body_text(b, &b->out.root, "signature", word);
	if (body_text_of(b, content, &text) == TEXT_UTF8) {
		body_text(b, &b->out.root, "string", text);
		body_summary(b, "td-shim %s: %s", word, text);
	} else {
		body_hex(b, &b->out.root, "data", content);
		body_summary(b, "td-shim %s, %u bytes", word, len);
	}
	return true;
}

/* EV_POST_CODE and its kin: text, or one of the two blobs, at firmware's choice. */
void body_string_or_blob(struct body *b)
{
	static const char fw_cfg[] =
		"QEMU FW CFG"; /* EDK2, OvmfPkg/Include/Library/TdvfPlatformInfoLib.h and others */
	struct slice data = b->ev->data, rest;
	char *text;

	if (string(b, ""))
		return;
	if (slice_at(data, 0, sizeof fw_cfg, &rest) && memcmp(rest.p, fw_cfg, sizeof fw_cfg) == 0 &&
	    slice_at(data, sizeof fw_cfg, data.n - sizeof fw_cfg, &rest) &&
	    body_text_of(b, rest, &text) == TEXT_UTF8) {
		body_text(b, &b->out.root, "signature", fw_cfg);
		body_text(b, &b->out.root, "file", text);
		body_summary(b, "QEMU's fw_cfg file %s", text);
	} else if (data.n == BLOB_LEN) {
		blob_fields(b, data, "blob");
	} else if (!blob2(b) && !td_shim(b) &&
		   !(b->ev->type == EV_TABLE_OF_DEVICES && handoff(b, data, ""))) {
		opaque(b, "neither text nor a blob's place: firmware's own format");
	}
}
