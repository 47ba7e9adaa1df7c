/* Scalars of tpm2_eventlog's YAML: see write_yaml.c for what is escaped, and why. */
#include "base/bytes.h"
#include "base/efi/guid.h"
#include "base/utf16.h"
#include "eventlog/write_yaml_impl.h"

void yaml_put_hex(struct yaml *y, struct slice s)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < s.n; i++) {
		fputc(digits[s.p[i] >> 4], y->out);
		fputc(digits[s.p[i] & 15], y->out);
	}
}

/* The length of the well-formed UTF-8 character at p, of at most n bytes; 0 when there is none (RFC 3629, section 4). */
static size_t utf8_len(const uint8_t *p, size_t n)
{
	size_t len = *p < 0x80               ? 1 :
		     *p >= 0xc2 && *p < 0xe0 ? 2 :
		     (*p & 0xf0) == 0xe0     ? 3 :
		     *p >= 0xf0 && *p < 0xf5 ? 4 :
					       0;

	if (len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if (len > 2 && ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
			(p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)))
		return 0;
	return len;
}

/* Returns how many bytes of the text were used. */
static size_t put_character(struct yaml *y, const uint8_t *p, size_t n, bool quoted)
{
	size_t len = utf8_len(p, n);

	/* C0 controls, DEL and the C1 controls U+0080 to U+009F are not allowed in YAML (1.2 section 5.1) */
	if (len == 0 || *p < 0x20 || *p == 0x7f || (p[0] == 0xc2 && p[1] < 0xa0)) {
		fprintf(y->out, "\\x%02x", *p);
		return 1;
	}
	if (quoted && (*p == '"' || *p == '\\'))
		fputc('\\', y->out);
	(void)fwrite(p, 1, len, y->out);
	return len;
}

void yaml_put_characters(struct yaml *y, struct slice s, bool quoted)
{
	for (size_t i = 0; i < s.n;)
		i += put_character(y, s.p + i, s.n - i, quoted);
}

void yaml_put_utf16(struct yaml *y, struct slice s, bool quoted)
{
	struct pool pool = POOL_INIT;
	uint16_t *units = pool_array(&pool, s.n / 2 + 1, sizeof *units);
	char *text = NULL;

	if (units) {
		for (size_t i = 0; i < s.n / 2; i++)
			units[i] = get_u16le(s.p + 2 * i);
		struct utf16 copy = utf16_copy(&pool, units, s.n / 2);
		if (copy.s)
			text = utf16_to_utf8(&pool, copy);
	}
	if (text)
		yaml_put_characters(y, slice_of_string(text), quoted);
	else
		y->failed = true;
	pool_done(&pool);
}

void yaml_put_guid(struct yaml *y, const uint8_t *p)
{
	struct guid g = guid_of_bytes(p);
	char text[GUID_TEXT];

	guid_format(&g, text);
	fputs(text, y->out);
}

/* The characters that have a letter behind a backslash; they are escaped inside the lines of EV_IPL. */
static const struct {
	char character, letter;
} escapes[] = {
	{ '\0', '0' }, { '\a', 'a' }, { '\b', 'b' }, { '\t', 't' },  { '\v', 'v' },
	{ '\f', 'f' }, { '\r', 'r' }, { 033, 'e' },  { '\'', '\'' }, { '\\', '\\' },
};

static size_t put_line_character(struct yaml *y, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++)
		if (*p == (uint8_t)escapes[i].character) {
			fputc('\\', y->out);
			fputc(escapes[i].letter, y->out);
			return 1;
		}
	return put_character(y, p, n, false);
}

void yaml_put_lines(struct yaml *y, const char *indent, struct slice s)
{
	size_t i = 0;

	do {
		const uint8_t *feed = memchr(s.p + i, '\n', s.n - i);
		size_t end = feed ? (size_t)(feed - s.p) : s.n;

		fprintf(y->out, "%s\"", indent);
		while (i < end)
			i += put_line_character(y, s.p + i, end - i);
		fputs("\"\n", y->out);
		i = end + 1;
	} while (i < s.n);
}
