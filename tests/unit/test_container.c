#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "predict/container.h"

static char top[64]; /* a directory of our own */

static const char *at(const char *name)
{
	static char path[4][512];
	static unsigned i;

	(void)snprintf(path[i % 4], sizeof path[0], "%s/%s", top, name);
	return path[i++ % 4];
}

static void put_file(const char *name, const void *bytes, size_t n)
{
	FILE *f = fopen(at(name), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
	(void)state;
	strcpy(top, "/tmp/pcrcast-test-XXXXXX");
	return mkdtemp(top) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	return nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void put_u64be(uint8_t *p, uint64_t v)
{
	put_u32be(p, (uint32_t)(v >> 32));
	put_u32be(p + 4, (uint32_t)v);
}

struct opened {
	uint8_t *copy;
	struct source *disk;
	const char *kind;
	struct pcrcast_error e;
};

/* Open bytes in an exact-size block, so that AddressSanitizer sees one byte too far. */
static int open_bytes(struct opened *o, const uint8_t *p, size_t n)
{
	struct source *s;

	*o = (struct opened){ .copy = malloc(n ? n : 1) };
	memcpy(o->copy, p, n);
	assert_int_equal(source_over_bytes((struct slice){ o->copy, n }, "bytes", &s, &o->e), 0);
	return container_open(s, "/nonexistent/image", "/nonexistent/image", &o->disk, &o->kind, &o->e);
}

static int open_named(struct opened *o, const char *name)
{
	struct source *s;

	*o = (struct opened){ .copy = NULL };
	assert_int_equal(source_open_file(at(name), &s, &o->e), 0);
	return container_open(s, at(name), at(name), &o->disk, &o->kind, &o->e);
}

static void done(struct opened *o)
{
	source_close(o->disk);
	free(o->copy);
}

static void assert_says(const struct opened *o, const char *words)
{
	if (!strstr(o->e.msg, words))
		fail_msg("expected \"%s\" in: %s", words, o->e.msg);
}

static void anything_else_is_a_raw_disk(void **state)
{
	uint8_t bytes[600] = { 0xeb, 0x63 };
	struct opened o;

	(void)state;
	for (size_t n = 0; n <= sizeof bytes; n++) {
		assert_int_equal(open_bytes(&o, bytes, n), 0);
		assert_string_equal(o.kind, "raw");
		assert_int_equal(source_size(o.disk), n);
		done(&o);
	}
}

static void formats_that_are_not_read_are_named_with_a_way_out(void **state)
{
	static const struct {
		size_t off;
		const char *magic, *words;
	} v[] = {
		{ 0, "vhdxfile", "a VHDX image" },
		{ 64, "\x7f\x10\xda\xbe", "a VirtualBox (VDI) image" },
		{ 0, "\x1f\x8b\x08", "compressed with gzip" },
		{ 0,
		  "\xfd"
		  "7zXZ",
		  "compressed with xz" },
		{ 0, "\x28\xb5\x2f\xfd", "compressed with zstd" },
		{ 0, "COWD", "older ESX form" },
	};
	struct opened o;

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		uint8_t bytes[256] = { 0 };

		memcpy(bytes + v[i].off, v[i].magic, strlen(v[i].magic));
		assert_int_equal(open_bytes(&o, bytes, sizeof bytes), -PCRCAST_EUNSUPPORTED);
		assert_says(&o, v[i].words);
		assert_says(&o, "first: ");
		done(&o);
	}
}

/* ---- VHD ---- */

static void vhd_sum(uint8_t *p, size_t n, size_t at_off)
{
	uint32_t sum = 0;

	put_u32be(p + at_off, 0);
	for (size_t i = 0; i < n; i++)
		sum += p[i];
	put_u32be(p + at_off, ~sum);
}

static void put_footer(uint8_t *p, uint32_t type, uint64_t size, uint64_t data_off)
{
	memset(p, 0, 512);
	memcpy(p, "conectix", 8);
	put_u32be(p + 8, 2);
	put_u32be(p + 12, 0x00010000);
	put_u64be(p + 16, data_off);
	put_u64be(p + 40, size);
	put_u64be(p + 48, size);
	put_u32be(p + 60, type);
	vhd_sum(p, 512, 64);
}

static void a_fixed_vhd_is_the_disk_in_front_of_its_footer(void **state)
{
	uint8_t bytes[4 * 512], buf[512];
	struct opened o;

	(void)state;
	memset(bytes, 'd', sizeof bytes);
	put_footer(bytes + 3 * 512, 2, 3 * 512, UINT64_MAX);
	assert_int_equal(open_bytes(&o, bytes, sizeof bytes), 0);
	assert_string_equal(o.kind, "vhd");
	assert_int_equal(source_size(o.disk), 3 * 512);
	assert_int_equal(source_read(o.disk, 1024, buf, 512, &o.e), 0);
	assert_memory_equal(buf, bytes, 512);
	assert_int_equal(source_read(o.disk, 1025, buf, 512, &o.e), -PCRCAST_ETRUNC);
	assert_int_equal(source_check(o.disk, &o.e), 0);
	done(&o);

	put_footer(bytes + 3 * 512, 2, 4 * 512, UINT64_MAX);
	assert_int_equal(open_bytes(&o, bytes, sizeof bytes), -PCRCAST_ETRUNC);
	assert_says(&o, "a fixed VHD of 2048 bytes, 1536 are there");
	done(&o);
	bytes[3 * 512 + 100] ^= 1; /* a wrong checksum: no footer, but bytes of a raw disk */
	assert_int_equal(open_bytes(&o, bytes, sizeof bytes), 0);
	assert_string_equal(o.kind, "raw");
	done(&o);
}

enum { VHD_BLOCK = 4096, VHD_LEN = 512 + 1024 + 512 + 512 + VHD_BLOCK + 512 };

/* Two blocks of 4 KiB, of which the second is there. */
static void put_dynamic_vhd(uint8_t *p)
{
	uint8_t *header = p + 512, *table = p + 1536, *block = p + 2048;

	memset(p, 0, VHD_LEN);
	put_footer(p, 3, 2 * VHD_BLOCK, 512);
	memcpy(header, "cxsparse", 8);
	put_u64be(header + 8, UINT64_MAX);
	put_u64be(header + 16, 1536);
	put_u32be(header + 24, 0x00010000);
	put_u32be(header + 28, 2);
	put_u32be(header + 32, VHD_BLOCK);
	vhd_sum(header, 1024, 36);
	memset(table, 0xff, 512);
	put_u32be(table + 4, 4);
	memset(block, 0xff, 512);
	for (size_t i = 0; i < VHD_BLOCK; i++)
		block[512 + i] = (uint8_t)(i * 11 + i / 256);
	memcpy(block + 512 + VHD_BLOCK, p, 512);
}

static void a_dynamic_vhd_is_read_through_its_table(void **state)
{
	uint8_t bytes[VHD_LEN], buf[2 * VHD_BLOCK];
	static const uint8_t zeros[VHD_BLOCK];
	struct opened o;

	(void)state;
	put_dynamic_vhd(bytes);
	put_file("v.vhd", bytes, sizeof bytes);
	int r = open_named(&o, "v.vhd");
#ifdef HAVE_LIBVHDI
	if (r < 0)
		fail_msg("%s", o.e.msg);
	assert_string_equal(o.kind, "vhd");
	assert_int_equal(source_size(o.disk), 2 * VHD_BLOCK);
	assert_int_equal(source_read(o.disk, 0, buf, sizeof buf, &o.e), 0);
	assert_memory_equal(buf, zeros, VHD_BLOCK);
	assert_memory_equal(buf + VHD_BLOCK, bytes + 2048 + 512, VHD_BLOCK);
#else
	(void)buf;
	(void)zeros;
	assert_int_equal(r, -PCRCAST_EUNSUPPORTED);
	assert_says(&o, "built without libvhdi");
#endif
	done(&o);
}

static void what_a_dynamic_vhd_claims_is_checked(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
		int code;
		const char *words;
	} v[] = {
		{ 16 + 4, 0xfffffff0, PCRCAST_ETRUNC, "runs past the end" },
		{ 28, 0x7fffffff, PCRCAST_ELIMIT, "2147483647 VHD blocks" },
		{ 28, 0x3fffff, PCRCAST_ETRUNC, "runs past the end" },
		{ 28, 1, PCRCAST_EFORMAT, "a VHD of 8192 bytes in 1 blocks of 4096" },
		{ 32, 0, PCRCAST_EFORMAT, "VHD blocks of 0 bytes" },
		{ 32, 4097, PCRCAST_EFORMAT, "VHD blocks of 4097 bytes" },
		{ 32, 0x80000000, PCRCAST_EFORMAT, "VHD blocks of 2147483648 bytes" },
	};
	uint8_t bytes[VHD_LEN];
	struct opened o;

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		put_dynamic_vhd(bytes);
		put_u32be(bytes + 512 + v[i].at, v[i].value);
		vhd_sum(bytes + 512, 1024, 36);
		assert_int_equal(open_bytes(&o, bytes, sizeof bytes), -v[i].code);
		assert_says(&o, v[i].words);
		done(&o);
	}
	put_dynamic_vhd(bytes);
	bytes[100] ^= 1;
	assert_int_equal(open_bytes(&o, bytes, sizeof bytes), -PCRCAST_EFORMAT);
	assert_says(&o, "damaged VHD footer");
	done(&o);
	put_footer(bytes, 4, 4096, 512);
	assert_int_equal(open_bytes(&o, bytes, sizeof bytes), -PCRCAST_EUNSUPPORTED);
	assert_says(&o, "a differencing VHD image");
	done(&o);
}

static void a_vhd_cut_short_anywhere_is_an_error(void **state)
{
	uint8_t bytes[VHD_LEN];
	struct opened o;

	(void)state;
	put_dynamic_vhd(bytes);
	for (size_t n = 8; n < sizeof bytes; n++) {
		/* In memory there is no file for the library to open: past the header's checks it fails. */
		assert_true(open_bytes(&o, bytes, n) < 0);
		done(&o);
	}
}

/* ---- qcow2 ---- */

enum { CLUSTER = 512, QCOW_LEN = 6 * CLUSTER };

/*
 * Version 3, clusters of 512 bytes: header, level 1 table, level 2 table, three clusters. The disk has six:
 * stored, missing, marked as zeros with old bytes behind, stored, marked as zeros, missing.
 */
static void put_qcow(uint8_t *p)
{
	memset(p, 0, QCOW_LEN);
	memcpy(p, "QFI\xfb", 4);
	put_u32be(p + 4, 3);
	put_u32be(p + 20, 9);
	put_u64be(p + 24, 6 * CLUSTER);
	put_u32be(p + 36, 1);
	put_u64be(p + 40, 1 * CLUSTER);
	put_u32be(p + 100, 104);
	put_u64be(p + CLUSTER, 2 * CLUSTER | UINT64_C(1) << 63);
	uint8_t *l2 = p + 2 * CLUSTER;
	put_u64be(l2 + 0 * 8, 3 * CLUSTER | UINT64_C(1) << 63);
	put_u64be(l2 + 2 * 8, 4 * CLUSTER | UINT64_C(1) << 63 | 1);
	put_u64be(l2 + 3 * 8, 5 * CLUSTER | UINT64_C(1) << 63);
	put_u64be(l2 + 4 * 8, 1);
	memset(p + 3 * CLUSTER, 'a', CLUSTER);
	memset(p + 4 * CLUSTER, 'o', CLUSTER);
	memset(p + 5 * CLUSTER, 'b', CLUSTER);
}

static void a_qcow2_is_read_cluster_by_cluster(void **state)
{
	uint8_t bytes[QCOW_LEN], expected[6 * CLUSTER] = { 0 }, buf[6 * CLUSTER];
	struct opened o;

	(void)state;
	put_qcow(bytes);
	memset(expected, 'a', CLUSTER);
	memset(expected + 3 * CLUSTER, 'b', CLUSTER);
	assert_int_equal(open_bytes(&o, bytes, sizeof bytes), 0);
	assert_string_equal(o.kind, "qcow2");
	assert_int_equal(source_size(o.disk), sizeof expected);
	for (size_t off = 0; off < sizeof expected; off += 37)
		for (size_t n = 0; n <= sizeof expected - off; n += 101) {
			assert_int_equal(source_read(o.disk, off, buf, n, &o.e), 0);
			assert_memory_equal(buf, expected + off, n);
		}
	done(&o);
}

static void a_qcow2_cut_short_anywhere_is_an_error_or_ends_in_zeros(void **state)
{
	uint8_t bytes[QCOW_LEN], buf[6 * CLUSTER];
	struct opened o;

	(void)state;
	put_qcow(bytes);
	for (size_t n = 4; n < sizeof bytes; n++) {
		if (open_bytes(&o, bytes, n) == 0) {
			int r = source_read(o.disk, 0, buf, sizeof buf, &o.e);

			/* Only the last cluster of a file may be cut short: then what is missing is zeros. */
			assert_int_equal(r == 0, n > 5 * CLUSTER);
		} else {
			assert_true(n < 2 * CLUSTER);
		}
		done(&o);
	}
}

static void what_a_qcow2_claims_is_checked(void **state)
{
	static const struct {
		size_t at, len;
		uint64_t value;
		int code;
		const char *words;
	} v[] = {
		{ 4, 4, 4, PCRCAST_EUNSUPPORTED, "qcow version 4" },
		{ 4, 4, 0, PCRCAST_EUNSUPPORTED, "qcow version 0" },
		{ 8, 8, 1 << 20, PCRCAST_EUNSUPPORTED, "needs its backing file" },
		{ 20, 4, 8, PCRCAST_EFORMAT, "clusters of 2^8 bytes" },
		{ 20, 4, 0xffffffff, PCRCAST_EFORMAT, "clusters of 2^4294967295 bytes" },
		{ 24, 8, UINT64_MAX, PCRCAST_EFORMAT, "with a level 1 table of 1 entries" },
		{ 32, 4, 1, PCRCAST_EUNSUPPORTED, "encrypted" },
		{ 36, 4, 0xffffffff, PCRCAST_ELIMIT, "table of 4294967295 entries" },
		{ 36, 4, 65536, PCRCAST_ETRUNC, "runs past the end" },
		{ 40, 8, UINT64_MAX - 4, PCRCAST_ETRUNC, "runs past the end" },
		{ 72, 8, 4, PCRCAST_EUNSUPPORTED, "features 0x4" },
		{ 72, 8, 1, 0, "" }, /* dirty: no matter */
	};
	uint8_t bytes[QCOW_LEN];
	struct opened o;

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		put_qcow(bytes);
		if (v[i].len == 8)
			put_u64be(bytes + v[i].at, v[i].value);
		else
			put_u32be(bytes + v[i].at, (uint32_t)v[i].value);
		assert_int_equal(open_bytes(&o, bytes, sizeof bytes), -v[i].code);
		assert_says(&o, v[i].words);
		done(&o);
	}
}

static void a_backing_file_is_named_and_not_opened(void **state)
{
	uint8_t bytes[QCOW_LEN];
	struct opened o;

	(void)state;
	put_qcow(bytes);
	put_u64be(bytes + 8, 200);
	put_u32be(bytes + 16, 11);
	memcpy(bytes + 200, "/etc/passwd", 11);
	assert_int_equal(open_bytes(&o, bytes, sizeof bytes), -PCRCAST_EUNSUPPORTED);
	assert_says(&o, "needs its backing file \"/etc/passwd\"");
	done(&o);
}

static void tables_of_a_qcow2_that_lead_astray_are_errors(void **state)
{
	static const struct {
		size_t at;
		uint64_t value;
		int code;
	} v[] = {
		{ CLUSTER, 600 * CLUSTER, PCRCAST_ETRUNC },
		{ 2 * CLUSTER, 600 * CLUSTER, PCRCAST_ETRUNC },
		{ 2 * CLUSTER, UINT64_C(0x00fffffffffffe00), PCRCAST_ETRUNC },
	};
	uint8_t bytes[QCOW_LEN], buf[1];
	struct opened o;

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		put_qcow(bytes);
		put_u64be(bytes + v[i].at, v[i].value);
		assert_int_equal(open_bytes(&o, bytes, sizeof bytes), 0);
		assert_int_equal(source_read(o.disk, 0, buf, 1, &o.e), -v[i].code);
		done(&o);
	}
	for (int level = 1; level <= 2; level++) {
		put_qcow(bytes);
		put_u32be(bytes + 20,
			  10); /* clusters of 1024 bytes: what lies at 1536 is not at the start of one */
		if (level == 1)
			put_u64be(bytes + CLUSTER, 3 * CLUSTER);
		assert_int_equal(open_bytes(&o, bytes, sizeof bytes), 0);
		assert_int_equal(source_read(o.disk, 0, buf, 1, &o.e), -PCRCAST_EFORMAT);
		assert_says(&o, level == 1 ? "a level 2 table at 1536" : "a cluster at 1536");
		done(&o);
	}
}

/* ---- VMDK ---- */

static void put_descriptor(const char *name, const char *parent, const char *extents)
{
	char text[2048];
	int n = snprintf(
		text, sizeof text,
		"# Disk "
		"DescriptorFile\nversion=1\nCID=12345678\nparentCID=%s\ncreateType=\"twoGbMaxExtentFlat\"\n\n"
		"# Extent description\n%s\n\n# The Disk Data Base\n#DDB\n\nddb.virtualHWVersion = \"4\"\n",
		parent, extents);

	put_file(name, text, (size_t)n);
}

#if defined(HAVE_LIBVMDK) && defined(HAVE_LIBBFIO)

static void a_vmdk_in_several_files_is_read(void **state)
{
	uint8_t a[8192], b[4096], buf[12288];
	struct opened o;

	(void)state;
	memset(a, 'a', sizeof a);
	memset(b, 'b', sizeof b);
	put_file("d-f001.vmdk", a, sizeof a);
	put_file("d-f002.vmdk", b, sizeof b);
	put_descriptor("d.vmdk", "ffffffff", "RW 16 FLAT \"d-f001.vmdk\" 0\nRW 8 FLAT \"d-f002.vmdk\" 0");
	if (open_named(&o, "d.vmdk") < 0)
		fail_msg("%s", o.e.msg);
	assert_string_equal(o.kind, "vmdk");
	assert_int_equal(source_size(o.disk), sizeof buf);
	assert_int_equal(source_read(o.disk, 0, buf, sizeof buf, &o.e), 0);
	assert_memory_equal(buf, a, sizeof a);
	assert_memory_equal(buf + sizeof a, b, sizeof b);
	assert_int_equal(source_check(o.disk, &o.e), 0);
	put_file("d-f002.vmdk", "short", 5);
	assert_int_equal(source_check(o.disk, &o.e), -PCRCAST_EIO);
	assert_true(source_read(o.disk, 8192, buf, 4096, &o.e) < 0);
	done(&o);
}

static void a_descriptor_cannot_reach_other_files(void **state)
{
	static const struct {
		const char *extents, *words;
	} v[] = {
		{ "RW 8 FLAT \"/etc/passwd\" 0", "not a plain file name" },
		{ "RW 8 FLAT \"../../../../etc/passwd\" 0", "not a plain file name" },
		{ "RW 8 FLAT \"..\" 0", "not a plain file name" },
		{ "RW 8 FLAT \"link\" 0", "not a regular file" },
		{ "RW 8 FLAT \"pipe\" 0", "not a regular file" },
		{ "RW 8 FLAT \"dir\" 0", "not a regular file" },
		{ "RW 8 FLAT \"none\" 0", "No such file" },
		{ "RW 8 SPARSE \"plain\" 0", "VMDK header" },
	};
	struct opened o;

	(void)state;
	put_file("plain", "text", 4);
	assert_int_equal(symlink("/etc/passwd", at("link")), 0);
	assert_int_equal(mkfifo(at("pipe"), 0666), 0);
	assert_int_equal(mkdir(at("dir"), 0777), 0);
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		put_descriptor("d.vmdk", "ffffffff", v[i].extents);
		assert_true(open_named(&o, "d.vmdk") < 0);
		assert_says(&o, v[i].words);
		done(&o);
	}
	put_descriptor("d.vmdk", "00000001", "RW 8 FLAT \"plain\" 0");
	assert_int_equal(open_named(&o, "d.vmdk"), -PCRCAST_EUNSUPPORTED);
	assert_says(&o, "it is a snapshot");
	done(&o);
}

/* A sparse VMDK's header; the rest of it is made and compared by the tests that have qemu-img. */
static void what_a_sparse_vmdk_claims_is_checked(void **state)
{
	static const struct {
		size_t at;
		uint64_t value;
		int code;
		const char *words;
	} v[] = {
		{ 8, 7, PCRCAST_EUNSUPPORTED, "zeroed grains" },
		{ 20, 0, PCRCAST_EFORMAT, "grains of 0 sectors" },
		{ 20, 100, PCRCAST_EFORMAT, "grains of 100 sectors" },
		{ 20, UINT64_C(1) << 40, PCRCAST_EFORMAT, "grains of 1099511627776 sectors" },
		{ 44, 0, PCRCAST_EFORMAT, "tables of 0 grains" },
		{ 44, 0xffffffff, PCRCAST_EFORMAT, "tables of 4294967295 grains" },
		{ 12, UINT64_MAX, PCRCAST_ELIMIT, "tables, at most" },
		{ 12, UINT64_C(1) << 31, PCRCAST_ETRUNC, "in a file of 2048 bytes" },
		{ 28, UINT64_C(1) << 50, PCRCAST_EFORMAT, "a VMDK descriptor of 1 sectors" },
		{ 36, 0, PCRCAST_EUNSUPPORTED, "one part of a VMDK" },
		{ 36, UINT64_C(1) << 60, PCRCAST_EFORMAT, "a VMDK descriptor of" },
	};
	uint8_t bytes[2048];
	struct opened o;

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		memset(bytes, 0, sizeof bytes);
		memcpy(bytes, "KDMV", 4);
		put_u32le(bytes + 4, 1);
		put_u32le(bytes + 8, 3);
		put_u64le(bytes + 12, 1024);
		put_u64le(bytes + 20, 128);
		put_u64le(bytes + 28, 1);
		put_u64le(bytes + 36, 1);
		put_u32le(bytes + 44, 512);
		if (v[i].at == 8 || v[i].at == 44)
			put_u32le(bytes + v[i].at, (uint32_t)v[i].value);
		else
			put_u64le(bytes + v[i].at, v[i].value);
		assert_int_equal(open_bytes(&o, bytes, sizeof bytes), -v[i].code);
		assert_says(&o, v[i].words);
		done(&o);
	}
	for (size_t n = 4; n < sizeof bytes; n++) {
		assert_true(open_bytes(&o, bytes, n) < 0);
		done(&o);
	}
}

#else

static void a_vmdk_needs_the_library(void **state)
{
	struct opened o;

	(void)state;
	put_descriptor("d.vmdk", "ffffffff", "RW 8 FLAT \"x\" 0");
	assert_int_equal(open_named(&o, "d.vmdk"), -PCRCAST_EUNSUPPORTED);
	assert_says(&o, "built without libvmdk");
	done(&o);
}

#endif

#define in_dir(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(anything_else_is_a_raw_disk),
		cmocka_unit_test(formats_that_are_not_read_are_named_with_a_way_out),
		cmocka_unit_test(a_fixed_vhd_is_the_disk_in_front_of_its_footer),
		in_dir(a_dynamic_vhd_is_read_through_its_table),
		cmocka_unit_test(what_a_dynamic_vhd_claims_is_checked),
		cmocka_unit_test(a_vhd_cut_short_anywhere_is_an_error),
		cmocka_unit_test(a_qcow2_is_read_cluster_by_cluster),
		cmocka_unit_test(a_qcow2_cut_short_anywhere_is_an_error_or_ends_in_zeros),
		cmocka_unit_test(what_a_qcow2_claims_is_checked),
		cmocka_unit_test(a_backing_file_is_named_and_not_opened),
		cmocka_unit_test(tables_of_a_qcow2_that_lead_astray_are_errors),
#if defined(HAVE_LIBVMDK) && defined(HAVE_LIBBFIO)
		in_dir(a_vmdk_in_several_files_is_read),
		in_dir(a_descriptor_cannot_reach_other_files),
		cmocka_unit_test(what_a_sparse_vmdk_claims_is_checked),
#else
		in_dir(a_vmdk_needs_the_library),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
