/*
 * Entries of the Boot Loader Specification as GRUB takes them into its menu. Private to predict/grub_bls*.c.
 *
 * Two implementations exist. Red Hat's: rhboot/grub2, commands/blscfg.c, alike in the branches rhel-9-main and fedora-36 to
 * fedora-45 but for what is named where it matters. Upstream's: GRUB 2.14 commands/blsuki.c, which Fedora 44 has beside
 * the other for its command uki.
 */
#pragma once

#include "predict/grub.h"

struct grub_pair {
	const char *key, *value;
};

struct grub_bls_entry {
	const char *name;         /* of its file, with Red Hat's without ".conf" */
	const char *device, *dir; /* where the file is */
	struct grub_pair *pairs;  /* the lines of the file, or sections of the UKI, in their order */
	size_t n, cap;
	bool visible; /* it is in the menu */
};

/* The first value of a key; NULL: none. */
const char *grub_bls_value(const struct grub_bls_entry *entry, const char *key);

/*
 * The lines of a file, which Red Hat's splits otherwise than upstream's. *ret_why: why that is not known; else untouched.
 */
int grub_bls_parse(struct grub *g, bool redhat, struct slice text, struct grub_bls_entry *ret,
		   const char **ret_why, struct pcrcast_error *e);

/* The sections of a UKI that GRUB looks at. *ret_why as above, and for what is no such UKI. */
int grub_bls_parse_uki(struct grub *g, const struct blob *file, struct grub_bls_entry *ret,
		       const char **ret_why, struct pcrcast_error *e);

/* What the entry runs when it is chosen. */
struct grub_value grub_bls_redhat_text(struct grub *g, const struct grub_bls_entry *entry);
struct grub_value grub_bls_upstream_text(struct grub *g, const struct grub_bls_entry *entry);
struct grub_value grub_bls_uki_text(struct grub *g, const struct grub_bls_entry *entry);

/* Its title, and who may boot it (s NULL: everybody). */
struct grub_value grub_bls_uki_title(struct grub *g, const struct grub_bls_entry *entry);
struct grub_value grub_bls_users(struct grub *g, const struct grub_bls_entry *entry);

/* ---- a run of one of the commands (grub_bls.c, grub_bls_menu.c) ---- */

enum bls_kind { BLS_REDHAT, BLS_UPSTREAM, BLS_UKI };

/* Which of the entries get into the menu. */
struct bls_show {
	bool default_entry, others;
	struct grub_value id; /* and this one; s NULL: none */
};

struct bls_run {
	struct grub *g;
	enum bls_kind kind;
	const char *device, *dir;
	struct pcrcast_error *e;
};

/* The run of the configuration ends: why, of the file of this name in the directory at hand. */
int grub_bls_stop(struct bls_run *b, const char *name, const char *why);
/* Those to show that are not in the menu yet get into it. */
int grub_bls_create(struct bls_run *b, const struct bls_show *show);
