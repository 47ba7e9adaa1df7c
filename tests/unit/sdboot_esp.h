/*
 * ESPs with a systemd-boot of some version. To be included behind cmocka.h.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/esp_files.h"

static const char *const versions[] = {
	"252.39-1~deb12u2", "253",   "254.26", "255.13", "256", "257", "257.9",
	"257.13-1",         "258.3", "259",    "260",    "261", "262"
};

enum { N_VERSIONS = sizeof versions / sizeof versions[0] };

static inline struct file put_sdboot(struct esp *x, const char *version)
{
	char magic[128];
	const struct built_section sections[] = { { ".sdmagic", magic, 0, 0 }, { 0 } };
	struct built_section s = sections[0];
	struct file f;

	(void)snprintf(magic, sizeof magic, "#### LoaderInfo: systemd-boot %s ####", version);
	s.n = strlen(magic);
	f.p = esp_keep(x, build_pe(&(struct build_pe){ .sections = &s, .n_sections = 1 }, &f.n));
	esp_put(x, BOOT, f.p, f.n);
	x->opt.console_known = true;
	x->opt.boot_secret = BOOT_SECRET_NONE;
	return f;
}

static inline struct file put_kernel(struct esp *x, const char *path)
{
	struct file f = kernel_image(x, 1, 1);

	esp_put(x, path, f.p, f.n);
	return f;
}

/* A UKI with a kernel that measures nothing, this .osrel and this .cmdline. */
static inline struct file put_uki(struct esp *x, const char *path, const char *version, const char *osrel,
				  const char *cmdline)
{
	struct file kernel = kernel_image(x, 0, 0), f;
	const struct built_section sections[] = { { ".linux", kernel.p, kernel.n, 0 },
						  { ".osrel", osrel, strlen(osrel), 0 },
						  { ".cmdline", cmdline, strlen(cmdline), 0 } };

	f.p = esp_keep(x, build_uki(version, sections, 3, &f.n));
	esp_put(x, path, f.p, f.n);
	return f;
}

static inline const char *chosen(struct esp *x)
{
	for (size_t i = 0; i < x->p.n_assumptions; i++)
		if (strcmp(x->p.assumptions[i].what, "entry") == 0)
			return x->p.assumptions[i].value;
	return "";
}

static inline void skip_to(struct esp *x, uint32_t pcr)
{
	while (x->at < x->p.log.n_events && x->p.log.events[x->at].pcr != pcr)
		x->at++;
}

static inline void drop_kept(struct esp *x)
{
	while (x->n_kept)
		free(x->kept[--x->n_kept]);
}

static inline struct file put_profiles(struct esp *x, const char *path, const char *version)
{
	struct file kernel = kernel_image(x, 0, 0), f;
	const struct built_section sections[] = {
		{ ".linux", kernel.p, kernel.n, 0 },
		SECTION(".osrel", "ID=os\n"),
		SECTION(".cmdline", "base"),
		SECTION(".profile", "ID=main\n"),
		SECTION(".profile", "TITLE=x\nID=Debug\n"),
		SECTION(".cmdline", "debug"),
		SECTION(".profile", "TITLE=third\n"),
	};

	f.p = esp_keep(x, build_uki(version, sections, sizeof sections / sizeof sections[0], &f.n));
	esp_put(x, path, f.p, f.n);
	return f;
}
