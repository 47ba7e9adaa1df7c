/*
 * Running GRUB's commands. Source: GRUB 2.06 and 2.12, grub-core/script/execute.c, grub-core/normal/main.c.
 */
#include "predict/grub.h"

enum {
	STEPS_MAX =
		10000, /* commands in a run; a large configuration has one thousand. Hashing compares each with all */
	RUN_BYTES_MAX = 64 << 20, /* of events and values that they make */
};

const char *grub_where(struct grub *g, const char *why)
{
	const char *s = pool_printf(g->pool, "%s:%u: %s", g->file, g->line, why);

	return s ? s : why;
}

int grub_stop(struct grub *g, const char *why, const char *option, struct pcrcast_error *e)
{
	/* What is started from there may be a kernel, another boot loader or a UKI, which extend these. */
	static const uint32_t registers[] = { 4, 5, 8, 9, 11, 12, 13 };
	const char *where = grub_where(g, why);
	int r = 0;

	g->stopped = true;
	for (size_t i = 0; r == 0 && i < sizeof registers / sizeof registers[0]; i++)
		r = walk_unknown(g->w, registers[i], where, option, e);
	if (r == 0 && g->w->opt->secure_boot)
		r = walk_unknown(g->w, 7, where, option, e);
	return r;
}

static bool done(const struct grub *g)
{
	return g->stopped || g->booted;
}

static int set_status(struct grub *g, const struct grub_result *res, struct pcrcast_error *e)
{
	struct grub_value v = { res->code == GRUB_OK ? "0" : "1", res->why };

	if (res->code != GRUB_OK && res->code != GRUB_TEST_FAILURE && !v.why)
		v.why = "the number of an error is not worked out";
	return done(g) ? 0 : grub_set(g, "?", v, e);
}

/* ---- one command ---- */

static const struct grub_function *function_find(const struct grub *g, const char *name)
{
	for (size_t i = g->n_functions; i > 0; i--)
		if (strcmp(g->functions[i - 1].name, name) == 0)
			return &g->functions[i - 1];
	return NULL;
}

static int call_function(struct grub *g, const struct grub_function *f, const struct grub_args *a,
			 struct grub_result *res, struct pcrcast_error *e)
{
	struct grub_scope scope = { .args = *a }, *outer = g->scope;
	const char *file = g->file;
	uint32_t line = g->line;
	unsigned long loops = g->loops;

	g->loops = 0;
	g->scope = &scope;
	g->file = f->file;
	int r = grub_run_list(g, f->body, res, e);
	g->returning = false;
	g->scope = outer;
	g->loops = loops;
	g->file = file;
	g->line = line;
	return r;
}

/* The command of this name, from the table and there; or its module is loaded from the prefix. */
static int find_command(struct grub *g, const char *name, const struct grub_command **ret,
			struct pcrcast_error *e)
{
	const struct grub_command *c = grub_command_find(g, name);
	const char *listed;

	*ret = NULL;
	if (c && (!c->module || grub_module_there(g, c->module))) {
		*ret = c;
		return 0;
	}
	listed = grub_listed_module(g, name);
	if (!listed || grub_module_there(g, listed))
		return 0;
	int r = grub_module_load(g, listed, e);
	if (r == 0 && !done(g) && grub_module_there(g, listed)) {
		if (c)
			*ret = c;
		else
			r = grub_stop(g, pool_printf(g->pool, "what the command %s does is not known", name),
				      NULL, e);
	}
	return r;
}

/* No command and no function: an assignment, or nothing at all; both succeed. */
static int other_word(struct grub *g, const char *name, struct grub_result *res, struct pcrcast_error *e)
{
	const char *eq = strchr(name, '=');

	*res = (struct grub_result){ GRUB_OK, NULL };
	if (eq)
		return grub_set(g, pool_text(g->pool, name, (size_t)(eq - name)), grub_text(eq + 1), e);
	if (grub_image_mentions(&g->image, name))
		return grub_stop(g, pool_printf(g->pool, "what the command %s does is not known", name), NULL,
				 e);
	return walk_note(g->w, pool_printf(g->pool, "%s:%u: GRUB has no command %s", g->file, g->line, name),
			 e);
}

static void invert(struct grub_result *res)
{
	if (res->code == GRUB_TEST_FAILURE)
		res->code = GRUB_OK;
	else if (res->code == GRUB_OK)
		res->code = GRUB_TEST_FAILURE;
	else
		res->code = GRUB_OK;
}

int grub_run_args(struct grub *g, struct grub_args *a, struct grub_result *res, struct pcrcast_error *e)
{
	const struct grub_command *c = NULL;
	const struct grub_function *f = NULL;
	struct grub_args rest = *a;
	bool inverted = false;

	*res = (struct grub_result){ GRUB_OK, NULL };
	struct grub_value all = grub_join(g, a);
	if (!all.s)
		return err_nomem(e);
	int r = grub_measure_string(g, "grub_cmd: ", all, e);
	if (r == 0 && !rest.v[0].why && strcmp(rest.v[0].s, "!") == 0) {
		inverted = true;
		rest.v++;
		rest.n--;
		if (rest.n == 0) {
			res->code = GRUB_FAILED;
			return r;
		}
	}
	if (r < 0)
		return r;
	struct grub_value name = rest.v[0];
	if (name.why) {
		/* An assignment with a known name goes on; what else it may be, nobody can tell. */
		return grub_stop(g, name.why, NULL, e);
	}
	rest.v++;
	rest.n--;
	r = find_command(g, name.s, &c, e);
	if (r == 0 && !c && !done(g))
		f = function_find(g, name.s);
	if (r < 0 || done(g))
		return r;
	if (c)
		r = c->run(g, &rest, res, e);
	else if (f)
		r = call_function(g, f, &rest, res, e);
	else
		return other_word(g, name.s, res, e);
	if (r == 0 && inverted)
		invert(res);
	return r < 0 ? r : set_status(g, res, e);
}

/* "name=value" where the value is not known: the name still is, and the command is an assignment. */
static int assign_unknown(struct grub *g, const struct grub_word *w, const struct grub_args *a, bool *ret,
			  struct pcrcast_error *e)
{
	const char *eq =
		w && w->pieces && w->pieces->type == PIECE_TEXT ? strchr(w->pieces->text, '=') : NULL;

	*ret = eq && a->n == 1 && a->v[0].why;
	if (!*ret)
		return 0;
	int r = grub_measure_string(g, "grub_cmd: ", a->v[0], e);
	return r < 0 ? r :
		       grub_set(g, pool_text(g->pool, w->pieces->text, (size_t)(eq - w->pieces->text)),
				a->v[0], e);
}

static int run_command(struct grub *g, const struct grub_node *n, struct grub_result *res,
		       struct pcrcast_error *e)
{
	struct grub_args a;
	bool assigned;
	int r = grub_expand(g, n->words, &a, e);

	*res = (struct grub_result){ GRUB_OK, NULL };
	if (r < 0 || a.n == 0)
		return r;
	a.block = n->block;
	r = assign_unknown(g, n->words, &a, &assigned, e);
	if (r < 0 || assigned)
		return r;
	/* set name=value likewise: the name is written in front of what is not known. */
	if (a.n == 2 && a.v[1].why && !a.v[0].why && strcmp(a.v[0].s, "set") == 0 && n->words->next) {
		struct grub_args value = { .v = a.v + 1, .n = 1 };
		const struct grub_word *w = n->words->next;
		const char *eq = w->pieces->type == PIECE_TEXT ? strchr(w->pieces->text, '=') : NULL;

		if (eq) {
			r = grub_measure_string(g, "grub_cmd: ", grub_join(g, &a), e);
			return r < 0 ? r :
				       grub_set(g,
						pool_text(g->pool, w->pieces->text,
							  (size_t)(eq - w->pieces->text)),
						value.v[0], e);
		}
	}
	return grub_run_args(g, &a, res, e);
}

/* ---- control ---- */

/* Is the condition true? Stops the run when that is not known. */
static int condition(struct grub *g, const struct grub_node *list, bool *ret, struct pcrcast_error *e)
{
	struct grub_result res;
	int r = grub_run_list(g, list, &res, e);

	*ret = false;
	if (r < 0 || done(g) || g->returning)
		return r;
	if (res.why)
		return grub_stop(g, res.why, NULL, e);
	*ret = res.code == GRUB_OK;
	return 0;
}

static int run_if(struct grub *g, const struct grub_node *n, struct grub_result *res, struct pcrcast_error *e)
{
	bool yes;
	int r = condition(g, n->cond, &yes, e);

	*res = (struct grub_result){ GRUB_OK, NULL };
	if (r < 0 || done(g) || g->returning)
		return r;
	return grub_run_list(g, yes ? n->body : n->other, res, e);
}

/* After a round of a loop: does it end? */
static bool leaves(struct grub *g)
{
	if (g->breaks == 1 && g->continues)
		g->breaks = 0;
	return g->breaks || g->returning || done(g);
}

/* A "break" that was not for this loop alone goes on. */
static void leave_loop(struct grub *g)
{
	if (g->breaks)
		g->breaks--;
	g->loops--;
}

static int run_for(struct grub *g, const struct grub_node *n, struct grub_result *res,
		   struct pcrcast_error *e)
{
	struct grub_args a = { 0 };
	int r = grub_expand(g, n->words, &a, e);

	*res = (struct grub_result){ GRUB_OK, NULL };
	g->loops++;
	for (size_t i = 0; r == 0 && i < a.n; i++) {
		r = grub_set(g, n->name, a.v[i], e);
		if (r == 0)
			r = grub_run_list(g, n->body, res, e);
		if (leaves(g))
			break;
	}
	leave_loop(g);
	return r;
}

static int run_while(struct grub *g, const struct grub_node *n, struct grub_result *res,
		     struct pcrcast_error *e)
{
	int r = 0;
	bool yes;

	*res = (struct grub_result){ GRUB_OK, NULL };
	g->loops++;
	while (r == 0) {
		r = condition(g, n->cond, &yes, e);
		if (r < 0 || done(g) || g->returning || yes == n->until)
			break;
		r = grub_run_list(g, n->body, res, e);
		if (leaves(g))
			break;
	}
	leave_loop(g);
	return r;
}

static int define_function(struct grub *g, const struct grub_node *n, struct pcrcast_error *e)
{
	struct grub_function *f =
		pool_push(g->pool, &g->functions, &g->n_functions, &g->cap_functions, sizeof *f);

	if (!f)
		return err_nomem(e);
	*f = (struct grub_function){ n->name, g->file, n->body };
	return 0;
}

static int run_node(struct grub *g, const struct grub_node *n, struct grub_result *res,
		    struct pcrcast_error *e)
{
	g->line = n->line;
	switch (n->type) {
	case NODE_COMMAND:
		return run_command(g, n, res, e);
	case NODE_IF:
		return run_if(g, n, res, e);
	case NODE_FOR:
		return run_for(g, n, res, e);
	case NODE_WHILE:
		return run_while(g, n, res, e);
	case NODE_FUNCTION:
		return 0; /* defined when it was parsed */
	}
	return 0;
}

int grub_run_list(struct grub *g, const struct grub_node *list, struct grub_result *res,
		  struct pcrcast_error *e)
{
	int r = 0;

	*res = (struct grub_result){ GRUB_OK, NULL };
	if (g->depth >= GRUB_DEPTH_MAX)
		return grub_stop(g, "commands are nested deeper than GRUB runs them", NULL, e);
	g->depth++;
	for (const struct grub_node *n = list; r == 0 && n && !g->breaks && !done(g); n = n->next) {
		if (++g->steps > STEPS_MAX || g->bytes > RUN_BYTES_MAX) {
			r = grub_stop(g, "it runs too long to be followed", NULL, e);
			break;
		}
		r = run_node(g, n, res, e);
		if (r == 0 && !done(g) && n->type != NODE_FUNCTION)
			r = set_status(g, res, e);
		if (g->returning)
			break;
	}
	g->depth--;
	return r;
}

/* Functions exist as soon as their line is parsed. */
static int define_functions(struct grub *g, const struct grub_node *list, struct pcrcast_error *e)
{
	int r = 0;

	for (; r == 0 && list; list = list->next)
		if (list->type == NODE_FUNCTION)
			r = define_function(g, list, e);
	return r;
}

int grub_run_text(struct grub *g, struct slice text, struct grub_result *res, struct pcrcast_error *e)
{
	struct pcrcast_error why;
	struct grub_text t;
	int r = grub_text_read(g->pool, text, &t, &why);

	*res = (struct grub_result){ GRUB_OK, NULL };
	g->bytes += 8 * text.n;
	g->line = 1;
	if (r == -PCRCAST_EFORMAT)
		return grub_stop(g, pool_printf(g->pool, "%s", why.msg), NULL, e);
	if (r < 0)
		return err_nomem(e);
	while (r == 0 && !done(g) && !grub_text_end(&t)) {
		struct grub_node *list = NULL;
		uint32_t line;

		r = grub_parse_line(&t, &list, &line, &why);
		if (r == -PCRCAST_ENOMEM)
			return err_nomem(e);
		if (r < 0) {
			g->line = line;
			return grub_stop(g, pool_printf(g->pool, "GRUB cannot parse it: %s", why.msg), NULL,
					 e);
		}
		r = define_functions(g, list, e);
		if (r == 0 && list)
			r = grub_run_list(g, list, res, e);
	}
	return r;
}
