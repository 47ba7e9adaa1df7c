/* What an event is about: see diff_words.h. Read from the bodies directly, as a log may hold a million of them. */
#define _GNU_SOURCE
#include "base/bytes.h"
#include "eventlog/diff_words.h"

enum {
	IMAGE_HEADER = 32,    /* UEFI_IMAGE_LOAD_EVENT up to the device path, PFP 1.06 section 10.2.3 */
	VARIABLE_HEADER = 32, /* UEFI_VARIABLE_DATA up to the name, section 10.2.6 */
	GUID_BYTES = 16,
	MEDIA_PATH = 0x04, /* device path nodes: UEFI 2.10 section 10.3 */
	FILE_PATH = 0x04,
	END_PATH = 0x7f,
	SIGNATURE = 16,     /* what an EV_NO_ACTION body begins with, PFP 1.06 section 10.4.5 */
	FIRMWARE_BLOB = 16, /* UEFI_PLATFORM_FIRMWARE_BLOB */
};

/* FNV-1a, 64 bits. */
static uint64_t hash_more(uint64_t h, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

static uint64_t hash_type(uint32_t type)
{
	uint8_t bytes[4];

	put_u32le(bytes, type);
	return hash_more(UINT64_C(0xcbf29ce484222325), bytes, sizeof bytes);
}

static struct diff_role role(uint64_t h, struct slice what, bool names)
{
	return (struct diff_role){ hash_more(h, what.p, what.n), names };
}

/* By vendor and name. */
static struct diff_role variable_role(uint64_t h, struct slice data)
{
	struct slice name;

	if (data.n < VARIABLE_HEADER || get_u64le(data.p + GUID_BYTES) > data.n ||
	    !slice_at(data, VARIABLE_HEADER, 2 * get_u64le(data.p + GUID_BYTES), &name))
		return role(h, SLICE_EMPTY, false);
	return role(hash_more(h, data.p, GUID_BYTES), name, true);
}

/* FAT ignores case, and loaders write what they were given; letters beyond ASCII keep theirs. */
static uint64_t hash_folded(uint64_t h, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (uint8_t)(s.p[i] + 'a' - 'A') : s.p[i];

		h = hash_more(h, &c, 1);
	}
	return h;
}

/* The next file path node at or behind *at, in UTF-16; false when there is none. *at is moved behind it. */
static bool next_file(struct slice data, size_t *at, struct slice *ret)
{
	while (*at + 4 <= data.n && data.p[*at] != END_PATH) {
		const uint8_t *node = data.p + *at;
		size_t len = get_u16le(node + 2);

		if (len < 4 || len > data.n - *at)
			return false;
		*at += len;
		if (node[0] == MEDIA_PATH && node[1] == FILE_PATH) {
			*ret = (struct slice){ node + 4, len - 4 };
			return true;
		}
	}
	return false;
}

/* By the file alone: the way to it is not in a prediction. */
static struct diff_role image_role(uint64_t h, struct slice data)
{
	size_t at = IMAGE_HEADER;
	struct slice file;
	bool names = false;

	for (; next_file(data, &at, &file); names = true)
		h = hash_folded(h, file);
	return (struct diff_role){ h, names };
}

/* The directory of the last file. */
static uint64_t image_directory(uint64_t h, struct slice data)
{
	size_t at = IMAGE_HEADER;
	struct slice file, directory = SLICE_EMPTY;

	while (next_file(data, &at, &file)) {
		directory = (struct slice){ file.p, file.n & ~(size_t)1 };
		while (directory.n && get_u16le(directory.p + directory.n - 2) != '\\')
			directory.n -= 2;
	}
	return hash_folded(h, directory);
}

/* What GRUB (2.04 to 2.12, commands/tpm.c; Red Hat's 2.02) writes before what it hashes. */
static const struct {
	const char *prefix;
	bool names; /* there is one of them in a boot */
} grub_prefixes[] = {
	{ "grub_cmd", false },
	{ "grub_kernel_cmdline", true },
	{ "kernel_cmdline", true },
	{ "module_cmdline", false },
};

static struct diff_role ipl_role(uint64_t h, struct slice data)
{
	for (size_t i = 0; i < sizeof grub_prefixes / sizeof grub_prefixes[0]; i++) {
		struct slice prefix = slice_of_string(grub_prefixes[i].prefix);

		if (data.n > prefix.n && memcmp(data.p, prefix.p, prefix.n) == 0 &&
		    (data.p[prefix.n] == ':' || data.p[prefix.n] == ' '))
			return role(h, prefix, grub_prefixes[i].names);
	}
	return role(h, data, true);
}

/* Bodies that begin with the length of a description, and that. */
static struct diff_role description_role(uint64_t h, struct slice data)
{
	struct slice description;

	if (data.n == 0 || !slice_at(data, 1, data.p[0], &description))
		return role(h, SLICE_EMPTY, false);
	return role(h, description, true);
}

/* The word behind "eventType" in a record of systemd's log, else nothing. */
static struct diff_role systemd_role(uint64_t h, struct slice data)
{
	static const char key[] = "\"eventType\":\"";
	const uint8_t *at = memmem(data.p, data.n, key, strlen(key));
	const uint8_t *end =
		at ? memchr(at + strlen(key), '"', data.n - (size_t)(at - data.p) - strlen(key)) : NULL;

	return end ? role(h, (struct slice){ at, (size_t)(end - at) }, false) : role(h, SLICE_EMPTY, false);
}

/* By the file's name: the second field of the template data (Linux 6.1, ima_template.c), in "ima" what follows the digest. */
static struct diff_role ima_role(uint64_t h, const struct event *ev)
{
	struct slice name;
	size_t sha1 = algs[ALG_SHA1].len;

	if (ev->template_name && strcmp(ev->template_name, "ima") == 0 &&
	    slice_at(ev->data, sha1, ev->data.n - sha1, &name))
		return role(h, (struct slice){ name.p, strnlen((const char *)name.p, name.n) }, true);
	if (ev->data.n >= 4) {
		uint64_t at = 4 + (uint64_t)get_u32le(ev->data.p);

		if (at + 4 <= ev->data.n && slice_at(ev->data, at + 4, get_u32le(ev->data.p + at), &name))
			return role(h, name, true);
	}
	return role(h, SLICE_EMPTY, false);
}

struct diff_role diff_role_of(const struct event *ev)
{
	uint64_t h = hash_type(ev->type);
	struct slice start;

	if (ev->content == CONTENT_SYSTEMD)
		return systemd_role(h, ev->data);
	if (ev->content == CONTENT_IMA)
		return ima_role(h, ev);
	if (ev->content == CONTENT_OTHER)
		return role(h, SLICE_EMPTY, false);
	switch (ev->type) {
	case EV_EFI_VARIABLE_DRIVER_CONFIG:
	case EV_EFI_VARIABLE_BOOT:
	case EV_EFI_VARIABLE_BOOT2:
	case EV_EFI_VARIABLE_AUTHORITY:
	case EV_EFI_SPDM_DEVICE_POLICY:
	case EV_EFI_SPDM_DEVICE_AUTHORITY:
		return variable_role(h, ev->data);
	case EV_EFI_BOOT_SERVICES_APPLICATION:
	case EV_EFI_BOOT_SERVICES_DRIVER:
	case EV_EFI_RUNTIME_SERVICES_DRIVER:
		return image_role(h, ev->data);
	case EV_EFI_PLATFORM_FIRMWARE_BLOB2:
	case EV_EFI_HANDOFF_TABLES2:
		return description_role(h, ev->data);
	case EV_IPL:
		return ipl_role(h, ev->data);
	case EV_EVENT_TAG: /* taggedEventID */
		return slice_at(ev->data, 0, 4, &start) ? role(h, start, true) : role(h, SLICE_EMPTY, false);
	case EV_NO_ACTION:
		return slice_at(ev->data, 0, SIGNATURE, &start) ? role(h, start, true) :
								  role(h, ev->data, true);
	case EV_POST_CODE:
	case EV_POST_CODE2:
	case EV_S_CRTM_CONTENTS:
	case EV_CPU_MICROCODE:
	case EV_PLATFORM_CONFIG_FLAGS:
	case EV_TABLE_OF_DEVICES: /* a name, or the place of a blob */
		return ev->data.n == FIRMWARE_BLOB ? role(h, SLICE_EMPTY, false) : role(h, ev->data, true);
	case EV_ACTION:
	case EV_EFI_ACTION:
	case EV_OMIT_BOOT_DEVICE_EVENTS:
	case EV_EFI_HCRTM_EVENT: /* the text is the event */
		return role(h, ev->data, true);
	}
	return role(h, SLICE_EMPTY, false);
}

struct slice diff_digest(const struct eventlog *log, const struct event *ev, uint16_t id)
{
	struct slice rest = ev->digests, digest;
	struct eventlog_alg alg;

	while (event_digest_next(log, &rest, &alg, &digest))
		if (alg.id == id)
			return digest;
	return SLICE_EMPTY;
}

/* Is the event's text what was measured, rather than the name of that? */
static bool is_content(struct diff_side side)
{
	for (enum alg alg = ALG_COUNT; alg-- > 0;) {
		struct slice logged = event_digest(side.ev, side.log, alg);
		struct digest d;

		if (logged.n && digest_of(alg, side.ev->data, &d, NULL) == 0)
			return slice_equal(logged, (struct slice){ d.bytes, algs[alg].len });
	}
	return false;
}

bool diff_stand_in(struct diff_side side, uint64_t *ret)
{
	uint64_t h = hash_type(side.ev->type);

	if (side.ev->content != CONTENT_PCCLIENT)
		return false;
	switch (side.ev->type) {
	case EV_EFI_BOOT_SERVICES_APPLICATION:
	case EV_EFI_BOOT_SERVICES_DRIVER:
	case EV_EFI_RUNTIME_SERVICES_DRIVER:
		*ret = image_directory(h, side.ev->data);
		return true;
	case EV_IPL:
		*ret = h;
		return is_content(side);
	}
	return false;
}
