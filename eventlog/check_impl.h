/*
 * Payloads against digests. Private to eventlog/check_payload.c, check_form.c and check_other.c.
 *
 * check_payload.c says what the specification demands for each type of a firmware's events, check_form.c has the bytes that
 * are known to be measured in place of an event field, check_other.c is about events that are not firmware's.
 */
#pragma once

#include "eventlog/check.h"

enum fit {
	FIT_ALL,  /* in every bank that can be computed */
	FIT_SOME, /* in some of them: two digests of one event are of different bytes */
	FIT_NONE,
	FIT_NO_DIGEST, /* none of a bank that can be computed */
};

/* In which banks do the bytes hash to the event's digests? Fails for want of memory, and when the hash library does. */
int event_fit(const struct eventlog *log, const struct event *ev, struct slice bytes, enum fit *ret,
	      struct pcrcast_error *e);

/*
 * What an event's digests are of, if not of the event field. *ret is set to yes and the reason when they are, and left alone
 * otherwise; *ret_some is set when that is so in some banks only, and left alone otherwise.
 */
int event_check_forms(const struct eventlog *log, const struct event *ev, struct event_check *ret,
		      bool *ret_some, struct pcrcast_error *e);

/* Event fields for which a rule of their own holds: a digest that none of the forms explains is suspicious. */
bool event_has_checkable_text(const struct event *ev);

/* Events of IMA and of systemd's userspace log. */
int event_check_ima(const struct eventlog *log, const struct event *ev, struct event_check *ret,
		    struct pcrcast_error *e);
int event_check_systemd(const struct eventlog *log, const struct event *ev, struct event_check *ret,
			struct pcrcast_error *e);
