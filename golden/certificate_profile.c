#include "golden/certificate_profile.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

enum { OID_MAX = 80 }; /* bytes of an object identifier's text that are shown */

#define EK_CERTIFICATE "2.23.133.8.1"  /* tcg-kp-EKCertificate */
#define AIK_CERTIFICATE "2.23.133.8.3" /* tcg-kp-AIKCertificate */
#define ANY_USAGE "2.5.29.37.0"
#define SUBJECT_DIRECTORY_ATTRIBUTES "2.5.29.9"

static void oid_text(const ASN1_OBJECT *oid, char ret[static OID_MAX])
{
	if (OBJ_obj2txt(ret, OID_MAX, oid, 1) <= 0)
		ret[0] = '\0';
}

static bool oid_is(const ASN1_OBJECT *oid, const char *text)
{
	char buf[OID_MAX];

	oid_text(oid, buf);
	return strcmp(buf, text) == 0;
}

/* ---- a certificate's words ---- */

static int read_usage(struct pool *pool, X509 *cert, struct profile *p, struct pcrcast_error *e)
{
	EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
	int rc = 0;

	for (int i = 0; i < sk_ASN1_OBJECT_num(usages) && rc == 0; i++) {
		char oid[OID_MAX];

		oid_text(sk_ASN1_OBJECT_value(usages, i), oid);
		bool any = strcmp(oid, ANY_USAGE) == 0;
		p->ek |= any || strcmp(oid, EK_CERTIFICATE) == 0;
		p->ak |= any || strcmp(oid, AIK_CERTIFICATE) == 0;
		p->usage = pool_printf(pool, "%s%s%s", p->usage ? p->usage : "", p->usage ? " " : "", oid);
		if (!p->usage)
			rc = err_nomem(e);
	}
	sk_ASN1_OBJECT_pop_free(usages, ASN1_OBJECT_free);
	return rc;
}

/* Control characters and what is not ASCII are escaped. */
static char *value_text(struct pool *pool, const ASN1_STRING *value)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL, *bytes;

	if (bio && ASN1_STRING_print_ex(bio, value, ASN1_STRFLGS_RFC2253) >= 0) {
		long n = BIO_get_mem_data(bio, &bytes);

		text = pool_text(pool, n > 0 ? bytes : "", n > 0 ? (size_t)n : 0);
	}
	BIO_free(bio);
	return text;
}

/* EK Credential Profile, subject alternative name: the TPM's maker, model and version as attributes of a directory name. */
static void read_directory_name(struct pool *pool, const X509_NAME *name, struct profile *p)
{
	const struct {
		const char *oid;
		const char **place;
	} rows[] = {
		{ "2.23.133.2.1", &p->manufacturer },
		{ "2.23.133.2.2", &p->model },
		{ "2.23.133.2.3", &p->version },
	};

	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);

		for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
			if (!*rows[k].place && oid_is(X509_NAME_ENTRY_get_object(entry), rows[k].oid))
				*rows[k].place = value_text(pool, X509_NAME_ENTRY_get_data(entry));
	}
}

int profile_read(struct pool *pool, X509 *cert, struct profile *ret, struct pcrcast_error *e)
{
	struct profile p = { .named = X509_NAME_entry_count(X509_get_subject_name(cert)) > 0 };
	int rc = read_usage(pool, cert, &p, e);
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		p.named = true;
		if (name->type == GEN_DIRNAME)
			read_directory_name(pool, name->d.directoryName, &p);
	}
	GENERAL_NAMES_free(names);
	ERR_clear_error();
	if (rc == 0)
		*ret = p;
	return rc;
}

/* ---- extensions ---- */

/* Attributes ::= SEQUENCE OF Attribute; each must be one of TCG's. NULL: so it is. */
static const char *check_directory_attributes(struct pool *pool, const ASN1_OCTET_STRING *value)
{
	static const char *const known[] = {
		"2.23.133.2.16", /* tcg-at-tpmSpecification */
		"2.23.133.2.17", /* tcg-at-tcgPlatformSpecification */
		"2.23.133.2.18", /* tcg-at-tpmSecurityAssertions */
	};
	static const char broken[] = "its critical subject directory attributes cannot be read";
	const unsigned char *p = ASN1_STRING_get0_data(value), *end = p + ASN1_STRING_length(value);
	long len;
	int tag, class;

	if (p == end || ASN1_get_object(&p, &len, &tag, &class, (long)(end - p)) & 0x81 ||
	    tag != V_ASN1_SEQUENCE || p + len != end)
		return broken;
	while (p < end) {
		char oid[OID_MAX];
		bool found = false;
		X509_ATTRIBUTE *a = d2i_X509_ATTRIBUTE(NULL, &p, (long)(end - p));

		if (!a)
			return broken;
		oid_text(X509_ATTRIBUTE_get0_object(a), oid);
		X509_ATTRIBUTE_free(a);
		for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
			found |= strcmp(oid, known[i]) == 0;
		if (!found)
			return pool_printf(pool, "critical subject directory attribute %s is not known here",
					   oid);
	}
	return NULL;
}

const char *profile_check_extensions(struct pool *pool, X509 *cert)
{
	char oid[OID_MAX];

	if (X509_get_extension_flags(cert) & EXFLAG_INVALID)
		return "an extension is malformed or there twice";
	for (int i = 0; i < X509_get_ext_count(cert); i++) {
		X509_EXTENSION *ext = X509_get_ext(cert, i);
		const ASN1_OBJECT *object = X509_EXTENSION_get_object(ext);
		const char *why = NULL;

		oid_text(object, oid);
		if (X509_get_ext_by_OBJ(cert, object, i) >= 0)
			return pool_printf(pool, "extension %s is there twice", oid);
		if (!X509_EXTENSION_get_critical(ext) || X509_supported_extension(ext))
			continue;
		if (strcmp(oid, SUBJECT_DIRECTORY_ATTRIBUTES) == 0)
			why = check_directory_attributes(pool, X509_EXTENSION_get_data(ext));
		else
			why = pool_printf(pool, "critical extension %s is not known here", oid);
		ERR_clear_error();
		if (why)
			return why;
	}
	return NULL;
}

/* ---- the role ---- */

enum {
	ENCRYPTS = KU_KEY_ENCIPHERMENT | KU_KEY_AGREEMENT,
	SIGNS = KU_DIGITAL_SIGNATURE,
};

/*
 * Extended key usages that name the role. Google's authority names its attestation keys 2.23.133.8.1 as well; that a
 * certificate is not for an endorsement key that encrypts is in its key usage then.
 */
static bool names_role(const struct profile *p, enum certificate_role role, bool signs_only)
{
	return role == CERTIFICATE_EK ? p->ek : p->ak || (p->ek && signs_only);
}

enum match profile_check_role(struct pool *pool, X509 *leaf, const struct profile *p,
			      const struct profile *above, enum certificate_role role, const char **ret_why)
{
	bool ek = role == CERTIFICATE_EK;
	uint32_t flags = X509_get_extension_flags(leaf);
	uint32_t usage = X509_get_key_usage(leaf); /* all ones when not said */
	bool signs_only = usage & SIGNS && !(usage & ENCRYPTS);
	/* Google's newer leaves have no extended key usage; the authorities above them are limited by theirs. */
	const struct profile *says = p->usage ? p : above;

	*ret_why = NULL;
	if (flags & EXFLAG_CA)
		*ret_why = "it is a certificate authority's, not a TPM key's";
	else if (!(usage & (ek ? ENCRYPTS | SIGNS : SIGNS)))
		*ret_why = ek ? "its key usage allows no key encipherment or agreement, which an EK does" :
				"its key usage allows no digital signature, which an AK makes";
	else if (says->usage && !names_role(says, role, signs_only))
		*ret_why = pool_printf(pool, "%s is %s, expected %s",
				       says == p ? "its extended key usage" :
						   "the extended key usage of the authority above it",
				       says->usage, ek ? EK_CERTIFICATE : AIK_CERTIFICATE);
	else if (!p->named)
		*ret_why = "its subject is empty and there is no subject alternative name";
	if (*ret_why)
		return MATCH_NO;
	/* Old EK certificates have no extended key usage, but attributes that no other certificate has. */
	if (says->usage || (ek && p->manufacturer))
		return MATCH_YES;
	*ret_why = ek ? "it does not say that it is an EK's: no extended key usage, no TPM attributes" :
			"it does not say that it is an AK's: no extended key usage";
	return MATCH_CANNOT_TELL;
}
