#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/efi/partition_type.h"
#include "disk_writer.h"
#include "predict/gpt.h"
#include "predict/image.h"

/* Run gpt_read or image_open_disk over an exact-size copy, so that AddressSanitizer sees one byte too far. */
struct disk {
	uint8_t *copy;
	struct source *s;
	struct pool pool;
	struct gpt gpt;
	struct image img;
	struct pcrcast_error e;
};

static void disk_init(struct disk *d, const uint8_t *p, size_t n)
{
	*d = (struct disk){ .copy = malloc(n ? n : 1) };
	memcpy(d->copy, p, n);
	assert_int_equal(source_over_bytes((struct slice){ d->copy, n }, "bytes", &d->s, &d->e), 0);
}

static void disk_done(struct disk *d)
{
	image_done(&d->img);
	pool_done(&d->pool);
	source_close(d->s);
	free(d->copy);
}

static int read_gpt(struct disk *d, const uint8_t *p, size_t n)
{
	disk_init(d, p, n);
	return gpt_read(&d->pool, d->s, &d->gpt, &d->e);
}

static int open_image(struct disk *d, const uint8_t *p, size_t n)
{
	disk_init(d, p, n);
	return image_open_disk(d->s, "disk", &d->img, &d->e);
}

static void assert_says(const struct disk *d, const char *words)
{
	if (!strstr(d->e.msg, words))
		fail_msg("expected \"%s\" in: %s", words, d->e.msg);
}

static struct gpt_writer sample(uint32_t sector)
{
	struct gpt_writer w = gpt_new(sector, 400);

	gpt_add(&w, 0, esp_guid, 40, 299, "ESP");
	gpt_add(&w, 3, linux_guid, 300, 350, "root \"quoted\"");
	gpt_finish(&w);
	return w;
}

/* Put a FAT12 file system with one file at a sector of the disk. */
static void put_fat(struct gpt_writer *w, uint32_t lba)
{
	struct fat_writer f = fat_new(12, 512, 1, 40, 20);

	fat_entry(f.p + f.root, "A          ", 0x20, 0, 3, 3);
	fat_set(&f, 3, FAT_EOC);
	memcpy(fat_cluster(&f, 3), "abc", 3);
	memcpy(w->p + (size_t)lba * w->sector, f.p, f.n);
	free(f.p);
}

static void partitions_are_found_with_sectors_of_512_and_4096_bytes(void **state)
{
	static const uint32_t sectors[] = { 512, 4096 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct gpt_writer w = sample(sectors[i]);
		struct disk d;

		assert_int_equal(read_gpt(&d, w.p, w.n), 0);
		assert_int_equal(d.gpt.sector_len, sectors[i]);
		assert_false(d.gpt.from_backup);
		assert_int_equal(d.gpt.header.n, 92);
		assert_int_equal(d.gpt.header_off, sectors[i]);
		assert_int_equal(d.gpt.entries_off, 2 * sectors[i]);
		assert_int_equal(d.gpt.n_entries, GPT_ENTRIES);
		assert_int_equal(d.gpt.n_partitions, 2);
		const struct gpt_partition *p = d.gpt.partitions;
		assert_int_equal(p[0].number, 1);
		assert_memory_equal(p[0].type, partition_type_esp.bytes, 16);
		assert_int_equal(p[0].first_lba, 40);
		assert_int_equal(p[0].last_lba, 299);
		assert_string_equal(p[0].name, "ESP");
		assert_null(p[0].hidden);
		assert_int_equal(p[1].number, 4);
		assert_string_equal(p[1].name, "root \"quoted\"");
		assert_string_equal(gpt_type_name(&d.pool, p[1].type), "Linux");
		assert_string_equal(gpt_type_name(&d.pool, p[1].guid),
				    "04040404-0404-0404-0404-040404040404");
		disk_done(&d);
		free(w.p);
	}
}

static void a_damaged_primary_table_is_replaced_by_the_backup(void **state)
{
	static const size_t damage[] = { 512, 512 + 16, 512 + 60, 1024, 1024 + GPT_ENTRIES * GPT_ENTRY - 1 };

	(void)state;
	for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
		struct gpt_writer w = sample(512);
		struct disk d;

		w.p[damage[i]] ^= 1;
		assert_int_equal(read_gpt(&d, w.p, w.n), 0);
		assert_true(d.gpt.from_backup);
		assert_int_equal(d.gpt.header_off, w.n - 512);
		assert_int_equal(d.gpt.n_partitions, 2);
		disk_done(&d);

		w.p[w.n - 512 + 60] ^= 1;
		assert_int_equal(read_gpt(&d, w.p, w.n), -PCRCAST_EFORMAT);
		assert_says(&d, "damaged GUID partition table");
		disk_done(&d);
		free(w.p);
	}
}

static void the_backup_is_noted_in_the_image(void **state)
{
	struct gpt_writer w = sample(512);
	struct disk d;

	(void)state;
	put_fat(&w, 40);
	assert_int_equal(open_image(&d, w.p, w.n), 0);
	assert_int_equal(d.img.n_notes, 0);
	assert_null(d.img.xbootldr);
	disk_done(&d);
	w.p[512 + 16] ^= 1;
	assert_int_equal(open_image(&d, w.p, w.n), 0);
	assert_int_equal(d.img.n_notes, 1);
	assert_non_null(strstr(d.img.notes[0], "backup"));
	disk_done(&d);
	free(w.p);
}

static void every_field_that_firmware_checks_is_checked(void **state)
{
	static const struct {
		size_t at;
		uint64_t value;
		const char *words;
	} bad[] = {
		{ 8, 0x00020000, "revision is 0x00020000" },
		{ 12, 91, "header has 91 bytes" },
		{ 12, 513, "header has 513 bytes" },
		{ 24, 2, "says it is at sector 2, found at 1" },
		{ 72, 0xffffffffffffffff, "run past the end" },
		{ 72, 399, "run past the end" },
		{ 80, 0, "0 entries" },
		{ 80, 0xffffffff, "4294967295 entries, expected 1 to 8192" },
		{ 84, 64, "entries have 64 bytes" },
		{ 84, 129, "entries have 129 bytes" },
		{ 84, 0x80000000, "entries have 2147483648 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct gpt_writer w = sample(512);
		struct disk d;

		if (bad[i].at == 72 || bad[i].at == 24)
			put_u64le(w.p + 512 + bad[i].at, bad[i].value);
		else
			put_u32le(w.p + 512 + bad[i].at, (uint32_t)bad[i].value);
		if (bad[i].at != 12)
			gpt_reseal(&w, 1);
		w.p[w.n - 512] = 0; /* no backup */
		assert_int_equal(read_gpt(&d, w.p, w.n), -PCRCAST_EFORMAT);
		assert_says(&d, bad[i].words);
		disk_done(&d);
		free(w.p);
	}
}

static void a_missing_protective_mbr_is_noted(void **state)
{
	struct gpt_writer w = sample(512);
	struct disk d;

	(void)state;
	put_fat(&w, 40);
	w.p[446 + 4] = 0x83;
	assert_int_equal(open_image(&d, w.p, w.n), 0);
	assert_int_equal(d.img.n_notes, 1);
	assert_non_null(strstr(d.img.notes[0], "no protective MBR"));
	disk_done(&d);
	free(w.p);
}

static void partitions_that_firmware_leaves_out_are_marked(void **state)
{
	struct gpt_writer w = gpt_new(512, 400);
	struct disk d;

	(void)state;
	gpt_add(&w, 0, linux_guid, 1, 20, "low");
	gpt_add(&w, 1, linux_guid, 350, 399, "high");
	gpt_add(&w, 2, linux_guid, 60, 50, "backward");
	gpt_add(&w, 3, linux_guid, 100, 120, "a");
	gpt_add(&w, 4, linux_guid, 120, 130, "b");
	gpt_add(&w, 5, linux_guid, 200, 210, "private");
	put_u64le(w.entries + 5 * GPT_ENTRY + 48, 2);
	gpt_add(&w, 6, linux_guid, 220, 220, "good");
	gpt_finish(&w);
	assert_int_equal(read_gpt(&d, w.p, w.n), 0);
	assert_int_equal(d.gpt.n_partitions, 7);
	assert_string_equal(d.gpt.partitions[0].hidden, "outside the usable sectors");
	assert_string_equal(d.gpt.partitions[1].hidden, "outside the usable sectors");
	assert_string_equal(d.gpt.partitions[2].hidden, "outside the usable sectors");
	assert_string_equal(d.gpt.partitions[3].hidden, "overlaps another partition");
	assert_string_equal(d.gpt.partitions[4].hidden, "overlaps another partition");
	assert_string_equal(d.gpt.partitions[5].hidden, "marked as not for firmware");
	assert_null(d.gpt.partitions[6].hidden);
	disk_done(&d);
	free(w.p);
}

static void two_tables_for_different_sector_sizes_are_refused(void **state)
{
	struct gpt_writer w = gpt_new(4096, 100), small = gpt_new(512, 800);
	struct disk d;

	(void)state;
	gpt_add(&small, 0, linux_guid, 40, 50, "x");
	gpt_finish(&small);
	gpt_add(&w, 0, esp_guid, 10, 50, "y");
	gpt_finish(&w);
	memcpy(w.p + 512, small.p + 512, 3584); /* the first table in the gap before the second one */
	assert_int_equal(read_gpt(&d, w.p, w.n), -PCRCAST_EUNSUPPORTED);
	assert_says(&d, "depends on the disk");
	disk_done(&d);
	free(w.p);
	free(small.p);
}

static void a_disk_must_hold_exactly_one_esp(void **state)
{
	struct gpt_writer w = gpt_new(512, 3000);
	struct disk d;

	(void)state;
	gpt_add(&w, 0, linux_guid, 40, 2087, "root");
	gpt_add(&w, 1, linux_guid, 2088, 2090, "other");
	gpt_finish(&w);
	assert_int_equal(open_image(&d, w.p, w.n), -PCRCAST_ENOTFOUND);
	assert_string_equal(
		d.e.msg,
		"disk: no EFI system partition; there is 1 Linux \"root\" 1 MiB, 2 Linux \"other\" 1.5 KiB");
	disk_done(&d);

	gpt_add(&w, 2, esp_guid, 2100, 2110, "A");
	gpt_add(&w, 3, esp_guid, 2200, 2210, "B");
	gpt_finish(&w);
	assert_int_equal(open_image(&d, w.p, w.n), -PCRCAST_EUNSUPPORTED);
	assert_says(&d, "disk: 2 EFI system partitions, expected one; there is 1 Linux \"root\" 1 MiB, ");
	assert_says(&d, "4 EFI system \"B\" 5.5 KiB");
	disk_done(&d);
	free(w.p);
}

static void a_long_list_of_partitions_is_cut_with_a_count(void **state)
{
	struct gpt_writer w = gpt_new(512, 3000);
	struct disk d;

	(void)state;
	for (unsigned i = 0; i < GPT_ENTRIES; i++)
		gpt_add(&w, i, xbootldr_guid, 40 + i, 40 + i, "a name of thirty-six characters here");
	gpt_finish(&w);
	assert_int_equal(open_image(&d, w.p, w.n), -PCRCAST_ENOTFOUND);
	assert_says(&d, " and 11 more");
	disk_done(&d);
	free(w.p);
}

static void the_extended_boot_loader_partition_is_opened_when_it_is_fat(void **state)
{
	struct gpt_writer w = gpt_new(512, 800);
	struct disk d;
	struct blob b;

	(void)state;
	gpt_add(&w, 0, xbootldr_guid, 100, 299, "boot");
	gpt_add(&w, 1, esp_guid, 300, 499, "esp");
	gpt_finish(&w);
	put_fat(&w, 300);
	assert_int_equal(open_image(&d, w.p, w.n), 0);
	assert_null(d.img.xbootldr);
	assert_non_null(strstr(d.img.xbootldr_unread, "not a FAT file system"));
	disk_done(&d);
	put_fat(&w, 100);
	assert_int_equal(open_image(&d, w.p, w.n), 0);
	assert_null(d.img.xbootldr_unread);
	assert_int_equal(tree_open_file(d.img.xbootldr, "a", &b, NULL, &d.e), 0);
	assert_int_equal(b.len, 3);
	disk_done(&d);
	free(w.p);
}

static void disks_without_a_table_are_named_for_what_they_are(void **state)
{
	struct fat_writer f = fat_new(12, 512, 1, 40, 40);
	uint8_t mbr[2048] = { 0 };
	struct disk d;

	(void)state;
	assert_int_equal(open_image(&d, f.p, f.n), 0); /* a FAT file system alone counts as an ESP */
	disk_done(&d);

	mbr[510] = 0x55;
	mbr[511] = 0xaa;
	mbr[446 + 4] = 0xef;
	put_u32le(mbr + 446 + 8, 1);
	put_u32le(mbr + 446 + 12, 2);
	assert_int_equal(open_image(&d, mbr, sizeof mbr), -PCRCAST_EUNSUPPORTED);
	assert_says(&d, "an MBR partition table (1 of type 0xef at sector 1)");
	disk_done(&d);

	memset(mbr, 'x', sizeof mbr);
	assert_int_equal(open_image(&d, mbr, sizeof mbr), -PCRCAST_EFORMAT);
	assert_says(&d, "found neither a GUID partition table nor a FAT file system");
	disk_done(&d);
	assert_int_equal(open_image(&d, mbr, 3), -PCRCAST_EFORMAT);
	assert_says(&d, "3 bytes");
	disk_done(&d);
	free(f.p);
}

static void a_disk_cut_short_anywhere_is_read_or_refused(void **state)
{
	struct gpt_writer w = sample(512);
	struct disk d;

	(void)state;
	put_fat(&w, 40);
	size_t primary = 1024 + sizeof w.entries;
	for (size_t n = 0; n < w.n; n += n < 4096 ? 1 : 61) {
		int r = read_gpt(&d, w.p, n);

		assert_int_equal(r == 0, n >= primary);
		disk_done(&d);
		(void)open_image(&d, w.p, n);
		disk_done(&d);
	}
	free(w.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(partitions_are_found_with_sectors_of_512_and_4096_bytes),
		cmocka_unit_test(a_damaged_primary_table_is_replaced_by_the_backup),
		cmocka_unit_test(the_backup_is_noted_in_the_image),
		cmocka_unit_test(every_field_that_firmware_checks_is_checked),
		cmocka_unit_test(a_missing_protective_mbr_is_noted),
		cmocka_unit_test(partitions_that_firmware_leaves_out_are_marked),
		cmocka_unit_test(two_tables_for_different_sector_sizes_are_refused),
		cmocka_unit_test(a_disk_must_hold_exactly_one_esp),
		cmocka_unit_test(a_long_list_of_partitions_is_cut_with_a_count),
		cmocka_unit_test(the_extended_boot_loader_partition_is_opened_when_it_is_fat),
		cmocka_unit_test(disks_without_a_table_are_named_for_what_they_are),
		cmocka_unit_test(a_disk_cut_short_anywhere_is_read_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
