/*
 * The initrd that systemd-stub hands to the kernel: which parts, in which order, how padded.
 *
 * Source: systemd src/boot/efi/stub.c (252.39, 254.26, 255.13, 256.0) and src/boot/stub.c (257.13, 262).
 */
#include "predict/stub.h"

static int add_section(struct stub_run *run, enum uki_section s, struct part_list *to,
		       struct pcrcast_error *e)
{
	if (!run->uki.sections[s].set)
		return 0;
	return stub_part_add(run, to, stub_section_source(run, s), &run->uki.sections[s].bytes, e);
}

static int add_list(struct stub_run *run, const struct part_list *from, bool reversed, struct part_list *to,
		    struct pcrcast_error *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < from->n; i++) {
		const struct initrd_part *p = &from->items[reversed ? from->n - 1 - i : i];

		r = stub_part_add(run, to, p->name, &p->bytes, e);
	}
	return r;
}

static int add_literals(struct stub_run *run, struct part_list *to, struct pcrcast_error *e)
{
	static const struct {
		enum uki_section section;
		const char *name;
		bool newer; /* only with extra_literals */
	} literals[] = {
		{ UKI_PCRSIG, "tpm2-pcr-signature.json", false },
		{ UKI_PCRPKEY, "tpm2-pcr-public-key.pem", false },
		{ UKI_OSREL, "os-release", true },
		{ UKI_PROFILE, "profile", true },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof literals / sizeof literals[0]; i++) {
		const struct uki_content *c = &run->uki.sections[literals[i].section];

		if (c->set && (!literals[i].newer || run->rules->extra_literals))
			r = stub_literal(run, literals[i].name, 0444, &c->bytes, to, e);
	}
	return r;
}

static int add_boot_secret(struct stub_run *run, struct part_list *to, struct pcrcast_error *e)
{
	const struct predict_options *o = run->w->opt;
	struct blob secret;

	if (!run->rules->boot_secret)
		return 0;
	run->w->used |= OPTION_BOOT_SECRET;
	if (o->boot_secret == BOOT_SECRET_NONE)
		return 0;
	if (o->boot_secret == BOOT_SECRET_UNKNOWN) {
		run->initrd_doubt = (struct doubt){
			true,
			"systemd-stub puts a secret of the machine into the initrd (.extra/boot-secret)",
			"--boot-secret"
		};
		return 0;
	}
	int r = blob_of_bytes(run->w->pool, (struct slice){ o->boot_secret_bytes, BOOT_SECRET_LEN }, &secret,
			      e);
	return r < 0 ? r : stub_literal(run, "boot-secret", 0400, &secret, to, e);
}

static int collect_parts(struct stub_run *run, struct part_list *to, struct pcrcast_error *e)
{
	int r = add_list(run, &run->ucode_addons, true, to, e);

	if (r == 0 && run->rules->sections & UKI_BIT(UKI_UCODE))
		r = add_section(run, UKI_UCODE, to, e);
	if (r == 0 && run->start->has_initrd && run->rules->initrd_joins_previous)
		r = stub_part_add(run, to, "initrd of the boot loader", &run->start->initrd, e);
	if (r == 0)
		r = add_section(run, UKI_INITRD, to, e);
	if (r == 0)
		r = add_list(run, &run->archives, false, to, e);
	if (r == 0)
		r = add_literals(run, to, e);
	if (r == 0)
		r = add_boot_secret(run, to, e);
	return r < 0 ? r : add_list(run, &run->initrd_addons, false, to, e);
}

/* Are the parts padded to multiples of 4, or is there only one, passed as it is? */
static bool parts_padded(const struct stub_run *run, const struct part_list *parts)
{
	bool base_only = parts->n == 1 && run->uki.sections[UKI_INITRD].set;

	switch (run->rules->initrd) {
	case INITRD_BASE_PADDED: /* all other parts are archives, whose length is a multiple of 4 */
	case INITRD_ALL_PADDED:
		return !base_only;
	case INITRD_MANY_PADDED:
		return parts->n > 1;
	}
	return true;
}

int stub_build_initrd(struct stub_run *run, struct start *kernel, struct pcrcast_error *e)
{
	struct part_list parts = { NULL, 0, 0 };
	struct blob_builder out = BLOB_BUILDER(run->w->pool);
	const char *source = NULL;

	int r = collect_parts(run, &parts, e);
	if (r < 0)
		return r;
	if (run->start->has_initrd && !run->rules->initrd_joins_previous) {
		if (parts.n)
			return err_set(
				e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				"%s: systemd-stub %s fails when the boot loader has passed an initrd already",
				run->start->path, run->uki.stub.text);
		kernel->has_initrd = true;
		kernel->initrd = run->start->initrd;
		return 0;
	}

	bool padded = parts_padded(run, &parts);
	for (size_t i = 0; i < parts.n; i++) {
		blob_add(&out, &parts.items[i].bytes);
		if (padded)
			blob_add_zeros(&out, (4 - out.len % 4) % 4);
		source = source ? pool_printf(run->w->pool, "%s + %s", source, parts.items[i].name) :
				  parts.items[i].name;
	}
	kernel->has_initrd = parts.n > 0;
	kernel->initrd_source = source;
	return blob_build(&out, &kernel->initrd, e);
}
