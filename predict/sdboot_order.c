/*
 * The order of systemd-boot's menu and the choice in it. Source: boot_entry_compare(), config_find_entry() and
 * config_select_default_entry() in systemd boot.c, 252 to 262; UAPI.10 Version Format Specification.
 */
#define _GNU_SOURCE
#include <stdlib.h>

#include "predict/sdboot.h"

static int compare(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/* ---- versions ---- */

static uint16_t at(struct utf16 s, size_t i)
{
	return i < s.n ? s.s[i] : 0;
}

static bool is_digit(uint16_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(uint16_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_version_char(uint16_t c)
{
	return is_digit(c) || is_letter(c) || c == '~' || c == '-' || c == '^' || c == '.';
}

/* Cut the run of characters of one class off the front. */
static struct utf16 cut(struct utf16 *s, bool (*class)(uint16_t))
{
	struct utf16 run = { s->s, 0 };

	while (run.n < s->n && class(s->s[run.n]))
		run.n++;
	*s = (struct utf16){ s->s + run.n, s->n - run.n };
	return run;
}

static int compare_units(struct utf16 a, struct utf16 b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a.s[i] != b.s[i])
			return compare(a.s[i], b.s[i]);
	return 0;
}

static int compare_numbers(struct utf16 a, struct utf16 b)
{
	if (!a.n != !b.n)
		return a.n ? 1 : -1; /* a number is newer than none */
	while (a.n && a.s[0] == '0')
		a = (struct utf16){ a.s + 1, a.n - 1 };
	while (b.n && b.s[0] == '0')
		b = (struct utf16){ b.s + 1, b.n - 1 };
	return a.n != b.n ? compare((int64_t)a.n, (int64_t)b.n) : compare_units(a, b, a.n);
}

static int compare_words(struct utf16 a, struct utf16 b)
{
	int r = compare_units(a, b, a.n < b.n ? a.n : b.n);

	return r ? r : compare((int64_t)a.n, (int64_t)b.n);
}

/* If one of both begins with the character, the one that does is older; if both do, it is cut off. */
static int compare_mark(struct utf16 *a, struct utf16 *b, uint16_t mark)
{
	bool in_a = at(*a, 0) == mark, in_b = at(*b, 0) == mark;

	if (in_a && in_b) {
		*a = (struct utf16){ a->s + 1, a->n - 1 };
		*b = (struct utf16){ b->s + 1, b->n - 1 };
	}
	return in_a == in_b ? 0 : in_a ? -1 : 1;
}

int version_compare(struct utf16 a, struct utf16 b)
{
	for (;;) {
		while (a.n && !is_version_char(a.s[0]))
			a = (struct utf16){ a.s + 1, a.n - 1 };
		while (b.n && !is_version_char(b.s[0]))
			b = (struct utf16){ b.s + 1, b.n - 1 };

		int r = compare_mark(&a, &b, '~');
		if (r)
			return r;
		if (a.n == 0 || b.n == 0) /* the longer one is newer */
			return compare(a.n != 0, b.n != 0);
		r = compare_mark(&a, &b, '-');
		if (!r)
			r = compare_mark(&a, &b, '^');
		if (!r)
			r = compare_mark(&a, &b, '.');
		if (r)
			return r;

		bool number = is_digit(at(a, 0)) || is_digit(at(b, 0));
		struct utf16 x = cut(&a, number ? is_digit : is_letter),
			     y = cut(&b, number ? is_digit : is_letter);
		r = number ? compare_numbers(x, y) : compare_words(x, y);
		if (r)
			return r;
	}
}

/* ---- patterns ---- */

/* Match one set behind '['. *p is moved behind its ']'; false when the set does not end. */
static bool match_set(struct utf16 pattern, size_t *p, uint16_t c, bool *ret)
{
	bool range_can_start = false; /* the character before may begin a range */
	size_t i = *p;

	*ret = false;
	for (bool first = true;; first = false, i++) {
		uint16_t x = at(pattern, i);

		if (x == 0)
			return false;
		if (x == ']' && !first)
			break;
		if (x == '-' && range_can_start && at(pattern, i + 1) != ']') {
			uint16_t low = at(pattern, i - 1);

			i++;
			if (at(pattern, i) == '\\')
				i++;
			uint16_t high = at(pattern, i);
			if (high == 0)
				return false;
			*ret |= low <= c && c <= high;
			range_can_start = false; /* ranges do not chain */
			continue;
		}
		if (x == '\\') {
			x = at(pattern, ++i);
			if (x == 0)
				return false;
		}
		*ret |= x == c;
		range_can_start = true;
	}
	*p = i + 1;
	return true;
}

/* Match pattern from *p up to its end or a '*' against text from t; *p and *ret_t then say how far. */
static bool match_part(struct utf16 pattern, size_t *p, struct utf16 text, size_t t, size_t *ret_t)
{
	size_t i = *p;

	while (i < pattern.n && pattern.s[i] != '*') {
		uint16_t x = pattern.s[i], c = at(text, t);
		bool ok;

		if (t >= text.n)
			return false;
		if (x == '[') {
			i++;
			if (!match_set(pattern, &i, c, &ok))
				return false;
		} else {
			if (x == '\\' && ++i >= pattern.n)
				return false;
			ok = (x == '?') || pattern.s[i] == c;
			i++;
		}
		if (!ok)
			return false;
		t++;
	}
	*p = i;
	*ret_t = t;
	return true;
}

bool pattern_matches(struct utf16 pattern, struct utf16 text)
{
	size_t p = 0, t = 0;

	/* The part in front of the first '*' is bound to the start; each further one goes to its first match. */
	if (!match_part(pattern, &p, text, 0, &t))
		return false;
	while (p < pattern.n) {
		while (p < pattern.n && pattern.s[p] == '*')
			p++;
		for (;; t++) {
			size_t part = p, end;

			/* Behind the last '*' the match must reach the end of the text. */
			if (match_part(pattern, &part, text, t, &end) &&
			    (part < pattern.n || end == text.n)) {
				p = part;
				t = end;
				break;
			}
			if (t >= text.n)
				return false;
		}
	}
	return t == text.n;
}

/* ---- order and choice ---- */

/* By code unit; a missing string is less than any (systemd's strcmp16). */
static int compare_strings(struct utf16 a, struct utf16 b)
{
	if (!a.s || !b.s)
		return compare(a.s != NULL, b.s != NULL);
	return compare_words(a, b);
}

static int compare_entries(const void *left, const void *right, void *arg)
{
	const struct boot_entry *a = left, *b = right;
	const struct sdboot_rules *rules = arg;
	int r = compare(a->tries_left == 0, b->tries_left == 0);

	if (!r)
		r = compare(!a->sort_key.s, !b->sort_key.s);
	if (!r && a->sort_key.s) {
		r = compare_strings(a->sort_key, b->sort_key);
		if (!r)
			r = compare_strings(a->machine_id, b->machine_id);
		if (!r)
			r = -version_compare(a->version, b->version);
		if (!r && rules->profile_before_id)
			r = compare(a->profile, b->profile);
	}
	if (!r)
		r = -version_compare(a->id_without_profile.s ? a->id_without_profile : a->id,
				     b->id_without_profile.s ? b->id_without_profile : b->id);
	if (!r && a->id_without_profile.s && b->id_without_profile.s)
		r = compare(a->profile, b->profile);
	if (!r && a->tries_left >= 0 && b->tries_left >= 0) {
		r = -compare(a->tries_left, b->tries_left);
		if (!r)
			r = compare(a->tries_done, b->tries_done);
	}
	return r;
}

void menu_sort(struct boot_menu *menu)
{
	struct boot_entry *e = menu->entries;

	/* Insertion keeps equal entries in the order in which they were found, as systemd-boot does. */
	for (size_t i = 1; i < menu->n; i++) {
		struct boot_entry moving = e[i];
		size_t k = i;

		for (; k > 0 && compare_entries(&e[k - 1], &moving, (void *)menu->rules) > 0; k--)
			e[k] = e[k - 1];
		e[k] = moving;
	}
}

const struct boot_entry *menu_find(const struct boot_menu *menu, struct utf16 pattern, bool skip_bad)
{
	if (!pattern.s)
		return NULL;
	for (size_t i = 0; i < menu->n; i++) {
		const struct boot_entry *entry = &menu->entries[i];

		if ((!skip_bad || entry->tries_left != 0) && pattern_matches(pattern, entry->id))
			return entry;
	}
	return NULL;
}

const struct boot_entry *menu_choose(const struct boot_menu *menu, const struct loader_conf *conf,
				     enum choice *ret_by)
{
	const struct boot_entry *found = NULL;

	for (*ret_by = 0; *ret_by < CHOICES; (*ret_by)++) {
		bool skip_bad = *ret_by == CHOICE_PREFERRED || *ret_by == CHOICE_PREFERRED_VARIABLE;

		found = menu_find(menu, conf->choices[*ret_by], skip_bad);
		if (found)
			return found;
	}
	for (size_t i = 0; !found && i < menu->n; i++)
		if (!menu->entries[i].automatic &&
		    (!menu->rules->first_profile_only || menu->entries[i].profile == 0))
			found = &menu->entries[i];
	/* Only further profiles: systemd-boot shows the menu, with its head marked, and starts that in the end. */
	return found || !menu->n ? found : &menu->entries[0];
}

bool menu_same_place(const struct boot_menu *menu, const struct boot_entry *a, const struct boot_entry *b)
{
	return a->automatic == b->automatic && compare_entries(a, b, (void *)menu->rules) == 0;
}
