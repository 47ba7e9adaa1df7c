/*
 * The model of reference values: building it and asking it.
 */
#include "golden/golden.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "eventlog/cc.h"

static const char *const origin_names[GOLDEN_ORIGINS] = {
	[GOLDEN_STATED] = "stated",     [GOLDEN_COMPUTED] = "computed", [GOLDEN_CONSTANT] = "constant",
	[GOLDEN_OBSERVED] = "observed", [GOLDEN_ASSUMED] = "assumed",
};

const char *golden_origin_name(enum golden_origin origin)
{
	return origin_names[origin];
}

enum golden_origin golden_origin_by_name(const char *name)
{
	enum golden_origin o = 0;

	while (o < GOLDEN_ORIGINS && strcmp(name, origin_names[o]) != 0)
		o++;
	return o;
}

void golden_done(struct golden *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->sets[i].log)
			eventlog_done(g->sets[i].log);
	pool_done(&g->pool);
	*g = GOLDEN_INIT;
}

struct golden_set *golden_add_set(struct golden *g, struct pcrcast_error *e)
{
	if (g->n == GOLDEN_MAX_SETS) {
		err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET, "more than %d sets of reference values",
			GOLDEN_MAX_SETS);
		return NULL;
	}
	struct golden_set *s = pool_push(&g->pool, &g->sets, &g->n, &g->cap, sizeof *s);

	if (!s)
		err_nomem(e);
	return s;
}

bool golden_set_called(const struct golden_set *s, const char *name)
{
	const struct golden_identity *id = &s->id;
	const char *parts[] = { id->csp, id->variant, id->image };

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		if (parts[i] && strcmp(parts[i], name) == 0)
			return true;
	size_t n = id->csp ? strlen(id->csp) : 0;
	return id->csp && id->variant && strncmp(name, id->csp, n) == 0 && name[n] == '/' &&
	       strcmp(name + n + 1, id->variant) == 0;
}

/* Order of the registers of a set. */
static int compare_register(const struct golden_register *r, enum alg alg, uint32_t index)
{
	return r->alg != alg ? (r->alg < alg ? -1 : 1) : r->index != index ? (r->index < index ? -1 : 1) : 0;
}

const struct golden_register *golden_find(const struct golden_set *s, enum alg alg, uint32_t index)
{
	for (size_t i = 0; i < s->n_registers; i++)
		if (compare_register(&s->registers[i], alg, index) == 0)
			return &s->registers[i];
	return NULL;
}

struct golden_register *golden_register(struct golden *g, struct golden_set *s, enum alg alg, uint32_t index,
					struct pcrcast_error *e)
{
	uint32_t most = s->cc ? CC_REGISTERS - 1 : PCR_COUNT - 1;
	size_t at = 0;

	if (index > most) {
		err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "%s %u, expected 0 to %u",
			s->cc ? "CC register" : "PCR", index, most);
		return NULL;
	}
	while (at < s->n_registers && compare_register(&s->registers[at], alg, index) < 0)
		at++;
	if (at < s->n_registers && compare_register(&s->registers[at], alg, index) == 0)
		return &s->registers[at];
	if (!pool_push(&g->pool, &s->registers, &s->n_registers, &s->cap_registers, sizeof *s->registers)) {
		err_nomem(e);
		return NULL;
	}
	memmove(&s->registers[at + 1], &s->registers[at], (s->n_registers - 1 - at) * sizeof *s->registers);
	s->registers[at] = (struct golden_register){ .alg = alg, .index = index };
	return &s->registers[at];
}

static bool same_label(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

int golden_add_value(struct golden *g, struct golden_set *s, enum alg alg, uint32_t index, struct slice value,
		     enum golden_origin origin, const char *label, struct pcrcast_error *e)
{
	char name[12];

	if (value.n != algs[alg].len)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "register %s: a value of %zu bytes, expected %u for %s",
			       golden_register_name(s, index, name), value.n, algs[alg].len, algs[alg].name);
	struct golden_register *r = golden_register(g, s, alg, index, e);
	if (!r)
		return -PCRCAST_EFORMAT;
	for (size_t i = 0; i < r->n; i++)
		if (memcmp(r->values[i].bytes, value.p, value.n) == 0 &&
		    same_label(r->values[i].label, label))
			return 0;
	if (r->n == GOLDEN_MAX_VALUES)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET, "register %s: more than %d values",
			       golden_register_name(s, index, name), GOLDEN_MAX_VALUES);
	struct golden_value *v = pool_push(&g->pool, &r->values, &r->n, &r->cap, sizeof *v);
	if (!v)
		return err_nomem(e);
	memcpy(v->bytes, value.p, value.n);
	v->origin = origin;
	v->label = label ? pool_text(&g->pool, label, strlen(label)) : NULL;
	return label && !v->label ? err_nomem(e) : 0;
}

int golden_add_pcr_values(struct golden *g, struct golden_set *s, const struct pcr_values *values,
			  enum golden_origin origin, struct pcrcast_error *e)
{
	int r = 0;

	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		for (uint32_t i = 0; i < PCR_COUNT && r == 0; i++)
			if (values->known[alg] & UINT32_C(1) << i)
				r = golden_add_value(g, s, alg, i,
						     (struct slice){ values->value[alg][i], algs[alg].len },
						     origin, NULL, e);
	return r;
}

struct golden_policy *golden_add_policy(struct golden *g, struct golden_set *s, struct pcrcast_error *e)
{
	struct golden_policy *p =
		pool_push(&g->pool, &s->policies, &s->n_policies, &s->cap_policies, sizeof *p);

	if (p)
		p->signature = SLICE_EMPTY;
	else
		err_nomem(e);
	return p;
}

struct golden_claim *golden_add_claim(struct golden *g, struct golden_set *s, struct pcrcast_error *e)
{
	struct golden_claim *c = pool_push(&g->pool, &s->claims, &s->n_claims, &s->cap_claims, sizeof *c);

	if (c) {
		c->alg = ALG_COUNT;
		c->bytes = SLICE_EMPTY;
	} else {
		err_nomem(e);
	}
	return c;
}

int golden_add_extra(struct golden *g, struct golden_set *s, const char *format, const char *key,
		     const char *json, struct pcrcast_error *e)
{
	struct golden_extra *x = pool_push(&g->pool, &s->extras, &s->n_extras, &s->cap_extras, sizeof *x);

	if (!x)
		return err_nomem(e);
	x->format = format;
	x->key = pool_text(&g->pool, key, strlen(key));
	x->json = pool_text(&g->pool, json, strlen(json));
	return x->key && x->json ? 0 : err_nomem(e);
}

int golden_note(struct golden *g, struct pcrcast_error *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	bool ok = pool_push_text(&g->pool, &g->notes, &g->n_notes, &g->cap_notes, fmt, ap);
	va_end(ap);
	return ok ? 0 : err_nomem(e);
}

/* The registers of one bank that the log leads to. */
static int take_bank(struct golden *g, struct golden_set *s, enum alg alg, enum golden_origin origin,
		     struct pcrcast_error *e)
{
	uint32_t incomplete = eventlog_incomplete(s->log, alg);
	struct pcr_bank bank;
	size_t missing;

	int r = eventlog_replay_partial(s->log, alg, &bank, &missing, e);
	for (uint32_t i = 0; i < PCR_COUNT && r == 0; i++)
		if (bank.extended & ~incomplete & UINT32_C(1) << i && (!s->cc || i < CC_REGISTERS))
			r = golden_add_value(g, s, alg, i, (struct slice){ bank.pcr[i], algs[alg].len },
					     origin, NULL, e);
	if (r == 0 && incomplete)
		r = golden_note(g, e,
				"%s: registers with events that have no digest in this bank are left out",
				algs[alg].name);
	return r;
}

int golden_keep_log(struct golden *g, struct golden_set *s, struct eventlog *log, struct pcrcast_error *e)
{
	s->log = pool_new(&g->pool, struct eventlog);
	if (!s->log) {
		eventlog_done(log);
		return err_nomem(e);
	}
	*s->log = *log;
	*log = EVENTLOG_INIT;
	return 0;
}

int golden_take_log(struct golden *g, struct golden_set *s, struct eventlog *log, enum golden_origin origin,
		    struct pcrcast_error *e)
{
	int r = golden_keep_log(g, s, log, e);

	if (r < 0)
		return r;
	s->cc = s->log->kind == EVENTLOG_CC;
	for (size_t i = 0; i < s->log->n_algs && r == 0; i++) {
		enum alg alg = alg_by_tpm_id(s->log->algs[i].id);

		if (alg != ALG_COUNT)
			r = take_bank(g, s, alg, origin, e);
	}
	return r;
}

alg_set golden_banks(const struct golden_set *s)
{
	alg_set banks = 0;

	for (size_t i = 0; i < s->n_registers; i++)
		banks |= 1u << s->registers[i].alg;
	return banks;
}

int golden_single_values(const struct golden_set *s, enum alg alg, struct pcr_values *ret,
			 struct pcrcast_error *e)
{
	struct pcr_values v = { 0 };
	char name[12];

	for (size_t i = 0; i < s->n_registers; i++) {
		const struct golden_register *r = &s->registers[i];

		if (r->alg != alg)
			continue;
		for (size_t k = 1; k < r->n; k++)
			if (memcmp(r->values[k].bytes, r->values[0].bytes, algs[alg].len) != 0)
				return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
					       "%s:%s has %zu values, expected one", algs[alg].name,
					       golden_register_name(s, r->index, name), r->n);
		memcpy(v.value[alg][r->index], r->values[0].bytes, DIGEST_MAX);
		v.known[alg] |= UINT32_C(1) << r->index;
	}
	*ret = v;
	return 0;
}

const char *golden_register_name(const struct golden_set *s, uint32_t index, char buf[static 12])
{
	return register_name(s->cc, index, buf);
}
