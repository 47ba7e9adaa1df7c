#include "tests/unit/build_log.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

struct eventlog log_with(alg_set banks)
{
	struct eventlog log = EVENTLOG_INIT;

	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		if (banks & 1u << alg)
			log.algs[log.n_algs++] = (struct eventlog_alg){ algs[alg].tpm_id, algs[alg].len };
	return log;
}

void log_add(struct eventlog *log, uint32_t pcr, uint32_t type, struct slice data, struct slice measured)
{
	struct event *ev = pool_push(&log->pool, &log->events, &log->n_events, &log->cap, sizeof *ev);
	uint8_t *digests = pool_array(&log->pool, log->n_algs, 2 + DIGEST_MAX);
	size_t at = 0;

	if (!ev || !digests)
		abort();
	for (size_t i = 0; i < log->n_algs; i++) {
		enum alg alg = alg_by_tpm_id(log->algs[i].id);
		struct digest d;

		if (digest_of(alg, measured, &d, NULL) < 0)
			abort();
		put_u16le(digests + at, log->algs[i].id);
		memcpy(digests + at + 2, d.bytes, algs[alg].len);
		at += 2u + algs[alg].len;
	}
	*ev = (struct event){ .pcr = pcr,
			      .type = type,
			      .n_digests = (uint32_t)log->n_algs,
			      .digests = { digests, at },
			      .data = { pool_copy(&log->pool, data.p, data.n), data.n } };
}

void log_add_data(struct eventlog *log, uint32_t pcr, uint32_t type, struct slice data)
{
	log_add(log, pcr, type, data, data);
}

struct slice log_variable(struct eventlog *log, const char *name, struct slice data)
{
	enum { HEADER = 32, AT_NAME_LEN = 16, AT_DATA_LEN = 24 };
	size_t n = strlen(name), len = HEADER + 2 * n + data.n;
	uint8_t *p = pool_array(&log->pool, len, 1);

	if (!p)
		abort();
	put_u64le(p + AT_NAME_LEN, n);
	put_u64le(p + AT_DATA_LEN, data.n);
	for (size_t i = 0; i < n; i++)
		put_u16le(p + HEADER + 2 * i, (uint16_t)name[i]);
	memcpy(p + HEADER + 2 * n, data.p, data.n);
	return (struct slice){ p, len };
}
