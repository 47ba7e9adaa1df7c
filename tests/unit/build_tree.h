/*
 * A file system in memory, for tests and fuzzing.
 */
#pragma once

#include "predict/tree_impl.h"

struct memory_file {
	const char *path; /* '\' in front of each name */
	struct slice bytes;
};

enum { MEMORY_FILES_MAX = 40 };

/* A plain value: zeros are an empty one. */
struct memory_files {
	struct memory_file items[MEMORY_FILES_MAX];
	size_t n;
};

/* Add a file, unless there is one of that path. path and bytes must outlive the tree. */
void memory_put(struct memory_files *f, const char *path, struct slice bytes);

/* f must outlive the tree; its order is that of the disk. */
struct tree *memory_tree(struct memory_files *f);
