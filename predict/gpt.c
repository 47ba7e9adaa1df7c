#include "predict/gpt.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/efi/partition_type.h"
#include "base/utf16.h"

enum {
	MBR_LEN = 512,
	SECTOR_MAX = 4096,
	MBR_TABLE = 446, /* UEFI 2.10, table 5.1: four records of 16 bytes */
	MBR_RECORD_LEN = 16,
	MBR_RECORDS = 4,
	MBR_TYPE_GPT = 0xee,
	HEADER_MIN = 92, /* UEFI 2.10, table 5.5: up to PartitionEntryArrayCRC32 */
	REVISION = 0x00010000,
	ENTRY_MIN = 128,  /* UEFI 2.10, table 5.6 */
	ENTRY_MAX = 4096, /* larger ones are not in use; keeps the array below within bounds */
	/* Bytes of the entry array: 8192 partitions. It is held in memory; the usual one has 16 KiB. */
	ENTRIES_MAX = 1 << 20,
	NAME_UNITS = 36,
	ATTR_IGNORED = 1 << 1, /* "No Block IO Protocol": firmware makes no device of it */
};

static const uint8_t signature[8] = { 'E', 'F', 'I', ' ', 'P', 'A', 'R', 'T' };

const char *gpt_type_name(struct pool *pool, const uint8_t *type)
{
	struct guid g = guid_of_bytes(type);
	const char *name = partition_type_name(&g);
	char text[GUID_TEXT];

	if (name)
		return name;
	guid_format(&g, text);
	return pool_text(pool, text, strlen(text));
}

/* CRC-32 of ISO 3309 (UEFI 2.10, section 4.2). At most ENTRIES_MAX bytes go through it: no table. */
static uint32_t crc32_add(uint32_t crc, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0xedb88320 & -(crc & 1));
	}
	return crc;
}

static uint32_t crc32_of(const uint8_t *p, size_t n)
{
	return ~crc32_add(UINT32_MAX, p, n);
}

/* The header's CRC is taken with its own field as zero. */
static uint32_t header_crc(const uint8_t *header, size_t n)
{
	static const uint8_t zeros[4];
	uint32_t crc = crc32_add(UINT32_MAX, header, 16);

	crc = crc32_add(crc, zeros, sizeof zeros);
	return ~crc32_add(crc, header + 20, n - 20);
}

enum table_state {
	TABLE_ABSENT,  /* no signature */
	TABLE_DAMAGED, /* a signature, but *e says why firmware does not accept what follows */
	TABLE_VALID,
	TABLE_UNREADABLE, /* the image could not be read; *e says why */
};

/* The fields of the header h, which was found at sector lba of a disk of disk_len bytes. */
static int check_header(const uint8_t *h, uint64_t lba, uint32_t sector_len, uint64_t disk_len,
			struct pcrcast_error *e)
{
	uint64_t off = lba * sector_len, my_lba = get_u64le(h + 24), entries_lba = get_u64le(h + 72);
	uint32_t revision = get_u32le(h + 8), header_len = get_u32le(h + 12);
	uint32_t n_entries = get_u32le(h + 80), entry_len = get_u32le(h + 84);

	if (revision != REVISION)
		return err_set(e, PCRCAST_EFORMAT, off + 8, "revision is 0x%08x, expected 0x%08x", revision,
			       REVISION);
	if (header_len < HEADER_MIN || header_len > sector_len)
		return err_set(e, PCRCAST_EFORMAT, off + 12, "header has %u bytes, expected %d to %u",
			       header_len, HEADER_MIN, sector_len);
	uint32_t crc = header_crc(h, header_len);
	if (crc != get_u32le(h + 16))
		return err_set(e, PCRCAST_EFORMAT, off + 16, "header CRC is 0x%08x, computed 0x%08x",
			       get_u32le(h + 16), crc);
	if (my_lba != lba)
		return err_set(e, PCRCAST_EFORMAT, off + 24,
			       "header says it is at sector %" PRIu64 ", found at %" PRIu64, my_lba, lba);
	if (entry_len < ENTRY_MIN || entry_len > ENTRY_MAX || (entry_len & (entry_len - 1)) != 0)
		return err_set(e, PCRCAST_EFORMAT, off + 84,
			       "entries have %u bytes, expected a power of two from %d to %d", entry_len,
			       ENTRY_MIN, ENTRY_MAX);
	if (n_entries == 0 || n_entries > ENTRIES_MAX / entry_len)
		return err_set(e, PCRCAST_EFORMAT, off + 80, "%u entries, expected 1 to %u", n_entries,
			       ENTRIES_MAX / entry_len);
	if (entries_lba > disk_len / sector_len ||
	    (uint64_t)n_entries * entry_len > disk_len - entries_lba * sector_len)
		return err_set(e, PCRCAST_EFORMAT, off + 72,
			       "entries at sector %" PRIu64 " run past the end of the disk at %" PRIu64,
			       entries_lba, disk_len / sector_len);
	return 0;
}

/* Check one header and its entries as EDK2's PartitionValidGptTable does. */
static enum table_state read_table(struct pool *pool, struct source *disk, uint32_t sector_len, uint64_t lba,
				   struct gpt *ret, struct pcrcast_error *e)
{
	uint64_t off = lba * sector_len, size = source_size(disk);
	uint8_t h[SECTOR_MAX];

	if (off > size || size - off < sector_len)
		return TABLE_ABSENT;
	if (source_read(disk, off, h, sector_len, e) < 0)
		return TABLE_UNREADABLE;
	if (memcmp(h, signature, sizeof signature) != 0)
		return TABLE_ABSENT;
	if (check_header(h, lba, sector_len, size, e) < 0)
		return TABLE_DAMAGED;

	struct gpt g = {
		.sector_len = sector_len,
		.header_off = off,
		.header.n = get_u32le(h + 12),
		.entries_off = get_u64le(h + 72) * sector_len,
		.n_entries = get_u32le(h + 80),
		.entry_len = get_u32le(h + 84),
	};
	g.entries.n = (size_t)g.n_entries * g.entry_len;
	uint8_t *entries = pool_array(pool, g.entries.n, 1);
	g.header.p = pool_copy(pool, h, g.header.n);
	g.entries.p = entries;
	if (!entries || !g.header.p) {
		(void)err_nomem(e);
		return TABLE_UNREADABLE;
	}
	if (source_read(disk, g.entries_off, entries, g.entries.n, e) < 0)
		return TABLE_UNREADABLE;
	uint32_t crc = crc32_of(entries, g.entries.n);
	if (crc != get_u32le(h + 88)) {
		(void)err_set(e, PCRCAST_EFORMAT, g.entries_off, "entries' CRC is 0x%08x, computed 0x%08x",
			      get_u32le(h + 88), crc);
		return TABLE_DAMAGED;
	}
	*ret = g;
	return TABLE_VALID;
}

/*
 * The table that firmware uses when sectors have sector_len bytes: the primary one, or the backup in the
 * last sector (EDK2 looks there, not where the damaged primary header points).
 */
static enum table_state find_table(struct pool *pool, struct source *disk, uint32_t sector_len,
				   struct gpt *ret, struct pcrcast_error *e)
{
	uint64_t n_sectors = source_size(disk) / sector_len;
	enum table_state primary, backup;

	if (n_sectors < 3)
		return TABLE_ABSENT;
	primary = read_table(pool, disk, sector_len, 1, ret, e);
	if (primary == TABLE_VALID || primary == TABLE_UNREADABLE)
		return primary;
	/* e goes on holding why the primary table is not good, should the backup not be any better. */
	struct pcrcast_error backup_error = { 0 };
	backup = read_table(pool, disk, sector_len, n_sectors - 1, ret,
			    primary == TABLE_ABSENT ? e : &backup_error);
	if (backup == TABLE_UNREADABLE && e)
		*e = primary == TABLE_ABSENT ? *e : backup_error;
	if (backup == TABLE_VALID) {
		/* EDK2 repairs the primary table where the backup says it is, and then uses that. */
		if (get_u64le(ret->header.p + 32) != 1) {
			(void)err_set(e, PCRCAST_EFORMAT, ret->header_off + 32,
				      "the backup says that the primary table is at sector %" PRIu64
				      ", expected 1",
				      get_u64le(ret->header.p + 32));
			return TABLE_DAMAGED;
		}
		ret->from_backup = true;
	}
	return backup == TABLE_ABSENT ? primary : backup;
}

/* EDK2's PartitionInstallGptChildHandles wants a record of type 0xee that begins at sector 1. */
static bool has_protective_mbr(const uint8_t *mbr)
{
	for (int i = 0; i < MBR_RECORDS; i++) {
		const uint8_t *record = mbr + MBR_TABLE + i * MBR_RECORD_LEN;

		if (record[4] == MBR_TYPE_GPT && get_u32le(record + 8) == 1)
			return true;
	}
	return false;
}

/* Which partitions EDK2's PartitionCheckGptEntry leaves out. */
static void hide_unusable(struct gpt *g)
{
	uint64_t first_usable = get_u64le(g->header.p + 40), last_usable = get_u64le(g->header.p + 48);

	for (size_t i = 0; i < g->n_partitions; i++) {
		struct gpt_partition *p = &g->partitions[i];

		if (p->first_lba > p->last_lba || p->first_lba < first_usable || p->last_lba > last_usable) {
			p->hidden = "outside the usable sectors";
			continue;
		}
		if (p->attributes & ATTR_IGNORED)
			p->hidden = "marked as not for firmware";
		for (size_t k = i + 1; k < g->n_partitions; k++) {
			struct gpt_partition *q = &g->partitions[k];

			if (q->last_lba >= p->first_lba && q->first_lba <= p->last_lba)
				p->hidden = q->hidden = "overlaps another partition";
		}
	}
}

static int list_partitions(struct pool *pool, struct gpt *g, struct pcrcast_error *e)
{
	static const uint8_t unused[GUID_LEN];
	size_t n = 0, cap = 0;

	for (uint32_t i = 0; i < g->n_entries; i++) {
		const uint8_t *entry = g->entries.p + (size_t)i * g->entry_len;
		uint16_t name[NAME_UNITS];

		if (memcmp(entry, unused, sizeof unused) == 0)
			continue;
		struct gpt_partition *p = pool_push(pool, &g->partitions, &n, &cap, sizeof *p);
		if (!p)
			return err_nomem(e);
		size_t units = 0;
		for (; units < NAME_UNITS && get_u16le(entry + 56 + 2 * units); units++)
			name[units] = get_u16le(entry + 56 + 2 * units);
		*p = (struct gpt_partition){
			.number = i + 1,
			.type = entry,
			.guid = entry + 16,
			.first_lba = get_u64le(entry + 32),
			.last_lba = get_u64le(entry + 40),
			.attributes = get_u64le(entry + 48),
			.name = utf16_to_utf8(pool, (struct utf16){ name, units }),
		};
		if (!p->name)
			return err_nomem(e);
	}
	g->n_partitions = n;
	hide_unusable(g);
	return 0;
}

int gpt_read(struct pool *pool, struct source *disk, struct gpt *ret, struct pcrcast_error *e)
{
	static const uint32_t sector_lens[] = { 512, 4096 };
	struct gpt found = { 0 };
	struct pcrcast_error why = { 0 };
	enum table_state state = TABLE_ABSENT;
	uint8_t mbr[MBR_LEN];

	if (source_size(disk) < sizeof mbr)
		return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
			       "%" PRIu64 " bytes, too few for a partition table", source_size(disk));
	int r = source_read(disk, 0, mbr, sizeof mbr, e);
	if (r < 0)
		return r;

	for (size_t i = 0; i < sizeof sector_lens / sizeof sector_lens[0]; i++) {
		struct gpt g = { 0 };
		struct pcrcast_error now = { 0 };
		enum table_state s = find_table(pool, disk, sector_lens[i], &g, &now);

		if (s == TABLE_UNREADABLE) {
			if (e)
				*e = now;
			return -(int)now.code;
		}
		if (s == TABLE_VALID && state == TABLE_VALID) {
			/* A leftover at the end of the disk does not rival a table at its start. */
			if (g.from_backup == found.from_backup)
				return err_set(e, PCRCAST_EUNSUPPORTED, g.header_off,
					       "partition tables for sectors of 512 and of 4096 bytes: which "
					       "one counts "
					       "depends on the disk that the image is put on");
			if (!g.from_backup)
				found = g;
		} else if (s == TABLE_VALID) {
			found = g;
			state = s;
		} else if (s == TABLE_DAMAGED && state == TABLE_ABSENT) {
			why = now;
			state = s;
		}
	}

	if (state == TABLE_ABSENT)
		return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET, "no GUID partition table");
	if (state == TABLE_DAMAGED) {
		if (e)
			*e = why;
		err_wrap(e, "damaged GUID partition table without a good backup");
		return -PCRCAST_EFORMAT;
	}
	found.unprotected = !has_protective_mbr(mbr);
	r = list_partitions(pool, &found, e);
	if (r < 0)
		return r;
	*ret = found;
	return 0;
}
