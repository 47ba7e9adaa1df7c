#define _GNU_SOURCE
#include "golden/go_text.h"

#include <stdio.h>

#include "base/encode.h"

enum { GO_BYTES_MAX = 64 }; /* no digest is longer */

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}

/* Behind a comment that begins at the position; false when there is none, or none that ends. */
static bool skip_comment(struct go_text *t)
{
	struct slice rest = { t->text.p + t->pos, t->text.n - t->pos };
	const uint8_t *end;

	if (rest.n < 2 || rest.p[0] != '/' || (rest.p[1] != '/' && rest.p[1] != '*'))
		return false;
	if (rest.p[1] == '/') {
		end = memchr(rest.p, '\n', rest.n);
		t->pos = end ? (size_t)(end - t->text.p) : t->text.n;
		return true;
	}
	end = memmem(rest.p + 2, rest.n - 2, "*/", 2);
	if (!end) {
		t->bad_at = t->pos;
		return false;
	}
	t->pos = (size_t)(end - t->text.p) + 2;
	return true;
}

void go_next(struct go_text *t)
{
	size_t end;

	for (;;) {
		while (t->pos < t->text.n && t->text.p[t->pos] && strchr(" \t\r\n", t->text.p[t->pos]))
			t->pos++;
		if (!skip_comment(t))
			break;
	}
	end = t->pos;
	if (end < t->text.n && is_word(t->text.p[end]))
		while (end < t->text.n && is_word(t->text.p[end]))
			end++;
	else if (end < t->text.n)
		end++;
	t->token = (struct slice){ t->text.p + t->pos, end - t->pos };
	t->token_at = t->pos;
	t->pos = end;
}

struct go_text go_text_over(struct slice text)
{
	struct go_text t = { .text = text, .token = SLICE_EMPTY, .bad_at = PCRCAST_NO_OFFSET };

	go_next(&t);
	return t;
}

bool go_at(const struct go_text *t, const char *token)
{
	return slice_equal_string(t->token, token);
}

bool go_at_end(const struct go_text *t)
{
	return t->token.n == 0;
}

bool go_accept(struct go_text *t, const char *token)
{
	if (!go_at(t, token))
		return false;
	go_next(t);
	return true;
}

int go_unexpected(const struct go_text *t, const char *expected, struct pcrcast_error *e)
{
	uint8_t c = t->token.n ? t->token.p[0] : 0;

	if (t->bad_at != PCRCAST_NO_OFFSET)
		return err_set(e, PCRCAST_EFORMAT, t->bad_at, "Go: a comment that does not end");
	if (t->token.n == 0)
		return err_set(e, PCRCAST_ETRUNC, t->token_at, "Go: expected %s, found the end", expected);
	if (c < 0x20 || c >= 0x7f)
		return err_set(e, PCRCAST_EFORMAT, t->token_at, "Go: expected %s, found byte 0x%02x",
			       expected, c);
	return err_set(e, PCRCAST_EFORMAT, t->token_at, "Go: expected %s, found '%.*s'", expected,
		       (int)(t->token.n < 32 ? t->token.n : 32), (const char *)t->token.p);
}

int go_expect(struct go_text *t, const char *token, struct pcrcast_error *e)
{
	char quoted[32];

	if (go_accept(t, token))
		return 0;
	(void)snprintf(quoted, sizeof quoted, "'%s'", token);
	return go_unexpected(t, quoted, e);
}

int go_name(struct go_text *t, struct slice *ret, struct pcrcast_error *e)
{
	if (t->token.n == 0 || !is_word(t->token.p[0]) || is_digit(t->token.p[0]))
		return go_unexpected(t, "a name", e);
	if (ret)
		*ret = t->token;
	go_next(t);
	return 0;
}

bool go_number(struct go_text *t, uint64_t most, uint64_t *ret)
{
	struct slice s = t->token;
	bool hex = s.n > 2 && s.p[0] == '0' && (s.p[1] == 'x' || s.p[1] == 'X');
	uint64_t v = 0;

	/* 017 is octal: no generator writes it, and few readers know */
	if (s.n == 0 || s.n > 16 || (!hex && s.n > 1 && s.p[0] == '0'))
		return false;
	for (size_t i = hex ? 2 : 0; i < s.n; i++) {
		int digit = hex_digit(s.p[i]);

		if (digit < 0 || (!hex && digit > 9))
			return false;
		v = v * (hex ? 16 : 10) + (unsigned)digit; /* 16 characters fit */
	}
	if (v > most)
		return false;
	*ret = v;
	go_next(t);
	return true;
}

int go_bytes(struct go_text *t, struct pool *pool, struct slice *ret, struct pcrcast_error *e)
{
	uint8_t bytes[GO_BYTES_MAX];
	size_t n = 0;

	int r = go_expect(t, "{", e);
	while (r == 0 && !go_accept(t, "}")) {
		uint64_t v;

		if (n == GO_BYTES_MAX)
			return err_set(e, PCRCAST_ELIMIT, t->token_at, "more than %d bytes in a value",
				       GO_BYTES_MAX);
		if (!go_number(t, UINT8_MAX, &v))
			return go_unexpected(t, "a byte, as 0x1f", e);
		bytes[n++] = (uint8_t)v;
		if (!go_accept(t, ",") && !go_at(t, "}"))
			return go_unexpected(t, "',' or '}'", e);
	}
	if (r < 0)
		return r;
	const uint8_t *copy = pool_copy(pool, bytes, n);
	if (!copy)
		return err_nomem(e);
	*ret = (struct slice){ copy, n };
	return 0;
}
