#include "uki/pe.h"

#include "base/bytes.h"

enum {
	DOS_LEN = 64,
	COFF_LEN = 24,      /* signature and COFF file header */
	OPTIONAL_MIN = 96,  /* PE32 optional header without data directories; PE32+ has 112 */
	OPTIONAL_MAX = 240, /* PE32+ with all 16 data directories */
	SECTION_LEN = 40,
	CERT_DIRECTORY = 4, /* index of the Certificate Table */
	RELOC_DIRECTORY = 5,
};

const char *pe_machine_name(uint16_t machine)
{
	switch (machine) {
	case PE_MACHINE_IA32:
		return "ia32";
	case PE_MACHINE_X64:
		return "x64";
	case PE_MACHINE_ARM:
		return "arm";
	case PE_MACHINE_AA64:
		return "aa64";
	case PE_MACHINE_RISCV64:
		return "riscv64";
	case PE_MACHINE_LOONGARCH64:
		return "loongarch64";
	default:
		return NULL;
	}
}

/* Where the parts of the headers are, and how much of the optional header is there. */
struct headers {
	uint64_t optional_off;
	uint16_t optional_len, n_sections;
	uint8_t optional[OPTIONAL_MAX];
	size_t have; /* bytes of optional that were read; zeros behind them */
	size_t dirs; /* offset of the data directories in it */
};

/* The DOS header, if there is one, and the COFF header. */
static int read_coff(const struct blob *image, struct pe *pe, struct headers *h, struct pcrcast_error *e)
{
	uint8_t dos[DOS_LEN], coff[COFF_LEN];
	uint64_t at = 0;

	if (image->len > PE_MAX_LEN)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "%llu bytes, a PE image has less than 4 GiB", (unsigned long long)image->len);
	if (image->len < DOS_LEN)
		return err_set(e, PCRCAST_ETRUNC, 0, "a PE image needs %d bytes of DOS header, found %llu",
			       DOS_LEN, (unsigned long long)image->len);
	int r = blob_read(image, 0, dos, sizeof dos, e);
	if (r < 0)
		return r;
	if (dos[0] == 'M' && dos[1] == 'Z')
		at = get_u32le(dos + 0x3c);
	if (image->len < COFF_LEN || at > image->len - COFF_LEN)
		return err_set(e, PCRCAST_ETRUNC, at,
			       "PE header expected at byte %llu, the file ends at %llu",
			       (unsigned long long)at, (unsigned long long)image->len);
	r = blob_read(image, at, coff, sizeof coff, e);
	if (r < 0)
		return r;
	if (memcmp(coff, "PE\0\0", 4) != 0)
		return err_set(e, PCRCAST_EFORMAT, at,
			       "no PE image: expected the signature \"PE\", found %02x %02x %02x %02x",
			       coff[0], coff[1], coff[2], coff[3]);
	pe->machine = get_u16le(coff + 4);
	pe->relocs_stripped = coff[22] & 1;
	h->n_sections = get_u16le(coff + 6);
	h->optional_off = at + COFF_LEN;
	h->optional_len = get_u16le(coff + 20);
	return 0;
}

static int read_optional(const struct blob *image, struct pe *pe, struct headers *h, struct pcrcast_error *e)
{
	const uint8_t *opt = h->optional;
	uint64_t at = h->optional_off, left = image->len - at;

	h->have = left < sizeof h->optional ? (size_t)left : sizeof h->optional;
	if (h->optional_len < h->have)
		h->have = h->optional_len;
	int r = blob_read(image, at, h->optional, h->have, e);
	if (r < 0)
		return r;
	uint16_t magic = get_u16le(opt);
	if (h->have >= 2 && magic != 0x10b && magic != 0x20b)
		return err_set(e, PCRCAST_EFORMAT, at,
			       "optional header magic 0x%04x, expected 0x010b or 0x020b", magic);
	pe->plus = magic == 0x20b;
	h->dirs = pe->plus ? 112 : OPTIONAL_MIN;
	if (h->have < h->dirs)
		return err_set(e, PCRCAST_ETRUNC, at, "optional header has %zu bytes, expected at least %zu",
			       h->have, h->dirs);

	pe->optional_off = (uint32_t)at;
	pe->optional_len = h->optional_len;
	pe->section_align = get_u32le(opt + 32);
	pe->major_image_version = get_u16le(opt + 44);
	pe->image_len = get_u32le(opt + 56);
	pe->headers_len = get_u32le(opt + 60);
	pe->checksum_off = (uint32_t)(at + 64);
	pe->subsystem = get_u16le(opt + 68);
	pe->n_directories = get_u32le(opt + h->dirs - 4);
	if (pe->headers_len > image->len)
		return err_set(e, PCRCAST_ETRUNC, at + 60, "SizeOfHeaders is %u, the file ends at %llu",
			       pe->headers_len, (unsigned long long)image->len);
	if (pe->headers_len < at + h->dirs)
		return err_set(e, PCRCAST_EFORMAT, at + 60,
			       "SizeOfHeaders is %u, the optional header ends at %llu", pe->headers_len,
			       (unsigned long long)(at + h->dirs));
	return 0;
}

static int read_directories(struct pe *pe, const struct headers *h, struct pcrcast_error *e)
{
	size_t cert = h->dirs + CERT_DIRECTORY * 8, reloc = h->dirs + RELOC_DIRECTORY * 8;
	uint32_t n = pe->n_directories;

	if (n > RELOC_DIRECTORY && h->have >= reloc + 8) {
		pe->reloc_off = get_u32le(h->optional + reloc);
		pe->reloc_len = get_u32le(h->optional + reloc + 4);
	}
	if (n <= CERT_DIRECTORY)
		return 0;
	if (h->have < cert + 8 || h->optional_off + cert + 8 > pe->headers_len)
		return err_set(e, PCRCAST_ETRUNC, h->optional_off + h->dirs - 4,
			       "%u data directories do not fit into the header", n);
	pe->cert_entry_off = (uint32_t)(h->optional_off + cert);
	pe->cert_off = get_u32le(h->optional + cert);
	pe->cert_len = get_u32le(h->optional + cert + 4);
	return 0;
}

/* All but the section table, whose offset and length they tell. */
static int read_headers(const struct blob *image, struct pe *pe, uint64_t *ret_table, uint16_t *ret_n,
			struct pcrcast_error *e)
{
	struct headers h = { .have = 0 };
	int r = read_coff(image, pe, &h, e);

	if (r == 0)
		r = read_optional(image, pe, &h, e);
	if (r == 0)
		r = read_directories(pe, &h, e);
	if (r < 0)
		return r;
	*ret_table = h.optional_off + h.optional_len;
	*ret_n = h.n_sections;
	return 0;
}

static int check_raw(const struct pe_section *s, uint64_t file_len, struct pcrcast_error *e)
{
	if (s->raw_len && (s->raw_off > file_len || s->raw_len > file_len - s->raw_off))
		return err_set(e, PCRCAST_ETRUNC, file_len,
			       "section %.8s lies at bytes %u to %llu, the file ends at %llu", s->name,
			       s->raw_off, (unsigned long long)s->raw_off + s->raw_len,
			       (unsigned long long)file_len);
	return 0;
}

int pe_parse_headers(struct pool *pool, const struct blob *image, struct pe *ret, struct pcrcast_error *e)
{
	struct pe pe = { .image = *image };
	uint64_t table = 0;
	uint16_t n = 0;
	int r = read_headers(image, &pe, &table, &n, e);

	if (r < 0)
		return r;
	if (n > PE_MAX_SECTIONS)
		return err_set(e, PCRCAST_ELIMIT, table, "%u sections, at most %d are handled", n,
			       PE_MAX_SECTIONS);
	if (table > image->len || (uint64_t)n * SECTION_LEN > image->len - table)
		return err_set(e, PCRCAST_ETRUNC, table, "%u section headers expected, the file ends at %llu",
			       n, (unsigned long long)image->len);

	struct pe_section *sections = pool_array(pool, n, sizeof *sections);
	uint8_t *raw = pool_array(pool, n, SECTION_LEN);
	if (!sections || !raw)
		return err_nomem(e);
	r = blob_read(image, table, raw, (size_t)n * SECTION_LEN, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *p = raw + i * SECTION_LEN;
		struct pe_section *s = &sections[i];

		memcpy(s->name, p, 8);
		s->virt_len = get_u32le(p + 8);
		s->virt_off = get_u32le(p + 12);
		s->raw_len = get_u32le(p + 16);
		s->raw_off = get_u32le(p + 20);
	}
	pe.sections = sections;
	pe.n_sections = n;
	*ret = pe;
	return 0;
}

int pe_parse(struct pool *pool, const struct blob *image, struct pe *ret, struct pcrcast_error *e)
{
	struct pe pe;
	int r = pe_parse_headers(pool, image, &pe, e);

	for (size_t i = 0; r == 0 && i < pe.n_sections; i++)
		r = check_raw(&pe.sections[i], image->len, e);
	if (r == 0)
		*ret = pe;
	return r;
}

const struct pe_section *pe_section_find(const struct pe *pe, const char *name)
{
	for (size_t i = 0; i < pe->n_sections; i++)
		if (strcmp(pe->sections[i].name, name) == 0)
			return &pe->sections[i];
	return NULL;
}

/* Lay bytes over the part [off, off + over->len) of *b. */
static int lay_over(struct pool *pool, struct blob *b, uint64_t off, const struct blob *over,
		    struct pcrcast_error *e)
{
	struct blob_builder w = BLOB_BUILDER(pool);

	blob_add_part(&w, b, 0, off);
	blob_add(&w, over);
	blob_add_part(&w, b, off + over->len, b->len - off - over->len);
	return blob_build(&w, b, e);
}

/* The bytes [from, to) of memory that begin at address at and come from the file; the rest of the range is zeros. */
static int lay_part(struct pool *pool, const struct pe *pe, uint64_t from, uint64_t to, uint64_t at,
		    uint64_t len, uint32_t raw_off, uint32_t raw_len, struct blob *content,
		    struct pcrcast_error *e)
{
	uint64_t start = at > from ? at : from, end = at + len < to ? at + len : to;
	struct blob_builder w = BLOB_BUILDER(pool);
	struct blob part;

	if (start >= end)
		return 0;
	uint64_t skip = start - at, n = end - start, from_file = skip < raw_len ? raw_len - skip : 0;
	if (from_file > n)
		from_file = n;
	if (from_file)
		blob_add_part(&w, &pe->image, raw_off + skip, from_file);
	blob_add_zeros(&w, n - from_file);
	int r = blob_build(&w, &part, e);
	return r < 0 ? r : lay_over(pool, content, start - from, &part, e);
}

int pe_section_content(struct pool *pool, const struct pe *pe, const struct pe_section *s, struct blob *ret,
		       struct pcrcast_error *e)
{
	uint32_t from_file = s->raw_len < s->virt_len ? s->raw_len : s->virt_len;
	uint64_t from = s->virt_off, to = from + s->virt_len;
	struct blob_builder w = BLOB_BUILDER(pool);
	struct blob content;
	unsigned n_layers = 0;

	if (s->virt_len - from_file > PE_MAX_ZERO_FILL)
		return err_set(
			e, PCRCAST_ELIMIT, s->raw_off,
			"section %.8s has %u bytes in the file and %u in memory, at most %d are filled up with zeros",
			s->name, s->raw_len, s->virt_len, PE_MAX_ZERO_FILL);
	blob_add_zeros(&w, s->virt_len);
	int r = blob_build(&w, &content, e);
	if (r == 0)
		r = lay_part(pool, pe, from, to, 0, pe->headers_len, 0, pe->headers_len, &content, e);
	for (size_t i = 0; r == 0 && i < pe->n_sections; i++) {
		const struct pe_section *o = &pe->sections[i];
		/* With VirtualSize 0 firmware loads all raw bytes; else as many as fit, and zeros behind them. */
		uint32_t raw = o->virt_len == 0 || o->raw_len < o->virt_len ? o->raw_len : o->virt_len;
		uint64_t len = o->virt_len ? o->virt_len : raw;

		if (o->virt_off >= to || o->virt_off + len <= from)
			continue;
		if (++n_layers > PE_MAX_LAYERS)
			return err_set(e, PCRCAST_ELIMIT, s->raw_off,
				       "section %.8s shares its memory with more than %d others", s->name,
				       PE_MAX_LAYERS - 1);
		r = check_raw(o, pe->image.len, e);
		if (r == 0)
			r = lay_part(pool, pe, from, to, o->virt_off, len, o->raw_off, raw, &content, e);
	}
	if (r == 0)
		*ret = content;
	return r;
}

int pe_relocated(struct pool *pool, const struct pe *pe, uint64_t from, uint64_t to, bool *ret,
		 struct pcrcast_error *e)
{
	enum { TABLE_MAX = 1 << 20, BLOCK_HEADER = 8, WIDEST = 8 }; /* bytes; a stub's table has some tens */
	struct pe_section table = { .name = ".reloc", .virt_off = pe->reloc_off, .virt_len = pe->reloc_len };
	struct blob content;
	struct slice t;

	*ret = false;
	if (pe->reloc_len == 0)
		return 0;
	if (pe->reloc_len > TABLE_MAX)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "base relocation table of %u bytes, at most %d are read", pe->reloc_len,
			       TABLE_MAX);
	int r = pe_section_content(pool, pe, &table, &content, e);
	if (r == 0)
		r = blob_load(pool, &content, TABLE_MAX, &t, e);
	if (r < 0)
		return r;
	for (size_t at = 0; t.n - at >= BLOCK_HEADER;) {
		uint32_t page = get_u32le(t.p + at), len = get_u32le(t.p + at + 4);

		if (len < BLOCK_HEADER || len > t.n - at)
			break; /* firmware refuses the rest */
		for (size_t i = at + BLOCK_HEADER; i + 2 <= at + len; i += 2) {
			uint16_t entry = get_u16le(t.p + i);
			uint64_t target = (uint64_t)page + (entry & 0xfff);

			/* type 0 is padding */
			*ret |= entry >> 12 && target < to && target + WIDEST > from;
		}
		at += len;
	}
	return 0;
}

/* ---- what EDK2 does ---- */

/* PeCoffLoaderGetPeHeader, in its order; NULL: it takes the image. */
static const char *why_refused(struct pool *pool, const struct pe *pe)
{
	enum {
		MAX_DIRECTORIES = 16, /* EFI_IMAGE_NUMBER_OF_DIRECTORY_ENTRIES */
		NT_HEADERS = 264,     /* sizeof (EFI_IMAGE_NT_HEADERS64) */
	};
	uint64_t plain = pe->plus ? 112 : OPTIONAL_MIN, table = (uint64_t)pe->optional_off + pe->optional_len,
		 n = pe->n_sections;

	if (pe->optional_off - COFF_LEN + (uint64_t)NT_HEADERS > pe->image.len)
		return "the file ends inside the headers";
	if (pe->n_directories > MAX_DIRECTORIES)
		return pool_printf(pool, "NumberOfRvaAndSizes is %u, at most %d are possible",
				   pe->n_directories, MAX_DIRECTORIES);
	if (pe->optional_len != plain + 8 * (uint64_t)pe->n_directories)
		return pool_printf(pool, "SizeOfOptionalHeader is %u, expected %llu for %u data directories",
				   pe->optional_len,
				   (unsigned long long)(plain + 8 * (uint64_t)pe->n_directories),
				   pe->n_directories);
	if (pe->image_len <= table || (pe->image_len - table) / SECTION_LEN <= n)
		return pool_printf(pool, "SizeOfImage is %u, too small for the section table", pe->image_len);
	if (pe->headers_len <= table || (pe->headers_len - table) / SECTION_LEN < n)
		return pool_printf(pool, "SizeOfHeaders is %u, too small for the section table",
				   pe->headers_len);
	if (pe->headers_len >= pe->image_len)
		return pool_printf(pool, "SizeOfHeaders is %u, SizeOfImage %u", pe->headers_len,
				   pe->image_len);
	if (pe->cert_len && (uint64_t)pe->cert_off + pe->cert_len > pe->image.len)
		return "the certificate table lies outside the file";
	for (size_t i = 0; i < n; i++) {
		const struct pe_section *s = &pe->sections[i];

		if (s->raw_len && (s->virt_off < pe->headers_len || s->raw_off < pe->headers_len))
			return pool_printf(pool, "section %.8s begins inside the headers", s->name);
	}
	if (pe->subsystem < PE_EFI_APPLICATION || pe->subsystem > PE_EFI_RUNTIME_DRIVER)
		return pool_printf(pool, "subsystem %u is none of UEFI's (10, 11, 12)", pe->subsystem);
	return NULL;
}

/* PeCoffLoaderLoadImage; NULL: it loads the image. */
static const char *why_not_loaded(struct pool *pool, const struct pe *pe)
{
	if (pe->section_align == 0)
		return "SectionAlignment is 0";
	for (size_t i = 0; i < pe->n_sections; i++) {
		const struct pe_section *s = &pe->sections[i];

		if (s->raw_len && (s->virt_off >= pe->image_len ||
				   (uint32_t)(s->virt_off + s->virt_len - 1) >= pe->image_len))
			return pool_printf(pool, "section %.8s ends beyond SizeOfImage", s->name);
	}
	return NULL;
}

enum pe_fate pe_fate_under_edk2(struct pool *pool, const struct pe *pe, const char **ret_why)
{
	*ret_why = why_refused(pool, pe);
	if (*ret_why)
		return PE_REFUSED;
	*ret_why = why_not_loaded(pool, pe);
	return *ret_why ? PE_MEASURED_ONLY : PE_LOADS;
}
