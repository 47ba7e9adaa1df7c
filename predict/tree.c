#define _GNU_SOURCE
#include "predict/tree_impl.h"

#include <stdlib.h>
#include <string.h>

enum {
	/* EDK2's FatFileNameIsValid: names have at most 255 UTF-16 code units (EFI_FILE_STRING_LENGTH). */
	MAX_NAME_UNITS = 255,
	/* EDK2's FatLocateOFile: "X:", path and NUL have to fit EFI_PATH_STRING_LENGTH, which is 260. */
	MAX_PATH_UNITS = 257,
};

int tree_new(const struct tree_ops *ops, const char *shown, size_t ctx_size, struct tree **ret,
	     struct pcrcast_error *e)
{
	struct tree *t = calloc(1, sizeof *t);

	if (!t)
		return err_nomem(e);
	t->ops = ops;
	t->ctx = pool_array(&t->pool, 1, ctx_size);
	t->shown = pool_text(&t->pool, shown, strlen(shown));
	t->root.entry = (struct tree_entry){ .name = "", .is_dir = true };
	t->root.path = "\\";
	if (!t->ctx || !t->shown) {
		pool_done(&t->pool);
		free(t);
		return err_nomem(e);
	}
	*ret = t;
	return 0;
}

void tree_free(struct tree *t)
{
	if (!t)
		return;
	if (t->ops->close)
		t->ops->close(t);
	for (size_t i = 0; i < t->n_replacements; i++)
		source_close(t->replacements[i]);
	pool_done(&t->pool);
	free(t);
}

int tree_check(struct tree *t, struct pcrcast_error *e)
{
	int r = t->ops->check ? t->ops->check(t, e) : 0;

	for (size_t i = 0; r == 0 && i < t->n_replacements; i++)
		r = source_check(t->replacements[i], e);
	return r;
}

int tree_add(struct tree *t, struct tree_node *parent, struct tree_dir *dir, const char *name,
	     struct tree_node **ret, struct pcrcast_error *e)
{
	if (t->n_nodes == TREE_MAX_NODES)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "more than the %d names that are read of one file system", TREE_MAX_NODES);
	struct tree_node *node = pool_push(&t->pool, &dir->nodes, &dir->n, &dir->cap, sizeof *node);
	if (!node)
		return err_nomem(e);
	t->n_nodes++;
	node->entry.name = name;
	node->parent = parent;
	*ret = node;
	return 0;
}

const char *tree_path_of(struct tree *t, struct tree_node *node)
{
	if (!node->path) {
		const char *above = node->parent->parent ? tree_path_of(t, node->parent) : "";

		node->path = above ? pool_printf(&t->pool, "%s\\%s", above, node->entry.name) : NULL;
	}
	return node->path;
}

/* ---- names ---- */

/*
 * The next character of a UTF-8 name, upper-cased. All letters that EDK2's English collation
 * (MdeModulePkg/Universal/Disk/UnicodeCollation/EnglishDxe) knows have one byte, or two that begin with
 * 0xc3; every other byte stands for itself, so names that are not UTF-8 compare byte by byte.
 */
static unsigned next_upper(const char **s)
{
	const unsigned char *p = (const unsigned char *)*s;

	if (p[0] == 0xc3 && ((p[1] >= 0xa0 && p[1] <= 0xb6) || (p[1] >= 0xb8 && p[1] <= 0xbe))) {
		*s += 2;
		return 0xc300u | (p[1] - 0x20u);
	}
	if (p[0] == 0xc3 && p[1] >= 0x80 && p[1] <= 0xbf) {
		*s += 2;
		return 0xc300u | p[1];
	}
	*s += 1;
	return p[0] >= 'a' && p[0] <= 'z' ? p[0] - 0x20u : p[0];
}

static int compare_names(const char *a, const char *b)
{
	for (;;) {
		unsigned x = next_upper(&a), y = next_upper(&b);

		if (x != y)
			return x < y ? -1 : 1;
		if (x == 0)
			return 0;
	}
}

bool tree_name_equal(const char *a, const char *b)
{
	return compare_names(a, b) == 0;
}

static size_t utf16_units(const char *s, size_t n)
{
	size_t units = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		units += (c & 0xc0) != 0x80; /* every byte but the continuation of a character */
		units += c >= 0xf0;          /* a surrogate pair */
	}
	return units;
}

/* ---- directories ---- */

static int by_stored_name(const void *a, const void *b)
{
	return strcmp(((const struct tree_node *)a)->entry.name, ((const struct tree_node *)b)->entry.name);
}

static int by_upper_name(const void *a, const void *b)
{
	return compare_names(((const struct tree_name *)a)->name, ((const struct tree_name *)b)->name);
}

static int make_index(struct tree *t, struct tree_dir *dir, struct pcrcast_error *e)
{
	dir->index = pool_array(&t->pool, dir->n, 2 * sizeof *dir->index);
	if (!dir->index)
		return err_nomem(e);
	for (size_t i = 0; i < dir->n; i++) {
		struct tree_node *node = &dir->nodes[i];

		dir->index[dir->n_index++] = (struct tree_name){ node->entry.name, node };
		if (node->alias)
			dir->index[dir->n_index++] = (struct tree_name){ node->alias, node };
	}
	if (dir->n_index)
		qsort(dir->index, dir->n_index, sizeof *dir->index, by_upper_name);
	return 0;
}

static int read_dir(struct tree *t, struct tree_node *node, struct pcrcast_error *e)
{
	if (node->dir)
		return 0;
	struct tree_dir *dir = pool_new(&t->pool, struct tree_dir);
	if (!dir)
		return err_nomem(e);
	int r = t->ops->read_dir(t, node, dir, e);
	if (r < 0) {
		const char *path = tree_path_of(t, node);

		return path ? err_wrap(e, "%s: directory %s", t->shown, path) : err_nomem(e);
	}
	if (!t->ops->in_disk_order && dir->n)
		qsort(dir->nodes, dir->n, sizeof *dir->nodes, by_stored_name);
	dir->list.in_disk_order = t->ops->in_disk_order;
	r = make_index(t, dir, e);
	if (r == 0)
		node->dir = dir;
	return r;
}

static int same_name(struct tree *t, struct tree_node *dir, const char *a, const char *b,
		     struct pcrcast_error *e)
{
	const char *path = tree_path_of(t, dir);

	return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
		       "%s: directory %s holds both \"%s\" and \"%s\", which are the same name on FAT",
		       t->shown, path ? path : "", a, b);
}

/*
 * The entry that name means in a directory; NULL in *ret when there is none. Like EDK2's FatSearchODir
 * this looks at long names and at 8.3 names. Where two entries answer, what EDK2 opens depends on which
 * of them it has read so far: that is not guessed.
 */
static int find(struct tree *t, struct tree_node *dir, const char *name, struct tree_node **ret,
		struct pcrcast_error *e)
{
	const struct tree_name *index = dir->dir->index;
	size_t lo = 0, hi = dir->dir->n_index;
	struct tree_node *found = NULL;

	while (lo < hi) { /* the first that is not less */
		size_t mid = lo + (hi - lo) / 2;

		if (compare_names(index[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < dir->dir->n_index && tree_name_equal(index[lo].name, name); lo++) {
		struct tree_node *node = index[lo].node;

		if (node->removed)
			continue;
		if (found && found != node)
			return same_name(t, dir, found->entry.name, node->entry.name, e);
		found = node;
	}
	*ret = found;
	return 0;
}

/*
 * Cut a name out of a path as EDK2's FatFileNameIsValid does: blanks in front, blanks and dots behind are
 * dropped. False when nothing is left, it is too long, or holds a character that no name may have.
 */
static bool trim_name(const char **name, size_t *n)
{
	while (*n > 0 && **name == ' ') {
		++*name;
		--*n;
	}
	while (*n > 0 && ((*name)[*n - 1] == ' ' || (*name)[*n - 1] == '.'))
		--*n;
	for (size_t i = 0; i < *n; i++)
		if ((unsigned char)(*name)[i] < 0x20 || strchr("\"*:<>?|", (*name)[i]))
			return false;
	return *n > 0 && utf16_units(*name, *n) <= MAX_NAME_UNITS;
}

static int not_found(struct tree *t, const char *path, const char *why, struct pcrcast_error *e)
{
	return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET, "%s: %s: %s", t->shown, path, why);
}

/* Follow one name of a path from *node. */
static int step(struct tree *t, const char *path, const char *name, size_t n, struct tree_node **node,
		struct pcrcast_error *e)
{
	if (n == 1 && name[0] == '.')
		return 0;
	if (n == 2 && name[0] == '.' && name[1] == '.') {
		if (!(*node)->parent)
			return not_found(t, path, "\"..\" leads out of the file system", e);
		*node = (*node)->parent;
		return 0;
	}
	if (!(*node)->entry.is_dir)
		return not_found(t, path, "a file stands where a directory is expected", e);
	if (!trim_name(&name, &n))
		return not_found(t, path, "not a name that firmware opens", e);

	int r = read_dir(t, *node, e);
	if (r < 0)
		return r;
	char *copy = strndup(name, n);
	if (!copy)
		return err_nomem(e);
	struct tree_node *found = NULL;
	r = find(t, *node, copy, &found, e);
	free(copy);
	if (r < 0)
		return r;
	if (!found)
		return not_found(t, path, "no such file or directory", e);
	*node = found;
	return 0;
}

static int walk(struct tree *t, const char *path, struct tree_node **ret, struct pcrcast_error *e)
{
	struct tree_node *node = &t->root;
	size_t units = 0;

	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "\\/");

		if (n > 0) {
			units += 1 + utf16_units(p, n);
			if (units > MAX_PATH_UNITS)
				return err_set(
					e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
					"%s: %s: path longer than the %d characters that firmware opens",
					t->shown, path, MAX_PATH_UNITS);
			int r = step(t, path, p, n, &node, e);
			if (r < 0)
				return r;
		}
		p += n;
		p += *p != '\0';
	}
	*ret = node;
	return 0;
}

/* ---- the tree as callers see it ---- */

static int by_folded_name(const void *a, const void *b)
{
	return compare_names(*(const char *const *)a, *(const char *const *)b);
}

/* Refuse a directory in which a name stands twice: a machine would open one of the two for both. */
static int check_names_differ(struct tree *t, struct tree_node *node, struct pcrcast_error *e)
{
	struct tree_dir *dir = node->dir;
	const char **names = calloc(dir->n + 1, sizeof *names);
	size_t n = 0;
	int r = 0;

	if (!names)
		return err_nomem(e);
	for (size_t i = 0; i < dir->n; i++)
		if (!dir->nodes[i].removed)
			names[n++] = dir->nodes[i].entry.name;
	qsort(names, n, sizeof *names, by_folded_name);
	for (size_t i = 1; r == 0 && i < n; i++)
		if (tree_name_equal(names[i - 1], names[i]))
			r = same_name(t, node, names[i - 1], names[i], e);
	free(names);
	return r;
}

int tree_list_dir(struct tree *t, const char *path, struct tree_list *ret, struct pcrcast_error *e)
{
	struct tree_node *node;
	int r = walk(t, path, &node, e);

	if (r < 0)
		return r;
	if (!node->entry.is_dir)
		return not_found(t, path, "expected a directory, found a file", e);
	r = read_dir(t, node, e);
	if (r < 0)
		return r;

	struct tree_dir *dir = node->dir;
	if (!dir->list.entries) {
		r = check_names_differ(t, node, e);
		if (r < 0)
			return r;
		struct tree_entry *entries = pool_array(&t->pool, dir->n, sizeof *entries);
		if (!entries)
			return err_nomem(e);
		for (size_t i = 0; i < dir->n; i++)
			if (!dir->nodes[i].removed)
				entries[dir->list.n++] = dir->nodes[i].entry;
		dir->list.entries = entries;
	}
	*ret = dir->list;
	return 0;
}

int tree_open_file(struct tree *t, const char *path, struct blob *ret, const char **ret_path,
		   struct pcrcast_error *e)
{
	struct tree_node *node;
	int r = walk(t, path, &node, e);

	if (r < 0)
		return r;
	if (node->entry.is_dir)
		return not_found(t, path, "expected a file, found a directory", e);
	const char *stored = tree_path_of(t, node);
	if (!stored)
		return err_nomem(e);

	if (!node->content) {
		struct blob *content = pool_new(&t->pool, struct blob);

		if (!content)
			return err_nomem(e);
		r = t->ops->open(t, node, content, e);
		if (r < 0)
			return err_wrap(e, "%s: %s", t->shown, stored);
		node->content = content;
	}
	*ret = *node->content;
	if (ret_path)
		*ret_path = stored;
	return 0;
}

/* ---- changes ---- */

static int replace_node(struct tree *t, struct tree_node *node, struct source *file, struct pcrcast_error *e)
{
	struct blob *content = pool_new(&t->pool, struct blob);

	if (!content)
		return err_nomem(e);
	int r = blob_of_source(&t->pool, file, content, e);
	if (r < 0)
		return r;
	node->content = content;
	node->entry.size = content->len;
	return 0;
}

int tree_replace(struct tree *t, const char *path, struct source *file, struct pcrcast_error *e)
{
	struct source **place = pool_push(&t->pool, &t->replacements, &t->n_replacements,
					  &t->cap_replacements, sizeof(struct source *));
	struct tree_node *node;

	if (!place) {
		source_close(file);
		return err_nomem(e);
	}
	*place = file;
	int r = walk(t, path, &node, e);
	if (r == 0 && node->entry.is_dir)
		r = not_found(t, path, "expected a file, found a directory", e);
	return r < 0 ? r : replace_node(t, node, file, e);
}

int tree_remove(struct tree *t, const char *path, struct pcrcast_error *e)
{
	struct tree_node *node;
	int r = walk(t, path, &node, e);

	if (r == 0 && !node->parent)
		r = not_found(t, path, "expected a file or a directory below the root", e);
	if (r == 0)
		node->removed = true;
	return r;
}

const char *tree_note(const struct tree *t)
{
	return t->note;
}
