/*
 * systemd-boot's menu entries of type #2: UKIs in \EFI\Linux, one for each profile.
 *
 * Sources: UAPI.1 Boot Loader Specification; systemd boot.c, boot_entry_add_type2() and
 * bootspec_pick_name_version_sort_key(), 252 to 262.
 */
#include "predict/sdboot_entries_impl.h"

enum { PROFILES_MAX = 256 }; /* systemd uki.h: UNIFIED_PROFILES_MAX */

/* The fields of os-release that make version and sort key; s is NULL for one that is not there. */
struct os_release {
	struct utf16 pretty_name, image_id, name, id, image_version, version, version_id, build_id;
};

/* *ret is all zeros before. */
static int parse_os_release(struct walk *w, const struct sdboot_rules *rules, struct slice text,
			    struct os_release *ret, struct pcrcast_error *e)
{
	const struct {
		const char *key;
		struct utf16 *to;
	} keys[] = {
		{ "PRETTY_NAME", &ret->pretty_name },
		{ "IMAGE_ID", &ret->image_id },
		{ "NAME", &ret->name },
		{ "ID", &ret->id },
		{ "IMAGE_VERSION", &ret->image_version },
		{ "VERSION", &ret->version },
		{ "VERSION_ID", &ret->version_id },
		{ "BUILD_ID", &ret->build_id },
	};
	struct config_lines lines = { text, "=", rules->single_quotes };
	struct slice key, value;
	int r = 0;

	while (r == 0 && config_next(&lines, &key, &value))
		for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
			if (slice_equal_string(key, keys[i].key))
				r = menu_set_text(w, rules, value, keys[i].to, e);
	return r;
}

static struct utf16 first_of(struct utf16 a, struct utf16 b, struct utf16 c, struct utf16 d)
{
	return a.s ? a : b.s ? b : c.s ? c : d;
}

static int section_text(struct walk *w, const struct pe *pe, const struct pe_section *s, struct slice *ret,
			struct pcrcast_error *e)
{
	struct blob content;
	int r = pe_section_content(w->pool, pe, s, &content, e);

	if (r == 0)
		r = uki_load_text(w->pool, &content, ret, e);
	return r < 0 ? r : walk_count_text(w, ret->n, s->name, e);
}

/* The id that a .profile section gives: its ID=, else the number. */
static int profile_id(struct walk *w, const struct sdboot_rules *rules, const struct pe *pe, unsigned profile,
		      const char **ret, struct pcrcast_error *e)
{
	bool exists;
	const struct pe_section *s = uki_find_section(pe, rules->match, profile, ".profile", &exists);
	struct slice text = SLICE_EMPTY, key, value;

	*ret = pool_printf(w->pool, "%u", profile);
	int r = s && s->virt_len ? section_text(w, pe, s, &text, e) : 0;
	struct config_lines lines = { text, "=", rules->single_quotes };
	while (r == 0 && config_next(&lines, &key, &value))
		if (slice_equal_string(key, "ID"))
			*ret = value.n || rules->empty_values == YES ?
				       pool_text(w->pool, (const char *)value.p, value.n) :
				       pool_printf(w->pool, "%u", profile);
	return r == 0 && !*ret ? err_nomem(e) : r;
}

static int add_type2(struct walk *w, struct boot_menu *menu, struct tree *volume, const char *dir,
		     const char *name, const struct pe *pe, unsigned profile, bool *ret_exists,
		     struct pcrcast_error *e)
{
	const struct sdboot_rules *rules = menu->rules;
	const struct pe_section *osrel = uki_find_section(pe, rules->match, profile, ".osrel", ret_exists);
	struct os_release os = { 0 };
	struct slice text;
	bool exists;

	if (!*ret_exists || !osrel || osrel->virt_len == 0)
		return 0;
	int r = section_text(w, pe, osrel, &text, e);
	if (r == 0)
		r = parse_os_release(w, rules, text, &os, e);
	if (r < 0)
		return r;
	if (!first_of(os.pretty_name, os.image_id, os.name, os.id).s)
		return 0;

	struct boot_entry entry = {
		.type = ENTRY_TYPE2, .volume = volume, .tries_left = -1, .tries_done = -1, .profile = profile
	};
	entry.version = first_of(os.image_version, os.version, os.version_id, os.build_id);
	entry.sort_key = os.image_id.s ? os.image_id : os.id;
	entry.loader = entry.next_loader = entry.file = pool_printf(w->pool, "%s\\%s", dir, name);
	if (!entry.file)
		return err_nomem(e);
	const char *id = NULL;
	if (profile > 0)
		r = profile_id(w, rules, pe, profile, &id, e);
	if (r == 0)
		r = menu_set_id(w, menu, &entry, dir, name, ".efi", id, e);
	if (r < 0)
		return r;

	const struct pe_section *line = uki_find_section(pe, rules->match, profile, ".cmdline", &exists);
	if (line && line->virt_len) {
		bool undefined;

		r = section_text(w, pe, line, &text, e);
		if (r == 0)
			r = cmdline_of_utf8(w->pool, text, &entry.options, e);
		if (r == 0)
			r = cmdline_mangle(w->pool, rules->mangle, entry.options, &entry.options, &undefined,
					   e);
		if (r < 0)
			return r;
		entry.options_implied = !rules->passes_uki_line;
	}
	return menu_add_entry(w, menu, &entry, e);
}

static int load_uki(struct walk *w, struct boot_menu *menu, struct tree *volume, const char *dir,
		    const char *name, struct pcrcast_error *e)
{
	char *path = pool_printf(w->pool, "%s\\%s", dir, name);
	struct pcrcast_error odd;
	struct blob bytes;
	struct pe pe;
	bool exists;

	int r = path ? tree_open_file(volume, path, &bytes, NULL, e) : err_nomem(e);
	if (r < 0)
		return r;
	/* The menu is made of headers and .osrel; whether the whole file can be loaded shows when it is started. */
	r = pe_parse_headers(w->pool, &bytes, &pe, &odd);
	if (r == -PCRCAST_ETRUNC || r == -PCRCAST_EFORMAT || r == -PCRCAST_ELIMIT) /* no UKI: no entry */
		return walk_note(w, pool_printf(w->pool, "%s is no menu entry: %s", path, odd.msg), e);
	if (r < 0) {
		if (e)
			*e = odd;
		return r;
	}
	if (pe.machine != menu->machine)
		return 0;
	for (unsigned profile = 0; r == 0 && profile < PROFILES_MAX; profile++) {
		r = add_type2(w, menu, volume, dir, name, &pe, profile, &exists, e);
		if (r == 0 && (!exists || !menu->rules->profiles))
			break;
	}
	return r < 0 ? err_wrap(e, "%s", path) : 0;
}

int menu_load_type2(struct walk *w, struct boot_menu *menu, struct tree *volume, struct pcrcast_error *e)
{
	static const char dir[] = "\\EFI\\Linux";
	struct tree_list list;

	int r = menu_list_dir(menu, volume, dir, &list, e);
	for (size_t i = 0; r == 0 && i < list.n; i++)
		if (menu_is_entry_file(menu->rules, &list.entries[i], ".efi"))
			r = load_uki(w, menu, volume, dir, list.entries[i].name, e);
	return r;
}
