#include "golden/text_token.h"

static bool is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

int text_unexpected(const struct text_parser *t, const char *expected)
{
	size_t n = t->text.n < 32 ? t->text.n : 32;

	if (t->kind == TOKEN_END)
		return err_set(t->e, PCRCAST_ETRUNC, t->at, "text protobuf: expected %s, found the end",
			       expected);
	return err_set(t->e, PCRCAST_EFORMAT, t->at, "text protobuf: expected %s, found \"%.*s\"", expected,
		       (int)n, (const char *)t->text.p);
}

static void skip_blanks(struct text_parser *t)
{
	for (; t->pos < t->end; t->pos++) {
		uint8_t c = t->p[t->pos];

		if (c == '#')
			while (t->pos + 1 < t->end && t->p[t->pos + 1] != '\n')
				t->pos++;
		else if (c != ' ' && (c < '\t' || c > '\r'))
			return;
	}
}

/* The opening quote is at t->at. No escape is looked into, save that a backslash protects the quote behind it. */
static int scan_string(struct text_parser *t, uint8_t quote)
{
	size_t start = t->pos;

	while (t->pos < t->end && t->p[t->pos] != quote && t->p[t->pos] != '\n' && t->p[t->pos] != '\0') {
		if (t->p[t->pos] == '\\' && t->pos + 1 < t->end)
			t->pos++;
		t->pos++;
	}
	if (t->pos >= t->end)
		return err_set(t->e, PCRCAST_ETRUNC, t->at, "text protobuf: a string without its end");
	if (t->p[t->pos] != quote)
		return err_set(t->e, PCRCAST_EFORMAT, t->pos, "text protobuf: a line end or NUL in a string");
	t->text = (struct slice){ t->p + start, t->pos - start };
	t->pos++;
	return 0;
}

int text_advance(struct text_parser *t)
{
	skip_blanks(t);
	t->at = t->pos;
	t->kind = TOKEN_END;
	t->text = SLICE_EMPTY;
	if (t->pos == t->end)
		return 0;
	uint8_t c = t->p[t->pos++];
	if (c == '"' || c == '\'') {
		t->kind = TOKEN_STRING;
		return scan_string(t, c);
	}
	t->kind = is_letter(c) ? TOKEN_NAME : is_digit(c) || c == '-' || c == '.' ? TOKEN_NUMBER : TOKEN_SIGN;
	if (t->kind != TOKEN_SIGN)
		while (t->pos < t->end &&
		       (is_letter(t->p[t->pos]) || is_digit(t->p[t->pos]) || t->p[t->pos] == '.'))
			t->pos++;
	t->text = (struct slice){ t->p + t->at, t->pos - t->at };
	return 0;
}

bool text_at_sign(const struct text_parser *t, char c)
{
	return t->kind == TOKEN_SIGN && t->text.p[0] == (uint8_t)c;
}

int text_accept_sign(struct text_parser *t, char c, bool *ret)
{
	*ret = text_at_sign(t, c);
	return *ret ? text_advance(t) : 0;
}
