#define _GNU_SOURCE
#include "eventlog/diff_words.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/efi/variable.h"

enum {
	PARTS_MAX = 16,   /* things that are told of one event */
	TEXT_MAX = 160,   /* bytes of a text that are shown */
	DIGEST_SHOWN = 6, /* bytes of a digest that are shown: enough to find it in the log */
	WORDS_TABLE =
		1 << 16, /* cells of the table that aligns words: 256 differ in each of two command lines */
	PAIRS_MAX =
		1
		<< 20, /* pairs of partitions that are looked at: 1024 in each table, a disk has 128 as a rule */
};

struct words {
	struct pool *pool;
	const char *text; /* what was told so far; NULL: memory gave out */
	size_t n, left_out;
};

static void tell(struct words *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void tell(struct words *w, const char *fmt, ...)
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

/* The text, or its beginning and "…". */
static const char *shorten(struct words *w, const char *text)
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

static const char *hex(struct words *w, struct slice bytes, size_t shown)
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

/* ---- fields ---- */

/* What fields are called in words; NULL: they follow from others, or change from boot to boot. */
static const struct {
	const char *field, *words;
} field_words[] = {
	{ "imageLocationInMemory", NULL },
	{ "imageLinkTimeAddress", NULL },
	{ "imageLengthInMemory", "length" },
	{ "devicePath", "path" },
	{ "devicePaths", "path" },
	{ "variableName", NULL }, /* events are paired by these two */
	{ "unicodeName", NULL },
	{ "vendor", NULL },
	{ "ownerName", NULL },
	{ "certificateSha256", "certificate" },
	{ "optionalData", "optional data" },
	{ "headerCrc32", NULL },
	{ "partitionEntryArrayCrc32", NULL },
	{ "numberOfPartitions", NULL },
	{ "partitionTypeGuid", "type" },
	{ "partitionTypeName", NULL },
	{ "uniquePartitionGuid", "id" },
	{ "startingLba", "first sector" },
	{ "endingLba", "last sector" },
	{ "partitionName", "name" },
	{ "diskGuid", "disk" },
	{ "firstUsableLba", "first usable sector" },
	{ "lastUsableLba", "last usable sector" },
	{ "alternateLba", "sector of the other header" },
	{ "blobBase", "address" },
	{ "blobLength", "length" },
	{ "order", "order" },
	{ "string", "text" },
	{ "encoding", "encoding" },
	{ "writer", NULL },
	{ "kind", NULL },
	{ "taggedEventId", "tag" },
	{ "fileName", "file" },
	{ "digestAlgorithm", "algorithm" },
};

/* NULL: not to be told. */
static const char *field_called(const char *name)
{
	for (size_t i = 0; i < sizeof field_words / sizeof field_words[0]; i++)
		if (strcmp(field_words[i].field, name) == 0)
			return field_words[i].words;
	return name;
}

static bool leaf_equal(const struct field *a, const struct field *b)
{
	if (a->kind != b->kind)
		return false;
	return a->kind == FIELD_TEXT ? strcmp(a->text, b->text) == 0 :
	       a->kind == FIELD_HEX  ? slice_equal(a->bytes, b->bytes) :
				       a->number == b->number;
}

static bool fields_equal(const struct field *a, const struct field *b)
{
	if (a->kind != FIELD_GROUP && a->kind != FIELD_LIST)
		return leaf_equal(a, b);
	if (a->kind != b->kind || a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct field *x = &a->children[i], *y = &b->children[i];

		/* the depth is the decoders', not the input's */
		if ((x->name == NULL) != (y->name == NULL) || (x->name && strcmp(x->name, y->name) != 0) ||
		    !fields_equal(x, y))
			return false;
	}
	return true;
}

static const char *leaf_text(struct words *w, const struct field *f)
{
	const char *s = "";

	switch (f->kind) {
	case FIELD_TEXT:
		s = pool_printf(w->pool, "\"%s\"", shorten(w, f->text));
		break;
	case FIELD_NUMBER:
		s = pool_printf(w->pool, "%" PRIu64, f->number);
		break;
	case FIELD_BOOL:
		return f->number ? "yes" : "no";
	case FIELD_HEX:
		return hex(w, f->bytes, f->bytes.n > DIGEST_MAX ? DIGEST_SHOWN : DIGEST_MAX);
	case FIELD_GROUP:
	case FIELD_LIST:
		break;
	}
	if (!s)
		w->text = NULL;
	return s ? s : "";
}

/* Everything in a field on one line. */
static const char *field_line(struct words *w, const struct field *f)
{
	const char *line = "";

	if (f->kind != FIELD_GROUP && f->kind != FIELD_LIST)
		return leaf_text(w, f);
	for (size_t i = 0; i < f->n && line && strlen(line) < TEXT_MAX; i++) {
		const struct field *child = &f->children[i];
		const char *called = child->name ? field_called(child->name) : "";

		if (called)
			line = pool_printf(w->pool, "%s%s%s%s%s", line,
					   *line ? f->kind == FIELD_LIST ? ", " : " " : "", called,
					   *called ? " " : "", field_line(w, child));
	}
	if (!line)
		w->text = NULL;
	return line ? line : "";
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
		tell(w, "%s \"%s\"", what, shorten(w, text));
	else
		w->text = NULL;
}

/* Which words were removed and added. False, with nothing told, when the texts are no words, too long, or have the same words. */
static bool tell_words(struct words *w, const char *text_a, const char *text_b)
{
	struct tokens a, b;

	if (!split(w, text_a, &a) || !split(w, text_b, &b) || (a.n < 2 && b.n < 2))
		return false;
	for (; a.n && b.n && slice_equal(a.items[0], b.items[0]); a.n--, b.n--) {
		a.items++;
		b.items++;
	}
	while (a.n && b.n && slice_equal(a.items[a.n - 1], b.items[b.n - 1])) {
		a.n--;
		b.n--;
	}
	if (a.n + 1 > WORDS_TABLE / (b.n + 1))
		return false;
	size_t width = b.n + 1, told = 0;
	uint16_t *table =
		calloc((a.n + 1) * width, sizeof *table); /* counts stay below 256, the root of WORDS_TABLE */

	if (!table) {
		w->text = NULL;
		return false;
	}
	for (size_t i = a.n; i-- > 0;)
		for (size_t j = b.n; j-- > 0;) {
			uint16_t down = table[(i + 1) * width + j], right = table[i * width + j + 1];

			table[i * width + j] = slice_equal(a.items[i], b.items[j]) ?
						       (uint16_t)(table[(i + 1) * width + j + 1] + 1) :
					       down > right ? down :
							      right;
		}
	for (size_t i = 0, j = 0; i < a.n || j < b.n;) {
		if (i < a.n && j < b.n && slice_equal(a.items[i], b.items[j])) {
			i++;
			j++;
		} else if (j == b.n || (i < a.n && table[(i + 1) * width + j] >= table[i * width + j + 1])) {
			tell_word(w, "removed", a.items[i++]);
			told++;
		} else {
			tell_word(w, "added", b.items[j++]);
			told++;
		}
	}
	free(table);
	return told > 0;
}

/* ---- lists ---- */

/* One signature of a list, for people and for comparison. */
struct signature {
	const char *key;   /* all of it */
	const char *words; /* certificate "subject" */
};

struct signatures {
	struct signature *items;
	size_t n, cap;
};

static const char *signature_words(struct words *w, const struct field *type, const struct field *f)
{
	const struct field *subject = field_find(f, "subject"), *digest = field_find(f, "digest");
	const struct field *data = field_find(f, "signatureData");
	const char *kind = type && type->kind == FIELD_TEXT ? type->text : "", *s = "signature";

	if (subject && subject->kind == FIELD_TEXT)
		s = pool_printf(w->pool, "certificate %s", shorten(w, subject->text));
	else if (digest && digest->kind == FIELD_HEX)
		s = pool_printf(w->pool, "%s hash %s", kind, hex(w, digest->bytes, DIGEST_MAX));
	else if (data && data->kind == FIELD_HEX)
		s = pool_printf(w->pool, "%s signature %s", kind, hex(w, data->bytes, DIGEST_SHOWN));
	if (!s)
		w->text = NULL;
	return s ? s : "";
}

static const char *signature_key(struct words *w, const struct field *type, const struct field *f)
{
	const char *key = type && type->kind == FIELD_TEXT ? type->text : "";

	for (size_t i = 0; i < f->n && key; i++) {
		const struct field *c = &f->children[i];

		if (c->kind == FIELD_TEXT)
			key = pool_printf(w->pool, "%s|%s", key, c->text);
		else if (c->kind == FIELD_HEX)
			key = pool_printf(w->pool, "%s|%s", key, hex(w, c->bytes, c->bytes.n));
	}
	if (!key)
		w->text = NULL;
	return key ? key : "";
}

/* The signatures of all lists of a variable. */
static void collect_signatures(struct words *w, const struct field *lists, struct signatures *ret)
{
	*ret = (struct signatures){ NULL, 0, 0 };
	for (size_t i = 0; lists && i < lists->n; i++) {
		const struct field *type = field_find(&lists->children[i], "signatureType");
		const struct field *list = field_find(&lists->children[i], "signatures");

		for (size_t k = 0; list && k < list->n; k++) {
			struct signature *s = pool_push(w->pool, &ret->items, &ret->n, &ret->cap, sizeof *s);

			if (!s) {
				w->text = NULL;
				return;
			}
			s->key = signature_key(w, type, &list->children[k]);
			s->words = signature_words(w, type, &list->children[k]);
		}
	}
}

static int by_key(const void *x, const void *y)
{
	return strcmp(((const struct signature *)x)->key, ((const struct signature *)y)->key);
}

static void tell_signatures(struct words *w, const struct field *lists_a, const struct field *lists_b)
{
	struct signatures a, b;
	size_t before = w->n + w->left_out;

	collect_signatures(w, lists_a, &a);
	collect_signatures(w, lists_b, &b);
	if (!w->text)
		return;
	if (a.n)
		qsort(a.items, a.n, sizeof *a.items, by_key);
	if (b.n)
		qsort(b.items, b.n, sizeof *b.items, by_key);
	for (size_t i = 0, j = 0; i < a.n || j < b.n;) {
		int r = i == a.n ? 1 : j == b.n ? -1 : strcmp(a.items[i].key, b.items[j].key);

		if (r < 0)
			tell(w, "removed %s", a.items[i].words);
		else if (r > 0)
			tell(w, "added %s", b.items[j].words);
		i += r <= 0;
		j += r >= 0;
	}
	if (w->n + w->left_out == before)
		tell(w, "the same signatures in other order or other lists");
}

static void tell_group(struct words *w, const char *about, const struct field *a, const struct field *b);

/* The child of a list whose field key is equal to that of item. */
static const struct field *find_by_key(const struct field *list, const char *key, const struct field *item)
{
	const struct field *want = field_find(item, key);

	for (size_t i = 0; want && i < list->n; i++) {
		const struct field *got = field_find(&list->children[i], key);

		if (got && leaf_equal(want, got))
			return &list->children[i];
	}
	return NULL;
}

/* Partitions, by their id; those that lost it by their number. */
static void tell_partitions(struct words *w, const struct field *a, const struct field *b)
{
	static const char key[] = "uniquePartitionGuid";

	for (size_t i = 0; i < a->n; i++) {
		const struct field *p = &a->children[i], *q = find_by_key(b, key, p);
		const struct field *name = field_find(p, "partitionName");
		const char *about =
			pool_printf(w->pool, "partition %zu%s%s%s ", i + 1, name && *name->text ? " \"" : "",
				    name ? shorten(w, name->text) : "", name && *name->text ? "\"" : "");

		if (!q && i < b->n && !find_by_key(a, key, &b->children[i]))
			q = &b->children[i];
		if (!about)
			w->text = NULL;
		else if (!q)
			tell(w, "%sremoved", about);
		else
			tell_group(w, about, p, q);
	}
	for (size_t i = 0; i < b->n; i++)
		if (!find_by_key(a, key, &b->children[i]) &&
		    (i >= a->n || find_by_key(b, key, &a->children[i])))
			tell(w, "partition %zu added: %s", i + 1, field_line(w, &b->children[i]));
}

/* Neighbours in both lists count as equal; the rest is told as removed and added. */
static void tell_list(struct words *w, const char *called, const struct field *a, const struct field *b)
{
	size_t head = 0, tail = 0;

	while (head < a->n && head < b->n && fields_equal(&a->children[head], &b->children[head]))
		head++;
	while (tail < a->n - head && tail < b->n - head &&
	       fields_equal(&a->children[a->n - 1 - tail], &b->children[b->n - 1 - tail]))
		tail++;
	for (size_t i = head; i < a->n - tail; i++)
		tell(w, "removed %s %s", called, shorten(w, field_line(w, &a->children[i])));
	for (size_t i = head; i < b->n - tail; i++)
		tell(w, "added %s %s", called, shorten(w, field_line(w, &b->children[i])));
}

static bool is_plain_list(const struct field *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->children[i].kind == FIELD_GROUP || f->children[i].kind == FIELD_LIST)
			return false;
	return true;
}

/* ---- what differs between two fields of one name ---- */

static void tell_field(struct words *w, const char *about, const char *called, const struct field *a,
		       const struct field *b)
{
	if (fields_equal(a, b))
		return;
	if (a->kind != b->kind) {
		tell(w, "%s%s %s → %s", about, called, shorten(w, field_line(w, a)),
		     shorten(w, field_line(w, b)));
	} else if (a->kind == FIELD_GROUP) {
		tell_group(w, about, a, b);
	} else if (a->kind == FIELD_LIST) {
		if (strcmp(a->name, "signatureLists") == 0)
			tell_signatures(w, a, b);
		else if (strcmp(a->name, "partitions") == 0 && a->n <= PAIRS_MAX / (b->n + 1))
			tell_partitions(w, a, b);
		else if (is_plain_list(a) && is_plain_list(b))
			tell(w, "%s%s %s → %s", about, called, shorten(w, field_line(w, a)),
			     shorten(w, field_line(w, b)));
		else
			tell_list(w, called, a, b);
	} else if (a->kind != FIELD_TEXT || !tell_words(w, a->text, b->text)) {
		tell(w, "%s%s %s → %s", about, called, leaf_text(w, a), leaf_text(w, b));
	}
}

static void tell_group(struct words *w, const char *about, const struct field *a, const struct field *b)
{
	/* with the file's name in both, the way to it is left out: a prediction does not know it */
	bool files = field_find(a, "file") && field_find(b, "file");

	for (size_t i = 0; i < a->n; i++) {
		const struct field *x = &a->children[i], *y = x->name ? field_find(b, x->name) : NULL;
		const char *called = x->name ? field_called(x->name) : NULL;

		if (!called || (files && strcmp(x->name, "devicePath") == 0) ||
		    (!files && strcmp(x->name, "file") == 0))
			continue;
		if (y)
			tell_field(w, about, called, x, y);
		else if (strcmp(x->name, "signatureLists") == 0)
			tell_signatures(w, x, NULL);
		else
			tell(w, "%s%s %s → not set", about, called, shorten(w, field_line(w, x)));
	}
	for (size_t i = 0; i < b->n; i++) {
		const struct field *y = &b->children[i];
		const char *called = y->name && !field_find(a, y->name) ? field_called(y->name) : NULL;

		if (!called || strcmp(y->name, "file") == 0)
			continue;
		if (strcmp(y->name, "signatureLists") == 0)
			tell_signatures(w, NULL, y);
		else
			tell(w, "%s%s not set → %s", about, called, shorten(w, field_line(w, y)));
	}
}

/* ---- events ---- */

static bool is_image(const struct event *ev)
{
	return ev->content == CONTENT_PCCLIENT &&
	       (ev->type == EV_EFI_BOOT_SERVICES_APPLICATION || ev->type == EV_EFI_BOOT_SERVICES_DRIVER ||
		ev->type == EV_EFI_RUNTIME_SERVICES_DRIVER);
}

static bool is_variable(const struct event *ev)
{
	return ev->content == CONTENT_PCCLIENT &&
	       (ev->type == EV_EFI_VARIABLE_DRIVER_CONFIG || ev->type == EV_EFI_VARIABLE_BOOT ||
		ev->type == EV_EFI_VARIABLE_BOOT2 || ev->type == EV_EFI_VARIABLE_AUTHORITY ||
		ev->type == EV_EFI_SPDM_DEVICE_POLICY || ev->type == EV_EFI_SPDM_DEVICE_AUTHORITY);
}

static const char *section_label(struct pool *pool, const struct event *ev)
{
	const char *name = utf16le_text(pool, ev->data);

	return name ? pool_printf(pool, "section %s", name) : NULL;
}

/* The decoder's line, without the length behind it. */
static const char *image_label(struct pool *pool, const struct event *ev, const struct decoded *d)
{
	const char *comma = strrchr(d->summary, ',');
	size_t n = comma ? (size_t)(comma - d->summary) : strlen(d->summary);

	return pool_printf(pool, "%s%.*s", ev->type == EV_EFI_BOOT_SERVICES_APPLICATION ? "boot " : "",
			   (int)n, d->summary);
}

/* What Linux' EFI stub tags: the text behind it is a constant, not what was measured (Linux 6.1, efi-stub-helper.c). */
static const char *linux_label(const struct event *ev, const struct decoded *d)
{
	const struct field *writer = field_find(&d->root, "writer"), *kind = field_find(&d->root, "kind");

	if (ev->type != EV_EVENT_TAG || !writer || !kind || writer->kind != FIELD_TEXT ||
	    strcmp(writer->text, "Linux") != 0)
		return NULL;
	return strcmp(kind->text, "initrd") == 0 ? "Linux initrd" : "Linux load options";
}

static const char *event_label(struct pool *pool, const struct event *ev, const struct decoded *d)
{
	const char *label = is_image(ev) ? image_label(pool, ev, d) : linux_label(ev, d);

	if (!label)
		label = d->summary;
	return *label ? label : "event"; /* an empty text is all there is to say of it */
}

/* What two events have in common: for "kind: content" the kind. */
static const char *common_label(struct pool *pool, const struct event *ev, const struct decoded *a,
				const struct decoded *b)
{
	const struct field *name = is_variable(ev) ? field_find(&a->root, "unicodeName") : NULL;
	char buf[11];
	size_t n = 0, colon = 0;

	if (name)
		return pool_printf(pool, "%s %s",
				   ev->type == EV_EFI_VARIABLE_AUTHORITY ? "authority" : "variable",
				   name->text);
	if (ev->content == CONTENT_PCCLIENT &&
	    (ev->type == EV_EFI_GPT_EVENT || ev->type == EV_EFI_GPT_EVENT2))
		return "partition table";
	for (; a->summary[n] && a->summary[n] == b->summary[n]; n++)
		if (colon == 0 && a->summary[n] == ':' && a->summary[n + 1] == ' ')
			colon = n;
	if (a->summary[n] == b->summary[n])
		return event_label(pool, ev, a);
	if (colon)
		return pool_text(pool, a->summary, colon);
	return pool_text(pool, event_type_name(ev->type, buf), strlen(event_type_name(ev->type, buf)));
}

static void tell_digests(struct words *w, const struct eventlog_alg *alg, struct diff_side a,
			 struct diff_side b)
{
	struct slice x = diff_digest(a.log, a.ev, alg->id), y = diff_digest(b.log, b.ev, alg->id);

	if (slice_equal(x, y))
		tell(w, a.ev->type == EV_NO_ACTION ? "other data" : "digests of another bank differ");
	else
		tell(w, "digest %s → %s", x.n ? hex(w, x, DIGEST_SHOWN) : "none",
		     y.n ? hex(w, y, DIGEST_SHOWN) : "none");
}

static const char *finish(struct words *w, struct pool *pool, const char *label)
{
	if (!w->text || !label)
		return NULL;
	return w->left_out ? pool_printf(pool, "%s: %s, and %zu more", label, w->text, w->left_out) :
			     pool_printf(pool, "%s: %s", label, w->text);
}

const char *diff_words_changed(struct pool *pool, const struct eventlog_alg *alg, struct diff_side a,
			       struct diff_side b, bool section)
{
	struct pool scratch = POOL_INIT;
	struct words w = { .pool = &scratch, .text = "" };
	struct decoded x, y;
	const char *label, *s = NULL;

	if (section) {
		tell_digests(&w, alg, a, b);
		s = finish(&w, pool, section_label(&scratch, a.ev));
	} else if (event_decode(&scratch, a.log, a.ev, &x, NULL) == 0 &&
		   event_decode(&scratch, b.log, b.ev, &y, NULL) == 0) {
		label = is_image(a.ev) ? image_label(&scratch, b.ev, &y) :
					 common_label(&scratch, a.ev, &x, &y);
		/* an image's content is its digest; of other events the fields tell more */
		if (is_image(a.ev))
			tell_digests(&w, alg, a, b);
		tell_group(&w, "", &x.root, &y.root);
		if (w.n == 0)
			tell_digests(&w, alg, a, b);
		s = finish(&w, pool, label);
	}
	pool_done(&scratch);
	return s;
}

/* What an event is called; NULL when memory gives out. */
static const char *label_of(struct pool *pool, struct diff_side side, bool section)
{
	struct decoded d;

	if (section)
		return section_label(pool, side.ev);
	return event_decode(pool, side.log, side.ev, &d, NULL) == 0 ? event_label(pool, side.ev, &d) : NULL;
}

const char *diff_words_single(struct pool *pool, const struct eventlog_alg *alg, struct diff_side side,
			      bool section)
{
	struct pool scratch = POOL_INIT;
	struct words w = { .pool = &scratch, .text = "" };
	const char *label = label_of(&scratch, side, section), *s = NULL;
	struct slice digest = diff_digest(side.log, side.ev, alg->id);
	if (label)
		s = digest.n ? pool_printf(pool, "%s: digest %s", label, hex(&w, digest, DIGEST_SHOWN)) :
			       pool_text(pool, label, strlen(label));
	pool_done(&scratch);
	return s;
}

const char *diff_words_moved(struct pool *pool, struct diff_side side, bool section, size_t place_a,
			     size_t place_b)
{
	struct pool scratch = POOL_INIT;
	const char *label = label_of(&scratch, side, section), *s = NULL;
	if (label)
		s = pool_printf(pool, "%s: place %zu → %zu in the register", label, place_a + 1, place_b + 1);
	pool_done(&scratch);
	return s;
}
