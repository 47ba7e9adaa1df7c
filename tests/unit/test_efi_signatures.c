/* Signature lists, certificates, variables and load options on their own. */
#include "decode_writer.h"

#include "base/efi/certificate.h"
#include "base/efi/signature_list.h"
#include "base/efi/variable.h"
#include "certificate_sample.h"

#define SHA256_TYPE "c1c41626-504c-4092-aca9-41f936934328"

static struct slice exact(const struct bytes *b, size_t n, uint8_t **block)
{
	*block = malloc(n ? n : 1);
	assert_non_null(*block);
	if (n)
		memcpy(*block, b->p, n);
	return (struct slice){ *block, n };
}

static void put_list(struct bytes *b, uint32_t n)
{
	put_guid(b, SHA256_TYPE);
	put32(b, 28 + 4 + n * 48);
	put32(b, 4);
	put32(b, 48);
	put_fill(b, 0xee, 4);
	for (uint32_t i = 0; i < n; i++) {
		put_guid(b, SHIM_GUID);
		put_fill(b, (uint8_t)i, 32);
	}
}

static void lists_are_read_one_after_the_other(void **state)
{
	struct bytes b = { .n = 0 };
	struct pool pool = POOL_INIT;
	struct esl list;
	uint8_t *block;

	(void)state;
	put_list(&b, 2);
	put_list(&b, 0);
	struct slice rest = exact(&b, b.n, &block);
	assert_null(esl_next(&pool, &rest, &list));
	assert_int_equal(list.n, 2);
	assert_int_equal(list.header.n, 4);
	assert_string_equal(esl_type_find(&list.type)->name, "sha256");
	struct esl_signature s = esl_signature(&list, 1);
	assert_int_equal(s.data.n, 32);
	assert_int_equal(s.data.p[31], 1);
	assert_null(esl_next(&pool, &rest, &list));
	assert_int_equal(list.n, 0);
	assert_int_equal(rest.n, 0);
	free(block);

	/* nothing shorter than the first list is one */
	for (size_t n = 1; n < 28 + 4 + 96; n++) {
		rest = exact(&b, n, &block);
		assert_non_null(esl_next(&pool, &rest, &list));
		assert_int_equal(rest.n, n);
		free(block);
	}
	pool_done(&pool);
}

static void unsound_lists_are_refused_with_numbers(void **state)
{
	static const struct {
		uint32_t list, header, signature;
		const char *why;
	} rows[] = {
		{ 27, 0, 48, "signature list of 27 bytes, expected 28 to 76" },
		{ 77, 0, 48, "signature list of 77 bytes, expected 28 to 76" },
		{ 76, 49, 48, "signature header of 49 bytes in a list of 76" },
		{ 76, UINT32_MAX, 48, "signature header of 4294967295 bytes in a list of 76" },
		{ 76, 0, 15, "signatures of 15 bytes, expected at least 16" },
		{ 76, 0, 0, "signatures of 0 bytes, expected at least 16" },
		{ 76, 0, 47, "48 bytes of signatures are no multiple of 47" },
	};
	struct pool pool = POOL_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bytes b = { .n = 0 };
		struct esl list;

		put_guid(&b, SHA256_TYPE);
		put32(&b, rows[i].list);
		put32(&b, rows[i].header);
		put32(&b, rows[i].signature);
		put_fill(&b, 0, 48);
		struct slice rest = { b.p, b.n };
		assert_string_equal(esl_next(&pool, &rest, &list), rows[i].why);
	}
	pool_done(&pool);
}

static void a_certificate_has_names_and_a_hash(void **state)
{
	struct bytes b = { .n = 0 };
	struct pool pool = POOL_INIT;
	struct certificate c;
	char hex[65];
	uint8_t *block;

	(void)state;
	put_hex(&b, sample_certificate);
	size_t n = b.n;
	put_fill(&b, 0, 3);
	assert_true(certificate_read(&pool, exact(&b, b.n, &block), &c));
	assert_int_equal(c.len, n);
	assert_string_equal(c.subject, sample_subject);
	assert_string_equal(c.issuer, sample_subject);
	hex_encode(c.sha256.bytes, 32, hex);
	assert_string_equal(hex, sample_sha256);
	free(block);
	for (size_t k = 0; k < n; k++) {
		assert_false(certificate_read(&pool, exact(&b, k, &block), &c));
		free(block);
	}
	pool_done(&pool);
}

static void a_variable_is_guid_name_and_data(void **state)
{
	struct bytes b = { .n = 0 };
	struct pool pool = POOL_INIT;
	struct efi_variable v;
	uint8_t *block;

	(void)state;
	put_variable(&b, GLOBAL_GUID, "PK", "abc", 3);
	size_t n = b.n;
	put8(&b, 7);
	assert_null(efi_variable_read(&pool, exact(&b, b.n, &block), &v));
	assert_string_equal(v.name, "PK");
	assert_int_equal(v.data.n, 3);
	assert_int_equal(v.rest.n, 1);
	free(block);
	for (size_t k = 0; k < n; k++) {
		assert_non_null(efi_variable_read(&pool, exact(&b, k, &block), &v));
		free(block);
	}

	/* lengths that only 32-bit firmware writes */
	b.n = 0;
	put_guid(&b, GLOBAL_GUID);
	put32(&b, 2);
	put32(&b, 1);
	put_utf16(&b, "PK");
	put8(&b, 9);
	assert_null(efi_variable_read(&pool, exact(&b, b.n, &block), &v));
	assert_string_equal(v.name, "PK");
	assert_int_equal(v.data.p[0], 9);
	free(block);

	/* a length that twice it overflows */
	b.n = 0;
	put_guid(&b, GLOBAL_GUID);
	put64(&b, UINT64_C(1) << 63);
	put64(&b, 0);
	assert_string_equal(
		efi_variable_read(&pool, exact(&b, b.n, &block), &v),
		"a variable name of 9223372036854775808 characters and 0 bytes of data in 32 bytes");
	free(block);
	pool_done(&pool);
}

static void a_load_option_has_description_paths_and_data(void **state)
{
	struct bytes b = { .n = 0 }, path = { .n = 0 };
	struct pool pool = POOL_INIT;
	struct load_option o;
	uint8_t *block;

	(void)state;
	put_path(&path);
	put32(&b, LOAD_OPTION_ACTIVE);
	put16(&b, (uint16_t)path.n);
	put_utf16(&b, "Linux");
	put16(&b, 0);
	put(&b, path.p, path.n);
	size_t n = b.n;
	put_text(&b, "xyz");
	assert_null(load_option_read(&pool, exact(&b, b.n, &block), &o));
	assert_int_equal(o.attributes, LOAD_OPTION_ACTIVE);
	assert_string_equal(o.description, "Linux");
	assert_int_equal(o.paths.n, path.n);
	assert_true(slice_equal_string(o.optional_data, "xyz"));
	free(block);
	for (size_t k = 0; k < n; k++) {
		assert_non_null(load_option_read(&pool, exact(&b, k, &block), &o));
		free(block);
	}
	pool_done(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_read_one_after_the_other),
		cmocka_unit_test(unsound_lists_are_refused_with_numbers),
		cmocka_unit_test(a_certificate_has_names_and_a_hash),
		cmocka_unit_test(a_variable_is_guid_name_and_data),
		cmocka_unit_test(a_load_option_has_description_paths_and_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
