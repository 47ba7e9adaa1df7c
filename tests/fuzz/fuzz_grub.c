/*
 * GRUB's configuration language, run in a whole boot: the first byte chooses the build, the rest is grub.cfg up to the
 * first 0xff, and grubenv behind it.
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
};
enum { KERNEL = 1, IMAGE = 4, CONFIG = 5, ENVIRONMENT = 6, FILES = 7 };

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

static const struct tree_ops ops = { .read_dir = read_dir, .open = open_file, .in_disk_order = true };

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
	static uint8_t *images[2], *kernel;
	static size_t n_images[2], n_kernel;
	struct predict_options opt = { .pcrs = 1 << 4 | 1 << 8 | 1 << 9 };
	struct pcrcast_error e;
	struct prediction p;
	struct image img = { .kind = IMAGE_DIRECTORY };

	if (!kernel) {
		kernel = build_kernel(1, 1, &n_kernel);
		images[0] = build_grub(
			&(struct build_grub){ "/EFI/debian", NULL, grub_debian_sbat, grub_usual_modules },
			&n_images[0]);
		images[1] = build_grub(
			&(struct build_grub){ "/EFI/debian", NULL, grub_ubuntu_sbat, grub_usual_modules },
			&n_images[1]);
	}
	if (size == 0)
		return 0;
	/* exact-size copies, so that AddressSanitizer sees one byte too far */
	const uint8_t *end = memchr(data + 1, 0xff, size - 1);
	size_t n = end ? (size_t)(end - data - 1) : size - 1, rest = end ? size - n - 2 : 0;
	uint8_t *config = malloc(n ? n : 1), *env = malloc(rest ? rest : 1);
	CHECK(config && env);
	memcpy(config, data + 1, n);
	if (rest)
		memcpy(env, end + 1, rest);
	files[KERNEL].bytes = (struct slice){ kernel, n_kernel };
	files[IMAGE].bytes = (struct slice){ images[data[0] & 1], n_images[data[0] & 1] };
	files[CONFIG].bytes = (struct slice){ config, n };
	files[ENVIRONMENT].bytes = (struct slice){ env, rest };
	CHECK(tree_new(&ops, "fuzz", 0, &img.esp, NULL) == 0);
	int r = predict(&img, &opt, &p, &e);
	if (r == 0)
		check(&p);
	else
		CHECK((int)e.code == -r && e.msg[0]);
	prediction_done(&p);
	tree_free(img.esp);
	free(config);
	free(env);
	return 0;
}
