/*
 * search and its relatives. Source: GRUB 2.06 and 2.12, grub-core/commands/search_wrap.c and search.c.
 *
 * What is searched for is taken to be on at most one file system, as it is meant to be: found on one that is
 * known, that is it.
 */
#include <strings.h>

#include "predict/grub.h"

enum search_kind { SEARCH_FILE, SEARCH_LABEL, SEARCH_UUID };

static int search_device(struct grub *g, enum search_kind kind, struct grub_value key, struct grub_device *d,
			 bool *ret_found, bool *ret_unsure, struct pcrcast_error *e)
{
	struct grub_file f = { .found = GRUB_ABSENT };
	int r = 0;

	*ret_found = false;
	switch (kind) {
	case SEARCH_UUID:
		*ret_unsure = !d->uuid && !d->unmeasured;
		*ret_found = d->uuid && strcasecmp(d->uuid, key.s) == 0;
		return 0;
	case SEARCH_LABEL:
		*ret_unsure = true;
		return 0;
	case SEARCH_FILE:
		/* The file is opened, and so measured, with the device in front. */
		r = grub_open_file(g, grub_text(pool_printf(g->pool, "(%s)%s", d->name, key.s)), &f, e);
		*ret_unsure = f.found == GRUB_NOT_KNOWN;
		*ret_found = f.found == GRUB_FOUND;
	}
	return r;
}

static int search(struct grub *g, enum search_kind kind, struct grub_value key, const char *var,
		  struct grub_result *res, struct pcrcast_error *e)
{
	const char *why = key.why;
	bool found = false, unsure = false, any_unsure = false;
	int r = 0;

	for (size_t i = 0; r == 0 && !why && !found && i < g->n_devices; i++) {
		r = search_device(g, kind, key, &g->devices[i], &found, &unsure, e);
		any_unsure = any_unsure || unsure;
		if (r == 0 && found && var)
			r = grub_set(g, var, grub_text(g->devices[i].name), e);
	}
	if (r < 0)
		return r;
	*res = (struct grub_result){ GRUB_OK, NULL };
	if (found)
		return walk_assume(g->w, "grub-search", "finds only one match", NULL, e);
	if (!why)
		why = any_unsure ?
			      pool_printf(g->pool, "whether the search for %s finds the ESP is not known",
					  key.s) :
			      pool_printf(g->pool,
					  "where %s is found is not in the image and no --grub-volume",
					  key.s);
	if (!why)
		return err_nomem(e);
	res->why = why;
	if (kind == SEARCH_FILE && g->measures) /* where it is found it is opened */
		r = walk_event_unknown(g->w, 9, EV_IPL,
				       (struct event_text){ "file searched for by GRUB", g->file },
				       grub_where(g, why), NULL, e);
	if (r < 0)
		return r;
	return var ? grub_set(g, var, (struct grub_value){ "", why }, e) : 0;
}

int grub_cmd_search(struct grub *g, const struct grub_args *a, struct grub_result *res,
		    struct pcrcast_error *e)
{
	static const struct grub_option table[] = {
		{ "file", 'f', TAKES_NOTHING },
		{ "label", 'l', TAKES_NOTHING },
		{ "fs-uuid", 'u', TAKES_NOTHING },
		{ "set", 's', MAY_TAKE_VALUE },
		{ "no-floppy", 'n', TAKES_NOTHING },
		{ "efidisk-only", 0, TAKES_NOTHING },
		{ "hint", 'h', TAKES_VALUE },
		{ "hint-ieee1275", 0, TAKES_VALUE },
		{ "hint-bios", 0, TAKES_VALUE },
		{ "hint-baremetal", 0, TAKES_VALUE },
		{ "hint-efi", 0, TAKES_VALUE },
		{ "hint-arc", 0, TAKES_VALUE },
		{ "root-dev-only", 'r', TAKES_NOTHING },
		{ "cryptodisk-only", 0, TAKES_NOTHING },
	};
	struct grub_options o;
	bool ok;
	int r = grub_take_options(g, table, sizeof table / sizeof table[0], true, a, &o, &ok, e);
	struct grub_value key = { NULL, NULL };

	if (r < 0)
		return r;
	const char *var = !o.given[3] ? NULL : o.values[3].s ? o.values[3].s : "root";
	for (size_t i = 0; i < o.rest.n && !key.s; i++)
		if (o.rest.v[i].why || strncmp(o.rest.v[i].s, "--hint-", 7) != 0)
			key = o.rest.v[i];
	if (!key.s && o.given[3] && o.values[3].s) {
		key = o.values[3];
		var = "root";
	}
	if (o.values[3].why)
		return grub_stop(g, o.values[3].why, NULL, e);
	*res = (struct grub_result){ GRUB_FAILED, NULL };
	if (!ok || !key.s)
		return 0;
	if (o.given[1])
		return search(g, SEARCH_LABEL, key, var, res, e);
	if (o.given[2])
		return search(g, SEARCH_UUID, key, var, res, e);
	return o.given[0] ? search(g, SEARCH_FILE, key, var, res, e) : 0;
}

/* search.fs_uuid KEY [VARIABLE [HINT…]] */
static int search_directly(struct grub *g, enum search_kind kind, const struct grub_args *a,
			   struct grub_result *res, struct pcrcast_error *e)
{
	*res = (struct grub_result){ GRUB_FAILED, NULL };
	if (a->n == 0)
		return 0;
	if (a->n > 1 && a->v[1].why)
		return grub_stop(g, a->v[1].why, NULL, e);
	return search(g, kind, a->v[0], a->n > 1 ? a->v[1].s : NULL, res, e);
}

int grub_cmd_search_uuid(struct grub *g, const struct grub_args *a, struct grub_result *res,
			 struct pcrcast_error *e)
{
	return search_directly(g, SEARCH_UUID, a, res, e);
}

int grub_cmd_search_label(struct grub *g, const struct grub_args *a, struct grub_result *res,
			  struct pcrcast_error *e)
{
	return search_directly(g, SEARCH_LABEL, a, res, e);
}

int grub_cmd_search_file(struct grub *g, const struct grub_args *a, struct grub_result *res,
			 struct pcrcast_error *e)
{
	return search_directly(g, SEARCH_FILE, a, res, e);
}
