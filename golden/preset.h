/*
 * Presets: which registers a platform's verifier looks at, which of them it enforces, and which values are the same for
 * every image. Tables of data, each row with its source.
 */
#pragma once

#include "golden/golden.h"

struct preset_row {
	uint32_t index;
	bool warn_only;
	bool offline;      /* the value follows from the image: a prediction supplies it */
	bool fallback;     /* value counts only when the source has none */
	const char *value; /* hex; NULL: the source has to supply it */
	const char *source;
};

enum { PRESET_PARTS = 3 };

struct golden_preset {
	const char *name; /* "aws-sev-snp", or a cloud's: "aws" */
	const char *purpose;
	const char *csp;
	const char *variant; /* NULL: the source's, or none */
	bool cc;             /* registers are CC measurement registers */
	/* Rows of a later part win over those of an earlier one; NULL: no further part. */
	struct preset_part {
		const struct preset_row *rows;
		size_t n;
	} parts[PRESET_PARTS];
};

/* For help, in the order in which they are listed. */
extern const struct golden_preset golden_presets[];
extern const size_t n_golden_presets;

/* NULL when there is none of that name. */
const struct golden_preset *golden_preset_by_name(const char *name);

/* The registers that the source has to supply: bit i is register i. */
uint32_t golden_preset_registers(const struct golden_preset *p);

/*
 * Apply a preset to every set: registers it does not look at and other banks are left out with a note, constants are put
 * in (origin GOLDEN_CONSTANT, a note when another value stood there), warn_only, csp and variant are set. A cloud's preset
 * becomes that of the set's variant when the set has one. PCRCAST_ENOTFOUND names a register that is needed and
 * missing; PCRCAST_EINVAL: no such preset, or the set is of another kind. g is half changed on failure.
 */
int golden_apply_preset(struct golden *g, const char *name, struct pcrcast_error *e);
