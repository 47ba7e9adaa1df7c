/*
 * What pcr-oracle (okirch, openSUSE) prints: "sha256:4 HEX", one blank, one line for each PCR; with --verify a first line that says so
 * and behind each value " OK", " MISSING" or " MISMATCH; actual=HEX". This program's own lines have the values in a column of
 * their own, at least two blanks behind a PCR's number.
 */
#include "base/encode.h"
#include "golden/format_rows.h"

struct line {
	enum alg alg;
	uint32_t index;
	struct slice hex;
	struct slice actual; /* the other value that was found on the machine; empty: none */
	bool missing;        /* the machine had no value */
};

/* *s behind a word that it begins with; false when it does not. */
static bool skip(struct slice *s, const char *word)
{
	size_t n = strlen(word);

	if (s->n < n || memcmp(s->p, word, n) != 0)
		return false;
	*s = (struct slice){ s->p + n, s->n - n };
	return true;
}

static bool line_read(struct slice text, struct line *ret)
{
	struct line l = { .actual = SLICE_EMPTY };
	struct slice bank, index;

	if (!slice_split(&text, ':', &bank) || !slice_split(&text, ' ', &index))
		return false;
	l.alg = alg_by_name(bank);
	if (l.alg == ALG_COUNT || !golden_index(index, &l.index) || text.n < 2u * algs[l.alg].len)
		return false;
	l.hex = (struct slice){ text.p, 2u * algs[l.alg].len };
	text = (struct slice){ text.p + l.hex.n, text.n - l.hex.n };
	for (size_t i = 0; i < l.hex.n; i++)
		if (hex_digit(l.hex.p[i]) < 0)
			return false;
	if (skip(&text, " MISMATCH; actual=")) {
		l.actual = text;
		text.n = 0;
	} else if (skip(&text, " MISSING")) {
		l.missing = true;
	} else {
		(void)skip(&text, " OK");
	}
	if (text.n)
		return false;
	*ret = l;
	return true;
}

/* --verify begins with this line. */
static bool is_title(struct slice line)
{
	return skip(&line, "Verifying predicted state versus ");
}

GOLDEN_RECOGNISER(pcr_oracle_recognise)
{
	struct slice rest = in->bytes, line;
	struct line l;

	if (in->files || !slice_line(&rest, &line))
		return false;
	return is_title(line) || line_read(line, &l);
}

static int line_take(struct golden *g, struct golden_set *s, const struct line *l, struct pcrcast_error *e)
{
	struct slice value;

	if (!hex_decode(&g->pool, l->hex, &value))
		return err_nomem(e); /* it was looked at before */
	int r = golden_add_value(g, s, l->alg, l->index, value, GOLDEN_COMPUTED, NULL, e);
	if (r == 0 && golden_find(s, l->alg, l->index)->n > 1)
		r = err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "%s:%u has two values", algs[l->alg].name,
			    l->index);
	if (r == 0 && l->missing)
		r = golden_note(g, e, "%s:%u: the machine that pcr-oracle ran on had no value",
				algs[l->alg].name, l->index);
	if (r == 0 && l->actual.n)
		r = golden_note(g, e, "%s:%u: the machine that pcr-oracle ran on had another value",
				algs[l->alg].name, l->index);
	return r;
}

GOLDEN_READER(pcr_oracle_read)
{
	struct golden_set *s = golden_add_set(g, e);
	struct slice rest = in->bytes, line;

	if (!s)
		return -PCRCAST_ELIMIT;
	for (size_t number = 1; slice_line(&rest, &line); number++) {
		uint64_t at = (uint64_t)(line.p - in->bytes.p);
		struct line l;

		if (line.n == 0 || (number == 1 && is_title(line)))
			continue;
		if (!line_read(line, &l))
			return err_set(e, PCRCAST_EFORMAT, at,
				       "line %zu: expected a value as \"sha256:4 HEX\"", number);
		if (line_take(g, s, &l, e) < 0)
			return err_wrap(e, "line %zu", number);
	}
	return 0;
}

GOLDEN_WRITER(pcr_oracle_write)
{
	(void)e;
	for (size_t i = 0; i < g->sets[0].n_registers; i++) {
		const struct golden_register *r = &g->sets[0].registers[i];
		char hex[2 * DIGEST_MAX + 1];

		hex_encode(r->values[0].bytes, algs[r->alg].len, hex);
		fprintf(w->out, "%s:%u %s\n", algs[r->alg].name, r->index, hex);
	}
	return 0;
}
