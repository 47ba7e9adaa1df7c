/*
 * One run of systemd-stub, shared by the files that walk it: stub.c (order of things), stub_line.c, stub_initrd.c,
 * addons.c, companions.c. Private to predict/.
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

/* "\\EFI\\Linux\\a.efi: section .cmdline, file bytes 2048 to 2068"; NULL when memory gives out. */
const char *stub_section_source(struct stub_run *run, enum uki_section s);

/* ---- the command line: stub_line.c ---- */

/*
 * The text in the load options; *ret_given is false when the stub takes no notice of them. A control character in front
 * means garbage (some firmware passes binary data); newer versions look at the whole text. PCRCAST_EUNSUPPORTED when
 * that depends on the point release.
 */
int stub_options_text(struct stub_run *run, struct utf16 *ret, bool *ret_given, struct pcrcast_error *e);

/* "@N" or "@N rest" selects a profile; anything else is profile 0 and stays as it is (257 and later). */
unsigned stub_take_profile(struct utf16 *text);

/* Decide between load options and .cmdline, and measure the former. */
int stub_settle_line(struct stub_run *run, struct utf16 options, bool given, struct pcrcast_error *e);

/* Note where what is put behind the command line comes from; before has_line is set. */
void stub_line_source(struct stub_run *run, const char *source);

/* The text of all addons at once, for versions that do not take it directory by directory. */
int stub_append_addon_lines(struct stub_run *run, struct pcrcast_error *e);

/* The SMBIOS string's words, put behind the line and measured as the version does. */
int stub_append_smbios(struct stub_run *run, struct pcrcast_error *e);

/* What the kernel's console is depends on the hardware; the words are not measured here, but the kernel does. */
int stub_append_console(struct stub_run *run, struct pcrcast_error *e);

/* ---- the initrd: stub_initrd.c ---- */

/* Sets initrd, has_initrd and initrd_source of *kernel; run->initrd_doubt when a part is not known. */
int stub_build_initrd(struct stub_run *run, struct start *kernel, struct pcrcast_error *e);

/* ---- addons and companions: addons.c, companions.c ---- */

/* Put addon text behind the command line and measure it. */
int stub_append_addon_line(struct stub_run *run, struct utf16 text, struct pcrcast_error *e);

/* Credentials, system and configuration extensions: archives and their events. */
int stub_companions(struct stub_run *run, struct pcrcast_error *e);

/* An archive of one file /.extra/NAME made from bytes. */
int stub_literal(struct stub_run *run, const char *name, uint32_t mode, const struct blob *bytes,
		 struct part_list *to, struct pcrcast_error *e);
