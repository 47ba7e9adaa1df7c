/*
 * FAT12, FAT16 and FAT32, read only: Microsoft Extensible Firmware Initiative FAT32 File System
 * Specification, version 1.03 ("the specification"). Where firmware is laxer or stricter than the
 * specification, this follows EDK2's FatPkg/EnhancedFatDxe ("EDK2", as of 2026), for the question is what
 * a machine would read.
 *
 * Files come out as extents of the image; the FAT is read through one small window. Work and memory are
 * bounded by the size of the file or directory at hand, by the number of clusters that the file system
 * has, and by the limits below.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/utf16.h"
#include "predict/fat_impl.h"

enum {
	BOOT_SECTOR_LEN = 512,
	MIN_SECTOR = 512, /* bytes; the specification and EDK2 (MIN_BLOCK_ALIGNMENT, MAX_BLOCK_ALIGNMENT) */
	MAX_SECTOR = 4096,
	MAX_SECTORS_PER_CLUSTER = 128,
	/* The specification, "FAT type determination": fewer clusters than this are FAT12, FAT16. */
	FAT12_CLUSTERS = 4085,
	FAT16_CLUSTERS = 65525,
	ATTR_VOLUME_ID = 0x08,
	ATTR_DIRECTORY = 0x10,
	DELETED = 0xe5,
};

uint64_t fat_offset(const struct fat *f, uint64_t off)
{
	uint64_t ret;

	return blob_locate(&f->fs, off, &ret) ? ret : PCRCAST_NO_OFFSET;
}

/* ---- boot sector ---- */

static bool is_power_of_two(uint32_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

static int bad_boot_sector(const struct fat *f, uint64_t off, struct pcrcast_error *e, const char *what,
			   uint32_t found, const char *expected)
{
	return err_set(e, PCRCAST_EFORMAT, fat_offset(f, off), "not a FAT file system: %s is %u, expected %s",
		       what, found, expected);
}

/* Read the BIOS parameter block. The checks are those with which EDK2 refuses a volume (FatOpenDevice). */
static int read_boot_sector(struct fat *f, struct pcrcast_error *e)
{
	uint8_t b[BOOT_SECTOR_LEN];

	if (f->fs.len < sizeof b)
		return err_set(e, PCRCAST_ETRUNC, fat_offset(f, 0),
			       "not a FAT file system: %" PRIu64 " bytes, a boot sector has %zu", f->fs.len,
			       sizeof b);
	if (blob_read(&f->fs, 0, b, sizeof b, e) < 0) {
		/* Whatever the reason, it does not say that this is no FAT file system. */
		if (e)
			e->code = PCRCAST_EIO;
		return -PCRCAST_EIO;
	}

	uint32_t sector = get_u16le(b + 11);       /* BPB_BytsPerSec */
	uint32_t per_cluster = b[13];              /* BPB_SecPerClus */
	uint32_t reserved = get_u16le(b + 14);     /* BPB_RsvdSecCnt */
	uint32_t n_fats = b[16];                   /* BPB_NumFATs */
	uint32_t root_entries = get_u16le(b + 17); /* BPB_RootEntCnt */
	uint32_t sectors = get_u16le(b + 19);      /* BPB_TotSec16 */
	uint32_t media = b[21];                    /* BPB_Media */
	uint32_t fat_sectors = get_u16le(b + 22);  /* BPB_FATSz16 */
	bool fat32 = fat_sectors == 0;             /* EDK2 and the specification's note on BPB_FATSz16 */

	if (sectors == 0)
		sectors = get_u32le(b + 32); /* BPB_TotSec32 */
	if (fat32)
		fat_sectors = get_u32le(b + 36); /* BPB_FATSz32 */

	if (sector < MIN_SECTOR || sector > MAX_SECTOR || !is_power_of_two(sector))
		return bad_boot_sector(f, 11, e, "the sector size", sector, "512, 1024, 2048 or 4096");
	if (per_cluster > MAX_SECTORS_PER_CLUSTER || !is_power_of_two(per_cluster))
		return bad_boot_sector(f, 13, e, "the number of sectors per cluster", per_cluster,
				       "a power of two up to 128");
	if (reserved == 0)
		return bad_boot_sector(f, 14, e, "the number of reserved sectors", reserved, "at least 1");
	if (n_fats == 0)
		return bad_boot_sector(f, 16, e, "the number of FATs", n_fats, "at least 1");
	if (sectors == 0)
		return bad_boot_sector(f, 32, e, "the number of sectors", sectors, "at least 1");
	if (media <= 0xf7 && media != 0xf0 && media > 0x01)
		return bad_boot_sector(f, 21, e, "the media byte", media, "0xf0 or 0xf8 to 0xff");
	if (fat_sectors == 0)
		return bad_boot_sector(f, 36, e, "the size of a FAT", fat_sectors, "at least 1 sector");
	if (!fat32 && root_entries == 0)
		return bad_boot_sector(f, 17, e, "the size of the root directory", root_entries,
				       "at least 1 entry");
	if (fat32 && get_u16le(b + 42) != 0) /* BPB_FSVer */
		return bad_boot_sector(f, 42, e, "the FAT32 version", get_u16le(b + 42), "0");
	if (fat32 && b[40] & 0x80) /* BPB_ExtFlags: FATs are no copies; EDK2 does not mount that */
		return bad_boot_sector(f, 40, e, "the word of FAT32 flags", get_u16le(b + 40),
				       "mirrored FATs (bit 7 clear)");

	uint64_t root_sector = reserved + (uint64_t)n_fats * fat_sectors;
	uint64_t data_sector = root_sector + ((uint64_t)root_entries * ENTRY_LEN + sector - 1) / sector;
	if (data_sector > sectors)
		return err_set(e, PCRCAST_EFORMAT, fat_offset(f, 0),
			       "not a FAT file system: data would begin at sector %" PRIu64
			       ", the last sector is %u",
			       data_sector, sectors - 1);

	f->n_clusters = (uint32_t)((sectors - data_sector) / per_cluster);
	f->cluster_len = sector * per_cluster;
	f->fat_off = (uint64_t)reserved * sector;
	f->fat_len = (uint64_t)fat_sectors * sector;
	f->root_off = root_sector * sector;
	f->root_len = root_entries * ENTRY_LEN;
	f->data_off = data_sector * sector;
	f->root_cluster = get_u32le(b + 44); /* BPB_RootClus */
	f->type = f->n_clusters < FAT12_CLUSTERS ? FAT12 : f->n_clusters < FAT16_CLUSTERS ? FAT16 : FAT32;
	if (!fat32 && f->type == FAT32)
		return err_set(
			e, PCRCAST_EFORMAT, fat_offset(f, 0),
			"FAT file system laid out as FAT12 or FAT16 with %u clusters, at most %d are possible",
			f->n_clusters, FAT16_CLUSTERS - 1);
	if (fat32)
		f->type = FAT32;
	f->few_clusters = fat32 && f->n_clusters < FAT16_CLUSTERS;
	return 0;
}

/* ---- directories ---- */

static int add_entry(struct tree *t, struct tree_node *dir, struct tree_dir *ret,
		     const struct fat_recent *recent, const uint8_t *entry, uint64_t off,
		     struct pcrcast_error *e)
{
	struct fat *f = t->ctx;
	uint16_t units[MAX_LFN_ENTRIES * LFN_UNITS];
	size_t n = fat_long_name(recent, entry, units);
	char *name = n ? utf16_to_utf8(&t->pool, (struct utf16){ units, n }) :
			 fat_short_name(&t->pool, entry, entry[12]);

	if (!name)
		return err_nomem(e);
	/* An entry without a name can neither be opened nor be meant by anything. */
	if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;

	char *alias = n && fat_short_name_can_be_looked_up(entry) ? fat_short_name(&t->pool, entry, 0) : NULL;
	struct tree_node *node;
	int r = tree_add(t, dir, ret, name, &node, e);
	if (r < 0)
		return r;
	node->alias = alias && !tree_name_equal(alias, name) ? alias : NULL;
	node->entry.is_dir = entry[11] & ATTR_DIRECTORY;
	node->entry.size = node->entry.is_dir ? 0 : get_u32le(entry + 28);
	/* FAT12 and FAT16 do not use the high half; EDK2 takes it for zero then. */
	node->place = get_u16le(entry + 26) | (f->type == FAT32 ? (uint32_t)get_u16le(entry + 20) << 16 : 0);
	node->entry_off = off;
	return 0;
}

/*
 * Read the entries in n bytes at off. *ret_end: the mark of the directory's end was met. As in EDK2
 * (FatLoadNextDirEnt) an entry with the volume attribute, thus each part of a long name, is no end mark,
 * whatever its first byte.
 */
static int read_entries(struct tree *t, struct tree_node *dir, struct tree_dir *ret,
			struct fat_recent *recent, uint64_t off, uint64_t n, bool *ret_end,
			struct pcrcast_error *e)
{
	struct fat *f = t->ctx;
	uint8_t buf[64 * ENTRY_LEN]; /* divides every cluster */

	for (uint64_t end = off + n; off < end;) {
		size_t len = end - off < sizeof buf ? (size_t)(end - off) : sizeof buf;
		int r = blob_read(&f->fs, off, buf, len, e);

		if (r < 0)
			return r;
		for (size_t i = 0; i < len; i += ENTRY_LEN, off += ENTRY_LEN) {
			const uint8_t *entry = buf + i;

			if (entry[0] != DELETED && !(entry[11] & ATTR_VOLUME_ID)) {
				if (entry[0] == 0) {
					*ret_end = true;
					return 0;
				}
				r = add_entry(t, dir, ret, recent, entry, off, e);
				if (r < 0)
					return r;
			}
			memcpy(recent->entries[recent->n++ % MAX_LFN_ENTRIES], entry, ENTRY_LEN);
		}
	}
	return 0;
}

static int fat_read_dir(struct tree *t, struct tree_node *dir, struct tree_dir *ret, struct pcrcast_error *e)
{
	struct fat *f = t->ctx;
	struct fat_recent recent = { .n = 0 };
	struct fat_chain chain = { 0 };
	bool end = false;
	uint32_t first = (uint32_t)dir->place;

	if (!dir->parent && f->type != FAT32)
		return read_entries(t, dir, ret, &recent, f->root_off, f->root_len, &end, e);
	if (!dir->parent)
		first = f->root_cluster;
	else if (first == 0) /* no clusters, nothing inside (EDK2's FatPhysicalDirSize) */
		return 0;

	uint32_t max = (MAX_DIR_LEN + f->cluster_len - 1) / f->cluster_len;
	int r = fat_read_chain(f, first, 0, max, &chain, e);
	for (size_t i = 0; r == 0 && !end && i < chain.n; i++)
		r = read_entries(t, dir, ret, &recent, fat_cluster_off(f, chain.runs[i].first),
				 (uint64_t)chain.runs[i].n * f->cluster_len, &end, e);
	free(chain.runs);
	return r;
}

static int fat_open(struct tree *t, struct tree_node *file, struct blob *ret, struct pcrcast_error *e)
{
	struct fat *f = t->ctx;
	struct fat_chain chain = { 0 };
	uint64_t want = (file->entry.size + f->cluster_len - 1) / f->cluster_len;

	if (want == 0) {
		*ret = BLOB_EMPTY;
		return 0;
	}
	if (want > f->n_clusters)
		return err_set(e, PCRCAST_EFORMAT, fat_offset(f, file->entry_off + 28),
			       "a size of %" PRIu64 " bytes needs %" PRIu64
			       " clusters, the file system has %u",
			       file->entry.size, want, f->n_clusters);
	int r = fat_read_chain(f, (uint32_t)file->place, (uint32_t)want, (uint32_t)want, &chain, e);
	if (r == 0)
		r = fat_blob_of_chain(t, &chain, file->entry.size, ret, e);
	else
		err_wrap(e, "directory entry at %" PRIu64 ", size %" PRIu64, fat_offset(f, file->entry_off),
			 file->entry.size);
	free(chain.runs);
	return r;
}

static const struct tree_ops fat_ops = {
	.read_dir = fat_read_dir,
	.open = fat_open,
	.in_disk_order = true,
};

int tree_open_fat(const struct blob *bytes, const char *shown, struct tree **ret, struct pcrcast_error *e)
{
	struct tree *t;
	int r = tree_new(&fat_ops, shown, sizeof(struct fat), &t, e);

	if (r < 0)
		return r;
	struct fat *f = t->ctx;
	f->fs = *bytes;
	r = read_boot_sector(f, e);
	if (r < 0) {
		tree_free(t);
		return err_wrap(e, "%s", shown);
	}
	/* BS_VolID behind the boot signature 0x29, which FAT32 has elsewhere than FAT12 and FAT16. */
	uint8_t id[5];
	t->has_volume_id =
		blob_read(&f->fs, f->type == FAT32 ? 66 : 38, id, sizeof id, NULL) == 0 && id[0] == 0x29;
	t->volume_id = t->has_volume_id ? get_u32le(id + 1) : 0;
	if (f->few_clusters)
		t->note = pool_printf(
			&t->pool,
			"%s is FAT32 with %u clusters: firmware made from EDK2 mounts FAT32 only with %d or more",
			shown, f->n_clusters, FAT16_CLUSTERS);
	*ret = t;
	return 0;
}
