#include "eventlog/eventlog.h"

#include "base/sha.h"

static const char startup_locality[16] = "StartupLocality";

enum {
	NO_LOCALITY = -1,
	HCRTM_LOCALITY = 4, /* the H-CRTM measures from locality 4 */
};

/* TCG_EfiStartupLocalityEvent, PFP 1.06 section 10.4.5.3: the signature and one byte. */
static bool is_startup_locality(const struct event *ev)
{
	return ev->pcr == 0 && ev->type == EV_NO_ACTION && ev->data.n >= sizeof startup_locality &&
	       memcmp(ev->data.p, startup_locality, sizeof startup_locality) == 0;
}

/*
 * The locality that PCR 0 starts with. Firmware logs it before anything that is extended to PCR 0, but it
 * speaks of the reset, so it counts wherever it stands. TPM 2.0 Library part 3 (TPM2_Startup) allows the
 * localities 0 and 3, and part 1 (H-CRTM before TPM2_Startup) makes it 4.
 */
static int start_locality(const struct eventlog *log, uint8_t *ret, struct pcrcast_error *e)
{
	int logged = NO_LOCALITY;
	bool hcrtm = false;

	for (size_t i = 0; i < log->n_events; i++) {
		const struct event *ev = &log->events[i];

		if (ev->pcr == 0 && ev->type == EV_EFI_HCRTM_EVENT)
			hcrtm = true;
		if (!is_startup_locality(ev))
			continue;
		if (ev->data.n == sizeof startup_locality)
			return err_set(e, PCRCAST_EFORMAT, ev->offset,
				       "event %zu: StartupLocality without a locality", i);
		uint8_t locality = ev->data.p[sizeof startup_locality];
		if (locality != 0 && locality != 3 && locality != HCRTM_LOCALITY)
			return err_set(e, PCRCAST_EFORMAT, ev->offset,
				       "event %zu: startup locality %u, expected 0, 3 or 4", i, locality);
		if (logged != NO_LOCALITY && logged != locality)
			return err_set(e, PCRCAST_EFORMAT, ev->offset,
				       "event %zu: startup locality %u, an event before said %d", i, locality,
				       logged);
		logged = locality;
	}
	*ret = hcrtm ? HCRTM_LOCALITY : logged == NO_LOCALITY ? 0 : (uint8_t)logged;
	return 0;
}

/* pcr_extend with a hash state that serves all events of a log. */
static int extend(struct sha *h, struct pcr_bank *bank, uint32_t pcr, const uint8_t *digest,
		  struct pcrcast_error *e)
{
	size_t len = algs[bank->alg].len;
	uint8_t both[2 * DIGEST_MAX];
	struct digest d;

	memcpy(both, bank->pcr[pcr], len);
	memcpy(both + len, digest, len);
	if (!sha_restart(h) || !sha_update(h, both, 2 * len) || !sha_peek(h, &d))
		return err_set(e, PCRCAST_ECRYPTO, PCRCAST_NO_OFFSET, "libcrypto cannot compute %s",
			       algs[bank->alg].name);
	memcpy(bank->pcr[pcr], d.bytes, len);
	bank->extended |= UINT32_C(1) << pcr;
	bank->count[pcr]++;
	return 0;
}

/* IMA's events give every bank: a list of nothing else does, whatever its digests are of. */
static bool announced(const struct eventlog *log, enum alg alg)
{
	bool only_ima = log->n_events > 0;

	for (size_t i = 0; i < log->n_algs; i++)
		if (log->algs[i].id == algs[alg].tpm_id)
			return true;
	for (size_t i = 0; i < log->n_events && only_ima; i++)
		only_ima = log->events[i].content == CONTENT_IMA;
	return only_ima;
}

/* What is measured nowhere: EV_NO_ACTION, and records that only speak about the log and have no digest at all. */
static bool is_extended(const struct event *ev)
{
	if (ev->content == CONTENT_OTHER && ev->n_digests == 0)
		return false;
	return ev->type != EV_NO_ACTION && ev->pcr < PCR_COUNT;
}

int eventlog_start(const struct eventlog *log, enum alg alg, struct pcr_bank *ret, struct pcrcast_error *e)
{
	uint8_t locality = 0;

	if (!announced(log, alg))
		return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET, "the log has no %s digests",
			       algs[alg].name);
	int rc = start_locality(log, &locality, e);
	if (rc < 0)
		return rc;
	pcr_bank_reset(ret, alg);
	/* CC registers begin with zeros, and register 0, MRTD, knows no locality. */
	if (log->kind != EVENTLOG_CC)
		ret->pcr[0][algs[alg].len - 1] = locality;
	return 0;
}

/* ret_missing NULL: an event without a digest in the bank is an error. */
static int replay(const struct eventlog *log, enum alg alg, struct pcr_bank *ret, size_t *ret_missing,
		  struct pcrcast_error *e)
{
	struct pcr_bank bank;
	size_t missing = 0;

	int rc = eventlog_start(log, alg, &bank, e);
	if (rc < 0)
		return rc;

	struct sha *h = sha_new(alg);
	if (!h)
		return err_set(e, PCRCAST_ECRYPTO, PCRCAST_NO_OFFSET, "libcrypto does not offer %s",
			       algs[alg].name);
	for (size_t i = 0; i < log->n_events && rc == 0; i++) {
		const struct event *ev = &log->events[i];
		struct digest digest;

		if (!is_extended(ev))
			continue;
		rc = event_extended(log, ev, alg, &digest, e);
		if (rc < 0)
			break;
		if (rc > 0)
			rc = extend(h, &bank, ev->pcr, digest.bytes, e);
		else if (ret_missing)
			missing++;
		else
			rc = err_set(e, PCRCAST_ENOTFOUND, ev->offset, "event %zu has no %s digest", i,
				     algs[alg].name);
	}
	sha_free(h);
	if (rc < 0)
		return rc;
	*ret = bank;
	if (ret_missing)
		*ret_missing = missing;
	return 0;
}

int eventlog_replay(const struct eventlog *log, enum alg alg, struct pcr_bank *ret, struct pcrcast_error *e)
{
	return replay(log, alg, ret, NULL, e);
}

int eventlog_replay_partial(const struct eventlog *log, enum alg alg, struct pcr_bank *ret,
			    size_t *ret_missing, struct pcrcast_error *e)
{
	return replay(log, alg, ret, ret_missing, e);
}
