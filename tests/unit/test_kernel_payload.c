/* What is read out of the compressed part of kernel images: a stub inside it, and build ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/kernel_sample.h"

/* ---- zboot ---- */

static struct bytes inner_image(bool with_tags)
{
	struct bytes b = plain_image("ARM\x64");

	put(&b, banner, sizeof banner);
	put_note(&b, id_bytes);
	if (with_tags)
		put(&b, INITRD_TAG LOAD_OPTIONS_TAG, sizeof INITRD_TAG - 1 + sizeof LOAD_OPTIONS_TAG - 1);
	put_zeros(&b, 300000);
	return b;
}

static void a_stub_inside_the_payload_makes_zboot_nested(void **state)
{
	struct bytes inner = inner_image(true), b = zboot("gzip", gzip(inner));
	struct found f = identify(&b);
	struct slice unpacked;

	(void)state;
	assert_int_equal(f.rc, 0);
	assert_int_equal(f.k.format, KERNEL_ZBOOT);
	assert_string_equal(f.k.zboot_compression, "gzip");
	assert_true(f.k.measures_initrd && f.k.measures_load_options);
	assert_string_equal(f.k.version, banner_version);
	assert_true(f.k.zboot_nested);
	assert_non_null(f.temp);
	assert_int_equal(f.k.zboot_payload.len, inner.n);
	assert_int_equal(blob_load(&f.pool, &f.k.zboot_payload, inner.n, &unpacked, &f.e), 0);
	assert_memory_equal(unpacked.p, inner.p, inner.n);
	done(&f);
	assert_build_id(&b, id_hex);
	free(inner.p);
	free(b.p);
}

static void a_stub_outside_the_payload_does_not(void **state)
{
	struct bytes inner = inner_image(false), b = zboot("gzip", gzip(inner));
	struct found f = identify(&b);

	(void)state;
	/* No stub that measures at all. */
	assert_int_equal(f.rc, 0);
	assert_false(f.k.zboot_nested || f.k.measures_initrd || f.k.measures_load_options);
	assert_null(f.temp);
	done(&f);

	put(&b, INITRD_TAG, sizeof INITRD_TAG - 1);
	f = identify(&b);
	assert_int_equal(f.rc, 0);
	assert_true(f.k.measures_initrd);
	assert_false(f.k.zboot_nested || f.k.measures_load_options);
	assert_null(f.temp);
	assert_string_equal(f.k.version, banner_version);
	done(&f);
	assert_build_id(&b, id_hex);

	/* What the payload is matters only for its version then. */
	memcpy(b.p + 0x40, "????", 4);
	f = identify(&b);
	assert_int_equal(f.rc, 0);
	assert_true(f.k.measures_initrd);
	assert_null(f.k.version);
	done(&f);
	assert_build_id(&b, NULL);
	free(inner.p);
	free(b.p);
}

static void a_payload_that_cannot_be_read_is_an_error(void **state)
{
	struct bytes inner = inner_image(true), packed = gzip(inner);
	struct bytes b = zboot("brotli", packed);
	size_t n = b.n;

	(void)state;
	/* Damaged and cut short. */
	b.p[n - 8] ^= 1;
	assert_refused(&b, PCRCAST_EFORMAT);
	b.p[n - 8] ^= 1;
	put_u32le(b.p + 12, (uint32_t)(n - 0x40 - 1));
	assert_refused(&b, PCRCAST_ETRUNC);
	put_u32le(b.p + 12, (uint32_t)(n - 0x40 + 1)); /* past the end */
	assert_refused(&b, PCRCAST_ETRUNC);
	put_u32le(b.p + 8, UINT32_MAX);
	assert_refused(&b, PCRCAST_ETRUNC);

	/* Another format. */
	put_u32le(b.p + 8, 0x40);
	put_u32le(b.p + 12, (uint32_t)(n - 0x40));
	memcpy(b.p + 0x40, "????", 4);
	struct found f = identify(&b);
	assert_int_equal(f.rc, -PCRCAST_EUNSUPPORTED);
	assert_non_null(strstr(f.e.msg, "\"brotli\""));
	done(&f);
	b.p[24] = '\x1b';
	f = identify(&b);
	assert_int_equal(f.rc, -PCRCAST_EUNSUPPORTED);
	assert_non_null(strstr(f.e.msg, "\"unknown\""));
	done(&f);
	free(inner.p);
	free(b.p);
}

/* ---- build ids ---- */

static void the_build_id_of_an_x86_kernel_is_in_its_elf_file(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		bool elf64 = i & 1, section = i & 2, segment = i & 4;
		struct bytes elf = elf_file(elf64, section, segment, id_bytes);
		struct bytes b = bzimage(gzip(elf));

		assert_build_id(&b, section || segment ? id_hex : NULL);
		free(elf.p);
		free(b.p);
	}
}

static void without_a_build_id_there_is_a_reason(void **state)
{
	struct bytes elf = elf_file(true, true, false, id_bytes);
	struct bytes b = bzimage(gzip(elf));
	struct found f = identify(&b);
	const char *id, *why;

	(void)state;
	put_u16le(f.bytes + 0x206, 0x207); /* a protocol without payload */
	assert_int_equal(kernel_build_id(&f.pool, &f.blob, &f.k, &id, &why, NULL), 0);
	assert_null(id);
	assert_string_equal(why, "the setup header tells no payload");
	put_u16le(f.bytes + 0x206, 0x20f);
	put_u32le(f.bytes + 0x248, UINT32_MAX); /* a payload outside the file */
	assert_int_equal(kernel_build_id(&f.pool, &f.blob, &f.k, &id, &why, &f.e), 0);
	assert_null(id);
	put_u32le(f.bytes + 0x248, 1); /* in no known way compressed */
	put_u32le(f.bytes + 0x24c, 10);
	assert_int_equal(kernel_build_id(&f.pool, &f.blob, &f.k, &id, &why, &f.e), 0);
	assert_null(id);
	assert_non_null(why);
	done(&f);
	free(b.p);

	elf.p[5] = 2; /* big endian */
	b = bzimage(gzip(elf));
	assert_build_id(&b, NULL);
	free(b.p);
	elf.p[0] = 'x';
	b = bzimage(gzip(elf));
	assert_build_id(&b, NULL);
	free(b.p);
	elf.n = 0;
	b = bzimage(gzip(elf));
	assert_build_id(&b, NULL);
	free(b.p);
	free(elf.p);
}

static void every_truncation_of_an_elf_file_is_survived(void **state)
{
	(void)state;
	for (int i = 1; i < 8; i++) {
		struct bytes elf = elf_file(i & 1, i & 2, i & 4, id_bytes);
		struct pool pool = POOL_INIT;
		struct pcrcast_error e;
		const char *id, *why;

		for (size_t n = 0; n < elf.n; n++) {
			struct slice cut = { malloc(n ? n : 1), n };

			memcpy((uint8_t *)(uintptr_t)cut.p, elf.p, n);
			assert_int_equal(elf_build_id(&pool, cut, &id, &why, &e), 0);
			assert_int_equal(id != NULL, why == NULL);
			if (id)
				assert_string_equal(id, id_hex);
			(void)elf_len(cut);
			free((uint8_t *)(uintptr_t)cut.p);
		}
		assert_int_equal(elf_len((struct slice){ elf.p, 64 }), i & 2 ? elf.n : 0);
		pool_done(&pool);
		free(elf.p);
	}
}

static void notes_of_embedded_elf_files_are_not_the_kernels(void **state)
{
	struct bytes b = plain_image("ARM\x64");
	struct bytes vdso = elf_file(true, true, true, "a vDSO has its own .");
	struct bytes vdso32 = elf_file(false, true, true, "and so has the other");

	(void)state;
	put(&b, vdso.p, vdso.n);
	put_zeros(&b, 5000);
	put(&b, vdso32.p, vdso32.n);
	assert_build_id(&b, NULL);
	put(&b,
	    "\x7f"
	    "ELF",
	    4); /* no file, just its mark */
	put_zeros(&b, 100);
	put_note(&b, id_bytes);
	assert_build_id(&b, id_hex);
	b.n -= 1;
	assert_build_id(&b, NULL);
	free(vdso.p);
	free(vdso32.p);
	free(b.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stub_inside_the_payload_makes_zboot_nested),
		cmocka_unit_test(a_stub_outside_the_payload_does_not),
		cmocka_unit_test(a_payload_that_cannot_be_read_is_an_error),
		cmocka_unit_test(the_build_id_of_an_x86_kernel_is_in_its_elf_file),
		cmocka_unit_test(without_a_build_id_there_is_a_reason),
		cmocka_unit_test(every_truncation_of_an_elf_file_is_survived),
		cmocka_unit_test(notes_of_embedded_elf_files_are_not_the_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
