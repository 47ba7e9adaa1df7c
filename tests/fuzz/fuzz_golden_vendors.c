/*
 * Formats of other predictors and verifiers: the first byte chooses the format, the rest is the file. What is read is written in
 * the same format, must read again, and must then be written as the same bytes.
 */
#include "golden_again.h"
#include "tests/fuzz/fuzz.h"

static const char *const names[] = { "aws",  "pcrsys",     "compute-pcrs", "tdx",
				     "rvps", "comid-json", "corim",        NULL /* as it is recognised */ };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *name = n ? names[data[0] % (sizeof names / sizeof names[0])] : NULL;
	struct golden_input in = { .name = "fuzz",
				   .bytes = n > 1 ? (struct slice){ data + 1, n - 1 } : SLICE_EMPTY };
	struct golden g;

	if (golden_again_read(name ? golden_format_by_name(name) : NULL, &in, &g)) {
		const struct golden_format *f = golden_format_by_name(g.format);

		CHECK(golden_again_write(&g, golden_format_by_name("json"), in, NULL));
		if (f->write)
			(void)golden_again_write(&g, f, in, NULL);
	}
	golden_done(&g);
	return 0;
}
