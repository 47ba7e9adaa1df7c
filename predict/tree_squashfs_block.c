#include "predict/tree_squashfs_impl.h"

#include <string.h>

#include "base/bytes.h"

enum { META_RAW = 0x8000 };

/* Where off is in the file that holds the file system. */
static uint64_t place(const struct squashfs *s, uint64_t off)
{
	uint64_t at;

	return off < s->fs.len && blob_locate(&s->fs, off, &at) ? at : PCRCAST_NO_OFFSET;
}

int squashfs_damaged(const struct squashfs *s, uint64_t off, const char *what, struct pcrcast_error *e)
{
	return err_set(e, PCRCAST_EFORMAT, place(s, off), "squashfs damaged: %s", what);
}

static int take(void *ctx, struct slice bytes, struct pcrcast_error *e)
{
	struct squashfs_output *o = ctx;

	if (bytes.n > o->cap - o->n)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "a block is longer than it can be");
	memcpy(o->p + o->n, bytes.p, bytes.n);
	o->n += bytes.n;
	return 0;
}

/* len bytes at off, decompressed into o. */
static int unpack(struct squashfs *s, uint64_t off, uint64_t len, struct squashfs_output *o,
		  struct pcrcast_error *e)
{
	struct pool scratch = POOL_INIT;
	struct blob part;

	int r = blob_sub(&scratch, &s->fs, off, len, &part, e);
	if (r == 0)
		r = decompress(&part, s->compression, o->cap - o->n, take, o, e);
	pool_done(&scratch);
	if (r < 0 && e && e->offset != PCRCAST_NO_OFFSET) /* it counts from the start of the block */
		e->offset = place(s, off + e->offset);
	return r < 0 ? err_wrap(e, "squashfs") : 0;
}

int squashfs_block(struct squashfs *s, uint64_t off, uint64_t len, bool raw, struct squashfs_output *o,
		   struct pcrcast_error *e)
{
	if (off > s->fs.len || len > s->fs.len - off)
		return squashfs_damaged(s, off, "a block lies outside", e);
	if (raw) {
		if (len > o->cap - o->n)
			return squashfs_damaged(s, off, "a block is longer than it can be", e);
		int r = blob_read(&s->fs, off, o->p + o->n, (size_t)len, e);
		o->n += (size_t)len;
		return r;
	}
	return unpack(s, off, len, o, e);
}

static int load(struct squashfs_meta *m, uint64_t at, struct pcrcast_error *e)
{
	struct squashfs_output o = { m->block, 0, SQUASHFS_META_LEN };
	uint8_t head[2];

	if (m->n && at == m->at)
		return 0;
	if (at > m->s->fs.len || m->s->fs.len - at < sizeof head)
		return squashfs_damaged(m->s, at, "a block of metadata lies outside", e);
	m->n = 0;
	int r = blob_read(&m->s->fs, at, head, sizeof head, e);
	if (r < 0)
		return r;
	uint16_t len = get_u16le(head);
	r = squashfs_block(m->s, at + 2, len & (META_RAW - 1), len & META_RAW, &o, e);
	m->at = at;
	m->next = at + 2 + (len & (META_RAW - 1));
	m->n = r == 0 ? o.n : 0;
	return r;
}

int squashfs_seek(struct squashfs_meta *m, uint64_t table, uint64_t block, uint32_t off,
		  struct pcrcast_error *e)
{
	if (block > m->s->fs.len)
		return squashfs_damaged(m->s, table, "a reference leads outside", e);
	int r = load(m, table + block, e);
	m->pos = off;
	return r;
}

int squashfs_get(struct squashfs_meta *m, void *buf, size_t n, struct pcrcast_error *e)
{
	uint8_t *p = buf;

	while (n) {
		if (m->pos >= m->n) {
			size_t over = m->pos - m->n;
			int r = m->n == 0 || over ? squashfs_damaged(m->s, m->at, "metadata end early", e) :
						    load(m, m->next, e);

			if (r < 0)
				return r;
			m->pos = 0;
			if (m->n == 0)
				return squashfs_damaged(m->s, m->at, "a block of metadata is empty", e);
		}
		size_t part = n < m->n - m->pos ? n : m->n - m->pos;
		memcpy(p, m->block + m->pos, part);
		p += part;
		m->pos += part;
		n -= part;
	}
	return 0;
}
