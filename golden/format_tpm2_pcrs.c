/*
 * Files of register values that tpm2-tools write and read: golden/pcr_file.h.
 */
#include "golden/format_rows.h"
#include "golden/pcr_file.h"

/* The values of the set in its banks, each register with one; the writers' rows allow no other sets. */
static int values_of(const struct golden_set *s, struct pcr_values *ret, struct pcrcast_error *e)
{
	struct pcr_values v = { .known = { 0 } };

	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		struct pcr_values one;

		int r = golden_single_values(s, alg, &one, e);
		if (r < 0)
			return r;
		v.known[alg] = one.known[alg];
		memcpy(v.value[alg], one.value[alg], sizeof v.value[alg]);
	}
	*ret = v;
	return 0;
}

typedef int write_fn(const struct pcr_selection *selection, const struct pcr_values *values,
		     struct pool *pool, struct slice *ret, struct pcrcast_error *e);

static int write_file(const struct golden *g, struct golden_writer *w, write_fn *write,
		      struct pcr_selection *ret_selection, struct pcrcast_error *e)
{
	struct pcr_values values;
	struct slice bytes;

	int r = values_of(&g->sets[0], &values, e);
	if (r < 0)
		return r;
	pcr_selection_of(&values, ret_selection);
	r = write(ret_selection, &values, w->pool, &bytes, e);
	if (r == 0)
		(void)fwrite(bytes.p, 1, bytes.n, w->out);
	return r;
}

typedef int read_fn(struct slice bytes, struct pcr_selection *ret_selection, struct pcr_values *ret,
		    struct pcrcast_error *e);

static int read_file(const struct golden_input *in, struct golden *g, read_fn *read, struct pcrcast_error *e)
{
	struct golden_set *s = golden_add_set(g, e);
	struct pcr_values values;

	if (!s)
		return -PCRCAST_ELIMIT;
	int r = read(in->bytes, NULL, &values, e);
	return r < 0 ? r : golden_add_pcr_values(g, s, &values, GOLDEN_OBSERVED, e);
}

/* Both forms say how long every part is and end with the last: what reads to its end is nothing else. */
static bool is_file(const struct golden_input *in, read_fn *read)
{
	struct pcr_selection selection;
	struct pcr_values values;

	return !in->files && !in->json && read(in->bytes, &selection, &values, NULL) == 0 && selection.n > 0;
}

GOLDEN_RECOGNISER(tpm2_pcrs_recognise)
{
	return is_file(in, pcr_file_read_serialized);
}

GOLDEN_READER(tpm2_pcrs_read)
{
	return read_file(in, g, pcr_file_read_serialized, e);
}

GOLDEN_WRITER(tpm2_pcrs_write)
{
	struct pcr_selection selection;

	return write_file(g, w, pcr_file_write_serialized, &selection, e);
}

GOLDEN_RECOGNISER(tpm2_marshaled_recognise)
{
	return is_file(in, pcr_file_read_marshaled);
}

GOLDEN_READER(tpm2_marshaled_read)
{
	return read_file(in, g, pcr_file_read_marshaled, e);
}

GOLDEN_WRITER(tpm2_marshaled_write)
{
	struct pcr_selection selection;

	return write_file(g, w, pcr_file_write_marshaled, &selection, e);
}

/* ---- bare values ---- */

GOLDEN_READER(tpm2_values_read)
{
	struct golden_set *s = golden_add_set(g, e);
	struct pcr_selection selection;
	struct pcr_values wanted = { .known = { 0 } }, values;

	if (!s)
		return -PCRCAST_ELIMIT;
	if (!in->banks || !in->has_pcrs || !in->pcrs)
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "the file does not say whose values it has: --bank and --pcr do");
	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		wanted.known[alg] = in->banks & 1u << alg ? in->pcrs : 0;
	pcr_selection_of(&wanted, &selection);
	int r = pcr_file_read_values(in->bytes, &selection, &values, e);
	return r < 0 ? r : golden_add_pcr_values(g, s, &values, GOLDEN_OBSERVED, e);
}

/* "sha256:0,7", as the option -l of tpm2_policypcr takes it. */
static char *selection_text(struct pool *pool, const struct pcr_selection *s)
{
	char *text = pool_printf(pool, "%s", "");

	for (size_t i = 0; i < s->n; i++) {
		bool first = true;

		for (unsigned k = 0; k < PCR_COUNT && text; k++) {
			if (!(s->banks[i].pcrs & UINT32_C(1) << k))
				continue;
			text = first ? pool_printf(pool, "%s%s%s:%u", text, i ? "+" : "",
						   algs[s->banks[i].alg].name, k) :
				       pool_printf(pool, "%s,%u", text, k);
			first = false;
		}
	}
	return text;
}

GOLDEN_WRITER(tpm2_values_write)
{
	struct pcr_selection selection;

	int r = write_file(g, w, pcr_file_write_values, &selection, e);
	if (r < 0)
		return r;
	char *text = selection_text(w->pool, &selection);
	if (!text)
		return err_nomem(e);
	return golden_lost(w, e, "whose values they are, which is to be said with them: %s", text);
}
