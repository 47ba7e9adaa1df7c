/*
 * linux, initrd, chainloader and boot: what GRUB loads, and what that is handed.
 *
 * Sources: GRUB 2.06 and 2.12, grub-core/loader/i386/linux.c, loader/efi/linux.c, loader/efi/chainloader.c,
 * loader/linux.c, lib/cmdline.c; Debian's and Red Hat's patches as the recorded boot and logs show them (rows in
 * grub_image.c).
 */
#include "base/bytes.h"
#include "predict/grub.h"
#include "predict/shim.h"

enum { SETUP_CMDLINE_SIZE = 0x238 }; /* u32 in the setup header: Documentation/arch/x86/boot.rst */

/* One argument as grub_create_loader_cmdline() writes it. */
static size_t quoted(const char *s, char *to)
{
	bool space = strchr(s, ' ');
	size_t n = 0;

	if (space)
		to[n++] = '"';
	for (; *s; s++) {
		if (strchr("\\'\"", *s))
			to[n++] = '\\';
		to[n++] = *s;
	}
	if (space)
		to[n++] = '"';
	return n;
}

/* The kernel's command line, without "BOOT_IMAGE=". s NULL: out of memory. */
static struct grub_value command_line(struct grub *g, const struct grub_args *a)
{
	size_t len = 1;

	for (size_t i = 0; i < a->n; i++) {
		if (a->v[i].why)
			return (struct grub_value){ "", a->v[i].why };
		len += 2 * strlen(a->v[i].s) + 3;
	}
	char *s = pool_array(g->pool, len, 1), *p = s;
	for (size_t i = 0; s && i < a->n; i++) {
		if (i)
			*p++ = ' ';
		p += quoted(a->v[i].s, p);
	}
	g->bytes += len;
	return (struct grub_value){ s, NULL };
}

/* Secure Boot: GRUB lets shim verify what it is about to start, and shim measures it. */
static int verify_kernel(struct grub *g, const struct pe *pe, const char *name, struct pcrcast_error *e)
{
	struct event_text text = { "kernel verified by shim for GRUB", name };
	unsigned times = g->image.rules ? g->image.rules->shim_verifications : 0;
	int r = 0;

	if (!g->w->opt->secure_boot)
		return 0;
	if (!g->w->shim || times == 0)
		return walk_event_unknown(
			g->w, 4, (uint32_t)EV_EFI_BOOT_SERVICES_APPLICATION, text,
			grub_where(
				g,
				g->w->shim ?
					"how often this build of GRUB has shim verify a kernel is not known" :
					"what becomes of a kernel with Secure Boot when GRUB has no shim to ask is not known"),
			NULL, e);
	for (unsigned i = 0; r == 0 && i < times; i++) {
		const char *why = NULL;

		r = shim_verify(g->w->shim, pe, text, &why, e);
		if (r == 0 && why)
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "%s: %s", name, why);
	}
	return r;
}

static int open_kernel(struct grub *g, const struct grub_file *f, struct start *ret, struct pcrcast_error *e)
{
	struct start s = {
		.volume = f->device->tree, .path = f->path, .real_path = f->path, .options = SLICE_EMPTY
	};
	int r = pe_parse(g->pool, &f->content, &s.pe, e);

	if (r == 0)
		r = sd_identify(g->pool, &s.pe, &s.id, e);
	if (r < 0)
		return err_wrap(e, "%s", f->name);
	*ret = s;
	return 0;
}

/* LoadOptions that GRUB's EFI loader gives the kernel: UTF-16, before 2.14 without a NUL. */
static int set_load_options(struct grub *g, struct start *s, struct grub_value line, struct pcrcast_error *e)
{
	struct pcrcast_error bad;
	struct utf16 wide;

	s->options_source = "command line built by GRUB";
	if (line.why) {
		s->options_unknown = true;
		s->why_unknown = grub_where(g, line.why);
		return 0;
	}
	int r = utf16_of_utf8(g->pool, pool_printf(g->pool, "BOOT_IMAGE=%s", line.s), &wide, &bad);
	if (r == -PCRCAST_ENOMEM)
		return err_nomem(e);
	if (r < 0) {
		s->options_unknown = true;
		s->why_unknown = grub_where(
			g, "what GRUB makes of a command line that is not UTF-8 is not worked out");
		return 0;
	}
	s->options = utf16_bytes(g->pool, wide, g->image.rules && g->image.rules->options_have_nul);
	return s->options.p ? 0 : err_nomem(e);
}

/*
 * A command line that does not fit what the kernel takes is cut by GRUB: protocol 2.06 and later says how long it may
 * be, without NUL; GRUB makes room for 128 bytes at least.
 */
static void check_length(const struct grub_file *f, struct grub_value *line)
{
	uint8_t h[6], size[4]; /* "HdrS", u16 version */

	if (line->why || blob_read(&f->content, 0x202, h, sizeof h, NULL) < 0 || memcmp(h, "HdrS", 4) != 0 ||
	    blob_read(&f->content, SETUP_CMDLINE_SIZE, size, sizeof size, NULL) < 0)
		return;
	uint64_t room = get_u16le(h + 4) >= 0x206 ? (uint64_t)get_u32le(size) + 1 : 256;
	if (room < 128)
		room = 128;
	if (strlen(line->s) + sizeof "BOOT_IMAGE=" > room)
		line->why = "the command line is longer than the kernel takes, and GRUB cuts it";
}

int grub_cmd_linux(struct grub *g, const struct grub_args *a, struct grub_result *res,
		   struct pcrcast_error *e)
{
	struct grub_file f;
	struct start s;

	*res = (struct grub_result){ GRUB_FAILED, NULL };
	if (a->n == 0)
		return 0;
	int r = grub_open_file(g, a->v[0], &f, e);
	if (r < 0 || f.found == GRUB_ABSENT)
		return r;
	if (f.found == GRUB_NOT_KNOWN)
		return grub_stop(g, f.why, NULL, e);
	r = open_kernel(g, &f, &s, e);
	if (r == 0)
		r = verify_kernel(g, &s.pe, f.name, e);
	struct grub_value line = command_line(g, a);
	if (r == 0 && !line.s)
		return err_nomem(e);
	check_length(&f, &line);
	if (r == 0)
		r = grub_measure_string(g, "kernel_cmdline: ", line, e);
	if (r == 0)
		r = set_load_options(g, &s, line, e);
	g->loaded = (struct grub_loaded){ .what = LOADED_LINUX, .start = s, .name = f.name };
	g->loaded.initrd = BLOB_BUILDER(g->pool);
	res->code = GRUB_OK;
	return r;
}

/* All files one behind the other, each but the last filled up to a multiple of 4. */
int grub_cmd_initrd(struct grub *g, const struct grub_args *a, struct grub_result *res,
		    struct pcrcast_error *e)
{
	struct grub_loaded *l = &g->loaded;
	int r = 0;

	*res = (struct grub_result){ GRUB_FAILED, NULL };
	if (a->n == 0 || l->what != LOADED_LINUX)
		return 0;
	l->initrd = BLOB_BUILDER(g->pool);
	for (size_t i = 0; r == 0 && i < a->n; i++) {
		struct grub_value name = a->v[i];
		struct grub_file f;

		if (!name.why && strncmp(name.s, "newc:", 5) == 0) {
			const char *colon = strchr(name.s + 5, ':');

			l->initrd_why = grub_where(
				g, "archives that GRUB makes around initrd files are not worked out");
			if (colon)
				name.s = colon + 1;
		}
		r = grub_open_file(g, name, &f, e);
		if (r < 0 || f.found == GRUB_ABSENT)
			return r;
		if (f.found == GRUB_NOT_KNOWN) {
			l->initrd_why = grub_where(g, f.why);
			continue;
		}
		blob_add_zeros(&l->initrd, -l->initrd.len & 3);
		blob_add(&l->initrd, &f.content);
	}
	l->has_initrd = true;
	res->code = GRUB_OK;
	return r;
}

/* ---- boot ---- */

static enum grub_linux way_of_linux(const struct grub *g)
{
	if (!g->image.rules || strcmp(g->image.arch, "x86_64") != 0)
		return GRUB_LINUX_UNKNOWN;
	/* The loader of PE images is a module, which images of grub-install and grub-mkstandalone do not have. */
	if (g->image.rules->linux_x86 == GRUB_LINUX_PE_ENTRY && !grub_module_there(g, "peimage"))
		return g->w->opt->secure_boot ? GRUB_LINUX_UNKNOWN : GRUB_LINUX_LOAD_IMAGE;
	if (g->image.rules->linux_x86 == GRUB_LINUX_PE_ENTRY && g->image.yields_to_shim &&
	    shim_brings_loader(g->w->shim))
		return !g->w->opt->secure_boot       ? GRUB_LINUX_LOAD_IMAGE :
		       shim_in_charge(g->w->shim) ? GRUB_LINUX_PE_ENTRY : /* measured as verified, once */
						    GRUB_LINUX_UNKNOWN;
	return g->image.rules->linux_x86;
}

/* How it starts the kernel is not known: whether that is measured, and whether its stub sees its options. */
static int unknown_way(struct grub *g, struct pcrcast_error *e)
{
	const char *why =
		pool_printf(g->pool, "how GRUB %s (%s) starts a kernel is not known",
			    g->image.version ? g->image.version : "of unknown version", g->image.shown);

	if (!why)
		return err_nomem(e);
	int r = walk_unknown(g->w, 4, why, NULL, e);
	return r < 0 ? r : walk_unknown(g->w, 9, why, NULL, e);
}

static int boot_linux(struct grub *g, struct pcrcast_error *e)
{
	struct grub_loaded *l = &g->loaded;
	enum grub_linux way = way_of_linux(g);
	int r = 0;

	if (way == GRUB_LINUX_UNKNOWN)
		return unknown_way(g, e);
	if (way == GRUB_LINUX_PARAMS)
		return 0; /* its EFI stub, if it runs at all, is entered behind where it measures */
	if (g->image.rules->initrd_by_load_file2 && l->has_initrd) {
		r = blob_build(&l->initrd, &l->start.initrd, e);
		l->start.has_initrd = true;
		l->start.initrd_source = "initrd files loaded by GRUB";
		l->start.initrd_unknown = l->initrd_why;
		l->start.why_initrd_unknown = l->initrd_why;
	}
	if (r == 0 && way == GRUB_LINUX_LOAD_IMAGE)
		r = walk_image_load(g->w, &l->start.pe, NULL,
				    (struct event_text){ "kernel started by GRUB", l->name }, e);
	return r < 0 ? r : stage_kernel(g->w, &l->start, l->name, e);
}

int grub_cmd_boot(struct grub *g, const struct grub_args *a, struct grub_result *res, struct pcrcast_error *e)
{
	(void)a;
	*res = (struct grub_result){ GRUB_FAILED, NULL };
	if (g->loaded.what == LOADED_NOTHING)
		return 0;
	g->booted = true;
	return g->loaded.what == LOADED_LINUX ? boot_linux(g, e) : stage_image(g->w, &g->loaded.start, e);
}

/* ---- chainloader ---- */

/* Load options: the arguments behind the file with spaces between, UTF-16 with a NUL; nothing without any. */
static int chain_options(struct grub *g, const struct grub_args *a, struct start *s, struct pcrcast_error *e)
{
	struct grub_args rest = { .v = a->v + 1, .n = a->n - 1 };
	struct grub_value line = grub_join(g, &rest);
	struct utf16 wide;

	s->options_source = "arguments of chainloader";
	if (rest.n == 0)
		return 0;
	if (line.why) {
		s->options_unknown = true;
		s->why_unknown = grub_where(g, line.why);
		return 0;
	}
	int r = line.s ? utf16_of_utf8(g->pool, line.s, &wide, e) : err_nomem(e);
	if (r < 0)
		return r;
	s->options = utf16_bytes(g->pool, wide, true);
	return s->options.p ? 0 : err_nomem(e);
}

/* LoadImage() measures it, GRUB's own loader (Debian's and Ubuntu's module peimage) does not. */
static int measure_chained(struct grub *g, const struct start *s, struct pcrcast_error *e)
{
	struct event_text text = { "image chain-loaded by GRUB", s->path };

	switch (way_of_linux(g)) {
	case GRUB_LINUX_PE_ENTRY:
		return 0;
	case GRUB_LINUX_UNKNOWN:
		return walk_event_unknown(
			g->w, 4, (uint32_t)EV_EFI_BOOT_SERVICES_APPLICATION, text,
			grub_where(g, "whether this build of GRUB has firmware load an image is not known"),
			NULL, e);
	default:
		return walk_image_load(g->w, &s->pe, s->path, text, e);
	}
}

int grub_cmd_chainloader(struct grub *g, const struct grub_args *a, struct grub_result *res,
			 struct pcrcast_error *e)
{
	struct grub_args rest = *a;
	enum verdict verdict;
	struct grub_file f;
	const char *why;
	struct start s;

	*res = (struct grub_result){ GRUB_FAILED, NULL };
	if (rest.n && !rest.v[0].why && strcmp(rest.v[0].s, "--force") == 0) {
		rest.v++;
		rest.n--;
	}
	if (rest.n == 0)
		return 0;
	int r = grub_open_file(g, rest.v[0], &f, e);
	if (r < 0 || f.found == GRUB_ABSENT)
		return r;
	if (f.found == GRUB_NOT_KNOWN)
		return grub_stop(g, f.why, NULL, e);
	if (g->w->opt->secure_boot)
		return grub_stop(
			g, "who verifies and measures a chain-loaded image with Secure Boot differs by build",
			NULL, e);
	r = walk_open_start(g->w, f.device->tree, f.path, &s, e);
	if (r == 0)
		r = walk_judge_image(g->w, &s.pe, true, &verdict, &why, e);
	if (r < 0)
		return r;
	if (verdict != IMAGE_ACCEPTED)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "%s: %s", f.name, why);
	r = measure_chained(g, &s, e);
	if (r == 0)
		r = chain_options(g, &rest, &s, e);
	g->loaded = (struct grub_loaded){ .what = LOADED_CHAIN, .start = s, .name = f.name };
	res->code = GRUB_OK;
	return r;
}
