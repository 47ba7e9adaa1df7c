/*
 * What the decoders of event bodies share. Private to eventlog/.
 *
 * A body keeps one flag: when memory gives out, every later call does nothing and event_decode reports it, so a
 * decoder need not check each line. Groups may be NULL then. A group that a call returns is good until the next
 * field is added to its parent.
 */
#pragma once

#include "base/efi/guid.h"
#include "base/reader.h"
#include "eventlog/decode.h"

enum {
	/* Entries of one event that are listed. The longest dbx of 2026 has some 500; a hostile body could hold millions. */
	BODY_ITEMS_MAX = 16384,
};

struct body {
	struct pool *pool;
	const struct eventlog *log;
	const struct event *ev;
	struct decoded out;
	size_t n_items; /* entries listed so far, at most BODY_ITEMS_MAX */
	bool failed;
};

/* ---- fields; text NULL means that memory gave out ---- */

struct field *body_group(struct body *b, struct field *parent, const char *name);
struct field *body_list(struct body *b, struct field *parent, const char *name);
void body_text(struct body *b, struct field *parent, const char *name, const char *text);
void body_number(struct body *b, struct field *parent, const char *name, uint64_t number);
void body_bool(struct body *b, struct field *parent, const char *name, bool value);
void body_hex(struct body *b, struct field *parent, const char *name, struct slice bytes);
/* A GUID; what it is called goes into a field of its own when it is called something and name_field is not NULL. */
void body_guid(struct body *b, struct field *parent, const char *name, const char *name_field,
	       const struct guid *g);
/* "devicePath", and "file" when the path ends in one. Returns words for what it leads to; NULL: none. */
const char *body_device_path(struct body *b, struct field *parent, const char *name, struct slice bytes);
/* Text when the bytes are text, else hex. */
void body_string(struct body *b, struct field *parent, const char *name, struct slice bytes);

/* ---- conclusions ---- */

/* The line for people. Control characters and what is no UTF-8 are escaped. A later call replaces it. */
void body_summary(struct body *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Why rest was not decoded. The first call counts. */
void body_trouble(struct body *b, struct slice rest, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Trouble about what r has not read. */
void body_trouble_at(struct body *b, const struct reader *r, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Trouble when bytes other than zeros are left behind the end; what names what they follow. */
void body_end(struct body *b, const struct reader *r, const char *what);
/* Count one more entry; false, with trouble about rest, when there were too many. */
bool body_item(struct body *b, struct slice rest);

/* ---- text ---- */

enum text_kind {
	TEXT_NONE,
	TEXT_UTF8, /* ASCII as a rule */
	TEXT_UTF16,
};

/*
 * Are the bytes text, apart from NULs at their end? *ret is it as UTF-8. Firmware does not say which encoding a string has:
 * bytes without NULs inside that are printable UTF-8 count as that, else printable UTF-16 counts.
 */
enum text_kind body_text_of(struct body *b, struct slice bytes, char **ret);

/* The first n characters of text and "…" when it is longer; for summaries. */
const char *body_shorten(struct body *b, const char *text, size_t n);

/* ---- decoders, one per family of events ---- */

void body_no_action(struct body *b);     /* event_no_action.c */
void body_variable(struct body *b);      /* event_variable.c */
void body_image(struct body *b);         /* event_image.c */
void body_gpt(struct body *b);           /* event_gpt.c */
void body_firmware_blob(struct body *b); /* event_firmware.c */
void body_firmware_blob2(struct body *b);
void body_handoff_tables(struct body *b);
void body_handoff_tables2(struct body *b);
void body_string_or_blob(struct body *b);
void body_crtm_version(struct body *b);
void body_separator(struct body *b);
void body_action(struct body *b);
void body_nonhost(struct body *b);
void body_plain(struct body *b);
void body_compact_hash(struct body *b);
void body_ipl(struct body *b); /* event_ipl.c */
void body_tag(struct body *b); /* event_tag.c */
void body_windows(struct body *b, struct field *parent,
		  struct slice bytes); /* event_windows.c: a series of SIPA events */
void body_spdm(struct body *b);        /* event_spdm.c */
void body_device_security(struct body *b, struct field *parent, struct slice bytes);
void body_systemd(struct body *b); /* event_userspace.c */
void body_ima(struct body *b);

/* Signature lists, to the end of bytes; a short account of them for the summary. */
const char *body_signature_lists(struct body *b, struct field *parent, struct slice bytes);
