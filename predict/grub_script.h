/*
 * GRUB's shell language: from text to commands, and the values of its variables. Private to predict/.
 *
 * Sources: GRUB 2.06 and 2.12 grub-core/script/yylex.l, parser.y, execute.c, argv.c and normal/main.c
 * (read_config_file).
 */
#pragma once

#include "base/error.h"
#include "base/pool.h"
#include "base/slice.h"

enum {
	GRUB_TEXT_MAX = 4 << 20, /* bytes of a configuration file; the largest known have some 100 KiB */
	GRUB_DEPTH_MAX = 60,     /* of nested commands: GRUB 2.12 gives up at 64 (MAX_RECURSION_DEPTH) */
};

enum grub_piece_type {
	PIECE_TEXT,   /* bare; a backslash still stands in front of what it quotes */
	PIECE_QUOTED, /* between quotes, as it is */
	PIECE_VAR,    /* the name of a variable outside quotes: its value is split at white space */
	PIECE_QUOTED_VAR,
	PIECE_TRANSLATED, /* $"…" */
	PIECE_BLOCK,      /* {…}: text is what stands between the braces */
};

struct grub_piece {
	enum grub_piece_type type;
	const char *text;
	struct grub_piece *next;
};

struct grub_word {
	struct grub_piece *pieces;
	struct grub_word *next;
};

enum grub_node_type { NODE_COMMAND, NODE_IF, NODE_FOR, NODE_WHILE, NODE_FUNCTION };

struct grub_node {
	enum grub_node_type type;
	uint32_t line;           /* in the file, from 1 */
	struct grub_word *words; /* COMMAND; FOR: what the variable runs through */
	struct grub_node *block; /* COMMAND: the block behind the words; NULL: none */
	const char *name;        /* FOR: the variable; FUNCTION */
	struct grub_node *cond;  /* IF, WHILE: lists */
	struct grub_node *body;  /* IF: then; FOR, WHILE, FUNCTION */
	struct grub_node *other; /* IF: else; NULL: none */
	bool until;              /* WHILE */
	struct grub_node *next;  /* in the list; NULL: the last */
};

/*
 * A text as GRUB reads it from a file: without carriage returns and without lines that begin with "#". GRUB
 * parses and runs one line at a time, or as many as a command takes.
 */
struct grub_text {
	struct pool *pool;
	const char *s; /* n bytes, then a NUL */
	size_t n, pos;
	const uint32_t *lines; /* of each byte, and of the end */
	unsigned depth;
};

/* PCRCAST_EFORMAT: a NUL in it, where GRUB would take the line to end. */
int grub_text_read(struct pool *pool, struct slice bytes, struct grub_text *ret, struct pcrcast_error *e);

/* The rest of the file from pos on is at its end. */
bool grub_text_end(struct grub_text *t);

/*
 * The commands of the next line; NULL in *ret when it has none. PCRCAST_EFORMAT: GRUB cannot parse it; *ret_line
 * is always the line where that is.
 */
int grub_parse_line(struct grub_text *t, struct grub_node **ret, uint32_t *ret_line, struct pcrcast_error *e);

/* ---- lexer, for the parser ---- */

enum grub_token_type {
	TOKEN_END,
	TOKEN_NEWLINE,
	TOKEN_SEMICOLON,
	TOKEN_OPEN,  /* { */
	TOKEN_CLOSE, /* } */
	TOKEN_WORD,
	TOKEN_KEYWORD, /* if, for, …: a word where no command begins */
	TOKEN_OTHER,   /* | & < > [[ ]]: nothing of the grammar */
};

struct grub_token {
	enum grub_token_type type;
	size_t start, end; /* in the text */
	uint32_t line;
	struct grub_piece *pieces; /* of a word or keyword */
	const char *plain; /* the word as written, when it has neither quotes nor variables; else NULL */
};

/* The next token and the place behind it. */
int grub_lex(struct grub_text *t, struct grub_token *ret, struct pcrcast_error *e);
