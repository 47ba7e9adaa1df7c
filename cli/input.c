#define _GNU_SOURCE
#include "cli/input.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	FIRST_CHUNK = 1 << 18, /* bytes to start with when the size is not known: more than most logs have */
	FILES_MAX = 4096,      /* of a directory; systemd's components are some dozens */
};

/* Everything that a descriptor gives. hint: its size if that is known. */
static int read_all(int fd, size_t hint, size_t limit, struct file_bytes *in, struct pcrcast_error *e)
{
	size_t cap = 0;

	for (;;) {
		if (in->n == cap) {
			/* one byte more than the hint: the read that finds the end of the file needs room */
			size_t more = cap ? cap : hint ? hint + 1 : FIRST_CHUNK;
			uint8_t *bigger =
				realloc(in->bytes, cap + more); /* cap stays below twice the limit */

			if (!bigger)
				return err_nomem(e);
			in->bytes = bigger;
			cap += more;
		}
		ssize_t got = read(fd, in->bytes + in->n, cap - in->n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(e, PCRCAST_EIO, in->n, "cannot read: %s", strerror(errno));
		if (got == 0)
			return 0;
		in->n += (size_t)got;
		if (in->n > limit)
			return err_set(e, PCRCAST_ELIMIT, limit,
				       "more than the %zu MiB that are read of such a file", limit >> 20);
	}
}

/* fd is closed. */
static int read_and_close(int fd, size_t limit, struct file_bytes *ret, struct pcrcast_error *e)
{
	struct stat st;

	if (fd < 0)
		return err_set(e, PCRCAST_EIO, PCRCAST_NO_OFFSET, "cannot open: %s", strerror(errno));
	/* securityfs states 0 bytes; a size beyond the limit is no reason to allocate it */
	bool sized =
		fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && (uint64_t)st.st_size <= limit;
	int r = read_all(fd, sized ? (size_t)st.st_size : 0, limit, ret, e);
	(void)close(fd);
	return r;
}

int input_read_bytes(const char *path, size_t limit, struct file_bytes *ret, struct pcrcast_error *e)
{
	*ret = (struct file_bytes){ 0 };
	if (strcmp(path, "-") == 0)
		return read_all(STDIN_FILENO, 0, limit, ret, e);
	return read_and_close(open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), limit, ret, e);
}

void input_forget(struct file_bytes *f)
{
	if (f->bytes)
		explicit_bzero(f->bytes, f->n);
	free(f->bytes);
	*f = (struct file_bytes){ 0 };
}

/* Move what was read into pool. */
static int into_pool(struct pool *pool, struct file_bytes *in, int r, struct slice *ret,
		     struct pcrcast_error *e)
{
	void *copy = r == 0 ? pool_copy(pool, in->n ? (const void *)in->bytes : "", in->n) : NULL;

	if (r == 0 && !copy)
		r = err_nomem(e);
	if (r == 0)
		*ret = (struct slice){ copy, in->n };
	free(in->bytes);
	return r;
}

int input_read(struct pool *pool, const char *path, size_t limit, struct slice *ret, struct pcrcast_error *e)
{
	struct file_bytes in;
	int r = input_read_bytes(path, limit, &in, e);

	return into_pool(pool, &in, r, ret, e);
}

/* ---- directories ---- */

struct walk {
	struct pool *pool;
	struct golden_file *files;
	size_t n, cap;
	size_t left; /* bytes that may still be read */
	struct pcrcast_error *e;
};

static int take_file(struct walk *w, int dirfd, const char *entry, const char *name)
{
	struct file_bytes in = { 0 };
	struct golden_file *f = pool_push(w->pool, &w->files, &w->n, &w->cap, sizeof *f);

	if (!f)
		return err_nomem(w->e);
	if (w->n > FILES_MAX)
		return err_set(w->e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET, "more than %d files in the directory",
			       FILES_MAX);
	f->name = name;
	int r = read_and_close(openat(dirfd, entry, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), w->left,
			       &in, w->e);
	r = into_pool(w->pool, &in, r, &f->bytes, w->e);
	if (r < 0)
		return err_wrap(w->e, "%s", name);
	w->left -= f->bytes.n;
	return 0;
}

static int walk_directory(struct walk *w, int dirfd, const char *prefix, bool deeper);

static int take_entry(struct walk *w, int dirfd, const char *entry, const char *prefix, bool deeper)
{
	const char *name = pool_printf(w->pool, "%s%s", prefix, entry);
	struct stat st;

	if (!name)
		return err_nomem(w->e);
	if (fstatat(dirfd, entry, &st, 0) < 0)
		return 0; /* a link to nothing */
	if (S_ISREG(st.st_mode))
		return take_file(w, dirfd, entry, name);
	if (!S_ISDIR(st.st_mode) || !deeper)
		return 0;
	const char *below = pool_printf(w->pool, "%s/", name);
	return below ? walk_directory(w, openat(dirfd, entry, O_RDONLY | O_DIRECTORY | O_CLOEXEC), below,
				      false) :
		       err_nomem(w->e);
}

/* dirfd is closed. */
static int walk_directory(struct walk *w, int dirfd, const char *prefix, bool deeper)
{
	DIR *d = dirfd < 0 ? NULL : fdopendir(dirfd);
	const struct dirent *entry;
	int r = 0;

	if (!d) {
		r = err_set(w->e, PCRCAST_EIO, PCRCAST_NO_OFFSET, "cannot open directory: %s",
			    strerror(errno));
		if (dirfd >= 0)
			(void)close(dirfd);
		return r;
	}
	while (r == 0 && (entry = readdir(d)))
		if (entry->d_name[0] != '.')
			r = take_entry(w, dirfd, entry->d_name, prefix, deeper);
	(void)closedir(d);
	return r;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct golden_file *)a)->name, ((const struct golden_file *)b)->name);
}

int input_read_directory(struct pool *pool, const char *path, size_t limit, struct golden_file **ret,
			 size_t *ret_n, struct pcrcast_error *e)
{
	struct walk w = { .pool = pool, .left = limit, .e = e };
	int r = walk_directory(&w, open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), "", true);

	if (r < 0)
		return r;
	if (w.n)
		qsort(w.files, w.n, sizeof *w.files, compare_names);
	*ret = w.files;
	*ret_n = w.n;
	return 0;
}
