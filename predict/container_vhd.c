/*
 * VHD: Microsoft, Virtual Hard Disk Image Format Specification, version 1.0 (2006). A fixed VHD is the disk
 * with a footer behind it; a dynamic one is read by libvhdi.
 */
#include "predict/container_impl.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_LIBVHDI
#include <libvhdi.h>
#endif

enum {
	FOOTER_LEN = 512,
	HEADER_LEN = 1024,
	TYPE_FIXED = 2,
	TYPE_DYNAMIC = 3,
	TYPE_DIFFERENCING = 4,
	BLOCK_MIN = 4096, /* bytes; the usual block has 2 MiB */
	BLOCK_MAX = 1 << 28,
	/* The library holds the table of blocks in memory, 4 bytes each: this is 8 TiB of usual blocks. */
	BLOCKS_MAX = 1 << 22,
};

/* "Checksum": the one's complement of the sum of all bytes but those of the field itself. */
static bool sum_is_good(const uint8_t *p, size_t n, size_t sum_off)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		if (i < sum_off || i >= sum_off + 4)
			sum += p[i];
	return ~sum == get_u32be(p + sum_off);
}

static bool footer_is_good(const uint8_t *footer)
{
	return memcmp(footer, "conectix", 8) == 0 && sum_is_good(footer, FOOTER_LEN, 64);
}

bool vhd_fixed_probe(struct source *file)
{
	uint8_t footer[FOOTER_LEN];
	uint64_t size = source_size(file);

	return size >= sizeof footer &&
	       source_read(file, size - sizeof footer, footer, sizeof footer, NULL) == 0 &&
	       footer_is_good(footer) && get_u32be(footer + 60) == TYPE_FIXED;
}

/* ---- fixed: the first bytes of the file ---- */

static int window_read(void *ctx, uint64_t off, void *buf, size_t n, struct pcrcast_error *e)
{
	return source_read(ctx, off, buf, n, e);
}

static int window_check(void *ctx, struct pcrcast_error *e)
{
	return source_check(ctx, e);
}

static void window_close(void *ctx)
{
	source_close(ctx);
}

static const struct source_ops window_ops = { window_read, window_check, window_close };

static int open_fixed(struct source *file, const uint8_t *footer, struct source **ret,
		      struct pcrcast_error *e)
{
	uint64_t size = get_u64be(footer + 48), held = source_size(file) - FOOTER_LEN;

	if (size > held) {
		source_close(file);
		return err_set(e, PCRCAST_ETRUNC, held,
			       "a fixed VHD of %" PRIu64 " bytes, %" PRIu64 " are there", size, held);
	}
	return source_new(&window_ops, file, size, "the disk in it", ret, e);
}

/* ---- dynamic ---- */

#ifdef HAVE_LIBVHDI

struct vhd {
	struct source *file;
	pthread_mutex_t lock; /* guards disk: the library's handle has one position for all */
	libvhdi_file_t *disk;
};

static int lib_failed(libvhdi_error_t *error, enum pcrcast_code code, const char *what,
		      struct pcrcast_error *e)
{
	char text[200] = "no reason given";

	if (error)
		(void)libvhdi_error_sprint(error, text, sizeof text);
	libvhdi_error_free(&error);
	return err_set(e, code, PCRCAST_NO_OFFSET, "%s: %s", what, first_line(text));
}

static int vhd_read(void *ctx, uint64_t off, void *buf, size_t n, struct pcrcast_error *e)
{
	struct vhd *v = ctx;
	uint8_t *p = buf;
	int r = 0;

	pthread_mutex_lock(&v->lock);
	while (r == 0 && n > 0) {
		libvhdi_error_t *error = NULL;
		ssize_t got = libvhdi_file_read_buffer_at_offset(v->disk, p, n, (off64_t)off, &error);

		if (got <= 0 || (size_t)got > n) {
			r = lib_failed(error, PCRCAST_EIO, "cannot read the VHD", e);
			break;
		}
		p += got;
		off += (uint64_t)got;
		n -= (size_t)got;
	}
	pthread_mutex_unlock(&v->lock);
	return r;
}

static int vhd_check(void *ctx, struct pcrcast_error *e)
{
	return source_check(((struct vhd *)ctx)->file, e);
}

static void vhd_close(void *ctx)
{
	struct vhd *v = ctx;

	if (v->disk)
		libvhdi_file_free(&v->disk, NULL);
	source_close(v->file);
	pthread_mutex_destroy(&v->lock);
	free(v);
}

static const struct source_ops vhd_ops = { vhd_read, vhd_check, vhd_close };

static int open_dynamic(struct source *file, const char *os_path, struct source **ret,
			struct pcrcast_error *e)
{
	struct vhd *v = calloc(1, sizeof *v);
	libvhdi_error_t *error = NULL;
	size64_t size = 0;

	if (!v) {
		source_close(file);
		return err_nomem(e);
	}
	v->file = file;
	pthread_mutex_init(&v->lock, NULL);
	if (libvhdi_file_initialize(&v->disk, &error) != 1 ||
	    libvhdi_file_open(v->disk, os_path, LIBVHDI_OPEN_READ, &error) != 1 ||
	    libvhdi_file_get_media_size(v->disk, &size, &error) != 1) {
		vhd_close(v);
		return lib_failed(error, PCRCAST_EFORMAT, "cannot open the VHD", e);
	}
	return source_new(&vhd_ops, v, size, "the disk in it", ret, e);
}

#else

static int open_dynamic(struct source *file, const char *os_path, struct source **ret,
			struct pcrcast_error *e)
{
	(void)os_path;
	(void)ret;
	source_close(file);
	return err_set(e, PCRCAST_EUNSUPPORTED, 0,
		       "a dynamic VHD image, and this program was built without libvhdi; " CONVERT_HINT);
}

#endif

/* The fields that decide how much memory the library takes, checked against what the file can hold. */
static int check_dynamic(struct source *file, const uint8_t *footer, struct pcrcast_error *e)
{
	uint64_t header_off = get_u64be(footer + 16), size = source_size(file);
	uint8_t h[HEADER_LEN];
	int r = source_read(file, header_off, h, sizeof h, e);

	if (r < 0)
		return err_wrap(e, "VHD dynamic disk header");
	if (memcmp(h, "cxsparse", 8) != 0 || !sum_is_good(h, sizeof h, 36))
		return err_set(e, PCRCAST_EFORMAT, header_off, "damaged VHD dynamic disk header");

	uint64_t table_off = get_u64be(h + 16), disk_size = get_u64be(footer + 48);
	uint32_t n_blocks = get_u32be(h + 28), block_len = get_u32be(h + 32);
	if (block_len < BLOCK_MIN || block_len > BLOCK_MAX || (block_len & (block_len - 1)) != 0)
		return err_set(e, PCRCAST_EFORMAT, header_off + 32,
			       "VHD blocks of %u bytes, expected a power of two from %d to %d", block_len,
			       BLOCK_MIN, BLOCK_MAX);
	if (n_blocks > BLOCKS_MAX)
		return err_set(e, PCRCAST_ELIMIT, header_off + 28, "%u VHD blocks, at most %d are handled",
			       n_blocks, BLOCKS_MAX);
	if (table_off > size || (uint64_t)n_blocks * 4 > size - table_off)
		return err_set(e, PCRCAST_ETRUNC, header_off + 28,
			       "the table of %u VHD blocks runs past the end of the file", n_blocks);
	if (disk_size > (uint64_t)n_blocks * block_len)
		return err_set(e, PCRCAST_EFORMAT, header_off + 28,
			       "a VHD of %" PRIu64 " bytes in %u blocks of %u", disk_size, n_blocks,
			       block_len);
	return 0;
}

int vhd_open(struct source *file, const char *os_path, struct source **ret, struct pcrcast_error *e)
{
	uint8_t footer[FOOTER_LEN];
	/* A dynamic VHD has a copy of the footer in front. */
	uint64_t off = vhd_fixed_probe(file) ? source_size(file) - FOOTER_LEN : 0;
	int r = source_read(file, off, footer, sizeof footer, e);

	if (r == 0 && !footer_is_good(footer))
		r = err_set(e, PCRCAST_EFORMAT, off, "damaged VHD footer: its checksum is wrong");
	if (r == 0) {
		switch (get_u32be(footer + 60)) {
		case TYPE_FIXED:
			return open_fixed(file, footer, ret, e);
		case TYPE_DYNAMIC:
			r = check_dynamic(file, footer, e);
			if (r == 0)
				return open_dynamic(file, os_path, ret, e);
			break;
		case TYPE_DIFFERENCING:
			r = err_set(e, PCRCAST_EUNSUPPORTED, off + 60,
				    "a differencing VHD image, whose other part is in another "
				    "file; " CONVERT_HINT);
			break;
		default:
			r = err_set(e, PCRCAST_EFORMAT, off + 60,
				    "VHD type %u, expected 2 (fixed) or 3 (dynamic)", get_u32be(footer + 60));
		}
	}
	source_close(file);
	return r;
}
