/* A public key in any form; what reads is a key to compute with, and equal to itself. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "golden/key.h"
#include "tests/fuzz/fuzz.h"

/* assert() for every build mode. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pcrcast_error e = { .msg = "" };
	char why[KEY_WHY_MAX];
	struct key *key = NULL;
	int rc = key_read((struct slice){ n ? data : (const uint8_t *)"", n }, &key, &e);

	if (rc < 0) {
		CHECK(!key && (int)e.code == -rc && e.msg[0]);
		return 0;
	}
	const struct key_info *k = key_info(key);
	CHECK(k->form && key_equal(key, key));
	CHECK(k->kind == KEY_RSA ? k->bits >= KEY_BITS_MIN && k->bits <= KEY_BITS_MAX && !k->curve :
				   (k->bits == 256 || k->bits == 384 || k->bits == 521) && k->curve);
	CHECK(k->has_area || (k->name.n == 0 && k->scheme == TPM_SCHEME_NONE && k->hash == ALG_COUNT));
	CHECK(k->name.n <= TPM_NAME_MAX);
	enum match m = key_is_attestation_key(key, why);
	CHECK(memchr(why, 0, sizeof why) && (m == MATCH_YES) == (why[0] == '\0'));
	CHECK((m == MATCH_CANNOT_TELL) == !k->has_area);
	key_free(key);
	return 0;
}
