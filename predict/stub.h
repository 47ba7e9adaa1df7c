/*
 * One run of systemd-stub, shared by the files that walk it: stub.c (order of things), addons.c,
 * companions.c. Private to predict/.
 */
#pragma once

#include "predict/cmdline.h"
#include "predict/walk.h"

/* Something that is not known, and the option that would tell (may be NULL). */
struct doubt {
	bool set;
	const char *reason, *option;
};

/* One element of the initrd that the kernel gets. */
struct initrd_part {
	const char *name;
	struct blob bytes;
};

struct part_list {
	struct initrd_part *items;
	size_t n, cap;
};

struct stub_run {
	struct walk *w;
	const struct start *start;
	const struct stub_rules *rules;
	struct uki uki;
	const char *extra_dir; /* NAME.efi.extra.d */

	bool has_line;           /* there is a command line, perhaps an empty one */
	struct utf16 line;       /* what the kernel will get */
	const char *line_source; /* where it comes from, for event texts; NULL: the load options */
	struct doubt line_doubt;
	struct doubt initrd_doubt;

	/* from addons, in the order in which they were loaded */
	struct part_list dtb_addons, initrd_addons, ucode_addons;
	struct utf16 addon_lines
		[2]; /* command lines of the global directory and of the UKI's own, joined as the version does */

	struct part_list archives; /* generated from companion files */
};

enum { ADDONS_GLOBAL, ADDONS_OWN };

int stub_part_add(struct stub_run *run, struct part_list *list, const char *name, const struct blob *bytes,
		  struct pcrcast_error *e);

/* Names of the files that the stub picks up from a directory, sorted by UTF-16 code unit; none when it is missing. */
int stub_list_files(struct stub_run *run, const char *dir, const char *suffix, const char *not_suffix,
		    const char *const **ret, size_t *ret_n, struct pcrcast_error *e);

/* Load the addons of a directory: their PCR 4 events, and what they hold into run. */
int stub_load_addons(struct stub_run *run, int which, struct pcrcast_error *e);

/* Note what is read, and what is assumed, of the hardware that chooses among .dtbauto and .efifw sections of an image. */
int stub_reads_hardware(struct stub_run *run, const struct pe *pe, struct pcrcast_error *e);

/* Note where what is put behind the command line comes from; before has_line is set. */
void stub_line_source(struct stub_run *run, const char *source);

/* Put addon text behind the command line and measure it. */
int stub_append_addon_line(struct stub_run *run, struct utf16 text, struct pcrcast_error *e);

/* Credentials, system and configuration extensions: archives and their events. */
int stub_companions(struct stub_run *run, struct pcrcast_error *e);

/* An archive of one file /.extra/NAME made from bytes. */
int stub_literal(struct stub_run *run, const char *name, uint32_t mode, const struct blob *bytes,
		 struct part_list *to, struct pcrcast_error *e);
