/*
 * shim: its own measurements, and what it starts. What is expected is made byte by byte from shim's sources (see predict/shim.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/efi/signature_list.h"
#include "predict/shim.h"
#include "tests/unit/build_esp.h"
#include "tests/unit/build_shim.h"

#define FIRST "EFI/BOOT/BOOTX64.EFI"
#define ORIGINAL "sbat,1,2021030218\n"

enum { ALL_PCRS = 0xffff };

static const struct guid sha256_guid = EFI_CERT_SHA256_GUID;
static const struct guid x509_guid = EFI_CERT_X509_GUID;

struct file {
	uint8_t *p;
	size_t n;
};

/* ---- the machine of a test ---- */

struct fixture {
	struct esp *x;
	struct firmware_variables variables;
	struct firmware_variable items[16];
};

static void start(struct fixture *f, struct esp *x)
{
	*f = (struct fixture){ .x = x };
	f->variables = (struct firmware_variables){ f->items, 0, 16, true };
	x->opt.pcrs = ALL_PCRS;
	x->opt.variables = &f->variables;
}

static void set_variable(struct fixture *f, const char *name, const struct guid *guid, uint32_t attributes,
			 const void *p, size_t n)
{
	for (size_t i = 0; i < f->variables.n; i++)
		if (strcmp(f->items[i].name, name) == 0) {
			f->items[i].data = (struct slice){ p, n };
			f->items[i].attributes = attributes;
			return;
		}
	assert_true(f->variables.n < 16);
	f->items[f->variables.n++] = (struct firmware_variable){ name, *guid, attributes, { p, n } };
}

static void set_mok(struct fixture *f, const char *name, const char *text)
{
	set_variable(f, name, &guid_shim_lock, 3, text, strlen(text));
}

static struct file put_shim(struct esp *x, const char *path, struct build_shim what)
{
	struct file s;

	s.p = esp_keep(x, build_shim(&what, &s.n));
	esp_put(x, path, s.p, s.n);
	return s;
}

static struct file put_kernel(struct esp *x, const char *path)
{
	struct file k;

	k.p = esp_keep(x, build_kernel(1, 0, &k.n));
	esp_put(x, path, k.p, k.n);
	return k;
}

static struct file read_signed(struct esp *x, const char *name)
{
	char path[256];
	struct file s;

	(void)snprintf(path, sizeof path, "tests/data/signed/%s", name);
	s.p = esp_keep(x, load_file(path, &s.n));
	return s;
}

/* One EFI_SIGNATURE_LIST with one signature. */
static struct bytes signature_list(const struct guid *type, const struct guid *owner, const void *p, size_t n)
{
	struct bytes b = { NULL, 0 };

	bytes_add_signature_list(&b, type, owner, p, n);
	return b;
}

static struct bytes no_key(void)
{
	static const uint8_t zeros[32];

	return signature_list(&sha256_guid, &guid_shim_lock, zeros, 32);
}

/* ---- what is expected ---- */

/* The next event of PCR 7 or 14 that is not the firmware's. */
static const struct event *next_own(struct esp *x)
{
	while (x->at < x->p.log.n_events) {
		const struct event *ev = &x->p.log.events[x->at++];

		if (ev->pcr == 14 || (ev->pcr == 7 && ev->type == EV_EFI_VARIABLE_AUTHORITY &&
				      !(ev->description && strstr(ev->description, "PK"))))
			return ev;
	}
	return NULL;
}

static void check_digest(const struct esp *x, const struct event *ev, struct slice hashed)
{
	struct digest d;

	assert_int_equal(digest_of(ALG_SHA256, hashed, &d, NULL), 0);
	assert_memory_equal(event_digest(ev, &x->p.log, ALG_SHA256).p, d.bytes, 32);
}

static void expect_14(struct esp *x, const char *name, struct slice hashed)
{
	const struct event *ev = next_own(x);

	if (!ev || ev->pcr != 14 || ev->data.n != strlen(name) + 1 ||
	    memcmp(ev->data.p, name, ev->data.n) != 0)
		fail_msg("expected PCR 14 %s, got PCR %d %s", name, ev ? (int)ev->pcr : -1,
			 ev && ev->description ? ev->description : "nothing");
	assert_int_equal(ev->type, EV_IPL);
	check_digest(x, ev, hashed);
}

static void expect_14_bytes(struct esp *x, const char *name, struct bytes b)
{
	expect_14(x, name, (struct slice){ b.p, b.n });
	bytes_done(&b);
}

static void expect_7(struct esp *x, const char *name, const struct guid *guid, const void *p, size_t n)
{
	const struct event *ev = next_own(x);
	struct bytes b = { NULL, 0 };

	bytes_add_variable(&b, name, guid, p, n);
	if (!ev || ev->pcr != 7 || ev->data.n != b.n || memcmp(ev->data.p, b.p, b.n) != 0)
		fail_msg("expected PCR 7 %s, got PCR %d %s", name, ev ? (int)ev->pcr : -1,
			 ev && ev->description ? ev->description : "nothing");
	check_digest(x, ev, (struct slice){ b.p, b.n });
	bytes_done(&b);
}

static void expect_7_text(struct esp *x, const char *name, const char *text)
{
	expect_7(x, name, &guid_shim_lock, text, strlen(text));
}

static void expect_no_more(struct esp *x)
{
	const struct event *ev = next_own(x);

	if (ev)
		fail_msg("unexpected: PCR %u %s", ev->pcr, ev->description);
}

/* How many images of this path were loaded, by what is in the events. */
static size_t count_loads(const struct esp *x, const char *source)
{
	size_t n = 0;

	for (size_t i = 0; i < x->p.log.n_events; i++) {
		const struct event *ev = &x->p.log.events[i];

		n += ev->pcr == 4 && ev->type == EV_EFI_BOOT_SERVICES_APPLICATION &&
		     strcmp(ev->source, source) == 0;
	}
	return n;
}

static const uint8_t on = 1;

/* ---- versions ---- */

static void each_version_has_its_row(void **state)
{
	static const struct {
		unsigned major, minor;
		bool trusted, inverse, pcr7, policy, runtime, load_image, sections, newer;
		enum shim_level level;
	} cases[] = {
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
	struct fixture f;

	start(&f, x);
	put_kernel(x, "EFI/BOOT/grubx64.efi");
	put_shim(x, FIRST, (struct build_shim){ .version = "15" });
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED, "shim 15 is older than 15.4");
	put_shim(x, FIRST, (struct build_shim){ .version = "next" });
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED, "version \"next\", expected a number");
	put_shim(x, FIRST, (struct build_shim){ .version = "16.3" });
	esp_predict(x);
	expect_note(x, "newer than every version known here: predicted as the newest known, 16.1");
	put_shim(x, FIRST, (struct build_shim){ .version = NULL });
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED, "a helper of shim");
}

/* ---- variables ---- */

static void shim_measures_its_lists_and_its_second_stage(void **state)
{
	static const char *const long_and_cut[] = { "sections with long names", "sections with cut names" };
	struct esp *x = *state;
	struct fixture f;

	for (int cut = 0; cut < 2; cut++) {
		struct file cert = read_signed(x, "three.der");
		struct file dbx = { (uint8_t *)"", 0 };

		print_message("%s\n", long_and_cut[cut]);
		start(&f, x);
		put_shim(x, FIRST,
			 (struct build_shim){ .version = "16.1",
					      .authorized = cert.p,
					      .n_authorized = cert.n,
					      .deauthorized = dbx.p,
					      .n_deauthorized = dbx.n,
					      .long_names = !cut });
		struct file kernel = put_kernel(x, "EFI/BOOT/grubx64.efi");
		esp_predict(x);
		expect_14_bytes(x, "MokList", signature_list(&x509_guid, &guid_shim_lock, cert.p, cert.n));
		expect_14_bytes(x, "MokListX", no_key());
		expect_7_text(x, "SbatLevel", ORIGINAL);
		expect_14(x, "MokListTrusted", (struct slice){ &on, 1 });
		expect_no_more(x);
		assert_int_equal(count_loads(x, "\\EFI\\BOOT\\grubx64.efi"), 1);
		(void)kernel;
	}
}

static void the_event_of_the_second_stage_has_its_path_and_address(void **state)
{
	struct esp *x = *state;
	struct fixture f;
	struct bytes path = { NULL, 0 };

	start(&f, x);
	put_shim(x, FIRST, (struct build_shim){ .version = "16.1" });
	struct file kernel = { NULL, 0 };
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

static void enrolled_keys_follow_shims_own(void **state)
{
	struct esp *x = *state;
	struct fixture f;
	struct file cert = read_signed(x, "three.der");
	struct bytes all = signature_list(&x509_guid, &guid_shim_lock, cert.p, cert.n);
	struct bytes dbx =
		signature_list(&sha256_guid, &guid_image_security, "0123456789abcdef0123456789abcdef", 32);
	struct bytes dbx_all = { NULL, 0 };

	start(&f, x);
	put_kernel(x, "EFI/BOOT/grubx64.efi");
	put_shim(x, FIRST,
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
	expect_7_text(x, "SbatLevel", ORIGINAL);
	expect_14(x, "MokListTrusted", (struct slice){ &on, 1 });
	expect_14(x, "MokPolicy", (struct slice){ &on, 1 });
	expect_no_more(x);

	/* A database of the vendor stands in the place of a certificate, as it is. */
	put_shim(x, FIRST,
		 (struct build_shim){ .version = "15.8", .authorized = dbx.p, .n_authorized = dbx.n });
	f.variables.n = 0;
	esp_predict(x);
	expect_14(x, "MokList", (struct slice){ dbx.p, dbx.n });
	bytes_done(&dbx);
}

static void the_certificate_of_the_build_is_found(void **state)
{
	struct esp *x = *state;
	struct fixture f;
	struct file cert = read_signed(x, "three.der");
	struct bytes data = { NULL, 0 };

	start(&f, x);
	put_kernel(x, "EFI/BOOT/grubx64.efi");
	bytes_add(&data, "\x30\x82\x00\x01\x30", 5); /* begins like one */
	bytes_add(&data, cert.p, cert.n);
	bytes_add(&data, "\x30\x82", 2);
	put_shim(x, FIRST, (struct build_shim){ .version = "16.1", .data = data.p, .n_data = data.n });
	esp_predict(x);
	expect_14_bytes(x, "MokList", signature_list(&x509_guid, &guid_shim_lock, cert.p, cert.n));
	expect_assumption(x, "shim-build-certificate", "found among the data");
	bytes_done(&data);
}

static void the_state_of_verification_is_measured_twice(void **state)
{
	struct esp *x = *state;
	struct fixture f;

	start(&f, x);
	put_kernel(x, "EFI/BOOT/grubx64.efi");
	put_shim(x, FIRST,
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
	struct fixture f;

	put_kernel(x, "EFI/BOOT/grubx64.efi");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		print_message("%s, %d\n", cases[i].version, cases[i].set);
		start(&f, x);
		put_shim(x, FIRST, (struct build_shim){ .version = cases[i].version, .automatic = ORIGINAL });
		if (cases[i].set)
			set_mok(&f, "MokListTrusted", "\1");
		esp_predict(x);
		expect_14_bytes(x, "MokList", no_key());
		expect_14_bytes(x, "MokListX", no_key());
		expect_7_text(x, "SbatLevel", ORIGINAL);
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
	struct fixture f;

	start(&f, x);
	put_kernel(x, "EFI/BOOT/grubx64.efi");
	put_shim(x, FIRST, (struct build_shim){ .version = "16.1" });
	set_variable(&f, "MokList", &guid_shim_lock, 7, "from the running system", 23);
	esp_predict(x);
	expect_14_bytes(x, "MokList", no_key());
}

static void variables_that_are_not_known_are_taken_to_be_unset(void **state)
{
	struct esp *x = *state;
	struct fixture f;

	start(&f, x);
	x->opt.variables = NULL;
	put_kernel(x, "EFI/BOOT/grubx64.efi");
	put_shim(x, FIRST, (struct build_shim){ .version = "16.1" });
	esp_predict(x);
	expect_assumption(x, "shim-variables", "none is set: no MokList");
	expect_14_bytes(x, "MokList", no_key());
}

/* efivarfs shows the copies that shim makes for the system, not what only boot services see. */
static void what_a_running_system_sees_will_do(void **state)
{
	struct esp *x = *state;
	struct fixture f;
	struct file cert = read_signed(x, "three.der");
	struct bytes all = signature_list(&x509_guid, &guid_shim_lock, cert.p, cert.n), dummy = no_key();

	start(&f, x);
	put_kernel(x, "EFI/BOOT/grubx64.efi");
	put_shim(x, FIRST,
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
	struct fixture f;

	start(&f, x);
	put_kernel(x, "EFI/BOOT/grubx64.efi");
	put_shim(x, FIRST, (struct build_shim){ .version = "16.1" });
	set_mok(&f, "MokNew", "key");
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED, "variable MokNew is set: shim starts MokManager");
}

/* ---- SbatLevel ---- */

static void the_level_depends_on_version_policy_and_what_was_there(void **state)
{
	static const struct {
		const char *version;
		uint8_t policy; /* SbatPolicy; 0: none */
		const char *before, *after;
	} cases[] = {
		/* Secure Boot is off. */
		{ "15.4", 0, NULL, ORIGINAL },
		{ "15.4", 0, "sbat,1,2030010100\n", "sbat,1,2030010100\n" },
		{ "15.4", 0, "junk", ORIGINAL },
		{ "15.6", 0, NULL, ORIGINAL },
		{ "15.6", 1, NULL, "sbat,1,2022052400\nshim,2\ngrub,2\n" },
		{ "15.7", 0, NULL, BUILT_AUTOMATIC },
		{ "15.7", 1, NULL, BUILT_LATEST },
		{ "15.7", 3, BUILT_LATEST, ORIGINAL },
		{ "15.7", 0, "sbat,1,2030010100\nx,1\n", "sbat,1,2030010100\nx,1\n" },
		{ "15.8", 0, NULL, ORIGINAL },
		{ "15.8", 0, "sbat,1,2030010100\nx,1\n", ORIGINAL },
		{ "15.8", 2, NULL, BUILT_AUTOMATIC },
		{ "16.1", 1, NULL, BUILT_LATEST },
		{ "16.1", 1, "sbat,1,2030010100\nx,1\n", "sbat,1,2030010100\nx,1\n" },
		{ "16.1", 9, NULL, ORIGINAL },
	};
	struct esp *x = *state;
	struct fixture f;

	put_kernel(x, "EFI/BOOT/grubx64.efi");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		print_message("%zu\n", i);
		start(&f, x);
		put_shim(x, FIRST, (struct build_shim){ .version = cases[i].version });
		if (cases[i].before)
			set_mok(&f, "SbatLevel", cases[i].before);
		if (cases[i].policy)
			set_variable(&f, "SbatPolicy", &guid_shim_lock, 3, &cases[i].policy, 1);
		esp_predict(x);
		expect_14_bytes(x, "MokList", no_key());
		expect_14_bytes(x, "MokListX", no_key());
		expect_7_text(x, "SbatLevel", cases[i].after);
	}
}

static void newer_levels_stay(void **state)
{
	static const struct {
		const char *variable, *candidate;
		bool stays;
	} cases[] = {
		{ "sbat,1,2021030218\n", "sbat,1,2021030218\n", true },
		{ "sbat,1,2022052400\ngrub,2\n", "sbat,1,2021030218\n", true },
		{ "sbat,1,2021030218\n", "sbat,1,2022052400\ngrub,2\n", false },
		{ "sbat,2,2020010100\n", "sbat,1,2022052400\ngrub,2\n", true },
		{ "sbat,1,2030010100\n", "sbat,2,2022052400\n", true }, /* the later date counts after all */
		{ "sbat,10,202001010\n", "sbat,9,2022052400\n", true },
		{ "sbat,1,202103021\n", "sbat,1,2021030218\n", false }, /* too short */
		{ "SBAT,1,2030010100\n", "sbat,1,2021030218\n", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (sbat_level_stays(slice_of_string(cases[i].variable),
				     slice_of_string(cases[i].candidate)) != cases[i].stays)
			fail_msg("case %zu", i);
}

static void sbat_texts_are_read_as_shim_reads_them(void **state)
{
	static const char text[] = "\xef\xbb\xbfsbat,1,a,b,c,d,more\r\n\r\nloader,12x,a,b,c,d\nx,,a,b,c,d";
	struct pool pool = POOL_INIT;
	struct sbat image, level;

	(void)state;
	assert_string_equal(sbat_read(&pool, slice_of_string(text), SBAT_SECTION_COLUMNS, &image),
			    "row 3 of SBAT data: field 2 of 6 is missing");
	assert_null(
		sbat_read(&pool, (struct slice){ (const uint8_t *)text, 45 }, SBAT_SECTION_COLUMNS, &image));
	assert_int_equal(image.n, 2);
	assert_true(slice_equal_string(image.entries[1].name, "loader"));
	assert_int_equal(image.entries[1].generation, 12);
	/* Every shorter text: each row is whole or an error. */
	for (size_t n = 0; n <= sizeof text; n++) {
		uint8_t *exact = malloc(n ? n : 1);
		struct sbat s;

		assert_non_null(exact);
		memcpy(exact, text, n);
		const char *why = sbat_read(&pool, (struct slice){ exact, n }, SBAT_SECTION_COLUMNS, &s);
		assert_true(why || s.n <= 2);
		free(exact);
	}
	assert_null(
		sbat_read(&pool, slice_of_string("sbat,1,2021\nloader,13\n"), SBAT_LEVEL_COLUMNS, &level));
	assert_string_equal(sbat_revoked(&pool, &image, &level),
			    "component loader is of generation 12, SbatLevel wants 13");
	assert_null(sbat_read(&pool, slice_of_string("sbat,1,2021\nloader,12\nloade,99\n"),
			      SBAT_LEVEL_COLUMNS, &level));
	assert_null(sbat_revoked(&pool, &image, &level));
	assert_non_null(sbat_read(&pool, slice_of_string("sbat\n"), SBAT_LEVEL_COLUMNS, &level));
	assert_null(sbat_read(&pool, slice_of_string("\n\n"), SBAT_LEVEL_COLUMNS, &level));
	assert_int_equal(level.n, 0);
	pool_done(&pool);
}

/* ---- the second stage ---- */

static const char *second_stage(const struct esp *x)
{
	for (size_t i = 0; i < x->p.log.n_events; i++)
		if (x->p.log.events[i].pcr == 4 &&
		    strcmp(x->p.log.events[i].description, "second stage of shim") == 0)
			return x->p.log.events[i].source;
	return "none";
}

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
		{ "16.1", "BOOTX64.EFI other.efi|",
		  "\\EFI\\BOOT\\other.efi" }, /* the shell puts the program in front */
		{ "15.6", "\\EFI\\BOOT\\BOOTX64.EFI other.efi|", "\\EFI\\BOOT\\other.efi" },
		{ "15.5", "||||", "\\EFI\\BOOT\\grubx64.efi" },
		{ "15.5", "other.efi|", "\\EFI\\BOOT\\other.efi" },
	};
	struct esp *x = *state;
	struct fixture f;

	put_kernel(x, "EFI/BOOT/grubx64.efi");
	put_kernel(x, "EFI/BOOT/other.efi");
	put_kernel(x, "EFI/sub/other.efi");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		start(&f, x);
		put_shim(x, FIRST, (struct build_shim){ .version = cases[i].version });
		esp_set_load_options(x, cases[i].options);
		for (size_t k = 0; k < x->load_options.n; k += 2)
			if (x->load_options.p[k] == '|')
				x->load_options.p[k] = 0;
		esp_predict(x);
		if (strcmp(second_stage(x), cases[i].path) != 0)
			fail_msg("case %zu: expected %s, got %s", i, cases[i].path, second_stage(x));
	}
	put_shim(x, FIRST, (struct build_shim){ .version = "15.4" });
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED, "how shim 15.4 reads load options is not known here");
	put_shim(x, FIRST, (struct build_shim){ .version = "15.5" });
	esp_set_load_options(x, "missing.efi ");
	esp_predict_fails(x, PCRCAST_ENOTFOUND, "missing.efi");
}

/* The kernel measures what it is handed: what is behind the name. */
static void the_second_stage_gets_the_rest_of_the_load_options(void **state)
{
	struct esp *x = *state;
	struct fixture f;
	struct bytes rest = { NULL, 0 };
	bool seen = false;

	start(&f, x);
	put_kernel(x, "EFI/BOOT/other.efi");
	put_shim(x, FIRST, (struct build_shim){ .version = "16.1" });
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
	struct fixture f;
	struct bytes b = { NULL, 0 };

	put_kernel(x, "EFI/BOOT/grubx64.efi");
	put_kernel(x, "EFI/BOOT/other.efi");
	start(&f, x);
	put_shim(x, FIRST, (struct build_shim){ .version = "16.1" });
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
	struct fixture f;
	struct bytes csv = { NULL, 0 };

	put_kernel(x, "EFI/BOOT/grubx64.efi");
	put_kernel(x, "EFI/BOOT/other.efi");
	bytes_add(&csv, "\xff\xfe", 2);
	bytes_add_wide(&csv, "other.efi,comment");
	esp_put(x, "EFI/BOOT/options.csv", csv.p, csv.n);
	bytes_done(&csv);
	start(&f, x);
	put_shim(x, FIRST, (struct build_shim){ .version = "16.0" });
	esp_predict(x);
	assert_string_equal(second_stage(x), "\\EFI\\BOOT\\other.efi");
	expect_note(x, "options.csv names shim's second stage: other.efi");
	put_shim(x, FIRST, (struct build_shim){ .version = "15.8" });
	esp_predict(x);
	assert_string_equal(second_stage(x), "\\EFI\\BOOT\\grubx64.efi");
}

static void another_default_is_found_in_the_file(void **state)
{
	struct esp *x = *state;
	struct fixture f;

	start(&f, x);
	put_kernel(x, "EFI/BOOT/grubx64.efi");
	put_kernel(x, "EFI/BOOT/systemd-bootx64.efi");
	put_shim(x, FIRST,
		 (struct build_shim){ .version = "16.1", .default_loader = "\\\\systemd-bootx64.efi" });
	esp_predict(x);
	assert_string_equal(second_stage(x), "\\EFI\\BOOT\\systemd-bootx64.efi");
	put_shim(x, FIRST, (struct build_shim){ .version = "16.1", .default_loader = "" });
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
	struct fixture f;

	start(&f, x);
	put_kernel(x, "EFI/BOOT/grubx64.efi");
	put_kernel(x, "EFI/BOOT/other.efi");
	put_shim(x, FIRST, (struct build_shim){ .version = "16.1", .data = text, .n_data = sizeof text });
	esp_set_load_options(x, "other.efi ");
	esp_predict(x);
	assert_string_equal(second_stage(x), "\\EFI\\BOOT\\grubx64.efi");
}

/* ---- fallback ---- */

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
	struct fixture f;
	struct bytes rest = { NULL, 0 };

	start(&f, x);
	put_shim(x, FIRST, (struct build_shim){ .version = "16.1" });
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
	struct fixture f;

	start(&f, x);
	put_shim(x, FIRST, (struct build_shim){ .version = "16.1" });
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
	struct fixture f;

	start(&f, x);
	x->opt.boot = "\\EFI\\test\\shimx64.efi";
	put_shim(x, "EFI/test/shimx64.efi", (struct build_shim){ .version = "16.1" });
	put_kernel(x, "EFI/BOOT/fbx64.efi");
	put_kernel(x, "EFI/test/grubx64.efi");
	esp_predict(x);
	assert_string_equal(second_stage(x), "\\EFI\\test\\grubx64.efi");
}

/* ---- hostile files ---- */

static void a_circle_is_seen(void **state)
{
	static const char text[] = "#### LoaderInfo: systemd-boot 257.13 ####";
	const struct built_section s = { ".sdmagic", text, strlen(text), 0 };
	struct esp *x = *state;
	struct fixture f;
	size_t n;

	start(&f, x);
	put_shim(x, FIRST, (struct build_shim){ .version = "16.1" });
	uint8_t *boot = esp_keep(x, build_pe(&(struct build_pe){ .sections = &s, .n_sections = 1 }, &n));
	esp_put(x, "EFI/BOOT/grubx64.efi", boot, n);
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED, "starts shim again");
}

static void every_truncation_is_borne(void **state)
{
	struct esp *x = *state;
	struct fixture f;
	struct file cert = read_signed(x, "three.der");

	start(&f, x);
	put_kernel(x, "EFI/BOOT/grubx64.efi");
	struct file shim = put_shim(
		x, FIRST,
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
	struct fixture f;

	start(&f, x);
	put_kernel(x, "EFI/BOOT/grubx64.efi");
	struct file s = put_shim(
		x, FIRST, (struct build_shim){ .version = "16.1", .authorized = "abc", .n_authorized = 3 });
	esp_predict_fails(x, PCRCAST_EFORMAT,
			  "section .vendor_cert: expected a certificate or signature lists");
	uint8_t *vendor = s.p + get_u32le(built_section_header(s.p, 1) + 20);
	put_u32le(vendor, 0x7fffffff);
	esp_put(x, FIRST, s.p, s.n);
	esp_predict_fails(x, PCRCAST_EFORMAT, "section .vendor_cert: a part lies outside of the section");
	put_u32le(vendor, 0);
	put_u32le(vendor + 8, 0xffffffff);
	esp_put(x, FIRST, s.p, s.n);
	esp_predict_fails(x, PCRCAST_EFORMAT, "a part lies outside");
	put_u32le(vendor + 8, 16);
	uint8_t *level = s.p + get_u32le(built_section_header(s.p, 2) + 20);
	put_u32le(level + 8, 0xfffffff0);
	esp_put(x, FIRST, s.p, s.n);
	esp_predict_fails(x, PCRCAST_EFORMAT, "section .sbatlevel: expected format 0 and two texts");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_version_has_its_row),
		WITH_ESP(a_version_that_is_not_known_is_said),
		WITH_ESP(shim_measures_its_lists_and_its_second_stage),
		WITH_ESP(the_event_of_the_second_stage_has_its_path_and_address),
		WITH_ESP(enrolled_keys_follow_shims_own),
		WITH_ESP(the_certificate_of_the_build_is_found),
		WITH_ESP(the_state_of_verification_is_measured_twice),
		WITH_ESP(what_is_said_of_the_trust_in_the_list_depends_on_the_version),
		WITH_ESP(a_variable_that_the_system_could_have_set_is_deleted),
		WITH_ESP(variables_that_are_not_known_are_taken_to_be_unset),
		WITH_ESP(what_a_running_system_sees_will_do),
		WITH_ESP(a_request_to_mokmanager_is_not_followed),
		WITH_ESP(the_level_depends_on_version_policy_and_what_was_there),
		cmocka_unit_test(newer_levels_stay),
		cmocka_unit_test(sbat_texts_are_read_as_shim_reads_them),
		WITH_ESP(load_options_name_the_second_stage),
		WITH_ESP(the_second_stage_gets_the_rest_of_the_load_options),
		WITH_ESP(a_whole_load_option_is_read_too),
		WITH_ESP(options_csv_names_the_second_stage_from_16_on),
		WITH_ESP(another_default_is_found_in_the_file),
		WITH_ESP(some_builds_pass_over_load_options_of_removable_media),
		WITH_ESP(fallback_makes_a_boot_option_and_restarts),
		WITH_ESP(fallback_without_a_loader_restarts_without_end),
		WITH_ESP(fallback_counts_on_removable_media_only),
		WITH_ESP(a_circle_is_seen),
		WITH_ESP(every_truncation_is_borne),
		WITH_ESP(tables_that_point_outside_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
