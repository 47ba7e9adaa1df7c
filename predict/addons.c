/*
 * PE addons: loaded with LoadImage(), so that firmware measures them, then read for what they add.
 * Source: systemd stub.c, load_addons(), 254 to 262.
 */
#include "predict/stub.h"

static const char *addon_dir(const struct stub_run *run, int which)
{
	return which == ADDONS_GLOBAL ? "\\loader\\addons" : run->extra_dir;
}

/* It was not loaded, for this reason. */
static int passed_over(struct stub_run *run, const char *path, const char *why, struct pcrcast_error *e)
{
	return walk_note(run->w, pool_printf(run->w->pool, "%s is not used: %s", path, why), e);
}

/* Its .uname, compared as C strings over at most the section's length, must be the UKI's. */
static int uname_fits(struct stub_run *run, const struct uki *addon, const char *path, bool *ret,
		      struct pcrcast_error *e)
{
	const struct uki_content *section = &addon->sections[UKI_UNAME];
	struct slice ours, theirs;

	*ret = true;
	if (!run->uki.sections[UKI_UNAME].set || !section->set)
		return 0;
	int r = uki_text(run->w->pool, &run->uki, UKI_UNAME, &ours, e);
	if (r == 0)
		r = uki_text(run->w->pool, addon, UKI_UNAME, &theirs, e);
	if (r == 0)
		r = walk_count_text(run->w, ours.n + theirs.n, path, e);
	if (r < 0)
		return r;
	/* strncmp(ours, theirs, section length): without a NUL in the section, a prefix of ours is equal to it. */
	if (theirs.n < section->bytes.len)
		*ret = slice_equal(ours, theirs);
	else
		*ret = ours.n >= theirs.n && memcmp(ours.p, theirs.p, theirs.n) == 0;
	return 0;
}

/* What is there already is copied each time. */
static int take_line(struct stub_run *run, const struct uki *addon, const char *path, struct utf16 *to,
		     struct pcrcast_error *e)
{
	struct slice text;
	struct utf16 line;
	bool undefined;

	if (!addon->sections[UKI_CMDLINE].set)
		return 0;
	int r = uki_text(run->w->pool, addon, UKI_CMDLINE, &text, e);
	if (r == 0)
		r = walk_count_text(run->w, 8 * text.n + 2 * to->n, path, e);
	if (r == 0)
		r = cmdline_of_utf8(run->w->pool, text, &line, e);
	if (r == 0 && run->rules->addons == ADDONS_JOINED_MANGLED)
		r = cmdline_mangle(run->w->pool, run->rules->mangle, line, &line, &undefined, e);
	if (r < 0)
		return r;
	*to = utf16_join(run->w->pool, *to, to->n ? ' ' : 0, line);
	return to->s ? 0 : err_nomem(e);
}

static int take_part(struct stub_run *run, const struct uki *addon, enum uki_section s, struct part_list *to,
		     const char *name, struct pcrcast_error *e)
{
	if (!addon->sections[s].set || !(run->rules->addon_sections & UKI_BIT(s)))
		return 0;
	return stub_part_add(run, to, name, &addon->sections[s].bytes, e);
}

/* The image has been loaded: use what it holds. */
static int take_addon(struct stub_run *run, const struct pe *pe, const char *path, const char *name,
		      struct utf16 *lines, struct pcrcast_error *e)
{
	struct uki addon;
	bool any = false, fits;

	int r = uki_open_addon(run->w->pool, pe, run->rules, &run->w->opt->hardware, &addon, e);
	if (r < 0)
		return err_wrap(e, "%s", path);
	r = stub_reads_hardware(run, pe, e);
	if (r < 0)
		return r;
	for (enum uki_section s = 0; s < UKI_SECTIONS; s++)
		any |= addon.sections[s].set && run->rules->addon_sections & UKI_BIT(s);
	if (addon.unknown & run->rules->addon_sections) {
		static const char why[] = "which device tree of an addon applies depends on the hardware";

		r = walk_unknown(run->w, 12, why, "--hwid or --dt-compatible", e);
		if (r < 0)
			return r;
		any = true;
	}
	if (addon.sections[UKI_LINUX].set)
		return passed_over(run, path, "it holds a kernel, so it is no addon", e);
	if (!any)
		return passed_over(
			run, path,
			"it holds none of the sections that this version of systemd-stub takes from addons",
			e);
	r = uname_fits(run, &addon, path, &fits, e);
	if (r < 0)
		return r;
	if (!fits)
		return passed_over(run, path, "its .uname is not the UKI's (it is in PCR 4 all the same)", e);

	r = take_line(run, &addon, path, lines, e);
	/* Of the two kinds of device tree the chosen one goes first. */
	if (r == 0 && addon.sections[UKI_DTBAUTO].set && run->rules->addon_sections & UKI_BIT(UKI_DTBAUTO))
		r = take_part(run, &addon, UKI_DTBAUTO, &run->dtb_addons, name, e);
	else if (r == 0)
		r = take_part(run, &addon, UKI_DTB, &run->dtb_addons, name, e);
	if (r == 0)
		r = take_part(run, &addon, UKI_INITRD, &run->initrd_addons, name, e);
	if (r == 0)
		r = take_part(run, &addon, UKI_UCODE, &run->ucode_addons, name, e);
	return r;
}

/* It may be used or not: everything that it could touch is open. */
static int addon_in_doubt(struct stub_run *run, const struct pe *pe, const char *reason,
			  struct pcrcast_error *e)
{
	if (!reason)
		return err_nomem(e);
	int r = walk_unknown(run->w, 12, reason, NULL, e);
	if (pe_section_find(pe, ".cmdline"))
		run->line_doubt = (struct doubt){ true, reason, NULL };
	if (pe_section_find(pe, ".initrd") || pe_section_find(pe, ".ucode"))
		run->initrd_doubt = (struct doubt){ true, reason, NULL };
	return r;
}

/* Signed by somebody nobody has heard of: everything that it could touch is open. */
static int addon_unsure(struct stub_run *run, const struct pe *pe, const char *path, const char *why,
			struct pcrcast_error *e)
{
	char *reason = pool_printf(run->w->pool,
				   "whether firmware with Secure Boot loads %s is not known: %s", path, why);
	struct event_text text = { "addon, if the firmware accepts it", path };

	if (!reason)
		return err_nomem(e);
	int r = walk_event_unknown(run->w, 4, (uint32_t)EV_EFI_BOOT_SERVICES_APPLICATION, text, reason, NULL,
				   e);
	return r < 0 ? r : addon_in_doubt(run, pe, reason, e);
}

/*
 * An addon for another kind of machine is never used. Whether it is measured depends on what the firmware's loader knows:
 * that of x64 firmware knows IA32, AArch64 and EBC images beside its own (tried on OVMF 2022.11 and 2026.08).
 */
static int foreign_addon(struct stub_run *run, const struct pe *pe, const char *path, struct pcrcast_error *e)
{
	struct event_text text = { "addon for another kind of machine", path };

	if (run->uki.pe.machine != PE_MACHINE_X64)
		return walk_event_unknown(
			run->w, 4, (uint32_t)EV_EFI_BOOT_SERVICES_APPLICATION, text,
			"whether firmware measures an addon for another kind of machine is not known", NULL,
			e);
	if (pe->machine != PE_MACHINE_IA32 && pe->machine != PE_MACHINE_AA64 && pe->machine != PE_MACHINE_EBC)
		return passed_over(run, path, "it is for another kind of machine", e);
	int r = walk_load(run->w, pe, path, text, e);
	return r < 0 ? r :
		       passed_over(run, path,
				   "it is for another kind of machine (it is in PCR 4 all the same)", e);
}

static int load_addon(struct stub_run *run, const char *dir, const char *name, struct utf16 *lines,
		      struct pcrcast_error *e)
{
	const char *path = pool_printf(run->w->pool, "%s\\%s", dir, name), *why;
	struct pcrcast_error odd;
	enum verdict verdict;
	struct blob bytes;
	struct pe pe;

	int r = path ? tree_open_file(run->start->volume, path, &bytes, &path, e) : err_nomem(e);
	if (r < 0)
		return r;
	r = pe_parse(run->w->pool, &bytes, &pe, &odd);
	if (r == -PCRCAST_ETRUNC || r == -PCRCAST_EFORMAT) /* EDK2 refuses what pe_parse does */
		return passed_over(run, path,
				   pool_printf(run->w->pool, "firmware cannot load it: %s", odd.msg), e);
	if (r < 0) {
		if (e)
			*e = odd;
		return r;
	}
	r = walk_judge_image(run->w, &pe, false, &verdict, &why, e);
	if (r < 0)
		return err_wrap(e, "%s", path);
	if (verdict == IMAGE_REFUSED)
		return passed_over(run, path, why, e);
	if (verdict == IMAGE_UNSURE)
		return addon_unsure(run, &pe, path, why, e);
	if (pe.machine != run->uki.pe.machine)
		return foreign_addon(run, &pe, path, e);
	r = walk_load(run->w, &pe, path, (struct event_text){ "addon", path }, &odd);
	if (r == -PCRCAST_EFORMAT) /* the firmware's measurement fails, and with it loading */
		return passed_over(run, path,
				   pool_printf(run->w->pool, "firmware cannot measure it: %s", odd.msg), e);
	if (r < 0) {
		if (e)
			*e = odd;
		return r;
	}
	if (verdict == IMAGE_MEASURED)
		return passed_over(run, path, why, e);
	if (pe.relocs_stripped)
		return addon_in_doubt(
			run, &pe,
			pool_printf(
				run->w->pool,
				"whether firmware can load %s, which cannot be relocated, depends on its memory map",
				path),
			e);
	return take_addon(run, &pe, path, name, lines, e);
}

int stub_load_addons(struct stub_run *run, int which, struct pcrcast_error *e)
{
	/* The newest rule makes one text of both directories; the older ones keep them apart. */
	struct utf16 *lines =
		&run->addon_lines[run->rules->addons == ADDONS_JOINED_MANGLED ? ADDONS_GLOBAL : which];
	const char *dir = addon_dir(run, which);
	const char *const *names;
	size_t n;

	int r = stub_list_files(run, dir, ".addon.efi", NULL, &names, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = load_addon(run, dir, names[i], lines, e);
	return r;
}

int stub_append_addon_line(struct stub_run *run, struct utf16 text, struct pcrcast_error *e)
{
	struct utf16 line;
	bool undefined;

	if (text.n == 0)
		return 0;
	int r = walk_count_text(run->w, 2 * (run->line.n + text.n), "command line of addons", e);
	if (r == 0)
		r = cmdline_mangle(run->w->pool, run->rules->mangle, text, &line, &undefined, e);
	if (r < 0)
		return r;
	if (undefined) {
		static const char why[] =
			"the addons' command line is blank, which this version of systemd-stub handles in an undefined way";

		run->line_doubt = (struct doubt){ true, why, NULL };
		return walk_unknown(run->w, 12, why, NULL, e);
	}
	if (line.n == 0)
		return 0;
	r = walk_command_line(
		run->w, line, EVENT_COMPUTED,
		(struct event_text){ "command line of addons", "section .cmdline of the addons" }, e);
	if (r < 0)
		return r;
	stub_line_source(run, "section .cmdline of the addons");
	run->line = utf16_join(run->w->pool, run->line, run->line.n ? ' ' : 0, line);
	run->has_line = true;
	return run->line.s ? 0 : err_nomem(e);
}
