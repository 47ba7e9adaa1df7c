/*
 * SBAT: generations of components in images (.sbat), and the generations that are still good (SbatLevel).
 * Source: rhboot/shim, SBAT.md; csv.c and sbat.c of 15.4 to 16.1.
 */
#include "predict/shim.h"

enum { ROWS_MAX = 1024 }; /* real texts have some ten */

/* Digits in front; none is 0. Kept in 16 bits by shim. */
static uint16_t generation(struct slice s)
{
	uint16_t v = 0;

	for (size_t i = 0; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		v = (uint16_t)(v * 10 + (s.p[i] - '0'));
	return v;
}

/* Cut the field up to the next separator off the front; false when the row is used up. */
static bool take_field(struct slice *row, bool *more, struct slice *ret)
{
	const uint8_t *comma = memchr(row->p, ',', row->n);
	size_t n = comma ? (size_t)(comma - row->p) : row->n;

	if (!*more)
		return false;
	*ret = (struct slice){ row->p, n };
	*more = comma;
	*row = (struct slice){ row->p + n + (comma ? 1 : 0), row->n - n - (comma ? 1 : 0) };
	return true;
}

static const char *read_row(struct pool *pool, struct slice row, size_t number, size_t columns,
			    struct sbat_entry *ret)
{
	struct slice fields[SBAT_SECTION_COLUMNS] = { SLICE_EMPTY };
	bool more = true;

	for (size_t i = 0; i < columns; i++)
		if (!take_field(&row, &more, &fields[i]) || fields[i].n == 0)
			return pool_printf(pool, "row %zu of SBAT data: field %zu of %zu is missing", number,
					   i + 1, columns);
	*ret = (struct sbat_entry){ fields[0], generation(fields[1]) };
	return NULL;
}

const char *sbat_read(struct pool *pool, struct slice text, size_t columns, struct sbat *ret)
{
	struct sbat_entry *entries = NULL;
	size_t n = 0, cap = 0;
	const uint8_t *nul = text.n ? memchr(text.p, 0, text.n) : NULL;

	if (nul)
		text.n = (size_t)(nul - text.p);
	if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0) /* byte order mark */
		text = (struct slice){ text.p + 3, text.n - 3 };
	for (size_t at = 0; at < text.n;) {
		size_t end = at;

		while (end < text.n && text.p[end] != '\r' && text.p[end] != '\n')
			end++;
		if (end > at) {
			struct sbat_entry *entry = pool_push(pool, &entries, &n, &cap, sizeof *entry);

			if (!entry)
				return "out of memory";
			if (n > ROWS_MAX)
				return "more than 1024 rows of SBAT data";
			const char *why =
				read_row(pool, (struct slice){ text.p + at, end - at }, n, columns, entry);
			if (why)
				return why;
		}
		at = end + 1;
	}
	*ret = (struct sbat){ entries, n };
	return NULL;
}

const char *sbat_revoked(struct pool *pool, const struct sbat *image, const struct sbat *level)
{
	for (size_t i = 0; i < image->n; i++)
		for (size_t k = 0; k < level->n; k++) {
			const struct sbat_entry *has = &image->entries[i], *needs = &level->entries[k];

			if (!slice_equal(has->name, needs->name))
				continue;
			if (has->generation < needs->generation)
				return pool_printf(pool,
						   "component %.*s is of generation %u, SbatLevel wants %u",
						   (int)has->name.n, (const char *)has->name.p,
						   has->generation, needs->generation);
			break;
		}
	return NULL;
}

/* preserve_sbat_uefi_variable(): "sbat,VERSION,DATE" at the beginning of each. */
static struct slice field_of(struct slice text, size_t number)
{
	struct slice field = SLICE_EMPTY;
	bool more = true;

	for (size_t i = 0; i <= number; i++)
		if (!take_field(&text, &more, &field))
			return SLICE_EMPTY;
	return field;
}

bool sbat_level_stays(struct slice variable, struct slice candidate)
{
	enum { DATE = 10 }; /* digits */
	struct slice v = field_of(variable, 1), c = field_of(candidate, 1);
	char dates[2][DATE + 1] = { "", "" };

	if (variable.n < strlen(SBAT_LEVEL_ORIGINAL) || memcmp(variable.p, "sbat,", 5) != 0)
		return false;
	if (v.n > c.n || (v.n == c.n && memcmp(v.p, c.p, c.n) > 0))
		return true;
	/* The third field goes on with the rest of the text; ten characters of it are compared. */
	for (size_t i = 0; i < 2; i++) {
		struct slice d = field_of(i ? candidate : variable, 2);

		memcpy(dates[i], d.p, d.n < DATE ? d.n : DATE);
	}
	return strncmp(dates[0], dates[1], DATE) >= 0;
}
