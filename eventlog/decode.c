#include "eventlog/event_body.h"

#include <stdarg.h>

#include "base/efi/device_path.h"
#include "base/efi/variable.h"
#include "base/utf16.h"

/* ---- fields ---- */

struct field *field_add(struct pool *pool, struct field *group, const char *name, enum field_kind kind)
{
	struct field *f = pool_push(pool, &group->children, &group->n, &group->cap, sizeof *f);

	if (f)
		*f = (struct field){ .name = name, .kind = kind, .bytes = SLICE_EMPTY };
	return f;
}

struct field *field_text(struct pool *pool, struct field *group, const char *name, const char *text)
{
	struct field *f = text ? field_add(pool, group, name, FIELD_TEXT) : NULL;

	if (f)
		f->text = text;
	return f;
}

struct field *field_number(struct pool *pool, struct field *group, const char *name, uint64_t number)
{
	struct field *f = field_add(pool, group, name, FIELD_NUMBER);

	if (f)
		f->number = number;
	return f;
}

struct field *field_bool(struct pool *pool, struct field *group, const char *name, bool value)
{
	struct field *f = field_add(pool, group, name, FIELD_BOOL);

	if (f)
		f->number = value;
	return f;
}

struct field *field_hex(struct pool *pool, struct field *group, const char *name, struct slice bytes)
{
	struct field *f = field_add(pool, group, name, FIELD_HEX);

	if (f)
		f->bytes = bytes;
	return f;
}

const struct field *field_find(const struct field *group, const char *name)
{
	for (size_t i = 0; i < group->n; i++)
		if (group->children[i].name && strcmp(group->children[i].name, name) == 0)
			return &group->children[i];
	return NULL;
}

/* ---- the same for decoders ---- */

static bool ready(struct body *b, const struct field *parent)
{
	if (!parent)
		b->failed = true;
	return !b->failed;
}

static struct field *keep(struct body *b, struct field *f)
{
	if (!f)
		b->failed = true;
	return f;
}

struct field *body_group(struct body *b, struct field *parent, const char *name)
{
	return ready(b, parent) ? keep(b, field_add(b->pool, parent, name, FIELD_GROUP)) : NULL;
}

struct field *body_list(struct body *b, struct field *parent, const char *name)
{
	return ready(b, parent) ? keep(b, field_add(b->pool, parent, name, FIELD_LIST)) : NULL;
}

void body_text(struct body *b, struct field *parent, const char *name, const char *text)
{
	if (ready(b, parent))
		(void)keep(b, field_text(b->pool, parent, name, text));
}

void body_number(struct body *b, struct field *parent, const char *name, uint64_t number)
{
	if (ready(b, parent))
		(void)keep(b, field_number(b->pool, parent, name, number));
}

void body_bool(struct body *b, struct field *parent, const char *name, bool value)
{
	if (ready(b, parent))
		(void)keep(b, field_bool(b->pool, parent, name, value));
}

void body_hex(struct body *b, struct field *parent, const char *name, struct slice bytes)
{
	if (ready(b, parent))
		(void)keep(b, field_hex(b->pool, parent, name, bytes));
}

void body_guid(struct body *b, struct field *parent, const char *name, const char *name_field,
	       const struct guid *g)
{
	char text[GUID_TEXT];

	guid_format(g, text);
	body_text(b, parent, name, pool_text(b->pool, text, strlen(text)));
	const char *called = name_field ? guid_name(b->pool, g) : NULL;
	if (called)
		body_text(b, parent, name_field, called);
}

const char *body_device_path(struct body *b, struct field *parent, const char *name, struct slice bytes)
{
	struct device_path path;

	if (device_path_read(b->pool, bytes, &path, NULL) < 0) {
		b->failed = true;
		return NULL;
	}
	body_text(b, parent, name, path.text);
	if (path.file)
		body_text(b, parent, "file", path.file);
	if (path.trouble)
		body_trouble(b, path.rest, "%s", path.trouble);
	if (path.file && path.what)
		return pool_printf(b->pool, "%s from the %s", path.file, path.what);
	return path.file ? path.file : path.what ? path.what : *path.text ? path.text : NULL;
}

void body_string(struct body *b, struct field *parent, const char *name, struct slice bytes)
{
	char *text;

	if (bytes.n == 0)
		body_text(b, parent, name, "");
	else if (body_text_of(b, bytes, &text) != TEXT_NONE)
		body_text(b, parent, name, text);
	else
		body_hex(b, parent, name, bytes);
}

/* ---- text ---- */

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

/* Printable, or a control that text has (GRUB measures menu entries of several lines). */
static bool is_texty(uint32_t c)
{
	return c == '\t' || c == '\n' || c == '\r' || !is_control(c);
}

static bool is_utf8(struct slice s)
{
	uint32_t c;

	for (size_t i = 0, len; i < s.n; i += len) {
		len = utf8_decode(s.p + i, s.n - i, &c);
		if (len == 0 || !is_texty(c))
			return false;
	}
	return true;
}

/* Almost any bytes of even length are characters of some script: at least half must be Latin for a guess to be good. */
static bool is_utf16(struct slice s)
{
	enum { LATIN_END = 0x100 };
	size_t latin = 0;

	if (s.n % 2)
		return false;
	for (size_t i = 0; i < s.n; i += 2) {
		uint16_t c = get_u16le(s.p + i);

		if (c >= 0xd800 && c < 0xdc00 && i + 4 <= s.n) {
			uint16_t low = get_u16le(s.p + i + 2);

			if (low < 0xdc00 || low >= 0xe000)
				return false;
			i += 2;
		} else if (!is_texty(c) || (c >= 0xd800 && c < 0xe000) || c >= 0xfffe) {
			return false;
		}
		latin += c < LATIN_END;
	}
	return 4 * latin >= s.n;
}

enum text_kind body_text_of(struct body *b, struct slice bytes, char **ret)
{
	struct slice narrow = bytes, wide = bytes;
	enum text_kind kind = TEXT_NONE;
	char *text = NULL;

	while (narrow.n && narrow.p[narrow.n - 1] == 0)
		narrow.n--;
	/* systemd-boot before 252 logs one byte of its two-byte NUL. */
	if (wide.n % 2 && wide.p[wide.n - 1] == 0)
		wide.n--;
	while (wide.n >= 2 && wide.n % 2 == 0 && get_u16le(wide.p + wide.n - 2) == 0)
		wide.n -= 2;
	if (narrow.n == 0)
		return TEXT_NONE;
	/* One byte and a NUL are one character of UTF-16, unless the NUL ends a string: then there would be no telling. */
	if (is_utf8(narrow)) {
		kind = narrow.n == 1 && bytes.n >= 4 && bytes.n % 2 == 0 ? TEXT_UTF16 : TEXT_UTF8;
		text = pool_text(b->pool, (const char *)narrow.p, narrow.n);
	} else if (wide.n && is_utf16(wide)) {
		kind = TEXT_UTF16;
		text = utf16le_text(b->pool, wide);
	}
	if (kind == TEXT_NONE)
		return TEXT_NONE;
	if (!text) {
		b->failed = true;
		return TEXT_NONE;
	}
	*ret = text;
	return kind;
}

const char *body_shorten(struct body *b, const char *text, size_t n)
{
	size_t len = strlen(text), at = 0, chars = 0;
	uint32_t c;

	for (; at < len && chars < n; chars++) {
		size_t one = utf8_decode((const uint8_t *)text + at, len - at, &c);

		at += one ? one : 1;
	}
	if (at >= len)
		return text;
	const char *s = pool_printf(b->pool, "%.*s…", (int)at, text);
	if (!s)
		b->failed = true;
	return s ? s : text;
}

/* ---- conclusions ---- */

static char *escape(struct pool *pool, const char *text)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = strlen(text), k = 0;
	char *out = pool_array(pool, n + 1, 4);
	uint32_t c;

	for (size_t i = 0; out && i < n;) {
		size_t len = utf8_decode((const uint8_t *)text + i, n - i, &c);

		if (len == 0 || is_control(c)) {
			for (size_t j = 0; j < (len ? len : 1); j++, i++) {
				uint8_t byte = (uint8_t)text[i];

				out[k++] = '\\';
				out[k++] = 'x';
				out[k++] = digits[byte >> 4];
				out[k++] = digits[byte & 15];
			}
		} else {
			memcpy(out + k, text + i, len);
			k += len;
			i += len;
		}
	}
	return out;
}

static char *format(struct body *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static char *format(struct body *b, const char *fmt, va_list ap)
{
	char *text = b->failed ? NULL : pool_vprintf(b->pool, fmt, ap);

	text = text ? escape(b->pool, text) : NULL;
	if (!text)
		b->failed = true;
	return text;
}

void body_summary(struct body *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	b->out.summary = format(b, fmt, ap);
	va_end(ap);
}

static void set_trouble(struct body *b, struct slice rest, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));
static void set_trouble(struct body *b, struct slice rest, const char *fmt, va_list ap)
{
	if (b->out.trouble)
		return;
	b->out.trouble = format(b, fmt, ap);
	b->out.rest = rest;
}

void body_trouble(struct body *b, struct slice rest, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_trouble(b, rest, fmt, ap);
	va_end(ap);
}

void body_trouble_at(struct body *b, const struct reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_trouble(b, (struct slice){ r->base + r->pos, reader_left(r) }, fmt, ap);
	va_end(ap);
}

void body_end(struct body *b, const struct reader *r, const char *what)
{
	struct slice rest = { r->base + r->pos, reader_left(r) };
	size_t zeros = 0;

	while (zeros < rest.n && rest.p[zeros] == 0)
		zeros++;
	if (rest.n && zeros == rest.n && !field_find(&b->out.root, "padding"))
		body_hex(b, &b->out.root, "padding", rest);
	else if (rest.n)
		body_trouble_at(b, r, "%zu bytes behind the end of the %s", reader_left(r), what);
}

bool body_item(struct body *b, struct slice rest)
{
	if (b->n_items < BODY_ITEMS_MAX) {
		b->n_items++;
		return !b->failed;
	}
	body_trouble(b, rest, "more than %d entries", BODY_ITEMS_MAX);
	return false;
}

/* ---- dispatch ---- */

/* PFP 1.06, table 27 (section 10.4.1): what the event field of each type is. */
static const struct {
	uint32_t type;
	void (*decode)(struct body *b);
} decoders[] = {
	{ EV_POST_CODE, body_string_or_blob },
	{ EV_POST_CODE2, body_string_or_blob },
	{ EV_NO_ACTION, body_no_action },
	{ EV_SEPARATOR, body_separator },
	{ EV_ACTION, body_action },
	{ EV_EVENT_TAG, body_tag },
	{ EV_S_CRTM_CONTENTS, body_string_or_blob },
	{ EV_S_CRTM_VERSION, body_crtm_version },
	{ EV_CPU_MICROCODE, body_string_or_blob },
	{ EV_PLATFORM_CONFIG_FLAGS, body_string_or_blob },
	{ EV_TABLE_OF_DEVICES, body_string_or_blob },
	{ EV_COMPACT_HASH, body_compact_hash },
	{ EV_IPL, body_ipl },
	{ EV_IPL_PARTITION_DATA, body_plain },
	{ EV_NONHOST_CODE, body_plain },
	{ EV_NONHOST_CONFIG, body_plain },
	{ EV_NONHOST_INFO, body_nonhost },
	{ EV_OMIT_BOOT_DEVICE_EVENTS, body_action },
	{ EV_EFI_VARIABLE_DRIVER_CONFIG, body_variable },
	{ EV_EFI_VARIABLE_BOOT, body_variable },
	{ EV_EFI_VARIABLE_BOOT2, body_variable },
	{ EV_EFI_VARIABLE_AUTHORITY, body_variable },
	{ EV_EFI_SPDM_DEVICE_POLICY, body_variable },
	{ EV_EFI_SPDM_DEVICE_AUTHORITY, body_variable },
	{ EV_EFI_BOOT_SERVICES_APPLICATION, body_image },
	{ EV_EFI_BOOT_SERVICES_DRIVER, body_image },
	{ EV_EFI_RUNTIME_SERVICES_DRIVER, body_image },
	{ EV_EFI_GPT_EVENT, body_gpt },
	{ EV_EFI_GPT_EVENT2, body_gpt },
	{ EV_EFI_ACTION, body_action },
	{ EV_EFI_PLATFORM_FIRMWARE_BLOB, body_firmware_blob },
	{ EV_EFI_PLATFORM_FIRMWARE_BLOB2, body_firmware_blob2 },
	{ EV_EFI_HANDOFF_TABLES, body_handoff_tables },
	{ EV_EFI_HANDOFF_TABLES2, body_handoff_tables2 },
	{ EV_EFI_HCRTM_EVENT, body_action },
	{ EV_EFI_SPDM_DEVICE_BLOB, body_spdm },
	{ EV_EFI_SPDM_DEVICE_CONFIG, body_spdm },
};

static void decode_pcclient(struct body *b)
{
	char name[11];

	for (size_t i = 0; i < sizeof decoders / sizeof decoders[0]; i++)
		if (decoders[i].type == b->ev->type) {
			decoders[i].decode(b);
			return;
		}
	body_plain(b);
	if (b->out.trouble)
		return;
	const char *known = event_type_name(b->ev->type, name);
	if (known == name && b->ev->data.n)
		body_summary(b, "event of unknown type: %s", b->out.summary ? b->out.summary : "");
}

int event_decode(struct pool *pool, const struct eventlog *log, const struct event *ev, struct decoded *ret,
		 struct pcrcast_error *e)
{
	struct body b = {
		.pool = pool,
		.log = log,
		.ev = ev,
		.out = { .root = { .kind = FIELD_GROUP, .bytes = SLICE_EMPTY }, .rest = SLICE_EMPTY },
	};

	switch (ev->content) {
	case CONTENT_PCCLIENT:
		decode_pcclient(&b);
		break;
	case CONTENT_SYSTEMD:
		body_systemd(&b);
		break;
	case CONTENT_IMA:
		body_ima(&b);
		break;
	case CONTENT_OTHER:
		body_plain(&b);
		break;
	}
	if (!b.out.summary)
		body_summary(&b, "%zu bytes", ev->data.n);
	if (b.failed)
		return err_nomem(e);
	*ret = b.out;
	return 0;
}
