/*
 * Whether firmware would load an image: its headers, and with Secure Boot its signature: by db and dbx when they are
 * known (secureboot_db.c), else as far as it can be told without them.
 *
 * Source: UEFI 2.10, section 32.5.3.3. An image that the boot has to go through must be accepted, or there is no such boot;
 * so without db its signer's certificate is taken to be in it, which the output says.
 */
#include "predict/secureboot.h"

#include "predict/shim.h"

int walk_count_trial(struct walk *w, const char *name, const struct signature *s, struct pcrcast_error *e)
{
	enum {
		TRIED_MAX =
			64
			<< 20, /* bytes; real boots try some hundred times, with signatures of some 10 KiB */
		TRIAL_MIN = 1 << 10, /* that a trial counts at least */
	};

	w->n_tried += TRIAL_MIN + s->pkcs7.n;
	return w->n_tried <= TRIED_MAX ?
		       0 :
		       err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "%s: trying its certificates with the signatures of the images takes more than %d MiB",
			       name, TRIED_MAX >> 20);
}

static bool trusts(const struct walk *w, const struct digest *certificate)
{
	for (size_t i = 0; i < w->n_trusted; i++)
		if (digest_equal(&w->trusted[i], certificate))
			return true;
	return false;
}

static int trust(struct walk *w, const struct signature *s, struct pcrcast_error *e)
{
	char hex[2 * DIGEST_MAX + 1];

	if (trusts(w, &s->certificate))
		return 0;
	struct digest *d = pool_push(w->pool, &w->trusted, &w->n_trusted, &w->cap_trusted, sizeof *d);
	if (!d)
		return err_nomem(e);
	*d = s->certificate;
	hex_encode(s->certificate.bytes, algs[ALG_SHA256].len, hex);
	char *value = pool_printf(w->pool, "%s (SHA-256 of the certificate %s)", s->subject, hex);
	return value ? walk_assume(w, "certificate-in-db", value, NULL, e) : err_nomem(e);
}

/* The image's headers please the firmware; *ret and *ret_why say so already. */
static int judge_by_db(struct walk *w, const struct pe *pe, enum verdict *ret, const char **ret_why,
		       struct pcrcast_error *e)
{
	struct db_verdict v;
	int r = db_judge(w, pe, &v, e);

	if (r == 0 && !firmware_variables_know(w->opt->variables, "dbx", &guid_image_security))
		r = walk_assume(w, "variable dbx", "forbids nothing that is booted", "--dbx", e);
	if (r < 0 || v.answer == DB_ALLOWS)
		return r;
	*ret = v.answer == DB_DENIES ? IMAGE_REFUSED : IMAGE_UNSURE;
	*ret_why = pool_printf(w->pool,
			       v.answer == DB_DENIES ?
				       "firmware with Secure Boot refuses it: %s" :
				       "whether firmware with Secure Boot loads it is not known: %s",
			       v.why);
	return *ret_why ? 0 : err_nomem(e);
}

int walk_judge_image(struct walk *w, const struct pe *pe, bool on_the_way, enum verdict *ret,
		     const char **ret_why, struct pcrcast_error *e)
{
	struct signature_list list;
	bool *good, any_good = false, any_trusted = false;

	if (shim_in_charge(w->shim))
		return shim_judge_later(w->shim, pe, on_the_way, ret, ret_why, e);
	*ret = IMAGE_ACCEPTED;
	*ret_why = NULL;
	enum pe_fate fate = pe_fate_under_edk2(w->pool, pe, ret_why);
	if (fate != PE_LOADS) {
		*ret = fate == PE_REFUSED ? IMAGE_REFUSED : IMAGE_MEASURED;
		*ret_why = pool_printf(w->pool,
				       fate == PE_REFUSED ?
					       "firmware refuses it: %s" :
					       "firmware cannot load it (it is in PCR 4 all the same): %s",
				       *ret_why);
		if (!*ret_why)
			return err_nomem(e);
	}
	if (!w->opt->secure_boot || fate == PE_REFUSED)
		return 0;
	if (db_known(w))
		return judge_by_db(w, pe, ret, ret_why, e);
	int r = signatures_read(w->pool, pe, &list, e);
	if (r == 0)
		r = signatures_check(w->pool, pe, &list, w->jobs, &good, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n; i++) {
		if (!good[i])
			continue;
		any_good = true;
		any_trusted |= trusts(w, &list.items[i].certificate);
	}
	if (!any_good) {
		*ret = IMAGE_REFUSED;
		*ret_why = list.n ? "firmware with Secure Boot refuses it: no signature fits the image" :
				    "firmware with Secure Boot refuses it: it is not signed";
		return 0;
	}
	if (any_trusted || fate != PE_LOADS)
		return 0;
	if (!on_the_way) {
		*ret = IMAGE_UNSURE;
		*ret_why = "it is signed, but not by the certificate that signed what was booted before";
		return 0;
	}
	for (size_t i = 0; r == 0 && i < list.n; i++)
		if (good[i])
			r = trust(w, &list.items[i], e);
	return r;
}
