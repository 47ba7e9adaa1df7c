/*
 * What is read from ELF files: the only door to libelf.
 */
#pragma once

#include "base/error.h"
#include "base/pool.h"
#include "base/slice.h"

enum {
	/* Bytes of a build id; linkers make 8, 16 or 20, --build-id=0x… as many as one likes. */
	BUILD_ID_MAX = 64,
};

/*
 * The GNU build id of an ELF file in memory, as lower-case hex: from note sections, else from note segments.
 * NULL in *ret, without an error, when the bytes are no ELF file or have none; *ret_why then says why.
 */
int elf_build_id(struct pool *pool, struct slice elf, const char **ret, const char **ret_why,
		 struct pcrcast_error *e);

enum { ELF_HEADER_LEN = 64 }; /* of ELF64; ELF32 has less */

/*
 * The length of the little-endian ELF file that begins with these bytes, as its header tells it (its
 * section headers are the end, as linkers write it); 0 when it is no ELF header.
 */
uint64_t elf_len(struct slice header);
