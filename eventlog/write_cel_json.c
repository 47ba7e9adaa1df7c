/*
 * CEL-JSON: TCG Canonical Event Log Format 1.0, section 5. The Spec ID event of a crypto-agile log is the first
 * record, with its SHA-1 digest of zeros, as it is the first event of such a log; the reader takes it out again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/json_read.h"
#include "eventlog/cel.h"
#include "eventlog/parse.h"
#include "eventlog/write.h"

enum {
	NV_INDEX_HANDLES =
		0x01, /* TPM_HT_NV_INDEX, the first byte of an NV index: TPM 2.0 Library part 2, TPM_HT */
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

static struct cJSON *digests_of(struct json_doc *d, const struct eventlog *log, const struct event *ev)
{
	struct cJSON *digests = json_array(d);
	struct slice rest = ev->digests, digest;
	struct eventlog_alg alg;

	while (event_digest_next(log, &rest, &alg, &digest))
		add_digest(d, digests, alg.id, digest);
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

static void add_register(struct json_doc *d, struct cJSON *record, uint32_t pcr, uint64_t recnum)
{
	json_add_u64(d, record, pcr >> 24 == NV_INDEX_HANDLES ? "nv_index" : "pcr", pcr);
	json_add_u64(d, record, "recnum", recnum);
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

	add_register(&d, record, ev->pcr, recnum);
	json_add(&d, record, "digests", digests_of(&d, log, ev));
	if (ev->content == CONTENT_PCCLIENT)
		add_pcclient(&d, record, ev);
	else if (ev->content == CONTENT_IMA)
		add_ima(&d, record, ev);
	else
		add_other(&d, record, ev);
	return write_record(&d, record, out);
}

/* ---- the Spec ID event ---- */

static bool has_spec_id(const struct eventlog *log)
{
	return log->spec_id.version_major >= CRYPTO_AGILE_MAJOR && log->n_algs > 0;
}

/* What a crypto-agile log without events consists of is its Spec ID event. */
static int write_spec_id(const struct eventlog *log, FILE *out, bool *ret_ok, struct pcrcast_error *e)
{
	static const uint8_t zeros[TCG1_SHA1_LEN];
	struct eventlog header = *log;
	struct pool pool = POOL_INIT;
	struct json_doc d = { false };
	struct tcg1_event first;
	struct slice bytes;

	header.n_events = 0;
	int rc = eventlog_write_tcg2(&header, &pool, &bytes, e);
	if (rc == 0) {
		struct reader r = reader_over(bytes);
		rc = tcg1_event_read(&r, &first, e);
	}
	if (rc == 0) {
		struct event ev = { .type = first.type, .data = first.data };
		struct cJSON *record = json_object(&d), *digests = json_array(&d);

		add_register(&d, record, first.pcr, 0);
		add_digest(&d, digests, algs[ALG_SHA1].tpm_id, (struct slice){ zeros, sizeof zeros });
		json_add(&d, record, "digests", digests);
		add_pcclient(&d, record, &ev);
		*ret_ok = write_record(&d, record, out);
	}
	pool_done(&pool);
	return rc;
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

static int write_records(const struct eventlog *log, FILE *out, struct pcrcast_error *e)
{
	struct pool pool = POOL_INIT;
	uint64_t *numbers = record_numbers(log, &pool);
	bool ok = numbers && fputs("[\n", out) >= 0;
	bool first = true;
	int rc = 0;

	if (ok && has_spec_id(log)) {
		rc = write_spec_id(log, out, &ok, e);
		first = false;
	}
	for (size_t i = 0; i < log->n_events && ok && rc == 0; i++) {
		ok = (first || fputc(',', out) >= 0) && write_event(log, &log->events[i], numbers[i], out);
		first = false;
	}
	ok = ok && fputs("]\n", out) >= 0;
	pool_done(&pool);
	if (rc < 0)
		return rc;
	return ok ? 0 : err_nomem(e); /* a stream in memory fails for no other reason */
}

int eventlog_write_cel_json(const struct eventlog *log, struct pool *pool, struct slice *ret,
			    struct pcrcast_error *e)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return err_nomem(e);
	int rc = write_records(log, out, e);
	if (fclose(out) != 0 && rc == 0)
		rc = err_nomem(e);
	uint8_t *copy = rc == 0 ? pool_copy(pool, text, n) : NULL;
	free(text);
	if (rc < 0)
		return rc;
	if (!copy)
		return err_nomem(e);
	*ret = (struct slice){ copy, n };
	return 0;
}
