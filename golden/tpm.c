#include "golden/tpm.h"

#include <assert.h>

#include <tss2/tss2_mu.h>

#include "base/reader.h"

static_assert(TPM_BANKS_MAX == TPM2_NUM_PCR_BANKS, "selections");
static_assert(TPM_RSA_MAX == TPM2_MAX_RSA_KEY_BYTES, "modulus");
static_assert(TPM_DATA_MAX >= sizeof(((TPM2B_DATA *)0)->buffer), "extraData");
static_assert(TPM_NAME_MAX <= sizeof(((TPM2B_NAME *)0)->name), "name");

const char *tpm_scheme_name(enum tpm_scheme scheme)
{
	static const char *const names[] = { "none", "RSASSA", "RSAPSS", "ECDSA", "other" };

	return names[scheme];
}

const char *tpm_alg_name(uint16_t id)
{
	static const struct {
		uint16_t id;
		const char *name;
	} rows[] = {
		{ TPM2_ALG_RSA, "rsa" },
		{ TPM2_ALG_SHA1, "sha1" },
		{ TPM2_ALG_HMAC, "hmac" },
		{ TPM2_ALG_KEYEDHASH, "keyedhash" },
		{ TPM2_ALG_SHA256, "sha256" },
		{ TPM2_ALG_SHA384, "sha384" },
		{ TPM2_ALG_SHA512, "sha512" },
		{ TPM2_ALG_NULL, "null" },
		{ TPM2_ALG_SM3_256, "sm3_256" },
		{ TPM2_ALG_RSASSA, "rsassa" },
		{ TPM2_ALG_RSAPSS, "rsapss" },
		{ TPM2_ALG_ECDSA, "ecdsa" },
		{ TPM2_ALG_ECDAA, "ecdaa" },
		{ TPM2_ALG_SM2, "sm2" },
		{ TPM2_ALG_ECSCHNORR, "ecschnorr" },
		{ TPM2_ALG_ECC, "ecc" },
		{ TPM2_ALG_SYMCIPHER, "symcipher" },
		{ TPM2_ALG_SHA3_256, "sha3_256" },
		{ TPM2_ALG_SHA3_384, "sha3_384" },
		{ TPM2_ALG_SHA3_512, "sha3_512" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].id == id)
			return rows[i].name;
	return "unknown algorithm";
}

/* ---- quotes ---- */

static const char *attest_name(uint16_t type)
{
	static const struct {
		uint16_t type;
		const char *name;
	} rows[] = {
		{ TPM2_ST_ATTEST_NV, "an attestation of an NV index" },
		{ 0x801c,
		  "an attestation of an NV index's digest" }, /* TPM_ST_ATTEST_NV_DIGEST, since revision 1.59 */
		{ TPM2_ST_ATTEST_COMMAND_AUDIT, "an attestation of the command audit" },
		{ TPM2_ST_ATTEST_SESSION_AUDIT, "an attestation of a session audit" },
		{ TPM2_ST_ATTEST_CERTIFY, "an attestation of a key (certify)" },
		{ TPM2_ST_ATTEST_TIME, "an attestation of the time" },
		{ TPM2_ST_ATTEST_CREATION, "an attestation of a creation" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].type == type)
			return rows[i].name;
	return "nothing known";
}

/* Over a TPM2B of at most max bytes. */
static int pass_2b(struct reader *r, const char *what, size_t max, struct pcrcast_error *e)
{
	size_t at = r->pos;
	uint16_t n = reader_u16be(r);

	if (n > max)
		return err_set(e, PCRCAST_EFORMAT, at, "%s: %u bytes, at most %zu handled", what, n, max);
	(void)reader_take(r, n);
	if (r->failed)
		return err_set(e, PCRCAST_ETRUNC, at, "%s: the quote ends inside", what);
	return 0;
}

static int pass_selections(struct reader *r, struct pcrcast_error *e)
{
	size_t at = r->pos;
	uint32_t count = reader_u32be(r);

	if (count > TPM_BANKS_MAX)
		return err_set(e, PCRCAST_ELIMIT, at, "%u PCR selections, at most %d handled", count,
			       TPM_BANKS_MAX);
	for (uint32_t i = 0; i < count && !r->failed; i++) {
		at = r->pos;
		(void)reader_u16be(r);
		uint8_t n = reader_u8(r);
		(void)reader_take(r, n);
		if (!r->failed && (n == 0 || n > TPM2_PCR_SELECT_MAX))
			return err_set(e, PCRCAST_EFORMAT, at + 2,
				       "PCR selection %u: a mask of %u bytes, expected 1 to %d", i, n,
				       TPM2_PCR_SELECT_MAX);
	}
	if (r->failed)
		return err_set(e, PCRCAST_ETRUNC, at, "PCR selection: the quote ends inside");
	return 0;
}

/*
 * The framing of a quote: where exactly it is broken. tss2-mu does not say, and prints about some lengths; after this it
 * has nothing to complain of.
 */
static int pass_quote(struct reader *r, struct pcrcast_error *e)
{
	size_t at = r->pos;
	uint32_t magic = reader_u32be(r);
	uint16_t type = reader_u16be(r);
	int rc;

	if (r->failed)
		return err_set(e, PCRCAST_ETRUNC, at,
			       "a quote begins with magic and type, 6 bytes; found %zu", r->end - at);
	if (magic != TPM2_GENERATED_VALUE)
		return err_set(e, PCRCAST_EFORMAT, at,
			       "expected the magic ff544347 of what a TPM made, found %08x", magic);
	if (type != TPM2_ST_ATTEST_QUOTE)
		return err_set(e, PCRCAST_EUNSUPPORTED, at + 4,
			       "expected a quote (type 8018), found %s (type %04x)", attest_name(type), type);
	if ((rc = pass_2b(r, "qualifiedSigner", TPM_NAME_MAX, e)) < 0 ||
	    (rc = pass_2b(r, "extraData", sizeof(((TPM2B_DATA *)0)->buffer), e)) < 0)
		return rc;
	at = r->pos;
	(void)reader_take(r, 8 + 4 + 4); /* clock, resetCount, restartCount */
	uint8_t safe = reader_u8(r);
	(void)reader_take(r, 8); /* firmwareVersion */
	if (r->failed)
		return err_set(e, PCRCAST_ETRUNC, at, "clock and firmware version: the quote ends inside");
	if (safe > 1)
		return err_set(e, PCRCAST_EFORMAT, at + 16, "clockInfo.safe is %u, expected 0 or 1", safe);
	if ((rc = pass_selections(r, e)) < 0 || (rc = pass_2b(r, "pcrDigest", DIGEST_MAX, e)) < 0)
		return rc;
	if (reader_left(r))
		return err_set(e, PCRCAST_EFORMAT, r->pos, "%zu bytes behind the end of the quote",
			       reader_left(r));
	return 0;
}

static void take_quote(const TPMS_ATTEST *a, struct tpm_quote *q)
{
	const TPMS_QUOTE_INFO *info = &a->attested.quote;

	q->signer.n = a->qualifiedSigner.size;
	memcpy(q->signer.bytes, a->qualifiedSigner.name, q->signer.n);
	q->extra_data_len = a->extraData.size;
	memcpy(q->extra_data, a->extraData.buffer, q->extra_data_len);
	q->clock = a->clockInfo.clock;
	q->reset_count = a->clockInfo.resetCount;
	q->restart_count = a->clockInfo.restartCount;
	q->safe = a->clockInfo.safe == 1;
	q->firmware_version = a->firmwareVersion;
	q->n_selections = info->pcrSelect.count;
	for (size_t i = 0; i < q->n_selections; i++) {
		const TPMS_PCR_SELECTION *s = &info->pcrSelect.pcrSelections[i];

		q->selections[i].bank_id = s->hash;
		q->selections[i].bank = alg_by_tpm_id(s->hash);
		for (size_t k = 0; k < s->sizeofSelect; k++)
			q->selections[i].pcrs |= (uint32_t)s->pcrSelect[k] << 8 * k;
	}
	q->pcr_digest_len = info->pcrDigest.size;
	memcpy(q->pcr_digest, info->pcrDigest.buffer, q->pcr_digest_len);
}

int tpm_quote_read(struct slice bytes, struct tpm_quote *ret, struct pcrcast_error *e)
{
	struct reader r = reader_over(bytes);
	struct tpm_quote q = { .message = bytes };
	TPMS_ATTEST attest = { 0 };
	size_t off = 0;

	/* TPM2B_ATTEST. The magic begins with ff54, a size that no attestation has. */
	if (bytes.n >= 2 && get_u16be(bytes.p) == bytes.n - 2) {
		r.pos = 2;
		q.message = (struct slice){ bytes.p + 2, bytes.n - 2 };
	}
	int rc = pass_quote(&r, e);
	if (rc < 0)
		return rc;
	if (Tss2_MU_TPMS_ATTEST_Unmarshal(q.message.p, q.message.n, &off, &attest) != TSS2_RC_SUCCESS ||
	    off != q.message.n)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "tss2-mu cannot read this quote");
	take_quote(&attest, &q);
	*ret = q;
	return 0;
}

/* ---- signatures ---- */

static int cannot_read(struct pcrcast_error *e, const char *what, size_t n)
{
	return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
		       "%s: cut short, or a length or algorithm is wrong (%zu bytes)", what, n);
}

int tpm_signature_read(struct slice bytes, struct tpm_signature *ret, struct pcrcast_error *e)
{
	struct tpm_signature s = { .rsa = SLICE_EMPTY, .r = SLICE_EMPTY, .s = SLICE_EMPTY };
	struct reader r = reader_over(bytes);
	TPMT_SIGNATURE signature;
	size_t off = 0;

	uint16_t scheme = reader_u16be(&r);
	uint16_t hash = reader_u16be(&r);
	if (r.failed)
		return err_set(e, PCRCAST_ETRUNC, 0,
			       "a TPMT_SIGNATURE begins with scheme and hash, 4 bytes; found %zu", bytes.n);
	s.scheme = scheme == TPM2_ALG_RSASSA ? TPM_RSASSA :
		   scheme == TPM2_ALG_RSAPSS ? TPM_RSAPSS :
		   scheme == TPM2_ALG_ECDSA  ? TPM_ECDSA :
					       TPM_SCHEME_OTHER;
	if (s.scheme == TPM_SCHEME_OTHER)
		return err_set(e, PCRCAST_EUNSUPPORTED, 0,
			       "expected a signature of scheme RSASSA, RSAPSS or ECDSA, found %04x (%s)",
			       scheme, tpm_alg_name(scheme));
	s.hash = alg_by_tpm_id(hash);
	if (s.hash == ALG_COUNT)
		return err_set(
			e, PCRCAST_EUNSUPPORTED, 2,
			"expected a signature with SHA-1, SHA-256, SHA-384 or SHA-512, found %04x (%s)", hash,
			tpm_alg_name(hash));
	if (Tss2_MU_TPMT_SIGNATURE_Unmarshal(bytes.p, bytes.n, &off, &signature) != TSS2_RC_SUCCESS)
		return cannot_read(e, "TPMT_SIGNATURE", bytes.n);
	if (off != bytes.n)
		return err_set(e, PCRCAST_EFORMAT, off, "%zu bytes behind the end of the signature",
			       bytes.n - off);
	/* The same places that tss2-mu has just read: the slices lie inside. */
	if (s.scheme == TPM_ECDSA) {
		s.r = reader_take(&r, reader_u16be(&r));
		s.s = reader_take(&r, reader_u16be(&r));
	} else {
		s.rsa = reader_take(&r, reader_u16be(&r));
	}
	if (r.failed || reader_left(&r))
		return cannot_read(e, "TPMT_SIGNATURE", bytes.n);
	*ret = s;
	return 0;
}

/* ---- keys ---- */

/* TPM2B_PUBLIC becomes the TPMT_PUBLIC inside. */
static struct slice public_area(struct slice bytes)
{
	if (bytes.n >= 2 && get_u16be(bytes.p) == bytes.n - 2)
		return (struct slice){ bytes.p + 2, bytes.n - 2 };
	return bytes;
}

bool tpm_public_likely(struct slice bytes)
{
	struct slice area = public_area(bytes);

	/* TPMI_ALG_PUBLIC is RSA, KEYEDHASH, ECC or SYMCIPHER; then a TPM_ALG_ID, which has a first byte of zero. */
	return area.n >= 4 && area.p[0] == 0 && (area.p[2] == 0) &&
	       (area.p[1] == TPM2_ALG_RSA || area.p[1] == TPM2_ALG_KEYEDHASH || area.p[1] == TPM2_ALG_ECC ||
		area.p[1] == TPM2_ALG_SYMCIPHER);
}

/* RSASSA or RSAPSS of an RSA key, ECDSA of an ECC key, with a hash that is known; else TPM_SCHEME_OTHER. */
static void take_scheme(uint16_t scheme, uint16_t hash, struct tpm_public *p)
{
	p->scheme = scheme == TPM2_ALG_RSASSA && !p->ecc ? TPM_RSASSA :
		    scheme == TPM2_ALG_RSAPSS && !p->ecc ? TPM_RSAPSS :
		    scheme == TPM2_ALG_ECDSA && p->ecc   ? TPM_ECDSA :
							   TPM_SCHEME_OTHER;
	p->hash = p->scheme == TPM_SCHEME_OTHER ? ALG_COUNT : alg_by_tpm_id(hash);
	if (p->hash == ALG_COUNT)
		p->scheme = scheme == TPM2_ALG_NULL ? TPM_SCHEME_NONE : TPM_SCHEME_OTHER;
}

static int take_rsa(const TPMT_PUBLIC *pub, struct tpm_public *p, struct pcrcast_error *e)
{
	const TPMS_RSA_PARMS *parms = &pub->parameters.rsaDetail;
	const TPM2B_PUBLIC_KEY_RSA *modulus = &pub->unique.rsa;

	take_scheme(parms->scheme.scheme, parms->scheme.details.anySig.hashAlg, p);
	p->key_bits = parms->keyBits;
	p->exponent = parms->exponent ? parms->exponent : 65537; /* part 2, section 12.2.3.5 */
	if (modulus->size != parms->keyBits / 8 || parms->keyBits % 8)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "RSA public area of %u bits with a modulus of %u bytes%s", parms->keyBits,
			       modulus->size, modulus->size ? "" : ": a template, not a key");
	p->a_len = modulus->size;
	memcpy(p->a, modulus->buffer, p->a_len);
	return 0;
}

static int take_ecc(const TPMT_PUBLIC *pub, struct tpm_public *p, struct pcrcast_error *e)
{
	const TPMS_ECC_PARMS *parms = &pub->parameters.eccDetail;
	const TPMS_ECC_POINT *point = &pub->unique.ecc;

	p->ecc = true;
	take_scheme(parms->scheme.scheme, parms->scheme.details.anySig.hashAlg, p);
	p->curve = parms->curveID;
	size_t max = p->curve == TPM_P256 ? 32 :
		     p->curve == TPM_P384 ? 48 :
		     p->curve == TPM_P521 ? TPM_ECC_MAX :
					    0;
	if (max == 0)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "expected the curve P-256, P-384 or P-521 (3, 4, 5), found %04x", p->curve);
	if (point->x.size == 0 || point->y.size == 0 || point->x.size > max || point->y.size > max)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "ECC public area with coordinates of %u and %u bytes, expected up to %zu%s",
			       point->x.size, point->y.size, max,
			       point->x.size || point->y.size ? "" : ": a template, not a key");
	p->a_len = point->x.size;
	memcpy(p->a, point->x.buffer, p->a_len);
	p->y_len = point->y.size;
	memcpy(p->y, point->y.buffer, p->y_len);
	return 0;
}

int tpm_public_read(struct slice bytes, struct tpm_public *ret, struct pcrcast_error *e)
{
	struct tpm_public p = { .area = public_area(bytes) };
	TPMT_PUBLIC pub = { 0 };
	size_t off = 0;

	if (p.area.n < 2)
		return err_set(e, PCRCAST_ETRUNC, 0, "a TPMT_PUBLIC begins with its type, 2 bytes; found %zu",
			       p.area.n);
	uint16_t type = get_u16be(p.area.p);
	if (type != TPM2_ALG_RSA && type != TPM2_ALG_ECC)
		return err_set(e, PCRCAST_EUNSUPPORTED, 0,
			       "expected the public area of an RSA or ECC key (0001, 0023), found %04x (%s)",
			       type, tpm_alg_name(type));
	if (Tss2_MU_TPMT_PUBLIC_Unmarshal(p.area.p, p.area.n, &off, &pub) != TSS2_RC_SUCCESS)
		return cannot_read(e, "TPMT_PUBLIC", p.area.n);
	if (off != p.area.n)
		return err_set(e, PCRCAST_EFORMAT, off, "%zu bytes behind the end of the TPMT_PUBLIC",
			       p.area.n - off);
	p.name_alg = alg_by_tpm_id(pub.nameAlg);
	p.attributes = pub.objectAttributes;
	int rc = type == TPM2_ALG_RSA ? take_rsa(&pub, &p, e) : take_ecc(&pub, &p, e);
	if (rc < 0)
		return rc;
	*ret = p;
	return 0;
}

int tpm_public_name(const struct tpm_public *p, struct tpm_name *ret, struct pcrcast_error *e)
{
	struct tpm_name name = { .n = 0 };
	struct digest d;

	if (p->name_alg < ALG_COUNT) {
		int rc = digest_of(p->name_alg, p->area, &d, e);

		if (rc < 0)
			return rc;
		name.n = 2u + algs[p->name_alg].len;
		name.bytes[0] = (uint8_t)(algs[p->name_alg].tpm_id >> 8);
		name.bytes[1] = (uint8_t)algs[p->name_alg].tpm_id;
		memcpy(name.bytes + 2, d.bytes, algs[p->name_alg].len);
	}
	*ret = name;
	return 0;
}
