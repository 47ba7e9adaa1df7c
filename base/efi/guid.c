#include "base/efi/guid.h"

#include <stdio.h>

/* UEFI 2.10, sections 3.3, 8.2.2, 32.4.1 and 32.6.1; shim 16.1, lib/guid.c; EDK2 edk2-stable202605, UefiBootManagerLib. */
const struct guid guid_efi_global =
	GUID(0x8be4df61, 0x93ca, 0x11d2, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c);
const struct guid guid_image_security =
	GUID(0xd719b2cb, 0x3d3a, 0x4596, 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f);
const struct guid guid_shim_lock =
	GUID(0x605dab50, 0xe046, 0x4300, 0xab, 0xb6, 0x3d, 0xd8, 0x10, 0xdd, 0x8b, 0x23);
const struct guid guid_auto_created =
	GUID(0x8108ac4e, 0x9f11, 0x4d59, 0x85, 0x0e, 0xe2, 0x1a, 0x52, 0x2c, 0x59, 0xb2);

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	       c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 :
				      -1;
}

/* Where the n-th byte of the text form lies in memory. */
static const uint8_t place[GUID_LEN] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

bool guid_parse(const char *text, struct guid *ret)
{
	struct guid g;

	for (int i = 0; i < GUID_LEN; i++) {
		if ((i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
			return false;
		int hi = hex_digit(text[0]), lo = hi < 0 ? -1 : hex_digit(text[1]);

		if (lo < 0)
			return false;
		g.bytes[place[i]] = (uint8_t)(hi << 4 | lo);
		text += 2;
	}
	if (*text)
		return false;
	*ret = g;
	return true;
}

void guid_format(const struct guid *g, char ret[static GUID_TEXT])
{
	char *p = ret;

	for (int i = 0; i < GUID_LEN; i++)
		p += sprintf(p, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
			     g->bytes[place[i]]);
}
