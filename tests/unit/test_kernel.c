/* Kernel images: formats, versions, and the tags of the EFI stub. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/kernel_sample.h"

/* ---- formats ---- */

static void formats_are_told_by_their_marks(void **state)
{
	struct bytes b = bzimage((struct bytes){ .p = NULL });

	(void)state;
	struct found f = identify(&b);
	assert_int_equal(f.rc, 0);
	assert_int_equal(f.k.format, KERNEL_X86_BZIMAGE);
	assert_string_equal(kernel_format_name(f.k.format), "x86 bzImage");
	done(&f);
	b.p[0x1fe] = 0;
	assert_refused(&b, PCRCAST_EUNSUPPORTED);
	free(b.p);

	static const struct {
		char magic[4];
		enum kernel_format format;
	} plain[] = { { "ARM\x64", KERNEL_ARM64_IMAGE }, { "RSC\x05", KERNEL_RISCV_IMAGE } };
	for (size_t i = 0; i < 2; i++) {
		b = plain_image(plain[i].magic);
		f = identify(&b);
		assert_int_equal(f.rc, 0);
		assert_int_equal(f.k.format, plain[i].format);
		assert_false(f.k.measures_initrd || f.k.measures_load_options);
		assert_null(f.k.version);
		done(&f);
		free(b.p);
	}

	/* LoongArch shares its mark with others, so the PE header counts. */
	b = plain_image("\xcd\x23\x82\x81");
	memcpy(b.p, "MZ", 2);
	put_u32le(b.p + 0x3c, 0x40);
	put(&b, "PE\0\0\x64\x62", 6);
	f = identify(&b);
	assert_int_equal(f.rc, 0);
	assert_int_equal(f.k.format, KERNEL_LOONGARCH_IMAGE);
	done(&f);
	b.p[0x44] = 0x65;
	assert_refused(&b, PCRCAST_EUNSUPPORTED);
	b.p[0x44] = 0x64;
	put_u32le(b.p + 0x3c, 0x41);
	assert_refused(&b, PCRCAST_EUNSUPPORTED);
	put_u32le(b.p + 0x3c, UINT32_MAX);
	assert_refused(&b, PCRCAST_EUNSUPPORTED);
	free(b.p);

	b = (struct bytes){ .p = NULL };
	put(&b, "MZ, but no kernel", 17);
	assert_refused(&b, PCRCAST_EUNSUPPORTED);
	b.n = 0;
	assert_refused(&b, PCRCAST_EUNSUPPORTED);
	free(b.p);
}

static void every_truncation_is_survived(void **state)
{
	struct bytes elf = elf_file(true, true, true, id_bytes);
	struct bytes b = bzimage(gzip(elf));
	const char *id, *why;

	(void)state;
	free(elf.p);
	put(&b, INITRD_TAG, sizeof INITRD_TAG - 1);
	for (size_t n = 0; n < b.n; n++) {
		struct found f = identify_n(&b, n);

		assert_int_equal(f.rc, n < 0x206 ? -PCRCAST_EUNSUPPORTED : 0);
		if (f.rc == 0) {
			assert_false(f.k.measures_initrd);
			assert_int_equal(f.k.version != NULL, n >= 0x380 + sizeof version);
			assert_int_equal(kernel_build_id(&f.pool, &f.blob, &f.k, &id, &why, &f.e), 0);
			assert_int_equal(id != NULL, n >= b.n - (sizeof INITRD_TAG - 1));
			assert_int_equal(why != NULL, id == NULL);
		}
		done(&f);
	}
	free(b.p);
}

/* ---- versions ---- */

static void the_x86_version_is_where_the_header_says(void **state)
{
	struct bytes b = bzimage((struct bytes){ .p = NULL });

	(void)state;
	assert_version(&b, version);
	b.p[0x380] = '\x1b'; /* not for a terminal */
	assert_version(&b, NULL);
	b.p[0x380] = '\0';
	assert_version(&b, NULL);
	put_u16le(b.p + 0x20e, 0);
	assert_version(&b, NULL);
	put_u16le(b.p + 0x20e, 0x1ff); /* the last byte of the image */
	b.p[0x3ff] = 'x';
	assert_version(&b, NULL);
	put_u16le(b.p + 0x20e, UINT16_MAX);
	assert_version(&b, NULL);

	/* Endless. */
	put_zeros(&b, 2000);
	memset(b.p + 0x380, 'x', 2000);
	put_u16le(b.p + 0x20e, 0x180);
	assert_version(&b, NULL);
	free(b.p);
}

static void a_plain_image_tells_its_version_by_its_banner(void **state)
{
	static const char *const others[] = {
		"Linux version %s (%s)\n",                      /* linux_proc_banner */
		"Linux version 6.1.0 (builder) (gcc) # SMP\n",  /* of the build's first pass */
		"Linux version 6.1.0 (builder) (gcc) #1\x1b\n", /* not for a terminal */
		"Linux version 6.1.0 (builder) (gcc) #1",       /* no line */
		"Linux version ",
		"Linux version \n",
		"Linux version 6 #\n",
	};
	struct bytes b = plain_image("ARM\x64");

	(void)state;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		put(&b, others[i], strlen(others[i]) + 1);
	put(&b, "Linux version 6.1.0 (builder) #1 SMP\nand more", 46);
	assert_version(&b, NULL);
	size_t none = b.n;
	put(&b, banner, sizeof banner - 1);
	assert_version(&b, NULL); /* it ends with the image, not with a NUL */
	put(&b, "", 1);
	assert_version(&b, banner_version);

	/* The first one counts. */
	put(&b, "Linux version 9 #9\n", 20);
	assert_version(&b, banner_version);

	/* Too long. */
	b.n = none;
	put(&b, "Linux version 6 #1", 18);
	for (int i = 0; i < 600; i++)
		put(&b, "x", 1);
	put(&b, "\n", 2);
	assert_version(&b, NULL);
	free(b.p);
}

/* ---- EFI stub tags ---- */

static void each_tag_is_found_for_itself(void **state)
{
	(void)state;
	for (unsigned tags = 0; tags < 4; tags++) {
		struct bytes b = bzimage((struct bytes){ .p = NULL });

		/* Nearly tags: other ids, a length without its NUL, other text. */
		put(&b, "\xee\x22\x3b\x8f\x0d\0\0\0Linux initrd", 21);
		put(&b, "\xec\x22\x3b\x8f\x0c\0\0\0Linux initrd", 21);
		put(&b, "\xec\x22\x3b\x8f\x0d\0\0\0Linux initrd!", 22);
		if (tags & 1)
			put(&b, INITRD_TAG, sizeof INITRD_TAG - 1);
		if (tags & 2)
			put(&b, LOAD_OPTIONS_TAG, sizeof LOAD_OPTIONS_TAG - 1);
		struct found f = identify(&b);
		assert_int_equal(f.rc, 0);
		assert_int_equal(f.k.measures_initrd, (tags & 1) != 0);
		assert_int_equal(f.k.measures_load_options, (tags & 2) != 0);
		assert_null(f.temp);
		done(&f);
		free(b.p);
	}
}

/* Images are searched in windows of 1 MiB: what lies across their edges must be found. */
static void nothing_is_lost_between_windows(void **state)
{
	enum { LEN = 3 << 20, EDGE = 1 << 20 };
	struct bytes b = plain_image("ARM\x64");
	size_t tags_len = sizeof INITRD_TAG - 1 + sizeof LOAD_OPTIONS_TAG - 1;

	(void)state;
	void *zeros = calloc(1, LEN);
	assert_non_null(zeros);
	put(&b, zeros, LEN);
	free(zeros);
	for (int i = -30; i < 30; i++) {
		size_t off = (size_t)(EDGE + i * 45);
		uint8_t *p = b.p + off;

		memcpy(p, INITRD_TAG, sizeof INITRD_TAG - 1);
		memcpy(p + sizeof INITRD_TAG - 1, LOAD_OPTIONS_TAG, sizeof LOAD_OPTIONS_TAG - 1);
		memcpy(p + tags_len, banner, sizeof banner);
		memcpy(p + EDGE, NOTE, 16);
		memcpy(p + EDGE + 16, id_bytes, 20);
		struct found f = identify(&b);
		assert_int_equal(f.rc, 0);
		assert_true(f.k.measures_initrd && f.k.measures_load_options);
		assert_non_null(f.k.version);
		assert_string_equal(f.k.version, banner_version);
		done(&f);
		assert_build_id(&b, id_hex);
		memset(p, 0, tags_len + sizeof banner);
		memset(p + EDGE, 0, 36);
	}
	free(b.p);
}

static void zeros_without_end_cost_nothing(void **state)
{
	struct pool pool = POOL_INIT;
	struct bytes b = plain_image("ARM\x64");
	struct blob_builder w = BLOB_BUILDER(&pool);
	struct source *temp = NULL;
	struct pcrcast_error e;
	struct blob blob;
	struct kernel k;

	(void)state;
	/* The tag's NUL is the first of the zeros. */
	put(&b, INITRD_TAG, sizeof INITRD_TAG - 2);
	blob_add_bytes(&w, (struct slice){ b.p, b.n });
	blob_add_zeros(&w, UINT64_C(1) << 50);
	blob_add_bytes(&w, slice_of_string("x"));
	assert_int_equal(blob_build(&w, &blob, &e), 0);
	assert_int_equal(kernel_identify(&pool, &blob, &k, &temp, &e), 0);
	assert_true(k.measures_initrd);
	pool_done(&pool);
	free(b.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_are_told_by_their_marks),
		cmocka_unit_test(every_truncation_is_survived),
		cmocka_unit_test(the_x86_version_is_where_the_header_says),
		cmocka_unit_test(a_plain_image_tells_its_version_by_its_banner),
		cmocka_unit_test(each_tag_is_found_for_itself),
		cmocka_unit_test(nothing_is_lost_between_windows),
		cmocka_unit_test(zeros_without_end_cost_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
