/*
 * CEL-JSON: TCG Canonical Event Log Format 1.0, section 5. The Spec ID event of a crypto-agile log is the first
 * record, with its SHA-1 digest of zeros, as it is the first event of such a log; the reader takes it out again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/json_read.h"
#include "eventlog/cel.h"
#include "eventlog/cel_json.h"
#include "eventlog/parse.h"
#include "eventlog/write.h"

enum {
	CRYPTO_AGILE_MAJOR = 2, /* specVersionMajor of a Spec ID Event03 */
};

static void add_digest(struct json_doc *d, struct cJSON *digests, uint16_t id, struct slice digest)
{
	struct cJSON *node = json_object(d);
	const char *name = cel_alg_name(id);

	if (name)
		json_add_string(d, node, "hashAlg", name);
	else
		json_add_u64(d, node, "hashAlg", id);
	json_add_hex(d, node, "digest", digest.p, digest.n);
	json_append(d, digests, node);
}

/* banks 0: all that there are. */
static struct cJSON *digests_of(struct json_doc *d, const struct eventlog *log, const struct event *ev,
				alg_set banks)
{
	struct cJSON *digests = json_array(d);
	struct slice rest = ev->digests, digest;
	struct eventlog_alg alg;

	while (event_digest_next(log, &rest, &alg, &digest)) {
		enum alg known = alg_by_tpm_id(alg.id);

		if (!banks || (known != ALG_COUNT && banks & 1u << known))
			add_digest(d, digests, alg.id, digest);
	}
	return digests;
}

static void add_pcclient(struct json_doc *d, struct cJSON *record, const struct event *ev)
{
	struct cJSON *content = json_object(d);
	char buf[11];
	const char *name = event_type_name(ev->type, buf);

	json_add_string(d, record, "content_type", "pcclient_std");
	if (name != buf)
		json_add_string(d, content, "event_type", name);
	else
		json_add_u64(d, content, "event_type", ev->type);
	json_add_hex(d, content, "event_data", ev->data.p, ev->data.n);
	json_add(d, record, "content", content);
}

static void add_ima(struct json_doc *d, struct cJSON *record, const struct event *ev)
{
	struct cJSON *content = json_object(d);

	json_add_string(d, record, "content_type", "ima_template");
	json_add_string(d, content, "template_name", ev->template_name);
	json_add_hex(d, content, "template_data", ev->data.p, ev->data.n);
	json_add(d, record, "content", content);
}

/*
 * The JSON that data is the compact text of; NULL when it is none, or is a string of hex digits, which a reader takes
 * for bytes.
 */
static struct cJSON *json_of(struct slice data)
{
	struct pool pool = POOL_INIT;
	struct cJSON *node = NULL;
	struct slice bytes;

	if (json_parse(data, &node, NULL) == 0) {
		const char *text = json_hex(&pool, node, &bytes) ? NULL : json_text(&pool, node);

		if (!text || !slice_equal_string(data, text)) {
			json_free(node);
			node = NULL;
		}
	}
	pool_done(&pool);
	return node;
}

static void add_content_type(struct json_doc *d, struct cJSON *record, const struct event *ev)
{
	const char *name = ev->content == CONTENT_SYSTEMD ? "systemd" : ev->template_name;
	char *end;
	unsigned long number = strtoul(name, &end, 10);

	/* a content type without a word is named by its number: cel_content_type_name */
	if (name[0] >= '0' && name[0] <= '9' && *end == '\0' && number <= UINT8_MAX)
		json_add_u64(d, record, "content_type", number);
	else
		json_add_string(d, record, "content_type", name);
}

static void add_other(struct json_doc *d, struct cJSON *record, const struct event *ev)
{
	struct cJSON *content = json_of(ev->data);

	add_content_type(d, record, ev);
	if (content)
		json_add(d, record, "content", content);
	else
		json_add_hex(d, record, "content", ev->data.p, ev->data.n);
}

static void add_register(struct json_doc *d, struct cJSON *record, uint32_t pcr)
{
	json_add_u64(d, record, cel_is_nv_index(pcr) ? "nv_index" : "pcr", pcr);
}

static bool write_record(struct json_doc *d, struct cJSON *record, FILE *out)
{
	bool ok = json_write(d, record, true, out);

	json_free(record);
	return ok;
}

static bool write_event(const struct eventlog *log, const struct event *ev, uint64_t recnum, FILE *out)
{
	struct json_doc d = { false };
	struct cJSON *record = json_object(&d);

	add_register(&d, record, ev->pcr);
	json_add_u64(&d, record, "recnum", recnum);
	json_add(&d, record, "digests", digests_of(&d, log, ev, 0));
	if (ev->content == CONTENT_PCCLIENT)
		add_pcclient(&d, record, ev);
	else if (ev->content == CONTENT_IMA)
		add_ima(&d, record, ev);
	else
		add_other(&d, record, ev);
	return write_record(&d, record, out);
}

/* ---- a record by itself ---- */

/* Systemd's own content is an object, and what it reads of it is text. */
static bool is_systemd_content(const struct cJSON *content)
{
	const struct cJSON *string = json_get(content, "string"), *type = json_get(content, "eventType");
	const char *text;

	return json_is_object(content) && (!string || json_string(string, &text)) &&
	       (!type || json_string(type, &text));
}

static void add_systemd(struct json_doc *d, struct cJSON *record, const struct event *ev)
{
	struct cJSON *content = json_of(ev->data);

	if (!is_systemd_content(content)) {
		json_free(content);
		return;
	}
	json_add_string(d, record, "content_type", "systemd");
	json_add(d, record, "content", content);
}

struct cJSON *cel_json_record_brief(struct json_doc *d, const struct eventlog *log, const struct event *ev,
				    alg_set banks)
{
	struct cJSON *record = json_object(d);

	add_register(d, record, ev->pcr);
	json_add(d, record, "digests", digests_of(d, log, ev, banks));
	if (ev->content == CONTENT_PCCLIENT)
		add_pcclient(d, record, ev);
	else if (ev->content == CONTENT_IMA)
		add_ima(d, record, ev);
	else if (ev->content == CONTENT_SYSTEMD)
		add_systemd(d, record, ev);
	return record;
}

/* ---- the Spec ID event ---- */

static bool has_spec_id(const struct eventlog *log)
{
	return log->spec_id.version_major >= CRYPTO_AGILE_MAJOR && log->n_algs > 0;
}

struct spec_id_record {
	struct pool pool; /* owns what first borrows */
	struct tcg1_event first;
};

/* What a crypto-agile log without events consists of is its Spec ID event. */
static int read_spec_id(const struct eventlog *log, struct spec_id_record *ret, struct pcrcast_error *e)
{
	struct eventlog header = *log;
	struct slice bytes;

	header.n_events = 0;
	int rc = eventlog_write_tcg2(&header, &ret->pool, &bytes, e);
	if (rc < 0)
		return rc;
	struct reader r = reader_over(bytes);
	return tcg1_event_read(&r, &ret->first, e);
}

static bool write_spec_id(const struct spec_id_record *id, FILE *out)
{
	static const uint8_t zeros[TCG1_SHA1_LEN];
	struct event ev = { .type = id->first.type, .data = id->first.data };
	struct json_doc d = { false };
	struct cJSON *record = json_object(&d), *digests = json_array(&d);

	add_register(&d, record, id->first.pcr);
	json_add_u64(&d, record, "recnum", 0);
	add_digest(&d, digests, algs[ALG_SHA1].tpm_id, (struct slice){ zeros, sizeof zeros });
	json_add(&d, record, "digests", digests);
	add_pcclient(&d, record, &ev);
	return write_record(&d, record, out);
}

/* ---- record numbers ---- */

struct place {
	uint32_t pcr;
	size_t event;
};

static int place_order(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->pcr != y->pcr)
		return x->pcr < y->pcr ? -1 : 1;
	return x->event < y->event ? -1 : x->event > y->event;
}

/* Each register's records are numbered from 0 (CEL 1.1 section 4.2.2). From pool, one per event. */
static uint64_t *record_numbers(const struct eventlog *log, struct pool *pool)
{
	struct place *places = pool_array(pool, log->n_events, sizeof *places);
	uint64_t *numbers = pool_array(pool, log->n_events, sizeof *numbers);

	if (!places || !numbers)
		return NULL;
	for (size_t i = 0; i < log->n_events; i++)
		places[i] = (struct place){ log->events[i].pcr, i };
	qsort(places, log->n_events, sizeof *places, place_order);
	for (size_t i = 0; i < log->n_events; i++) {
		bool first = i == 0 || places[i - 1].pcr != places[i].pcr;

		if (!first)
			numbers[places[i].event] = numbers[places[i - 1].event] + 1;
		else if (has_spec_id(log) && places[i].pcr == log->spec_id.pcr)
			numbers[places[i].event] = 1; /* behind the Spec ID event */
	}
	return numbers;
}

int eventlog_print_cel_json(const struct eventlog *log, FILE *out, struct pcrcast_error *e)
{
	struct pool pool = POOL_INIT;
	uint64_t *numbers = record_numbers(log, &pool);
	struct spec_id_record header = { .pool = POOL_INIT };
	bool first = true, ok = numbers != NULL;
	int rc = 0;

	if (ok && has_spec_id(log))
		rc = read_spec_id(log, &header, e);
	if (ok && rc == 0) {
		fputs("[\n", out);
		if (has_spec_id(log)) {
			ok = write_spec_id(&header, out);
			first = false;
		}
		for (size_t i = 0; i < log->n_events && ok; i++) {
			if (!first)
				fputc(',', out);
			ok = write_event(log, &log->events[i], numbers[i], out);
			first = false;
		}
		fputs("]\n", out);
	}
	pool_done(&header.pool);
	pool_done(&pool);
	if (rc < 0)
		return rc;
	return ok || ferror(out) ? 0 : err_nomem(e); /* what else makes a record fail */
}
