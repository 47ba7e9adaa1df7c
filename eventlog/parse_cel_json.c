/*
 * CEL-JSON: an array of records. TCG Canonical Event Log Format 1.0, section 5, and systemd-pcrlock cel (255 to 262),
 * which writes "content_type":"systemd" for systemd's own events.
 */
#include <stdlib.h>
#include <strings.h>

#include "base/json.h"
#include "eventlog/cel.h"
#include "eventlog/cel_json.h"
#include "eventlog/parse.h"

/* A number, or text that strtoul reads wholly. */
static bool number_of(const struct cJSON *node, uint64_t max, uint64_t *ret)
{
	const char *text;
	uint64_t value;

	if (json_u64(node, &value)) {
		if (value > max)
			return false;
		*ret = value;
		return true;
	}
	if (!json_string(node, &text) || text[0] < '0' || text[0] > '9')
		return false;
	char *end;
	/* "0x800000e5" or decimal; a leading zero alone does not make a number octal */
	value = strtoul(text, &end, text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10);
	if (*end || value > max)
		return false;
	*ret = value;
	return true;
}

static int read_register(const struct cJSON *record, uint64_t offset, uint32_t *ret, struct pcrcast_error *e)
{
	const struct cJSON *pcr = json_get(record, "pcr"), *nv_index = json_get(record, "nv_index");
	uint64_t value;

	if (!pcr == !nv_index)
		return err_set(e, PCRCAST_EFORMAT, offset,
			       "expected one of \"pcr\" and \"nv_index\", found %s",
			       pcr ? "both" : "neither");
	if (!number_of(pcr ? pcr : nv_index, UINT32_MAX, &value))
		return err_set(e, PCRCAST_EFORMAT, offset, "\"%s\" is no number from 0 to 2^32-1",
			       pcr ? "pcr" : "nv_index");
	if (nv_index && !cel_is_nv_index((uint32_t)value))
		return err_set(e, PCRCAST_EFORMAT, offset,
			       "\"nv_index\" is 0x%08x, expected a handle 0x01......", (uint32_t)value);
	*ret = (uint32_t)value;
	return 0;
}

static int read_digest(const struct cJSON *node, uint64_t offset, struct event_builder *b,
		       struct eventlog *log, struct pcrcast_error *e)
{
	const struct cJSON *alg = json_get(node, "hashAlg");
	struct slice digest;
	const char *name;
	uint64_t id = 0;

	if (!number_of(alg, UINT16_MAX, &id)) {
		if (!json_string(alg, &name))
			return err_set(e, PCRCAST_EFORMAT, offset, "a digest without \"hashAlg\"");
		id = cel_alg_by_name(name);
		if (id == 0)
			return err_set(e, PCRCAST_EUNSUPPORTED, offset,
				       "hash algorithm \"%.32s\" is not known", name);
	}
	if (!json_hex(&log->pool, json_get(node, "digest"), &digest))
		return err_set(e, PCRCAST_EFORMAT, offset, "a digest whose \"digest\" is not hex");
	return event_builder_digest(b, log, (uint16_t)id, digest, offset, e);
}

static int read_digests(const struct cJSON *record, uint64_t offset, struct event_builder *b,
			struct eventlog *log, struct pcrcast_error *e)
{
	const struct cJSON *list = json_get(record, "digests");
	int rc = 0;

	if (!json_is_array(list))
		return err_set(e, PCRCAST_EFORMAT, offset, "\"digests\" is no array");
	for (const struct cJSON *d = json_first(list); d && rc == 0; d = json_next(d))
		rc = read_digest(d, offset, b, log, e);
	return rc;
}

/* "content_type" as text; the numbers are those of CEL-TLV. */
static int read_content_type(const struct cJSON *record, uint64_t offset, struct eventlog *log,
			     const char **ret, struct pcrcast_error *e)
{
	const struct cJSON *node = json_get(record, "content_type");
	const char *text;
	uint64_t number;

	if (json_u64(node, &number) && number <= UINT8_MAX)
		text = cel_content_type_name((uint8_t)number, &log->pool);
	else if (json_string(node, &text))
		text = pool_text(&log->pool, text, strlen(text));
	else
		return err_set(e, PCRCAST_EFORMAT, offset,
			       "\"content_type\" is neither text nor a number below 256");
	if (!text)
		return err_nomem(e);
	*ret = text;
	return 0;
}

static int read_pcclient(const struct cJSON *content, uint64_t offset, struct event_builder *b,
			 struct eventlog *log, struct pcrcast_error *e)
{
	const struct cJSON *type = json_get(content, "event_type"), *data = json_get(content, "event_data");
	const char *name;
	uint64_t number;

	if (number_of(type, UINT32_MAX, &number))
		b->ev.type = (uint32_t)number;
	else if (!json_string(type, &name) || !cel_event_type_by_name(name, &b->ev.type))
		return err_set(e, PCRCAST_EFORMAT, offset,
			       "\"event_type\" is neither a known name nor a number");
	b->ev.data = SLICE_EMPTY;
	if (data && !json_hex(&log->pool, data, &b->ev.data))
		return err_set(e, PCRCAST_EFORMAT, offset, "\"event_data\" is not hex");
	return 0;
}

static int read_ima(const struct cJSON *content, uint64_t offset, struct event_builder *b,
		    struct eventlog *log, struct pcrcast_error *e)
{
	const char *name;

	b->ev.content = CONTENT_IMA;
	if (!json_string(json_get(content, "template_name"), &name))
		return err_set(e, PCRCAST_EFORMAT, offset, "IMA content without \"template_name\"");
	if (!json_hex(&log->pool, json_get(content, "template_data"), &b->ev.data))
		return err_set(e, PCRCAST_EFORMAT, offset, "\"template_data\" is not hex");
	b->ev.template_name = pool_text(&log->pool, name, strlen(name));
	return b->ev.template_name ? 0 : err_nomem(e);
}

/* Content of another kind: text that is hex stands for bytes, everything else for itself. */
static int read_other(const struct cJSON *content, struct event_builder *b, struct eventlog *log,
		      struct pcrcast_error *e)
{
	b->ev.data = SLICE_EMPTY;
	if (!content || json_hex(&log->pool, content, &b->ev.data))
		return 0;
	const char *text = json_text(&log->pool, content);
	if (!text)
		return err_nomem(e);
	b->ev.data = slice_of_string(text);
	return 0;
}

static int read_content(const struct cJSON *record, uint64_t offset, struct event_builder *b,
			struct eventlog *log, struct pcrcast_error *e)
{
	const struct cJSON *content = json_get(record, "content");
	const char *type = NULL;

	int rc = read_content_type(record, offset, log, &type, e);
	if (rc < 0)
		return rc;
	if (strcasecmp(type, "pcclient_std") == 0)
		return read_pcclient(content, offset, b, log, e);
	if (strcasecmp(type, "ima_template") == 0)
		return read_ima(content, offset, b, log, e);
	if (strcasecmp(type, "systemd") == 0 && json_is_object(content)) {
		b->ev.content = CONTENT_SYSTEMD;
	} else {
		b->ev.content = CONTENT_OTHER;
		b->ev.template_name = type;
	}
	return read_other(content, b, log, e);
}

static int record_read(const struct cJSON *record, uint64_t offset, bool needs_content, struct eventlog *log,
		       struct pcrcast_error *e)
{
	struct event_builder b = { .ev = { .offset = offset, .data = SLICE_EMPTY } };

	if (!json_is_object(record))
		return err_set(e, PCRCAST_EFORMAT, offset, "a record is no object");
	int rc = read_register(record, offset, &b.ev.pcr, e);
	if (rc == 0)
		rc = read_digests(record, offset, &b, log, e);
	if (rc < 0)
		return rc;
	if (needs_content || json_get(record, "content_type")) {
		rc = read_content(record, offset, &b, log, e);
	} else {
		b.ev.content = CONTENT_OTHER;
		b.ev.template_name = CEL_CONTENT_UNSTATED;
	}
	return rc < 0 ? rc : event_builder_done(&b, log, e);
}

int cel_json_record(const struct cJSON *record, uint64_t offset, struct eventlog *log,
		    struct pcrcast_error *e)
{
	return record_read(record, offset, true, log, e);
}

int cel_json_records_read(const struct cJSON *list, struct eventlog *ret, struct pcrcast_error *e)
{
	*ret = EVENTLOG_INIT;
	ret->kind = EVENTLOG_CEL_JSON;
	ret->spec_id = (struct eventlog_spec_id){ .vendor_info = SLICE_EMPTY };
	ret->end = 1; /* no header: a Spec ID event among these is an event */
	if (!json_is_array(list))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "expected an array of records");
	for (const struct cJSON *c = json_first(list); c; c = json_next(c))
		if (record_read(c, PCRCAST_NO_OFFSET, false, ret, e) < 0)
			return err_wrap(e, "record %zu", ret->n_events);
	for (size_t i = 0; i < ret->n_events; i++)
		ret->events[i].offset = 0;
	return 0;
}

static size_t skip_blanks(struct slice bytes, size_t pos)
{
	while (pos < bytes.n &&
	       (bytes.p[pos] == ' ' || bytes.p[pos] == '\t' || bytes.p[pos] == '\n' || bytes.p[pos] == '\r'))
		pos++;
	return pos;
}

/* Move *pos behind blanks and, when it comes next, the given character. */
static bool skip_char(struct slice bytes, size_t *pos, char c)
{
	*pos = skip_blanks(bytes, *pos);
	if (*pos == bytes.n || bytes.p[*pos] != (uint8_t)c)
		return false;
	++*pos;
	return true;
}

static int read_record(struct slice bytes, size_t *pos, struct eventlog *log, struct pcrcast_error *e)
{
	struct slice rest = { bytes.p + *pos, bytes.n - *pos };
	struct cJSON *record;
	size_t start = *pos;

	int rc = json_parse_next(&rest, &record, e);
	if (rc < 0) {
		if (e->offset != PCRCAST_NO_OFFSET)
			e->offset += start;
		return rc;
	}
	rc = cel_json_record(record, start, log, e);
	json_free(record);
	*pos = bytes.n - rest.n;
	return rc;
}

/* One record after the other, so that a long log does not stand in memory as a tree of JSON values. */
int parse_cel_json(struct slice bytes, struct eventlog *ret, struct pcrcast_error *e)
{
	struct pcrcast_error local;
	size_t pos = 0, n = 0;

	*ret = EVENTLOG_INIT;
	ret->kind = EVENTLOG_CEL_JSON;
	ret->spec_id = (struct eventlog_spec_id){ .vendor_info = SLICE_EMPTY };
	if (!e)
		e = &local;
	if (!skip_char(bytes, &pos, '['))
		return err_set(e, pos == bytes.n ? PCRCAST_ETRUNC : PCRCAST_EFORMAT, pos,
			       "expected an array of records");
	bool more = !skip_char(bytes, &pos, ']');
	while (more) {
		int rc = read_record(bytes, &pos, ret, e);
		if (rc < 0)
			return err_wrap(e, "record %zu", n);
		n++;
		ret->end = pos;
		more = skip_char(bytes, &pos, ',');
		if (!more && !skip_char(bytes, &pos, ']'))
			return err_set(e, pos == bytes.n ? PCRCAST_ETRUNC : PCRCAST_EFORMAT, pos,
				       "expected ',' or ']' behind record %zu", n - 1);
		if (more)
			pos = skip_blanks(bytes, pos);
	}
	ret->end = pos;
	pos = skip_blanks(bytes, pos);
	if (pos < bytes.n)
		return err_set(e, PCRCAST_EFORMAT, pos, "%zu bytes behind the array of records",
			       bytes.n - pos);
	return 0;
}
