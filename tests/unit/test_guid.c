/*
 * The GUIDs that stand for all rooms, against the text that their sources print.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/efi/signature_list.h"

/* UEFI 2.10, sections 3.3, 8.2.2, 32.4.1 and 32.6.1; shim 16.1, lib/guid.c; EDK2, UefiBootManagerLib. */
static void shared_guids_are_those_of_their_sources(void **state)
{
	static const struct guid sha256 = EFI_CERT_SHA256_GUID, x509 = EFI_CERT_X509_GUID,
				 pkcs7 = EFI_CERT_TYPE_PKCS7_GUID;
	static const struct {
		const struct guid *guid;
		const char *text;
	} cases[] = {
		{ &guid_efi_global, "8be4df61-93ca-11d2-aa0d-00e098032b8c" },
		{ &guid_image_security, "d719b2cb-3d3a-4596-a3bc-dad00e67656f" },
		{ &guid_shim_lock, "605dab50-e046-4300-abb6-3dd810dd8b23" },
		{ &guid_auto_created, "8108ac4e-9f11-4d59-850e-e21a522c59b2" },
		{ &sha256, "c1c41626-504c-4092-aca9-41f936934328" },
		{ &x509, "a5c059a1-94e4-4aa7-87b5-ab155c2bf072" },
		{ &pkcs7, "4aafd29d-68df-49ee-8aa9-347d375665a7" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[GUID_TEXT];

		guid_format(cases[i].guid, text);
		assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shared_guids_are_those_of_their_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
