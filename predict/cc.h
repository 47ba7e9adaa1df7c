/*
 * The walk through the boot of a TDX guest, which has CC measurement registers: the same events as with a TPM, of those
 * components that know EFI_CC_MEASUREMENT_PROTOCOL. Private to predict/.
 */
#pragma once

#include "predict/walk.h"
#include "uki/kernel.h"

/*
 * The options of the walk: banks and pcrs, which were about CC registers, become those of the PCRs that these stand for.
 * PCRCAST_EINVAL when they ask for what CC registers have not.
 */
int cc_prepare(struct predict_options *o, struct pcrcast_error *e);

/* An image begins to run, or a kernel: which of its events the protocol gets. Without effect when opt->cc is not set. */
int cc_enter(struct walk *w, const struct start *s, struct pcrcast_error *e);
int cc_enter_kernel(struct walk *w, const struct kernel *k, const char *source, struct pcrcast_error *e);

/*
 * Is this event of the component at work logged (*ret)? *ev becomes what it is in a CC log, but for its register. Always
 * true when opt->cc is not set.
 */
int cc_takes(struct walk *w, struct event *ev, bool *ret, struct pcrcast_error *e);

/* Why it is not known that systemd's component at work measures SMBIOS structures to RTMR0; NULL: it does. */
const char *cc_smbios_doubt(const struct walk *w);

/* The walk is over: PCRs become CC registers in events, unknowns and incomplete. */
int cc_finish(struct walk *w, struct pcrcast_error *e);
