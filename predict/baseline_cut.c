/*
 * Where in a recorded log the firmware stops and the chain that was booted begins.
 *
 * Sources: PFP 1.06, sections 8.2.4 (the boot attempts in PCR 4) and 10.4.4 (the actions); UEFI 2.10, sections 10.3
 * (device paths) and 38.4.1 (CC registers); EDK2 Tcg2Dxe.c and TdTcg2Dxe.c (OnReadyToBoot), OvmfPkg
 * QemuKernelLoaderFsMedia.h. Logs of PCRs say it in PCR 4, with one separator. Logs of CC registers say it in RTMR1,
 * with one separator, none (edk2-stable202405, which extends RTMR0) or five (Intel's TDVF of 2022).
 */
#include "base/efi/guid.h"
#include "base/reader.h"
#include "eventlog/cc.h"
#include "predict/baseline_impl.h"

enum {
	IMAGE_LOAD_FIXED = 24, /* UEFI_IMAGE_LOAD_EVENT up to the length of its device path */
	NODE_MEDIA = 4,        /* device path types and subtypes, UEFI 2.10 section 10.3.5 */
	NODE_VENDOR = 3,
	NODE_FV_FILE = 6,
};

static const char calling[] = "Calling EFI Application from Boot Option";

bool baseline_of_pcr(const struct eventlog *log, const struct event *ev, uint32_t pcr)
{
	return ev->pcr == (log->kind == EVENTLOG_CC ? (uint32_t)cc_register_of_pcr(pcr) : pcr);
}

uint32_t baseline_pcr(const struct eventlog *log, const struct event *ev)
{
	uint32_t pcr = 0, pcrs;

	if (log->kind != EVENTLOG_CC)
		return ev->pcr;
	pcrs = ev->pcr < CC_REGISTERS ? cc_register_pcrs((enum cc_register)ev->pcr) : 0;
	while (pcr < PCR_COUNT && !(pcrs & UINT32_C(1) << pcr))
		pcr++;
	return pcr;
}

bool baseline_is_action(const struct event *ev, const char *text)
{
	size_t n = strlen(text);

	return (ev->type == (uint32_t)EV_EFI_ACTION || ev->type == EV_ACTION) && ev->data.n >= n &&
	       memcmp(ev->data.p, text, n) == 0;
}

/* ---- what an image was loaded from ---- */

enum origin {
	FROM_ELSEWHERE,
	FROM_FIRMWARE, /* an application that lies in the firmware itself */
	FROM_QEMU,     /* the file of QEMU's -kernel */
};

static enum origin origin_of_node(uint8_t type, uint8_t subtype, struct slice rest)
{
	static const struct guid qemu_kernel =
		GUID(0x1428f772, 0xb64a, 0x441e, 0xb8, 0xc3, 0x9e, 0xbd, 0xd7, 0xf8, 0x93, 0xc7);

	if (type == NODE_MEDIA && subtype == NODE_FV_FILE)
		return FROM_FIRMWARE;
	if (type == NODE_MEDIA && subtype == NODE_VENDOR && rest.n >= GUID_LEN) {
		struct guid g = guid_of_bytes(rest.p);

		return guid_equal(&g, &qemu_kernel) ? FROM_QEMU : FROM_ELSEWHERE;
	}
	return FROM_ELSEWHERE;
}

static enum origin origin_of_image(const struct event *ev)
{
	struct reader r = reader_over(ev->data);
	enum origin origin = FROM_ELSEWHERE;

	(void)reader_take(&r, IMAGE_LOAD_FIXED);
	uint64_t len = reader_u64le(&r);
	while (!r.failed && len >= 4 && origin == FROM_ELSEWHERE) {
		uint8_t type = reader_u8(&r), subtype = reader_u8(&r);
		uint16_t node = reader_u16le(&r);

		if (r.failed || node < 4 || node > len)
			break;
		origin = origin_of_node(type, subtype, reader_take(&r, node - 4u));
		len -= node;
	}
	return origin;
}

/* ---- boot attempts ---- */

static bool in_pcr_4(const struct baseline *b, size_t i)
{
	const struct event *ev = &b->log->events[i];

	return ev->content == CONTENT_PCCLIENT && baseline_of_pcr(b->log, ev, 4);
}

static bool is_application(const struct baseline *b, size_t i)
{
	return in_pcr_4(b, i) && b->log->events[i].type == (uint32_t)EV_EFI_BOOT_SERVICES_APPLICATION;
}

/* The firmware is about to try the first boot option, with separators, or another one. */
static bool is_mark(const struct baseline *b, size_t i)
{
	return in_pcr_4(b, i) &&
	       (b->log->events[i].type == EV_SEPARATOR || baseline_is_action(&b->log->events[i], calling));
}

/*
 * A separator that no single boot has: with PCRs a second one, with CC registers one that stands away from the first
 * ones.
 */
static bool begins_another_boot(const struct baseline *b, size_t i, size_t n_separators)
{
	const struct event *events = b->log->events;

	if (events[i].type != EV_SEPARATOR)
		return false;
	if (b->log->kind != EVENTLOG_CC)
		return in_pcr_4(b, i) && n_separators > 0;
	return b->attempt != SIZE_MAX && events[i - 1].type != EV_SEPARATOR && !is_mark(b, i - 1);
}

/* The last boot attempt, and the file that it started; SIZE_MAX when there is none. */
static int find_attempts(struct baseline *b, struct pcrcast_error *e)
{
	const struct eventlog *log = b->log;
	bool cc = log->kind == EVENTLOG_CC;
	size_t n_separators = 0, n_calls = 0;

	b->attempt = b->first = SIZE_MAX;
	for (size_t i = 0; i < log->n_events; i++) {
		const struct event *ev = &log->events[i];

		if (begins_another_boot(b, i, n_separators))
			return err_set(e, PCRCAST_EFORMAT, ev->offset,
				       "event %zu: a second separator in %s: the log of more than one boot",
				       i, cc ? "a CC register" : "PCR 4");
		if (ev->type == EV_SEPARATOR && (is_mark(b, i) || b->attempt != SIZE_MAX))
			b->separators |= in_pcr_4(b, i) ? BASELINE_IN_RTMR1 : BASELINE_IN_RTMR0;
		if (is_mark(b, i)) {
			n_separators += ev->type == EV_SEPARATOR || cc;
			n_calls += ev->type != EV_SEPARATOR;
			b->attempt = i;
			b->first = SIZE_MAX;
		} else if (b->first == SIZE_MAX && n_separators && is_application(b, i) &&
			   origin_of_image(ev) != FROM_FIRMWARE) {
			b->first = i;
		}
	}
	if (!n_separators)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "no separator in %s: where the firmware's own events end cannot be told",
			       cc ? "RTMR1" : "PCR 4");
	b->n_failed = n_calls > 1 ? (unsigned)(n_calls - 1) : 0;
	return 0;
}

/*
 * QEMU's -kernel: OVMF loads the file, and only then says that it is about to boot, before it starts it; what that
 * loads itself comes behind. When the file comes back there is another attempt, and this is no such boot.
 */
static void find_direct_boot(struct baseline *b)
{
	size_t first = SIZE_MAX;

	for (size_t i = 0; i < b->attempt; i++)
		if (is_application(b, i) && origin_of_image(&b->log->events[i]) == FROM_QEMU)
			first = i;
	b->direct = first != SIZE_MAX && b->n_failed == 0;
	if (!b->direct)
		return;
	b->first = first;
	b->ready = b->attempt + 1;
	while (b->ready < b->log->n_events && b->log->events[b->ready].type == EV_SEPARATOR)
		b->ready++;
}

/* What goes with the loading of the first file: behind the attempt, or what is directly in front of a file of QEMU's. */
static size_t find_load(const struct baseline *b)
{
	size_t i = b->first;

	if (!b->direct)
		return b->attempt;
	while (i > 0 && (b->log->events[i - 1].type == (uint32_t)EV_EFI_VARIABLE_AUTHORITY ||
			 b->log->events[i - 1].type == (uint32_t)EV_EFI_GPT_EVENT))
		i--;
	return i;
}

int baseline_cut(struct baseline *b, struct pcrcast_error *e)
{
	int r = find_attempts(b, e);

	if (r < 0)
		return r;
	find_direct_boot(b);
	if (b->first == SIZE_MAX)
		return err_set(
			e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			"no EFI application was started behind the last boot attempt in %s (event %zu)",
			b->log->kind == EVENTLOG_CC ? "RTMR1" : "PCR 4", b->attempt);
	b->load = find_load(b);
	return 0;
}

enum baseline_part baseline_part_of(const struct baseline *b, size_t i)
{
	if (i < b->load)
		return PART_BEFORE;
	if (i < b->first)
		return PART_LOAD;
	return b->direct && i > b->first && i < b->ready ? PART_BETWEEN : PART_CHAIN;
}
