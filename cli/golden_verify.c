/* golden verify: the evidence is gathered, verified, and the verdict told. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <string.h>

#include "cli/cmd_golden.h"
#include "cli/input.h"
#include "golden/verify.h"

/* What is read for a verification. */
struct gathered {
	struct evidence evidence;
	struct evidence_quote one; /* of --quote and --signature */
	struct golden want;
	struct pcr_values values;
	struct verify_input in;
	const char *about; /* the file that an error is about */
};

/* ---- gathering ---- */

static int read_file(struct golden_arguments *a, struct gathered *g, const char *path, struct slice *ret,
		     struct pcrcast_error *e)
{
	if (!path)
		return 0;
	g->about = path;
	int r = input_read(&a->pool, path, GOLDEN_FILE_MAX, ret, e);
	if (r == 0 && ret->n == 0)
		r = err_set(e, PCRCAST_ETRUNC, 0, "an empty file");
	return r;
}

static int read_files(struct golden_arguments *a, struct gathered *g, const struct text_list *paths,
		      const struct slice **ret, size_t *ret_n, struct pcrcast_error *e)
{
	struct slice *files = pool_array(&a->pool, paths->n ? paths->n : 1, sizeof *files);
	int r = files ? 0 : err_nomem(e);

	for (size_t i = 0; i < paths->n && r == 0; i++)
		r = read_file(a, g, paths->items[i], &files[i], e);
	*ret = files;
	*ret_n = paths->n;
	return r;
}

/* A TPMT_SIGNATURE begins with its scheme: TPM_ALG_RSASSA, _RSAPSS or _ECDSA (TPM 2.0 Library part 2, section 11.3.4). */
static bool is_framed(struct slice s)
{
	return s.n > 6 && s.p[0] == 0 && (s.p[1] == 0x14 || s.p[1] == 0x16 || s.p[1] == 0x18);
}

static int read_evidence(struct golden_arguments *a, struct gathered *g, struct pcrcast_error *e)
{
	const struct golden_verify_options *v = &a->verify;
	struct evidence *ev = &g->evidence;
	struct slice bytes = SLICE_EMPTY;
	int r;

	if (a->n_files) {
		r = read_file(a, g, a->files[0], &bytes, e);
		return r < 0 ? r : evidence_read(bytes, ev, e);
	}
	g->one = (struct evidence_quote){ .message = SLICE_EMPTY, .signature = SLICE_EMPTY };
	ev->container = "tpm2-tools";
	ev->quotes = &g->one;
	ev->n_quotes = 1;
	r = read_file(a, g, v->quote, &g->one.message, e);
	if (r == 0)
		r = read_file(a, g, v->signature, &g->one.signature, e);
	g->one.bare = !is_framed(g->one.signature);
	return r;
}

/* A file in no known form is taken for values without names ("tpm2_quote -F values"); whether they fit, the quote tells. */
static int read_values(struct golden_arguments *a, struct gathered *g, struct pcrcast_error *e)
{
	bool known;

	if (!a->verify.pcrs)
		return 0;
	g->about = a->verify.pcrs;
	int r = golden_values_read(&a->pool, a->verify.pcrs, &g->values, &known, e);
	if (r == 0 && !known)
		return strcmp(a->verify.pcrs, "-") == 0 ?
			       err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
				       "values in no known form") :
			       read_file(a, g, a->verify.pcrs, &g->in.bare_values, e);
	g->in.pcrs = &g->values;
	return r;
}

static int read_want(struct golden_arguments *a, struct gathered *g, struct pcrcast_error *e)
{
	struct golden_source_options opt = a->source;
	size_t n = 0;

	if (!a->verify.want)
		return 0;
	g->about = a->verify.want;
	int r = golden_source_read(a->verify.want, &opt, &g->want, e);
	if (r < 0)
		return r;
	golden_print_notes(a, g->want.notes, g->want.n_notes, "note");
	for (size_t i = 0; i < g->want.n; i++)
		if (!a->selection.set || golden_set_called(&g->want.sets[i], a->selection.set)) {
			struct golden_set chosen = g->want.sets[i];

			/* the others stay behind it, where golden_done finds their logs */
			g->want.sets[i] = g->want.sets[n];
			g->want.sets[n++] = chosen;
		}
	if (n == 0)
		return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
			       "no set of reference values \"%s\" (golden show lists them)",
			       a->selection.set);
	g->in.want = &g->want;
	g->in.n_want = n;
	return 0;
}

static int gather(struct golden_arguments *a, struct gathered *g, struct pcrcast_error *e)
{
	const struct golden_verify_options *v = &a->verify;
	struct verify_input *in = &g->in;
	int r = read_evidence(a, g, e);

	if (r == 0)
		golden_print_notes(a, g->evidence.notes, g->evidence.n_notes, "note");
	r = r < 0 ? r : read_file(a, g, v->key, &in->key, e);
	r = r < 0 ? r : read_file(a, g, v->log, &in->log, e);
	r = r < 0 ? r : read_file(a, g, v->ima_log, &in->ima_log, e);
	r = r < 0 ? r : read_file(a, g, v->ak_cert, &in->ak_cert, e);
	r = r < 0 ? r : read_file(a, g, v->ek_cert, &in->ek_cert, e);
	r = r < 0 ? r : read_files(a, g, &v->anchors, &in->anchors, &in->n_anchors, e);
	r = r < 0 ? r : read_files(a, g, &v->intermediates, &in->intermediates, &in->n_intermediates, e);
	r = r < 0 ? r : read_values(a, g, e);
	return r < 0 ? r : read_want(a, g, e);
}

/* ---- text ---- */

static void print_quote(const struct tpm_quote *q)
{
	uint64_t s = q->clock / 1000;

	for (size_t i = 0; i < q->n_selections; i++) {
		const struct tpm_selection *sel = &q->selections[i];
		const char *comma = "";

		printf("%s%s:", i ? " " : "quoted  ",
		       sel->bank == ALG_COUNT ? tpm_alg_name(sel->bank_id) : algs[sel->bank].name);
		for (unsigned k = 0; k < 32; k++)
			if (sel->pcrs >> k & 1) {
				printf("%s%u", comma, k);
				comma = ",";
			}
	}
	printf("\nclock   %" PRIu64 "d %02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 " powered, %" PRIu32
	       " resets, %" PRIu32 " restarts, %s; firmware version %08" PRIx64 ".%08" PRIx64 "\n",
	       s / 86400, s / 3600 % 24, s / 60 % 60, s % 60, q->reset_count, q->restart_count,
	       q->safe ? "safe" : "not safe", q->firmware_version >> 32, q->firmware_version & UINT32_MAX);
}

static void print_key(const struct verify_result *res)
{
	char hex[2 * sizeof res->key.name.bytes + 1];

	if (!res->has_key)
		return;
	printf("key     %s, %u bits", res->key.curve ? res->key.curve : "RSA", res->key.bits);
	hex_encode(res->key.sha256, sizeof res->key.sha256, hex);
	printf(", SHA-256 of the public key %s", hex);
	if (res->key.name.n) {
		hex_encode(res->key.name.bytes, res->key.name.n, hex);
		printf(", Name %s", hex);
	}
	putchar('\n');
}

static void print_lines(const char *indent, const char *const *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		fputs(indent, stdout);
		put_text(stdout, lines[i]);
		putchar('\n');
	}
}

static void print_text(const struct verify_result *res, uint32_t require)
{
	for (enum verify_item i = 0; i < VERIFY_ITEMS; i++) {
		const struct verify_check *c = &res->checks[i];

		printf("%-4s  %s: ", check_result_name(c->result), verify_item_name(i));
		put_text(stdout, c->detail);
		putchar('\n');
		print_lines("        ", c->lines, c->n_lines);
	}
	for (size_t i = 0; i < res->n_quotes; i++)
		print_quote(&res->quotes[i]);
	print_key(res);
	print_lines("not covered: ", res->not_covered, res->n_not_covered);
	for (enum verify_item i = 0; res->verdict == VERDICT_OPEN && i < VERIFY_ITEMS; i++)
		if (require >> i & 1 && res->checks[i].result == CHECK_SKIP)
			printf("required, and not checked: %s\n", verify_item_name(i));
	puts(verdict_name(res->verdict));
}

/* ---- JSON ---- */

static void add_texts(struct json_doc *d, struct cJSON *o, const char *key, const char *const *texts,
		      size_t n)
{
	struct cJSON *list = json_array(d);

	for (size_t i = 0; i < n; i++)
		json_append_string(d, list, texts[i]);
	json_add(d, o, key, list);
}

static struct cJSON *checks_json(struct json_doc *d, const struct verify_result *res)
{
	struct cJSON *list = json_array(d);

	for (enum verify_item i = 0; i < VERIFY_ITEMS; i++) {
		const struct verify_check *c = &res->checks[i];
		struct cJSON *o = json_object(d);

		json_add_string(d, o, "name", verify_item_name(i));
		json_add_string(d, o, "result", check_result_name(c->result));
		json_add_string(d, o, "detail", c->detail);
		if (c->n_lines)
			add_texts(d, o, "lines", c->lines, c->n_lines);
		json_append(d, list, o);
	}
	return list;
}

static struct cJSON *quote_json(struct json_doc *d, const struct tpm_quote *q)
{
	struct cJSON *o = json_object(d), *list = json_array(d);

	for (size_t i = 0; i < q->n_selections; i++) {
		const struct tpm_selection *sel = &q->selections[i];
		struct cJSON *s = json_object(d), *pcrs = json_array(d);

		json_add_string(d, s, "bank",
				sel->bank == ALG_COUNT ? tpm_alg_name(sel->bank_id) : algs[sel->bank].name);
		for (unsigned k = 0; k < 32; k++)
			if (sel->pcrs >> k & 1)
				json_append_u64(d, pcrs, k);
		json_add(d, s, "pcrs", pcrs);
		json_append(d, list, s);
	}
	json_add(d, o, "selection", list);
	json_add_hex(d, o, "pcrDigest", q->pcr_digest, q->pcr_digest_len);
	json_add_hex(d, o, "extraData", q->extra_data, q->extra_data_len);
	json_add_hex(d, o, "qualifiedSigner", q->signer.bytes, q->signer.n);
	json_add_u64(d, o, "clock", q->clock);
	json_add_u64(d, o, "resetCount", q->reset_count);
	json_add_u64(d, o, "restartCount", q->restart_count);
	json_add_bool(d, o, "safe", q->safe);
	json_add_u64(d, o, "firmwareVersion", q->firmware_version);
	return o;
}

static struct cJSON *values_json(struct json_doc *d, const struct pcr_values *v)
{
	struct cJSON *banks = json_object(d);

	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		struct cJSON *bank;

		if (!v->known[alg])
			continue;
		bank = json_object(d);
		for (unsigned i = 0; i < PCR_COUNT; i++) {
			char key[12];

			(void)snprintf(key, sizeof key, "%u", i);
			if (v->known[alg] >> i & 1)
				json_add_hex(d, bank, key, v->value[alg][i], algs[alg].len);
		}
		json_add(d, banks, algs[alg].name, bank);
	}
	return banks;
}

static bool print_json(const struct gathered *g, const struct verify_result *res)
{
	struct json_doc d = { false };
	struct cJSON *root = json_object(&d), *quotes = json_array(&d), *key;

	json_add_u64(&d, root, "version", 1);
	json_add_string(&d, root, "verdict", verdict_name(res->verdict));
	json_add_string(&d, root, "container", g->evidence.container);
	json_add(&d, root, "checks", checks_json(&d, res));
	add_texts(&d, root, "notCovered", res->not_covered, res->n_not_covered);
	for (size_t i = 0; i < res->n_quotes; i++)
		json_append(&d, quotes, quote_json(&d, &res->quotes[i]));
	json_add(&d, root, "quotes", quotes);
	if (res->has_key) {
		key = json_object(&d);
		json_add_string(&d, key, "kind", res->key.curve ? res->key.curve : "RSA");
		json_add_u64(&d, key, "bits", res->key.bits);
		json_add_hex(&d, key, "sha256", res->key.sha256, sizeof res->key.sha256);
		if (res->key.name.n)
			json_add_hex(&d, key, "name", res->key.name.bytes, res->key.name.n);
		json_add_bool(&d, key, "fromEvidence", res->key_is_evidence);
		json_add(&d, root, "key", key);
	}
	json_add(&d, root, "pcrs", values_json(&d, &res->proven));
	(void)json_write(&d, root, false, stdout); /* finish() reports a stream that failed */
	json_free(root);
	return !d.failed;
}

int golden_run_verify(struct golden_arguments *a)
{
	static const int statuses[] = { [VERDICT_TRUSTED] = EXIT_DONE,
					[VERDICT_UNTRUSTED] = EXIT_DIFFERENT,
					[VERDICT_OPEN] = EXIT_TROUBLE };
	const struct golden_verify_options *v = &a->verify;
	struct pcrcast_error e = { .offset = PCRCAST_NO_OFFSET };
	struct gathered g = { .evidence = EVIDENCE_INIT, .want = GOLDEN_INIT };
	struct verify_result res;
	int status;

	if (a->n_files ? v->quote || v->signature : !v->quote || !v->signature)
		return usage_error("golden verify: expected EVIDENCE, or --quote and --signature");
	g.in = (struct verify_input){ .evidence = &g.evidence,
				      .key = SLICE_EMPTY,
				      .has_nonce = v->has_nonce,
				      .nonce = v->nonce,
				      .bare_values = SLICE_EMPTY,
				      .log = SLICE_EMPTY,
				      .ima_log = SLICE_EMPTY,
				      .compare = { a->source.banks == (1u << ALG_COUNT) - 1 ? 0 :
											      a->source.banks,
						   a->source.has_pcrs, a->source.pcrs },
				      .ak_cert = SLICE_EMPTY,
				      .ek_cert = SLICE_EMPTY,
				      .at = v->at,
				      .require = v->require };
	int r = gather(a, &g, &e);
	if (r == 0) {
		g.about = "golden verify";
		r = verify(&a->pool, &g.in, &res, &e);
	}
	if (r == 0 && a->json && !print_json(&g, &res))
		r = err_nomem(&e);
	if (r == 0 && !a->json)
		print_text(&res, v->require);
	status = r < 0 ? fail_at(g.about, &e) : statuses[res.verdict];
	golden_done(&g.want);
	evidence_done(&g.evidence);
	return status;
}
