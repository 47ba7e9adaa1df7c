/*
 * Files beside a UKI that systemd-stub wraps into cpio archives: credentials, system extensions,
 * configuration extensions. Source: systemd stub.c, generate_sidecar_initrds() and pack_cpio(), 252 to 262.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <strings.h>

#include "predict/cpio.h"
#include "predict/stub.h"

enum { NAME_MAX_LINUX = 255 }; /* bytes: longer names could not be unpacked by Linux */

enum scope { OWN, GLOBAL };

/* In the order in which they are measured, which is the order in which they stand in the initrd. */
static const struct archive {
	enum scope scope;
	const char *global_dir;
	const char *suffix;
	const char *target;
	uint32_t dir_mode, file_mode;
	uint32_t pcr;
	const char *text; /* the event's */
	enum { ALWAYS, SYSEXT, CONFEXT } kind;
} archives[] = {
	{ OWN, NULL, ".cred", ".extra/credentials", 0500, 0400, 12, "Credentials initrd", ALWAYS },
	{ GLOBAL, "\\loader\\credentials", ".cred", ".extra/global_credentials", 0500, 0400, 12,
	  "Global credentials initrd", ALWAYS },
	{ OWN, NULL, ".raw", ".extra/sysext", 0555, 0444, 13, "System extension initrd", SYSEXT },
	{ GLOBAL, "\\loader\\extensions", ".raw", ".extra/global_sysext", 0555, 0444, 13,
	  "Global system extension initrd", SYSEXT },
	{ OWN, NULL, ".confext.raw", ".extra/confext", 0555, 0444, 12, "Configuration extension initrd",
	  CONFEXT },
	{ GLOBAL, "\\loader\\extensions", ".confext.raw", ".extra/global_confext", 0555, 0444, 12,
	  "Global configuration extension initrd", CONFEXT },
};

int stub_part_add(struct stub_run *run, struct part_list *list, const char *name, const struct blob *bytes,
		  struct pcrcast_error *e)
{
	struct initrd_part *p = pool_push(run->w->pool, &list->items, &list->n, &list->cap, sizeof *p);

	if (!p || !name)
		return err_nomem(e);
	*p = (struct initrd_part){ name, *bytes };
	return 0;
}

static bool ends_with(const char *name, const char *suffix)
{
	size_t n = strlen(name), k = strlen(suffix);

	return n >= k && strcasecmp(name + n - k, suffix) == 0; /* names are ASCII here */
}

static bool is_ascii(const char *name)
{
	for (; *name; name++)
		if ((unsigned char)*name >= 0x80)
			return false;
	return true;
}

static int by_name(const void *a, const void *b)
{
	/* ASCII: bytes compare as UTF-16 code units do (systemd's strcmp16). */
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int stub_list_files(struct stub_run *run, const char *dir, const char *suffix, const char *not_suffix,
		    const char *const **ret, size_t *ret_n, struct pcrcast_error *e)
{
	struct tree_list list;
	const char **names = NULL;
	size_t n = 0;

	*ret = NULL;
	*ret_n = 0;
	if (run->start->alone)
		return 0;
	int r = tree_list_dir(run->start->volume, dir, &list, e);
	if (r == -PCRCAST_ENOTFOUND)
		return 0;
	if (r < 0)
		return r;
	names = pool_array(run->w->pool, list.n, sizeof *names);
	if (!names)
		return err_nomem(e);
	for (size_t i = 0; i < list.n; i++) {
		const char *name = list.entries[i].name;

		if (name[0] == '.' || list.entries[i].is_dir || !is_ascii(name) ||
		    strlen(name) > NAME_MAX_LINUX)
			continue;
		if (!ends_with(name, suffix) || (not_suffix && ends_with(name, not_suffix)))
			continue;
		names[n++] = name;
	}
	qsort(names, n, sizeof *names, by_name);
	*ret = names;
	*ret_n = n;
	return 0;
}

static int pack(struct stub_run *run, const struct archive *a, const char *dir, const char *const *names,
		size_t n, struct blob *ret, bool *ret_packed, struct pcrcast_error *e)
{
	struct cpio cpio = cpio_begin(run->w->pool, 1);
	int r = cpio_add_dirs(&cpio, a->target, a->dir_mode, e);

	*ret_packed = false;
	for (size_t i = 0; r == 0 && i < n; i++) {
		char *path = pool_printf(run->w->pool, "%s\\%s", dir, names[i]);
		struct blob content;

		r = path ? tree_open_file(run->start->volume, path, &content, NULL, e) : err_nomem(e);
		if (r < 0)
			return r;
		r = cpio_add_file(&cpio, a->target, names[i], a->file_mode, &content, e);
		if (r == -PCRCAST_ELIMIT) {
			/* The stub then gives the whole archive up: nothing is passed and nothing measured. */
			return walk_note(
				run->w,
				pool_printf(
					run->w->pool,
					"%s is 4 GiB or larger: systemd-stub passes none of the %s files in %s",
					path, a->suffix, dir),
				e);
		}
	}
	if (r == 0)
		r = cpio_end(&cpio, ret, e);
	*ret_packed = r == 0;
	return r;
}

static int add_archive(struct stub_run *run, const struct archive *a, struct pcrcast_error *e)
{
	const char *dir = a->scope == GLOBAL ? a->global_dir : run->extra_dir;
	const char *const *names;
	struct blob bytes;
	struct utf16 text;
	bool packed;
	size_t n;

	/* Before configuration extensions had an archive of their own, *.raw was all of them. */
	int r = stub_list_files(run, dir, a->suffix,
				a->kind == SYSEXT && run->rules->confext ? ".confext.raw" : NULL, &names, &n,
				e);
	if (r < 0 || n == 0)
		return r;
	r = pack(run, a, dir, names, n, &bytes, &packed, e);
	if (r < 0 || !packed)
		return r;
	r = utf16_of_utf8(run->w->pool, a->text, &text, e);
	if (r < 0)
		return r;
	char *what = pool_printf(run->w->pool, "%s: %zu file%s", a->text, n, n == 1 ? "" : "s");
	char *from = pool_printf(run->w->pool, "%s\\*%s", dir, a->suffix);
	if (!what || !from)
		return err_nomem(e);
	r = walk_ipl(run->w, a->pcr, text, &bytes, (struct event_text){ what, from }, e);
	return r < 0 ? r : stub_part_add(run, &run->archives, a->text, &bytes, e);
}

int stub_companions(struct stub_run *run, struct pcrcast_error *e)
{
	for (size_t i = 0; i < sizeof archives / sizeof archives[0]; i++) {
		const struct archive *a = &archives[i];
		int r;

		if (a->kind == CONFEXT && !run->rules->confext)
			continue;
		if (a->scope == GLOBAL && a->kind != ALWAYS && !run->rules->global_extensions)
			continue;
		r = add_archive(run, a, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int stub_literal(struct stub_run *run, const char *name, uint32_t mode, const struct blob *bytes,
		 struct part_list *to, struct pcrcast_error *e)
{
	struct cpio cpio = cpio_begin(run->w->pool, 1);
	struct blob archive;
	int r = cpio_add_dirs(&cpio, ".extra", 0555, e);

	if (r == 0)
		r = cpio_add_file(&cpio, ".extra", name, mode, bytes, e);
	if (r == 0)
		r = cpio_end(&cpio, &archive, e);
	return r < 0 ? r : stub_part_add(run, to, pool_printf(run->w->pool, ".extra/%s", name), &archive, e);
}
