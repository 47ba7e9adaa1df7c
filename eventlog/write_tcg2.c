#include "eventlog/write.h"

#include <inttypes.h>

#include "base/bytes.h"

enum {
	SHA1_LEN = 20, /* the first event is a TCG_PCR_EVENT with one SHA-1 digest */
	SPEC_ID_FIXED =
		16 + 4 + 4 + 4, /* signature, platformClass, versions and uintnSize, numberOfAlgorithms */
	EVENT2_FIXED = 4 + 4 + 4 + 4, /* PCR, type, digest count, event size */
	VENDOR_INFO_MAX = 255,        /* its length has one byte */
};

/* Where bytes go: to a stream, or to memory whose room was counted before. */
struct writer {
	uint8_t *p;
	FILE *out; /* NULL: to p */
};

static void write_bytes(struct writer *w, struct slice s)
{
	if (w->out) {
		(void)fwrite(s.p, 1, s.n, w->out);
		return;
	}
	if (s.n)
		memcpy(w->p, s.p, s.n);
	w->p += s.n;
}

static void write_u8(struct writer *w, uint8_t v)
{
	write_bytes(w, (struct slice){ &v, 1 });
}

static void write_u16le(struct writer *w, uint16_t v)
{
	uint8_t bytes[2];

	put_u16le(bytes, v);
	write_bytes(w, (struct slice){ bytes, sizeof bytes });
}

static void write_u32le(struct writer *w, uint32_t v)
{
	uint8_t bytes[4];

	put_u32le(bytes, v);
	write_bytes(w, (struct slice){ bytes, sizeof bytes });
}

/* An event that a reader of the log accepts: one digest for each announced algorithm, in any order. */
static int event_check(const struct eventlog *log, const struct event *ev, struct pcrcast_error *e)
{
	struct slice rest = ev->digests, digest;
	struct eventlog_alg alg;
	uint32_t n = 0;

	for (size_t i = 0; i < log->n_algs; i++) {
		bool found = false;

		rest = ev->digests;
		while (!found && event_digest_next(log, &rest, &alg, &digest))
			found = alg.id == log->algs[i].id;
		if (!found)
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "no digest of algorithm 0x%04x",
				       log->algs[i].id);
	}
	for (rest = ev->digests; event_digest_next(log, &rest, &alg, &digest);)
		n++;
	if (n != log->n_algs || rest.n != 0 || ev->n_digests != n)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "%u digests in %zu bytes, expected one of each of %zu algorithms",
			       ev->n_digests, ev->digests.n, log->n_algs);
	if (ev->data.n > UINT32_MAX)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "%zu bytes of event data, a log holds at most %" PRIu32, ev->data.n,
			       UINT32_MAX);
	return 0;
}

/* TCG_PCR_EVENT with a TCG_EfiSpecIDEvent: PFP 1.06 sections 10.2.1 and 10.4.5.1. */
static size_t spec_id_len(const struct eventlog *log)
{
	return SPEC_ID_FIXED + 4 * log->n_algs + 1 + log->spec_id.vendor_info.n;
}

static void spec_id_write(struct writer *w, const struct eventlog *log)
{
	static const uint8_t zeros[SHA1_LEN];
	static const char signature[16] = "Spec ID Event03";
	const struct eventlog_spec_id *id = &log->spec_id;

	write_u32le(w, id->pcr);
	write_u32le(w, EV_NO_ACTION);
	write_bytes(w, (struct slice){ zeros, sizeof zeros });
	write_u32le(w, (uint32_t)spec_id_len(log));
	write_bytes(w, (struct slice){ (const uint8_t *)signature, sizeof signature });
	write_u32le(w, id->platform_class);
	write_u8(w, id->version_minor);
	write_u8(w, id->version_major);
	write_u8(w, id->errata);
	write_u8(w, id->uintn_size);
	write_u32le(w, (uint32_t)log->n_algs);
	for (size_t i = 0; i < log->n_algs; i++) {
		write_u16le(w, log->algs[i].id);
		write_u16le(w, log->algs[i].len);
	}
	write_u8(w, (uint8_t)id->vendor_info.n);
	write_bytes(w, id->vendor_info);
}

static void event2_write(struct writer *w, const struct event *ev)
{
	write_u32le(w, ev->pcr);
	write_u32le(w, ev->type);
	write_u32le(w, ev->n_digests);
	write_bytes(w, ev->digests);
	write_u32le(w, (uint32_t)ev->data.n);
	write_bytes(w, ev->data);
}

/* Can the log be written, and with how many bytes? */
static int count_bytes(const struct eventlog *log, size_t *ret, struct pcrcast_error *e)
{
	struct pcrcast_error local;

	if (!e)
		e = &local;
	if (log->n_algs == 0 || log->n_algs > EVENTLOG_MAX_ALGS)
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "%zu algorithms, a log announces 1 to %d", log->n_algs, EVENTLOG_MAX_ALGS);
	if (log->spec_id.vendor_info.n > VENDOR_INFO_MAX)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "%zu bytes of vendor information, at most %d fit", log->spec_id.vendor_info.n,
			       VENDOR_INFO_MAX);

	size_t size = 4 + 4 + SHA1_LEN + 4 + spec_id_len(log);
	for (size_t i = 0; i < log->n_events; i++) {
		const struct event *ev = &log->events[i];

		if (event_check(log, ev, e) < 0)
			return err_wrap(e, "event %zu cannot be written", i);
		if (__builtin_add_overflow(size, EVENT2_FIXED + ev->digests.n, &size) ||
		    __builtin_add_overflow(size, ev->data.n, &size))
			return err_nomem(e);
	}
	*ret = size;
	return 0;
}

static void log_write(struct writer *w, const struct eventlog *log)
{
	spec_id_write(w, log);
	for (size_t i = 0; i < log->n_events; i++)
		event2_write(w, &log->events[i]);
}

int eventlog_write_tcg2(const struct eventlog *log, struct pool *pool, struct slice *ret,
			struct pcrcast_error *e)
{
	size_t size;

	int rc = count_bytes(log, &size, e);
	if (rc < 0)
		return rc;
	uint8_t *bytes = pool_array(pool, size, 1);
	if (!bytes)
		return err_nomem(e);
	struct writer w = { .p = bytes };
	log_write(&w, log);
	*ret = (struct slice){ bytes, size };
	return 0;
}

int eventlog_print_tcg2(const struct eventlog *log, FILE *out, struct pcrcast_error *e)
{
	struct writer w = { .out = out };
	size_t size;

	int rc = count_bytes(log, &size, e);
	if (rc == 0)
		log_write(&w, log);
	return rc;
}
