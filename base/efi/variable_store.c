/*
 * The non-volatile variable store of EDK2.
 *
 * Sources: Platform Initialization Specification 1.8, volume 3, section 3.2.1 (EFI_FIRMWARE_VOLUME_HEADER); EDK2
 * edk2-stable202605, MdeModulePkg/Include/Guid/VariableFormat.h and Variable/RuntimeDxe/VariableParsing.c.
 */
#include "base/efi/variable_store.h"

#include "base/bytes.h"
#include "base/efi/variable.h"
#include "base/reader.h"

enum {
	FV_HEADER_MIN = 56, /* without its block map */
	FV_SIGNATURE_OFF = 40,
	FORMATTED = 0x5a, /* VARIABLE_STORE_FORMATTED */
	HEALTHY = 0xfe,   /* VARIABLE_STORE_HEALTHY */
	START_ID = 0x55aa,
	ALIGNMENT = 4, /* of a variable's header */
	/* State: each step of a variable's life clears one more bit. */
	STATE_ADDED = 0x3f,
	STATE_IN_DELETED_TRANSITION = 0x3e, /* a newer one is being written; counts until that is there */
};

static const struct guid nv_data =
	GUID(0xfff12b8d, 0x7696, 0x4c8b, 0xa9, 0x85, 0x27, 0x47, 0x07, 0x5b, 0x4f, 0x50);

/* The two kinds of store: with the fields that authenticated variables need, and without. */
static const struct {
	struct guid guid;
	bool authenticated;
} kinds[] = {
	{ GUID(0xaaf32c78, 0x947b, 0x439a, 0xa1, 0x80, 0x2e, 0x14, 0x4e, 0xc3, 0x77, 0x92), true },
	{ GUID(0xddcf3616, 0x3275, 0x4164, 0x98, 0xb6, 0xfe, 0x85, 0x70, 0x7f, 0xfe, 0x7d), false },
};

/* The volume's header. r is moved behind it, and confined to the volume. */
static int read_volume(struct reader *r, struct pcrcast_error *e)
{
	struct slice zero_vector = reader_take(r, GUID_LEN), fs = reader_take(r, GUID_LEN);
	uint64_t len = reader_u64le(r);
	struct slice signature = reader_take(r, 4);

	(void)zero_vector; /* reset vector; some tools put something there */
	(void)reader_u32le(r);
	uint16_t header_len = reader_u16le(r), sum = 0;
	if (r->failed || header_len < FV_HEADER_MIN || header_len % 2 || header_len > r->end)
		return err_set(e, PCRCAST_ETRUNC, 0,
			       "a firmware volume header of %u bytes in a file of %zu, expected at least %d",
			       header_len, r->end, FV_HEADER_MIN);
	struct guid g = guid_of_bytes(fs.p);
	if (!guid_equal(&g, &nv_data) || !slice_equal_string(signature, "_FVH"))
		return err_set(e, PCRCAST_EUNSUPPORTED, GUID_LEN,
			       "a firmware volume, but not one that holds variables");
	for (size_t i = 0; i < header_len; i += 2)
		sum = (uint16_t)(sum + get_u16le(r->base + i));
	if (sum != 0)
		return err_set(e, PCRCAST_EFORMAT, 50,
			       "the firmware volume header's checksum is off by 0x%04x", sum);
	if (len > r->end || len < header_len)
		return err_set(e, PCRCAST_ETRUNC, 32, "a firmware volume of %llu bytes in a file of %zu",
			       (unsigned long long)len, r->end);
	*r = (struct reader){ .base = r->base, .pos = header_len, .end = (size_t)len };
	return 0;
}

/* The store's header. r is moved behind it, and confined to the store. */
static int read_store_header(struct reader *r, bool *ret_authenticated, struct pcrcast_error *e)
{
	size_t at = r->pos;
	struct slice type = reader_take(r, GUID_LEN);
	uint32_t len = reader_u32le(r);
	uint8_t format = reader_u8(r), state = reader_u8(r);

	(void)reader_take(r, 6); /* reserved */
	if (r->failed)
		return err_set(e, PCRCAST_ETRUNC, at, "the variable store's header is cut short");
	struct guid g = guid_of_bytes(type.p);
	size_t k = 0;
	while (k < sizeof kinds / sizeof kinds[0] && !guid_equal(&g, &kinds[k].guid))
		k++;
	if (k == sizeof kinds / sizeof kinds[0]) {
		char text[GUID_TEXT];

		guid_format(&g, text);
		return err_set(e, PCRCAST_EUNSUPPORTED, at, "variable store of the unknown kind %s", text);
	}
	if (format != FORMATTED || state != HEALTHY)
		return err_set(e, PCRCAST_EFORMAT, at + 20,
			       "variable store in format 0x%02x, state 0x%02x, expected 0x%02x, 0x%02x",
			       format, state, FORMATTED, HEALTHY);
	if (len > r->end - at || len < r->pos - at)
		return err_set(e, PCRCAST_ETRUNC, at + GUID_LEN,
			       "a variable store of %u bytes where %zu are left", len, r->end - at);
	r->end = at + len;
	*ret_authenticated = kinds[k].authenticated;
	return 0;
}

struct stored {
	size_t off;
	uint8_t state;
	uint32_t attributes;
	struct guid guid;
	struct slice name, data;
};

/* GetDataSize and GetNameSize of VariableParsing.c: sizes that were never written count as none. */
static uint32_t written(uint32_t size, bool current)
{
	return size == UINT32_MAX && !current ? 0 : size;
}

/* The next variable, whatever its state. *ret_more: false at the end of the variables. */
static int read_stored(struct reader *r, bool authenticated, struct stored *ret, bool *ret_more,
		       struct pcrcast_error *e)
{
	struct stored s;

	r->pos += (ALIGNMENT - r->pos % ALIGNMENT) % ALIGNMENT;
	*ret_more = r->pos < r->end && r->end - r->pos >= 2;
	if (!*ret_more)
		return 0;
	s.off = r->pos;
	uint16_t start = reader_u16le(r);
	if (start == 0xffff || start == 0) { /* flash is erased to ones; some tools fill with zeros */
		*ret_more = false;
		return 0;
	}
	if (start != START_ID)
		return err_set(e, PCRCAST_EFORMAT, s.off, "0x%04x where a variable would begin with 0x%04x",
			       start, START_ID);
	s.state = reader_u8(r);
	(void)reader_u8(r); /* reserved */
	s.attributes = reader_u32le(r);
	if (authenticated)
		(void)reader_take(r, 8 + 16 + 4); /* monotonic count, time, index of the public key */
	bool current = s.state == STATE_ADDED || s.state == STATE_IN_DELETED_TRANSITION;
	uint32_t name_len = written(reader_u32le(r), current), data_len = written(reader_u32le(r), current);
	struct slice guid = reader_take(r, GUID_LEN);
	s.name = reader_take(r, name_len);
	s.data = reader_take(r, data_len);
	if (r->failed)
		return err_set(
			e, PCRCAST_ETRUNC, s.off,
			"a variable with a name of %u bytes and data of %u runs past the end of the store at %zu",
			name_len, data_len, r->end);
	s.guid = guid_of_bytes(guid.p);
	*ret = s;
	return 0;
}

static int name_of(struct pool *pool, const struct stored *s, const char **ret, struct pcrcast_error *e)
{
	size_t units = s->name.n / 2;

	for (size_t i = 0; i < units; i++)
		if ((get_u16le(s->name.p + 2 * i) == 0) != (i + 1 == units))
			units = 0;
	if (units < 2 || s->name.n % 2)
		return err_set(e, PCRCAST_EFORMAT, s->off,
			       "a variable's name of %zu bytes, expected UTF-16 with a NUL at its end",
			       s->name.n);
	*ret = utf16le_text(pool, s->name);
	return *ret ? 0 : err_nomem(e);
}

/* The variables in one state. A variable that counts (STATE_ADDED) replaces one in transition. */
static int collect(struct pool *pool, struct reader r, bool authenticated, uint8_t state,
		   struct firmware_variables *ret, struct pcrcast_error *e)
{
	struct firmware_variables added = FIRMWARE_VARIABLES_INIT;
	struct stored s = { .name = SLICE_EMPTY, .data = SLICE_EMPTY };
	bool more = false;
	int rc;

	while ((rc = read_stored(&r, authenticated, &s, &more, e)) == 0 && more) {
		struct firmware_variable v = { .guid = s.guid, .attributes = s.attributes, .data = s.data };

		if (s.state != state)
			continue;
		rc = name_of(pool, &s, &v.name, e);
		/* EDK2 takes the last of several in transition; of several that count none should be. */
		if (rc == 0 && state == STATE_ADDED)
			rc = firmware_variables_add(pool, &added, v, s.off, e);
		if (rc == 0)
			rc = firmware_variables_set(pool, ret, v, e);
		if (rc < 0)
			return rc;
	}
	return rc;
}

int variable_store_read_edk2(struct pool *pool, struct slice bytes, struct firmware_variables *ret,
			     struct pcrcast_error *e)
{
	struct firmware_variables v = FIRMWARE_VARIABLES_INIT;
	struct reader r = reader_over(bytes);
	bool authenticated = false;

	int rc = read_volume(&r, e);
	if (rc == 0)
		rc = read_store_header(&r, &authenticated, e);
	if (rc == 0)
		rc = collect(pool, r, authenticated, STATE_IN_DELETED_TRANSITION, &v, e);
	if (rc == 0)
		rc = collect(pool, r, authenticated, STATE_ADDED, &v, e);
	if (rc < 0)
		return rc;
	v.whole = true;
	*ret = v;
	return 0;
}

int variable_store_read(struct pool *pool, struct slice bytes, struct slice dictionary,
			struct firmware_variables *ret, struct pcrcast_error *e)
{
	struct slice part;

	if (variable_store_is_aws(bytes))
		return variable_store_read_aws(pool, bytes, dictionary, ret, e);

	if (slice_at(bytes, FV_SIGNATURE_OFF, 4, &part) && slice_equal_string(part, "_FVH"))
		return variable_store_read_edk2(pool, bytes, ret, e);
	if (slice_at(bytes, 0, 4, &part) && slice_equal_string(part, "QFI\xfb"))
		return err_set(
			e, PCRCAST_EUNSUPPORTED, 0,
			"a variable store in a QCOW2 image: convert it with \"qemu-img convert -O raw\"");
	for (size_t i = 0; i < bytes.n && i < 64; i++) {
		if (bytes.p[i] == '{')
			return variable_store_read_json(pool, bytes, ret, e);
		if (!strchr(" \t\r\n", bytes.p[i]))
			break;
	}
	return err_set(
		e, PCRCAST_EUNSUPPORTED, 0,
		"no variable store: expected EDK2's (OVMF_VARS.fd), JSON of virt-firmware or QEMU, UefiData of EC2, or a directory of efivars");
}
