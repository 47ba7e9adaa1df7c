/* Two decoded events, field by field, in words. */
#include <inttypes.h>
#include <stdlib.h>

#include "eventlog/diff_words_impl.h"

/* Pairs of partitions that are looked at: 1024 in each table, a disk has 128 as a rule. */
enum { PAIRS_MAX = 1 << 20 };

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
		s = pool_printf(w->pool, "\"%s\"", words_shorten(w, f->text));
		break;
	case FIELD_NUMBER:
		s = pool_printf(w->pool, "%" PRIu64, f->number);
		break;
	case FIELD_BOOL:
		return f->number ? "yes" : "no";
	case FIELD_HEX:
		return words_hex(w, f->bytes, f->bytes.n > DIGEST_MAX ? DIGEST_SHOWN : DIGEST_MAX);
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
		s = pool_printf(w->pool, "certificate %s", words_shorten(w, subject->text));
	else if (digest && digest->kind == FIELD_HEX)
		s = pool_printf(w->pool, "%s hash %s", kind, words_hex(w, digest->bytes, DIGEST_MAX));
	else if (data && data->kind == FIELD_HEX)
		s = pool_printf(w->pool, "%s signature %s", kind, words_hex(w, data->bytes, DIGEST_SHOWN));
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
			key = pool_printf(w->pool, "%s|%s", key, words_hex(w, c->bytes, c->bytes.n));
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
			words_tell(w, "removed %s", a.items[i].words);
		else if (r > 0)
			words_tell(w, "added %s", b.items[j].words);
		i += r <= 0;
		j += r >= 0;
	}
	if (w->n + w->left_out == before)
		words_tell(w, "the same signatures in other order or other lists");
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
		const char *about = pool_printf(
			w->pool, "partition %zu%s%s%s ", i + 1, name && *name->text ? " \"" : "",
			name ? words_shorten(w, name->text) : "", name && *name->text ? "\"" : "");

		if (!q && i < b->n && !find_by_key(a, key, &b->children[i]))
			q = &b->children[i];
		if (!about)
			w->text = NULL;
		else if (!q)
			words_tell(w, "%sremoved", about);
		else
			tell_group(w, about, p, q);
	}
	for (size_t i = 0; i < b->n; i++)
		if (!find_by_key(a, key, &b->children[i]) &&
		    (i >= a->n || find_by_key(b, key, &a->children[i])))
			words_tell(w, "partition %zu added: %s", i + 1, field_line(w, &b->children[i]));
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
		words_tell(w, "removed %s %s", called, words_shorten(w, field_line(w, &a->children[i])));
	for (size_t i = head; i < b->n - tail; i++)
		words_tell(w, "added %s %s", called, words_shorten(w, field_line(w, &b->children[i])));
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
		words_tell(w, "%s%s %s → %s", about, called, words_shorten(w, field_line(w, a)),
			   words_shorten(w, field_line(w, b)));
	} else if (a->kind == FIELD_GROUP) {
		tell_group(w, about, a, b);
	} else if (a->kind == FIELD_LIST) {
		if (strcmp(a->name, "signatureLists") == 0)
			tell_signatures(w, a, b);
		else if (strcmp(a->name, "partitions") == 0 && a->n <= PAIRS_MAX / (b->n + 1))
			tell_partitions(w, a, b);
		else if (is_plain_list(a) && is_plain_list(b))
			words_tell(w, "%s%s %s → %s", about, called, words_shorten(w, field_line(w, a)),
				   words_shorten(w, field_line(w, b)));
		else
			tell_list(w, called, a, b);
	} else if (a->kind != FIELD_TEXT || !words_tell_text(w, a->text, b->text)) {
		words_tell(w, "%s%s %s → %s", about, called, leaf_text(w, a), leaf_text(w, b));
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
			words_tell(w, "%s%s %s → not set", about, called, words_shorten(w, field_line(w, x)));
	}
	for (size_t i = 0; i < b->n; i++) {
		const struct field *y = &b->children[i];
		const char *called = y->name && !field_find(a, y->name) ? field_called(y->name) : NULL;

		if (!called || strcmp(y->name, "file") == 0)
			continue;
		if (strcmp(y->name, "signatureLists") == 0)
			tell_signatures(w, NULL, y);
		else
			words_tell(w, "%s%s not set → %s", about, called, words_shorten(w, field_line(w, y)));
	}
}

void words_tell_fields(struct words *w, const struct field *a, const struct field *b)
{
	tell_group(w, "", a, b);
}
