/*
 * Does shim let an image pass, with Secure Boot: verify_buffer() and what it calls, in shim's verify.c (shim.c before 16.1).
 *
 * Of everything that lets an image pass the first is measured to PCR 7: that is why the order of the lists matters, and why a
 * list that is not known makes the event unknown.
 */
#define _GNU_SOURCE
#include "predict/shim.h"

#include "base/bytes.h"
#include "base/efi/signature_list.h"
#include "uki/authenticode.h"

struct database {
	const char *name; /* as in the event */
	const struct guid *guid;
	struct slice bytes; /* signature lists */
	bool sha1;          /* digests of SHA-1 count too */
};

enum { DATABASES_MAX = 3 };

const char shim_patched_reason[] =
	"how shim 15 writes what lets an image pass depends on patches, which its version does not tell";

/* What is judged: the image's digests, and its signatures. */
struct subject {
	const struct pe *pe;
	struct digest sha1, sha256;
	struct signature_list list;
	bool *good; /* signature i is sound and over this image */
};

static int hash_subject(struct shim *shim, struct subject *s, struct pcrcast_error *e)
{
	struct walk *w = shim->w;
	struct blob bytes;
	size_t id;

	int r = authenticode_bytes(w->pool, s->pe, &bytes, e);
	if (r == 0)
		r = hash_jobs_add(w->jobs, &bytes, &id, e);
	if (r == 0)
		r = hash_jobs_run(w->jobs, 1u << ALG_SHA1 | 1u << ALG_SHA256, 0, e);
	if (r < 0)
		return r;
	s->sha1 = *hash_jobs_digest(w->jobs, id, ALG_SHA1);
	s->sha256 = *hash_jobs_digest(w->jobs, id, ALG_SHA256);
	r = signatures_read(w->pool, s->pe, &s->list, e);
	if (r == 0 && shim->image.rules->first_signature && s->list.n > 1)
		s->list.n = 1;
	return r < 0 ? r : signatures_check(w->pool, s->pe, &s->list, w->jobs, &s->good, e);
}

static struct slice firmware_list(const struct walk *w, const char *name)
{
	const struct firmware_variable *v =
		firmware_variables_find(w->opt->variables, name, &guid_image_security);

	return v ? v->data : SLICE_EMPTY;
}

static size_t deny_lists(struct shim *shim, struct database ret[DATABASES_MAX])
{
	const struct database all[DATABASES_MAX] = {
		{ "dbx", &guid_image_security, shim->image.vendor_dbx, true },
		{ "dbx", &guid_image_security, firmware_list(shim->w, "dbx"), true },
		{ "MokListX", &guid_shim_lock, shim->mok_list_x, false },
	};

	memcpy(ret, all, sizeof all);
	return DATABASES_MAX;
}

static size_t allow_lists(struct shim *shim, struct database ret[DATABASES_MAX])
{
	bool runtime = shim->image.rules->runtime_list;
	size_t n = 0;

	if (!shim->ignore_db)
		ret[n++] =
			(struct database){ "db", &guid_image_security, firmware_list(shim->w, "db"), true };
	ret[n++] = (struct database){ "vendor_db", &guid_image_security, shim->image.vendor_db, false };
	ret[n++] = (struct database){ runtime ? "MokListRT" : "MokList", &guid_shim_lock,
				      runtime ? shim->mok_list_rt : shim->mok_list, false };
	return n;
}

static int add_authority(struct shim *shim, const char *name, const struct guid *guid, struct slice data,
			 struct pcrcast_error *e)
{
	struct shim_authority *a = pool_push(shim->w->pool, &shim->authorities, &shim->n_authorities,
					     &shim->cap_authorities, sizeof *a);

	if (!a)
		return err_nomem(e);
	*a = (struct shim_authority){ name, guid, data };
	return 0;
}

/* Signature i of a list with its owner: EFI_SIGNATURE_DATA. */
static struct slice signature_data(const struct esl *list, size_t i)
{
	return (struct slice){ list->signatures.p + i * list->signature_len, list->signature_len };
}

/* check_db_hash_in_ram() */
static bool has_hash(struct pool *pool, const struct database *db, const struct subject *s, struct slice *ret)
{
	struct slice rest = db->bytes;
	struct esl list;

	for (int pass = 0; pass < (db->sha1 ? 2 : 1); pass++, rest = db->bytes) {
		const struct digest *d = pass ? &s->sha1 : &s->sha256;

		while (rest.n && !esl_next(pool, &rest, &list)) {
			const struct esl_type *type = esl_type_find(&list.type);

			if (!type || strcmp(type->name, algs[d->alg].name) != 0)
				continue;
			for (size_t i = 0; i < list.n; i++) {
				struct slice v = esl_signature(&list, i).data;

				if (v.n < algs[d->alg].len || memcmp(v.p, d->bytes, algs[d->alg].len) != 0)
					continue;
				*ret = signature_data(&list, i);
				return true;
			}
		}
	}
	return false;
}

/* verify_x509() and verify_eku(): a length of two bytes that fits, and no certificate for kernel modules. */
static bool usable_certificate(struct slice der)
{
	static const uint8_t modules[] = { 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04,
					   0x01, 0x92, 0x08, 0x10, 0x01, 0x02 };

	return der.n > 4 && der.p[0] == 0x30 && der.p[1] == 0x82 && get_u16be(der.p + 2) == der.n - 4 &&
	       !memmem(der.p, der.n, modules, sizeof modules); /* object 1.3.6.1.4.1.2312.16.1.2 */
}

/* check_db_cert_in_ram(): of each list the first certificate only. ret->n is 0 when there is none. */
static int find_anchor(struct shim *shim, const struct database *db, const struct signature *s,
		       struct slice *ret, struct pcrcast_error *e)
{
	struct slice rest = db->bytes;
	struct esl list;

	*ret = SLICE_EMPTY;
	while (rest.n && !esl_next(shim->w->pool, &rest, &list)) {
		const struct esl_type *type = esl_type_find(&list.type);

		if (!type || type->kind != ESL_CERTIFICATE || list.n == 0)
			continue;
		struct slice der = esl_signature(&list, 0).data;
		if (!usable_certificate(der))
			continue;
		int r = walk_count_trial(shim->w, db->name, s, e);
		if (r < 0)
			return r;
		if (signature_verified_by(s, der)) {
			*ret = signature_data(&list, 0);
			return 0;
		}
	}
	return 0;
}

/* verify_one_signature(). *ret_passes: it does, and what made it pass was added to the authorities. */
static int judge_signature(struct shim *shim, const struct signature *s, const struct database *deny,
			   size_t n_deny, bool *ret_passes, const char **ret_why, struct pcrcast_error *e)
{
	const struct slice own[] = { shim->image.build_cert, shim->image.vendor_cert };
	struct database allow[DATABASES_MAX];
	size_t n_allow = allow_lists(shim, allow);
	struct slice entry;
	int r = 0;

	for (size_t i = 0; i < n_deny; i++) {
		r = find_anchor(shim, &deny[i], s, &entry, e);
		if (r < 0)
			return r;
		if (!entry.n)
			continue;
		*ret_why = pool_printf(shim->w->pool,
				       "shim refuses it: the certificate of its signer is revoked in %s",
				       deny[i].name);
		return add_authority(shim, deny[i].name, deny[i].guid, entry, e);
	}
	for (size_t i = 0; i < n_allow; i++) {
		r = find_anchor(shim, &allow[i], s, &entry, e);
		if (r < 0)
			return r;
		if (!entry.n)
			continue;
		*ret_passes = true;
		return add_authority(shim, allow[i].name, allow[i].guid, entry, e);
	}
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
		if (own[i].n && signature_verified_by(s, own[i])) {
			*ret_passes = true;
			return add_authority(shim, "Shim", &guid_shim_lock, own[i], e);
		}
	return 0;
}

static bool is_assumed(const struct shim *shim, const struct digest *certificate)
{
	for (size_t i = 0; i < shim->n_assumed; i++)
		if (digest_equal(&shim->assumed[i], certificate))
			return true;
	return false;
}

/* The boot goes through an image with this signature, and nothing but db can let it pass. */
static int assume_in_db(struct shim *shim, const struct signature *s, struct pcrcast_error *e)
{
	char hex[2 * DIGEST_MAX + 1];

	struct digest *place =
		pool_push(shim->w->pool, &shim->assumed, &shim->n_assumed, &shim->cap_assumed, sizeof *place);
	hex_encode(s->certificate.bytes, algs[ALG_SHA256].len, hex);
	const char *value = pool_printf(shim->w->pool, "%s (SHA-256 of the certificate %s)", s->subject, hex);
	if (!place || !value)
		return err_nomem(e);
	*place = s->certificate;
	int r = walk_assume(shim->w, "certificate-in-db", value, "--db", e);
	return r < 0 ? r : add_authority(shim, "db", &guid_image_security, (struct slice){ NULL, 0 }, e);
}

/* db decides before shim's own lists; of one that is not known something must be taken for granted. */
static int judge_without_db(struct shim *shim, const struct subject *s, bool passes, bool on_the_way,
			    enum verdict *verdict, const char **why, struct pcrcast_error *e)
{
	const struct signature *good = NULL;

	if (passes)
		return walk_assume(shim->w, "db", "lets pass nothing that shim's own certificates verify",
				   "--db", e);
	for (size_t i = 0; i < s->list.n && (!good || !is_assumed(shim, &good->certificate)); i++)
		if (s->good[i] && s->list.items[i].alg == ALG_SHA256)
			good = &s->list.items[i];
	if (!good)
		return 0;
	*verdict = IMAGE_ACCEPTED;
	*why = NULL;
	if (is_assumed(shim, &good->certificate))
		return 0;
	if (on_the_way)
		return assume_in_db(shim, good, e);
	*verdict = IMAGE_UNSURE;
	*why = "it is signed, but neither by a certificate that shim has nor by one that let an image pass before";
	return 0;
}

static int judge_signatures(struct shim *shim, const struct subject *s, bool on_the_way,
			    enum verdict *verdict, const char **why, struct pcrcast_error *e)
{
	bool db_known = shim->ignore_db ||
			firmware_variables_know(shim->w->opt->variables, "db", &guid_image_security);
	struct database deny[DATABASES_MAX], allow[DATABASES_MAX];
	size_t n_deny = deny_lists(shim, deny), n_allow = allow_lists(shim, allow);
	struct slice entry;
	bool passes = false;
	int r = 0;

	*verdict = IMAGE_REFUSED;
	for (size_t i = 0; i < n_deny; i++)
		if (has_hash(shim->w->pool, &deny[i], s, &entry)) {
			*why = pool_printf(shim->w->pool, "shim refuses it: its digest is revoked in %s",
					   deny[i].name);
			return *why ? 0 : err_nomem(e);
		}
	if (!firmware_variables_know(shim->w->opt->variables, "dbx", &guid_image_security))
		r = walk_assume(shim->w, "dbx", "revokes nothing of this boot", "--dbx", e);
	for (size_t i = 0; r == 0 && i < n_allow; i++)
		if (has_hash(shim->w->pool, &allow[i], s, &entry)) {
			*verdict = IMAGE_ACCEPTED;
			return add_authority(shim, allow[i].name, allow[i].guid, entry, e);
		}
	*why = s->list.n ? "shim refuses it: nothing that it trusts verifies a signature of the image" :
			   "shim refuses it: it is not signed";
	/* Only a signature over the SHA-256 digest counts for shim. */
	for (size_t i = 0; r == 0 && i < s->list.n; i++)
		if (s->good[i] && s->list.items[i].alg == ALG_SHA256)
			r = judge_signature(shim, &s->list.items[i], deny, n_deny, &passes, why, e);
	if (passes) {
		*verdict = IMAGE_ACCEPTED;
		*why = NULL;
	}
	if (r == 0 && !db_known)
		r = judge_without_db(shim, s, passes, on_the_way, verdict, why, e);
	return r;
}

/* verify_buffer_sbat(): the bytes of the section in the file. NULL: it may pass. */
static const char *judge_sbat(struct shim *shim, const struct pe *pe, bool by_protocol)
{
	const struct pe_section *found = NULL;
	struct pool *pool = shim->w->pool;
	struct blob content;
	struct slice text = SLICE_EMPTY;
	struct sbat sbat;
	struct pcrcast_error odd;

	for (size_t i = 0; i < pe->n_sections; i++)
		if (strcmp(pe->sections[i].name, ".sbat") == 0) {
			if (found)
				return "it has several sections .sbat";
			found = &pe->sections[i];
		}
	if (shim->level.n == 0 || (by_protocol && !shim->image.rules->sbat_by_protocol))
		return NULL;
	if (found && found->raw_len && found->raw_len >= found->virt_len &&
	    (blob_sub(pool, &pe->image, found->raw_off, found->raw_len, &content, &odd) < 0 ||
	     blob_load(pool, &content, UKI_TEXT_MAX, &text, &odd) < 0))
		return "its section .sbat cannot be read";
	if (!text.n)
		return by_protocol ? NULL : "it has no section .sbat";
	const char *why = sbat_read(pool, text, SBAT_SECTION_COLUMNS, &sbat);
	return why ? why : sbat_revoked(pool, &sbat, &shim->level);
}

int shim_judge(struct shim *shim, const struct pe *pe, bool by_protocol, bool on_the_way, enum verdict *ret,
	       const char **ret_why, struct pcrcast_error *e)
{
	struct subject s = { .pe = pe };

	*ret = IMAGE_ACCEPTED;
	*ret_why = NULL;
	shim->n_authorities = 0;
	if (!shim->secure)
		return 0;
	int r = hash_subject(shim, &s, e);
	if (r == 0)
		r = judge_signatures(shim, &s, on_the_way, ret, ret_why, e);
	if (r < 0 || *ret == IMAGE_REFUSED)
		return r;
	const char *why = judge_sbat(shim, pe, by_protocol);
	if (!why)
		return 0;
	*ret = IMAGE_REFUSED;
	if (!shim->image.rules->sbat_last)
		shim->n_authorities = 0;
	*ret_why = pool_printf(shim->w->pool, "shim refuses it: %s", why);
	return *ret_why ? 0 : err_nomem(e);
}

int shim_log_authorities(struct shim *shim, struct pcrcast_error *e)
{
	int r = 0;

	shim->w->shim_speaks = true;
	for (size_t i = 0; r == 0 && i < shim->n_authorities; i++) {
		const struct shim_authority *a = &shim->authorities[i];

		if (shim->image.rules->patched)
			r = walk_event_unknown(shim->w, 7, (uint32_t)EV_EFI_VARIABLE_AUTHORITY,
					       (struct event_text){ "what lets an image pass", a->name },
					       shim_patched_reason, NULL, e);
		else if (a->data.p)
			r = walk_authority(shim->w, a->name, a->guid, a->data, AUTHORITY_SHIM, e);
		else
			r = walk_event_unknown(
				shim->w, 7, (uint32_t)EV_EFI_VARIABLE_AUTHORITY,
				(struct event_text){ "db entry that lets an image pass", "db" },
				"which entry of db lets shim start an image is not known", "--db", e);
	}
	shim->w->shim_speaks = false;
	shim->n_authorities = 0;
	return r;
}
