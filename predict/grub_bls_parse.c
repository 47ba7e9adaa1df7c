/*
 * Reading entries of the Boot Loader Specification, and the UKIs that stand for such. Sources: grub_bls.h;
 * lib/getline.c.
 */
#include "predict/grub_bls.h"
#include "uki/pe.h"

enum {
	PAIRS_MAX = 10000,      /* 2.14: BLSUKI_KEYVALS_MAX */
	SECTION_MAX = 5 * 4096, /* 2.14: UKI_SECTION_SIZE_MAX, bytes */
};

const char *grub_bls_value(const struct grub_bls_entry *entry, const char *key)
{
	for (size_t i = 0; i < entry->n; i++)
		if (strcmp(entry->pairs[i].key, key) == 0)
			return entry->pairs[i].value;
	return NULL;
}

static int add_pair(struct grub *g, struct grub_bls_entry *entry, struct slice key, struct slice value,
		    struct pcrcast_error *e)
{
	struct grub_pair *pair = pool_push(g->pool, &entry->pairs, &entry->n, &entry->cap, sizeof *pair);

	if (!pair)
		return err_nomem(e);
	pair->key = pool_text(g->pool, (const char *)key.p, key.n);
	pair->value = pool_text(g->pool, (const char *)value.p, value.n);
	return pair->key && pair->value ? 0 : err_nomem(e);
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct slice without_blanks(struct slice s)
{
	while (s.n && is_blank(*s.p))
		s = (struct slice){ s.p + 1, s.n - 1 };
	return s;
}

/*
 * A line "key value". Red Hat's key ends at the first blank, and at a tab only in a line without blanks; upstream's at
 * either. False: a line without a value, at which GRUB stops reading.
 */
static bool split_line(bool redhat, struct slice line, struct slice *ret_key, struct slice *ret_value)
{
	struct slice rest = line;

	if (redhat) {
		if (!slice_split(&rest, ' ', ret_key) && !slice_split(&rest, '\t', ret_key))
			return false;
		*ret_value = without_blanks(rest);
		return rest.n > 0;
	}
	size_t n = 0;
	while (n < line.n && !is_blank(line.p[n]))
		n++;
	*ret_key = (struct slice){ line.p, n };
	*ret_value = without_blanks((struct slice){ line.p + n, line.n - n });
	return n && ret_value->n;
}

/* The text without carriage returns, as GRUB reads lines. p NULL: out of memory. */
static struct slice without_returns(struct grub *g, struct slice text)
{
	uint8_t *p = pool_array(g->pool, text.n + 1, 1);
	size_t n = 0;

	for (size_t i = 0; p && i < text.n; i++)
		if (text.p[i] != '\r')
			p[n++] = text.p[i];
	return (struct slice){ p, n };
}

int grub_bls_parse(struct grub *g, bool redhat, struct slice text, struct grub_bls_entry *ret,
		   const char **ret_why, struct pcrcast_error *e)
{
	struct slice rest = without_returns(g, text), line, key, value;
	int r = 0;

	if (!rest.p)
		return err_nomem(e);
	if (memchr(rest.p, 0, rest.n)) {
		*ret_why = "it has bytes of zero, where GRUB takes its lines to end";
		return 0;
	}
	while (r == 0 && slice_line(&rest, &line)) {
		line = without_blanks(line);
		if (line.n && *line.p == '#')
			continue;
		if (!split_line(redhat, line, &key, &value))
			break;
		if (ret->n >= PAIRS_MAX) {
			*ret_why = "it has more lines than are followed";
			break;
		}
		r = add_pair(g, ret, key, value, e);
	}
	return r;
}

/* A section's bytes in the file up to its first NUL; GRUB reads on when there is none. */
static int add_section(struct grub *g, const struct pe *pe, const struct pe_section *s, const char *name,
		       struct grub_bls_entry *ret, const char **ret_why, struct pcrcast_error *e)
{
	struct slice raw = SLICE_EMPTY;
	const uint8_t *end;
	struct blob part;

	if (s->raw_len > SECTION_MAX) {
		*ret_why = pool_printf(g->pool, "its section %s has %u bytes, GRUB reads at most %d", name,
				       s->raw_len, SECTION_MAX);
		return *ret_why ? 0 : err_nomem(e);
	}
	int r = blob_sub(g->pool, &pe->image, s->raw_off, s->raw_len, &part,
			 e); /* pe_parse: it lies inside */
	if (r == 0)
		r = blob_load(g->pool, &part, SECTION_MAX, &raw, e);
	if (r < 0)
		return r;
	g->bytes += 2 * raw.n;
	end = memchr(raw.p, 0, raw.n);
	if (!end) {
		*ret_why = pool_printf(g->pool, "its section %s fills its bytes, and GRUB reads past them",
				       name);
		return *ret_why ? 0 : err_nomem(e);
	}
	return add_pair(g, ret, slice_of_string(name), (struct slice){ raw.p, (size_t)(end - raw.p) }, e);
}

int grub_bls_parse_uki(struct grub *g, const struct blob *file, struct grub_bls_entry *ret,
		       const char **ret_why, struct pcrcast_error *e)
{
	static const char *const wanted[] = { ".cmdline", ".osrel" };
	struct pcrcast_error bad;
	bool linux_there = false;
	struct pe pe;
	int r = pe_parse(g->pool, file, &pe, &bad);

	if (r == -PCRCAST_ENOMEM)
		return err_nomem(e);
	for (size_t i = 0; r == 0 && !*ret_why && i < pe.n_sections; i++) {
		linux_there = linux_there || strcmp(pe.sections[i].name, ".linux") == 0;
		for (size_t k = 0; r == 0 && k < sizeof wanted / sizeof wanted[0]; k++)
			if (strcmp(pe.sections[i].name, wanted[k]) == 0)
				r = add_section(g, &pe, &pe.sections[i], wanted[k], ret, ret_why, &bad);
	}
	if (r == -PCRCAST_EIO || r == -PCRCAST_ENOMEM) {
		if (e)
			*e = bad;
		return r;
	}
	if (!*ret_why && (r < 0 || !linux_there || !grub_bls_value(ret, ".osrel")))
		*ret_why = "it is no UKI that GRUB takes for one";
	return 0;
}
