#include "base/efi/device_path.h"

#include <stdlib.h>

#include <efivar/efivar.h>

#include "base/bytes.h"
#include "base/utf16.h"

enum {
	NODE_HEADER = 4, /* u8 type, u8 subtype, u16 length of the whole node */
	TYPE_HARDWARE = 1,
	TYPE_ACPI = 2,
	TYPE_MESSAGING = 3,
	TYPE_MEDIA = 4,
	TYPE_BIOS = 5,
	TYPE_END = 0x7f,
	END_INSTANCE = 0x01,
	END_ENTIRE = 0xff,
	MEDIA_VENDOR = 3,
	MEDIA_FILE = 4,
	MEDIA_FV_FILE = 6,
	ACPI_EXPANDED = 2,
	NODES_MAX = 256, /* of one path; the longest known ones have about twenty */
	SPARE = 64, /* zeros behind a node on its way to libefivar, where a string without an end finds one */
};

/*
 * The nodes that libefivar gets to see, and their lengths: UEFI 2.10, section 10.3. A node of another length
 * than its structure has would be read beyond its end.
 */
static const struct {
	uint8_t type, subtype;
	uint16_t least, most; /* bytes of the whole node; most 0: exactly least */
} known[] = {
	{ TYPE_HARDWARE, 1, 6, 0 },           /* PCI */
	{ TYPE_HARDWARE, 2, 5, 0 },           /* PCCARD */
	{ TYPE_HARDWARE, 3, 24, 0 },          /* memory mapped */
	{ TYPE_HARDWARE, 4, 20, UINT16_MAX }, /* vendor */
	{ TYPE_HARDWARE, 5, 8, 0 },           /* controller */
	{ TYPE_HARDWARE, 6, 13, 0 },          /* BMC */
	{ TYPE_ACPI, 1, 12, 0 },
	{ TYPE_ACPI, ACPI_EXPANDED, 19, UINT16_MAX },
	{ TYPE_MESSAGING, 1, 8, 0 },            /* ATAPI */
	{ TYPE_MESSAGING, 2, 8, 0 },            /* SCSI */
	{ TYPE_MESSAGING, 5, 6, 0 },            /* USB */
	{ TYPE_MESSAGING, 10, 20, UINT16_MAX }, /* vendor */
	{ TYPE_MESSAGING, 11, 37, 0 },          /* MAC */
	{ TYPE_MESSAGING, 12, 27, 0 },          /* IPv4 */
	{ TYPE_MESSAGING, 17, 5, 0 },           /* logical unit */
	{ TYPE_MESSAGING, 18, 10, 0 },          /* SATA */
	{ TYPE_MESSAGING, 23, 16, 0 },          /* NVMe */
	{ TYPE_MESSAGING, 26, 5, 0 },           /* SD */
	{ TYPE_MESSAGING, 29, 5, 0 },           /* eMMC */
	{ TYPE_MEDIA, 1, 42, 0 },               /* hard drive */
	{ TYPE_MEDIA, 2, 24, 0 },               /* CD-ROM */
	{ TYPE_MEDIA, MEDIA_VENDOR, 20, UINT16_MAX },
	{ TYPE_MEDIA, MEDIA_FV_FILE, 20, 0 },
	{ TYPE_MEDIA, 7, 20, 0 }, /* firmware volume */
	{ TYPE_MEDIA, 8, 24, 0 }, /* range of bytes */
};

/* Vendor media nodes and firmware files that say more than their GUID does. */
static const struct {
	uint8_t subtype;
	struct guid guid;
	const char *what;
} well_known[] = {
	/* systemd 262, src/boot/linux.c: the payload of a unified kernel image */
	{ MEDIA_VENDOR, GUID(0x55c5d1f8, 0x04cd, 0x46b5, 0x8a, 0x20, 0xe5, 0x6c, 0xbb, 0x30, 0x52, 0xd0),
	  "kernel inside a unified kernel image" },
	/* Linux 6.1, LINUX_EFI_INITRD_MEDIA_GUID */
	{ MEDIA_VENDOR, GUID(0x5568e427, 0x68fc, 0x4f3d, 0xac, 0x74, 0xca, 0x55, 0x52, 0x31, 0xcc, 0x68),
	  "initrd" },
	/* EDK2, OvmfPkg/Include/Guid/QemuKernelLoaderFsMedia.h */
	{ MEDIA_VENDOR, GUID(0x1428f772, 0xb64a, 0x441e, 0xb8, 0xc3, 0x9e, 0xbd, 0xd7, 0xf8, 0x93, 0xc7),
	  "file that QEMU passes (-kernel)" },
	/* EDK2, MdeModulePkg/Application/UiApp/UiApp.inf */
	{ MEDIA_FV_FILE, GUID(0x462caa21, 0x7614, 0x4503, 0x83, 0x6e, 0x8a, 0xb6, 0xf4, 0x66, 0x23, 0x31),
	  "EDK2's boot manager menu" },
	/* EDK2, ShellPkg/Application/Shell/Shell.inf */
	{ MEDIA_FV_FILE, GUID(0x7c04a583, 0x9e3e, 0x4f1c, 0xad, 0x65, 0xe0, 0x52, 0x68, 0xd0, 0xb4, 0xd1),
	  "EDK2's UEFI shell" },
};

static const char *what_is(struct slice node)
{
	if (node.p[0] != TYPE_MEDIA || node.n < NODE_HEADER + GUID_LEN)
		return NULL;
	struct guid g = guid_of_bytes(node.p + NODE_HEADER);
	for (size_t i = 0; i < sizeof well_known / sizeof well_known[0]; i++)
		if (well_known[i].subtype == node.p[1] && guid_equal(&well_known[i].guid, &g))
			return well_known[i].what;
	return NULL;
}

/* ---- one node ---- */

static bool fits(struct slice node)
{
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		size_t most = known[i].most ? known[i].most : known[i].least;

		if (known[i].type != node.p[0] || known[i].subtype != node.p[1])
			continue;
		if (node.n < known[i].least || node.n > most)
			return false;
		if (node.p[0] != TYPE_ACPI || node.p[1] != ACPI_EXPANDED)
			return true;
		/* Three strings behind three numbers, each with its NUL. */
		size_t at = 16;
		for (int strings = 0; strings < 3; strings++) {
			const uint8_t *end = memchr(node.p + at, 0, node.n - at);

			if (!end)
				return false;
			at = (size_t)(end - node.p) + 1;
		}
		return true;
	}
	return false;
}

static char *generic_text(struct pool *pool, struct slice node)
{
	char *hex = pool_array(pool, 2 * (node.n - NODE_HEADER) + 1, 1);

	if (!hex)
		return NULL;
	for (size_t i = NODE_HEADER; i < node.n; i++) {
		static const char digits[] = "0123456789abcdef";

		hex[2 * (i - NODE_HEADER)] = digits[node.p[i] >> 4];
		hex[2 * (i - NODE_HEADER) + 1] = digits[node.p[i] & 15];
	}
	return pool_printf(pool, "Path(%u,%u%s%s)", node.p[0], node.p[1], *hex ? "," : "", hex);
}

/* By libefivar; NULL when it does not want to, or memory gives out. */
static char *library_text(struct pool *pool, struct slice node)
{
	static const uint8_t end[] = { TYPE_END, END_ENTIRE, NODE_HEADER, 0 };
	uint8_t *copy = calloc(1, node.n + sizeof end + SPARE);
	char *text = NULL;

	if (!copy)
		return NULL;
	memcpy(copy, node.p, node.n);
	memcpy(copy + node.n, end, sizeof end);
	/* It tells the length it needs, with or without the NUL depending on the version: one byte more serves both. */
	ssize_t n = efidp_format_device_path(NULL, 0, (const_efidp)copy, (ssize_t)(node.n + sizeof end));
	if (n > 0) {
		text = pool_array(pool, (size_t)n + 2, 1);
		if (text && efidp_format_device_path(text, (size_t)n + 1, (const_efidp)copy,
						     (ssize_t)(node.n + sizeof end)) < 0)
			text = NULL;
	}
	free(copy);
	efi_error_clear();
	return text && *text ? text : NULL;
}

/* A file path node holds UTF-16, which libefivar takes for UCS-2: it is written here. */
static char *file_text(struct pool *pool, struct slice node)
{
	size_t n = (node.n - NODE_HEADER) / 2;
	uint16_t *units = pool_array(pool, n + 1, sizeof *units);

	if (!units)
		return NULL;
	size_t len = 0;
	for (; len < n && get_u16le(node.p + NODE_HEADER + 2 * len); len++)
		units[len] = get_u16le(node.p + NODE_HEADER + 2 * len);
	return utf16_to_utf8(pool, (struct utf16){ units, len });
}

/* ---- the path ---- */

/* UEFI 2.10, section 10.3.5.4: several file path nodes make one path. */
static const char *join_file(struct pool *pool, const char *before, const char *name)
{
	if (!before)
		return name;
	size_t n = strlen(before);
	bool separated = (n > 0 && before[n - 1] == '\\') || *name == '\\';
	return pool_printf(pool, "%s%s%s", before, separated ? "" : "\\", name);
}

/* The path's text grows at its end: copies would cost the square of its length. */
struct text_builder {
	struct pool *pool;
	char *p;
	size_t n, cap;
};

static bool text_add(struct text_builder *b, const char *s)
{
	size_t n = strlen(s);

	if (!b->p || n >= b->cap - b->n) {
		size_t cap = 2 * (b->n + n) + 64;
		char *p = pool_array(b->pool, cap, 1);

		if (!p)
			return false;
		if (b->n)
			memcpy(p, b->p, b->n);
		b->p = p;
		b->cap = cap;
	}
	memcpy(b->p + b->n, s, n + 1);
	b->n += n;
	return true;
}

/* Why rest is not, or does not belong to, a device path of which so many nodes were looked at; NULL: memory gave out. */
static const char *trouble_of(struct pool *pool, struct slice rest, bool ended, size_t nodes)
{
	if (ended)
		return pool_printf(pool, "%zu bytes behind the end of the device path", rest.n);
	if (nodes > NODES_MAX)
		return pool_printf(pool, "more than %d device path nodes", NODES_MAX);
	if (rest.n == 0)
		return "the device path has no end node";
	if (rest.n < NODE_HEADER)
		return pool_printf(pool, "%zu bytes are too few for a device path node", rest.n);
	return pool_printf(pool, "device path node %zu has length %u, expected 4 to %zu", nodes - 1,
			   get_u16le(rest.p + 2), rest.n);
}

int device_path_read(struct pool *pool, struct slice bytes, struct device_path *ret, struct pcrcast_error *e)
{
	struct device_path path = { .rest = SLICE_EMPTY };
	struct text_builder text = { .pool = pool };
	bool first = true, ended = bytes.n == 0;
	size_t at = 0, nodes = 0;

	if (!text_add(&text, ""))
		return err_nomem(e);
	while (!ended && bytes.n - at >= NODE_HEADER && nodes++ < NODES_MAX) {
		size_t len = get_u16le(bytes.p + at + 2);
		struct slice node;
		char *one;

		if (len < NODE_HEADER || !slice_at(bytes, at, len, &node))
			break;
		at += len;
		if (node.p[0] == TYPE_END && node.p[1] == END_ENTIRE) {
			ended = true;
			break;
		}
		if (node.p[0] == TYPE_END && node.p[1] == END_INSTANCE) {
			if (!text_add(&text, ","))
				return err_nomem(e);
			first = true;
			continue;
		}
		bool is_file = node.p[0] == TYPE_MEDIA && node.p[1] == MEDIA_FILE;
		one = is_file ? file_text(pool, node) : fits(node) ? library_text(pool, node) : NULL;
		if (!one)
			one = generic_text(pool, node);
		if (!one || (!first && !text_add(&text, "/")) || !text_add(&text, one))
			return err_nomem(e);
		first = false;
		path.what = what_is(node) ? what_is(node) : is_file ? path.what : NULL;
		path.file = is_file ? join_file(pool, path.file, one) : NULL;
		if (is_file && !path.file)
			return err_nomem(e);
	}
	path.text = text.p;
	path.complete = ended;
	if (!ended || at < bytes.n) {
		path.rest = (struct slice){ bytes.p + at, bytes.n - at };
		path.trouble = trouble_of(pool, path.rest, ended, nodes);
		if (!path.trouble)
			return err_nomem(e);
	}
	*ret = path;
	return 0;
}

/* ---- names ---- */

const char *guid_name(struct pool *pool, const struct guid *g)
{
	efi_guid_t guid;
	char *symbol = NULL, *name = NULL;
	const char *ret = NULL;

	_Static_assert(sizeof guid == GUID_LEN, "libefivar keeps GUIDs as UEFI does");
	memcpy(&guid, g->bytes, sizeof guid);
	/* A GUID without a symbol has itself as its name. */
	if (efi_guid_to_symbol(&guid, &symbol) >= 0 && symbol && efi_guid_to_name(&guid, &name) >= 0 && name)
		ret = pool_text(pool, name, strlen(name));
	free(symbol);
	free(name);
	efi_error_clear();
	return ret;
}
