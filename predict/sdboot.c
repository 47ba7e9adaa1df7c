/*
 * systemd-boot: its configuration and drivers, and its run as a whole.
 *
 * Source: systemd src/boot/efi/boot.c (252.39, 254.26, 255.13, 256.0) and src/boot/boot.c (257.13, 262).
 */
#define _GNU_SOURCE
#include <strings.h>

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

/* ---- the whole run ---- */

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
		r = sdboot_choose_entry(w, s, rules, &conf, &menu, &entry, e);
	if (r == 0)
		r = say_choice(w, entry, e);
	return r < 0 ? r : sdboot_start_entry(w, rules, entry, e);
}
