/*
 * The kernel's EFI stub: what it measures of what it is handed.
 *
 * Sources: Linux 6.1 drivers/firmware/efi/libstub/efi-stub-helper.c (efi_measure_tagged_event, efi_load_initrd,
 * efi_convert_cmdline) and zboot.c. Whether this kernel does so is read from its image.
 */
#include "base/bytes.h"
#include "predict/cc.h"
#include "predict/cmdline.h"
#include "uki/authenticode.h"
#include "uki/kernel.h"

/* u32 tag, u32 length, text with NUL: as the kernel logs them. */
static const uint8_t load_options_data[] = "\xed\x22\x3b\x8f\x1a\0\0\0LOADED_IMAGE::LoadOptions";
static const uint8_t initrd_data[] = "\xec\x22\x3b\x8f\x0d\0\0\0Linux initrd";

static int load_options_event(struct walk *w, const struct start *s, struct pcrcast_error *e)
{
	struct event_text text = { "kernel command line as the EFI stub receives it (LoadOptions)",
				   s->options_source ? s->options_source : "load options" };
	struct slice data = { load_options_data, sizeof load_options_data };

	if (s->options_unknown)
		return walk_event_unknown(w, 9, EV_EVENT_TAG, text, s->why_unknown, s->option_missing, e);
	if (s->options_of_user)
		w->used |= OPTION_LOAD_OPTIONS;
	if (s->options.n == 0)
		return 0; /* nothing was passed: nothing is measured */
	return walk_event_bytes(w, 9, EV_EVENT_TAG, data, s->options, EVENT_COMPUTED, text, e);
}

static int initrd_event(struct walk *w, const struct start *s, struct pcrcast_error *e)
{
	struct event_text text = { "initrd as the EFI stub loads it",
				   s->initrd_source ? s->initrd_source : "initrd" };

	if (s->initrd_unknown)
		return walk_event_unknown(w, 9, EV_EVENT_TAG, text, s->why_initrd_unknown, s->initrd_option,
					  e);
	if (!s->has_initrd || s->initrd.len == 0)
		return 0;
	return walk_event(w, 9, EV_EVENT_TAG, (struct slice){ initrd_data, sizeof initrd_data }, &s->initrd,
			  text, e);
}

/* The command line says not to load an initrd. */
static bool no_initrd(struct walk *w, const struct start *s)
{
	uint16_t *units = pool_array(w->pool, s->options.n / 2 + 1, sizeof *units);

	for (size_t i = 0; units && i < s->options.n / 2; i++)
		units[i] = get_u16le(s->options.p + 2 * i);
	/* The kernel splits at any white space and takes "noinitrd=x" for the same. */
	for (size_t i = 0; units && i < s->options.n / 2; i++)
		if ((units[i] >= '\t' && units[i] <= '\r') || units[i] == '=')
			units[i] = ' ';
	return units && cmdline_has_word(utf16_copy(w->pool, units, s->options.n / 2), "noinitrd", true);
}

/* Linux 6.1's EFI zboot hands the decompressed kernel to LoadImage(), which measures it. */
static int nested_image(struct walk *w, const struct kernel *k, const char *source, struct pcrcast_error *e)
{
	struct event_text text = { "kernel decompressed by its EFI zboot header", source };
	struct pe inner;

	if (w->opt->secure_boot)
		return walk_event_unknown(
			w, 4, (uint32_t)EV_EFI_BOOT_SERVICES_APPLICATION, text,
			"whether firmware with Secure Boot accepts the kernel inside an EFI zboot image is not known",
			NULL, e);
	int r = pe_parse(w->pool, &k->zboot_payload, &inner, e);
	if (r < 0)
		return err_wrap(e, "%s: decompressed kernel", source);
	return walk_image_load(w, &inner, NULL, text, e);
}

int stage_kernel(struct walk *w, const struct start *s, const char *source, struct pcrcast_error *e)
{
	struct source *temp = NULL;
	struct kernel k;

	int r = kernel_identify(w->pool, &s->pe.image, &k, &temp, e);
	if (temp) {
		struct source **place =
			pool_push(w->pool, &w->temps, &w->n_temps, &w->cap_temps, sizeof(struct source *));

		if (!place) {
			source_close(temp);
			return err_nomem(e);
		}
		*place = temp;
	}
	if (r == -PCRCAST_EUNSUPPORTED && s->volume)
		return walk_comes_back(
			w, BACK_APPLICATION,
			err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
				"%s: expected systemd-boot, a Unified Kernel Image or a Linux kernel, found another EFI application",
				source));
	if (r < 0)
		return err_wrap(e, "%s", source);
	r = cc_enter_kernel(w, &k, source, e);
	if (r == 0 && k.format == KERNEL_ZBOOT && k.zboot_nested)
		r = nested_image(w, &k, source, e);
	if (r == 0 && k.measures_load_options)
		r = load_options_event(w, s, e);
	if (r == 0 && k.measures_initrd && !no_initrd(w, s))
		r = initrd_event(w, s, e);
	return r;
}
