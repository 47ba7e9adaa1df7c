/*
 * What differs between versions of systemd-boot.
 *
 * Read in src/boot/efi/boot.c of systemd 252.39, 253, 254.26, 255.13 and 256.0 and src/boot/boot.c of 257.13 and
 * 262; what is said of 258 to 261 comes from the NEWS of 262 and the pull requests it names.
 */
#include "predict/sdboot.h"

#define ROW_252 .match = MATCH_PREFIX_LAST
#define ROW_255 ROW_252, .measures_config = true, .mangle = MANGLE_BOTH_UNDEF
#define ROW_257                                                                                       \
	.match = MATCH_EXACT_FIRST, .mangle = MANGLE_BOTH, .measures_config = true, .profiles = true, \
	.single_quotes = true, .auto_prefix_folded = true, .smbios_line = true
#define ROW_258 ROW_257, .one_loader_key = true, .uki_key = true, .smbios_entries = true

static const struct sdboot_rules rules[] = {
	{ .from = { 252, 0 },
	  ROW_252,
	  .mangle = MANGLE_TRAILING,
	  .passes_uki_line = true,
	  .ids_certain = YES },
	{ .from = { 255, 0 }, ROW_255, .ids_certain = YES },
	{ .from = { 256, 0 }, ROW_255, .smbios_line = true, .smbios_line_null = true, .ids_certain = YES },
	{ .from = { 257, 0 }, ROW_257, .initrds = INITRDS_PADDED, .ids_certain = YES },
	{ .from = { 257, 8 }, ROW_257, .initrds = INITRDS_PADDED, .ids_certain = UNSURE },
	{ .from = { 257, 13 },
	  ROW_257,
	  .initrds = INITRDS_PADDED,
	  .ids = ID_STRIPPED_CASED,
	  .ids_certain = YES },
	{ .from = { 258, 0 },
	  ROW_258,
	  .empty_values = UNSURE,
	  .initrds = INITRDS_PADDED,
	  .ids_certain = UNSURE },
	{ .from = { 258, 3 },
	  ROW_258,
	  .empty_values = UNSURE,
	  .initrds = INITRDS_PADDED,
	  .ids = ID_STRIPPED_CASED,
	  .ids_certain = UNSURE },
	{ .from = { 259, 0 },
	  ROW_258,
	  .empty_values = UNSURE,
	  .initrds = INITRDS_PADDED,
	  .ids = ID_STRIPPED_CASED,
	  .ids_certain = UNSURE,
	  .profile_key = true },
	{ .from = { 260, 0 },
	  ROW_258,
	  .empty_values = UNSURE,
	  .initrds = INITRDS_PADDED,
	  .ids = ID_STRIPPED_CASED,
	  .ids_certain = UNSURE,
	  .profile_key = true,
	  .preferred = true },
	{ .from = { 261, 0 },
	  ROW_258,
	  .empty_values = UNSURE,
	  .initrds = INITRDS_PADDED_FILLED,
	  .ids = ID_STRIPPED,
	  .ids_certain = UNSURE,
	  .profile_key = true,
	  .preferred = true,
	  .first_profile_only = true,
	  .extra_key = true,
	  .smbios_to_pcr1 = true },
	{ .from = { 262, 0 },
	  ROW_258,
	  .initrds = INITRDS_PADDED_FILLED,
	  .ids = ID_STRIPPED,
	  .ids_certain = YES,
	  .profile_key = true,
	  .preferred = true,
	  .first_profile_only = true,
	  .extra_key = true,
	  .smbios_to_pcr1 = true,
	  .profile_before_id = true,
	  .empty_values = YES },
};

enum { NEWEST = 262 };

const struct sdboot_rules *sdboot_rules_for(struct sd_version v, bool *ret_newer)
{
	const struct sdboot_rules *best = NULL;

	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		const struct sd_version *from = &rules[i].from;

		if (v.major > from->major || (v.major == from->major && v.minor >= from->minor))
			best = &rules[i];
	}
	*ret_newer = v.major > NEWEST;
	return best;
}
