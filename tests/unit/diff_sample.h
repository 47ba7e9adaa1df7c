/*
 * Two logs made event by event, and what tests ask about their difference.
 */
#pragma once

#include "eventlog/diff.h"
#include "tests/unit/decode_writer.h"

static inline struct eventlog new_log(enum alg alg)
{
	struct eventlog log = EVENTLOG_INIT;

	log.algs[log.n_algs++] = (struct eventlog_alg){ algs[alg].tpm_id, algs[alg].len };
	return log;
}

/* An event whose digest is of measured. */
static inline void add(struct eventlog *log, uint32_t pcr, uint32_t type, const void *data, size_t n,
		       const void *measured, size_t measured_n)
{
	struct event *ev = pool_push(&log->pool, &log->events, &log->n_events, &log->cap, sizeof *ev);
	uint8_t *entry = pool_array(&log->pool, 1, 2 + DIGEST_MAX);
	enum alg alg = alg_by_tpm_id(log->algs[0].id);
	struct digest d;

	assert_true(ev && entry);
	assert_int_equal(digest_of(alg, (struct slice){ measured, measured_n }, &d, NULL), 0);
	put_u16le(entry, algs[alg].tpm_id);
	memcpy(entry + 2, d.bytes, algs[alg].len);
	*ev = (struct event){
		.pcr = pcr,
		.type = type,
		.n_digests = 1,
		.digests = { entry, 2u + algs[alg].len },
		.data = { pool_copy(&log->pool, n ? data : "", n + (n == 0)), n },
	};
}

static inline void add_bytes(struct eventlog *log, uint32_t pcr, uint32_t type, const struct bytes *b)
{
	add(log, pcr, type, b->p, b->n, b->p, b->n);
}

static inline void add_text(struct eventlog *log, uint32_t pcr, uint32_t type, const char *text,
			    const char *measured)
{
	add(log, pcr, type, text, strlen(text), measured, strlen(measured));
}

static inline void add_separator(struct eventlog *log, uint32_t pcr)
{
	add(log, pcr, EV_SEPARATOR, "\0\0\0", 4, "\0\0\0", 4);
}

/* The words of systemd-stub for what it measures: UTF-16 with a NUL. */
static inline void add_wide(struct eventlog *log, uint32_t pcr, const char *text, const char *measured)
{
	struct bytes b = { .n = 0 };

	put_utf16(&b, text);
	put16(&b, 0);
	if (measured)
		add(log, pcr, EV_IPL, b.p, b.n, measured, strlen(measured));
	else
		add_bytes(log, pcr, EV_IPL, &b);
}

static inline void add_section(struct eventlog *log, const char *name, const char *content)
{
	add_wide(log, 11, name, name);
	add_wide(log, 11, name, content);
}

static inline void add_variable(struct eventlog *log, uint32_t pcr, uint32_t type, const char *guid,
				const char *name, const void *data, size_t n)
{
	struct bytes b = { .n = 0 };

	put_variable(&b, guid, name, data, n);
	add_bytes(log, pcr, type, &b);
}

/* UEFI_IMAGE_LOAD_EVENT; path in hex, the file of put_path behind it. */
static inline void add_image(struct eventlog *log, uint64_t address, uint64_t len, const char *way,
			     const char *file, const char *content)
{
	struct bytes path = { .n = 0 }, b = { .n = 0 };

	put_hex(&path, way);
	put8(&path, 4);
	put8(&path, 4);
	put16(&path, (uint16_t)(4 + 2 * strlen(file) + 2));
	put_utf16(&path, file);
	put16(&path, 0);
	put_hex(&path, "7fff0400");
	put64(&b, address);
	put64(&b, len);
	put64(&b, 0);
	put64(&b, path.n);
	put(&b, path.p, path.n);
	add(log, 4, EV_EFI_BOOT_SERVICES_APPLICATION, b.p, b.n, content, strlen(content));
}

struct result {
	struct pool pool;
	struct log_diff d;
};

static inline void compare(struct result *r, const struct eventlog *a, const struct eventlog *b)
{
	struct pcrcast_error e = { .msg = "" };

	r->pool = POOL_INIT;
	if (eventlog_diff(&r->pool, a, b, NULL, &r->d, &e) < 0)
		fail_msg("%s", e.msg);
}

static inline void finish(struct result *r, struct eventlog *a, struct eventlog *b)
{
	pool_done(&r->pool);
	eventlog_done(a);
	eventlog_done(b);
}

static inline void assert_item(const struct result *r, size_t i, enum change change, size_t a, size_t b,
			       const char *description)
{
	assert_true(i < r->d.n);
	assert_int_equal(r->d.items[i].change, change);
	assert_int_equal(r->d.items[i].a, a);
	assert_int_equal(r->d.items[i].b, b);
	if (description)
		assert_string_equal(r->d.items[i].description, description);
}

/* The only difference of two logs; they are done with. */
static inline void assert_only(struct eventlog *a, struct eventlog *b, enum change change,
			       const char *description)
{
	struct result r;

	compare(&r, a, b);
	assert_int_equal(r.d.n, 1);
	assert_int_equal(r.d.items[0].change, change);
	assert_string_equal(r.d.items[0].description, description);
	finish(&r, a, b);
}
