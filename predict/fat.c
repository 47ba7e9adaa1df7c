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
#include "predict/tree_impl.h"

enum {
	BOOT_SECTOR_LEN = 512,
	MIN_SECTOR = 512, /* bytes; the specification and EDK2 (MIN_BLOCK_ALIGNMENT, MAX_BLOCK_ALIGNMENT) */
	MAX_SECTOR = 4096,
	MAX_SECTORS_PER_CLUSTER = 128,
	/* The specification, "FAT type determination": fewer clusters than this are FAT12, FAT16. */
	FAT12_CLUSTERS = 4085,
	FAT16_CLUSTERS = 65525,
	FIRST_CLUSTER = 2,
	ENTRY_LEN = 32,
	/* The specification: a directory is at most 2^16 * 32 bytes, more entries have no number. */
	MAX_DIR_LEN = 65536 * ENTRY_LEN,
	/* Enough for a sector of any size; FAT chains mostly go upward, so this is read about once. */
	WINDOW_LEN = 16384,
	/*
	 * Fragments of all files opened in one file system. Each costs 40 bytes of memory until the end, so
	 * the limit bounds them to 5 MiB. (A kernel of 100 MB in which no two 4 KiB clusters are neighbours
	 * has 24415.)
	 */
	MAX_FRAGMENTS = 131072,
	ATTR_VOLUME_ID = 0x08,
	ATTR_DIRECTORY = 0x10,
	ATTR_LONG_NAME = 0x0f,
	CASE_NAME_LOWER = 0x08, /* DIR_NTRes as Windows NT, Linux and EDK2 use it */
	CASE_EXT_LOWER = 0x10,
	DELETED = 0xe5,
	KANJI_E5 = 0x05, /* stands for a name that begins with 0xe5 */
	LFN_LAST = 0x40,
	LFN_UNITS = 13,       /* UTF-16 code units in one long name entry */
	MAX_LFN_ENTRIES = 20, /* the specification: 255 characters */
	SHORT_NAME_LEN = 11,
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
struct run {
	uint32_t first, n;
};

struct chain {
	struct run *runs;
	size_t n, cap;
};

/* Where byte off of the file system lies in the input, for messages. */
static uint64_t at(const struct fat *f, uint64_t off)
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
	return err_set(e, PCRCAST_EFORMAT, at(f, off), "not a FAT file system: %s is %u, expected %s", what,
		       found, expected);
}

/* Read the BIOS parameter block. The checks are those with which EDK2 refuses a volume (FatOpenDevice). */
static int read_boot_sector(struct fat *f, struct pcrcast_error *e)
{
	uint8_t b[BOOT_SECTOR_LEN];

	if (f->fs.len < sizeof b)
		return err_set(e, PCRCAST_ETRUNC, at(f, 0),
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
		return err_set(e, PCRCAST_EFORMAT, at(f, 0),
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
			e, PCRCAST_EFORMAT, at(f, 0),
			"FAT file system laid out as FAT12 or FAT16 with %u clusters, at most %d are possible",
			f->n_clusters, FAT16_CLUSTERS - 1);
	if (fat32)
		f->type = FAT32;
	f->few_clusters = fat32 && f->n_clusters < FAT16_CLUSTERS;
	return 0;
}

/* ---- cluster chains ---- */

/* Copy n bytes of the FAT, which must lie inside it, through the window. */
static int read_fat(struct fat *f, uint64_t off, uint8_t *buf, size_t n, struct pcrcast_error *e)
{
	if (off < f->window_off || off - f->window_off > f->window_len ||
	    n > f->window_len - (off - f->window_off)) {
		/* Begin a bit before off: chains also go backward. Behind off n bytes are always left. */
		uint64_t from = off - off % (WINDOW_LEN / 2);
		uint64_t len = f->fat_len - from < WINDOW_LEN ? f->fat_len - from : WINDOW_LEN;

		/* A file system may be cut short behind the part of the FAT that is used. */
		if (f->fat_off + off + n <= f->fs.len && len > f->fs.len - f->fat_off - from)
			len = f->fs.len - f->fat_off - from;
		f->window_len = 0;
		int r = blob_read(&f->fs, f->fat_off + from, f->window, (size_t)len, e);
		if (r < 0)
			return err_wrap(e, "cannot read the FAT");
		f->window_off = from;
		f->window_len = (size_t)len;
	}
	memcpy(buf, f->window + (off - f->window_off), n);
	return 0;
}

/* What the FAT says about a cluster; *ret_end when it says that the chain ends there. */
static int next_cluster(struct fat *f, uint32_t cluster, uint32_t *ret, bool *ret_end,
			struct pcrcast_error *e)
{
	size_t n = f->type == FAT32 ? 4 : 2;
	uint64_t off = f->type == FAT12 ? (uint64_t)cluster * 3 / 2 : (uint64_t)cluster * n;
	uint8_t b[4] = { 0 };

	if (off + n > f->fat_len)
		return err_set(e, PCRCAST_EFORMAT, at(f, f->fat_off),
			       "cluster %u is not in the FAT, which has %" PRIu64 " bytes", cluster,
			       f->fat_len);
	int r = read_fat(f, off, b, n, e);
	if (r < 0)
		return r;

	uint32_t v = get_u32le(b);
	uint32_t mask = f->type == FAT32 ? 0x0fffffff : f->type == FAT16 ? 0xffff : 0xfff;
	if (f->type == FAT12 && cluster % 2)
		v >>= 4;
	v &= mask;
	*ret = v;
	*ret_end = v >= (mask & ~UINT32_C(7)); /* 0x..8 to 0x..f; 0x..7 marks a bad cluster */
	return 0;
}

static bool chain_add(struct chain *c, uint32_t cluster)
{
	if (c->n && c->runs[c->n - 1].first + c->runs[c->n - 1].n == cluster) {
		c->runs[c->n - 1].n++;
		return true;
	}
	if (c->n == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 16;
		struct run *bigger = reallocarray(c->runs, cap, sizeof *bigger);

		if (!bigger)
			return false;
		c->runs = bigger;
		c->cap = cap;
	}
	c->runs[c->n++] = (struct run){ cluster, 1 };
	return true;
}

static int by_first_cluster(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* Fails when a chain goes through a cluster twice: it then runs in a circle. */
static int check_no_loop(const struct fat *f, const struct chain *c, struct pcrcast_error *e)
{
	struct run *sorted;
	uint32_t twice = 0;

	if (c->n < 2)
		return 0;
	sorted = reallocarray(NULL, c->n, sizeof *sorted);
	if (!sorted)
		return err_nomem(e);
	memcpy(sorted, c->runs, c->n * sizeof *sorted);
	qsort(sorted, c->n, sizeof *sorted, by_first_cluster);
	for (size_t i = 1; i < c->n && !twice; i++)
		if (sorted[i].first - sorted[i - 1].first < sorted[i - 1].n)
			twice = sorted[i].first;
	free(sorted);
	if (twice)
		return err_set(e, PCRCAST_EFORMAT, at(f, f->fat_off),
			       "the cluster chain from %u runs in a circle through %u", c->runs[0].first,
			       twice);
	return 0;
}

/*
 * Collect the chain that begins at first: exactly want clusters (what follows them is not looked at, as
 * in EDK2), or all up to its end when want is 0, which may then be at most max.
 */
static int read_chain(struct fat *f, uint32_t first, uint32_t want, uint32_t max, struct chain *ret,
		      struct pcrcast_error *e)
{
	uint32_t cluster = first, n = 0;
	bool end = false;
	int r;

	for (;;) {
		if (end)
			return want ? err_set(e, PCRCAST_EFORMAT, at(f, f->fat_off),
					      "the cluster chain from %u ends after %u of %u clusters", first,
					      n, want) :
				      check_no_loop(f, ret, e);
		if (cluster < FIRST_CLUSTER || cluster - FIRST_CLUSTER >= f->n_clusters)
			return err_set(e, PCRCAST_EFORMAT, at(f, f->fat_off),
				       "the cluster chain from %u leads to %u after %u clusters; there are "
				       "clusters 2 to %" PRIu64,
				       first, cluster, n, (uint64_t)f->n_clusters + FIRST_CLUSTER - 1);
		if (n == max || ret->n > MAX_FRAGMENTS)
			break;
		if (!chain_add(ret, cluster))
			return err_nomem(e);
		if (++n == want)
			return check_no_loop(f, ret, e);
		r = next_cluster(f, cluster, &cluster, &end, e);
		if (r < 0)
			return r;
	}
	r = check_no_loop(f, ret, e);
	if (r < 0)
		return r;
	if (ret->n > MAX_FRAGMENTS)
		return err_set(e, PCRCAST_ELIMIT, at(f, f->fat_off),
			       "more than the %d fragments that are handled", MAX_FRAGMENTS);
	return err_set(e, PCRCAST_EFORMAT, at(f, f->fat_off),
		       "a directory of more than the %d bytes that one can have", MAX_DIR_LEN);
}

static uint64_t cluster_off(const struct fat *f, uint32_t cluster)
{
	return f->data_off + (uint64_t)(cluster - FIRST_CLUSTER) * f->cluster_len;
}

/* The first len bytes of a chain as a blob. */
static int blob_of_chain(struct tree *t, const struct chain *c, uint64_t len, struct blob *ret,
			 struct pcrcast_error *e)
{
	struct fat *f = t->ctx;
	struct blob_builder w = BLOB_BUILDER(&t->pool);

	if (c->n > MAX_FRAGMENTS - f->n_fragments)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "%zu fragments, and %zu in files opened before; %d are handled", c->n,
			       f->n_fragments, MAX_FRAGMENTS);
	/* All at once: an array that grows in a pool leaves the smaller ones behind. */
	w.pieces = pool_array(&t->pool, c->n, sizeof *w.pieces);
	w.cap = c->n;
	if (!w.pieces)
		return err_nomem(e);
	f->n_fragments += c->n;

	for (size_t i = 0; i < c->n && len > 0; i++) {
		uint64_t off = cluster_off(f, c->runs[i].first);
		uint64_t part = (uint64_t)c->runs[i].n * f->cluster_len;

		if (part > len)
			part = len;
		if (off > f->fs.len || part > f->fs.len - off)
			return err_set(e, PCRCAST_ETRUNC, at(f, f->fs.len - 1),
				       "clusters from %u on lie behind the end of the file system, which is "
				       "cut off after %" PRIu64 " bytes",
				       c->runs[i].first, f->fs.len);
		blob_add_part(&w, &f->fs, off, part);
		len -= part;
	}
	return blob_build(&w, ret, e);
}

/* ---- names ---- */

/* A short name's character. The OEM code page is not recorded anywhere; EDK2 takes Latin-1. */
static uint16_t oem_char(uint8_t c, bool lower)
{
	bool upper = (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7);

	return (uint16_t)(lower && upper ? c + 0x20 : c);
}

static size_t add_short_part(const uint8_t *part, size_t n, bool lower, uint16_t *out)
{
	size_t len = 0;

	while (n > 0 && part[n - 1] == ' ')
		n--;
	for (; len < n && part[len] != 0; len++)
		out[len] = oem_char(part[len], lower);
	return len;
}

/* The 8.3 name of a directory entry, spelled as its case flags say (EDK2's FatGetFileNameViaCaseFlag). */
static char *short_name(struct pool *pool, const uint8_t *entry, uint8_t case_flags)
{
	uint8_t raw[SHORT_NAME_LEN];
	uint16_t name[SHORT_NAME_LEN + 1], ext[3];

	memcpy(raw, entry, sizeof raw);
	if (raw[0] == KANJI_E5)
		raw[0] = 0xe5;
	size_t n = add_short_part(raw, 8, case_flags & CASE_NAME_LOWER, name);
	size_t n_ext = add_short_part(raw + 8, 3, case_flags & CASE_EXT_LOWER, ext);
	if (n_ext) {
		name[n++] = '.';
		memcpy(name + n, ext, n_ext * sizeof *ext);
		n += n_ext;
	}
	return utf16_to_utf8(pool, (struct utf16){ name, n });
}

/*
 * Whether a lookup can hit the 8.3 name: EDK2 compares the eleven bytes with the looked-up name after
 * upper-casing it, so lower case or a character that no 8.3 name may have never compares equal.
 */
static bool short_name_can_be_looked_up(const uint8_t *entry)
{
	for (size_t i = 0; i < SHORT_NAME_LEN; i++) {
		uint8_t c = entry[i];
		bool letter = (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7);
		bool pad = c == ' ' && i != 0;

		if (!letter && !pad && !(c >= '0' && c <= '9') && !(c && strchr("_^$~!#%&-{}()@`'", c)))
			return false;
	}
	return true;
}

/* The specification's ChkSum(), which ties long name entries to their short one. */
static uint8_t short_name_sum(const uint8_t *entry)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < SHORT_NAME_LEN; i++)
		sum = (uint8_t)((sum << 7 | sum >> 1) + entry[i]);
	return sum;
}

/* The entries that were read last, of which a long name consists. */
struct recent {
	uint8_t entries[MAX_LFN_ENTRIES][ENTRY_LEN];
	size_t n; /* entries read so far; the last one is entries[(n - 1) % MAX_LFN_ENTRIES] */
};

/*
 * The long name that the entries in front of a short one give. Its parts stand in reverse order, the part
 * next to the short entry is the first. As in EDK2 (FatLoadLongNameEntry) one part that does not belong makes
 * the whole name void, and the short name then counts. Returns code units in out, 0: no long name.
 */
static size_t long_name(const struct recent *recent, const uint8_t *short_entry, uint16_t *out)
{
	static const uint8_t places[LFN_UNITS] = { 1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30 };
	uint8_t sum = short_name_sum(short_entry);
	size_t n = 0;

	for (size_t ordinal = 1; ordinal <= MAX_LFN_ENTRIES && ordinal <= recent->n; ordinal++) {
		const uint8_t *part = recent->entries[(recent->n - ordinal) % MAX_LFN_ENTRIES];

		if (part[11] != ATTR_LONG_NAME || get_u16le(part + 26) != 0 || part[13] != sum ||
		    (part[0] & ~LFN_LAST) != (int)ordinal)
			return 0;
		for (size_t i = 0; i < LFN_UNITS; i++)
			out[n++] = get_u16le(part + places[i]);
		if (part[0] & LFN_LAST) {
			for (size_t len = 0; len < n; len++)
				if (out[len] == 0)
					return len;
			return n;
		}
	}
	return 0;
}

/* ---- directories ---- */

static int add_entry(struct tree *t, struct tree_node *dir, struct tree_dir *ret, const struct recent *recent,
		     const uint8_t *entry, uint64_t off, struct pcrcast_error *e)
{
	struct fat *f = t->ctx;
	uint16_t units[MAX_LFN_ENTRIES * LFN_UNITS];
	size_t n = long_name(recent, entry, units);
	char *name = n ? utf16_to_utf8(&t->pool, (struct utf16){ units, n }) :
			 short_name(&t->pool, entry, entry[12]);

	if (!name)
		return err_nomem(e);
	/* An entry without a name can neither be opened nor be meant by anything. */
	if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;

	char *alias = n && short_name_can_be_looked_up(entry) ? short_name(&t->pool, entry, 0) : NULL;
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
static int read_entries(struct tree *t, struct tree_node *dir, struct tree_dir *ret, struct recent *recent,
			uint64_t off, uint64_t n, bool *ret_end, struct pcrcast_error *e)
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
	struct recent recent = { .n = 0 };
	struct chain chain = { 0 };
	bool end = false;
	uint32_t first = (uint32_t)dir->place;

	if (!dir->parent && f->type != FAT32)
		return read_entries(t, dir, ret, &recent, f->root_off, f->root_len, &end, e);
	if (!dir->parent)
		first = f->root_cluster;
	else if (first == 0) /* no clusters, nothing inside (EDK2's FatPhysicalDirSize) */
		return 0;

	uint32_t max = (MAX_DIR_LEN + f->cluster_len - 1) / f->cluster_len;
	int r = read_chain(f, first, 0, max, &chain, e);
	for (size_t i = 0; r == 0 && !end && i < chain.n; i++)
		r = read_entries(t, dir, ret, &recent, cluster_off(f, chain.runs[i].first),
				 (uint64_t)chain.runs[i].n * f->cluster_len, &end, e);
	free(chain.runs);
	return r;
}

static int fat_open(struct tree *t, struct tree_node *file, struct blob *ret, struct pcrcast_error *e)
{
	struct fat *f = t->ctx;
	struct chain chain = { 0 };
	uint64_t want = (file->entry.size + f->cluster_len - 1) / f->cluster_len;

	if (want == 0) {
		*ret = BLOB_EMPTY;
		return 0;
	}
	if (want > f->n_clusters)
		return err_set(e, PCRCAST_EFORMAT, at(f, file->entry_off + 28),
			       "a size of %" PRIu64 " bytes needs %" PRIu64
			       " clusters, the file system has %u",
			       file->entry.size, want, f->n_clusters);
	int r = read_chain(f, (uint32_t)file->place, (uint32_t)want, (uint32_t)want, &chain, e);
	if (r == 0)
		r = blob_of_chain(t, &chain, file->entry.size, ret, e);
	else
		err_wrap(e, "directory entry at %" PRIu64 ", size %" PRIu64, at(f, file->entry_off),
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
