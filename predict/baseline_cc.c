/*
 * A recorded log of CC registers as a baseline: does it fit what is predicted, and what does it tell of the guest?
 *
 * Sources: UEFI 2.10, section 38.4.1 (what goes to which register: PCR 0 to MRTD, which no log has, so that neither
 * kind of log can stand for the other); Linux 6.12 efi-stub-helper.c (a TPM first, CC registers when there is none);
 * EDK2 TdTcg2Dxe.c.
 */
#include "predict/baseline.h"
#include "predict/walk.h"

/*
 * Neither has what the other measures: a TPM's log no hand-off blocks of the TD, a CC log no PCR 0 and one order for
 * several PCRs.
 */
int baseline_check_kind(struct walk *w, enum eventlog_kind kind, struct pcrcast_error *e)
{
	const char *name = eventlog_kind_name(kind);

	if (w->opt->cc && kind != EVENTLOG_CC)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "a log of kind %s, expected with --cc one of CC registers (CCEL)", name);
	if (!w->opt->cc && kind == EVENTLOG_CC)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "a log of kind %s, expected one of a TPM's PCRs (CC registers go with --cc)",
			       name);
	return 0;
}

/* The separators are taken from the log; the option can only say the same. */
static int check_separators(struct walk *w, const struct baseline *b, struct pcrcast_error *e)
{
	if (b->separators == BASELINE_IN_RTMR0)
		w->settled->cc_quirks |= CC_QUIRK_SEPARATOR;
	else if (w->opt->cc_quirks & CC_QUIRK_SEPARATOR)
		return err_set(
			e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			"in this log the separator of RTMR1 is not in RTMR0, --cc-quirk separator-in-rtmr0 says that it is");
	return b->separators == BASELINE_IN_RTMR0 ?
		       walk_assume(w, "cc-firmware", "as in the baseline: the separator of RTMR1 in RTMR0",
				   NULL, e) :
		       0;
}

/*
 * A kernel that measured to CC registers had no TPM. One that did not may have had one, or not have known the
 * registers.
 */
static int check_tpm(struct walk *w, const struct baseline *b, struct pcrcast_error *e)
{
	bool vtpm = w->opt->cc_quirks & CC_QUIRK_VTPM;

	if (b->kernel_speaks && vtpm)
		return err_set(
			e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			"the kernel measured to RTMR2 in this log, which it does without a TPM only, --cc-quirk vtpm says that there is one");
	if (vtpm)
		return 0;
	return b->kernel_speaks ?
		       walk_assume(w, "tpm", "none, as in the baseline", NULL, e) :
		       walk_assume(
			       w, "tpm",
			       "none beside the CC registers, though no kernel measured to these in the baseline",
			       "--cc-quirk vtpm", e);
}

int baseline_check_registers(struct walk *w, const struct baseline *b, struct pcrcast_error *e)
{
	int r = check_separators(w, b, e);

	return r < 0 ? r : check_tpm(w, b, e);
}
