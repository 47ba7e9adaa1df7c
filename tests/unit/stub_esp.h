/*
 * ESPs with a UKI whose stub is of some version, and what such a boot leads to. To be included behind cmocka.h.
 */
#pragma once

#include "tests/unit/esp_files.h"

/* Notes but for those about options that the test gives to every boot. */
static inline size_t count_notes(const struct esp *x)
{
	size_t n = 0;

	for (size_t i = 0; i < x->p.n_notes; i++)
		n += !strstr(x->p.notes[i], "was not used: nothing in this boot reads it");
	return n;
}

/* A version of each row of the stub's table, and one that nobody knows yet. */
static const char *const versions[] = {
	"252.39-1~deb12u2",
	"253.1",
	"254",
	"254.3",
	"254.26-1~bpo12+1",
	"255.13",
	"256",
	"257.13-1~deb13u1",
	"258",
	"259.1",
	"260",
	"261",
	"262-1",
	"300",
};

enum { N_VERSIONS = sizeof versions / sizeof versions[0] };

#define EXTRA BOOT ".extra.d/"

/* A UKI of the sections (up to one without a name) and, at the end, .linux. */
static inline struct file put_uki(struct esp *x, const char *path, const char *version,
				  const struct built_section *sections, struct file kernel)
{
	struct built_section all[24];
	struct file f;
	size_t n = 0;

	for (; sections && sections[n].name; n++)
		all[n] = sections[n];
	all[n++] = (struct built_section){ .name = ".linux", .bytes = kernel.p, .n = kernel.n };
	f.p = esp_keep(x, build_uki(version, all, n, &f.n));
	esp_put(x, path, f.p, f.n);
	return f;
}

static inline struct file put_addon(struct esp *x, const char *path, const struct built_section *sections)
{
	struct build_pe what = { .sections = sections };
	struct file f;

	while (sections[what.n_sections].name)
		what.n_sections++;
	f.p = esp_keep(x, build_pe(&what, &f.n));
	esp_put(x, path, f.p, f.n);
	return f;
}

/* Nothing about the machine is open, so that every register has a value with every version. */
static inline void know_everything(struct esp *x)
{
	x->opt.console_known = true;
	x->opt.boot_secret = BOOT_SECRET_NONE;
}

/* A UKI with one .cmdline (NULL: none) and nothing else. */
static inline struct file put_plain(struct esp *x, const char *version, const char *cmdline,
				    struct file kernel)
{
	const struct built_section sections[] = { { ".cmdline", cmdline, cmdline ? strlen(cmdline) : 0, 0 },
						  { 0 } };

	know_everything(x);
	return put_uki(x, BOOT, version, cmdline ? sections : NULL, kernel);
}

/* What a plain UKI leads to, up to the command line. */
static inline void expect_plain(struct esp *x, struct file uki, const char *cmdline, struct file kernel)
{
	expect_firmware(x);
	expect_image(x, BOOT_PATH, uki.p, uki.n);
	expect_section(x, ".linux", kernel.p, kernel.n);
	if (cmdline)
		expect_section_text(x, ".cmdline", cmdline);
}

/* And behind it. */
static inline void expect_start(struct esp *x, int version, const char *line, struct file kernel)
{
	if (version <= 257)
		expect_image(x, NULL, kernel.p, kernel.n);
	if (line)
		expect_kernel_line(x, line);
	expect_end(x);
	expect_incomplete(x, 0);
}

static const uint8_t secret[] = "0123456789abcdef0123456789abcdef";

static inline struct bytes archive_of(const char *sub, unsigned dir_mode, unsigned file_mode,
				      const char *name, const char *text)
{
	struct bytes b = { NULL, 0 };

	bytes_add_archive(&b, sub, dir_mode, file_mode, name, text, NULL);
	return b;
}

/* One part of an initrd, padded, behind others. Frees from. */
static inline void take(struct bytes *to, struct bytes from)
{
	bytes_add(to, from.p, from.n);
	bytes_pad4(to);
	bytes_done(&from);
}
