#include "predict/cmdline.h"

int cmdline_of_utf8(struct pool *pool, struct slice text, struct utf16 *ret, struct pcrcast_error *e)
{
	uint16_t *out = pool_array(pool, text.n + 1, sizeof *out);
	size_t n = 0;

	if (!out)
		return err_nomem(e);
	for (size_t i = 0; i < text.n && text.p[i];) {
		uint8_t lead = text.p[i];
		size_t len = lead < 0x80           ? 1 :
			     (lead & 0xe0) == 0xc0 ? 2 :
			     (lead & 0xf0) == 0xe0 ? 3 :
			     (lead & 0xf8) == 0xf0 ? 4 :
			     (lead & 0xfc) == 0xf8 ? 5 :
			     (lead & 0xfe) == 0xfc ? 6 :
						     0;
		bool sound = len > 0 && len <= text.n - i;
		uint32_t c = len == 1 ? lead : len ? lead & (0x7fu >> len) : 0;

		for (size_t k = 1; sound && k < len; k++) {
			sound = (text.p[i + k] & 0xc0) == 0x80;
			c = c << 6 | (text.p[i + k] & 0x3f);
		}
		if (sound && (c < 0xd800 || (c >= 0xe000 && c < 0x10000)))
			out[n++] = (uint16_t)c;
		i += len == 0 ? 1 : len < text.n - i ? len : text.n - i;
	}
	/* An overlong form of U+0000 ends the string for everything that reads it. */
	*ret = utf16_copy(pool, out, n);
	return ret->s ? 0 : err_nomem(e);
}

int cmdline_mangle(struct pool *pool, enum mangle_rule rule, struct utf16 line, struct utf16 *ret,
		   bool *ret_undefined, struct pcrcast_error *e)
{
	uint16_t *out = pool_array(pool, line.n + 1, sizeof *out);
	size_t from = 0, to = line.n;

	if (!out)
		return err_nomem(e);
	for (size_t i = 0; i < line.n; i++) {
		uint16_t c = line.s[i];
		bool blank = rule == MANGLE_TRAILING ? c <= 0x1f : c <= 0x20 || c == 0x7f;

		out[i] = blank ? ' ' : c;
	}
	while (to > 0 && out[to - 1] == ' ')
		to--;
	if (rule != MANGLE_TRAILING)
		while (from < to && out[from] == ' ')
			from++;
	*ret_undefined = rule == MANGLE_BOTH_UNDEF && to == 0;
	out[to] = 0;
	*ret = (struct utf16){ out + from, to - from };
	return 0;
}

bool cmdline_has_word(struct utf16 line, const char *begin, bool whole)
{
	size_t n = strlen(begin);

	for (size_t i = 0; i + n <= line.n; i++) {
		size_t k = 0;

		if (i > 0 && line.s[i - 1] != ' ')
			continue;
		while (k < n && line.s[i + k] == (uint8_t)begin[k])
			k++;
		if (k == n && (!whole || i + n == line.n || line.s[i + n] == ' '))
			return true;
	}
	return false;
}

bool cmdline_number(const uint16_t *s, size_t n, uint64_t *ret, size_t *ret_n)
{
	uint64_t v = 0;
	size_t i = 0;

	for (; i < n && s[i] >= '0' && s[i] <= '9'; i++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s[i] - '0'), &v))
			return false;
	if (i == 0)
		return false;
	*ret = v;
	*ret_n = i;
	return true;
}
