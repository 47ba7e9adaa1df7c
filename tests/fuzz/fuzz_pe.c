/*
 * A PE image as everything that one may be: its Authenticode bytes, its signatures, a UKI of every version of
 * systemd-stub with several profiles and machines, an addon. What hides in sections is also tried bare: the
 * bytes as a .hwids table, as a device tree and as a firmware blob.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/hash_jobs.h"
#include "tests/fuzz/fuzz.h"
#include "uki/authenticode.h"
#include "uki/measure.h"
#include "uki/sections.h"
#include "uki/signature.h"

/* Zeros that a small file claims cost time and show nothing new. */
enum { MEMORY_MAX = 1 << 20 };

/* assert() for every build mode. */
static void inside(struct slice outer, struct slice inner)
{
	CHECK(inner.p >= outer.p && inner.n <= outer.n && inner.p + inner.n <= outer.p + outer.n);
}

/* The ids of two entries of a .hwids table, so that something is found in it. */
static void ids_of_table(struct slice table, struct guid ids[static 2])
{
	if (table.n >= 48) {
		memcpy(ids[0].bytes, table.p + 32, 16);
		memcpy(ids[1].bytes, table.p + 4, 16);
	}
}

static void bare(struct slice s)
{
	struct guid ids[2] = { 0 };
	struct slice found;

	ids_of_table(s, ids);
	for (enum hwid_type type = HWID_DEVICETREE; type <= HWID_FIRMWARE; type++)
		for (int only = 0; only < 2; only++)
			if (hwids_lookup(s, type, only, ids, 2, &found))
				inside(s, found);
	if (devicetree_compatible(s, &found))
		inside(s, found);
	if (efifw_id(s, &found))
		inside(s, found);
}

/* All bytes can be read. */
static void readable(struct pool *pool, const struct blob *b)
{
	struct slice s;

	CHECK(b->len > MEMORY_MAX || blob_load(pool, b, MEMORY_MAX, &s, NULL) == 0);
}

static void authenticode(struct pool *pool, const struct pe *pe)
{
	struct blob plain, padded;
	bool differs;

	if (authenticode_bytes(pool, pe, &plain, NULL) == 0) {
		CHECK(plain.len <= (AUTHENTICODE_MAX_FACTOR + 1) * pe->image.len);
		readable(pool, &plain);
		CHECK(authenticode_bytes_padded(pool, pe, &differs, &padded, NULL) == 0);
		CHECK(blob_is_prefix(&plain, &padded));
		CHECK(padded.len - plain.len == (differs ? 8 - pe->image.len % 8 : 0));
	} else {
		CHECK(authenticode_bytes_padded(pool, pe, &differs, &padded, NULL) < 0);
	}
}

static void signatures(struct pool *pool, const struct pe *pe)
{
	struct signature_list list;
	bool *good;

	if (signatures_read(pool, pe, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.n; i++) {
		const struct signature *s = &list.items[i];
		struct signing_time t = { 0 };

		/* Nobody vouches for the stamp here: this is what is read of it before that. */
		if (signature_time(s, s->signer, &t) == TIMESTAMP_GOOD)
			CHECK(t.year >= 1900 && t.month - 1 < 12 && t.day - 1 < 31 && t.hour < 24);
		CHECK(s->trouble ? s->alg == ALG_COUNT && !s->sound && !s->subject :
				   s->alg < ALG_COUNT && s->subject && s->issuer);
		for (const char *p = s->trouble ? s->trouble : s->subject; *p; p++)
			CHECK(*p >= 0x20 && *p < 0x7f);
	}
	struct hash_jobs *jobs = hash_jobs_new();
	if (jobs && signatures_check(pool, pe, &list, jobs, &good, NULL) == 0)
		for (size_t i = 0; i < list.n; i++)
			CHECK(!good[i] || list.items[i].sound);
	hash_jobs_free(jobs);
}

static void chosen(struct pool *pool, const struct uki *uki)
{
	for (enum uki_section k = 0; k < UKI_SECTIONS; k++) {
		const struct uki_content *c = &uki->sections[k];
		struct slice text;

		if (c->set) {
			CHECK(uki->rules->sections & UKI_BIT(k));
			CHECK(c->index < uki->pe.n_sections);
			const struct pe_section *s = &uki->pe.sections[c->index];
			CHECK(c->bytes.len == s->virt_len && c->bytes.len > 0);
			CHECK(strncmp(s->name, uki_section_names[k], strlen(uki_section_names[k])) == 0);
			CHECK(uki_section_place(pool, uki, k));
			readable(pool, &c->bytes);
		}
		if (uki_text(pool, uki, k, &text, NULL) == 0)
			CHECK(!memchr(text.p, 0, text.n));
	}
}

static void ukis(const struct pe *pe, const struct sd_identity *id, const struct hardware *hw, bool hash)
{
	static const unsigned profiles[] = { 0, 1, 2, UINT32_MAX };
	struct pcr_bank banks[ALG_COUNT];
	struct pcrcast_error e;

	for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
		struct pool pool = POOL_INIT;
		struct uki uki;

		if (uki_open(&pool, pe, id, profiles[i], hw, &uki, &e) == 0) {
			CHECK(uki.sections[UKI_LINUX].set);
			CHECK(profiles[i] == 0 || profiles[i] < uki.n_profiles);
			chosen(&pool, &uki);
			if (hash && uki_measure(&uki, 1u << ALG_SHA256, banks, &e) == 0)
				CHECK(banks[ALG_SHA256].count[11] >= 2 && !uki.unknown && !uki.unsure_range);
			if (uki_open_addon(&pool, pe, uki.rules, hw, &uki, &e) == 0)
				chosen(&pool, &uki);
		}
		pool_done(&pool);
	}
}

static void every_version(struct pool *pool, const struct pe *pe)
{
	static const struct sd_version versions[] = {
		{ 251, 0 },  { 252, 39 }, { 254, 7 }, { 255, 0 }, { 256, 0 },
		{ 257, 13 }, { 258, 0 },  { 261, 0 }, { 262, 0 }, { 300, 0 },
	};
	const struct pe_section *table = pe_section_find(pe, ".hwids");
	struct guid ids[2] = { 0 };
	struct slice bytes;
	struct blob b;

	if (table && pe_section_content(pool, pe, table, &b, NULL) == 0 &&
	    blob_load(pool, &b, MEMORY_MAX, &bytes, NULL) == 0)
		ids_of_table(bytes, ids);
	const struct hardware machines[] = {
		{ .ids_known = false },
		{ .ids_known = true, .ids = ids, .n_ids = 2 },
		{ .compatible_known = true, .compatible = "acme,one" },
	};
	for (size_t v = 0; v < sizeof versions / sizeof versions[0]; v++)
		for (size_t m = 0; m < sizeof machines / sizeof machines[0]; m++)
			ukis(pe, &(struct sd_identity){ SD_STUB, versions[v], "as if" }, &machines[m],
			     m == 1 && versions[v].major == 262);
}

static void laid_out(struct pool *pool, const struct pe *pe)
{
	const char *why = "";
	bool changed;

	CHECK((pe_fate_under_edk2(pool, pe, &why) == PE_LOADS) == (why == NULL));
	if (pe_relocated(pool, pe, 0, UINT64_MAX, &changed, NULL) == 0)
		CHECK(!changed || pe->reloc_len);
}

/* What a boot loader asks for. */
static void found_by_name(const struct pe *pe)
{
	static const unsigned profiles[] = { 0, 1, UINT32_MAX };

	for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++)
		for (enum section_match match = MATCH_PREFIX_LAST; match <= MATCH_EXACT_FIRST; match++) {
			bool exists;
			const struct pe_section *s =
				uki_find_section(pe, match, profiles[i], ".cmdline", &exists);

			CHECK(!s || (s >= pe->sections && s < pe->sections + pe->n_sections));
			CHECK(!s || strncmp(s->name, ".cmdline", match == MATCH_EXACT_FIRST ? 9 : 8) == 0);
			CHECK(exists || profiles[i] > 0);
		}
}

/* A boot menu reads sections of files that firmware would refuse. */
static void menu(struct pool *pool, const struct pe *pe)
{
	const size_t n = pe->n_sections < 16 ? pe->n_sections : 16;
	struct blob content;

	found_by_name(pe);
	for (size_t i = 0; i < n; i++)
		if (pe_section_content(pool, pe, &pe->sections[i], &content, NULL) == 0) {
			CHECK(content.len == pe->sections[i].virt_len);
			readable(pool, &content);
		}
}

static void image(struct pool *pool, const struct blob *b)
{
	struct pcrcast_error e;
	struct sd_identity id;
	uint64_t memory = 0;
	struct pe pe;

	if (pe_parse(pool, b, &pe, &e) < 0) {
		if (pe_parse_headers(pool, b, &pe, &e) == 0)
			menu(pool, &pe);
		return;
	}
	(void)pe_machine_name(pe.machine);
	for (size_t i = 0; i < pe.n_sections; i++) {
		const struct pe_section *s = &pe.sections[i];
		struct blob content;

		CHECK(s->raw_len == 0 || (s->raw_off <= b->len && s->raw_len <= b->len - s->raw_off));
		CHECK(pe_section_find(&pe, s->name) <= s);
		if (pe_section_content(pool, &pe, s, &content, &e) == 0)
			CHECK(content.len == s->virt_len);
		memory += s->virt_len;
	}
	authenticode(pool, &pe);
	signatures(pool, &pe);
	CHECK(sd_identify(pool, &pe, &id, &e) == 0);
	CHECK((id.kind == SD_NONE) == (id.text == NULL));
	(void)uki_looks_like(&pe, &id);
	laid_out(pool, &pe);
	found_by_name(&pe);
	if (memory > MEMORY_MAX)
		return;
	ukis(&pe, &id, &(struct hardware){ .ids_known = false }, true);
	every_version(pool, &pe);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice bytes = n ? (struct slice){ data, n } : SLICE_EMPTY;
	struct pool pool = POOL_INIT;
	struct blob b;

	bare(bytes);
	if (blob_of_bytes(&pool, bytes, &b, NULL) == 0)
		image(&pool, &b);
	pool_done(&pool);
	return 0;
}
