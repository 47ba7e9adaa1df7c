#include "uki/pe.h"

#include "base/bytes.h"

enum {
	DOS_LEN = 64,
	COFF_LEN = 24,      /* signature and COFF file header */
	OPTIONAL_MIN = 96,  /* PE32 optional header without data directories; PE32+ has 112 */
	OPTIONAL_MAX = 240, /* PE32+ with all 16 data directories */
	SECTION_LEN = 40,
	CERT_DIRECTORY = 4, /* index of the Certificate Table */
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

static int read_headers(const struct blob *image, struct pe *pe, uint64_t *ret_table, uint16_t *ret_n,
			struct pcrcast_error *e)
{
	uint8_t dos[DOS_LEN], coff[COFF_LEN], opt[OPTIONAL_MAX] = { 0 };
	uint64_t at = 0;

	if (image->len < DOS_LEN)
		return err_set(e, PCRCAST_ETRUNC, 0, "a PE image needs %d bytes of DOS header, found %llu", DOS_LEN,
			       (unsigned long long)image->len);
	int r = blob_read(image, 0, dos, sizeof dos, e);
	if (r < 0)
		return r;
	if (dos[0] == 'M' && dos[1] == 'Z')
		at = get_u32le(dos + 0x3c);
	if (image->len < COFF_LEN || at > image->len - COFF_LEN)
		return err_set(e, PCRCAST_ETRUNC, at, "PE header expected at byte %llu, the file ends at %llu",
			       (unsigned long long)at, (unsigned long long)image->len);
	r = blob_read(image, at, coff, sizeof coff, e);
	if (r < 0)
		return r;
	if (memcmp(coff, "PE\0\0", 4) != 0)
		return err_set(e, PCRCAST_EFORMAT, at, "no PE image: expected the signature \"PE\", found %02x %02x %02x %02x",
			       coff[0], coff[1], coff[2], coff[3]);
	pe->machine = get_u16le(coff + 4);
	*ret_n = get_u16le(coff + 6);

	uint64_t opt_at = at + COFF_LEN;
	uint16_t opt_len = get_u16le(coff + 20);
	size_t have = image->len - opt_at < sizeof opt ? (size_t)(image->len - opt_at) : sizeof opt;
	if (opt_len < have)
		have = opt_len;
	r = blob_read(image, opt_at, opt, have, e);
	if (r < 0)
		return r;
	uint16_t magic = get_u16le(opt);
	if (have >= 2 && magic != 0x10b && magic != 0x20b)
		return err_set(e, PCRCAST_EFORMAT, opt_at, "optional header magic 0x%04x, expected 0x010b or 0x020b", magic);
	pe->plus = magic == 0x20b;
	size_t dirs = pe->plus ? 112 : OPTIONAL_MIN;
	if (have < dirs)
		return err_set(e, PCRCAST_ETRUNC, opt_at, "optional header has %zu bytes, expected at least %zu", have, dirs);

	pe->major_image_version = get_u16le(opt + 44);
	pe->image_len = get_u32le(opt + 56);
	pe->headers_len = get_u32le(opt + 60);
	pe->checksum_off = (uint32_t)(opt_at + 64);
	pe->subsystem = get_u16le(opt + 68);
	if (pe->headers_len > image->len)
		return err_set(e, PCRCAST_ETRUNC, opt_at + 60, "SizeOfHeaders is %u, the file ends at %llu",
			       pe->headers_len, (unsigned long long)image->len);
	if (pe->headers_len < opt_at + dirs)
		return err_set(e, PCRCAST_EFORMAT, opt_at + 60, "SizeOfHeaders is %u, the optional header ends at %llu",
			       pe->headers_len, (unsigned long long)(opt_at + dirs));

	uint32_t n_dirs = get_u32le(opt + dirs - 4);
	size_t cert = dirs + CERT_DIRECTORY * 8;
	if (n_dirs > CERT_DIRECTORY) {
		if (have < cert + 8 || opt_at + cert + 8 > pe->headers_len)
			return err_set(e, PCRCAST_ETRUNC, opt_at + dirs - 4, "%u data directories do not fit into the header", n_dirs);
		pe->cert_entry_off = (uint32_t)(opt_at + cert);
		pe->cert_off = get_u32le(opt + cert);
		pe->cert_len = get_u32le(opt + cert + 4);
	}
	*ret_table = opt_at + opt_len;
	return 0;
}

static int check_raw(const struct pe_section *s, uint64_t at, uint64_t file_len, struct pcrcast_error *e)
{
	if (s->raw_len && (s->raw_off > file_len || s->raw_len > file_len - s->raw_off))
		return err_set(e, PCRCAST_ETRUNC, at, "section %.8s lies at bytes %u to %llu, the file ends at %llu", s->name,
			       s->raw_off, (unsigned long long)s->raw_off + s->raw_len, (unsigned long long)file_len);
	return 0;
}

int pe_parse(struct pool *pool, const struct blob *image, struct pe *ret, struct pcrcast_error *e)
{
	struct pe pe = { .image = *image };
	uint64_t table = 0;
	uint16_t n = 0;
	int r = read_headers(image, &pe, &table, &n, e);

	if (r < 0)
		return r;
	if (table > image->len || (uint64_t)n * SECTION_LEN > image->len - table)
		return err_set(e, PCRCAST_ETRUNC, table, "%u section headers expected, the file ends at %llu", n,
			       (unsigned long long)image->len);

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
		r = check_raw(s, table + i * SECTION_LEN + 16, image->len, e);
		if (r < 0)
			return r;
	}
	pe.sections = sections;
	pe.n_sections = n;
	*ret = pe;
	return 0;
}

const struct pe_section *pe_section_find(const struct pe *pe, const char *name)
{
	for (size_t i = 0; i < pe->n_sections; i++)
		if (strcmp(pe->sections[i].name, name) == 0)
			return &pe->sections[i];
	return NULL;
}

int pe_section_content(struct pool *pool, const struct pe *pe, const struct pe_section *s, struct blob *ret,
		       struct pcrcast_error *e)
{
	uint32_t from_file = s->raw_len < s->virt_len ? s->raw_len : s->virt_len;
	struct blob_builder w = BLOB_BUILDER(pool);

	if (s->virt_len - from_file > PE_MAX_ZERO_FILL)
		return err_set(e, PCRCAST_ELIMIT, s->raw_off,
			       "section %.8s has %u bytes in the file and %u in memory, at most %d are filled up with zeros",
			       s->name, s->raw_len, s->virt_len, PE_MAX_ZERO_FILL);
	if (from_file)
		blob_add_part(&w, &pe->image, s->raw_off, from_file);
	blob_add_zeros(&w, s->virt_len - from_file);
	return blob_build(&w, ret, e);
}
