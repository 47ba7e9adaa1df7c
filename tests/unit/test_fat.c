#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "disk_writer.h"
#include "predict/tree.h"

/* An opened file system over an exact-size copy, so that AddressSanitizer sees one byte too far. */
struct mounted {
	uint8_t *copy;
	struct source *s;
	struct pool pool;
	struct tree *t;
	struct pcrcast_error e;
};

static int mount_bytes(struct mounted *m, const uint8_t *p, size_t n)
{
	struct blob fs;

	*m = (struct mounted){ .copy = malloc(n ? n : 1) };
	memcpy(m->copy, p, n);
	assert_int_equal(source_over_bytes((struct slice){ m->copy, n }, "bytes", &m->s, &m->e), 0);
	assert_int_equal(blob_of_source(&m->pool, m->s, &fs, &m->e), 0);
	return tree_open_fat(&fs, "disk", &m->t, &m->e);
}

static void mount_fat(struct mounted *m, const struct fat_writer *w)
{
	if (mount_bytes(m, w->p, w->n) < 0)
		fail_msg("%s", m->e.msg);
}

static void unmount(struct mounted *m)
{
	tree_free(m->t);
	pool_done(&m->pool);
	source_close(m->s);
	free(m->copy);
}

static void assert_file_is(struct mounted *m, const char *path, const void *bytes, size_t n)
{
	struct blob b;
	struct slice s;

	if (tree_open_file(m->t, path, &b, NULL, &m->e) < 0 ||
	    blob_load(&m->pool, &b, 1 << 20, &s, &m->e) < 0)
		fail_msg("%s", m->e.msg);
	assert_int_equal(s.n, n);
	assert_memory_equal(s.p, bytes, n);
}

static void assert_open_fails(struct mounted *m, const char *path, int code, const char *words)
{
	struct blob b;

	assert_int_equal(tree_open_file(m->t, path, &b, NULL, &m->e), -code);
	if (!strstr(m->e.msg, words))
		fail_msg("expected \"%s\" in: %s", words, m->e.msg);
}

/* The names in a directory, joined by '|'. */
static const char *names_in(struct mounted *m, const char *path)
{
	static char text[4096];
	struct tree_list l;
	size_t n = 0;

	text[0] = '\0';
	if (tree_list_dir(m->t, path, &l, &m->e) < 0)
		return m->e.msg;
	for (size_t i = 0; i < l.n; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i ? "|" : "", l.entries[i].name);
	return text;
}

/* \EFI\BOOT\BOOTX64.EFI of 1300 bytes in three fragments, of which the last two are neighbours in reverse. */
static struct fat_writer sample(int type, uint32_t sector, uint8_t *content, size_t *ret_n)
{
	struct fat_writer w = fat_new(type, sector, 1, type == 12 ? 40 : type == 16 ? 4085 : 65525, 12);
	uint32_t order[] = { 6, 9, 8 };
	uint32_t efi = 4, boot = 5;
	size_t n = 2 * sector + 276;

	fat_set(&w, 2, FAT_EOC); /* FAT32's root */
	uint8_t *p = fat_entry(w.p + w.root, "MYLABEL    ", 0x08, 0, 0, 0);
	fat_entry(p, "EFI        ", 0x10, 0, efi, 0);
	p = fat_entry(fat_cluster(&w, efi), ".          ", 0x10, 0, efi, 0);
	p = fat_entry(p, "..         ", 0x10, 0, 0, 0);
	fat_entry(p, "BOOT       ", 0x10, 0, boot, 0);
	fat_set(&w, efi, FAT_EOC);
	p = fat_entry(fat_cluster(&w, boot), ".          ", 0x10, 0, boot, 0);
	p = fat_entry(p, "..         ", 0x10, 0, efi, 0);
	fat_entry(p, "BOOTX64 EFI", 0x20, 0, order[0], (uint32_t)n);
	fat_set(&w, boot, FAT_EOC);
	for (size_t i = 0; i < 3; i++)
		fat_set(&w, order[i], i < 2 ? order[i + 1] : FAT_EOC);
	for (size_t i = 0; i < n; i++) {
		content[i] = (uint8_t)(i * 7 + i / 251);
		fat_cluster(&w, order[i / sector])[i % sector] = content[i];
	}
	*ret_n = n;
	return w;
}

static void a_file_is_read_from_every_kind_of_fat_and_sector(void **state)
{
	static const int types[] = { 12, 16, 32 };
	static const uint32_t sectors[] = { 512, 1024, 2048, 4096 };
	uint8_t content[3 * 4096];

	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < 4; k++) {
			size_t n;
			struct fat_writer w = sample(types[i], sectors[k], content, &n);
			struct mounted m;
			struct blob b;
			const char *path;

			mount_fat(&m, &w);
			assert_string_equal(names_in(&m, ""), "EFI");
			assert_string_equal(names_in(&m, "\\efi"), "BOOT");
			assert_file_is(&m, "/efi\\Boot\\bootx64.EFI", content, n);
			assert_int_equal(tree_open_file(m.t, "EFI/BOOT/bootx64.efi", &b, &path, &m.e), 0);
			assert_string_equal(path, "\\EFI\\BOOT\\BOOTX64.EFI");
			assert_int_equal(b.n_pieces, 3);
			assert_open_fails(&m, "\\EFI\\BOOT", PCRCAST_ENOTFOUND, "found a directory");
			assert_open_fails(&m, "\\EFI\\NONE", PCRCAST_ENOTFOUND, "no such file");
			assert_open_fails(&m, "\\EFI\\BOOT\\BOOTX64.EFI\\X", PCRCAST_ENOTFOUND,
					  "a file stands where");
			unmount(&m);
			free(w.p);
		}
}

static void neighbouring_clusters_are_joined(void **state)
{
	struct fat_writer w = fat_new(16, 512, 2, 5000, 20);
	struct mounted m;
	struct blob b;

	(void)state;
	fat_entry(w.p + w.root, "A       EFI", 0x20, 0, 3, 5 * 1024);
	for (uint32_t c = 3; c < 7; c++)
		fat_set(&w, c, c + 1);
	fat_set(&w, 7, FAT_EOC);
	mount_fat(&m, &w);
	assert_int_equal(tree_open_file(m.t, "a.efi", &b, NULL, &m.e), 0);
	assert_int_equal(b.n_pieces, 1);
	assert_int_equal(b.len, 5 * 1024);
	unmount(&m);
	free(w.p);
}

static void names_are_spelled_as_firmware_spells_them(void **state)
{
	struct fat_writer w = fat_new(16, 512, 1, 5000, 20);
	static const uint16_t umlaut[] = { 0xf6, 'l', '.', 't', 'x', 't' }; /* öl.txt */
	static const uint16_t pair[] = { 0xd83d, 0xde00, 'x' };
	uint8_t *p = w.p + w.root;
	struct mounted m;

	(void)state;
	p = fat_long_ascii(p, "A rather long name.efi", "ARATHE~1EFI");
	p = fat_entry(p, "ARATHE~1EFI", 0x20, 0, 0, 0);
	p = fat_entry(p, "LOWER   TXT", 0x20, 0x18, 0, 0);
	p = fat_entry(p, "BASE    TXT", 0x20, 0x08, 0, 0);
	p = fat_entry(p, "EXT     TXT", 0x20, 0x10, 0, 0);
	p = fat_entry(p, "NOEXT      ", 0x20, 0, 0, 0);
	p = fat_entry(p, "\xe5GONE   TXT", 0x20, 0, 0, 0);
	p = fat_entry(p, "\x05NTEN   TXT", 0x20, 0, 0, 0);
	p = fat_long(p, umlaut, 6, "OL      TXT");
	p = fat_entry(p, "OL      TXT", 0x20, 0, 0, 0);
	p = fat_long(p, pair, 3, "PAIR~1     ");
	p = fat_entry(p, "PAIR~1     ", 0x20, 0, 0, 0);
	fat_entry(p, "LABEL      ", 0x08, 0, 0, 0);
	mount_fat(&m, &w);
	assert_string_equal(names_in(&m, "\\"),
			    "A rather long name.efi|lower.txt|base.TXT|EXT.txt|NOEXT|åNTEN.TXT|öl.txt|😀x");
	assert_file_is(&m, "a RATHER long name.EFI", "", 0);
	assert_file_is(&m, "ÖL.TXT", "", 0);
	unmount(&m);
	free(w.p);
}

static void a_file_is_found_by_its_short_name_too(void **state)
{
	struct fat_writer w = fat_new(16, 512, 1, 5000, 20);
	struct mounted m;

	(void)state;
	uint8_t *p = fat_long_ascii(w.p + w.root, "Rather long.efi", "RATHER~1EFI");
	fat_entry(p, "RATHER~1EFI", 0x20, 0, 0, 0);
	mount_fat(&m, &w);
	assert_file_is(&m, "rather~1.efi", "", 0);
	assert_file_is(&m, " rather long.efi.. ", "", 0); /* EDK2 trims what is looked up */
	unmount(&m);

	fat_entry(p + 32, "OTHER      ", 0x20, 0, 0, 0);
	p = fat_long_ascii(p + 64, "rather~1.EFI", "OTHER2     ");
	fat_entry(p, "OTHER2     ", 0x20, 0, 0, 0);
	mount_fat(&m, &w);
	assert_open_fails(&m, "RATHER~1.EFI", PCRCAST_EFORMAT, "same name");
	assert_file_is(&m, "Rather long.efi", "", 0);
	unmount(&m);
	free(w.p);
}

/* The first 13 units of a long name, with something wrong about them; the short name must count then. */
static void a_long_name_that_does_not_fit_its_short_one_is_void(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} wrong[] = {
		{ 0, 0x01 },  /* not the last part, and the one before is no part */
		{ 0, 0x42 },  /* ordinal 2 */
		{ 0, 0xe5 },  /* deleted */
		{ 11, 0x2f }, /* attributes */
		{ 13, 0x00 }, /* checksum */
		{ 26, 0x01 }, /* cluster must be zero */
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct fat_writer w = fat_new(16, 512, 1, 5000, 20);
		struct mounted m;
		uint8_t *p = fat_entry(w.p + w.root, "FIRST      ", 0x20, 0, 0, 0);
		uint8_t *lfn = p;

		p = fat_long_ascii(p, "other.efi", "SHORT   EFI");
		fat_entry(p, "SHORT   EFI", 0x20, 0, 0, 0);
		mount_fat(&m, &w);
		assert_string_equal(names_in(&m, "\\"), "FIRST|other.efi");
		unmount(&m);
		lfn[wrong[i].at] = wrong[i].value;
		mount_fat(&m, &w);
		assert_string_equal(names_in(&m, "\\"), "FIRST|SHORT.EFI");
		unmount(&m);
		free(w.p);
	}
}

static void a_long_name_may_cross_clusters_and_have_255_units(void **state)
{
	struct fat_writer w = fat_new(16, 512, 1, 5000, 20);
	struct mounted m;
	char name[256];

	(void)state;
	memset(name, 'n', 255);
	name[255] = '\0';
	fat_entry(w.p + w.root, "D          ", 0x10, 0, 3, 0);
	fat_set(&w, 3, 5);
	fat_set(&w, 5, FAT_EOC);
	uint8_t dir[1024] = { 0 };
	uint8_t *p = fat_long_ascii(dir, name, "N~1        ");
	fat_entry(p, "N~1        ", 0x20, 0, 0, 0);
	memcpy(fat_cluster(&w, 3), dir, 512);
	memcpy(fat_cluster(&w, 5), dir + 512, 512);
	mount_fat(&m, &w);
	assert_string_equal(names_in(&m, "\\d"), name);
	unmount(&m);
	free(w.p);
}

static void two_names_that_differ_in_case_are_an_error_only_where_they_matter(void **state)
{
	struct fat_writer w = fat_new(16, 512, 1, 5000, 20);
	struct mounted m;

	(void)state;
	uint8_t *p = fat_entry(w.p + w.root, "SAME       ", 0x20, 0, 0, 0);
	p = fat_long_ascii(p, "Same", "OTHER      ");
	p = fat_entry(p, "OTHER      ", 0x20, 0, 0, 0);
	fat_entry(p, "THIRD      ", 0x20, 0, 0, 0);
	mount_fat(&m, &w);
	assert_non_null(strstr(names_in(&m, "\\"), "holds both \"SAME\" and \"Same\""));
	assert_open_fails(&m, "same", PCRCAST_EFORMAT, "holds both");
	assert_file_is(&m, "third", "", 0);
	unmount(&m);
	free(w.p);
}

static void chains_that_lead_astray_are_errors_of_that_file_alone(void **state)
{
	struct fat_writer w = fat_new(16, 512, 1, 5000, 20);
	struct mounted m;
	uint8_t *p = w.p + w.root;

	(void)state;
	memcpy(fat_cluster(&w, 15), "good", 4);
	fat_set(&w, 15, FAT_EOC);
	p = fat_entry(p, "LOOP       ", 0x20, 0, 3, 2048); /* 3 4 3 4 */
	fat_set(&w, 3, 4);
	fat_set(&w, 4, 3);
	p = fat_entry(p, "SELF       ", 0x20, 0, 5, 1024);
	fat_set(&w, 5, 5);
	p = fat_entry(p, "OUT        ", 0x20, 0, 6, 1024);
	fat_set(&w, 6, 5002);
	p = fat_entry(p, "SHORT      ", 0x20, 0, 7, 513);
	fat_set(&w, 7, FAT_EOC);
	p = fat_entry(p, "FREE       ", 0x20, 0, 8, 513);
	fat_set(&w, 8, 0);
	p = fat_entry(p, "BADMARK    ", 0x20, 0, 9, 513);
	fat_set(&w, 9, 0xfff7);
	p = fat_entry(p, "NONE       ", 0x20, 0, 0, 1);
	p = fat_entry(p, "ONE        ", 0x20, 0, 1, 1);
	p = fat_entry(p, "HUGE       ", 0x20, 0, 3, 0xffffffff);
	p = fat_entry(p, "CUTOFF     ", 0x20, 0, 4000, 1);
	p = fat_entry(p, "LOOPDIR    ", 0x10, 0, 3, 0);
	p = fat_entry(p, "OUTDIR     ", 0x10, 0, 60000, 0);
	p = fat_entry(p, "EMPTYDIR   ", 0x10, 0, 0, 0);
	fat_entry(p, "GOOD       ", 0x20, 0, 15, 4);
	fat_set(&w, 4000, FAT_EOC);
	mount_fat(&m, &w);
	assert_string_equal(
		names_in(&m, "\\"),
		"LOOP|SELF|OUT|SHORT|FREE|BADMARK|NONE|ONE|HUGE|CUTOFF|LOOPDIR|OUTDIR|EMPTYDIR|GOOD");
	assert_open_fails(&m, "loop", PCRCAST_EFORMAT, "runs in a circle through 3");
	assert_open_fails(&m, "self", PCRCAST_EFORMAT, "runs in a circle through 5");
	assert_open_fails(&m, "out", PCRCAST_EFORMAT,
			  "leads to 5002 after 1 clusters; there are clusters 2 to 5001");
	assert_open_fails(&m, "short", PCRCAST_EFORMAT, "ends after 1 of 2 clusters");
	assert_open_fails(&m, "free", PCRCAST_EFORMAT, "leads to 0 after 1");
	assert_open_fails(&m, "badmark", PCRCAST_EFORMAT, "leads to 65527 after 1");
	assert_open_fails(&m, "none", PCRCAST_EFORMAT, "leads to 0 after 0");
	assert_open_fails(&m, "one", PCRCAST_EFORMAT, "leads to 1 after 0");
	assert_open_fails(&m, "huge", PCRCAST_EFORMAT, "needs 8388608 clusters, the file system has 5000");
	assert_open_fails(&m, "cutoff", PCRCAST_ETRUNC, "cut off");
	assert_open_fails(&m, "loopdir\\x", PCRCAST_EFORMAT, "runs in a circle");
	assert_open_fails(&m, "outdir\\x", PCRCAST_EFORMAT, "leads to 60000");
	assert_string_equal(names_in(&m, "emptydir"), "");
	assert_file_is(&m, "good", "good", 4);
	unmount(&m);
	free(w.p);
}

static void what_follows_the_clusters_of_a_file_does_not_matter(void **state)
{
	struct fat_writer w = fat_new(12, 512, 1, 100, 20);
	struct mounted m;

	(void)state;
	fat_entry(w.p + w.root, "A          ", 0x20, 0, 3, 3);
	memcpy(fat_cluster(&w, 3), "abc", 3);
	fat_set(&w, 3, 3);
	mount_fat(&m, &w);
	assert_file_is(&m, "a", "abc", 3);
	unmount(&m);
	free(w.p);
}

static void a_directory_of_more_than_65536_entries_is_refused(void **state)
{
	struct fat_writer w = fat_new(32, 512, 1, 65525, 4);
	struct mounted m;

	(void)state;
	for (uint32_t c = 2; c < 2 + 5000; c++)
		fat_set(&w, c, c + 1);
	mount_fat(&m, &w);
	assert_non_null(strstr(names_in(&m, "\\"), "a directory of more than the 2097152 bytes"));
	unmount(&m);
	free(w.p);
}

static void a_file_in_too_many_fragments_is_refused(void **state)
{
	enum { N = 140000 };
	struct fat_writer w = fat_new(32, 512, 1, 2 * N + 100, 4);
	struct mounted m;

	(void)state;
	fat_set(&w, 2, FAT_EOC);
	fat_entry(w.p + w.root, "A          ", 0x20, 0, 4, N * 512);
	for (uint32_t i = 0; i < N; i++)
		fat_set(&w, 4 + 2 * i, 4 + 2 * (i + 1));
	mount_fat(&m, &w);
	assert_open_fails(&m, "a", PCRCAST_ELIMIT, "fragments");
	unmount(&m);
	free(w.p);
}

static void an_entry_with_the_volume_attribute_does_not_end_a_directory(void **state)
{
	struct fat_writer w = fat_new(12, 512, 1, 100, 20);
	struct mounted m;

	(void)state;
	uint8_t *p = fat_entry(w.p + w.root, "\0LABEL     ", 0x08, 0, 0, 0);
	p = fat_entry(p, "A          ", 0x20, 0, 0, 0);
	p = fat_entry(p, "\0          ", 0x20, 0, 0, 0);
	fat_entry(p, "B          ", 0x20, 0, 0, 0);
	mount_fat(&m, &w);
	assert_string_equal(names_in(&m, "\\"), "A");
	unmount(&m);
	free(w.p);
}

static void fat32_with_too_few_clusters_is_read_and_noted(void **state)
{
	struct fat_writer w = fat_new(32, 512, 1, 65524, 4);
	struct mounted m;

	(void)state;
	assert_int_equal(mount_bytes(&m, w.p, w.n), 0);
	assert_non_null(strstr(tree_note(m.t), "FAT32 with 65524 clusters"));
	unmount(&m);
	free(w.p);
}

static void boot_sectors_that_firmware_refuses_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint16_t value;
		const char *words;
	} bad[] = {
		{ 11, 0, "the sector size is 0" },       { 11, 513, "the sector size is 513" },
		{ 11, 8192, "the sector size is 8192" }, { 11, 256, "the sector size is 256" },
		{ 14, 0, "reserved sectors is 0" },      { 17, 0, "the root directory is 0" },
		{ 22, 0, "the size of a FAT is 0" },     { 22, 0xffff, "data would begin at sector" },
	};
	static const struct {
		size_t at;
		uint8_t value;
		const char *words;
	} bad8[] = {
		{ 13, 0, "sectors per cluster is 0" },
		{ 13, 3, "sectors per cluster is 3" },
		{ 16, 0, "number of FATs is 0" },
		{ 21, 0xf1, "media byte is 241" },
	};
	struct mounted m;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct fat_writer w = fat_new(16, 512, 1, 5000, 4);

		put_u16le(w.p + bad[i].at, bad[i].value);
		assert_int_equal(mount_bytes(&m, w.p, w.n), -PCRCAST_EFORMAT);
		if (!strstr(m.e.msg, bad[i].words))
			fail_msg("expected \"%s\" in: %s", bad[i].words, m.e.msg);
		unmount(&m);
		free(w.p);
	}
	for (size_t i = 0; i < sizeof bad8 / sizeof bad8[0]; i++) {
		struct fat_writer w = fat_new(16, 512, 1, 5000, 4);

		w.p[bad8[i].at] = bad8[i].value;
		assert_int_equal(mount_bytes(&m, w.p, w.n), -PCRCAST_EFORMAT);
		if (!strstr(m.e.msg, bad8[i].words))
			fail_msg("expected \"%s\" in: %s", bad8[i].words, m.e.msg);
		unmount(&m);
		free(w.p);
	}
}

/* Look at everything; whether it fails is not the question. Returns true when the sample's file came out. */
static bool read_all(struct mounted *m, const uint8_t *content, size_t n)
{
	struct tree_list l;
	struct blob b;
	struct slice s;

	if (!m->t)
		return false;
	(void)tree_list_dir(m->t, "\\", &l, &m->e);
	(void)tree_list_dir(m->t, "\\EFI", &l, &m->e);
	if (tree_open_file(m->t, "\\EFI\\BOOT\\BOOTX64.EFI", &b, NULL, &m->e) < 0 ||
	    blob_load(&m->pool, &b, 1 << 20, &s, &m->e) < 0)
		return false;
	return s.n == n && memcmp(s.p, content, n) == 0;
}

static void a_file_system_cut_short_anywhere_gives_the_file_or_an_error(void **state)
{
	uint8_t content[3 * 4096];
	size_t n, whole;
	struct fat_writer w = sample(12, 512, content, &n);
	struct mounted m;

	(void)state;
	/* The file's third fragment is in cluster 8, the second in cluster 9. */
	whole = w.data + (9 - 2) * 512 + 512;
	for (size_t len = 0; len <= w.n; len++) {
		(void)mount_bytes(&m, w.p, len);
		assert_int_equal(read_all(&m, content, n), len >= whole);
		unmount(&m);
	}
	free(w.p);
}

static void no_byte_of_the_boot_sector_or_fat_can_do_harm(void **state)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x02, 0x7f, 0x80, 0xf0, 0xff };
	uint8_t content[3 * 4096];
	size_t n;
	struct fat_writer w = sample(12, 512, content, &n);
	struct mounted m;

	(void)state;
	for (size_t at = 0; at < w.fat + 64; at++) {
		if (at == 64)
			at = w.fat;
		for (size_t i = 0; i < sizeof values; i++) {
			uint8_t was = w.p[at];

			w.p[at] = values[i];
			(void)mount_bytes(&m, w.p, w.n);
			(void)read_all(&m, content, n);
			unmount(&m);
			w.p[at] = was;
		}
	}
	free(w.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_read_from_every_kind_of_fat_and_sector),
		cmocka_unit_test(neighbouring_clusters_are_joined),
		cmocka_unit_test(names_are_spelled_as_firmware_spells_them),
		cmocka_unit_test(a_file_is_found_by_its_short_name_too),
		cmocka_unit_test(a_long_name_that_does_not_fit_its_short_one_is_void),
		cmocka_unit_test(a_long_name_may_cross_clusters_and_have_255_units),
		cmocka_unit_test(two_names_that_differ_in_case_are_an_error_only_where_they_matter),
		cmocka_unit_test(chains_that_lead_astray_are_errors_of_that_file_alone),
		cmocka_unit_test(what_follows_the_clusters_of_a_file_does_not_matter),
		cmocka_unit_test(a_directory_of_more_than_65536_entries_is_refused),
		cmocka_unit_test(a_file_in_too_many_fragments_is_refused),
		cmocka_unit_test(an_entry_with_the_volume_attribute_does_not_end_a_directory),
		cmocka_unit_test(fat32_with_too_few_clusters_is_read_and_noted),
		cmocka_unit_test(boot_sectors_that_firmware_refuses_are_refused),
		cmocka_unit_test(a_file_system_cut_short_anywhere_gives_the_file_or_an_error),
		cmocka_unit_test(no_byte_of_the_boot_sector_or_fat_can_do_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
