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
	bool plus;                /* PE32+ */
	uint32_t headers_len;     /* SizeOfHeaders */
	uint32_t image_len;       /* SizeOfImage: bytes in memory */
	uint32_t checksum_off;
	uint32_t cert_entry_off;  /* of the Certificate Table data directory entry; 0: there is none */
	uint32_t cert_off;        /* of the attribute certificate table; meaningless when cert_len is 0 */
	uint32_t cert_len;
	const struct pe_section *sections; /* in table order */
	size_t n_sections;
};

/*
 * Read the headers. An image that firmware would not load because a header or a section's raw data lies
 * outside the file is an error that names the place. Everything in ret comes from pool.
 */
int pe_parse(struct pool *pool, const struct blob *image, struct pe *ret, struct pcrcast_error *e);

/* "x64", as in BOOTX64.EFI (UEFI 2.10, section 3.5.1.1); NULL for a machine not named there. */
const char *pe_machine_name(uint16_t machine);

/* The first section whose name is exactly this; NULL when there is none. */
const struct pe_section *pe_section_find(const struct pe *pe, const char *name);

/*
 * What a section is in memory: its raw bytes up to VirtualSize, then zeros. Zeros beyond PE_MAX_ZERO_FILL
 * are refused: a file of some hundred bytes can claim 4 GiB of them.
 */
enum { PE_MAX_ZERO_FILL = 64 << 20 };
int pe_section_content(struct pool *pool, const struct pe *pe, const struct pe_section *s, struct blob *ret,
		       struct pcrcast_error *e);
