/*
 * What systemd makes of SMBIOS: OEM strings that add to command line and menu, and structures that are measured.
 *
 * Sources: systemd src/boot/smbios.c and measure-smbios.c (262); tpm2-pcr.h for the tags. How smbios.c finds a structure's end is
 * what DSP0134 says, so a sound table is cut up alike; what is no such table is refused when it is read.
 */
#include "base/bytes.h"
#include "predict/cc.h"
#include "predict/walk.h"
#include "uki/chid.h"

/* ---- OEM strings ---- */

static bool has_string(const char *const *strings, size_t n, const char *wanted)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(strings[i], wanted) == 0)
			return true;
	return false;
}

/* Only the first structure of type 11 is looked at, as if it had one byte behind its header (the number of strings). */
static int oem_strings(struct walk *w, const char ***ret, size_t *ret_n, struct pcrcast_error *e)
{
	enum { FIELDS = 5 };
	const struct smbios_structure *s = smbios_find(w->opt->smbios_table, SMBIOS_OEM_STRINGS);
	struct slice rest = s ? smbios_strings(s) : SLICE_EMPTY, each;
	size_t cap = 0;

	*ret = NULL;
	*ret_n = 0;
	if (s && s->fields_len != FIELDS)
		return err_set(
			e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			"--smbios-tables: the structure of type 11 at byte %zu has %u bytes of fields, "
			"expected %d",
			s->off, s->fields_len, FIELDS);
	while (smbios_next_string(&rest, &each)) {
		const char **place = pool_push(w->pool, ret, ret_n, &cap, sizeof *place);

		if (!place || !(*place = pool_text(w->pool, (const char *)each.p, each.n)))
			return err_nomem(e);
	}
	return 0;
}

/* Unless the user gives the machine's hardware ids. */
static int settle_chids(struct walk *w, struct pcrcast_error *e)
{
	struct guid *ids = pool_array(w->pool, CHIDS, sizeof *ids);

	if (!ids)
		return err_nomem(e);
	if (!w->opt->hardware.ids_known && chids_of_smbios(w->opt->smbios_table, ids)) {
		w->settled->hardware.ids_known = w->settled->hardware.ids_of_table = true;
		w->settled->hardware.ids = ids;
		w->settled->hardware.n_ids = CHIDS;
	}
	return 0;
}

int walk_settle_smbios(struct walk *w, struct pcrcast_error *e)
{
	const struct predict_options *o = w->opt;
	const char **strings;
	size_t n;

	if (!o->smbios_table)
		return 0;
	int r = oem_strings(w, &strings, &n, e);
	for (size_t i = 0; r == 0 && i < o->n_smbios; i++)
		if (!has_string(strings, n, o->smbios[i]))
			r = err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
				    "--smbios %s: no string of type 11 in the table of --smbios-tables",
				    o->smbios[i]);
	if (r == 0) {
		w->settled->smbios = strings;
		w->settled->n_smbios = n;
	}
	return r < 0 ? r : settle_chids(w, e);
}

const char *walk_smbios_option(const struct walk *w)
{
	return w->opt->smbios_table ? "--smbios-tables" : "--smbios";
}

enum event_origin walk_smbios_origin(const struct walk *w)
{
	return w->opt->smbios_table ? EVENT_COMPUTED : EVENT_ASSUMED;
}

int walk_reads_smbios(struct walk *w, bool *ret, struct pcrcast_error *e)
{
	*ret = !w->opt->confidential_vm;
	if (*ret && w->opt->smbios_table)
		w->used |= OPTION_SMBIOS_TABLES;
	else if (*ret && !w->opt->n_smbios)
		return walk_assume(w, "smbios", "none", "--smbios", e);
	return 0;
}

int walk_smbios(struct walk *w, const char *key, const char **ret, struct pcrcast_error *e)
{
	size_t n = strlen(key);
	bool read;
	int r = walk_reads_smbios(w, &read, e);

	*ret = NULL;
	for (size_t i = 0; r == 0 && read && i < w->opt->n_smbios; i++)
		if (strncmp(w->opt->smbios[i], key, n) == 0 && w->opt->smbios[i][n] == '=') {
			w->used |= OPTION_SMBIOS;
			*ret = w->opt->smbios[i] + n + 1;
			return walk_no_confidential_vm(w, e);
		}
	return r;
}

/* ---- structures in PCR 1 ---- */

static const struct measured {
	uint8_t type;
	uint32_t tag;
	const char *name, *what;
} measured[] = {
	{ SMBIOS_SYSTEM, 0xd5cb7cbc, "smbios:type1", "SMBIOS type 1 (system)" },
	{ SMBIOS_BASEBOARD, 0xe0d47bc8, "smbios:type2", "SMBIOS type 2 (baseboard)" },
	{ SMBIOS_OEM_STRINGS, 0xc0b3bd23, "smbios:type11", "SMBIOS type 11 (OEM strings)" },
};

/* The name in UTF-16 with a NUL is what systemd logs to CC registers, as EV_IPL. */
static bool is_name(struct slice data, const char *name)
{
	size_t n = strlen(name) + 1, same = 0;

	while (data.n == 2 * n && same < n && get_u16le(data.p + 2 * same) == (uint16_t)name[same])
		same++;
	return same == n;
}

bool smbios_event_known(const struct event *ev)
{
	bool tagged = ev->type == EV_EVENT_TAG && ev->data.n >= sizeof(uint32_t);

	for (size_t i = 0; i < sizeof measured / sizeof measured[0]; i++)
		if ((tagged && get_u32le(ev->data.p) == measured[i].tag) ||
		    (ev->type == EV_IPL && is_name(ev->data, measured[i].name)))
			return true;
	return false;
}

/*
 * The whole structure, strings and final NULs included; of type 1 without what woke the machine up, which changes (DSP0134,
 * section 7.2: u8 at offset 24).
 */
static int measure_structure(struct walk *w, const struct measured *m, const struct smbios_structure *s,
			     struct pcrcast_error *e)
{
	enum { WAKE_UP_TYPE = 24 };
	static const char short_system[] =
		"the SMBIOS structure of type 1 has no wake-up type, which systemd blanks out";
	struct event_text text = { m->what, pool_printf(w->pool, "--smbios-tables: bytes %zu to %zu", s->off,
							s->off + s->bytes.n) };
	struct slice bytes = s->bytes;
	struct blob hashed;

	if (!text.source)
		return err_nomem(e);
	if (s->type == SMBIOS_SYSTEM) {
		uint8_t *copy = pool_copy(w->pool, bytes.p, bytes.n);

		if (!copy)
			return err_nomem(e);
		if (s->fields_len <= WAKE_UP_TYPE)
			return walk_event_unknown(w, 1, EV_EVENT_TAG, text, short_system, NULL, e);
		copy[WAKE_UP_TYPE] = 0;
		bytes.p = copy;
	}
	int r = blob_of_bytes(w->pool, bytes, &hashed, e);
	return r < 0 ? r : walk_tagged(w, 1, m->tag, m->name, &hashed, text, e);
}

static int measure_table(struct walk *w, const struct smbios_table *t, struct pcrcast_error *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < t->n; i++)
		for (size_t k = 0; r == 0 && k < sizeof measured / sizeof measured[0]; k++)
			if (measured[k].type == t->items[i].type)
				r = measure_structure(w, &measured[k], &t->items[i], e);
	return r;
}

int walk_smbios_structures(struct walk *w, struct pcrcast_error *e)
{
	static const char not_there[] =
		"the boot loader measures SMBIOS structures of the machine, which the baseline's boot did not";
	const struct smbios_table *t = w->opt->smbios_table;
	struct event_text text = { "SMBIOS structures", "hardware" };
	const char *doubt = cc_smbios_doubt(w);
	bool any;

	if (w->smbios_measured)
		return 0;
	w->smbios_measured = true;
	if (doubt)
		return walk_event_unknown(w, 1, EV_EVENT_TAG, text, doubt, NULL, e);
	int r = baseline_smbios(w, !t, &any, e);
	if (r < 0)
		return r;
	if (t) {
		w->used |= OPTION_SMBIOS_TABLES;
		return measure_table(w, t, e);
	}
	if (any)
		return walk_assume(w, "smbios-structures", "those of the baseline's machine",
				   "--smbios-tables", e);
	return walk_event_unknown(w, 1, EV_EVENT_TAG, text,
				  w->baseline ? not_there :
						"the boot loader measures SMBIOS structures of the machine",
				  "--smbios-tables", e);
}
