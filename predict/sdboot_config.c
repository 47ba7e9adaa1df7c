/*
 * The text files that systemd-boot reads: loader.conf, entries, os-release; and its variables. Source: line_get_key_value()
 * in systemd efi-string.c and config_defaults_load_from_file() in boot.c, 252 to 262.
 */
#include <strings.h>

#include "base/bytes.h"
#include "predict/sdboot.h"

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct slice trim(struct slice s)
{
	while (s.n && is_blank(s.p[0]))
		s = (struct slice){ s.p + 1, s.n - 1 };
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Cut the next line off; a NUL ends the text. */
static bool next_line(struct slice *rest, struct slice *ret)
{
	size_t n = 0;

	if (rest->n == 0 || rest->p[0] == 0)
		return false;
	while (n < rest->n && rest->p[n] && rest->p[n] != '\n' && rest->p[n] != '\r')
		n++;
	*ret = (struct slice){ rest->p, n };
	if (n < rest->n && rest->p[n])
		n++;
	*rest = (struct slice){ rest->p + n, rest->n - n };
	return true;
}

static struct slice unquote(struct slice value, bool single_quotes)
{
	if (value.n == 0)
		return value;
	uint8_t quote = value.p[0];
	if ((quote != '"' && !(single_quotes && quote == '\'')) || value.p[value.n - 1] != quote)
		return value;
	/* A lone quote is both ends at once: nothing is left. */
	return (struct slice){ value.p + 1, value.n >= 2 ? value.n - 2 : 0 };
}

bool config_next(struct config_lines *lines, struct slice *ret_key, struct slice *ret_value)
{
	struct slice line;

	while (next_line(&lines->rest, &line)) {
		size_t n = 0;

		line = trim(line);
		if (line.n && line.p[0] == '#')
			continue;
		while (n < line.n && !strchr(lines->separators, line.p[n]))
			n++;
		if (n == line.n)
			continue;
		size_t at = n;
		while (at < line.n && strchr(lines->separators, line.p[at]))
			at++;
		*ret_key = (struct slice){ line.p, n };
		*ret_value = unquote((struct slice){ line.p + at, line.n - at }, lines->single_quotes);
		return true;
	}
	return false;
}

/* "1", "yes", "y", "true", "t", "on" and their opposites, in lower case only. */
static bool parse_boolean(struct slice s, bool *ret)
{
	static const char *const words[2][6] = { { "0", "no", "n", "false", "f", "off" },
						 { "1", "yes", "y", "true", "t", "on" } };

	for (int value = 0; value < 2; value++)
		for (int i = 0; i < 6; i++)
			if (slice_equal_string(s, words[value][i])) {
				*ret = value;
				return true;
			}
	return false;
}

int utf16_lower(struct pool *pool, struct utf16 s, struct utf16 *ret, struct pcrcast_error *e)
{
	uint16_t *out = pool_array(pool, s.n + 1, sizeof *out);

	if (!out)
		return err_nomem(e);
	for (size_t i = 0; i < s.n; i++)
		out[i] = s.s[i] >= 'A' && s.s[i] <= 'Z' ? (uint16_t)(s.s[i] - 'A' + 'a') : s.s[i];
	*ret = (struct utf16){ out, s.n };
	return 0;
}

static int set_pattern(struct pool *pool, struct slice value, struct utf16 *to, struct pcrcast_error *e)
{
	static const char saved[] = "@saved";
	struct utf16 text;

	/* Special identifiers other than @saved are ignored: what was set before stays. */
	if (value.n && value.p[0] == '@' &&
	    (value.n != sizeof saved - 1 || strncasecmp((const char *)value.p, saved, value.n) != 0))
		return 0;
	int r = cmdline_of_utf8(pool, value, &text, e);
	if (r == 0 && text.n > PATTERN_MAX)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "loader.conf: a pattern of %zu characters, at most %d are handled", text.n,
			       PATTERN_MAX);
	return r < 0 ? r : utf16_lower(pool, text, to, e);
}

int loader_conf_parse(struct pool *pool, struct slice text, const struct sdboot_rules *rules,
		      struct loader_conf *ret, struct pcrcast_error *e)
{
	struct config_lines lines = { text, " \t", rules->single_quotes };
	struct slice key, value;
	int r = 0;

	*ret = (struct loader_conf){ .auto_entries = true };
	while (r == 0 && config_next(&lines, &key, &value)) {
		if (slice_equal_string(key, "default"))
			r = set_pattern(pool, value, &ret->choices[CHOICE_DEFAULT], e);
		else if (rules->preferred && slice_equal_string(key, "preferred"))
			r = set_pattern(pool, value, &ret->choices[CHOICE_PREFERRED], e);
		else if (slice_equal_string(key, "auto-entries"))
			(void)parse_boolean(value, &ret->auto_entries);
	}
	return r;
}

/* ---- the firmware's variables ---- */

static const struct {
	const char *variable;
	bool since_preferred; /* known when "preferred" is */
} choices[CHOICES] = {
	[CHOICE_ONE_SHOT] = { "LoaderEntryOneShot", false },
	[CHOICE_PREFERRED_VARIABLE] = { "LoaderEntryPreferred", true },
	[CHOICE_DEFAULT_VARIABLE] = { "LoaderEntryDefault", false },
};

const char *choice_variable(enum choice c)
{
	return c < CHOICES ? choices[c].variable : NULL;
}

/* UTF-16 up to its NUL; one of an odd length is refused (efivar_get_str16). ret->s NULL: not set. */
static int read_variable(struct pool *pool, const struct firmware_variables *variables, const char *name,
			 struct utf16 *ret, struct pcrcast_error *e)
{
	static const struct guid loader =
		GUID(0x4a67b082, 0x0a4c, 0x41cf, 0xb6, 0xc7, 0x44, 0x0b, 0x29, 0xbb, 0x8c, 0x4f);
	const struct firmware_variable *v = firmware_variables_find(variables, name, &loader);
	size_t n = 0;

	*ret = (struct utf16){ NULL, 0 };
	if (!v || v->data.n % 2 != 0)
		return 0;
	while (2 * n < v->data.n && get_u16le(v->data.p + 2 * n))
		n++;
	if (n > PATTERN_MAX)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "%s: a pattern of %zu characters, at most %d are handled", name, n,
			       PATTERN_MAX);
	uint16_t *text = pool_array(pool, n + 1, sizeof *text);
	if (!text)
		return err_nomem(e);
	for (size_t i = 0; i < n; i++)
		text[i] = get_u16le(v->data.p + 2 * i);
	*ret = (struct utf16){ text, n };
	return 0;
}

static bool is_saved(struct utf16 pattern)
{
	static const char saved[] = "@saved";
	size_t i = 0;

	while (i < pattern.n && i < sizeof saved - 1 && pattern.s[i] == saved[i])
		i++;
	return i == pattern.n && i == sizeof saved - 1;
}

/*
 * config_load_defaults(), systemd 252 to 259; the Boot Loader Interface for LoaderEntryPreferred, which goes before "preferred"
 * in 262.1 (booted: "chosen" in tests/boot). "@saved" as a default stands for the id in LoaderEntryLastBooted, as it is spelled
 * there.
 */
int loader_conf_add_variables(struct pool *pool, const struct firmware_variables *variables,
			      const struct sdboot_rules *rules, struct loader_conf *conf,
			      struct pcrcast_error *e)
{
	struct utf16 text, last;
	int r = read_variable(pool, variables, "LoaderEntryLastBooted", &last, e);

	for (enum choice c = 0; r == 0 && c < CHOICES; c++) {
		if (choices[c].variable && (rules->preferred || !choices[c].since_preferred)) {
			r = read_variable(pool, variables, choices[c].variable, &text, e);
			if (r == 0 && text.s)
				r = utf16_lower(pool, text, &conf->choices[c], e);
		}
		if ((c == CHOICE_DEFAULT || c == CHOICE_DEFAULT_VARIABLE) && is_saved(conf->choices[c]))
			conf->choices[c] = last;
	}
	return r;
}
