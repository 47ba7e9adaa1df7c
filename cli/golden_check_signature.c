/* golden check-signature: a detached signature over a file, or the signed policies of a .pcrsig or a UKI. */
#define _GNU_SOURCE
#include <string.h>

#include "base/encode.h"
#include "cli/cmd_golden.h"
#include "cli/input.h"
#include "golden/policy.h"
#include "golden/sign.h"
#include "uki/measure.h"

static int read_public(struct golden_arguments *a, struct slice pem, struct sign_key **ret,
		       struct pcrcast_error *e)
{
	int r = 0;

	if (a->verify.key)
		r = input_read(&a->pool, a->verify.key, GOLDEN_FILE_MAX, &pem, e);
	if (r == 0)
		r = sign_key_public(pem, ret, e);
	return r < 0 ? err_wrap(e, "%s", a->verify.key ? a->verify.key : ".pcrpkey") : 0;
}

static int print_verdict(const struct golden_arguments *a, const struct sign_key *key, bool good,
			 enum alg hash)
{
	struct json_doc d = { false };
	struct cJSON *root;

	if (!a->json) {
		printf("%s: %s%s%s\n", good ? "good" : "bad", sign_key_kind(key),
		       good && hash < ALG_COUNT ? " with " : "",
		       good && hash < ALG_COUNT ? algs[hash].name : "");
		return good ? EXIT_DONE : EXIT_DIFFERENT;
	}
	root = json_object(&d);
	json_add_u64(&d, root, "version", 1);
	json_add_bool(&d, root, "good", good);
	json_add_string(&d, root, "key", sign_key_kind(key));
	if (good && hash < ALG_COUNT)
		json_add_string(&d, root, "hash", algs[hash].name);
	(void)json_write(&d, root, false, stdout);
	json_free(root);
	return d.failed ? EXIT_TROUBLE : good ? EXIT_DONE : EXIT_DIFFERENT;
}

static int check_file(struct golden_arguments *a, struct pcrcast_error *e)
{
	_cleanup_(sign_key_freep) struct sign_key *key = NULL;
	struct slice bytes, text, signature;
	enum alg hash;
	bool good;

	int r = read_public(a, SLICE_EMPTY, &key, e);
	if (r < 0)
		return r;
	r = input_read(&a->pool, a->files[0], GOLDEN_FILE_MAX, &bytes, e);
	if (r == 0)
		r = input_read(&a->pool, a->verify.signature, GOLDEN_FILE_MAX, &text, e);
	if (r == 0)
		r = sign_decode(&a->pool, text, &signature, e);
	if (r < 0)
		return err_wrap(e, "%s", a->verify.signature);
	r = sign_check(key, bytes, signature, &good, &hash, e);
	return r < 0 ? r : print_verdict(a, key, good, hash);
}

/* ---- policies ---- */

struct policy_check {
	const struct golden_policy *policy;
	struct sign_policy_result signature;
	bool predicted;    /* the image's values were computed, so that phase means something */
	const char *phase; /* that the policy's value is of; NULL: none that was tried */
};

/* Which phase's value of PCR 11 does a policy stand for? */
static int find_phase(struct policy_check *c, const struct golden_set *values, struct pcrcast_error *e)
{
	const struct golden_policy *p = c->policy;
	const struct golden_register *reg = golden_find(values, p->alg, 11);

	c->predicted = true;
	for (size_t i = 0; reg && p->pcrs == 1u << 11 && i < reg->n && !c->phase; i++) {
		uint8_t digest[sizeof p->digest];

		int r = policy_of_value(p->alg, 11, reg->values[i].bytes, digest, e);
		if (r < 0)
			return r;
		if (memcmp(digest, p->digest, sizeof p->digest) == 0)
			c->phase = reg->values[i].label;
	}
	return 0;
}

static bool is_good(const struct policy_check *c)
{
	return c->signature.good && (!c->predicted || c->phase);
}

static const char *reason(const struct policy_check *c)
{
	return !c->signature.good ?
		       c->signature.reason :
	       !is_good(c) ?
		       "it is for another PCR 11 than the image's, at each phase that was tried (--phase)" :
		       NULL;
}

static void print_policy(const struct policy_check *c)
{
	char hex[2 * sizeof c->policy->digest + 1];
	const char *why = reason(c);

	hex_encode(c->policy->digest, sizeof c->policy->digest, hex);
	printf("%-4s  %s %s", is_good(c) ? "good" : "bad", algs[c->policy->alg].name, hex);
	if (c->phase) {
		fputs("  ", stdout);
		put_text(stdout, c->phase);
	}
	if (why)
		printf("  %s", why);
	putchar('\n');
}

static struct cJSON *policy_json(struct json_doc *d, const struct policy_check *c)
{
	struct cJSON *o = json_object(d);

	json_add_string(d, o, "bank", algs[c->policy->alg].name);
	json_add_hex(d, o, "pol", c->policy->digest, sizeof c->policy->digest);
	json_add_bool(d, o, "good", is_good(c));
	json_add_bool(d, o, "signatureSound", c->signature.sound);
	json_add_bool(d, o, "sameKey", c->signature.same_key);
	if (c->phase)
		json_add_string(d, o, "phase", c->phase);
	if (reason(c))
		json_add_string(d, o, "reason", reason(c));
	return o;
}

static int report(const struct golden_arguments *a, const struct policy_check *checks, size_t n,
		  struct pcrcast_error *e)
{
	struct json_doc d = { false };
	struct cJSON *root = a->json ? json_object(&d) : NULL, *list = a->json ? json_array(&d) : NULL;
	bool good = true;

	for (size_t i = 0; i < n; i++) {
		good &= is_good(&checks[i]);
		if (a->json)
			json_append(&d, list, policy_json(&d, &checks[i]));
		else
			print_policy(&checks[i]);
	}
	if (a->json) {
		json_add_u64(&d, root, "version", 1);
		json_add_bool(&d, root, "good", good);
		json_add(&d, root, "policies", list);
		(void)json_write(&d, root, false, stdout);
		json_free(root);
		if (d.failed)
			return err_nomem(e);
	}
	return good ? EXIT_DONE : EXIT_DIFFERENT;
}

/* PCR 11 of the image at each phase that systemd-measure takes, and at those named. */
static int predict_phases(struct golden_arguments *a, const struct golden *policies, struct golden *ret,
			  struct pcrcast_error *e)
{
	struct golden_source_options opt = a->source;
	int r = golden_push(a, &opt.predict.phases, ":") ? -PCRCAST_ENOMEM : 0;

	for (size_t i = 0; r == 0 && uki_default_phases[i]; i++)
		r = golden_push(a, &opt.predict.phases, uki_default_phases[i]) ? -PCRCAST_ENOMEM : 0;
	opt.from = NULL;
	opt.has_pcrs = true;
	opt.pcrs = 1u << 11;
	opt.banks = 0;
	for (size_t i = 0; i < policies->sets[0].n_policies; i++)
		opt.banks |= 1u << policies->sets[0].policies[i].alg;
	if (r == 0 && predict_finish_options(&opt.predict) != 0)
		r = err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET, "the options contradict each other");
	r = r < 0 ? r : golden_source_read(a->files[0], &opt, ret, e);
	/* any of the variants may be the one that was signed */
	return r < 0 || ret->n < 2 ? r : golden_merge_sets(ret, e);
}

static int check_policies(struct golden_arguments *a, struct pcrcast_error *e)
{
	_cleanup_(sign_key_freep) struct sign_key *key = NULL;
	struct golden g, values = GOLDEN_INIT;
	struct slice embedded = SLICE_EMPTY;
	bool image = golden_is_image(a->files[0]);

	a->source.from = golden_format_by_name("pcrsig");
	int r = golden_source_read(a->files[0], &a->source, &g, e);
	if (r == 0 && image && !a->verify.key)
		r = golden_section_read(&a->pool, a->files[0], &a->source, ".pcrpkey", &embedded, e);
	if (r == 0 && !image && !a->verify.key)
		r = err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			    "--key is missing: whose signatures should these be?");
	if (r == 0)
		r = read_public(a, embedded, &key, e);
	if (r == 0 && image)
		r = predict_phases(a, &g, &values, e);
	size_t n = r == 0 ? g.sets[0].n_policies : 0;
	struct policy_check *checks = pool_array(&a->pool, n ? n : 1, sizeof *checks);
	if (r == 0 && !checks)
		r = err_nomem(e);
	for (size_t i = 0; i < n && r == 0; i++) {
		checks[i].policy = &g.sets[0].policies[i];
		r = sign_policy_check(key, checks[i].policy, &checks[i].signature, e);
		if (r == 0 && image)
			r = find_phase(&checks[i], &values.sets[0], e);
	}
	if (r == 0)
		r = report(a, checks, n, e);
	golden_done(&values);
	golden_done(&g);
	return r;
}

int golden_run_check_signature(struct golden_arguments *a)
{
	struct pcrcast_error e = { .offset = PCRCAST_NO_OFFSET };

	if (a->verify.signature && !a->verify.key)
		return usage_error("golden check-signature: --key is missing");
	int r = a->verify.signature ? check_file(a, &e) : check_policies(a, &e);
	return r < 0 ? fail_at(a->files[0], &e) : r;
}
