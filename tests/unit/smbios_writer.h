/*
 * SMBIOS tables for tests, structure by structure as DSP0134 3.7 has them. To be included behind cmocka.h.
 */
#pragma once

#include "base/bytes.h"
#include "tests/unit/build_esp.h"

/* Strings stand one behind the other, each with a NUL: "one\0two\0"; "" for none. */
#define STRINGS(text) (text), sizeof(text) - 1

/* A structure whose fields, behind the header, are n bytes. */
static inline void put_structure(struct bytes *b, uint8_t type, const void *fields, size_t n,
				 const char *strings, size_t n_strings)
{
	static uint16_t handle;
	uint8_t header[4] = { type, (uint8_t)(4 + n) };

	put_u16le(header + 2, handle++);
	bytes_add(b, header, sizeof header);
	bytes_add(b, fields, n);
	bytes_add(b, strings, n_strings);
	bytes_add(b, "\0", n_strings ? 1 : 2);
}

static inline void put_end(struct bytes *b)
{
	put_structure(b, 127, "", 0, STRINGS(""));
}
