/*
 * Logs built byte by byte, read from an exact heap block, so that AddressSanitizer sees one byte too far, and what
 * tests ask about them. To be included behind cmocka.h.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "eventlog/eventlog.h"
#include "eventlog/write.h"
#include "tests/unit/byte_writer.h"

/* ---- building ---- */

/* The digest of n bytes. */
static inline void put_hash(struct bytes *b, enum alg alg, const void *p, size_t n)
{
	struct digest d;

	assert_int_equal(digest_of(alg, (struct slice){ n ? p : "", n }, &d, NULL), 0);
	put(b, d.bytes, algs[alg].len);
}

/* The same as text. */
static inline void put_hash_hex(struct bytes *b, enum alg alg, const void *p, size_t n)
{
	char hex[2 * DIGEST_MAX + 1];
	struct digest d;

	assert_int_equal(digest_of(alg, (struct slice){ n ? p : "", n }, &d, NULL), 0);
	hex_encode(d.bytes, algs[alg].len, hex);
	put_text(b, hex);
}

/* TCG_PCR_EVENT whose digest is that of its data; zeros for EV_NO_ACTION. */
static inline void put_event1(struct bytes *b, uint32_t pcr, uint32_t type, const void *data, uint32_t n)
{
	put32(b, pcr);
	put32(b, type);
	if (type == EV_NO_ACTION)
		put_fill(b, 0, 20);
	else
		put_hash(b, ALG_SHA1, data, n);
	put32(b, n);
	put(b, data, n);
}

/* A Spec ID Event03 of register pcr, which announces algorithms. */
static inline void put_spec_id(struct bytes *b, uint32_t pcr, alg_set banks, const char *vendor)
{
	struct bytes body = { .n = 0 };

	put(&body, "Spec ID Event03", 16);
	put32(&body, 0);
	put_hex(&body, "00020002");
	put32(&body, (uint32_t)__builtin_popcount(banks));
	for (enum alg a = 0; a < ALG_COUNT; a++)
		if (banks & UINT32_C(1) << a) {
			put16(&body, algs[a].tpm_id);
			put16(&body, algs[a].len);
		}
	put8(&body, (uint8_t)strlen(vendor));
	put_text(&body, vendor);
	put_event1(b, pcr, EV_NO_ACTION, body.p, (uint32_t)body.n);
}

/* TCG_PCR_EVENT2 with digests of its data in each of banks. */
static inline void put_event2(struct bytes *b, uint32_t pcr, uint32_t type, alg_set banks, const void *data,
			      uint32_t n)
{
	put32(b, pcr);
	put32(b, type);
	put32(b, (uint32_t)__builtin_popcount(banks));
	for (enum alg a = 0; a < ALG_COUNT; a++)
		if (banks & UINT32_C(1) << a) {
			put16(b, algs[a].tpm_id);
			put_hash(b, a, data, n);
		}
	put32(b, n);
	put(b, data, n);
}

/* ---- reading ---- */

struct parsed {
	uint8_t *bytes;
	struct eventlog log;
	struct pcrcast_error e;
	int rc;
};

/* The first n bytes of b. */
static inline struct parsed read_n(const struct bytes *b, size_t n, enum eventlog_kind kind)
{
	struct parsed p = { .bytes = malloc(n ? n : 1) };

	assert_non_null(p.bytes);
	memcpy(p.bytes, b->p, n);
	p.rc = eventlog_read((struct slice){ p.bytes, n }, kind, &p.log, &p.e);
	assert_true(p.log.end <= n);
	return p;
}

/* All of it; the kind is recognised. */
static inline struct parsed read_log(const struct bytes *b)
{
	return read_n(b, b->n, EVENTLOG_KINDS);
}

static inline void done(struct parsed *p)
{
	eventlog_done(&p->log);
	free(p->bytes);
}

/* The finding with that code; NULL when there is none. */
static inline const struct finding *find(const struct parsed *p, const char *code)
{
	for (size_t i = 0; i < p->log.n_findings; i++)
		if (strcmp(p->log.findings[i].code, code) == 0)
			return &p->log.findings[i];
	return NULL;
}

/* The log replays to want (hex) in that register. */
static inline void assert_replay(const struct eventlog *log, enum alg alg, uint32_t pcr, const char *want)
{
	char hex[2 * DIGEST_MAX + 1];
	struct pcr_bank bank;
	struct pcrcast_error e = { .msg = "" };

	if (eventlog_replay(log, alg, &bank, &e) < 0)
		fail_msg("%s", e.msg);
	hex_encode(bank.pcr[pcr], algs[alg].len, hex);
	assert_string_equal(hex, want);
}

static inline void assert_same_events(const struct eventlog *a, const struct eventlog *b)
{
	assert_int_equal(a->n_events, b->n_events);
	for (size_t i = 0; i < a->n_events; i++) {
		const struct event *x = &a->events[i], *y = &b->events[i];

		assert_int_equal(x->pcr, y->pcr);
		assert_int_equal(x->type, y->type);
		assert_int_equal(x->content, y->content);
		assert_int_equal(x->n_digests, y->n_digests);
		assert_true(slice_equal(x->digests, y->digests));
		assert_true(slice_equal(x->data, y->data));
		assert_int_equal(x->template_name == NULL, y->template_name == NULL);
		if (x->template_name)
			assert_string_equal(x->template_name, y->template_name);
	}
}

/* What is written as CEL-JSON and read again has the same events, and is written the same. */
static inline void assert_cel_json_round_trip(const struct eventlog *log)
{
	struct pool pool = POOL_INIT;
	struct pcrcast_error e = { .msg = "" };
	struct eventlog again;
	struct slice text, text_again;

	assert_int_equal(eventlog_write_cel_json(log, &pool, &text, &e), 0);
	if (eventlog_read(text, EVENTLOG_KINDS, &again, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(again.kind, EVENTLOG_CEL_JSON);
	assert_int_equal(again.n_algs, log->n_algs);
	assert_int_equal(again.spec_id.version_major,
			 log->spec_id.version_major >= 2 ? log->spec_id.version_major : 0);
	assert_same_events(log, &again);
	assert_int_equal(eventlog_write_cel_json(&again, &pool, &text_again, &e), 0);
	assert_true(slice_equal(text, text_again));
	eventlog_done(&again);
	pool_done(&pool);
}
