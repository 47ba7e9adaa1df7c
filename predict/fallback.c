/*
 * shim's fallback (fbx64.efi), which shim starts in place of its second stage when it runs as the removable-media file of a
 * disk: it makes a boot option for each line of the BOOT.CSV files and, when there is a TPM, restarts the machine, so that the
 * measurements are those of an ordinary boot.
 *
 * Source: shim fallback.c (15 to 16.1), README.fallback.
 */
#include "predict/shim.h"

#include "base/bytes.h"

enum {
	CSV_MAX = 1024 * 4096, /* bytes: read_file() */
	ALL_MAX = 16 << 20,    /* bytes of all of them; real ones have some 100 */
};

/* What the files say so far. */
struct options {
	struct shim_target first;
	size_t n; /* boot options */
	uint64_t bytes;
};

int fallback_find(struct shim *shim, const char **ret, struct pcrcast_error *e)
{
	struct walk *w = shim->w;
	struct pcrcast_error odd;
	struct blob ignored;

	*ret = NULL;
	if (!shim->volume || !shim_on_removable_path(shim->image.path))
		return 0;
	char *path = pool_printf(w->pool, "\\EFI\\BOOT\\fb%s.efi", shim->image.arch);
	if (!path)
		return err_nomem(e);
	int r = tree_open_file(shim->volume, path, &ignored, NULL, &odd);
	if (r == 0)
		*ret = path;
	else if (r != -PCRCAST_ENOTFOUND && e)
		*e = odd;
	return r == -PCRCAST_ENOTFOUND ? 0 : r;
}

/* One line: FILE,LABEL,ARGUMENTS,… *ret_usable: it makes a boot option. */
static int read_line(struct pool *pool, const char *csv, struct utf16 line, struct utf16 *ret_file,
		     struct utf16 *ret_arguments, bool *ret_usable, struct pcrcast_error *e)
{
	struct utf16 fields[3];
	size_t at = 0;

	*ret_usable = false;
	for (size_t i = 0; i < 3; i++) {
		size_t end = at;

		while (end < line.n && line.s[end] != ',')
			end++;
		if (i < 2 && end == at)
			return 0;
		if (i < 2 && end == line.n) /* it then reads on in the next line */
			return err_set(
				e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
				"%s: a line without a second comma, of which shim's fallback makes something undefined",
				csv);
		fields[i] = utf16_copy(pool, line.s + at, end - at);
		if (!fields[i].s)
			return err_nomem(e);
		at = end + 1;
	}
	*ret_file = fields[0];
	*ret_arguments = fields[2];
	*ret_usable = true;
	return 0;
}

static bool line_end(uint16_t c)
{
	return c == '\r' || c == '\n';
}

/* Each usable line counts, and the first of all is kept. The array units ends in a 0; pool: for what is needed meanwhile. */
static int read_lines(struct shim *shim, struct pool *pool, const char *dir, const char *csv,
		      const uint16_t *units, struct options *o, struct pcrcast_error *e)
{
	const uint16_t *p = units + (units[0] == 0xfeff);

	while (*p) {
		struct utf16 file, arguments;
		bool usable = false;
		size_t len = 0;

		while (p[len] && !line_end(p[len]))
			len++;
		int r = len ? read_line(pool, csv, (struct utf16){ p, len }, &file, &arguments, &usable, e) :
			      0;
		if (r < 0)
			return r;
		if (usable && o->n++ == 0) {
			char *name = utf16_to_utf8(pool, file);

			o->first.path = name ? pool_printf(shim->w->pool, "%s\\%s", dir, name) : NULL;
			o->first.options =
				arguments.n ? utf16_bytes(shim->w->pool, arguments, true) : SLICE_EMPTY;
			if (!o->first.path || !o->first.options.p)
				return err_nomem(e);
		}
		p += len;
		while (line_end(*p))
			p++;
	}
	return 0;
}

static int read_csv(struct shim *shim, const char *dir, const char *csv, struct options *o,
		    struct pcrcast_error *e)
{
	struct pool pool = POOL_INIT;
	uint16_t *units = NULL;
	struct slice s;
	struct blob b;

	int r = tree_open_file(shim->volume, csv, &b, NULL, e);
	if (r < 0)
		return err_wrap(e, "%s", csv);
	o->bytes += b.len;
	if (o->bytes > ALL_MAX)
		return err_set(
			e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			"%s: with the files before it more than the %d bytes that are read for shim's fallback",
			csv, ALL_MAX);
	r = blob_load(&pool, &b, CSV_MAX, &s, e);
	if (r < 0) {
		(void)err_wrap(e, "%s", csv);
	} else {
		units = pool_array(&pool, s.n / 2 + 1, sizeof *units);
		r = units ? 0 : err_nomem(e);
	}
	for (size_t i = 0; r == 0 && i < s.n / 2; i++)
		units[i] = get_u16le(s.p + 2 * i);
	if (r == 0)
		r = read_lines(shim, &pool, dir, csv, units, o, e);
	pool_done(&pool);
	return r;
}

/* BOOTX64.CSV of a directory, or BOOT.CSV. */
static int read_directory(struct shim *shim, const char *dir, struct options *o, struct pcrcast_error *e)
{
	struct pool *pool = shim->w->pool;
	char *names[] = { pool_printf(pool, "boot%s.csv", shim->image.arch), pool_printf(pool, "boot.csv") };
	struct tree_list list;

	int r = tree_list_dir(shim->volume, dir, &list, e);
	if (r < 0)
		return r;
	for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
		if (!names[k])
			return err_nomem(e);
		for (size_t i = 0; i < list.n; i++) {
			if (list.entries[i].is_dir || !tree_name_equal(list.entries[i].name, names[k]))
				continue;
			char *csv = pool_printf(pool, "%s\\%s", dir, list.entries[i].name);
			return csv ? read_csv(shim, dir, csv, o, e) : err_nomem(e);
		}
	}
	return 0;
}

static int say(struct shim *shim, const char *fallback, const struct shim_target *t, struct pcrcast_error *e)
{
	struct walk *w = shim->w;

	return walk_note(
		w,
		pool_printf(
			w->pool,
			"shim starts %s, which makes a boot option for %s and restarts a machine with a TPM: predicted is the boot after that",
			fallback, t->path),
		e);
}

int fallback_target(struct shim *shim, const char *fallback, struct shim_target *ret, struct pcrcast_error *e)
{
	struct options o = { .first = { .options = SLICE_EMPTY } };
	struct walk *w = shim->w;
	size_t n_dirs = 0;
	struct tree_list list;

	int r = tree_list_dir(shim->volume, "\\EFI", &list, e);
	for (size_t i = 0; r == 0 && i < list.n; i++) {
		const struct tree_entry *entry = &list.entries[i];
		size_t before = o.n;

		if (!entry->is_dir || tree_name_equal(entry->name, "BOOT"))
			continue;
		char *dir = pool_printf(w->pool, "\\EFI\\%s", entry->name);
		r = dir ? read_directory(shim, dir, &o, e) : err_nomem(e);
		n_dirs += o.n > before;
	}
	if (r < 0)
		return r;
	if (o.n == 0)
		return err_set(
			e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			"%s finds no boot%s.csv or boot.csv that names a loader: the machine restarts without end",
			fallback, shim->image.arch);
	if (n_dirs > 1 && !list.in_disk_order)
		return err_set(
			e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			"%s takes the first of several BOOT.CSV in the order of the file system, which a directory does not tell: use a disk image, or name the loader with --boot",
			fallback);
	/* An option that exists already goes behind the new ones, the last such one before the others. */
	if (o.n > 1)
		r = walk_assume(w, "boot-options", "none of those that shim's fallback makes existed before",
				NULL, e);
	if (r == 0)
		r = say(shim, fallback, &o.first, e);
	*ret = o.first;
	return r;
}
