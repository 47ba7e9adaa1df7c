#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/encode.h"
#include "tests/unit/esp_files.h"

#define BYTES(text) ((struct slice){ (const uint8_t *)(text), sizeof(text) - 1 })

/* A kernel that measures nothing. */
static void put_silent_kernel(struct esp *x)
{
	struct file f = kernel_image(x, 0, 0);

	esp_put(x, BOOT, f.p, f.n);
}

static void expect_hex(const struct esp *x, enum alg alg, uint32_t pcr, const char *hex)
{
	char got[2 * DIGEST_MAX + 1];

	assert_false(x->p.incomplete & UINT32_C(1) << pcr);
	hex_encode(x->p.values[alg].pcr[pcr], algs[alg].len, got);
	assert_string_equal(got, hex);
}

/* ---- systemd's words; values by python3: hashlib.sha256(value + hashlib.sha256(word).digest()) ---- */

static void words_of_userspace_extend_pcr_15_in_systemds_order(void **state)
{
	static const char *const file_systems[] = { "/:ext4:u:l:p:t:n", "/var::::::" };
	static const struct volume_key key = { "root:uuid", { (const uint8_t *)"key", 3 } };
	struct esp *x = *state;

	put_silent_kernel(x);
	x->opt.pcrs = 1 << 15;
	x->opt.userspace.machine_id = "0123456789abcdef0123456789abcdef";
	x->opt.userspace.file_systems = file_systems;
	x->opt.userspace.n_file_systems = 2;
	x->opt.userspace.volume_keys = &key;
	x->opt.userspace.n_volume_keys = 1;
	x->opt.userspace.has_cluster_id = true;
	x->opt.userspace.cluster_id = BYTES("cluster");
	esp_predict(x);
	expect_hex(x, ALG_SHA256, 15, "df69c5d58ad405ffcdf6e5abfb59ca6bcedf0e5460d2ae8163d5834ce293d1ed");
}

/* HMAC by python3: hmac.new(key, b"cryptsetup:root:uuid", "sha512"); a key longer than a block is hashed first. */
static void volume_keys_are_an_hmac_in_each_bank(void **state)
{
	static const char *const want[ALG_COUNT] = {
		"360a72fa34ea21a2334ef8b41d2bd5f7bb944f57",
		"defc44398fdcf5466a6584128cb611943202897b42c3c0cee29a82febd0fad0e",
		"7f62b2de911cef0418e3f3a8165df3f52834ec183b05e84c26ace90a6cae6a5a363051529140952deb3d3fe5c1653170",
		"3129caa5f2ad642012f113e6e1aee444b463fae69ec465f559422f21af3a384e1757e3b454c2e8541d7eb36107fb5a01a3735d86e2dced80fb7a71a9951cf5fd",
	};
	uint8_t bytes[200];
	const struct volume_key key = { "root:uuid", { bytes, sizeof bytes } };
	struct esp *x = *state;

	memset(bytes, 'k', sizeof bytes);
	put_silent_kernel(x);
	x->opt.pcrs = 1 << 15;
	x->opt.banks = (1u << ALG_COUNT) - 1;
	x->opt.userspace.volume_keys = &key;
	x->opt.userspace.n_volume_keys = 1;
	esp_predict(x);
	for (enum alg a = 0; a < ALG_COUNT; a++)
		expect_hex(x, a, 15, want[a]);
}

static void separators_of_userspace_go_to_their_registers(void **state)
{
	static const char *const inits[] = { "hardware:0x1d10200:00ff" };
	struct esp *x = *state;
	uint32_t seen = 0;

	put_silent_kernel(x);
	x->opt.pcrs = 0xffff;
	x->opt.userspace.os_separator = x->opt.userspace.nvpcr_separator = true;
	x->opt.userspace.nvpcr_inits = inits;
	x->opt.userspace.n_nvpcr_inits = 1;
	esp_predict(x);
	for (size_t i = 0; i < x->p.log.n_events; i++)
		if (strcmp(x->p.log.events[i].description, "os-separator") == 0)
			seen |= UINT32_C(1) << x->p.log.events[i].pcr;
	assert_int_equal(seen, 0x72ff); /* systemd 261: 0 to 7, 9, 12 to 14 */
	expect_hex(x, ALG_SHA256, 9, "0b140d433fc55f6a582f950b1ecee0e208310d18f329efbbaf5ff91eeadcaa33");
	expect_hex(x, ALG_SHA256, 13, "3345a4e7857aa5ae65e97702ade84a3755fd6144724779536b5773128676c99c");
}

/* ---- IMA ---- */

/* SHA-256 registers 0 to 9 of a machine whose kernel (Debian 6.12) has IMA with ima-sig, sha256 and all hashes built in. */
static const char *const recorded[] = {
	"eaa650ae9b6b9c6d0ef4fab4dda3af9769f23c839ca3c98307a7a84831cbb472",
	"5279d78eaa2b9f2745b0929e0925372686584ea26708ef40e5d8f45ca061e839",
	"3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969",
	"3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969",
	"ea283f6d9e656f42d3eb5b445f08be52bb3788f577e125bbf5bb9162698a436d",
	"4249a463180095f932eee401b71345502c07b6ff57177f02f7b8eab32054e4ce",
	"3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969",
	"65caf8dd1e0ea7a6347b635d2b379c93b9a1351edc2afc3ecda700e534eb3068",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"d2b459212f6584bbfdc94776d9d4e7e9ea1b49152cf12979c56fd5b6cbfa51fe",
};

static struct pcr_values state_of_recorded(void)
{
	struct pcr_values v = { 0 };
	struct pool pool = POOL_INIT;

	for (enum alg a = 0; a < ALG_COUNT; a++)
		v.known[a] = 0xffffff;
	for (size_t i = 0; i < 10; i++) {
		struct slice bytes;

		assert_true(hex_decode(&pool, (struct slice){ (const uint8_t *)recorded[i], 64 }, &bytes));
		memcpy(v.value[ALG_SHA256][i], bytes.p, 32);
	}
	pool_done(&pool);
	return v;
}

static void imas_first_entry_is_the_recorded_machines(void **state)
{
	struct pcr_values v = state_of_recorded();
	struct esp *x = *state;

	put_silent_kernel(x);
	x->opt.after_state = &v;
	x->opt.exit_given = x->opt.exit_in_state = true; /* as Linux read them */
	x->opt.banks = (1u << ALG_COUNT) - 1;
	x->opt.userspace.boot_aggregate = x->opt.userspace.ima_template_given = true;
	x->opt.userspace.ima_hash = ALG_SHA256;
	x->opt.userspace.ima_template = IMA_SIG;
	x->opt.userspace.ima_hashes = (1u << ALG_COUNT) - 1;
	esp_predict(x);
	expect_hex(x, ALG_SHA1, 10, "76157f55f23987070ca0d3fd5e0d33c71009f7a3");
	expect_hex(x, ALG_SHA256, 10, "fc167fad062585d6a4e6435a958f6d672ea91e8dc394a1331dcee90c5e4ed793");
	expect_hex(
		x, ALG_SHA384, 10,
		"38584016f013a02b968bbb4178c3be7ff29fa65c7a304cf2fcf46f2c18881241c2d7078757b476f6e2a19c318dbb0e8e");
	expect_hex(
		x, ALG_SHA512, 10,
		"7ba2b200cbeb0a5fea0698f8cc07183c1f5e3fef5e6577ddd7d982c178c6485ed0b2d7a13bd4fe5480d038cc54b03f8d066ceabf2d7a38ad9191df4c2eff8110");

	/* Words come behind it, and do not change it. */
	x->opt.userspace.os_separator = true;
	esp_predict(x);
	expect_hex(x, ALG_SHA256, 10, "fc167fad062585d6a4e6435a958f6d672ea91e8dc394a1331dcee90c5e4ed793");

	/* Without the hash the kernel extends SHA-1 and zeros. By python3, as above. */
	x->opt.userspace.ima_hashes = 1u << ALG_SHA1 | 1u << ALG_SHA256;
	esp_predict(x);
	expect_hex(
		x, ALG_SHA384, 10,
		"d8f59ba048be64cf0e2ccbbd61637c3e2647010a0d2a177b1279e7b99594a98432f50ea7e0233b61086cb8324c7894c6");
}

static void imas_entry_needs_what_it_covers(void **state)
{
	struct pcr_values v = state_of_recorded();
	struct esp *x = *state;

	put_silent_kernel(x);
	x->opt.after_state = &v;
	x->opt.exit_given = x->opt.exit_in_state = true; /* as Linux read them */
	x->opt.userspace.boot_aggregate = true;
	x->opt.userspace.ima_hash = ALG_SHA1;
	esp_predict_fails(x, PCRCAST_EINVAL, "--boot-aggregate sha1: the bank is not among those of --bank");
	x->opt.banks = 1u << ALG_SHA1 | 1u << ALG_SHA384;
	esp_predict(x);
	expect_reason(x, 10, "depends on the hashes in the kernel", "--ima-hashes");
	x->opt.banks = 1u << ALG_SHA1;
	v.known[ALG_SHA1] &= ~(UINT32_C(1) << 8); /* SHA-1 covers 0 to 7 only */
	esp_predict(x);
	assert_false(x->p.incomplete & 1 << 10);
	expect_assumption(x, "ima-template", "ima-ng");
	v.known[ALG_SHA1] &= ~(UINT32_C(1) << 7);
	esp_predict(x);
	expect_reason(x, 10, "covers registers that are not known", "--baseline");
}

/* ---- models ---- */

/* Values of PCR 0 that Compute Engine's instances have: plain and SEV with firmware 1, plain and TDX with firmware 2. */
static void compute_engines_pcr_0_is_the_published_one(void **state)
{
	static const struct {
		unsigned version;
		enum memory_encryption m;
		const char *hex;
	} rows[] = {
		{ 1, ENCRYPTION_NONE, "24af52a4f429b71a3184a6d64cddad17e54ea030e2aa6576bf3a5a3d8bd3328f" },
		{ 1, ENCRYPTION_SEV, "0f35c214608d93c7a6e68ae7359b4a8be5a0e99eea9107ece427c4dea4e439cf" },
		{ 0, ENCRYPTION_NOT_SAID,
		  "d0c70a9310cd0b55767084333022ce53f42befbb69c059ee6c0a32766f160783" },
		{ 2, ENCRYPTION_TDX, "0cca9ec161b09288802e5a112255d21340ed5b797f5fe29cecccfd8f67b9f802" },
	};
	struct esp *x = *state;

	put_silent_kernel(x);
	x->opt.model = firmware_model_by_name("gcp");
	x->opt.pcrs = 1 << 0;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		x->opt.firmware_version = rows[i].version;
		x->opt.memory_encryption = rows[i].m;
		esp_predict(x);
		expect_hex(x, ALG_SHA256, 0, rows[i].hex);
	}
	x->opt.confidential_vm = true;
	x->opt.memory_encryption = ENCRYPTION_NOT_SAID;
	esp_predict(x);
	expect_reason(x, 0, "which technology", "--memory-encryption");
}

static void models_leave_open_what_nobody_has_shown(void **state)
{
	static const struct {
		const char *name;
		uint32_t open; /* of 0 to 7; 5 and 7 need the disk and the variables, which are not there */
	} rows[] = {
		{ "edk2", 0xa3 },  { "gcp", 0xa2 },    { "aws", 0xa3 },
		{ "azure", 0xe3 }, { "vmware", 0xff }, { "bare-metal", 0xff },
	};
	/* as in quotes of Azure machines, and in Constellation's reference values of Azure and EC2 */
	static const char separator_alone[] =
		"3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969";
	struct esp *x = *state;

	put_silent_kernel(x);
	x->opt.pcrs = 0xff;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		x->opt.model = firmware_model_by_name(rows[i].name);
		assert_non_null(x->opt.model);
		esp_predict(x);
		assert_int_equal(x->p.incomplete & 0xff, rows[i].open);
		for (uint32_t pcr = 2; pcr < 7; pcr++)
			if (pcr != 4 && pcr != 5 && !(rows[i].open & 1u << pcr))
				expect_hex(x, ALG_SHA256, pcr, separator_alone);
	}
	assert_null(firmware_model_by_name("gc"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ESP(words_of_userspace_extend_pcr_15_in_systemds_order),
		WITH_ESP(volume_keys_are_an_hmac_in_each_bank),
		WITH_ESP(separators_of_userspace_go_to_their_registers),
		WITH_ESP(imas_first_entry_is_the_recorded_machines),
		WITH_ESP(imas_entry_needs_what_it_covers),
		WITH_ESP(compute_engines_pcr_0_is_the_published_one),
		WITH_ESP(models_leave_open_what_nobody_has_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
