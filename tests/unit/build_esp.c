#define _GNU_SOURCE
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "tests/unit/build_esp.h"

/* ---- bytes ---- */

void bytes_add(struct bytes *b, const void *p, size_t n)
{
	if (!n)
		return;
	b->p = realloc(b->p, b->n + n);
	assert_non_null(b->p);
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

void bytes_add_text(struct bytes *b, const char *text)
{
	bytes_add(b, text, strlen(text));
}

void bytes_add_wide(struct bytes *b, const char *ascii)
{
	for (;; ascii++) {
		bytes_add(b, (char[2]){ *ascii, 0 }, 2);
		if (!*ascii)
			break;
	}
}

void bytes_pad4(struct bytes *b)
{
	bytes_add(b, "\0\0\0", (4 - b->n % 4) % 4);
}

void bytes_add_signature_list(struct bytes *b, const struct guid *type, const struct guid *owner,
			      const void *p, size_t n)
{
	uint8_t lens[12] = { 0 };

	put_u32le(lens, (uint32_t)(28 + 16 + n));
	put_u32le(lens + 8, (uint32_t)(16 + n));
	bytes_add(b, type->bytes, 16);
	bytes_add(b, lens, 12);
	bytes_add(b, owner->bytes, 16);
	bytes_add(b, p, n);
}

void bytes_add_variable(struct bytes *b, const char *name, const struct guid *guid, const void *p, size_t n)
{
	struct bytes wide = { NULL, 0 };
	uint8_t lens[16];

	put_u64le(lens, strlen(name));
	put_u64le(lens + 8, n);
	bytes_add(b, guid->bytes, 16);
	bytes_add(b, lens, 16);
	bytes_add_wide(&wide, name);
	bytes_add(b, wide.p, wide.n - 2);
	bytes_add(b, p, n);
	bytes_done(&wide);
}

void bytes_done(struct bytes *b)
{
	free(b->p);
	*b = (struct bytes){ NULL, 0 };
}

static struct slice slice_of(const struct bytes *b)
{
	return (struct slice){ b->p ? b->p : (const uint8_t *)"", b->n };
}

/* cpio(5), "New ASCII Format". Archives here begin at multiples of 4. */
static void add_header(struct bytes *b, unsigned inode, unsigned mode, const char *name, size_t n)
{
	char head[160];

	(void)snprintf(head, sizeof head, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x",
		       inode, mode, 0, 0, 1, 0, n, 0, 0, 0, 0, strlen(name) + 1, 0);
	bytes_add(b, head, 110);
	bytes_add(b, name, strlen(name) + 1);
	bytes_pad4(b);
}

void bytes_add_cpio_dir(struct bytes *b, unsigned inode, unsigned mode, const char *name)
{
	add_header(b, inode, 0040000 | mode, name, 0);
}

void bytes_add_cpio_file(struct bytes *b, unsigned inode, unsigned mode, const char *name, const void *p,
			 size_t n)
{
	add_header(b, inode, 0100000 | mode, name, n);
	bytes_add(b, p, n);
	bytes_pad4(b);
}

void bytes_add_cpio_trailer(struct bytes *b)
{
	bytes_add_text(b, "070701"
			  "00000000"
			  "00000000"
			  "00000000"
			  "00000000"
			  "00000001"
			  "00000000"
			  "00000000"
			  "00000000"
			  "00000000"
			  "00000000"
			  "00000000"
			  "0000000B"
			  "00000000"
			  "TRAILER!!!");
	bytes_add(b, "\0\0\0\0", 4);
}

void bytes_add_archive(struct bytes *b, const char *sub, unsigned dir_mode, unsigned file_mode, ...)
{
	char dir[64], path[400];
	unsigned inode = 1;
	const char *name;
	va_list ap;

	(void)snprintf(dir, sizeof dir, ".extra%s%s", sub ? "/" : "", sub ? sub : "");
	bytes_add_cpio_dir(b, inode++, 0555, ".extra");
	if (sub)
		bytes_add_cpio_dir(b, inode++, dir_mode, dir);
	va_start(ap, file_mode);
	while ((name = va_arg(ap, const char *))) {
		const char *text = va_arg(ap, const char *);

		(void)snprintf(path, sizeof path, "%s/%s", dir, name);
		bytes_add_cpio_file(b, inode++, file_mode, path, text, strlen(text));
	}
	va_end(ap);
	bytes_add_cpio_trailer(b);
}

/* ---- the directory ---- */

int esp_setup(void **state)
{
	struct esp *x = calloc(1, sizeof *x);
	const char *tmp = getenv("TMPDIR");

	if (!x)
		return -1;
	if (!tmp || strlen(tmp) > 30)
		tmp = "/tmp";
	(void)snprintf(x->root, sizeof x->root, "%s/pcrcast-test.XXXXXX", tmp);
	x->p = PREDICTION_INIT;
	*state = x;
	return mkdtemp(x->root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void drop_prediction(struct esp *x)
{
	prediction_done(&x->p);
	if (x->open)
		image_done(&x->img);
	x->open = false;
}

int esp_teardown(void **state)
{
	struct esp *x = *state;

	drop_prediction(x);
	(void)nftw(x->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	while (x->n_kept)
		free(x->kept[--x->n_kept]);
	bytes_done(&x->load_options);
	free(x);
	return 0;
}

void *esp_keep(struct esp *x, void *p)
{
	assert_true(x->n_kept < sizeof x->kept / sizeof x->kept[0]);
	x->kept[x->n_kept++] = p;
	return p;
}

void esp_put(struct esp *x, const char *path, const void *bytes, size_t n)
{
	char full[512];

	(void)snprintf(full, sizeof full, "%s/%s", x->root, path);
	for (char *p = full + strlen(x->root) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		(void)mkdir(full, 0777);
	}
	FILE *f = fopen(full, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

void esp_put_text(struct esp *x, const char *path, const char *text)
{
	esp_put(x, path, text, strlen(text));
}

void esp_remove(struct esp *x, const char *path)
{
	char full[512];

	(void)snprintf(full, sizeof full, "%s/%s", x->root, path);
	assert_int_equal(remove(full), 0);
}

void esp_set_load_options(struct esp *x, const char *ascii)
{
	bytes_done(&x->load_options);
	bytes_add_wide(&x->load_options, ascii);
	x->opt.has_load_options = true;
	x->opt.load_options = (struct slice){ x->load_options.p, x->load_options.n - 2 };
}

static void run(struct esp *x, const char *path)
{
	drop_prediction(x);
	x->at = 0;
	x->result = image_open(path, &x->img, &x->e);
	if (x->result < 0)
		return;
	x->open = true;
	x->result = predict(&x->img, &x->opt, &x->p, &x->e);
}

void esp_predict(struct esp *x)
{
	run(x, x->root);
	if (x->result < 0)
		fail_msg("%s", x->e.msg);
}

void esp_predict_file(struct esp *x, const char *path)
{
	char full[512];

	(void)snprintf(full, sizeof full, "%s/%s", x->root, path);
	run(x, full);
	if (x->result < 0)
		fail_msg("%s", x->e.msg);
}

void esp_predict_fails(struct esp *x, int code, const char *words)
{
	run(x, x->root);
	if (x->result == 0)
		fail_msg("expected a failure with \"%s\"", words);
	if (x->result != -code || (int)x->e.code != code || !strstr(x->e.msg, words))
		fail_msg("expected %d, \"%s\"; got %d: %s", -code, words, x->result, x->e.msg);
}

/* ---- expectations ---- */

static bool is_shown(uint32_t pcr)
{
	return pcr == 4 || pcr == 9 || (pcr >= 11 && pcr <= 13);
}

/* Every event so far and the next one, so that a failure can be understood. */
static void dump(const struct esp *x)
{
	for (size_t i = 0; i < x->p.log.n_events; i++) {
		const struct event *ev = &x->p.log.events[i];
		char buf[11];

		if (is_shown(ev->pcr))
			print_message("%s %u %s %s [%s]\n", i < x->at ? "  " : "->", ev->pcr,
				      event_type_name(ev->type, buf), ev->description, ev->source);
	}
}

static const struct event *next_event(struct esp *x)
{
	while (x->at < x->p.log.n_events && !is_shown(x->p.log.events[x->at].pcr))
		x->at++;
	return x->at < x->p.log.n_events ? &x->p.log.events[x->at] : NULL;
}

static void wrong(const struct esp *x, const char *what, uint32_t pcr)
{
	dump(x);
	fail_msg("%s; expected an event of PCR %u", what, pcr);
}

void expect_event(struct esp *x, uint32_t pcr, uint32_t type, struct slice data, struct slice hashed)
{
	const struct event *ev = next_event(x);
	alg_set banks = x->opt.banks ? x->opt.banks : 1u << ALG_SHA256;

	if (!ev)
		wrong(x, "no event left", pcr);
	if (ev->pcr != pcr || ev->type != type)
		wrong(x, "another event", pcr);
	if (ev->data.n != data.n || memcmp(ev->data.p, data.p, data.n) != 0)
		wrong(x, "another event field", pcr);
	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		struct slice got = event_digest(ev, &x->p.log, alg);
		struct digest d;

		if (!(banks & 1u << alg))
			continue;
		assert_int_equal(digest_of(alg, hashed, &d, &x->e), 0);
		if (got.n != algs[alg].len || memcmp(got.p, d.bytes, got.n) != 0)
			wrong(x, "another digest", pcr);
	}
	x->at++;
}

void expect_reason(struct esp *x, uint32_t pcr, const char *words, const char *option)
{
	for (size_t i = 0; i < x->p.n_unknowns; i++) {
		const struct unknown *u = &x->p.unknowns[i];

		if (u->pcr == pcr && strstr(u->reason, words)) {
			if (option)
				assert_string_equal(u->option ? u->option : "", option);
			else
				assert_null(u->option);
			return;
		}
	}
	for (size_t i = 0; i < x->p.n_unknowns; i++)
		print_message("PCR %u: %s\n", x->p.unknowns[i].pcr, x->p.unknowns[i].reason);
	fail_msg("no reason with \"%s\" for PCR %u", words, pcr);
}

void expect_unknown(struct esp *x, uint32_t pcr, uint32_t type, const char *reason_words, const char *option)
{
	const struct event *ev = next_event(x);

	if (!ev)
		wrong(x, "no event left", pcr);
	if (ev->pcr != pcr || ev->type != type || ev->origin != EVENT_UNKNOWN || ev->n_digests)
		wrong(x, "another event", pcr);
	x->at++;
	assert_true(x->p.incomplete & 1u << pcr);
	expect_reason(x, pcr, reason_words, option);
}

void expect_firmware(struct esp *x)
{
	struct slice call = slice_of_string("Calling EFI Application from Boot Option"),
		     zeros = { (const uint8_t *)"\0\0\0\0", 4 };

	expect_event(x, 4, 0x80000007, call, call);
	expect_event(x, 4, 4, zeros, zeros);
}

void expect_image(struct esp *x, const char *path, const void *image, size_t n)
{
	const uint8_t *p = image;
	size_t opt = get_u32le(p + 0x3c) + 24, dirs = opt + (get_u16le(p + opt) == 0x10b ? 96 : 112);
	struct bytes data = { NULL, 0 }, hashed = { NULL, 0 };
	uint8_t fixed[32] = { 0 };

	/* Authenticode of an image without holes and sections out of order: all but two fields of the header and the signatures */
	bytes_add(&hashed, p, opt + 64);
	bytes_add(&hashed, p + opt + 68, dirs + 4 * 8 - (opt + 68));
	uint32_t end = get_u32le(p + dirs + 4 * 8); /* the signatures are last */
	bytes_add(&hashed, p + dirs + 5 * 8, (end ? end : n) - (dirs + 5 * 8));

	put_u64le(fixed + 8, n);
	put_u64le(fixed + 24, (path ? 4 + 2 * strlen(path) + 2 : 0) + 4);
	bytes_add(&data, fixed, sizeof fixed);
	if (path) {
		uint8_t node[4] = { 4, 4 };

		put_u16le(node + 2, (uint16_t)(4 + 2 * strlen(path) + 2));
		bytes_add(&data, node, 4);
		bytes_add_wide(&data, path);
	}
	bytes_add(&data, "\x7f\xff\x04\x00", 4);
	expect_event(x, 4, 0x80000003, slice_of(&data), slice_of(&hashed));
	bytes_done(&data);
	bytes_done(&hashed);
}

static void expect_ipl(struct esp *x, uint32_t pcr, const char *text, struct slice hashed)
{
	struct bytes data = { NULL, 0 };

	bytes_add_wide(&data, text);
	expect_event(x, pcr, 0x0d, slice_of(&data), hashed);
	bytes_done(&data);
}

void expect_section(struct esp *x, const char *name, const void *content, size_t n)
{
	expect_ipl(x, 11, name, (struct slice){ (const uint8_t *)name, strlen(name) + 1 });
	expect_ipl(x, 11, name, (struct slice){ content, n });
}

void expect_section_text(struct esp *x, const char *name, const char *content)
{
	expect_section(x, name, content, strlen(content));
}

void expect_line(struct esp *x, const char *ascii)
{
	struct bytes line = { NULL, 0 };

	bytes_add_wide(&line, ascii);
	expect_event(x, 12, 0x0d, slice_of(&line), slice_of(&line));
	bytes_done(&line);
}

void expect_archive(struct esp *x, uint32_t pcr, const char *text, struct bytes archive)
{
	expect_ipl(x, pcr, text, slice_of(&archive));
	bytes_done(&archive);
}

void expect_tagged(struct esp *x, uint32_t pcr, uint32_t tag, const char *name, struct slice hashed)
{
	struct bytes data = { NULL, 0 };
	uint8_t head[8];

	put_u32le(head, tag);
	put_u32le(head + 4, (uint32_t)(2 * strlen(name) + 2));
	bytes_add(&data, head, sizeof head);
	bytes_add_wide(&data, name);
	expect_event(x, pcr, 6, slice_of(&data), hashed);
	bytes_done(&data);
}

void expect_kernel_line(struct esp *x, const char *ascii)
{
	static const uint8_t data[] = "\xed\x22\x3b\x8f\x1a\0\0\0LOADED_IMAGE::LoadOptions";
	struct bytes line = { NULL, 0 };

	bytes_add_wide(&line, ascii);
	expect_event(x, 9, 6, (struct slice){ data, sizeof data }, slice_of(&line));
	bytes_done(&line);
}

void expect_initrd(struct esp *x, struct bytes initrd)
{
	static const uint8_t data[] = "\xec\x22\x3b\x8f\x0d\0\0\0Linux initrd";

	expect_event(x, 9, 6, (struct slice){ data, sizeof data }, slice_of(&initrd));
	bytes_done(&initrd);
}

void expect_end(struct esp *x)
{
	if (next_event(x)) {
		dump(x);
		fail_msg("more events than expected");
	}
}

void expect_note(struct esp *x, const char *words)
{
	for (size_t i = 0; i < x->p.n_notes; i++)
		if (strstr(x->p.notes[i], words))
			return;
	for (size_t i = 0; i < x->p.n_notes; i++)
		print_message("note: %s\n", x->p.notes[i]);
	fail_msg("no note with \"%s\"", words);
}

void expect_assumption(struct esp *x, const char *what, const char *words)
{
	for (size_t i = 0; i < x->p.n_assumptions; i++)
		if (strcmp(x->p.assumptions[i].what, what) == 0 && strstr(x->p.assumptions[i].value, words))
			return;
	for (size_t i = 0; i < x->p.n_assumptions; i++)
		print_message("assumed: %s %s\n", x->p.assumptions[i].what, x->p.assumptions[i].value);
	fail_msg("no assumption %s with \"%s\"", what, words);
}

void expect_incomplete(struct esp *x, uint32_t pcrs)
{
	const uint32_t ours = 1 << 4 | 1 << 9 | 1 << 11 | 1 << 12 | 1 << 13;

	if ((x->p.incomplete & ours) == pcrs)
		return;
	for (size_t i = 0; i < x->p.n_unknowns; i++)
		print_message("PCR %u: %s\n", x->p.unknowns[i].pcr, x->p.unknowns[i].reason);
	fail_msg("incomplete: %x, expected %x", x->p.incomplete & ours, pcrs);
}
