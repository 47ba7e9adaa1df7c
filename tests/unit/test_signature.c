/* Signatures: whose they are, whether they are sound, and whether they sign this very image. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "tests/unit/build_pe.h"
#include "uki/signature.h"

/* Certificates: openssl x509 -fingerprint -sha256, see tests/data/pe/ *.origin */
static const char one[] = "85be8d421f35cdcf3dc23cb47e9a161bf99ba795f8fac54d3b3c4ee1b9c8a705";
static const char two[] = "d66128e26b8a37f789dda1142227bd7ec828da019c32d5c75edcee0fb4aee912";

struct opened {
	struct pool pool;
	struct pe pe;
	uint8_t *image;
	size_t n;
	struct signature_list list;
	struct pcrcast_error e;
	int rc;
};

/* Takes over image. */
static struct opened open_image(uint8_t *image, size_t n)
{
	struct opened o = { .pool = POOL_INIT, .image = image, .n = n };
	struct blob b;

	assert_int_equal(blob_of_bytes(&o.pool, (struct slice){ image, n }, &b, NULL), 0);
	if (pe_parse(&o.pool, &b, &o.pe, &o.e) < 0)
		fail_msg("%s", o.e.msg);
	o.rc = signatures_read(&o.pool, &o.pe, &o.list, &o.e);
	return o;
}

static uint8_t *load(const char *name, size_t *n)
{
	char path[128];

	(void)snprintf(path, sizeof path, "tests/data/pe/%s.efi", name);
	return load_file(path, n);
}

static struct opened open_file(const char *name)
{
	size_t n;
	uint8_t *image = load(name, &n);

	return open_image(image, n);
}

static void done(struct opened *o)
{
	pool_done(&o->pool);
	free(o->image);
}

static bool signs_image(struct opened *o, size_t i)
{
	struct hash_jobs *jobs = hash_jobs_new();
	bool *good = NULL;

	assert_non_null(jobs);
	assert_int_equal(signatures_check(&o->pool, &o->pe, &o->list, jobs, &good, NULL), 0);
	hash_jobs_free(jobs);
	assert_true(i < o->list.n);
	return good[i];
}

static void assert_digest(const struct digest *d, enum alg alg, const char *expected)
{
	char hex[2 * DIGEST_MAX + 1];

	assert_int_equal(d->alg, alg);
	hex_encode(d->bytes, algs[alg].len, hex);
	assert_string_equal(hex, expected);
}

/* signed_digest: osslsigncode verify, see tests/data/pe/ *.origin */
static void signatures_of_several_tools_are_read_and_verified(void **state)
{
	static const char plus[] = "4d92aadde16cf361e31f2f5c41bc4889d5354263d8b22dc2e1f0e13d92a1d1dd";
	static const struct {
		const char *name;
		size_t n, i;
		enum alg alg;
		const char *digest, *certificate;
	} rows[] = {
		{ "signed-sbsign", 1, 0, ALG_SHA256, plus, one },
		{ "signed-twice", 2, 0, ALG_SHA256, plus, one },
		{ "signed-twice", 2, 1, ALG_SHA256, plus, two },
		{ "signed-odd", 1, 0, ALG_SHA256,
		  "4f237bd84af23decd982fe554c47982c8d5ad907466a15f477d94e795c2e9878", one },
		{ "signed-osslsigncode", 1, 0, ALG_SHA384,
		  "fbaa16a55b0f35537151424c076654b29680cd364c241805245350e95bac5a43"
		  "22f907005abc259b025e7b9d6fab7be4",
		  two },
		{ "signed-sha1", 1, 0, ALG_SHA1, "054fa4dcde635480b35a5d3013dd99813b36dda4", two },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct opened o = open_file(rows[i].name);

		assert_int_equal(o.rc, 0);
		assert_int_equal(o.list.n, rows[i].n);
		const struct signature *s = &o.list.items[rows[i].i];
		assert_null(s->trouble);
		assert_int_equal(s->alg, rows[i].alg);
		assert_digest(&s->signed_digest, rows[i].alg, rows[i].digest);
		assert_digest(&s->certificate, ALG_SHA256, rows[i].certificate);
		assert_true(s->sound);
		assert_true(signs_image(&o, rows[i].i));
		done(&o);
	}
}

static void names_are_escaped_for_terminals(void **state)
{
	struct opened o = open_file("signed-twice");

	(void)state;
	assert_string_equal(o.list.items[0].subject, "CN=pcrcast test\\, one,O=caf\\C3\\A9");
	assert_string_equal(o.list.items[0].issuer, "CN=pcrcast test\\, one,O=caf\\C3\\A9");
	assert_string_equal(o.list.items[1].subject, "CN=\\1B[31mtwo,O=caf\\C3\\A9");
	done(&o);
}

static void an_unsigned_image_has_no_signatures(void **state)
{
	static const char *const names[] = { "pe32plus", "dirs4", "odd" };
	struct hash_jobs *jobs = hash_jobs_new();
	bool *good;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct opened o = open_file(names[i]);

		assert_int_equal(o.rc, 0);
		assert_int_equal(o.list.n, 0);
		assert_int_equal(signatures_check(&o.pool, &o.pe, &o.list, jobs, &good, NULL), 0);
		done(&o);
	}
	hash_jobs_free(jobs);
}

static void a_changed_image_is_not_what_was_signed(void **state)
{
	/* header fields, and the first and last byte of the sections */
	static const size_t places[] = { 0x02, 0x50, 0x1ff, 0x200, 0x25f };

	(void)state;
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		size_t n;
		uint8_t *image = load("signed-twice", &n);

		image[places[i]] ^= 1;
		struct opened o = open_image(image, n);
		assert_int_equal(o.list.n, 2);
		assert_true(o.list.items[0].sound && o.list.items[1].sound);
		assert_false(signs_image(&o, 0));
		assert_false(signs_image(&o, 1));
		done(&o);
	}
}

static void a_changed_checksum_does_not_matter(void **state)
{
	size_t n;
	uint8_t *image = load("signed-sbsign", &n);

	(void)state;
	put_u32le(built_optional_header(image) + 64, 0xdeadbeef);
	struct opened o = open_image(image, n);
	assert_true(signs_image(&o, 0));
	done(&o);
}

/*
 * No flipped bit may leave a signature that is sound and differs in what it says. Some bits say nothing: of
 * the DER that is not signed, and of padding.
 */
static void a_changed_signature_is_noticed(void **state)
{
	struct opened o = open_file("signed-sbsign");
	struct signature before = o.list.items[0];
	size_t from = o.pe.cert_off, whole = o.n, unsound = 0, troubles = 0;

	(void)state;
	for (size_t at = from; at < whole; at += 3) {
		size_t n;
		uint8_t *image = load("signed-sbsign", &n);

		image[at] ^= (uint8_t)(1 << (at % 8));
		struct opened changed = open_image(image, n);
		assert_int_equal(changed.rc, 0);
		assert_true(changed.list.n >= 1);
		const struct signature *s = &changed.list.items[0];
		if (s->trouble) {
			assert_false(s->sound);
			assert_null(s->subject);
			troubles++;
		} else if (!s->sound) {
			unsound++;
		} else {
			assert_true(digest_equal(&s->signed_digest, &before.signed_digest));
		}
		assert_true(signs_image(&changed, 0) == (!s->trouble && s->sound));
		done(&changed);
	}
	/* the RSA signature alone is 256 bytes, a third of which were tried */
	assert_true(unsound > 80);
	assert_true(troubles > 10);
	done(&o);
}

static void each_signature_stands_for_itself(void **state)
{
	(void)state;
	for (size_t spoiled = 0; spoiled < 2; spoiled++) {
		size_t n;
		uint8_t *image = load("signed-twice", &n);
		uint32_t at = get_u32le(built_directory(image, 4)), first = get_u32le(image + at);

		/* the RSA signature is the last of an entry */
		image[spoiled == 0 ? at + first - 20 : n - 20] ^= 1;
		struct opened o = open_image(image, n);
		assert_int_equal(o.list.n, 2);
		for (size_t i = 0; i < 2; i++) {
			assert_null(o.list.items[i].trouble);
			assert_int_equal(o.list.items[i].sound, i != spoiled);
			assert_int_equal(signs_image(&o, i), i != spoiled);
		}
		done(&o);
	}
}

static void the_signature_of_another_image_is_sound_but_does_not_sign_this_one(void **state)
{
	size_t n, other;
	uint8_t *image = load("signed-sbsign", &n), *stranger = load("signed-odd", &other);

	(void)state;
	struct opened o = open_image(image, n);
	size_t table = o.pe.cert_len;
	done(&o);
	image = load("signed-sbsign", &n);
	/* both were made by the same tool with the same key: their tables are alike in length */
	memcpy(image + n - table, stranger + other - table, table);
	free(stranger);
	o = open_image(image, n);
	assert_int_equal(o.list.n, 1);
	assert_true(o.list.items[0].sound);
	assert_false(signs_image(&o, 0));
	done(&o);
}

static void a_certificate_table_outside_the_file_is_an_error(void **state)
{
	static const struct {
		uint32_t off, len;
	} rows[] = { { 0x260, 0x100000 },
		     { 0xfffffff0, 0x20 },
		     { 0, UINT32_MAX },
		     { 2232, 1 },
		     { UINT32_MAX, UINT32_MAX } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t n;
		uint8_t *image = load("signed-sbsign", &n);
		uint8_t *entry = built_directory(image, 4);

		put_u32le(entry, rows[i].off);
		put_u32le(entry + 4, rows[i].len);
		struct opened o = open_image(image, n);
		assert_int_equal(o.rc, -PCRCAST_ETRUNC);
		assert_non_null(strstr(o.e.msg, "certificate table lies at bytes "));
		assert_int_equal(o.e.offset, entry - image);
		assert_int_equal(o.list.n, 0);
		done(&o);
	}
}

/* An image whose certificate table is these bytes. */
static struct opened with_table(const void *table, size_t n_table)
{
	static const struct built_section text = { .name = ".text", .bytes = "12345678", .n = 8 };
	size_t n;
	uint8_t *image = build_pe(
		&(struct build_pe){
			.file_align = 8, .sections = &text, .n_sections = 1, .trailing = n_table },
		&n);

	if (n_table)
		memcpy(image + n - n_table, table, n_table);
	put_u32le(built_directory(image, 4), (uint32_t)(n - n_table));
	put_u32le(built_directory(image, 4) + 4, (uint32_t)n_table);
	return open_image(image, n);
}

static void assert_trouble(struct opened *o, size_t n, size_t i, const char *message)
{
	assert_int_equal(o->rc, 0);
	assert_int_equal(o->list.n, n);
	assert_int_equal(o->list.items[i].alg, ALG_COUNT);
	assert_false(o->list.items[i].sound);
	if (!strstr(o->list.items[i].trouble, message))
		fail_msg("\"%s\" is not in \"%s\"", message, o->list.items[i].trouble);
	assert_false(signs_image(o, i));
}

static void garbage_in_the_table_is_listed_as_trouble(void **state)
{
	uint8_t t[64] = { 0 };
	struct opened o;

	(void)state;
	static const uint32_t bad_lengths[] = { 0, 7, 8, 65, UINT32_MAX, 0x80000000 };
	for (size_t i = 0; i < sizeof bad_lengths / sizeof bad_lengths[0]; i++) {
		put_u32le(t, bad_lengths[i]);
		o = with_table(t, sizeof t);
		assert_trouble(&o, 1, 0, "expected 9 to 64");
		done(&o);
	}

	/* a type that is not PKCS, then noise that is not DER */
	put_u32le(t, 20);
	put_u16le(t + 4, 0x200);
	put_u16le(t + 6, 1);
	put_u32le(t + 24, 40);
	put_u16le(t + 28, 0x200);
	put_u16le(t + 30, 2);
	memset(t + 32, 0x30, 32);
	o = with_table(t, sizeof t);
	assert_trouble(&o, 2, 0, "certificate type 1, expected 2");
	assert_trouble(&o, 2, 1, "expected PKCS #7 signed data in DER");
	done(&o);

	/* too short for one header */
	for (size_t n = 0; n < 8; n++) {
		o = with_table(t, n);
		assert_int_equal(o.rc, 0);
		assert_int_equal(o.list.n, 0);
		done(&o);
	}
}

/* PKCS #7 of the kinds that are not Authenticode, as DER by hand. */
static void pkcs7_that_is_no_authenticode_is_trouble(void **state)
{
	/* SEQUENCE { OID pkcs7-data, [0] OCTET STRING "x" } */
	static const uint8_t data[] = "\x30\x10\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x03\x04\x01x";
	/* SEQUENCE { OID pkcs7-signedData } with nothing inside */
	static const uint8_t hollow[] = "\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
	/* signedData: version 1, no digest algorithms, contents of type data, no signers */
	static const uint8_t no_signer[] =
		"\x30\x23\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x16\x30\x14\x02\x01\x01"
		"\x31\x00\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\x31\x00";
	static const struct {
		const uint8_t *der;
		size_t n;
		const char *trouble;
	} rows[] = {
		{ data, sizeof data - 1, "expected PKCS #7 signed data" },
		{ hollow, sizeof hollow - 1, "expected PKCS #7 signed data" },
		{ no_signer, sizeof no_signer - 1, "expected SpcIndirectDataContent inside the signed data" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint8_t t[64] = { 0 };

		put_u32le(t, (uint32_t)(8 + rows[i].n));
		put_u16le(t + 6, 2);
		memcpy(t + 8, rows[i].der, rows[i].n);
		struct opened o = with_table(t, 8 + rows[i].n);
		assert_trouble(&o, 1, 0, rows[i].trouble);
		done(&o);
	}
}

/* SpcIndirectDataContent with every byte changed: what it says is not believed. */
static void a_changed_image_digest_is_noticed(void **state)
{
	static const uint8_t oid[] = {
		0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01, 0x04
	};
	static const uint8_t masks[] = { 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x7f, 0xff };
	size_t n, at = 0, troubles = 0;
	uint8_t *image = load("signed-sbsign", &n);

	(void)state;
	for (size_t i = 0; i + sizeof oid <= n && !at; i++)
		if (memcmp(image + i, oid, sizeof oid) == 0)
			at = i;
	/* behind the OID: [0], the outer sequence, in it one of data and one with the digest at its end */
	assert_int_equal(image[at + 12], 0xa0);
	assert_int_equal(image[at + 14], 0x30);
	size_t end = at + 16 + image[at + 15];
	free(image);
	for (size_t i = at; i < end; i++)
		for (size_t k = 0; k < sizeof masks; k++) {
			image = load("signed-sbsign", &n);
			image[i] ^= masks[k];
			struct opened o = open_image(image, n);
			assert_int_equal(o.rc, 0);
			assert_int_equal(o.list.n, 1);
			assert_false(o.list.items[0].sound);
			assert_false(signs_image(&o, 0));
			troubles += o.list.items[0].trouble != NULL;
			done(&o);
		}
	assert_true(troubles > 0);

	/* the first element takes all the room */
	image = load("signed-sbsign", &n);
	image[at + 17] = (uint8_t)(image[at + 15] - 2);
	struct opened o = open_image(image, n);
	assert_trouble(&o, 1, 0, "image digest inside the signed data");
	done(&o);
}

static void a_table_that_is_too_large_is_refused(void **state)
{
	enum { LIMIT = 4 << 20 };
	uint8_t *t = calloc(LIMIT + 8, 1);

	(void)state;
	assert_non_null(t);
	struct opened o = with_table(t, LIMIT);
	assert_trouble(&o, 1, 0, "entry length 0");
	done(&o);
	o = with_table(t, LIMIT + 8);
	assert_int_equal(o.rc, -PCRCAST_ELIMIT);
	assert_non_null(strstr(o.e.msg, "certificate table: 4194312 bytes, at most 4194304"));
	done(&o);
	free(t);
}

static void a_table_of_endless_entries_is_read_up_to_a_limit(void **state)
{
	enum { ENTRIES = 1000 };
	uint8_t *t = calloc(ENTRIES, 16);

	(void)state;
	assert_non_null(t);
	for (size_t i = 0; i < ENTRIES; i++)
		put_u32le(t + 16 * i, 9 + (uint32_t)(i % 8));
	struct opened o = with_table(t, (size_t)ENTRIES * 16);
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.list.n, 64);
	done(&o);
	free(t);
}

/* Each signer of one image costs a verification, which a hostile one makes expensive. */
static void a_crowd_of_signers_is_refused(void **state)
{
	struct opened o = open_file("signed-four");

	(void)state;
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.list.n, 1);
	assert_true(o.list.items[0].sound);
	assert_true(signs_image(&o, 0));
	done(&o);
	o = open_file("signed-crowd");
	assert_int_equal(o.rc, -PCRCAST_ELIMIT);
	assert_int_equal(o.e.offset, o.pe.cert_off);
	assert_non_null(strstr(o.e.msg, "a signature with more than 4 signers or 100 certificates"));
	done(&o);
}

/* The table's entry says less and less of it; then less and less of the file is there, too. */
static void every_truncation_of_the_certificate_table_is_trouble_or_an_error(void **state)
{
	size_t whole;
	uint8_t *image = load("signed-twice", &whole);
	uint8_t *entry = built_directory(image, 4);
	uint32_t off = get_u32le(entry), len = get_u32le(entry + 4);
	uint32_t first = (get_u32le(image + off) + 7) / 8 * 8;

	(void)state;
	for (uint32_t n = 0; n < len; n++) {
		uint8_t *copy = malloc(off + n);

		assert_non_null(copy);
		memcpy(copy, image, off + n);
		put_u32le(built_directory(copy, 4) + 4, n);
		struct opened o = open_image(copy, off + n);
		assert_int_equal(o.rc, 0);
		size_t sound = 0;
		for (size_t i = 0; i < o.list.n; i++) {
			sound += o.list.items[i].sound;
			assert_true(o.list.items[i].sound || o.list.items[i].trouble);
		}
		/* sbsign's length of the second does not count its padding */
		assert_true(sound <= 2);
		if (n < first - 8)
			assert_int_equal(sound, 0);
		if (n >= first && n < len - 8)
			assert_int_equal(sound, 1);
		done(&o);

		copy = malloc(off + n);
		assert_non_null(copy);
		memcpy(copy, image, off + n);
		o = open_image(copy, off + n);
		assert_int_equal(o.rc, -PCRCAST_ETRUNC);
		done(&o);
	}
	free(image);
}

/* tests/data/pe/sign-chain.sh: signer below middle below top; the stranger is called as middle is. All are out of date. */
static void any_certificate_above_the_signer_is_an_anchor_whatever_its_date(void **state)
{
	static const struct {
		const char *certificate;
		bool verified;
	} rows[] = {
		{ "chain-signer", true },
		{ "chain-middle", true },
		{ "chain-top", true },
		{ "chain-stranger", false },
	};
	struct opened o = open_file("signed-chain");

	(void)state;
	assert_int_equal(o.list.n, 1);
	assert_true(o.list.exact);
	assert_true(signs_image(&o, 0));
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char path[128];
		size_t n;

		(void)snprintf(path, sizeof path, "tests/data/pe/%s.der", rows[i].certificate);
		uint8_t *der = load_file(path, &n);
		if (signature_verified_by(&o.list.items[0], (struct slice){ der, n }) != rows[i].verified)
			fail_msg("%s", rows[i].certificate);
		assert_int_equal(slice_equal(o.list.items[0].signer, (struct slice){ der, n }), i == 0);
		for (size_t k = 0; k < n; k++) {
			uint8_t *block = malloc(k ? k : 1);

			assert_non_null(block);
			memcpy(block, der, k);
			assert_false(signature_verified_by(&o.list.items[0], (struct slice){ block, k }));
			free(block);
		}
		free(der);
	}
	done(&o);
}

static void a_changed_signature_leads_to_no_anchor(void **state)
{
	struct opened whole = open_file("signed-sbsign");
	struct slice signer = whole.list.items[0].signer;
	size_t n;
	uint8_t *image = load("signed-sbsign", &n);

	(void)state;
	assert_true(signature_verified_by(&whole.list.items[0], signer));
	image[n - 20] ^= 1; /* in the signature proper */
	struct opened o = open_image(image, n);
	assert_int_equal(o.list.n, 1);
	assert_false(signature_verified_by(&o.list.items[0], signer));
	done(&o);
	done(&whole);
}

static void entries_that_do_not_fill_the_table_are_noticed(void **state)
{
	size_t n;
	uint8_t *image = load("signed-sbsign", &n);
	struct opened o = open_file("signed-sbsign");

	(void)state;
	assert_true(o.list.exact);
	put_u32le(image + o.pe.cert_off, get_u32le(image + o.pe.cert_off) - 8);
	done(&o);
	o = open_image(image, n);
	assert_false(o.list.exact);
	done(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_certificate_above_the_signer_is_an_anchor_whatever_its_date),
		cmocka_unit_test(a_changed_signature_leads_to_no_anchor),
		cmocka_unit_test(entries_that_do_not_fill_the_table_are_noticed),
		cmocka_unit_test(signatures_of_several_tools_are_read_and_verified),
		cmocka_unit_test(names_are_escaped_for_terminals),
		cmocka_unit_test(an_unsigned_image_has_no_signatures),
		cmocka_unit_test(a_changed_image_is_not_what_was_signed),
		cmocka_unit_test(a_changed_checksum_does_not_matter),
		cmocka_unit_test(a_changed_signature_is_noticed),
		cmocka_unit_test(each_signature_stands_for_itself),
		cmocka_unit_test(the_signature_of_another_image_is_sound_but_does_not_sign_this_one),
		cmocka_unit_test(a_certificate_table_outside_the_file_is_an_error),
		cmocka_unit_test(garbage_in_the_table_is_listed_as_trouble),
		cmocka_unit_test(pkcs7_that_is_no_authenticode_is_trouble),
		cmocka_unit_test(a_changed_image_digest_is_noticed),
		cmocka_unit_test(a_table_that_is_too_large_is_refused),
		cmocka_unit_test(a_table_of_endless_entries_is_read_up_to_a_limit),
		cmocka_unit_test(a_crowd_of_signers_is_refused),
		cmocka_unit_test(every_truncation_of_the_certificate_table_is_trouble_or_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
