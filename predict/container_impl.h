/*
 * The kinds of containers, for container.c. Each open function takes over file, on failure too.
 */
#pragma once

#include "base/bytes.h"
#include "predict/container.h"

#define CONVERT_HINT "convert it first: qemu-img convert -O raw IMAGE disk.raw"

static inline uint64_t get_u64be(const uint8_t *p)
{
	return (uint64_t)get_u32be(p) << 32 | get_u32be(p + 4);
}

/* True when the file ends in the footer of a fixed VHD. */
bool vhd_fixed_probe(struct source *file);

int vhd_open(struct source *file, const char *os_path, struct source **ret, struct pcrcast_error *e);
int qcow_open(struct source *file, const char *os_path, struct source **ret, struct pcrcast_error *e);

/* sparse: file begins with "KDMV" and holds all; else it is a descriptor that names extents beside path. */
int vmdk_open(struct source *file, const char *path, bool sparse, struct source **ret,
	      struct pcrcast_error *e);

/* The first line of what a library says, in buf. */
const char *first_line(char *buf);
