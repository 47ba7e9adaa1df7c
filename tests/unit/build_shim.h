/*
 * A shim for tests: a PE image with what predict/ reads in a real one, and no code.
 */
#pragma once

#include "tests/unit/build_pe.h"

struct build_shim {
	const char *version; /* "16.1"; NULL: no version text, as in shim's helpers */
	const char *automatic,
		*latest; /* .sbatlevel; NULL: "sbat,1,2024010900\nshim,4\nloader,2\n", and with 3 for the loader */
	const void *authorized; /* of .vendor_cert */
	size_t n_authorized;
	const void *deauthorized;
	size_t n_deauthorized;
	const char *sbat; /* NULL: shim of generation 4 */
	const char *
		default_loader; /* in UTF-16 among the data; NULL: "\\grubx64.efi" with two backslashes; "": none */
	const void *data;       /* more bytes among the data */
	size_t n_data;
	int long_names; /* section names in a string table, where binutils puts them; else cut at 8 bytes */
};

#define BUILT_AUTOMATIC "sbat,1,2024010900\nshim,4\nloader,2\n"
#define BUILT_LATEST "sbat,1,2025021800\nshim,4\nloader,3\n"

/* A malloc'ed image of *ret_n bytes; the caller frees it. */
uint8_t *build_shim(const struct build_shim *what, size_t *ret_n);
