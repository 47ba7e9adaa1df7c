/*
 * systemd-stub: from the moment it is started to the kernel it starts.
 *
 * Source: systemd src/boot/efi/stub.c (252.39, 254.26, 255.13, 256.0) and src/boot/stub.c (257.13, 262),
 * linux.c of the same. The steps are in the order of run(); what differs between versions is in struct stub_rules.
 */
#include "predict/shim.h"
#include "predict/stub.h"

#include "predict/extra_dir.h"

/* ---- PCR 12 and 11: profile, sections, SMBIOS, addons ---- */

static int measure_profile(struct stub_run *run, unsigned profile, struct pcrcast_error *e)
{
	enum { TAG = 0x13aed6db };
	struct utf16 wide;
	struct blob hashed;

	if (profile == 0)
		return 0;
	char *text = pool_printf(run->w->pool, "%u", profile);
	int r = text ? utf16_of_utf8(run->w->pool, text, &wide, e) : err_nomem(e);
	if (r < 0)
		return r;
	struct slice bytes = utf16_bytes(run->w->pool, wide, true);
	if (!bytes.p)
		return err_nomem(e);
	r = blob_of_bytes(run->w->pool, bytes, &hashed, e);
	return r < 0 ? r :
		       walk_tagged(run->w, 12, TAG, text, &hashed, (struct event_text){ "UKI profile", text },
				   e);
}

const char *stub_section_source(struct stub_run *run, enum uki_section s)
{
	const char *place = uki_section_place(run->w->pool, &run->uki, s);

	return place ? pool_printf(run->w->pool, "%s: %s", run->start->path, place) : NULL;
}

static int measure_sections(struct stub_run *run, struct pcrcast_error *e)
{
	static const char by_hardware[] = "which .dtbauto or .efifw section applies depends on the hardware";
	static const char by_range[] =
		"whether this release of systemd-stub uses a section beyond SizeOfImage is not known";
	struct pool *pool = run->w->pool;
	int r = 0;

	for (enum uki_section s = 0; r == 0 && s < UKI_SECTIONS; s++) {
		const char *name = uki_section_names[s];
		struct event_text text = { pool_printf(pool, "name of section %s", name),
					   "UAPI.5 UKI, with its NUL" };
		struct slice bytes = { (const uint8_t *)name, strlen(name) + 1 }, wide_bytes;
		struct utf16 wide;

		if (s == UKI_PCRSIG)
			continue; /* it holds signatures of what is measured here */
		if (run->uki.unknown & UKI_BIT(s))
			r = walk_event_unknown(run->w, 11, EV_IPL,
					       (struct event_text){ name, run->start->path }, by_hardware,
					       "--hwid or --dt-compatible", e);
		if (r < 0 || !run->uki.sections[s].set || run->uki.unknown & UKI_BIT(s))
			continue;
		r = utf16_of_utf8(pool, name, &wide, e);
		if (r < 0)
			return r;
		wide_bytes = utf16_bytes(pool, wide, true);
		r = wide_bytes.p ?
			    walk_event_bytes(run->w, 11, EV_IPL, wide_bytes, bytes, EVENT_CONSTANT, text, e) :
			    err_nomem(e);
		text = (struct event_text){ pool_printf(pool, "content of section %s", name),
					    stub_section_source(run, s) };
		if (r == 0)
			r = walk_ipl(run->w, 11, wide, &run->uki.sections[s].bytes, text, e);
	}
	if (r == 0 && run->uki.unsure_range)
		r = walk_unknown(run->w, 11, by_range, NULL, e);
	return r;
}

/* Which ids come from SMBIOS depends on the display too, from 258 on. */
static int read_chids(struct stub_run *run, const struct pe *pe, struct pcrcast_error *e)
{
	run->w->used |= OPTION_HWID;
	if (!run->w->opt->hardware.ids_of_table || !pe_section_find(pe, ".hwids"))
		return 0;
	run->w->used |= OPTION_SMBIOS_TABLES;
	return run->rules->sections & UKI_BIT(UKI_EFIFW) ?
		       walk_assume(run->w, "display", "none that .hwids knows", "--hwid", e) :
		       0;
}

int stub_reads_hardware(struct stub_run *run, const struct pe *pe, struct pcrcast_error *e)
{
	const struct hardware *hw = &run->w->opt->hardware;
	bool pc = pe->machine == PE_MACHINE_X64 || pe->machine == PE_MACHINE_IA32;
	uint32_t sections = run->rules->sections;
	bool trees = sections & UKI_BIT(UKI_DTBAUTO) && pe_section_find(pe, ".dtbauto");
	bool firmware = sections & UKI_BIT(UKI_EFIFW) && pe_section_find(pe, ".efifw");
	int r = firmware || (trees && !hw->compatible) ? read_chids(run, pe, e) : 0;

	if (trees)
		run->w->used |= OPTION_DT_COMPATIBLE;
	/* As uki_open decides: on other machines the section is not known without either option. */
	if (r < 0 || !trees || hw->compatible_known || (!pc && (!hw->ids_known || hw->ids_of_table)))
		return r;
	return walk_assume(run->w, "dt-compatible", "none", "--dt-compatible", e);
}

static int measure_smbios(struct stub_run *run, struct pcrcast_error *e)
{
	return run->rules->smbios_to_pcr1 ? walk_smbios_structures(run->w, e) : 0;
}

static int measure_parts(struct stub_run *run, const struct part_list *list, uint32_t tag, const char *what,
			 bool reversed, struct pcrcast_error *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++) {
		const struct initrd_part *p = &list->items[reversed ? list->n - 1 - i : i];

		r = walk_tagged(run->w, 12, tag, p->name, &p->bytes, (struct event_text){ what, p->name }, e);
	}
	return r;
}

static int measure_dtb_addons(struct stub_run *run, struct pcrcast_error *e)
{
	enum { TAG = 0x6c46f751 };

	return measure_parts(run, &run->dtb_addons, TAG, "device tree of an addon", false, e);
}

static int measure_initrd_addons(struct stub_run *run, struct pcrcast_error *e)
{
	enum { UCODE_TAG = (int)0xdac08e1a, INITRD_TAG = 0x49dffe0f };
	int r = measure_parts(run, &run->ucode_addons, (uint32_t)UCODE_TAG, "microcode of an addon", true, e);

	return r < 0 ? r :
		       measure_parts(run, &run->initrd_addons, INITRD_TAG, "initrd of an addon", false, e);
}

/* ---- the kernel ---- */

static int kernel_options(struct stub_run *run, bool handover, struct start *kernel, struct pcrcast_error *e)
{
	kernel->options = SLICE_EMPTY;
	if (handover)
		return 0; /* the line goes into boot_params, not into LoadOptions */
	if (run->line_doubt.set) {
		kernel->options_unknown = true;
		kernel->why_unknown = run->line_doubt.reason;
		kernel->option_missing = run->line_doubt.option;
		return 0;
	}
	if (run->has_line) {
		kernel->options = utf16_bytes(run->w->pool, run->line, true);
		kernel->options_source = run->line_source;
		return kernel->options.p ? 0 : err_nomem(e);
	}
	if (run->start->options.n == 0 || run->rules->keeps_own_options == NO)
		return 0;
	if (run->rules->keeps_own_options == YES) {
		kernel->options = run->start->options;
		kernel->options_of_user = run->start->options_of_user;
		return 0;
	}
	kernel->options_unknown = true;
	kernel->why_unknown =
		"whether this release of systemd-stub passes its own load options on is not known";
	return 0;
}

/* Kernels that the stub or the firmware would refuse to start. */
static int check_kernel(struct stub_run *run, const struct start *kernel, bool handover,
			struct pcrcast_error *e)
{
	uint16_t ours = run->uki.pe.machine, its = kernel->pe.machine;
	const char *why;

	/* 32-bit firmware starts a 64-bit kernel through the kernel's .compat section. */
	if (its != ours && !(ours == PE_MACHINE_IA32 && its == PE_MACHINE_X64))
		return err_set(
			e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			"%s: section .linux: a kernel for machine type 0x%04x in an image for 0x%04x, which does not start",
			run->start->path, its, ours);
	if (kernel->pe.major_image_version < 1 && !handover)
		return err_set(
			e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			"%s: section .linux: MajorImageVersion is 0, systemd-stub starts kernels of version 1 and later only",
			run->start->path);
	if (run->rules->loads_kernel_image && !handover &&
	    pe_fate_under_edk2(run->w->pool, &kernel->pe, &why) != PE_LOADS)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "%s: section .linux: firmware does not load it: %s", run->start->path, why);
	return 0;
}

static int start_kernel(struct stub_run *run, struct pcrcast_error *e)
{
	const char *place = stub_section_source(run, UKI_LINUX);
	struct start kernel = { .volume = NULL,
				.path = run->start->path,
				.real_path = run->start->real_path };
	struct event_text text = { "kernel inside the UKI", place };

	int r = pe_parse(run->w->pool, &run->uki.sections[UKI_LINUX].bytes, &kernel.pe, e);
	if (r < 0)
		return err_wrap(e, "%s: section .linux", run->start->path);
	/* Linux before 5.8 on x86 is entered through the handover protocol, not through its PE entry point. */
	bool handover = kernel.pe.major_image_version < 1 &&
			(kernel.pe.machine == PE_MACHINE_X64 || kernel.pe.machine == PE_MACHINE_IA32);

	r = check_kernel(run, &kernel, handover, e);
	if (r < 0)
		return r;

	/* With Secure Boot the stub's hook accepts the kernel before the firmware's measurement runs. */
	if (run->rules->loads_kernel_image && !run->w->opt->secure_boot && !handover)
		r = walk_image_load(run->w, &kernel.pe, NULL, text, e);
	if (run->w->opt->secure_boot && run->w->shim && !handover)
		r = shim_inner_kernel(run->w->shim, &kernel.pe, place, text, e);
	if (r == 0)
		r = kernel_options(run, handover, &kernel, e);
	if (r == 0)
		r = stub_build_initrd(run, &kernel, e);
	if (r < 0)
		return r;
	if (run->initrd_doubt.set) {
		kernel.initrd_unknown = true;
		kernel.why_initrd_unknown = run->initrd_doubt.reason;
		kernel.initrd_option = run->initrd_doubt.option;
	}
	return stage_kernel(run->w, &kernel, place, e);
}

/* ---- the whole run ---- */

static int load_addons(struct stub_run *run, struct pcrcast_error *e)
{
	bool at_once = run->rules->addons != ADDONS_EVENT_PER_DIRECTORY;
	int r = 0;

	for (int which = ADDONS_GLOBAL; r == 0 && which <= ADDONS_OWN; which++) {
		r = stub_load_addons(run, which, e);
		if (r == 0 && !at_once)
			r = stub_append_addon_line(run, run->addon_lines[which], e);
	}
	return r;
}

static int say_what_is_used(struct stub_run *run, struct pcrcast_error *e)
{
	struct pool *pool = run->w->pool;
	struct tree_list ignored;
	int r = 0;

	if (run->uki.newer_than_known)
		r = walk_note(
			run->w,
			pool_printf(
				pool,
				"%s: systemd-stub %s is newer than every version known here: predicted as the newest known, 262",
				run->start->path, run->uki.stub.text),
			e);
	if (r == 0 && run->w->img->kind == IMAGE_FILE && !run->start->alone &&
	    tree_list_dir(run->start->volume, run->extra_dir, &ignored, NULL) == 0)
		r = walk_note(run->w,
			      pool_printf(pool, "companions are taken from the directory %s beside the file",
					  run->extra_dir + 1),
			      e);
	return r;
}

int stage_stub(struct walk *w, const struct start *s, struct pcrcast_error *e)
{
	struct stub_run run = { .w = w, .start = s, .line = UTF16_EMPTY };
	bool newer, given = false;
	struct utf16 options = UTF16_EMPTY;
	unsigned profile = 0;

	run.rules = stub_rules_for(s->id.version, &newer);
	run.uki.stub = s->id;
	int r = 0;
	if (run.rules)
		r = stub_options_text(&run, &options, &given, e);
	if (r < 0)
		return err_wrap(e, "%s", s->path);
	if (run.rules && given && run.rules->sections & UKI_BIT(UKI_PROFILE))
		profile = stub_take_profile(&options);
	if (profile && s->options_of_user && !w->opt->profile)
		w->used |= OPTION_LOAD_OPTIONS;
	r = uki_open(w->pool, &s->pe, &s->id, profile, &w->opt->hardware, &run.uki, e);
	if (r < 0)
		return err_wrap(e, "%s", s->path);
	run.extra_dir = extra_dir_of(w->pool, s->real_path, run.rules->counter_stripped);
	if (!run.extra_dir)
		return err_nomem(e);
	bool addons = run.rules->addons != ADDONS_NONE;

	r = say_what_is_used(&run, e);
	if (r == 0)
		r = stub_reads_hardware(&run, &s->pe, e);
	if (r == 0 && addons && run.rules->addons_before_sections)
		r = load_addons(&run, e);
	if (r == 0)
		r = measure_profile(&run, profile, e);
	if (r == 0)
		r = measure_sections(&run, e);
	if (r == 0)
		r = stub_settle_line(&run, options, given, e);
	if (r == 0 && addons && !run.rules->addons_before_sections)
		r = load_addons(&run, e);
	if (r == 0 && addons && run.rules->addons != ADDONS_EVENT_PER_DIRECTORY)
		r = stub_append_addon_lines(&run, e);
	if (r == 0)
		r = stub_append_smbios(&run, e);
	if (r == 0)
		r = stub_append_console(&run, e);
	if (r == 0)
		r = measure_smbios(&run, e);
	if (r == 0 && !run.rules->dtb_addons_last)
		r = measure_dtb_addons(&run, e);
	if (r == 0)
		r = stub_companions(&run, e);
	if (r == 0 && run.rules->dtb_addons_last)
		r = measure_dtb_addons(&run, e);
	if (r == 0)
		r = measure_initrd_addons(&run, e);
	return r < 0 ? r : start_kernel(&run, e);
}
