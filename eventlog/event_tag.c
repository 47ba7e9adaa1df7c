/*
 * EV_EVENT_TAG: TCG_PCClientTaggedEvent (PFP 1.06, section 10.4.2.1): u32 id, u32 length, data; one or several.
 */
#include "eventlog/event_body.h"

static const struct {
	uint32_t id;
	const char *writer, *what;
} tags[] = {
	/* Linux 6.1, drivers/firmware/efi/libstub/efistub.h */
	{ 0x8f3b22ec, "Linux", "initrd" },
	{ 0x8f3b22ed, "Linux", "load options" },
	/* systemd 262, src/fundamental/tpm2-pcr.h */
	{ 0xf5bc582a, "systemd-boot", "loader.conf" },
	{ 0x6c46f751, "systemd-stub", "devicetree addon" },
	{ 0x49dffe0f, "systemd-stub", "initrd addon" },
	{ 0xdac08e1a, "systemd-stub", "microcode addon" },
	{ 0x13aed6db, "systemd-stub", "profile" },
	{ 0xd5cb7cbc, "systemd-boot or -stub", "SMBIOS type 1" },
	{ 0xe0d47bc8, "systemd-boot or -stub", "SMBIOS type 2" },
	{ 0xc0b3bd23, "systemd-boot or -stub", "SMBIOS type 11" },
};

/* wbcl.h: two flags on top, a class in bits 16 to 19 and up, a number below. */
static bool is_windows(uint32_t id)
{
	uint32_t class = id >> 16 & 0xff;

	return (id & 0x3f000000) == 0 && class >= 1 && class <= 0x0c;
}

static void one_tag(struct body *b, struct field *list, uint32_t id, struct slice data, bool alone)
{
	struct field *g = alone ? &b->out.root : body_group(b, list, NULL);
	const char *writer = NULL, *what = NULL;
	char *text = NULL;

	for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
		if (tags[i].id == id) {
			writer = tags[i].writer;
			what = tags[i].what;
		}
	bool is_text = body_text_of(b, data, &text) != TEXT_NONE;
	body_number(b, g, "taggedEventId", id);
	if (what) {
		body_text(b, g, "writer", writer);
		body_text(b, g, "kind", what);
	}
	if (is_text)
		body_text(b, g, "string", text);
	else
		body_hex(b, g, "taggedEventData", data);
	if (what)
		body_summary(b, "%s %s%s%s", writer, what, is_text ? ": " : "", is_text ? text : "");
	else
		body_summary(b, "tag 0x%08x%s%s", id, is_text ? ": " : "", is_text ? text : "");
	if (!what && !is_text && data.n)
		body_trouble(b, data, "tag 0x%08x is not known", id);
}

void body_tag(struct body *b)
{
	struct slice data = b->ev->data;
	struct reader r = reader_over(data);
	uint32_t first = reader_u32le(&r), first_len = reader_u32le(&r);

	if (r.failed) {
		if (data.n)
			body_plain(b);
		else
			body_summary(b, "no data");
		return;
	}
	if (is_windows(first) && first_len <= reader_left(&r)) {
		body_windows(b, &b->out.root, data);
		return;
	}
	if (first_len > reader_left(&r)) {
		body_plain(b);
		if (b->out.trouble)
			b->out.trouble = "a tag whose length runs past the end of the event";
		return;
	}
	bool alone = first_len == reader_left(&r);
	struct field *list = alone ? NULL : body_list(b, &b->out.root, "taggedEvents");
	r = reader_over(data);
	while (reader_left(&r)) {
		struct slice rest = { r.base + r.pos, reader_left(&r) };
		struct reader at = r;
		uint32_t id = reader_u32le(&r);
		struct slice body = reader_take(&r, reader_u32le(&r));

		if (r.failed) {
			body_trouble_at(b, &at, "%zu bytes that are no tagged event behind the others",
					reader_left(&at));
			break;
		}
		if (!body_item(b, rest))
			break;
		one_tag(b, list, id, body, alone);
	}
}
