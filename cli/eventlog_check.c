/*
 * pcrcast eventlog check: is a log true? What it prints is in eventlog_check_print.c.
 */
#include "cli/eventlog_check.h"

#include <string.h>

#include "cli/golden_source.h"
#include "eventlog/cc.h"

/* PCR 0 to 7: every extension is the firmware's, or a boot loader's that logs it */
enum { FIRMWARE_PCRS = 8 };

/* PCR 8, 9, 11 to 14: boot loaders extend and log them; so may the system, later and elsewhere */
#define LOADER_PCRS UINT32_C(0x00007b00)

static int add_check(struct report *rep, const char *name, enum outcome outcome, const char *detail,
		     struct pcrcast_error *e)
{
	if (!detail)
		return err_nomem(e);
	rep->checks[rep->n_checks++] = (struct check){ name, detail, outcome };
	return 0;
}

/* ---- values of a machine ---- */

static int read_values(struct pool *pool, const char *path, struct pcr_values *ret, struct pcrcast_error *e)
{
	bool known;

	int r = golden_values_read(pool, path, ret, &known, e);
	return r == 0 && !known ?
		       err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "values in no known form (\"golden formats\" lists those that are)") :
		       r;
}

/* ---- payloads and structure ---- */

static int check_events(const struct eventlog_arguments *a, const struct eventlog *log, struct report *rep,
			struct pcrcast_error *e)
{
	size_t yes = 0, no = 0, known = 0, untold = 0;

	int r = eventlog_check_payloads(&rep->pool, log, &rep->events, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < log->n_events; i++) {
		const struct event_check *c = &rep->events[i];

		if (!check_selects(a, log->events[i].pcr))
			continue;
		yes += c->match == MATCH_YES;
		no += c->match == MATCH_NO && c->suspicious;
		known += c->match == MATCH_NO && !c->suspicious;
		untold += c->match == MATCH_CANNOT_TELL;
	}
	/* nothing was measured, so nothing speaks for the log */
	bool none = yes + no + known + untold == 0;

	return add_check(
		rep, "payloads",
		no   ? FAIL :
		none ? SKIP :
		       PASS,
		pool_printf(
			&rep->pool,
			"%zu of %zu events fit their digests, %zu do not%s; %zu have digests of what is not in the log",
			yes, yes + no + known + untold, no + known,
			known == 0 ? "" :
			no == 0    ? " (as known firmware does)" :
				     " (some as known firmware does)",
			untold),
		e);
}

static int check_findings(const struct eventlog *log, struct report *rep, struct pcrcast_error *e)
{
	size_t grave = 0, open = 0;

	for (size_t i = 0; i < log->n_findings; i++) {
		grave += finding_weight(&log->findings[i]) == FINDING_GRAVE;
		open += finding_weight(&log->findings[i]) == FINDING_OPEN;
	}
	const char *detail =
		log->n_findings == 0 ? pool_printf(&rep->pool, "nothing odd") :
		grave ? pool_printf(&rep->pool, "%zu %s, %zu such that no machine logs so", log->n_findings,
				    log->n_findings == 1 ? "finding" : "findings", grave) :
			pool_printf(&rep->pool, "%zu %s, such as real machines have", log->n_findings,
				    log->n_findings == 1 ? "finding" : "findings");

	return add_check(rep, "structure", grave ? FAIL : open ? SKIP : PASS, detail, e);
}

/* ---- registers ---- */

/* A log of the system alone (IMA's, systemd's) knows nothing of PCR 0 to 7. */
static bool tells_of_firmware(const struct eventlog *log)
{
	for (size_t i = 0; i < log->n_events; i++)
		if (log->events[i].content == CONTENT_PCCLIENT)
			return true;
	return false;
}

/*
 * What a state means for the question whether the log is true. A value without an event speaks against the log where
 * every extension is to be logged, in the firmware's PCRs. In those of boot loaders it cannot be told: an event may have
 * been taken out, or the system extended them. The rest is the system's, and matters only when it was asked for.
 */
static enum outcome outcome_of(const struct eventlog_arguments *a, const struct eventlog *log,
			       const struct report *rep, enum alg alg, unsigned index)
{
	enum register_state state = rep->registers[alg][index].state;

	switch (state) {
	case REGISTER_AGREES:
	case REGISTER_CONTINUES:
		return PASS;
	case REGISTER_DIFFERS:
		return FAIL;
	case REGISTER_NO_EVENTS:
		/* MRTD is what the machine was started with: no event leads to it; but registers behind RTMR3 are a TPM's */
		if (log->kind == EVENTLOG_CC)
			return index > 0 || rep->values.known[alg] >> CC_REGISTERS ? FAIL : PASS;
		if (index < FIRMWARE_PCRS && tells_of_firmware(log))
			return FAIL;
		return a->has_pcrs || LOADER_PCRS & UINT32_C(1) << index ? SKIP : PASS;
	case REGISTER_NOT_STATED:
		return a->has_pcrs || rep->replayed[alg].count[index] > 0 ? SKIP : PASS;
	case REGISTER_INCOMPLETE:
		return SKIP;
	}
	return SKIP;
}

static int compare(const struct eventlog *log, enum alg alg, struct report *rep, struct pcrcast_error *e)
{
	size_t missing;
	int r = eventlog_replay_partial(log, alg, &rep->replayed[alg], &missing, e);

	return r < 0 ? r : eventlog_check_registers(log, alg, &rep->values, rep->registers[alg], e);
}

static bool any_differs(const struct report *rep, enum alg alg)
{
	for (unsigned i = 0; i < PCR_COUNT; i++)
		if (rep->registers[alg][i].state == REGISTER_DIFFERS)
			return true;
	return false;
}

static int check_bank(const struct eventlog_arguments *a, const struct eventlog *log, enum alg alg,
		      struct report *rep, struct pcrcast_error *e)
{
	static const char *const check_names[ALG_COUNT] = { "registers sha1", "registers sha256",
							    "registers sha384", "registers sha512" };
	size_t n[REGISTER_INCOMPLETE + 1] = { 0 };
	enum outcome worst = PASS;

	int r = compare(log, alg, rep, e);
	if (r == 0 && log->kind == EVENTLOG_IMA && any_differs(rep, alg)) {
		struct eventlog padded = *log; /* borrows */

		padded.ima_padded = !log->ima_padded;
		r = compare(&padded, alg, rep, e);
		if (r == 0 && any_differs(rep, alg))
			r = compare(log, alg, rep, e);
	}
	if (r < 0)
		return r;
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		enum register_state state = rep->registers[alg][i].state;
		enum outcome o;

		if (!check_selects(a, i))
			continue;
		o = outcome_of(a, log, rep, alg, i);
		n[state]++;
		worst = worst == FAIL || o == FAIL ? FAIL : worst == SKIP || o == SKIP ? SKIP : PASS;
	}
	return add_check(
		rep, check_names[alg], worst,
		pool_printf(
			&rep->pool,
			"%zu agree, %zu continue, %zu differ, %zu have a value and no event, %zu cannot be told",
			n[REGISTER_AGREES], n[REGISTER_CONTINUES], n[REGISTER_DIFFERS], n[REGISTER_NO_EVENTS],
			n[REGISTER_INCOMPLETE]),
		e);
}

static int check_values(const struct eventlog_arguments *a, const struct eventlog *log, struct report *rep,
			struct pcrcast_error *e)
{
	alg_set stated = 0, banks = eventlog_banks(log);
	int r = a->banks && !a->all_banks ? eventlog_choose_banks(a, log, &banks, e) : 0;

	if (r < 0)
		return r;
	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		stated |= rep->values.known[alg] ? 1u << alg : 0;
	rep->compared = true;
	rep->banks = banks & stated;
	if (a->banks && !a->all_banks && (banks & ~stated) != 0)
		return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
			       "%s states no values of a bank that --bank names", a->pcrs_path);
	if (!rep->banks)
		return add_check(rep, "registers", SKIP, "the values are of banks that the log does not have",
				 e);
	for (enum alg alg = 0; alg < ALG_COUNT && r == 0; alg++)
		if (rep->banks & 1u << alg)
			r = check_bank(a, log, alg, rep, e);
	return r;
}

/* ---- the verdict ---- */

enum outcome check_verdict(const struct report *rep, bool damaged)
{
	enum outcome worst = damaged ? SKIP : PASS;

	for (size_t i = 0; i < rep->n_checks; i++)
		worst = worst == FAIL || rep->checks[i].outcome == FAIL ? FAIL :
			worst == SKIP || rep->checks[i].outcome == SKIP ? SKIP :
									  PASS;
	return worst;
}

int eventlog_run_check(const struct eventlog_arguments *a, const struct eventlog *log,
		       struct pcrcast_error *e)
{
	static const int statuses[] = { [PASS] = EXIT_DONE, [FAIL] = EXIT_DIFFERENT, [SKIP] = EXIT_TROUBLE };
	struct report rep = { .pool = POOL_INIT };

	if (a->pcrs_path && read_values(&rep.pool, a->pcrs_path, &rep.values, e) < 0) {
		pool_done(&rep.pool);
		return fail_at(a->pcrs_path, e); /* the error is not about the log */
	}
	int r = check_events(a, log, &rep, e);
	if (r == 0)
		r = check_findings(log, &rep, e);
	if (r == 0 && a->pcrs_path)
		r = check_values(a, log, &rep, e);
	if (r == 0 && a->json)
		r = check_print_json(a, log, &rep, e);
	else if (r == 0)
		check_print_text(a, log, &rep);
	enum outcome o = check_verdict(&rep, a->damage != NULL);
	pool_done(&rep.pool);
	return r < 0 ? r : statuses[o];
}
