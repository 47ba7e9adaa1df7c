/* Files of signature databases. */
#include "decode_writer.h"

#include "base/efi/certificate.h"
#include "base/efi/signature_file.h"
#include "base/efi/signature_list.h"
#include "base/encode.h"
#include "build_pe.h"

#define SHA256_TYPE "c1c41626-504c-4092-aca9-41f936934328"
#define X509_TYPE "a5c059a1-94e4-4aa7-87b5-ab155c2bf072"
#define PKCS7_TYPE "4aafd29d-68df-49ee-8aa9-347d375665a7"

static const char der_file[] = "tests/data/certificates/gce-2021-root.der";
static const char pem_file[] = "tests/data/certificates/gce-2021-rsa-ak.pem";

struct read {
	struct pool pool;
	struct slice lists;
	struct pcrcast_error e;
	int rc;
};

static struct read read_bytes(struct slice bytes, const struct guid *owner)
{
	struct read r = { .pool = POOL_INIT, .lists = SLICE_EMPTY };
	uint8_t *block = malloc(bytes.n ? bytes.n : 1);

	assert_non_null(block);
	if (bytes.n)
		memcpy(block, bytes.p, bytes.n);
	r.rc = signature_file_read(&r.pool, (struct slice){ block, bytes.n }, owner, &r.lists, &r.e);
	if (r.rc == 0)
		r.lists.p = pool_copy(&r.pool, r.lists.p, r.lists.n);
	free(block);
	return r;
}

static void put_hashes(struct bytes *b)
{
	put_guid(b, SHA256_TYPE);
	put32(b, 28 + 2 * 48);
	put32(b, 0);
	put32(b, 48);
	put_fill(b, 0x11, 96);
}

static void lists_are_taken_as_they_are(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	put_hashes(&b);
	put_hashes(&b);
	struct read r = read_bytes((struct slice){ b.p, b.n }, NULL);
	assert_int_equal(r.rc, 0);
	assert_true(slice_equal(r.lists, (struct slice){ b.p, b.n }));
	pool_done(&r.pool);

	/* nothing shorter but the first list alone */
	for (size_t n = 0; n < b.n; n++) {
		r = read_bytes((struct slice){ b.p, n }, NULL);
		assert_int_equal(r.rc, n == b.n / 2 ? 0 : -PCRCAST_EFORMAT);
		pool_done(&r.pool);
	}
}

static void attributes_in_front_of_lists_are_left_out(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	put32(&b, 0x27);
	put_hashes(&b);
	struct read r = read_bytes((struct slice){ b.p, b.n }, NULL);
	assert_int_equal(r.rc, 0);
	assert_true(slice_equal(r.lists, (struct slice){ b.p + 4, b.n - 4 }));
	pool_done(&r.pool);
	b.p[1] = 1; /* no attribute that there is */
	r = read_bytes((struct slice){ b.p, b.n }, NULL);
	assert_int_equal(r.rc, -PCRCAST_EFORMAT);
	pool_done(&r.pool);
}

/* UEFI 2.10, section 8.2.2: EFI_TIME, WIN_CERTIFICATE_UEFI_GUID, then the new content. */
static void the_authentication_of_an_update_is_left_out(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	put_fill(&b, 0, 16);
	put32(&b, 24 + 10);
	put16(&b, 0x0200);
	put16(&b, 0x0ef1);
	put_guid(&b, PKCS7_TYPE);
	put_fill(&b, 0x30, 10);
	size_t front = b.n;
	put_hashes(&b);
	struct read r = read_bytes((struct slice){ b.p, b.n }, NULL);
	assert_int_equal(r.rc, 0);
	assert_true(slice_equal(r.lists, (struct slice){ b.p + front, b.n - front }));
	pool_done(&r.pool);
	for (size_t n = 0; n < b.n; n++) {
		r = read_bytes((struct slice){ b.p, n }, NULL);
		assert_int_equal(r.rc, -PCRCAST_EFORMAT);
		pool_done(&r.pool);
	}
}

static void a_certificate_becomes_a_list_with_its_owner(void **state)
{
	struct guid owner, type;
	uint8_t *der;
	size_t n;

	(void)state;
	assert_true(guid_parse("a0baa8a3-041d-48a8-bc87-c36d121b5e3d", &owner));
	assert_true(guid_parse(X509_TYPE, &type));
	der = load_file(der_file, &n);
	struct read r = read_bytes((struct slice){ der, n }, NULL);
	assert_int_equal(r.rc, -PCRCAST_EINVAL);
	pool_done(&r.pool);

	r = read_bytes((struct slice){ der, n }, &owner);
	assert_int_equal(r.rc, 0);
	struct slice rest = r.lists;
	struct esl list;
	assert_null(esl_next(&r.pool, &rest, &list));
	assert_int_equal(rest.n, 0);
	assert_true(guid_equal(&list.type, &type));
	assert_int_equal(list.n, 1);
	assert_int_equal(list.header.n, 0);
	struct esl_signature s = esl_signature(&list, 0);
	assert_true(guid_equal(&s.owner, &owner));
	assert_true(slice_equal(s.data, (struct slice){ der, n }));
	pool_done(&r.pool);
	free(der);
}

static void certificates_in_pem_become_a_list_each(void **state)
{
	struct guid owner = { { 1, 2, 3 } };
	uint8_t *pem, *two;
	size_t n;

	(void)state;
	pem = load_file(pem_file, &n);
	two = malloc(2 * n);
	assert_non_null(two);
	memcpy(two, pem, n);
	memcpy(two + n, pem, n);
	struct read r = read_bytes((struct slice){ two, 2 * n }, &owner);
	assert_int_equal(r.rc, 0);
	struct slice rest = r.lists;
	struct esl first, second;
	assert_null(esl_next(&r.pool, &rest, &first));
	assert_null(esl_next(&r.pool, &rest, &second));
	assert_int_equal(rest.n, 0);
	assert_true(slice_equal(first.signatures, second.signatures));
	struct certificate c;
	assert_true(certificate_read(&r.pool, esl_signature(&first, 0).data, &c));
	pool_done(&r.pool);

	r = read_bytes((struct slice){ pem, n - 10 }, &owner);
	assert_int_equal(r.rc, -PCRCAST_ETRUNC);
	pool_done(&r.pool);
	two[200] = '*';
	r = read_bytes((struct slice){ two, n }, &owner);
	assert_int_equal(r.rc, -PCRCAST_EFORMAT);
	pool_done(&r.pool);
	free(pem);
	free(two);
}

static void lists_take_no_owner(void **state)
{
	struct guid owner = { { 1 } };
	struct bytes b = { .n = 0 };

	(void)state;
	put_hashes(&b);
	struct read r = read_bytes((struct slice){ b.p, b.n }, &owner);
	assert_int_equal(r.rc, -PCRCAST_EINVAL);
	pool_done(&r.pool);
}

/*
 * openssl asn1parse -inform DER -in gce-2021-root.der -strparse 4 -noout -out tbs; sha256sum tbs
 */
static void the_signed_part_of_a_certificate_is_found(void **state)
{
	static const char want[] = "c3008abcc997a7fcdec5b0960d49ec58bae816404d14648977ad2a9dd3a7c829";
	char hex[2 * DIGEST_MAX + 1];
	struct digest d;
	struct slice tbs;
	uint8_t *der;
	size_t n;

	(void)state;
	der = load_file(der_file, &n);
	assert_true(certificate_tbs((struct slice){ der, n }, &tbs));
	assert_int_equal(digest_of(ALG_SHA256, tbs, &d, NULL), 0);
	hex_encode(d.bytes, 32, hex);
	assert_string_equal(hex, want);
	for (size_t k = 0; k < 100; k++)
		assert_false(certificate_tbs((struct slice){ der, k }, &tbs));
	free(der);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_taken_as_they_are),
		cmocka_unit_test(attributes_in_front_of_lists_are_left_out),
		cmocka_unit_test(the_authentication_of_an_update_is_left_out),
		cmocka_unit_test(a_certificate_becomes_a_list_with_its_owner),
		cmocka_unit_test(certificates_in_pem_become_a_list_each),
		cmocka_unit_test(lists_take_no_owner),
		cmocka_unit_test(the_signed_part_of_a_certificate_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
