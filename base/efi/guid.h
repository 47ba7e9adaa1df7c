/*
 * GUIDs as UEFI stores them: UEFI Specification 2.10, appendix A.
 */
#pragma once

#include "base/slice.h"

struct guid {
	uint8_t bytes[16]; /* the first three fields little endian */
};

enum {
	GUID_LEN = 16,
	GUID_TEXT = 37, /* of the text form, with NUL */
};

/* The initialiser of struct guid for 01234567-89ab-cdef-0123-456789abcdef: GUID(0x01234567, 0x89ab, 0xcdef, 0x01, 0x23, 0x45, …). */
// clang-format off
#define GUID(a, b, c, d0, d1, d2, d3, d4, d5, d6, d7) { { \
	(a) & 0xff, (a) >> 8 & 0xff, (a) >> 16 & 0xff, (a) >> 24, \
	(b) & 0xff, (b) >> 8, (c) & 0xff, (c) >> 8, d0, d1, d2, d3, d4, d5, d6, d7 } }
// clang-format on

/* "8be4df61-93ca-11d2-aa0d-00e098032b8c", any case. */
bool guid_parse(const char *text, struct guid *ret);

/* Lower case. */
void guid_format(const struct guid *g, char ret[static GUID_TEXT]);

static inline bool guid_equal(const struct guid *a, const struct guid *b)
{
	return memcmp(a->bytes, b->bytes, GUID_LEN) == 0;
}

/* bytes are GUID_LEN many. */
static inline struct guid guid_of_bytes(const uint8_t *bytes)
{
	struct guid g;

	memcpy(g.bytes, bytes, GUID_LEN);
	return g;
}

/* ---- those that more than one file asks for ---- */

extern const struct guid guid_efi_global;     /* EFI_GLOBAL_VARIABLE: SecureBoot, PK, KEK, Boot#### */
extern const struct guid guid_image_security; /* EFI_IMAGE_SECURITY_DATABASE_GUID: db, dbx, dbt */
extern const struct guid guid_shim_lock;      /* MokList, SbatLevel and others of shim */
extern const struct guid
	guid_auto_created; /* mBmAutoCreateBootOptionGuid: EDK2 marks the boot options it makes itself */
