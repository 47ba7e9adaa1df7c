/*
 * Where a UKI's companions (addons, credentials, extension images) lie: the rule of systemd-stub.
 */
#pragma once

#include <stdbool.h>

#include "base/pool.h"

/*
 * The companion directory of the UKI at path (UTF-8): path with '\' between names, runs of them made one,
 * and ".extra.d" behind it. With strip_counter (systemd-stub from 254 on) a boot counter is left out
 * first: \EFI\Linux\foo+3-1.efi has its companions in \EFI\Linux\foo.efi.extra.d. NULL: out of memory.
 */
char *extra_dir_of(struct pool *pool, const char *path, bool strip_counter);
