/*
 * shim with Secure Boot: what it lets pass, by what, and what it makes of images that are loaded after it.
 *
 * The key "three" of tests/data/signed has signed boot-sbat, uki-sbat and uki-signed-kernel; "one" the others used here.
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
#define NEXT "EFI/BOOT/grubx64.efi"
#define NEXT_PATH "\\EFI\\BOOT\\grubx64.efi"
#define UKI "EFI/Linux/a.efi"
#define UKI_PATH "\\EFI\\Linux\\a.efi"

static const struct guid sha256_guid = EFI_CERT_SHA256_GUID;
static const struct guid x509_guid = EFI_CERT_X509_GUID;

struct file {
	uint8_t *p;
	size_t n;
};

struct fixture {
	struct esp *x;
	struct firmware_variables variables;
	struct firmware_variable items[16];
	struct bytes db; /* of signature lists; shim's digest among them */
	struct file three;
};

static void set_variable(struct fixture *f, const char *name, const struct guid *guid, const void *p,
			 size_t n)
{
	for (size_t i = 0; i < f->variables.n; i++)
		if (strcmp(f->items[i].name, name) == 0) {
			f->items[i].data = (struct slice){ p, n };
			return;
		}
	assert_true(f->variables.n < 16);
	f->items[f->variables.n++] = (struct firmware_variable){ name, *guid, 0, { p, n } };
}

static struct file put_signed(struct fixture *f, const char *to, const char *name)
{
	char path[256];
	struct file s;

	(void)snprintf(path, sizeof path, "tests/data/signed/%s", name);
	s.p = esp_keep(f->x, load_file(path, &s.n));
	if (to)
		esp_put(f->x, to, s.p, s.n);
	return s;
}

/* The digest of the image whose load event names this source. */
static void find_digest(const struct esp *x, const char *source, uint8_t ret[32])
{
	for (size_t i = 0; i < x->p.log.n_events; i++) {
		const struct event *ev = &x->p.log.events[i];

		if (ev->pcr == 4 && strcmp(ev->source, source) == 0) {
			memcpy(ret, event_digest(ev, &x->p.log, ALG_SHA256).p, 32);
			return;
		}
	}
	fail_msg("no image %s", source);
}

/*
 * A machine with Secure Boot and this shim, which db knows by its digest. With authorized "three" its vendor certificate is
 * that of the key.
 */
static void start(struct fixture *f, struct esp *x, const char *version, bool vendor)
{
	uint8_t digest[32];
	size_t n;

	*f = (struct fixture){ .x = x };
	f->three = put_signed(f, NULL, "three.der");
	uint8_t *shim = build_shim(&(struct build_shim){ .version = version,
							 .authorized = f->three.p,
							 .n_authorized = vendor ? f->three.n : 0 },
				   &n);
	esp_put(x, FIRST, esp_keep(x, shim), n);
	f->variables = (struct firmware_variables){ f->items, 0, 16, true };
	x->opt.pcrs = 0xffff;
	x->opt.variables = &f->variables;
	x->opt.secure_boot = x->opt.secure_boot_given = false;
	size_t len;
	uint8_t *kernel = esp_keep(x, build_kernel(0, 0, &len));
	esp_put(x, NEXT, kernel, len);
	esp_predict(x);
	find_digest(x, "\\EFI\\BOOT\\BOOTX64.EFI", digest);
	bytes_add_signature_list(&f->db, &sha256_guid, &guid_image_security, digest, 32);
	set_variable(f, "db", &guid_image_security, f->db.p, f->db.n);
	set_variable(f, "PK", &guid_efi_global, "key", 3);
	x->opt.secure_boot = x->opt.secure_boot_given = true;
}

static void end(struct fixture *f)
{
	bytes_done(&f->db);
}

/* The number of authorities in PCR 7 with this name and data, of shim's and the firmware's. */
static size_t count_authorities(const struct esp *x, const char *name, const struct guid *guid, const void *p,
				size_t n)
{
	struct bytes b = { NULL, 0 };
	size_t found = 0;

	bytes_add_variable(&b, name, guid, p, n);
	for (size_t i = 0; i < x->p.log.n_events; i++) {
		const struct event *ev = &x->p.log.events[i];

		found += ev->pcr == 7 && ev->type == (uint32_t)EV_EFI_VARIABLE_AUTHORITY &&
			 slice_equal(ev->data, (struct slice){ b.p, b.n });
	}
	bytes_done(&b);
	return found;
}

/* EFI_SIGNATURE_DATA of the key's certificate. */
static struct bytes owned(const struct fixture *f, const struct guid *owner)
{
	struct bytes b = { NULL, 0 };

	bytes_add(&b, owner->bytes, 16);
	bytes_add(&b, f->three.p, f->three.n);
	return b;
}

static size_t count_loads(const struct esp *x, const char *source)
{
	size_t n = 0;

	for (size_t i = 0; i < x->p.log.n_events; i++)
		n += x->p.log.events[i].pcr == 4 && strcmp(x->p.log.events[i].source, source) == 0;
	return n;
}

static size_t count_kernels(const struct esp *x)
{
	size_t n = 0;

	for (size_t i = 0; i < x->p.log.n_events; i++)
		n += x->p.log.events[i].pcr == 4 &&
		     strcmp(x->p.log.events[i].description, "kernel inside the UKI") == 0;
	return n;
}

/* Index of the event that loads the image, and of the first authority with this data in front or behind. */
static size_t load_at(const struct esp *x, const char *source)
{
	for (size_t i = 0; i < x->p.log.n_events; i++)
		if (x->p.log.events[i].pcr == 4 && strcmp(x->p.log.events[i].source, source) == 0)
			return i;
	fail_msg("no image %s", source);
	return 0;
}

/* ---- the second stage ---- */

static void shims_certificate_is_one_of_its_list_since_15_7(void **state)
{
	static const struct {
		const char *version;
		bool list;
	} cases[] = { { "15.4", false }, { "15.5", false }, { "15.6", false }, { "15.7", true },
		      { "15.8", true },  { "16.0", true },  { "16.1", true } };
	struct esp *x = *state;
	struct fixture f;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		print_message("%s\n", cases[i].version);
		start(&f, x, cases[i].version, true);
		put_signed(&f, NEXT, "boot-sbat.efi");
		put_signed(&f, UKI, "uki-signed-kernel.efi");
		esp_predict(x);
		struct bytes entry = owned(&f, &guid_shim_lock);
		assert_int_equal(count_authorities(x, "MokListRT", &guid_shim_lock, entry.p, entry.n),
				 cases[i].list ? 1 : 0);
		assert_int_equal(count_authorities(x, "Shim", &guid_shim_lock, f.three.p, f.three.n),
				 cases[i].list ? 0 : 1);
		/* Once, though the UKI passes by it too; the event of an image comes behind what lets it pass. */
		assert_int_equal(x->p.log.events[load_at(x, NEXT_PATH) - 1].pcr, 7);
		assert_int_equal(count_loads(x, UKI_PATH), 1);
		bytes_done(&entry);
		end(&f);
	}
}

static void db_comes_before_shims_own_lists(void **state)
{
	struct esp *x = *state;
	struct fixture f;

	start(&f, x, "16.1", true);
	put_signed(&f, NEXT, "boot-sbat.efi");
	put_signed(&f, UKI, "uki-sbat.efi");
	bytes_add_signature_list(&f.db, &x509_guid, &x509_guid, f.three.p, f.three.n);
	set_variable(&f, "db", &guid_image_security, f.db.p, f.db.n);
	esp_predict(x);
	struct bytes in_db = owned(&f, &x509_guid), in_list = owned(&f, &guid_shim_lock);
	assert_int_equal(count_authorities(x, "db", &guid_image_security, in_db.p, in_db.n), 1);
	assert_int_equal(count_authorities(x, "MokListRT", &guid_shim_lock, in_list.p, in_list.n), 0);
	/* MokDBState tells shim to look over db. */
	set_variable(&f, "MokDBState", &guid_shim_lock, "\1", 1);
	esp_predict(x);
	assert_int_equal(count_authorities(x, "db", &guid_image_security, in_db.p, in_db.n), 0);
	assert_int_equal(count_authorities(x, "MokListRT", &guid_shim_lock, in_list.p, in_list.n), 1);
	bytes_done(&in_db);
	bytes_done(&in_list);
	end(&f);
}

static void enrolled_keys_and_digests_let_an_image_pass(void **state)
{
	struct esp *x = *state;
	struct fixture f;
	struct bytes list = { NULL, 0 }, entry = { NULL, 0 };
	uint8_t digest[32];

	start(&f, x, "15.8", false);
	put_signed(&f, NEXT, "boot-sbat.efi");
	put_signed(&f, UKI, "uki-sbat.efi");
	esp_predict_fails(x, PCRCAST_EFORMAT, "nothing that it trusts verifies a signature of the image");
	bytes_add_signature_list(&list, &x509_guid, &guid_image_security, f.three.p, f.three.n);
	set_variable(&f, "MokList", &guid_shim_lock, list.p, list.n);
	esp_predict(x);
	entry = owned(&f, &guid_image_security);
	assert_int_equal(count_authorities(x, "MokListRT", &guid_shim_lock, entry.p, entry.n), 1);
	find_digest(x, NEXT_PATH, digest);
	bytes_done(&entry);

	/* The digest alone; the UKI passes by nothing then. */
	bytes_done(&list);
	bytes_add_signature_list(&list, &sha256_guid, &x509_guid, digest, 32);
	set_variable(&f, "MokList", &guid_shim_lock, list.p, list.n);
	esp_predict_fails(x, PCRCAST_EFORMAT, "\\EFI\\Linux\\a.efi: shim refuses it");
	bytes_done(&list);
	end(&f);
}

static void what_is_revoked_does_not_start(void **state)
{
	struct esp *x = *state;
	struct fixture f;
	struct bytes list = { NULL, 0 };
	uint8_t digest[32];

	start(&f, x, "16.1", true);
	put_signed(&f, NEXT, "boot-sbat.efi");
	put_signed(&f, UKI, "uki-sbat.efi");
	esp_predict(x);
	find_digest(x, NEXT_PATH, digest);
	bytes_add_signature_list(&list, &sha256_guid, &guid_image_security, digest, 32);
	set_variable(&f, "dbx", &guid_image_security, list.p, list.n);
	esp_predict_fails(x, PCRCAST_EFORMAT,
			  NEXT_PATH ": shim refuses it: its digest is revoked in dbx, and starts MokManager");
	set_variable(&f, "dbx", &guid_image_security, "", 0);
	set_variable(&f, "MokListX", &guid_shim_lock, list.p, list.n);
	esp_predict_fails(x, PCRCAST_EFORMAT, "its digest is revoked in MokListX");
	bytes_done(&list);
	bytes_add_signature_list(&list, &x509_guid, &guid_image_security, f.three.p, f.three.n);
	set_variable(&f, "MokListX", &guid_shim_lock, list.p, list.n);
	esp_predict_fails(x, PCRCAST_EFORMAT, "the certificate of its signer is revoked in MokListX");
	bytes_done(&list);
	end(&f);
}

static void sbat_generations_count(void **state)
{
	static const char later[] = "sbat,1,2030010100\nshim,4\nloader,3\n";
	static const char fatal[] = "sbat,1,2030010100\nshim,5\n";
	struct esp *x = *state;
	struct fixture f;

	start(&f, x, "16.1", true);
	put_signed(&f, NEXT, "boot-sbat.efi");
	put_signed(&f, UKI, "uki-sbat.efi");
	set_variable(&f, "SbatLevel", &guid_shim_lock, later, strlen(later));
	esp_predict_fails(x, PCRCAST_EFORMAT,
			  NEXT_PATH
			  ": shim refuses it: component loader is of generation 2, SbatLevel wants 3");
	set_variable(&f, "SbatLevel", &guid_shim_lock, fatal, strlen(fatal));
	esp_predict_fails(x, PCRCAST_EFORMAT, "shim does not start under its own SbatLevel");
	f.variables.n--;
	/* Of an unsigned image the signature is missed first; of a signed one .sbat. */
	put_signed(&f, NEXT, "boot-257.13.efi");
	esp_predict_fails(x, PCRCAST_EFORMAT, "nothing that it trusts verifies");
	end(&f);
}

/* A UKI of generation 1, which shim's list knows by its digest. */
static struct bytes put_old_uki(struct fixture *f)
{
	static const char row[] = "loader,2,";
	struct file uki = put_signed(f, NULL, "uki-sbat.efi");
	struct bytes list = { NULL, 0 };
	uint8_t digest[32];

	for (size_t i = 0; i + strlen(row) < uki.n; i++)
		if (memcmp(uki.p + i, row, strlen(row)) == 0)
			uki.p[i + strlen("loader,")] = '1';
	esp_put(f->x, UKI, uki.p, uki.n);
	f->x->opt.secure_boot = false;
	f->variables.n = 0;
	esp_predict(f->x);
	find_digest(f->x, UKI_PATH, digest);
	f->x->opt.secure_boot = true;
	f->variables.n = 2; /* db and PK */
	bytes_add_signature_list(&list, &sha256_guid, &x509_guid, digest, 32);
	return list;
}

/* Before 15.6 the protocol verifies signatures alone: shim commit a2da05fc. */
static void generations_count_by_protocol_from_15_6_on(void **state)
{
	static const char *const versions[] = { "15.5", "15.6" };
	static const char level[] = "sbat,1,2030010100\nshim,4\nloader,2\n";
	struct esp *x = *state;
	struct fixture f;

	for (size_t i = 0; i < 2; i++) {
		start(&f, x, versions[i], true);
		put_signed(&f, NEXT, "boot-sbat.efi");
		struct bytes list = put_old_uki(&f);
		set_variable(&f, "MokList", &guid_shim_lock, list.p, list.n);
		set_variable(&f, "SbatLevel", &guid_shim_lock, level, strlen(level));
		if (i == 0)
			esp_predict(x);
		else
			esp_predict_fails(x, PCRCAST_EFORMAT,
					  UKI_PATH ": shim refuses it: component loader is of generation 1");
		esp_remove(x, UKI);
		bytes_done(&list);
		end(&f);
	}
}

/* Logs of Debian 10 and RHEL 8 have the same event in two forms. */
static void what_shim_15_writes_to_pcr_7_is_not_known(void **state)
{
	struct esp *x = *state;
	struct fixture f;

	start(&f, x, "15", true);
	put_signed(&f, NEXT, "boot-sbat.efi");
	put_signed(&f, UKI, "uki-sbat.efi");
	esp_predict(x);
	assert_int_equal(count_loads(x, UKI_PATH), 1);
	expect_reason(x, 7, "how shim 15 writes what lets an image pass depends on patches", NULL);
	assert_false(x->p.incomplete & (1u << 4 | 1u << 14));
	end(&f);
	/* MokSBState is heeded by patched builds only. */
	start(&f, x, "15.4", true);
	set_variable(&f, "MokSBState", &guid_shim_lock, "\1", 1);
	esp_predict(x);
	expect_reason(x, 7, "MokSBState is set, and not every build of shim 15.4 heeds it", NULL);
	end(&f);
}

/* shim 16.0 verifies the kernel inside a UKI, too: one that it refuses comes back through the stub. */
static void a_uki_whose_kernel_is_refused_comes_back(void **state)
{
	static const char *const attempted[] = { "\\EFI\\BOOT\\BOOTX64.EFI" };
	struct esp *x = *state;
	struct fixture f;
	size_t once = 0, both = 0;

	start(&f, x, "16.0", true);
	put_signed(&f, NEXT, "uki-sbat.efi");
	put_signed(&f, "EFI/real.efi", "uki-sbat.efi");
	bytes_add_signature_list(&f.db, &x509_guid, &x509_guid, f.three.p, f.three.n);
	set_variable(&f, "db", &guid_image_security, f.db.p, f.db.n);
	x->opt.boot = "\\EFI\\real.efi";
	esp_predict(x);
	for (size_t i = 0; i < x->p.log.n_events; i++)
		once += x->p.log.events[i].pcr == 11;
	x->opt.attempted = attempted;
	x->opt.n_attempted = 1;
	esp_predict(x);
	expect_note(x, ": shim refuses it: it is not signed");
	assert_false(x->p.incomplete & (1u << 4 | 1u << 7 | 1u << 11 | 1u << 14));
	assert_int_equal(count_loads(x, NEXT_PATH), 1);
	assert_int_equal(count_loads(x, "\\EFI\\real.efi"), 1);
	for (size_t i = 0; i < x->p.log.n_events; i++)
		both += x->p.log.events[i].pcr == 11;
	assert_int_equal(both, 2 * once); /* the stub has measured its sections by then */
	end(&f);
}

static void an_unsigned_second_stage_is_refused(void **state)
{
	struct esp *x = *state;
	struct fixture f;

	start(&f, x, "16.1", true);
	esp_predict_fails(x, PCRCAST_EFORMAT,
			  NEXT_PATH ": shim refuses it: it is not signed, and starts MokManager");
	end(&f);
}

/* mokutil --disable-validation */
static void shim_can_be_told_not_to_verify(void **state)
{
	static const char *const versions[] = { "15.8", "16.1" };
	struct esp *x = *state;
	struct fixture f;

	for (size_t i = 0; i < 2; i++) {
		start(&f, x, versions[i], true);
		set_variable(&f, "MokSBState", &guid_shim_lock, "\1", 1);
		esp_predict(x);
		assert_int_equal(count_loads(x, NEXT_PATH), 1);
		assert_int_equal(count_authorities(x, "MokSBState", &guid_shim_lock, "\1", 1), 1);
		end(&f);
	}
}

/* ---- what is loaded afterwards ---- */

static void the_kernel_in_a_uki_is_measured_by_shim_16_0_only(void **state)
{
	static const struct {
		const char *version;
		size_t loads;
	} cases[] = { { "15.8", 0 }, { "16.0", 1 }, { "16.1", 0 } };
	struct esp *x = *state;
	struct fixture f;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		print_message("%s\n", cases[i].version);
		start(&f, x, cases[i].version, true);
		put_signed(&f, NEXT, "boot-sbat.efi");
		put_signed(&f, UKI, "uki-signed-kernel.efi");
		esp_predict(x);
		assert_int_equal(count_loads(x, UKI_PATH), 1);
		assert_int_equal(count_kernels(x), cases[i].loads);
		end(&f);
	}
	start(&f, x, "16.0", true);
	put_signed(&f, NEXT, "boot-sbat.efi");
	put_signed(&f, UKI, "uki-sbat.efi");
	esp_predict_fails(x, PCRCAST_EFORMAT, ": shim refuses it: it is not signed");
	end(&f);
}

/* LoadImage() of shim 16 has the path; Verify() has none, measures first, and does so before it refuses. */
static void addons_are_measured_by_verify_even_when_refused(void **state)
{
	static const struct {
		const char *version;
		size_t loads;
	} cases[] = { { "15.8", 1 }, { "16.1", 0 } };
	struct esp *x = *state;
	struct fixture f;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		print_message("%s\n", cases[i].version);
		start(&f, x, cases[i].version, true);
		put_signed(&f, NEXT, "boot-sbat.efi");
		put_signed(&f, UKI, "uki-sbat.efi");
		put_signed(&f, "loader/addons/a.addon.efi", "addon-one.efi");
		esp_predict(x);
		assert_int_equal(count_loads(x, "\\loader\\addons\\a.addon.efi"), cases[i].loads);
		size_t at = load_at(x, UKI_PATH);
		assert_int_equal(get_u64le(x->p.log.events[at].data.p + 24) != 0, i == 1);
		esp_remove(x, "loader/addons/a.addon.efi");
		end(&f);
	}
}

static void without_db_what_it_would_decide_is_taken_for_granted(void **state)
{
	struct esp *x = *state;
	struct fixture f;

	start(&f, x, "16.1", true);
	put_signed(&f, NEXT, "boot-sbat.efi");
	put_signed(&f, UKI, "uki-sbat.efi");
	struct firmware_variables none = FIRMWARE_VARIABLES_INIT;

	x->opt.variables = &none;
	x->opt.secure_boot = x->opt.secure_boot_given = true;
	/* The firmware refuses an unsigned shim, whatever db holds. */
	esp_predict_fails(x, PCRCAST_EFORMAT, "it is not signed");
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ESP(shims_certificate_is_one_of_its_list_since_15_7),
		WITH_ESP(db_comes_before_shims_own_lists),
		WITH_ESP(enrolled_keys_and_digests_let_an_image_pass),
		WITH_ESP(what_is_revoked_does_not_start),
		WITH_ESP(a_uki_whose_kernel_is_refused_comes_back),
		WITH_ESP(sbat_generations_count),
		WITH_ESP(what_shim_15_writes_to_pcr_7_is_not_known),
		WITH_ESP(generations_count_by_protocol_from_15_6_on),
		WITH_ESP(an_unsigned_second_stage_is_refused),
		WITH_ESP(shim_can_be_told_not_to_verify),
		WITH_ESP(the_kernel_in_a_uki_is_measured_by_shim_16_0_only),
		WITH_ESP(addons_are_measured_by_verify_even_when_refused),
		WITH_ESP(without_db_what_it_would_decide_is_taken_for_granted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
