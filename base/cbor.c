#include "base/cbor.h"

#include <cbor.h>
#include <stdlib.h>

#include "base/utf16.h"

/* ---- one head, by libcbor ---- */

/* The first bytes of an item, and the content of a string. */
struct head {
	enum cbor_kind kind;
	bool indefinite, end; /* end: the "break" that ends an indefinite length */
	uint64_t number;      /* value, tag, or count of items or pairs */
	struct slice bytes;
};

static void take_number(void *context, enum cbor_kind kind, uint64_t number)
{
	*(struct head *)context = (struct head){ .kind = kind, .number = number, .bytes = SLICE_EMPTY };
}

static void take_u8(void *c, uint8_t v)
{
	take_number(c, CBOR_UNSIGNED, v);
}

static void take_u16(void *c, uint16_t v)
{
	take_number(c, CBOR_UNSIGNED, v);
}

static void take_u32(void *c, uint32_t v)
{
	take_number(c, CBOR_UNSIGNED, v);
}

static void take_u64(void *c, uint64_t v)
{
	take_number(c, CBOR_UNSIGNED, v);
}

static void take_n8(void *c, uint8_t v)
{
	take_number(c, CBOR_NEGATIVE, v);
}

static void take_n16(void *c, uint16_t v)
{
	take_number(c, CBOR_NEGATIVE, v);
}

static void take_n32(void *c, uint32_t v)
{
	take_number(c, CBOR_NEGATIVE, v);
}

static void take_n64(void *c, uint64_t v)
{
	take_number(c, CBOR_NEGATIVE, v);
}

static void take_bytes(void *c, cbor_data p, size_t n)
{
	*(struct head *)c =
		(struct head){ .kind = CBOR_BYTES, .bytes = n ? (struct slice){ p, n } : SLICE_EMPTY };
}

static void take_text(void *c, cbor_data p, size_t n)
{
	*(struct head *)c =
		(struct head){ .kind = CBOR_TEXT, .bytes = n ? (struct slice){ p, n } : SLICE_EMPTY };
}

static void take_indefinite(void *c, enum cbor_kind kind)
{
	*(struct head *)c = (struct head){ .kind = kind, .indefinite = true, .bytes = SLICE_EMPTY };
}

static void take_bytes_start(void *c)
{
	take_indefinite(c, CBOR_BYTES);
}

static void take_text_start(void *c)
{
	take_indefinite(c, CBOR_TEXT);
}

static void take_array_start(void *c)
{
	take_indefinite(c, CBOR_ARRAY);
}

static void take_map_start(void *c)
{
	take_indefinite(c, CBOR_MAP);
}

static void take_array(void *c, size_t n)
{
	take_number(c, CBOR_ARRAY, n);
}

static void take_map(void *c, size_t n)
{
	take_number(c, CBOR_MAP, n);
}

static void take_tag(void *c, uint64_t tag)
{
	take_number(c, CBOR_TAG, tag);
}

static void take_float(void *c, float v)
{
	(void)v;
	take_number(c, CBOR_FLOAT, 0);
}

static void take_double(void *c, double v)
{
	(void)v;
	take_number(c, CBOR_FLOAT, 0);
}

static void take_undefined(void *c)
{
	take_number(c, CBOR_SIMPLE, 23);
}

static void take_null(void *c)
{
	take_number(c, CBOR_SIMPLE, 22);
}

static void take_bool(void *c, bool v)
{
	take_number(c, CBOR_SIMPLE, v ? 21 : 20);
}

static void take_break(void *c)
{
	*(struct head *)c = (struct head){ .kind = CBOR_SIMPLE, .end = true, .bytes = SLICE_EMPTY };
}

static const struct cbor_callbacks callbacks = {
	.uint8 = take_u8,
	.uint16 = take_u16,
	.uint32 = take_u32,
	.uint64 = take_u64,
	.negint8 = take_n8,
	.negint16 = take_n16,
	.negint32 = take_n32,
	.negint64 = take_n64,
	.byte_string_start = take_bytes_start,
	.byte_string = take_bytes,
	.string = take_text,
	.string_start = take_text_start,
	.indef_array_start = take_array_start,
	.array_start = take_array,
	.indef_map_start = take_map_start,
	.map_start = take_map,
	.tag = take_tag,
	.float2 = take_float,
	.float4 = take_float,
	.float8 = take_double,
	.undefined = take_undefined,
	.null = take_null,
	.boolean = take_bool,
	.indef_break = take_break,
};

/* ---- the tree ---- */

enum {
	SHORT_TAG = 0xc0,   /* major type 6, RFC 8949 section 3 */
	SHORT_NUMBERS = 24, /* numbers that are in the first byte */
};

struct parser {
	struct pool *pool;
	struct slice in;
	size_t pos;
	uint64_t offset; /* of in, in the file */
	size_t n_nodes;
	struct pcrcast_error *e;
};

static int fault(const struct parser *p, size_t at, const char *what)
{
	return err_set(p->e, PCRCAST_EFORMAT, p->offset + at, "CBOR: %s", what);
}

static int next_head(struct parser *p, struct head *ret)
{
	struct cbor_decoder_result r;

	if (p->pos == p->in.n)
		return err_set(p->e, PCRCAST_ETRUNC, p->offset + p->pos, "CBOR ends too early");
	uint8_t first = p->in.p[p->pos];
	if (first >= SHORT_TAG && first < SHORT_TAG + SHORT_NUMBERS) {
		/* libcbor 0.8 takes tags from 6 to 20 for unassigned, COSE's 18 among them */
		take_tag(ret, first - SHORT_TAG);
		p->pos++;
		return 0;
	}
	r = cbor_stream_decode(p->in.p + p->pos, p->in.n - p->pos, &callbacks, ret);
	if (r.status == CBOR_DECODER_NEDATA)
		return err_set(p->e, PCRCAST_ETRUNC, p->offset + p->pos, "CBOR item is cut short");
	if (r.status != CBOR_DECODER_FINISHED || r.read == 0 || r.read > p->in.n - p->pos)
		return err_set(p->e, PCRCAST_EFORMAT, p->offset + p->pos, "CBOR: byte 0x%02x begins no item",
			       p->in.p[p->pos]);
	p->pos += r.read;
	return 0;
}

/* The chunks of a string of indefinite length, up to its break; copied to ret unless that is NULL. */
static int read_chunks(struct parser *p, enum cbor_kind kind, uint8_t *ret, size_t *ret_n)
{
	size_t n = 0;

	for (;;) {
		size_t at = p->pos;
		struct head h;
		int r = next_head(p, &h);

		if (r < 0)
			return r;
		if (h.end)
			break;
		if (h.kind != kind || h.indefinite)
			return fault(p, at, "expected a piece of a string of indefinite length");
		if (kind == CBOR_TEXT && !utf8_valid(h.bytes))
			return fault(p, at, "text is not UTF-8");
		if (ret)
			memcpy(ret + n, h.bytes.p, h.bytes.n);
		n += h.bytes.n;
	}
	*ret_n = n;
	return 0;
}

static int join_chunks(struct parser *p, enum cbor_kind kind, struct slice *ret)
{
	size_t start = p->pos, n;
	int r = read_chunks(p, kind, NULL, &n);

	if (r < 0)
		return r;
	uint8_t *bytes = pool_array(p->pool, n + 1, 1);
	if (!bytes)
		return err_nomem(p->e);
	p->pos = start;
	*ret = (struct slice){ bytes, n };
	return read_chunks(p, kind, bytes, &n);
}

static int compare_bytes(struct slice a, struct slice b)
{
	int c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

/* By value, however the key is encoded. */
static int compare_keys(const void *left, const void *right)
{
	const struct cbor_node *a = *(const struct cbor_node *const *)left;
	const struct cbor_node *b = *(const struct cbor_node *const *)right;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->kind == CBOR_UNSIGNED || a->kind == CBOR_NEGATIVE)
		return (a->number > b->number) - (a->number < b->number);
	return compare_bytes(a->bytes, b->bytes);
}

static int check_keys(const struct parser *p, const struct cbor_node *map)
{
	const struct cbor_node **keys = map->n ? malloc(map->n * sizeof(struct cbor_node *)) : NULL;
	const struct cbor_node *node = map->first;
	int r = 0;

	if (map->n && !keys)
		return err_nomem(p->e);
	for (size_t i = 0; i < map->n && r == 0; i++, node = node->next->next) {
		keys[i] = node;
		if (node->kind > CBOR_TEXT)
			r = err_set(p->e, PCRCAST_EUNSUPPORTED, node->offset,
				    "CBOR: key of a map is neither a number nor a string");
	}
	if (map->n && r == 0)
		qsort(keys, map->n, sizeof(struct cbor_node *), compare_keys);
	for (size_t i = 1; i < map->n && r == 0; i++)
		if (compare_keys(&keys[i - 1], &keys[i]) == 0) {
			uint64_t a = keys[i - 1]->offset, b = keys[i]->offset;

			r = err_set(p->e, PCRCAST_EFORMAT, a > b ? a : b, "CBOR: key of a map a second time");
		}
	free(keys);
	return r;
}

static int read_item(struct parser *p, unsigned depth, bool end_allowed, struct cbor_node **ret);

/* The items below an array, map or tag, counted in *ret_n. */
static int read_children(struct parser *p, unsigned depth, const struct head *h, struct cbor_node *node)
{
	const struct cbor_node **tail = &node->first;
	uint64_t left = p->in.n - p->pos, per = h->kind == CBOR_MAP ? 2 : 1;
	uint64_t count = h->kind == CBOR_TAG ? 1 : h->number;
	size_t n = 0;

	/* each item takes a byte at least: a count that cannot be is refused before anything is done for it */
	if (!h->indefinite && count > left / per)
		return err_set(p->e, PCRCAST_ETRUNC, node->offset, "CBOR: %llu items or pairs in %llu bytes",
			       (unsigned long long)count, (unsigned long long)left);
	while (h->indefinite || n < count * per) {
		struct cbor_node *child;
		int r = read_item(p, depth + 1, h->indefinite && n % per == 0, &child);

		if (r < 0)
			return r;
		if (!child)
			break;
		*tail = child;
		tail = (const struct cbor_node **)&child->next;
		n++;
	}
	node->n = n / per;
	return h->kind == CBOR_MAP ? check_keys(p, node) : 0;
}

/* *ret is NULL when there was a break and end_allowed. */
static int read_item(struct parser *p, unsigned depth, bool end_allowed, struct cbor_node **ret)
{
	size_t start = p->pos;
	struct head h;
	int r = next_head(p, &h);

	*ret = NULL;
	if (r < 0)
		return r;
	if (h.end)
		return end_allowed ? 0 : fault(p, start, "a break where none can be");
	if (depth == CBOR_MAX_DEPTH || p->n_nodes == CBOR_MAX_NODES)
		return err_set(p->e, PCRCAST_ELIMIT, p->offset + start,
			       "CBOR: more than %d levels or %d items", CBOR_MAX_DEPTH, CBOR_MAX_NODES);
	struct cbor_node *node = pool_new(p->pool, struct cbor_node);
	if (!node)
		return err_nomem(p->e);
	p->n_nodes++;
	*node = (struct cbor_node){
		.kind = h.kind, .number = h.number, .bytes = h.bytes, .offset = p->offset + start
	};
	if (h.kind == CBOR_ARRAY || h.kind == CBOR_MAP || h.kind == CBOR_TAG)
		r = read_children(p, depth, &h, node);
	else if (h.indefinite)
		r = join_chunks(p, h.kind, &node->bytes);
	else if (h.kind == CBOR_TEXT && !utf8_valid(h.bytes))
		r = fault(p, start, "text is not UTF-8");
	node->raw = (struct slice){ p->in.p + start, p->pos - start };
	*ret = node;
	return r;
}

int cbor_read(struct pool *pool, struct slice bytes, uint64_t offset, const struct cbor_node **ret,
	      struct pcrcast_error *e)
{
	struct parser p = { .pool = pool, .in = bytes, .offset = offset, .e = e };
	struct cbor_node *node;

	if (bytes.n > CBOR_MAX)
		return err_set(e, PCRCAST_ELIMIT, offset, "CBOR of %zu bytes, at most %d handled", bytes.n,
			       CBOR_MAX);
	int r = read_item(&p, 0, false, &node);
	if (r < 0)
		return r;
	if (p.pos != bytes.n)
		return err_set(e, PCRCAST_EFORMAT, offset + p.pos, "%zu bytes follow the CBOR item",
			       bytes.n - p.pos);
	*ret = node;
	return 0;
}

const struct cbor_node *cbor_get(const struct cbor_node *map, uint64_t key)
{
	if (!cbor_is(map, CBOR_MAP))
		return NULL;
	for (const struct cbor_node *k = map->first; k; k = k->next->next)
		if (k->kind == CBOR_UNSIGNED && k->number == key)
			return k->next;
	return NULL;
}

const struct cbor_node *cbor_untag(const struct cbor_node *node, uint64_t tag)
{
	return cbor_is(node, CBOR_TAG) && node->number == tag ? node->first : NULL;
}

bool cbor_string(struct pool *pool, const struct cbor_node *node, const char **ret)
{
	if (!cbor_is(node, CBOR_TEXT) || memchr(node->bytes.p, 0, node->bytes.n))
		return false;
	char *text = pool_text(pool, (const char *)node->bytes.p, node->bytes.n);
	if (!text)
		return false;
	*ret = text;
	return true;
}
