/*
 * Search a kernel image or its decompressed payload for what tells who it is: front to back, in a window, whatever
 * its size.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/blob.h"

enum {
	/* Linux banners have some 250 bytes: release, builder, compiler, build time. */
	VERSION_MAX = 512,

	BUILD_ID_LEN = 20, /* SHA-1, the linker's default and the kernel's choice (--build-id=sha1) */
};

/* What to look for. */
enum {
	FIND_INITRD = 1 << 0,       /* the EFI stub's event for the initrd */
	FIND_LOAD_OPTIONS = 1 << 1, /* its event for the load options */
	FIND_BANNER = 1 << 2,       /* linux_banner: version */
	FIND_BUILD_ID = 1 << 3,     /* a GNU build id note outside of ELF files */
	FIND_CC_LOW = 1 << 4,       /* the halves of the GUID of EFI_CC_MEASUREMENT_PROTOCOL */
	FIND_CC_HIGH = 1 << 5,
	FIND_TAGS = FIND_INITRD | FIND_LOAD_OPTIONS,
	FIND_CC = FIND_CC_LOW | FIND_CC_HIGH,
};

struct scan {
	unsigned want;                 /* FIND_ bits still looked for */
	unsigned found;                /* FIND_ bits */
	char version[VERSION_MAX + 1]; /* behind "Linux version ", when FIND_BANNER is found */
	uint8_t build_id[BUILD_ID_LEN];

	uint8_t *buf; /* the window */
	size_t n;
	uint64_t start;   /* bytes before buf */
	uint64_t elf_end; /* of the last ELF file that began so far */
};

/* Text from an image is shown to people: whether it is printable ASCII. */
bool printable(const uint8_t *p, size_t n);

/* Begin a search for want, FIND_ bits. 0 or -PCRCAST_ENOMEM; scan_done() in either case. */
int scan_begin(struct scan *s, unsigned want, struct pcrcast_error *e);
void scan_done(struct scan *s);

/* Search the next bytes, and, behind the last ones, scan_end(). */
void scan_feed(struct scan *s, struct slice bytes);
void scan_end(struct scan *s);

/* Search a whole blob, up to the last thing wanted; scan_end() is included. Errors as blob_read(). */
int scan_blob(struct scan *s, const struct blob *b, struct pcrcast_error *e);

/* Does an EFI image name EFI_CC_MEASUREMENT_PROTOCOL? Of code for x86-64 that is certain. Errors as blob_read(). */
int scan_for_cc(const struct blob *b, bool *ret, struct pcrcast_error *e);
