/*
 * What a Linux kernel image says about itself: its version, and whether its EFI stub measures the initrd
 * and its load options. Everything is read from the file; nothing is inferred from version numbers.
 */
#pragma once

#include "base/blob.h"
#include "base/error.h"
#include "base/pool.h"

enum kernel_format {
	KERNEL_X86_BZIMAGE, /* Documentation/arch/x86/boot.rst: "HdrS" at 0x202 */
	KERNEL_ARM64_IMAGE, /* Documentation/arch/arm64/booting.rst: "ARM\x64" at 0x38 */
	KERNEL_RISCV_IMAGE, /* Documentation/arch/riscv/boot-image-header.rst: "RSC\x05" at 0x38 */
	KERNEL_LOONGARCH_IMAGE, /* LINUX_PE_MAGIC at 0x38, PE machine 0x6264 (Linux arch/loongarch/kernel/head.S) */
	KERNEL_ZBOOT, /* EFI zboot: "MZ", "zimg" at 4 (Linux drivers/firmware/efi/libstub/zboot-header.S) */
};

const char *kernel_format_name(enum kernel_format f);

struct kernel {
	enum kernel_format format;
	const char *
		version; /* "6.1.0-44-cloud-amd64 (…) #1 SMP …", printable; NULL when the image does not tell */
	bool measures_load_options; /* its EFI stub logs LOADED_IMAGE::LoadOptions to PCR 9 */
	bool measures_initrd;       /* its EFI stub logs "Linux initrd" to PCR 9 */
	bool knows_cc; /* x86 only: it does so through EFI_CC_MEASUREMENT_PROTOCOL where there is no TPM (6.9) */

	/* KERNEL_ZBOOT only */
	const char *zboot_compression; /* as the header names it: "gzip", "zstd22", … */
	bool zboot_nested; /* Linux 6.1: the outer image starts the decompressed one with LoadImage() */
	struct blob zboot_payload; /* the decompressed image, valid when zboot_nested */
};

/*
 * Look at a kernel image. PCRCAST_EUNSUPPORTED when the bytes are no kernel format listed above, or a zboot
 * image whose stub is in a payload that cannot be decompressed. The decompressed payload of a nested zboot
 * image lies in an unnamed temporary file (in $TMPDIR or /tmp) which ret_temp then owns (NULL otherwise);
 * close it with source_close after ret is no longer used. ret and ret_temp are untouched on failure.
 */
int kernel_identify(struct pool *pool, const struct blob *image, struct kernel *ret, struct source **ret_temp,
		    struct pcrcast_error *e);

/*
 * The GNU build id of the kernel proper, for display: an x86 payload is decompressed (in memory, bounded)
 * and read as ELF, other images are searched for the note. *ret is NULL, without an error, when the kernel
 * has none or its payload is damaged or cannot be decompressed; *ret_why then says why, else it is NULL.
 * Lower-case hex. Errors are only PCRCAST_EIO and PCRCAST_ENOMEM.
 */
int kernel_build_id(struct pool *pool, const struct blob *image, const struct kernel *k, const char **ret,
		    const char **ret_why, struct pcrcast_error *e);
