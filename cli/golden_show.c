/* golden show: what a reference says, for people or as JSON. */
#include <string.h>

#include "cli/cmd_golden.h"

/* "name text"; true when there was one before or is one now. */
static bool show_text(const char *name, const char *text, bool any)
{
	if (!text)
		return any;
	printf("%s%s ", any ? "  " : "", name);
	put_text(stdout, text);
	return true;
}

static void show_register(const struct golden_set *s, const struct golden_register *r)
{
	char name[12];

	for (size_t i = 0; i < r->n; i++) {
		char hex[2 * DIGEST_MAX + 1], place[24];

		(void)snprintf(place, sizeof place, "%s:%s", algs[r->alg].name,
			       golden_register_name(s, r->index, name));
		hex_encode(r->values[i].bytes, algs[r->alg].len, hex);
		printf("%-12s %s  %s", place, hex, golden_origin_name(r->values[i].origin));
		if (r->warn_only)
			fputs("  warn-only", stdout);
		if (r->values[i].label) {
			fputs("  ", stdout);
			put_text(stdout, r->values[i].label);
		}
		putchar('\n');
	}
}

static void show_policy(const struct golden_policy *p)
{
	char hex[2 * sizeof p->digest + 1];
	const char *comma = "";

	printf("policy %s:", algs[p->alg].name);
	for (unsigned i = 0; i < PCR_COUNT; i++)
		if (p->pcrs & UINT32_C(1) << i) {
			printf("%s%u", comma, i);
			comma = ",";
		}
	hex_encode(p->digest, sizeof p->digest, hex);
	printf("  %s", hex);
	if (p->has_fingerprint) {
		hex_encode(p->fingerprint, sizeof p->fingerprint, hex);
		printf("  key %s", hex);
	}
	fputs(p->signature.n ? "  signed" : "  not signed", stdout);
	if (p->label) {
		fputs("  ", stdout);
		put_text(stdout, p->label);
	}
	putchar('\n');
}

static void show_claim(const struct golden_claim *c)
{
	enum { SHOWN = 32 };
	char hex[2 * DIGEST_MAX + 1];

	printf("claim %zu  ", c->group);
	put_text(stdout, c->role);
	fputs("  ", stdout);
	if (c->text) {
		put_text(stdout, c->text);
	} else {
		size_t n = c->bytes.n <= DIGEST_MAX ? c->bytes.n : SHOWN;

		hex_encode(c->bytes.p, n, hex);
		printf("%s%s%s", c->alg == ALG_COUNT ? "" : algs[c->alg].name, c->alg == ALG_COUNT ? "" : ":",
		       hex);
		if (n < c->bytes.n)
			printf("… (%zu bytes)", c->bytes.n);
	}
	if (c->owner) {
		fputs("  owner ", stdout);
		put_text(stdout, c->owner);
	}
	putchar('\n');
}

static void show_set(const struct golden_set *s)
{
	const struct golden_identity *id = &s->id;
	const char *const parts[][2] = {
		{ "image", id->image },     { "vendor", id->vendor },   { "csp", id->csp },
		{ "variant", id->variant }, { "version", id->version }, { "ref", id->ref },
		{ "stream", id->stream },
	};
	bool any = false;

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		any = show_text(parts[i][0], parts[i][1], any);
	if (any)
		putchar('\n');
	for (size_t i = 0; i < s->n_registers; i++)
		show_register(s, &s->registers[i]);
	for (size_t i = 0; i < s->n_policies; i++)
		show_policy(&s->policies[i]);
	for (size_t i = 0; i < s->n_claims; i++)
		show_claim(&s->claims[i]);
	for (size_t i = 0; i < s->n_extras; i++) {
		printf("also %s ", s->extras[i].format);
		put_text(stdout, s->extras[i].key);
		putchar('\n');
	}
	if (s->log)
		printf("%zu events behind it (--json lists them)\n", s->log->n_events);
}

int golden_run_show(struct golden_arguments *a)
{
	const struct golden_format *json = golden_format_by_name("json");
	struct pcrcast_error e = { .offset = PCRCAST_NO_OFFSET };
	const char *const *lost;
	struct golden g, chosen;
	struct slice bytes;
	size_t n_lost;
	int status = EXIT_DONE;

	/* What is shown is what the JSON form of the selection says: one truth for both. */
	if (golden_source_read(a->files[0], &a->source, &g, &e) < 0 ||
	    golden_write(&g, &a->selection, json, &a->pool, &bytes, &lost, &n_lost, &e) < 0) {
		status = fail_at(a->files[0], &e);
		golden_done(&g);
		return status;
	}
	if (a->json) {
		status = golden_put(a, json, bytes);
	} else {
		struct golden_input in = { .name = a->files[0], .bytes = bytes };

		if (golden_read(&in, json, &chosen, &e) < 0)
			status = fail_at(a->files[0], &e);
		else
			puts(g.format);
		for (size_t i = 0; status == EXIT_DONE && i < chosen.n; i++) {
			if (i)
				putchar('\n');
			show_set(&chosen.sets[i]);
		}
		golden_done(&chosen);
	}
	golden_print_notes(a, g.notes, g.n_notes, "note");
	golden_print_notes(a, lost, n_lost, "not in the output");
	golden_note_phases(a, &g, a->files[0]);
	golden_done(&g);
	return status;
}
