#include "golden/quote.h"

#include <stdio.h>

#include "base/bytes.h"
#include "base/sha.h"

enum alg quote_hash(const struct tpm_quote *q)
{
	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		if (algs[alg].len == q->pcr_digest_len)
			return alg;
	return ALG_COUNT;
}

uint32_t quote_covers(const struct tpm_quote *q, enum alg bank)
{
	uint32_t pcrs = 0;

	for (size_t i = 0; i < q->n_selections; i++)
		if (q->selections[i].bank == bank)
			pcrs |= q->selections[i].pcrs;
	return pcrs;
}

/* Can the values of a selection be had? */
static int selection_known(const struct tpm_selection *s, const struct pcr_values *values,
			   struct pcrcast_error *e)
{
	if (s->pcrs == 0)
		return 0;
	if (s->bank == ALG_COUNT)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "the quote covers a bank that is not known here: %s (%04x)",
			       tpm_alg_name(s->bank_id), s->bank_id);
	for (unsigned i = 0; i < 32; i++) {
		if (!(s->pcrs >> i & 1))
			continue;
		if (i >= PCR_COUNT)
			return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
				       "the quote covers PCR %u of bank %s, a PC has 0 to %d", i,
				       algs[s->bank].name, PCR_COUNT - 1);
		if (values && !(values->known[s->bank] >> i & 1))
			return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
				       "the quote covers PCR %u of bank %s, whose value is not known", i,
				       algs[s->bank].name);
	}
	return 0;
}

static bool hash_values(struct sha *h, const struct tpm_selection *s, const struct pcr_values *values)
{
	for (unsigned i = 0; i < PCR_COUNT; i++)
		if (s->pcrs >> i & 1 && !sha_update(h, values->value[s->bank][i], algs[s->bank].len))
			return false;
	return true;
}

int quote_pcr_digest(const struct tpm_selection *selections, size_t n, const struct pcr_values *values,
		     enum alg hash, struct digest *ret, struct pcrcast_error *e)
{
	for (size_t i = 0; i < n; i++) {
		int rc = selection_known(&selections[i], values, e);

		if (rc < 0)
			return rc;
	}
	struct sha *h = sha_new(hash);
	bool ok = h != NULL;
	for (size_t i = 0; i < n && ok; i++)
		ok = hash_values(h, &selections[i], values);
	ok = ok && sha_peek(h, ret);
	sha_free(h);
	return ok ? 0 :
		    err_set(e, PCRCAST_ECRYPTO, PCRCAST_NO_OFFSET, "libcrypto cannot compute %s",
			    algs[hash].name);
}

enum match quote_match_values(const struct tpm_quote *q, enum alg hash, const struct pcr_values *values,
			      char why[static QUOTE_WHY_MAX])
{
	enum alg own = quote_hash(q);
	struct pcrcast_error e = { .msg = "" };
	struct digest d;

	why[0] = '\0';
	if (own == ALG_COUNT) {
		(void)snprintf(why, QUOTE_WHY_MAX,
			       "the quote's PCR digest has %zu bytes, which no known hash has",
			       q->pcr_digest_len);
		return MATCH_CANNOT_TELL;
	}
	if (hash != ALG_COUNT && own != hash) {
		(void)snprintf(why, QUOTE_WHY_MAX,
			       "the quote's PCR digest has %zu bytes, the signature is with %s",
			       q->pcr_digest_len, algs[hash].name);
		return MATCH_NO;
	}
	if (quote_pcr_digest(q->selections, q->n_selections, values, own, &d, &e) < 0) {
		(void)snprintf(why, QUOTE_WHY_MAX, "%.*s", QUOTE_WHY_MAX - 1, e.msg);
		return MATCH_CANNOT_TELL;
	}
	if (memcmp(d.bytes, q->pcr_digest, q->pcr_digest_len) == 0)
		return MATCH_YES;
	(void)snprintf(why, QUOTE_WHY_MAX, "the values do not hash to the quote's PCR digest");
	return MATCH_NO;
}

/* The values of one selection from the front of *bytes. */
static int name_selection(const struct tpm_selection *s, struct slice *bytes, struct pcr_values *v,
			  struct pcrcast_error *e)
{
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		struct slice value;

		if (!(s->pcrs >> i & 1))
			continue;
		if (!slice_at(*bytes, 0, algs[s->bank].len, &value))
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				       "the values end before PCR %u of bank %s, which the quote covers", i,
				       algs[s->bank].name);
		if (v->known[s->bank] >> i & 1 && memcmp(v->value[s->bank][i], value.p, value.n) != 0)
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				       "two different values for PCR %u of bank %s", i, algs[s->bank].name);
		memcpy(v->value[s->bank][i], value.p, value.n);
		v->known[s->bank] |= UINT32_C(1) << i;
		*bytes = (struct slice){ bytes->p + value.n, bytes->n - value.n };
	}
	return 0;
}

int quote_name_values(const struct tpm_quote *q, struct slice bytes, struct pcr_values *ret,
		      struct pcrcast_error *e)
{
	struct pcr_values v = { .known = { 0 } };

	for (size_t i = 0; i < q->n_selections; i++) {
		int rc = selection_known(&q->selections[i], NULL, e);

		if (rc == 0 && q->selections[i].pcrs)
			rc = name_selection(&q->selections[i], &bytes, &v, e);
		if (rc < 0)
			return rc;
	}
	if (bytes.n)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "%zu bytes behind the values that the quote covers", bytes.n);
	*ret = v;
	return 0;
}

/* ---- the signer's name ---- */

/* nameAlg; ALG_COUNT when it is no hash that is known, or the length does not fit. */
static enum alg name_alg(const struct tpm_name *name)
{
	enum alg alg = name->n >= 2 ? alg_by_tpm_id(get_u16be(name->bytes)) : ALG_COUNT;

	return alg != ALG_COUNT && name->n == 2u + algs[alg].len ? alg : ALG_COUNT;
}

int quote_qualified_name(const struct tpm_name *parent, uint32_t hierarchy, const struct tpm_name *name,
			 struct tpm_name *ret, struct pcrcast_error *e)
{
	const uint8_t handle[] = { (uint8_t)(hierarchy >> 24), (uint8_t)(hierarchy >> 16),
				   (uint8_t)(hierarchy >> 8), (uint8_t)hierarchy };
	uint8_t both[2 * TPM_NAME_MAX];
	struct slice first =
		parent ? (struct slice){ parent->bytes, parent->n } : (struct slice){ handle, sizeof handle };
	struct tpm_name qualified = { .n = 0 };
	enum alg alg = name_alg(name);
	struct digest d;

	if (alg != ALG_COUNT && first.n) {
		memcpy(both, first.p, first.n);
		memcpy(both + first.n, name->bytes, name->n);
		int rc = digest_of(alg, (struct slice){ both, first.n + name->n }, &d, e);
		if (rc < 0)
			return rc;
		qualified.n = name->n;
		memcpy(qualified.bytes, name->bytes, 2);
		memcpy(qualified.bytes + 2, d.bytes, algs[alg].len);
	}
	*ret = qualified;
	return 0;
}

static bool name_equal(const struct tpm_name *a, const struct tpm_name *b)
{
	return a->n == b->n && a->n != 0 && memcmp(a->bytes, b->bytes, a->n) == 0;
}

enum match quote_match_signer(const struct tpm_quote *q, const struct tpm_name *name,
			      const struct tpm_name *parent, uint32_t *ret_hierarchy)
{
	static const uint32_t hierarchies[] = { TPM_RH_ENDORSEMENT, TPM_RH_OWNER, TPM_RH_PLATFORM,
						TPM_RH_NULL };
	enum alg alg = name_alg(name), signer = name_alg(&q->signer);

	if (alg == ALG_COUNT || signer == ALG_COUNT)
		return MATCH_CANNOT_TELL;
	if (alg != signer)
		return MATCH_NO;
	for (size_t i = 0; i < sizeof hierarchies / sizeof hierarchies[0]; i++) {
		struct tpm_name primary, above, child = { .n = 0 };

		if (quote_qualified_name(NULL, hierarchies[i], name, &primary, NULL) < 0)
			return MATCH_CANNOT_TELL;
		if (parent && (quote_qualified_name(NULL, hierarchies[i], parent, &above, NULL) < 0 ||
			       quote_qualified_name(&above, 0, name, &child, NULL) < 0))
			return MATCH_CANNOT_TELL;
		if (name_equal(&primary, &q->signer) || name_equal(&child, &q->signer)) {
			*ret_hierarchy = hierarchies[i];
			return MATCH_YES;
		}
	}
	return MATCH_CANNOT_TELL;
}
