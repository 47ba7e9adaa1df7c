/*
 * The sections of a Unified Kernel Image that a given systemd-stub would use, for one profile and one machine.
 *
 * Sources: UAPI.5 Unified Kernel Image specification; systemd pe.c and stub.c (252.39, 254.26, 257.13, 262).
 */
#pragma once

#include "uki/hwids.h"
#include "uki/pe.h"
#include "uki/stub.h"

/* What is known about the machine, for .dtbauto and .efifw. */
struct hardware {
	bool ids_known; /* ids are the machine's hardware ids (CHIDs), best first; there may be none */
	const struct guid *ids;
	size_t n_ids;
	bool ids_of_table;     /* they come from SMBIOS, which says nothing of a device tree */
	bool compatible_known; /* the firmware hands over a device tree whose first compatible string is this */
	const char *compatible; /* NULL: the firmware is known to hand over none */
};

struct uki_content {
	bool set;          /* present, with at least one byte in memory */
	struct blob bytes; /* as in memory: VirtualSize bytes */
	size_t index;      /* in pe->sections */
};

struct uki {
	struct pe pe;
	struct sd_identity stub;
	const struct stub_rules *rules;
	bool newer_than_known; /* the stub is newer than the newest row */
	unsigned n_profiles;   /* .profile sections; 0 or 1: profile 0 only */
	bool has_profile;      /* the profile asked for exists, or is 0 */
	struct uki_content sections[UKI_SECTIONS];
	uint32_t unknown;  /* UKI_BIT of sections whose choice depends on hardware that is not known */
	bool unsure_range; /* a section lies beyond SizeOfImage and this version may pass over it */
};

/* True when the image is a UKI: systemd-stub's magic text and a .linux section, or .linux and .osrel. */
bool uki_looks_like(const struct pe *pe, const struct sd_identity *id);

/*
 * Choose the sections. A UKI of an unknown stub or one below 252 is PCRCAST_EUNSUPPORTED, one without
 * .linux is PCRCAST_EFORMAT, a profile that it does not have PCRCAST_ENOTFOUND.
 */
int uki_open(struct pool *pool, const struct pe *pe, const struct sd_identity *id, unsigned profile,
	     const struct hardware *hw, struct uki *ret, struct pcrcast_error *e);

/* The same for an addon that this UKI's stub has loaded: any section may be missing. */
int uki_open_addon(struct pool *pool, const struct pe *pe, const struct stub_rules *rules,
		   const struct hardware *hw, struct uki *ret, struct pcrcast_error *e);

/*
 * The section of this name for a profile: the profile's own, else the base one; as match says. *ret_exists: the
 * profile exists (0 does, with no .profile section at all too). NULL when there is no such section.
 */
const struct pe_section *uki_find_section(const struct pe *pe, enum section_match match, unsigned profile,
					  const char *name, bool *ret_exists);

/* Text sections are read into memory up to this size. */
enum { UKI_TEXT_MAX = 1 << 20 };

/* The bytes of a text up to its first NUL. */
int uki_load_text(struct pool *pool, const struct blob *content, struct slice *ret, struct pcrcast_error *e);

/* The bytes of a text section up to its first NUL; an empty slice when it is not set. */
int uki_text(struct pool *pool, const struct uki *uki, enum uki_section s, struct slice *ret,
	     struct pcrcast_error *e);

/* "section .linux": the name in front of an error about a section's bytes, with its place in the file. */
const char *uki_section_place(struct pool *pool, const struct uki *uki, enum uki_section s);
