/*
 * A quote, its signature and its key: two u16 are the lengths of quote and signature, then come quote, signature (as TPMT_SIGNATURE
 * and as bare bytes) and key.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "golden/quote.h"
#include "golden/signature.h"
#include "tests/fuzz/fuzz.h"

/* assert() for every build mode. */
static bool inside(struct slice part, struct slice whole)
{
	return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static bool ends(const char *text, size_t max)
{
	return memchr(text, 0, max) != NULL;
}

static void look_at_quote(const struct tpm_quote *q, struct slice bytes)
{
	struct pcr_values values = { .known = { 0 } };
	struct pcrcast_error e = { .msg = "" };
	char why[QUOTE_WHY_MAX];
	struct digest d;

	CHECK(inside(q->message, bytes) && q->message.n + 2 >= bytes.n);
	CHECK(q->signer.n <= TPM_NAME_MAX && q->extra_data_len <= TPM_DATA_MAX &&
	      q->pcr_digest_len <= DIGEST_MAX && q->n_selections <= TPM_BANKS_MAX);
	enum match m = quote_match_values(q, ALG_COUNT, &values, why);
	CHECK(ends(why, sizeof why) && (m == MATCH_YES) == (why[0] == '\0'));
	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		values.known[alg] = 0xffffff;
	int rc = quote_pcr_digest(q->selections, q->n_selections, &values, ALG_SHA256, &d, &e);
	m = quote_match_values(q, ALG_COUNT, &values, why);
	CHECK(rc == 0 || m == MATCH_CANNOT_TELL);
	if (quote_name_values(q, bytes, &values, &e) == 0)
		for (enum alg alg = 0; alg < ALG_COUNT; alg++)
			CHECK(values.known[alg] == quote_covers(q, alg));
}

static void look_at_signature(const struct key *key, const struct tpm_signature *s, struct slice message)
{
	struct signature_check c;

	CHECK(signature_verify(key, s, message, &c, NULL) == 0);
	CHECK(ends(c.why, sizeof c.why) && (c.match == MATCH_YES) == (c.why[0] == '\0'));
	CHECK(!c.weak || c.match == MATCH_YES);
	CHECK(c.match != MATCH_YES || (c.hash < ALG_COUNT && c.scheme != TPM_SCHEME_NONE));
}

static void look_at_key(struct slice bytes, const struct tpm_quote *q, struct slice message,
			struct slice signature)
{
	struct tpm_signature s;
	struct key *key = NULL;
	uint32_t hierarchy;

	if (key_read(bytes, &key, NULL) < 0) {
		CHECK(!key);
		return;
	}
	if (tpm_signature_read(signature, &s, NULL) == 0)
		look_at_signature(key, &s, message);
	if (signature_of_bare(key, signature, ALG_COUNT, &s, NULL) == 0) {
		CHECK(inside(s.rsa, signature) && inside(s.r, signature) && inside(s.s, signature));
		look_at_signature(key, &s, message);
	}
	(void)quote_match_signer(q, &key_info(key)->name, &key_info(key)->name, &hierarchy);
	key_free(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct tpm_quote q = { .message = SLICE_EMPTY };
	struct pcrcast_error e = { .msg = "" };
	struct tpm_signature s;

	if (n < 4)
		return 0;
	struct slice rest = { data + 4, n - 4 }, message, signature;
	if (!slice_at(rest, 0, get_u16le(data), &message) ||
	    !slice_at(rest, message.n, get_u16le(data + 2), &signature))
		return 0;
	struct slice key = { signature.p + signature.n, rest.n - message.n - signature.n };

	int rc = tpm_quote_read(message, &q, &e);
	if (rc == 0)
		look_at_quote(&q, message);
	else
		CHECK((int)e.code == -rc && e.msg[0] &&
		      (e.offset == PCRCAST_NO_OFFSET || e.offset <= message.n));
	e.msg[0] = '\0';
	rc = tpm_signature_read(signature, &s, &e);
	if (rc == 0)
		CHECK(s.scheme != TPM_SCHEME_NONE && s.hash < ALG_COUNT && inside(s.rsa, signature) &&
		      inside(s.r, signature) && inside(s.s, signature));
	else
		CHECK((int)e.code == -rc && e.msg[0]);
	look_at_key(key, &q, message, signature);
	return 0;
}
