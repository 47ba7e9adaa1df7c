/*
 * tpm2_eventlog's YAML while it is written. Private to eventlog/write_yaml*.c.
 *
 * write_yaml.c has the whole and what differs from tpm2_eventlog, write_yaml_body.c and write_yaml_variable.c what each
 * event is shown as, write_yaml_scalar.c texts and numbers.
 */
#pragma once

#include <stdio.h>

#include "eventlog/eventlog.h"

struct yaml {
	FILE *out;
	bool failed; /* memory gave out */
};

void yaml_put_hex(struct yaml *y, struct slice s);
void yaml_put_guid(struct yaml *y, const uint8_t *p); /* GUID_LEN bytes */

/* Text; in what is between quotation marks " and \ are escaped too. */
void yaml_put_characters(struct yaml *y, struct slice s, bool quoted);

/* UTF-16 in unaligned bytes, up to a NUL. */
void yaml_put_utf16(struct yaml *y, struct slice s, bool quoted);

/* A literal block: each line in quotation marks. A line feed at the end begins no line. */
void yaml_put_lines(struct yaml *y, const char *indent, struct slice s);

/* What tpm2_eventlog calls an event type: a constant, or the text in buf. */
const char *yaml_type_name(uint32_t type, char buf[static 11]);

/* The size of an event's body, and the body: in the form that its type has, or in hex. */
void yaml_put_body(struct yaml *y, const struct event *ev);

/* The body of a variable's event (UEFI_VARIABLE_DATA, PFP 1.06 section 10.2.6); false, with nothing written, when it is none. */
bool yaml_put_variable(struct yaml *y, uint32_t type, struct slice data);
