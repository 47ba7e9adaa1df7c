/*
 * The file allocation table: chains of clusters, and what they hold as extents of the image. Sources are named
 * in fat.c.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "predict/fat_impl.h"

enum {
	FIRST_CLUSTER = 2,
	/*
	 * Fragments of all files opened in one file system. Each costs 40 bytes of memory until the end, so
	 * the limit bounds them to 5 MiB. (A kernel of 100 MB in which no two 4 KiB clusters are neighbours
	 * has 24415.)
	 */
	MAX_FRAGMENTS = 131072,
};

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
		return err_set(e, PCRCAST_EFORMAT, fat_offset(f, f->fat_off),
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

static bool chain_add(struct fat_chain *c, uint32_t cluster)
{
	if (c->n && c->runs[c->n - 1].first + c->runs[c->n - 1].n == cluster) {
		c->runs[c->n - 1].n++;
		return true;
	}
	if (c->n == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 16;
		struct fat_run *bigger = reallocarray(c->runs, cap, sizeof *bigger);

		if (!bigger)
			return false;
		c->runs = bigger;
		c->cap = cap;
	}
	c->runs[c->n++] = (struct fat_run){ cluster, 1 };
	return true;
}

static int by_first_cluster(const void *a, const void *b)
{
	const struct fat_run *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* Fails when a chain goes through a cluster twice: it then runs in a circle. */
static int check_no_loop(const struct fat *f, const struct fat_chain *c, struct pcrcast_error *e)
{
	struct fat_run *sorted;
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
		return err_set(e, PCRCAST_EFORMAT, fat_offset(f, f->fat_off),
			       "the cluster chain from %u runs in a circle through %u", c->runs[0].first,
			       twice);
	return 0;
}

int fat_read_chain(struct fat *f, uint32_t first, uint32_t want, uint32_t max, struct fat_chain *ret,
		   struct pcrcast_error *e)
{
	uint32_t cluster = first, n = 0;
	bool end = false;
	int r;

	for (;;) {
		if (end)
			return want ? err_set(e, PCRCAST_EFORMAT, fat_offset(f, f->fat_off),
					      "the cluster chain from %u ends after %u of %u clusters", first,
					      n, want) :
				      check_no_loop(f, ret, e);
		if (cluster < FIRST_CLUSTER || cluster - FIRST_CLUSTER >= f->n_clusters)
			return err_set(e, PCRCAST_EFORMAT, fat_offset(f, f->fat_off),
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
		return err_set(e, PCRCAST_ELIMIT, fat_offset(f, f->fat_off),
			       "more than the %d fragments that are handled", MAX_FRAGMENTS);
	return err_set(e, PCRCAST_EFORMAT, fat_offset(f, f->fat_off),
		       "a directory of more than the %d bytes that one can have", MAX_DIR_LEN);
}

uint64_t fat_cluster_off(const struct fat *f, uint32_t cluster)
{
	return f->data_off + (uint64_t)(cluster - FIRST_CLUSTER) * f->cluster_len;
}

int fat_blob_of_chain(struct tree *t, const struct fat_chain *c, uint64_t len, struct blob *ret,
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
		uint64_t off = fat_cluster_off(f, c->runs[i].first);
		uint64_t part = (uint64_t)c->runs[i].n * f->cluster_len;

		if (part > len)
			part = len;
		if (off > f->fs.len || part > f->fs.len - off)
			return err_set(e, PCRCAST_ETRUNC, fat_offset(f, f->fs.len - 1),
				       "clusters from %u on lie behind the end of the file system, which is "
				       "cut off after %" PRIu64 " bytes",
				       c->runs[i].first, f->fs.len);
		blob_add_part(&w, &f->fs, off, part);
		len -= part;
	}
	return blob_build(&w, ret, e);
}
