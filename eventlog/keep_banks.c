#include "base/bytes.h"
#include "eventlog/write.h"

static bool is_kept(alg_set banks, uint16_t id)
{
	enum alg alg = alg_by_tpm_id(id);

	return alg != ALG_COUNT && banks & UINT32_C(1) << alg;
}

/* The banks that remain, in the log's order; all that are wanted must be there. */
static int keep_algs(const struct eventlog *log, alg_set banks, struct eventlog *ret, struct pcrcast_error *e)
{
	alg_set missing = banks;

	ret->n_algs = 0;
	for (size_t i = 0; i < log->n_algs; i++)
		if (is_kept(banks, log->algs[i].id)) {
			missing &= ~(UINT32_C(1) << alg_by_tpm_id(log->algs[i].id));
			ret->algs[ret->n_algs++] = log->algs[i];
		}
	for (enum alg a = 0; a < ALG_COUNT; a++)
		if (missing & UINT32_C(1) << a)
			return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET, "the log has no %s digests",
				       algs[a].name);
	return 0;
}

/* The digests of ev that remain, written to p; what follows them is returned. */
static uint8_t *keep_digests(const struct eventlog *log, alg_set banks, struct event *ev, uint8_t *p)
{
	struct slice rest = ev->digests, digest;
	struct eventlog_alg alg;
	uint8_t *start = p;

	ev->n_digests = 0;
	while (event_digest_next(log, &rest, &alg, &digest)) {
		if (!is_kept(banks, alg.id))
			continue;
		put_u16le(p, alg.id);
		memcpy(p + 2, digest.p, digest.n);
		p += 2 + digest.n;
		ev->n_digests++;
	}
	ev->digests = (struct slice){ start, (size_t)(p - start) };
	return p;
}

int eventlog_keep_banks(const struct eventlog *log, alg_set banks, struct eventlog *ret,
			struct pcrcast_error *e)
{
	size_t room = 0;

	struct eventlog kept = *log;
	kept.pool = POOL_INIT;
	kept.events = NULL;
	kept.n_events = kept.cap = 0;
	kept.findings = NULL;
	kept.n_findings = kept.cap_findings = 0;
	int rc = keep_algs(log, banks, &kept, e);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < log->n_events; i++)
		room += log->events[i].digests.n;
	struct event *events = pool_array(&kept.pool, log->n_events, sizeof *events);
	uint8_t *digests = pool_array(&kept.pool, room, 1);
	if (!events || !digests) {
		pool_done(&kept.pool);
		return err_nomem(e);
	}
	for (size_t i = 0; i < log->n_events; i++) {
		events[i] = log->events[i];
		digests = keep_digests(log, banks, &events[i], digests);
	}
	kept.events = events;
	kept.n_events = kept.cap = log->n_events;
	*ret = kept;
	return 0;
}
