#include "uki/elf.h"

#include <gelf.h>
#include <libelf.h>

#include "base/digest.h"
#include "base/reader.h"

enum {
	HEADERS_MAX = 4096,     /* section or program headers looked at; a kernel has below 100 */
	NOTES_MAX = 256 * 1024, /* bytes of notes looked at in one file; a kernel has a few hundred */
};

struct search {
	struct slice file;
	size_t budget;   /* bytes of notes that may still be looked at */
	struct slice id; /* empty: not found */
};

/*
 * Look for NT_GNU_BUILD_ID among notes: u32 name length, descriptor length, type, then both padded to
 * four bytes (System V ABI, "Note Section").
 */
static void search_notes(struct search *s, uint64_t off, uint64_t len)
{
	struct slice notes;

	if (s->id.n || len > s->budget || !slice_at(s->file, off, len, &notes))
		return;
	s->budget -= notes.n;
	struct reader r = reader_over(notes);
	while (!r.failed && reader_left(&r) > 0) {
		uint64_t name_len = reader_u32le(&r);
		uint64_t desc_len = reader_u32le(&r);
		uint32_t type = reader_u32le(&r);
		struct slice name = reader_take(&r, name_len);
		(void)reader_take(&r, -name_len & 3);
		struct slice desc = reader_take(&r, desc_len);

		if (r.failed)
			return;
		if (type == NT_GNU_BUILD_ID &&
		    slice_equal(name, (struct slice){ (const uint8_t *)ELF_NOTE_GNU, 4 }) && desc.n > 0 &&
		    desc.n <= BUILD_ID_MAX) {
			s->id = desc;
			return;
		}
		(void)reader_take(&r, -desc_len & 3);
	}
}

static void search_sections(struct search *s, Elf *elf)
{
	size_t n = 0;

	if (elf_getshdrnum(elf, &n) != 0)
		return;
	for (size_t i = 1; i < n && i < HEADERS_MAX; i++) {
		Elf_Scn *section = elf_getscn(elf, i);
		GElf_Shdr h;

		if (section && gelf_getshdr(section, &h) && h.sh_type == SHT_NOTE)
			search_notes(s, h.sh_offset, h.sh_size);
	}
}

static void search_segments(struct search *s, Elf *elf)
{
	size_t n = 0;

	if (elf_getphdrnum(elf, &n) != 0)
		return;
	for (size_t i = 0; i < n && i < HEADERS_MAX; i++) {
		GElf_Phdr h;

		if (gelf_getphdr(elf, (int)i, &h) && h.p_type == PT_NOTE)
			search_notes(s, h.p_offset, h.p_filesz);
	}
}

int elf_build_id(struct pool *pool, struct slice bytes, const char **ret, const char **ret_why,
		 struct pcrcast_error *e)
{
	struct search s = { .file = bytes, .budget = NOTES_MAX, .id = SLICE_EMPTY };

	*ret = NULL;
	*ret_why = NULL;
	if (bytes.n < EI_NIDENT || memcmp(bytes.p, ELFMAG, SELFMAG) != 0) {
		*ret_why = "the decompressed kernel is no ELF file";
		return 0;
	}
	if (bytes.p[EI_DATA] != ELFDATA2LSB) {
		*ret_why = "the decompressed kernel is no little-endian ELF file";
		return 0;
	}

	/* libelf only reads the bytes: ELF_C_READ is what elf_memory opens with. */
	Elf *elf =
		elf_version(EV_CURRENT) == EV_NONE ? NULL : elf_memory((char *)(uintptr_t)bytes.p, bytes.n);
	if (!elf || elf_kind(elf) != ELF_K_ELF) {
		(void)elf_end(elf);
		*ret_why = "libelf cannot read the decompressed kernel";
		return 0;
	}
	search_sections(&s, elf);
	search_segments(&s, elf);
	(void)elf_end(elf);

	if (s.id.n == 0) {
		*ret_why = "the kernel has no GNU build id";
		return 0;
	}
	char *hex = pool_array(pool, 2 * s.id.n + 1, 1);
	if (!hex)
		return err_nomem(e);
	hex_encode(s.id.p, s.id.n, hex);
	*ret = hex;
	return 0;
}

uint64_t elf_len(struct slice header)
{
	struct reader r = reader_over(header);
	struct slice ident = reader_take(&r, EI_NIDENT);
	uint64_t table;

	if (r.failed || memcmp(ident.p, ELFMAG, SELFMAG) != 0 || ident.p[EI_DATA] != ELFDATA2LSB)
		return 0;
	(void)reader_take(&r, 2 + 2 + 4); /* e_type, e_machine, e_version */
	if (ident.p[EI_CLASS] == ELFCLASS64) {
		(void)reader_take(&r, 8 + 8); /* e_entry, e_phoff */
		table = reader_u64le(&r);
	} else if (ident.p[EI_CLASS] == ELFCLASS32) {
		(void)reader_take(&r, 4 + 4);
		table = reader_u32le(&r);
	} else {
		return 0;
	}
	(void)reader_take(&r, 4 + 2 + 2 + 2); /* e_flags, e_ehsize, e_phentsize, e_phnum */
	uint64_t entry = reader_u16le(&r);
	uint64_t n = reader_u16le(&r);
	if (r.failed || table > UINT64_MAX - n * entry)
		return 0;
	return table + n * entry;
}
