/*
 * SHA-1 logs: TCG_PCR_EVENT after TCG_PCR_EVENT. TCG PC Client Specific Implementation Specification for
 * Conventional BIOS 1.21 (Spec ID Event00), TCG EFI Platform Specification 1.22 (Spec ID Event02).
 */
#include "eventlog/parse.h"

static const struct eventlog_alg sha1 = { .id = 0x0004, .len = TCG1_SHA1_LEN };

static bool is_old_spec_id(const struct tcg1_event *ev)
{
	return ev->type == EV_NO_ACTION &&
	       (is_spec_id(ev->data, "Spec ID Event00") || is_spec_id(ev->data, "Spec ID Event02"));
}

/* TCG_PCClientSpecIDEventStruct and TCG_EfiSpecIdEventStruct: alike but for the byte that Event00 reserves. */
static int spec_id_read(const struct tcg1_event *ev, struct eventlog *log, struct pcrcast_error *e)
{
	struct reader r = reader_over(ev->data);

	(void)reader_take(&r, sizeof "Spec ID Event00");
	struct eventlog_spec_id id = { .pcr = ev->pcr, .platform_class = reader_u32le(&r) };
	id.version_minor = reader_u8(&r);
	id.version_major = reader_u8(&r);
	id.errata = reader_u8(&r);
	id.uintn_size = reader_u8(&r);
	id.vendor_info = reader_take(&r, reader_u8(&r));
	if (r.failed) /* nothing that follows depends on it */
		return eventlog_find(log, ev->data_offset, SIZE_MAX, "spec-id", e,
				     "Spec ID event of %zu bytes is shorter than what it should hold",
				     ev->data.n);
	log->spec_id = id;
	return 0;
}

/* As events_read in parse_tcg2.c: count, or fill events and digests, which have room for what was counted. */
static int events_read(struct reader r, const struct tcg_padding *padding, struct eventlog *log,
		       struct event *events, uint8_t *digests, struct pcrcast_error *e)
{
	size_t n = 0;
	int rc = 0;

	log->end = r.pos;
	while (reader_left(&r) > 0 && !tcg_padding_at(&r, padding)) {
		struct tcg1_event ev;

		rc = tcg1_event_read(&r, &ev, e);
		if (rc < 0) {
			rc = err_wrap(e, "event %zu", n);
			break;
		}
		if (events) {
			uint8_t *entry = digests + n * (2 + TCG1_SHA1_LEN);

			put_u16le(entry, sha1.id);
			memcpy(entry + 2, ev.digest.p, TCG1_SHA1_LEN);
			events[n] = (struct event){
				.offset = ev.offset,
				.pcr = ev.pcr,
				.type = ev.type,
				.n_digests = 1,
				.digests = { entry, 2 + TCG1_SHA1_LEN },
				.data = ev.data,
			};
		}
		n++;
		log->end = r.pos;
	}
	log->n_events = n;
	return rc;
}

int parse_tcg1(struct slice bytes, struct eventlog *ret, struct pcrcast_error *e)
{
	struct tcg_padding padding = tcg_padding_find(bytes);
	struct reader r = reader_over(bytes);
	struct pcrcast_error local;
	struct tcg1_event first;

	*ret = EVENTLOG_INIT;
	ret->kind = EVENTLOG_TCG1;
	ret->spec_id = (struct eventlog_spec_id){ .vendor_info = SLICE_EMPTY };
	ret->algs[ret->n_algs++] = sha1;
	if (!e)
		e = &local;
	struct reader ahead = r;
	int rc = tcg1_event_read(&ahead, &first, e);
	if (rc < 0)
		return err_wrap(e, "event 0");
	if (first.type == EV_NO_ACTION && is_spec_id(first.data, "Spec ID Event03"))
		return err_set(e, PCRCAST_EUNSUPPORTED, 0,
			       "not a SHA-1 log: the first event is Spec ID Event03, of a crypto-agile log");
	if (is_old_spec_id(&first)) {
		rc = spec_id_read(&first, ret, e);
		if (rc < 0)
			return rc;
		r = ahead;
	}

	rc = events_read(r, &padding, ret, NULL, NULL, e);
	size_t n = ret->n_events;
	ret->n_events = 0;
	if (rc < 0 && n == 0)
		return rc;
	struct event *events = pool_array(&ret->pool, n, sizeof *events);
	uint8_t *digests = pool_array(&ret->pool, n, 2 + TCG1_SHA1_LEN);
	if (!events || !digests)
		return err_nomem(e);
	ret->events = events;
	ret->cap = n;
	rc = events_read(r, &padding, ret, events, digests, e);
	return tcg_finish(bytes, ret, rc, e);
}
