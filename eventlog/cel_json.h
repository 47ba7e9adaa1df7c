/*
 * Records of CEL-JSON inside another document: systemd's component files (*.pcrlock), a subset of TCG Canonical Event Log
 * Format 1.0 section 5. There a record need not say what its event is; such an event is CONTENT_OTHER, and its content
 * type CEL_CONTENT_UNSTATED.
 */
#pragma once

#include "base/json.h"
#include "base/json_read.h"
#include "eventlog/eventlog.h"

#define CEL_CONTENT_UNSTATED "unstated"

/*
 * Read an array of records into an empty log, which is to be done with eventlog_done whatever is returned. Nothing in
 * ret borrows from list.
 */
int cel_json_records_read(const struct cJSON *list, struct eventlog *ret, struct pcrcast_error *e);

/*
 * A record without a number: register, digests in some banks, and what the event is as far as systemd-pcrlock (255 to 262)
 * takes it: a content type that is no text, or systemd's with another content than its own, it refuses.
 */
struct cJSON *cel_json_record_brief(struct json_doc *d, const struct eventlog *log, const struct event *ev,
				    alg_set banks);
