/*
 * Disk containers: files that hold a disk in another form than byte by byte.
 */
#pragma once

#include "base/source.h"

/*
 * The disk that file holds. path is the file's name as the user gave it: a VMDK's extents are looked for
 * beside it. os_path is the name under which the file is opened once more, by a library that wants one; it
 * should lead to the very file that is open ("/proc/self/fd/…").
 *
 * *ret_kind is "raw" (then *ret is file itself), "vhd", "vmdk" or "qcow2". Takes over file, on failure too.
 * A format that is known but cannot be read is PCRCAST_EUNSUPPORTED, and the message says what to do.
 *
 * Nothing that a container names is opened but extents of a VMDK, and these only when they are regular files
 * in the directory of path: a hostile image must not make this program read other files.
 */
int container_open(struct source *file, const char *path, const char *os_path, struct source **ret,
		   const char **ret_kind, struct pcrcast_error *e);
