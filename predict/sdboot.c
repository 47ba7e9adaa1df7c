/*
 * systemd-boot: what it measures, which entry it starts, and how.
 *
 * Source: systemd src/boot/efi/boot.c (252.39, 254.26, 255.13, 256.0) and src/boot/boot.c (257.13, 262).
 */
#define _GNU_SOURCE
#include <strings.h>

#include "predict/cpio.h"
#include "predict/sdboot.h"

enum { CONF_MAX = 1 << 20 }; /* bytes of loader.conf */

/* ---- loader.conf and drivers ---- */

static int read_config(struct walk *w, const struct start *s, const struct sdboot_rules *rules,
		       struct loader_conf *ret, struct pcrcast_error *e)
{
	enum { TAG = (int)0xf5bc582a };
	struct slice text = SLICE_EMPTY;
	struct blob content;
	const char *path;

	int r = tree_open_file(s->volume, "\\loader\\loader.conf", &content, &path, e);
	bool missing = r == -PCRCAST_ENOTFOUND;
	if (missing)
		r = 0;
	else if (r == 0 && rules->measures_config)
		r = walk_tagged(w, 5, (uint32_t)TAG, "loader.conf", &content,
				(struct event_text){ "boot loader configuration", path }, e);
	if (r == 0 && !missing)
		r = blob_load(w->pool, &content, CONF_MAX, &text, e);
	if (r == 0)
		r = loader_conf_parse(w->pool, text, rules, ret, e);
	return r < 0 ? r : loader_conf_add_variables(w->pool, w->opt->variables, rules, ret, e);
}

/* Drivers are loaded in the order of the directory; those that are applications go to PCR 4. */
static int load_drivers(struct walk *w, const struct start *s, struct pcrcast_error *e)
{
	static const char dir[] = "\\EFI\\systemd\\drivers";
	const char *machine = pe_machine_name(s->pe.machine);
	struct tree_list list;
	size_t n_drivers = 0;

	int r = tree_list_dir(s->volume, dir, &list, e);
	if (r < 0)
		return r == -PCRCAST_ENOTFOUND ? 0 : r;
	char *suffix = pool_printf(w->pool, "%s.efi", machine ? machine : "");
	if (!suffix)
		return err_nomem(e);
	for (size_t i = 0; i < list.n; i++) {
		const char *name = list.entries[i].name, *why;
		size_t n = strlen(name), k = strlen(suffix);
		enum verdict verdict;
		struct start driver;

		if (name[0] == '.' || list.entries[i].is_dir || n < k ||
		    strcasecmp(name + n - k, suffix) != 0)
			continue;
		char *path = pool_printf(w->pool, "%s\\%s", dir, name);
		struct pcrcast_error odd;
		r = path ? walk_open_start(w, s->volume, path, &driver, &odd) : err_nomem(&odd);
		if (r == -PCRCAST_EFORMAT || r == -PCRCAST_ETRUNC) {
			r = walk_note(w,
				      pool_printf(w->pool, "%s is not used: firmware cannot load it: %s",
						  path, odd.msg),
				      e);
			if (r < 0)
				return r;
			continue;
		}
		if (r < 0) {
			if (e)
				*e = odd;
			return r;
		}
		r = walk_judge_image(w, &driver.pe, false, &verdict, &why, e);
		if (r < 0)
			return r;
		if (verdict == IMAGE_REFUSED) {
			r = walk_note(w, pool_printf(w->pool, "%s is not used: %s", path, why), e);
			if (r < 0)
				return r;
			continue;
		}
		if (verdict == IMAGE_UNSURE)
			r = walk_unknown(
				w, driver.pe.subsystem == PE_EFI_APPLICATION ? 4 : 2,
				pool_printf(w->pool,
					    "whether firmware with Secure Boot loads %s is not known: %s",
					    path, why),
				NULL, e);
		else
			r = walk_load(w, &driver.pe, driver.path,
				      (struct event_text){ "driver", driver.path }, e);
		if (r == 0 && driver.pe.subsystem == PE_EFI_APPLICATION && n_drivers++ && !list.in_disk_order)
			r = walk_unknown(
				w, 4,
				"systemd-boot loads drivers in the order of the file system, which a directory does not tell: use a disk image",
				NULL, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* With keys on the ESP and firmware in setup mode, systemd-boot would enroll them and restart. */
static int note_enrollment(struct walk *w, const struct start *s, struct pcrcast_error *e)
{
	struct tree_list ignored;

	if (tree_list_dir(s->volume, "\\loader\\keys\\auto", &ignored, NULL) < 0)
		return 0;
	return walk_assume(w, "secure-boot-enroll",
			   "the keys in \\loader\\keys\\auto are not enrolled in this boot", NULL, e);
}

/* ---- the choice ---- */

static char *entry_names(struct walk *w, const struct boot_menu *menu)
{
	char *names = pool_text(w->pool, "", 0);

	for (size_t i = 0; names && i < menu->n && strlen(names) < 300; i++) {
		char *id = utf16_to_utf8(w->pool, menu->entries[i].id);

		names = id ? pool_printf(w->pool, "%s%s%s", names, i ? ", " : "", id) : NULL;
	}
	return names;
}

/* --entry: an id, in any case, or a pattern as loader.conf takes it. */
static int find_named(struct walk *w, const struct boot_menu *menu, const struct boot_entry **ret,
		      struct pcrcast_error *e)
{
	struct utf16 pattern, id;

	int r = utf16_of_utf8(w->pool, w->opt->entry, &pattern, e);
	if (r == 0)
		r = utf16_lower(w->pool, pattern, &pattern, e);
	*ret = NULL;
	for (size_t i = 0; r == 0 && !*ret && i < menu->n; i++) {
		r = utf16_lower(w->pool, menu->entries[i].id, &id, e);
		if (r == 0 && id.n == pattern.n && memcmp(id.s, pattern.s, 2 * id.n) == 0)
			*ret = &menu->entries[i];
	}
	if (r < 0)
		return r;
	if (!*ret && pattern.n <= PATTERN_MAX)
		*ret = menu_find(menu, pattern, false);
	if (!*ret)
		return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
			       "no boot menu entry \"%s\": there are %s", w->opt->entry,
			       menu->n ? entry_names(w, menu) : "none");
	return 0;
}

/* The same UKI's entry for the profile asked for. */
static int apply_profile(struct walk *w, const struct boot_menu *menu, const struct boot_entry **entry,
			 struct pcrcast_error *e)
{
	w->used |= OPTION_PROFILE;
	if (!w->opt->has_profile || (*entry)->profile == w->opt->profile)
		return 0;
	for (size_t i = 0; i < menu->n; i++) {
		const struct boot_entry *other = &menu->entries[i];

		if (other->type == ENTRY_TYPE2 && (*entry)->type == ENTRY_TYPE2 &&
		    other->volume == (*entry)->volume && other->profile == w->opt->profile &&
		    strcmp(other->loader, (*entry)->loader) == 0) {
			*entry = other;
			return 0;
		}
	}
	return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET, "%s has no boot menu entry for profile %u",
		       (*entry)->file, w->opt->profile);
}

/* The variables may be those of another time: what they decided is worth a word. */
static int note_variable(struct walk *w, const char *variable, const struct boot_entry *entry,
			 struct pcrcast_error *e)
{
	char *id = variable && entry ? utf16_to_utf8(w->pool, entry->id) : NULL;

	if (!variable || !entry)
		return 0;
	return walk_note(
		w, id ? pool_printf(w->pool, "%s chooses the entry %s (--entry)", variable, id) : NULL, e);
}

static int choose(struct walk *w, const struct boot_menu *menu, const struct loader_conf *conf,
		  const struct boot_entry **ret, struct pcrcast_error *e)
{
	if (w->opt->entry) {
		int r = find_named(w, menu, ret, e);

		if (r < 0)
			return r;
	} else {
		enum choice by;

		*ret = menu_choose(menu, conf, &by);
		int r = note_variable(w, choice_variable(by), *ret, e);
		if (r < 0)
			return r;
		if (!*ret) /* but, it may be, one that restarts the machine into the firmware's menu */
			return walk_comes_back(
				w, BACK_UNCERTAIN,
				err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
					"systemd-boot finds no entry: expected a UKI in \\EFI\\Linux or a file in \\loader\\entries"));
	}
	return apply_profile(w, menu, ret, e);
}

/* Of entries with the same place the one found first counts; a directory of this machine does not tell which that is. */
static int check_order(struct walk *w, const struct boot_menu *menu, const struct boot_entry *chosen,
		       struct pcrcast_error *e)
{
	for (size_t i = 0; !menu->in_disk_order && !w->opt->entry && i < menu->n; i++) {
		const struct boot_entry *other = &menu->entries[i];

		/* One file's profiles, the two kinds of entries and the volumes are found in a fixed order. */
		if (other->volume != chosen->volume ||
		    (other->type == ENTRY_TYPE2) != (chosen->type == ENTRY_TYPE2) ||
		    strcmp(other->file, chosen->file) == 0)
			continue;
		if (other != chosen && menu_same_place(menu, other, chosen))
			return err_set(
				e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
				"%s and %s have the same place in the boot menu: the order of the file system decides, which a directory does not tell; use a disk image or --entry",
				chosen->file, other->file);
	}
	return 0;
}

/*
 * The menu as this version makes it. Where its rules changed in some release that is not known, both ways are
 * tried; when they lead to different entries, nobody but the user can tell.
 */
static int load_menu(struct walk *w, const struct start *s, const struct sdboot_rules *rules,
		     const struct loader_conf *conf, struct boot_menu *menu, const struct boot_entry **ret,
		     struct pcrcast_error *e)
{
	*menu = (struct boot_menu){ .rules = rules, .machine = s->pe.machine, .own_path = s->path };
	int r = menu_load(w, menu, e);

	if (r < 0)
		return r;
	menu_sort(menu);
	if (conf->auto_entries)
		r = menu_add_automatic(w, menu, e);
	if (r == 0)
		r = choose(w, menu, conf, ret, e);
	return r < 0 ? r : check_order(w, menu, *ret, e);
}

static bool same_text(struct utf16 a, struct utf16 b)
{
	return !a.s == !b.s && a.n == b.n && (!a.n || memcmp(a.s, b.s, 2 * a.n) == 0);
}

static int choose_entry(struct walk *w, const struct start *s, const struct sdboot_rules *rules,
			const struct loader_conf *conf, struct boot_menu *menu, const struct boot_entry **ret,
			struct pcrcast_error *e)
{
	struct sdboot_rules variants[(ID_STRIPPED + 1) * 2];
	size_t n = 0;
	int r = load_menu(w, s, rules, conf, menu, ret, e);

	if (r < 0 || (rules->ids_certain == YES && rules->empty_values != UNSURE))
		return r;
	for (enum id_rule ids = ID_WITH_COUNTER; ids <= ID_STRIPPED; ids++)
		for (enum certainty empty = NO; empty <= YES; empty++) {
			if ((rules->ids_certain == YES && ids != rules->ids) ||
			    (rules->empty_values != UNSURE && empty != rules->empty_values))
				continue;
			variants[n] = *rules;
			variants[n].ids = ids;
			variants[n++].empty_values = empty;
		}

	for (size_t i = 0; i < n; i++) {
		const struct boot_entry *chosen;
		struct boot_menu other;

		r = load_menu(w, s, &variants[i], conf, &other, &chosen, e);
		w->back = BACK_NOT; /* whatever this variant finds, the other found an entry */
		if (r < 0 && r != -PCRCAST_ENOTFOUND)
			return r;
		if (r < 0 && w->opt->entry)
			continue; /* the name that the user gave says which rule holds */
		if (r < 0 || strcmp(chosen->file, (*ret)->file) != 0 || chosen->profile != (*ret)->profile ||
		    !same_text(chosen->options, (*ret)->options))
			return err_set(
				e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
				"which entry systemd-boot %s starts depends on its point release: boot counters are not part of an entry's id in all of them, and keys without a value count in some; name it with --entry",
				s->id.text);
	}
	return 0;
}

/* ---- starting an entry ---- */

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

static int start_entry(struct walk *w, const struct sdboot_rules *rules, const struct boot_entry *entry,
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

static int say_choice(struct walk *w, const struct boot_entry *entry, struct pcrcast_error *e)
{
	char *id = utf16_to_utf8(w->pool, entry->id);

	if (!id)
		return err_nomem(e);
	if (w->opt->entry)
		return 0;
	return walk_assume(w, "entry", id, "--entry", e);
}

int stage_sdboot(struct walk *w, const struct start *s, struct pcrcast_error *e)
{
	const struct boot_entry *entry;
	struct loader_conf conf;
	struct boot_menu menu;
	bool newer;

	w->menu_seen = true;

	if (s->id.version.major == 0)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "%s: systemd-boot version \"%s\" does not begin with a number", s->path,
			       s->id.text);
	const struct sdboot_rules *rules = sdboot_rules_for(s->id.version, &newer);
	if (!rules)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "%s: systemd-boot %s is older than 252, the oldest version known here",
			       s->path, s->id.text);
	int r = 0;
	if (newer)
		r = walk_note(
			w,
			pool_printf(
				w->pool,
				"%s: systemd-boot %s is newer than every version known here: predicted as the newest known, 262",
				s->path, s->id.text),
			e);
	if (r == 0 && rules->smbios_to_pcr1)
		r = walk_smbios_structures(w, e);
	if (r == 0)
		r = load_drivers(w, s, e);
	if (r == 0)
		r = read_config(w, s, rules, &conf, e);
	if (r == 0)
		r = note_enrollment(w, s, e);
	if (r == 0 && w->img->xbootldr_unread)
		r = walk_note(w,
			      pool_printf(w->pool, "the extended boot loader partition is not read: %s",
					  w->img->xbootldr_unread),
			      e);
	if (r == 0)
		r = choose_entry(w, s, rules, &conf, &menu, &entry, e);
	if (r == 0)
		r = say_choice(w, entry, e);
	return r < 0 ? r : start_entry(w, rules, entry, e);
}
