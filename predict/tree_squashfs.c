/*
 * Squashfs 4.0, read only, with what GRUB decompresses (gzip, lzo, xz): the memory disk of Debian's signed GRUB since 2.12, which
 * holds its font.
 *
 * Source: Linux fs/squashfs/squashfs_fs.h and the layout that mksquashfs writes (superblock, data, inode table, directory table,
 * fragment table); GRUB 2.02 to 2.12 grub-core/fs/squash4.c read the same parts.
 *
 * It is our own because libsquashfs (squashfs-tools-ng 1.2.0, Debian 12) cannot be bounded: it reads an inode only with the whole
 * list of its blocks, as long as the inode claims it to be (200 names of one inode in 1 MiB took it 11 s, and it asks calloc for
 * 2^49 bytes when told so); a block that decompresses to less than it should ends in zeros, where GRUB stops; and it does not read lzo.
 */
#include "predict/tree_squashfs_impl.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"

enum {
	SUPERBLOCK_LEN = 96,
	DATA_RAW = 1 << 24,
	BLOCK_MAX = 1 << 20,
	INODE_DIR = 1,
	INODE_FILE = 2,
	INODE_EXT_DIR = 8,
	INODE_EXT_FILE = 9,
	ENTRIES_MAX = 4096,  /* of one file system: a memory disk has some dozens */
	FILE_MAX = 32 << 20, /* bytes of one file */
	OPENED_MAX =
		64 << 20, /* bytes of all files that are opened, so that small input does not fill memory */
};

/* What of an inode matters. */
struct inode {
	uint16_t type;
	uint64_t len;    /* bytes of a file; of a directory's list and 3 */
	uint64_t start;  /* file: of its data; directory: of its block, from the table's start */
	uint32_t offset; /* in the fragment, or in the directory's block */
	uint32_t fragment;
};

/* ---- inodes ---- */

/* The inode and, for a file, m behind its fixed part, where the lengths of its blocks stand. */
static int read_inode(struct squashfs_meta *m, uint64_t ref, struct inode *ret, struct pcrcast_error *e)
{
	struct inode i = { 0 };
	uint8_t b[16 + 40];
	int r = squashfs_seek(m, m->s->inodes, ref >> 16, (uint32_t)(ref & 0xffff), e);

	if (r == 0)
		r = squashfs_get(m, b, 16, e);
	if (r < 0)
		return r;
	uint8_t *p = b + 16;
	i.type = get_u16le(b);
	switch (i.type) {
	case INODE_DIR:
		r = squashfs_get(m, p, 16, e);
		i.start = get_u32le(p);
		i.len = get_u16le(p + 8);
		i.offset = get_u16le(p + 10);
		break;
	case INODE_EXT_DIR:
		r = squashfs_get(m, p, 24, e);
		i.len = get_u32le(p + 4);
		i.start = get_u32le(p + 8);
		i.offset = get_u16le(p + 18);
		break;
	case INODE_FILE:
		r = squashfs_get(m, p, 16, e);
		i.start = get_u32le(p);
		i.fragment = get_u32le(p + 4);
		i.offset = get_u32le(p + 8);
		i.len = get_u32le(p + 12);
		break;
	case INODE_EXT_FILE:
		r = squashfs_get(m, p, 40, e);
		i.start = get_u64le(p);
		i.len = get_u64le(p + 8);
		i.fragment = get_u32le(p + 28);
		i.offset = get_u32le(p + 32);
		break;
	}
	if (r == 0)
		*ret = i;
	return r;
}

/* ---- directories ---- */

static int add_entry(struct tree *t, struct tree_node *dir, struct tree_dir *ret, uint64_t inode,
		     uint16_t type, const char *name, struct pcrcast_error *e)
{
	struct squashfs *s = t->ctx;
	struct squashfs_meta m = { .s = s };
	struct tree_node *node;
	struct inode i = { 0 };

	if (++s->n_entries > ENTRIES_MAX)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "more than the %d entries that are read of a squashfs", ENTRIES_MAX);
	int r = type == INODE_FILE ? read_inode(&m, inode, &i, e) : 0;
	if (r == 0)
		r = tree_add(t, dir, ret, name, &node, e);
	if (r < 0)
		return r;
	node->place = inode;
	node->entry.is_dir = type == INODE_DIR;
	node->entry.size = i.len;
	return 0;
}

/* A group of entries whose inodes are in one block. *left: bytes of the list. */
static int read_group(struct tree *t, struct squashfs_meta *m, uint64_t *left, struct tree_node *dir,
		      struct tree_dir *ret, struct pcrcast_error *e)
{
	struct squashfs *s = t->ctx;
	uint8_t head[12], b[8];
	int r = squashfs_get(m, head, sizeof head, e);

	*left -= sizeof head;
	uint32_t n = r == 0 ? get_u32le(head) : 0;
	for (uint32_t i = 0; r == 0 && i <= n; i++) {
		if (*left < sizeof b)
			return squashfs_damaged(s, m->at, "a directory ends early", e);
		r = squashfs_get(m, b, sizeof b, e);
		size_t len = r == 0 ? (size_t)get_u16le(b + 6) + 1 : 0;
		*left -= sizeof b;
		if (r < 0)
			return r;
		if (len > *left || len > 256)
			return squashfs_damaged(s, m->at, "a name runs past the end of its directory", e);
		char *name = pool_array(&t->pool, len + 1, 1);
		if (!name)
			return err_nomem(e);
		r = squashfs_get(m, name, len, e);
		*left -= len;
		uint64_t inode = (uint64_t)get_u32le(head + 4) << 16 | get_u16le(b);
		if (r == 0 && (strlen(name) != len || strpbrk(name, "/\\")))
			r = squashfs_damaged(s, m->at, "a name has a character that no name has", e);
		if (r == 0)
			r = add_entry(t, dir, ret, inode, get_u16le(b + 4), name, e);
	}
	return r;
}

static int read_dir(struct tree *t, struct tree_node *dir, struct tree_dir *ret, struct pcrcast_error *e)
{
	enum { GROUP_HEAD = 12, UNWRITTEN = 3 }; /* "." and ".." count, but are not there */
	struct squashfs *s = t->ctx;
	struct squashfs_meta m = { .s = s };
	struct inode i;
	int r = read_inode(&m, dir->parent ? dir->place : s->root, &i, e);

	if (r < 0)
		return r;
	if (i.type != INODE_DIR && i.type != INODE_EXT_DIR)
		return squashfs_damaged(s, s->inodes, "a directory's inode is of another type", e);
	uint64_t left = i.len > UNWRITTEN ? i.len - UNWRITTEN : 0;
	if (left)
		r = squashfs_seek(&m, s->directories, i.start, i.offset, e);
	while (r == 0 && left) {
		if (left < GROUP_HEAD)
			return squashfs_damaged(s, m.at, "a directory ends early", e);
		r = read_group(t, &m, &left, dir, ret, e);
	}
	return r;
}

/* ---- files ---- */

/* The end of a file, which shares a block with others. */
static int read_fragment(struct tree *t, const struct inode *i, struct squashfs_output *o, size_t n,
			 struct pcrcast_error *e)
{
	struct squashfs *s = t->ctx;
	struct squashfs_meta m = { .s = s };
	struct squashfs_output all = { NULL, 0, s->block_len };
	uint8_t b[16];

	if (i->fragment >= s->n_fragments || s->fragments > s->fs.len)
		return squashfs_damaged(s, s->fragments, "a fragment has no entry in the table", e);
	uint64_t place = s->fragments + (uint64_t)i->fragment / 512 * 8;
	int r = blob_read(&s->fs, place, b, 8, e);
	if (r == 0)
		r = squashfs_seek(&m, 0, get_u64le(b), i->fragment % 512 * 16, e);
	if (r == 0)
		r = squashfs_get(&m, b, sizeof b, e);
	if (r < 0)
		return r;
	all.p = pool_array(&t->pool, all.cap, 1);
	if (!all.p)
		return err_nomem(e);
	uint32_t len = get_u32le(b + 8);
	r = squashfs_block(s, get_u64le(b), len & (DATA_RAW - 1), len & DATA_RAW, &all, e);
	if (r == 0 && (i->offset > all.n || n > all.n - i->offset))
		return squashfs_damaged(s, place, "a fragment is too short", e);
	if (r == 0) {
		memcpy(o->p + o->n, all.p + i->offset, n);
		o->n += n;
	}
	return r;
}

static int read_blocks(struct tree *t, struct squashfs_meta *m, const struct inode *i,
		       struct squashfs_output *o, struct pcrcast_error *e)
{
	struct squashfs *s = t->ctx;
	uint64_t at = i->start, left = i->len;
	int r = 0;

	while (r == 0 && left && (left >= s->block_len || i->fragment == UINT32_MAX)) {
		size_t want = left < s->block_len ? (size_t)left : s->block_len;
		struct squashfs_output one = { o->p + o->n, 0, want };
		uint8_t b[4];

		r = squashfs_get(m, b, sizeof b, e);
		if (r < 0)
			return r;
		uint32_t len = get_u32le(b) & (DATA_RAW - 1);
		if (len) /* else zeros, as the memory is */
			r = squashfs_block(s, at, len, get_u32le(b) & DATA_RAW, &one, e);
		if (r == 0 && len && one.n != want)
			return squashfs_damaged(s, at, "a block is too short", e);
		at += len;
		o->n += want;
		left -= want;
	}
	return r < 0 || !left ? r : read_fragment(t, i, o, (size_t)left, e);
}

static int open_file(struct tree *t, struct tree_node *file, struct blob *ret, struct pcrcast_error *e)
{
	struct squashfs *s = t->ctx;
	struct squashfs_meta m = { .s = s };
	struct squashfs_output o = { 0 };
	struct inode i;
	int r = read_inode(&m, file->place, &i, e);

	if (r < 0)
		return r;
	if (i.type != INODE_FILE && i.type != INODE_EXT_FILE)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "links and special files of a squashfs are not followed");
	s->n_opened += i.len > FILE_MAX ? OPENED_MAX : i.len + s->block_len;
	if (i.len > FILE_MAX || s->n_opened > OPENED_MAX)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "a file of %" PRIu64 " bytes, at most %d are read of a squashfs", i.len,
			       FILE_MAX);
	o = (struct squashfs_output){ pool_array(&t->pool, (size_t)i.len + 1, 1), 0, (size_t)i.len };
	if (!o.p)
		return err_nomem(e);
	r = read_blocks(t, &m, &i, &o, e);
	return r < 0 ? r : blob_of_bytes(&t->pool, (struct slice){ o.p, o.n }, ret, e);
}

/* ---- the file system ---- */

/* What GRUB 2.02 to 2.12 know (grub-core/fs/squash4.c, squash_mount); of others it says that it does not support them. */
static int read_compression(uint16_t id, enum compression *ret, struct pcrcast_error *e)
{
	switch (id) {
	case 1:
		*ret = COMPRESSION_ZLIB; /* as gzip compresses, but not in its format */
		return 0;
	case 3:
		*ret = COMPRESSION_LZO1X;
		return 0;
	case 4:
		*ret = COMPRESSION_XZ;
		return 0;
	default:
		return err_set(
			e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			"squashfs with compression %u, expected what GRUB reads: 1 (gzip), 3 (lzo) or 4 (xz)",
			id);
	}
}

static int read_superblock(struct squashfs *s, struct pcrcast_error *e)
{
	uint8_t b[SUPERBLOCK_LEN];

	if (s->fs.len < sizeof b)
		return err_set(e, PCRCAST_ETRUNC, PCRCAST_NO_OFFSET,
			       "no squashfs: %" PRIu64 " bytes, at least %d", s->fs.len, SUPERBLOCK_LEN);
	int r = blob_read(&s->fs, 0, b, sizeof b, e);
	if (r < 0)
		return r;
	if (memcmp(b, "hsqs", 4) != 0 || get_u16le(b + 28) != 4)
		return squashfs_damaged(s, 0, "it does not begin as version 4 does", e);
	r = read_compression(get_u16le(b + 20), &s->compression, e);
	if (r < 0)
		return r;
	s->block_len = get_u32le(b + 12);
	s->n_fragments = get_u32le(b + 16);
	s->root = get_u64le(b + 32);
	s->inodes = get_u64le(b + 64);
	s->directories = get_u64le(b + 72);
	s->fragments = get_u64le(b + 80);
	if (s->block_len < 4096 || s->block_len > BLOCK_MAX || s->inodes > s->fs.len ||
	    s->directories > s->fs.len)
		return squashfs_damaged(s, 0, "its superblock leads outside", e);
	return 0;
}

static const struct tree_ops ops = { .read_dir = read_dir, .open = open_file, .in_disk_order = true };

int tree_open_squashfs(const struct blob *bytes, const char *shown, struct tree **ret,
		       struct pcrcast_error *e)
{
	struct tree *t;
	int r = tree_new(&ops, shown, sizeof(struct squashfs), &t, e);

	if (r < 0)
		return r;
	((struct squashfs *)t->ctx)->fs = *bytes;
	r = read_superblock(t->ctx, e);
	if (r < 0) {
		tree_free(t);
		return err_wrap(e, "%s", shown);
	}
	*ret = t;
	return 0;
}
