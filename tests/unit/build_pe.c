#include "tests/unit/build_pe.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum {
	DOS_LEN = 64,
	SIGNATURE_LEN = 4,
	COFF_LEN = 20,
	SECTION_LEN = 40,
	SECTION_ALIGN = 4096,
	CHARACTERISTICS = 0x0206,  /* executable, no line numbers, no debug information */
	SECTION_DATA = 0x40000040, /* initialized data, readable */
};

/* assert() for every build mode. */
static void need(bool ok)
{
	if (!ok)
		abort();
}

static uint32_t round_up(size_t n, uint32_t to)
{
	return (uint32_t)((n + to - 1) / to * to);
}

static size_t fixed_len(bool pe32)
{
	return pe32 ? 96 : 112; /* optional header in front of the data directories */
}

uint8_t *built_coff_header(uint8_t *image)
{
	return image + get_u32le(image + 0x3c) + SIGNATURE_LEN;
}

uint8_t *built_optional_header(uint8_t *image)
{
	return built_coff_header(image) + COFF_LEN;
}

uint8_t *built_directory(uint8_t *image, size_t i)
{
	uint8_t *opt = built_optional_header(image);

	return opt + fixed_len(get_u16le(opt) == 0x10b) + 8 * i;
}

uint8_t *built_section_header(uint8_t *image, size_t i)
{
	return built_optional_header(image) + get_u16le(built_coff_header(image) + 16) + SECTION_LEN * i;
}

/* Everything in front of the section table. */
static void put_headers(uint8_t *p, const struct build_pe *what, uint32_t headers_len, uint32_t image_len)
{
	uint32_t n_dirs = what->n_dirs ? what->n_dirs : 16;
	size_t fixed = fixed_len(what->pe32);

	memcpy(p, "MZ", 2);
	put_u32le(p + 0x3c, DOS_LEN);
	p += DOS_LEN;
	memcpy(p, "PE\0\0", 4);
	put_u16le(p + 4, what->machine ? what->machine : 0x8664);
	put_u16le(p + 6, (uint16_t)what->n_sections);
	put_u16le(p + 20, (uint16_t)(fixed + 8 * (size_t)n_dirs));
	put_u16le(p + 22, CHARACTERISTICS);
	p += SIGNATURE_LEN + COFF_LEN;

	put_u16le(p, what->pe32 ? 0x10b : 0x20b);
	put_u32le(p + 16, SECTION_ALIGN); /* AddressOfEntryPoint */
	put_u32le(p + 32, SECTION_ALIGN);
	put_u32le(p + 36, what->file_align ? what->file_align : 512);
	put_u16le(p + 44, what->major_image_version);
	put_u32le(p + 56, image_len);
	put_u32le(p + 60, headers_len);
	put_u16le(p + 68, what->subsystem ? what->subsystem : 10);
	put_u32le(p + fixed - 4, n_dirs);
}

uint8_t *build_pe(const struct build_pe *what, size_t *ret_n)
{
	uint32_t align = what->file_align ? what->file_align : 512;
	size_t opt_len = fixed_len(what->pe32) + 8 * (size_t)(what->n_dirs ? what->n_dirs : 16);
	uint32_t headers_len = round_up(
		DOS_LEN + SIGNATURE_LEN + COFF_LEN + opt_len + SECTION_LEN * what->n_sections, align);
	size_t n = headers_len;
	uint32_t image_len = round_up(headers_len, SECTION_ALIGN);

	for (size_t i = 0; i < what->n_sections; i++)
		n += round_up(what->sections[i].n, align);
	n += what->trailing;
	uint8_t *image = calloc(n, 1);
	need(image);

	/* The table first: the header wants SizeOfImage, which is known behind it. */
	uint8_t *header = image + DOS_LEN + SIGNATURE_LEN + COFF_LEN + opt_len;
	uint32_t at = headers_len;
	for (size_t i = 0; i < what->n_sections; i++, header += SECTION_LEN) {
		const struct built_section *s = &what->sections[i];
		uint32_t virt_len = s->virt_len ? s->virt_len : (uint32_t)s->n;
		uint32_t raw_len = round_up(s->n, align);

		need(strlen(s->name) <= 8);
		memcpy(header, s->name, strlen(s->name));
		put_u32le(header + 8, virt_len);
		put_u32le(header + 12, image_len);
		put_u32le(header + 16, raw_len);
		put_u32le(header + 20, raw_len ? at : 0);
		put_u32le(header + 36, SECTION_DATA);
		if (s->n)
			memcpy(image + at, s->bytes, s->n);
		at += raw_len;
		image_len += round_up(virt_len, SECTION_ALIGN);
	}
	memset(image + at, 0x5a, what->trailing);
	put_headers(image, what, headers_len, image_len);
	*ret_n = n;
	return image;
}

enum { UKI_MAX_SECTIONS = 64 };

uint8_t *build_uki(const char *stub_version, const struct built_section *sections, size_t n_sections,
		   size_t *ret_n)
{
	struct built_section all[UKI_MAX_SECTIONS + 1];
	char magic[256] = "";
	size_t n = 0;

	need(n_sections <= UKI_MAX_SECTIONS);
	if (stub_version) {
		int len =
			snprintf(magic, sizeof magic, "#### LoaderInfo: systemd-stub %s ####", stub_version);

		need(len > 0 && (size_t)len < sizeof magic);
		all[n++] = (struct built_section){ .name = ".sdmagic", .bytes = magic, .n = (size_t)len + 1 };
	}
	if (n_sections)
		memcpy(all + n, sections, n_sections * sizeof *sections);
	return build_pe(
		&(struct build_pe){ .major_image_version = (uint16_t)(stub_version ? atoi(stub_version) : 0),
				    .sections = all,
				    .n_sections = n + n_sections },
		ret_n);
}

/*
 * The EFI stub's events as the kernel image holds them: id, length, text with its NUL (Linux
 * drivers/firmware/efi/libstub/efi-stub-helper.c).
 */
static const uint8_t tag_initrd[] = "\xec\x22\x3b\x8f\x0d\x00\x00\x00Linux initrd";
static const uint8_t tag_load_options[] = "\xed\x22\x3b\x8f\x1a\x00\x00\x00LOADED_IMAGE::LoadOptions";

uint8_t *build_kernel(int measures_load_options, int measures_initrd, size_t *ret_n)
{
	/* As Linux has them: the setup header, at 0x1f1, lies across the end of the PE headers. */
	static const char version[] = "6.12.0-test (builder@host) #1 SMP PREEMPT_DYNAMIC";
	enum { VERSION_AT = 0x100, TAGS_AT = 0x40, SETUP_SECTORS = 1 };
	uint8_t setup[512] = { 0 }, text[512] = { 0 };
	const struct built_section sections[] = { { .name = ".setup", .bytes = setup, .n = sizeof setup },
						  { .name = ".text", .bytes = text, .n = sizeof text } };

	memcpy(setup + 0x02, "HdrS", 4);
	put_u16le(setup + 0x06, 0x020f);
	put_u16le(setup + 0x0e, VERSION_AT);
	memcpy(setup + VERSION_AT, version, sizeof version);
	if (measures_initrd)
		memcpy(text + TAGS_AT, tag_initrd, sizeof tag_initrd);
	if (measures_load_options)
		memcpy(text + TAGS_AT + 64, tag_load_options, sizeof tag_load_options);

	uint8_t *image =
		build_pe(&(struct build_pe){ .n_dirs = 6, .sections = sections, .n_sections = 2 }, ret_n);
	need(built_section_header(image, 2) <= image + 0x1f1);
	image[0x1f1] = SETUP_SECTORS;
	put_u16le(image + 0x1fe, 0xaa55);
	return image;
}

uint8_t *load_file(const char *path, size_t *ret_n)
{
	FILE *f = fopen(path, "rb");
	long n = -1;

	if (!f)
		perror(path);
	need(f && fseek(f, 0, SEEK_END) == 0 && (n = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0);
	uint8_t *bytes = malloc(n ? (size_t)n : 1);
	need(bytes && fread(bytes, 1, (size_t)n, f) == (size_t)n);
	(void)fclose(f);
	*ret_n = (size_t)n;
	return bytes;
}
