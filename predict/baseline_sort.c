/*
 * Whose events are those of a recorded log: the firmware's, or those of the chain that it booted?
 *
 * Sources: PFP 1.06, sections 3.3.4 (what goes into which register), 8.2.4 (the boot attempts in PCR 4) and 10.4.4 (the
 * actions); EDK2 BmBoot.c and DxeTpm2MeasureBootLib.c; UEFI 2.10, section 10.3 (device paths). The order is that of some
 * eighty recorded logs: firmware may load applications of its own before the separators (laptops of Dell and HP), logs no
 * "Calling…" at all (servers of Supermicro), tries several boot options, and measures the partition table just before
 * it loads the file.
 */
#include "predict/baseline.h"

#include "base/reader.h"

enum {
	IMAGE_LOAD_FIXED = 24, /* UEFI_IMAGE_LOAD_EVENT up to the length of its device path */
	NODE_MEDIA = 4,        /* device path types and subtypes, UEFI 2.10 section 10.3.5 */
	NODE_FV_FILE = 6,
};

static const char calling[] = "Calling EFI Application from Boot Option";
static const char returning[] = "Returning from EFI Application from Boot Option";

/* Where in the boot an event stands. */
enum part {
	PART_BEFORE = 1, /* before the attempt that led to the chain */
	PART_LOAD = 2,   /* from there up to the loading of the first EFI file */
	PART_CHAIN = 4,  /* from there on */
};

/* Which events a row speaks of, besides their place and register. */
enum kind {
	ANY,
	LOG_ONLY, /* EV_NO_ACTION */
	FOREIGN,  /* not the firmware log's form */
	SEPARATOR,
	GPT,
	AUTHORITY,
	EXIT_ACTION, /* "Exit Boot Services…" */
	RETURN_ACTION,
	DRIVER,
	SMBIOS,
};

#define PCRS(a, b) ((UINT32_C(2) << (b)) - (UINT32_C(1) << (a)))
#define ALL_PCRS UINT32_MAX

/* The first row that fits an event decides. */
static const struct rule {
	unsigned parts;
	uint32_t pcrs; /* bit i: PCR i; numbers above 31 only fit ALL_PCRS */
	enum kind kind;
	enum baseline_place place;
	const char *reason;
} rules[] = {
	{ PART_BEFORE | PART_LOAD | PART_CHAIN, ALL_PCRS, FOREIGN, BASELINE_NOWHERE,
	  "measured by the operating system" },
	{ PART_CHAIN, ALL_PCRS, LOG_ONLY, BASELINE_NOWHERE, "speaks of the log only" },
	{ PART_BEFORE, ALL_PCRS, ANY, BASELINE_BEFORE, "the firmware's, before the boot attempt" },
	{ PART_LOAD, 1 << 5, GPT, BASELINE_TABLE, "the partition table of the disk that was booted" },
	{ PART_LOAD, 1 << 7, AUTHORITY, BASELINE_NOWHERE, "says who vouched for the old chain's first file" },
	{ PART_LOAD, ALL_PCRS, ANY, BASELINE_BEFORE, "the firmware's, before it loaded the first EFI file" },
	{ PART_CHAIN, PCRS(0, 7), SEPARATOR, BASELINE_AFTER, "a separator is the firmware's" },
	{ PART_CHAIN, 1 << 5, EXIT_ACTION, BASELINE_AFTER, "the firmware's, when boot services ended" },
	{ PART_CHAIN, 1 << 5, GPT, BASELINE_TABLE, "the partition table of the disk that was booted" },
	{ PART_CHAIN, 1 << 1, SMBIOS, BASELINE_SMBIOS,
	  "SMBIOS structures that the old chain measured: no boot loader measures them in this boot" },
	{ PART_CHAIN, 1 << 2, DRIVER, BASELINE_NOWHERE, "a driver that the old chain loaded" },
	{ PART_CHAIN, PCRS(0, 3) | 1 << 6, ANY, BASELINE_AFTER, "the firmware's register" },
	{ PART_CHAIN, 1 << 7, AUTHORITY, BASELINE_NOWHERE, "says who vouched for a file of the old chain" },
	{ PART_CHAIN, 1 << 4, RETURN_ACTION, BASELINE_NOWHERE, "the old chain came back to the firmware" },
	{ PART_CHAIN, ALL_PCRS, ANY, BASELINE_NOWHERE, "the old chain's" },
};

static bool is_action(const struct event *ev, const char *text)
{
	size_t n = strlen(text);

	return (ev->type == (uint32_t)EV_EFI_ACTION || ev->type == EV_ACTION) && ev->data.n >= n &&
	       memcmp(ev->data.p, text, n) == 0;
}

static bool is_smbios(const struct event *ev)
{
	struct reader r = reader_over(ev->data);
	uint32_t tag = reader_u32le(&r);

	return ev->type == EV_EVENT_TAG && !r.failed && smbios_tag_known(tag);
}

/* Does an event speak of an application that lies in the firmware itself? */
static bool in_firmware(const struct event *ev)
{
	struct reader r = reader_over(ev->data);

	(void)reader_take(&r, IMAGE_LOAD_FIXED);
	uint64_t len = reader_u64le(&r);
	while (!r.failed && len >= 4) {
		uint8_t type = reader_u8(&r), subtype = reader_u8(&r);
		uint16_t node = reader_u16le(&r);

		if (r.failed || node < 4 || node > len)
			return false;
		if (type == NODE_MEDIA && subtype == NODE_FV_FILE)
			return true;
		(void)reader_take(&r, node - 4u);
		len -= node;
	}
	return false;
}

static bool is_of_kind(const struct event *ev, enum kind kind)
{
	switch (kind) {
	case ANY:
		return true;
	case LOG_ONLY:
		return ev->type == EV_NO_ACTION;
	case FOREIGN:
		return ev->content != CONTENT_PCCLIENT;
	case SEPARATOR:
		return ev->type == EV_SEPARATOR;
	case GPT:
		return ev->type == (uint32_t)EV_EFI_GPT_EVENT || ev->type == (uint32_t)EV_EFI_GPT_EVENT2;
	case AUTHORITY:
		return ev->type == (uint32_t)EV_EFI_VARIABLE_AUTHORITY;
	case EXIT_ACTION:
		return is_action(ev, "Exit Boot Services");
	case RETURN_ACTION:
		return is_action(ev, returning);
	case DRIVER:
		return ev->type == (uint32_t)EV_EFI_BOOT_SERVICES_DRIVER ||
		       ev->type == (uint32_t)EV_EFI_RUNTIME_SERVICES_DRIVER;
	case SMBIOS:
		return is_smbios(ev);
	}
	return false;
}

static const struct rule *rule_of(const struct event *ev, enum part part)
{
	const struct rule *r = rules;

	while (!((r->parts & part) &&
		 (r->pcrs == ALL_PCRS || (ev->pcr < PCR_COUNT && r->pcrs & UINT32_C(1) << ev->pcr)) &&
		 is_of_kind(ev, r->kind)))
		r++; /* the last row fits all of PART_CHAIN, those before it all of the others */
	return r;
}

/* Find the last boot attempt and the file that it started. */
static int find_chain(struct baseline *b, struct pcrcast_error *e)
{
	const struct eventlog *log = b->log;
	size_t n_separators = 0, n_calls = 0;

	b->attempt = b->first = SIZE_MAX;
	for (size_t i = 0; i < log->n_events; i++) {
		const struct event *ev = &log->events[i];

		if (ev->pcr != 4 || ev->content != CONTENT_PCCLIENT)
			continue;
		if (ev->type == EV_SEPARATOR && ++n_separators > 1)
			return err_set(
				e, PCRCAST_EFORMAT, ev->offset,
				"event %zu: a second separator in PCR 4: the log of more than one boot", i);
		n_calls += is_action(ev, calling);
		if (ev->type == EV_SEPARATOR || is_action(ev, calling)) {
			b->attempt = i;
			b->first = SIZE_MAX;
		} else if (b->first == SIZE_MAX && n_separators &&
			   ev->type == (uint32_t)EV_EFI_BOOT_SERVICES_APPLICATION && !in_firmware(ev)) {
			b->first = i;
		}
	}
	if (!n_separators)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "no separator in PCR 4: where the firmware's own events end cannot be told");
	if (b->first == SIZE_MAX)
		return err_set(
			e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			"no EFI application was started behind the last boot attempt in PCR 4 (event %zu)",
			b->attempt);
	b->n_failed = n_calls > 1 ? (unsigned)(n_calls - 1) : 0;
	return 0;
}

/* Firmware that measures the table early: the only one, and no file was loaded from another disk before. */
static void find_early_table(struct baseline *b)
{
	size_t found = SIZE_MAX;

	for (size_t i = 0; i < b->attempt; i++)
		if (b->log->events[i].pcr == 5 && is_of_kind(&b->log->events[i], GPT)) {
			if (found != SIZE_MAX)
				return;
			found = i;
		}
	if (found == SIZE_MAX || b->n_failed)
		return;
	b->places[found] = BASELINE_TABLE;
	b->events[found].reason = "the partition table of the disk that was booted";
	b->table_seen = true;
}

int baseline_sort(struct pool *pool, const struct eventlog *log, const char *name, struct baseline *ret,
		  struct pcrcast_error *e)
{
	struct baseline b = { .log = log, .name = name };

	if (log->kind == EVENTLOG_CC || log->kind == EVENTLOG_IMA || log->kind == EVENTLOG_SYSTEMD)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "a log of kind %s, expected one of a firmware's TPM events",
			       eventlog_kind_name(log->kind));
	int r = find_chain(&b, e);
	if (r < 0)
		return r;
	b.events = pool_array(pool, log->n_events, sizeof *b.events);
	b.places = pool_array(pool, log->n_events, sizeof *b.places);
	if (!b.events || !b.places)
		return err_nomem(e);
	for (size_t i = 0; i < log->n_events; i++) {
		const struct event *ev = &log->events[i];
		const struct rule *rule = rule_of(ev, i < b.attempt ? PART_BEFORE :
						      i < b.first   ? PART_LOAD :
								      PART_CHAIN);

		b.events[i] = (struct baseline_event){ ev->pcr, ev->type, false, rule->reason };
		b.places[i] = rule->place;
		b.table_seen |= rule->place == BASELINE_TABLE;
		b.left_again |= rule->kind == RETURN_ACTION;
		b.exits |= rule->kind == EXIT_ACTION;
	}
	if (!b.table_seen)
		find_early_table(&b);
	*ret = b;
	return 0;
}

bool baseline_variable(struct pool *pool, const struct eventlog *log, const char *name,
		       struct efi_variable *ret)
{
	bool found = false;

	for (size_t i = 0; i < log->n_events; i++) {
		const struct event *ev = &log->events[i];
		struct efi_variable v;

		if (ev->pcr != 7 || ev->type != (uint32_t)EV_EFI_VARIABLE_DRIVER_CONFIG ||
		    ev->content != CONTENT_PCCLIENT || efi_variable_read(pool, ev->data, &v) ||
		    strcmp(v.name, name) != 0)
			continue;
		*ret = v;
		found = true;
	}
	return found;
}
