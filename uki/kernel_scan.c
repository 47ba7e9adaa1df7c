#define _GNU_SOURCE
#include "uki/kernel_scan.h"

#include <stdlib.h>
#include <string.h>

#include "uki/elf.h"

enum {
	SCAN_WINDOW = 1 << 20, /* bytes searched at a time */
	/* What any match needs behind its start: a banner of VERSION_MAX, an ELF header, a note. */
	SCAN_AHEAD = 1024,
};

/*
 * ELF files inside a kernel image, whose notes are not the kernel's, are vDSOs of a few pages; a header that
 * tells more than this is none of these.
 */
#define EMBEDDED_ELF_MAX (UINT64_C(1) << 20)

bool printable(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < 0x20 || p[i] > 0x7e)
			return false;
	return true;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/*
 * The EFI stub's table of events holds each tag ready to be measured: u32le id, u32le length, text with its
 * NUL (Linux drivers/firmware/efi/libstub/efi-stub-helper.c, efistub.h). This is what it logs.
 */
static const char tag_initrd[] = "\xec\x22\x3b\x8f\x0d\x00\x00\x00Linux initrd";
static const char tag_load_options[] = "\xed\x22\x3b\x8f\x1a\x00\x00\x00LOADED_IMAGE::LoadOptions";

/*
 * EFI_CC_MEASUREMENT_PROTOCOL, 96751a3d-72f4-41a6-a794-ed5d0e67ae6b (UEFI 2.10 section 38.2.1). Compilers for x86-64
 * load a GUID on the stack with two instructions, each with one half, as in Debian's kernel 6.12 and systemd-stub 257.
 */
static const char cc_low[] = "\x3d\x1a\x75\x96\xf4\x72\xa6\x41",
		  cc_high[] = "\xa7\x94\xed\x5d\x0e\x67\xae\x6b";

/* linux_banner (Linux init/version.c) begins so; its format string linux_proc_banner does not. */
static const char banner_start[] = "Linux version ";

/* A GNU build id note in an image that is no ELF file: lengths 4 and 20, type 3, name. */
static const char note_start[] = "\x04\x00\x00\x00\x14\x00\x00\x00\x03\x00\x00\x00GNU";
static const char elf_start[] = "\x7f"
				"ELF";

int scan_begin(struct scan *s, unsigned want, struct pcrcast_error *e)
{
	*s = (struct scan){ .want = want, .buf = malloc(SCAN_WINDOW + SCAN_AHEAD) };
	return s->buf ? 0 : err_nomem(e);
}

void scan_done(struct scan *s)
{
	free(s->buf);
}

static void scan_take(struct scan *s, unsigned what)
{
	s->found |= what;
	s->want &= ~what;
}

/* The first match at or behind from that starts before starts, NULL if there is none. */
static const uint8_t *scan_find(const struct scan *s, size_t from, size_t starts, const char *pattern,
				size_t len)
{
	size_t end = starts + len - 1 < s->n ? starts + len - 1 : s->n;

	return from < end ? memmem(s->buf + from, end - from, pattern, len) : NULL;
}

static void scan_tag(struct scan *s, size_t starts, unsigned what, const char *tag, size_t len)
{
	if (s->want & what && scan_find(s, 0, starts, tag, len))
		scan_take(s, what);
}

/*
 * The text of a banner is "6.1.0 (builder) (compiler) #1 SMP time": printable and with a build number. The one of
 * the build's first pass, which stays in the image unused, has no number (Linux 6.12 init/Makefile).
 */
static bool is_banner(const uint8_t *p, size_t n)
{
	const uint8_t *number = memmem(p, n, " #", 2);

	return printable(p, n) && is_digit(*p) && number && number + 2 < p + n && is_digit(number[2]);
}

/* A banner is one line and one string. */
static void scan_banner(struct scan *s, size_t starts)
{
	size_t skip = sizeof banner_start - 1;
	const uint8_t *p = s->buf;

	while (s->want & FIND_BANNER) {
		p = scan_find(s, (size_t)(p - s->buf), starts, banner_start, skip);
		if (!p)
			return;
		p += skip;
		size_t left = (size_t)(s->buf + s->n - p);
		const uint8_t *end = memchr(p, '\n', left < VERSION_MAX ? left : VERSION_MAX);
		if (!end || end == p || end + 1 == s->buf + s->n || end[1] != '\0' ||
		    !is_banner(p, (size_t)(end - p)))
			continue;
		memcpy(s->version, p, (size_t)(end - p));
		scan_take(s, FIND_BANNER);
	}
}

/*
 * The first build id note that lies in no embedded ELF file. The kernel's own notes follow its read-only
 * data, which hold the vDSOs (Linux include/asm-generic/vmlinux.lds.h, RO_DATA).
 */
static void scan_build_id(struct scan *s, size_t starts)
{
	size_t note_len = sizeof note_start, elf_len_min = sizeof elf_start - 1;
	const uint8_t *note = scan_find(s, 0, starts, note_start, note_len);
	const uint8_t *elf = scan_find(s, 0, starts, elf_start, elf_len_min);

	while (s->want & FIND_BUILD_ID && (note || elf)) {
		if (elf && (!note || elf < note)) {
			size_t off = (size_t)(elf - s->buf);
			size_t left = s->n - off;
			uint64_t len =
				elf_len((struct slice){ elf, left < ELF_HEADER_LEN ? left : ELF_HEADER_LEN });

			if (len <= EMBEDDED_ELF_MAX && s->start + off + len > s->elf_end)
				s->elf_end = s->start + off + len;
			elf = scan_find(s, off + 1, starts, elf_start, elf_len_min);
			continue;
		}
		size_t off = (size_t)(note - s->buf);
		if (s->n - off >= note_len + BUILD_ID_LEN && s->start + off >= s->elf_end) {
			memcpy(s->build_id, note + note_len, BUILD_ID_LEN);
			scan_take(s, FIND_BUILD_ID);
		}
		note = scan_find(s, off + 1, starts, note_start, note_len);
	}
}

/* Search the window. Matches that start in its last SCAN_AHEAD bytes wait for the next one, save at the end. */
static void scan_window(struct scan *s, bool last)
{
	size_t starts = last ? s->n : s->n > SCAN_AHEAD ? s->n - SCAN_AHEAD : 0;

	scan_tag(s, starts, FIND_INITRD, tag_initrd, sizeof tag_initrd);
	scan_tag(s, starts, FIND_LOAD_OPTIONS, tag_load_options, sizeof tag_load_options);
	scan_tag(s, starts, FIND_CC_LOW, cc_low, sizeof cc_low - 1);
	scan_tag(s, starts, FIND_CC_HIGH, cc_high, sizeof cc_high - 1);
	if (s->want & FIND_BANNER)
		scan_banner(s, starts);
	if (s->want & FIND_BUILD_ID)
		scan_build_id(s, starts);
	s->start += starts;
	s->n -= starts;
	memmove(s->buf, s->buf + starts, s->n);
}

/* Room for more bytes at the end of the window, never 0. */
static size_t scan_room(struct scan *s)
{
	if (s->n == SCAN_WINDOW + SCAN_AHEAD)
		scan_window(s, false);
	return SCAN_WINDOW + SCAN_AHEAD - s->n;
}

void scan_feed(struct scan *s, struct slice bytes)
{
	while (bytes.n > 0 && s->want) {
		size_t room = scan_room(s);
		size_t n = bytes.n < room ? bytes.n : room;

		memcpy(s->buf + s->n, bytes.p, n);
		s->n += n;
		bytes = (struct slice){ bytes.p + n, bytes.n - n };
	}
}

void scan_end(struct scan *s)
{
	scan_window(s, true);
}

static int scan_piece(struct scan *s, const struct blob *b, uint64_t off, uint64_t len,
		      struct pcrcast_error *e)
{
	while (len > 0 && s->want) {
		size_t room = scan_room(s);
		size_t n = len < room ? (size_t)len : room;

		int rc = blob_read(b, off, s->buf + s->n, n, e);
		if (rc < 0)
			return rc;
		s->n += n;
		off += n;
		len -= n;
	}
	return 0;
}

int scan_blob(struct scan *s, const struct blob *b, struct pcrcast_error *e)
{
	for (size_t i = 0; i < b->n_pieces; i++) {
		const struct blob_piece *p = &b->pieces[i];
		bool zeros = !p->source && !p->bytes;
		/* Nothing begins with a zero, so of a run of zeros only what can end a match is looked at. */
		uint64_t len = zeros && p->len > SCAN_AHEAD ? SCAN_AHEAD : p->len;

		int rc = scan_piece(s, b, p->start, len, e);
		if (rc < 0)
			return rc;
	}
	scan_end(s);
	return 0;
}

int scan_for_cc(const struct blob *b, bool *ret, struct pcrcast_error *e)
{
	struct scan s;

	int rc = scan_begin(&s, FIND_CC, e);
	if (rc == 0)
		rc = scan_blob(&s, b, e);
	*ret = (s.found & FIND_CC) == FIND_CC;
	scan_done(&s);
	return rc;
}
