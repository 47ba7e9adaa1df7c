/*
 * The grammar of GRUB's shell language. Source: GRUB 2.06 and 2.12, grub-core/script/parser.y.
 *
 * A list of commands has at least one, separated by one line feed or semicolon and any number of line feeds.
 * A keyword is one only where a command begins; behind a command's name it is a word like any other.
 */
#include "predict/grub_script.h"

struct parser {
	struct grub_text *t;
	struct grub_token tok; /* the next one */
	struct pcrcast_error *e;
};

static int advance(struct parser *p)
{
	return grub_lex(p->t, &p->tok, p->e);
}

static const char *shown(struct parser *p)
{
	static const char *const names[] = { "the end of the file", "the end of the line", "\";\"", "\"{\"",
					     "\"}\"" };

	if (p->tok.type < TOKEN_WORD)
		return names[p->tok.type];
	return pool_printf(p->t->pool, "\"%.*s\"",
			   (int)(p->tok.end - p->tok.start > 40 ? 40 : p->tok.end - p->tok.start),
			   p->t->s + p->tok.start);
}

static int expected(struct parser *p, const char *what)
{
	return err_set(p->e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "line %u: expected %s, found %s",
		       p->tok.line, what, shown(p));
}

static bool at_keyword(const struct parser *p, const char *keyword)
{
	return p->tok.type == TOKEN_KEYWORD && strcmp(p->tok.plain, keyword) == 0;
}

static int take_keyword(struct parser *p, const char *keyword)
{
	return at_keyword(p, keyword) ? advance(p) : expected(p, keyword);
}

static int skip_newlines(struct parser *p)
{
	int r = 0;

	while (r == 0 && p->tok.type == TOKEN_NEWLINE)
		r = advance(p);
	return r;
}

/* One line feed or semicolon, then line feeds. */
static int take_delimiters(struct parser *p)
{
	if (p->tok.type != TOKEN_NEWLINE && p->tok.type != TOKEN_SEMICOLON)
		return expected(p, "the end of the line or \";\"");
	int r = advance(p);

	return r < 0 ? r : skip_newlines(p);
}

static int parse_command(struct parser *p, struct grub_node **ret);

/* Does a list go on, or does one of these end it? */
static bool list_ends(const struct parser *p)
{
	static const char *const enders[] = { "then", "elif", "else", "fi", "do", "done" };

	if (p->tok.type == TOKEN_CLOSE || p->tok.type == TOKEN_END)
		return true;
	for (size_t i = 0; i < sizeof enders / sizeof enders[0]; i++)
		if (at_keyword(p, enders[i]))
			return true;
	return false;
}

/* Commands up to what ends the list; delimited: the last one must be followed by a delimiter, as it must not before "}". */
static int parse_list(struct parser *p, bool delimited, struct grub_node **ret)
{
	struct grub_node *first = NULL, **last = &first;
	int r = skip_newlines(p);

	while (r == 0) {
		r = parse_command(p, last);
		if (r < 0)
			return r;
		last = &(*last)->next;
		if (!delimited && p->tok.type == TOKEN_CLOSE)
			break;
		r = take_delimiters(p);
		if (r == 0 && list_ends(p))
			break;
	}
	if (r == 0)
		*ret = first;
	return r;
}

static int new_node(struct parser *p, enum grub_node_type type, struct grub_node **ret)
{
	*ret = pool_new(p->t->pool, struct grub_node);
	if (!*ret)
		return err_nomem(p->e);
	(*ret)->type = type;
	(*ret)->line = p->tok.line;
	return 0;
}

static int add_word(struct parser *p, struct grub_piece *pieces, struct grub_word ***last)
{
	struct grub_word *w = pool_new(p->t->pool, struct grub_word);

	if (!w)
		return err_nomem(p->e);
	w->pieces = pieces;
	**last = w;
	*last = &w->next;
	return 0;
}

/* "{", commands, "}": GRUB keeps the text between the braces, and hands it on as an argument. */
static int parse_block(struct parser *p, struct grub_node *n, struct grub_word **last)
{
	size_t start = p->tok.end;
	struct grub_piece *piece = pool_new(p->t->pool, struct grub_piece);

	if (!piece)
		return err_nomem(p->e);
	int r = advance(p);
	if (r == 0)
		r = parse_list(p, false, &n->block);
	if (r == 0 && p->tok.type != TOKEN_CLOSE)
		r = expected(p, "\"}\"");
	if (r < 0)
		return r;
	piece->type = PIECE_BLOCK;
	piece->text = pool_text(p->t->pool, p->t->s + start, p->tok.start - start);
	if (!piece->text)
		return err_nomem(p->e);
	r = add_word(p, piece, &last);
	return r < 0 ? r : advance(p);
}

static int parse_simple(struct parser *p, struct grub_node **ret)
{
	struct grub_node *n;
	int r = new_node(p, NODE_COMMAND, &n);
	struct grub_word **last = r == 0 ? &n->words : NULL;

	while (r == 0 && (p->tok.type == TOKEN_WORD || (n->words && p->tok.type == TOKEN_KEYWORD))) {
		r = add_word(p, p->tok.pieces, &last);
		if (r == 0)
			r = advance(p);
	}
	if (r == 0 && !n->words)
		r = expected(p, "a command");
	if (r == 0 && p->tok.type == TOKEN_OPEN)
		r = parse_block(p, n, last);
	if (r == 0)
		*ret = n;
	return r;
}

/* Behind "if" or "elif". */
static int parse_if(struct parser *p, struct grub_node **ret)
{
	struct grub_node *n;
	int r = new_node(p, NODE_IF, &n);

	if (r == 0)
		r = advance(p);
	if (r == 0)
		r = parse_list(p, true, &n->cond);
	if (r == 0)
		r = take_keyword(p, "then");
	if (r == 0)
		r = parse_list(p, true, &n->body);
	if (r == 0 && at_keyword(p, "elif")) {
		if (++p->t->depth > GRUB_DEPTH_MAX)
			return err_set(p->e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
				       "line %u: more than %d branches or levels", p->tok.line,
				       GRUB_DEPTH_MAX);
		r = parse_if(p, &n->other);
		p->t->depth--;
		if (r == 0)
			*ret = n;
		return r;
	}
	if (r == 0 && at_keyword(p, "else")) {
		r = advance(p);
		if (r == 0)
			r = parse_list(p, true, &n->other);
	}
	if (r == 0)
		r = take_keyword(p, "fi");
	if (r == 0)
		*ret = n;
	return r;
}

/* The body of a loop: "do", commands, "done". */
static int parse_body(struct parser *p, struct grub_node *n)
{
	int r = take_keyword(p, "do");

	if (r == 0)
		r = parse_list(p, true, &n->body);
	return r < 0 ? r : take_keyword(p, "done");
}

static bool is_name(const char *s)
{
	if (!s || !((*s | 32) >= 'a' && (*s | 32) <= 'z')) {
		if (!s || *s != '_')
			return false;
	}
	for (; *s; s++)
		if (!(((*s | 32) >= 'a' && (*s | 32) <= 'z') || (*s >= '0' && *s <= '9') || *s == '_'))
			return false;
	return true;
}

static int take_name(struct parser *p, const char **ret)
{
	if (p->tok.type != TOKEN_WORD || !is_name(p->tok.plain))
		return expected(p, "a name");
	*ret = p->tok.plain;
	return advance(p);
}

static int parse_for(struct parser *p, struct grub_node **ret)
{
	struct grub_node *n;
	int r = new_node(p, NODE_FOR, &n);
	struct grub_word **last = r == 0 ? &n->words : NULL;

	if (r == 0)
		r = advance(p);
	if (r == 0)
		r = take_name(p, &n->name);
	if (r == 0)
		r = take_keyword(p, "in");
	while (r == 0 && (p->tok.type == TOKEN_WORD || p->tok.type == TOKEN_KEYWORD)) {
		r = add_word(p, p->tok.pieces, &last);
		if (r == 0)
			r = advance(p);
	}
	if (r == 0)
		r = take_delimiters(p);
	if (r == 0)
		r = parse_body(p, n);
	if (r == 0)
		*ret = n;
	return r;
}

static int parse_while(struct parser *p, bool until, struct grub_node **ret)
{
	struct grub_node *n;
	int r = new_node(p, NODE_WHILE, &n);

	if (r == 0)
		r = advance(p);
	if (r == 0)
		r = parse_list(p, true, &n->cond);
	if (r == 0)
		r = parse_body(p, n);
	if (r == 0) {
		n->until = until;
		*ret = n;
	}
	return r;
}

static int parse_command(struct parser *p, struct grub_node **ret)
{
	int r;

	if (++p->t->depth > GRUB_DEPTH_MAX)
		return err_set(p->e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "line %u: more than %d levels of commands", p->tok.line, GRUB_DEPTH_MAX);
	if (at_keyword(p, "if"))
		r = parse_if(p, ret);
	else if (at_keyword(p, "for"))
		r = parse_for(p, ret);
	else if (at_keyword(p, "while"))
		r = parse_while(p, false, ret);
	else if (at_keyword(p, "until"))
		r = parse_while(p, true, ret);
	else
		r = parse_simple(p, ret);
	p->t->depth--;
	return r;
}

/* Only at the outermost level. */
static int parse_function(struct parser *p, struct grub_node **ret)
{
	struct grub_node *n;
	int r = new_node(p, NODE_FUNCTION, &n);

	if (r == 0)
		r = advance(p);
	if (r == 0)
		r = take_name(p, &n->name);
	if (r == 0)
		r = skip_newlines(p);
	if (r == 0 && p->tok.type != TOKEN_OPEN)
		r = expected(p, "\"{\"");
	if (r == 0)
		r = advance(p);
	if (r == 0)
		r = parse_list(p, true, &n->body);
	if (r == 0 && p->tok.type != TOKEN_CLOSE)
		r = expected(p, "\"}\"");
	if (r == 0)
		r = advance(p);
	if (r == 0)
		*ret = n;
	return r;
}

bool grub_text_end(struct grub_text *t)
{
	while (t->pos < t->n && strchr(" \t\n", t->s[t->pos]))
		t->pos++;
	return t->pos >= t->n;
}

int grub_parse_line(struct grub_text *t, struct grub_node **ret, uint32_t *ret_line, struct pcrcast_error *e)
{
	struct parser p = { .t = t, .e = e };
	struct grub_node *first = NULL, **last = &first;

	t->depth = 0;
	*ret_line = t->lines[t->pos];
	int r = advance(&p);
	while (r == 0 && p.tok.type != TOKEN_NEWLINE && p.tok.type != TOKEN_END) {
		r = at_keyword(&p, "function") ? parse_function(&p, last) : parse_command(&p, last);
		if (r < 0)
			break;
		last = &(*last)->next;
		if (p.tok.type == TOKEN_NEWLINE || p.tok.type == TOKEN_END)
			break;
		if (p.tok.type != TOKEN_SEMICOLON)
			r = expected(&p, "the end of the line or \";\"");
		else
			r = advance(&p);
	}
	if (r < 0) {
		*ret_line = p.tok.line ? p.tok.line : *ret_line;
		return r;
	}
	*ret = first;
	return 0;
}
