#define _GNU_SOURCE /* memmem */
#include "golden/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

static const char begin[] = "-----BEGIN ";

bool pem_likely(struct slice bytes)
{
	return bytes.n >= sizeof begin && !memchr(bytes.p, 0, bytes.n) &&
	       memmem(bytes.p, bytes.n, begin, sizeof begin - 1);
}

/* False at the end, or with *bad when a block is broken. */
static bool next_block(BIO *bio, struct pool *pool, struct pem_block *ret, bool *bad, bool *nomem)
{
	char *label = NULL, *header = NULL;
	unsigned char *der = NULL;
	long n = 0;

	if (PEM_read_bio(bio, &label, &header, &der, &n) != 1) {
		/* OpenSSL skips text while it looks for a block: at the end there is no start line. */
		*bad = ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
		ERR_clear_error();
		return false;
	}
	ret->label = pool_text(pool, label, strlen(label));
	ret->encrypted = header[0] != '\0';
	ret->der = n > 0 ? (struct slice){ pool_copy(pool, der, (size_t)n), (size_t)n } : SLICE_EMPTY;
	*nomem = !ret->label || !ret->der.p;
	OPENSSL_free(label);
	OPENSSL_free(header);
	OPENSSL_clear_free(der, n > 0 ? (size_t)n : 0);
	return !*nomem;
}

int pem_read(struct pool *pool, struct slice text, struct pem_block **ret, size_t *ret_n,
	     struct pcrcast_error *e)
{
	struct pem_block *blocks = NULL, block;
	size_t n = 0, cap = 0;
	bool bad = false, nomem = false;

	if (text.n > PEM_MAX)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET, "PEM of %zu bytes, at most %d handled",
			       text.n, PEM_MAX);
	BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
	if (!bio)
		return err_nomem(e);
	while (n <= PEM_BLOCKS_MAX && next_block(bio, pool, &block, &bad, &nomem)) {
		struct pem_block *place = pool_push(pool, &blocks, &n, &cap, sizeof *blocks);

		if (!place) {
			nomem = true;
			break;
		}
		*place = block;
	}
	BIO_free(bio);
	if (nomem)
		return err_nomem(e);
	if (n > PEM_BLOCKS_MAX)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET, "more than %d PEM blocks",
			       PEM_BLOCKS_MAX);
	if (bad || n == 0)
		return err_set(
			e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			"PEM block %zu is broken: expected base64 between BEGIN and END lines of one label",
			n + 1);
	*ret = blocks;
	*ret_n = n;
	return 0;
}
