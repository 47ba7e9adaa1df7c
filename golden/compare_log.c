/*
 * Comparing: what GOT's log tells of registers that GOT states no value of.
 */
#include "golden/compare_parts.h"

struct log_facts log_facts_of(const struct eventlog *log)
{
	struct log_facts f = { .whole = log && eventlog_is_whole(log) };

	for (size_t i = 0; f.whole && i < log->n_events; i++)
		if (log->events[i].pcr < PCR_COUNT && log->events[i].type != EV_NO_ACTION)
			f.with_events |= UINT32_C(1) << log->events[i].pcr;
	return f;
}

/* Do all values that GOT states in a bank follow from its log? Then what the log tells of the others counts too. */
static int check_log(const struct golden_set *got, enum alg alg, bool *ret, struct pcrcast_error *e)
{
	struct register_check checks[PCR_COUNT];
	struct pcr_values values;

	*ret = false;
	int r = golden_single_values(got, alg, &values, NULL);
	if (r == 0)
		r = eventlog_check_registers(got->log, alg, &values, checks, e);
	if (r < 0) /* several values, or a bank that the log has not: nothing speaks for it */
		return r == -PCRCAST_ENOMEM || r == -PCRCAST_ECRYPTO ? r : 0;
	*ret = true;
	for (uint32_t i = 0; i < PCR_COUNT; i++)
		if (values.known[alg] & UINT32_C(1) << i && checks[i].state != REGISTER_AGREES &&
		    checks[i].state != REGISTER_CONTINUES)
			*ret = false;
	return 0;
}

int log_tells_register(struct pool *pool, const struct golden_set *got, struct log_facts *f, enum alg alg,
		       uint32_t index, const struct golden_register **ret, struct pcrcast_error *e)
{
	struct pcr_bank start;
	int r = 0;

	*ret = NULL;
	if (!f->whole || (index >= 17 && index <= 22) || (got->cc && index == 0) ||
	    f->with_events & UINT32_C(1) << index)
		return 0;
	if (!f->known[alg])
		r = check_log(got, alg, &f->agrees[alg], e);
	f->known[alg] = r == 0;
	if (r < 0 || !f->agrees[alg])
		return r;
	r = eventlog_start(got->log, alg, &start, e);
	if (r < 0)
		return r;
	struct golden_register *reg = pool_new(pool, struct golden_register);
	struct golden_value *v = pool_new(pool, struct golden_value);
	if (!reg || !v)
		return err_nomem(e);
	memcpy(v->bytes, start.pcr[index], DIGEST_MAX);
	v->origin = GOLDEN_OBSERVED;
	*reg = (struct golden_register){ .alg = alg, .index = index, .values = v, .n = 1 };
	*ret = reg;
	return 0;
}
