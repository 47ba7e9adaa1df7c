#include "base/blob.h"

#include <inttypes.h>
#include <string.h>

static bool joins(const struct blob_piece *last, const struct blob_piece *next)
{
	if (last->source != next->source)
		return false;
	if (last->source)
		return last->off + last->len == next->off;
	return !last->bytes && !next->bytes;
}

static void add_piece(struct blob_builder *w, struct blob_piece piece)
{
	if (piece.len == 0 || w->failed)
		return;
	if (piece.len > UINT64_MAX - w->len) {
		w->failed = true;
		return;
	}

	if (w->n && joins(&w->pieces[w->n - 1], &piece)) {
		w->pieces[w->n - 1].len += piece.len;
	} else {
		struct blob_piece *p = pool_push(w->pool, &w->pieces, &w->n, &w->cap, sizeof *p);

		if (!p) {
			w->failed = true;
			return;
		}
		*p = piece;
		p->start = w->len;
	}
	w->len += piece.len;
}

void blob_add_source(struct blob_builder *w, struct source *s, uint64_t off, uint64_t len)
{
	add_piece(w, (struct blob_piece){ .source = s, .off = off, .len = len });
}

void blob_add_bytes(struct blob_builder *w, struct slice bytes)
{
	add_piece(w, (struct blob_piece){ .bytes = bytes.p, .len = bytes.n });
}

void blob_add_zeros(struct blob_builder *w, uint64_t len)
{
	add_piece(w, (struct blob_piece){ .bytes = NULL, .len = len });
}

void blob_add(struct blob_builder *w, const struct blob *b)
{
	blob_add_part(w, b, 0, b->len);
}

int blob_build(struct blob_builder *w, struct blob *ret, struct pcrcast_error *e)
{
	if (w->failed)
		return err_nomem(e);
	*ret = (struct blob){ w->pieces, w->n, w->len };
	return 0;
}

int blob_of_source(struct pool *pool, struct source *s, struct blob *ret, struct pcrcast_error *e)
{
	struct blob_builder w = BLOB_BUILDER(pool);

	blob_add_source(&w, s, 0, source_size(s));
	return blob_build(&w, ret, e);
}

int blob_of_bytes(struct pool *pool, struct slice bytes, struct blob *ret, struct pcrcast_error *e)
{
	struct blob_builder w = BLOB_BUILDER(pool);

	blob_add_bytes(&w, bytes);
	return blob_build(&w, ret, e);
}

/* The piece that holds byte off, which lies inside the blob. */
static size_t piece_at(const struct blob *b, uint64_t off)
{
	size_t lo = 0, hi = b->n_pieces;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (b->pieces[mid].start <= off)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static bool inside(const struct blob *b, uint64_t off, uint64_t len)
{
	return off <= b->len && len <= b->len - off;
}

void blob_add_part(struct blob_builder *w, const struct blob *b, uint64_t off, uint64_t len)
{
	if (!inside(b, off, len)) {
		w->failed = true;
		return;
	}
	for (size_t i = len ? piece_at(b, off) : 0; len > 0; i++) {
		struct blob_piece part = b->pieces[i];
		uint64_t skip = off - part.start;

		part.len -= skip;
		if (part.len > len)
			part.len = len;
		if (part.source)
			part.off += skip;
		else if (part.bytes)
			part.bytes += skip;
		add_piece(w, part);
		off += part.len;
		len -= part.len;
	}
}

int blob_sub(struct pool *pool, const struct blob *b, uint64_t off, uint64_t len, struct blob *ret,
	     struct pcrcast_error *e)
{
	struct blob_builder w = BLOB_BUILDER(pool);

	if (!inside(b, off, len))
		return err_set(e, PCRCAST_ETRUNC, off, "%" PRIu64 " bytes wanted, the file ends at %" PRIu64,
			       len, b->len);
	blob_add_part(&w, b, off, len);
	return blob_build(&w, ret, e);
}

int blob_read(const struct blob *b, uint64_t off, void *buf, size_t n, struct pcrcast_error *e)
{
	uint8_t *p = buf;

	if (!inside(b, off, n))
		return err_set(e, PCRCAST_ETRUNC, off, "%zu bytes wanted, the file ends at %" PRIu64, n,
			       b->len);
	for (size_t i = n ? piece_at(b, off) : 0; n > 0; i++) {
		const struct blob_piece *piece = &b->pieces[i];
		uint64_t skip = off - piece->start;
		size_t part = piece->len - skip < n ? (size_t)(piece->len - skip) : n;
		int r = 0;

		if (piece->source)
			r = source_read(piece->source, piece->off + skip, p, part, e);
		else if (piece->bytes)
			memcpy(p, piece->bytes + skip, part);
		else
			memset(p, 0, part);
		if (r < 0)
			return r;
		p += part;
		off += part;
		n -= part;
	}
	return 0;
}

int blob_load(struct pool *pool, const struct blob *b, uint64_t limit, struct slice *ret,
	      struct pcrcast_error *e)
{
	if (b->len > limit)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "%" PRIu64 " bytes, at most %" PRIu64 " are read into memory", b->len, limit);
	uint8_t *bytes = pool_array(pool, (size_t)b->len, 1);
	if (!bytes)
		return err_nomem(e);
	int r = blob_read(b, 0, bytes, (size_t)b->len, e);
	if (r < 0)
		return r;
	*ret = (struct slice){ bytes, (size_t)b->len };
	return 0;
}

struct source *blob_locate(const struct blob *b, uint64_t off, uint64_t *ret_off)
{
	if (off >= b->len)
		return NULL;
	const struct blob_piece *piece = &b->pieces[piece_at(b, off)];
	if (!piece->source)
		return NULL;
	*ret_off = piece->off + (off - piece->start);
	return piece->source;
}

bool blob_is_prefix(const struct blob *a, const struct blob *b)
{
	if (a->len > b->len || a->n_pieces > b->n_pieces)
		return false;
	for (size_t i = 0; i < a->n_pieces; i++) {
		const struct blob_piece *x = &a->pieces[i], *y = &b->pieces[i];
		bool last = i + 1 == a->n_pieces;

		if (x->source != y->source || (x->source ? x->off != y->off : x->bytes != y->bytes))
			return false;
		if (last ? x->len > y->len : x->len != y->len)
			return false;
	}
	return true;
}
