/*
 * Fuzzing of disk images: containers, partition tables and FAT. The first byte says how the rest is taken;
 * one way is to repair a partition table's checksums first, which no random change would get right.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "predict/container.h"
#include "predict/image.h"
#include "tests/fuzz/fuzz.h"

enum {
	MAX_DEPTH = 4,   /* directories may hold each other */
	MAX_FILES = 200, /* looked at in one input; more would only be slower */
	MAX_READ = 65536,
};

enum way { WAY_DISK, WAY_REPAIRED, WAY_CONTAINER, WAY_COUNT };

static uint32_t crc32_of(const uint8_t *p, size_t n)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0xedb88320 & -(crc & 1));
	}
	return ~crc;
}

/* Give a header in the second sector (of 512 bytes) the checksums that its contents have. */
static void repair_gpt(uint8_t *p, size_t n)
{
	uint8_t *h = p + 512;

	if (n < 1024)
		return;
	uint64_t off = get_u64le(h + 72) * 512, len = (uint64_t)get_u32le(h + 80) * get_u32le(h + 84);
	if (off <= n && len <= n - off)
		put_u32le(h + 88, crc32_of(p + off, (size_t)len));
	if (get_u32le(h + 12) <= 512) {
		put_u32le(h + 16, 0);
		put_u32le(h + 16, crc32_of(h, get_u32le(h + 12)));
	}
}

static void read_file(struct tree *t, const char *path)
{
	static uint8_t buf[MAX_READ];
	struct blob b;
	const char *stored;

	if (tree_open_file(t, path, &b, &stored, NULL) < 0)
		return;
	size_t n = b.len < sizeof buf ? (size_t)b.len : sizeof buf;
	if (blob_read(&b, 0, buf, n, NULL) < 0 || blob_read(&b, b.len - n, buf, n, NULL) < 0)
		return;
}

static void visit(struct tree *t, const char *dir, int depth, int *n_files)
{
	struct tree_list list;
	struct pcrcast_error e;

	if (depth > MAX_DEPTH || tree_list_dir(t, dir, &list, &e) < 0)
		return;
	for (size_t i = 0; i < list.n && *n_files < MAX_FILES; i++) {
		size_t n = strlen(dir) + strlen(list.entries[i].name) + 2;
		char *path = malloc(n);

		if (!path)
			abort();
		strcpy(path, dir);
		strcat(path, "\\");
		strcat(path, list.entries[i].name);
		++*n_files;
		if (list.entries[i].is_dir)
			visit(t, path, depth + 1, n_files);
		else
			read_file(t, path);
		free(path);
	}
}

static void open_disk(struct source *disk)
{
	struct image img = { 0 };
	struct pcrcast_error e;
	int n_files = 0;

	if (image_open_disk(disk, "fuzz", &img, &e) < 0)
		return;
	visit(img.esp, "", 0, &n_files);
	if (img.xbootldr)
		visit(img.xbootldr, "", 0, &n_files);
	if (image_check(&img, &e) < 0)
		abort(); /* bytes in memory do not change */
	image_done(&img);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pcrcast_error e;
	struct source *s, *disk;
	const char *kind;

	if (size < 1)
		return 0;
	uint8_t *copy = malloc(size > 1 ? size - 1 : 1); /* exact size: one byte too far is seen */
	if (!copy)
		abort();
	memcpy(copy, data + 1, size - 1);
	if (data[0] % WAY_COUNT == WAY_REPAIRED)
		repair_gpt(copy, size - 1);
	if (source_over_bytes((struct slice){ copy, size - 1 }, "fuzz", &s, &e) < 0)
		abort();
	if (data[0] % WAY_COUNT != WAY_CONTAINER) {
		open_disk(s);
		source_close(s);
	} else if (container_open(s, "/nonexistent/fuzz", "/nonexistent/fuzz", &disk, &kind, &e) == 0) {
		open_disk(disk);
		source_close(disk);
	}
	free(copy);
	return 0;
}
