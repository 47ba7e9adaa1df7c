/*
 * systemd-boot's menu entries: UKIs in \EFI\Linux (type #2), files in \loader\entries (type #1) and SMBIOS strings.
 *
 * Sources: UAPI.1 Boot Loader Specification; systemd boot.c, boot_entry_add_type1(), boot_entry_add_type2(),
 * boot_entry_parse_tries() and bootspec_pick_name_version_sort_key(), 252 to 262.
 */
#include <limits.h>
#include <strings.h>

#include "predict/sdboot.h"

enum {
	ENTRIES_MAX = 4096,   /* entries of one menu; sorting them is quadratic, as it is in systemd-boot */
	PROFILES_MAX = 256,   /* systemd uki.h: UNIFIED_PROFILES_MAX */
	CONFIG_MAX = 1 << 20, /* bytes of a configuration file */
};

static struct boot_entry *add_entry(struct walk *w, struct boot_menu *menu, struct pcrcast_error *e)
{
	struct boot_entry *entry = menu->n < ENTRIES_MAX ? pool_push(w->pool, &menu->entries, &menu->n,
								     &menu->cap, sizeof *entry) :
							   NULL;

	if (!entry) {
		if (menu->n >= ENTRIES_MAX)
			err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET, "more than %d boot menu entries",
				ENTRIES_MAX);
		else
			err_nomem(e);
		return NULL;
	}
	*entry = (struct boot_entry){ .tries_left = -1, .tries_done = -1 };
	return entry;
}

static bool ends_with(const char *name, const char *suffix)
{
	size_t n = strlen(name), k = strlen(suffix);

	return n >= k && strcasecmp(name + n - k, suffix) == 0;
}

/* Does systemd-boot look at this file of an entry directory? */
static bool is_entry_file(const struct sdboot_rules *rules, const struct tree_entry *f, const char *suffix)
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

/*
 * Set an entry's id from its file's name, and take the boot counter. profile_id: what stands behind '@' in the
 * id; NULL for profile 0 and for type #1.
 */
static int set_id(struct walk *w, const struct boot_menu *menu, struct boot_entry *entry, const char *dir,
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

/* ---- type #1 ---- */

static int set_text(struct walk *w, const struct sdboot_rules *rules, struct slice value, struct utf16 *to,
		    struct pcrcast_error *e)
{
	int r = cmdline_of_utf8(w->pool, value, to, e);

	if (r == 0 && value.n == 0 && rules->empty_values != YES)
		to->s = NULL;
	return r;
}

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
	int r = set_text(w, rules, value, &more, e);

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
			r = set_text(w, menu->rules, value, &entry->sort_key, e);
		else if (slice_equal_string(key, "version"))
			r = set_text(w, menu->rules, value, &entry->version, e);
		else if (slice_equal_string(key, "machine-id"))
			r = set_text(w, menu->rules, value, &entry->machine_id, e);
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
		r = set_id(w, menu, &entry, dir, name, ".conf", NULL, e);
		/* The counter renames the .conf file, not what it starts. */
		entry.next_loader = entry.loader;
	} else {
		r = utf16_of_utf8(w->pool, name, &entry.id, e);
		if (r == 0)
			r = utf16_lower(w->pool, entry.id, &entry.id, e);
	}
	if (r < 0)
		return r;
	struct boot_entry *place = add_entry(w, menu, e);
	if (!place)
		return -(int)(menu->n >= ENTRIES_MAX ? PCRCAST_ELIMIT : PCRCAST_ENOMEM);
	*place = entry;
	return 0;
}

/* Files of a directory that may be entries; none when the directory is missing. */
static int list_entry_dir(struct boot_menu *menu, struct tree *volume, const char *dir, struct tree_list *ret,
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

static int load_type1(struct walk *w, struct boot_menu *menu, struct tree *volume, struct pcrcast_error *e)
{
	static const char dir[] = "\\loader\\entries";
	struct tree_list list;

	int r = list_entry_dir(menu, volume, dir, &list, e);
	for (size_t i = 0; r == 0 && i < list.n; i++) {
		struct blob content;
		struct slice text;
		char *path;

		if (!is_entry_file(menu->rules, &list.entries[i], ".conf"))
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

/* ---- type #2 ---- */

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
				r = set_text(w, rules, value, keys[i].to, e);
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
		r = set_id(w, menu, &entry, dir, name, ".efi", id, e);
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
	struct boot_entry *place = add_entry(w, menu, e);
	if (!place)
		return -(int)(menu->n >= ENTRIES_MAX ? PCRCAST_ELIMIT : PCRCAST_ENOMEM);
	*place = entry;
	return 0;
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

static int load_type2(struct walk *w, struct boot_menu *menu, struct tree *volume, struct pcrcast_error *e)
{
	static const char dir[] = "\\EFI\\Linux";
	struct tree_list list;

	int r = list_entry_dir(menu, volume, dir, &list, e);
	for (size_t i = 0; r == 0 && i < list.n; i++)
		if (is_entry_file(menu->rules, &list.entries[i], ".efi"))
			r = load_uki(w, menu, volume, dir, list.entries[i].name, e);
	return r;
}

/* ---- SMBIOS entries ---- */

static int load_smbios(struct walk *w, struct boot_menu *menu, struct pcrcast_error *e)
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
		if (r == 0 && is_entry_file(menu->rules, &f, ".conf"))
			r = add_type1(w, menu, w->img->esp, "SMBIOS", f.name, slice_of_string(equals + 1),
				      false, e);
	}
	return r;
}

int menu_load(struct walk *w, struct boot_menu *menu, struct pcrcast_error *e)
{
	menu->in_disk_order = true;
	int r = load_type2(w, menu, w->img->esp, e);

	if (r == 0)
		r = load_type1(w, menu, w->img->esp, e);
	if (r == 0 && w->img->xbootldr)
		r = load_type2(w, menu, w->img->xbootldr, e);
	if (r == 0 && w->img->xbootldr)
		r = load_type1(w, menu, w->img->xbootldr, e);
	return r < 0 ? r : load_smbios(w, menu, e);
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
		struct boot_entry *entry = add_entry(w, menu, e);
		int r = entry ? utf16_of_utf8(w->pool, loaders[i].id, &entry->id, e) :
				-(int)(menu->n >= ENTRIES_MAX ? PCRCAST_ELIMIT : PCRCAST_ENOMEM);
		if (r < 0)
			return r;
		entry->type = ENTRY_EFI;
		entry->automatic = true;
		entry->volume = w->img->esp;
		entry->file = entry->loader = entry->next_loader = there.path;
	}
	return 0;
}
