/*
 * Where reference values come from: an image, which is predicted, an event log, or a file or directory in one of the formats.
 */
#pragma once

#include "cli/predict_variants.h"
#include "golden/format.h"

struct golden_source_options {
	const struct golden_format *from; /* NULL: recognise it */
	alg_set banks;                    /* 0: not given */
	alg_set usual;                    /* banks to predict when none is given; 0: SHA-256 */
	bool has_pcrs;
	uint32_t pcrs;       /* bit i: register i */
	uint32_t image_pcrs; /* registers to predict of an image when none are given; 0: the usual ones */
	struct predict_arguments predict;
	bool quiet;
};

/* Bytes of a file of reference values or of a log that are read at the most. */
enum { GOLDEN_FILE_MAX = 256 << 20 };

/*
 * Read path ("-": standard input, no image). Images are those that image_open takes; with
 * from pcrsig it is their section .pcrsig that is read. A register of an image that cannot be
 * known has no value, and is named on stderr; unless it was asked for (--pcr), which is PCRCAST_ENOTFOUND. ret is to be done with golden_done whatever is
 * returned.
 */
int golden_source_read(const char *path, const struct golden_source_options *opt, struct golden *ret,
		       struct pcrcast_error *e);

/* Does the file begin as an image does (EFI file, disk)? False when it cannot be read. */
bool golden_is_image(const char *path);

/* The bytes of a section of a UKI, that of the profile chosen; PCRCAST_ENOTFOUND when it has none. From pool. */
int golden_section_read(struct pool *pool, const char *path, const struct golden_source_options *opt,
			const char *section, struct slice *ret, struct pcrcast_error *e);

/*
 * Values of registers, one of each, in any form that golden_source_read takes but images. *ret_known is false, with 0 returned, when the
 * file is in no known form (values without names are in none).
 */
int golden_values_read(struct pool *pool, const char *path, struct pcr_values *ret, bool *ret_known,
		       struct pcrcast_error *e);

/*
 * Add the values of a prediction as a set: registers in pcrs that are known; PCR 11 behind each of the phases, before all
 * when there are none. The set's variant is the combination's label. p's log is taken.
 */
int golden_of_combination(struct prediction *p, const struct predict_combination *c, const char *image,
			  uint32_t pcrs, struct golden *ret, struct pcrcast_error *e);

/* Merge the combinations of one image into one set, if the format does not hold several: see golden_merge_sets(). */
int golden_fit_variants(struct golden *g, const struct golden_format *f, struct pcrcast_error *e);
