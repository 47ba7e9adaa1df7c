/*
 * A comparison of two logs at work. Private to eventlog/diff.c, diff_align.c and diff_pair.c.
 *
 * diff.c makes the units of both logs and reports what became of them; for each register the units that are the same and
 * in order are found first (diff_align.c), then which of the others are one thing, moved or changed (diff_pair.c).
 */
#pragma once

#include "eventlog/diff_words.h"

enum { UNIT_NONE = UINT32_MAX };

/* An event, or the two of a section. */
struct unit {
	uint32_t pcr;
	uint32_t id; /* equal units of a register have equal ids; not set in an equal head or tail */
	uint32_t
		partner; /* the unit of the other log that is this one, perhaps changed or moved; UNIT_NONE */
	uint32_t gap;    /* how many units before it are the same in both logs */
	size_t event;    /* the one that holds the content: the last */
	bool section;    /* two events: event - and the one before it of this register */
	bool same;       /* as its partner, and in order */
	bool moved;      /* as its partner, but elsewhere */
	const struct event *first, *last;
};

struct units {
	const struct eventlog *log;
	struct unit *items; /* by register, then in order */
	size_t n;
};

struct diff {
	struct pool *pool; /* results */
	struct pool *scratch;
	struct units sides[2];                        /* a, b */
	struct eventlog_alg banks[EVENTLOG_MAX_ALGS]; /* those that both logs have */
	size_t n_banks;
	struct eventlog_alg shown; /* the bank for words */
	struct log_diff out;
};

/* The part of a log's units that is about one register. */
struct span {
	size_t from, n;
};

/*
 * The steps for one register: s[0] and s[1] are its units in both logs. They set the units' members, and fail only for
 * want of memory.
 */
int diff_align(struct diff *d, const struct span s[static 2], struct pcrcast_error *e);
int diff_pair(struct diff *d, const struct span s[static 2], struct pcrcast_error *e);
