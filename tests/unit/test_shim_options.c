/*
 * Which second stage shim starts, and what it hands to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/build_shim_machine.h"

static void load_options_name_the_second_stage(void **state)
{
	static const struct {
		const char *version, *options; /* "|" is a zero unit */
		const char *path;
	} cases[] = {
		{ "16.1", "other.efi|", "\\EFI\\BOOT\\other.efi" },
		{ "16.1", "other.efi rest", "\\EFI\\BOOT\\other.efi" },
		{ "16.1", "  \\other.efi|", "\\EFI\\BOOT\\other.efi" },
		{ "16.1", "\\EFI\\sub\\other.efi|", "\\EFI\\sub\\other.efi" },
		{ "16.1", "\\efi\\sub\\other.efi|", "\\EFI\\BOOT\\other.efi" }, /* the case of \EFI\ counts */
		{ "16.1", "other.efi", "\\EFI\\BOOT\\grubx64.efi" },            /* nothing ends the name */
		{ "16.1", "|other.efi|", "\\EFI\\BOOT\\grubx64.efi" },
		{ "16.1", "missing.efi|", "\\EFI\\BOOT\\grubx64.efi" },
		{ "15.8", "missing.efi|", "\\EFI\\BOOT\\grubx64.efi" },
		{ "15.5", "missing.efi|", "\\EFI\\BOOT\\grubx64.efi" },
		{ "16.1", "BOOTX64.EFI other.efi|",
		  "\\EFI\\BOOT\\other.efi" }, /* the shell puts the program in front */
		{ "15.6", "\\EFI\\BOOT\\BOOTX64.EFI other.efi|", "\\EFI\\BOOT\\other.efi" },
		{ "15.5", "||||", "\\EFI\\BOOT\\grubx64.efi" },
		{ "15.5", "other.efi|", "\\EFI\\BOOT\\other.efi" },
	};
	struct esp *x = *state;
	struct shim_machine f;

	put_kernel(x, "EFI/BOOT/grubx64.efi");
	put_kernel(x, "EFI/BOOT/other.efi");
	put_kernel(x, "EFI/sub/other.efi");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		shim_machine_start(&f, x);
		put_shim(x, SHIM_FIRST, (struct build_shim){ .version = cases[i].version });
		esp_set_load_options(x, cases[i].options);
		for (size_t k = 0; k < x->load_options.n; k += 2)
			if (x->load_options.p[k] == '|')
				x->load_options.p[k] = 0;
		esp_predict(x);
		if (strcmp(second_stage(x), cases[i].path) != 0)
			fail_msg("case %zu: expected %s, got %s", i, cases[i].path, second_stage(x));
	}
	put_shim(x, SHIM_FIRST, (struct build_shim){ .version = "15.4" });
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED, "how shim 15.4 reads load options is not known here");
}

/* The kernel measures what it is handed: what is behind the name. */
static void the_second_stage_gets_the_rest_of_the_load_options(void **state)
{
	struct esp *x = *state;
	struct shim_machine f;
	struct bytes rest = { NULL, 0 };
	bool seen = false;

	shim_machine_start(&f, x);
	put_kernel(x, "EFI/BOOT/other.efi");
	put_shim(x, SHIM_FIRST, (struct build_shim){ .version = "16.1" });
	esp_set_load_options(x, "other.efi quiet");
	esp_predict(x);
	bytes_add_wide(&rest, "quiet");
	for (size_t i = 0; i < x->p.log.n_events; i++)
		if (x->p.log.events[i].pcr == 9) {
			check_digest(x, &x->p.log.events[i], (struct slice){ rest.p, rest.n - 2 });
			seen = true;
		}
	assert_true(seen);
	bytes_done(&rest);
}

static void a_whole_load_option_is_read_too(void **state)
{
	struct esp *x = *state;
	struct shim_machine f;
	struct bytes b = { NULL, 0 };

	put_kernel(x, "EFI/BOOT/grubx64.efi");
	put_kernel(x, "EFI/BOOT/other.efi");
	shim_machine_start(&f, x);
	put_shim(x, SHIM_FIRST, (struct build_shim){ .version = "16.1" });
	bytes_add(&b, "\1\0\0\0\x08\0", 6); /* active; eight bytes of paths */
	bytes_add_wide(&b, "Linux");
	bytes_add(&b, "\x04\x04\x04\0\x7f\xff\x04\0", 8);
	bytes_add_wide(&b, "other.efi");
	x->opt.has_load_options = true;
	x->opt.load_options = (struct slice){ b.p, b.n };
	esp_predict(x);
	assert_string_equal(second_stage(x), "\\EFI\\BOOT\\other.efi");
	/* Every shorter one, and every byte changed, must be borne. */
	for (size_t n = 0; n <= b.n; n++) {
		uint8_t *exact = malloc(n ? n : 1);

		assert_non_null(exact);
		memcpy(exact, b.p, n);
		x->opt.load_options = (struct slice){ exact, n };
		esp_predict(x);
		if (n)
			exact[n / 2] ^= 0xff;
		esp_predict(x);
		x->opt.load_options = SLICE_EMPTY;
		free(exact);
	}
	bytes_done(&b);
}

static void options_csv_names_the_second_stage_from_16_on(void **state)
{
	struct esp *x = *state;
	struct shim_machine f;
	struct bytes csv = { NULL, 0 };

	put_kernel(x, "EFI/BOOT/grubx64.efi");
	put_kernel(x, "EFI/BOOT/other.efi");
	bytes_add(&csv, "\xff\xfe", 2);
	bytes_add_wide(&csv, "other.efi,comment");
	esp_put(x, "EFI/BOOT/options.csv", csv.p, csv.n);
	bytes_done(&csv);
	shim_machine_start(&f, x);
	put_shim(x, SHIM_FIRST, (struct build_shim){ .version = "16.0" });
	esp_predict(x);
	assert_string_equal(second_stage(x), "\\EFI\\BOOT\\other.efi");
	expect_note(x, "options.csv names shim's second stage: other.efi");
	put_shim(x, SHIM_FIRST, (struct build_shim){ .version = "15.8" });
	esp_predict(x);
	assert_string_equal(second_stage(x), "\\EFI\\BOOT\\grubx64.efi");
}

static void another_default_is_found_in_the_file(void **state)
{
	struct esp *x = *state;
	struct shim_machine f;

	shim_machine_start(&f, x);
	put_kernel(x, "EFI/BOOT/grubx64.efi");
	put_kernel(x, "EFI/BOOT/systemd-bootx64.efi");
	put_shim(x, SHIM_FIRST,
		 (struct build_shim){ .version = "16.1", .default_loader = "\\\\systemd-bootx64.efi" });
	esp_predict(x);
	assert_string_equal(second_stage(x), "\\EFI\\BOOT\\systemd-bootx64.efi");
	put_shim(x, SHIM_FIRST, (struct build_shim){ .version = "16.1", .default_loader = "" });
	esp_predict(x);
	assert_string_equal(second_stage(x), "\\EFI\\BOOT\\grubx64.efi");
	expect_assumption(x, "shim-second-stage", "grubx64.efi");
	esp_remove(x, "EFI/BOOT/grubx64.efi");
	esp_predict_fails(x, PCRCAST_ENOTFOUND, "shim's second stage");
}

static void some_builds_pass_over_load_options_of_removable_media(void **state)
{
	static const char text[] = "Invoked from removable media path, ignoring boot options";
	struct esp *x = *state;
	struct shim_machine f;

	shim_machine_start(&f, x);
	put_kernel(x, "EFI/BOOT/grubx64.efi");
	put_kernel(x, "EFI/BOOT/other.efi");
	put_shim(x, SHIM_FIRST,
		 (struct build_shim){ .version = "16.1", .data = text, .n_data = sizeof text });
	esp_set_load_options(x, "other.efi ");
	esp_predict(x);
	assert_string_equal(second_stage(x), "\\EFI\\BOOT\\grubx64.efi");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ESP(load_options_name_the_second_stage),
		WITH_ESP(the_second_stage_gets_the_rest_of_the_load_options),
		WITH_ESP(a_whole_load_option_is_read_too),
		WITH_ESP(options_csv_names_the_second_stage_from_16_on),
		WITH_ESP(another_default_is_found_in_the_file),
		WITH_ESP(some_builds_pass_over_load_options_of_removable_media),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
