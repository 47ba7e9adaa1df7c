/*
 * GRUB's menu: its entries, which one is chosen when nobody presses a key, and what runs it. Source: GRUB 2.06 and
 * 2.12, grub-core/normal/main.c, normal/menu.c, commands/menuentry.c, commands/configfile.c.
 */
#include "predict/grub.h"

enum { CONFIGS_MAX = 32 }; /* nested files */

static bool is_redhat(const struct grub *g)
{
	return g->image.rules && g->image.rules->redhat;
}

/* ---- configuration files ---- */

/* Directory of a file name, with its device. */
static const char *directory_of(struct grub *g, const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? pool_text(g->pool, name, (size_t)(slash - name)) : name;
}

static const char *with_device(struct grub *g, const struct grub_file *f)
{
	return f->name[0] == '(' || !f->device ? f->name :
						 pool_printf(g->pool, "(%s)%s", f->device->name, f->name);
}

static int restore(struct grub *g, const char *name, struct grub_value old, struct pcrcast_error *e)
{
	return old.s || old.why ? grub_set(g, name, old, e) : grub_unset(g, name, e);
}

static int run_opened(struct grub *g, const struct grub_file *f, struct pcrcast_error *e)
{
	struct grub_value old_file = grub_get(g, "config_file"), old_dir = grub_get(g, "config_directory");
	const char *shown = g->file, *full = with_device(g, f);
	uint32_t line = g->line;
	struct grub_result res;
	struct slice text;

	if (!full)
		return err_nomem(e);
	int r = blob_load(g->pool, &f->content, GRUB_TEXT_MAX, &text, e);
	if (r < 0)
		return err_wrap(e, "%s", f->name);
	r = grub_set(g, "config_file", grub_text(full), e);
	if (r == 0)
		r = grub_set(g, "config_directory", grub_text(directory_of(g, full)), e);
	if (r == 0)
		r = grub_export(g, "config_file", e);
	if (r == 0)
		r = grub_export(g, "config_directory", e);
	bool quiet = g->quiet;

	g->file = f->name;
	g->quiet = false;
	if (r == 0)
		r = grub_run_text(g, text, &res, e);
	g->quiet = quiet;
	if (g->stopped || g->booted || r < 0)
		return r;
	g->file = shown;
	g->line = line;
	r = restore(g, "config_file", old_file, e);
	return r < 0 ? r : restore(g, "config_directory", old_dir, e);
}

int grub_run_config(struct grub *g, struct grub_value name, struct pcrcast_error *e)
{
	static const char no_file[] = "GRUB does not find the configuration file";
	struct grub_file f;
	int r = grub_open_file(g, name, &f, e);

	if (r < 0)
		return r;
	if (f.found == GRUB_NOT_KNOWN)
		return grub_stop(g, f.why, NULL, e);
	if (f.found == GRUB_ABSENT)
		return walk_note(g->w,
				 pool_printf(g->pool, "%s:%u: %s %s", g->file, g->line, no_file, f.name), e);
	if (++g->depth > CONFIGS_MAX)
		return grub_stop(g, "configuration files are nested too deep", NULL, e);
	r = run_opened(g, &f, e);
	g->depth--;
	return r;
}

int grub_cmd_source(struct grub *g, const struct grub_args *a, struct grub_result *res,
		    struct pcrcast_error *e)
{
	*res = (struct grub_result){ a->n == 1 ? GRUB_OK : GRUB_FAILED, NULL };
	return a->n == 1 ? grub_run_config(g, a->v[0], e) : 0;
}

int grub_cmd_configfile(struct grub *g, const struct grub_args *a, struct grub_result *res,
			struct pcrcast_error *e)
{
	*res = (struct grub_result){ a->n == 1 ? GRUB_OK : GRUB_FAILED, NULL };
	if (a->n != 1)
		return 0;
	int r = grub_context_open(g, is_redhat(g), e);
	if (r == 0)
		r = grub_run_config(g, a->v[0], e);
	if (r == 0 && !g->stopped && !g->booted && g->context->menu.n)
		r = grub_show_menu(g, true, e);
	if (r == 0 && !g->stopped && !g->booted)
		grub_context_close(g);
	return r;
}

/* grub.cfg in a directory; some builds open it once more to see that it is there. *ret_there: do they find it? */
static int look_for_config(struct grub *g, const char *dir, const char **ret, bool *ret_there,
			   struct pcrcast_error *e)
{
	struct grub_file f;

	*ret_there = true;
	*ret = pool_printf(g->pool, "%s/grub.cfg", dir);
	if (!*ret)
		return err_nomem(e);
	if (!g->image.rules)
		return walk_unknown(
			g->w, 9,
			"whether this build of GRUB opens its first configuration file once or twice is not known",
			NULL, e);
	if (!g->image.rules->opens_config_twice)
		return 0;
	int r = grub_open_file(g, grub_text(*ret), &f, e);
	*ret_there = f.found != GRUB_ABSENT;
	return r;
}

/* Without a name: beside the image with Red Hat's patches, or in the prefix. */
static int choose_config(struct grub *g, struct grub_value *ret, struct pcrcast_error *e)
{
	struct grub_value prefix = grub_get(g, "prefix"), own = grub_get(g, "fw_path");
	const char *name = NULL;
	bool there = false;
	int r = 0;

	if (own.why || prefix.why || !prefix.s)
		return grub_stop(g,
				 own.why    ? own.why :
				 prefix.why ? prefix.why :
					      "the variable prefix is not set",
				 NULL, e);
	if (is_redhat(g) && own.s)
		r = look_for_config(g, own.s, &name, &there, e);
	if (r == 0 && !there)
		r = look_for_config(g, prefix.s, &name, &there, e);
	*ret = grub_text(name);
	return r;
}

/* normal [FILE] */
int grub_cmd_normal(struct grub *g, const struct grub_args *a, struct grub_result *res,
		    struct pcrcast_error *e)
{
	struct grub_value name = a->n ? a->v[0] : grub_text("");
	int r = a->n ? 0 : choose_config(g, &name, e);

	*res = (struct grub_result){ GRUB_OK, NULL };
	if (r < 0 || g->stopped)
		return r;
	g->normal = true;
	g->quiet = false;
	r = grub_read_lists(g, e);
	if (r == 0)
		r = grub_run_config(g, name, e);
	if (r == 0 && !g->stopped && !g->booted && g->context->menu.n)
		r = grub_show_menu(g, false, e);
	if (r < 0 || g->stopped || g->booted)
		return r;
	return grub_stop(g, "the configuration ends without a menu, and GRUB waits at its prompt", NULL, e);
}

/* ---- entries ---- */

int grub_menu_add(struct grub *g, const struct grub_entry *entry, struct pcrcast_error *e)
{
	struct grub_menu *menu = &g->context->menu;
	struct grub_entry *place = pool_push(g->pool, &menu->entries, &menu->n, &menu->cap, sizeof *place);

	if (!place)
		return err_nomem(e);
	*place = *entry;
	return 0;
}

static int add_entry(struct grub *g, const struct grub_args *a, bool submenu, struct grub_result *res,
		     struct pcrcast_error *e)
{
	static const struct grub_option table[] = {
		{ "class", 0, TAKES_VALUE },  { "users", 0, MAY_TAKE_VALUE },
		{ "hotkey", 0, TAKES_VALUE }, { "source", 0, TAKES_VALUE },
		{ "id", 0, TAKES_VALUE },     { "unrestricted", 0, TAKES_NOTHING },
	};
	struct grub_options o;
	bool ok;
	int r = grub_take_options(g, table, sizeof table / sizeof table[0], false, a, &o, &ok, e);
	struct grub_entry entry = { .file = g->file, .line = g->line, .submenu = submenu };

	*res = (struct grub_result){ GRUB_FAILED, NULL };
	if (r < 0)
		return r;
	if (o.values[3].why)
		return grub_stop(g, o.values[3].why, NULL, e);
	if (!ok || !o.rest.n || o.given[3] == a->has_block || (a->has_block && o.rest.n < 2))
		return 0;
	entry.args = o.rest;
	if (a->has_block) {
		entry.args.n--; /* the block's text */
		entry.args.has_block = false;
		entry.body = a->block;
		entry.setparams = true;
	} else {
		entry.text = slice_of_string(o.values[3].s);
	}
	entry.title = entry.args.v[0];
	entry.id = o.given[4] ? o.values[4] : entry.title;
	entry.restricted = !o.given[5];
	res->code = GRUB_OK;
	return grub_menu_add(g, &entry, e);
}

int grub_cmd_menuentry(struct grub *g, const struct grub_args *a, struct grub_result *res,
		       struct pcrcast_error *e)
{
	return add_entry(g, a, false, res, e);
}

int grub_cmd_submenu(struct grub *g, const struct grub_args *a, struct grub_result *res,
		     struct pcrcast_error *e)
{
	return add_entry(g, a, true, res, e);
}

/* ---- choice ---- */

static int run_entry(struct grub *g, const struct grub_entry *m, struct pcrcast_error *e);

/* The default entry, or the one that the user names. */
static int choose(struct grub *g, const struct grub_entry **ret, struct pcrcast_error *e)
{
	struct grub_value def = grub_get(g, "default");
	const char *why = NULL;

	if (def.why)
		return grub_stop(g, def.why, "--entry", e);
	long at = def.s ? grub_menu_find(g, def.s, &why) : -1;
	if (why)
		return grub_stop(g, why, "--entry", e);
	*ret = &g->context->menu.entries[at < 0 ? 0 : at];
	return 0;
}

/* A menu that is shown may draw a theme with its files. */
static int see_screen(struct grub *g, bool shown, struct pcrcast_error *e)
{
	struct grub_value theme = grub_get(g, "theme");

	if (!shown || !g->measures || (!theme.why && (!theme.s || !*theme.s)))
		return 0;
	return walk_event_unknown(g->w, 9, EV_IPL,
				  (struct event_text){ "files of the menu's theme", g->file },
				  grub_where(g, "which files a theme opens depends on the screen"), NULL, e);
}

int grub_show_menu(struct grub *g, bool nested, struct pcrcast_error *e)
{
	struct grub_value timeout = grub_get(g, "timeout"), super = grub_get(g, "superusers");
	const struct grub_entry *m = NULL;
	const char *end = NULL;
	bool waits = timeout.s && !timeout.why && (grub_number(timeout.s, &end), end);
	int r = 0;

	(void)nested;
	if (!g->w->opt->entry && !waits)
		return grub_stop(g,
				 timeout.why ? timeout.why : "the menu has no timeout and waits for the user",
				 "--entry", e);
	if (!g->w->menu_seen && g->w->opt->entry)
		r = grub_set(g, "default", grub_text(g->w->opt->entry), e);
	if (r == 0 && g->w->opt->entry && !g->w->menu_seen) {
		const char *why = NULL, *titles = grub_menu_titles(g);

		if (!titles)
			return err_nomem(e);
		if (grub_menu_find(g, g->w->opt->entry, &why) < 0 && !why)
			return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
				       "%s: the menu has no entry \"%s\": there are %s", g->file,
				       g->w->opt->entry, titles);
	}
	g->w->menu_seen = true;
	if (r == 0)
		r = choose(g, &m, e);
	if (r < 0 || g->stopped)
		return r;
	r = see_screen(g, !timeout.s || strcmp(timeout.s, "0") != 0, e);
	if (r < 0)
		return r;
	if (m->restricted && (super.why || (super.s && *super.s)))
		return grub_stop(g, "the entry asks for a password", NULL, e);
	return run_entry(g, m, e);
}

/* ---- running an entry ---- */

static int run_body(struct grub *g, const struct grub_entry *m, struct grub_result *res,
		    struct pcrcast_error *e)
{
	struct grub_scope scope = { .args = m->args }, *outer = g->scope;
	struct grub_args params = { 0 };
	int r = 0;

	g->scope = &scope;
	g->file = m->file;
	g->line = m->line;
	*res = (struct grub_result){ GRUB_OK, NULL };
	if (m->text_why)
		return grub_stop(g, m->text_why, NULL, e);
	if (m->setparams) {
		r = grub_add_arg(g, &params, grub_text("setparams"), e);
		for (size_t i = 0; r == 0 && i < m->args.n; i++)
			r = grub_add_arg(g, &params, m->args.v[i], e);
		if (r == 0)
			r = grub_run_args(g, &params, res, e);
	}
	if (r == 0 && !g->stopped)
		r = m->body ? grub_run_list(g, m->body, res, e) : grub_run_text(g, m->text, res, e);
	g->scope = outer;
	return r;
}

/* Each ">" twice, as $chosen has it; NULL: out of memory. */
static const char *escaped_id(struct grub *g, const char *id)
{
	char *s = pool_array(g->pool, 2 * strlen(id) + 1, 1), *p = s;

	for (; s && *id; id++) {
		if (*id == '>')
			*p++ = '>';
		*p++ = *id;
	}
	return s;
}

static int run_entry(struct grub *g, const struct grub_entry *m, struct pcrcast_error *e)
{
	struct grub_value def = grub_get(g, "default");
	const char *rest = def.s && !def.why ? grub_menu_rest(def.s) : NULL;
	struct grub_value chosen = grub_get(g, "chosen");
	struct grub_result res;
	int r = 0;

	if (m->submenu) {
		if (++g->depth > GRUB_DEPTH_MAX)
			return grub_stop(g, "menus are nested too deep", NULL, e);
		r = grub_context_open(g, is_redhat(g), e);
		if (r == 0)
			r = grub_set(g, "timeout", grub_text("0"), e);
	}
	struct grub_value path = m->id;
	if (!path.why)
		path.s = escaped_id(g, path.s);
	if (chosen.s && !chosen.why && *chosen.s && path.s && !path.why)
		path.s = pool_printf(g->pool, "%s>%s", chosen.s, path.s);
	if (r == 0)
		r = grub_set(g, "chosen", path, e);
	if (r == 0)
		r = grub_export(g, "chosen", e);
	if (r == 0)
		r = rest         ? grub_set(g, "default", grub_text(rest), e) :
		    is_redhat(g) ? 0 :
				   grub_unset(g, "default", e);
	if (r == 0)
		r = run_body(g, m, &res, e);
	if (r < 0 || g->stopped || g->booted)
		return r;
	if (m->submenu && g->context->menu.n)
		return grub_show_menu(g, true, e);
	if (res.why)
		return grub_stop(g, res.why, NULL, e);
	if (g->loaded.what != LOADED_NOTHING && res.code == GRUB_OK) {
		struct grub_args none = { 0 };

		return grub_cmd_boot(g, &none, &res, e);
	}
	return grub_stop(
		g, res.code == GRUB_OK ? "the entry loads nothing to boot" : "the entry ends with an error",
		"--entry", e);
}
