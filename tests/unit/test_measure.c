/* PCR 11 of a UKI, compared with what systemd-measure calculates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "tests/unit/build_pe.h"
#include "uki/measure.h"

enum { ALL_BANKS = (1 << ALG_COUNT) - 1 };

#define TEXT(section, text)                                               \
	{                                                                 \
		.name = (section), .bytes = (text), .n = sizeof(text) - 1 \
	}
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

struct opened {
	struct pool pool;
	struct pe pe;
	struct uki uki;
	uint8_t *image;
};

/* Takes over image. */
static struct opened open_image(uint8_t *image, size_t n, unsigned profile)
{
	struct opened o = { .pool = POOL_INIT, .image = image };
	struct sd_identity id;
	struct pcrcast_error e;
	struct blob b;

	assert_int_equal(blob_of_bytes(&o.pool, (struct slice){ image, n }, &b, NULL), 0);
	if (pe_parse(&o.pool, &b, &o.pe, &e) < 0 || sd_identify(&o.pool, &o.pe, &id, &e) < 0 ||
	    uki_open(&o.pool, &o.pe, &id, profile, &(struct hardware){ .ids_known = false }, &o.uki, &e) < 0)
		fail_msg("%s", e.msg);
	return o;
}

static struct opened open_uki(const char *version, const struct built_section *s, size_t n_sections)
{
	size_t n;
	uint8_t *image = build_uki(version, s, n_sections, &n);

	return open_image(image, n, 0);
}

static void done(struct opened *o)
{
	pool_done(&o->pool);
	free(o->image);
}

static void assert_pcr11(const struct pcr_bank *bank, const char *expected)
{
	char hex[2 * DIGEST_MAX + 1];

	hex_encode(bank->pcr[11], algs[bank->alg].len, hex);
	assert_string_equal(hex, expected);
}

static void measure(struct opened *o, struct pcr_bank banks[static ALG_COUNT])
{
	struct pcrcast_error e;

	if (uki_measure(&o->uki, ALL_BANKS, banks, &e) < 0)
		fail_msg("%s", e.msg);
}

/*
 * printf KERNEL >linux; printf 'ID=test\n' >osrel; printf quiet >cmdline; printf INITRD >initrd
 * systemd-measure (252.39) calculate --linux=linux --osrel=osrel --cmdline=cmdline --initrd=initrd
 */
static const struct built_section four[] = { TEXT(".linux", "KERNEL"), TEXT(".osrel", "ID=test\n"),
					     TEXT(".cmdline", "quiet"), TEXT(".initrd", "INITRD") };
static const char no_phase_sha1[] = "05094186d2ec4fac618b7ef0a53c0aa865d8f18d";
static const char no_phase_sha256[] = "6290aaa004669e164b33e135b45cb282e2327dffcbe3af393ba864de6a649f2e";
static const char *const phases_sha256[] = {
	"9640e7e48e7a379b4ecd5be68545014f6848a9bd8ba5c8c4fdc370be320463c4",
	"5704792423122c577d79d9b812c1ab33a69d40bb8e0a44118f466ba8f9d2dd88",
	"6ee5915f05506429633375e1f43657eeda855ea31f151f9ed15599230c89f6df",
	"12782112bcaf517b28a4317f0c98bfadafe40ed46a55f7fefbd60777e4c5ee8a",
};
/* its last line of each bank */
static const char *const ready[ALG_COUNT] = {
	[ALG_SHA1] = "ccf27febcaecf9a54e297520c0b12ba771fb5807",
	[ALG_SHA256] = "12782112bcaf517b28a4317f0c98bfadafe40ed46a55f7fefbd60777e4c5ee8a",
	[ALG_SHA384] = "7a48735467bbe989e0e07060b8a8701e8969a36a7c837ace11723c588e2d5e92"
		       "593322ca0e0ce70cc57d9668a3d0dbb8",
	[ALG_SHA512] = "31aadb56947cc1b6d1d9dd6655a9f91dbdfb50442cb79fe9134af56a64518662"
		       "d83f30b5c29ba40d026d9275f52a474c83e0caca5dba396afb2d7d46f66528e8",
};

static void sections_and_phases_give_what_systemd_measure_calculates(void **state)
{
	static const char *const versions[] = { "252.39", "253",    "254.26", "255",
						"256",    "257.13", "258",    "262" };
	struct pcr_bank banks[ALG_COUNT];

	(void)state;
	for (size_t i = 0; i < COUNT(versions); i++) {
		struct opened o = open_uki(versions[i], four, 4);

		measure(&o, banks);
		assert_pcr11(&banks[ALG_SHA1], no_phase_sha1);
		assert_pcr11(&banks[ALG_SHA256], no_phase_sha256);
		for (size_t k = 0; k < COUNT(phases_sha256); k++) {
			struct pcr_bank bank = banks[ALG_SHA256];

			assert_int_equal(uki_measure_phase(&bank, uki_default_phases[k], NULL), 0);
			assert_pcr11(&bank, phases_sha256[k]);
		}
		assert_null(uki_default_phases[COUNT(phases_sha256)]);
		for (enum alg a = 0; a < ALG_COUNT; a++) {
			assert_int_equal(uki_measure_phase(&banks[a], uki_default_phases[3], NULL), 0);
			assert_pcr11(&banks[a], ready[a]);
		}
		done(&o);
	}
}

static void empty_words_of_a_phase_path_count_for_nothing(void **state)
{
	static const struct {
		const char *path, *sha256;
	} rows[] = {
		{ "", no_phase_sha256 },
		{ ":", no_phase_sha256 },
		{ ":::", no_phase_sha256 },
		{ ":enter-initrd", "9640e7e48e7a379b4ecd5be68545014f6848a9bd8ba5c8c4fdc370be320463c4" },
		{ "enter-initrd:", "9640e7e48e7a379b4ecd5be68545014f6848a9bd8ba5c8c4fdc370be320463c4" },
		{ ":enter-initrd::leave-initrd:",
		  "5704792423122c577d79d9b812c1ab33a69d40bb8e0a44118f466ba8f9d2dd88" },
	};
	struct opened o = open_uki("257", four, 4);
	struct pcr_bank banks[ALG_COUNT];

	(void)state;
	measure(&o, banks);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct pcr_bank bank = banks[ALG_SHA256];

		assert_int_equal(uki_measure_phase(&bank, rows[i].path, NULL), 0);
		assert_pcr11(&bank, rows[i].sha256);
	}
	done(&o);
}

static void the_order_is_that_of_the_stub_and_not_of_the_file(void **state)
{
	struct pcr_bank banks[ALG_COUNT];
	struct built_section s[4];

	(void)state;
	for (size_t first = 0; first < 4; first++) {
		for (size_t i = 0; i < 4; i++)
			s[i] = four[(first + 3 * i) % 4];
		struct opened o = open_uki("257", s, 4);
		measure(&o, banks);
		assert_pcr11(&banks[ALG_SHA256], no_phase_sha256);
		done(&o);
	}
}

/* Expected values: hashlib of Python over name, NUL and content, in the order of the specification. */
static void each_version_measures_the_sections_it_knows(void **state)
{
	static const struct built_section s[] = {
		TEXT(".profile", "content of .profile"), TEXT(".pcrpkey", "content of .pcrpkey"),
		TEXT(".sbat", "content of .sbat"),       TEXT(".pcrsig", "content of .pcrsig"),
		TEXT(".uname", "content of .uname"),     TEXT(".dtb", "content of .dtb"),
		TEXT(".splash", "content of .splash"),   TEXT(".ucode", "content of .ucode"),
		TEXT(".initrd", "content of .initrd"),   TEXT(".cmdline", "content of .cmdline"),
		TEXT(".osrel", "content of .osrel"),     TEXT(".linux", "content of .linux"),
		TEXT(".other", "content of .other"),
	};
	static const struct {
		const char *version;
		enum alg alg;
		const char *expected;
	} rows[] = {
		{ "252", ALG_SHA256, "73fd6878c4e24e49ddeee27cb812e4ba9fc1a701cfe8b8fb93fb583a2124d1f2" },
		{ "255", ALG_SHA256, "d17b65c2e9b7717cf9947609f230f0fb062f69093a042ee49781e4ff59eefb37" },
		{ "257", ALG_SHA256, "7b42548f2f53aa13180af0c9cb7dee7b5371dabb8bf519ba436b76809ab32e05" },
		{ "262", ALG_SHA1, "dd7845726381cbc6dfc34b173db80a4378117f35" },
		{ "262", ALG_SHA256, "7b42548f2f53aa13180af0c9cb7dee7b5371dabb8bf519ba436b76809ab32e05" },
		{ "262", ALG_SHA384,
		  "e11251c4cf0539e553a79d296246c07b3ba2e28b119aa3452966ad000c473acd"
		  "94d9ab698cf7d6236a6f4783f6126679" },
		{ "262", ALG_SHA512,
		  "d413819c53dcadfe42d97e90fafaae5e87c1c85fe8beef60e13ba0083526cba6"
		  "c1bd8061188e823565db2367d1e9aa2e1864a88836312962863b9458b8190179" },
	};
	struct pcr_bank banks[ALG_COUNT];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		/* .profile comes first, so all would be the profile's: that is what 257 and later see. */
		struct opened o = open_uki(rows[i].version, s, COUNT(s));

		measure(&o, banks);
		assert_pcr11(&banks[rows[i].alg], rows[i].expected);
		done(&o);
	}
}

static void memory_is_measured_and_not_the_file(void **state)
{
	static const struct built_section s[] = { { ".linux", "KERNELxyz", 9, 6 },
						  { ".initrd", "INITRD", 6, 8 },
						  TEXT(".cmdline", "gone") };
	struct pcr_bank banks[ALG_COUNT];
	size_t n;
	uint8_t *image = build_uki("257", s, 3, &n);

	(void)state;
	put_u32le(built_section_header(image, 3) + 8, 0);
	/* Python: .linux with KERNEL, .initrd with INITRD and two NULs, no .cmdline at all */
	struct opened o = open_image(image, n, 0);
	measure(&o, banks);
	assert_pcr11(&banks[ALG_SHA256], "f640b169ef73846aa681a3df71646966ba8684b8e3223cee7a2650136df81c4b");
	done(&o);
}

static void only_pcr_11_of_the_banks_asked_for_is_extended(void **state)
{
	struct opened o = open_uki("257", four, 4);
	struct pcr_bank banks[ALG_COUNT], reset;

	(void)state;
	assert_int_equal(uki_measure(&o.uki, 1u << ALG_SHA384, banks, NULL), 0);
	for (enum alg a = 0; a < ALG_COUNT; a++) {
		pcr_bank_reset(&reset, a);
		assert_int_equal(banks[a].alg, a);
		assert_int_equal(banks[a].extended, a == ALG_SHA384 ? 1u << 11 : 0);
		assert_int_equal(banks[a].count[11], a == ALG_SHA384 ? 8 : 0);
		for (int i = 0; i < PCR_COUNT; i++)
			assert_int_equal(memcmp(banks[a].pcr[i], reset.pcr[i], algs[a].len) == 0,
					 !(a == ALG_SHA384 && i == 11));
	}
	done(&o);
}

static void what_cannot_be_known_is_not_measured(void **state)
{
	struct opened o = open_uki("257", four, 4);
	struct pcr_bank banks[ALG_COUNT];
	struct pcrcast_error e;

	(void)state;
	o.uki.unknown = UKI_BIT(UKI_DTBAUTO);
	assert_int_equal(uki_measure(&o.uki, ALL_BANKS, banks, &e), -PCRCAST_EINVAL);
	assert_non_null(strstr(e.msg, "depends on the hardware"));
	o.uki.unknown = 0;
	o.uki.unsure_range = true;
	assert_int_equal(uki_measure(&o.uki, ALL_BANKS, banks, &e), -PCRCAST_EUNSUPPORTED);
	assert_non_null(strstr(e.msg, "beyond SizeOfImage"));
	done(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_and_phases_give_what_systemd_measure_calculates),
		cmocka_unit_test(empty_words_of_a_phase_path_count_for_nothing),
		cmocka_unit_test(the_order_is_that_of_the_stub_and_not_of_the_file),
		cmocka_unit_test(each_version_measures_the_sections_it_knows),
		cmocka_unit_test(memory_is_measured_and_not_the_file),
		cmocka_unit_test(only_pcr_11_of_the_banks_asked_for_is_extended),
		cmocka_unit_test(what_cannot_be_known_is_not_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
