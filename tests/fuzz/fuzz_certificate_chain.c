/*
 * A leaf, intermediates and anchors: a byte of options (1: AK, 2: partial), two u16 with the lengths of leaf and intermediates, then
 * the three, each DER or PEM.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "golden/certificate_chain.h"
#include "tests/fuzz/fuzz.h"

/* assert() for every build mode. */
enum { HEAD = 5, TIME = 1700000000 }; /* that of the seeds */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pcrcast_error e = { .msg = "" };
	struct pool pool = POOL_INIT;
	struct slice leaf, above;
	struct chain_result r;
	struct key *key = NULL;

	if (n < HEAD)
		return 0;
	struct slice rest = { data + HEAD, n - HEAD };
	if (!slice_at(rest, 0, get_u16le(data + 1), &leaf) ||
	    !slice_at(rest, leaf.n, get_u16le(data + 3), &above))
		return 0;
	struct slice anchors = { above.p + above.n, rest.n - leaf.n - above.n };
	struct chain_input in = { .leaf = leaf,
				  .intermediates = &above,
				  .n_intermediates = above.n > 0,
				  .anchors = &anchors,
				  .n_anchors = 1,
				  .partial = data[0] & 2,
				  .role = data[0] & 1 ? CERTIFICATE_AK : CERTIFICATE_EK,
				  .at = TIME };
	int rc = certificate_chain_check(&pool, &in, &r, &e);
	if (rc == 0) {
		CHECK(r.subject && r.issuer && (r.match == MATCH_YES) == (r.why == NULL));
		CHECK(r.match != MATCH_YES || (r.length > 0 && r.anchor));
		/* a good leaf is a key, and good with it */
		if (r.match == MATCH_YES) {
			CHECK(key_read(leaf, &key, NULL) == 0);
			in.key = key;
			CHECK(certificate_chain_check(&pool, &in, &r, &e) == 0 && r.match == MATCH_YES);
			key_free(key);
		}
	} else {
		CHECK((int)e.code == -rc && e.msg[0]);
	}
	pool_done(&pool);
	return 0;
}
