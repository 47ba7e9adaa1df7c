#include "base/encode.h"

#include "base/digest.h"

int hex_digit(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	       c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 :
				      -1;
}

bool hex_decode(struct pool *pool, struct slice text, struct slice *ret)
{
	if (text.n % 2)
		return false;
	uint8_t *bytes = pool_array(pool, text.n / 2 + 1, 1);
	if (!bytes)
		return false;
	for (size_t i = 0; i < text.n / 2; i++) {
		int hi = hex_digit(text.p[2 * i]), lo = hex_digit(text.p[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		bytes[i] = (uint8_t)(hi << 4 | lo);
	}
	*ret = (struct slice){ bytes, text.n / 2 };
	return true;
}

char *hex_text(struct pool *pool, struct slice bytes)
{
	char *text = bytes.n < SIZE_MAX / 2 ? pool_array(pool, 2 * bytes.n + 1, 1) : NULL;

	if (text)
		hex_encode(bytes.p, bytes.n, text);
	return text;
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int base64_digit(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' :
	       c >= 'a' && c <= 'z' ? c - 'a' + 26 :
	       c >= '0' && c <= '9' ? c - '0' + 52 :
	       c == '+'             ? 62 :
	       c == '/'             ? 63 :
				      -1;
}

bool base64_decode(struct pool *pool, struct slice text, struct slice *ret)
{
	size_t n = text.n, pad = 0;

	if (n % 4)
		return false;
	while (pad < 2 && n > 0 && text.p[n - 1] == '=') {
		n--;
		pad++;
	}
	uint8_t *bytes = pool_array(pool, text.n / 4 * 3 + 1, 1);
	if (!bytes)
		return false;
	uint32_t bits = 0;
	size_t have = 0, out = 0;
	for (size_t i = 0; i < n; i++) {
		int v = base64_digit(text.p[i]);

		if (v < 0)
			return false;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			bytes[out++] = (uint8_t)(bits >> have);
		}
	}
	if (bits & ((1u << have) - 1)) /* else one value had several texts */
		return false;
	*ret = (struct slice){ bytes, out };
	return true;
}

bool base64url_decode(struct pool *pool, struct slice text, struct slice *ret)
{
	bool padded = text.n > 0 && text.p[text.n - 1] == '=';
	size_t pad = padded ? 0 : (4 - text.n % 4) % 4;
	uint8_t *copy = text.n < SIZE_MAX - pad ? pool_array(pool, text.n + pad + 1, 1) : NULL;

	if (!copy)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '+' || text.p[i] == '/')
			return false;
		copy[i] = text.p[i] == '-' ? '+' : text.p[i] == '_' ? '/' : text.p[i];
	}
	memset(copy + text.n, '=', pad);
	return base64_decode(pool, (struct slice){ copy, text.n + pad }, ret);
}

char *base64_text(struct pool *pool, struct slice bytes)
{
	char *text = bytes.n < SIZE_MAX / 2 ? pool_array(pool, (bytes.n + 2) / 3 * 4 + 1, 1) : NULL;
	char *p = text;

	for (size_t i = 0; text && i < bytes.n; i += 3) {
		size_t left = bytes.n - i;
		uint32_t bits = (uint32_t)bytes.p[i] << 16 | (left > 1 ? (uint32_t)bytes.p[i + 1] << 8 : 0) |
				(left > 2 ? (uint32_t)bytes.p[i + 2] : 0);

		*p++ = base64_digits[bits >> 18];
		*p++ = base64_digits[bits >> 12 & 63];
		*p++ = left > 1 ? base64_digits[bits >> 6 & 63] : '=';
		*p++ = left > 2 ? base64_digits[bits & 63] : '=';
	}
	return text;
}
