/*
 * Boot options that the firmware tried before the one that boots: each came back to it. What they measured on the way stays.
 *
 * Sources: EDK2 edk2-stable202605, MdeModulePkg/Library/UefiBootManagerLib/BmBoot.c (EfiBootManagerBoot: ReadyToBoot is signalled
 * for every option, LoadImage(), StartImage()), MdeModulePkg/Universal/BdsDxe/BdsEntry.c (BootBootOptions: an option that returns
 * EFI_SUCCESS is followed by the firmware's menu, which is measured as an application), SecurityPkg/Tcg/Tcg2Dxe/Tcg2Dxe.c
 * (OnReadyToBoot).
 */
#include "predict/walk.h"

struct attempt {
	struct walk *w;
	const char *name; /* as the user gives it */
	struct boot_option option;
};

/* Nobody knows what was measured to the registers that programs extend before the operating system runs. */
static int lose(const struct attempt *a, const char *why, struct pcrcast_error *e)
{
	static const uint32_t pcrs[] = { 1, 2, 4, 5, 7, 8, 9, 11, 12, 13, 14 };
	const char *reason = pool_printf(
		a->w->pool, "what %s measured before it came back cannot be told: %s", a->name, why);
	int r = reason ? 0 : err_nomem(e);

	for (size_t i = 0; r == 0 && i < sizeof pcrs / sizeof pcrs[0]; i++)
		r = walk_unknown(a->w, pcrs[i], reason, NULL, e);
	return r;
}

static int lose_menu(const struct attempt *a, struct pcrcast_error *e)
{
	return walk_unknown(
		a->w, 4,
		pool_printf(
			a->w->pool,
			"whether %s came back with an error is not known: after EFI_SUCCESS the firmware measures its menu",
			a->name),
		"--baseline", e);
}

static int assume_application(const struct attempt *a, struct pcrcast_error *e)
{
	char *value =
		pool_printf(a->w->pool, "%s measures nothing itself, and comes back with an error", a->name);

	return value ? walk_assume(a->w, "attempted", value, NULL, e) : err_nomem(e);
}

/* An option that names a program of the firmware itself: what is measured of it is not known, of others it is nothing. */
static int run_within_firmware(const struct attempt *a, struct pcrcast_error *e)
{
	int r = walk_unknown(
		a->w, 4,
		pool_printf(a->w->pool, "%s is a program within the firmware, which is measured", a->name),
		"--baseline", e);

	return r < 0 ? r : assume_application(a, e);
}

static int say_not_loaded(const struct attempt *a, const char *why, struct pcrcast_error *e)
{
	return walk_note(a->w, pool_printf(a->w->pool, "--attempted %s: %s", a->name, why), e);
}

/* What became of a program that was started; odd is the error of its stage. */
static int settle(const struct attempt *a, int result, const struct pcrcast_error *odd,
		  struct pcrcast_error *e)
{
	switch (result < 0 ? a->w->back : BACK_NOT) {
	case BACK_APPLICATION:
		return assume_application(a, e);
	case BACK_UNCERTAIN:
		return lose_menu(a, e);
	case BACK_ERROR:
	case BACK_NOT_FOUND:
	case BACK_REFUSED:
		return say_not_loaded(a, pool_text(a->w->pool, odd->msg, strlen(odd->msg)), e);
	case BACK_NOT:
		break;
	}
	if (result == -PCRCAST_ENOMEM || result == -PCRCAST_EIO || result == -PCRCAST_ECRYPTO) {
		if (e)
			*e = *odd;
		return result;
	}
	return lose(a, result < 0 ? odd->msg : "it boots a kernel", e);
}

static int start(const struct attempt *a, const char *path, struct pcrcast_error *e)
{
	struct pcrcast_error odd = { .offset = PCRCAST_NO_OFFSET };
	struct walk *w = a->w;
	enum verdict verdict;
	const char *why;
	struct start s;

	int r = walk_open_start(w, w->img->esp, path, &s, &odd);
	if (r == -PCRCAST_ENOTFOUND && a->option.name)
		return say_not_loaded(a, "its file is not there, nothing was loaded", e);
	if (r == -PCRCAST_EFORMAT || r == -PCRCAST_ETRUNC || r == -PCRCAST_ELIMIT)
		return lose(a, pool_printf(w->pool, "%s (--attempted none, if it was not loaded)", odd.msg),
			    e);
	if (r < 0) {
		if (e)
			*e = odd;
		return err_wrap(e, "--attempted %s", a->name);
	}
	r = walk_judge_image(w, &s.pe, true, &verdict, &why, e);
	if (r < 0)
		return r;
	if (verdict == IMAGE_UNSURE)
		return lose(a, why, e);
	if (verdict == IMAGE_REFUSED)
		return say_not_loaded(a, why, e);
	r = walk_load(w, &s.pe, s.path, (struct event_text){ "EFI file that came back", s.path }, e);
	if (r < 0 || verdict == IMAGE_MEASURED)
		return r < 0 ? r : say_not_loaded(a, why, e);
	s.options = a->option.load_options;
	w->back = BACK_NOT;
	r = stage_image(w, &s, &odd);
	return settle(a, r, &odd, e);
}

static int try_option(const struct attempt *a, struct pcrcast_error *e)
{
	const char *path = a->option.path;
	int r = 0;

	switch (a->option.place) {
	case BOOT_FIRMWARE:
		return run_within_firmware(a, e);
	case BOOT_NETWORK:
		return lose(a, "it boots from the network (--attempted none, if it loaded nothing)", e);
	case BOOT_ELSEWHERE:
		return lose(a, "it boots from another partition (--attempted none, if it loaded nothing)", e);
	case BOOT_DEVICE:
		return lose(a,
			    "of which disk it is, is not known (name the file, or none if it loaded nothing)",
			    e);
	case BOOT_ON_ESP:
		break;
	}
	if (a->w->img->kind == IMAGE_FILE)
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "--attempted names a file inside an ESP, this is one EFI file");
	if (!path)
		r = firmware_find_file(a->w, &path, e);
	return r < 0 ? r : start(a, path, e);
}

/* Options of the user that are about the boot that is predicted are not about this one. */
static int walk_attempt(struct walk *w, const char *name, struct pcrcast_error *e)
{
	const struct predict_options before = *w->settled;
	const unsigned used = w->used;
	struct attempt a = { .w = w, .name = name };

	int r = firmware_boot_option(w, name, "--attempted", &a.option, e);
	w->settled->entry = NULL;
	w->settled->has_profile = false;
	w->settled->has_load_options = false;
	w->attempting = true;
	if (r == 0)
		r = try_option(&a, e);
	w->attempting = false;
	w->settled->entry = before.entry;
	w->settled->has_profile = before.has_profile;
	w->settled->has_load_options = before.has_load_options;
	w->used = used;
	w->menu_seen = false;
	/* shim takes its protocol and hooks with it, and its list of what it has measured. */
	w->shim = NULL;
	w->n_authorities[AUTHORITY_SHIM] = 0;
	return r;
}

int firmware_attempts(struct walk *w, struct pcrcast_error *e)
{
	const struct predict_options *o = w->opt;
	int r = 0;

	for (unsigned i = 0; r == 0 && i < o->failed_attempts; i++)
		r = firmware_next_attempt(w, e);
	for (size_t i = 0; r == 0 && i < o->n_attempted; i++) {
		if (strcmp(o->attempted[i], "none") != 0)
			r = walk_attempt(w, o->attempted[i], e);
		if (r == 0)
			r = firmware_next_attempt(w, e);
	}
	return r;
}
