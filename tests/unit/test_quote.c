/* Quotes: read, truncated, bent; PCR digests; the signer's name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/quote_writer.h"

static int read_quote(const void *p, size_t n, struct tpm_quote *q, struct pcrcast_error *e)
{
	struct slice s = exact(p, n);
	int rc = tpm_quote_read(s, q, e);

	drop(s);
	return rc;
}

static struct bytes one_bank(void)
{
	struct bytes b = { .n = 0 };

	put_quote_head(&b, "nonce", 1);
	put_selection(&b, 0x000b, 0x418000, 3);
	put_2b(&b, "0123456789abcdef0123456789abcdef", 32);
	return b;
}

/* Written by hand after TPM 2.0 Library part 2, section 10.12.8; tests/data/quotes has quotes that TPMs made. */
static void fields_are_where_the_specification_puts_them(void **state)
{
	struct bytes b = one_bank();
	struct tpm_quote q;

	(void)state;
	assert_int_equal(read_quote(b.p, b.n, &q, NULL), 0);
	assert_int_equal(q.message.n, b.n);
	assert_int_equal(q.signer.n, 34);
	assert_int_equal(q.signer.bytes[1], 0x0b);
	assert_int_equal(q.signer.bytes[33], 0xab);
	assert_int_equal(q.extra_data_len, 5);
	assert_memory_equal(q.extra_data, "nonce", 5);
	assert_true(q.clock == UINT64_C(0x0102030405060708));
	assert_int_equal(q.reset_count, 7);
	assert_int_equal(q.restart_count, 9);
	assert_true(q.safe);
	assert_true(q.firmware_version == UINT64_C(0x2016051100162800));
	assert_int_equal(q.n_selections, 1);
	assert_int_equal(q.selections[0].bank, ALG_SHA256);
	assert_int_equal(q.selections[0].pcrs, 1u << 15 | 1u << 16 | 1u << 22);
	assert_int_equal(q.pcr_digest_len, 32);
	assert_memory_equal(q.pcr_digest, "0123456789abcdef0123456789abcdef", 32);
	assert_int_equal(quote_hash(&q), ALG_SHA256);
	assert_int_equal(quote_covers(&q, ALG_SHA256), 0x418000);
	assert_int_equal(quote_covers(&q, ALG_SHA1), 0);
}

static void every_truncation_is_told(void **state)
{
	struct bytes b = one_bank();
	struct tpm_quote q;

	(void)state;
	for (size_t n = 0; n < b.n; n++)
		assert_int_equal(read_quote(b.p, n, &q, NULL), -PCRCAST_ETRUNC);
}

static void bytes_behind_the_end_are_refused(void **state)
{
	struct bytes b = one_bank();
	struct pcrcast_error e;
	struct tpm_quote q;

	(void)state;
	put8(&b, 0);
	assert_int_equal(read_quote(b.p, b.n, &q, &e), -PCRCAST_EFORMAT);
	assert_true(e.offset == b.n - 1);
	assert_string_equal(e.msg, "1 bytes behind the end of the quote");
}

static void a_size_in_front_is_accepted_when_it_fits(void **state)
{
	struct bytes inner = one_bank(), b = { .n = 0 };
	struct tpm_quote q;

	(void)state;
	put_2b(&b, inner.p, inner.n);
	struct slice s = exact(b.p, b.n);
	assert_int_equal(tpm_quote_read(s, &q, NULL), 0);
	assert_true(q.message.p == s.p + 2 && q.message.n == inner.n);
	drop(s);
	b.p[1]++;
	assert_int_equal(read_quote(b.p, b.n, &q, NULL), -PCRCAST_EFORMAT);
	b.p[1]--;
	for (size_t n = 0; n < b.n; n++)
		assert_true(read_quote(b.p, n, &q, NULL) < 0);
}

static void other_attestations_are_named(void **state)
{
	static const struct {
		uint16_t type;
		const char *msg;
	} rows[] = {
		{ 0x8014, "expected a quote (type 8018), found an attestation of an NV index (type 8014)" },
		{ 0x8017,
		  "expected a quote (type 8018), found an attestation of a key (certify) (type 8017)" },
		{ 0x801a, "expected a quote (type 8018), found an attestation of a creation (type 801a)" },
		{ 0x1234, "expected a quote (type 8018), found nothing known (type 1234)" },
	};
	struct bytes b = one_bank();
	struct pcrcast_error e;
	struct tpm_quote q;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		b.p[4] = (uint8_t)(rows[i].type >> 8);
		b.p[5] = (uint8_t)rows[i].type;
		assert_int_equal(read_quote(b.p, b.n, &q, &e), -PCRCAST_EUNSUPPORTED);
		assert_string_equal(e.msg, rows[i].msg);
		assert_true(e.offset == 4);
	}
	b.p[0] = 0xfe;
	assert_int_equal(read_quote(b.p, b.n, &q, &e), -PCRCAST_EFORMAT);
	assert_string_equal(e.msg, "expected the magic ff544347 of what a TPM made, found fe544347");
}

/* tss2-mu prints about these: nothing may reach it that it prints about. */
static void wrong_counts_and_sizes_are_refused_where_they_are(void **state)
{
	struct pcrcast_error e;
	struct tpm_quote q;

	(void)state;
	for (unsigned n = 0; n <= 6; n++) {
		struct bytes b = { .n = 0 };

		put_quote_head(&b, "", 1);
		put_selection(&b, 0x000b, 1, n);
		put_2b(&b, "0123456789abcdef0123456789abcdef", 32);
		assert_int_equal(read_quote(b.p, b.n, &q, &e), n >= 1 && n <= 4 ? 0 : -PCRCAST_EFORMAT);
	}
	for (uint32_t n = 15; n <= 18; n++) {
		struct bytes b = { .n = 0 };

		put_quote_head(&b, "", n);
		for (uint32_t i = 0; i < n; i++)
			put_selection(&b, 0x000b, i, 3);
		put_2b(&b, "0123456789abcdef0123456789abcdef", 32);
		assert_int_equal(read_quote(b.p, b.n, &q, &e), n <= 16 ? 0 : -PCRCAST_ELIMIT);
	}
	struct bytes b = { .n = 0 };
	put_quote_head(&b, "12345678901234567890123456789012345678901234567890123456789012345", 0);
	put_2b(&b, "", 0);
	assert_int_equal(read_quote(b.p, b.n, &q, &e), -PCRCAST_EFORMAT);
	assert_true(e.offset == 42);
	b = one_bank();
	b.p[42 + 7 + 16] = 2;
	assert_int_equal(read_quote(b.p, b.n, &q, &e), -PCRCAST_EFORMAT);
	assert_string_equal(e.msg, "clockInfo.safe is 2, expected 0 or 1");
	assert_true(e.offset == 42 + 7 + 16);
}

static void every_bent_byte_is_read_or_refused(void **state)
{
	struct tpm_quote q;

	(void)state;
	for (size_t i = 0; i < one_bank().n; i++)
		for (unsigned v = 0; v < 256; v++) {
			struct bytes b = one_bank();

			b.p[i] = (uint8_t)v;
			(void)read_quote(b.p, b.n, &q, NULL);
		}
}

/* ---- PCR digests ---- */

static struct pcr_values sample_values(void)
{
	struct pcr_values v = { .known = { 0 } };

	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		v.known[alg] = 0xffffff;
		for (unsigned i = 0; i < PCR_COUNT; i++)
			memset(v.value[alg][i], (int)(16 * (unsigned)alg + i), algs[alg].len);
	}
	return v;
}

static struct tpm_quote quote_over(const struct tpm_selection *s, size_t n, const char *digest)
{
	struct tpm_quote q = { .n_selections = n };
	struct bytes b = { .n = 0 };

	memcpy(q.selections, s, n * sizeof *s);
	put_hex(&b, digest);
	memcpy(q.pcr_digest, b.p, b.n);
	q.pcr_digest_len = b.n;
	return q;
}

#define SEL(id, a, mask) ((struct tpm_selection){ .bank_id = (id), .bank = (a), .pcrs = (mask) })

/*
 * PCR i of sha1 is 20 bytes i, of sha256 32 bytes 0x10 + i. python3:
 *   s1 = lambda i: bytes([i]) * 20; s2 = lambda i: bytes([16 + i]) * 32
 *   hashlib.sha256(s2(0) + s2(23) + s1(1)).hexdigest(), hashlib.sha256(s1(1) + s2(0) + s2(23)).hexdigest(),
 *   hashlib.sha384(s2(4)).hexdigest()
 */
static const char sha256_sha1[] = "9fc5064eee1b11efcf9721274b5dc06309ba8b8f78b4450ed1ec002de33f6b52";
static const char sha1_sha256[] = "3e1b56f455a91912aa05d09946d29aa4c0639c200f0d617191837aac6e1b7c40";
static const char sha384_of_4[] =
	"cdfc4b9a19e00863e70fcc8288eb3479caa3d409f87b97ad9c214ca44459e2785c569d35c4af29636c9380ebcd68335b";

static void the_pcr_digest_goes_bank_by_bank_in_the_quotes_order(void **state)
{
	const struct tpm_selection a[] = { SEL(0xb, ALG_SHA256, 0x800001), SEL(4, ALG_SHA1, 2) };
	const struct tpm_selection b[] = { SEL(4, ALG_SHA1, 2), SEL(0xb, ALG_SHA256, 0x800001) };
	const struct tpm_selection c[] = { SEL(0xb, ALG_SHA256, 1 << 4), SEL(0x12, ALG_COUNT, 0) };
	struct pcr_values v = sample_values();
	char why[QUOTE_WHY_MAX];

	(void)state;
	struct tpm_quote q = quote_over(a, 2, sha256_sha1);
	assert_int_equal(quote_match_values(&q, ALG_SHA256, &v, why), MATCH_YES);
	assert_string_equal(why, "");
	q = quote_over(b, 2, sha1_sha256);
	assert_int_equal(quote_match_values(&q, ALG_COUNT, &v, why), MATCH_YES);
	q = quote_over(b, 2, sha256_sha1);
	assert_int_equal(quote_match_values(&q, ALG_SHA256, &v, why), MATCH_NO);
	assert_string_equal(why, "the values do not hash to the quote's PCR digest");
	/* the hash is the signature's, not the bank's; an empty selection of an unknown bank adds nothing */
	q = quote_over(c, 2, sha384_of_4);
	assert_int_equal(quote_match_values(&q, ALG_SHA384, &v, why), MATCH_YES);
	assert_int_equal(quote_match_values(&q, ALG_SHA256, &v, why), MATCH_NO);
	assert_string_equal(why, "the quote's PCR digest has 48 bytes, the signature is with sha256");
}

static void one_bit_in_a_covered_value_is_no_and_in_another_nothing(void **state)
{
	const struct tpm_selection a[] = { SEL(0xb, ALG_SHA256, 0x800001), SEL(4, ALG_SHA1, 2) };
	struct tpm_quote q = quote_over(a, 2, sha256_sha1);
	char why[QUOTE_WHY_MAX];

	(void)state;
	for (enum alg alg = ALG_SHA1; alg <= ALG_SHA256; alg++)
		for (unsigned i = 0; i < PCR_COUNT; i++) {
			struct pcr_values v = sample_values();
			bool covered = quote_covers(&q, alg) >> i & 1;

			v.value[alg][i][algs[alg].len - 1] ^= 1;
			assert_int_equal(quote_match_values(&q, ALG_SHA256, &v, why),
					 covered ? MATCH_NO : MATCH_YES);
		}
	for (size_t bit = 0; bit < 256; bit++) {
		struct pcr_values v = sample_values();
		struct tpm_quote bent = q;

		bent.pcr_digest[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(quote_match_values(&bent, ALG_SHA256, &v, why), MATCH_NO);
	}
}

static void what_is_not_known_cannot_be_told(void **state)
{
	const struct tpm_selection a[] = { SEL(0xb, ALG_SHA256, 0x800001), SEL(4, ALG_SHA1, 2) };
	const struct tpm_selection sm3[] = { SEL(0x12, ALG_COUNT, 1) };
	const struct tpm_selection beyond[] = { SEL(0xb, ALG_SHA256, 1u << 24) };
	struct tpm_quote q = quote_over(a, 2, sha256_sha1);
	struct pcr_values v = sample_values();
	char why[QUOTE_WHY_MAX];

	(void)state;
	v.known[ALG_SHA256] &= ~UINT32_C(1);
	assert_int_equal(quote_match_values(&q, ALG_SHA256, &v, why), MATCH_CANNOT_TELL);
	assert_string_equal(why, "the quote covers PCR 0 of bank sha256, whose value is not known");
	v = sample_values();
	q = quote_over(sm3, 1, sha256_sha1);
	assert_int_equal(quote_match_values(&q, ALG_SHA256, &v, why), MATCH_CANNOT_TELL);
	assert_string_equal(why, "the quote covers a bank that is not known here: sm3_256 (0012)");
	q = quote_over(beyond, 1, sha256_sha1);
	assert_int_equal(quote_match_values(&q, ALG_SHA256, &v, why), MATCH_CANNOT_TELL);
	assert_string_equal(why, "the quote covers PCR 24 of bank sha256, a PC has 0 to 23");
	q = quote_over(a, 2, "00");
	assert_int_equal(quote_match_values(&q, ALG_COUNT, &v, why), MATCH_CANNOT_TELL);
	assert_string_equal(why, "the quote's PCR digest has 1 bytes, which no known hash has");
}

static void values_without_names_get_those_of_the_quote(void **state)
{
	const struct tpm_selection a[] = { SEL(0xb, ALG_SHA256, 0x800001), SEL(4, ALG_SHA1, 2) };
	const struct tpm_selection twice[] = { SEL(4, ALG_SHA1, 2), SEL(4, ALG_SHA1, 2) };
	struct tpm_quote q = quote_over(a, 2, sha256_sha1);
	struct pcr_values v;
	struct bytes b = { .n = 0 };
	char why[QUOTE_WHY_MAX];

	(void)state;
	put_fill(&b, 0x10, 32);
	put_fill(&b, 0x10 + 23, 32);
	put_fill(&b, 1, 20);
	assert_int_equal(quote_name_values(&q, bytes_slice(&b), &v, NULL), 0);
	assert_int_equal(v.known[ALG_SHA256], 0x800001);
	assert_int_equal(v.known[ALG_SHA1], 2);
	assert_int_equal(quote_match_values(&q, ALG_SHA256, &v, why), MATCH_YES);
	for (size_t n = 0; n < b.n; n++) {
		struct slice s = exact(b.p, n);

		assert_int_equal(quote_name_values(&q, s, &v, NULL), -PCRCAST_EFORMAT);
		drop(s);
	}
	put8(&b, 0);
	assert_int_equal(quote_name_values(&q, bytes_slice(&b), &v, NULL), -PCRCAST_EFORMAT);
	q = quote_over(twice, 2, sha256_sha1);
	b.n = 0;
	put_fill(&b, 1, 40);
	assert_int_equal(quote_name_values(&q, bytes_slice(&b), &v, NULL), 0);
	b.p[39] = 2;
	assert_int_equal(quote_name_values(&q, bytes_slice(&b), &v, NULL), -PCRCAST_EFORMAT);
}

/* ---- signatures ---- */

static void a_tpm_signature_is_read_and_every_truncation_refused(void **state)
{
	struct bytes rsa = { .n = 0 }, ecdsa = { .n = 0 };
	const struct bytes *both[] = { &rsa, &ecdsa };
	struct tpm_signature s;

	(void)state;
	put_hex(&rsa, "0016000c");
	put_2b(&rsa, "signature", 9);
	put_hex(&ecdsa, "0018000b");
	put_2b(&ecdsa, "rrr", 3);
	put_2b(&ecdsa, "ss", 2);
	assert_int_equal(tpm_signature_read(bytes_slice(&rsa), &s, NULL), 0);
	assert_int_equal(s.scheme, TPM_RSAPSS);
	assert_int_equal(s.hash, ALG_SHA384);
	assert_true(slice_equal_string(s.rsa, "signature"));
	assert_int_equal(tpm_signature_read(bytes_slice(&ecdsa), &s, NULL), 0);
	assert_int_equal(s.scheme, TPM_ECDSA);
	assert_int_equal(s.hash, ALG_SHA256);
	assert_true(slice_equal_string(s.r, "rrr") && slice_equal_string(s.s, "ss"));
	for (size_t i = 0; i < 2; i++)
		for (size_t n = 0; n < both[i]->n; n++) {
			struct slice cut = exact(both[i]->p, n);

			assert_true(tpm_signature_read(cut, &s, NULL) < 0);
			drop(cut);
		}
	put8(&rsa, 0);
	assert_int_equal(tpm_signature_read(bytes_slice(&rsa), &s, NULL), -PCRCAST_EFORMAT);
}

static void other_signatures_are_named(void **state)
{
	struct bytes b = { .n = 0 };
	struct pcrcast_error e;
	struct tpm_signature s;

	(void)state;
	put_hex(&b, "001a000b000000000000");
	assert_int_equal(tpm_signature_read(bytes_slice(&b), &s, &e), -PCRCAST_EUNSUPPORTED);
	assert_string_equal(e.msg,
			    "expected a signature of scheme RSASSA, RSAPSS or ECDSA, found 001a (ecdaa)");
	b.p[1] = 0x14;
	b.p[3] = 0x12;
	assert_int_equal(tpm_signature_read(bytes_slice(&b), &s, &e), -PCRCAST_EUNSUPPORTED);
	assert_string_equal(
		e.msg, "expected a signature with SHA-1, SHA-256, SHA-384 or SHA-512, found 0012 (sm3_256)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_where_the_specification_puts_them),
		cmocka_unit_test(every_truncation_is_told),
		cmocka_unit_test(bytes_behind_the_end_are_refused),
		cmocka_unit_test(a_size_in_front_is_accepted_when_it_fits),
		cmocka_unit_test(other_attestations_are_named),
		cmocka_unit_test(wrong_counts_and_sizes_are_refused_where_they_are),
		cmocka_unit_test(every_bent_byte_is_read_or_refused),
		cmocka_unit_test(the_pcr_digest_goes_bank_by_bank_in_the_quotes_order),
		cmocka_unit_test(one_bit_in_a_covered_value_is_no_and_in_another_nothing),
		cmocka_unit_test(what_is_not_known_cannot_be_told),
		cmocka_unit_test(values_without_names_get_those_of_the_quote),
		cmocka_unit_test(a_tpm_signature_is_read_and_every_truncation_refused),
		cmocka_unit_test(other_signatures_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
