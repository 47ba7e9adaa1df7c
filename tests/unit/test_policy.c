/* TPM policy digests. The TPM itself is asked in tests/tpm/policy; here the arithmetic, against Python's hashlib. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "golden/golden.h"
#include "golden/policy.h"

static void assert_digest(const struct digest *d, enum alg alg, const char *expected)
{
	char hex[2 * DIGEST_MAX + 1];

	assert_int_equal(d->alg, alg);
	hex_encode(d->bytes, algs[alg].len, hex);
	assert_string_equal(hex, expected);
}

/* Every register of every bank: its number in each byte. */
static const struct pcr_values *numbered(void)
{
	static struct pcr_values v;

	for (enum alg a = 0; a < ALG_COUNT; a++)
		for (int i = 0; i < PCR_COUNT; i++)
			memset(v.value[a][i], i, sizeof v.value[a][i]);
	for (enum alg a = 0; a < ALG_COUNT; a++)
		v.known[a] = 0xffffff;
	return &v;
}

/* The policy of PCR 11 with the value 'first, 0, first, 0, …' in the bank sha256. */
static size_t leaf(struct policy *p, unsigned first)
{
	static const struct policy_selection eleven = { { { ALG_SHA256, 1u << 11 } }, 1 };
	struct pcr_values v = { .known = { [ALG_SHA256] = 1u << 11 } };
	size_t step;

	for (int i = 0; i < 32; i += 2)
		v.value[ALG_SHA256][11][i] = (uint8_t)first;
	assert_int_equal(policy_add_pcr(p, POLICY_FROM_START, &eleven, &v, NULL, &step, NULL), 0);
	return step;
}

/*
 * Expected values of this file: hashlib, e.g. for PolicyPCR
 *   H(bytes(32) + bytes.fromhex("0000017f") + count + alg + b"\3" + mask + H(values))
 */
static void policy_pcr_of_one_register_is_what_a_tpm_computes(void **state)
{
	const struct policy_selection eleven = { { { ALG_SHA256, 1u << 11 } }, 1 };
	struct pcr_values v = { .known = { [ALG_SHA256] = 1u << 11 } };
	struct digest d = policy_start(ALG_SHA256), values;

	(void)state;
	assert_int_equal(policy_pcr(&d, &eleven, &v, &values, NULL), 0);
	assert_digest(&d, ALG_SHA256, "fd32fa22c52cfc8e1a0c29eb38519f87084cab0b04b0d8f020a4d38b2f4e223e");
	/* head -c 32 /dev/zero | sha256sum */
	assert_digest(&values, ALG_SHA256,
		      "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925");
}

static void several_banks_count_in_the_order_of_the_selection(void **state)
{
	static const struct {
		enum alg session;
		const char *expected;
	} cases[] = {
		{ ALG_SHA1, "b58d8e97b4e3b422b28c552b01a20dbbb661ef65" },
		{ ALG_SHA256, "52a063908789372a64e0ada22dce8418c5c4ee3806dd5fa03abfad753dff0379" },
		{ ALG_SHA384, "c9fb90af3c6010ec05597e50ebbd10f846e8100ed5a8427c17d4e009f239484f"
			      "d0a80981bfea011ca3e581174d2e787e" },
		{ ALG_SHA512, "f5979e047a675064c4d7ff72c526cb28f668eeea1348e20294bfaa838f8192ba"
			      "b988ab8f021c3cb7170d2a1f8d071425c5368c198bcfd9b2a9e9be53e3072bf4" },
	};
	const struct policy_selection forward = { { { ALG_SHA1, 1u << 0 | 1u << 23 },
						    { ALG_SHA256, 1u << 4 | 1u << 7 | 1u << 11 },
						    { ALG_SHA384, 1u << 16 } },
						  3 };
	const struct policy_selection reverse = { { forward.banks[2], forward.banks[1], forward.banks[0] },
						  3 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct digest d = policy_start(cases[i].session);

		assert_int_equal(policy_pcr(&d, &forward, numbered(), NULL, NULL), 0);
		assert_digest(&d, cases[i].session, cases[i].expected);
	}
	struct digest d = policy_start(ALG_SHA256);
	assert_int_equal(policy_pcr(&d, &reverse, numbered(), NULL, NULL), 0);
	assert_digest(&d, ALG_SHA256, "7850fb5f47d81f50b31bb843000fe8733d3ef5a6ccfbc157d9168f599cda593f");
}

/*
 * "systemd-measure sign" of systemd 252 asks a TPM (here swtpm) for the policies of PCR 11 and writes them as "pol";
 * "systemd-measure calculate" gives the values.
 */
static void the_policies_of_systemd_measure_are_ours(void **state)
{
	static const struct {
		enum alg bank;
		const char *value, *pol;
	} cases[] = {
		{ ALG_SHA1, "61bfdf29dae25875cd8460095bf12af10d5f4f09",
		  "7aee5bd1d1729290564c109bb6654aa1d35d5843c503aa9296ad1e3c5ba39810" },
		{ ALG_SHA256, "7c502c6009dbf94a735c3d33172aff67f3d62bed732008d0099297d8587fb6ad",
		  "9325116025134545196dadbf9af5e1750e85ca8d0be78e5a879756a46c2006cf" },
		{ ALG_SHA384,
		  "12f098341624b4455063189062c2a5b82d97ae135c18cc86a2549103206da865c8b925981da7ebcca2f99004cec6fc52",
		  "af20ba46bc0f413ab434760f44bd5c386b75c872fbb6294e55f1041d273449be" },
	};
	struct pool pool = POOL_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		enum alg bank = cases[i].bank;
		const struct policy_selection eleven = { { { bank, 1u << 11 } }, 1 };
		struct pcr_values v = { 0 };
		struct digest d = policy_start(ALG_SHA256);
		struct slice value;

		assert_true(hex_decode(&pool, slice_of_string(cases[i].value), &value));
		assert_int_equal(value.n, algs[bank].len);
		v.known[bank] = 1u << 11;
		memcpy(v.value[bank][11], value.p, value.n);
		assert_int_equal(policy_pcr(&d, &eleven, &v, NULL, NULL), 0);
		assert_digest(&d, ALG_SHA256, cases[i].pol);
	}
	pool_done(&pool);
}

static void a_selection_that_means_nothing_is_refused(void **state)
{
	static const struct {
		struct policy_selection selection;
		int code;
		const char *message;
	} cases[] = {
		{ { .n = 0 }, PCRCAST_EINVAL, "a policy needs at least one PCR, none is selected" },
		{ { { { ALG_SHA256, 0 } }, 1 },
		  PCRCAST_EINVAL,
		  "a policy needs at least one PCR, none is selected" },
		{ { { { ALG_SHA256, 1 }, { ALG_SHA256, 2 } }, 2 },
		  PCRCAST_EINVAL,
		  "a selection of PCRs names each bank once and PCRs 0 to 23" },
		{ { { { ALG_SHA256, 1u << 24 } }, 1 },
		  PCRCAST_EINVAL,
		  "a selection of PCRs names each bank once and PCRs 0 to 23" },
		{ { { { ALG_SHA1, 1u << 9 } }, 1 },
		  PCRCAST_ENOTFOUND,
		  "there is no value of sha1:9 for a policy" },
	};
	struct pcr_values v = { .known = { [ALG_SHA256] = 0xffffff } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct digest d = policy_start(ALG_SHA256);
		struct pcrcast_error e;

		assert_int_equal(policy_pcr(&d, &cases[i].selection, &v, NULL, &e), -cases[i].code);
		assert_string_equal(e.msg, cases[i].message);
		assert_digest(&d, ALG_SHA256,
			      "0000000000000000000000000000000000000000000000000000000000000000");
	}
}

static void policy_or_takes_two_to_eight_of_one_kind(void **state)
{
	struct digest branches[9], d;
	struct pcrcast_error e;

	(void)state;
	for (int i = 0; i < 9; i++)
		branches[i] = policy_start(ALG_SHA256);
	assert_int_equal(policy_or(branches, 1, &d, &e), -PCRCAST_EINVAL);
	assert_string_equal(e.msg, "PolicyOR takes 2 to 8 digests, not 1");
	assert_int_equal(policy_or(branches, 9, &d, NULL), -PCRCAST_EINVAL);
	assert_int_equal(policy_or(branches, 8, &d, NULL), 0);
	branches[3].alg = ALG_SHA1;
	assert_int_equal(policy_or(branches, 8, &d, &e), -PCRCAST_EINVAL);
	assert_string_equal(e.msg, "PolicyOR takes digests of one algorithm, not sha256 and sha1");
}

static void more_than_eight_alternatives_are_nested_by_eights(void **state)
{
	static const struct {
		size_t n, n_steps; /* PolicyPCR and PolicyOR together */
		const char *expected;
	} cases[] = {
		{ 1, 1, "fd32fa22c52cfc8e1a0c29eb38519f87084cab0b04b0d8f020a4d38b2f4e223e" },
		{ 2, 2 + 1, "aa8acb1c7abe6f362bf6aeeb3957279ef1d7a7643cb5e95e0c8cbe2756446d35" },
		{ 8, 8 + 1, "d33730b898d05869622017d5ea2f474386612c85d83328b49a38014ab9cf9c89" },
		{ 9, 9 + 2, "db9d49a302080bda98c12369efe708ea924966a39070b1c7bc91e1aa9c69e509" },
		{ 16, 16 + 3, "b23039c2889d5b0d4cba4684aaf87f64df473bc0a1babd5cb655fe406cc24fb3" },
		{ 17, 17 + 3, "7364da92adfc9f737c4a5589b333b669193da3e7b27bea9df38e53e17054db2b" },
		{ 64, 64 + 9, "3cb3cac946b124407cb5e478225accf17467006cd01cb5603f8d2ca7b2561d78" },
		{ 65, 65 + 10, "99934e457a354fced688c4dd58f74b63960100f14a0dc22ff36fc2c60b474f69" },
		{ 73, 73 + 12, "954d0cc44d7d0f2fa68534d11b25ada61023703237f9ae980b472052dc725758" },
	};

	(void)state;
	for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
		struct pool pool = POOL_INIT;
		struct policy p = POLICY_INIT(ALG_SHA256, &pool);
		size_t leaves[73], top;

		for (size_t i = 0; i < cases[c].n; i++)
			leaves[i] = leaf(&p, (unsigned)i);
		assert_int_equal(policy_add_or(&p, leaves, cases[c].n, &top, NULL), 0);
		assert_digest(&p.steps[top].digest, ALG_SHA256, cases[c].expected);
		assert_int_equal(p.n, cases[c].n_steps);
		pool_done(&pool);
	}
}

static void nine_alternatives_have_the_shape_that_the_header_shows(void **state)
{
	struct pool pool = POOL_INIT;
	struct policy p = POLICY_INIT(ALG_SHA256, &pool);
	size_t leaves[9], top;

	(void)state;
	for (unsigned i = 0; i < 9; i++)
		leaves[i] = leaf(&p, i);
	assert_int_equal(policy_add_or(&p, leaves, 9, &top, NULL), 0);
	assert_int_equal(top, 10);
	assert_int_equal(p.steps[9].kind, POLICY_STEP_OR);
	assert_int_equal(p.steps[9].n_branches, 8);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(p.steps[9].branches[i], i);
	assert_int_equal(p.steps[10].n_branches, 2);
	assert_int_equal(p.steps[10].branches[0], 9);
	assert_int_equal(p.steps[10].branches[1], 8);
	pool_done(&pool);
}

static void equal_alternatives_count_once(void **state)
{
	struct pool pool = POOL_INIT;
	struct policy p = POLICY_INIT(ALG_SHA256, &pool);
	size_t leaves[4], top;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		leaves[i] = leaf(&p, i % 2);
	assert_int_equal(policy_add_or(&p, leaves, 4, &top, NULL), 0);
	assert_digest(&p.steps[top].digest, ALG_SHA256, /* of two */
		      "aa8acb1c7abe6f362bf6aeeb3957279ef1d7a7643cb5e95e0c8cbe2756446d35");
	size_t twice[] = { leaves[2], leaves[0] };
	assert_int_equal(policy_add_or(&p, twice, 2, &top, NULL), 0);
	assert_int_equal(top, leaves[2]);
	assert_int_equal(policy_add_or(&p, twice, 0, &top, NULL), -PCRCAST_EINVAL);
	pool_done(&pool);
}

static const uint8_t sha256_name[34] = {
	0x00, 0x0b, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14,
	15,   16,   17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
};

static void policy_authorize_hashes_the_name_and_then_the_reference(void **state)
{
	const struct slice name = { sha256_name, sizeof sha256_name };
	struct digest d;

	(void)state;
	assert_int_equal(policy_authorize(ALG_SHA256, name, SLICE_EMPTY, &d, NULL), 0);
	assert_digest(&d, ALG_SHA256, "3c2dab7276081bc296d40691314626af563749e6640a111387d7b1e402a8a2c0");
	assert_int_equal(policy_authorize(ALG_SHA256, name, slice_of_string("ref"), &d, NULL), 0);
	assert_digest(&d, ALG_SHA256, "d8cd76ed3494215408397c2c841f48be347e2de69b56333d81d4904e04d6a2ec");
	assert_int_equal(policy_authorize(ALG_SHA384, name, SLICE_EMPTY, &d, NULL), 0);
	assert_digest(&d, ALG_SHA384,
		      "66801800378262240638b783ed4f517f606da72614141dbdf22842c573995769592dfa142d2ab417"
		      "59f4b58e25462741");
	assert_int_equal(policy_authorize_nv(ALG_SHA256, name, &d, NULL), 0);
	assert_digest(&d, ALG_SHA256, "a362cb3d316cbb90380836a136f4cdd1a3020e99b6abd74353638bd1e4c9f185");
}

static void an_approval_is_hashed_as_the_name_of_the_key_is(void **state)
{
	const uint8_t sha1_name[22] = { 0x00, 0x04 };
	struct digest approved = policy_start(ALG_SHA256), d;
	const struct policy_selection eleven = { { { ALG_SHA256, 1u << 11 } }, 1 };
	struct pcr_values v = { .known = { [ALG_SHA256] = 1u << 11 } };

	(void)state;
	assert_int_equal(policy_pcr(&approved, &eleven, &v, NULL, NULL), 0);
	assert_int_equal(policy_approval(&approved, (struct slice){ sha256_name, 34 }, slice_of_string("ref"),
					 &d, NULL),
			 0);
	assert_digest(&d, ALG_SHA256, "a611ef23cd0f95f42afa0bf928631b7793141c779e665bf8b932f32882fab99b");
	assert_int_equal(policy_approval(&approved, (struct slice){ sha1_name, 22 }, SLICE_EMPTY, &d, NULL),
			 0);
	assert_digest(&d, ALG_SHA1, "90e693551211c226fd21d07b36a3f770a76705cf");
}

static void what_is_no_name_is_refused(void **state)
{
	uint8_t bytes[36] = { 0x00, 0x0b }, ref[65] = { 0 };
	struct digest d;
	struct pcrcast_error e;

	(void)state;
	for (size_t n = 0; n <= 36; n++) {
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, bytes, n);
		int expected = n == 34 ? 0 : -PCRCAST_EFORMAT;
		assert_int_equal(
			policy_authorize(ALG_SHA256, (struct slice){ exact, n }, SLICE_EMPTY, &d, &e),
			expected);
		assert_int_equal(policy_authorize_nv(ALG_SHA256, (struct slice){ exact, n }, &d, &e),
				 expected);
		free(exact);
	}
	bytes[1] = 0x12; /* SM3_256, of the same length */
	assert_int_equal(policy_authorize(ALG_SHA256, (struct slice){ bytes, 34 }, SLICE_EMPTY, &d, &e),
			 -PCRCAST_EFORMAT);
	assert_string_equal(e.msg,
			    "a Name is an algorithm (two bytes, such as 000b) and its digest (34 bytes "
			    "in all for sha256); this one has 34 bytes and no known algorithm");
	bytes[1] = 0x0b;
	assert_int_equal(policy_authorize(ALG_SHA256, (struct slice){ bytes, 34 },
					  (struct slice){ ref, sizeof ref }, &d, &e),
			 -PCRCAST_EFORMAT);
}

/* ---- sets of reference values ---- */

struct fixture {
	struct golden golden;
	struct golden_set *set;
	struct policy policy;
	struct pool pool;
	size_t top;
	struct pcrcast_error e;
};

static int start(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	f->golden = GOLDEN_INIT;
	f->set = golden_add_set(&f->golden, NULL);
	f->policy = POLICY_INIT(ALG_SHA256, &f->pool);
	*state = f;
	return f->set ? 0 : -1;
}

static int end(void **state)
{
	struct fixture *f = *state;

	golden_done(&f->golden);
	pool_done(&f->pool);
	free(f);
	return 0;
}

/* A value of the same byte throughout. */
static void add(struct fixture *f, enum alg alg, uint32_t pcr, uint8_t byte, const char *label)
{
	uint8_t bytes[DIGEST_MAX];

	memset(bytes, byte, sizeof bytes);
	assert_int_equal(golden_add_value(&f->golden, f->set, alg, pcr,
					  (struct slice){ bytes, algs[alg].len }, GOLDEN_STATED, label, NULL),
			 0);
}

static int add_set(struct fixture *f, alg_set banks, enum policy_combination combination)
{
	struct policy_selection s = policy_select(f->set, banks, 0xffffff, false);

	return policy_add_set(&f->policy, f->set, &s, combination, "all", &f->top, &f->e);
}

static void a_set_of_single_values_is_one_policy_pcr(void **state)
{
	struct fixture *f = *state;

	add(f, ALG_SHA256, 4, 0, NULL);
	add(f, ALG_SHA1, 4, 3, NULL);
	assert_int_equal(add_set(f, 1u << ALG_SHA1 | 1u << ALG_SHA256, POLICY_NESTED), 0);
	assert_int_equal(f->policy.n, 1);
	assert_string_equal(f->policy.steps[0].label, "all");
	assert_digest(&f->policy.steps[0].digest, ALG_SHA256,
		      "613d841b8d8f1a4914b2e027b5de9dd6f450cb83ee6a0a8175e9f356e3f76253");
	assert_int_equal(add_set(f, 1u << ALG_SHA1 | 1u << ALG_SHA256, POLICY_PCRLOCK), -PCRCAST_EINVAL);
	assert_string_equal(f->e.msg, "systemd-pcrlock's policy is about one bank, not 2");
}

static void several_values_are_combined_as_pcrlock_does(void **state)
{
	static const char *const steps[] = {
		"5862b4c6a47c2bc515cdab6f07e36e8b85d8d9eb5a2853a5e0cf9057fb74c676",
		"543a6f2e9e6be88272d9d330740e87cb7a005df94996a6ad0b6670a3e2fa5a8f",
		"cb01783d4e1a8b0c29ee74c89a4fa638a7ed2e5a9e87ed1d541d0fbc70e4dc3c",
		"09c040ac5355d51d08038565eb718fe1e48530d316f4c8a07ccee783a4fb3421",
	};
	struct fixture *f = *state;

	add(f, ALG_SHA256, 11, 0x00, "enter-initrd");
	add(f, ALG_SHA256, 11, 0x11, "ready");
	add(f, ALG_SHA256, 11, 0x00, "the same value again");
	add(f, ALG_SHA256, 4, 0, "one");
	add(f, ALG_SHA256, 4, 0, "and the same");
	assert_int_equal(add_set(f, 1u << ALG_SHA256, POLICY_PCRLOCK), 0);
	assert_int_equal(f->policy.n, 4);
	assert_int_equal(f->top, 3);
	for (size_t i = 0; i < 4; i++)
		assert_digest(&f->policy.steps[i].digest, ALG_SHA256, steps[i]);
	assert_int_equal(f->policy.steps[0].from, POLICY_FROM_START);
	assert_int_equal(f->policy.steps[2].from, 0);
	assert_string_equal(f->policy.steps[2].label, "ready");
	assert_int_equal(f->policy.steps[3].n_branches, 2);
}

static void registers_with_several_values_follow_each_other(void **state)
{
	struct fixture *f = *state;

	for (uint8_t i = 0; i < 2; i++) {
		add(f, ALG_SHA256, 11, (uint8_t)(0x11 * i), NULL);
		add(f, ALG_SHA256, 7, (uint8_t)(1 + i), NULL);
	}
	add(f, ALG_SHA256, 4, 0, NULL);
	assert_int_equal(add_set(f, 1u << ALG_SHA256, POLICY_NESTED), 0);
	assert_digest(&f->policy.steps[f->top].digest, ALG_SHA256,
		      "9d972ecabecd36a60f24e2d1a4e016777f5325aec87c11157133449dc91edc4e");
}

static void without_a_single_value_the_first_branches_begin_a_session(void **state)
{
	struct fixture *f = *state;

	add(f, ALG_SHA256, 11, 0x00, NULL);
	add(f, ALG_SHA256, 11, 0x11, NULL);
	assert_int_equal(add_set(f, 1u << ALG_SHA256, POLICY_PCRLOCK), 0);
	assert_int_equal(f->policy.n, 3);
	assert_int_equal(f->policy.steps[1].from, POLICY_FROM_START);
	assert_digest(&f->policy.steps[f->top].digest, ALG_SHA256,
		      "20684aa2953a89c8313c63f730d6a7e7dd09f16168fc16f363b0963affbdea67");
}

static void pcrlock_refuses_more_than_eight_values(void **state)
{
	struct fixture *f = *state;

	add(f, ALG_SHA256, 4, 0, NULL);
	for (uint8_t i = 0; i < 8; i++)
		add(f, ALG_SHA256, 11, i, NULL);
	assert_int_equal(add_set(f, 1u << ALG_SHA256, POLICY_PCRLOCK), 0);
	add(f, ALG_SHA256, 11, 8, NULL);
	assert_int_equal(add_set(f, 1u << ALG_SHA256, POLICY_PCRLOCK), -PCRCAST_ELIMIT);
	assert_string_equal(f->e.msg,
			    "sha256:11 has more than 8 values, and systemd-pcrlock refuses a policy "
			    "with more (E2BIG)");
	assert_int_equal(add_set(f, 1u << ALG_SHA256, POLICY_NESTED), 0);
	assert_digest(&f->policy.steps[f->top].digest, ALG_SHA256,
		      "72dd6dbbb55c14be3f344deb3af93f7c718e9c49e84f7f6730d35d26db7a14d0");
}

static void sets_are_alternatives_to_each_other(void **state)
{
	struct fixture *f = *state;
	size_t tops[2];

	add(f, ALG_SHA256, 11, 0, NULL);
	assert_int_equal(add_set(f, 1u << ALG_SHA256, POLICY_NESTED), 0);
	tops[0] = f->top;
	f->set = golden_add_set(&f->golden, NULL);
	assert_non_null(f->set);
	add(f, ALG_SHA256, 11, 0x11, NULL);
	assert_int_equal(add_set(f, 1u << ALG_SHA256, POLICY_NESTED), 0);
	tops[1] = f->top;
	assert_int_equal(policy_add_or(&f->policy, tops, 2, &f->top, NULL), 0);
	assert_digest(&f->policy.steps[f->top].digest, ALG_SHA256,
		      "20684aa2953a89c8313c63f730d6a7e7dd09f16168fc16f363b0963affbdea67");
}

static void a_register_that_is_only_warned_about_must_be_named(void **state)
{
	struct fixture *f = *state;
	struct golden_register *r;

	add(f, ALG_SHA256, 4, 0, NULL);
	add(f, ALG_SHA256, 9, 0, NULL);
	r = golden_register(&f->golden, f->set, ALG_SHA256, 9, NULL);
	r->warn_only = true;
	struct policy_selection s =
		policy_select(f->set, 1u << ALG_SHA256 | 1u << ALG_SHA384, 0xffffff, false);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.banks[0].pcrs, 1u << 4);
	s = policy_select(f->set, 1u << ALG_SHA256, 1u << 9 | 1u << 10, true);
	assert_int_equal(s.banks[0].pcrs, 1u << 9);
}

static void a_set_that_says_nothing_of_a_register_is_refused(void **state)
{
	struct fixture *f = *state;
	const struct policy_selection s = { { { ALG_SHA256, 1u << 4 | 1u << 5 } }, 1 };

	add(f, ALG_SHA256, 4, 0, NULL);
	assert_int_equal(policy_add_set(&f->policy, f->set, &s, POLICY_NESTED, NULL, &f->top, &f->e),
			 -PCRCAST_ENOTFOUND);
	assert_string_equal(f->e.msg, "there is no value of sha256:5 for a policy");
	assert_int_equal(add_set(f, 1u << ALG_SHA1, POLICY_NESTED), -PCRCAST_EINVAL);
	assert_string_equal(f->e.msg, "a policy needs at least one PCR, none is selected");
	f->set->cc = true;
	assert_int_equal(add_set(f, 1u << ALG_SHA256, POLICY_NESTED), -PCRCAST_EUNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policy_pcr_of_one_register_is_what_a_tpm_computes),
		cmocka_unit_test(several_banks_count_in_the_order_of_the_selection),
		cmocka_unit_test(the_policies_of_systemd_measure_are_ours),
		cmocka_unit_test(a_selection_that_means_nothing_is_refused),
		cmocka_unit_test(policy_or_takes_two_to_eight_of_one_kind),
		cmocka_unit_test(more_than_eight_alternatives_are_nested_by_eights),
		cmocka_unit_test(nine_alternatives_have_the_shape_that_the_header_shows),
		cmocka_unit_test(equal_alternatives_count_once),
		cmocka_unit_test(policy_authorize_hashes_the_name_and_then_the_reference),
		cmocka_unit_test(an_approval_is_hashed_as_the_name_of_the_key_is),
		cmocka_unit_test(what_is_no_name_is_refused),
		cmocka_unit_test_setup_teardown(a_set_of_single_values_is_one_policy_pcr, start, end),
		cmocka_unit_test_setup_teardown(several_values_are_combined_as_pcrlock_does, start, end),
		cmocka_unit_test_setup_teardown(registers_with_several_values_follow_each_other, start, end),
		cmocka_unit_test_setup_teardown(without_a_single_value_the_first_branches_begin_a_session,
						start, end),
		cmocka_unit_test_setup_teardown(pcrlock_refuses_more_than_eight_values, start, end),
		cmocka_unit_test_setup_teardown(sets_are_alternatives_to_each_other, start, end),
		cmocka_unit_test_setup_teardown(a_register_that_is_only_warned_about_must_be_named, start,
						end),
		cmocka_unit_test_setup_teardown(a_set_that_says_nothing_of_a_register_is_refused, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
