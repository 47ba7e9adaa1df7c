/* Which kind of log the bytes are, and what was odd about it. */
#include <stdarg.h>

#include "eventlog/parse.h"

enum {
	/* Beyond so many of one code they say nothing new, but a hostile log would make them take many times its size. */
	FINDINGS_MAX = 1000,
	PCR_MAX_LOGGED = PCR_COUNT - 1,
	EVENT_TYPE_LAST_BIOS = 0x1f, /* types below 0x80000000: PFP 1.06 goes to 0x13 */
	CCEL_TABLE_LEN = 56,         /* ACPI 6.5, CC Event Log ACPI Table */
	RECORD_SEPARATOR = 0x1e,     /* RFC 7464 */
};

static const char *const names[EVENTLOG_KINDS] = {
	[EVENTLOG_TCG1] = "tcg1",       [EVENTLOG_TCG2] = "tcg2",         [EVENTLOG_CC] = "cc",
	[EVENTLOG_WBCL] = "wbcl",       [EVENTLOG_CEL_JSON] = "cel-json", [EVENTLOG_CEL_TLV] = "cel-tlv",
	[EVENTLOG_SYSTEMD] = "systemd", [EVENTLOG_IMA] = "ima",
};

const char *eventlog_kind_name(enum eventlog_kind kind)
{
	return kind < EVENTLOG_KINDS ? names[kind] : "unknown";
}

enum eventlog_kind eventlog_kind_by_name(const char *name)
{
	for (enum eventlog_kind k = 0; k < EVENTLOG_KINDS; k++)
		if (strcmp(names[k], name) == 0)
			return k;
	return EVENTLOG_KINDS;
}

/* How many findings there are of this code, the one to come included. Of a code too many, none is lost silently. */
static size_t count_finding(struct eventlog *log, const char *code)
{
	for (size_t i = 0; i < FINDING_CODES_MAX; i++) {
		struct finding_count *c = &log->finding_counts[i];

		if (!c->code)
			c->code = code;
		if (strcmp(c->code, code) == 0)
			return ++c->n;
	}
	return 1;
}

int eventlog_find(struct eventlog *log, uint64_t offset, size_t event, const char *code,
		  struct pcrcast_error *e, const char *fmt, ...)
{
	va_list ap;
	size_t n = count_finding(log, code);

	if (n > FINDINGS_MAX + 1)
		return 0;
	struct finding *f =
		pool_push(&log->pool, &log->findings, &log->n_findings, &log->cap_findings, sizeof *f);
	if (!f)
		return err_nomem(e);
	*f = (struct finding){ .offset = offset, .event = event, .code = code, .text = "" };
	if (n > FINDINGS_MAX) {
		*f = (struct finding){
			.offset = PCRCAST_NO_OFFSET,
			.event = SIZE_MAX,
			.code = "more-findings",
			.text = pool_printf(&log->pool, "there are more findings \"%s\", not listed", code)
		};
		return f->text ? 0 : err_nomem(e);
	}
	va_start(ap, fmt);
	const char *text = pool_vprintf(&log->pool, fmt, ap);
	va_end(ap);
	if (!text)
		return err_nomem(e);
	f->text = text;
	return 0;
}

/* ---- what the bytes look like ---- */

/* The ACPI table that tells where a CC log is; Linux shows it beside the log itself. */
static bool is_ccel_table(struct slice bytes)
{
	return bytes.n >= 8 && bytes.n <= CCEL_TABLE_LEN && memcmp(bytes.p, "CCEL", 4) == 0 &&
	       get_u32le(bytes.p + 4) == CCEL_TABLE_LEN;
}

/* The first byte that is no JSON blank; 0 when there is none. */
static uint8_t first_visible(struct slice bytes)
{
	size_t i = 0;

	while (i < bytes.n &&
	       (bytes.p[i] == ' ' || bytes.p[i] == '\t' || bytes.p[i] == '\n' || bytes.p[i] == '\r'))
		i++;
	return i < bytes.n ? bytes.p[i] : 0;
}

/* A record number, then a register, then digests: fields of CEL-TLV, each a type byte and a big-endian length. */
static bool is_cel_tlv(struct slice bytes)
{
	static const struct {
		uint32_t min, max;
		const char *types;
	} fields[] = {
		{ 1, 8, "\x00" },
		{ 1, 8, "\x01\x02\x6c" },
		{ 0, UINT32_MAX, "\x03" },
	};
	struct reader r = reader_over(bytes);

	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		uint8_t type = reader_u8(&r);
		struct slice length = reader_take(&r, 4);

		if (r.failed || !(type == 0 ? i == 0 : strchr(fields[i].types, type) != NULL))
			return false;
		uint32_t n = get_u32be(length.p);
		if (n < fields[i].min || n > fields[i].max)
			return false;
		(void)reader_take(&r, n);
		if (r.failed)
			return false;
	}
	return true;
}

/*
 * A TCG_PCR_EVENT: a register that exists (or Windows' 0xffffffff) and a type of a document. Logs cut inside their
 * first event count, so that they are told from what is no log.
 */
static bool is_tcg_event(struct slice bytes)
{
	struct reader r = reader_over(bytes);
	uint32_t pcr = reader_u32le(&r), type = reader_u32le(&r);

	if (r.failed || (pcr > PCR_MAX_LOGGED && pcr != UINT32_MAX))
		return false;
	return type <= EVENT_TYPE_LAST_BIOS || (type & 0xffff0000) == EV_EFI_EVENT_BASE;
}

static bool is_spec_id_03_event(struct slice bytes)
{
	enum { DATA_OFFSET = 32 }; /* in a TCG_PCR_EVENT */
	struct slice data;

	return slice_at(bytes, DATA_OFFSET, 16, &data) && is_spec_id(data, "Spec ID Event03");
}

/* The framing: for TCG logs only tcg1 or tcg2, since the events tell the rest. */
static enum eventlog_kind recognise_framing(struct slice bytes, const char **ret_why)
{
	uint8_t first = first_visible(bytes);

	*ret_why = NULL;
	if (bytes.n == 0)
		*ret_why = "the log is empty";
	else if (is_ccel_table(bytes))
		*ret_why = "this is the CCEL ACPI table, which only tells where the log is: "
			   "the log is the data file, /sys/firmware/acpi/tables/data/CCEL";
	if (*ret_why)
		return EVENTLOG_KINDS;
	if (first == '[')
		return EVENTLOG_CEL_JSON;
	if (first == RECORD_SEPARATOR || first == '{')
		return EVENTLOG_SYSTEMD;
	if (ima_text_recognise(bytes) || ima_binary_recognise(bytes))
		return EVENTLOG_IMA;
	if (is_cel_tlv(bytes))
		return EVENTLOG_CEL_TLV;
	if (is_spec_id_03_event(bytes))
		return EVENTLOG_TCG2;
	if (is_tcg_event(bytes))
		return EVENTLOG_TCG1;
	*ret_why = "neither a TCG log, nor a canonical event log, nor a list of IMA or systemd";
	return EVENTLOG_KINDS;
}

enum eventlog_kind eventlog_recognise(struct slice bytes, const char **ret_why)
{
	const char *why;
	enum eventlog_kind kind = recognise_framing(bytes, &why);

	if (kind == EVENTLOG_TCG1 || kind == EVENTLOG_TCG2) {
		struct eventlog log;

		(void)eventlog_read(bytes, EVENTLOG_KINDS, &log, NULL);
		kind = log.kind;
		eventlog_done(&log);
	}
	if (ret_why)
		*ret_why = why;
	return kind;
}

/* ---- reading ---- */

/* A kind that was asked for holds whatever the events show; Windows' and CC logs are framed as the header says. */
static int read_tcg(struct slice bytes, enum eventlog_kind asked, enum eventlog_kind framing,
		    struct eventlog *ret, struct pcrcast_error *e)
{
	int rc = framing == EVENTLOG_TCG1 ? parse_tcg1(bytes, ret, e) : eventlog_parse_tcg2(bytes, ret, e);

	if (asked != EVENTLOG_KINDS)
		ret->kind = asked;
	return rc;
}

int eventlog_read(struct slice bytes, enum eventlog_kind kind, struct eventlog *ret, struct pcrcast_error *e)
{
	enum eventlog_kind asked = kind;
	const char *why = NULL;

	*ret = EVENTLOG_INIT;
	if (is_ccel_table(bytes) || kind == EVENTLOG_KINDS) {
		kind = recognise_framing(bytes, &why);
		if (kind == EVENTLOG_KINDS)
			return err_set(e, bytes.n ? PCRCAST_EUNSUPPORTED : PCRCAST_ETRUNC, 0, "%s", why);
	}
	switch (kind) {
	case EVENTLOG_TCG1:
	case EVENTLOG_TCG2:
		return read_tcg(bytes, asked, kind, ret, e);
	case EVENTLOG_CC:
		return read_tcg(bytes, asked, EVENTLOG_TCG2, ret, e);
	case EVENTLOG_WBCL:
		return read_tcg(bytes, asked, is_spec_id_03_event(bytes) ? EVENTLOG_TCG2 : EVENTLOG_TCG1, ret,
				e);
	case EVENTLOG_CEL_JSON:
		return parse_cel_json(bytes, ret, e);
	case EVENTLOG_CEL_TLV:
		return parse_cel_tlv(bytes, ret, e);
	case EVENTLOG_SYSTEMD:
		return parse_systemd(bytes, ret, e);
	case EVENTLOG_IMA:
		return parse_ima(bytes, ret, e);
	case EVENTLOG_KINDS:
		break;
	}
	return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET, "no kind of log has the number %d", (int)kind);
}
