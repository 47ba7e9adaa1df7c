/*
 * shim's image, its version and its events. What is expected is made byte by byte from shim's sources (see predict/shim.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "tests/unit/build_shim_machine.h"

static const struct guid x509_guid = EFI_CERT_X509_GUID;
static const uint8_t on = 1;

static void each_version_has_its_row(void **state)
{
	static const struct {
		unsigned major, minor;
		bool trusted, inverse, pcr7, policy, runtime, load_image, sections, newer;
		enum shim_level level;
	} cases[] = {
		{ 15, 0, 0, 0, 0, 0, 0, 0, 0, 0, LEVEL_NONE },
		{ 15, 2, 0, 0, 0, 0, 0, 0, 0, 0, LEVEL_NONE },
		{ 15, 4, 0, 0, 0, 0, 0, 0, 0, 0, LEVEL_ORIGINAL },
		{ 15, 5, 1, 0, 1, 0, 0, 0, 0, 0, LEVEL_ORIGINAL },
		{ 15, 6, 1, 1, 1, 1, 0, 0, 0, 0, LEVEL_OF_CODE },
		{ 15, 7, 1, 1, 0, 1, 1, 0, 0, 0, LEVEL_OF_SECTION },
		{ 15, 8, 1, 1, 0, 1, 1, 0, 0, 0, LEVEL_FOLLOWS_SECURITY },
		{ 16, 0, 1, 1, 0, 1, 1, 1, 0, 0, LEVEL_FOLLOWS_SECURITY },
		{ 16, 1, 1, 1, 0, 1, 1, 1, 1, 0, LEVEL_FOLLOWS_SECURITY },
		{ 16, 2, 1, 1, 0, 1, 1, 1, 1, 1, LEVEL_FOLLOWS_SECURITY },
		{ 17, 0, 1, 1, 0, 1, 1, 1, 1, 1, LEVEL_FOLLOWS_SECURITY },
	};
	bool newer;

	(void)state;
	assert_null(shim_rules_for(15, 3, &newer));
	assert_null(shim_rules_for(14, 0, &newer));
	assert_null(shim_rules_for(0, 9, &newer));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct shim_rules *r = shim_rules_for(cases[i].major, cases[i].minor, &newer);

		assert_non_null(r);
		assert_int_equal(r->trusted, cases[i].trusted);
		assert_int_equal(r->trusted_inverse, cases[i].inverse);
		assert_int_equal(r->trusted_pcr7, cases[i].pcr7);
		assert_int_equal(r->policy, cases[i].policy);
		assert_int_equal(r->runtime_list, cases[i].runtime);
		assert_int_equal(r->load_image, cases[i].load_image);
		assert_int_equal(r->knows_sections, cases[i].sections);
		assert_int_equal(r->level, cases[i].level);
		assert_int_equal(newer, cases[i].newer);
	}
}

static void a_version_that_is_not_known_is_said(void **state)
{
	struct esp *x = *state;
	struct shim_machine f;

	shim_machine_start(&f, x);
	put_kernel(x, "EFI/BOOT/grubx64.efi");
	put_shim(x, SHIM_FIRST, (struct build_shim){ .version = "14" });
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED,
			  "shim 14 is no version known here: expected 15 to 15.2, or 15.4 and later");
	put_shim(x, SHIM_FIRST, (struct build_shim){ .version = "next" });
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED, "version \"next\", expected a number");
	put_shim(x, SHIM_FIRST, (struct build_shim){ .version = "16.3" });
	esp_predict(x);
	expect_note(x, "newer than every version known here: predicted as the newest known, 16.1");
	put_shim(x, SHIM_FIRST, (struct build_shim){ .version = NULL });
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED, "a helper of shim");
}

static void shim_measures_its_lists_and_its_second_stage(void **state)
{
	static const char *const long_and_cut[] = { "sections with long names", "sections with cut names" };
	struct esp *x = *state;
	struct shim_machine f;

	for (int cut = 0; cut < 2; cut++) {
		struct built_file cert = read_signed(x, "three.der");
		struct built_file dbx = { (uint8_t *)"", 0 };

		print_message("%s\n", long_and_cut[cut]);
		shim_machine_start(&f, x);
		put_shim(x, SHIM_FIRST,
			 (struct build_shim){ .version = "16.1",
					      .authorized = cert.p,
					      .n_authorized = cert.n,
					      .deauthorized = dbx.p,
					      .n_deauthorized = dbx.n,
					      .long_names = !cut });
		struct built_file kernel = put_kernel(x, "EFI/BOOT/grubx64.efi");
		esp_predict(x);
		expect_14_bytes(x, "MokList", signature_list(&x509_guid, &guid_shim_lock, cert.p, cert.n));
		expect_14_bytes(x, "MokListX", no_key());
		expect_7_text(x, "SbatLevel", SBAT_ORIGINAL);
		expect_14(x, "MokListTrusted", (struct slice){ &on, 1 });
		expect_no_more(x);
		assert_int_equal(count_loads(x, "\\EFI\\BOOT\\grubx64.efi"), 1);
		(void)kernel;
	}
}

static void the_event_of_the_second_stage_has_its_path_and_address(void **state)
{
	struct esp *x = *state;
	struct shim_machine f;
	struct bytes path = { NULL, 0 };

	shim_machine_start(&f, x);
	put_shim(x, SHIM_FIRST, (struct build_shim){ .version = "16.1" });
	struct built_file kernel = { NULL, 0 };
	kernel.p = esp_keep(x, build_kernel(1, 0, &kernel.n));
	put_u64le(built_optional_header(kernel.p) + 24, 0x140000000); /* ImageBase */
	esp_put(x, "EFI/BOOT/grubx64.efi", kernel.p, kernel.n);
	esp_predict(x);
	bytes_add_wide(&path, "\\EFI\\BOOT\\grubx64.efi");
	for (size_t i = 0; i < x->p.log.n_events; i++) {
		const struct event *ev = &x->p.log.events[i];

		if (ev->pcr != 4 || strcmp(ev->description, "second stage of shim") != 0)
			continue;
		assert_int_equal(ev->data.n, 32 + 4 + path.n + 4);
		assert_int_equal(get_u64le(ev->data.p), 0);
		assert_int_equal(get_u64le(ev->data.p + 8), kernel.n);
		assert_int_equal(get_u64le(ev->data.p + 16), 0x140000000);
		assert_int_equal(get_u64le(ev->data.p + 24), 4 + path.n + 4);
		assert_memory_equal(ev->data.p + 36, path.p, path.n);
		bytes_done(&path);
		return;
	}
	fail_msg("no event of the second stage");
}

static void the_certificate_of_the_build_is_found(void **state)
{
	struct esp *x = *state;
	struct shim_machine f;
	struct built_file cert = read_signed(x, "three.der");
	struct bytes data = { NULL, 0 };

	shim_machine_start(&f, x);
	put_kernel(x, "EFI/BOOT/grubx64.efi");
	bytes_add(&data, "\x30\x82\x00\x01\x30", 5); /* begins like one */
	bytes_add(&data, cert.p, cert.n);
	bytes_add(&data, "\x30\x82", 2);
	put_shim(x, SHIM_FIRST, (struct build_shim){ .version = "16.1", .data = data.p, .n_data = data.n });
	esp_predict(x);
	expect_14_bytes(x, "MokList", signature_list(&x509_guid, &guid_shim_lock, cert.p, cert.n));
	expect_assumption(x, "shim-build-certificate", "found among the data");
	bytes_done(&data);
}

static void a_circle_is_seen(void **state)
{
	static const char text[] = "#### LoaderInfo: systemd-boot 257.13 ####";
	const struct built_section s = { ".sdmagic", text, strlen(text), 0 };
	struct esp *x = *state;
	struct shim_machine f;
	size_t n;

	shim_machine_start(&f, x);
	put_shim(x, SHIM_FIRST, (struct build_shim){ .version = "16.1" });
	uint8_t *boot = esp_keep(x, build_pe(&(struct build_pe){ .sections = &s, .n_sections = 1 }, &n));
	esp_put(x, "EFI/BOOT/grubx64.efi", boot, n);
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED, "starts shim again");
}

static void every_truncation_is_borne(void **state)
{
	struct esp *x = *state;
	struct shim_machine f;
	struct built_file cert = read_signed(x, "three.der");

	shim_machine_start(&f, x);
	put_kernel(x, "EFI/BOOT/grubx64.efi");
	struct built_file shim = put_shim(
		x, SHIM_FIRST,
		(struct build_shim){
			.version = "16.1", .authorized = cert.p, .n_authorized = cert.n, .long_names = 1 });
	for (size_t n = 0; n < shim.n; n += n < 1024 ? 13 : 37) {
		struct pool pool = POOL_INIT;
		uint8_t *exact = malloc(n ? n : 1);
		struct blob b;
		struct pe pe;
		bool is_shim;

		assert_non_null(exact);
		memcpy(exact, shim.p, n);
		assert_int_equal(blob_of_bytes(&pool, (struct slice){ exact, n }, &b, NULL), 0);
		if (pe_parse(&pool, &b, &pe, NULL) == 0)
			assert_int_equal(shim_recognise(&pool, &pe, &is_shim, NULL), 0);
		free(exact);
		pool_done(&pool);
	}
}

static void tables_that_point_outside_are_refused(void **state)
{
	struct esp *x = *state;
	struct shim_machine f;

	shim_machine_start(&f, x);
	put_kernel(x, "EFI/BOOT/grubx64.efi");
	struct built_file s =
		put_shim(x, SHIM_FIRST,
			 (struct build_shim){ .version = "16.1", .authorized = "abc", .n_authorized = 3 });
	esp_predict_fails(x, PCRCAST_EFORMAT,
			  "section .vendor_cert: expected a certificate or signature lists");
	uint8_t *vendor = s.p + get_u32le(built_section_header(s.p, 1) + 20);
	put_u32le(vendor, 0x7fffffff);
	esp_put(x, SHIM_FIRST, s.p, s.n);
	esp_predict_fails(x, PCRCAST_EFORMAT, "section .vendor_cert: a part lies outside of the section");
	put_u32le(vendor, 0);
	put_u32le(vendor + 8, 0xffffffff);
	esp_put(x, SHIM_FIRST, s.p, s.n);
	esp_predict_fails(x, PCRCAST_EFORMAT, "a part lies outside");
	put_u32le(vendor + 8, 16);
	uint8_t *level = s.p + get_u32le(built_section_header(s.p, 2) + 20);
	put_u32le(level + 8, 0xfffffff0);
	esp_put(x, SHIM_FIRST, s.p, s.n);
	esp_predict_fails(x, PCRCAST_EFORMAT, "section .sbatlevel: expected format 0 and two texts");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_version_has_its_row),
		WITH_ESP(a_version_that_is_not_known_is_said),
		WITH_ESP(shim_measures_its_lists_and_its_second_stage),
		WITH_ESP(the_event_of_the_second_stage_has_its_path_and_address),
		WITH_ESP(the_certificate_of_the_build_is_found),
		WITH_ESP(a_circle_is_seen),
		WITH_ESP(every_truncation_is_borne),
		WITH_ESP(tables_that_point_outside_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
