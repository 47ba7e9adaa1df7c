#include "uki/sections.h"

enum {
	DTB_MAX =
		4
		<< 20, /* bytes of a device tree or .hwids table read into memory; real ones are some 100 KiB */
};

bool uki_looks_like(const struct pe *pe, const struct sd_identity *id)
{
	return pe_section_find(pe, ".linux") && (id->kind == SD_STUB || pe_section_find(pe, ".osrel"));
}

/* Sections [from, to) of the table. */
struct part {
	size_t from, to;
};

/* The sections of no profile: those before the first .profile section. */
static struct part base_part(const struct pe *pe)
{
	size_t n = 0;

	while (n < pe->n_sections && strcmp(pe->sections[n].name, ".profile") != 0)
		n++;
	return (struct part){ 0, n };
}

/* The sections of a profile: from its .profile section to the next one. False when there is no such profile. */
static bool profile_part(const struct pe *pe, unsigned profile, struct part *ret)
{
	unsigned seen = 0;
	size_t from = 0;
	bool found = false;

	for (size_t i = 0; i < pe->n_sections; i++) {
		if (strcmp(pe->sections[i].name, ".profile") != 0)
			continue;
		if (found) {
			*ret = (struct part){ from, i };
			return true;
		}
		if (seen++ == profile) {
			found = true;
			from = i;
		}
	}
	if (found)
		*ret = (struct part){ from, pe->n_sections };
	return found;
}

static bool name_matches(enum section_match match, const char *name, const char *known)
{
	return match == MATCH_PREFIX_LAST ? strncmp(name, known, strlen(known)) == 0 :
					    strcmp(name, known) == 0;
}

static const struct pe_section *find_in(const struct pe *pe, struct part part, enum section_match match,
					const char *name)
{
	const struct pe_section *found = NULL;

	for (size_t i = part.from; i < part.to && !(found && match == MATCH_EXACT_FIRST); i++)
		if (name_matches(match, pe->sections[i].name, name))
			found = &pe->sections[i];
	return found;
}

const struct pe_section *uki_find_section(const struct pe *pe, enum section_match match, unsigned profile,
					  const char *name, bool *ret_exists)
{
	const struct pe_section *base, *own = NULL;
	struct part part = { 0, pe->n_sections };
	bool exists = false;

	if (match == MATCH_EXACT_FIRST) {
		base = find_in(pe, base_part(pe), match, name);
		exists = profile_part(pe, profile, &part);
		if (exists)
			own = find_in(pe, part, match, name);
	} else {
		base = find_in(pe, part, match, name);
	}
	*ret_exists = exists || profile == 0;
	return own ? own : base;
}

/* False when the stub passes over the section. Sets *unsure when that depends on the point release. */
static bool in_range(const struct pe *pe, const struct stub_rules *rules, const struct pe_section *s,
		     bool *unsure)
{
	if ((uint64_t)s->virt_off + s->virt_len <= pe->image_len || rules->sections_within_image == NO)
		return true;
	if (rules->sections_within_image == UNSURE)
		*unsure = true;
	return rules->sections_within_image != YES;
}

static int load_small(struct pool *pool, const struct pe *pe, const struct pe_section *s, struct slice *ret,
		      struct pcrcast_error *e)
{
	struct blob content;
	int r = pe_section_content(pool, pe, s, &content, e);

	if (r == 0)
		r = blob_load(pool, &content, DTB_MAX, ret, e);
	return r < 0 ? err_wrap(e, "section %.8s", s->name) : 0;
}

/*
 * What the machine asks of a .dtbauto (its first compatible string) or .efifw section (its id): from the firmware's
 * device tree, else from the .hwids section of this part of the table. known false: nothing fits.
 */
struct wanted {
	bool known;
	struct slice text; /* from pool, or the user's */
};

static int find_wanted(struct pool *pool, const struct uki *uki, struct part part, enum uki_section which,
		       const struct hardware *hw, struct wanted *ret, struct pcrcast_error *e)
{
	const struct pe *pe = &uki->pe;

	*ret = (struct wanted){ false, SLICE_EMPTY };
	if (which == UKI_DTBAUTO && hw->compatible) {
		/* A device tree from the firmware decides alone: .hwids is not looked at then. */
		*ret = (struct wanted){ true, slice_of_string(hw->compatible) };
		return 0;
	}
	for (size_t i = part.from; i < part.to; i++) {
		struct slice table;

		if (strcmp(pe->sections[i].name, ".hwids") != 0)
			continue;
		if (pe->sections[i].virt_len == 0)
			return 0;
		int r = load_small(pool, pe, &pe->sections[i], &table, e);
		if (r == 0)
			ret->known = hwids_lookup(
				table, which == UKI_DTBAUTO ? HWID_DEVICETREE : HWID_FIRMWARE,
				!(uki->rules->sections & UKI_BIT(UKI_EFIFW)), hw->ids, hw->n_ids, &ret->text);
		return r;
	}
	return 0;
}

static bool part_has(const struct pe *pe, struct part part, const char *name)
{
	for (size_t i = part.from; i < part.to; i++)
		if (strcmp(pe->sections[i].name, name) == 0)
			return true;
	return false;
}

/* Is this .dtbauto or .efifw section the one that is wanted? */
static int fits(const struct pe *pe, enum uki_section which, const struct pe_section *s,
		const struct wanted *wanted, bool *ret, struct pcrcast_error *e)
{
	struct pool scratch = POOL_INIT; /* a UKI may hold a device tree for each of hundreds of boards */
	struct slice content, own;
	int r = wanted->known ? load_small(&scratch, pe, s, &content, e) : 0;

	*ret = false;
	if (r == 0 && wanted->known) {
		bool sound =
			which == UKI_DTBAUTO ? devicetree_compatible(content, &own) : efifw_id(content, &own);

		*ret = sound && slice_equal(own, wanted->text);
	}
	pool_done(&scratch);
	return r;
}

/* Can the choice among sections of this name be made with what is known about the machine? */
static bool hardware_known(const struct pe *pe, struct part part, enum uki_section which,
			   const struct hardware *hw)
{
	bool has_table = part_has(pe, part, ".hwids");
	/* Firmware of PCs has no device tree to hand over. */
	bool pc = pe->machine == PE_MACHINE_X64 || pe->machine == PE_MACHINE_IA32;

	if (which == UKI_DTBAUTO) {
		if (hw->compatible)
			return true;
		if (!hw->compatible_known && !pc && (!hw->ids_known || hw->ids_of_table))
			return false;
	}
	return !has_table || hw->ids_known;
}

static int locate(struct pool *pool, struct part part, const struct hardware *hw, struct uki *uki,
		  struct pcrcast_error *e)
{
	const struct pe *pe = &uki->pe;

	for (enum uki_section known = 0; known < UKI_SECTIONS; known++) {
		bool by_hardware = known == UKI_DTBAUTO || known == UKI_EFIFW;
		struct wanted wanted;

		if (!(uki->rules->sections & UKI_BIT(known)))
			continue;
		if (by_hardware && part_has(pe, part, uki_section_names[known]) &&
		    !hardware_known(pe, part, known, hw)) {
			uki->unknown |= UKI_BIT(known);
			continue;
		}
		int r = by_hardware ? find_wanted(pool, uki, part, known, hw, &wanted, e) : 0;
		if (r < 0)
			return r;
		for (size_t i = part.from; i < part.to; i++) {
			const struct pe_section *s = &pe->sections[i];
			bool use = true;

			if (!name_matches(uki->rules->match, s->name, uki_section_names[known]) ||
			    !in_range(pe, uki->rules, s, &uki->unsure_range))
				continue;
			if (by_hardware)
				r = fits(pe, known, s, &wanted, &use, e);
			if (r < 0)
				return r;
			if (!use)
				continue;
			uki->sections[known] = (struct uki_content){ .set = s->virt_len != 0, .index = i };
			if (uki->rules->match == MATCH_EXACT_FIRST)
				break;
		}
	}
	return 0;
}

/* A section that relocation changes would be measured as it is afterwards, which depends on where it was loaded. */
static int check_relocations(struct pool *pool, const struct uki *uki, const struct pe_section *s,
			     struct pcrcast_error *e)
{
	bool relocated;
	int r = pe_relocated(pool, &uki->pe, s->virt_off, (uint64_t)s->virt_off + s->virt_len, &relocated, e);

	if (r == 0 && relocated)
		r = err_set(
			e, PCRCAST_EUNSUPPORTED, s->raw_off,
			"the base relocations change section %.8s: its bytes in memory depend on where it is loaded",
			s->name);
	return r;
}

static int load_contents(struct pool *pool, struct uki *uki, struct pcrcast_error *e)
{
	uint64_t zeros = 0;

	for (enum uki_section k = 0; k < UKI_SECTIONS; k++) {
		struct uki_content *c = &uki->sections[k];
		const struct pe_section *s = &uki->pe.sections[c->index];

		if (!c->set)
			continue;
		zeros += s->virt_len > s->raw_len ? s->virt_len - s->raw_len : 0;
		if (zeros > PE_MAX_ZERO_FILL)
			return err_set(e, PCRCAST_ELIMIT, s->raw_off,
				       "sections are filled up with more than %d zeros", PE_MAX_ZERO_FILL);
		int r = pe_section_content(pool, &uki->pe, s, &c->bytes, e);
		if (r == 0)
			r = check_relocations(pool, uki, s, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int uki_open(struct pool *pool, const struct pe *pe, const struct sd_identity *id, unsigned profile,
	     const struct hardware *hw, struct uki *ret, struct pcrcast_error *e)
{
	struct uki uki = { .pe = *pe, .stub = *id };
	struct part part;

	if (id->kind != SD_STUB)
		return err_set(
			e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			"no systemd-stub: expected the text \"#### LoaderInfo: systemd-stub VERSION ####\" in the image");
	if (id->version.major == 0)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "systemd-stub version \"%s\" does not begin with a number", id->text);
	uki.rules = stub_rules_for(id->version, &uki.newer_than_known);
	if (!uki.rules)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "systemd-stub %s is older than 252, the oldest version known here", id->text);

	bool profiles = uki.rules->sections & UKI_BIT(UKI_PROFILE);
	for (size_t i = 0; i < pe->n_sections; i++)
		uki.n_profiles += profiles && strcmp(pe->sections[i].name, ".profile") == 0;

	part = profiles ? base_part(pe) : (struct part){ 0, pe->n_sections };
	int r = locate(pool, part, hw, &uki, e);
	if (r < 0)
		return r;
	uki.has_profile = profiles && profile_part(pe, profile, &part);
	if (uki.has_profile)
		r = locate(pool, part, hw, &uki, e);
	if (r < 0)
		return r;
	if (!uki.has_profile && profile > 0)
		return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET, "no profile %u: the image has %u %s",
			       profile, uki.n_profiles ? uki.n_profiles : 1,
			       uki.n_profiles > 1 ? "profiles, counted from 0" : "profile, 0");
	uki.has_profile = true;

	if (!uki.sections[UKI_LINUX].set)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "no .linux section that systemd-stub %s would use", id->text);
	r = load_contents(pool, &uki, e);
	if (r < 0)
		return r;
	*ret = uki;
	return 0;
}

int uki_open_addon(struct pool *pool, const struct pe *pe, const struct stub_rules *rules,
		   const struct hardware *hw, struct uki *ret, struct pcrcast_error *e)
{
	struct uki uki = { .pe = *pe, .rules = rules };
	int r = locate(pool, (struct part){ 0, pe->n_sections }, hw, &uki, e);

	if (r == 0)
		r = load_contents(pool, &uki, e);
	if (r < 0)
		return r;
	*ret = uki;
	return 0;
}

int uki_load_text(struct pool *pool, const struct blob *content, struct slice *ret, struct pcrcast_error *e)
{
	struct blob head = *content;
	struct slice text;

	/* Zeros that only VirtualSize claims are no text. */
	while (head.n_pieces && !head.pieces[head.n_pieces - 1].source &&
	       !head.pieces[head.n_pieces - 1].bytes)
		head.len -= head.pieces[--head.n_pieces].len;
	int r = blob_load(pool, &head, UKI_TEXT_MAX, &text, e);
	if (r < 0)
		return r;
	const uint8_t *nul = memchr(text.p, 0, text.n);
	if (nul)
		text.n = (size_t)(nul - text.p);
	*ret = text;
	return 0;
}

int uki_text(struct pool *pool, const struct uki *uki, enum uki_section s, struct slice *ret,
	     struct pcrcast_error *e)
{
	struct slice text = SLICE_EMPTY;

	if (uki->sections[s].set) {
		int r = uki_load_text(pool, &uki->sections[s].bytes, &text, e);

		if (r < 0)
			return err_wrap(e, "section %s", uki_section_names[s]);
	}
	*ret = text;
	return 0;
}

const char *uki_section_place(struct pool *pool, const struct uki *uki, enum uki_section s)
{
	const struct pe_section *p = &uki->pe.sections[uki->sections[s].index];

	return pool_printf(pool, "section %s, file bytes %u to %llu", p->name, p->raw_off,
			   (unsigned long long)p->raw_off +
				   (p->raw_len < p->virt_len ? p->raw_len : p->virt_len));
}
