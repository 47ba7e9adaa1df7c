/*
 * The structures are TPML_PCR_SELECTION and TPML_DIGEST of TPM 2.0 Library, part 2, sections 10.9.7 and 10.9.6; their sizes
 * in memory are those of tss2_tpm2_types.h (tpm2-tss 4.0), the files those of tpm2-tools 5.4 (lib/pcr.c) and, for
 * "marshaled", 5.8.
 */
#include "golden/pcr_file.h"

#include <inttypes.h>

#include "base/reader.h"

enum {
	DIGESTS_PER_LIST = 8, /* TPML_DIGEST: at most eight, which is also what one TPM2_PCR_Read gives */
	DIGEST_SLOT = 2 + DIGEST_MAX, /* TPM2B_DIGEST in memory: size and TPMU_HA, as long as a SHA-512 */
	SELECTION_SLOT =
		8, /* TPMS_PCR_SELECTION in memory: hash, sizeofSelect, pcrSelect[4], one byte of padding */
	WRITTEN_SELECT = 3, /* bytes of a bit field as TPMs of the PC Client profile have it: 24 registers */
};

void pcr_selection_of(const struct pcr_values *values, struct pcr_selection *ret)
{
	*ret = (struct pcr_selection){ 0 };
	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		if (!values->known[alg])
			continue;
		ret->banks[ret->n].tpm_id = algs[alg].tpm_id;
		ret->banks[ret->n].alg = alg;
		ret->banks[ret->n++].pcrs = values->known[alg];
	}
}

static size_t count_bits(uint32_t mask)
{
	return (size_t)__builtin_popcount(mask);
}

static size_t selection_count(const struct pcr_selection *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += count_bits(s->banks[i].pcrs);
	return n;
}

/* ---- reading ---- */

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

/* ---- writing ---- */

/* Every selected value is known; then each register is one of enum alg. */
static int check_known(const struct pcr_selection *s, const struct pcr_values *v, struct pcrcast_error *e)
{
	for (size_t i = 0; i < s->n; i++) {
		uint32_t missing = s->banks[i].pcrs;

		if (s->banks[i].alg < ALG_COUNT)
			missing &= ~v->known[s->banks[i].alg];
		if (missing >> PCR_COUNT)
			return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
				       "a register above PCR %d is selected", PCR_COUNT - 1);
		if (missing)
			return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
				       "bank 0x%04x: no value for PCR %d, which is selected",
				       s->banks[i].tpm_id, __builtin_ctz(missing));
	}
	return 0;
}

/* A buffer of n zeros from pool. */
static uint8_t *begin(struct pool *pool, size_t n)
{
	return pool_array(pool, n ? n : 1, 1);
}

static size_t n_lists_for(const struct pcr_selection *s)
{
	return (selection_count(s) + DIGESTS_PER_LIST - 1) / DIGESTS_PER_LIST;
}

static size_t values_len(const struct pcr_selection *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->banks[i].alg < ALG_COUNT)
			n += count_bits(s->banks[i].pcrs) * algs[s->banks[i].alg].len;
	return n;
}

static void put_select(uint8_t *p, uint32_t pcrs)
{
	for (size_t i = 0; i < WRITTEN_SELECT; i++)
		p[i] = (uint8_t)(pcrs >> (8 * i));
}

/* The value whose turn it is, and on to the next. */
static struct slice next_value(struct filler *f, const struct pcr_values *v)
{
	enum alg alg;
	uint32_t pcr;

	if (!filler_next(f, &alg, &pcr))
		return SLICE_EMPTY;
	f->left &= ~(UINT32_C(1) << pcr);
	return (struct slice){ v->value[alg][pcr], algs[alg].len };
}

int pcr_file_write_serialized(const struct pcr_selection *selection, const struct pcr_values *values,
			      struct pool *pool, struct slice *ret, struct pcrcast_error *e)
{
	const size_t head = 4 + SELECTION_SLOT * PCR_FILE_MAX_BANKS + 4,
		     list = 4 + DIGEST_SLOT * DIGESTS_PER_LIST;
	size_t n = selection_count(selection), n_lists = n_lists_for(selection);
	struct filler f;

	int rc = check_known(selection, values, e);
	if (rc < 0)
		return rc;
	uint8_t *bytes = begin(pool, head + n_lists * list);
	if (!bytes)
		return err_nomem(e);
	put_u32le(bytes, (uint32_t)selection->n);
	for (size_t i = 0; i < selection->n; i++) {
		uint8_t *slot = bytes + 4 + i * SELECTION_SLOT;

		put_u16le(slot, selection->banks[i].tpm_id);
		slot[2] = WRITTEN_SELECT;
		put_select(slot + 3, selection->banks[i].pcrs);
	}
	put_u32le(bytes + head - 4, (uint32_t)n_lists);
	filler_init(&f, selection);
	for (size_t i = 0; i < n; i++) {
		uint8_t *at = bytes + head + i / DIGESTS_PER_LIST * list;
		uint8_t *slot = at + 4 + i % DIGESTS_PER_LIST * DIGEST_SLOT;
		struct slice value = next_value(&f, values);

		put_u32le(at, (uint32_t)(i % DIGESTS_PER_LIST + 1));
		put_u16le(slot, (uint16_t)value.n);
		memcpy(slot + 2, value.p, value.n);
	}
	*ret = (struct slice){ bytes, head + n_lists * list };
	return 0;
}

int pcr_file_write_marshaled(const struct pcr_selection *selection, const struct pcr_values *values,
			     struct pool *pool, struct slice *ret, struct pcrcast_error *e)
{
	size_t n = selection_count(selection), n_lists = n_lists_for(selection);
	size_t len =
		4 + selection->n * (3 + WRITTEN_SELECT) + 4 + n_lists * 4 + n * 2 + values_len(selection);
	struct filler f;

	int rc = check_known(selection, values, e);
	if (rc < 0)
		return rc;
	uint8_t *bytes = begin(pool, len), *p = bytes;
	if (!bytes)
		return err_nomem(e);
	put_u32be(p, (uint32_t)selection->n);
	p += 4;
	for (size_t i = 0; i < selection->n; i++, p += 3 + WRITTEN_SELECT) {
		put_u16be(p, selection->banks[i].tpm_id);
		p[2] = WRITTEN_SELECT;
		put_select(p + 3, selection->banks[i].pcrs);
	}
	put_u32be(p, (uint32_t)n_lists);
	p += 4;
	filler_init(&f, selection);
	for (size_t i = 0; i < n; i++) {
		struct slice value = next_value(&f, values);

		if (i % DIGESTS_PER_LIST == 0) {
			put_u32be(p, (uint32_t)(n - i < DIGESTS_PER_LIST ? n - i : DIGESTS_PER_LIST));
			p += 4;
		}
		put_u16be(p, (uint16_t)value.n);
		memcpy(p + 2, value.p, value.n);
		p += 2 + value.n;
	}
	*ret = (struct slice){ bytes, len };
	return 0;
}

int pcr_file_write_values(const struct pcr_selection *selection, const struct pcr_values *values,
			  struct pool *pool, struct slice *ret, struct pcrcast_error *e)
{
	size_t len = values_len(selection);
	struct filler f;

	int rc = check_known(selection, values, e);
	if (rc < 0)
		return rc;
	uint8_t *bytes = begin(pool, len), *p = bytes;
	if (!bytes)
		return err_nomem(e);
	filler_init(&f, selection);
	for (size_t i = 0, n = selection_count(selection); i < n; i++) {
		struct slice value = next_value(&f, values);

		memcpy(p, value.p, value.n);
		p += value.n;
	}
	*ret = (struct slice){ bytes, len };
	return 0;
}
