#include "golden/key_private.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

enum { EXPONENT_BITS_MAX = 64 }; /* of an RSA public exponent; a TPM's has 32 */

void key_free(struct key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

void key_freep(struct key **k)
{
	key_free(*k);
}

const struct key_info *key_info(const struct key *k)
{
	return &k->info;
}

bool key_equal(const struct key *a, const struct key *b)
{
	bool same = a->info.kind == b->info.kind && EVP_PKEY_eq(a->pkey, b->pkey) == 1;

	ERR_clear_error();
	return same;
}

/* ---- is it a key to compute with? ---- */

static int check_rsa(EVP_PKEY *pkey, struct key_info *info, struct pcrcast_error *e)
{
	BIGNUM *n = NULL, *exponent = NULL;
	int bits = EVP_PKEY_get_bits(pkey);
	bool sound = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
		     EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 && BN_is_odd(n) &&
		     BN_is_odd(exponent) && !BN_is_one(exponent) &&
		     BN_num_bits(exponent) <= EXPONENT_BITS_MAX && !BN_is_negative(n) &&
		     !BN_is_negative(exponent);

	BN_free(n);
	BN_free(exponent);
	if (bits < KEY_BITS_MIN || bits > KEY_BITS_MAX)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "RSA key of %d bits, expected %d to %d", bits, KEY_BITS_MIN, KEY_BITS_MAX);
	if (!sound)
		return err_set(
			e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			"no sound RSA key: expected an odd modulus and an odd exponent of 3 or more, of at most %d bits",
			EXPONENT_BITS_MAX);
	info->kind = KEY_RSA;
	info->bits = (unsigned)bits;
	return 0;
}

static const struct {
	uint16_t id;       /* TPM_ECC_CURVE */
	const char *group; /* libcrypto's name */
	const char *name;
	unsigned bits;
} curves[] = {
	{ TPM_P256, "prime256v1", "P-256", 256 },
	{ TPM_P384, "secp384r1", "P-384", 384 },
	{ TPM_P521, "secp521r1", "P-521", 521 },
};
enum { N_CURVES = sizeof curves / sizeof curves[0] };

static int check_ecc(EVP_PKEY *pkey, struct key_info *info, struct pcrcast_error *e)
{
	char group[64] = "";
	int explicit_parameters = 0;

	(void)EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL);
	(void)EVP_PKEY_get_int_param(pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
				     &explicit_parameters);
	/* Parameters that are spelt out can be those of a curve with a chosen generator (CVE-2020-0601). */
	if (explicit_parameters)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "elliptic curve given by parameters, expected one given by name");
	size_t i = 0;
	while (i < N_CURVES && strcmp(group, curves[i].group) != 0)
		i++;
	if (i == N_CURVES)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "expected a key on P-256, P-384 or P-521, found the curve \"%s\"", group);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	bool sound = ctx && EVP_PKEY_public_check(ctx) == 1;
	EVP_PKEY_CTX_free(ctx);
	if (!sound)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "the key is no point of %s",
			       curves[i].name);
	info->kind = KEY_ECC;
	info->bits = curves[i].bits;
	info->curve = curves[i].name;
	return 0;
}

static int fingerprint(EVP_PKEY *pkey, uint8_t ret[static 32], struct pcrcast_error *e)
{
	unsigned char *der = NULL;
	struct digest d;
	int n = i2d_PUBKEY(pkey, &der);
	int rc = n > 0 ? digest_of(ALG_SHA256, (struct slice){ der, (size_t)n }, &d, e) :
			 err_set(e, PCRCAST_ECRYPTO, PCRCAST_NO_OFFSET, "libcrypto cannot write the key");

	OPENSSL_free(der);
	if (rc == 0)
		memcpy(ret, d.bytes, 32);
	return rc;
}

int key_new(EVP_PKEY *pkey, const char *form, struct key **ret, struct pcrcast_error *e)
{
	struct key_info info = { .form = form, .hash = ALG_COUNT };
	int type = pkey ? EVP_PKEY_get_base_id(pkey) : EVP_PKEY_NONE;
	int rc;

	if (type == EVP_PKEY_RSA)
		rc = check_rsa(pkey, &info, e);
	else if (type == EVP_PKEY_EC)
		rc = check_ecc(pkey, &info, e);
	else
		rc = err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			     "%s: expected an RSA or an elliptic-curve key that libcrypto can use", form);
	if (rc == 0)
		rc = fingerprint(pkey, info.sha256, e);
	struct key *k = rc == 0 ? malloc(sizeof *k) : NULL;
	if (rc == 0 && !k)
		rc = err_nomem(e);
	ERR_clear_error();
	if (rc < 0) {
		EVP_PKEY_free(pkey);
		return rc;
	}
	*k = (struct key){ .info = info, .pkey = pkey };
	*ret = k;
	return 0;
}

/* ---- public areas ---- */

static EVP_PKEY *pkey_of_params(const char *type, OSSL_PARAM_BLD *build)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY *pkey = NULL;

	if (!ctx || !params || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static EVP_PKEY *pkey_of_rsa(const struct tpm_public *p)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_bin2bn(p->a, (int)p->a_len, NULL), *exponent = BN_new();
	EVP_PKEY *pkey = NULL;

	if (build && n && exponent && BN_set_word(exponent, p->exponent) &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent))
		pkey = pkey_of_params("RSA", build);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	BN_free(exponent);
	return pkey;
}

static EVP_PKEY *pkey_of_ecc(const struct tpm_public *p)
{
	uint8_t point[1 + 2 * TPM_ECC_MAX] = { POINT_CONVERSION_UNCOMPRESSED };
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;
	size_t i = 0;

	while (i < N_CURVES - 1 && curves[i].id != p->curve)
		i++;
	size_t len = (curves[i].bits + 7) / 8; /* TPMs leave out leading zeros */
	memcpy(point + 1 + len - p->a_len, p->a, p->a_len);
	memcpy(point + 1 + 2 * len - p->y_len, p->y, p->y_len);
	if (build && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curves[i].group, 0) &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * len))
		pkey = pkey_of_params("EC", build);
	OSSL_PARAM_BLD_free(build);
	return pkey;
}

int key_of_area(struct slice bytes, const char *form, struct key **ret, struct pcrcast_error *e)
{
	_cleanup_(key_freep) struct key *k = NULL;
	struct tpm_public p;
	int rc = tpm_public_read(bytes, &p, e);

	if (rc < 0)
		return rc;
	EVP_PKEY *pkey = p.ecc ? pkey_of_ecc(&p) : pkey_of_rsa(&p);
	if (!pkey) {
		ERR_clear_error();
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "%s: no sound key: %s", form,
			       p.ecc ? "the point is not on the curve" : "libcrypto refuses the modulus");
	}
	rc = key_new(pkey, form, &k, e);
	if (rc == 0)
		rc = tpm_public_name(&p, &k->info.name, e);
	if (rc < 0)
		return rc;
	k->info.has_area = true;
	k->info.attributes = p.attributes;
	k->info.scheme = p.scheme;
	k->info.hash = p.hash;
	*ret = k;
	k = NULL;
	return 0;
}

/* ---- attributes ---- */

enum match key_is_attestation_key(const struct key *k, char why[static KEY_WHY_MAX])
{
	static const struct {
		uint32_t bit;
		bool set;
		const char *name;
	} rows[] = {
		{ TPM_RESTRICTED, true, "restricted" },
		{ TPM_SIGN, true, "sign" },
		{ TPM_FIXED_TPM, true, "fixedTPM" },
		{ TPM_SENSITIVE_DATA_ORIGIN, true, "sensitiveDataOrigin" },
		{ TPM_DECRYPT, false, "decrypt" },
	};
	size_t at = 0;

	why[0] = '\0';
	if (!k->info.has_area) {
		(void)snprintf(why, KEY_WHY_MAX,
			       "the key came without a TPM public area, which has the attributes");
		return MATCH_CANNOT_TELL;
	}
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (!!(k->info.attributes & rows[i].bit) != rows[i].set)
			at += (size_t)snprintf(why + at, KEY_WHY_MAX - at, "%s%s is %s", at ? ", " : "",
					       rows[i].name, rows[i].set ? "not set" : "set");
	return at ? MATCH_NO : MATCH_YES;
}
