/*
 * A boot through shim, whose binary, variables and files beside it are the input.
 *
 * The first HEAD_LEN bytes choose the version and options; then come pieces: a byte that says what it is (enum slot), u16 LE
 * length, so many bytes. A piece that runs past the end takes what is left; of two for one slot the last counts.
 */
#include "tests/fuzz/one_core.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "predict/predict.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/build_shim.h"
#include "tests/unit/build_tree.h"

enum slot {
	RAW, /* the whole binary */
	AUTHORIZED,
	DEAUTHORIZED,
	DATA,
	AUTOMATIC,
	LATEST,
	SHIM_SBAT,
	NEXT_SBAT,
	LOAD_OPTIONS,
	OPTIONS_CSV,
	BOOT_CSV,
	VENDOR_VARIABLES, /* variables, in the order of names[] below */
	LAST_VARIABLE = VENDOR_VARIABLES + 9,
	NEXT_RAW, /* the second stage */
	SLOTS,
};

enum head {
	HEAD_VERSION,
	HEAD_FLAGS,
	HEAD_BANKS,
	HEAD_LEN,
};

enum flag {
	SECURE = 1,
	FALLBACK = 2,
	LONG_NAMES = 4,
	KNOWN = 8,      /* all variables are */
	ATTEMPTED = 16, /* the same chain has been tried before, and came back */
};

static const char *const versions[] = { "15.4", "15.5", "15.6", "15.7", "15.8",
					"16.0", "16.1", "17",   "x",    "15" };

/* Those that let an image pass are SecureBoot's; db lets the shim itself pass, so that something follows. */
static const char *const names[] = { "MokList",    "MokListX",       "MokSBState", "MokDBState", "SbatLevel",
				     "SbatPolicy", "MokListTrusted", "MokPolicy",  "MokNew",     "dbx" };

struct input {
	uint8_t head[HEAD_LEN];
	struct slice slots[SLOTS]; /* p is NULL for one that the input lacks */
};

static struct input split(const uint8_t *data, size_t n)
{
	struct input in = { .head = { 0 } };

	if (n >= HEAD_LEN)
		memcpy(in.head, data, HEAD_LEN);
	for (size_t at = HEAD_LEN; at + 3 <= n;) {
		size_t len = get_u16le(data + at + 1), left = n - at - 3;

		in.slots[data[at] % SLOTS] = (struct slice){ data + at + 3, len < left ? len : left };
		at += 3 + (len < left ? len : left);
	}
	return in;
}

static char *text(struct pool *pool, const struct input *in, enum slot s)
{
	struct slice b = in->slots[s];
	char *copy = b.p && b.n < 4096 ? pool_text(pool, (const char *)b.p, b.n) : NULL;

	CHECK(copy || !b.p || b.n >= 4096);
	return copy;
}

static struct slice keep(struct pool *pool, uint8_t *p, size_t n)
{
	uint8_t *copy = pool_copy(pool, p, n);

	CHECK(copy);
	free(p);
	return (struct slice){ copy, n };
}

static struct slice short_slot(const struct input *in, enum slot s)
{
	struct slice b = in->slots[s].p ? in->slots[s] : SLICE_EMPTY;

	return b.n < 16384 ? b : (struct slice){ b.p, 16384 };
}

static struct slice shim(struct pool *pool, const struct input *in)
{
	struct slice good = short_slot(in, AUTHORIZED), bad = short_slot(in, DEAUTHORIZED),
		     data = short_slot(in, DATA);
	struct build_shim what = {
		.version = versions[in->head[HEAD_VERSION] % (sizeof versions / sizeof versions[0])],
		.automatic = text(pool, in, AUTOMATIC),
		.latest = text(pool, in, LATEST),
		.sbat = text(pool, in, SHIM_SBAT),
		.authorized = good.p,
		.n_authorized = good.n,
		.deauthorized = bad.p,
		.n_deauthorized = bad.n,
		.data = data.p,
		.n_data = data.n,
		.long_names = in->head[HEAD_FLAGS] & LONG_NAMES
	};
	size_t n;

	if (in->slots[RAW].p)
		return in->slots[RAW];
	uint8_t *p = build_shim(&what, &n);
	return keep(pool, p, n);
}

static struct slice next(struct pool *pool, const struct input *in)
{
	const char *sbat = text(pool, in, NEXT_SBAT);
	const struct built_section s = { ".sbat", sbat, sbat ? strlen(sbat) : 0, 0 };
	size_t n;

	if (in->slots[NEXT_RAW].p)
		return in->slots[NEXT_RAW];
	uint8_t *p = sbat ? build_pe(&(struct build_pe){ .sections = &s, .n_sections = 1 }, &n) :
			    build_kernel(1, 1, &n);
	return keep(pool, p, n);
}

static void make_files(struct memory_files *f, struct pool *pool, const struct input *in)
{
	struct slice second = next(pool, in);

	memory_put(f, "\\EFI\\BOOT\\BOOTX64.EFI", shim(pool, in));
	memory_put(f, "\\EFI\\BOOT\\grubx64.efi", second);
	memory_put(f, "\\EFI\\test\\shimx64.efi", shim(pool, in));
	memory_put(f, "\\EFI\\test\\grubx64.efi", second);
	if (in->head[HEAD_FLAGS] & FALLBACK)
		memory_put(f, "\\EFI\\BOOT\\fbx64.efi", second);
	if (in->slots[OPTIONS_CSV].p)
		memory_put(f, "\\EFI\\BOOT\\options.csv", in->slots[OPTIONS_CSV]);
	if (in->slots[BOOT_CSV].p)
		memory_put(f, "\\EFI\\test\\BOOTX64.CSV", in->slots[BOOT_CSV]);
}

/* The digest of the first image, by a boot without Secure Boot: db then lets it pass. */
static bool digest_of_shim(struct image *img, struct digest *ret)
{
	struct predict_options opt = { .boot = "\\EFI\\BOOT\\BOOTX64.EFI" };
	struct prediction p;
	bool found = false;

	opt.pcrs = 1 << 4;
	if (predict(img, &opt, &p, NULL) == 0)
		for (size_t i = 0; i < p.log.n_events && !found; i++)
			if (p.log.events[i].pcr == 4 &&
			    strcmp(p.log.events[i].description, "first EFI file") == 0) {
				memcpy(ret->bytes, event_digest(&p.log.events[i], &p.log, ALG_SHA256).p, 32);
				found = true;
			}
	prediction_done(&p);
	return found;
}

/* An EFI_SIGNATURE_LIST with one SHA-256 digest. */
static struct slice list_of(struct pool *pool, const struct digest *d)
{
	static const uint8_t head[28] = { 0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9,
					  0x41, 0xf9, 0x36, 0x93, 0x43, 0x28, 76,   0,    0,    0,
					  0,    0,    0,    0,    48,   0,    0,    0 };
	uint8_t *p = pool_array(pool, 76, 1);

	CHECK(p);
	memcpy(p, head, sizeof head);
	memcpy(p + 44, d->bytes, 32);
	return (struct slice){ p, 76 };
}

static void check_prediction(const struct prediction *p)
{
	for (size_t i = 0; i < p->log.n_events; i++) {
		const struct event *ev = &p->log.events[i];

		CHECK(ev->pcr < PCR_COUNT && ev->description && ev->source && ev->data.p);
	}
	for (size_t i = 0; i < p->n_unknowns; i++)
		CHECK(p->unknowns[i].reason && p->incomplete & UINT32_C(1) << p->unknowns[i].pcr);
	for (size_t i = 0; i < p->n_notes; i++)
		CHECK(p->notes[i]);
}

static void run(struct memory_files *files, struct pool *pool, const struct input *in)
{
	struct image img = { .kind = IMAGE_DISK, .esp = memory_tree(files) };
	uint8_t flags = in->head[HEAD_FLAGS];
	struct firmware_variable items[16];
	struct firmware_variables variables = { items, 0, 16, flags & KNOWN };
	static const char *const attempted[] = { "\\EFI\\BOOT\\BOOTX64.EFI", "none" };
	struct predict_options opt = { .attempted = attempted,
				       .n_attempted = flags & ATTEMPTED ? 2 : 0,
				       .has_load_options = in->slots[LOAD_OPTIONS].p != NULL,
				       .load_options = in->slots[LOAD_OPTIONS].p ? in->slots[LOAD_OPTIONS] :
										   SLICE_EMPTY,
				       .banks = in->head[HEAD_BANKS] % 16,
				       .variables = &variables,
				       .secure_boot = flags & SECURE,
				       .secure_boot_given = true,
				       .pcrs = 0xffff };
	struct digest d = { .alg = ALG_SHA256 };
	struct pcrcast_error e;
	struct prediction p;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (in->slots[VENDOR_VARIABLES + i].p)
			items[variables.n++] = (struct firmware_variable){
				names[i], strcmp(names[i], "dbx") == 0 ? guid_image_security : guid_shim_lock,
				0, in->slots[VENDOR_VARIABLES + i]
			};
	if (flags & SECURE && digest_of_shim(&img, &d)) {
		struct slice list = list_of(pool, &d);

		items[variables.n++] = (struct firmware_variable){ "db", guid_image_security, 0, list };
		items[variables.n++] = (struct firmware_variable){ "PK", guid_efi_global, 0, list };
	}
	int r = predict(&img, &opt, &p, &e);
	if (r == 0)
		check_prediction(&p);
	else
		CHECK((int)e.code == -r && e.msg[0] && strlen(e.msg) < sizeof e.msg);
	prediction_done(&p);
	tree_free(img.esp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory_files files = { .n = 0 };
	struct pool pool = POOL_INIT;
	struct input in = split(data, size);

	stay_on_one_core();
	make_files(&files, &pool, &in);
	run(&files, &pool, &in);
	pool_done(&pool);
	return 0;
}
