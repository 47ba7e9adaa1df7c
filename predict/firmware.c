/*
 * The firmware's boot manager: what it measures around the first EFI file, and starting that file.
 *
 * Sources: TCG PC Client Platform Firmware Profile 1.06, sections 3.3.4.5 and 8.2.4; EDK2
 * SecurityPkg/Tcg/Tcg2Dxe/Tcg2Dxe.c (OnReadyToBoot) and MdeModulePkg BmBoot.c; UEFI 2.10, section 3.5.1.
 */
#include "predict/secureboot.h"

static const char calling[] = "Calling EFI Application from Boot Option";
static const char returning[] = "Returning from EFI Application from Boot Option";
static const uint8_t separator[4] = { 0, 0, 0, 0 };

/* UEFI 2.10, section 3.5.1.1, table 3-4 */
static const char *const removable_names[] = {
	"\\EFI\\BOOT\\BOOTX64.EFI", "\\EFI\\BOOT\\BOOTAA64.EFI",    "\\EFI\\BOOT\\BOOTIA32.EFI",
	"\\EFI\\BOOT\\BOOTARM.EFI", "\\EFI\\BOOT\\BOOTRISCV64.EFI", "\\EFI\\BOOT\\BOOTLOONGARCH64.EFI",
};

static int action(struct walk *w, const char *text, struct pcrcast_error *e)
{
	struct slice bytes = slice_of_string(text); /* without a NUL, as EDK2 logs and hashes it */

	return walk_event_bytes(w, 4, (uint32_t)EV_EFI_ACTION, bytes, bytes, EVENT_CONSTANT,
				(struct event_text){ text, "PFP 1.06, section 10.4.4" }, e);
}

static int boot_manager_events(struct walk *w, struct pcrcast_error *e)
{
	int r = model_version_events(w, e);

	if (r == 0 && w->opt->model->attempts == ATTEMPTS_UNKNOWN)
		r = walk_event_unknown(w, 4, (uint32_t)EV_EFI_ACTION,
				       (struct event_text){ calling, w->opt->model->title },
				       "what this firmware measures in front of the boot image is not known",
				       "--baseline", e);
	else if (r == 0)
		r = action(w, calling, e);
	for (uint32_t pcr = 0; r == 0 && pcr <= 6; pcr++) {
		struct slice bytes = { separator, sizeof separator };

		r = walk_event_bytes(w, pcr, EV_SEPARATOR, bytes, bytes, EVENT_CONSTANT,
				     (struct event_text){ "separator", "PFP 1.06, section 10.4.1" }, e);
	}
	return r < 0 ? r : firmware_attempts(w, e);
}

/* ReadyToBoot is signalled for every boot option, found or not; only the first time with separators. */
int firmware_next_attempt(struct walk *w, struct pcrcast_error *e)
{
	int r = action(w, returning, e);

	return r < 0 ? r : action(w, calling, e);
}

int firmware_find_file(struct walk *w, const char **ret, struct pcrcast_error *e)
{
	const char *found = NULL;

	for (size_t i = 0; i < sizeof removable_names / sizeof removable_names[0]; i++) {
		struct blob ignored;
		int r = tree_open_file(w->img->esp, removable_names[i], &ignored, NULL, e);

		if (r == -PCRCAST_ENOTFOUND)
			continue;
		if (r < 0)
			return r;
		if (found)
			return err_set(
				e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
				"the ESP holds boot files for several architectures, %s and %s: choose one with --boot",
				found, removable_names[i]);
		found = removable_names[i];
	}
	if (!found)
		return err_set(
			e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
			"the ESP holds no \\EFI\\BOOT\\BOOT<ARCH>.EFI: name the first EFI file, or the boot option, with --boot");
	*ret = found;
	return 0;
}

/* The load options of the first file: what the user says, with the profile in front if it is a UKI. */
static int set_options(struct walk *w, struct start *s, struct pcrcast_error *e)
{
	const struct predict_options *o = w->opt;

	if (o->has_load_options && !w->next_boot.path) {
		s->options = o->load_options;
		s->options_of_user = true;
	}
	if (uki_looks_like(&s->pe, &s->id))
		w->used |= OPTION_PROFILE;
	if (!o->has_profile || o->profile == 0 || !uki_looks_like(&s->pe, &s->id))
		return 0;

	bool newer;
	const struct stub_rules *rules = stub_rules_for(s->id.version, &newer);
	if (!rules || !(rules->sections & UKI_BIT(UKI_PROFILE)))
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "%s: systemd-stub %s knows no profiles, --profile %u was given", s->path,
			       s->id.text ? s->id.text : "of unknown version", o->profile);
	struct utf16 prefix;
	int r = utf16_of_utf8(w->pool, pool_printf(w->pool, s->options.n ? "@%u " : "@%u", o->profile),
			      &prefix, e);
	if (r < 0)
		return r;
	struct slice head = utf16_bytes(w->pool, prefix, !s->options.n);
	uint8_t *both = head.p ? pool_array(w->pool, head.n + s->options.n, 1) : NULL;
	if (!both)
		return err_nomem(e);
	memcpy(both, head.p, head.n);
	if (s->options.n)
		memcpy(both + head.n, s->options.p, s->options.n);
	s->options = (struct slice){ both, head.n + s->options.n };
	return 0;
}

static int state_defaults(struct walk *w, const struct boot_option *option, struct pcrcast_error *e)
{
	const struct predict_options *o = w->opt;
	const char *firmware = w->baseline                          ? "that of the baseline" :
			       o->model == firmware_model_default() ? "EDK2" :
								      o->model->title;
	bool has_key = firmware_variables_find(o->variables, "PK", &guid_efi_global);
	int r = o->after_state ? 0 : walk_assume(w, "firmware", firmware, NULL, e);

	if (r == 0 && !o->secure_boot_given && !w->baseline) /* which has settled it */
		r = walk_assume(w, "secure-boot",
				o->secure_boot_absent       ? "absent, as the variables say" :
				o->secure_boot              ? "on, as the variables say" :
				o->secure_boot_of_variables ? "off, as the variables say" :
				has_key                     ? "off, though there is a platform key (PK)" :
							      "off",
				"--secure-boot", e);
	if (r == 0 && !o->failed_attempts && !o->failed_attempts_given && !o->n_attempted && !w->baseline &&
	    !o->after_state)
		r = walk_assume(w, "failed-attempts", "0", "--failed-attempts", e);
	if (r == 0 && !o->has_load_options && !option->name)
		r = walk_assume(w, "load-options", "none", "--load-options", e);
	return r;
}

/* What firmware as the options describe it measures before it loads the first EFI file. */
static int own_events(struct walk *w, struct pcrcast_error *e)
{
	int r = firmware_assumptions(w, e);

	if (r == 0)
		r = secure_boot_events(w, e);
	if (r == 0)
		r = firmware_boot_variables(w, e);
	return r < 0 ? r : boot_manager_events(w, e);
}

/* Who publishes final values has seen the end of boot services too; who has read the registers before the image ran has not. */
static int end_after_state(struct walk *w, struct pcrcast_error *e)
{
	static const char reason[] =
		"whether the state to start from has the end of boot services in it, as a vendor's final values do, is not known";

	if (w->opt->exit_given)
		return w->opt->exit_in_state ? 0 : firmware_exit_boot_services(w, e);
	return w->out->incomplete & 1 << 5 ? 0 : walk_unknown(w, 5, reason, "--exit-boot-services", e);
}

static int after_the_chain(struct walk *w, struct pcrcast_error *e)
{
	if (w->baseline)
		return baseline_after(w, e);
	return w->opt->after_state ? end_after_state(w, e) : firmware_exit_boot_services(w, e);
}

static int start_again(struct walk *w, struct pcrcast_error *e)
{
	w->restarts = false;
	if (w->opt->after_state)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "the machine restarts and boots %s: the given state is none of that boot's",
			       w->next_boot.path);
	return stage_firmware(w, e);
}

int stage_firmware(struct walk *w, struct pcrcast_error *e)
{
	struct boot_option option;
	const char *path, *why;
	enum verdict verdict;
	struct start s;

	int r = firmware_boot_option(w, w->opt->boot, "--boot", &option, e);
	r = r < 0 ? r : firmware_check_place(w, &option, e);
	if (r < 0)
		return r;
	if (w->next_boot.path)
		option = (struct boot_option){ .path = w->next_boot.path,
					       .load_options = w->next_boot.options };
	path = w->img->file ? w->img->file : option.path;
	r = state_defaults(w, &option, e);
	if (r == 0 && !path)
		r = firmware_find_file(w, &path, e);
	if (r == -PCRCAST_ENOTFOUND && option.name)
		r = err_wrap(e, "%s names no file", option.name);
	if (r == 0)
		r = firmware_note_order(w, &option, path, e);
	if (r == 0)
		r = w->baseline ? baseline_before(w, e) : w->opt->after_state ? 0 : own_events(w, e);
	if (r == 0)
		r = walk_open_start(w, w->img->esp, path, &s, e);
	if (r == 0)
		r = walk_judge_image(w, &s.pe, true, &verdict, &why, e);
	if (r < 0)
		return r;
	if (verdict != IMAGE_ACCEPTED)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "%s: %s", s.path, why);
	s.options = option.load_options;
	r = set_options(w, &s, e);
	if (r == 0 && w->opt->after_state)
		r = walk_loaded_before(w, &s.pe, s.path, e);
	else if (r == 0)
		r = walk_load(w, &s.pe, s.path, (struct event_text){ "first EFI file", s.path }, e);
	if (r == 0 && w->baseline)
		r = baseline_between(w, &s, e);
	if (r == 0)
		r = stage_image(w, &s, e);
	if (r == 0 && w->restarts)
		return start_again(w, e);
	return r < 0 ? r : after_the_chain(w, e);
}
