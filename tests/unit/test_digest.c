/* Digests and PCR banks: what a TPM does with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/digest.h"

/* Each bank after extending a reset PCR with H("one"), H("two"), and PCR 17, which starts at ones, with H("one"). */
static const struct {
	enum alg alg;
	const char *zero_based, *ones_based; /* computed with Python's hashlib */
} vectors[] = {
	{ ALG_SHA1, "124ed6275b9db6ebdba37f49591b177d3a2eb44e", "e0f00884286525e5a7f87d42ce4679a6feebd261" },
	{ ALG_SHA256, "b88f3f290fe4ac11da329c5515b418b937de9be1abffb4ff40de976ef83a28ee",
	  "3575d2317747dcb1c1fbb6f07102034760042d28cad9ac2ec92626056258b2df" },
	{ ALG_SHA384,
	  "9ab05f5f20b059df7187f2c2d7c61e2bf59482f99cf3f7a4fb8af4660b48b12f47f1200d57a0a5f601c987071e885e31",
	  "2ea0577460d0005e599686009a8e69efd51df133b09bd2c34fa5606add6d18f0017cf17995b52abedf5f391382cc18ed" },
	{ ALG_SHA512,
	  "c0a194e410d05592d9d4f1c13eaf2a999735c7c20a721f3e14f98d9d4d35720a"
	  "6dfd2e3ff73114c8263ab178df23d2c718bbe08e306f050bd39c38c152270a36",
	  "01e5f830d20830e546d31b95c81b639909aa228383cb55bde9856079649ea642"
	  "140684d316bdd1230cfd1a197e953f64a8891d0527cdccf6463a0f59091938b4" },
};

static void assert_hex(const uint8_t *bytes, size_t n, const char *expected)
{
	char hex[2 * DIGEST_MAX + 1];

	hex_encode(bytes, n, hex);
	assert_string_equal(hex, expected);
}

static void extend_text(struct pcr_bank *bank, uint32_t pcr, const char *text)
{
	struct digest d;

	assert_int_equal(digest_of(bank->alg, slice_of_string(text), &d, NULL), 0);
	assert_int_equal(pcr_extend(bank, pcr, d.bytes, NULL), 0);
}

static void extending_hashes_the_old_value_and_the_digest(void **state)
{
	(void)state;
	for (size_t i = 0; i < ALG_COUNT; i++) {
		size_t len = algs[vectors[i].alg].len;
		struct pcr_bank bank;

		pcr_bank_reset(&bank, vectors[i].alg);
		extend_text(&bank, 11, "one");
		extend_text(&bank, 11, "two");
		extend_text(&bank, 17, "one");
		assert_hex(bank.pcr[11], len, vectors[i].zero_based);
		assert_hex(bank.pcr[17], len, vectors[i].ones_based);
		assert_int_equal(bank.extended, 1u << 11 | 1u << 17);
		assert_int_equal(bank.count[11], 2);
		assert_int_equal(bank.count[17], 1);
		assert_int_equal(bank.count[0], 0);
	}
}

static void a_reset_bank_is_zero_save_for_17_to_22(void **state)
{
	struct pcr_bank bank;

	(void)state;
	for (enum alg a = 0; a < ALG_COUNT; a++) {
		memset(&bank, 0xa5, sizeof bank);
		pcr_bank_reset(&bank, a);
		assert_int_equal(bank.alg, a);
		assert_int_equal(bank.extended, 0);
		for (int i = 0; i < PCR_COUNT; i++)
			for (int k = 0; k < algs[a].len; k++)
				assert_int_equal(bank.pcr[i][k], i >= 17 && i <= 22 ? 0xff : 0);
	}
}

static void a_pcr_above_23_is_refused(void **state)
{
	static const uint8_t zeros[DIGEST_MAX];
	struct pcr_bank bank, before;
	struct pcrcast_error e;

	(void)state;
	pcr_bank_reset(&bank, ALG_SHA256);
	before = bank;
	assert_int_equal(pcr_extend(&bank, 24, zeros, &e), -PCRCAST_EFORMAT);
	assert_string_equal(e.msg, "PCR 24, expected 0 to 23");
	assert_int_equal(pcr_extend(&bank, UINT32_MAX, zeros, &e), -PCRCAST_EFORMAT);
	assert_memory_equal(&bank, &before, sizeof bank);
	assert_int_equal(pcr_extend(&bank, 23, zeros, &e), 0);
}

static void algorithms_are_found_by_name_and_id(void **state)
{
	static const uint16_t ids[ALG_COUNT] = { 0x0004, 0x000b, 0x000c, 0x000d };
	static const char *const names[ALG_COUNT] = { "sha1", "sha256", "sha384", "sha512" };

	(void)state;
	for (enum alg a = 0; a < ALG_COUNT; a++) {
		assert_int_equal(alg_by_name(slice_of_string(names[a])), a);
		assert_int_equal(alg_by_tpm_id(ids[a]), a);
		assert_int_equal(algs[a].tpm_id, ids[a]);
		assert_string_equal(algs[a].name, names[a]);
	}
	assert_int_equal(alg_by_name(slice_of_string("sha")), ALG_COUNT);
	assert_int_equal(alg_by_name(slice_of_string("sha2566")), ALG_COUNT);
	assert_int_equal(alg_by_name(slice_of_string("SHA256")), ALG_COUNT);
	assert_int_equal(alg_by_name(SLICE_EMPTY), ALG_COUNT);
	assert_int_equal(alg_by_tpm_id(0), ALG_COUNT);
	assert_int_equal(alg_by_tpm_id(0x0012), ALG_COUNT);
}

static void digests_are_equal_in_the_bytes_that_count(void **state)
{
	struct digest a = { .alg = ALG_SHA1 }, b = { .alg = ALG_SHA1 };

	(void)state;
	b.bytes[20] = 1; /* behind a SHA-1 */
	assert_true(digest_equal(&a, &b));
	b.bytes[19] = 1;
	assert_false(digest_equal(&a, &b));
	b = (struct digest){ .alg = ALG_SHA256 };
	assert_false(digest_equal(&a, &b));
}

static void hex_is_lower_case_and_ends_in_a_nul(void **state)
{
	char hex[9] = "........";

	(void)state;
	hex_encode((const uint8_t[]){ 0x00, 0x9f, 0xAB, 0xff }, 4, hex);
	assert_string_equal(hex, "009fabff");
	hex_encode((const uint8_t[]){ 0x00 }, 0, hex);
	assert_string_equal(hex, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(extending_hashes_the_old_value_and_the_digest),
		cmocka_unit_test(a_reset_bank_is_zero_save_for_17_to_22),
		cmocka_unit_test(a_pcr_above_23_is_refused),
		cmocka_unit_test(algorithms_are_found_by_name_and_id),
		cmocka_unit_test(digests_are_equal_in_the_bytes_that_count),
		cmocka_unit_test(hex_is_lower_case_and_ends_in_a_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
