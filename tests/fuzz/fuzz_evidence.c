/* Read a container of evidence, whichever it is; look at all that was read. */
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "golden/evidence.h"
#include "tests/fuzz/fuzz.h"

/* assert() for every build mode. */
static unsigned sum;

/* So that a slice that points nowhere is found. */
static void look_at(struct slice s)
{
	CHECK(s.p);
	for (size_t i = 0; i < s.n; i++)
		sum += s.p[i];
}

static void look_at_all(const struct evidence *ev)
{
	CHECK(ev->container && ev->n_quotes > 0);
	look_at(ev->key);
	look_at(ev->nonce);
	look_at(ev->instance_info);
	look_at(ev->user_data);
	look_at(ev->log);
	look_at(ev->cel_log);
	look_at(ev->ima_log);
	look_at(ev->ak_cert);
	look_at(ev->ek_cert);
	for (size_t i = 0; i < ev->n_intermediates; i++)
		look_at(ev->intermediates[i]);
	for (size_t i = 0; i < ev->n_quotes; i++) {
		const struct evidence_quote *q = &ev->quotes[i];
		uint32_t any = 0;

		CHECK(q->message.n && q->signature.n);
		look_at(q->message);
		look_at(q->signature);
		for (enum alg alg = 0; alg < ALG_COUNT; alg++)
			any |= q->pcrs.known[alg];
		CHECK(any >> PCR_COUNT == 0 && (!any || q->has_pcrs));
	}
	for (size_t i = 0; i < ev->n_notes; i++)
		CHECK(ev->notes[i][0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice bytes = n ? (struct slice){ data, n } : SLICE_EMPTY;
	struct pcrcast_error e = { .msg = "" };
	struct evidence ev;

	int rc = evidence_read(bytes, &ev, &e);
	if (rc == 0)
		look_at_all(&ev);
	else
		CHECK(e.msg[0] != '\0' && (int)e.code == -rc && e.code != PCRCAST_ENOMEM);
	evidence_done(&ev);
	return 0;
}
