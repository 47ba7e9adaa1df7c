/*
 * FAT file systems and partition tables written byte by byte, for tests. Independent of the readers.
 */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

/*
 * A FAT file system of which only the front is there: FAT32 has at least 65525 clusters, of which tests use
 * a handful.
 */
struct fat_writer {
	uint8_t *p;
	size_t n; /* bytes that are there */
	int type; /* 12, 16, 32 */
	uint32_t sector, cluster, n_clusters;
	size_t fat, root, data; /* offsets of the FAT, of the root directory, of cluster 2 */
};

enum { FAT_EOC = 0x0fffffff };

/* There are n_clusters, of which held have bytes. FAT32's root directory is cluster 2. */
static inline struct fat_writer fat_new(int type, uint32_t sector, uint32_t per_cluster, uint32_t n_clusters,
					uint32_t held)
{
	struct fat_writer w = {
		.type = type, .sector = sector, .cluster = sector * per_cluster, .n_clusters = n_clusters
	};
	uint32_t reserved = type == 32 ? 32 : 1;
	uint32_t fat_len =
		type == 12 ? (n_clusters + 2) * 3 / 2 + 1 : (n_clusters + 2) * (type == 16 ? 2u : 4u);
	uint32_t fat_sectors = (fat_len + sector - 1) / sector;
	uint32_t root_entries = type == 32 ? 0 : 4 * sector / 32;
	uint32_t sectors = reserved + fat_sectors + root_entries * 32 / sector + n_clusters * per_cluster;

	w.fat = reserved * sector;
	w.data = w.fat + (size_t)fat_sectors * sector + root_entries * 32;
	w.root = type == 32 ? w.data : w.fat + (size_t)fat_sectors * sector;
	w.n = w.data + (size_t)held * w.cluster;
	w.p = calloc(1, w.n);
	memcpy(w.p, "\xeb\x3c\x90mkfs.fat", 11);
	put_u16le(w.p + 11, (uint16_t)sector);
	w.p[13] = (uint8_t)per_cluster;
	put_u16le(w.p + 14, (uint16_t)reserved);
	w.p[16] = 1;
	put_u16le(w.p + 17, (uint16_t)root_entries);
	w.p[21] = 0xf8;
	put_u32le(w.p + 32, sectors);
	if (type == 32) {
		put_u32le(w.p + 36, fat_sectors);
		put_u32le(w.p + 44, 2);
	} else {
		put_u16le(w.p + 22, (uint16_t)fat_sectors);
	}
	put_u16le(w.p + 510, 0xaa55);
	return w;
}

static inline void fat_set(struct fat_writer *w, uint32_t cluster, uint32_t value)
{
	uint8_t *p;

	if (w->type == 32) {
		put_u32le(w->p + w->fat + 4 * (size_t)cluster, value & 0x0fffffff);
	} else if (w->type == 16) {
		put_u16le(w->p + w->fat + 2 * (size_t)cluster, (uint16_t)value);
	} else {
		p = w->p + w->fat + cluster * 3 / 2;
		if (cluster % 2)
			put_u16le(p, (uint16_t)((get_u16le(p) & 0x000f) | (value & 0xfff) << 4));
		else
			put_u16le(p, (uint16_t)((get_u16le(p) & 0xf000) | (value & 0xfff)));
	}
}

static inline uint8_t *fat_cluster(struct fat_writer *w, uint32_t cluster)
{
	return w->p + w->data + (size_t)(cluster - 2) * w->cluster;
}

/* Write a short entry and return the place behind it. name83 has 11 characters. */
static inline uint8_t *fat_entry(uint8_t *p, const char *name83, uint8_t attr, uint8_t ntres,
				 uint32_t cluster, uint32_t size)
{
	memcpy(p, name83, 11);
	p[11] = attr;
	p[12] = ntres;
	put_u16le(p + 20, (uint16_t)(cluster >> 16));
	put_u16le(p + 26, (uint16_t)cluster);
	put_u32le(p + 28, size);
	return p + 32;
}

static inline uint8_t fat_sum(const char *name83)
{
	uint8_t sum = 0;

	for (int i = 0; i < 11; i++)
		sum = (uint8_t)(((sum & 1) ? 0x80 : 0) + (sum >> 1) + (uint8_t)name83[i]);
	return sum;
}

/* The long name entries that go in front of the short entry for name83. */
static inline uint8_t *fat_long(uint8_t *p, const uint16_t *name, size_t n, const char *name83)
{
	static const int places[13] = { 1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30 };
	size_t parts = (n + 12) / 13;

	for (size_t part = parts; part > 0; part--, p += 32) {
		memset(p, 0, 32);
		p[0] = (uint8_t)(part | (part == parts ? 0x40 : 0));
		p[11] = 0x0f;
		p[13] = fat_sum(name83);
		for (size_t i = 0; i < 13; i++) {
			size_t at = (part - 1) * 13 + i;

			put_u16le(p + places[i], at < n ? name[at] : at == n ? 0 : 0xffff);
		}
	}
	return p;
}

static inline uint8_t *fat_long_ascii(uint8_t *p, const char *name, const char *name83)
{
	uint16_t units[255];
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++)
		units[i] = (uint8_t)name[i];
	return fat_long(p, units, n, name83);
}

/* ---- GUID partition tables ---- */

static inline uint32_t gpt_crc(const uint8_t *p, size_t n)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < n; i++)
		for (int bit = 0; bit < 8; bit++) {
			uint32_t in = ((uint32_t)p[i] >> bit ^ crc) & 1;

			crc = crc >> 1 ^ (in ? 0xedb88320 : 0);
		}
	return ~crc;
}

static const uint8_t esp_guid[16] = { 0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
				      0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b };
static const uint8_t xbootldr_guid[16] = { 0xff, 0xc2, 0x13, 0xbc, 0xe6, 0x59, 0x62, 0x42,
					   0xa3, 0x52, 0xb2, 0x75, 0xfd, 0x6f, 0x71, 0x72 };
static const uint8_t linux_guid[16] = { 0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47,
					0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4 };

enum { GPT_ENTRIES = 16, GPT_ENTRY = 128 };

struct gpt_writer {
	uint8_t *p;
	size_t n;
	uint32_t sector;
	uint8_t entries[GPT_ENTRIES * GPT_ENTRY];
};

static inline uint64_t gpt_entry_sectors(const struct gpt_writer *w)
{
	return (GPT_ENTRIES * GPT_ENTRY + w->sector - 1) / w->sector;
}

static inline struct gpt_writer gpt_new(uint32_t sector, uint32_t n_sectors)
{
	struct gpt_writer w = { .sector = sector, .n = (size_t)sector * n_sectors };

	w.p = calloc(1, w.n);
	return w;
}

static inline void gpt_add(struct gpt_writer *w, unsigned slot, const uint8_t *type, uint64_t first,
			   uint64_t last, const char *name)
{
	uint8_t *p = w->entries + slot * GPT_ENTRY;

	memcpy(p, type, 16);
	memset(p + 16, (int)(slot + 1), 16);
	put_u64le(p + 32, first);
	put_u64le(p + 40, last);
	for (size_t i = 0; name[i]; i++)
		put_u16le(p + 56 + 2 * i, (uint8_t)name[i]);
}

static inline void gpt_put_header(struct gpt_writer *w, uint64_t lba, uint64_t other, uint64_t entries)
{
	uint8_t *h = w->p + lba * w->sector;
	uint64_t n = w->n / w->sector;

	memset(h, 0, w->sector);
	memcpy(h, "EFI PART", 8);
	put_u32le(h + 8, 0x00010000);
	put_u32le(h + 12, 92);
	put_u64le(h + 24, lba);
	put_u64le(h + 32, other);
	put_u64le(h + 40, 2 + gpt_entry_sectors(w));
	put_u64le(h + 48, n - 2 - gpt_entry_sectors(w));
	put_u64le(h + 72, entries);
	put_u32le(h + 80, GPT_ENTRIES);
	put_u32le(h + 84, GPT_ENTRY);
	put_u32le(h + 88, gpt_crc(w->entries, sizeof w->entries));
	put_u32le(h + 16, gpt_crc(h, 92));
	memcpy(w->p + entries * w->sector, w->entries, sizeof w->entries);
}

/* Take a changed header's CRC anew. */
static inline void gpt_reseal(struct gpt_writer *w, uint64_t lba)
{
	uint8_t *h = w->p + lba * w->sector;

	put_u32le(h + 16, 0);
	put_u32le(h + 16, gpt_crc(h, get_u32le(h + 12)));
}

static inline void gpt_finish(struct gpt_writer *w)
{
	uint64_t n = w->n / w->sector;

	w->p[446 + 4] = 0xee;
	put_u32le(w->p + 446 + 8, 1);
	put_u32le(w->p + 446 + 12, (uint32_t)(n - 1));
	put_u16le(w->p + 510, 0xaa55);
	gpt_put_header(w, 1, n - 1, 2);
	gpt_put_header(w, n - 1, 1, n - 1 - gpt_entry_sectors(w));
}
