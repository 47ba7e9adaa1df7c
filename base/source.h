/*
 * An input as random-access bytes: a file, bytes in memory, or what a disk container holds. Files are
 * read in place with pread: nothing is mapped, so a file cut short while we read is an error and not a
 * signal, and memory does not grow with the image.
 */
#pragma once

#include "base/error.h"
#include "base/slice.h"

struct source; /* opaque; several threads may read one source at the same time */

/*
 * What a kind of source must do. read fills exactly n bytes from off (never past size); it returns 0 or
 * a negative code with e filled. check says whether the bytes are still those that were opened.
 */
struct source_ops {
	int (*read)(void *ctx, uint64_t off, void *buf, size_t n, struct pcrcast_error *e);
	int (*check)(void *ctx, struct pcrcast_error *e); /* NULL: cannot change */
	void (*close)(void *ctx);                         /* NULL: nothing to close */
};

/* Takes over ctx, on failure too. name is copied; it stands in front of read errors. */
int source_new(const struct source_ops *ops, void *ctx, uint64_t size, const char *name, struct source **ret,
	       struct pcrcast_error *e);

/* A regular file or block device. Refuses everything else, with a message that says what it is. */
int source_open_file(const char *path, struct source **ret, struct pcrcast_error *e);

/* The same by name inside an open directory; symbolic links are followed. */
int source_open_file_at(int dirfd, const char *name, const char *shown, struct source **ret,
			struct pcrcast_error *e);

/* All that a stream (standard input) gives, at most limit bytes, held in memory. */
int source_read_stream(int fd, const char *name, uint64_t limit, struct source **ret,
		       struct pcrcast_error *e);

/* Bytes that outlive the source. */
int source_over_bytes(struct slice bytes, const char *name, struct source **ret, struct pcrcast_error *e);

void source_close(struct source *s);

uint64_t source_size(const struct source *s);
const char *source_name(const struct source *s);

/* Exactly n bytes from off; PCRCAST_ETRUNC when they do not all lie inside. */
int source_read(struct source *s, uint64_t off, void *buf, size_t n, struct pcrcast_error *e);

/* Fails when the file was changed (size or time of change) since it was opened. */
int source_check(struct source *s, struct pcrcast_error *e);
