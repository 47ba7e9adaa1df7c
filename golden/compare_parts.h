/*
 * The parts of a comparison, by file. Private to golden/.
 */
#pragma once

#include "golden/compare.h"

/* Add a line for people. */
int compare_note(struct pool *pool, struct golden_comparison *c, struct pcrcast_error *e, const char *fmt,
		 ...) __attribute__((format(printf, 4, 5)));
int explain_line(struct pool *pool, struct golden_explanation *x, struct pcrcast_error *e, const char *fmt,
		 ...) __attribute__((format(printf, 4, 5)));

/* "sha256, sha384" for messages. */
const char *bank_names(alg_set banks, char buf[static 32]);

/* explain.c: fill the explanations of all registers that differ. */
int compare_explain(struct pool *pool, struct golden_comparison *c, struct pcrcast_error *e);

/* explain_track.c: the states that a log leads one register through, one bank. */
struct track {
	const struct eventlog *log;
	enum alg alg;
	uint32_t index;
	size_t *events;                /* indices in log of those that extend it */
	uint8_t (*states)[DIGEST_MAX]; /* n + 1: before the first, and after each */
	size_t n;
	bool complete; /* false: the event behind the last has no digest in this bank */
};

/* 1: *ret is set; 0: the log has no digests of this bank. From pool. */
int track_make(struct pool *pool, const struct eventlog *log, enum alg alg, uint32_t index, struct track *ret,
	       struct pcrcast_error *e);

/* How many events lead to value, the greatest number that does; SIZE_MAX: none does. */
size_t track_find(const struct track *t, const uint8_t *value);

/* Which one event left out leads to value; SIZE_MAX in *ret: none, or there are too many events to try. */
int track_find_without(const struct track *t, const uint8_t *value, size_t *ret, struct pcrcast_error *e);

/* compare_policies.c: WANT's policies against GOT's values, and GOT's policies against WANT's policies or values. */
int compare_policies(struct pool *pool, struct golden_comparison *c,
		     const struct golden_compare_options *options, struct pcrcast_error *e);

/*
 * compare_claims.c: WANT's statements about components against GOT's events. Sets c->has_claims, c->claims and the
 * lines when WANT is made of claims; beside values or policies they are only noted.
 */
int compare_claims(struct pool *pool, struct golden_comparison *c, struct pcrcast_error *e);

/* compare_log.c */
/* What GOT's log tells of registers that GOT states no value of; found out once for all sets. */
struct log_facts {
	bool whole;
	uint32_t with_events; /* bit i: register i has events that extend it */
	bool known[ALG_COUNT], agrees[ALG_COUNT];
};

struct log_facts log_facts_of(const struct eventlog *log); /* NULL: there is none */

/*
 * A log that begins with the platform and has no event for a register tells that it was not extended. *ret is the
 * reset value then, else NULL. MRTD and the registers of a dynamic root of trust, 17 to 22, are nothing that a log tells of.
 */
int log_tells_register(struct pool *pool, const struct golden_set *got, struct log_facts *f, enum alg alg,
		       uint32_t index, const struct golden_register **ret, struct pcrcast_error *e);
