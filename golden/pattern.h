/*
 * Does a text match a regular expression of Python as a whole (re.fullmatch)? Work is bounded by the product of both lengths:
 * a pattern is a claim of a file that somebody else wrote.
 */
#pragma once

#include "eventlog/check.h"

/*
 * MATCH_CANNOT_TELL: the pattern has something that is not handled here (groups with (?…) other than (?:…), back references,
 * word boundaries, possessive repetition), is none, or the work would be too much. *ret_why says so, and is NULL otherwise.
 * Fails only for want of memory.
 */
int pattern_match(const char *pattern, struct slice text, enum match *ret, const char **ret_why,
		  struct pcrcast_error *e);
