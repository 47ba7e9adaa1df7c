/*
 * What the verbs share: options, messages, output.
 *
 * Results go to stdout, everything else to stderr. Exit status: 0 done or same, 1 compared and different,
 * 2 could not tell.
 */
#pragma once

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/json.h"
#include "base/pool.h"

enum {
	EXIT_DONE = 0,
	EXIT_DIFFERENT = 1,
	EXIT_TROUBLE = 2,
};

int cmd_predict(int argc, char **argv);
int cmd_eventlog(int argc, char **argv);
int cmd_uki(int argc, char **argv);
int cmd_golden(int argc, char **argv);

/* ---- messages ---- */

/* One line on stderr: "pcrcast: …", with the byte offset when the error has one. Returns EXIT_TROUBLE. */
int fail(const struct pcrcast_error *e);
/* The same for a file the error is about; it is named once, however often the message does. */
int fail_at(const char *file, const struct pcrcast_error *e);
/* A mistake in the command line: the message and a pointer to --help. Returns EXIT_TROUBLE. */
int usage_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Memory has given out: the message. Returns EXIT_TROUBLE. */
int out_of_memory(void);

/* Text from a file, safe for a terminal: control characters and bytes that are no UTF-8 are escaped. */
void put_text(FILE *out, const char *text);

/* Is the name of a file empty? Says so then. */
bool empty_name(const char *name);

/* ---- options ---- */

/* One row is an option, its help line and its code; help cannot drift from what is parsed. */
struct option_row {
	const char *name;     /* long option */
	char short_name;      /* or 0 */
	const char *argument; /* shown in help; NULL: takes none */
	int code;             /* for the option_taker; above 255 */
	const char *help;
};

/* Codes of options that several commands have. A command's own begin at OPT_OWN. */
enum {
	OPT_HELP = 256,
	OPT_BANK,
	OPT_PCR,
	OPT_OUTPUT,
	OPT_JSON,
	OPT_QUIET,
	OPT_COLOR,
	OPT_OWN = 300,
};

/* Their rows, where they are alike. ROW_END ends every table. */
// clang-format off
#define ROW_BANK { "bank", 0, "LIST|all", OPT_BANK, "hash banks: sha1,sha256,sha384,sha512 (default sha256)" }
#define ROW_OUTPUT { "output", 'o', "FILE", OPT_OUTPUT, "write there (default: standard output)" }
#define ROW_JSON { "json", 0, NULL, OPT_JSON, "print JSON" }
#define ROW_ONLY_ERRORS { "quiet", 'q', NULL, OPT_QUIET, "nothing on stderr but errors" }
#define ROW_NO_REMARKS { "quiet", 'q', NULL, OPT_QUIET, "no assumptions and notes on stderr" }
#define ROW_COLOR { "color", 0, "WHEN", OPT_COLOR, "auto (the default), always or never" }
#define ROW_HELP { "help", 'h', NULL, OPT_HELP, "this list" }
#define ROW_END { NULL, 0, NULL, 0, NULL }
// clang-format on

/* Take one option, whose value is optarg: 0, or EXIT_TROUBLE after a message. */
typedef int option_taker(void *arguments, int code);

/* All options of a command line; --help prints usage, purpose and the table. 0 to go on, else the exit status + 1. */
int take_options(int argc, char **argv, const struct option_row *rows, const char *usage, const char *purpose,
		 option_taker *take, void *arguments);

/* The values of --bank, of an option with registers ("4,9,11-13", bit i for PCR i) and of --color, as an option_taker. */
int take_banks(alg_set *ret);
int take_pcrs(const char *option, uint32_t *ret);
int take_color(void);

/* "sha256,sha384" or "all". */
bool parse_banks(const char *text, alg_set *ret);
bool parse_unsigned(const char *text, unsigned long most, unsigned long *ret);
/* Words with ':' between them, none of them empty; or ":", which systemd-measure takes for no phase at all. */
bool is_phase_path(const char *text);
/* An even number of hex digits; the bytes come from pool. */
bool parse_hex(struct pool *pool, const char *text, struct slice *ret);

/* ---- output ---- */

/* Flush stdout; EXIT_TROUBLE and a message when not everything was written, else status. */
int finish(int status);

/*
 * Write a file so that nobody ever sees half of it: beside its place, then renamed. What is no regular file
 * (a pipe, a device) is written directly. 0 or a negative code; after a failure of out_write: out_abort.
 */
struct out_file {
	int fd;
	const char *shown;                /* the path as given, for messages */
	char path[4096], temp[4096 + 16]; /* temp is empty when path is written directly */
};

int out_open(const char *path, struct out_file *ret, struct pcrcast_error *e);
int out_write(struct out_file *o, struct slice bytes, struct pcrcast_error *e);
int out_commit(struct out_file *o, struct pcrcast_error *e);
void out_abort(struct out_file *o);

/*
 * Refuse to write target, which option names, when that would change the image that is read ("-": standard input):
 * overwrite it under any name, or write into the directory that it is, or into the companions of an EFI file.
 */
int refuse_overwrite(const char *option, const char *target, const char *image, struct pcrcast_error *e);
int write_file(const char *path, struct slice bytes, struct pcrcast_error *e);

/* "auto", "always" or "never": whether registers stand out on a terminal. The default is auto. */
bool set_color(const char *when);

/* "sha256:4   HEX", with text behind it if there is any. */
void print_digest_line(enum alg alg, unsigned pcr, const uint8_t *digest, const char *after);
/* The same for a register that has a name: "sha384:rtmr1 HEX". */
void print_register_line(enum alg alg, const char *register_name, const uint8_t *digest, const char *after);
