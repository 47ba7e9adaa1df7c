#include "uki/chid.h"

#include "base/digest.h"

enum field {
	MANUFACTURER,
	FAMILY,
	PRODUCT,
	SKU,
	BOARD_MANUFACTURER,
	BOARD_PRODUCT,
	FIELDS,
};

#define BIT(field) (1u << (field))
#define BOARD (BIT(BOARD_MANUFACTURER) | BIT(BOARD_PRODUCT))

/* HardwareID-3, 6, 8, 10, 4, 5, 7, 9 and 11. */
static const unsigned kinds[CHIDS] = {
	BIT(MANUFACTURER) | BIT(FAMILY) | BIT(PRODUCT) | BIT(SKU) | BOARD,
	BIT(MANUFACTURER) | BIT(SKU) | BOARD,
	BIT(MANUFACTURER) | BIT(PRODUCT) | BOARD,
	BIT(MANUFACTURER) | BIT(FAMILY) | BOARD,
	BIT(MANUFACTURER) | BIT(FAMILY) | BIT(PRODUCT) | BIT(SKU),
	BIT(MANUFACTURER) | BIT(FAMILY) | BIT(PRODUCT),
	BIT(MANUFACTURER) | BIT(SKU),
	BIT(MANUFACTURER) | BIT(PRODUCT),
	BIT(MANUFACTURER) | BIT(FAMILY),
};

/* Where a field's string number stands (DSP0134 3.7, sections 7.2 and 7.3), and how long systemd wants the structure. */
static const struct {
	uint8_t type, fields_len, off;
} places[FIELDS] = {
	[MANUFACTURER] = { SMBIOS_SYSTEM, 27, 4 },
	[FAMILY] = { SMBIOS_SYSTEM, 27, 26 },
	[PRODUCT] = { SMBIOS_SYSTEM, 27, 5 },
	[SKU] = { SMBIOS_SYSTEM, 27, 25 },
	[BOARD_MANUFACTURER] = { SMBIOS_BASEBOARD, 8, 4 },
	[BOARD_PRODUCT] = { SMBIOS_BASEBOARD, 8, 5 },
};

/* Spaces on both sides and zeros in front are left out; without a string the field is empty. */
static struct slice field_text(const struct smbios_table *t, enum field f)
{
	const struct smbios_structure *s = smbios_find(t, places[f].type);
	struct slice text = SLICE_EMPTY;

	if (!s || s->fields_len < places[f].fields_len || !smbios_field_string(s, places[f].off, &text))
		return SLICE_EMPTY;
	for (; text.n && *text.p == ' '; text.p++)
		text.n--;
	for (; text.n && *text.p == '0'; text.p++)
		text.n--;
	while (text.n && text.p[text.n - 1] == ' ')
		text.n--;
	return text;
}

enum {
	WIDE_MAX = 16 + FIELDS * 2 * 256
}; /* bytes of the namespace and of texts of up to 255 characters with a mark */

static size_t put_wide(uint8_t *to, struct slice ascii)
{
	for (size_t i = 0; i < ascii.n; i++) {
		to[2 * i] = ascii.p[i];
		to[2 * i + 1] = 0;
	}
	return 2 * ascii.n;
}

/* A UUID of version 5 (RFC 9562, section 5.5) over the texts in UTF-16 with '&' between them. */
static bool make_chid(const struct slice texts[static FIELDS], unsigned kind, struct guid *ret)
{
	/* 70ffd812-4c7f-4c7d-0000-000000000000, as it is hashed */
	static const uint8_t name_space[16] = { 0x70, 0xff, 0xd8, 0x12, 0x4c, 0x7f, 0x4c, 0x7d };
	uint8_t bytes[WIDE_MAX];
	size_t n = sizeof name_space;
	struct digest d;

	memcpy(bytes, name_space, n);
	for (unsigned f = 0; f < FIELDS; f++) {
		if (!(kind & BIT(f)))
			continue;
		if (f > 0) /* the manufacturer is part of all */
			n += put_wide(bytes + n, slice_of_string("&"));
		n += put_wide(bytes + n, texts[f]);
	}
	if (digest_of(ALG_SHA1, (struct slice){ bytes, n }, &d, NULL) < 0)
		return false;
	const uint8_t *h = d.bytes;
	*ret = (struct guid){ { h[3], h[2], h[1], h[0], h[5], h[4], h[7], (h[6] & 0x0f) | 0x50,
				(h[8] & 0x3f) | 0x80, h[9], h[10], h[11], h[12], h[13], h[14], h[15] } };
	return true;
}

bool chids_of_smbios(const struct smbios_table *t, struct guid ret[static CHIDS])
{
	struct slice texts[FIELDS];

	for (unsigned f = 0; f < FIELDS; f++) {
		texts[f] = field_text(t, f);
		if (texts[f].n > UINT8_MAX)
			return false;
		for (size_t i = 0; i < texts[f].n; i++)
			if (texts[f].p[i] >= 0x80)
				return false;
	}
	for (size_t i = 0; i < CHIDS; i++)
		if (!make_chid(texts, kinds[i], &ret[i]))
			return false;
	return true;
}
