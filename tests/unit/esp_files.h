/*
 * Files of an ESP that many tests put there. To be included behind cmocka.h.
 */
#pragma once

#include "base/bytes.h"
#include "tests/unit/build_esp.h"

#define BOOT "EFI/BOOT/BOOTX64.EFI"
#define BOOT_PATH "\\EFI\\BOOT\\BOOTX64.EFI"

struct file {
	uint8_t *p;
	size_t n;
};

#define SECTION(section, text)                                            \
	{                                                                 \
		.name = (section), .bytes = (text), .n = sizeof(text) - 1 \
	}

/* A kernel that systemd-stub starts by its PE entry point. */
static inline struct file kernel_image(struct esp *x, int line, int initrd)
{
	struct file f;

	f.p = esp_keep(x, build_kernel(line, initrd, &f.n));
	put_u16le(built_optional_header(f.p) + 44, 1); /* MajorImageVersion: LINUX_EFISTUB_MAJOR_VERSION */
	return f;
}
