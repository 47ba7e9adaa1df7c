/*
 * Claims, ordered as a Keylime reference state.
 */
#include "golden/keylime.h"

const char *const keylime_role_names[KEYLIME_ROLES] = {
	[KEYLIME_SECURE_BOOT] = "secure-boot",
	[KEYLIME_SCRTM] = "scrtm",
	[KEYLIME_FIRMWARE] = "platform-firmware",
	[KEYLIME_PK] = "pk",
	[KEYLIME_KEK] = "kek",
	[KEYLIME_DB] = "db",
	[KEYLIME_DBX] = "dbx",
	[KEYLIME_VENDOR_DB] = "vendor-db",
	[KEYLIME_MOK] = "mok",
	[KEYLIME_MOKX] = "mokx",
	[KEYLIME_SHIM] = "shim",
	[KEYLIME_GRUB] = "grub",
	[KEYLIME_KERNEL] = "kernel",
	[KEYLIME_KERNEL_FILE] = "kernel-file",
	[KEYLIME_INITRD] = "initrd",
	[KEYLIME_CMDLINE] = "cmdline",
};

enum keylime_role keylime_role_by_name(const char *name)
{
	enum keylime_role role = 0;

	while (role < KEYLIME_ROLES && strcmp(name, keylime_role_names[role]) != 0)
		role++;
	return role;
}

/* What a claim of a role must have. */
static bool has_form(const struct golden_claim *c, enum keylime_role role)
{
	if (role == KEYLIME_SECURE_BOOT || role == KEYLIME_CMDLINE)
		return c->text != NULL;
	if (c->text)
		return false;
	if (role >= KEYLIME_PK && role <= KEYLIME_VENDOR_DB)
		return c->owner != NULL && c->bytes.n > 0;
	if (role >= KEYLIME_SHIM)
		return c->alg == ALG_SHA256;
	return c->alg != ALG_COUNT;
}

struct ordering {
	struct pool *pool;
	struct keylime_state s;
	const struct golden_claim *before; /* the claim before this one; NULL: it is the first */
	bool said_secure_boot;
	struct keylime_list blobs; /* of the last firmware */
};

static int refuse(struct pcrcast_error *e, const struct golden_claim *c, const char *why)
{
	return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
		       "keylime-mb cannot hold a claim about %s: %s", c->role, why);
}

static int take_secure_boot(struct ordering *o, const struct golden_claim *c, struct pcrcast_error *e)
{
	bool on = strcmp(c->text, "on") == 0;

	if (!on && strcmp(c->text, "off") != 0)
		return refuse(e, c, "expected \"on\" or \"off\"");
	if (o->said_secure_boot)
		return refuse(e, c, "expected one");
	o->said_secure_boot = true;
	o->s.secure_boot = on;
	return 0;
}

static int list_add(struct pool *pool, struct keylime_list *l, const struct golden_claim *c,
		    struct pcrcast_error *e)
{
	const struct golden_claim **place = pool_push(pool, &l->claims, &l->n, &l->cap, sizeof *place);

	if (!place)
		return err_nomem(e);
	*place = c;
	return 0;
}

static bool continues(const struct ordering *o, const struct golden_claim *c, enum keylime_role first,
		      enum keylime_role last)
{
	if (!o->before || o->before->group != c->group)
		return false;
	enum keylime_role role = keylime_role_by_name(o->before->role);

	return role >= first && role <= last;
}

static int take_firmware(struct ordering *o, const struct golden_claim *c, enum keylime_role role,
			 struct pcrcast_error *e)
{
	struct keylime_firmware *f;

	if (role == KEYLIME_SCRTM) {
		f = pool_push(o->pool, &o->s.firmware, &o->s.n_firmware, &o->s.cap_firmware, sizeof *f);
		if (!f)
			return err_nomem(e);
		f->scrtm = c;
		o->blobs = (struct keylime_list){ 0 };
		return 0;
	}
	if (!continues(o, c, KEYLIME_SCRTM, KEYLIME_FIRMWARE))
		return refuse(e, c, "expected it behind an scrtm of the same group");
	int r = list_add(o->pool, &o->blobs, c, e);
	f = &o->s.firmware[o->s.n_firmware - 1];
	f->blobs = o->blobs.claims;
	f->n_blobs = o->blobs.n;
	return r;
}

static int take_kernel(struct ordering *o, const struct golden_claim *c, enum keylime_role role,
		       struct pcrcast_error *e)
{
	struct keylime_kernel *k;

	if (continues(o, c, KEYLIME_SHIM, KEYLIME_CMDLINE))
		k = &o->s.kernels[o->s.n_kernels - 1];
	else
		k = pool_push(o->pool, &o->s.kernels, &o->s.n_kernels, &o->s.cap_kernels, sizeof *k);
	if (!k)
		return err_nomem(e);
	if (k->part[role])
		return refuse(e, c, "a second one in one group");
	k->part[role] = c;
	return 0;
}

/* The parts that example.py's obj_test demands. */
static int check_kernel(const struct keylime_state *s, const struct keylime_kernel *k, size_t number,
			struct pcrcast_error *e)
{
	for (enum keylime_role role = KEYLIME_SHIM; role <= KEYLIME_CMDLINE; role++)
		if (!k->part[role] && role != (s->secure_boot ? KEYLIME_KERNEL_FILE : KEYLIME_KERNEL))
			return err_set(
				e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
				"keylime-mb: kernel %zu has no claim about %s, which a state %s Secure Boot needs",
				number, keylime_role_names[role], s->secure_boot ? "with" : "without");
	return 0;
}

int keylime_state_of(struct pool *pool, const struct golden_claim *claims, size_t n,
		     struct keylime_state *ret, struct pcrcast_error *e)
{
	struct ordering o = { .pool = pool, .s = { .secure_boot = true } };
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct golden_claim *c = &claims[i];
		enum keylime_role role = keylime_role_by_name(c->role);

		if (role == KEYLIME_ROLES)
			r = refuse(e, c, "Keylime's state has no place for it");
		else if (!has_form(c, role))
			r = refuse(e, c, "expected another kind of value");
		else if (role == KEYLIME_SECURE_BOOT)
			r = take_secure_boot(&o, c, e);
		else if (role <= KEYLIME_FIRMWARE)
			r = take_firmware(&o, c, role, e);
		else if (role <= KEYLIME_MOKX)
			r = list_add(pool, &o.s.lists[role], c, e);
		else
			r = take_kernel(&o, c, role, e);
		o.before = c;
	}
	for (size_t i = 0; i < o.s.n_kernels && r == 0; i++)
		r = check_kernel(&o.s, &o.s.kernels[i], i, e);
	if (r == 0)
		*ret = o.s;
	return r;
}
