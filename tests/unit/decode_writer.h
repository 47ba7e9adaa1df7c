/*
 * For the tests of event bodies: decoding from a block of the exact size, so that AddressSanitizer sees one byte too
 * far.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/efi/guid.h"
#include "eventlog/decode.h"
#include "tests/unit/byte_writer.h"

/* Without its NUL. */
static inline void put_utf16(struct bytes *b, const char *ascii)
{
	for (; *ascii; ascii++)
		put16(b, (uint8_t)*ascii);
}

static inline void put_guid(struct bytes *b, const char *text)
{
	struct guid g;

	assert_true(guid_parse(text, &g));
	put(b, g.bytes, sizeof g.bytes);
}

/* UEFI_VARIABLE_DATA */
static inline void put_variable(struct bytes *b, const char *guid, const char *name, const void *data,
				size_t n)
{
	put_guid(b, guid);
	put64(b, strlen(name));
	put64(b, n);
	put_utf16(b, name);
	put(b, data, n);
}

#define GLOBAL_GUID "8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define SECURITY_GUID "d719b2cb-3d3a-4596-a3bc-dad00e67656f"
#define SHIM_GUID "605dab50-e046-4300-abb6-3dd810dd8b23"

/* PciRoot(0x0)/Pci(0x1,0x2)/\EFI\a.efi: UEFI 2.10, sections 10.3.3.1, 10.3.2.1 and 10.3.5.4 */
static inline void put_path(struct bytes *b)
{
	put_hex(b, "02010c00d041030a00000000"
		   "010106000201"
		   "04041c00");
	put_utf16(b, "\\EFI\\a.efi");
	put_hex(b, "00000000"
		   "7fff0400");
}

/* ---- decoding ---- */

struct decoding {
	uint8_t *block;
	struct pool pool;
	struct eventlog log;
	struct event ev;
	struct decoded d;
};

static inline void decode_as(struct decoding *x, struct event ev, const void *p, size_t n)
{
	static const uint8_t no_digests[1];

	*x = (struct decoding){
		.block = malloc(n ? n : 1), .pool = POOL_INIT, .log = EVENTLOG_INIT, .ev = ev
	};
	assert_non_null(x->block);
	if (n)
		memcpy(x->block, p, n);
	x->ev.data = (struct slice){ x->block, n };
	if (!x->ev.digests.p)
		x->ev.digests = (struct slice){ no_digests, 0 };
	x->log.algs[0] = (struct eventlog_alg){ 0x000b, 32 };
	x->log.n_algs = 1;
	assert_int_equal(event_decode(&x->pool, &x->log, &x->ev, &x->d, NULL), 0);
	assert_non_null(x->d.summary);
	if (x->d.rest.n)
		assert_true(x->d.trouble != NULL && x->d.rest.n <= n);
}

static inline void decoding_done(struct decoding *x)
{
	pool_done(&x->pool);
	free(x->block);
}

static inline void decode(struct decoding *x, uint32_t type, uint32_t pcr, const struct bytes *b)
{
	decode_as(x, (struct event){ .type = type, .pcr = pcr }, b->p, b->n);
}

/* Every shorter body decodes too, and says what is missing unless less is a form of its own. */
static inline void try_truncations(struct event ev, const struct bytes *b, bool expect_trouble)
{
	for (size_t n = 0; n < b->n; n++) {
		struct decoding x;

		decode_as(&x, ev, b->p, n);
		if (expect_trouble && n)
			assert_non_null(x.d.trouble);
		decoding_done(&x);
	}
}

/* A field by its path, "loadOption/description" or "partitions/0/partitionName". */
static inline const struct field *at(const struct decoding *x, const char *path)
{
	const struct field *f = &x->d.root;

	while (*path) {
		char name[64];
		size_t n = strcspn(path, "/");

		assert_true(n < sizeof name);
		memcpy(name, path, n);
		name[n] = '\0';
		if (f->kind == FIELD_LIST) {
			size_t i = strtoul(name, NULL, 10);

			assert_true(i < f->n);
			f = &f->children[i];
		} else {
			f = field_find(f, name);
		}
		if (!f)
			fail_msg("no field %s", path);
		path += n + (path[n] == '/');
	}
	return f;
}

#define assert_text(x, path, s) assert_string_equal(at((x), (path))->text, (s))
#define assert_number(x, path, v) assert_int_equal(at((x), (path))->number, (v))
#define assert_bytes(x, path, want, len)                                      \
	do {                                                                  \
		assert_int_equal(at((x), (path))->bytes.n, (len));            \
		assert_memory_equal(at((x), (path))->bytes.p, (want), (len)); \
	} while (0)
#define assert_summary(x, s) assert_string_equal((x)->d.summary, (s))
