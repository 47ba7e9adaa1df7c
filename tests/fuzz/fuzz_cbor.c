/* Read CBOR; what was read is written in the shortest form, which must read as the same tree and be written as the same bytes. */
#include <stddef.h>
#include <stdint.h>

#include "base/cbor.h"
#include "tests/fuzz/fuzz.h"

static void rewrite(struct cbor_writer *w, const struct cbor_node *node, unsigned depth)
{
	size_t n = 0;

	CHECK(depth < CBOR_MAX_DEPTH);
	switch (node->kind) {
	case CBOR_UNSIGNED:
		cbor_put_unsigned(w, node->number);
		return;
	case CBOR_BYTES:
		cbor_put_bytes(w, node->bytes);
		return;
	case CBOR_ARRAY:
		cbor_put_array(w, node->n);
		break;
	case CBOR_MAP:
		cbor_put_map(w, node->n);
		break;
	case CBOR_TAG:
		cbor_put_tag(w, node->number);
		break;
	default:
		cbor_put_raw(w, node->raw);
		return;
	}
	for (const struct cbor_node *c = node->first; c; c = c->next, n++) {
		CHECK(c->raw.p >= node->raw.p && c->raw.p + c->raw.n <= node->raw.p + node->raw.n);
		CHECK(c->offset == node->offset + (uint64_t)(c->raw.p - node->raw.p));
		rewrite(w, c, depth + 1);
	}
	CHECK(n == (node->kind == CBOR_MAP ? 2 * node->n : node->n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice bytes = n ? (struct slice){ data, n } : SLICE_EMPTY;
	const struct cbor_node *node, *again;
	struct pool pool = POOL_INIT;
	struct pcrcast_error e = { .msg = "" };

	if (cbor_read(&pool, bytes, 0, &node, &e) == 0) {
		struct cbor_writer a = CBOR_WRITER(&pool), b = CBOR_WRITER(&pool);

		CHECK(node->raw.n == n);
		rewrite(&a, node, 0);
		CHECK(!a.failed && cbor_read(&pool, cbor_written(&a), 0, &again, &e) == 0);
		rewrite(&b, again, 0);
		CHECK(slice_equal(cbor_written(&a), cbor_written(&b)));
	} else {
		CHECK(e.msg[0] != '\0' && e.offset <= n);
	}
	pool_done(&pool);
	return 0;
}
