/*
 * SMBIOS tables, as a machine's firmware has made them: structures one behind the other, each with strings behind it.
 *
 * Source: DMTF DSP0134 3.7, sections 5.2 (entry points), 6.1 (structures and their strings) and 7.45 (the end).
 */
#pragma once

#include "base/efi/guid.h"
#include "base/error.h"
#include "base/pool.h"
#include "base/slice.h"

/* Configuration tables that hold an entry point, UEFI 2.10 section 4.6.1; as initializers of struct guid. */
#define SMBIOS_TABLE_GUID GUID(0xeb9d2d31, 0x2d88, 0x11d3, 0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d)
#define SMBIOS3_TABLE_GUID GUID(0xf2fd1544, 0x9794, 0x4a2c, 0x99, 0x2e, 0xe5, 0xbb, 0xcf, 0x20, 0xe3, 0x94)

enum smbios_type {
	SMBIOS_SYSTEM = 1,
	SMBIOS_BASEBOARD = 2,
	SMBIOS_OEM_STRINGS = 11,
};

struct smbios_structure {
	uint8_t type;
	uint8_t fields_len; /* bytes of header and fields, in front of the strings; at least 4 */
	size_t off;         /* in the file */
	struct slice bytes; /* header, fields, strings and the two NULs that end every structure */
};

/* Those up to the one that ends the table, which is left out. Everything borrows from the file's bytes. */
struct smbios_table {
	struct smbios_structure *items;
	size_t n, cap;
	struct slice bytes; /* all of them and the one that ends the table */
};

/*
 * Read a table alone (Linux' /sys/firmware/dmi/tables/DMI), or one behind an entry point that says where in the file it is
 * ("dmidecode --dump-bin"). items come from pool. PCRCAST_ETRUNC or PCRCAST_EFORMAT with the offset in the file: it is none.
 */
int smbios_read(struct pool *pool, struct slice file, struct smbios_table *ret, struct pcrcast_error *e);

/* The first structure of a type; NULL: there is none. */
const struct smbios_structure *smbios_find(const struct smbios_table *t, uint8_t type);

/* The strings of a structure, for smbios_next_string(). */
struct slice smbios_strings(const struct smbios_structure *s);

/* The next string, without its NUL; false when there are no more. rest moves on. */
bool smbios_next_string(struct slice *rest, struct slice *ret);

/* The string that the field at an offset in the structure names by its number; false: no such field, or no string. */
bool smbios_field_string(const struct smbios_structure *s, size_t field, struct slice *ret);
