/*
 * PE32 and PE32+ images as firmware and boot loaders read them.
 * Source: Microsoft PE/COFF Specification, revision 8.3, sections 2 to 5.
 */
#pragma once

#include "base/blob.h"
#include "base/error.h"
#include "base/pool.h"

enum pe_machine {
	PE_MACHINE_IA32 = 0x014c,
	PE_MACHINE_X64 = 0x8664,
	PE_MACHINE_ARM = 0x01c2,
	PE_MACHINE_EBC = 0x0ebc, /* EFI byte code */
	PE_MACHINE_AA64 = 0xaa64,
	PE_MACHINE_RISCV64 = 0x5064,
	PE_MACHINE_LOONGARCH64 = 0x6264,
};

/* UEFI 2.10, section 2.1.1 */
enum pe_subsystem {
	PE_EFI_APPLICATION = 10,
	PE_EFI_BOOT_SERVICES_DRIVER = 11,
	PE_EFI_RUNTIME_DRIVER = 12,
};

struct pe_section {
	char name[9];      /* as stored, at most 8 bytes, then a NUL */
	uint32_t virt_len; /* bytes in memory (VirtualSize); may exceed raw_len, the rest is zeros */
	uint32_t virt_off; /* from the image base (VirtualAddress) */
	uint32_t raw_len;  /* bytes in the file (SizeOfRawData) */
	uint32_t raw_off;  /* bytes from the start of the file (PointerToRawData) */
};

/* All offsets are from the start of the file; all lie inside it. */
struct pe {
	struct blob image; /* the whole file, or the bytes handed to LoadImage() */
	uint16_t machine;
	uint16_t subsystem;
	uint16_t major_image_version;
	bool plus;                           /* PE32+ */
	bool relocs_stripped;                /* Characteristics */
	uint32_t headers_len;                /* SizeOfHeaders */
	uint32_t image_len;                  /* SizeOfImage: bytes in memory */
	uint32_t section_align;              /* SectionAlignment */
	uint32_t optional_off, optional_len; /* of the optional header; SizeOfOptionalHeader */
	uint32_t n_directories;              /* NumberOfRvaAndSizes as stated */
	uint32_t reloc_off, reloc_len;       /* base relocation table, from the image base; len 0: none */
	uint32_t checksum_off;
	uint32_t cert_entry_off; /* of the Certificate Table data directory entry; 0: there is none */
	uint32_t cert_off;       /* of the attribute certificate table; meaningless when cert_len is 0 */
	uint32_t cert_len;
	const struct pe_section *sections; /* in table order */
	size_t n_sections;
};

/*
 * Read the headers. An image that firmware would not load because a header or a section's raw data lies
 * outside the file is an error that names the place. Everything in ret comes from pool.
 */
int pe_parse(struct pool *pool, const struct blob *image, struct pe *ret, struct pcrcast_error *e);

/* The same for a reader that looks at the headers only, as boot menus do: sections may lie outside the file. */
int pe_parse_headers(struct pool *pool, const struct blob *image, struct pe *ret, struct pcrcast_error *e);

/* "x64", as in BOOTX64.EFI (UEFI 2.10, section 3.5.1.1); NULL for a machine not named there. */
const char *pe_machine_name(uint16_t machine);

/*
 * What EDK2 makes of an image that LoadImage() is called for. Source: EDK2 MdePkg/Library/BasePeCoffLib/BasePeCoff.c
 * (PeCoffLoaderGetPeHeader, PeCoffLoaderLoadImage, edk2-stable202211 to 202608); each refusal was tried on OVMF.
 */
enum pe_fate {
	PE_LOADS,
	PE_MEASURED_ONLY, /* measured, then found impossible to load */
	PE_REFUSED,       /* its headers are refused before it is measured */
};

/* *ret_why: what is wrong with it; NULL for PE_LOADS. From pool. */
enum pe_fate pe_fate_under_edk2(struct pool *pool, const struct pe *pe, const char **ret_why);

/* Does firmware change a byte of [from, to) of the image in memory when it applies the base relocations? */
int pe_relocated(struct pool *pool, const struct pe *pe, uint64_t from, uint64_t to, bool *ret,
		 struct pcrcast_error *e);

/* The first section whose name is exactly this; NULL when there is none. */
const struct pe_section *pe_section_find(const struct pe *pe, const char *name);

/*
 * Limits. No image made for booting has more sections (a UKI with a device tree for each of some hundred boards
 * does); larger files cannot be addressed by PE headers; of zeros that only VirtualSize claims, a file of
 * some hundred bytes can have 4 GiB; and no linker lets sections share memory, where each one costs a copy of all
 * the pieces before it.
 */
enum { PE_MAX_SECTIONS = 2048, PE_MAX_ZERO_FILL = 64 << 20, PE_MAX_LAYERS = 64 };
#define PE_MAX_LEN UINT32_MAX

/*
 * What a section is in memory, VirtualSize bytes from VirtualAddress: as firmware lays the image out, headers
 * first, then the sections in table order, each its raw bytes up to VirtualSize and then zeros, so that of two
 * that overlap the later one counts. More than PE_MAX_ZERO_FILL zeros are refused.
 */
int pe_section_content(struct pool *pool, const struct pe *pe, const struct pe_section *s, struct blob *ret,
		       struct pcrcast_error *e);
