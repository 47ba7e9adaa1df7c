/*
 * qcow2: docs/interop/qcow2.rst of QEMU 10 ("the specification"). Clusters are found here, and those that are
 * stored plainly are read in place: libqcow (20201213) gives old bytes for clusters that are marked as zeros
 * (version 3), so it cannot be asked for them. It decompresses clusters, and reads the old version 1.
 */
#include "predict/container_impl.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_LIBQCOW
#include <libqcow.h>
#endif

enum {
	HEADER_LEN = 112, /* up to the end of the compression type */
	CLUSTER_BITS_MIN = 9,
	CLUSTER_BITS_MAX = 21, /* the specification: QEMU goes up to 2 MiB */
	/* The library holds the level 1 table in memory; this many are 32 TiB of usual clusters. */
	L1_MAX = 65536,
	BACKING_NAME_MAX = 1023,     /* the specification */
	INCOMPATIBLE_DIRTY = 1 << 0, /* reference counts may be wrong: no matter for reading */
};

#define OFFSET_MASK UINT64_C(0x00fffffffffffe00)
#define L2_COMPRESSED (UINT64_C(1) << 62)
#define L2_ZERO UINT64_C(1)

struct qcow {
	struct source *file;
	uint32_t version;
	uint32_t cluster_bits;
	uint64_t l1_off;
	uint32_t l1_n;
	char *os_path;
	pthread_mutex_t lock; /* guards lib */
#ifdef HAVE_LIBQCOW
	libqcow_file_t *lib; /* NULL until it is needed */
#endif
};

static void qcow_close(void *ctx)
{
	struct qcow *q = ctx;

#ifdef HAVE_LIBQCOW
	if (q->lib)
		libqcow_file_free(&q->lib, NULL);
#endif
	source_close(q->file);
	pthread_mutex_destroy(&q->lock);
	free(q->os_path);
	free(q);
}

static int qcow_check(void *ctx, struct pcrcast_error *e)
{
	return source_check(((struct qcow *)ctx)->file, e);
}

/* ---- through the library ---- */

#ifdef HAVE_LIBQCOW

static int lib_failed(libqcow_error_t *error, enum pcrcast_code code, const char *what,
		      struct pcrcast_error *e)
{
	char text[200] = "no reason given";

	if (error)
		(void)libqcow_error_sprint(error, text, sizeof text);
	libqcow_error_free(&error);
	return err_set(e, code, PCRCAST_NO_OFFSET, "%s: %s", what, first_line(text));
}

static int lib_open(struct qcow *q, struct pcrcast_error *e)
{
	libqcow_error_t *error = NULL;

	if (q->lib)
		return 0;
	if (libqcow_file_initialize(&q->lib, &error) != 1)
		return lib_failed(error, PCRCAST_EFORMAT, "cannot open the qcow2 image", e);
	if (libqcow_file_open(q->lib, q->os_path, LIBQCOW_OPEN_READ, &error) != 1) {
		libqcow_file_free(&q->lib, NULL);
		return lib_failed(error, PCRCAST_EFORMAT, "cannot open the qcow2 image", e);
	}
	return 0;
}

static int lib_read(struct qcow *q, uint64_t off, uint8_t *p, size_t n, struct pcrcast_error *e)
{
	pthread_mutex_lock(&q->lock);
	int r = lib_open(q, e);
	while (r == 0 && n > 0) {
		libqcow_error_t *error = NULL;
		ssize_t got = libqcow_file_read_buffer_at_offset(q->lib, p, n, (off64_t)off, &error);

		if (got <= 0 || (size_t)got > n) {
			r = lib_failed(error, PCRCAST_EIO, "cannot read the qcow2 image", e);
			break;
		}
		p += got;
		off += (uint64_t)got;
		n -= (size_t)got;
	}
	pthread_mutex_unlock(&q->lock);
	return r;
}

#else

static int lib_read(struct qcow *q, uint64_t off, uint8_t *p, size_t n, struct pcrcast_error *e)
{
	(void)q;
	(void)off;
	(void)p;
	(void)n;
	return err_set(
		e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
		"a qcow2 image with compressed clusters or of version 1, and this program was built without "
		"libqcow; " CONVERT_HINT);
}

#endif

/* ---- clusters ---- */

/* The level 2 entry of the cluster that byte off of the disk lies in; 0 when there is none. */
static int l2_entry(struct qcow *q, uint64_t off, uint64_t *ret, struct pcrcast_error *e)
{
	uint32_t l2_bits = q->cluster_bits - 3; /* entries of 8 bytes fill one cluster */
	uint64_t l1_index = off >> (q->cluster_bits + l2_bits);
	uint64_t l2_index = off >> q->cluster_bits & ((UINT64_C(1) << l2_bits) - 1);
	uint8_t b[8];

	*ret = 0;
	if (l1_index >= q->l1_n)
		return err_set(e, PCRCAST_EFORMAT, q->l1_off,
			       "byte %" PRIu64 " of the disk is not in the level 1 table of %u entries", off,
			       q->l1_n);
	int r = source_read(q->file, q->l1_off + l1_index * 8, b, sizeof b, e);
	uint64_t l2_off = get_u64be(b) & OFFSET_MASK;
	if (r < 0 || l2_off == 0)
		return r;
	if (l2_off & ((UINT64_C(1) << q->cluster_bits) - 1))
		return err_set(e, PCRCAST_EFORMAT, q->l1_off + l1_index * 8,
			       "a level 2 table at %" PRIu64 ", not at a cluster's start", l2_off);
	r = source_read(q->file, l2_off + l2_index * 8, b, sizeof b, e);
	if (r < 0)
		return err_wrap(e, "level 2 table");
	*ret = get_u64be(b);
	return 0;
}

/* Bytes of one cluster, at skip from its start, that is stored plainly at host. */
static int read_plain(struct qcow *q, uint64_t host, uint64_t skip, uint8_t *p, size_t n,
		      struct pcrcast_error *e)
{
	uint64_t size = source_size(q->file);

	if (host & ((UINT64_C(1) << q->cluster_bits) - 1))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "a cluster at %" PRIu64 ", not at a cluster's start", host);
	if (host >= size)
		return err_set(e, PCRCAST_ETRUNC, host, "a cluster at %" PRIu64 ", the file ends at %" PRIu64,
			       host, size);
	/* The last cluster of a file may be cut short; what is missing reads as zeros, in QEMU too. */
	uint64_t from = host + skip, held = from < size ? size - from : 0;
	size_t part = n < held ? n : (size_t)held;
	memset(p + part, 0, n - part);
	return part ? source_read(q->file, from, p, part, e) : 0;
}

static int qcow_read(void *ctx, uint64_t off, void *buf, size_t n, struct pcrcast_error *e)
{
	struct qcow *q = ctx;
	uint8_t *p = buf;

	if (q->version == 1)
		return lib_read(q, off, p, n, e);
	while (n > 0) {
		uint64_t cluster_len = UINT64_C(1) << q->cluster_bits, skip = off & (cluster_len - 1);
		size_t part = n < cluster_len - skip ? n : (size_t)(cluster_len - skip);
		uint64_t entry;
		int r = l2_entry(q, off, &entry, e);

		if (r < 0)
			return r;
		if (entry & L2_COMPRESSED)
			r = lib_read(q, off, p, part, e);
		else if ((entry & OFFSET_MASK) == 0 || (q->version >= 3 && entry & L2_ZERO))
			memset(p, 0, part);
		else
			r = read_plain(q, entry & OFFSET_MASK, skip, p, part, e);
		if (r < 0)
			return r;
		p += part;
		off += part;
		n -= part;
	}
	return 0;
}

static const struct source_ops qcow_ops = { qcow_read, qcow_check, qcow_close };

/* ---- header ---- */

/* A backing file is named by the image, which may be hostile: it is not opened, only told. */
static int refuse_backing(struct source *file, uint64_t off, uint32_t len, struct pcrcast_error *e)
{
	char name[BACKING_NAME_MAX + 1] = "";

	if (len > BACKING_NAME_MAX || source_read(file, off, name, len, NULL) < 0)
		len = 0;
	name[len] = '\0';
	return err_set(e, PCRCAST_EUNSUPPORTED, 8,
		       "a qcow2 image that needs its backing file \"%.200s\"; " CONVERT_HINT, name);
}

static int read_header(struct qcow *q, uint64_t *ret_size, struct pcrcast_error *e)
{
	uint8_t h[HEADER_LEN] = { 0 };
	uint64_t size = source_size(q->file);
	int r = source_read(q->file, 0, h, size < sizeof h ? (size_t)size : sizeof h, e);

	if (r < 0)
		return r;
	if (size < 72)
		return err_set(e, PCRCAST_ETRUNC, size, "a qcow2 header needs 72 bytes, found %" PRIu64,
			       size);
	q->version = get_u32be(h + 4);
	if (q->version < 1 || q->version > 3)
		return err_set(e, PCRCAST_EUNSUPPORTED, 4, "qcow version %u, 1 to 3 are read; " CONVERT_HINT,
			       q->version);
	if (get_u64be(h + 8))
		return refuse_backing(q->file, get_u64be(h + 8), get_u32be(h + 16), e);

	bool v1 = q->version == 1;
	uint32_t crypt = get_u32be(h + (v1 ? 36 : 32));
	*ret_size = get_u64be(h + 24);
	q->cluster_bits = v1 ? h[32] : get_u32be(h + 20);
	q->l1_off = get_u64be(h + 40);
	q->l1_n = get_u32be(h + 36);
	if (crypt)
		return err_set(e, PCRCAST_EUNSUPPORTED, v1 ? 36 : 32,
			       "an encrypted qcow2 image (method %u); " CONVERT_HINT, crypt);
	if (q->cluster_bits < CLUSTER_BITS_MIN || q->cluster_bits > CLUSTER_BITS_MAX)
		return err_set(e, PCRCAST_EFORMAT, v1 ? 32 : 20,
			       "qcow2 clusters of 2^%u bytes, expected 2^%d to 2^%d", q->cluster_bits,
			       CLUSTER_BITS_MIN, CLUSTER_BITS_MAX);
	if (v1) {
		/* As in QEMU's qcow_open(). The level 1 table's length follows from the size. */
		uint32_t l2_bits = h[33];

		if (l2_bits < 6 || l2_bits > 16 || *ret_size >> (q->cluster_bits + l2_bits) >= L1_MAX)
			return err_set(e, PCRCAST_EFORMAT, 33,
				       "qcow tables of 2^%u entries for %" PRIu64 " bytes", l2_bits,
				       *ret_size);
		return 0;
	}
	if (q->l1_n > L1_MAX)
		return err_set(e, PCRCAST_ELIMIT, 36,
			       "a qcow2 level 1 table of %u entries, at most %d are handled", q->l1_n,
			       L1_MAX);
	if (q->l1_off > size || (uint64_t)q->l1_n * 8 > size - q->l1_off)
		return err_set(e, PCRCAST_ETRUNC, 36,
			       "the qcow2 level 1 table of %u entries runs past the end of the file",
			       q->l1_n);
	if (*ret_size > (uint64_t)q->l1_n << (2 * q->cluster_bits - 3))
		return err_set(e, PCRCAST_EFORMAT, 36,
			       "a qcow2 disk of %" PRIu64 " bytes with a level 1 table of %u entries",
			       *ret_size, q->l1_n);
	if (q->version == 3 && get_u64be(h + 72) & ~(uint64_t)INCOMPATIBLE_DIRTY)
		return err_set(e, PCRCAST_EUNSUPPORTED, 72,
			       "a qcow2 image with features 0x%" PRIx64
			       " (damaged, data in another file, zstd or subclusters); " CONVERT_HINT,
			       get_u64be(h + 72));
	return 0;
}

int qcow_open(struct source *file, const char *os_path, struct source **ret, struct pcrcast_error *e)
{
	struct qcow *q = calloc(1, sizeof *q);
	uint64_t size = 0;

	if (!q) {
		source_close(file);
		return err_nomem(e);
	}
	q->file = file;
	pthread_mutex_init(&q->lock, NULL);
	q->os_path = strdup(os_path);
	int r = q->os_path ? read_header(q, &size, e) : err_nomem(e);
	if (r < 0) {
		qcow_close(q);
		return r;
	}
	return source_new(&qcow_ops, q, size, "the disk in it", ret, e);
}
