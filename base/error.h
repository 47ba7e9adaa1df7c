/*
 * Errors. A fallible function returns 0 or a negative enum pcrcast_code; the reason goes into an object
 * that the caller owns, so reporting needs no heap and works when memory is gone. It may be NULL.
 */
#pragma once

#include <stdint.h>

enum pcrcast_code {
	PCRCAST_ETRUNC = 1,   /* the input ends too early */
	PCRCAST_EFORMAT,      /* the input is not what its format demands */
	PCRCAST_ELIMIT,       /* more than a stated limit of this program */
	PCRCAST_EUNSUPPORTED, /* well formed, but nothing this program knows how to handle */
	PCRCAST_ENOTFOUND,    /* a file, section or entry that was asked for does not exist */
	PCRCAST_EIO,
	PCRCAST_ENOMEM,
	PCRCAST_ECRYPTO,
	PCRCAST_EINVAL, /* an option or argument makes no sense */
};

#define PCRCAST_NO_OFFSET UINT64_MAX

struct pcrcast_error {
	enum pcrcast_code code;
	uint64_t offset; /* byte in the input, PCRCAST_NO_OFFSET if not about a byte */
	char msg[512];   /* lower case, no newline: what was expected, what was found */
};

/* Fill e (which may be NULL) and return -code, so that reporting is one return line. */
int err_set(struct pcrcast_error *e, enum pcrcast_code code, uint64_t offset, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Put "context: " in front of what e says and return its code. For use on the way up, after a failure. */
int err_wrap(struct pcrcast_error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

int err_nomem(struct pcrcast_error *e);

#define _cleanup_(f) __attribute__((cleanup(f)))
