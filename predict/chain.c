/*
 * Which stage an EFI image is.
 */
#define _GNU_SOURCE
#include "predict/cc.h"
#include "predict/shim.h"

/* Boot loaders that can be named but not followed: by the component lines of their .sbat (shim's SBAT.md). */
static int unsupported_loader(struct walk *w, const struct pe *pe, const char **ret, struct pcrcast_error *e)
{
	static const char *const loaders[][2] = { { "\nshim,", "shim" }, { "\ngrub,", "GRUB" } };
	const struct pe_section *s = pe_section_find(pe, ".sbat");
	struct blob content;
	struct slice text;

	*ret = NULL;
	if (!s || s->virt_len > UKI_TEXT_MAX)
		return 0;
	int r = pe_section_content(w->pool, pe, s, &content, e);
	if (r == 0)
		r = blob_load(w->pool, &content, UKI_TEXT_MAX, &text, e);
	for (size_t i = 0; r == 0 && i < sizeof loaders / sizeof loaders[0]; i++)
		if (memmem(text.p, text.n, loaders[i][0], strlen(loaders[i][0])))
			*ret = loaders[i][1];
	return r;
}

int stage_image(struct walk *w, const struct start *s, struct pcrcast_error *e)
{
	int r = cc_enter(w, s, e);

	if (r < 0)
		return r;
	if (w->shim)
		shim_note_start(w->shim, s);
	if (uki_looks_like(&s->pe, &s->id))
		return stage_stub(w, s, e);
	if (s->id.kind == SD_BOOT)
		return stage_sdboot(w, s, e);

	const char *loader;
	r = unsupported_loader(w, &s->pe, &loader, e);
	if (r < 0)
		return err_wrap(e, "%s", s->path);
	if (loader && strcmp(loader, "shim") == 0) {
		w->cc_shim = w->cc_speech;
		return stage_shim(w, s, e);
	}
	if (loader)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "%s is %s: what is booted through it is not predicted", s->path, loader);
	if (s->id.kind != SD_NONE)
		return err_set(
			e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "%s: %s: no image that can be booted", s->path,
			s->id.kind == SD_STUB ? "systemd-stub without a .linux section" : "a systemd addon");
	if (w->opt->has_profile && w->opt->profile)
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "%s has no profiles: --profile does not apply", s->path);
	return stage_kernel(w, s, s->path, e);
}
