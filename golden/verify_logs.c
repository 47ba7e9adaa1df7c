/*
 * The logs: do they lead to the values that were quoted, and are their payloads what was measured?
 */
#include <inttypes.h>
#include <string.h>

#include "golden/verify_private.h"

/* ---- reading ---- */

/* The values after the log, registers without an event included: these keep what they have after a reset. */
static int replay(struct verification *v)
{
	for (size_t i = 0; i < v->log.n_algs; i++) {
		enum alg alg = alg_by_tpm_id(v->log.algs[i].id);
		struct pcr_bank bank;
		size_t missing;

		if (alg == ALG_COUNT)
			continue;
		int r = eventlog_replay_partial(&v->log, alg, &bank, &missing, v->e);
		if (r < 0)
			return r;
		memcpy(v->replayed.value[alg], bank.pcr, sizeof bank.pcr);
		v->replayed.known[alg] =
			((UINT32_C(1) << PCR_COUNT) - 1) & ~eventlog_incomplete(&v->log, alg);
		v->replayed_banks |= 1u << alg;
	}
	return 0;
}

int verify_read_log(struct verification *v)
{
	const struct evidence *ev = v->in->evidence;
	struct slice bytes = v->in->log.n ? v->in->log : ev->log.n ? ev->log : ev->cel_log;

	if (bytes.n == 0)
		return 0;
	int r = eventlog_read(bytes, EVENTLOG_KINDS, &v->log, &v->log_error);
	if (r == -PCRCAST_ENOMEM)
		return err_nomem(v->e);
	if (r == 0 && v->log.kind == EVENTLOG_CC)
		r = err_set(&v->log_error, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			    "a log of CC measurement registers, which no TPM quotes");
	v->has_log = r == 0;
	return v->has_log ? replay(v) : 0;
}

/* ---- event log ---- */

uint32_t verify_logged_registers(const struct verification *v)
{
	uint32_t pcrs = 0;

	for (size_t i = 0; i < v->log.n_events; i++)
		if (v->log.events[i].pcr < PCR_COUNT && v->log.events[i].type != EV_NO_ACTION)
			pcrs |= UINT32_C(1) << v->log.events[i].pcr;
	return pcrs;
}

/* Events that no quoted value depends on: whoever hands over the log may have made them up. */
static int tell_loose_events(struct verification *v)
{
	uint32_t pcrs = verify_logged_registers(v);

	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		pcrs &= ~v->res->proven.known[alg];
	return pcrs ? verify_not_covered(v, "the log's events in PCR %s: these registers were not quoted",
					 verify_registers(v->pool, pcrs)) :
		      0;
}

static int differing_register(struct verification *v, enum alg alg, unsigned i,
			      const struct register_check *c)
{
	int r = verify_say(v, VERIFY_EVENT_LOG, CHECK_FAIL, "the log leads to another %s:%u than was quoted",
			   algs[alg].name, i);

	if (r == 0 && c->state == REGISTER_DIFFERS && c->consistent_events > 0)
		r = verify_line(v, VERIFY_EVENT_LOG,
				"%s:%u: the quoted value is that after %" PRId64
				" of its events, up to event %zu of the log; the rest is too much",
				algs[alg].name, i, c->consistent_events, c->last_consistent);
	else if (r == 0)
		r = verify_line(
			v, VERIFY_EVENT_LOG,
			"%s:%u: the quoted value is none that the log leads through: an event is altered or missing",
			algs[alg].name, i);
	return r;
}

/* Does the reference know of a measurement of firmware, boot loader or stub to this register, which a log would have? */
static bool reference_has_event(const struct verification *v, unsigned pcr)
{
	for (size_t k = 0; v->in->want && k < v->in->n_want; k++) {
		const struct eventlog *log = v->in->want->sets[k].log;

		for (size_t n = 0; log && n < log->n_events; n++)
			if (log->events[n].pcr == pcr && log->events[n].type != EV_NO_ACTION &&
			    log->events[n].content == CONTENT_PCCLIENT)
				return true;
	}
	return false;
}

/*
 * A register that was extended, and no event of it. The firmware logs all of its own; behind PCR 7 the system extends
 * registers too and logs that elsewhere, so there it takes a reference to know that an event is missing.
 */
static int register_without_event(struct verification *v, enum alg alg, unsigned i)
{
	const char *bank = algs[alg].name;

	if (i == 10)
		return verify_line(v, VERIFY_EVENT_LOG, "%s:10 is IMA's: its list tells", bank);
	if (i < 8 || i > 15)
		return verify_say(v, VERIFY_EVENT_LOG, CHECK_FAIL,
				  "%s:%u was extended, and the log has no event for it", bank, i);
	if (reference_has_event(v, i))
		return verify_say(
			v, VERIFY_EVENT_LOG, CHECK_FAIL,
			"%s:%u was extended, and the log lacks the events of it that the reference has", bank,
			i);
	int r = verify_line(
		v, VERIFY_EVENT_LOG,
		"%s:%u was extended without an event in the log: by the system, or an event is missing", bank,
		i);
	return r < 0 ? r :
		       verify_say(v, VERIFY_EVENT_LOG, CHECK_SKIP,
				  "the log says nothing of %s:%u, which was extended", bank, i);
}

/* The registers of one bank that are quoted. Counts those that the log explains. */
static int check_bank(struct verification *v, enum alg alg, size_t *agree)
{
	struct register_check checks[PCR_COUNT];
	struct pcr_values quoted = { 0 };

	quoted.known[alg] = v->res->proven.known[alg];
	memcpy(quoted.value[alg], v->res->proven.value[alg], sizeof quoted.value[alg]);
	int r = eventlog_check_registers(&v->log, alg, &quoted, checks, v->e);
	for (unsigned i = 0; i < PCR_COUNT && r == 0; i++) {
		const struct register_check *c = &checks[i];

		if (!(quoted.known[alg] >> i & 1))
			continue;
		switch (c->state) {
		case REGISTER_AGREES:
			++*agree;
			break;
		case REGISTER_CONTINUES:
			++*agree;
			r = verify_line(v, VERIFY_EVENT_LOG, "%s:%u goes on after the log: %.*s",
					algs[alg].name, i, (int)c->words_len, c->words);
			break;
		case REGISTER_NO_EVENTS:
			r = register_without_event(v, alg, i);
			break;
		case REGISTER_DIFFERS:
			r = differing_register(v, alg, i, c);
			break;
		case REGISTER_INCOMPLETE:
			r = verify_say(v, VERIFY_EVENT_LOG, CHECK_SKIP,
				       "%s:%u: the log has events without a digest in this bank",
				       algs[alg].name, i);
			break;
		case REGISTER_NOT_STATED:
			break;
		}
	}
	return r;
}

/* Payloads that were altered after they were measured: the digests are true, what they are said to be of is not. */
static int check_payloads(struct verification *v)
{
	struct event_check *checks;
	int r = eventlog_check_payloads(v->pool, &v->log, &checks, v->e);

	for (size_t i = 0; i < v->log.n_events && r == 0; i++) {
		const struct event *ev = &v->log.events[i];
		char type[11];

		if (checks[i].match == MATCH_NO && checks[i].suspicious)
			r = verify_say(v, VERIFY_EVENT_LOG, CHECK_FAIL,
				       "event %zu (PCR %u, %s, at byte %" PRIu64 "): the digest is %s", i,
				       ev->pcr, event_type_name(ev->type, type), ev->offset,
				       checks[i].reason);
	}
	if (r == 0)
		r = eventlog_check_structure(&v->log, v->e);
	for (size_t i = 0; i < v->log.n_findings && r == 0; i++)
		if (finding_weight(&v->log.findings[i]) == FINDING_GRAVE)
			r = verify_say(v, VERIFY_EVENT_LOG, CHECK_FAIL, "no machine logs so: %s",
				       v->log.findings[i].text);
	return r;
}

int verify_event_log(struct verification *v)
{
	size_t agree = 0;
	alg_set banks = 0;
	int r = 0;

	if (v->log_error.msg[0] && v->log_error.offset != PCRCAST_NO_OFFSET)
		return verify_say(v, VERIFY_EVENT_LOG, CHECK_FAIL, "%s (at byte %" PRIu64 ")",
				  v->log_error.msg, v->log_error.offset);
	if (v->log_error.msg[0])
		return verify_say(v, VERIFY_EVENT_LOG, CHECK_FAIL, "%s", v->log_error.msg);
	if (!v->has_log)
		return verify_say(v, VERIFY_EVENT_LOG, CHECK_SKIP, "no event log was given");
	for (enum alg alg = 0; alg < ALG_COUNT && r == 0; alg++)
		if (v->res->proven.known[alg] && v->replayed_banks >> alg & 1) {
			banks |= 1u << alg;
			r = check_bank(v, alg, &agree);
		}
	if (r == 0 && !banks)
		return verify_say(v, VERIFY_EVENT_LOG, CHECK_SKIP,
				  "no quoted value of a bank that the log has is proven");
	r = r < 0 ? r : check_payloads(v);
	r = r < 0 ? r : tell_loose_events(v);
	return r < 0 ? r :
		       verify_say(v, VERIFY_EVENT_LOG, CHECK_PASS,
				  "the log leads to %zu of the quoted values", agree);
}

/* ---- IMA ---- */

/* Does the list, read in one of the two ways that kernels extend other banks, lead to PCR 10, now or on its way? */
static int ima_fits(struct verification *v, struct eventlog *ima, enum alg alg, bool padded,
		    struct register_check *ret)
{
	struct register_check checks[PCR_COUNT];
	struct pcr_values quoted = { 0 };

	quoted.known[alg] = v->res->proven.known[alg] & 1u << 10;
	memcpy(quoted.value[alg], v->res->proven.value[alg], sizeof quoted.value[alg]);
	ima->ima_padded = padded;
	int r = eventlog_check_registers(ima, alg, &quoted, checks, v->e);
	if (r == 0)
		*ret = checks[10];
	return r;
}

static int check_ima_bank(struct verification *v, struct eventlog *ima, enum alg alg)
{
	struct register_check c;
	int r = ima_fits(v, ima, alg, false, &c);

	if (r == 0 && c.state != REGISTER_AGREES && c.consistent_events <= 0)
		r = ima_fits(v, ima, alg, true, &c);
	if (r < 0)
		return r;
	if (c.state == REGISTER_AGREES)
		return verify_say(v, VERIFY_IMA_LOG, CHECK_PASS, "the list of %zu entries leads to %s:10",
				  ima->n_events, algs[alg].name);
	/* Files are measured all the time: the list may have been read after the quote was made. */
	if (c.state == REGISTER_DIFFERS && c.consistent_events > 0)
		return verify_say(v, VERIFY_IMA_LOG, CHECK_PASS,
				  "the first %" PRId64
				  " of %zu entries lead to %s:10; the others came after the quote",
				  c.consistent_events, ima->n_events, algs[alg].name);
	return verify_say(v, VERIFY_IMA_LOG, CHECK_FAIL,
			  "the list does not lead to %s:10 as quoted, at no entry", algs[alg].name);
}

int verify_ima_log(struct verification *v)
{
	struct slice bytes = v->in->ima_log.n ? v->in->ima_log : v->in->evidence->ima_log;
	struct pcrcast_error why = { .offset = PCRCAST_NO_OFFSET };
	struct eventlog ima;
	bool quoted = false;

	if (bytes.n == 0)
		return verify_say(v, VERIFY_IMA_LOG, CHECK_SKIP, "no IMA list was given");
	int r = eventlog_read(bytes, EVENTLOG_IMA, &ima, &why);
	if (r == -PCRCAST_ENOMEM)
		err_nomem(v->e);
	else if (r < 0)
		r = verify_say(v, VERIFY_IMA_LOG, CHECK_FAIL, "%s", why.msg);
	else
		for (enum alg alg = 0; alg < ALG_COUNT && r == 0; alg++)
			if (v->res->proven.known[alg] >> 10 & 1) {
				quoted = true;
				r = check_ima_bank(v, &ima, alg);
			}
	eventlog_done(&ima);
	return r < 0 || quoted ?
		       r :
		       verify_say(v, VERIFY_IMA_LOG, CHECK_SKIP, "PCR 10 was not quoted, or is not proven");
}
