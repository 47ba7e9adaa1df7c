/*
 * Reading files of register values. The files are those of tpm2-tools 5.4 (lib/pcr.c) and, for "marshaled", 5.8.
 */
#include "golden/pcr_file_layout.h"

#include <inttypes.h>

#include "base/reader.h"

/* Values are handed over one after the other; this says whose turn it is. */
struct filler {
	const struct pcr_selection *selection;
	size_t bank;
	uint32_t left; /* registers of that bank still to come */
	size_t taken;
	struct pcr_values values;
};

static void filler_init(struct filler *f, const struct pcr_selection *s)
{
	memset(f, 0, sizeof *f);
	f->selection = s;
	f->left = s->n ? s->banks[0].pcrs : 0;
}

/* The register that is next; false when all have had theirs. */
static bool filler_next(struct filler *f, enum alg *alg, uint32_t *pcr)
{
	while (!f->left) {
		if (f->bank + 1 >= f->selection->n)
			return false;
		f->left = f->selection->banks[++f->bank].pcrs;
	}
	*alg = f->selection->banks[f->bank].alg;
	*pcr = (uint32_t)__builtin_ctz(f->left);
	return true;
}

static int filler_take(struct filler *f, struct slice value, uint64_t at, struct pcrcast_error *e)
{
	enum alg alg;
	uint32_t pcr;

	if (!filler_next(f, &alg, &pcr))
		return err_set(e, PCRCAST_EFORMAT, at, "more digests than the %zu registers selected",
			       selection_count(f->selection));
	if (value.n != algs[alg].len)
		return err_set(e, PCRCAST_EFORMAT, at,
			       "%s:%" PRIu32 ": expected a digest of %u bytes, found %zu", algs[alg].name,
			       pcr, algs[alg].len, value.n);
	uint8_t *place = f->values.value[alg][pcr];
	uint32_t bit = UINT32_C(1) << pcr;
	if (f->values.known[alg] & bit && memcmp(place, value.p, value.n) != 0)
		return err_set(e, PCRCAST_EFORMAT, at, "%s:%" PRIu32 " selected twice, with two values",
			       algs[alg].name, pcr);
	memcpy(place, value.p, value.n);
	f->values.known[alg] |= bit;
	f->left &= ~bit;
	f->taken++;
	return 0;
}

static int filler_finish(const struct filler *f, const struct reader *r, struct pcr_values *ret,
			 struct pcrcast_error *e)
{
	size_t selected = selection_count(f->selection);

	if (f->taken < selected)
		return err_set(e, PCRCAST_EFORMAT, r->pos, "%zu digests for %zu selected registers", f->taken,
			       selected);
	if (reader_left(r))
		return err_set(e, PCRCAST_EFORMAT, r->pos, "%zu bytes behind the last digest",
			       reader_left(r));
	*ret = f->values;
	return 0;
}

/* The registers of a bit field, bit n % 8 of byte n / 8 being PCR n. */
static int take_bank(struct pcr_selection *s, uint16_t tpm_id, struct slice bits, uint64_t at,
		     struct pcrcast_error *e)
{
	uint32_t pcrs = 0;
	enum alg alg = alg_by_tpm_id(tpm_id);

	for (size_t i = 0; i < bits.n; i++)
		pcrs |= (uint32_t)bits.p[i] << (8 * i);
	if (pcrs >> PCR_COUNT)
		return err_set(e, PCRCAST_EUNSUPPORTED, at, "bank %zu: a register above PCR %d is selected",
			       s->n, PCR_COUNT - 1);
	if (alg == ALG_COUNT && pcrs)
		return err_set(e, PCRCAST_EUNSUPPORTED, at,
			       "registers of bank 0x%04x are selected, which this program does not compute",
			       tpm_id);
	s->banks[s->n].tpm_id = tpm_id;
	s->banks[s->n].alg = alg;
	s->banks[s->n++].pcrs = pcrs;
	return 0;
}

static int check_banks(uint32_t count, uint64_t at, struct pcrcast_error *e)
{
	if (count < 1 || count > PCR_FILE_MAX_BANKS)
		return err_set(e, PCRCAST_EFORMAT, at, "a selection of %" PRIu32 " banks, expected 1 to %d",
			       count, PCR_FILE_MAX_BANKS);
	return 0;
}

static int check_select(uint8_t size, size_t bank, uint64_t at, struct pcrcast_error *e)
{
	if (size > PCR_FILE_MAX_SELECT)
		return err_set(e, PCRCAST_EFORMAT, at,
			       "bank %zu: a bit field of %u bytes, expected at most %d", bank, size,
			       PCR_FILE_MAX_SELECT);
	return 0;
}

static int cut_short(const struct reader *r, const char *what, struct pcrcast_error *e)
{
	return err_set(e, PCRCAST_ETRUNC, r->pos, "%s cut short", what);
}

/* TPML_PCR_SELECTION in memory: all sixteen slots are there, the first count are in use. */
static int read_selection_struct(struct reader *r, struct pcr_selection *ret, struct pcrcast_error *e)
{
	struct pcr_selection s = { 0 };
	uint32_t count = reader_u32le(r);
	struct slice slots = reader_take(r, (uint64_t)SELECTION_SLOT * PCR_FILE_MAX_BANKS);

	if (r->failed)
		return cut_short(r, "the selection (132 bytes)", e);
	int rc = check_banks(count, 0, e);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct reader slot = { .base = slots.p + i * SELECTION_SLOT, .end = SELECTION_SLOT };
		uint64_t at = sizeof count + i * SELECTION_SLOT;
		uint16_t id = reader_u16le(&slot);
		uint8_t size = reader_u8(&slot);

		rc = check_select(size, i, at + 2, e);
		if (rc == 0)
			rc = take_bank(&s, id, reader_take(&slot, size), at, e);
	}
	if (rc == 0)
		*ret = s;
	return rc;
}

/* TPML_DIGEST in memory: all eight slots are there, the first count are in use. */
static int read_list_struct(struct reader *r, struct filler *f, struct pcrcast_error *e)
{
	uint64_t at = r->pos;
	uint32_t count = reader_u32le(r);
	struct slice slots = reader_take(r, (uint64_t)DIGEST_SLOT * DIGESTS_PER_LIST);
	int rc = 0;

	if (r->failed)
		return cut_short(r, "a list of digests (532 bytes)", e);
	if (count > DIGESTS_PER_LIST)
		return err_set(e, PCRCAST_EFORMAT, at, "a list of %" PRIu32 " digests, expected at most %d",
			       count, DIGESTS_PER_LIST);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct reader slot = { .base = slots.p + i * DIGEST_SLOT, .end = DIGEST_SLOT };
		uint64_t slot_at = at + sizeof count + i * DIGEST_SLOT;
		struct slice value = reader_take(&slot, reader_u16le(&slot));

		if (slot.failed)
			return err_set(e, PCRCAST_EFORMAT, slot_at, "a digest longer than %d bytes",
				       DIGEST_MAX);
		rc = filler_take(f, value, slot_at, e);
	}
	return rc;
}

/* The wire form of the same. */
static int read_selection_wire(struct reader *r, struct pcr_selection *ret, struct pcrcast_error *e)
{
	struct pcr_selection s = { 0 };
	uint32_t count = reader_u32be(r);

	if (r->failed)
		return cut_short(r, "the selection", e);
	int rc = check_banks(count, 0, e);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		uint64_t at = r->pos;
		uint16_t id = reader_u16be(r);
		uint8_t size = reader_u8(r);

		rc = check_select(size, i, at + 2, e);
		if (rc < 0)
			return rc;
		struct slice bits = reader_take(r, size);
		if (r->failed)
			return cut_short(r, "the selection", e);
		rc = take_bank(&s, id, bits, at, e);
	}
	if (rc == 0)
		*ret = s;
	return rc;
}

static int read_list_wire(struct reader *r, struct filler *f, struct pcrcast_error *e)
{
	uint64_t at = r->pos;
	uint32_t count = reader_u32be(r);
	int rc = 0;

	if (r->failed)
		return cut_short(r, "a list of digests", e);
	if (count > DIGESTS_PER_LIST)
		return err_set(e, PCRCAST_EFORMAT, at, "a list of %" PRIu32 " digests, expected at most %d",
			       count, DIGESTS_PER_LIST);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		uint64_t digest_at = r->pos;
		struct slice value = reader_take(r, reader_u16be(r));

		if (r->failed)
			return cut_short(r, "a digest", e);
		rc = filler_take(f, value, digest_at, e);
	}
	return rc;
}

/* How the two forms differ. */
struct form {
	int (*selection)(struct reader *r, struct pcr_selection *ret, struct pcrcast_error *e);
	uint32_t (*count)(struct reader *r);
	int (*list)(struct reader *r, struct filler *f, struct pcrcast_error *e);
};

static int read_form(struct slice bytes, const struct form *form, struct pcr_selection *ret_selection,
		     struct pcr_values *ret, struct pcrcast_error *e)
{
	struct reader r = reader_over(bytes);
	struct pcr_selection s;
	struct filler f;

	int rc = form->selection(&r, &s, e);
	if (rc < 0)
		return rc;
	uint64_t at = r.pos;
	uint32_t n_lists = form->count(&r);
	if (r.failed)
		return cut_short(&r, "the number of lists", e);
	/* A list may be empty, but a TPM that gives none of what is left to read ends the reading. */
	if (n_lists > selection_count(&s))
		return err_set(e, PCRCAST_EFORMAT, at,
			       "%" PRIu32 " lists of digests for %zu selected registers", n_lists,
			       selection_count(&s));
	filler_init(&f, &s);
	for (uint32_t i = 0; rc == 0 && i < n_lists; i++)
		rc = form->list(&r, &f, e);
	if (rc == 0)
		rc = filler_finish(&f, &r, ret, e);
	if (rc == 0 && ret_selection)
		*ret_selection = s;
	return rc;
}

int pcr_file_read_serialized(struct slice bytes, struct pcr_selection *ret_selection, struct pcr_values *ret,
			     struct pcrcast_error *e)
{
	static const struct form form = { read_selection_struct, reader_u32le, read_list_struct };

	return read_form(bytes, &form, ret_selection, ret, e);
}

int pcr_file_read_marshaled(struct slice bytes, struct pcr_selection *ret_selection, struct pcr_values *ret,
			    struct pcrcast_error *e)
{
	static const struct form form = { read_selection_wire, reader_u32be, read_list_wire };

	return read_form(bytes, &form, ret_selection, ret, e);
}

int pcr_file_read_values(struct slice bytes, const struct pcr_selection *selection, struct pcr_values *ret,
			 struct pcrcast_error *e)
{
	struct reader r = reader_over(bytes);
	struct filler f;
	enum alg alg;
	uint32_t pcr;
	int rc = 0;

	for (size_t i = 0; i < selection->n; i++)
		if (selection->banks[i].pcrs >> PCR_COUNT ||
		    (selection->banks[i].pcrs && selection->banks[i].alg >= ALG_COUNT))
			return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
				       "no selection of known registers");
	filler_init(&f, selection);
	while (rc == 0 && filler_next(&f, &alg, &pcr)) {
		uint64_t at = r.pos;
		struct slice value = reader_take(&r, algs[alg].len);

		if (r.failed)
			return err_set(e, PCRCAST_ETRUNC, at, "%s:%" PRIu32 ": %u bytes expected, %zu left",
				       algs[alg].name, pcr, algs[alg].len, reader_left(&r));
		rc = filler_take(&f, value, at, e);
	}
	return rc < 0 ? rc : filler_finish(&f, &r, ret, e);
}
