#include "predict/cpio.h"

#include <inttypes.h>

/*
 * A constant in systemd, upper-case digit included: mode, owners and times 0, one link, name "TRAILER!!!".
 */
static const char trailer[] = "070701"
			      "00000000"
			      "00000000"
			      "00000000"
			      "00000000"
			      "00000001"
			      "00000000"
			      "00000000"
			      "00000000"
			      "00000000"
			      "00000000"
			      "00000000"
			      "0000000B"
			      "00000000"
			      "TRAILER!!!\0\0\0";

struct cpio cpio_begin(struct pool *pool, uint32_t first_inode)
{
	return (struct cpio){ .out = BLOB_BUILDER(pool), .pool = pool, .inode = first_inode };
}

/* Header and name, padded so that what follows begins at a multiple of 4 of the archive. */
static int add_header(struct cpio *c, const char *name, uint32_t mode, uint32_t size, struct pcrcast_error *e)
{
	size_t name_len = strlen(name) + 1;
	char *header = pool_printf(c->pool,
				   "070701%08" PRIx32 "%08" PRIx32 "%08x%08x%08x%08x%08" PRIx32
				   "%08x%08x%08x%08x%08zx%08x%s",
				   c->inode++, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name_len, 0, name);

	if (!header)
		return err_nomem(e);
	blob_add_bytes(&c->out, (struct slice){ (const uint8_t *)header, strlen(header) });
	blob_add_zeros(&c->out, 1 + (4 - (c->out.len + 1) % 4) % 4);
	return 0;
}

int cpio_add_dirs(struct cpio *c, const char *dir, uint32_t mode, struct pcrcast_error *e)
{
	enum { S_DIR = 0040000, PARENT = 0555 };

	for (const char *p = dir; (p = strchr(p, '/')); p++) {
		char *parent = pool_text(c->pool, dir, (size_t)(p - dir));
		int r = parent ? add_header(c, parent, S_DIR | PARENT, 0, e) : err_nomem(e);

		if (r < 0)
			return r;
	}
	return add_header(c, dir, S_DIR | mode, 0, e);
}

int cpio_add_file(struct cpio *c, const char *dir, const char *name, uint32_t mode,
		  const struct blob *content, struct pcrcast_error *e)
{
	enum { S_FILE = 0100000 };

	if (content->len > UINT32_MAX)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "%s: %" PRIu64 " bytes, a cpio archive holds files below 4 GiB", name,
			       content->len);
	char *path = pool_printf(c->pool, "%s/%s", dir, name);
	int r = path ? add_header(c, path, S_FILE | mode, (uint32_t)content->len, e) : err_nomem(e);
	if (r < 0)
		return r;
	blob_add(&c->out, content);
	blob_add_zeros(&c->out, (4 - c->out.len % 4) % 4);
	return 0;
}

int cpio_end(struct cpio *c, struct blob *ret, struct pcrcast_error *e)
{
	blob_add_bytes(&c->out, (struct slice){ (const uint8_t *)trailer, sizeof trailer });
	return blob_build(&c->out, ret, e);
}
