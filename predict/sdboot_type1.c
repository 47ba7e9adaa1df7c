/*
 * systemd-boot's menu entries of type #1: files in \loader\entries, and SMBIOS strings of the same form.
 *
 * Sources: UAPI.1 Boot Loader Specification; systemd boot.c, boot_entry_add_type1(), 252 to 262.
 */
#include <limits.h>
#include <strings.h>

#include "predict/sdboot_entries_impl.h"

enum { CONFIG_MAX = 1 << 20 }; /* bytes of a configuration file */

/* ---- keys and values ---- */

/* "/a//b" becomes "\a\b" (xstr8_to_path). */
static char *path_of(struct walk *w, struct slice value)
{
	char *path = pool_text(w->pool, (const char *)value.p, value.n);
	size_t n = 0;

	for (const char *p = path; path && *p; p++) {
		char c = *p == '/' ? '\\' : *p;

		if (c != '\\' || n == 0 || path[n - 1] != '\\')
			path[n++] = c;
	}
	if (path)
		path[n] = '\0';
	return path;
}

static int push_path(struct walk *w, const char *const **list, size_t *n, size_t *cap, struct slice value,
		     struct pcrcast_error *e)
{
	const char **place = pool_push(w->pool, list, n, cap, sizeof *place);

	if (!place || !(*place = path_of(w, value)))
		return err_nomem(e);
	return 0;
}

static int add_options(struct walk *w, const struct sdboot_rules *rules, struct utf16_builder *options,
		       struct slice value, struct pcrcast_error *e)
{
	struct utf16 more;
	int r = menu_set_text(w, rules, value, &more, e);

	/* Where an empty value is none, "%ls %ls" prints it as such. */
	if (r == 0 && options->any && !more.s)
		r = utf16_of_utf8(w->pool, "(null)", &more, e);
	if (r == 0 && more.s)
		utf16_add(options, ' ', more);
	return r;
}

static const struct {
	const char *key;
	enum entry_type type;
} loader_keys[] = {
	{ "linux", ENTRY_LINUX },
	{ "efi", ENTRY_EFI },
	{ "uki", ENTRY_UKI },
	{ "uki-url", ENTRY_URL },
};

/* A key that names what to start. *ret_drop: the entry is none then. */
static int set_loader(struct walk *w, const struct boot_menu *menu, struct boot_entry *entry,
		      struct slice key, struct slice value, bool *ret_known, bool *ret_drop,
		      struct pcrcast_error *e)
{
	for (size_t i = 0; i < sizeof loader_keys / sizeof loader_keys[0]; i++) {
		enum entry_type type = loader_keys[i].type;

		if (!slice_equal_string(key, loader_keys[i].key) ||
		    (type >= ENTRY_UKI && !menu->rules->uki_key))
			continue;
		*ret_known = true;
		*ret_drop =
			menu->rules->one_loader_key && entry->type != ENTRY_UNDEFINED && entry->type != type;
		entry->type = type;
		entry->loader = path_of(w, value);
		if (!entry->loader)
			return err_nomem(e);
		/* On the extended boot loader partition systemd-boot does not know its own path. */
		if (type == ENTRY_EFI && entry->volume == w->img->esp &&
		    tree_name_equal(entry->loader, menu->own_path))
			*ret_drop = true; /* no entry for systemd-boot itself */
		if (type == ENTRY_URL && value.n && value.p[0] == ':')
			*ret_drop =
				true; /* beside the address that systemd-boot came from: a disk has none */
		return 0;
	}
	return 0;
}

static int parse_type1(struct walk *w, const struct boot_menu *menu, struct slice text,
		       struct boot_entry *entry, struct pcrcast_error *e)
{
	struct config_lines lines = { text, " \t", menu->rules->single_quotes };
	struct utf16_builder options = UTF16_BUILDER(w->pool);
	const char *machine = pe_machine_name(menu->machine);
	struct slice key, value;
	int r = 0;

	while (r == 0 && config_next(&lines, &key, &value)) {
		bool known = false, drop = false;

		r = set_loader(w, menu, entry, key, value, &known, &drop, e);
		if (slice_equal_string(key, "architecture"))
			drop = !machine || value.n != strlen(machine) ||
			       strncasecmp((const char *)value.p, machine, value.n) != 0;
		if (r == 0 && drop) {
			entry->type = ENTRY_UNDEFINED;
			return 0;
		}
		if (known || r < 0)
			continue;
		if (slice_equal_string(key, "sort-key"))
			r = menu_set_text(w, menu->rules, value, &entry->sort_key, e);
		else if (slice_equal_string(key, "version"))
			r = menu_set_text(w, menu->rules, value, &entry->version, e);
		else if (slice_equal_string(key, "machine-id"))
			r = menu_set_text(w, menu->rules, value, &entry->machine_id, e);
		else if (slice_equal_string(key, "devicetree"))
			r = (entry->devicetree = path_of(w, value)) ? 0 : err_nomem(e);
		else if (slice_equal_string(key, "initrd"))
			r = push_path(w, &entry->initrds, &entry->n_initrds, &entry->cap_initrds, value, e);
		else if (slice_equal_string(key, "extra") && menu->rules->extra_key)
			r = push_path(w, &entry->extras, &entry->n_extras, &entry->cap_extras, value, e);
		else if (slice_equal_string(key, "options"))
			r = add_options(w, menu->rules, &options, value, e);
		else if (slice_equal_string(key, "profile") && menu->rules->profile_key) {
			struct utf16 text16;
			uint64_t number;
			size_t digits;

			r = cmdline_of_utf8(w->pool, value, &text16, e);
			if (r == 0 && cmdline_number(text16.s, text16.n, &number, &digits) &&
			    digits == text16.n && number <= UINT_MAX)
				entry->profile = (unsigned)number;
		}
	}
	entry->options = utf16_built(&options);
	return r == 0 && options.failed ? err_nomem(e) : r;
}

/* An entry from text; it counts only when what it starts is there. */
static int add_type1(struct walk *w, struct boot_menu *menu, struct tree *volume, const char *dir,
		     const char *name, struct slice text, bool counted, struct pcrcast_error *e)
{
	struct boot_entry entry = { .tries_left = -1, .tries_done = -1, .volume = volume };
	struct blob ignored;

	int r = parse_type1(w, menu, text, &entry, e);
	if (r < 0 || entry.type == ENTRY_UNDEFINED)
		return r;
	if (entry.type != ENTRY_URL) {
		struct pcrcast_error why;

		r = tree_open_file(volume, entry.loader, &ignored, NULL, &why);
		if (r == -PCRCAST_ENOTFOUND)
			return 0;
		if (r < 0) {
			if (e)
				*e = why;
			return r;
		}
	}
	entry.next_loader = entry.loader;
	entry.file = pool_printf(w->pool, "%s\\%s", dir, name);
	if (!entry.file)
		return err_nomem(e);
	if (counted) {
		r = menu_set_id(w, menu, &entry, dir, name, ".conf", NULL, e);
		/* The counter renames the .conf file, not what it starts. */
		entry.next_loader = entry.loader;
	} else {
		r = utf16_of_utf8(w->pool, name, &entry.id, e);
		if (r == 0)
			r = utf16_lower(w->pool, entry.id, &entry.id, e);
	}
	return r < 0 ? r : menu_add_entry(w, menu, &entry, e);
}

/* ---- files ---- */

int menu_load_type1(struct walk *w, struct boot_menu *menu, struct tree *volume, struct pcrcast_error *e)
{
	static const char dir[] = "\\loader\\entries";
	struct tree_list list;

	int r = menu_list_dir(menu, volume, dir, &list, e);
	for (size_t i = 0; r == 0 && i < list.n; i++) {
		struct blob content;
		struct slice text;
		char *path;

		if (!menu_is_entry_file(menu->rules, &list.entries[i], ".conf"))
			continue;
		path = pool_printf(w->pool, "%s\\%s", dir, list.entries[i].name);
		r = path ? tree_open_file(volume, path, &content, NULL, e) : err_nomem(e);
		if (r == 0) {
			r = blob_load(w->pool, &content, CONFIG_MAX, &text, e);
			if (r < 0)
				err_wrap(e, "%s", path);
		}
		if (r == 0)
			r = walk_count_text(w, 4 * text.n, path, e); /* with what is made of it */
		if (r == 0)
			r = add_type1(w, menu, volume, dir, list.entries[i].name, text, true, e);
	}
	return r;
}

/* ---- SMBIOS entries ---- */

int menu_load_smbios(struct walk *w, struct boot_menu *menu, struct pcrcast_error *e)
{
	static const char key[] = "io.systemd.boot.entries-extra:";
	bool read = false;

	int r = menu->rules->smbios_entries ? walk_reads_smbios(w, &read, e) : 0;
	for (size_t i = 0; r == 0 && read && i < w->opt->n_smbios; i++) {
		const char *s = w->opt->smbios[i], *equals = strchr(s, '=');

		if (strncmp(s, key, sizeof key - 1) != 0 || !equals)
			continue;
		s += sizeof key - 1;
		struct tree_entry f = { .name = pool_text(w->pool, s, (size_t)(equals - s)) };
		if (!f.name)
			return err_nomem(e);
		w->used |= OPTION_SMBIOS;
		r = walk_no_confidential_vm(w, e);
		if (r == 0 && menu_is_entry_file(menu->rules, &f, ".conf"))
			r = add_type1(w, menu, w->img->esp, "SMBIOS", f.name, slice_of_string(equals + 1),
				      false, e);
	}
	return r;
}
