/* Sentences about a difference, and two texts word by word. */
#include "eventlog/diff_sequence.h"
#include "eventlog/diff_words_impl.h"

enum {
	PARTS_MAX = 16, /* things that are told of one event */
	WORDS_TABLE =
		1 << 16, /* cells of the table that aligns words: 256 differ in each of two command lines */
};

/* ---- sentences ---- */

void words_tell(struct words *w, const char *fmt, ...)
{
	va_list ap;

	if (!w->text)
		return;
	if (w->n == PARTS_MAX) {
		w->left_out++;
		return;
	}
	va_start(ap, fmt);
	const char *part = pool_vprintf(w->pool, fmt, ap);
	va_end(ap);
	w->text = part ? pool_printf(w->pool, "%s%s%s", w->text, w->n ? ", " : "", part) : NULL;
	w->n++;
}

const char *words_shorten(struct words *w, const char *text)
{
	size_t n = TEXT_MAX;

	if (strlen(text) <= TEXT_MAX)
		return text;
	while (n && ((uint8_t)text[n] & 0xc0) == 0x80) /* not within a character of UTF-8 */
		n--;
	const char *s = pool_printf(w->pool, "%.*s…", (int)n, text);
	if (!s)
		w->text = NULL;
	return s ? s : "";
}

const char *words_hex(struct words *w, struct slice bytes, size_t shown)
{
	size_t n = bytes.n < shown ? bytes.n : shown;
	char *s = pool_array(w->pool, 2 * n + sizeof "…", 1);

	if (!s) {
		w->text = NULL;
		return "";
	}
	hex_encode(bytes.p, n, s);
	if (n < bytes.n)
		memcpy(s + 2 * n, "…", sizeof "…");
	return s;
}

/* ---- texts, word by word ---- */

struct tokens {
	struct slice *items;
	size_t n, cap;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool split(struct words *w, const char *text, struct tokens *ret)
{
	*ret = (struct tokens){ NULL, 0, 0 };
	while (*text) {
		size_t n = 0;

		while (text[n] && !is_blank(text[n]))
			n++;
		if (n) {
			struct slice *place =
				pool_push(w->pool, &ret->items, &ret->n, &ret->cap, sizeof *place);

			if (!place) {
				w->text = NULL;
				return false;
			}
			*place = (struct slice){ (const uint8_t *)text, n };
		}
		text += n + (text[n] != '\0');
	}
	return true;
}

static void tell_word(struct words *w, const char *what, struct slice word)
{
	const char *text = pool_text(w->pool, (const char *)word.p, word.n);

	if (text)
		words_tell(w, "%s \"%s\"", what, words_shorten(w, text));
	else
		w->text = NULL;
}

struct texts {
	struct tokens a, b;
};

static bool same_word(const void *ctx, size_t a, size_t b)
{
	const struct texts *t = ctx;

	return slice_equal(t->a.items[a], t->b.items[b]);
}

/* Leave out what both begin and end with: as a rule that is nearly all. */
static void trim(struct tokens *a, struct tokens *b)
{
	for (; a->n && b->n && slice_equal(a->items[0], b->items[0]); a->n--, b->n--) {
		a->items++;
		b->items++;
	}
	while (a->n && b->n && slice_equal(a->items[a->n - 1], b->items[b->n - 1])) {
		a->n--;
		b->n--;
	}
}

bool words_tell_text(struct words *w, const char *text_a, const char *text_b)
{
	struct texts t;
	size_t j = 0;

	if (!split(w, text_a, &t.a) || !split(w, text_b, &t.b) || (t.a.n < 2 && t.b.n < 2))
		return false;
	trim(&t.a, &t.b);
	if (t.a.n + 1 > WORDS_TABLE / (t.b.n + 1) || (t.a.n == 0 && t.b.n == 0))
		return false;
	uint32_t *partner = pool_array(w->pool, t.a.n + 1, sizeof *partner);
	if (!partner || sequence_align(t.a.n, t.b.n, same_word, &t, partner, NULL) < 0) {
		w->text = NULL;
		return false;
	}
	for (size_t i = 0; i < t.a.n; i++) {
		if (partner[i] == SEQUENCE_NONE) {
			tell_word(w, "removed", t.a.items[i]);
			continue;
		}
		while (j < partner[i])
			tell_word(w, "added", t.b.items[j++]);
		j++;
	}
	while (j < t.b.n)
		tell_word(w, "added", t.b.items[j++]);
	return true;
}
