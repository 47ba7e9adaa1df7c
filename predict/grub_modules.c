/*
 * Modules of GRUB that are not embedded, and the lists that tell which module has which command. Source: GRUB 2.06
 * and 2.12, grub-core/kern/dl.c, normal/dyncmd.c, normal/main.c (read_lists), gettext/gettext.c.
 */
#include "predict/grub.h"

enum { MODULE_MAX = 16 << 20, LIST_MAX = 1 << 20, MODULES_MAX = 512 };

bool grub_module_there(const struct grub *g, const char *name)
{
	for (size_t i = 0; i < g->image.n_modules; i++)
		if (strcmp(g->image.modules[i], name) == 0)
			return true;
	for (size_t i = 0; i < g->n_loaded; i++)
		if (strcmp(g->loaded_modules[i], name) == 0)
			return true;
	return false;
}

/* "$prefix/x86_64-efi/NAME" */
static struct grub_value platform_file(struct grub *g, const char *name)
{
	struct grub_value prefix = grub_get(g, "prefix");

	if (prefix.why || !prefix.s)
		return (struct grub_value){ "", prefix.why ? prefix.why : "the variable prefix is not set" };
	return grub_text(pool_printf(g->pool, "%s/%s-efi/%s", prefix.s, g->image.arch, name));
}

static int take_module(struct grub *g, const char *name, const struct grub_file *f, struct pcrcast_error *e)
{
	const char *own, **place;
	struct slice elf, needs;
	int r = blob_load(g->pool, &f->content, MODULE_MAX, &elf, e);

	if (r == 0)
		r = grub_module_read(g->pool, elf, &own, &needs, e);
	if (r < 0)
		return err_wrap(e, "%s", f->name);
	g->bytes += elf.n;
	if (!own)
		return grub_stop(g, pool_printf(g->pool, "%s is no GRUB module", f->name), NULL, e);
	place = pool_push(g->pool, &g->loaded_modules, &g->n_loaded, &g->cap_loaded, sizeof *place);
	if (!place)
		return err_nomem(e);
	*place = name;
	if (strcmp(name, "tpm") == 0)
		g->measures = true;
	struct slice need;
	while (r == 0 && !g->stopped && slice_split(&needs, 0, &need))
		if (need.n)
			r = grub_module_load(g, pool_text(g->pool, (const char *)need.p, need.n), e);
	return r;
}

int grub_module_load(struct grub *g, const char *name, struct pcrcast_error *e)
{
	struct grub_file f;

	if (!name)
		return err_nomem(e);
	if (grub_module_there(g, name) || g->n_loaded > MODULES_MAX)
		return 0;
	struct grub_value path = platform_file(g, pool_printf(g->pool, "%s.mod", name));
	int r = grub_find_file(g, path, &f, e);

	if (r < 0 || f.found == GRUB_ABSENT)
		return r;
	bool refuses = g->image.rules && g->image.rules->refuses_modules && g->w->opt->secure_boot;
	/* Whether a locked-down GRUB opens it before it refuses it differs by build. */
	if (f.found == GRUB_FOUND && g->w->opt->secure_boot && !refuses)
		return grub_stop(
			g,
			pool_printf(g->pool, "what GRUB makes of %s with Secure Boot is not known", f.name),
			NULL, e);
	r = grub_open_file(g, path, &f, e);
	if (r < 0 || f.found == GRUB_ABSENT || (f.found == GRUB_FOUND && refuses))
		return r;
	if (f.found == GRUB_NOT_KNOWN)
		return grub_stop(g, f.why, NULL, e);
	return take_module(g, name, &f, e);
}

int grub_cmd_insmod(struct grub *g, const struct grub_args *a, struct grub_result *res,
		    struct pcrcast_error *e)
{
	*res = (struct grub_result){ a->n ? GRUB_OK : GRUB_FAILED, NULL };
	if (a->n == 0)
		return 0;
	if (a->v[0].why)
		return grub_stop(g, a->v[0].why, NULL, e);
	if (strchr("/(+", a->v[0].s[0]))
		return grub_stop(g, "a module is loaded by its file name", NULL, e);
	int r = grub_module_load(g, a->v[0].s, e);
	res->code = grub_module_there(g, a->v[0].s) ? GRUB_OK : GRUB_FAILED;
	return r;
}

/* One of the translations' names; *ret_found: there is one. */
static int open_catalogue(struct grub *g, const char *dir, const char *lang, size_t n, bool *ret_found,
			  struct pcrcast_error *e)
{
	static const char *const endings[] = { ".mo", ".mo.gz", ".gmo" };
	struct grub_file f;
	int r = 0;

	for (size_t i = 0; r == 0 && !*ret_found && i < sizeof endings / sizeof endings[0]; i++) {
		const char *name = pool_printf(g->pool, "%s/%.*s%s", dir, (int)n, lang, endings[i]);

		if (!name)
			return err_nomem(e);
		r = grub_open_file(g, grub_text(name), &f, e);
		*ret_found = r == 0 && f.found == GRUB_FOUND;
		if (r == 0 && f.found == GRUB_NOT_KNOWN)
			return 0; /* said once is enough */
	}
	return r;
}

/* Variables that gettext watches; called with those it needs when one is set. */
static int read_catalogue(struct grub *g, struct pcrcast_error *e)
{
	struct grub_value lang = grub_get(g, "lang"), dir = grub_get(g, "locale_dir"),
			  prefix = grub_get(g, "prefix");
	bool found = false;

	if (!grub_module_there(g, "gettext") || (!lang.why && (!lang.s || !*lang.s)))
		return 0;
	const char *why = lang.why ? lang.why : dir.why;
	if (!why && (!dir.s || !*dir.s)) {
		why = prefix.why;
		dir = grub_text(pool_printf(g->pool, "%s/locale", prefix.s ? prefix.s : ""));
	}
	if (why || !dir.s)
		return walk_event_unknown(g->w, 9, EV_IPL,
					  (struct event_text){ "translations read by GRUB", g->file },
					  grub_where(g, why ? why : "out of memory"), NULL, e);
	int r = open_catalogue(g, dir.s, lang.s, strlen(lang.s), &found, e);
	const char *underscore = strchr(lang.s, '_');
	if (r == 0 && !found && underscore)
		r = open_catalogue(g, dir.s, lang.s, (size_t)(underscore - lang.s), &found, e);
	g->translated = g->translated || found;
	return r;
}

int grub_language_changed(struct grub *g, struct pcrcast_error *e)
{
	return g->normal ? read_catalogue(g, e) : 0;
}

int grub_read_lists(struct grub *g, struct pcrcast_error *e)
{
	static const char *const lists[] = { "command.lst", "fs.lst", "crypto.lst", "terminal.lst" };
	struct grub_file f;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof lists / sizeof lists[0]; i++) {
		r = grub_open_file(g, platform_file(g, lists[i]), &f, e);
		if (r < 0 || f.found != GRUB_FOUND || i != 0)
			continue;
		struct slice *list = pool_new(g->pool, struct slice);
		if (!list)
			return err_nomem(e);
		r = blob_load(g->pool, &f.content, LIST_MAX, list, e);
		g->bytes += list->n;
		g->command_list = list;
	}
	return r < 0 ? r : read_catalogue(g, e);
}

/* Lines "command: module", with "*" in front of commands that take blocks. */
const char *grub_listed_module(struct grub *g, const char *command)
{
	struct slice rest = g->command_list ? *g->command_list : SLICE_EMPTY, line, name;

	while (slice_line(&rest, &line)) {
		if (!slice_split(&line, ':', &name))
			continue;
		while (name.n && (*name.p == '*' || *name.p == ' ' || *name.p == '\t')) {
			name.p++;
			name.n--;
		}
		while (line.n && (*line.p == ' ' || *line.p == '\t')) {
			line.p++;
			line.n--;
		}
		while (line.n && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == ' '))
			line.n--;
		if (slice_equal_string(name, command))
			return pool_text(g->pool, (const char *)line.p, line.n);
	}
	return NULL;
}
