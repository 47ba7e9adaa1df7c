/*
 * Quotes that TPMs made: those of tests/data/quotes, and where they exist the shared ones beside the tree, with their
 * listed verdicts.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/json.h"
#include "base/json_read.h"
#include "golden/quote.h"
#include "golden/signature.h"
#include "tests/unit/build_pe.h"

#define SHARED "../shared"

/* A file of a directory; n is 0 when it is not there. */
static struct slice load(const char *dir, const char *name)
{
	char path[512];
	size_t n;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	if (access(path, R_OK) < 0)
		return SLICE_EMPTY;
	const uint8_t *p = load_file(path, &n);
	return (struct slice){ p, n };
}

static void unload(struct slice s)
{
	if (s.n)
		free((void *)(uintptr_t)s.p);
}

struct told {
	struct tpm_quote quote;
	struct signature_check signature;
	enum match values;
	bool has_key;
};

/* What the library says about message, signature, key and values of a directory. key may be missing. */
static struct told tell(const char *dir, const char *message, const char *signature, const char *key)
{
	struct slice m = load(dir, message), s = load(dir, signature), k = load(dir, key),
		     v = load(dir, "pcrs.json");
	struct told t = { .values = MATCH_CANNOT_TELL };
	struct pcrcast_error e = { .msg = "" };
	char why[QUOTE_WHY_MAX];
	struct pcr_values values;
	struct tpm_signature sig;
	struct key *pub = NULL;

	if (tpm_quote_read(m, &t.quote, &e) < 0 || tpm_signature_read(s, &sig, &e) < 0)
		fail_msg("%s: %s", dir, e.msg);
	if (k.n) {
		t.has_key = true;
		if (key_read(k, &pub, &e) < 0 || signature_verify(pub, &sig, m, &t.signature, &e) < 0)
			fail_msg("%s: %s", dir, e.msg);
	}
	if (v.n) {
		if (pcr_values_parse(v, &values, &e) < 0)
			fail_msg("%s: %s", dir, e.msg);
		t.values = quote_match_values(&t.quote, sig.hash, &values, why);
	}
	key_free(pub);
	t.quote.message = SLICE_EMPTY;
	unload(m);
	unload(s);
	unload(k);
	unload(v);
	return t;
}

static void assert_data(const struct tpm_quote *q, const char *hex)
{
	char data[2 * TPM_DATA_MAX + 1];

	hex_encode(q->extra_data, q->extra_data_len, data);
	assert_string_equal(data, hex);
}

/* .origin beside each; tpm2_checkquote 5.4 accepts them. */
static void quotes_of_this_tree_are_good(void **state)
{
	static const struct {
		const char *dir, *nonce;
		enum alg bank;
		uint32_t pcrs;
		enum tpm_scheme scheme;
	} rows[] = {
		{ "tests/data/quotes/gce-cos-85-nonce9009-sha256", "9009", ALG_SHA256, 0xffffff, TPM_RSASSA },
		{ "tests/data/quotes/gce-cos-85-nonce9009-sha1", "9009", ALG_SHA1, 0xffffff, TPM_RSASSA },
		{ "tests/data/quotes/az-snp-vtpm-v2",
		  "982f5c6e45df0ed3f10b6f60b02f0c8390e281300f3805e2279c16168cd6ae9aa398f647caa2338748cd0fd9f5f819ef",
		  ALG_SHA256, 0xffffff, TPM_RSASSA },
		{ "tests/data/quotes/bare-262", "0123456789abcdef0123456789abcdef", ALG_SHA256, 0xffff,
		  TPM_ECDSA },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct told t = tell(rows[i].dir, "quote.attest", "quote.tpmt_signature", "ak.pub.pem");

		assert_int_equal(t.signature.match, MATCH_YES);
		assert_int_equal(t.signature.scheme, rows[i].scheme);
		assert_int_equal(t.signature.hash, ALG_SHA256);
		assert_false(t.signature.weak);
		assert_int_equal(t.values, MATCH_YES);
		assert_int_equal(quote_covers(&t.quote, rows[i].bank), rows[i].pcrs);
		assert_data(&t.quote, rows[i].nonce);
	}
}

/* tpm2_print -t TPMS_ATTEST quote.attest, tpm2-tools 5.4, which shows firmwareVersion as the bytes of a little-endian number */
static void a_quote_reads_as_tpm2_print_shows_it(void **state)
{
	struct told t = tell("tests/data/quotes/bare-262", "quote.attest", "quote.tpmt_signature", "ak.pub");
	char hex[2 * TPM_NAME_MAX + 1];

	(void)state;
	hex_encode(t.quote.signer.bytes, t.quote.signer.n, hex);
	assert_string_equal(hex, "000b632591ec87f24c4c35145b7ea8fb194e5146bde26a950756b06337e66d55dc39");
	assert_true(t.quote.clock == 36970);
	assert_int_equal(t.quote.reset_count, 2);
	assert_int_equal(t.quote.restart_count, 0);
	assert_true(t.quote.safe);
	assert_true(t.quote.firmware_version == UINT64_C(0x2019102300163636));
	hex_encode(t.quote.pcr_digest, t.quote.pcr_digest_len, hex);
	assert_string_equal(hex, "7687f463bcc6c63bb79e0d6b759e2002fa856fe34af4e7e770505e17a9642755");
}

static struct key *load_key(const char *dir, const char *name)
{
	struct slice s = load(dir, name);
	struct pcrcast_error e = { .msg = "" };
	struct key *k = NULL;

	if (key_read(s, &k, &e) < 0)
		fail_msg("%s/%s: %s", dir, name, e.msg);
	unload(s);
	return k;
}

/* The TPM computed qualifiedSigner from the Names of both keys: a check of the Names by the TPM itself. */
static void the_signer_is_the_key_below_its_endorsement_key(void **state)
{
	static const char dir[] = "tests/data/quotes/bare-262";
	struct told t = tell(dir, "quote.attest", "quote.tpmt_signature", "ak.pub");
	struct key *ak = load_key(dir, "ak.pub"), *same = load_key(dir, "ak.tpmt_public"),
		   *pem = load_key(dir, "ak.pub.pem"), *ek = load_key(dir, "ek.pub");
	const struct tpm_name *name = &key_info(ak)->name;
	char why[KEY_WHY_MAX];
	uint32_t hierarchy = 0;

	(void)state;
	assert_true(key_equal(ak, same) && key_equal(ak, pem) && !key_equal(ak, ek));
	assert_memory_equal(name, &key_info(same)->name, sizeof *name);
	assert_int_equal(quote_match_signer(&t.quote, name, &key_info(ek)->name, &hierarchy), MATCH_YES);
	assert_int_equal(hierarchy, TPM_RH_ENDORSEMENT);
	assert_int_equal(quote_match_signer(&t.quote, name, NULL, &hierarchy), MATCH_CANNOT_TELL);
	assert_int_equal(quote_match_signer(&t.quote, name, name, &hierarchy), MATCH_CANNOT_TELL);
	assert_int_equal(quote_match_signer(&t.quote, &key_info(pem)->name, NULL, &hierarchy),
			 MATCH_CANNOT_TELL);
	assert_int_equal(key_is_attestation_key(ak, why), MATCH_YES);
	assert_int_equal(key_is_attestation_key(ek, why), MATCH_NO);
	key_free(ak);
	key_free(same);
	key_free(pem);
	key_free(ek);
}

/* GCE's attestation key is a primary key of the endorsement hierarchy (go-tpm-tools, client/keys.go). */
static void the_signer_is_a_primary_key(void **state)
{
	static const char dir[] = "tests/data/quotes/gce-cos-85-nonce9009-sha256";
	struct told t = tell(dir, "quote.attest", "quote.tpmt_signature", "ak.tpmt_public");
	struct key *ak = load_key(dir, "ak.tpmt_public");
	uint32_t hierarchy = 0;

	(void)state;
	assert_int_equal(t.signature.match, MATCH_YES);
	enum match m = quote_match_signer(&t.quote, &key_info(ak)->name, NULL, &hierarchy);
	assert_int_equal(m, MATCH_YES);
	assert_int_equal(hierarchy, TPM_RH_ENDORSEMENT);
	key_free(ak);
}

/* ---- what lies beside the tree ---- */

static void listed_match(const struct cJSON *checks, const char *key, enum match *ret)
{
	bool yes;

	/* null: the source has not what it takes */
	*ret = json_bool(json_get(checks, key), &yes) ? yes ? MATCH_YES : MATCH_NO : MATCH_CANNOT_TELL;
}

static void one_listed(const struct cJSON *row)
{
	enum match signature, values;
	const char *file, *hash, *nonce, *text;
	char dir[512];

	assert_true(json_string(json_get(row, "file"), &file) &&
		    json_string(json_get(row, "sig_hash"), &hash));
	(void)snprintf(dir, sizeof dir, SHARED "/corpus/%s", file);
	struct told t = tell(dir, "quote.attest", "quote.tpmt_signature", "ak.pub.pem");
	listed_match(json_get(row, "checks"), "signature_valid", &signature);
	listed_match(json_get(row, "checks"), "pcr_digest_matches", &values);
	assert_int_equal(t.has_key, signature != MATCH_CANNOT_TELL);
	if (t.has_key)
		assert_int_equal(t.signature.match, signature);
	assert_int_equal(t.values, values);
	if (t.has_key && t.signature.match == MATCH_YES)
		assert_int_equal(t.signature.weak, strcmp(hash, "sha1") == 0);
	if (json_string(json_get(row, "nonce_expected_hex"), &nonce))
		assert_data(&t.quote, nonce);
	assert_true(json_string(json_get(json_get(row, "attest"), "extraData"), &text));
	assert_data(&t.quote, text);
}

static void shared_quotes_have_their_listed_verdict(void **state)
{
	struct slice index = load(SHARED "/corpus", "INDEX.json");
	struct cJSON *root = NULL;
	size_t n = 0;

	(void)state;
	if (!index.n)
		skip();
	assert_int_equal(json_parse(index, &root, NULL), 0);
	for (const struct cJSON *row = json_first(json_get(root, "files")); row; row = json_next(row)) {
		const char *kind;

		if (json_string(json_get(row, "kind"), &kind) && strcmp(kind, "quote") == 0) {
			one_listed(row);
			n++;
		}
	}
	print_message("%zu quotes\n", n);
	assert_true(n > 0);
	json_free(root);
	unload(index);
}

/* Values that tpm2_quote wrote with -F values: of PCR 4, 9, 11, 12, 13. */
static void unnamed_values_fit(const char *dir, const char *message, const char *file)
{
	struct slice m = load(dir, message), bytes = load(dir, file);
	char why[QUOTE_WHY_MAX];
	struct pcr_values v;
	struct tpm_quote q;

	assert_int_equal(tpm_quote_read(m, &q, NULL), 0);
	assert_int_equal(quote_name_values(&q, bytes, &v, NULL), 0);
	assert_int_equal(quote_match_values(&q, ALG_COUNT, &v, why), MATCH_YES);
	unload(m);
	unload(bytes);
}

static void quotes_of_shared_boots_are_good(void **state)
{
	static const char *const names[] = { "ak.pem", "ak.pub", "ak.tpmt" };
	DIR *boots = opendir(SHARED "/boots");
	size_t n = 0;

	(void)state;
	if (!boots)
		skip();
	for (const struct dirent *d; (d = readdir(boots));) {
		char dir[512];

		(void)snprintf(dir, sizeof dir, SHARED "/boots/%.200s", d->d_name);
		struct slice there = load(dir, "quote.msg");
		if (d->d_name[0] == '.' || !there.n)
			continue;
		unload(there);
		for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
			struct told t = tell(dir, "quote.msg", "quote.sig", names[i]);
			struct told five = tell(dir, "quote5.msg", "quote5.sig", names[i]);

			assert_int_equal(t.signature.match, MATCH_YES);
			assert_int_equal(t.values, MATCH_YES);
			assert_data(&t.quote, "0123456789abcdef0123456789abcdef");
			assert_int_equal(five.signature.match, MATCH_YES);
			assert_int_equal(five.values, MATCH_YES);
			assert_data(&five.quote, "00ff");
		}
		unnamed_values_fit(dir, "quote5.msg", "quote5.pcrs");
		n++;
	}
	(void)closedir(boots);
	print_message("%zu boots\n", n);
	assert_true(n > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotes_of_this_tree_are_good),
		cmocka_unit_test(a_quote_reads_as_tpm2_print_shows_it),
		cmocka_unit_test(the_signer_is_the_key_below_its_endorsement_key),
		cmocka_unit_test(the_signer_is_a_primary_key),
		cmocka_unit_test(shared_quotes_have_their_listed_verdict),
		cmocka_unit_test(quotes_of_shared_boots_are_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
