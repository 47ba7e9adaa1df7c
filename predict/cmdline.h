/*
 * Kernel command lines as systemd-boot and systemd-stub treat them.
 */
#pragma once

#include "base/utf16.h"
#include "uki/stub.h"

/*
 * UTF-8 to UTF-16 as systemd does it (xstrn8_to_16, efi-string.c, the same in 252 to 262): up to the first
 * NUL; forms of up to 6 bytes are decoded, also overlong ones; a code point above U+FFFF or of a surrogate
 * is dropped; of a broken form the whole announced length is dropped, of an invalid lead byte that byte.
 */
int cmdline_of_utf8(struct pool *pool, struct slice text, struct utf16 *ret, struct pcrcast_error *e);

/*
 * What the stub's mangle_stub_cmdline() makes of a line. *ret_undefined: this version reads memory it
 * should not for such a line (255 and 256, an empty or all-blank one), so that nobody can tell.
 */
int cmdline_mangle(struct pool *pool, enum mangle_rule rule, struct utf16 line, struct utf16 *ret,
		   bool *ret_undefined, struct pcrcast_error *e);

/* Does the line have a word that begins so (or, if whole, is this), behind its start or a space? */
bool cmdline_has_word(struct utf16 line, const char *begin, bool whole);

/* The decimal number at the start of s; false when there is no digit or it does not fit. *ret_n: its length. */
bool cmdline_number(const uint16_t *s, size_t n, uint64_t *ret, size_t *ret_n);
