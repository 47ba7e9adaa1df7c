#include "golden/sign.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/encode.h"
#include "golden/golden.h"

enum {
	RSA_LEAST = 2048, /* bits; NIST SP 800-131A revision 2 allows no shorter ones, nor does cosign */
	RSA_MOST = 16384, /* bits; libcrypto's limit for verifying, OPENSSL_RSA_MAX_MODULUS_BITS */
	RSA_TPM_MOST = 4096,
	SIGNATURE_MAX = 4096, /* bytes of a signature file; RSA of 16384 bits has 2733 */
};

struct sign_key {
	EVP_PKEY *pkey;
	int type; /* EVP_PKEY_RSA, EVP_PKEY_EC, EVP_PKEY_ED25519 */
	bool private;
	enum alg own_hash; /* that cosign 3 uses with this curve; ALG_SHA256 where there is no other */
	char kind[32];
};

/* Forget libcrypto's notes about what failed, so that they do not surface elsewhere, and return the code. */
static int crypto_error(struct pcrcast_error *e, const char *what)
{
	ERR_clear_error();
	return err_set(e, PCRCAST_ECRYPTO, PCRCAST_NO_OFFSET, "libcrypto cannot %s", what);
}

/* ---- which keys are taken ---- */

static const struct curve {
	const char *group, *kind;
	enum alg own_hash;
} curves[] = {
	{ "prime256v1", "ECDSA P-256", ALG_SHA256 },
	{ "secp384r1", "ECDSA P-384", ALG_SHA384 },
	{ "secp521r1", "ECDSA P-521", ALG_SHA512 },
};

static int describe_rsa(struct sign_key *k, struct pcrcast_error *e)
{
	int bits = EVP_PKEY_get_bits(k->pkey);

	if (bits < RSA_LEAST || bits > RSA_MOST)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "an RSA key of %d bits, only %d to %d are taken", bits, RSA_LEAST, RSA_MOST);
	(void)snprintf(k->kind, sizeof k->kind, "RSA, %d bits", bits);
	return 0;
}

static int describe_ec(struct sign_key *k, struct pcrcast_error *e)
{
	char group[64] = "";
	int written_out = 0;

	/* Parameters that are written out instead of named can be those of another curve than they seem (CVE-2020-0601). */
	(void)EVP_PKEY_get_int_param(k->pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &written_out);
	if (EVP_PKEY_get_group_name(k->pkey, group, sizeof group, NULL) != 1 || written_out)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "an elliptic curve key that does not name its curve");
	for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
		if (strcmp(group, curves[i].group) == 0) {
			(void)snprintf(k->kind, sizeof k->kind, "%s", curves[i].kind);
			k->own_hash = curves[i].own_hash;
			return 0;
		}
	return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
		       "a key on curve %s, only P-256, P-384 and P-521 are taken", group);
}

/* Takes over pkey, on failure too. */
static int take_key(EVP_PKEY *pkey, bool private, struct sign_key **ret, struct pcrcast_error *e)
{
	struct sign_key *k = calloc(1, sizeof *k);
	int rc = 0;

	ERR_clear_error();
	if (!k) {
		EVP_PKEY_free(pkey);
		return err_nomem(e);
	}
	*k = (struct sign_key){ pkey, EVP_PKEY_get_base_id(pkey), private, ALG_SHA256, "Ed25519" };
	if (k->type == EVP_PKEY_RSA)
		rc = describe_rsa(k, e);
	else if (k->type == EVP_PKEY_EC)
		rc = describe_ec(k, e);
	else if (k->type != EVP_PKEY_ED25519)
		rc = err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			     "a key of kind %s, only RSA, ECDSA and Ed25519 are taken",
			     OBJ_nid2sn(k->type) ? OBJ_nid2sn(k->type) : "that libcrypto does not name");
	ERR_clear_error();
	if (rc < 0) {
		sign_key_free(k);
		return rc;
	}
	*ret = k;
	return 0;
}

void sign_key_free(struct sign_key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

void sign_key_freep(struct sign_key **k)
{
	sign_key_free(*k);
}

const char *sign_key_kind(const struct sign_key *k)
{
	return k->kind;
}

bool sign_takes_digest(const struct sign_key *k)
{
	return k->type != EVP_PKEY_ED25519;
}

/* ---- reading ---- */

static int no_key(const struct sign_pem *p, struct pcrcast_error *e)
{
	ERR_clear_error();
	return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
		       "what the PEM calls \"%s\" holds no key that libcrypto can read", p->label);
}

/* One DER and nothing behind it. NULL: there is none. */
static EVP_PKEY *private_of_der(const struct sign_pem *p)
{
	const uint8_t *at = p->der;
	EVP_PKEY *pkey = NULL;

	if (strcmp(p->label, PEM_STRING_PKCS8INF) == 0) {
		PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)p->n);

		if (info)
			pkey = EVP_PKCS82PKEY(info);
		PKCS8_PRIV_KEY_INFO_free(info);
	} else {
		int type = strcmp(p->label, PEM_STRING_RSA) == 0 ? EVP_PKEY_RSA : EVP_PKEY_EC;

		pkey = d2i_PrivateKey(type, NULL, &at, (long)p->n);
	}
	if (pkey && at != p->der + p->n) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	return pkey;
}

int sign_key_private(struct slice pem, sign_passphrase ask, void *ctx, struct sign_key **ret,
		     struct pcrcast_error *e)
{
	_cleanup_(sign_pem_done) struct sign_pem p = SIGN_PEM_INIT;

	int rc = sign_pem_read(pem, ask, ctx, &p, e);
	if (rc < 0)
		return rc;
	if (p.encrypted)
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "the key is encrypted, and its passphrase cannot be asked for");
	if (strcmp(p.label, "ENCRYPTED COSIGN PRIVATE KEY") == 0 ||
	    strcmp(p.label, "ENCRYPTED SIGSTORE PRIVATE KEY") == 0)
		return err_set(
			e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			"a key in cosign's own encryption (\"%s\"), which only cosign opens: sign with \"cosign "
			"sign-blob --key\", whose signature is the same, or use a key in PKCS #8, which \"cosign "
			"import-key-pair\" takes too",
			p.label);
	if (strcmp(p.label, PEM_STRING_PKCS8INF) != 0 && strcmp(p.label, PEM_STRING_RSA) != 0 &&
	    strcmp(p.label, PEM_STRING_ECPRIVATEKEY) != 0)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "expected a private key in PEM, found \"%s\"", p.label);
	EVP_PKEY *pkey = private_of_der(&p);
	if (!pkey && p.decrypted) { /* one wrong passphrase in 256 leaves padding that looks right */
		ERR_clear_error();
		return sign_wrong_passphrase(e);
	}
	return pkey ? take_key(pkey, true, ret, e) : no_key(&p, e);
}

int sign_key_public(struct slice pem, struct sign_key **ret, struct pcrcast_error *e)
{
	_cleanup_(sign_pem_done) struct sign_pem p = SIGN_PEM_INIT;
	EVP_PKEY *pkey;

	int rc = sign_pem_read(pem, NULL, NULL, &p, e);
	if (rc < 0)
		return rc;
	const uint8_t *at = p.der;
	if (strcmp(p.label, PEM_STRING_PUBLIC) == 0)
		pkey = d2i_PUBKEY(NULL, &at, (long)p.n);
	else if (strcmp(p.label, PEM_STRING_RSA_PUBLIC) == 0)
		pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)p.n);
	else
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "expected a public key in PEM, found \"%s\"%s", p.label,
			       strcmp(p.label, PEM_STRING_X509) == 0 ?
				       " (\"openssl x509 -pubkey -noout\" shows its key)" :
				       "");
	if (pkey && at != p.der + p.n) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	return pkey ? take_key(pkey, false, ret, e) : no_key(&p, e);
}

int sign_key_fingerprint(const struct sign_key *k, uint8_t ret[static 32], struct pcrcast_error *e)
{
	unsigned char *der = NULL;
	struct digest d;

	if (k->type != EVP_PKEY_RSA)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "only an RSA key has a fingerprint of its PKCS #1 form, not %s", k->kind);
	int n = i2d_PublicKey(k->pkey, &der);
	if (n <= 0)
		return crypto_error(e, "write out the public key");
	int rc = digest_of(ALG_SHA256, (struct slice){ der, (size_t)n }, &d, e);
	OPENSSL_free(der);
	if (rc == 0)
		memcpy(ret, d.bytes, 32);
	return rc;
}

/* ---- signing and checking ---- */

static const EVP_MD *md_of(const struct sign_key *k, enum alg alg)
{
	if (k->type == EVP_PKEY_ED25519)
		return NULL;
	return alg == ALG_SHA1   ? EVP_sha1() :
	       alg == ALG_SHA384 ? EVP_sha384() :
	       alg == ALG_SHA512 ? EVP_sha512() :
				   EVP_sha256();
}

static bool set_padding(const struct sign_key *k, EVP_PKEY_CTX *ctx)
{
	return k->type != EVP_PKEY_RSA || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0;
}

static void md_freep(EVP_MD_CTX **c)
{
	EVP_MD_CTX_free(*c);
}

int sign_bytes(const struct sign_key *k, struct slice bytes, struct pool *pool, struct slice *ret,
	       struct pcrcast_error *e)
{
	_cleanup_(md_freep) EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx;
	size_t n = 0;

	if (!k->private)
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET, "a public key cannot sign");
	if (!c || EVP_DigestSignInit(c, &ctx, md_of(k, ALG_SHA256), NULL, k->pkey) != 1 ||
	    !set_padding(k, ctx) || EVP_DigestSign(c, NULL, &n, bytes.p, bytes.n) != 1)
		return crypto_error(e, "sign with this key");
	uint8_t *signature = pool_array(pool, n, 1);
	if (!signature)
		return err_nomem(e);
	if (EVP_DigestSign(c, signature, &n, bytes.p, bytes.n) != 1)
		return crypto_error(e, "sign with this key");
	*ret = (struct slice){ signature, n };
	return 0;
}

/* 1 good, 0 not, negative: libcrypto does not even begin. */
static int check_with(const struct sign_key *k, enum alg hash, struct slice bytes, struct slice signature,
		      struct pcrcast_error *e)
{
	_cleanup_(md_freep) EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx;

	if (!c || EVP_DigestVerifyInit(c, &ctx, md_of(k, hash), NULL, k->pkey) != 1 || !set_padding(k, ctx))
		return crypto_error(e, "check signatures of this key");
	int good = EVP_DigestVerify(c, signature.p, signature.n, bytes.p, bytes.n) == 1;
	ERR_clear_error();
	return good;
}

int sign_check(const struct sign_key *k, struct slice bytes, struct slice signature, bool *ret_good,
	       enum alg *ret_hash, struct pcrcast_error *e)
{
	enum alg hash = ALG_SHA256;

	int good = check_with(k, hash, bytes, signature, e);
	if (good == 0 && k->own_hash != hash) {
		hash = k->own_hash;
		good = check_with(k, hash, bytes, signature, e);
	}
	if (good < 0)
		return good;
	if (good && ret_hash)
		*ret_hash = sign_takes_digest(k) ? hash : ALG_COUNT;
	*ret_good = good;
	return 0;
}

int sign_decode(struct pool *pool, struct slice text, struct slice *ret, struct pcrcast_error *e)
{
	struct slice raw;

	if (text.n > SIGNATURE_MAX)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "%zu bytes, a signature in base64 has at most %d", text.n, SIGNATURE_MAX);
	if (text.n && text.p[text.n - 1] == '\n')
		text.n--;
	if (text.n && text.p[text.n - 1] == '\r')
		text.n--;
	if (!base64_decode(pool, text, &raw) || raw.n == 0)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "expected a signature in base64 in one line, found something else");
	*ret = raw;
	return 0;
}

/* ---- .pcrsig ---- */

static int refuse_for_tpm(const struct sign_key *k, struct pcrcast_error *e)
{
	if (k->type != EVP_PKEY_RSA || EVP_PKEY_get_bits(k->pkey) > RSA_TPM_MOST)
		return err_set(
			e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			"systemd and TPMs take signed PCR policies from RSA keys of at most %d bits, not %s",
			RSA_TPM_MOST, k->kind);
	return 0;
}

/* What is signed: the digest, and behind it the hash of the reference if there is one (systemd 262, "tbs"). buf holds it. */
static int signed_bytes(const struct golden_policy *policy, uint8_t buf[static 2 * 32], struct slice *ret,
			struct pcrcast_error *e)
{
	struct digest ref;

	memcpy(buf, policy->digest, sizeof policy->digest);
	*ret = (struct slice){ buf, sizeof policy->digest };
	if (!policy->ref)
		return 0;
	int rc = digest_of(ALG_SHA256, slice_of_string(policy->ref), &ref, e);
	if (rc < 0)
		return rc;
	memcpy(buf + ret->n, ref.bytes, algs[ALG_SHA256].len);
	ret->n += algs[ALG_SHA256].len;
	return 0;
}

int sign_policy(const struct sign_key *k, struct golden_policy *policy, struct pool *pool,
		struct pcrcast_error *e)
{
	uint8_t fingerprint[sizeof policy->fingerprint], buf[2 * sizeof policy->digest];
	struct slice bytes, signature;

	int rc = refuse_for_tpm(k, e);
	if (rc == 0)
		rc = sign_key_fingerprint(k, fingerprint, e);
	if (rc == 0)
		rc = signed_bytes(policy, buf, &bytes, e);
	if (rc == 0)
		rc = sign_bytes(k, bytes, pool, &signature, e);
	if (rc < 0)
		return rc;
	policy->signature = signature;
	policy->has_fingerprint = true;
	memcpy(policy->fingerprint, fingerprint, sizeof fingerprint);
	return 0;
}

int sign_policy_check(const struct sign_key *k, const struct golden_policy *policy,
		      struct sign_policy_result *ret, struct pcrcast_error *e)
{
	uint8_t fingerprint[sizeof policy->fingerprint], buf[2 * sizeof policy->digest];
	struct sign_policy_result r = { .reason = NULL };
	struct slice bytes;

	int rc = refuse_for_tpm(k, e);
	if (rc == 0)
		rc = sign_key_fingerprint(k, fingerprint, e);
	if (rc == 0)
		rc = signed_bytes(policy, buf, &bytes, e);
	if (rc < 0)
		return rc;
	int sound = check_with(k, ALG_SHA256, bytes, policy->signature, e);
	int other = sound == 0 && policy->alg != ALG_SHA256 ?
			    check_with(k, policy->alg, bytes, policy->signature, e) :
			    0;
	if (sound < 0 || other < 0)
		return sound < 0 ? sound : other;
	r.sound = sound;
	r.same_key =
		policy->has_fingerprint && memcmp(policy->fingerprint, fingerprint, sizeof fingerprint) == 0;
	r.good = r.sound && r.same_key;
	r.reason =
		r.good               ? NULL :
		!policy->signature.n ? "it is not signed" :
		other ? "it is signed with the hash of its bank, as older systemd-measure did; a TPM is asked for SHA-256" :
		!policy->has_fingerprint ? "it does not say whose key signed it" :
		!r.same_key              ? "another key signed it (the fingerprints differ)" :
					   "the signature is not of this policy";
	*ret = r;
	return 0;
}
