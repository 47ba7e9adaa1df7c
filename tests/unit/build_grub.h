/*
 * A GRUB image for tests: modules by name only, a prefix, a configuration, .sbat.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct build_grub {
	const char *prefix, *config; /* NULL: none is embedded */
	const char *sbat;
	/* A NULL ends them. "+NAME" is a module that has the GUID of shim's loader (SHIM_IMAGE_LOADER). */
	const char *const *modules;
};

extern const char
	*const grub_usual_modules[]; /* tpm, normal and those with the commands of a usual configuration */
extern const char grub_debian_sbat[], grub_ubuntu_sbat[];

/* A malloc'ed image of *ret_n bytes; the caller frees it. */
uint8_t *build_grub(const struct build_grub *what, size_t *ret_n);
/* The same with a memory disk of n_memdisk bytes. */
uint8_t *build_grub_with_memdisk(const struct build_grub *what, const void *memdisk, size_t n_memdisk,
				 size_t *ret_n);

/* A malloc'ed module: ELF64 with .modname and .moddeps; needs: names with their NULs, n_needs bytes. */
uint8_t *build_grub_module(const char *name, const char *needs, size_t n_needs, size_t *ret_n);
