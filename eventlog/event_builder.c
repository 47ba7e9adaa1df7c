/* Events of logs that are read one digest after the other, and whose algorithms are known only at the end. */
#include "eventlog/parse.h"

/* The log's algorithm of that id, added when it is new. */
static int alg_of(struct eventlog *log, uint16_t id, size_t len, uint64_t offset, size_t *ret,
		  struct pcrcast_error *e)
{
	enum alg known = alg_by_tpm_id(id);
	size_t i = 0;

	if (known != ALG_COUNT && len != algs[known].len)
		return err_set(e, PCRCAST_EFORMAT, offset, "%s digest of %zu bytes, expected %u",
			       algs[known].name, len, algs[known].len);
	if (len == 0 || len > DIGEST_MAX)
		return err_set(e, PCRCAST_EFORMAT, offset, "digest of %zu bytes, expected 1 to %d", len,
			       DIGEST_MAX);
	while (i < log->n_algs && log->algs[i].id != id)
		i++;
	if (i < log->n_algs && log->algs[i].len != len)
		return err_set(e, PCRCAST_EFORMAT, offset,
			       "digest of algorithm 0x%04x has %zu bytes, one before had %u", id, len,
			       log->algs[i].len);
	if (i == EVENTLOG_MAX_ALGS)
		return err_set(e, PCRCAST_ELIMIT, offset, "digests of more than %d algorithms",
			       EVENTLOG_MAX_ALGS);
	if (i == log->n_algs)
		log->algs[log->n_algs++] = (struct eventlog_alg){ id, (uint16_t)len };
	*ret = i;
	return 0;
}

int event_builder_digest(struct event_builder *b, struct eventlog *log, uint16_t id, struct slice digest,
			 uint64_t offset, struct pcrcast_error *e)
{
	struct slice have = { b->digests, b->digests_len }, other;
	struct eventlog_alg alg;
	size_t i = 0;

	int rc = alg_of(log, id, digest.n, offset, &i, e);
	if (rc < 0)
		return rc;
	while (event_digest_next(log, &have, &alg, &other))
		if (alg.id == id)
			return err_set(e, PCRCAST_EFORMAT, offset, "digest of algorithm 0x%04x a second time",
				       id);
	/* No algorithm twice, and at most EVENTLOG_MAX_ALGS of them: there is room. */
	put_u16le(b->digests + b->digests_len, id);
	memcpy(b->digests + b->digests_len + 2, digest.p, digest.n);
	b->digests_len += 2 + digest.n;
	b->ev.n_digests++;
	return 0;
}

/*
 * A canonical event log made from a crypto-agile one begins with the Spec ID event as a record of its own, with its
 * SHA-1 digest of zeros. The algorithms are those that it announces, not that SHA-1.
 */
static bool is_spec_id_record(const struct event_builder *b, const struct eventlog *log)
{
	bool first = log->end == 0; /* the readers move it after each record */

	return first && b->ev.content == CONTENT_PCCLIENT && b->ev.type == EV_NO_ACTION &&
	       is_spec_id(b->ev.data, "Spec ID Event03");
}

static int take_spec_id(struct event_builder *b, struct eventlog *log, struct pcrcast_error *e)
{
	struct eventlog scratch = { .spec_id = { .pcr = b->ev.pcr, .vendor_info = SLICE_EMPTY } };
	struct pcrcast_error why;

	int rc = spec_id_03_read(reader_over(b->ev.data), &scratch, &why);
	if (rc < 0)
		return eventlog_find(log, b->ev.offset, SIZE_MAX, "spec-id", e, "%s", why.msg);
	log->spec_id = scratch.spec_id;
	log->n_algs = scratch.n_algs;
	memcpy(log->algs, scratch.algs, sizeof log->algs);
	return 0;
}

int event_builder_done(struct event_builder *b, struct eventlog *log, struct pcrcast_error *e)
{
	if (is_spec_id_record(b, log))
		return take_spec_id(b, log, e);

	uint8_t *digests = pool_copy(&log->pool, b->digests, b->digests_len);
	struct event *ev =
		digests ? pool_push(&log->pool, &log->events, &log->n_events, &log->cap, sizeof *ev) : NULL;
	if (!ev)
		return err_nomem(e);
	b->ev.digests = (struct slice){ digests, b->digests_len };
	*ev = b->ev;
	return 0;
}
