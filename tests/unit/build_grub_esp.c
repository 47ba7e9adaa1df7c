#include "tests/unit/build_grub_esp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BOOT "EFI/BOOT/BOOTX64.EFI"

void grub_esp_put_image(struct esp *x, const struct build_grub *what)
{
	size_t n;
	uint8_t *p = build_grub(what, &n);

	esp_put(x, BOOT, p, n);
	free(p);
}

void grub_esp_put_usual(struct esp *x)
{
	size_t n;
	uint8_t *kernel = build_kernel(1, 1, &n);

	grub_esp_put_image(x,
			   &(struct build_grub){ "/EFI/debian", NULL, grub_debian_sbat, grub_usual_modules });
	esp_put(x, "linux", kernel, n);
	esp_put(x, "initrd", "initrd", 6);
	free(kernel);
	x->opt.pcrs = 1 << 4 | 1 << 8 | 1 << 9;
}

const char *grub_esp_measured(struct esp *x)
{
	size_t cap = 1 << 16, n = 0;
	char *s = esp_keep(x, calloc(1, cap));

	for (size_t i = 0; i < x->p.log.n_events; i++) {
		const struct event *ev = &x->p.log.events[i];

		if (ev->pcr != 8 && ev->pcr != 9)
			continue;
		assert_true(ev->origin == EVENT_UNKNOWN || ev->data.n > 0);
		if (ev->type == EV_IPL && ev->origin != EVENT_UNKNOWN)
			n += (size_t)snprintf(s + n, cap - n, "%u %s\n", ev->pcr, (const char *)ev->data.p);
		else
			n += (size_t)snprintf(s + n, cap - n, "%u %s\n", ev->pcr,
					      ev->origin == EVENT_UNKNOWN ? "?" : "kernel");
	}
	return s;
}
