/*
 * CEL-TLV: TCG Canonical Event Log Format 1.0 section 5.1. Every field is a type byte, a big-endian 32-bit length and
 * a value; fields nest. A record is recnum, register, digests, content, in this order; numbers take 1 to 8 bytes. In
 * digests the type byte is the low byte of the TPM_ALG_ID.
 */
#include "base/json.h"
#include "eventlog/cel.h"
#include "eventlog/parse.h"

enum {
	NUMBER_MAX_LEN = 8,

	PCCLIENT_EVENT_TYPE = 0,
	PCCLIENT_EVENT_DATA = 1,
	IMA_TEMPLATE_NAME = 0,
	IMA_TEMPLATE_DATA = 1,
	N_PARTS = 2, /* of both */
};

struct tlv {
	uint64_t offset; /* of the type byte */
	uint8_t type;
	struct reader value; /* confined to the value */
};

static int tlv_read(struct reader *r, struct tlv *ret, struct pcrcast_error *e)
{
	struct tlv f = { .offset = r->pos };

	f.type = reader_u8(r);
	struct slice length = reader_take(r, 4);
	if (r->failed)
		return err_set(e, PCRCAST_ETRUNC, f.offset, "a field needs 5 bytes, %zu left",
			       r->end - (size_t)f.offset);
	uint32_t n = get_u32be(length.p);
	size_t start = r->pos;
	(void)reader_take(r, n);
	if (r->failed)
		return err_set(e, PCRCAST_ETRUNC, f.offset + 1, "a field of type %u with %u bytes, %zu left",
			       f.type, n, r->end - start);
	f.value = (struct reader){ .base = r->base, .pos = start, .end = r->pos };
	*ret = f;
	return 0;
}

static struct slice rest_of(const struct reader *r)
{
	return (struct slice){ r->base + r->pos, reader_left(r) };
}

static int number_read(const struct tlv *f, uint64_t max, uint64_t *ret, struct pcrcast_error *e)
{
	struct slice s = rest_of(&f->value);
	uint64_t value = 0;

	if (s.n == 0 || s.n > NUMBER_MAX_LEN)
		return err_set(e, PCRCAST_EFORMAT, f->offset + 1, "a number of %zu bytes, expected 1 to %d",
			       s.n, NUMBER_MAX_LEN);
	for (size_t i = 0; i < s.n; i++)
		value = value << 8 | s.p[i];
	if (value > max)
		return err_set(e, PCRCAST_EFORMAT, f->offset,
			       "number 0x%llx in a field of type %u, expected at most 0x%llx",
			       (unsigned long long)value, f->type, (unsigned long long)max);
	*ret = value;
	return 0;
}

static int field_expect(struct reader *r, enum cel_field type, const char *name, struct tlv *ret,
			struct pcrcast_error *e)
{
	struct tlv f;
	int rc = tlv_read(r, &f, e);

	if (rc < 0)
		return rc;
	if (f.type != type)
		return err_set(e, PCRCAST_EFORMAT, f.offset, "a field of type %u, expected %d (%s)", f.type,
			       (int)type, name);
	*ret = f;
	return 0;
}

static int register_read(struct reader *r, struct event *ev, struct eventlog *log, struct pcrcast_error *e)
{
	struct tlv f;
	uint64_t value;
	int rc = tlv_read(r, &f, e);

	if (rc < 0)
		return rc;
	if (f.type != CEL_PCR && f.type != CEL_NV_INDEX && f.type != CEL_CC_REGISTER)
		return err_set(e, PCRCAST_EFORMAT, f.offset,
			       "a field of type %u, expected %d (pcr) or %d (nv_index)", f.type, CEL_PCR,
			       CEL_NV_INDEX);
	rc = number_read(&f, UINT32_MAX, &value, e);
	if (rc < 0)
		return rc;
	ev->pcr = (uint32_t)value;
	if (f.type == CEL_NV_INDEX && !cel_is_nv_index(ev->pcr))
		return err_set(e, PCRCAST_EFORMAT, f.offset, "nv_index 0x%08x, expected a handle 0x01......",
			       ev->pcr);
	/* The registers are numbered alike, so a log has the one or the other; its first record tells. */
	if (log->n_events == 0 && f.type == CEL_CC_REGISTER) {
		log->kind = EVENTLOG_CC;
		log->spec_id.pcr = CC_HEADER_INDEX;
	}
	if ((log->kind == EVENTLOG_CC) != (f.type == CEL_CC_REGISTER))
		return err_set(e, PCRCAST_EFORMAT, f.offset, "%s in a log that begins with %s",
			       f.type == CEL_CC_REGISTER ? "a CC measurement register" : "a PCR or NV index",
			       log->kind == EVENTLOG_CC ? "CC measurement registers" : "PCRs");
	return 0;
}

static int digests_read(struct reader *r, struct event_builder *b, struct eventlog *log,
			struct pcrcast_error *e)
{
	struct tlv all, f;
	int rc = field_expect(r, CEL_DIGESTS, "digests", &all, e);

	while (rc == 0 && reader_left(&all.value) > 0) {
		rc = tlv_read(&all.value, &f, e);
		if (rc == 0)
			rc = event_builder_digest(b, log, f.type, rest_of(&f.value), f.offset, e);
	}
	return rc;
}

/* The parts of a content, types 0 and 1, in any order. */
static int parts_read(const struct tlv *content, struct tlv parts[static N_PARTS], struct pcrcast_error *e)
{
	struct reader r = content->value;
	bool seen[N_PARTS] = { false };

	while (reader_left(&r) > 0) {
		struct tlv f;
		int rc = tlv_read(&r, &f, e);

		if (rc < 0)
			return rc;
		if (f.type >= N_PARTS || seen[f.type])
			return err_set(e, PCRCAST_EFORMAT, f.offset,
				       "a field of type %u%s in content of type %u", f.type,
				       f.type < N_PARTS ? " again" : "", content->type);
		seen[f.type] = true;
		parts[f.type] = f;
	}
	if (!seen[0] || !seen[1])
		return err_set(e, PCRCAST_EFORMAT, content->offset,
			       "content of type %u without its field of type %d", content->type,
			       seen[0] ? 1 : 0);
	return 0;
}

static int pcclient_read(const struct tlv *content, struct event *ev, struct pcrcast_error *e)
{
	struct tlv parts[N_PARTS];
	uint64_t type;
	int rc = parts_read(content, parts, e);

	if (rc == 0)
		rc = number_read(&parts[PCCLIENT_EVENT_TYPE], UINT32_MAX, &type, e);
	if (rc < 0)
		return rc;
	ev->type = (uint32_t)type;
	ev->data = rest_of(&parts[PCCLIENT_EVENT_DATA].value);
	return 0;
}

static int ima_read(const struct tlv *content, struct event *ev, struct eventlog *log,
		    struct pcrcast_error *e)
{
	struct tlv parts[N_PARTS];
	int rc = parts_read(content, parts, e);

	if (rc < 0)
		return rc;
	struct slice name = rest_of(&parts[IMA_TEMPLATE_NAME].value);
	ev->content = CONTENT_IMA;
	ev->template_name = pool_text(&log->pool, (const char *)name.p, name.n);
	ev->data = rest_of(&parts[IMA_TEMPLATE_DATA].value);
	return ev->template_name ? 0 : err_nomem(e);
}

/* systemd's content is an object in JSON; implementations of CEL-TLV put only the measured words here. */
static bool is_json_object(struct slice text)
{
	struct cJSON *node = NULL;
	bool object = json_parse(text, &node, NULL) == 0 && json_is_object(node);

	json_free(node);
	return object;
}

static int content_read(struct reader *r, struct event *ev, struct eventlog *log, struct pcrcast_error *e)
{
	struct tlv content;
	int rc = tlv_read(r, &content, e);

	if (rc < 0)
		return rc;
	if (content.type == CEL_CONTENT_PCCLIENT)
		return pcclient_read(&content, ev, e);
	if (content.type == CEL_CONTENT_IMA_TEMPLATE)
		return ima_read(&content, ev, log, e);
	ev->data = rest_of(&content.value);
	if (content.type == CEL_CONTENT_SYSTEMD && is_json_object(ev->data)) {
		ev->content = CONTENT_SYSTEMD;
		return 0;
	}
	ev->content = CONTENT_OTHER;
	ev->template_name = cel_content_type_name(content.type, &log->pool);
	return ev->template_name ? 0 : err_nomem(e);
}

static int record_read(struct reader *r, struct eventlog *log, struct pcrcast_error *e)
{
	struct event_builder b = { .ev = { .offset = r->pos } };
	struct tlv recnum;
	uint64_t number;

	int rc = field_expect(r, CEL_RECNUM, "recnum", &recnum, e);
	if (rc == 0)
		rc = number_read(&recnum, UINT64_MAX, &number, e);
	if (rc == 0)
		rc = register_read(r, &b.ev, log, e);
	if (rc == 0)
		rc = digests_read(r, &b, log, e);
	if (rc == 0)
		rc = content_read(r, &b.ev, log, e);
	return rc < 0 ? rc : event_builder_done(&b, log, e);
}

int parse_cel_tlv(struct slice bytes, struct eventlog *ret, struct pcrcast_error *e)
{
	struct reader r = reader_over(bytes);
	struct pcrcast_error local;

	*ret = EVENTLOG_INIT;
	ret->kind = EVENTLOG_CEL_TLV;
	ret->spec_id = (struct eventlog_spec_id){ .vendor_info = SLICE_EMPTY };
	if (!e)
		e = &local;
	for (size_t n = 0; reader_left(&r) > 0; n++) {
		if (record_read(&r, ret, e) < 0)
			return err_wrap(e, "record %zu", n);
		ret->end = r.pos;
	}
	return 0;
}
