/*
 * Formats of reference values: one file each, format_*.c, and one row in formats.c.
 *
 * A row says what its format can hold. golden_write() compares that with what there is: what would be lost without
 * changing a meaning (origin, labels, events) is told and left out, what would change it (a second accepted value) is an
 * error. So a writer gets only what it can express.
 */
#pragma once

#include <stdio.h>

#include "base/json.h"
#include "base/json_read.h"
#include "golden/golden.h"

/* ---- reading ---- */

struct golden_file {
	const char *
		name; /* path below the directory: "pcr-sha256/4", "500-separator.pcrlock.d/300-0x00000000.pcrlock" */
	struct slice bytes;
};

/* What is read: one file, or the files of a directory (then bytes is empty). */
struct golden_input {
	const char *name; /* of the file or directory, for messages and to recognise it by */
	struct slice bytes;
	const struct cJSON *json;        /* bytes as JSON; NULL: they are none */
	const struct golden_file *files; /* sorted by name; NULL: it is one file */
	size_t n_files;
	alg_set banks; /* --bank, for formats that do not tell the bank; 0: not given */
	uint32_t pcrs; /* --pcr, for formats that do not tell the registers; valid if has_pcrs */
	bool has_pcrs;
};

/* ---- writing ---- */

struct golden_selection;

struct golden_writer {
	const struct golden_selection
		*sel; /* for events and policies: of values, those not chosen are gone */
	FILE *out;    /* memory: a failed write leaves nothing behind */
	struct pool *pool;
	const char **lost; /* what the format could not hold, for people */
	size_t n_lost, cap_lost;
};

/* Note something that is left out. */
int golden_lost(struct golden_writer *w, struct pcrcast_error *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Write a document to w->out and free it. */
int golden_write_json(struct golden_writer *w, struct json_doc *d, struct cJSON *root, bool compact,
		      struct pcrcast_error *e);

/* The same, each level indented by so many blanks. */
int golden_write_indented(struct golden_writer *w, struct json_doc *d, struct cJSON *root, unsigned blanks,
			  struct pcrcast_error *e);

/* ---- formats ---- */

/* What a format can hold. */
enum {
	HOLDS_SETS = 1 << 0,   /* several sets */
	HOLDS_BANKS = 1 << 1,  /* several banks in a set */
	HOLDS_VALUES = 1 << 2, /* several values of a register */
	HOLDS_WARN_ONLY = 1 << 3,
	HOLDS_LABELS = 1 << 4,
	HOLDS_ORIGIN = 1 << 5,
	HOLDS_EVENTS = 1 << 6,
	HOLDS_IDENTITY = 1 << 7,
	HOLDS_CC = 1 << 8,      /* sets of CC registers */
	HOLDS_ONLY_CC = 1 << 9, /* nothing but these */
	HOLDS_POLICIES = 1 << 10,
	HOLDS_CLAIMS = 1 << 11,
	NEEDS_EVENTS = 1 << 12, /* made of events: a set without is refused */
	NEEDS_NO_VALUES =
		1 << 13, /* a set without a value is no mistake (it is made of events, policies or claims) */
};

struct golden_format {
	const char *name;    /* the word of --as and --from */
	const char *purpose; /* one line for help: whose format, what in it */
	unsigned holds;
	alg_set banks;         /* that it can express */
	alg_set usual;         /* banks taken when nobody chose; 0: SHA-256 if it can be */
	uint32_t registers;    /* that it can express, bit i: register i; 0: all */
	const char *extras_of; /* another format whose extras its writer knows as well; NULL: none */
	bool binary;           /* not to be written to a terminal */
	/* True when the input can be nothing else that is in the table. NULL: must be named with --from. */
	bool (*recognise)(const struct golden_input *in);
	/* Adds sets to g. NULL: is not read. */
	int (*read)(const struct golden_input *in, struct golden *g, struct pcrcast_error *e);
	/* NULL: is not written. g has sets, registers, values and banks only as the row allows. */
	int (*write)(const struct golden *g, struct golden_writer *w, struct pcrcast_error *e);
};

/* The banks to compute for a format when nobody chose. */
alg_set golden_usual_banks(const struct golden_format *f);

extern const struct golden_format golden_formats[];
extern const size_t n_golden_formats;

/* NULL when there is none of that name. */
const struct golden_format *golden_format_by_name(const char *name);

/* The one format that takes the input for its own; NULL, with e filled, when there is none. */
const struct golden_format *golden_recognise(const struct golden_input *in, struct pcrcast_error *e);

/*
 * Read reference values. format NULL: recognise it. in->json is set by this function for the reader; the bytes need not outlive ret. ret
 * is to be done with golden_done whatever is returned.
 */
int golden_read(struct golden_input *in, const struct golden_format *format, struct golden *ret,
		struct pcrcast_error *e);

/* Which part of a reference is to be written; zeros take all. */
struct golden_selection {
	alg_set banks;
	bool has_pcrs;
	uint32_t pcrs;     /* bit i: register i; valid if has_pcrs */
	const char *label; /* only values with this label; NULL: all. "" : values without one */
	const char *set;   /* only sets whose csp, variant or image is this, or "CSP/VARIANT"; NULL: all */
};

/*
 * The part of g that sel means. Of registers whose values have labels only those with sel's stay; a register that
 * loses all of them is told in *ret_lost. ret borrows from g and is never done with. PCRCAST_ENOTFOUND: no such set.
 */
int golden_select(const struct golden *g, const struct golden_selection *sel, struct pool *pool,
		  struct golden *ret, const char *const **ret_lost, size_t *ret_n_lost,
		  struct pcrcast_error *e);

/* Does a value of any register have this label? */
bool golden_has_label(const struct golden *g, const char *label);

/*
 * Write g, as far as sel says, in a format. The text or bytes are from pool. *ret_lost has what was left out, for
 * people. PCRCAST_EUNSUPPORTED: the format cannot express it; the message says what and how to choose. PCRCAST_ENOTFOUND:
 * no set, value or label is as sel says.
 */
int golden_write(const struct golden *g, const struct golden_selection *sel,
		 const struct golden_format *format, struct pool *pool, struct slice *ret,
		 const char *const **ret_lost, size_t *ret_n_lost, struct pcrcast_error *e);

/* ---- what readers and writers share (format_common.c) ---- */

/* The bank whose digests have len bytes; ALG_COUNT when there is none. */
enum alg golden_alg_by_len(size_t len);

/* A register's index from "4" (no sign, blank or leading zero); false when it is none of 0..23. */
bool golden_index(struct slice text, uint32_t *ret);

/* PCRCAST_EFORMAT unless object has no keys beside these; NULL ends the list. what names the object in the message. */
int golden_only_keys(const struct cJSON *object, const char *what, const char *const *keys,
		     struct pcrcast_error *e);

/* Add the value that a JSON string states in hex, of either case. label as in golden_add_value. */
int golden_add_hex(struct golden *g, struct golden_set *s, enum alg alg, uint32_t index,
		   const struct cJSON *node, enum golden_origin origin, const char *label,
		   struct pcrcast_error *e);

/* Keys of a file that a reader passes over: one note for all, however many a file has. */
struct golden_others {
	size_t n;
	const char *first; /* borrows from the file */
};

void golden_other(struct golden_others *others, const char *key);

/* "not read: 2 of what, the first is "key""; nothing when there is none. */
int golden_note_others(struct golden *g, const struct golden_others *others, const char *what,
		       struct pcrcast_error *e);
