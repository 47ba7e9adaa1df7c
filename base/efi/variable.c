#include "base/efi/variable.h"

#include "base/bytes.h"
#include "base/reader.h"

char *utf16le_text(struct pool *pool, struct slice bytes)
{
	size_t n = bytes.n / 2, len = 0;
	uint16_t *units = pool_array(pool, n + 1, sizeof *units);

	if (!units)
		return NULL;
	for (; len < n && get_u16le(bytes.p + 2 * len); len++)
		units[len] = get_u16le(bytes.p + 2 * len);
	return utf16_to_utf8(pool, (struct utf16){ units, len });
}

/* Lengths are 64-bit (PFP), but UINTN in the older TCG EFI Platform Specification 1.22, that is 32-bit on such firmware. */
static bool read_layout(struct slice bytes, bool narrow, struct guid *guid, struct slice *name,
			struct slice *data, struct slice *rest)
{
	struct reader r = reader_over(bytes);
	struct slice id = reader_take(&r, GUID_LEN);
	uint64_t units = narrow ? reader_u32le(&r) : reader_u64le(&r);
	uint64_t len = narrow ? reader_u32le(&r) : reader_u64le(&r);

	if (r.failed || units > bytes.n / 2)
		return false;
	*name = reader_take(&r, 2 * units);
	*data = reader_take(&r, len);
	if (r.failed)
		return false;
	*guid = guid_of_bytes(id.p);
	*rest = (struct slice){ bytes.p + r.pos, reader_left(&r) };
	return true;
}

/* A truncated variable of the wide layout can look like a whole one of the narrow layout, but for its name. */
static bool is_name(struct slice name)
{
	for (size_t i = 0; i < name.n; i += 2)
		if (get_u16le(name.p + i) < 0x20)
			return false;
	return name.n > 0;
}

const char *efi_variable_read(struct pool *pool, struct slice bytes, struct efi_variable *ret)
{
	struct efi_variable v = { .rest = SLICE_EMPTY };
	struct slice name;

	if (!read_layout(bytes, false, &v.guid, &name, &v.data, &v.rest) &&
	    !(read_layout(bytes, true, &v.guid, &name, &v.data, &v.rest) && v.rest.n == 0 && is_name(name))) {
		const char *why =
			bytes.n < 32 ?
				pool_printf(pool,
					    "%zu bytes are too few for a variable, which begins with 32",
					    bytes.n) :
				pool_printf(
					pool,
					"a variable name of %llu characters and %llu bytes of data in %zu bytes",
					(unsigned long long)get_u64le(bytes.p + 16),
					(unsigned long long)get_u64le(bytes.p + 24), bytes.n);

		return why ? why : "out of memory";
	}
	v.name = utf16le_text(pool, name);
	if (!v.name)
		return "out of memory";
	*ret = v;
	return NULL;
}

const char *load_option_read(struct pool *pool, struct slice bytes, struct load_option *ret)
{
	struct reader r = reader_over(bytes);
	struct load_option o = { .attributes = reader_u32le(&r) };
	uint16_t paths_len = reader_u16le(&r);

	if (r.failed)
		return "too short for a load option, which begins with 6 bytes";
	size_t from = r.pos;
	while (!r.failed && reader_u16le(&r))
		;
	if (r.failed)
		return "the description of the load option has no end";
	o.description = utf16le_text(pool, (struct slice){ bytes.p + from, r.pos - from });
	if (!o.description)
		return "out of memory";
	o.paths = reader_take(&r, paths_len);
	if (r.failed) {
		const char *why = pool_printf(pool, "a list of device paths of %u bytes where %zu are left",
					      paths_len, reader_left(&r));

		return why ? why : "out of memory";
	}
	o.optional_data = (struct slice){ bytes.p + r.pos, reader_left(&r) };
	*ret = o;
	return NULL;
}
