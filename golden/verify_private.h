/*
 * What the checks of a verdict share. Private to golden/verify*.c.
 */
#pragma once

#include "golden/verify.h"

struct verification {
	struct pool *pool;
	const struct verify_input *in;
	struct verify_result *res;
	struct key *key;
	struct eventlog log; /* read from the event log; no events: there is none, or it could not be read */
	bool has_log;
	struct pcrcast_error log_error; /* msg is empty when the log was read */
	struct pcr_values replayed;     /* what the log leads to, registers without events included */
	alg_set replayed_banks;
	struct pcrcast_error *e;
};

/* State the outcome of a check, in words; a failure is not made good by a later call, nor a skip by a pass. */
int verify_say(struct verification *v, enum verify_item item, enum check_result r, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* One more line about a check. */
int verify_line(struct verification *v, enum verify_item item, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int verify_not_covered(struct verification *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "0-7,9" of a set of registers, from the pool; NULL when memory gives out. */
const char *verify_registers(struct pool *pool, uint32_t pcrs);

/* The registers that the log extends: bit i is PCR i. */
uint32_t verify_logged_registers(const struct verification *v);

/* verify_quotes.c: quote, signature, nonce and PCR digest of every quote. */
int verify_quotes(struct verification *v);
/* verify_logs.c */
int verify_read_log(struct verification *v);
int verify_event_log(struct verification *v);
int verify_ima_log(struct verification *v);
/* verify_reference.c */
int verify_reference(struct verification *v);
