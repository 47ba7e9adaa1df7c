/*
 * What the Windows boot loader logs: SIPA events, each u32 id, u32 length, data, and containers of them (wbcl.h of the
 * Windows SDK 10.0.22621; the form of most data is not documented).
 */
#include "eventlog/event_body.h"

#include <inttypes.h>

#include "base/efi/variable.h"

enum {
	SIPA_HEADER = 8,
	SIPA_AGGREGATION = 0x40000000, /* the data is SIPA events again */
	DEPTH_MAX = 8,                 /* containers inside one another; Windows nests them two deep */
	NAMED_MAX = 3,
};

enum form {
	FORM_NUMBER, /* 1, 2, 4 or 8 bytes; others are shown as hex */
	FORM_FLAG,   /* the same, 0 or not */
	FORM_TEXT,   /* UTF-16 */
	FORM_BYTES,
};

static const struct {
	uint32_t id;
	const char *name;
	enum form form;
} known[] = {
	{ 0x40010001, "TrustBoundary", FORM_BYTES },
	{ 0x40010002, "ElamAggregation", FORM_BYTES },
	{ 0x40010003, "LoadedModuleAggregation", FORM_BYTES },
	{ 0xc0010004, "TrustpointAggregation", FORM_BYTES },
	{ 0x40010005, "KsrAggregation", FORM_BYTES },
	{ 0x40010006, "KsrSignedMeasurementAggregation", FORM_BYTES },
	{ 0x00020001, "Information", FORM_NUMBER },
	{ 0x00020002, "BootCounter", FORM_NUMBER },
	{ 0x00020003, "TransferControl", FORM_NUMBER },
	{ 0x00020004, "ApplicationReturn", FORM_NUMBER },
	{ 0x00020005, "BitlockerUnlock", FORM_NUMBER },
	{ 0x00020006, "EventCounter", FORM_NUMBER },
	{ 0x00020007, "CounterId", FORM_NUMBER },
	{ 0x00020008, "MorBitNotCancelable", FORM_NUMBER },
	{ 0x00020009, "ApplicationSvn", FORM_NUMBER },
	{ 0x0002000a, "SvnChainStatus", FORM_NUMBER },
	{ 0x0002000b, "MorBitApiStatus", FORM_NUMBER },
	{ 0x00030001, "FirmwareFailure", FORM_BYTES },
	{ 0x80030002, "TpmFailure", FORM_BYTES },
	{ 0x00030003, "InternalFailure", FORM_BYTES },
	{ 0x00040001, "BootDebugging", FORM_FLAG },
	{ 0x00040002, "BootRevocationList", FORM_BYTES },
	{ 0x00050001, "OsKernelDebug", FORM_FLAG },
	{ 0x00050002, "CodeIntegrity", FORM_FLAG },
	{ 0x00050003, "TestSigning", FORM_FLAG },
	{ 0x00050004, "DataExecutionPrevention", FORM_NUMBER },
	{ 0x00050005, "SafeMode", FORM_FLAG },
	{ 0x00050006, "WinPe", FORM_FLAG },
	{ 0x00050007, "PhysicalAddressExtension", FORM_NUMBER },
	{ 0x00050008, "OsDevice", FORM_NUMBER },
	{ 0x00050009, "SystemRoot", FORM_TEXT },
	{ 0x0005000a, "HypervisorLaunchType", FORM_NUMBER },
	{ 0x0005000b, "HypervisorPath", FORM_TEXT },
	{ 0x0005000c, "HypervisorIommuPolicy", FORM_NUMBER },
	{ 0x0005000d, "HypervisorDebug", FORM_FLAG },
	{ 0x0005000e, "DriverLoadPolicy", FORM_NUMBER },
	{ 0x0005000f, "SiPolicy", FORM_BYTES },
	{ 0x00050010, "HypervisorMmioNxPolicy", FORM_NUMBER },
	{ 0x00050011, "HypervisorMsrFilterPolicy", FORM_NUMBER },
	{ 0x00050012, "VsmLaunchType", FORM_NUMBER },
	{ 0x00050013, "OsRevocationList", FORM_BYTES },
	{ 0x00050014, "SmtStatus", FORM_NUMBER },
	{ 0x00050020, "VsmIdkInfo", FORM_BYTES },
	{ 0x00050021, "FlightSigning", FORM_FLAG },
	{ 0x00050022, "PagefileEncryptionEnabled", FORM_FLAG },
	{ 0x00050023, "VsmIdksInfo", FORM_BYTES },
	{ 0x00050024, "HibernationDisabled", FORM_FLAG },
	{ 0x00050025, "DumpsDisabled", FORM_FLAG },
	{ 0x00050026, "DumpEncryptionEnabled", FORM_FLAG },
	{ 0x00050027, "DumpEncryptionKeyDigest", FORM_BYTES },
	{ 0x00050028, "LsaIsoConfig", FORM_NUMBER },
	{ 0x00050029, "SbcpInfo", FORM_BYTES },
	{ 0x00050030, "HypervisorBootDmaProtection", FORM_NUMBER },
	{ 0x00050031, "SiPolicySigner", FORM_BYTES },
	{ 0x00050032, "SiPolicyUpdateSigner", FORM_BYTES },
	{ 0x00060001, "NoAuthority", FORM_FLAG },
	{ 0x00060002, "AuthorityPubKey", FORM_BYTES },
	{ 0x00070001, "FilePath", FORM_TEXT },
	{ 0x00070002, "ImageSize", FORM_NUMBER },
	{ 0x00070003, "HashAlgorithmId", FORM_NUMBER },
	{ 0x00070004, "AuthenticodeHash", FORM_BYTES },
	{ 0x00070005, "AuthorityIssuer", FORM_TEXT },
	{ 0x00070006, "AuthoritySerial", FORM_BYTES },
	{ 0x00070007, "ImageBase", FORM_NUMBER },
	{ 0x00070008, "AuthorityPublisher", FORM_TEXT },
	{ 0x00070009, "AuthoritySha1Thumbprint", FORM_BYTES },
	{ 0x0007000a, "ImageValidated", FORM_FLAG },
	{ 0x0007000b, "ModuleSvn", FORM_NUMBER },
	{ 0x0007000c, "ModulePluton", FORM_BYTES },
	{ 0x0007000d, "ModuleOriginalFilename", FORM_TEXT },
	{ 0x0007000e, "ModuleVersion", FORM_BYTES },
	{ 0x80080001, "Quote", FORM_BYTES },
	{ 0x80080002, "QuoteSignature", FORM_BYTES },
	{ 0x80080003, "AikId", FORM_TEXT },
	{ 0x80080004, "AikPubDigest", FORM_BYTES },
	{ 0x00090001, "ElamKeyname", FORM_TEXT },
	{ 0x00090002, "ElamConfiguration", FORM_BYTES },
	{ 0x00090003, "ElamPolicy", FORM_BYTES },
	{ 0x00090004, "ElamMeasured", FORM_BYTES },
	{ 0x000a0001, "VbsVsmRequired", FORM_FLAG },
	{ 0x000a0002, "VbsSecurebootRequired", FORM_FLAG },
	{ 0x000a0003, "VbsIommuRequired", FORM_FLAG },
	{ 0x000a0004, "VbsMmioNxRequired", FORM_FLAG },
	{ 0x000a0005, "VbsMsrFilteringRequired", FORM_FLAG },
	{ 0x000a0006, "VbsMandatoryEnforcement", FORM_FLAG },
	{ 0x000a0007, "VbsHvciPolicy", FORM_BYTES },
	{ 0x000a0008, "VbsMicrosoftBootChainRequired", FORM_FLAG },
	{ 0x000b0001, "KsrSignature", FORM_BYTES },
	{ 0x000c0001, "DrtmStateAuth", FORM_BYTES },
	{ 0x000c0002, "DrtmSmmLevel", FORM_NUMBER },
	{ 0x000c0003, "DrtmAmdSmmHash", FORM_BYTES },
	{ 0x000c0004, "DrtmAmdSmmSignerKey", FORM_BYTES },
};

static void value(struct body *b, struct field *g, enum form form, struct slice data)
{
	uint64_t number = data.n == 1 ? data.p[0] :
			  data.n == 2 ? get_u16le(data.p) :
			  data.n == 4 ? get_u32le(data.p) :
			  data.n == 8 ? get_u64le(data.p) :
					0;
	bool is_number = data.n == 1 || data.n == 2 || data.n == 4 || data.n == 8;

	if (form == FORM_TEXT && data.n % 2 == 0)
		body_text(b, g, "string", utf16le_text(b->pool, data));
	else if (form == FORM_FLAG && is_number && number <= 1)
		body_bool(b, g, "enabled", number);
	else if ((form == FORM_NUMBER || form == FORM_FLAG) && is_number)
		body_number(b, g, "value", number);
	else
		body_hex(b, g, "data", data);
}

struct walk {
	struct body *b;
	const char *names; /* of the first events, for the summary */
	const char *file;  /* of the first loaded module */
	size_t n;
};

static void series(struct walk *w, struct field *parent, struct slice bytes, unsigned depth);

/* One event of a series, into g: a value, or a container with a series of its own. */
static void item(struct walk *w, struct field *g, uint32_t id, struct slice data, unsigned depth)
{
	struct body *b = w->b;
	size_t row = 0;

	while (row < sizeof known / sizeof known[0] && known[row].id != id)
		row++;
	bool found = row < sizeof known / sizeof known[0];
	body_number(b, g, "id", id);
	if (found)
		body_text(b, g, "name", known[row].name);
	if (depth > 0 && !(id & SIPA_AGGREGATION) && found && w->n++ < NAMED_MAX && w->names)
		w->names = pool_printf(b->pool, "%s%s%s", w->names, *w->names ? ", " : "", known[row].name);
	if (!(id & SIPA_AGGREGATION)) {
		value(b, g, found ? known[row].form : FORM_BYTES, data);
		if (id == 0x00070001 && !w->file && data.n % 2 == 0)
			w->file = utf16le_text(b->pool, data);
	} else if (depth + 1 < DEPTH_MAX) {
		series(w, g, data, depth + 1);
	} else {
		body_hex(b, g, "data", data);
		body_trouble(b, data, "more than %d containers inside one another", DEPTH_MAX);
	}
}

static void series(struct walk *w, struct field *parent, struct slice bytes, unsigned depth)
{
	struct body *b = w->b;
	struct field *list = body_list(b, parent, "events");
	struct reader r = reader_over(bytes);

	while (reader_left(&r)) {
		struct slice rest = { r.base + r.pos, reader_left(&r) };
		struct reader at = r;
		uint32_t id = reader_u32le(&r), len = reader_u32le(&r);
		/* A container that is cut short still shows what is there. */
		bool cut = !r.failed && len > reader_left(&r) && id & SIPA_AGGREGATION;
		struct slice data = reader_take(&r, cut ? reader_left(&r) : len);

		if (r.failed) {
			body_trouble_at(b, &at,
					"%zu bytes that are no Windows boot event (u32 id, u32 length, data)",
					reader_left(&at));
			return;
		}
		if (!body_item(b, rest))
			return;
		item(w, body_group(b, list, NULL), id, data, depth);
		if (cut)
			body_trouble(b, data, "a container of %u bytes of which there are %zu", len, data.n);
	}
}

void body_windows(struct body *b, struct field *parent, struct slice bytes)
{
	struct walk w = { .b = b, .names = "" };
	uint32_t id = bytes.n >= SIPA_HEADER ? get_u32le(bytes.p) : 0;
	const char *name = "events";

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (known[i].id == id)
			name = known[i].name;
	series(&w, parent, bytes, 0);
	body_text(b, parent, "writer", "Windows boot loader");
	if (w.file)
		body_summary(b, "Windows %s: %s", name, w.file);
	else
		body_summary(b, "Windows %s%s%s%s", name, w.names && *w.names ? ": " : "",
			     w.names ? w.names : "", w.n > NAMED_MAX ? ", …" : "");
}
