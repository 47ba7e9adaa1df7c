/* Crypto-agile logs: a Spec ID Event03, then TCG_PCR_EVENT2 after TCG_PCR_EVENT2. PFP 1.06 section 10.2. */
#include "eventlog/parse.h"

/* Read the algorithms that the Spec ID event announces; they bound every digest that follows. */
static int algs_read(struct reader *r, struct eventlog *log, struct pcrcast_error *e)
{
	uint64_t at = r->pos;
	uint32_t count = reader_u32le(r);

	if (r->failed)
		return err_set(e, PCRCAST_EFORMAT, at, "Spec ID event cut short before its algorithms");
	if (count == 0)
		return err_set(e, PCRCAST_EFORMAT, at, "no algorithms announced");
	if (count > EVENTLOG_MAX_ALGS)
		return err_set(e, PCRCAST_ELIMIT, at, "%u algorithms announced, at most %d handled", count,
			       EVENTLOG_MAX_ALGS);

	for (uint32_t i = 0; i < count; i++) {
		at = r->pos;
		struct eventlog_alg a = { .id = reader_u16le(r), .len = reader_u16le(r) };
		enum alg known = alg_by_tpm_id(a.id);

		if (r->failed)
			return err_set(e, PCRCAST_EFORMAT, at,
				       "Spec ID event cut short in algorithm %u of %u", i, count);
		if (known != ALG_COUNT && a.len != algs[known].len)
			return err_set(e, PCRCAST_EFORMAT, at, "%s announced with %u bytes, expected %u",
				       algs[known].name, a.len, algs[known].len);
		if (a.len == 0 || a.len > DIGEST_MAX)
			return err_set(e, PCRCAST_EFORMAT, at,
				       "algorithm 0x%04x announced with %u bytes, expected 1 to %d", a.id,
				       a.len, DIGEST_MAX);
		for (size_t j = 0; j < log->n_algs; j++)
			if (log->algs[j].id == a.id)
				return err_set(e, PCRCAST_EFORMAT, at, "algorithm 0x%04x announced twice",
					       a.id);
		log->algs[log->n_algs++] = a;
	}
	return 0;
}

/* TCG_EfiSpecIDEvent, PFP 1.06 section 10.4.5.1. Bytes after the vendor information are let pass. */
int spec_id_03_read(struct reader b, struct eventlog *log, struct pcrcast_error *e)
{
	size_t size = reader_left(&b);

	(void)reader_take(&b, sizeof "Spec ID Event03");
	log->spec_id.platform_class = reader_u32le(&b);
	log->spec_id.version_minor = reader_u8(&b);
	log->spec_id.version_major = reader_u8(&b);
	log->spec_id.errata = reader_u8(&b);
	log->spec_id.uintn_size = reader_u8(&b);
	int rc = algs_read(&b, log, e);
	if (rc < 0)
		return rc;
	uint64_t vendor_at = b.pos;
	uint8_t vendor_len = reader_u8(&b);
	struct slice vendor_info = reader_take(&b, vendor_len);
	if (b.failed)
		return err_set(e, PCRCAST_EFORMAT, vendor_at,
			       "Spec ID event of %zu bytes has no room for its vendor information", size);
	log->spec_id.vendor_info = vendor_info;
	return 0;
}

/* Read the first event, a TCG_PCR_EVENT that holds a TCG_EfiSpecIDEvent: PFP 1.06 section 10.2.1. */
static int header_read(struct reader *r, struct eventlog *log, struct pcrcast_error *e)
{
	struct tcg1_event ev;
	int rc = tcg1_event_read(r, &ev, e);

	if (rc < 0)
		return rc;
	if (ev.type != EV_NO_ACTION || !is_spec_id(ev.data, "Spec ID Event03"))
		return err_set(e, PCRCAST_EUNSUPPORTED, ev.offset,
			       "not a crypto-agile log: the first event is not Spec ID Event03");
	log->spec_id.pcr = ev.pcr;
	struct reader body = { .base = r->base, .pos = (size_t)ev.data_offset, .end = r->pos };
	return spec_id_03_read(body, log, e);
}

/* The index of an announced algorithm, n_algs if it is none. */
static size_t alg_index(const struct eventlog *log, uint16_t id)
{
	size_t i = 0;

	while (i < log->n_algs && log->algs[i].id != id)
		i++;
	return i;
}

/* Read one crypto-agile event: TCG_PCR_EVENT2, PFP 1.06 section 10.2.2. *ret is untouched on failure. */
static int event2_read(struct reader *r, const struct eventlog *log, struct event *ret,
		       struct pcrcast_error *e)
{
	struct event ev = { .offset = r->pos, .origin = EVENT_RECORDED };

	ev.pcr = reader_u32le(r);
	ev.type = reader_u32le(r);
	uint64_t count_at = r->pos;
	ev.n_digests = reader_u32le(r);
	if (r->failed)
		return err_set(e, PCRCAST_ETRUNC, ev.offset, "%zu bytes left, an event header needs 12",
			       r->end - (size_t)ev.offset);
	if (ev.n_digests > log->n_algs)
		return err_set(e, PCRCAST_EFORMAT, count_at, "%u digests, the log announces %zu algorithms",
			       ev.n_digests, log->n_algs);

	size_t digests_at = r->pos;
	uint32_t seen = 0; /* bit i: algs[i] */
	for (uint32_t i = 0; i < ev.n_digests; i++) {
		uint64_t at = r->pos;
		uint16_t id = reader_u16le(r);
		size_t a = alg_index(log, id);

		if (!r->failed && a == log->n_algs)
			return err_set(e, PCRCAST_EFORMAT, at, "digest %u: algorithm 0x%04x not announced", i,
				       id);
		if (!r->failed && seen & UINT32_C(1) << a)
			return err_set(e, PCRCAST_EFORMAT, at, "digest %u: algorithm 0x%04x a second time", i,
				       id);
		if (!r->failed)
			(void)reader_take(r, log->algs[a].len);
		if (r->failed)
			return err_set(e, PCRCAST_ETRUNC, at, "digest %u cut short", i);
		seen |= UINT32_C(1) << a;
	}
	ev.digests = (struct slice){ r->base + digests_at, r->pos - digests_at };

	uint64_t size_at = r->pos;
	uint32_t size = reader_u32le(r);
	if (r->failed)
		return err_set(e, PCRCAST_ETRUNC, size_at, "the log ends before the size of the event data");
	ev.data = reader_take(r, size);
	if (r->failed)
		return err_set(e, PCRCAST_ETRUNC, size_at, "%u bytes of event data, %zu left in the log",
			       size, reader_left(r));
	*ret = ev;
	return 0;
}

/*
 * PFP 1.06 section 10.2.2 wants one digest of each announced algorithm. Windows' loader logs only one bank's for its
 * own events; Linux (6.1, tpm_eventlog.h) ends the log there.
 */
static int note_digest_count(struct eventlog *log, size_t n, const struct event *ev, struct pcrcast_error *e)
{
	if (ev->n_digests == log->n_algs)
		return 0;
	return eventlog_find(log, ev->offset, n, "digest-count", e,
			     "%u digests, the log announces %zu algorithms", ev->n_digests, log->n_algs);
}

/*
 * Read events up to the end of the log or to the first that is not sound. events is NULL to count only, or
 * has room for as many as were counted.
 */
static int events_read(struct reader r, const struct tcg_padding *padding, struct eventlog *log,
		       struct event *events, struct pcrcast_error *e)
{
	size_t n = 0;
	int rc = 0;

	log->end = r.pos;
	while (reader_left(&r) > 0 && !tcg_padding_at(&r, padding)) {
		struct event ev;

		rc = event2_read(&r, log, &ev, e);
		if (rc < 0) {
			rc = err_wrap(e, "event %zu", n);
			break;
		}
		if (events) {
			events[n] = ev;
			rc = note_digest_count(log, n, &ev, e);
			if (rc < 0)
				break;
		}
		n++;
		log->end = r.pos;
	}
	log->n_events = n;
	return rc;
}

int eventlog_parse_tcg2(struct slice bytes, struct eventlog *ret, struct pcrcast_error *e)
{
	struct reader r = reader_over(bytes);
	struct pcrcast_error local; /* err_wrap tells the code of a failure through an error object */

	*ret = EVENTLOG_INIT;
	if (!e)
		e = &local;
	int rc = header_read(&r, ret, e);
	if (rc < 0) {
		*ret = EVENTLOG_INIT; /* not half a header */
		return rc;
	}

	/* Count first: an array that grows would take up to four times the memory at its largest. */
	struct tcg_padding padding = tcg_padding_find(bytes);
	rc = events_read(r, &padding, ret, NULL, e);
	size_t n = ret->n_events;
	ret->n_events = 0;
	if (rc < 0 && n == 0)
		return tcg_finish(bytes, ret, rc, e);
	struct event *events = pool_array(&ret->pool, n, sizeof *events);
	if (!events)
		return err_nomem(e);
	ret->events = events;
	ret->cap = n;
	rc = events_read(r, &padding, ret, events, e);
	return tcg_finish(bytes, ret, rc, e);
}
