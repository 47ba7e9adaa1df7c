/*
 * GRUB as a stage of the boot: from its embedded prefix and configuration to what it starts.
 *
 * Source: GRUB 2.06 and 2.12, grub-core/kern/main.c. What is embedded is run by the rescue parser, which measures
 * nothing; it usually enters normal mode with a file.
 */
#include "predict/grub.h"

/*
 * A prefix that names a device, which is the first root too. "(,gpt2)/boot/grub", as grub-install embeds it, and "()/…" leave
 * out the disk, which is the one that the image is on.
 */
static int split_prefix(struct grub *g, const char **ret_root, const char **ret, struct pcrcast_error *e)
{
	const char *prefix = g->image.prefix, *end = strchr(prefix, ')');
	const char *own = g->devices[0].name;
	int disk = (int)strcspn(own, ",");

	if (!end)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "%s: expected a \")\" in the embedded prefix, found %s", g->image.shown,
			       prefix);
	if (prefix[1] == ',' || prefix[1] == ')')
		*ret_root = pool_printf(g->pool, "%.*s%.*s", disk, own, (int)(end - prefix - 1), prefix + 1);
	else
		*ret_root = pool_text(g->pool, prefix + 1, (size_t)(end - prefix - 1));
	*ret = *ret_root ? pool_printf(g->pool, "(%s)%s", *ret_root, end + 1) : NULL;
	return *ret ? 0 : err_nomem(e);
}

/* Variables that are set before a configuration runs. */
static int set_variables(struct grub *g, struct pcrcast_error *e)
{
	static const char *const features[] = {
		"feature_chainloader_bpb",        "feature_ntldr",
		"feature_platform_search_hint",   "feature_default_font_path",
		"feature_all_video_module",       "feature_menuentry_id",
		"feature_menuentry_options",      "feature_200_final",
		"feature_nativedisk_cmd",         "feature_timeout_style",
		"feature_search_cryptodisk_only", "feature_tpm_cap_pcrs",
		"feature_tpm2_cap_pcrs",          "feature_gcry_hw_accel",
	};
	const char *dev = g->devices[0].name, *dir = g->start->path;
	char *path = pool_printf(g->pool, "(%s)%s", dev, dir);
	int r = 0;

	if (!path)
		return err_nomem(e);
	for (char *p = path; *p; p++)
		if (*p == '\\')
			*p = '/';
	*strrchr(path, '/') = 0;
	const char *root = dev, *prefix = g->image.prefix;
	if (prefix && *prefix == '(')
		r = split_prefix(g, &root, &prefix, e);
	else if (prefix)
		prefix = pool_printf(g->pool, "(%s)%s", dev, prefix);
	else /* then it is where the image is */
		prefix = path;
	if (r < 0)
		return r;
	const char *const fixed[][2] = { { "grub_cpu", g->image.arch },
					 { "grub_platform", "efi" },
					 { "root", root },
					 { "cmdpath", path },
					 { "fw_path",
					   g->image.rules && g->image.rules->redhat ? path : NULL },
					 { "color_normal", "light-gray/black" },
					 { "color_highlight", "black/light-gray" } };
	for (size_t i = 0; r == 0 && i < sizeof fixed / sizeof fixed[0]; i++) {
		if (!fixed[i][1])
			continue;
		r = grub_set(g, fixed[i][0], grub_text(fixed[i][1]), e);
		if (r == 0)
			r = grub_export(g, fixed[i][0], e);
	}
	/* normal.mod names those that it sets. */
	for (size_t i = 0; r == 0 && i < sizeof features / sizeof features[0]; i++)
		if (grub_image_mentions(&g->image, features[i])) {
			r = grub_set(g, features[i], grub_text("y"), e);
			if (r == 0)
				r = grub_export(g, features[i], e);
		}
	if (r == 0)
		r = grub_set(g, "prefix", grub_text(prefix), e);
	return r < 0 ? r : grub_export(g, "prefix", e);
}

/* A tree that lives as long as the walk. */
static struct tree **new_tree(struct grub *g)
{
	struct walk *w = g->w;

	return pool_push(w->pool, &w->trees, &w->n_trees, &w->cap_trees, sizeof(struct tree *));
}

/* "hd0,gpt2:UUID:/boot": what the user says is on another partition. */
static int add_volume(struct grub *g, const char *text, struct pcrcast_error *e)
{
	const char *uuid = strchr(text, ':'), *dir = uuid ? strchr(uuid + 1, ':') : NULL;

	if (!dir || g->n_devices >= GRUB_DEVICES_MAX - 1) /* one is left for the memory disk */
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "--grub-volume %s: expected DEVICE:UUID:DIRECTORY, and at most %d of them",
			       text, GRUB_DEVICES_MAX - 2);
	struct grub_device d = { .name = pool_text(g->pool, text, (size_t)(uuid - text)) };
	struct tree **place = new_tree(g);
	if (!place || !d.name)
		return err_nomem(e);
	*place = NULL;
	if (dir > uuid + 1)
		d.uuid = pool_text(g->pool, uuid + 1, (size_t)(dir - uuid - 1));
	if (grub_device_find(g, d.name))
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "--grub-volume %s: there is a %s already", text, d.name);
	int r = tree_open_directory(dir + 1, place, e);
	if (r < 0)
		return r;
	d.tree = *place;
	d.may_tell_case = true;
	g->w->used |= OPTION_GRUB_VOLUME;
	g->devices[g->n_devices++] = d;
	return 0;
}

/* One of the file systems that images are built with: FAT, squashfs, tar or cpio. */
static int open_memdisk(const struct blob *bytes, struct tree **ret, struct pcrcast_error *e)
{
	static const char shown[] = "GRUB's memory disk";
	uint8_t magic[4] = { 0 };

	if (bytes->len >= sizeof magic && blob_read(bytes, 0, magic, sizeof magic, e) == 0 &&
	    memcmp(magic, "hsqs", 4) == 0)
		return tree_open_squashfs(bytes, shown, ret, e);
	int r = tree_open_fat(bytes, shown, ret, e);
	return r == 0 || r == -PCRCAST_ENOMEM ? r : tree_open_archive(bytes, shown, ret, e);
}

static int add_devices(struct grub *g, struct pcrcast_error *e)
{
	struct pcrcast_error why;
	uint32_t number = g->w->img->esp_number;
	const char *name = pool_printf(g->pool, "hd0,gpt%u", number ? number : 1);

	if (!name)
		return err_nomem(e);
	struct grub_device *esp = &g->devices[g->n_devices++];
	*esp = (struct grub_device){ .name = name, .tree = g->start->volume };
	uint32_t id;
	if (tree_volume_id(g->start->volume, &id))
		esp->uuid = pool_printf(g->pool, "%04X-%04X", id >> 16, id & 0xffff);
	int r = walk_assume(g->w, "grub-device", name, NULL, e);
	for (size_t i = 0; r == 0 && i < g->w->opt->n_grub_volumes; i++)
		r = add_volume(g, g->w->opt->grub_volumes[i], e);
	if (r < 0 || !g->image.has_memdisk)
		return r;
	struct grub_device memdisk = { .name = "memdisk", .unmeasured = true, .may_tell_case = true };
	struct tree **place = new_tree(g);
	if (!place)
		return err_nomem(e);
	*place = NULL;
	r = open_memdisk(&g->image.memdisk, place, &why);
	if (r == -PCRCAST_ENOMEM)
		return err_nomem(e);
	if (r < 0) {
		memdisk.why = pool_printf(g->pool, "%s", why.msg);
		if (!memdisk.why)
			return err_nomem(e);
	}
	memdisk.tree = *place;
	g->devices[g->n_devices++] = memdisk;
	return 0;
}

/*
 * The embedded configuration. The rescue parser runs one line at a time and knows neither branches nor blocks, and
 * measures no commands, but the files that they open.
 */
static int run_embedded(struct grub *g, struct pcrcast_error *e)
{
	static const char *const followed[] = { "set",         "search",          "search.fs_uuid",
						"search.file", "search.fs_label", "insmod",
						"configfile",  "normal" };
	struct slice rest = g->image.config, line, word;
	struct grub_args none = { 0 };
	struct grub_result res;
	int r = 0;

	g->quiet = true;
	while (r == 0 && !g->stopped && !g->booted && slice_line(&rest, &line)) {
		struct slice tail = line;
		bool known = line.n == 0 || *line.p == '#';

		if (!slice_split(&tail, ' ', &word))
			word = line;
		for (size_t i = 0; i < sizeof followed / sizeof followed[0]; i++)
			known = known || slice_equal_string(word, followed[i]);
		g->line++;
		if (!known)
			return grub_stop(g, "its embedded configuration has commands that are not followed",
					 NULL, e);
		uint32_t at = g->line;
		r = grub_run_text(g, line, &res, e);
		g->line = at;
	}
	if (r < 0 || g->stopped || g->booted)
		return r;
	return grub_cmd_normal(g, &none, &res, e);
}

int stage_grub(struct walk *w, const struct start *s, struct pcrcast_error *e)
{
	struct grub g = { .w = w, .pool = w->pool, .start = s, .file = s->path };
	struct grub_context first = { 0 };
	int r = grub_image_read(w, s, &g.image, e);

	g.context = &first;
	if (r == 0)
		r = add_devices(&g, e);
	g.measures = grub_module_there(&g, "tpm");
	/* Red Hat's 2.12 since Fedora 45 and RHEL 10: configure --with-pcr8-disabled leaves out PCR 8, for which the module has this. */
	if (r == 0 && g.measures && grub_image_mentions(&g.image, "grub_tpm_disable_pcr"))
		r = walk_unknown(w, 8, "whether this build of GRUB measures commands is not known", NULL, e);
	if (r == 0)
		r = set_variables(&g, e);
	if (r == 0 && !g.stopped)
		r = run_embedded(&g, e);
	return r;
}
