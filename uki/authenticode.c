#define _GNU_SOURCE
#include "uki/authenticode.h"

#include <stdlib.h>

/* By PointerToRawData; equal ones keep the order of the table, as EDK2's insertion sort leaves them. */
static int by_raw_off(const void *a, const void *b)
{
	const struct pe_section *x = *(const struct pe_section *const *)a,
				*y = *(const struct pe_section *const *)b;

	if (x->raw_off != y->raw_off)
		return x->raw_off < y->raw_off ? -1 : 1;
	return (x > y) - (x < y);
}

static int sum_of_raw(const struct pe *pe, uint64_t *ret, struct pcrcast_error *e)
{
	uint64_t sum = pe->headers_len;

	for (size_t i = 0; i < pe->n_sections; i++)
		sum += pe->sections[i].raw_len; /* 65535 sections of 4 GiB fit into 64 bits */
	if (sum / AUTHENTICODE_MAX_FACTOR > pe->image.len)
		return err_set(
			e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			"sections overlap: they claim %llu bytes of a file of %llu, at most %d times its size is hashed",
			(unsigned long long)sum, (unsigned long long)pe->image.len, AUTHENTICODE_MAX_FACTOR);
	*ret = sum;
	return 0;
}

int authenticode_bytes(struct pool *pool, const struct pe *pe, struct blob *ret, struct pcrcast_error *e)
{
	struct blob_builder w = BLOB_BUILDER(pool);
	uint32_t after_checksum = pe->checksum_off + 4;
	uint64_t sum = 0;

	int r = sum_of_raw(pe, &sum, e);
	if (r < 0)
		return r;

	/* Steps 1 to 7: the headers without CheckSum and without the certificate table's directory entry. */
	blob_add_part(&w, &pe->image, 0, pe->checksum_off);
	if (pe->cert_entry_off) {
		uint32_t after_entry = pe->cert_entry_off + 8;

		blob_add_part(&w, &pe->image, after_checksum, pe->cert_entry_off - after_checksum);
		blob_add_part(&w, &pe->image, after_entry, pe->headers_len - after_entry);
	} else {
		blob_add_part(&w, &pe->image, after_checksum, pe->headers_len - after_checksum);
	}

	/* Steps 8 to 13: the sections' raw data in file order, overlaps and all. */
	const struct pe_section **sorted = pool_array(pool, pe->n_sections, sizeof *sorted);
	if (!sorted)
		return err_nomem(e);
	for (size_t i = 0; i < pe->n_sections; i++)
		sorted[i] = &pe->sections[i];
	qsort(sorted, pe->n_sections, sizeof *sorted, by_raw_off);
	for (size_t i = 0; i < pe->n_sections; i++)
		if (sorted[i]->raw_len)
			blob_add_part(&w, &pe->image, sorted[i]->raw_off, sorted[i]->raw_len);

	/*
	 * Step 14: what lies behind. The tail begins at the sum of all lengths, wherever the last section ends,
	 * and the certificate table is taken to be the last bytes, wherever its entry points.
	 */
	uint64_t len = pe->image.len;
	if (len > sum) {
		if (len - sum < pe->cert_len)
			return err_set(
				e, PCRCAST_EFORMAT, pe->cert_entry_off,
				"certificate table of %u bytes does not fit behind the sections, which end at %llu of %llu: firmware does not measure such an image",
				pe->cert_len, (unsigned long long)sum, (unsigned long long)len);
		blob_add_part(&w, &pe->image, sum, len - sum - pe->cert_len);
	}
	return blob_build(&w, ret, e);
}

int authenticode_bytes_padded(struct pool *pool, const struct pe *pe, bool *ret_differs, struct blob *ret,
			      struct pcrcast_error *e)
{
	struct blob plain;
	int r = authenticode_bytes(pool, pe, &plain, e);

	if (r < 0)
		return r;
	*ret_differs = pe->cert_len == 0 && pe->image.len % 8 != 0;
	if (!*ret_differs) {
		*ret = plain;
		return 0;
	}
	struct blob_builder w = BLOB_BUILDER(pool);
	blob_add(&w, &plain);
	blob_add_zeros(&w, 8 - pe->image.len % 8);
	return blob_build(&w, ret, e);
}
