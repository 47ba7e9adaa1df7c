/*
 * Trees over files of this machine: a directory as the root of an ESP, and a single file.
 */
#define _GNU_SOURCE
#include "predict/tree_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "predict/extra_dir.h"

/*
 * The names that a tree over a single file shows at its root: the file, and its companion directory with and
 * without the boot counter, for which of the two counts depends on the stub's version.
 */
struct shown_names {
	const char *file;
	const char *extra[2];
};

struct host_tree {
	int fd;                         /* the directory; -1 until open */
	const struct shown_names *only; /* NULL: everything */
	struct source **sources;        /* of files opened so far */
	size_t n, cap;
};

/* A node's path as the system call wants it, relative to the root. */
static char *host_path(struct tree *t, struct tree_node *node)
{
	if (!node->parent)
		return pool_text(&t->pool, ".", 1);
	if (!node->parent->parent)
		return pool_printf(&t->pool, "./%s", node->entry.name);
	char *above = host_path(t, node->parent);
	return above ? pool_printf(&t->pool, "%s/%s", above, node->entry.name) : NULL;
}

static bool is_shown(const struct host_tree *h, const struct tree_node *dir, const char *name, bool is_dir)
{
	if (!h->only || dir->parent)
		return true;
	if (!is_dir)
		return strcmp(name, h->only->file) == 0;
	return tree_name_equal(name, h->only->extra[0]) || tree_name_equal(name, h->only->extra[1]);
}

static int add_entry(struct tree *t, struct tree_node *dir, struct tree_dir *ret, int fd, const char *name,
		     struct pcrcast_error *e)
{
	struct host_tree *h = t->ctx;
	struct stat st;

	/*
	 * What cannot be looked at (a link to nowhere) stands in the list as an empty file: opening it fails,
	 * whereas leaving it out would say that it is not there.
	 */
	if (fstatat(fd, name, &st, 0) < 0)
		st = (struct stat){ .st_mode = S_IFREG };
	if (!is_shown(h, dir, name, S_ISDIR(st.st_mode)))
		return 0;

	const char *copy = pool_text(&t->pool, name, strlen(name));
	if (!copy)
		return err_nomem(e);
	struct tree_node *node;
	int r = tree_add(t, dir, ret, copy, &node, e);
	if (r < 0)
		return r;
	node->entry.is_dir = S_ISDIR(st.st_mode);
	node->entry.size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	return 0;
}

static int host_read_dir(struct tree *t, struct tree_node *dir, struct tree_dir *ret, struct pcrcast_error *e)
{
	struct host_tree *h = t->ctx;
	char *path = host_path(t, dir);
	int r = 0;

	if (!path)
		return err_nomem(e);
	int fd = openat(h->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		int err = errno;

		if (fd >= 0)
			(void)close(fd);
		return err_set(e, PCRCAST_EIO, PCRCAST_NO_OFFSET, "cannot open: %s", strerror(err));
	}
	while (r == 0) {
		errno = 0;
		struct dirent *entry = readdir(d); /* safe: no other thread uses d */
		if (!entry) {
			if (errno)
				r = err_set(e, PCRCAST_EIO, PCRCAST_NO_OFFSET, "cannot read: %s",
					    strerror(errno));
			break;
		}
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = add_entry(t, dir, ret, dirfd(d), entry->d_name, e);
	}
	(void)closedir(d);
	return r;
}

static int host_open(struct tree *t, struct tree_node *file, struct blob *ret, struct pcrcast_error *e)
{
	struct host_tree *h = t->ctx;
	char *path = host_path(t, file);
	struct source *s, **slot;

	if (!path)
		return err_nomem(e);
	int r = source_open_file_at(h->fd, path, file->entry.name, &s, e);
	/* A link to nowhere, or removed since the directory was read: that is not "no such file". */
	if (r == -PCRCAST_ENOTFOUND)
		return err_set(e, PCRCAST_EIO, PCRCAST_NO_OFFSET,
			       "listed in its directory, but cannot be opened");
	if (r < 0)
		return r;
	slot = pool_push(&t->pool, &h->sources, &h->n, &h->cap, sizeof(struct source *));
	if (!slot) {
		source_close(s);
		return err_nomem(e);
	}
	*slot = s;
	return blob_of_source(&t->pool, s, ret, e);
}

static int host_check(struct tree *t, struct pcrcast_error *e)
{
	struct host_tree *h = t->ctx;

	for (size_t i = 0; i < h->n; i++) {
		int r = source_check(h->sources[i], e);

		if (r < 0)
			return err_wrap(e, "%s", t->shown);
	}
	return 0;
}

static void host_close(struct tree *t)
{
	struct host_tree *h = t->ctx;

	for (size_t i = 0; i < h->n; i++)
		source_close(h->sources[i]);
	if (h->fd >= 0)
		(void)close(h->fd);
}

static const struct tree_ops host_ops = {
	.read_dir = host_read_dir,
	.open = host_open,
	.check = host_check,
	.close = host_close,
};

int tree_open_directory(const char *path, struct tree **ret, struct pcrcast_error *e)
{
	struct tree *t;
	int r = tree_new(&host_ops, path, sizeof(struct host_tree), &t, e);

	if (r < 0)
		return r;
	struct host_tree *h = t->ctx;
	h->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (h->fd < 0) {
		r = err_set(e, errno == ENOENT ? PCRCAST_ENOTFOUND : PCRCAST_EIO, PCRCAST_NO_OFFSET,
			    "%s: cannot open: %s", path, strerror(errno));
		tree_free(t);
		return r;
	}
	*ret = t;
	return 0;
}

/* Split path into directory and file name; both live in the pool. */
static int split_path(struct pool *pool, const char *path, const char **ret_dir, const char **ret_name,
		      struct pcrcast_error *e)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	*ret_name = pool_text(pool, name, strlen(name));
	*ret_dir = !slash ? "." : slash == path ? "/" : pool_text(pool, path, (size_t)(slash - path));
	return *ret_dir && *ret_name ? 0 : err_nomem(e);
}

int tree_open_single(const char *path, struct tree **ret, struct pcrcast_error *e)
{
	struct pool scratch = POOL_INIT;
	const char *dir, *name;
	struct tree *t = NULL;
	int r = split_path(&scratch, path, &dir, &name, e);

	if (r == 0 && strchr(name, '\\'))
		r = err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET, "%s: a name on FAT cannot hold a '\\'",
			    path);
	if (r == 0)
		r = tree_open_directory(dir, &t, e);
	if (r == 0) {
		struct host_tree *h = t->ctx;
		struct shown_names *only = pool_new(&t->pool, struct shown_names);

		t->shown = pool_text(&t->pool, dir, strlen(dir));
		if (only) {
			only->file = pool_text(&t->pool, name, strlen(name));
			only->extra[0] = extra_dir_of(&t->pool, name, false);
			only->extra[1] = extra_dir_of(&t->pool, name, true);
			h->only = only;
		}
		if (!t->shown || !only || !only->file || !only->extra[0] || !only->extra[1]) {
			tree_free(t);
			r = err_nomem(e);
		}
	}
	pool_done(&scratch);
	if (r == 0)
		*ret = t;
	return r;
}

/* ---- one file that is open already ---- */

struct source_tree {
	struct source *file;
	const char *name;
};

static int source_tree_read_dir(struct tree *t, struct tree_node *dir, struct tree_dir *ret,
				struct pcrcast_error *e)
{
	struct source_tree *s = t->ctx;
	struct tree_node *node;
	int r = tree_add(t, dir, ret, s->name, &node, e);

	if (r < 0)
		return r;
	node->entry.size = source_size(s->file);
	return 0;
}

static int source_tree_open(struct tree *t, struct tree_node *file, struct blob *ret, struct pcrcast_error *e)
{
	(void)file;
	return blob_of_source(&t->pool, ((struct source_tree *)t->ctx)->file, ret, e);
}

static int source_tree_check(struct tree *t, struct pcrcast_error *e)
{
	return source_check(((struct source_tree *)t->ctx)->file, e);
}

static void source_tree_close(struct tree *t)
{
	source_close(((struct source_tree *)t->ctx)->file);
}

static const struct tree_ops source_tree_ops = {
	.read_dir = source_tree_read_dir,
	.open = source_tree_open,
	.check = source_tree_check,
	.close = source_tree_close,
};

int tree_open_source(struct source *file, const char *name, struct tree **ret, struct pcrcast_error *e)
{
	struct tree *t;
	int r = tree_new(&source_tree_ops, source_name(file), sizeof(struct source_tree), &t, e);

	if (r < 0) {
		source_close(file);
		return r;
	}
	struct source_tree *s = t->ctx;
	s->file = file;
	s->name = pool_text(&t->pool, name, strlen(name));
	if (!s->name) {
		tree_free(t);
		return err_nomem(e);
	}
	*ret = t;
	return 0;
}
