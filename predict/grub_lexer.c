/*
 * Words of GRUB's shell language. Source: GRUB 2.06 and 2.12, grub-core/script/yylex.l.
 */
#include "predict/grub_script.h"

int grub_text_read(struct pool *pool, struct slice bytes, struct grub_text *ret, struct pcrcast_error *e)
{
	char *s = pool_array(pool, bytes.n + 2, 1);
	uint32_t *lines = pool_array(pool, bytes.n + 2, sizeof *lines), line = 1;
	size_t n = 0;

	if (!s || !lines)
		return err_nomem(e);
	for (size_t i = 0; i < bytes.n; line++) {
		bool comment = bytes.p[i] == '#';

		for (; i < bytes.n; i++) {
			if (bytes.p[i] == 0)
				return err_set(e, PCRCAST_EFORMAT, i, "a NUL in line %u", line);
			if (!comment && bytes.p[i] != '\r') {
				lines[n] = line;
				s[n++] = (char)bytes.p[i];
			}
			if (bytes.p[i] == '\n')
				break;
		}
		i++;
	}
	if (n && s[n - 1] != '\n') {
		lines[n] = line - 1;
		s[n++] = '\n';
	}
	lines[n] = line;
	*ret = (struct grub_text){ .pool = pool, .s = s, .n = n, .lines = lines };
	return 0;
}

static bool is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A word under construction. */
struct word_builder {
	struct grub_text *t;
	char *text; /* of the piece that is being read; room for the rest of the input */
	size_t n;
	struct grub_piece *first, **last;
	bool failed;
};

static void end_piece(struct word_builder *b, enum grub_piece_type type)
{
	struct grub_piece *p = pool_new(b->t->pool, struct grub_piece);

	if (!p) {
		b->failed = true;
		return;
	}
	p->type = type;
	p->text = b->text;
	b->text += b->n;
	*b->text++ = 0;
	b->n = 0;
	*b->last = p;
	b->last = &p->next;
}

static void add(struct word_builder *b, char c)
{
	b->text[b->n++] = c;
}

static int bad(struct grub_text *t, size_t pos, const char *what, struct pcrcast_error *e)
{
	return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "line %u: %s", t->lines[pos], what);
}

/* Behind a "$". */
static int lex_variable(struct word_builder *b, enum grub_piece_type type, struct pcrcast_error *e)
{
	struct grub_text *t = b->t;
	size_t p = t->pos;
	bool braces = t->s[p] == '{';

	p += braces;
	if (is_name_start(t->s[p])) {
		while (is_name_start(t->s[p]) || is_digit(t->s[p]))
			add(b, t->s[p++]);
	} else if (is_digit(t->s[p])) {
		while (is_digit(t->s[p]))
			add(b, t->s[p++]);
	} else if (t->s[p] && strchr("?#*@", t->s[p])) {
		add(b, t->s[p++]);
	} else {
		return bad(t, t->pos, "\"$\" and no variable behind it", e);
	}
	if (braces && t->s[p++] != '}')
		return bad(t, t->pos, "expected \"}\" behind the name of a variable", e);
	t->pos = p;
	end_piece(b, type);
	return 0;
}

/* Behind the opening quote. */
static int lex_double_quoted(struct word_builder *b, bool translated, struct pcrcast_error *e)
{
	struct grub_text *t = b->t;
	size_t start = t->pos;

	while (t->pos < t->n) {
		char c = t->s[t->pos++], next = t->s[t->pos];

		if (c == '"') {
			end_piece(b, translated ? PIECE_TRANSLATED : PIECE_QUOTED);
			return 0;
		}
		if (c == '\\' && next == '\n') {
			t->pos++;
		} else if (c == '\\' && translated && next == '\\') {
			add(b, c);
			add(b, t->s[t->pos++]);
		} else if (c == '\\' && next && strchr(translated ? "\"" : "$\\\"", next)) {
			add(b, t->s[t->pos++]);
		} else if (c == '$' && !translated) {
			end_piece(b, PIECE_QUOTED);
			int r = lex_variable(b, PIECE_QUOTED_VAR, e);
			if (r < 0)
				return r;
		} else {
			add(b, c);
		}
	}
	return bad(t, start, "a double quote is not closed", e);
}

static int lex_single_quoted(struct word_builder *b, struct pcrcast_error *e)
{
	struct grub_text *t = b->t;
	size_t start = t->pos;

	for (; t->pos < t->n; t->pos++) {
		if (t->s[t->pos] == '\'') {
			t->pos++;
			end_piece(b, PIECE_QUOTED);
			return 0;
		}
		add(b, t->s[t->pos]);
	}
	return bad(t, start, "a single quote is not closed", e);
}

static int lex_word_part(struct word_builder *b, struct pcrcast_error *e)
{
	struct grub_text *t = b->t;
	char c = t->s[t->pos++], next = t->s[t->pos];

	switch (c) {
	case '\\':
		if (t->pos >= t->n)
			return bad(t, t->pos, "nothing behind a backslash", e);
		t->pos++;
		if (next != '\n') { /* else the word goes on in the next line */
			add(b, c);
			add(b, next);
		}
		return 0;
	case '\'':
		end_piece(b, PIECE_TEXT);
		return lex_single_quoted(b, e);
	case '"':
		end_piece(b, PIECE_TEXT);
		return lex_double_quoted(b, false, e);
	case '$':
		end_piece(b, PIECE_TEXT);
		if (next != '"')
			return lex_variable(b, PIECE_VAR, e);
		t->pos++;
		return lex_double_quoted(b, true, e);
	}
	add(b, c);
	return 0;
}

static bool is_keyword(const char *s)
{
	static const char *const keywords[] = { "case",   "do",   "done",  "elif",  "else",
						"esac",   "fi",   "for",   "if",    "in",
						"select", "then", "until", "while", "function" };

	for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++)
		if (strcmp(s, keywords[i]) == 0)
			return true;
	return false;
}

static int lex_word(struct grub_text *t, struct grub_token *tok, struct pcrcast_error *e)
{
	/* Where the word ends is known behind it; a part has no more bytes than it is written with, and a NUL. */
	size_t end = t->pos;
	struct word_builder b = { .t = t };

	/* A word ends at the latest where its quotes do; count generously by a first pass without quotes' rules. */
	for (char quote = 0; end < t->n; end++) {
		char c = t->s[end];

		if (c == '\\' && quote != '\'') {
			end++;
			continue;
		}
		if (quote)
			quote = c == quote ? 0 : quote;
		else if (c == '\'' || c == '"')
			quote = c;
		else if (strchr(" \t\n|&;<>", c))
			break;
	}
	if (end > t->n)
		end = t->n;
	b.text = pool_array(t->pool, 2 * (end - t->pos) + 8, 1);
	if (!b.text)
		return err_nomem(e);
	b.last = &b.first;
	while (t->pos < t->n && !strchr("{}|&;<> \t\n", t->s[t->pos])) {
		int r = lex_word_part(&b, e);

		if (r < 0)
			return r;
	}
	end_piece(&b, PIECE_TEXT);
	if (b.failed)
		return err_nomem(e);
	tok->pieces = b.first;
	tok->end = t->pos;
	/* Keywords and the names of functions and variables: as they are written. */
	char *written = pool_text(t->pool, t->s + tok->start, tok->end - tok->start);
	if (!written)
		return err_nomem(e);
	tok->plain = strpbrk(written, "\\'\"$") ? NULL : written;
	tok->type = TOKEN_WORD;
	if (tok->plain && is_keyword(tok->plain))
		tok->type = TOKEN_KEYWORD;
	if (tok->plain && (strcmp(tok->plain, "[[") == 0 || strcmp(tok->plain, "]]") == 0))
		tok->type = TOKEN_OTHER;
	return 0;
}

int grub_lex(struct grub_text *t, struct grub_token *ret, struct pcrcast_error *e)
{
	static const struct {
		char c;
		enum grub_token_type type;
	} signs[] = {
		{ '\n', TOKEN_NEWLINE }, { ';', TOKEN_SEMICOLON }, { '{', TOKEN_OPEN },  { '}', TOKEN_CLOSE },
		{ '|', TOKEN_OTHER },    { '&', TOKEN_OTHER },     { '<', TOKEN_OTHER }, { '>', TOKEN_OTHER },
	};

	while (t->s[t->pos] == ' ' || t->s[t->pos] == '\t')
		t->pos++;
	if (t->s[t->pos] == '#')
		while (t->pos < t->n && t->s[t->pos] != '\n')
			t->pos++;

	struct grub_token tok = { .start = t->pos, .line = t->lines[t->pos] };
	if (t->pos >= t->n) {
		tok.end = t->pos;
		*ret = tok;
		return 0;
	}
	for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
		if (signs[i].c == t->s[t->pos]) {
			tok.type = signs[i].type;
			if (tok.type == TOKEN_SEMICOLON && t->s[t->pos + 1] == ';') { /* ";;" */
				tok.type = TOKEN_OTHER;
				t->pos++;
			}
			tok.end = ++t->pos;
			*ret = tok;
			return 0;
		}
	int r = lex_word(t, &tok, e);
	if (r == 0)
		*ret = tok;
	return r;
}
