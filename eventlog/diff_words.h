/*
 * A difference in words. Private to eventlog/.
 */
#pragma once

#include "eventlog/diff.h"

/* An event of one of the logs. */
struct diff_side {
	const struct eventlog *log;
	const struct event *ev;
};

/*
 * Descriptions, in pool; NULL when memory gives out. section: the event stands for a section of a unified kernel
 * image, name and content. Digests are shown in the bank alg.
 */
const char *diff_words_changed(struct pool *pool, const struct eventlog_alg *alg, struct diff_side a,
			       struct diff_side b, bool section);
const char *diff_words_single(struct pool *pool, const struct eventlog_alg *alg, struct diff_side side,
			      bool section);
const char *diff_words_moved(struct pool *pool, struct diff_side side, bool section, size_t place_a,
			     size_t place_b);

/*
 * What an event is about, apart from its content: two events of one type with equal roles are the same thing with
 * another content. 64 bits of a hash: a collision only costs a worse description.
 */
struct diff_role {
	uint64_t hash;
	bool names; /* the role names one thing: it is the same thing wherever it stands in the log */
};

struct diff_role diff_role_of(const struct event *ev);

/*
 * May events be one thing though their roles differ? Those that may, where they stand at one place in both logs, have
 * equal hashes: images from one directory (a kernel with a new version in its name), texts that were measured themselves
 * (another command line). False: no.
 */
bool diff_stand_in(struct diff_side side, uint64_t *ret);

/* The digest of ev of this algorithm; empty when it has none. */
struct slice diff_digest(const struct eventlog *log, const struct event *ev, uint16_t id);
