/* File systems of memory disks: tar, cpio, squashfs. The files are described in tests/data/filesystems/memdisk.origin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/digest.h"
#include "predict/tree.h"
#include "tests/unit/build_pe.h"

typedef int open_fn(const struct blob *bytes, const char *shown, struct tree **ret, struct pcrcast_error *e);

#define CONFIG "set timeout=0\nmenuentry e {\nlinux ($root)/linux a\n}\n"

static uint8_t *load(const char *name, size_t *ret_n)
{
	char path[100];

	snprintf(path, sizeof path, "tests/data/filesystems/%s", name);
	return load_file(path, ret_n);
}

/* A tree over the first n bytes; they are in a block of their own. */
struct opened {
	struct pool pool;
	struct tree *tree;
	uint8_t *bytes;
	struct pcrcast_error e;
};

static int open_bytes(struct opened *o, open_fn *open, const uint8_t *p, size_t n)
{
	struct blob b;

	*o = (struct opened){ .pool = POOL_INIT, .bytes = malloc(n ? n : 1) };
	assert_non_null(o->bytes);
	memcpy(o->bytes, p, n);
	assert_int_equal(blob_of_bytes(&o->pool, (struct slice){ o->bytes, n }, &b, NULL), 0);
	return open(&b, "disk", &o->tree, &o->e);
}

static void opened_done(struct opened *o)
{
	tree_free(o->tree);
	pool_done(&o->pool);
	free(o->bytes);
}

/* The whole of a file; its length in *ret_n. NULL: an error. */
static const uint8_t *content(struct opened *o, const char *path, size_t *ret_n)
{
	struct slice s;
	struct blob b;

	if (tree_open_file(o->tree, path, &b, NULL, &o->e) < 0 ||
	    blob_load(&o->pool, &b, 1 << 20, &s, &o->e) < 0)
		return NULL;
	*ret_n = s.n;
	return s.p;
}

static void expect_text(struct opened *o, const char *path, const char *text)
{
	size_t n;
	const uint8_t *p = content(o, path, &n);

	if (!p)
		fail_msg("%s: %s", path, o->e.msg);
	assert_int_equal(n, strlen(text));
	assert_memory_equal(p, text, n);
}

static const struct {
	const char *name;
	open_fn *open;
} disks[] = {
	{ "memdisk.tar", tree_open_archive },           { "memdisk.newc", tree_open_archive },
	{ "memdisk.squashfs", tree_open_squashfs },     { "memdisk-gzip.squashfs", tree_open_squashfs },
#ifdef HAVE_LZO2
	{ "memdisk-lzo.squashfs", tree_open_squashfs },
#endif
};

enum { N_DISKS = sizeof disks / sizeof disks[0] };

static void archives_are_read_by_the_names_in_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_DISKS; i++) {
		struct tree_list list;
		struct opened o;
		size_t n;
		uint8_t *p = load(disks[i].name, &n);

		assert_int_equal(open_bytes(&o, disks[i].open, p, n), 0);
		expect_text(&o, "/grub.cfg", CONFIG);
		expect_text(&o, "//fonts/./unicode.pf2", "PFF2");
		assert_null(content(&o, "/fonts", &n));
		assert_null(content(&o, "/fonts/none", &n));
		assert_int_equal(tree_list_dir(o.tree, "/fonts", &list, &o.e), 0);
		assert_int_equal(list.n, 1);
		assert_string_equal(list.entries[0].name, "unicode.pf2");
		assert_int_equal(list.entries[0].size, 4);
		assert_true(list.in_disk_order);
		opened_done(&o);
		free(p);
	}
}

static void expect_squashfs(const char *disk)
{
	/* seq 1 2500 | sha256sum; the same | head -c 4096 | sha256sum; head -c 20000 /dev/zero | sha256sum */
	static const struct {
		const char *path, *sha256;
		size_t n;
	} rows[] = {
		{ "/numbers", "8e1d4d46225eda9bd8d88929c6fc9026b5d0291a4d7e9770daf072898555ef31", 11393 },
		{ "/whole", "5d45b6510efbba88e03ce800c858b4a3a7a8a458e9708595f3665c78ea0713f8", 4096 },
		{ "/sparse", "28b4f41a7f3ee6d8cc87272db6e09c6d3566551fd4d18702b041a21658272a85", 20000 },
	};
	struct opened o;
	struct tree_list list;
	size_t n;
	uint8_t *p = load(disk, &n);

	assert_int_equal(open_bytes(&o, tree_open_squashfs, p, n), 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const uint8_t *c = content(&o, rows[i].path, &n);
		char hex[2 * 32 + 1] = "";
		struct digest d;

		assert_non_null(c);
		assert_int_equal(n, rows[i].n);
		assert_int_equal(digest_of(ALG_SHA256, (struct slice){ c, n }, &d, NULL), 0);
		for (size_t k = 0; k < 32; k++)
			snprintf(hex + 2 * k, 3, "%02x", d.bytes[k]);
		assert_string_equal(hex, rows[i].sha256);
	}
	expect_text(&o, "/empty", "");
	expect_text(&o, "/many/name-7", "7");
	expect_text(&o, "/many/name-400", "400");
	assert_int_equal(tree_list_dir(o.tree, "/many", &list, &o.e), 0);
	assert_int_equal(list.n, 400);
	assert_null(content(&o, "/link", &n));
	assert_string_equal(o.e.msg, "disk: \\link: links and special files of a squashfs are not followed");
	opened_done(&o);
	free(p);
}

static void files_of_a_squashfs_are_blocks_fragments_and_holes(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_DISKS; i++)
		if (disks[i].open == tree_open_squashfs)
			expect_squashfs(disks[i].name);
}

/* Nothing that is cut short is read past its end; what is still there is right. */
static void what_is_cut_short_is_an_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_DISKS; i++) {
		size_t n, len;
		uint8_t *p = load(disks[i].name, &n);

		for (size_t cut = 0; cut < n; cut += cut < 700 ? 1 : 97) {
			struct opened o;

			if (open_bytes(&o, disks[i].open, p, cut) == 0) {
				const uint8_t *c = content(&o, "/grub.cfg", &len);

				assert_true(!c || (len == sizeof CONFIG - 1 && memcmp(c, CONFIG, len) == 0));
			} else {
				assert_true(o.e.msg[0]);
			}
			opened_done(&o);
		}
		free(p);
	}
}

static void what_is_not_read_is_named(void **state)
{
	static const struct {
		const char *name;
		open_fn *open;
		size_t at;
		uint8_t byte;
		const char *words;
	} rows[] = {
		{ "memdisk.tar", tree_open_archive, 257, 'x', "expected \"ustar\" in the header" },
		{ "memdisk.tar", tree_open_archive, 124, '7', "runs past its end" },
		{ "memdisk.newc", tree_open_archive, 5, '5', "expected \"070701\"" },
		{ "memdisk.newc", tree_open_archive, 95, 'f', "runs past its end" },
		{ "memdisk.squashfs", tree_open_squashfs, 0, 'x', "it does not begin as version 4 does" },
		{ "memdisk.squashfs", tree_open_squashfs, 20, 6,
		  "compression 6, expected what GRUB reads: 1 (gzip), 3 (lzo) or 4 (xz)" },
		{ "memdisk.squashfs", tree_open_squashfs, 71, 1, "its superblock leads outside" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct opened o;
		size_t n;
		uint8_t *p = load(rows[i].name, &n);

		p[rows[i].at] = rows[i].byte;
		assert_true(open_bytes(&o, rows[i].open, p, n) < 0);
		if (!strstr(o.e.msg, rows[i].words))
			fail_msg("%s: %s", rows[i].words, o.e.msg);
		opened_done(&o);
		free(p);
	}
}

#ifndef HAVE_LZO2
static void without_liblzo2_its_blocks_are_not_read(void **state)
{
	struct opened o;
	size_t n;
	uint8_t *p = load("memdisk-lzo.squashfs", &n);

	(void)state;
	assert_int_equal(open_bytes(&o, tree_open_squashfs, p, n), 0);
	assert_null(content(&o, "/grub.cfg", &n));
	assert_non_null(strstr(o.e.msg, "squashfs: this program was built without liblzo2"));
	opened_done(&o);
	free(p);
}
#endif

/* In memdisk-gzip.squashfs the first block of numbers is at 96, that of whole at 4407. */
static void damaged_blocks_are_named_with_their_places(void **state)
{
	/* 'import zlib; print(zlib.compress(b"1\n2\n3\n").hex())' | python3: less than a block */
	static const uint8_t small[] = { 0x78, 0x9c, 0x33, 0xe4, 0x32, 0xe2, 0x32,
					 0xe6, 0x02, 0x00, 0x02, 0xb4, 0x00, 0xb5 };
	static const uint8_t no_header[] = { 0, 1 };
	static const struct {
		const char *path;
		size_t at;
		struct slice bytes;
		uint64_t offset;
		const char *msg;
	} rows[] = {
		{ "/numbers", 96, { small, sizeof small }, 96, "squashfs damaged: a block is too short" },
		{ "/whole",
		  4407,
		  { no_header, 2 },
		  4407,
		  "squashfs: compressed data damaged: incorrect header check" },
	};
	size_t n;
	uint8_t *p = load("memdisk-gzip.squashfs", &n);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pool pool = POOL_INIT;
		struct pcrcast_error e;
		struct source *file;
		struct blob b, content;
		struct tree *t;

		memcpy(p + rows[i].at, rows[i].bytes.p, rows[i].bytes.n);
		assert_int_equal(source_over_bytes((struct slice){ p, n }, "disk", &file, &e), 0);
		assert_int_equal(blob_of_source(&pool, file, &b, &e), 0);
		assert_int_equal(tree_open_squashfs(&b, "disk", &t, &e), 0);
		assert_int_equal(tree_open_file(t, rows[i].path, &content, NULL, &e), -PCRCAST_EFORMAT);
		if (!strstr(e.msg, rows[i].msg))
			fail_msg("%s: %s", rows[i].path, e.msg);
		assert_int_equal(e.offset, rows[i].offset);
		tree_free(t);
		pool_done(&pool);
		source_close(file);
	}
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(archives_are_read_by_the_names_in_them),
		cmocka_unit_test(files_of_a_squashfs_are_blocks_fragments_and_holes),
		cmocka_unit_test(what_is_cut_short_is_an_error),
		cmocka_unit_test(what_is_not_read_is_named),
#ifndef HAVE_LZO2
		cmocka_unit_test(without_liblzo2_its_blocks_are_not_read),
#endif
		cmocka_unit_test(damaged_blocks_are_named_with_their_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
