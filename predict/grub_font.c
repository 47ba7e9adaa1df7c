/*
 * loadfont. Source: GRUB 2.06 and 2.12, grub-core/font/font.c (grub_font_load); Debian's and Ubuntu's patch that looks into the
 * memory disk.
 */
#include "predict/grub.h"

/* Debian and Ubuntu 2.06 and later look for fonts in the memory disk first, which nobody measures. */
static bool fonts_in_memdisk(const struct grub *g)
{
	const struct grub_rules *rules = g->image.rules;

	return rules && rules->from >= 206 &&
	       (strcmp(rules->vendor, "debian") == 0 || strcmp(rules->vendor, "ubuntu") == 0);
}

/* The file of a font that is named without one: PLACE/fonts/NAME.pf2. */
static int open_font(struct grub *g, const char *place, const char *name, struct grub_file *ret,
		     struct pcrcast_error *e)
{
	const char *path = pool_printf(g->pool, "%s/fonts/%s.pf2", place, name);

	return path ? grub_open_file(g, grub_text(path), ret, e) : err_nomem(e);
}

static int load_font(struct grub *g, struct grub_value name, struct grub_file *ret, struct pcrcast_error *e)
{
	struct grub_value prefix = grub_get(g, "prefix");
	struct grub_device *memdisk = grub_device_find(g, "memdisk");
	int r = 0;

	*ret = (struct grub_file){ .found = GRUB_ABSENT };
	if (name.why || strchr("(/+", name.s[0]))
		return grub_open_file(g, name, ret, e);
	if (memdisk && (fonts_in_memdisk(g) || !g->image.rules)) {
		r = open_font(g, "(memdisk)", name.s, ret, e);
		if (ret->found != GRUB_ABSENT && !g->image.rules)
			return grub_stop(g, "where this build of GRUB looks for fonts is not known", NULL, e);
	}
	if (r < 0 || ret->found == GRUB_FOUND || !prefix.s)
		return r;
	if (ret->found == GRUB_NOT_KNOWN && g->measures)
		return walk_unknown(g->w, 9, grub_where(g, ret->why), NULL, e);
	if (prefix.why) {
		ret->found = GRUB_NOT_KNOWN;
		ret->why = prefix.why;
		return walk_unknown(g->w, 9, grub_where(g, prefix.why), NULL, e);
	}
	return open_font(g, prefix.s, name.s, ret, e);
}

int grub_cmd_loadfont(struct grub *g, const struct grub_args *a, struct grub_result *res,
		      struct pcrcast_error *e)
{
	struct grub_file f = { .found = GRUB_FOUND };
	int r = 0;

	for (size_t i = 0; r == 0 && !g->stopped && f.found == GRUB_FOUND && i < a->n; i++)
		r = load_font(g, a->v[i], &f, e);
	/* Whether the file is a font that GRUB can use is not looked into. */
	*res = (struct grub_result){ a->n && f.found != GRUB_ABSENT ? GRUB_OK : GRUB_FAILED,
				     f.found == GRUB_NOT_KNOWN ? f.why : NULL };
	return r;
}
