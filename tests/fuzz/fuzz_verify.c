/*
 * The verdict over a bundle. The first byte has flags; ten lengths of 16 bits, big endian, follow, and then the parts: message,
 * signature, the verifier's key, the evidence's key, register values (a file of tpm2-tools, or bare), nonce, event log, IMA
 * list, reference and certificate.
 */
#include <stddef.h>
#include <stdint.h>

#include "golden/format.h"
#include "golden/pcr_file.h"
#include "golden/verify.h"
#include "tests/fuzz/fuzz.h"

/* assert() for every build mode. */
enum part {
	PART_MESSAGE,
	PART_SIGNATURE,
	PART_KEY,
	PART_EVIDENCE_KEY,
	PART_VALUES,
	PART_NONCE,
	PART_LOG,
	PART_IMA,
	PART_REFERENCE,
	PART_CERTIFICATE,
	PARTS,
};

enum {
	FLAG_BARE_SIGNATURE = 1,
	FLAG_NONCE = 2,
	FLAG_TWO_QUOTES = 4,
	FLAG_EVIDENCE_VALUES = 8,
	FLAG_NONCE_RULE = 0x30, /* its number, above the last one: the first */
	FLAG_IS_ANCHOR = 0x40,  /* the certificate is also an authority */
};

static void carve(struct slice rest, struct slice parts[static PARTS])
{
	struct slice head = rest;

	for (size_t i = 0; i < PARTS; i++)
		parts[i] = SLICE_EMPTY;
	if (rest.n < 2 * PARTS)
		return;
	rest = (struct slice){ rest.p + 2 * PARTS, rest.n - 2 * PARTS };
	for (size_t i = 0; i < PARTS; i++) {
		size_t len = (size_t)head.p[2 * i] << 8 | head.p[2 * i + 1];

		len = len < rest.n ? len : rest.n;
		if (len)
			parts[i] = (struct slice){ rest.p, len };
		rest = (struct slice){ rest.p + len, rest.n - len };
	}
}

static bool passed(const struct verify_result *res, enum verify_item item)
{
	return res->checks[item].result == CHECK_PASS;
}

/* What must hold of every verdict. */
static void check_verdict(const struct verify_input *in, const struct verify_result *res)
{
	bool failed = false;

	for (enum verify_item i = 0; i < VERIFY_ITEMS; i++) {
		const struct verify_check *c = &res->checks[i];

		CHECK(c->detail && c->detail[0]);
		failed |= c->result == CHECK_FAIL;
		for (size_t k = 0; k < c->n_lines; k++)
			CHECK(c->lines[k][0]);
	}
	for (size_t i = 0; i < res->n_not_covered; i++)
		CHECK(res->not_covered[i][0]);
	CHECK(failed == (res->verdict == VERDICT_UNTRUSTED));
	if (res->verdict == VERDICT_TRUSTED)
		CHECK(passed(res, VERIFY_QUOTE) && passed(res, VERIFY_SIGNATURE) &&
		      passed(res, VERIFY_PCR_DIGEST) && passed(res, VERIFY_REFERENCE));
	CHECK(!passed(res, VERIFY_NONCE) || in->has_nonce);
	CHECK(!passed(res, VERIFY_REFERENCE) || in->want);
	CHECK(!passed(res, VERIFY_AK_CERTIFICATE) || in->n_anchors);
	CHECK(res->n_quotes <= in->evidence->n_quotes);
	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		uint32_t covered = 0;

		for (size_t i = 0; i < res->n_quotes; i++)
			covered |= quote_covers(&res->quotes[i], alg);
		CHECK((res->proven.known[alg] & ~covered) == 0);
		CHECK(!res->proven.known[alg] || passed(res, VERIFY_SIGNATURE));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice parts[PARTS];
	struct evidence ev = EVIDENCE_INIT;
	struct evidence_quote quotes[2];
	struct pcr_values values;
	struct pcrcast_error e = { .msg = "" };
	struct verify_result res;
	struct pool pool = POOL_INIT;
	struct golden want = GOLDEN_INIT;
	uint8_t flags = n ? data[0] : 0;
	unsigned rule = (unsigned)(flags & FLAG_NONCE_RULE) >> 4;

	carve(n > 1 ? (struct slice){ data + 1, n - 1 } : SLICE_EMPTY, parts);
	quotes[0] = (struct evidence_quote){ .message = parts[PART_MESSAGE],
					     .signature = parts[PART_SIGNATURE],
					     .bare = flags & FLAG_BARE_SIGNATURE };
	quotes[1] = quotes[0];
	ev.container = "fuzz";
	ev.quotes = quotes;
	ev.n_quotes = flags & FLAG_TWO_QUOTES ? 2 : 1;
	ev.key = parts[PART_EVIDENCE_KEY];
	ev.nonce_rule = rule <= NONCE_PADDED ? (enum nonce_rule)rule : NONCE_PLAIN;
	struct verify_input in = { .evidence = &ev,
				   .key = parts[PART_KEY],
				   .has_nonce = flags & FLAG_NONCE,
				   .nonce = parts[PART_NONCE],
				   .bare_values = SLICE_EMPTY,
				   .log = parts[PART_LOG],
				   .ima_log = parts[PART_IMA],
				   .ak_cert = parts[PART_CERTIFICATE],
				   .ek_cert = SLICE_EMPTY,
				   .at = 1767225600 /* 2026-01-01 */ };

	if (parts[PART_VALUES].n && pcr_file_read_serialized(parts[PART_VALUES], NULL, &values, &e) < 0)
		in.bare_values = parts[PART_VALUES];
	else if (parts[PART_VALUES].n && flags & FLAG_EVIDENCE_VALUES)
		quotes[0].pcrs = values, quotes[0].has_pcrs = true;
	else if (parts[PART_VALUES].n)
		in.pcrs = &values;
	if (flags & FLAG_IS_ANCHOR && parts[PART_CERTIFICATE].n) {
		in.anchors = &parts[PART_CERTIFICATE];
		in.n_anchors = 1;
	}
	struct golden_input reference = { .name = "want", .bytes = parts[PART_REFERENCE] };
	if (parts[PART_REFERENCE].n && golden_read(&reference, NULL, &want, &e) == 0) {
		in.want = &want;
		in.n_want = want.n;
	}
	e = (struct pcrcast_error){ .msg = "" };
	if (verify(&pool, &in, &res, &e) == 0)
		check_verdict(&in, &res);
	else
		CHECK(e.msg[0] && e.code != PCRCAST_ENOMEM);
	golden_done(&want);
	evidence_done(&ev);
	pool_done(&pool);
	return 0;
}
