#define _GNU_SOURCE
#include "uki/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/digest.h"
#include "uki/decompress.h"
#include "uki/elf.h"
#include "uki/kernel_scan.h"

enum {
	HEAD_LEN = 0x300, /* the x86 setup header ends below */

	/* EFI zboot names its compression between bytes 24 and 0x38 of the file. */
	ZBOOT_NAME_OFF = 24,
	ZBOOT_NAME_MAX = 0x38 - ZBOOT_NAME_OFF,
};

const char *kernel_format_name(enum kernel_format f)
{
	static const char *const names[] = {
		[KERNEL_X86_BZIMAGE] = "x86 bzImage", [KERNEL_ARM64_IMAGE] = "arm64 Image",
		[KERNEL_RISCV_IMAGE] = "riscv Image", [KERNEL_LOONGARCH_IMAGE] = "loongarch Image",
		[KERNEL_ZBOOT] = "EFI zboot",
	};

	return names[f];
}

/* ---- an unnamed temporary file ---- */

static int temp_read(void *ctx, uint64_t off, void *buf, size_t n, struct pcrcast_error *e)
{
	uint8_t *p = buf;

	while (n > 0) {
		ssize_t got = pread(*(int *)ctx, p, n, (off_t)off);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_set(e, PCRCAST_EIO, off, "cannot read: %s",
				       got < 0 ? strerror(errno) : "cut short");
		p += got;
		off += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

static void temp_close(void *ctx)
{
	(void)close(*(int *)ctx);
	free(ctx);
}

static const struct source_ops temp_ops = { temp_read, NULL, temp_close };

/* Not every file system has O_TMPFILE: a file that loses its name at once does the same. */
static int temp_open(struct pcrcast_error *e)
{
	const char *dir = secure_getenv("TMPDIR");
	char name[256];

	if (!dir || !*dir)
		dir = "/tmp";
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (fd < 0 && (size_t)snprintf(name, sizeof name, "%s/pcrcast-XXXXXX", dir) < sizeof name) {
		fd = mkostemp(name, O_CLOEXEC);
		if (fd >= 0)
			(void)unlink(name);
	}
	if (fd < 0)
		return err_set(e, PCRCAST_EIO, PCRCAST_NO_OFFSET, "cannot make a temporary file in %s: %s",
			       dir, strerror(errno));
	return fd;
}

/* Takes over fd, on failure too. */
static int temp_source(int fd, uint64_t len, struct source **ret, struct pcrcast_error *e)
{
	int *ctx = malloc(sizeof *ctx);

	if (!ctx) {
		(void)close(fd);
		return err_nomem(e);
	}
	*ctx = fd;
	return source_new(&temp_ops, ctx, len, "decompressed kernel", ret, e);
}

/* ---- formats ---- */

/* The first HEAD_LEN bytes, with zeros where the image is shorter. */
static int read_head(const struct blob *image, uint8_t head[static HEAD_LEN], struct pcrcast_error *e)
{
	memset(head, 0, HEAD_LEN);
	return blob_read(image, 0, head, image->len < HEAD_LEN ? (size_t)image->len : HEAD_LEN, e);
}

/* Machines share LINUX_PE_MAGIC at 0x38 (Linux include/linux/pe.h), so the PE header tells which it is. */
static int is_loongarch(const struct blob *image, const uint8_t *head, bool *ret, struct pcrcast_error *e)
{
	static const uint8_t linux_pe_magic[4] = { 0xcd, 0x23, 0x82, 0x81 };
	static const uint8_t pe_loongarch64[6] = { 'P', 'E', 0, 0, 0x64, 0x62 };
	uint32_t off = get_u32le(head + 0x3c);
	uint8_t pe[sizeof pe_loongarch64];

	*ret = false;
	if (memcmp(head, "MZ", 2) != 0 || memcmp(head + 0x38, linux_pe_magic, sizeof linux_pe_magic) != 0 ||
	    image->len < sizeof pe || off > image->len - sizeof pe)
		return 0;
	int rc = blob_read(image, off, pe, sizeof pe, e);
	if (rc == 0)
		*ret = memcmp(pe, pe_loongarch64, sizeof pe) == 0;
	return rc;
}

static int format_of(const struct blob *image, const uint8_t *head, enum kernel_format *ret,
		     struct pcrcast_error *e)
{
	bool loongarch = false;

	/* zboot first: it also has the marks at 0x38 that plain images have. */
	if (memcmp(head, "MZ\0\0zimg", 8) == 0)
		*ret = KERNEL_ZBOOT;
	else if (memcmp(head + 0x38, "ARM\x64", 4) == 0)
		*ret = KERNEL_ARM64_IMAGE;
	else if (memcmp(head + 0x38, "RSC\x05", 4) == 0)
		*ret = KERNEL_RISCV_IMAGE;
	else if (get_u16le(head + 0x1fe) == 0xaa55 && memcmp(head + 0x202, "HdrS", 4) == 0)
		*ret = KERNEL_X86_BZIMAGE;
	else {
		int rc = is_loongarch(image, head, &loongarch, e);
		if (rc < 0)
			return rc;
		if (!loongarch)
			return err_set(e, PCRCAST_EUNSUPPORTED, 0,
				       "no kernel image: neither x86 bzImage nor arm64, riscv or loongarch "
				       "Image nor EFI zboot");
		*ret = KERNEL_LOONGARCH_IMAGE;
	}
	return 0;
}

/* kernel_version of the setup header (Documentation/arch/x86/boot.rst): where its string lies, less 0x200. */
static int x86_version(struct pool *pool, const struct blob *image, const uint8_t *head, const char **ret,
		       struct pcrcast_error *e)
{
	uint64_t off = get_u16le(head + 0x20e);
	uint8_t text[VERSION_MAX];

	*ret = NULL;
	if (off == 0 || off + 0x200 >= image->len)
		return 0;
	off += 0x200;
	size_t n = image->len - off < sizeof text ? (size_t)(image->len - off) : sizeof text;
	int rc = blob_read(image, off, text, n, e);
	if (rc < 0)
		return rc;
	size_t len = strnlen((const char *)text, n);
	if (len == 0 || len == n || !printable(text, len))
		return 0;
	*ret = pool_text(pool, (const char *)text, len);
	return *ret ? 0 : err_nomem(e);
}

/* ---- payloads ---- */

/* A part of the image that is a compressed kernel. */
struct payload {
	struct blob blob;
	enum compression compression; /* COMPRESSION_COUNT: unknown */
};

static int payload_at(struct pool *pool, const struct blob *image, uint64_t off, uint64_t len,
		      struct payload *ret, struct pcrcast_error *e)
{
	uint8_t magic[COMPRESSION_MAGIC_LEN];
	struct payload p = { .compression = COMPRESSION_COUNT };

	int rc = blob_sub(pool, image, off, len, &p.blob, e);
	if (rc < 0)
		return rc;
	size_t n = len < sizeof magic ? (size_t)len : sizeof magic;
	rc = blob_read(&p.blob, 0, magic, n, e);
	if (rc < 0)
		return rc;
	p.compression = compression_detect((struct slice){ magic, n });
	*ret = p;
	return 0;
}

/* zboot's payload (Linux drivers/firmware/efi/libstub/zboot-header.S). */
static int zboot_payload(struct pool *pool, const struct blob *image, struct payload *ret,
			 struct pcrcast_error *e)
{
	uint8_t head[HEAD_LEN];

	int rc = read_head(image, head, e);
	if (rc < 0)
		return rc;
	rc = payload_at(pool, image, get_u32le(head + 8), get_u32le(head + 12), ret, e);
	return rc < 0 ? err_wrap(e, "zboot payload") : 0;
}

/* x86's payload (Documentation/arch/x86/boot.rst, protocol 2.08); its offset is from the protected-mode code. */
static int x86_payload(struct pool *pool, const struct blob *image, struct payload *ret,
		       struct pcrcast_error *e)
{
	uint8_t head[HEAD_LEN];

	int rc = read_head(image, head, e);
	if (rc < 0)
		return rc;
	uint64_t setup_sectors = head[0x1f1] ? head[0x1f1] : 4;
	uint64_t len = get_u32le(head + 0x24c);
	if (get_u16le(head + 0x206) < 0x0208 || len == 0)
		return err_set(e, PCRCAST_ENOTFOUND, 0x206, "the setup header tells no payload");
	return payload_at(pool, image, (setup_sectors + 1) * 512 + get_u32le(head + 0x248), len, ret, e);
}

/* Where decompressed bytes go: searched, and kept in a file unless fd is negative. */
struct unpack {
	struct scan *scan;
	int fd;
	uint64_t len; /* bytes written to fd */
};

enum { STOP = 1 }; /* nothing more is wanted */

static int unpack_sink(void *ctx, struct slice bytes, struct pcrcast_error *e)
{
	struct unpack *u = ctx;

	scan_feed(u->scan, bytes);
	if (u->fd < 0)
		return u->scan->want ? 0 : STOP;
	while (bytes.n > 0) {
		ssize_t put = write(u->fd, bytes.p, bytes.n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return err_set(e, PCRCAST_EIO, PCRCAST_NO_OFFSET,
				       "cannot write to a temporary file: %s", strerror(errno));
		bytes = (struct slice){ bytes.p + put, bytes.n - (size_t)put };
		u->len += (uint64_t)put;
	}
	return 0;
}

/* Search the decompressed payload and keep it in fd unless that is negative; *ret_len is its length then. */
static int scan_payload(struct scan *s, const struct payload *p, const char *name, int fd, uint64_t *ret_len,
			struct pcrcast_error *e)
{
	struct unpack u = { .scan = s, .fd = fd };

	if (p->compression == COMPRESSION_COUNT)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "zboot payload: compression \"%s\" is not one that can be read", name);
	int rc = decompress(&p->blob, p->compression, DECOMPRESS_LIMIT, unpack_sink, &u, e);
	if (rc < 0)
		return err_wrap(e, "zboot payload (%s)", name);
	scan_end(s);
	if (ret_len)
		*ret_len = u.len;
	return 0;
}

/* ---- identity ---- */

static int version_of_scan(struct pool *pool, const struct scan *s, struct kernel *k, struct pcrcast_error *e)
{
	if (!(s->found & FIND_BANNER))
		return 0;
	k->version = pool_text(pool, s->version, strlen(s->version));
	return k->version ? 0 : err_nomem(e);
}

static void tags_of_scan(const struct scan *s, struct kernel *k)
{
	k->measures_initrd = s->found & FIND_INITRD;
	k->measures_load_options = s->found & FIND_LOAD_OPTIONS;
	k->knows_cc = (s->found & FIND_CC) == FIND_CC;
}

static int identify_plain(struct pool *pool, const struct blob *image, const uint8_t *head, struct kernel *k,
			  struct pcrcast_error *e)
{
	bool x86 = k->format == KERNEL_X86_BZIMAGE;
	struct scan s;

	int rc = scan_begin(&s, FIND_TAGS | (x86 ? FIND_CC : FIND_BANNER), e);
	if (rc == 0)
		rc = scan_blob(&s, image, e);
	if (rc == 0) {
		tags_of_scan(&s, k);
		rc = x86 ? x86_version(pool, image, head, &k->version, e) : version_of_scan(pool, &s, k, e);
	}
	scan_done(&s);
	return rc;
}

/* The stub is outside the payload: only the version is lost when that cannot be read. */
static int zboot_version(struct pool *pool, const struct blob *image, struct kernel *k,
			 struct pcrcast_error *e)
{
	struct payload p = { .compression = COMPRESSION_COUNT };
	struct scan s;

	int rc = scan_begin(&s, FIND_BANNER, e);
	if (rc == 0)
		rc = zboot_payload(pool, image, &p, e);
	if (rc == 0)
		rc = scan_payload(&s, &p, k->zboot_compression, -1, NULL, e);
	if (rc == 0)
		rc = version_of_scan(pool, &s, k, e);
	scan_done(&s);
	return rc == -PCRCAST_ENOMEM || rc == -PCRCAST_EIO ? rc : 0;
}

/* The stub is inside the payload, if there is one: Linux 6.1. */
static int identify_nested(struct pool *pool, const struct blob *image, struct kernel *k,
			   struct source **ret_temp, struct pcrcast_error *e)
{
	struct source *temp = NULL;
	struct payload p = { .compression = COMPRESSION_COUNT };
	struct scan s;
	uint64_t len = 0;

	int rc = zboot_payload(pool, image, &p, e);
	if (rc < 0)
		return rc;
	int fd = temp_open(e);
	if (fd < 0)
		return fd;
	rc = scan_begin(&s, FIND_TAGS | FIND_BANNER, e);
	if (rc == 0)
		rc = scan_payload(&s, &p, k->zboot_compression, fd, &len, e);
	if (rc == 0)
		rc = version_of_scan(pool, &s, k, e);
	tags_of_scan(&s, k);
	scan_done(&s);
	if (rc < 0) {
		(void)close(fd);
		return rc;
	}

	rc = temp_source(fd, len, &temp, e);
	if (rc < 0)
		return rc;
	k->zboot_nested = k->measures_initrd || k->measures_load_options;
	if (k->zboot_nested)
		rc = blob_of_source(pool, temp, &k->zboot_payload, e);
	if (rc < 0 || !k->zboot_nested) {
		source_close(temp);
		return rc;
	}
	*ret_temp = temp;
	return 0;
}

static int identify_zboot(struct pool *pool, const struct blob *image, const uint8_t *head, struct kernel *k,
			  struct source **ret_temp, struct pcrcast_error *e)
{
	const uint8_t *name = head + ZBOOT_NAME_OFF;
	size_t len = strnlen((const char *)name, ZBOOT_NAME_MAX);
	struct scan s;

	k->zboot_compression =
		len && printable(name, len) ? pool_text(pool, (const char *)name, len) : "unknown";
	if (!k->zboot_compression)
		return err_nomem(e);
	int rc = scan_begin(&s, FIND_TAGS, e);
	if (rc == 0)
		rc = scan_blob(&s, image, e);
	tags_of_scan(&s, k);
	unsigned found = s.found;
	scan_done(&s);
	if (rc < 0)
		return rc;
	return found ? zboot_version(pool, image, k, e) : identify_nested(pool, image, k, ret_temp, e);
}

int kernel_identify(struct pool *pool, const struct blob *image, struct kernel *ret, struct source **ret_temp,
		    struct pcrcast_error *e)
{
	struct kernel k = { .zboot_payload = BLOB_EMPTY };
	struct source *temp = NULL;
	struct pcrcast_error local; /* err_wrap tells the code of a failure through an error object */
	uint8_t head[HEAD_LEN];

	if (!e)
		e = &local;
	int rc = read_head(image, head, e);
	if (rc == 0)
		rc = format_of(image, head, &k.format, e);
	if (rc == 0)
		rc = k.format == KERNEL_ZBOOT ? identify_zboot(pool, image, head, &k, &temp, e) :
						identify_plain(pool, image, head, &k, e);
	if (rc < 0)
		return rc;
	*ret = k;
	*ret_temp = temp;
	return 0;
}

/* ---- build id ---- */

/* Decompressed bytes kept in memory. */
struct memory {
	uint8_t *p;
	size_t n, cap;
};

enum { MEMORY_FIRST = 1 << 20 }; /* bytes, then twice as many each time */

static int memory_sink(void *ctx, struct slice bytes, struct pcrcast_error *e)
{
	struct memory *m = ctx;

	while (bytes.n > m->cap - m->n) {
		size_t cap = m->cap ? 2 * m->cap :
				      MEMORY_FIRST; /* the limit of decompress keeps this from overflowing */
		uint8_t *p = realloc(m->p, cap);

		if (!p)
			return err_nomem(e);
		m->p = p;
		m->cap = cap;
	}
	memcpy(m->p + m->n, bytes.p, bytes.n);
	m->n += bytes.n;
	return 0;
}

static int x86_build_id(struct pool *pool, const struct blob *image, const char **ret, const char **ret_why,
			struct pcrcast_error *e)
{
	struct payload payload = { .compression = COMPRESSION_COUNT };
	struct memory m = { .p = NULL };

	int rc = x86_payload(pool, image, &payload, e);
	if (rc < 0)
		return rc;
	if (payload.compression == COMPRESSION_COUNT)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "the payload is compressed in a way that cannot be read");
	rc = decompress(&payload.blob, payload.compression, DECOMPRESS_LIMIT, memory_sink, &m, e);
	if (rc < 0)
		rc = err_wrap(e, "payload (%s)", compression_name(payload.compression));
	if (rc == 0)
		rc = elf_build_id(pool, (struct slice){ m.n ? m.p : (const uint8_t *)"", m.n }, ret, ret_why,
				  e);
	free(m.p);
	return rc;
}

/* An Image is the kernel's memory, not an ELF file: its notes are found by their bytes. */
static int image_build_id(struct pool *pool, const struct blob *image, const struct kernel *k,
			  const char **ret, const char **ret_why, struct pcrcast_error *e)
{
	struct payload p = { .compression = COMPRESSION_COUNT };
	struct scan s;

	int rc = scan_begin(&s, FIND_BUILD_ID, e);
	if (rc < 0)
		return rc;
	if (k->format == KERNEL_ZBOOT && !k->zboot_nested) {
		rc = zboot_payload(pool, image, &p, e);
		if (rc == 0)
			rc = scan_payload(&s, &p, k->zboot_compression, -1, NULL, e);
	} else {
		rc = scan_blob(&s, k->format == KERNEL_ZBOOT ? &k->zboot_payload : image, e);
	}
	if (rc == 0 && s.found & FIND_BUILD_ID) {
		char *hex = pool_array(pool, 2 * BUILD_ID_LEN + 1, 1);

		if (hex)
			hex_encode(s.build_id, BUILD_ID_LEN, hex);
		else
			rc = err_nomem(e);
		*ret = hex;
	} else if (rc == 0) {
		*ret_why = "the kernel has no GNU build id";
	}
	scan_done(&s);
	return rc;
}

int kernel_build_id(struct pool *pool, const struct blob *image, const struct kernel *k, const char **ret,
		    const char **ret_why, struct pcrcast_error *e)
{
	struct pcrcast_error local;
	const char *id = NULL, *why = NULL;

	if (!e)
		e = &local;
	int rc = k->format == KERNEL_X86_BZIMAGE ? x86_build_id(pool, image, &id, &why, e) :
						   image_build_id(pool, image, k, &id, &why, e);
	if (rc == -PCRCAST_ENOMEM || rc == -PCRCAST_EIO)
		return rc;
	/* For display only: a kernel whose payload cannot be read is as well measured as any other. */
	if (rc < 0) {
		why = pool_text(pool, e->msg, strlen(e->msg));
		if (!why)
			return err_nomem(e);
	}
	*ret = id;
	*ret_why = why;
	return 0;
}
