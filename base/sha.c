#include "base/sha.h"

#include <stdlib.h>

#include <openssl/evp.h>

struct sha {
	enum alg alg;
	EVP_MD_CTX *state, *copy;
};

static const EVP_MD *md_of(enum alg alg)
{
	switch (alg) {
	case ALG_SHA1:
		return EVP_sha1();
	case ALG_SHA256:
		return EVP_sha256();
	case ALG_SHA384:
		return EVP_sha384();
	case ALG_SHA512:
		return EVP_sha512();
	default:
		return NULL;
	}
}

struct sha *sha_new(enum alg alg)
{
	struct sha *h = calloc(1, sizeof *h);

	if (!h)
		return NULL;
	h->alg = alg;
	h->state = EVP_MD_CTX_new();
	h->copy = EVP_MD_CTX_new();
	if (!h->state || !h->copy || !sha_restart(h)) {
		sha_free(h);
		return NULL;
	}
	return h;
}

void sha_free(struct sha *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->state);
	EVP_MD_CTX_free(h->copy);
	free(h);
}

bool sha_restart(struct sha *h)
{
	return EVP_DigestInit_ex(h->state, md_of(h->alg), NULL) == 1;
}

bool sha_update(struct sha *h, const void *bytes, size_t n)
{
	return EVP_DigestUpdate(h->state, bytes, n) == 1;
}

bool sha_peek(const struct sha *h, struct digest *ret)
{
	struct digest d = { .alg = h->alg };

	if (EVP_MD_CTX_copy_ex(h->copy, h->state) != 1 || EVP_DigestFinal_ex(h->copy, d.bytes, NULL) != 1)
		return false;
	*ret = d;
	return true;
}
