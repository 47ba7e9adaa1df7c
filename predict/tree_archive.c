/*
 * Trees over archives that GRUB reads as file systems: tar and cpio in newc form. grub-mkstandalone makes its memory disk a tar.
 *
 * Sources: POSIX pax "ustar Interchange Format" and GNU tar's long names (type L); Linux
 * Documentation/driver-api/early-userspace/buffer-format.rst; GRUB 2.12 grub-core/fs/archelp.c, tar.c, cpio_common.c
 * (of two entries with one name the first counts; directories are what stands in names).
 */
#include <string.h>

#include "base/bytes.h"
#include "predict/tree_impl.h"

enum {
	ITEMS_MAX = 4096, /* a standalone GRUB has 300 modules and some fonts; each listing compares all */
	NAME_MAX_LEN = 4096,
	TAR_BLOCK = 512,
	NEWC_HEADER = 110,
};

enum item_kind { ITEM_FILE, ITEM_DIR, ITEM_OTHER };

struct item {
	const char *path; /* from the root, '/' between names, none in front or behind */
	uint64_t off, len;
	enum item_kind kind;
};

struct archive {
	struct blob bytes;
	struct item *items;
	size_t n, cap;
};

static int bad(const struct archive *a, uint64_t off, const char *what, struct pcrcast_error *e)
{
	uint64_t at = PCRCAST_NO_OFFSET;

	return err_set(e, PCRCAST_EFORMAT, blob_locate(&a->bytes, off, &at) ? at : PCRCAST_NO_OFFSET, "%s",
		       what);
}

/* ---- names ---- */

/* Without "." and empty names; NULL in *ret: nothing is left. */
static int clean_path(struct tree *t, const char *name, const char **ret, struct pcrcast_error *e)
{
	char *out = pool_array(&t->pool, strlen(name) + 1, 1);
	size_t n = 0;

	if (!out)
		return err_nomem(e);
	while (*name) {
		size_t len = strcspn(name, "/");

		if ((len == 2 && memcmp(name, "..", 2) == 0) || memchr(name, '\\', len))
			return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
				       "an archive with the name %s is not read", name);
		if (len && !(len == 1 && *name == '.')) {
			if (n)
				out[n++] = '/';
			memcpy(out + n, name, len);
			n += len;
		}
		name += len + (name[len] == '/');
	}
	*ret = n ? out : NULL;
	return 0;
}

static int add_item(struct tree *t, const char *name, struct item item, struct pcrcast_error *e)
{
	struct archive *a = t->ctx;
	int r = clean_path(t, name, &item.path, e);

	if (r < 0 || !item.path)
		return r;
	if (a->n == ITEMS_MAX)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "more than the %d entries that are read of one archive", ITEMS_MAX);
	struct item *place = pool_push(&t->pool, &a->items, &a->n, &a->cap, sizeof *place);
	if (!place)
		return err_nomem(e);
	*place = item;
	return 0;
}

/* Digits up to the first byte that is none. */
static uint64_t number(const uint8_t *p, size_t n, unsigned base)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned c = p[i], letter = c | 32u,
			 d = c >= '0' && c <= '9'           ? c - '0' :
			     letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 :
							      99;

		if (d >= base)
			break;
		v = v * base + d;
	}
	return v;
}

/* ---- tar ---- */

/* A long name stands in an entry of its own in front of the one that it is for. */
static int read_long_name(struct tree *t, uint64_t off, uint64_t len, const char **ret,
			  struct pcrcast_error *e)
{
	struct archive *a = t->ctx;
	char *name = len <= NAME_MAX_LEN ? pool_array(&t->pool, (size_t)len + 1, 1) : NULL;

	if (len > NAME_MAX_LEN)
		return bad(a, off, "a name in the tar archive is too long", e);
	if (!name)
		return err_nomem(e);
	*ret = name;
	return len ? blob_read(&a->bytes, off, name, (size_t)len, e) : 0;
}

static const char *header_name(struct tree *t, const uint8_t *h)
{
	const char *prefix = (const char *)h + 345, *name = (const char *)h;

	if (*prefix)
		return pool_printf(&t->pool, "%.155s/%.100s", prefix, name);
	return pool_printf(&t->pool, "%.100s", name);
}

static int read_tar(struct tree *t, struct pcrcast_error *e)
{
	struct archive *a = t->ctx;
	const char *long_name = NULL;
	uint8_t h[TAR_BLOCK];
	uint64_t at = 0;
	int r = 0;

	while (r == 0 && a->bytes.len - at >= sizeof h) {
		r = blob_read(&a->bytes, at, h, sizeof h, e);
		if (r < 0 || (!h[0] && !h[345]))
			return r;
		uint64_t len = number(h + 124, 12, 8);
		if (memcmp(h + 257, "ustar", 5) != 0)
			return bad(a, at, "not a tar archive: expected \"ustar\" in the header of an entry",
				   e);
		at += sizeof h;
		if (len > a->bytes.len - at)
			return bad(a, at, "an entry of the tar archive runs past its end", e);
		char type = (char)h[156];
		if (type == 'L') {
			r = read_long_name(t, at, len, &long_name, e);
		} else if (type != 'K') {
			const char *name = long_name ? long_name : header_name(t, h);

			if (!name)
				return err_nomem(e);
			r = add_item(t, name,
				     (struct item){ NULL, at, len,
						    type == '0' ? ITEM_FILE :
						    type == '5' ? ITEM_DIR :
								  ITEM_OTHER },
				     e);
			long_name = NULL;
		}
		len = (len + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
		at = len > a->bytes.len - at ? a->bytes.len : at + len;
	}
	return r;
}

/* ---- newc ---- */

static int read_newc_entry(struct tree *t, uint64_t *at, bool *ret_end, struct pcrcast_error *e)
{
	struct archive *a = t->ctx;
	uint8_t h[NEWC_HEADER];
	int r = blob_read(&a->bytes, *at, h, sizeof h, e);

	if (r < 0)
		return r;
	if (memcmp(h, "070701", 6) != 0 && memcmp(h, "070702", 6) != 0)
		return bad(a, *at, "not a cpio archive: expected \"070701\" in front of an entry", e);
	uint64_t mode = number(h + 14, 8, 16), len = number(h + 54, 8, 16), n = number(h + 94, 8, 16),
		 name_at = *at + sizeof h, content = (name_at + n + 3) & ~UINT64_C(3);
	if (n == 0 || n > NAME_MAX_LEN || content > a->bytes.len || len > a->bytes.len - content)
		return bad(a, *at, "an entry of the cpio archive runs past its end", e);
	char *name = pool_array(&t->pool, (size_t)n + 1, 1);
	if (!name)
		return err_nomem(e);
	r = blob_read(&a->bytes, name_at, name, (size_t)n, e);
	*ret_end = r == 0 && strcmp(name, "TRAILER!!!") == 0;
	*at = (content + len + 3) & ~UINT64_C(3);
	if (r < 0 || *ret_end)
		return r;
	enum item_kind kind = (mode & 0170000) == 0100000 ? ITEM_FILE :
			      (mode & 0170000) == 0040000 ? ITEM_DIR :
							    ITEM_OTHER;
	return add_item(t, name, (struct item){ NULL, content, len, kind }, e);
}

static int read_newc(struct tree *t, struct pcrcast_error *e)
{
	const struct archive *a = t->ctx;
	uint64_t at = 0;
	bool end = false;
	int r = 0;

	while (r == 0 && !end && at + NEWC_HEADER <= a->bytes.len)
		r = read_newc_entry(t, &at, &end, e);
	return r;
}

/* ---- the tree ---- */

/* What of an entry's path is below a directory; NULL: it is not. dir: '\' in front of each name. */
static const char *below(const char *path, const char *dir)
{
	for (; *dir; dir++) {
		const char *next = dir + 1;
		size_t n = strcspn(next, "\\");

		if (strncmp(path, next, n) != 0 || path[n] != '/')
			return NULL;
		path += n + 1;
		dir += n;
	}
	return *path ? path : NULL;
}

static struct tree_node *child(struct tree_dir *dir, const char *name, size_t n)
{
	for (size_t i = 0; i < dir->n; i++)
		if (strlen(dir->nodes[i].entry.name) == n && memcmp(dir->nodes[i].entry.name, name, n) == 0)
			return &dir->nodes[i];
	return NULL;
}

static int read_dir(struct tree *t, struct tree_node *dir, struct tree_dir *ret, struct pcrcast_error *e)
{
	const struct archive *a = t->ctx;
	const char *path = dir->parent ? tree_path_of(t, dir) : "";
	int r = 0;

	if (!path)
		return err_nomem(e);
	for (size_t i = 0; r == 0 && i < a->n; i++) {
		const char *rest = below(a->items[i].path, path);
		size_t n = rest ? strcspn(rest, "/") : 0;

		if (!n || child(ret, rest, n))
			continue;
		const char *name = pool_text(&t->pool, rest, n);
		struct tree_node *node;
		if (!name)
			return err_nomem(e);
		r = tree_add(t, dir, ret, name, &node, e);
		if (r < 0)
			continue;
		node->place = i;
		node->entry.is_dir = rest[n] || a->items[i].kind == ITEM_DIR;
		node->entry.size = node->entry.is_dir ? 0 : a->items[i].len;
	}
	return r;
}

static int open_item(struct tree *t, struct tree_node *file, struct blob *ret, struct pcrcast_error *e)
{
	const struct archive *a = t->ctx;
	const struct item *item = &a->items[file->place];

	if (item->kind != ITEM_FILE)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "links and special files of an archive are not followed");
	return blob_sub(&t->pool, &a->bytes, item->off, item->len, ret, e);
}

static const struct tree_ops ops = { .read_dir = read_dir, .open = open_item, .in_disk_order = true };

int tree_open_archive(const struct blob *bytes, const char *shown, struct tree **ret, struct pcrcast_error *e)
{
	uint8_t magic[6] = { 0 };
	struct tree *t = NULL;
	int r = bytes->len < sizeof magic ? 0 : blob_read(bytes, 0, magic, sizeof magic, e);

	if (r == 0)
		r = tree_new(&ops, shown, sizeof(struct archive), &t, e);
	if (r < 0)
		return r;
	((struct archive *)t->ctx)->bytes = *bytes;
	r = memcmp(magic, "07070", 5) == 0 ? read_newc(t, e) : read_tar(t, e);
	if (r < 0) {
		tree_free(t);
		return err_wrap(e, "%s", shown);
	}
	*ret = t;
	return 0;
}
