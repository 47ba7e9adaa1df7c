/*
 * systemd-pcrlock's prediction: every way through the variants of the components.
 *
 * systemd (255 to 262, event_log_predict_pcrs) takes each register by itself: it goes through all components in their
 * order, takes each variant in turn and extends the register by the variant's records for it. Before each component that
 * comes after the location's start, and when the components or the location end, it adds the value to a set.
 *
 * Here only the components that touch the register are gone through, and of their variants those that differ in it.
 * That gives the same set in the same order: a component that does not touch the register leaves the value as
 * it is, so that what is added before it is what is added before the next one that does, or at the end; and
 * all ways through its variants, or through variants that do not differ, lead to the same values one after
 * the other, of which only the first time counts. Whether a value is added before a component that is left out is kept
 * with the next step.
 */
#include "golden/pcrlock.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/sha.h"

/* A register in all banks, as the events so far lead to it. */
struct state {
	alg_set valid; /* banks in which every event had a digest */
	uint8_t bytes[ALG_COUNT][DIGEST_MAX];
};

enum {
	NAMES_SHOWN = 4,  /* of variants that come to the same thing */
	LABEL_MAX = 2048, /* a longer label helps nobody, and thousands of long ones take memory */
};

/* Variants of a component that do not differ in the register. */
struct choice {
	const char *names; /* "a" or "a|b" */
	size_t n_names;
	const struct eventlog *log;
	const struct event **events; /* those of the register */
	size_t n;
	struct digest
		identity; /* of their digests: many variants are compared without going through them again */
};

/* A component that touches the register. */
struct step {
	const struct pcrlock_component *component;
	bool adds; /* the value before it is one that the register may have */
	struct choice *choices;
	size_t n;
};

struct result {
	struct state state;
	const char *label; /* NULL: there was no choice */
};

struct walk {
	struct pool pool;
	uint32_t pcr;
	struct sha *hash[ALG_COUNT];
	struct step *steps;
	size_t n;
	const char *end; /* component that the location ends before; NULL: there is none */
	bool changes;    /* the register changes within the location */
	struct state *states;
	const struct choice **chosen;
	struct result *results;
	size_t n_results, cap_results;
	size_t *left; /* steps that may be gone yet, of all registers */
	struct pcrcast_error *e;
};

static bool is_measured(const struct event *ev, uint32_t pcr)
{
	/* systemd counts every record of a component, whatever its content says */
	return ev->pcr == pcr;
}

/* ---- what there is to choose from ---- */

/* SHA-256 of the digests of all events, each with its length before it. */
static int identify(struct walk *w, struct choice *c)
{
	struct sha *h = w->hash[ALG_SHA256];
	bool ok = sha_restart(h);

	for (size_t i = 0; i < c->n && ok; i++) {
		uint8_t len[8];

		put_u64le(len, c->events[i]->digests.n);
		ok = sha_update(h, len, sizeof len) &&
		     sha_update(h, c->events[i]->digests.p, c->events[i]->digests.n);
	}
	return ok && sha_peek(h, &c->identity) ?
		       0 :
		       err_set(w->e, PCRCAST_ECRYPTO, PCRCAST_NO_OFFSET, "libcrypto cannot compute sha256");
}

static int choice_of(struct walk *w, const struct pcrlock_variant *v, struct choice *ret)
{
	struct choice c = { .names = v->id, .n_names = 1, .log = &v->log };

	c.events = pool_array(&w->pool, v->log.n_events ? v->log.n_events : 1, sizeof *c.events);
	if (!c.events)
		return err_nomem(w->e);
	for (size_t i = 0; i < v->log.n_events; i++)
		if (is_measured(&v->log.events[i], w->pcr))
			c.events[c.n++] = &v->log.events[i];
	int r = identify(w, &c);
	if (r == 0)
		*ret = c;
	return r;
}

static bool touches(const struct pcrlock_component *c, uint32_t pcr)
{
	for (size_t i = 0; i < c->n; i++)
		for (size_t k = 0; k < c->variants[i].log.n_events; k++)
			if (is_measured(&c->variants[i].log.events[k], pcr))
				return true;
	return false;
}

static int add_name(struct walk *w, struct choice *c, const char *name)
{
	if (c->n_names++ < NAMES_SHOWN)
		c->names = pool_printf(&w->pool, "%s|%s", c->names, name);
	else if (c->n_names == NAMES_SHOWN + 1)
		c->names = pool_printf(&w->pool, "%s|…", c->names);
	return c->names ? 0 : err_nomem(w->e);
}

static int make_step(struct walk *w, const struct pcrlock_component *c, struct step *ret)
{
	struct step step = { .component = c };

	step.choices = pool_array(&w->pool, c->n, sizeof *step.choices);
	if (!step.choices)
		return err_nomem(w->e);
	for (size_t i = 0; i < c->n; i++) {
		struct choice one;
		size_t k = 0;

		int r = choice_of(w, &c->variants[i], &one);
		if (r < 0)
			return r;
		while (k < step.n && !digest_equal(&step.choices[k].identity, &one.identity))
			k++;
		if (k == step.n)
			step.choices[step.n++] = one;
		else if (add_name(w, &step.choices[k], one.names) < 0)
			return -PCRCAST_ENOMEM;
	}
	*ret = step;
	return 0;
}

/* The steps up to the end of the location. */
static int make_steps(struct walk *w, const struct pcrlock *p)
{
	bool adds = false;

	w->steps = pool_array(&w->pool, p->n + 1, sizeof *w->steps);
	w->states = pool_array(&w->pool, p->n + 1, sizeof *w->states);
	w->chosen = pool_array(&w->pool, p->n + 1, sizeof *w->chosen);
	if (!w->steps || !w->states || !w->chosen)
		return err_nomem(w->e);
	for (size_t i = 0; i < p->n; i++) {
		const struct pcrlock_component *c = &p->components[i];
		bool within = strcmp(c->id, PCRLOCK_LOCATION_START) > 0;

		if (strcmp(c->id, PCRLOCK_LOCATION_END) > 0) {
			w->end = c->id;
			break;
		}
		adds |= within;
		if (!touches(c, w->pcr))
			continue;
		int r = make_step(w, c, &w->steps[w->n]);
		if (r < 0)
			return r;
		w->steps[w->n++].adds = adds;
		w->changes |= within;
		adds = false;
	}
	return 0;
}

/* ---- the values ---- */

static bool same_state(const struct state *a, const struct state *b)
{
	bool same = a->valid == b->valid;

	for (enum alg alg = 0; alg < ALG_COUNT && same; alg++)
		same = !(a->valid & 1u << alg) || memcmp(a->bytes[alg], b->bytes[alg], algs[alg].len) == 0;
	return same;
}

/* "500-separator@300-0x00000000:650-uki@new, before 800-leave-initrd"; NULL when there is nothing to tell apart. */
static int label_of(struct walk *w, size_t level, const char **ret)
{
	char text[LABEL_MAX] = "";
	FILE *out = fmemopen(text, sizeof text, "w");
	const char *comma = "";

	if (!out)
		return err_nomem(w->e);
	for (size_t i = 0; i < level; i++)
		if (w->steps[i].n > 1) {
			fprintf(out, "%s%s@%s", *comma ? ":" : "", w->steps[i].component->id,
				w->chosen[i]->names);
			comma = ", ";
		}
	const char *until = level < w->n ? w->steps[level].component->id : w->end;
	if (w->changes)
		fprintf(out, "%s%s%s", comma, until ? "before " : "at the end", until ? until : "");
	bool whole = fflush(out) == 0 && !ferror(out) && ftell(out) < LABEL_MAX;
	(void)fclose(out);
	if (!whole)
		(void)snprintf(text, sizeof text, "one of %zu ways, too long to name", w->n_results + 1);
	*ret = *text ? pool_text(&w->pool, text, strlen(text)) : NULL;
	return *text && !*ret ? err_nomem(w->e) : 0;
}

static int add_result(struct walk *w, size_t level)
{
	const char *label;

	for (size_t i = 0; i < w->n_results; i++)
		if (same_state(&w->results[i].state, &w->states[level]))
			return 0;
	if (w->n_results == PCRLOCK_MAX_VALUES)
		return err_set(w->e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "PCR %u: the variants lead to more than %d values", w->pcr,
			       PCRLOCK_MAX_VALUES);
	int r = label_of(w, level, &label);
	if (r < 0)
		return r;
	struct result *result =
		pool_push(&w->pool, &w->results, &w->n_results, &w->cap_results, sizeof *result);
	if (!result)
		return err_nomem(w->e);
	*result = (struct result){ w->states[level], label };
	return 0;
}

static int extend(struct walk *w, struct state *s, const struct eventlog *log, const struct event *ev)
{
	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		struct slice digest = event_digest(ev, log, alg);
		struct sha *h = w->hash[alg];
		struct digest d;

		if (digest.n == 0)
			s->valid &= ~(1u << alg);
		if (!(s->valid & 1u << alg))
			continue;
		if (!sha_restart(h) || !sha_update(h, s->bytes[alg], algs[alg].len) ||
		    !sha_update(h, digest.p, digest.n) || !sha_peek(h, &d))
			return err_set(w->e, PCRCAST_ECRYPTO, PCRCAST_NO_OFFSET,
				       "libcrypto cannot compute %s", algs[alg].name);
		memcpy(s->bytes[alg], d.bytes, algs[alg].len);
	}
	return 0;
}

static int spend(struct walk *w, size_t n)
{
	if (n > *w->left)
		return err_set(w->e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "PCR %u: too many combinations of variants (more than %d steps in all)",
			       w->pcr, PCRLOCK_MAX_STEPS);
	*w->left -= n;
	return 0;
}

/* Everything from a step on, the state before it being known. As deep as there are components. */
static int go(struct walk *w, size_t level)
{
	const struct step *step = &w->steps[level];

	if (level == w->n)
		return add_result(w, level);
	int r = step->adds ? add_result(w, level) : 0;
	for (size_t i = 0; i < step->n && r == 0; i++) {
		const struct choice *c = &step->choices[i];

		w->chosen[level] = c;
		w->states[level + 1] = w->states[level];
		r = spend(w, 1 + c->n);
		for (size_t k = 0; k < c->n && r == 0; k++)
			r = extend(w, &w->states[level + 1], c->log, c->events[k]);
		r = r < 0 ? r : go(w, level + 1);
	}
	return r;
}

/* ---- into the set ---- */

static bool is_known(const struct golden_set *s, enum alg alg, uint32_t pcr, const uint8_t *value)
{
	const struct golden_register *r = golden_find(s, alg, pcr);

	for (size_t i = 0; r && i < r->n; i++)
		if (memcmp(r->values[i].bytes, value, algs[alg].len) == 0)
			return true;
	return false;
}

static int add_bank(const struct walk *w, enum alg alg, struct golden *g, struct golden_set *s)
{
	size_t missing = 0;
	int r = 0;

	for (size_t i = 0; i < w->n_results && r == 0; i++) {
		const struct state *state = &w->results[i].state;

		if (!(state->valid & 1u << alg))
			missing++;
		else if (!is_known(s, alg, w->pcr, state->bytes[alg]))
			r = golden_add_value(g, s, alg, w->pcr,
					     (struct slice){ state->bytes[alg], algs[alg].len },
					     GOLDEN_COMPUTED, w->results[i].label, w->e);
	}
	if (r == 0 && missing)
		r = golden_note(g, w->e, "%s:%u: %zu of %zu values are not known, for want of digests",
				algs[alg].name, w->pcr, missing, w->n_results);
	return r;
}

static void start(struct walk *w)
{
	struct state *s = &w->states[0];

	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		struct pcr_bank bank;

		pcr_bank_reset(&bank, alg);
		memcpy(s->bytes[alg], bank.pcr[w->pcr], sizeof bank.pcr[w->pcr]);
		s->valid |= 1u << alg;
	}
}

static int predict_register(struct walk *w, const struct pcrlock *p, alg_set banks, struct golden *g,
			    struct golden_set *s)
{
	int r = make_steps(w, p);

	if (r < 0)
		return r;
	start(w);
	r = go(w, 0);
	for (enum alg alg = 0; alg < ALG_COUNT && r == 0; alg++)
		if (banks & 1u << alg)
			r = add_bank(w, alg, g, s);
	return r;
}

/* What the components speak of. */
static void survey(const struct pcrlock *p, uint32_t *ret_pcrs, alg_set *ret_banks, bool *ret_nv)
{
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->components[i].n; k++) {
			const struct eventlog *log = &p->components[i].variants[k].log;

			for (size_t a = 0; a < log->n_algs; a++)
				if (alg_by_tpm_id(log->algs[a].id) != ALG_COUNT)
					*ret_banks |= 1u << alg_by_tpm_id(log->algs[a].id);
			for (size_t j = 0; j < log->n_events; j++) {
				uint32_t pcr = log->events[j].pcr;

				*ret_nv |= pcr >= PCR_COUNT;
				if (pcr < PCR_COUNT && strcmp(p->components[i].id, PCRLOCK_LOCATION_END) <= 0)
					*ret_pcrs |= UINT32_C(1) << pcr;
			}
		}
}

int pcrlock_predict(const struct pcrlock *p, const uint32_t *pcrs, struct golden *g, struct golden_set *s,
		    struct pcrcast_error *e)
{
	struct sha *hash[ALG_COUNT] = { NULL };
	size_t left = PCRLOCK_MAX_STEPS;
	uint32_t touched = 0;
	alg_set banks = 0;
	bool nv = false;
	int r = 0;

	survey(p, &touched, &banks, &nv);
	touched = pcrs ? *pcrs : touched;
	if (nv)
		r = golden_note(g, e, "measurements to NV indices are left out");
	if (r == 0 && touched & 1)
		r = golden_note(g, e, "PCR 0: for a machine that starts it with locality 0");
	for (enum alg alg = 0; alg < ALG_COUNT && r == 0; alg++) {
		hash[alg] = sha_new(alg);
		if (!hash[alg])
			r = err_set(e, PCRCAST_ECRYPTO, PCRCAST_NO_OFFSET, "libcrypto does not offer %s",
				    algs[alg].name);
	}
	for (uint32_t i = 0; i < PCR_COUNT && r == 0; i++) {
		struct walk w = { .pool = POOL_INIT, .pcr = i, .left = &left, .e = e };

		if (!(touched & UINT32_C(1) << i))
			continue;
		memcpy(w.hash, hash, sizeof hash);
		r = predict_register(&w, p, banks, g, s);
		pool_done(&w.pool);
	}
	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		sha_free(hash[alg]);
	return r;
}
