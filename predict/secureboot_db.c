/*
 * Which entry of db lets an image pass, and whether dbx forbids it.
 *
 * Source: EDK2 edk2-stable202605, SecurityPkg/Library/DxeImageVerificationLib/DxeImageVerificationLib.c: DxeImageVerificationHandler,
 * IsForbiddenByDbx, IsAllowedByDb, PassTimestampCheck. UEFI 2.10, section 32.5.3.3, leaves the order open; what is measured follows it.
 */
#include "base/bytes.h"
#include "base/efi/certificate.h"
#include "base/efi/signature_list.h"
#include "predict/secureboot.h"
#include "uki/authenticode.h"

enum {
	TIME_LEN = 16, /* EFI_TIME */
	ANCHORS_MAX =
		4096, /* certificates tried for one image: each costs a verification, a real db has some ten */
	TRIED_MAX =
		64
		<< 20, /* bytes of signatures read for these in one boot, each time anew; real ones have some 10 KiB */
};

struct judge {
	struct walk *w;
	struct slice db, dbx, dbt; /* their content; empty when they do not exist */
	size_t job;                /* that hashes the image */
	size_t n_anchors;          /* tried so far */
};

static struct slice database(const struct walk *w, const char *name)
{
	const struct firmware_variable *v =
		firmware_variables_find(w->opt->variables, name, &guid_image_security);

	return v ? v->data : SLICE_EMPTY;
}

bool db_known(const struct walk *w)
{
	return firmware_variables_know(w->opt->variables, "db", &guid_image_security);
}

/* The next list of a kind in *rest; *ret_type NULL: there is none any more. */
static int next_list(struct judge *j, const char *name, enum esl_kind kind, struct slice *rest,
		     struct esl *ret, const struct esl_type **ret_type, struct pcrcast_error *e)
{
	*ret_type = NULL;
	while (rest->n && !*ret_type) {
		const char *why = esl_next(j->w->pool, rest, ret);

		if (why)
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "variable %s: %s", name, why);
		*ret_type = esl_type_find(&ret->type);
		if (*ret_type && (*ret_type)->kind != kind)
			*ret_type = NULL;
	}
	return 0;
}

/* EFI_SIGNATURE_DATA number i of a list: owner and signature. */
static struct slice entry_of(const struct esl *list, size_t i)
{
	return (struct slice){ list->signatures.p + i * list->signature_len, list->signature_len };
}

/* IsSignatureFoundInDatabase: the image's digest as an entry. ret->n is 0 when there is none. */
static int find_hash(struct judge *j, const char *name, struct slice lists, enum alg alg, struct slice *ret,
		     struct pcrcast_error *e)
{
	const struct digest *d = hash_jobs_digest(j->w->jobs, j->job, alg);
	size_t len = algs[alg].len;
	struct esl list;

	*ret = SLICE_EMPTY;
	for (;;) {
		const struct esl_type *type;
		int r = next_list(j, name, ESL_HASH, &lists, &list, &type, e);
		if (r < 0 || !type)
			return r;
		if (strcmp(type->name, algs[alg].name) != 0 || list.signature_len != GUID_LEN + len)
			continue;
		for (size_t i = 0; i < list.n; i++)
			if (memcmp(entry_of(&list, i).p + GUID_LEN, d->bytes, len) == 0) {
				*ret = entry_of(&list, i);
				return 0;
			}
	}
}

/* Another certificate is tried with the signature. */
static int count_anchor(struct judge *j, const char *name, const struct signature *s, struct pcrcast_error *e)
{
	if (++j->n_anchors > ANCHORS_MAX)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "variable %s: more than %d certificates to try for one image", name,
			       ANCHORS_MAX);
	return walk_count_trial(j->w, name, s, e);
}

/* The first certificate in lists that the signature leads to. ret->n is 0 when there is none. */
static int find_anchor(struct judge *j, const char *name, struct slice lists, const struct signature *s,
		       struct slice *ret, struct pcrcast_error *e)
{
	struct esl list;

	*ret = SLICE_EMPTY;
	for (;;) {
		const struct esl_type *type;
		int r = next_list(j, name, ESL_CERTIFICATE, &lists, &list, &type, e);
		if (r < 0 || !type)
			return r;
		for (size_t i = 0; i < list.n; i++) {
			r = count_anchor(j, name, s, e);
			if (r < 0)
				return r;
			if (!signature_verified_by(s, esl_signature(&list, i).data))
				continue;
			*ret = entry_of(&list, i);
			return 0;
		}
	}
}

enum revocation {
	NOT_REVOKED,
	REVOKED,
	REVOKED_SINCE,  /* and no time stamp shows that the image was signed before */
	REVOKED_UNSURE, /* a time stamp might */
};

/* IsValidSignatureByTimestamp(): the moment of the revocation itself is early enough. An EFI_TIME begins like this. */
static bool is_before(const struct signing_time *t, const uint8_t *revoked)
{
	const unsigned pairs[][2] = {
		{ t->year, get_u16le(revoked) }, { t->month, revoked[2] },  { t->day, revoked[3] },
		{ t->hour, revoked[4] },         { t->minute, revoked[5] }, { t->second, revoked[6] },
	};

	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
		if (pairs[i][0] != pairs[i][1])
			return pairs[i][0] < pairs[i][1];
	return true;
}

/* PassTimestampCheck(): the certificates of dbt in their order, until one vouches for an early time stamp. */
static int check_timestamp(struct judge *j, const struct signature *s, const uint8_t *revoked,
			   enum revocation *ret, struct pcrcast_error *e)
{
	static const uint8_t never[TIME_LEN];
	struct slice lists = j->dbt;
	struct signing_time time;
	struct esl list;

	*ret = REVOKED_SINCE;
	if (memcmp(revoked, never, TIME_LEN) == 0)
		*ret = REVOKED;
	while (*ret != REVOKED) {
		const struct esl_type *type;
		int r = next_list(j, "dbt", ESL_CERTIFICATE, &lists, &list, &type, e);
		if (r < 0 || !type)
			return r;
		for (size_t i = 0; i < list.n; i++) {
			r = count_anchor(j, "dbt", s, e);
			if (r < 0)
				return r;
			switch (signature_time(s, esl_signature(&list, i).data, &time)) {
			case TIMESTAMP_NONE:
				break;
			case TIMESTAMP_UNSURE:
				*ret = REVOKED_UNSURE;
				break;
			case TIMESTAMP_GOOD:
				if (is_before(&time, revoked)) {
					*ret = NOT_REVOKED;
					return 0;
				}
				break;
			}
		}
	}
	return 0;
}

/* IsCertHashFoundInDbx: the first entry with a hash of the certificate counts. s is the signature at hand. */
static int check_revocation(struct judge *j, const struct signature *s, struct slice certificate,
			    enum revocation *ret, struct pcrcast_error *e)
{
	struct slice lists = j->dbx, tbs;
	struct esl list;

	*ret = NOT_REVOKED;
	if (!certificate_tbs(certificate, &tbs))
		return 0;
	for (;;) {
		const struct esl_type *type;
		int r = next_list(j, "dbx", ESL_CERT_HASH, &lists, &list, &type, e);
		if (r < 0 || !type)
			return r;
		if (list.signature_len < GUID_LEN + type->hash_len + TIME_LEN)
			continue;
		struct digest d;
		enum alg alg = type->hash_len == 32 ? ALG_SHA256 :
			       type->hash_len == 48 ? ALG_SHA384 :
						      ALG_SHA512;
		r = digest_of(alg, tbs, &d, e);
		if (r < 0)
			return r;
		for (size_t i = 0; i < list.n; i++) {
			const uint8_t *p = esl_signature(&list, i).data.p;

			if (memcmp(p, d.bytes, type->hash_len) == 0)
				return check_timestamp(j, s, p + type->hash_len, ret, e);
		}
	}
}

static struct db_verdict denied(const char *why)
{
	return (struct db_verdict){ DB_DENIES, why, SLICE_EMPTY };
}

/* A verdict that ends the search; *ret_done says so. */
static int revoked(struct judge *j, const struct signature *s, struct slice certificate, const char *whose,
		   struct db_verdict *ret, bool *ret_done, struct pcrcast_error *e)
{
	enum revocation rev;
	int r = check_revocation(j, s, certificate, &rev, e);

	*ret_done = r == 0 && rev != NOT_REVOKED;
	if (!*ret_done)
		return r;
	ret->answer = rev == REVOKED_UNSURE ? DB_UNSURE : DB_DENIES;
	ret->why = pool_printf(
		j->w->pool,
		rev == REVOKED ?
			"dbx revokes the certificate %s" :
		rev == REVOKED_SINCE ?
			"dbx revokes the certificate %s from a date on, and no time stamp that dbt vouches for is from before" :
			"dbx revokes the certificate %s from a date on, and the time stamp is of a form that is not judged",
		whose);
	return ret->why ? 0 : err_nomem(e);
}

/* IsForbiddenByDbx. *ret is set when *ret_done. */
static int forbidden(struct judge *j, const struct signature *s, bool good, struct db_verdict *ret,
		     bool *ret_done, struct pcrcast_error *e)
{
	struct slice found = SLICE_EMPTY;

	*ret_done = false;
	if (!j->dbx.n)
		return 0;
	int r = good ? find_anchor(j, "dbx", j->dbx, s, &found, e) : 0;
	if (r < 0)
		return r;
	if (found.n) {
		*ret = denied("dbx holds its signer's certificate, or one above that");
		*ret_done = true;
		return 0;
	}
	return revoked(j, s, s->signer, "of its signer", ret, ret_done, e);
}

/* IsAllowedByDb. ret->answer stays DB_DENIES when no certificate of db verifies the signature. */
static int allowed(struct judge *j, const struct signature *s, struct db_verdict *ret,
		   struct pcrcast_error *e)
{
	struct slice found = SLICE_EMPTY;
	bool is_revoked = false;
	int r = find_anchor(j, "db", j->db, s, &found, e);

	if (r < 0 || !found.n)
		return r;
	struct slice certificate = { found.p + GUID_LEN, found.n - GUID_LEN };
	r = revoked(j, s, certificate, "in db that verifies it", ret, &is_revoked, e);
	if (r == 0 && !is_revoked)
		*ret = (struct db_verdict){ DB_ALLOWS, NULL, found };
	return r;
}

/* One signature. *ret is the verdict so far; *ret_done: no later signature changes it. */
static int judge_signature(struct judge *j, const struct signature *s, bool good, struct db_verdict *ret,
			   bool *ret_done, struct pcrcast_error *e)
{
	struct slice found = SLICE_EMPTY;

	int r = forbidden(j, s, good, ret, ret_done, e);
	if (r < 0 || *ret_done)
		return r;
	if (ret->answer != DB_ALLOWS && good)
		r = allowed(j, s, ret, e);
	if (r == 0)
		r = find_hash(j, "dbx", j->dbx, s->alg, &found, e);
	if (r < 0)
		return r;
	if (found.n) {
		*ret = denied("dbx holds its hash");
		*ret_done = true;
		return 0;
	}
	if (ret->answer == DB_ALLOWS)
		return 0;
	r = find_hash(j, "db", j->db, s->alg, &found, e);
	if (r == 0 && found.n)
		*ret = (struct db_verdict){ DB_ALLOWS, NULL, found };
	return r;
}

static int judge_unsigned(struct judge *j, struct db_verdict *ret, struct pcrcast_error *e)
{
	struct slice found;
	int r = find_hash(j, "dbx", j->dbx, ALG_SHA256, &found, e);

	if (r < 0)
		return r;
	if (found.n) {
		*ret = denied("dbx holds its hash");
		return 0;
	}
	r = find_hash(j, "db", j->db, ALG_SHA256, &found, e);
	if (r == 0)
		*ret = found.n ? (struct db_verdict){ DB_ALLOWS, NULL, found } :
				 denied("it is not signed, and db does not hold its hash");
	return r;
}

static int judge_signed(struct judge *j, const struct signature_list *list, const bool *good,
			struct db_verdict *ret, struct pcrcast_error *e)
{
	struct db_verdict v = denied("no entry of db verifies it");
	bool done = false;
	int r = 0;

	for (size_t i = 0; i < list->n && r == 0 && !done; i++)
		if (!list->items[i].trouble) /* EDK2 passes over what it cannot read, too */
			r = judge_signature(j, &list->items[i], good[i], &v, &done, e);
	if (r == 0 && !done && !list->exact)
		v = denied("its certificate table is not filled to the end by its entries");
	*ret = v;
	return r;
}

int db_judge(struct walk *w, const struct pe *pe, struct db_verdict *ret, struct pcrcast_error *e)
{
	struct judge j = {
		.w = w, .db = database(w, "db"), .dbx = database(w, "dbx"), .dbt = database(w, "dbt")
	};
	alg_set needed = 1u << ALG_SHA256;
	struct signature_list list;
	struct blob bytes;
	bool *good;

	int r = signatures_read(w->pool, pe, &list, e);
	if (r == 0)
		r = signatures_check(w->pool, pe, &list, w->jobs, &good, e);
	if (r == 0)
		r = authenticode_bytes(w->pool, pe, &bytes, e);
	if (r == 0)
		r = hash_jobs_add(w->jobs, &bytes, &j.job, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n; i++)
		if (!list.items[i].trouble)
			needed |= 1u << list.items[i].alg;
	r = hash_jobs_run(w->jobs, needed, 0, e);
	if (r < 0)
		return r;
	return pe->cert_len == 0 ? judge_unsigned(&j, ret, e) : judge_signed(&j, &list, good, ret, e);
}
