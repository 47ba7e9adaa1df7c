/*
 * Sources: UEFI 2.10 section 38; EDK2 OvmfPkg/Tcg/TdTcg2Dxe (OnReadyToBoot: one separator, for RTMR1) and
 * DxeTpm2MeasureBootLib (images and the partition table are measured to CC only where there is CC); systemd 256 and
 * 257 src/boot/measure.c, measure-smbios.c and NEWS of 262 (tagged events, under 261); Linux 6.12 efi-stub-helper.c
 * (a TPM first, CC when there is none). Held against recorded logs in tests/unit/test_cc.c.
 */
#include "predict/cc.h"

#include "base/bytes.h"
#include "eventlog/cc.h"
#include "uki/kernel_scan.h"

static const char no_tpm[] = "none beside the CC registers";

/* systemd-stub and systemd-boot by version; a row holds until the next. */
static const struct {
	struct sd_version from;
	enum cc_speech speech;
	/*
	 * SMBIOS structures, when there is no TPM: 261 does not measure them, but its later releases may (pull
	 * request 42851).
	 */
	bool smbios_unsure;
} systemd_rows[] = {
	{ { 0, 0 }, CC_SILENT, false },
	{ { 256, 0 }, CC_WITHOUT_TAGGED, false },
	{ { 261, 0 }, CC_TAGGED_AS_IPL, true },
	{ { 262, 0 }, CC_TAGGED_AS_IPL, false },
};

int cc_prepare(struct predict_options *o, struct pcrcast_error *e)
{
	uint32_t registers = o->pcrs;

	if (o->banks && !(o->banks & 1u << ALG_SHA384))
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "CC registers are of the bank sha384 only");
	if (registers & ~(uint32_t)PREDICT_CC_REGISTERS)
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "CC registers have the numbers 1 to 4, for RTMR0 to RTMR3");
	o->banks = 1u << ALG_SHA384;
	o->confidential_vm = true;
	o->pcrs = 0;
	for (enum cc_register i = CC_RTMR0; i <= CC_RTMR3; i++)
		o->pcrs |= registers & UINT32_C(1) << i ? cc_register_pcrs(i) : 0;
	return 0;
}

/* ---- who is at work ---- */

static void enter_systemd(struct walk *w, struct sd_version v)
{
	for (size_t i = 0; i < sizeof systemd_rows / sizeof systemd_rows[0]; i++) {
		struct sd_version from = systemd_rows[i].from;

		if (v.major < from.major || (v.major == from.major && v.minor < from.minor))
			continue;
		w->cc_speech = systemd_rows[i].speech;
		w->cc_smbios_unsure = systemd_rows[i].smbios_unsure;
	}
}

const char *cc_smbios_doubt(const struct walk *w)
{
	return w->opt->cc && w->cc_smbios_unsure && !(w->opt->cc_quirks & CC_QUIRK_VTPM) ?
		       "whether this release of systemd measures SMBIOS structures without a TPM is not known" :
		       NULL;
}

static int note_silence(struct walk *w, const char *who, struct pcrcast_error *e)
{
	return walk_note(w,
			 pool_printf(w->pool, "%s measures nothing to CC registers: %s", who,
				     w->opt->cc_quirks & CC_QUIRK_VTPM ?
					     "it does not know them, or prefers the TPM" :
					     "it does not know them"),
			 e);
}

int cc_enter(struct walk *w, const struct start *s, struct pcrcast_error *e)
{
	bool known = false;

	if (!w->opt->cc)
		return 0;
	if (s->pe.machine != PE_MACHINE_X64)
		return err_set(
			e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			"%s: RTMRs are those of TDX guests, expected an image for x86-64, machine 0x8664, found 0x%04x",
			s->path, s->pe.machine);
	if (s->id.kind == SD_STUB || s->id.kind == SD_BOOT) {
		enter_systemd(w, s->id.version);
	} else {
		/* shim from 15.7 and GRUB from 2.12 know it, and older ones with their distributor's patch. */
		int r = scan_for_cc(&s->pe.image, &known, e);

		if (r < 0)
			return r;
		w->cc_speech = known ? CC_SAME : CC_SILENT;
	}
	return w->cc_speech == CC_SILENT ? note_silence(w, s->path, e) : 0;
}

int cc_enter_kernel(struct walk *w, const struct kernel *k, const char *source, struct pcrcast_error *e)
{
	if (!w->opt->cc)
		return 0;
	w->cc_speech = !k->knows_cc || w->opt->cc_quirks & CC_QUIRK_VTPM ? CC_SILENT : CC_SAME;
	if (k->format != KERNEL_X86_BZIMAGE) {
		w->cc_speech = CC_UNSURE;
		w->cc_unsure =
			"whether the EFI stub of a kernel of this format measures without a TPM is not known";
	}
	return w->cc_speech == CC_SILENT ? note_silence(w, source, e) : 0;
}

/* ---- events ---- */

/* Does a CC register take it? MRTD is the machine's own, and PCR 10 is that of IMA, which extends TPMs only. */
static bool is_of_registers(uint32_t pcr)
{
	enum cc_register index = cc_register_of_pcr(pcr);

	return index != CC_REGISTERS && index != CC_MRTD && pcr != 10;
}

/* Of the separators of a TPM's log two are left: that of PCR 7, and one for PCR 2 to 6. */
static bool is_separator_of_cc(struct walk *w, struct event *ev)
{
	if (ev->pcr == 2 && w->opt->cc_quirks & CC_QUIRK_SEPARATOR) {
		ev->pcr = 1; /* RTMR0's */
		return true;
	}
	return ev->pcr == 2 || ev->pcr == 7;
}

/* u32 tag, u32 length, text (walk_tagged): the text is left. */
static void untag(struct event *ev)
{
	enum { HEADER = 8 };

	ev->type = EV_IPL;
	if (ev->data.n >= HEADER)
		ev->data = (struct slice){ ev->data.p + HEADER, ev->data.n - HEADER };
}

/* Measured by the firmware, whoever is at work: images that it loads, its own actions, the end of the boot services. */
static bool is_of_firmware(const struct event *ev)
{
	static const uint32_t types[] = {
		EV_SEPARATOR,
		(uint32_t)EV_EFI_ACTION,
		(uint32_t)EV_EFI_GPT_EVENT,
		(uint32_t)EV_EFI_GPT_EVENT2,
		(uint32_t)EV_EFI_BOOT_SERVICES_APPLICATION,
		(uint32_t)EV_EFI_BOOT_SERVICES_DRIVER,
		(uint32_t)EV_EFI_RUNTIME_SERVICES_DRIVER,
		(uint32_t)EV_EFI_VARIABLE_DRIVER_CONFIG,
		(uint32_t)EV_EFI_VARIABLE_BOOT,
		(uint32_t)EV_EFI_VARIABLE_BOOT2,
		(uint32_t)EV_EFI_VARIABLE_AUTHORITY,
	};

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (ev->type == types[i])
			return true;
	return false;
}

int cc_takes(struct walk *w, struct event *ev, bool *ret, struct pcrcast_error *e)
{
	enum cc_speech speech = w->shim_speaks ? w->cc_shim : is_of_firmware(ev) ? CC_SAME : w->cc_speech;

	*ret = true;
	if (!w->opt->cc)
		return 0;
	*ret = is_of_registers(ev->pcr) && speech != CC_SILENT &&
	       !(ev->type == EV_EVENT_TAG && speech == CC_WITHOUT_TAGGED) &&
	       (ev->type != EV_SEPARATOR || is_separator_of_cc(w, ev));
	if (!*ret)
		return 0;
	if (ev->type == EV_EVENT_TAG && speech == CC_TAGGED_AS_IPL)
		untag(ev);
	return speech == CC_UNSURE ? walk_unknown(w, ev->pcr, w->cc_unsure, NULL, e) : 0;
}

/* ---- the end ---- */

/* The unknowns of registers in place of those of PCRs, each reason once. */
static int fold_unknowns(struct walk *w, struct pcrcast_error *e)
{
	struct prediction *p = w->out;
	const struct unknown *of_pcrs = p->unknowns;
	size_t n = p->n_unknowns;

	p->unknowns = NULL;
	p->n_unknowns = w->cap_unknowns = 0;
	p->incomplete = 0;
	int r = w->baseline ?
			0 :
			walk_unknown(
				w, CC_RTMR0,
				"the virtual firmware measures its hand-off blocks, its configuration volume, ACPI tables and boot variables there",
				"--baseline", e);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (is_of_registers(of_pcrs[i].pcr))
			r = walk_unknown(w, cc_register_of_pcr(of_pcrs[i].pcr), of_pcrs[i].reason,
					 of_pcrs[i].option, e);
	return r;
}

static int say_what_is_assumed(struct walk *w, struct pcrcast_error *e)
{
	bool vtpm = w->opt->cc_quirks & CC_QUIRK_VTPM, separator = w->opt->cc_quirks & CC_QUIRK_SEPARATOR;
	int r = walk_assume(w, "rtmr3-extensions", "none", NULL, e);

	if (r < 0 || w->baseline) /* which has told it, see baseline_cc.c */
		return r;
	if (!vtpm)
		r = walk_assume(w, "tpm", no_tpm, "--cc-quirk vtpm", e);
	if (r == 0 && !separator)
		r = walk_assume(
			w, "cc-firmware",
			"EDK2 from stable202411: boot variables in RTMR0, the separator of RTMR1 in RTMR1",
			"--cc-quirk separator-in-rtmr0", e);
	return r;
}

int cc_finish(struct walk *w, struct pcrcast_error *e)
{
	struct eventlog *log = &w->out->log;

	for (size_t i = 0; i < log->n_events; i++)
		log->events[i].pcr = cc_register_of_pcr(log->events[i].pcr);
	log->kind = EVENTLOG_CC;
	log->spec_id.pcr = CC_RTMR0; /* as EDK2 logs it */
	w->out->cc = true;
	int r = fold_unknowns(w, e);
	return r < 0 ? r : say_what_is_assumed(w, e);
}
