/*
 * The table of formats; reading by it, and writing by it after what a format cannot hold was taken out or refused.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "golden/format.h"
#include "golden/format_rows.h"

const struct golden_format *golden_format_by_name(const char *name)
{
	for (size_t i = 0; i < n_golden_formats; i++)
		if (strcmp(golden_formats[i].name, name) == 0)
			return &golden_formats[i];
	return NULL;
}

alg_set golden_usual_banks(const struct golden_format *f)
{
	/* SHA-256 where it can be, else the one that the format is for */
	return f->usual ? f->usual : f->banks & 1u << ALG_SHA256 ? 1u << ALG_SHA256 : f->banks & -f->banks;
}

/* ---- reading ---- */

const struct golden_format *golden_recognise(const struct golden_input *in, struct pcrcast_error *e)
{
	for (size_t i = 0; i < n_golden_formats; i++)
		if (golden_formats[i].recognise && golden_formats[i].recognise(in))
			return &golden_formats[i];
	err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
		"%s is in no known form of reference values; --from names one",
		in->files ? "directory" : "file");
	return NULL;
}

/* Does the text begin as a JSON object or array? */
static bool looks_like_json(struct slice s)
{
	size_t i = 0;

	while (i < s.n && strchr(" \t\r\n", s.p[i]) && s.p[i])
		i++;
	return i < s.n && (s.p[i] == '{' || s.p[i] == '[');
}

static int check_sets(const struct golden *g, const struct golden_format *f, struct pcrcast_error *e)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->sets[i].n_registers == 0 && !(f->holds & NEEDS_NO_VALUES))
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				       "no value of a register, expected at least one");
	return g->n ? 0 : err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "no reference values in it");
}

int golden_read(struct golden_input *in, const struct golden_format *format, struct golden *ret,
		struct pcrcast_error *e)
{
	struct pcrcast_error json_error = { .offset = PCRCAST_NO_OFFSET };
	struct cJSON *json = NULL;
	int r = 0;

	*ret = GOLDEN_INIT;
	if (!in->files && looks_like_json(in->bytes) && json_parse(in->bytes, &json, &json_error) < 0) {
		if (e)
			*e = json_error;
		if (json_error.code == PCRCAST_ENOMEM)
			return -PCRCAST_ENOMEM;
	}
	in->json = json;
	if (!format)
		format = golden_recognise(in, e);
	if (!format && !json && json_error.msg[0] && e)
		*e = json_error; /* it begins as JSON, and this is where it ends to be some */
	if (format && !format->read)
		r = err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET, "%s is written only", format->name);
	if (!format)
		r = -PCRCAST_EUNSUPPORTED;
	if (r == 0) {
		ret->format = format->name;
		r = format->read(in, ret, e);
		if (r < 0 && json_error.msg[0] && (!e || e->offset == PCRCAST_NO_OFFSET)) {
			/* a reader of JSON cannot know why there is none; one of other text tells the place */
			r = -(int)json_error.code;
			if (e)
				*e = json_error;
		}
	}
	json_free(json);
	in->json = NULL;
	return r < 0 ? r : check_sets(ret, format, e);
}

/* ---- choosing ---- */

static bool selects_value(const struct golden_selection *sel, const struct golden_value *v)
{
	if (!sel->label)
		return true;
	return *sel->label ? v->label && strcmp(v->label, sel->label) == 0 : !v->label;
}

/*
 * Copy the chosen part of a register. A label chooses among values that have one: of a register whose values have none, all
 * stay.
 */
static int select_register(struct pool *pool, const struct golden_selection *sel,
			   const struct golden_register *r, struct golden_register *ret,
			   struct pcrcast_error *e)
{
	bool labels = false;

	*ret = *r;
	ret->n = 0;
	ret->cap = 0;
	ret->values = pool_array(pool, r->n ? r->n : 1, sizeof *ret->values);
	if (!ret->values)
		return err_nomem(e);
	for (size_t i = 0; i < r->n; i++)
		labels |= r->values[i].label != NULL;
	for (size_t i = 0; i < r->n; i++)
		if (!labels || selects_value(sel, &r->values[i]))
			ret->values[ret->n++] = r->values[i];
	return 0;
}

static int select_set(struct golden_writer *w, const struct golden_set *s, struct golden_set *ret,
		      struct pcrcast_error *e)
{
	const struct golden_selection *sel = w->sel;
	struct pool *pool = w->pool;
	char name[12];
	int rc = 0;

	*ret = *s;
	ret->registers = pool_array(pool, s->n_registers ? s->n_registers : 1, sizeof *ret->registers);
	ret->n_registers = ret->cap_registers = 0;
	if (!ret->registers)
		return err_nomem(e);
	for (size_t i = 0; i < s->n_registers; i++) {
		const struct golden_register *r = &s->registers[i];
		struct golden_register *to = &ret->registers[ret->n_registers];

		if ((sel->banks && !(sel->banks & 1u << r->alg)) ||
		    (sel->has_pcrs && !(sel->pcrs & UINT32_C(1) << r->index)))
			continue;
		rc = select_register(pool, sel, r, to, e);
		if (rc == 0 && to->n == 0)
			rc = golden_lost(w, e, "%s:%s: it has no value with the label \"%s\"",
					 algs[r->alg].name, golden_register_name(s, r->index, name),
					 sel->label);
		if (rc < 0)
			return rc;
		ret->n_registers += to->n > 0;
	}
	return 0;
}

bool golden_has_label(const struct golden *g, const char *label)
{
	for (size_t i = 0; i < g->n; i++)
		for (size_t k = 0; k < g->sets[i].n_registers; k++)
			for (size_t n = 0; n < g->sets[i].registers[k].n; n++) {
				const char *there = g->sets[i].registers[k].values[n].label;

				if (there && strcmp(there, label) == 0)
					return true;
			}
	return false;
}

/* The sets that are chosen, of them what is chosen. */
static int select_sets(const struct golden *g, struct golden_writer *w, struct golden *ret,
		       struct pcrcast_error *e)
{
	const struct golden_selection *sel = w->sel;
	int r = 0;

	*ret = *g; /* borrows; never done with */
	ret->n = ret->cap = 0;
	ret->sets = pool_array(w->pool, g->n ? g->n : 1, sizeof *ret->sets);
	if (!ret->sets)
		return err_nomem(e);
	for (size_t i = 0; i < g->n && r == 0; i++)
		if (!sel->set || golden_set_called(&g->sets[i], sel->set))
			r = select_set(w, &g->sets[i], &ret->sets[ret->n++], e);
	if (r == 0 && ret->n == 0)
		r = err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
			    "no set of reference values \"%s\" (golden show lists them)",
			    sel->set ? sel->set : "");
	return r;
}

int golden_select(const struct golden *g, const struct golden_selection *sel, struct pool *pool,
		  struct golden *ret, const char *const **ret_lost, size_t *ret_n_lost,
		  struct pcrcast_error *e)
{
	struct golden_writer w = { .sel = sel, .pool = pool };
	int r = select_sets(g, &w, ret, e);

	if (r < 0)
		return r;
	*ret_lost = w.lost;
	*ret_n_lost = w.n_lost;
	return 0;
}

/* ---- what a format cannot hold ---- */

struct fitting {
	const struct golden_format *f;
	struct golden_writer *w;
	struct pcrcast_error *e;
};

static int refuse(const struct fitting *fit, const char *what, const char *how)
{
	return err_set(fit->e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET, "%s cannot hold %s%s%s", fit->f->name,
		       what, how ? ": " : "", how ? how : "");
}

static bool has_several_values(const struct golden_set *s)
{
	for (size_t i = 0; i < s->n_registers; i++)
		if (s->registers[i].n > 1)
			return true;
	return false;
}

/* What changes the meaning when it is left out: an error. */
static int check_meaning(const struct fitting *fit, const struct golden_set *s)
{
	unsigned holds = fit->f->holds;
	alg_set banks = golden_banks(s);

	if (s->cc && !(holds & (HOLDS_CC | HOLDS_ONLY_CC)))
		return refuse(fit, "CC measurement registers", NULL);
	if (!s->cc && holds & HOLDS_ONLY_CC)
		return refuse(fit, "PCRs", "it is for CC measurement registers");
	if (has_several_values(s) && !(holds & HOLDS_VALUES))
		return refuse(fit, "several values of a register", "choose with --label or --phase");
	if (holds & NEEDS_EVENTS && !s->log)
		return refuse(fit, "values alone", "it is made of events, and the source has none");
	if (holds & NEEDS_NO_VALUES)
		return 0;
	if (!banks)
		return err_set(fit->e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET, "no value is left to write");
	if (!(holds & HOLDS_BANKS) && banks & (banks - 1))
		return refuse(fit, "several banks", "choose with --bank");
	return 0;
}

/* Registers and banks that it cannot express are left out, and told. */
static int drop_registers(const struct fitting *fit, struct golden_set *s)
{
	uint32_t gone = 0;
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < s->n_registers; i++) {
		uint32_t bit = UINT32_C(1) << s->registers[i].index;

		if (fit->f->registers && !(fit->f->registers & bit)) {
			if (!(gone & bit))
				r = golden_lost(fit->w, fit->e, "register %u: %s cannot hold it",
						s->registers[i].index, fit->f->name);
			gone |= bit;
		} else {
			s->registers[n++] = s->registers[i];
		}
		if (r < 0)
			return r;
	}
	s->n_registers = n;
	return 0;
}

/* "sha256 sha384" */
static const char *bank_names(struct pool *pool, alg_set banks)
{
	const char *names = "";

	for (enum alg alg = 0; alg < ALG_COUNT && names; alg++)
		if (banks & 1u << alg)
			names = pool_printf(pool, "%s%s%s", names, *names ? " " : "", algs[alg].name);
	return names ? names : "";
}

static int drop_banks(const struct fitting *fit, struct golden_set *s)
{
	alg_set there = golden_banks(s), gone = there & ~fit->f->banks;
	size_t n = 0;

	if (!gone)
		return 0;
	if (gone == there && !(fit->f->holds & NEEDS_NO_VALUES))
		return err_set(fit->e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "%s is for bank %s, the values are of bank %s", fit->f->name,
			       bank_names(fit->w->pool, fit->f->banks), bank_names(fit->w->pool, there));
	for (size_t i = 0; i < s->n_registers; i++)
		if (!(gone & 1u << s->registers[i].alg))
			s->registers[n++] = s->registers[i];
	s->n_registers = n;
	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		if (gone & 1u << alg && golden_lost(fit->w, fit->e, "bank %s: %s cannot hold it",
						    algs[alg].name, fit->f->name) < 0)
			return -PCRCAST_ENOMEM;
	return 0;
}

/* A format for one bank gets its usual one when nobody chose, and the others are told. */
static int choose_bank(const struct fitting *fit, struct golden_set *s, bool chosen)
{
	alg_set banks = golden_banks(s), usual = golden_usual_banks(fit->f);
	size_t n = 0;

	if (chosen || fit->f->holds & HOLDS_BANKS || !(banks & (banks - 1)) || !(banks & usual))
		return 0;
	for (size_t i = 0; i < s->n_registers; i++)
		if (usual & 1u << s->registers[i].alg)
			s->registers[n++] = s->registers[i];
	s->n_registers = n;
	return golden_lost(fit->w, fit->e, "banks but %s: %s holds one (--bank chooses)",
			   algs[s->registers[0].alg].name, fit->f->name);
}

static bool has_identity(const struct golden_identity *id)
{
	return id->image || id->vendor || id->csp || id->variant || id->version || id->ref || id->stream;
}

/* What can be left out without making the rest wrong: told. */
static int tell_losses(const struct fitting *fit, const struct golden_set *s)
{
	bool labels = false, origins = false, warn = false, extras = false;
	unsigned holds = fit->f->holds;

	for (size_t i = 0; i < s->n_registers; i++) {
		warn |= s->registers[i].warn_only;
		for (size_t k = 0; k < s->registers[i].n; k++) {
			labels |= s->registers[i].values[k].label != NULL;
			origins |= s->registers[i].values[k].origin != GOLDEN_STATED;
		}
	}
	for (size_t i = 0; i < s->n_extras; i++)
		extras |= strcmp(s->extras[i].format, fit->f->name) != 0 &&
			  (!fit->f->extras_of || strcmp(s->extras[i].format, fit->f->extras_of) != 0);
	const struct {
		bool there;
		unsigned holds;
		const char *what;
	} things[] = {
		{ warn, HOLDS_WARN_ONLY, "which registers are warn-only (a verifier will enforce them all)" },
		{ labels, HOLDS_LABELS, "which of several a value is (phase, variant)" },
		{ origins, HOLDS_ORIGIN, "where values come from (computed, constant, observed, assumed)" },
		{ s->log != NULL, HOLDS_EVENTS, "the events behind the values" },
		{ has_identity(&s->id), HOLDS_IDENTITY, "what image the values are for" },
		{ s->n_policies > 0, HOLDS_POLICIES, "policies and their signatures" },
		{ s->n_claims > 0, HOLDS_CLAIMS, "statements about single components" },
		{ extras, 0, "fields of the format that it was read from" },
	};

	for (size_t i = 0; i < sizeof things / sizeof things[0]; i++)
		if (things[i].there && !(holds & things[i].holds) &&
		    golden_lost(fit->w, fit->e, "%s", things[i].what) < 0)
			return -PCRCAST_ENOMEM;
	return 0;
}

static int fit_set(const struct fitting *fit, struct golden_set *s, bool banks_chosen)
{
	int r = drop_registers(fit, s);

	/* of several banks, those that the format cannot express go first: what is left may be one */
	r = r < 0 ? r : drop_banks(fit, s);
	r = r < 0 ? r : choose_bank(fit, s, banks_chosen);
	r = r < 0 ? r : check_meaning(fit, s);
	return r < 0 ? r : tell_losses(fit, s);
}

static int write_chosen(const struct golden *g, const struct fitting *fit, struct pool *pool,
			struct slice *ret)
{
	char *text = NULL;
	size_t n = 0;
	int r = 0;

	fit->w->out = open_memstream(&text, &n);
	if (!fit->w->out)
		return err_nomem(fit->e);
	r = fit->f->write(g, fit->w, fit->e);
	bool failed = ferror(fit->w->out) != 0;
	failed |= fclose(fit->w->out) != 0;
	const uint8_t *copy = r == 0 && !failed ? pool_copy(pool, text, n) : NULL;
	free(text);
	if (r == 0 && !copy)
		r = err_nomem(fit->e);
	if (r == 0)
		*ret = (struct slice){ copy, n };
	return r;
}

int golden_write(const struct golden *g, const struct golden_selection *sel,
		 const struct golden_format *format, struct pool *pool, struct slice *ret,
		 const char *const **ret_lost, size_t *ret_n_lost, struct pcrcast_error *e)
{
	struct golden_writer w = { .sel = sel, .pool = pool };
	struct fitting fit = { format, &w, e };
	struct golden chosen;

	if (!format->write)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET, "%s is read only", format->name);
	int r = select_sets(g, &w, &chosen, e);
	if (r == 0 && sel->label && *sel->label && !golden_has_label(g, sel->label))
		r = err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET, "no value has the label \"%s\"",
			    sel->label);
	if (r == 0 && chosen.n > 1 && !(format->holds & HOLDS_SETS))
		r = refuse(&fit, "several sets", "choose with --set");
	for (size_t i = 0; i < chosen.n && r == 0; i++)
		r = fit_set(&fit, &chosen.sets[i], sel->banks != 0);
	if (r == 0)
		r = write_chosen(&chosen, &fit, pool, ret);
	if (r < 0)
		return r;
	*ret_lost = w.lost;
	*ret_n_lost = w.n_lost;
	return 0;
}
