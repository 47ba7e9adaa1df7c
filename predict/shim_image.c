/*
 * Reading a shim binary: its version, what its build put into it, and the texts that it compares.
 */
#define _GNU_SOURCE
#include "predict/shim.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/efi/certificate.h"
#include "base/efi/signature_list.h"
#include "base/reader.h"

enum {
	FILE_MAX = 32 << 20, /* bytes; real ones have about 1 MiB */
	NAME_MAX_UNITS = 255,
	LOOKS_MAX = 16384, /* places that begin like what is looked for; real ones have some ten */
};

/* version.c: the beginning of section .data.ident, or of a part of .data. */
#define VERSION_HEAD "UEFI SHIM\n$Version: "

static const uint8_t *find(struct slice in, const void *what, size_t n)
{
	return memmem(in.p, in.n, what, n);
}

static int load(struct pool *pool, const struct pe *pe, struct slice *ret, struct pcrcast_error *e)
{
	int r = blob_load(pool, &pe->image, FILE_MAX, ret, e);

	return r < 0 ? err_wrap(e, "shim") : 0;
}

int shim_recognise(struct pool *pool, const struct pe *pe, bool *ret, struct pcrcast_error *e)
{
	struct slice bytes;
	int r = load(pool, pe, &bytes, e);

	if (r == 0)
		*ret = find(bytes, VERSION_HEAD, strlen(VERSION_HEAD));
	return r;
}

/* A number of at most four digits. False: there is none. */
static bool take_number(struct slice *s, unsigned *ret)
{
	size_t i = 0;

	*ret = 0;
	for (; i < s->n && i < 4 && s->p[i] >= '0' && s->p[i] <= '9'; i++)
		*ret = *ret * 10 + (unsigned)(s->p[i] - '0');
	*s = (struct slice){ s->p + i, s->n - i };
	return i;
}

static int read_version(struct walk *w, struct shim_image *shim, struct pcrcast_error *e)
{
	const uint8_t *at = find(shim->bytes, VERSION_HEAD, strlen(VERSION_HEAD));
	const uint8_t *end = shim->bytes.p + shim->bytes.n;
	unsigned major, minor = 0;
	bool newer;

	if (!at)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "%s: shim without its version text (\"$Version: …\")", shim->path);
	struct slice text = { at + strlen(VERSION_HEAD), (size_t)(end - at) - strlen(VERSION_HEAD) };
	size_t n = 0;
	while (n < text.n && n < 32 && text.p[n] > ' ' && text.p[n] < 0x7f && text.p[n] != '$')
		n++;
	shim->version = pool_text(w->pool, (const char *)text.p, n);
	if (!shim->version)
		return err_nomem(e);
	if (!take_number(&text, &major) ||
	    (text.n && text.p[0] == '.' && (text.p++, text.n--, !take_number(&text, &minor))))
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "%s: shim version \"%s\", expected a number", shim->path, shim->version);
	shim->rules = shim_rules_for(major, minor, &newer);
	if (!shim->rules)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "%s: shim %s is no version known here: expected 15 to 15.2, or 15.4 and later",
			       shim->path, shim->version);
	if (!newer)
		return 0;
	return walk_note(
		w,
		pool_printf(
			w->pool,
			"%s: shim %s is newer than every version known here: predicted as the newest known, 16.1",
			shim->path, shim->version),
		e);
}

/*
 * Names of more than 8 bytes: "/" and a decimal offset into the string table behind the symbols (PE specification 8.3, sections
 * 4 and 5.6), where GNU binutils puts them; or cut at 8 bytes.
 */
static bool has_name(struct slice file, const struct pe *pe, const struct pe_section *s, const char *name)
{
	enum { COFF_LEN = 20, SYMBOL = 18 };
	struct slice coff, rest = SLICE_EMPTY;
	uint64_t off = 0;

	if (s->name[0] != '/')
		return strncmp(s->name, name, 8) == 0;
	for (const char *p = s->name + 1; *p; p++) {
		if (*p < '0' || *p > '9')
			return false;
		off = off * 10 + (uint64_t)(*p - '0');
	}
	/* The optional header follows the COFF header. */
	if (pe->optional_off < COFF_LEN || !slice_at(file, pe->optional_off - COFF_LEN, COFF_LEN, &coff))
		return false;
	off += get_u32le(coff.p + 8) + (uint64_t)SYMBOL * get_u32le(coff.p + 12);
	return slice_at(file, off, strlen(name) + 1, &rest) && memcmp(rest.p, name, rest.n) == 0;
}

static int section_bytes(struct walk *w, struct slice file, const struct pe *pe, const char *name,
			 struct slice *ret, struct pcrcast_error *e)
{
	struct blob content;

	*ret = SLICE_EMPTY;
	for (size_t i = 0; i < pe->n_sections; i++) {
		if (!has_name(file, pe, &pe->sections[i], name))
			continue;
		int r = pe_section_content(w->pool, pe, &pe->sections[i], &content, e);
		if (r == 0)
			r = blob_load(w->pool, &content, FILE_MAX, ret, e);
		return r < 0 ? err_wrap(e, "section %s", name) : 0;
	}
	return 0;
}

static bool are_lists(struct pool *pool, struct slice bytes)
{
	struct esl list;

	while (bytes.n)
		if (esl_next(pool, &bytes, &list))
			return false;
	return true;
}

/* cert.S: u32 length of what is authorised and of what is not, u32 offset of each from the start of the section. */
static int read_vendor(struct walk *w, const struct pe *pe, struct shim_image *shim, struct pcrcast_error *e)
{
	struct slice table, good, bad;
	struct certificate c;

	int r = section_bytes(w, shim->bytes, pe, ".vendor_cert", &table, e);
	if (r < 0)
		return err_wrap(e, "%s", shim->path);
	if (table.n < 16)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "%s: section .vendor_cert has %zu bytes, shim's table takes 16", shim->path,
			       table.n);
	if (!slice_at(table, get_u32le(table.p + 8), get_u32le(table.p), &good) ||
	    !slice_at(table, get_u32le(table.p + 12), get_u32le(table.p + 4), &bad))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "%s: section .vendor_cert: a part lies outside of the section", shim->path);
	/* Which of the two it is was a choice at build time. A list begins with a GUID, which is no certificate. */
	if (good.n && certificate_read(w->pool, good, &c) && c.len == good.n)
		shim->vendor_cert = good;
	else if (are_lists(w->pool, good))
		shim->vendor_db = good;
	else
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "%s: section .vendor_cert: expected a certificate or signature lists",
			       shim->path);
	if (!are_lists(w->pool, bad))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "%s: section .vendor_cert: expected signature lists of what is not authorised",
			       shim->path);
	shim->vendor_dbx = bad;
	return 0;
}

/*
 * A build with ENABLE_SHIM_CERT=1 holds the certificate made for it somewhere among its data, which nothing points to. No other
 * certificate is there. Each place that begins like one and is none costs one look.
 */
static int find_build_cert(struct walk *w, const struct pe *pe, struct shim_image *shim,
			   struct pcrcast_error *e)
{
	enum { HEAD = 4 };
	unsigned looks = 0;

	for (size_t i = 0; i < pe->n_sections; i++) {
		const struct pe_section *s = &pe->sections[i];
		struct slice in, rest;

		if (has_name(shim->bytes, pe, s, ".vendor_cert") ||
		    !slice_at(shim->bytes, s->raw_off, s->raw_len, &in))
			continue;
		for (rest = in;;) {
			/* SEQUENCE with a length of two bytes, and another one in it. */
			const uint8_t *at = find(rest, "\x30\x82", 2);
			struct certificate c;
			struct slice der;

			if (!at || looks == LOOKS_MAX)
				break;
			size_t off = (size_t)(at - rest.p);
			if (slice_at(rest, off, HEAD, &der) && rest.n - off > HEAD && at[HEAD] == 0x30 &&
			    slice_at(rest, off, HEAD + get_u16be(at + 2), &der) && ++looks &&
			    certificate_read(w->pool, der, &c) && c.len == der.n) {
				if (shim->build_cert.n && !slice_equal(shim->build_cert, der))
					return err_set(
						e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
						"%s: several certificates among shim's data: which of them it trusts is not known",
						shim->path);
				shim->build_cert = der;
			}
			rest = (struct slice){ at + 2, rest.n - off - 2 };
		}
	}
	if (!shim->build_cert.n)
		return 0;
	return walk_assume(w, "shim-build-certificate",
			   pool_printf(w->pool, "the one found among the data of %s", shim->path), NULL, e);
}

static bool take_text(struct slice section, uint64_t off, struct slice *ret)
{
	struct slice rest;

	if (off >= section.n)
		return false;
	rest = (struct slice){ section.p + off, section.n - (size_t)off };
	const uint8_t *end = memchr(rest.p, 0, rest.n);
	*ret = (struct slice){ rest.p, end ? (size_t)(end - rest.p) : 0 };
	return end;
}

/* sbat_var.S: u32 0, then from byte 4 u32 offset of the one text and of the other, counted from byte 4. */
static int read_levels(struct walk *w, const struct pe *pe, struct shim_image *shim, struct pcrcast_error *e)
{
	struct slice s;

	if (shim->rules->level == LEVEL_OF_CODE) { /* include/sbat.h of 15.6 */
		shim->automatic = slice_of_string(SBAT_LEVEL_ORIGINAL);
		shim->latest = slice_of_string("sbat,1,2022052400\nshim,2\ngrub,2\n");
	}
	if (shim->rules->level < LEVEL_OF_SECTION)
		return 0;
	int r = section_bytes(w, shim->bytes, pe, ".sbatlevel", &s, e);
	if (r < 0)
		return err_wrap(e, "%s", shim->path);
	if (s.n < 12 || get_u32le(s.p) != 0 ||
	    !take_text(s, 4 + (uint64_t)get_u32le(s.p + 4), &shim->automatic) ||
	    !take_text(s, 4 + (uint64_t)get_u32le(s.p + 8), &shim->latest))
		return err_set(
			e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			"%s: section .sbatlevel: expected format 0 and two texts, as shim %s must have it",
			shim->path, shim->version);
	return 0;
}

/* The UTF-16 text at p: letters, digits and the like up to a zero unit. */
static size_t name_at(struct slice in, size_t off)
{
	for (size_t n = 0; n <= NAME_MAX_UNITS && in.n - off >= 2 * n + 2; n++) {
		uint16_t c = get_u16le(in.p + off + 2 * n);

		if (c == 0)
			return n;
		if (c < 0x21 || c > 0x7e || c == '%')
			return 0;
	}
	return 0;
}

/*
 * DEFAULT_LOADER of the build: "\\grub<arch>.efi" unless the builder has chosen another name. With its two backslashes
 * it is the one such text.
 */
static int find_default_loader(struct walk *w, struct shim_image *shim, struct pcrcast_error *e)
{
	static const uint8_t head[] = { '\\', 0, '\\', 0 };
	struct slice rest = shim->bytes, found = SLICE_EMPTY;

	unsigned looks = 0;

	for (const uint8_t *at; looks++ < LOOKS_MAX && (at = find(rest, head, sizeof head));) {
		size_t off = (size_t)(at - rest.p), n = name_at(rest, off), step = n ? 2 * n : 2;

		if (n > 6 && strncasecmp((const char[]){ (char)at[2 * n - 8], (char)at[2 * n - 6],
							 (char)at[2 * n - 4], (char)at[2 * n - 2], 0 },
					 ".efi", 4) == 0) {
			struct slice name = { at, 2 * n };

			if (found.n && !slice_equal(found, name))
				return err_set(
					e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
					"%s: which of several names is that of shim's second stage is not known",
					shim->path);
			found = name;
		}
		rest = (struct slice){ at + step, rest.n - off - step };
	}
	if (!found.n) {
		char *usual = pool_printf(w->pool, "\\\\grub%s.efi", shim->arch);
		int r = usual ? utf16_of_utf8(w->pool, usual, &shim->default_loader, e) : err_nomem(e);

		return r < 0 ? r : walk_assume(w, "shim-second-stage", usual + 2, NULL, e);
	}
	uint16_t *units = pool_array(w->pool, found.n / 2 + 1, sizeof *units);
	if (!units)
		return err_nomem(e);
	for (size_t i = 0; i < found.n / 2; i++)
		units[i] = get_u16le(found.p + 2 * i);
	shim->default_loader = (struct utf16){ units, found.n / 2 };
	return 0;
}

static bool has_wide(struct slice bytes, const char *ascii)
{
	size_t n = strlen(ascii);
	uint8_t wide[128];

	for (size_t i = 0; i < n; i++)
		put_u16le(wide + 2 * i, (uint8_t)ascii[i]);
	return find(bytes, wide, 2 * n);
}

/*
 * Commit dd3a5d71 of shim began to complete its lists, 65be3503 to measure them so; each came with a message of its own (the
 * arguments of dprint() in mok.c, which are there in every build).
 */
static enum shim_lists find_lists(const struct shim_image *shim)
{
	if (!shim->rules->patched || has_wide(shim->bytes, "maybe mirroring \"%s\".  original data"))
		return LISTS_COMPLETE;
	return has_wide(shim->bytes, "maybe mirroring") ? LISTS_UNSURE : LISTS_STORED;
}

int shim_read(struct walk *w, const struct start *s, struct shim_image *ret, struct pcrcast_error *e)
{
	static const char removable[] = "Invoked from removable media path, ignoring boot options";
	struct shim_image shim = { .path = s->path,
				   .arch = pe_machine_name(s->pe.machine),
				   .vendor_cert = SLICE_EMPTY,
				   .vendor_db = SLICE_EMPTY,
				   .vendor_dbx = SLICE_EMPTY,
				   .build_cert = SLICE_EMPTY,
				   .automatic = SLICE_EMPTY,
				   .latest = SLICE_EMPTY };

	if (!shim.arch)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "%s: shim for machine type 0x%04x, which has no name in UEFI", s->path,
			       s->pe.machine);
	int r = load(w->pool, &s->pe, &shim.bytes, e);
	if (r == 0)
		r = read_version(w, &shim, e);
	if (r == 0)
		r = section_bytes(w, shim.bytes, &s->pe, ".sbat", &shim.sbat, e);
	if (r == 0)
		r = read_vendor(w, &s->pe, &shim, e);
	if (r == 0)
		r = find_build_cert(w, &s->pe, &shim, e);
	if (r == 0)
		r = read_levels(w, &s->pe, &shim, e);
	if (r == 0)
		r = find_default_loader(w, &shim, e);
	if (r < 0)
		return r;
	shim.lists = find_lists(&shim);
	/* A message that only such a build has (the argument of dprint() in shim.c, which is there in every build). */
	shim.ignores_removable_options = find(shim.bytes, removable, strlen(removable));
	*ret = shim;
	return 0;
}
