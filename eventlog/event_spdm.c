/*
 * What firmware learnt from a device over SPDM: TCG_DEVICE_SECURITY_EVENT_DATA and _DATA2 (PFP 1.06, section 10.2.7;
 * EDK2 UefiTcgPlatform.h; DMTF DSP0274 1.2, section 10.11.1 for the measurement block).
 */
#include "eventlog/event_body.h"

enum {
	SIGNATURE_LEN = 16,
	DEVICE_PCI = 1,
	DEVICE_USB = 2,
	SUB_MEASUREMENT = 0,
	SUB_CERT_CHAIN = 1,
	DMTF_SPECIFICATION = 1, /* bit 0 of MeasurementSpecification */
};

/* SPDM measurement block: u8 index, u8 specification, u16 size, then for the DMTF's: u8 type, u16 size, value. */
static void measurement_block(struct body *b, struct field *parent, struct reader *r)
{
	struct field *g = body_group(b, parent, "measurementBlock");
	uint8_t index = reader_u8(r), specification = reader_u8(r);
	struct slice measurement = reader_take(r, reader_u16le(r));

	if (r->failed) {
		body_trouble_at(b, r, "the SPDM measurement block is cut short");
		return;
	}
	body_number(b, g, "index", index);
	body_number(b, g, "measurementSpecification", specification);
	struct reader m = reader_over(measurement);
	uint8_t type = reader_u8(&m);
	struct slice value = reader_take(&m, reader_u16le(&m));
	if (specification == DMTF_SPECIFICATION && !m.failed) {
		body_number(b, g, "valueType", type & 0x7f);
		body_bool(b, g, "isRaw", type & 0x80);
		body_hex(b, g, "value", value);
	} else {
		body_hex(b, g, "measurement", measurement);
	}
}

static void device_context(struct body *b, struct field *parent, struct reader *r, uint32_t type)
{
	if (!reader_left(r))
		return;
	struct reader start = *r;
	uint16_t version = reader_u16le(r), len = reader_u16le(r);
	struct field *g = body_group(b, parent, "deviceContext");
	if (type == DEVICE_PCI) {
		uint16_t vendor = reader_u16le(r), device = reader_u16le(r);
		uint8_t revision = reader_u8(r);
		struct slice class = reader_take(r, 3);
		uint16_t sub_vendor = reader_u16le(r), sub_device = reader_u16le(r);

		if (!r->failed) {
			body_number(b, g, "version", version);
			body_number(b, g, "vendorId", vendor);
			body_number(b, g, "deviceId", device);
			body_number(b, g, "revisionId", revision);
			body_hex(b, g, "classCode", class);
			body_number(b, g, "subsystemVendorId", sub_vendor);
			body_number(b, g, "subsystemId", sub_device);
			body_summary(b, "%s, PCI device %04x:%04x", b->out.summary ? b->out.summary : "",
				     vendor, device);
			body_end(b, r, "PCI device context");
			return;
		}
	} else if (!r->failed && len >= 4) {
		struct slice descriptors = reader_take(r, (uint64_t)len - 4);

		if (!r->failed) {
			body_number(b, g, "version", version);
			body_hex(b, g, type == DEVICE_USB ? "descriptors" : "data", descriptors);
			body_end(b, r, "device context");
			return;
		}
	}
	body_trouble_at(b, &start, "the device context is cut short");
}

static void version1(struct body *b, struct field *parent, struct reader *r)
{
	uint16_t version = reader_u16le(r), len = reader_u16le(r);
	uint32_t hash = reader_u32le(r), type = reader_u32le(r);

	if (r->failed) {
		body_trouble_at(b, r, "the device's event is cut short");
		return;
	}
	body_number(b, parent, "version", version);
	body_number(b, parent, "length", len);
	body_number(b, parent, "spdmHashAlgo", hash);
	body_number(b, parent, "deviceType", type);
	measurement_block(b, parent, r);
	if (!r->failed)
		device_context(b, parent, r, type);
}

/* What stands between the device path and the context. False: it is cut short, so nothing behind it is looked at. */
static bool sub_header(struct body *b, struct field *parent, uint32_t sub_type, struct slice sub)
{
	struct reader s = reader_over(sub);

	if (sub_type != SUB_MEASUREMENT && sub_type != SUB_CERT_CHAIN) {
		body_hex(b, parent, "subHeader", sub);
		return true;
	}
	uint16_t spdm = reader_u16le(&s);
	uint8_t count = reader_u8(&s);
	(void)reader_u8(&s); /* reserved */
	uint32_t hash = reader_u32le(&s);

	if (s.failed) {
		body_trouble(b, sub, "the sub-header is cut short");
		return false;
	}
	body_number(b, parent, "spdmVersion", spdm);
	body_number(b, parent, sub_type == SUB_MEASUREMENT ? "measurementBlockCount" : "slotId", count);
	body_number(b, parent, "spdmHashAlgo", hash);
	if (sub_type == SUB_MEASUREMENT)
		measurement_block(b, parent, &s);
	else
		body_hex(b, parent, "certificateChain", (struct slice){ s.base + s.pos, reader_left(&s) });
	return true;
}

static void version2(struct body *b, struct field *parent, struct reader *r)
{
	static const char *const states[] = { "success", "no authentication", "no binding", "no signature",
					      "invalid signature" };
	uint16_t version = reader_u16le(r);
	uint8_t auth = reader_u8(r);
	(void)reader_u8(r); /* reserved */
	uint32_t len = reader_u32le(r), type = reader_u32le(r), sub_type = reader_u32le(r),
		 sub_len = reader_u32le(r);
	uint64_t uid = reader_u64le(r);
	struct slice path = reader_take(r, reader_u64le(r));
	struct slice sub = reader_take(r, sub_len);

	if (r->failed) {
		body_trouble_at(b, r, "the device's event is cut short");
		return;
	}
	body_number(b, parent, "version", version);
	body_number(b, parent, "authState", auth);
	body_text(b, parent, "authStateName",
		  auth < sizeof states / sizeof states[0] ? states[auth] :
		  auth == 0xff                            ? "no SPDM" :
							    "unknown");
	body_number(b, parent, "length", len);
	body_number(b, parent, "deviceType", type);
	body_number(b, parent, "subHeaderType", sub_type);
	body_number(b, parent, "subHeaderUid", uid);
	const char *what = body_device_path(b, parent, "devicePath", path);
	body_summary(b, "SPDM %s of %s", sub_type == SUB_CERT_CHAIN ? "certificates" : "measurement",
		     what ? what : "a device");
	if (sub_header(b, parent, sub_type, sub))
		device_context(b, parent, r, type);
}

void body_device_security(struct body *b, struct field *parent, struct slice bytes)
{
	struct reader r = reader_over(bytes);
	struct slice signature = reader_take(&r, SIGNATURE_LEN);

	body_summary(b, "SPDM measurement");
	if (!r.failed && memcmp(signature.p, "SPDM Device Sec", SIGNATURE_LEN) == 0) {
		body_text(b, parent, "deviceSignature", "SPDM Device Sec");
		version1(b, parent, &r);
	} else if (!r.failed && memcmp(signature.p, "SPDM Device Sec2", SIGNATURE_LEN) == 0) {
		body_text(b, parent, "deviceSignature", "SPDM Device Sec2");
		version2(b, parent, &r);
	} else {
		body_trouble(b, bytes, "expected \"SPDM Device Sec\" or \"SPDM Device Sec2\"");
	}
}

void body_spdm(struct body *b)
{
	body_device_security(b, &b->out.root, b->ev->data);
}
