/*
 * The GUID partition table: UEFI Specification 2.10, section 5.3. It is read as EDK2 reads it
 * (MdeModulePkg, PartitionDxe and GptLib, 2026), for the question is which partitions firmware sees.
 *
 * Everything here lives in the pool. The header and the entries are kept as they are on disk: they are what
 * EV_EFI_GPT_EVENT measures in PCR 5.
 */
#pragma once

#include "base/error.h"
#include "base/pool.h"
#include "base/source.h"

struct gpt_partition {
	uint32_t number;            /* place in the table, from 1: what HD(n, …) and /dev/sdXn count */
	const uint8_t *type, *guid; /* PartitionTypeGUID and UniquePartitionGUID as on disk */
	const char *name;
	uint64_t first_lba, last_lba; /* both belong to it */
	uint64_t attributes;
	const char *hidden; /* why firmware makes no device of it; NULL when it does */
};

struct gpt {
	uint32_t sector_len; /* bytes */
	bool from_backup;    /* the primary table is damaged; firmware repairs it from the backup at boot */
	bool unprotected;    /* there is no protective MBR: EDK2 takes no notice of the table */
	uint64_t header_off, entries_off; /* bytes from the start of the disk */
	struct slice header;              /* HeaderSize bytes of the table that counts */
	struct slice entries;             /* n_entries of entry_len bytes */
	uint32_t n_entries, entry_len;
	struct gpt_partition *partitions; /* entries in use, in table order */
	size_t n_partitions;
};

/*
 * PCRCAST_ENOTFOUND when the disk has no trace of a GPT, PCRCAST_EFORMAT when it has one that firmware would
 * not use.
 */
int gpt_read(struct pool *pool, struct source *disk, struct gpt *ret, struct pcrcast_error *e);

/* What a partition type is called; its GUID as text when that is not known. NULL: out of memory. */
const char *gpt_type_name(struct pool *pool, const uint8_t *type);
