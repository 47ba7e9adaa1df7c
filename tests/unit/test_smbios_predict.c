/* What systemd makes of a machine's SMBIOS table: events in PCR 1, and OEM strings in the command line and the menu. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/build_log.h"
#include "tests/unit/esp_files.h"
#include "tests/unit/smbios_writer.h"

/* tpm2-pcr.h, systemd 261 */
enum { TYPE1 = (int)0xd5cb7cbc, TYPE2 = (int)0xe0d47bc8, TYPE11 = (int)0xc0b3bd23 };

/* systemd-stub of some version and a kernel that measures its command line. */
static void put_stub(struct esp *x, const char *version)
{
	struct file kernel = kernel_image(x, 1, 1), uki;
	const struct built_section section = { ".linux", kernel.p, kernel.n, 0 };

	uki.p = esp_keep(x, build_uki(version, &section, 1, &uki.n));
	esp_put(x, BOOT, uki.p, uki.n);
	x->opt.console_known = true;
	x->opt.boot_secret = BOOT_SECRET_NONE;
}

struct machine {
	struct bytes bytes;
	struct pool pool;
	struct smbios_table table;
	struct pcr_values state; /* PCR 1 is zeros */
};

static void machine_read(struct esp *x, struct machine *m)
{
	put_end(&m->bytes);
	assert_int_equal(smbios_read(&m->pool, (struct slice){ m->bytes.p, m->bytes.n }, &m->table, &x->e),
			 0);
	m->state.known[ALG_SHA256] = 0xffff;
	x->opt.smbios_table = &m->table;
	x->opt.after_state = &m->state;
	x->opt.pcrs = 0xffff;
}

static void machine_done(struct machine *m)
{
	pool_done(&m->pool);
	bytes_done(&m->bytes);
}

/* Vendor and product, UUID, woken up for reason 6. */
static void put_system(struct bytes *b, uint8_t wake_up)
{
	uint8_t fields[23] = { 1, 2, [20] = wake_up };

	memset(fields + 4, 0xee, 16);
	put_structure(b, 1, fields, sizeof fields, STRINGS("Example\0Box\0"));
}

/* The next event of PCR 1 from *at: its tag and words, and that its digest is that of these bytes. */
static void expect_structure(const struct esp *x, size_t *at, uint32_t tag, const char *name,
			     struct slice hashed)
{
	struct bytes data = { NULL, 0 };
	uint8_t head[8];
	struct digest d;

	while (*at < x->p.log.n_events && x->p.log.events[*at].pcr != 1)
		++*at;
	assert_true(*at < x->p.log.n_events);
	const struct event *ev = &x->p.log.events[(*at)++];
	put_u32le(head, tag);
	put_u32le(head + 4, (uint32_t)(2 * (strlen(name) + 1)));
	bytes_add(&data, head, sizeof head);
	bytes_add_wide(&data, name);
	assert_int_equal(ev->type, EV_EVENT_TAG);
	assert_int_equal(ev->origin, EVENT_COMPUTED);
	assert_true(slice_equal(ev->data, (struct slice){ data.p, data.n }));
	assert_int_equal(digest_of(ALG_SHA256, hashed, &d, NULL), 0);
	assert_memory_equal(event_digest(ev, &x->p.log, ALG_SHA256).p, d.bytes, 32);
	bytes_done(&data);
}

static void expect_no_more(const struct esp *x, size_t at)
{
	for (; at < x->p.log.n_events; at++)
		assert_int_not_equal(x->p.log.events[at].pcr, 1);
}

static bool has_assumption(const struct esp *x, const char *what)
{
	for (size_t i = 0; i < x->p.n_assumptions; i++)
		if (strcmp(x->p.assumptions[i].what, what) == 0)
			return true;
	return false;
}

/* ---- PCR 1 ---- */

static void structures_of_three_types_are_measured_in_the_tables_order(void **state)
{
	struct machine m = { .pool = POOL_INIT };
	struct bytes blank = { NULL, 0 };
	struct esp *x = *state;
	size_t at = 0;

	put_stub(x, "262.1");
	put_structure(&m.bytes, 11, "\x01", 1, STRINGS("first\0"));
	put_structure(&m.bytes, 0, "\0\0", 2, STRINGS("BIOS\0"));
	put_structure(&m.bytes, 2, "\x01\0", 2, STRINGS("Board\0"));
	put_system(&m.bytes, 6);
	put_structure(&m.bytes, 2, "\0\0", 2, STRINGS(""));
	put_structure(&m.bytes, 11, "\x01", 1, STRINGS("second\0"));
	machine_read(x, &m);
	esp_predict(x);

	/* by hand: 5 + 6 + 1 bytes, 6 + 5 + 1, 6 + 6 + 1, 27 + 8 + 4 + 1, 6 + 2, 5 + 7 + 1 */
	const uint8_t *p = m.bytes.p;
	bytes_add(&blank, p + 37, 40);
	assert_int_equal(blank.p[24], 6);
	blank.p[24] = 0;
	expect_structure(x, &at, (uint32_t)TYPE11, "smbios:type11", (struct slice){ p, 12 });
	expect_structure(x, &at, (uint32_t)TYPE2, "smbios:type2", (struct slice){ p + 24, 13 });
	expect_structure(x, &at, (uint32_t)TYPE1, "smbios:type1", (struct slice){ blank.p, 40 });
	expect_structure(x, &at, (uint32_t)TYPE2, "smbios:type2", (struct slice){ p + 77, 8 });
	expect_structure(x, &at, (uint32_t)TYPE11, "smbios:type11", (struct slice){ p + 85, 13 });
	expect_no_more(x, at);
	assert_false(x->p.incomplete & 1 << 1);
	assert_false(has_assumption(x, "smbios"));
	bytes_done(&blank);
	machine_done(&m);
}

static void versions_before_261_measure_none(void **state)
{
	struct machine m = { .pool = POOL_INIT };
	struct esp *x = *state;

	put_stub(x, "260.1");
	put_system(&m.bytes, 6);
	machine_read(x, &m);
	esp_predict(x);
	expect_no_more(x, 0);
	put_stub(x, "252.39");
	esp_predict(x);
	expect_note(x, "--smbios-tables was not used");
	machine_done(&m);
}

static void without_a_table_pcr_1_is_not_known(void **state)
{
	struct machine m = { .pool = POOL_INIT };
	struct esp *x = *state;

	put_stub(x, "262.1");
	machine_read(x, &m);
	x->opt.smbios_table = NULL;
	esp_predict(x);
	assert_true(x->p.incomplete & 1 << 1);
	expect_reason(x, 1, "measures SMBIOS structures of the machine", "--smbios-tables");
	machine_done(&m);
}

/* SMBIOS 2.0: the structure ends behind the serial number. What 261 and 262 blank out then lies in the strings. */
static void a_system_without_a_wake_up_type_leaves_pcr_1_open(void **state)
{
	struct machine m = { .pool = POOL_INIT };
	struct esp *x = *state;

	put_stub(x, "262.1");
	put_structure(&m.bytes, 1, "\x01\0\0\0", 4, STRINGS("an old machine of 1995\0"));
	machine_read(x, &m);
	esp_predict(x);
	assert_true(x->p.incomplete & 1 << 1);
	expect_reason(x, 1, "has no wake-up type", NULL);
	machine_done(&m);
}

static void a_baselines_structures_give_way_to_the_tables(void **state)
{
	static const uint8_t tags[3][8] = { { 0xbc, 0x7c, 0xcb, 0xd5 },
					    { 0xc8, 0x7b, 0xd4, 0xe0 },
					    { 0x23, 0xbd, 0xb3, 0xc0 } };
	struct eventlog log = log_with(1u << ALG_SHA256);
	struct machine m = { .pool = POOL_INIT };
	struct esp *x = *state;
	size_t n_dropped = 0, at = 0;

	put_stub(x, "262.1");
	put_structure(&m.bytes, 11, "\x01", 1, STRINGS("one\0"));
	machine_read(x, &m);
	for (uint32_t pcr = 0; pcr < 8; pcr++)
		log_add_data(&log, pcr, EV_SEPARATOR, BYTES("\0\0\0\0"));
	log_add(&log, 4, (uint32_t)EV_EFI_BOOT_SERVICES_APPLICATION,
		(struct slice){ (const uint8_t[32]){ 0 }, 32 }, BYTES("old image"));
	for (size_t i = 0; i < 3; i++)
		log_add(&log, 1, EV_EVENT_TAG, (struct slice){ tags[i], sizeof tags[i] }, BYTES("old table"));
	x->opt.after_state = NULL;
	x->opt.baseline = &log;
	esp_predict(x);
	while (x->p.log.events[at].pcr != 1)
		at++;
	assert_int_equal(x->p.log.events[at++].type, EV_SEPARATOR);
	expect_structure(x, &at, (uint32_t)TYPE11, "smbios:type11", (struct slice){ m.bytes.p, 10 });
	expect_no_more(x, at);
	for (size_t i = 0; i < x->p.n_baseline; i++)
		n_dropped +=
			strstr(x->p.baseline[i].reason, "--smbios-tables") != NULL && !x->p.baseline[i].kept;
	assert_int_equal(n_dropped, 3);

	/* Without the table they are kept, those of all three types. */
	x->opt.smbios_table = NULL;
	esp_predict(x);
	assert_false(x->p.incomplete & 1 << 1);
	expect_assumption(x, "smbios-structures", "those of the baseline's machine");
	n_dropped = 0;
	for (size_t i = 0; i < x->p.n_baseline; i++)
		n_dropped += x->p.baseline[i].pcr == 1 && !x->p.baseline[i].kept;
	assert_int_equal(n_dropped, 0);

	/* And none where nobody measures them. */
	put_stub(x, "257.13");
	esp_predict(x);
	for (size_t i = 0; i < x->p.n_baseline; i++)
		n_dropped += x->p.baseline[i].pcr == 1 && !x->p.baseline[i].kept;
	assert_int_equal(n_dropped, 3);
	eventlog_done(&log);
	machine_done(&m);
}

/* An attempt that came back has measured them: they are not measured again in one boot (LoaderPcrSMBIOS). */
static void structures_that_an_attempt_has_measured_are_not_measured_again(void **state)
{
	static const uint8_t tag[8] = { 0xbc, 0x7c, 0xcb, 0xd5 }, path[32] = { 0 };
	struct eventlog log = log_with(1u << ALG_SHA256);
	struct machine m = { .pool = POOL_INIT };
	struct esp *x = *state;
	size_t at = 0;

	put_stub(x, "262.1");
	put_structure(&m.bytes, 11, "\x01", 1, STRINGS("one\0"));
	machine_read(x, &m);
	log_add_data(&log, 4, (uint32_t)EV_EFI_ACTION, BYTES("Calling EFI Application from Boot Option"));
	for (uint32_t pcr = 0; pcr < 8; pcr++)
		log_add_data(&log, pcr, EV_SEPARATOR, BYTES("\0\0\0\0"));
	log_add(&log, 4, (uint32_t)EV_EFI_BOOT_SERVICES_APPLICATION, (struct slice){ path, sizeof path },
		BYTES("came back"));
	log_add(&log, 1, EV_EVENT_TAG, (struct slice){ tag, sizeof tag }, BYTES("the table"));
	log_add_data(&log, 4, (uint32_t)EV_EFI_ACTION,
		     BYTES("Returning from EFI Application from Boot Option"));
	log_add_data(&log, 4, (uint32_t)EV_EFI_ACTION, BYTES("Calling EFI Application from Boot Option"));
	log_add(&log, 4, (uint32_t)EV_EFI_BOOT_SERVICES_APPLICATION, (struct slice){ path, sizeof path },
		BYTES("old image"));
	x->opt.after_state = NULL;
	x->opt.baseline = &log;
	esp_predict(x);
	while (x->p.log.events[at].pcr != 1)
		at++;
	assert_int_equal(x->p.log.events[at++].type, EV_SEPARATOR);
	while (x->p.log.events[at].pcr != 1)
		at++;
	assert_int_equal(x->p.log.events[at].origin, EVENT_OBSERVED);
	assert_int_equal(x->p.log.events[at++].type, EV_EVENT_TAG);
	expect_no_more(x, at);
	eventlog_done(&log);
	machine_done(&m);
}

/* ---- what the firmware has measured itself ---- */

/* The baseline's event is kept, and PCR 1 has a value when it is of this table as EDK2 blanks it out. */
static void expect_handoff(struct esp *x, struct machine *m, struct slice event, uint32_t type,
			   struct slice measured, bool fits)
{
	struct eventlog log = log_with(1u << ALG_SHA256 | 1u << ALG_SHA1);

	log_add(&log, 1, type, event, measured);
	for (uint32_t pcr = 0; pcr < 8; pcr++)
		log_add_data(&log, pcr, EV_SEPARATOR, BYTES("\0\0\0\0"));
	log_add(&log, 4, (uint32_t)EV_EFI_BOOT_SERVICES_APPLICATION,
		(struct slice){ (const uint8_t[32]){ 0 }, 32 }, BYTES("old image"));
	x->opt.after_state = NULL;
	x->opt.baseline = &log;
	esp_predict(x);
	assert_int_equal(!(x->p.incomplete & 1 << 1), fits);
	if (!fits)
		expect_reason(x, 1, "is not what EDK2 makes of that of --smbios-tables", "--baseline");
	assert_true(x->p.baseline[0].kept);

	/* Without the table the log's word is good enough. */
	x->opt.smbios_table = NULL;
	esp_predict(x);
	assert_false(x->p.incomplete & 1 << 1);
	x->opt.smbios_table = &m->table;
	eventlog_done(&log);
}

#define SMBIOS_2 "\x31\x2d\x9d\xeb\x88\x2d\xd3\x11\x9a\x16\x00\x90\x27\x3f\xc1\x4d"
#define SMBIOS_3 "\x44\x15\xfd\xf2\x94\x97\x2c\x4a\x99\x2e\xe5\xbb\xcf\x20\xe3\x94"
#define ACPI "\x71\xe8\x68\x88\xf1\xe4\xd3\x11\xbc\x22\x00\x80\xc7\x3c\x88\x81"
#define ONE "\1\0\0\0\0\0\0\0"
#define ADDRESS "\0\0\0\1\0\0\0\0"
#define HANDOFF ((uint32_t)EV_EFI_HANDOFF_TABLES)

static void a_firmwares_table_has_to_be_the_same(void **state)
{
	static const struct {
		uint8_t off;
		const char *blank;
		size_t n;
	} blanks[] = {
		/* a system of 27 + 8 + 4 + 4 + 1 bytes at 0; its serial number is the third string */
		{ 7, "\0", 1 },
		{ 8, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16 },
		{ 24, "\0", 1 },
		{ 39, "   ", 3 },
		/* OEM strings of 5 + 4 + 1 bytes at 44, a type of a maker of 5 + 2 bytes at 54 */
		{ 48, "\0\0\0\0\0\0", 6 },
		{ 58, "\0\0\0", 3 },
	};
	uint8_t fields[23] = { 1, 2, 0, 3, [20] = 6 };
	struct machine m = { .pool = POOL_INIT };
	struct esp *x = *state;
	uint8_t want[128];

	put_stub(x, "257.13");
	memset(fields + 4, 0xee, 16);
	put_structure(&m.bytes, 1, fields, sizeof fields, STRINGS("Example\0Box\0S-1\0"));
	put_structure(&m.bytes, 11, "\x01", 1, STRINGS("abc\0"));
	put_structure(&m.bytes, 130, "\x01", 1, STRINGS(""));
	machine_read(x, &m);
	assert_int_equal(m.bytes.n, 44 + 10 + 7 + 6);
	memcpy(want, m.bytes.p, m.bytes.n);
	for (size_t i = 0; i < sizeof blanks / sizeof blanks[0]; i++)
		memcpy(want + blanks[i].off, blanks[i].blank, blanks[i].n);
	struct slice blanked = { want, m.bytes.n };

	expect_handoff(x, &m, BYTES(ONE SMBIOS_2 ADDRESS), HANDOFF, blanked, true);
	expect_handoff(x, &m, BYTES(ONE SMBIOS_3 ADDRESS), HANDOFF, blanked, true);
	expect_handoff(x, &m,
		       BYTES("\x03"
			     "abc" ONE SMBIOS_3 ADDRESS),
		       (uint32_t)EV_EFI_HANDOFF_TABLES2, blanked, true);
	expect_handoff(x, &m, BYTES(ONE SMBIOS_3 ADDRESS), HANDOFF, BYTES("another"), false);
	expect_handoff(x, &m,
		       BYTES("\x03"
			     "abc" ONE SMBIOS_3 ADDRESS),
		       (uint32_t)EV_EFI_HANDOFF_TABLES2, BYTES("another"), false);
	/* about several tables: what is measured of this one among them is not known */
	expect_handoff(x, &m, BYTES("\2\0\0\0\0\0\0\0" ACPI ADDRESS SMBIOS_3 ADDRESS), HANDOFF,
		       BYTES("another"), false);
	expect_handoff(x, &m, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff" SMBIOS_2 ADDRESS), HANDOFF,
		       BYTES("another"), false);
	/* not about SMBIOS: it stays as it is */
	expect_handoff(x, &m, BYTES(ONE ACPI ADDRESS), HANDOFF, BYTES("another"), true);
	expect_handoff(x, &m, BYTES("\2\0\0\0\0\0\0\0" ACPI ADDRESS ACPI ADDRESS), HANDOFF, BYTES("another"),
		       true);
	expect_handoff(x, &m, BYTES(ONE SMBIOS_3), EV_EVENT_TAG, BYTES("another"), true);
	expect_handoff(x, &m, BYTES("\1\0"), HANDOFF, BYTES("another"), true);
	machine_done(&m);
}

/* A field with the number of a string that is not there: EDK2 would blank out another one, or crash. */
static void a_table_that_edk2_stumbles_over_does_not_fit(void **state)
{
	struct machine m = { .pool = POOL_INIT };
	struct esp *x = *state;

	put_stub(x, "257.13");
	put_structure(&m.bytes, 2, "\1\1\1\2", 4, STRINGS("Board\0"));
	machine_read(x, &m);
	expect_handoff(x, &m, BYTES(ONE SMBIOS_3 ADDRESS), HANDOFF, (struct slice){ m.bytes.p, m.bytes.n },
		       false);
	machine_done(&m);
}

/* Both versions of the list: a processor's current speed counts until edk2-stable202208. */
static void older_firmware_measures_the_speed_of_processors(void **state)
{
	struct machine m = { .pool = POOL_INIT };
	uint8_t fields[0x1c] = { [0x16 - 4] = 0x10, 0x27 };
	struct esp *x = *state;
	uint8_t want[64];

	put_stub(x, "257.13");
	put_structure(&m.bytes, 4, fields, sizeof fields, STRINGS(""));
	machine_read(x, &m);
	memcpy(want, m.bytes.p, m.bytes.n);
	expect_handoff(x, &m, BYTES(ONE SMBIOS_3 ADDRESS), HANDOFF, (struct slice){ want, m.bytes.n }, true);
	want[0x16] = want[0x17] = 0;
	expect_handoff(x, &m, BYTES(ONE SMBIOS_3 ADDRESS), HANDOFF, (struct slice){ want, m.bytes.n }, true);
	want[0x18] = 1;
	expect_handoff(x, &m, BYTES(ONE SMBIOS_3 ADDRESS), HANDOFF, (struct slice){ want, m.bytes.n }, false);
	machine_done(&m);
}

/* ---- OEM strings ---- */

static void strings_of_the_first_structure_reach_the_command_line(void **state)
{
	struct machine m = { .pool = POOL_INIT };
	struct esp *x = *state;
	bool seen = false;

	put_stub(x, "257.13");
	put_structure(&m.bytes, 11, "\x03", 1,
		      STRINGS("no key\0io.systemd.stub.kernel-cmdline-extra=from.table\0other=1\0"));
	put_structure(&m.bytes, 11, "\x01", 1, STRINGS("io.systemd.stub.kernel-cmdline-extra=second\0"));
	machine_read(x, &m);
	esp_predict(x);
	for (size_t i = 0; i < x->p.log.n_events; i++) {
		const struct event *ev = &x->p.log.events[i];

		if (ev->pcr != 12)
			continue;
		assert_false(seen);
		seen = true;
		assert_memory_equal(ev->data.p, u"from.table", 22);
		assert_int_equal(ev->origin, EVENT_COMPUTED);
		assert_string_equal(ev->source, "--smbios-tables");
	}
	assert_true(seen);
	machine_done(&m);
}

static void strings_that_contradict_the_table_are_refused(void **state)
{
	static const char *const same[] = { "b=2" }, *const other[] = { "b=2", "a=2" };
	struct machine m = { .pool = POOL_INIT };
	struct esp *x = *state;

	put_stub(x, "257.13");
	put_structure(&m.bytes, 11, "\x02", 1, STRINGS("a=1\0b=2\0"));
	machine_read(x, &m);
	x->opt.smbios = same;
	x->opt.n_smbios = 1;
	esp_predict(x);
	x->opt.smbios = other;
	x->opt.n_smbios = 2;
	esp_predict_fails(x, PCRCAST_EINVAL, "--smbios a=2: no string of type 11 in the table");
	machine_done(&m);
}

static void oem_strings_behind_odd_fields_are_refused(void **state)
{
	struct machine m = { .pool = POOL_INIT };
	struct esp *x = *state;

	put_stub(x, "257.13");
	put_structure(&m.bytes, 11, "\x01x", 2, STRINGS("a=1\0"));
	machine_read(x, &m);
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED, "type 11 at byte 0 has 6 bytes of fields, expected 5");
	machine_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ESP(structures_of_three_types_are_measured_in_the_tables_order),
		WITH_ESP(versions_before_261_measure_none),
		WITH_ESP(without_a_table_pcr_1_is_not_known),
		WITH_ESP(a_system_without_a_wake_up_type_leaves_pcr_1_open),
		WITH_ESP(a_baselines_structures_give_way_to_the_tables),
		WITH_ESP(structures_that_an_attempt_has_measured_are_not_measured_again),
		WITH_ESP(a_firmwares_table_has_to_be_the_same),
		WITH_ESP(a_table_that_edk2_stumbles_over_does_not_fit),
		WITH_ESP(older_firmware_measures_the_speed_of_processors),
		WITH_ESP(strings_of_the_first_structure_reach_the_command_line),
		WITH_ESP(strings_that_contradict_the_table_are_refused),
		WITH_ESP(oem_strings_behind_odd_fields_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
