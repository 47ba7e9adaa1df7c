/*
 * What a menu entry runs that GRUB makes of an entry of the Boot Loader Specification. Sources: grub_bls.h.
 */
#include "predict/grub_bls.h"

/* ---- texts that grow, of which a part may not be known ---- */

enum {
	MADE_MAX = 32 << 20
}; /* bytes of a run, so that a value that is there many times does not fill memory */

static struct grub_value add(struct grub *g, struct grub_value to, const char *s)
{
	if (to.why)
		return to;
	g->bytes += strlen(to.s) + strlen(s);
	char *more = g->bytes > MADE_MAX ? NULL : pool_printf(g->pool, "%s%s", to.s, s);
	if (!more)
		return (struct grub_value){ "", "an entry is too long to be followed" };
	return grub_text(more);
}

static struct grub_value add_value(struct grub *g, struct grub_value to, struct grub_value v)
{
	if (to.why || v.why)
		return (struct grub_value){ "", to.why ? to.why : v.why };
	return add(g, to, v.s);
}

static struct grub_value text_of(struct grub *g, const char *p, size_t n)
{
	const char *s = pool_text(g->pool, p, n);

	return s ? grub_text(s) : (struct grub_value){ "", "out of memory" };
}

/* ---- variables in values ---- */

struct expansion {
	struct grub *g;
	struct grub_value out; /* s NULL: nothing yet */
};

/* field_append(): len bytes from start on, or the value of the variable that they name and a blank. */
static void append(struct expansion *x, bool variable, const char *start, size_t len)
{
	struct grub_value v = text_of(x->g, start, len);

	if (variable && !v.why) {
		v = grub_get(x->g, v.s);
		if (!v.s && !v.why)
			return;
	}
	if (!x->out.s)
		x->out.s = "";
	x->out = add_value(x->g, x->out, v);
	if (variable)
		x->out = add(x->g, x->out, " ");
}

static bool goes_on(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/*
 * expand_val(), with all that is odd about it: a blank follows the value of a variable, the one behind its name goes; a last
 * part of one byte is lost; and where nothing stands in front of a variable that is not set, all the rest is lost.
 * Returns s NULL when GRUB has nothing then.
 */
static struct grub_value expand(struct grub *g, const char *value)
{
	struct expansion x = { .g = g };
	const char *start = value, *end = value;
	bool variable = false;

	for (; value && *value; end = value++) {
		if (*value == '$') {
			if (start != end) {
				append(&x, variable, start, (size_t)(end - start) + 1);
				if (!x.out.s)
					return x.out;
			}
			variable = true;
			start = value + 1;
		} else if (variable && !goes_on(*value)) {
			append(&x, true, start, (size_t)(end + 1 - start));
			variable = false;
			start = value + (*value == ' ');
		}
	}
	if (value && start != end)
		append(&x, variable, start, (size_t)(end + 1 - start));
	return x.out;
}

/* Since RHEL 9 and Fedora 41 a backslash keeps Red Hat's from taking a "$" for a variable's. */
static struct grub_value expand_redhat(struct grub *g, const char *value)
{
	if (value && strstr(value, "\\$"))
		return (struct grub_value){ "",
					    "what GRUB makes of \"\\$\" in an entry depends on its build" };
	return expand(g, value);
}

static struct grub_value expand_variable(struct grub *g, const char *name)
{
	struct grub_value v = grub_get(g, name);

	return v.why ? v : expand_redhat(g, v.s);
}

/* ---- lines ---- */

/* KEY and all values of it: "initrd A B". Nothing when the entry has none. */
static struct grub_value add_all(struct grub *g, struct grub_value to, const struct grub_bls_entry *entry,
				 const char *key, const char *before)
{
	for (size_t i = 0; i < entry->n; i++) {
		if (strcmp(entry->pairs[i].key, key) != 0)
			continue;
		to = add(g, to, before);
		to = add(g, to, entry->pairs[i].value);
	}
	return to;
}

static struct grub_value add_options(struct grub *g, struct grub_value to, struct grub_value options)
{
	if (options.s || options.why) {
		to = add(g, to, " ");
		to = add_value(g, to, options);
	}
	return add(g, to, "\n");
}

/* The part of a path with its last slash; s NULL: it has none, for which GRUB has no rule. */
static struct grub_value directory(struct grub *g, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return (struct grub_value){ "", "a path of the entry has no directory" };
	return text_of(g, path, (size_t)(slash - path) + 1);
}

/* Names of $early_initrd, with a blank between each two, are in the directory of the first initrd, or of the kernel. */
static struct grub_value add_early(struct grub *g, struct grub_value to, const struct grub_bls_entry *entry,
				   struct grub_value names)
{
	const char *initrd = grub_bls_value(entry, "initrd");
	struct grub_value dir = directory(g, initrd ? initrd : grub_bls_value(entry, "linux"));
	struct slice rest = slice_of_string(names.s ? names.s : ""), name;
	bool more = true;

	while (more) {
		more = slice_split(&rest, ' ', &name);
		if (!more)
			name = rest;
		to = add(g, to, " ($root)");
		to = add_value(g, to, dir);
		to = add_value(g, to, text_of(g, (const char *)name.p, name.n));
	}
	return to;
}

static struct grub_value redhat_initrd(struct grub *g, struct grub_value to,
				       const struct grub_bls_entry *entry)
{
	struct grub_value early = grub_get(g, "early_initrd");

	if (!early.s && !early.why && !grub_bls_value(entry, "initrd"))
		return to;
	to = add(g, to, "initrd");
	if (early.why)
		to.why = early.why;
	else if (early.s)
		to = add_early(g, to, entry, early);
	to = add_all(g, to, entry, "initrd", " ($root)");
	return add(g, to, "\n");
}

/* A name in the variable devicetree is in the kernel's directory, one in the entry is a path. */
static struct grub_value redhat_devicetree(struct grub *g, struct grub_value to,
					   const struct grub_bls_entry *entry)
{
	struct grub_value name = expand_redhat(g, grub_bls_value(entry, "devicetree")), dir = grub_text("");

	if (!name.s && !name.why) {
		name = expand_variable(g, "devicetree");
		if (!name.s && !name.why)
			return to;
		dir = directory(g, grub_bls_value(entry, "linux"));
	}
	to = add(g, to, "devicetree ($root)");
	to = add_value(g, to, dir);
	to = add_value(g, to, name);
	return add(g, to, "\n");
}

/* The variable is "true", or with upstream's (grub_env_get_bool) anything but what means no. */
static struct grub_value begin(struct grub *g, const char *variable, bool any)
{
	static const char *const no[] = { "", "0", "false", "disable", "no" };
	struct grub_value v = grub_get(g, variable);
	bool saves = v.s && (any || strcmp(v.s, "true") == 0);

	for (size_t i = 0; saves && any && i < sizeof no / sizeof no[0]; i++)
		saves = strcmp(v.s, no[i]) != 0;
	return (struct grub_value){ saves ? "savedefault\n" : "", v.why };
}

struct grub_value grub_bls_redhat_text(struct grub *g, const struct grub_bls_entry *entry)
{
	struct grub_value options = expand_redhat(g, grub_bls_value(entry, "options")),
			  text = begin(g, "save_default", false);

	if (!options.s && !options.why)
		options = expand_variable(g, "default_kernelopts");
	text = add(g, text, "load_video\nset gfxpayload=keep\ninsmod gzio\nlinux ($root)");
	text = add(g, text, grub_bls_value(entry, "linux"));
	text = add_options(g, text, options);
	text = redhat_initrd(g, text, entry);
	return redhat_devicetree(g, text, entry);
}

struct grub_value grub_bls_upstream_text(struct grub *g, const struct grub_bls_entry *entry)
{
	struct grub_value tree = expand(g, grub_bls_value(entry, "devicetree")),
			  text = add(g, begin(g, "blsuki_save_default", true), "linux ");

	text = add(g, text, grub_bls_value(entry, "linux"));
	text = add_options(g, text, expand(g, grub_bls_value(entry, "options")));
	if (grub_bls_value(entry, "initrd")) {
		text = add(g, text, "initrd");
		text = add_all(g, text, entry, "initrd", " ");
		text = add(g, text, "\n");
	}
	if (!tree.s && !tree.why)
		return text;
	text = add(g, text, "devicetree ");
	text = add_value(g, text, tree);
	return add(g, text, "\n");
}

struct grub_value grub_bls_uki_text(struct grub *g, const struct grub_bls_entry *entry)
{
	const char *line = grub_bls_value(entry, ".cmdline");
	struct grub_value text = begin(g, "blsuki_save_default", true);
	const char *const words[] = { "chainloader (", entry->device, ")", entry->dir, "/", entry->name };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		text = add(g, text, words[i]);
	if (line) {
		text = add(g, text, " ");
		text = add(g, text, line);
	}
	return add(g, text, "\n");
}

struct grub_value grub_bls_users(struct grub *g, const struct grub_bls_entry *entry)
{
	return expand_redhat(g, grub_bls_value(entry, "grub_users"));
}

/* PRETTY_NAME of .osrel, as uki_read_osrel() finds it: without one pair of quotes. */
struct grub_value grub_bls_uki_title(struct grub *g, const struct grub_bls_entry *entry)
{
	const char *osrel = grub_bls_value(entry, ".osrel");
	struct slice rest = slice_of_string(osrel ? osrel : ""), line, key;

	while (slice_line(&rest, &line)) {
		while (line.n && (*line.p == ' ' || *line.p == '\t'))
			line = (struct slice){ line.p + 1, line.n - 1 };
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (!line.n || *line.p == '#' || !slice_split(&line, '=', &key) || !line.n ||
		    !slice_equal_string(key, "PRETTY_NAME"))
			continue;
		uint8_t quote = line.p[0];
		if ((quote == '"' || quote == '\'') && line.p[line.n - 1] == quote)
			line = (struct slice){ line.p + 1, line.n > 1 ? line.n - 2 : 0 };
		return text_of(g, (const char *)line.p, line.n);
	}
	return (struct grub_value){ "", "the section .osrel has no PRETTY_NAME" };
}
