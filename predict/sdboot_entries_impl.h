/*
 * Private to sdboot_entries.c, sdboot_type1.c and sdboot_type2.c: what makes the entries of systemd-boot's menu.
 */
#pragma once

#include "predict/sdboot.h"

/* Put a copy behind the menu's entries. PCRCAST_ELIMIT when there are too many. */
int menu_add_entry(struct walk *w, struct boot_menu *menu, const struct boot_entry *entry,
		   struct pcrcast_error *e);

/* Does systemd-boot look at this file of an entry directory? */
bool menu_is_entry_file(const struct sdboot_rules *rules, const struct tree_entry *f, const char *suffix);

/*
 * Set an entry's id from its file's name, and take the boot counter. profile_id: what stands behind '@' in the
 * id; NULL for profile 0 and for type #1.
 */
int menu_set_id(struct walk *w, const struct boot_menu *menu, struct boot_entry *entry, const char *dir,
		const char *name, const char *suffix, const char *profile_id, struct pcrcast_error *e);

/* A key's value as text; to->s is NULL for an empty one in versions that take it for none. */
int menu_set_text(struct walk *w, const struct sdboot_rules *rules, struct slice value, struct utf16 *to,
		  struct pcrcast_error *e);

/* Files of a directory that may be entries; none when the directory is missing. */
int menu_list_dir(struct boot_menu *menu, struct tree *volume, const char *dir, struct tree_list *ret,
		  struct pcrcast_error *e);

/* The entries of a volume, or of SMBIOS strings, into the menu. */
int menu_load_type1(struct walk *w, struct boot_menu *menu, struct tree *volume, struct pcrcast_error *e);
int menu_load_type2(struct walk *w, struct boot_menu *menu, struct tree *volume, struct pcrcast_error *e);
int menu_load_smbios(struct walk *w, struct boot_menu *menu, struct pcrcast_error *e);
