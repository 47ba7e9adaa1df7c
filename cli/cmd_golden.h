/*
 * The verb golden: what its parts share.
 */
#pragma once

#include "cli/cli.h"
#include "cli/golden_source.h"
#include "golden/format.h"

/* Files of golden verify; NULL or none: not given. */
struct golden_verify_options {
	const char *quote, *signature, *key, *pcrs, *log, *ima_log, *want, *ak_cert, *ek_cert;
	bool has_nonce;
	struct slice nonce;
	struct text_list anchors, intermediates;
	int64_t at; /* seconds since 1970; 0: now */
	uint32_t require;
};

/* What golden sign and check-signature take besides the key and signature of golden verify. */
struct golden_sign_options {
	bool digest_only;
	const char *passphrase_file; /* NULL: the terminal is asked */
};

struct golden_arguments {
	struct pool pool;
	struct golden_source_options source; /* --from, --bank, --pcr, and how an image boots */
	struct golden_selection selection;   /* --set, --label, --bank, --pcr */
	const struct golden_format *as;      /* --as; NULL: not given */
	const struct golden_preset *preset;  /* --preset; NULL: none */
	struct golden_identity identity;     /* --identity KEY=VALUE */
	bool has_warn_only;
	uint32_t warn_only; /* --warn-only; bit i: register i */
	const char *output; /* --output; NULL: standard output */
	bool json, quiet;
	enum alg session;           /* --hash: of the policy session */
	bool alternatives, pcrlock; /* --or, --pcrlock */
	bool steps;                 /* --steps */
	struct slice authorize;     /* --authorize: the Name of a key; empty: not given */
	struct slice policy_ref;    /* --policy-ref */
	struct slice authorize_nv;  /* --authorize-nv: the Name of an NV index; empty: not given */
	struct golden_verify_options verify;
	struct golden_sign_options sign;
	const char **files; /* the arguments that are no options */
	size_t n_files;
};

/* The verbs. They return an exit status. */
int golden_run_make(struct golden_arguments *a);
int golden_run_show(struct golden_arguments *a);
int golden_run_policy(struct golden_arguments *a);
int golden_run_compare(struct golden_arguments *a);
int golden_run_verify(struct golden_arguments *a);
int golden_run_sign(struct golden_arguments *a);
int golden_run_check_signature(struct golden_arguments *a);

/* Add a text to a list; EXIT_TROUBLE after a message. */
int golden_push(struct golden_arguments *a, struct text_list *l, const char *item);

/* Notes of reading, and what a format could not hold, on stderr unless --quiet. */
void golden_print_notes(const struct golden_arguments *a, const char *const *notes, size_t n,
			const char *kind);

/* A note when --phase was given, which chooses nothing in a file. */
void golden_note_phases(const struct golden_arguments *a, const struct golden *g, const char *file);

/* Write bytes to --output or standard output; binary to a terminal is refused. EXIT_TROUBLE after a message. */
int golden_put(const struct golden_arguments *a, const struct golden_format *f, struct slice bytes);
