/* golden policy: the TPM policy that references lead to, with the steps that satisfy it. */
#include <string.h>

#include "base/encode.h"
#include "cli/cmd_golden.h"
#include "golden/policy.h"

/* What is printed. */
struct result {
	const struct policy *policy;
	bool has_steps; /* there was a SOURCE: its policy is at step top */
	size_t top;
	struct digest digest; /* the policy */
	bool approves;        /* --authorize with a SOURCE: */
	struct digest to_sign;
};

/* ---- computing ---- */

/* The banks of the policy over a set: those of --bank, or SHA-256, or the only one that there is. */
static int choose_banks(const struct golden_arguments *a, const struct golden_set *s, alg_set *ret,
			struct pcrcast_error *e)
{
	const alg_set all = (1u << ALG_COUNT) - 1;
	alg_set there = golden_banks(s), banks = a->source.banks;

	if (!there)
		return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
			       a->source.has_pcrs ? "none of the registers of --pcr has a value" :
			       a->source.banks    ? "there are no values in the banks of --bank" :
						    "there are no values of registers to make a policy of");
	if (banks == all) /* --bank all: those that there are */
		banks = there;
	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		if (banks & ~there & 1u << alg)
			return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
				       "there are no values of the bank %s", algs[alg].name);
	if (!banks && there & 1u << ALG_SHA256)
		banks = 1u << ALG_SHA256;
	if (!banks && (there & (there - 1)) == 0)
		banks = there;
	if (!banks)
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "there are several banks, but not sha256: choose with --bank");
	*ret = banks;
	return 0;
}

static int choose_registers(const struct golden_arguments *a, const struct golden_set *s,
			    struct policy_selection *ret, struct pcrcast_error *e)
{
	alg_set banks = 0;

	int rc = choose_banks(a, s, &banks, e);
	if (rc < 0)
		return rc;
	*ret = policy_select(s, banks, 0xffffff, false);
	if (!a->source.has_pcrs)
		return 0;
	/* What was named is wanted: policy_add_set says which one has no value. */
	ret->n = 0;
	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		if (banks & 1u << alg)
			ret->banks[ret->n++] = (struct policy_bank){ alg, a->source.pcrs };
	return 0;
}

/* What to call a set: its own name, else the file's. */
static const char *set_name(struct pool *pool, const struct golden_set *s, const char *file)
{
	const struct golden_identity *id = &s->id;

	if (id->csp && id->variant)
		return pool_printf(pool, "%s/%s", id->csp, id->variant);
	return id->variant ? id->variant : id->image ? id->image : file;
}

static void note_warn_only(const struct golden_arguments *a, const struct golden_set *s, const char *name)
{
	for (size_t i = 0; !a->quiet && !a->source.has_pcrs && i < s->n_registers; i++)
		if (s->registers[i].warn_only) {
			fputs("note: ", stderr);
			put_text(stderr, name);
			fprintf(stderr,
				": %s:%u is warn-only and not in the policy; --pcr takes it in by name\n",
				algs[s->registers[i].alg].name, s->registers[i].index);
		}
}

/* What a set states besides, and the policy has no part of: registers of banks that were not chosen, policies, claims. */
static void note_others(const struct golden_arguments *a, const struct golden_set *s,
			const struct policy_selection *selection, const char *name)
{
	for (size_t i = 0; !a->quiet && !a->source.has_pcrs && i < s->n_registers; i++) {
		const struct golden_register *r = &s->registers[i];
		uint32_t taken = 0;

		for (size_t k = 0; k < selection->n; k++)
			taken |= selection->banks[k]
					 .pcrs; /* a register that another bank covers is in the policy */
		if (r->warn_only || taken >> r->index & 1)
			continue;
		fputs("note: ", stderr);
		put_text(stderr, name);
		fprintf(stderr, ": %s:%u is not in the policy; --bank takes its bank in\n", algs[r->alg].name,
			r->index);
	}
	if (!a->quiet && s->n_policies + s->n_claims) {
		fputs("note: ", stderr);
		put_text(stderr, name);
		fprintf(stderr, ": %zu policies and %zu statements about components are not in the policy\n",
			s->n_policies, s->n_claims);
	}
}

/* The values of a file that were selected, as a golden of their own. */
static int read_source(struct golden_arguments *a, const char *file, struct golden *ret,
		       struct pcrcast_error *e)
{
	const struct golden_format *json = golden_format_by_name("json");
	const char *const *lost;
	struct golden g;
	struct slice bytes;
	size_t n_lost;

	int rc = golden_source_read(file, &a->source, &g, e);
	if (rc == 0)
		rc = golden_write(&g, &a->selection, json, &a->pool, &bytes, &lost, &n_lost, e);
	if (rc == 0) {
		struct golden_input in = { .name = file, .bytes = bytes };

		golden_print_notes(a, g.notes, g.n_notes, "note");
		golden_print_notes(a, lost, n_lost, "not in the policy");
		golden_note_phases(a, &g, file);
		rc = golden_read(&in, json, ret, e);
	}
	golden_done(&g);
	return rc;
}

/* Add the sets of a file as alternatives. */
static int add_file(struct golden_arguments *a, const char *file, const struct golden *g, struct policy *p,
		    size_t **tops, size_t *n, size_t *cap, struct pcrcast_error *e)
{
	if (g->n > 1 && !a->alternatives)
		return err_set(
			e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			"it has %zu sets of values: choose one with --set, or take all as alternatives "
			"with --or",
			g->n);
	for (size_t i = 0; i < g->n; i++) {
		const char *name = set_name(&a->pool, &g->sets[i], file);
		size_t *top = pool_push(&a->pool, tops, n, cap, sizeof *top);
		struct policy_selection s;

		if (!name || !top)
			return err_nomem(e);
		note_warn_only(a, &g->sets[i], name);
		int rc = choose_registers(a, &g->sets[i], &s, e);
		if (rc == 0)
			note_others(a, &g->sets[i], &s, name);
		if (rc == 0)
			rc = policy_add_set(p, &g->sets[i], &s, a->pcrlock ? POLICY_PCRLOCK : POLICY_NESTED,
					    name, top, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Wrap the policy that was made so far (has_steps) in the one that was asked for. */
static int authorize(const struct golden_arguments *a, struct result *r, struct pcrcast_error *e)
{
	int rc = 0;

	if (a->authorize.n) {
		r->approves = r->has_steps;
		if (r->approves)
			rc = policy_approval(&r->digest, a->authorize, a->policy_ref, &r->to_sign, e);
		if (rc == 0)
			rc = policy_authorize(a->session, a->authorize, a->policy_ref, &r->digest, e);
	} else if (a->authorize_nv.n) {
		rc = policy_authorize_nv(a->session, a->authorize_nv, &r->digest, e);
	}
	return rc;
}

/* ---- printing ---- */

static const char *registers_text(struct pool *pool, const struct policy_selection *s)
{
	const char *text = "";

	for (size_t i = 0; text && i < s->n; i++) {
		const char *comma = ":";

		text = pool_printf(pool, "%s%s%s", text, i ? "+" : "", algs[s->banks[i].alg].name);
		for (unsigned pcr = 0; text && pcr < PCR_COUNT; pcr++)
			if (s->banks[i].pcrs & UINT32_C(1) << pcr) {
				text = pool_printf(pool, "%s%s%u", text, comma, pcr);
				comma = ",";
			}
	}
	return text ? text : "(out of memory)";
}

static void print_line(const char *name, const struct digest *d)
{
	char hex[2 * DIGEST_MAX + 1];

	hex_encode(d->bytes, algs[d->alg].len, hex);
	printf("%-10s %s", name, hex);
}

static void print_steps(struct pool *pool, const struct policy *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct policy_step *s = &p->steps[i];
		char name[32];

		(void)snprintf(name, sizeof name, "step %zu", i + 1);
		print_line(name, &s->digest);
		if (s->kind == POLICY_STEP_OR) {
			fputs("  PolicyOR", stdout);
			for (size_t k = 0; k < s->n_branches; k++)
				printf("%s%zu", k ? "," : " of steps ", s->branches[k] + 1);
		} else {
			printf("  PolicyPCR %s", registers_text(pool, &s->selection));
			if (s->from != POLICY_FROM_START)
				printf(" after step %zu", s->from + 1);
			if (s->label) {
				fputs("  ", stdout);
				put_text(stdout, s->label);
			}
		}
		putchar('\n');
	}
}

static void add_digest(struct json_doc *d, struct cJSON *o, const char *key, const struct digest *digest)
{
	json_add_hex(d, o, key, digest->bytes, algs[digest->alg].len);
}

static struct cJSON *step_json(struct json_doc *d, const struct policy_step *s, size_t number)
{
	struct cJSON *o = json_object(d);

	json_add_u64(d, o, "step", number);
	json_add_string(d, o, "command", s->kind == POLICY_STEP_OR ? "PolicyOR" : "PolicyPCR");
	if (s->kind == POLICY_STEP_OR) {
		struct cJSON *branches = json_array(d);

		for (size_t i = 0; i < s->n_branches; i++)
			json_append_u64(d, branches, s->branches[i] + 1);
		json_add(d, o, "branches", branches);
	} else {
		struct cJSON *banks = json_array(d);

		if (s->from != POLICY_FROM_START)
			json_add_u64(d, o, "after", s->from + 1);
		for (size_t i = 0; i < s->selection.n; i++) {
			struct cJSON *bank = json_object(d), *pcrs = json_array(d);

			json_add_string(d, bank, "bank", algs[s->selection.banks[i].alg].name);
			for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
				if (s->selection.banks[i].pcrs & UINT32_C(1) << pcr)
					json_append_u64(d, pcrs, pcr);
			json_add(d, bank, "pcrs", pcrs);
			json_append(d, banks, bank);
		}
		json_add(d, o, "selection", banks);
		add_digest(d, o, "pcrDigest", &s->values);
		if (s->label)
			json_add_string(d, o, "label", s->label);
	}
	add_digest(d, o, "digest", &s->digest);
	return o;
}

static int print_json(const struct golden_arguments *a, const struct result *r, struct pcrcast_error *e)
{
	struct json_doc d = { false };
	struct cJSON *root = json_object(&d), *steps = json_array(&d);

	json_add_u64(&d, root, "version", 1);
	json_add_string(&d, root, "hash", algs[a->session].name);
	for (size_t i = 0; i < r->policy->n; i++)
		json_append(&d, steps, step_json(&d, &r->policy->steps[i], i + 1));
	json_add(&d, root, "steps", steps);
	if (a->authorize.n) {
		json_add_hex(&d, root, "authorize", a->authorize.p, a->authorize.n);
		json_add_hex(&d, root, "policyRef", a->policy_ref.p, a->policy_ref.n);
	}
	if (a->authorize_nv.n)
		json_add_hex(&d, root, "authorizeNv", a->authorize_nv.p, a->authorize_nv.n);
	if (a->authorize.n + a->authorize_nv.n && r->has_steps)
		add_digest(&d, root, "approved", &r->policy->steps[r->top].digest);
	if (r->approves) {
		json_add_string(&d, root, "toSignHash", algs[r->to_sign.alg].name);
		add_digest(&d, root, "toSign", &r->to_sign);
	}
	add_digest(&d, root, "policy", &r->digest);
	bool ok = json_write(&d, root, false, stdout);
	json_free(root);
	return ok || ferror(stdout) ? 0 : err_nomem(e); /* finish() reports a stream that failed */
}

static int print(struct golden_arguments *a, const struct result *r)
{
	struct pcrcast_error e = { .offset = PCRCAST_NO_OFFSET };

	if (a->output) {
		const struct slice bytes = { r->digest.bytes, algs[r->digest.alg].len };

		if (write_file(a->output, bytes, &e) < 0)
			return fail(&e);
	}
	if (a->json)
		return print_json(a, r, &e) < 0 ? fail(&e) : EXIT_DONE;
	if (a->steps)
		print_steps(&a->pool, r->policy);
	if (a->authorize.n + a->authorize_nv.n && r->has_steps) {
		print_line("approved", &r->policy->steps[r->top].digest);
		putchar('\n');
	}
	if (r->approves) {
		print_line("to sign", &r->to_sign);
		putchar('\n');
	}
	print_line("policy", &r->digest);
	putchar('\n');
	return EXIT_DONE;
}

/* ---- the verb ---- */

static int check_options(const struct golden_arguments *a)
{
	if (a->authorize.n && a->authorize_nv.n)
		return usage_error("--authorize and --authorize-nv: one of them");
	if (a->policy_ref.n && !a->authorize.n)
		return usage_error("--policy-ref belongs to --authorize");
	if (a->n_files == 0 && !a->authorize.n && !a->authorize_nv.n)
		return usage_error("golden policy: expected a SOURCE, --authorize or --authorize-nv");
	if (a->n_files > 1 && !a->alternatives)
		return usage_error("golden policy: several SOURCEs are alternatives, which --or confirms");
	return 0;
}

int golden_run_policy(struct golden_arguments *a)
{
	struct policy p = POLICY_INIT(a->session, &a->pool);
	struct result r = { .policy = &p, .has_steps = a->n_files > 0 };
	struct golden *read = pool_array(&a->pool, a->n_files + 1, sizeof *read);
	struct pcrcast_error e = { .offset = PCRCAST_NO_OFFSET };
	size_t *tops = NULL, n_tops = 0, cap = 0, n = 0;
	int status = check_options(a);

	if (status)
		return status;
	if (!read) {
		(void)err_nomem(&e);
		return fail(&e);
	}
	if (a->output && predict_refuse_overwrite(&a->source.predict, "--output", a->output, &e) < 0)
		status = fail(&e);
	for (; status == EXIT_DONE && n < a->n_files; n++)
		if ((a->output && refuse_overwrite("--output", a->output, a->files[n], &e) < 0) ||
		    read_source(a, a->files[n], &read[n], &e) < 0 ||
		    add_file(a, a->files[n], &read[n], &p, &tops, &n_tops, &cap, &e) < 0)
			status = fail_at(a->files[n], &e);
	if (status == EXIT_DONE && r.has_steps) {
		if (policy_add_or(&p, tops, n_tops, &r.top, &e) < 0)
			status = fail(&e);
		else
			r.digest = p.steps[r.top].digest;
	}
	if (status == EXIT_DONE && authorize(a, &r, &e) < 0)
		status = fail(&e);
	if (status == EXIT_DONE)
		status = print(a, &r);
	for (size_t i = 0; i < n; i++)
		golden_done(&read[i]);
	return status;
}
