/*
 * GRUB's configuration language, run in a whole boot: the first byte chooses the build and whether the order of a directory
 * is known; the rest is grub.cfg up to the first 0xff, then grubenv, and two entries of the Boot Loader Specification.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "predict/predict.h"
#include "predict/tree_impl.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/build_grub.h"
#include "tests/unit/build_pe.h"

/* The files of the ESP, in one directory tree of fixed shape. */
static struct {
	const char *dir, *name; /* dir "": it is a directory of the root */
	struct slice bytes;
} files[] = {
	{ "", "EFI", { NULL, 0 } },
	{ "", "linux", { NULL, 0 } },
	{ "\\EFI", "BOOT", { NULL, 0 } },
	{ "\\EFI", "debian", { NULL, 0 } },
	{ "\\EFI\\BOOT", "BOOTX64.EFI", { NULL, 0 } },
	{ "\\EFI\\debian", "grub.cfg", { NULL, 0 } },
	{ "\\EFI\\debian", "grubenv", { NULL, 0 } },
	{ "\\loader\\entries", "a-9.conf", { NULL, 0 } },
	{ "\\loader\\entries", "a-10.conf", { NULL, 0 } },
	{ "", "loader", { NULL, 0 } },
	{ "\\loader", "entries", { NULL, 0 } },
};
enum { KERNEL = 1, IMAGE = 4, CONFIG = 5, FUZZED = 4, FILES = 11 };

static int read_dir(struct tree *t, struct tree_node *dir, struct tree_dir *ret, struct pcrcast_error *e)
{
	const char *here = dir->parent ? tree_path_of(t, dir) : "";

	for (size_t i = 0; i < FILES; i++) {
		struct tree_node *node;

		if (strcmp(files[i].dir, here) != 0)
			continue;
		int r = tree_add(t, dir, ret, files[i].name, &node, e);
		if (r < 0)
			return r;
		node->entry.is_dir = !files[i].bytes.p;
		node->entry.size = files[i].bytes.n;
		node->place = i;
	}
	return 0;
}

static int open_file(struct tree *t, struct tree_node *file, struct blob *ret, struct pcrcast_error *e)
{
	return blob_of_bytes(&t->pool, files[file->place].bytes, ret, e);
}

static const struct tree_ops ops[] = {
	{ .read_dir = read_dir, .open = open_file },
	{ .read_dir = read_dir, .open = open_file, .in_disk_order = true },
};

/* The part up to the next 0xff, in a block of its exact size, so that AddressSanitizer sees one byte too far. */
static uint8_t *next_part(const uint8_t **data, size_t *size, size_t *ret_n)
{
	const uint8_t *end = *size ? memchr(*data, 0xff, *size) : NULL;
	size_t n = end ? (size_t)(end - *data) : *size;
	uint8_t *copy = malloc(n ? n : 1);

	CHECK(copy);
	if (n)
		memcpy(copy, *data, n);
	*size -= end ? n + 1 : n;
	*data += end ? n + 1 : n;
	*ret_n = n;
	return copy;
}

static const char *const upstream_modules[] = { "tpm",  "normal", "test",    "true", "linux",  "chain",
						"boot", "search", "loadenv", "echo", "blsuki", NULL };

/* The builds that it may be. */
static const struct build_grub builds[] = {
	{ "/EFI/debian", NULL, grub_debian_sbat, grub_usual_modules },
	{ "/EFI/debian", NULL, grub_ubuntu_sbat, grub_usual_modules },
	{ "/EFI/debian", NULL, "sbat,1\ngrub,5,F,grub,2.12,u\ngrub.rh,2,R,grub2,2.12-1,u\n",
	  grub_usual_modules },
	{ "/EFI/debian", NULL, "sbat,1\ngrub,5,F,grub,2.14,u\n", upstream_modules },
};
enum { BUILDS = sizeof builds / sizeof builds[0] };

static void check(const struct prediction *p)
{
	for (size_t i = 0; i < p->log.n_events; i++) {
		const struct event *ev = &p->log.events[i];

		CHECK(ev->pcr < PCR_COUNT && ev->description && ev->source);
		CHECK(ev->origin == EVENT_UNKNOWN || ev->pcr != 8 || ev->digests.n);
		CHECK(ev->origin != EVENT_UNKNOWN || p->incomplete & UINT32_C(1) << ev->pcr);
	}
	for (size_t i = 0; i < p->n_unknowns; i++)
		CHECK(p->unknowns[i].reason);
	for (size_t i = 0; i < p->n_notes; i++)
		CHECK(p->notes[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t *images[BUILDS], *kernel;
	static size_t n_images[BUILDS], n_kernel;
	struct predict_options opt = { .pcrs = 1 << 4 | 1 << 8 | 1 << 9 };
	struct image img = { .kind = IMAGE_DIRECTORY };
	uint8_t *parts[FUZZED];
	struct pcrcast_error e;
	struct prediction p;

	if (!kernel) {
		kernel = build_kernel(1, 1, &n_kernel);
		for (size_t i = 0; i < BUILDS; i++)
			images[i] = build_grub(&builds[i], &n_images[i]);
	}
	if (size == 0)
		return 0;
	uint8_t build = data[0] & 3, in_order = !(data[0] & 4);
	data++;
	size--;
	files[KERNEL].bytes = (struct slice){ kernel, n_kernel };
	files[IMAGE].bytes = (struct slice){ images[build], n_images[build] };
	for (size_t i = 0; i < FUZZED; i++) {
		size_t n;

		parts[i] = next_part(&data, &size, &n);
		files[CONFIG + i].bytes = (struct slice){ parts[i], n };
	}
	CHECK(tree_new(&ops[in_order], "fuzz", 0, &img.esp, NULL) == 0);
	int r = predict(&img, &opt, &p, &e);
	if (r == 0)
		check(&p);
	else
		CHECK((int)e.code == -r && e.msg[0]);
	prediction_done(&p);
	tree_free(img.esp);
	for (size_t i = 0; i < FUZZED; i++)
		free(parts[i]);
	return 0;
}
