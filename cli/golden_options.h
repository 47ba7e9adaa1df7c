/*
 * The options of golden's verbs.
 */
#pragma once

#include "cli/cmd_golden.h"

extern const struct option_row golden_make_rows[];
extern const struct option_row golden_show_rows[];
extern const struct option_row golden_policy_rows[];
extern const struct option_row golden_diff_rows[];
extern const struct option_row golden_verify_rows[];
extern const struct option_row golden_sign_rows[];
extern const struct option_row golden_check_signature_rows[];
extern const struct option_row golden_formats_rows[];

/* The option_taker of struct golden_arguments. */
int golden_take_option(void *arguments, int code);
