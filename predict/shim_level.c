/*
 * Which SbatLevel shim settles when it starts: the variable, or one of the texts that it brings.
 *
 * Source: sbat.c of shim 15.4 to 16.1 (set_sbat_uefi_variable), and handle_sbat() for shim itself.
 */
#include "predict/shim.h"

enum {
	NON_VOLATILE = 1,
	BOOT_SERVICES = 2,
	TIME_AUTHENTICATED = 0x20, /* attributes: UEFI 2.10, section 8.2.1 */
};

/* The text that would be written, and whether it is written in any case. */
static int choose_candidate(struct shim *shim, struct slice *ret, bool *ret_forced, struct pcrcast_error *e)
{
	enum { LATEST = 1, AUTOMATIC = 2, RESET = 3 };
	const struct shim_image *image = &shim->image;
	bool follows = image->rules->level == LEVEL_FOLLOWS_SECURITY, reset;
	const struct firmware_variable *v;

	*ret_forced = false;
	if (image->rules->level == LEVEL_ORIGINAL) {
		*ret = slice_of_string(SBAT_LEVEL_ORIGINAL);
		return 0;
	}
	int r = shim_find_variable(shim, "SbatPolicy", &v, e);
	if (r < 0)
		return r;
	uint8_t policy = v ? v->data.p[0] : 0;
	if (policy == LATEST) {
		*ret = image->latest;
		return walk_note(
			shim->w,
			"variable SbatPolicy holds for one boot: with the next one, SbatLevel in PCR 7 may be another",
			e);
	}
	reset = policy == RESET || (follows && policy != AUTOMATIC);
	*ret_forced = reset && !shim->secure;
	*ret = *ret_forced ? slice_of_string(SBAT_LEVEL_ORIGINAL) : image->automatic;
	return 0;
}

static bool level_variable_stays(const struct shim *shim, const struct firmware_variable *v,
				 struct slice candidate)
{
	if (v->attributes && v->attributes != (NON_VOLATILE | BOOT_SERVICES) &&
	    v->attributes != (NON_VOLATILE | BOOT_SERVICES | TIME_AUTHENTICATED))
		return false;
	if (shim->image.rules->level == LEVEL_ORIGINAL)
		return v->data.n >= strlen("sbat,1") && memcmp(v->data.p, "sbat,", 5) == 0;
	return sbat_level_stays(v->data, candidate);
}

/* Why this level would not let shim itself start; NULL: it would. */
static const char *self_revoked(struct shim *shim, struct slice text, struct sbat *ret_level)
{
	struct pool *pool = shim->w->pool;
	struct sbat own;
	const char *why = sbat_read(pool, text, SBAT_LEVEL_COLUMNS, ret_level);

	if (!why && ret_level->n == 0)
		return NULL;
	if (!why && shim->image.sbat.n == 0)
		why = "it has no section .sbat";
	if (!why)
		why = sbat_read(pool, shim->image.sbat, SBAT_SECTION_COLUMNS, &own);
	return why ? why : sbat_revoked(pool, &own, ret_level);
}

int shim_settle_level(struct shim *shim, struct slice *ret, struct pcrcast_error *e)
{
	const struct firmware_variable *v;
	struct sbat ignored;
	struct slice candidate;
	const char *why = NULL;
	bool forced;

	*ret = SLICE_EMPTY;
	if (shim->image.rules->level == LEVEL_NONE)
		return 0;
	int r = choose_candidate(shim, &candidate, &forced, e);
	if (r == 0)
		r = shim_find_variable(shim, "SbatLevel", &v, e);
	if (r == 0 && !forced &&
	    !firmware_variables_know(shim->w->opt->variables, "SbatLevel", &guid_shim_lock))
		r = walk_assume(shim->w, "SbatLevel", "no later than the one that this shim brings",
				"--variables", e);
	if (r < 0)
		return r;
	*ret = candidate;
	if (v && !forced && level_variable_stays(shim, v, candidate))
		*ret = v->data;
	else if (v && shim->image.rules->level == LEVEL_FOLLOWS_SECURITY)
		why = self_revoked(shim, candidate, &ignored); /* then it is not written */
	if (why && !shim->secure)
		*ret = shim_is_state(v) ? v->data : SLICE_EMPTY;
	if (!why && shim->secure)
		why = self_revoked(shim, *ret, &shim->level);
	if (why && shim->secure)
		return err_set(
			e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			"%s: shim does not start under its own SbatLevel, and turns the machine off: %s",
			shim->image.path, why);
	return 0;
}
