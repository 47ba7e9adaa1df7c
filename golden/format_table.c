/*
 * The formats of reference values, in the order in which they are listed and recognised.
 */
#include "golden/format_rows.h"

#define ALL_BANKS ((1u << ALG_COUNT) - 1)
#define SHA256_ONLY (1u << ALG_SHA256)

// clang-format off
const struct golden_format golden_formats[] = {
	{ .name = "json", .purpose = "this program's own: sets, values, origins, events",
	  .holds = HOLDS_SETS | HOLDS_BANKS | HOLDS_VALUES | HOLDS_WARN_ONLY | HOLDS_LABELS | HOLDS_ORIGIN | HOLDS_EVENTS |
		   HOLDS_IDENTITY | HOLDS_CC | HOLDS_POLICIES | HOLDS_CLAIMS | NEEDS_NO_VALUES,
	  .banks = ALL_BANKS,
	  .recognise = json_recognise, .read = json_read_golden, .write = json_write_golden },
};
// clang-format on

const size_t n_golden_formats = sizeof golden_formats / sizeof golden_formats[0];
