#include "base/cbor.h"

#include <cbor.h>

enum { HEAD_MAX = 9 }; /* one byte and a number of 64 bits */

void cbor_put_raw(struct cbor_writer *w, struct slice items)
{
	if (w->failed || items.n > SIZE_MAX / 4 - w->n) {
		w->failed = true;
		return;
	}
	if (items.n > w->cap - w->n) {
		size_t cap = 2 * (w->n + items.n) + 64;
		uint8_t *bytes = pool_array(w->pool, cap, 1);

		if (!bytes) {
			w->failed = true;
			return;
		}
		if (w->n)
			memcpy(bytes, w->bytes, w->n);
		w->bytes = bytes;
		w->cap = cap;
	}
	if (items.n)
		memcpy(w->bytes + w->n, items.p, items.n);
	w->n += items.n;
}

void cbor_put_unsigned(struct cbor_writer *w, uint64_t value)
{
	uint8_t head[HEAD_MAX];

	cbor_put_raw(w, (struct slice){ head, cbor_encode_uint(value, head, sizeof head) });
}

void cbor_put_bytes(struct cbor_writer *w, struct slice bytes)
{
	uint8_t head[HEAD_MAX];

	cbor_put_raw(w, (struct slice){ head, cbor_encode_bytestring_start(bytes.n, head, sizeof head) });
	cbor_put_raw(w, bytes);
}

void cbor_put_text(struct cbor_writer *w, const char *text)
{
	struct slice bytes = slice_of_string(text);
	uint8_t head[HEAD_MAX];

	cbor_put_raw(w, (struct slice){ head, cbor_encode_string_start(bytes.n, head, sizeof head) });
	cbor_put_raw(w, bytes);
}

void cbor_put_array(struct cbor_writer *w, size_t n)
{
	uint8_t head[HEAD_MAX];

	cbor_put_raw(w, (struct slice){ head, cbor_encode_array_start(n, head, sizeof head) });
}

void cbor_put_map(struct cbor_writer *w, size_t n)
{
	uint8_t head[HEAD_MAX];

	cbor_put_raw(w, (struct slice){ head, cbor_encode_map_start(n, head, sizeof head) });
}

void cbor_put_tag(struct cbor_writer *w, uint64_t tag)
{
	uint8_t head[HEAD_MAX];

	cbor_put_raw(w, (struct slice){ head, cbor_encode_tag(tag, head, sizeof head) });
}

struct slice cbor_written(const struct cbor_writer *w)
{
	return w->n ? (struct slice){ w->bytes, w->n } : SLICE_EMPTY;
}
