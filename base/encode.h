/*
 * Bytes as text and back: hexadecimal and base64, strictly.
 */
#pragma once

#include "base/pool.h"
#include "base/slice.h"

/* The value of a hex digit of either case; -1 when it is none. */
int hex_digit(uint8_t c);

/* An even number of hex digits of either case and nothing else; the bytes come from pool. */
bool hex_decode(struct pool *pool, struct slice text, struct slice *ret);

/* Lower-case hex in pool; NULL when memory gives out. (hex_encode in base/digest.h writes to a buffer.) */
char *hex_text(struct pool *pool, struct slice bytes);

/* Base64 with padding, without blanks and line breaks, unused bits zero (RFC 4648, sections 3.5 and 4); the bytes come from pool. */
bool base64_decode(struct pool *pool, struct slice text, struct slice *ret);

/* The same with '-' and '_' as digits (RFC 4648, section 5); padding is there or left out (RFC 7515, section 2). */
bool base64url_decode(struct pool *pool, struct slice text, struct slice *ret);

/* Base64 of bytes in pool; NULL when memory gives out. */
char *base64_text(struct pool *pool, struct slice bytes);
