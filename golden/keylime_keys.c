/*
 * PCR 7 against a Keylime state: the variables of Secure Boot, and by what programs were verified.
 */
#include <stdlib.h>

#include "base/efi/signature_list.h"
#include "base/efi/variable.h"
#include "golden/keylime_parts.h"

/* ---- signatures ---- */

static int compare_signatures(const void *a, const void *b)
{
	const struct keylime_signature *x = a, *y = b;

	if (x->data.n != y->data.n)
		return x->data.n < y->data.n ? -1 : 1;
	int c = memcmp(x->data.p, y->data.p, x->data.n);
	return c ? c : memcmp(&x->owner, &y->owner, sizeof x->owner);
}

static int index_list(struct keylime_checking *k, enum keylime_role role, struct pcrcast_error *e)
{
	const struct keylime_list *l = &k->state->lists[role];
	struct keylime_index *x = &k->index[role];
	size_t n = 0;

	x->signatures = pool_array(k->pool, l->n + 1, sizeof *x->signatures);
	x->found = pool_array(k->pool, l->n + 1, sizeof *x->found);
	if (!x->signatures || !x->found)
		return err_nomem(e);
	for (size_t i = 0; i < l->n; i++) {
		struct keylime_signature *s = &x->signatures[i];

		s->data = l->claims[i]->bytes;
		if (!guid_parse(l->claims[i]->owner, &s->owner))
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				       "%s: \"%s\" is no GUID of an owner", l->claims[i]->role,
				       l->claims[i]->owner);
	}
	qsort(x->signatures, l->n, sizeof *x->signatures, compare_signatures);
	for (size_t i = 0; i < l->n; i++)
		if (i == 0 || compare_signatures(&x->signatures[n - 1], &x->signatures[i]) != 0)
			x->signatures[n++] = x->signatures[i];
	x->n = n;
	return 0;
}

int keylime_keys_index(struct keylime_checking *k, struct pcrcast_error *e)
{
	int r = 0;

	for (enum keylime_role role = KEYLIME_PK; role <= KEYLIME_VENDOR_DB && r == 0; role++)
		r = index_list(k, role, e);
	return r;
}

/*
 * Is the signature in the state? tpm2-tools before 5.2 printed the first fields of GUIDs in the wrong byte order (keylime issue 1003), and states
 * that were made with these are still about.
 */
static bool find_signature(struct keylime_index *x, struct esl_signature s)
{
	struct keylime_signature want = { s.data, s.owner };
	const uint8_t *o = s.owner.bytes;
	struct guid swapped = { { o[3], o[2], o[1], o[0], o[5], o[4], o[7], o[6], o[8], o[9], o[10], o[11],
				  o[12], o[13], o[14], o[15] } };
	bool any = false;

	for (int i = 0; i < 2; i++) {
		const struct keylime_signature *at =
			bsearch(&want, x->signatures, x->n, sizeof want, compare_signatures);

		if (at)
			x->found[at - x->signatures] = any = true;
		want.owner = swapped;
	}
	return any;
}

static int key_finding(struct keylime_checking *k, enum keylime_role role, size_t i, struct pcrcast_error *e,
		       const char *what)
{
	return keylime_find(k, keylime_role_names[role], i, MATCH_NO, e, "%s: %s", keylime_role_names[role],
			    what);
}

/* Which types of lists the policy takes. */
static bool takes_type(enum keylime_role role, const struct esl *list)
{
	const struct esl_type *type = esl_type_find(&list->type);
	bool x509 = type && strcmp(type->name, "x509") == 0,
	     sha256 = type && strcmp(type->name, "sha256") == 0;

	return role == KEYLIME_DBX ? sha256 : x509 || (sha256 && role != KEYLIME_PK && role != KEYLIME_KEK);
}

/* Count what the log's lists have beside the state; dbx must have what the state has, the others nothing else. */
static int check_lists(struct keylime_checking *k, enum keylime_role role, struct slice rest, size_t i,
		       struct pcrcast_error *e)
{
	struct keylime_index *x = &k->index[role];
	size_t n_lists = 0, strange = 0, missing = 0;

	if (rest.n == 0)
		return key_finding(k, role, i, e,
				   "the variable is empty, which the policy takes for no list");
	for (; rest.n; n_lists++) {
		struct esl list;
		const char *why = esl_next(k->pool, &rest, &list);

		if (why)
			return key_finding(k, role, i, e, why);
		if (!takes_type(role, &list))
			return key_finding(k, role, i, e, "a list of a type that the policy does not take");
		for (size_t n = 0; n < list.n; n++)
			strange += !find_signature(x, esl_signature(&list, n));
	}
	for (size_t n = 0; n < x->n; n++)
		missing += !x->found[n];
	if (role == KEYLIME_DBX && n_lists != 1)
		return key_finding(k, role, i, e, "several lists, where the policy takes one");
	if (role == KEYLIME_DBX && missing)
		return keylime_find(
			k, "dbx", i, MATCH_NO, e,
			"dbx: %zu of the state's %zu entries are not in it: it is older than the state",
			missing, x->n);
	if (role != KEYLIME_DBX && strange)
		return keylime_find(k, keylime_role_names[role], i, MATCH_NO, e,
				    "%s: %zu entries that the state does not have", keylime_role_names[role],
				    strange);
	return 0;
}

/* ---- variables ---- */

static int secure_boot(struct keylime_checking *k, struct slice data, size_t i, struct pcrcast_error *e)
{
	bool on = data.n == 1 && data.p[0];

	if (data.n <= 1 && on == k->state->secure_boot)
		return 0;
	return keylime_find(k, "secure-boot", i, MATCH_NO, e, "Secure Boot was %s, the state is one %s",
			    data.n > 1 ? "neither on nor off" :
			    on         ? "on" :
					 "off",
			    k->state->secure_boot ? "with it" : "without");
}

static int signature_lists(struct keylime_checking *k, enum keylime_role role, struct slice data, size_t i,
			   struct pcrcast_error *e)
{
	if (!k->state->secure_boot && k->state->lists[role].n == 0)
		return 0;
	return check_lists(k, role, data, i, e);
}

static int vendor_authority(struct keylime_checking *k, struct slice data, size_t i, struct pcrcast_error *e)
{
	struct esl_signature s;
	bool known = data.n > 0;

	if (!k->state->secure_boot && k->state->lists[KEYLIME_VENDOR_DB].n == 0)
		return 0;
	while (known && data.n)
		known = keylime_vendor_signature(&data, &s.owner, &s.data) &&
			find_signature(&k->index[KEYLIME_VENDOR_DB], s);
	return known ? 0 :
		       key_finding(k, KEYLIME_VENDOR_DB, i, e, "verified by what the state does not have");
}

static const struct {
	uint32_t type;
	const struct guid *guid;
	const char *name;
	enum keylime_role role; /* whose list it is; KEYLIME_ROLES: anything goes */
} variables[] = {
	{ EV_EFI_VARIABLE_DRIVER_CONFIG, &guid_efi_global, "SecureBoot", KEYLIME_SECURE_BOOT },
	{ EV_EFI_VARIABLE_DRIVER_CONFIG, &guid_efi_global, "PK", KEYLIME_PK },
	{ EV_EFI_VARIABLE_DRIVER_CONFIG, &guid_efi_global, "KEK", KEYLIME_KEK },
	{ EV_EFI_VARIABLE_DRIVER_CONFIG, &guid_image_security, "db", KEYLIME_DB },
	{ EV_EFI_VARIABLE_DRIVER_CONFIG, &guid_image_security, "dbx", KEYLIME_DBX },
	{ EV_EFI_VARIABLE_DRIVER_CONFIG, &guid_image_security, "vendor_db", KEYLIME_VENDOR_DB },
	{ EV_EFI_VARIABLE_AUTHORITY, &guid_image_security, "db", KEYLIME_ROLES },
	{ EV_EFI_VARIABLE_AUTHORITY, &guid_image_security, "vendor_db", KEYLIME_VENDOR_DB },
	{ EV_EFI_VARIABLE_AUTHORITY, &guid_shim_lock, "SbatLevel", KEYLIME_ROLES },
	{ EV_EFI_VARIABLE_AUTHORITY, &guid_shim_lock, "Shim", KEYLIME_ROLES },
	{ EV_EFI_VARIABLE_AUTHORITY, &guid_shim_lock, "MokListTrusted", KEYLIME_ROLES },
	{ EV_EFI_VARIABLE_AUTHORITY, &guid_shim_lock, "MokListRT", KEYLIME_ROLES },
};

enum { N_VARIABLES = sizeof variables / sizeof variables[0] };

int keylime_variable(struct keylime_checking *k, const struct event *ev, size_t i, struct pcrcast_error *e)
{
	struct efi_variable v;
	size_t n = 0;

	if (efi_variable_read(k->pool, ev->data, &v))
		return keylime_find(k, "unexpected-event", i, MATCH_NO, e, "event %zu is about no variable",
				    i);
	while (n < N_VARIABLES && (variables[n].type != ev->type || !guid_equal(variables[n].guid, &v.guid) ||
				   strcmp(variables[n].name, v.name) != 0))
		n++;
	if (n == N_VARIABLES)
		return keylime_find(k, "unexpected-event", i, MATCH_NO, e,
				    "event %zu: a variable that the policy does not know in this place", i);
	if (variables[n].role == KEYLIME_SECURE_BOOT)
		return secure_boot(k, v.data, i, e);
	if (k->seen & UINT32_C(1) << n)
		return keylime_find(k, "repeated-event", i, MATCH_NO, e,
				    "event %zu: variable %s a second time, which the policy does not take", i,
				    variables[n].name);
	k->seen |= UINT32_C(1) << n;
	if (variables[n].role == KEYLIME_ROLES)
		return 0;
	return ev->type == EV_EFI_VARIABLE_AUTHORITY ? vendor_authority(k, v.data, i, e) :
						       signature_lists(k, variables[n].role, v.data, i, e);
}
