/*
 * File systems of GRUB's memory disk: squashfs, tar and cpio. All directories and files are read, as far as the limits of this
 * harness go.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "predict/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* assert() for every build mode. */
#define CHECK(x)                          \
	do {                              \
		if (!(x))                 \
			__builtin_trap(); \
	} while (0)

enum { DEPTH_MAX = 4, FILES_MAX = 60, READ_MAX = 1 << 20 };

static void read_all(struct tree *t, struct pool *pool, const char *dir, unsigned depth, unsigned *files)
{
	struct pcrcast_error e = { 0 };
	struct tree_list list;

	int r = tree_list_dir(t, dir, &list, &e);
	CHECK(r == 0 || ((int)e.code == -r && e.msg[0]));
	for (size_t i = 0; r == 0 && i < list.n && ++*files < FILES_MAX; i++) {
		char *path = pool_printf(pool, "%s/%s", dir, list.entries[i].name);
		struct slice bytes;
		struct blob b;

		CHECK(path);
		if (list.entries[i].is_dir) {
			if (depth < DEPTH_MAX)
				read_all(t, pool, path, depth + 1, files);
			continue;
		}
		if (tree_open_file(t, path, &b, NULL, &e) == 0)
			CHECK(blob_load(pool, &b, READ_MAX, &bytes, NULL) < 0 || bytes.n == b.len);
		else
			CHECK(e.msg[0]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pool pool = POOL_INIT;
	struct pcrcast_error e;
	struct tree *t = NULL;
	unsigned files = 0;
	struct blob b;
	bool squashfs = size >= 4 && memcmp(data, "hsqs", 4) == 0;

	CHECK(blob_of_bytes(&pool, (struct slice){ size ? data : (const uint8_t *)"", size }, &b, NULL) == 0);
	int r = squashfs ? tree_open_squashfs(&b, "fuzz", &t, &e) : tree_open_archive(&b, "fuzz", &t, &e);
	if (r == 0)
		read_all(t, &pool, "", 0, &files);
	else
		CHECK((int)e.code == -r && e.msg[0]);
	tree_free(t);
	pool_done(&pool);
	return 0;
}
