#include "golden/sign_pem.h"

#include <stdio.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

void sign_pem_done(struct sign_pem *p)
{
	OPENSSL_clear_free(p->der, p->n);
	*p = SIGN_PEM_INIT;
}

/* A block as libcrypto gives it. */
struct block {
	char *label, *header;
	uint8_t *data;
	long n;
};

static void block_done(struct block *b)
{
	OPENSSL_free(b->label);
	OPENSSL_free(b->header);
	OPENSSL_clear_free(b->data, b->n > 0 ? (size_t)b->n : 0);
	*b = (struct block){ .n = 0 };
}

/* 1: a block, 0: there is none, -1: what begins like one is damaged. */
static int next_block(BIO *bio, struct block *ret)
{
	int found = PEM_read_bio(bio, &ret->label, &ret->header, &ret->data, &ret->n) == 1 ? 1 : -1;

	if (found < 0 && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
		found = 0;
	ERR_clear_error();
	return found;
}

static int only_block(BIO *bio, struct block *ret, struct pcrcast_error *e)
{
	_cleanup_(block_done) struct block more = { .n = 0 };
	int found = next_block(bio, ret);

	if (found == 1 && strcmp(ret->label, PEM_STRING_ECPARAMETERS) == 0) {
		block_done(ret);
		found = next_block(bio, ret);
	}
	if (found < 1)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       found == 0 ? "expected a key in PEM, found no \"-----BEGIN\" line" :
					    "the PEM of the key is damaged");
	if (next_block(bio, &more) != 0)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "expected one key in PEM, found more behind it");
	return 0;
}

/* ---- decryption ---- */

struct passphrase {
	char bytes[SIGN_PASSPHRASE_MAX];
	int n; /* bytes */
};

static void passphrase_done(struct passphrase *p)
{
	OPENSSL_cleanse(p, sizeof *p);
}

static int ask_passphrase(struct passphrase *p, sign_passphrase ask, void *ctx, struct pcrcast_error *e)
{
	int n = ask(ctx, p->bytes, sizeof p->bytes, e);
	if (n < 0)
		return n;
	p->n = n < SIGN_PASSPHRASE_MAX ? n : SIGN_PASSPHRASE_MAX;
	return 0;
}

int sign_wrong_passphrase(struct pcrcast_error *e)
{
	return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
		       "the passphrase is wrong (or the encrypted key is damaged)");
}

static int unknown_cipher(struct pcrcast_error *e)
{
	return err_set(
		e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
		"the key is encrypted in a way that libcrypto does not offer; \"openssl pkcs8 -topk8\" "
		"writes it anew");
}

/* Is what libcrypto noted about the algorithm rather than about the passphrase? Forgets the notes. */
static bool complained_about_cipher(void)
{
	bool yes = false;

	for (unsigned long code = ERR_get_error(); code; code = ERR_get_error()) {
		int reason = ERR_GET_REASON(code);

		yes = yes || reason == ERR_R_UNSUPPORTED ||
		      (ERR_GET_LIB(code) == ERR_LIB_EVP &&
		       (reason == EVP_R_UNKNOWN_PBE_ALGORITHM || reason == EVP_R_UNSUPPORTED_CIPHER ||
			reason == EVP_R_UNKNOWN_CIPHER || reason == EVP_R_UNSUPPORTED_PRF ||
			reason == EVP_R_UNSUPPORTED_KEY_DERIVATION_FUNCTION));
	}
	return yes;
}

enum {
	ITERATIONS_MAX =
		10000000,     /* of PBKDF2: some seconds; openssl takes 2048, careful people some 100000 */
	SCRYPT_MAX = 1 << 24, /* N * r * p: some seconds too; openssl takes 2^17 */
};

static bool more_than(const ASN1_INTEGER *number, uint64_t most)
{
	uint64_t n;

	return !number || ASN1_INTEGER_get_uint64(&n, number) != 1 || n > most;
}

/* The parameters of an algorithm; NULL: none of this form. */
static void *parameters(const X509_ALGOR *a, const ASN1_ITEM *form)
{
	const void *p;
	int type;

	X509_ALGOR_get0(NULL, &type, &p, a);
	return type == V_ASN1_SEQUENCE ? ASN1_item_unpack(p, form) : NULL;
}

static int algorithm(const X509_ALGOR *a)
{
	const ASN1_OBJECT *oid;

	X509_ALGOR_get0(&oid, NULL, NULL, a);
	return OBJ_obj2nid(oid);
}

/* Would the key derivation (RFC 8018, RFC 7914) take more than some seconds? What is not understood is left to libcrypto. */
static bool costs_too_much(const X509_ALGOR *a)
{
	bool yes = false;

	if (algorithm(a) == NID_pbes2) {
		PBE2PARAM *p = parameters(a, ASN1_ITEM_rptr(PBE2PARAM));

		if (p && algorithm(p->keyfunc) == NID_id_scrypt) {
			SCRYPT_PARAMS *s = parameters(p->keyfunc, ASN1_ITEM_rptr(SCRYPT_PARAMS));
			uint64_t n, r, q;

			yes = s && (more_than(s->costParameter, SCRYPT_MAX) ||
				    more_than(s->blockSize, SCRYPT_MAX) ||
				    more_than(s->parallelizationParameter, SCRYPT_MAX));
			if (s && !yes && ASN1_INTEGER_get_uint64(&n, s->costParameter) == 1 &&
			    ASN1_INTEGER_get_uint64(&r, s->blockSize) == 1 &&
			    ASN1_INTEGER_get_uint64(&q, s->parallelizationParameter) == 1)
				yes = n * r > SCRYPT_MAX || n * r * q > SCRYPT_MAX;
			SCRYPT_PARAMS_free(s);
		} else if (p) {
			PBKDF2PARAM *k = parameters(p->keyfunc, ASN1_ITEM_rptr(PBKDF2PARAM));

			yes = k && more_than(k->iter, ITERATIONS_MAX);
			PBKDF2PARAM_free(k);
		}
		PBE2PARAM_free(p);
	} else {
		PBEPARAM *p = parameters(a, ASN1_ITEM_rptr(PBEPARAM));

		yes = p && more_than(p->iter, ITERATIONS_MAX);
		PBEPARAM_free(p);
	}
	return yes;
}

/* pem_password_cb: hand over what was asked for before. */
static int give_passphrase(char *buf, int size, int writing, void *ctx)
{
	const struct passphrase *p = ctx;

	(void)writing;
	if (p->n > size)
		return -1;
	memcpy(buf, p->bytes, (size_t)p->n);
	return p->n;
}

/* Undo the traditional encryption. */
static int decrypt_traditional(struct block *b, EVP_CIPHER_INFO *cipher, sign_passphrase ask, void *ctx,
			       struct pcrcast_error *e)
{
	_cleanup_(passphrase_done) struct passphrase p = { .n = 0 };

	int rc = ask_passphrase(&p, ask, ctx, e);
	if (rc == 0 && PEM_do_header(cipher, b->data, &b->n, give_passphrase, &p) != 1)
		rc = complained_about_cipher() ? unknown_cipher(e) : sign_wrong_passphrase(e);
	return rc;
}

/* EncryptedPrivateKeyInfo to PrivateKeyInfo (RFC 5958), in b. */
static int decrypt_pkcs8(struct block *b, sign_passphrase ask, void *ctx, struct pcrcast_error *e)
{
	_cleanup_(passphrase_done) struct passphrase p = { .n = 0 };
	const uint8_t *at = b->data;
	uint8_t *der = NULL;
	X509_SIG *sealed = d2i_X509_SIG(NULL, &at, b->n);
	int rc = 0, n = 0;

	if (!sealed || at != b->data + b->n)
		rc = err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "the encrypted key is no PKCS #8");
	if (rc == 0) {
		const X509_ALGOR *a;

		X509_SIG_get0(sealed, &a, NULL);
		if (costs_too_much(a))
			rc = err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
				     "the passphrase of the key is to be hashed more often than %d times",
				     ITERATIONS_MAX);
	}
	if (rc == 0)
		rc = ask_passphrase(&p, ask, ctx, e);
	if (rc == 0) {
		PKCS8_PRIV_KEY_INFO *info = PKCS8_decrypt(sealed, p.bytes, p.n);

		n = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;
		if (n <= 0)
			rc = complained_about_cipher() ? unknown_cipher(e) : sign_wrong_passphrase(e);
		PKCS8_PRIV_KEY_INFO_free(info);
	}
	X509_SIG_free(sealed);
	ERR_clear_error();
	if (rc < 0)
		return rc;
	OPENSSL_free(b->data); /* it is still encrypted */
	b->data = der;
	b->n = n;
	return 0;
}

/* Decrypt b when it is encrypted and ask is there. */
static int decrypt(struct block *b, sign_passphrase ask, void *ctx, struct sign_pem *ret,
		   struct pcrcast_error *e)
{
	bool pkcs8 = strcmp(b->label, PEM_STRING_PKCS8) == 0;
	EVP_CIPHER_INFO cipher = { NULL, { 0 } };

	if (!pkcs8 && PEM_get_EVP_CIPHER_INFO(b->header, &cipher) != 1) { /* Proc-Type and DEK-Info, if any */
		ERR_clear_error();
		return unknown_cipher(e);
	}
	(void)snprintf(ret->label, sizeof ret->label, "%s", b->label);
	if (!pkcs8 && !cipher.cipher)
		return 0;
	ret->encrypted = !ask;
	ret->decrypted = ask;
	if (!ask)
		return 0;
	if (pkcs8)
		(void)snprintf(ret->label, sizeof ret->label, "%s", PEM_STRING_PKCS8INF);
	return pkcs8 ? decrypt_pkcs8(b, ask, ctx, e) : decrypt_traditional(b, &cipher, ask, ctx, e);
}

static void bio_freep(BIO **b)
{
	BIO_free(*b);
}

int sign_pem_read(struct slice text, sign_passphrase ask, void *ctx, struct sign_pem *ret,
		  struct pcrcast_error *e)
{
	_cleanup_(block_done) struct block b = { .n = 0 };
	struct sign_pem p = SIGN_PEM_INIT;

	if (text.n > SIGN_PEM_MAX)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "%zu bytes, a file with a key in PEM has at most %d", text.n, SIGN_PEM_MAX);
	_cleanup_(bio_freep) BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
	if (!bio)
		return err_nomem(e);
	int rc = only_block(bio, &b, e);
	if (rc == 0)
		rc = decrypt(&b, ask, ctx, &p, e);
	if (rc < 0)
		return rc;
	p.der = b.data;
	p.n = b.n > 0 ? (size_t)b.n : 0;
	b.data = NULL;
	*ret = p;
	return 0;
}
