/*
 * What the user names: a disk image, an ESP directory or one EFI file. Opening it gives the file systems
 * that firmware and boot loader would read.
 */
#pragma once

#include "base/source.h"
#include "predict/tree.h"

enum image_kind {
	IMAGE_DISK,
	IMAGE_DIRECTORY,
	IMAGE_FILE, /* one EFI file */
};

struct image {
	enum image_kind kind;
	struct tree *esp; /* IMAGE_FILE: a tree that holds the file and its .extra.d directory */
	struct tree
		*xbootldr; /* the disk's extended boot loader partition; NULL when it has none that is FAT */
	const char *xbootldr_unread; /* why firmware alone cannot read the one there is; else NULL */
	const char *file;            /* IMAGE_FILE: path of the file in esp; else NULL */
	const char *container;       /* "raw", "vhd", "vmdk", "qcow2" for a disk; else NULL */
	const struct gpt *gpt;       /* the disk's partition table; NULL when it has none */
	const char *notes[6];        /* what a user should know about the disk, one line each */
	size_t n_notes;
	struct image_private *priv;
};

/*
 * Open path ("-": standard input, one EFI file, which is then called stdin.efi). A disk must hold exactly one
 * ESP (partition type C12A7328-F81F-11D2-BA4B-00A0C93EC93B, UEFI 2.10 section 5.3.3): none or several is an
 * error that lists the partitions that there are. A disk that is a FAT file system without a partition table
 * counts as an ESP, as it does for firmware. The extended boot loader partition is the first of type
 * BC13C2FF-59E6-4262-A352-B275FD6F7172 (UAPI.5 Discoverable Partitions).
 */
int image_open(const char *path, struct image *ret, struct pcrcast_error *e);

/*
 * The disk part of image_open, for a disk that is open already and outlives *ret, which is zeroed before.
 * shown is the disk's name in messages.
 */
int image_open_disk(struct source *disk, const char *shown, struct image *ret, struct pcrcast_error *e);

/*
 * See the file at host in place of a file of the image, or a file or directory of the image no longer: in the ESP, or else
 * in the extended boot loader partition. To be called before anything is predicted. PCRCAST_ENOTFOUND: the image has none.
 */
int image_replace_file(struct image *img, const char *path, const char *host, struct pcrcast_error *e);
int image_remove_file(struct image *img, const char *path, struct pcrcast_error *e);

/* Fails when what was read has changed since image_open. */
int image_check(struct image *img, struct pcrcast_error *e);

void image_done(struct image *img);
