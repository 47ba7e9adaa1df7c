/*
 * What shim measures of its variables when it starts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/build_shim_machine.h"

static const struct guid x509_guid = EFI_CERT_X509_GUID;
static const struct guid sha256_guid = EFI_CERT_SHA256_GUID;
static const uint8_t on = 1;

static void enrolled_keys_follow_shims_own(void **state)
{
	struct esp *x = *state;
	struct shim_machine f;
	struct built_file cert = read_signed(x, "three.der");
	struct bytes all = signature_list(&x509_guid, &guid_shim_lock, cert.p, cert.n);
	struct bytes dbx =
		signature_list(&sha256_guid, &guid_image_security, "0123456789abcdef0123456789abcdef", 32);
	struct bytes dbx_all = { NULL, 0 };

	shim_machine_start(&f, x);
	put_kernel(x, "EFI/BOOT/grubx64.efi");
	put_shim(x, SHIM_FIRST,
		 (struct build_shim){ .version = "15.8",
				      .authorized = cert.p,
				      .n_authorized = cert.n,
				      .deauthorized = dbx.p,
				      .n_deauthorized = dbx.n });
	set_mok(&f, "MokList", "enrolled by the owner");
	set_mok(&f, "MokListX", "forbidden by the owner");
	set_mok(&f, "MokPolicy", "\1");
	esp_predict(x);
	bytes_add_text(&all, "enrolled by the owner");
	expect_14_bytes(x, "MokList", all);
	bytes_add(&dbx_all, dbx.p, dbx.n);
	bytes_add_text(&dbx_all, "forbidden by the owner");
	expect_14_bytes(x, "MokListX", dbx_all);
	expect_7_text(x, "SbatLevel", SBAT_ORIGINAL);
	expect_14(x, "MokListTrusted", (struct slice){ &on, 1 });
	expect_14(x, "MokPolicy", (struct slice){ &on, 1 });
	expect_no_more(x);

	/* A database of the vendor stands in the place of a certificate, as it is. */
	put_shim(x, SHIM_FIRST,
		 (struct build_shim){ .version = "15.8", .authorized = dbx.p, .n_authorized = dbx.n });
	f.variables.n = 0;
	esp_predict(x);
	expect_14(x, "MokList", (struct slice){ dbx.p, dbx.n });
	bytes_done(&dbx);
}

static void the_state_of_verification_is_measured_twice(void **state)
{
	struct esp *x = *state;
	struct shim_machine f;

	shim_machine_start(&f, x);
	put_kernel(x, "EFI/BOOT/grubx64.efi");
	put_shim(x, SHIM_FIRST,
		 (struct build_shim){ .version = "15.7", .automatic = "sbat,1,2022052400\ngrub,2\n" });
	set_mok(&f, "MokSBState", "\1");
	set_mok(&f, "MokListTrusted", "\1");
	esp_predict(x);
	expect_14_bytes(x, "MokList", no_key());
	expect_14_bytes(x, "MokListX", no_key());
	expect_7(x, "MokSBState", &guid_shim_lock, &on, 1);
	expect_14(x, "MokSBState", (struct slice){ &on, 1 });
	expect_7_text(x, "SbatLevel", "sbat,1,2022052400\ngrub,2\n"); /* with Secure Boot off too */
	expect_no_more(x); /* the variable says that the list is not to be trusted: no event */
}

static void what_is_said_of_the_trust_in_the_list_depends_on_the_version(void **state)
{
	static const struct {
		const char *version;
		bool set, pcr7, pcr14;
	} cases[] = {
		{ "15.4", false, false, false }, { "15.4", true, false, false },
		{ "15.5", false, false, false }, { "15.5", true, true, true },
		{ "15.6", false, true, true },   { "15.6", true, false, false },
		{ "15.7", false, false, true },  { "15.8", false, false, true },
		{ "16.0", false, false, true },  { "16.0", true, false, false },
	};
	struct esp *x = *state;
	struct shim_machine f;

	put_kernel(x, "EFI/BOOT/grubx64.efi");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		print_message("%s, %d\n", cases[i].version, cases[i].set);
		shim_machine_start(&f, x);
		put_shim(x, SHIM_FIRST,
			 (struct build_shim){ .version = cases[i].version, .automatic = SBAT_ORIGINAL });
		if (cases[i].set)
			set_mok(&f, "MokListTrusted", "\1");
		esp_predict(x);
		expect_14_bytes(x, "MokList", no_key());
		expect_14_bytes(x, "MokListX", no_key());
		expect_7_text(x, "SbatLevel", SBAT_ORIGINAL);
		if (cases[i].pcr7)
			expect_7(x, "MokListTrusted", &guid_shim_lock, &on, 1);
		if (cases[i].pcr14)
			expect_14(x, "MokListTrusted", (struct slice){ &on, 1 });
		expect_no_more(x);
	}
}

static void a_variable_that_the_system_could_have_set_is_deleted(void **state)
{
	struct esp *x = *state;
	struct shim_machine f;

	shim_machine_start(&f, x);
	put_kernel(x, "EFI/BOOT/grubx64.efi");
	put_shim(x, SHIM_FIRST, (struct build_shim){ .version = "16.1" });
	set_variable(&f, "MokList", &guid_shim_lock, 7, "from the running system", 23);
	esp_predict(x);
	expect_14_bytes(x, "MokList", no_key());
}

static void variables_that_are_not_known_are_taken_to_be_unset(void **state)
{
	struct esp *x = *state;
	struct shim_machine f;

	shim_machine_start(&f, x);
	x->opt.variables = NULL;
	put_kernel(x, "EFI/BOOT/grubx64.efi");
	put_shim(x, SHIM_FIRST, (struct build_shim){ .version = "16.1" });
	esp_predict(x);
	expect_assumption(x, "shim-variables", "none is set: no MokList");
	expect_14_bytes(x, "MokList", no_key());
}

/* efivarfs shows the copies that shim makes for the system, not what only boot services see. */
static void what_a_running_system_sees_will_do(void **state)
{
	struct esp *x = *state;
	struct shim_machine f;
	struct built_file cert = read_signed(x, "three.der");
	struct bytes all = signature_list(&x509_guid, &guid_shim_lock, cert.p, cert.n), dummy = no_key();

	shim_machine_start(&f, x);
	put_kernel(x, "EFI/BOOT/grubx64.efi");
	put_shim(x, SHIM_FIRST,
		 (struct build_shim){ .version = "15.7", .authorized = cert.p, .n_authorized = cert.n });
	bytes_add_text(&all, "enrolled");
	set_variable(&f, "MokListRT", &guid_shim_lock, 6, all.p, all.n);
	set_variable(&f, "MokListXRT", &guid_shim_lock, 6, dummy.p, dummy.n);
	set_variable(&f, "SbatLevelRT", &guid_shim_lock, 6, "sbat,1,2030010100\n", 18);
	set_variable(&f, "MokSBStateRT", &guid_shim_lock, 6, "\1", 1);
	esp_predict(x);
	expect_14(x, "MokList", (struct slice){ all.p, all.n });
	expect_14(x, "MokListX", (struct slice){ dummy.p, dummy.n });
	expect_7(x, "MokSBState", &guid_shim_lock, &on, 1);
	expect_14(x, "MokSBState", (struct slice){ &on, 1 });
	expect_7_text(x, "SbatLevel", "sbat,1,2030010100\n");
	/* Made by a shim with another certificate. */
	set_variable(&f, "MokListRT", &guid_shim_lock, 6, "another", 7);
	esp_predict(x);
	expect_reason(x, 14, "MokListRT was made by another shim", "--variables");
	bytes_done(&all);
	bytes_done(&dummy);
}

static void a_request_to_mokmanager_is_not_followed(void **state)
{
	struct esp *x = *state;
	struct shim_machine f;

	shim_machine_start(&f, x);
	put_kernel(x, "EFI/BOOT/grubx64.efi");
	put_shim(x, SHIM_FIRST, (struct build_shim){ .version = "16.1" });
	set_mok(&f, "MokNew", "key");
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED, "variable MokNew is set: shim starts MokManager");
}

/* A build of shim 15 with this message among its data, in UTF-16. */
static void put_shim_15(struct esp *x, const char *message, struct built_file cert)
{
	struct bytes data = { NULL, 0 };

	if (message)
		bytes_add_wide(&data, message);
	put_shim(x, SHIM_FIRST,
		 (struct build_shim){ .version = "15",
				      .authorized = cert.p,
				      .n_authorized = cert.n,
				      .data = data.p,
				      .n_data = data.n });
	bytes_done(&data);
}

/*
 * Debian 10's and Ubuntu 18.04's shim 15 measures variables that exist, of which logs of theirs have none: no PCR 14, no SbatLevel.
 * RHEL 8's measures its certificate as MokList, and a digest of zeros as MokListX, which is 8d8a3aae… in SHA-256.
 */
static void shim_15_measures_by_its_build(void **state)
{
	static const uint8_t zeros_of_rhel8[] = { 0x8d, 0x8a, 0x3a, 0xae, 0x50, 0xd5, 0xd2, 0x58 };
	struct esp *x = *state;
	struct shim_machine f;
	struct built_file cert = read_signed(x, "three.der");
	struct digest d;

	put_kernel(x, "EFI/BOOT/grubx64.efi");
	shim_machine_start(&f, x);
	put_shim_15(x, NULL, cert);
	esp_predict(x);
	expect_no_more(x);
	set_mok(&f, "MokList", "enrolled by the owner");
	set_mok(&f, "MokListTrusted", "\1");
	esp_predict(x);
	expect_14(x, "MokList", slice_of_string("enrolled by the owner"));
	expect_no_more(x);

	f.variables.n = 0;
	put_shim_15(x, "maybe mirroring \"%s\".  original data:\n", cert);
	esp_predict(x);
	expect_14_bytes(x, "MokList", signature_list(&x509_guid, &guid_shim_lock, cert.p, cert.n));
	struct bytes none = no_key();
	assert_int_equal(digest_of(ALG_SHA256, (struct slice){ none.p, none.n }, &d, NULL), 0);
	assert_memory_equal(d.bytes, zeros_of_rhel8, sizeof zeros_of_rhel8);
	expect_14_bytes(x, "MokListX", none);
	expect_no_more(x);
	assert_int_equal(x->p.incomplete & (1u << 4 | 1u << 7 | 1u << 14), 0);

	put_shim_15(x, "maybe mirroring %s\n", cert);
	esp_predict(x);
	expect_reason(x, 14, "what this build of shim 15 measures of its lists is not told", NULL);
	/* A variable that it measures to PCR 7, in a form that only the build knows. */
	set_mok(&f, "MokSBState", "\1");
	esp_predict(x);
	expect_reason(x, 7, "how shim 15 writes what lets an image pass depends on patches", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ESP(enrolled_keys_follow_shims_own),
		WITH_ESP(the_state_of_verification_is_measured_twice),
		WITH_ESP(what_is_said_of_the_trust_in_the_list_depends_on_the_version),
		WITH_ESP(a_variable_that_the_system_could_have_set_is_deleted),
		WITH_ESP(variables_that_are_not_known_are_taken_to_be_unset),
		WITH_ESP(what_a_running_system_sees_will_do),
		WITH_ESP(a_request_to_mokmanager_is_not_followed),
		WITH_ESP(shim_15_measures_by_its_build),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
