/*
 * The cpio archives (newc form) that systemd-stub and systemd-boot make of companion files.
 * Source: systemd cpio.c, the same in 252 to 262. Byte for byte: the archives are measured.
 */
#pragma once

#include "base/blob.h"

struct cpio {
	struct blob_builder out;
	struct pool *pool;
	uint32_t inode; /* of the next directory or file; counts from 1 */
};

struct cpio cpio_begin(struct pool *pool, uint32_t first_inode);

/* Every parent of dir with mode 0555, then dir itself with mode. */
int cpio_add_dirs(struct cpio *c, const char *dir, uint32_t mode, struct pcrcast_error *e);

/* dir/name with content. PCRCAST_ELIMIT for 4 GiB and more, which the format cannot hold. */
int cpio_add_file(struct cpio *c, const char *dir, const char *name, uint32_t mode,
		  const struct blob *content, struct pcrcast_error *e);

/* The trailer; then the archive is complete. */
int cpio_end(struct cpio *c, struct blob *ret, struct pcrcast_error *e);
