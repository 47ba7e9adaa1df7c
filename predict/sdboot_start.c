/*
 * How systemd-boot starts an entry: load options, initrds, extras, and what of it is measured.
 *
 * Source: systemd src/boot/efi/boot.c (252.39, 254.26, 255.13, 256.0) and src/boot/boot.c (257.13, 262).
 */
#define _GNU_SOURCE
#include <strings.h>

#include "predict/cpio.h"
#include "predict/sdboot.h"

/* ---- load options and initrds ---- */

/* " + path" behind the names so far; only the first few are named. */
static const char *add_source(struct walk *w, const char *source, const char *path, size_t i)
{
	enum { NAMED = 4 };

	return !source    ? path :
	       i < NAMED  ? pool_printf(w->pool, "%s + %s", source, path) :
	       i == NAMED ? pool_printf(w->pool, "%s + …", source) :
			    source;
}

/* initrd= words and the concatenation of the files. *ret_line.s stays NULL when there is nothing to say. */
static int prepare_initrds(struct walk *w, const struct sdboot_rules *rules, const struct boot_entry *entry,
			   struct start *next, struct utf16 *ret_line, struct pcrcast_error *e)
{
	struct blob_builder out = BLOB_BUILDER(w->pool);
	struct utf16_builder line = UTF16_BUILDER(w->pool);
	const char *source = NULL;

	for (size_t i = 0; i < entry->n_initrds; i++) {
		struct utf16 text;
		const char *path;
		struct blob file;
		int r = tree_open_file(entry->volume, entry->initrds[i], &file, &path, e);

		if (r < 0)
			return err_wrap(e, "%s", entry->file);
		if (rules->initrds == INITRDS_PADDED_FILLED && file.len == 0)
			continue;
		char *word = pool_printf(w->pool, "initrd=%s", entry->initrds[i]);
		r = word ? cmdline_of_utf8(w->pool, slice_of_string(word), &text, e) : err_nomem(e);
		if (r < 0)
			return r;
		utf16_add(&line, ' ', text);
		blob_add(&out, &file);
		/* The last of the list stays as it is: a pad there would change what the kernel measures. */
		if (rules->initrds != INITRDS_JOINED && i + 1 < entry->n_initrds)
			blob_add_zeros(&out, (4 - out.len % 4) % 4);
		source = add_source(w, source, path, i);
	}
	if (line.any && entry->options.s)
		utf16_add(&line, ' ', entry->options);
	if (line.failed)
		return err_nomem(e);
	*ret_line = utf16_built(&line);
	next->initrd_source = source;
	int r = blob_build(&out, &next->initrd, e);
	next->has_initrd = r == 0 && next->initrd.len > 0;
	return r;
}

static int add_smbios_line(struct walk *w, const struct sdboot_rules *rules, struct utf16 *line,
			   struct pcrcast_error *e)
{
	const char *value = NULL;
	struct utf16 more;

	int r = rules->smbios_line ? walk_smbios(w, "io.systemd.boot.kernel-cmdline-extra", &value, e) : 0;
	if (r < 0 || !value)
		return r;
	r = cmdline_of_utf8(w->pool, slice_of_string(value), &more, e);
	if (r == 0 && !*value && rules->empty_values == UNSURE)
		return err_set(
			e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			"what this release of systemd-boot makes of an empty SMBIOS string is not known");
	if (r == 0 && !*value && rules->empty_values == NO) {
		/* An empty text is none there, and printed as such. */
		if (line->n == 0 && !rules->smbios_line_null)
			return 0;
		r = utf16_of_utf8(w->pool, "(null)", &more, e);
	}
	if (r < 0)
		return r;
	if (!line->s && rules->smbios_line_null) {
		r = utf16_of_utf8(w->pool, "(null)", line, e);
		if (r < 0)
			return r;
	}
	*line = utf16_join(w->pool, *line, line->n || rules->smbios_line_null ? ' ' : 0, more);
	return line->s ? 0 : err_nomem(e);
}

/* The load options that systemd-boot passes, which it also measures; none when line->s is NULL. */
static int make_line(struct walk *w, const struct sdboot_rules *rules, const struct boot_entry *entry,
		     struct start *next, struct utf16 *line, struct pcrcast_error *e)
{
	int r = 0;

	*line = (struct utf16){ NULL, 0 };
	if (entry->type == ENTRY_LINUX && entry->n_initrds)
		r = prepare_initrds(w, rules, entry, next, line, e);
	if (r == 0 && !line->s && entry->options.s && !entry->options_implied)
		*line = entry->options;
	if (r == 0 && entry->type == ENTRY_LINUX)
		r = add_smbios_line(w, rules, line, e);
	if (r == 0 && entry->profile > 0) {
		struct utf16 prefix;

		r = utf16_of_utf8(w->pool, pool_printf(w->pool, "@%u", entry->profile), &prefix, e);
		if (r == 0)
			*line = line->n ? utf16_join(w->pool, prefix, ' ', *line) : prefix;
		if (r == 0 && !line->s)
			r = err_nomem(e);
	}
	return r;
}

/* ---- extras of a type #1 UKI entry ---- */

static const struct extra_kind {
	const char *suffix, *dir;
	uint32_t dir_mode, file_mode, pcr;
	const char *text;
} extra_kinds[] = {
	{ ".cred", ".extra/credentials", 0500, 0400, 12, "Entry credentials initrd" },
	{ ".sysext.raw", ".extra/sysext", 0555, 0444, 13, "Entry system extension initrd" },
	{ ".confext.raw", ".extra/confext", 0555, 0444, 12, "Entry configuration extension initrd" },
};

enum { EXTRA_KINDS = sizeof extra_kinds / sizeof extra_kinds[0] };

/* Is the file one that systemd-boot takes? *ret: which archive it goes into. */
static bool extra_fits(const char *name, uint64_t len, size_t *ret)
{
	const uint64_t most = UINT64_C(3) << 29; /* 1.5 GiB */

	if (len == 0 || len > most || strlen(name) > 255)
		return false;
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p >= 0x80)
			return false;
	for (size_t k = 0; k < EXTRA_KINDS; k++) {
		size_t n = strlen(name), m = strlen(extra_kinds[k].suffix);

		if (n >= m && strcasecmp(name + n - m, extra_kinds[k].suffix) == 0) {
			*ret = k;
			return true;
		}
	}
	return false;
}

/* Archives in listed order; the directories stand before every file, and one inode counter serves all archives. */
static int load_extras(struct walk *w, const struct boot_entry *entry, struct start *next,
		       struct pcrcast_error *e)
{
	struct blob_builder all = BLOB_BUILDER(w->pool);
	struct cpio archives[EXTRA_KINDS];
	size_t counts[EXTRA_KINDS] = { 0 };
	uint32_t inode = 1;
	int r = 0;

	for (size_t k = 0; k < EXTRA_KINDS; k++)
		archives[k] = cpio_begin(w->pool, 1);
	for (size_t i = 0; r == 0 && i < entry->n_extras; i++) {
		const char *path, *name;
		struct blob file;
		size_t k;

		r = tree_open_file(entry->volume, entry->extras[i], &file, &path, e);
		if (r == -PCRCAST_ENOTFOUND) {
			r = walk_note(w,
				      pool_printf(w->pool, "%s: extra %s does not exist", entry->file,
						  entry->extras[i]),
				      e);
			continue;
		}
		if (r < 0)
			return r;
		name = strrchr(path, '\\') + 1;
		if (!extra_fits(name, file.len, &k))
			continue;
		archives[k].inode = inode;
		r = cpio_add_dirs(&archives[k], extra_kinds[k].dir, extra_kinds[k].dir_mode, e);
		if (r == 0)
			r = cpio_add_file(&archives[k], extra_kinds[k].dir, name, extra_kinds[k].file_mode,
					  &file, e);
		inode = archives[k].inode;
		counts[k]++;
	}
	for (size_t k = 0; r == 0 && k < EXTRA_KINDS; k++) {
		struct utf16 text;
		struct blob bytes;

		if (!counts[k])
			continue;
		r = cpio_end(&archives[k], &bytes, e);
		if (r == 0)
			r = utf16_of_utf8(w->pool, extra_kinds[k].text, &text, e);
		if (r == 0)
			r = walk_ipl(w, extra_kinds[k].pcr, text, &bytes,
				     (struct event_text){ extra_kinds[k].text, entry->file }, e);
		if (r < 0)
			return r;
		blob_add(&all, &bytes);
	}
	if (r == 0)
		r = blob_build(&all, &next->initrd, e);
	next->has_initrd = r == 0 && next->initrd.len > 0;
	next->initrd_source = "extras of the boot menu entry";
	return r;
}

/* ---- the start ---- */

/* A device tree is not measured, but without a sound one the entry does not start (devicetree_install). */
static int check_devicetree(struct walk *w, const struct boot_entry *entry, struct pcrcast_error *e)
{
	enum { HEADER = 28, MOST = 32 << 20 }; /* bytes; systemd devicetree.c, 252 to 262 */
	struct blob dtb;

	if (!entry->devicetree || w->opt->secure_boot)
		return 0;
	int r = tree_open_file(entry->volume, entry->devicetree, &dtb, NULL, e);
	if (r == 0 && (dtb.len < HEADER || dtb.len > MOST))
		r = err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			    "device tree %s has %llu bytes, expected %d to %d", entry->devicetree,
			    (unsigned long long)dtb.len, HEADER, MOST);
	return r < 0 ? err_wrap(e, "%s", entry->file) : 0;
}

int sdboot_start_entry(struct walk *w, const struct sdboot_rules *rules, const struct boot_entry *entry,
		       struct pcrcast_error *e)
{
	enum verdict verdict;
	struct start next;
	struct utf16 line;
	const char *why;

	if (entry->type == ENTRY_URL)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "%s starts an image from the network (uki-url)", entry->file);
	int r = walk_open_start(w, entry->volume, entry->loader, &next, e);
	if (r == 0)
		r = walk_judge_image(w, &next.pe, true, &verdict, &why, e);
	if (r < 0)
		return r;
	if (verdict == IMAGE_MEASURED)
		r = walk_load(w, &next.pe, next.path,
			      (struct event_text){ "image of the boot menu entry", next.path }, e);
	if (r < 0)
		return r;
	if (verdict != IMAGE_ACCEPTED) /* image_start() of 252 to 262 hands on what LoadImage() says */
		return walk_comes_back(
			w, verdict == IMAGE_UNSURE ? BACK_NOT : BACK_REFUSED,
			err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "%s: %s", next.path, why));
	if (strcmp(entry->next_loader, entry->loader) != 0)
		next.real_path = entry->next_loader;

	r = check_devicetree(w, entry, e);
	if (r == 0)
		r = make_line(w, rules, entry, &next, &line, e);
	if (r == 0)
		r = walk_load(w, &next.pe, next.path,
			      (struct event_text){ "image of the boot menu entry", next.path }, e);
	if (r == 0 && entry->type == ENTRY_UKI && entry->n_extras)
		r = load_extras(w, entry, &next, e);
	if (r < 0)
		return r;
	if (line.s) {
		r = walk_command_line(
			w, line, EVENT_COMPUTED,
			(struct event_text){ "load options of the boot menu entry", entry->file }, e);
		next.options = utf16_bytes(w->pool, line, true);
		if (r == 0 && !next.options.p)
			r = err_nomem(e);
	}
	return r < 0 ? r : stage_image(w, &next, e);
}
