/*
 * Booting through a boot option of the firmware's variables: --boot Boot0001.
 *
 * Sources: UEFI 2.10, sections 3.1.3 and 3.3; EDK2 edk2-stable202605, MdeModulePkg/Library/UefiBootManagerLib/BmBoot.c.
 */
#include "base/efi/device_path.h"
#include "base/efi/variable.h"
#include "predict/walk.h"

/* "Boot" and four digits, in upper case as firmware writes them. */
static bool is_option_name(const char *text)
{
	return strlen(text) == 8 && strncmp(text, "Boot", 4) == 0 &&
	       strspn(text + 4, "0123456789ABCDEF") == 4;
}

int firmware_boot_option(struct walk *w, struct boot_option *ret, struct pcrcast_error *e)
{
	const struct firmware_variable *v;
	const char *name = w->opt->boot;
	struct device_path path;
	struct load_option o;

	*ret = (struct boot_option){ .path = name, .load_options = SLICE_EMPTY };
	if (!name || !is_option_name(name))
		return 0;
	v = firmware_variables_find(w->opt->variables, name, &guid_efi_global);
	if (!v)
		return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
			       w->opt->variables ? "the variables hold no %s" :
						   "--boot %s: what that boots is told by --variables",
			       name);
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
		.load_options = automatic ? SLICE_EMPTY : o.optional_data
	};
	return 0;
}
