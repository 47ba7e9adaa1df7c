#define _GNU_SOURCE
#include "uki/stub.h"

#include <stdlib.h>
#include <string.h>

const char *const uki_section_names[UKI_SECTIONS] = {
	[UKI_LINUX] = ".linux",     [UKI_OSREL] = ".osrel",     [UKI_CMDLINE] = ".cmdline",
	[UKI_INITRD] = ".initrd",   [UKI_UCODE] = ".ucode",     [UKI_SPLASH] = ".splash",
	[UKI_DTB] = ".dtb",         [UKI_UNAME] = ".uname",     [UKI_SBAT] = ".sbat",
	[UKI_PCRSIG] = ".pcrsig",   [UKI_PCRPKEY] = ".pcrpkey", [UKI_PROFILE] = ".profile",
	[UKI_DTBAUTO] = ".dtbauto", [UKI_HWIDS] = ".hwids",     [UKI_EFIFW] = ".efifw",
};

/* ---- versions ---- */

#define SECTIONS_252                                                                            \
	(UKI_BIT(UKI_LINUX) | UKI_BIT(UKI_OSREL) | UKI_BIT(UKI_CMDLINE) | UKI_BIT(UKI_INITRD) | \
	 UKI_BIT(UKI_SPLASH) | UKI_BIT(UKI_DTB) | UKI_BIT(UKI_PCRSIG) | UKI_BIT(UKI_PCRPKEY))
#define SECTIONS_254 (SECTIONS_252 | UKI_BIT(UKI_UNAME) | UKI_BIT(UKI_SBAT))
#define SECTIONS_256 (SECTIONS_254 | UKI_BIT(UKI_UCODE))
#define SECTIONS_257 (SECTIONS_256 | UKI_BIT(UKI_PROFILE) | UKI_BIT(UKI_DTBAUTO) | UKI_BIT(UKI_HWIDS))
#define SECTIONS_258 (SECTIONS_257 | UKI_BIT(UKI_EFIFW))

#define ADDON_254 UKI_BIT(UKI_CMDLINE)
#define ADDON_255 (ADDON_254 | UKI_BIT(UKI_DTB))
#define ADDON_257 (ADDON_255 | UKI_BIT(UKI_DTBAUTO) | UKI_BIT(UKI_INITRD) | UKI_BIT(UKI_UCODE))

/*
 * Read in systemd's src/boot/efi/stub.c (252.39, 253, 254.26, 255.13, 256.0) and src/boot/stub.c (257.13,
 * 262); what is said of 258 to 261 comes from the NEWS of 262 and from 257 and 262 agreeing. Rows are
 * written as "what changed", so each row repeats the one before it and changes some fields.
 */
#define ROW_252                                                                          \
	.sections = SECTIONS_252, .match = MATCH_PREFIX_LAST, .mangle = MANGLE_TRAILING, \
	.blank_options_count = true, .initrd = INITRD_BASE_PADDED, .loads_kernel_image = true
#define ROW_254                                                                            \
	.match = MATCH_PREFIX_LAST, .blank_options_count = true, .counter_stripped = true, \
	.smbios = SMBIOS_RAW, .loads_kernel_image = true
#define ROW_257                                                                                 \
	.match = MATCH_EXACT_FIRST, .mangle = MANGLE_BOTH, .cvm_ignores_options = YES,          \
	.addons = ADDONS_JOINED_MANGLED, .addon_sections = ADDON_257, .smbios = SMBIOS_MANGLED, \
	.counter_stripped = true, .confext = true, .extra_literals = true, .initrd = INITRD_MANY_PADDED
#define ROW_258 ROW_257, .sections = SECTIONS_258, .global_extensions = YES

static const struct stub_rules rules[] = {
	{ .from = { 252, 0 }, ROW_252 },
	{ .from = { 254, 0 },
	  ROW_254,
	  .sections = SECTIONS_254,
	  .mangle = MANGLE_TRAILING,
	  .addons = ADDONS_EVENT_PER_DIRECTORY,
	  .addon_sections = ADDON_254,
	  .initrd = INITRD_BASE_PADDED },
	/* The confidential VM rule came with a point release of 254, at the latest with 254.26. */
	{ .from = { 254, 1 },
	  ROW_254,
	  .sections = SECTIONS_254,
	  .mangle = MANGLE_TRAILING,
	  .addons = ADDONS_EVENT_PER_DIRECTORY,
	  .addon_sections = ADDON_254,
	  .initrd = INITRD_BASE_PADDED,
	  .cvm_ignores_options = UNSURE },
	{ .from = { 254, 26 },
	  ROW_254,
	  .sections = SECTIONS_254,
	  .mangle = MANGLE_TRAILING,
	  .addons = ADDONS_EVENT_PER_DIRECTORY,
	  .addon_sections = ADDON_254,
	  .initrd = INITRD_BASE_PADDED,
	  .cvm_ignores_options = YES },
	{ .from = { 255, 0 },
	  ROW_254,
	  .sections = SECTIONS_254,
	  .mangle = MANGLE_BOTH_UNDEF,
	  .addons = ADDONS_JOINED_RAW,
	  .addon_sections = ADDON_255,
	  .addons_before_sections = true,
	  .dtb_addons_last = true,
	  .initrd = INITRD_BASE_PADDED,
	  .cvm_ignores_options = YES },
	{ .from = { 256, 0 },
	  ROW_254,
	  .sections = SECTIONS_256,
	  .mangle = MANGLE_BOTH_UNDEF,
	  .addons = ADDONS_JOINED_RAW,
	  .addon_sections = ADDON_255,
	  .addons_before_sections = true,
	  .dtb_addons_last = true,
	  .confext = true,
	  .initrd = INITRD_ALL_PADDED,
	  .cvm_ignores_options = YES },
	{ .from = { 257, 0 }, ROW_257, .sections = SECTIONS_257, .loads_kernel_image = true },
	{ .from = { 258, 0 },
	  ROW_258,
	  .keeps_own_options = UNSURE,
	  .sections_within_image = UNSURE,
	  .any_control_char = UNSURE },
	/* 259 and 260 leave the stub's measurements as in 258, as far as the NEWS tell. */
	{ .from = { 259, 0 },
	  ROW_258,
	  .keeps_own_options = YES,
	  .sections_within_image = UNSURE,
	  .any_control_char = UNSURE },
	{ .from = { 261, 0 },
	  ROW_258,
	  .keeps_own_options = YES,
	  .sections_within_image = UNSURE,
	  .any_control_char = YES,
	  .boot_secret = true,
	  .initrd_joins_previous = true,
	  .console = CONSOLE_APPENDED,
	  .smbios_to_pcr1 = true },
	{ .from = { 262, 0 },
	  ROW_258,
	  .keeps_own_options = YES,
	  .sections_within_image = YES,
	  .any_control_char = YES,
	  .boot_secret = true,
	  .initrd_joins_previous = true,
	  .console = CONSOLE_APPENDED,
	  .smbios_to_pcr1 = true },
};

enum { NEWEST = 262 };

static bool before(struct sd_version a, struct sd_version b)
{
	return a.major != b.major ? a.major < b.major : a.minor < b.minor;
}

const struct stub_rules *stub_rules_for(struct sd_version v, bool *ret_newer)
{
	const struct stub_rules *best = NULL;

	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		if (!before(v, rules[i].from))
			best = &rules[i];
	*ret_newer = v.major > NEWEST;
	return best;
}

const char *sd_version_text(struct pool *pool, struct sd_version v)
{
	return v.minor ? pool_printf(pool, "%u.%u", v.major, v.minor) : pool_printf(pool, "%u", v.major);
}

/* ---- identity ---- */

static const char magic[] = "#### LoaderInfo: ";
static const char magic_end[] = " ####";

enum {
	MAGIC_MAX = 256,          /* bytes of the whole text; version strings are some tens of bytes long */
	GAP_SEARCH_MAX = 1 << 20, /* bytes of gaps searched; a stub is some 100 KiB long */
};

static const struct {
	const char *word;
	enum sd_kind kind;
} kinds[] = {
	{ "systemd-stub ", SD_STUB },
	{ "systemd-boot ", SD_BOOT },
	{ "systemd-addon ", SD_ADDON },
};

static struct sd_version parse_version(const char *text)
{
	struct sd_version v = { 0, 0 };
	char *end;

	if (*text == 'v')
		text++;
	if (*text < '0' || *text > '9')
		return v;
	unsigned long major = strtoul(text, &end, 10);
	if (major > 99999)
		return v;
	v.major = (unsigned)major;
	if (end[0] == '.' && end[1] >= '0' && end[1] <= '9') {
		unsigned long minor = strtoul(end + 1, NULL, 10);

		v.minor = minor > 99999 ? 99999 : (unsigned)minor;
	}
	return v;
}

/* Look for the text in bytes; true when it is there and complete. */
static bool find_magic(struct pool *pool, struct slice bytes, struct sd_identity *ret)
{
	const uint8_t *p = memmem(bytes.p, bytes.n, magic, sizeof magic - 1);
	if (!p)
		return false;
	p += sizeof magic - 1;
	size_t left = (size_t)(bytes.p + bytes.n - p);
	const uint8_t *end = memmem(p, left < MAGIC_MAX ? left : MAGIC_MAX, magic_end, sizeof magic_end - 1);
	if (!end)
		return false;

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		size_t n = strlen(kinds[i].word);

		if ((size_t)(end - p) > n && memcmp(p, kinds[i].word, n) == 0) {
			char *text = pool_text(pool, (const char *)p + n, (size_t)(end - p) - n);

			if (!text)
				return false;
			*ret = (struct sd_identity){ kinds[i].kind, parse_version(text), text };
			return true;
		}
	}
	return false;
}

struct range {
	uint64_t from, to;
};

static int by_from(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

/* Search the bytes of the file that are in no section, front to back. */
static int search_gaps(struct pool *pool, const struct pe *pe, struct sd_identity *ret,
		       struct pcrcast_error *e)
{
	struct range *taken = pool_array(pool, pe->n_sections, sizeof *taken);
	uint64_t at = pe->headers_len, searched = 0;
	size_t n_taken = 0;

	if (!taken)
		return err_nomem(e);
	/* An empty section covers nothing, and where it says it lies may be outside the file. */
	for (size_t i = 0; i < pe->n_sections; i++)
		if (pe->sections[i].raw_len)
			taken[n_taken++] =
				(struct range){ pe->sections[i].raw_off,
						(uint64_t)pe->sections[i].raw_off + pe->sections[i].raw_len };
	qsort(taken, n_taken, sizeof *taken, by_from);
	for (size_t i = 0; i <= n_taken; i++) {
		uint64_t end = i < n_taken ? taken[i].from : pe->image.len;

		if (end > at && searched < GAP_SEARCH_MAX) {
			uint64_t n =
				end - at < GAP_SEARCH_MAX - searched ? end - at : GAP_SEARCH_MAX - searched;
			struct pool scratch = POOL_INIT;
			struct blob gap;
			struct slice bytes = SLICE_EMPTY;
			int r = blob_sub(&scratch, &pe->image, at, n, &gap, e);

			if (r == 0)
				r = blob_load(&scratch, &gap, n, &bytes, e);
			bool found = r == 0 && find_magic(pool, bytes, ret);
			pool_done(&scratch);
			if (r < 0 || found)
				return r;
			searched += n;
		}
		if (i < n_taken && taken[i].to > at)
			at = taken[i].to;
	}
	return 0;
}

int sd_identify(struct pool *pool, const struct pe *pe, struct sd_identity *ret, struct pcrcast_error *e)
{
	const struct pe_section *s = pe_section_find(pe, ".sdmagic");

	*ret = (struct sd_identity){ SD_NONE, { 0, 0 }, NULL };
	if (s && s->raw_len) {
		uint8_t buf[MAGIC_MAX + sizeof magic];
		size_t n = s->raw_len < sizeof buf ? s->raw_len : sizeof buf;
		int r = blob_read(&pe->image, s->raw_off, buf, n, e);

		if (r < 0)
			return r;
		if (find_magic(pool, (struct slice){ buf, n }, ret))
			return 0;
	}
	return search_gaps(pool, pe, ret, e);
}
