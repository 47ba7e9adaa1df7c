/*
 * Entries of the Boot Loader Specification become entries of GRUB's menu. Sources: grub_bls.h.
 */
#include "predict/grub_bls.h"

/* The variable default names an entry by its file, its title or its place among all entries. */
static int is_default(struct bls_run *b, const struct grub_bls_entry *entry, size_t at, bool *ret)
{
	struct grub_value v = grub_get(b->g, "default");
	const char *title = b->kind == BLS_UKI ? NULL : grub_bls_value(entry, "title"), *end = NULL;

	*ret = false;
	if (v.why)
		return grub_stop(b->g, v.why, NULL, b->e);
	if (!v.s || (b->kind != BLS_REDHAT && !*v.s))
		return 0;
	*ret = strcmp(v.s, entry->name) == 0 || (title && strcmp(v.s, title) == 0);
	if (*ret || *v.s == '-')
		return 0;
	*ret = grub_number(v.s, &end) == at && end && (b->kind == BLS_REDHAT || !*end);
	return 0;
}

/* The id is the file's name without ".conf". Of a name with more behind such an ending, Red Hat's finds no end. */
static const char *id_of(struct bls_run *b, const struct grub_bls_entry *entry)
{
	const char *s = entry->name;
	size_t n = strlen(s);

	if (b->kind != BLS_UKI && n >= 5 && strcmp(s + n - 5, ".conf") == 0)
		n -= 5;
	return pool_text(b->g->pool, s, n);
}

static int set_arguments(struct bls_run *b, const struct grub_bls_entry *entry, struct grub_args *args)
{
	const char *title = grub_bls_value(entry, "title");
	int r = grub_add_arg(b->g, args,
			     b->kind == BLS_UKI ? grub_bls_uki_title(b->g, entry) :
						  grub_text(title ? title : grub_bls_value(entry, "linux")),
			     b->e);

	for (size_t i = 0; r == 0 && b->kind != BLS_UKI && i < entry->n; i++)
		if (strcmp(entry->pairs[i].key, "grub_arg") == 0)
			r = grub_add_arg(b->g, args, grub_text(entry->pairs[i].value), b->e);
	return r;
}

static int create(struct bls_run *b, const struct grub_bls_entry *entry)
{
	struct grub *g = b->g;
	struct grub_entry m = { .file = pool_printf(g->pool, "(%s)%s/%s as a menu entry", entry->device,
						    entry->dir, entry->name),
				.line = 1 };
	struct grub_value text, users = { NULL, NULL };

	if (b->kind != BLS_UKI) {
		/* Since Fedora 45 and in RHEL 10 that is a UKI to chain-load, before it was passed over. */
		if (b->kind == BLS_REDHAT && grub_bls_value(entry, "efi"))
			return grub_bls_stop(b, entry->name,
					     "what GRUB makes of the key efi depends on its build");
		if (!grub_bls_value(entry, "linux"))
			return 0;
		users = grub_bls_users(g, entry);
	}
	const char *dot = b->kind == BLS_REDHAT ? strstr(entry->name, ".conf") : NULL;
	if (dot && dot[5])
		return grub_bls_stop(b, entry->name,
				     "GRUB does not come to the end of a name with .conf in it");
	if (users.why)
		return grub_bls_stop(b, entry->name, users.why);
	text = b->kind == BLS_REDHAT   ? grub_bls_redhat_text(g, entry) :
	       b->kind == BLS_UPSTREAM ? grub_bls_upstream_text(g, entry) :
					 grub_bls_uki_text(g, entry);
	int r = set_arguments(b, entry, &m.args);
	m.id = grub_text(id_of(b, entry));
	if (r < 0 || !m.id.s || !m.file)
		return r < 0 ? r : err_nomem(b->e);
	m.title = m.args.v[0];
	if (m.title.why)
		return grub_bls_stop(b, entry->name, m.title.why);
	m.text = slice_of_string(text.s);
	m.text_why = text.why;
	m.restricted = users.s;
	return grub_menu_add(g, &m, b->e);
}

int grub_bls_create(struct bls_run *b, const struct bls_show *show)
{
	struct grub_bls_list *list = &b->g->bls;
	bool def;
	int r = 0;

	for (size_t i = 0; r == 0 && !b->g->stopped && i < list->n; i++) {
		struct grub_bls_entry *entry = list->entries[i];
		bool chosen = show->id.s && strcmp(show->id.s, entry->name) == 0;

		if (entry->visible)
			continue;
		if (!chosen && show->default_entry && show->others) {
			chosen = true;
		} else if (!chosen && (show->default_entry || show->others)) {
			r = is_default(b, entry, i, &def);
			chosen = def ? show->default_entry : show->others;
		}
		if (r < 0 || b->g->stopped || !chosen)
			continue;
		r = create(b, entry);
		entry->visible = true;
	}
	return r;
}
