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

#include "predict/extra_dir.h"
#include "predict/image.h"
#include "predict/tree.h"

static char top[64]; /* a directory of our own */

static const char *at(const char *name)
{
	static char path[4][512];
	static unsigned i;

	(void)snprintf(path[i % 4], sizeof path[0], "%s/%s", top, name);
	return path[i++ % 4];
}

static void put_file(const char *name, const char *text)
{
	FILE *f = fopen(at(name), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void put_dir(const char *name)
{
	assert_int_equal(mkdir(at(name), 0777), 0);
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

static const char *names_in(struct tree *t, const char *path)
{
	static char text[1024];
	struct pcrcast_error e;
	struct tree_list l;
	size_t n = 0;

	text[0] = '\0';
	if (tree_list_dir(t, path, &l, &e) < 0)
		fail_msg("%s", e.msg);
	for (size_t i = 0; i < l.n; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s%s", i ? "|" : "", l.entries[i].name,
				      l.entries[i].is_dir ? "\\" : "");
	return text;
}

static void assert_file_is(struct tree *t, const char *path, const char *stored, const char *text)
{
	struct pool pool = POOL_INIT;
	struct pcrcast_error e;
	struct blob b;
	struct slice s = SLICE_EMPTY;
	const char *spelled = NULL;

	if (tree_open_file(t, path, &b, &spelled, &e) < 0 || blob_load(&pool, &b, 4096, &s, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(spelled, stored);
	assert_true(slice_equal_string(s, text));
	pool_done(&pool);
}

static void assert_open_fails(struct tree *t, const char *path, int code, const char *words)
{
	struct pcrcast_error e;
	struct blob b;

	assert_int_equal(tree_open_file(t, path, &b, NULL, &e), -code);
	if (!strstr(e.msg, words))
		fail_msg("expected \"%s\" in: %s", words, e.msg);
}

static struct tree *open_top(void)
{
	struct pcrcast_error e;
	struct tree *t;

	if (tree_open_directory(top, &t, &e) < 0)
		fail_msg("%s", e.msg);
	return t;
}

static void names_compare_as_in_edk2(void **state)
{
	(void)state;
	assert_true(tree_name_equal("BootX64.efi", "bOOTx64.EFI"));
	assert_false(tree_name_equal("a", "ab"));
	assert_false(tree_name_equal("", "a"));
	assert_true(tree_name_equal("\u00e0\u00f6\u00f8\u00fe", "\u00c0\u00d6\u00d8\u00de"));
	assert_false(tree_name_equal("\u00f7", "\u00d7")); /* division and multiplication sign */
	assert_false(tree_name_equal("\u00ff", "\u00df"));
	assert_false(tree_name_equal("\u00df", "SS"));
	assert_false(tree_name_equal("\u0151", "\u0150")); /* beyond Latin-1 nothing folds */
	assert_false(tree_name_equal("[", "{"));
	assert_true(tree_name_equal("\xc3", "\xc3")); /* not UTF-8, equal nevertheless */
	assert_false(tree_name_equal("\xc3", "\xc3\xa0"));
}

static void a_directory_is_walked_without_case(void **state)
{
	(void)state;
	put_dir("EFI");
	put_dir("EFI/Linux");
	put_file("EFI/Linux/b.efi", "bee");
	put_file("EFI/Linux/A.efi", "ay");
	struct tree *t = open_top();
	assert_string_equal(names_in(t, ""), "EFI\\");
	assert_string_equal(names_in(t, "\\efi\\LINUX\\"), "A.efi|b.efi");
	assert_file_is(t, "/efi//linux/B.EFI", "\\EFI\\Linux\\b.efi", "bee");
	assert_file_is(t, "efi\\.\\linux\\..\\Linux\\a.EFI ", "\\EFI\\Linux\\A.efi", "ay");
	assert_open_fails(t, "..\\x", PCRCAST_ENOTFOUND, "leads out");
	assert_open_fails(t, "efi\\li?ux", PCRCAST_ENOTFOUND, "not a name that firmware opens");
	assert_open_fails(t, "efi\\ . \\x", PCRCAST_ENOTFOUND, "not a name that firmware opens");
	assert_open_fails(t, "efi\\windows\\x", PCRCAST_ENOTFOUND, "no such file");
	struct tree_list l;
	struct pcrcast_error e;
	assert_int_equal(tree_list_dir(t, "efi\\linux\\a.efi", &l, &e), -PCRCAST_ENOTFOUND);
	tree_free(t);
}

static void a_path_longer_than_firmware_takes_is_an_error(void **state)
{
	char path[300] = "";

	(void)state;
	put_dir("D");
	struct tree *t = open_top();
	for (int i = 0; i < 128; i++)
		strcat(path, "\\.");
	assert_open_fails(t, path, PCRCAST_ENOTFOUND, "found a directory");
	strcat(path, "\\.");
	assert_open_fails(t, path, PCRCAST_ELIMIT, "longer than the 257 characters");
	tree_free(t);
}

static void names_that_differ_only_in_case_are_an_error(void **state)
{
	struct pcrcast_error e;
	struct tree_list l;

	(void)state;
	put_file("File", "1");
	put_file("fILE", "2");
	put_file("other", "3");
	struct tree *t = open_top();
	assert_int_equal(tree_list_dir(t, "\\", &l, &e), -PCRCAST_EFORMAT);
	assert_non_null(strstr(e.msg, "holds both \"File\" and \"fILE\""));
	assert_open_fails(t, "file", PCRCAST_EFORMAT, "holds both");
	assert_file_is(t, "OTHER", "\\other", "3");
	tree_free(t);
}

static void links_are_followed_and_dead_ones_fail_when_opened(void **state)
{
	(void)state;
	put_dir("real");
	put_file("real/f", "text");
	assert_int_equal(symlink("real", at("link")), 0);
	assert_int_equal(symlink("real/f", at("file")), 0);
	assert_int_equal(symlink("nowhere", at("dead")), 0);
	assert_int_equal(mkfifo(at("pipe"), 0666), 0);
	struct tree *t = open_top();
	assert_string_equal(names_in(t, "\\"), "dead|file|link\\|pipe|real\\");
	assert_file_is(t, "link\\f", "\\link\\f", "text");
	assert_file_is(t, "file", "\\file", "text");
	assert_open_fails(t, "dead", PCRCAST_EIO, "cannot be opened");
	assert_open_fails(t, "pipe", PCRCAST_EIO, "found a pipe");
	tree_free(t);
}

static void a_file_changed_after_it_was_opened_is_noticed(void **state)
{
	struct pcrcast_error e;

	(void)state;
	put_file("f", "one");
	struct tree *t = open_top();
	assert_file_is(t, "f", "\\f", "one");
	assert_int_equal(tree_check(t, &e), 0);
	put_file("f", "longer");
	assert_int_equal(tree_check(t, &e), -PCRCAST_EIO);
	assert_non_null(strstr(e.msg, "changed"));
	tree_free(t);
}

static void a_single_file_shows_its_companions_and_nothing_else(void **state)
{
	struct pcrcast_error e;
	struct tree *t;

	(void)state;
	put_file("Foo+3-1.efi", "uki");
	put_file("foo+3-1.efi.bak", "x");
	put_file("other", "x");
	put_dir("FOO.efi.extra.d");
	put_file("FOO.efi.extra.d/a.cred", "cred");
	put_dir("foo+3-1.EFI.extra.d");
	put_dir("other.extra.d");
	assert_int_equal(tree_open_single(at("Foo+3-1.efi"), &t, &e), 0);
	assert_string_equal(names_in(t, "\\"), "FOO.efi.extra.d\\|Foo+3-1.efi|foo+3-1.EFI.extra.d\\");
	assert_file_is(t, "foo+3-1.EFI", "\\Foo+3-1.efi", "uki");
	assert_file_is(t, "foo.efi.extra.d\\A.cred", "\\FOO.efi.extra.d\\a.cred", "cred");
	assert_open_fails(t, "other", PCRCAST_ENOTFOUND, "no such file");
	tree_free(t);
	assert_int_equal(tree_open_single(at("a\\b"), &t, &e), -PCRCAST_EINVAL);
}

static void a_stream_is_a_tree_of_one_file(void **state)
{
	struct pcrcast_error e;
	struct source *s;
	struct tree *t;

	(void)state;
	assert_int_equal(source_over_bytes(slice_of_string("MZ"), "standard input", &s, &e), 0);
	assert_int_equal(tree_open_source(s, "stdin.efi", &t, &e), 0);
	assert_string_equal(names_in(t, "\\"), "stdin.efi");
	assert_file_is(t, "STDIN.EFI", "\\stdin.efi", "MZ");
	assert_int_equal(tree_check(t, &e), 0);
	tree_free(t);
}

static void an_image_is_a_directory_a_file_or_a_disk(void **state)
{
	struct pcrcast_error e;
	struct image img;

	(void)state;
	put_file("UKI.efi", "MZ and so on");
	put_file("text", "just text");
	put_file("empty", "");
	assert_int_equal(image_open(top, &img, &e), 0);
	assert_int_equal(img.kind, IMAGE_DIRECTORY);
	assert_null(img.file);
	assert_int_equal(image_check(&img, &e), 0);
	image_done(&img);
	assert_int_equal(image_open(at("UKI.efi"), &img, &e), 0);
	assert_int_equal(img.kind, IMAGE_FILE);
	assert_string_equal(img.file, "\\UKI.efi");
	assert_file_is(img.esp, img.file, "\\UKI.efi", "MZ and so on");
	assert_int_equal(image_check(&img, &e), 0);
	image_done(&img);
	assert_int_equal(image_open(at("text"), &img, &e), -PCRCAST_EFORMAT);
	assert_non_null(strstr(e.msg, "9 bytes, expected an EFI file"));
	assert_int_equal(image_open(at("empty"), &img, &e), -PCRCAST_EFORMAT);
	assert_int_equal(image_open(at("none"), &img, &e), -PCRCAST_ENOTFOUND);
	assert_int_equal(image_open("/dev/zero", &img, &e), -PCRCAST_EIO);
	assert_non_null(strstr(e.msg, "character device"));
}

static int replace(struct tree *t, const char *path, const char *host, struct pcrcast_error *e)
{
	struct source *file;

	assert_int_equal(source_open_file(at(host), &file, e), 0);
	return tree_replace(t, path, file, e);
}

static void a_file_can_have_another_content(void **state)
{
	struct pcrcast_error e;
	struct tree_list list;
	struct tree *t;

	(void)state;
	put_dir("EFI");
	put_file("EFI/a.efi", "old");
	put_file("other", "newer");
	t = open_top();
	assert_int_equal(replace(t, "/efi/A.EFI", "other", &e), 0);
	assert_file_is(t, "/EFI/a.efi", "\\EFI\\a.efi", "newer");
	assert_int_equal(tree_list_dir(t, "/EFI", &list, &e), 0);
	assert_int_equal(list.entries[0].size, 5);
	assert_int_equal(replace(t, "/EFI/b.efi", "other", &e), -PCRCAST_ENOTFOUND);
	assert_int_equal(replace(t, "/EFI", "other", &e), -PCRCAST_ENOTFOUND);
	assert_int_equal(tree_check(t, &e), 0);
	put_file("other", "changed since");
	assert_int_not_equal(tree_check(t, &e), 0);
	tree_free(t);
}

static void what_is_removed_is_neither_listed_nor_found(void **state)
{
	struct pcrcast_error e;
	struct tree *t;

	(void)state;
	put_dir("EFI");
	put_dir("EFI/d");
	put_file("EFI/a.efi", "a");
	put_file("EFI/A.EFI", "the same name on FAT");
	put_file("EFI/b.efi", "b");
	put_file("EFI/d/c", "c");
	t = open_top();
	assert_int_equal(tree_remove(t, "\\EFI\\a.efi", &e), -PCRCAST_EFORMAT);
	tree_free(t);
	(void)remove(at("EFI/A.EFI"));
	t = open_top();
	assert_int_equal(tree_remove(t, "\\efi\\A.efi", &e), 0);
	assert_int_equal(tree_remove(t, "\\EFI\\d", &e), 0);
	assert_string_equal(names_in(t, "/EFI"), "b.efi");
	assert_open_fails(t, "/EFI/a.efi", PCRCAST_ENOTFOUND, "no such file");
	assert_open_fails(t, "/EFI/d/c", PCRCAST_ENOTFOUND, "no such file");
	assert_int_equal(tree_remove(t, "\\EFI\\a.efi", &e), -PCRCAST_ENOTFOUND);
	assert_int_equal(tree_remove(t, "\\", &e), -PCRCAST_ENOTFOUND);
	tree_free(t);
}

static void the_companion_directory_leaves_out_the_boot_counter(void **state)
{
	static const struct {
		const char *path, *plain, *stripped;
	} v[] = {
		{ "\\EFI\\Linux\\foo.efi", "\\EFI\\Linux\\foo.efi.extra.d", "\\EFI\\Linux\\foo.efi.extra.d" },
		{ "/EFI//Linux/foo.efi", "\\EFI\\Linux\\foo.efi.extra.d", "\\EFI\\Linux\\foo.efi.extra.d" },
		{ "foo+3.efi", "foo+3.efi.extra.d", "foo.efi.extra.d" },
		{ "foo+3-1.efi", "foo+3-1.efi.extra.d", "foo.efi.extra.d" },
		{ "foo+3-1", "foo+3-1.extra.d", "foo.extra.d" },
		{ "foo+", "foo+.extra.d", "foo+.extra.d" },
		{ "foo+.efi", "foo+.efi.extra.d", "foo+.efi.extra.d" },
		{ "foo+3-.efi", "foo+3-.efi.extra.d", "foo+3-.efi.extra.d" },
		{ "foo+3x.efi", "foo+3x.efi.extra.d", "foo+3x.efi.extra.d" },
		{ "a+deb12+3-1.efi", "a+deb12+3-1.efi.extra.d", "a+deb12+3-1.efi.extra.d" },
		{ "a+1.b+2.efi", "a+1.b+2.efi.extra.d", "a.b+2.efi.extra.d" },
		{ "\\d+1\\foo+2.efi", "\\d+1\\foo+2.efi.extra.d", "\\d+1\\foo+2.efi.extra.d" },
		{ "\\d+1.x\\foo+2.efi", "\\d+1.x\\foo+2.efi.extra.d", "\\d.x\\foo+2.efi.extra.d" },
		{ "", ".extra.d", ".extra.d" },
	};
	struct pool pool = POOL_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		assert_string_equal(extra_dir_of(&pool, v[i].path, false), v[i].plain);
		assert_string_equal(extra_dir_of(&pool, v[i].path, true), v[i].stripped);
	}
	pool_done(&pool);
}

#define in_dir(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_compare_as_in_edk2),
		in_dir(a_directory_is_walked_without_case),
		in_dir(a_path_longer_than_firmware_takes_is_an_error),
		in_dir(names_that_differ_only_in_case_are_an_error),
		in_dir(links_are_followed_and_dead_ones_fail_when_opened),
		in_dir(a_file_changed_after_it_was_opened_is_noticed),
		in_dir(a_file_can_have_another_content),
		in_dir(what_is_removed_is_neither_listed_nor_found),
		in_dir(a_single_file_shows_its_companions_and_nothing_else),
		cmocka_unit_test(a_stream_is_a_tree_of_one_file),
		in_dir(an_image_is_a_directory_a_file_or_a_disk),
		cmocka_unit_test(the_companion_directory_leaves_out_the_boot_counter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
