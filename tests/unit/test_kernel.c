/* Kernel images, built here byte by byte: formats, versions, EFI stub tags, payloads and build ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <zlib.h>

#include "base/bytes.h"
#include "uki/elf.h"
#include "uki/kernel.h"

#define INITRD_TAG "\xec\x22\x3b\x8f\x0d\x00\x00\x00Linux initrd\0"
#define LOAD_OPTIONS_TAG "\xed\x22\x3b\x8f\x1a\x00\x00\x00LOADED_IMAGE::LoadOptions\0"
#define NOTE "\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0"

static const char id_bytes[] =
	"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff\x01\x23\x45\x67";
static const char id_hex[] = "00112233445566778899aabbccddeeff01234567";
static const char version[] = "6.1.0-44-cloud-amd64 (builder@example.org) #1 SMP PREEMPT_DYNAMIC Debian";
static const char banner[] = "Linux version 6.1.0-44-cloud-arm64 (builder) (gcc) #1 SMP Debian\n";
static const char banner_version[] = "6.1.0-44-cloud-arm64 (builder) (gcc) #1 SMP Debian";

/* ---- building images ---- */

struct bytes {
	uint8_t *p;
	size_t n, cap;
};

static void put(struct bytes *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	if (n > b->cap - b->n) {
		b->cap = 2 * (b->cap + n);
		b->p = realloc(b->p, b->cap);
		assert_non_null(b->p);
	}
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

static void put_zeros(struct bytes *b, size_t n)
{
	while (n-- > 0)
		put(b, "", 1);
}

static void put16(struct bytes *b, uint16_t v)
{
	uint8_t p[2];

	put_u16le(p, v);
	put(b, p, sizeof p);
}

static void put32(struct bytes *b, uint32_t v)
{
	uint8_t p[4];

	put_u32le(p, v);
	put(b, p, sizeof p);
}

/* A word of the ELF class: 32 or 64 bits. */
static void put_word(struct bytes *b, bool elf64, uint32_t v)
{
	put32(b, v);
	if (elf64)
		put32(b, 0);
}

static void put_note(struct bytes *b, const char *id)
{
	put(b, NOTE, sizeof NOTE - 1);
	put(b, id, 20);
}

/* An ELF file whose notes (a foreign one, a build id) a section header, a program header or none tells. */
static struct bytes elf_file(bool elf64, bool section, bool segment, const char *id)
{
	enum { NOTES = 12 + 4 + 8 + 36 };
	size_t header = elf64 ? 64 : 52, program = elf64 ? 56 : 32, entry = elf64 ? 64 : 40;
	uint32_t notes = (uint32_t)(header + program);
	struct bytes b = { .p = NULL };

	put(&b,
	    elf64 ? "\x7f"
		    "ELF\2\1\1" :
		    "\x7f"
		    "ELF\1\1\1",
	    7);
	put_zeros(&b, 9);
	put16(&b, 2);
	put16(&b, 62);
	put32(&b, 1);
	put_word(&b, elf64, 0);
	put_word(&b, elf64, segment ? (uint32_t)header : 0);
	put_word(&b, elf64, section ? notes + NOTES : 0);
	put32(&b, 0);
	put16(&b, (uint16_t)header);
	put16(&b, (uint16_t)program);
	put16(&b, segment);
	put16(&b, (uint16_t)entry);
	put16(&b, section ? 2 : 0);
	put16(&b, 0);
	assert_int_equal(b.n, header);

	put32(&b, 4); /* PT_NOTE */
	if (elf64)
		put32(&b, 4); /* flags */
	put_word(&b, elf64, notes);
	put_word(&b, elf64, 0);
	put_word(&b, elf64, 0);
	put_word(&b, elf64, NOTES);
	put_word(&b, elf64, NOTES);
	put_word(&b, elf64, 4);
	if (!elf64)
		put32(&b, 4);
	assert_int_equal(b.n, notes);

	put(&b, "\4\0\0\0\5\0\0\0\3\0\0\0Xen\0abcde\0\0\0", 24);
	put_note(&b, id);
	assert_int_equal(b.n, notes + NOTES);

	put_zeros(&b, entry);
	put32(&b, 0);
	put32(&b, 7); /* SHT_NOTE */
	put_word(&b, elf64, 2);
	put_word(&b, elf64, 0);
	put_word(&b, elf64, notes);
	put_word(&b, elf64, NOTES);
	put32(&b, 0);
	put32(&b, 0);
	put_word(&b, elf64, 4);
	put_word(&b, elf64, 0);
	return b;
}

static struct bytes gzip(struct bytes in)
{
	struct bytes r = { malloc(in.n + 1000), in.n + 1000, in.n + 1000 };
	z_stream z = { .next_in = in.p, .avail_in = (uInt)in.n, .next_out = r.p, .avail_out = (uInt)r.n };

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	r.n = z.total_out;
	deflateEnd(&z);
	return r;
}

/* One setup sector, then the payload at 0x400; takes over payload. */
static struct bytes bzimage(struct bytes payload)
{
	struct bytes b = { .p = NULL };

	put_zeros(&b, 0x400);
	b.p[0x1f1] = 1;
	memcpy(b.p + 0x1fe, "\x55\xaa", 2);
	memcpy(b.p + 0x202, "HdrS", 4);
	put_u16le(b.p + 0x206, 0x20f);
	put_u16le(b.p + 0x20e, 0x380 - 0x200);
	put_u32le(b.p + 0x248, 0);
	put_u32le(b.p + 0x24c, (uint32_t)payload.n);
	memcpy(b.p + 0x380, version, sizeof version);
	put(&b, payload.p, payload.n);
	free(payload.p);
	return b;
}

static struct bytes plain_image(const char magic[4])
{
	struct bytes b = { .p = NULL };

	put_zeros(&b, 0x40);
	memcpy(b.p + 0x38, magic, 4);
	return b;
}

/* Takes over payload. */
static struct bytes zboot(const char *compression, struct bytes payload)
{
	struct bytes b = plain_image("\xcd\x23\x82\x81"); /* as real ones have */

	memcpy(b.p, "MZ\0\0zimg", 8);
	put_u32le(b.p + 8, 0x40);
	put_u32le(b.p + 12, (uint32_t)payload.n);
	memcpy(b.p + 24, compression, strlen(compression));
	put(&b, payload.p, payload.n);
	free(payload.p);
	return b;
}

/* ---- an image in an exact heap block, and what was found ---- */

struct found {
	uint8_t *bytes;
	struct pool pool;
	struct blob blob;
	struct kernel k;
	struct source *temp;
	int rc;
	struct pcrcast_error e;
};

static struct found identify_n(const struct bytes *b, size_t n)
{
	struct found f = { .bytes = malloc(n ? n : 1) };

	assert_non_null(f.bytes);
	if (n)
		memcpy(f.bytes, b->p, n);
	assert_int_equal(blob_of_bytes(&f.pool, (struct slice){ f.bytes, n }, &f.blob, &f.e), 0);
	f.rc = kernel_identify(&f.pool, &f.blob, &f.k, &f.temp, &f.e);
	return f;
}

static struct found identify(const struct bytes *b)
{
	return identify_n(b, b->n);
}

static void done(struct found *f)
{
	source_close(f->temp);
	pool_done(&f->pool);
	free(f->bytes);
}

static void assert_version(const struct bytes *b, const char *want)
{
	struct found f = identify(b);

	assert_int_equal(f.rc, 0);
	if (want) {
		assert_non_null(f.k.version);
		assert_string_equal(f.k.version, want);
	} else {
		assert_null(f.k.version);
	}
	done(&f);
}

/* want NULL: no build id, and a reason. */
static void assert_build_id(const struct bytes *b, const char *want)
{
	struct found f = identify(b);
	const char *id, *why;

	assert_int_equal(f.rc, 0);
	assert_int_equal(kernel_build_id(&f.pool, &f.blob, &f.k, &id, &why, &f.e), 0);
	if (want) {
		assert_non_null(id);
		assert_string_equal(id, want);
		assert_null(why);
	} else {
		assert_null(id);
		assert_non_null(why);
	}
	done(&f);
}

static void assert_refused(const struct bytes *b, enum pcrcast_code code)
{
	struct found f = identify(b);

	assert_int_equal(f.rc, -(int)code);
	assert_null(f.temp);
	done(&f);
}

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
		cmocka_unit_test(formats_are_told_by_their_marks),
		cmocka_unit_test(every_truncation_is_survived),
		cmocka_unit_test(the_x86_version_is_where_the_header_says),
		cmocka_unit_test(a_plain_image_tells_its_version_by_its_banner),
		cmocka_unit_test(each_tag_is_found_for_itself),
		cmocka_unit_test(nothing_is_lost_between_windows),
		cmocka_unit_test(zeros_without_end_cost_nothing),
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
