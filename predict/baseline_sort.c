/*
 * Whose events are those of a recorded log: the firmware's, or those of the chain that it booted?
 *
 * Sources: PFP 1.06, section 3.3.4 (what goes into which register); EDK2 BmBoot.c, DxeTpm2MeasureBootLib.c and
 * TdTcg2Dxe.c; systemd 261, tpm2-pcr.h and measure-smbios.c. The order is that of some eighty recorded logs of PCRs:
 * firmware may load applications of its own before the separators (laptops of Dell and HP), logs no "Calling…" at all
 * (servers of Supermicro), tries several boot options, and measures the partition table just before it loads the
 * file; and of nine of CC registers.
 */
#include "base/reader.h"
#include "eventlog/cc.h"
#include "predict/baseline_impl.h"

static const char returning[] = "Returning from EFI Application from Boot Option";

/* Which events a row speaks of, besides their place and register. */
enum kind {
	ANY,
	LOG_ONLY, /* EV_NO_ACTION */
	FOREIGN,  /* not the firmware log's form, or of a register that only a running system extends */
	SEPARATOR,
	GPT,
	AUTHORITY,
	EXIT_ACTION, /* "Exit Boot Services…" */
	RETURN_ACTION,
	DRIVER,
	SMBIOS,
	APPLICATION,
	LOADER,    /* EV_IPL and EV_EVENT_TAG: no firmware logs them behind a boot attempt */
	OF_KERNEL, /* what firmware of 2022 says of the kernel and the command line that QEMU passes */
};

/*
 * In which logs a row counts. In logs of CC registers a register is any of the PCRs that it stands for (UEFI 2.10,
 * 38.4.1).
 */
enum { OF_PCRS = 1, OF_CC = 2, OF_BOTH = OF_PCRS | OF_CC };

#define PCRS(a, b) ((UINT32_C(2) << (b)) - (UINT32_C(1) << (a)))
#define ALL_PCRS UINT32_MAX
#define ALL_PARTS (PART_BEFORE | PART_LOAD | PART_BETWEEN | PART_CHAIN)

/* The first row that fits an event decides. */
static const struct rule {
	unsigned logs;
	unsigned parts;
	uint32_t pcrs; /* bit i: PCR i; numbers above 31 only fit ALL_PCRS */
	enum kind kind;
	enum baseline_place place;
	const char *reason;
} rules[] = {
	{ OF_BOTH, ALL_PARTS, ALL_PCRS, FOREIGN, BASELINE_NOWHERE, "measured by the operating system" },
	{ OF_BOTH, PART_CHAIN, ALL_PCRS, LOG_ONLY, BASELINE_NOWHERE, "speaks of the log only" },
	{ OF_CC, PART_BEFORE | PART_BETWEEN, PCRS(2, 6), OF_KERNEL, BASELINE_UNSURE,
	  "the firmware may speak of the kernel or the command line that QEMU passed, and these are the old ones" },
	{ OF_BOTH, PART_BEFORE, ALL_PCRS, ANY, BASELINE_BEFORE, "the firmware's, before the boot attempt" },
	{ OF_BOTH, PART_LOAD, 1 << 5, GPT, BASELINE_TABLE,
	  "the partition table of the disk that was booted" },
	{ OF_BOTH, PART_LOAD, 1 << 7, AUTHORITY, BASELINE_NOWHERE,
	  "says who vouched for the old chain's first file" },
	{ OF_BOTH, PART_LOAD, ALL_PCRS, ANY, BASELINE_BEFORE,
	  "the firmware's, before it loaded the first EFI file" },
	{ OF_BOTH, PART_BETWEEN, ALL_PCRS, ANY, BASELINE_BETWEEN,
	  "the firmware's, before it started the file that QEMU passed" },
	{ OF_BOTH, PART_CHAIN, PCRS(0, 7), SEPARATOR, BASELINE_AFTER, "a separator is the firmware's" },
	{ OF_BOTH, PART_CHAIN, 1 << 5, EXIT_ACTION, BASELINE_AFTER,
	  "the firmware's, when boot services ended" },
	{ OF_BOTH, PART_CHAIN, 1 << 5, GPT, BASELINE_TABLE,
	  "the partition table of the disk that was booted" },
	{ OF_BOTH, PART_CHAIN, 1 << 1, SMBIOS, BASELINE_SMBIOS,
	  "SMBIOS structures that the old chain measured: no boot loader measures them in this boot" },
	{ OF_BOTH, PART_CHAIN, 1 << 2, DRIVER, BASELINE_NOWHERE, "a driver that the old chain loaded" },
	{ OF_PCRS, PART_CHAIN, PCRS(0, 3) | 1 << 6, ANY, BASELINE_AFTER, "the firmware's register" },
	{ OF_BOTH, PART_CHAIN, 1 << 7, AUTHORITY, BASELINE_NOWHERE,
	  "says who vouched for a file of the old chain" },
	{ OF_BOTH, PART_CHAIN, 1 << 4, RETURN_ACTION, BASELINE_NOWHERE,
	  "the old chain came back to the firmware" },
	{ OF_CC, PART_CHAIN, 1 << 4, APPLICATION, BASELINE_NOWHERE, "an image that the old chain loaded" },
	{ OF_CC, PART_CHAIN, 1 << 5, LOADER, BASELINE_NOWHERE, "the old chain's" },
	/* what is left of RTMR0 and RTMR1, which have registers of the firmware and of the chain in one */
	{ OF_CC, PART_CHAIN, PCRS(0, 7), ANY, BASELINE_UNSURE,
	  "an event of the baseline may be the firmware's or the old chain's: its type does not tell" },
	{ OF_BOTH, PART_CHAIN, ALL_PCRS, ANY, BASELINE_NOWHERE, "the old chain's" },
};

static bool is_of_kind(const struct eventlog *log, const struct event *ev, enum kind kind)
{
	switch (kind) {
	case ANY:
		return true;
	case LOG_ONLY:
		return ev->type == EV_NO_ACTION;
	case FOREIGN:
		return ev->content != CONTENT_PCCLIENT || (log->kind == EVENTLOG_CC && ev->pcr >= CC_RTMR3);
	case SEPARATOR:
		return ev->type == EV_SEPARATOR;
	case GPT:
		return ev->type == (uint32_t)EV_EFI_GPT_EVENT || ev->type == (uint32_t)EV_EFI_GPT_EVENT2;
	case AUTHORITY:
		return ev->type == (uint32_t)EV_EFI_VARIABLE_AUTHORITY;
	case EXIT_ACTION:
		return baseline_is_action(ev, "Exit Boot Services");
	case RETURN_ACTION:
		return baseline_is_action(ev, returning);
	case DRIVER:
		return ev->type == (uint32_t)EV_EFI_BOOT_SERVICES_DRIVER ||
		       ev->type == (uint32_t)EV_EFI_RUNTIME_SERVICES_DRIVER;
	case SMBIOS:
		return smbios_event_known(ev);
	case APPLICATION:
		return ev->type == (uint32_t)EV_EFI_BOOT_SERVICES_APPLICATION;
	case LOADER:
		return ev->type == EV_IPL || ev->type == EV_EVENT_TAG;
	case OF_KERNEL:
		return ev->type == EV_PLATFORM_CONFIG_FLAGS;
	}
	return false;
}

static bool is_of_pcrs(const struct eventlog *log, const struct event *ev, uint32_t pcrs)
{
	if (pcrs == ALL_PCRS)
		return true;
	if (log->kind == EVENTLOG_CC)
		return ev->pcr < CC_REGISTERS && pcrs & cc_register_pcrs((enum cc_register)ev->pcr);
	return ev->pcr < PCR_COUNT && pcrs & UINT32_C(1) << ev->pcr;
}

static const struct rule *rule_of(const struct eventlog *log, const struct event *ev, enum baseline_part part)
{
	unsigned kind = log->kind == EVENTLOG_CC ? OF_CC : OF_PCRS;
	const struct rule *r = rules;

	while (!(r->logs & kind && r->parts & part && is_of_pcrs(log, ev, r->pcrs) &&
		 is_of_kind(log, ev, r->kind)))
		r++; /* the last row fits all of PART_CHAIN, those before it all of the others */
	return r;
}

/* Firmware that measures the table early: the only one, and no file was loaded from another disk before. */
static void find_early_table(struct baseline *b)
{
	size_t found = SIZE_MAX;

	for (size_t i = 0; i < b->attempt; i++)
		if (baseline_of_pcr(b->log, &b->log->events[i], 5) &&
		    is_of_kind(b->log, &b->log->events[i], GPT)) {
			if (found != SIZE_MAX)
				return;
			found = i;
		}
	if (found == SIZE_MAX || b->n_failed || b->direct)
		return;
	b->places[found] = BASELINE_TABLE;
	b->events[found].reason = "the partition table of the disk that was booted";
	b->table_seen = true;
}

/* What Linux' EFI stub says of it: tagged, or (kernels whose CC events were made wrongly) the text alone. */
static bool is_of_linux(const struct event *ev, uint32_t tag, const char *text)
{
	struct reader r = reader_over(ev->data);

	if (ev->type != EV_EVENT_TAG)
		return false;
	return (ev->data.n == strlen(text) + 1 && memcmp(ev->data.p, text, ev->data.n) == 0) ||
	       (reader_u32le(&r) == tag && !r.failed);
}

/* Linux 6.1, libstub/efistub.h: the tags of its two events. */
static void hear_kernel(struct baseline *b, const struct event *ev)
{
	bool initrd = is_of_linux(ev, 0x8f3b22ec, "Linux initrd");

	b->kernel_speaks |= initrd || is_of_linux(ev, 0x8f3b22ed, "LOADED_IMAGE::LoadOptions");
	b->initrd_seen |= initrd;
}

/* Sort one event, and note what the log says by it. */
static void sort_event(struct baseline *b, size_t i)
{
	const struct event *ev = &b->log->events[i];
	enum baseline_part part = baseline_part_of(b, i);
	const struct rule *rule = rule_of(b->log, ev, part);

	b->events[i] = (struct baseline_event){ ev->pcr, ev->type, false, rule->reason };
	b->places[i] = rule->place;
	b->table_seen |= rule->place == BASELINE_TABLE;
	b->left_again |= rule->kind == RETURN_ACTION;
	b->exits |= rule->kind == EXIT_ACTION;
	if (part == PART_CHAIN && baseline_of_pcr(b->log, ev, 9))
		hear_kernel(b, ev);
}

int baseline_sort(struct pool *pool, const struct eventlog *log, const char *name, struct baseline *ret,
		  struct pcrcast_error *e)
{
	struct baseline b = { .log = log, .name = name };

	if (log->kind == EVENTLOG_IMA || log->kind == EVENTLOG_SYSTEMD)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "a log of kind %s, expected one of a firmware's TPM events or CC events",
			       eventlog_kind_name(log->kind));
	int r = baseline_cut(&b, e);
	if (r < 0)
		return r;
	b.events = pool_array(pool, log->n_events, sizeof *b.events);
	b.places = pool_array(pool, log->n_events, sizeof *b.places);
	if (!b.events || !b.places)
		return err_nomem(e);
	for (size_t i = 0; i < log->n_events; i++)
		sort_event(&b, i);
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

		if (!baseline_of_pcr(log, ev, 7) || ev->type != (uint32_t)EV_EFI_VARIABLE_DRIVER_CONFIG ||
		    ev->content != CONTENT_PCCLIENT || efi_variable_read(pool, ev->data, &v) ||
		    strcmp(v.name, name) != 0)
			continue;
		*ret = v;
		found = true;
	}
	return found;
}
