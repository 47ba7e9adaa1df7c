/*
 * The options of golden's verbs.
 */
#pragma once

#include "cli/cmd_golden.h"

enum { GOLDEN_OPT_HELP = 900 }; /* the code of --help, which the verb handles itself */

extern const struct option_row golden_make_rows[];
extern const struct option_row golden_show_rows[];
extern const struct option_row golden_policy_rows[];
extern const struct option_row golden_diff_rows[];
extern const struct option_row golden_verify_rows[];
extern const struct option_row golden_sign_rows[];
extern const struct option_row golden_check_signature_rows[];
extern const struct option_row golden_formats_rows[];

/* Take one option, whose value is optarg. EXIT_TROUBLE after a message. */
int golden_take_option(struct golden_arguments *a, int code);
