#include "golden/signature.h"

#include <stdio.h>

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "golden/key_private.h"

enum { WEAK_BITS = 2048 }; /* RSA keys below are weak (NIST SP 800-131A revision 2, table 2) */

static bool is_rsa(enum tpm_scheme scheme)
{
	return scheme == TPM_RSASSA || scheme == TPM_RSAPSS;
}

static struct slice without_zeros(struct slice s)
{
	while (s.n && s.p[0] == 0)
		s = (struct slice){ s.p + 1, s.n - 1 };
	return s;
}

/* One try with scheme and hash settled. signature is as libcrypto wants it. */
static enum match try_one(const struct key *key, enum tpm_scheme scheme, enum alg hash,
			  struct slice signature, struct slice message)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	enum match match = MATCH_CANNOT_TELL;

	if (ctx &&
	    EVP_DigestVerifyInit(ctx, &pctx, EVP_get_digestbyname(algs[hash].name), NULL, key->pkey) == 1 &&
	    (!is_rsa(scheme) ||
	     EVP_PKEY_CTX_set_rsa_padding(pctx, scheme == TPM_RSASSA ? RSA_PKCS1_PADDING :
								       RSA_PKCS1_PSS_PADDING) > 0) &&
	    (scheme != TPM_RSAPSS || EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_AUTO) > 0))
		match = EVP_DigestVerify(ctx, signature.p, signature.n, message.p, message.n) == 1 ?
				MATCH_YES :
				MATCH_NO;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return match;
}

/* ECDSA-Sig-Value in DER; free with OPENSSL_free. */
static int ecdsa_der(struct slice r, struct slice s, unsigned char **ret, size_t *ret_n,
		     struct pcrcast_error *e)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *br = BN_bin2bn(r.p, (int)r.n, NULL), *bs = BN_bin2bn(s.p, (int)s.n, NULL);
	unsigned char *der = NULL;
	int n = -1;

	if (sig && br && bs && ECDSA_SIG_set0(sig, br, bs) == 1) {
		br = bs = NULL;
		n = i2d_ECDSA_SIG(sig, &der);
	}
	BN_free(br);
	BN_free(bs);
	ECDSA_SIG_free(sig);
	ERR_clear_error();
	if (n <= 0)
		return err_nomem(e);
	*ret = der;
	*ret_n = (size_t)n;
	return 0;
}

/* Can this be a signature by this key at all? False with c->why filled: no. */
static bool possible(const struct key *key, const struct tpm_signature *s, struct signature_check *c)
{
	const struct key_info *k = &key->info;
	bool ecdsa = s->scheme == TPM_ECDSA;
	size_t len = (k->bits + 7) / 8;

	if (ecdsa != (k->kind == KEY_ECC))
		(void)snprintf(c->why, sizeof c->why, "the signature is %s, the key is %s",
			       ecdsa ? "ECDSA" : "RSA", k->kind == KEY_ECC ? "of an elliptic curve" : "RSA");
	else if (is_rsa(s->scheme) && (is_rsa(k->scheme)) && k->scheme != s->scheme)
		(void)snprintf(c->why, sizeof c->why, "the signature is %s, the key signs with %s only",
			       tpm_scheme_name(s->scheme), tpm_scheme_name(k->scheme));
	else if (k->scheme == TPM_SCHEME_OTHER)
		(void)snprintf(c->why, sizeof c->why,
			       "the key's public area has a scheme other than RSASSA, RSAPSS and ECDSA");
	else if (s->hash != ALG_COUNT && k->hash != ALG_COUNT && s->hash != k->hash)
		(void)snprintf(c->why, sizeof c->why, "the signature is with %s, the key signs with %s only",
			       algs[s->hash].name, algs[k->hash].name);
	else if (!ecdsa && s->rsa.n != len)
		(void)snprintf(c->why, sizeof c->why, "the signature has %zu bytes, the key's have %zu",
			       s->rsa.n, len);
	else if (ecdsa && (without_zeros(s->r).n > len || without_zeros(s->s).n > len))
		(void)snprintf(c->why, sizeof c->why, "r or s is longer than the %zu bytes of %s", len,
			       k->curve);
	else
		return true;
	return false;
}

/* Every scheme and hash that s and the key leave open. */
static void try_all(const struct key *key, const struct tpm_signature *s, struct slice signature,
		    struct slice message, struct signature_check *c)
{
	static const enum tpm_scheme schemes[] = { TPM_RSASSA, TPM_RSAPSS, TPM_ECDSA };
	enum tpm_scheme scheme = s->scheme != TPM_SCHEME_NONE ? s->scheme : key->info.scheme;
	enum alg hash = s->hash != ALG_COUNT ? s->hash : key->info.hash;
	bool untold = false;

	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
		if (scheme != TPM_SCHEME_NONE ? scheme != schemes[i] : !is_rsa(schemes[i]))
			continue;
		for (enum alg alg = ALG_COUNT; alg-- > 0;) {
			if (hash != ALG_COUNT && hash != alg)
				continue;
			enum match m = try_one(key, schemes[i], alg, signature, message);
			if (m == MATCH_YES) {
				c->match = MATCH_YES;
				c->scheme = schemes[i];
				c->hash = alg;
				return;
			}
			untold |= m == MATCH_CANNOT_TELL;
		}
	}
	c->match = untold ? MATCH_CANNOT_TELL : MATCH_NO;
	(void)snprintf(c->why, sizeof c->why, "%s",
		       untold ? "libcrypto does not verify signatures with this hash and key" :
				"the signature is not by this key over this message");
}

int signature_verify(const struct key *key, const struct tpm_signature *s, struct slice message,
		     struct signature_check *ret, struct pcrcast_error *e)
{
	struct signature_check c = { .match = MATCH_NO, .scheme = s->scheme, .hash = s->hash };
	struct slice signature = s->rsa;
	unsigned char *der = NULL;

	if (possible(key, s, &c)) {
		if (s->scheme == TPM_ECDSA) {
			int rc = ecdsa_der(s->r, s->s, &der, &signature.n, e);

			if (rc < 0)
				return rc;
			signature.p = der;
		}
		try_all(key, s, signature, message, &c);
		OPENSSL_free(der);
	}
	c.weak = c.match == MATCH_YES &&
		 (c.hash == ALG_SHA1 || (key->info.kind == KEY_RSA && key->info.bits < WEAK_BITS));
	*ret = c;
	return 0;
}

/* ---- bare signatures ---- */

/* A non-negative INTEGER at the front of *rest, which is moved behind it. */
static bool der_integer(struct slice *rest, struct slice *ret)
{
	const unsigned char *p = rest->p;
	long len;
	int tag, class;

	if (rest->n == 0 || ASN1_get_object(&p, &len, &tag, &class, (long)rest->n) & 0xa1 ||
	    tag != V_ASN1_INTEGER || class != V_ASN1_UNIVERSAL || len == 0 || p[0] & 0x80)
		return false;
	*ret = (struct slice){ p, (size_t)len };
	*rest = (struct slice){ p + len, (size_t)(rest->p + rest->n - (p + len)) };
	return true;
}

/* ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }, RFC 3279 section 2.2.3 */
static bool read_ecdsa_der(struct slice der, struct tpm_signature *s)
{
	const unsigned char *p = der.p;
	long len;
	int tag, class;

	if (ASN1_get_object(&p, &len, &tag, &class, (long)der.n) & 0x81 || tag != V_ASN1_SEQUENCE ||
	    p + len != der.p + der.n)
		return false;
	struct slice rest = { p, (size_t)len };
	return der_integer(&rest, &s->r) && der_integer(&rest, &s->s) && rest.n == 0;
}

int signature_of_bare(const struct key *key, struct slice bytes, enum alg hash, struct tpm_signature *ret,
		      struct pcrcast_error *e)
{
	enum { BARE_MAX = KEY_BITS_MAX / 8 };
	struct tpm_signature s = { .hash = hash, .rsa = SLICE_EMPTY, .r = SLICE_EMPTY, .s = SLICE_EMPTY };
	size_t len = (key->info.bits + 7) / 8;

	if (bytes.n == 0 || bytes.n > BARE_MAX)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "signature of %zu bytes, expected 1 to %d", bytes.n, BARE_MAX);
	if (key->info.kind == KEY_RSA) {
		s.rsa = bytes;
	} else {
		s.scheme = TPM_ECDSA;
		bool der = read_ecdsa_der(bytes, &s);

		ERR_clear_error();
		if (!der && bytes.n != 2 * len)
			return err_set(
				e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				"ECDSA signature of %zu bytes: expected DER, or r and s of %zu bytes each",
				bytes.n, len);
		if (!der) {
			s.r = (struct slice){ bytes.p, len };
			s.s = (struct slice){ bytes.p + len, len };
		}
	}
	*ret = s;
	return 0;
}
