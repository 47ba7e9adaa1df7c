/*
 * Variants of a boot: axes of which each has several values, and the combinations of these. A combination is one whole
 * boot, with the value of every register in it.
 */
#pragma once

#include "cli/predict_options.h"

/* As many as a file of reference values may have sets; each is a prediction of the whole image. */
enum { PREDICT_MAX_COMBINATIONS = 1024 };

struct predict_axis;

/* One combination. */
struct predict_combination {
	const char *label; /* "profile=1,secure-boot=on"; NULL: no axis was named, and this is all there is */
	char **values;     /* one for each axis */
	struct predict_arguments arguments;
};

/* Take --variant AXIS=VALUE,…: EXIT_TROUBLE after a message. */
int predict_add_variant(struct predict_arguments *a, const char *text);

/* After the last option: a->combinations, at least one. EXIT_TROUBLE after a message. */
int predict_combine(struct predict_arguments *a);

/* The name of an axis, as labels and JSON have it; for i below a->n_axes. */
const char *predict_axis_name(const struct predict_arguments *a, size_t i);

/* A combination says of the files of image what it says; predict() by its model, for these banks and registers. */
int predict_one_combination(const struct predict_arguments *a, const struct predict_combination *c,
			    const char *image, alg_set banks, uint32_t pcrs, struct prediction *ret,
			    struct pcrcast_error *e);

/*
 * To standard error, for each combination: what is not known (of the registers in pcrs), and, unless quiet, what is assumed
 * and noted; where it is not what was said of one before.
 */
void predict_print_all_remarks(const struct predict_arguments *a, const struct prediction *all, uint32_t pcrs,
			       bool quiet);
