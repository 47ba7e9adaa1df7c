/*
 * Keylime's measured-boot reference state, JSON: what create_mb_refstate makes of an event log and the policy "example" is given
 * (golden/keylime.h names the sources). Hashes are "0x" and lower-case hex.
 */
#include "base/encode.h"
#include "golden/format_rows.h"
#include "golden/keylime.h"
#include "golden/keylime_check.h"

/* ---- the keys of a state, in the order in which create_mb_refstate writes them ---- */

static const struct {
	const char *key;
	enum keylime_role role;
	bool optional;
} list_keys[] = {
	{ "pk", KEYLIME_PK, false },
	{ "kek", KEYLIME_KEK, false },
	{ "db", KEYLIME_DB, false },
	{ "dbx", KEYLIME_DBX, false },
	{ "vendor_db", KEYLIME_VENDOR_DB, true },
	{ "mokdig", KEYLIME_MOK, false },
	{ "mokxdig", KEYLIME_MOKX, false },
};

enum { N_LIST_KEYS = sizeof list_keys / sizeof list_keys[0] };

static const struct {
	const char *key;
	enum keylime_role role;
} kernel_keys[] = {
	{ "kernel_authcode_sha256", KEYLIME_KERNEL },    { "shim_authcode_sha256", KEYLIME_SHIM },
	{ "grub_authcode_sha256", KEYLIME_GRUB },        { "initrd_plain_sha256", KEYLIME_INITRD },
	{ "vmlinuz_plain_sha256", KEYLIME_KERNEL_FILE }, { "kernel_cmdline", KEYLIME_CMDLINE },
};

enum { N_KERNEL_KEYS = sizeof kernel_keys / sizeof kernel_keys[0] };

static bool is_list_role_of_digests(enum keylime_role role)
{
	return role == KEYLIME_MOK || role == KEYLIME_MOKX;
}

/* ---- reading ---- */

struct reading {
	struct golden *g;
	struct golden_set *s;
	struct pcrcast_error *e;
	size_t group; /* of the next group; 0 is that of what stands alone */
};

static int expected(const struct reading *rd, const char *key, const char *what)
{
	return err_set(rd->e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"%s\": expected %s", key, what);
}

/* The policy refuses upper-case hex as well. */
static bool read_hex(struct golden *g, const struct cJSON *node, struct slice *ret)
{
	const char *text;

	if (!json_string(node, &text) || text[0] != '0' || text[1] != 'x' || !text[2])
		return false;
	for (const char *c = text + 2; *c; c++)
		if (*c >= 'A' && *c <= 'F')
			return false;
	return hex_decode(&g->pool, slice_of_string(text + 2), ret);
}

static struct golden_claim *add_claim(struct reading *rd, enum keylime_role role, size_t group)
{
	struct golden_claim *c = golden_add_claim(rd->g, rd->s, rd->e);

	if (c) {
		c->role = keylime_role_names[role];
		c->group = group;
	}
	return c;
}

/* Keys that the policy passes over are told. */
static int note_others(struct reading *rd, const struct cJSON *object, const char *what,
		       const char *const *keys, size_t n_keys)
{
	for (const struct cJSON *c = json_first(object); c; c = json_next(c)) {
		size_t i = 0;

		while (i < n_keys && strcmp(json_key(c), keys[i]) != 0)
			i++;
		if (i == n_keys &&
		    golden_note(rd->g, rd->e,
				"%s: \"%s\" is nothing that Keylime's example policy reads, left out", what,
				json_key(c)) < 0)
			return -PCRCAST_ENOMEM;
	}
	return 0;
}

/*
 * { "sha256": "0x…" }. Of several digests any one is enough for the policy; a claim has one. SHA-256 is what Keylime itself writes
 * and compares; what is left out makes the state stricter, not looser.
 */
static int read_digest(struct reading *rd, enum keylime_role role, size_t group, const struct cJSON *node,
		       const char *key)
{
	const struct cJSON *best = NULL;
	enum alg best_alg = ALG_COUNT;
	size_t n = 0;

	if (!json_is_object(node))
		return expected(rd, key, "a digest as { \"sha256\": \"0x…\" }");
	for (const struct cJSON *c = json_first(node); c; c = json_next(c), n++) {
		enum alg alg = alg_by_name(slice_of_string(json_key(c)));

		if (alg != ALG_COUNT &&
		    (!best || alg == ALG_SHA256 || (best_alg != ALG_SHA256 && alg > best_alg))) {
			best = c;
			best_alg = alg;
		}
	}
	struct slice bytes;
	if (!best || !read_hex(rd->g, best, &bytes) || bytes.n != algs[best_alg].len)
		return expected(rd, key,
				"a digest as { \"sha256\": \"0x…\" }, lower case and of full length");
	struct golden_claim *claim = add_claim(rd, role, group);
	if (!claim)
		return -PCRCAST_ENOMEM;
	claim->alg = best_alg;
	claim->bytes = bytes;
	return n > 1 ? golden_note(rd->g, rd->e, "\"%s\": of %zu digests of one thing only %s is kept", key,
				   n, algs[best_alg].name) :
		       0;
}

static int read_signature(struct reading *rd, enum keylime_role role, const struct cJSON *node,
			  const char *key)
{
	static const char *const keys[] = { "SignatureOwner", "SignatureData" };
	const char *owner;
	struct slice data;
	struct guid guid;

	if (!json_string(json_get(node, keys[0]), &owner) || !guid_parse(owner, &guid) ||
	    !read_hex(rd->g, json_get(node, keys[1]), &data))
		return expected(rd, key,
				"signatures as { \"SignatureOwner\": GUID, \"SignatureData\": \"0x…\" }");
	struct golden_claim *c = add_claim(rd, role, 0);
	if (!c)
		return -PCRCAST_ENOMEM;
	c->owner = pool_text(&rd->g->pool, owner, strlen(owner));
	c->bytes = data;
	if (!c->owner)
		return err_nomem(rd->e);
	return note_others(rd, node, key, keys, 2);
}

static int read_lists(struct reading *rd, const struct cJSON *root)
{
	for (size_t i = 0; i < N_LIST_KEYS; i++) {
		const char *key = list_keys[i].key;
		const struct cJSON *list = json_get(root, key);

		if (!list && list_keys[i].optional)
			continue;
		if (!json_is_array(list))
			return expected(rd, key, "an array (Keylime's policy needs it)");
		for (const struct cJSON *c = json_first(list); c; c = json_next(c)) {
			int r = is_list_role_of_digests(list_keys[i].role) ?
					read_digest(rd, list_keys[i].role, rd->group++, c, key) :
					read_signature(rd, list_keys[i].role, c, key);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int read_firmware(struct reading *rd, const struct cJSON *root)
{
	static const char *const keys[] = { "scrtm", "platform_firmware" };
	const struct cJSON *list = json_get(root, "scrtm_and_bios");
	int r = 0;

	if (!json_is_array(list))
		return expected(rd, "scrtm_and_bios", "an array (Keylime's policy needs it)");
	for (const struct cJSON *c = json_first(list); c && r == 0; c = json_next(c), rd->group++) {
		const struct cJSON *blobs = json_get(c, keys[1]);

		r = read_digest(rd, KEYLIME_SCRTM, rd->group, json_get(c, keys[0]), keys[0]);
		if (r == 0 && !json_is_array(blobs))
			r = expected(rd, keys[1], "an array");
		for (const struct cJSON *b = json_first(blobs); b && r == 0; b = json_next(b))
			r = read_digest(rd, KEYLIME_FIRMWARE, rd->group, b, keys[1]);
		r = r < 0 ? r : note_others(rd, c, "scrtm_and_bios", keys, 2);
	}
	return r;
}

static int read_kernel_part(struct reading *rd, const struct cJSON *kernel, size_t i)
{
	const struct cJSON *node = json_get(kernel, kernel_keys[i].key);
	struct golden_claim *c = add_claim(rd, kernel_keys[i].role, rd->group);
	const char *text;

	if (!c)
		return -PCRCAST_ENOMEM;
	if (kernel_keys[i].role == KEYLIME_CMDLINE) {
		if (!json_string(node, &text))
			return expected(rd, kernel_keys[i].key, "a regular expression");
		c->text = pool_text(&rd->g->pool, text, strlen(text));
		return c->text ? 0 : err_nomem(rd->e);
	}
	c->alg = ALG_SHA256;
	if (!read_hex(rd->g, node, &c->bytes) || c->bytes.n != algs[ALG_SHA256].len)
		return expected(rd, kernel_keys[i].key, "\"0x\" and 64 lower-case hex digits");
	return 0;
}

static int read_kernels(struct reading *rd, const struct cJSON *root, bool secure_boot)
{
	const char *keys[N_KERNEL_KEYS];
	const struct cJSON *list = json_get(root, "kernels");
	enum keylime_role other = secure_boot ? KEYLIME_KERNEL_FILE : KEYLIME_KERNEL;
	size_t n_keys = 0;
	int r = 0;

	for (size_t i = 0; i < N_KERNEL_KEYS; i++)
		if (kernel_keys[i].role != other)
			keys[n_keys++] = kernel_keys[i].key;
	if (!json_is_array(list))
		return expected(rd, "kernels", "an array (Keylime's policy needs it)");
	for (const struct cJSON *c = json_first(list); c && r == 0; c = json_next(c), rd->group++) {
		if (!json_is_object(c))
			return expected(rd, "kernels", "objects");
		for (size_t i = 0; i < N_KERNEL_KEYS && r == 0; i++)
			if (kernel_keys[i].role != other)
				r = read_kernel_part(rd, c, i);
		r = r < 0 ? r : note_others(rd, c, "kernels", keys, n_keys);
	}
	return r;
}

GOLDEN_RECOGNISER(keylime_mb_recognise)
{
	return json_is_array(json_get(in->json, "kernels")) &&
	       json_is_array(json_get(in->json, "scrtm_and_bios"));
}

GOLDEN_READER(keylime_mb_read)
{
	static const char *const keys[] = {
		"has_secureboot", "scrtm_and_bios", "pk",      "kek",    "db", "dbx",
		"vendor_db",      "mokdig",         "mokxdig", "kernels"
	};
	struct reading rd = { g, golden_add_set(g, e), e, 1 };
	const struct cJSON *secure_boot = json_get(in->json, keys[0]);
	bool on = true;

	if (!rd.s)
		return -PCRCAST_ELIMIT;
	if (!json_is_object(in->json))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "expected an object");
	if (secure_boot && !json_bool(secure_boot, &on))
		return expected(&rd, keys[0], "true or false");
	struct golden_claim *c = add_claim(&rd, KEYLIME_SECURE_BOOT, 0);
	if (!c)
		return -PCRCAST_ENOMEM;
	c->text = on ? "on" : "off";
	int r = read_firmware(&rd, in->json);
	r = r < 0 ? r : read_lists(&rd, in->json);
	r = r < 0 ? r : read_kernels(&rd, in->json, on);
	return r < 0 ? r : note_others(&rd, in->json, "the state", keys, sizeof keys / sizeof keys[0]);
}

/* ---- writing ---- */

struct writing {
	struct pool *pool;
	struct json_doc d;
};

static void add_hex(struct writing *wr, struct cJSON *object, const char *key, struct slice bytes)
{
	const char *hex = hex_text(wr->pool, bytes), *text = hex ? pool_printf(wr->pool, "0x%s", hex) : NULL;

	if (text)
		json_add_string(&wr->d, object, key, text);
	else
		wr->d.failed = true;
}

static struct cJSON *digest_json(struct writing *wr, const struct golden_claim *c)
{
	struct cJSON *o = json_object(&wr->d);

	add_hex(wr, o, algs[c->alg].name, c->bytes);
	return o;
}

static struct cJSON *firmware_json(struct writing *wr, const struct keylime_state *s)
{
	struct cJSON *list = json_array(&wr->d);

	for (size_t i = 0; i < s->n_firmware; i++) {
		struct cJSON *o = json_object(&wr->d), *blobs = json_array(&wr->d);

		json_add(&wr->d, o, "scrtm", digest_json(wr, s->firmware[i].scrtm));
		for (size_t k = 0; k < s->firmware[i].n_blobs; k++)
			json_append(&wr->d, blobs, digest_json(wr, s->firmware[i].blobs[k]));
		json_add(&wr->d, o, "platform_firmware", blobs);
		json_append(&wr->d, list, o);
	}
	return list;
}

static struct cJSON *list_json(struct writing *wr, const struct keylime_list *l, bool digests)
{
	struct cJSON *list = json_array(&wr->d);

	for (size_t i = 0; i < l->n; i++) {
		struct cJSON *o = digests ? digest_json(wr, l->claims[i]) : json_object(&wr->d);

		if (!digests) {
			json_add_string(&wr->d, o, "SignatureOwner", l->claims[i]->owner);
			add_hex(wr, o, "SignatureData", l->claims[i]->bytes);
		}
		json_append(&wr->d, list, o);
	}
	return list;
}

static struct cJSON *kernels_json(struct writing *wr, const struct keylime_state *s)
{
	struct cJSON *list = json_array(&wr->d);

	for (size_t i = 0; i < s->n_kernels; i++) {
		struct cJSON *o = json_object(&wr->d);

		for (size_t k = 0; k < N_KERNEL_KEYS; k++) {
			const struct golden_claim *c = s->kernels[i].part[kernel_keys[k].role];

			if (c && c->text)
				json_add_string(&wr->d, o, kernel_keys[k].key, c->text);
			else if (c)
				add_hex(wr, o, kernel_keys[k].key, c->bytes);
		}
		json_append(&wr->d, list, o);
	}
	return list;
}

static int write_state(struct golden_writer *w, const struct keylime_state *s, struct pcrcast_error *e)
{
	struct writing wr = { .pool = w->pool };
	struct cJSON *root = json_object(&wr.d);

	json_add_bool(&wr.d, root, "has_secureboot", s->secure_boot);
	json_add(&wr.d, root, "scrtm_and_bios", firmware_json(&wr, s));
	for (size_t i = 0; i < N_LIST_KEYS; i++)
		json_add(&wr.d, root, list_keys[i].key,
			 list_json(&wr, &s->lists[list_keys[i].role],
				   is_list_role_of_digests(list_keys[i].role)));
	json_add(&wr.d, root, "kernels", kernels_json(&wr, s));
	return golden_write_json(w, &wr.d, root, false, e);
}

/* Firmware may log what the example policy knows nothing of; then it refuses the machine that the state was made of. */
static int tell_refusals(struct golden_writer *w, const struct keylime_state *s, const struct eventlog *log,
			 struct pcrcast_error *e)
{
	struct keylime_result result;

	int r = keylime_check(w->pool, s, log, &result, e);
	for (size_t i = 0; i < result.n && r == 0; i++)
		r = golden_lost(w, e, "%s (Keylime's policy \"example\" would refuse this very log)",
				result.findings[i].text);
	return r;
}

GOLDEN_WRITER(keylime_mb_write)
{
	const struct golden_set *s = &g->sets[0];
	struct golden_claim *claims = s->claims;
	struct keylime_state state;
	size_t n = s->n_claims;
	int r = 0;

	if (!n && !s->log)
		return err_set(
			e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			"keylime-mb cannot hold values of registers: it is made of an event log, and the source has none");
	if (!n)
		r = keylime_claims_of_log(w->pool, s->log, &claims, &n, e);
	r = r < 0 ? r : keylime_state_of(w->pool, claims, n, &state, e);
	r = r < 0 ? r : write_state(w, &state, e);
	if (r == 0 && s->n_claims && s->n_registers)
		r = golden_lost(w, e,
				"values of registers (Keylime compares the quote with the log's replay)");
	return r == 0 && !s->n_claims ? tell_refusals(w, &state, s->log, e) : r;
}
