#include "base/utf16.h"

#include "base/bytes.h"

enum { SURROGATE_HIGH = 0xd800, SURROGATE_LOW = 0xdc00, SURROGATE_END = 0xe000, REPLACEMENT = 0xfffd };

size_t utf8_decode(const uint8_t *p, size_t n, uint32_t *ret)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = p[0] < 0x80           ? 1 :
		     (p[0] & 0xe0) == 0xc0 ? 2 :
		     (p[0] & 0xf0) == 0xe0 ? 3 :
		     (p[0] & 0xf8) == 0xf0 ? 4 :
					     0;
	uint32_t c = len == 1 ? p[0] : p[0] & (0x7fu >> len);

	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < smallest[len] || c > 0x10ffff || (c >= SURROGATE_HIGH && c < SURROGATE_END))
		return 0;
	*ret = c;
	return len;
}

bool utf8_valid(struct slice text)
{
	uint32_t code_point;

	for (size_t at = 0, n; at < text.n; at += n) {
		n = utf8_decode(text.p + at, text.n - at, &code_point);
		if (n == 0)
			return false;
	}
	return true;
}

int utf16_of_utf8(struct pool *pool, const char *text, struct utf16 *ret, struct pcrcast_error *e)
{
	struct slice s = slice_of_string(text);
	uint16_t *out = pool_array(pool, s.n + 1, sizeof *out);
	size_t n = 0;

	if (!out)
		return err_nomem(e);
	for (size_t i = 0; i < s.n;) {
		uint32_t c;
		size_t len = utf8_decode(s.p + i, s.n - i, &c);

		if (len == 0)
			return err_set(e, PCRCAST_EINVAL, i, "not UTF-8 at byte %zu", i);
		if (c < 0x10000) {
			out[n++] = (uint16_t)c;
		} else {
			out[n++] = (uint16_t)(SURROGATE_HIGH + ((c - 0x10000) >> 10));
			out[n++] = (uint16_t)(SURROGATE_LOW + ((c - 0x10000) & 0x3ff));
		}
		i += len;
	}
	*ret = (struct utf16){ out, n };
	return 0;
}

struct utf16 utf16_copy(struct pool *pool, const uint16_t *s, size_t n)
{
	size_t len = 0;

	while (len < n && s[len])
		len++;
	uint16_t *out = pool_array(pool, len + 1, sizeof *out);
	if (out && len)
		memcpy(out, s, len * sizeof *out);
	return (struct utf16){ out, out ? len : 0 };
}

struct utf16 utf16_join(struct pool *pool, struct utf16 a, uint16_t separator, struct utf16 b)
{
	size_t n = a.n + (separator != 0) + b.n;
	uint16_t *out = pool_array(pool, n + 1, sizeof *out);

	if (!out)
		return (struct utf16){ NULL, 0 };
	if (a.n)
		memcpy(out, a.s, a.n * sizeof *out);
	if (separator)
		out[a.n] = separator;
	if (b.n)
		memcpy(out + n - b.n, b.s, b.n * sizeof *out);
	return (struct utf16){ out, n };
}

static void add_units(struct utf16_builder *b, const uint16_t *s, size_t n)
{
	if (b->failed)
		return;
	if (n > b->cap - b->n) {
		size_t cap = b->cap > n ? 2 * b->cap : b->cap + n + 32;
		uint16_t *bigger = cap > SIZE_MAX / 4 ? NULL : pool_array(b->pool, cap, sizeof *bigger);

		if (!bigger) {
			b->failed = true;
			return;
		}
		if (b->n)
			memcpy(bigger, b->s, b->n * sizeof *bigger);
		b->s = bigger;
		b->cap = cap;
	}
	if (n)
		memcpy(b->s + b->n, s, n * sizeof *s);
	b->n += n;
}

void utf16_add(struct utf16_builder *b, uint16_t separator, struct utf16 more)
{
	if (b->any && separator)
		add_units(b, &separator, 1);
	add_units(b, more.s, more.n);
	b->any = true;
}

struct utf16 utf16_built(struct utf16_builder *b)
{
	static const uint16_t nul = 0;

	if (!b->any)
		return (struct utf16){ NULL, 0 };
	add_units(b, &nul, 1);
	if (b->failed)
		return (struct utf16){ NULL, 0 };
	b->n--; /* the terminator is not part of it */
	return (struct utf16){ b->s, b->n };
}

char *utf16_to_utf8(struct pool *pool, struct utf16 s)
{
	char *out = s.n < SIZE_MAX / 3 ? pool_array(pool, 3 * s.n + 1, 1) : NULL;
	size_t n = 0;

	for (size_t i = 0; out && i < s.n; i++) {
		uint32_t c = s.s[i];

		if (c >= SURROGATE_HIGH && c < SURROGATE_END) {
			bool pair = c < SURROGATE_LOW && i + 1 < s.n && s.s[i + 1] >= SURROGATE_LOW &&
				    s.s[i + 1] < SURROGATE_END;

			c = pair ? 0x10000 + ((c - SURROGATE_HIGH) << 10) + (s.s[i + 1] - SURROGATE_LOW) :
				   REPLACEMENT;
			i += pair;
		}
		if (c < 0x80) {
			out[n++] = (char)c;
		} else if (c < 0x800) {
			out[n++] = (char)(0xc0 | c >> 6);
			out[n++] = (char)(0x80 | (c & 0x3f));
		} else if (c < 0x10000) {
			out[n++] = (char)(0xe0 | c >> 12);
			out[n++] = (char)(0x80 | (c >> 6 & 0x3f));
			out[n++] = (char)(0x80 | (c & 0x3f));
		} else {
			out[n++] = (char)(0xf0 | c >> 18);
			out[n++] = (char)(0x80 | (c >> 12 & 0x3f));
			out[n++] = (char)(0x80 | (c >> 6 & 0x3f));
			out[n++] = (char)(0x80 | (c & 0x3f));
		}
	}
	return out;
}

struct slice utf16_bytes(struct pool *pool, struct utf16 s, bool with_nul)
{
	size_t n = s.n + with_nul;
	uint8_t *out = pool_array(pool, n, 2);

	for (size_t i = 0; out && i < s.n; i++)
		put_u16le(out + 2 * i, s.s[i]);
	return (struct slice){ out, out ? 2 * n : 0 };
}
