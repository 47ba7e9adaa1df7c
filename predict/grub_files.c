/*
 * The files that GRUB opens, and what it measures of them. Source: GRUB 2.06 and 2.12, grub-core/kern/file.c,
 * verifiers.c and commands/tpm.c.
 */
#include "predict/grub.h"

/* EV_IPL whose data is text with its NUL. */
static int ipl(struct grub *g, uint32_t pcr, const char *data, const struct blob *hashed,
	       struct event_text text, struct pcrcast_error *e)
{
	return walk_event(g->w, pcr, EV_IPL, (struct slice){ (const uint8_t *)data, strlen(data) + 1 },
			  hashed, text, e);
}

int grub_measure_string(struct grub *g, const char *prefix, struct grub_value v, struct pcrcast_error *e)
{
	struct event_text text = { "command run by GRUB", pool_printf(g->pool, "%s:%u", g->file, g->line) };
	struct blob hashed;

	if (!g->measures || g->quiet)
		return 0;
	if (strcmp(prefix, "kernel_cmdline: ") == 0)
		text.description = "kernel command line built by GRUB";
	if (v.why)
		return walk_event_unknown(g->w, 8, EV_IPL, text, grub_where(g, v.why), NULL, e);
	const char *data = pool_printf(g->pool, "%s%s", prefix, v.s);
	if (!data)
		return err_nomem(e);
	g->bytes += strlen(data);
	int r = blob_of_bytes(g->pool, slice_of_string(v.s), &hashed, e);
	return r < 0 ? r : ipl(g, 8, data, &hashed, text, e);
}

struct grub_device *grub_device_find(struct grub *g, const char *name)
{
	for (size_t i = 0; i < g->n_devices; i++)
		if (strcmp(g->devices[i].name, name) == 0)
			return &g->devices[i];
	return NULL;
}

/* Device and path of a name; without a device it is that of $root. */
static int split_name(struct grub *g, const char *name, struct grub_file *f, struct pcrcast_error *e)
{
	struct grub_value device;

	f->name = f->path = name;
	if (*name == '(') {
		const char *end = strchr(name, ')');

		if (!end) {
			f->found = GRUB_ABSENT;
			return 0;
		}
		device = grub_text(pool_text(g->pool, name + 1, (size_t)(end - name - 1)));
		f->path = end + 1;
	} else {
		device = grub_get(g, "root");
	}
	if (device.why) {
		f->why = device.why;
		return 0;
	}
	if (!device.s || !*device.s) {
		f->found = GRUB_ABSENT;
		return 0;
	}
	f->device = grub_device_find(g, device.s);
	if (f->device && f->device->why)
		f->why = f->device->why;
	else if (!f->device || !f->device->tree)
		f->why = pool_printf(g->pool, "%s is on (%s), which is not in the image and no --grub-volume",
				     f->path, device.s);
	else if (*f->path != '/' && *f->path)
		f->why = pool_printf(g->pool, "%s is no path from the root of a file system", name);
	else
		return 0;
	return f->why ? 0 : err_nomem(e);
}

/* A path as the tree stores it, but for how many slashes there are. */
static bool same_spelling(const char *path, const char *stored)
{
	for (; *path || *stored; path++, stored++) {
		while (path[0] == '/' && (path[1] == '/' || (!path[1] && !*stored)))
			path++;
		if (*path != (*stored == '\\' ? '/' : *stored))
			return false;
	}
	return true;
}

/* In a tree: GRUB takes several slashes for one. */
static int find_in_tree(struct grub *g, struct grub_file *f, struct pcrcast_error *e)
{
	struct pcrcast_error why = { 0 };
	struct tree_list ignored;
	const char *stored = NULL;
	int r = tree_open_file(f->device->tree, f->path, &f->content, &stored, &why);

	if (r == 0 && f->device->may_tell_case && !same_spelling(f->path, stored)) {
		f->why = pool_printf(g->pool, "whether %s is the file %s depends on the file system", f->path,
				     stored);
		return f->why ? 0 : err_nomem(e);
	}
	if (r == -PCRCAST_ENOTFOUND) {
		r = tree_list_dir(f->device->tree, *f->path ? f->path : "/", &ignored, &why);
		f->is_dir = r == 0;
	}
	if (r == -PCRCAST_ENOTFOUND) {
		f->found = GRUB_ABSENT;
		return 0;
	}
	if (r == -PCRCAST_EUNSUPPORTED) {
		f->why = pool_printf(g->pool, "%s", why.msg);
		return f->why ? 0 : err_nomem(e);
	}
	if (r < 0 && e)
		*e = why;
	if (r == 0)
		f->found = GRUB_FOUND;
	return r;
}

int grub_find_file(struct grub *g, struct grub_value name, struct grub_file *ret, struct pcrcast_error *e)
{
	struct grub_file f = { .found = GRUB_NOT_KNOWN, .why = name.why, .name = "?", .path = "?" };
	int r = 0;

	if (!name.why)
		r = split_name(g, name.s, &f, e);
	if (r == 0 && f.found == GRUB_NOT_KNOWN && !f.why)
		r = find_in_tree(g, &f, e);
	if (r == 0)
		*ret = f;
	return r;
}

int grub_open_file(struct grub *g, struct grub_value name, struct grub_file *ret, struct pcrcast_error *e)
{
	struct event_text text = { "file opened by GRUB", NULL };
	int r = grub_find_file(g, name, ret, e);

	if (r == 0 && ret->found == GRUB_FOUND && ret->is_dir)
		ret->found = GRUB_ABSENT;
	if (r < 0 || !g->measures || ret->found == GRUB_ABSENT || (ret->device && ret->device->unmeasured))
		return r;
	text.source = ret->name;
	if (ret->found == GRUB_NOT_KNOWN)
		return walk_event_unknown(g->w, 9, EV_IPL, text, grub_where(g, ret->why), NULL, e);
	return ipl(g, 9, ret->name, &ret->content, text, e);
}
