/*
 * Private to fat.c, fat_chain.c and fat_name.c: FAT file systems. Sources are named in fat.c.
 */
#pragma once

#include "base/blob.h"
#include "predict/tree_impl.h"

enum {
	ENTRY_LEN = 32, /* bytes of a directory entry */
	/* The specification: a directory is at most 2^16 * 32 bytes, more entries have no number. */
	MAX_DIR_LEN = 65536 * ENTRY_LEN,
	/* Enough for a sector of any size; FAT chains mostly go upward, so this is read about once. */
	WINDOW_LEN = 16384,
	LFN_UNITS = 13,       /* UTF-16 code units in one long name entry */
	MAX_LFN_ENTRIES = 20, /* the specification: 255 characters */
};

enum fat_type { FAT12 = 12, FAT16 = 16, FAT32 = 32 };

struct fat {
	struct blob fs;
	enum fat_type type;
	bool few_clusters;   /* FAT32 in layout, but with fewer clusters than FAT32 has */
	uint32_t n_clusters; /* numbers 2 to n_clusters + 1 */
	uint32_t cluster_len;
	uint64_t fat_off, fat_len; /* of the first FAT; EDK2 does not read the others either */
	uint64_t data_off;         /* of cluster 2 */
	uint64_t root_off;         /* FAT12, FAT16: the root directory's place and size */
	uint32_t root_len;
	uint32_t root_cluster; /* FAT32 */
	size_t n_fragments;
	uint64_t window_off; /* window_len bytes of the FAT from window_off on */
	size_t window_len;
	uint8_t window[WINDOW_LEN];
};

/* Neighbouring clusters of a chain. */
struct fat_run {
	uint32_t first, n;
};

struct fat_chain {
	struct fat_run *runs;
	size_t n, cap;
};

/* Where byte off of the file system lies in the input, for messages. */
uint64_t fat_offset(const struct fat *f, uint64_t off);

/* ---- cluster chains: fat_chain.c ---- */

/*
 * Collect the chain that begins at first: exactly want clusters (what follows them is not looked at, as
 * in EDK2), or all up to its end when want is 0, which may then be at most max. The caller frees ret->runs,
 * also after an error.
 */
int fat_read_chain(struct fat *f, uint32_t first, uint32_t want, uint32_t max, struct fat_chain *ret,
		   struct pcrcast_error *e);

/* Byte of the file system at which a cluster begins. */
uint64_t fat_cluster_off(const struct fat *f, uint32_t cluster);

/* The first len bytes of a chain as a blob. */
int fat_blob_of_chain(struct tree *t, const struct fat_chain *c, uint64_t len, struct blob *ret,
		      struct pcrcast_error *e);

/* ---- names: fat_name.c ---- */

/* The entries that were read last, of which a long name consists. */
struct fat_recent {
	uint8_t entries[MAX_LFN_ENTRIES][ENTRY_LEN];
	size_t n; /* entries read so far; the last one is entries[(n - 1) % MAX_LFN_ENTRIES] */
};

/*
 * The long name that the entries in front of a short one give. Returns code units in out, which has room for
 * MAX_LFN_ENTRIES * LFN_UNITS; 0: no long name.
 */
size_t fat_long_name(const struct fat_recent *recent, const uint8_t *short_entry, uint16_t *out);

/*
 * The 8.3 name of a directory entry, spelled as its case flags (DIR_NTRes) say (EDK2's FatGetFileNameViaCaseFlag).
 * NULL when memory gives out.
 */
char *fat_short_name(struct pool *pool, const uint8_t *entry, uint8_t case_flags);

/*
 * Whether a lookup can hit the 8.3 name: EDK2 compares the eleven bytes with the looked-up name after
 * upper-casing it, so lower case or a character that no 8.3 name may have never compares equal.
 */
bool fat_short_name_can_be_looked_up(const uint8_t *entry);
