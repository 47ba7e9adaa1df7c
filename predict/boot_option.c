/*
 * Booting through a boot option of the firmware's variables: --boot Boot0001.
 *
 * Sources: UEFI 2.10, sections 3.1.3, 3.3 and 10.3; EDK2 edk2-stable202605, MdeModulePkg/Library/UefiBootManagerLib/BmBoot.c and
 * MdeModulePkg/Universal/BdsDxe/BdsEntry.c.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/efi/device_path.h"
#include "base/efi/variable.h"
#include "base/reader.h"
#include "predict/gpt.h"
#include "predict/walk.h"

/* "Boot" and four digits, in upper case as firmware writes them. */
static bool is_option_name(const char *text)
{
	return strlen(text) == 8 && strncmp(text, "Boot", 4) == 0 &&
	       strspn(text + 4, "0123456789ABCDEF") == 4;
}

/* Is this partition, by a hard drive node's data (UEFI 2.10, section 10.3.5.1), the ESP of the image? */
static bool is_our_partition(const struct walk *w, struct slice data)
{
	enum { LEN = 38, SIGNATURE = 20, SIGNATURE_TYPE = 37, BY_GUID = 2 };
	const struct gpt *g = w->img->gpt;

	if (w->img->kind != IMAGE_DISK || !g || data.n < LEN || data.p[SIGNATURE_TYPE] != BY_GUID)
		return true; /* as far as can be told */
	for (size_t i = 0; i < g->n_partitions; i++)
		if (g->partitions[i].number == w->img->esp_number)
			return memcmp(g->partitions[i].guid, data.p + SIGNATURE, GUID_LEN) == 0;
	return true;
}

/* Where an option's first path leads. It is known to be sound. */
static enum boot_place place_of(const struct walk *w, struct slice paths)
{
	enum { MESSAGING = 3, MEDIA = 4, END = 0x7f, HARD_DRIVE = 1, FILE_PATH = 4, FV_FILE = 6 };
	enum { MAC = 11, IPV4 = 12, IPV6 = 13, URI = 24, NODE = 4 };
	struct reader r = reader_over(paths);
	enum boot_place place = BOOT_DEVICE;

	for (bool first = true;; first = false) {
		uint8_t type = reader_u8(&r), subtype = reader_u8(&r);
		uint16_t len = reader_u16le(&r);
		struct slice data = reader_take(&r, len < NODE ? 0 : len - NODE);

		if (r.failed || len < NODE || type == END)
			return place;
		if (type == MEDIA && subtype == HARD_DRIVE)
			place = is_our_partition(w, data) ? BOOT_ON_ESP : BOOT_ELSEWHERE;
		else if (type == MEDIA && subtype == FV_FILE)
			place = BOOT_FIRMWARE;
		else if (type == MEDIA && subtype == FILE_PATH && first)
			place = BOOT_ON_ESP;
		else if (type == MESSAGING &&
			 (subtype == MAC || subtype == IPV4 || subtype == IPV6 || subtype == URI))
			place = BOOT_NETWORK;
	}
}

int firmware_boot_option(struct walk *w, const char *name, const char *asked_by, struct boot_option *ret,
			 struct pcrcast_error *e)
{
	const struct firmware_variable *v;
	struct device_path path;
	struct load_option o;

	*ret = (struct boot_option){ .path = name, .load_options = SLICE_EMPTY };
	if (!name || !is_option_name(name))
		return 0;
	v = firmware_variables_find(w->opt->variables, name, &guid_efi_global);
	if (!v && w->opt->variables)
		return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET, "the variables hold no %s", name);
	if (!v)
		return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
			       "%s %s: what that boots is told by --variables", asked_by, name);
	const char *why = load_option_read(w->pool, v->data, &o);
	if (why)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "%s: %s", name, why);
	int r = device_path_read(w->pool, o.paths, &path, e);
	if (r == 0 && !path.complete)
		r = err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "%s: device path: %s", name,
			    path.trouble ? path.trouble : "it has no end");
	if (r == 0 && !(o.attributes & LOAD_OPTION_ACTIVE))
		r = walk_note(w,
			      pool_printf(w->pool,
					  "%s is not active: the firmware boots it only when it is asked to",
					  name),
			      e);
	if (r < 0)
		return r;
	bool automatic = o.optional_data.n == GUID_LEN &&
			 memcmp(o.optional_data.p, guid_auto_created.bytes, GUID_LEN) == 0;
	*ret = (struct boot_option){
		.name = name,
		.path = path.file, /* NULL: a device, whose removable-media file is booted */
		.place = place_of(w, o.paths),
		.load_options = automatic ? SLICE_EMPTY : o.optional_data
	};
	return 0;
}

enum { OPTIONS = 1 << 16 };

/* The number of a variable Boot#### ; -1: it is none. */
static long option_number(const char *name)
{
	return is_option_name(name) ? strtol(name + 4, NULL, 16) : -1;
}

/* Does this option lead to the file (in stored spelling), as far as can be told? */
static bool leads_to(struct walk *w, const char *name, const char *file)
{
	struct boot_option o;
	const char *path, *stored;
	struct blob ignored;

	if (firmware_boot_option(w, name, "BootOrder", &o, NULL) < 0 ||
	    (o.place != BOOT_ON_ESP && o.place != BOOT_DEVICE))
		return false;
	path = o.path;
	return (path || firmware_find_file(w, &path, NULL) == 0) &&
	       tree_open_file(w->img->esp, path, &ignored, &stored, NULL) == 0 && strcmp(stored, file) == 0;
}

/* Is this option the one that is predicted, by its name or by the file that it leads to? */
static bool is_predicted(struct walk *w, uint16_t number, const struct boot_option *option, const char *file)
{
	const char *name = option->name ? NULL : pool_printf(w->pool, "Boot%04X", number);

	return option->name ? number == option_number(option->name) : name && leads_to(w, name, file);
}

/* BootBootOptions: those that are active, and no applications. ret: OPTIONS of them, false. */
static void find_tried(struct walk *w, bool *ret)
{
	const struct firmware_variables *vars = w->opt->variables;

	for (size_t i = 0; vars && i < vars->n; i++) {
		const struct firmware_variable *v = &vars->items[i];
		long number = guid_equal(&v->guid, &guid_efi_global) ? option_number(v->name) : -1;
		struct load_option o;

		if (number >= 0 && v->data.n && !load_option_read(w->pool, v->data, &o))
			ret[number] =
				o.attributes & LOAD_OPTION_ACTIVE && !(o.attributes & LOAD_OPTION_CATEGORY);
	}
}

/*
 * "Boot0000, Boot0003": what is tried before the boot that is predicted by BootOrder, "" when nothing is. A hostile BootOrder has
 * millions of entries: only the first of a number costs a look-up.
 */
static int tried_before(struct walk *w, const struct boot_option *option, const char *file,
			struct slice order, const char **ret, struct pcrcast_error *e)
{
	enum { NAMED_MAX = 8 }; /* options in the note */
	bool *tried = pool_array(w->pool, OPTIONS, sizeof *tried);
	const char *names = "";
	size_t n = 0;

	if (!tried)
		return err_nomem(e);
	find_tried(w, tried);
	for (size_t i = 0; i + 2 <= order.n; i += 2) {
		uint16_t number = get_u16le(order.p + i);

		if ((tried[number] || option->name) && is_predicted(w, number, option, file)) {
			*ret = names;
			return 0;
		}
		if (tried[number] && n++ < NAMED_MAX)
			names = pool_printf(w->pool, "%s%sBoot%04X", names, n > 1 ? ", " : "", number);
		if (!names)
			return err_nomem(e);
		tried[number] = false;
	}
	/* The firmware boots no file by itself that only --boot names, but puts the devices that it finds behind BootOrder. */
	*ret = option->name ? "" : names;
	return 0;
}

/* path in the spelling of the ESP; NULL: it is not there, or there is no ESP. */
static const char *stored_path(struct walk *w, const char *path)
{
	const char *stored;
	struct blob ignored;

	return w->img->kind != IMAGE_FILE && tree_open_file(w->img->esp, path, &ignored, &stored, NULL) == 0 ?
		       stored :
		       NULL;
}

int firmware_note_order(struct walk *w, const struct boot_option *option, const char *path,
			struct pcrcast_error *e)
{
	const struct predict_options *o = w->opt;
	const struct firmware_variable *order, *next;
	const char *file = stored_path(w, path), *who = option->name ? option->name : file;

	if (!who || w->next_boot.path || o->failed_attempts || o->n_attempted || o->baseline ||
	    o->after_state)
		return 0;
	next = firmware_variables_find(o->variables, "BootNext", &guid_efi_global);
	const char *name =
		next && next->data.n == 2 ? pool_printf(w->pool, "Boot%04X", get_u16le(next->data.p)) : NULL;
	if (name && is_predicted(w, get_u16le(next->data.p), option, file))
		return 0;
	if (name)
		return walk_note(w,
				 pool_printf(w->pool,
					     "BootNext names %s, which the firmware tries once before %s: "
					     "if it comes back, --attempted %s",
					     name, who, name),
				 e);
	order = firmware_variables_find(o->variables, "BootOrder", &guid_efi_global);
	const char *before = "";
	int r = order ? tried_before(w, option, file, order->data, &before, e) : 0;
	if (r < 0 || !*before)
		return r;
	const char *instead =
		option->name ? "" : pool_printf(w->pool, " (--boot %.8s predicts the first)", before);
	return walk_note(
		w,
		!instead ?
			NULL :
			pool_printf(
				w->pool,
				"BootOrder has %s before %s: unless the firmware is told otherwise it tries them first%s, and each that comes back is to be named with --attempted",
				before, who, instead),
		e);
}

int firmware_check_place(struct walk *w, const struct boot_option *option, struct pcrcast_error *e)
{
	const char *name = option->name;

	if (!name || option->place == BOOT_ON_ESP || option->place == BOOT_DEVICE)
		return 0;
	if (option->place == BOOT_ELSEWHERE)
		return walk_note(
			w,
			pool_printf(w->pool,
				    "%s names another partition than the image's: its file is taken from "
				    "the image",
				    name),
			e);
	return err_set(
		e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET, "--boot %s: it boots %s, nothing of this image", name,
		option->place == BOOT_NETWORK ? "from the network" : "an application within the firmware");
}
