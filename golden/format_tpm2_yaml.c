/*
 * tpm2_eventlog's YAML as reference values: the values under "pcrs", held against the events above them.
 */
#include "eventlog/tpm2_yaml.h"
#include "eventlog/write.h"
#include "golden/format_rows.h"

GOLDEN_RECOGNISER(tpm2_yaml_recognised)
{
	return !in->files && !in->json && tpm2_yaml_recognise(in->bytes);
}

/*
 * The values that tpm2_eventlog 5.4 gives: it extends EV_NO_ACTION as if it were an event and starts every register with
 * zeros, so those of PCR 0 after a StartupLocality and of PCR 17 to 22 are not the machine's.
 */
static int replay_as_tpm2(const struct eventlog *log, enum alg alg, struct pcr_bank *ret,
			  struct pcrcast_error *e)
{
	struct pcr_bank bank = { .alg = alg };
	int r = 0;

	for (size_t i = 0; i < log->n_events && r == 0; i++) {
		struct slice digest = event_digest(&log->events[i], log, alg);

		if (digest.n && log->events[i].pcr < PCR_COUNT)
			r = pcr_extend(&bank, log->events[i].pcr, digest.p, e);
	}
	*ret = bank;
	return r;
}

/* One register: the machine's value, if what the YAML says of it is that or what tpm2_eventlog makes of the same events. */
static int take_register(struct golden *g, struct golden_set *s, const struct tpm2_yaml *y, enum alg alg,
			 uint32_t index, const struct pcr_bank *true_bank, const struct pcr_bank *odd_bank,
			 struct pcrcast_error *e)
{
	uint32_t bit = UINT32_C(1) << index;
	bool stated = y->pcrs.known[alg] & bit, extended = true_bank->extended & bit;
	const uint8_t *value = y->pcrs.value[alg][index];
	size_t len = algs[alg].len;
	int r = 0;

	if (stated && memcmp(value, true_bank->pcr[index], len) != 0) {
		if (!(odd_bank->extended & bit) || memcmp(value, odd_bank->pcr[index], len) != 0)
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				       "\"pcrs\": the value of %s:%u is not the one that its events lead to",
				       algs[alg].name, index);
		r = golden_note(
			g, e,
			"%s:%u: the value under \"pcrs\" is that of a fault of tpm2_eventlog (EV_NO_ACTION or the start "
			"value); the one that the events lead to is taken",
			algs[alg].name, index);
	}
	if (y->has_pcrs && y->pcrs.known[alg] && extended && !stated)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "\"pcrs\": no value of %s:%u, which events extend", algs[alg].name, index);
	if (r < 0 || !extended)
		return r;
	return golden_add_value(g, s, alg, index, (struct slice){ true_bank->pcr[index], len },
				GOLDEN_OBSERVED, NULL, e);
}

static int take_values(struct golden *g, struct golden_set *s, const struct eventlog *log,
		       const struct tpm2_yaml *y, struct pcrcast_error *e)
{
	int r = 0;

	for (enum alg alg = 0; alg < ALG_COUNT && r == 0; alg++) {
		uint32_t incomplete = eventlog_incomplete(log, alg);
		struct pcr_bank true_bank, odd_bank;
		bool announced = false;
		size_t missing;

		for (size_t i = 0; i < log->n_algs; i++)
			announced |= log->algs[i].id == algs[alg].tpm_id;
		if (!announced && y->pcrs.known[alg])
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				       "\"pcrs\" has values of %s, of which the events have no digest",
				       algs[alg].name);
		if (!announced)
			continue;
		r = eventlog_replay_partial(log, alg, &true_bank, &missing, e);
		r = r < 0 ? r : replay_as_tpm2(log, alg, &odd_bank, e);
		for (uint32_t i = 0; i < PCR_COUNT && r == 0; i++)
			if (!(incomplete & UINT32_C(1) << i))
				r = take_register(g, s, y, alg, i, &true_bank, &odd_bank, e);
		if (r == 0 && incomplete)
			r = golden_note(
				g, e,
				"%s: registers with events that have no digest in this bank are left out",
				algs[alg].name);
	}
	return r;
}

static int take_notes(struct golden *g, const struct tpm2_yaml *y, struct pcrcast_error *e)
{
	int r = 0;

	if (!y->has_pcrs)
		r = golden_note(g, e, "there is no \"pcrs\": the values are those that the events lead to");
	if (r == 0 && y->other_banks)
		r = golden_note(g, e, "digests of algorithms that are not known here are left out");
	if (r == 0 && y->n_without_data && !y->n_unknown_types)
		r = golden_note(g, e,
				"of %zu events the data is not there as bytes, only their digests are known",
				y->n_without_data);
	if (r == 0 && y->n_unknown_types)
		r = golden_note(
			g, e,
			"tpm2_eventlog has no name for the type of %zu events, so the events are left out",
			y->n_unknown_types);
	return r;
}

GOLDEN_READER(tpm2_yaml_read_golden)
{
	struct golden_set *s = golden_add_set(g, e);
	struct eventlog log;
	struct tpm2_yaml y;

	if (!s)
		return -PCRCAST_ELIMIT;
	int r = tpm2_yaml_read(in->bytes, &log, &y, e);
	r = r < 0 ? r : take_values(g, s, &log, &y, e);
	r = r < 0 ? r : take_notes(g, &y, e);
	if (r == 0 && !y.n_unknown_types)
		return golden_keep_log(g, s, &log, e);
	eventlog_done(&log);
	return r;
}

/* The YAML is of the events: values that are not theirs have no place in it. */
static int check_values(const struct golden_set *s, const struct eventlog *log, struct pcrcast_error *e)
{
	struct pcr_bank bank; /* of the register's algorithm; registers are in that order */
	size_t missing;

	for (size_t i = 0; i < s->n_registers; i++) {
		const struct golden_register *reg = &s->registers[i];

		if (i == 0 || s->registers[i - 1].alg != reg->alg) {
			int r = eventlog_replay_partial(log, reg->alg, &bank, &missing, e);

			if (r < 0)
				return r;
		}
		if (memcmp(bank.pcr[reg->index], reg->values[0].bytes, algs[reg->alg].len) != 0)
			return err_set(
				e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
				"tpm2-yaml has the values that events lead to: that of %s:%u is another",
				algs[reg->alg].name, reg->index);
	}
	return 0;
}

GOLDEN_WRITER(tpm2_yaml_write)
{
	const struct golden_set *s = &g->sets[0];
	alg_set banks = golden_banks(s);
	struct eventlog kept;

	int r = check_values(s, s->log, e);
	if (r < 0)
		return r;
	if (!banks)
		return eventlog_print_tpm2_yaml(s->log, w->out, e);
	r = eventlog_keep_banks(s->log, banks, &kept, e);
	if (r == 0) {
		r = eventlog_print_tpm2_yaml(&kept, w->out, e);
		eventlog_done(&kept);
	}
	return r;
}
