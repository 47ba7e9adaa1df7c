/*
 * What shim measures when it starts: its own variables, among them the lists of keys that the owner of the machine
 * has enrolled (MOK), completed by what shim's build holds.
 */
#include "predict/shim.h"

#include <strings.h>

#include "base/bytes.h"
#include "base/efi/signature_list.h"

enum {
	NON_VOLATILE = 1,
	BOOT_SERVICES = 2,
	RUNTIME = 4, /* attributes: UEFI 2.10, section 8.2.1 */
};

static const struct guid type_x509 = EFI_CERT_X509_GUID;
static const struct guid type_sha256 = EFI_CERT_SHA256_GUID;

/*
 * What a running system sees instead of variables that belong to boot services: the copies that shim has made of them. Of
 * its lists they hold shim's own certificates, too.
 */
static const char *mirror_of(const char *name)
{
	static const char *const rows[][2] = {
		{ "MokList", "MokListRT" },       { "MokListX", "MokListXRT" },
		{ "MokSBState", "MokSBStateRT" }, { "MokDBState", "MokIgnoreDB" },
		{ "SbatLevel", "SbatLevelRT" },   { "MokPolicy", "MokPolicyRT" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strcmp(rows[i][0], name) == 0)
			return rows[i][1];
	return NULL;
}

int shim_find_variable(struct shim *shim, const char *name, const struct firmware_variable **ret,
		       struct pcrcast_error *e)
{
	const struct firmware_variables *v = shim->w->opt->variables;
	const char *mirror = mirror_of(name);

	*ret = firmware_variables_find(v, name, &guid_shim_lock);
	const struct firmware_variable *copy =
		!*ret && mirror ? firmware_variables_find(v, mirror, &guid_shim_lock) : NULL;
	if (copy) {
		struct firmware_variable *own = pool_copy(shim->w->pool, copy, sizeof *copy);

		if (!own)
			return err_nomem(e);
		own->name = mirror;
		own->attributes = 0; /* those of the copy say nothing */
		*ret = own;
		return 0;
	}
	if (firmware_variables_know(v, name, &guid_shim_lock))
		return 0;
	return walk_assume(
		shim->w, "shim-variables",
		"none is set: no MokList, MokListX, MokSBState, MokPolicy, SbatPolicy, and no request to MokManager",
		"--variables", e);
}

bool shim_is_state(const struct firmware_variable *v)
{
	return v->attributes == 0 ||
	       (v->attributes & (NON_VOLATILE | BOOT_SERVICES) && !(v->attributes & RUNTIME));
}

int shim_variable(struct shim *shim, const char *name, struct slice *ret, struct pcrcast_error *e)
{
	const struct firmware_variable *v;
	int r = shim_find_variable(shim, name, &v, e);

	*ret = r == 0 && v && shim_is_state(v) ?
		       v->data :
		       SLICE_EMPTY; /* shim deletes one that the system could have set */
	return r;
}

/* What the owner has asked for in the running system is done by MokManager, with somebody at the keyboard. */
static int check_requests(struct shim *shim, struct pcrcast_error *e)
{
	static const char *const requests[] = { "MokNew",           "MokSB",   "MokPW",
						"MokAuth",          "MokDel",  "MokDB",
						"MokXNew",          "MokXDel", "MokXAuth",
						"MokListTrustedNew" };

	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		const struct firmware_variable *v;
		int r = shim_find_variable(shim, requests[i], &v, e);

		if (r < 0)
			return r;
		if (v && (shim->image.rules->trusted || strcmp(requests[i], "MokListTrustedNew") != 0))
			return err_set(
				e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
				"variable %s is set: shim starts MokManager, and what happens there depends on people",
				requests[i]);
	}
	return 0;
}

/* ---- files beside shim ---- */

/* With Secure Boot shim 15.6+ measures such files, and takes certificates and revocations from them. */
static int check_files(struct shim *shim, struct pcrcast_error *e)
{
	static const uint32_t pcrs[] = { 4, 7, 14 };
	const struct shim_rules *rules = shim->image.rules;
	char *dir = shim_beside(shim->w->pool, shim->image.path, "");
	struct tree_list list;
	int r = 0;

	if (!dir)
		return err_nomem(e);
	if (!shim->secure || !rules->certificate_files || !shim->volume)
		return 0;
	if (tree_list_dir(shim->volume, dir, &list, NULL) < 0)
		return 0;
	for (size_t i = 0; i < list.n; i++) {
		const char *name = list.entries[i].name;
		bool read = strncasecmp(name, "shim_certificate", 16) == 0;

		for (const char *const *f = rules->revocation_files; f && *f; f++)
			read |= tree_name_equal(name, *f);
		for (size_t k = 0; r == 0 && read && k < sizeof pcrs / sizeof pcrs[0]; k++)
			r = walk_unknown(shim->w, pcrs[k],
					 pool_printf(shim->w->pool,
						     "shim reads %s%s, which is not followed here", dir,
						     name),
					 NULL, e);
	}
	return r;
}

/* ---- the lists ---- */

/* One EFI_SIGNATURE_LIST with one signature of this owner: shim. */
static struct slice one_signature(struct pool *pool, const struct guid *type, struct slice data)
{
	enum { HEAD = 28 };
	uint8_t *p = pool_array(pool, HEAD + GUID_LEN + data.n, 1);

	if (!p)
		return (struct slice){ NULL, 0 };
	memcpy(p, type->bytes, GUID_LEN);
	put_u32le(p + 16, (uint32_t)(HEAD + GUID_LEN + data.n));
	put_u32le(p + 24, (uint32_t)(GUID_LEN + data.n));
	memcpy(p + HEAD, guid_shim_lock.bytes, GUID_LEN);
	memcpy(p + HEAD + GUID_LEN, data.p, data.n);
	return (struct slice){ p, HEAD + GUID_LEN + data.n };
}

/* shim's parts, then the variable; all of them empty: a list with a SHA-256 digest of zeros. */
static int complete_list(struct shim *shim, const struct slice *parts, size_t n, struct slice *ret,
			 struct pcrcast_error *e)
{
	static const uint8_t zeros[32];
	size_t len = 0, at = 0;

	for (size_t i = 0; i < n; i++) {
		if (!parts[i].p)
			return err_nomem(e);
		len += parts[i].n;
	}
	if (len == 0) {
		*ret = one_signature(shim->w->pool, &type_sha256, (struct slice){ zeros, sizeof zeros });
		return ret->p ? 0 : err_nomem(e);
	}
	uint8_t *all = pool_array(shim->w->pool, len, 1);
	if (!all)
		return err_nomem(e);
	for (size_t i = 0; i < n; at += parts[i++].n)
		memcpy(all + at, parts[i].p, parts[i].n);
	*ret = (struct slice){ all, len };
	return 0;
}

/*
 * A list of the owner's, and the same as shim measures it. A copy of the latter is cut where shim's own part ends; one that does
 * not begin with it was made by another shim.
 */
static int import_list(struct shim *shim, const char *name, struct slice own, struct slice *ret,
		       struct slice *ret_measured, struct pcrcast_error *e)
{
	const struct firmware_variable *v;
	struct slice bare, list = SLICE_EMPTY;

	int r = shim_find_variable(shim, name, &v, e);
	if (r == 0)
		r = complete_list(shim, &own, 1, &bare, e); /* as without any key of the owner */
	if (r < 0)
		return r;
	if (v && v->name == mirror_of(name)) {
		if (v->data.n >= own.n && memcmp(v->data.p, own.p, own.n) == 0)
			list = (struct slice){ v->data.p + own.n, v->data.n - own.n };
		else
			r = walk_unknown(
				shim->w, 14,
				pool_printf(
					shim->w->pool,
					"%s was made by another shim: what of it the owner has enrolled is not known",
					v->name),
				"--variables", e);
		if (slice_equal(v->data, bare))
			list = SLICE_EMPTY;
	} else if (v && shim_is_state(v))
		list = v->data;
	*ret = list;
	const struct slice parts[] = { own, list };
	return r < 0 ? r : complete_list(shim, parts, 2, ret_measured, e);
}

static int complete_lists(struct shim *shim, struct pcrcast_error *e)
{
	const struct shim_image *image = &shim->image;
	struct slice parts[] = { image->vendor_db, image->vendor_cert, image->build_cert };
	struct slice own = SLICE_EMPTY;
	int r = 0;

	for (size_t i = 1; i < 3; i++)
		if (parts[i].n)
			parts[i] = one_signature(shim->w->pool, &type_x509, parts[i]);
	if (parts[0].n || parts[1].n || parts[2].n)
		r = complete_list(shim, parts, 3, &own, e);
	if (r == 0)
		r = import_list(shim, "MokList", own, &shim->mok_list, &shim->mok_list_rt, e);
	return r < 0 ? r :
		       import_list(shim, "MokListX", image->vendor_dbx, &shim->mok_list_x,
				   &shim->mok_list_x_rt, e);
}

/* tpm_log_event(): EV_IPL whose data is the name with its NUL. */
static int log_variable(struct shim *shim, const char *name, struct slice data, enum event_origin origin,
			const char *source, struct pcrcast_error *e)
{
	const char *text = pool_printf(shim->w->pool, "shim variable %s", name);
	struct slice label = { (const uint8_t *)name, strlen(name) + 1 };

	if (!text)
		return err_nomem(e);
	if (!data.n)
		return 0;
	return walk_event_bytes(shim->w, 14, EV_IPL, label, data, origin, (struct event_text){ text, source },
				e);
}

/* tpm_measure_variable(): to PCR 7, as the firmware measures what lets an image pass. */
static int measure_variable(struct shim *shim, const char *name, struct slice data, const char *source,
			    struct pcrcast_error *e)
{
	const char *text = pool_printf(shim->w->pool, "shim variable %s", name);
	struct slice bytes;

	if (!text)
		return err_nomem(e);
	if (!data.n)
		return 0;
	if (shim->image.rules->patched)
		return walk_event_unknown(shim->w, 7, (uint32_t)EV_EFI_VARIABLE_AUTHORITY,
					  (struct event_text){ text, source }, shim_patched_reason, NULL, e);
	int r = walk_variable_data(shim->w, name, &guid_shim_lock, data, &bytes, e);
	return r < 0 ? r :
		       walk_event_bytes(shim->w, 7, (uint32_t)EV_EFI_VARIABLE_AUTHORITY, bytes, bytes,
					EVENT_COMPUTED, (struct event_text){ text, source }, e);
}

static int import_trusted(struct shim *shim, struct pcrcast_error *e)
{
	static const uint8_t on = 1;
	const struct shim_rules *rules = shim->image.rules;
	enum event_origin origin = EVENT_COMPUTED;
	const struct firmware_variable *v;
	struct slice data;

	if (!rules->trusted)
		return 0;
	int r = shim_find_variable(shim, "MokListTrusted", &v, e);
	if (r == 0)
		r = shim_variable(shim, "MokListTrusted", &data, e);
	if (r < 0)
		return r;
	if (rules->trusted_inverse) { /* the variable says that the list is not to be trusted; no event then */
		data = v ? SLICE_EMPTY : (struct slice){ &on, 1 };
		origin = EVENT_CONSTANT;
	}
	if (rules->trusted_pcr7)
		r = measure_variable(shim, "MokListTrusted", data, shim->image.path, e);
	return r < 0 ? r : log_variable(shim, "MokListTrusted", data, origin, shim->image.path, e);
}

static int log_lists(struct shim *shim, struct pcrcast_error *e)
{
	bool stored = shim->image.lists == LISTS_STORED;
	const char *path = shim->image.path;

	if (shim->image.lists == LISTS_UNSURE)
		return walk_unknown(
			shim->w, 14,
			pool_printf(
				shim->w->pool,
				"what this build of shim %s measures of its lists is not told by its version",
				shim->image.version),
			NULL, e);
	int r = log_variable(shim, "MokList", stored ? shim->mok_list : shim->mok_list_rt, EVENT_COMPUTED,
			     path, e);
	return r < 0 ? r :
		       log_variable(shim, "MokListX", stored ? shim->mok_list_x : shim->mok_list_x_rt,
				    EVENT_COMPUTED, path, e);
}

/* 15.2 and 15.4 forget what they have read of these when they read the next variable, unless they are patched. */
static int check_states(struct shim *shim, struct slice insecure, struct slice ignore,
			struct pcrcast_error *e)
{
	const struct slice states[] = { insecure, ignore };
	int r = 0;

	for (size_t i = 0; r == 0 && i < 2 && shim->secure && shim->image.rules->state_unsure; i++)
		if (states[i].n == 1 && states[i].p[0])
			r = walk_unknown(shim->w, 7,
					 pool_printf(shim->w->pool,
						     "%s is set, and not every build of shim %s heeds it",
						     i ? "MokDBState" : "MokSBState", shim->image.version),
					 NULL, e);
	return r;
}

int shim_import(struct shim *shim, struct pcrcast_error *e)
{
	const char *path = shim->image.path;
	struct slice level, insecure = SLICE_EMPTY, ignore = SLICE_EMPTY, policy = SLICE_EMPTY;

	int r = check_requests(shim, e);
	if (r == 0)
		r = shim_settle_level(shim, &level, e);
	if (r == 0)
		r = check_files(shim, e);
	if (r == 0)
		r = complete_lists(shim, e);
	if (r == 0)
		r = shim_variable(shim, "MokSBState", &insecure, e);
	if (r == 0)
		r = shim_variable(shim, "MokDBState", &ignore, e);
	if (r == 0 && shim->image.rules->policy)
		r = shim_variable(shim, "MokPolicy", &policy, e);
	if (r == 0)
		r = check_states(shim, insecure, ignore, e);
	if (r == 0)
		r = log_lists(shim, e);
	if (r == 0)
		r = measure_variable(shim, "MokSBState", insecure, "variable MokSBState", e);
	if (r == 0)
		r = log_variable(shim, "MokSBState", insecure, EVENT_COMPUTED, "variable MokSBState", e);
	if (r == 0)
		r = measure_variable(shim, "SbatLevel", level, path, e);
	if (r == 0)
		r = import_trusted(shim, e);
	if (r == 0)
		r = log_variable(shim, "MokPolicy", policy, EVENT_COMPUTED, "variable MokPolicy", e);
	if (r < 0)
		return r;
	if (insecure.n == 1 && insecure.p[0])
		shim->secure = false;
	shim->ignore_db = ignore.n == 1 && ignore.p[0];
	return 0;
}
