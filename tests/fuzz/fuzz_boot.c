/*
 * A whole boot of an ESP in memory, whose texts and companion files are the input.
 *
 * The first HEAD_LEN bytes choose versions and options; then come pieces: a byte that says what it is (enum slot), u16 LE
 * length, so many bytes. A piece that runs past the end takes what is left; of two for one slot the last counts.
 */
#include "tests/fuzz/one_core.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "predict/predict.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/build_pe.h"
#include "tests/unit/build_tree.h"

enum slot {
	LOADER_CONF,
	ENTRY_A,
	ENTRY_B,
	ENTRY_COUNTED,
	OSREL_1,
	OSREL_2,
	CMDLINE_1,
	CMDLINE_2,
	PROFILE_1,
	PROFILE_2,
	PROFILE_CMDLINE,
	UNAME,
	HWIDS,
	DTBAUTO,
	DTB,
	INITRD,
	UCODE,
	SBAT,
	PCRSIG,
	PCRPKEY,
	ADDON_CMDLINE,
	ADDON_UNAME,
	ADDON_INITRD,
	ADDON_DTB,
	ADDON_NAME, /* file name, with .addon.efi behind it */
	CRED,
	SYSEXT,
	CONFEXT,
	GLOBAL_CRED,
	GLOBAL_EXTENSION,
	EXTRA_NAME, /* file name of CRED */
	UKI_NAME,   /* file name of the second UKI in \EFI\Linux */
	INITRD_FILE,
	SMBIOS_1,
	SMBIOS_2,
	SMBIOS_ENTRY,
	LOAD_OPTIONS,
	ENTRY_NAME,
	CONSOLE,
	STUB_VERSION,
	BOOT_VERSION,
	RAW_UKI,   /* bytes of a whole EFI file in \EFI\Linux */
	RAW_ADDON, /* bytes of a whole addon */
	SECTION,   /* 8 bytes of a name, then content: one more section of both UKIs */
	COMPATIBLE,
	SLOTS,
};

enum head {
	HEAD_STUB, /* index of a version */
	HEAD_BOOT,
	HEAD_FLAGS,
	HEAD_MORE,
	HEAD_PROFILE,
	HEAD_ATTEMPTS,
	HEAD_BANKS,
	HEAD_PLACES, /* enum place */
	HEAD_LEN,
};

enum place {
	UKI_FIRST = 1,      /* RAW_UKI is the first EFI file */
	ADDON_DRIVER = 2,   /* RAW_ADDON is a driver, too */
	KEYS = 4,           /* there are keys to enroll */
	ADDON_KERNEL = 8,   /* the addon has a kernel */
	ADDON_DTBAUTO = 16, /* the addon has DTBAUTO */
};

static const char *const versions[] = {
	"252.39-1~deb12u2", "253", "254",   "254.3", "254.26", "255.13", "256", "257", "257.9",
	"257.13",           "258", "258.3", "259",   "260",    "261",    "262", "999"
};

struct input {
	const uint8_t *head;
	struct slice slots[SLOTS]; /* p is NULL for one that the input lacks */
};

static struct input split(const uint8_t *data, size_t n)
{
	static const uint8_t zeros[HEAD_LEN];
	struct input in = { .head = n >= HEAD_LEN ? data : zeros };

	for (size_t at = HEAD_LEN; at + 3 <= n;) {
		size_t len = get_u16le(data + at + 1), left = n - at - 3;

		in.slots[data[at] % SLOTS] = (struct slice){ data + at + 3, len < left ? len : left };
		at += 3 + (len < left ? len : left);
	}
	return in;
}

static struct slice slot(const struct input *in, enum slot s)
{
	return in->slots[s].p ? in->slots[s] : SLICE_EMPTY;
}

/* A slot as a C string: up to the first NUL. NULL when the input lacks it. */
static char *text(struct pool *pool, const struct input *in, enum slot s)
{
	struct slice b = in->slots[s];

	if (!b.p)
		return NULL;
	char *copy = pool_text(pool, (const char *)b.p, b.n);
	CHECK(copy);
	return copy;
}

/* ---- the tree ---- */

struct files {
	struct memory_files all;
	struct pool pool;
};

static void put(struct files *f, const char *path, struct slice bytes)
{
	memory_put(&f->all, path, bytes);
}

static void put_slot(struct files *f, const char *path, const struct input *in, enum slot s)
{
	if (in->slots[s].p)
		put(f, path, in->slots[s]);
}

/* A file name out of input bytes: what no directory can hold is left out. */
static const char *name_of(struct pool *pool, const struct input *in, enum slot s, const char *other)
{
	char *name = text(pool, in, s), *to = name;

	for (char *p = name; p && *p; p++)
		if (*p != '/' && *p != '\\')
			*to++ = *p;
	if (to)
		*to = '\0';
	return name && *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 ? name : other;
}

/* ---- images ---- */

struct sections {
	struct built_section items[24];
	size_t n;
};

static void section(struct sections *s, const char *name, const struct input *in, enum slot from)
{
	struct slice b = in->slots[from];

	if (b.p)
		s->items[s->n++] = (struct built_section){ .name = name, .bytes = b.p, .n = b.n };
}

static struct slice keep(struct pool *pool, uint8_t *p, size_t n)
{
	uint8_t *copy = pool_copy(pool, p, n);

	CHECK(copy);
	free(p);
	return (struct slice){ copy, n };
}

static struct slice kernel(struct pool *pool, const struct input *in)
{
	size_t n;
	uint8_t *p = build_kernel(in->head[HEAD_MORE] & 1, in->head[HEAD_MORE] >> 1 & 1, &n);

	put_u16le(built_optional_header(p) + 44, in->head[HEAD_MORE] >> 2 & 1);
	return keep(pool, p, n);
}

static const char *version_of(struct pool *pool, const struct input *in, enum head which, enum slot s)
{
	char *own = text(pool, in, s);

	if (own && strlen(own) < 100)
		return own;
	return versions[in->head[which] % (sizeof versions / sizeof versions[0])];
}

static struct slice uki(struct pool *pool, const struct input *in, enum slot osrel, enum slot cmdline)
{
	struct sections s = { .n = 0 };
	struct slice linux_image = kernel(pool, in);
	char extra[9] = "";
	size_t n;

	section(&s, ".osrel", in, osrel);
	section(&s, ".cmdline", in, cmdline);
	section(&s, ".uname", in, UNAME);
	section(&s, ".hwids", in, HWIDS);
	section(&s, ".dtbauto", in, DTBAUTO);
	section(&s, ".dtb", in, DTB);
	section(&s, ".initrd", in, INITRD);
	section(&s, ".ucode", in, UCODE);
	section(&s, ".sbat", in, SBAT);
	section(&s, ".pcrsig", in, PCRSIG);
	section(&s, ".pcrpkey", in, PCRPKEY);
	s.items[s.n++] =
		(struct built_section){ .name = ".linux", .bytes = linux_image.p, .n = linux_image.n };
	if (in->slots[SECTION].p && in->slots[SECTION].n >= 8) {
		memcpy(extra, in->slots[SECTION].p, 8);
		s.items[s.n++] = (struct built_section){ .name = extra,
							 .bytes = in->slots[SECTION].p + 8,
							 .n = in->slots[SECTION].n - 8 };
	}
	section(&s, ".profile", in, PROFILE_1);
	section(&s, ".profile", in, PROFILE_2);
	section(&s, ".cmdline", in, PROFILE_CMDLINE);
	uint8_t *p = build_uki(version_of(pool, in, HEAD_STUB, STUB_VERSION), s.items, s.n, &n);
	return keep(pool, p, n);
}

static struct slice sdboot(struct pool *pool, const struct input *in)
{
	char *magic = pool_printf(pool, "#### LoaderInfo: systemd-boot %s ####",
				  version_of(pool, in, HEAD_BOOT, BOOT_VERSION));
	const struct built_section s = { ".sdmagic", magic, strlen(magic), 0 };
	size_t n;
	uint8_t *p = build_pe(&(struct build_pe){ .sections = &s, .n_sections = 1 }, &n);

	return keep(pool, p, n);
}

static struct slice addon(struct pool *pool, const struct input *in)
{
	struct sections s = { .n = 0 };
	size_t n;

	section(&s, ".cmdline", in, ADDON_CMDLINE);
	section(&s, ".uname", in, ADDON_UNAME);
	section(&s, ".initrd", in, ADDON_INITRD);
	section(&s, ".dtb", in, ADDON_DTB);
	if (in->head[HEAD_PLACES] & ADDON_DTBAUTO)
		section(&s, ".dtbauto", in, DTBAUTO);
	if (in->head[HEAD_PLACES] & ADDON_KERNEL)
		s.items[s.n++] = (struct built_section){ .name = ".linux", .bytes = "K", .n = 1 };
	uint8_t *p = build_pe(&(struct build_pe){ .sections = s.items, .n_sections = s.n }, &n);
	return keep(pool, p, n);
}

static void make_files(struct files *f, const struct input *in)
{
	struct pool *pool = &f->pool;
	bool direct = in->head[HEAD_FLAGS] & 1;
	struct slice first = uki(pool, in, OSREL_1, CMDLINE_1);
	const char *uki_name = name_of(pool, in, UKI_NAME, "b+3-1.efi");
	const char *cred = name_of(pool, in, EXTRA_NAME, "a.cred");
	const char *addon_name = name_of(pool, in, ADDON_NAME, "a");

	uint8_t places = in->head[HEAD_PLACES];
	if (places & UKI_FIRST)
		put_slot(f, "\\EFI\\BOOT\\BOOTX64.EFI", in, RAW_UKI);
	if (places & ADDON_DRIVER) {
		put_slot(f, "\\EFI\\systemd\\drivers\\ax64.efi", in, RAW_ADDON);
		put_slot(f, "\\EFI\\systemd\\drivers\\bX64.EFI", in, RAW_ADDON);
	}
	if (places & KEYS)
		put(f, "\\loader\\keys\\auto\\db.auth", SLICE_EMPTY);
	put(f, "\\EFI\\BOOT\\BOOTX64.EFI", direct ? first : sdboot(pool, in));
	put(f, "\\EFI\\Linux\\a.efi", first);
	put(f, pool_printf(pool, "\\EFI\\Linux\\%s", uki_name), uki(pool, in, OSREL_2, CMDLINE_2));
	put(f, "\\linux", kernel(pool, in));
	put_slot(f, "\\initrd", in, INITRD_FILE);
	put(f, "\\empty", SLICE_EMPTY);
	put_slot(f, "\\loader\\loader.conf", in, LOADER_CONF);
	put_slot(f, "\\loader\\entries\\a.conf", in, ENTRY_A);
	put_slot(f, "\\loader\\entries\\B.conf", in, ENTRY_B);
	put_slot(f, "\\loader\\entries\\c+2-1.conf", in, ENTRY_COUNTED);
	put_slot(f, "\\EFI\\Linux\\raw.efi", in, RAW_UKI);
	put_slot(f, "\\loader\\addons\\raw.addon.efi", in, RAW_ADDON);
	put_slot(f, "\\loader\\credentials\\g.cred", in, GLOBAL_CRED);
	put_slot(f, "\\loader\\extensions\\g.raw", in, GLOBAL_EXTENSION);
	put_slot(f, "\\loader\\extensions\\g.confext.raw", in, GLOBAL_EXTENSION);
	if (in->slots[ADDON_CMDLINE].p || in->slots[ADDON_INITRD].p) {
		struct slice a = addon(pool, in);

		put(f, "\\loader\\addons\\g.addon.efi", a);
		put(f, pool_printf(pool, "\\EFI\\BOOT\\BOOTX64.EFI.extra.d\\%s.addon.efi", addon_name), a);
		put(f, "\\EFI\\Linux\\a.efi.extra.d\\x.addon.efi", a);
	}
	static const char *const dirs[] = { "\\EFI\\BOOT\\BOOTX64.EFI.extra.d",
					    "\\EFI\\Linux\\a.efi.extra.d" };
	for (int i = 0; i < 2; i++) {
		put_slot(f, pool_printf(pool, "%s\\%s", dirs[i], cred), in, CRED);
		put_slot(f, pool_printf(pool, "%s\\s.raw", dirs[i]), in, SYSEXT);
		put_slot(f, pool_printf(pool, "%s\\c.confext.raw", dirs[i]), in, CONFEXT);
	}
}

/* ---- the prediction ---- */

/* What is called complete is, and a log of it is read back as it was written. */
static void check_prediction(const struct prediction *p, uint32_t wanted)
{
	struct eventlog log = EVENTLOG_INIT, back;
	struct pcrcast_error e;
	struct slice bytes;

	memcpy(log.algs, p->log.algs, sizeof log.algs);
	log.n_algs = p->log.n_algs;
	for (size_t i = 0; i < p->log.n_events; i++) {
		const struct event *ev = &p->log.events[i];

		CHECK(ev->pcr < PCR_COUNT && ev->description && ev->source);
		if (!(wanted & ~p->incomplete & UINT32_C(1) << ev->pcr))
			continue;
		CHECK(ev->n_digests == p->log.n_algs);
		struct event *place =
			pool_push(&log.pool, &log.events, &log.n_events, &log.cap, sizeof *place);
		CHECK(place);
		*place = *ev;
	}
	CHECK(eventlog_write_tcg2(&log, &log.pool, &bytes, &e) == 0);
	CHECK(eventlog_parse_tcg2(bytes, &back, &e) == 0);
	CHECK(back.n_events == log.n_events);
	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		struct pcr_bank bank;

		if (!(p->banks & 1u << alg))
			continue;
		CHECK(eventlog_replay(&back, alg, &bank, &e) == 0);
		for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr++)
			if (wanted & ~p->incomplete & UINT32_C(1) << pcr)
				CHECK(memcmp(bank.pcr[pcr], p->values[alg].pcr[pcr], algs[alg].len) == 0);
	}
	eventlog_done(&back);
	eventlog_done(&log);
	for (size_t i = 0; i < p->n_unknowns; i++)
		CHECK(p->unknowns[i].reason && p->incomplete & UINT32_C(1) << p->unknowns[i].pcr);
	for (size_t i = 0; i < p->n_notes; i++)
		CHECK(p->notes[i]);
}

static void run(struct files *f, const struct input *in)
{
	struct pool *pool = &f->pool;
	uint8_t flags = in->head[HEAD_FLAGS], more = in->head[HEAD_MORE];
	struct image img = { .kind = flags & 2 ? IMAGE_DISK : IMAGE_DIRECTORY, .esp = memory_tree(&f->all) };
	const char *smbios[3] = { NULL }, *consoles[1] = { text(pool, in, CONSOLE) };
	static const char *const attempted[] = { "\\EFI\\BOOT\\BOOTX64.EFI", "\\EFI\\Linux\\a.efi", "none" };
	struct predict_options opt = {
		.attempted = attempted,
		.n_attempted = in->head[HEAD_ATTEMPTS] >> 2 & 3,
		.entry = text(pool, in, ENTRY_NAME),
		.has_profile = flags >> 2 & 1,
		.profile = in->head[HEAD_PROFILE] % 8 == 7 ? 0xfffffffe : in->head[HEAD_PROFILE] % 8,
		.has_load_options = in->slots[LOAD_OPTIONS].p != NULL,
		.load_options = slot(in, LOAD_OPTIONS),
		.failed_attempts = in->head[HEAD_ATTEMPTS] % 4,
		.secure_boot = (more & 0xf0) == 0xf0, /* only what RAW_UKI and RAW_ADDON hold can be signed */
		.confidential_vm = flags >> 3 & 1,
		.console_known = flags >> 4 & 1,
		.consoles = consoles,
		.n_consoles = consoles[0] != NULL,
		.boot_secret = (enum boot_secret)((flags >> 5 & 3) % 3),
		.hardware = { .ids_known = flags >> 7,
			      .compatible_known = more >> 3 & 1,
			      .compatible = text(pool, in, COMPATIBLE) },
		.banks = in->head[HEAD_BANKS] % 16,
		.pcrs = in->head[HEAD_BANKS] & 0x80 ? 1u << (in->head[HEAD_BANKS] >> 4 & 7) | 1u << 11 : 0,
		.smbios = smbios,
	};
	struct guid ids[4];
	struct prediction p;
	struct pcrcast_error e;

	for (enum slot s = SMBIOS_1; s <= SMBIOS_ENTRY; s++) {
		static const char *const keys[] = { "io.systemd.stub.kernel-cmdline-extra=",
						    "io.systemd.boot.kernel-cmdline-extra=",
						    "io.systemd.boot.entries-extra:" };
		const char *value = text(pool, in, s);

		if (value)
			smbios[opt.n_smbios++] = pool_printf(pool, "%s%s", keys[s - SMBIOS_1], value);
	}
	/* hardware ids that the table may hold */
	while (opt.hardware.n_ids < 4 && slot(in, HWIDS).n >= 4 + 16 + 28 * opt.hardware.n_ids) {
		memcpy(&ids[opt.hardware.n_ids], slot(in, HWIDS).p + 4 + 28 * opt.hardware.n_ids,
		       sizeof(struct guid));
		opt.hardware.n_ids++;
	}
	opt.hardware.ids = ids;
	if (flags & 2)
		img.xbootldr = memory_tree(&f->all);

	int r = predict(&img, &opt, &p, &e);
	if (r == 0)
		check_prediction(&p, opt.pcrs ? opt.pcrs : PREDICT_DEFAULT_PCRS);
	else
		CHECK((int)e.code == -r && e.msg[0] && strlen(e.msg) < sizeof e.msg);
	prediction_done(&p);
	tree_free(img.esp);
	tree_free(img.xbootldr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	stay_on_one_core();
	struct files f = { .pool = POOL_INIT };
	struct input in = split(data, size);

	make_files(&f, &in);
	run(&f, &in);
	pool_done(&f.pool);
	return 0;
}
