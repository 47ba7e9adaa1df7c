/*
 * Events as this program's own JSON: { "pcr", "type", "digests": { bank: hex }, "origin", "description", "source" }, as
 * "predict --json" shows them. With the data and what else a recorded event has, they can be read back.
 */
#pragma once

#include "base/json.h"
#include "base/json_read.h"
#include "eventlog/eventlog.h"

enum events_json_form {
	EVENTS_JSON_BRIEF, /* without data: for people and scripts */
	EVENTS_JSON_WHOLE, /* all that event_json_read takes back */
};

/* A new object; digests in the banks that this program computes, the others only in the whole form. */
struct cJSON *event_json(struct json_doc *d, const struct eventlog *log, const struct event *ev,
			 enum events_json_form form);

/*
 * Read an array of such objects into an empty log, which is to be done with eventlog_done whatever is returned. An event of
 * origin "unknown" has no digests. Nothing in ret borrows from list.
 */
int events_json_read(const struct cJSON *list, struct eventlog *ret, struct pcrcast_error *e);
