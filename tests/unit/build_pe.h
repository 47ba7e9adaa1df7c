/*
 * Small PE images and UKIs for tests, built byte by byte.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct built_section {
	const char *name;
	const void *bytes;
	size_t n;          /* bytes in the file */
	uint32_t virt_len; /* 0: n */
};

struct build_pe {
	uint16_t machine;   /* 0: x64 */
	uint16_t subsystem; /* 0: 10 (application) */
	int pe32;           /* PE32 instead of PE32+ */
	uint16_t major_image_version;
	uint32_t file_align; /* 0: 512; 1 makes files of any length */
	uint32_t n_dirs;     /* data directories in the optional header; 0: 16 */
	const struct built_section *sections;
	size_t n_sections;
	size_t trailing; /* bytes behind the last section, all 0x5a */
};

/* A malloc'ed image of *ret_n bytes; the caller frees it. */
uint8_t *build_pe(const struct build_pe *what, size_t *ret_n);

/* A UKI: .sdmagic for this stub version (NULL: none) and then the sections given. */
uint8_t *build_uki(const char *stub_version, const struct built_section *sections, size_t n_sections,
		   size_t *ret_n);

/* A minimal x86 kernel with EFI stub: a PE with HdrS and, if asked, the EFI stub's tag records. */
uint8_t *build_kernel(int measures_load_options, int measures_initrd, size_t *ret_n);

/* Where things lie in an image from above, to read or to spoil them. */
uint8_t *built_coff_header(uint8_t *image); /* 20 bytes, behind the signature "PE" */
uint8_t *
built_optional_header(uint8_t *image); /* CheckSum is at 64, SizeOfImage at 56, SizeOfHeaders at 60 */
uint8_t *built_directory(uint8_t *image, size_t i); /* u32 address, u32 length; 4: the certificate table */
/* name[8], VirtualSize, VirtualAddress, SizeOfRawData at 16, PointerToRawData at 20 */
uint8_t *built_section_header(uint8_t *image, size_t i);

/* A malloc'ed block of exactly the bytes of a file below the project's directory; aborts when there is none. */
uint8_t *load_file(const char *path, size_t *ret_n);
