#include "eventlog/cc.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

#define PCR(n) (UINT32_C(1) << (n))

static const char *const register_names[CC_REGISTERS] = { "mrtd", "rtmr0", "rtmr1", "rtmr2", "rtmr3" };

const char *register_name(bool cc, uint32_t index, char buf[static 12])
{
	if (cc && index < CC_REGISTERS)
		return register_names[index];
	(void)snprintf(buf, 12, "%u", index);
	return buf;
}

enum cc_register cc_register_by_name(struct slice name)
{
	enum cc_register i = 0;

	while (i < CC_REGISTERS && !slice_equal_string(name, register_names[i]))
		i++;
	return i;
}

/* UEFI 2.10 section 38.4.1; the PCRs that a register stands for. */
static const uint32_t pcrs_of[CC_REGISTERS] = {
	[CC_MRTD] = PCR(0),
	[CC_RTMR0] = PCR(1) | PCR(7),
	[CC_RTMR1] = PCR(2) | PCR(3) | PCR(4) | PCR(5) | PCR(6),
	[CC_RTMR2] = 0x0000ff00,
};

uint32_t cc_register_pcrs(enum cc_register index)
{
	return index < CC_REGISTERS ? pcrs_of[index] : 0;
}

enum cc_register cc_register_of_pcr(uint32_t pcr)
{
	enum cc_register i = 0;

	while (i < CC_REGISTERS && !(pcr < PCR_COUNT && pcrs_of[i] & PCR(pcr)))
		i++;
	return i;
}

static bool starts_with(struct slice s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && memcmp(s.p, prefix, n) == 0;
}

static bool is_utf16(struct slice s, const char *text)
{
	size_t n = strlen(text);

	if (s.n < 2 * n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (get_u16le(s.p + 2 * i) != (uint16_t)(unsigned char)text[i])
			return false;
	for (size_t i = 2 * n; i < s.n; i++)
		if (s.p[i])
			return false;
	return true;
}

/* Does the event field look like UTF-16 text, ASCII characters in front? */
static bool looks_utf16(struct slice s)
{
	return s.n >= 4 && s.p[0] != 0 && s.p[1] == 0;
}

/* ---- tagged events ---- */

/* Tags of systemd (tpm2-pcr.h, 262) and Linux (libstub/efistub.h, 6.1). */
static const struct {
	uint32_t tag, pcrs;
} tags[] = {
	{ 0x8f3b22ec, PCR(9) },  /* Linux: initrd */
	{ 0x8f3b22ed, PCR(9) },  /* Linux: load options */
	{ 0xf5bc582a, PCR(5) },  /* systemd-boot: loader.conf */
	{ 0x6c46f751, PCR(12) }, /* systemd-stub: device tree addon */
	{ 0x49dffe0f, PCR(12) }, /* initrd addon */
	{ 0xdac08e1a, PCR(12) }, /* microcode addon */
	{ 0x13aed6db, PCR(12) }, /* profile */
	{ 0xd5cb7cbc, PCR(1) },  /* SMBIOS type 1 */
	{ 0xe0d47bc8, PCR(1) },  /* SMBIOS type 2 */
	{ 0xc0b3bd23, PCR(1) },  /* SMBIOS type 11 */
};

static uint32_t pcrs_of_tag(struct slice data)
{
	uint32_t tag = data.n >= 4 ? get_u32le(data.p) : 0;

	for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
		if (tags[i].tag == tag)
			return tags[i].pcrs;
	return 0;
}

/* ---- EV_IPL ---- */

/* Texts of events whose PCR is fixed: shim (mok.c), GRUB (commands/tpm.c), systemd-stub (initrds that it adds, 257). */
static const struct {
	const char *text;
	bool utf16, whole;
	uint32_t pcrs;
} texts[] = {
	{ "grub_cmd", false, false, PCR(8) },
	{ "grub_kernel_cmdline", false, false, PCR(8) },
	{ "kernel_cmdline", false, false, PCR(8) },
	{ "module_cmdline", false, false, PCR(8) },
	{ "MokList", false, true, PCR(14) },
	{ "MokListX", false, true, PCR(14) },
	{ "MokSBState", false, true, PCR(14) },
	{ "MokListTrusted", false, true, PCR(14) },
	{ "MokPolicy", false, true, PCR(14) },
	{ "/", false, false, PCR(9) },
	{ "(", false, false, PCR(9) },
	{ "Credentials initrd", true, true, PCR(12) },
	{ "Global credentials initrd", true, true, PCR(12) },
	{ "Configuration extension initrd", true, true, PCR(12) },
	{ "Global configuration extension initrd", true, true, PCR(12) },
	{ "System extension initrd", true, true, PCR(13) },
	{ "Global system extension initrd", true, true, PCR(13) },
};

static bool text_fits(size_t i, struct slice data)
{
	if (texts[i].utf16)
		return is_utf16(data, texts[i].text);
	if (!starts_with(data, texts[i].text))
		return false;
	return !texts[i].whole || (data.n == strlen(texts[i].text) + 1 && data.p[data.n - 1] == 0);
}

/*
 * What is left over is a command line, which systemd-boot and systemd-stub measure into PCR 12 in UTF-16; sections' names
 * begin with a dot and have no blank.
 */
static uint32_t pcrs_of_ipl(struct slice data)
{
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (text_fits(i, data))
			return texts[i].pcrs;
	if (!looks_utf16(data))
		return 0;
	if (data.p[0] != '.')
		return PCR(12);
	for (size_t i = 0; i + 1 < data.n; i += 2)
		if (get_u16le(data.p + i) == ' ')
			return PCR(12);
	return PCR(11);
}

/* ---- the rest ---- */

/* Variables that EDK2 measures into PCR 7 (Tcg2Dxe.c); a name in UTF-16 behind a header of 32 bytes. */
static bool is_secure_boot_variable(struct slice data)
{
	static const char *const names[] = { "SecureBoot", "PK", "KEK", "db", "dbx", "dbt", "dbr", "devdb" };
	enum { AT_NAME_LEN = 16, AT_NAME = 32 };
	struct slice name;

	if (data.n < AT_NAME || get_u64le(data.p + AT_NAME_LEN) > data.n / 2 ||
	    !slice_at(data, AT_NAME, 2 * get_u64le(data.p + AT_NAME_LEN), &name))
		return false;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (name.n == 2 * strlen(names[i]) && is_utf16(name, names[i]))
			return true;
	return false;
}

static uint32_t pcrs_in_rtmr0(const struct event *ev, size_t n_separators)
{
	switch (ev->type) {
	case EV_EFI_VARIABLE_DRIVER_CONFIG:
		return is_secure_boot_variable(ev->data) ? PCR(7) : 0;
	case EV_EFI_VARIABLE_AUTHORITY:
	case EV_EFI_SPDM_DEVICE_POLICY:
	case EV_EFI_SPDM_DEVICE_AUTHORITY:
	case EV_EFI_ACTION:
		return PCR(7);
	case EV_SEPARATOR: /* edk2-stable202405 has a second one, that of PCR 1 */
		return n_separators == 0 ? PCR(7) : PCR(1);
	case EV_EVENT_TAG:
		return pcrs_of_tag(ev->data);
	}
	return PCR(1);
}

static uint32_t pcrs_in_rtmr1(const struct event *ev, bool pcr1_separated)
{
	switch (ev->type) {
	case EV_EFI_ACTION:
		return starts_with(ev->data, "Exit Boot Services") ? PCR(5) : PCR(4);
	case EV_EFI_GPT_EVENT:
	case EV_EFI_GPT_EVENT2:
		return PCR(5);
	case EV_EFI_BOOT_SERVICES_APPLICATION:
		return PCR(4);
	case EV_EFI_BOOT_SERVICES_DRIVER:
	case EV_EFI_RUNTIME_SERVICES_DRIVER:
		return PCR(2);
	case EV_SEPARATOR:
		return pcrs_of[CC_RTMR1] | (pcr1_separated ? 0 : PCR(1));
	case EV_EVENT_TAG:
		return pcrs_of_tag(ev->data);
	}
	return 0;
}

static int append(struct eventlog *log, const struct event *ev, uint32_t pcrs, struct pcrcast_error *e)
{
	for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr++) {
		if (!(pcrs & PCR(pcr)))
			continue;
		struct event *place =
			pool_push(&log->pool, &log->events, &log->n_events, &log->cap, sizeof *place);

		if (!place)
			return err_nomem(e);
		*place = *ev;
		place->pcr = pcr;
	}
	return 0;
}

int eventlog_cc_as_pcrs(const struct eventlog *log, struct eventlog *ret, uint32_t *ret_untold,
			size_t *ret_first, struct pcrcast_error *e)
{
	struct eventlog view = EVENTLOG_INIT;
	size_t n_separators = 0, first = SIZE_MAX;
	uint32_t untold = 0;

	view.spec_id = log->spec_id;
	view.spec_id.pcr = 0;
	memcpy(view.algs, log->algs, sizeof view.algs);
	view.n_algs = log->n_algs;
	for (size_t i = 0; i < log->n_events; i++) {
		const struct event *ev = &log->events[i];
		uint32_t pcrs;

		if (ev->type == EV_NO_ACTION || ev->pcr < CC_RTMR0 || ev->pcr > CC_RTMR2)
			continue;
		pcrs = ev->pcr == CC_RTMR0 ? pcrs_in_rtmr0(ev, n_separators) :
		       ev->pcr == CC_RTMR1 ? pcrs_in_rtmr1(ev, n_separators > 1) :
		       ev->type == EV_IPL  ? pcrs_of_ipl(ev->data) :
					     pcrs_of_tag(ev->data);
		n_separators += ev->pcr == CC_RTMR0 && ev->type == EV_SEPARATOR;
		if (pcrs == 0) {
			first = first == SIZE_MAX ? i : first;
			untold |= pcrs_of[ev->pcr];
		}
		int r = append(&view, ev, pcrs, e);
		if (r < 0) {
			eventlog_done(&view);
			return r;
		}
	}
	*ret = view;
	*ret_untold = untold;
	*ret_first = first;
	return 0;
}
