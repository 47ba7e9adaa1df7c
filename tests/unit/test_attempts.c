/*
 * Boot options that came back before the one that boots. The order of events is that of EDK2's OnReadyToBoot and
 * EfiBootManagerBoot; machines that were booted so are among tests/boot ("returned", "shim-returned", "menu-returned").
 */
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "tests/unit/build_shim_machine.h"

#define TOOL "EFI/tool.efi"
#define TOOL_PATH "\\EFI\\tool.efi"
#define REAL_PATH "\\EFI\\BOOT\\BOOTX64.EFI"

enum { TRIED_MAX = 4 };

/* The registers that programs extend before the operating system runs. */
static const uint32_t lost[] = { 1, 2, 4, 5, 7, 8, 9, 11, 12, 13, 14 };

static void try_these(struct esp *x, const char **names)
{
	x->opt.attempted = names;
	for (x->opt.n_attempted = 0; names[x->opt.n_attempted]; x->opt.n_attempted++)
		;
}

/* A PE image without sections: no loader, stub or kernel. */
static struct built_file put_tool(struct esp *x, const char *path)
{
	struct built_file t;

	t.p = esp_keep(x, build_pe(&(struct build_pe){ .n_sections = 0 }, &t.n));
	esp_put(x, path, t.p, t.n);
	return t;
}

/* PCR 4 in words: C and R for the actions, S for the separator, else the source of an image. */
static void expect_pcr_4(const struct esp *x, const char *expected)
{
	char got[1024] = "";

	for (size_t i = 0; i < x->p.log.n_events; i++) {
		const struct event *ev = &x->p.log.events[i];
		const char *word = ev->type == (uint32_t)EV_EFI_ACTION ? (ev->data.p[0] == 'C' ? "C" : "R") :
				   ev->type == EV_SEPARATOR            ? "S" :
									 ev->source;

		if (ev->pcr == 4)
			(void)snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", *got ? " " : "",
				       word);
	}
	assert_string_equal(got, expected);
}

static void expect_lost(struct esp *x, const char *words)
{
	for (size_t i = 0; i < sizeof lost / sizeof lost[0]; i++)
		expect_reason(x, lost[i], words, NULL);
}

static void expect_kept(const struct esp *x, uint32_t pcr)
{
	assert_false(x->p.incomplete & UINT32_C(1) << pcr);
}

/* ---- files ---- */

static void an_application_is_measured_between_the_actions(void **state)
{
	const char *names[] = { "none", TOOL_PATH, "none", NULL };
	struct esp *x = *state;

	put_kernel(x, SHIM_FIRST);
	struct built_file tool = put_tool(x, TOOL);
	x->opt.failed_attempts = 1;
	try_these(x, names);
	esp_predict(x);
	expect_pcr_4(x, "C S R C R C " TOOL_PATH " R C R C " REAL_PATH);
	expect_assumption(x, "attempted", TOOL_PATH " measures nothing itself, and comes back with an error");
	expect_kept(x, 4);
	for (size_t i = 0; i < x->p.n_assumptions; i++)
		assert_string_not_equal(x->p.assumptions[i].what, "failed-attempts");

	/* The image's digest is that of any image. */
	expect_firmware(x);
	for (int i = 0; i < 2; i++) {
		struct slice back = slice_of_string("Returning from EFI Application from Boot Option");
		struct slice call = slice_of_string("Calling EFI Application from Boot Option");

		expect_event(x, 4, (uint32_t)EV_EFI_ACTION, back, back);
		expect_event(x, 4, (uint32_t)EV_EFI_ACTION, call, call);
	}
	expect_image(x, TOOL_PATH, tool.p, tool.n);
}

static void a_file_that_is_not_there_is_no_attempt(void **state)
{
	const char *names[] = { "\\EFI\\missing.efi", NULL };
	struct esp *x = *state;

	put_kernel(x, SHIM_FIRST);
	try_these(x, names);
	esp_predict_fails(x, PCRCAST_ENOTFOUND, "--attempted \\EFI\\missing.efi: ");
	esp_put_text(x, "EFI/missing.efi", "no PE image");
	esp_predict(x);
	expect_lost(x, "(--attempted none, if it was not loaded)");
	names[0] = "Boot0001";
	esp_predict_fails(x, PCRCAST_ENOTFOUND,
			  "--attempted Boot0001: what that boots is told by --variables");
}

static void what_boots_a_kernel_does_not_come_back(void **state)
{
	const char *names[] = { "\\EFI\\other.efi", NULL };
	struct esp *x = *state;

	put_kernel(x, SHIM_FIRST);
	put_kernel(x, "EFI/other.efi");
	try_these(x, names);
	x->opt.pcrs = 0xffff;
	esp_predict(x);
	expect_lost(x,
		    "what \\EFI\\other.efi measured before it came back cannot be told: it boots a kernel");
	expect_kept(x, 3);
	expect_kept(x, 6);
}

static void a_file_alone_was_tried_by_nobody(void **state)
{
	const char *names[] = { "none", NULL };
	struct esp *x = *state;

	put_kernel(x, SHIM_FIRST);
	try_these(x, names);
	esp_predict_file(x, SHIM_FIRST);
	names[0] = TOOL_PATH;
	char path[256];
	(void)snprintf(path, sizeof path, "%s/%s", x->root, SHIM_FIRST);
	struct image img;
	struct prediction p;
	assert_int_equal(image_open(path, &img, &x->e), 0);
	assert_int_equal(predict(&img, &x->opt, &p, &x->e), -PCRCAST_EINVAL);
	assert_non_null(strstr(x->e.msg, "--attempted names a file inside an ESP"));
	prediction_done(&p);
	image_done(&img);
}

/* ---- chains that fail ---- */

/* systemd-boot lies where no entry of its own can lead to the kernel. */
static void put_menu(struct esp *x)
{
	static const char text[] = "#### LoaderInfo: systemd-boot 257.13 ####";
	const struct built_section s = { ".sdmagic", text, strlen(text), 0 };
	size_t n;
	uint8_t *boot = esp_keep(x, build_pe(&(struct build_pe){ .sections = &s, .n_sections = 1 }, &n));

	esp_put(x, "EFI/menu.efi", boot, n);
}

static void after_a_menu_without_entries_the_firmware_may_show_its_own(void **state)
{
	const char *names[] = { "\\EFI\\menu.efi", NULL };
	struct esp *x = *state;

	put_kernel(x, "EFI/real.efi");
	put_menu(x);
	try_these(x, names);
	x->opt.boot = "\\EFI\\real.efi";
	x->opt.pcrs = 0xffff;
	esp_predict(x);
	expect_reason(x, 4, "whether \\EFI\\menu.efi came back with an error is not known", "--baseline");
	expect_kept(x, 9);
	expect_kept(x, 14);
	/* Options about the boot are not about the attempt, which has no entry of that name either. */
	x->opt.entry = "what";
	esp_predict_fails(x, PCRCAST_EINVAL, "--entry: there is no boot menu in this boot");
}

static void shim_without_a_second_stage_leaves_its_own_events(void **state)
{
	const char *names[] = { "\\EFI\\one\\shimx64.efi", NULL };
	struct esp *x = *state;
	struct shim_machine f;
	const uint8_t on = 1;

	shim_machine_start(&f, x);
	put_shim(x, "EFI/one/shimx64.efi", (struct build_shim){ .version = "16.1" });
	put_shim(x, "EFI/two/shimx64.efi", (struct build_shim){ .version = "16.1" });
	put_kernel(x, "EFI/two/grubx64.efi");
	try_these(x, names);
	x->opt.boot = "\\EFI\\two\\shimx64.efi";
	esp_predict(x);
	expect_pcr_4(x, "C S \\EFI\\one\\shimx64.efi R C \\EFI\\two\\shimx64.efi \\EFI\\two\\grubx64.efi");
	expect_kept(x, 4);
	expect_kept(x, 14);
	expect_note(x, "--attempted \\EFI\\one\\shimx64.efi: ");
	for (int i = 0; i < 2; i++) { /* each run measures its own, and forgets what it has measured */
		expect_14_bytes(x, "MokList", no_key());
		expect_14_bytes(x, "MokListX", no_key());
		expect_7_text(x, "SbatLevel", SBAT_ORIGINAL);
		expect_14(x, "MokListTrusted", (struct slice){ &on, 1 });
	}
	expect_no_more(x);
}

static void shim_returns_what_its_second_stage_returned(void **state)
{
	const char *names[] = { "\\EFI\\one\\shimx64.efi", NULL };
	struct esp *x = *state;
	struct shim_machine f;

	shim_machine_start(&f, x);
	put_shim(x, "EFI/one/shimx64.efi", (struct build_shim){ .version = "16.1" });
	put_tool(x, "EFI/one/grubx64.efi");
	put_kernel(x, SHIM_FIRST);
	try_these(x, names);
	esp_predict(x);
	expect_pcr_4(x, "C S \\EFI\\one\\shimx64.efi \\EFI\\one\\grubx64.efi R C " REAL_PATH);
	expect_kept(x, 14);
	/* A menu that finds nothing makes shim start it once more, or not: what it returned is not known. */
	put_menu(x);
	struct built_file menu;
	char path[256];
	(void)snprintf(path, sizeof path, "%s/EFI/menu.efi", x->root);
	menu.p = esp_keep(x, load_file(path, &menu.n));
	esp_put(x, "EFI/one/grubx64.efi", menu.p, menu.n);
	esp_remove(x, SHIM_FIRST);
	esp_remove(x, "EFI/menu.efi");
	put_kernel(x, "EFI/real.efi");
	x->opt.boot = "\\EFI\\real.efi";
	esp_predict(x);
	expect_lost(x, "systemd-boot finds no entry");
}

static void fallback_restarts_and_does_not_come_back(void **state)
{
	const char *names[] = { REAL_PATH, NULL };
	struct esp *x = *state;
	struct shim_machine f;

	shim_machine_start(&f, x);
	put_shim(x, SHIM_FIRST, (struct build_shim){ .version = "16.1" });
	put_kernel(x, "EFI/BOOT/fbx64.efi");
	put_kernel(x, "EFI/real.efi");
	struct bytes csv = { NULL, 0 };
	bytes_add_wide(&csv, "shimx64.efi,Test,,\n");
	esp_put(x, "EFI/test/BOOTX64.CSV", csv.p, csv.n - 2);
	bytes_done(&csv);
	try_these(x, names);
	x->opt.boot = "\\EFI\\real.efi";
	esp_predict(x);
	expect_lost(x, "shim's fallback restarts the machine");
}

/* ---- with Secure Boot ---- */

/* The digest of an image as an entry of db, from the event that measures it. */
static void allow(const struct esp *x, struct bytes *db, const char *source)
{
	static const struct guid sha256_guid = EFI_CERT_SHA256_GUID;

	for (size_t i = 0; i < x->p.log.n_events; i++) {
		const struct event *ev = &x->p.log.events[i];

		if (ev->pcr != 4 || strcmp(ev->source, source) != 0)
			continue;
		bytes_add_signature_list(db, &sha256_guid, &guid_image_security,
					 event_digest(ev, &x->p.log, ALG_SHA256).p, 32);
		return;
	}
	fail_msg("no image %s", source);
}

static size_t count_authorities(const struct esp *x)
{
	size_t n = 0;

	for (size_t i = 0; i < x->p.log.n_events; i++)
		n += x->p.log.events[i].pcr == 7 &&
		     x->p.log.events[i].type == (uint32_t)EV_EFI_VARIABLE_AUTHORITY;
	return n;
}

static void what_the_firmware_refuses_measures_nothing(void **state)
{
	const char *names[] = { TOOL_PATH, NULL };
	struct bytes db = { NULL, 0 }, more = { NULL, 0 };
	struct esp *x = *state;
	struct shim_machine f;

	shim_machine_start(&f, x);
	put_kernel(x, SHIM_FIRST);
	put_tool(x, TOOL);
	try_these(x, names);
	esp_predict(x);
	allow(x, &db, REAL_PATH);
	allow(x, &more, REAL_PATH);
	allow(x, &more, TOOL_PATH);
	set_variable(&f, "PK", &guid_efi_global, 0, "key", 3);
	set_variable(&f, "db", &guid_image_security, 0, db.p, db.n);
	x->opt.secure_boot = x->opt.secure_boot_given = true;
	esp_predict(x);
	expect_pcr_4(x, "C S R C " REAL_PATH);
	expect_note(x, "--attempted " TOOL_PATH ": firmware with Secure Boot refuses it");
	assert_int_equal(count_authorities(x), 1);
	set_variable(&f, "db", &guid_image_security, 0, more.p, more.n);
	esp_predict(x);
	expect_pcr_4(x, "C S " TOOL_PATH " R C " REAL_PATH);
	assert_int_equal(count_authorities(x), 2);
	bytes_done(&db);
	bytes_done(&more);
}

static void shim_that_refuses_needs_somebody_at_mokmanager(void **state)
{
	static const struct {
		const char *version, *pcr_4;
	} cases[] = {
		{ "16.1", "C S \\EFI\\one\\shimx64.efi R C " REAL_PATH },
		{ "15.5", "C S \\EFI\\one\\shimx64.efi \\EFI\\one\\grubx64.efi R C " REAL_PATH },
	};
	const char *names[] = { "\\EFI\\one\\shimx64.efi", NULL };
	struct esp *x = *state;
	struct shim_machine f;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bytes db = { NULL, 0 };

		shim_machine_start(&f, x);
		put_shim(x, "EFI/one/shimx64.efi", (struct build_shim){ .version = cases[i].version });
		put_tool(x, "EFI/one/grubx64.efi");
		put_kernel(x, SHIM_FIRST);
		try_these(x, names);
		x->opt.secure_boot = x->opt.secure_boot_given = false;
		esp_predict(x);
		allow(x, &db, REAL_PATH);
		allow(x, &db, "\\EFI\\one\\shimx64.efi");
		set_variable(&f, "PK", &guid_efi_global, 0, "key", 3);
		set_variable(&f, "db", &guid_image_security, 0, db.p, db.n);
		x->opt.secure_boot = x->opt.secure_boot_given = true;
		esp_predict(x);
		expect_pcr_4(x, cases[i].pcr_4);
		expect_kept(x, 4);
		expect_note(x, "it is not signed, and starts MokManager");
		put_tool(x, "EFI/one/mmx64.efi");
		esp_predict(x);
		expect_lost(x, "it is not signed, and starts MokManager");
		esp_remove(x, "EFI/one/mmx64.efi");
		bytes_done(&db);
	}
}

/* ---- boot options ---- */

struct options {
	struct shim_machine f;
	struct bytes data[TRIED_MAX];
	char names[TRIED_MAX][9];
	size_t n;
};

static void add_node(struct bytes *b, uint8_t type, uint8_t subtype, const void *p, size_t n)
{
	uint8_t head[4] = { type, subtype };

	put_u16le(head + 2, (uint16_t)(4 + n));
	bytes_add(b, head, 4);
	bytes_add(b, p, n);
}

/* EFI_LOAD_OPTION; paths without the end node. */
static void add_option(struct options *o, uint32_t attributes, const struct bytes *paths)
{
	struct bytes *b = &o->data[o->n];
	uint8_t head[6];

	put_u32le(head, attributes);
	put_u16le(head + 4, (uint16_t)(paths->n + 4));
	bytes_add(b, head, 6);
	bytes_add_wide(b, "test");
	bytes_add(b, paths->p, paths->n);
	add_node(b, 0x7f, 0xff, NULL, 0);
	(void)snprintf(o->names[o->n], sizeof o->names[0], "Boot%04zX", o->n);
	set_variable(&o->f, o->names[o->n], &guid_efi_global, 7, b->p, b->n);
	o->n++;
}

static void done_options(struct options *o)
{
	while (o->n)
		bytes_done(&o->data[--o->n]);
}

static void where_an_option_leads_decides(void **state)
{
	static const uint8_t mac[33], firmware[16], drive[38] = { [37] = 2 };
	static const struct {
		uint8_t type, subtype;
		const uint8_t *p;
		size_t n;
		const char *file; /* behind that node */
		const char *reason;
		bool all; /* registers */
	} cases[] = {
		{ 3, 11, mac, sizeof mac, NULL, "it boots from the network", true },
		{ 1, 1, mac, 2, NULL, "of which disk it is, is not known", true },
		{ 4, 6, firmware, sizeof firmware, NULL, "Boot0000 is a program within the firmware", false },
		{ 4, 1, drive, sizeof drive, TOOL_PATH, NULL, false },
		{ 4, 1, drive, sizeof drive, "\\EFI\\missing.efi", NULL, false },
	};
	const char *names[] = { "Boot0000", NULL };
	struct esp *x = *state;

	put_kernel(x, SHIM_FIRST);
	put_tool(x, TOOL);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct options o = { .n = 0 };
		struct bytes paths = { NULL, 0 }, file = { NULL, 0 };

		print_message("%zu\n", i);
		shim_machine_start(&o.f, x);
		add_node(&paths, cases[i].type, cases[i].subtype, cases[i].p, cases[i].n);
		if (cases[i].file) {
			bytes_add_wide(&file, cases[i].file);
			add_node(&paths, 4, 4, file.p, file.n);
		}
		add_option(&o, 1, &paths);
		try_these(x, names);
		esp_predict(x);
		if (cases[i].all)
			expect_lost(x, cases[i].reason);
		else if (cases[i].reason)
			expect_reason(x, 4, cases[i].reason, "--baseline");
		if (!cases[i].all)
			expect_kept(x, 7);
		expect_pcr_4(x, i == 3 ? "C S " TOOL_PATH " R C " REAL_PATH : "C S R C " REAL_PATH);
		if (i == 4)
			expect_note(x, "--attempted Boot0000: its file is not there");
		bytes_done(&paths);
		bytes_done(&file);
		done_options(&o);
	}
}

static bool has_note(const struct esp *x, const char *words)
{
	for (size_t i = 0; i < x->p.n_notes; i++)
		if (strstr(x->p.notes[i], words))
			return true;
	return false;
}

static void what_the_variables_have_tried_first_is_said(void **state)
{
	enum { ENTRIES = 4 << 20 };
	const char *names[] = { "none", NULL };
	static const uint8_t order[] = { 0, 0, 1, 0, 9, 0, 2, 0, 3, 0 };
	struct bytes paths = { NULL, 0 }, file = { NULL, 0 };
	struct options o = { .n = 0 };
	struct esp *x = *state;

	put_kernel(x, SHIM_FIRST);
	shim_machine_start(&o.f, x);
	bytes_add_wide(&file, REAL_PATH);
	add_node(&paths, 4, 4, file.p, file.n);
	add_option(&o, 1, &paths);
	add_option(&o, 0, &paths);     /* not active */
	add_option(&o, 0x101, &paths); /* an application */
	add_option(&o, 1, &paths);
	set_variable(&o.f, "BootOrder", &guid_efi_global, 7, order, sizeof order);
	x->opt.boot = "Boot0003";
	esp_predict(x);
	expect_note(x, "BootOrder has Boot0000 before Boot0003: ");
	x->opt.boot = "Boot0000";
	esp_predict(x);
	assert_false(has_note(x, "BootOrder"));
	/* BootNext comes before all others, once. */
	set_variable(&o.f, "BootNext", &guid_efi_global, 7, order + 8, 2);
	esp_predict(x);
	expect_note(x, "BootNext names Boot0003, which the firmware tries once before Boot0000");
	x->opt.boot = "Boot0003";
	esp_predict(x);
	assert_false(has_note(x, "BootOrder") || has_note(x, "BootNext"));
	/* A BootOrder of millions is searched at once, but what it makes of PCR 1 is not followed. */
	set_variable(&o.f, "BootNext", &guid_efi_global, 7, order, 0);
	uint16_t *endless = calloc(ENTRIES, sizeof *endless);
	assert_non_null(endless);
	endless[ENTRIES - 1] = htole16(3);
	set_variable(&o.f, "BootOrder", &guid_efi_global, 7, (const uint8_t *)endless,
		     ENTRIES * sizeof *endless);
	x->opt.boot = "Boot0003";
	esp_predict(x);
	expect_note(x, "BootOrder has Boot0000 before Boot0003: ");
	expect_reason(x, 1, "the boot order is longer than can be followed", NULL);
	assert_true(x->p.log.n_events < 2000);
	set_variable(&o.f, "BootOrder", &guid_efi_global, 7, order, sizeof order);
	free(endless);
	/* Who says what was tried needs no note. */
	set_variable(&o.f, "BootNext", &guid_efi_global, 7, order + 8, 2);
	x->opt.boot = "Boot0000";
	try_these(x, names);
	esp_predict(x);
	assert_false(has_note(x, "BootNext"));
	bytes_done(&paths);
	bytes_done(&file);
	done_options(&o);
}

static void what_the_variables_boot_before_a_file_is_said(void **state)
{
	static const uint8_t device[2], firmware[16], tool_first[] = { 2, 0, 0, 0, 1, 0 };
	struct bytes tool = { NULL, 0 }, drive = { NULL, 0 }, shell = { NULL, 0 }, file = { NULL, 0 };
	struct options o = { .n = 0 };
	struct esp *x = *state;

	put_kernel(x, SHIM_FIRST);
	put_tool(x, TOOL);
	shim_machine_start(&o.f, x);
	bytes_add_wide(&file, "\\efi\\TOOL.efi");
	add_node(&tool, 4, 4, file.p, file.n);
	add_node(&drive, 1, 1, device, sizeof device);
	add_node(&shell, 4, 6, firmware, sizeof firmware);
	add_option(&o, 1, &tool);
	add_option(&o, 1, &drive);
	add_option(&o, 1, &shell);
	esp_predict(x);
	assert_false(has_note(x, "BootOrder"));
	set_variable(&o.f, "BootOrder", &guid_efi_global, 7, tool_first, sizeof tool_first);
	esp_predict(x);
	expect_note(x, "BootOrder has Boot0002, Boot0000 before " REAL_PATH ": ");
	expect_note(x, "(--boot Boot0002 predicts the first)");
	/* The removable-media file of a device; and a device that is not in BootOrder, where the firmware puts it last. */
	set_variable(&o.f, "BootOrder", &guid_efi_global, 7, tool_first + 4, 2);
	esp_predict(x);
	assert_false(has_note(x, "BootOrder"));
	set_variable(&o.f, "BootOrder", &guid_efi_global, 7, tool_first + 2, 2);
	esp_predict(x);
	expect_note(x, "BootOrder has Boot0000 before " REAL_PATH ": ");
	/* A path in another spelling. */
	put_kernel(x, TOOL);
	x->opt.boot = "efi/tool.EFI";
	esp_predict(x);
	assert_false(has_note(x, "BootOrder"));
	set_variable(&o.f, "BootNext", &guid_efi_global, 7, tool_first + 4, 2);
	esp_predict(x);
	expect_note(x, "BootNext names Boot0001, which the firmware tries once before \\EFI\\tool.efi");
	set_variable(&o.f, "BootNext", &guid_efi_global, 7, tool_first + 2, 2);
	esp_predict(x);
	assert_false(has_note(x, "BootNext"));
	bytes_done(&tool);
	bytes_done(&drive);
	bytes_done(&shell);
	bytes_done(&file);
	done_options(&o);
}

static void an_option_that_boots_nothing_of_the_image_is_refused(void **state)
{
	static const uint8_t mac[33], firmware[16], device[2];
	static const struct {
		uint8_t type, subtype;
		const uint8_t *p;
		size_t n;
		int code;
		const char *words;
	} cases[] = {
		{ 3, 11, mac, sizeof mac, PCRCAST_EINVAL,
		  "--boot Boot0000: it boots from the network, nothing of" },
		{ 4, 6, firmware, sizeof firmware, PCRCAST_EINVAL,
		  "--boot Boot0000: it boots an application within the firmware, nothing of" },
		{ 1, 1, device, sizeof device, PCRCAST_ENOTFOUND,
		  "Boot0000 names no file: the ESP holds no" },
	};
	struct esp *x = *state;

	put_tool(x, TOOL);
	x->opt.boot = "Boot0000";
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct options o = { .n = 0 };
		struct bytes paths = { NULL, 0 };

		shim_machine_start(&o.f, x);
		add_node(&paths, cases[i].type, cases[i].subtype, cases[i].p, cases[i].n);
		add_option(&o, 1, &paths);
		esp_predict_fails(x, cases[i].code, cases[i].words);
		bytes_done(&paths);
		done_options(&o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ESP(an_application_is_measured_between_the_actions),
		WITH_ESP(a_file_that_is_not_there_is_no_attempt),
		WITH_ESP(what_boots_a_kernel_does_not_come_back),
		WITH_ESP(a_file_alone_was_tried_by_nobody),
		WITH_ESP(after_a_menu_without_entries_the_firmware_may_show_its_own),
		WITH_ESP(shim_without_a_second_stage_leaves_its_own_events),
		WITH_ESP(shim_returns_what_its_second_stage_returned),
		WITH_ESP(fallback_restarts_and_does_not_come_back),
		WITH_ESP(what_the_firmware_refuses_measures_nothing),
		WITH_ESP(shim_that_refuses_needs_somebody_at_mokmanager),
		WITH_ESP(where_an_option_leads_decides),
		WITH_ESP(what_the_variables_have_tried_first_is_said),
		WITH_ESP(what_the_variables_boot_before_a_file_is_said),
		WITH_ESP(an_option_that_boots_nothing_of_the_image_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
