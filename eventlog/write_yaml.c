/*
 * The YAML that tpm2_eventlog --eventlog-version=2 prints, for programs made to read that.
 *
 * Learnt from the output of tpm2-tools 5.4 as Debian 12 builds it (without libefivar: device paths are hex)
 * and its manual page. What it prints is printed byte for byte, its habits included:
 *   - some event types are "Unknown event type" (EV_EFI_HCRTM_EVENT, EV_POST_CODE2, EV_EFI_GPT_EVENT2, SPDM);
 *   - bodies without a form of their own are hex, cut after 1024 bytes;
 *   - EV_S_CRTM_CONTENTS is shown as a firmware blob even where it is text;
 *   - the description of a firmware blob 2 lacks its last byte;
 *   - the lines of EV_IPL and SbatLevel are in quotation marks, with ' and control characters escaped.
 *
 * It differs where that output is not YAML, not from the log or not true:
 *   - events of a SHA-1 log are items of the list too (there they are one mapping with repeated keys);
 *   - EV_NO_ACTION is not extended, StartupLocality and EV_EFI_HCRTM_EVENT set the start of PCR 0, PCR 17-22
 *     start with ones: the values under "pcrs" are those of a machine. There is no value for SM3;
 *   - where it stops (a body that is too short) or reads behind a body, the body is hex, or shown as far as it goes;
 *   - control characters, bytes that are not UTF-8 and, between quotation marks, " and \ are escaped;
 *   - a name with an unpaired surrogate has U+FFFD there (there: "(null)", or the end of the output).
 */
#include "eventlog/write.h"

#include <inttypes.h>
#include <stdio.h>

#include "eventlog/write_yaml_impl.h"

enum { SPEC_ID_FIXED = 29 }; /* TCG_EfiSpecIDEvent without algorithms and vendor information */

/* ---- events ---- */

/* The names tpm2-tools has for TPM_ALG_IDs of hashes that are not among algs. */
static const struct {
	uint16_t id;
	const char *name;
} other_algs[] = {
	{ 0x0012, "sm3_256" },
	{ 0x0027, "sha3_256" },
	{ 0x0028, "sha3_384" },
	{ 0x0029, "sha3_512" },
};

static const char *alg_name(uint16_t id, char buf[static 7])
{
	enum alg alg = alg_by_tpm_id(id);

	if (alg < ALG_COUNT)
		return algs[alg].name;
	for (size_t i = 0; i < sizeof other_algs / sizeof other_algs[0]; i++)
		if (other_algs[i].id == id)
			return other_algs[i].name;
	(void)snprintf(buf, 7, "0x%04x", id);
	return buf;
}

static void put_event(struct yaml *y, const struct eventlog *log, const struct event *ev, size_t number)
{
	struct slice rest = ev->digests, digest;
	struct eventlog_alg alg;
	char name[11];

	fprintf(y->out,
		"- EventNum: %zu\n  PCRIndex: %" PRIu32 "\n  EventType: %s\n  DigestCount: %" PRIu32
		"\n  Digests:\n",
		number, ev->pcr, yaml_type_name(ev->type, name), ev->n_digests);
	while (event_digest_next(log, &rest, &alg, &digest)) {
		fprintf(y->out, "  - AlgorithmId: %s\n    Digest: \"", alg_name(alg.id, name));
		yaml_put_hex(y, digest);
		fputs("\"\n", y->out);
	}
	yaml_put_body(y, ev);
}

/* The Spec ID event, which a log of ours holds apart from its events. */
static void put_spec_id(struct yaml *y, const struct eventlog *log)
{
	const struct eventlog_spec_id *id = &log->spec_id;
	char name[7];

	fprintf(y->out,
		"- EventNum: 0\n"
		"  PCRIndex: %" PRIu32 "\n"
		"  EventType: EV_NO_ACTION\n"
		"  Digest: \"0000000000000000000000000000000000000000\"\n"
		"  EventSize: %zu\n"
		"  SpecID:\n"
		"  - Signature: Spec ID Event03\n"
		"    platformClass: %" PRIu32 "\n"
		"    specVersionMinor: %u\n"
		"    specVersionMajor: %u\n"
		"    specErrata: %u\n"
		"    uintnSize: %u\n"
		"    numberOfAlgorithms: %zu\n"
		"    Algorithms:\n",
		id->pcr, SPEC_ID_FIXED + 4 * log->n_algs + id->vendor_info.n, id->platform_class,
		id->version_minor, id->version_major, id->errata, id->uintn_size, log->n_algs);
	for (size_t i = 0; i < log->n_algs; i++)
		fprintf(y->out, "    - Algorithm[%zu]:\n      algorithmId: %s\n      digestSize: %u\n", i,
			alg_name(log->algs[i].id, name), log->algs[i].len);
	fprintf(y->out, "    vendorInfoSize: %zu\n", id->vendor_info.n);
	if (id->vendor_info.n) {
		fputs("    vendorInfo: \"", y->out);
		yaml_put_hex(y, id->vendor_info);
		fputs("\"\n", y->out);
	}
}

/* ---- registers ---- */

struct banks {
	alg_set announced;
	struct pcr_bank bank[ALG_COUNT];
};

static int replay_banks(const struct eventlog *log, struct banks *ret, struct pcrcast_error *e)
{
	ret->announced = 0;
	for (size_t i = 0; i < log->n_algs; i++) {
		enum alg alg = alg_by_tpm_id(log->algs[i].id);
		size_t missing;

		if (alg == ALG_COUNT)
			continue;
		/* an event without a digest in a bank does not extend it there either: tpm2_eventlog does the same */
		int rc = eventlog_replay_partial(log, alg, &ret->bank[alg], &missing, e);
		if (rc < 0)
			return rc;
		ret->announced |= UINT32_C(1) << alg;
	}
	return 0;
}

static void put_pcrs(struct yaml *y, const struct banks *banks)
{
	fputs("pcrs:\n", y->out);
	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		const struct pcr_bank *bank = &banks->bank[alg];

		if (!(banks->announced & UINT32_C(1) << alg) || !bank->extended)
			continue;
		fprintf(y->out, "  %s:\n", algs[alg].name);
		for (unsigned i = 0; i < PCR_COUNT; i++) {
			if (!(bank->extended & UINT32_C(1) << i))
				continue;
			fprintf(y->out, "    %-2u : 0x", i);
			yaml_put_hex(y, (struct slice){ bank->pcr[i], algs[alg].len });
			fputc('\n', y->out);
		}
	}
}

/* ---- the whole ---- */

/* The form has no place for what is not a PC client event, nor for registers that are no PCRs. */
static int refuse_others(const struct eventlog *log, struct pcrcast_error *e)
{
	if (log->kind == EVENTLOG_CC)
		return err_set(
			e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			"the YAML of tpm2_eventlog has PCRs only, this log is about CC measurement registers");
	for (size_t i = 0; i < log->n_events; i++)
		if (log->events[i].content != CONTENT_PCCLIENT)
			return err_set(e, PCRCAST_EUNSUPPORTED, log->events[i].offset,
				       "event %zu: the YAML of tpm2_eventlog has PC client events only", i);
	return 0;
}

int eventlog_print_tpm2_yaml(const struct eventlog *log, FILE *out, struct pcrcast_error *e)
{
	/* SHA-1 logs (Windows' too) have none or one of version 1, which tpm2_eventlog does not read; a CEL may have none */
	bool spec_id = log->kind != EVENTLOG_TCG1 && log->spec_id.version_major >= 2;
	struct yaml y = { .out = out };
	struct banks banks;

	int rc = refuse_others(log, e);
	if (rc == 0)
		rc = replay_banks(log, &banks, e);
	if (rc < 0)
		return rc;
	fputs("---\nversion: 2\nevents:\n", out);
	if (spec_id)
		put_spec_id(&y, log);
	for (size_t i = 0; i < log->n_events && !y.failed; i++)
		put_event(&y, log, &log->events[i], i + spec_id);
	put_pcrs(&y, &banks);
	return y.failed ? err_nomem(e) : 0;
}
