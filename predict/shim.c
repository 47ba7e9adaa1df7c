/*
 * shim: it measures its variables, verifies and measures its second stage, starts it, and stays behind to do the same
 * for what that loads.
 */
#include "predict/shim.h"

/* systemd-boot 254+ sets ShimRetainProtocol (systemd PR #27358); shim 15.8+ reads it (shim PR #565). */
enum { SDBOOT_ASKS_TO_STAY = 254 };

void shim_note_start(struct shim *shim, const struct start *s)
{
	if (shim->n_started++ == 0) { /* the second stage, which shim calls itself */
		shim->stays = shim->image.rules->can_stay && s->id.kind == SD_BOOT &&
			      s->id.version.major >= SDBOOT_ASKS_TO_STAY;
		return;
	}
	/* replacement_start_image() of 15 to 15.8 takes the protocol away with the first image. */
	if (!shim->image.rules->load_image && !shim->stays)
		shim->gone = true;
}

bool shim_in_charge(const struct shim *shim)
{
	if (!shim || shim->gone || !shim->w->opt->secure_boot)
		return false;
	/* systemd asks the protocol, whether shim is told to verify or not. */
	if (!shim->image.rules->load_image)
		return true;
	/* shim_init() hooks LoadImage() only in a shim with certificates of its own. */
	return shim->secure &&
	       (shim->image.vendor_cert.n || shim->image.vendor_db.n || shim->image.vendor_dbx.n);
}

bool shim_brings_loader(const struct shim *shim)
{
	return shim && shim->image.rules->load_image;
}

int shim_judge_later(struct shim *shim, const struct pe *pe, bool on_the_way, enum verdict *ret,
		     const char **ret_why, struct pcrcast_error *e)
{
	int r = shim_judge(shim, pe, true, on_the_way, ret, ret_why, e);

	/* Verify() measures first. The firmware, asked next, does not load what shim has refused, or shim's lists are odd. */
	if (r == 0 && *ret == IMAGE_REFUSED && !shim->image.rules->load_image)
		*ret = IMAGE_MEASURED;
	return r;
}

int shim_image_load(struct shim *shim, const struct pe *pe, const char *path, struct event_text text,
		    struct pcrcast_error *e)
{
	bool hook = shim->image.rules->load_image;
	int r = hook ? shim_log_authorities(shim, e) : 0;

	if (r == 0)
		r = walk_application_load(shim->w, pe, hook ? path : NULL, hook, text, e);
	return r < 0 || hook ? r : shim_log_authorities(shim, e);
}

int shim_inner_kernel(struct shim *shim, const struct pe *pe, const char *where, struct event_text text,
		      struct pcrcast_error *e)
{
	enum verdict verdict;
	const char *why;

	/* Before 16, systemd-stub puts a hook of its own in the place of all checks and measurements. */
	if (!shim->image.rules->load_image || !shim_in_charge(shim) || shim->image.rules->knows_sections)
		return 0;
	int r = shim_judge(shim, pe, true, true, &verdict, &why, e);
	if (r < 0)
		return r;
	if (verdict != IMAGE_ACCEPTED) {
		r = shim_log_authorities(shim, e);
		return r < 0 ? r :
			       walk_comes_back(
				       shim->w, verdict == IMAGE_REFUSED ? BACK_REFUSED : BACK_NOT,
				       err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "%s: %s", where, why));
	}
	return shim_image_load(shim, pe, NULL, text, e);
}

int shim_verify(struct shim *shim, const struct pe *pe, struct event_text text, const char **ret_why,
		struct pcrcast_error *e)
{
	enum verdict verdict;

	int r = walk_application_load(shim->w, pe, NULL, false, text, e);
	if (r == 0)
		r = shim_judge(shim, pe, true, true, &verdict, ret_why, e);
	return r < 0 ? r : shim_log_authorities(shim, e);
}

/* fallback has written Boot#### and restarts the machine, because there is a TPM: another boot begins. */
static int boot_again(struct walk *w, const struct shim_target *next, struct pcrcast_error *e)
{
	struct prediction *p = w->out;

	if (w->attempting)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "shim's fallback restarts the machine to boot %s", next->path);
	if (w->next_boot.path)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "%s starts shim's fallback again: the machine restarts without end",
			       next->path);
	p->log.n_events = 0;
	p->n_unknowns = 0;
	p->incomplete = 0;
	w->n_event_jobs = 0;
	memset(w->n_authorities, 0, sizeof w->n_authorities);
	w->partition_table_measured = false;
	w->smbios_measured = false;
	w->shim = NULL;
	w->next_boot.path = next->path;
	w->next_boot.options = next->options;
	w->restarts = true;
	return walk_unknown(w, 1, "shim's fallback has added boot options, which the firmware measures there",
			    NULL, e);
}

/* Open the second stage; one that load options name and is not there gives way to the default. */
static int open_target(struct shim *shim, struct shim_target *target, struct start *ret,
		       struct pcrcast_error *e)
{
	struct walk *w = shim->w;
	struct shim_target usual;
	int r = walk_open_start(w, shim->volume, target->path, ret, e);

	if (r == -PCRCAST_ENOTFOUND && target->named && shim->image.rules->tries_default) {
		r = walk_note(w,
			      pool_printf(w->pool, "%s is not there: shim starts its default second stage",
					  target->path),
			      e);
		if (r == 0)
			r = shim_default_target(shim, &usual, e);
		if (r < 0)
			return r;
		*target = usual;
		r = walk_open_start(w, shim->volume, target->path, ret, e);
	}
	return r == -PCRCAST_ENOTFOUND ?
		       walk_comes_back(w, BACK_ERROR,
				       err_wrap(e, "%s: shim's second stage", shim->image.path)) :
		       r;
}

/*
 * What shim does not start, or what another component has refused to: then it starts MokManager (init_grub()), and returns when
 * that is not there. What happens in MokManager depends on people.
 */
static enum way_back after_refusal(struct shim *shim)
{
	char *name = pool_printf(shim->w->pool, "mm%s.efi", shim->image.arch);
	char *path = name ? shim_beside(shim->w->pool, shim->image.path, name) : NULL;
	struct blob ignored;

	return path && shim->volume &&
			       tree_open_file(shim->volume, path, &ignored, NULL, NULL) ==
				       -PCRCAST_ENOTFOUND ?
		       BACK_ERROR :
		       BACK_NOT;
}

/* How shim returns when its second stage has returned so: it may try another one first. */
static enum way_back after_second_stage(struct shim *shim, enum way_back back)
{
	if (back == BACK_REFUSED)
		return after_refusal(shim);
	if (back == BACK_NOT_FOUND || back == BACK_UNCERTAIN)
		return shim->image.rules->tries_default ? BACK_NOT : back;
	return back;
}

/* handle_image(): it is verified and measured, in this order or the other one. */
static int load_target(struct shim *shim, const struct start *s, const struct shim_target *target,
		       const char *description, struct pcrcast_error *e)
{
	struct event_text text = { description, s->path };
	bool first = shim->image.rules->measures_first;
	struct walk *w = shim->w;
	enum verdict verdict;
	const char *why;

	int r = shim_judge(shim, &s->pe, false, true, &verdict, &why, e);
	if (r < 0)
		return err_wrap(e, "%s", s->path);
	if (first)
		r = walk_application_load(w, &s->pe, target->path, true, text, e);
	if (r == 0)
		r = shim_log_authorities(shim, e); /* of what revokes it, too */
	if (r == 0 && verdict != IMAGE_ACCEPTED)
		return walk_comes_back(w, verdict == IMAGE_REFUSED ? after_refusal(shim) : BACK_NOT,
				       err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
					       "%s: %s, and starts MokManager", s->path, why));
	return r < 0 || first ? r : walk_application_load(w, &s->pe, target->path, true, text, e);
}

static int start_target(struct shim *shim, const struct start *s, struct shim_target *target,
			const char *description, struct start *ret, struct pcrcast_error *e)
{
	int r = open_target(shim, target, ret, e);

	if (r < 0)
		return r;
	if (ret->pe.machine != s->pe.machine)
		return walk_comes_back(
			shim->w, BACK_ERROR,
			err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				"%s: for machine type 0x%04x, shim for 0x%04x does not start it", ret->path,
				ret->pe.machine, s->pe.machine));
	return load_target(shim, ret, target, description, e);
}

/* handle_image() of shim's LoadImage() sets the load options of every image to what is left of shim's own. */
static int say_left_options(struct shim *shim, const struct start *next, struct pcrcast_error *e)
{
	static const char why[] =
		"shim hands what is left of its load options to the images that its second stage loads";
	int r = 0;

	if (next->options.n && next->id.kind == SD_BOOT && shim_in_charge(shim) &&
	    shim->image.rules->load_image) {
		r = walk_unknown(shim->w, 9, why, NULL, e);
		if (r == 0)
			r = walk_unknown(shim->w, 12, why, NULL, e);
	}
	return r;
}

int stage_shim(struct walk *w, const struct start *s, struct pcrcast_error *e)
{
	struct shim *shim = pool_new(w->pool, struct shim);
	struct shim_target target, helper = { .options = SLICE_EMPTY };
	struct start next;
	bool is_shim;

	if (!shim)
		return err_nomem(e);
	/* Such as systemd-boot that finds no entry but the removable-media file, from which it was started. */
	if (w->shim)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "%s: what was booted through shim starts shim again, which is not followed",
			       s->path);
	*shim = (struct shim){ .w = w, .volume = s->volume, .secure = w->opt->secure_boot };
	int r = shim_recognise(w->pool, &s->pe, &is_shim, e);
	if (r == 0 && !is_shim)
		return err_set(
			e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			"%s is a helper of shim (MokManager or fallback): what follows it is not predicted",
			s->path);
	if (r == 0)
		r = shim_read(w, s, &shim->image, e);
	w->shim_speaks = true;
	if (r == 0)
		r = shim_import(shim, e);
	w->shim_speaks = false;
	if (r == 0)
		r = shim_choose_target(shim, s, &target, e);
	if (r == 0)
		r = fallback_find(shim, &helper.path, e);
	if (r < 0)
		return r;
	if (helper.path) {
		struct shim_target boot;

		r = start_target(shim, s, &helper, "shim's fallback", &next, e);
		if (r == 0)
			r = fallback_target(shim, helper.path, &boot, e);
		return r < 0 ? r : boot_again(w, &boot, e);
	}
	r = start_target(shim, s, &target, "second stage of shim", &next, e);
	if (r < 0)
		return r;
	next.options = target.options;
	next.options_of_user = s->options_of_user && target.options.n;
	w->shim = shim;
	r = say_left_options(shim, &next, e);
	if (r < 0)
		return r;
	r = stage_image(w, &next, e);
	if (r < 0)
		w->back = after_second_stage(shim, w->back);
	return r;
}
