/*
 * Names in FAT directories, short and long, as EDK2 reads them. Sources are named in fat.c.
 */
#include "base/bytes.h"
#include "base/utf16.h"
#include "predict/fat_impl.h"

enum {
	ATTR_LONG_NAME = 0x0f,
	CASE_NAME_LOWER = 0x08, /* DIR_NTRes as Windows NT, Linux and EDK2 use it */
	CASE_EXT_LOWER = 0x10,
	KANJI_E5 = 0x05, /* stands for a name that begins with 0xe5 */
	LFN_LAST = 0x40,
	SHORT_NAME_LEN = 11,
};

/* A short name's character. The OEM code page is not recorded anywhere; EDK2 takes Latin-1. */
static uint16_t oem_char(uint8_t c, bool lower)
{
	bool upper = (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7);

	return (uint16_t)(lower && upper ? c + 0x20 : c);
}

static size_t add_short_part(const uint8_t *part, size_t n, bool lower, uint16_t *out)
{
	size_t len = 0;

	while (n > 0 && part[n - 1] == ' ')
		n--;
	for (; len < n && part[len] != 0; len++)
		out[len] = oem_char(part[len], lower);
	return len;
}

char *fat_short_name(struct pool *pool, const uint8_t *entry, uint8_t case_flags)
{
	uint8_t raw[SHORT_NAME_LEN];
	uint16_t name[SHORT_NAME_LEN + 1], ext[3];

	memcpy(raw, entry, sizeof raw);
	if (raw[0] == KANJI_E5)
		raw[0] = 0xe5;
	size_t n = add_short_part(raw, 8, case_flags & CASE_NAME_LOWER, name);
	size_t n_ext = add_short_part(raw + 8, 3, case_flags & CASE_EXT_LOWER, ext);
	if (n_ext) {
		name[n++] = '.';
		memcpy(name + n, ext, n_ext * sizeof *ext);
		n += n_ext;
	}
	return utf16_to_utf8(pool, (struct utf16){ name, n });
}

bool fat_short_name_can_be_looked_up(const uint8_t *entry)
{
	for (size_t i = 0; i < SHORT_NAME_LEN; i++) {
		uint8_t c = entry[i];
		bool letter = (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7);
		bool pad = c == ' ' && i != 0;

		if (!letter && !pad && !(c >= '0' && c <= '9') && !(c && strchr("_^$~!#%&-{}()@`'", c)))
			return false;
	}
	return true;
}

/* The specification's ChkSum(), which ties long name entries to their short one. */
static uint8_t short_name_sum(const uint8_t *entry)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < SHORT_NAME_LEN; i++)
		sum = (uint8_t)((sum << 7 | sum >> 1) + entry[i]);
	return sum;
}

/*
 * The parts stand in reverse order, the part next to the short entry is the first. As in EDK2
 * (FatLoadLongNameEntry) one part that does not belong makes the whole name void, and the short name then counts.
 */
size_t fat_long_name(const struct fat_recent *recent, const uint8_t *short_entry, uint16_t *out)
{
	static const uint8_t places[LFN_UNITS] = { 1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30 };
	uint8_t sum = short_name_sum(short_entry);
	size_t n = 0;

	for (size_t ordinal = 1; ordinal <= MAX_LFN_ENTRIES && ordinal <= recent->n; ordinal++) {
		const uint8_t *part = recent->entries[(recent->n - ordinal) % MAX_LFN_ENTRIES];

		if (part[11] != ATTR_LONG_NAME || get_u16le(part + 26) != 0 || part[13] != sum ||
		    (part[0] & ~LFN_LAST) != (int)ordinal)
			return 0;
		for (size_t i = 0; i < LFN_UNITS; i++)
			out[n++] = get_u16le(part + places[i]);
		if (part[0] & LFN_LAST) {
			for (size_t len = 0; len < n; len++)
				if (out[len] == 0)
					return len;
			return n;
		}
	}
	return 0;
}
