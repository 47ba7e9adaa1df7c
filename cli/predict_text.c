/*
 * Predictions as text: a line for each value and, with --events, one for each event behind them.
 */
#include "cli/cmd_predict.h"

#include "base/encode.h"
#include "eventlog/cc.h"

static void print_events(const struct predict_command *a, const struct prediction *p)
{
	for (size_t i = 0; i < p->log.n_events; i++) {
		const struct event *ev = &p->log.events[i];
		char buf[11], name[12], hex[2 * DIGEST_MAX + 1] = "unknown";

		if (!predict_selects(a, ev->pcr))
			continue;
		for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
			struct slice d = event_digest(ev, &p->log, alg);

			if (!(p->banks & 1u << alg) || (d.n == 0 && ev->n_digests))
				continue;
			if (d.n)
				hex_encode(d.p, d.n, hex);
			printf("%2s  %-34s %s:%s  %s  ", register_name(p->cc, ev->pcr, name),
			       event_type_name(ev->type, buf), algs[alg].name, hex,
			       event_origin_name(ev->origin));
			put_text(stdout, ev->description);
			fputs("  [", stdout);
			put_text(stdout, ev->source);
			fputs("]\n", stdout);
			if (d.n == 0)
				break;
		}
	}
}

/* The baseline's events that are not among those above. */
static void print_replaced(const struct predict_command *a, const struct prediction *p)
{
	for (size_t i = 0; i < p->n_baseline; i++) {
		const struct baseline_event *ev = &p->baseline[i];
		char buf[11], name[12];

		if (predict_selects(a, ev->pcr) && !ev->kept)
			printf("not kept: event %zu of the baseline, %s%s %s: %s\n", i, p->cc ? "" : "PCR ",
			       register_name(p->cc, ev->pcr, name), event_type_name(ev->type, buf),
			       ev->reason);
	}
}

static int print_combination(const struct predict_command *a, const struct predict_combination *c,
			     const struct prediction *p, struct pcrcast_error *e)
{
	const struct text_list *phases = &c->arguments.phases;
	char name[12];

	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
			if (p->banks & 1u << alg && predict_selects(a, pcr) && prediction_knows(p, pcr))
				print_register_line(alg, register_name(p->cc, pcr, name),
						    p->values[alg].pcr[pcr], "");
	for (size_t i = 0; i < phases->n && prediction_knows(p, 11); i++)
		for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
			struct pcr_bank bank;

			if (!(p->banks & 1u << alg))
				continue;
			int r = predict_phase(p, alg, phases->items[i], &bank, e);
			if (r < 0)
				return r;
			print_digest_line(alg, 11, bank.pcr[11], phases->items[i]);
		}
	if (a->events) {
		print_events(a, p);
		print_replaced(a, p);
	}
	return 0;
}

int predict_print_text(const struct predict_command *a, const struct prediction *all, struct pcrcast_error *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->predict.n_combinations; i++) {
		const struct predict_combination *c = &a->predict.combinations[i];

		if (c->label) {
			fputs(i ? "\n" : "", stdout);
			put_text(stdout, c->label);
			putchar('\n');
		}
		r = print_combination(a, c, &all[i], e);
	}
	return r;
}
