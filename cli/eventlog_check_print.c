/*
 * pcrcast eventlog check: the report as text and as JSON.
 */
#include "cli/eventlog_check.h"

#include <inttypes.h>

#include "base/encode.h"

static const char *const outcome_names[] = { [PASS] = "pass", [FAIL] = "fail", [SKIP] = "skip" };

static const char *verdict_name(enum outcome o)
{
	return o == PASS ? "trusted" : o == FAIL ? "untrusted" : "undecided";
}

/* ---- text ---- */

static void print_event(const struct eventlog *log, size_t i, const struct event_check *c)
{
	const struct event *ev = &log->events[i];
	char type[11], name[12];

	printf("  event %zu, %s%s, %s, at byte %" PRIu64 ": the digest is %s\n", i,
	       log->kind == EVENTLOG_CC ? "" : "PCR ", eventlog_register_name(log, ev->pcr, name),
	       event_type_name(ev->type, type), ev->offset, c->reason);
}

static void print_register(const struct eventlog *log, const struct report *rep, enum alg alg, unsigned i)
{
	const struct register_check *c = &rep->registers[alg][i];
	char name[12], hex[2 * DIGEST_MAX + 1];
	unsigned count = rep->replayed[alg].count[i];

	printf("  %s:%s ", algs[alg].name, eventlog_register_name(log, i, name));
	switch (c->state) {
	case REGISTER_CONTINUES:
		printf("goes on after the log: %.*s\n", (int)c->words_len, c->words);
		return;
	case REGISTER_INCOMPLETE:
		printf("cannot be told: there are events without a digest in this bank\n");
		return;
	case REGISTER_NO_EVENTS:
		hex_encode(rep->values.value[alg][i], algs[alg].len, hex);
		printf("has a value but no event: %s\n", hex);
		return;
	default:
		break;
	}
	hex_encode(rep->values.value[alg][i], algs[alg].len, hex);
	printf("differs: the machine has %s\n", hex);
	hex_encode(rep->replayed[alg].pcr[i], algs[alg].len, hex);
	printf("    the log leads to %s with %u event%s\n", hex, count, count == 1 ? "" : "s");
	if (c->consistent_events < 0)
		puts("    the machine's value is none that the log leads through");
	else if (c->consistent_events == 0)
		puts("    the machine's value is that before the first of them");
	else
		printf("    the machine's value is that after %" PRId64
		       " of them: the log is consistent up to event %zu\n",
		       c->consistent_events, c->last_consistent);
}

static void print_findings(const struct eventlog *log)
{
	for (size_t i = 0; i < log->n_findings; i++) {
		const struct finding *f = &log->findings[i];

		printf("  %s: ", f->code);
		put_text(stdout, f->text);
		if (f->event != SIZE_MAX)
			printf(" (event %zu)", f->event);
		if (f->offset != PCRCAST_NO_OFFSET)
			printf(" (at byte %" PRIu64 ")", f->offset);
		putchar('\n');
	}
}

void check_print_text(const struct eventlog_arguments *a, const struct eventlog *log,
		      const struct report *rep)
{
	enum alg alg = 0;

	for (size_t k = 0; k < rep->n_checks; k++) {
		const struct check *c = &rep->checks[k];

		printf("%-4s  %s: ", outcome_names[c->outcome], c->name);
		put_text(stdout, c->detail);
		putchar('\n');
		if (k == 0)
			for (size_t i = 0; i < log->n_events; i++)
				if (rep->events[i].match == MATCH_NO && check_selects(a, log->events[i].pcr))
					print_event(log, i, &rep->events[i]);
		if (k == 1)
			print_findings(log);
		if (k < 2 || !rep->banks)
			continue;
		while (!(rep->banks & 1u << alg))
			alg++;
		for (unsigned i = 0; i < PCR_COUNT; i++) {
			enum register_state state = rep->registers[alg][i].state;

			if (check_selects(a, i) && state != REGISTER_AGREES && state != REGISTER_NOT_STATED)
				print_register(log, rep, alg, i);
		}
		alg++;
	}
	printf("%s\n", verdict_name(check_verdict(rep, a->damage != NULL)));
}

/* ---- JSON ---- */

static void add_events(struct json_doc *d, struct cJSON *root, const struct eventlog_arguments *a,
		       const struct eventlog *log, const struct report *rep)
{
	static const char *const match_names[] = {
		[MATCH_YES] = "yes", [MATCH_NO] = "no", [MATCH_CANNOT_TELL] = "cannot-tell"
	};
	struct cJSON *list = json_array(d);

	for (size_t i = 0; i < log->n_events; i++) {
		const struct event *ev = &log->events[i];
		char type[11];

		if (!check_selects(a, ev->pcr))
			continue;
		struct cJSON *o = json_object(d);
		json_add_u64(d, o, "event", i);
		json_add_u64(d, o, "offset", ev->offset);
		json_add_u64(d, o, "pcr", ev->pcr);
		json_add_string(d, o, "type", event_type_name(ev->type, type));
		json_add_string(d, o, "match", match_names[rep->events[i].match]);
		json_add_bool(d, o, "suspicious", rep->events[i].suspicious);
		if (rep->events[i].reason)
			json_add_string(d, o, "reason", rep->events[i].reason);
		json_append(d, list, o);
	}
	json_add(d, root, "events", list);
}

static struct cJSON *register_json(struct json_doc *d, const struct report *rep, enum alg alg, unsigned i)
{
	const struct register_check *c = &rep->registers[alg][i];
	struct cJSON *o = json_object(d);

	json_add_string(d, o, "state", register_state_name(c->state));
	if (c->state != REGISTER_INCOMPLETE)
		json_add_hex(d, o, "log", rep->replayed[alg].pcr[i], algs[alg].len);
	if (c->state != REGISTER_NOT_STATED)
		json_add_hex(d, o, "machine", rep->values.value[alg][i], algs[alg].len);
	json_add_u64(d, o, "events", rep->replayed[alg].count[i]);
	if (c->state == REGISTER_DIFFERS && c->consistent_events >= 0)
		json_add_u64(d, o, "consistentEvents", (uint64_t)c->consistent_events);
	if (c->state == REGISTER_DIFFERS && c->last_consistent != SIZE_MAX)
		json_add_u64(d, o, "lastConsistentEvent", c->last_consistent);
	if (c->words) {
		char words[128];

		(void)snprintf(words, sizeof words, "%.*s", (int)c->words_len, c->words);
		json_add_string(d, o, "words", words);
	}
	return o;
}

int check_print_json(const struct eventlog_arguments *a, const struct eventlog *log, const struct report *rep,
		     struct pcrcast_error *e)
{
	struct json_doc d = { false };
	struct cJSON *root = json_object(&d), *checks = json_array(&d), *banks = json_object(&d);
	char name[12];

	json_add_u64(&d, root, "version", 1);
	json_add_string(&d, root, "kind", eventlog_kind_name(log->kind));
	json_add_string(&d, root, "verdict", verdict_name(check_verdict(rep, a->damage != NULL)));
	for (size_t i = 0; i < rep->n_checks; i++) {
		struct cJSON *o = json_object(&d);

		json_add_string(&d, o, "name", rep->checks[i].name);
		json_add_string(&d, o, "result", outcome_names[rep->checks[i].outcome]);
		json_add_string(&d, o, "detail", rep->checks[i].detail);
		json_append(&d, checks, o);
	}
	json_add(&d, root, "checks", checks);
	add_events(&d, root, a, log, rep);
	eventlog_add_findings(&d, root, log);
	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		if (!(rep->banks & 1u << alg))
			continue;
		struct cJSON *o = json_object(&d);
		for (unsigned i = 0; i < PCR_COUNT; i++)
			if (check_selects(a, i) && (rep->registers[alg][i].state != REGISTER_NOT_STATED ||
						    rep->replayed[alg].count[i] || a->has_pcrs))
				json_add(&d, o, eventlog_register_name(log, i, name),
					 register_json(&d, rep, alg, i));
		json_add(&d, banks, algs[alg].name, o);
	}
	if (rep->compared)
		json_add(&d, root, "registers", banks);
	else
		json_free(banks);
	eventlog_add_damage(&d, root, a->damage);
	return eventlog_print_json(&d, root, e);
}
