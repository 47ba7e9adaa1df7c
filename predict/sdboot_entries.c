/*
 * systemd-boot's menu as a whole, and what entries of both types have in common: names, ids and boot counters.
 *
 * Sources: UAPI.1 Boot Loader Specification; systemd boot.c, boot_entry_parse_tries(), 252 to 262.
 */
#include <limits.h>
#include <strings.h>

#include "predict/sdboot_entries_impl.h"

enum { ENTRIES_MAX = 4096 }; /* entries of one menu; sorting them is quadratic, as it is in systemd-boot */

int menu_add_entry(struct walk *w, struct boot_menu *menu, const struct boot_entry *entry,
		   struct pcrcast_error *e)
{
	if (menu->n >= ENTRIES_MAX)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET, "more than %d boot menu entries",
			       ENTRIES_MAX);
	struct boot_entry *place = pool_push(w->pool, &menu->entries, &menu->n, &menu->cap, sizeof *place);

	if (!place)
		return err_nomem(e);
	*place = *entry;
	return 0;
}

static bool ends_with(const char *name, const char *suffix)
{
	size_t n = strlen(name), k = strlen(suffix);

	return n >= k && strcasecmp(name + n - k, suffix) == 0;
}

bool menu_is_entry_file(const struct sdboot_rules *rules, const struct tree_entry *f, const char *suffix)
{
	if (f->name[0] == '.' || f->is_dir || !ends_with(f->name, suffix))
		return false;
	return (rules->auto_prefix_folded ? strncasecmp(f->name, "auto-", 5) :
					    strncmp(f->name, "auto-", 5)) != 0;
}

/* ---- boot counting ---- */

struct counter {
	size_t plus; /* place of the '+' in the name */
	uint64_t left, done;
};

/* NAME+LEFT[-DONE]SUFFIX: the last '+' counts. */
static bool parse_counter(const char *name, const char *suffix, struct counter *ret)
{
	const char *plus = strrchr(name, '+'), *p;
	uint64_t n[2] = { 0, 0 };

	if (!plus)
		return false;
	p = plus;
	for (int i = 0; i < 2; i++) {
		if (i == 1 && *p != '-')
			break;
		p++;
		if (*p < '0' || *p > '9')
			return false;
		for (; *p >= '0' && *p <= '9'; p++) {
			n[i] = n[i] * 10 + (uint64_t)(*p - '0');
			if (n[i] > INT_MAX)
				return false;
		}
	}
	if (strcasecmp(p, suffix) != 0)
		return false;
	*ret = (struct counter){ (size_t)(plus - name), n[0], n[1] };
	return true;
}

int menu_set_id(struct walk *w, const struct boot_menu *menu, struct boot_entry *entry, const char *dir,
		const char *name, const char *suffix, const char *profile_id, struct pcrcast_error *e)
{
	enum id_rule rule = menu->rules->ids;
	const char *base = name;
	struct utf16 wide, at_profile;
	struct counter c;

	bool stripped = parse_counter(name, suffix, &c);
	if (stripped) {
		entry->tries_left = (int64_t)c.left;
		entry->tries_done = (int64_t)c.done;
		entry->next_loader =
			pool_printf(w->pool, "%s\\%.*s+%llu-%llu%s", dir, (int)c.plus, name,
				    (unsigned long long)(c.left ? c.left - 1 : 0),
				    (unsigned long long)(c.done < INT_MAX ? c.done + 1 : INT_MAX), suffix);
		if (!entry->next_loader)
			return err_nomem(e);
		stripped = rule != ID_WITH_COUNTER;
	}
	if (stripped)
		base = pool_printf(w->pool, "%.*s%s", (int)c.plus, name, suffix);
	int r = base ? utf16_of_utf8(w->pool, base, &wide, e) : err_nomem(e);
	if (r == 0 && (!stripped || (rule == ID_STRIPPED && entry->type != ENTRY_TYPE2)))
		r = utf16_lower(w->pool, wide, &wide, e);
	entry->id = wide;
	if (r < 0 || !profile_id)
		return r;

	r = utf16_of_utf8(w->pool, profile_id, &at_profile, e);
	if (r == 0 && rule != ID_STRIPPED)
		r = utf16_lower(w->pool, at_profile, &at_profile, e);
	if (r < 0)
		return r;
	if (!stripped || rule == ID_STRIPPED)
		entry->id = utf16_join(w->pool, wide, '@', at_profile);
	entry->id_without_profile = wide;
	if (rule == ID_STRIPPED || !stripped)
		return entry->id.s ? 0 : err_nomem(e);
	r = utf16_of_utf8(w->pool, name, &wide, e);
	return r < 0 ? r : utf16_lower(w->pool, wide, &entry->id_without_profile, e);
}

/* ---- texts and directories ---- */

int menu_set_text(struct walk *w, const struct sdboot_rules *rules, struct slice value, struct utf16 *to,
		  struct pcrcast_error *e)
{
	int r = cmdline_of_utf8(w->pool, value, to, e);

	if (r == 0 && value.n == 0 && rules->empty_values != YES)
		to->s = NULL;
	return r;
}

int menu_list_dir(struct boot_menu *menu, struct tree *volume, const char *dir, struct tree_list *ret,
		  struct pcrcast_error *e)
{
	int r = tree_list_dir(volume, dir, ret, e);

	if (r == -PCRCAST_ENOTFOUND) {
		*ret = (struct tree_list){ NULL, 0, true };
		return 0;
	}
	if (r == 0 && !ret->in_disk_order)
		menu->in_disk_order = false;
	return r;
}

/* ---- the menu ---- */

int menu_load(struct walk *w, struct boot_menu *menu, struct pcrcast_error *e)
{
	menu->in_disk_order = true;
	int r = menu_load_type2(w, menu, w->img->esp, e);

	if (r == 0)
		r = menu_load_type1(w, menu, w->img->esp, e);
	if (r == 0 && w->img->xbootldr)
		r = menu_load_type2(w, menu, w->img->xbootldr, e);
	if (r == 0 && w->img->xbootldr)
		r = menu_load_type1(w, menu, w->img->xbootldr, e);
	return r < 0 ? r : menu_load_smbios(w, menu, e);
}

int menu_add_automatic(struct walk *w, struct boot_menu *menu, struct pcrcast_error *e)
{
	const char *machine = pe_machine_name(menu->machine);
	const struct {
		const char *id, *path;
	} loaders[] = {
		{ "auto-osx", "\\System\\Library\\CoreServices\\boot.efi" },
		{ "auto-windows", "\\EFI\\Microsoft\\Boot\\bootmgfw.efi" },
		{ "auto-efi-shell", pool_printf(w->pool, "\\shell%s.efi", machine ? machine : "") },
		{ "auto-efi-default",
		  pool_printf(w->pool, "\\EFI\\BOOT\\BOOT%s.efi", machine ? machine : "") },
	};

	for (size_t i = 0; i < sizeof loaders / sizeof loaders[0]; i++) {
		struct start there;
		struct pcrcast_error why;

		if (!loaders[i].path)
			return err_nomem(e);
		if (walk_open_start(w, w->img->esp, loaders[i].path, &there, &why) < 0)
			continue; /* not there, or nothing that could be started */
		if (strcmp(loaders[i].id, "auto-efi-default") == 0 &&
		    (tree_name_equal(there.path, menu->own_path) || there.id.kind == SD_BOOT))
			continue;
		struct boot_entry entry = { .type = ENTRY_EFI,
					    .volume = w->img->esp,
					    .file = there.path,
					    .loader = there.path,
					    .next_loader = there.path,
					    .automatic = true,
					    .tries_left = -1,
					    .tries_done = -1 };
		int r = utf16_of_utf8(w->pool, loaders[i].id, &entry.id, e);

		if (r == 0)
			r = menu_add_entry(w, menu, &entry, e);
		if (r < 0)
			return r;
	}
	return 0;
}
