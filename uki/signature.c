#include "uki/signature.h"

#include <limits.h>
#include <stdio.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pkcs7.h>
#include <openssl/ts.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/bytes.h"
#include "base/efi/certificate.h"
#include "uki/authenticode.h"

enum {
	TABLE_MAX = 4 << 20,       /* bytes of a certificate table; real ones have some thousand */
	ENTRIES_MAX = 64,          /* signatures of one image; more than two are rare */
	ENTRY_HEADER = 8,          /* WIN_CERTIFICATE: u32 length, u16 revision, u16 type */
	TYPE_PKCS_SIGNED_DATA = 2, /* WIN_CERT_TYPE_PKCS_SIGNED_DATA */
	/*
	 * Each signer costs a verification, of 10 ms when its key is made for that, and each certificate is compared with the
	 * others for each link of a chain. Authenticode has one signer, and chains of some five certificates.
	 */
	SIGNERS_MAX = 4,
	CERTIFICATES_MAX = 100,
};

#define SPC_INDIRECT_DATA "1.3.6.1.4.1.311.2.1.4"

/* The facts about a certificate that libcrypto has read already. */
static bool describe(struct pool *pool, X509 *cert, struct certificate *ret, struct slice *ret_der)
{
	unsigned char *der = NULL;
	int n = i2d_X509(cert, &der);
	void *copy = n > 0 ? pool_copy(pool, der, (size_t)n) : NULL;
	bool ok = copy && certificate_read(pool, (struct slice){ der, (size_t)n }, ret);

	OPENSSL_free(der);
	if (ok)
		*ret_der = (struct slice){ copy, (size_t)n };
	return ok;
}

static enum alg alg_of(const X509_ALGOR *algor)
{
	const ASN1_OBJECT *oid;

	X509_ALGOR_get0(&oid, NULL, NULL, algor);
	int nid = OBJ_obj2nid(oid);
	return nid == NID_sha1   ? ALG_SHA1 :
	       nid == NID_sha256 ? ALG_SHA256 :
	       nid == NID_sha384 ? ALG_SHA384 :
	       nid == NID_sha512 ? ALG_SHA512 :
				   ALG_COUNT;
}

/*
 * The messageDigest of SpcIndirectDataContent ::= SEQUENCE { data SEQUENCE, messageDigest SEQUENCE {
 * digestAlgorithm AlgorithmIdentifier, digest OCTET STRING } }.
 */
static bool read_digest(const ASN1_STRING *content, struct signature *s)
{
	const unsigned char *p = ASN1_STRING_get0_data(content);
	long left = ASN1_STRING_length(content), len;
	int tag, class;
	bool ok = false;

	/* Into the outer sequence, over the first element, into the second. */
	if (ASN1_get_object(&p, &len, &tag, &class, left) & 0x80 || tag != V_ASN1_SEQUENCE)
		return false;
	left = len;
	const unsigned char *q = p;
	if (ASN1_get_object(&q, &len, &tag, &class, left) & 0x81 || tag != V_ASN1_SEQUENCE)
		return false;
	left -= (long)(q - p) + len;
	p = q + len;
	if (left <= 0)
		return false;
	X509_SIG *info = d2i_X509_SIG(NULL, &p, left);
	if (info) {
		const X509_ALGOR *algor;
		const ASN1_OCTET_STRING *digest;

		X509_SIG_get0(info, &algor, &digest);
		s->alg = alg_of(algor);
		if (s->alg < ALG_COUNT && ASN1_STRING_length(digest) == algs[s->alg].len) {
			s->signed_digest.alg = s->alg;
			memcpy(s->signed_digest.bytes, ASN1_STRING_get0_data(digest), algs[s->alg].len);
			ok = true;
		}
		X509_SIG_free(info);
	}
	return ok;
}

/* OpenSSL 3.0's PKCS7_verify leaks a BIO when there is a digest that it cannot compute. */
static bool digests_known(const PKCS7 *p7)
{
	STACK_OF(X509_ALGOR) *used = p7->d.sign->md_algs;

	for (int i = 0; i < sk_X509_ALGOR_num(used); i++)
		if (alg_of(sk_X509_ALGOR_value(used, i)) == ALG_COUNT)
			return false;
	return true;
}

/*
 * Authenticode signs the content octets of SpcIndirectDataContent, without its tag and length. Without anchors there is
 * no chain: which certificates firmware trusts is then not the question.
 */
static bool verify(PKCS7 *p7, const ASN1_STRING *content, X509_STORE *anchors)
{
	const unsigned char *p = ASN1_STRING_get0_data(content);
	long len;
	int tag, class;

	if (ASN1_get_object(&p, &len, &tag, &class, ASN1_STRING_length(content)) & 0x80 || len > INT_MAX ||
	    !digests_known(p7))
		return false;
	BIO *bio = BIO_new_mem_buf(p, (int)len);
	bool ok = bio && PKCS7_verify(p7, NULL, anchors, bio, NULL,
				      (anchors ? 0 : PKCS7_NOVERIFY) | PKCS7_BINARY) == 1;
	BIO_free(bio);
	return ok;
}

/* More signers or certificates than are worked through? */
static bool is_crowded(const PKCS7 *p7)
{
	return PKCS7_type_is_signed(p7) && p7->d.sign &&
	       (sk_PKCS7_SIGNER_INFO_num(p7->d.sign->signer_info) > SIGNERS_MAX ||
		sk_X509_num(p7->d.sign->cert) > CERTIFICATES_MAX);
}

static const char *read_pkcs7(struct pool *pool, PKCS7 *p7, struct signature *s)
{
	char oid[64];

	if (!PKCS7_type_is_signed(p7) || !p7->d.sign || !p7->d.sign->contents)
		return "expected PKCS #7 signed data";
	PKCS7 *contents = p7->d.sign->contents;
	if (OBJ_obj2txt(oid, sizeof oid, contents->type, 1) <= 0 || strcmp(oid, SPC_INDIRECT_DATA) != 0)
		return "expected SpcIndirectDataContent inside the signed data";
	if (!contents->d.other || contents->d.other->type != V_ASN1_SEQUENCE ||
	    !read_digest(contents->d.other->value.sequence, s))
		return "expected a SHA-1, SHA-256, SHA-384 or SHA-512 image digest inside the signed data";

	STACK_OF(X509) *signers = PKCS7_get0_signers(p7, NULL, 0);
	if (!signers || sk_X509_num(signers) < 1) {
		sk_X509_free(signers);
		return "the signer's certificate is missing";
	}
	X509 *cert = sk_X509_value(signers, 0);
	struct certificate c;
	bool ok = describe(pool, cert, &c, &s->signer);
	sk_X509_free(signers);
	if (!ok)
		return "the signer's certificate cannot be read";
	s->certificate = c.sha256;
	s->subject = c.subject;
	s->issuer = c.issuer;
	s->sound = verify(p7, contents->d.other->value.sequence, NULL);
	return NULL;
}

/* *ret_crowded: it has more in it than is worked through, which firmware might. */
static struct signature read_entry(struct pool *pool, struct slice entry, uint16_t type, bool *ret_crowded)
{
	struct signature s = { .alg = ALG_COUNT, .signer = SLICE_EMPTY, .pkcs7 = SLICE_EMPTY };
	const uint8_t *p = entry.p;

	*ret_crowded = false;

	if (type != TYPE_PKCS_SIGNED_DATA) {
		s.trouble = pool_printf(pool, "certificate type %u, expected %d (PKCS signed data)", type,
					TYPE_PKCS_SIGNED_DATA);
		return s;
	}
	PKCS7 *p7 = d2i_PKCS7(NULL, &p, (long)entry.n);
	*ret_crowded = p7 && is_crowded(p7);
	s.trouble = *ret_crowded ? "it has too many signers or certificates" :
		    p7           ? read_pkcs7(pool, p7, &s) :
				   "expected PKCS #7 signed data in DER";
	s.pkcs7 = entry;
	if (s.trouble)
		s = (struct signature){
			.alg = ALG_COUNT, .signer = SLICE_EMPTY, .pkcs7 = SLICE_EMPTY, .trouble = s.trouble
		};
	PKCS7_free(p7);
	ERR_clear_error();
	return s;
}

/*
 * EDK2, DxeImageVerificationHandler(): an entry and the bytes that make its length a multiple of 8 must lie in the table, and the
 * last one must end where the table does.
 */
static bool entries_fill(struct slice table)
{
	while (table.n) {
		uint64_t len = table.n > ENTRY_HEADER ? get_u32le(table.p) : 0, step = (len + 7) / 8 * 8;

		if (len <= ENTRY_HEADER || step > table.n)
			return false;
		table = (struct slice){ table.p + step, table.n - (size_t)step };
	}
	return true;
}

int signatures_read(struct pool *pool, const struct pe *pe, struct signature_list *ret,
		    struct pcrcast_error *e)
{
	struct signature *items = NULL;
	size_t n = 0, cap = 0;
	struct blob table;
	struct slice bytes;

	*ret = (struct signature_list){ NULL, 0, false };
	if (pe->cert_len == 0)
		return 0;
	if (pe->cert_off > pe->image.len || pe->cert_len > pe->image.len - pe->cert_off)
		return err_set(e, PCRCAST_ETRUNC, pe->cert_entry_off,
			       "certificate table lies at bytes %u to %llu, the file ends at %llu",
			       pe->cert_off, (unsigned long long)pe->cert_off + pe->cert_len,
			       (unsigned long long)pe->image.len);
	int r = blob_sub(pool, &pe->image, pe->cert_off, pe->cert_len, &table, e);
	if (r == 0)
		r = blob_load(pool, &table, TABLE_MAX, &bytes, e);
	if (r < 0)
		return err_wrap(e, "certificate table");

	for (size_t at = 0; bytes.n - at >= ENTRY_HEADER && n < ENTRIES_MAX;) {
		uint32_t len = get_u32le(bytes.p + at);
		struct signature *s = pool_push(pool, &items, &n, &cap, sizeof *s);

		if (!s)
			return err_nomem(e);
		if (len <= ENTRY_HEADER || len > bytes.n - at) {
			*s = (struct signature){ .alg = ALG_COUNT,
						 .trouble = pool_printf(pool,
									"entry length %u, expected 9 to %zu",
									len, bytes.n - at) };
			break;
		}
		bool crowded;
		*s = read_entry(pool, (struct slice){ bytes.p + at + ENTRY_HEADER, len - ENTRY_HEADER },
				get_u16le(bytes.p + at + 6), &crowded);
		if (crowded)
			return err_set(
				e, PCRCAST_ELIMIT, (uint64_t)pe->cert_off + at,
				"a signature with more than %d signers or %d certificates, of which firmware looks at each",
				SIGNERS_MAX, CERTIFICATES_MAX);
		if (bytes.n - at - len < 8)
			break;
		at += (len + 7) / 8 * 8;
		if (at > bytes.n)
			break;
	}
	*ret = (struct signature_list){ items, n, entries_fill(bytes) };
	return 0;
}

int signatures_check(struct pool *pool, const struct pe *pe, const struct signature_list *list,
		     struct hash_jobs *jobs, bool **ret, struct pcrcast_error *e)
{
	bool *good = pool_array(pool, list->n, sizeof *good);
	struct blob bytes;
	alg_set needed = 0;
	size_t id;

	if (!good)
		return err_nomem(e);
	*ret = good;
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].sound)
			needed |= 1u << list->items[i].alg;
	if (!needed)
		return 0;
	int r = authenticode_bytes(pool, pe, &bytes, e);
	if (r == 0)
		r = hash_jobs_add(jobs, &bytes, &id, e);
	if (r == 0)
		r = hash_jobs_run(jobs, needed, 0, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list->n; i++) {
		const struct signature *s = &list->items[i];

		good[i] = s->sound && digest_equal(&s->signed_digest, hash_jobs_digest(jobs, id, s->alg));
	}
	return 0;
}

/* EDK2 CryptoPkg, CryptPkcs7VerifyCommon.c (edk2-stable202605): flags and purpose of the store. */
static X509_STORE *anchor_store(struct slice certificate)
{
	const unsigned char *p = certificate.p;
	X509 *anchor = certificate.n <= LONG_MAX ? d2i_X509(NULL, &p, (long)certificate.n) : NULL;
	X509_STORE *store = anchor ? X509_STORE_new() : NULL;

	if (store && (!X509_STORE_add_cert(store, anchor) ||
		      !X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME) ||
		      !X509_STORE_set_purpose(store, X509_PURPOSE_ANY))) {
		X509_STORE_free(store);
		store = NULL;
	}
	X509_free(anchor);
	return store;
}

bool signature_verified_by(const struct signature *s, struct slice certificate)
{
	const uint8_t *p = s->pkcs7.p;

	if (!s->sound)
		return false;
	PKCS7 *p7 = d2i_PKCS7(NULL, &p, (long)s->pkcs7.n);
	X509_STORE *store = anchor_store(certificate);
	/* signatures_read has seen that the content is a sequence. */
	bool ok = p7 && store && verify(p7, p7->d.sign->contents->d.other->value.sequence, store);
	X509_STORE_free(store);
	PKCS7_free(p7);
	ERR_clear_error();
	return ok;
}

/* ---- time stamps: EDK2 CryptoPkg, CryptTs.c (edk2-stable202605) ---- */

#define SPC_RFC3161 "1.3.6.1.4.1.311.3.3.1"

/* The last such attribute is the one that counts. One that holds no sequence is not followed here. */
static enum timestamp_answer find_token(const PKCS7_SIGNER_INFO *signer, const ASN1_STRING **ret)
{
	const ASN1_TYPE *found = NULL;
	char oid[64];

	for (int i = 0; i < sk_X509_ATTRIBUTE_num(signer->unauth_attr); i++) {
		X509_ATTRIBUTE *a = sk_X509_ATTRIBUTE_value(signer->unauth_attr, i);

		if (OBJ_obj2txt(oid, sizeof oid, X509_ATTRIBUTE_get0_object(a), 1) > 0 &&
		    strcmp(oid, SPC_RFC3161) == 0)
			found = X509_ATTRIBUTE_get0_type(a, 0);
	}
	if (!found)
		return TIMESTAMP_NONE;
	*ret = found->type == V_ASN1_SEQUENCE ? found->value.sequence : NULL;
	return *ret ? TIMESTAMP_GOOD : TIMESTAMP_UNSURE;
}

/* CheckTSTInfo(): a digest of another length than its algorithm's is not compared there. */
static enum timestamp_answer check_imprint(TS_TST_INFO *info, const ASN1_OCTET_STRING *signature)
{
	TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(info);
	enum alg alg = alg_of(TS_MSG_IMPRINT_get_algo(imprint));
	ASN1_OCTET_STRING *stated = TS_MSG_IMPRINT_get_msg(imprint);
	struct slice signed_bytes = { ASN1_STRING_get0_data(signature),
				      (size_t)ASN1_STRING_length(signature) };
	struct digest d;

	if (alg == ALG_COUNT || ASN1_STRING_length(stated) != algs[alg].len ||
	    digest_of(alg, signed_bytes, &d, NULL) < 0)
		return TIMESTAMP_UNSURE;
	return memcmp(d.bytes, ASN1_STRING_get0_data(stated), algs[alg].len) == 0 ? TIMESTAMP_GOOD :
										    TIMESTAMP_NONE;
}

/* ConvertAsn1TimeToEfiTime(): 14 digits; what follows them is not read. */
static enum timestamp_answer read_time(const ASN1_GENERALIZEDTIME *time, struct signing_time *ret)
{
	enum { DIGITS = 14 };
	const unsigned char *p = ASN1_STRING_get0_data(time);
	unsigned v[DIGITS / 2];

	if (ASN1_STRING_length(time) < DIGITS)
		return TIMESTAMP_UNSURE;
	for (size_t i = 0; i < DIGITS; i += 2) {
		if (p[i] < '0' || p[i] > '9' || p[i + 1] < '0' || p[i + 1] > '9')
			return TIMESTAMP_UNSURE;
		v[i / 2] = 10u * (p[i] - '0') + (p[i + 1] - '0');
	}
	if (v[0] < 19 || v[2] < 1 || v[2] > 12 || v[3] < 1 || v[3] > 31 || v[4] > 23 || v[5] > 59 ||
	    v[6] > 59)
		return TIMESTAMP_NONE;
	*ret = (struct signing_time){ (uint16_t)(100 * v[0] + v[1]),
				      (uint8_t)v[2],
				      (uint8_t)v[3],
				      (uint8_t)v[4],
				      (uint8_t)v[5],
				      (uint8_t)v[6] };
	return TIMESTAMP_GOOD;
}

/* TimestampTokenVerify(): signed data that leads to the certificate, of at most 2048 bytes. */
static enum timestamp_answer verify_token(PKCS7 *token, X509_STORE *anchors,
					  const ASN1_OCTET_STRING *signature, struct signing_time *ret)
{
	enum { CONTENT_MAX = 2048 };
	unsigned char content[CONTENT_MAX];
	const unsigned char *p = content;
	TS_TST_INFO *info = NULL;
	enum timestamp_answer answer = TIMESTAMP_NONE;

	if (!PKCS7_type_is_signed(token) || !token->d.sign)
		return TIMESTAMP_NONE;
	if (is_crowded(token) || !digests_known(token))
		return TIMESTAMP_UNSURE;
	BIO *out = BIO_new(BIO_s_mem());
	if (out && PKCS7_verify(token, NULL, anchors, NULL, out, PKCS7_BINARY) == 1) {
		int n = BIO_read(out, content, sizeof content);

		info = n > 0 ? d2i_TS_TST_INFO(NULL, &p, n) : NULL;
		answer = info ? TIMESTAMP_GOOD : TIMESTAMP_UNSURE;
	}
	if (info && TS_TST_INFO_get_version(info) != 1)
		answer = TIMESTAMP_NONE;
	if (answer == TIMESTAMP_GOOD)
		answer = check_imprint(info, signature);
	if (answer == TIMESTAMP_GOOD)
		answer = read_time(TS_TST_INFO_get_time(info), ret);
	TS_TST_INFO_free(info);
	BIO_free(out);
	return answer;
}

enum timestamp_answer signature_time(const struct signature *s, struct slice certificate,
				     struct signing_time *ret)
{
	const uint8_t *p = s->pkcs7.p;
	const ASN1_STRING *bytes = NULL;
	PKCS7 *p7 = s->trouble ? NULL : d2i_PKCS7(NULL, &p, (long)s->pkcs7.n), *token = NULL;
	STACK_OF(PKCS7_SIGNER_INFO) *signers = p7 ? PKCS7_get_signer_info(p7) : NULL;
	enum timestamp_answer answer = TIMESTAMP_NONE;
	PKCS7_SIGNER_INFO *signer = NULL;

	if (signers && sk_PKCS7_SIGNER_INFO_num(signers) == 1) {
		signer = sk_PKCS7_SIGNER_INFO_value(signers, 0);
		answer = find_token(signer, &bytes);
	}
	if (answer == TIMESTAMP_GOOD) {
		X509_STORE *store = anchor_store(certificate);

		p = ASN1_STRING_get0_data(bytes);
		token = d2i_PKCS7(NULL, &p, ASN1_STRING_length(bytes));
		answer =
			token && store ? verify_token(token, store, signer->enc_digest, ret) : TIMESTAMP_NONE;
		X509_STORE_free(store);
	}
	PKCS7_free(token);
	PKCS7_free(p7);
	ERR_clear_error();
	return answer;
}
