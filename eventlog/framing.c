/* What the SHA-1 and the crypto-agile form of a TCG log share: the first event, padding, and what the events show. */
#include "eventlog/parse.h"

enum {
	SPEC_ID_SIGNATURE_LEN = 16,

	/*
	 * A rest of the log shorter than this is an event cut short even when it is all zeros or all 0xff: that
	 * may be the PCR of an event. The byte after it is the low byte of the event type, which is neither
	 * 0x00 nor 0xff in any type of PFP 1.06 that firmware logs.
	 */
	PADDING_MIN = 5,

	/* Registers that Windows' loader extends, and where it logs what it does not extend. */
	WINDOWS_FIRST_PCR = 11,
	WINDOWS_LAST_PCR = 14,

};

int tcg1_event_read(struct reader *r, struct tcg1_event *ret, struct pcrcast_error *e)
{
	struct tcg1_event ev = { .offset = r->pos };
	size_t left = reader_left(r);

	ev.pcr = reader_u32le(r);
	ev.type = reader_u32le(r);
	ev.digest = reader_take(r, TCG1_SHA1_LEN);
	uint64_t size_at = r->pos;
	uint32_t size = reader_u32le(r);
	if (r->failed)
		return err_set(e, PCRCAST_ETRUNC, ev.offset, "%zu bytes left, an event needs 32", left);
	ev.data_offset = r->pos;
	ev.data = reader_take(r, size);
	if (r->failed)
		return err_set(e, PCRCAST_ETRUNC, size_at, "%u bytes of event data, %zu left in the log",
			       size, reader_left(r));
	*ret = ev;
	return 0;
}

bool is_spec_id(struct slice data, const char *signature)
{
	return data.n >= SPEC_ID_SIGNATURE_LEN && memcmp(data.p, signature, SPEC_ID_SIGNATURE_LEN) == 0;
}

/* ---- padding ---- */

static size_t run_start(struct slice bytes, uint8_t value)
{
	size_t n = bytes.n;

	while (n > 0 && bytes.p[n - 1] == value)
		n--;
	return n;
}

struct tcg_padding tcg_padding_find(struct slice bytes)
{
	return (struct tcg_padding){ run_start(bytes, 0x00), run_start(bytes, 0xff) };
}

/*
 * EDK2 fills the rest of the log's area with 0xff (Tcg2Dxe.c), other firmware with zeros. Windows may append
 * an older log behind the 0xff, so PCR and type all ones are enough: no event has that type. Zeros must reach
 * to the end.
 */
bool tcg_padding_at(const struct reader *r, const struct tcg_padding *padding)
{
	struct reader ahead = *r;
	bool ones = reader_u64le(&ahead) == UINT64_MAX;

	if (reader_left(r) < PADDING_MIN)
		return false;
	return ones || r->pos >= padding->zeros || r->pos >= padding->ones;
}

static int note_rest(struct slice bytes, struct eventlog *log, struct pcrcast_error *e)
{
	size_t start = (size_t)log->end, at = start;

	while (at < bytes.n && bytes.p[at] == bytes.p[start])
		at++;
	if (at == start)
		return 0;
	int rc = eventlog_find(log, start, SIZE_MAX, "padding", e,
			       "%zu bytes of 0x%02x behind the last event", at - start, bytes.p[start]);
	if (rc == 0 && at < bytes.n)
		rc = eventlog_find(log, at, SIZE_MAX, "appended", e, "%zu bytes behind the padding, not read",
				   bytes.n - at);
	return rc;
}

/* ---- what the events show ---- */

/*
 * The registers are those of CC: TdTcg2Dxe.c (EDK2) logs the Spec ID event with index 1 and announces one algorithm;
 * td-shim logs it with index 0, but names itself as the vendor.
 */
static bool has_cc_registers(const struct eventlog *log)
{
	if (log->n_algs != 1)
		return false;
	return log->spec_id.pcr == CC_HEADER_INDEX || slice_equal_string(log->spec_id.vendor_info, "td-shim");
}

/*
 * An event of Windows' loader. Windows 10's wbcl.h: what is measured is EV_EVENT_TAG with nested SIPA events, of
 * which the outermost is SIPAEVENT_TRUSTBOUNDARY and the like, 0x4001xxxx; its separators say "WBCL". What is not
 * measured is EV_NO_ACTION of register 0xffffffff, with 0xc001xxxx.
 */
static bool is_windows_event(const struct event *ev)
{
	bool in_range = ev->pcr >= WINDOWS_FIRST_PCR && ev->pcr <= WINDOWS_LAST_PCR;
	uint32_t high = ev->data.n >= 8 ? get_u32le(ev->data.p) >> 16 : 0;

	if (in_range && ev->type == EV_EVENT_TAG)
		return high == 0x4001;
	if (in_range && ev->type == EV_SEPARATOR)
		return slice_equal_string(ev->data, "WBCL");
	return ev->pcr == UINT32_MAX && ev->type == EV_NO_ACTION && high == 0xc001;
}

int tcg_finish(struct slice bytes, struct eventlog *log, int rc, struct pcrcast_error *e)
{
	if (has_cc_registers(log))
		log->kind = EVENTLOG_CC;
	for (size_t i = 0; i < log->n_events && log->kind != EVENTLOG_WBCL; i++)
		if (is_windows_event(&log->events[i]))
			log->kind = EVENTLOG_WBCL;
	return rc < 0 ? rc : note_rest(bytes, log, e);
}
