/*
 * VMDK: VMware, Virtual Disk Format 5.0, read by libvmdk. The library gets its bytes from our sources through
 * libbfio and opens no file of its own: left to itself it would open what the descriptor names, which for an
 * image that was renamed is the file that has its old name now.
 */
#define _GNU_SOURCE
#include "predict/container_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(HAVE_LIBVMDK) && defined(HAVE_LIBBFIO)

#include <libbfio.h>
#include <libvmdk.h>

enum {
	SECTOR = 512,
	HEADER_LEN = 512,
	FLAG_ZEROED_GRAIN = 1 << 2,
	DESCRIPTOR_MAX = 65536, /* bytes; usual ones have less than 2 KiB */
	GRAIN_MAX = 2048,       /* sectors; the usual grain has 128 */
	/* The library holds the grain directory in memory: this is 2 TiB of the usual 32 MiB per entry. */
	DIRECTORY_MAX = 65536,
	EXTENTS_MAX = 256, /* each is an open file; with 2 GiB each, 512 GiB in all */
	NAME_LEN_MAX = 255,
};

struct vmdk {
	struct source *file;
	struct source **extents; /* named by a descriptor; n of them */
	int n;
	libbfio_handle_t *io;
	libbfio_pool_t *pool;
	libvmdk_handle_t *disk;
	pthread_mutex_t lock; /* guards disk */
};

/* ---- a source as the library wants to see it ---- */

struct io {
	struct source *s; /* somebody else closes it */
	uint64_t pos;
};

static struct io *io_of(intptr_t *p)
{
	return (struct io *)(void *)p;
}

static int io_free(intptr_t **io, libbfio_error_t **error)
{
	(void)error;
	free(*io);
	*io = NULL;
	return 1;
}

static int io_clone(intptr_t **ret, intptr_t *io, libbfio_error_t **error)
{
	struct io *copy = malloc(sizeof *copy);

	(void)error;
	if (!copy)
		return -1;
	*copy = *io_of(io);
	*ret = (intptr_t *)(void *)copy;
	return 1;
}

static int io_open(intptr_t *io, int flags, libbfio_error_t **error)
{
	(void)error;
	if (flags & LIBBFIO_ACCESS_FLAG_WRITE)
		return -1;
	io_of(io)->pos = 0;
	return 1;
}

static int io_close(intptr_t *io, libbfio_error_t **error)
{
	(void)io;
	(void)error;
	return 0;
}

static ssize_t io_read(intptr_t *io, uint8_t *buf, size_t n, libbfio_error_t **error)
{
	struct io *in = io_of(io);
	uint64_t size = source_size(in->s), left = in->pos < size ? size - in->pos : 0;

	(void)error;
	if (n > left)
		n = (size_t)left;
	if (n > SSIZE_MAX || source_read(in->s, in->pos, buf, n, NULL) < 0)
		return -1;
	in->pos += n;
	return (ssize_t)n;
}

static ssize_t io_write(intptr_t *io, const uint8_t *buf, size_t n, libbfio_error_t **error)
{
	(void)io;
	(void)buf;
	(void)n;
	(void)error;
	return -1;
}

static off64_t io_seek(intptr_t *io, off64_t off, int whence, libbfio_error_t **error)
{
	struct io *in = io_of(io);
	int64_t base = whence == SEEK_SET ? 0 :
		       whence == SEEK_CUR ? (int64_t)in->pos :
					    (int64_t)source_size(in->s);
	int64_t to;

	(void)error;
	if (__builtin_add_overflow(base, (int64_t)off, &to) || to < 0)
		return -1;
	in->pos = (uint64_t)to;
	return (off64_t)to;
}

static int io_yes(intptr_t *io, libbfio_error_t **error)
{
	(void)io;
	(void)error;
	return 1;
}

static int io_size(intptr_t *io, size64_t *ret, libbfio_error_t **error)
{
	(void)error;
	*ret = source_size(io_of(io)->s);
	return 1;
}

static libbfio_handle_t *io_over(struct source *s)
{
	struct io *io = malloc(sizeof *io);
	libbfio_handle_t *handle = NULL;

	if (!io)
		return NULL;
	*io = (struct io){ .s = s };
	if (libbfio_handle_initialize(
		    &handle, (intptr_t *)(void *)io, io_free, io_clone, io_open, io_close, io_read, io_write,
		    io_seek, io_yes, io_yes, io_size,
		    LIBBFIO_FLAG_IO_HANDLE_MANAGED | LIBBFIO_FLAG_IO_HANDLE_CLONE_BY_FUNCTION, NULL) != 1) {
		free(io);
		return NULL;
	}
	return handle;
}

/* ---- the disk as a source ---- */

static int lib_failed(libvmdk_error_t *error, enum pcrcast_code code, const char *what,
		      struct pcrcast_error *e)
{
	char text[200] = "no reason given";

	if (error)
		(void)libvmdk_error_sprint(error, text, sizeof text);
	libvmdk_error_free(&error);
	return err_set(e, code, PCRCAST_NO_OFFSET, "%s: %s", what, first_line(text));
}

static int vmdk_read(void *ctx, uint64_t off, void *buf, size_t n, struct pcrcast_error *e)
{
	struct vmdk *v = ctx;
	uint8_t *p = buf;
	int r = 0;

	pthread_mutex_lock(&v->lock);
	while (r == 0 && n > 0) {
		libvmdk_error_t *error = NULL;
		ssize_t got = libvmdk_handle_read_buffer_at_offset(v->disk, p, n, (off64_t)off, &error);

		if (got <= 0 || (size_t)got > n) {
			r = lib_failed(error, PCRCAST_EIO, "cannot read the VMDK", e);
			break;
		}
		p += got;
		off += (uint64_t)got;
		n -= (size_t)got;
	}
	pthread_mutex_unlock(&v->lock);
	return r;
}

static int vmdk_check(void *ctx, struct pcrcast_error *e)
{
	struct vmdk *v = ctx;
	int r = source_check(v->file, e);

	for (int i = 0; r == 0 && i < v->n; i++)
		r = source_check(v->extents[i], e);
	return r;
}

static void vmdk_close(void *ctx)
{
	struct vmdk *v = ctx;

	if (v->disk)
		libvmdk_handle_free(&v->disk, NULL);
	if (v->pool)
		libbfio_pool_free(&v->pool, NULL);
	if (v->io)
		libbfio_handle_free(&v->io, NULL);
	for (int i = 0; i < v->n; i++)
		source_close(v->extents[i]);
	free(v->extents);
	source_close(v->file);
	pthread_mutex_destroy(&v->lock);
	free(v);
}

static const struct source_ops vmdk_ops = { vmdk_read, vmdk_check, vmdk_close };

/* ---- what is checked before the library sees it ---- */

/* SparseExtentHeader: fields that decide how much memory the library takes, and one that it does not know. */
static int check_sparse(struct source *s, bool with_descriptor, struct pcrcast_error *e)
{
	uint8_t h[HEADER_LEN];
	uint64_t size = source_size(s);
	int r = source_read(s, 0, h, sizeof h, e);

	if (r < 0)
		return err_wrap(e, "VMDK header");
	if (memcmp(h, "KDMV", 4) != 0)
		return err_set(e, PCRCAST_EFORMAT, 0, "%s: not a sparse VMDK extent", source_name(s));

	uint32_t flags = get_u32le(h + 8), per_table = get_u32le(h + 44);
	uint64_t capacity = get_u64le(h + 12), grain = get_u64le(h + 20);
	uint64_t desc_off = get_u64le(h + 28), desc_len = get_u64le(h + 36);
	if (flags &
	    FLAG_ZEROED_GRAIN) /* libvmdk 20200926 takes the mark of a zeroed grain for a place in the file */
		return err_set(e, PCRCAST_EUNSUPPORTED, 8, "a VMDK image with zeroed grains; " CONVERT_HINT);
	if (grain == 0 || grain > GRAIN_MAX || (grain & (grain - 1)) != 0)
		return err_set(e, PCRCAST_EFORMAT, 20,
			       "VMDK grains of %" PRIu64 " sectors, expected a power of two up to %d", grain,
			       GRAIN_MAX);
	if (per_table == 0 || per_table > 4096)
		return err_set(e, PCRCAST_EFORMAT, 44, "VMDK tables of %u grains, expected 1 to 4096",
			       per_table);
	uint64_t n_tables = capacity / grain / per_table;
	if (n_tables >= DIRECTORY_MAX)
		return err_set(e, PCRCAST_ELIMIT, 12,
			       "a VMDK directory of %" PRIu64 " tables, at most %d are handled", n_tables,
			       DIRECTORY_MAX);
	if (n_tables * 4 > size)
		return err_set(e, PCRCAST_ETRUNC, 12,
			       "a VMDK directory of %" PRIu64 " tables in a file of %" PRIu64 " bytes",
			       n_tables, size);
	if (!with_descriptor)
		return 0;
	if (desc_off == 0 || desc_len == 0)
		return err_set(
			e, PCRCAST_EUNSUPPORTED, 28,
			"one part of a VMDK image in several files; name the file that describes them");
	if (desc_len > DESCRIPTOR_MAX / SECTOR || desc_off > size / SECTOR ||
	    desc_len > size / SECTOR - desc_off)
		return err_set(e, PCRCAST_EFORMAT, 28,
			       "a VMDK descriptor of %" PRIu64 " sectors at sector %" PRIu64
			       " in a file of %" PRIu64 " bytes",
			       desc_len, desc_off, size);
	return 0;
}

/* A file beside the descriptor: no path, no link, no device, nothing but a regular file in that directory. */
static int open_extent(int dirfd, const char *name, struct source **ret, struct pcrcast_error *e)
{
	struct stat st;

	if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strchr(name, '/'))
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "extent \"%.200s\" is not a plain file name; only files beside the descriptor "
			       "are opened",
			       name);
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, PCRCAST_EIO, PCRCAST_NO_OFFSET, "extent \"%.200s\": %s", name,
			       strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "extent \"%.200s\" is not a regular file", name);
	return source_open_file_at(dirfd, name, name, ret, e);
}

static int open_dir_of(const char *path, struct pcrcast_error *e)
{
	const char *slash = strrchr(path, '/');
	char *dir = !slash        ? strdup(".") :
		    slash == path ? strdup("/") :
				    strndup(path, (size_t)(slash - path));

	if (!dir)
		return err_nomem(e);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fd = err_set(e, PCRCAST_EIO, PCRCAST_NO_OFFSET, "%s: cannot open: %s", dir, strerror(errno));
	free(dir);
	return fd;
}

/* ---- extents ---- */

struct extent_info {
	int type;
	char name[NAME_LEN_MAX + 1];
};

static int read_extent_info(libvmdk_handle_t *disk, int i, struct extent_info *ret, struct pcrcast_error *e)
{
	libvmdk_extent_descriptor_t *extent = NULL;
	libvmdk_error_t *error = NULL;
	size_t n = 0;

	*ret = (struct extent_info){ .type = 0 };
	bool ok = libvmdk_handle_get_extent_descriptor(disk, i, &extent, &error) == 1 &&
		  libvmdk_extent_descriptor_get_type(extent, &ret->type, &error) == 1;
	if (ok && libvmdk_extent_descriptor_get_utf8_filename_size(extent, &n, &error) == 1 && n > 0)
		ok = n <= sizeof ret->name && libvmdk_extent_descriptor_get_utf8_filename(
						      extent, (uint8_t *)ret->name, n, &error) == 1;
	ret->name[sizeof ret->name - 1] = '\0';
	if (extent)
		libvmdk_extent_descriptor_free(&extent, NULL);
	if (!ok)
		return lib_failed(error, PCRCAST_EFORMAT, "VMDK descriptor", e);
	libvmdk_error_free(&error);
	return 0;
}

/* The source that holds extent i, checked. */
static int find_extent(struct vmdk *v, int i, int dirfd, bool sparse, struct source **ret,
		       struct pcrcast_error *e)
{
	struct extent_info info;
	int r = read_extent_info(v->disk, i, &info, e);

	if (r < 0)
		return r;
	if (sparse) {
		/* The one extent of such a file is the file, whatever name it had when it was written. */
		if (info.type != LIBVMDK_EXTENT_TYPE_SPARSE)
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				       "a sparse VMDK whose extent has type %d, expected %d", info.type,
				       LIBVMDK_EXTENT_TYPE_SPARSE);
		*ret = v->file;
		return 0;
	}
	if (info.type != LIBVMDK_EXTENT_TYPE_FLAT && info.type != LIBVMDK_EXTENT_TYPE_SPARSE &&
	    info.type != LIBVMDK_EXTENT_TYPE_VMFS_FLAT)
		return err_set(
			e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			"a VMDK extent that is neither FLAT nor SPARSE nor VMFS (type %d); " CONVERT_HINT,
			info.type);
	r = open_extent(dirfd, info.name, &v->extents[v->n], e);
	if (r < 0)
		return r;
	*ret = v->extents[v->n++];
	return info.type == LIBVMDK_EXTENT_TYPE_SPARSE ? check_sparse(*ret, false, e) : 0;
}

static int open_extents(struct vmdk *v, const char *path, bool sparse, struct pcrcast_error *e)
{
	libvmdk_error_t *error = NULL;
	int n = 0, dirfd = -1, r = 0;

	if (libvmdk_handle_get_number_of_extents(v->disk, &n, &error) != 1)
		return lib_failed(error, PCRCAST_EFORMAT, "VMDK descriptor", e);
	if (n < 1 || n > (sparse ? 1 : EXTENTS_MAX))
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "a VMDK image with %d extents, expected 1 to %d", n, sparse ? 1 : EXTENTS_MAX);
	v->extents = calloc((size_t)n, sizeof(struct source *));
	if (!v->extents ||
	    libbfio_pool_initialize(&v->pool, 0, LIBBFIO_POOL_UNLIMITED_NUMBER_OF_OPEN_HANDLES, NULL) != 1)
		return err_nomem(e);
	if (!sparse) {
		dirfd = open_dir_of(path, e);
		if (dirfd < 0)
			return dirfd;
	}
	for (int i = 0; r == 0 && i < n; i++) {
		struct source *s = NULL;
		int entry;

		r = find_extent(v, i, dirfd, sparse, &s, e);
		if (r < 0)
			break;
		libbfio_handle_t *io = io_over(s);
		if (!io || libbfio_pool_append_handle(v->pool, &entry, io, LIBBFIO_OPEN_READ, NULL) != 1) {
			if (io)
				libbfio_handle_free(&io, NULL);
			r = err_nomem(e);
		}
	}
	if (dirfd >= 0)
		(void)close(dirfd);
	if (r == 0 && libvmdk_handle_open_extent_data_files_file_io_pool(v->disk, v->pool, &error) != 1)
		r = lib_failed(error, PCRCAST_EFORMAT, "cannot open the extents of the VMDK", e);
	return r;
}

static int open_disk(struct vmdk *v, const char *path, bool sparse, uint64_t *ret_size,
		     struct pcrcast_error *e)
{
	libvmdk_error_t *error = NULL;
	uint32_t parent = 0;
	int r = 0;

	if (sparse)
		r = check_sparse(v->file, true, e);
	else if (source_size(v->file) > DESCRIPTOR_MAX)
		r = err_set(e, PCRCAST_ELIMIT, DESCRIPTOR_MAX,
			    "a VMDK descriptor of %" PRIu64 " bytes, at most %d are handled",
			    source_size(v->file), DESCRIPTOR_MAX);
	if (r < 0)
		return r;

	v->io = io_over(v->file);
	if (!v->io)
		return err_nomem(e);
	if (libvmdk_handle_initialize(&v->disk, &error) != 1 ||
	    libvmdk_handle_open_file_io_handle(v->disk, v->io, LIBVMDK_OPEN_READ, &error) != 1)
		return lib_failed(error, PCRCAST_EFORMAT, "cannot open the VMDK", e);
	if (libvmdk_handle_get_parent_content_identifier(v->disk, &parent, NULL) == 1 && parent != UINT32_MAX)
		return err_set(
			e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			"a VMDK image whose other part is in another file (it is a snapshot); " CONVERT_HINT);
	r = open_extents(v, path, sparse, e);
	if (r < 0)
		return r;
	size64_t size = 0;
	if (libvmdk_handle_get_media_size(v->disk, &size, &error) != 1)
		return lib_failed(error, PCRCAST_EFORMAT, "cannot open the VMDK", e);
	*ret_size = size;
	return 0;
}

int vmdk_open(struct source *file, const char *path, bool sparse, struct source **ret,
	      struct pcrcast_error *e)
{
	struct vmdk *v = calloc(1, sizeof *v);
	uint64_t size = 0;

	if (!v) {
		source_close(file);
		return err_nomem(e);
	}
	v->file = file;
	pthread_mutex_init(&v->lock, NULL);
	int r = open_disk(v, path, sparse, &size, e);
	if (r < 0) {
		vmdk_close(v);
		return r;
	}
	return source_new(&vmdk_ops, v, size, "the disk in it", ret, e);
}

#else

int vmdk_open(struct source *file, const char *path, bool sparse, struct source **ret,
	      struct pcrcast_error *e)
{
	(void)path;
	(void)sparse;
	(void)ret;
	source_close(file);
	return err_set(e, PCRCAST_EUNSUPPORTED, 0,
		       "a VMDK image, and this program was built without libvmdk (which needs "
		       "libbfio); " CONVERT_HINT);
}

#endif
