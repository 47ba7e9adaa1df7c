/*
 * Variables as a log holds them, and the load options in Boot####.
 *
 * Sources: UEFI_VARIABLE_DATA, PFP 1.06 section 10.4.2; EFI_LOAD_OPTION, UEFI 2.10 section 3.1.3.
 */
#pragma once

#include "base/efi/guid.h"
#include "base/pool.h"
#include "base/utf16.h"

struct efi_variable {
	struct guid guid;  /* VariableName */
	const char *name;  /* UnicodeName as UTF-8, up to its first NUL */
	struct slice data; /* borrows from the input */
	struct slice rest; /* bytes behind it; they are no part of it */
};

/* NULL: read. Else why the bytes are no variable (from pool). */
const char *efi_variable_read(struct pool *pool, struct slice bytes, struct efi_variable *ret);

struct load_option {
	uint32_t attributes;
	const char *description;
	struct slice paths;         /* FilePathList: one or more device paths */
	struct slice optional_data; /* for the program that is started */
};

enum {
	LOAD_OPTION_ACTIVE = 0x1,
	LOAD_OPTION_HIDDEN = 0x8,
	LOAD_OPTION_CATEGORY = 0x1f00, /* 0: part of the boot; else an application, or reserved */
};

/* NULL: read. Else why the bytes are no load option (from pool). The slices borrow from them. */
const char *load_option_read(struct pool *pool, struct slice bytes, struct load_option *ret);

/* The UTF-16 (little endian) in bytes, up to its first 0 unit, as UTF-8. A last odd byte is left out. NULL: out of memory. */
char *utf16le_text(struct pool *pool, struct slice bytes);
