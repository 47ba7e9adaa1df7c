#define _GNU_SOURCE
#include "predict/image.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/efi/partition_type.h"
#include "predict/container.h"
#include "predict/gpt.h"

enum {
	MBR_LEN = 512,
	MBR_TABLE = 446,
	MBR_RECORD_LEN = 16,
	MBR_RECORDS = 4,
	/* An EFI file from standard input is held in memory; UKIs with a whole system stay below. */
	STDIN_MAX = 1 << 30,
	LIST_LEN = 380, /* bytes for the list of partitions in an error message, which has 512 in all */
};

#define STDIN_NAME "stdin.efi"

struct image_private {
	struct pool pool;
	int fd;              /* held open so that the name below leads to this very file; -1: none */
	struct source *disk; /* NULL when the tree owns what is read */
};

void image_done(struct image *img)
{
	tree_free(img->esp);
	tree_free(img->xbootldr);
	if (img->priv) {
		source_close(img->priv->disk);
		if (img->priv->fd >= 0)
			(void)close(img->priv->fd);
		pool_done(&img->priv->pool);
		free(img->priv);
	}
	*img = (struct image){ 0 };
}

int image_check(struct image *img, struct pcrcast_error *e)
{
	int r = img->priv && img->priv->disk ? source_check(img->priv->disk, e) : 0;

	if (r == 0)
		r = tree_check(img->esp, e);
	if (r == 0 && img->xbootldr)
		r = tree_check(img->xbootldr, e);
	return r;
}

static int image_init(struct image *img, enum image_kind kind, struct pcrcast_error *e)
{
	*img = (struct image){ .kind = kind, .priv = calloc(1, sizeof *img->priv) };
	if (!img->priv)
		return err_nomem(e);
	img->priv->fd = -1;
	return 0;
}

/* ---- partitions ---- */

static void size_text(uint64_t bytes, char *ret, size_t n)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	size_t u = 0;
	uint64_t tenths = 0;

	for (; bytes >= 1024 && u < 6; u++) {
		tenths = bytes % 1024 * 10 / 1024;
		bytes /= 1024;
	}
	if (bytes < 10 && tenths && u)
		(void)snprintf(ret, n, "%" PRIu64 ".%" PRIu64 " %s", bytes, tenths, units[u]);
	else
		(void)snprintf(ret, n, "%" PRIu64 " %s", bytes, units[u]);
}

static uint64_t partition_len(const struct gpt *g, const struct gpt_partition *p)
{
	uint64_t n = p->last_lba - p->first_lba, len;

	return p->last_lba < p->first_lba || n == UINT64_MAX ||
			       __builtin_mul_overflow(n + 1, g->sector_len, &len) ?
		       0 :
		       len;
}

/* "1 EFI system \"ESP\" 512 MiB, 2 …", as many as fit, in ret. */
static void list_partitions(struct pool *pool, const struct gpt *g, char *ret, size_t size)
{
	size_t n = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < g->n_partitions; i++) {
		const struct gpt_partition *p = &g->partitions[i];
		const char *type = gpt_type_name(pool, p->type);
		char line[256], len[32];

		size_text(partition_len(g, p), len, sizeof len);
		int m = snprintf(line, sizeof line, "%s%u %s \"%s\" %s%s%s%s", i ? ", " : "", p->number,
				 type ? type : "?", p->name, len, p->hidden ? " (" : "",
				 p->hidden ? p->hidden : "", p->hidden ? ")" : "");
		if (m < 0 || (size_t)m >= sizeof line || n + (size_t)m + sizeof " and 8192 more" > size) {
			(void)snprintf(ret + n, size - n, "%s%zu more", i ? " and " : "",
				       g->n_partitions - i);
			return;
		}
		memcpy(ret + n, line, (size_t)m + 1);
		n += (size_t)m;
	}
}

static const struct gpt_partition *find_partition(const struct gpt *g, const uint8_t *type, size_t *ret_count)
{
	const struct gpt_partition *first = NULL;

	*ret_count = 0;
	for (size_t i = 0; i < g->n_partitions; i++) {
		const struct gpt_partition *p = &g->partitions[i];

		if (p->hidden || memcmp(p->type, type, GUID_LEN) != 0)
			continue;
		if (!first)
			first = p;
		++*ret_count;
	}
	return first;
}

static int open_partition(struct image *img, struct source *disk, const struct gpt *g,
			  const struct gpt_partition *p, const char *shown, struct tree **ret,
			  struct pcrcast_error *e)
{
	struct pool *pool = &img->priv->pool;
	struct blob whole, part;
	uint64_t off = 0, len = partition_len(g, p), size = source_size(disk);
	const char *name = pool_printf(pool, "%s: partition %u", shown, p->number);

	if (!name)
		return err_nomem(e);
	if (len == 0 || __builtin_mul_overflow(p->first_lba, g->sector_len, &off) || off > size)
		return err_set(e, PCRCAST_ETRUNC, PCRCAST_NO_OFFSET,
			       "%s: sectors %" PRIu64 " to %" PRIu64 " of a disk of %" PRIu64 " bytes", name,
			       p->first_lba, p->last_lba, size);
	/* What is cut off may not be needed; reading it is an error then. */
	if (len > size - off) {
		const char *note =
			pool_printf(pool, "partition %u ends %" PRIu64 " bytes beyond the end of the file",
				    p->number, len - (size - off));
		if (!note)
			return err_nomem(e);
		img->notes[img->n_notes++] = note;
		len = size - off;
	}
	int r = blob_of_source(pool, disk, &whole, e);
	if (r == 0)
		r = blob_sub(pool, &whole, off, len, &part, e);
	return r < 0 ? r : tree_open_fat(&part, name, ret, e);
}

static int open_partitions(struct source *disk, const char *shown, const struct gpt *g, struct image *img,
			   struct pcrcast_error *e)
{
	struct pool *pool = &img->priv->pool;
	char list[LIST_LEN];
	size_t n;
	const struct gpt_partition *esp = find_partition(g, partition_type_esp.bytes, &n);

	if (n != 1) {
		list_partitions(pool, g, list, sizeof list);
		if (n == 0 && g->n_partitions == 0)
			return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET, "%.100s: no partitions",
				       shown);
		if (n == 0)
			return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
				       "%.60s: no EFI system partition; there is %s", shown, list);
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "%.60s: %zu EFI system partitions, expected one; there is %s", shown, n, list);
	}
	int r = open_partition(img, disk, g, esp, shown, &img->esp, e);
	if (r < 0)
		return r;
	if (tree_note(img->esp))
		img->notes[img->n_notes++] = tree_note(img->esp);

	const struct gpt_partition *xbootldr = find_partition(g, partition_type_xbootldr.bytes, &n);
	if (xbootldr) {
		struct pcrcast_error why;

		r = open_partition(img, disk, g, xbootldr, shown, &img->xbootldr, &why);
		if (r == -PCRCAST_EFORMAT || r == -PCRCAST_ETRUNC) {
			img->xbootldr_unread = pool_text(pool, why.msg, strlen(why.msg));
			if (!img->xbootldr_unread)
				return err_nomem(e);
		} else if (r < 0) {
			if (e)
				*e = why;
			return r;
		}
	}
	if (g->from_backup)
		img->notes[img->n_notes++] =
			"the primary partition table is damaged and its backup is used; firmware will "
			"repair it, and the repaired one is what it measures";
	if (g->unprotected)
		img->notes[img->n_notes++] =
			"the disk has no protective MBR (type 0xee, from sector 1): firmware made from "
			"EDK2 does not use its GUID partition table";
	return 0;
}

/* ---- disks without a GUID partition table ---- */

/* Records that EDK2's PartitionValidMbr takes for partitions; "type 0x83 at sector 2048, …" in ret. */
static size_t list_mbr(const uint8_t *mbr, uint64_t disk_len, char *ret, size_t size)
{
	size_t count = 0, n = 0;

	ret[0] = '\0';
	if (mbr[510] != 0x55 || mbr[511] != 0xaa)
		return 0;
	for (size_t i = 0; i < MBR_RECORDS; i++) {
		const uint8_t *record = mbr + MBR_TABLE + i * MBR_RECORD_LEN;
		uint64_t first = get_u32le(record + 8), sectors = get_u32le(record + 12);

		if (record[4] == 0 || sectors == 0)
			continue;
		if (first + sectors > disk_len / MBR_LEN || (record[0] & 0x7f) != 0)
			return 0; /* boot code that happens to end in 0x55aa */
		int m = snprintf(ret + n, size - n, "%s%zu of type 0x%02x at sector %" PRIu64,
				 count ? ", " : "", i + 1, record[4], first);
		if (m > 0 && (size_t)m < size - n)
			n += (size_t)m;
		count++;
	}
	return count;
}

static int open_unpartitioned(struct source *disk, const char *shown, struct image *img,
			      struct pcrcast_error *e)
{
	uint8_t mbr[MBR_LEN];
	char list[LIST_LEN];
	struct pcrcast_error why;
	struct blob whole;
	int r;

	if (source_size(disk) < sizeof mbr)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "%s: %" PRIu64
			       " bytes, expected an EFI file (which begins with MZ) or a disk image",
			       shown, source_size(disk));
	r = source_read(disk, 0, mbr, sizeof mbr, e);
	if (r < 0)
		return r;
	size_t n = list_mbr(mbr, source_size(disk), list, sizeof list);
	if (n)
		return err_set(e, PCRCAST_EUNSUPPORTED, MBR_TABLE,
			       "%.60s: an MBR partition table (%s); expected a GUID partition table with an "
			       "EFI system partition",
			       shown, list);

	r = blob_of_source(&img->priv->pool, disk, &whole, e);
	if (r < 0)
		return r;
	r = tree_open_fat(&whole, shown, &img->esp, &why);
	if (r == 0) {
		if (tree_note(img->esp))
			img->notes[img->n_notes++] = tree_note(img->esp);
		return 0;
	}
	if (r != -PCRCAST_EFORMAT && r != -PCRCAST_ETRUNC) {
		if (e)
			*e = why;
		return r;
	}
	uint8_t iso[6];
	if (source_size(disk) > 0x8006 && source_read(disk, 0x8000, iso, sizeof iso, NULL) == 0 &&
	    memcmp(iso, "\1CD001", 6) == 0)
		return err_set(e, PCRCAST_EUNSUPPORTED, 0x8000,
			       "%s: an ISO 9660 image without a GUID partition table", shown);
	/* A boot sector that is one but for some detail: the detail helps more than a general word. */
	if (mbr[510] == 0x55 && mbr[511] == 0xaa) {
		if (e)
			*e = why;
		return err_wrap(e, "no partition table");
	}
	return err_set(e, PCRCAST_EFORMAT, 0,
		       "%s: not an EFI file (which begins with MZ), and no disk: found neither a GUID "
		       "partition table nor a FAT "
		       "file system",
		       shown);
}

int image_open_disk(struct source *disk, const char *shown, struct image *ret, struct pcrcast_error *e)
{
	struct gpt g;

	if (!ret->priv) {
		int r = image_init(ret, IMAGE_DISK, e);

		if (r < 0)
			return r;
	}
	int r = gpt_read(&ret->priv->pool, disk, &g, e);
	if (r == 0) {
		ret->gpt = pool_copy(&ret->priv->pool, &g, sizeof g);
		r = ret->gpt ? open_partitions(disk, shown, &g, ret, e) : err_nomem(e);
	} else if (r == -PCRCAST_ENOTFOUND)
		r = open_unpartitioned(disk, shown, ret, e);
	else
		r = err_wrap(e, "%s", shown);
	if (r < 0)
		image_done(ret);
	return r;
}

/* ---- by name ---- */

static int open_stdin(struct image *img, struct pcrcast_error *e)
{
	struct source *s;
	uint8_t magic[2];
	int r = source_read_stream(STDIN_FILENO, "standard input", STDIN_MAX, &s, e);

	if (r < 0)
		return r;
	if (source_size(s) < 2 || source_read(s, 0, magic, 2, NULL) < 0 || memcmp(magic, "MZ", 2) != 0) {
		source_close(s);
		return err_set(e, PCRCAST_EFORMAT, 0,
			       "standard input: expected an EFI file, which begins with MZ (a disk image has "
			       "to be a file)");
	}
	img->file = "\\" STDIN_NAME;
	return tree_open_source(s, STDIN_NAME, &img->esp, e);
}

static int open_efi_file(const char *path, struct image *img, struct pcrcast_error *e)
{
	const char *slash = strrchr(path, '/');
	struct blob content;
	int r = tree_open_single(path, &img->esp, e);

	return r < 0 ? r : tree_open_file(img->esp, slash ? slash + 1 : path, &content, &img->file, e);
}

/* A file: one EFI file or a disk. fd is open and belongs to img. */
static int open_file(const char *path, struct image *img, struct pcrcast_error *e)
{
	char os_path[64];
	uint8_t magic[2];
	struct source *s;

	/* This leads to what was looked at, whatever path means by now. Without /proc path has to do. */
	(void)snprintf(os_path, sizeof os_path, "/proc/self/fd/%d", img->priv->fd);
	const char *again = access(os_path, F_OK) == 0 ? os_path : path;
	int r = source_open_file_at(AT_FDCWD, again, path, &s, e);
	if (r < 0)
		return r;
	if (source_size(s) >= 2) {
		r = source_read(s, 0, magic, sizeof magic, e);
		if (r < 0 || memcmp(magic, "MZ", 2) == 0) {
			source_close(s);
			img->kind = IMAGE_FILE;
			return r < 0 ? r : open_efi_file(path, img, e);
		}
	}
	r = container_open(s, path, again, &img->priv->disk, &img->container, e);
	return r < 0 ? r : image_open_disk(img->priv->disk, path, img, e);
}

int image_open(const char *path, struct image *ret, struct pcrcast_error *e)
{
	struct image img;
	struct stat st;
	int r = image_init(&img, IMAGE_FILE, e);

	if (r < 0)
		return r;
	if (strcmp(path, "-") == 0) {
		r = open_stdin(&img, e);
	} else {
		/* O_NONBLOCK: opening a pipe must not wait for somebody to write into it. */
		img.priv->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (img.priv->fd < 0 || fstat(img.priv->fd, &st) < 0) {
			r = err_set(e, errno == ENOENT ? PCRCAST_ENOTFOUND : PCRCAST_EIO, PCRCAST_NO_OFFSET,
				    "%s: cannot open: %s", path, strerror(errno));
		} else if (S_ISDIR(st.st_mode)) {
			img.kind = IMAGE_DIRECTORY;
			r = tree_open_directory(path, &img.esp, e);
		} else {
			img.kind = IMAGE_DISK;
			r = open_file(path, &img, e);
		}
	}
	if (r < 0) {
		image_done(&img);
		return r;
	}
	*ret = img;
	return 0;
}

/* ---- changes ---- */

static int replace_in(struct tree *t, const char *path, const char *host, struct pcrcast_error *e)
{
	struct source *file;
	int r = source_open_file(host, &file, e);

	return r < 0 ? r : tree_replace(t, path, file, e);
}

int image_replace_file(struct image *img, const char *path, const char *host, struct pcrcast_error *e)
{
	struct blob content;
	bool other =
		img->xbootldr && tree_open_file(img->esp, path, &content, NULL, NULL) == -PCRCAST_ENOTFOUND;

	return replace_in(other ? img->xbootldr : img->esp, path, host, e);
}

int image_remove_file(struct image *img, const char *path, struct pcrcast_error *e)
{
	int r = tree_remove(img->esp, path, e);

	return r == -PCRCAST_ENOTFOUND && img->xbootldr ? tree_remove(img->xbootldr, path, e) : r;
}
