/*
 * What the files of the check against a Keylime state share. Private to golden/keylime_*.c.
 */
#pragma once

#include "base/efi/guid.h"
#include "golden/keylime_check.h"

struct keylime_events {
	size_t *events; /* indices in the log */
	size_t n, cap;
};

/* A signature of the state, for searching. */
struct keylime_signature {
	struct slice data;
	struct guid owner;
};

struct keylime_index {
	struct keylime_signature *signatures; /* sorted, none twice */
	bool *found;
	size_t n;
};

struct keylime_checking {
	struct pool *pool;
	const struct keylime_state *state;
	const struct eventlog *log;
	struct keylime_result *result;
	struct keylime_events scrtms, blobs, programs, kernel_files, initrds, cmdlines;
	size_t n_mok_trusted;
	uint32_t seen; /* variables that were there, bits of the table in keylime_keys.c */
	struct keylime_index index[KEYLIME_ROLES]; /* KEYLIME_PK to KEYLIME_VENDOR_DB */
};

int keylime_find(struct keylime_checking *k, const char *name, size_t event, enum match answer,
		 struct pcrcast_error *e, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* keylime_keys.c: variables and authorities of PCR 7 */
int keylime_keys_index(struct keylime_checking *k, struct pcrcast_error *e);
int keylime_variable(struct keylime_checking *k, const struct event *ev, size_t i, struct pcrcast_error *e);

/* keylime_boot.c: what was kept from the events against the alternatives of the state */
int keylime_compare_firmware(struct keylime_checking *k, struct pcrcast_error *e);
int keylime_compare_kernels(struct keylime_checking *k, struct pcrcast_error *e);
