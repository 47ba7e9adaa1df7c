#include "uki/hwids.h"

#include "base/bytes.h"
#include "base/reader.h"

/* ---- .hwids ---- */

/* The NUL-terminated string at off. */
static bool string_at(struct slice s, uint64_t off, struct slice *ret)
{
	if (off >= s.n)
		return false;
	const uint8_t *end = memchr(s.p + off, 0, s.n - (size_t)off);
	if (!end)
		return false;
	*ret = (struct slice){ s.p + off, (size_t)(end - s.p) - (size_t)off };
	return true;
}

enum { HWID_LEN = 28 }; /* u32 type << 28 | length, GUID, u32 name offset, u32 string offset */

bool hwids_lookup(struct slice hwids, enum hwid_type type, bool devicetrees_only, const struct guid *ids,
		  size_t n_ids, struct slice *ret)
{
	size_t n = 0;
	struct slice ignored;

	/* The whole table must be sound before any entry counts; a zero descriptor or the section's end ends it. */
	for (; (n + 1) * HWID_LEN < hwids.n; n++) {
		const uint8_t *p = hwids.p + n * HWID_LEN;
		uint32_t descriptor = get_u32le(p), name = get_u32le(p + 20), string = get_u32le(p + 24);

		if (descriptor == 0)
			break;
		if (devicetrees_only ?
			    descriptor != (HWID_DEVICETREE << 28 | HWID_LEN) :
			    descriptor >> 28 != HWID_DEVICETREE && descriptor >> 28 != HWID_FIRMWARE)
			return false;
		if ((name && !string_at(hwids, name, &ignored)) ||
		    (string && !string_at(hwids, string, &ignored)))
			return false;
	}

	for (size_t i = 0; i < n_ids; i++)
		for (size_t k = 0; k < n; k++) {
			const uint8_t *p = hwids.p + k * HWID_LEN;
			uint32_t string = get_u32le(p + 24);

			if (get_u32le(p) >> 28 == type && memcmp(p + 4, ids[i].bytes, 16) == 0)
				return string && string_at(hwids, string, ret);
		}
	return false;
}

/* ---- device trees ---- */

enum { FDT_MAGIC = (int)0xd00dfeed, FDT_HEADER = 40, FDT_BEGIN_NODE = 1, FDT_PROP = 3, FDT_NOP = 4 };

bool devicetree_compatible(struct slice dtb, struct slice *ret)
{
	struct slice words, strings, name;

	if (dtb.n < FDT_HEADER || get_u32be(dtb.p) != (uint32_t)FDT_MAGIC)
		return false;
	uint32_t total = get_u32be(dtb.p + 4), at_words = get_u32be(dtb.p + 8),
		 at_strings = get_u32be(dtb.p + 12);
	uint32_t n_strings = get_u32be(dtb.p + 32), n_words = get_u32be(dtb.p + 36);
	if (total > dtb.n || (uint64_t)at_strings + n_strings > total || at_words % 4 || n_words % 4 ||
	    (uint64_t)at_words + n_words > at_strings || !slice_at(dtb, at_words, n_words, &words) ||
	    !slice_at(dtb, at_strings, n_strings, &strings))
		return false;

	/* The root node's name is empty; a second node means that the root's properties are over. */
	for (size_t i = 0; i + 4 <= words.n;) {
		uint32_t token = get_u32be(words.p + i);

		i += 4;
		if (token == FDT_NOP)
			continue;
		if (token == FDT_BEGIN_NODE) {
			if (i + 4 > words.n || get_u32be(words.p + i) != 0)
				return false;
			i += 4;
			continue;
		}
		if (token != FDT_PROP || i + 8 > words.n)
			return false;
		uint32_t len = get_u32be(words.p + i), name_at = get_u32be(words.p + i + 4);
		i += 8;
		if (string_at(strings, name_at, &name) && slice_equal_string(name, "compatible")) {
			struct slice value;

			return len && slice_at(words, i, len, &value) && value.p[len - 1] == 0 &&
			       string_at(value, 0, ret);
		}
		if (len > words.n)
			return false;
		i += (len + 3) / 4 * 4;
	}
	return false;
}

/* ---- firmware blobs ---- */

bool efifw_id(struct slice blob, struct slice *ret)
{
	enum { MAGIC = (int)0xfeeddead, MIN_HEADER = 16 };

	if (blob.n < MIN_HEADER || get_u32le(blob.p) != (uint32_t)MAGIC)
		return false;
	uint32_t header = get_u32le(blob.p + 4), id_len = get_u32le(blob.p + 8),
		 payload = get_u32le(blob.p + 12);
	struct slice id;
	if (header < MIN_HEADER || (uint64_t)header + id_len + payload > blob.n || id_len == 0 ||
	    !slice_at(blob, header, id_len, &id) || memchr(id.p, 0, id.n) != id.p + id.n - 1)
		return false;
	*ret = (struct slice){ id.p, id.n - 1 };
	return true;
}
