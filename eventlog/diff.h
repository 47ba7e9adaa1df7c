/*
 * What differs between two logs, register by register, and in words.
 *
 * Two events are the same when their types and their digests are, in every bank that both logs have; payloads only
 * serve for words, since a payload may differ where nothing else does (where an image lay in memory; a prediction's
 * log, which knows no firmware, has only the file in a device path). EV_NO_ACTION, which is not extended, is
 * compared by its payload. The two events that systemd-stub logs for a section, its name and its content, count as one.
 */
#pragma once

#include "eventlog/decode.h"

enum change {
	CHANGE_CHANGED, /* an event in a has another content in b */
	CHANGE_ADDED,   /* only in b */
	CHANGE_REMOVED, /* only in a */
	CHANGE_MOVED,   /* in both, at another place among the register's events */
};

const char *change_name(enum change c); /* "changed", … */

struct difference {
	uint32_t pcr;
	enum change change;
	size_t a, b;             /* indices of the events; SIZE_MAX: none */
	const char *description; /* "boot application \EFI\Linux\a.efi: digest 1234… → 5678…" */
};

/* A register that one log has events for and the other says nothing about. */
struct register_not_compared {
	uint32_t pcr;
	size_t n_a, n_b; /* events; one of them is 0 */
};

struct log_diff {
	struct difference *items; /* by register, then in the order of the events */
	size_t n, cap;
	struct register_not_compared *not_compared;
	size_t n_not_compared, cap_not_compared;
};

/*
 * Does the log begin where the platform does? It then tells of every register: one without events was not extended.
 */
bool eventlog_is_whole(const struct eventlog *log);

/*
 * Compare in the banks that both logs have. Everything in ret comes from pool. No bank in common, or registers of
 * different kinds (PCRs, CC measurement registers): PCRCAST_EINVAL.
 *
 * pcrs NULL compares all registers, with one exception. A log that is whole (it has events for PCR 0, or for RTMR0 of CC)
 * tells of every register. A log that is not, such as a
 * prediction for some registers or the userspace log, tells only of the registers that it has events for. When one of
 * the logs is of the first kind and the other of the second, registers of which the latter does not tell are not
 * compared, and listed. *pcrs (bit i: register i) compares these registers, and in any case.
 */
int eventlog_diff(struct pool *pool, const struct eventlog *a, const struct eventlog *b, const uint32_t *pcrs,
		  struct log_diff *ret, struct pcrcast_error *e);
