#include "tests/unit/build_shim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { ROOM = 1 << 16 };

/* assert() for every build mode. */
static void need(int ok)
{
	if (!ok)
		abort();
}

static size_t put_wide(uint8_t *p, const char *ascii)
{
	size_t n = strlen(ascii) + 1;

	for (size_t i = 0; i < n; i++)
		put_u16le(p + 2 * i, (uint8_t)ascii[i]);
	return 2 * n;
}

/* Version text, the name of the second stage, and what the test wants. */
static size_t put_data(uint8_t *p, const struct build_shim *what)
{
	size_t n = 0;

	if (what->version)
		n = (size_t)snprintf((char *)p, 256, "UEFI SHIM\n$Version: %s $\n$BuildMachine: test $\n",
				     what->version) +
		    1;
	n += put_wide(p + n, what->default_loader ? what->default_loader : "\\\\grubx64.efi");
	need(n + what->n_data < ROOM);
	if (what->n_data)
		memcpy(p + n, what->data, what->n_data);
	return n + what->n_data;
}

/* shim's cert.S */
static size_t put_vendor(uint8_t *p, const struct build_shim *what)
{
	enum { TABLE = 16 };

	need(TABLE + what->n_authorized + what->n_deauthorized < ROOM);
	put_u32le(p, (uint32_t)what->n_authorized);
	put_u32le(p + 4, (uint32_t)what->n_deauthorized);
	put_u32le(p + 8, TABLE);
	put_u32le(p + 12, (uint32_t)(TABLE + what->n_authorized));
	if (what->n_authorized)
		memcpy(p + TABLE, what->authorized, what->n_authorized);
	if (what->n_deauthorized)
		memcpy(p + TABLE + what->n_authorized, what->deauthorized, what->n_deauthorized);
	return TABLE + what->n_authorized + what->n_deauthorized;
}

/* shim's sbat_var.S */
static size_t put_levels(uint8_t *p, const struct build_shim *what)
{
	const char *a = what->automatic ? what->automatic : BUILT_AUTOMATIC;
	const char *b = what->latest ? what->latest : BUILT_LATEST;
	size_t n = strlen(a) + 1, m = strlen(b) + 1;

	need(12 + n + m < ROOM);
	put_u32le(p, 0);
	put_u32le(p + 4, 8); /* counted from here */
	put_u32le(p + 8, (uint32_t)(8 + n));
	memcpy(p + 12, a, n);
	memcpy(p + 12 + n, b, m);
	return 12 + n + m;
}

/* Behind the image: no symbols, then u32 length of the string table with itself, and the strings. */
static uint8_t *give_long_names(uint8_t *image, size_t *n)
{
	static const char names[] = "\0\0\0\0.vendor_cert\0.sbatlevel";
	uint8_t *all = malloc(*n + sizeof names);

	need(all != NULL);
	memcpy(all, image, *n);
	memcpy(all + *n, names, sizeof names);
	put_u32le(all + *n, sizeof names);
	put_u32le(built_coff_header(all) + 8, (uint32_t)*n); /* PointerToSymbolTable */
	memcpy(built_section_header(all, 1), "/4\0\0\0\0\0\0", 8);
	memcpy(built_section_header(all, 2), "/17\0\0\0\0\0", 8);
	*n += sizeof names;
	free(image);
	return all;
}

uint8_t *build_shim(const struct build_shim *what, size_t *ret_n)
{
	const char *sbat = what->sbat ? what->sbat :
					"sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim\n"
					"shim,4,UEFI shim,shim,1,https://github.com/rhboot/shim\n";
	uint8_t *room = calloc(3, ROOM);

	need(room != NULL);
	const struct built_section sections[] = {
		{ ".data", room, put_data(room, what), 0 },
		{ ".vendor_", room + ROOM, put_vendor(room + ROOM, what), 0 },
		{ ".sbatlev", room + 2 * ROOM, put_levels(room + 2 * ROOM, what), 0 },
		{ ".sbat", sbat, strlen(sbat), 0 },
	};
	uint8_t *image = build_pe(&(struct build_pe){ .sections = sections, .n_sections = 4 }, ret_n);
	free(room);
	return what->long_names ? give_long_names(image, ret_n) : image;
}
