/*
 * "0:HEX,7:HEX": the argument of --expectedPCRMapSHA256 in salrashid123/go_tpm_remote_attestation. The digests' length tells the
 * bank. That program hashes the values in the order in which they are written and compares the result with the quote's
 * digest, which is over ascending PCRs: a list in another order is true, and fails there.
 */
#include "base/encode.h"
#include "golden/format_rows.h"

/* The list without the line feed that a shell's redirection leaves behind it. */
static struct slice list_of(struct slice text)
{
	while (text.n && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
		text.n--;
	return text;
}

/* Take "7:HEX" off *list, and the comma behind it. */
static bool take_pair(struct slice *list, struct slice *index, struct slice *hex)
{
	struct slice pair;

	if (!slice_split(list, ',', &pair)) {
		pair = *list;
		*list = (struct slice){ pair.p + pair.n, 0 };
	} else if (list->n == 0) {
		return false; /* a comma ends the list */
	}
	if (!slice_split(&pair, ':', index))
		return false;
	*hex = pair;
	return true;
}

GOLDEN_RECOGNISER(flag_recognise)
{
	struct slice list = list_of(in->bytes), index, hex;
	uint32_t i;

	if (in->files || !take_pair(&list, &index, &hex) || !golden_index(index, &i) || hex.n == 0 ||
	    hex.n % 2 || golden_alg_by_len(hex.n / 2) == ALG_COUNT)
		return false;
	for (size_t k = 0; k < hex.n; k++)
		if (hex_digit(hex.p[k]) < 0)
			return false;
	return true;
}

GOLDEN_READER(flag_read)
{
	struct slice list = list_of(in->bytes);
	struct golden_set *s = golden_add_set(g, e);
	bool ascending = true;
	uint32_t seen = 0, last = 0;
	enum alg alg = ALG_COUNT;

	if (!s)
		return -PCRCAST_ELIMIT;
	do {
		uint64_t at = (uint64_t)(list.p - in->bytes.p);
		struct slice text = SLICE_EMPTY, hex = SLICE_EMPTY, value;
		uint32_t index;

		if (!take_pair(&list, &text, &hex) || !golden_index(text, &index) ||
		    !hex_decode(&g->pool, hex, &value))
			return err_set(e, PCRCAST_EFORMAT, at,
				       "expected a PCR and its value as \"7:HEX\", separated by commas");
		if (alg == ALG_COUNT)
			alg = golden_alg_by_len(value.n);
		if (alg == ALG_COUNT || value.n != algs[alg].len)
			return err_set(e, PCRCAST_EFORMAT, at,
				       "PCR %u: a value of %zu bytes, expected a bank's, the same for all",
				       index, value.n);
		if (seen & UINT32_C(1) << index)
			return err_set(e, PCRCAST_EFORMAT, at, "PCR %u a second time", index);
		ascending &= index >= last;
		seen |= UINT32_C(1) << index;
		last = index;
		int r = golden_add_value(g, s, alg, index, value, GOLDEN_STATED, NULL, e);
		if (r < 0)
			return r;
	} while (list.n);
	return ascending ?
		       0 :
		       golden_note(g, e,
				   "the PCRs are not in ascending order: go_tpm_remote_attestation, which "
				   "hashes the values as they stand, fails with this list");
}

GOLDEN_WRITER(flag_write)
{
	(void)e;
	for (size_t i = 0; i < g->sets[0].n_registers; i++) {
		const struct golden_register *r = &g->sets[0].registers[i];
		char hex[2 * DIGEST_MAX + 1];

		hex_encode(r->values[0].bytes, algs[r->alg].len, hex);
		fprintf(w->out, "%s%u:%s", i ? "," : "", r->index, hex);
	}
	fputc('\n', w->out);
	return 0;
}
