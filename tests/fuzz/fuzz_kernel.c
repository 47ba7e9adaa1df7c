/*
 * A kernel image from its format to its build id. What hides behind compression is also tried bare: the
 * bytes as a compressed stream, and as an ELF file.
 */
#include <stddef.h>
#include <stdint.h>

#include "tests/fuzz/fuzz.h"
#include "uki/decompress.h"
#include "uki/elf.h"
#include "uki/kernel.h"

enum { STREAM_LIMIT = 1 << 20 };

/* assert() for every build mode. */
static int count(void *ctx, struct slice bytes, struct pcrcast_error *e)
{
	uint64_t *total = ctx;

	(void)e;
	*total += bytes.n;
	return 0;
}

static void image(struct pool *pool, const struct blob *b)
{
	const char *id, *why;
	struct source *temp = NULL;
	struct pcrcast_error e;
	struct kernel k;

	if (kernel_identify(pool, b, &k, &temp, &e) < 0)
		return;
	(void)kernel_format_name(k.format);
	CHECK(k.zboot_nested == (temp != NULL));
	CHECK(!k.zboot_nested || k.format == KERNEL_ZBOOT);
	if (kernel_build_id(pool, b, &k, &id, &why, &e) == 0)
		CHECK((id == NULL) != (why == NULL));
	source_close(temp);
}

static void stream(const struct blob *b, struct slice bytes)
{
	enum compression c = compression_detect(bytes);
	uint64_t total = 0;
	struct pcrcast_error e;

	if (c == COMPRESSION_COUNT)
		return;
	CHECK(decompress(b, c, STREAM_LIMIT, count, &total, &e) <= 0);
	CHECK(total <= STREAM_LIMIT);
}

static void elf(struct pool *pool, struct slice bytes)
{
	const char *id, *why;
	struct pcrcast_error e;

	(void)elf_len(bytes);
	if (elf_build_id(pool, bytes, &id, &why, &e) == 0)
		CHECK((id == NULL) != (why == NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice bytes = n ? (struct slice){ data, n } : SLICE_EMPTY;
	struct pool pool = POOL_INIT;
	struct blob b;

	if (blob_of_bytes(&pool, bytes, &b, NULL) == 0) {
		image(&pool, &b);
		stream(&b, bytes);
		elf(&pool, bytes);
	}
	pool_done(&pool);
	return 0;
}
