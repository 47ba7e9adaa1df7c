/* Device paths as text, and hostile ones; GUIDs. */
#include "decode_writer.h"

#include "base/efi/device_path.h"

struct reading {
	uint8_t *block;
	struct pool pool;
	struct device_path path;
};

static void read_path(struct reading *x, const struct bytes *b, size_t n)
{
	*x = (struct reading){ .block = malloc(n ? n : 1), .pool = POOL_INIT };
	assert_non_null(x->block);
	if (n)
		memcpy(x->block, b->p, n);
	assert_int_equal(device_path_read(&x->pool, (struct slice){ x->block, n }, &x->path, NULL), 0);
	assert_non_null(x->path.text);
}

static void reading_done(struct reading *x)
{
	pool_done(&x->pool);
	free(x->block);
}

/* UEFI 2.10, section 10.6.1, as libefivar writes it. */
static void the_nodes_that_firmware_uses_have_their_text_form(void **state)
{
	static const struct {
		const char *node, *text;
	} rows[] = {
		{ "02010c00d041030a00000000", "PciRoot(0x0)" },
		{ "010106000201", "Pci(0x1,0x2)" },
		{ "03120a000100ffff0000", "Sata(1,65535,0)" },
		{ "04012a000100000000080000000000000000020000000000aaaaaaaabbbbccccddddeeeeeeeeeeee0202",
		  "HD(1,GPT,aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee,0x800,0x20000)" },
		{ "04031400f8d1c555cd04b5468a20e56cbb3052d0",
		  "VenMedia(55c5d1f8-04cd-46b5-8a20-e56cbb3052d0)" },
		{ "04041000"
		  "5c0061002e00650066006900",
		  "\\a.efi" },
		{ "0406140021aa2c4614760345836e8ab6f4662331",
		  "FvFile(462caa21-7614-4503-836e-8ab6f4662331)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bytes b = { .n = 0 };
		struct reading x;

		put_hex(&b, rows[i].node);
		put_hex(&b, "7fff0400");
		read_path(&x, &b, b.n);
		assert_string_equal(x.path.text, rows[i].text);
		assert_null(x.path.trouble);
		assert_true(x.path.complete);
		reading_done(&x);
	}
}

static void a_whole_path_names_its_file(void **state)
{
	struct bytes b = { .n = 0 };
	struct reading x;

	(void)state;
	put_path(&b);
	read_path(&x, &b, b.n);
	assert_string_equal(x.path.text, "PciRoot(0x0)/Pci(0x1,0x2)/\\EFI\\a.efi");
	assert_string_equal(x.path.file, "\\EFI\\a.efi");
	assert_null(x.path.what);
	reading_done(&x);
}

static void several_file_nodes_are_one_file(void **state)
{
	struct bytes b = { .n = 0 };
	struct reading x;

	(void)state;
	put_hex(&b, "04040c00"
		    "5c00450046004900"
		    "04040800"
		    "61000000"
		    "7fff0400");
	read_path(&x, &b, b.n);
	assert_string_equal(x.path.text, "\\EFI/a");
	assert_string_equal(x.path.file, "\\EFI\\a");
	reading_done(&x);
}

static void well_known_nodes_have_words(void **state)
{
	struct bytes b = { .n = 0 };
	struct reading x;

	(void)state;
	put_hex(&b, "04031400f8d1c555cd04b5468a20e56cbb3052d07fff0400");
	read_path(&x, &b, b.n);
	assert_string_equal(x.path.what, "kernel inside a unified kernel image");
	assert_null(x.path.file);
	reading_done(&x);
}

static void nodes_of_the_wrong_length_or_kind_are_hex(void **state)
{
	static const struct {
		const char *node, *text;
	} rows[] = {
		{ "0101050002", "Path(1,1,02)" },             /* PCI without its device */
		{ "04010800aabbccdd", "Path(4,1,aabbccdd)" }, /* a hard drive that is too short */
		{ "02021300000000000000000000000000414243",
		  "Path(2,2,000000000000000000000000414243)" }, /* strings without end */
		{ "09010400", "Path(9,1)" },
		{ "0901060012ab", "Path(9,1,12ab)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bytes b = { .n = 0 };
		struct reading x;

		put_hex(&b, rows[i].node);
		put_hex(&b, "7fff0400");
		read_path(&x, &b, b.n);
		assert_string_equal(x.path.text, rows[i].text);
		assert_null(x.path.trouble);
		reading_done(&x);
	}
}

static void every_truncation_is_told(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	put_path(&b);
	for (size_t n = 0; n < b.n; n++) {
		struct reading x;

		read_path(&x, &b, n);
		assert_int_equal(x.path.trouble != NULL, n > 0);
		assert_int_equal(x.path.complete, n == 0);
		assert_true(x.path.rest.n <= n);
		reading_done(&x);
	}
}

static void what_follows_the_end_is_the_rest(void **state)
{
	struct bytes b = { .n = 0 };
	struct reading x;

	(void)state;
	put_path(&b);
	size_t whole = b.n;
	put_hex(&b, "0102");
	read_path(&x, &b, b.n);
	assert_string_equal(x.path.trouble, "2 bytes behind the end of the device path");
	assert_true(x.path.complete);
	assert_ptr_equal(x.path.rest.p, x.block + whole);
	reading_done(&x);
}

static void unsound_lengths_end_the_path(void **state)
{
	struct bytes b = { .n = 0 };
	struct reading x;

	(void)state;
	put_hex(&b, "010106000201"
		    "01010300"
		    "7fff0400");
	read_path(&x, &b, b.n);
	assert_string_equal(x.path.text, "Pci(0x1,0x2)");
	assert_string_equal(x.path.trouble, "device path node 1 has length 3, expected 4 to 8");
	reading_done(&x);

	b.n = 0;
	put_hex(&b, "0101ffff0201");
	read_path(&x, &b, b.n);
	assert_string_equal(x.path.trouble, "device path node 0 has length 65535, expected 4 to 6");
	reading_done(&x);

	/* A path is not endless. */
	b.n = 0;
	for (int i = 0; i < 300; i++)
		put_hex(&b, "09010400");
	read_path(&x, &b, b.n);
	assert_string_equal(x.path.trouble, "more than 256 device path nodes");
	reading_done(&x);
}

static void guids_read_and_write_as_text(void **state)
{
	struct pool pool = POOL_INIT;
	char text[GUID_TEXT];
	struct guid g;

	(void)state;
	assert_true(guid_parse("8BE4DF61-93ca-11d2-aa0d-00e098032b8c", &g));
	guid_format(&g, text);
	assert_string_equal(text, GLOBAL_GUID);
	assert_int_equal(g.bytes[0], 0x61);
	assert_string_equal(guid_name(&pool, &g), "EFI Global Variable");
	assert_false(guid_parse("8be4df61-93ca-11d2-aa0d-00e098032b8", &g));
	assert_false(guid_parse("8be4df61-93ca-11d2-aa0d-00e098032b8c0", &g));
	assert_false(guid_parse("8be4df6193ca-11d2-aa0d-00e098032b8cc", &g));
	assert_true(guid_parse("12345678-93ca-11d2-aa0d-00e098032b8c", &g));
	assert_null(guid_name(&pool, &g));
	pool_done(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nodes_that_firmware_uses_have_their_text_form),
		cmocka_unit_test(a_whole_path_names_its_file),
		cmocka_unit_test(several_file_nodes_are_one_file),
		cmocka_unit_test(well_known_nodes_have_words),
		cmocka_unit_test(nodes_of_the_wrong_length_or_kind_are_hex),
		cmocka_unit_test(every_truncation_is_told),
		cmocka_unit_test(what_follows_the_end_is_the_rest),
		cmocka_unit_test(unsound_lengths_end_the_path),
		cmocka_unit_test(guids_read_and_write_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
