/*
 * Which file shim starts: load-options.c and load_shim_options() of shim.
 */
#define _GNU_SOURCE
#include "predict/shim.h"

#include "base/bytes.h"
#include "base/reader.h"

/* ---- paths ---- */

char *shim_beside(struct pool *pool, const char *path, const char *name)
{
	const char *end = strrchr(path, '\\');

	return pool_printf(pool, "%.*s%s", end ? (int)(end - path) + 1 : 0, path, name);
}

/* is_removable_media_path(): whatever the architecture. */
bool shim_on_removable_path(const char *path)
{
	static const char head[] = "\\EFI\\BOOT\\BOOT";
	size_t n = strlen(path);

	return strncasecmp(path, head, strlen(head)) == 0 && n >= 4 && strcasecmp(path + n - 4, ".EFI") == 0;
}

/* generate_path_from_image_path(): a path that begins with \EFI\ is taken as it is, of others the last name. */
static char *resolve(struct pool *pool, const char *shim_path, const char *name)
{
	const char *last = strrchr(name, '\\');

	if (strncmp(name, "\\EFI\\", 5) == 0)
		return pool_printf(pool, "%s", name);
	return shim_beside(pool, shim_path, last ? last + 1 : name);
}

/* ---- load options ---- */

static uint16_t unit(struct slice s, size_t i)
{
	return get_u16le(s.p + 2 * i);
}

/* The UTF-16 units [0, n) as UTF-8. NULL: out of memory. */
static char *text_of(struct pool *pool, struct slice s, size_t n)
{
	uint16_t *units = pool_array(pool, n + 1, sizeof *units);

	for (size_t i = 0; units && i < n; i++)
		units[i] = unit(s, i);
	return units ? utf16_to_utf8(pool, (struct utf16){ units, n }) : NULL;
}

/* split_load_options(): the word in front, which a space or 0 must end, and what is behind that. False: none. */
static bool split(struct slice s, struct slice *ret_word, struct slice *ret_rest)
{
	size_t n = 0;

	while (s.n >= 2 && unit(s, 0) == ' ')
		s = (struct slice){ s.p + 2, s.n - 2 };
	while (n < s.n / 2 && unit(s, n) != ' ' && unit(s, n) != 0)
		n++;
	if (n == s.n / 2)
		return false;
	*ret_word = (struct slice){ s.p, 2 * n };
	*ret_rest = (struct slice){ s.p + 2 * n + 2, s.n - 2 * n - 2 };
	return true;
}

/* get_load_option_optional_data(): what is behind the paths of an EFI_LOAD_OPTION. False: it is none in shim's eyes. */
static bool optional_data(struct slice s, enum shim_options_rule rule, struct slice *ret)
{
	enum { HEAD = 6, NODE = 4, END = 0x7f, ENTIRE = 0xff };

	if (s.n < HEAD + 2 + NODE)
		return false;
	size_t paths = get_u16le(s.p + 4), i = 0;
	if (paths > s.n - 10)
		return false;
	struct slice rest = { s.p + HEAD, s.n - HEAD };
	size_t limit = rest.n - paths; /* the description must end before this */

	/* The description has units below 256 only. */
	for (; i + 1 < limit; i += 2) {
		if (rest.p[i + 1] != 0)
			return false;
		if (rest.p[i] == 0)
			break;
	}
	if (i + 1 >= limit)
		return false;
	i += 2;
	if (i == limit) {
		*ret = SLICE_EMPTY;
		return true;
	}
	rest = (struct slice){ rest.p + i, rest.n - i };
	for (i = 0; rest.n - i >= NODE;) {
		size_t len = get_u16le(rest.p + i + 2);
		bool end = rest.p[i] == END && rest.p[i + 1] == ENTIRE;

		if (len < NODE || len > rest.n - i || (end && len != NODE))
			return false;
		i += len;
		if (end)
			break;
	}
	if (rule == SHIM_OPTIONS_15 ? i != paths : i > paths)
		return false;
	*ret = (struct slice){ rest.p + paths, rest.n - paths };
	return true;
}

/* is_our_path(): the shell puts the program's own name in front. */
static bool names_shim(struct pool *pool, const char *shim_path, struct slice word)
{
	char *text = text_of(pool, word, word.n / 2), *path = text ? resolve(pool, shim_path, text) : NULL;

	return path && strncasecmp(shim_path, path, strlen(shim_path)) == 0;
}

static bool all_zero(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i])
			return false;
	return true;
}

/* parse_load_options(): a name, and what the second stage is handed. False: nothing for shim. */
static bool read_options(struct shim *shim, const char *path, struct slice s, struct slice *ret_name,
			 struct slice *ret_rest)
{
	const struct shim_rules *rules = shim->image.rules;
	struct slice word, rest;

	if (s.n < 2 || s.n % 2)
		return false;
	if (s.n > GUID_LEN && memcmp(s.p + s.n - GUID_LEN, guid_auto_created.bytes, GUID_LEN) == 0)
		s.n -= GUID_LEN;
	if (rules->zeros_whole ? all_zero(s) : unit(s, 0) == 0)
		return false;
	if (!optional_data(s, rules->options, &rest)) {
		rest = s;
		if (split(s, &word, &rest) && !names_shim(shim->w->pool, path, word))
			rest = s;
	}
	/* What bcdedit of Windows puts there. */
	if (rules->options == SHIM_OPTIONS_16 && rest.n >= 8 && memcmp(rest.p, "WINDOWS", 8) == 0)
		return false;
	return split(rest, ret_name, ret_rest);
}

/* options.csv: UTF-16LE, the first field. NULL *ret: it names nothing. */
static int read_options_file(struct shim *shim, const char *path, const char **ret, struct pcrcast_error *e)
{
	enum { MOST = 1024 * 4096 }; /* read_file() */
	char *file = shim_beside(shim->w->pool, path, "options.csv");
	struct slice s;
	struct blob b;
	size_t n = 0;

	*ret = NULL;
	if (!file)
		return err_nomem(e);
	int r = tree_open_file(shim->volume, file, &b, NULL, e);
	if (r == -PCRCAST_ENOTFOUND || (r == 0 && b.len > MOST))
		return 0;
	if (r == 0)
		r = blob_load(shim->w->pool, &b, MOST, &s, e);
	if (r < 0)
		return r;
	if (s.n >= 2 && unit(s, 0) == 0xfeff)
		s = (struct slice){ s.p + 2, s.n - 2 };
	while (n < s.n / 2 && unit(s, n) != 0 && unit(s, n) != ',')
		n++;
	if (n == 0)
		return 0;
	char *name = text_of(shim->w->pool, s, n);
	if (!name)
		return err_nomem(e);
	*ret = name;
	return walk_note(shim->w, pool_printf(shim->w->pool, "%s names shim's second stage: %s", file, name),
			 e);
}

int shim_default_target(struct shim *shim, struct shim_target *ret, struct pcrcast_error *e)
{
	struct pool *pool = shim->w->pool;
	char *name = utf16_to_utf8(pool, shim->image.default_loader);
	char *path = name ? resolve(pool, shim->image.path, name) : NULL;

	if (!path)
		return err_nomem(e);
	*ret = (struct shim_target){ .path = path, .options = SLICE_EMPTY };
	return 0;
}

int shim_choose_target(struct shim *shim, const struct start *s, struct shim_target *ret,
		       struct pcrcast_error *e)
{
	const char *path = shim->image.path, *name = NULL;
	struct walk *w = shim->w;
	struct slice word, rest;

	int r = shim_default_target(shim, ret, e);
	if (r == 0 && shim->image.rules->options_file && shim->volume)
		r = read_options_file(shim, path, &name, e);
	if (r < 0)
		return r;
	if (s->options.n && s->options_of_user)
		w->used |= OPTION_LOAD_OPTIONS;
	if (shim->image.ignores_removable_options && shim_on_removable_path(path))
		rest = SLICE_EMPTY;
	else if (s->options.n && shim->image.rules->options == SHIM_OPTIONS_UNREAD)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "%s: how shim %s reads load options is not known here", path,
			       shim->image.version);
	else if (read_options(shim, path, s->options, &word, &rest)) {
		ret->options = rest;
		if (word.n || shim->image.rules->options == SHIM_OPTIONS_15)
			name = text_of(w->pool, word, word.n / 2);
		if (!word.n && shim->image.rules->options == SHIM_OPTIONS_15)
			return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
				       "%s: the load options name an empty second stage", path);
	}
	if (!name)
		return 0;
	ret->named = true;
	ret->path = resolve(w->pool, path, name);
	return ret->path ? 0 : err_nomem(e);
}
