/*
 * shim's fallback: the boot option that it makes, and the boot after that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/build_shim_machine.h"

static void put_csv(struct esp *x, const char *path, const char *text)
{
	struct bytes csv = { NULL, 0 };

	bytes_add(&csv, "\xff\xfe", 2);
	bytes_add_wide(&csv, text);
	esp_put(x, path, csv.p, csv.n - 2);
	bytes_done(&csv);
}

static void fallback_makes_a_boot_option_and_restarts(void **state)
{
	struct esp *x = *state;
	struct shim_machine f;
	struct bytes rest = { NULL, 0 };

	shim_machine_start(&f, x);
	put_shim(x, SHIM_FIRST, (struct build_shim){ .version = "16.1" });
	put_shim(x, "EFI/test/shimx64.efi", (struct build_shim){ .version = "15.8" });
	put_kernel(x, "EFI/BOOT/fbx64.efi");
	put_kernel(x, "EFI/test/other.efi");
	put_csv(x, "EFI/test/BOOTX64.CSV",
		",bad\r\n\r\nshimx64.efi,Test,other.efi quiet,comment\nlater.efi,X,,\n");
	put_csv(x, "EFI/test/BOOT.CSV", "never.efi,Test,,\n");
	esp_predict(x);
	expect_note(x, "makes a boot option for \\EFI\\test\\shimx64.efi and restarts");
	assert_string_equal(second_stage(x), "\\EFI\\test\\other.efi");
	expect_assumption(x, "boot-options", "none of those");
	/* Nothing of the first boot is left. */
	assert_int_equal(count_loads(x, "\\EFI\\BOOT\\BOOTX64.EFI"), 0);
	assert_int_equal(count_loads(x, "\\EFI\\test\\shimx64.efi"), 1);
	expect_14_bytes(x, "MokList", no_key());
	/* The arguments have a NUL, as fallback writes them. */
	bytes_add_wide(&rest, "quiet");
	for (size_t i = 0; i < x->p.log.n_events; i++)
		if (x->p.log.events[i].pcr == 9)
			check_digest(x, &x->p.log.events[i], (struct slice){ rest.p, rest.n });
	bytes_done(&rest);
}

static void fallback_without_a_loader_restarts_without_end(void **state)
{
	struct esp *x = *state;
	struct shim_machine f;

	shim_machine_start(&f, x);
	put_shim(x, SHIM_FIRST, (struct build_shim){ .version = "16.1" });
	put_kernel(x, "EFI/BOOT/fbx64.efi");
	esp_predict_fails(x, PCRCAST_EFORMAT, "the machine restarts without end");
	put_csv(x, "EFI/test/BOOT.CSV", "..\\BOOT\\BOOTX64.EFI,Loop,,\n");
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED, "restarts without end");
	put_csv(x, "EFI/test/BOOT.CSV", "shimx64.efi,Label\n");
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED, "without a second comma");
	put_csv(x, "EFI/test/BOOT.CSV", "a.efi,A,,\n");
	put_csv(x, "EFI/best/BOOT.CSV", "b.efi,B,,\n");
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED, "in the order of the file system");
}

static void fallback_counts_on_removable_media_only(void **state)
{
	struct esp *x = *state;
	struct shim_machine f;

	shim_machine_start(&f, x);
	x->opt.boot = "\\EFI\\test\\shimx64.efi";
	put_shim(x, "EFI/test/shimx64.efi", (struct build_shim){ .version = "16.1" });
	put_kernel(x, "EFI/BOOT/fbx64.efi");
	put_kernel(x, "EFI/test/grubx64.efi");
	esp_predict(x);
	assert_string_equal(second_stage(x), "\\EFI\\test\\grubx64.efi");
}

/* Many directories may hold one and the same file, and a FAT file system has room for thousands of them. */
static void files_for_fallback_are_read_up_to_a_limit(void **state)
{
	enum { LEN = 4 << 20 };
	struct esp *x = *state;
	struct shim_machine f;
	uint8_t *text = calloc(1, LEN);
	char path[64];

	assert_non_null(text);
	shim_machine_start(&f, x);
	put_shim(x, SHIM_FIRST, (struct build_shim){ .version = "16.1" });
	put_kernel(x, "EFI/BOOT/fbx64.efi");
	for (unsigned i = 0; i < 5; i++) {
		snprintf(path, sizeof path, "EFI/d%u/BOOT.CSV", i);
		esp_put(x, path, text, LEN);
	}
	esp_predict_fails(x, PCRCAST_ELIMIT,
			  "\\EFI\\d4\\BOOT.CSV: with the files before it more than the 16777216 bytes");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ESP(fallback_makes_a_boot_option_and_restarts),
		WITH_ESP(fallback_without_a_loader_restarts_without_end),
		WITH_ESP(fallback_counts_on_removable_media_only),
		WITH_ESP(files_for_fallback_are_read_up_to_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
