#define _GNU_SOURCE
#include "base/source.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

struct source {
	const struct source_ops *ops;
	void *ctx;
	uint64_t size;
	char *name;
};

int source_new(const struct source_ops *ops, void *ctx, uint64_t size, const char *name, struct source **ret,
	       struct pcrcast_error *e)
{
	struct source *s = calloc(1, sizeof *s);
	char *copy = strdup(name);

	if (!s || !copy) {
		free(s);
		free(copy);
		if (ops->close)
			ops->close(ctx);
		return err_nomem(e);
	}
	*s = (struct source){ .ops = ops, .ctx = ctx, .size = size, .name = copy };
	*ret = s;
	return 0;
}

void source_close(struct source *s)
{
	if (!s)
		return;
	if (s->ops->close)
		s->ops->close(s->ctx);
	free(s->name);
	free(s);
}

uint64_t source_size(const struct source *s)
{
	return s->size;
}

const char *source_name(const struct source *s)
{
	return s->name;
}

int source_read(struct source *s, uint64_t off, void *buf, size_t n, struct pcrcast_error *e)
{
	if (off > s->size || n > s->size - off)
		return err_set(e, PCRCAST_ETRUNC, off, "%s: %zu bytes wanted, the file ends at %llu", s->name,
			       n, (unsigned long long)s->size);
	int r = s->ops->read(s->ctx, off, buf, n, e);
	return r < 0 ? err_wrap(e, "%s", s->name) : 0;
}

int source_check(struct source *s, struct pcrcast_error *e)
{
	int r = s->ops->check ? s->ops->check(s->ctx, e) : 0;

	return r < 0 ? err_wrap(e, "%s", s->name) : 0;
}

/* ---- files ---- */

struct file {
	int fd;
	struct stat opened;
};

static int file_read(void *ctx, uint64_t off, void *buf, size_t n, struct pcrcast_error *e)
{
	struct file *f = ctx;
	uint8_t *p = buf;

	while (n > 0) {
		ssize_t got = pread(f->fd, p, n, (off_t)off);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(e, PCRCAST_EIO, off, "cannot read: %s", strerror(errno));
		if (got == 0)
			return err_set(e, PCRCAST_EIO, off, "the file was cut short while it was read");
		p += got;
		off += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

static int file_check(void *ctx, struct pcrcast_error *e)
{
	struct file *f = ctx;
	struct stat now;

	if (fstat(f->fd, &now) < 0)
		return err_set(e, PCRCAST_EIO, PCRCAST_NO_OFFSET, "cannot stat: %s", strerror(errno));
	/* The time of the last change of the inode cannot be set back, as that of the content can. */
	if (now.st_size != f->opened.st_size || now.st_mtim.tv_sec != f->opened.st_mtim.tv_sec ||
	    now.st_mtim.tv_nsec != f->opened.st_mtim.tv_nsec ||
	    now.st_ctim.tv_sec != f->opened.st_ctim.tv_sec ||
	    now.st_ctim.tv_nsec != f->opened.st_ctim.tv_nsec)
		return err_set(e, PCRCAST_EIO, PCRCAST_NO_OFFSET, "the file was changed while it was read");
	return 0;
}

static void file_close(void *ctx)
{
	struct file *f = ctx;

	(void)close(f->fd);
	free(f);
}

static const struct source_ops file_ops = { file_read, file_check, file_close };

static const char *file_kind(mode_t mode)
{
	return S_ISDIR(mode)  ? "a directory" :
	       S_ISCHR(mode)  ? "a character device" :
	       S_ISFIFO(mode) ? "a pipe" :
	       S_ISSOCK(mode) ? "a socket" :
				"not a file";
}

int source_open_file_at(int dirfd, const char *name, const char *shown, struct source **ret,
			struct pcrcast_error *e)
{
	/* O_NONBLOCK: opening a pipe must not wait for somebody to write into it. */
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return err_set(e, errno == ENOENT ? PCRCAST_ENOTFOUND : PCRCAST_EIO, PCRCAST_NO_OFFSET,
			       "%s: cannot open: %s", shown, strerror(errno));

	struct file *f = calloc(1, sizeof *f);
	if (!f) {
		(void)close(fd);
		return err_nomem(e);
	}
	f->fd = fd;

	uint64_t size = 0;
	if (fstat(fd, &f->opened) < 0) {
		int err = errno;

		file_close(f);
		return err_set(e, PCRCAST_EIO, PCRCAST_NO_OFFSET, "%s: cannot stat: %s", shown,
			       strerror(err));
	}
	if (S_ISREG(f->opened.st_mode)) {
		size = (uint64_t)f->opened.st_size;
	} else if (!S_ISBLK(f->opened.st_mode) || ioctl(fd, BLKGETSIZE64, &size) < 0) {
		const char *kind = file_kind(f->opened.st_mode);

		file_close(f);
		return err_set(e, PCRCAST_EIO, PCRCAST_NO_OFFSET, "%s: expected a file, found %s", shown,
			       kind);
	}
	return source_new(&file_ops, f, size, shown, ret, e);
}

int source_open_file(const char *path, struct source **ret, struct pcrcast_error *e)
{
	return source_open_file_at(AT_FDCWD, path, path, ret, e);
}

/* ---- bytes ---- */

struct bytes {
	struct slice s;
	uint8_t *owned; /* NULL when the bytes are somebody else's */
};

static int bytes_read(void *ctx, uint64_t off, void *buf, size_t n, struct pcrcast_error *e)
{
	(void)e;
	if (n)
		memcpy(buf, ((struct bytes *)ctx)->s.p + off, n);
	return 0;
}

static void bytes_close(void *ctx)
{
	free(((struct bytes *)ctx)->owned);
	free(ctx);
}

static const struct source_ops bytes_ops = { bytes_read, NULL, bytes_close };

static int bytes_new(struct slice s, uint8_t *owned, const char *name, struct source **ret,
		     struct pcrcast_error *e)
{
	struct bytes *b = malloc(sizeof *b);

	if (!b) {
		free(owned);
		return err_nomem(e);
	}
	*b = (struct bytes){ s, owned };
	return source_new(&bytes_ops, b, s.n, name, ret,
			  e); /* NOLINT(clang-analyzer-unix.Malloc): the source frees b */
}

int source_over_bytes(struct slice bytes, const char *name, struct source **ret, struct pcrcast_error *e)
{
	return bytes_new(bytes, NULL, name, ret, e);
}

int source_read_stream(int fd, const char *name, uint64_t limit, struct source **ret, struct pcrcast_error *e)
{
	uint8_t *buf = NULL;
	size_t n = 0, cap = 0;

	for (;;) {
		if (n == cap) {
			size_t more = cap ? cap : 65536;
			uint8_t *bigger = cap > SIZE_MAX / 2 ? NULL : realloc(buf, cap + more);

			if (!bigger) {
				free(buf);
				return err_nomem(e);
			}
			buf = bigger;
			cap += more;
		}
		ssize_t got = read(fd, buf + n, cap - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int err = errno;

			free(buf);
			return err_set(e, PCRCAST_EIO, n, "%s: cannot read: %s", name, strerror(err));
		}
		if (got == 0)
			break;
		n += (size_t)got;
		if (n > limit) {
			free(buf);
			return err_set(e, PCRCAST_ELIMIT, limit,
				       "%s: more than the %llu bytes that are read from a stream", name,
				       (unsigned long long)limit);
		}
	}
	return bytes_new((struct slice){ buf, n }, buf, name, ret, e);
}
