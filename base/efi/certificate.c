#include "base/efi/certificate.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>

enum { DER_MAX = 1 << 20 }; /* bytes; real certificates have one or two thousand */

static char *name_text(struct pool *pool, X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL, *bytes;

	/* RFC 2253 form with control and non-ASCII characters escaped: safe for terminals. */
	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
		long n = BIO_get_mem_data(bio, &bytes);

		text = pool_text(pool, n > 0 ? bytes : "", n > 0 ? (size_t)n : 0);
	}
	BIO_free(bio);
	return text;
}

bool certificate_read(struct pool *pool, struct slice der, struct certificate *ret)
{
	const unsigned char *p = der.p;
	struct certificate c = { .sha256.alg = ALG_SHA256 };
	bool ok = false;

	X509 *x = d2i_X509(NULL, &p, der.n < DER_MAX ? (long)der.n : DER_MAX);
	if (x) {
		c.len = (size_t)(p - der.p);
		c.subject = name_text(pool, X509_get_subject_name(x));
		c.issuer = name_text(pool, X509_get_issuer_name(x));
		ok = c.subject && c.issuer &&
		     digest_of(ALG_SHA256, (struct slice){ der.p, c.len }, &c.sha256, NULL) == 0;
	}
	X509_free(x);
	ERR_clear_error();
	if (ok)
		*ret = c;
	return ok;
}

/* A sequence: its content, and with its header in *ret_whole. */
static bool sequence(struct slice der, struct slice *ret_whole, struct slice *ret_content)
{
	const unsigned char *p = der.p;
	long len;
	int tag, class;

	if (der.n == 0 || der.n > DER_MAX ||
	    ASN1_get_object(&p, &len, &tag, &class, (long)der.n) != V_ASN1_CONSTRUCTED ||
	    tag != V_ASN1_SEQUENCE || class != V_ASN1_UNIVERSAL) {
		ERR_clear_error();
		return false;
	}
	*ret_content = (struct slice){ p, (size_t)len };
	*ret_whole = (struct slice){ der.p, (size_t)(p - der.p) + (size_t)len };
	return true;
}

bool certificate_tbs(struct slice der, struct slice *ret)
{
	struct slice whole, content, tbs, ignored;

	if (!sequence(der, &whole, &content) || !sequence(content, &tbs, &ignored))
		return false;
	*ret = tbs;
	return true;
}
