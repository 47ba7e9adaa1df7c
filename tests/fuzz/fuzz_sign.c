/*
 * Read a key from PEM, as a private and as a public one, and a signature file, and check the signature. A line
 * "====\n" ends the key, another one the signature; what follows is the file that was signed. Without them all is the key.
 */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "golden/golden.h"
#include "golden/sign.h"
#include "tests/fuzz/fuzz.h"

static int give(void *ctx, char *buf, size_t size, struct pcrcast_error *e)
{
	(void)ctx;
	(void)e;
	CHECK(size >= 1);
	buf[0] = 'x';
	return 1;
}

/* What is in front of the next separator; *rest is moved behind it. */
static struct slice next_part(struct slice *rest)
{
	static const char separator[] = "====\n";
	const uint8_t *at = memmem(rest->p, rest->n, separator, strlen(separator));
	struct slice part = { rest->p, at ? (size_t)(at - rest->p) : rest->n };
	size_t used = at ? part.n + strlen(separator) : rest->n;

	*rest = (struct slice){ rest->p + used, rest->n - used };
	return part;
}

static void use_key(struct sign_key *k, struct slice text, struct slice file)
{
	struct pool pool = POOL_INIT;
	struct pcrcast_error e = { .msg = "" };
	struct golden_policy policy = { .alg = ALG_SHA1, .signature = SLICE_EMPTY };
	struct sign_policy_result r;
	struct slice sig, own;
	bool good;

	CHECK(sign_key_kind(k)[0] != '\0');
	if (sign_decode(&pool, text, &sig, &e) == 0) {
		(void)sign_check(k, file, sig, &good, NULL, &e);
		policy.signature = sig;
		if (sign_policy_check(k, &policy, &r, &e) == 0)
			CHECK(r.good == (r.reason == NULL));
	} else {
		CHECK(e.msg[0] != '\0');
	}
	if (sign_bytes(k, file, &pool, &own, &e) == 0)
		(void)sign_check(k, file, own, &good, NULL, &e);
	sign_key_free(k);
	pool_done(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice rest = n ? (struct slice){ data, n } : SLICE_EMPTY;
	struct slice pem = next_part(&rest), sig = next_part(&rest);
	struct pcrcast_error e = { .msg = "" };
	struct sign_key *k = NULL;

	if (sign_key_public(pem, &k, &e) == 0)
		use_key(k, sig, rest);
	else
		CHECK(e.msg[0] != '\0');
	e.msg[0] = '\0';
	if (sign_key_private(pem, give, NULL, &k, &e) == 0)
		use_key(k, sig, rest);
	else
		CHECK(e.msg[0] != '\0');
	return 0;
}
