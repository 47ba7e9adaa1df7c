/*
 * The SMBIOS table as EDK2 measures it to PCR 1: with what differs from machine to machine of one model, or from boot to boot, blanked
 * out.
 *
 * Source: EDK2 MdeModulePkg/Universal/SmbiosMeasurementDxe/SmbiosMeasurementDxe.c (edk2-stable202605); OVMF has this driver since
 * April 2025 (OvmfPkgX64.dsc). Offsets: DSP0134 3.7, sections 7.2 to 7.40.
 */
#include "predict/smbios_handoff.h"

#include "base/reader.h"

enum {
	HEADER = 4,
	ALL = 0,         /* instead of a length: everything behind the header */
	STRING = 255,    /* a byte with the number of a string; the string becomes spaces */
	OEM_TYPES = 128, /* of these and those above, all is blanked out */
};

static const struct blank {
	uint8_t type, off, len;
	bool newer; /* since edk2-stable202211 */
} blanks[] = {
	{ 1, 0x07, STRING, false }, /* system: serial number */
	{ 1, 0x08, 16, false },     /* UUID */
	{ 1, 0x18, 1, false },      /* wake-up type */
	{ 2, 0x07, STRING, false }, /* baseboard: serial number */
	{ 2, 0x0a, STRING, false }, /* location in the chassis */
	{ 3, 0x07, STRING, false }, /* chassis: serial number */
	{ 3, 0x08, STRING, false }, /* asset tag */
	{ 4, 0x11, 1, false },      /* processor: voltage */
	{ 4, 0x16, 2, true },       /* current speed */
	{ 4, 0x20, STRING, false }, /* serial number */
	{ 4, 0x21, STRING, false }, /* asset tag */
	{ 4, 0x22, STRING, false }, /* part number */
	{ 4, 0x23, 1, false },      /* cores */
	{ 4, 0x24, 1, false },      /* those enabled */
	{ 4, 0x25, 1, false },      /* threads */
	{ 4, 0x2a, 2, false },      /* the same three in 16 bits */
	{ 4, 0x2c, 2, false },       { 4, 0x2e, 2, false }, { 11, 0, ALL, false }, /* OEM strings */
	{ 15, 0, ALL, false },                                                     /* event log */
	{ 17, 0x18, STRING, false }, /* memory device: serial number */
	{ 17, 0x19, STRING, false }, /* asset tag */
	{ 17, 0x1a, STRING, false }, /* part number */
	{ 18, 0, ALL, false },       /* memory errors */
	{ 22, 0x07, STRING, false }, /* battery: serial number */
	{ 22, 0x10, 2, false },      /* serial number in the SBDS form */
	{ 22, 0x12, 2, false },      /* date in that form */
	{ 23, 0x05, 2, false },      /* resets */
	{ 27, 0x0c, 2, false },      /* speed of a cooling device */
	{ 31, 0, ALL, false },       /* boot integrity services */
	{ 33, 0, ALL, false },       /* memory errors, 64 bits */
	{ 39, 0x08, STRING, false }, /* power supply: serial number */
	{ 39, 0x09, STRING, false }, /* asset tag */
	{ 39, 0x0a, STRING, false }, /* part number */
};

/* ---- the event ---- */

bool smbios_handoff_is(const struct event *ev)
{
	static const struct guid tables[] = { SMBIOS_TABLE_GUID, SMBIOS3_TABLE_GUID };
	struct reader r = reader_over(ev->data);

	if (ev->content != CONTENT_PCCLIENT ||
	    (ev->type != (uint32_t)EV_EFI_HANDOFF_TABLES && ev->type != (uint32_t)EV_EFI_HANDOFF_TABLES2))
		return false;
	if (ev->type == (uint32_t)EV_EFI_HANDOFF_TABLES2)
		(void)reader_take(&r, reader_u8(&r)); /* a description */
	for (uint64_t n = reader_u64le(&r); n && !r.failed; n--) {
		struct slice guid = reader_take(&r, GUID_LEN);

		(void)reader_u64le(&r); /* its address */
		if (r.failed)
			break;
		struct guid g = guid_of_bytes(guid.p);
		if (guid_equal(&g, &tables[0]) || guid_equal(&g, &tables[1]))
			return true;
	}
	return false;
}

/* ---- the table ---- */

/* The number-th string of a structure, in place; NULL: there is none. */
static uint8_t *string_of(const struct smbios_structure *s, uint8_t *bytes, uint8_t number, size_t *ret_len)
{
	struct slice rest = smbios_strings(s), each = SLICE_EMPTY;

	for (unsigned i = 0; i < number; i++)
		if (!smbios_next_string(&rest, &each))
			return NULL;
	*ret_len = each.n;
	return bytes + (each.p - s->bytes.p);
}

/* bytes: the structure's own, to be changed. False: what EDK2 makes of it is not known. */
static bool blank_field(const struct smbios_structure *s, uint8_t *bytes, const struct blank *b)
{
	size_t len = b->len == STRING ? 1 : b->len, n = 0;

	if (b->len == ALL)
		memset(bytes + HEADER, 0, s->bytes.n - HEADER);
	if (b->len == ALL || s->fields_len < b->off + len)
		return true; /* a field that this structure does not have */
	if (b->len == STRING && s->bytes.p[b->off]) {
		uint8_t *text = string_of(s, bytes, s->bytes.p[b->off], &n);

		if (!text)
			return false;
		memset(text, ' ', n);
	}
	memset(bytes + b->off, 0, len);
	return true;
}

static bool blank_structure(const struct smbios_structure *s, uint8_t *bytes, bool newer)
{
	static const struct blank all = { .len = ALL };

	if (s->type >= OEM_TYPES)
		return blank_field(s, bytes, &all);
	for (size_t i = 0; i < sizeof blanks / sizeof blanks[0]; i++)
		if (blanks[i].type == s->type && (newer || !blanks[i].newer) &&
		    !blank_field(s, bytes, &blanks[i]))
			return false;
	return true;
}

static int make(const struct smbios_table *t, bool newer, uint8_t *bytes, struct smbios_handoff *h,
		struct pcrcast_error *e)
{
	bool known = true;
	int r = 0;

	memcpy(bytes, t->bytes.p, t->bytes.n);
	for (size_t i = 0; i < t->n && known; i++)
		known = blank_structure(&t->items[i], bytes + (t->items[i].bytes.p - t->bytes.p), newer);
	h->made[newer].known = known;
	for (enum alg a = 0; r == 0 && known && a < ALG_COUNT; a++)
		r = digest_of(a, (struct slice){ bytes, t->bytes.n }, &h->made[newer].digest[a], e);
	return r;
}

int smbios_handoff_make(const struct smbios_table *t, struct smbios_handoff *ret, struct pcrcast_error *e)
{
	struct smbios_handoff h = { 0 };
	struct pool pool = POOL_INIT;
	uint8_t *bytes = pool_array(&pool, t->bytes.n, 1);
	int r = bytes ? 0 : err_nomem(e);

	for (int newer = 0; r == 0 && newer < 2; newer++)
		r = make(t, newer, bytes, &h, e);
	pool_done(&pool);
	if (r == 0)
		*ret = h;
	return r;
}

static bool has_digests(const struct eventlog *log, const struct event *ev,
			const struct digest digests[static ALG_COUNT])
{
	bool any = false;

	for (enum alg a = 0; a < ALG_COUNT; a++) {
		struct slice logged = event_digest(ev, log, a);

		if (logged.n == 0)
			continue;
		if (logged.n != algs[a].len || memcmp(logged.p, digests[a].bytes, logged.n) != 0)
			return false;
		any = true;
	}
	return any;
}

bool smbios_handoff_fits(const struct smbios_handoff *h, const struct eventlog *log, const struct event *ev)
{
	for (size_t i = 0; i < sizeof h->made / sizeof h->made[0]; i++)
		if (h->made[i].known && has_digests(log, ev, h->made[i].digest))
			return true;
	return false;
}
