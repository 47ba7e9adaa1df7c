/*
 * Register values as tpm2_pcrread prints them (tpm2-tools 5.4), and as Linux shows them below /sys/class/tpm/tpm0. The lines
 * that this program's own verbs print, "sha256:4   HEX", are read too.
 */
#include "base/encode.h"
#include "golden/format_rows.h"

/* ---- text ---- */

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The first line that is neither blank nor a comment, without the blanks before it. */
static struct slice first_line(struct slice text)
{
	struct slice line = SLICE_EMPTY;

	while (slice_line(&text, &line)) {
		while (line.n && is_blank(line.p[0]))
			line = (struct slice){ line.p + 1, line.n - 1 };
		if (line.n && line.p[0] != '#' && !slice_equal_string(line, "---"))
			break;
	}
	return line;
}

/* "sha256:" with nothing behind it, or "sha256:4   HEX". */
GOLDEN_RECOGNISER(pcrread_recognise)
{
	struct slice line = in->files || in->json ? SLICE_EMPTY : first_line(in->bytes), bank;

	if (!slice_split(&line, ':', &bank))
		return false;
	/* other banks, and what tpm2_quote and tpm2_eventlog put above them */
	bool banks = slice_equal_string(bank, "pcrs") || slice_equal_string(bank, "sm3_256") ||
		     slice_equal_string(bank, "sha3_256") || slice_equal_string(bank, "sha3_384") ||
		     slice_equal_string(bank, "sha3_512");

	return banks || alg_by_name(bank) != ALG_COUNT;
}

GOLDEN_READER(pcrread_read)
{
	struct golden_set *s = golden_add_set(g, e);
	struct pcr_values values;
	struct slice line = first_line(in->bytes), bank;

	if (!s)
		return -PCRCAST_ELIMIT;
	int r = pcr_values_parse(in->bytes, &values, e);
	if (r < 0)
		return r;
	/* a bank's name alone above its values: that is a dump of a TPM; our own lines may be a prediction */
	bool dump = slice_split(&line, ':', &bank);
	while (line.n && is_blank(line.p[0]))
		line = (struct slice){ line.p + 1, line.n - 1 };
	dump &= line.n == 0;
	s->cc = values.cc;
	return golden_add_pcr_values(g, s, &values, dump ? GOLDEN_OBSERVED : GOLDEN_STATED, e);
}

GOLDEN_WRITER(pcrread_write)
{
	const struct golden_set *s = &g->sets[0];

	(void)e;
	for (size_t i = 0; i < s->n_registers; i++) {
		const struct golden_register *r = &s->registers[i];

		if (i == 0 || s->registers[i - 1].alg != r->alg)
			fprintf(w->out, "  %s:\n", algs[r->alg].name);
		fprintf(w->out, "    %-2u: 0x", r->index);
		for (size_t k = 0; k < algs[r->alg].len; k++)
			fprintf(w->out, "%02X", r->values[0].bytes[k]);
		fputc('\n', w->out);
	}
	return 0;
}

/* ---- a directory ---- */

/*
 * "pcr-sha256/4": the bank and the register. Linux has these files since 5.12 (Documentation/ABI/stable/sysfs-class-tpm). *ret_bank is the name
 * of the bank; false when the path is no such file.
 */
static bool sysfs_name(const char *path, struct slice *ret_bank, uint32_t *ret_index)
{
	struct slice rest = slice_of_string(path), dir;

	if (!slice_split(&rest, '/', &dir) || dir.n < 4 || memcmp(dir.p, "pcr-", 4) != 0)
		return false;
	*ret_bank = (struct slice){ dir.p + 4, dir.n - 4 };
	return golden_index(rest, ret_index);
}

GOLDEN_RECOGNISER(sysfs_recognise)
{
	struct slice bank;
	uint32_t index;

	for (size_t i = 0; i < in->n_files; i++)
		if (sysfs_name(in->files[i].name, &bank, &index))
			return true;
	return false;
}

/* Hex digits of either case and a line feed. */
static int read_file(struct golden *g, struct golden_set *s, const struct golden_file *f, enum alg alg,
		     uint32_t index, struct pcrcast_error *e)
{
	struct slice hex = f->bytes, value;

	if (hex.n && hex.p[hex.n - 1] == '\n')
		hex.n--;
	if (hex.n != 2u * algs[alg].len || !hex_decode(&g->pool, hex, &value))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "%s: expected %u hex digits and a line feed", f->name, 2u * algs[alg].len);
	return golden_add_value(g, s, alg, index, value, GOLDEN_OBSERVED, NULL, e);
}

/* Other files of the directory (uevent, power/…) are none of ours. */
GOLDEN_READER(sysfs_read)
{
	struct golden_set *s = golden_add_set(g, e);
	struct slice other = SLICE_EMPTY;
	int r = s ? 0 : -PCRCAST_ELIMIT;

	for (size_t i = 0; i < in->n_files && r == 0; i++) {
		struct slice bank;
		uint32_t index;

		if (!sysfs_name(in->files[i].name, &bank, &index))
			continue;
		enum alg alg = alg_by_name(bank);
		if (alg != ALG_COUNT) {
			r = read_file(g, s, &in->files[i], alg, index, e);
		} else if (!slice_equal(bank, other)) {
			r = golden_note(g, e, "bank %.*s is not known here, its values are left out",
					(int)(bank.n < 20 ? bank.n : 20), (const char *)bank.p);
			other = bank;
		}
	}
	return r;
}
