/*
 * The commands blscfg and uki: entries of the Boot Loader Specification, and UKIs, become entries of the menu. Sources:
 * grub_bls.h.
 *
 * Each file is opened through the verifiers, and so measured, while the directory is read: in the order in which it is on disk.
 * The order of the menu is that of the names. Nothing of the entries is measured until one of them runs.
 */
#include "predict/grub_bls.h"

enum {
	ENTRIES_MAX = 256,
	ENTRY_TEXT_MAX = 1 << 20,
	READ_MAX =
		64
		<< 20, /* bytes of the run, so that 256 large entries do not fill memory; real ones have 1 KiB each */
};

int grub_bls_stop(struct bls_run *b, const char *name, const char *why)
{
	const char *text = pool_printf(b->g->pool, "(%s)%s/%s: %s", b->device, b->dir, name, why);

	return text ? grub_stop(b->g, text, NULL, b->e) : err_nomem(b->e);
}

/* ---- the list ---- */

static int compare(enum bls_kind kind, const struct grub_bls_entry *x, const struct grub_bls_entry *y)
{
	return kind == BLS_REDHAT ? grub_compare_packages(x->name, y->name) :
				    grub_compare_files(x->name, y->name);
}

/* Before the first that it is newer than; not at all when there is one of the same version before that. */
static int insert(struct bls_run *b, struct grub_bls_entry *entry, bool in_order)
{
	struct grub_bls_list *list = &b->g->bls;
	size_t at = 0;

	for (; at < list->n; at++) {
		int c = compare(b->kind, entry, list->entries[at]);

		if (c == 0 && !in_order && strcmp(entry->name, list->entries[at]->name) != 0)
			return grub_bls_stop(
				b, entry->name,
				"which of two entries with the same version GRUB takes depends on the "
				"order in the file system");
		if (c == 0)
			return 0;
		if (c > 0)
			break;
	}
	struct grub_bls_entry **place =
		pool_push(b->g->pool, &list->entries, &list->n, &list->cap, sizeof *place);
	if (!place)
		return err_nomem(b->e);
	memmove(list->entries + at + 1, list->entries + at, (list->n - 1 - at) * sizeof *place);
	list->entries[at] = entry;
	return 0;
}

/* ---- files ---- */

static bool wanted(enum bls_kind kind, const char *name)
{
	const char *ending = kind == BLS_UKI ? ".efi" : ".conf";
	size_t n = strlen(name), m = strlen(ending);

	if (kind == BLS_REDHAT && (*name == '.' || n == m))
		return false;
	return n >= m && strcmp(name + n - m, ending) == 0;
}

/*
 * GRUB makes names without a long name small. ".conf" is long, but of "LINUX.EFI" the list does not say which kind it is.
 */
static bool may_be_short(const char *name)
{
	const char *dot = strchr(name, '.');
	bool upper = false;

	for (const char *p = name; *p; p++)
		upper = upper || (*p >= 'A' && *p <= 'Z');
	return upper && dot && dot - name <= 8 && strlen(dot) <= 4;
}

/* How a file is measured while its directory is read. */
static int open_entry(struct bls_run *b, const char *path, bool in_order, struct grub_file *ret)
{
	static const char why[] =
		"the order in which GRUB comes upon several entries is that of the file system, of which a "
		"directory does not tell";
	struct grub *g = b->g;

	if (in_order)
		return grub_open_file(g, grub_text(path), ret, b->e);
	int r = grub_find_file(g, grub_text(path), ret, b->e);
	if (r < 0 || !g->measures || (ret->device && ret->device->unmeasured))
		return r;
	return walk_event_unknown(g->w, 9, EV_IPL, (struct event_text){ "file opened by GRUB", path },
				  grub_where(g, why), NULL, b->e);
}

static int parse(struct bls_run *b, const struct grub_file *f, struct grub_bls_entry *entry, const char **why)
{
	struct slice text;

	if (b->kind == BLS_UKI)
		return grub_bls_parse_uki(b->g, &f->content, entry, why, b->e);
	int r = blob_load(b->g->pool, &f->content, ENTRY_TEXT_MAX, &text, b->e);
	b->g->bytes += r == 0 ? 4 * text.n : 0; /* with the copy that is cut up, and the pieces */
	return r < 0 ? err_wrap(b->e, "%s", f->name) :
		       grub_bls_parse(b->g, b->kind == BLS_REDHAT, text, entry, why, b->e);
}

static int read_entry(struct bls_run *b, const char *file, bool in_order)
{
	struct grub *g = b->g;
	struct grub_bls_entry *entry = pool_new(g->pool, struct grub_bls_entry);
	const char *path = pool_printf(g->pool, "(%s)%s/%s", b->device, b->dir, file), *why = NULL;
	size_t n = strlen(file);
	struct grub_file f;

	if (!entry || !path)
		return err_nomem(b->e);
	*entry = (struct grub_bls_entry){ .device = b->device, .dir = b->dir, .name = file };
	if (b->kind == BLS_REDHAT)
		entry->name = pool_text(g->pool, file, n - 5);
	if (!entry->name)
		return err_nomem(b->e);
	int r = open_entry(b, path, in_order, &f);
	if (r < 0)
		return r;
	if (f.found != GRUB_FOUND)
		return grub_bls_stop(b, file, f.why ? f.why : "GRUB cannot open it");
	r = parse(b, &f, entry, &why);
	if (r < 0)
		return r;
	return why ? grub_bls_stop(b, file, why) : insert(b, entry, in_order);
}

/* In an order that is not known no two entries may change places. */
static int check_order(struct bls_run *b)
{
	const struct grub_bls_list *list = &b->g->bls;

	for (size_t i = 0; i < list->n; i++)
		for (size_t j = i + 1; j < list->n; j++)
			if (compare(b->kind, list->entries[i], list->entries[j]) <= 0)
				return grub_bls_stop(
					b, list->entries[j]->name,
					"its place in the menu depends on the order in the file system");
	return 0;
}

static int read_list(struct bls_run *b, const struct tree_list *list)
{
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < list->n; i++)
		n += wanted(b->kind, list->entries[i].name);
	bool in_order = list->in_disk_order || n < 2;
	if (n > ENTRIES_MAX)
		return grub_stop(b->g, "there are more entries of blscfg than are followed", NULL, b->e);
	for (size_t i = 0; r == 0 && !b->g->stopped && i < list->n; i++) {
		const char *name = list->entries[i].name;

		if (!wanted(b->kind, name))
			continue;
		if (b->g->bytes > READ_MAX)
			r = grub_bls_stop(b, name, "the entries before it are longer than is followed");
		else if (list->entries[i].is_dir)
			r = grub_bls_stop(b, name, "it is a directory with the name of an entry");
		else if (may_be_short(name))
			r = grub_bls_stop(b, name, "how GRUB spells a short name in capitals is not known");
		else
			r = read_entry(b, name, in_order);
	}
	return r < 0 || in_order || b->g->stopped ? r : check_order(b);
}

/* *ret false: there is no such directory. */
static int read_dir(struct bls_run *b, bool *ret)
{
	struct grub_file f;
	struct tree_list list;
	const char *name = pool_printf(b->g->pool, "(%s)%s", b->device, b->dir);

	*ret = false;
	if (!name)
		return err_nomem(b->e);
	int r = grub_find_file(b->g, grub_text(name), &f, b->e);
	if (r < 0)
		return r;
	if (f.found == GRUB_NOT_KNOWN)
		return grub_stop(b->g, f.why, NULL, b->e);
	if (f.found == GRUB_ABSENT || !f.is_dir)
		return 0;
	*ret = true;
	r = tree_list_dir(f.device->tree, *f.path ? f.path : "/", &list, b->e);
	return r < 0 ? r : read_list(b, &list);
}

/* ---- the commands ---- */

/* Device and directory of "(DEVICE)DIRECTORY", or of a directory alone. False: neither. */
static bool split_path(struct bls_run *b, const char *path)
{
	const char *end = *path == '(' ? strchr(path, ')') : NULL;

	if (*path == '/') {
		b->dir = path;
		return true;
	}
	if (!end || !end[1])
		return false;
	b->device = pool_text(b->g->pool, path + 1, (size_t)(end - path - 1));
	b->dir = end + 1;
	return b->device;
}

static bool is_file(const char *path, const char *ending)
{
	size_t n = strlen(path), m = strlen(ending);

	return n >= m && strcmp(path + n - m, ending) == 0;
}

/* The device that root names. False: the run has stopped. */
static bool take_root(struct bls_run *b, int *ret)
{
	struct grub_value root = grub_get(b->g, "root");

	*ret = 0;
	b->device = root.s;
	if (root.s && *root.s && !root.why)
		return true;
	*ret = grub_stop(b->g, root.why ? root.why : "the variable root is not set", NULL, b->e);
	return false;
}

/* Without a path, what is in $blsdir or /loader/entries/, else below /boot; entries stay for the next call. */
static int redhat_load(struct bls_run *b, const char *path)
{
	struct grub_value dir = grub_get(b->g, "blsdir");
	bool there;
	int r;

	if (dir.why)
		return grub_stop(b->g, dir.why, NULL, b->e);
	b->dir = dir.s ? dir.s : "/loader/entries/";
	if (path && (is_file(path, ".conf") || !split_path(b, path)))
		return grub_stop(b->g, "blscfg with the name of a file is not followed", NULL, b->e);
	if (!path && !take_root(b, &r))
		return r;
	r = read_dir(b, &there);
	if (r < 0 || b->g->stopped || there || path)
		return r;
	b->dir = "/boot/loader/entries/";
	return read_dir(b, &there);
}

static int run_redhat(struct grub *g, const struct grub_args *a, struct grub_result *res,
		      struct pcrcast_error *e)
{
	struct bls_run b = { .g = g, .kind = BLS_REDHAT, .e = e };
	struct bls_show show = { .default_entry = true, .others = true };
	const char *path = NULL;

	*res = (struct grub_result){ GRUB_OK, NULL };
	/* 2.02 of RHEL 8 sorts and writes entries otherwise. */
	if (!g->image.rules || !g->image.rules->redhat)
		return grub_stop(g, "how this build of GRUB reads entries of blscfg is not known", NULL, e);
	if (g->bls.n && g->bls.context != g->context)
		return grub_stop(g, "blscfg runs again in another menu", NULL, e);
	if (a->n == 1 && a->v[0].why)
		return grub_stop(g, a->v[0].why, NULL, e);
	if (a->n == 1) {
		const char *s = a->v[0].s;

		path = *s == '(' ? s : NULL;
		show.others = path || strcmp(s, "non-default") == 0;
		show.default_entry = path || strcmp(s, "default") == 0;
		if (!show.others && !show.default_entry)
			show.id = a->v[0];
	}
	g->bls.context = g->context;
	int r = redhat_load(&b, path);
	return r < 0 || g->stopped ? r : grub_bls_create(&b, &show);
}

static int upstream_load(struct bls_run *b, const struct grub_value *path, bool fallback)
{
	bool uki = b->kind == BLS_UKI, there;
	const char *usual = uki ? "/EFI/Linux" : "/loader/entries/";
	int r = 0;

	b->g->bls = (struct grub_bls_list){ 0 };
	b->dir = usual;
	b->device = b->g->devices[0].name; /* where GRUB's image is */
	if (path && path->why)
		return grub_stop(b->g, path->why, NULL, b->e);
	if (path && path->s && is_file(path->s, uki ? ".efi" : ".conf"))
		return grub_stop(b->g, "blscfg with the name of a file is not followed", NULL, b->e);
	if (!uki && !(path && path->s && *path->s == '(') && !take_root(b, &r))
		return r;
	if (path && path->s && !split_path(b, path->s) && *path->s == '(')
		return grub_stop(b->g, "the path of blscfg names no directory", NULL, b->e);
	r = read_dir(b, &there);
	if (r < 0 || b->g->stopped || b->g->bls.n || !fallback)
		return r;
	/* Red Hat's copy of it looks on the device that it would take without a path. */
	if (b->g->image.rules && b->g->image.rules->redhat)
		return grub_stop(b->g, "where blscfg looks at last depends on the build of GRUB", NULL, b->e);
	b->dir = usual;
	return read_dir(b, &there);
}

static int run_upstream(struct grub *g, const struct grub_args *a, enum bls_kind kind,
			struct grub_result *res, struct pcrcast_error *e)
{
	static const struct grub_option table[] = {
		{ "path", 'p', TAKES_VALUE },           { "enable-fallback", 'f', TAKES_NOTHING },
		{ "show-default", 'd', TAKES_NOTHING }, { "show-non-default", 'n', TAKES_NOTHING },
		{ "entry", 'e', TAKES_VALUE },
	};
	struct bls_run b = { .g = g, .kind = kind, .e = e };
	struct grub_options o;
	bool ok;
	int r = grub_take_options(g, table, sizeof table / sizeof table[0], false, a, &o, &ok, e);

	*res = (struct grub_result){ GRUB_FAILED, NULL };
	if (r < 0 || !ok || o.rest.n)
		return r;
	if (o.values[4].why)
		return grub_stop(g, o.values[4].why, NULL, e);
	bool all = !o.given[2] && !o.given[3] && !o.given[4];
	struct bls_show show = { .default_entry = all || o.given[2],
				 .others = all || o.given[3],
				 .id = o.values[4] };
	res->code = GRUB_OK;
	r = upstream_load(&b, o.given[0] ? &o.values[0] : NULL, o.given[1]);
	return r < 0 || g->stopped ? r : grub_bls_create(&b, &show);
}

/* Fedora 44 has both modules, and its blsuki leaves this command to the other. */
int grub_cmd_blscfg(struct grub *g, const struct grub_args *a, struct grub_result *res,
		    struct pcrcast_error *e)
{
	if (grub_module_there(g, "blscfg"))
		return run_redhat(g, a, res, e);
	return run_upstream(g, a, BLS_UPSTREAM, res, e);
}

/* With Secure Boot each UKI that is looked at is verified: not worked out. */
int grub_cmd_uki(struct grub *g, const struct grub_args *a, struct grub_result *res, struct pcrcast_error *e)
{
	if (g->w->opt->secure_boot)
		return grub_stop(
			g, "who verifies and measures UKIs that GRUB lists with Secure Boot differs by build",
			NULL, e);
	return run_upstream(g, a, BLS_UKI, res, e);
}
