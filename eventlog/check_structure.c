/*
 * Is the sequence of events one that a machine logs? Sources: PFP 1.06 sections 3.3.4 and 10.4; EDK2's Tcg2Dxe.c.
 *
 * Most of what is odd here is odd in logs of real machines too: it is noted and no more. What no firmware does is marked
 * as grave in the table of codes.
 */
#include "eventlog/check.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "eventlog/cc.h"
#include "eventlog/cel.h"

enum {
	FIRMWARE_PCRS = 8, /* PCR 0 to 7 are the firmware's, and end with a separator each */
	CC_FIRST =
		1, /* RTMR0 and RTMR1 have one separator each: UEFI 2.10 section 38.4.1, EDK2 TdTcg2Dxe.c */
	CC_LAST = 2,
};

static const struct code {
	const char *code;
	enum finding_weight weight;
} codes[] = {
	{ "separator-missing", FINDING_GRAVE }, { "no-separators", FINDING_ODD },
	{ "separator-doubled", FINDING_ODD },   { "separator-error", FINDING_ODD },
	{ "after-separator", FINDING_ODD },     { "startup-locality-late", FINDING_GRAVE },
	{ "register-range", FINDING_GRAVE },    { "no-digest", FINDING_GRAVE },
	{ "zero-digest", FINDING_ODD },         { "secure-boot-order", FINDING_GRAVE },
	{ "exit-boot-order", FINDING_GRAVE },   { "exit-boot-missing", FINDING_ODD },
	{ "after-exit-boot", FINDING_ODD },     { "hcrtm-late", FINDING_GRAVE },
	{ "register-type", FINDING_OPEN },
};

enum finding_weight finding_weight(const struct finding *f)
{
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (strcmp(codes[i].code, f->code) == 0)
			return codes[i].weight;
	return FINDING_ODD;
}

/* What was seen so far. */
struct progress {
	uint32_t extended;           /* bit i: register i was extended */
	uint32_t separated;          /* bit i: register i has its separator */
	size_t separator[PCR_COUNT]; /* where that is */
	size_t secure_boot_next;     /* index into secure_boot_order */
	bool exit_invoked, exit_done;
	size_t n_firmware; /* events that firmware extends */
};

static bool is_firmware_type(uint32_t type)
{
	return type != EV_NO_ACTION && type != EV_EVENT_TAG && type != EV_IPL && type != EV_COMPACT_HASH;
}

struct register_name {
	char text[16];
};

static struct register_name name_of(const struct eventlog *log, uint32_t pcr)
{
	struct register_name name;

	if (log->kind == EVENTLOG_CC && pcr > 0)
		(void)snprintf(name.text, sizeof name.text, "rtmr%u", pcr - 1);
	else if (log->kind == EVENTLOG_CC)
		(void)snprintf(name.text, sizeof name.text, "mrtd");
	else
		(void)snprintf(name.text, sizeof name.text, "PCR %u", pcr);
	return name;
}

/* ---- separators ---- */

/*
 * PFP 1.06 section 3.3.4: what the firmware itself measures comes before the separator. PCR 2 to 5 and 7 go on
 * afterwards with what is loaded then; so do the CC registers.
 */
static bool ends_with_separator(const struct eventlog *log, uint32_t pcr)
{
	return log->kind != EVENTLOG_CC && (pcr == 0 || pcr == 1 || pcr == 6);
}

static int look_at_separator(struct eventlog *log, size_t i, struct progress *p, struct pcrcast_error *e)
{
	const struct event *ev = &log->events[i];
	uint32_t value = ev->data.n == 4 ? get_u32le(ev->data.p) : 0;
	uint32_t last = log->kind == EVENTLOG_CC ? CC_LAST : FIRMWARE_PCRS - 1;
	int r = 0;

	if (ev->pcr > last)
		return 0; /* Windows puts separators of its own into PCR 12 to 14 */
	if (ev->data.n != 4 || (value != 0 && value != UINT32_MAX))
		r = eventlog_find(
			log, ev->offset, i, "separator-error", e,
			"a separator in %s with %zu bytes instead of 00000000 or ffffffff: the firmware met an error",
			name_of(log, ev->pcr).text, ev->data.n);
	if (r == 0 && p->separated & UINT32_C(1) << ev->pcr)
		r = eventlog_find(log, ev->offset, i, "separator-doubled", e,
				  "a second separator in %s, the first is event %zu",
				  name_of(log, ev->pcr).text, p->separator[ev->pcr]);
	if (!(p->separated & UINT32_C(1) << ev->pcr))
		p->separator[ev->pcr] = i;
	p->separated |= UINT32_C(1) << ev->pcr;
	return r;
}

static int look_behind_separator(struct eventlog *log, size_t i, const struct progress *p,
				 struct pcrcast_error *e)
{
	const struct event *ev = &log->events[i];

	if (!(p->separated & UINT32_C(1) << ev->pcr) || !ends_with_separator(log, ev->pcr) ||
	    !is_firmware_type(ev->type))
		return 0;
	char buf[11];
	return eventlog_find(log, ev->offset, i, "after-separator", e,
			     "%s in PCR %u behind its separator, event %zu", event_type_name(ev->type, buf),
			     ev->pcr, p->separator[ev->pcr]);
}

/* ---- Secure Boot's variables ---- */

/* PFP 1.06 section 3.3.4.8: in this order, each once, before PCR 7's separator. */
static const char *const secure_boot_order[] = { "SecureBoot", "PK", "KEK", "db", "dbx" };
enum { SECURE_BOOT_VARIABLES = sizeof secure_boot_order / sizeof secure_boot_order[0] };

/* The index of the variable that the event is about; SECURE_BOOT_VARIABLES when it is another. */
static size_t secure_boot_variable(const struct event *ev)
{
	enum { AT_NAME_LEN = 16, AT_NAME = 32 };
	struct slice name;

	if (ev->type != EV_EFI_VARIABLE_DRIVER_CONFIG || ev->data.n < AT_NAME)
		return SECURE_BOOT_VARIABLES;
	uint64_t chars = get_u64le(ev->data.p + AT_NAME_LEN);
	if (chars > ev->data.n / 2 || !slice_at(ev->data, AT_NAME, 2 * chars, &name))
		return SECURE_BOOT_VARIABLES;
	for (size_t i = 0; i < SECURE_BOOT_VARIABLES; i++) {
		size_t n = strlen(secure_boot_order[i]), k = 0;

		while (k < n && 2 * n == name.n &&
		       get_u16le(name.p + 2 * k) == (uint16_t)secure_boot_order[i][k])
			k++;
		if (k == n)
			return i;
	}
	return SECURE_BOOT_VARIABLES;
}

static int look_at_secure_boot(struct eventlog *log, size_t i, struct progress *p, struct pcrcast_error *e)
{
	const struct event *ev = &log->events[i];
	uint32_t pcr = log->kind == EVENTLOG_CC ? CC_FIRST : 7;
	size_t variable = secure_boot_variable(ev);

	if (ev->pcr != pcr)
		return 0;
	/* behind the separator they are measured again when they are written */
	if (variable < SECURE_BOOT_VARIABLES && !(p->separated & UINT32_C(1) << pcr)) {
		size_t expected = p->secure_boot_next;

		p->secure_boot_next = variable + 1;
		if (variable != expected && expected < SECURE_BOOT_VARIABLES)
			return eventlog_find(
				log, ev->offset, i, "secure-boot-order", e,
				"the variable %s in %s, expected %s: the order is SecureBoot, PK, KEK, db, dbx",
				secure_boot_order[variable], name_of(log, pcr).text,
				secure_boot_order[expected]);
	}
	if (ev->type == EV_SEPARATOR && p->secure_boot_next > 0 &&
	    p->secure_boot_next < SECURE_BOOT_VARIABLES && !(p->separated & UINT32_C(1) << pcr))
		return eventlog_find(log, ev->offset, i, "secure-boot-order", e,
				     "the separator in %s, expected the variable %s before it",
				     name_of(log, pcr).text, secure_boot_order[p->secure_boot_next]);
	return 0;
}

/* ---- ExitBootServices ---- */

static int look_at_action(struct eventlog *log, size_t i, struct progress *p, struct pcrcast_error *e)
{
	const struct event *ev = &log->events[i];

	if (ev->type != EV_EFI_ACTION)
		return 0;
	if (slice_equal_string(ev->data, "Exit Boot Services Invocation"))
		p->exit_invoked = true;
	if (!slice_equal_string(ev->data, "Exit Boot Services Returned with Success"))
		return 0;
	p->exit_done = true;
	return p->exit_invoked ?
		       0 :
		       eventlog_find(log, ev->offset, i, "exit-boot-order", e,
				     "ExitBootServices returned, but no event says that it was called");
}

static int look_behind_exit(struct eventlog *log, size_t i, const struct progress *p, struct pcrcast_error *e)
{
	const struct event *ev = &log->events[i];
	char buf[11];

	if (!p->exit_done || ev->pcr >= FIRMWARE_PCRS || !is_firmware_type(ev->type) ||
	    ev->type == EV_SEPARATOR || ev->type == EV_EFI_ACTION)
		return 0;
	return eventlog_find(log, ev->offset, i, "after-exit-boot", e, "%s in %s behind ExitBootServices",
			     event_type_name(ev->type, buf), name_of(log, ev->pcr).text);
}

/* ---- every event ---- */

static bool digests_are_zero(const struct eventlog *log, const struct event *ev)
{
	struct slice rest = ev->digests, digest;
	struct eventlog_alg found;

	while (event_digest_next(log, &rest, &found, &digest))
		for (size_t i = 0; i < digest.n; i++)
			if (digest.p[i])
				return false;
	return true;
}

static int look_at_locality(struct eventlog *log, size_t i, const struct progress *p, struct pcrcast_error *e)
{
	const struct event *ev = &log->events[i];
	static const char signature[16] = "StartupLocality";

	if (ev->pcr != 0 || ev->data.n < sizeof signature ||
	    memcmp(ev->data.p, signature, sizeof signature) != 0 || !(p->extended & 1))
		return 0;
	return eventlog_find(log, ev->offset, i, "startup-locality-late", e,
			     "StartupLocality behind events of PCR 0, expected before them");
}

/* PFP 1.06 section 3.3.4.8 and shim: what is measured into PCR 7. Other types cannot be checked against their digests. */
static bool belongs_into_pcr7(uint32_t type)
{
	return type == EV_SEPARATOR || type == EV_EFI_ACTION || type == EV_EFI_VARIABLE_DRIVER_CONFIG ||
	       type == EV_EFI_VARIABLE_AUTHORITY || type == EV_EFI_SPDM_DEVICE_POLICY ||
	       type == EV_EFI_SPDM_DEVICE_AUTHORITY;
}

/* PFP 1.06 section 10.4.1: the H-CRTM measures before anything else does. */
static int look_at_register(struct eventlog *log, size_t i, const struct progress *p, struct pcrcast_error *e)
{
	const struct event *ev = &log->events[i];
	char buf[11];

	if (ev->type == EV_EFI_HCRTM_EVENT && p->extended & 1)
		return eventlog_find(log, ev->offset, i, "hcrtm-late", e,
				     "EV_EFI_HCRTM_EVENT behind events of PCR 0, expected before them");
	if (log->kind != EVENTLOG_CC && ev->pcr == 7 && !belongs_into_pcr7(ev->type))
		return eventlog_find(log, ev->offset, i, "register-type", e,
				     "%s in PCR 7, where no firmware is known to measure it",
				     event_type_name(ev->type, buf));
	return 0;
}

/* Registers that content of other origin than firmware may be measured into: none of the firmware's. */
static int look_at_system(struct eventlog *log, size_t i, struct pcrcast_error *e)
{
	const struct event *ev = &log->events[i];

	if (cel_is_nv_index(ev->pcr) || (ev->pcr >= FIRMWARE_PCRS && ev->pcr < PCR_COUNT) ||
	    ev->n_digests == 0 || log->kind == EVENTLOG_CC)
		return 0;
	return eventlog_find(log, ev->offset, i, "register-range", e,
			     "an event of the operating system in %s, expected PCR %d to %d",
			     name_of(log, ev->pcr).text, FIRMWARE_PCRS, PCR_COUNT - 1);
}

static int look_at_event(struct eventlog *log, size_t i, struct progress *p, struct pcrcast_error *e)
{
	const struct event *ev = &log->events[i];
	bool cc = log->kind == EVENTLOG_CC;
	char buf[11];
	int r;

	if (ev->type == EV_NO_ACTION)
		return look_at_locality(log, i, p, e);
	if (cc ? ev->pcr < CC_FIRST || ev->pcr >= CC_REGISTERS : ev->pcr >= PCR_COUNT)
		return eventlog_find(log, ev->offset, i, "register-range", e, "%s extends %s, expected %s",
				     event_type_name(ev->type, buf), name_of(log, ev->pcr).text,
				     cc ? "rtmr0 to rtmr3" : "PCR 0 to 23");
	p->n_firmware += ev->pcr < FIRMWARE_PCRS && is_firmware_type(ev->type);
	if (ev->digests.n == 0)
		r = eventlog_find(log, ev->offset, i, "no-digest", e, "%s without a digest",
				  event_type_name(ev->type, buf));
	else if (digests_are_zero(log, ev))
		r = eventlog_find(log, ev->offset, i, "zero-digest", e,
				  "%s with a digest of zeros, which is no hash",
				  event_type_name(ev->type, buf));
	else
		r = 0;
	if (r == 0)
		r = look_at_register(log, i, p, e);
	if (r == 0)
		r = look_at_secure_boot(log, i, p, e);
	if (r == 0 && ev->type == EV_SEPARATOR)
		r = look_at_separator(log, i, p, e);
	else if (r == 0)
		r = look_behind_separator(log, i, p, e);
	if (r == 0)
		r = look_behind_exit(log, i, p, e);
	if (r == 0)
		r = look_at_action(log, i, p, e);
	p->extended |= UINT32_C(1) << ev->pcr;
	return r;
}

/* ---- the whole ---- */

static int look_at_end(struct eventlog *log, const struct progress *p, struct pcrcast_error *e)
{
	uint32_t first = log->kind == EVENTLOG_CC ? CC_FIRST : 0,
		 last = log->kind == EVENTLOG_CC ? CC_LAST : FIRMWARE_PCRS - 1;
	int r = 0;

	if (p->n_firmware == 0)
		return 0; /* a part of a log, or a prediction of later registers */
	if (!p->separated)
		return eventlog_find(log, PCRCAST_NO_OFFSET, SIZE_MAX, "no-separators", e,
				     "no separator, expected one in each register from %s to %s",
				     name_of(log, first).text, name_of(log, last).text);
	/*
	 * EDK2 measures the separators of PCR 0 to 6 together, when it starts to boot; PCR 7's comes before. Without any of
	 * the others the firmware is one that has none (Google's of 2019), or the log was taken before.
	 */
	uint32_t together =
		log->kind == EVENTLOG_CC ? UINT32_C(1) << CC_LAST : (UINT32_C(1) << (FIRMWARE_PCRS - 1)) - 1;
	if (!(p->separated & together))
		return eventlog_find(log, PCRCAST_NO_OFFSET, SIZE_MAX, "no-separators", e,
				     log->kind == EVENTLOG_CC ? "no separator in rtmr1" :
								"no separator in any of PCR 0 to 6");
	/* a prediction may have a few registers only; a log with the CRTM's events is to have all of them */
	for (uint32_t i = first; i <= last && r == 0; i++)
		if (!(p->separated & UINT32_C(1) << i) &&
		    (p->extended & (UINT32_C(1) << i | UINT32_C(1) << first)))
			r = eventlog_find(log, PCRCAST_NO_OFFSET, SIZE_MAX, "separator-missing", e,
					  "no separator in %s", name_of(log, i).text);
	if (r == 0 && !p->exit_done && p->extended & UINT32_C(1) << (log->kind == EVENTLOG_CC ? CC_LAST : 5))
		r = eventlog_find(
			log, PCRCAST_NO_OFFSET, SIZE_MAX, "exit-boot-missing", e,
			"no event says that ExitBootServices returned: the log was taken before, or its last events are lost");
	return r;
}

int eventlog_check_structure(struct eventlog *log, struct pcrcast_error *e)
{
	struct progress p = { .extended = 0 };
	bool firmware = log->kind != EVENTLOG_SYSTEMD && log->kind != EVENTLOG_IMA;

	for (size_t i = 0; i < log->n_events; i++) {
		const struct event *ev = &log->events[i];
		int r = 0;

		r = ev->content == CONTENT_PCCLIENT ? look_at_event(log, i, &p, e) :
						      look_at_system(log, i, e);
		if (r < 0)
			return r;
	}
	return firmware ? look_at_end(log, &p, e) : 0;
}
