/*
 * The bodies of events, decoded into fields: one result, which text, JSON and comparison render.
 *
 * Sources: PFP 1.06 sections 10.2 and 10.4; UEFI 2.10; systemd tpm2-pcr.h; Linux libstub; each decoder names its own.
 */
#pragma once

#include "eventlog/eventlog.h"

enum field_kind {
	FIELD_TEXT,   /* text, UTF-8 as far as the bytes were text; renderers escape it */
	FIELD_NUMBER, /* number */
	FIELD_BOOL,   /* number is 0 or 1 */
	FIELD_HEX,    /* bytes */
	FIELD_GROUP,  /* children, each with a name */
	FIELD_LIST,   /* children, all of one kind, their names are NULL */
};

struct field {
	const char
		*name; /* camelCase, the specification's word where it has one: "unicodeName", "devicePath" */
	enum field_kind kind;
	const char *text;
	uint64_t number;
	struct slice bytes; /* borrows from the event */
	struct field *children;
	size_t n, cap;
};

struct decoded {
	struct field root; /* FIELD_GROUP */
	const char *
		summary; /* one line for people, without control characters: "boot application \EFI\Linux\a.efi" */
	const char *trouble; /* why the body, or the rest of it, could not be decoded; NULL: it was */
	struct slice rest;   /* bytes that were not decoded; empty when all were */
};

/* Decode the body of an event. Everything in ret comes from pool or borrows from the event. Fails only for want of memory. */
int event_decode(struct pool *pool, const struct eventlog *log, const struct event *ev, struct decoded *ret,
		 struct pcrcast_error *e);

/*
 * For decoders: add a field to a group or list (name NULL). NULL when memory gives out. The result is good until the next
 * field is added to the same group.
 */
struct field *field_add(struct pool *pool, struct field *group, const char *name, enum field_kind kind);
struct field *field_text(struct pool *pool, struct field *group, const char *name, const char *text);
struct field *field_number(struct pool *pool, struct field *group, const char *name, uint64_t number);
struct field *field_bool(struct pool *pool, struct field *group, const char *name, bool value);
struct field *field_hex(struct pool *pool, struct field *group, const char *name, struct slice bytes);

/* A child of a group by name; NULL when there is none. */
const struct field *field_find(const struct field *group, const char *name);
