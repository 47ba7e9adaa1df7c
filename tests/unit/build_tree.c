#include "tests/unit/build_tree.h"

#include <stdlib.h>
#include <string.h>

/* assert() for every build mode. */
static void need(bool ok)
{
	if (!ok)
		abort();
}

void memory_put(struct memory_files *f, const char *path, struct slice bytes)
{
	need(f->n < MEMORY_FILES_MAX);
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->items[i].path, path) == 0)
			return;
	f->items[f->n++] = (struct memory_file){ path, bytes };
}

static int memory_read_dir(struct tree *t, struct tree_node *dir, struct tree_dir *ret,
			   struct pcrcast_error *e)
{
	const struct memory_files *f = *(const struct memory_files **)t->ctx;
	const char *here = dir->parent ? tree_path_of(t, dir) : "";
	size_t n = strlen(here);

	for (size_t i = 0; i < f->n; i++) {
		const char *path = f->items[i].path, *name = path + n + 1;
		bool known = false;

		if (strncmp(path, here, n) != 0 || path[n] != '\\')
			continue;
		size_t len = strcspn(name, "\\");
		for (size_t k = 0; k < ret->n; k++)
			known |= strlen(ret->nodes[k].entry.name) == len &&
				 memcmp(ret->nodes[k].entry.name, name, len) == 0;
		if (known)
			continue;
		struct tree_node *node;
		char *copy = pool_text(&t->pool, name, len);
		need(copy);
		int r = tree_add(t, dir, ret, copy, &node, e);
		if (r < 0)
			return r;
		node->entry.is_dir = name[len] == '\\';
		node->entry.size = f->items[i].bytes.n;
	}
	return 0;
}

static int memory_open(struct tree *t, struct tree_node *file, struct blob *ret, struct pcrcast_error *e)
{
	const struct memory_files *f = *(const struct memory_files **)t->ctx;
	const char *path = tree_path_of(t, file);

	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->items[i].path, path) == 0)
			return blob_of_bytes(&t->pool, f->items[i].bytes, ret, e);
	need(false);
	return 0;
}

static const struct tree_ops memory_ops = { .read_dir = memory_read_dir,
					    .open = memory_open,
					    .in_disk_order = true };

struct tree *memory_tree(struct memory_files *f)
{
	struct tree *t;

	need(tree_new(&memory_ops, "memory", sizeof f, &t, NULL) == 0);
	*(struct memory_files **)t->ctx = f;
	return t;
}
