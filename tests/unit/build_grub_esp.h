/*
 * An ESP from which GRUB boots, and what a prediction of it measures.
 */
#pragma once

#include "tests/unit/build_esp.h"
#include "tests/unit/build_grub.h"

/* Debian's GRUB 2.06 with the prefix /EFI/debian, files linux and initrd; PCR 4, 8 and 9 are wanted. */
void grub_esp_put_usual(struct esp *x);

/* Another image in its place. */
void grub_esp_put_image(struct esp *x, const struct build_grub *what);

/* What the events of PCR 8 and 9 have as data, a line each; of those that are not known, "?". */
const char *grub_esp_measured(struct esp *x);
