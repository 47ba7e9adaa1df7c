#include "base/efi/guid.h"

#include <stdio.h>

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
