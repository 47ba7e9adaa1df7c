#include "base/efi/smbios.h"

#include "base/bytes.h"

enum {
	HEADER = 4, /* u8 type, u8 length of header and fields, u16 handle */
	END_OF_TABLE = 127,
};

/* ---- where the table is ---- */

/* An entry point in front of the table, as "dmidecode --dump-bin" leaves it: its address is an offset in the file. */
struct entry_point {
	const char *anchor;
	size_t len, len_at, address_at, address_len;
};

static const struct entry_point entry_points[] = {
	{ "_SM3_", 24, 12, 16, 8 }, /* u32: what the table has at most */
	{ "_SM_", 31, 22, 24, 4 },  /* u16: what the table has */
};

static bool begins_with(struct slice s, const char *text)
{
	size_t n = strlen(text);

	return s.n >= n && memcmp(s.p, text, n) == 0;
}

static int table_behind(const struct entry_point *p, struct slice file, struct slice *ret,
			struct pcrcast_error *e)
{
	bool at_most = p->address_len == 8;

	if (file.n < p->len)
		return err_set(e, PCRCAST_ETRUNC, 0, "an entry point %s has %zu bytes, the file has %zu",
			       p->anchor, p->len, file.n);
	uint64_t at = at_most ? get_u64le(file.p + p->address_at) : get_u32le(file.p + p->address_at);
	uint64_t len = at_most ? get_u32le(file.p + p->len_at) : get_u16le(file.p + p->len_at);
	if (at < p->len || at > file.n)
		return err_set(
			e, PCRCAST_EFORMAT, p->address_at,
			"the entry point places the table at byte %#llx, expected one of this file, from %zu to %zu",
			(unsigned long long)at, p->len, file.n);
	if (at_most && len > file.n - at)
		len = file.n - at;
	if (!slice_at(file, at, len, ret))
		return err_set(e, PCRCAST_ETRUNC, at,
			       "a table of %llu bytes by its entry point, the file has %zu more",
			       (unsigned long long)len, file.n - (size_t)at);
	return 0;
}

static int find_table(struct slice file, struct slice *ret, struct pcrcast_error *e)
{
	for (size_t i = 0; i < sizeof entry_points / sizeof entry_points[0]; i++)
		if (begins_with(file, entry_points[i].anchor))
			return table_behind(&entry_points[i], file, ret, e);
	if (begins_with(file, "_DMI_"))
		return err_set(e, PCRCAST_EUNSUPPORTED, 0,
			       "an entry point _DMI_, expected _SM3_ or _SM_, which UEFI knows");
	*ret = file;
	return 0;
}

/* ---- structures ---- */

/* The first two NULs in a row end a structure. at: where its strings begin. False: there are none. */
static bool find_end(struct slice table, size_t at, size_t *ret)
{
	for (; at + 1 < table.n; at++) {
		const uint8_t *nul = memchr(table.p + at, 0, table.n - 1 - at);

		if (!nul)
			return false;
		at = (size_t)(nul - table.p);
		if (nul[1] == 0) {
			*ret = at + 2;
			return true;
		}
	}
	return false;
}

/* One structure at byte at of the table, which is at byte base of the file. end is behind it. */
static int read_structure(struct slice table, size_t base, size_t at, struct smbios_structure *ret,
			  size_t *end, struct pcrcast_error *e)
{
	if (table.n == at)
		return err_set(e, PCRCAST_ETRUNC, base + at,
			       "the table ends without the structure that ends every table (type 127)");
	if (table.n - at < HEADER)
		return err_set(e, PCRCAST_ETRUNC, base + at,
			       "a structure begins with %d bytes, the table has %zu more", HEADER,
			       table.n - at);
	struct smbios_structure s = { .type = table.p[at], .fields_len = table.p[at + 1], .off = base + at };
	if (s.fields_len < HEADER)
		return err_set(e, PCRCAST_EFORMAT, base + at + 1,
			       "a structure of type %u has a length of %u bytes, expected at least %d",
			       s.type, s.fields_len, HEADER);
	if (s.fields_len > table.n - at)
		return err_set(e, PCRCAST_ETRUNC, base + at,
			       "a structure of type %u has a length of %u bytes, the table has %zu more",
			       s.type, s.fields_len, table.n - at);
	if (!find_end(table, at + s.fields_len, end))
		return err_set(e, PCRCAST_ETRUNC, base + at,
			       "the strings of a structure of type %u run past the end of the table", s.type);
	s.bytes = (struct slice){ table.p + at, *end - at };
	*ret = s;
	return 0;
}

int smbios_read(struct pool *pool, struct slice file, struct smbios_table *ret, struct pcrcast_error *e)
{
	struct smbios_table t = { .bytes = SLICE_EMPTY };
	struct slice table = SLICE_EMPTY;
	size_t at = 0;
	int r = find_table(file, &table, e);

	while (r == 0) {
		struct smbios_structure s;

		r = read_structure(table, (size_t)(table.p - file.p), at, &s, &at, e);
		if (r < 0)
			return r;
		t.bytes = (struct slice){ table.p, at };
		if (s.type == END_OF_TABLE)
			break;
		struct smbios_structure *place = pool_push(pool, &t.items, &t.n, &t.cap, sizeof *place);
		if (!place)
			return err_nomem(e);
		*place = s;
	}
	if (r == 0)
		*ret = t;
	return r;
}

const struct smbios_structure *smbios_find(const struct smbios_table *t, uint8_t type)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->items[i].type == type)
			return &t->items[i];
	return NULL;
}

/* ---- strings ---- */

struct slice smbios_strings(const struct smbios_structure *s)
{
	return (struct slice){ s->bytes.p + s->fields_len, s->bytes.n - s->fields_len };
}

bool smbios_next_string(struct slice *rest, struct slice *ret)
{
	return slice_split(rest, 0, ret) && ret->n; /* an empty one is the end */
}

bool smbios_field_string(const struct smbios_structure *s, size_t field, struct slice *ret)
{
	struct slice rest = smbios_strings(s);
	uint8_t number = field < s->fields_len ? s->bytes.p[field] : 0;

	for (unsigned i = 0; i < number; i++)
		if (!smbios_next_string(&rest, ret))
			return false;
	return number;
}
