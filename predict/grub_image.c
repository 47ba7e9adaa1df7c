/*
 * What is embedded in a GRUB image: prefix, configuration, memory disk and modules; and how its build behaves.
 *
 * Sources: GRUB 2.06 and 2.12, include/grub/kernel.h (struct grub_module_info64, grub_module_header) and
 * util/mkimage.c; shim's SBAT.md.
 */
#define _GNU_SOURCE
#include <stdio.h>

#include "base/reader.h"
#include "predict/grub.h"
#include "uki/sections.h"

enum {
	MODS_MAX = 64 << 20, /* bytes; Debian's image has 4 MiB */
	OBJ_ELF = 0,
	OBJ_MEMDISK = 1,
	OBJ_CONFIG = 2,
	OBJ_PREFIX = 3,
};

/*
 * How builds behave, where they differ. Evidence:
 * - debian x64: 2.04: logs deb1 and deb2 of ibmtss (grub.cfg once). 2.06: recorded boot "grub", and a boot of it under shim
 *   16.1 with Secure Boot (the kernel twice in PCR 4, everything else the same). 2.12: boots of 2.12-9+deb13u4 with and
 *   without Secure Boot (tests/boot). 2.14: boots of 2.14-4 likewise (tests/boot --newest): as 2.12, but that the load
 *   options end with a NUL. Images of 2.12 and 2.14 without the module peimage were booted without Secure Boot (LoadImage()
 *   measures the kernel); that of 2.14 looks for shim's loader, and with shim 16.1 and no Secure Boot it is LoadImage() too. With Secure Boot 2.06 and 2.12 were booted with a module in the prefix, which was measured and
 *   refused.
 * - ubuntu 2.04: logs ubuntu_2104 of go-attestation (grub.cfg once, no PCR 4 event of the kernel without Secure Boot; a loader of
 *   its own for PE images came with 2.12 only) and elitebook of guard (the kernel once with Secure Boot).
 * - ubuntu 2.12: logs ubuntu-2404-amd-sevsnp and gdc-host of go-tpm-tools (load options without NUL, initrd by
 *   LoadFile2, no PCR 4 event of the kernel without Secure Boot, grub.cfg opened twice).
 * - Red Hat 2.06: log moklisttrusted of tpm2-tools (grub.cfg twice, two verifications of the kernel); 2.12: rhboot/grub2,
 *   branches fedora-40 to fedora-45 and rhel-10: normal/main.c (grub_try_normal_prefix: opens it to see whether it is there),
 *   loader/i386/efi/linux.c (linux enters the kernel at its handover offset, and asks shim for no verification of its own; commit
 *   5e9e7e44 says that of the two loaders in x86 builds this one is used), kern/efi/sb.c (one verification, of what is opened).
 *   Boots of an image built from branch fedora-42, without Secure Boot and with it under shim 16.1: every event.
 * - Upstream 2.12 and 2.14: grub-core/loader/efi/linux.c.
 * Builds without a row: what the kernel is started with is said to be unknown.
 */
#define REDHAT_206                                                                            \
	206, 206, .opens_config_twice = true, .redhat = true, .linux_x86 = GRUB_LINUX_PARAMS, \
		  .shim_verifications = 2
#define REDHAT_212                                                                            \
	212, 212, .opens_config_twice = true, .redhat = true, .linux_x86 = GRUB_LINUX_PARAMS, \
		  .shim_verifications = 1

static const struct grub_rules rules[] = {
	{ "debian", 204, 204, .linux_x86 = GRUB_LINUX_PARAMS, .shim_verifications = 1 },
	{ "debian", 206, 206, .linux_x86 = GRUB_LINUX_PARAMS, .shim_verifications = 2,
	  .refuses_modules = true },
	{ "debian", 212, 212, .opens_config_twice = true, .linux_x86 = GRUB_LINUX_PE_ENTRY,
	  .initrd_by_load_file2 = true, .shim_verifications = 1, .refuses_modules = true },
	{ "debian", 214, 214, .opens_config_twice = true, .linux_x86 = GRUB_LINUX_PE_ENTRY,
	  .options_have_nul = true, .initrd_by_load_file2 = true, .shim_verifications = 1 },
	{ "ubuntu", 204, 204, .linux_x86 = GRUB_LINUX_PARAMS, .shim_verifications = 1 },
	{ "ubuntu", 212, 212, .opens_config_twice = true, .linux_x86 = GRUB_LINUX_PE_ENTRY,
	  .initrd_by_load_file2 = true },
	{ "rh", REDHAT_206 },
	{ "rh", REDHAT_212 },
	{ "fedora", REDHAT_206 },
	{ "fedora", REDHAT_212 },
	{ "centos", REDHAT_206 },
	{ "centos", REDHAT_212 },
	{ "", 204, 206, .linux_x86 = GRUB_LINUX_PARAMS },
	{ "", 212, 212, .linux_x86 = GRUB_LINUX_LOAD_IMAGE, .initrd_by_load_file2 = true },
	{ "", 214, 214, .linux_x86 = GRUB_LINUX_LOAD_IMAGE, .options_have_nul = true,
	  .initrd_by_load_file2 = true },
};

/* Field i of a line of comma-separated values. */
static bool field(struct slice line, unsigned i, struct slice *ret)
{
	struct slice part = SLICE_EMPTY;

	for (unsigned at = 0; at <= i; at++)
		if (!slice_split(&line, ',', &part)) {
			if (at < i)
				return false;
			part = line;
			line = SLICE_EMPTY;
		}
	*ret = part;
	return true;
}

static bool starts(struct slice s, const char *with)
{
	return s.n >= strlen(with) && memcmp(s.p, with, strlen(with)) == 0;
}

/* The upstream version and the vendor of the build: "grub,5,…,grub,2.06,…" and "grub.debian,5,Debian,…". */
static int read_sbat(struct walk *w, const struct pe *pe, struct grub_image *img, struct pcrcast_error *e)
{
	const struct pe_section *s = pe_section_find(pe, ".sbat");
	struct slice text = SLICE_EMPTY, line, part, vendor = SLICE_EMPTY;
	unsigned major = 0, minor = 0;
	struct blob content;
	int r = 0;

	if (s && s->virt_len <= UKI_TEXT_MAX) {
		r = pe_section_content(w->pool, pe, s, &content, e);
		if (r == 0)
			r = blob_load(w->pool, &content, UKI_TEXT_MAX, &text, e);
	}
	if (r < 0)
		return r;
	while (slice_line(&text, &line)) {
		bool upstream = starts(line, "grub,"), vendors = starts(line, "grub.") && !vendor.n;

		if (!upstream && !vendors)
			continue;
		if (!field(line, 4, &part))
			continue;
		char *version = pool_text(w->pool, (const char *)part.p, part.n);
		if (!version)
			return err_nomem(e);
		if (vendors && field(line, 0, &part))
			vendor = (struct slice){ part.p + 5, part.n - 5 };
		if (upstream && sscanf(version, "%3u.%3u", &major, &minor) != 2)
			major = minor = 0;
		img->version = version;
	}
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		if (slice_equal_string(vendor, rules[i].vendor) && 100 * major + minor >= rules[i].from &&
		    100 * major + minor <= rules[i].to) {
			img->rules = &rules[i];
			break;
		}
	return 0;
}

/* ---- modules ---- */

/* A section of an ELF64 file by its name. */
static struct slice elf_section(struct slice elf, const char *name)
{
	struct reader r = reader_over(elf);
	struct slice names = SLICE_EMPTY, none = SLICE_EMPTY;

	if (!starts(elf, "\177ELF\002\001"))
		return none;
	r.pos = elf.n < 64 ? elf.n : 0x28;
	uint64_t off = reader_u64le(&r);
	reader_take(&r, 10);
	uint16_t len = reader_u16le(&r), n = reader_u16le(&r), strings = reader_u16le(&r);
	if (r.failed || len < 64 || strings >= n)
		return none;
	for (uint32_t pass = 0, i = strings; pass <= n; pass++, i = pass - 1) {
		struct slice header, text, content;

		if (off > elf.n || !slice_at(elf, off + (uint64_t)i * len, len, &header) ||
		    !slice_at(elf, get_u64le(header.p + 24), get_u64le(header.p + 32), &content))
			continue;
		if (pass == 0) {
			names = content;
			continue;
		}
		if (slice_at(names, get_u32le(header.p), strlen(name) + 1, &text) &&
		    memcmp(text.p, name, text.n) == 0)
			return content;
	}
	return none;
}

int grub_module_read(struct pool *pool, struct slice elf, const char **ret_name, struct slice *ret_needs,
		     struct pcrcast_error *e)
{
	struct slice name = elf_section(elf, ".modname");

	*ret_name = NULL;
	*ret_needs = elf_section(elf, ".moddeps"); /* names, each with its NUL */
	if (!name.n)
		return 0;
	*ret_name = pool_text(pool, (const char *)name.p, strnlen((const char *)name.p, name.n));
	return *ret_name ? 0 : err_nomem(e);
}

/* Does a module look for SHIM_IMAGE_LOADER, a protocol of shim since 16.0? */
static bool knows_shims_loader(struct slice elf)
{
	static const struct guid loader =
		GUID(0x1f492041, 0xfadb, 0x4e59, 0x9e, 0x57, 0x7c, 0xaf, 0xe7, 0x3a, 0x55, 0xab);

	return memmem(elf.p, elf.n, loader.bytes, GUID_LEN);
}

static int add_module(struct walk *w, struct grub_image *img, struct slice elf, struct pcrcast_error *e)
{
	struct slice ignored;
	const char *name;
	int r = grub_module_read(w->pool, elf, &name, &ignored, e);

	if (r < 0 || !name)
		return r;
	const char **place =
		pool_push(w->pool, &img->modules, &img->n_modules, &img->cap_modules, sizeof *place);
	if (!place)
		return err_nomem(e);
	*place = name;
	img->yields_to_shim =
		img->yields_to_shim || (strcmp(name, "peimage") == 0 && knows_shims_loader(elf));
	return 0;
}

static int add_object(struct walk *w, struct grub_image *img, uint32_t type, struct slice body,
		      struct pcrcast_error *e)
{
	size_t len = strnlen((const char *)body.p, body.n);

	switch (type) {
	case OBJ_ELF:
		return add_module(w, img, body, e);
	case OBJ_MEMDISK:
		img->has_memdisk = true;
		return blob_of_bytes(w->pool, body, &img->memdisk, e);
	case OBJ_CONFIG:
		if (!img->config.n)
			img->config = (struct slice){ body.p, len };
		return 0;
	case OBJ_PREFIX:
		img->prefix = pool_text(w->pool, (const char *)body.p, len);
		return img->prefix ? 0 : err_nomem(e);
	}
	return 0; /* keys, device trees and the like */
}

/* grub_module_info64: "mimg", padding, u64 offset of the first object, u64 size of it all; then the objects. */
static int read_mods(struct walk *w, struct grub_image *img, struct slice area, struct pcrcast_error *e)
{
	struct reader r = reader_over(area);
	uint32_t magic = reader_u32le(&r);
	reader_u32le(&r);
	uint64_t off = reader_u64le(&r), size = reader_u64le(&r);
	int rc = 0;

	if (r.failed || magic != 0x676d696d || size > area.n || off > size)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "its section mods is not laid out as in 64-bit GRUB images");
	img->module_bytes = (struct slice){ area.p, (size_t)size };
	r = reader_over(img->module_bytes);
	reader_take(&r, off);
	while (rc == 0 && reader_left(&r) >= 8) {
		uint32_t type = reader_u32le(&r), len = reader_u32le(&r);

		if (len < 8)
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				       "an embedded object has %u bytes, at least 8", len);
		struct slice body = reader_take(&r, len - 8);
		if (r.failed)
			return err_set(e, PCRCAST_ETRUNC, PCRCAST_NO_OFFSET,
				       "an embedded object runs past the end of the section mods");
		rc = add_object(w, img, type, body, e);
	}
	return rc;
}

bool grub_image_mentions(const struct grub_image *img, const char *text)
{
	size_t n = strlen(text);
	struct slice rest = img->module_bytes;

	/* From NUL to NUL, the first character found by memchr, which is what takes the time. */
	while (n && rest.n > n) {
		const uint8_t *p = memchr(rest.p, text[0], rest.n - n);

		if (!p)
			return false;
		if (p > img->module_bytes.p && p[-1] == 0 && memcmp(p, text, n) == 0 && p[n] == 0)
			return true;
		rest = (struct slice){ p + 1, rest.n - (size_t)(p + 1 - rest.p) };
	}
	return false;
}

int grub_image_read(struct walk *w, const struct start *s, struct grub_image *ret, struct pcrcast_error *e)
{
	struct grub_image img = { .shown = s->path, .config = SLICE_EMPTY, .module_bytes = SLICE_EMPTY };
	const struct pe_section *mods = pe_section_find(&s->pe, "mods");
	struct blob content;
	struct slice area;

	img.arch = s->pe.machine == PE_MACHINE_X64  ? "x86_64" :
		   s->pe.machine == PE_MACHINE_AA64 ? "arm64" :
						      NULL;
	if (!mods || !img.arch)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "%s: no GRUB for x64 or aa64 with a section mods", s->path);
	int r = read_sbat(w, &s->pe, &img, e);
	if (r == 0)
		r = pe_section_content(w->pool, &s->pe, mods, &content, e);
	if (r == 0)
		r = blob_load(w->pool, &content, MODS_MAX, &area, e);
	if (r == 0)
		r = read_mods(w, &img, area, e);
	if (r < 0)
		return err_wrap(e, "%s", s->path);
	*ret = img;
	return 0;
}
