/* Dumps and lists of registers: the first byte chooses the format (or that it is recognised), the second banks and registers. */
#include "golden_again.h"
#include "tests/fuzz/fuzz.h"

/* A directory of one file: its name up to a line feed, then its bytes. */
static void directory(struct slice bytes)
{
	struct golden_input in = { .name = "fuzz", .bytes = SLICE_EMPTY };
	struct golden_file file;
	struct slice name;
	char text[32];

	if (!slice_line(&bytes, &name) || name.n >= sizeof text)
		return;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	file = (struct golden_file){ text, bytes };
	in.files = &file;
	in.n_files = 1;
	golden_again(golden_format_by_name("sysfs"), in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const formats[] = { "flag",           "pcrread",     "pcr-oracle", "tpm2-pcrs",
					       "tpm2-marshaled", "tpm2-values", "tpm2-yaml",  NULL };
	enum { N_FORMATS = sizeof formats / sizeof formats[0] };
	struct golden_input in = { .name = "fuzz" };

	if (n < 2)
		return 0;
	in.bytes = (struct slice){ data + 2, n - 2 };
	in.banks = data[1] & ((1u << ALG_COUNT) - 1);
	in.has_pcrs = true;
	in.pcrs = (uint32_t)data[1] << 4 | 1;
	if (data[0] % (N_FORMATS + 1) == N_FORMATS) {
		directory(in.bytes);
		return 0;
	}
	const char *name = formats[data[0] % (N_FORMATS + 1)];
	golden_again(name ? golden_format_by_name(name) : NULL, in);
	return 0;
}
