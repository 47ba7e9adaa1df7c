/*
 * Writing files of register values, byte for byte as tpm2-tools 5.4 and 5.8 (lib/pcr.c) do where a TPM answers each
 * TPM2_PCR_Read with as many values as it may.
 */
#include "base/bytes.h"
#include "golden/pcr_file_layout.h"

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

static size_t n_lists_for(size_t n_values)
{
	return (n_values + DIGESTS_PER_LIST - 1) / DIGESTS_PER_LIST;
}

static void put_select(uint8_t *p, uint32_t pcrs)
{
	for (size_t i = 0; i < WRITTEN_SELECT; i++)
		p[i] = (uint8_t)(pcrs >> (8 * i));
}

enum { MAX_SELECTED = PCR_FILE_MAX_BANKS * PCR_COUNT };

/* The selected values in their order. */
struct ordered {
	struct slice values[MAX_SELECTED];
	size_t n, len; /* len: bytes of all */
};

static int order(const struct pcr_selection *s, const struct pcr_values *v, struct ordered *ret,
		 struct pcrcast_error *e)
{
	int rc = check_known(s, v, e);

	ret->n = ret->len = 0;
	for (size_t i = 0; rc == 0 && i < s->n; i++)
		for (uint32_t left = s->banks[i].pcrs; left; left &= left - 1) {
			enum alg alg = s->banks[i].alg;

			ret->values[ret->n++] =
				(struct slice){ v->value[alg][__builtin_ctz(left)], algs[alg].len };
			ret->len += algs[alg].len;
		}
	return rc;
}

int pcr_file_write_serialized(const struct pcr_selection *selection, const struct pcr_values *values,
			      struct pool *pool, struct slice *ret, struct pcrcast_error *e)
{
	const size_t head = 4 + SELECTION_SLOT * PCR_FILE_MAX_BANKS + 4,
		     list = 4 + DIGEST_SLOT * DIGESTS_PER_LIST;
	struct ordered o;

	int rc = order(selection, values, &o, e);
	if (rc < 0)
		return rc;
	size_t n_lists = n_lists_for(o.n);
	uint8_t *bytes = pool_array(pool, head + n_lists * list, 1);
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
	for (size_t i = 0; i < o.n; i++) {
		uint8_t *at = bytes + head + i / DIGESTS_PER_LIST * list;
		uint8_t *slot = at + 4 + i % DIGESTS_PER_LIST * DIGEST_SLOT;
		struct slice value = o.values[i];

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
	struct ordered o;

	int rc = order(selection, values, &o, e);
	if (rc < 0)
		return rc;
	size_t n_lists = n_lists_for(o.n);
	size_t len = 4 + selection->n * (3 + WRITTEN_SELECT) + 4 + n_lists * 4 + o.n * 2 + o.len;
	uint8_t *bytes = pool_array(pool, len, 1), *p = bytes;
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
	for (size_t i = 0; i < o.n; i++) {
		struct slice value = o.values[i];

		if (i % DIGESTS_PER_LIST == 0) {
			put_u32be(p, (uint32_t)(o.n - i < DIGESTS_PER_LIST ? o.n - i : DIGESTS_PER_LIST));
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
	struct ordered o;

	int rc = order(selection, values, &o, e);
	if (rc < 0)
		return rc;
	uint8_t *bytes = pool_array(pool, o.len ? o.len : 1, 1), *p = bytes;
	if (!bytes)
		return err_nomem(e);
	for (size_t i = 0; i < o.n; i++) {
		memcpy(p, o.values[i].p, o.values[i].n);
		p += o.values[i].n;
	}
	*ret = (struct slice){ bytes, o.len };
	return 0;
}
