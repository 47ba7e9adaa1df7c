/*
 * The tokens of the text form of Protocol Buffers; private to text_*.c.
 */
#pragma once

#include "base/error.h"
#include "golden/evidence.h"

enum token_kind {
	TOKEN_END,
	TOKEN_NAME,
	TOKEN_NUMBER,
	TOKEN_STRING, /* text is what stands between the quotes */
	TOKEN_SIGN,   /* one character */
};

struct text_parser {
	const uint8_t *p;
	size_t pos, end; /* behind the current token */
	enum token_kind kind;
	struct slice text;   /* of the current token */
	size_t at;           /* where it begins */
	struct evidence *ev; /* where whoever reads the tokens makes notes */
	struct pcrcast_error *e;
};

/* On to the next token. The first is there after the first call. */
int text_advance(struct text_parser *t);

bool text_at_sign(const struct text_parser *t, char c);

/* Step over a sign if it is there. */
int text_accept_sign(struct text_parser *t, char c, bool *ret);

/* Report that the current token is something else than expected. */
int text_unexpected(const struct text_parser *t, const char *expected);
