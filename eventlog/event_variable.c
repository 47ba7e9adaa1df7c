/*
 * Variables: UEFI_VARIABLE_DATA (PFP 1.06, section 10.4.2), with the content of those whose form is known (UEFI 2.10,
 * sections 3.3 and 32; shim's MokVars.txt).
 */
#include "eventlog/event_body.h"

#include "base/efi/certificate.h"
#include "base/efi/device_path.h"
#include "base/efi/signature_list.h"
#include "base/efi/variable.h"

enum {
	SHIM_EXTRA =
		6, /* bytes that shim before 15.2 (2019) appended, having taken its structure's padding for data */
	NAMED_MAX = 3,     /* certificates that the summary names */
	SHORT_TEXT = 120,  /* characters of a text in the summary */
	OPTION_DIGITS = 4, /* Boot#### */
};

/* ---- certificates and signatures ---- */

/* The common name in an RFC 2253 name, or all of it. */
static const char *common_name(struct body *b, const char *subject)
{
	const char *at = strncmp(subject, "CN=", 3) == 0 ? subject : strstr(subject, ",CN=");
	size_t n = 0;

	if (!at)
		return subject;
	at += *at == ',' ? 4 : 3;
	while (at[n] && at[n] != ',')
		n += at[n] == '\\' && at[n + 1] ? 2 : 1;
	const char *name = pool_text(b->pool, at, n);
	if (!name)
		b->failed = true;
	return name ? name : subject;
}

/* The fields of a certificate; its name, or NULL when the bytes are none. */
static const char *certificate(struct body *b, struct field *parent, struct slice der)
{
	struct certificate c;

	if (!certificate_read(b->pool, der, &c))
		return NULL;
	const uint8_t *sha256 = pool_copy(b->pool, c.sha256.bytes, algs[ALG_SHA256].len);
	if (!sha256) {
		b->failed = true;
		return NULL;
	}
	body_text(b, parent, "subject", c.subject);
	body_text(b, parent, "issuer", c.issuer);
	body_hex(b, parent, "certificateSha256", (struct slice){ sha256, algs[ALG_SHA256].len });
	if (c.len < der.n)
		body_hex(b, parent, "bytesBehindCertificate", (struct slice){ der.p + c.len, der.n - c.len });
	return common_name(b, c.subject);
}

/* EFI_TIME (UEFI 2.10, section 8.3): u16 year, u8 month, day, hour, minute, second. */
static void revocation_time(struct body *b, struct field *parent, struct slice t)
{
	if (t.n < 16)
		return;
	if (get_u16le(t.p) == 0)
		body_text(b, parent, "timeOfRevocation", "always");
	else
		body_text(b, parent, "timeOfRevocation",
			  pool_printf(b->pool, "%04u-%02u-%02u %02u:%02u:%02u", get_u16le(t.p), t.p[2],
				      t.p[3], t.p[4], t.p[5], t.p[6]));
}

struct account {
	size_t lists, certificates, hashes, others;
	const char *names; /* of the first certificates */
};

/* One EFI_SIGNATURE_DATA of a known or unknown type. */
static void signature(struct body *b, struct field *parent, const struct esl_type *type,
		      struct esl_signature s, struct account *a)
{
	const char *name = NULL;

	body_guid(b, parent, "signatureOwner", "ownerName", &s.owner);
	if (type && type->kind == ESL_CERTIFICATE)
		name = certificate(b, parent, s.data);
	if (name) {
		if (a->certificates++ < NAMED_MAX && a->names)
			a->names = pool_printf(b->pool, "%s%s%s", a->names, *a->names ? ", " : "", name);
	} else if (type && type->hash_len && s.data.n >= type->hash_len) {
		body_hex(b, parent, "digest", (struct slice){ s.data.p, type->hash_len });
		if (type->kind == ESL_CERT_HASH)
			revocation_time(
				b, parent,
				(struct slice){ s.data.p + type->hash_len, s.data.n - type->hash_len });
		a->hashes++;
	} else {
		body_hex(b, parent, "signatureData", s.data);
		a->others++;
	}
}

/* "2 certificates (A, B), 77 hashes" */
static const char *account_text(struct body *b, const struct account *a)
{
	if (a->certificates + a->hashes + a->others == 0)
		return "empty";
	const char *s = "";
	if (a->certificates)
		s = pool_printf(b->pool, "%zu certificate%s (%s%s)", a->certificates,
				a->certificates == 1 ? "" : "s", a->names ? a->names : "",
				a->certificates > NAMED_MAX ? ", …" : "");
	if (s && a->hashes)
		s = pool_printf(b->pool, "%s%s%zu hash%s", s, *s ? ", " : "", a->hashes,
				a->hashes == 1 ? "" : "es");
	if (s && a->others)
		s = pool_printf(b->pool, "%s%s%zu other signature%s", s, *s ? ", " : "", a->others,
				a->others == 1 ? "" : "s");
	if (!s)
		b->failed = true;
	return s ? s : "";
}

const char *body_signature_lists(struct body *b, struct field *parent, struct slice bytes)
{
	struct field *lists = body_list(b, parent, "signatureLists");
	struct account a = { .names = "" };

	while (bytes.n) {
		struct esl list;
		const char *why = esl_next(b->pool, &bytes, &list);

		if (why) {
			body_trouble(b, bytes, "%s", why);
			break;
		}
		const struct esl_type *type = esl_type_find(&list.type);
		struct field *g = body_group(b, lists, NULL);
		if (type)
			body_text(b, g, "signatureType", type->name);
		else
			body_guid(b, g, "signatureType", NULL, &list.type);
		if (list.header.n)
			body_hex(b, g, "signatureHeader", list.header);
		struct field *signatures = body_list(b, g, "signatures");
		for (size_t i = 0; i < list.n; i++) {
			struct slice rest = { list.signatures.p + i * list.signature_len,
					      list.signatures.n - i * list.signature_len };

			if (!body_item(b, rest))
				return account_text(b, &a);
			signature(b, body_group(b, signatures, NULL), type, esl_signature(&list, i), &a);
		}
		a.lists++;
	}
	return account_text(b, &a);
}

/*
 * What allowed an image to run: one EFI_SIGNATURE_DATA, without the list that tells its type (EDK2,
 * DxeImageVerificationLib; shim, tpm.c), or for shim's own certificate the DER alone.
 */
static bool authority(struct body *b, const char *name, struct slice data)
{
	const char *subject = NULL;
	struct guid owner;

	if (data.n > GUID_LEN) {
		struct field probe = { .kind = FIELD_GROUP };
		struct slice der = { data.p + GUID_LEN, data.n - GUID_LEN };

		owner = guid_of_bytes(data.p);
		if (certificate(b, &probe, der)) {
			body_guid(b, &b->out.root, "signatureOwner", "ownerName", &owner);
			subject = certificate(b, &b->out.root, der);
		}
	}
	if (!subject)
		subject = certificate(b, &b->out.root, data);
	if (subject) {
		body_summary(b, "%s: authority %s", name, subject);
		return true;
	}
	if (data.n == GUID_LEN + 32 || data.n == GUID_LEN + 20 || data.n == GUID_LEN + 48 ||
	    data.n == GUID_LEN + 64) {
		owner = guid_of_bytes(data.p);
		body_guid(b, &b->out.root, "signatureOwner", "ownerName", &owner);
		body_hex(b, &b->out.root, "digest", (struct slice){ data.p + GUID_LEN, data.n - GUID_LEN });
		body_summary(b, "%s: authority is a hash", name);
		return true;
	}
	return false;
}

/* ---- forms of variables ---- */

static bool is_authority(const struct body *b)
{
	return b->ev->type == EV_EFI_VARIABLE_AUTHORITY || b->ev->type == EV_EFI_SPDM_DEVICE_AUTHORITY;
}

static bool flag(struct body *b, const char *name, struct slice data)
{
	if (data.n != 1)
		return false;
	if (data.p[0] <= 1)
		body_bool(b, &b->out.root, "enabled", data.p[0]);
	else
		body_number(b, &b->out.root, "value", data.p[0]);
	body_summary(b, "%s: %s", name,
		     data.p[0] == 0 ? "off" :
		     data.p[0] == 1 ? "on" :
				      "neither on nor off");
	return true;
}

static bool byte(struct body *b, const char *name, struct slice data)
{
	if (data.n != 1)
		return false;
	body_number(b, &b->out.root, "value", data.p[0]);
	body_summary(b, "%s: %u", name, data.p[0]);
	return true;
}

static bool signatures(struct body *b, const char *name, struct slice data)
{
	struct slice rest = data;
	struct esl list;

	if (is_authority(b) && authority(b, name, data))
		return true;
	if (esl_next(b->pool, &rest, &list) != NULL && is_authority(b))
		return false;
	const char *account = body_signature_lists(b, &b->out.root, data);
	body_summary(b, "%s: %s", name, account);
	return true;
}

static bool text(struct body *b, const char *name, struct slice data)
{
	char *s;

	if (body_text_of(b, data, &s) == TEXT_NONE)
		return false;
	body_text(b, &b->out.root, "string", s);
	size_t n = strlen(s);
	while (n && (s[n - 1] == '\n' || s[n - 1] == '\r'))
		n--;
	const char *line = pool_text(b->pool, s, n);
	body_summary(b, "%s: %s", name, line ? body_shorten(b, line, SHORT_TEXT) : "");
	return true;
}

/* BootOrder and its kin: u16 each. */
static bool order(struct body *b, const char *name, struct slice data)
{
	size_t prefix = strlen(name) >= 5 ? strlen(name) - 5 : 0; /* without "Order" */
	const char *all = "";

	if (data.n % 2)
		return false;
	struct field *list = body_list(b, &b->out.root, "order");
	for (size_t i = 0; i < data.n; i += 2) {
		struct slice rest = { data.p + i, data.n - i };

		if (!body_item(b, rest))
			break;
		const char *one = pool_printf(b->pool, "%.*s%04X", (int)prefix, name, get_u16le(data.p + i));

		body_text(b, list, NULL, one);
		if (i < 64 && all)
			all = pool_printf(b->pool, "%s%s%04X", all, i ? ", " : "", get_u16le(data.p + i));
	}
	body_summary(b, "%s: %s%s", name, all ? all : "", data.n > 64 ? ", …" : "");
	return true;
}

static bool number16(struct body *b, const char *name, struct slice data)
{
	if (data.n != 2)
		return false;
	body_number(b, &b->out.root, "value", get_u16le(data.p));
	body_summary(b, "%s: %04X", name, get_u16le(data.p));
	return true;
}

static bool load_option(struct body *b, const char *name, struct slice data)
{
	struct load_option o;
	const char *why = load_option_read(b->pool, data, &o), *file = NULL, *first = NULL;

	if (why) {
		body_summary(b, "%s", name);
		body_trouble(b, data, "%s", why);
		return true;
	}
	struct field *g = body_group(b, &b->out.root, "loadOption");
	body_number(b, g, "attributes", o.attributes);
	body_bool(b, g, "active", o.attributes & LOAD_OPTION_ACTIVE);
	body_bool(b, g, "hidden", o.attributes & LOAD_OPTION_HIDDEN);
	body_text(b, g, "description", o.description);
	struct field *paths = body_list(b, g, "devicePaths");
	for (struct slice rest = o.paths; rest.n;) {
		struct device_path path;

		if (!body_item(b, rest))
			break;
		if (device_path_read(b->pool, rest, &path, NULL) < 0) {
			b->failed = true;
			break;
		}
		body_text(b, paths, NULL, path.text);
		if (!first) {
			first = path.text;
			file = path.file ? path.file : path.what;
		}
		if (!path.complete) {
			body_trouble(b, path.rest, "%s", path.trouble ? path.trouble : "");
			break;
		}
		rest = path.rest;
	}
	if (o.optional_data.n == GUID_LEN &&
	    memcmp(o.optional_data.p, guid_auto_created.bytes, GUID_LEN) == 0)
		body_text(b, g, "optionalData", "option created by EDK2's boot manager");
	else if (o.optional_data.n)
		body_string(b, g, "optionalData", o.optional_data);
	body_summary(b, "%s: \"%s\"%s %s", name, o.description,
		     o.attributes & LOAD_OPTION_ACTIVE ? "" : " (not active)",
		     file  ? file :
		     first ? first :
			     "without a path");
	return true;
}

/* Names end in four hex digits where a row says so. */
static const struct {
	const char *name;
	bool numbered;
	bool (*decode)(struct body *b, const char *name, struct slice data);
} forms[] = {
	{ "SecureBoot", false, flag },
	{ "SetupMode", false, flag },
	{ "AuditMode", false, flag },
	{ "DeployedMode", false, flag },
	{ "VendorKeys", false, flag },
	{ "PK", false, signatures },
	{ "KEK", false, signatures },
	{ "db", false, signatures },
	{ "dbx", false, signatures },
	{ "dbt", false, signatures },
	{ "dbr", false, signatures },
	{ "devdb", false, signatures },
	{ "BootOrder", false, order },
	{ "DriverOrder", false, order },
	{ "SysPrepOrder", false, order },
	{ "BootNext", false, number16 },
	{ "BootCurrent", false, number16 },
	{ "Boot", true, load_option },
	{ "Driver", true, load_option },
	{ "SysPrep", true, load_option },
	{ "PlatformRecovery", true, load_option },
	{ "MokSBState", false, flag },
	{ "MokDBState", false, flag },
	{ "MokListTrusted", false, flag },
	{ "MokIgnoreDB", false, flag },
	{ "MokPolicy", false, byte },
	{ "MokList", false, signatures },
	{ "MokListX", false, signatures },
	{ "SbatLevel", false, text },
	{ "Shim", false, signatures },
	{ "vendor_db", false, signatures },
	{ "vendor_cert", false, signatures },
	{ "Build", false, signatures },
};

static bool is_named(const char *name, size_t row)
{
	size_t n = strlen(forms[row].name);

	if (!forms[row].numbered)
		return strcmp(name, forms[row].name) == 0;
	return strncmp(name, forms[row].name, n) == 0 && strlen(name) == n + OPTION_DIGITS &&
	       strspn(name + n, "0123456789ABCDEFabcdef") == OPTION_DIGITS;
}

static bool content(struct body *b, const struct efi_variable *v)
{
	if (v->data.n == 0) {
		/* EDK2 measures a variable that does not exist with no data; nothing tells it from an empty one. */
		body_summary(b, "%s: not set", v->name);
		return true;
	}
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
		if (is_named(v->name, i))
			return forms[i].decode(b, v->name, v->data);
	return (is_authority(b) && authority(b, v->name, v->data)) || text(b, v->name, v->data);
}

void body_variable(struct body *b)
{
	struct efi_variable v;
	const char *why = efi_variable_read(b->pool, b->ev->data, &v);

	if (why) {
		body_summary(b, "variable");
		body_trouble(b, b->ev->data, "%s", why);
		return;
	}
	body_guid(b, &b->out.root, "variableName", "vendor", &v.guid);
	body_text(b, &b->out.root, "unicodeName", v.name);
	if (!content(b, &v)) {
		body_summary(b, "%s: %zu bytes", v.name, v.data.n);
		body_trouble(b, v.data, "no form is known for the content of this variable");
	}
	if (v.rest.n == 0)
		return;
	body_hex(b, &b->out.root, "trailingBytes", v.rest);
	if (v.rest.n != SHIM_EXTRA || !is_authority(b))
		body_trouble(b, v.rest, "%zu bytes behind the end of the variable", v.rest.n);
}
