/*
 * What is told of one difference. Private to eventlog/diff_words.c, diff_fields.c and diff_text.c.
 */
#pragma once

#include "eventlog/decode.h"

enum {
	TEXT_MAX = 160,   /* bytes of a text that are shown */
	DIGEST_SHOWN = 6, /* bytes of a digest that are shown: enough to find it in the log */
};

/* Starts with the text "". Texts that the functions below return come from pool, or are "" when memory gave out. */
struct words {
	struct pool *pool;
	const char *text;   /* what was told so far; NULL: memory gave out */
	size_t n, left_out; /* things told, and those for which there was no room */
};

/* One thing more; only counted when there are many already. */
void words_tell(struct words *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The text, or its beginning and "…". */
const char *words_shorten(struct words *w, const char *text);

/* The bytes in hex, those behind the first shown ones as "…". */
const char *words_hex(struct words *w, struct slice bytes, size_t shown);

/*
 * Which words of a text were removed and added. False, with nothing told, when the texts are no words, too long, or
 * have the same words.
 */
bool words_tell_text(struct words *w, const char *text_a, const char *text_b);

/* What differs between the fields of two decoded bodies (decoded.root). */
void words_tell_fields(struct words *w, const struct field *a, const struct field *b);
