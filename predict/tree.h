/*
 * A file system as firmware sees it: an EFI system partition read from a disk image or held in a
 * directory of this machine, or a single file with the directory that belongs to it.
 *
 * Paths are UTF-8, with '\' or '/' between names, from the root of the file system; "." and ".." mean what
 * they mean to firmware. Every lookup compares without case, as FAT does (UEFI 2.10, section 13.3); names
 * keep the spelling in which they are stored. Two names in one directory that differ only in case are an
 * error (of listing that directory and of looking up that name), for no FAT file system can hold them.
 */
#pragma once

#include "base/blob.h"
#include "base/error.h"
#include "base/pool.h"

struct tree; /* opaque */

struct tree_entry {
	const char *name; /* as stored */
	bool is_dir;
	uint64_t size; /* bytes of a file */
};

/* Entries of one directory; they live as long as the tree. */
struct tree_list {
	const struct tree_entry *entries;
	size_t n;
	bool in_disk_order; /* false: a directory of this machine, whose order says nothing; sorted by name */
};

void tree_free(struct tree *t);

/* A directory of this machine as the root of an ESP. Symbolic links inside are followed. */
int tree_open_directory(const char *path, struct tree **ret, struct pcrcast_error *e);

/*
 * One EFI file, at the root of a tree under its own name, with the directory NAME.extra.d beside it when
 * there is one (looked up without case; a boot counter in NAME is left out as systemd-stub 254 does,
 * see extra_dir_of). Nothing else of the surrounding directory is visible.
 */
int tree_open_single(const char *path, struct tree **ret, struct pcrcast_error *e);

/* One EFI file that is open already, alone in a tree as \name. Takes over file, on failure too. */
int tree_open_source(struct source *file, const char *name, struct tree **ret, struct pcrcast_error *e);

/* A FAT12/16/32 file system held in bytes, which must outlive the tree; shown is its name in messages. */
int tree_open_fat(const struct blob *bytes, const char *shown, struct tree **ret, struct pcrcast_error *e);

/* The same for a tar or a cpio archive (newc), and for squashfs 4.0 compressed with gzip, lzo or xz. */
int tree_open_archive(const struct blob *bytes, const char *shown, struct tree **ret,
		      struct pcrcast_error *e);
int tree_open_squashfs(const struct blob *bytes, const char *shown, struct tree **ret,
		       struct pcrcast_error *e);

/* PCRCAST_ENOTFOUND when there is no such directory (e says which path). */
int tree_list_dir(struct tree *t, const char *path, struct tree_list *ret, struct pcrcast_error *e);

/*
 * A file's content and, if ret_path is not NULL, its path in stored spelling with '\' between names and
 * in front. PCRCAST_ENOTFOUND when there is no such file. Both live as long as the tree.
 */
int tree_open_file(struct tree *t, const char *path, struct blob *ret, const char **ret_path,
		   struct pcrcast_error *e);

/*
 * True when both names (UTF-8) are the same name on FAT: equal after upper-casing the letters of ASCII and
 * Latin-1, which is the collation that EDK2's FAT driver uses. "ß" and "ÿ" have no upper case there.
 */
bool tree_name_equal(const char *a, const char *b);

/*
 * See another file's content in place of a file, which keeps its name; or see a file or directory no longer. For "what if":
 * to be called before anything is looked up. PCRCAST_ENOTFOUND: there is none. tree_replace takes over file, on failure
 * too.
 */
int tree_replace(struct tree *t, const char *path, struct source *file, struct pcrcast_error *e);
int tree_remove(struct tree *t, const char *path, struct pcrcast_error *e);

/* What is odd about the file system, one line; NULL: nothing. */
const char *tree_note(const struct tree *t);

/* The serial number of a FAT file system; false: it has none, or this is a directory. */
bool tree_volume_id(const struct tree *t, uint32_t *ret);

/* Fails when a file that was opened has changed since. */
int tree_check(struct tree *t, struct pcrcast_error *e);
