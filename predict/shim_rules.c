/*
 * What differs between versions of shim. A new release means a new row, and a recorded boot that proves it.
 */
#include "predict/shim.h"

static const char *const one_file[] = { "revocations.efi", NULL };
static const char *const two_files[] = { "revocations_sbat.efi", "revocations_sku.efi", NULL };

#define ROW_15_5 .trusted = true, .options = SHIM_OPTIONS_15, .tries_default = true
#define ROW_15_6 \
	ROW_15_5, .trusted_inverse = true, .policy = true, .certificate_files = true, .sbat_by_protocol = true
#define ROW_15_8 \
	ROW_15_6, .can_stay = true, .sbat_last = true, .runtime_list = true, .level = LEVEL_FOLLOWS_SECURITY
/* A later initialiser of the same member would count, but compilers warn of it. */
#define ROW_16                                                                                            \
	.trusted = true, .options = SHIM_OPTIONS_16, .trusted_inverse = true, .policy = true,             \
	.tries_default = true, .certificate_files = true, .sbat_by_protocol = true, .runtime_list = true, \
	.level = LEVEL_FOLLOWS_SECURITY, .options_file = true, .revocation_files = two_files,             \
	.load_image = true, .sbat_last = true

/*
 * Under the number 15 distributors shipped builds between the tags 15 (2018) and 15.2, each with patches of its own: logs of
 * Debian 10, Ubuntu 18.04 and RHEL 8 differ. The tags 15.1 and 15.2 were shipped by none that is known. 15.3 has its variable SBAT
 * under another name and with another text; 15.4 came a week later.
 */
static const struct shim_rules rules[] = {
	{ 15, 0, .patched = true, .state_unsure = true, .first_signature = true, .measures_first = true },
	{ 15, 3, .unknown = true },
	{ 15, 4, .state_unsure = true, .measures_first = true, .level = LEVEL_ORIGINAL,
	  .options = SHIM_OPTIONS_UNREAD },
	{ 15, 5, ROW_15_5, .measures_first = true, .level = LEVEL_ORIGINAL, .zeros_whole = true,
	  .trusted_pcr7 = true },
	{ 15, 6, ROW_15_6, .level = LEVEL_OF_CODE, .zeros_whole = true, .trusted_pcr7 = true },
	{ 15, 7, ROW_15_6, .level = LEVEL_OF_SECTION, .runtime_list = true },
	{ 15, 8, ROW_15_8, .revocation_files = one_file },
	{ 16, 0, ROW_16 },
	{ 16, 1, ROW_16, .knows_sections = true },
};

const struct shim_rules *shim_rules_for(unsigned major, unsigned minor, bool *ret_newer)
{
	const size_t n = sizeof rules / sizeof rules[0];
	const struct shim_rules *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (major > rules[i].major || (major == rules[i].major && minor >= rules[i].minor))
			best = &rules[i];
	*ret_newer =
		major > rules[n - 1].major || (major == rules[n - 1].major && minor > rules[n - 1].minor);
	return best && best->unknown ? NULL : best;
}
