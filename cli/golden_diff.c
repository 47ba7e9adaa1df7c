/*
 * pcrcast golden diff: reference values against others, or against what a machine had.
 */
#include "cli/golden_diff.h"

#include <inttypes.h>
#include <string.h>

#include "cli/golden_diff_json.h"

enum {
	SHOWN_VALUES = 8, /* of the accepted values of a register; phases are at most six */
	SHOWN_CHANGES =
		40, /* of the differing events of a register; a screen of them tells what kind of thing it is */
};

#define INDENT "    "

/* ---- names ---- */

static void place_name(const struct golden_comparison *c, enum alg alg, uint32_t index, char *buf, size_t n)
{
	char name[12];

	(void)snprintf(buf, n, "%s:%s", algs[alg].name, golden_register_name(c->want, index, name));
}

/* What a register's line begins with. */
static const char *word_of(enum golden_result result, bool warn_only)
{
	if (warn_only && (result == GOLDEN_DIFFERS || result == GOLDEN_MISSING))
		return "warn";
	return result == GOLDEN_NOT_COMPARED ? "not compared" : golden_result_name(result);
}

/* "4,9,11-13" */
static void print_pcrs(uint32_t pcrs)
{
	const char *comma = "";

	for (unsigned i = 0; i < PCR_COUNT; i++) {
		unsigned last = i;

		if (!(pcrs & UINT32_C(1) << i))
			continue;
		while (last + 1 < PCR_COUNT && pcrs & UINT32_C(1) << (last + 1))
			last++;
		printf("%s%u", comma, i);
		if (last > i)
			printf("%c%u", last > i + 1 ? '-' : ',', last);
		comma = ",";
		i = last;
	}
}

/* ---- registers ---- */

static void print_value(const char *who, enum alg alg, const struct golden_value *v)
{
	char hex[2 * DIGEST_MAX + 1];

	hex_encode(v->bytes, algs[alg].len, hex);
	printf(INDENT "%-4s %s  %s", who, hex, golden_origin_name(v->origin));
	if (v->label) {
		fputs("  ", stdout);
		put_text(stdout, v->label);
	}
	putchar('\n');
}

static void print_values(const char *who, const struct golden_register *r)
{
	for (size_t i = 0; r && i < r->n && i < SHOWN_VALUES; i++)
		print_value(who, r->alg, &r->values[i]);
	if (r && r->n > SHOWN_VALUES)
		printf(INDENT "%-4s and %zu more\n", who, r->n - SHOWN_VALUES);
}

static void print_digest(const struct eventlog *log, const struct event *ev, enum alg alg)
{
	char hex[2 * DIGEST_MAX + 1];
	struct slice digest = event_digest(ev, log, alg);

	if (digest.n == 0 || digest.n > DIGEST_MAX)
		return;
	hex_encode(digest.p, digest.n, hex);
	printf(INDENT "    %s %s\n", algs[alg].name, hex);
}

static void print_source(const struct event *ev)
{
	if (!ev->source)
		return;
	fputs(INDENT "    from ", stdout);
	put_text(stdout, ev->source);
	printf(" (%s)\n", event_origin_name(ev->origin));
}

/* One side of the place where the logs part. */
static void print_first(const char *lead, const struct eventlog *log, size_t index, const char *words,
			enum alg alg)
{
	char type[11];

	if (index == SIZE_MAX) {
		printf(INDENT "%s no further event\n", lead);
		return;
	}
	const struct event *ev = &log->events[index];

	printf(INDENT "%s event %zu", lead, index);
	if (ev->origin == EVENT_RECORDED)
		printf(" at byte %" PRIu64, ev->offset);
	printf(", %s: ", ev->content == CONTENT_PCCLIENT ? event_type_name(ev->type, type) : "record");
	put_text(stdout, words);
	putchar('\n');
	print_digest(log, ev, alg);
	print_source(ev);
}

static void print_change(const struct golden_change *x)
{
	printf(INDENT "%s ", change_name(x->change));
	if (x->want != SIZE_MAX)
		printf("%zu", x->want);
	if (x->got != SIZE_MAX && x->got != x->want)
		printf("%s%zu", x->want != SIZE_MAX ? " → " : "", x->got);
	fputs(": ", stdout);
	put_text(stdout, x->description);
	putchar('\n');
}

static void print_explanation(const struct golden_comparison *c, const struct golden_register_result *item)
{
	const struct golden_explanation *x = &item->explanation;

	for (size_t i = 0; i < x->n; i++) {
		fputs(INDENT, stdout);
		put_text(stdout, x->lines[i]);
		putchar('\n');
	}
	if (x->has_first) {
		print_first("first difference, found:", c->got->log, x->first_got, x->first_got_words,
			    item->alg);
		print_first("expected:", c->want->log, x->first_want, x->first_want_words, item->alg);
	}
	if (x->n_changes)
		printf(INDENT "differences of events, expected → got: %zu\n", x->n_changes);
	for (size_t i = 0; i < x->n_changes && i < SHOWN_CHANGES; i++)
		print_change(&x->changes[i]);
	if (x->n_changes > SHOWN_CHANGES)
		printf(INDENT "and %zu more (--json lists all)\n", x->n_changes - SHOWN_CHANGES);
}

static void print_register(const struct golden_comparison *c, const struct golden_register_result *item)
{
	char place[32];

	place_name(c, item->alg, item->index, place, sizeof place);
	printf("%-13s %s", word_of(item->result, item->warn_only), place);
	if (item->match && item->match->label) {
		fputs("  ", stdout);
		put_text(stdout, item->match->label);
	}
	if (item->result == GOLDEN_MISSING)
		fputs(item->warn_only ? "  missing" : "", stdout);
	putchar('\n');
	if (item->result == GOLDEN_DIFFERS) {
		print_values("want", item->want);
		print_values("got", item->got);
	}
	print_explanation(c, item);
}

/* What only GOT has, a line for each bank. */
static void print_extras(const struct golden_comparison *c)
{
	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		uint32_t pcrs = 0;
		const char *comma = "";
		char name[12];

		for (size_t i = 0; i < c->n; i++)
			if (c->items[i].alg == alg && c->items[i].result == GOLDEN_EXTRA)
				pcrs |= UINT32_C(1) << c->items[i].index;
		if (!pcrs)
			continue;
		printf("%-13s %s:", "extra", algs[alg].name);
		if (!c->want->cc)
			print_pcrs(pcrs);
		for (uint32_t i = 0; c->want->cc && i < PCR_COUNT; i++)
			if (pcrs & UINT32_C(1) << i) {
				printf("%s%s", comma, golden_register_name(c->want, i, name));
				comma = ",";
			}
		putchar('\n');
	}
}

static void print_policy(const struct golden_policy_result *p)
{
	char hex[2 * sizeof p->digest + 1];

	printf("%-13s policy %s:", word_of(p->result, false), algs[p->alg].name);
	print_pcrs(p->pcrs);
	if (p->has_digest) {
		hex_encode(p->digest, sizeof p->digest, hex);
		printf("  %s", hex);
	}
	if (p->label) {
		fputs("  ", stdout);
		put_text(stdout, p->label);
	}
	putchar('\n');
	if (p->result == GOLDEN_DIFFERS && p->n_want)
		printf(INDENT "none of the %zu policies that are wanted for these registers\n", p->n_want);
	if (p->text)
		printf(INDENT "%s\n", p->text);
}

/* ---- one comparison ---- */

static void print_names(const struct golden_diff_arguments *a, const struct golden_comparison *c,
			const struct golden_diff_names *names)
{
	if (names->got_of_several) {
		fputs("set ", stdout);
		put_text(stdout, names->got);
		putchar('\n');
	}
	if (!names->want_of_several || c->n_sets == 0)
		return;
	fputs(c->verdict == VERDICT_SAME ? "matches the set " :
	      c->n_sets == 1             ? "compared with the set " :
					   "no set matches; nearest is ",
	      stdout);
	put_text(stdout, names->want);
	if (c->n_matching > 1)
		printf(" (and %zu more)", c->n_matching - 1);
	putchar('\n');
	if (c->others && !a->quiet)
		fputs("pcrcast: no set is for what was got: it was compared with all\n", stderr);
}

static void print_claims(const struct golden_comparison *c)
{
	if (!c->has_claims)
		return;
	printf("%-13s statements about components\n", word_of(c->claims, false));
	for (size_t i = 0; i < c->n_claim_lines; i++) {
		fputs(INDENT, stdout);
		put_text(stdout, c->claim_lines[i]);
		putchar('\n');
	}
}

/* "different: 3 same, 1 differs, 1 missing, 1 warning" */
static void print_counts(const struct golden_comparison *c)
{
	size_t missing = 0;

	for (size_t i = 0; i < c->n; i++)
		missing += c->items[i].result == GOLDEN_MISSING && !c->items[i].warn_only;
	for (size_t i = 0; i < c->n_policies; i++)
		missing += c->policies[i].result == GOLDEN_MISSING;
	size_t differ = c->n_failed - missing;

	printf("%s: %zu same", golden_verdict_name(c->verdict), c->n_same);
	if (differ)
		printf(", %zu differ%s", differ, differ == 1 ? "s" : "");
	if (missing)
		printf(", %zu missing", missing);
	if (c->n_warnings)
		printf(", %zu warning%s", c->n_warnings, c->n_warnings == 1 ? "" : "s");
	if (c->n_not_compared)
		printf(", %zu not compared", c->n_not_compared);
	putchar('\n');
}

static void print_text(const struct golden_diff_arguments *a, const struct golden_comparison *c,
		       const struct golden_diff_names *names)
{
	print_names(a, c, names);
	for (size_t i = 0; i < c->n; i++)
		if (c->items[i].result != GOLDEN_EXTRA)
			print_register(c, &c->items[i]);
	for (size_t i = 0; i < c->n_policies; i++)
		print_policy(&c->policies[i]);
	print_claims(c);
	print_extras(c);
	for (size_t i = 0; i < c->n_notes && !a->quiet; i++) {
		fputs("pcrcast: ", stderr);
		put_text(stderr, c->notes[i]);
		fputc('\n', stderr);
	}
	print_counts(c);
}

/* ---- the verb ---- */

/* The sets of want that --set means, as an array of their own. */
static int choose_sets(struct pool *pool, const struct golden_diff_arguments *a, const struct golden *want,
		       struct golden_set **ret, size_t *ret_n, struct pcrcast_error *e)
{
	struct golden_set *sets = pool_array(pool, want->n + 1, sizeof *sets);
	size_t n = 0;

	if (!sets)
		return err_nomem(e);
	for (size_t i = 0; i < want->n; i++)
		if (!a->set || golden_set_called(&want->sets[i], a->set))
			sets[n++] = want->sets[i];
	if (n == 0)
		return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET, "%s: no set is called %s",
			       a->want_file, a->set ? a->set : "so");
	*ret = sets;
	*ret_n = n;
	return 0;
}

/* "AWS/aws-nitro-tpm", or "number 2". */
static int name_set(struct pool *pool, const struct golden_set *s, size_t index, const char **ret,
		    struct pcrcast_error *e)
{
	int r = golden_set_name(pool, s, ret, e);

	if (r == 0 && !*ret)
		*ret = pool_printf(pool, "number %zu", index + 1);
	return r < 0 || *ret ? r : err_nomem(e);
}

/* The worse of two: a difference is certain, whatever else could not be told. */
static int worse(int a, int b)
{
	static const int rank[] = { [EXIT_DONE] = 0, [EXIT_DIFFERENT] = 2, [EXIT_TROUBLE] = 1 };

	return rank[a] > rank[b] ? a : b;
}

int golden_run_diff(const struct golden_diff_arguments *a, const struct golden *want,
		    const struct golden *got, struct pcrcast_error *e)
{
	static const int statuses[] = { [VERDICT_SAME] = EXIT_DONE,
					[VERDICT_DIFFERENT] = EXIT_DIFFERENT,
					[VERDICT_UNDECIDED] = EXIT_TROUBLE };
	struct golden_compare_options options = a->options;
	struct pool pool = POOL_INIT;
	struct golden_set *sets = NULL;
	int status = EXIT_DONE;
	size_t n = 0;

	options.log_counts = true;
	if (options.banks == (1u << ALG_COUNT) - 1)
		options.banks = 0; /* --bank all: those that there are */
	int r = choose_sets(&pool, a, want, &sets, &n, e);
	struct golden_comparison *all = r == 0 ? pool_array(&pool, got->n + 1, sizeof *all) : NULL;
	struct golden_diff_names *names = all ? pool_array(&pool, got->n + 1, sizeof *names) : NULL;
	if (r == 0 && !names)
		r = err_nomem(e);
	for (size_t i = 0; i < got->n && r == 0; i++) {
		r = golden_compare(&pool, sets, n, &got->sets[i], &options, &all[i], e);
		if (r == 0)
			r = name_set(&pool, all[i].want, all[i].want_index, &names[i].want, e);
		if (r == 0)
			r = name_set(&pool, all[i].got, i, &names[i].got, e);
		if (r < 0)
			break;
		names[i].want_of_several = n > 1;
		names[i].got_of_several = got->n > 1;
		status = worse(status, statuses[all[i].verdict]);
	}
	for (size_t i = 0; i < got->n && r == 0 && !a->json; i++)
		print_text(a, &all[i], &names[i]);
	if (r == 0 && a->json)
		r = golden_diff_print_json(a, all, names, got->n, status == EXIT_DONE, e);
	pool_done(&pool);
	return r < 0 ? r : finish(status);
}
