/*
 * Which entry of the menu a text means. Source: GRUB 2.06 and 2.12, grub-core/normal/menu.c (menuentry_eq,
 * get_entry_number); Red Hat's 2.06 and 2.12, the same file (get_entry_number_helper).
 */
#include "predict/grub.h"

/* ---- upstream ---- */

/* menuentry_eq(): spec up to a ">" names the entry; ">>" stands for one ">". */
static bool names_entry(const char *id, const char *spec)
{
	for (;; id++, spec++) {
		if (spec[0] == '>' && spec[1] != '>')
			return !*id;
		if (*spec == '>')
			spec++;
		if (*id != *spec)
			return false;
		if (!*id)
			return true;
	}
}

const char *grub_menu_rest(const char *spec)
{
	for (; *spec; spec++) {
		if (spec[0] == '>' && spec[1] != '>')
			return spec[1] ? spec + 1 : NULL;
		if (*spec == '>')
			spec++;
	}
	return NULL;
}

/* The first entry of this id or title; -1: none. *ret_unknown: of one that is not known, why. */
static long find_name(const struct grub_menu *menu, const char *spec, const char **ret_unknown)
{
	for (size_t i = 0; i < menu->n; i++) {
		const struct grub_entry *m = &menu->entries[i];

		if (m->title.why || m->id.why)
			*ret_unknown = m->title.why ? m->title.why : m->id.why;
		else if (names_entry(m->title.s, spec) || names_entry(m->id.s, spec))
			return (long)i;
	}
	return -1;
}

/* What begins with a digit is a number, whatever follows; one that is too high means none. */
static long find_upstream(const struct grub_menu *menu, const char *spec, const char **ret_why)
{
	const char *end, *unknown = NULL;
	unsigned long n = grub_number(spec, &end);

	if (end)
		return n < menu->n ? (long)n : -1;
	long at = find_name(menu, spec, &unknown);
	if (unknown)
		*ret_why = unknown;
	return at;
}

/* ---- Red Hat ---- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* menuentry_eq() with a limit: id is the first word of spec, which has n bytes; an id of one byte never is. */
static bool names_id(const char *id, const char *spec, size_t n)
{
	for (const char *p = id; (size_t)(p - id) <= n; p++, spec++) {
		if (spec[0] == '>' && spec[1] != '>')
			return !*p && p != id;
		if (*spec == '>')
			spec++;
		if (*p != *spec)
			return (size_t)(p - id) == n && !*p && is_space(*spec) && n > 1;
		if (!*p)
			return p != id;
	}
	return false;
}

static long find_redhat(const struct grub_menu *menu, const char *spec, const char **ret_why)
{
	const char *end;
	size_t word = 0;

	for (size_t i = 0; i < menu->n; i++)
		if (menu->entries[i].title.why || menu->entries[i].id.why) {
			*ret_why = menu->entries[i].title.why ? menu->entries[i].title.why :
								menu->entries[i].id.why;
			return -1;
		}
	while (spec[word] && !is_space(spec[word]))
		word++;
	for (size_t i = 0; i < menu->n; i++)
		if (names_id(menu->entries[i].id.s, spec, word))
			return (long)i;
	for (size_t i = 0; i < menu->n; i++)
		if (names_entry(menu->entries[i].title.s, spec))
			return (long)i;
	unsigned long n = grub_number(spec, &end);
	return end && (!*end || is_space(*end)) && n < menu->n ? (long)n : -1;
}

/* ---- both ---- */

const char *grub_menu_titles(struct grub *g)
{
	enum { SHOWN_MAX = 300 }; /* bytes, in an error */
	const struct grub_menu *menu = &g->context->menu;
	const char *titles = "";

	for (size_t i = 0; titles && i < menu->n && strlen(titles) < SHOWN_MAX; i++) {
		const char *title = menu->entries[i].title.s, *id = menu->entries[i].id.s;

		title = title ? title : "?";
		titles = pool_printf(g->pool, "%s%s\"%s\"", titles, i ? ", " : "", title);
		if (titles && id && strcmp(id, title) != 0)
			titles = pool_printf(g->pool, "%s (%s)", titles, id);
	}
	return titles && !*titles ? "none" : titles;
}

long grub_menu_find(struct grub *g, const char *spec, const char **ret_why)
{
	const struct grub_menu *menu = &g->context->menu;

	if (!g->image.rules) {
		const char *why = NULL;
		long a = find_upstream(menu, spec, ret_why), b = find_redhat(menu, spec, &why);

		if (a != b && !*ret_why)
			*ret_why =
				why ? why : "the default entry is the number of one and the name of another";
		return a;
	}
	return g->image.rules->redhat ? find_redhat(menu, spec, ret_why) : find_upstream(menu, spec, ret_why);
}
