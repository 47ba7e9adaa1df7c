/*
 * systemd-boot: its rules by version, its configuration and its menu. Private to predict/.
 */
#pragma once

#include "predict/cmdline.h"
#include "predict/walk.h"

/* How the id of an entry whose file name has a boot counter is made. */
enum id_rule {
	ID_WITH_COUNTER,   /* the file name in lower case */
	ID_STRIPPED_CASED, /* without the counter, case as stored; the profile's part is lost */
	ID_STRIPPED, /* without the counter; type #1 in lower case, type #2 as stored, profile behind it */
};

enum initrds_rule {
	INITRDS_JOINED,        /* one behind the other */
	INITRDS_PADDED,        /* each but the last of the list padded to 4 */
	INITRDS_PADDED_FILLED, /* the same, and an empty file is left out of the command line too */
};

struct sdboot_rules {
	struct sd_version from; /* holds until the next row */
	bool measures_config;   /* loader.conf to PCR 5 */
	bool passes_uki_line;   /* a UKI's .cmdline is passed as load options and measured */
	enum section_match match;
	enum mangle_rule mangle;
	bool profiles;
	bool single_quotes;      /* 'value' is unquoted as "value" is */
	bool auto_prefix_folded; /* files auto-* are passed over in any case */
	bool preferred;          /* loader.conf knows "preferred" */
	bool first_profile_only; /* the entry chosen without a pattern has profile 0 */
	enum id_rule ids;
	enum certainty ids_certain; /* UNSURE: a point release changed them; the next row's may hold too */
	bool profile_before_id;     /* entries of one version sort by profile first */
	bool one_loader_key;        /* linux, efi, uki, uki-url exclude each other */
	bool uki_key, profile_key, extra_key;
	enum certainty
		empty_values; /* a key with an empty value is set, as in any other case; NO: it is unset */
	enum initrds_rule initrds;
	bool smbios_line;      /* io.systemd.boot.kernel-cmdline-extra */
	bool smbios_line_null; /* without options it becomes "(null) extra" */
	bool smbios_entries;   /* io.systemd.boot.entries-extra:NAME.conf */
	bool smbios_to_pcr1;
};

const struct sdboot_rules *sdboot_rules_for(struct sd_version v, bool *ret_newer);

/* ---- configuration files ---- */

/* A cursor over "key value" lines, as systemd-boot splits them. */
struct config_lines {
	struct slice rest;
	const char *separators; /* between key and value */
	bool single_quotes;
};

/* The next pair; both borrow from the text. False at the end. */
bool config_next(struct config_lines *lines, struct slice *ret_key, struct slice *ret_value);

/* What names the entry to start, in the order in which it is looked at. The names in capitals are variables of the firmware. */
enum choice {
	CHOICE_ONE_SHOT, /* LoaderEntryOneShot */
	CHOICE_PREFERRED_VARIABLE,
	CHOICE_PREFERRED, /* loader.conf: "preferred" */
	CHOICE_DEFAULT_VARIABLE,
	CHOICE_DEFAULT, /* loader.conf: "default" */
	CHOICES,
};

struct loader_conf {
	struct utf16 choices[CHOICES]; /* patterns in lower case; s is NULL when not set */
	bool auto_entries;
};

int loader_conf_parse(struct pool *pool, struct slice text, const struct sdboot_rules *rules,
		      struct loader_conf *ret, struct pcrcast_error *e);

/* Add what the firmware's variables say. variables: NULL when not known. */
int loader_conf_add_variables(struct pool *pool, const struct firmware_variables *variables,
			      const struct sdboot_rules *rules, struct loader_conf *conf,
			      struct pcrcast_error *e);

/* The variable that a choice comes from; NULL: loader.conf. */
const char *choice_variable(enum choice c);

/* ---- the menu ---- */

enum entry_type {
	ENTRY_UNDEFINED,
	ENTRY_LINUX,
	ENTRY_EFI,
	ENTRY_UKI, /* type #1 with the key uki */
	ENTRY_URL, /* type #1 with the key uki-url */
	ENTRY_TYPE2,
};

struct boot_entry {
	enum entry_type type;
	struct tree *volume;
	const char *file;                    /* path of the .conf or .efi file, for messages */
	struct utf16 id, id_without_profile; /* s NULL: not set; so for the next ones */
	struct utf16 sort_key, version, machine_id, options;
	const char *loader; /* path in volume, '\' between names */
	const char
		*next_loader; /* the name that boot counting gives it before it is started; else as loader */
	const char *const *initrds;
	size_t n_initrds, cap_initrds;
	const char *const *extras;
	size_t n_extras, cap_extras;
	bool options_implied; /* options are the UKI's own .cmdline */
	bool automatic; /* a well-known loader that systemd-boot offers by itself: chosen by a pattern only */
	const char *devicetree; /* NULL: none */
	unsigned profile;
	int64_t tries_left, tries_done; /* -1: no boot counter */
};

struct boot_menu {
	const struct sdboot_rules *rules;
	uint16_t machine; /* of systemd-boot itself */
	const char *own_path;
	struct boot_entry *entries;
	size_t n, cap;
	bool in_disk_order; /* entries were found in the order in which firmware would find them */
};

/* All entries that files of the volumes define, in the order in which systemd-boot finds them. */
int menu_load(struct walk *w, struct boot_menu *menu, struct pcrcast_error *e);

void menu_sort(struct boot_menu *menu);

/* Behind the sorted entries: the loaders that systemd-boot offers by itself, as far as the ESP tells. */
int menu_add_automatic(struct walk *w, struct boot_menu *menu, struct pcrcast_error *e);

/* Do both entries have the same place in the order, so that the one that was found first comes first? */
bool menu_same_place(const struct boot_menu *menu, const struct boot_entry *a, const struct boot_entry *b);

/* The first entry whose id matches a pattern in lower case; skip_bad: that has tries left. NULL: none. */
const struct boot_entry *menu_find(const struct boot_menu *menu, struct utf16 pattern, bool skip_bad);

/* What systemd-boot chooses when nobody presses a key, and by what; CHOICES: as the first that fits. NULL: none. */
const struct boot_entry *menu_choose(const struct boot_menu *menu, const struct loader_conf *conf,
				     enum choice *ret_by);

/* strverscmp_improved(): UAPI.10 Version Format Specification. Texts may have NULL s. */
int version_compare(struct utf16 a, struct utf16 b);

/* efi_fnmatch(): '*', '?', '[set]' with ranges, '\' as escape. Cost: product of both lengths. */
enum { PATTERN_MAX = 1024 }; /* code units; ids are file names of at most 255, and a profile's name */
bool pattern_matches(struct utf16 pattern, struct utf16 text);

/* ASCII letters in lower case. */
int utf16_lower(struct pool *pool, struct utf16 s, struct utf16 *ret, struct pcrcast_error *e);

/* ---- the run: sdboot_choice.c, sdboot_start.c ---- */

/*
 * The menu as this version makes it, and the entry that is started, which stays the menu's. Where its rules changed in
 * some release that is not known, both ways are tried; when they lead to different entries, nobody but the user can tell:
 * PCRCAST_EUNSUPPORTED. PCRCAST_ENOTFOUND when there is no entry, or none as --entry or --profile wants it.
 */
int sdboot_choose_entry(struct walk *w, const struct start *s, const struct sdboot_rules *rules,
			const struct loader_conf *conf, struct boot_menu *menu, const struct boot_entry **ret,
			struct pcrcast_error *e);

/* Load and start what the entry names, with the events before it and all that follow. */
int sdboot_start_entry(struct walk *w, const struct sdboot_rules *rules, const struct boot_entry *entry,
		       struct pcrcast_error *e);
