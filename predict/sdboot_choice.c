/*
 * Which entry of its menu systemd-boot starts, or the user has named.
 *
 * Source: systemd src/boot/efi/boot.c (252.39, 254.26, 255.13, 256.0) and src/boot/boot.c (257.13, 262).
 */
#include "predict/sdboot.h"

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

/* The menu as these rules make it, and what is chosen from it. */
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

int sdboot_choose_entry(struct walk *w, const struct start *s, const struct sdboot_rules *rules,
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
