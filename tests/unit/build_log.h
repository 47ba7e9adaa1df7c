/*
 * Logs for tests, event by event.
 */
#pragma once

#include "eventlog/eventlog.h"

/* An empty log with these banks. */
struct eventlog log_with(alg_set banks);

/* Append an event whose digests, in every bank of the log, are of measured; data is its event field. Both are copied. */
void log_add(struct eventlog *log, uint32_t pcr, uint32_t type, struct slice data, struct slice measured);

/* The same when the event field is measured. */
void log_add_data(struct eventlog *log, uint32_t pcr, uint32_t type, struct slice data);

/* A UEFI_VARIABLE_DATA structure, from the log's pool. */
struct slice log_variable(struct eventlog *log, const char *name, struct slice data);

/* The bytes of a string literal, its NUL not among them. */
#define BYTES(text) ((struct slice){ (const uint8_t *)(text), sizeof(text) - 1 })
