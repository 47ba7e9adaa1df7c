#include "tests/unit/build_grub.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "tests/unit/build_pe.h"

const char grub_debian_sbat[] =
	"sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
	"grub,5,Free Software Foundation,grub,2.06,https://www.gnu.org/software/grub/\n"
	"grub.debian,5,Debian,grub2,2.06-13+deb12u2,https://tracker.debian.org/pkg/grub2\n";
const char grub_ubuntu_sbat[] =
	"sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
	"grub,5,Free Software Foundation,grub,2.12,https://www.gnu.org/software/grub/\n"
	"grub.ubuntu,2,Ubuntu,grub2,2.12-1ubuntu7,https://www.ubuntu.com/\n";

const char *const grub_usual_modules[] = {
	"tpm",        "normal",   "test",           "true",           "echo",
	"configfile", "search",   "search_fs_uuid", "search_fs_file", "loadenv",
	"linux",      "linuxefi", "peimage",        "chain",          "boot",
	"font",       "gettext",  "efifwsetup",     "minicmd",        "keystatus",
	"sleep",      "terminal", "regexp",         "part_gpt",       "gfxterm_background",
	"blscfg",     NULL
};

enum { ELF_NAMES = 64, ELF_SECTIONS = 3 };

uint8_t *build_grub_module(const char *name, const char *needs, size_t n_needs, size_t *ret_n)
{
	static const char strings[] = "\0.shstrtab\0.modname\0.moddeps";
	size_t n_name = strlen(name) + 1, at_name = ELF_NAMES + sizeof strings, at_needs = at_name + n_name,
	       at_headers = at_needs + n_needs, n = at_headers + ELF_SECTIONS * 64;
	uint8_t *p = calloc(1, n), *h = p + at_headers;
	const size_t rows[ELF_SECTIONS][3] = { { 1, ELF_NAMES, sizeof strings },
					       { 11, at_name, n_name },
					       { 20, at_needs, n_needs } };

	if (!p)
		abort();
	memcpy(p, "\177ELF\2\1\1", 7);
	put_u64le(p + 0x28, at_headers);
	put_u16le(p + 0x3a, 64);
	put_u16le(p + 0x3c, ELF_SECTIONS);
	memcpy(p + ELF_NAMES, strings, sizeof strings);
	memcpy(p + at_name, name, n_name);
	if (n_needs)
		memcpy(p + at_needs, needs, n_needs);
	for (size_t i = 0; i < ELF_SECTIONS; i++) {
		put_u32le(h + 64 * i, (uint32_t)rows[i][0]);
		put_u64le(h + 64 * i + 24, rows[i][1]);
		put_u64le(h + 64 * i + 32, rows[i][2]);
	}
	*ret_n = n;
	return p;
}

struct area {
	uint8_t *p;
	size_t n;
};

static void add_object(struct area *a, uint32_t type, const void *bytes, size_t n)
{
	size_t len = 8 + (n + 7) / 8 * 8;

	a->p = realloc(a->p, a->n + len);
	if (!a->p)
		abort();
	memset(a->p + a->n, 0, len);
	put_u32le(a->p + a->n, type);
	put_u32le(a->p + a->n + 4, (uint32_t)len);
	memcpy(a->p + a->n + 8, bytes, n);
	a->n += len;
}

uint8_t *build_grub(const struct build_grub *what, size_t *ret_n)
{
	return build_grub_with_memdisk(what, NULL, 0, ret_n);
}

uint8_t *build_grub_with_memdisk(const struct build_grub *what, const void *memdisk, size_t n_memdisk,
				 size_t *ret_n)
{
	struct area a = { calloc(1, 24), 24 };
	size_t n;

	if (!a.p)
		abort();
	for (size_t i = 0; what->modules[i]; i++) {
		static const uint8_t loader[] = { 0x41, 0x20, 0x49, 0x1f, 0xdb, 0xfa, 0x59, 0x4e,
						  0x9e, 0x57, 0x7c, 0xaf, 0xe7, 0x3a, 0x55, 0xab };
		const char *name = what->modules[i];
		bool knows = name[0] == '+';
		uint8_t *module =
			build_grub_module(name + knows, (const char *)loader, knows ? sizeof loader : 0, &n);

		add_object(&a, 0, module, n);
		free(module);
	}
	/* a module's strings, for what is looked for there */
	add_object(&a, 9, "\0feature_menuentry_id\0feature_all_video_module\0unheardof\0", 57);
	if (memdisk)
		add_object(&a, 1, memdisk, n_memdisk);
	if (what->config)
		add_object(&a, 2, what->config, strlen(what->config) + 1);
	if (what->prefix)
		add_object(&a, 3, what->prefix, strlen(what->prefix) + 1);
	memcpy(a.p, "mimg", 4);
	put_u64le(a.p + 8, 24);
	put_u64le(a.p + 16, a.n);
	const struct built_section sections[] = {
		{ .name = ".text", .bytes = "code", .n = 4 },
		{ .name = "mods", .bytes = a.p, .n = a.n },
		{ .name = ".sbat", .bytes = what->sbat, .n = strlen(what->sbat) },
	};
	uint8_t *image = build_pe(&(struct build_pe){ .sections = sections, .n_sections = 3 }, ret_n);
	free(a.p);
	return image;
}
