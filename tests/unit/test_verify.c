/*
 * The verdict of verify(): what makes it trusted, untrusted or undecided, each check red once. A machine with PCR 0 to 7 and 10
 * is put together here, with a key of libcrypto's for its TPM's; the values are from Python's hashlib.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "golden/verify.h"
#include "tests/unit/certificate_fixture.h"

/* sha256(32 zeros + sha256(4 zeros)); sha256(32 zeros + sha256(template data of the list below)); sha256(eight times the first + the second) */
#define PCR_FIRMWARE "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969"
#define PCR_IMA "ca0e6b786952b72bf78700acd879332652f266dab48a38aa3c7e237c32cb064f"
#define PCR_DIGEST "d85ae167b7b2c8e1cbeaaa3483e27fbf4c063f4225c23a24a59ee31d24bd8596"
#define ELEVENS "1111111111111111111111111111111111111111111111111111111111111111"
#define IMA_LINE "10 4c68b17f29b5b18e86b4cdfc8cce464b3053c558 ima-ng sha256:" ELEVENS " boot_aggregate\n"
#define NONCE "nonce of now"

enum { SIGNER_AT = 4 + 2 + 2 }; /* qualifiedSigner's TPMT_HA in a TPMS_ATTEST */

/* What a verifier is given; a test alters it before it is judged. */
struct machine {
	struct bytes message, signature, area, log, ak_cert, ek_cert, ca, middle_cert;
	struct evidence_quote quote;
	struct evidence evidence;
	struct pcr_values values;
	struct golden want;
	struct verify_input in;
	struct slice anchors[1], intermediates[1];
	/* the verdict */
	struct pool pool;
	struct verify_result res;
	struct pcrcast_error e;
	int rc;
};

static void set_value(struct pcr_values *v, unsigned pcr, const char *hex)
{
	struct bytes b = { .n = 0 };

	put_hex(&b, hex);
	memcpy(v->value[ALG_SHA256][pcr], b.p, b.n);
	v->known[ALG_SHA256] |= UINT32_C(1) << pcr;
}

static void put_leaf(struct bytes *b, struct recipe r, EVP_PKEY *key)
{
	X509 *x = leaf_of(r, key);

	b->n = 0;
	put_certificate(b, x, false);
	X509_free(x);
}

static void sign_message(struct machine *m)
{
	sign(ak_key, ALG_SHA256, false, 0, bytes_slice(&m->message), &m->signature);
}

static void set_reference(struct machine *m, const struct pcr_values *values)
{
	golden_done(&m->want);
	m->want = GOLDEN_INIT;
	struct golden_set *s = golden_add_set(&m->want, NULL);
	assert_non_null(s);
	assert_int_equal(golden_add_pcr_values(&m->want, s, values, GOLDEN_STATED, NULL), 0);
	m->in.want = &m->want;
	m->in.n_want = m->want.n;
}

/* All is given, and all is well. In heap memory: it points into itself. */
static struct machine *new_machine(void)
{
	static const uint8_t zeros[4];
	struct machine *m = calloc(1, sizeof *m);

	assert_non_null(m);
	m->pool = POOL_INIT;
	m->evidence = EVIDENCE_INIT;
	put_quote_head(&m->message, NONCE, 1);
	put_selection(&m->message, 0x000b, 0x4ff, 3);
	put16be(&m->message, 32);
	put_hex(&m->message, PCR_DIGEST);
	sign_message(m);
	put_public(&m->area, ak_key, AK_ATTRIBUTES, 0x0018, 0x000b);

	put_spec_id(&m->log, 0, 1u << ALG_SHA256, "");
	for (unsigned i = 0; i < 8; i++) {
		put_event2(&m->log, i, EV_SEPARATOR, 1u << ALG_SHA256, zeros, sizeof zeros);
		set_value(&m->values, i, PCR_FIRMWARE);
	}
	set_value(&m->values, 10, PCR_IMA);
	set_reference(m, &m->values);

	put_leaf(&m->ak_cert, ak_recipe, ak_key);
	put_leaf(&m->ek_cert, ek_recipe, ek_key);
	put_certificate(&m->ca, root, false);
	put_certificate(&m->middle_cert, middle, false);
	m->anchors[0] = bytes_slice(&m->ca);
	m->intermediates[0] = bytes_slice(&m->middle_cert);

	m->evidence.quotes = &m->quote;
	m->evidence.n_quotes = 1;
	m->in = (struct verify_input){
		.evidence = &m->evidence,
		.key = bytes_slice(&m->area),
		.has_nonce = true,
		.nonce = slice_of_string(NONCE),
		.pcrs = &m->values,
		.bare_values = SLICE_EMPTY,
		.log = bytes_slice(&m->log),
		.ima_log = slice_of_string(IMA_LINE),
		.want = &m->want,
		.n_want = 1,
		.ak_cert = bytes_slice(&m->ak_cert),
		.ek_cert = bytes_slice(&m->ek_cert),
		.anchors = m->anchors,
		.n_anchors = 1,
		.intermediates = m->intermediates,
		.n_intermediates = 1,
		.at = TEST_TIME,
	};
	return m;
}

static void judge(struct machine *m)
{
	m->quote = (struct evidence_quote){ .message = bytes_slice(&m->message),
					    .signature = bytes_slice(&m->signature),
					    .bare = true };
	m->rc = verify(&m->pool, &m->in, &m->res, &m->e);
}

static void drop_machine(struct machine *m)
{
	pool_done(&m->pool);
	golden_done(&m->want);
	free(m);
}

#define BIT(item) (1u << (item))

static uint32_t items_with(const struct machine *m, enum check_result r)
{
	uint32_t items = 0;

	for (enum verify_item i = 0; i < VERIFY_ITEMS; i++) {
		assert_non_null(m->res.checks[i].detail);
		items |= m->res.checks[i].result == r ? BIT(i) : 0;
	}
	return items;
}

/* Judge, compare, and drop. */
static void assert_verdict(struct machine *m, enum verdict verdict, uint32_t failed, uint32_t skipped)
{
	judge(m);
	if (m->rc < 0)
		fail_msg("%s", m->e.msg);
	for (enum verify_item i = 0; i < VERIFY_ITEMS; i++) {
		enum check_result want = failed & BIT(i)  ? CHECK_FAIL :
					 skipped & BIT(i) ? CHECK_SKIP :
							    CHECK_PASS;

		if (m->res.checks[i].result != want)
			fail_msg("%s: %s (%s), expected %s", verify_item_name(i),
				 check_result_name(m->res.checks[i].result), m->res.checks[i].detail,
				 check_result_name(want));
	}
	assert_string_equal(verdict_name(m->res.verdict), verdict_name(verdict));
	drop_machine(m);
}

static void assert_red(struct machine *m, enum verify_item item, uint32_t skipped)
{
	assert_verdict(m, VERDICT_UNTRUSTED, BIT(item), skipped);
}

/* ---- the verdict ---- */

static void all_that_is_right_is_trusted(void **state)
{
	struct machine *m = new_machine();

	(void)state;
	m->in.require = BIT(VERIFY_ITEMS) - 1;
	assert_verdict(m, VERDICT_TRUSTED, 0, 0);
}

/* Registers count when a good signature and PCR digest speak for them. */
static const uint32_t of_values = BIT(VERIFY_EVENT_LOG) | BIT(VERIFY_IMA_LOG) | BIT(VERIFY_REFERENCE);

static void a_red_quote_or_key_is_untrusted(void **state)
{
	struct machine *m = new_machine();

	(void)state;
	m->message.p[0] = 0; /* no TPM's magic number */
	assert_red(m, VERIFY_QUOTE,
		   of_values | BIT(VERIFY_SIGNATURE) | BIT(VERIFY_NONCE) | BIT(VERIFY_PCR_DIGEST));

	m = new_machine();
	m->message.p[SIGNER_AT + 2] ^= 1; /* behind the hash: the digest of the Qualified Name */
	assert_red(m, VERIFY_SIGNATURE, 0);

	m = new_machine();
	m->area.n = 0;
	put_public(&m->area, ak_key, AK_ATTRIBUTES & ~(uint32_t)TPM_RESTRICTED, 0x0018, 0x000b);
	assert_red(m, VERIFY_KEY_ATTRIBUTES, 0);

	m = new_machine();
	put_leaf(&m->ak_cert, ak_recipe, other_key);
	m->in.ak_cert = bytes_slice(&m->ak_cert);
	assert_red(m, VERIFY_AK_CERTIFICATE, 0);

	m = new_machine();
	put_leaf(&m->ek_cert, ak_recipe, ek_key); /* not made for that purpose */
	m->in.ek_cert = bytes_slice(&m->ek_cert);
	assert_red(m, VERIFY_EK_CERTIFICATE, 0);

	m = new_machine();
	m->in.nonce = slice_of_string("nonce of yesterday");
	assert_red(m, VERIFY_NONCE, 0);
}

static void red_values_are_untrusted(void **state)
{
	struct machine *m = new_machine();
	struct pcr_values other = m->values;

	(void)state;
	other.value[ALG_SHA256][4][0] ^= 1;
	m->in.pcrs = &other;
	assert_red(m, VERIFY_PCR_DIGEST, of_values);

	m = new_machine();
	m->log.p[m->log.n - 4 - 4 - 1] ^= 1; /* the last event's digest ends before its size and data */
	assert_red(m, VERIFY_EVENT_LOG, 0);

	m = new_machine();
	m->in.ima_log = slice_of_string("10 4c68b17f29b5b18e86b4cdfc8cce464b3053c558 ima-ng sha256:" ELEVENS
					" other\n");
	assert_red(m, VERIFY_IMA_LOG, 0);

	m = new_machine();
	set_reference(m, &other);
	assert_red(m, VERIFY_REFERENCE, 0);
}

static void what_is_needed_and_missing_leaves_it_undecided(void **state)
{
	struct machine *m = new_machine();

	(void)state;
	m->in.key = m->in.ak_cert = SLICE_EMPTY;
	assert_verdict(m, VERDICT_OPEN, 0,
		       BIT(VERIFY_SIGNATURE) | BIT(VERIFY_KEY_ATTRIBUTES) | BIT(VERIFY_AK_CERTIFICATE));

	m = new_machine();
	m->in.want = NULL;
	m->in.n_want = 0;
	assert_verdict(m, VERDICT_OPEN, 0, BIT(VERIFY_REFERENCE));

	/* neither values nor what would lead to all of them */
	m = new_machine();
	m->in.pcrs = NULL;
	m->in.want = NULL;
	m->in.n_want = 0;
	m->in.log = SLICE_EMPTY;
	assert_verdict(m, VERDICT_OPEN, 0, of_values | BIT(VERIFY_PCR_DIGEST));
}

/* Take away what a check needs, if it is one of those that are not always required. */
static bool take_away(struct machine *m, enum verify_item item)
{
	switch (item) {
	case VERIFY_KEY_ATTRIBUTES: /* the key alone, as its certificate has it */
		m->in.key = SLICE_EMPTY;
		return true;
	case VERIFY_AK_CERTIFICATE:
		m->in.ak_cert = SLICE_EMPTY;
		return true;
	case VERIFY_EK_CERTIFICATE:
		m->in.ek_cert = SLICE_EMPTY;
		return true;
	case VERIFY_NONCE:
		m->in.has_nonce = false;
		return true;
	case VERIFY_EVENT_LOG:
		m->in.log = SLICE_EMPTY;
		return true;
	case VERIFY_IMA_LOG:
		m->in.ima_log = SLICE_EMPTY;
		return true;
	default:
		return false;
	}
}

static void other_checks_may_be_skipped_unless_they_are_required(void **state)
{
	size_t n = 0;

	(void)state;
	for (enum verify_item i = 0; i < VERIFY_ITEMS; i++) {
		struct machine *m = new_machine(), *strict = new_machine();

		n += take_away(m, i);
		if (!take_away(strict, i)) {
			drop_machine(m);
			drop_machine(strict);
			continue;
		}
		assert_verdict(m, VERDICT_TRUSTED, 0, BIT(i));
		strict->in.require = BIT(i);
		assert_verdict(strict, VERDICT_OPEN, 0, BIT(i));
	}
	assert_int_equal(n, 6);
}

static void a_failure_counts_more_than_what_is_missing(void **state)
{
	struct machine *m = new_machine();

	(void)state;
	m->in.want = NULL;
	m->in.n_want = 0;
	m->in.nonce = slice_of_string("");
	assert_verdict(m, VERDICT_UNTRUSTED, BIT(VERIFY_NONCE), BIT(VERIFY_REFERENCE));
}

/* ---- what it says beside ---- */

static bool not_covered(const struct machine *m, const char *part)
{
	for (size_t i = 0; i < m->res.n_not_covered; i++)
		if (strstr(m->res.not_covered[i], part))
			return true;
	return false;
}

static void what_was_not_checked_is_named(void **state)
{
	struct machine *m = new_machine();

	(void)state;
	m->in.has_nonce = false;
	m->in.log = SLICE_EMPTY;
	m->in.ak_cert = SLICE_EMPTY;
	judge(m);
	assert_int_equal(m->rc, 0);
	assert_true(not_covered(m, "freshness"));
	assert_true(not_covered(m, "how the values came about"));
	assert_true(not_covered(m, "whose key it is: no certificate"));
	assert_true(not_covered(m, "in the TPM of the EK certificate"));
	assert_false(m->res.key_is_evidence);
	drop_machine(m);

	m = new_machine();
	m->evidence.key = m->in.key;
	m->in.key = m->in.ak_cert = SLICE_EMPTY;
	judge(m);
	assert_int_equal(m->res.verdict, VERDICT_TRUSTED);
	assert_true(m->res.key_is_evidence);
	assert_true(not_covered(m, "it came with the evidence"));
	drop_machine(m);
}

static void nothing_is_proven_without_a_good_signature(void **state)
{
	struct machine *m = new_machine();

	(void)state;
	judge(m);
	assert_int_equal(m->res.proven.known[ALG_SHA256], 0x4ff);
	assert_memory_equal(m->res.proven.value[ALG_SHA256][10], m->values.value[ALG_SHA256][10], 32);
	drop_machine(m);

	m = new_machine();
	m->message.p[SIGNER_AT + 2] ^= 1;
	judge(m);
	assert_int_equal(m->res.proven.known[ALG_SHA256], 0);
	drop_machine(m);
}

/* The signer is named by H(handle || Name) for a primary key: TPM 2.0 Library part 1, section 16. */
static void name_signer(struct machine *m, uint32_t hierarchy)
{
	struct bytes name = { .n = 0 };
	struct digest d;

	put32be(&name, hierarchy);
	put16be(&name, 0x000b);
	put_hash(&name, ALG_SHA256, m->area.p, m->area.n);
	assert_int_equal(digest_of(ALG_SHA256, bytes_slice(&name), &d, NULL), 0);
	memcpy(m->message.p + SIGNER_AT + 2, d.bytes, 32);
	sign_message(m);
}

static void a_primary_key_is_said_to_be_one(void **state)
{
	static const struct {
		uint32_t hierarchy;
		const char *words;
		bool obfuscated;
	} rows[] = {
		{ 0x4000000b, "primary key of the endorsement hierarchy", false },
		{ 0x4000000c, "primary key of the platform hierarchy", false },
		{ 0x40000001, "primary key of the owner hierarchy", true },
		{ 0x40000007, "primary key of the null hierarchy", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct machine *m = new_machine();
		const struct verify_check *c = &m->res.checks[VERIFY_KEY_ATTRIBUTES];

		name_signer(m, rows[i].hierarchy);
		judge(m);
		assert_int_equal(items_with(m, CHECK_PASS), BIT(VERIFY_ITEMS) - 1);
		assert_int_equal(c->n_lines, 1);
		assert_non_null(strstr(c->lines[0], rows[i].words));
		assert_int_equal(strstr(c->lines[0], "obfuscated") != NULL, rows[i].obfuscated);
		drop_machine(m);
	}
	struct machine *m = new_machine(); /* below a key that is not known here */
	judge(m);
	assert_int_equal(m->res.checks[VERIFY_KEY_ATTRIBUTES].n_lines, 0);
	drop_machine(m);
}

static void a_public_area_whose_name_has_another_hash_is_another_keys(void **state)
{
	struct machine *m = new_machine();

	(void)state;
	m->area.p[3] = 0x0c; /* nameAlg: SHA-384 */
	assert_red(m, VERIFY_KEY_ATTRIBUTES, 0);

	/* without a good signature the quote's word is anybody's */
	m = new_machine();
	m->area.p[3] = 0x0c;
	m->signature.n = 0;
	sign(other_key, ALG_SHA256, false, 0, bytes_slice(&m->message), &m->signature);
	assert_red(m, VERIFY_SIGNATURE, 0);
}

/* ---- whose fault it is ---- */

static void a_key_that_cannot_be_read_is_an_error_when_it_is_the_verifiers_own(void **state)
{
	struct machine *m = new_machine();

	(void)state;
	m->in.key = slice_of_string("no key");
	judge(m);
	assert_true(m->rc < 0);
	assert_non_null(strstr(m->e.msg, "the attestation key"));
	drop_machine(m);

	m = new_machine();
	m->evidence.key = slice_of_string("no key");
	m->in.key = m->in.ak_cert = SLICE_EMPTY;
	assert_verdict(m, VERDICT_UNTRUSTED, BIT(VERIFY_SIGNATURE),
		       BIT(VERIFY_KEY_ATTRIBUTES) | BIT(VERIFY_AK_CERTIFICATE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_is_right_is_trusted),
		cmocka_unit_test(a_red_quote_or_key_is_untrusted),
		cmocka_unit_test(red_values_are_untrusted),
		cmocka_unit_test(what_is_needed_and_missing_leaves_it_undecided),
		cmocka_unit_test(other_checks_may_be_skipped_unless_they_are_required),
		cmocka_unit_test(a_failure_counts_more_than_what_is_missing),
		cmocka_unit_test(what_was_not_checked_is_named),
		cmocka_unit_test(nothing_is_proven_without_a_good_signature),
		cmocka_unit_test(a_primary_key_is_said_to_be_one),
		cmocka_unit_test(a_public_area_whose_name_has_another_hash_is_another_keys),
		cmocka_unit_test(a_key_that_cannot_be_read_is_an_error_when_it_is_the_verifiers_own),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
