#include "golden/policy.h"

#include "base/sha.h"

enum { TPM_REF_MAX = 64 }; /* bytes of a policyRef: TPM2B_NONCE, the size of the largest digest */

/* TPM_CC, TPM 2.0 Library, part 2, table "TPM_CC Constants", as they are hashed: big endian. */
static const uint8_t cc_policy_authorize[] = { 0, 0, 0x01, 0x6a };
static const uint8_t cc_policy_or[] = { 0, 0, 0x01, 0x71 };
static const uint8_t cc_policy_pcr[] = { 0, 0, 0x01, 0x7f };
static const uint8_t cc_policy_authorize_nv[] = { 0, 0, 0x01, 0x92 };

static struct slice digest_slice(const struct digest *d)
{
	return (struct slice){ d->bytes, algs[d->alg].len };
}

#define BYTES(array) ((struct slice){ (array), sizeof(array) })

static void sha_freep(struct sha **h)
{
	sha_free(*h);
}

/* The hash of the parts, one after the other. */
static int hash_parts(enum alg alg, const struct slice *parts, size_t n, struct digest *ret,
		      struct pcrcast_error *e)
{
	_cleanup_(sha_freep) struct sha *h = sha_new(alg);
	bool ok = h != NULL;

	for (size_t i = 0; ok && i < n; i++)
		ok = sha_update(h, parts[i].p, parts[i].n);
	if (!ok || !sha_peek(h, ret))
		return err_set(e, PCRCAST_ECRYPTO, PCRCAST_NO_OFFSET, "libcrypto cannot compute %s",
			       algs[alg].name);
	return 0;
}

struct digest policy_start(enum alg session)
{
	return (struct digest){ .alg = session };
}

static int check_selection(const struct policy_selection *s, const struct pcr_values *values,
			   struct pcrcast_error *e)
{
	alg_set seen = 0;
	uint32_t any = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct policy_bank *b = &s->banks[i];

		if (b->alg >= ALG_COUNT || seen & 1u << b->alg || b->pcrs >> PCR_COUNT)
			return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
				       "a selection of PCRs names each bank once and PCRs 0 to %d",
				       PCR_COUNT - 1);
		seen |= 1u << b->alg;
		any |= b->pcrs;
		for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
			if (b->pcrs & ~values->known[b->alg] & 1u << pcr)
				return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
					       "there is no value of %s:%u for a policy", algs[b->alg].name,
					       pcr);
	}
	if (any == 0)
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "a policy needs at least one PCR, none is selected");
	return 0;
}

/* TPML_PCR_SELECTION, with three bytes a bank as tpm2-tss and systemd send it (sizeofSelect is hashed too). */
static struct slice marshal_selection(const struct policy_selection *s, uint8_t buf[static 4 + 6 * ALG_COUNT])
{
	uint8_t *p = buf;

	*p++ = 0;
	*p++ = 0;
	*p++ = 0;
	*p++ = (uint8_t)s->n;
	for (size_t i = 0; i < s->n; i++) {
		uint16_t id = algs[s->banks[i].alg].tpm_id;
		uint32_t pcrs = s->banks[i].pcrs;

		*p++ = (uint8_t)(id >> 8);
		*p++ = (uint8_t)id;
		*p++ = PCR_COUNT / 8;
		*p++ = (uint8_t)pcrs;
		*p++ = (uint8_t)(pcrs >> 8);
		*p++ = (uint8_t)(pcrs >> 16);
	}
	return (struct slice){ buf, (size_t)(p - buf) };
}

/* TPM 2.0 Library, part 1, "PCR Selection": bank by bank in the order of the selection, in a bank ascending. */
static int hash_values(enum alg session, const struct policy_selection *s, const struct pcr_values *values,
		       struct digest *ret, struct pcrcast_error *e)
{
	struct slice parts[ALG_COUNT * PCR_COUNT];
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
			if (s->banks[i].pcrs & 1u << pcr)
				parts[n++] = (struct slice){ values->value[s->banks[i].alg][pcr],
							     algs[s->banks[i].alg].len };
	return hash_parts(session, parts, n, ret, e);
}

int policy_pcr(struct digest *policy, const struct policy_selection *selection,
	       const struct pcr_values *values, struct digest *ret_values, struct pcrcast_error *e)
{
	uint8_t buf[4 + 6 * ALG_COUNT];
	struct digest of_values;

	int rc = check_selection(selection, values, e);
	if (rc == 0)
		rc = hash_values(policy->alg, selection, values, &of_values, e);
	if (rc < 0)
		return rc;
	const struct slice parts[] = { digest_slice(policy), BYTES(cc_policy_pcr),
				       marshal_selection(selection, buf), digest_slice(&of_values) };
	rc = hash_parts(policy->alg, parts, 4, policy, e);
	if (rc == 0 && ret_values)
		*ret_values = of_values;
	return rc;
}

int policy_of_value(enum alg alg, uint32_t pcr, const uint8_t *value, uint8_t ret[static 32],
		    struct pcrcast_error *e)
{
	struct policy_selection selection = { .banks = { { alg, UINT32_C(1) << pcr } }, .n = 1 };
	struct digest policy = policy_start(ALG_SHA256);
	struct pcr_values values = { 0 };

	values.known[alg] = UINT32_C(1) << pcr;
	memcpy(values.value[alg][pcr], value, algs[alg].len);
	int rc = policy_pcr(&policy, &selection, &values, NULL, e);
	if (rc == 0)
		memcpy(ret, policy.bytes, algs[ALG_SHA256].len);
	return rc;
}

int policy_or(const struct digest *branches, size_t n, struct digest *ret, struct pcrcast_error *e)
{
	struct slice parts[2 + POLICY_OR_MAX];

	if (n < 2 || n > POLICY_OR_MAX)
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "PolicyOR takes 2 to %d digests, not %zu", POLICY_OR_MAX, n);
	struct digest zero = policy_start(branches[0].alg);
	parts[0] = digest_slice(&zero);
	parts[1] = BYTES(cc_policy_or);
	for (size_t i = 0; i < n; i++) {
		if (branches[i].alg != zero.alg)
			return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
				       "PolicyOR takes digests of one algorithm, not %s and %s",
				       algs[zero.alg].name, algs[branches[i].alg].name);
		parts[2 + i] = digest_slice(&branches[i]);
	}
	return hash_parts(zero.alg, parts, 2 + n, ret, e);
}

/* The algorithm of a Name (TPM2B_NAME of an object or NV index: TPMI_ALG_HASH, digest); the handle of others is no Name here. */
static int name_alg(struct slice name, enum alg *ret, struct pcrcast_error *e)
{
	enum alg alg = name.n < 2 ? ALG_COUNT : alg_by_tpm_id((uint16_t)(name.p[0] << 8 | name.p[1]));

	if (alg == ALG_COUNT || name.n != 2u + algs[alg].len)
		return err_set(
			e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			"a Name is an algorithm (two bytes, such as 000b) and its digest (34 bytes in all "
			"for sha256); this one has %zu bytes%s",
			name.n, alg == ALG_COUNT ? " and no known algorithm" : "");
	*ret = alg;
	return 0;
}

static int check_ref(struct slice ref, struct pcrcast_error *e)
{
	if (ref.n > TPM_REF_MAX)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "a policyRef has at most %d bytes, not %zu", TPM_REF_MAX, ref.n);
	return 0;
}

int policy_authorize(enum alg session, struct slice name, struct slice ref, struct digest *ret,
		     struct pcrcast_error *e)
{
	struct digest d = policy_start(session);
	enum alg alg;

	int rc = name_alg(name, &alg, e);
	if (rc == 0)
		rc = check_ref(ref, e);
	if (rc < 0)
		return rc;
	const struct slice with_name[] = { digest_slice(&d), BYTES(cc_policy_authorize), name };
	rc = hash_parts(session, with_name, 3, &d, e);
	if (rc < 0)
		return rc;
	const struct slice with_ref[] = { digest_slice(&d), ref }; /* hashed again even when ref is empty */
	return hash_parts(session, with_ref, 2, ret, e);
}

int policy_approval(const struct digest *approved, struct slice name, struct slice ref, struct digest *ret,
		    struct pcrcast_error *e)
{
	enum alg alg;

	int rc = name_alg(name, &alg, e);
	if (rc == 0)
		rc = check_ref(ref, e);
	if (rc < 0)
		return rc;
	const struct slice parts[] = { digest_slice(approved), ref };
	return hash_parts(alg, parts, 2, ret, e);
}

int policy_authorize_nv(enum alg session, struct slice name, struct digest *ret, struct pcrcast_error *e)
{
	struct digest zero = policy_start(session);
	enum alg alg;

	int rc = name_alg(name, &alg, e);
	if (rc < 0)
		return rc;
	const struct slice parts[] = { digest_slice(&zero), BYTES(cc_policy_authorize_nv), name };
	return hash_parts(session, parts, 3, ret, e);
}
