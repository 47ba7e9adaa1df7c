/*
 * EV_NO_ACTION: events that are logged but not extended (PFP 1.06, section 10.4.5). The first 16 bytes say which.
 */
#include "eventlog/event_body.h"

#include <inttypes.h>

#include "base/efi/device_path.h"
#include "base/efi/variable.h"

enum { SIGNATURE_LEN = 16 };

/* ---- Spec ID (section 10.4.5.1; TCG PC Client Specific Implementation Specification 1.21, section 11.3.4.1) ---- */

static void spec_id_end(struct body *b, struct reader *r)
{
	struct slice vendor = reader_take(r, reader_u8(r));

	if (r->failed) {
		body_trouble_at(b, r, "the vendor's information runs past the end of the event");
		return;
	}
	body_hex(b, &b->out.root, "vendorInfo", vendor);
	body_end(b, r, "Spec ID event");
}

static void spec_id(struct body *b, struct reader *r)
{
	bool agile = memcmp(b->ev->data.p, "Spec ID Event03", SIGNATURE_LEN) == 0;
	uint32_t class = reader_u32le(r);
	uint8_t minor = reader_u8(r), major = reader_u8(r), errata = reader_u8(r), uintn = reader_u8(r);
	uint32_t n = agile ? reader_u32le(r) : 0;

	body_summary(b, "log header");
	if (r->failed || n > reader_left(r) / 4) {
		body_trouble_at(b, r, "the Spec ID event is cut short");
		return;
	}
	body_number(b, &b->out.root, "platformClass", class);
	body_number(b, &b->out.root, "specVersionMajor", major);
	body_number(b, &b->out.root, "specVersionMinor", minor);
	body_number(b, &b->out.root, "specErrata", errata);
	body_number(b, &b->out.root, "uintnSize", uintn);
	if (agile) {
		struct field *list = body_list(b, &b->out.root, "digestSizes");

		for (uint32_t i = 0; i < n; i++) {
			struct slice rest = { r->base + r->pos, reader_left(r) };

			if (!body_item(b, rest))
				return;
			uint16_t id = reader_u16le(r), len = reader_u16le(r);
			enum alg alg = alg_by_tpm_id(id);
			struct field *row = body_group(b, list, NULL);

			body_number(b, row, "algorithmId", id);
			if (alg != ALG_COUNT)
				body_text(b, row, "algorithm", algs[alg].name);
			body_number(b, row, "digestSize", len);
		}
	}
	body_summary(b, "log header: specification %u.%u errata %u, %s platform", major, minor, errata,
		     class == 0 ? "client" :
		     class == 1 ? "server" :
				  "unknown");
	spec_id_end(b, r);
}

/* ---- startup (sections 10.4.5.3 and 10.4.5.2) ---- */

static void startup_locality(struct body *b, struct reader *r)
{
	uint8_t locality = reader_u8(r);

	body_summary(b, "startup locality");
	if (r->failed) {
		body_trouble_at(b, r, "the locality is missing");
		return;
	}
	body_number(b, &b->out.root, "startupLocality", locality);
	body_summary(b, "startup locality %u", locality);
	body_end(b, r, "startup locality");
}

/* "H-CRTM CompMeas": what a component in front of the S-CRTM measured. */
static void hcrtm_component(struct body *b, struct reader *r)
{
	struct slice description = reader_take(r, reader_u8(r));
	uint8_t format = reader_u8(r);
	struct slice measurement = reader_take(r, reader_u16le(r));

	body_summary(b, "H-CRTM component");
	if (r->failed) {
		body_trouble_at(b, r, "the H-CRTM component measurement is cut short");
		return;
	}
	body_string(b, &b->out.root, "componentDescription", description);
	body_number(b, &b->out.root, "measurementFormatType", format);
	if (format == 0 && measurement.n > 2) {
		/* TPMT_HA, which is big endian */
		uint16_t id = (uint16_t)(measurement.p[0] << 8 | measurement.p[1]);
		enum alg alg = alg_by_tpm_id(id);

		body_number(b, &b->out.root, "algorithmId", id);
		if (alg != ALG_COUNT)
			body_text(b, &b->out.root, "algorithm", algs[alg].name);
		body_hex(b, &b->out.root, "digest", (struct slice){ measurement.p + 2, measurement.n - 2 });
	} else {
		body_hex(b, &b->out.root, "measurement", measurement);
	}
	const struct field *f = field_find(&b->out.root, "componentDescription");
	body_summary(b, "H-CRTM component%s%s", f && f->text && *f->text ? " " : "",
		     f && f->text ? f->text : "");
	body_end(b, r, "H-CRTM component measurement");
}

/* ---- reference manifests (SP800-155; section 10.4.5.4 and on) ---- */

static void locator(struct body *b, struct reader *r, const char *name)
{
	static const char *const kinds[] = { "raw", "uri", "device-path", "variable" };
	uint32_t type = reader_u32le(r);
	struct slice bytes = reader_take(r, reader_u32le(r));

	if (r->failed)
		return;
	struct field *g = body_group(b, &b->out.root, name);
	body_number(b, g, "type", type);
	body_text(b, g, "typeName", type < sizeof kinds / sizeof kinds[0] ? kinds[type] : "unknown");
	if (type == 1) {
		body_string(b, g, "uri", bytes);
	} else if (type == 2) {
		(void)body_device_path(b, g, "devicePath", bytes);
	} else if (type == 3 && bytes.n >= GUID_LEN) {
		struct guid guid = guid_of_bytes(bytes.p);

		body_guid(b, g, "variableName", "vendor", &guid);
		body_text(b, g, "unicodeName",
			  utf16le_text(b->pool, (struct slice){ bytes.p + GUID_LEN, bytes.n - GUID_LEN }));
	} else {
		body_hex(b, g, "data", bytes);
	}
}

/* version 1 ends with the GUID, 2 with the firmware's version, 3 with two locators. */
static void reference_manifest(struct body *b, struct reader *r, int version)
{
	static const char *const names[] = { "platformManufacturer", "platformModel", "platformVersion",
					     "firmwareManufacturer" };
	uint32_t vendor = reader_u32le(r);
	struct slice guid = reader_take(r, GUID_LEN);
	char text[GUID_TEXT];

	body_summary(b, "reference manifest");
	if (r->failed) {
		body_trouble_at(b, r, "the reference manifest's identity is cut short");
		return;
	}
	struct guid id = guid_of_bytes(guid.p);
	guid_format(&id, text);
	body_number(b, &b->out.root, "vendorId", vendor);
	body_guid(b, &b->out.root, "referenceManifestGuid", NULL, &id);
	body_summary(b, "reference manifest %s", text);
	for (size_t i = 0; version >= 2 && i < sizeof names / sizeof names[0] && !r->failed; i++) {
		struct slice value = reader_take(r, reader_u8(r));

		if (!r->failed)
			body_string(b, &b->out.root, names[i], value);
	}
	if (version >= 2) {
		uint32_t manufacturer = reader_u32le(r);
		struct slice firmware = reader_take(r, reader_u8(r));

		if (!r->failed) {
			body_number(b, &b->out.root, "firmwareManufacturerId", manufacturer);
			body_string(b, &b->out.root, "firmwareVersion", firmware);
		}
	}
	if (version >= 3) {
		locator(b, r, "rimLocator");
		locator(b, r, "platformCertLocator");
	}
	if (r->failed) {
		body_trouble_at(b, r, "the reference manifest event is cut short");
		return;
	}
	const struct field *maker = field_find(&b->out.root, "platformManufacturer"),
			   *model = field_find(&b->out.root, "platformModel");
	if (maker && model && maker->text && model->text)
		body_summary(b, "reference manifest %s for %s %s", text, maker->text, model->text);
	body_end(b, r, "reference manifest");
}

static void reference_manifest1(struct body *b, struct reader *r)
{
	reference_manifest(b, r, 1);
}

static void reference_manifest2(struct body *b, struct reader *r)
{
	reference_manifest(b, r, 2);
}

static void reference_manifest3(struct body *b, struct reader *r)
{
	reference_manifest(b, r, 3);
}

/* ---- what is extended into NV indices (PFP 1.06, sections 10.4.5.6 and 10.4.5.7; EDK2 UefiTcgPlatform.h) ---- */

static void nv_instance(struct body *b, struct reader *r)
{
	uint16_t version = reader_u16le(r);
	(void)reader_take(r, 6); /* reserved */

	body_summary(b, "NV index instance");
	if (r->failed) {
		body_trouble_at(b, r, "the NV index event is cut short");
		return;
	}
	body_number(b, &b->out.root, "version", version);
	body_device_security(b, &b->out.root, (struct slice){ r->base + r->pos, reader_left(r) });
	const char *inner = b->out.summary;
	body_summary(b, "NV index instance: %s", inner ? inner : "");
}

static void nv_dynamic(struct body *b, struct reader *r)
{
	uint16_t version = reader_u16le(r);
	(void)reader_take(r, 6); /* reserved */
	uint64_t uid = reader_u64le(r);
	struct slice description = reader_take(r, reader_u16le(r)), data = reader_take(r, reader_u16le(r));

	body_summary(b, "NV index dynamic data");
	if (r->failed) {
		body_trouble_at(b, r, "the NV index event is cut short");
		return;
	}
	body_number(b, &b->out.root, "version", version);
	body_number(b, &b->out.root, "uid", uid);
	body_string(b, &b->out.root, "description", description);
	body_hex(b, &b->out.root, "data", data);
	const struct field *f = field_find(&b->out.root, "description");
	if (f && f->text)
		body_summary(b, "NV index dynamic data: %s", f->text);
	body_end(b, r, "NV index event");
}

/* ---- dispatch ---- */

/* Each signature with its NUL, or all 16 characters. */
static const struct {
	char signature[SIGNATURE_LEN + 1];
	void (*decode)(struct body *b, struct reader *r);
} kinds[] = {
	{ "Spec ID Event00", spec_id },
	{ "Spec ID Event02", spec_id },
	{ "Spec ID Event03", spec_id },
	{ "StartupLocality", startup_locality },
	{ "H-CRTM CompMeas", hcrtm_component },
	{ "SP800-155 Event", reference_manifest1 },
	{ "SP800-155 Event2", reference_manifest2 },
	{ "SP800-155 Event3", reference_manifest3 },
	{ "NvIndexInstance", nv_instance },
	{ "NvIndexDynamic ", nv_dynamic },
};

/* Windows logs a container of its own, or several, that way: wbcl.h, SIPAEVENTTYPE_NONMEASURED. */
static bool looks_windows(struct slice data)
{
	return data.n >= 8 && (get_u32le(data.p) & 0xfff00000) != 0 && (get_u32le(data.p) & 0x3ff00000) == 0;
}

void body_no_action(struct body *b)
{
	struct reader r = reader_over(b->ev->data);
	struct slice signature = reader_take(&r, SIGNATURE_LEN);

	for (size_t i = 0; !r.failed && i < sizeof kinds / sizeof kinds[0]; i++)
		if (memcmp(signature.p, kinds[i].signature, SIGNATURE_LEN) == 0) {
			body_text(b, &b->out.root, "signature", kinds[i].signature);
			kinds[i].decode(b, &r);
			return;
		}
	if (looks_windows(b->ev->data))
		body_windows(b, &b->out.root, b->ev->data);
	else
		body_plain(b);
}
