/*
 * What kinds of trees have in common, for tree.c and the files that implement one kind each.
 *
 * Directories are read when they are first looked into and kept. A node belongs to its directory, which
 * belongs to the tree's pool.
 */
#pragma once

#include "predict/tree.h"

enum {
	/*
	 * Names in one tree. A FAT directory holds at most 65536 entries (2 MiB of 32 bytes), an ESP a few
	 * hundred; the limit keeps a hostile file system from filling memory with names.
	 */
	TREE_MAX_NODES = 65536,
};

struct tree_dir;

struct tree_node {
	struct tree_entry entry;
	const char *alias;          /* the 8.3 name when that is another name, upper case; else NULL */
	struct tree_node *parent;   /* NULL for the root */
	struct tree_dir *dir;       /* what a directory holds; NULL until it was read */
	const struct blob *content; /* of a file; NULL until it was opened */
	const char *path;           /* from the root, '\' in front of each name; NULL until asked for */
	bool removed;               /* by tree_remove */
	uint64_t place, entry_off;  /* the kind's own: FAT: first cluster, offset of the directory entry */
};

/* A name, or an 8.3 alias, of an entry of a directory. */
struct tree_name {
	const char *name;
	struct tree_node *node;
};

struct tree_dir {
	struct tree_node *nodes; /* stay where they are once the directory is read */
	size_t n, cap;
	struct tree_name *index; /* by upper-cased name, for look-ups */
	size_t n_index;
	struct tree_list list; /* entries is NULL until asked for */
};

struct tree_ops {
	/* Add all that dir holds with tree_add, save "." and "..". */
	int (*read_dir)(struct tree *t, struct tree_node *dir, struct tree_dir *ret, struct pcrcast_error *e);
	int (*open)(struct tree *t, struct tree_node *file, struct blob *ret, struct pcrcast_error *e);
	int (*check)(struct tree *t, struct pcrcast_error *e); /* NULL: cannot change */
	void (*close)(struct tree *t);                         /* NULL: nothing but the pool to free */
	bool in_disk_order;                                    /* false: tree.c sorts what read_dir adds */
};

struct tree {
	const struct tree_ops *ops;
	struct pool pool;
	const char *shown; /* the tree's name in messages */
	const char *note;  /* what is odd about it; NULL: nothing */
	struct tree_node root;
	size_t n_nodes;
	struct source **replacements; /* files of tree_replace */
	size_t n_replacements, cap_replacements;
	void *ctx; /* the kind's own, in the pool */
};

/* A tree without content, to be completed by the kind that it is of. */
int tree_new(const struct tree_ops *ops, const char *shown, size_t ctx_size, struct tree **ret,
	     struct pcrcast_error *e);

/*
 * Add a name to a directory that is being read. name lives in the pool. *ret is valid until the next one
 * is added.
 */
int tree_add(struct tree *t, struct tree_node *parent, struct tree_dir *dir, const char *name,
	     struct tree_node **ret, struct pcrcast_error *e);

/* The path of a node, for messages and for the caller; NULL when memory gives out. */
const char *tree_path_of(struct tree *t, struct tree_node *node);
