/* CoRIM and CoMID as CBOR: what is read is written, must read again, and must then be written as the same bytes. */
#include "golden_again.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct golden_input in = { .name = "fuzz", .bytes = n ? (struct slice){ data, n } : SLICE_EMPTY };
	struct golden g;

	(void)golden_recognise(&in, NULL);
	if (golden_again_read(golden_format_by_name("corim"), &in, &g)) {
		(void)golden_again_write(&g, golden_format_by_name("comid-json"), in, NULL);
		(void)golden_again_write(&g, golden_format_by_name("corim"), in, NULL);
	}
	golden_done(&g);
	return 0;
}
